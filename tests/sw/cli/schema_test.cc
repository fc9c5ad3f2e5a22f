// The schemas of results in docs/schema: strict, described, and refusing what they should. What the
// commands write is validated where it is made: run_lutra.h.
#include "schemas.h"

#include <functional>
#include <set>

#include "lutra/base/files.h"
#include "run_lutra.h"

namespace lutra::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class Schema : public CommandLine {};

/// Calls `visit` with every schema of an object that names its keys, and its place.
void visit_objects(const json& schema, const std::string& place,
                   const std::function<void(const json&, const std::string&)>& visit) {
  if (schema.is_array()) {
    for (const json& value : schema) visit_objects(value, place, visit);
  }
  if (!schema.is_object()) return;
  if (schema.contains("properties")) visit(schema, place);
  for (const auto& [key, value] : schema.items()) {
    // What these hold is part of the schema around them.
    if (key != "if" && key != "then" && key != "else") {
      visit_objects(value, place + "/" + key, visit);
    }
  }
}

TEST_F(Schema, EveryObjectIsClosedAndEveryKeyDescribed) {
  int keys = 0;
  for (const std::string& name : schema_names()) {
    const json schema = schema_named(name);
    const std::string id = schema.at("$id");
    EXPECT_EQ(id.rfind("lutra-" + name + "-", 0), 0u) << id;
    EXPECT_EQ(schema.at("properties").at("schema").at("const"), id);
    visit_objects(schema, name, [&keys](const json& object, const std::string& place) {
      EXPECT_EQ(object.value("additionalProperties", json()), false) << place;
      for (const json& key : object.at("required")) {
        EXPECT_TRUE(object.at("properties").contains(key.get<std::string>())) << place << key;
      }
      for (const auto& [key, value] : object.at("properties").items()) {
        EXPECT_FALSE(value.value("description", "").empty()) << place << "/" << key;
        EXPECT_TRUE(value.contains("type") || value.contains("enum") || value.contains("const"))
            << place << "/" << key;
        ++keys;
      }
    });
  }
  std::printf("checked=%d keys\n", keys);
  EXPECT_GT(keys, 300);
}

// A component's keys stand in the result of `characterize` too.
TEST_F(Schema, CharacterizeHasAllOfAComponent) {
  const json component = schema_named("component");
  const json characterize = schema_named("characterize");
  for (const auto& [key, value] : component.at("properties").items()) {
    if (key == "schema") continue;
    ASSERT_TRUE(characterize.at("properties").contains(key)) << key;
    EXPECT_EQ(characterize.at("properties").at(key), value) << key;
  }
  for (const char* part : {"if", "then", "else"}) {
    EXPECT_EQ(characterize.at(part), component.at(part)) << part;
  }
}

TEST_F(Schema, EverySubcommandHasOne) {
  const std::string help = run({"--help"}).out;
  const size_t begin = help.find("Subcommands:\n");
  ASSERT_NE(begin, std::string::npos) << help;
  std::istringstream lines(help.substr(begin + 13));
  int commands = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.size() < 3 || line[0] != ' ' || line[2] == ' ') continue;
    const std::string command = line.substr(2, line.find(' ', 2) - 2);
    const json schema = schema_named(command);
    ASSERT_TRUE(schema.is_object()) << command << ": no docs/schema/" << command << ".json";
    EXPECT_EQ(schema.at("properties").at("command").at("const"), command);
    ++commands;
  }
  std::printf("checked=%d commands\n", commands);
  EXPECT_GE(commands, 8);
}

TEST_F(Schema, CommittedResultsAreValid) {
  int results = 0;
  for (const std::string& file : files_below(fs::path(LUTRA_SOURCE_DIR) / "docs" / "results")) {
    if (fs::path(file).filename() != "result.json") continue;
    EXPECT_EQ(schema_faults(json::parse(base::read_file(file))), "") << file;
    ++results;
  }
  std::printf("checked=%d results\n", results);
}

