#include "bits.h"
#include "lutra/component/multiplier_family.h"

namespace lutra::synth::families {
namespace {

/// x without what lies below its segment. The segments start at bit 0, in ESSM at (n - m) / 2, and
/// at n - m; the lowest one that reaches up to the leading one of x is taken.
Bits segment(int width, int segment_bits, bool enhanced, Bits x) {
  const int highest = width - segment_bits;
  if (x < power(segment_bits)) return x;
  const int middle = highest / 2;
  if (enhanced && x < power(segment_bits + middle)) return floor_to(middle, x);
  return floor_to(highest, x);
}

}  // namespace

MultiplierFamily ssm() {
  MultiplierFamily f;
  f.name = "ssm";
  f.top = "mul_ssm";
  const Formula n = Formula::width();
  // ESSM's middle segment needs an even number of bits outside the segment.
  const Formula may_be_enhanced("1, where n-segment_bits is even, else 0", {"segment_bits"},
                                [](int width, const ParameterValues& preceding) {
                                  return (width - preceding[0].second) % 2 == 0 ? 1L : 0L;
                                });
  f.summary = "static segments: of each operand the upper or the lower bits";
  f.good_for = "the smallest area of the segment multipliers; cut off, so biased";
  f.source = "S. Narayanamoorthy et al., IEEE TVLSI, 2015";
  f.rtl_files = {"mul_ssm.sv", "mul_sign_magnitude.sv"};
  f.parameters = {{"segment_bits", "SegmentBits", half_rounded_up(n), half_rounded_up(n), n - 1},
                  {"enhanced", "Enhanced", 0, 0, may_be_enhanced}};
  f.minimum_width = 4;
  f.maximum_width = 16;
  f.model = [](const FamilySetting& s) {
    return [width = s.width, m = s["segment_bits"], enhanced = s["enhanced"] == 1](Bits a, Bits b) {
      return segment(width, m, enhanced, a) * segment(width, m, enhanced, b);
    };
  };
  // Magnitudes of 8 bits have 7, or are 128.
  f.exact_designs = {"ssm:segment_bits=7,enhanced=0"};
  f.tested = {"ssm"};
  f.tested_widths = {
      "ssm:segment_bits=3,enhanced=0,width=5", "ssm:segment_bits=4,enhanced=1,width=6",
      "ssm:segment_bits=7,enhanced=0,width=12", "ssm:segment_bits=8,enhanced=1,width=16"};
  f.tested_netlists = {"ssm:segment_bits=4,enhanced=1", "ssm:segment_bits=7"};
  f.measured = {"ssm"};
  return f;
}

}  // namespace lutra::synth::families
