#include "lutra/component/operands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "lutra/base/error.h"
#include "lutra/base/npy.h"

namespace lutra::synth {
namespace {

/// Sums over weighted pairs, for the figures of ErrorMetrics.
class WeightedErrors {
 public:
  WeightedErrors(OperandWidths widths, bool is_signed)
      : mask_(widths.pairs() - 1),
        largest_(is_signed ? std::ldexp(1.0, widths.product() - 2)
                           : (std::ldexp(1.0, widths.a) - 1) * (std::ldexp(1.0, widths.b) - 1)) {}

  void add(std::int64_t a, std::int64_t b, std::int64_t product, double weight) {
    if (weight == 0) return;
    const std::int64_t exact = a * b;
    const auto error = static_cast<double>(product - exact);
    const double size = std::abs(error);
    weight_ += weight;
    absolute_ += weight * size;
    sum_ += weight * error;
    square_ += weight * error * error;
    worst_ = std::max(worst_, size);
    if (error != 0) wrong_ += weight;
    const auto different = static_cast<std::uint64_t>(product ^ exact) & mask_;
    hamming_ += weight * static_cast<double>(__builtin_popcountll(different));
    if (exact == 0) {
      zero_ += weight;
      zero_absolute_ += weight * size;
      if (error != 0) zero_wrong_ += weight;
      zero_worst_ = std::max(zero_worst_, size);
    } else {
      const double relative = size / std::abs(static_cast<double>(exact));
      relative_ += weight * relative;
      worst_relative_ = std::max(worst_relative_, relative);
    }
  }

  nlohmann::json json() const {
    const double bias = sum_ / weight_;
    const double mse = square_ / weight_;
    const double variance = std::max(0.0, mse - bias * bias);
    const auto share = [](double part, double whole) { return whole > 0 ? part / whole : 0; };
    return {{"mae", absolute_ / weight_},
            {"wce", worst_},
            {"mse", mse},
            {"ep", wrong_ / weight_},
            {"mre_all", (relative_ + zero_absolute_) / weight_},
            {"mre_nonzero", share(relative_, weight_ - zero_)},
            {"wcre_all", std::max(worst_relative_, zero_worst_)},
            {"wcre_nonzero", worst_relative_},
            {"bias", bias},
            {"variance", variance},
            {"std_dev", std::sqrt(variance)},
            {"nmed", absolute_ / weight_ / largest_},
            {"hd", hamming_ / weight_},
            {"zero_operand", zero_ / weight_},
            {"zero_operand_ep", share(zero_wrong_, zero_)},
            {"zero_operand_wce", zero_worst_}};
  }

