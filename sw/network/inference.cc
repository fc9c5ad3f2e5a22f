#include "lutra/network/inference.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <numeric>
#include <random>

#include "lutra/base/error.h"
#include "lutra/base/threads.h"

namespace lutra::network {
namespace {

constexpr size_t kTableSize = 65536;

/// Permutes the coefficients of each image over the input capsules, the same way for each class.
void shuffle_coupling(std::vector<int8_t>* coupling, int images, const Votes& votes,
                      uint64_t seed) {
  std::vector<int> order(votes.capsules);
  std::vector<int8_t> row(votes.capsules);
  for (int n = 0; n < images; ++n) {
    std::mt19937_64 random(seed + n);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random);
    for (int j = 0; j < votes.classes; ++j) {
      int8_t* c = coupling->data() + (static_cast<size_t>(n) * votes.classes + j) * votes.capsules;
      for (int i = 0; i < votes.capsules; ++i) row[i] = c[order[i]];
      std::copy(row.begin(), row.end(), c);
    }
  }
}

}  // namespace

Inference::Inference(const QuantisedNetwork& network, const Assignment& assignment)
    : network_(network), list_(lower(network_)), exact_(tables::ProductTable::exact()) {
  std::vector<std::string> known;
  for (const Operation& op : multiplying_operations(network_.description)) known.push_back(op.name);
  std::map<const Table*, std::shared_ptr<const engine::Multiplier>> known_tables;
  for (const auto& [operation, component] : assignment) {
    if (std::find(known.begin(), known.end(), operation) == known.end()) {
      throw Error(
          ErrorKind::kInvalidArgument,
          fmt::format("assignment: operation '{}' does not exist in {}, expected one of: {}",
                      operation, network_.description.name, fmt::join(known, ", ")));
    }
    if (component->size() != kTableSize) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("assignment: the table of {} has {} entries, "
                              "expected 256 x 256",
                              operation, component->size()));
    }
    auto& multiplier = known_tables[component];
    if (multiplier == nullptr) {
      multiplier = std::make_shared<const engine::Multiplier>(tables::ProductTable(*component));
    }
    multipliers_[operation] = multiplier;
  }
  check_accumulators();
}

const engine::Multiplier& Inference::multiplier(const std::string& operation) const {
  const auto found = multipliers_.find(operation);
  return found == multipliers_.end() ? exact_ : *found->second;
}

void Inference::check_accumulators() const {
  for (const Operation& op : multiplying_operations(network_.description)) {
    int64_t bias = 0;
    const auto found = network_.biases.find(op.name.substr(0, op.name.find('.')) + ".bias");
    if (found != network_.biases.end()) {
      for (int32_t b : found->second) bias = std::max(bias, std::abs(int64_t{b}));
    }
    const int64_t bound =
        int64_t{op.fan_in} * multiplier(op.name).table().largest_magnitude() + bias;
    if (bound > INT32_MAX) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: an accumulator can reach {}, expected at most {}", op.name,
                              bound, INT32_MAX));
    }
  }
}

void Inference::run(engine::Backend& backend, int images, Coupling coupling, uint64_t seed,
                    InferenceState* state) const {
  auto& tensors = state->tensors;
  for (const auto& [name, info] : list_.tensors) {
    if (name == "input") {
      if (static_cast<int64_t>(tensors[name].size()) != info.size() * images) {
        throw Error(ErrorKind::kInternal, "the input tensor has the wrong size");
      }
      continue;
    }
    // What a step writes need not be cleared: a batch's tensors are megabytes.
    std::vector<int8_t>& tensor = tensors[name];
    tensor.resize(static_cast<size_t>(info.size()) * images);
    const bool written = std::any_of(list_.steps.begin(), list_.steps.end(),
                                     [&name = name](const Step& s) { return s.output == name; });
    if (!written) std::fill(tensor.begin(), tensor.end(), int8_t{0});
  }
  for (const Step& step : list_.steps) {
    const auto in = [&](int index) { return tensors.at(step.inputs.at(index)).data(); };
    std::vector<int8_t>& out = tensors.at(step.output);
    const engine::Products products = multiplier(step.operation).products();
    const Votes* v = step.votes;
    switch (step.kind) {
      case Step::Kind::kConv2d: {
        const auto& shape = list_.tensors.at(step.inputs[0]).shape;
        const Conv2d& c = *step.conv;
        engine::Conv2dArgs args{images,
                                shape[0],
                                shape[1],
                                c.in_channels,
                                c.out_channels,
                                c.window(),
                                c.window(),
                                1,
                                c.padded,
                                0,
                                in(0),
                                network_.weights.at(c.name + ".weight").data(),
                                network_.biases.at(c.name + ".bias").data(),
                                products,
                                {}};
        args.to = {engine::Requantisation::to_int8(step.shift, step.relu), out.data(), nullptr};
        backend.conv2d(args);
        break;
      }
      case Step::Kind::kSquash:
        backend.squash({static_cast<int64_t>(out.size()) / step.dim, step.dim, step.frac, in(0),
                        products, out.data()});
        break;
      case Step::Kind::kVotes:
        backend.votes({images, v->capsules, v->in_dim, v->classes, v->out_dim, step.shift, in(0),
                       network_.weights.at(v->name + ".weight").data(), products, out.data()});
        break;
      case Step::Kind::kSoftmax:
        // Zero logits stand for uniform coefficients: the tensor "logits.0".
        backend.softmax({images, v->capsules, v->classes, step.frac,
                         coupling == Coupling::kUniform
                             ? std::vector<int8_t>(tensors.at(step.inputs[0]).size(), 0).data()
                             : in(0),
                         out.data()});
        if (coupling == Coupling::kShuffled) shuffle_coupling(&out, images, *v, seed);
        break;
      case Step::Kind::kWeightedSum:
        backend.weighted_sum({images, v->capsules, v->classes, v->out_dim, step.shift, in(0), in(1),
                              products, out.data()});
        break;
      case Step::Kind::kAgreement:
        backend.agreement({images, v->capsules, v->classes, v->out_dim, step.shift, in(0), in(1),
                           products, in(2), out.data()});
        break;
      case Step::Kind::kClassify:
        state->scores.resize(static_cast<size_t>(images) * v->classes);
        backend.classify(
            {images, v->classes, step.dim, in(0), products, state->scores.data(), out.data()});
        break;
    }
  }
}

