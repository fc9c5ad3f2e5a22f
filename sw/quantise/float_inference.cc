#include "lutra/quantise/float_inference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "lutra/base/threads.h"
#include "lutra/data/dataset.h"
#include "lutra/graph/network.h"

namespace lutra::quantise {
namespace {

std::vector<float> squash(const std::vector<float>& s, int dim) {
  std::vector<float> v(s.size());
  for (size_t at = 0; at < s.size(); at += dim) {
    float squared = 0;
    for (int d = 0; d < dim; ++d) squared += s[at + d] * s[at + d];
    const float gain = std::sqrt(squared) / (1 + squared);
    for (int d = 0; d < dim; ++d) v[at + d] = s[at + d] * gain;
  }
  return v;
}

// Sums of a convolution's outputs, eight to a vector, which the compiler keeps in registers for a
// block of pixels. Each is added up term by term within a row of the kernel, then row by row: the
// bits do not depend on the processor.
using Vector = float __attribute__((vector_size(32)));
using UnalignedVector = float __attribute__((vector_size(32), aligned(4), may_alias));
constexpr int kLanes = 8;
constexpr int kVectors = 2;
constexpr int kPanel = kVectors * kLanes;  // outputs
constexpr int kPixels = 6;

#ifdef __x86_64__
__attribute__((target_clones("default", "avx2")))
#endif
void add_up(const float* const (&windows)[kPixels], int row_stride, int rows, int row_terms,
            const float* weights, float (&sums)[kPixels][kPanel]) {
  Vector all[kPixels][kVectors] = {};
  for (int row = 0; row < rows; ++row) {
    Vector part[kPixels][kVectors] = {};
    for (int i = 0; i < row_terms; ++i, weights += kPanel) {
      const auto* const w = reinterpret_cast<const UnalignedVector*>(weights);
      for (int p = 0; p < kPixels; ++p) {
        const float a = windows[p][row * row_stride + i];
        for (int v = 0; v < kVectors; ++v) part[p][v] += a * w[v];
      }
    }
    for (int p = 0; p < kPixels; ++p) {
      for (int v = 0; v < kVectors; ++v) all[p][v] += part[p][v];
    }
  }
  std::memcpy(sums, all, sizeof all);
}

}  // namespace

class FloatInference::Run {
 public:
  Run(const FloatInference& inference, const uint8_t* image)
      : panels_(inference.panels_),
        weights_(inference.weights_),
        height_(inference.network_.height),
        width_(inference.network_.width) {
    const graph::Network& network = inference.network_;
    std::vector<float> input(static_cast<size_t>(height_) * width_);
    for (size_t i = 0; i < input.size(); ++i) input[i] = image[i] / 256.0f;
    set("input", std::move(input));
    for (const graph::Layer& layer : network.layers)
      std::visit([this](const auto& l) { run(l); }, layer);
  }

  FloatTensors take() { return std::move(tensors_); }

 private:
  void set(const std::string& name, std::vector<float> values) {
    current_ = name;
    tensors_[name] = std::move(values);
  }

  void run(const graph::Conv2d& conv) {
    const std::vector<float>& bias = weights_.at(conv.name + ".bias").values;
    const std::vector<float>& panels = panels_.at(conv.name);
    const engine::Window window = conv.window();
    const int out_height = window.outputs(height_);
    const int out_width = window.outputs(width_);
    const int row_terms = conv.kernel * conv.in_channels;
    const int row_stride = (width_ + 2 * conv.padding) * conv.in_channels;
    const std::vector<float> in = framed(tensors_.at(current_), conv.in_channels, conv.padding);
    const int pixels = out_height * out_width;
    std::vector<float> out(static_cast<size_t>(pixels) * conv.out_channels);
    for (int o = 0; o < conv.out_channels; o += kPanel) {
      const float* panel = &panels[static_cast<size_t>(o) * conv.kernel * row_terms];
      for (int first = 0; first < pixels; first += kPixels) {
        const float* windows[kPixels];
        for (int p = 0; p < kPixels; ++p) {
          const int pixel = std::min(first + p, pixels - 1);
          windows[p] = &in[static_cast<size_t>(pixel / out_width) * conv.stride * row_stride +
                           static_cast<size_t>(pixel % out_width) * conv.stride * conv.in_channels];
        }
        float sums[kPixels][kPanel];
        add_up(windows, row_stride, conv.kernel, row_terms, panel, sums);
        for (int p = 0; p < std::min(kPixels, pixels - first); ++p) {
          float* to = &out[static_cast<size_t>(first + p) * conv.out_channels + o];
          for (int i = 0; i < std::min(kPanel, conv.out_channels - o); ++i) {
            const float sum = sums[p][i] + bias[o + i];
            to[i] = conv.relu ? std::max(0.0f, sum) : sum;
          }
        }
      }
    }
    height_ = out_height;
    width_ = out_width;
    set(conv.name, std::move(out));
  }

  /// The image with zeros around it.
  std::vector<float> framed(const std::vector<float>& image, int channels, int padding) const {
    if (padding == 0) return image;
    const size_t row = static_cast<size_t>(width_) * channels;
    const size_t framed_row = row + size_t{2} * padding * channels;
    std::vector<float> result(framed_row * (height_ + size_t{2} * padding));
    for (int y = 0; y < height_; ++y) {
      std::copy_n(&image[y * row], row,
                  &result[(y + size_t(padding)) * framed_row + size_t(padding) * channels]);
    }
    return result;
  }

