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
      hook.apply(
          {name, list_.tensors.at(name), step, first_image, images, tensors.at(name).data()});
    }
  };
  show(list_.input, nullptr);
  for (const graph::Step& step : list_.steps) {
    const auto in = [&](int index) { return tensors.at(step.inputs.at(index)).data(); };
    std::vector<int8_t>& out = tensors.at(step.output);
    engine::Products products = {};
    if (step.site != graph::Step::kNoSite) {
      products = multiplier(static_cast<size_t>(step.site)).products();
    }
    const graph::Votes* v = step.votes;
    switch (step.kind) {
      case graph::Step::Kind::kConv2d: {
        const auto& shape = list_.tensors.at(step.inputs[0]).shape;
        const graph::Conv2d& c = *step.conv;
        engine::Conv2dArgs args{images,
                                shape[0],
                                shape[1],
                                c.in_channels,
                                c.out_channels,
                                c.window(),
                                c.window(),
                                1,
                                c.padded,
                                0,
                                in(0),
                                network_.weights.at(c.name + ".weight").data(),
                                network_.biases.at(c.name + ".bias").data(),
                                products,
                                {}};
        args.to = {engine::Requantisation::to_int8(step.shift, step.relu), out.data(), nullptr};
        backend.conv2d(args);
        break;
      }
      case graph::Step::Kind::kSquash:
        backend.squash({static_cast<int64_t>(out.size()) / step.dim, step.dim, step.frac, in(0),
                        products, out.data()});
        break;
      case graph::Step::Kind::kVotes:
        backend.votes({images, v->capsules, v->in_dim, v->classes, v->out_dim, step.shift, in(0),
                       network_.weights.at(v->name + ".weight").data(), products, out.data()});
        break;
      case graph::Step::Kind::kSoftmax:
        backend.softmax({images, v->capsules, v->classes, step.frac, in(0), out.data()});
        break;
      case graph::Step::Kind::kWeightedSum:
        backend.weighted_sum({images, v->capsules, v->classes, v->out_dim, step.shift, in(0), in(1),
                              products, out.data()});
        break;
      case graph::Step::Kind::kAgreement:
        backend.agreement({images, v->capsules, v->classes, v->out_dim, step.shift, in(0), in(1),
                           products, in(2), out.data()});
        break;
      case graph::Step::Kind::kClassify:
        state->scores.resize(static_cast<size_t>(images) * v->classes);
        backend.classify(
            {images, v->classes, step.dim, in(0), products, state->scores.data(), out.data()});
        break;
    }
    show(step.output, &step);
  }
}

}  // namespace lutra::runtime
