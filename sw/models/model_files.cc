#include "lutra/models/model_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/npy.h"
#include "lutra/graph/network.h"
#include "lutra/graph/quantised_network.h"
#include "lutra/models/built_in.h"

namespace lutra::models {
namespace {

namespace fs = std::filesystem;

bool holds_arrays(const fs::path& directory) {
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".npy") return true;
  }
  return false;
}

}  // namespace

void save_float_weights(const graph::FloatWeights& weights,
                        const std::filesystem::path& directory) {
  for (const auto& [name, tensor] : weights) {
    base::save_npy(directory / (name + ".npy"), tensor.shape, tensor.values);
  }
}

graph::FloatWeights load_float_weights(const graph::Network& network,
                                       const std::filesystem::path& directory) {
  graph::FloatWeights weights;
  for (const auto& [name, parameter] : graph::parameters(network)) {
    const std::vector<size_t>& shape = parameter.shape;
    const auto path = directory / (name + ".npy");
    auto array = base::load_npy<float>(path);
    if (array.shape != shape) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: shape {}, {} needs {}", path.string(), array.shape, network.name,
                              shape));
    }
    graph::check_finite(path.string(), array.values);
    weights[name] = {std::move(array.shape), std::move(array.values)};
  }
  return weights;
}

void save_quantised(const graph::QuantisedNetwork& network, const fs::path& directory) {
  const auto parameters = graph::parameters(network.description);
  // Written last: a directory that holds it holds all of one network.
  fs::remove(directory / "network.json");
  for (const auto& [name, values] : network.weights) {
    base::save_npy(directory / (name + ".npy"), parameters.at(name).shape, values);
  }
  for (const auto& [name, values] : network.biases) {
    base::save_npy(directory / (name + ".npy"), parameters.at(name).shape, values);
  }
  const nlohmann::json json = {{"network", network.description.name},
                               {"format", "lutra int8 network, version 1"},
                               {"fraction_lengths", network.fractions}};
  base::write_file(directory / "network.json", json.dump(2) + "\n");
}

graph::QuantisedNetwork load_quantised(const fs::path& directory) {
  const fs::path path = directory / "network.json";
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) {
    const bool onnx = directory.extension() == ".onnx";
    const bool floats = holds_arrays(directory);
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: {}{}, expected a directory with network.json", directory.string(),
                            fs::exists(directory, ignored) ? "not a network directory"
                                                           : "no such directory",
                            onnx     ? " (ONNX is not read yet)"
                            : floats ? " (it holds weights alone; `lutra quantize` makes a network "
                                       "of float weights)"
                                     : ""));
  }
  const std::string text = base::read_file(path);
  graph::QuantisedNetwork network;
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    network.description = network_by_name(json.at("network"));
    network.fractions = json.at("fraction_lengths").get<std::map<std::string, int>>();
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: {}", path.string(), error.what()));
  }
  const auto read = [&](const std::string& name, const std::vector<size_t>& shape, auto element) {
    const fs::path file = directory / (name + ".npy");
    auto array = base::load_npy<decltype(element)>(file);
    if (array.shape != shape) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: shape {}, {} needs {}", file.string(), array.shape,
                              network.description.name, shape));
    }
    return array.values;
  };
  for (const auto& [name, parameter] : graph::parameters(network.description)) {
    if (parameter.is_bias()) {
      network.biases[name] = read(name, parameter.shape, int32_t{});
      continue;
    }
    std::vector<int8_t>& values = network.weights[name] = read(name, parameter.shape, int8_t{});
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i] == -128) {
        throw Error(ErrorKind::kInvalidArgument,
                    fmt::format("{}.npy: element {} is -128, expected -127..127",
                                (directory / name).string(), i));
      }
    }
  }
  return network;
}

}  // namespace lutra::models
