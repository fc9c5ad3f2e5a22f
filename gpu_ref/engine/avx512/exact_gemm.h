#ifndef LUTRA_ENGINE_AVX512_EXACT_GEMM_H_
#define LUTRA_ENGINE_AVX512_EXACT_GEMM_H_

#include <cstdint>
#include <vector>

#include "matrix/feature_maps.h"
#include "matrix/matrix_product.h"

namespace lutra::engine {

/// The second matrix of a factorised product, as features, in the order in which the kernel reads
/// it: for each block of terms, 16 outputs and feature, [block / 4][16 outputs][4 terms].
struct PackedWeight {
  std::vector<int8_t> storage;
  const int8_t* panels = nullptr;   ///< in storage, aligned
  std::vector<int32_t> first_sums;  ///< [outputs, rounded up to 16] what the columns contribute
};

/// Factorised tables by exact int8 matrix products (`vpdpbusd`): features of the first operand are
/// mapped on the way into a tile, those of the second when they are packed.
/// @param m  with maps
PackedWeight pack_weight(const MatrixProduct& m);
void multiply_factorised(const MatrixProduct& m, const PackedWeight& weight, int64_t begin,
                         int64_t end);

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_AVX512_EXACT_GEMM_H_
