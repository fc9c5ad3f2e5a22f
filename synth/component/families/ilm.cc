#include "logarithms.h"
#include "lutra/component/multiplier_family.h"

namespace lutra::synth::families {

MultiplierFamily ilm() {
  MultiplierFamily f;
  f.name = "ilm";
  f.top = "mul_ilm";
  f.summary = "logarithmic, with corrections from the rests of the operands";
  f.good_for = "accuracy by corrections; one costs as much as the basic block";
  f.source = "Z. Babic et al., Microprocessors and Microsystems, 2011";
  f.rtl_files = {"mul_ilm.sv", "normaliser.sv", "leading_one.sv", "mul_sign_magnitude.sv"};
  f.parameters = {{"corrections", "Corrections", 0, 0, 2}};
  f.minimum_width = 4;
  f.maximum_width = 16;
  f.model = [](const FamilySetting& s) {
    return [corrections = s["corrections"]](Bits a, Bits b) {
      Bits sum = logarithmic_block(a, b);
      for (int i = 0; i < corrections && a != 0 && b != 0; ++i) {
        a = rest(a);
        b = rest(b);
        sum += logarithmic_block(a, b);
      }
      return sum;
    };
  };
  f.tested = {"ilm"};
  f.tested_widths = {"ilm:corrections=1,width=5", "ilm:corrections=2,width=12",
                     "ilm:corrections=0,width=16"};
  f.tested_netlists = {"ilm:corrections=2"};
  f.measured = {"ilm"};
  return f;
}

}  // namespace lutra::synth::families
