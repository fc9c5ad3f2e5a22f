#include <limits>
#include <vector>

#include "Vrequantiser.h"
#include "Vrequantiser_netlist.h"
#include "capsnet_reference.h"
#include "vectors.h"

namespace lutra::rtl_test {
namespace {

template <class Model>
class RequantiserTest : public testing::Test {};
using Models = testing::Types<Vrequantiser, Vrequantiser_netlist>;
class Names {
 public:
  template <class T>
  static std::string GetName(int i) {
    return i == 0 ? "rtl" : "netlist";
  }
};
TYPED_TEST_SUITE(RequantiserTest, Models, Names);

template <class Model>
void compare(Model& model, Comparisons& comparisons, int32_t acc, int shift, int old) {
  for (int mode = 0; mode < 4; ++mode) {
    model.acc_i = static_cast<uint32_t>(acc);
    model.shift_i = shift;
    model.relu_i = mode & 1;
    model.accumulate_i = mode >> 1;
    model.old_i = static_cast<uint8_t>(old);
    model.eval();
    const int8_t expected = quantise(acc, shift, mode & 1, mode & 2, static_cast<int8_t>(old));
    comparisons.check(expected, static_cast<int8_t>(model.q_o), [&] {
      std::ostringstream out;
      out << "acc=" << acc << " shift=" << shift << " old=" << old << " mode=" << mode;
      return out.str();
    });
  }
}

// Around every tie of every shift, both signs, both limits of int32 and of the element.
TYPED_TEST(RequantiserTest, rtl_requantiser_rounds_ties_and_saturates) {
  TypeParam model;
  Comparisons comparisons;
  for (int shift = 0; shift < 32; ++shift) {
    for (int q = -130; q <= 130; ++q) {
      const int64_t half = shift == 0 ? 0 : int64_t{1} << (shift - 1);
      for (int64_t offset : {-half - 1, -half, -half + 1, int64_t{0}, half - 1, half, half + 1}) {
        const int64_t acc = q * (int64_t{1} << shift) + offset;
        if (acc < std::numeric_limits<int32_t>::min() || acc > std::numeric_limits<int32_t>::max())
          continue;
        compare(model, comparisons, static_cast<int32_t>(acc), shift, (q * 37) % 128);
      }
    }
    for (int64_t acc : {int64_t{std::numeric_limits<int32_t>::min()},
                        int64_t{std::numeric_limits<int32_t>::max()}}) {
      for (int old : {-127, -1, 0, 1, 127})
        compare(model, comparisons, static_cast<int32_t>(acc), shift, old);
    }
  }
}

TYPED_TEST(RequantiserTest, rtl_requantiser_equals_the_prose_on_random_values) {
  TypeParam model;
  Comparisons comparisons;
  std::mt19937 random(5);
  for (int i = 0; i < 200000; ++i) {
    const int32_t acc = static_cast<int32_t>(random()) >> (random() % 32);
    compare(model, comparisons, acc, static_cast<int>(random() % 32), legal_element(random));
  }
}

}  // namespace
}  // namespace lutra::rtl_test
