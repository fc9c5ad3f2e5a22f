#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>
#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

#include "lutra/base/error.h"
#include "lutra/component/library.h"
#include "lutra/data/dataset.h"
#include "lutra/studies/study.h"

namespace lutra::studies {
namespace {

namespace fs = std::filesystem;

/// Reads one table: each key at most once, and at the end none may be left over.
class TableReader {
 public:
  TableReader(const toml::table& table, std::string file, std::string prefix)
      : table_(table), file_(std::move(file)), prefix_(std::move(prefix)) {}

  [[noreturn]] void fail(const toml::node* node, const std::string& what) const {
    const auto line = node ? node->source().begin.line : table_.source().begin.line;
    // Values that --set gave have no line.
    throw Error(ErrorKind::kInvalidArgument, line > 0 ? fmt::format("{}:{}: {}", file_, line, what)
                                                      : fmt::format("{}: {}", file_, what));
  }

  const toml::node* find(const std::string& key) {
    known_.insert(key);
    return table_.get(key);
  }

  void read(const std::string& key, std::string* value) {
    if (const toml::node* node = find(key)) {
      if (!node->is_string()) wrong_type(node, key, "a string");
      *value = node->as_string()->get();
    }
  }

  void read(const std::string& key, bool* value) {
    if (const toml::node* node = find(key)) {
      if (!node->is_boolean()) wrong_type(node, key, "true or false");
      *value = node->as_boolean()->get();
    }
  }

  void read(const std::string& key, double* value, double low, double high) {
    if (const toml::node* node = find(key)) {
      if (!node->is_number()) wrong_type(node, key, "a number");
      *value = node->is_integer() ? static_cast<double>(node->as_integer()->get())
                                  : node->as_floating_point()->get();
      if (!(*value >= low && *value <= high)) {
        fail(node, fmt::format("{} = {}, expected {}..{}", name(key), *value, low, high));
      }
    }
  }

  template <typename Integer>
  void read_integer(const std::string& key, Integer* value, int64_t low, int64_t high) {
    if (const toml::node* node = find(key)) {
      if (!node->is_integer()) wrong_type(node, key, "an integer");
      const int64_t number = node->as_integer()->get();
      if (number < low || number > high) {
        fail(node, fmt::format("{} = {}, expected {}..{}", name(key), number, low, high));
      }
      *value = static_cast<Integer>(number);
    }
  }

  void read(const std::string& key, std::vector<std::string>* values) {
    if (const toml::node* node = find(key)) {
      if (!node->is_array()) wrong_type(node, key, "an array of strings");
      for (const toml::node& item : *node->as_array()) {
        if (!item.is_string()) wrong_type(&item, key, "an array of strings");
        values->push_back(item.as_string()->get());
      }
    }
  }

  /// A string, or an array of strings.
  void read_one_or_more(const std::string& key, std::vector<std::string>* values) {
    const toml::node* node = find(key);
    if (node != nullptr && node->is_string()) {
      values->push_back(node->as_string()->get());
    } else {
      read(key, values);
    }
    const bool is_empty = values->empty() || values->front().empty();
    if (node != nullptr && is_empty && !node->is_string()) {
      fail(node, fmt::format("{} = [], expected a string or strings", name(key)));
    }
    if (values->size() == 1 && is_empty) values->clear();
  }

  std::unique_ptr<TableReader> table(const std::string& key) {
    const toml::node* node = find(key);
    if (node == nullptr) return nullptr;
    if (!node->is_table()) wrong_type(node, key, "a table");
    return std::make_unique<TableReader>(*node->as_table(), file_, name(key) + ".");
  }

  const toml::table& raw() const { return table_; }

  void finish() const {
    for (const auto& [key, node] : table_) {
      if (known_.count(std::string(key.str())) == 0) {
        fail(&node, fmt::format("unknown key '{}{}', expected one of: {}", prefix_,
                                std::string_view(key.str()), fmt::join(known_, ", ")));
      }
    }
  }

  std::string name(const std::string& key) const { return prefix_ + key; }

  [[noreturn]] void wrong_type(const toml::node* node, const std::string& key,
                               const char* expected) const {
    std::ostringstream found;
    found << node->type();
    fail(node, fmt::format("{} is of type {}, expected {}", name(key), found.str(), expected));
  }

