#include <algorithm>

#include "logarithms.h"
#include "lutra/component/multiplier_family.h"

namespace lutra::synth::families {

MultiplierFamily mbm() {
  MultiplierFamily f;
  f.name = "mbm";
  f.top = "mul_mbm";
  f.summary = "Mitchell plus a constant that takes out its mean error";
  f.good_for = "long sums at the cost of a logarithmic multiplier";
  f.source = "H. Saadat et al., IEEE TCAD, 2018";
  f.rtl_files = {"mul_mbm.sv", "normaliser.sv", "mul_sign_magnitude.sv"};
  f.minimum_width = 4;
  f.maximum_width = 16;
  f.model = [](const FamilySetting& s) {
    return [largest = ones(2 * s.width)](Bits a, Bits b) -> Bits {
      if (a == 0 || b == 0) return 0;
      return std::min((64 * mitchell_product(a, b) + 5 * characteristic(a, b)) / 64, largest);
    };
  };
  f.tested = {"mbm"};
  f.tested_widths = {"mbm:width=4", "mbm:width=5", "mbm:width=7", "mbm:width=10", "mbm:width=16"};
  f.measured = {"mbm"};
  return f;
}

}  // namespace lutra::synth::families
