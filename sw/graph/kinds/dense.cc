// dense: a matrix product with bias, and an activation; takes the elements of any tensor in their
// order.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attributes.h"
#include "float_sums.h"
#include "lutra/graph/step_operations.h"
#include "shapes.h"

namespace lutra::graph {
namespace {

class Dense : public Operation {
 public:
  explicit Dense(Attributes attributes)
      : outputs_(attributes.integer("outputs", 1, kMaxSize)),
        relu_(attributes.one_of("activation", {"none", "relu"}, "none") == "relu") {
    attributes.end();
  }

  std::string kind() const override { return "dense"; }
  nlohmann::json attributes() const override {
    return {{"outputs", outputs_}, {"activation", relu_ ? "relu" : "none"}};
  }

  Shape output_shape(const Place& place) const override {
    if (elements_of(place.inputs[0]) * outputs_ > INT32_MAX) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("node {}: weights of 2^31 elements and more", place.node));
    }
    return {outputs_};
  }

  std::map<std::string, Parameter> parameters(const Place& place) const override {
    const auto terms = static_cast<size_t>(elements_of(place.inputs[0]));
    Parameter weight;
    weight.shape = {static_cast<size_t>(outputs_), terms};
    weight.initial_deviation = std::sqrt(2.0 / static_cast<double>(terms));
    Parameter bias;
    bias.shape = {static_cast<size_t>(outputs_)};
    bias.is_bias = true;
    return {{"weight", weight}, {"bias", bias}};
  }

  std::vector<Site> sites(const Place& place) const override {
    Site site;
    site.node = place.node;
    site.operation = "mac";
    site.group = "mac";
    site.fan_in = static_cast<int>(elements_of(place.inputs[0]));
    site.products = int64_t{site.fan_in} * outputs_;
    site.has_weights = true;
    site.on_array = true;
    return {site};
  }

  std::unique_ptr<FloatKernel> float_kernel(const Place& place,
                                            const FloatWeights& weights) const override {
    struct Kernel : FloatKernel {
      Kernel(const std::vector<float>& weight, int outputs, int terms)
          : sums(weight.data(), outputs, 1, terms) {}
      std::string node;
      std::vector<float> bias;
      bool relu;
      FloatSums sums;
      void run(const std::vector<const std::vector<float>*>& inputs,
               FloatTensors* tensors) const override {
        std::vector<float> out(bias.size());
        sums.run({inputs[0]->data()}, {0}, {out.data()});
        for (size_t i = 0; i < out.size(); ++i) {
          const float sum = out[i] + bias[i];
          out[i] = relu ? std::max(0.0f, sum) : sum;
        }
        (*tensors)[node] = std::move(out);
      }
    };
    auto kernel = std::make_unique<Kernel>(weights.at(place.node + ".weight").values, outputs_,
                                           static_cast<int>(elements_of(place.inputs[0])));
    kernel->node = place.node;
    kernel->bias = weights.at(place.node + ".bias").values;
    kernel->relu = relu_;
    return kernel;
  }

  void lower(const Place& place, Lowering* lowering) const override {
    auto step = std::make_shared<DenseStep>();
    step->node = place.node;
    step->terms = static_cast<int>(elements_of(place.inputs[0]));
    step->outputs = outputs_;
    step->relu = relu_;
    lowering->add_tensor(place.node, place.output);
    lowering->add_step(place.node + ".mac", step, {lowering->input(0)}, place.node);
  }

 private:
  int outputs_;
  bool relu_;
};

}  // namespace

std::optional<int> DenseStep::accumulator_frac(const Step& step, const FracOf& frac) const {
  return frac(step.inputs[0]) + frac(node + ".weight");
}

void DenseStep::run(const Step& step, const StepRun& run) const {
  engine::GemmArgs args{1,
                        run.images,
                        outputs,
                        terms,
                        true,
                        run.inputs[0],
                        run.network.weights.at(node + ".weight").data(),
                        run.network.biases.at(node + ".bias").data(),
                        run.products,
                        {}};
  args.to = {engine::Requantisation::to_int8(step.shift, relu), run.output, nullptr};
  if (step.leaves_scores) {
    run.scores->resize(static_cast<size_t>(run.images) * static_cast<size_t>(outputs));
    args.to.sums = run.scores->data();
  }
  run.backend.gemm(args);
}

namespace kinds {

std::shared_ptr<const Operation> dense(const Attributes& attributes) {
  return std::make_shared<Dense>(attributes);
}

}  // namespace kinds
}  // namespace lutra::graph
