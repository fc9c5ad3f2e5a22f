#include "bits.h"
#include "lutra/component/multiplier_family.h"

namespace lutra::synth::families {

MultiplierFamily trunc() {
  MultiplierFamily f;
  f.name = "trunc";
  f.top = "mul_trunc";
  const Formula n = Formula::width();
  f.summary = "low bits of both operands dropped";
  f.good_for = "the cheapest cut; biased, so it needs short sums or a corrected bias";
  f.source = "least significant part truncation, as compared with in Hashemi et al., ICCAD 2015";
  f.rtl_files = {"mul_trunc.sv", "mul_exact.sv"};
  f.parameters = {{"trunc_bits", "TruncBits", 2, 1, n - 1}};
  f.minimum_width = 2;
  f.maximum_width = 32;
  f.is_native = true;
  f.model = [](const FamilySetting& s) {
    return [t = s["trunc_bits"]](Bits a, Bits b) { return floor_to(t, a) * floor_to(t, b); };
  };
  f.tested = {"trunc"};
  f.tested_widths = {"trunc:trunc_bits=3,width=7", "trunc:trunc_bits=5,width=16"};
  f.measured = {"trunc"};
  return f;
}

}  // namespace lutra::synth::families
