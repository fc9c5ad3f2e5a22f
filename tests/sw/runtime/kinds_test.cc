// Networks of every kind of operation: float32 against integers, and backend against backend.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "lutra/base/error.h"
#include "lutra/data/dataset.h"
#include "lutra/engine/backend.h"
#include "lutra/graph/network.h"
#include "lutra/graph/steps.h"
#include "lutra/quantise/float_inference.h"
#include "lutra/quantise/quantise.h"
#include "lutra/runtime/evaluate.h"
#include "lutra/runtime/inference.h"

namespace lutra::runtime {
namespace {

using nlohmann::json;

constexpr int kSize = 12;

/// Branches and joins; all kinds but those of capsules.
graph::Network branched() {
  graph::NetworkBuilder net("branched", {kSize, kSize, 1});
  net.add(
      "stem", "conv2d",
      {{"out_channels", 6}, {"kernel", {3, 3}}, {"pads", {1, 1, 1, 1}}, {"activation", "relu"}});
  net.add("pool", "max_pool", {{"kernel", {2, 2}}, {"strides", {2, 2}}});
  net.add("deep", "conv2d",
          {{"out_channels", 6}, {"kernel", {3, 3}}, {"pads", {1, 1, 1, 1}}, {"groups", 2}},
          {"pool"});
  net.add("sum", "add", {{"activation", "relu"}}, {"deep", "pool"});
  net.add("wide", "conv2d",
          {{"out_channels", 4}, {"kernel", {3, 3}}, {"pads", {2, 2, 2, 2}}, {"dilations", {2, 2}}},
          {"sum"});
  net.add("both", "concatenate", json::object(), {"sum", "wide"});
  net.add("smooth", "average_pool",
          {{"kernel", {3, 3}}, {"strides", {1, 1}}, {"pads", {1, 1, 1, 1}}});
  net.add("mean", "average_pool", {{"global", true}});
  net.add("flat", "reshape", {{"shape", {-1}}});
  net.add("hidden", "dense", {{"outputs", 20}, {"activation", "relu"}});
  net.add("scores", "dense", {{"outputs", 7}});
  net.add("class", "argmax", json::object());
  return net.build();
}

graph::FloatWeights random_weights(const graph::Network& network, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  graph::FloatWeights weights;
  for (const auto& [name, parameter] : graph::parameters(network)) {
    graph::FloatTensor& tensor = weights[name];
    tensor.shape = parameter.shape;
    size_t size = 1;
    for (const size_t d : parameter.shape) size *= d;
    const double deviation = parameter.is_bias ? 0.05 : parameter.initial_deviation;
    for (size_t i = 0; i < size; ++i) {
      tensor.values.push_back(static_cast<float>(deviation * normal(random)));
    }
  }
  return weights;
}

data::Dataset images(int count) {
  data::Dataset data;
  data.name = "random";
  data.height = data.width = kSize;
  std::mt19937 random(3);
  for (int i = 0; i < count * kSize * kSize; ++i) {
    data.pixels.push_back(static_cast<uint8_t>(random()));
  }
  for (int i = 0; i < count; ++i) data.labels.push_back(static_cast<uint8_t>(i % 7));
  return data;
}

class Kinds : public testing::Test {
 protected:
  Kinds() {
    quantise::QuantiseOptions options;
    options.calibration_images = 40;
    quantised_ = quantise::to_int8(network_, weights_, data_, options);
  }
  /// The integer inference of all images.
  InferenceState run(const std::string& backend) const {
    InferenceState state;
    std::vector<int8_t>& input = state.tensors["input"];
    for (int i = 0; i < data_.size(); ++i) {
      const std::vector<int8_t> image = data::quantise_image(data_, i);
      input.insert(input.end(), image.begin(), image.end());
    }
    Inference(quantised_).run(*engine::make_backend(backend, 1), data_.size(), &state);
    return state;
  }

