#ifndef LUTRA_QUANTISE_FLOAT_INFERENCE_H_
#define LUTRA_QUANTISE_FLOAT_INFERENCE_H_

#include <map>
#include <string>
#include <vector>

#include "lutra/data/dataset.h"
#include "lutra/graph/network.h"

namespace lutra::quantise {

/// Every tensor of the real-valued inference of one image, named and laid out as lower() does, and
/// "class" as one value.
using FloatTensors = std::map<std::string, std::vector<float>>;

/// Plain float32 inference without libtorch: what quantisation is calibrated on and compared with.
/// Convolutions do not depend on the processor; exponentials are the C library's.
class FloatInference {
 public:
  /// @param network, weights  must live as long as this
  FloatInference(const graph::Network& network, const graph::FloatWeights& weights);

  /// @param image  [height][width]
  FloatTensors run(const uint8_t* image) const;
  /// Share of right classes over the images [0, count), on all cores.
  double accuracy(const data::Dataset& data, int count) const;

 private:
  class Run;
  const graph::Network& network_;
  const graph::FloatWeights& weights_;
  std::map<std::string, std::vector<float>> panels_;  // weights, terms outside of outputs
};

}  // namespace lutra::quantise

#endif  // LUTRA_QUANTISE_FLOAT_INFERENCE_H_
