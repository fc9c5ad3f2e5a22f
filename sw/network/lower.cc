#include <fmt/format.h>

#include "lutra/base/error.h"
#include "lutra/network/quantised.h"

namespace lutra::network {
namespace {

/// Walks the layers and appends their steps; knows the shape that the next layer sees.
class Lowering {
 public:
  explicit Lowering(const QuantisedNetwork& network) : network_(network) {
    const Network& d = network.description;
    add_tensor("input", {d.height, d.width, d.channels});
    current_ = "input";
    for (const Layer& layer : d.layers) std::visit([this](const auto& l) { append(l); }, layer);
  }

  StepList take() { return std::move(list_); }

 private:
  int frac(const std::string& tensor) const {
    const auto found = network_.fractions.find(tensor);
    if (found == network_.fractions.end()) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("network {}: no fraction length for tensor '{}'",
                              network_.description.name, tensor));
    }
    return found->second;
  }

  /// The shift from an accumulator of `from` fraction bits to an element of `to`.
  static int shift(const std::string& step, int from, int to) {
    if (from - to < 0 || from - to > 31) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: requantisation from {} to {} fraction bits, the shift must lie "
                              "in 0..31",
                              step, from, to));
    }
    return from - to;
  }

  /// Squash and softmax accept fraction lengths 0..7 only.
  static int nonlinear_frac(const std::string& step, int frac) {
    if (frac < 0 || frac > 7) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: fraction length {}, expected 0..7", step, frac));
    }
    return frac;
  }

  void add_tensor(const std::string& name, std::vector<int> shape) {
    list_.tensors[name] = {std::move(shape), frac(name)};
  }

  void append(const Conv2d& conv) {
    const auto& shape = list_.tensors.at(current_).shape;
    Step step;
    step.kind = Step::Kind::kConv2d;
    step.name = step.operation = conv.name + ".mac";
    step.inputs = {current_};
    step.output = conv.name;
    step.relu = conv.relu;
    step.conv = &conv;
    step.shift = shift(step.name, frac(current_) + frac(conv.name + ".weight"), frac(conv.name));
    add_tensor(conv.name, {conv.window().outputs(shape[0]), conv.window().outputs(shape[1]),
                           conv.out_channels});
    push(step);
  }

  void append(const Squash& squash) {
    Step step;
    step.kind = Step::Kind::kSquash;
    step.name = squash.name + ".squash";
    step.operation = "squash.mac";
    step.inputs = {current_};
    step.output = squash.name;
    step.dim = squash.dim;
    step.frac = nonlinear_frac(step.name, frac(current_));
    add_tensor(squash.name,
               {static_cast<int>(list_.tensors.at(current_).size() / squash.dim), squash.dim});
    push(step);
  }

  void append(const Votes& votes) {
    Step step;
    step.kind = Step::Kind::kVotes;
    step.name = step.operation = votes.name + ".mac";
    step.inputs = {current_};
    step.output = votes.name;
    step.votes = votes_ = &votes;
    step.shift = shift(step.name, frac(current_) + frac(votes.name + ".weight"), frac(votes.name));
    add_tensor(votes.name, {votes.capsules, votes.classes, votes.out_dim});
    push(step);
  }

  void append(const Routing& routing) {
    const std::string votes = current_;
    const auto name = [&](const char* what, int iteration) {
      return fmt::format("{}.{}.{}", routing.name, what, iteration);
    };
    add_tensor(name("logits", 0), {votes_->capsules, votes_->classes});
    for (int t = 1; t <= routing.iterations; ++t) {
      Step softmax;
      softmax.kind = Step::Kind::kSoftmax;
      softmax.name = name("softmax", t);
      softmax.inputs = {name("logits", t - 1)};
      softmax.output = name("coupling", t);
      softmax.votes = votes_;
      softmax.frac = nonlinear_frac(softmax.name, frac(softmax.inputs[0]));
      add_tensor(softmax.output, {votes_->classes, votes_->capsules});
      push(softmax);

      Step sum;
      sum.kind = Step::Kind::kWeightedSum;
      sum.name = name("sum", t);
      sum.operation = routing.name + ".sum";
      sum.inputs = {softmax.output, votes};
      sum.output = sum.name;
      sum.votes = votes_;
      sum.shift = shift(sum.name, frac(softmax.output) + frac(votes), frac(sum.output));
      add_tensor(sum.output, {votes_->classes, votes_->out_dim});
      push(sum);

      Step squash;
      squash.kind = Step::Kind::kSquash;
      squash.name = name("squash", t);
      squash.operation = "squash.mac";
      squash.inputs = {sum.output};
      squash.output = name("capsules", t);
      squash.dim = votes_->out_dim;
      squash.frac = nonlinear_frac(squash.name, frac(sum.output));
      add_tensor(squash.output, {votes_->classes, votes_->out_dim});
      push(squash);

      if (t == routing.iterations) break;
      Step agreement;
      agreement.kind = Step::Kind::kAgreement;
      agreement.name = name("agreement", t);
      agreement.operation = routing.name + ".agreement";
      agreement.inputs = {votes, squash.output, name("logits", t - 1)};
      agreement.output = name("logits", t);
      agreement.votes = votes_;
      agreement.shift =
          shift(agreement.name, frac(votes) + frac(squash.output), frac(agreement.output));
      add_tensor(agreement.output, {votes_->capsules, votes_->classes});
      push(agreement);
    }
    current_ = name("capsules", routing.iterations);
  }

  void append(const Classify& classify) {
    Step step;
    step.kind = Step::Kind::kClassify;
    step.name = classify.name;
    step.operation = "class.mac";
    step.inputs = {current_};
    step.output = classify.name;
    step.votes = votes_;
    step.dim = votes_->out_dim;
    list_.tensors[classify.name] = {{1}, 0};
    push(step);
  }

  void push(const Step& step) {
    current_ = step.output;
    list_.steps.push_back(step);
  }

  const QuantisedNetwork& network_;
  StepList list_;
  std::string current_;
  const Votes* votes_ = nullptr;
};

}  // namespace

StepList lower(const QuantisedNetwork& network) { return Lowering(network).take(); }

}  // namespace lutra::network
