#include "lutra/network/network.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "lutra/base/error.h"
#include "lutra/base/npy.h"

namespace lutra::network {
namespace {

/// Taps that multiply, over all positions along an axis.
int64_t taps_of(const engine::Window& window, int size, bool outside_too) {
  int64_t taps = 0;
  for (int i = 0; i < window.outputs(size); ++i) {
    for (int k = 0; k < window.kernel; ++k) {
      const int at = window.element(i, k);
      taps += outside_too || (at >= 0 && at < size);
    }
  }
  return taps;
}

}  // namespace

Network capsnet_edge() {
  Network net{"capsnet-edge", 28, 28, 1, {}};
  net.layers.push_back(Conv2d{"conv1", 1, 16, 9, 1, true});
  net.layers.push_back(Conv2d{"primary", 16, 64, 9, 2, false});
  net.layers.push_back(Squash{"capsules", 8});
  net.layers.push_back(Votes{"votes", 288, 8, 10, 16});
  net.layers.push_back(Routing{"routing", 3});
  net.layers.push_back(Classify{"class"});
  return net;
}

Network capsnet() {
  Network net{"capsnet", 28, 28, 1, {}};
  net.layers.push_back(Conv2d{"conv1", 1, 256, 9, 1, true});
  net.layers.push_back(Conv2d{"primary", 256, 256, 9, 2, false});
  net.layers.push_back(Squash{"capsules", 8});
  net.layers.push_back(Votes{"votes", 1152, 8, 10, 16});
  net.layers.push_back(Routing{"routing", 3});
  net.layers.push_back(Classify{"class"});
  return net;
}

Network network_by_name(const std::string& name) {
  for (const Network& known : {capsnet_edge(), capsnet()}) {
    if (name == known.name) return known;
  }
  throw Error(
      ErrorKind::kInvalidArgument,
      fmt::format("network '{}' is not known, expected one of: capsnet-edge, capsnet", name));
}

std::map<std::string, std::vector<size_t>> parameter_shapes(const Network& network) {
  std::map<std::string, std::vector<size_t>> shapes;
  const auto size = [](int n) { return static_cast<size_t>(n); };
  for (const Layer& layer : network.layers) {
    if (const auto* conv = std::get_if<Conv2d>(&layer)) {
      shapes[conv->name + ".weight"] = {size(conv->out_channels), size(conv->kernel),
                                        size(conv->kernel), size(conv->in_channels)};
      shapes[conv->name + ".bias"] = {size(conv->out_channels)};
    } else if (const auto* votes = std::get_if<Votes>(&layer)) {
      shapes[votes->name + ".weight"] = {size(votes->capsules), size(votes->classes),
                                         size(votes->in_dim), size(votes->out_dim)};
    }
  }
  return shapes;
}

nlohmann::json to_json(const Network& network) {
  nlohmann::json layers = nlohmann::json::array();
  for (const Layer& layer : network.layers) {
    if (const auto* conv = std::get_if<Conv2d>(&layer)) {
      layers.push_back({{"conv2d", conv->name},
                        {"in_channels", conv->in_channels},
                        {"out_channels", conv->out_channels},
                        {"kernel", conv->kernel},
                        {"stride", conv->stride},
                        {"relu", conv->relu},
                        {"padding", conv->padding},
                        {"padded_multiplies", conv->padded == engine::Padding::kOperand}});
    } else if (const auto* squash = std::get_if<Squash>(&layer)) {
      layers.push_back({{"squash", squash->name}, {"dim", squash->dim}});
    } else if (const auto* votes = std::get_if<Votes>(&layer)) {
      layers.push_back({{"votes", votes->name},
                        {"capsules", votes->capsules},
                        {"in_dim", votes->in_dim},
                        {"classes", votes->classes},
                        {"out_dim", votes->out_dim}});
    } else if (const auto* routing = std::get_if<Routing>(&layer)) {
      layers.push_back({{"routing", routing->name}, {"iterations", routing->iterations}});
    } else if (const auto* classify = std::get_if<Classify>(&layer)) {
      layers.push_back({{"classify", classify->name}});
    }
  }
  return {{"name", network.name},
          {"height", network.height},
          {"width", network.width},
          {"channels", network.channels},
          {"layers", layers}};
}

namespace {

void check_finite(const std::string& where, const std::vector<float>& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      throw Error(
          ErrorKind::kInvalidArgument,
          fmt::format("{}: element {} is {}, expected a finite number", where, i, values[i]));
    }
  }
}

}  // namespace

