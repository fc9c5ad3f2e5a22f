// concatenate: feature maps one behind the other along the channels; all have one format.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <climits>
#include <cstring>

#include "attributes.h"
#include "lutra/base/error.h"
#include "lutra/graph/step_operations.h"
#include "shapes.h"

namespace lutra::graph {
namespace {

/// Rows of `sizes` elements of each input, one behind the other.
template <typename T>
void interleave(const std::vector<const T*>& inputs, const std::vector<int>& sizes, size_t rows,
                T* output) {
  for (size_t row = 0; row < rows; ++row) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      const auto size = static_cast<size_t>(sizes[i]);
      output = std::copy_n(inputs[i] + row * size, size, output);
    }
  }
}

class Concatenate : public Operation {
 public:
  explicit Concatenate(Attributes attributes) { attributes.end(); }

  std::string kind() const override { return "concatenate"; }
  nlohmann::json attributes() const override { return nlohmann::json::object(); }
  int least_inputs() const override { return 2; }
  int most_inputs() const override { return INT_MAX; }

  Shape output_shape(const Place& place) const override {
    Shape out = place.inputs[0];
    int64_t channels = 0;
    for (const Shape& in : place.inputs) {
      const bool fits = in.size() == out.size() && !in.empty() &&
                        std::equal(in.begin(), in.end() - 1, out.begin());
      if (!fits) {
        throw Error(ErrorKind::kInvalidArgument,
                    fmt::format("node {}: inputs of shapes {} and {}, expected shapes that are "
                                "equal but for the channels",
                                place.node, place.inputs[0], in));
      }
      channels += in.back();
    }
    if (channels > INT_MAX) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("node {}: {} channels", place.node, channels));
    }
    out.back() = static_cast<int>(channels);
    return out;
  }

  std::unique_ptr<FloatKernel> float_kernel(const Place& place,
                                            const FloatWeights&) const override {
    struct Kernel : FloatKernel {
      std::string node;
      std::vector<int> sizes;
      size_t rows;
      void run(const std::vector<const std::vector<float>*>& inputs,
               FloatTensors* tensors) const override {
        std::vector<const float*> from;
        size_t all = 0;
        for (const auto* input : inputs) {
          from.push_back(input->data());
          all += input->size();
        }
        std::vector<float> out(all);
        interleave(from, sizes, rows, out.data());
        (*tensors)[node] = std::move(out);
      }
    };
    auto kernel = std::make_unique<Kernel>();
    kernel->node = place.node;
    kernel->sizes = sizes_of(place);
    kernel->rows = rows_of(place);
    return kernel;
  }

  void lower(const Place& place, Lowering* lowering) const override {
    auto step = std::make_shared<ConcatenateStep>();
    step->sizes = sizes_of(place);
    step->rows = static_cast<int64_t>(rows_of(place));
    std::vector<std::string> inputs;
    for (size_t i = 0; i < place.inputs.size(); ++i) inputs.push_back(lowering->input(i));
    lowering->add_tensor(place.node, place.output).same_format_as = inputs;
    lowering->add_step(place.node + ".concatenate", step, inputs, place.node);
  }

 private:
  static std::vector<int> sizes_of(const Place& place) {
    std::vector<int> sizes;
    for (const Shape& in : place.inputs) sizes.push_back(in.back());
    return sizes;
  }
  static size_t rows_of(const Place& place) {
    return static_cast<size_t>(elements_of(place.output) / place.output.back());
  }
};

}  // namespace

void ConcatenateStep::run(const Step&, const StepRun& run) const {
  interleave(run.inputs, sizes, static_cast<size_t>(rows * run.images), run.output);
}

namespace kinds {

std::shared_ptr<const Operation> concatenate(const Attributes& attributes) {
  return std::make_shared<Concatenate>(attributes);
}

}  // namespace kinds
}  // namespace lutra::graph
