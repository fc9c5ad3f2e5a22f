#ifndef LUTRA_COMPONENT_OPERANDS_H_
#define LUTRA_COMPONENT_OPERANDS_H_

#include <array>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "lutra/component/component.h"
#include "lutra/component/energy_meter.h"

namespace lutra::synth {

/// The operands that a multiplier meets in use: a recorded sequence, or how often each value
/// occurs. One of the two is empty.
struct OperandDistribution {
  std::vector<OperandPair> trace;  ///< consecutive operations
  /// [operand][bit pattern, up to the wider operand's]: weights of independent operands, any scale,
  /// each operand's sum > 0.
  std::array<std::vector<double>, 2> histograms;
};

/// Reads a .npy file of integers or floats: [n][2] is a trace of n >= 2 operations (a, b), each an
/// integer in the range of the operands; [2][2^n], n the wider operand's width, two histograms of
/// the operands' bit patterns, as a table's rows and columns are numbered. n >= 2, so that no shape
/// is both. Throws Error(kInvalidArgument) naming the file, the entry and what is allowed.
OperandDistribution read_operands(const std::filesystem::path& path, OperandWidths widths,
                                  bool is_signed);

/// A trace as read_operands() takes it, of int16 elements (or int32, where they need it).
void write_operands(const std::filesystem::path& path, const std::vector<OperandPair>& trace);

/// What a component does at these operands. Keys: `kind` ("trace" or "histograms"); `errors`, the
/// figures of ErrorMetrics where each pair counts by its weight (`hd` is the mean Hamming distance,
/// `zero_operand` the weight of the pairs with an operand 0); for a trace also `operations`,
/// `energy_per_op_fj` at zero delay, `leakage_nw`, and `glitches` of its first 4,096 transitions,
/// all as in component.json. Histograms say nothing of the order of operands, and so of energy.
/// Throws Error(kUnimplemented) for histograms of a component without table.
nlohmann::json measure_at_operands(const Component& component, const OperandDistribution& operands);

}  // namespace lutra::synth

#endif  // LUTRA_COMPONENT_OPERANDS_H_
