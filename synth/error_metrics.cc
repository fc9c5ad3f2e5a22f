#include "lutra/synth/error_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "lutra/numerics/error.h"

namespace lutra::synth {
namespace {

constexpr std::array<std::pair<const char*, double ErrorMetrics::*>, 13> kFields = {{
    {"mae", &ErrorMetrics::mae},
    {"wce", &ErrorMetrics::wce},
    {"mse", &ErrorMetrics::mse},
    {"ep", &ErrorMetrics::ep},
    {"mre_all", &ErrorMetrics::mre_all},
    {"mre_nonzero", &ErrorMetrics::mre_nonzero},
    {"wcre_all", &ErrorMetrics::wcre_all},
    {"wcre_nonzero", &ErrorMetrics::wcre_nonzero},
    {"bias", &ErrorMetrics::bias},
    {"hd", &ErrorMetrics::hd},
    {"std_dev", &ErrorMetrics::std_dev},
    {"mae_percent", &ErrorMetrics::mae_percent},
    {"wce_percent", &ErrorMetrics::wce_percent},
}};

}  // namespace

ErrorMetrics measure_errors(const std::vector<std::int16_t>& lut, bool is_signed) {
  constexpr int kValues = 256;
  constexpr double kPairs = kValues * kValues;
  if (lut.size() != std::size_t{kValues} * kValues) {
    throw Error(ExitCode::kInternal, fmt::format("LUT of {} entries, expected 65536", lut.size()));
  }
  std::int64_t sum = 0;
  std::int64_t sum_absolute = 0;
  std::int64_t sum_square = 0;
  std::int64_t worst = 0;
  std::int64_t wrong = 0;
  std::int64_t hamming = 0;
  std::int64_t nonzero = 0;
  double relative_all = 0;
  double relative_nonzero = 0;
  ErrorMetrics m;
  for (int i = 0; i < kValues; ++i) {
    for (int j = 0; j < kValues; ++j) {
      const std::int16_t entry = lut[i * kValues + j];
      const int a = is_signed ? static_cast<std::int8_t>(i) : i;
      const int b = is_signed ? static_cast<std::int8_t>(j) : j;
      const std::int64_t exact = std::int64_t{a} * b;
      const std::int64_t got = is_signed ? entry : static_cast<std::uint16_t>(entry);
      const std::int64_t error = got - exact;
      const std::int64_t size = std::abs(error);
      sum += error;
      sum_absolute += size;
      sum_square += error * error;
      worst = std::max(worst, size);
      wrong += error != 0;
      hamming +=
          __builtin_popcount((static_cast<unsigned>(got) ^ static_cast<unsigned>(exact)) & 0xffffu);
      const double relative = static_cast<double>(size) /
                              static_cast<double>(std::max<std::int64_t>(1, std::abs(exact)));
      relative_all += relative;
      m.wcre_all = std::max(m.wcre_all, relative);
      if (exact != 0) {
        ++nonzero;
        relative_nonzero += relative;
        m.wcre_nonzero = std::max(m.wcre_nonzero, relative);
      }
    }
  }
  m.mae = static_cast<double>(sum_absolute) / kPairs;
  m.wce = static_cast<double>(worst);
  m.mse = static_cast<double>(sum_square) / kPairs;
  m.ep = static_cast<double>(wrong) / kPairs;
  m.mre_all = relative_all / kPairs;
  m.mre_nonzero = relative_nonzero / static_cast<double>(nonzero);
  m.bias = static_cast<double>(sum) / kPairs;
  m.hd = static_cast<double>(hamming);
  m.std_dev = std::sqrt(std::max(0.0, m.mse - m.bias * m.bias));
  m.mae_percent = 100 * m.mae / 65536;
  m.wce_percent = 100 * m.wce / 65536;
  return m;
}

nlohmann::json to_json(const ErrorMetrics& errors) {
  nlohmann::json json;
  for (const auto& [name, field] : kFields) json[name] = errors.*field;
  return json;
}

ErrorMetrics error_metrics_from_json(const nlohmann::json& json) {
  ErrorMetrics errors;
  for (const auto& [name, field] : kFields) errors.*field = json.at(name).get<double>();
  return errors;
}

}  // namespace lutra::synth
