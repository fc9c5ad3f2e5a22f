#ifndef LUTRA_ENGINE_MATRIX_FEATURE_MAPS_H_
#define LUTRA_ENGINE_MATRIX_FEATURE_MAPS_H_

#include <array>
#include <cstdint>
#include <vector>

#include "lutra/engine/multiplier.h"
#include "operand_tensors.h"

namespace lutra::engine {

/// A multiplier's factorisation as int8 matrix products take it: the first operand's features
/// unsigned, the second's signed. With terms sorted by their scale,
///   L(a, b) = sum over terms of scale u(a) v(b) + row_low + row(a) + column(b),
/// where column also holds what was taken off the features to make them unsigned.
struct FeatureMaps {
  struct Term {
    int32_t scale;
    alignas(64) uint8_t u[256];
    alignas(64) int8_t v[256];
  };
  std::vector<Term> terms;
  int32_t row_low = 0;
  bool has_rows = false;              ///< row(a) is not always 0
  alignas(64) uint8_t row[2][256]{};  ///< its low and high byte
  std::array<int32_t, 256> column{};
  /// False: no factorisation, or not in these formats.
  bool usable = false;

  FeatureMaps(const Multiplier& multiplier, tables::Operands operands);

  /// The maps with the fewest terms for these operands; null where there are none.
  static const FeatureMaps* find(const Multiplier& multiplier, const OperandTensors& operands);
};

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_MATRIX_FEATURE_MAPS_H_
