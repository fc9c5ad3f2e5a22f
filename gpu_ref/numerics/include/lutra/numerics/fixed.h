#ifndef LUTRA_NUMERICS_FIXED_H_
#define LUTRA_NUMERICS_FIXED_H_

#include <cstdint>

#include "lutra/numerics/hd.h"

/// Rounding, saturation, requantisation, integer square root and division: docs/numerics.md,
/// sections 1, 2 and 4.
namespace lutra::numerics {

constexpr int kMaxElement = 127;  ///< largest magnitude of a tensor element; -128 is illegal

/// x / 2^shift, rounded; ties go towards plus infinity.
/// @param x      |x| < 2^62
/// @param shift  0..31
LUTRA_HD constexpr int64_t round_shift(int64_t x, int shift) {
  return shift == 0 ? x : (x + (int64_t{1} << (shift - 1))) >> shift;
}

/// x / n, rounded; ties go towards plus infinity: round_shift() where n is a power of two.
/// @param x  |x| < 2^30
/// @param n  1..2^30
LUTRA_HD constexpr int32_t round_divide(int32_t x, int32_t n) {
  const int64_t doubled = 2 * int64_t{x} + n;
  const int64_t quotient = doubled / (2 * int64_t{n});
  return static_cast<int32_t>(quotient - (doubled % (2 * int64_t{n}) < 0 ? 1 : 0));
}

/// x clamped to [-127, 127].
LUTRA_HD constexpr int8_t saturate(int64_t x) {
  return static_cast<int8_t>(x > kMaxElement ? kMaxElement : x < -kMaxElement ? -kMaxElement : x);
}

/// An int32 accumulator with fraction length fa as an element with fraction length fa - shift.
LUTRA_HD constexpr int8_t requantise(int32_t acc, int shift, bool relu = false) {
  const int8_t q = saturate(round_shift(acc, shift));
  return relu && q < 0 ? int8_t{0} : q;
}

/// Requantisation that adds to an element already there.
LUTRA_HD constexpr int8_t accumulate(int8_t old, int32_t acc, int shift, bool relu = false) {
  const int8_t q = saturate(old + round_shift(acc, shift));
  return relu && q < 0 ? int8_t{0} : q;
}

/// A pixel 0..255 as an element with fraction length 7.
LUTRA_HD constexpr int8_t quantise_pixel(uint8_t pixel) {
  return saturate((int64_t{pixel} + 1) >> 1);
}

/// Largest r with r * r <= x, by restoring one bit of the root at a time.
LUTRA_HD constexpr uint32_t isqrt(uint32_t x) {
  uint32_t root = 0;
  for (uint32_t bit = 1u << 30; bit != 0; bit >>= 2) {
    if (x >= root + bit) {
      x -= root + bit;
      root = (root >> 1) + bit;
    } else {
      root >>= 1;
    }
  }
  return root;
}

/// Largest q with q * d <= n.
/// @param d  not 0
LUTRA_HD constexpr uint32_t divide(uint32_t n, uint32_t d) { return n / d; }

static_assert(round_shift(3, 1) == 2 && round_shift(-3, 1) == -1, "ties go up");
static_assert(round_shift(-1, 1) == 0 && round_shift(1, 1) == 1, "ties go up around zero");
static_assert(round_shift(INT32_MAX, 1) == 1 << 30, "the added half must not overflow");
static_assert(round_shift(INT32_MIN, 31) == -1 && round_shift(INT32_MAX, 31) == 1, "limits");
static_assert(round_divide(3, 2) == 2 && round_divide(-3, 2) == -1, "ties go up");
static_assert(round_divide(-4, 3) == -1 && round_divide(-5, 3) == -2, "nearest");
static_assert(round_divide(7, 1) == 7 && round_divide(-7, 1) == -7 && round_divide(0, 9) == 0, "");
static_assert(requantise(127 * 256 + 127, 8) == 127 && requantise(-32768, 8) == -127, "saturates");
static_assert(requantise(-300, 1, true) == 0 && requantise(7, 0) == 7, "ReLU, shift 0");
static_assert(accumulate(100, 60, 1) == 127 && accumulate(-100, -60, 1) == -127, "saturates once");
static_assert(accumulate(-5, 3, 1) == -3, "rounds before it adds");
static_assert(quantise_pixel(0) == 0 && quantise_pixel(1) == 1 && quantise_pixel(254) == 127 &&
                  quantise_pixel(255) == 127,
              "pixels");
static_assert(isqrt(0) == 0 && isqrt(15) == 3 && isqrt(16) == 4, "floor");
static_assert(isqrt(UINT32_MAX) == 65535 && isqrt(65535u * 65535u - 1) == 65534, "upper limit");

}  // namespace lutra::numerics

#endif  // LUTRA_NUMERICS_FIXED_H_
