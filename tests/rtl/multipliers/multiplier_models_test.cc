// The models against worked values and against published figures.

#include "lutra/synth/multiplier_models.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "lutra/numerics/error.h"

namespace lutra::synth {
namespace {

TEST(MultiplierModels, WorkedValues) {
  // 0b10110111 keeps 1011 and becomes 0b10110000 with a one below: DRUM's segment is 1011 << 4.
  EXPECT_EQ(MultiplierModels::drum(4, 183, 1), 176);
  EXPECT_EQ(MultiplierModels::drum(4, 160, 1), 176);  // 1010 0000: the lowest kept bit is set
  EXPECT_EQ(MultiplierModels::drum(4, 15, 15), 225);  // below 2^4: exact
  EXPECT_EQ(MultiplierModels::drum(4, -183, 2), -352);
  EXPECT_EQ(MultiplierModels::drum(3, -128, -128), 160 * 160);
  EXPECT_EQ(MultiplierModels::trunc(2, 7, 7), 16);
  EXPECT_EQ(MultiplierModels::trunc(2, -1, 4), -16);  // two's complement: -1 becomes -4
  EXPECT_EQ(MultiplierModels::bam(8, 0, 0, 255, 255), 65025);
  EXPECT_EQ(MultiplierModels::bam(8, 0, 1, 255, 255), 65024);  // one bit of weight 1 is left out
  EXPECT_EQ(MultiplierModels::bam(8, 1, 0, 255, 255), 255 * 254);
  EXPECT_EQ(MultiplierModels::bam(8, 0, 14, -128, -128), 16384);
}

TEST(MultiplierModels, UnknownFamilyIsAnError_bad) {
  EXPECT_THROW(multiplier_model("wallace", {}, 8, 1, 1), Error);
  EXPECT_THROW(multiplier_model("drum", {}, 8, 1, 1), Error);
}

// Relative error of DRUM over all pairs of non-zero 16-bit operands: r(a) r(b) - 1 with r = f(v) /
// v, so that mean and maximum of all 2^32 pairs follow from the 65,535 ratios. Published: Hashemi,
// Bahar, Reda, ICCAD 2015.
TEST(MultiplierModels, Drum16BitReproducesPublishedErrors) {
  const double published_mean[] = {11.90, 5.89, 2.94, 1.47, 0.73, 0.37};
  const double published_maximum[] = {56.25, 26.56, 12.89, 6.35, 3.15, 1.57};
  int compared = 0;
  for (int k = 3; k <= 8; ++k) {
    std::vector<double> ratio;
    for (std::int64_t v = 1; v < 65536; ++v) {
      ratio.push_back(static_cast<double>(MultiplierModels::drum(k, v, 1)) /
                      static_cast<double>(v));
    }
    std::sort(ratio.begin(), ratio.end());
    std::vector<double> prefix(ratio.size() + 1, 0.0);
    for (std::size_t i = 0; i < ratio.size(); ++i) prefix[i + 1] = prefix[i] + ratio[i];
    const double n = static_cast<double>(ratio.size());
    double sum = 0;
    for (const double r : ratio) {
      const auto split = std::lower_bound(ratio.begin(), ratio.end(), 1.0 / r) - ratio.begin();
      const double below = static_cast<double>(split) - r * prefix[split];
      const double above = r * (prefix.back() - prefix[split]) - (n - static_cast<double>(split));
      sum += below + above;
    }
    const double mean = 100 * sum / (n * n);
    const double maximum =
        100 * std::max(ratio.back() * ratio.back() - 1, 1 - ratio.front() * ratio.front());
    fmt::print("DRUM{}: mean {:.4f} %, maximum {:.4f} %\n", k, mean, maximum);
    EXPECT_NEAR(mean, published_mean[k - 3], 0.0051) << "k = " << k;
    EXPECT_NEAR(maximum, published_maximum[k - 3], 0.0051) << "k = " << k;
    compared += 2;
  }
  EXPECT_EQ(compared, 12);
  fmt::print("checked={}\n", compared);
}

// BAM with hbl = k leaves out the k lowest rows: partial product perforation, whose normalised mean
// error distance is (2^k - 1) / (4 (2^n - 1)).
TEST(MultiplierModels, BamRowsReproducePerforationError) {
  for (int k = 1; k <= 7; ++k) {
    std::int64_t sum = 0;
    for (int a = 0; a < 256; ++a) {
      for (int b = 0; b < 256; ++b) sum += a * b - MultiplierModels::bam(8, k, 0, a, b);
    }
    const double nmed = static_cast<double>(sum) / 65536 / (255.0 * 255.0);
    EXPECT_NEAR(nmed, ((1 << k) - 1) / (4.0 * 255), 1e-12) << "k = " << k;
  }
}

}  // namespace
}  // namespace lutra::synth
