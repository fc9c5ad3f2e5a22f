#ifndef LUTRA_SYNTH_ERROR_METRICS_H_
#define LUTRA_SYNTH_ERROR_METRICS_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

namespace lutra::synth {

/// Error of an approximate multiplier over all 65,536 operand pairs; E = approximate - exact.
/// Absolute figures are in units of the product's last place, relative ones are fractions (0.01 is
/// 1 %). Two conventions of relative error are in use, so both are given: over all pairs with
/// denominator max(1, |exact|) (evoapprox8b), and over the pairs with exact != 0 only
/// (EvoApproxLib).
struct ErrorMetrics {
  double mae = 0;           ///< mean |E|
  double wce = 0;           ///< max |E|
  double mse = 0;           ///< mean E^2
  double ep = 0;            ///< share of pairs with E != 0
  double mre_all = 0;       ///< mean |E| / max(1, |exact|), all pairs
  double mre_nonzero = 0;   ///< mean |E| / |exact|, pairs with exact != 0
  double wcre_all = 0;      ///< max |E| / max(1, |exact|), all pairs
  double wcre_nonzero = 0;  ///< max |E| / |exact|, pairs with exact != 0
  double bias = 0;          ///< mean E
  double hd = 0;            ///< Hamming distance of the 16-bit products, summed over all pairs
  double std_dev = 0;       ///< standard deviation of E
  double mae_percent = 0;   ///< 100 mae / 2^16
  double wce_percent = 0;   ///< 100 wce / 2^16
};

/// @param lut  [256][256], as Component::lut; otherwise Error(kInternal)
ErrorMetrics measure_errors(const std::vector<std::int16_t>& lut, bool is_signed);

nlohmann::json to_json(const ErrorMetrics& errors);
/// Throws nlohmann::json::exception where a key is missing.
ErrorMetrics error_metrics_from_json(const nlohmann::json& json);

}  // namespace lutra::synth

#endif  // LUTRA_SYNTH_ERROR_METRICS_H_
