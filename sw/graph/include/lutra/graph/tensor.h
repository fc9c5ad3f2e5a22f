#ifndef LUTRA_GRAPH_TENSOR_H_
#define LUTRA_GRAPH_TENSOR_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <numeric>
#include <string>
#include <vector>

namespace lutra::graph {

/// Of a tensor of one image, row-major: {height, width, channels} of feature maps, {capsules, dim}
/// of capsules, {elements} of a vector.
using Shape = std::vector<int>;

inline int64_t elements_of(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

/// A dense array of float32, row-major.
struct FloatTensor {
  std::vector<size_t> shape;
  std::vector<float> values;
};

/// Trained parameters by name ("conv1.weight", "conv1.bias", ...).
using FloatWeights = std::map<std::string, FloatTensor>;

/// A trained parameter of a network.
struct Parameter {
  std::vector<size_t> shape;
  /// Added to sums as int32 at the accumulator's fraction length; else multiplied, as int8.
  bool is_bias = false;
  /// Standard deviation of the normal distribution that training starts from; 0: zeros.
  double initial_deviation = 0;
};

/// Every tensor of one image of an inference in float32, by name.
using FloatTensors = std::map<std::string, std::vector<float>>;

}  // namespace lutra::graph

#endif  // LUTRA_GRAPH_TENSOR_H_
