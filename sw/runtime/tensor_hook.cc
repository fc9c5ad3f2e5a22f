#include "lutra/runtime/tensor_hook.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "lutra/base/error.h"
#include "lutra/graph/network.h"
#include "lutra/graph/step_operations.h"
#include "lutra/graph/steps.h"
#include "lutra/numerics/capsule.h"

namespace lutra::runtime {
namespace {

/// The step that wrote coupling coefficients; null for another tensor.
const graph::SoftmaxStep* coupling(const TensorView& tensor) {
  return tensor.step == nullptr ? nullptr : tensor.step->as<graph::SoftmaxStep>();
}

/// The random numbers of one image of one tensor.
std::mt19937_64 random_of(uint64_t seed, const std::string& tensor, int image) {
  std::vector<uint32_t> words = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32),
                                 static_cast<uint32_t>(image)};
  for (const char c : tensor) words.push_back(static_cast<unsigned char>(c));
  std::seed_seq sequence(words.begin(), words.end());
  return std::mt19937_64(sequence);
}

}  // namespace

TensorHook on_tensors(const std::string& pattern, TensorHook hook) {
  const std::string key = fmt::format("{} on {}", hook.key, pattern);
  return {key, [pattern, apply = std::move(hook.apply)](const TensorView& tensor) {
            if (fnmatch(pattern.c_str(), tensor.name.c_str(), FNM_NOESCAPE) == 0) apply(tensor);
          }};
}

TensorHook uniform_coupling() {
  return {"uniform coupling", [](const TensorView& tensor) {
            const graph::SoftmaxStep* softmax = coupling(tensor);
            if (softmax == nullptr) return;
            const graph::VoteSizes& votes = softmax->sizes;
            std::vector<int8_t> zeros(static_cast<size_t>(votes.classes), 0);
            std::vector<int8_t> row(zeros.size());
            numerics::softmax(zeros.data(), votes.classes, tensor.step->frac, row.data());
            for (int n = 0; n < tensor.images; ++n) {
              for (int j = 0; j < votes.classes; ++j) {
                std::fill_n(tensor.image(n) + j * votes.capsules, votes.capsules,
                            row[static_cast<size_t>(j)]);
              }
            }
          }};
}

TensorHook shuffled_coupling(uint64_t seed) {
  return {fmt::format("coupling shuffled by seed {}", seed), [seed](const TensorView& tensor) {
            const graph::SoftmaxStep* softmax = coupling(tensor);
            if (softmax == nullptr) return;
            const graph::VoteSizes& votes = softmax->sizes;
            std::vector<int> order(static_cast<size_t>(votes.capsules));
            std::vector<int8_t> row(order.size());
            for (int n = 0; n < tensor.images; ++n) {
              std::mt19937_64 random(seed + static_cast<uint64_t>(tensor.first_image + n));
              std::iota(order.begin(), order.end(), 0);
              std::shuffle(order.begin(), order.end(), random);
              for (int j = 0; j < votes.classes; ++j) {
                int8_t* c = tensor.image(n) + j * votes.capsules;
                for (size_t i = 0; i < row.size(); ++i) row[i] = c[order[i]];
                std::copy(row.begin(), row.end(), c);
              }
            }
          }};
}

TensorHook add_noise(double mean, double deviation, uint64_t seed) {
  if (!std::isfinite(mean) || !std::isfinite(deviation) || deviation < 0) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("noise of mean {} and deviation {}, expected finite numbers, the "
                            "deviation not negative",
                            mean, deviation));
  }
  return {fmt::format("noise of mean {}, deviation {}, seed {}", mean, deviation, seed),
          [mean, deviation, seed](const TensorView& tensor) {
            if (tensor.is_class) return;
            for (int n = 0; n < tensor.images; ++n) {
              std::mt19937_64 random = random_of(seed, tensor.name, tensor.first_image + n);
              std::normal_distribution<double> normal(mean, deviation);
              int8_t* elements = tensor.image(n);
              for (int64_t i = 0; i < tensor.info.size(); ++i) {
                const double sum = elements[i] + std::floor(normal(random) + 0.5);
                elements[i] = static_cast<int8_t>(std::clamp(sum, -127.0, 127.0));
              }
            }
          }};
}

TensorHook truncate(int bits) {
  if (bits < 0 || bits > 7) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("truncation of {} bits, expected 0..7", bits));
  }
  return {fmt::format("{} low bits truncated", bits), [bits](const TensorView& tensor) {
            if (tensor.is_class) return;
            const int unit = 1 << bits;
            const int64_t count = tensor.images * tensor.info.size();
            for (int64_t i = 0; i < count; ++i) {
              tensor.elements[i] = static_cast<int8_t>(tensor.elements[i] / unit * unit);
            }
          }};
}

}  // namespace lutra::runtime
