// --config FILE.toml: options of a command from a file.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sstream>
#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

#include "command.h"

namespace lutra::cli {
namespace {

namespace fs = std::filesystem;

/// A value as it would stand on the command line.
std::string word(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  std::ostringstream out;
  if (const auto* number = node.as_integer()) out << number->get();
  if (const auto* number = node.as_floating_point()) out << number->get();
  if (const auto* flag = node.as_boolean()) out << (flag->get() ? "true" : "false");
  return out.str();
}

}  // namespace

void apply_config(const fs::path& file, CLI::App* command) {
  const auto fail = [&](const toml::source_region& source, const std::string& what) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}:{}: {}", file.string(), source.begin.line, what));
  };
  if (!fs::is_regular_file(file)) {
    throw Error(fs::exists(file) ? ErrorKind::kInvalidArgument : ErrorKind::kNotFound,
                file.string() + (fs::exists(file) ? ": not a regular file" : ": no such file"));
  }
  toml::table table;
  try {
    table = toml::parse_file(file.string());
  } catch (const toml::parse_error& error) {
    fail(error.source(), std::string(error.description()));
  }
  std::vector<std::string> known;
  for (const CLI::Option* option : command->get_options()) {
    const std::string name = option->get_single_name();
    if (name != "help" && name != "config") known.push_back(name);
  }
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      fail(node.source(),
           fmt::format("unknown key '{}', expected one of: {}", name, fmt::join(known, ", ")));
    }
    CLI::Option* option = command->get_option_no_throw("--" + name);
    if (option == nullptr) option = command->get_option(name);  // positional
    if (option->count() > 0) continue;                          // the command line wins
    std::vector<std::string> words;
    if (const toml::array* array = node.as_array()) {
      for (const toml::node& item : *array) words.push_back(word(item));
    } else {
      words.push_back(word(node));
    }
    if (node.is_table() || std::find(words.begin(), words.end(), "") != words.end()) {
      fail(node.source(), name + ": expected a string, a number, true or false, or a list of them");
    }
    try {
      option->add_result(words);
      option->run_callback();
    } catch (const CLI::Error& error) {
      fail(node.source(), error.what());
    }
  }
}

}  // namespace lutra::cli
