// The longest path of a netlist, by OpenSTA: and the checks that it has read all of it.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/netlist/liberty.h"
#include "lutra/netlist/liberty_writer.h"
#include "lutra/netlist/netlist.h"
#include "lutra/synthesis/synthesis.h"
#include "lutra/synthesis/verilog_sources.h"
#include "lutra/system/tool.h"
#include "tool_messages.h"

namespace lutra::synth {
namespace {

/// OpenSTA leaves paths out where the library has no times for them, and says nothing.
void check_times(const Netlist& netlist, const std::string& where) {
  std::set<const LibertyCell*> types;
  for (const NetlistCell& cell : netlist.cells()) types.insert(cell.type);
  for (const LibertyCell* type : types) {
    const std::string missing = missing_times(*type);
    if (missing.empty()) continue;
    throw Error(ErrorKind::kUnimplemented,
                fmt::format("{}: cell {}: the library holds no {}", where, type->name, missing));
  }
}

/// The nets that a path from an input or a clocked flip-flop reaches through a cell or more.
std::vector<char> nets_behind_cells(const Netlist& netlist) {
  std::vector<char> begins(netlist.net_count(), 0);
  for (const NetlistPort& port : netlist.ports()) {
    for (const int net : port.nets) begins[net] = begins[net] || port.is_input;
  }
  std::vector<char> behind(netlist.net_count(), 0);
  for (bool changed = true; changed;) {
    changed = false;
    for (const NetlistCell& cell : netlist.cells()) {
      for (std::size_t p = 0; p < cell.nets.size(); ++p) {
        const LibertyPin& output = cell.type->pins[p];
        if (output.direction != LibertyPin::Direction::kOutput || behind[cell.nets[p]]) continue;
        for (const std::string& from : launching_pins(*cell.type, output)) {
          for (std::size_t q = 0; q < cell.nets.size(); ++q) {
            if (cell.type->pins[q].name != from) continue;
            if (begins[cell.nets[q]] || behind[cell.nets[q]]) {
              behind[cell.nets[p]] = 1;
              changed = true;
            }
          }
        }
      }
    }
  }
  return behind;
}

/// A bit of a port as OpenSTA calls it.
std::string bit_name(const NetlistPort& port, int bit) {
  return port.width() == 1 ? port.name : fmt::format("{}[{}]", port.name, bit);
}

/// The slack of each path's end in a report of the format `end`: `name (kind) required actual slack
/// (VIOLATED)`. Long names stand on a line of their own.
std::map<std::string, double> read_slacks(const std::string& report) {
  std::map<std::string, double> slacks;
  std::istringstream words(report);
  std::string word;
  std::string name;    // before the last "(kind)"
  std::string before;  // the word before this one
  while (words >> word) {
    if (word == "(VIOLATED)" || word == "(MET)") {
      char* end = nullptr;
      const double slack = std::strtod(before.c_str(), &end);
      if (!name.empty() && end != before.c_str() && *end == '\0' && std::isfinite(slack)) {
        const auto [known, is_new] = slacks.emplace(name, slack);
        if (!is_new) known->second = std::min(known->second, slack);
      }
      name.clear();
    } else if (word.front() == '(' && word.back() == ')') {
      name = before;
    }
    before = word;
  }
  return slacks;
}

}  // namespace

double critical_path_ns(const SynthesisResult& synthesis, double input_slew_ns,
                        const std::string& clock) {
  const Liberty library = Liberty::read(synthesis.cells_liberty);
  const Netlist netlist = Netlist::read_json(synthesis.netlist_json, library, synthesis.top);
  if (netlist.cells().empty()) return 0;
  const std::string where = synthesis.liberty.empty() ? library.origin() : synthesis.liberty;
  check_times(netlist, where);
  // A period that every path misses: the slack, in single precision, is then as long as the path.
  constexpr double kPeriodNs = 0.001;
  std::string inputs;
  int ends = 0;
  for (const NetlistPort& port : netlist.ports()) {
    for (int bit = 0; bit < port.width(); ++bit) {
      if (port.is_input && port.name != clock) inputs += bit_name(port, bit) + " ";
      ends += port.is_input ? 0 : 1;
    }
  }
  std::string script =
      "read_liberty cells.lib\n"
      "read_verilog netlist.v\n" +
      fmt::format("link_design {}\n", synthesis.top) + "set_cmd_units -time ns\n";
  if (clock.empty()) {
    script += fmt::format("create_clock -name lutra_clock -period {}\n", kPeriodNs);
  } else {
    check_identifier(clock, "clock port");
    const NetlistPort& port = netlist.port(clock);
    if (!port.is_input || port.width() != 1) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: clock {}, expected an input of one bit", synthesis.top, clock));
    }
    script +=
        fmt::format("create_clock -name lutra_clock -period {} [get_ports {}]\n", kPeriodNs, clock);
  }
  script += fmt::format("set_input_transition {:.9g} [all_inputs]\n", input_slew_ns);
  if (!inputs.empty()) {
    script += fmt::format("set_input_delay 0 -clock lutra_clock [get_ports {{{}}}]\n", inputs);
  }
  script += fmt::format(
      "set_output_delay 0 -clock lutra_clock [all_outputs]\n"
      "report_checks -path_delay max -group_count {} -format end -digits 6\n"
      "exit\n",
      ends + static_cast<int>(netlist.cells().size()));
  const base::PrivateDirectory work(std::filesystem::temp_directory_path());
  std::vector<std::string> cells;
  for (const auto& [name, cell] : library.cells()) cells.push_back(name);
  base::write_file(work.path() / "cells.lib", subset_text(library, cells, LibertyNames::kTool));
  base::write_file(work.path() / "netlist.v", netlist.verilog("", LibertyNames::kTool));
  base::write_file(work.path() / "timing.tcl", script);
  const ToolResult run =
      run_tool({"sta", "-no_splash", "-no_init", "-exit", "timing.tcl"}, work.path(), "opensta");
  refuse_unknown_messages(Tool::kOpenSta, run.output, where);
  if (const std::string limit = run.limit(); !limit.empty()) {
    throw Error(ErrorKind::kExhausted, fmt::format("{}: OpenSTA {}", where, limit));
  }
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::kInternal, fmt::format("{}: {}: OpenSTA {}: {}", where, synthesis.top,
                                                  what, run.output.substr(0, 400)));
  };
  if (run.status != 0) fail(fmt::format("ended with status {}", run.status));

  const std::map<std::string, double> slacks = read_slacks(run.output);
  const std::vector<char> behind = nets_behind_cells(netlist);
  for (const NetlistPort& port : netlist.ports()) {
    for (int bit = 0; !port.is_input && bit < port.width(); ++bit) {
      if (behind[port.nets[bit]] == 0) continue;
      const auto found = slacks.find(bit_name(port, bit));
      if (found == slacks.end()) fail(fmt::format("reports no path to {}", bit_name(port, bit)));
      if (kPeriodNs - found->second <= 0) {
        fail(fmt::format("reports a delay of {} ns to {}", kPeriodNs - found->second,
                         bit_name(port, bit)));
      }
    }
  }
  double worst_slack = kPeriodNs;
  for (const auto& [end, slack] : slacks) worst_slack = std::min(worst_slack, slack);
  return kPeriodNs - worst_slack;
}

}  // namespace lutra::synth
