#include "bits.h"
#include "lutra/component/multiplier_family.h"

namespace lutra::synth::families {

MultiplierFamily booth() {
  MultiplierFamily f;
  f.name = "booth";
  f.top = "mul_booth";
  f.summary = "exact product, radix-4 Booth recoding";
  f.good_for = "exact signed products; what broken_booth is held against";
  f.source = "A. D. Booth, 1951; O. L. MacSorley, Proc. IRE, 1961";
  f.rtl_files = {"mul_booth.sv", "booth_row.sv"};
  f.minimum_width = 4;
  f.maximum_width = 16;
  f.even_width_only = true;
  f.is_native = true;
  f.model = [](const FamilySetting&) { return [](Bits a, Bits b) { return a * b; }; };
  f.exact_designs = {"booth", "booth:signed=0"};
  f.tested = {"booth"};
  f.tested_widths = {"booth:width=4", "booth:width=6", "booth:width=10", "booth:width=16"};
  f.measured = {"booth"};
  return f;
}

}  // namespace lutra::synth::families
