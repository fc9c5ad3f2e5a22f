#include "lutra/synthesis/synthesis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <set>
#include <sstream>

#include "library_check.h"
#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/netlist/liberty.h"
#include "lutra/netlist/liberty_writer.h"
#include "lutra/netlist/netlist.h"
#include "lutra/netlist/netlist_simulator.h"
#include "lutra/synthesis/verilog_sources.h"
#include "lutra/system/tool.h"
#include "tool_messages.h"

namespace lutra::synth {
namespace {

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

using Parameters = std::vector<std::pair<std::string, long>>;

/// Whether a front end takes the sources.
struct Opinion {
  bool takes = false;
  bool user_error = false;  ///< an `$error` of the source's own stopped it
};

Opinion opinion_of(const std::vector<std::string>& command, const VerilogSources& sources,
                   const std::filesystem::path& directory) {
  std::vector<std::string> words = command;
  for (const std::string& name : sources.names()) words.push_back(name);
  try {
    const ToolResult run = run_tool(words, directory, command[0], 60);
    return {run.status == 0, run.output.find("USERERROR") != std::string::npos};
  } catch (const Error&) {
    return {};  // absent
  }
}

/// Where the first array of gate instances stands (`and g [7:0] (...)`), which Yosys 0.23 ends on
/// with an assertion; empty if there is none.
std::string gate_array(const VerilogSources& sources) {
  static const std::regex kArray(
      R"(\b(and|or|nand|nor|xor|xnor|buf|not|bufif0|bufif1|notif0|notif1)\s+(#\s*(\([^)]*\)|\w+)\s*)?\w+\s*\[)");
  for (const VerilogSources::File& file : sources.files()) {
    std::smatch found;
    if (!std::regex_search(file.text, found, kArray)) continue;
    const auto line = static_cast<std::size_t>(
        std::count(file.text.begin(), file.text.begin() + found.position(0), '\n'));
    const auto& [path, number] = file.origins.at(line);
    return fmt::format("{}:{}", path.string(), number);
  }
  return "";
}

/// What Yosys refuses is the user's fault only if no other front end takes it.
[[noreturn]] void refuse(const std::string& message, const VerilogSources& sources,
                         const Parameters& parameters, const std::filesystem::path& directory) {
  std::vector<std::string> by_icarus = {"iverilog", "-g2012", "-DSYNTHESIS", "-t",
                                        "null",     "-s",     sources.top()};
  std::vector<std::string> by_verilator = {"verilator",    "--lint-only", "-Wno-lint",
                                           "-Wno-style",   "--no-timing", "-DSYNTHESIS",
                                           "--top-module", sources.top()};
  for (const auto& [name, value] : parameters) {
    by_icarus.push_back(fmt::format("-P{}.{}={}", sources.top(), name, value));
    by_verilator.push_back(fmt::format("-G{}={}", name, value));
  }
  const Opinion icarus = opinion_of(by_icarus, sources, directory);
  const Opinion verilator = opinion_of(by_verilator, sources, directory);
  std::string where = message;
  const bool fault_of_yosys = message.find("Assert") != std::string::npos;
  if (const std::string array = fault_of_yosys ? gate_array(sources) : ""; !array.empty()) {
    where = array + ": arrays of gates";
  } else if (message.rfind("ERROR:", 0) == 0) {
    where = fmt::format("{}: {}", sources.first_file(), message);
  }
  if (verilator.user_error || (!icarus.takes && !verilator.takes && !fault_of_yosys)) {
    throw Error(ErrorKind::kInvalidArgument, where);
  }
  throw Error(ErrorKind::kUnimplemented,
              fmt::format("{}: {} cannot read this{}; {} the source", where,
                          yosys_version().substr(0, yosys_version().find(" (")),
                          where == message ? "" : fmt::format(" ({})", message),
                          icarus.takes && verilator.takes ? "Icarus Verilog and Verilator take"
                          : icarus.takes                  ? "Icarus Verilog takes"
                          : verilator.takes               ? "Verilator takes"
                                                          : "no front end at hand takes"));
}

/// Whether a failed run had come to the passes that read the library: the sources are read by then.
bool is_about_library(const std::string& output) {
  return output.find("Executing DFFLIBMAP pass") != std::string::npos ||
         output.find("Executing ABC pass") != std::string::npos;
}

/// Runs a script; on failure throws with Yosys' own message about the user's file, or about the
/// library where it has come to that.
/// @param parameters  of the top module, as the script sets them
/// @param library     that the script maps to; may be null
std::string run_yosys(const std::string& script, const VerilogSources& sources,
                      const Parameters& parameters, const std::filesystem::path& directory,
                      const Liberty* library = nullptr) {
  base::write_file(directory / "synthesis.ys", script);
  const ToolResult run = run_tool({"yosys", "-s", "synthesis.ys"}, directory, "yosys");
  const std::string first_file = sources.first_file();
  if (run.status == 0) {
    refuse_unknown_messages(
        Tool::kYosys, sources.located(run.output),
        library == nullptr ? first_file : fmt::format("{} ({})", first_file, library->origin()));
    return run.output;
  }
  if (const std::string limit = run.limit(); !limit.empty()) {
    throw Error(ErrorKind::kExhausted, fmt::format("{}: Yosys {}", first_file, limit));
  }
  std::istringstream lines(run.output);
  std::string line;
  std::string message;
  while (std::getline(lines, line)) {
    if (line.find("ERROR:") != std::string::npos) message = line;
  }
  const auto quoted = [&message](const std::string& before, const std::string& after) {
    const std::size_t from = message.find(before);
    if (from == std::string::npos) return std::string();
    const std::size_t to = message.find(after, from + before.size());
    if (to == std::string::npos) return std::string();
    return message.substr(from + before.size(), to - from - before.size());
  };
  if (const std::string name = quoted("Can't find object for defparam `", "`"); !name.empty()) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: the top module has no parameter {}", first_file, name));
  }
  if (message.empty()) {
    throw Error(
        ErrorKind::kInvalidArgument,
        fmt::format("{}: Yosys ended with status {}: {}", first_file, run.status,
                    trimmed(run.output.substr(run.output.size() -
                                              std::min<std::size_t>(300, run.output.size())))));
  }
  if (library != nullptr && is_about_library(run.output)) {
    if (message.find("cannot be legalized") != std::string::npos) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: the library holds no {}, and {} needs a flip-flop: {}",
                              library->origin(), lacking_flip_flop(*library), first_file,
                              trimmed(message)));
    }
    std::string reason;
    for (const std::string& unknown : unknown_messages(Tool::kYosys, run.output)) {
      if (unknown != trimmed(message)) reason += fmt::format(" ({})", unknown);
    }
    throw Error(ErrorKind::kUnimplemented,
                fmt::format("{}: Yosys cannot map {} to the library: {}{}", library->origin(),
                            first_file, trimmed(message), reason));
  }
  refuse(sources.located(trimmed(message)), sources, parameters, directory);
}

