#include "lutra/graph/steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lutra/base/error.h"
#include "lutra/graph/site.h"

namespace lutra::graph {

Lowering::Lowering(const Network& network) {
  for (const Site& site : sites(network)) site_names_.push_back(site.name());
  list_.input = Network::kInput;
  add_tensor(list_.input, network.input()).fixed_frac = kUnitFrac;
  for (size_t n = 0; n < network.nodes().size(); ++n) {
    const Node& node = network.nodes()[n];
    inputs_.clear();
    for (const std::string& input : node.inputs) inputs_.push_back(network.tensor_of(input));
    node.operation->lower(network.place(n), this);
  }
}

TensorInfo& Lowering::add_tensor(const std::string& name, Shape shape) {
  const auto [tensor, is_new] = list_.tensors.try_emplace(name);
  if (!is_new) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("two tensors are called {}", name));
  }
  tensor->second.shape = std::move(shape);
  return tensor->second;
}

void Lowering::add_step(const std::string& name, std::shared_ptr<const StepOperation> operation,
                        std::vector<std::string> inputs, const std::string& output) {
  Step step;
  step.name = name;
  const auto site = std::find(site_names_.begin(), site_names_.end(), name);
  if (site != site_names_.end()) step.site = static_cast<int>(site - site_names_.begin());
  step.operation = std::move(operation);
  step.inputs = std::move(inputs);
  step.output = output;
  list_.steps.push_back(std::move(step));
}

Step* Lowering::writer_of(const std::string& tensor) {
  for (Step& step : list_.steps) {
    if (step.output == tensor) return &step;
  }
  return nullptr;
}

StepList lower(const Network& network) { return Lowering(network).take(); }

StepList lower(const QuantisedNetwork& network) {
  StepList list = lower(network.description);
  const FracOf frac = [&network](const std::string& tensor) {
    const auto found = network.fractions.find(tensor);
    if (found == network.fractions.end()) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("network {}: no fraction length for tensor '{}'",
                              network.description.name(), tensor));
    }
    return found->second;
  };
  // The index of the class has none.
  const std::string& result = list.output();
  for (auto& [name, tensor] : list.tensors) {
    if (name != result) tensor.frac = frac(name);
  }
  for (const auto& [name, tensor] : list.tensors) {
    for (const std::string& other : tensor.same_format_as) {
      if (list.tensors.at(other).frac == tensor.frac) continue;
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("network {}: fraction lengths {} of {} and {} of {}, expected one",
                              network.description.name(), tensor.frac, name,
                              list.tensors.at(other).frac, other));
    }
  }
  for (Step& step : list.steps) {
    step.frac = frac(step.inputs[0]);
    if (step.inputs.size() > 1) step.second_frac = frac(step.inputs[1]);
    const FracRange range = step.operation->input_fracs();
    if (step.frac < range.least || step.frac > range.most) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: fraction length {}, expected {}..{}", step.name, step.frac,
                              range.least, range.most));
    }
    const std::optional<int> from = step.operation->accumulator_frac(step, frac);
    if (!from) continue;
    step.shift = *from - frac(step.output);
    if (step.shift < 0 || step.shift > 31) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: requantisation from {} to {} fraction bits, the shift must lie "
                              "in 0..31",
                              step.name, *from, frac(step.output)));
    }
  }
  return list;
}

}  // namespace lutra::graph
