// The kernels of the CUDA backend, emulated on the host, against the scalar elements, bit for
// bit: odd shapes, random data, random tables and factorisations. No device is needed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "cuda/product_plan.h"
#include "cuda_emulation.h"

namespace lutra::engine::cuda {
namespace {

using tables::ByteMap;
using tables::Factorisation;
using tables::OperandType;
using tables::ProductTable;

/// A multiplier with what the device would hold of it.
struct Component {
  ProductTable table;
  std::vector<uint16_t> columns;
  std::optional<Factors> factors;

  explicit Component(ProductTable t) : table(std::move(t)), columns(table_columns(table)) {}

  DeviceTables tables() const {
    DeviceTables result{};
    result.products = {table.offsets(), table.base(), nullptr};
    result.columns = reinterpret_cast<const uint32_t*>(columns.data());
    if (factors) {
      result.factors = &*factors;
      result.u = factors->u.data();
      result.v = factors->v.data();
      result.row = factors->row.data();
      result.column = factors->column.data();
    }
    return result;
  }
};

/// Of compute capability 9.0 or 8.0.
DeviceProperties properties_with(int multiprocessors, bool warpgroups) {
  return {multiprocessors, (warpgroups ? 227 : 163) << 10, warpgroups};
}

class CudaEmulation : public testing::Test {
 protected:
  int between(int low, int high) {
    return low + static_cast<int>(random_() % static_cast<unsigned>(high - low + 1));
  }

  std::vector<int8_t> operands(int64_t size, const OperandType& type) {
    std::vector<int8_t> tensor(static_cast<size_t>(size));
    for (int8_t& q : tensor) q = static_cast<int8_t>(between(type.lowest(), type.highest()));
    return tensor;
  }
  std::vector<int32_t> biases(int size) {
    std::vector<int32_t> bias(size);
    for (int32_t& b : bias) b = between(-100000, 100000);
    return bias;
  }

  /// Spans all of 16 bits, does not commute, is not zero at zero.
  Component random_component(OperandType first, OperandType second) {
    std::vector<int32_t> products(size_t{1} << (first.width + second.width));
    const int low = between(-32768, 0);
    for (int32_t& p : products) p = between(low, low + 65535);
    return Component(ProductTable(first, second, products));
  }

  /// The sum of terms with these scales.
  Component factorised_component(OperandType first, OperandType second,
                                 const std::vector<int32_t>& scales, bool with_row,
                                 bool with_column) {
    Factorisation f;
    int room = 24000;
    for (size_t i = 0; i < scales.size(); ++i) {
      tables::Term term;
      term.scale = scales[i];
      const int share = room / static_cast<int>(scales.size()) / std::abs(scales[i]);
      // The first term's u need all of a byte, above or below zero.
      const int low = i == 0 ? (between(0, 1) != 0 ? -128 : 0) : between(-128, 0);
      const int v = std::min(127, share / 256);
      fill(&term.u, first, low, low + 255);
      fill(&term.v, second, i % 2 == 0 ? -v - 1 : -v, v);
      f.terms.push_back(term);
    }
    if (with_row) fill(&f.row, first, -3000, 3000);
    if (with_column) fill(&f.column, second, -3000, 3000);
    std::vector<int32_t> products;
    for (int a = 0; a < 1 << first.width; ++a) {
      for (int b = 0; b < 1 << second.width; ++b) {
        const int x = (a > first.highest() ? a - (1 << first.width) : a) & 255;
        const int y = (b > second.highest() ? b - (1 << second.width) : b) & 255;
        int32_t p = f.row[x] + f.column[y];
        for (const tables::Term& term : f.terms) p += term.scale * term.u[x] * term.v[y];
        products.push_back(p);
      }
    }
    Component component(ProductTable(first, second, products));
    component.factors = factors(f, component.table);
    EXPECT_TRUE(component.factors.has_value());
    return component;
  }

