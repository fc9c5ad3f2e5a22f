// Multipliers of 9 to 16 bits: by their terms, and by their models.
#include <gtest/gtest.h>

#include <cstdio>
#include <random>

#include "lutra/engine/wide.h"
#include "lutra/numerics/error.h"
#include "lutra/synth/library.h"
#include "lutra/synth/multiplier_models.h"

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
    WideGemmArgs args{rows,          outputs,     count, first.data(),
                      second.data(), bias.data(), &m,    expected.data()};
    wide_gemm_reference(args);
    for (const int jobs : {1, 3}) {
      args.sums = sums.data();
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
  WideGemmArgs args{1, 1, 2, operands.data(), operands.data(), nullptr, &m, sums.data()};
  const auto error = [&] {
    try {
      wide_gemm(args);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ExitCode::kUsage);
      return std::string(e.what());
    }
    return std::string("none");
  };
  EXPECT_EQ(error(), "wide gemm: first, element 1 = 2048, the multiplier takes -2048..2047");
  args.terms = 0;
  EXPECT_EQ(error(), "wide gemm: terms = 0, expected 1 or more");
  EXPECT_EQ(sums[0], 99);
}

}  // namespace
}  // namespace lutra::engine