  void run(const graph::Squash& layer) {
    set(layer.name, squash(tensors_.at(current_), layer.dim));
  }

  void run(const graph::Votes& votes) {
    votes_ = &votes;
    const std::vector<float>& u = tensors_.at(current_);
    const std::vector<float>& weight = weights_.at(votes.name + ".weight").values;
    std::vector<float> out(static_cast<size_t>(votes.capsules) * votes.classes * votes.out_dim, 0);
    for (int ij = 0; ij < votes.capsules * votes.classes; ++ij) {
      float* vote = &out[static_cast<size_t>(ij) * votes.out_dim];
      for (int k = 0; k < votes.in_dim; ++k) {
        const float a = u[static_cast<size_t>(ij / votes.classes) * votes.in_dim + k];
        const float* w = &weight[(static_cast<size_t>(ij) * votes.in_dim + k) * votes.out_dim];
        for (int d = 0; d < votes.out_dim; ++d) vote[d] += a * w[d];
      }
    }
    set(votes.name, std::move(out));
  }

  void run(const graph::Routing& routing) {
    const std::vector<float> votes = tensors_.at(current_);
    const int capsules = votes_->capsules;
    const int classes = votes_->classes;
    const int dim = votes_->out_dim;
    std::vector<float> logits(static_cast<size_t>(capsules) * classes, 0);
    const auto name = [&](const char* what, int t) {
      return fmt::format("{}.{}.{}", routing.name, what, t);
    };
    set(name("logits", 0), logits);
    for (int t = 1; t <= routing.iterations; ++t) {
      std::vector<float> coupling(logits.size());
      std::vector<float> s(static_cast<size_t>(classes) * dim, 0);
      for (int i = 0; i < capsules; ++i) {
        const float* b = &logits[static_cast<size_t>(i) * classes];
        const float largest = *std::max_element(b, b + classes);
        float sum = 0;
        for (int j = 0; j < classes; ++j) sum += std::exp(b[j] - largest);
        for (int j = 0; j < classes; ++j) {
          const float c = std::exp(b[j] - largest) / sum;
          coupling[static_cast<size_t>(j) * capsules + i] = c;
          const float* vote = &votes[(static_cast<size_t>(i) * classes + j) * dim];
          for (int d = 0; d < dim; ++d) s[static_cast<size_t>(j) * dim + d] += c * vote[d];
        }
      }
      set(name("coupling", t), std::move(coupling));
      set(name("sum", t), s);
      const std::vector<float> v = squash(s, dim);
      if (t < routing.iterations) {
        for (int ij = 0; ij < capsules * classes; ++ij) {
          for (int d = 0; d < dim; ++d) {
            logits[ij] += votes[static_cast<size_t>(ij) * dim + d] *
                          v[static_cast<size_t>(ij % classes) * dim + d];
          }
        }
        set(name("logits", t), logits);
      }
      set(name("capsules", t), v);
    }
  }

  void run(const graph::Classify& classify) {
    const std::vector<float>& v = tensors_.at(current_);
    std::vector<float> squared(votes_->classes, 0);
    for (size_t i = 0; i < v.size(); ++i) squared[i / votes_->out_dim] += v[i] * v[i];
    const auto best = std::max_element(squared.begin(), squared.end()) - squared.begin();
    set(classify.name, {static_cast<float>(best)});
  }

  const std::map<std::string, std::vector<float>>& panels_;
  const graph::FloatWeights& weights_;
  int height_;
  int width_;
  const graph::Votes* votes_ = nullptr;
  std::string current_;
  FloatTensors tensors_;
};

FloatInference::FloatInference(const graph::Network& network, const graph::FloatWeights& weights)
    : network_(network), weights_(weights) {
  graph::check_weights(network, weights);
  for (const graph::Layer& layer : network.layers) {
    const auto* conv = std::get_if<graph::Conv2d>(&layer);
    if (conv == nullptr) continue;
    const std::vector<float>& values = weights.at(conv->name + ".weight").values;
    const int terms = conv->kernel * conv->kernel * conv->in_channels;
    const int panels = (conv->out_channels + kPanel - 1) / kPanel;
    std::vector<float>& laid_out = panels_[conv->name];
    laid_out.resize(static_cast<size_t>(panels) * terms * kPanel);
    for (int o = 0; o < conv->out_channels; ++o) {
      for (int i = 0; i < terms; ++i) {
        laid_out[(static_cast<size_t>(o / kPanel) * terms + i) * kPanel + o % kPanel] =
            values[static_cast<size_t>(o) * terms + i];
      }
    }
  }
}

FloatTensors FloatInference::run(const uint8_t* image) const { return Run(*this, image).take(); }

double FloatInference::accuracy(const data::Dataset& data, int count) const {
  data::check_images(network_, data, 0, count);
  std::atomic<int> right{0};
  base::parallel_for(count, 50, 0, [&](int begin, int end) {
    for (int i = begin; i < end; ++i) {
      if (run(data.image(i)).at("class")[0] == data.labels[i]) ++right;
    }
  });
  return static_cast<double>(right) / count;
}

}  // namespace lutra::quantise
