// Every backend against the scalar reference, bit for bit, on odd shapes, with tables of every kind
// and every family of the library; the scalar reference against loops written out from the
// definitions; threads; bad arguments.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include "avx2/avx2_backend.h"
#include "avx512/avx512_backend.h"
#include "cuda/cuda_backend.h"
#include "exercise.h"
#include "lutra/base/error.h"
#include "lutra/component/library.h"
#include "lutra/component/multiplier_models.h"

namespace lutra::engine {

void PrintTo(const Shape& s, std::ostream* out) { *out << name_of(s); }

namespace {

using tables::OperandType;
using tables::ProductTable;

/// Those that the cost model steers, and each of its algorithms alone: which one it takes for a
/// small shape depends on the machine.
std::vector<std::string> other_backends() {
  std::vector<std::string> names;
  for (const std::string name : {"avx2", "avx512", "cuda"}) {
    for (const std::string algorithm : {"", "_lookup", "_factorised"})
      names.push_back(name + algorithm);
  }
  return names;
}

std::unique_ptr<Backend> make_with_algorithm(const std::string& name) {
  const auto algorithm = name.find("_factorised") != std::string::npos ? GemmAlgorithm::kFactorised
                                                                       : GemmAlgorithm::kLookup;
  if (name.find("_") == std::string::npos) return make_backend(name);
  if (name.find("cuda") == 0) return make_cuda_backend(algorithm);
  return name.find("avx2") == 0 ? make_avx2_backend(2, algorithm)
                                : make_avx512_backend(2, algorithm);
}

/// Whether a backend can run here; if not, why.
bool available(const std::string& variant, std::string* reason) {
  const std::string name = variant.substr(0, variant.find('_'));
  for (const BackendInfo& info : backends()) {
    if (info.name != name) continue;
    *reason = info.reason;
    return info.available;
  }
  *reason = "not known";
  return false;
}

void expect_equal(const Outputs& expected, const Outputs& got, const std::string& where,
                  size_t* checked) {
  *checked += compare(expected, got,
                      [&](const std::string& line) { ADD_FAILURE() << where << ": " << line; });
}

class EngineShape : public testing::TestWithParam<Shape> {
 protected:
  std::mt19937 random_{GetParam().height * 31u + GetParam().channels};
};

TEST_P(EngineShape, ConvolutionIsTheSumOfItsProducts) {
  const Shape s = GetParam();
  const Multiplier multiplier(random_table(&random_));
  const auto input = random_tensor(&random_, int64_t{s.images} * s.height * s.width * s.channels);
  const int per_group = s.channels / s.groups;
  const auto weight = random_tensor(
      &random_, int64_t{s.out_channels} * s.vertical.kernel * s.horizontal.kernel * per_group);
  std::vector<int32_t> bias(s.out_channels);
  for (int32_t& b : bias) b = static_cast<int32_t>(random_() % 200001) - 100000;
  int64_t checked = 0;
  for (const Padding padding : {Padding::kOperand, Padding::kNothing}) {
    Conv2dArgs args{s.images,
                    s.height,
                    s.width,
                    s.channels,
                    s.out_channels,
                    s.vertical,
                    s.horizontal,
                    s.groups,
                    padding,
                    -5,
                    input.data(),
                    weight.data(),
                    bias.data(),
                    multiplier.products(),
                    {}};
    std::vector<int8_t> output(static_cast<size_t>(args.count()));
    std::vector<int32_t> sums(output.size());
    args.to = {Requantisation::to_int8(9), output.data(), sums.data()};
    make_backend("scalar")->conv2d(args);
    const auto out_size = [](const Window& w, int size) {
      return (size + w.pad_before + w.pad_after - w.dilation * (w.kernel - 1) - 1) / w.stride + 1;
    };
    const int out_height = out_size(s.vertical, s.height);
    const int out_width = out_size(s.horizontal, s.width);
    ASSERT_EQ(output.size(),
              static_cast<size_t>(s.images) * out_height * out_width * s.out_channels);
    size_t at = 0;
    for (int n = 0; n < s.images; ++n)
      for (int y = 0; y < out_height; ++y)
        for (int x = 0; x < out_width; ++x)
          for (int o = 0; o < s.out_channels; ++o, ++at) {
            int64_t sum = bias[o];
            for (int c = 0; c < per_group; ++c)
              for (int ky = 0; ky < s.vertical.kernel; ++ky)
                for (int kx = 0; kx < s.horizontal.kernel; ++kx) {
                  const int row =
                      y * s.vertical.stride + ky * s.vertical.dilation - s.vertical.pad_before;
                  const int col = x * s.horizontal.stride + kx * s.horizontal.dilation -
                                  s.horizontal.pad_before;
                  int a = -5;
                  if (row >= 0 && row < s.height && col >= 0 && col < s.width) {
                    const int group = o / (s.out_channels / s.groups);
                    a = input[((n * s.height + row) * s.width + col) * s.channels +
                              group * per_group + c];
                  } else if (padding == Padding::kNothing) {
                    continue;
                  }
                  const int w =
                      weight[((o * s.vertical.kernel + ky) * s.horizontal.kernel + kx) * per_group +
                             c];
                  sum += multiplier.table()(static_cast<uint8_t>(a), static_cast<uint8_t>(w));
                }
            ASSERT_EQ(sums[at], sum)
                << "image " << n << " row " << y << " column " << x << " channel " << o;
            const int64_t rounded = (sum + 256) >> 9;
            ASSERT_EQ(output[at], std::max<int64_t>(-127, std::min<int64_t>(127, rounded)));
            ++checked;
          }
    EXPECT_TRUE(lively(sums));
  }
  std::printf("checked=%lld\n", static_cast<long long>(checked));
  ASSERT_GT(checked, 0);
}

/// Multipliers of every kind, made once: each is factorised.
const std::map<std::string, std::unique_ptr<const Multiplier>>& table_kinds() {
  static const auto kinds = [] {
    std::mt19937 random(17);
    std::map<std::string, std::unique_ptr<const Multiplier>> made;
    const auto add = [&](const char* what, ProductTable table) {
      made[what] = std::make_unique<const Multiplier>(std::move(table));
    };
    add("no structure", random_table(&random));
    add("exact", ProductTable::exact());
    add("no term", random_factorised_table(&random, 0));
    add("one term", random_factorised_table(&random, 1));
    add("three terms", random_factorised_table(&random, 3));
    add("unsigned", random_table(&random, {8, false}, {8, false}));
    add("unsigned exact", ProductTable::exact({8, false}, {8, false}));
    add("unsigned with signed", ProductTable::exact({8, false}, {8, true}));
    add("narrow", random_table(&random, {4, true}, {5, false}));
    return made;
  }();
  return kinds;
}

class BackendShape : public testing::TestWithParam<std::tuple<std::string, Shape>> {
 protected:
  void SetUp() override {
    std::string reason;
    if (!available(std::get<0>(GetParam()), &reason)) GTEST_SKIP() << reason;
  }
};

TEST_P(BackendShape, EqualsScalar) {
  const auto& [name, shape] = GetParam();
  const auto scalar = make_backend("scalar");
  const auto backend = make_with_algorithm(name);
  size_t checked = 0;
  uint32_t seed = 5;
  for (const auto& [what, multiplier] : table_kinds()) {
    for (const Draw draw : {Draw::kAll, Draw::kSymmetric, Draw::kPixels}) {
      ++seed;
      expect_equal(run_all(*scalar, shape, *multiplier, seed, draw),
                   run_all(*backend, shape, *multiplier, seed, draw), what, &checked);
    }
  }
  std::printf("checked=%zu\n", checked);
  ASSERT_GT(checked, 0u);
}

TEST_P(BackendShape, GradientsEqualScalar) {
  const auto& [name, shape] = GetParam();
  std::mt19937 random(shape.channels + 1u);
  size_t checked = 0;
  for (uint32_t seed = 1; seed < 3; ++seed) {
    const Multiplier multiplier(random_table(&random));
    expect_equal(run_gradients(*make_backend("scalar"), shape, multiplier, seed),
                 run_gradients(*make_with_algorithm(name), shape, multiplier, seed), "gradients",
                 &checked);
  }
  std::printf("checked=%zu\n", checked);
  ASSERT_GT(checked, 0u);
}

const auto kShapeName = [](const auto& p) { return name_of(p.param); };
INSTANTIATE_TEST_SUITE_P(Shapes, EngineShape, testing::ValuesIn(odd_shapes()), kShapeName);
INSTANTIATE_TEST_SUITE_P(Backends, BackendShape,
                         testing::Combine(testing::ValuesIn(other_backends()),
                                          testing::ValuesIn(odd_shapes())),
                         [](const auto& p) {
                           return std::get<0>(p.param) + "_" + name_of(std::get<1>(p.param));
                         });

class BackendFamily : public testing::TestWithParam<std::tuple<std::string, std::string>> {};

/// Signed and unsigned 8-bit components of a family, at its defaults.
TEST_P(BackendFamily, EqualsScalar) {
  const auto& [name, family] = GetParam();
  std::string reason;
  if (!available(name, &reason)) GTEST_SKIP() << reason;
  const Shape shape{3, 9, 8, 13, 21, {3, 2, 1, 1, 1}, {3, 1, 1, 0, 1}, 1, 70, 10, 16};
  size_t checked = 0;
  for (const bool is_signed : {true, false}) {
    const auto spec =
        synth::parse_multiplier_spec(family + (is_signed ? ":signed=1" : ":signed=0"));
    const auto model = synth::multiplier_model(family, spec.parameters, 8, is_signed);
    const OperandType type{8, is_signed};
    std::vector<int32_t> products;
    for (int a = 0; a < 256; ++a) {
      for (int b = 0; b < 256; ++b) {
        products.push_back(
            static_cast<int32_t>(is_signed ? model(int8_t(a), int8_t(b)) : model(a, b)));
      }
    }
    const Multiplier multiplier(ProductTable(type, type, products));
    for (const Draw draw : {Draw::kAll, Draw::kSymmetric}) {
      expect_equal(run_all(*make_backend("scalar"), shape, multiplier, 3, draw),
                   run_all(*make_with_algorithm(name), shape, multiplier, 3, draw),
                   spec.canonical(), &checked);
    }
  }
  std::printf("checked=%zu\n", checked);
  ASSERT_GT(checked, 0u);
}

std::vector<std::string> families() {
  std::vector<std::string> names;
  for (const auto& family : synth::multiplier_families()) {
    if (family.minimum_width <= 8 && family.maximum_width >= 8) names.push_back(family.name);
  }
  return names;
}
INSTANTIATE_TEST_SUITE_P(Library, BackendFamily,
                         testing::Combine(testing::ValuesIn(other_backends()),
                                          testing::ValuesIn(families())),
                         [](const auto& p) {
                           return std::get<0>(p.param) + "_" + std::get<1>(p.param);
                         });

TEST(Engine, TheSameBitsWithAnyNumberOfThreads) {
  const Shape wide{5, 40, 30, 16, 24, {3, 1, 1, 1, 1}, {3, 1, 1, 1, 1}, 1, 200, 10, 16};
  const Shape few_rows{1, 1, 1, 2000, 900, {}, {}, 1, 3, 2, 8};
  size_t checked = 0;
  for (const BackendInfo& info : backends()) {
    if (!info.available) continue;
    for (const Shape& shape : {wide, few_rows}) {
      for (const int terms : {1, 99}) {
        std::mt19937 random(1);
        const Multiplier multiplier(terms == 99 ? random_table(&random)
                                                : random_factorised_table(&random, terms));
        const Outputs one = run_all(*make_backend(info.name, 1), shape, multiplier, 2, Draw::kAll);
        for (const int jobs : {2, 5}) {
          expect_equal(one,
                       run_all(*make_backend(info.name, jobs), shape, multiplier, 2, Draw::kAll),
                       info.name, &checked);
        }
      }
    }
  }
  std::printf("checked=%zu\n", checked);
  ASSERT_GT(checked, 0u);
}

TEST(Requantisation, OfBothWidthsIsTheSame) {
  std::mt19937 random(3);
  std::vector<int32_t> sums{0, 1, -1, INT32_MAX, INT32_MIN, INT32_MAX - 1, INT32_MIN + 1};
  for (int bit = 0; bit < 31; ++bit) {
    for (const int near : {-1, 0, 1}) {
      sums.push_back((1 << bit) + near);
      sums.push_back(-(1 << bit) + near);
    }
  }
  for (int i = 0; i < 20000; ++i) sums.push_back(static_cast<int32_t>(random()) >> random() % 31);
  int checked = 0;
  for (int shift = 0; shift < 32; ++shift) {
    for (const auto& r : {Requantisation::to_int8(shift), Requantisation::to_int8(shift, true),
                          Requantisation::to_uint8(shift)}) {
      for (const int32_t sum : sums) {
        ASSERT_EQ(r(sum), r(int64_t{sum})) << sum << " / 2^" << shift;
        ++checked;
      }
    }
  }
  std::printf("checked=%d\n", checked);
}

TEST(Engine, OutputsDependOnTheOperands) {
  std::mt19937 random(1);
  const Multiplier multiplier(random_table(&random));
  const auto scalar = make_backend("scalar");
  const Shape shape = odd_shapes()[1];
  const Outputs first = run_all(*scalar, shape, multiplier, 6, Draw::kAll);
  EXPECT_EQ(run_all(*scalar, shape, multiplier, 6, Draw::kAll), first);
  EXPECT_NE(run_all(*scalar, shape, multiplier, 7, Draw::kAll), first);
}

TEST(Engine, AFlippedProductShows) {
  std::mt19937 random(1);
  std::vector<int16_t> products(65536);
  for (int16_t& p : products) p = static_cast<int16_t>(random());
  const Multiplier right{ProductTable(products)};
  for (int16_t* p = &products[0]; p < &products[0] + 65536; p += 7) *p ^= 1;
  const Multiplier wrong{ProductTable(products)};
  int differences = 0;
  const Shape shape = odd_shapes()[2];
  compare(run_all(*make_backend("scalar"), shape, right, 6, Draw::kAll),
          run_all(*make_backend("auto"), shape, wrong, 6, Draw::kAll),
          [&](const std::string&) { ++differences; });
  EXPECT_GT(differences, 0);
}

TEST(Gradients, RulesOnTheExactProductAgree) {
  const Multiplier exact(ProductTable::exact());
  const DerivativeRule through = straight_through(exact);
  const DerivativeRule maps = factorised_differences(exact, 3);
  const DerivativeRule table = smoothed_differences(exact, 3);
  int checked = 0;
  for (int a = -124; a <= 123; ++a) {  // where the smoothing sees both sides whole
    for (int b = -124; b <= 123; ++b, ++checked) {
      const auto x = static_cast<int8_t>(a);
      const auto y = static_cast<int8_t>(b);
      for (const DerivativeRule* rule : {&through, &maps, &table}) {
        ASSERT_NEAR(rule->first().finish(x, rule->first().within_sum(x, y)), b, 1e-4) << a;
        ASSERT_NEAR(rule->second().finish(y, rule->second().within_sum(y, x)), a, 1e-4) << b;
      }
    }
  }
  std::printf("checked=%d\n", checked);
}

TEST(Gradients, SmoothedDifferencesOfAStaircase) {
  // L(a, b) = 8 floor(a / 8): flat but for a step of 8 every 8 operands.
  std::vector<int32_t> products;
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) products.push_back(a / 8 * 8);
  }
  const Multiplier multiplier(ProductTable({8, false}, {8, false}, products));
  const auto slope = [&](int half_window, int a) {
    return smoothed_differences(multiplier, half_window).first_table[a << 8 | 77];
  };
  EXPECT_EQ(slope(0, 20), 0.0f);
  EXPECT_EQ(slope(0, 24), 4.0f);  // (24 - 16) / 2
  EXPECT_EQ(slope(0, 23), 4.0f);
  EXPECT_FLOAT_EQ(slope(4, 100), 4.0f / 3);  // (104 + 104 - 88 - 96) / 9 / 2
  EXPECT_EQ(slope(0, 0), 0.0f);
  EXPECT_FLOAT_EQ(slope(4, 0), 0.0f);
  EXPECT_EQ(smoothed_differences(multiplier, 4).second_table[77 << 8 | 20], 0.0f);
}

