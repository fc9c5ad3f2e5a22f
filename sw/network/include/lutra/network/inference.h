#ifndef LUTRA_NETWORK_INFERENCE_H_
#define LUTRA_NETWORK_INFERENCE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lutra/engine/backend.h"
#include "lutra/network/dataset.h"
#include "lutra/network/quantised.h"

namespace lutra::network {

/// Table of one component: int16 [256][256], first operand outer.
using Table = std::vector<int16_t>;

/// Operation -> table. Operations that are not named use the exact product.
using Assignment = std::map<std::string, const Table*>;

/// What stands in for the routing's coupling coefficients: a network whose accuracy does not change
/// under the other two does not really route.
enum class Coupling {
  kRouted,    ///< softmax of the logits, as specified
  kUniform,   ///< softmax of zero logits, in every iteration
  kShuffled,  ///< routed, then permuted over the input capsules, by a seeded permutation an image
};

/// Tensors of a batch by name, each [images][shape of StepList::tensors]; after a run also "scores"
/// would be int32 and is kept apart.
struct InferenceState {
  std::map<std::string, std::vector<int8_t>> tensors;
  std::vector<int32_t> scores;  ///< [images][classes]
};

/// The integer network on an engine backend.
class Inference {
 public:
  /// Checks the assignment's names and every accumulator's bound.
  /// @throws Error kInvalidArgument with the operation, what was found and what is allowed
  Inference(const QuantisedNetwork& network, const Assignment& assignment);
  // The step list points into the network held here.
  Inference(const Inference&) = delete;
  Inference& operator=(const Inference&) = delete;

  /// Runs the steps on `images` images that state.tensors["input"] holds; leaves every tensor
  /// there.
  void run(engine::Backend& backend, int images, Coupling coupling, uint64_t seed,
           InferenceState* state) const;

  const StepList& steps() const { return list_; }
  const QuantisedNetwork& network() const { return network_; }

 private:
  const engine::Multiplier& multiplier(const std::string& operation) const;
  void check_accumulators() const;

  QuantisedNetwork network_;
  StepList list_;
  engine::Multiplier exact_;
  std::map<std::string, std::shared_ptr<const engine::Multiplier>> multipliers_;  ///< by operation
};

/// @throws Error kInvalidArgument unless the data set has the images first .. first + images - 1,
/// images >= 1, and they are of the size that the network takes
void check_images(const Network& network, const Dataset& data, int first, int images);

struct EvaluateOptions {
  std::string backend = "auto";
  int images = 0;  ///< 0: all
  int jobs = 0;    ///< threads; 0: all cores
  uint64_t seed = 1;
  Coupling coupling = Coupling::kRouted;
  std::function<void(const std::string&)> progress;
};

struct EvaluateResult {
  int images = 0;
  int right = 0;
  std::vector<char> is_right;  ///< by image
  double accuracy = 0;         ///< share of right classes
  double seconds = 0;
  std::string backend;
};

/// Accuracy on the first images of a data set.
EvaluateResult evaluate(const Inference& inference, const Dataset& data,
                        const EvaluateOptions& options);

}  // namespace lutra::network

#endif  // LUTRA_NETWORK_INFERENCE_H_
