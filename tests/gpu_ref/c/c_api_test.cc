// The C API: every function against the C++ engine, and every class of bad input.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "../engine/exercise.h"
#include "c99_caller.h"
#include "lutra/base/files.h"
#include "lutra/lutra.h"
#include "lutra/tables/table_files.h"

namespace lutra::engine {
namespace {

namespace fs = std::filesystem;

constexpr lutra_operand kSigned{8, 1};
constexpr lutra_operand kUnsigned{8, 0};
constexpr lutra_window kThree{3, 1, 1, 1, 1};
constexpr lutra_window kTwo{2, 2, 0, 1, 1};

template <typename Args>
struct Spoiled {
  std::string text;  ///< part of what lutra_last_error() says
  std::function<void(Args*)> spoil;
  lutra_status status = LUTRA_USAGE;
};

class CApi : public testing::Test {
 protected:
  CApi()
      : directory_(fs::temp_directory_path() /
                   fmt::format("lutra-c-{}-{}", getpid(),
                               testing::UnitTest::GetInstance()->current_test_info()->name())),
        table_(random_table(&random_)),
        reference_(table_) {
    fs::create_directories(directory_);
    std::vector<int32_t> products;
    for (int a = 0; a < 256; ++a) {
      for (int b = 0; b < 256; ++b) products.push_back(table_(a, b));
    }
    ok(lutra_multiplier_create("random", kSigned, kSigned, products.data(), products.size(),
                               &multiplier_));
    ok(lutra_multiplier_exact({4, 1}, {4, 1}, &narrow_));
    ok(lutra_backend_create("auto", 1, &backend_));
    scalar_ = make_backend("scalar", 1);
  }
  ~CApi() override {
    lutra_backend_free(backend_);
    lutra_multiplier_free(multiplier_);
    lutra_multiplier_free(narrow_);
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }

  void ok(lutra_status status) { EXPECT_EQ(status, LUTRA_OK) << lutra_last_error(); }

  /// That a call fails with a status and a text.
  void expect(lutra_status status, lutra_status got, const std::string& text) {
    ++refused_;
    EXPECT_EQ(got, status) << text;
    const std::string what = lutra_last_error();
    EXPECT_NE(what.find(text), std::string::npos) << what << "\n  expected part: " << text;
  }

  /// An operation equals the engine's, and every spoiled call is refused with its outputs as they
  /// were.
  template <typename Args, typename Element>
  void operation(const char* name, lutra_status (*call)(lutra_backend*, const Args*), Args args,
                 std::vector<std::vector<Element>*> outputs, const std::function<void()>& by_engine,
                 const std::vector<Spoiled<Args>>& spoiled) {
    by_engine();
    std::vector<std::vector<Element>> expected;
    for (auto* output : outputs) {
      EXPECT_TRUE(output->size() < 4 || lively(*output)) << name;
      expected.push_back(*output);
      std::fill(output->begin(), output->end(), Element{77});
    }
    const auto untouched = [&](const std::string& what) {
      for (auto* output : outputs) {
        EXPECT_TRUE(
            std::all_of(output->begin(), output->end(), [](Element e) { return e == Element{77}; }))
            << name << ": " << what;
      }
    };
    expect(LUTRA_USAGE, call(nullptr, &args), fmt::format("lutra_{}: the backend is null", name));
    expect(LUTRA_USAGE, call(backend_, nullptr),
           fmt::format("lutra_{}: the argument structure is null", name));
    for (const Spoiled<Args>& bad : spoiled) {
      Args changed = args;
      bad.spoil(&changed);
      expect(bad.status, call(backend_, &changed), bad.text);
      untouched(bad.text);
    }
    ok(call(backend_, &args));
    for (size_t i = 0; i < outputs.size(); ++i) {
      EXPECT_EQ(*outputs[i], expected[i]) << name;
      checked_ += expected[i].size();
    }
  }

  std::vector<int8_t> tensor(int64_t size) { return random_tensor(&random_, size); }
  std::vector<int32_t> sums(int64_t size) {
    std::vector<int32_t> result(static_cast<size_t>(size));
    for (int32_t& x : result) x = static_cast<int32_t>(random_() % 200001) - 100000;
    return result;
  }

