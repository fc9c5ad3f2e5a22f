// add: the sum of two tensors of one shape, and an activation.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "attributes.h"
#include "lutra/base/error.h"
#include "lutra/graph/step_operations.h"
#include "shapes.h"

namespace lutra::graph {
namespace {

class Add : public Operation {
 public:
  explicit Add(Attributes attributes)
      : relu_(attributes.one_of("activation", {"none", "relu"}, "none") == "relu") {
    attributes.end();
  }

  std::string kind() const override { return "add"; }
  nlohmann::json attributes() const override { return {{"activation", relu_ ? "relu" : "none"}}; }
  int least_inputs() const override { return 2; }
  int most_inputs() const override { return 2; }

  Shape output_shape(const Place& place) const override {
    if (place.inputs[0] == place.inputs[1]) return place.inputs[0];
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("node {}: inputs of shapes {} and {}, expected one shape", place.node,
                            place.inputs[0], place.inputs[1]));
  }

  std::unique_ptr<FloatKernel> float_kernel(const Place& place,
                                            const FloatWeights&) const override {
    struct Kernel : FloatKernel {
      std::string node;
      bool relu;
      void run(const std::vector<const std::vector<float>*>& inputs,
               FloatTensors* tensors) const override {
        std::vector<float> out = *inputs[0];
        for (size_t i = 0; i < out.size(); ++i) {
          const float sum = out[i] + (*inputs[1])[i];
          out[i] = relu ? std::max(0.0f, sum) : sum;
        }
        (*tensors)[node] = std::move(out);
      }
    };
    auto kernel = std::make_unique<Kernel>();
    kernel->node = place.node;
    kernel->relu = relu_;
    return kernel;
  }

  void lower(const Place& place, Lowering* lowering) const override {
    auto step = std::make_shared<AddStep>();
    step->elements = elements_of(place.output);
    step->relu = relu_;
    lowering->add_tensor(place.node, place.output);
    lowering->add_step(place.node + ".add", step, {lowering->input(0), lowering->input(1)},
                       place.node);
  }

 private:
  bool relu_;
};

}  // namespace

/// Both are shifted to the finer of the two formats.
std::optional<int> AddStep::accumulator_frac(const Step& step, const FracOf& frac) const {
  return std::max(frac(step.inputs[0]), frac(step.inputs[1]));
}

void AddStep::run(const Step& step, const StepRun& run) const {
  const int finer = std::max(step.frac, step.second_frac);
  run.backend.add({elements * run.images, finer - step.frac, finer - step.second_frac, true,
                   run.inputs[0], run.inputs[1], engine::Requantisation::to_int8(step.shift, relu),
                   run.output});
}

namespace kinds {

std::shared_ptr<const Operation> add(const Attributes& attributes) {
  return std::make_shared<Add>(attributes);
}

}  // namespace kinds
}  // namespace lutra::graph
