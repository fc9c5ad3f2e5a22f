#ifndef LUTRA_ENGINE_AVX2_EXACT_GEMM_H_
#define LUTRA_ENGINE_AVX2_EXACT_GEMM_H_

#include "matrix/feature_maps.h"
#include "matrix/matrix_product.h"

namespace lutra::engine {

/// Factorised tables by exact int16 matrix products (`vpmaddwd`): features of both operands are
/// mapped when they are packed.
/// @param m  with maps
void multiply_factorised_avx2(const MatrixProduct& m, int64_t begin, int64_t end);

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_AVX2_EXACT_GEMM_H_
