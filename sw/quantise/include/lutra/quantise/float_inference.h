#ifndef LUTRA_QUANTISE_FLOAT_INFERENCE_H_
#define LUTRA_QUANTISE_FLOAT_INFERENCE_H_

#include <memory>
#include <string>
#include <vector>

#include "lutra/data/dataset.h"
#include "lutra/graph/network.h"

namespace lutra::quantise {

using graph::FloatTensors;

/// Plain float32 inference without libtorch: what quantisation is calibrated on and compared with.
/// Sums of products do not depend on the processor; exponentials are the C library's.
class FloatInference {
 public:
  /// @param network  must live as long as this
  FloatInference(const graph::Network& network, const graph::FloatWeights& weights);

  /// Every tensor, named and laid out as lower() does; the class as one value.
  /// @param image  [height][width][channels]
  FloatTensors run(const uint8_t* image) const;
  /// Share of right classes over the images [0, count), on all cores.
  double accuracy(const data::Dataset& data, int count) const;

 private:
  const graph::Network& network_;
  std::vector<std::unique_ptr<graph::FloatKernel>> kernels_;  // by node
};

}  // namespace lutra::quantise

#endif  // LUTRA_QUANTISE_FLOAT_INFERENCE_H_
