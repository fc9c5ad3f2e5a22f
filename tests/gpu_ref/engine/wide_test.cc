// Multipliers of 9 to 16 bits: by their terms, and by their models.
#include <gtest/gtest.h>

#include <cstdio>
#include <random>

#include "lutra/base/error.h"
#include "lutra/component/library.h"
#include "lutra/component/multiplier_models.h"
#include "lutra/engine/wide.h"

namespace lutra::engine {
namespace {

WideMultiplier library_multiplier(const std::string& name) {
  const auto spec = synth::parse_multiplier_spec(name);
  WideMultiplier m;
  m.width = spec.width;
  m.is_signed = spec.is_signed;
  const auto model =
      synth::multiplier_model(spec.family->name, spec.parameters, spec.width, spec.is_signed);
  m.model = [model](int32_t a, int32_t b) { return model(a, b); };
  return m;
}

class WideGemm : public testing::TestWithParam<std::pair<const char*, int>> {};

/// The terms that were found, and the sums of both ways, of which the reference is another loop.
TEST_P(WideGemm, EqualsTheModel) {
  const auto& [name, terms] = GetParam();
  WideMultiplier m = library_multiplier(name);
  EXPECT_EQ(factorise(&m), terms > 0);
  EXPECT_EQ(m.terms.size(), static_cast<size_t>(terms));
  std::mt19937 random(7);
  const auto operands = [&](int count) {
    std::vector<int16_t> tensor(count);
    for (int16_t& x : tensor) {
      x = static_cast<int16_t>(m.lowest() + static_cast<int32_t>(random() % (1u << m.width)));
    }
    return tensor;
  };
  int64_t checked = 0;
  for (const auto& [rows, outputs, count] :
       {std::tuple{1, 1, 1}, {3, 7, 300}, {37, 11, 64}, {2, 19, 129}}) {
    const auto first = operands(rows * count);
    const auto second = operands(outputs * count);
    std::vector<int64_t> bias(outputs, -123456789012);
    std::vector<int64_t> expected(rows * outputs), sums(rows * outputs);
    WideGemmArgs args{rows, outputs, count, first.data(), second.data(), bias.data(), &m, {}};
    args.to.sums = expected.data();
    wide_gemm_reference(args);
    for (const int jobs : {1, 3}) {
      args.to.sums = sums.data();
      wide_gemm(args, jobs);
      ASSERT_EQ(sums, expected);
    }
    int64_t by_hand = bias[0];
    for (int k = 0; k < count; ++k) {
      by_hand += m.is_signed ? m.model(first[k], second[k])
                             : m.model(uint16_t(first[k]), uint16_t(second[k]));
    }
    ASSERT_EQ(expected[0], by_hand);
    checked += rows * outputs;
  }
  std::printf("checked=%lld\n", static_cast<long long>(checked));
}

/// Odd shapes, both paddings, groups, dilation, and what the sums become.
TEST_P(WideGemm, ConvolutionEqualsTheModel) {
  WideMultiplier m = library_multiplier(GetParam().first);
  factorise(&m);
  std::mt19937 random(11);
  const auto operands = [&](int64_t count) {
    std::vector<int16_t> tensor(static_cast<size_t>(count));
    for (int16_t& x : tensor) {
      x = static_cast<int16_t>(m.lowest() + static_cast<int32_t>(random() % (1u << m.width)));
    }
    return tensor;
  };
  int64_t checked = 0;
  struct Shape {
    int images, height, width, in_channels, out_channels, groups;
    Window vertical, horizontal;
  };
  for (const Shape& s : {Shape{1, 1, 1, 1, 1, 1, {}, {}},
                         {2, 7, 5, 3, 4, 1, {3, 1, 1, 1, 1}, {3, 1, 1, 1, 1}},
                         {1, 11, 6, 4, 6, 2, {3, 2, 2, 1, 2}, {2, 3, 0, 3, 1}},
                         {3, 5, 5, 5, 5, 5, {5, 1, 2, 2, 1}, {1, 2, 0, 0, 1}}}) {
    for (const Padding padding : {Padding::kOperand, Padding::kNothing}) {
      WideConv2dArgs args{
          s.images,     s.height, s.width, s.in_channels, s.out_channels, s.vertical,
          s.horizontal, s.groups, padding, int16_t{3},    nullptr,        nullptr,
          nullptr,      &m,       {}};
      const auto input = operands(int64_t{s.images} * s.height * s.width * s.in_channels);
      const auto weight = operands(int64_t{s.out_channels} * args.terms());
      const std::vector<int64_t> bias(s.out_channels, 98765432101);
      args.input = input.data();
      args.weight = weight.data();
      args.bias = bias.data();
      const size_t count = size_t(s.images) * args.out_height() * args.out_width() * s.out_channels;
      std::vector<int64_t> expected(count), sums(count, -1);
      std::vector<int16_t> expected_output(count), output(count, -1);
      args.to = {{2 * m.width + 4}, expected_output.data(), expected.data()};
      wide_conv2d_reference(args);
      args.to.sums = sums.data();
      args.to.output = output.data();
      for (const int jobs : {1, 3}) {
        std::fill(sums.begin(), sums.end(), -1);
        wide_conv2d(args, jobs);
        ASSERT_EQ(sums, expected);
        ASSERT_EQ(output, expected_output);
      }
      ASSERT_EQ(output[0], WideRequantisation{2 * m.width + 4}(sums[0]));
      checked += static_cast<int64_t>(count);
    }
  }
  std::printf("checked=%lld\n", static_cast<long long>(checked));
}

/// Without padding a convolution is a product of patches, which the gemm knows.
TEST(WideConv2d, OfOnePixelKernelsIsAGemm) {
  WideMultiplier m = library_multiplier("drum:kept_bits=6,width=12");
  std::mt19937 random(3);
  std::vector<int16_t> input(4 * 9), weight(5 * 9);
  for (int16_t& x : input) x = static_cast<int16_t>(static_cast<int>(random() % 4096) - 2048);
  for (int16_t& x : weight) x = static_cast<int16_t>(static_cast<int>(random() % 4096) - 2048);
  std::vector<int64_t> by_gemm(20), by_conv(20);
  WideGemmArgs gemm{4, 5, 9, input.data(), weight.data(), nullptr, &m, {}};
  gemm.to.sums = by_gemm.data();
  wide_gemm(gemm);
  WideConv2dArgs conv{
      1, 2, 2, 9, 5, {}, {}, 1, Padding::kOperand, 0, input.data(), weight.data(), nullptr, &m, {}};
  conv.to.sums = by_conv.data();
  wide_conv2d(conv);
  EXPECT_EQ(by_conv, by_gemm);
  EXPECT_NE(by_gemm, std::vector<int64_t>(20));
}

INSTANTIATE_TEST_SUITE_P(Library, WideGemm,
                         testing::Values(std::pair{"exact:width=12", 1},
                                         std::pair{"drum:kept_bits=6,width=12,signed=0", 1},
                                         std::pair{"trunc:width=10", 1},
                                         std::pair{"udm:width=10,signed=0", 2},
                                         std::pair{"roba:width=9", 2},
                                         std::pair{"mitchell:width=16", 0}),
                         [](const auto& p) {
                           std::string name = p.param.first;
                           for (char& c : name) c = std::isalnum(c) ? c : '_';
                           return name;
                         });

TEST(WideGemm, OperandsAndSizes_bad) {
  const WideMultiplier m = library_multiplier("exact:width=12");
  const std::vector<int16_t> operands = {5, 2048};
  std::vector<int64_t> sums(1, 99);
  WideGemmArgs args{1, 1, 2, operands.data(), operands.data(), nullptr, &m, {}};
  args.to.sums = sums.data();
  const auto error = [&] {
    try {
      wide_gemm(args);
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kInvalidArgument);
      return std::string(e.what());
    }
    return std::string("none");
  };
  EXPECT_EQ(error(), "wide gemm: first, element 1 = 2048, the multiplier takes -2048..2047");
  args.terms = 0;
  EXPECT_EQ(error(), "wide gemm: terms = 0, expected 1..1073741824");
  args.terms = 1;
  const int64_t bias = INT64_MIN;
  args.bias = &bias;
  EXPECT_EQ(error(),
            "wide gemm: bias 0 = -9223372036854775808, expected "
            "-2305843009213693952..2305843009213693952");
  args.bias = nullptr;
  args.to = {};
  EXPECT_EQ(error(), "wide gemm: neither output nor sums is given");
  EXPECT_EQ(sums[0], 99);
}

}  // namespace
}  // namespace lutra::engine
