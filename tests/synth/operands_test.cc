// Errors and energy under given operands: by hand, against the uniform figures, and wrong files.

#include "lutra/component/operands.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "lutra/base/npy.h"
#include "lutra/component/error_metrics.h"
#include "lutra/component/library.h"
#include "test_files.h"

namespace lutra::synth {
namespace {

using test::expect_error;
using test::TestDirectory;

/// A component of 8 bits with a table and no netlist: a * b, less 7 where a > 100.
Component tabled(bool is_signed) {
  Component component;
  component.name = "tabled";
  component.is_signed = is_signed;
  component.lut.resize(65536);
  for (int i = 0; i < 65536; ++i) {
    const int a = is_signed ? static_cast<std::int8_t>(i >> 8) : i >> 8;
    const int b = is_signed ? static_cast<std::int8_t>(i & 255) : i & 255;
    component.lut[i] = static_cast<std::int16_t>(a * b - (a > 100 ? 7 : 0));
  }
  return component;
}

OperandDistribution histograms(const std::vector<double>& a, const std::vector<double>& b) {
  OperandDistribution operands;
  operands.histograms = {a, b};
  return operands;
}

// All pairs of equal weight: the figures of an exhaustive run.
TEST(Operands, FlatHistogramsGiveTheUniformFigures) {
  int checked = 0;
  for (const bool is_signed : {true, false}) {
    const Component component = tabled(is_signed);
    const nlohmann::json expected = to_json(measure_errors(component.lut, is_signed));
    const nlohmann::json at = measure_at_operands(
        component, histograms(std::vector<double>(256, 3), std::vector<double>(256, 0.5)));
    EXPECT_EQ(at.at("kind"), "histograms");
    EXPECT_FALSE(at.contains("energy_per_op_fj"));
    for (const auto& [key, value] : at.at("errors").items()) {
      double want = key == "zero_operand" ? 511 / 65536.0 : expected.at(key).get<double>();
      if (key == "hd") want /= 65536;
      EXPECT_NEAR(value.get<double>(), want, 1e-12 * std::max(1.0, std::abs(want))) << key;
      ++checked;
    }
    EXPECT_GT(at.at("errors").at("mae"), 0);
  }
  fmt::print("checked={}\n", checked);
  EXPECT_EQ(checked, 32);
}

// a is 1 three times out of four and 101 otherwise; b is -2 and 0 alike.
TEST(Operands, HistogramsWeighByHand) {
  std::vector<double> a(256, 0);
  std::vector<double> b(256, 0);
  a[1] = 3;
  a[101] = 1;
  b[254] = 10;
  b[0] = 10;
  const nlohmann::json errors = measure_at_operands(tabled(true), histograms(a, b)).at("errors");
  EXPECT_DOUBLE_EQ(errors.at("mae"), 7 * 0.25);
  EXPECT_DOUBLE_EQ(errors.at("bias"), -7 * 0.25);
  EXPECT_DOUBLE_EQ(errors.at("mse"), 49 * 0.25);
  EXPECT_DOUBLE_EQ(errors.at("variance"), 49 * 0.25 - 7 * 0.25 * 7 * 0.25);
  EXPECT_DOUBLE_EQ(errors.at("wce"), 7);
  EXPECT_DOUBLE_EQ(errors.at("ep"), 0.25);
  EXPECT_DOUBLE_EQ(errors.at("zero_operand"), 0.5);
  EXPECT_DOUBLE_EQ(errors.at("zero_operand_ep"), 0.25);
  EXPECT_DOUBLE_EQ(errors.at("mre_nonzero"), 0.25 * 7 / 202);
  EXPECT_DOUBLE_EQ(errors.at("mre_all"), 0.5 * 0.25 * 7 / 202 + 0.5 * 0.25 * 7);
}

TEST(Operands, FilesAreReadInAnyNumberType) {
  const TestDirectory directory;
  const std::filesystem::path path = directory.path() / "o.npy";
  const auto expect_trace = [&] {
    const OperandDistribution operands = read_operands(path, 8, true);
    ASSERT_EQ(operands.trace.size(), 3u);
    EXPECT_EQ(operands.trace[1].a, 3);
    EXPECT_EQ(operands.trace[2].b, -128);
  };
  base::save_npy(path, {3, 2}, std::vector<std::int8_t>{1, 2, 3, 4, 5, -128});
  expect_trace();
  base::save_npy(path, {3, 2}, std::vector<std::int32_t>{1, 2, 3, 4, 5, -128});
  expect_trace();
  base::save_npy(path, {3, 2}, std::vector<float>{1, 2, 3, 4, 5, -128});
  expect_trace();
  write_operands(path, {{1, 2}, {3, 4}, {5, -128}});
  expect_trace();
  write_operands(path, {{1, 2}, {40000, 4}});
  EXPECT_EQ(read_operands(path, 16, false).trace[1].a, 40000);

  std::vector<float> weights(512, 0);
  weights[7] = 0.25F;
  weights[256 + 255] = 3;
  base::save_npy(path, {2, 256}, weights);
  const OperandDistribution operands = read_operands(path, 8, true);
  EXPECT_TRUE(operands.trace.empty());
  EXPECT_EQ(operands.histograms[0][7], 0.25);
  EXPECT_EQ(operands.histograms[1][255], 3);
}

TEST(Operands, WrongFiles_bad) {
  const TestDirectory directory;
  const std::filesystem::path path = directory.path() / "o.npy";
  const auto usage = [&](const std::string& part, int width = 8, bool is_signed = true) {
    expect_error(ErrorKind::kInvalidArgument, part, [&] { read_operands(path, width, is_signed); });
  };
  expect_error(ErrorKind::kNotFound, "o.npy: no such file", [&] { read_operands(path, 8, true); });
  directory.write("o.npy", "1,2\n3,4\n");
  usage("o.npy: not a .npy file");
  base::save_npy(path, {2, 2}, std::vector<std::int16_t>{1, 2, 3, 128});
  usage("[1][1] = 128, expected an integer in -128..127: operands of 8 bits, signed");
  EXPECT_EQ(read_operands(path, 8, false).trace[1].b, 128);
  base::save_npy(path, {2, 2}, std::vector<std::int16_t>{1, -2, 3, 4});
  usage("[0][1] = -2, expected an integer in 0..255: operands of 8 bits, unsigned", 8, false);
  base::save_npy(path, {2, 2}, std::vector<float>{1, 2, 3.5F, 4});
  usage("[1][0] = 3.5, expected an integer");
  base::save_npy(path, {2, 2}, std::vector<float>{1, 2, NAN, 4});
  usage("[1][0] = nan, expected an integer");
  base::save_npy(path, {1, 2}, std::vector<std::int16_t>{1, 2});
  usage("shape [1][2], expected [n][2], a trace of n >= 2 operations, or [2][256]");
  base::save_npy(path, {2, 16}, std::vector<std::int16_t>(32, 1));
  usage("shape [2][16], expected");
  EXPECT_EQ(read_operands(path, 4, true).histograms[1].size(), 16u);
  std::vector<float> weights(512, 1);
  weights[260] = -1;
  base::save_npy(path, {2, 256}, weights);
  usage("[1][4] = -1, expected a count or weight of 0 or more");
  std::fill(weights.begin() + 256, weights.end(), 0.0F);
  base::save_npy(path, {2, 256}, weights);
  usage("the histogram [1] is 0 everywhere");
  std::string bytes = test::file_bytes(path);
  directory.write("o.npy", bytes.substr(0, 500));
  usage("the header promises 2048");
  directory.write("o.npy", bytes.replace(bytes.find("(2, 256)"), 8, "(9999999999999999999)"));
  usage("impossible shape");

  Component wide;
  wide.name = "wide";
  wide.widths = 12;
  expect_error(ErrorKind::kUnimplemented, "wide: histograms of operands need the table",
               [&] { measure_at_operands(wide, histograms({1}, {1})); });
}

// A trace: errors of its pairs, and energy in its order.
TEST(Operands, ATraceHasErrorsAndEnergy) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const TestDirectory directory;
  CharacterizeOptions options;
  options.cache_dir = directory.path() / "cache";
  const Component component = characterize(library_source("drum"), options);

