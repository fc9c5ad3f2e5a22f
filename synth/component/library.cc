#include "lutra/component/library.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/netlist/netlist.h"
#include "lutra/synthesis/synthesis.h"
#include "lutra/synthesis/verilog_sources.h"

#ifndef LUTRA_RTL_DIRECTORY
#error "LUTRA_RTL_DIRECTORY names the folder rtl; the build sets it"
#endif

namespace lutra::synth {

MultiplierSource library_source(const std::string& spec) {
  const MultiplierSpec parsed = parse_multiplier_spec(spec);
  const MultiplierFamily& family = *parsed.family;
  MultiplierSource source;
  source.name = parsed.canonical();
  source.top = family.top;
  source.widths = parsed.width;
  source.signedness = parsed.is_signed ? Signedness::kSigned : Signedness::kUnsigned;
  source.ports = {"a_i", "b_i", "p_o"};
  const std::filesystem::path directory = rtl_directory() / "multipliers";
  for (const std::string& file : family.rtl_files) source.files.push_back(directory / file);
  source.parameters = {{"Width", parsed.width}, {"Signed", parsed.is_signed ? 1 : 0}};
  for (std::size_t i = 0; i < family.parameters.size(); ++i) {
    const FamilyParameter& parameter = family.parameters[i];
    const long value = parsed.parameters[i].second;
    if (parameter.is_port) {
      source.held.push_back({parameter.rtl_name, value});
    } else {
      source.parameters.emplace_back(parameter.rtl_name, value);
    }
  }
  return source;
}

MultiplierSource verilog_source(const std::vector<std::filesystem::path>& files,
                                const std::string& top, Signedness signedness) {
  if (files.empty())
    throw Error(ErrorKind::kInvalidArgument, "no Verilog file given, expected at least one");
  MultiplierSource source;
  for (const std::filesystem::path& file : files) {
    source.files.push_back(std::filesystem::absolute(file));
  }
  source.top = top;
  source.signedness = signedness;
  return source;
}

MultiplierSource fitted_source(const MultiplierSource& core, const std::vector<ModulePort>& ports,
                               const std::filesystem::path& work_dir) {
  std::vector<const ModulePort*> operands;
  std::vector<const ModulePort*> outputs;
  std::string further, connections;
  const bool named = !core.ports[0].empty();
  for (const ModulePort& port : ports) {
    const auto is_port = [&](int i) { return named && core.ports[i] == port.name; };
    const bool held = std::any_of(core.held.begin(), core.held.end(),
                                  [&](const HeldPort& h) { return h.name == port.name; });
    const bool clock = core.latency > 0 && port.width == 1 && port.is_input && !is_port(0) &&
                       !is_port(1) && (core.clock.empty() || core.clock == port.name);
    if (held || clock) {
      further += fmt::format("  input [{}:0] {},\n", port.width - 1, verilog_name(port.name));
      connections += fmt::format(", .{0}({0})", verilog_name(port.name));
    } else if (port.is_input) {
      if (!named || is_port(0) || is_port(1)) operands.push_back(&port);
    } else if (!named || is_port(2)) {
      outputs.push_back(&port);
    }
  }
  if (operands.size() != 2 || outputs.empty()) return core;
  if (named && operands[0]->name != core.ports[0]) std::swap(operands[0], operands[1]);
  const OperandWidths widths = {operands[0]->width, operands[1]->width};
  const int bits = widths.product();
  MultiplierSource source = core;
  const ModulePort* product = outputs[0];
  if (outputs.size() > 1) {
    const auto only = [&outputs](const auto& fits) -> const ModulePort* {
      return std::count_if(outputs.begin(), outputs.end(), fits) == 1
                 ? *std::find_if(outputs.begin(), outputs.end(), fits)
                 : nullptr;
    };
    product = only([bits](const ModulePort* port) { return port->width == bits; });
    if (product == nullptr) {
      product = only([bits](const ModulePort* port) { return port->width > bits; });
    }
    if (product == nullptr) return core;
    std::string others;
    for (const ModulePort* port : outputs) {
      if (port != product) others += (others.empty() ? "" : ", ") + port->name;
    }
    source.ports = {operands[0]->name, operands[1]->name, product->name};
    source.notes.push_back(
        fmt::format("{}: the product is {}; left alone: {}", core.top, product->name, others));
  }
  const int width = product->width;
  if (width == bits) return source;
  const bool is_half = widths.equal() && width == widths.a;
  if ((width < bits && !is_half) || width > 32 || std::min(widths.a, widths.b) < 2 ||
      widths.widest() > 16) {
    return core;
  }
  const bool is_signed =
      core.signedness == Signedness::kSigned || (operands[0]->is_signed && operands[1]->is_signed);
  std::string result;
  if (is_half) {
    source.notes.push_back(
        fmt::format("{}: its product of {} bits is taken for bits {} to {} of {}", core.top, width,
                    bits - width, bits - 1, bits));
    source.largest_mae = std::ldexp(8.0, bits - width);  // some units of its last place
    result = fmt::format("  assign p_o = {{core_p, {}'d0}};\n", bits - width);
  } else {
    source.notes.push_back(
        fmt::format("{}: bits {} to {} of its product are left out: they are those of its {}",
                    core.top, bits, width - 1, is_signed ? "sign" : "magnitude, and 0"));
    const std::string rest = is_signed ? fmt::format("core_p[{}]", bits - 1) : "1'b0";
    result = fmt::format(
        "`ifdef YOSYS\n"
        "  assign p_o = core_p[{0}:0];\n"
        "`else  // wrong where what is left out says something\n"
        "  assign p_o = core_p[{1}:{2}] === {{{3}{{{4}}}}} ? core_p[{0}:0] : ~core_p[{0}:0];\n"
        "`endif\n",
        bits - 1, width - 1, bits, width - bits, rest);
  }
  std::string parameters;
  for (const auto& [name, value] : core.parameters) {
    check_identifier(name, core.top + ": parameter name");
    parameters += fmt::format("{}.{}({})", parameters.empty() ? "" : ", ", name, value);
  }
  if (!parameters.empty()) parameters = fmt::format("#({}) ", parameters);
  const std::string sign = is_signed ? "signed " : "";
  source.top = "lutra_fitted_" + core.top;
  source.parameters.clear();
  source.ports = {"a_i", "b_i", "p_o"};
  const std::filesystem::path shell = work_dir / (source.top + ".v");
  std::filesystem::create_directories(work_dir);
  base::write_file(
      shell,
      fmt::format("module {0} (\n{1}  input {2}[{3}:0] a_i,\n  input {2}[{13}:0] b_i,\n"
                  "  output {2}[{4}:0] p_o\n);\n  wire [{5}:0] core_p;\n"
                  "  {6} {7}u_core (.{8}(a_i), .{9}(b_i), .{10}(core_p){11});\n{12}"
                  "endmodule\n",
                  source.top, further, sign, widths.a - 1, bits - 1, width - 1, core.top,
                  parameters, verilog_name(operands[0]->name), verilog_name(operands[1]->name),
                  verilog_name(product->name), connections, result, widths.b - 1));
  source.files.push_back(shell);
  if (source.name.empty()) source.name = core.top;
  return source;
}

MultiplierSource sign_magnitude_source(const MultiplierSource& given,
                                       const std::filesystem::path& work_dir) {
  MultiplierSource core = given;
  if (core.latency > 0 || core.mapped) {
    throw Error(ErrorKind::kUnimplemented,
                fmt::format("{}: the sign-magnitude shell goes around combinational Verilog, found "
                            "{}",
                            core.name.empty() ? core.files.at(0).string() : core.name,
                            core.mapped ? "a mapped netlist" : "a multiplier with latency"));
  }
  const VerilogSources sources = VerilogSources::read(core.files, core.top, core.reading);
  core.top = sources.top();
  core.signedness = Signedness::kUnsigned;
  std::vector<ModulePort> ports = module_ports(sources, core.parameters);
  core = fitted_source(core, ports, work_dir);
  if (core.top != sources.top()) {
    ports = module_ports(VerilogSources::read(core.files, core.top, core.reading), {});
  }
  const std::string top = core.top;
  std::array<std::string, 3>& names = core.ports;
  std::vector<ModulePort> inputs;
  std::vector<ModulePort> outputs;
  for (const ModulePort& port : ports) {
    if (names[0].empty() || port.is_input || port.name == names[2]) {
      (port.is_input ? inputs : outputs).push_back(port);
    }
  }
  std::string found = fmt::format("{} inputs and {} outputs", inputs.size(), outputs.size());
  if (inputs.size() == 2 && outputs.size() == 1) {
    found = fmt::format("widths {} x {} -> {}", inputs[0].width, inputs[1].width, outputs[0].width);
  }
  if (inputs.size() != 2 || outputs.size() != 1 || inputs[0].width != inputs[1].width ||
      outputs[0].width != 2 * inputs[0].width) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: module {}: {}, expected two inputs of one width and one output of "
                            "twice that width for the sign-magnitude shell",
                            sources.first_file(), top, found));
  }
  if (names[0].empty()) names = {inputs[0].name, inputs[1].name, outputs[0].name};

  std::string parameters;
  for (const auto& [name, value] : core.parameters) {
    check_identifier(name, top + ": parameter name");
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
      top, width - 1, 2 * width - 1, width, parameters, verilog_name(names[0]),
      verilog_name(names[1]), verilog_name(names[2]), shell_top);
  std::filesystem::create_directories(work_dir);
  const std::filesystem::path shell = work_dir / (shell_top + ".v");
  base::write_file(shell, text);

  MultiplierSource source;
  source.name = (core.name.empty() ? top : core.name) + "+sign_magnitude";
  source.notes = core.notes;
  source.largest_mae = core.largest_mae;
  source.reading = core.reading;
  source.files = core.files;
  const std::filesystem::path rtl = rtl_directory() / "multipliers" / "mul_sign_magnitude.sv";
  bool present = false;
  for (const std::filesystem::path& file : core.files) {
    present |= file.filename() == rtl.filename();
  }
  if (!present) source.files.push_back(rtl);
  source.files.push_back(shell);
  source.top = shell_top;
  source.widths = width;
  source.signedness = Signedness::kSigned;
  source.ports = {"a_i", "b_i", "p_o"};
  return source;
}

std::filesystem::path rtl_directory() {
  const char* chosen = std::getenv("LUTRA_RTL");
  if (chosen != nullptr && *chosen != '\0') return chosen;
  return base::own_path("share/lutra/rtl", LUTRA_RTL_DIRECTORY);
}

}  // namespace lutra::synth
