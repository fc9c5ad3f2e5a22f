#ifndef LUTRA_TESTS_MULTIPLIERS_OPERAND_SWEEP_H_
#define LUTRA_TESTS_MULTIPLIERS_OPERAND_SWEEP_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>

namespace lutra::test {

/// An 8-bit pattern as an operand.
inline int operand(int pattern, bool is_signed) {
  return is_signed ? static_cast<std::int8_t>(pattern) : pattern;
}

/// A 16-bit product pattern as a number.
inline int product(unsigned pattern, bool is_signed) {
  return is_signed ? static_cast<std::int16_t>(pattern) : static_cast<int>(pattern & 0xffff);
}

/// Counts comparisons, keeps the first mismatches as text, and notices outputs that never change.
class Comparison {
 public:
  explicit Comparison(std::string name) : name_(std::move(name)) {}

  void add(int a, int b, int expected, int got) {
    ++compared_;
    if (values_.size() < 3) values_.insert(expected);
    if (expected == got) return;
    if (++mismatches_ <= 5) {
      first_ += "\n  a = " + std::to_string(a) + ", b = " + std::to_string(b) + ": expected " +
                std::to_string(expected) + ", got " + std::to_string(got);
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
  std::set<int> values_;
  std::string first_;
};

}  // namespace lutra::test

#endif  // LUTRA_TESTS_MULTIPLIERS_OPERAND_SWEEP_H_
