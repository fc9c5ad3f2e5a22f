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
/// Convolutions do not depend on the processor; exponentials are the C library's.
class FloatInference {
 public:
  /// @param network, weights  must live as long as this
  FloatInference(const Network& network, const FloatWeights& weights);

  /// @param image  [height][width]
  FloatTensors run(const uint8_t* image) const;
  /// Share of right classes over the images [0, count), on all cores.
  double accuracy(const Dataset& data, int count) const;

 private:
  class Run;
  const Network& network_;
  const FloatWeights& weights_;
  std::map<std::string, std::vector<float>> panels_;  // weights, terms outside of outputs
};

}  // namespace lutra::network

#endif  // LUTRA_NETWORK_FLOAT_INFERENCE_H_
