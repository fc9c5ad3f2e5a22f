#ifndef LUTRA_STUDIES_STATISTICS_H_
#define LUTRA_STUDIES_STATISTICS_H_

#include <cstdint>
#include <optional>
#include <vector>

namespace lutra::studies {

/// 95 % interval of a figure.
struct Interval {
  double low = 0;
  double high = 0;
};

/// 0 of no values.
double mean(const std::vector<double>& values);

/// The 95 % interval of the mean of independent values by Student's t; none of fewer than two.
std::optional<Interval> mean_interval(const std::vector<double>& values);

/// The 95 % interval of the ratio of two means over the same images (linearised; W. G. Cochran,
/// Sampling Techniques, 1977, 2.11); none of fewer than two.
std::optional<Interval> ratio_interval(const std::vector<double>& numerators,
                                       const std::vector<double>& denominators);

/// Wilson's 95 % interval of a share, `right` of `all`.
Interval share_interval(int64_t right, int64_t all);

}  // namespace lutra::studies

#endif  // LUTRA_STUDIES_STATISTICS_H_