TEST(Gradients, AreThoseOfTheLinearProduct) {
  // With the exact product, <gradient, sums> is linear in each operand: its differences are exact.
  std::mt19937 random(4);
  const Multiplier exact(ProductTable::exact());
  Conv2dGradientArgs g{
      2, 6,       5,       4,       6,  {3, 2, 1, 1, 1}, {2, 1, 0, 1, 2}, 2, Padding::kOperand,
      0, nullptr, nullptr, nullptr, {}, nullptr};
  auto input = random_operands(&random, g.input_size(), {7, true});
  auto weight = random_operands(&random, g.weight_size(), {7, true});
  std::vector<float> gradient(static_cast<size_t>(g.images) * g.out_height() * g.out_width() *
                              g.out_channels);
  for (float& x : gradient) x = static_cast<float>(static_cast<int>(random() % 7) - 3);
  const auto loss = [&] {
    std::vector<int32_t> sums(gradient.size());
    Conv2dArgs args{g.images,     g.height,      g.width,  g.in_channels,    g.out_channels,
                    g.vertical,   g.horizontal,  g.groups, g.padding,        0,
                    input.data(), weight.data(), nullptr,  exact.products(), {}};
    args.to.sums = sums.data();
    make_backend("scalar")->conv2d(args);
    double sum = 0;
    for (size_t i = 0; i < sums.size(); ++i) sum += static_cast<double>(gradient[i]) * sums[i];
    return sum;
  };
  const DerivativeRule rule = straight_through(exact);
  g.input = input.data();
  g.weight = weight.data();
  g.gradient = gradient.data();
  std::vector<float> of_input(input.size()), of_weight(weight.size());
  g.derivative = rule.first();
  g.result = of_input.data();
  make_backend("auto")->conv2d_input_gradient(g);
  g.derivative = rule.second();
  g.result = of_weight.data();
  make_backend("auto")->conv2d_weight_gradient(g);
  const double before = loss();
  for (size_t i = 0; i < input.size(); ++i) {
    ++input[i];
    ASSERT_EQ(loss() - before, of_input[i]) << i;
    --input[i];
  }
  for (size_t i = 0; i < weight.size(); ++i) {
    ++weight[i];
    ASSERT_EQ(loss() - before, of_weight[i]) << i;
    --weight[i];
  }
  EXPECT_TRUE(lively(of_input) && lively(of_weight));
}

