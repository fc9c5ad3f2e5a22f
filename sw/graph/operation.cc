#include "lutra/graph/operation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "kind_table.h"
#include "lutra/base/error.h"

namespace lutra::graph {

std::shared_ptr<const Operation> make_operation(const std::string& kind,
                                                const nlohmann::json& attributes,
                                                const std::string& where) {
  for (const KindEntry& entry : kind_table()) {
    if (entry.name == kind) {
      return entry.make(Attributes(attributes, fmt::format("{} ({})", where, kind)));
    }
  }
  throw Error(ErrorKind::kUnimplemented, fmt::format("{}: kind '{}', expected one of: {}", where,
                                                     kind, fmt::join(operation_kinds(), ", ")));
}

std::vector<std::string> operation_kinds() {
  std::vector<std::string> names;
  for (const KindEntry& entry : kind_table()) names.push_back(entry.name);
  return names;
}

}  // namespace lutra::graph
