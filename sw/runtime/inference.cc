#include "lutra/runtime/inference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "lutra/base/error.h"
#include "lutra/graph/assignment.h"
#include "lutra/graph/network.h"
#include "lutra/graph/quantised_network.h"
#include "lutra/graph/site.h"
#include "lutra/graph/steps.h"

namespace lutra::runtime {

std::vector<std::shared_ptr<const engine::Multiplier>> multipliers(
    const graph::Assignment& assignment) {
  constexpr size_t kTableSize = 65536;
  std::vector<std::shared_ptr<const engine::Multiplier>> result;
  for (const synth::Component* component : assignment.components()) {
    if (component == nullptr) {
      result.push_back(std::make_shared<const engine::Multiplier>(tables::ProductTable::exact()));
      continue;
    }
    if (component->lut.size() != kTableSize) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("assignment: the table of {} has {} entries, expected 256 x 256",
                              component->name, component->lut.size()));
    }
    result.push_back(
        std::make_shared<const engine::Multiplier>(tables::ProductTable(component->lut)));
  }
  return result;
}

Inference::Inference(const graph::QuantisedNetwork& network, const graph::Assignment& assignment)
    : network_(network),
      list_(graph::lower(network_)),
      assignment_(assignment),
      multipliers_(multipliers(assignment)) {
  check_accumulators();
}

void Inference::check_accumulators() const {
  for (size_t site = 0; site < assignment_.sites().size(); ++site) {
    const graph::Site& s = assignment_.sites()[site];
    int64_t bias = 0;
    const auto found = network_.biases.find(s.node + ".bias");
    if (found != network_.biases.end()) {
      for (int32_t b : found->second) bias = std::max(bias, std::abs(int64_t{b}));
    }
    const int64_t bound = int64_t{s.fan_in} * multiplier(site).table().largest_magnitude() + bias;
    if (bound > INT32_MAX) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: an accumulator can reach {}, expected at most {}", s.name(),
                              bound, INT32_MAX));
    }
  }
}

void Inference::run(engine::Backend& backend, int images, InferenceState* state,
                    const std::vector<TensorHook>& hooks, int first_image) const {
  auto& tensors = state->tensors;
  for (const auto& [name, info] : list_.tensors) {
    if (name == list_.input) {
      if (static_cast<int64_t>(tensors[name].size()) != info.size() * images) {
        throw Error(ErrorKind::kInternal, "the input tensor has the wrong size");
      }
      continue;
    }
    // What a step writes need not be cleared: a batch's tensors are megabytes.
    std::vector<int8_t>& tensor = tensors[name];
    tensor.resize(static_cast<size_t>(info.size()) * images);
    const bool written =
        std::any_of(list_.steps.begin(), list_.steps.end(),
                    [&name = name](const graph::Step& s) { return s.output == name; });
    if (!written) std::fill(tensor.begin(), tensor.end(), int8_t{0});
  }
  const auto show = [&](const std::string& name, const graph::Step* step) {
    for (const TensorHook& hook : hooks) {
      hook.apply({name, list_.tensors.at(name), step, first_image, images, tensors.at(name).data(),
                  name == list_.output()});
    }
  };
  show(list_.input, nullptr);
  for (const graph::Step& step : list_.steps) {
    graph::StepRun run{backend,       network_, images, {}, {}, tensors.at(step.output).data(),
                       &state->scores};
    for (const std::string& input : step.inputs) run.inputs.push_back(tensors.at(input).data());
    if (step.site != graph::Step::kNoSite) {
      run.products = multiplier(static_cast<size_t>(step.site)).products();
    }
    step.operation->run(step, run);
    show(step.output, &step);
  }
}

}  // namespace lutra::runtime
