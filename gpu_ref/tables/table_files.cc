#include "lutra/tables/table_files.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/npy.h"
#include "lutra/base/sha256.h"

namespace lutra::tables {
namespace {

constexpr size_t kRawValues = 256;

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw Error(ErrorKind::kInvalidArgument, where + ": " + what);
}

int value_of(int pattern, const OperandType& type) {
  return pattern > type.highest() ? pattern - (1 << type.width) : pattern;
}

int pattern_of(int value, const OperandType& type) { return value & ((1 << type.width) - 1); }

uint8_t byte_of(int value) { return static_cast<uint8_t>(value); }

int32_t product(const ProductTable& table, int a, int b) { return table(byte_of(a), byte_of(b)); }

/// Calls use(a, b) for all pairs of values by bit pattern, first operand outer.
template <typename Use>
void for_patterns(const ProductTable& table, const Use& use) {
  for (int a = 0; a < 1 << table.first().width; ++a) {
    for (int b = 0; b < 1 << table.second().width; ++b) {
      use(value_of(a, table.first()), value_of(b, table.second()));
    }
  }
}

bool is_signed(const ProductTable& table) {
  return table.first().is_signed || table.second().is_signed;
}

/// Numbers by operands, as a file holds them: [2^width][2^width].
struct Numbers {
  int width = 8;
  std::vector<int64_t> values;
};

/// w with 4^w = count, 0 if there is none in 2..8.
int width_of_count(size_t count) {
  for (int width = 2; width <= 8; ++width) {
    if (count == size_t{1} << (2 * width)) return width;
  }
  return 0;
}

ProductTable checked_table(const Numbers& numbers, bool is_signed_table, const std::string& where) {
  const int width = numbers.width;
  const int64_t low = is_signed_table ? -(int64_t{1} << (2 * width - 1)) : 0;
  const int64_t high = low + (int64_t{1} << (2 * width)) - 1;
  std::vector<int32_t> products;
  for (size_t i = 0; i < numbers.values.size(); ++i) {
    const int64_t value = numbers.values[i];
    if (value < low || value > high) {
      fail(where, "[" + std::to_string(i >> width) + "][" +
                      std::to_string(i & ((size_t{1} << width) - 1)) +
                      "] = " + std::to_string(value) + ", expected " + std::to_string(low) + ".." +
                      std::to_string(high) + ": a product of " + std::to_string(width) + "-bit " +
                      (is_signed_table ? "signed" : "unsigned") + " operands");
    }
    products.push_back(static_cast<int32_t>(value));
  }
  const OperandType type{width, is_signed_table};
  return {type, type, products};
}

double mean_error(const ProductTable& table) { return statistics(table).mae; }

/// A square table whose file has its operands by value, as one by bit patterns.
Numbers from_value_order(const Numbers& numbers) {
  Numbers patterns = numbers;
  const size_t side = size_t{1} << numbers.width;
  const auto place = [side](size_t pattern) { return (pattern + side / 2) % side; };
  for (size_t a = 0; a < side; ++a) {
    for (size_t b = 0; b < side; ++b) {
      patterns.values[a * side + b] = numbers.values[place(a) * side + place(b)];
    }
  }
  return patterns;
}

/// A table of signed operands as an array holds it. Peers store the same products by bit pattern
/// or by value, as they are, as patterns of 16 bits, or plus the largest product (32768), as
/// TFApprox's authors advise: another reading than by bit pattern is taken where it halves the mean
/// error, and named in the format.
/// @param plain  the numbers say nothing of signs: patterns and offsets are possible
ProductTable signed_table(const Numbers& numbers, bool plain, const std::string& where,
                          std::string* format) {
  const int64_t offset = int64_t{1} << (2 * numbers.width - 1);
  const auto [least, greatest] = std::minmax_element(numbers.values.begin(), numbers.values.end());
  const bool may_be_patterns = plain && *least >= 0 && *greatest < 2 * offset;
  Numbers values = numbers;
  if (may_be_patterns) {
    for (int64_t& value : values.values) value -= value >= offset ? 2 * offset : 0;
  }
  ProductTable best = checked_table(values, true, where);
  double least_error = mean_error(best);
  std::string how;
  const auto attempt = [&](const Numbers& read, const std::string& name) {
    ProductTable table = checked_table(read, true, where);
    const double error = mean_error(table);
    if (error >= least_error / 2) return;
    best = std::move(table);
    least_error = error;
    how = name;
  };
  attempt(from_value_order(values), " by value");
  if (may_be_patterns) {
    Numbers shifted = numbers;
    for (int64_t& value : shifted.values) value -= offset;
    attempt(shifted, " plus " + std::to_string(offset));
    attempt(from_value_order(shifted), " by value, plus " + std::to_string(offset));
  }
  *format += how;
  return best;
}

// ------------------------------------------------------------------------------------- the formats

ProductTable read_npy(const std::filesystem::path& path, bool is_unsigned, std::string* format) {
  const std::string where = path.string();
  const base::NpyFile file = base::read_npy_file(path);
  const std::string& type = file.type;
  const bool wide = type == "<i4" || type == "<i8";
  if (type != "<i2" && type != "<u2" && !wide) {
    fail(where, "elements of type '" + type +
                    "', expected int16 (<i2), uint16 (<u2), int32 (<i4) or int64 (<i8)");
  }
  if (type == "<i2" && is_unsigned) {
    fail(where, "elements of type int16, expected uint16 or int32 for an unsigned table");
  }
  *format = "npy " + type;
  const base::NpyArray<double> array = base::npy_numbers(file, path);
  Numbers numbers;
  numbers.width =
      array.shape.size() == 2 && array.shape[0] == array.shape[1] && array.shape[0] <= kRawValues
          ? width_of_count(array.shape[0] * array.shape[1])
          : 0;
  if (numbers.width == 0) {
    std::string shape;
    for (const size_t extent : array.shape) {
      shape += (shape.empty() ? "" : ", ") + std::to_string(extent);
    }
    fail(where, "shape (" + shape + "), expected (2^w, 2^w) with w = 2..8");
  }
  numbers.values.assign(array.values.begin(), array.values.end());
  const bool is_signed = type == "<i2" || (wide && !is_unsigned);
  return is_signed ? signed_table(numbers, wide, where, format)
                   : checked_table(numbers, false, where);
}

/// Whether 16-bit words are those of 64-bit numbers: 128 x 128 of them have as many bytes as a
/// table of 256 x 256 words. Words of nothing but 0 are a table.
bool holds_int64(const std::vector<int64_t>& words) {
  bool any = false;
  for (size_t i = 0; i < words.size(); i += 4) {
    const int64_t extension = words[i] < 0x8000 ? 0 : 0xffff;
    if (words[i + 1] != extension || words[i + 2] != extension || words[i + 3] != extension) {
      return false;
    }
    any |= words[i] != 0;
  }
  return any;
}

ProductTable read_raw(const std::filesystem::path& path, const std::string& bytes, bool is_unsigned,
                      std::string* format) {
  constexpr size_t kExpected = 2 * kRawValues * kRawValues;
  if (bytes.size() != kExpected) {
    fail(path.string(), std::to_string(bytes.size()) + " bytes, expected " +
                            std::to_string(kExpected) +
                            ": a raw table of 256 x 256 little-endian uint16");
  }
  Numbers numbers;
  for (size_t i = 0; i < bytes.size(); i += 2) {
    const auto pattern = static_cast<uint16_t>(static_cast<uint8_t>(bytes[i]) |
                                               static_cast<uint8_t>(bytes[i + 1]) << 8);
    numbers.values.push_back(pattern);
  }
  if (holds_int64(numbers.values)) {
    fail(path.string(),
         "16384 numbers of 64 bits, as of a table of 128 x 128, expected a raw table of 256 x 256 "
         "little-endian uint16");
  }
  *format = "raw uint16";
  return is_unsigned ? checked_table(numbers, false, path.string())
                     : signed_table(numbers, true, path.string(), format);
}

/// A whole number, perhaps written as a float (np.savetxt does); none of anything else.
bool parse_whole(const std::string& token, int64_t* value) {
  const bool hexadecimal = token.find_first_of("xX") != std::string::npos;
  const bool plain = token.find_first_not_of("0123456789+-.eExXabcdfABCDF") == std::string::npos;
  if (token.empty() || !plain) return false;
  char* end = nullptr;
  if (hexadecimal) {
    *value = std::strtoll(token.c_str(), &end, 16);
    return *end == '\0' && std::abs(*value) <= UINT32_MAX;
  }
  const double number = std::strtod(token.c_str(), &end);
  if (*end != '\0' || end == token.c_str() || !(std::abs(number) <= UINT32_MAX) ||
      number != std::floor(number)) {
    return false;
  }
  *value = static_cast<int64_t>(number);
  return true;
}

std::string shown(const std::string& token) {
  return "'" + token.substr(0, 24) + (token.size() > 24 ? "..." : "") + "'";
}

/// Comments and preprocessor lines become spaces; line breaks stay.
std::string without_comments(std::string text) {
  enum class In { kCode, kLine, kBlock } in = In::kCode;
  bool line_is_empty = true;
  for (size_t i = 0; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (text[i] == '\n') {
      if (in == In::kLine) in = In::kCode;
      line_is_empty = true;
      continue;
    }
    if (in == In::kCode) {
      if ((text[i] == '/' && next == '/') || (text[i] == '#' && line_is_empty)) in = In::kLine;
      if (text[i] == '/' && next == '*') {
        in = In::kBlock;
        text[i] = text[i + 1] = ' ';
        ++i;
        continue;
      }
    } else if (in == In::kBlock && text[i] == '*' && next == '/') {
      in = In::kCode;
      text[i] = text[i + 1] = ' ';
      ++i;
      continue;
    }
    if (std::isspace(static_cast<unsigned char>(text[i])) == 0) line_is_empty = false;
    if (in != In::kCode) text[i] = ' ';
  }
  return text;
}

/// The element type in the declaration of an array: the word before its name.
std::string element_type(const std::string& declaration) {
  std::vector<std::string> words(1);
  for (const char c : declaration.substr(0, declaration.find('['))) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') {
      words.back() += c;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  if (words.size() < 2) return "";
  std::string type;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    static const std::set<std::string> kQualifiers = {
        "const",     "static",        "constexpr",    "volatile",     "extern",     "inline",
        "std",       "__device__",    "__constant__", "__managed__",  "__shared__", "alignas",
        "__align__", "__attribute__", "aligned",      "__restrict__", "signed"};
    if (kQualifiers.count(words[i]) != 0 || std::isdigit(words[i][0]) != 0) continue;
    type += (type.empty() ? "" : " ") + words[i];
  }
  return type;
}

