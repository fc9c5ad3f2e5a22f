#include "lutra/quantise/quantise.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>

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

/// Fraction lengths that a tensor may have: those that every step that reads it takes.
graph::FracRange readable_fracs(const graph::StepList& list, const std::string& tensor) {
  graph::FracRange range{-8, 7};
  for (const graph::Step& step : list.steps) {
    if (step.inputs[0] != tensor) continue;
    const graph::FracRange taken = step.operation->input_fracs();
    range.least = std::max(range.least, taken.least);
    range.most = std::min(range.most, taken.most);
  }
  return range;
}

/// Groups of tensors that have one fraction length.
class FormatGroups {
 public:
  explicit FormatGroups(const graph::StepList& list) {
    for (const auto& [name, tensor] : list.tensors) {
      join(name, list.place_of(name));
      for (const std::string& other : tensor.same_format_as) join(name, other);
    }
  }
  const std::string& of(const std::string& tensor) {
    std::string& parent = parents_.try_emplace(tensor, tensor).first->second;
    if (parent != tensor) parent = of(parent);
    return parent;
  }

 private:
  void join(const std::string& a, const std::string& b) {
    const std::string root = of(a);
    parents_[root] = of(b);
  }
  std::map<std::string, std::string> parents_;
};

/// Adds a fraction length for every tensor to those of the weights: of a group that which the
/// arithmetic fixes, else the widest range that any of its tensors needs; and none is finer than
/// the sums that it is rounded from.
void choose_formats(const graph::StepList& list, const std::map<std::string, ScaleSearch>& searches,
                    std::map<std::string, int>* fractions) {
  FormatGroups groups(list);
  std::map<std::string, int> chosen, fixed;
  for (const auto& [name, tensor] : list.tensors) {
    const std::string& group = groups.of(name);
    if (tensor.fixed_frac) fixed[group] = *tensor.fixed_frac;
    const auto search = searches.find(name);
    if (search == searches.end()) continue;  // what no step writes: zeros
    const int frac = search->second.best();
    const auto [other, is_first] = chosen.try_emplace(group, frac);
    if (!is_first) other->second = std::min(other->second, frac);
  }
  for (const auto& [group, frac] : fixed) chosen[group] = frac;
  const auto frac_of = [&](const std::string& name) -> int {
    if (list.tensors.count(name) == 0) return fractions->at(name);  // a weight
    const auto found = chosen.find(groups.of(name));
    return found == chosen.end() ? 7 : found->second;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (const graph::Step& step : list.steps) {
      const std::optional<int> from = step.operation->accumulator_frac(step, frac_of);
      const std::string& group = groups.of(step.output);
      if (!from || *from >= frac_of(step.output) || fixed.count(group) > 0) continue;
      chosen[group] = *from;
      changed = true;
    }
  }
  for (const auto& [name, tensor] : list.tensors) {
    if (name != list.output()) (*fractions)[name] = frac_of(name);  // the class has no fraction
  }
}

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

  const graph::StepList formats = graph::lower(result.description);
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
      const graph::FracRange range = readable_fracs(formats, name);
      searches.try_emplace(name, range.least, range.most).first->second.add(values);
    }
  }
  for (const auto& [name, parameter] : graph::parameters(description)) {
    if (parameter.is_bias) continue;
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
  choose_formats(formats, searches, &result.fractions);
  const graph::StepList list = graph::lower(result);
  for (const graph::Step& step : list.steps) {
    const std::string name = step.operation->bias();
    if (name.empty()) continue;
    const int frac = *step.operation->accumulator_frac(
        step, [&](const std::string& tensor) { return result.fractions.at(tensor); });
    const std::vector<float>& biases = weights.at(name).values;
    for (size_t i = 0; i < biases.size(); ++i) {
      const double scaled = std::floor(std::ldexp(static_cast<double>(biases[i]), frac) + 0.5);
      if (std::abs(scaled) > INT32_MAX) {
        throw Error(ErrorKind::kInvalidArgument,
                    fmt::format("weights {}: element {} is {}, which is {} in the accumulator "
                                "with {} fraction bits, expected at most {}",
                                name, i, biases[i], scaled, frac, INT32_MAX));
      }
      result.biases[name].push_back(static_cast<int32_t>(scaled));
    }
  }
  return result;
}

}  // namespace lutra::quantise
