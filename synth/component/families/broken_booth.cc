#include "bits.h"
#include "lutra/component/multiplier_family.h"

namespace lutra::synth::families {
namespace {

/// Signed operands have one digit less than the loop has; it is 0 for their extended patterns.
Bits broken_booth_product(int width, int vbl, bool by_inversion, Bits a, Bits b) {
  Bits sum = 0;
  for (int i = 0; i <= width / 2; ++i) {
    const int below = i == 0 ? 0 : static_cast<int>(bit(b, 2 * i - 1));
    const int digit =
        -2 * static_cast<int>(bit(b, 2 * i + 1)) + static_cast<int>(bit(b, 2 * i)) + below;
    if (by_inversion && digit < 0) {
      const Bits multiple = static_cast<Bits>(-digit) * a;
      sum += floor_to(vbl, ~multiple << (2 * i));
      if (2 * i >= vbl) sum += power(2 * i);
    } else {
      sum += floor_to(vbl, (static_cast<Bits>(digit) * a) << (2 * i));
    }
  }
  return sum;
}

}  // namespace

MultiplierFamily broken_booth() {
  MultiplierFamily f;
  f.name = "broken_booth";
  f.top = "mul_broken_booth";
  const Formula n = Formula::width();
  f.summary = "Booth rows without the columns right of vbl";
  f.good_for = "signed operands without a sign-magnitude shell; type 1 is smaller, type 0 closer";
  f.source = "F. Farshchi et al., CADS, 2013";
  f.rtl_files = {"mul_broken_booth.sv", "booth_row.sv"};
  f.parameters = {{"vbl", "Vbl", 6, 0, 2 * n - 2}, {"type", "Type", 0, 0, 1}};
  f.minimum_width = 4;
  f.maximum_width = 16;
  f.even_width_only = true;
  f.is_native = true;
  f.model = [](const FamilySetting& s) {
    return [width = s.width, vbl = s["vbl"], type = s["type"]](Bits a, Bits b) {
      return broken_booth_product(width, vbl, type == 1, a, b);
    };
  };
  // Below column 2 only row 0 has bits: of type 0, what is lost is the product modulo 2^vbl.
  f.commutes = [](const FamilySetting& s) { return s["vbl"] <= (s["type"] == 0 ? 2 : 0); };
  // An inverted row of zeros can lose its one.
  f.keeps_zero = [](const FamilySetting& s) { return s["type"] == 0 || s["vbl"] == 0; };
  f.exact_designs = {"broken_booth:vbl=0,type=0"};
  f.tested = {"broken_booth:vbl=0..2", "broken_booth:vbl=5..7", "broken_booth:vbl=9",
              "broken_booth:vbl=12..14"};
  f.tested_widths = {"broken_booth:vbl=3,type=0,width=4", "broken_booth:vbl=4,type=1,width=6",
                     "broken_booth:vbl=9,type=0,width=10", "broken_booth:vbl=14,type=1,width=16"};
  f.tested_netlists = {"broken_booth:vbl=6,type=1", "broken_booth:vbl=13,type=0"};
  f.measured = {"broken_booth:type=0", "broken_booth:type=1,vbl=4..8"};
  return f;
}

}  // namespace lutra::synth::families