ProductTable read_c_array(const std::filesystem::path& path, const std::string& bytes,
                          bool is_unsigned, std::string* format) {
  const std::string text = without_comments(bytes);
  int line = 1;
  const auto where = [&] { return path.string() + ":" + std::to_string(line); };
  const size_t open = text.find('{');
  if (open == std::string::npos) fail(path.string(), "no '{', expected one C array");
  const size_t before = text.rfind(';', open);
  const std::string declaration =
      text.substr(before == std::string::npos ? 0 : before + 1,
                  open - (before == std::string::npos ? 0 : before + 1));
  const std::string type = element_type(declaration);
  if (type.empty() || declaration.find('[') == std::string::npos) {
    fail(path.string(), "no array before the '{', expected such as const int16_t lut[256][256]");
  }
  const bool wide = type == "int" || type == "long" || type == "int32_t" || type == "int64_t" ||
                    type == "long int" || type == "long long" || type == "long long int";
  const bool says_signed = type == "int16_t" || type == "short" || type == "short int";
  const bool says_unsigned = type.rfind("u", 0) == 0;
  if (!wide && !says_signed && !says_unsigned) {
    fail(path.string(),
         "an array of " + type + ", expected int16_t, uint16_t, short, int, or long");
  }
  if (says_signed && is_unsigned) {
    fail(path.string(), "an array of " + type + ", expected uint16_t or int for an unsigned table");
  }
  *format = "C array " + type;

  line += static_cast<int>(std::count(text.begin(), text.begin() + open, '\n'));
  Numbers numbers;
  std::vector<size_t> row_ends;
  int depth = 0;
  size_t i = open;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') ++line;
    if (std::isspace(static_cast<unsigned char>(c)) != 0 || c == ',') continue;
    if (c == '{') {
      if (++depth > 2) fail(where(), "a third '{', expected an array of two dimensions");
      continue;
    }
    if (c == '}') {
      if (depth == 2) row_ends.push_back(numbers.values.size());
      if (--depth == 0) break;
      continue;
    }
    const size_t end = std::min(text.find_first_of(",{}; \t\r\n", i), text.size());
    const std::string token = text.substr(i, end - i);
    int64_t value = 0;
    if (!parse_whole(token, &value)) fail(where(), shown(token) + ", expected an integer");
    numbers.values.push_back(value);
    i = end - 1;
  }
  if (depth != 0) {
    fail(where(), "the file ends within the array, after " + std::to_string(numbers.values.size()) +
                      " numbers");
  }
  if (text.find_first_not_of("; \t\r\n", i + 1) != std::string::npos) {
    fail(where(), "something follows the array, expected nothing but one array");
  }
  numbers.width = width_of_count(numbers.values.size());
  if (numbers.width == 0) {
    fail(path.string(), std::to_string(numbers.values.size()) +
                            " numbers, expected 2^w x 2^w with w = 2..8, such as 65536");
  }
  const size_t side = size_t{1} << numbers.width;
  for (size_t row = 0; row < row_ends.size(); ++row) {
    const size_t length = row_ends[row] - (row == 0 ? 0 : row_ends[row - 1]);
    if (length != side) {
      fail(path.string(), "row " + std::to_string(row) + " has " + std::to_string(length) +
                              " numbers, expected " + std::to_string(side));
    }
  }
  const bool is_signed = !says_unsigned && !(wide && is_unsigned);
  return is_signed ? signed_table(numbers, wide, path.string(), format)
                   : checked_table(numbers, false, path.string());
}

