#include "lutra/synth/table_files.h"

#include <fmt/format.h>

#include <cctype>

#include "lutra/numerics/error.h"

namespace lutra::synth {
namespace {

void need_table(const Component& component) {
  if (!component.lut.empty()) return;
  throw Error(ExitCode::kUnsupported,
              fmt::format("{}: no table to export: operands of {} bits, expected at most 8",
                          component.name, component.width));
}

}  // namespace

std::string table_bytes(const std::vector<std::int16_t>& lut) {
  std::string bytes;
  bytes.reserve(2 * lut.size());
  for (const std::int16_t value : lut) {
    bytes += static_cast<char>(value & 0xff);
    bytes += static_cast<char>(value >> 8 & 0xff);
  }
  return bytes;
}

std::string raw_table(const Component& component) {
  need_table(component);
  return table_bytes(component.lut);
}

std::string table_header(const Component& component, const std::string& array) {
  need_table(component);
  const int values = 1 << component.width;
  // A name may end a comment, or hold a line break.
  std::string name = component.name;
  for (char& c : name) {
    if (std::isprint(static_cast<unsigned char>(c)) == 0 || c == '*' || c == '\\') c = '_';
  }
  std::string text = fmt::format(
      "/* {}: products of {}-bit {} operands, [first operand][second operand], both as bit "
      "patterns.\n   SHA-256 of the little-endian table: {} */\n"
      "#include <stdint.h>\n"
      "static const {} {}[{}][{}] = {{\n",
      name, component.width, component.is_signed ? "two's complement" : "unsigned",
      component.lut_sha256, component.is_signed ? "int16_t" : "uint16_t", array, values, values);
  for (int a = 0; a < values; ++a) {
    text += "{";
    for (int b = 0; b < values; ++b) {
      const std::int16_t value = component.lut[a * values + b];
      const int number = component.is_signed ? value : static_cast<std::uint16_t>(value);
      text += fmt::format("{}{}", b == 0 ? "" : ",", number);
    }
    text += a + 1 < values ? "},\n" : "}\n";
  }
  return text + "};\n";
}

}  // namespace lutra::synth