void check_images(const Network& network, const Dataset& data, int first, int images) {
  if (data.height != network.height || data.width != network.width) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("data set {}: images of {}x{}, {} takes {}x{}", data.name, data.height,
                            data.width, network.name, network.height, network.width));
  }
  const size_t pixels = static_cast<size_t>(data.height) * data.width;
  if (network.channels != 1 || data.pixels.size() != pixels * data.labels.size()) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("data set {}: {} pixels in {} images of {}x{}, {} takes {} channels",
                            data.name, data.pixels.size(), data.size(), data.height, data.width,
                            network.name, network.channels));
  }
  if (first < 0 || images < 1 || images > data.size() - first) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("{} images from number {} on, {} has {}",
                                                         images, first, data.name, data.size()));
  }
}

EvaluateResult evaluate(const Inference& inference, const Dataset& data,
                        const EvaluateOptions& options) {
  const int images = options.images == 0 ? data.size() : options.images;
  check_images(inference.network().description, data, 0, images);
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  EvaluateResult result;
  result.images = images;
  result.is_right.assign(static_cast<size_t>(images), 0);
  const auto backend = engine::make_backend(options.backend, 1);
  result.backend = backend->name();
  // A device wants large batches from one thread; on the CPU, a register of lanes stays in the
  // cache.
  const bool on_device = result.backend == "cuda";
  const int batch = on_device ? 500 : 64;
  std::atomic<int> right{0};
  std::atomic<int> done{0};
  std::mutex mutex;
  double next_line = 5;
  std::vector<std::unique_ptr<InferenceState>> idle;  // kept from batch to batch
  base::parallel_for(images, batch, on_device ? 1 : options.jobs, [&](int begin, int end) {
    std::unique_ptr<InferenceState> state;
    {
      const std::lock_guard<std::mutex> lock(mutex);
      if (!idle.empty()) {
        state = std::move(idle.back());
        idle.pop_back();
      }
    }
    if (state == nullptr) state = std::make_unique<InferenceState>();
    std::vector<int8_t>& input = state->tensors["input"];
    input.clear();
    for (int i = begin; i < end; ++i) {
      const std::vector<int8_t> image = quantise_image(data, i);
      input.insert(input.end(), image.begin(), image.end());
    }
    inference.run(*backend, end - begin, options.coupling, options.seed + begin, state.get());
    const std::vector<int8_t>& classes = state->tensors.at(inference.steps().steps.back().output);
    for (int i = begin; i < end; ++i) {
      result.is_right[i] = classes[i - begin] == data.labels[i];
      right += result.is_right[i];
    }
    done += end - begin;
    const std::lock_guard<std::mutex> lock(mutex);
    idle.push_back(std::move(state));
    if (options.progress && elapsed() > next_line) {
      next_line = elapsed() + 5;
      options.progress(fmt::format("{}/{} images, accuracy {:.4f}, {:.0f} s", done.load(), images,
                                   static_cast<double>(right) / done, elapsed()));
    }
  });
  result.right = right;
  result.accuracy = static_cast<double>(right) / images;
  result.seconds = elapsed();
  return result;
}

}  // namespace lutra::network
