// reshape: the same elements in the same order under another shape; one size may be -1.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "attributes.h"
#include "lutra/base/error.h"
#include "lutra/graph/step_operations.h"
#include "shapes.h"

namespace lutra::graph {
namespace {

class Reshape : public Operation {
 public:
  explicit Reshape(Attributes attributes) : shape_(attributes.list("shape", 1, 3, -1, kMaxSize)) {
    attributes.end();
  }

  std::string kind() const override { return "reshape"; }
  nlohmann::json attributes() const override { return {{"shape", shape_}}; }

  Shape output_shape(const Place& place) const override {
    const int64_t all = elements_of(place.inputs[0]);
    Shape out = shape_;
    int64_t known = 1;
    int* open = nullptr;
    bool is_shape = true;
    for (int& size : out) {
      if (size == -1 && open == nullptr) {
        open = &size;
      } else {
        is_shape &= size >= 1;
        known *= size;
      }
    }
    is_shape = is_shape && (open == nullptr ? known == all : all % known == 0);
    if (!is_shape) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("node {}: {} elements of shape {} do not make {}", place.node, all,
                              place.inputs[0], shape_));
    }
    if (open != nullptr) *open = static_cast<int>(all / known);
    return out;
  }

  std::unique_ptr<FloatKernel> float_kernel(const Place& place,
                                            const FloatWeights&) const override {
    struct Kernel : FloatKernel {
      std::string node;
      void run(const std::vector<const std::vector<float>*>& inputs,
               FloatTensors* tensors) const override {
        (*tensors)[node] = *inputs[0];
      }
    };
    auto kernel = std::make_unique<Kernel>();
    kernel->node = place.node;
    return kernel;
  }

  void lower(const Place& place, Lowering* lowering) const override {
    auto step = std::make_shared<CopyStep>();
    step->elements = elements_of(place.output);
    lowering->add_tensor(place.node, place.output).same_format_as = {lowering->input(0)};
    lowering->add_step(place.node + ".reshape", step, {lowering->input(0)}, place.node);
  }

 private:
  std::vector<int> shape_;
};

}  // namespace

void CopyStep::run(const Step&, const StepRun& run) const {
  std::copy_n(run.inputs[0], elements * run.images, run.output);
}

namespace kinds {

std::shared_ptr<const Operation> reshape(const Attributes& attributes) {
  return std::make_shared<Reshape>(attributes);
}

}  // namespace kinds
}  // namespace lutra::graph
