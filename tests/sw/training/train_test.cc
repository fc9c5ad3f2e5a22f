// Training: what it resumes from, what it refuses, and that its numbers are numbers.
#include "lutra/training/train.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "lutra/base/files.h"
#include "lutra/data/dataset.h"
#include "lutra/graph/network.h"
#include "lutra/training/network_module.h"
#include "test_files.h"

namespace lutra::training {
namespace {

namespace fs = std::filesystem;
using test::expect_error;
using test::file_bytes;

/// A capsule network of 2,772 parameters on images of 12x12.
graph::Network tiny(const std::string& name = "tiny", int channels = 4) {
  graph::NetworkBuilder net(name, {12, 12, 1});
  net.add("conv1", "conv2d",
          {{"out_channels", channels}, {"kernel", {5, 5}}, {"activation", "relu"}});
  net.add("primary", "conv2d", {{"out_channels", 8}, {"kernel", {5, 5}}, {"strides", {2, 2}}});
  net.add("capsules", "squash", {{"dim", 8}});
  net.add("votes", "votes", {{"classes", 10}, {"out_dim", 4}});
  net.add("routing", "routing", {{"iterations", 2}});
  net.add("class", "classify", nlohmann::json::object());
  return net.build();
}

data::Dataset images(int count, int size = 12, uint32_t seed = 5) {
  data::Dataset data;
  data.name = "random train";
  data.height = data.width = size;
  std::mt19937 random(seed);
  for (int i = 0; i < count * size * size; ++i) {
    data.pixels.push_back(static_cast<uint8_t>(random()));
  }
  for (int i = 0; i < count; ++i) data.labels.push_back(static_cast<uint8_t>(random() % 10));
  return data;
}

void quiet(const std::string&) {}

class Training : public testing::Test {
 protected:
  TrainOptions options() const {
    TrainOptions result;
    result.epochs = 3;
    result.batch = 10;
    result.validation = 20;
    result.threads = 1;
    result.checkpoint = checkpoint();
    return result;
  }
  fs::path checkpoint() const { return files_.path() / "checkpoint.pt"; }

  /// Bytes of all weights, in the order of their names.
  static std::string bytes(const TrainResult& result) {
    std::string all;
    for (const auto& [name, tensor] : result.weights) {
      all += name;
      all.append(reinterpret_cast<const char*>(tensor.values.data()),
                 tensor.values.size() * sizeof(float));
    }
    return all;
  }

