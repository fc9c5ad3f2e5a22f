#include "lutra/synth/synthesis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "lutra/numerics/error.h"
#include "lutra/numerics/files.h"
#include "lutra/synth/files.h"
#include "lutra/synth/liberty.h"
#include "lutra/synth/netlist.h"
#include "lutra/synth/netlist_simulator.h"
#include "lutra/synth/process.h"
#include "synthesis/verilog_sources.h"

namespace lutra::synth {
namespace {

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// The modules in the sources: name, and where, as `file:line`. Comments are skipped.
std::vector<std::pair<std::string, std::string>> find_modules(
    const std::vector<VerilogFile>& sources) {
  std::vector<std::pair<std::string, std::string>> modules;
  for (const VerilogFile& file : sources) {
    int line = 0;
    std::istringstream lines(without_comments(file.text));
    std::string text;
    bool behind_module = false;
    while (std::getline(lines, text)) {
      ++line;
      for (char& c : text) {
        if (c == '(' || c == '#' || c == ';') c = ' ';
      }
      std::istringstream words(text);
      std::string word;
      while (words >> word) {
        if (behind_module && word != "automatic" && word != "static") {
          modules.emplace_back(word, fmt::format("{}:{}", file.original.string(), line));
          behind_module = false;
        } else if (word == "module" || word == "macromodule") {
          behind_module = true;
        }
      }
    }
  }
  return modules;
}

/// Names of the modules in the sources, for messages.
std::string module_names(const std::vector<VerilogFile>& sources) {
  std::string names;
  for (const auto& [name, where] : find_modules(sources)) {
    names += (names.empty() ? "" : ", ") + name;
  }
  return names.empty() ? "none" : names;
}

/// A module and a cell of one name would be taken for each other in the netlist.
void check_module_names(const std::vector<VerilogFile>& sources, const Liberty& library) {
  for (const auto& [name, where] : find_modules(sources)) {
    if (library.find_cell(name) == nullptr) continue;
    throw Error(ExitCode::kUsage,
                fmt::format("{}: module {} has the name of a cell of the library {}, expected "
                            "another name (and no models of the cells)",
                            where, name, library.name()));
  }
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

/// The top module that a script leaves, and its ports.
std::pair<std::string, std::vector<ModulePort>> top_module(const std::string& script,
                                                           const std::vector<VerilogFile>& sources,
                                                           const std::filesystem::path& directory) {
  run_yosys(script + "write_json ports.json\n", sources, directory);
  const nlohmann::ordered_json root =
      nlohmann::ordered_json::parse(numerics::read_file(directory / "ports.json"));
  for (const auto& [name, module] : root.at("modules").items()) {
    if (!module.at("attributes").contains("top")) continue;
    std::vector<ModulePort> ports;
    for (const auto& [port_name, port] : module.at("ports").items()) {
      ports.push_back({port_name, port.at("direction").get<std::string>() == "input",
                       static_cast<int>(port.at("bits").size())});
    }
    return {name, std::move(ports)};
  }
  throw Error(ExitCode::kUsage, fmt::format("{}: no root module found among: {}",
                                            sources[0].original.string(), module_names(sources)));
}

std::pair<std::string, std::vector<ModulePort>> inspect(
    const std::vector<VerilogFile>& sources, const std::string& top,
    const std::vector<std::pair<std::string, long>>& parameters,
    const std::filesystem::path& directory) {
  auto module = top_module(
      read_script(sources, top, top.empty() ? decltype(parameters){} : parameters) + "proc\n",
      sources, directory);
  // With parameters set, Yosys names the module after them.
  if (!top.empty()) module.first = top;
  return module;
}

/// The copies of the sources and the library that a Yosys run reads, in a directory of its own.
class Workplace {
 public:
  Workplace(const std::vector<std::filesystem::path>& files, const std::filesystem::path& liberty)
      : sources(read_verilog_sources(files)), library(Liberty::read(liberty)) {
    check_module_names(sources, library);
    write_verilog_sources(sources, path() / "source");
    write("library.lib", library.text());
  }

  const std::filesystem::path& path() const { return directory_.path(); }
  std::string first_file() const { return sources[0].original.string(); }
  /// A file for a script to name.
  void write(const std::string& name, const std::string& text) const {
    numerics::write_file(path() / name, text);
  }
  void run(const std::string& script) const { run_yosys(script, sources, path()); }

  /// The commands that leave the mapped module as mapping number `mapping`.
  static std::string keep(int mapping) {
    return fmt::format(
        "tee -q -o area{0}.txt stat -liberty library.lib\n"
        "write_json netlist{0}.json\n",
        mapping);
  }
  /// Checks a mapping of the module `top` and writes its files.
  SynthesisResult result(int mapping, const std::string& top,
                         const std::filesystem::path& out_dir) const;

  const std::vector<VerilogFile> sources;
  const Liberty library;

 private:
  PrivateDirectory directory_{std::filesystem::temp_directory_path()};
};

SynthesisResult Workplace::result(int mapping, const std::string& top,
                                  const std::filesystem::path& out_dir) const {
  const std::filesystem::path json = path() / fmt::format("netlist{}.json", mapping);
  const Netlist netlist = [&] {
    try {
      Netlist read = Netlist::read_json(json, library, top, first_file());
      const NetlistSimulator simulator(read);  // finds combinational loops
      return read;
    } catch (const Error& error) {
      std::string text = with_original_names(error.what(), sources);
      if (text.rfind(top + ": ", 0) == 0) text = fmt::format("{}: {}", first_file(), text);
      throw Error(error.code(), text);
    }
  }();

  SynthesisResult result;
  result.top = top;
  std::vector<std::string> used;
  for (const auto& [name, count] : netlist.cell_counts()) used.push_back(name);
  std::vector<std::string> kept = used;
  kept.push_back(library.smallest_inverter().name);  // a library needs at least one cell

  // Two figures of the same area, Yosys' and ours, must agree: both read the Liberty file.
  result.area_um2 = netlist.area_um2();
  result.leakage_nw = netlist.leakage_nw();
  const std::string area = numerics::read_file(path() / fmt::format("area{}.txt", mapping));
  const std::size_t at = area.rfind("Chip area");
  const double yosys_area =
      at == std::string::npos ? 0 : std::atof(area.c_str() + area.find("': ", at) + 3);
  if (std::abs(yosys_area - result.area_um2) > 1e-6 * std::max(1.0, yosys_area)) {
    throw Error(ExitCode::kInternal,
                fmt::format("{}: area is {} um2 by Yosys and {} um2 by the netlist", first_file(),
                            yosys_area, result.area_um2));
  }

  std::filesystem::create_directories(out_dir / "source");
  result.directory = out_dir;
  result.netlist_json = out_dir / "netlist.json";
  result.netlist_verilog = out_dir / "netlist.v";
  result.cells_liberty = out_dir / "cells.lib";
  result.cells_verilog = out_dir / "cells.v";
  numerics::write_file(result.netlist_json, numerics::read_file(json));
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

/// A module synthesised once and mapped by abc in several ways.
class Mapper {
 public:
  Mapper(const std::vector<std::filesystem::path>& files, const std::string& top,
         const std::vector<std::pair<std::string, long>>& parameters,
         const std::filesystem::path& liberty)
      : place(files, liberty),
        top_(top.empty() ? inspect(place.sources, "", {}, place.path()).first : top) {
    check_identifier(top_, fmt::format("{}: module name", place.first_file()));
    script_ = read_script(place.sources, top_, parameters);
    script_ += fmt::format(
        "synth -flatten\n"
        "rename -top {}\n"
        "dfflibmap -liberty library.lib\n"
        "design -save unmapped\n",
        top_);
  }

  /// Adds a mapping by these options of Yosys' abc, and returns its number.
  int add(const std::string& abc_options) {
    script_ += fmt::format(
        "design -load unmapped\n"
        "abc -liberty library.lib {}\n"
        "opt_clean -purge\n",
        abc_options);
    script_ += Workplace::keep(mappings_);
    return mappings_++;
  }
  void run() const { place.run(script_); }
  SynthesisResult result(int mapping, const std::filesystem::path& out_dir) const {
    return place.result(mapping, top_, out_dir);
  }

  const Workplace place;

 private:
  std::string top_;
  std::string script_;
  int mappings_ = 0;
};

/// Ways to map towards a delay: by area; by delay; by delay behind a restructuring for depth. All
/// end in gates sized for it.
constexpr std::pair<const char*, const char*> kMappings[] = {
    {"area", "dch; amap -m; topo"},
    {"delay", "dch; map -B 0.9 -D {0}; topo"},
    {"depth", "if -g -K 6; strash; dch; map -B 0.9 -D {0}; topo"},
};

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
  Mapper mapper(files, top, parameters, liberty);
  const int mapping = mapper.add("");
  mapper.run();
  return mapper.result(mapping, out_dir);
}

std::vector<TimedSynthesis> synthesize_for_delays(
    const std::vector<std::filesystem::path>& files, const std::string& top,
    const std::vector<std::pair<std::string, long>>& parameters,
    const std::filesystem::path& liberty, const std::vector<double>& targets_ns,
    double input_slew_ns, const std::filesystem::path& out_dir) {
  Mapper mapper(files, top, parameters, liberty);
  mapper.place.write("drive.constr", fmt::format("set_driving_cell {}\nset_load 0\n",
                                                 mapper.place.library.smallest_inverter().name));
  struct Candidate {
    std::string mapping;
    int number;
  };
  const Candidate plain = {"plain", mapper.add("")};
  std::vector<std::vector<Candidate>> candidates;  // [target]
  for (const double target_ns : targets_ns) {
    candidates.push_back({plain});
    const long target_ps = std::max(1L, std::lround(1000 * target_ns));
    for (const auto& [name, commands] : kMappings) {
      const std::string file = fmt::format("{}-{}.abc", name, target_ps);
      mapper.place.write(file,
                         fmt::format("strash; &get -n; &fraig -x; &put; scorr; dc2; strash; {1}; "
                                     "buffer -c; upsize -D {0}; dnsize -D {0}; stime -p\n",
                                     target_ps, fmt::format(commands, target_ps)));
      const std::string options =
          fmt::format("-constr drive.constr -D {} -script {}", target_ps, file);
      candidates.back().push_back({name, mapper.add(options)});
    }
  }
  mapper.run();

  std::vector<TimedSynthesis> chosen;
  const PrivateDirectory work(std::filesystem::temp_directory_path());
  for (std::size_t t = 0; t < targets_ns.size(); ++t) {
    std::optional<TimedSynthesis> best;
    int best_number = 0;
    for (const auto& [mapping, number] : candidates[t]) {
      TimedSynthesis made;
      made.synthesis = mapper.result(number, work.path() / std::to_string(number));
      made.mapping = mapping;
      made.target_ns = targets_ns[t];
      made.delay_ns = critical_path_ns(made.synthesis, input_slew_ns);
      made.reached = made.delay_ns <= made.target_ns;
      if (best.has_value()) {
        const bool better = made.reached != best->reached ? made.reached
                            : made.reached ? made.synthesis.area_um2 < best->synthesis.area_um2
                                           : made.delay_ns < best->delay_ns;
        if (!better) continue;
      }
      best = std::move(made);
      best_number = number;
    }
    best->synthesis = mapper.result(best_number, out_dir / fmt::format("{:g}ns", targets_ns[t]));
    chosen.push_back(std::move(*best));
  }
  return chosen;
}

SynthesisResult read_mapped_netlist(const std::vector<std::filesystem::path>& files,
                                    const std::string& top, const std::filesystem::path& liberty,
                                    const std::filesystem::path& out_dir) {
  const Workplace place(files, liberty);
  // Cells are black boxes; those that the library lacks are found with their line afterwards.
  const std::string read = "read_liberty -lib -ignore_miss_func library.lib\n" +
                           read_script(place.sources, top, {}, false) + "proc\n";
  const std::string found = top.empty() ? top_module(read, place.sources, place.path()).first : top;
  check_identifier(found, fmt::format("{}: module name", place.first_file()));
  place.run(read + "flatten\nrename -top " + found + "\ndelete =A:blackbox\n" + Workplace::keep(0));
  return place.result(0, found, out_dir);
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

std::string yosys_version() { return trimmed(constant_output({"yosys", "-V"}, "yosys")); }

std::string opensta_version() {
  return "OpenSTA " + trimmed(constant_output({"sta", "-version"}, "opensta"));
}

}  // namespace lutra::synth
