#ifndef LUTRA_SYNTH_MULTIPLIER_MODELS_H_
#define LUTRA_SYNTH_MULTIPLIER_MODELS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace lutra::synth {

/// The multipliers of the library as arithmetic, written from the papers and independent of the
/// RTL. Operands are `width`-bit integers, 2..16 bits, signed or unsigned; any value of that range.
/// Products are exact integers in the same representation, no rounding and no saturation.
struct MultiplierModels {
  /// a * b.
  static std::int64_t exact(std::int64_t a, std::int64_t b) { return a * b; }

  /// Products of operands whose `trunc_bits` low bits are cleared; two's complement, so negative
  /// operands go to the next lower multiple.
  static std::int64_t trunc(int trunc_bits, std::int64_t a, std::int64_t b);

  /// DRUM(k): exact when both magnitudes are below 2^k; sign and magnitude.
  /// Source: Hashemi, Bahar, Reda, ICCAD 2015.
  static std::int64_t drum(int kept_bits, std::int64_t a, std::int64_t b);

  /// Broken array: the product less the partial products a_j b_i 2^(i+j) with i < hbl or i + j <
  /// vbl; sign and magnitude. Source: Mahdiani et al., IEEE TCAS-I, 2010.
  static std::int64_t bam(int width, int hbl, int vbl, std::int64_t a, std::int64_t b);
};

/// The model of a library family by name; parameters as in its specification.
/// @param family      "exact", "trunc", "drum" or "bam"; otherwise Error(kUsage)
/// @param parameters  name and value, all of the family's; otherwise Error(kUsage)
std::int64_t multiplier_model(const std::string& family,
                              const std::vector<std::pair<std::string, long>>& parameters,
                              int width, std::int64_t a, std::int64_t b);

}  // namespace lutra::synth

#endif  // LUTRA_SYNTH_MULTIPLIER_MODELS_H_
