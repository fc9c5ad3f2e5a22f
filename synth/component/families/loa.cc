#include "bits.h"
#include "lutra/component/multiplier_family.h"

namespace lutra::synth::families {
namespace {

/// Sum of x and y by an adder whose low `l` bits are ORs.
Bits lower_part_or(int l, Bits x, Bits y) {
  const Bits high = (x >> l) + (y >> l) + (bit(x, l - 1) & bit(y, l - 1));
  return (high << l) + ((x | y) & ones(l));
}

}  // namespace

MultiplierFamily loa() {
  MultiplierFamily f;
  f.name = "loa";
  f.top = "mul_loa";
  const Formula n = Formula::width();
  f.summary = "rows added by lower-part-OR adders";
  f.good_for = "errors in the low columns only; small products suffer most";
  f.source = "H. R. Mahdiani et al., IEEE TCAS-I, 2010";
  f.rtl_files = {"mul_loa.sv", "mul_sign_magnitude.sv"};
  f.parameters = {{"or_bits", "OrBits", 6, 1, 2 * n - 2}};
  f.minimum_width = 2;
  f.maximum_width = 16;
  f.model = [](const FamilySetting& s) {
    return [width = s.width, or_bits = s["or_bits"]](Bits a, Bits b) {
      Bits sum = bit(b, 0) * a;
      for (int i = 1; i < width; ++i) sum = lower_part_or(or_bits, sum, bit(b, i) * (a << i));
      return sum;
    };
  };
  f.exact_designs = {"loa:or_bits=1"};
  f.tested = {"loa:or_bits=1..2", "loa:or_bits=4", "loa:or_bits=6..9", "loa:or_bits=11",
              "loa:or_bits=14"};
  f.tested_widths = {"loa:or_bits=3,width=4", "loa:or_bits=5,width=7", "loa:or_bits=12,width=16"};
  f.tested_netlists = {"loa:or_bits=10"};
  f.measured = {"loa"};
  return f;
}

}  // namespace lutra::synth::families