struct Line {
  int number;
  std::vector<int64_t> values;
};

/// Whether a text is a name, as a column's title is: letters, digits and _, but no word for a
/// number.
bool is_name(std::string text) {
  text.erase(std::remove_if(text.begin(), text.end(),
                            [](char c) { return c == '"' || c == ' ' || c == '\r'; }),
             text.end());
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (text.empty() || std::isalpha(static_cast<unsigned char>(text[0])) == 0) return false;
  if (text == "nan" || text == "inf" || text == "infinity") return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  });
}

/// Whether a line is a title of columns, "a,b,product": nothing but names.
bool has_names(const std::string& line) {
  std::istringstream words(line);
  int names = 0;
  for (std::string word; std::getline(words, word, ',');) {
    if (!is_name(word)) return false;
    ++names;
  }
  return names > 1;
}

/// The numbers of a text, a line each; the section of the products alone where there are titles.
std::vector<Line> read_lines(const std::filesystem::path& path, const std::string& bytes) {
  const std::string kTitle = "LUT for approximate multiplier:";
  const size_t title = bytes.find(kTitle);
  std::vector<Line> lines;
  int number = 1;
  size_t at = 0;
  if (title != std::string::npos) {
    at = title + kTitle.size();
    number += static_cast<int>(std::count(bytes.begin(), bytes.begin() + at, '\n'));
  }
  bool is_first = true;
  while (at < bytes.size()) {
    const size_t end = std::min(bytes.find('\n', at), bytes.size());
    const std::string line = bytes.substr(at, end - at);
    at = end + 1;
    // Names of columns, as spreadsheets and pandas write them.
    if (is_first && title == std::string::npos && has_names(line)) {
      is_first = false;
      ++number;
      continue;
    }
    if (line.find_first_not_of(" \t\r") != std::string::npos) is_first = false;
    const std::string separators = " \t\r,;";
    size_t from = line.find_first_not_of(separators);
    // A name in the corner of a frame.
    const size_t comma = line.find(',');
    if (lines.empty() && comma != std::string::npos && is_name(line.substr(0, comma))) {
      from = line.find_first_not_of(separators, comma);
    }
    if (title != std::string::npos && line.compare(0, 7, "LUT for") == 0) break;
    if (from != std::string::npos && line[from] != '#') {
      lines.push_back({number, {}});
      while (from != std::string::npos) {
        const size_t stop = std::min(line.find_first_of(separators, from), line.size());
        const std::string token = line.substr(from, stop - from);
        int64_t value = 0;
        if (!parse_whole(token, &value)) {
          fail(path.string() + ":" + std::to_string(number),
               shown(token) + ", expected an integer");
        }
        lines.back().values.push_back(value);
        from = line.find_first_not_of(separators, stop);
      }
    }
    ++number;
  }
  return lines;
}

