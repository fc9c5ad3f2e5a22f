// Verilated netlists (Yosys' output in cells generated from the Liberty functions) against the RTL
// and the models.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "Vnetlist_bench.h"
#include "operand_sweep.h"

namespace lutra::test {
namespace {

class MulNetlist : public testing::TestWithParam<std::string> {};

TEST_P(MulNetlist, EqualsRtlAndModel) {
  const Configurations all = configurations_netlist();
  ASSERT_EQ(sizeof(Vnetlist_bench::rtl_o) * 8, all.size() * 16) << "bench and list differ";
  const auto context = std::make_unique<VerilatedContext>();
  const auto bench = std::make_unique<Vnetlist_bench>(context.get());
  std::vector<std::size_t> indices;
  std::vector<Comparison> with_rtl;
  std::vector<Comparison> with_model;
  std::vector<synth::MultiplierModel> models;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].spec.family->name != GetParam()) continue;
    indices.push_back(i);
    with_rtl.emplace_back(all[i].name() + " netlist against RTL");
    with_model.emplace_back(all[i].name() + " netlist against model");
    models.push_back(model_of(all[i]));
  }
  for (const auto& [a_pattern, b_pattern] : operand_pairs(8)) {
    bench->a_i = a_pattern;
    bench->b_i = b_pattern;
    bench->eval();
    for (std::size_t k = 0; k < indices.size(); ++k) {
      const bool is_signed = all[indices[k]].is_signed();
      const std::int64_t a = number(a_pattern, 8, is_signed);
      const std::int64_t b = number(b_pattern, 8, is_signed);
      const std::int64_t netlist = number(slot(bench->netlist_o, indices[k], 16), 16, is_signed);
      with_rtl[k].add(a, b, number(slot(bench->rtl_o, indices[k], 16), 16, is_signed), netlist);
      with_model[k].add(a, b, models[k](a, b), netlist);
    }
  }
  bench->final();
  std::uint64_t compared = 0;
  for (std::size_t k = 0; k < indices.size(); ++k) {
    with_rtl[k].check();
    with_model[k].check();
    compared += with_rtl[k].compared() + with_model[k].compared();
  }
  fmt::print("{}: configurations={} checked={}\n", GetParam(), indices.size(), compared);
  EXPECT_GE(indices.size(), 2u);
  EXPECT_EQ(compared, 2 * indices.size() * 65536);
}

INSTANTIATE_TEST_SUITE_P(Families, MulNetlist, testing::ValuesIn(family_names()),
                         [](const auto& family) { return family.param; });

// Flip-flops, with reset in mid-run.
TEST(MulNetlistBench, SequentialUnitEqualsRtl) {
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
      comparison.add(number(bench->a_i, 8, true), number(bench->b_i, 8, true), bench->acc_rtl_o,
                     bench->acc_netlist_o);
    }
  }
  bench->final();
  comparison.check();
  fmt::print("multiply_accumulate: checked={}\n", comparison.compared());
}

}  // namespace
}  // namespace lutra::test
