#ifndef LUTRA_TESTS_MULTIPLIERS_OPERAND_SWEEP_H_
#define LUTRA_TESTS_MULTIPLIERS_OPERAND_SWEEP_H_

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "configurations.h"
#include "lutra/component/multiplier_models.h"

namespace lutra::test {

/// A pattern of `bits` bits as a number.
inline std::int64_t number(std::uint64_t pattern, int bits, bool is_signed) {
  const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
  const auto value = static_cast<std::int64_t>(pattern & mask);
  return is_signed && (value >> (bits - 1)) != 0 ? value - (std::int64_t{1} << bits) : value;
}

/// Operand patterns: all pairs up to 8 bits; above, all pairs of 0, 1, the limits and the
/// neighbours of powers of two, and 100,000 random ones.
inline std::vector<std::pair<unsigned, unsigned>> operand_pairs(int width) {
  std::vector<std::pair<unsigned, unsigned>> pairs;
  const unsigned count = 1u << width;
  if (width <= 8) {
    for (unsigned i = 0; i < count * count; ++i) pairs.emplace_back(i / count, i % count);
    return pairs;
  }
  std::set<unsigned> corners = {0, 1, count - 1};
  for (int bit = 0; bit < width; ++bit) {
    for (const int step : {-1, 0, 1}) corners.insert(((1u << bit) + step) & (count - 1));
  }
  for (const unsigned a : corners) {
    for (const unsigned b : corners) pairs.emplace_back(a, b);
  }
  std::mt19937 random(width);
  for (int i = 0; i < 100000; ++i) {
    const unsigned a = random() & (count - 1);
    pairs.emplace_back(a, random() & (count - 1));
  }
  return pairs;
}

/// The model of a configuration; in the shell, of an unsigned core's magnitudes, with the sign put
/// on afterwards.
inline synth::MultiplierModel model_of(const Configuration& configuration) {
  const synth::MultiplierSpec& spec = configuration.spec;
  const auto model = synth::multiplier_model(spec.family->name, spec.parameters, spec.width,
                                             configuration.is_signed() && !configuration.shell);
  if (!configuration.shell) return model;
  return [model](std::int64_t a, std::int64_t b) {
    const std::int64_t magnitude = model(std::abs(a), std::abs(b));
    return (a < 0) != (b < 0) ? -magnitude : magnitude;
  };
}

/// Counts comparisons, keeps the first mismatches as text, and notices outputs that never change.
class Comparison {
 public:
  explicit Comparison(std::string name) : name_(std::move(name)) {}

  void add(std::int64_t a, std::int64_t b, std::int64_t expected, std::int64_t got) {
    ++compared_;
    if (values_.size() < 3) values_.insert(expected);
    if (expected == got) return;
    if (++mismatches_ <= 5) {
      first_ += fmt::format("\n  a = {}, b = {}: expected {}, got {}", a, b, expected, got);
    }
  }

  std::uint64_t compared() const { return compared_; }
  std::uint64_t mismatches() const { return mismatches_; }

  /// Fails the running test on any mismatch, on no comparison, and on a constant output.
  void check() const {
    EXPECT_GT(compared_, 0u) << name_ << ": nothing was compared";
    EXPECT_GT(values_.size(), 1u) << name_ << ": the expected output never changes";
    EXPECT_EQ(mismatches_, 0u) << name_ << ": first mismatches:" << first_;
  }

 private:
  std::string name_;
  std::uint64_t compared_ = 0;
  std::uint64_t mismatches_ = 0;
  std::set<std::int64_t> values_;
  std::string first_;
};

/// The product of configuration `index` in a bench's output, slots of 16 or 32 bits.
template <typename Wide>
std::uint32_t slot(const Wide& output, std::size_t index, int slot_bits) {
  const std::size_t low = index * slot_bits;
  const std::uint32_t word = output[low / 32] >> (low % 32);
  return slot_bits == 32 ? word : word & ((1u << slot_bits) - 1);
}

/// Names of the families for the names of test cases.
inline std::vector<std::string> family_names() {
  std::vector<std::string> names;
  for (const synth::MultiplierFamily& family : synth::multiplier_families()) {
    names.push_back(family.name);
  }
  return names;
}

}  // namespace lutra::test

#endif  // LUTRA_TESTS_MULTIPLIERS_OPERAND_SWEEP_H_