  // The component's own activity: the figures of component.json.
  OperandDistribution operands;
  operands.trace = uniform_operands(65537, 1, 8, true);
  nlohmann::json at = measure_at_operands(component, operands);
  EXPECT_EQ(at.at("kind"), "trace");
  EXPECT_EQ(at.at("operations"), 65537);
  for (const char* key : {"energy_per_op_fj", "glitches", "leakage_nw"}) {
    EXPECT_EQ(at.at(key), component.json.at(key)) << key;
  }
  EXPECT_NEAR(at.at("errors").at("mae"), component.errors.mae, 0.02 * component.errors.mae);

  // Each pair once, as histograms would have it, and by the netlist instead of the table.
  operands.trace.clear();
  for (int i = 0; i < 65536; ++i) {
    operands.trace.push_back({static_cast<std::int8_t>(i >> 8), static_cast<std::int8_t>(i)});
  }
  at = measure_at_operands(component, operands);
  const nlohmann::json flat = measure_at_operands(
      component, histograms(std::vector<double>(256, 1), std::vector<double>(256, 1)));
  int checked = 0;
  for (const auto& [key, value] : flat.at("errors").items()) {
    EXPECT_NEAR(at.at("errors").at(key).get<double>(), value.get<double>(),
                1e-9 * std::max(1.0, std::abs(value.get<double>())))
        << key;
    ++checked;
  }
  fmt::print("checked={}\n", checked);
  EXPECT_EQ(checked, 16);
  // Counting up toggles less than random operands do.
  EXPECT_LT(at.at("energy_per_op_fj").get<double>(), 0.7 * component.energy_per_op_fj);
  EXPECT_GT(at.at("energy_per_op_fj").get<double>(), 0);
}

}  // namespace
}  // namespace lutra::synth
