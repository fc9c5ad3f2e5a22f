// Tables in the files of this and of other tools, there and back.

#include "lutra/tables/table_files.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/npy.h"
#include "lutra/base/sha256.h"

namespace lutra::tables {
namespace {

namespace fs = std::filesystem;

using Products = std::function<int(int, int)>;

ProductTable table_of(const OperandType& type, const Products& product) {
  std::vector<int32_t> products;
  const int values = 1 << type.width;
  const auto value = [&](int pattern) {
    return pattern > type.highest() ? pattern - values : pattern;
  };
  for (int a = 0; a < values; ++a) {
    for (int b = 0; b < values; ++b) products.push_back(product(value(a), value(b)));
  }
  return {type, type, products};
}

/// No symmetry of any kind: what is read in another order is another table.
int skewed(int a, int b) { return a * b - 3 * (a & 1) - 2 * ((b >> 1) & 1) * (a & 2); }

class TableFiles : public testing::Test {
 protected:
  TableFiles()
      : directory_(fs::temp_directory_path() /
                   fmt::format("lutra-table-files-{}-{}", getpid(),
                               testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::create_directories(directory_);
  }
  ~TableFiles() override {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }

  fs::path write(const std::string& name, const std::string& bytes) const {
    base::write_file(directory_ / name, bytes);
    return directory_ / name;
  }

  void refuse(const std::string& part, const fs::path& file, bool is_unsigned = false,
              ErrorKind kind = ErrorKind::kInvalidArgument) {
    ++refused_;
    try {
      read_table(file, is_unsigned);
      ADD_FAILURE() << file << " was taken, expected: " << part;
    } catch (const Error& error) {
      EXPECT_EQ(error_kind_name(error.kind()), error_kind_name(kind)) << error.what();
      const std::string what = error.what();
      EXPECT_NE(what.find(part), std::string::npos) << what << "\n  expected part: " << part;
      EXPECT_NE(what.find(file.filename().string()), std::string::npos) << what;
    }
  }

  fs::path directory_;
  int refused_ = 0;
};

TEST_F(TableFiles, EveryFormatIsWrittenAndReadBack) {
  int compared = 0;
  for (int width : {8, 7, 5, 4, 2}) {
    for (const bool is_signed : {true, false}) {
      const OperandType type{width, is_signed};
      // Within 2w bits, whatever the width.
      const ProductTable table = table_of(type, [&](int a, int b) {
        return std::clamp(skewed(a, b), is_signed ? -(1 << (2 * width - 1)) : 0,
                          (1 << (2 * width - (is_signed ? 1 : 0))) - 1);
      });
      std::vector<std::pair<std::string, std::string>> files = {
          {"t.npy", npy_bytes(table)},
          {"wide.npy", npy_int32_bytes(table)},
          {"t.h", c_header(table, "m*/ u\n", "lut")},
          {"rows.txt", text_table(table, Order::kValue)},
          {"t.csv", text_table(table, Order::kPattern)},
          {"triples.txt", triple_table(table)}};
      if (width == 8) files.emplace_back("t.bin", raw_bytes(table));
      for (const auto& [name, bytes] : files) {
        const bool says_it = name == "t.npy" || name == "t.h";
        const LoadedTable loaded = read_table(write(name, bytes), says_it ? false : !is_signed);
        EXPECT_TRUE(loaded.table == table) << name << " of " << width << " bits, " << loaded.format;
        EXPECT_EQ(loaded.sha256, base::sha256_hex(raw_bytes(table))) << name;
        EXPECT_EQ(loaded.file_sha256, base::sha256_hex(bytes)) << name;
        EXPECT_TRUE(loaded.warnings.empty()) << name << ": " << loaded.warnings[0];
        compared += 1 << (2 * width);
      }
    }
  }
  fmt::print("checked={}\n", compared);
  EXPECT_EQ(compared, 2 * (7 * 65536 + 6 * (16384 + 1024 + 256 + 16)));
}

// What each tool's files look like, written here by hand and not by our writers.
TEST_F(TableFiles, PeersFilesAsTheyAre) {
  const OperandType s8{8, true};
  const OperandType u8{8, false};
  const ProductTable s = table_of(s8, skewed);
  const ProductTable u = table_of(u8, [](int a, int b) { return a * b - (a & b & 1); });
  const auto at = [](int value) { return static_cast<uint8_t>(value); };
  int compared = 0;
  const auto expect = [&](const ProductTable& table, const std::string& name,
                          const std::string& bytes, bool is_unsigned, const std::string& format) {
    const LoadedTable loaded = read_table(write(name, bytes), is_unsigned);
    EXPECT_TRUE(loaded.table == table) << name;
    EXPECT_EQ(loaded.format, format);
    compared += 65536;
  };
  std::string raw;  // TFApprox: uint16, (a << 8) | b
  std::string adapt = "#include <stdint.h>\n\nconst int16_t lut [256][256] = {";
  std::string approx_torch;  // by value, tabs
  std::string saved;         // numpy.savetxt
  std::string approx_flow;   // unsigned, blanks, one at the end of a line
  std::string app_mult = "area = 1.5\ndelay: x y\nLUT for approximate multiplier:\n";
  for (int a = 0; a < 256; ++a) {
    adapt += "{";
    for (int b = 0; b < 256; ++b) {
      const int value = u(at(a), at(b));
      raw += static_cast<char>(value & 255);
      raw += static_cast<char>(value >> 8);
      adapt += std::to_string(s(at(a), at(b))) + (b < 255 ? ", " : "");
      approx_torch += std::to_string(s(at(a - 128), at(b - 128))) + (b < 255 ? "\t" : "\n");
      saved += fmt::format("{:.18e}", static_cast<double>(s(at(a - 128), at(b - 128)))) +
               (b < 255 ? " " : "\n");
      approx_flow += std::to_string(value) + " ";
      app_mult += fmt::format("{} {} {}\n", a, b, value);
    }
    adapt += a < 255 ? "},\n" : "}};\n";
    approx_flow += "\n";
  }
  app_mult +=
      "LUT for the gradient of the approximate multiplier w.r.t. the first operand:\n0 0 1\n";
  expect(u, "tf.bin", raw, true, "raw uint16");
  expect(s, "mul8s_1L2H.h", adapt, false, "C array int16_t");
  expect(s, "exact.txt", approx_torch, false, "text by value");
  expect(s, "saved.txt", saved, false, "text by value");
  expect(u, "LUT_ours.txt", approx_flow, true, "text");
  expect(u, "lutfp.txt", app_mult, true, "text a b product");
  std::string lines;
  for (int b = 255; b >= 0; --b) {
    for (int a = 0; a < 256; ++a) {
      lines += fmt::format("{},{},{}\r\n", a - 128, b - 128, s(at(a - 128), at(b - 128)));
    }
  }
  expect(s, "lines.csv", "# a, b, product\r\n" + lines, false, "text a b product");
  std::string plain = "int lut[256][256] = {\n// one row\n";
  for (int i = 0; i < 65536; ++i) plain += fmt::format("0x{:x},", u(at(i >> 8), at(i & 255)));
  expect(u, "flat.h", plain + "};", true, "C array int");
  fmt::print("checked={}\n", compared);
  EXPECT_EQ(compared, 8 * 65536);
}

TEST_F(TableFiles, StatisticsAndTheLineToPrint) {
  const OperandType type{8, true};
  const ProductTable table = table_of(type, [](int a, int b) {
    return a * b + (a == 3 && b == 5 ? 40 : 0) - (a == 0 && b == 9 ? 6 : 0);
  });
  const LoadedTable loaded = read_table(write("m.bin", raw_bytes(table)));
  EXPECT_EQ(loaded.statistics.mae, 46 / 65536.0);
  EXPECT_EQ(loaded.statistics.wce, 40);
  EXPECT_EQ(loaded.statistics.ep, 2 / 65536.0);
  EXPECT_EQ(loaded.statistics.bias, 34 / 65536.0);
  EXPECT_EQ(loaded.statistics.zero_products, 1);
  EXPECT_EQ(describe("m.bin", loaded),
            "m.bin: raw uint16, 8-bit signed, SHA-256 " + table_sha256(table) +
                ", MAE 0.0007, WCE 40, EP 0.00 %, bias 0.0005, 1 products of 0 that are not 0");
  const TableStatistics exact = statistics(ProductTable::exact());
  EXPECT_EQ(exact.mae + exact.wce + exact.ep + exact.bias + exact.zero_products, 0);
  EXPECT_EQ(base::sha256_hex("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(base::sha256_hex(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  fmt::print("checked=9\n");
}

TEST_F(TableFiles, WarnsOfTablesThatAreProbablyNotMeant) {
  const OperandType type{8, true};
  int warned = 0;
  const auto warnings = [&](const ProductTable& table, const std::string& name = "w.bin") {
    const LoadedTable loaded = read_table(write(name, raw_bytes(table)));
    warned += static_cast<int>(loaded.warnings.size());
    return loaded.warnings;
  };
  // A multiplier that rounds down, and what AdaPT's converter makes of it.
  const auto floored = [](int a, int b) { return (a >> 2) * (b >> 2) * 16; };
  EXPECT_TRUE(warnings(table_of(type, floored)).empty());
  const auto converted = warnings(table_of(type, [&](int a, int b) {
    if (a >= 0 || b >= 0) return floored(a, b);
    // 128 is no signed byte: its pattern is that of -128.
    return floored(a == -128 ? -128 : -a, b == -128 ? -128 : -b);
  }));
  ASSERT_EQ(converted.size(), 2u);
  EXPECT_NE(converted[0].find("AdaPT"), std::string::npos) << converted[0];
  EXPECT_NE(converted[1].find("products of -128"), std::string::npos) << converted[1];
  // Sign and magnitude is consistent.
  EXPECT_TRUE(warnings(ProductTable::exact()).empty());
  EXPECT_TRUE(warnings(table_of(type, [](int a, int b) {
                const int size = (std::abs(a) & ~3) * std::abs(b);
                return (a < 0) != (b < 0) ? -size : size;
              })).empty());
  // Operands by value in a format that has them by pattern: read so, and no warning is due.
  EXPECT_TRUE(warnings(table_of(type, [](int a, int b) {
                const auto value = [](int x) { return (x & 255) - 128; };
                return value(a) * value(b);
              })).empty());
  fmt::print("checked={}\n", warned);
  EXPECT_GE(warned, 2);
}

// The same array as peers, spreadsheets and NumPy write it.
TEST_F(TableFiles, DialectsOfTheSameTable) {
  const OperandType type{8, true};
  const ProductTable expected = table_of(type, [](int a, int b) { return a * b & ~3; });
  const auto value = [](int i) { return i < 128 ? i : i - 256; };
  std::string rows, frame, named = "a,b,p\n", offset, by_value;
  std::vector<int64_t> wide;
  for (int b = -128; b < 128; ++b) frame += fmt::format(",{}", b);
  frame += "\n";
  for (int i = 0; i < 256; ++i) {
    rows += i == 0 ? "{{" : ",{";
    frame += fmt::format("{}", i - 128);
    for (int j = 0; j < 256; ++j) {
      const int pattern = value(i) * value(j) & ~3;
      const int product = (i - 128) * (j - 128) & ~3;
      rows += fmt::format("{}{}", j == 0 ? "" : ",", pattern);
      wide.push_back(pattern);
      frame += fmt::format(",{}", product);
      named += fmt::format("{},{},{}\n", i - 128, j - 128, product);
      for (auto* raw : {&offset, &by_value}) {
        const int word = raw == &offset ? product + 32768 : product & 0xffff;
        *raw += static_cast<char>(word & 0xff);
        *raw += static_cast<char>(word >> 8);
      }
    }
    rows += "}";
    frame += "\n";
  }
  rows += "};\n";
  int read = 0;
  const auto same = [&](const fs::path& file, const std::string& format) {
    const LoadedTable loaded = read_table(file);
    EXPECT_TRUE(loaded.table == expected) << file;
    EXPECT_NE(loaded.format.find(format), std::string::npos) << loaded.format;
    EXPECT_TRUE(loaded.warnings.empty()) << file << loaded.warnings[0];
    ++read;
  };
  for (const char* kind :
       {"std::int16_t", "const __device__ short", "__constant__ int16_t", "static const short int",
        "alignas(64) const int16_t", "extern const signed short", "long long"}) {
    same(write("k.h", fmt::format("{} lut[256][256] = {}", kind, rows)), "C array");
  }
  // NumPy's default integer: the header of an int32 array, with the other type in it.
  const std::vector<int32_t> narrow(wide.begin(), wide.end());
  std::string npy = base::npy_bytes({256, 256}, narrow.data());
  npy.resize(npy.size() - 4 * narrow.size());
  npy.replace(npy.find("<i4"), 3, "<i8");
  npy.append(reinterpret_cast<const char*>(wide.data()), 8 * wide.size());
  same(write("i8.npy", npy), "npy <i8");
  same(write("frame.csv", frame), "operands at its edges");
  same(write("corner.csv", "index" + frame), "operands at its edges");
  same(write("named.csv", named), "a b product");
  same(write("offset.bin", offset), "by value, plus 32768");
  same(write("by_value.bin", by_value), "by value");
  fmt::print("checked={}\n", read);
}

TEST_F(TableFiles, SignMagnitudeShell) {
  const ProductTable core = table_of({8, false}, [](int a, int b) { return (a & 0xfc) * b; });
  const ProductTable shell = sign_magnitude(core, "core");
  int checked = 0;
  for (int a = -128; a < 128; ++a) {
    for (int b = -128; b < 128; ++b) {
      const int size = (std::abs(a) & 0xfc) * std::abs(b);
      EXPECT_EQ(shell(static_cast<uint8_t>(a), static_cast<uint8_t>(b)),
                (a < 0) != (b < 0) ? -size : size);
      ++checked;
    }
  }
  EXPECT_THROW(sign_magnitude(shell, "shell"), Error);
  EXPECT_THROW(sign_magnitude(ProductTable::exact({4, false}, {5, false}), "unequal"), Error);
  fmt::print("checked={}\n", checked);
  EXPECT_EQ(checked, 65536);
}

TEST_F(TableFiles, WrongFilesSayWhereAndWhatIsAllowed_bad) {
  const ProductTable table = ProductTable::exact();
  const std::string raw = raw_bytes(table);
  refuse("no such file", directory_ / "none.txt", false, ErrorKind::kNotFound);
  refuse("0 bytes, expected 131072", write("e.bin", ""));
  refuse("131071 bytes", write("cut.bin", raw.substr(1)));
  refuse("131073 bytes", write("long.bin", raw + "x"));
  // A table of 7 bits as int64 has as many bytes.
  std::string wide;
  for (int a = -64; a < 64; ++a) {
    for (int b = -64; b < 64; ++b) {
      const auto product = static_cast<int64_t>(a) * b;
      for (int byte = 0; byte < 8; ++byte) wide += static_cast<char>(product >> (8 * byte));
    }
  }
  refuse("numbers of 64 bits", write("wide.bin", wide));
  EXPECT_EQ(read_table(write("zeros.bin", std::string(raw.size(), '\0'))).format, "raw uint16");

  const std::string header = c_header(table, "exact", "lut");
  refuse("no '{'", write("e.h", "// nothing\n"));
  refuse("within the array, after", write("cut.h", header.substr(0, header.size() / 2)));
  refuse("something follows", write("two.h", header + header));
  refuse("no array before", write("s.h", "struct lut { int x; };"));
  refuse("an array of float, expected int16_t", write("f.h", "const float lut[4][4] = {1};"));
  refuse("for an unsigned table", write("u.h", header), true);
  refuse("numbers, expected 2^w x 2^w", write("n.h", "int lut[2][3] = {{1,2,3},{4,5,6}};"));
  refuse("row 0 has 5 numbers, expected 4",
         write("r.h", "int l[4][4] = {{1,2,3,4,5},{1,2,3},{1,2,3,4},{1,2,3,4}};"));
  refuse("x.h:2: 'a', expected an integer", write("x.h", "int l[4][4] = {{1,\na}};"));
  refuse("a third '{'", write("3.h", "int l[4][4] = {{{1}}};"));
  refuse("[0][3] = 200, expected -8..7",
         write("o.h", "int l[2][2] = {1,2,3,200,5,6,7,0,1,2,3,4,5,6,7,0};"));

  const std::string rows = text_table(table, Order::kValue);
  refuse("0 numbers, expected 2^w x 2^w", write("e.txt", "\n"));
  refuse("65535 numbers", write("cut.txt", rows.substr(0, rows.rfind(' '))));
  refuse("65537 numbers", write("long.txt", rows + "1\n"));
  refuse("nan.txt:1: 'nan', expected an integer", write("nan.txt", "nan " + rows));
  refuse("half.txt:1: '1.5'", write("half.txt", "1.5 " + rows));
  refuse("inf.txt:1: 'inf'", write("inf.txt", "inf " + rows));
  refuse("word.txt:3: 'word'", write("word.txt", "# title\n1 2\nword"));
  refuse("huge.txt:1: '1e99'", write("huge.txt", "1e99"));
  refuse("expected 0..65535: a product of 8-bit unsigned operands", write("u.txt", rows), true);
  std::string ragged;
  for (int i = 0; i < 4; ++i) ragged += i == 1 ? "1 2 3\n" : i == 2 ? "1 2 3 4 5\n" : "1 2 3 4\n";
  refuse("ragged.txt:2: 3 numbers, expected 4", write("ragged.txt", ragged));

  const std::string triples = triple_table(table);
  refuse("65535 lines of three numbers",
         write("t.txt", triples.substr(0, triples.rfind("127 127"))));
  std::string twice = triples;
  twice.replace(twice.find("\n127 127 "), 9, "\n127 126 ");
  refuse("operands 127 and 126 again, first in line 65536", write("twice.txt", twice));
  std::string outside = triples;
  outside.replace(outside.find("\n127 127 "), 9, "\n128 127 ");
  refuse("outside.txt:65537: operand 128, expected -128..127", write("outside.txt", outside));

  refuse("shape (128, 512), expected (2^w, 2^w)",
         write("s.npy", base::npy_bytes({128, 512}, std::vector<int16_t>(65536).data())));
  refuse("shape (65536, 1)",
         write("s.npy", base::npy_bytes({65536, 1}, std::vector<int16_t>(65536).data())));
  refuse("elements of type '<f4'",
         write("f.npy", base::npy_bytes({256, 256}, std::vector<float>(65536).data())));
  refuse("data, the header promises", write("cut.npy", npy_bytes(table).substr(0, 9000)));
  refuse("for an unsigned table", write("u.npy", npy_bytes(table)), true);
  fmt::print("checked={}\n", refused_);
  EXPECT_EQ(refused_, 34);
}

}  // namespace
}  // namespace lutra::tables
