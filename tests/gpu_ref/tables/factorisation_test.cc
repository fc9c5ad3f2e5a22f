// Tables of products as sums of few products of maps: exact on every pair, and as few as are known.

#include "lutra/tables/factorisation.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "lutra/component/library.h"
#include "lutra/component/multiplier_models.h"

namespace lutra::tables {
namespace {

int number_of(int pattern, const OperandType& type) {
  return pattern > type.highest() ? pattern - (1 << type.width) : pattern;
}

/// Products by bit patterns, first operand outer, as ProductTable takes them.
template <typename Product>
std::vector<int32_t> products_of(const OperandType& first, const OperandType& second,
                                 const Product& product) {
  std::vector<int32_t> products;
  for (int a = 0; a < 1 << first.width; ++a) {
    for (int b = 0; b < 1 << second.width; ++b) {
      products.push_back(static_cast<int32_t>(product(number_of(a, first), number_of(b, second))));
    }
  }
  return products;
}

std::vector<int32_t> products_of(const OperandType& type, const std::string& specification) {
  const synth::MultiplierSpec spec = synth::parse_multiplier_spec(specification);
  return products_of(
      type, type,
      synth::multiplier_model(spec.family->name, spec.parameters, spec.width, spec.is_signed));
}

OperandType type_of(const std::string& specification) {
  const synth::MultiplierSpec spec = synth::parse_multiplier_spec(specification);
  return {spec.width, spec.is_signed};
}

/// Pairs whose product the factorisation gives, in arithmetic modulo 2^32 as an engine has it;
/// every pair of operands, or the test fails. Maps must keep their ranges, and be 0 outside the
/// operands.
int check(const Factorisation& f, const OperandType& first, const OperandType& second,
          const std::vector<int32_t>& products, Operands operands, const std::string& what) {
  const auto used = [operands](int value, const OperandType& type) {
    return type.holds(value) &&
           !(operands == Operands::kSymmetric && type.is_signed && value == type.lowest());
  };
  const auto value = [](int byte, const OperandType& type) {
    return type.is_signed && byte >= 128 ? byte - 256 : byte;
  };
  int outside = 0;
  for (const Term& term : f.terms) {
    const auto [u_low, u_high] = std::minmax_element(term.u.begin(), term.u.end());
    const auto [v_low, v_high] = std::minmax_element(term.v.begin(), term.v.end());
    if (*u_low < -128 || *u_high > 255 || *u_high - *u_low > 255) ++outside;
    if (*v_low < -128 || *v_high > 127) ++outside;
    for (int byte = 0; byte < 256; ++byte) {
      if (!used(value(byte, first), first) && term.u[byte] != 0) ++outside;
      if (!used(value(byte, second), second) && term.v[byte] != 0) ++outside;
    }
  }
  EXPECT_EQ(outside, 0) << what << ": values outside their range";
  int equal = 0;
  int wrong = 0;
  for (int a = first.lowest(); a <= first.highest(); ++a) {
    for (int b = second.lowest(); b <= second.highest(); ++b) {
      if (!used(a, first) || !used(b, second)) continue;
      const int row = a & 255;
      const int column = b & 255;
      uint32_t sum = static_cast<uint32_t>(f.row[row]) + static_cast<uint32_t>(f.column[column]);
      for (const Term& term : f.terms) {
        sum += static_cast<uint32_t>(term.scale) * static_cast<uint32_t>(term.u[row]) *
               static_cast<uint32_t>(term.v[column]);
      }
      const int pattern_a = a & ((1 << first.width) - 1);
      const int pattern_b = b & ((1 << second.width) - 1);
      const int32_t expected = products[(pattern_a << second.width) + pattern_b];
      if (static_cast<int32_t>(sum) == expected) {
        ++equal;
      } else if (++wrong <= 3) {
        ADD_FAILURE() << what << ": " << a << " * " << b << " = " << expected << ", factorisation "
                      << static_cast<int32_t>(sum);
      }
    }
  }
  EXPECT_EQ(wrong, 0) << what;
  return equal;
}

/// Terms of a table, checked; -1 if there is no factorisation.
int terms_of(const OperandType& first, const OperandType& second,
             const std::vector<int32_t>& products, const std::string& what, int* checked,
             Operands operands = Operands::kAll, int most_terms = 16) {
  const ProductTable table(first, second, products);
  const auto factorisation = factorise(table, most_terms, operands);
  if (!factorisation) return -1;
  EXPECT_TRUE(reconstructs(*factorisation, table, operands)) << what;
  *checked += check(*factorisation, first, second, products, operands, what);
  EXPECT_LE(static_cast<int>(factorisation->terms.size()), most_terms) << what;
  return static_cast<int>(factorisation->terms.size());
}

int terms_of(const std::string& specification, int* checked, Operands operands = Operands::kAll) {
  const OperandType type = type_of(specification);
  return terms_of(type, type, products_of(type, specification), specification, checked, operands);
}

/// The whole library at 8 bits; docs/tables.md holds what it prints.
TEST(Factorisation, EveryTableOfTheLibraryIsExact) {
  int checked = 0;
  int tables = 0;
  double slowest_ms = 0;
  // family and signedness -> terms -> tables
  std::map<std::string, std::map<int, int>> counts;
  for (const synth::MultiplierFamily& family : synth::multiplier_families()) {
    for (const char* sign : {"0", "1"}) {
      for (const std::string& specification :
           synth::expand_pattern(family.name + ":signed=" + sign)) {
        for (const Operands operands : {Operands::kAll, Operands::kSymmetric}) {
          if (operands == Operands::kSymmetric && sign[0] == '0') continue;
          const auto start = std::chrono::steady_clock::now();
          const int terms = terms_of(specification, &checked, operands);
          const std::chrono::duration<double, std::milli> ms =
              std::chrono::steady_clock::now() - start;
          slowest_ms = std::max(slowest_ms, ms.count());
          ++tables;
          ++counts[fmt::format("{:<14}{:<9}{}", family.name, sign[0] == '1' ? "signed" : "unsigned",
                               operands == Operands::kAll ? "" : "symmetric")][terms];
        }
      }
    }
  }
  fmt::print("multiplier    operands            terms: tables (none: above 16)\n");
  for (const auto& [name, by_terms] : counts) {
    std::string line;
    for (const auto& [terms, number] : by_terms) {
      line += fmt::format("  {}: {}", terms < 0 ? "none" : std::to_string(terms), number);
    }
    fmt::print("{:<34}{}\n", name, line);
  }
  fmt::print("tables={} slowest={:.0f} ms checked={}\n", tables, slowest_ms, checked);
  EXPECT_GT(tables, 900);
  EXPECT_GT(checked, 600 * 65025);
}

TEST(Factorisation, KnownCounts) {
  int checked = 0;
  int compared = 0;
  const auto expect = [&](const std::string& pattern, int all, int symmetric) {
    for (const std::string& specification : synth::expand_pattern(pattern)) {
      EXPECT_EQ(terms_of(specification, &checked), all) << specification;
      EXPECT_EQ(terms_of(specification, &checked, Operands::kSymmetric), symmetric)
          << specification;
      ++compared;
    }
  };
  for (const std::string sign : {"0", "1"}) {
    for (const char* one : {"exact", "dadda", "booth", "trunc", "ssm"}) {
      expect(fmt::format("{}:signed={}", one, sign), 1, 1);
    }
    for (const char* two : {"udm", "roba", "ilm"}) {
      expect(fmt::format("{}:signed={}", two, sign), 2, 2);
    }
    for (int first = 0; first < 8; ++first) {
      // All rows left out, or of 7-bit magnitudes all that can be set: nothing is left.
      const int rows = first == 0 ? 6 : 8 - first;
      expect(fmt::format("perforation:first={},rows=1..{},signed={}", first, rows, sign), 1, 1);
    }
    expect("perforation:first=0,rows=8,signed=" + sign, 0, 0);
    for (int vbl = 0; vbl <= 14; ++vbl) {
      const int terms = vbl <= 7 ? vbl + 1 : 15 - vbl;
      // 7-bit magnitudes have fewer columns.
      const int symmetric = sign == "0" || vbl <= 6 ? terms : std::max(13 - vbl, 0);
      expect(fmt::format("bam:hbl=0,vbl={},signed={}", vbl, sign), terms, symmetric);
      expect(fmt::format("ptm:columns={},signed={}", vbl, sign), terms, symmetric);
    }
    expect("mitchell:signed=" + sign, -1, -1);
    expect("mbm:signed=" + sign, -1, -1);
  }
  expect("drum:signed=0", 1, 1);
  // |-128| becomes 130 to 160: the map spans more than a byte, on both sides.
  expect("drum:signed=1", 3, 1);
  fmt::print("checked={} tables={}\n", checked, compared);
  EXPECT_EQ(compared, 186);
}

TEST(Factorisation, NarrowerOperands) {
  int checked = 0;
  int tables = 0;
  for (int width = 2; width <= 7; ++width) {
    for (const char* family : {"exact", "bam", "udm", "drum", "roba", "ilm", "loa", "mitchell"}) {
      for (const char* sign : {"0", "1"}) {
        const std::string pattern = fmt::format("{}:width={},signed={}", family, width, sign);
        std::vector<std::string> specifications;
        try {
          specifications = synth::expand_pattern(pattern);
        } catch (const std::exception&) {
          continue;  // not at this width
        }
        for (const std::string& specification : specifications) {
          const int terms = terms_of(specification, &checked);
          // Operands of 4 bits have 16 values: no table of them has a higher rank than 15.
          if (width <= 4) {
            EXPECT_GE(terms, 0) << specification;
          }
          if (std::string(family) == "exact") {
            EXPECT_EQ(terms, 1) << specification;
          }
          ++tables;
        }
      }
    }
  }
  fmt::print("checked={} tables={}\n", checked, tables);
  EXPECT_GT(tables, 200);
  EXPECT_GT(checked, 100000);
}

TEST(Factorisation, OperandsOfDifferentTypes) {
  int checked = 0;
  for (const OperandType first :
       {OperandType{8, false}, OperandType{8, true}, OperandType{5, true}, OperandType{3, false}}) {
    for (const OperandType second : {OperandType{8, true}, OperandType{7, false}}) {
      const std::string what = fmt::format("{}{} x {}{}", first.is_signed ? "s" : "u", first.width,
                                           second.is_signed ? "s" : "u", second.width);
      const auto exact = products_of(first, second, [](int a, int b) { return a * b; });
      EXPECT_EQ(terms_of(first, second, exact, what, &checked), 1) << what;
      const auto cut = products_of(first, second, [](int a, int b) { return (a & ~3) * (b & ~1); });
      EXPECT_EQ(terms_of(first, second, cut, what, &checked), 1) << what;
      const auto corrected = products_of(
          first, second, [](int a, int b) { return a * b - 2 * (a & 1) * (b & 3) + a / 2 - 7; });
      EXPECT_EQ(terms_of(first, second, corrected, what, &checked), 2) << what;
    }
  }
  fmt::print("checked={}\n", checked);
  EXPECT_GT(checked, 100000);
}

TEST(Factorisation, RowsAndColumnsCostNothing) {
  int checked = 0;
  const OperandType type;
  const auto terms = [&](const auto& product) {
    return terms_of(type, type, products_of(type, type, product), "rows and columns", &checked);
  };
  EXPECT_EQ(terms([](int, int) { return 0; }), 0);
  EXPECT_EQ(terms([](int, int) { return -77; }), 0);
  EXPECT_EQ(terms([](int a, int b) { return 100 * a - 20 * b + (b == 3) + a * a / 4; }), 0);
  EXPECT_EQ(terms([](int a, int b) { return a * b + 30 * a - b * b / 2 + 5; }), 1);
  fmt::print("checked={}\n", checked);
  EXPECT_EQ(checked, 4 * 65536);
}

TEST(Factorisation, PlantedFactorsAreFound) {
  int checked = 0;
  int tables = 0;
  std::mt19937 random(7);
  for (const int rank : {1, 2, 3, 5, 8, 12, 16}) {
    for (int repetition = 0; repetition < 3; ++repetition) {
      // Small enough that no sum of 16 leaves 16 bits.
      const int limit = rank == 1 ? 127 : 180 / (rank + 2) + 12;
      std::vector<std::vector<int>> u(rank, std::vector<int>(256));
      std::vector<std::vector<int>> v = u;
      for (auto* maps : {&u, &v}) {
        for (std::vector<int>& map : *maps) {
          for (int& x : map) x = static_cast<int>(random() % (2 * limit + 1)) - limit;
        }
      }
      std::vector<int> row(256);
      std::vector<int> column(256);
      for (int& x : row) x = static_cast<int>(random() % 2000) - 1000;
      for (int& x : column) x = static_cast<int>(random() % 2000) - 1000;
      const OperandType type;
      const auto products = products_of(type, type, [&](int a, int b) {
        int sum = row[a & 255] + column[b & 255];
        for (int i = 0; i < rank; ++i) sum += u[i][a & 255] * v[i][b & 255];
        return sum;
      });
      const std::string what = fmt::format("rank {} of +-{}", rank, limit);
      EXPECT_EQ(terms_of(type, type, products, what, &checked), rank) << what;
      // One less is refused, and not approximated.
      EXPECT_FALSE(factorise(ProductTable(type, type, products), rank - 1)) << what;
      ++tables;
    }
  }
  fmt::print("checked={} tables={}\n", checked, tables);
  EXPECT_EQ(checked, tables * 65536);
}

TEST(Factorisation, FullRankIsRefused) {
  std::mt19937 random(3);
  const OperandType type;
  const auto products =
      products_of(type, type, [&](int, int) { return static_cast<int>(random() % 65536) - 32768; });
  EXPECT_FALSE(factorise(ProductTable(type, type, products)));
  // Maps of more than a byte are split: few are still exact.
  int checked = 0;
  const auto wide = products_of(type, type, [](int a, int b) { return (a * a + a) * (b & 1); });
  EXPECT_EQ(terms_of(type, type, wide, "wide map", &checked), 2);
  const auto both = products_of(type, type, [](int a, int b) { return (a + a / 5) * (b + b / 4); });
  EXPECT_EQ(terms_of(type, type, both, "two wide maps", &checked), 3);
  EXPECT_EQ(checked, 2 * 65536);
  fmt::print("checked={}\n", checked + 1);
}

TEST(Factorisation, OneFlippedProductIsNotLost) {
  int checked = 0;
  std::set<int> counts;
  std::mt19937 random(11);
  for (const char* specification :
       {"exact", "drum:signed=0", "bam:vbl=5", "udm", "roba:signed=0"}) {
    const OperandType type = type_of(specification);
    const std::vector<int32_t> original = products_of(type, specification);
    const auto before = factorise(ProductTable(type, type, original));
    ASSERT_TRUE(before) << specification;
    for (int repetition = 0; repetition < 5; ++repetition) {
      std::vector<int32_t> flipped = original;
      const size_t at = random() % flipped.size();
      flipped[at] ^= 1 << random() % 15;
      const ProductTable table(type, type, flipped);
      EXPECT_FALSE(reconstructs(*before, table)) << specification;
      const int terms = terms_of(type, type, flipped, specification, &checked);
      EXPECT_EQ(terms, static_cast<int>(before->terms.size()) + 1)
          << specification << ", product " << at;
      counts.insert(terms);
    }
  }
  fmt::print("checked={}\n", checked);
  EXPECT_EQ(checked, 25 * 65536);
  EXPECT_GE(counts.size(), 3u);
}

TEST(Factorisation, ReconstructsFindsEveryFault_bad) {
  const ProductTable table = ProductTable::exact();
  const auto exact = factorise(table);
  ASSERT_TRUE(exact);
  ASSERT_TRUE(reconstructs(*exact, table));
  int found = 0;
  const auto broken = [&](const std::function<void(Factorisation*)>& damage) {
    Factorisation copy = *exact;
    damage(&copy);
    EXPECT_FALSE(reconstructs(copy, table)) << "fault " << found;
    ++found;
  };
  broken([](Factorisation* f) { f->terms.clear(); });
  broken([](Factorisation* f) { f->terms[0].scale += 1; });
  broken([](Factorisation* f) { f->terms[0].u[77] += 1; });
  broken([](Factorisation* f) { f->terms[0].v[200] += 1; });
  broken([](Factorisation* f) { f->row[128] += 1; });
  broken([](Factorisation* f) { f->column[255] -= 1; });
  broken([](Factorisation* f) { f->terms.push_back(f->terms[0]); });
  // Exact, but no longer a product of bytes: v moved up by a constant that the row takes back.
  broken([](Factorisation* f) {
    for (int32_t& v : f->terms[0].v) v += 1;
    for (int i = 0; i < 256; ++i) f->row[i] -= f->terms[0].scale * f->terms[0].u[i];
  });
  // The lowest operand counts, or does not.
  Factorisation lowest = *exact;
  lowest.row[128] += 1;
  EXPECT_TRUE(reconstructs(lowest, table, Operands::kSymmetric));
  fmt::print("checked={}\n", found + 1);
  EXPECT_EQ(found, 8);
}

TEST(Factorisation, TheSameTableGivesTheSameMaps) {
  int checked = 0;
  for (const char* specification : {"bam:vbl=6", "loa:or_bits=3", "tosam:h=1,t=4"}) {
    const OperandType type = type_of(specification);
    const ProductTable table(type, type, products_of(type, specification));
    const auto one = factorise(table);
    const auto other = factorise(table);
    ASSERT_TRUE(one && other);
    ASSERT_EQ(one->terms.size(), other->terms.size());
    for (size_t i = 0; i < one->terms.size(); ++i) {
      EXPECT_EQ(one->terms[i].scale, other->terms[i].scale);
      EXPECT_EQ(one->terms[i].u, other->terms[i].u);
      EXPECT_EQ(one->terms[i].v, other->terms[i].v);
      checked += 513;
    }
    EXPECT_EQ(one->row, other->row);
    EXPECT_EQ(one->column, other->column);
  }
  fmt::print("checked={}\n", checked);
  EXPECT_GT(checked, 0);
}

}  // namespace
}  // namespace lutra::tables
