#include "port_resolution.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "lutra/base/error.h"
#include "lutra/component/pipeline.h"

namespace lutra::synth {
namespace {

constexpr int kWidestOperand = 16;

}  // namespace

std::string resolve_clock(const Netlist& netlist, const MultiplierSource& source,
                          const std::string& where) {
  if (source.latency < 0 || source.latency > Pipeline::kMaxLatency) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: latency = {}, expected 0..{}", where,
                                                         source.latency, Pipeline::kMaxLatency));
  }
  if (netlist.is_sequential() && source.latency == 0) {
    throw Error(ErrorKind::kUnimplemented,
                fmt::format("{}: module {} holds flip-flops, expected a combinational multiplier; "
                            "of a pipeline, the latency in cycles must be given",
                            where, netlist.name()));
  }
  if (source.latency == 0 && source.clock.empty()) return "";
  if (!netlist.is_sequential()) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: module {} holds no flip-flop, expected latency 0 and no clock",
                            where, netlist.name()));
  }
  return find_clock(netlist, source, where);
}

std::array<std::string, 3> find_ports(const std::string& module,
                                      const std::vector<NetlistPort>& all,
                                      const MultiplierSource& source, const std::string& where) {
  std::string seen;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  const auto is_held = [&source](const std::string& name) {
    return std::any_of(source.held.begin(), source.held.end(),
                       [&name](const HeldPort& held) { return held.name == name; });
  };
  const bool named =
      !source.ports[0].empty() || !source.ports[1].empty() || !source.ports[2].empty();
  for (const NetlistPort& port : all) {
    seen += fmt::format("{}{} {} [{}]", seen.empty() ? "" : ", ",
                        port.is_input ? "input" : "output", port.name, port.width());
    if (is_held(port.name) || (source.latency > 0 && port.name == source.clock)) continue;
    // Of named ports, further outputs are left alone.
    if (named && !port.is_input && port.name != source.ports[2]) continue;
    (port.is_input ? inputs : outputs).push_back(port.name);
  }
  const auto fail = [&](ErrorKind kind, const std::string& what) {
    throw Error(kind, fmt::format("{}: module {}: {}; its ports are: {}", where, module, what,
                                  seen.empty() ? "none" : seen));
  };
  for (const auto& [name, value, width] : source.held) {
    const auto port = std::find_if(all.begin(), all.end(),
                                   [&name](const NetlistPort& p) { return p.name == name; });
    if (port == all.end() || !port->is_input) {
      fail(ErrorKind::kInvalidArgument,
           fmt::format("no input {} that could be held at {}", name, value));
    }
    if (value < 0 || port->width() > 32 || value >> port->width() != 0) {
      fail(ErrorKind::kInvalidArgument,
           fmt::format("{} = {}, expected 0..{}", name, value,
                       (std::int64_t{1} << std::min(port->width(), 32)) - 1));
    }
  }
  if (named) {
    for (const std::string& name : source.ports) {
      if (std::any_of(all.begin(), all.end(),
                      [&name](const NetlistPort& port) { return port.name == name; })) {
        continue;
      }
      fail(ErrorKind::kInvalidArgument,
           fmt::format("ports a, b, p = {}, {}, {} do not match", source.ports[0], source.ports[1],
                       source.ports[2]));
    }
  }
  if (inputs.size() != 2 || outputs.size() != 1) {
    fail(ErrorKind::kInvalidArgument,
         fmt::format("{} inputs and {} outputs, expected 2 and 1 beside those "
                     "that are held{}",
                     inputs.size(), outputs.size(), source.latency > 0 ? " and the clock" : ""));
  }
  std::array<std::string, 3> ports = {inputs[0], inputs[1], outputs[0]};
  if (named) {
    const bool straight = source.ports[0] == inputs[0] && source.ports[1] == inputs[1];
    const bool swapped = source.ports[0] == inputs[1] && source.ports[1] == inputs[0];
    if ((!straight && !swapped) || source.ports[2] != outputs[0]) {
      fail(ErrorKind::kInvalidArgument,
           fmt::format("ports a, b, p = {}, {}, {} do not match", source.ports[0], source.ports[1],
                       source.ports[2]));
    }
    ports = source.ports;
  }
  const auto width_of = [&all](const std::string& name) {
    return std::find_if(all.begin(), all.end(),
                        [&name](const NetlistPort& p) { return p.name == name; })
        ->width();
  };
  const int a = width_of(ports[0]);
  const int b = width_of(ports[1]);
  const int p = width_of(ports[2]);
  if (p != a + b) {
    fail(ErrorKind::kInvalidArgument,
         fmt::format("widths {} x {} -> {}, expected n x m -> n + m", a, b, p));
  }
  if (std::min(a, b) < 2 || std::max(a, b) > kWidestOperand) {
    fail(ErrorKind::kUnimplemented,
         fmt::format("operands of {} bits, expected 2..16", OperandWidths(a, b).text()));
  }
  return ports;
}

std::vector<ModulePort> declared_ports(const MultiplierSource& source,
                                       const VerilogSources& sources) {
  if (source.mapped || source.widths != 0) return {};
  // Cells of a library may be missing; the synthesis says so.
  std::vector<ModulePort> ports = module_ports(sources, source.parameters, false);
  std::vector<NetlistPort> declared;
  int widest = 0;
  for (const ModulePort& port : ports) {
    declared.push_back({port.name, port.is_input, std::vector<int>(port.width)});
    if (port.is_input) widest = std::max(widest, port.width);
  }
  if (widest > kWidestOperand) {
    find_ports(source.top, declared, source, source.files[0].string());
  }
  return ports;
}

void check_widths(const std::string& name, const OperandWidths& found,
                  const CharacterizeOptions& options) {
  if (found.widest() > kWidestOperand) {
    throw Error(ErrorKind::kUnimplemented,
                fmt::format("{}: operands of {} bits, expected 2..16", name, found.text()));
  }
  if (options.widths == 0 || found == 0 || found == options.widths) return;
  throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: operands of {} bits, expected {}", name,
                                                       found.text(), options.widths.text()));
}

OperandWidths declared_widths(const std::vector<ModulePort>& ports) {
  std::vector<int> widths;
  for (const ModulePort& port : ports) {
    if (port.is_input) widths.push_back(port.width);
  }
  return widths.size() == 2 ? OperandWidths(widths[0], widths[1]) : OperandWidths(0);
}

}  // namespace lutra::synth
