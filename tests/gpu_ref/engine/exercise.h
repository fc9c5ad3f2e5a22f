#ifndef LUTRA_TESTS_GPU_REF_ENGINE_EXERCISE_H_
#define LUTRA_TESTS_GPU_REF_ENGINE_EXERCISE_H_

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "lutra/engine/backend.h"

/// Random work for every operation of a backend; the engine's tests and scripts/gpu_check use it.
namespace lutra::engine {

/// What random operands are drawn from.
enum class Draw {
  kAll,        ///< every operand
  kSymmetric,  ///< all but the lowest of signed ones, as tensors hold them
  kPixels,     ///< without a sign, as pixels and ReLU leave them
};

inline std::vector<int8_t> random_operands(std::mt19937* random, int64_t size,
                                           const tables::OperandType& type,
                                           Draw draw = Draw::kAll) {
  std::vector<int8_t> tensor(static_cast<size_t>(size));
  const int low =
      draw == Draw::kPixels ? 0 : type.lowest() + (draw == Draw::kSymmetric && type.is_signed);
  for (int8_t& q : tensor) {
    q = static_cast<int8_t>(low + static_cast<int>((*random)() % (type.highest() - low + 1u)));
  }
  return tensor;
}

/// Elements of [-127, 127].
inline std::vector<int8_t> random_tensor(std::mt19937* random, int64_t size) {
  std::vector<int8_t> tensor(static_cast<size_t>(size));
  for (int8_t& q : tensor) q = static_cast<int8_t>(static_cast<int>((*random)() % 255) - 127);
  return tensor;
}

/// A table with no structure at all: not commuting, non-zero at zero.
inline tables::ProductTable random_table(std::mt19937* random, tables::OperandType first = {},
                                         tables::OperandType second = {}) {
  std::vector<int32_t> products(size_t{1} << (first.width + second.width));
  const bool is_signed = first.is_signed || second.is_signed;
  for (int32_t& p : products)
    p = static_cast<int32_t>((*random)() % 65536) - (is_signed ? 32768 : 0);
  return {first, second, products};
}

/// A table with a factorisation of as many terms, and a part of each operand alone.
inline tables::ProductTable random_factorised_table(std::mt19937* random, int terms,
                                                    tables::OperandType first = {},
                                                    tables::OperandType second = {}) {
  const int rows = 1 << first.width;
  const int columns = 1 << second.width;
  std::vector<int32_t> products(static_cast<size_t>(rows) * columns);
  const int size = 120 / (terms + 1);  // 120 * 120 * 2 < 2^15
  for (int t = 0; t < terms; ++t) {
    std::vector<int32_t> u(rows), v(columns);
    for (int32_t& x : u) x = static_cast<int32_t>((*random)() % (2 * size + 1u)) - size;
    for (int32_t& x : v) x = static_cast<int32_t>((*random)() % (2 * size + 1u)) - size;
    for (int i = 0; i < rows * columns; ++i) products[i] += u[i / columns] * v[i % columns];
  }
  std::vector<int32_t> row(rows), column(columns);
  for (int32_t& x : row) x = static_cast<int32_t>((*random)() % 2001) - 1000;
  for (int32_t& x : column) x = static_cast<int32_t>((*random)() % 2001) - 1000;
  for (int i = 0; i < rows * columns; ++i) {
    products[i] += row[i / columns] + column[i % columns];
  }
  return {first, second, products};
}

/// Outputs that never change prove nothing.
template <typename T>
bool lively(const std::vector<T>& tensor) {
  return std::any_of(tensor.begin(), tensor.end(), [&](T q) { return q != tensor[0]; });
}

struct Shape {
  int images, height, width, channels, out_channels;
  Window vertical, horizontal;
  int groups;
  int capsules, classes, dim;
};

inline std::string name_of(const Shape& s) {
  const auto text = [](int n) { return std::to_string(n); };
  return text(s.images) + "x" + text(s.height) + "x" + text(s.width) + "x" + text(s.channels) +
         "to" + text(s.out_channels) + "k" + text(s.vertical.kernel) + "x" +
         text(s.horizontal.kernel) + "g" + text(s.groups);
}

/// Shapes with ones, tails and primes.
inline std::vector<Shape> odd_shapes() {
  const Window k1{}, k2{2, 1, 0, 0, 1}, k3{3, 1, 1, 1, 1}, k3s2{3, 2, 1, 0, 1}, k5s2{5, 2, 0, 2, 1};
  const Window k3d2{3, 1, 2, 2, 2}, k9{9, 1, 0, 0, 1}, k1s3{1, 3, 0, 0, 1}, k2d5{2, 2, 4, 1, 5};
  return {
      {1, 9, 9, 1, 16, k9, k9, 1, 17, 10, 16},
      {2, 13, 12, 3, 5, k3s2, k3, 1, 7, 3, 8},
      {3, 11, 7, 16, 7, k5s2, k3d2, 1, 31, 16, 5},
      // A sum of more terms than 16 bits hold bytes of, tails everywhere.
      {2, 9, 8, 37, 33, k5s2, k5s2, 1, 65, 12, 16},
      {67, 5, 6, 2, 1, k3, k1, 1, 3, 5, 7},
      {261, 3, 2, 1, 18, k2, k2, 1, 2, 2, 3},
      {1, 1, 1, 300, 19, k1, k1, 1, 130, 15, 2},
      {1, 1, 2, 1031, 70, k1, k1, 1, 5, 1, 16},
      // Groups, depthwise, dilation, strides that skip the image's end.
      {3, 7, 9, 12, 20, k3, k3d2, 4, 13, 7, 1},
      {2, 8, 8, 11, 11, k3, k3s2, 11, 1, 2, 16},
      {5, 10, 11, 6, 9, k1s3, k2d5, 3, 11, 4, 9},
      {1, 19, 17, 5, 130, k3, k3, 1, 300, 10, 16},
  };
}

/// Bytes of all that an operation put out, by operation.
using Outputs = std::map<std::string, std::vector<uint8_t>>;

/// Runs every operation on a backend.
/// @param draw  of the first operands; the second ones are never only without a sign
inline Outputs run_all(Backend& backend, const Shape& s, const Multiplier& multiplier,
                       uint32_t seed, Draw draw) {
  std::mt19937 random(seed);
  const tables::OperandType first = multiplier.table().first();
  const tables::OperandType second = multiplier.table().second();
  const auto of_first = [&](int64_t size) { return random_operands(&random, size, first, draw); };
  const auto of_second = [&](int64_t size) {
    return random_operands(&random, size, second,
                           draw == Draw::kAll ? Draw::kAll : Draw::kSymmetric);
  };
  const auto biases = [&](int count) {
    std::vector<int32_t> bias(count);
    for (int32_t& b : bias) b = static_cast<int32_t>(random() % 200001) - 100000;
    return bias;
  };
  // Sums of random products grow with the root of their number.
  const auto shift = [&](int terms) {
    int bits = first.width + second.width - 8;
    for (int n = terms; n > 3; n /= 4) ++bits;
    return std::min(31, std::max(0, bits));
  };
  Outputs all;
  const auto keep = [&](const std::string& what, const auto& out, bool one_may_do = false) {
    if (!lively(out) && !(one_may_do || out.size() < 8)) {
      throw std::logic_error(what + ": the outputs never change");
    }
    auto& bytes = all[what];
    const auto* data = reinterpret_cast<const uint8_t*>(out.data());
    bytes.insert(bytes.end(), data, data + out.size() * sizeof(out[0]));
  };

  for (const bool shared : {true, false}) {
    const int rows = s.capsules, outputs = s.out_channels, terms = s.channels;
    const auto a = of_first(int64_t{s.images} * rows * terms);
    const auto b = of_second(int64_t{shared ? 1 : s.images} * outputs * terms);
    const auto bias = biases(outputs);
    std::vector<int8_t> out(static_cast<size_t>(s.images) * rows * outputs);
    std::vector<int32_t> sums(out.size());
    GemmArgs args{
        s.images, rows, outputs, terms, shared, a.data(), b.data(), nullptr, multiplier.products(),
        {}};
    args.to = {Requantisation::to_uint8(shift(terms)), out.data(), nullptr};
    backend.gemm(args);
    args.bias = bias.data();
    args.to = {{}, nullptr, sums.data()};
    backend.gemm(args);
    keep("gemm", out, true);
    keep("gemm", sums);
  }
  for (const Padding padding : {Padding::kOperand, Padding::kNothing}) {
    const auto input = of_first(int64_t{s.images} * s.height * s.width * s.channels);
    Conv2dArgs args{s.images,
                    s.height,
                    s.width,
                    s.channels,
                    s.out_channels,
                    s.vertical,
                    s.horizontal,
                    s.groups,
                    padding,
                    of_first(1)[0],
                    input.data(),
                    nullptr,
                    nullptr,
                    multiplier.products(),
                    {}};
    const auto weight = of_second(int64_t{s.out_channels} * args.terms());
    const auto bias = biases(s.out_channels);
    args.weight = weight.data();
    if (padding == Padding::kOperand) args.bias = bias.data();
    std::vector<int8_t> out(static_cast<size_t>(args.count()));
    std::vector<int32_t> sums(out.size());
    args.to = {Requantisation::to_int8(shift(args.terms()), seed % 3 == 0), out.data(),
               sums.data()};
    backend.conv2d(args);
    keep("conv2d", out, true);
    keep("conv2d", sums);
  }
  for (const auto kind : {PoolArgs::Kind::kMax, PoolArgs::Kind::kAverage}) {
    const auto input = random_tensor(&random, int64_t{s.images} * s.height * s.width * s.channels);
    const auto whole = [](int size, int kernel) {
      const int k = std::min(size, kernel);
      return Window{k, 2, k / 2, (k - 1) / 2, 1};
    };
    PoolArgs args{s.images,          s.height, s.width,       s.channels,   whole(s.height, 3),
                  whole(s.width, 2), kind,     seed % 2 == 0, input.data(), nullptr};
    std::vector<int8_t> out(static_cast<size_t>(args.count()));
    args.output = out.data();
    backend.pool(args);
    keep("pool", out);
  }
  {
    const int64_t elements = int64_t{s.images} * s.capsules * s.channels + 7;
    const auto a = random_tensor(&random, elements);
    const auto b = random_tensor(&random, elements);
    std::vector<int8_t> out(static_cast<size_t>(elements));
    backend.add({elements, 3, 0, seed % 2 == 0, a.data(), b.data(), Requantisation::to_int8(2),
                 out.data()});
    keep("add", out);
    std::vector<int32_t> sums(static_cast<size_t>(elements));
    for (int32_t& sum : sums) sum = static_cast<int32_t>(random());
    backend.requantise({elements, sums.data(), Requantisation::to_int8(25, true), out.data()});
    keep("requantise", out);
  }
  const int64_t votes_size = int64_t{s.images} * s.capsules * s.classes * s.dim;
  {
    const auto input = of_first(int64_t{s.images} * s.capsules * 8);
    const auto weight = of_second(int64_t{s.capsules} * s.classes * 8 * s.dim);
    std::vector<int8_t> out(static_cast<size_t>(votes_size));
    backend.votes({s.images, s.capsules, 8, s.classes, s.dim, shift(8), input.data(), weight.data(),
                   multiplier.products(), out.data()});
    keep("votes", out, true);
  }
  {
    const auto coupling = of_first(int64_t{s.images} * s.classes * s.capsules);
    const auto votes = of_second(votes_size);
    std::vector<int8_t> out(static_cast<size_t>(s.images) * s.classes * s.dim);
    backend.weighted_sum({s.images, s.capsules, s.classes, s.dim, shift(s.capsules),
                          coupling.data(), votes.data(), multiplier.products(), out.data()});
    keep("weighted_sum", out, true);
  }
  const int64_t pairs = int64_t{s.images} * s.capsules * s.classes;
  {
    const auto votes = of_first(votes_size);
    const auto v = of_second(int64_t{s.images} * s.classes * s.dim);
    const auto before = random_tensor(&random, pairs);
    std::vector<int8_t> out(static_cast<size_t>(pairs));
    backend.agreement({s.images, s.capsules, s.classes, s.dim, shift(s.dim), votes.data(), v.data(),
                       multiplier.products(), before.data(), out.data()});
    keep("agreement", out, true);
  }
  // An element is multiplied by itself: it must be an operand on either side.
  if (first == second) {
    auto v = of_first(int64_t{s.images} * s.classes * s.dim);
    if (!first.is_signed) {
      for (int8_t& element : v) element = static_cast<int8_t>(element & 127);
    }
    std::vector<int8_t> squashed(v.size());
    backend.squash({int64_t{s.images} * s.classes, s.dim, 4, v.data(), multiplier.products(),
                    squashed.data()});
    keep("squash", squashed, true);
    std::vector<int32_t> scores(static_cast<size_t>(s.images) * s.classes);
    std::vector<int8_t> classes(s.images);
    backend.classify({s.images, s.classes, s.dim, v.data(), multiplier.products(), scores.data(),
                      classes.data()});
    keep("classify", classes, true);
    keep("classify", scores, true);
  }
  {
    const auto logits = random_tensor(&random, pairs);
    std::vector<int8_t> out(static_cast<size_t>(pairs));
    backend.softmax({s.images, s.capsules, s.classes, 5, logits.data(), out.data()});
    keep("softmax", out, s.classes == 1);
  }
  return all;
}

/// Runs both gradients of a convolution under each rule.
inline Outputs run_gradients(Backend& backend, const Shape& s, const Multiplier& multiplier,
                             uint32_t seed) {
  std::mt19937 random(seed);
  Outputs all;
  const std::pair<const char*, DerivativeRule> rules[] = {
      {"straight_through", straight_through(multiplier)},
      {"factorised_differences", factorised_differences(multiplier, 2)},
      {"smoothed_differences", smoothed_differences(multiplier, 4)}};
  for (const auto& [name, rule] : rules) {
    Conv2dGradientArgs args{s.images,
                            s.height,
                            s.width,
                            s.channels,
                            s.out_channels,
                            s.vertical,
                            s.horizontal,
                            s.groups,
                            seed % 2 == 0 ? Padding::kOperand : Padding::kNothing,
                            3,
                            nullptr,
                            nullptr,
                            nullptr,
                            {},
                            nullptr};
    const auto input = random_operands(&random, args.input_size(), multiplier.table().first());
    const auto weight = random_operands(&random, args.weight_size(), multiplier.table().second());
    std::vector<float> gradient(static_cast<size_t>(s.images) * args.out_height() *
                                args.out_width() * s.out_channels);
    std::normal_distribution<float> normal;
    for (float& g : gradient) g = normal(random);
    args.input = input.data();
    args.weight = weight.data();
    args.gradient = gradient.data();
    const auto keep = [&](const std::string& what, const std::vector<float>& out) {
      if (out.size() >= 8 && !lively(out)) throw std::logic_error(what + ": never changes");
      auto& bytes = all[what + " " + name];
      bytes.resize(out.size() * sizeof(float));
      std::memcpy(bytes.data(), out.data(), bytes.size());
    };
    std::vector<float> result(input.size());
    args.derivative = rule.first();
    args.result = result.data();
    backend.conv2d_input_gradient(args);
    keep("input gradient", result);
    result.assign(weight.size(), 0);
    args.derivative = rule.second();
    args.result = result.data();
    backend.conv2d_weight_gradient(args);
    keep("weight gradient", result);
  }
  return all;
}

/// Compares what two backends put out.
/// @param report  called with a line for each of the first mismatches of an operation
/// @return        bytes compared
inline size_t compare(const Outputs& expected, const Outputs& got,
                      const std::function<void(const std::string&)>& report) {
  size_t checked = 0;
  for (const auto& [what, bytes] : expected) {
    const auto found = got.find(what);
    if (found == got.end() || found->second.size() != bytes.size()) {
      report(what + ": sizes differ");
      continue;
    }
    int reported = 0;
    for (size_t i = 0; i < bytes.size() && reported < 4; ++i) {
      if (bytes[i] == found->second[i]) continue;
      ++reported;
      report(what + ", byte " + std::to_string(i) + " of " + std::to_string(bytes.size()) +
             ": expected " + std::to_string(bytes[i]) + ", got " +
             std::to_string(found->second[i]));
    }
    checked += bytes.size();
  }
  return checked;
}

}  // namespace lutra::engine

#endif  // LUTRA_TESTS_GPU_REF_ENGINE_EXERCISE_H_
