#ifndef LUTRA_SYNTHESIS_MULTIPLIER_SOURCE_H_
#define LUTRA_SYNTHESIS_MULTIPLIER_SOURCE_H_

#include <array>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "lutra/netlist/multiplier_ports.h"

namespace lutra::synth {

/// How Verilog is read.
struct VerilogReading {
  std::vector<std::filesystem::path> include_directories;    ///< searched behind a file's own
  std::vector<std::pair<std::string, std::string>> defines;  ///< macros, name and text
  /// Lets a source use system tasks that open files or run programs, and paths outside its folder.
  bool trusted = false;
};

/// Whether operands and products are two's complement.
enum class Signedness {
  kFind,  ///< as the ports are declared; where they say nothing, the reading with the lesser error
  kUnsigned,
  kSigned,
};

/// What to characterise: Verilog sources and the module in them.
struct MultiplierSource {
  std::string name;                                      ///< e.g. "drum:kept_bits=4", a file's stem
  std::vector<std::filesystem::path> files;              ///< in the order that Yosys reads them
  std::string top;                                       ///< module; empty: the only root module
  std::vector<std::pair<std::string, long>> parameters;  ///< RTL parameters
  VerilogReading reading;
  OperandWidths widths = 0;  ///< 0: found from the ports
  Signedness signedness = Signedness::kFind;
  std::array<std::string, 3> ports = {};  ///< a, b, p; empty: found by direction and width
  std::vector<HeldPort> held;             ///< further input ports
  int latency = 0;                 ///< clock cycles from operands to product; 0: combinational
  std::string clock;               ///< input port of a multiplier with latency; empty: found
  bool mapped = false;             ///< the files are a netlist of the library's cells: no synthesis
  std::vector<std::string> notes;  ///< what was done to it, for the component's warnings
  /// Above this mean error its products are not what they were taken for.
  double largest_mae = std::numeric_limits<double>::infinity();
};

}  // namespace lutra::synth

#endif  // LUTRA_SYNTHESIS_MULTIPLIER_SOURCE_H_
