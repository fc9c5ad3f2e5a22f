#include <fmt/format.h>

#include <algorithm>

#include "lutra/base/error.h"
#include "lutra/graph/site.h"
#include "lutra/graph/steps.h"

namespace lutra::graph {
namespace {

/// Walks the layers and appends their steps; knows the shape that the next layer sees.
class Lowering {
 public:
  explicit Lowering(const Network& network) {
    for (const Site& site : sites(network)) site_names_.push_back(site.name());
    list_.input = current_ = "input";
    add_tensor(list_.input, {network.height, network.width, network.channels}).fixed_frac =
        kUnitFrac;
    for (const Layer& layer : network.layers) {
      std::visit([this](const auto& l) { append(l); }, layer);
    }
  }

  StepList take() { return std::move(list_); }

 private:
  static constexpr int kUnitFrac = 7;  // of what lies in (-1, 1)

  TensorInfo& add_tensor(const std::string& name, std::vector<int> shape) {
    TensorInfo& tensor = list_.tensors[name];
    tensor.shape = std::move(shape);
    return tensor;
  }

  Step step(Step::Kind kind, const std::string& name, std::vector<std::string> inputs,
            const std::string& output) const {
    Step result;
    result.kind = kind;
    result.name = name;
    const auto site = std::find(site_names_.begin(), site_names_.end(), name);
    if (site != site_names_.end()) result.site = static_cast<int>(site - site_names_.begin());
    result.inputs = std::move(inputs);
    result.output = output;
    result.votes = votes_;
    return result;
  }

  void append(const Conv2d& conv) {
    const auto& shape = list_.tensors.at(current_).shape;
    Step convolution = step(Step::Kind::kConv2d, conv.name + ".mac", {current_}, conv.name);
    convolution.relu = conv.relu;
    convolution.conv = &conv;
    add_tensor(conv.name, {conv.window().outputs(shape[0]), conv.window().outputs(shape[1]),
                           conv.out_channels});
    push(convolution);
  }

  void append(const Squash& squash) {
    Step capsules = step(Step::Kind::kSquash, squash.name + ".squash", {current_}, squash.name);
    capsules.dim = squash.dim;
    const auto count = static_cast<int>(list_.tensors.at(current_).size() / squash.dim);
    add_tensor(squash.name, {count, squash.dim}).fixed_frac = kUnitFrac;
    push(capsules);
  }

  void append(const Votes& votes) {
    votes_ = &votes;
    add_tensor(votes.name, {votes.capsules, votes.classes, votes.out_dim});
    push(step(Step::Kind::kVotes, votes.name + ".mac", {current_}, votes.name));
  }

  void append(const Routing& routing) {
    const std::string votes = current_;
    const auto name = [&](const char* what, int iteration) {
      return fmt::format("{}.{}.{}", routing.name, what, iteration);
    };
    add_tensor(name("logits", 0), {votes_->capsules, votes_->classes});
    for (int t = 1; t <= routing.iterations; ++t) {
      const std::string coupling = name("coupling", t);
      add_tensor(coupling, {votes_->classes, votes_->capsules}).fixed_frac = kUnitFrac;
      push(step(Step::Kind::kSoftmax, name("softmax", t), {name("logits", t - 1)}, coupling));

      const std::string sum = name("sum", t);
      add_tensor(sum, {votes_->classes, votes_->out_dim});
      push(step(Step::Kind::kWeightedSum, sum, {coupling, votes}, sum));

      const std::string capsules = name("capsules", t);
      Step squash = step(Step::Kind::kSquash, name("squash", t), {sum}, capsules);
      squash.dim = votes_->out_dim;
      add_tensor(capsules, {votes_->classes, votes_->out_dim}).fixed_frac = kUnitFrac;
      push(squash);

      if (t == routing.iterations) break;
      const std::string logits = name("logits", t);
      add_tensor(logits, {votes_->capsules, votes_->classes}).in_place_of = name("logits", 0);
      push(step(Step::Kind::kAgreement, name("agreement", t),
                {votes, capsules, name("logits", t - 1)}, logits));
    }
    current_ = name("capsules", routing.iterations);
  }

  void append(const Classify& classify) {
    Step index = step(Step::Kind::kClassify, classify.name + ".mac", {current_}, classify.name);
    index.dim = votes_->out_dim;
    add_tensor(classify.name, {1}).fixed_frac = 0;
    push(index);
  }

  void push(const Step& step) {
    current_ = step.output;
    list_.steps.push_back(step);
  }

  std::vector<std::string> site_names_;
  StepList list_;
  std::string current_;
  const Votes* votes_ = nullptr;
};

/// Squash and softmax accept fraction lengths 0..7 only.
int nonlinear_frac(const std::string& step, int frac) {
  if (frac < 0 || frac > 7) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: fraction length {}, expected 0..7", step, frac));
  }
  return frac;
}

}  // namespace

StepList lower(const Network& network) { return Lowering(network).take(); }

StepList lower(const QuantisedNetwork& network) {
  StepList list = lower(network.description);
  const auto frac = [&network](const std::string& tensor) {
    const auto found = network.fractions.find(tensor);
    if (found == network.fractions.end()) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("network {}: no fraction length for tensor '{}'",
                              network.description.name, tensor));
    }
    return found->second;
  };
  // The index of the class has none.
  const std::string& result = list.output();
  for (auto& [name, tensor] : list.tensors) {
    if (name != result) tensor.frac = frac(name);
  }
  for (Step& step : list.steps) {
    int from = 0;  // of the accumulator
    switch (step.kind) {
      case Step::Kind::kConv2d:
        from = frac(step.inputs[0]) + frac(step.conv->name + ".weight");
        break;
      case Step::Kind::kVotes:
        from = frac(step.inputs[0]) + frac(step.votes->name + ".weight");
        break;
      case Step::Kind::kWeightedSum:
      case Step::Kind::kAgreement:
        from = frac(step.inputs[0]) + frac(step.inputs[1]);
        break;
      case Step::Kind::kSquash:
      case Step::Kind::kSoftmax:
        step.frac = nonlinear_frac(step.name, frac(step.inputs[0]));
        continue;
      case Step::Kind::kClassify:
        continue;
    }
    step.shift = from - frac(step.output);
    if (step.shift < 0 || step.shift > 31) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: requantisation from {} to {} fraction bits, the shift must lie "
                              "in 0..31",
                              step.name, from, frac(step.output)));
    }
  }
  return list;
}

}  // namespace lutra::graph
