#include "lutra/synth/table_files.h"

#include <fmt/format.h>

#include "lutra/numerics/error.h"

namespace lutra::synth {

tables::ProductTable product_table(const Component& component) {
  if (component.lut.empty()) {
    throw Error(ExitCode::kUnsupported,
                fmt::format("{}: no table: operands of {} bits, expected at most 8", component.name,
                            component.width));
  }
  const tables::OperandType type{component.width, component.is_signed};
  std::vector<std::int32_t> products;
  products.reserve(component.lut.size());
  for (const std::int16_t value : component.lut) {
    products.push_back(component.is_signed ? value : static_cast<std::uint16_t>(value));
  }
  return {type, type, products};
}

std::vector<std::int16_t> lut_of(const tables::ProductTable& table) {
  const int values = 1 << table.first().width;
  const auto byte = [&](int pattern) {
    const bool negative = pattern > table.first().highest();
    return static_cast<std::uint8_t>(negative ? pattern - values : pattern);
  };
  std::vector<std::int16_t> lut;
  lut.reserve(static_cast<std::size_t>(values) * values);
  for (int a = 0; a < values; ++a) {
    for (int b = 0; b < values; ++b) {
      lut.push_back(static_cast<std::int16_t>(table(byte(a), byte(b))));
    }
  }
  return lut;
}

std::string table_bytes(const std::vector<std::int16_t>& lut) {
  std::string bytes;
  bytes.reserve(2 * lut.size());
  for (const std::int16_t value : lut) {
    bytes += static_cast<char>(value & 0xff);
    bytes += static_cast<char>(value >> 8 & 0xff);
  }
  return bytes;
}

}  // namespace lutra::synth