  std::mt19937 random_{7};
  fs::path directory_;
  tables::ProductTable table_;
  Multiplier reference_;
  std::unique_ptr<Backend> scalar_;
  lutra_multiplier* multiplier_ = nullptr;
  lutra_multiplier* narrow_ = nullptr;  ///< exact, 4-bit operands
  lutra_backend* backend_ = nullptr;
  size_t checked_ = 0;
  int refused_ = 0;
};

TEST_F(CApi, GemmIsTheEngines) {
  for (const bool shared : {false, true}) {
    auto first = tensor(3 * 5 * 7), second = tensor((shared ? 1 : 3) * 4 * 7);
    const auto bias = sums(4);
    auto heavy = bias;
    std::vector<int8_t> output(3 * 5 * 4);
    const lutra_gemm_args args{3,
                               5,
                               4,
                               7,
                               shared,
                               multiplier_,
                               first.data(),
                               first.size(),
                               second.data(),
                               second.size(),
                               bias.data(),
                               bias.size(),
                               lutra_to_int8(9, 0),
                               output.data(),
                               output.size(),
                               nullptr,
                               0};
    operation<lutra_gemm_args, int8_t>(
        "gemm", lutra_gemm, args, {&output},
        [&] {
          scalar_->gemm({3,
                         5,
                         4,
                         7,
                         shared,
                         first.data(),
                         second.data(),
                         bias.data(),
                         reference_.products(),
                         {Requantisation::to_int8(9), output.data()}});
        },
        {{"gemm: rows = 0, expected 1..", [](auto* a) { a->rows = 0; }},
         {"gemm: terms = -7", [](auto* a) { a->terms = -7; }},
         {"lutra_gemm: first of 104 elements, expected 105", [](auto* a) { --a->first_size; }},
         {"lutra_gemm: second of", [](auto* a) { ++a->second_size; }},
         {"lutra_gemm: bias of 3 elements, expected 4", [](auto* a) { a->bias_size = 3; }},
         {"lutra_gemm: output of 61 elements, expected 60", [](auto* a) { ++a->output_size; }},
         {"lutra_gemm: sums of 1 elements, expected 60", [](auto* a) { a->sums_size = 1; }},
         {"lutra_gemm: first of 105 elements, expected 9223372036854775807",
          [](auto* a) { a->batch = a->rows = a->terms = 1 << 30; }},
         {"gemm: first is null", [](auto* a) { a->first = nullptr; }},
         {"lutra_gemm: the multiplier is null", [](auto* a) { a->multiplier = nullptr; }},
         {"gemm: neither output nor sums is given",
          [](auto* a) {
            a->output = nullptr;
            a->output_size = 0;
          }},
         {"gemm: shift = 32, expected 0..31", [](auto* a) { a->requantisation.shift = 32; }},
         {"the requantisation is all zeros",
          [](auto* a) {
            a->requantisation = {0, 0, 0};
          }},
         {"the multiplier takes -8..7", [this](auto* a) { a->multiplier = narrow_; }},
         {"gemm: an accumulator can reach", [&](auto* a) {
            heavy[2] = INT32_MAX;
            a->bias = heavy.data();
          }}});
    std::vector<int32_t> got(60), expected(60);
    lutra_gemm_args only_sums = args;
    only_sums.output = nullptr;
    only_sums.output_size = 0;
    only_sums.requantisation = {0, 0, 0};  // not used
    only_sums.sums = got.data();
    only_sums.sums_size = got.size();
    ok(lutra_gemm(backend_, &only_sums));
    scalar_->gemm({3,
                   5,
                   4,
                   7,
                   shared,
                   first.data(),
                   second.data(),
                   bias.data(),
                   reference_.products(),
                   {{}, nullptr, expected.data()}});
    EXPECT_EQ(got, expected);
  }
  fmt::print("checked={} refused={}\n", checked_, refused_);
  EXPECT_GT(checked_, 0u);
}

TEST_F(CApi, Conv2dAndItsGradientsAreTheEngines) {
  const Window three{3, 1, 1, 1, 1}, two{2, 2, 0, 1, 1};
  auto input = tensor(2 * 5 * 6 * 4), weight = tensor(6 * 3 * 2 * 2);
  const auto bias = sums(6);
  auto heavy = bias;
  const int height = 5, width = 3;
  std::vector<int8_t> output(2 * height * width * 6);
  std::vector<float> gradient(output.size()), by_input(input.size()), by_weight(weight.size());
  for (float& g : gradient) g = static_cast<float>(random_() % 1000) - 500;
  EXPECT_EQ(lutra_window_outputs(kThree, 5), height);
  EXPECT_EQ(lutra_window_outputs(kTwo, 6), width);
  EXPECT_EQ(lutra_window_outputs({3, 0, 1, 1, 1}, 5), 0);
  EXPECT_EQ(lutra_window_outputs({9, 1, 1, 1, 1}, 5), 0);
  for (const int padding : {LUTRA_PADDING_OPERAND, LUTRA_PADDING_NOTHING}) {
    const lutra_conv2d_args args{2,
                                 5,
                                 6,
                                 4,
                                 6,
                                 kThree,
                                 kTwo,
                                 2,
                                 padding,
                                 -5,
                                 multiplier_,
                                 input.data(),
                                 input.size(),
                                 weight.data(),
                                 weight.size(),
                                 bias.data(),
                                 bias.size(),
                                 lutra_to_uint8(8),
                                 output.data(),
                                 output.size(),
                                 nullptr,
                                 0};
    operation<lutra_conv2d_args, int8_t>(
        "conv2d", lutra_conv2d, args, {&output},
        [&] {
          scalar_->conv2d({2,
                           5,
                           6,
                           4,
                           6,
                           three,
                           two,
                           2,
                           static_cast<Padding>(padding),
                           -5,
                           input.data(),
                           weight.data(),
                           bias.data(),
                           reference_.products(),
                           {Requantisation::to_uint8(8), output.data()}});
        },
        {{"conv2d: images = 0", [](auto* a) { a->images = 0; }},
         {"conv2d: vertical stride = 0", [](auto* a) { a->vertical.stride = 0; }},
         {"conv2d: horizontal padding before = -1", [](auto* a) { a->horizontal.pad_before = -1; }},
         {"conv2d: vertical kernel spans 4294901761 elements",
          [](auto* a) {
            a->vertical.kernel = a->vertical.dilation = 65536;
            a->weight_size = size_t{6} * 65536 * 2 * 2;
          }},
         {"conv2d: 3 groups, expected a divisor of 4", [](auto* a) { a->groups = 3; }},
         {"conv2d: groups = 0", [](auto* a) { a->groups = 0; }},
         {"lutra_conv2d: padding = 2, expected 0 or 1", [](auto* a) { a->padding = 2; }},
         {"lutra_conv2d: input of 239", [](auto* a) { --a->input_size; }},
         {"lutra_conv2d: weight of 71", [](auto* a) { --a->weight_size; }},
         {"lutra_conv2d: bias of 7", [](auto* a) { ++a->bias_size; }},
         {"lutra_conv2d: output of 179", [](auto* a) { --a->output_size; }},
         {"conv2d: weight is null", [](auto* a) { a->weight = nullptr; }},
         {"lutra_conv2d: the multiplier is null", [](auto* a) { a->multiplier = nullptr; }},
         {"conv2d: input, element", [this](auto* a) { a->multiplier = narrow_; }},
         {"conv2d: an accumulator can reach", [&](auto* a) {
            heavy[0] = INT32_MIN;
            a->bias = heavy.data();
          }}});
    lutra_rule* rules[3] = {};
    ok(lutra_rule_straight_through(multiplier_, &rules[0]));
    ok(lutra_rule_factorised_differences(multiplier_, 2, &rules[1]));
    ok(lutra_rule_smoothed_differences(multiplier_, 4, &rules[2]));
    const DerivativeRule references[3] = {straight_through(reference_),
                                          factorised_differences(reference_, 2),
                                          smoothed_differences(reference_, 4)};
    for (int i = 0; i < 3; ++i) {
      for (const bool of_input : {true, false}) {
        auto& result = of_input ? by_input : by_weight;
        const lutra_conv2d_gradient_args back{2,
                                              5,
                                              6,
                                              4,
                                              6,
                                              kThree,
                                              kTwo,
                                              2,
                                              padding,
                                              -5,
                                              rules[i],
                                              input.data(),
                                              input.size(),
                                              weight.data(),
                                              weight.size(),
                                              gradient.data(),
                                              gradient.size(),
                                              result.data(),
                                              result.size()};
        operation<lutra_conv2d_gradient_args, float>(
            of_input ? "conv2d_input_gradient" : "conv2d_weight_gradient",
            of_input ? lutra_conv2d_input_gradient : lutra_conv2d_weight_gradient, back, {&result},
            [&] {
              Conv2dGradientArgs a{2,
                                   5,
                                   6,
                                   4,
                                   6,
                                   three,
                                   two,
                                   2,
                                   static_cast<Padding>(padding),
                                   -5,
                                   input.data(),
                                   weight.data(),
                                   gradient.data(),
                                   {},
                                   result.data()};
              a.derivative = of_input ? references[i].first() : references[i].second();
              of_input ? scalar_->conv2d_input_gradient(a) : scalar_->conv2d_weight_gradient(a);
            },
            {{"gradient: the rule is null", [](auto* a) { a->rule = nullptr; }},
             {"gradient of 1 elements, expected 180", [](auto* a) { a->gradient_size = 1; }},
             {"result of", [](auto* a) { ++a->result_size; }},
             {"input of 1", [](auto* a) { a->input_size = 1; }},
             {"gradient: gradient is null", [](auto* a) { a->gradient = nullptr; }},
             {"gradient: groups = -1", [](auto* a) { a->groups = -1; }},
             {"padding = -1, expected 0 or 1", [](auto* a) { a->padding = -1; }}});
      }
      lutra_rule_free(rules[i]);
    }
  }
  lutra_rule* untouched = nullptr;
  expect(LUTRA_USAGE, lutra_rule_smoothed_differences(multiplier_, 65, &untouched),
         "gradient: half window = 65, expected 0..64");
  expect(LUTRA_USAGE, lutra_rule_factorised_differences(multiplier_, -1, &untouched),
         "gradient: half window = -1");
  expect(LUTRA_USAGE, lutra_rule_straight_through(nullptr, &untouched), "the multiplier is null");
  expect(LUTRA_USAGE, lutra_rule_straight_through(multiplier_, nullptr),
         "the place of the rule is null");
  EXPECT_EQ(untouched, nullptr);
  fmt::print("checked={} refused={}\n", checked_, refused_);
  EXPECT_GT(checked_, 0u);
}

TEST_F(CApi, ElementOperationsAreTheEngines) {
  const Window three{3, 1, 1, 1, 1}, two{2, 2, 0, 1, 1};
  auto input = tensor(2 * 5 * 6 * 3), other = tensor(180);
  auto accumulators = sums(180);
  std::vector<int8_t> output(2 * 5 * 3 * 3), same(180);
  for (const int kind : {LUTRA_POOL_MAX, LUTRA_POOL_AVERAGE}) {
    operation<lutra_pool_args, int8_t>(
        "pool", lutra_pool,
        {2, 5, 6, 3, kThree, kTwo, kind, kind, input.data(), input.size(), output.data(),
         output.size()},
        {&output},
        [&] {
          scalar_->pool({2, 5, 6, 3, three, two, static_cast<PoolArgs::Kind>(kind), kind == 1,
                         input.data(), output.data()});
        },
        {{"pool: channels = 0", [](auto* a) { a->channels = 0; }},
         {"lutra_pool: kind = 2, expected 0 or 1", [](auto* a) { a->kind = 2; }},
         {"lutra_pool: input of 0", [](auto* a) { a->input_size = 0; }},
         {"lutra_pool: output of 91", [](auto* a) { ++a->output_size; }},
         {"pool: output is null", [](auto* a) { a->output = nullptr; }},
         {"holds padding only", [](auto* a) {
            a->vertical.pad_before = 3;
            a->vertical.pad_after = 0;
            a->output_size = size_t{2} * 6 * 3 * 3;
          }}});
  }
  operation<lutra_add_args, int8_t>(
      "add", lutra_add,
      {180, 3, 0, 1, input.data(), 180, other.data(), 180, lutra_to_int8(2, 1), same.data(), 180},
      {&same},
      [&] {
        scalar_->add({180, 3, 0, true, input.data(), other.data(), Requantisation::to_int8(2, true),
                      same.data()});
      },
      {{"add: elements = 0", [](auto* a) { a->elements = 0; }},
       {"add: shift of the second = 17, expected 0..16", [](auto* a) { a->shift_second = 17; }},
       {"lutra_add: first of 179", [](auto* a) { --a->first_size; }},
       {"lutra_add: second of 179", [](auto* a) { --a->second_size; }},
       {"lutra_add: output of 179", [](auto* a) { --a->output_size; }},
       {"add: highest element = 128",
        [](auto* a) {
          a->requantisation = {1, -1, 128};
        }},
       {"add: second is null", [](auto* a) { a->second = nullptr; }}});
  operation<lutra_requantise_args, int8_t>(
      "requantise", lutra_requantise,
      {180, accumulators.data(), 180, lutra_to_int8(10, 0), same.data(), 180}, {&same},
      [&] {
        scalar_->requantise({180, accumulators.data(), Requantisation::to_int8(10), same.data()});
      },
      {{"requantise: elements = -1", [](auto* a) { a->elements = -1; }},
       {"lutra_requantise: sums of 179", [](auto* a) { --a->sums_size; }},
       {"lutra_requantise: output of 181", [](auto* a) { ++a->output_size; }},
       {"requantise: sums is null", [](auto* a) { a->sums = nullptr; }},
       {"the requantisation is all zeros", [](auto* a) {
          a->requantisation = {0, 0, 0};
        }}});
  fmt::print("checked={} refused={}\n", checked_, refused_);
  EXPECT_GT(checked_, 0u);
}

TEST_F(CApi, CapsuleOperationsAreTheEngines) {
  const int images = 2, capsules = 5, classes = 3, dim = 4, in_dim = 6;
  auto input = tensor(images * capsules * in_dim);
  auto weight = tensor(capsules * classes * in_dim * dim);
  auto votes = tensor(images * capsules * classes * dim);
  auto pairs = tensor(images * capsules * classes), before = tensor(images * capsules * classes);
  auto v = tensor(images * classes * dim);
  std::vector<int8_t> votes_out(votes.size()), pairs_out(pairs.size()), v_out(v.size());
  std::vector<int8_t> best(images);
  std::vector<int32_t> scores(images * classes);
  const Products products = reference_.products();
  operation<lutra_votes_args, int8_t>(
      "votes", lutra_votes,
      {images, capsules, in_dim, classes, dim, 9, multiplier_, input.data(), input.size(),
       weight.data(), weight.size(), votes_out.data(), votes_out.size()},
      {&votes_out},
      [&] {
        scalar_->votes({images, capsules, in_dim, classes, dim, 9, input.data(), weight.data(),
                        products, votes_out.data()});
      },
      {{"votes: capsules = 0", [](auto* a) { a->capsules = 0; }},
       {"votes: shift = 32", [](auto* a) { a->shift = 32; }},
       {"lutra_votes: input of 59", [](auto* a) { --a->input_size; }},
       {"lutra_votes: weight of 361", [](auto* a) { ++a->weight_size; }},
       {"lutra_votes: output of 119", [](auto* a) { --a->output_size; }},
       {"votes: output is null", [](auto* a) { a->output = nullptr; }},
       {"lutra_votes: the multiplier is null", [](auto* a) { a->multiplier = nullptr; }},
       {"the multiplier takes -8..7", [this](auto* a) { a->multiplier = narrow_; }}});
  operation<lutra_weighted_sum_args, int8_t>(
      "weighted_sum", lutra_weighted_sum,
      {images, capsules, classes, dim, 9, multiplier_, pairs.data(), pairs.size(), votes.data(),
       votes.size(), v_out.data(), v_out.size()},
      {&v_out},
      [&] {
        scalar_->weighted_sum({images, capsules, classes, dim, 9, pairs.data(), votes.data(),
                               products, v_out.data()});
      },
      {{"weighted sum: classes = 0", [](auto* a) { a->classes = 0; }},
       {"lutra_weighted_sum: coupling of 29", [](auto* a) { --a->coupling_size; }},
       {"lutra_weighted_sum: votes of 119", [](auto* a) { --a->votes_size; }},
       {"lutra_weighted_sum: output of 23", [](auto* a) { --a->output_size; }},
       {"weighted sum: votes is null", [](auto* a) { a->votes = nullptr; }},
       {"the multiplier is null", [](auto* a) { a->multiplier = nullptr; }}});
  operation<lutra_agreement_args, int8_t>(
      "agreement", lutra_agreement,
      {images, capsules, classes, dim, 9, multiplier_, votes.data(), votes.size(), v.data(),
       v.size(), before.data(), before.size(), pairs_out.data(), pairs_out.size()},
      {&pairs_out},
      [&] {
        scalar_->agreement({images, capsules, classes, dim, 9, votes.data(), v.data(), products,
                            before.data(), pairs_out.data()});
      },
      {{"agreement: images = 0", [](auto* a) { a->images = 0; }},
       {"lutra_agreement: votes of 119", [](auto* a) { --a->votes_size; }},
       {"lutra_agreement: v of 23", [](auto* a) { --a->v_size; }},
       {"lutra_agreement: before of 29", [](auto* a) { --a->before_size; }},
       {"lutra_agreement: output of 29", [](auto* a) { --a->output_size; }},
       {"agreement: before is null", [](auto* a) { a->before = nullptr; }}});
  operation<lutra_squash_args, int8_t>(
      "squash", lutra_squash,
      {images * classes, dim, 4, multiplier_, v.data(), v.size(), v_out.data(), v_out.size()},
      {&v_out},
      [&] {
        scalar_->squash({images * classes, dim, 4, v.data(), products, v_out.data()});
      },
      {{"squash: capsules = 0", [](auto* a) { a->capsules = 0; }},
       {"squash: fraction length = 8", [](auto* a) { a->frac = 8; }},
       {"lutra_squash: input of 23", [](auto* a) { --a->input_size; }},
       {"lutra_squash: output of 25", [](auto* a) { ++a->output_size; }},
       {"squash: input is null", [](auto* a) { a->input = nullptr; }}});
  operation<lutra_softmax_args, int8_t>(
      "softmax", lutra_softmax,
      {images, capsules, classes, 5, pairs.data(), pairs.size(), pairs_out.data(),
       pairs_out.size()},
      {&pairs_out},
      [&] {
        scalar_->softmax({images, capsules, classes, 5, pairs.data(), pairs_out.data()});
      },
      {{"softmax: classes = 17, expected 1..16",
        [](auto* a) {
          a->classes = 17;
          a->logits_size = a->output_size = 170;
        }},
       {"lutra_softmax: logits of 29", [](auto* a) { --a->logits_size; }},
       {"lutra_softmax: output of 29", [](auto* a) { --a->output_size; }},
       {"softmax: logits is null", [](auto* a) { a->logits = nullptr; }}});
  const lutra_classify_args classify{images,      classes,    dim,           multiplier_,
                                     v.data(),    v.size(),   scores.data(), scores.size(),
                                     best.data(), best.size()};
  operation<lutra_classify_args, int32_t>(
      "classify", lutra_classify, classify, {&scores},
      [&] {
        scalar_->classify({images, classes, dim, v.data(), products, scores.data(), best.data()});
      },
      {{"classify: classes = 0", [](auto* a) { a->classes = 0; }},
       {"lutra_classify: input of 25", [](auto* a) { ++a->input_size; }},
       {"lutra_classify: scores of 5", [](auto* a) { --a->scores_size; }},
       {"lutra_classify: output of 1", [](auto* a) { --a->output_size; }},
       {"classify: scores is null", [](auto* a) { a->scores = nullptr; }}});
  for (int n = 0; n < images; ++n) {
    const auto begin = scores.begin() + n * classes;
    EXPECT_EQ(best[n], std::max_element(begin, begin + classes) - begin);
  }
  fmt::print("checked={} refused={}\n", checked_, refused_);
  EXPECT_GT(checked_, 0u);
}

TEST_F(CApi, TablesAreWrittenAndReadInEachFormat) {
  // Products of 16 bits, and of no symmetry.
  std::vector<int32_t> products;
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) products.push_back(a * b - (a & 1) * (b & 2));
  }
  for (int32_t& p : products) p = std::max(0, p);
  lutra_multiplier* made = nullptr;
  ok(lutra_multiplier_create("mine", kUnsigned, kUnsigned, products.data(), products.size(),
                             &made));
  lutra_multiplier_info info;
  ok(lutra_multiplier_describe(made, &info));
  const auto loaded = tables::examine({{8, false}, {8, false}, products}, "products in memory");
  EXPECT_EQ(info.line, tables::describe("mine", loaded));
  EXPECT_EQ(info.sha256, loaded.sha256);
  EXPECT_EQ(info.mae, loaded.statistics.mae);
  EXPECT_EQ(info.wce, loaded.statistics.wce);
  EXPECT_EQ(info.ep, loaded.statistics.ep);
  EXPECT_EQ(info.bias, loaded.statistics.bias);
  EXPECT_EQ(info.first.width, 8);
  EXPECT_EQ(info.second.is_signed, 0);
  EXPECT_EQ(info.exact_terms, 2);
  EXPECT_STREQ(info.warnings, "");
  const std::pair<int, const char*> files[] = {
      {LUTRA_TABLE_RAW, "t.bin"},    {LUTRA_TABLE_NPY, "t.npy"},  {LUTRA_TABLE_NPY_INT32, "i.npy"},
      {LUTRA_TABLE_C_HEADER, "t.h"}, {LUTRA_TABLE_TEXT, "t.txt"}, {LUTRA_TABLE_TRIPLES, "t.csv"}};
  for (const auto& [format, name] : files) {
    const std::string path = (directory_ / name).string();
    ok(lutra_multiplier_save(made, path.c_str(), format));
    lutra_multiplier* read = nullptr;
    ok(lutra_multiplier_load(path.c_str(), 1, &read));
    lutra_multiplier_info again;
    ok(lutra_multiplier_describe(read, &again));
    EXPECT_STREQ(again.sha256, info.sha256) << name;
    EXPECT_EQ(again.line, tables::describe(path, tables::read_table(path, true)));
    for (int a = 0; a < 256; a += 3) {
      for (int b = 0; b < 256; ++b, ++checked_) {
        int32_t product = -1;
        ok(lutra_multiplier_product(read, a, b, &product));
        ASSERT_EQ(product, products[a * 256 + b]) << name;
      }
    }
    lutra_multiplier_free(read);
  }
  // What no file holds.
  const std::string path = (directory_ / "no").string();
  lutra_multiplier* mixed = nullptr;
  ok(lutra_multiplier_exact({8, 1}, {4, 0}, &mixed));
  ok(lutra_multiplier_describe(mixed, &info));
  EXPECT_NE(std::string(info.line).find("8-bit signed by 4-bit unsigned"), std::string::npos)
      << info.line;
  expect(LUTRA_UNIMPLEMENTED, lutra_multiplier_save(mixed, path.c_str(), LUTRA_TABLE_NPY),
         "operands of two types");
  expect(LUTRA_UNIMPLEMENTED, lutra_multiplier_save(narrow_, path.c_str(), LUTRA_TABLE_RAW),
         "operands of 4 bits; raw tables have 8");
  std::vector<int32_t> wide(16, 0);
  wide[5] = 8;
  lutra_multiplier* too_wide = nullptr;
  ok(lutra_multiplier_create("w", {2, 1}, {2, 1}, wide.data(), wide.size(), &too_wide));
  expect(LUTRA_UNIMPLEMENTED, lutra_multiplier_save(too_wide, path.c_str(), LUTRA_TABLE_TEXT),
         "products from 0 to 8; files hold -8..7");
  expect(LUTRA_USAGE, lutra_multiplier_save(made, path.c_str(), 6), "format = 6, expected");
  expect(LUTRA_USAGE, lutra_multiplier_save(made, (path + "/x.npy").c_str(), LUTRA_TABLE_NPY),
         "cannot be written");
  expect(LUTRA_USAGE, lutra_multiplier_save(nullptr, path.c_str(), 0), "the multiplier is null");
  expect(LUTRA_USAGE, lutra_multiplier_save(made, nullptr, 0), "the path is null");
  EXPECT_FALSE(fs::exists(path));
  lutra_multiplier_free(too_wide);
  lutra_multiplier_free(mixed);
  lutra_multiplier_free(made);
  fmt::print("checked={} refused={}\n", checked_, refused_);
  EXPECT_EQ(checked_, 6u * 86 * 256);
}

