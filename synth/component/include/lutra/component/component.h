#ifndef LUTRA_COMPONENT_COMPONENT_H_
#define LUTRA_COMPONENT_COMPONENT_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lutra/component/error_metrics.h"
#include "lutra/netlist/liberty.h"
#include "lutra/synthesis/multiplier_source.h"
#include "lutra/tables/factorisation.h"

namespace lutra::synth {

/// Models of the library's cells that a source instantiates beside its own RTL, in its source/.
inline constexpr const char* kSourceCells = "lutra_cells.v";

/// A characterised multiplier: what lies in its directory, read and checked.
struct Component {
  std::string name;
  std::filesystem::path directory;
  MultiplierSource source;     ///< its files are the copies in the directory
  std::string liberty;         ///< file names of the library it was mapped to: "a.lib, b.lib"
  std::string liberty_sha256;  ///< Liberty::sha256() of it
  /// Of the table's bytes, two a product, little-endian, without npy header; empty without table.
  std::string lut_sha256;
  OperandWidths widths = 8;
  bool is_signed = true;
  /// [2^widths.a][2^widths.b] products by the operands' bit patterns, first operand outer.
  /// Signed: int16; unsigned: the bit pattern of a uint16. Empty where an operand has more than 8
  /// bits: no table.
  std::vector<std::int16_t> lut;
  /// The table in few exact int8 matrix products, of signed operands without the lowest, as tensors
  /// hold them; none above 16 products, and above 8 bits.
  std::optional<tables::Factorisation> factorisation;
  /// False: imported from a table, without source, library, area, delay, leakage or energy (NaN
  /// here, null in component.json).
  bool has_netlist = true;
  double area_um2 = 0;
  double delay_ns = 0;
  double leakage_nw = 0;
  double energy_per_op_fj = 0;  ///< dynamic, at `activity`
  std::string activity;         ///< "uniform": independent uniform operands over the full range
  ErrorMetrics errors;
  nlohmann::json json;  ///< the whole of component.json
  /// Checksum of component.json, which holds those of all other files: what tells two components
  /// apart.
  std::string content_sha256;
};

struct CharacterizeOptions {
  LibertyFiles liberty;             ///< empty: default_liberty()
  std::filesystem::path cache_dir;  ///< empty: default_cache_dir()
  bool force = false;               ///< characterise again although the cache holds the component
  int jobs = 0;                     ///< threads of the exhaustive run; 0: all cores
  std::uint64_t seed = 1;           ///< of the uniform operand sequence
  OperandWidths widths = 0;  ///< of all others an Error(kInvalidArgument) before the work; 0: any
  /// Time limit in seconds of a SAT proof that the netlist is the source (`proof` in
  /// component.json); 0: none; -1: 10 s above 12 bits, where not all pairs are compared.
  int prove_s = -1;
  std::function<void(const std::string&)> progress;  ///< called with one line a step; may be empty
};

/// Synthesises, simulates, times and measures a multiplier of 2..16 bit operands, of one width or
/// two, combinational or a pipeline, or finds it in the cache. Errors are over all operand pairs,
/// 2^32 of them at 16 bits. The same source, library, seed and tools give the same bytes. Safe to
/// run from several processes on one cache. The netlist is compared with a simulation of the source
/// itself by Icarus Verilog or Verilator, on all pairs up to 12 bits: `rtl_check` in
/// component.json, which says "equal", "different" or "not checked"; callers decide by
/// need_check(). Throws Error: kInvalidArgument where the source is wrong (with the line),
/// kUnimplemented on widths above 16, on latches, on registers without a latency, and at a tool's
/// limit, kUnavailable without Yosys, OpenSTA or Liberty.
Component characterize(const MultiplierSource& source, const CharacterizeOptions& options);

/// A component from a table alone, in any format of tables::read_table(): errors, but no netlist
/// and nothing that needs one. Cached as by characterize().
/// @param signedness      of a file that does not say it; kFind: the reading with the lesser error
/// @param sign_magnitude  makes a signed component of an unsigned table
/// Throws Error(kInvalidArgument) as tables::read_table() does.
Component import_table(const std::filesystem::path& file, Signedness signedness,
                       bool sign_magnitude, const CharacterizeOptions& options);

/// True for names that import_table() takes: as tables::is_table_file().
bool is_table_file(const std::filesystem::path& file);

/// Throws Error(kMismatch) where `rtl_check` is "different", or "not checked" and not allowed.
/// Tables have no source to be compared with.
void need_check(const Component& component, bool allow_unchecked);

/// Throws Error(kInvalidArgument) for a component without a netlist. `what` says what it lacks,
/// e.g. "energy".
void need_netlist(const Component& component, const std::string& what);

/// Reads and checks a component's directory. Throws Error(kInvalidArgument) naming the file that is
/// missing, truncated, or not the one that component.json describes.
Component load_component(const std::filesystem::path& directory);

/// The osu018 library of the package qflow-tech-osu018, or the files that LUTRA_LIBERTY names, with
/// `:` between them. Throws Error(kUnavailable) if one does not exist.
LibertyFiles default_liberty();

/// $LUTRA_CACHE, else $XDG_CACHE_HOME/lutra, else $HOME/.cache/lutra.
std::filesystem::path default_cache_dir();

}  // namespace lutra::synth

#endif  // LUTRA_COMPONENT_COMPONENT_H_
