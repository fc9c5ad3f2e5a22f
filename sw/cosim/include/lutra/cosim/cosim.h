#ifndef LUTRA_COSIM_COSIM_H_
#define LUTRA_COSIM_COSIM_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lutra/accelerator/program.h"
#include "lutra/component/component.h"
#include "lutra/graph/assignment.h"

namespace lutra::cosim {

/// An accelerator to verilate.
struct AcceleratorOptions {
  accelerator::AcceleratorShape shape;
  int fault_mask = 0;               ///< XORed onto lane 0 of the requantiser: a deliberate fault
  bool wave = false;                ///< with FST tracing: slower
  std::filesystem::path cache_dir;  ///< empty: synth::default_cache_dir()
  std::function<void(const std::string&)> progress;
};

/// The source of a module whose select input chooses between these components' RTL. Names of theirs
/// are escaped where they are no simple identifiers; names of files do not occur.
/// @param components  1..4, signed, 8x8
std::string pe_multiplier_source(const std::vector<const synth::Component*>& components,
                                 const std::string& module = "pe_mul");

/// What is wrong with an entry of the cache of programs, "its program is missing"; "" when it holds
/// the program that was built.
std::string entry_damage(const std::filesystem::path& directory);

/// Of all that an accelerator's program is made of beside Verilog: the platform's library and
/// sources, Verilator's and the compiler's versions. @throws Error kUnavailable without one
std::string platform_sha256();

/// Verilates and compiles the accelerator with these multipliers, or finds it in the cache; the key
/// is the content of all sources and of the platform's library, the options, the tools' versions
/// and Lutra's. An entry whose program is not the one that was built is said and made again.
///
/// A component without netlist is its table, asked by DPI.
///
/// The components' files are read behind the accelerator's and under names of our own, the
/// accelerator's modules have a prefix: no directive, macro or module name of theirs reaches it,
/// and directives and macros of one component do not reach the next.
/// @return a program that takes JOB.json RESULT.json
/// @throws Error kUnavailable without Verilator or a compiler, kInvalidArgument when Verilator
/// refuses the
///         components' Verilog (with its message), kUnimplemented for more than sixteen components,
///         an unsigned one, one with a latency or not of 8 bits
std::filesystem::path build_accelerator(const std::vector<const synth::Component*>& components,
                                        const AcceleratorOptions& options);

struct CosimOptions {
  std::filesystem::path model;  ///< directory of the quantised network
  std::string data = "fashion-mnist";
  int first = 0;
  int images = 1;
  std::string wave;
  uint64_t wave_first = 0;
  uint64_t wave_last = 1000000;
  uint64_t max_cycles = 5000000;  ///< an image
  int memory_latency_ns = 100;    ///< of a burst
  bool memory_waits = false;      ///< the memory waits in b_transport instead of annotating a delay
  uint64_t reset_after = 0;       ///< cycles into a first run that a reset ends; 0: none
  std::string rerun;              ///< command line that repeats this run
  AcceleratorOptions accelerator;
};

/// The command that repeats a run: `lutra cosim` with all of these options but the wave file,
/// quoted for a shell.
/// @param assignment  options that give the multipliers, "--multiplier", "exact", ...
std::string rerun_command(const CosimOptions& options, const std::vector<std::string>& assignment);

/// Checks all input, builds the accelerator and runs images through it.
/// @param assignment  with a component at every site
/// @return the co-simulation's result (lutra/platform/cosimulation.h) and "build_seconds"
/// @throws as build_accelerator; and the Error that ended the program
nlohmann::json run_cosim(const graph::Assignment& assignment, const CosimOptions& options);

}  // namespace lutra::cosim

#endif  // LUTRA_COSIM_COSIM_H_
