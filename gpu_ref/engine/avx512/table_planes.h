#ifndef LUTRA_ENGINE_AVX512_TABLE_PLANES_H_
#define LUTRA_ENGINE_AVX512_TABLE_PLANES_H_

#include <cstdint>
#include <vector>

#include "lutra/engine/multiplier.h"

namespace lutra::engine {

/// A table as byte planes. For each value of one operand, the low bytes of its 256 products less
/// `base`, in the order of the other operand's byte, and their high bytes.
struct TablePlanes {
  struct alignas(64) Row {
    uint8_t low[256];
    uint8_t high[256];
  };
  int32_t base;
  std::vector<Row> by_first;   ///< [256]
  std::vector<Row> by_second;  ///< [256]

  explicit TablePlanes(const Multiplier& multiplier)
      : base(multiplier.table().base()), by_first(256), by_second(256) {
    const uint16_t* offsets = multiplier.table().offsets();
    for (int a = 0; a < 256; ++a) {
      for (int b = 0; b < 256; ++b) {
        const uint16_t offset = offsets[a << 8 | b];
        by_first[a].low[b] = by_second[b].low[a] = static_cast<uint8_t>(offset);
        by_first[a].high[b] = by_second[b].high[a] = static_cast<uint8_t>(offset >> 8);
      }
    }
  }
};

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_AVX512_TABLE_PLANES_H_
