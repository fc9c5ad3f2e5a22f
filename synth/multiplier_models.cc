#include "lutra/synth/multiplier_models.h"

#include <fmt/format.h>

#include <cstdlib>

#include "lutra/numerics/error.h"

namespace lutra::synth {
namespace {

/// DRUM's view of one magnitude: v if it has at most k bits; otherwise the interval of values that
/// share its k - 1 leading bits is represented by its middle.
std::int64_t drum_operand(int kept_bits, std::int64_t magnitude) {
  std::int64_t step = 1;
  while (magnitude / step >= (std::int64_t{1} << kept_bits)) step *= 2;
  if (step == 1) return magnitude;
  const std::int64_t interval = 2 * step;
  return magnitude / interval * interval + step;
}

template <typename Core>
std::int64_t sign_and_magnitude(std::int64_t a, std::int64_t b, Core core) {
  const std::int64_t product = core(std::abs(a), std::abs(b));
  return (a < 0) != (b < 0) ? -product : product;
}

long parameter(const std::string& family,
               const std::vector<std::pair<std::string, long>>& parameters,
               const std::string& name) {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  throw Error(ExitCode::kUsage, fmt::format("{}: the parameter {} is missing", family, name));
}

}  // namespace

std::int64_t MultiplierModels::trunc(int trunc_bits, std::int64_t a, std::int64_t b) {
  const std::int64_t unit = std::int64_t{1} << trunc_bits;
  const auto floor_to_unit = [unit](std::int64_t v) {
    const std::int64_t rest = ((v % unit) + unit) % unit;
    return v - rest;
  };
  return floor_to_unit(a) * floor_to_unit(b);
}

std::int64_t MultiplierModels::drum(int kept_bits, std::int64_t a, std::int64_t b) {
  return sign_and_magnitude(a, b, [kept_bits](std::int64_t x, std::int64_t y) {
    return drum_operand(kept_bits, x) * drum_operand(kept_bits, y);
  });
}

std::int64_t MultiplierModels::bam(int width, int hbl, int vbl, std::int64_t a, std::int64_t b) {
  return sign_and_magnitude(a, b, [=](std::int64_t x, std::int64_t y) {
    std::int64_t missing = 0;
    for (int i = 0; i < width; ++i) {
      for (int j = 0; j < width; ++j) {
        const bool cell_left_out = i < hbl || i + j < vbl;
        if (cell_left_out) missing += (x >> j & 1) * (y >> i & 1) * (std::int64_t{1} << (i + j));
      }
    }
    return x * y - missing;
  });
}

std::int64_t multiplier_model(const std::string& family,
                              const std::vector<std::pair<std::string, long>>& parameters,
                              int width, std::int64_t a, std::int64_t b) {
  const auto value = [&](const char* name) {
    return static_cast<int>(parameter(family, parameters, name));
  };
  if (family == "exact") return MultiplierModels::exact(a, b);
  if (family == "trunc") return MultiplierModels::trunc(value("trunc_bits"), a, b);
  if (family == "drum") return MultiplierModels::drum(value("kept_bits"), a, b);
  if (family == "bam") return MultiplierModels::bam(width, value("hbl"), value("vbl"), a, b);
  throw Error(ExitCode::kUsage,
              fmt::format("{}: no model of that name, expected exact, trunc, drum or bam", family));
}

}  // namespace lutra::synth