/// Lines `a b product`; each pair once, in any order, by value or, if none is negative, by pattern.
Numbers from_triples(const std::vector<Line>& lines, const OperandType& type,
                     const std::string& where) {
  Numbers numbers;
  numbers.width = type.width;
  const size_t side = size_t{1} << type.width;
  numbers.values.resize(side * side);
  std::vector<int> seen(side * side, 0);
  bool by_value = false;
  for (const Line& line : lines) by_value |= line.values[0] < 0 || line.values[1] < 0;
  const int64_t low = by_value ? type.lowest() : 0;
  const int64_t high = by_value ? type.highest() : static_cast<int64_t>(side) - 1;
  for (const Line& line : lines) {
    const std::string place = where + ":" + std::to_string(line.number);
    for (int i = 0; i < 2; ++i) {
      if (line.values[i] < low || line.values[i] > high) {
        fail(place, "operand " + std::to_string(line.values[i]) + ", expected " +
                        std::to_string(low) + ".." + std::to_string(high));
      }
    }
    const size_t at =
        static_cast<size_t>(pattern_of(static_cast<int>(line.values[0]), type)) * side +
        static_cast<size_t>(pattern_of(static_cast<int>(line.values[1]), type));
    if (seen[at] != 0) {
      fail(place, "operands " + std::to_string(line.values[0]) + " and " +
                      std::to_string(line.values[1]) + " again, first in line " +
                      std::to_string(seen[at]));
    }
    seen[at] = line.number;
    numbers.values[at] = line.values[2];
  }
  return numbers;
}

