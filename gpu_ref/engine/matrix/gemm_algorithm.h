#ifndef LUTRA_ENGINE_MATRIX_GEMM_ALGORITHM_H_
#define LUTRA_ENGINE_MATRIX_GEMM_ALGORITHM_H_

#include <cstdint>

namespace lutra::engine {

/// How a matrix product is computed: element by element as the reference does, by looking many
/// products up at once, or as int8 matrix products of the mapped operands of a factorised table.
enum class GemmAlgorithm : uint8_t { kReference, kLookup, kFactorised };

/// `algorithm`, or lookup where that is kFactorised and the table has no factorisation.
inline GemmAlgorithm supported_algorithm(GemmAlgorithm algorithm, bool factorises) {
  return algorithm == GemmAlgorithm::kFactorised && !factorises ? GemmAlgorithm::kLookup
                                                                : algorithm;
}

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_MATRIX_GEMM_ALGORITHM_H_
