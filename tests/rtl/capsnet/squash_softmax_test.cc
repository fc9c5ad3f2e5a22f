#include "Vsoftmax_unit.h"
#include "Vsoftmax_unit_netlist.h"
#include "Vsquash_unit.h"
#include "Vsquash_unit_netlist.h"
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
  model.clear_i = 0;
  model.in_valid_i = 0;
  model.out_ready_i = 0;
  cycle(model);
  model.rst_ni = 1;
  cycle(model);
}

// Hands the row that is on the inputs over and waits for the result, which stays for `hold` cycles
// before it is taken. Returns the latency.
template <class Model>
int transact(Model& model, int hold) {
  model.in_valid_i = 1;
  model.eval();
  EXPECT_TRUE(model.in_ready_o);
  cycle(model);
  model.in_valid_i = 0;
  int latency = 1;
  while (!model.out_valid_o && latency < 200) {
    EXPECT_FALSE(model.in_ready_o);
    cycle(model);
    ++latency;
  }
  for (int i = 0; i < hold; ++i) cycle(model);
  EXPECT_TRUE(model.out_valid_o);
  return latency;
}

template <class Model>
void take(Model& model) {
  model.out_ready_i = 1;
  cycle(model);
  model.out_ready_i = 0;
  model.eval();
  EXPECT_FALSE(model.out_valid_o);
}

// Rows of all dimensions: zeros, both limits, small values, anything.
void random_row(std::mt19937& random, int8_t* row) {
  const int kind = static_cast<int>(random() % 6);
  for (int d = 0; d < 16; ++d) {
    switch (kind) {
      case 0:
        row[d] = 0;
        break;
      case 1:
        row[d] = random() % 2 ? 127 : -127;
        break;
      case 2:
        row[d] = static_cast<int8_t>(static_cast<int>(random() % 5) - 2);
        break;
      case 3:
        row[d] = static_cast<int8_t>(random() % 16 ? 0 : legal_element(random));
        break;
      default:
        row[d] = legal_element(random);
    }
  }
}

template <class Model>
class SquashTest : public testing::Test {};
using SquashModels = testing::Types<Vsquash_unit, Vsquash_unit_netlist>;
TYPED_TEST_SUITE(SquashTest, SquashModels, Names);

TYPED_TEST(SquashTest, rtl_squash_equals_the_prose) {
  TypeParam model;
  reset(model);
  Comparisons comparisons;
  std::mt19937 random(11);
  for (int i = 0; i < 12000; ++i) {
    int8_t row[16];
    random_row(random, row);
    const int dim = 1 + static_cast<int>(random() % 16), f = static_cast<int>(random() % 8);
    const bool norm_only = random() % 8 == 0;
    put_bytes(model.s_i, row, 16);
    model.dim_i = dim;
    model.f_i = f;
    model.sel_i = random() % 16;
    model.norm_only_i = norm_only;
    EXPECT_EQ(transact(model, static_cast<int>(random() % 3)), norm_only ? dim + 1 : 2 * dim + 22);
    const auto describe = [&] { return "s=" + show(row, dim) + " f=" + std::to_string(f); };
    comparisons.check(norm(row, dim), model.norm_o, describe);
    const auto expected = squash_row(row, dim, f);
    const auto* got = reinterpret_cast<const int8_t*>(&model.v_o[0]);
    for (int d = 0; d < 16; ++d) {
      comparisons.check(d < dim && !norm_only ? expected[d] : 0, got[d], describe);
    }
    take(model);
  }
}

// Every one-element capsule at every format: the gain's whole range.
TYPED_TEST(SquashTest, rtl_squash_equals_the_prose_for_every_single_element) {
  TypeParam model;
  reset(model);
  Comparisons comparisons;
  model.dim_i = 1;
  model.sel_i = 0;
  model.norm_only_i = 0;
  for (int f = 0; f < 8; ++f) {
    for (int s = -127; s <= 127; ++s) {
      const int8_t row[16] = {static_cast<int8_t>(s)};
      put_bytes(model.s_i, row, 16);
      model.f_i = f;
      transact(model, 0);
      comparisons.check(squash_row(row, 1, f)[0], reinterpret_cast<const int8_t*>(&model.v_o[0])[0],
                        [&] { return "s=" + show(row, 1) + " f=" + std::to_string(f); });
      take(model);
    }
  }
}

template <class Model>
class SoftmaxTest : public testing::Test {};
using SoftmaxModels = testing::Types<Vsoftmax_unit, Vsoftmax_unit_netlist>;
TYPED_TEST_SUITE(SoftmaxTest, SoftmaxModels, Names);

TYPED_TEST(SoftmaxTest, rtl_softmax_equals_the_prose) {
  TypeParam model;
  reset(model);
  Comparisons comparisons;
  std::mt19937 random(12);
  for (int i = 0; i < 12000; ++i) {
    int8_t row[16];
    random_row(random, row);
    const int dim = 1 + static_cast<int>(random() % 16), f = static_cast<int>(random() % 8);
    put_bytes(model.b_i, row, 16);
    model.dim_i = dim;
    model.f_i = f;
    EXPECT_EQ(transact(model, static_cast<int>(random() % 3)), 2 * dim + 12);
    const auto expected = softmax_row(row, dim, f);
    const auto* got = reinterpret_cast<const int8_t*>(&model.c_o[0]);
    for (int j = 0; j < 16; ++j) {
      comparisons.check(j < dim ? expected[j] : 0, got[j], [&] {
        return "b=" + show(row, dim) + " f=" + std::to_string(f) + " j=" + std::to_string(j);
      });
    }
    take(model);
  }
}

// Every distance from the largest logit at every format: the whole table and every shift of it.
TYPED_TEST(SoftmaxTest, rtl_softmax_equals_the_prose_for_every_distance) {
  TypeParam model;
  reset(model);
  Comparisons comparisons;
  model.dim_i = 2;
  for (int f = 0; f < 8; ++f) {
    for (int distance = 0; distance <= 254; ++distance) {
      const int8_t row[16] = {static_cast<int8_t>(127 - distance), 127};
      put_bytes(model.b_i, row, 16);
      model.f_i = f;
      transact(model, 0);
      const auto expected = softmax_row(row, 2, f);
      const auto* got = reinterpret_cast<const int8_t*>(&model.c_o[0]);
      for (int j = 0; j < 2; ++j) {
        comparisons.check(expected[j], got[j],
                          [&] { return "b=" + show(row, 2) + " f=" + std::to_string(f); });
      }
      take(model);
    }
  }
}

TYPED_TEST(SoftmaxTest, rtl_softmax_gives_thirteen_for_ten_equal_logits) {
  TypeParam model;
  reset(model);
  const int8_t row[16] = {};
  put_bytes(model.b_i, row, 16);
  model.dim_i = 10;
  model.f_i = 5;
  transact(model, 0);
  for (int j = 0; j < 10; ++j) EXPECT_EQ(reinterpret_cast<const int8_t*>(&model.c_o[0])[j], 13);
}

}  // namespace
}  // namespace lutra::rtl_test
