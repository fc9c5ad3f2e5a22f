#ifndef LUTRA_ENGINE_AVX2_AVX2_GRADIENTS_H_
#define LUTRA_ENGINE_AVX2_AVX2_GRADIENTS_H_

#include "lutra/engine/gradients.h"

namespace lutra::engine {

/// The reference's sums, in its order, for many channels at once: eight lanes, each a sum of fused
/// multiply-additions. They need AVX2 and FMA.
/// @param jobs  threads; 0: all cores
void input_gradient_avx2(const Conv2dGradientArgs& args, int jobs);
void weight_gradient_avx2(const Conv2dGradientArgs& args, int jobs);

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_AVX2_AVX2_GRADIENTS_H_
