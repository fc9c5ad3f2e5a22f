#include "lutra/models/model_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/npy.h"
#include "lutra/graph/network.h"
#include "lutra/graph/quantised_network.h"

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

constexpr const char* kFormat = "lutra network, version 2";

/// A node's name may have slashes in it, as those of ONNX have.
fs::path array_file(const fs::path& directory, std::string name) {
  std::replace(name.begin(), name.end(), '/', '@');
  return directory / (name + ".npy");
}

/// network.json is written last: a directory that holds it holds all of one network.
void remove_network_file(const fs::path& directory) { fs::remove(directory / "network.json"); }

void write_network_file(nlohmann::json network, const fs::path& directory) {
  network["format"] = kFormat;
  base::write_file(directory / "network.json", network.dump(2) + "\n");
}

struct NetworkFile {
  fs::path path;
  nlohmann::json json;
};

/// @param elements  "int8" or "float32": what the directory must hold
NetworkFile read_network_file(const fs::path& directory, const std::string& elements) {
  const fs::path path = directory / "network.json";
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) {
    const bool onnx = directory.extension() == ".onnx";
    const bool floats = holds_arrays(directory);
    throw Error(
        ErrorKind::kInvalidArgument,
        fmt::format(
            "{}: {}{}, expected a directory with network.json", directory.string(),
            fs::exists(directory, ignored) ? "not a network directory" : "no such directory",
            onnx     ? " (ONNX is not read yet)"
            : floats ? " (it holds weights alone; `lutra quantize --network NAME` takes them)"
                     : ""));
  }
  const auto refuse = [&path](const std::string& what) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: {}", path.string(), what));
  };
  nlohmann::json json;
  try {
    json = nlohmann::json::parse(base::read_file(path));
  } catch (const nlohmann::json::exception& error) {
    refuse(error.what());
  }
  const auto format = json.is_object() ? json.find("format") : json.end();
  if (!json.is_object() || format == json.end() || *format != kFormat) {
    refuse(fmt::format("format {}, expected \"{}\"",
                       !json.is_object() || format == json.end() ? "missing" : format->dump(),
                       kFormat));
  }
  const bool is_int8 = json.contains("fraction_lengths");
  if (is_int8 != (elements == "int8")) {
    refuse(fmt::format("a network in {}, expected one in {}{}", is_int8 ? "int8" : "float32",
                       elements, is_int8 ? "" : " (`lutra quantize` makes it)"));
  }
  return {path, std::move(json)};
}

}  // namespace

void save_float(const graph::FloatNetwork& network, const fs::path& directory) {
  remove_network_file(directory);
  for (const auto& [name, tensor] : network.weights) {
    base::save_npy(array_file(directory, name), tensor.shape, tensor.values);
  }
  write_network_file(graph::to_json(network.description), directory);
}

graph::FloatNetwork load_float(const fs::path& directory) {
  const NetworkFile file = read_network_file(directory, "float32");
  graph::FloatNetwork network;
  network.description = graph::network_from_json(file.json, file.path.string());
  network.weights = load_float_weights(network.description, directory);
  return network;
}

graph::FloatWeights load_float_weights(const graph::Network& network,
                                       const std::filesystem::path& directory) {
  graph::FloatWeights weights;
  for (const auto& [name, parameter] : graph::parameters(network)) {
    const std::vector<size_t>& shape = parameter.shape;
    const fs::path path = array_file(directory, name);
    auto array = base::load_npy<float>(path);
    if (array.shape != shape) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: shape {}, {} needs {}", path.string(), array.shape,
                              network.name(), shape));
    }
    graph::check_finite(path.string(), array.values);
    weights[name] = {std::move(array.shape), std::move(array.values)};
  }
  return weights;
}

void save_quantised(const graph::QuantisedNetwork& network, const fs::path& directory) {
  const auto parameters = graph::parameters(network.description);
  remove_network_file(directory);
  for (const auto& [name, values] : network.weights) {
    base::save_npy(array_file(directory, name), parameters.at(name).shape, values);
  }
  for (const auto& [name, values] : network.biases) {
    base::save_npy(array_file(directory, name), parameters.at(name).shape, values);
  }
  nlohmann::json json = graph::to_json(network.description);
  json["fraction_lengths"] = network.fractions;
  write_network_file(std::move(json), directory);
}

graph::QuantisedNetwork load_quantised(const fs::path& directory) {
  const NetworkFile file = read_network_file(directory, "int8");
  graph::QuantisedNetwork network;
  network.description = graph::network_from_json(file.json, file.path.string());
  try {
    network.fractions = file.json.at("fraction_lengths").get<std::map<std::string, int>>();
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: fraction_lengths: {}", file.path.string(), error.what()));
  }
  const auto read = [&](const std::string& name, const std::vector<size_t>& shape, auto element) {
    const fs::path path = array_file(directory, name);
    auto array = base::load_npy<decltype(element)>(path);
    if (array.shape != shape) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: shape {}, {} needs {}", path.string(), array.shape,
                              network.description.name(), shape));
    }
    return array.values;
  };
  for (const auto& [name, parameter] : graph::parameters(network.description)) {
    if (parameter.is_bias) {
      network.biases[name] = read(name, parameter.shape, int32_t{});
      continue;
    }
    std::vector<int8_t>& values = network.weights[name] = read(name, parameter.shape, int8_t{});
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i] == -128) {
        throw Error(ErrorKind::kInvalidArgument,
                    fmt::format("{}: element {} is -128, expected -127..127",
                                array_file(directory, name).string(), i));
      }
    }
  }
  return network;
}

}  // namespace lutra::models
