// classify: the index of the longest class capsule.
#include <algorithm>

#include "attributes.h"
#include "capsules.h"
#include "lutra/graph/step_operations.h"
#include "shapes.h"

namespace lutra::graph {
namespace {

class Classify : public Operation {
 public:
  explicit Classify(Attributes attributes) { attributes.end(); }

  std::string kind() const override { return "classify"; }
  nlohmann::json attributes() const override { return nlohmann::json::object(); }

  Shape output_shape(const Place& place) const override {
    capsules(place);
    return {1};
  }

  std::vector<Site> sites(const Place& place) const override {
    Site site;
    site.node = place.node;
    site.operation = "mac";
    site.group = "activation";
    site.fan_in = capsules(place)[1];
    site.products = elements_of(capsules(place));
    return {site};
  }

  std::unique_ptr<FloatKernel> float_kernel(const Place& place,
                                            const FloatWeights&) const override {
    struct Kernel : FloatKernel {
      std::string node;
      size_t classes, dim;
      void run(const std::vector<const std::vector<float>*>& inputs,
               FloatTensors* tensors) const override {
        const std::vector<float>& v = *inputs[0];
        std::vector<float> squared(classes, 0);
        for (size_t i = 0; i < v.size(); ++i) squared[i / dim] += v[i] * v[i];
        const auto best = std::max_element(squared.begin(), squared.end()) - squared.begin();
        (*tensors)[node] = {static_cast<float>(best)};
      }
    };
    auto kernel = std::make_unique<Kernel>();
    kernel->node = place.node;
    kernel->classes = static_cast<size_t>(capsules(place)[0]);
    kernel->dim = static_cast<size_t>(capsules(place)[1]);
    return kernel;
  }

  void lower(const Place& place, Lowering* lowering) const override {
    auto step = std::make_shared<ClassifyStep>();
    step->classes = capsules(place)[0];
    step->dim = capsules(place)[1];
    lowering->add_tensor(place.node, place.output).fixed_frac = 0;
    lowering->add_step(place.node + ".mac", step, {lowering->input(0)}, place.node);
  }

 private:
  static const Shape& capsules(const Place& place) {
    return input_of_rank(place, 2, "[classes, dim]");
  }
};

}  // namespace

void ClassifyStep::run(const Step&, const StepRun& run) const {
  run.scores->resize(static_cast<size_t>(run.images) * static_cast<size_t>(classes));
  run.backend.classify(
      {run.images, classes, dim, run.inputs[0], run.products, run.scores->data(), run.output});
}

namespace kinds {

std::shared_ptr<const Operation> classify(const Attributes& attributes) {
  return std::make_shared<Classify>(attributes);
}

}  // namespace kinds
}  // namespace lutra::graph
