#include "lutra/studies/statistics.h"

#include <cmath>
#include <iterator>
#include <numeric>

namespace lutra::studies {
namespace {

/// Student's t at 97.5 %.
double student_t(size_t degrees) {
  constexpr double kTable[] = {0,     12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365,
                               2.306, 2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
                               2.120, 2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069,
                               2.064, 2.060,  2.056, 2.052, 2.048, 2.045, 2.042};
  if (degrees < std::size(kTable)) return kTable[degrees];
  const double n = static_cast<double>(degrees);
  return 1.959964 + 2.3722 / n + 2.8225 / (n * n);  // the expansion's first terms
}

}  // namespace

double mean(const std::vector<double>& values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::optional<Interval> mean_interval(const std::vector<double>& values) {
  const size_t n = values.size();
  if (n < 2) return std::nullopt;
  const double middle = mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - middle) * (value - middle);
  const double half =
      student_t(n - 1) * std::sqrt(squares / static_cast<double>(n - 1) / static_cast<double>(n));
  return Interval{middle - half, middle + half};
}

std::optional<Interval> ratio_interval(const std::vector<double>& numerators,
                                       const std::vector<double>& denominators) {
  const double below = mean(denominators);
  if (numerators.size() < 2 || numerators.size() != denominators.size() || below == 0) {
    return std::nullopt;
  }
  const double ratio = mean(numerators) / below;
  std::vector<double> values;
  for (size_t i = 0; i < numerators.size(); ++i) {
    values.push_back(ratio + (numerators[i] - ratio * denominators[i]) / below);
  }
  return mean_interval(values);
}

Interval share_interval(int64_t right, int64_t all) {
  constexpr double z = 1.959964;
  const double n = static_cast<double>(all);
  const double p = static_cast<double>(right) / n;
  const double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return {middle - half, middle + half};
}

}  // namespace lutra::studies
