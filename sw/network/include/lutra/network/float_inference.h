#ifndef LUTRA_NETWORK_FLOAT_INFERENCE_H_
#define LUTRA_NETWORK_FLOAT_INFERENCE_H_

#include <map>
#include <string>
#include <vector>

#include "lutra/network/dataset.h"
#include "lutra/network/network.h"

namespace lutra::network {

/// Every tensor of the real-valued inference of one image, named and laid out as lower() does, and
/// "class" as one value.
using FloatTensors = std::map<std::string, std::vector<float>>;

/// Plain float32 inference without libtorch: what quantisation is calibrated on and compared with.
FloatTensors float_inference(const Network& network, const FloatWeights& weights,
                             const Dataset& data, int index);

/// Share of right classes over the images [0, count), on all cores.
double float_accuracy(const Network& network, const FloatWeights& weights, const Dataset& data,
                      int count);

}  // namespace lutra::network

#endif  // LUTRA_NETWORK_FLOAT_INFERENCE_H_
