// Multipliers whose operands have different widths, from Verilog to figures.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "lutra/base/npy.h"
#include "lutra/component/component.h"
#include "lutra/component/component_tables.h"
#include "lutra/component/delay_sweep.h"
#include "lutra/component/energy_meter.h"
#include "lutra/component/library.h"
#include "lutra/component/operands.h"
#include "lutra/tables/table_files.h"
#include "test_files.h"

namespace lutra::synth {
namespace {

using test::expect_error;
using test::TestDirectory;

class OperandWidthsTest : public testing::Test {
 protected:
  void SetUp() override {
    LUTRA_SKIP_WITHOUT_TOOLS();
    options_.cache_dir = directory_.path() / "cache";
  }
  MultiplierSource source(OperandWidths widths, bool is_signed, const std::string& body) {
    const std::string sign = is_signed ? "signed " : "";
    return verilog_source({directory_.write(
        fmt::format("m{}.v", ++files_),
        fmt::format("module m (input {0}[{1}:0] a, input {0}[{2}:0] b, output {0}[{3}:0] p);\n"
                    "{4}\nendmodule\n",
                    sign, widths.a - 1, widths.b - 1, widths.product() - 1, body))});
  }
  TestDirectory directory_;
  CharacterizeOptions options_;
  int files_ = 0;
};

std::int64_t value(std::uint64_t pattern, int width, bool is_signed) {
  const bool negative = is_signed && pattern >> (width - 1) != 0;
  return static_cast<std::int64_t>(pattern) - (negative ? std::int64_t{1} << width : 0);
}

/// The product with its two lowest bits 0, as `m` of the tests computes it.
std::int64_t truncated(std::int64_t a, std::int64_t b) { return a * b & ~std::int64_t{3}; }
constexpr const char* kTruncated = "wire [31:0] f = a * b; assign p = {f >> 2, 2'b00};";
constexpr const char* kTruncatedSigned =
    "wire signed [31:0] f = a * b; assign p = {f >>> 2, 2'b00};";

TEST_F(OperandWidthsTest, TablesErrorsAndChecksAreOfBothWidths) {
  std::int64_t compared = 0;
  for (const bool is_signed : {false, true}) {
    for (const OperandWidths widths :
         {OperandWidths(8, 4), OperandWidths(3, 8), OperandWidths(2, 5), OperandWidths(7, 6)}) {
      const Component c = characterize(
          source(widths, is_signed, is_signed ? kTruncatedSigned : kTruncated), options_);
      const std::string what = fmt::format("{} signed {}", widths.text(), is_signed);
      ASSERT_EQ(c.widths, widths) << what;
      ASSERT_EQ(c.is_signed, is_signed) << what;
      ASSERT_EQ(c.lut.size(), widths.pairs()) << what;
      double sizes = 0, wrong = 0, hamming = 0, zero_wrong = 0, relative = 0, nonzero = 0;
      for (std::uint64_t i = 0; i < widths.pairs(); ++i, ++compared) {
        const std::int64_t a = value(i >> widths.b, widths.a, is_signed);
        const std::int64_t b = value(i & ((1u << widths.b) - 1), widths.b, is_signed);
        const std::int64_t got = is_signed ? c.lut[i] : static_cast<std::uint16_t>(c.lut[i]);
        ASSERT_EQ(got, truncated(a, b)) << what << ": " << a << " * " << b;
        const std::int64_t size = std::abs(got - a * b);
        sizes += static_cast<double>(size);
        wrong += size != 0;
        hamming +=
            __builtin_popcountll((got ^ a * b) & (static_cast<std::int64_t>(widths.pairs()) - 1));
        if (a * b == 0) {
          zero_wrong += size != 0;
        } else {
          ++nonzero;
          relative += static_cast<double>(size) / static_cast<double>(std::abs(a * b));
        }
      }
      const auto pairs = static_cast<double>(widths.pairs());
      EXPECT_DOUBLE_EQ(c.errors.mae, sizes / pairs) << what;
      EXPECT_DOUBLE_EQ(c.errors.ep, wrong / pairs) << what;
      EXPECT_EQ(c.errors.hd, hamming) << what;
      EXPECT_EQ(c.errors.zero_operand_ep, zero_wrong) << what;
      EXPECT_NEAR(c.errors.mre_nonzero, relative / nonzero, 1e-12) << what;
      const double largest =
          is_signed ? pairs / 4 : (std::ldexp(1.0, widths.a) - 1) * (std::ldexp(1.0, widths.b) - 1);
      EXPECT_DOUBLE_EQ(c.errors.nmed, c.errors.mae / largest) << what;
      EXPECT_TRUE(std::isnan(c.errors.noncommuting)) << what;
      EXPECT_TRUE(c.json.at("errors").at("noncommuting").is_null()) << what;
      const ErrorMetrics of_table = measure_errors(c.lut, is_signed, widths);
      EXPECT_EQ(of_table.mae, c.errors.mae) << what;
      EXPECT_EQ(of_table.hd, c.errors.hd) << what;
      if (test::on_path("iverilog")) {
        EXPECT_EQ(c.json.at("rtl_check").at("result"), "equal") << what;
        EXPECT_EQ(c.json.at("rtl_check").at("pairs"), widths.pairs()) << what;
        EXPECT_EQ(c.json.at("rtl_check").at("exhaustive"), true) << what;
      }
      // Sampled toggles and those of the signal probabilities are of the same netlist.
      EXPECT_NEAR(c.json.at("net_toggles_per_op").get<double>() /
                      c.json.at("net_toggles_per_op_exact").get<double>(),
                  1, 0.02)
          << what;
      EXPECT_EQ(load_component(c.directory).lut, c.lut) << what;
      const auto array =
          base::npy_numbers(base::read_npy_file(c.directory / "lut.npy"), c.directory / "lut.npy");
      EXPECT_EQ(array.shape,
                (std::vector<std::size_t>{std::size_t{1} << widths.a, std::size_t{1} << widths.b}))
          << what;
      EXPECT_EQ(lut_of(product_table(c)), c.lut) << what;
    }
  }
  fmt::print("checked={}\n", compared);
  EXPECT_EQ(compared, 2 * (4096 + 2048 + 128 + 8192));
}

// The front ends are told apart by the other operand's bits too.
TEST_F(OperandWidthsTest, ADifferenceIsSeen_bad) {
  if (!test::on_path("iverilog") && !test::on_path("verilator")) {
    GTEST_SKIP() << "no simulator of the source is on PATH: nothing to compare with";
  }
  for (const OperandWidths widths : {OperandWidths(8, 4), OperandWidths(4, 8)}) {
    // What synthesis and simulation read differently, at one pair: a = 9, b = 13.
    const Component c = characterize(
        source(widths, false,
               "wire hit = a == 9 && b == 13;\n`ifdef YOSYS\nassign p = a * b;\n`else\n"
               "assign p = hit ? 0 : a * b;\n`endif"),
        options_);
    EXPECT_EQ(c.json.at("rtl_check").at("result"), "different");
    EXPECT_NE(c.json.at("rtl_check").at("reason").get<std::string>().find("a = 9, b = 13"),
              std::string::npos);
  }
}

TEST_F(OperandWidthsTest, WideOnesAreComparedByVerilator) {
  const Component c = characterize(source({5, 12}, true, kTruncatedSigned), options_);
  EXPECT_TRUE(c.lut.empty());
  EXPECT_EQ(c.widths, OperandWidths(5, 12));
  EXPECT_EQ(c.errors.wce, 3);
  EXPECT_FALSE(std::filesystem::exists(c.directory / "lut.npy"));
  if (test::on_path("verilator")) {
    EXPECT_EQ(c.json.at("rtl_check").at("result"), "equal");
    EXPECT_EQ(c.json.at("rtl_check").at("pairs"), 1u << 17);
    EXPECT_EQ(c.json.at("rtl_check").at("exhaustive"), true);
  }
  // Beyond 24 bits of both, a sample; and the longest operand there is.
  const Component wide = characterize(source({16, 9}, false, "assign p = a * b;"), options_);
  EXPECT_EQ(wide.errors.ep, 0);
  EXPECT_EQ(wide.json.at("rtl_check").value("exhaustive", true), false);
  expect_error(ErrorKind::kUnimplemented, "operands of 17 x 4 bits, expected 2..16", [&] {
    characterize(source({17, 4}, false, "assign p = a * b;"), options_);
  });
  expect_error(ErrorKind::kUnimplemented, "operands of 8 x 1 bits, expected 2..16", [&] {
    characterize(source({8, 1}, false, "assign p = a * b;"), options_);
  });
}

TEST_F(OperandWidthsTest, PipelinesStreamBothWidths) {
  MultiplierSource piped = verilog_source({directory_.write(
      "piped.v",
      "module piped (input clk, input [6:0] a, input [2:0] b, output reg [9:0] p);\n"
      "  reg [6:0] x; reg [2:0] y;\n"
      "  always @(posedge clk) begin x <= a; y <= b; p <= x * y; end\nendmodule\n")});
  piped.latency = 2;
  const Component c = characterize(piped, options_);
  for (int i = 0; i < 1024; ++i) ASSERT_EQ(c.lut[i], (i >> 3) * (i & 7));
  EXPECT_GT(c.energy_per_op_fj, 0);
}

// A product that is one bit longer, and the other operand first.
TEST_F(OperandWidthsTest, NamedPortsAndLongerProducts) {
  MultiplierSource swapped = source({4, 8}, false, "assign p = a * b + (b & 1);");
  swapped.ports = {"b", "a", "p"};
  const Component c = characterize(swapped, options_);
  EXPECT_EQ(c.widths, OperandWidths(8, 4));
  for (int i = 0; i < 4096; ++i) ASSERT_EQ(c.lut[i], (i >> 4) * (i & 15) + (i >> 4 & 1));
  const Component longer = characterize(
      verilog_source({directory_.write("long.v",
                                       "module l (input [7:0] a, input [3:0] b, output [12:0] p); "
                                       "assign p = a * b; endmodule\n")}),
      options_);
  EXPECT_EQ(longer.widths, OperandWidths(8, 4));
  EXPECT_EQ(longer.errors.ep, 0);
  EXPECT_EQ(longer.json.at("warnings").size(), 1u);
}

TEST_F(OperandWidthsTest, OperandsOfUseAndOtherDelays) {
  const Component c = characterize(source({8, 4}, true, kTruncatedSigned), options_);
  OperandDistribution operands;
  operands.trace = uniform_operands(65537, 1, {8, 4}, true);
  nlohmann::json at = measure_at_operands(c, operands);
  EXPECT_EQ(at.at("energy_per_op_fj"), c.json.at("energy_per_op_fj"));
  EXPECT_NEAR(at.at("errors").at("mae").get<double>(), c.errors.mae, 0.02 * c.errors.mae);

  const std::filesystem::path file = directory_.path() / "operands.npy";
  std::vector<std::int32_t> weights(512, 0);
  for (int i = 0; i < 256; ++i) weights[i] = 1;
  for (int i = 0; i < 16; ++i) weights[256 + i] = 1;
  base::save_npy(file, {2, 256}, weights);
  at = measure_at_operands(c, read_operands(file, c.widths, true));
  EXPECT_NEAR(at.at("errors").at("mae").get<double>(), c.errors.mae, 1e-12);
  EXPECT_NEAR(at.at("errors").at("nmed").get<double>(), c.errors.nmed, 1e-12);
  weights[256 + 16] = 1;
  base::save_npy(file, {2, 256}, weights);
  expect_error(ErrorKind::kInvalidArgument, "[1][16] = 1, expected 0: that operand has 4 bits",
               [&] { read_operands(file, c.widths, true); });
  base::save_npy(file, {2, 2}, std::vector<std::int16_t>{-128, 7, 127, 8});
  expect_error(ErrorKind::kInvalidArgument, "[1][1] = 8, expected an integer in -8..7",
               [&] { read_operands(file, c.widths, true); });
  expect_error(ErrorKind::kInvalidArgument, "operation 1: b = 8, expected -8..7", [&] {
    EnergyMeter(c).measure({{-128, 7}, {127, 8}});
  });

  const nlohmann::json rows = sweep_delay_targets(
      c, default_liberty(), {0.5 * c.delay_ns, 4 * c.delay_ns}, 1, directory_.path() / "sweep");
  ASSERT_EQ(rows.size(), 2u);
  for (const nlohmann::json& row : rows) EXPECT_EQ(row.at("compared_products"), 4096);
}

// Of several outputs the one as wide as both operands; said in the warnings.
TEST_F(OperandWidthsTest, FurtherOutputsAreLeftAlone) {
  const auto with = [&](const std::string& outputs, const std::string& body) {
    return verilog_source({directory_.write(
        fmt::format("f{}.v", ++files_), fmt::format("module m (input [7:0] a, input [7:0] b, {});\n"
                                                    "{}\nendmodule\n",
                                                    outputs, body))});
  };
  const MultiplierSource flag = with("output zero, output [15:0] p, output [7:0] high",
                                     "assign p = a * b; assign zero = p == 0;\n"
                                     "assign high = p[15:8];");
  const Component c = characterize(flag, options_);
  EXPECT_EQ(c.errors.ep, 0);
  EXPECT_EQ(c.json.at("warnings"), nlohmann::json({"m: the product is p; left alone: zero, high"}));
  // In the shell too, and from a product that is too long.
  const std::vector<std::pair<MultiplierSource, int>> cores = {
      {flag, -5600},
      {with("output [16:0] p", "assign p = a * b;"), -5600},
      {with("output [7:0] p", "wire [15:0] f = a * b; assign p = f[15:8];"), -(5600 & ~255)}};
  for (const auto& [core, product] : cores) {
    const Component shell =
        characterize(sign_magnitude_source(core, directory_.path() / "shells"), options_);
    EXPECT_TRUE(shell.is_signed);
    EXPECT_EQ(shell.json.at("rtl_check").value("result", ""), "equal");
    EXPECT_EQ(shell.json.at("warnings").size(), 1u);
    EXPECT_EQ(shell.lut[(200 << 8) + 100], product);  // -56 * 100
    EXPECT_EQ(shell.errors.wce, product == -5600 ? 0 : 255);
  }
  const Component longer = characterize(
      with("output zero, output [17:0] p", "assign p = a * b; assign zero = p == 0;"), options_);
  EXPECT_EQ(longer.errors.ep, 0);
  EXPECT_EQ(longer.json.at("warnings").size(), 2u);
  expect_error(ErrorKind::kInvalidArgument, "2 inputs and 2 outputs, expected 2 and 1", [&] {
    characterize(with("output [15:0] p, output [15:0] q", "assign p = a * b; assign q = ~p;"),
                 options_);
  });
  expect_error(ErrorKind::kInvalidArgument, "expected two inputs of one width", [&] {
    sign_magnitude_source(source({8, 4}, false, "assign p = a * b;"), directory_.path() / "shells");
  });
}

}  // namespace
}  // namespace lutra::synth
