#include "lutra/component/reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <sstream>
#include <system_error>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/component/library.h"
#include "lutra/component/specification.h"
#include "lutra/synthesis/verilog_sources.h"

namespace lutra::synth {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRead =
    "expected Verilog (.v, .sv, .vh, .svh), a table (.npy, .bin, .h, .txt, .csv) or a component's "
    "directory";

/// What files of an ending hold, for those that are likely to be tried.
std::string language_of(const std::string& ending) {
  static const std::map<std::string, std::string> kLanguages = {{".blif", "BLIF"},
                                                                {".vhd", "VHDL"},
                                                                {".vhdl", "VHDL"},
                                                                {".c", "C"},
                                                                {".cc", "C++"},
                                                                {".cpp", "C++"},
                                                                {".mem", "a memory image"},
                                                                {".hex", "a memory image"},
                                                                {".json", "JSON"},
                                                                {".onnx", "ONNX"},
                                                                {".edif", "EDIF"},
                                                                {".aig", "AIGER"},
                                                                {".py", "Python"},
                                                                {".lib", "Liberty"},
                                                                {".pt", "PyTorch weights"}};
  const auto found = kLanguages.find(ending);
  return found == kLanguages.end() ? "a file of this ending" : found->second;
}

bool is_library_name(const std::string& name) {
  const std::vector<MultiplierFamily>& families = multiplier_families();
  return std::any_of(families.begin(), families.end(),
                     [&name](const MultiplierFamily& family) { return family.name == name; });
}

}  // namespace

bool is_verilog_file(const fs::path& file) {
  const std::string ending = file.extension().string();
  return ending == ".v" || ending == ".sv" || ending == ".vh" || ending == ".svh";
}

MultiplierReference parse_reference(const std::string& text, const fs::path& folder) {
  MultiplierReference reference;
  reference.text = text;
  std::error_code ignored;
  const auto located = [&folder](const std::string& name) {
    return fs::absolute(folder / name).lexically_normal();
  };
  // A file's own name may hold a colon.
  std::size_t colon = text.find(':');
  if (fs::exists(located(text), ignored) && !is_library_name(text.substr(0, colon))) {
    colon = std::string::npos;
  }
  const std::string name = text.substr(0, colon);
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: {}", text, what));
  };
  if (name.empty()) fail(std::string("no name, ") + kRead + ", or a name of the library");
  const bool is_path = name.find('/') != std::string::npos ||
                       (fs::path(name).has_extension() && !is_library_name(name));
  const fs::path path = located(name);
  if (!is_path && (is_library_name(name) || !fs::is_directory(path, ignored))) {
    parse_multiplier_spec(text);  // throws where the library has no such multiplier
    return reference;
  }
  reference.path = path;
  if (fs::is_directory(path, ignored)) {
    reference.kind = MultiplierReference::Kind::kComponent;
    if (!fs::exists(path / "component.json", ignored)) {
      fail("a directory without component.json, expected that of a component");
    }
    if (colon != std::string::npos) fail("a component's directory takes no parameters");
    return reference;
  }
  if (!fs::exists(path, ignored)) {
    throw Error(ErrorKind::kNotFound, text + ": no such file");
  }
  if (is_verilog_file(path)) {
    reference.kind = MultiplierReference::Kind::kVerilog;
  } else if (is_table_file(path)) {
    reference.kind = MultiplierReference::Kind::kTable;
  } else {
    fail(fmt::format("{} is not read, {}", language_of(path.extension().string()), kRead));
  }
  if (colon == std::string::npos) return reference;
  std::istringstream items(text.substr(colon + 1));
  for (std::string item; std::getline(items, item, ',');) {
    const std::size_t equals = item.find('=');
    char* end = nullptr;
    errno = 0;
    const long value =
        equals == std::string::npos ? 0 : std::strtol(item.c_str() + equals + 1, &end, 0);
    if (equals == 0 || end == nullptr || end == item.c_str() + equals + 1 || *end != '\0' ||
        errno != 0) {
      fail(fmt::format("\"{}\", expected name=integer", item));
    }
    const std::string key = item.substr(0, equals);
    if (key == "signed") {
      if (value != 0 && value != 1) fail(fmt::format("signed = {}, expected 0..1", value));
      reference.signedness = value == 1 ? Signedness::kSigned : Signedness::kUnsigned;
    } else if (reference.kind == MultiplierReference::Kind::kTable) {
      fail(fmt::format("no parameter \"{}\", expected: signed", key));
    } else {
      reference.parameters.emplace_back(key, value);
    }
  }
  return reference;
}

Component component_of(const MultiplierReference& reference, const VerilogReading& reading,
                       const CharacterizeOptions& options) {
  switch (reference.kind) {
    case MultiplierReference::Kind::kComponent: {
      Component component = load_component(reference.path);
      // Its checksums are its maker's: what a source may not hold, it may not hold either.
      if (component.has_netlist) {
        VerilogSources::read(component.source.files, component.source.top, reading);
      }
      return component;
    }
    case MultiplierReference::Kind::kTable:
      return import_table(reference.path, reference.signedness, false, options);
    case MultiplierReference::Kind::kVerilog: {
      MultiplierSource source = verilog_source({reference.path}, "", reference.signedness);
      source.parameters = reference.parameters;
      source.reading = reading;
      return characterize(source, options);
    }
    case MultiplierReference::Kind::kLibrary:
      break;
  }
  return characterize(library_source(reference.text), options);
}

Component signed_component_of(const MultiplierReference& reference, const VerilogReading& reading,
                              const CharacterizeOptions& options) {
  // A specification says whether it is signed: its core need not be characterised to know.
  if (reference.kind == MultiplierReference::Kind::kLibrary &&
      !parse_multiplier_spec(reference.text).is_signed) {
    const base::PrivateDirectory work(fs::temp_directory_path());
    return characterize(sign_magnitude_source(library_source(reference.text), work.path()),
                        options);
  }
  Component component = component_of(reference, reading, options);
  if (component.is_signed) return component;
  if (reference.kind == MultiplierReference::Kind::kTable) {
    return import_table(reference.path, Signedness::kUnsigned, true, options);
  }
  if (reference.kind == MultiplierReference::Kind::kVerilog) {
    MultiplierSource core = verilog_source({reference.path}, "", Signedness::kUnsigned);
    core.parameters = reference.parameters;
    core.reading = reading;
    const base::PrivateDirectory work(fs::temp_directory_path());
    Component shell = characterize(sign_magnitude_source(core, work.path()), options);
    shell.json["core_signed_from"] = component.json.at("signed_from");
    return shell;
  }
  throw Error(ErrorKind::kInvalidArgument,
              fmt::format("{}: an unsigned component, expected a signed one", reference.text));
}

}  // namespace lutra::synth
