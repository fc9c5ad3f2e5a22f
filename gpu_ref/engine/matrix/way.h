#ifndef LUTRA_ENGINE_MATRIX_WAY_H_
#define LUTRA_ENGINE_MATRIX_WAY_H_

#include <cstdint>

namespace lutra::engine {

/// How a matrix product is computed: element by element as the reference does, by looking many
/// products up at once, or as exact products of mapped operands.
enum class Way : uint8_t { kReference, kLookup, kExact };

/// `way`, or lookup where that is kExact and the table has no factorisation.
inline Way possible(Way way, bool factorises) {
  return way == Way::kExact && !factorises ? Way::kLookup : way;
}

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_MATRIX_WAY_H_
