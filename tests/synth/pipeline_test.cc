// Multipliers with registers: the clock is found, the latency checked, the table that of a
// pipeline.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lutra/component/component.h"
#include "lutra/component/energy_meter.h"
#include "lutra/component/library.h"
#include "lutra/component/pipeline.h"
#include "test_files.h"

namespace lutra::synth {
namespace {

using test::expect_error;

/// Operands and product in registers, a reset, an enable.
constexpr const char* kTwoStages = R"(
module two_stages (input clk, input rst_n, input enable, input [7:0] a, input [7:0] b,
                   output reg [15:0] p);
  reg [15:0] low, high;
  always @(posedge clk or negedge rst_n)
    if (!rst_n) begin
      low <= 0;
      high <= 0;
      p <= 0;
    end else if (enable) begin
      low <= a * b[3:0];
      high <= a * b[7:4];
      p <= low + (high << 4);
    end
endmodule
)";

class PipelineTest : public testing::Test {
 protected:
  void SetUp() override { LUTRA_SKIP_WITHOUT_TOOLS(); }

  Component characterize_text(const std::string& text, int latency,
                              const std::vector<HeldPort>& held = {},
                              const std::string& clock = "") {
    MultiplierSource source =
        verilog_source({directory_.write("user.v", text)}, "", Signedness::kUnsigned);
    source.latency = latency;
    source.held = held;
    source.clock = clock;
    return run(source);
  }

  Component run(const MultiplierSource& source) {
    CharacterizeOptions options;
    options.cache_dir = directory_.path() / "cache";
    return characterize(source, options);
  }

  /// A library multiplier with a register behind each operand and the product.
  MultiplierSource pipelined(const std::string& specification, int stages) {
    const MultiplierSource core = library_source(specification);
    std::string parameters;
    for (const auto& [name, value] : core.parameters) {
      parameters += fmt::format("{}.{}({})", parameters.empty() ? "" : ", ", name, value);
    }
    std::string text = fmt::format(
        "module piped (input clk_i, input [{0}:0] x_i, input [{0}:0] y_i, output [{1}:0] q_o);\n"
        "  reg [{0}:0] x, y;\n  wire [{1}:0] s0;\n"
        "  always @(posedge clk_i) begin x <= x_i; y <= y_i; end\n"
        "  {2} #({3}) u_core (.a_i(x), .b_i(y), .p_o(s0));\n",
        core.widths.a - 1, core.widths.product() - 1, core.top, parameters);
    for (int s = 1; s < stages; ++s) {
      text += fmt::format("  reg [{0}:0] s{1};\n  always @(posedge clk_i) s{1} <= s{2};\n",
                          core.widths.product() - 1, s, s - 1);
    }
    text += fmt::format("  assign q_o = s{};\nendmodule\n", stages - 1);
    MultiplierSource source = core;
    source.name = "piped";
    source.files.push_back(directory_.write("piped.v", text));
    source.top = "piped";
    source.parameters = {};
    source.ports = {};
    source.latency = stages;
    return source;
  }

  const std::vector<HeldPort> running_ = {{"rst_n", 1}, {"enable", 1}};
  test::TestDirectory directory_;
};

TEST_F(PipelineTest, TableIsThatOfConsecutiveOperands) {
  const Component component = characterize_text(kTwoStages, 2, running_);
  int compared = 0;
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b, ++compared) {
      ASSERT_EQ(static_cast<std::uint16_t>(component.lut[a * 256 + b]), a * b);
    }
  }
  fmt::print("checked={}\n", compared);
  EXPECT_EQ(compared, 65536);
  EXPECT_EQ(component.source.clock, "clk");
  EXPECT_EQ(component.json.at("latency"), 2);
  EXPECT_EQ(component.json.at("clock"), "clk");
  EXPECT_TRUE(component.json.at("net_toggles_per_op_exact").is_null());
  if (test::on_path("iverilog")) {
    EXPECT_EQ(component.json.at("rtl_check").at("result"), "equal");
    EXPECT_EQ(component.json.at("rtl_check").at("pairs"), 65536);
  }
  const Component again = load_component(component.directory);
  EXPECT_EQ(again.source.latency, 2);
  EXPECT_EQ(again.source.clock, "clk");
  expect_error(ErrorKind::kUnimplemented, "found a multiplier with latency",
               [&] { sign_magnitude_source(again.source, directory_.path() / "work"); });
}

TEST_F(PipelineTest, WrongLatencyIsRefusedWithTheRightOne_bad) {
  int refused = 0;
  for (const int latency : {1, 3, 7, 64}) {
    expect_error(ErrorKind::kInvalidArgument,
                 fmt::format("latency {} given, but its products follow their operands by 2 cycles "
                             "of clk",
                             latency),
                 [&] { characterize_text(kTwoStages, latency, running_); });
    ++refused;
  }
  for (const int stages : {1, 2, 5}) {
    MultiplierSource source = pipelined("drum", stages);
    source.latency = stages % 5 + 1;
    expect_error(ErrorKind::kInvalidArgument,
                 fmt::format("follow their operands by {} cycles", stages), [&] { run(source); });
    ++refused;
  }
  fmt::print("checked={}\n", refused);
}

