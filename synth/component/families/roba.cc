#include "bits.h"
#include "lutra/component/multiplier_family.h"

namespace lutra::synth::families {
namespace {

/// The nearest power of two; upwards from the middle, but 3 to 2.
Bits round_to_power(Bits x) {
  const Bits below = power(leading_one(x));
  return 2 * x >= 3 * below && x != 3 ? 2 * below : below;
}

}  // namespace

MultiplierFamily roba() {
  MultiplierFamily f;
  f.name = "roba";
  f.top = "mul_roba";
  f.summary = "operands rounded to powers of two";
  f.good_for = "small relative errors of both signs";
  f.source = "R. Zendegani et al., IEEE TVLSI, 2017";
  f.rtl_files = {"mul_roba.sv", "normaliser.sv", "mul_sign_magnitude.sv"};
  f.minimum_width = 4;
  f.maximum_width = 16;
  f.model = [](const FamilySetting&) {
    return [](Bits a, Bits b) -> Bits {
      if (a == 0 || b == 0) return 0;
      const Bits ra = round_to_power(a);
      const Bits rb = round_to_power(b);
      return ra * b + a * rb - ra * rb;
    };
  };
  f.tested = {"roba"};
  f.tested_widths = {"roba:width=4", "roba:width=7", "roba:width=12", "roba:width=16"};
  f.measured = {"roba"};
  return f;
}

}  // namespace lutra::synth::families