ProductTable read_text(const std::filesystem::path& path, const std::string& bytes,
                       bool is_unsigned, std::string* format) {
  const std::vector<Line> lines = read_lines(path, bytes);
  size_t count = 0;
  bool triples = true;
  for (const Line& line : lines) {
    count += line.values.size();
    triples &= line.values.size() == 3;
  }
  Numbers numbers;
  // A frame: the second operands in the first line, each first operand in front of its row.
  if (lines.size() > 1 &&
      (lines[0].values.size() + 1 == lines.size() || lines[0].values.size() == lines.size()) &&
      width_of_count((lines.size() - 1) * (lines.size() - 1)) != 0) {
    const size_t side = lines.size() - 1;
    const size_t skipped = lines[0].values.size() - side;  // a name that is a number in the corner
    std::vector<Line> entries;
    bool is_frame = true;
    for (size_t row = 1; row < lines.size() && is_frame; ++row) {
      is_frame = lines[row].values.size() == side + 1;
      for (size_t column = 0; column < side && is_frame; ++column) {
        entries.push_back({lines[row].number,
                           {lines[row].values[0], lines[0].values[column + skipped],
                            lines[row].values[column + 1]}});
      }
    }
    if (is_frame) {
      *format = "text with operands at its edges";
      const OperandType type{width_of_count(side * side), !is_unsigned};
      return checked_table(from_triples(entries, type, path.string()), !is_unsigned, path.string());
    }
  }
  numbers.width = width_of_count(triples ? lines.size() : count);
  if (numbers.width == 0) {
    fail(path.string(),
         triples && !lines.empty()
             ? std::to_string(lines.size()) +
                   " lines of three numbers, expected a line a b product for each pair of operands "
                   "of 2..8 bits, such as 65536"
             : std::to_string(count) +
                   " numbers, expected 2^w x 2^w with w = 2..8, such as 65536, or lines a b "
                   "product");
  }
  if (triples) {
    *format = "text a b product";
    return checked_table(from_triples(lines, {numbers.width, !is_unsigned}, path.string()),
                         !is_unsigned, path.string());
  }
  const size_t side = size_t{1} << numbers.width;
  for (const Line& line : lines) {
    // A whole row a line, or no rows at all: one number a line, or all in one line.
    if (lines.size() == side && line.values.size() != side) {
      fail(path.string() + ":" + std::to_string(line.number),
           std::to_string(line.values.size()) + " numbers, expected " + std::to_string(side));
    }
    numbers.values.insert(numbers.values.end(), line.values.begin(), line.values.end());
  }
  *format = "text";
  ProductTable table = checked_table(numbers, !is_unsigned, path.string());
  if (is_unsigned) return table;
  ProductTable by_value = checked_table(from_value_order(numbers), true, path.string());
  const bool value_order = mean_error(by_value) < mean_error(table);
  *format += value_order ? " by value" : " by bit pattern";
  return value_order ? by_value : table;
}

