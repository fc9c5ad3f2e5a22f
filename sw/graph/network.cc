#include "lutra/graph/network.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "lutra/base/error.h"

namespace lutra::graph {
std::map<std::string, Parameter> parameters(const Network& network) {
  std::map<std::string, Parameter> all;
  const auto size = [](int n) { return static_cast<size_t>(n); };
  for (const Layer& layer : network.layers) {
    if (const auto* conv = std::get_if<Conv2d>(&layer)) {
      all[conv->name + ".weight"] = {{size(conv->out_channels), size(conv->kernel),
                                      size(conv->kernel), size(conv->in_channels)},
                                     Parameter::Kind::kConvolution};
      all[conv->name + ".bias"] = {{size(conv->out_channels)}, Parameter::Kind::kBias};
    } else if (const auto* votes = std::get_if<Votes>(&layer)) {
      all[votes->name + ".weight"] = {
          {size(votes->capsules), size(votes->classes), size(votes->in_dim), size(votes->out_dim)},
          Parameter::Kind::kVotes};
    }
  }
  return all;
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

void check_finite(const std::string& where, const std::vector<float>& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      throw Error(
          ErrorKind::kInvalidArgument,
          fmt::format("{}: element {} is {}, expected a finite number", where, i, values[i]));
    }
  }
}

void check_weights(const Network& network, const FloatWeights& weights) {
  for (const auto& [name, parameter] : parameters(network)) {
    const std::vector<size_t>& shape = parameter.shape;
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

}  // namespace lutra::graph
