#include "bits.h"
#include "lutra/component/multiplier_family.h"

namespace lutra::synth::families {

MultiplierFamily dadda() {
  MultiplierFamily f;
  f.name = "dadda";
  f.top = "mul_dadda";
  f.summary = "exact product, columns reduced by a Dadda tree";
  f.good_for = "exact products at the least depth of adders";
  f.source = "L. Dadda, Alta Frequenza, 1965";
  f.rtl_files = {"mul_dadda.sv", "column_tree.sv"};
  f.minimum_width = 2;
  f.maximum_width = 16;
  f.is_native = true;
  f.model = [](const FamilySetting&) { return [](Bits a, Bits b) { return a * b; }; };
  f.exact_designs = {"dadda", "dadda:signed=0"};
  f.tested = {"dadda"};
  f.tested_widths = {"dadda:width=4", "dadda:width=5", "dadda:width=7", "dadda:width=10",
                     "dadda:width=16"};
  f.measured = {"dadda"};
  return f;
}

}  // namespace lutra::synth::families