// ---------------------------------------------------------------------------------------- warnings

/// The table that the same file would hold were its operands by value.
ProductTable as_if_by_value(const ProductTable& table) {
  Numbers numbers;
  numbers.width = table.first().width;
  for_patterns(table, [&](int a, int b) { numbers.values.push_back(product(table, a, b)); });
  const Numbers read = from_value_order(numbers);
  return {table.first(), table.second(),
          std::vector<int32_t>(read.values.begin(), read.values.end())};
}

/// Whether pairs with the same exact product have the same product here: whatever is dropped of it,
/// the signs of the operands take no part.
bool rounds_the_exact_product(const ProductTable& table) {
  std::map<int, int32_t> rounded;
  bool same = true;
  for_patterns(table, [&](int a, int b) {
    const auto [known, fresh] = rounded.try_emplace(a * b, product(table, a, b));
    same = same && known->second == product(table, a, b);
  });
  return same;
}

std::vector<std::string> warnings_of(const ProductTable& table, bool order_is_known) {
  std::vector<std::string> warnings;
  constexpr int kFewBits = 4;  // of fewer, what is odd may well be meant
  if (!table.first().is_signed || table.first().width < kFewBits) return warnings;
  if (!(table.first() == table.second())) return warnings;  // such tables are in no file
  const int highest = table.first().highest();
  const int lowest = table.first().lowest();
  bool negatives_are_magnitudes = true;
  bool signs_are_symmetric = true;
  int64_t lowest_with_negatives = 0;
  for (int a = 1; a <= highest; ++a) {
    lowest_with_negatives += product(table, lowest, -a) + product(table, -a, lowest);
    for (int b = 1; b <= highest; ++b) {
      const int32_t magnitude = product(table, a, b);
      negatives_are_magnitudes &= product(table, -a, -b) == magnitude;
      signs_are_symmetric &=
          product(table, -a, b) == -magnitude && product(table, a, -b) == -magnitude;
    }
  }
  if (negatives_are_magnitudes && !signs_are_symmetric && !rounds_the_exact_product(table)) {
    warnings.push_back(
        "two negative operands have the product of their magnitudes, but mixed signs are not its "
        "negative: a table of AdaPT's converter, which does not ask the multiplier for negative "
        "pairs");
  }
  if (lowest_with_negatives < 0) {
    warnings.push_back("products of " + std::to_string(lowest) +
                       " and negative operands are negative: the converter that wrote the table "
                       "took its magnitude for a signed number");
  }
  if (!order_is_known && mean_error(as_if_by_value(table)) < mean_error(table)) {
    warnings.push_back("the products are nearer to exact ones if operands go from " +
                       std::to_string(lowest) + " to " + std::to_string(highest) +
                       "; they were read by bit pattern, 0 first");
  }
  return warnings;
}

