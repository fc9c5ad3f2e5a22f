#ifndef LUTRA_NETWORK_NETWORK_H_
#define LUTRA_NETWORK_NETWORK_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

#include "lutra/engine/elements.h"

namespace lutra::network {

/// Convolution, then bias; weights [out_channels][kernel][kernel][in_channels].
struct Conv2d {
  std::string name;
  int in_channels;
  int out_channels;
  int kernel;
  int stride;
  bool relu;
  int padding = 0;  ///< elements on every side
  /// What a padded element contributes: L(0, w), as hardware that multiplies zeros does, or
  /// nothing.
  engine::Padding padded = engine::Padding::kOperand;

  engine::Window window() const { return {kernel, stride, padding, padding, 1}; }
};

/// Squashes each group of `dim` consecutive channels; the result is a list of capsules in the order
/// (row, column, group).
struct Squash {
  std::string name;
  int dim;
};

/// Predictions of the class capsules: vote_ij = u_i W_ij; weights
/// [capsules][classes][in_dim][out_dim].
struct Votes {
  std::string name;
  int capsules;
  int in_dim;
  int classes;
  int out_dim;
};

/// Dynamic routing by agreement over the votes (docs/numerics.md, section 8).
struct Routing {
  std::string name;
  int iterations;
};

/// Index of the longest class capsule.
struct Classify {
  std::string name;
};

using Layer = std::variant<Conv2d, Squash, Votes, Routing, Classify>;

/// What a network is, without its weights: layers in the order in which they run.
struct Network {
  std::string name;
  int height;    ///< of the input image
  int width;     ///< of the input image
  int channels;  ///< of the input image
  std::vector<Layer> layers;
};

/// CapsNet after Sabour, Frosst and Hinton (2017), cut to fit an edge device: conv 9x9x16, primary
/// capsules 9x9 stride 2 (288 of 8 elements), 10 class capsules of 16 elements, 3 routing
/// iterations; 452,960 weights and biases, 4.10 M multiply-accumulates for a 28x28 image.
Network capsnet_edge();

/// The same at full size: conv 9x9x256, primary capsules 9x9 stride 2 (1,152 of 8 elements);
/// 6,804,224 weights and 201.8 M multiply-accumulates for a 28x28 image.
Network capsnet();

/// A network by name.
/// @throws Error kInvalidArgument that lists the known names
Network network_by_name(const std::string& name);

/// A dense array of float32, row-major.
struct FloatTensor {
  std::vector<size_t> shape;
  std::vector<float> values;
};

/// Trained parameters by name ("conv1.weight", "conv1.bias", ...).
using FloatWeights = std::map<std::string, FloatTensor>;

/// Shape of each parameter that a network needs.
std::map<std::string, std::vector<size_t>> parameter_shapes(const Network& network);

/// A network's layers with all their sizes, as a key of what was made with them.
nlohmann::json to_json(const Network& network);

/// @throws Error kInvalidArgument unless `weights` are the parameters of `network`, in its shapes,
/// and all of them finite; names the parameter, and the element where one is at fault
void check_weights(const Network& network, const FloatWeights& weights);

/// Writes one .npy a parameter (float32) into `directory`, which must exist.
void save_float_weights(const FloatWeights& weights, const std::filesystem::path& directory);

/// Reads the parameters that `network` needs.
/// @throws Error kInvalidArgument for a missing, truncated or wrongly shaped file, or an element
/// that is not finite
FloatWeights load_float_weights(const Network& network, const std::filesystem::path& directory);

/// A step of the inference that the hardware runs as one, and that may have a component of its own.
struct Operation {
  std::string name;   ///< "conv1.mac", "primary.mac", "votes.mac", "routing.sum", ...
  std::string group;  ///< ReD-CaNe's: "mac", "activation", "softmax", "logits"
  int fan_in;         ///< products in one sum
  int64_t products;   ///< 8x8 products an inference
  bool has_weights;   ///< the second operand is a trained weight
};

/// Operations that multiply, in the order of their first run.
std::vector<Operation> multiplying_operations(const Network& network);

}  // namespace lutra::network

#endif  // LUTRA_NETWORK_NETWORK_H_
