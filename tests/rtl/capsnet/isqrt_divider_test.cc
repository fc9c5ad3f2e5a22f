#include "Vdivider.h"
#include "Vdivider_netlist.h"
#include "Visqrt.h"
#include "Visqrt_netlist.h"
#include "capsnet_reference.h"
#include "vectors.h"

namespace lutra::rtl_test {
namespace {

class Names {
 public:
  template <class T>
  static std::string GetName(int i) {
    return i == 0 ? "rtl" : "netlist";
  }
};

template <class Model>
void reset(Model& model) {
  model.rst_ni = 0;
  model.start_i = 0;
  cycle(model);
  model.rst_ni = 1;
  cycle(model);
}

// Starts, and counts the cycles to done.
template <class Model>
int run(Model& model) {
  model.start_i = 1;
  cycle(model);
  model.start_i = 0;
  int cycles = 0;
  while (!model.done_o && cycles < 100) {
    cycle(model);
    ++cycles;
  }
  return cycles;
}

template <class Model>
class IsqrtTest : public testing::Test {};
using IsqrtModels = testing::Types<Visqrt, Visqrt_netlist>;
TYPED_TEST_SUITE(IsqrtTest, IsqrtModels, Names);

TYPED_TEST(IsqrtTest, rtl_isqrt_is_the_largest_root) {
  TypeParam model;
  reset(model);
  Comparisons comparisons;
  std::mt19937 random(1);
  const auto compare = [&](uint32_t x) {
    model.x_i = x;
    EXPECT_EQ(run(model), 8);
    comparisons.check(isqrt(x), model.root_o, [x] { return "x=" + std::to_string(x); });
  };
  for (uint32_t x = 0; x < 5000; ++x) compare(x);
  for (uint64_t r = 1; r < 65536; r += 97) {
    compare(static_cast<uint32_t>(r * r - 1));
    compare(static_cast<uint32_t>(r * r));
    compare(static_cast<uint32_t>(r * r + 2 * r));
  }
  compare(0xFFFFFFFF);
  compare(65535u * 65535u);
  compare(65535u * 65535u - 1);
  for (int i = 0; i < 20000; ++i) compare(static_cast<uint32_t>(random() >> random() % 32));
}

template <class Model>
class DividerTest : public testing::Test {};
using DividerModels = testing::Types<Vdivider, Vdivider_netlist>;
TYPED_TEST_SUITE(DividerTest, DividerModels, Names);

TYPED_TEST(DividerTest, rtl_divider_is_the_largest_quotient) {
  TypeParam model;
  reset(model);
  Comparisons comparisons;
  std::mt19937 random(2);
  const auto compare = [&](uint32_t n, uint32_t d) {
    model.num_i = n;
    model.den_i = d;
    EXPECT_EQ(run(model), 16);
    comparisons.check(n / d, model.quotient_o,
                      [n, d] { return std::to_string(n) + " / " + std::to_string(d); });
  };
  for (uint32_t n = 0; n < 70; ++n) {
    for (uint32_t d = 1; d < 70; ++d) compare(n, d);
  }
  const uint32_t edges[] = {1, 2, 3, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFE, 0xFFFFFFFF};
  for (uint32_t n : edges) {
    for (uint32_t d : edges) compare(n, d);
  }
  for (int i = 0; i < 30000; ++i) {
    const uint32_t n = static_cast<uint32_t>(random() >> random() % 32);
    const uint32_t d = static_cast<uint32_t>(random() >> random() % 32);
    if (d != 0) compare(n, d);
  }
}

}  // namespace
}  // namespace lutra::rtl_test