template <typename T>
std::string npy_of(const ProductTable& table) {
  std::vector<T> values;
  for_patterns(table,
               [&](int a, int b) { values.push_back(static_cast<T>(product(table, a, b))); });
  return base::npy_bytes({size_t{1} << table.first().width, size_t{1} << table.second().width},
                         values.data());
}

std::string number_text(const char* format, double value) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}

}  // namespace

TableStatistics statistics(const ProductTable& table) {
  TableStatistics result;
  int64_t sum = 0;
  int64_t absolute = 0;
  int64_t wrong = 0;
  int64_t pairs = 0;
  for_patterns(table, [&](int a, int b) {
    const int32_t error = product(table, a, b) - a * b;
    sum += error;
    absolute += std::abs(error);
    wrong += error != 0;
    result.wce = std::max(result.wce, std::abs(error));
    if ((a == 0 || b == 0) && error != 0) ++result.zero_products;
    ++pairs;
  });
  const auto count = static_cast<double>(pairs);
  result.mae = static_cast<double>(absolute) / count;
  result.ep = static_cast<double>(wrong) / count;
  result.bias = static_cast<double>(sum) / count;
  return result;
}

namespace {

LoadedTable examined(ProductTable table, const std::string& format, bool order_is_known) {
  LoadedTable loaded{std::move(table), format, "", "", {}, {}};
  loaded.sha256 = table_sha256(loaded.table);
  loaded.statistics = statistics(loaded.table);
  loaded.warnings = warnings_of(loaded.table, order_is_known);
  return loaded;
}

std::string operand_text(const OperandType& type) {
  return std::to_string(type.width) + "-bit " + (type.is_signed ? "signed" : "unsigned");
}

}  // namespace

LoadedTable read_table(const std::filesystem::path& path, bool is_unsigned) {
  const std::string bytes = base::read_file(path);
  const std::string ending = path.extension().string();
  std::string format = "raw uint16";
  ProductTable table = ending == ".npy" ? read_npy(path, is_unsigned, &format)
                       : ending == ".h" ? read_c_array(path, bytes, is_unsigned, &format)
                       : ending == ".txt" || ending == ".csv"
                           ? read_text(path, bytes, is_unsigned, &format)
                           : read_raw(path, bytes, is_unsigned, &format);
  // Only a table that was read by bit pattern, for want of a better reading, may be warned of.
  const bool order_is_known =
      ending == ".txt" || ending == ".csv" || format.find("by value") != std::string::npos;
  LoadedTable loaded = examined(std::move(table), format, order_is_known);
  loaded.file_sha256 = base::sha256_hex(bytes);
  return loaded;
}

LoadedTable examine(ProductTable table, const std::string& format) {
  return examined(std::move(table), format, false);
}

bool is_table_file(const std::filesystem::path& path) {
  const std::string ending = path.extension().string();
  return ending == ".npy" || ending == ".bin" || ending == ".h" || ending == ".txt" ||
         ending == ".csv";
}

std::string describe(const std::string& name, const LoadedTable& loaded) {
  const ProductTable& table = loaded.table;
  const TableStatistics& s = loaded.statistics;
  const bool alike = table.first() == table.second();
  return name + ": " + loaded.format + ", " + operand_text(table.first()) +
         (alike ? "" : " by " + operand_text(table.second())) + ", SHA-256 " + loaded.sha256 +
         ", MAE " + number_text("%.4f", s.mae) + ", WCE " + std::to_string(s.wce) + ", EP " +
         number_text("%.2f", 100 * s.ep) + " %, bias " + number_text("%.4f", s.bias) + ", " +
         std::to_string(s.zero_products) + " products of 0 that are not 0";
}