TEST_F(CApi, MultipliersThatAreWrongAreRefused_bad) {
  lutra_multiplier* out = nullptr;
  const std::vector<int32_t> products(65536, 40000);
  const auto create = [&](const char* name, lutra_operand type, const int32_t* p, size_t size,
                          lutra_multiplier** to) {
    return lutra_multiplier_create(name, type, type, p, size, to);
  };
  expect(LUTRA_USAGE, create(nullptr, kSigned, products.data(), 65536, &out), "the name is null");
  expect(LUTRA_USAGE, create("m", kSigned, nullptr, 65536, &out), "the products is null");
  ok(create("m", kSigned, products.data(), 65536, &out));  // legal, though of no signed component
  lutra_multiplier_free(out);
  out = nullptr;
  expect(LUTRA_USAGE, create("m", kSigned, products.data(), 65536, nullptr),
         "the place of the multiplier is null");
  expect(LUTRA_USAGE, create("m", kSigned, products.data(), 65535, &out),
         "table: 65535 products, expected 65536");
  expect(LUTRA_USAGE, create("m", {9, 1}, products.data(), 65536, &out),
         "table: a first operand of 9 bits, expected 2..8");
  const std::vector<int32_t> large(65536, 70000);
  expect(LUTRA_USAGE, create("m", kSigned, large.data(), 65536, &out),
         "table: products from 70000 to 70000");
  expect(LUTRA_USAGE, lutra_multiplier_exact({1, 0}, {8, 0}, &out), "1 bits, expected 2..8");
  expect(LUTRA_USAGE, lutra_multiplier_load(nullptr, 0, &out), "the path is null");
  expect(LUTRA_USAGE, lutra_multiplier_load((directory_ / "absent.bin").c_str(), 0, &out),
         "absent.bin: no such file");
  base::write_file(directory_ / "short.bin", "short");
  expect(LUTRA_USAGE, lutra_multiplier_load((directory_ / "short.bin").c_str(), 0, &out),
         "short.bin");
  EXPECT_EQ(out, nullptr);

  lutra_multiplier_info info{};
  info.wce = -5;
  expect(LUTRA_USAGE, lutra_multiplier_describe(nullptr, &info), "the multiplier is null");
  expect(LUTRA_USAGE, lutra_multiplier_describe(multiplier_, nullptr), "description is null");
  int32_t product = -5;
  expect(LUTRA_USAGE, lutra_multiplier_product(narrow_, 8, -8, &product),
         "operands 8 and -8, the multiplier takes -8..7 and -8..7");
  expect(LUTRA_USAGE, lutra_multiplier_product(nullptr, 0, 0, &product), "the multiplier is null");
  expect(LUTRA_USAGE, lutra_multiplier_product(narrow_, 0, 0, nullptr), "product is null");
  EXPECT_EQ(info.wce, -5);
  EXPECT_EQ(product, -5);
  fmt::print("refused={}\n", refused_);
}