/// The ports of the top module that a script leaves.
std::vector<ModulePort> ports_of(const std::string& script, const VerilogSources& sources,
                                 const Parameters& parameters,
                                 const std::filesystem::path& directory) {
  run_yosys(script + "write_json ports.json\n", sources, parameters, directory);
  const nlohmann::ordered_json root =
      nlohmann::ordered_json::parse(base::read_file(directory / "ports.json"));
  for (const auto& [name, module] : root.at("modules").items()) {
    if (!module.at("attributes").contains("top")) continue;
    std::vector<ModulePort> ports;
    for (const auto& [port_name, port] : module.at("ports").items()) {
      ports.push_back({port_name, port.at("direction").get<std::string>() == "input",
                       static_cast<int>(port.at("bits").size()), port.value("signed", 0) != 0});
    }
    return ports;
  }
  throw Error(ErrorKind::kInternal,
              fmt::format("{}: Yosys leaves no top module", sources.first_file()));
}

/// The library written anew for mapping, kept for the next multiplier that is mapped to it: the
/// cells that may be used, under names for tools.
std::string library_for_mapping(const Liberty& library) {
  static std::mutex mutex;
  static std::map<std::string, std::string> known;
  constexpr std::size_t kKept = 4;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    if (const auto found = known.find(library.sha256()); found != known.end()) return found->second;
  }
  std::vector<std::string> cells;
  for (const auto& [name, cell] : library.cells()) {
    // dfflibmap does not know dont_use; and through a cell without times no path could be told.
    if (!cell.dont_use && missing_times(cell).empty()) cells.push_back(name);
  }
  std::string text = subset_text(library, cells, LibertyNames::kTool);
  const std::lock_guard<std::mutex> lock(mutex);
  if (known.size() >= kKept) known.clear();
  return known[library.sha256()] = std::move(text);
}

/// What Yosys' `stat` reads of a library: the area of each cell, under either name.
std::string areas_of_cells(const Liberty& library) {
  std::string text = "library (areas) {\n";
  for (const auto& [name, cell] : library.cells()) {
    if (!cell.unsupported.empty()) continue;
    for (const std::string& known : std::set<std::string>{name, cell.tool_name}) {
      text += fmt::format("  cell (\"{}\") {{ area : {}; }}\n", known, cell.area_um2);
    }
  }
  return text + "}\n";
}

