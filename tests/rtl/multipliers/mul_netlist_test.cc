// Verilated netlists (Yosys' output in cells generated from the Liberty functions) against the RTL
// and the models.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "Vnetlist_bench.h"
#include "lutra/synth/multiplier_models.h"
#include "operand_sweep.h"

namespace lutra::test {
namespace {

void sweep(int slot, const std::string& family,
           const std::vector<std::pair<std::string, long>>& parameters) {
  const auto context = std::make_unique<VerilatedContext>();
  const auto bench = std::make_unique<Vnetlist_bench>(context.get());
  std::uint64_t compared = 0;
  for (const bool is_signed : {false, true}) {
    Comparison with_rtl(family + " netlist against RTL");
    Comparison with_model(family + " netlist against model");
    const auto model = synth::multiplier_model(family, parameters, 8, is_signed);
    const int index = 2 * slot + is_signed;
    for (int i = 0; i < 65536; ++i) {
      bench->a_i = static_cast<std::uint8_t>(i >> 8);
      bench->b_i = static_cast<std::uint8_t>(i & 255);
      bench->eval();
      const int shift = 16 * (index % 2);
      const int netlist = product(bench->netlist_o[index / 2] >> shift & 0xffff, is_signed);
      const int rtl = product(bench->rtl_o[index / 2] >> shift & 0xffff, is_signed);
      const int a = operand(i >> 8, is_signed);
      const int b = operand(i & 255, is_signed);
      with_rtl.add(a, b, rtl, netlist);
      with_model.add(a, b, static_cast<int>(model(a, b)), netlist);
    }
    with_rtl.check();
    with_model.check();
    compared += with_rtl.compared() + with_model.compared();
  }
  bench->final();
  fmt::print("{}: checked={}\n", family, compared);
  EXPECT_EQ(compared, 4u * 65536);
}

TEST(MulNetlist, ExactEqualsRtlAndModel) { sweep(0, "exact", {}); }
TEST(MulNetlist, TruncEqualsRtlAndModel) { sweep(1, "trunc", {{"trunc_bits", 2}}); }
TEST(MulNetlist, DrumEqualsRtlAndModel) { sweep(2, "drum", {{"kept_bits", 4}}); }
TEST(MulNetlist, BamEqualsRtlAndModel) { sweep(3, "bam", {{"hbl", 0}, {"vbl", 6}}); }

// Flip-flops, with reset in mid-run.
TEST(MulNetlist, SequentialUnitEqualsRtl) {
  const auto context = std::make_unique<VerilatedContext>();
  const auto bench = std::make_unique<Vnetlist_bench>(context.get());
  Comparison comparison("multiply_accumulate netlist against RTL");
  std::mt19937 random(7);
  bench->clk_i = 0;
  bench->rst_ni = 0;
  bench->eval();
  for (int cycle = 0; cycle < 20000; ++cycle) {
    const unsigned bits = random();
    bench->a_i = static_cast<std::uint8_t>(bits);
    bench->b_i = static_cast<std::uint8_t>(bits >> 8);
    bench->enable_i = (bits >> 16 & 3) != 0;
    bench->clear_i = (bits >> 18 & 31) == 0;
    bench->rst_ni = (bits >> 23 & 63) != 0;
    bench->eval();
    for (const int clock : {1, 0}) {
      bench->clk_i = static_cast<std::uint8_t>(clock);
      bench->eval();
      comparison.add(operand(bench->a_i, true), operand(bench->b_i, true),
                     static_cast<int>(bench->acc_rtl_o), static_cast<int>(bench->acc_netlist_o));
    }
  }
  bench->final();
  comparison.check();
  fmt::print("multiply_accumulate: checked={}\n", comparison.compared());
}

}  // namespace
}  // namespace lutra::test
