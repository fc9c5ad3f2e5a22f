#ifndef LUTRA_TESTS_GPU_REF_ENGINE_EXERCISE_H_
#define LUTRA_TESTS_GPU_REF_ENGINE_EXERCISE_H_

#include <algorithm>
#include <random>
#include <stdexcept>
#include <vector>

#include "lutra/engine/backend.h"

/// Random work for every operation of a backend; the engine's tests and scripts/gpu_check use it.
namespace lutra::engine {

inline std::vector<int8_t> random_tensor(std::mt19937* random, int64_t size) {
  std::vector<int8_t> tensor(static_cast<size_t>(size));
  for (int8_t& q : tensor) q = static_cast<int8_t>(static_cast<int>((*random)() % 255) - 127);
  return tensor;
}

/// A table with no structure at all: not commuting, non-zero at zero.
inline std::vector<int16_t> random_table(std::mt19937* random) {
  std::vector<int16_t> table(65536);
  for (int16_t& p : table) p = static_cast<int16_t>((*random)() % 32768 - 16384);
  return table;
}

/// Outputs that never change prove nothing.
inline bool lively(const std::vector<int8_t>& tensor) {
  return std::any_of(tensor.begin(), tensor.end(), [&](int8_t q) { return q != tensor[0]; });
}

struct Shape {
  int images, size, channels, out_channels, kernel, stride, capsules, classes, dim;
};

/// Runs every operation on a backend, on tensors without negative elements for odd seeds; the
/// outputs one after another.
inline std::vector<int8_t> run_all(Backend& backend, const Shape& s, uint32_t seed) {
  std::mt19937 random(seed);
  const auto operands = [&](int64_t size) {
    std::vector<int8_t> tensor = random_tensor(&random, size);
    if (seed % 2 == 1) {
      for (int8_t& q : tensor) q = static_cast<int8_t>(q & 127);
    }
    return tensor;
  };
  const auto table = random_table(&random);
  std::vector<int8_t> all;
  const auto keep = [&](const std::vector<int8_t>& out) {
    if (!lively(out)) throw std::logic_error("the outputs never change");
    all.insert(all.end(), out.begin(), out.end());
  };
  {
    const auto input = operands(int64_t{s.images} * s.size * s.size * s.channels);
    const auto weight =
        random_tensor(&random, int64_t{s.out_channels} * s.kernel * s.kernel * s.channels);
    const std::vector<int32_t> bias(s.out_channels, 99);
    Conv2dArgs args{s.images,      s.size,      s.size,       s.channels, s.out_channels,
                    s.kernel,      s.stride,    11,           true,       input.data(),
                    weight.data(), bias.data(), table.data(), nullptr};
    std::vector<int8_t> out(static_cast<size_t>(args.count()));
    args.output = out.data();
    backend.conv2d(args);
    keep(out);
  }
  const int64_t votes_size = int64_t{s.images} * s.capsules * s.classes * s.dim;
  const auto votes = operands(votes_size);
  {
    const auto input = operands(int64_t{s.images} * s.capsules * 8);
    const auto weight = random_tensor(&random, int64_t{s.capsules} * s.classes * 8 * s.dim);
    std::vector<int8_t> out(static_cast<size_t>(votes_size));
    backend.votes({s.images, s.capsules, 8, s.classes, s.dim, 9, input.data(), weight.data(),
                   table.data(), out.data()});
    keep(out);
  }
  {
    const auto coupling = operands(int64_t{s.images} * s.classes * s.capsules);
    std::vector<int8_t> out(static_cast<size_t>(s.images) * s.classes * s.dim);
    backend.weighted_sum({s.images, s.capsules, s.classes, s.dim, 10, coupling.data(), votes.data(),
                          table.data(), out.data()});
    keep(out);
  }
  const int64_t pairs = int64_t{s.images} * s.capsules * s.classes;
  {
    const auto v = operands(int64_t{s.images} * s.classes * s.dim);
    const auto before = operands(pairs);
    std::vector<int8_t> out(static_cast<size_t>(pairs));
    backend.agreement({s.images, s.capsules, s.classes, s.dim, 10, votes.data(), v.data(),
                       table.data(), before.data(), out.data()});
    keep(out);
    std::vector<int8_t> squashed(v.size());
    backend.squash(
        {int64_t{s.images} * s.classes, s.dim, 4, v.data(), table.data(), squashed.data()});
    keep(squashed);
    std::vector<int32_t> scores(static_cast<size_t>(s.images) * s.classes);
    std::vector<int8_t> classes(s.images);
    backend.classify(
        {s.images, s.classes, s.dim, v.data(), table.data(), scores.data(), classes.data()});
    all.insert(all.end(), classes.begin(), classes.end());
    for (int32_t score : scores) {
      for (int b = 0; b < 4; ++b) all.push_back(static_cast<int8_t>(score >> (8 * b)));
    }
  }
  {
    const auto logits = random_tensor(&random, pairs);
    std::vector<int8_t> out(static_cast<size_t>(pairs));
    backend.softmax({s.images, s.capsules, s.classes, 5, logits.data(), out.data()});
    keep(out);
  }
  return all;
}

}  // namespace lutra::engine

#endif  // LUTRA_TESTS_GPU_REF_ENGINE_EXERCISE_H_
