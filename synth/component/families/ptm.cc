#include "broken_array.h"
#include "lutra/component/multiplier_family.h"

namespace lutra::synth::families {

MultiplierFamily ptm() {
  MultiplierFamily f;
  f.name = "ptm";
  f.top = "mul_ptm";
  const Formula n = Formula::width();
  f.summary = "low columns forced to zero by a port, the whole array in place";
  f.good_for = "one circuit for several accuracies; it saves energy, not area";
  f.source = "M. de la Guia Solaz et al., IEEE TCAS-I, 2012";
  f.rtl_files = {"mul_ptm.sv", "mul_sign_magnitude.sv"};
  f.parameters = {{"columns", "truncate_i", 6, 0, 2 * n - 2, /*is_port=*/true}};
  f.minimum_width = 4;
  f.maximum_width = 16;
  f.model = [](const FamilySetting& s) {
    return [width = s.width, columns = s["columns"]](Bits a, Bits b) {
      return broken_array(width, 0, columns, a, b);
    };
  };
  f.exact_designs = {"ptm:columns=0"};
  f.tested = {"ptm:columns=0..1", "ptm:columns=4",  "ptm:columns=6",
              "ptm:columns=8",    "ptm:columns=11", "ptm:columns=14"};
  f.tested_widths = {"ptm:columns=4,width=5", "ptm:columns=10,width=12", "ptm:columns=30,width=16"};
  f.tested_netlists = {"ptm:columns=11"};
  f.measured = {"ptm:columns=0", "ptm:columns=6"};
  return f;
}

}  // namespace lutra::synth::families
