#include "lutra/component/error_metrics.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

#include "lutra/base/error.h"

namespace lutra::synth {
namespace {

std::vector<std::int16_t> table(bool is_signed, const std::function<int(int, int)>& multiply) {
  std::vector<std::int16_t> lut(65536);
  for (int i = 0; i < 65536; ++i) {
    const int a = is_signed ? static_cast<std::int8_t>(i >> 8) : i >> 8;
    const int b = is_signed ? static_cast<std::int8_t>(i & 255) : i & 255;
    lut[i] = static_cast<std::int16_t>(static_cast<std::uint16_t>(multiply(a, b)));
  }
  return lut;
}

TEST(ErrorMetrics, ExactHasNone) {
  for (const bool is_signed : {false, true}) {
    const ErrorMetrics m =
        measure_errors(table(is_signed, [](int a, int b) { return a * b; }), is_signed);
    const nlohmann::json json = to_json(m);
    EXPECT_EQ(json.size(), 20u);
    for (const auto& [name, value] : json.items()) {
      if (value.is_number()) {
        EXPECT_EQ(value.get<double>(), 0) << name;
      }
      if (value.is_array()) {
        EXPECT_EQ(value, nlohmann::json(std::vector<int>(32, 0))) << name;
      }
    }
  }
}

TEST(ErrorMetrics, OneWrongPairByHand) {
  // 3 * 5 = 15 = 0b1111 becomes 16 = 0b10000: five bits differ.
  const ErrorMetrics m =
      measure_errors(table(true, [](int a, int b) { return a * b + (a == 3 && b == 5); }), true);
  EXPECT_DOUBLE_EQ(m.mae, 1.0 / 65536);
  EXPECT_DOUBLE_EQ(m.bias, 1.0 / 65536);
  EXPECT_DOUBLE_EQ(m.mse, 1.0 / 65536);
  EXPECT_DOUBLE_EQ(m.ep, 1.0 / 65536);
  EXPECT_DOUBLE_EQ(m.wce, 1);
  EXPECT_DOUBLE_EQ(m.hd, 5);
  EXPECT_DOUBLE_EQ(m.wcre_nonzero, 1.0 / 15);
  EXPECT_DOUBLE_EQ(m.mre_all, 1.0 / 15 / 65536);
  EXPECT_DOUBLE_EQ(m.mre_nonzero, 1.0 / 15 / (255 * 255));
  EXPECT_DOUBLE_EQ(m.wce_percent, 100.0 / 65536);
}

TEST(ErrorMetrics, ConventionsDifferWhereTheProductIsZero) {
  // 7 instead of 0 * 0: counted as 700 % over all pairs, not at all over non-zero products.
  const ErrorMetrics m = measure_errors(
      table(false, [](int a, int b) { return a * b + (a == 0 && b == 0 ? 7 : 0); }), false);
  EXPECT_DOUBLE_EQ(m.mre_all, 7.0 / 65536);
  EXPECT_DOUBLE_EQ(m.wcre_all, 7);
  EXPECT_EQ(m.mre_nonzero, 0);
  EXPECT_EQ(m.wcre_nonzero, 0);
}

TEST(ErrorMetrics, SurvivesJson) {
  const ErrorMetrics m =
      measure_errors(table(true, [](int a, int b) { return (a & ~3) * (b & ~3); }), true);
  EXPECT_GT(m.mae, 0);
  EXPECT_EQ(to_json(error_metrics_from_json(nlohmann::json::parse(to_json(m).dump()))), to_json(m));
}

// Published figures of designs that are not in the library, as a check of the metrics themselves.
// Underdesigned multiplier (Kulkarni, Gupta, Ercegovac, VLSI Design 2011): 2x2 blocks with 3 * 3
// = 7.
int udm(int a, int b, int bits) {
  if (bits == 2) return a == 3 && b == 3 ? 7 : a * b;
  const int half = bits / 2;
  const int mask = (1 << half) - 1;
  return (udm(a >> half, b >> half, half) << bits) +
         ((udm(a >> half, b & mask, half) + udm(a & mask, b >> half, half)) << half) +
         udm(a & mask, b & mask, half);
}

TEST(ErrorMetrics, UnderdesignedMultiplierHasPublishedErrors) {
  const ErrorMetrics m =
      measure_errors(table(false, [](int a, int b) { return udm(a, b, 8); }), false);
  EXPECT_NEAR(m.ep, 0.46, 0.01);
  EXPECT_NEAR(100 * m.mre_all, 3.25, 0.005);
  EXPECT_NEAR(100 * m.wcre_nonzero, 22.22, 0.005);
  EXPECT_LT(m.bias, 0);
}

// Mitchell's logarithmic multiplier (IRE Trans. Electronic Computers, 1962): worst error 1/9.
TEST(ErrorMetrics, MitchellHasPublishedErrors) {
  const auto mitchell = [](int a, int b) {
    if (a == 0 || b == 0) return 0;
    const int ka = static_cast<int>(std::log2(a));
    const int kb = static_cast<int>(std::log2(b));
    const double x = a / std::exp2(ka) - 1;
    const double y = b / std::exp2(kb) - 1;
    const double p =
        x + y < 1 ? std::exp2(ka + kb) * (1 + x + y) : std::exp2(ka + kb + 1) * (x + y);
    return static_cast<int>(std::lround(p));
  };
  const ErrorMetrics m = measure_errors(table(false, mitchell), false);
  fmt::print("Mitchell: mean {:.4f} %, worst {:.4f} %\n", 100 * m.mre_nonzero,
             100 * m.wcre_nonzero);
  EXPECT_NEAR(100 * m.mre_nonzero, 3.788, 0.02);
  EXPECT_NEAR(100 * m.wcre_nonzero, 11.11, 0.01);
}

TEST(ErrorMetrics, WrongSize_bad) {
  EXPECT_THROW(measure_errors(std::vector<std::int16_t>(100), true), Error);
}

}  // namespace
}  // namespace lutra::synth
