#include "lutra/network/float_inference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lutra/numerics/parallel.h"

namespace lutra::network {
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

class FloatRun {
 public:
  FloatRun(const Network& network, const FloatWeights& weights, const uint8_t* image)
      : weights_(weights), height_(network.height), width_(network.width) {
    std::vector<float> input(static_cast<size_t>(height_) * width_);
    for (size_t i = 0; i < input.size(); ++i) input[i] = image[i] / 256.0f;
    set("input", std::move(input));
    for (const Layer& layer : network.layers) std::visit([this](const auto& l) { run(l); }, layer);
  }

  FloatTensors take() { return std::move(tensors_); }

 private:
  void set(const std::string& name, std::vector<float> values) {
    current_ = name;
    tensors_[name] = std::move(values);
  }

  void run(const Conv2d& conv) {
    const std::vector<float>& in = tensors_.at(current_);
    const std::vector<float>& weight = weights_.at(conv.name + ".weight").values;
    const std::vector<float>& bias = weights_.at(conv.name + ".bias").values;
    const engine::Window window = conv.window();
    const int out_height = window.outputs(height_);
    const int out_width = window.outputs(width_);
    std::vector<float> out;
    out.reserve(static_cast<size_t>(out_height) * out_width * conv.out_channels);
    for (int y = 0; y < out_height; ++y) {
      for (int x = 0; x < out_width; ++x) {
        const int left = window.element(x, 0);
        const int first = std::max(0, -left);  // taps inside the image
        const int run_length = (std::min(conv.kernel, width_ - left) - first) * conv.in_channels;
        for (int o = 0; o < conv.out_channels; ++o) {
          // Eight partial sums let the compiler vectorise.
          float partial[8] = {};
          for (int ky = 0; ky < conv.kernel; ++ky) {
            const int row = window.element(y, ky);
            if (row < 0 || row >= height_) continue;
            const float* a =
                &in[(static_cast<size_t>(row) * width_ + left + first) * conv.in_channels];
            const float* w =
                &weight[((static_cast<size_t>(o) * conv.kernel + ky) * conv.kernel + first) *
                        conv.in_channels];
            int i = 0;
            for (; i + 8 <= run_length; i += 8) {
              for (int lane = 0; lane < 8; ++lane) partial[lane] += a[i + lane] * w[i + lane];
            }
            for (; i < run_length; ++i) partial[0] += a[i] * w[i];
          }
          float sum = bias[o];
          for (float p : partial) sum += p;
          out.push_back(conv.relu ? std::max(0.0f, sum) : sum);
        }
      }
    }
    height_ = out_height;
    width_ = out_width;
    set(conv.name, std::move(out));
  }

  void run(const Squash& layer) { set(layer.name, squash(tensors_.at(current_), layer.dim)); }

  void run(const Votes& votes) {
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

  void run(const Routing& routing) {
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

  void run(const Classify& classify) {
    const std::vector<float>& v = tensors_.at(current_);
    std::vector<float> squared(votes_->classes, 0);
    for (size_t i = 0; i < v.size(); ++i) squared[i / votes_->out_dim] += v[i] * v[i];
    const auto best = std::max_element(squared.begin(), squared.end()) - squared.begin();
    set(classify.name, {static_cast<float>(best)});
  }

  const FloatWeights& weights_;
  int height_;
  int width_;
  const Votes* votes_ = nullptr;
  std::string current_;
  FloatTensors tensors_;
};

}  // namespace

FloatTensors float_inference(const Network& network, const FloatWeights& weights,
                             const Dataset& data, int index) {
  return FloatRun(network, weights, data.image(index)).take();
}

double float_accuracy(const Network& network, const FloatWeights& weights, const Dataset& data,
                      int count) {
  std::atomic<int> right{0};
  numerics::parallel_for(count, 50, 0, [&](int begin, int end) {
    for (int i = begin; i < end; ++i) {
      if (float_inference(network, weights, data, i).at("class")[0] == data.labels[i]) ++right;
    }
  });
  return static_cast<double>(right) / count;
}

}  // namespace lutra::network
