#ifndef LUTRA_SYNTHESIS_SYNTHESIS_H_
#define LUTRA_SYNTHESIS_SYNTHESIS_H_

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "lutra/netlist/liberty.h"
#include "lutra/synthesis/verilog_sources.h"

namespace lutra::synth {

/// What synthesize() left in its directory.
struct SynthesisResult {
  std::string top;
  std::filesystem::path directory;
  std::filesystem::path netlist_json;  ///< Yosys JSON of `top`, vector ports
  std::filesystem::path
      netlist_verilog;  ///< `top`, vector ports, around `top`_mapped, single-bit ports
  std::filesystem::path cells_liberty;         ///< the library, cut down to the cells in use
  std::filesystem::path cells_verilog;         ///< the same cells in Verilog, from their functions
  std::string liberty;                         ///< the library's files, for messages
  std::vector<std::filesystem::path> sources;  ///< copies of what was read, in directory/source
  double area_um2 = 0;
  double leakage_nw = 0;
};

/// Synthesises Verilog or SystemVerilog to a library's cells with Yosys and abc: flattened,
/// flip-flops mapped, no timing constraint. Works for any module, sequential ones included.
/// Cells of the library that the source instantiates stay as they are, unless it defines a module
/// of that name.
/// @param parameters  of the top module
/// @param liberty     library in one file or several, gzip-compressed or plain; the tools read it
///                    as Lutra writes it anew
/// @param out_dir     created; files of the names above are replaced
/// Throws Error: kInvalidArgument with Yosys' own file, line and message where the source is wrong,
/// on a combinational loop, on undriven outputs and on a top with the name of a cell, and naming
/// the library where it lacks an inverter, a buffer, a gate of two inputs, areas, delay tables, or
/// a flip-flop that the design needs; kUnimplemented on latches and three-state cells, on what
/// Yosys cannot read but Icarus or Verilator can, and on a warning of a tool that is not known to
/// be harmless; kUnavailable without Yosys.
SynthesisResult synthesize(const VerilogSources& sources,
                           const std::vector<std::pair<std::string, long>>& parameters,
                           const LibertyFiles& liberty, const std::filesystem::path& out_dir);

/// The same for files as VerilogSources::read() takes them.
SynthesisResult synthesize(const std::vector<std::filesystem::path>& files, const std::string& top,
                           const std::vector<std::pair<std::string, long>>& parameters,
                           const LibertyFiles& liberty, const std::filesystem::path& out_dir);

/// A module mapped towards a delay from its inputs to its outputs.
struct TimedSynthesis {
  SynthesisResult synthesis;
  double target_ns = 0;
  double delay_ns = 0;  ///< as critical_path_ns() finds it
  bool reached = false;
  std::string mapping;  ///< "plain", "area", "delay" or "depth"
};

/// Maps a module for each delay in four ways: plain, as synthesize() does; and by area, by delay,
/// and by delay behind a restructuring for depth, these with gates sized for the delay and inputs
/// driven by the library's smallest inverter. Taken is the smallest that reaches the delay by
/// OpenSTA, or the fastest if none does. Files go to `out_dir`/<target>ns. For combinational
/// modules; otherwise as synthesize().
std::vector<TimedSynthesis> synthesize_for_delays(
    const VerilogSources& sources, const std::vector<std::pair<std::string, long>>& parameters,
    const LibertyFiles& liberty, const std::vector<double>& targets_ns, double input_slew_ns,
    const std::filesystem::path& out_dir);

/// The same for a netlist of library cells that another tool made, hierarchical or flat: nothing is
/// synthesised. Throws Error as synthesize() does, kInvalidArgument with file and line on a cell
/// that the library lacks and on logic that is no cell.
SynthesisResult read_mapped_netlist(const VerilogSources& sources, const LibertyFiles& liberty,
                                    const std::filesystem::path& out_dir);

/// Length of the longest path in ns, from OpenSTA: between inputs and outputs, and where `clock`
/// names an input, between flip-flops too (the shortest period without inputs and outputs late).
/// Inputs arrive at 0 with this slew; no wires, no load on outputs. 0 for a netlist in which no
/// path leads through a cell. Throws Error: kUnavailable without OpenSTA; kUnimplemented where the
/// library lacks times of a cell in use, and on any warning of OpenSTA; kInternal where its report
/// lacks an output that a path leads to, or gives it a delay of 0.
double critical_path_ns(const SynthesisResult& synthesis, double input_slew_ns,
                        const std::string& clock = "");

/// A port of a module as it is before synthesis.
struct ModulePort {
  std::string name;
  bool is_input = false;
  int width = 0;
  bool is_signed = false;
};

/// The ports of the top module in order of declaration. Parameters and errors as for synthesize().
/// @param check  modules that are missing are errors
std::vector<ModulePort> module_ports(const VerilogSources& sources,
                                     const std::vector<std::pair<std::string, long>>& parameters,
                                     bool check = true);

/// Versions as the tools state them, e.g. "Yosys 0.23 (git sha1 7ce5011c24b)", "OpenSTA 2.0.17".
std::string yosys_version();
std::string opensta_version();

}  // namespace lutra::synth

#endif  // LUTRA_SYNTHESIS_SYNTHESIS_H_
