#ifndef LUTRA_MODELS_BUILT_IN_H_
#define LUTRA_MODELS_BUILT_IN_H_

#include <string>

#include "lutra/graph/network.h"

namespace lutra::models {

/// CapsNet after Sabour, Frosst and Hinton (2017), cut to fit an edge device: conv 9x9x16, primary
/// capsules 9x9 stride 2 (288 of 8 elements), 10 class capsules of 16 elements, 3 routing
/// iterations; 452,960 weights and biases, 4.10 M multiply-accumulates for a 28x28 image.
graph::Network capsnet_edge();

/// The same at full size: conv 9x9x256, primary capsules 9x9 stride 2 (1,152 of 8 elements);
/// 6,804,224 weights and 201.8 M multiply-accumulates for a 28x28 image.
graph::Network capsnet();

/// A network by name.
/// @throws Error kInvalidArgument that lists the known names
graph::Network network_by_name(const std::string& name);

}  // namespace lutra::models

#endif  // LUTRA_MODELS_BUILT_IN_H_
