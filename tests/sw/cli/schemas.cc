#include "schemas.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <stdexcept>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

namespace lutra::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Adapter = valijson::adapters::NlohmannJsonAdapter;

const fs::path kSchemas = fs::path(LUTRA_SOURCE_DIR) / "docs" / "schema";

const json& file_of(const std::string& name) {
  static std::map<std::string, json> files;
  if (files.count(name) == 0) {
    std::ifstream in(kSchemas / name);
    if (!in) throw std::runtime_error((kSchemas / name).string() + ": no such file");
    files[name] = json::parse(in);
  }
  return files[name];
}

/// Valijson 1.0 follows no chain of relative references, so what they refer to is put in their
/// place. A description beside "$ref" stays: it says what the value is here.
json resolved(const json& schema, const std::string& file) {
  if (schema.is_array()) {
    json result = json::array();
    for (const json& value : schema) result.push_back(resolved(value, file));
    return result;
  }
  if (!schema.is_object()) return schema;
  if (schema.contains("$ref")) {
    const std::string ref = schema.at("$ref");
    const size_t hash = std::min(ref.find('#'), ref.size());
    const std::string target = hash == 0 ? file : ref.substr(0, hash);
    const std::string pointer = hash < ref.size() ? ref.substr(hash + 1) : "";
    json result = resolved(file_of(target).at(json::json_pointer(pointer)), target);
    if (schema.contains("description")) result["description"] = schema.at("description");
    return result;
  }
  json result = json::object();
  for (const auto& [key, value] : schema.items()) result[key] = resolved(value, file);
  return result;
}

std::string faults(const valijson::Schema& schema, const json& result) {
  valijson::Validator validator(valijson::Validator::kStrongTypes);
  valijson::ValidationResults found;
  if (validator.validate(schema, Adapter(result), &found)) return "";
  std::string text;
  for (const auto& fault : found) {
    for (const std::string& place : fault.context) text += place;
    text += ": " + fault.description + "\n";
  }
  return text.empty() ? "refused\n" : text;
}

std::unique_ptr<valijson::Schema> parsed(const json& schema) {
  auto result = std::make_unique<valijson::Schema>();
  valijson::SchemaParser(valijson::SchemaParser::kDraft7).populateSchema(Adapter(schema), *result);
  return result;
}

/// "evaluate" of "lutra-evaluate-1"; "" of what is no name of a schema.
std::string file_name(const std::string& schema) {
  const size_t dash = schema.rfind('-');
  if (schema.rfind("lutra-", 0) != 0 || dash < 6) return "";
  return schema.substr(6, dash - 6);
}

}  // namespace

std::vector<std::string> schema_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kSchemas)) {
    if (entry.path().extension() == ".json" && entry.path().stem() != "definitions") {
      names.push_back(entry.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

json schema_named(const std::string& name) {
  if (!fs::exists(kSchemas / (name + ".json"))) return nullptr;
  return resolved(file_of(name + ".json"), name + ".json");
}

std::string schema_faults(const json& schema, const json& result) {
  return faults(*parsed(schema), result);
}

std::string schema_faults(const json& result) {
  if (!result.is_object() || !result.contains("schema") || !result.at("schema").is_string()) {
    return "no key `schema`\n";
  }
  static std::map<std::string, std::unique_ptr<valijson::Schema>> schemas;
  const std::string id = result.at("schema");
  if (schemas.count(id) == 0) {
    const json schema = schema_named(file_name(id));
    if (!schema.is_object() || schema.at("$id") != id) return id + ": not in docs/schema\n";
    schemas[id] = parsed(schema);
  }
  return faults(*schemas[id], result);
}

}  // namespace lutra::test
