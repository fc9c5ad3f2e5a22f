// The RTL of every multiplier against its model, on all 65,536 operand pairs.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "Vmul_bench.h"
#include "lutra/synth/multiplier_models.h"
#include "operand_sweep.h"

namespace lutra::test {
namespace {

using synth::multiplier_model;
using synth::MultiplierModel;

struct Configuration {
  std::string family;
  std::vector<std::pair<std::string, long>> parameters;
  bool is_signed = false;
  bool shell = false;  // the model takes magnitudes, the sign is put on afterwards

  std::string name() const {
    std::string text = family;
    for (const auto& [key, value] : parameters) text += fmt::format("_{}_{}", key, value);
    return text + (shell ? "_in_shell" : is_signed ? "_signed" : "_unsigned");
  }

  MultiplierModel model() const {
    if (!shell) return multiplier_model(family, parameters, 8, is_signed);
    return [core = multiplier_model(family, parameters, 8, false)](std::int64_t a, std::int64_t b) {
      const std::int64_t magnitude = core(std::abs(a), std::abs(b));
      return (a < 0) != (b < 0) ? -magnitude : magnitude;
    };
  }
};

/// In the order of the products in mul_bench.sv.
std::vector<Configuration> bench_configurations() {
  std::vector<Configuration> all;
  const auto both = [&all](const std::string& family,
                           const std::vector<std::pair<std::string, long>>& parameters) {
    for (const bool is_signed : {false, true}) all.push_back({family, parameters, is_signed});
  };
  both("exact", {});
  for (long t = 1; t <= 7; ++t) both("trunc", {{"trunc_bits", t}});
  for (long k = 3; k <= 7; ++k) both("drum", {{"kept_bits", k}});
  for (long v = 0; v <= 14; ++v) both("bam", {{"hbl", 0}, {"vbl", v}});
  for (long h = 1; h <= 7; ++h) both("bam", {{"hbl", h}, {"vbl", 0}});
  both("bam", {{"hbl", 2}, {"vbl", 5}});
  both("bam", {{"hbl", 3}, {"vbl", 9}});
  all.push_back({"exact", {}, true, true});
  all.push_back({"trunc", {{"trunc_bits", 2}}, true, true});
  all.push_back({"drum", {{"kept_bits", 4}}, true, true});
  all.push_back({"bam", {{"hbl", 0}, {"vbl", 6}}, true, true});
  return all;
}

/// Runs the bench over all operand pairs and compares the configurations of a family.
/// @param flipped_bit  of every product of the RTL, to prove that the bench can fail; -1: none
std::uint64_t sweep(const std::string& family, bool shell, int flipped_bit,
                    std::uint64_t* mismatches) {
  const std::vector<Configuration> all = bench_configurations();
  EXPECT_EQ(all.size() * 16, sizeof(Vmul_bench::p_o) * 8) << "bench and test list differ";
  std::vector<Comparison> comparisons;
  std::vector<MultiplierModel> models;
  for (const Configuration& configuration : all) {
    comparisons.emplace_back(configuration.name());
    models.push_back(configuration.model());
  }

  const auto context = std::make_unique<VerilatedContext>();
  const auto bench = std::make_unique<Vmul_bench>(context.get());
  std::uint64_t compared = 0;
  for (int i = 0; i < 65536; ++i) {
    bench->a_i = static_cast<std::uint8_t>(i >> 8);
    bench->b_i = static_cast<std::uint8_t>(i & 255);
    bench->eval();
    for (std::size_t c = 0; c < all.size(); ++c) {
      if (all[c].family != family || all[c].shell != shell) continue;
      unsigned pattern = bench->p_o[c / 2] >> (16 * (c % 2)) & 0xffff;
      if (flipped_bit >= 0) pattern ^= 1u << flipped_bit;
      const int a = operand(i >> 8, all[c].is_signed);
      const int b = operand(i & 255, all[c].is_signed);
      const int expected = static_cast<int>(models[c](a, b));
      comparisons[c].add(a, b, expected, product(pattern, all[c].is_signed));
    }
  }
  bench->final();
  for (std::size_t c = 0; c < all.size(); ++c) {
    if (all[c].family != family || all[c].shell != shell) continue;
    compared += comparisons[c].compared();
    *mismatches += comparisons[c].mismatches();
    if (flipped_bit < 0) comparisons[c].check();
  }
  fmt::print("{}{}: checked={}\n", family, shell ? " in shell" : "", compared);
  return compared;
}

void expect_equal(const std::string& family, bool shell, std::uint64_t configurations) {
  std::uint64_t mismatches = 0;
  EXPECT_EQ(sweep(family, shell, -1, &mismatches), configurations * 65536);
  EXPECT_EQ(mismatches, 0u);
}

TEST(MulRtl, ExactEqualsModel) { expect_equal("exact", false, 2); }
TEST(MulRtl, TruncEqualsModel) { expect_equal("trunc", false, 14); }
TEST(MulRtl, DrumEqualsModel) { expect_equal("drum", false, 10); }
TEST(MulRtl, BamEqualsModel) { expect_equal("bam", false, 48); }

// The shell around an unsigned core is the signed multiplier: for drum and bam the model of Signed
// = 1 is itself sign and magnitude, so the products are equal three ways.
TEST(MulRtl, SignMagnitudeShellEqualsModel) {
  for (const char* family : {"exact", "trunc", "drum", "bam"}) expect_equal(family, true, 1);
}

TEST(MulRtl, SweepDetectsAFlippedBit) {
  std::uint64_t mismatches = 0;
  const std::uint64_t compared = sweep("drum", false, 3, &mismatches);
  EXPECT_EQ(mismatches, compared);
}

}  // namespace
}  // namespace lutra::test