class SchemaRefuses : public Schema {
 protected:
  void SetUp() override {
    result_ = json::parse(run({"multipliers", "--json"}).out);
    ASSERT_EQ(schema_faults(result_), "");
    for (json& family : result_.at("multipliers")) {
      if (!family.at("parameters_at_width_8").empty()) family_ = &family;
    }
    ASSERT_NE(family_, nullptr);
  }
  json result_;
  json* family_ = nullptr;  ///< one with parameters
};

TEST_F(SchemaRefuses, AMissingKey_bad) {
  family_->at("parameters_at_width_8").at(0).erase("maximum");
  EXPECT_NE(schema_faults(result_).find("maximum"), std::string::npos) << schema_faults(result_);
  result_.erase("schema");
  EXPECT_EQ(schema_faults(result_), "no key `schema`\n");
}

TEST_F(SchemaRefuses, AWrongType_bad) {
  family_->at("parameters_at_width_8").at(0).at("maximum") = "7";
  EXPECT_NE(schema_faults(result_).find("maximum"), std::string::npos) << schema_faults(result_);
}

TEST_F(SchemaRefuses, AnUnknownKey_bad) {
  family_->at("parameters_at_width_8").at(0)["maximun"] = 7;
  EXPECT_NE(schema_faults(result_).find("maximun"), std::string::npos) << schema_faults(result_);
}

TEST_F(SchemaRefuses, ANumberOutOfRange_bad) {
  family_->at("widths") = {1, 16};
  EXPECT_NE(schema_faults(result_), "");
}

TEST_F(SchemaRefuses, AnotherVersion_bad) {
  result_.at("schema") = "lutra-multipliers-0";
  EXPECT_EQ(schema_faults(result_), "lutra-multipliers-0: not in docs/schema\n");
  result_.at("schema") = "lutra-evaluate-1";
  EXPECT_NE(schema_faults(result_), "");
}

// One case for each word of JSON Schema that the schemas rely on: a validator that passes one of
// them over would accept anything there.
TEST_F(Schema, EveryWordOfTheSchemasIsObeyed_bad) {
  const auto refuses = [](const char* schema, const char* good, const char* bad) {
    EXPECT_EQ(schema_faults(json::parse(schema), json::parse(good)), "") << schema << good;
    EXPECT_NE(schema_faults(json::parse(schema), json::parse(bad)), "") << schema << bad;
  };
  refuses(R"({"type": ["number", "null"]})", "null", "\"1\"");
  refuses(R"({"type": "integer"})", "1", "1.5");
  refuses(R"({"const": "a"})", "\"a\"", "\"b\"");
  refuses(R"({"enum": ["a", "b"]})", "\"b\"", "\"c\"");
  refuses(R"({"minimum": 0})", "0", "-0.5");
  refuses(R"({"maximum": 1})", "1", "1.5");
  refuses(R"({"exclusiveMinimum": 0})", "0.5", "0");
  refuses(R"({"pattern": "^[0-9]$"})", "\"1\"", "\"12\"");
  refuses(R"({"minItems": 2, "maxItems": 2})", "[1, 2]", "[1]");
  refuses(R"({"minItems": 2, "maxItems": 2})", "[1, 2]", "[1, 2, 3]");
  refuses(R"({"items": {"type": "string"}})", "[\"a\"]", "[1]");
  refuses(R"({"additionalProperties": {"type": "string"}})", R"({"a": "b"})", R"({"a": 1})");
  refuses(R"({"properties": {"a": {}}, "additionalProperties": false})", R"({"a": 1})",
          R"({"b": 1})");
  refuses(R"({"required": ["a"]})", R"({"a": 1})", R"({"b": 1})");
  refuses(R"({"dependencies": {"a": ["b"]}})", R"({"a": 1, "b": 1})", R"({"a": 1})");
  refuses(R"({"anyOf": [{"type": "string"}, {"type": "null"}]})", "null", "1");
  refuses(
      R"({"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ["c"]}})",
      R"({"a": 1, "b": 1})", R"({"a": 1, "c": 1})");
  refuses(
      R"({"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ["c"]}})",
      R"({"c": 1})", R"({"b": 1})");
}

}  // namespace
}  // namespace lutra::test