  test::TestDirectory files_;
  const data::Dataset data_ = images(100);
};

TEST_F(Training, AnInterruptedRunEndsAsAWholeOne) {
  TrainOptions whole = options();
  whole.checkpoint.clear();
  const TrainResult expected = train(tiny(), data_, whole, quiet);
  struct Stop {};
  const auto interrupt = [](const std::string& line) {
    if (line.find("epoch 2/3") == 0) throw Stop();
  };
  EXPECT_THROW(train(tiny(), data_, options(), interrupt), Stop);
  std::vector<std::string> said;
  const TrainResult resumed =
      train(tiny(), data_, options(), [&](const std::string& line) { said.push_back(line); });
  ASSERT_FALSE(said.empty());
  EXPECT_EQ(said[0], "resuming after epoch 1");
  EXPECT_EQ(bytes(resumed), bytes(expected));
  EXPECT_EQ(resumed.validation_accuracy, expected.validation_accuracy);
  std::printf("checked=%zu bytes\n", bytes(resumed).size());
}

TEST_F(Training, AnotherRunsCheckpointIsRefused_bad) {
  const TrainResult first = train(tiny(), data_, options(), quiet);
  const std::string kept = file_bytes(checkpoint());
  int refused = 0;
  const auto refuse = [&](const std::string& part, const graph::Network& net,
                          const data::Dataset& data, const TrainOptions& other) {
    expect_error(ErrorKind::kInvalidArgument, part, [&] { train(net, data, other, quiet); });
    expect_error(ErrorKind::kInvalidArgument, "--restart", [&] { train(net, data, other, quiet); });
    EXPECT_EQ(file_bytes(checkpoint()), kept);
    ++refused;
  };
  const auto refuse_option = [&](const std::string& part, const auto& change) {
    TrainOptions other = options();
    change(&other);
    refuse(part, tiny(), data_, other);
  };
  refuse_option("seed = 1, this run has 7", [](TrainOptions* o) { o->seed = 7; });
  refuse_option("epochs = 3, this run has 4", [](TrainOptions* o) { o->epochs = 4; });
  refuse_option("batch = 10, this run has 20", [](TrainOptions* o) { o->batch = 20; });
  refuse_option("learning_rate = 0.002, this run has 0.001",
                [](TrainOptions* o) { o->learning_rate = 1e-3; });
  refuse_option("validation = 20, this run has 30", [](TrainOptions* o) { o->validation = 30; });
  refuse_option("shift = 2, this run has 0", [](TrainOptions* o) { o->shift = 0; });
  refuse_option("mirror = true, this run has false", [](TrainOptions* o) { o->mirror = false; });
  refuse_option("initial_sha256", [&](TrainOptions* o) { o->initial = first.weights; });
  refuse("network = \"tiny\", this run has \"other\"", tiny("other"), data_, options());
  refuse("layers", tiny("tiny", 6), data_, options());  // one name, another network
  data::Dataset changed = data_;
  changed.pixels[77] ^= 1;
  refuse("data_sha256", tiny(), changed, options());
  changed = data_;
  changed.labels[3] = static_cast<uint8_t>((changed.labels[3] + 1) % 10);
  refuse("data_sha256", tiny(), changed, options());
  base::write_file(checkpoint(), "PK\3\4 of an earlier version");
  expect_error(ErrorKind::kInvalidArgument, "does not say which run it is of",
               [&] { train(tiny(), data_, options(), quiet); });
  std::printf("checked=%d\n", ++refused);

  TrainOptions restarted = options();
  restarted.seed = 7;
  restarted.restart = true;
  const TrainResult anew = train(tiny(), data_, restarted, quiet);
  EXPECT_NE(bytes(anew), bytes(first));
  restarted.restart = false;
  EXPECT_EQ(bytes(train(tiny(), data_, restarted, quiet)), bytes(anew));
}

TEST_F(Training, ADamagedCheckpointIsSaidAndMadeAnew) {
  const TrainResult expected = train(tiny(), data_, options(), quiet);
  const std::string whole = file_bytes(checkpoint());
  const size_t header = whole.find('\n', whole.find('\n') + 1);
  int damaged = 0;
  const auto check = [&](const std::string& text) {
    base::write_file(checkpoint(), text);
    std::vector<std::string> said;
    const TrainResult again =
        train(tiny(), data_, options(), [&](const std::string& line) { said.push_back(line); });
    ASSERT_FALSE(said.empty());
    EXPECT_NE(said[0].find("checkpoint.pt: damaged ("), std::string::npos) << said[0];
    EXPECT_EQ(bytes(again), bytes(expected));
    said.clear();
    train(tiny(), data_, options(), [&](const std::string& line) { said.push_back(line); });
    EXPECT_EQ(said, std::vector<std::string>{"resuming after epoch 3"});
    ++damaged;
  };
  for (const size_t at :
       {size_t{3}, header / 2, header + 100, whole.size() / 2, whole.size() - 10}) {
    std::string text = whole;
    text[at] = static_cast<char>(text[at] ^ 1);
    check(text);
  }
  check("");
  check(whole.substr(0, 40));
  check(whole.substr(0, whole.size() / 2));
  check(whole + "more");
  std::printf("checked=%d\n", damaged);
}

TEST_F(Training, OptionsThatDoNotFit_bad) {
  int refused = 0;
  const auto refuse = [&](const std::string& part, const data::Dataset& data,
                          const TrainOptions& other) {
    expect_error(ErrorKind::kInvalidArgument, part, [&] { train(tiny(), data, other, quiet); });
    EXPECT_FALSE(fs::exists(checkpoint()));
    ++refused;
  };
  const auto refuse_option = [&](const std::string& part, const auto& change) {
    TrainOptions other = options();
    change(&other);
    refuse(part, data_, other);
  };
  refuse_option("--batch 81, expected 1..80", [](TrainOptions* o) { o->batch = 81; });
  refuse_option("--validation 100, expected 1..99", [](TrainOptions* o) { o->validation = 100; });
  refuse_option("--validation 0, expected 1..99", [](TrainOptions* o) { o->validation = 0; });
  refuse_option("--learning-rate nan", [](TrainOptions* o) { o->learning_rate = std::nan(""); });
  refuse_option("--learning-rate 0", [](TrainOptions* o) { o->learning_rate = 0; });
  refuse("random train: images of 28x28, tiny takes 12x12", images(100, 28), options());
  data::Dataset cut = data_;
  cut.pixels.pop_back();
  refuse("14399 pixels in 100 images", cut, options());
  NetworkModule model(tiny());
  graph::FloatWeights weights = model->weights();
  weights["conv1.bias"].values[2] = std::numeric_limits<float>::quiet_NaN();
  refuse_option("conv1.bias: element 2 is nan", [&](TrainOptions* o) { o->initial = weights; });
  expect_error(ErrorKind::kInvalidArgument, "images from number 90 on, random train has 100",
               [&] { float_accuracy(tiny(), model->weights(), data_, 90, 11); });
  std::printf("checked=%d\n", ++refused);
}

// libtorch would take them, and read beyond their end.
TEST_F(Training, WeightsOfAnotherShape_bad) {
  NetworkModule model(tiny());
  const graph::FloatWeights mine = model->weights();
  expect_error(ErrorKind::kInvalidArgument, "votes.weight: 0 elements", [&] {
    graph::FloatWeights other = mine;
    other["votes.weight"].values.clear();
    model->set_weights(other);
  });
  expect_error(ErrorKind::kInvalidArgument, "conv1", [&] {
    NetworkModule wider(tiny("tiny", 6));
    wider->set_weights(mine);
  });
  expect_error(ErrorKind::kInvalidArgument, "weights lack the parameter primary.bias", [&] {
    graph::FloatWeights other = mine;
    other.erase("primary.bias");
    model->set_weights(other);
  });
}

TEST_F(Training, ALossThatIsNoNumberEndsIt_bad) {
  train(tiny(), data_, options(), quiet);
  const std::string kept = file_bytes(checkpoint());
  TrainOptions wild = options();
  wild.learning_rate = 1e38;
  wild.restart = true;
  expect_error(ErrorKind::kInvalidArgument, "expected a finite number; try a lower --learning-rate",
               [&] { train(tiny(), data_, wild, quiet); });
  EXPECT_EQ(file_bytes(checkpoint()), kept);
}

TEST_F(Training, AnAccuracyOfNothingStillHasWeights) {
  data::Dataset data = data_;
  for (int i = 0; i < 80; ++i) data.labels[static_cast<size_t>(i)] = 0;
  for (int i = 80; i < 100; ++i) data.labels[static_cast<size_t>(i)] = 9;
  TrainOptions one = options();
  one.learning_rate = 0.05;
  const TrainResult result = train(tiny(), data, one, quiet);
  EXPECT_EQ(result.weights.size(), 5u);
}

}  // namespace
}  // namespace lutra::training
