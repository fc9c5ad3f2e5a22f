// votes: what each capsule predicts for each class capsule, u_i W_ij; weights
// [capsules][classes][in_dim][out_dim].
#include <fmt/format.h>

#include "attributes.h"
#include "capsules.h"
#include "lutra/graph/step_operations.h"
#include "shapes.h"

namespace lutra::graph {
namespace {

class Votes : public Operation {
 public:
  explicit Votes(Attributes attributes)
      : classes_(attributes.integer("classes", 2, kMaxCapsuleDim)),
        out_dim_(attributes.integer("out_dim", 1, kMaxCapsuleDim)) {
    attributes.end();
  }

  std::string kind() const override { return "votes"; }
  nlohmann::json attributes() const override {
    return {{"classes", classes_}, {"out_dim", out_dim_}};
  }

  Shape output_shape(const Place& place) const override {
    return {capsules(place)[0], classes_, out_dim_};
  }

  std::map<std::string, Parameter> parameters(const Place& place) const override {
    const Shape& in = capsules(place);
    Parameter weight;
    for (const int n : {in[0], classes_, in[1], out_dim_}) {
      weight.shape.push_back(static_cast<size_t>(n));
    }
    weight.initial_deviation = 0.1;
    return {{"weight", weight}};
  }

  std::vector<Site> sites(const Place& place) const override {
    const Shape& in = capsules(place);
    Site site;
    site.node = place.node;
    site.operation = "mac";
    site.group = "mac";
    site.fan_in = in[1];
    site.products = elements_of(in) * classes_ * out_dim_;
    site.has_weights = true;
    site.on_array = true;
    return {site};
  }

  std::unique_ptr<FloatKernel> float_kernel(const Place& place,
                                            const FloatWeights& weights) const override {
    struct Kernel : FloatKernel {
      std::string node;
      std::vector<float> weight;
      int pairs, classes, in_dim, out_dim;
      void run(const std::vector<const std::vector<float>*>& inputs,
               FloatTensors* tensors) const override {
        const std::vector<float>& u = *inputs[0];
        std::vector<float> out(static_cast<size_t>(pairs) * out_dim, 0);
        for (int ij = 0; ij < pairs; ++ij) {
          float* vote = &out[static_cast<size_t>(ij) * out_dim];
          for (int k = 0; k < in_dim; ++k) {
            const float a = u[static_cast<size_t>(ij / classes) * in_dim + k];
            const float* w = &weight[(static_cast<size_t>(ij) * in_dim + k) * out_dim];
            for (int d = 0; d < out_dim; ++d) vote[d] += a * w[d];
          }
        }
        (*tensors)[node] = std::move(out);
      }
    };
    const Shape& in = capsules(place);
    auto kernel = std::make_unique<Kernel>();
    kernel->node = place.node;
    kernel->weight = weights.at(place.node + ".weight").values;
    kernel->pairs = in[0] * classes_;
    kernel->classes = classes_;
    kernel->in_dim = in[1];
    kernel->out_dim = out_dim_;
    return kernel;
  }

  void lower(const Place& place, Lowering* lowering) const override {
    const Shape& in = capsules(place);
    auto step = std::make_shared<VotesStep>();
    step->node = place.node;
    step->sizes = {in[0], classes_, out_dim_};
    step->in_dim = in[1];
    lowering->add_tensor(place.node, place.output);
    lowering->add_step(place.node + ".mac", step, {lowering->input(0)}, place.node);
  }

 private:
  static const Shape& capsules(const Place& place) {
    return input_of_rank(place, 2, "[capsules, dim]");
  }

  int classes_, out_dim_;
};

}  // namespace

std::optional<int> VotesStep::accumulator_frac(const Step& step, const FracOf& frac) const {
  return frac(step.inputs[0]) + frac(node + ".weight");
}

void VotesStep::run(const Step& step, const StepRun& run) const {
  run.backend.votes({run.images, sizes.capsules, in_dim, sizes.classes, sizes.dim, step.shift,
                     run.inputs[0], run.network.weights.at(node + ".weight").data(), run.products,
                     run.output});
}

namespace kinds {

std::shared_ptr<const Operation> votes(const Attributes& attributes) {
  return std::make_shared<Votes>(attributes);
}

}  // namespace kinds
}  // namespace lutra::graph
