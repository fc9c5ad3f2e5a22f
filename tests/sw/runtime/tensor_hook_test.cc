// Hooks on the tensors of an inference.
#include "lutra/runtime/tensor_hook.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "lutra/base/error.h"
#include "lutra/runtime/inference.h"
#include "random_network.h"

namespace lutra::test {
namespace {

constexpr int kImages = 3;

class TensorHooks : public testing::Test {
 protected:
  std::vector<int8_t> images(int first, int count) const {
    std::vector<int8_t> all;
    for (int i = first; i < first + count; ++i) {
      const std::vector<int8_t> image = random_image(static_cast<uint32_t>(i));
      all.insert(all.end(), image.begin(), image.end());
    }
    return all;
  }
  runtime::InferenceState run(const std::vector<runtime::TensorHook>& hooks, int first = 0,
                              int count = kImages) const {
    runtime::InferenceState state;
    state.tensors["input"] = images(first, count);
    inference_.run(*engine::make_backend("scalar"), count, &state, hooks, first);
    return state;
  }

  runtime::Inference inference_{random_network(5)};
};

TEST_F(TensorHooks, SeeEveryTensorThatIsWritten) {
  std::vector<std::string> seen;
  int64_t elements = 0;
  const runtime::InferenceState state =
      run({{"record", [&](const runtime::TensorView& tensor) {
              seen.push_back(tensor.name);
              EXPECT_EQ(tensor.images, kImages);
              EXPECT_EQ(tensor.step == nullptr, tensor.name == "input");
              elements += tensor.images * tensor.info.size();
            }}});
  // All but the logits of zeros, which no step writes.
  EXPECT_EQ(seen.size(), inference_.steps().tensors.size() - 1);
  EXPECT_EQ(seen.front(), "input");
  EXPECT_EQ(seen.back(), "class");
  EXPECT_GT(elements, 60000 * kImages);
  EXPECT_EQ(state.tensors, run({}).tensors) << "reading changes nothing";
}

TEST_F(TensorHooks, ReplaceWhatTheNextStepReads) {
  const auto zero = runtime::on_tensors(
      "conv1", {"zero", [](const runtime::TensorView& tensor) {
                  std::fill_n(tensor.elements, tensor.images * tensor.info.size(), int8_t{0});
                }});
  const runtime::InferenceState state = run({zero});
  const std::vector<int8_t>& primary = state.tensors.at("primary");
  // Biases alone are left: every pixel has the same.
  for (size_t i = 64; i < primary.size(); ++i) ASSERT_EQ(primary[i], primary[i % 64]);
  EXPECT_NE(primary, run({}).tensors.at("primary"));
}

TEST_F(TensorHooks, NoiseIsOfItsImageWhateverTheBatch) {
  const auto hooks = [](uint64_t seed) {
    return std::vector<runtime::TensorHook>{
        runtime::on_tensors("primary", runtime::add_noise(0.5, 3, seed))};
  };
  const runtime::InferenceState all = run(hooks(1));
  const std::vector<int8_t>& noisy = all.tensors.at("primary");
  const std::vector<int8_t> clean = run({}).tensors.at("primary");
  const size_t size = clean.size() / kImages;
  for (int i = 0; i < kImages; ++i) {
    const std::vector<int8_t> alone = run(hooks(1), i, 1).tensors.at("primary");
    ASSERT_EQ(alone.size(), size);
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), noisy.begin() + i * static_cast<int>(size)));
  }
  EXPECT_NE(run(hooks(2)).tensors.at("primary"), noisy);
  double sum = 0, squares = 0;
  int64_t count = 0;
  for (size_t i = 0; i < clean.size(); ++i) {
    ASSERT_GE(noisy[i], -127);
    if (std::abs(clean[i]) > 100) continue;  // may have saturated
    const double change = noisy[i] - clean[i];
    sum += change;
    squares += change * change;
    ++count;
  }
  ASSERT_GT(count, 3000);
  EXPECT_NEAR(sum / count, 0.5, 0.25);
  EXPECT_NEAR(std::sqrt(squares / count), std::sqrt(9 + 0.25 + 1 / 12.0), 0.2);
}

TEST_F(TensorHooks, TruncationClearsLowBitsTowardsZero) {
  for (int bits = 0; bits <= 7; ++bits) {
    const std::vector<int8_t> cut =
        run({runtime::on_tensors("conv?", runtime::truncate(bits))}).tensors.at("conv1");
    const std::vector<int8_t> whole = run({}).tensors.at("conv1");
    int64_t changed = 0;
    for (size_t i = 0; i < whole.size(); ++i) {
      const int magnitude = std::abs(whole[i]) >> bits << bits;
      ASSERT_EQ(cut[i], whole[i] < 0 ? -magnitude : magnitude);
      changed += cut[i] != whole[i];
    }
    EXPECT_EQ(changed > 0, bits > 0);
  }
}

// A class is a number: what is done to elements is not done to it.
TEST_F(TensorHooks, NoiseAndTruncationLeaveTheClass) {
  for (const runtime::TensorHook& hook : {runtime::add_noise(3, 20, 1), runtime::truncate(7)}) {
    const runtime::InferenceState state = run({hook});
    for (int n = 0; n < kImages; ++n) {
      const auto scores = state.scores.begin() + n * 10;
      EXPECT_EQ(state.tensors.at("class")[static_cast<size_t>(n)],
                std::max_element(scores, scores + 10) - scores)
          << hook.key;
    }
  }
}

TEST_F(TensorHooks, ShuffledCouplingKeepsEachClassesCoefficients) {
  const auto sorted = [](std::vector<int8_t> values, size_t begin, size_t end) {
    std::sort(values.begin() + static_cast<std::ptrdiff_t>(begin),
              values.begin() + static_cast<std::ptrdiff_t>(end));
    return std::vector<int8_t>(values.begin() + static_cast<std::ptrdiff_t>(begin),
                               values.begin() + static_cast<std::ptrdiff_t>(end));
  };
  std::vector<int8_t> before;
  const runtime::TensorHook record = runtime::on_tensors(
      "routing.coupling.2", {"record", [&](const runtime::TensorView& tensor) {
                               before.assign(tensor.elements,
                                             tensor.elements + tensor.images * tensor.info.size());
                             }});
  const std::vector<int8_t> after =
      run({record, runtime::shuffled_coupling(3)}).tensors.at("routing.coupling.2");
  ASSERT_EQ(before.size(), after.size());
  EXPECT_NE(before, after);
  for (size_t row = 0; row < before.size(); row += 288) {
    EXPECT_EQ(sorted(before, row, row + 288), sorted(after, row, row + 288));
  }
}

TEST_F(TensorHooks, KeysSayWhatTheyDo) {
  EXPECT_EQ(runtime::on_tensors("conv1", runtime::add_noise(0, 1.5, 7)).key,
            "noise of mean 0, deviation 1.5, seed 7 on conv1");
  EXPECT_EQ(runtime::truncate(3).key, "3 low bits truncated");
  EXPECT_NE(runtime::shuffled_coupling(1).key, runtime::shuffled_coupling(2).key);
}

TEST_F(TensorHooks, WrongParameters_bad) {
  EXPECT_THROW(runtime::truncate(8), Error);
  EXPECT_THROW(runtime::truncate(-1), Error);
  EXPECT_THROW(runtime::add_noise(0, -1, 1), Error);
  EXPECT_THROW(runtime::add_noise(NAN, 1, 1), Error);
}

}  // namespace
}  // namespace lutra::test
