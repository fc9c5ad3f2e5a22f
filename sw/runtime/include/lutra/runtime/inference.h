#ifndef LUTRA_RUNTIME_INFERENCE_H_
#define LUTRA_RUNTIME_INFERENCE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lutra/engine/backend.h"
#include "lutra/graph/assignment.h"
#include "lutra/graph/quantised_network.h"
#include "lutra/graph/steps.h"
#include "lutra/runtime/tensor_hook.h"

namespace lutra::runtime {

/// Tensors of a batch by name, each [images][shape of StepList::tensors].
struct InferenceState {
  std::map<std::string, std::vector<int8_t>> tensors;
  std::vector<int32_t> scores;  ///< [images][classes]
};

/// What the engine multiplies with, by the numbers of an assignment's components.
std::vector<std::shared_ptr<const engine::Multiplier>> multipliers(
    const graph::Assignment& assignment);

/// The integer network on an engine backend.
class Inference {
 public:
  /// Checks every table's size and every accumulator's bound.
  /// @throws Error kInvalidArgument with the site, what was found and what is allowed
  Inference(const graph::QuantisedNetwork& network, const graph::Assignment& assignment);
  /// With the exact product at every site.
  explicit Inference(const graph::QuantisedNetwork& network)
      : Inference(network, graph::Assignment(network.description)) {}
  // The step list points into the network held here.
  Inference(const Inference&) = delete;
  Inference& operator=(const Inference&) = delete;

  /// Runs the steps on `images` images that state->tensors["input"] holds; leaves every tensor
  /// there.
  /// @param hooks        each is shown every tensor, in this order
  /// @param first_image  the number that hooks know the first image by
  void run(engine::Backend& backend, int images, InferenceState* state,
           const std::vector<TensorHook>& hooks = {}, int first_image = 0) const;

  const graph::StepList& steps() const { return list_; }
  const graph::QuantisedNetwork& network() const { return network_; }

 private:
  const engine::Multiplier& multiplier(size_t site) const {
    return *multipliers_[static_cast<size_t>(assignment_.number(site))];
  }
  void check_accumulators() const;

  graph::QuantisedNetwork network_;
  graph::StepList list_;
  graph::Assignment assignment_;
  std::vector<std::shared_ptr<const engine::Multiplier>> multipliers_;  ///< by number
};

}  // namespace lutra::runtime

#endif  // LUTRA_RUNTIME_INFERENCE_H_
