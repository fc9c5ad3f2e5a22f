#include "lutra/synth/synthesis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "lutra/numerics/error.h"
#include "lutra/numerics/files.h"
#include "lutra/synth/files.h"
#include "lutra/synth/liberty.h"
#include "lutra/synth/netlist.h"
#include "lutra/synth/netlist_simulator.h"
#include "lutra/synth/process.h"
#include "verilog_sources.h"

namespace lutra::synth {
namespace {

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// The commands that read the sources and select the top module.
std::string read_script(const std::vector<VerilogFile>& sources, const std::string& top,
                        const std::vector<std::pair<std::string, long>>& parameters) {
  std::string script;
  for (const VerilogFile& file : sources) {
    if (file.is_include) continue;
    const bool system_verilog = std::filesystem::path(file.safe_path).extension() == ".sv";
    script += fmt::format("read_verilog {}-Isource source/{}\n", system_verilog ? "-sv " : "",
                          file.safe_path);
  }
  if (!top.empty()) {
    check_identifier(top, fmt::format("{}: module name", sources[0].original.string()));
  }
  // Parameters can be set on a named top only; the root module is found in a first pass.
  script +=
      top.empty() ? "hierarchy -check -auto-top" : fmt::format("hierarchy -check -top {}", top);
  for (const auto& [name, value] : parameters) {
    check_identifier(name, "parameter name");
    script += fmt::format(" -chparam {} {}", name, value);
  }
  return script + "\n";
}

/// Names of the modules in a text, for messages.
std::string module_names(const std::vector<VerilogFile>& sources) {
  std::string names;
  for (const VerilogFile& file : sources) {
    std::istringstream words(file.text);
    std::string word;
    while (words >> word) {
      if (word != "module" || !(words >> word)) continue;
      if (word == "automatic" || word == "static") words >> word;
      names += (names.empty() ? "" : ", ") + word.substr(0, word.find_first_of("(#;"));
    }
  }
  return names.empty() ? "none" : names;
}

/// Runs a script; on failure throws with Yosys' own message about the user's file.
std::string run_yosys(const std::string& script, const std::vector<VerilogFile>& sources,
                      const std::filesystem::path& directory) {
  numerics::write_file(directory / "synthesis.ys", script);
  const ProcessResult run = run_process({"yosys", "-s", "synthesis.ys"}, directory, "yosys");
  if (run.status == 0) return run.output;
  if (run.timed_out) {
    throw Error(ExitCode::kUnsupported, fmt::format("{}: Yosys has not ended within an hour",
                                                    sources[0].original.string()));
  }
  std::istringstream lines(run.output);
  std::string line;
  std::string message;
  while (std::getline(lines, line)) {
    if (line.find("ERROR:") != std::string::npos) message = line;
  }
  const std::string first_file = sources[0].original.string();
  const auto quoted = [&message](const std::string& before, const std::string& after) {
    const std::size_t from = message.find(before);
    if (from == std::string::npos) return std::string();
    const std::size_t to = message.find(after, from + before.size());
    if (to == std::string::npos) return std::string();
    return message.substr(from + before.size(), to - from - before.size());
  };
  if (const std::string name = quoted("Module `", "' not found!"); !name.empty()) {
    throw Error(ExitCode::kUsage, fmt::format("{}: no module {}, expected one of: {}", first_file,
                                              name, module_names(sources)));
  }
  if (const std::string name = quoted("Can't find object for defparam `", "`"); !name.empty()) {
    throw Error(ExitCode::kUsage,
                fmt::format("{}: the top module has no parameter {}", first_file, name));
  }
  if (message.empty()) {
    throw Error(
        ExitCode::kUsage,
        fmt::format("{}: Yosys ended with status {}: {}", first_file, run.status,
                    trimmed(run.output.substr(run.output.size() -
                                              std::min<std::size_t>(300, run.output.size())))));
  }
  message = with_original_names(trimmed(message), sources);
  if (message.rfind("ERROR:", 0) == 0) message = fmt::format("{}: {}", first_file, message);
  throw Error(ExitCode::kUsage, message);
}

std::pair<std::string, std::vector<ModulePort>> inspect(
    const std::vector<VerilogFile>& sources, const std::string& top,
    const std::vector<std::pair<std::string, long>>& parameters,
    const std::filesystem::path& directory) {
  std::string script = read_script(sources, top, top.empty() ? decltype(parameters){} : parameters);
  script += "proc\nwrite_json ports.json\n";
  run_yosys(script, sources, directory);
  const nlohmann::ordered_json root =
      nlohmann::ordered_json::parse(numerics::read_file(directory / "ports.json"));
  for (const auto& [name, module] : root.at("modules").items()) {
    if (!module.at("attributes").contains("top")) continue;
    std::vector<ModulePort> ports;
    for (const auto& [port_name, port] : module.at("ports").items()) {
      ports.push_back({port_name, port.at("direction").get<std::string>() == "input",
                       static_cast<int>(port.at("bits").size())});
    }
    // With parameters set, Yosys names the module after them.
    return {top.empty() ? name : top, std::move(ports)};
  }
  throw Error(ExitCode::kUsage, fmt::format("{}: no root module found among: {}",
                                            sources[0].original.string(), module_names(sources)));
}

}  // namespace

std::pair<std::string, std::vector<ModulePort>> inspect_module(
    const std::vector<std::filesystem::path>& files, const std::string& top,
    const std::vector<std::pair<std::string, long>>& parameters) {
  const std::vector<VerilogFile> sources = read_verilog_sources(files);
  const PrivateDirectory work(std::filesystem::temp_directory_path());
  write_verilog_sources(sources, work.path() / "source");
  return inspect(sources, top, parameters, work.path());
}

SynthesisResult synthesize(const std::vector<std::filesystem::path>& files, const std::string& top,
                           const std::vector<std::pair<std::string, long>>& parameters,
                           const std::filesystem::path& liberty,
                           const std::filesystem::path& out_dir) {
  const std::vector<VerilogFile> sources = read_verilog_sources(files);
  const std::string first_file = sources[0].original.string();
  const Liberty library = Liberty::read(liberty);
  const PrivateDirectory work(std::filesystem::temp_directory_path());
  write_verilog_sources(sources, work.path() / "source");
  numerics::write_file(work.path() / "library.lib", library.text());

  SynthesisResult result;
  result.top = top.empty() ? inspect(sources, "", {}, work.path()).first : top;
  check_identifier(result.top, fmt::format("{}: module name", first_file));
  std::string script = read_script(sources, result.top, parameters);
  script += fmt::format(
      "synth -flatten\n"
      "rename -top {0}\n"
      "dfflibmap -liberty library.lib\n"
      "abc -liberty library.lib\n"
      "opt_clean -purge\n"
      "tee -q -o area.txt stat -liberty library.lib\n"
      "write_json netlist.json\n",
      result.top);
  run_yosys(script, sources, work.path());

  const Netlist netlist =
      Netlist::read_json(work.path() / "netlist.json", library, result.top, first_file);
  try {
    const NetlistSimulator simulator(netlist);  // finds combinational loops
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", first_file, error.what()));
  }

  std::vector<std::string> used;
  for (const auto& [name, count] : netlist.cell_counts()) used.push_back(name);
  std::vector<std::string> kept = used;
  kept.push_back(library.smallest_inverter().name);  // a library needs at least one cell

  // Two figures of the same area, Yosys' and ours, must agree: both read the Liberty file.
  result.area_um2 = netlist.area_um2();
  result.leakage_nw = netlist.leakage_nw();
  const std::string area = numerics::read_file(work.path() / "area.txt");
  const std::size_t at = area.rfind("Chip area");
  const double yosys_area =
      at == std::string::npos ? 0 : std::atof(area.c_str() + area.find("': ", at) + 3);
  if (std::abs(yosys_area - result.area_um2) > 1e-6 * std::max(1.0, yosys_area)) {
    throw Error(ExitCode::kInternal,
                fmt::format("{}: area is {} um2 by Yosys and {} um2 by the netlist", first_file,
                            yosys_area, result.area_um2));
  }

  std::filesystem::create_directories(out_dir / "source");
  result.directory = out_dir;
  result.netlist_json = out_dir / "netlist.json";
  result.netlist_verilog = out_dir / "netlist.v";
  result.cells_liberty = out_dir / "cells.lib";
  result.cells_verilog = out_dir / "cells.v";
  numerics::write_file(result.netlist_json, numerics::read_file(work.path() / "netlist.json"));
  numerics::write_file(
      result.netlist_verilog,
      fmt::format("// {} mapped to {} by {}.\n\n", result.top, library.name(), yosys_version()) +
          netlist.verilog());
  numerics::write_file(result.cells_liberty, library.subset_text(kept));
  numerics::write_file(result.cells_verilog, library.verilog_cells(used));
  write_verilog_sources(sources, out_dir / "source");
  for (const VerilogFile& file : sources) {
    if (!file.is_include) result.sources.push_back(out_dir / "source" / file.safe_path);
  }
  return result;
}

double critical_path_ns(const SynthesisResult& synthesis, double input_slew_ns,
                        const std::string& clock) {
  const Liberty library = Liberty::read(synthesis.cells_liberty);
  const Netlist netlist = Netlist::read_json(synthesis.netlist_json, library, synthesis.top);
  if (netlist.cells().empty()) return 0;
  // A period that every path misses: the slack, in single precision, is then as long as the path.
  constexpr double kPeriodNs = 0.001;
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
      throw Error(ExitCode::kUsage,
                  fmt::format("{}: clock {}, expected an input of one bit", synthesis.top, clock));
    }
    script +=
        fmt::format("create_clock -name lutra_clock -period {} [get_ports {}]\n", kPeriodNs, clock);
  }
  script += fmt::format(
      "set_input_transition {:.9g} [all_inputs]\n"
      "set_input_delay 0 -clock lutra_clock [all_inputs]\n"
      "set_output_delay 0 -clock lutra_clock [all_outputs]\n"
      "set_load 0 [get_nets -hierarchical *]\n"  // not the library's wire load model
      "report_checks -path_delay max -digits 6\n"
      "exit\n",
      input_slew_ns);
  const PrivateDirectory work(std::filesystem::temp_directory_path());
  numerics::write_file(work.path() / "cells.lib", library.text());
  numerics::write_file(work.path() / "netlist.v", numerics::read_file(synthesis.netlist_verilog));
  numerics::write_file(work.path() / "timing.tcl", script);
  const ProcessResult run =
      run_process({"sta", "-no_splash", "-no_init", "-exit", "timing.tcl"}, work.path(), "opensta");
  // A slack line closes the report of each path group's worst path: `<number>  slack (VIOLATED)`.
  std::istringstream lines(run.output);
  std::string line;
  bool found = false;
  double worst_slack = 0;
  while (std::getline(lines, line)) {
    if (line.find("slack (") == std::string::npos) continue;
    const double slack = std::strtod(line.c_str(), nullptr);
    worst_slack = found ? std::min(worst_slack, slack) : slack;
    found = true;
  }
  if (found) return kPeriodNs - worst_slack;
  if (run.output.find("No paths found") != std::string::npos) return 0;
  throw Error(ExitCode::kInternal, fmt::format("{}: OpenSTA reports no path: {}", synthesis.top,
                                               trimmed(run.output.substr(0, 400))));
}

std::string yosys_version() {
  const std::filesystem::path here = std::filesystem::temp_directory_path();
  return trimmed(run_process({"yosys", "-V"}, here, "yosys").output);
}

std::string opensta_version() {
  const std::filesystem::path here = std::filesystem::temp_directory_path();
  return "OpenSTA " + trimmed(run_process({"sta", "-version"}, here, "opensta").output);
}

}  // namespace lutra::synth
