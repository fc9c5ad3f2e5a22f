
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <random>

#include "lutra/base/error.h"
#include "lutra/base/npy.h"
#include "lutra/data/dataset.h"
#include "lutra/graph/assignment.h"
#include "lutra/graph/network.h"
#include "lutra/graph/quantised_network.h"
#include "lutra/graph/site.h"
#include "lutra/models/built_in.h"
#include "lutra/models/model_files.h"
#include "lutra/quantise/float_inference.h"
#include "lutra/runtime/evaluate.h"
#include "lutra/runtime/inference.h"
#include "lutra/runtime/tensor_hook.h"
#include "random_network.h"

namespace lutra::test {
namespace {

namespace fs = std::filesystem;

std::string message(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

class QuantisedFiles : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = fs::path(testing::TempDir()) /
                 testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::create_directories(directory_);
    models::save_quantised(random_network(3), directory_);
  }
  void TearDown() override { fs::remove_all(directory_); }
  fs::path directory_;
};

TEST_F(QuantisedFiles, ComeBackUnchanged) {
  const graph::QuantisedNetwork saved = random_network(3);
  const graph::QuantisedNetwork loaded = models::load_quantised(directory_);
  EXPECT_EQ(loaded.weights, saved.weights);
  EXPECT_EQ(loaded.biases, saved.biases);
  EXPECT_EQ(loaded.fractions, saved.fractions);
}

TEST_F(QuantisedFiles, TruncatedWeights_bad) {
  const fs::path file = directory_ / "votes.weight.npy";
  fs::resize_file(file, fs::file_size(file) - 1);
  EXPECT_NE(message([&] { models::load_quantised(directory_); }).find("the header promises 368640"),
            std::string::npos);
}

TEST_F(QuantisedFiles, WrongShape_bad) {
  base::save_npy<int8_t>(directory_ / "conv1.weight.npy", {4}, {1, 2, 3, 4});
  EXPECT_NE(
      message([&] { models::load_quantised(directory_); }).find("shape [4], capsnet-edge needs"),
      std::string::npos);
}

TEST_F(QuantisedFiles, MinusHundredTwentyEight_bad) {
  graph::QuantisedNetwork network = random_network(3);
  network.weights["conv1.weight"][5] = -128;
  models::save_quantised(network, directory_);
  EXPECT_NE(message([&] { models::load_quantised(directory_); }).find("element 5 is -128"),
            std::string::npos);
}

TEST_F(QuantisedFiles, NoJson_bad) {
  std::ofstream(directory_ / "network.json") << "{\"network\": ";
  EXPECT_NE(message([&] { models::load_quantised(directory_); }).find("network.json"),
            std::string::npos);
}

TEST(Inference, UnknownOperation_bad) {
  EXPECT_NE(message([&] { graph::Assignment(models::capsnet_edge()).set("conv9.mac", nullptr); })
                .find("operation 'conv9.mac' does not exist in capsnet-edge, expected one of: "
                      "conv1.mac"),
            std::string::npos);
}

TEST(Inference, AccumulatorBound_bad) {
  graph::QuantisedNetwork network = random_network(1);
  network.biases["primary.bias"][0] = INT32_MAX - 1000;
  EXPECT_NE(message([&] {
              runtime::Inference inference(network);
            }).find("primary.mac: an accumulator can reach"),
            std::string::npos);
}

TEST(Inference, EveryBackendGivesTheSameTensors) {
  const graph::QuantisedNetwork network = random_network(6);
  std::mt19937 random(3);
  Table odd(65536);  // no structure, not commuting, non-zero at zero
  for (int16_t& p : odd) p = static_cast<int16_t>(static_cast<int>(random() % 4096) - 2048);
  const synth::Component component = component_of(odd);
  graph::Assignment assignment(network.description);
  for (const char* pattern : {"conv1.mac", "votes.mac", "routing.agreement"}) {
    assignment.set(pattern, &component);
  }
  const runtime::Inference inference(network, assignment);
  constexpr int kImages = 66;  // more than one register of lanes
  std::vector<int8_t> images;
  for (int i = 0; i < kImages; ++i) {
    const std::vector<int8_t> image = random_image(i);
    images.insert(images.end(), image.begin(), image.end());
  }
  const auto run = [&](const std::string& backend, runtime::InferenceState* state) {
    state->tensors["input"] = images;
    inference.run(*engine::make_backend(backend), kImages, state);
  };
  runtime::InferenceState expected;
  run("scalar", &expected);
  for (const engine::BackendInfo& info : engine::backends()) {
    if (!info.available || info.name == "scalar") continue;
    runtime::InferenceState state;
    run(info.name, &state);
    int64_t checked = 0;
    for (const auto& [name, tensor] : expected.tensors) {
      EXPECT_EQ(state.tensors.at(name), tensor) << info.name << ": " << name;
      checked += static_cast<int64_t>(tensor.size());
    }
    EXPECT_EQ(state.scores, expected.scores) << info.name;
    std::printf("%s: checked=%lld\n", info.name.c_str(), static_cast<long long>(checked));
  }
}

TEST(Inference, TheFullNetworkOnEveryBackend) {
  const graph::QuantisedNetwork network = random_network(2, models::capsnet());
  int64_t products = 0;
  for (const graph::Site& site : graph::sites(network.description)) products += site.products;
  EXPECT_EQ(products / 100000, 2018);  // 201.8 M
  const runtime::Inference inference(network);
  constexpr int kImages = 2;
  std::vector<int8_t> images = random_image(1);
  const std::vector<int8_t> other = random_image(2);
  images.insert(images.end(), other.begin(), other.end());
  runtime::InferenceState expected;
  for (const engine::BackendInfo& info : engine::backends()) {
    if (!info.available) continue;
    runtime::InferenceState state;
    state.tensors["input"] = images;
    inference.run(*engine::make_backend(info.name), kImages, &state);
    if (info.name == "scalar") expected = state;
    EXPECT_EQ(state.tensors, expected.tensors) << info.name;
    EXPECT_EQ(state.scores, expected.scores) << info.name;
  }
  EXPECT_NE(expected.scores[0], expected.scores[1]);
}

/// capsnet-edge with a frame of one element around the image.
graph::Network padded_network(bool padded_multiplies) {
  graph::NetworkBuilder net("capsnet-edge", {28, 28, 1});
  net.add("conv1", "conv2d",
          {{"out_channels", 16},
           {"kernel", {9, 9}},
           {"pads", {1, 1, 1, 1}},
           {"padded_multiplies", padded_multiplies},
           {"activation", "relu"}});
  net.add("primary", "conv2d", {{"out_channels", 64}, {"kernel", {9, 9}}, {"strides", {2, 2}}});
  net.add("capsules", "squash", {{"dim", 8}});
  net.add("votes", "votes", {{"classes", 10}, {"out_dim", 16}});
  net.add("routing", "routing", nlohmann::json::object());
  net.add("class", "classify", nlohmann::json::object());
  return net.build();
}

TEST(Inference, PaddingMultipliesOrNotAsTheNetworkSays) {
  Table table = exact_table();
  for (int w = 0; w < 256; ++w) table[w] = 77;  // L(0, w): not 0
  const synth::Component component = component_of(table);
  std::map<std::string, std::vector<int8_t>> outputs;
  for (const bool padded_multiplies : {true, false}) {
    for (const bool odd : {true, false}) {
      const graph::QuantisedNetwork network = random_network(4, padded_network(padded_multiplies));
      graph::Assignment assignment(network.description);
      if (odd) assignment.set("conv1.mac", &component);
      const runtime::Inference inference(network, assignment);
      runtime::InferenceState expected;
      for (const char* backend : {"scalar", "auto"}) {
        runtime::InferenceState state;
        state.tensors["input"] = random_image(3);
        inference.run(*engine::make_backend(backend), 1, &state);
        if (expected.tensors.empty()) expected = state;
        EXPECT_EQ(state.tensors, expected.tensors);
      }
      EXPECT_EQ(expected.tensors.at("conv1").size(), 22u * 22 * 16);
      outputs[std::string(padded_multiplies ? "operand" : "nothing") +
              (odd ? ", odd" : ", exact")] = expected.tensors.at("conv1");
    }
  }
  EXPECT_EQ(outputs["operand, exact"], outputs["nothing, exact"]);
  EXPECT_NE(outputs["operand, odd"], outputs["nothing, odd"]);
}

TEST(Inference, CountsTheProductsOfPadding) {
  const auto products = [](bool padded_multiplies) {
    return graph::sites(padded_network(padded_multiplies)).front().products;
  };
  // Each axis: 22 positions of 9 taps; the first and the last have one tap outside.
  EXPECT_EQ(products(true), int64_t{22 * 9} * (22 * 9) * 16);
  EXPECT_EQ(products(false), int64_t{22 * 9 - 2} * (22 * 9 - 2) * 16);
}

TEST(Inference, TheRoutingRoutes) {
  const graph::QuantisedNetwork network = random_network(5);
  const runtime::Inference inference(network);
  runtime::InferenceState state;
  state.tensors["input"] = random_image(2);
  inference.run(*engine::make_backend("scalar"), 1, &state);
  for (const char* logits : {"routing.logits.1", "routing.logits.2"}) {
    int64_t non_zero = 0;
    for (int8_t b : state.tensors.at(logits)) non_zero += b != 0;
    EXPECT_GT(non_zero, 288 * 10 / 4) << logits;
  }
  EXPECT_NE(state.tensors.at("routing.coupling.3"), state.tensors.at("routing.coupling.1"));
  const auto routed = state.tensors.at("routing.sum.3");
  inference.run(*engine::make_backend("scalar"), 1, &state, {runtime::uniform_coupling()});
  EXPECT_NE(state.tensors.at("routing.sum.3"), routed);
  for (int8_t c : state.tensors.at("routing.coupling.3")) EXPECT_EQ(c, 13);
}

// There are published int8 capsule networks whose logits are all shifted to zero: every logit that
// the real-valued network moves by two steps of the format or more must be seen to move.
TEST(Inference, TheTrainedNetworkRoutes) {
  const fs::path model = fs::path(LUTRA_SOURCE_DIR) / "models/capsnet-edge";
  data::Dataset data;
  try {
    data = data::load_dataset("fashion-mnist", data::Split::kTest);
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();
  }
  const graph::QuantisedNetwork network = models::load_quantised(model / "int8");
  const graph::FloatWeights weights =
      models::load_float_weights(network.description, model / "float");
  const double step = std::ldexp(1.0, -network.fractions.at("routing.logits.2"));
  const runtime::Inference inference(network);
  const quantise::FloatInference real_valued(network.description, weights);
  const auto backend = engine::make_backend("scalar");
  int64_t non_zero = 0;
  int64_t expected = 0;
  int64_t seen = 0;
  int64_t moved = 0;  // coefficients that differ from the uniform 13
  for (int i = 0; i < 20; ++i) {
    runtime::InferenceState state;
    state.tensors["input"] = data::quantise_image(data, i);
    inference.run(*backend, 1, &state);
    const auto real = real_valued.run(data.image(i)).at("routing.logits.2");
    const std::vector<int8_t>& logits = state.tensors.at("routing.logits.2");
    for (size_t b = 0; b < logits.size(); ++b) {
      non_zero += logits[b] != 0;
      if (std::abs(real[b]) < 2 * step) continue;
      ++expected;
      seen += logits[b] != 0 && (logits[b] > 0) == (real[b] > 0);
    }
    for (int8_t c : state.tensors.at("routing.coupling.3")) moved += c != 13;
  }
  std::printf("checked=%lld seen=%lld; non-zero logits %lld of 57600, coefficients moved %lld\n",
              static_cast<long long>(expected), static_cast<long long>(seen),
              static_cast<long long>(non_zero), static_cast<long long>(moved));
  EXPECT_GT(expected, 57600 / 20);
  EXPECT_GT(seen, expected * 98 / 100);
  EXPECT_GT(moved, 57600 / 20);
}

TEST(Inference, SameBitsForAnyNumberOfThreads) {
  data::Dataset data;
  data.name = "random";
  data.height = data.width = 28;
  for (int i = 0; i < 35; ++i) {
    for (int8_t q : random_image(i)) data.pixels.push_back(static_cast<uint8_t>(2 * q));
    data.labels.push_back(static_cast<uint8_t>(i % 10));
  }
  const runtime::Inference inference(random_network(1));
  runtime::EvaluateOptions options;
  options.backend = "scalar";
  options.hooks = {runtime::shuffled_coupling(1), runtime::add_noise(0, 1.5, 2)};
  options.jobs = 1;
  const int one = runtime::evaluate(inference, data, options).right;
  options.jobs = 3;
  EXPECT_EQ(runtime::evaluate(inference, data, options).right, one);
}

/// A convolution as the test knows it: what the node's attributes say.
struct Convolution {
  std::string name, input;
  int height, width, in_channels, out_channels;
  std::vector<int> kernel, strides, pads, dilations;
  int groups = 1;
  bool relu = false;

