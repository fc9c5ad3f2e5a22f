#ifndef LUTRA_QUANTISE_QUANTISE_H_
#define LUTRA_QUANTISE_QUANTISE_H_

#include "lutra/data/dataset.h"
#include "lutra/graph/network.h"
#include "lutra/graph/quantised_network.h"

namespace lutra::quantise {

struct QuantiseOptions {
  int calibration_images = 512;  ///< taken from the start of the training split
};

/// Post-training quantisation: each tensor gets the power-of-two scale with the least squared error
/// over the calibration images (activations) or over its own values (weights).
graph::QuantisedNetwork to_int8(const graph::Network& description,
                                const graph::FloatWeights& weights,
                                const data::Dataset& calibration, const QuantiseOptions& options);

}  // namespace lutra::quantise

#endif  // LUTRA_QUANTISE_QUANTISE_H_
