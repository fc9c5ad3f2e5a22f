#include <array>
#include <vector>

#include "Vpe_array_16x16.h"
#include "Vpe_array_2x2.h"
#include "Vpe_array_2x2_netlist.h"
#include "vectors.h"

namespace lutra::rtl_test {
namespace {

template <class Model, int kRows, int kCols>
struct Array {
  Model model;
  static constexpr int rows = kRows, cols = kCols;
};

template <class A>
class PeArrayTest : public testing::Test {};
using Arrays = testing::Types<Array<Vpe_array_16x16, 16, 16>, Array<Vpe_array_2x2, 2, 2>,
                              Array<Vpe_array_2x2_netlist, 2, 2>>;
class Names {
 public:
  template <class T>
  static std::string GetName(int i) {
    const char* names[] = {"16x16", "2x2", "2x2_netlist"};
    return names[i];
  }
};
TYPED_TEST_SUITE(PeArrayTest, Arrays, Names);

// One clock for both clock inputs.
template <class Model>
void cycle_both(Model& model) {
  model.clk_i = model.clk_operand_i = 0;
  model.eval();
  model.clk_i = model.clk_operand_i = 1;
  model.eval();
}

// Tiles of random size; the next tile is loaded while vectors of the present one are still in the
// array; rows outside the mask add nothing.
TYPED_TEST(PeArrayTest, rtl_pe_array_sums_the_products_of_the_active_rows) {
  auto array = std::make_unique<TypeParam>();
  auto& model = array->model;
  constexpr int kRows = TypeParam::rows, kCols = TypeParam::cols;
  Comparisons comparisons;
  std::mt19937 random(4);
  int8_t held[kRows][kCols] = {};
  model.operand_en_i = 0;
  model.load_en_i = 0;
  for (int tile = 0; tile < 400; ++tile) {
    const int active = 1 + static_cast<int>(random() % kRows);
    const uint32_t mask = (1u << active) - 1;
    for (int r = 0; r < active; ++r) {
      for (int c = 0; c < kCols; ++c) held[r][c] = random() % 8 ? legal_element(random) : 127;
      model.load_en_i = 1;
      model.load_row_i = r;
      std::memcpy(&model.load_data_i, held[r], kCols);
      cycle_both(model);
    }
    model.load_en_i = 0;
    for (int vector = 0; vector < 12; ++vector) {
      int8_t a[kRows];
      for (int8_t& element : a) element = random() % 8 ? legal_element(random) : -127;
      std::memcpy(&model.a_i, a, kRows);
      model.sel_i = random() % 16;
      model.row_mask_i = mask;
      model.operand_en_i = 1;
      cycle_both(model);
      model.operand_en_i = 0;
      // Neither the inputs nor a row loaded later disturb the sums.
      std::memset(&model.a_i, 0x55, kRows);
      if (vector == 11) {
        model.load_en_i = 1;
        model.load_row_i = 0;
        std::memset(&model.load_data_i, 0x33, kCols);
      }
      model.eval();
      for (int repeat = 0; repeat < 2; ++repeat) {
        std::array<uint8_t, 48> sums{};
        std::memcpy(sums.data(), &model.sum_o, (kCols * 20 + 7) / 8);
        for (int c = 0; c < kCols; ++c) {
          int32_t expected = 0;
          for (int r = 0; r < active; ++r) expected += a[r] * held[r][c];
          uint32_t field = 0;
          std::memcpy(&field, &sums[c * 20 / 8], 4);
          const int32_t got = static_cast<int32_t>(field >> (c * 20 % 8) << 12) >> 12;
          comparisons.check(expected, got, [&] {
            return "tile " + std::to_string(tile) + " vector " + std::to_string(vector) +
                   " column " + std::to_string(c) + " a=" + show(a, active);
          });
        }
        cycle_both(model);
      }
      model.load_en_i = 0;
    }
  }
}

}  // namespace
}  // namespace lutra::rtl_test
