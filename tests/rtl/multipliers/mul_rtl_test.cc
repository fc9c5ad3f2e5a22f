// The RTL of every multiplier against its model, on all operand pairs up to 8 bits.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "Vmul_bench.h"
#include "Vmul_widths_bench.h"
#include "operand_sweep.h"

namespace lutra::test {
namespace {

struct Counts {
  std::uint64_t configurations = 0;
  std::uint64_t compared = 0;
  std::uint64_t mismatches = 0;
};

/// Runs a bench over the operand pairs and compares the configurations that are wanted.
/// @param damage  what to do to a model, to prove that the bench can fail; null: nothing, and
///                mismatches fail the test
template <typename Bench>
Counts sweep(const Configurations& all, const std::function<bool(const Configuration&)>& wanted,
             synth::MultiplierModel (*damage)(const synth::MultiplierModel&) = nullptr) {
  const int slot_bits = static_cast<int>(sizeof(Bench::p_o) * 8 / all.size());
  std::map<int, std::vector<std::size_t>> by_width;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (wanted(all[i])) by_width[all[i].spec.width].push_back(i);
  }
  const auto context = std::make_unique<VerilatedContext>();
  const auto bench = std::make_unique<Bench>(context.get());
  Counts counts;
  for (const auto& [width, indices] : by_width) {
    std::vector<Comparison> comparisons;
    std::vector<synth::MultiplierModel> models;
    for (const std::size_t i : indices) {
      comparisons.emplace_back(all[i].name());
      models.push_back(damage != nullptr ? damage(model_of(all[i])) : model_of(all[i]));
    }
    for (const auto& [a_pattern, b_pattern] : operand_pairs(width)) {
      bench->a_i = a_pattern;
      bench->b_i = b_pattern;
      bench->eval();
      for (std::size_t k = 0; k < indices.size(); ++k) {
        const std::uint32_t pattern = slot(bench->p_o, indices[k], slot_bits);
        const bool is_signed = all[indices[k]].is_signed();
        const std::int64_t a = number(a_pattern, width, is_signed);
        const std::int64_t b = number(b_pattern, width, is_signed);
        comparisons[k].add(a, b, models[k](a, b), number(pattern, 2 * width, is_signed));
      }
    }
    for (const Comparison& comparison : comparisons) {
      ++counts.configurations;
      counts.compared += comparison.compared();
      counts.mismatches += comparison.mismatches();
      if (damage == nullptr) comparison.check();
    }
  }
  bench->final();
  fmt::print("configurations={} checked={}\n", counts.configurations, counts.compared);
  return counts;
}

class MulRtl : public testing::TestWithParam<std::string> {
 protected:
  static bool is_of_family(const Configuration& configuration) {
    return configuration.spec.family->name == GetParam() && !configuration.shell;
  }
};

TEST_P(MulRtl, EqualsModel) {
  const Counts counts = sweep<Vmul_bench>(configurations_8(), is_of_family);
  EXPECT_GE(counts.configurations, 2u);
  EXPECT_EQ(counts.compared, counts.configurations * 65536);
}

TEST_P(MulRtl, EqualsModelAtOtherWidths) {
  const Counts counts = sweep<Vmul_widths_bench>(configurations_other_widths(), is_of_family);
  EXPECT_GE(counts.configurations, 4u);
}

INSTANTIATE_TEST_SUITE_P(Families, MulRtl, testing::ValuesIn(family_names()),
                         [](const auto& family) { return family.param; });

TEST(MulRtlBench, EveryConfigurationHasASlot) {
  EXPECT_EQ(sizeof(Vmul_bench::p_o) * 8, configurations_8().size() * 16);
  EXPECT_EQ(sizeof(Vmul_widths_bench::p_o) * 8, configurations_other_widths().size() * 32);
}

// The shell around an unsigned core is the signed multiplier: for drum and bam the model of
// signed=1 is itself sign and magnitude, so the products are equal three ways.
TEST(MulRtlBench, SignMagnitudeShellEqualsModel) {
  const Counts counts = sweep<Vmul_bench>(
      configurations_8(), [](const Configuration& configuration) { return configuration.shell; });
  EXPECT_EQ(counts.compared, 4u * 65536);
}

bool is_drum(const Configuration& configuration) {
  return configuration.spec.family->name == "drum";
}

TEST(MulRtlBench, SweepDetectsAFlippedBit) {
  const Counts counts =
      sweep<Vmul_bench>(configurations_8(), is_drum, [](const synth::MultiplierModel& model) {
        return synth::MultiplierModel(
            [model](std::int64_t a, std::int64_t b) { return model(a, b) ^ 8; });
      });
  EXPECT_GT(counts.compared, 0u);
  EXPECT_EQ(counts.mismatches, counts.compared);
}

// A descriptor whose model differs from the RTL in one product of 65,536.
TEST(MulRtlBench, SweepDetectsOneWrongProduct) {
  const Counts counts =
      sweep<Vmul_bench>(configurations_8(), is_drum, [](const synth::MultiplierModel& model) {
        return synth::MultiplierModel([model](std::int64_t a, std::int64_t b) {
          return model(a, b) + (a == 93 && b == 118 ? 1 : 0);
        });
      });
  EXPECT_GT(counts.configurations, 2u);
  EXPECT_EQ(counts.mismatches, counts.configurations);
}

}  // namespace
}  // namespace lutra::test
