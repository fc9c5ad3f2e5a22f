// argmax: the index of the largest element, the lowest of those that are equal. Behind a dense node
// its sums are compared as they are, before they are rounded to elements.
#include <algorithm>

#include "attributes.h"
#include "lutra/graph/step_operations.h"
#include "shapes.h"

namespace lutra::graph {
namespace {

/// Classes are int8 where they come out.
constexpr int64_t kMaxClasses = 127;

class Argmax : public Operation {
 public:
  explicit Argmax(Attributes attributes) { attributes.end(); }

  std::string kind() const override { return "argmax"; }
  nlohmann::json attributes() const override { return nlohmann::json::object(); }

  Shape output_shape(const Place& place) const override {
    const int64_t classes = elements_of(place.inputs[0]);
    if (classes >= 2 && classes <= kMaxClasses) return {1};
    throw Error(ErrorKind::kInvalidArgument, fmt::format("node {}: {} classes, expected 2..{}",
                                                         place.node, classes, kMaxClasses));
  }

  std::unique_ptr<FloatKernel> float_kernel(const Place& place,
                                            const FloatWeights&) const override {
    struct Kernel : FloatKernel {
      std::string node;
      void run(const std::vector<const std::vector<float>*>& inputs,
               FloatTensors* tensors) const override {
        const std::vector<float>& scores = *inputs[0];
        const auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
        (*tensors)[node] = {static_cast<float>(best)};
      }
    };
    auto kernel = std::make_unique<Kernel>();
    kernel->node = place.node;
    return kernel;
  }

  void lower(const Place& place, Lowering* lowering) const override {
    auto step = std::make_shared<ArgmaxStep>();
    step->classes = static_cast<int>(elements_of(place.inputs[0]));
    Step* writer = lowering->writer_of(lowering->input(0));
    step->of_sums = writer != nullptr && writer->as<DenseStep>() != nullptr;
    if (step->of_sums) writer->leaves_scores = true;
    lowering->add_tensor(place.node, place.output).fixed_frac = 0;
    lowering->add_step(place.node + ".argmax", step, {lowering->input(0)}, place.node);
  }
};

}  // namespace

void ArgmaxStep::run(const Step&, const StepRun& run) const {
  const auto count = static_cast<size_t>(classes);
  if (!of_sums) {
    run.scores->assign(run.inputs[0], run.inputs[0] + static_cast<size_t>(run.images) * count);
  }
  for (size_t n = 0; n < static_cast<size_t>(run.images); ++n) {
    const auto scores = run.scores->begin() + static_cast<std::ptrdiff_t>(n * count);
    const auto best = std::max_element(scores, scores + classes);
    run.output[n] = static_cast<int8_t>(best - scores);
  }
}

namespace kinds {

std::shared_ptr<const Operation> argmax(const Attributes& attributes) {
  return std::make_shared<Argmax>(attributes);
}

}  // namespace kinds
}  // namespace lutra::graph
