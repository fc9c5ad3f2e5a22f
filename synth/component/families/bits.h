#ifndef LUTRA_COMPONENT_FAMILIES_BITS_H_
#define LUTRA_COMPONENT_FAMILIES_BITS_H_

#include <cstdint>

namespace lutra::synth {

/// Bits of an operand or of a product. Negative numbers are patterns modulo 2^64, so that sums and
/// products of patterns are right in every lower bit.
using Bits = std::uint64_t;

constexpr Bits power(int exponent) { return Bits{1} << exponent; }
constexpr Bits ones(int count) { return count == 64 ? ~Bits{0} : power(count) - 1; }
constexpr Bits bit(Bits x, int position) { return x >> position & 1; }

/// x with the bits below `position` cleared: rounded down to a multiple of 2^position.
constexpr Bits floor_to(int position, Bits x) { return x & ~ones(position); }

static_assert(floor_to(2, 7) == 4 && floor_to(2, -Bits{1}) == -Bits{4});

/// Position of the leading one of x > 0; what is left below it.
inline int leading_one(Bits x) { return 63 - __builtin_clzll(x); }
inline Bits rest(Bits x) { return x - power(leading_one(x)); }

}  // namespace lutra::synth

#endif  // LUTRA_COMPONENT_FAMILIES_BITS_H_
