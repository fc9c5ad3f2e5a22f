#include "lutra/quantise/quantise.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/npy.h"
#include "lutra/data/dataset.h"
#include "lutra/graph/network.h"
#include "lutra/graph/quantised_network.h"
#include "lutra/graph/steps.h"
#include "lutra/numerics/fixed.h"
#include "lutra/quantise/float_inference.h"

namespace lutra::quantise {
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

}  // namespace

graph::QuantisedNetwork to_int8(const graph::Network& description,
                                const graph::FloatWeights& weights,
                                const data::Dataset& calibration, const QuantiseOptions& options) {
  if (options.calibration_images < 1 || options.calibration_images > calibration.size()) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("--calibration-images {}, expected 1..{} (the images of {})",
                            options.calibration_images, calibration.size(), calibration.name));
  }
  data::check_images(description, calibration, 0, options.calibration_images);
  graph::check_weights(description, weights);
  graph::QuantisedNetwork result;
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
  const graph::StepList formats = graph::lower(result.description);
  const std::string& index = formats.output();  // of the class: it has no fraction
  // One format for a place: the widest that any of its tensors needs.
  std::map<std::string, int> of_place;
  for (const auto& [name, tensor] : formats.tensors) {
    const auto search = searches.find(name);
    if (search == searches.end()) continue;  // what no step writes: zeros
    const int frac = tensor.fixed_frac.value_or(search->second.best());
    const auto [place, is_first] = of_place.try_emplace(formats.place_of(name), frac);
    if (!is_first) place->second = std::min(place->second, frac);
  }
  for (const auto& [name, tensor] : formats.tensors) {
    if (name == index) continue;
    const auto place = of_place.find(formats.place_of(name));
    result.fractions[name] = place == of_place.end() ? 7 : place->second;
  }

  for (const auto& [name, parameter] : graph::parameters(description)) {
    if (parameter.is_bias()) continue;
    const graph::FloatTensor& tensor = weights.at(name);
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
  const graph::StepList list = graph::lower(result);
  for (const graph::Step& step : list.steps) {
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

}  // namespace lutra::quantise
