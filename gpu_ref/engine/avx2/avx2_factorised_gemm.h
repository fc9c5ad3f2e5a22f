#ifndef LUTRA_ENGINE_AVX2_AVX2_FACTORISED_GEMM_H_
#define LUTRA_ENGINE_AVX2_AVX2_FACTORISED_GEMM_H_

#include "matrix/matrix_product.h"
#include "matrix/packed_weight.h"

namespace lutra::engine {

/// Factorised tables by exact int16 matrix products (`vpmaddwd`): features of the first operand are
/// mapped tile by tile, those of the second when they are packed.
/// @param m     with maps
/// @param jobs  threads that pack
PackedWeight<int16_t> pack_weight_avx2(const MatrixProduct& m, int jobs);
void multiply_factorised_avx2(const MatrixProduct& m, const PackedWeight<int16_t>& weight,
                              int64_t begin, int64_t end);

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_AVX2_AVX2_FACTORISED_GEMM_H_
