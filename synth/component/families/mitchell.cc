#include "logarithms.h"
#include "lutra/component/multiplier_family.h"

namespace lutra::synth::families {

MultiplierFamily mitchell() {
  MultiplierFamily f;
  f.name = "mitchell";
  f.top = "mul_mitchell";
  f.summary = "logarithms added, the fractions linear";
  f.good_for = "small area at large widths; products are always too small";
  f.source = "J. N. Mitchell, IRE Trans. EC, 1962";
  f.rtl_files = {"mul_mitchell.sv", "normaliser.sv", "mul_sign_magnitude.sv"};
  f.minimum_width = 4;
  f.maximum_width = 16;
  f.model = [](const FamilySetting&) { return mitchell_product; };
  f.tested = {"mitchell"};
  f.tested_widths = {"mitchell:width=4", "mitchell:width=5", "mitchell:width=10",
                     "mitchell:width=16"};
  f.measured = {"mitchell"};
  return f;
}

}  // namespace lutra::synth::families