ProductTable sign_magnitude(const ProductTable& table, const std::string& where) {
  if (is_signed(table)) {
    fail(where, "a signed table, expected an unsigned one for the sign-magnitude shell");
  }
  if (!(table.first() == table.second())) {
    fail(where, "operands of " + std::to_string(table.first().width) + " and " +
                    std::to_string(table.second().width) + " bits, expected equal widths");
  }
  const OperandType type{table.first().width, true};
  const int unused = 32 - 2 * type.width;
  std::vector<int32_t> products;
  for (int a = 0; a < 1 << type.width; ++a) {
    for (int b = 0; b < 1 << type.width; ++b) {
      const int x = value_of(a, type);
      const int y = value_of(b, type);
      const auto core = static_cast<uint32_t>(product(table, std::abs(x), std::abs(y)));
      const uint32_t pattern = (x < 0) != (y < 0) ? 0 - core : core;
      products.push_back(static_cast<int32_t>(pattern << unused) >> unused);
    }
  }
  return {type, type, products};
}

std::string raw_bytes(const ProductTable& table) {
  std::string bytes;
  for_patterns(table, [&](int a, int b) {
    const int32_t value = product(table, a, b);
    bytes += static_cast<char>(value & 0xff);
    bytes += static_cast<char>(value >> 8 & 0xff);
  });
  return bytes;
}

std::string table_sha256(const ProductTable& table) { return base::sha256_hex(raw_bytes(table)); }

std::string npy_bytes(const ProductTable& table) {
  return is_signed(table) ? npy_of<int16_t>(table) : npy_of<uint16_t>(table);
}

std::string npy_int32_bytes(const ProductTable& table) { return npy_of<int32_t>(table); }

std::string c_header(const ProductTable& table, const std::string& name, const std::string& array) {
  // A name may end a comment, or hold a line break.
  std::string safe = name;
  for (char& c : safe) {
    if (std::isprint(static_cast<unsigned char>(c)) == 0 || c == '*' || c == '\\') c = '_';
  }
  const int columns = 1 << table.second().width;
  const std::string other =
      table.first() == table.second() ? "" : " by " + std::to_string(table.second().width) + "-bit";
  std::string text = "/* " + safe + ": products of " + std::to_string(table.first().width) +
                     "-bit" + other + " " + (is_signed(table) ? "two's complement" : "unsigned") +
                     " operands, [first operand][second operand], both as bit patterns.\n"
                     "   SHA-256 of the little-endian table: " +
                     table_sha256(table) + " */\n#include <stdint.h>\nstatic const " +
                     (is_signed(table) ? "int16_t " : "uint16_t ") + array + "[" +
                     std::to_string(1 << table.first().width) + "][" + std::to_string(columns) +
                     "] = {\n";
  int column = 0;
  size_t left = size_t{1} << (table.first().width + table.second().width);
  for_patterns(table, [&](int a, int b) {
    text += (column == 0 ? "{" : ",") + std::to_string(product(table, a, b));
    --left;
    if (++column < columns) return;
    column = 0;
    text += left > 0 ? "},\n" : "}\n";
  });
  return text + "};\n";
}

std::string text_table(const ProductTable& table, Order order) {
  const auto value = [order](int place, const OperandType& type) {
    return order == Order::kPattern ? value_of(place, type) : type.lowest() + place;
  };
  std::string text;
  for (int a = 0; a < 1 << table.first().width; ++a) {
    for (int b = 0; b < 1 << table.second().width; ++b) {
      if (b > 0) text += ' ';
      text += std::to_string(product(table, value(a, table.first()), value(b, table.second())));
    }
    text += '\n';
  }
  return text;
}

std::string triple_table(const ProductTable& table) {
  std::string text = "LUT for approximate multiplier:\n";
  for (int a = table.first().lowest(); a <= table.first().highest(); ++a) {
    for (int b = table.second().lowest(); b <= table.second().highest(); ++b) {
      text += std::to_string(a) + " " + std::to_string(b) + " " +
              std::to_string(product(table, a, b)) + "\n";
    }
  }
  return text;
}

}  // namespace lutra::tables
