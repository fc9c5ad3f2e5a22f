// conv2d: convolution, bias, and an activation; a padded element multiplies as 0, or not at all.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attributes.h"
#include "float_sums.h"
#include "lutra/base/error.h"
#include "lutra/graph/step_operations.h"
#include "shapes.h"
#include "windows.h"

namespace lutra::graph {
namespace {

class Conv2d : public Operation {
 public:
  explicit Conv2d(Attributes attributes)
      : out_channels_(attributes.integer("out_channels", 1, kMaxSize)),
        windows_(&attributes),
        groups_(attributes.integer("groups", 1, kMaxSize, 1)),
        padded_multiplies_(attributes.boolean("padded_multiplies", true)),
        relu_(attributes.one_of("activation", {"none", "relu"}, "none") == "relu") {
    attributes.end();
  }

  std::string kind() const override { return "conv2d"; }
  nlohmann::json attributes() const override {
    nlohmann::json json = {{"out_channels", out_channels_},
                           {"groups", groups_},
                           {"padded_multiplies", padded_multiplies_},
                           {"activation", relu_ ? "relu" : "none"}};
    windows_.add_to(&json);
    return json;
  }

  Shape output_shape(const Place& place) const override {
    const Shape& in = feature_maps(place);
    if (in[2] % groups_ != 0 || out_channels_ % groups_ != 0) {
      throw Error(
          ErrorKind::kInvalidArgument,
          fmt::format("node {}: {} channels in and {} out, expected multiples of groups = {}",
                      place.node, in[2], out_channels_, groups_));
    }
    const Shape out = windows_.output(place, out_channels_);
    if (int64_t{windows_.kernel[0]} * windows_.kernel[1] * in[2] / groups_ * out_channels_ >
        INT32_MAX) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("node {}: weights of 2^31 elements and more", place.node));
    }
    return out;
  }

  std::map<std::string, Parameter> parameters(const Place& place) const override {
    const auto size = [](int n) { return static_cast<size_t>(n); };
    const int channels = feature_maps(place)[2] / groups_;
    Parameter weight;
    weight.shape = {size(out_channels_), size(windows_.kernel[0]), size(windows_.kernel[1]),
                    size(channels)};
    weight.initial_deviation =
        std::sqrt(2.0 / (static_cast<double>(windows_.kernel[0]) * windows_.kernel[1] * channels));
    Parameter bias;
    bias.shape = {size(out_channels_)};
    bias.is_bias = true;
    return {{"weight", weight}, {"bias", bias}};
  }

  std::vector<Site> sites(const Place& place) const override {
    const Shape& in = feature_maps(place);
    const int channels = in[2] / groups_;
    const int64_t taps = taps_of(windows_.axis(0), in[0]) * taps_of(windows_.axis(1), in[1]);
    Site site;
    site.node = place.node;
    site.operation = "mac";
    site.group = "mac";
    site.fan_in = windows_.kernel[0] * windows_.kernel[1] * channels;
    site.products = taps * out_channels_ * channels;
    site.has_weights = true;
    site.on_array = true;
    return {site};
  }

  std::unique_ptr<FloatKernel> float_kernel(const Place& place,
                                            const FloatWeights& weights) const override;
  void lower(const Place& place, Lowering* lowering) const override {
    const Shape& in = feature_maps(place);
    auto step = std::make_shared<ConvolutionStep>();
    step->node = place.node;
    step->height = in[0];
    step->width = in[1];
    step->in_channels = in[2];
    step->out_channels = out_channels_;
    step->vertical = windows_.axis(0);
    step->horizontal = windows_.axis(1);
    step->groups = groups_;
    step->padded = padded_multiplies_ ? engine::Padding::kOperand : engine::Padding::kNothing;
    step->relu = relu_;
    lowering->add_tensor(place.node, place.output);
    lowering->add_step(place.node + ".mac", step, {lowering->input(0)}, place.node);
  }

 private:
  class Kernel;

  /// Taps that multiply, over all positions along an axis.
  int64_t taps_of(const engine::Window& window, int size) const {
    int64_t taps = 0;
    for (int i = 0; i < window.outputs(size); ++i) {
      for (int k = 0; k < window.kernel; ++k) {
        const int at = window.element(i, k);
        taps += padded_multiplies_ || (at >= 0 && at < size);
      }
    }
    return taps;
  }

  int out_channels_;
  Windows windows_;
  int groups_;
  bool padded_multiplies_;
  bool relu_;
};

