#ifndef LUTRA_GRAPH_STEP_OPERATIONS_H_
#define LUTRA_GRAPH_STEP_OPERATIONS_H_

#include <optional>
#include <string>
#include <vector>

#include "lutra/engine/elements.h"
#include "lutra/graph/steps.h"

namespace lutra::graph {

// The steps of the integer inference, with the sizes of one image. What they compute is said in
// docs/numerics.md; a step is implemented in the file of the kind that lowers to it.

struct ConvolutionStep : StepOperation {
  std::string node;  ///< whose parameters `weight` and `bias` are
  int height, width, in_channels, out_channels;
  engine::Window vertical, horizontal;
  int groups;
  engine::Padding padded;
  bool relu;

  std::string kind() const override { return "convolution"; }
  std::string bias() const override { return node + ".bias"; }
  std::optional<int> accumulator_frac(const Step& step, const FracOf& frac) const override;
  void run(const Step& step, const StepRun& run) const override;
};

struct DenseStep : StepOperation {
  std::string node;  ///< whose parameters `weight` and `bias` are
  int terms, outputs;
  bool relu;

  std::string kind() const override { return "dense"; }
  std::string bias() const override { return node + ".bias"; }
  std::optional<int> accumulator_frac(const Step& step, const FracOf& frac) const override;
  void run(const Step& step, const StepRun& run) const override;
};

struct PoolStep : StepOperation {
  int height, width, channels;
  engine::Window vertical, horizontal;
  engine::PoolArgs::Kind pooling;

  std::string kind() const override { return "pooling"; }
  void run(const Step& step, const StepRun& run) const override;
};

/// Of two tensors; inputs: both.
struct AddStep : StepOperation {
  int64_t elements;
  bool relu;

  std::string kind() const override { return "addition"; }
  std::optional<int> accumulator_frac(const Step& step, const FracOf& frac) const override;
  void run(const Step& step, const StepRun& run) const override;
};

/// Along the last dimension; inputs: all.
struct ConcatenateStep : StepOperation {
  std::vector<int> sizes;  ///< of each input's last dimension
  int64_t rows;            ///< product of the other dimensions

  std::string kind() const override { return "concatenation"; }
  void run(const Step& step, const StepRun& run) const override;
};

/// The same elements in the same order.
struct CopyStep : StepOperation {
  int64_t elements;

  std::string kind() const override { return "reshaping"; }
  void run(const Step& step, const StepRun& run) const override;
};

/// The largest of `classes` elements, or of the sums that the step before left as scores.
struct ArgmaxStep : StepOperation {
  int classes;
  bool of_sums;

  std::string kind() const override { return "argmax"; }
  void run(const Step& step, const StepRun& run) const override;
};

struct SquashStep : StepOperation {
  int capsules, dim;

  std::string kind() const override { return "squash"; }
  FracRange input_fracs() const override { return {0, 7}; }
  void run(const Step& step, const StepRun& run) const override;
};

/// Sizes of everything between votes and class capsules.
struct VoteSizes {
  int capsules, classes, dim;
};

struct VotesStep : StepOperation {
  std::string node;  ///< whose parameter `weight` is
  VoteSizes sizes;
  int in_dim;

  std::string kind() const override { return "votes"; }
  std::optional<int> accumulator_frac(const Step& step, const FracOf& frac) const override;
  void run(const Step& step, const StepRun& run) const override;
};

/// Coupling coefficients from logits.
struct SoftmaxStep : StepOperation {
  VoteSizes sizes;

  std::string kind() const override { return "softmax"; }
  FracRange input_fracs() const override { return {0, 7}; }
  void run(const Step& step, const StepRun& run) const override;
};

/// Of votes by coupling coefficients; inputs: coefficients, votes.
struct WeightedSumStep : StepOperation {
  VoteSizes sizes;

  std::string kind() const override { return "weighted sum"; }
  std::optional<int> accumulator_frac(const Step& step, const FracOf& frac) const override;
  void run(const Step& step, const StepRun& run) const override;
};

/// Of votes with class capsules, added to logits; inputs: votes, capsules, logits.
struct AgreementStep : StepOperation {
  VoteSizes sizes;

  std::string kind() const override { return "agreement"; }
  std::optional<int> accumulator_frac(const Step& step, const FracOf& frac) const override;
  void run(const Step& step, const StepRun& run) const override;
};

/// The longest class capsule; its scores are squared lengths.
struct ClassifyStep : StepOperation {
  int classes, dim;

  std::string kind() const override { return "classify"; }
  void run(const Step& step, const StepRun& run) const override;
};

}  // namespace lutra::graph

#endif  // LUTRA_GRAPH_STEP_OPERATIONS_H_
