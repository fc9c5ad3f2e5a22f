#ifndef LUTRA_TESTS_RTL_CAPSNET_VECTORS_H_
#define LUTRA_TESTS_RTL_CAPSNET_VECTORS_H_

#include <cstdint>
#include <cstring>
#include <iostream>
#include <random>
#include <sstream>
#include <string>

#include "gtest/gtest.h"
#include "verilated.h"

namespace lutra::rtl_test {

/// Counts comparisons; shows the first mismatches whole; fails when nothing was compared or when
/// the expected values never changed.
class Comparisons {
 public:
  ~Comparisons() {
    std::cout << "checked=" << checked_ << " mismatches=" << mismatches_ << std::endl;
    EXPECT_GT(checked_, 0u) << "nothing was compared";
    EXPECT_TRUE(changed_) << "the expected values never changed";
    EXPECT_EQ(mismatches_, 0u);
  }
  /// `describe` is called for a mismatch only, and returns the operands as text.
  template <class Describe>
  void check(int64_t expected, int64_t got, Describe describe) {
    if (checked_ > 0 && expected != first_) changed_ = true;
    if (checked_ == 0) first_ = expected;
    ++checked_;
    if (expected == got) return;
    if (++mismatches_ <= 5) {
      ADD_FAILURE() << describe() << ": expected " << expected << ", got " << got;
    }
  }

 private:
  uint64_t checked_ = 0, mismatches_ = 0;
  int64_t first_ = 0;
  bool changed_ = false;
};

template <class Model>
void cycle(Model& model) {
  model.clk_i = 0;
  model.eval();
  model.clk_i = 1;
  model.eval();
}

template <class Wide>
void put_bytes(Wide& port, const int8_t* bytes, int count) {
  std::memset(&port[0], 0, 16);
  std::memcpy(&port[0], bytes, count);
}

inline int8_t legal_element(std::mt19937& random) {
  return static_cast<int8_t>(static_cast<int>(random() % 255) - 127);
}

inline std::string show(const int8_t* row, int count) {
  std::ostringstream out;
  for (int i = 0; i < count; ++i) out << (i ? "," : "{") << int{row[i]};
  out << "}";
  return out.str();
}

}  // namespace lutra::rtl_test

#endif  // LUTRA_TESTS_RTL_CAPSNET_VECTORS_H_
