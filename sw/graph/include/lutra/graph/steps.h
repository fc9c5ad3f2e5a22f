#ifndef LUTRA_GRAPH_STEPS_H_
#define LUTRA_GRAPH_STEPS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lutra/engine/backend.h"
#include "lutra/graph/network.h"
#include "lutra/graph/quantised_network.h"
#include "lutra/graph/tensor.h"

namespace lutra::graph {

struct Step;
/// The fraction length of a tensor or weight.
using FracOf = std::function<int(const std::string&)>;

/// What a step works on: a batch of images.
struct StepRun {
  engine::Backend& backend;
  const QuantisedNetwork& network;
  int images;
  std::vector<const int8_t*> inputs;  ///< [images][shape] each
  engine::Products products;          ///< of the step's site
  int8_t* output;                     ///< [images][shape]
  std::vector<int32_t>* scores;       ///< [images][classes], of the step that leaves them
};

struct FracRange {
  int least = -64;
  int most = 64;
};

/// What a step computes. Its types are in step_operations.h.
class StepOperation {
 public:
  virtual ~StepOperation() = default;
  /// For messages: "convolution".
  virtual std::string kind() const = 0;
  /// The fraction length of the sums that it requantises; none where it requantises nothing.
  virtual std::optional<int> accumulator_frac(const Step& /*step*/, const FracOf& /*frac*/) const {
    return std::nullopt;
  }
  /// The parameter that is added to its sums; "": none.
  virtual std::string bias() const { return ""; }
  /// Fraction lengths of its first input that the arithmetic takes.
  virtual FracRange input_fracs() const { return {}; }
  virtual void run(const Step& step, const StepRun& run) const = 0;
};

/// One step of the integer inference: what the hardware runs as one operation.
struct Step {
  static constexpr int kNoSite = -1;
  std::string name;                 ///< unique: its site's, or "routing.softmax.1"
  int site = kNoSite;               ///< index in sites(); kNoSite: it does not multiply
  std::vector<std::string> inputs;  ///< tensors, in the order of the engine's arguments
  std::string output;               ///< tensor
  int frac = 0;                     ///< fraction length of the first input
  int second_frac = 0;              ///< of the second; 0 where there is none
  int shift = 0;                    ///< of the requantisation
  bool leaves_scores = false;       ///< its sums are the scores of the classes
  std::shared_ptr<const StepOperation> operation;

  /// The operation as one of the types of step_operations.h; null if it is another.
  template <typename Type>
  const Type* as() const {
    return dynamic_cast<const Type*>(operation.get());
  }
};

/// A tensor of the integer inference.
struct TensorInfo {
  Shape shape;
  int frac = 0;  ///< fraction length
  /// The fraction length that the arithmetic fixes: pixels, capsules and coefficients lie in
  /// (-1, 1).
  std::optional<int> fixed_frac;
  /// Tensors that have its fraction length, because nothing between them changes it.
  std::vector<std::string> same_format_as;
  /// The tensor whose place it takes, updated in place; "": it has one of its own. Tensors of one
  /// place have one fraction length.
  std::string in_place_of;

  int64_t size() const { return elements_of(shape); }
};

/// The inference as a list of steps, and the tensors between them ("input", "conv1", ...). The
/// tensor "routing.logits.0" is all zero and written by no step.
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

/// Takes the steps of one node after the other.
class Lowering {
 public:
  /// What lies in (-1, 1).
  static constexpr int kUnitFrac = 7;

  explicit Lowering(const Network& network);

  /// The tensor that the current node's input holds.
  const std::string& input(size_t index) const { return inputs_.at(index); }
  const TensorInfo& tensor(const std::string& name) const { return list_.tensors.at(name); }
  TensorInfo& add_tensor(const std::string& name, Shape shape);
  /// @param name  its site's where it multiplies
  void add_step(const std::string& name, std::shared_ptr<const StepOperation> operation,
                std::vector<std::string> inputs, const std::string& output);

  /// The step that writes a tensor; null for the image.
  Step* writer_of(const std::string& tensor);

  StepList take() { return std::move(list_); }

 private:
  std::vector<std::string> site_names_;
  std::vector<std::string> inputs_;
  StepList list_;
};

/// Steps and shapes, without fraction lengths and shifts.
StepList lower(const Network& network);
/// The same with them.
/// @throws Error kInvalidArgument where a tensor has no fraction length, or one that the arithmetic
///         does not take
StepList lower(const QuantisedNetwork& network);

}  // namespace lutra::graph

#endif  // LUTRA_GRAPH_STEPS_H_
