// Every backend against the scalar reference, bit for bit, on odd shapes; and the scalar reference
// against loops written out from docs/numerics.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <random>
#include <vector>

#include "lutra/engine/backend.h"

namespace lutra::engine {
namespace {

std::vector<int8_t> random_tensor(std::mt19937* random, int64_t size) {
  std::vector<int8_t> tensor(static_cast<size_t>(size));
  for (int8_t& q : tensor) q = static_cast<int8_t>(static_cast<int>((*random)() % 255) - 127);
  return tensor;
}

/// A table with no structure at all: not commuting, non-zero at zero.
std::vector<int16_t> random_table(std::mt19937* random) {
  std::vector<int16_t> table(65536);
  for (int16_t& p : table) p = static_cast<int16_t>((*random)() % 32768 - 16384);
  return table;
}

void expect_lively(const std::vector<int8_t>& tensor) {
  ASSERT_FALSE(tensor.empty());
  EXPECT_FALSE(std::all_of(tensor.begin(), tensor.end(), [&](int8_t q) { return q == tensor[0]; }))
      << "the outputs never change";
}

struct Shape {
  int images, size, channels, out_channels, kernel, stride, capsules, classes, dim;
};

class EngineShape : public testing::TestWithParam<Shape> {
 protected:
  std::mt19937 random_{GetParam().size * 31u + GetParam().channels};
};

TEST_P(EngineShape, ConvolutionIsTheSumOfItsProducts) {
  const Shape s = GetParam();
  const auto input = random_tensor(&random_, int64_t{s.images} * s.size * s.size * s.channels);
  const auto weight =
      random_tensor(&random_, int64_t{s.out_channels} * s.kernel * s.kernel * s.channels);
  std::vector<int32_t> bias(s.out_channels);
  for (int32_t& b : bias) b = static_cast<int32_t>(random_() % 200001) - 100000;
  const auto table = random_table(&random_);
  Conv2dArgs args{s.images,      s.size,      s.size,       s.channels, s.out_channels,
                  s.kernel,      s.stride,    12,           false,      input.data(),
                  weight.data(), bias.data(), table.data(), nullptr};
  std::vector<int8_t> output(static_cast<size_t>(args.count()));
  args.output = output.data();
  make_backend("scalar")->conv2d(args);
  expect_lively(output);

  const int out = (s.size - s.kernel) / s.stride + 1;
  int64_t checked = 0;
  for (int n = 0; n < s.images; ++n)
    for (int y = 0; y < out; ++y)
      for (int x = 0; x < out; ++x)
        for (int o = 0; o < s.out_channels; ++o) {
          int64_t sum = bias[o];
          for (int ky = 0; ky < s.kernel; ++ky)
            for (int kx = 0; kx < s.kernel; ++kx)
              for (int c = 0; c < s.channels; ++c) {
                const int8_t a =
                    input[((n * s.size + y * s.stride + ky) * s.size + x * s.stride + kx) *
                              s.channels +
                          c];
                const int8_t w = weight[((o * s.kernel + ky) * s.kernel + kx) * s.channels + c];
                sum += table[(a & 255) * 256 + (w & 255)];
              }
          const int64_t rounded = (sum + 2048) >> 12;
          const int8_t expected =
              static_cast<int8_t>(std::max<int64_t>(-127, std::min<int64_t>(127, rounded)));
          ASSERT_EQ(output[((n * out + y) * out + x) * s.out_channels + o], expected)
              << "image " << n << " row " << y << " column " << x << " channel " << o;
          ++checked;
        }
  std::printf("checked=%lld\n", static_cast<long long>(checked));
  ASSERT_GT(checked, 0);
}

/// Runs every operation on a backend; the outputs one after another.
std::vector<int8_t> run_all(Backend& backend, const Shape& s, uint32_t seed) {
  std::mt19937 random(seed);
  const auto table = random_table(&random);
  std::vector<int8_t> all;
  const auto keep = [&](const std::vector<int8_t>& out) {
    expect_lively(out);
    all.insert(all.end(), out.begin(), out.end());
  };
  {
    const auto input = random_tensor(&random, int64_t{s.images} * s.size * s.size * s.channels);
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
  const auto votes = random_tensor(&random, votes_size);
  {
    const auto input = random_tensor(&random, int64_t{s.images} * s.capsules * 8);
    const auto weight = random_tensor(&random, int64_t{s.capsules} * s.classes * 8 * s.dim);
    std::vector<int8_t> out(static_cast<size_t>(votes_size));
    backend.votes({s.images, s.capsules, 8, s.classes, s.dim, 9, input.data(), weight.data(),
                   table.data(), out.data()});
    keep(out);
  }
  {
    const auto coupling = random_tensor(&random, int64_t{s.images} * s.classes * s.capsules);
    std::vector<int8_t> out(static_cast<size_t>(s.images) * s.classes * s.dim);
    backend.weighted_sum({s.images, s.capsules, s.classes, s.dim, 10, coupling.data(), votes.data(),
                          table.data(), out.data()});
    keep(out);
  }
  const int64_t pairs = int64_t{s.images} * s.capsules * s.classes;
  {
    const auto v = random_tensor(&random, int64_t{s.images} * s.classes * s.dim);
    const auto before = random_tensor(&random, pairs);
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

TEST_P(EngineShape, CudaEqualsScalar) {
  const auto info = backends();
  const auto cuda =
      std::find_if(info.begin(), info.end(), [](const auto& b) { return b.name == "cuda"; });
  ASSERT_NE(cuda, info.end());
  if (!cuda->available) GTEST_SKIP() << cuda->reason;
  const auto expected = run_all(*make_backend("scalar"), GetParam(), 5);
  EXPECT_EQ(run_all(*make_backend("cuda"), GetParam(), 5), expected);
  std::printf("checked=%zu\n", expected.size());
}

TEST_P(EngineShape, ScalarIsDeterministicAndLively) {
  const auto first = run_all(*make_backend("scalar"), GetParam(), 6);
  EXPECT_EQ(run_all(*make_backend("scalar"), GetParam(), 6), first);
  EXPECT_NE(run_all(*make_backend("scalar"), GetParam(), 7), first);
}

INSTANTIATE_TEST_SUITE_P(Shapes, EngineShape,
                         testing::Values(Shape{1, 9, 1, 16, 9, 1, 17, 10, 16},
                                         Shape{2, 13, 3, 5, 3, 2, 7, 3, 8},
                                         Shape{3, 11, 16, 7, 5, 1, 31, 16, 5}),
                         [](const auto& p) {
                           return std::to_string(p.param.images) + "x" +
                                  std::to_string(p.param.size) + "x" +
                                  std::to_string(p.param.channels);
                         });

TEST(Engine, UnknownBackend_bad) { EXPECT_THROW(make_backend("sse"), std::runtime_error); }

}  // namespace
}  // namespace lutra::engine
