#ifndef LUTRA_GRAPH_KINDS_POOL_H_
#define LUTRA_GRAPH_KINDS_POOL_H_

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "attributes.h"
#include "lutra/base/error.h"
#include "lutra/graph/step_operations.h"
#include "shapes.h"
#include "windows.h"

namespace lutra::graph {

/// max_pool and average_pool: of the elements of the image in each window; what is padded counts
/// for nothing. The format is the input's.
class Pool : public Operation {
 public:
  using Kind = engine::PoolArgs::Kind;

  Pool(Kind kind, Attributes attributes)
      : kind_(kind), is_global_(attributes.boolean("global", false)) {
    if (!is_global_) windows_.emplace(&attributes);
    attributes.end();
  }

  std::string kind() const override { return kind_ == Kind::kMax ? "max_pool" : "average_pool"; }
  nlohmann::json attributes() const override {
    nlohmann::json json = {{"global", is_global_}};
    if (windows_) windows_->add_to(&json);
    return json;
  }

  Shape output_shape(const Place& place) const override {
    const Shape& in = feature_maps(place);
    if (is_global_) return {1, 1, in[2]};
    const Shape out = windows_->output(place, in[2]);
    for (const size_t axis : {size_t{0}, size_t{1}}) {
      const engine::Window window = windows_->axis(axis);
      for (int i = 0; i < out[axis]; ++i) {
        bool holds_any = false;
        for (int k = 0; k < window.kernel; ++k) {
          holds_any |= window.element(i, k) >= 0 && window.element(i, k) < in[axis];
        }
        if (holds_any) continue;
        throw Error(ErrorKind::kInvalidArgument,
                    fmt::format("node {}: window {} along axis {} holds padding only", place.node,
                                i, axis));
      }
    }
    return out;
  }

  std::unique_ptr<FloatKernel> float_kernel(const Place& place,
                                            const FloatWeights&) const override {
    struct Kernel : FloatKernel {
      std::string node;
      PoolStep pool;
      Shape out;
      void run(const std::vector<const std::vector<float>*>& inputs,
               FloatTensors* tensors) const override {
        const std::vector<float>& in = *inputs[0];
        std::vector<float> result(static_cast<size_t>(elements_of(out)));
        const bool is_max = pool.pooling == Kind::kMax;
        for (size_t at = 0; at < result.size(); ++at) {
          const int c = static_cast<int>(at) % out[2];
          const int x = static_cast<int>(at) / out[2] % out[1];
          const int y = static_cast<int>(at) / out[2] / out[1];
          float largest = -std::numeric_limits<float>::infinity();
          float sum = 0;
          int count = 0;
          for (int ky = 0; ky < pool.vertical.kernel; ++ky) {
            for (int kx = 0; kx < pool.horizontal.kernel; ++kx) {
              const int row = pool.vertical.element(y, ky);
              const int column = pool.horizontal.element(x, kx);
              if (row < 0 || row >= pool.height || column < 0 || column >= pool.width) continue;
              const float value = in[(static_cast<size_t>(row) * pool.width + column) * out[2] + c];
              largest = std::max(largest, value);
              sum += value;
              ++count;
            }
          }
          result[at] = is_max ? largest : sum / static_cast<float>(count);
        }
        (*tensors)[node] = std::move(result);
      }
    };
    auto kernel = std::make_unique<Kernel>();
    kernel->node = place.node;
    kernel->pool = step(place);
    kernel->out = place.output;
    return kernel;
  }

  void lower(const Place& place, Lowering* lowering) const override {
    lowering->add_tensor(place.node, place.output).same_format_as = {lowering->input(0)};
    lowering->add_step(place.node + ".pool", std::make_shared<PoolStep>(step(place)),
                       {lowering->input(0)}, place.node);
  }

 private:
  PoolStep step(const Place& place) const {
    const Shape& in = feature_maps(place);
    PoolStep step;
    step.height = in[0];
    step.width = in[1];
    step.channels = in[2];
    step.vertical = is_global_ ? engine::Window{in[0]} : windows_->axis(0);
    step.horizontal = is_global_ ? engine::Window{in[1]} : windows_->axis(1);
    step.pooling = kind_;
    return step;
  }

  Kind kind_;
  bool is_global_;
  std::optional<Windows> windows_;
};

}  // namespace lutra::graph

#endif  // LUTRA_GRAPH_KINDS_POOL_H_
