// The integer arithmetic against the real functions, over every input that the hardware can see.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include "lutra/numerics/capsule.h"

namespace lutra::numerics {
namespace {

TEST(Numerics, IsqrtIsTheFloorOfTheRoot) {
  int64_t checked = 0;
  const auto check = [&](uint32_t x) {
    const uint64_t r = isqrt(x);
    ASSERT_LE(r * r, x);
    ASSERT_GT((r + 1) * (r + 1), x);
    ++checked;
  };
  for (uint64_t r = 1; r < 65536; ++r) {
    check(static_cast<uint32_t>(r * r));
    check(static_cast<uint32_t>(r * r - 1));
  }
  std::mt19937 random(1);
  for (int i = 0; i < 1000000; ++i) check(random());
  std::printf("checked=%lld\n", static_cast<long long>(checked));
}

TEST(Numerics, RoundShiftIsTheRealHalfUp) {
  std::mt19937 random(2);
  int64_t checked = 0;
  for (int shift = 0; shift <= 31; ++shift) {
    for (int i = 0; i < 100000; ++i) {
      const auto x = static_cast<int32_t>(random());
      const double real = std::floor(std::ldexp(static_cast<double>(x), -shift) + 0.5);
      ASSERT_EQ(round_shift(x, shift), static_cast<int64_t>(real)) << x << " >> " << shift;
      ++checked;
    }
  }
  std::printf("checked=%lld\n", static_cast<long long>(checked));
}

// Every element, every sum of squares that can accompany it, every fraction length:
// docs/numerics.md quotes the error that this prints.
TEST(Numerics, SquashErrorOverAllInputs) {
  double worst_element = 0;
  double worst_length = 0;
  int64_t checked = 0;
  for (int frac = 0; frac <= 7; ++frac) {
    const double step = std::ldexp(1.0, -frac);
    for (int n = 0; n <= 16 * 127 * 127; ++n) {
      const double squared = n * step * step;
      const double gain = std::sqrt(squared) / (1 + squared);
      const uint32_t integer_gain = squash_gain(n, frac);
      // Length before the elements are rounded to 7 fraction bits.
      const double length = std::sqrt(static_cast<double>(n)) * integer_gain * std::ldexp(1.0, -21);
      worst_length = std::max(worst_length, std::abs(length - gain * std::sqrt(squared)));
      const int largest = std::min(127, static_cast<int>(std::sqrt(static_cast<double>(n))));
      // The error depends on the sign only by the direction of ties.
      for (int s = -largest; s <= largest; ++s) {
        const double v = squash_element(static_cast<int8_t>(s), integer_gain) / 128.0;
        worst_element = std::max(worst_element, std::abs(v - s * step * gain));
        ++checked;
      }
    }
  }
  std::printf("checked=%lld worst |v_d| error %.5f, worst |v| error before rounding %.5f\n",
              static_cast<long long>(checked), worst_element, worst_length);
  EXPECT_LE(worst_element, 0.01);
  EXPECT_LE(worst_length, 0.01);
  EXPECT_GT(checked, 0);
}

// Two logits at every distance and fraction length, alone and beside up to 14 others at random.
TEST(Numerics, SoftmaxErrorOverAllDistances) {
  std::mt19937 random(3);
  double worst = 0;
  int64_t checked = 0;
  const auto check = [&](const int8_t* logits, int n, int frac) {
    int8_t c[kMaxVector];
    softmax(logits, n, frac, c);
    double sum = 0;
    int largest = *std::max_element(logits, logits + n);
    for (int j = 0; j < n; ++j) sum += std::exp(std::ldexp(logits[j] - largest, -frac));
    for (int j = 0; j < n; ++j) {
      const double real = std::exp(std::ldexp(logits[j] - largest, -frac)) / sum;
      worst = std::max(worst, std::abs(c[j] / 128.0 - real));
      ++checked;
    }
  };
  for (int frac = 0; frac <= 7; ++frac) {
    for (int a = -127; a <= 127; ++a) {
      for (int others = 1; others <= 15; ++others) {
        int8_t logits[kMaxVector];
        for (int j = 0; j <= others; ++j) logits[j] = static_cast<int8_t>(a);
        for (int b = -127; b <= 127; ++b) {
          logits[0] = static_cast<int8_t>(b);
          check(logits, others + 1, frac);
        }
      }
    }
    for (int i = 0; i < 200000; ++i) {
      int8_t logits[kMaxVector];
      const int n = 1 + static_cast<int>(random() % 16);
      const int spread = 1 + static_cast<int>(random() % 127);
      for (int j = 0; j < n; ++j) {
        logits[j] = static_cast<int8_t>(static_cast<int>(random() % (2 * spread + 1)) - spread);
      }
      check(logits, n, frac);
    }
  }
  std::printf("checked=%lld worst |c| error %.5f\n", static_cast<long long>(checked), worst);
  EXPECT_LE(worst, 0.02);
  EXPECT_GT(checked, 0);
}

TEST(Numerics, RoutingLogitsSurviveTheirFormat) {
  // The smallest agreement that may count must not be shifted away: 1/128 in each of 16 elements of
  // a vote against a capsule of length one half, logits with 5 fraction bits.
  int32_t acc = 0;
  for (int d = 0; d < 16; ++d) acc += 16 * 16;
  EXPECT_GT(accumulate(0, acc, 7 + 7 - 5), 0);
}

}  // namespace
}  // namespace lutra::numerics
