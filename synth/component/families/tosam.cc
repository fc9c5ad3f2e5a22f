#include <algorithm>

#include "bits.h"
#include "lutra/component/multiplier_family.h"

namespace lutra::synth::families {
namespace {

/// The first `count` bits of the fraction of x, as an integer.
Bits fraction_bits(int count, Bits x) { return (rest(x) << count) >> leading_one(x); }

/// All terms are whole multiples of 2^-point. At 16 bits that is 2^-30, and the sum, less than 4,
/// is scaled by at most 2^30: 62 bits.
Bits truncated_operands(int h, int t, Bits a, Bits b) {
  if (a == 0 || b == 0) return 0;
  const int point = std::max(t, 2 * h + 2);
  const Bits sum =
      power(point) + ((fraction_bits(t, a) + fraction_bits(t, b)) << (point - t)) +
      (((2 * fraction_bits(h, a) + 1) * (2 * fraction_bits(h, b) + 1)) << (point - (2 * h + 2)));
  return (sum << (leading_one(a) + leading_one(b))) >> point;
}

}  // namespace

MultiplierFamily tosam() {
  MultiplierFamily f;
  f.name = "tosam";
  f.top = "mul_tosam";
  const Formula n = Formula::width();
  f.summary = "logarithmic, with a short product of the fractions";
  f.good_for = "accuracy by h and t at little area; relative error is bounded";
  f.source = "S. Vahdat et al., IEEE TVLSI, 2019";
  f.rtl_files = {"mul_tosam.sv", "normaliser.sv", "mul_sign_magnitude.sv"};
  f.parameters = {{"h", "H", 2, 0, n - 2},
                  {"t", "T", min(5, n - 1), Formula::parameter("h") + 1, n - 1}};
  f.minimum_width = 4;
  f.maximum_width = 16;
  f.model = [](const FamilySetting& s) {
    return [h = s["h"], t = s["t"]](Bits a, Bits b) { return truncated_operands(h, t, a, b); };
  };
  f.tested = {"tosam:h=0,t=1", "tosam:h=0,t=3", "tosam:h=0,t=7", "tosam:h=1,t=2", "tosam:h=1,t=4",
              "tosam:h=2,t=3", "tosam:h=2,t=5", "tosam:h=2,t=7", "tosam:h=3,t=5", "tosam:h=3,t=7",
              "tosam:h=4,t=5", "tosam:h=5,t=7", "tosam:h=6,t=7"};
  f.tested_widths = {"tosam:h=1,t=3,width=4", "tosam:h=2,t=5,width=6", "tosam:h=3,t=7,width=12",
                     "tosam:h=5,t=9,width=16"};
  f.tested_netlists = {"tosam:h=0,t=3", "tosam:h=3,t=7"};
  f.measured = {"tosam"};
  return f;
}

}  // namespace lutra::synth::families