  /// Runs `args` by every algorithm, with one and with more splits, and compares all outputs.
  template <typename Args, void (*At)(const Args&, int64_t)>
  void expect_equal(const Component& component, Args args, int64_t results, int64_t outputs) {
    args.products = component.tables().products;
    const auto [bytes, sums] = buffers(args);
    if constexpr (!std::is_same_v<Args, VotesArgs>) spread<Args, At>(&args, results, outputs);
    std::vector<int8_t> expected(bytes ? outputs : 0, 77);
    std::vector<int32_t> expected_sums(sums ? outputs : 0, 7777);
    point(&args, expected.data(), expected_sums.data());
    for (int64_t i = 0; i < results; ++i) At(args, i);
    if (outputs > 1) {
      if (bytes) {
        EXPECT_TRUE(lively(expected));
      }
      if (sums) {
        EXPECT_TRUE(lively(expected_sums));
      }
    }

    for (const auto& [algorithm, warpgroups] : {std::pair{GemmAlgorithm::kLookup, false},
                                                {GemmAlgorithm::kLookup, true},
                                                {GemmAlgorithm::kFactorised, false},
                                                {GemmAlgorithm::kFactorised, true}}) {
      if (algorithm == GemmAlgorithm::kFactorised && !component.factors) continue;
      for (int variant = 0; variant < 4; ++variant) {
        const Order order = variant % 2 == 0 ? Order::kUp : Order::kDown;
        AsyncCopies::early() = variant % 2 == 1;
        const DeviceProperties properties = properties_with(variant < 2 ? 1 : 132, warpgroups);
        EmulatedContext context(properties, order);
        std::vector<int8_t> got(expected.size(), 55);
        std::vector<int32_t> got_sums(expected_sums.size(), 5555);
        point(&args, got.data(), got_sums.data());
        const ImplicitGemm product = implicit_gemm(args);
        const int factor_count = component.factors ? component.factors->terms : 0;
        Plan plan = plan_for(product, algorithm, properties, factor_count);
        if (variant == 2) plan.splits = 3;
        run_product(context, product, component.tables(),
                    prepare(context, product, component.tables(), plan));
        ASSERT_GT(context.blocks(), 0);
        compare(expected, got, algorithm, plan);
        compare(expected_sums, got_sums, algorithm, plan);
      }
    }
  }

  void TearDown() override {
    std::printf("checked=%lld\n", static_cast<long long>(checked_));
    EXPECT_GT(checked_, 0);
  }

  std::mt19937 random_{2024};
  int64_t checked_ = 0;

 private:
  void fill(ByteMap* map, const OperandType& type, int low, int high) {
    for (int x = type.lowest(); x <= type.highest(); ++x) (*map)[x & 255] = between(low, high);
    (*map)[type.lowest() & 255] = low;
    (*map)[type.highest() & 255] = high;
  }

  template <typename T>
  static bool lively(const std::vector<T>& all) {
    return std::any_of(all.begin(), all.end(), [&](T x) { return x != all[0]; });
  }

  template <typename T>
  void compare(const std::vector<T>& expected, const std::vector<T>& got, GemmAlgorithm algorithm,
               const Plan& plan) {
    int shown = 0;
    for (size_t i = 0; i < expected.size(); ++i, ++checked_) {
      if (expected[i] == got[i]) continue;
      ADD_FAILURE() << "algorithm " << static_cast<int>(algorithm) << ", " << plan.splits
                    << " splits, output " << i << " of " << expected.size() << ": expected "
                    << +expected[i] << ", got " << +got[i];
      if (++shown == 4) return;
    }
  }

