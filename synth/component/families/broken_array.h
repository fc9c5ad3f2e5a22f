#ifndef LUTRA_COMPONENT_FAMILIES_BROKEN_ARRAY_H_
#define LUTRA_COMPONENT_FAMILIES_BROKEN_ARRAY_H_

#include "bits.h"

namespace lutra::synth {

/// Row i of the array is a 2^i; of rows from hbl on, the columns from vbl on are added.
inline Bits broken_array(int width, int hbl, int vbl, Bits a, Bits b) {
  Bits sum = 0;
  for (int i = hbl; i < width; ++i) {
    if (bit(b, i)) sum += floor_to(vbl, a << i);
  }
  return sum;
}

}  // namespace lutra::synth

#endif  // LUTRA_COMPONENT_FAMILIES_BROKEN_ARRAY_H_
