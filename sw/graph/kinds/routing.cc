// routing: dynamic routing by agreement over the votes (docs/numerics.md, section 8). Each
// iteration leaves tensors of its own: NODE.coupling.T, NODE.sum.T, NODE.capsules.T, and
// NODE.logits.T, which takes the place of those before it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attributes.h"
#include "capsules.h"
#include "lutra/graph/step_operations.h"
#include "shapes.h"

namespace lutra::graph {
namespace {

constexpr int kMaxIterations = 16;

class Routing : public Operation {
 public:
  explicit Routing(Attributes attributes)
      : iterations_(attributes.integer("iterations", 1, kMaxIterations, 3)) {
    attributes.end();
  }

  std::string kind() const override { return "routing"; }
  nlohmann::json attributes() const override { return {{"iterations", iterations_}}; }

  Shape output_shape(const Place& place) const override {
    const VoteSizes sizes = sizes_of(place);
    return {sizes.classes, sizes.dim};
  }
  std::string output_name(const std::string& node) const override {
    return name(node, "capsules", iterations_);
  }

  std::vector<Site> sites(const Place& place) const override {
    const VoteSizes sizes = sizes_of(place);
    const int64_t all = elements_of(place.inputs[0]);
    std::vector<Site> result;
    for (int t = 1; t <= iterations_; ++t) {
      result.push_back({place.node, "sum", t, "mac", sizes.capsules, all, false, true});
      result.push_back({place.node, "squash", t, "activation", sizes.dim,
                        int64_t{sizes.classes} * sizes.dim, false, false});
      if (t == iterations_) break;
      result.push_back({place.node, "agreement", t, "logits", sizes.dim, all, false, true});
    }
    return result;
  }

  std::unique_ptr<FloatKernel> float_kernel(const Place& place,
                                            const FloatWeights&) const override {
    auto kernel = std::make_unique<Kernel>();
    kernel->node = place.node;
    kernel->sizes = sizes_of(place);
    kernel->iterations = iterations_;
    return kernel;
  }

  void lower(const Place& place, Lowering* lowering) const override {
    const VoteSizes sizes = sizes_of(place);
    const std::string votes = lowering->input(0);
    const auto named = [&](const char* what, int t) { return name(place.node, what, t); };
    const auto step = [&sizes](auto operation) {
      operation->sizes = sizes;
      return operation;
    };
    lowering->add_tensor(named("logits", 0), {sizes.capsules, sizes.classes});
    for (int t = 1; t <= iterations_; ++t) {
      const std::string coupling = named("coupling", t);
      lowering->add_tensor(coupling, {sizes.classes, sizes.capsules}).fixed_frac =
          Lowering::kUnitFrac;
      lowering->add_step(named("softmax", t), step(std::make_shared<SoftmaxStep>()),
                         {named("logits", t - 1)}, coupling);

      const std::string sum = named("sum", t);
      lowering->add_tensor(sum, place.output);
      lowering->add_step(sum, step(std::make_shared<WeightedSumStep>()), {coupling, votes}, sum);

      const std::string capsules = named("capsules", t);
      auto squash = std::make_shared<SquashStep>();
      squash->capsules = sizes.classes;
      squash->dim = sizes.dim;
      lowering->add_tensor(capsules, place.output).fixed_frac = Lowering::kUnitFrac;
      lowering->add_step(named("squash", t), squash, {sum}, capsules);

      if (t == iterations_) break;
      const std::string logits = named("logits", t);
      lowering->add_tensor(logits, {sizes.capsules, sizes.classes}).in_place_of =
          named("logits", 0);
      lowering->add_step(named("agreement", t), step(std::make_shared<AgreementStep>()),
                         {votes, capsules, named("logits", t - 1)}, logits);
    }
  }

 private:
  struct Kernel : FloatKernel {
    std::string node;
    VoteSizes sizes;
    int iterations;

    void run(const std::vector<const std::vector<float>*>& inputs,
             FloatTensors* tensors) const override {
      const std::vector<float>& votes = *inputs[0];
      const auto [capsules, classes, dim] = sizes;
      std::vector<float> logits(static_cast<size_t>(capsules) * classes, 0);
      for (int t = 1; t <= iterations; ++t) {
        std::vector<float> coupling(static_cast<size_t>(classes) * capsules);
        std::vector<float> s(static_cast<size_t>(classes) * dim, 0);
        for (int i = 0; i < capsules; ++i) {
          const float* b = &logits[static_cast<size_t>(i) * classes];
          const float largest = *std::max_element(b, b + classes);
          float sum = 0;
          for (int j = 0; j < classes; ++j) sum += std::exp(b[j] - largest);
          for (int j = 0; j < classes; ++j) {
            const float c = std::exp(b[j] - largest) / sum;
            coupling[static_cast<size_t>(j) * capsules + i] = c;
            const float* vote = &votes[(static_cast<size_t>(i) * classes + j) * dim];
            for (int d = 0; d < dim; ++d) s[static_cast<size_t>(j) * dim + d] += c * vote[d];
          }
        }
        (*tensors)[name(node, "coupling", t)] = std::move(coupling);
        const std::vector<float> v = squashed(s, dim);
        (*tensors)[name(node, "sum", t)] = std::move(s);
        if (t < iterations) {
          for (int ij = 0; ij < capsules * classes; ++ij) {
            for (int d = 0; d < dim; ++d) {
              logits[ij] += votes[static_cast<size_t>(ij) * dim + d] *
                            v[static_cast<size_t>(ij % classes) * dim + d];
            }
          }
          (*tensors)[name(node, "logits", t)] = logits;
        }
        (*tensors)[name(node, "capsules", t)] = v;
      }
    }
  };

  static std::string name(const std::string& node, const char* what, int iteration) {
    return fmt::format("{}.{}.{}", node, what, iteration);
  }
  static VoteSizes sizes_of(const Place& place) {
    const Shape& votes = input_of_rank(place, 3, "[capsules, classes, dim]");
    return {votes[0], votes[1], votes[2]};
  }

  int iterations_;
};

/// Of two tensors that are multiplied.
int sum_of_fracs(const Step& step, const FracOf& frac) {
  return frac(step.inputs[0]) + frac(step.inputs[1]);
}

}  // namespace

void SoftmaxStep::run(const Step& step, const StepRun& run) const {
  run.backend.softmax(
      {run.images, sizes.capsules, sizes.classes, step.frac, run.inputs[0], run.output});
}

std::optional<int> WeightedSumStep::accumulator_frac(const Step& step, const FracOf& frac) const {
  return sum_of_fracs(step, frac);
}

void WeightedSumStep::run(const Step& step, const StepRun& run) const {
  run.backend.weighted_sum({run.images, sizes.capsules, sizes.classes, sizes.dim, step.shift,
                            run.inputs[0], run.inputs[1], run.products, run.output});
}

std::optional<int> AgreementStep::accumulator_frac(const Step& step, const FracOf& frac) const {
  return sum_of_fracs(step, frac);
}

void AgreementStep::run(const Step& step, const StepRun& run) const {
  run.backend.agreement({run.images, sizes.capsules, sizes.classes, sizes.dim, step.shift,
                         run.inputs[0], run.inputs[1], run.products, run.inputs[2], run.output});
}

namespace kinds {

std::shared_ptr<const Operation> routing(const Attributes& attributes) {
  return std::make_shared<Routing>(attributes);
}

}  // namespace kinds
}  // namespace lutra::graph