  /// Requantises so that the outputs neither all saturate nor all vanish.
  template <typename Args, void (*At)(const Args&, int64_t)>
  static void spread(Args* args, int64_t results, int64_t outputs) {
    std::vector<int32_t> sums(static_cast<size_t>(outputs));
    Args probe = *args;
    probe.to.output = nullptr;
    probe.to.sums = sums.data();
    for (int64_t i = 0; i < results; ++i) At(probe, i);
    const auto [low, high] = std::minmax_element(sums.begin(), sums.end());
    Requantisation& to = args->to.requantisation;
    to.shift = 0;
    while (std::max(-int64_t{*low}, int64_t{*high}) >> to.shift > 120) ++to.shift;
    if (*high <= 0) to.low = -127;
  }
  template <typename Args>
  static std::pair<bool, bool> buffers(const Args& args) {
    return {args.to.output != nullptr, args.to.sums != nullptr};
  }
  static std::pair<bool, bool> buffers(const VotesArgs&) { return {true, false}; }
  template <typename Args>
  static void point(Args* args, int8_t* bytes, int32_t* sums) {
    args->to.output = args->to.output == nullptr ? nullptr : bytes;
    args->to.sums = args->to.sums == nullptr ? nullptr : sums;
  }
  static void point(VotesArgs* args, int8_t* bytes, int32_t*) { args->output = bytes; }
};

constexpr OperandType kSigned{8, true};
constexpr OperandType kUnsigned{8, false};
constexpr OperandType kNarrow{5, true};

int8_t* const kBytes = reinterpret_cast<int8_t*>(1);  // wanted; where is set when it is run
int32_t* const kSums = reinterpret_cast<int32_t*>(1);

struct Matrices {
  int batch, rows, outputs, terms;
  bool shared;
};

class CudaEmulationGemm : public CudaEmulation, public testing::WithParamInterface<Matrices> {};

TEST_P(CudaEmulationGemm, EqualsElements) {
  const Matrices m = GetParam();
  const Component components[] = {random_component(kSigned, kSigned),
                                  random_component(kUnsigned, kNarrow),
                                  factorised_component(kSigned, kSigned, {1}, false, false),
                                  factorised_component(kUnsigned, kSigned, {2, -3}, true, false),
                                  factorised_component(kNarrow, kUnsigned, {-1, 12, 5}, true, true),
                                  factorised_component(kSigned, kSigned, {}, true, true)};
  int which = 0;
  for (const Component& component : components) {
    const auto first = operands(int64_t{m.batch} * m.rows * m.terms, component.table.first());
    const auto second =
        operands(int64_t{m.shared ? 1 : m.batch} * m.outputs * m.terms, component.table.second());
    const auto bias = biases(m.outputs);
    GemmArgs args{m.batch,
                  m.rows,
                  m.outputs,
                  m.terms,
                  m.shared,
                  first.data(),
                  second.data(),
                  which % 2 == 0 ? bias.data() : nullptr,
                  {},
                  {}};
    args.to.requantisation =
        which % 3 == 0 ? Requantisation::to_uint8(16) : Requantisation::to_int8(14, which % 3 == 1);
    args.to.output = which % 3 == 2 ? nullptr : kBytes;
    args.to.sums = which % 3 == 1 ? nullptr : kSums;
    expect_equal<GemmArgs, gemm_at>(component, args, args.count(), args.count());
    ++which;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, CudaEmulationGemm,
    testing::Values(Matrices{1, 1, 1, 1, true}, Matrices{1, 7, 5, 3, true},
                    Matrices{3, 67, 13, 31, false}, Matrices{2, 131, 129, 67, true},
                    Matrices{1, 129, 65, 130, false}, Matrices{1, 17, 37, 1157, true},
                    Matrices{1, 1543, 3, 9, true}, Matrices{1, 769, 66, 36, true}),
    [](const auto& p) {
      const Matrices& m = p.param;
      return std::to_string(m.batch) + "x" + std::to_string(m.rows) + "x" +
             std::to_string(m.outputs) + "x" + std::to_string(m.terms);
    });

struct Convolution {
  const char* name;
  int images, height, width, in_channels, out_channels;
  Window vertical, horizontal;
  int groups;
};

class CudaEmulationConvolution : public CudaEmulation,
                                 public testing::WithParamInterface<Convolution> {};

TEST_P(CudaEmulationConvolution, EqualsElements) {
  const Convolution c = GetParam();
  const Component components[] = {random_component(kSigned, kSigned),
                                  random_component(kNarrow, kUnsigned),
                                  factorised_component(kUnsigned, kSigned, {1}, true, true),
                                  factorised_component(kSigned, kSigned, {3, 8}, false, false)};
  for (const Component& component : components) {
    for (Padding padding : {Padding::kOperand, Padding::kNothing}) {
      const auto input =
          operands(int64_t{c.images} * c.height * c.width * c.in_channels, component.table.first());
      const auto weight = operands(int64_t{c.out_channels} * c.vertical.kernel *
                                       c.horizontal.kernel * (c.in_channels / c.groups),
                                   component.table.second());
      const auto bias = biases(c.out_channels);
      const bool by_operand = padding == Padding::kOperand;
      Conv2dArgs args{c.images,
                      c.height,
                      c.width,
                      c.in_channels,
                      c.out_channels,
                      c.vertical,
                      c.horizontal,
                      c.groups,
                      padding,
                      static_cast<int8_t>(by_operand ? 5 : 0),
                      input.data(),
                      weight.data(),
                      bias.data(),
                      {},
                      {}};
      args.to = {Requantisation::to_int8(15), kBytes, by_operand ? nullptr : kSums};
      expect_equal<Conv2dArgs, conv2d_at>(component, args, args.count(), args.count());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, CudaEmulationConvolution,
    testing::Values(
        Convolution{"one_channel", 2, 13, 11, 1, 7, {5, 1, 0, 0, 1}, {3, 2, 1, 0, 1}, 1},
        Convolution{"padded", 3, 7, 9, 16, 19, {3, 1, 1, 1, 1}, {3, 1, 1, 1, 1}, 1},
        Convolution{"dilated", 1, 17, 12, 20, 5, {3, 2, 2, 3, 2}, {2, 1, 0, 2, 3}, 1},
        Convolution{"words", 2, 8, 8, 12, 66, {3, 1, 1, 0, 1}, {3, 1, 0, 1, 1}, 1},
        Convolution{"groups", 2, 9, 6, 12, 15, {3, 1, 1, 1, 1}, {3, 2, 1, 1, 1}, 3},
        Convolution{"depthwise", 1, 9, 8, 5, 10, {3, 1, 1, 1, 1}, {3, 1, 1, 1, 1}, 5},
        Convolution{"tiles", 4, 16, 15, 48, 65, {2, 1, 1, 0, 1}, {1, 1, 0, 0, 1}, 1},
        Convolution{"only_padding", 1, 1, 1, 3, 4, {5, 3, 4, 4, 1}, {4, 1, 3, 3, 1}, 1}),
    [](const auto& p) { return p.param.name; });

TEST_F(CudaEmulation, VotesEqualElements) {
  const Component components[] = {random_component(kSigned, kSigned),
                                  factorised_component(kSigned, kSigned, {1, 2}, true, true)};
  for (const Component& component : components) {
    for (const auto& [images, capsules, in_dim, classes, out_dim] :
         {std::array<int, 5>{3, 7, 8, 10, 16},
          {65, 2, 5, 3, 7},
          {1, 1, 1, 1, 1},
          {2, 3, 4, 9, 8}}) {
      const auto input = operands(int64_t{images} * capsules * in_dim, component.table.first());
      const auto weight =
          operands(int64_t{capsules} * classes * in_dim * out_dim, component.table.second());
      VotesArgs args{images, capsules,     in_dim,        classes, out_dim,
                     10,     input.data(), weight.data(), {},      nullptr};
      expect_equal<VotesArgs, votes_at>(component, args, args.count(), args.count());
    }
  }
}

TEST_F(CudaEmulation, ScalesOfAnyParityShareOneAccumulator) {
  for (uint32_t odd : {1u, 3u, 5u, 255u, 0xffffffffu, 0x80000001u, 0x7fffffffu}) {
    EXPECT_EQ(odd * odd_inverse(odd), 1u);
  }
  for (int i = 0; i < 1000; ++i) {
    Factorisation f;
    const int terms = between(1, 6);
    for (int t = 0; t < terms; ++t) {
      tables::Term term;
      do {
        term.scale = between(-40, 40) * (1 << between(0, 4));
      } while (term.scale == 0);
      // Which of the terms this is can be told by its u.
      term.u.fill(t + 1);
      f.terms.push_back(term);
    }
    const auto got = factors(f, ProductTable::exact());
    ASSERT_TRUE(got.has_value());
    std::vector<uint32_t> sums(terms);
    uint32_t expected = 0;
    for (int t = 0; t < terms; ++t) {
      sums[t] = static_cast<uint32_t>(random_());
      expected += static_cast<uint32_t>(f.terms[t].scale) * sums[t];
    }
    uint32_t sum = 0;
    for (int t = 0; t < terms; ++t) sum = (sum + sums[got->u[t * 256] - 1]) * got->scale_ratios[t];
    ASSERT_EQ(sum, expected);
    ++checked_;
  }
}

TEST_F(CudaEmulation, MapsThatDoNotFitBytes_bad) {
  Factorisation f;
  f.terms.resize(1);
  f.terms[0].u[0] = -1;
  f.terms[0].u[1] = 255;
  EXPECT_FALSE(factors(f, ProductTable::exact()).has_value());
  f.terms[0].u[0] = 0;
  EXPECT_TRUE(factors(f, ProductTable::exact()).has_value());
  f.terms[0].v[3] = 128;
  EXPECT_FALSE(factors(f, ProductTable::exact()).has_value());
  f.terms.assign(kMaxFactors + 1, tables::Term{});
  EXPECT_FALSE(factors(f, ProductTable::exact()).has_value());
  checked_ += 4;
}

TEST_F(CudaEmulation, MethodsFollowTheWork) {
  GemmArgs args{};
  args.shared_second = true;
  args.batch = 1;
  for (const bool warpgroups : {false, true}) {
    const DeviceProperties properties = properties_with(132, warpgroups);
    args.rows = 1024;
    args.outputs = 256;
    args.terms = 1152;
    EXPECT_EQ(plan_for(implicit_gemm(args), properties, 1).algorithm, GemmAlgorithm::kFactorised);
    EXPECT_EQ(plan_for(implicit_gemm(args), properties, 0).algorithm, GemmAlgorithm::kLookup);
    EXPECT_GT(plan_for(implicit_gemm(args), properties, 0).splits, 1);
    args.rows = 3;
    args.outputs = 2;
    args.terms = 5;
    EXPECT_EQ(plan_for(implicit_gemm(args), properties, 1).algorithm, GemmAlgorithm::kReference);
    checked_ += 4;
  }
}

}  // namespace
}  // namespace lutra::engine::cuda
