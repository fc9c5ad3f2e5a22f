#include <algorithm>
#include <array>

#include "bits.h"
#include "lutra/component/multiplier_family.h"

namespace lutra::synth::families {
namespace {

enum class Compressor { kMomeni = 1, kVenkatachalam = 2 };

/// The dots of one column in list order: at first at most 16, after a stage at most 7 sums and dots
/// that passed, and 5 carries.
struct Column {
  std::array<bool, 32> dots;
  int count = 0;

  void add(bool dot) { dots[static_cast<std::size_t>(count++)] = dot; }
  bool operator[](int i) const { return dots[static_cast<std::size_t>(i)]; }
};

struct SumAndCarry {
  bool sum;
  bool carry;
};

SumAndCarry compress(Compressor kind, bool x1, bool x2, bool x3, bool x4) {
  if (kind == Compressor::kMomeni) return {x1 == x2 || x3 == x4, (x1 || x2) && (x3 || x4)};
  return {x1 != x2 || x3 != x4 || (x1 && x2 && x3 && x4), (x1 && x2) || (x3 && x4)};
}

SumAndCarry full_add(bool x, bool y, bool z) {
  const int sum = x + y + z;
  return {sum % 2 == 1, sum >= 2};
}

Bits compressor_tree(int width, Compressor kind, int columns, Bits a, Bits b) {
  const int product_bits = 2 * width;
  std::array<Column, 32> column;
  for (int i = 0; i < width; ++i) {
    for (int j = 0; j < width; ++j) {
      column[static_cast<std::size_t>(i + j)].add(bit(a, j) && bit(b, i));
    }
  }
  const auto needs_a_stage = [&] {
    return std::any_of(column.begin(), column.end(), [](const Column& c) { return c.count > 2; });
  };
  while (needs_a_stage()) {
    Column carries;  // of the column to the right
    for (int c = 0; c < product_bits; ++c) {
      const Column& old = column[static_cast<std::size_t>(c)];
      Column next;
      Column carries_out;
      int at = 0;
      const auto made = [&](SumAndCarry result, int used) {
        next.add(result.sum);
        carries_out.add(result.carry);
        at += used;
      };
      while (c < columns && old.count - at >= 4) {
        made(compress(kind, old[at], old[at + 1], old[at + 2], old[at + 3]), 4);
      }
      while (old.count - at >= 3) made(full_add(old[at], old[at + 1], old[at + 2]), 3);
      while (at < old.count) next.add(old[at++]);
      for (int i = 0; i < carries.count; ++i) next.add(carries[i]);
      column[static_cast<std::size_t>(c)] = next;
      carries = carries_out;
    }
  }
  Bits sum = 0;
  for (int c = 0; c < product_bits; ++c) {
    for (int i = 0; i < column[static_cast<std::size_t>(c)].count; ++i) {
      sum += Bits{column[static_cast<std::size_t>(c)][i]} << c;
    }
  }
  return sum;
}

}  // namespace

MultiplierFamily compressor() {
  MultiplierFamily f;
  f.name = "compressor";
  f.top = "mul_compressor";
  const Formula n = Formula::width();
  f.summary = "columns reduced by approximate 4:2 compressors";
  f.good_for = "short trees; kind 1 is wrong at 0 * 0, so it needs dense operands";
  f.source = "A. Momeni et al., IEEE TC, 2015; S. Venkatachalam, S.-B. Ko, IEEE TVLSI, 2017";
  f.rtl_files = {"mul_compressor.sv", "column_tree.sv", "mul_sign_magnitude.sv"};
  f.parameters = {{"kind", "Kind", 1, 1, 2}, {"columns", "Columns", n, 0, 2 * n - 1}};
  f.minimum_width = 4;
  f.maximum_width = 16;
  f.model = [](const FamilySetting& s) {
    return [width = s.width, kind = Compressor{s["kind"]}, columns = s["columns"]](Bits a, Bits b) {
      return compressor_tree(width, kind, columns, a, b);
    };
  };
  // Column 3 is the first of four dots, and its compressor's output the same for dots in reverse.
  f.commutes = [](const FamilySetting& s) { return s["columns"] <= 4; };
  // Momeni's compressor makes 1 of four zeros.
  f.keeps_zero = [](const FamilySetting& s) { return s["kind"] == 2 || s["columns"] <= 3; };
  f.exact_designs = {"compressor:kind=1,columns=0"};
  f.tested = {"compressor:columns=0", "compressor:columns=4", "compressor:columns=7..8",
              "compressor:columns=11", "compressor:columns=15"};
  f.tested_widths = {"compressor:kind=1,columns=4,width=4", "compressor:kind=2,columns=5,width=5",
                     "compressor:kind=1,columns=6,width=7", "compressor:kind=2,columns=12,width=10",
                     "compressor:kind=1,columns=16,width=16"};
  f.tested_netlists = {"compressor:kind=2,columns=8", "compressor:kind=1,columns=15"};
  f.measured = {"compressor:columns=4..12"};
  return f;
}

}  // namespace lutra::synth::families
