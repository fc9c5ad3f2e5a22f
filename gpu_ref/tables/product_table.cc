#include "lutra/tables/product_table.h"

#include <algorithm>
#include <string>

#include "lutra/base/error.h"

namespace lutra::tables {
namespace {

constexpr int kBytes = 256;

void check_width(const char* which, const OperandType& type) {
  if (type.width >= 2 && type.width <= 8) return;
  throw Error(ErrorKind::kInvalidArgument, std::string("table: a ") + which + " operand of " +
                                               std::to_string(type.width) + " bits, expected 2..8");
}

std::vector<int32_t> exact_products(const OperandType& first, const OperandType& second) {
  std::vector<int32_t> products;
  const auto value = [](int pattern, const OperandType& type) {
    return pattern > type.highest() ? pattern - (1 << type.width) : pattern;
  };
  for (int a = 0; a < 1 << first.width; ++a) {
    for (int b = 0; b < 1 << second.width; ++b) {
      products.push_back(value(a, first) * value(b, second));
    }
  }
  return products;
}

}  // namespace

ProductTable::ProductTable(OperandType first, OperandType second,
                           const std::vector<int32_t>& products)
    : first_(first), second_(second), offsets_(size_t{kBytes} * kBytes, 0) {
  check_width("first", first);
  check_width("second", second);
  const size_t expected = size_t{1} << (first.width + second.width);
  if (products.size() != expected) {
    throw Error(ErrorKind::kInvalidArgument, "table: " + std::to_string(products.size()) +
                                                 " products, expected " + std::to_string(expected) +
                                                 ": 2^" + std::to_string(first.width) + " x 2^" +
                                                 std::to_string(second.width));
  }
  const auto [low, high] = std::minmax_element(products.begin(), products.end());
  if (*low < INT16_MIN || *high > UINT16_MAX || *high - *low > UINT16_MAX) {
    throw Error(ErrorKind::kInvalidArgument, "table: products from " + std::to_string(*low) +
                                                 " to " + std::to_string(*high) +
                                                 ", expected -32768..32767 or 0..65535");
  }
  base_ = *low;
  largest_ = *high;
  for (int a = first.lowest(); a <= first.highest(); ++a) {
    for (int b = second.lowest(); b <= second.highest(); ++b) {
      const int row = a & ((1 << first.width) - 1);
      const int column = b & ((1 << second.width) - 1);
      offsets_[(a & 255) << 8 | (b & 255)] =
          static_cast<uint16_t>(products[(row << second.width) + column] - base_);
    }
  }
}

ProductTable::ProductTable(const std::vector<int16_t>& signed_products)
    : ProductTable({}, {}, std::vector<int32_t>(signed_products.begin(), signed_products.end())) {}

ProductTable ProductTable::exact(OperandType first, OperandType second) {
  check_width("first", first);
  check_width("second", second);
  return {first, second, exact_products(first, second)};
}

}  // namespace lutra::tables
