#ifndef LUTRA_ENGINE_MATRIX_TRANSPOSED_TABLE_H_
#define LUTRA_ENGINE_MATRIX_TRANSPOSED_TABLE_H_

#include <cstdint>
#include <vector>

#include "lutra/engine/multiplier.h"

namespace lutra::engine {

/// A table with the second operand outer.
struct TransposedTable {
  static constexpr int kOperands = 256;
  std::vector<uint16_t> offsets;  ///< [second operand][first operand]

  explicit TransposedTable(const Multiplier& multiplier) : offsets(kOperands * kOperands) {
    for (int a = 0; a < kOperands; ++a) {
      for (int b = 0; b < kOperands; ++b) {
        offsets[b << 8 | a] = multiplier.table().offsets()[a << 8 | b];
      }
    }
  }
  const uint16_t* of(int8_t second) const {
    return offsets.data() + static_cast<uint8_t>(second) * kOperands;
  }
};

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_MATRIX_TRANSPOSED_TABLE_H_
