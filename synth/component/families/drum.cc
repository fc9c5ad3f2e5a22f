#include "bits.h"
#include "lutra/component/multiplier_family.h"

namespace lutra::synth::families {
namespace {

/// The middle of the values that share the kept_bits - 1 leading bits of x.
Bits middle(int kept_bits, Bits x) {
  if (x < power(kept_bits)) return x;
  const int lowest = leading_one(x) - kept_bits + 1;
  return floor_to(lowest, x) | power(lowest);
}

}  // namespace

MultiplierFamily drum() {
  MultiplierFamily f;
  f.name = "drum";
  f.top = "mul_drum";
  const Formula n = Formula::width();
  f.summary = "dynamic range unbiased: a short segment below each leading one";
  f.good_for = "long sums: relative error is bounded and its mean is near zero";
  f.source = "S. Hashemi, R. I. Bahar, S. Reda, ICCAD 2015";
  f.rtl_files = {"mul_drum.sv", "mul_sign_magnitude.sv"};
  f.parameters = {{"kept_bits", "KeptBits", 4, 3, n - 1}};
  f.minimum_width = 4;
  f.maximum_width = 32;
  f.model = [](const FamilySetting& s) {
    return [k = s["kept_bits"]](Bits a, Bits b) { return middle(k, a) * middle(k, b); };
  };
  f.tested = {"drum"};
  f.tested_widths = {"drum:kept_bits=3,width=4", "drum:kept_bits=4,width=7",
                     "drum:kept_bits=6,width=16"};
  f.measured = {"drum"};
  return f;
}

}  // namespace lutra::synth::families
