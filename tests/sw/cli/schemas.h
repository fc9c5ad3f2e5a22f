#ifndef LUTRA_TESTS_SW_CLI_SCHEMAS_H_
#define LUTRA_TESTS_SW_CLI_SCHEMAS_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace lutra::test {

/// The schema docs/schema/<name>.json, with what it refers to in the place of each "$ref"; of a
/// name that is no schema, null.
nlohmann::json schema_named(const std::string& name);

/// Names of the schemas in docs/schema, without the definitions that they share.
std::vector<std::string> schema_names();

/// What its schema, which its key `schema` names, finds wrong with a result, a line each; "" if
/// nothing is.
std::string schema_faults(const nlohmann::json& result);

/// The same under a schema given.
std::string schema_faults(const nlohmann::json& schema, const nlohmann::json& result);

}  // namespace lutra::test

#endif  // LUTRA_TESTS_SW_CLI_SCHEMAS_H_