void check_weights(const Network& network, const FloatWeights& weights) {
  for (const auto& [name, shape] : parameter_shapes(network)) {
    const auto found = weights.find(name);
    if (found == weights.end()) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("weights lack the parameter {} of {}", name, network.name));
    }
    size_t size = 1;
    for (const size_t d : shape) size *= d;
    if (found->second.shape != shape || found->second.values.size() != size) {
      throw Error(
          ErrorKind::kInvalidArgument,
          fmt::format("weights {}: {} elements of shape {}, {} needs {}", name,
                      found->second.values.size(), found->second.shape, network.name, shape));
    }
    check_finite("weights " + name, found->second.values);
  }
}

void save_float_weights(const FloatWeights& weights, const std::filesystem::path& directory) {
  for (const auto& [name, tensor] : weights) {
    base::save_npy(directory / (name + ".npy"), tensor.shape, tensor.values);
  }
}

FloatWeights load_float_weights(const Network& network, const std::filesystem::path& directory) {
  FloatWeights weights;
  for (const auto& [name, shape] : parameter_shapes(network)) {
    const auto path = directory / (name + ".npy");
    auto array = base::load_npy<float>(path);
    if (array.shape != shape) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: shape {}, {} needs {}", path.string(), array.shape, network.name,
                              shape));
    }
    check_finite(path.string(), array.values);
    weights[name] = {std::move(array.shape), std::move(array.values)};
  }
  return weights;
}

std::vector<Operation> multiplying_operations(const Network& network) {
  std::vector<Operation> operations;
  int height = network.height;
  int width = network.width;
  int channels = network.channels;
  int64_t squares = 0;  // of the squash unit, over all its uses
  int longest = 0;
  const Votes* votes = nullptr;
  for (const Layer& layer : network.layers) {
    if (const auto* conv = std::get_if<Conv2d>(&layer)) {
      const engine::Window window = conv->window();
      const bool all = conv->padded == engine::Padding::kOperand;
      const int64_t taps = taps_of(window, height, all) * taps_of(window, width, all);
      height = window.outputs(height);
      width = window.outputs(width);
      channels = conv->out_channels;
      const int fan_in = conv->kernel * conv->kernel * conv->in_channels;
      operations.push_back(
          {conv->name + ".mac", "mac", fan_in, taps * channels * conv->in_channels, true});
    } else if (const auto* squash = std::get_if<Squash>(&layer)) {
      squares += int64_t{height} * width * channels;
      longest = std::max(longest, squash->dim);
    } else if ((votes = std::get_if<Votes>(&layer)) != nullptr) {
      operations.push_back(
          {votes->name + ".mac", "mac", votes->in_dim,
           int64_t{votes->capsules} * votes->classes * votes->in_dim * votes->out_dim, true});
      // Routing follows directly and needs the shape of the votes.
      const size_t next = static_cast<size_t>(&layer - network.layers.data()) + 1;
      const auto& routing = std::get<Routing>(network.layers.at(next));
      const int64_t all = int64_t{votes->capsules} * votes->classes * votes->out_dim;
      operations.push_back(
          {routing.name + ".sum", "mac", votes->capsules, all * routing.iterations, false});
      operations.push_back({routing.name + ".agreement", "logits", votes->out_dim,
                            all * (routing.iterations - 1), false});
      squares += int64_t{votes->classes} * votes->out_dim * routing.iterations;
      longest = std::max(longest, votes->out_dim);
      operations.push_back({"squash.mac", "activation", longest, squares, false});
      operations.push_back({"class.mac", "activation", votes->out_dim,
                            int64_t{votes->classes} * votes->out_dim, false});
    }
  }
  return operations;
}

}  // namespace lutra::network
