#include "lutra/synth/library.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <set>
#include <sstream>

#include "lutra/numerics/error.h"
#include "lutra/numerics/files.h"
#include "lutra/synth/files.h"
#include "lutra/synth/synthesis.h"
#include "verilog_sources.h"

#ifndef LUTRA_RTL_DIRECTORY
#error "LUTRA_RTL_DIRECTORY names the folder rtl; the build sets it"
#endif

namespace lutra::synth {
namespace {

std::function<long(int)> fixed(long value) {
  return [value](int) { return value; };
}

[[noreturn]] void fail(const std::string& spec, const std::string& what) {
  throw Error(ExitCode::kUsage, fmt::format("{}: {}", spec, what));
}

long parse_integer(const std::string& spec, const std::string& name, const std::string& text) {
  char* end = nullptr;
  errno = 0;
  const long value = std::strtol(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || errno != 0) {
    fail(spec, fmt::format("{} = \"{}\", expected an integer", name, text));
  }
  return value;
}

std::string family_names() {
  std::string names;
  for (const MultiplierFamily& family : multiplier_families()) {
    names += (names.empty() ? "" : ", ") + family.name;
  }
  return names;
}

}  // namespace

const std::vector<MultiplierFamily>& multiplier_families() {
  static const std::vector<MultiplierFamily> kFamilies = {
      {"exact",
       "mul_exact",
       "exact product",
       "the reference; layers that tolerate no error",
       "",
       {"mul_exact.sv"},
       {},
       2,
       32},
      {"trunc",
       "mul_trunc",
       "low bits of both operands dropped",
       "the cheapest cut; biased, so it needs short sums or a corrected bias",
       "least significant part truncation, as compared with in Hashemi et al., ICCAD 2015",
       {"mul_trunc.sv", "mul_exact.sv"},
       {{"trunc_bits", "TruncBits", 2, fixed(1), [](int width) { return width - 1L; }}},
       2,
       32},
      {"drum",
       "mul_drum",
       "dynamic range unbiased: a short segment below each leading one",
       "long sums: relative error is bounded and its mean is near zero",
       "S. Hashemi, R. I. Bahar, S. Reda, ICCAD 2015",
       {"mul_drum.sv", "mul_sign_magnitude.sv"},
       {{"kept_bits", "KeptBits", 4, fixed(3), [](int width) { return width - 1L; }}},
       4,
       32},
      {"bam",
       "mul_bam",
       "broken array: rows above hbl and columns right of vbl left out",
       "fine-grained choice of area against error; products shrink, so sums are biased",
       "H. R. Mahdiani et al., IEEE TCAS-I, 2010",
       {"mul_bam.sv", "mul_sign_magnitude.sv"},
       {{"hbl", "Hbl", 0, fixed(0), [](int width) { return width - 1L; }},
        {"vbl", "Vbl", 6, fixed(0), [](int width) { return 2L * width - 2; }}},
       2,
       32},
  };
  return kFamilies;
}

std::string MultiplierSpec::canonical() const {
  std::string text = family->name;
  char separator = ':';
  const auto add = [&](const std::string& name, long value) {
    text += fmt::format("{}{}={}", separator, name, value);
    separator = ',';
  };
  for (const auto& [name, value] : parameters) add(name, value);
  if (width != 8) add("width", width);
  if (!is_signed) add("signed", 0);
  return text;
}

MultiplierSpec parse_multiplier_spec(const std::string& spec) {
  const std::size_t colon = spec.find(':');
  const std::string name = spec.substr(0, colon);
  MultiplierSpec parsed;
  for (const MultiplierFamily& family : multiplier_families()) {
    if (family.name == name) parsed.family = &family;
  }
  if (parsed.family == nullptr) {
    fail(spec, fmt::format("no multiplier \"{}\" in the library, expected one of: {}", name,
                           family_names()));
  }
  const MultiplierFamily& family = *parsed.family;
  std::string known;
  for (const FamilyParameter& parameter : family.parameters) {
    parsed.parameters.emplace_back(parameter.name, parameter.default_value);
    known += parameter.name + ", ";
  }
  known += "width, signed";

  std::set<std::string> seen;
  if (colon != std::string::npos) {
    std::istringstream items(spec.substr(colon + 1));
    std::string item;
    bool any = false;
    while (std::getline(items, item, ',')) {
      any = true;
      const std::size_t equals = item.find('=');
      if (equals == std::string::npos) {
        fail(spec, fmt::format("\"{}\", expected name=value", item));
      }
      const std::string key = item.substr(0, equals);
      const long value = parse_integer(spec, key, item.substr(equals + 1));
      if (!seen.insert(key).second) fail(spec, fmt::format("{} is given twice", key));
      bool found = true;
      if (key == "width") {
        if (value < family.minimum_width || value > family.maximum_width) {
          fail(spec, fmt::format("width = {}, expected {}..{}", value, family.minimum_width,
                                 family.maximum_width));
        }
        parsed.width = static_cast<int>(value);
      } else if (key == "signed") {
        if (value != 0 && value != 1) fail(spec, fmt::format("signed = {}, expected 0..1", value));
        parsed.is_signed = value == 1;
      } else {
        found = false;
        for (auto& [parameter_name, parameter_value] : parsed.parameters) {
          if (parameter_name != key) continue;
          parameter_value = value;
          found = true;
        }
      }
      if (!found) {
        fail(spec, fmt::format("no parameter \"{}\", expected one of: {}", key, known));
      }
    }
    if (!any || spec.back() == ',') {
      fail(spec, "a parameter is missing at the end, expected name=value");
    }
  }
  for (std::size_t i = 0; i < family.parameters.size(); ++i) {
    const FamilyParameter& parameter = family.parameters[i];
    const long value = parsed.parameters[i].second;
    const long low = parameter.minimum(parsed.width);
    const long high = parameter.maximum(parsed.width);
    if (value < low || value > high) {
      fail(spec, fmt::format("{} = {}, expected {}..{} for width {}", parameter.name, value, low,
                             high, parsed.width));
    }
  }
  return parsed;
}

MultiplierSource library_source(const std::string& spec) {
  const MultiplierSpec parsed = parse_multiplier_spec(spec);
  const MultiplierFamily& family = *parsed.family;
  MultiplierSource source;
  source.name = parsed.canonical();
  source.top = family.top;
  source.width = parsed.width;
  source.is_signed = parsed.is_signed;
  source.ports = {"a_i", "b_i", "p_o"};
  const std::filesystem::path directory = rtl_directory() / "multipliers";
  for (const std::string& file : family.rtl_files) source.files.push_back(directory / file);
  source.parameters = {{"Width", parsed.width}, {"Signed", parsed.is_signed ? 1 : 0}};
  for (std::size_t i = 0; i < family.parameters.size(); ++i) {
    source.parameters.emplace_back(family.parameters[i].rtl_name, parsed.parameters[i].second);
  }
  return source;
}

MultiplierSource verilog_source(const std::vector<std::filesystem::path>& files,
                                const std::string& top, bool is_signed) {
  if (files.empty()) throw Error(ExitCode::kUsage, "no Verilog file given, expected at least one");
  MultiplierSource source;
  source.name = files[0].stem().string();
  for (const std::filesystem::path& file : files) {
    source.files.push_back(std::filesystem::absolute(file));
  }
  source.top = top;
  source.is_signed = is_signed;
  return source;
}

MultiplierSource sign_magnitude_source(const MultiplierSource& core,
                                       const std::filesystem::path& work_dir) {
  const auto [top, ports] = inspect_module(core.files, core.top, core.parameters);
  check_identifier(top, fmt::format("{}: module name", core.name));
  std::vector<ModulePort> inputs;
  std::vector<ModulePort> outputs;
  for (const ModulePort& port : ports) (port.is_input ? inputs : outputs).push_back(port);
  if (inputs.size() != 2 || outputs.size() != 1 || inputs[0].width != inputs[1].width ||
      outputs[0].width != 2 * inputs[0].width) {
    throw Error(ExitCode::kUsage,
                fmt::format("{}: module {}, expected two inputs of one width and one output of "
                            "twice that width",
                            core.name, top));
  }
  std::array<std::string, 3> names = core.ports;
  if (names[0].empty()) names = {inputs[0].name, inputs[1].name, outputs[0].name};
  for (const std::string& name : names) check_identifier(name, core.name + ": port name");

  std::string parameters;
  for (const auto& [name, value] : core.parameters) {
    check_identifier(name, core.name + ": parameter name");
    parameters += fmt::format("{}.{}({})", parameters.empty() ? "" : ", ", name, value);
  }
  if (!parameters.empty()) parameters = fmt::format("#({}) ", parameters);
  const int width = inputs[0].width;
  // Named after the core: shells of several cores may meet in one accelerator.
  const std::string shell_top = "lutra_signed_" + top;
  const std::string text = fmt::format(
      "// A signed multiplier: mul_sign_magnitude around the unsigned core {0}.\n"
      "module {8} (\n"
      "  input  [{1}:0] a_i,\n"
      "  input  [{1}:0] b_i,\n"
      "  output [{2}:0] p_o\n"
      ");\n"
      "  wire [{1}:0] core_a;\n"
      "  wire [{1}:0] core_b;\n"
      "  wire [{2}:0] core_p;\n"
      "  mul_sign_magnitude #(.Width({3})) u_sign_magnitude (\n"
      "    .a_i(a_i), .b_i(b_i), .p_o(p_o),\n"
      "    .core_a_o(core_a), .core_b_o(core_b), .core_p_i(core_p)\n"
      "  );\n"
      "  {0} {4}u_core (.{5}(core_a), .{6}(core_b), .{7}(core_p));\n"
      "endmodule\n",
      top, width - 1, 2 * width - 1, width, parameters, names[0], names[1], names[2], shell_top);
  std::filesystem::create_directories(work_dir);
  const std::filesystem::path shell = work_dir / (shell_top + ".v");
  numerics::write_file(shell, text);

  MultiplierSource source;
  source.name = core.name + "+sign_magnitude";
  source.files = core.files;
  const std::filesystem::path rtl = rtl_directory() / "multipliers" / "mul_sign_magnitude.sv";
  bool present = false;
  for (const std::filesystem::path& file : core.files) {
    present |= file.filename() == rtl.filename();
  }
  if (!present) source.files.push_back(rtl);
  source.files.push_back(shell);
  source.top = shell_top;
  source.width = width;
  source.is_signed = true;
  source.ports = {"a_i", "b_i", "p_o"};
  return source;
}

std::filesystem::path rtl_directory() {
  const char* chosen = std::getenv("LUTRA_RTL");
  if (chosen != nullptr && *chosen != '\0') return chosen;
  return LUTRA_RTL_DIRECTORY;
}

}  // namespace lutra::synth
