#ifndef LUTRA_ENGINE_AVX512_BACKEND_H_
#define LUTRA_ENGINE_AVX512_BACKEND_H_

#include <memory>
#include <optional>
#include <string>

#include "lutra/engine/backend.h"
#include "matrix/gemm_algorithm.h"

namespace lutra::engine {

/// Whether this processor has AVX-512 with VBMI and VNNI; `reason` says what was found.
bool avx512_available(std::string* reason);

/// Matrix products by lookup in registers (row_lookup.h) or, where the table's factorisation makes
/// that quicker, as exact ones (avx512_factorised_gemm.h).
/// @param algorithm  what the cost model would choose; for tests, which must not depend on a clock
std::unique_ptr<Backend> make_avx512_backend(int jobs, std::optional<GemmAlgorithm> algorithm = {});

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_AVX512_BACKEND_H_