/// The copies of the sources and the library that a Yosys run reads, in a directory of its own.
class Workplace {
 public:
  Workplace(const VerilogSources& read, const LibertyFiles& liberty)
      : sources(read), shared_library_(Liberty::shared(liberty)), library(*shared_library_) {
    const bool is_cell =
        std::any_of(library.cells().begin(), library.cells().end(), [&](const auto& named) {
          return named.first == sources.top() || named.second.tool_name == sources.top();
        });
    if (is_cell) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: module {} has the name of a cell of the library {}, expected "
                              "another name",
                              sources.modules().at(sources.top()), sources.top(), library.name()));
    }
    sources.write(path());
    write("areas.lib", areas_of_cells(library));
  }

  const std::filesystem::path& path() const { return directory_.path(); }
  std::string first_file() const { return sources.first_file(); }
  /// A file for a script to name.
  void write(const std::string& name, const std::string& text) const {
    base::write_file(path() / name, text);
  }
  void run(const std::string& script, const Parameters& parameters) const {
    run_yosys(script, sources, parameters, path(), &library);
  }

  /// The commands that leave the mapped module as mapping number `mapping`.
  static std::string keep(int mapping) {
    return fmt::format(
        "tee -q -o area{0}.txt stat -liberty areas.lib\n"
        "write_json netlist{0}.json\n",
        mapping);
  }
  /// Checks a mapping of the module `top` and writes its files.
  SynthesisResult result(int mapping, const std::string& top,
                         const std::filesystem::path& out_dir) const;

  const VerilogSources sources;

 private:
  const std::shared_ptr<const Liberty> shared_library_;

 public:
  const Liberty& library;

 private:
  base::PrivateDirectory directory_{std::filesystem::temp_directory_path()};
};

SynthesisResult Workplace::result(int mapping, const std::string& top,
                                  const std::filesystem::path& out_dir) const {
  const std::filesystem::path json = path() / fmt::format("netlist{}.json", mapping);
  base::write_file(json, with_own_names(base::read_file(json), library));
  const Netlist netlist = [&] {
    try {
      Netlist read = Netlist::read_json(json, library, top, first_file());
      const NetlistSimulator simulator(read);  // finds combinational loops
      return read;
    } catch (const Error& error) {
      std::string text = sources.located(error.what());
      if (text.rfind(top + ": ", 0) == 0) text = fmt::format("{}: {}", first_file(), text);
      throw Error(error.kind(), text);
    }
  }();

  SynthesisResult result;
  result.top = top;
  result.liberty = library.origin();
  std::vector<std::string> used;
  for (const auto& [name, count] : netlist.cell_counts()) used.push_back(name);
  std::vector<std::string> kept = used;
  kept.push_back(library.smallest_inverter().name);  // a library needs at least one cell

  // Two figures of the same area, Yosys' and ours, must agree: both read the Liberty file.
  result.area_um2 = netlist.area_um2();
  result.leakage_nw = netlist.leakage_nw();
  const std::string area = base::read_file(path() / fmt::format("area{}.txt", mapping));
  const std::size_t at = area.rfind("Chip area");
  const double yosys_area =
      at == std::string::npos ? 0 : std::atof(area.c_str() + area.find("': ", at) + 3);
  if (std::abs(yosys_area - result.area_um2) > 1e-6 * std::max(1.0, yosys_area)) {
    throw Error(ErrorKind::kInternal,
                fmt::format("{}: area is {} um2 by Yosys and {} um2 by the netlist", first_file(),
                            yosys_area, result.area_um2));
  }

  std::filesystem::create_directories(out_dir / "source");
  result.directory = out_dir;
  result.netlist_json = out_dir / "netlist.json";
  result.netlist_verilog = out_dir / "netlist.v";
  result.cells_liberty = out_dir / "cells.lib";
  result.cells_verilog = out_dir / "cells.v";
  base::write_file(result.netlist_json, base::read_file(json));
  base::write_file(result.netlist_verilog, fmt::format("// {} mapped to {} by {}.\n\n", result.top,
                                                       library.name(), yosys_version()) +
                                               netlist.verilog());
  base::write_file(result.cells_liberty, subset_text(library, kept));
  base::write_file(result.cells_verilog, verilog_cells(library, used));
  sources.write(out_dir);
  for (const std::string& name : sources.names()) result.sources.push_back(out_dir / name);
  return result;
}

