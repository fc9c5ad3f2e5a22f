#include "lutra/training/train.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/version.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <random>
#include <thread>

#include "checkpoint.h"
#include "lutra/base/error.h"
#include "lutra/base/sha256.h"
#include "lutra/data/dataset.h"
#include "lutra/graph/network.h"
#include "lutra/training/network_module.h"

namespace lutra::training {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// A batch of images; shifted and mirrored at random where `random` is given.
torch::Tensor image_batch(const data::Dataset& data, const int* indices, int count,
                          std::mt19937_64* random, int shift, bool mirrored) {
  torch::Tensor batch = torch::zeros({count, 1, data.height, data.width});
  float* out = batch.data_ptr<float>();
  for (int n = 0; n < count; ++n, out += data.height * data.width) {
    const uint8_t* image = data.image(indices[n]);
    const uint64_t bits = random ? (*random)() : 0;
    const uint64_t places = 2 * static_cast<uint64_t>(shift) + 1;
    const int dy = random ? static_cast<int>(bits % places) - shift : 0;
    const int dx = random ? static_cast<int>(bits / places % places) - shift : 0;
    const bool mirror = random && mirrored && bits / (places * places) % 2 == 1;
    for (int y = std::max(0, dy); y < std::min(data.height, data.height + dy); ++y) {
      for (int x = std::max(0, dx); x < std::min(data.width, data.width + dx); ++x) {
        const int from = mirror ? data.width - 1 - (x - dx) : x - dx;
        out[y * data.width + x] = image[(y - dy) * data.width + from] / 256.0f;
      }
    }
  }
  return batch;
}

torch::Tensor label_batch(const data::Dataset& data, const int* indices, int count) {
  torch::Tensor labels = torch::empty({count}, torch::kLong);
  for (int n = 0; n < count; ++n) labels[n] = static_cast<int64_t>(data.labels[indices[n]]);
  return labels;
}

double accuracy(NetworkModule& model, const data::Dataset& data, int first, int count) {
  torch::NoGradGuard no_grad;
  int64_t right = 0;
  std::vector<int> indices(count);
  std::iota(indices.begin(), indices.end(), first);
  for (int at = 0; at < count; at += 250) {
    const int n = std::min(250, count - at);
    const torch::Tensor lengths =
        model->forward(image_batch(data, &indices[at], n, nullptr, 0, false)).square().sum(-1);
    right += lengths.argmax(1).eq(label_batch(data, &indices[at], n)).sum().item<int64_t>();
  }
  return static_cast<double>(right) / count;
}

int thread_count(int asked) {
  return asked > 0 ? asked : std::max(1u, std::thread::hardware_concurrency());
}

/// Of the names, shapes and elements of weights; empty for none.
std::string content_sha256(const graph::FloatWeights& weights) {
  if (weights.empty()) return "";
  std::string all;
  for (const auto& [name, tensor] : weights) {
    all += fmt::format("{} {}\n", name, fmt::join(tensor.shape, " "));
    all.append(reinterpret_cast<const char*>(tensor.values.data()),
               tensor.values.size() * sizeof(float));
  }
  return base::sha256_hex(all);
}

/// All that the weights depend on, but for the number of threads.
nlohmann::json key_of(const graph::Network& description, const data::Dataset& data,
                      const TrainOptions& options) {
  return {{"network", description.name()},
          {"layers", graph::to_json(description)},
          {"data_sha256", data.sha256()},
          {"seed", options.seed},
          {"epochs", options.epochs},
          {"batch", options.batch},
          {"learning_rate", options.learning_rate},
          {"validation", options.validation},
          {"shift", options.shift},
          {"mirror", options.mirror},
          {"initial_sha256", content_sha256(options.initial)},
          {"lutra", LUTRA_VERSION},
          {"libtorch", TORCH_VERSION}};
}

void check(const graph::Network& description, const data::Dataset& data,
           const TrainOptions& options) {
  data::check_images(description, data, 0, data.size());
  if (options.validation < 1 || options.validation >= data.size()) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("--validation {}, expected 1..{}, as {} has {} images",
                            options.validation, data.size() - 1, data.name, data.size()));
  }
  const int trained = data.size() - options.validation;
  if (options.batch < 1 || options.batch > trained) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("--batch {}, expected 1..{}: the images of {} without the {} of "
                            "--validation",
                            options.batch, trained, data.name, options.validation));
  }
  if (!(options.learning_rate > 0 && std::isfinite(options.learning_rate))) {
    throw Error(
        ErrorKind::kInvalidArgument,
        fmt::format("--learning-rate {}, expected a positive number", options.learning_rate));
  }
  if (options.epochs < 1 || options.shift < 0) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("--epochs {}, --shift {}, expected at least 1 and 0", options.epochs,
                            options.shift));
  }
  if (!options.initial.empty()) graph::check_weights(description, options.initial);
}