  nlohmann::json attributes() const {
    return {{"out_channels", out_channels},
            {"kernel", kernel},
            {"strides", strides},
            {"pads", pads},
            {"dilations", dilations},
            {"groups", groups},
            {"activation", relu ? "relu" : "none"}};
  }
  int outputs(size_t axis) const {
    const int size = axis == 0 ? height : width;
    return (size + pads[axis] + pads[axis + 2] - dilations[axis] * (kernel[axis] - 1) - 1) /
               strides[axis] +
           1;
  }
};

/// By its definition, in double.
double convolved(const std::vector<float>& in, const Convolution& conv,
                 const graph::FloatWeights& weights, int y, int x, int o) {
  const std::vector<float>& weight = weights.at(conv.name + ".weight").values;
  const int channels = conv.in_channels / conv.groups;
  const int first_channel = o / (conv.out_channels / conv.groups) * channels;
  double sum = weights.at(conv.name + ".bias").values[static_cast<size_t>(o)];
  for (int ky = 0; ky < conv.kernel[0]; ++ky) {
    for (int kx = 0; kx < conv.kernel[1]; ++kx) {
      const int row = y * conv.strides[0] - conv.pads[0] + ky * conv.dilations[0];
      const int column = x * conv.strides[1] - conv.pads[1] + kx * conv.dilations[1];
      if (row < 0 || row >= conv.height || column < 0 || column >= conv.width) continue;
      for (int c = 0; c < channels; ++c) {
        sum += double{in[static_cast<size_t>((row * conv.width + column) * conv.in_channels +
                                             first_channel + c)]} *
               weight[static_cast<size_t>(
                   ((o * conv.kernel[0] + ky) * conv.kernel[1] + kx) * channels + c)];
      }
    }
  }
  return conv.relu ? std::max(0.0, sum) : sum;
}

TEST(FloatInference, ConvolvesAsDefined) {
  const std::vector<Convolution> all = {
      {"first", "input", 9, 8, 1, 21, {3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 1, true},
      {"second", "first", 9, 8, 21, 6, {4, 4}, {2, 2}, {0, 0, 0, 0}, {1, 1}, 1, false},
      {"third", "first", 9, 8, 21, 42, {3, 2}, {1, 2}, {2, 0, 1, 3}, {2, 3}, 21, true},
      {"fourth", "second", 3, 3, 6, 4, {2, 2}, {1, 1}, {0, 1, 0, 0}, {1, 2}, 2, false}};
  // Each is a network of its own, with what leads to it: nothing else reads its output.
  int checked = 0;
  for (const Convolution& last : all) {
    std::vector<Convolution> path = {last};
    while (path.front().input != "input") {
      path.insert(path.begin(), *std::find_if(all.begin(), all.end(), [&](const Convolution& c) {
                    return c.name == path.front().input;
                  }));
    }
    graph::NetworkBuilder builder("convolutions", {9, 8, 1});
    for (const Convolution& conv : path) builder.add(conv.name, "conv2d", conv.attributes());
    const graph::Network network = builder.build();
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    graph::FloatWeights weights;
    for (const auto& [name, parameter] : graph::parameters(network)) {
      size_t size = 1;
      for (const size_t d : parameter.shape) size *= d;
      weights[name].shape = parameter.shape;
      weights[name].values.resize(size);
      for (float& w : weights[name].values) w = normal(random);
    }
    uint8_t image[72];
    for (uint8_t& pixel : image) pixel = static_cast<uint8_t>(random());
    const quantise::FloatTensors tensors = quantise::FloatInference(network, weights).run(image);
    for (const Convolution& conv : path) {
      const std::vector<float>& got = tensors.at(conv.name);
      const int out_width = conv.outputs(1);
      ASSERT_EQ(got.size(), static_cast<size_t>(conv.outputs(0) * out_width * conv.out_channels));
      for (size_t i = 0; i < got.size(); ++i, ++checked) {
        const int o = static_cast<int>(i) % conv.out_channels;
        const int pixel = static_cast<int>(i) / conv.out_channels;
        const double expected = convolved(tensors.at(conv.input), conv, weights, pixel / out_width,
                                          pixel % out_width, o);
        ASSERT_NEAR(got[i], expected, 2e-3) << conv.name << ", output " << i;
      }
    }
  }
  std::printf("checked=%d\n", checked);
  ASSERT_GT(checked, 3 * 72 * 21);
}

}  // namespace
}  // namespace lutra::test