  graph::Network network_ = branched();
  graph::FloatWeights weights_ = random_weights(network_, 11);
  data::Dataset data_ = images(40);
  graph::QuantisedNetwork quantised_;
};

TEST_F(Kinds, IntegersFollowTheFloats) {
  const InferenceState state = run("scalar");
  const graph::StepList list = graph::lower(quantised_);
  const quantise::FloatInference real(network_, weights_);
  std::map<std::string, double> errors, powers;
  int same = 0;
  for (int i = 0; i < data_.size(); ++i) {
    const graph::FloatTensors tensors = real.run(data_.image(i));
    for (const auto& [name, values] : tensors) {
      if (name == "class") continue;
      const graph::TensorInfo& info = list.tensors.at(name);
      ASSERT_EQ(static_cast<int64_t>(values.size()), info.size()) << name;
      for (size_t k = 0; k < values.size(); ++k) {
        const double integer = std::ldexp(
            state.tensors.at(name)[static_cast<size_t>(i) * values.size() + k], -info.frac);
        errors[name] += (integer - values[k]) * (integer - values[k]);
        powers[name] += double{values[k]} * values[k];
      }
    }
    same += static_cast<int>(tensors.at("class")[0]) == state.tensors.at("class")[i];
  }
  int compared = 0;
  for (const auto& [name, error] : errors) {
    const double decibels = 10 * std::log10(powers[name] / error);
    std::printf("%s: %.1f dB\n", name.c_str(), decibels);
    EXPECT_GT(decibels, 18) << name;
    ++compared;
  }
  EXPECT_EQ(compared, 12) << "the image and eleven nodes";
  EXPECT_GE(same, 36) << "of 40";
}

TEST_F(Kinds, EveryBackendGivesTheSameBytes) {
  const InferenceState expected = run("scalar");
  int compared = 0;
  for (const engine::BackendInfo& info : engine::backends()) {
    if (!info.available) continue;
    const InferenceState state = run(info.name);
    EXPECT_EQ(state.tensors, expected.tensors) << info.name;
    EXPECT_EQ(state.scores, expected.scores) << info.name;
    ++compared;
  }
  std::printf("checked=%d backends\n", compared);
  EXPECT_GE(compared, 1);
}

// By the definitions in docs/numerics.md and docs/networks.md, from the elements of the inputs.
TEST_F(Kinds, JoinsAndPoolsAreAsDefined) {
  const InferenceState state = run("scalar");
  const graph::StepList list = graph::lower(quantised_);
  const auto frac = [&](const char* name) { return list.tensors.at(name).frac; };
  const auto& deep = state.tensors.at("deep");
  const auto& pool = state.tensors.at("pool");
  const auto& sum = state.tensors.at("sum");
  const int finer = std::max(frac("deep"), frac("pool"));
  int64_t compared = 0;
  for (size_t i = 0; i < sum.size(); ++i, ++compared) {
    const int exact =
        deep[i] * (1 << (finer - frac("deep"))) + pool[i] * (1 << (finer - frac("pool")));
    const int shift = finer - frac("sum");
    const int rounded = shift == 0 ? exact : (exact + (1 << (shift - 1))) >> shift;
    ASSERT_EQ(sum[i], std::clamp(rounded, 0, 127)) << i;
  }
  const auto& wide = state.tensors.at("wide");
  const auto& both = state.tensors.at("both");
  for (size_t i = 0; i < both.size(); ++i, ++compared) {
    const size_t pixel = i / 10, channel = i % 10;
    ASSERT_EQ(both[i], channel < 6 ? sum[pixel * 6 + channel] : wide[pixel * 4 + channel - 6]);
  }
  const auto& smooth = state.tensors.at("smooth");
  for (size_t i = 0; i < smooth.size(); ++i, ++compared) {
    const int c = static_cast<int>(i % 10), x = static_cast<int>(i / 10 % 6),
              y = static_cast<int>(i / 60 % 6);
    int total = 0, count = 0;
    for (int row = std::max(0, y - 1); row <= std::min(5, y + 1); ++row) {
      for (int column = std::max(0, x - 1); column <= std::min(5, x + 1); ++column, ++count) {
        total += both[i / 360 * 360 + static_cast<size_t>((row * 6 + column) * 10 + c)];
      }
    }
    const double mean = static_cast<double>(total) / count;
    ASSERT_NEAR(smooth[i], mean, 0.5) << i;
  }
  EXPECT_EQ(state.tensors.at("flat"), state.tensors.at("mean"));
  for (int n = 0; n < data_.size(); ++n, ++compared) {
    const auto scores = state.scores.begin() + n * 7;
    const auto best = std::max_element(scores, scores + 7) - scores;
    ASSERT_EQ(state.tensors.at("class")[static_cast<size_t>(n)], best);
  }
  std::printf("checked=%lld\n", static_cast<long long>(compared));
}

// The sums of the last dense node decide, not the elements that they are rounded to.
TEST_F(Kinds, SumsBreakTiesOfElements) {
  graph::QuantisedNetwork coarse = quantised_;
  coarse.fractions["scores"] = -8;
  InferenceState state = run("scalar");
  const std::vector<int32_t> scores = state.scores;
  const std::vector<int8_t> classes = state.tensors.at("class");
  Inference(coarse).run(*engine::make_backend("scalar", 1), data_.size(), &state);
  EXPECT_EQ(state.scores, scores);
  EXPECT_EQ(state.tensors.at("class"), classes);
  const std::vector<int8_t>& elements = state.tensors.at("scores");
  EXPECT_TRUE(std::all_of(elements.begin(), elements.end(), [](int8_t e) { return e == 0; }));
}

TEST_F(Kinds, FormatsThatArithmeticTies_bad) {
  graph::QuantisedNetwork other = quantised_;
  ++other.fractions["pool"];
  try {
    graph::lower(other);
    ADD_FAILURE() << "max pooling does not change a format";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("of pool and"), std::string::npos) << error.what();
  }
}

TEST(KindShapes, ThatDoNotFit_bad) {
  const auto refused = [](const std::string& part, const std::function<void()>& call) {
    try {
      call();
      ADD_FAILURE() << "nothing was refused, expected: " << part;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  const auto after_pool = [](const std::string& kind, const json& attributes,
                             const std::vector<std::string>& inputs) {
    graph::NetworkBuilder net("n", {kSize, kSize, 3});
    net.add("p", "max_pool", {{"kernel", {2, 2}}, {"strides", {2, 2}}});
    net.add("x", kind, attributes, inputs);
    net.build();
  };
  refused("node x: inputs of shapes [6, 6, 3] and [12, 12, 3], expected one shape", [&] {
    after_pool("add", json::object(), {"p", "input"});
  });
  refused("node x: inputs of shapes [6, 6, 3] and [12, 12, 3], expected shapes that are equal but",
          [&] {
            after_pool("concatenate", json::object(), {"p", "input"});
          });
  refused("node x: 1 inputs, expected 2", [&] { after_pool("add", json::object(), {"p"}); });
  refused("node x: 108 elements of shape [6, 6, 3] do not make [-1, 7]", [&] {
    after_pool("reshape", {{"shape", {-1, 7}}}, {"p"});
  });
  refused("node x: 108 elements of shape [6, 6, 3] do not make [-1, -1]", [&] {
    after_pool("reshape", {{"shape", {-1, -1}}}, {"p"});
  });
  refused("node x: window 0 along axis 0 holds padding only", [&] {
    after_pool("max_pool", {{"kernel", {2, 2}}, {"pads", {2, 0, 0, 0}}}, {"p"});
  });
  refused("node a: 432 classes, expected 2..127", [] {
    graph::NetworkBuilder net("n", {kSize, kSize, 3});
    net.add("a", "argmax", json::object());
    net.build();
  });
}

}  // namespace
}  // namespace lutra::runtime