TEST_F(CApi, BackendsAreThoseOfTheEngine) {
  const auto known = backends();
  ASSERT_EQ(lutra_backend_count(), static_cast<int>(known.size()));
  lutra_backend* out = nullptr;
  for (int i = 0; i < lutra_backend_count(); ++i) {
    lutra_backend_info info;
    ok(lutra_backend_describe(i, &info));
    EXPECT_EQ(info.name, known[i].name);
    EXPECT_EQ(info.available != 0, known[i].available);
    EXPECT_EQ(info.reason, known[i].reason);
    const lutra_status status = lutra_backend_create(info.name, 2, &out);
    if (info.available != 0) {
      ok(status);
      EXPECT_STREQ(lutra_backend_name(out), info.name);
      lutra_backend_free(out);
    } else {
      expect(LUTRA_UNAVAILABLE, status, std::string("backend ") + info.name);
      EXPECT_EQ(out, nullptr);
    }
    out = nullptr;
  }
  lutra_backend_info info{"mine", 0, ""};
  expect(LUTRA_USAGE, lutra_backend_describe(-1, &info), "index = -1, expected 0..");
  expect(LUTRA_USAGE, lutra_backend_describe(99, &info), "index = 99");
  expect(LUTRA_USAGE, lutra_backend_describe(0, nullptr), "description is null");
  expect(LUTRA_USAGE, lutra_backend_create("fastest", 1, &out), "backend 'fastest' is not known");
  expect(LUTRA_USAGE, lutra_backend_create("auto", -1, &out), "jobs = -1");
  expect(LUTRA_USAGE, lutra_backend_create(nullptr, 1, &out), "the name is null");
  expect(LUTRA_USAGE, lutra_backend_create("auto", 1, nullptr), "the place of the backend is null");
  EXPECT_STREQ(info.name, "mine");
  EXPECT_EQ(out, nullptr);
  EXPECT_STREQ(lutra_backend_name(nullptr), "");
  lutra_backend_free(nullptr);
  lutra_multiplier_free(nullptr);
  lutra_rule_free(nullptr);
}

TEST_F(CApi, ErrorsAreOfTheirThread) {
  expect(LUTRA_USAGE, lutra_gemm(nullptr, nullptr), "lutra_gemm");
  std::thread([] { EXPECT_STREQ(lutra_last_error(), ""); }).join();
  std::thread([] {
    lutra_pool(nullptr, nullptr);
    EXPECT_STREQ(lutra_last_error(), "lutra_pool: the backend is null");
  }).join();
  EXPECT_STREQ(lutra_last_error(), "lutra_gemm: the backend is null");
}

TEST_F(CApi, C99CallsIt) {
  EXPECT_EQ(multiply_in_c99(-7, 9), -63);
  EXPECT_STREQ(lutra_version(), LUTRA_PROJECT_VERSION);
}

}  // namespace
}  // namespace lutra::engine