/// A module synthesised once and mapped by abc in several ways.
class Mapper {
 public:
  Mapper(const VerilogSources& sources, const std::vector<std::pair<std::string, long>>& parameters,
         const LibertyFiles& liberty)
      : place(sources, liberty), parameters_(parameters) {
    check_library(place.library);
    place.write("library.lib", library_for_mapping(place.library));
    std::set<std::string> names;
    for (const auto& [name, cell] : place.library.cells()) names.insert(name);
    // Cells of the library that the source instantiates stay what they are.
    holds_cells_ = !sources.instantiated(names).empty();
    if (holds_cells_) {
      place.write("cells.v", verilog_black_boxes(place.library));
      script_ = "read_verilog cells.v\n";
    }
    for (const auto& [name, where] : sources.modules()) {
      // A model of the user's counts, not the cell of that name.
      if (holds_cells_ && names.count(name) != 0) script_ += "delete " + name + "\n";
    }
    script_ += sources.yosys_script(parameters);
    script_ += fmt::format("synth -flatten\nrename -top {}\n", sources.top());
    for (const auto& [name, where] : sources.modules()) {
      // Flattened by now; the mapping may need the cell.
      if (names.count(name) != 0) script_ += "delete " + name + "\n";
    }
    script_ += "dfflibmap -liberty library.lib\ndesign -save unmapped\n";
  }

  /// Adds a mapping by these options of Yosys' abc, and returns its number.
  int add(const std::string& abc_options) {
    script_ += fmt::format(
        "design -load unmapped\n"
        "abc -liberty library.lib {}\n"
        "opt_clean -purge\n",
        abc_options);
    if (holds_cells_) script_ += "delete =A:blackbox\n";
    script_ += Workplace::keep(mappings_);
    return mappings_++;
  }
  void run() const { place.run(script_, parameters_); }
  SynthesisResult result(int mapping, const std::filesystem::path& out_dir) const {
    return place.result(mapping, place.sources.top(), out_dir);
  }

  const Workplace place;

 private:
  Parameters parameters_;
  std::string script_;
  bool holds_cells_ = false;
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

std::vector<ModulePort> module_ports(const VerilogSources& sources,
                                     const std::vector<std::pair<std::string, long>>& parameters,
                                     bool check) {
  const base::PrivateDirectory work(std::filesystem::temp_directory_path());
  sources.write(work.path());
  return ports_of(sources.yosys_script(parameters, check) + "proc\n", sources, parameters,
                  work.path());
}

SynthesisResult synthesize(const VerilogSources& sources,
                           const std::vector<std::pair<std::string, long>>& parameters,
                           const LibertyFiles& liberty, const std::filesystem::path& out_dir) {
  Mapper mapper(sources, parameters, liberty);
  const int mapping = mapper.add("");
  mapper.run();
  return mapper.result(mapping, out_dir);
}

SynthesisResult synthesize(const std::vector<std::filesystem::path>& files, const std::string& top,
                           const std::vector<std::pair<std::string, long>>& parameters,
                           const LibertyFiles& liberty, const std::filesystem::path& out_dir) {
  return synthesize(VerilogSources::read(files, top), parameters, liberty, out_dir);
}

std::vector<TimedSynthesis> synthesize_for_delays(
    const VerilogSources& sources, const std::vector<std::pair<std::string, long>>& parameters,
    const LibertyFiles& liberty, const std::vector<double>& targets_ns, double input_slew_ns,
    const std::filesystem::path& out_dir) {
  Mapper mapper(sources, parameters, liberty);
  mapper.place.write("drive.constr",
                     fmt::format("set_driving_cell {}\nset_load 0\n",
                                 mapper.place.library.smallest_inverter().tool_name));
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
  const base::PrivateDirectory work(std::filesystem::temp_directory_path());
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

SynthesisResult read_mapped_netlist(const VerilogSources& sources, const LibertyFiles& liberty,
                                    const std::filesystem::path& out_dir) {
  const Workplace place(sources, liberty);
  // Cells are black boxes; those that the library lacks are found with their line afterwards.
  place.write("cells.v", verilog_black_boxes(place.library));
  place.run("read_verilog cells.v\n" + sources.yosys_script({}, false) +
                "proc\nflatten\nrename -top " + sources.top() + "\ndelete =A:blackbox\n" +
                Workplace::keep(0),
            {});
  return place.result(0, sources.top(), out_dir);
}

std::string yosys_version() { return trimmed(tool_output({"yosys", "-V"}, "yosys")); }

std::string opensta_version() {
  return "OpenSTA " + trimmed(tool_output({"sta", "-version"}, "opensta"));
}

}  // namespace lutra::synth
