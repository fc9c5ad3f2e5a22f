#include "bits.h"
#include "lutra/component/multiplier_family.h"

namespace lutra::synth::families {

MultiplierFamily perforation() {
  MultiplierFamily f;
  f.name = "perforation";
  f.top = "mul_perforation";
  const Formula n = Formula::width();
  f.summary = "successive rows of partial products left out";
  f.good_for = "a cut of one operand; small weights lose most, so it suits large second operands";
  f.source = "G. Zervakis et al., IEEE TVLSI, 2016";
  f.rtl_files = {"mul_perforation.sv", "mul_sign_magnitude.sv"};
  f.parameters = {{"first", "First", 0, 0, n - 1},
                  {"rows", "Rows", 2, 1, n - Formula::parameter("first")}};
  f.minimum_width = 2;
  f.maximum_width = 16;
  f.model = [](const FamilySetting& s) {
    const Bits left_out = ones(s["rows"]) << s["first"];
    return [left_out](Bits a, Bits b) { return a * (b & ~left_out); };
  };
  f.commutes = [](const FamilySetting& s) { return s["rows"] == s.width; };
  // Not rows = 8, the constant 0.
  f.tested = {"perforation:first=0,rows=1..7", "perforation:first=1,rows=3",
              "perforation:first=2,rows=4",    "perforation:first=3,rows=2",
              "perforation:first=4,rows=1",    "perforation:first=5,rows=3",
              "perforation:first=6,rows=2",    "perforation:first=7,rows=1"};
  f.tested_widths = {"perforation:first=1,rows=2,width=5", "perforation:first=3,rows=5,width=12"};
  f.tested_netlists = {"perforation:first=3,rows=4"};
  f.measured = {"perforation:first=0"};
  return f;
}

}  // namespace lutra::synth::families
