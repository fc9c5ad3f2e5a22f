#include "lutra/synth/table_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cctype>

#include "lutra/numerics/error.h"
#include "lutra/numerics/files.h"
#include "lutra/numerics/npy.h"
#include "lutra/synth/files.h"

namespace lutra::synth {
namespace {

void need_table(const Component& component) {
  if (!component.lut.empty()) return;
  throw Error(ExitCode::kUnsupported,
              fmt::format("{}: no table to export: operands of {} bits, expected at most 8",
                          component.name, component.width));
}

constexpr std::size_t kRawValues = 256;

/// Throws unless the values, those of products in the file's order, fit 2 w bits.
std::vector<std::int16_t> checked_products(const std::vector<std::int64_t>& values, int width,
                                           bool is_signed, const std::string& where) {
  const std::int64_t low = is_signed ? -(std::int64_t{1} << (2 * width - 1)) : 0;
  const std::int64_t high = low + (std::int64_t{1} << (2 * width)) - 1;
  std::vector<std::int16_t> lut;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] < low || values[i] > high) {
      throw Error(ExitCode::kUsage,
                  fmt::format("{}: [{}][{}] = {}, expected {}..{}: a product of {}-bit {} operands",
                              where, i >> width, i & ((1u << width) - 1), values[i], low, high,
                              width, is_signed ? "signed" : "unsigned"));
    }
    lut.push_back(static_cast<std::int16_t>(values[i]));
  }
  return lut;
}

ImportedTable read_npy_table(const std::filesystem::path& path, bool is_unsigned) {
  const auto fail = [&](const std::string& what) {
    throw Error(ExitCode::kUsage, fmt::format("{}: {}", path.string(), what));
  };
  const numerics::NpyFile file = numerics::read_npy_file(path);
  const std::string& type = file.type;
  if (type != "<i2" && type != "<u2" && type != "<i4") {
    fail(fmt::format("elements of type '{}', expected int16 (<i2), uint16 (<u2) or int32 (<i4)",
                     type));
  }
  const numerics::NpyArray<double> numbers = numerics::npy_numbers(file, path);
  ImportedTable table;
  table.format = "npy " + type;
  if (type == "<i2" && is_unsigned) {
    fail("elements of type int16, expected uint16 or int32 for an unsigned table");
  }
  table.is_signed = type == "<i2" || (type == "<i4" && !is_unsigned);
  const std::vector<std::size_t>& shape = numbers.shape;
  table.width = 2;
  while (table.width < 8 && shape.size() == 2 && shape[0] >> table.width > 1) ++table.width;
  const std::size_t side = std::size_t{1} << table.width;
  if (shape != std::vector<std::size_t>{side, side}) {
    fail(fmt::format("shape ({}), expected (2^w, 2^w) with w = 2..8", fmt::join(shape, ", ")));
  }
  const std::vector<std::int64_t> values(numbers.values.begin(), numbers.values.end());
  table.lut = checked_products(values, table.width, table.is_signed, path.string());
  return table;
}

ImportedTable read_raw_table(const std::filesystem::path& path, const std::string& bytes,
                             bool is_unsigned) {
  constexpr std::size_t kExpected = 2 * kRawValues * kRawValues;
  if (bytes.size() != kExpected) {
    throw Error(
        ExitCode::kUsage,
        fmt::format("{}: {} bytes, expected {}: a raw table of {} x {} little-endian uint16",
                    path.string(), bytes.size(), kExpected, kRawValues, kRawValues));
  }
  ImportedTable table;
  table.format = "raw uint16";
  table.is_signed = !is_unsigned;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    table.lut.push_back(static_cast<std::int16_t>(static_cast<std::uint8_t>(bytes[i]) |
                                                  static_cast<std::uint8_t>(bytes[i + 1]) << 8));
  }
  return table;
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

ImportedTable read_table(const std::filesystem::path& path, bool is_unsigned) {
  const std::string bytes = numerics::read_file(path);
  ImportedTable table = path.extension() == ".npy" ? read_npy_table(path, is_unsigned)
                                                   : read_raw_table(path, bytes, is_unsigned);
  table.sha256 = sha256_hex(bytes);
  return table;
}

ImportedTable sign_magnitude_table(const ImportedTable& table, const std::string& where) {
  if (table.is_signed) {
    throw Error(ExitCode::kUsage,
                where + ": a signed table, expected an unsigned one for the sign-magnitude shell");
  }
  ImportedTable shell = table;
  shell.is_signed = true;
  const int values = 1 << table.width;
  const int unused = 32 - 2 * table.width;
  for (int a = 0; a < values; ++a) {
    for (int b = 0; b < values; ++b) {
      const bool negative_a = a >= values / 2;
      const bool negative_b = b >= values / 2;
      const int size_a = negative_a ? values - a : a;
      const int size_b = negative_b ? values - b : b;
      const auto core = static_cast<std::uint16_t>(table.lut[size_a * values + size_b]);
      const auto product = static_cast<std::uint32_t>(negative_a != negative_b ? -core : core);
      shell.lut[a * values + b] =
          static_cast<std::int16_t>(static_cast<std::int32_t>(product << unused) >> unused);
    }
  }
  return shell;
}

}  // namespace lutra::synth