/// The error's text; fails unless it is a usage error.
template <typename Work>
std::string usage_error(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

class BadArguments : public testing::Test {
 protected:
  Conv2dArgs conv() {
    Conv2dArgs args{1,
                    5,
                    5,
                    4,
                    6,
                    {3, 1, 0, 0, 1},
                    {3, 1, 0, 0, 1},
                    2,
                    Padding::kOperand,
                    0,
                    bytes_.data(),
                    bytes_.data(),
                    nullptr,
                    exact_.products(),
                    {}};
    args.to.output = output_.data();
    return args;
  }
  std::string conv_error(const Conv2dArgs& args) {
    const std::string text = usage_error([&] { make_backend("auto")->conv2d(args); });
    EXPECT_TRUE(std::all_of(output_.begin(), output_.end(), [](int8_t q) { return q == 99; }));
    return text;
  }
  const Multiplier exact_{ProductTable::exact()};
  std::vector<int8_t> bytes_ = std::vector<int8_t>(4096, 100);
  std::vector<int8_t> output_ = std::vector<int8_t>(4096, 99);
};

TEST_F(BadArguments, SayWhatWasFoundAndWhatIsAllowed_bad) {
  Conv2dArgs args = conv();
  args.groups = 3;
  EXPECT_EQ(conv_error(args),
            "conv2d: 3 groups, expected a divisor of 4 input and 6 output channels");
  args = conv();
  args.vertical.kernel = 6;
  EXPECT_EQ(conv_error(args),
            "conv2d: vertical kernel spans 6 elements, expected at most the padded image's 5");
  args = conv();
  args.images = 0;
  EXPECT_EQ(conv_error(args), "conv2d: images = 0, expected 1..1073741824");
  args = conv();
  args.weight = nullptr;
  EXPECT_EQ(conv_error(args), "conv2d: weight is null");
  args = conv();
  args.to.output = nullptr;
  EXPECT_EQ(conv_error(args), "conv2d: neither output nor sums is given");
  args = conv();
  args.to.requantisation.shift = 32;
  EXPECT_EQ(conv_error(args), "conv2d: shift = 32, expected 0..31");
  args = conv();
  const std::vector<int32_t> bias(6, INT32_MAX - 5);
  args.bias = bias.data();
  EXPECT_EQ(conv_error(args),
            "conv2d: an accumulator can reach 2147778554 (18 products of up to 16384), expected at "
            "most 2147483647");
}

TEST_F(BadArguments, OperandsOutsideTheirType_bad) {
  const Multiplier narrow(ProductTable::exact({5, true}, {5, true}));
  Conv2dArgs args = conv();
  args.products = narrow.products();
  EXPECT_EQ(conv_error(args), "conv2d: input, element 0 = 100, the multiplier takes -16..15");
  std::fill(bytes_.begin(), bytes_.end(), int8_t{15});
  args.pad_value = -17;
  EXPECT_EQ(conv_error(args), "conv2d: padding, element 0 = -17, the multiplier takes -16..15");
}

TEST_F(BadArguments, Tables_bad) {
  EXPECT_EQ(usage_error([] { ProductTable({}, {}, std::vector<int32_t>(100)); }),
            "table: 100 products, expected 65536: 2^8 x 2^8");
  EXPECT_EQ(usage_error([] {
              ProductTable({9, true}, {}, {});
            }),
            "table: a first operand of 9 bits, expected 2..8");
  std::vector<int32_t> products(65536, 0);
  products[5] = 65536;
  EXPECT_EQ(usage_error([&] { ProductTable({}, {}, products); }),
            "table: products from 0 to 65536, expected -32768..32767 or 0..65535");
}

TEST_F(BadArguments, PoolOfPaddingOnly_bad) {
  PoolArgs args{1,
                4,
                4,
                1,
                {2, 1, 2, 0, 1},
                {2, 1, 0, 0, 1},
                PoolArgs::Kind::kMax,
                true,
                bytes_.data(),
                output_.data()};
  EXPECT_EQ(usage_error([&] { make_backend("auto")->pool(args); }),
            "pool: vertical window 0 holds padding only");
}

TEST_F(BadArguments, SquashOfBytesThatTwoTypesReadDifferently_bad) {
  const Multiplier of_unsigned(ProductTable::exact({8, false}, {8, false}));
  SquashArgs args{4, 8, 4, bytes_.data(), of_unsigned.products(), output_.data()};
  bytes_[9] = -56;
  EXPECT_EQ(usage_error([&] { make_backend("auto")->squash(args); }),
            "squash: input, element 9 = -56, expected 0..127: the multiplier's operands are "
            "unsigned, the elements are int8");
  EXPECT_EQ(output_[0], 99);
  bytes_[9] = 0;
  make_backend("auto")->squash(args);
  EXPECT_NE(output_[0], 99);
}

/// More rows and outputs than one tile of any backend takes.
TEST(Engine, ManyRowsAndOutputs) {
  constexpr int kRows = 4500;
  constexpr int kOutputs = 1100;
  constexpr int kTerms = 2;
  std::mt19937 random(5);
  const Multiplier multiplier(random_table(&random));
  const auto first = random_tensor(&random, kRows * kTerms);
  const auto second = random_tensor(&random, kOutputs * kTerms);
  std::vector<int32_t> expected(size_t{kRows} * kOutputs), sums(expected.size());
  GemmArgs args{1,
                kRows,
                kOutputs,
                kTerms,
                true,
                first.data(),
                second.data(),
                nullptr,
                multiplier.products(),
                {{}, nullptr, expected.data()}};
  make_backend("scalar")->gemm(args);
  EXPECT_NE(expected, sums);
  args.to.sums = sums.data();
  int compared = 0;
  for (const BackendInfo& info : backends()) {
    if (!info.available) continue;
    std::fill(sums.begin(), sums.end(), 0);
    make_backend(info.name, 1)->gemm(args);
    EXPECT_EQ(sums == expected, true) << info.name;
    ++compared;
  }
  std::printf("checked=%d backends\n", compared);
  EXPECT_GT(compared, 0);
}

TEST(Engine, UnknownBackend_bad) {
  EXPECT_EQ(usage_error([] { make_backend("sse"); }),
            "backend 'sse' is not known, expected one of: auto, scalar, avx2, avx512, cuda");
}

TEST(Engine, WindowOfSmoothing_bad) {
  const Multiplier exact(ProductTable::exact());
  EXPECT_EQ(usage_error([&] { smoothed_differences(exact, 65); }),
            "gradient: half window = 65, expected 0..64");
}

}  // namespace
}  // namespace lutra::engine
