#ifndef LUTRA_NUMERICS_CAPSULE_H_
#define LUTRA_NUMERICS_CAPSULE_H_

#include "lutra/numerics/fixed.h"

/// Squash and softmax of capsule networks in integers: docs/numerics.md, sections 5 to 7.
namespace lutra::numerics {

constexpr int kMaxVector = 16;  ///< longest capsule, and most logits of a softmax

/// A gain that squashes: v = s * gain / 2^14, fraction length 7.
/// @param sum_of_squares  sum of the products of the elements with themselves, below 2^19; negative
///                        values (an approximate multiplier can return them) count as 0
/// @param frac            fraction length of the elements, 0..7
LUTRA_HD constexpr uint32_t squash_gain(int32_t sum_of_squares, int frac) {
  const uint32_t n = sum_of_squares > 0 ? static_cast<uint32_t>(sum_of_squares) : 0u;
  const uint32_t root = isqrt(n << 12);
  return divide(root << 15, (1u << (2 * frac)) + n);
}

/// One element of the squashed capsule, fraction length 7.
LUTRA_HD constexpr int8_t squash_element(int8_t s, uint32_t gain) {
  return saturate(round_shift(static_cast<int64_t>(s) * gain, 14));
}

/// floor(2^15 * 2^(-r/32) + 1/2), r = 0..31.
LUTRA_HD constexpr uint32_t exp2_table(int r) {
  constexpr uint16_t kTable[32] = {32768, 32066, 31379, 30706, 30048, 29405, 28774, 28158,
                                   27554, 26964, 26386, 25821, 25268, 24726, 24196, 23678,
                                   23170, 22674, 22188, 21713, 21247, 20792, 20347, 19911,
                                   19484, 19066, 18658, 18258, 17867, 17484, 17109, 16743};
  return kTable[r];
}

/// exp(-distance * 2^-frac) with 15 fraction bits.
/// @param distance  largest logit minus this one, 0..254
/// @param frac      fraction length of the logits, 0..7
LUTRA_HD constexpr uint32_t softmax_exponential(int distance, int frac) {
  const int k = static_cast<int>(round_shift(distance * 369, frac + 3));
  const int whole = k / 32;
  return whole > 15 ? 0u : exp2_table(k % 32) >> whole;
}

/// 2^31 over the sum of exponentials.
LUTRA_HD constexpr uint32_t softmax_reciprocal(uint32_t sum) { return divide(1u << 31, sum); }

/// One coupling coefficient, fraction length 7.
LUTRA_HD constexpr int8_t softmax_element(uint32_t exponential, uint32_t reciprocal) {
  return saturate(round_shift(static_cast<int64_t>(exponential) * reciprocal, 24));
}

/// Softmax of `n` logits.
/// @param logits        [n] elements, fraction length frac
/// @param n             1..16
/// @param coefficients  [n * stride] out: 0..127, fraction length 7
/// @param stride        distance between coefficients
LUTRA_HD constexpr void softmax(const int8_t* logits, int n, int frac, int8_t* coefficients,
                                int stride = 1) {
  int largest = logits[0];
  for (int j = 1; j < n; ++j) largest = logits[j] > largest ? logits[j] : largest;
  uint32_t exponentials[kMaxVector] = {};
  uint32_t sum = 0;
  for (int j = 0; j < n; ++j) {
    exponentials[j] = softmax_exponential(largest - logits[j], frac);
    sum += exponentials[j];
  }
  const uint32_t reciprocal = softmax_reciprocal(sum);
  for (int j = 0; j < n; ++j) {
    coefficients[j * stride] = softmax_element(exponentials[j], reciprocal);
  }
}

static_assert(squash_gain(0, 7) == 0, "the zero capsule stays zero");
static_assert(squash_gain(1, 0) == 1u << 20, "|s| = 1 is halved; this is the largest gain");
static_assert(squash_gain(-5, 3) == 0, "negative sums count as zero");
static_assert(squash_element(127, squash_gain(16 * 127 * 127, 0)) == 32, "127/(4*127) -> 32/128");
static_assert(squash_element(-127, squash_gain(127 * 127, 0)) == -127, "-1 saturates");
static_assert(squash_element(64, squash_gain(64 * 64, 6)) == 64, "|s| = 1 becomes 1/2");
static_assert(softmax_exponential(0, 4) == 32768 && softmax_exponential(254, 0) == 0, "limits");
static_assert(softmax_element(32768, softmax_reciprocal(327680)) == 13, "ten equal logits");
static_assert(softmax_element(32768, softmax_reciprocal(32768)) == 127, "a sure winner saturates");

}  // namespace lutra::numerics

#endif  // LUTRA_NUMERICS_CAPSULE_H_
