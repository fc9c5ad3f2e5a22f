#include "bits.h"
#include "lutra/component/multiplier_family.h"

namespace lutra::synth::families {
namespace {

/// A one at the lower bit of each 2-bit digit that is 3.
Bits threes(Bits x) { return x & x >> 1 & 0x5555'5555'5555'5555; }

}  // namespace

MultiplierFamily udm() {
  MultiplierFamily f;
  f.name = "udm";
  f.top = "mul_udm";
  f.summary = "2x2 blocks that give 7 for 3 * 3";
  f.good_for = "rare errors, all of one sign; sums drift downwards";
  f.source = "P. Kulkarni et al., VLSI Design, 2011";
  f.rtl_files = {"mul_udm.sv", "mul_sign_magnitude.sv"};
  f.minimum_width = 2;
  f.maximum_width = 16;
  f.even_width_only = true;
  // Each pair of digits 3 and 3 makes 7 in place of 9.
  f.model = [](const FamilySetting&) {
    return [](Bits a, Bits b) { return a * b - 2 * threes(a) * threes(b); };
  };
  f.tested = {"udm"};
  f.tested_widths = {"udm:width=4", "udm:width=6", "udm:width=16"};
  f.measured = {"udm"};
  return f;
}

}  // namespace lutra::synth::families