 private:
  std::uint64_t mask_;
  double largest_;
  double weight_ = 0, absolute_ = 0, sum_ = 0, square_ = 0, wrong_ = 0, hamming_ = 0;
  double relative_ = 0, zero_ = 0, zero_absolute_ = 0, zero_wrong_ = 0;
  double worst_ = 0, worst_relative_ = 0, zero_worst_ = 0;
};

/// Value of an operand's bit pattern.
std::int32_t operand_value(std::int32_t pattern, int width, bool is_signed) {
  const std::int32_t values = 1 << width;
  return is_signed && pattern >= values / 2 ? pattern - values : pattern;
}

std::int64_t table_product(const Component& component, const OperandPair& pair) {
  const std::int32_t row = pair.a & ((1 << component.widths.a) - 1);
  const std::int32_t column = pair.b & ((1 << component.widths.b) - 1);
  const std::int16_t entry = component.lut[row << component.widths.b | column];
  return component.is_signed ? entry : static_cast<std::uint16_t>(entry);
}

}  // namespace

OperandDistribution read_operands(const std::filesystem::path& path, OperandWidths widths,
                                  bool is_signed) {
  const base::NpyArray<double> array = base::npy_numbers(base::read_npy_file(path), path);
  const std::size_t values = std::size_t{1} << widths.widest();
  const auto fail = [&path](const std::string& what) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: {}", path.string(), what));
  };
  std::string shape;
  for (const std::size_t size : array.shape) shape += fmt::format("[{}]", size);
  OperandDistribution operands;
  // An operand has 2 bits or more, so that two histograms never have the shape of a trace.
  if (array.shape.size() == 2 && array.shape[1] == 2 && array.shape[0] >= 2) {
    for (std::size_t i = 0; i < array.values.size(); ++i) {
      const int width = i % 2 == 0 ? widths.a : widths.b;
      const double low = is_signed ? -std::ldexp(1.0, width - 1) : 0;
      const double high = low + std::ldexp(1.0, width) - 1;
      const double value = array.values[i];
      if (!(value >= low && value <= high) || value != std::floor(value)) {
        fail(fmt::format("[{}][{}] = {}, expected an integer in {}..{}: operands of {} bits, {}",
                         i / 2, i % 2, value, low, high, width, is_signed ? "signed" : "unsigned"));
      }
    }
    for (std::size_t i = 0; i < array.shape[0]; ++i) {
      operands.trace.push_back({static_cast<std::int32_t>(array.values[2 * i]),
                                static_cast<std::int32_t>(array.values[2 * i + 1])});
    }
  } else if (array.shape == std::vector<std::size_t>{2, values}) {
    for (std::size_t i = 0; i < array.values.size(); ++i) {
      if (!(array.values[i] >= 0) || !std::isfinite(array.values[i])) {
        fail(fmt::format("[{}][{}] = {}, expected a count or weight of 0 or more", i / values,
                         i % values, array.values[i]));
      }
      const int width = i < values ? widths.a : widths.b;
      if (array.values[i] > 0 && i % values >> width != 0) {
        fail(fmt::format("[{}][{}] = {}, expected 0: that operand has {} bits", i / values,
                         i % values, array.values[i], width));
      }
    }
    for (std::size_t operand = 0; operand < 2; ++operand) {
      const auto first = array.values.begin() + static_cast<std::ptrdiff_t>(operand * values);
      operands.histograms[operand].assign(first, first + static_cast<std::ptrdiff_t>(values));
      if (std::all_of(first, first + static_cast<std::ptrdiff_t>(values),
                      [](double weight) { return weight == 0; })) {
        fail(fmt::format("the histogram [{}] is 0 everywhere", operand));
      }
    }
  } else {
    fail(
        fmt::format("shape {}, expected [n][2], a trace of n >= 2 operations, or [2][{}], two "
                    "histograms of operands of {} bits",
                    shape.empty() ? "of a single number" : shape, values, widths.text()));
  }
  return operands;
}

void write_operands(const std::filesystem::path& path, const std::vector<OperandPair>& trace) {
  std::vector<std::int32_t> values;
  for (const OperandPair& pair : trace) values.insert(values.end(), {pair.a, pair.b});
  const bool narrow = std::all_of(values.begin(), values.end(), [](std::int32_t value) {
    return value == static_cast<std::int16_t>(value);
  });
  const std::vector<std::size_t> shape = {trace.size(), 2};
  if (narrow) {
    base::save_npy(path, shape, std::vector<std::int16_t>(values.begin(), values.end()));
  } else {
    base::save_npy(path, shape, values);
  }
}

nlohmann::json measure_at_operands(const Component& component,
                                   const OperandDistribution& operands) {
  nlohmann::json json;
  WeightedErrors errors(component.widths, component.is_signed);
  if (operands.trace.empty()) {
    if (component.lut.empty()) {
      throw Error(ErrorKind::kUnimplemented,
                  fmt::format("{}: histograms of operands need the table of all products, which a "
                              "component of {} bits has not; expected a trace",
                              component.name, component.widths.text()));
    }
    json["kind"] = "histograms";
    const auto [width_a, width_b] = component.widths;
    for (std::int32_t a = 0; a < 1 << width_a; ++a) {
      for (std::int32_t b = 0; b < 1 << width_b; ++b) {
        const OperandPair pair = {operand_value(a, width_a, component.is_signed),
                                  operand_value(b, width_b, component.is_signed)};
        errors.add(pair.a, pair.b, table_product(component, pair),
                   operands.histograms[0][a] * operands.histograms[1][b]);
      }
    }
    json["errors"] = errors.json();
    return json;
  }

  json["kind"] = "trace";
  json["operations"] = operands.trace.size();
  std::vector<std::int64_t> products;
  if (component.lut.empty()) {
    products = EnergyMeter(component).products(operands.trace);
  } else {
    for (const OperandPair& pair : operands.trace) {
      products.push_back(table_product(component, pair));
    }
  }
  for (std::size_t i = 0; i < products.size(); ++i) {
    errors.add(operands.trace[i].a, operands.trace[i].b, products[i], 1);
  }
  json["errors"] = errors.json();
  if (component.has_netlist) {
    EnergyMeter meter(component);
    json.update(energy_json(&meter, operands.trace));
  }
  return json;
}

}  // namespace lutra::synth
