#ifndef LUTRA_COMPONENT_FAMILIES_LOGARITHMS_H_
#define LUTRA_COMPONENT_FAMILIES_LOGARITHMS_H_

#include "bits.h"

namespace lutra::synth {

/// 2^K of two operands above 0, K being the sum of the positions of their leading ones.
inline Bits characteristic(Bits a, Bits b) { return power(leading_one(a) + leading_one(b)); }

/// 2^K + s: the product without that of the rests.
inline Bits logarithmic_block(Bits a, Bits b) {
  if (a == 0 || b == 0) return 0;
  return a * b - rest(a) * rest(b);
}

inline Bits mitchell_product(Bits a, Bits b) {
  if (a == 0 || b == 0) return 0;
  const Bits s = logarithmic_block(a, b) - characteristic(a, b);
  return s < characteristic(a, b) ? characteristic(a, b) + s : 2 * s;
}

}  // namespace lutra::synth

#endif  // LUTRA_COMPONENT_FAMILIES_LOGARITHMS_H_
