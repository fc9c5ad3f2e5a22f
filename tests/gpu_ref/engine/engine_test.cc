// Every backend against the scalar reference, bit for bit, on odd shapes; and the scalar reference
// against loops written out from docs/numerics.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <random>
#include <vector>

#include "exercise.h"
#include "lutra/engine/backend.h"

namespace lutra::engine {

void PrintTo(const Shape& s, std::ostream* out) {
  *out << s.images << " images of " << s.size << "x" << s.size << "x" << s.channels;
}

namespace {

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
  EXPECT_TRUE(lively(output));

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

void expect_equals_scalar(const std::string& name, const Shape& shape) {
  const auto info = backends();
  const auto found =
      std::find_if(info.begin(), info.end(), [&name](const auto& b) { return b.name == name; });
  ASSERT_NE(found, info.end());
  if (!found->available) GTEST_SKIP() << found->reason;
  size_t checked = 0;
  for (uint32_t seed = 5; seed < 9; ++seed) {
    const auto expected = run_all(*make_backend("scalar"), shape, seed);
    const auto got = run_all(*make_backend(name), shape, seed);
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i, ++checked) {
      ASSERT_EQ(got[i], expected[i]) << name << ", seed " << seed << ", element " << i;
    }
  }
  std::printf("checked=%zu\n", checked);
}

TEST_P(EngineShape, CudaEqualsScalar) { expect_equals_scalar("cuda", GetParam()); }
TEST_P(EngineShape, Avx512EqualsScalar) { expect_equals_scalar("avx512", GetParam()); }

TEST_P(EngineShape, ScalarIsDeterministicAndLively) {
  const auto first = run_all(*make_backend("scalar"), GetParam(), 6);
  EXPECT_EQ(run_all(*make_backend("scalar"), GetParam(), 6), first);
  EXPECT_NE(run_all(*make_backend("scalar"), GetParam(), 7), first);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, EngineShape,
    testing::Values(Shape{1, 9, 1, 16, 9, 1, 17, 10, 16}, Shape{2, 13, 3, 5, 3, 2, 7, 3, 8},
                    Shape{3, 11, 16, 7, 5, 1, 31, 16, 5},
                    // A sum of more terms than 16 bits hold bytes of, more
                    // images than lanes, one output channel, tails.
                    Shape{2, 9, 37, 33, 5, 2, 65, 12, 16}, Shape{67, 5, 2, 1, 3, 1, 3, 5, 7},
                    Shape{261, 3, 1, 18, 2, 1, 2, 2, 3}, Shape{1, 1, 300, 19, 1, 1, 130, 15, 2}),
    [](const auto& p) {
      return std::to_string(p.param.images) + "x" + std::to_string(p.param.size) + "x" +
             std::to_string(p.param.channels);
    });

TEST(Engine, UnknownBackend_bad) { EXPECT_THROW(make_backend("sse"), std::runtime_error); }

}  // namespace
}  // namespace lutra::engine