class Conv2d::Kernel : public FloatKernel {
 public:
  Kernel(const Conv2d& conv, const Place& place, const FloatWeights& weights)
      : conv_(conv),
        node_(place.node),
        in_(feature_maps(place)),
        out_(place.output),
        bias_(weights.at(place.node + ".bias").values) {
    const int channels = in_[2] / conv.groups_;
    const int outputs = conv.out_channels_ / conv.groups_;
    // A row of the kernel is one run of the input where nothing lies between its elements.
    const bool is_run = conv.windows_.dilations[1] == 1 && conv.groups_ == 1;
    const int runs =
        is_run ? conv.windows_.kernel[0] : conv.windows_.kernel[0] * conv.windows_.kernel[1];
    const int terms = is_run ? conv.windows_.kernel[1] * channels : channels;
    framed_width_ = in_[1] + conv.windows_.pads[1] + conv.windows_.pads[3];
    for (int run = 0; run < runs; ++run) {
      const int y = is_run ? run : run / conv.windows_.kernel[1];
      const int x = is_run ? 0 : run % conv.windows_.kernel[1];
      offsets_.push_back((static_cast<ptrdiff_t>(y) * conv.windows_.dilations[0] * framed_width_ +
                          static_cast<ptrdiff_t>(x) * conv.windows_.dilations[1]) *
                         in_[2]);
    }
    const float* weight = weights.at(place.node + ".weight").values.data();
    for (int g = 0; g < conv.groups_; ++g) {
      sums_.emplace_back(weight + static_cast<size_t>(g) * outputs * runs * terms, outputs, runs,
                         terms);
    }
  }

  void run(const std::vector<const std::vector<float>*>& inputs,
           FloatTensors* tensors) const override {
    const std::vector<float> image = framed(*inputs[0]);
    std::vector<float> out(static_cast<size_t>(elements_of(out_)));
    const auto pixels = static_cast<size_t>(out_[0]) * out_[1];
    const int channels = in_[2] / conv_.groups_;
    std::vector<const float*> windows(pixels);
    std::vector<float*> to(pixels);
    for (size_t g = 0; g < sums_.size(); ++g) {
      for (size_t p = 0; p < pixels; ++p) {
        const size_t y = p / out_[1] * conv_.windows_.strides[0];
        const size_t x = p % out_[1] * conv_.windows_.strides[1];
        windows[p] = &image[(y * framed_width_ + x) * in_[2] + g * channels];
        to[p] = &out[p * out_[2] + g * sums_[g].outputs()];
      }
      sums_[g].run(windows, offsets_, to);
    }
    for (size_t i = 0; i < out.size(); ++i) {
      const float sum = out[i] + bias_[i % bias_.size()];
      out[i] = conv_.relu_ ? std::max(0.0f, sum) : sum;
    }
    (*tensors)[node_] = std::move(out);
  }

 private:
  /// The image with zeros around it.
  std::vector<float> framed(const std::vector<float>& image) const {
    const std::vector<int>& pads = conv_.windows_.pads;
    if (std::all_of(pads.begin(), pads.end(), [](int pad) { return pad == 0; })) return image;
    const auto channels = static_cast<size_t>(in_[2]);
    const size_t row = in_[1] * channels;
    const size_t framed_row = framed_width_ * channels;
    std::vector<float> result(framed_row * (static_cast<size_t>(in_[0]) + pads[0] + pads[2]));
    for (size_t y = 0; y < static_cast<size_t>(in_[0]); ++y) {
      std::copy_n(&image[y * row], row, &result[(y + pads[0]) * framed_row + pads[1] * channels]);
    }
    return result;
  }

  const Conv2d& conv_;
  std::string node_;
  Shape in_, out_;
  std::vector<float> bias_;
  int framed_width_;
  std::vector<ptrdiff_t> offsets_;
  std::vector<FloatSums> sums_;  // by group
};

std::unique_ptr<FloatKernel> Conv2d::float_kernel(const Place& place,
                                                  const FloatWeights& weights) const {
  return std::make_unique<Kernel>(*this, place, weights);
}

}  // namespace

std::optional<int> ConvolutionStep::accumulator_frac(const Step& step, const FracOf& frac) const {
  return frac(step.inputs[0]) + frac(node + ".weight");
}

void ConvolutionStep::run(const Step& step, const StepRun& run) const {
  engine::Conv2dArgs args{run.images,
                          height,
                          width,
                          in_channels,
                          out_channels,
                          vertical,
                          horizontal,
                          groups,
                          padded,
                          0,
                          run.inputs[0],
                          run.network.weights.at(node + ".weight").data(),
                          run.network.biases.at(node + ".bias").data(),
                          run.products,
                          {}};
  args.to = {engine::Requantisation::to_int8(step.shift, relu), run.output, nullptr};
  run.backend.conv2d(args);
}

namespace kinds {

std::shared_ptr<const Operation> conv2d(const Attributes& attributes) {
  return std::make_shared<Conv2d>(attributes);
}

}  // namespace kinds
}  // namespace lutra::graph
