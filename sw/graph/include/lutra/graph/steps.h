#ifndef LUTRA_GRAPH_STEPS_H_
#define LUTRA_GRAPH_STEPS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lutra/graph/network.h"
#include "lutra/graph/quantised_network.h"

namespace lutra::graph {

/// One step of the integer inference: what the hardware runs as one operation.
struct Step {
  static constexpr int kNoSite = -1;
  enum class Kind { kConv2d, kSquash, kVotes, kSoftmax, kWeightedSum, kAgreement, kClassify };
  Kind kind;
  std::string name;                 ///< unique: its site's, or "routing.softmax.1"
  int site = kNoSite;               ///< index in sites(); kNoSite: it does not multiply
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
  int frac = 0;  ///< fraction length
  /// The fraction length that the arithmetic fixes: pixels, capsules and coefficients lie in
  /// (-1, 1).
  std::optional<int> fixed_frac;
  /// The tensor whose place it takes, updated in place; "": it has one of its own. Tensors of one
  /// place have one fraction length.
  std::string in_place_of;

  int64_t size() const {
    int64_t n = 1;
    for (int d : shape) n *= d;
    return n;
  }
};

/// The inference as a list of steps, and the tensors between them ("input", "conv1", ...). The
/// tensor "routing.logits.0" is all zero and written by no step. Steps point into the network.
struct StepList {
  std::string input;  ///< the tensor that holds the image
  std::vector<Step> steps;
  std::map<std::string, TensorInfo> tensors;

  /// The tensor that holds the class.
  const std::string& output() const { return steps.back().output; }
  /// The tensor whose place `tensor` takes; its own where it has one.
  const std::string& place_of(const std::string& tensor) const {
    const std::string& other = tensors.at(tensor).in_place_of;
    return other.empty() ? tensor : other;
  }
};

/// Steps and shapes, without fraction lengths and shifts.
StepList lower(const Network& network);
/// The same with them.
/// @throws Error kInvalidArgument where a tensor has no fraction length, or one that the arithmetic
///         does not take
StepList lower(const QuantisedNetwork& network);

}  // namespace lutra::graph

#endif  // LUTRA_GRAPH_STEPS_H_
