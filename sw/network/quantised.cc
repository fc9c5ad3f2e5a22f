#include "lutra/network/quantised.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/npy.h"
#include "lutra/network/float_inference.h"
#include "lutra/network/inference.h"
#include "lutra/numerics/fixed.h"

namespace lutra::network {
namespace {

namespace fs = std::filesystem;

int8_t quantise_value(float value, int frac) {
  return numerics::saturate(
      static_cast<int64_t>(std::floor(std::ldexp(static_cast<double>(value), frac) + 0.5)));
}

/// Squared error of each fraction length, summed over all values that were shown.
class ScaleSearch {
 public:
  ScaleSearch(int lowest, int highest) : lowest_(lowest), errors_(highest - lowest + 1, 0.0) {}

  void add(const std::vector<float>& values) {
    for (size_t i = 0; i < errors_.size(); ++i) {
      const int frac = lowest_ + static_cast<int>(i);
      const float step = std::ldexp(1.0f, -frac);
      const float scale = std::ldexp(1.0f, frac);
      double sum = 0;
      for (float value : values) {
        const float q = std::min(127.0f, std::max(-127.0f, std::floor(value * scale + 0.5f)));
        sum += static_cast<double>(value - q * step) * (value - q * step);
      }
      errors_[i] += sum;
    }
  }

  int best() const {
    const auto least = std::min_element(errors_.begin(), errors_.end());
    return lowest_ + static_cast<int>(least - errors_.begin());
  }

 private:
  int lowest_;
  std::vector<double> errors_;
};

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

QuantisedNetwork quantise(const Network& description, const FloatWeights& weights,
                          const Dataset& calibration, const QuantiseOptions& options) {
  if (options.calibration_images < 1 || options.calibration_images > calibration.size()) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("--calibration-images {}, expected 1..{} (the images of {})",
                            options.calibration_images, calibration.size(), calibration.name));
  }
  check_images(description, calibration, 0, options.calibration_images);
  check_weights(description, weights);
  QuantisedNetwork result;
  result.description = description;

  const FloatInference inference(description, weights);
  std::map<std::string, ScaleSearch> searches;
  for (int index = 0; index < options.calibration_images; ++index) {
    for (const auto& [name, values] : inference.run(calibration.image(index))) {
      for (const float value : values) {
        if (!std::isfinite(value)) {
          throw Error(ErrorKind::kInvalidArgument,
                      fmt::format("{}: {} on image {} of {}, expected finite numbers; the weights "
                                  "are too large",
                                  name, value, index, calibration.name));
        }
      }
      searches.try_emplace(name, 0, 7).first->second.add(values);
    }
  }
  for (const auto& [name, search] : searches) result.fractions[name] = search.best();
  // Formats that the arithmetic fixes: pixels, capsules and coefficients lie in (-1, 1).
  for (auto& [name, frac] : result.fractions) {
    if (name == "input" || name.find("capsules") != std::string::npos ||
        name.find(".coupling.") != std::string::npos) {
      frac = 7;
    }
  }
  // Logits accumulate in place: one format for all iterations, the widest that any of them needs.
  for (const Layer& layer : description.layers) {
    const auto* routing = std::get_if<Routing>(&layer);
    if (routing == nullptr) continue;
    int frac = 7;
    for (int t = 1; t < routing->iterations; ++t) {
      frac = std::min(frac, result.fractions.at(fmt::format("{}.logits.{}", routing->name, t)));
    }
    for (int t = 0; t < routing->iterations; ++t) {
      result.fractions[fmt::format("{}.logits.{}", routing->name, t)] = frac;
    }
  }
  result.fractions.erase("class");

  for (const auto& [name, tensor] : weights) {
    if (!ends_with(name, ".weight")) continue;
    ScaleSearch search(0, 15);
    search.add(tensor.values);
    const int frac = search.best();
    result.fractions[name] = frac;
    std::vector<int8_t>& elements = result.weights[name];
    for (size_t i = 0; i < tensor.values.size(); ++i) {
      const float value = tensor.values[i];
      if (std::abs(value) > 127.5f) {
        throw Error(ErrorKind::kInvalidArgument,
                    fmt::format("weights {}: element {} is {}, expected at most "
                                "127.5, the largest of any int8 format",
                                name, i, value));
      }
      elements.push_back(quantise_value(value, frac));
    }
  }
  const StepList list = lower(result);
  for (const Step& step : list.steps) {
    if (step.conv == nullptr) continue;
    const std::string& layer = step.conv->name;
    const int frac = list.tensors.at(step.inputs[0]).frac + result.fractions.at(layer + ".weight");
    const std::vector<float>& biases = weights.at(layer + ".bias").values;
    for (size_t i = 0; i < biases.size(); ++i) {
      const double scaled = std::floor(std::ldexp(static_cast<double>(biases[i]), frac) + 0.5);
      if (std::abs(scaled) > INT32_MAX) {
        throw Error(ErrorKind::kInvalidArgument,
                    fmt::format("weights {}.bias: element {} is {}, which is {} in the accumulator "
                                "with {} fraction bits, expected at most {}",
                                layer, i, biases[i], scaled, frac, INT32_MAX));
      }
      result.biases[layer + ".bias"].push_back(static_cast<int32_t>(scaled));
    }
  }
  return result;
}

void save_quantised(const QuantisedNetwork& network, const fs::path& directory) {
  const auto shapes = parameter_shapes(network.description);
  // Written last: a directory that holds it holds all of one network.
  fs::remove(directory / "network.json");
  for (const auto& [name, values] : network.weights) {
    base::save_npy(directory / (name + ".npy"), shapes.at(name), values);
  }
  for (const auto& [name, values] : network.biases) {
    base::save_npy(directory / (name + ".npy"), shapes.at(name), values);
  }
  const nlohmann::json json = {{"network", network.description.name},
                               {"format", "lutra int8 network, version 1"},
                               {"fraction_lengths", network.fractions}};
  base::write_file(directory / "network.json", json.dump(2) + "\n");
}

QuantisedNetwork load_quantised(const fs::path& directory) {
  const fs::path path = directory / "network.json";
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) {
    const bool onnx = directory.extension() == ".onnx";
    const bool floats = fs::exists(directory / "conv1.weight.npy", ignored);
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
  QuantisedNetwork network;
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
  for (const auto& [name, shape] : parameter_shapes(network.description)) {
    if (ends_with(name, ".bias")) {
      network.biases[name] = read(name, shape, int32_t{});
      continue;
    }
    std::vector<int8_t>& values = network.weights[name] = read(name, shape, int8_t{});
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

}  // namespace lutra::network
