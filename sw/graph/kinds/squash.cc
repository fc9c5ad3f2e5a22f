// squash: groups of `dim` consecutive channels become capsules, in the order (row, column, group),
// each squashed to a length below 1.
#include <fmt/format.h>

#include "attributes.h"
#include "capsules.h"
#include "lutra/base/error.h"
#include "lutra/graph/step_operations.h"
#include "shapes.h"

namespace lutra::graph {
namespace {

class Squash : public Operation {
 public:
  explicit Squash(Attributes attributes) : dim_(attributes.integer("dim", 1, kMaxCapsuleDim)) {
    attributes.end();
  }

  std::string kind() const override { return "squash"; }
  nlohmann::json attributes() const override { return {{"dim", dim_}}; }

  Shape output_shape(const Place& place) const override {
    const Shape& in = place.inputs[0];
    if (in.empty() || in.back() % dim_ != 0) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("node {}: an input of shape {}, expected a multiple of dim = {} in "
                              "its last dimension",
                              place.node, in, dim_));
    }
    return {static_cast<int>(elements_of(in) / dim_), dim_};
  }

  std::vector<Site> sites(const Place& place) const override {
    Site site;
    site.node = place.node;
    site.operation = "squash";
    site.group = "activation";
    site.fan_in = dim_;
    site.products = elements_of(place.output);
    return {site};
  }

  std::unique_ptr<FloatKernel> float_kernel(const Place& place,
                                            const FloatWeights&) const override {
    struct Kernel : FloatKernel {
      std::string node;
      int dim;
      void run(const std::vector<const std::vector<float>*>& inputs,
               FloatTensors* tensors) const override {
        (*tensors)[node] = squashed(*inputs[0], dim);
      }
    };
    auto kernel = std::make_unique<Kernel>();
    kernel->node = place.node;
    kernel->dim = dim_;
    return kernel;
  }

  void lower(const Place& place, Lowering* lowering) const override {
    auto step = std::make_shared<SquashStep>();
    step->capsules = place.output[0];
    step->dim = dim_;
    lowering->add_tensor(place.node, place.output).fixed_frac = Lowering::kUnitFrac;
    lowering->add_step(place.node + ".squash", step, {lowering->input(0)}, place.node);
  }

 private:
  int dim_;
};

}  // namespace

void SquashStep::run(const Step& step, const StepRun& run) const {
  run.backend.squash(
      {int64_t{capsules} * run.images, dim, step.frac, run.inputs[0], run.products, run.output});
}

namespace kinds {

std::shared_ptr<const Operation> squash(const Attributes& attributes) {
  return std::make_shared<Squash>(attributes);
}

}  // namespace kinds
}  // namespace lutra::graph
