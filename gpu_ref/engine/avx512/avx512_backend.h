#ifndef LUTRA_ENGINE_AVX512_BACKEND_H_
#define LUTRA_ENGINE_AVX512_BACKEND_H_

#include <memory>
#include <string>

#include "lutra/engine/backend.h"

namespace lutra::engine {

/// Whether this processor has AVX-512 with VBMI; `reason` says what was found.
bool avx512_available(std::string* reason);

/// Arbitrary tables, looked up in registers: for a fixed second operand w the column L(., w) is 256
/// products, as bytes eight registers, and `vpermi2b` finds 64 products at once. Where a tensor
/// holds no negative element (pixels, ReLU), half of the column serves.
std::unique_ptr<Backend> make_avx512_backend();

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_AVX512_BACKEND_H_
