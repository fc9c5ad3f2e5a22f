#ifndef LUTRA_COMPONENT_ERROR_METRICS_H_
#define LUTRA_COMPONENT_ERROR_METRICS_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lutra/netlist/product_sweep.h"

namespace lutra::synth {

/// Error of an approximate multiplier of operands of n and m bits, mostly alike, over all 2^(n+m)
/// operand pairs; E = approximate - exact. Absolute figures are in units of the product's last
/// place, relative ones are fractions (0.01 is 1 %). Two conventions of relative error are in use,
/// so both are given: over all pairs with denominator max(1, |exact|) (evoapprox8b), and over the
/// pairs with exact != 0 only (EvoApproxLib).
struct ErrorMetrics {
  double mae = 0;               ///< mean |E|
  double wce = 0;               ///< max |E|
  double mse = 0;               ///< mean E^2
  double ep = 0;                ///< share of pairs with E != 0
  double mre_all = 0;           ///< mean |E| / max(1, |exact|), all pairs
  double mre_nonzero = 0;       ///< mean |E| / |exact|, pairs with exact != 0
  double wcre_all = 0;          ///< max |E| / max(1, |exact|), all pairs
  double wcre_nonzero = 0;      ///< max |E| / |exact|, pairs with exact != 0
  double bias = 0;              ///< mean E
  double variance = 0;          ///< mean E^2 - bias^2
  double std_dev = 0;           ///< its square root
  double nmed = 0;              ///< mae / largest |exact|: (2^n - 1)(2^m - 1), 2^(n+m-2) if signed
  double hd = 0;                ///< Hamming distance of the products, summed over all pairs
  double mae_percent = 0;       ///< 100 mae / 2^(n+m)
  double wce_percent = 0;       ///< 100 wce / 2^(n+m)
  double zero_operand_ep = 0;   ///< share of pairs with an operand 0 whose product is not 0
  double zero_operand_wce = 0;  ///< largest |product| of a pair with an operand 0
  double noncommuting = 0;  ///< share of pairs with a != b and p(a, b) != p(b, a); NaN if n != m
  /// Pairs with E < 0, by size: entry k counts 2^k <= |E| < 2^(k+1).
  std::array<std::uint64_t, 32> histogram_negative{};
  /// The same for E > 0.
  std::array<std::uint64_t, 32> histogram_positive{};
};

/// What an exhaustive run over a netlist finds.
struct ExhaustiveRun {
  ErrorMetrics errors;
  std::vector<std::uint32_t> products;  ///< [pair number], if asked for
  /// Share of all operand pairs for which a net is 1, by net number; of nets that cells drive.
  std::vector<double> signal_probability;
};

struct ExhaustiveOptions {
  bool is_signed = true;
  bool keep_products = false;  ///< 4 bytes a pair
  bool count_ones = true;
  bool commuting = true;
  int jobs = 0;                                      ///< threads; 0: all cores
  std::function<void(const std::string&)> progress;  ///< a line a second; may be empty
};

/// Metrics over all operand pairs of a netlist, in constant memory unless products are kept. The
/// same bits whatever the number of threads and the SIMD level.
/// @param make_pass  called once a thread
ExhaustiveRun run_exhaustively(OperandWidths widths,
                               const std::function<std::unique_ptr<ProductPass>()>& make_pass,
                               const ExhaustiveOptions& options);

/// The same for a combinational netlist.
ExhaustiveRun run_exhaustively(const ProductSweep& sweep, const ExhaustiveOptions& options);

/// Metrics of a table.
/// @param lut  as Component::lut, of these widths, 2..8; otherwise Error(kInternal)
ErrorMetrics measure_errors(const std::vector<std::int16_t>& lut, bool is_signed,
                            OperandWidths widths = 8);

/// NaN becomes null.
nlohmann::json to_json(const ErrorMetrics& errors);
/// Throws nlohmann::json::exception where a key is missing.
ErrorMetrics error_metrics_from_json(const nlohmann::json& json);

}  // namespace lutra::synth

#endif  // LUTRA_COMPONENT_ERROR_METRICS_H_
