#ifndef LUTRA_ENGINE_AVX512_AVX512_FACTORISED_GEMM_H_
#define LUTRA_ENGINE_AVX512_AVX512_FACTORISED_GEMM_H_

#include "matrix/matrix_product.h"
#include "matrix/packed_weight.h"

namespace lutra::engine {

/// Factorised tables by exact int8 matrix products (`vpdpbusd`): features of the first operand are
/// mapped on the way into a tile, those of the second when they are packed.
/// @param m     with maps
/// @param jobs  threads that pack
PackedWeight<int8_t> pack_weight(const MatrixProduct& m, int jobs);
void multiply_factorised(const MatrixProduct& m, const PackedWeight<int8_t>& weight, int64_t begin,
                         int64_t end);

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_AVX512_AVX512_FACTORISED_GEMM_H_
