#ifndef LUTRA_GRAPH_NETWORK_H_
#define LUTRA_GRAPH_NETWORK_H_

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

#include "lutra/engine/elements.h"

namespace lutra::graph {

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

/// A dense array of float32, row-major.
struct FloatTensor {
  std::vector<size_t> shape;
  std::vector<float> values;
};

/// Trained parameters by name ("conv1.weight", "conv1.bias", ...).
using FloatWeights = std::map<std::string, FloatTensor>;

/// A trained parameter of a network.
struct Parameter {
  enum class Kind { kConvolution, kVotes, kBias };
  std::vector<size_t> shape;
  Kind kind;

  bool is_bias() const { return kind == Kind::kBias; }  ///< added to sums, not multiplied
};

/// Each parameter that a network needs, by name.
std::map<std::string, Parameter> parameters(const Network& network);

/// @throws Error kInvalidArgument that names `where` and the element that is no finite number
void check_finite(const std::string& where, const std::vector<float>& values);

/// A network's layers with all their sizes, as a key of what was made with them.
nlohmann::json to_json(const Network& network);

/// @throws Error kInvalidArgument unless `weights` are the parameters of `network`, in its shapes,
/// and all of them finite; names the parameter, and the element where one is at fault
void check_weights(const Network& network, const FloatWeights& weights);

}  // namespace lutra::graph

#endif  // LUTRA_GRAPH_NETWORK_H_
