#include "broken_array.h"
#include "lutra/component/multiplier_family.h"

namespace lutra::synth::families {

MultiplierFamily bam() {
  MultiplierFamily f;
  f.name = "bam";
  f.top = "mul_bam";
  const Formula n = Formula::width();
  f.summary = "broken array: rows above hbl and columns right of vbl left out";
  f.good_for = "fine-grained choice of area against error; products shrink, so sums are biased";
  f.source = "H. R. Mahdiani et al., IEEE TCAS-I, 2010";
  f.rtl_files = {"mul_bam.sv", "mul_sign_magnitude.sv"};
  f.parameters = {{"hbl", "Hbl", 0, 0, n - 1}, {"vbl", "Vbl", 6, 0, 2 * n - 2}};
  f.minimum_width = 2;
  f.maximum_width = 32;
  f.model = [](const FamilySetting& s) {
    return [width = s.width, hbl = s["hbl"], vbl = s["vbl"]](Bits a, Bits b) {
      return broken_array(width, hbl, vbl, a, b);
    };
  };
  f.commutes = [](const FamilySetting& s) { return s["hbl"] == 0 || s["vbl"] == 2 * s.width - 2; };
  f.exact_designs = {"bam:hbl=0,vbl=0"};
  f.tested = {"bam:hbl=0", "bam:hbl=1..7,vbl=0", "bam:hbl=2,vbl=5", "bam:hbl=3,vbl=9"};
  f.tested_widths = {"bam:hbl=1,vbl=4,width=5", "bam:hbl=2,vbl=10,width=12",
                     "bam:hbl=0,vbl=13,width=16"};
  f.tested_netlists = {"bam:hbl=2,vbl=5"};
  f.measured = {"bam:hbl=0", "bam:hbl=1..3,vbl=0"};
  return f;
}

}  // namespace lutra::synth::families