// The same figures as the combinational multiplier, product for product.
TEST_F(PipelineTest, ErrorsEqualThoseOfTheCombinationalCore) {
  int compared = 0;
  for (const char* specification : {"bam:hbl=2,vbl=5", "drum:kept_bits=3,width=4",
                                    "udm:width=4,signed=0", "bam:hbl=1,vbl=6,width=10"}) {
    const Component core = run(library_source(specification));
    for (const int stages : {1, 3}) {
      const Component piped = run(pipelined(specification, stages));
      EXPECT_EQ(piped.lut, core.lut) << specification;
      EXPECT_EQ(piped.json.at("errors"), core.json.at("errors")) << specification;
      EXPECT_GT(piped.area_um2, core.area_um2);
      EXPECT_GT(piped.energy_per_op_fj, core.energy_per_op_fj) << "registers and clock";
      ++compared;
    }
  }
  fmt::print("checked={}\n", compared);
  EXPECT_EQ(compared, 8);
}

TEST_F(PipelineTest, OtherClocks) {
  const std::string falling =
      "module m (input ck, input [3:0] a, input [3:0] b, output reg [7:0] p);\n"
      "  always @(negedge ck) p <= a * b;\nendmodule\n";
  EXPECT_EQ(characterize_text(falling, 1).errors.ep, 0);
  const std::string gated =
      "module m (input ck, input on, input [3:0] a, input [3:0] b, output reg [7:0] p);\n"
      "  wire c = ck & on;\n  always @(posedge c) p <= a * b;\nendmodule\n";
  const Component held = characterize_text(gated, 1, {{"on", 1}});
  EXPECT_EQ(held.errors.ep, 0);
  EXPECT_EQ(held.source.clock, "ck");
  expect_error(ErrorKind::kInvalidArgument,
               "its flip-flops are clocked by ck, on, expected one input",
               [&] { characterize_text(gated, 1); });
  EXPECT_EQ(characterize_text(gated, 1, {{"on", 1}}, "ck").lut, held.lut);
  expect_error(ErrorKind::kInvalidArgument, "clock a, expected an input of one bit", [&] {
    characterize_text(gated, 1, {{"on", 1}}, "a");
  });
  expect_error(ErrorKind::kInvalidArgument, "no port clock, expected one of", [&] {
    characterize_text(gated, 1, {{"on", 1}}, "clock");
  });
  // Held in reset, it is a pipeline that answers 0.
  const Component reset = characterize_text(kTwoStages, 2, {{"rst_n", 0}, {"enable", 1}});
  EXPECT_EQ(reset.errors.wce, 255 * 255);
}

TEST_F(PipelineTest, WhatIsNoPipelineIsRefused_bad) {
  expect_error(ErrorKind::kInvalidArgument,
               "no latency up to 64 cycles gives the products of operands", [&] {
                 characterize_text(
                     "module m (input clk, input [3:0] a, input [3:0] b, output reg [7:0] p);\n"
                     "  always @(posedge clk) p <= p + a * b;\nendmodule\n",
                     1);
               });
  // Operands that must be held: shift and add, a bit a cycle.
  expect_error(
      ErrorKind::kInvalidArgument, "no latency up to 64 cycles gives the products of operands",
      [&] {
        characterize_text(
            "module m (input clk, input [3:0] a, input [3:0] b, output reg [7:0] p);\n"
            "  reg [7:0] sum;\n  reg [1:0] bit;\n  always @(posedge clk) begin\n"
            "    bit <= bit + 1;\n    sum <= (bit == 0 ? 0 : sum) + (b[bit] ? a << bit : 0);\n"
            "    if (bit == 0) p <= sum;\n  end\nendmodule\n",
            4);
      });
  expect_error(ErrorKind::kInvalidArgument, "holds no flip-flop, expected latency 0", [&] {
    characterize_text(
        "module m (input [3:0] a, input [3:0] b, output [7:0] p);\n  assign p = a * b;\n"
        "endmodule\n",
        1);
  });
  expect_error(ErrorKind::kUnimplemented, "the latency in cycles must be given",
               [&] { characterize_text(kTwoStages, 0, running_); });
  expect_error(ErrorKind::kInvalidArgument, "latency = 65, expected 0..64",
               [&] { characterize_text(kTwoStages, 65, running_); });
  expect_error(ErrorKind::kInvalidArgument,
               "3 inputs and 1 outputs, expected 2 and 1 beside those that are "
               "held and the clock",
               [&] {
                 characterize_text(kTwoStages, 2, {{"rst_n", 1}});
               });
}

// The energy of a cycle: of a constant sequence only the clock's, and the same however it is cut
// into lanes.
TEST_F(PipelineTest, EnergyIsThatOfACycle) {
  const Component component = characterize_text(kTwoStages, 2, running_);
  EnergyMeter meter(component);
  const EnergyReport still = meter.measure(std::vector<OperandPair>(5000, {57, 3}));
  EXPECT_EQ(still.intervals, 4999u);
  EXPECT_EQ(still.net_toggles, 2u * 4999) << "the clock alone";
  EXPECT_GT(still.total_fj(), 0);
  const std::vector<OperandPair> pairs = uniform_operands(700, 3, 8, false);
  const EnergyReport whole = meter.measure(pairs);
  std::uint64_t toggles = 0;
  double energy = 0;
  for (std::size_t i = 4; i < pairs.size(); ++i) {
    // Two operations on one lane, with the three before them to fill the registers.
    const EnergyReport four = meter.measure({pairs.begin() + i - 4, pairs.begin() + i});
    const EnergyReport five = meter.measure({pairs.begin() + i - 4, pairs.begin() + i + 1});
    toggles += five.net_toggles - four.net_toggles;
    energy += five.total_fj() - four.total_fj();
  }
  EXPECT_NEAR(static_cast<double>(toggles), static_cast<double>(whole.net_toggles),
              0.02 * static_cast<double>(whole.net_toggles));
  EXPECT_NEAR(energy, whole.total_fj(), 0.02 * whole.total_fj());
}

}  // namespace
}  // namespace lutra::synth