 private:
  const toml::table& table_;
  std::string file_;
  std::string prefix_;
  std::set<std::string> known_;
};

/// Merges "a.b=value" into a table.
void override_key(toml::table* root, const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("--set {}: expected key=value", text));
  }
  toml::table parsed;
  try {
    parsed = toml::parse(text);
  } catch (const toml::parse_error& error) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("--set {}: {} (values are in TOML syntax: strings in "
                            "quotes)",
                            text, std::string_view(error.description())));
  }
  const std::function<void(toml::table*, const toml::table&)> merge = [&](toml::table* into,
                                                                          const toml::table& from) {
    for (const auto& [key, node] : from) {
      toml::node* present = into->get(key);
      if (present && present->is_table() && node.is_table()) {
        merge(present->as_table(), *node.as_table());
      } else {
        into->insert_or_assign(key, node);
      }
    }
  };
  merge(root, parsed);
}

/// A path in a study file is relative to the file.
std::string resolve(const fs::path& file, const std::string& name) {
  return (fs::absolute(file).parent_path() / name).lexically_normal().string();
}

}  // namespace

StudyConfig read_study(const fs::path& file, const std::vector<std::string>& overrides) {
  toml::table root;
  if (!fs::is_regular_file(file)) {
    throw Error(fs::exists(file) ? ErrorKind::kInvalidArgument : ErrorKind::kNotFound,
                file.string() + (fs::exists(file) ? ": not a regular file" : ": no such file"));
  }
  try {
    root = toml::parse_file(file.string());
  } catch (const toml::parse_error& error) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}:{}: {}", file.string(), error.source().begin.line,
                            std::string_view(error.description())));
  }
  for (const std::string& text : overrides) override_key(&root, text);

  StudyConfig config;
  TableReader top(root, file.string(), "");
  config.name = file.stem().string();
  top.read("name", &config.name);
  std::string model;
  top.read("model", &model);
  if (model.empty())
    top.fail(nullptr, "model is missing, expected the directory of an int8 network");
  config.folder = fs::absolute(file).parent_path();
  config.model = resolve(file, model);
  top.read("data", &config.data);
  if (!data::is_dataset_name(config.data)) config.data = resolve(file, config.data);
  top.read_integer("images", &config.images, 0, 1000000);
  top.read_integer("seed", &config.seed, 0, INT64_MAX);
  top.read("backend", &config.backend);
  top.read_integer("jobs", &config.jobs, 0, 1024);
  top.read("multipliers", &config.multipliers);
  top.read("exact_designs", &config.exact_designs);
  if (config.exact_designs.empty()) config.exact_designs = synth::exact_designs();
  top.read("operations", &config.operations);

  if (const toml::node* node = top.find("assignments")) {
    if (!node->is_array()) top.wrong_type(node, "assignments", "an array of tables");
    for (const toml::node& item : *node->as_array()) {
      if (!item.is_table()) top.wrong_type(&item, "assignments", "an array of tables");
      TableReader entry(*item.as_table(), file.string(), "assignments.");
      std::string label;
      entry.read("label", &label);
      if (label.empty()) entry.fail(&item, "assignments.label is missing");
      const auto operations = entry.table("multipliers");
      if (!operations) entry.fail(&item, "assignments.multipliers is missing");
      std::map<std::string, std::string> multipliers;
      for (const auto& [key, value] : operations->raw()) {
        if (!value.is_string()) {
          operations->wrong_type(&value, std::string(key.str()), "a string");
        }
        multipliers[std::string(key.str())] = value.as_string()->get();
      }
      entry.finish();
      config.assignments.push_back({label, multipliers});
    }
  }
  if (config.multipliers.empty() && config.assignments.empty()) {
    top.fail(nullptr, "neither multipliers nor assignments: there is nothing to study");
  }

  std::vector<std::string> directories;
  top.read("include_directories", &directories);
  for (const std::string& directory : directories) {
    config.include_directories.push_back(resolve(file, directory));
  }
  top.read("defines", &config.defines);
  top.read("trust_source", &config.trust_source);
  top.read("allow_unchecked", &config.allow_unchecked);
  if (const auto hardware = top.table("hardware")) {
    std::vector<std::string> liberty;
    hardware->read_one_or_more("liberty", &liberty);
    for (std::string& path : liberty) {
      path = resolve(file, path);
    }
    config.liberty = liberty;
    hardware->read_integer("rows", &config.shape.rows, 1, 16);
    hardware->read_integer("cols", &config.shape.cols, 1, 16);
    int scratch_kib = config.shape.scratch_bytes >> 10;
    hardware->read_integer("scratch_kib", &scratch_kib, 1, 1024);
    if ((scratch_kib & (scratch_kib - 1)) != 0) {
      hardware->fail(
          hardware->raw().get("scratch_kib"),
          fmt::format("hardware.scratch_kib = {}, expected a power of two", scratch_kib));
    }
    config.shape.scratch_bytes = scratch_kib << 10;
    hardware->read_integer("acc_depth", &config.shape.acc_depth, 1, 65536);
    hardware->finish();
  }
  if (const auto choice = top.table("choice")) {
    choice->read("max_accuracy_loss", &config.max_accuracy_loss, 0.0, 1.0);
    choice->finish();
  }
  if (const auto cosim = top.table("cosim")) {
    cosim->read_integer("images", &config.cosim_images, 1, 1000000);
    cosim->read_integer("first", &config.cosim_first, 0, 1000000);
    cosim->read("all", &config.cosim_all);
    cosim->finish();
  }
  if (const auto energy = top.table("energy")) {
    energy->read_integer("images", &config.energy_images, 1, 10000);
    energy->read_integer("samples", &config.energy_samples, 2, 10000000);
    energy->read("record_operands", &config.record_operands);
    energy->read("scratch_pj_per_vector", &config.memory.scratch_pj_per_vector, 0.0, 1e9);
    energy->read("accumulator_pj_per_word", &config.memory.accumulator_pj_per_word, 0.0, 1e9);
    energy->read("memory_pj_per_byte", &config.memory.memory_pj_per_byte, 0.0, 1e9);
    energy->read("memory_source", &config.memory.source);
    energy->finish();
  }
  top.finish();
  return config;
}

