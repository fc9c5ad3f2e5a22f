#include "bits.h"
#include "lutra/component/multiplier_family.h"

namespace lutra::synth::families {

MultiplierFamily exact() {
  MultiplierFamily f;
  f.name = "exact";
  f.top = "mul_exact";
  f.summary = "exact product";
  f.good_for = "the reference; layers that tolerate no error";
  f.rtl_files = {"mul_exact.sv"};
  f.minimum_width = 2;
  f.maximum_width = 32;
  f.is_native = true;
  f.model = [](const FamilySetting&) { return [](Bits a, Bits b) { return a * b; }; };
  f.exact_designs = {"exact", "exact:signed=0"};
  f.tested = {"exact"};
  f.tested_widths = {"exact:width=5", "exact:width=16"};
  f.measured = {"exact"};
  return f;
}

}  // namespace lutra::synth::families