/// Ends a run whose numbers are none; what the last whole epoch left stays.
[[noreturn]] void diverged(const std::string& what, const std::filesystem::path& checkpoint) {
  std::error_code error;
  const bool kept = !checkpoint.empty() && std::filesystem::exists(checkpoint, error);
  throw Error(ErrorKind::kInvalidArgument,
              fmt::format("{}, expected a finite number; try a lower --learning-rate{}", what,
                          kept ? fmt::format(" ({} holds the last epoch that was well)",
                                             checkpoint.string())
                               : ""));
}

}  // namespace

TrainResult train(const graph::Network& description, const data::Dataset& data,
                  const TrainOptions& options,
                  const std::function<void(const std::string&)>& progress) {
  check(description, data, options);
  torch::set_num_threads(thread_count(options.threads));
  torch::manual_seed(options.seed);
  NetworkModule model(description);
  if (!options.initial.empty()) model->set_weights(options.initial);
  torch::optim::Adam optimizer(model->parameters(),
                               torch::optim::AdamOptions(options.learning_rate));

  const int trained = data.size() - options.validation;
  const int steps = trained / options.batch;
  const double all_steps = static_cast<double>(steps) * options.epochs;

  TrainResult result;
  result.log = nlohmann::json::array();
  int first_epoch = 0;
  result.validation_accuracy = -1;  // below any: the first epoch's weights count, however bad
  const Checkpoint checkpoint(options.checkpoint, key_of(description, data, options));
  nlohmann::json state;
  if (!options.restart &&
      checkpoint.load(description, model, optimizer, &result.weights, &state, progress)) {
    first_epoch = state.at("epochs_done");
    result.log = state.at("log");
    result.validation_accuracy = state.at("validation_accuracy");
    progress(fmt::format("resuming after epoch {}", first_epoch));
  }

  for (int epoch = first_epoch; epoch < options.epochs; ++epoch) {
    const auto start = Clock::now();
    // A generator of its own for each epoch: a resumed run draws what the whole run would have.
    std::mt19937_64 random(options.seed * 1000003 + epoch);
    std::vector<int> order(trained);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random);
    double loss_sum = 0;
    auto last_line = Clock::now();
    for (int step = 0; step < steps; ++step) {
      const double done = (static_cast<double>(epoch) * steps + step) / all_steps;
      const double warm = std::min(1.0, (epoch * steps + step + 1) / 400.0);
      const double rate = options.learning_rate * warm * 0.5 * (1 + std::cos(M_PI * done));
      static_cast<torch::optim::AdamOptions&>(optimizer.param_groups()[0].options()).lr(rate);
      const int* indices = &order[static_cast<size_t>(step) * options.batch];
      const torch::Tensor loss =
          margin_loss(model->forward(image_batch(data, indices, options.batch, &random,
                                                 options.shift, options.mirror)),
                      label_batch(data, indices, options.batch));
      optimizer.zero_grad();
      loss.backward();
      optimizer.step();
      const double loss_value = loss.item<double>();
      if (!std::isfinite(loss_value)) {
        diverged(
            fmt::format("the loss is {} in epoch {}, step {}", loss_value, epoch + 1, step + 1),
            options.checkpoint);
      }
      loss_sum += loss_value;
      if (seconds_since(last_line) > 10) {
        last_line = Clock::now();
        progress(fmt::format("epoch {}/{} step {}/{} loss {:.4f}, {:.0f} s", epoch + 1,
                             options.epochs, step + 1, steps, loss_sum / (step + 1),
                             seconds_since(start)));
      }
    }
    const graph::FloatWeights weights = model->weights();
    try {
      graph::check_weights(description, weights);  // the last step's are in no loss
    } catch (const Error& error) {
      diverged(fmt::format("after epoch {}: {}", epoch + 1, error.what()), options.checkpoint);
    }
    const double validated = accuracy(model, data, trained, options.validation);
    result.log.push_back({{"epoch", epoch + 1},
                          {"loss", loss_sum / steps},
                          {"validation_accuracy", validated},
                          {"seconds", seconds_since(start)}});
    progress(fmt::format("epoch {}/{} loss {:.4f} validation accuracy {:.4f} in {:.0f} s",
                         epoch + 1, options.epochs, loss_sum / steps, validated,
                         seconds_since(start)));
    if (validated > result.validation_accuracy) {
      result.validation_accuracy = validated;
      result.weights = weights;
    }
    checkpoint.save(model, optimizer, result.weights,
                    {{"epochs_done", epoch + 1},
                     {"log", result.log},
                     {"validation_accuracy", result.validation_accuracy}});
  }
  return result;
}

double float_accuracy(const graph::Network& description, const graph::FloatWeights& weights,
                      const data::Dataset& data, int first, int count) {
  data::check_images(description, data, first, count);
  torch::set_num_threads(thread_count(0));
  NetworkModule model(description);
  model->set_weights(weights);
  return accuracy(model, data, first, count);
}

}  // namespace lutra::training