nlohmann::json to_json(const StudyConfig& config) {
  nlohmann::json assignments = nlohmann::json::array();
  for (const auto& [label, multipliers] : config.assignments) {
    assignments.push_back({{"label", label}, {"multipliers", multipliers}});
  }
  nlohmann::json liberty = nlohmann::json::array();
  for (const fs::path& path : config.liberty.paths()) liberty.push_back(path.string());
  if (liberty.empty()) liberty = "";
  if (liberty.size() == 1 && liberty.is_array()) liberty = nlohmann::json(liberty[0]);
  return {
      {"name", config.name},
      {"model", config.model.string()},
      {"data", config.data},
      {"images", config.images},
      {"seed", config.seed},
      {"backend", config.backend},
      {"multipliers", config.multipliers},
      {"exact_designs", config.exact_designs},
      {"operations", config.operations},
      {"assignments", assignments},
      {"defines", config.defines},
      {"trust_source", config.trust_source},
      {"allow_unchecked", config.allow_unchecked},
      {"hardware",
       {{"liberty", liberty},
        {"rows", config.shape.rows},
        {"cols", config.shape.cols},
        {"scratch_bytes", config.shape.scratch_bytes},
        {"acc_depth", config.shape.acc_depth}}},
      {"choice", {{"max_accuracy_loss", config.max_accuracy_loss}}},
      {"cosim",
       {{"images", config.cosim_images}, {"first", config.cosim_first}, {"all", config.cosim_all}}},
      {"energy",
       {{"images", config.energy_images},
        {"samples", config.energy_samples},
        {"record_operands", config.record_operands},
        {"scratch_pj_per_vector", config.memory.scratch_pj_per_vector},
        {"accumulator_pj_per_word", config.memory.accumulator_pj_per_word},
        {"memory_pj_per_byte", config.memory.memory_pj_per_byte},
        {"memory_source", config.memory.source}}}};
}

}  // namespace lutra::studies
