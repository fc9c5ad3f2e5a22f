// The benches' own reading of the prose and lutra::numerics, which the engine uses, agree: RTL that
// equals the one equals the other.
#include "capsnet_reference.h"

#include <limits>
#include <random>

#include "lutra/numerics/capsule.h"
#include "lutra/numerics/fixed.h"
#include "vectors.h"

namespace lutra::rtl_test {
namespace {

constexpr auto nothing = [] { return std::string("see the loop"); };

TEST(Reference, rtl_reference_equals_numerics_in_rounding) {
  Comparisons comparisons;
  std::mt19937 random(31);
  for (int shift = 0; shift < 32; ++shift) {
    const int64_t half = shift == 0 ? 0 : int64_t{1} << (shift - 1);
    for (int i = 0; i < 4000; ++i) {
      // Around ties, at the limits, and anything.
      const int64_t tie =
          static_cast<int64_t>(static_cast<int32_t>(random()) >> shift) * (int64_t{1} << shift) +
          half + static_cast<int>(random() % 3) - 1;
      const int64_t low = std::numeric_limits<int32_t>::min();
      const int64_t high = std::numeric_limits<int32_t>::max();
      const int64_t any = static_cast<int32_t>(random()) >> (random() % 32);
      for (const int64_t x : {std::min(high, std::max(low, tie)), low, high, any}) {
        const auto acc = static_cast<int32_t>(x);
        const int8_t old = legal_element(random);
        comparisons.check(round_shift(x, shift), numerics::round_shift(x, shift), nothing);
        for (const bool relu : {false, true}) {
          comparisons.check(quantise(acc, shift, relu, false, old),
                            numerics::requantise(acc, shift, relu), nothing);
          comparisons.check(quantise(acc, shift, relu, true, old),
                            numerics::accumulate(old, acc, shift, relu), nothing);
        }
      }
    }
  }
}

TEST(Reference, rtl_reference_equals_numerics_in_square_roots) {
  Comparisons comparisons;
  for (uint64_t r = 0; r < 65536; ++r) {
    for (const uint64_t x : {r * r, r * r + 1, r * r + 2 * r}) {
      comparisons.check(isqrt(static_cast<uint32_t>(x)), numerics::isqrt(static_cast<uint32_t>(x)),
                        nothing);
    }
  }
  comparisons.check(isqrt(UINT32_MAX), numerics::isqrt(UINT32_MAX), nothing);
}

TEST(Reference, rtl_reference_equals_numerics_in_squash_and_softmax) {
  Comparisons comparisons;
  std::mt19937 random(32);
  for (int i = 0; i < 40000; ++i) {
    const int dim = 1 + static_cast<int>(random() % 16);
    const int f = static_cast<int>(random() % 8);
    const int spread = 1 << random() % 8;
    int8_t row[16];
    for (int d = 0; d < dim; ++d) row[d] = static_cast<int8_t>(legal_element(random) / spread);
    const auto describe = [&] { return show(row, dim) + " f=" + std::to_string(f); };
    const uint32_t gain = numerics::squash_gain(norm(row, dim), f);
    const auto squashed = squash_row(row, dim, f);
    int8_t coefficients[16];
    numerics::softmax(row, dim, f, coefficients);
    const auto softmaxed = softmax_row(row, dim, f);
    for (int d = 0; d < dim; ++d) {
      comparisons.check(squashed[d], numerics::squash_element(row[d], gain), describe);
      comparisons.check(softmaxed[d], coefficients[d], describe);
    }
  }
}

}  // namespace
}  // namespace lutra::rtl_test
