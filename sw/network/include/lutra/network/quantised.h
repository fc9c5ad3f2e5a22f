#ifndef LUTRA_NETWORK_QUANTISED_H_
#define LUTRA_NETWORK_QUANTISED_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lutra/network/dataset.h"
#include "lutra/network/network.h"

namespace lutra::network {

/// A network in int8 (docs/numerics.md): weights as elements, biases as int32 at the fraction
/// length of their accumulator, and a fraction length for every tensor.
struct QuantisedNetwork {
  Network description;
  std::map<std::string, std::vector<int8_t>> weights;  ///< "conv1.weight": layout as FloatWeights
  std::map<std::string, std::vector<int32_t>> biases;  ///< "conv1.bias"
  std::map<std::string, int> fractions;                ///< tensor or weight name -> fraction length
};

struct QuantiseOptions {
  int calibration_images = 512;  ///< taken from the start of the training split
};

/// Post-training quantisation: each tensor gets the power-of-two scale with the least squared error
/// over the calibration images (activations) or over its own values (weights).
QuantisedNetwork quantise(const Network& description, const FloatWeights& weights,
                          const Dataset& calibration, const QuantiseOptions& options);

/// Writes network.json and one .npy a tensor into `directory`, which must exist.
void save_quantised(const QuantisedNetwork& network, const std::filesystem::path& directory);

/// @throws Error kInvalidArgument for a missing, truncated or wrongly shaped file, or a value of
/// -128
QuantisedNetwork load_quantised(const std::filesystem::path& directory);

/// One step of the integer inference: what the hardware runs as one operation.
struct Step {
  enum class Kind { kConv2d, kSquash, kVotes, kSoftmax, kWeightedSum, kAgreement, kClassify };
  Kind kind;
  std::string name;       ///< unique: "conv1.mac", "routing.sum.2"
  std::string operation;  ///< what an assignment names: "conv1.mac", "routing.sum"; "" for softmax
  std::vector<std::string> inputs;  ///< tensors, in the order of the engine's arguments
  std::string output;               ///< tensor
  int shift = 0;                    ///< of the requantisation
  int frac = 0;                     ///< of the input of squash and softmax
  bool relu = false;
  const Conv2d* conv = nullptr;
  const Votes* votes = nullptr;  ///< shape of the votes, for all steps from the votes on
  int dim = 0;                   ///< of the capsules of squash and class
};

/// A tensor of the integer inference.
struct TensorInfo {
  std::vector<int> shape;
  int frac = 0;
  int64_t size() const {
    int64_t n = 1;
    for (int d : shape) n *= d;
    return n;
  }
};

/// The inference as a list of steps, and the tensors between them ("input", "conv1", ...). The
/// tensor "routing.logits.0" is all zero and written by no step. Steps point into `network`.
struct StepList {
  std::vector<Step> steps;
  std::map<std::string, TensorInfo> tensors;
};
StepList lower(const QuantisedNetwork& network);

}  // namespace lutra::network

#endif  // LUTRA_NETWORK_QUANTISED_H_
