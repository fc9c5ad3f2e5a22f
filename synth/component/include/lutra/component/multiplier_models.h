#ifndef LUTRA_COMPONENT_MULTIPLIER_MODELS_H_
#define LUTRA_COMPONENT_MULTIPLIER_MODELS_H_

#include <cstdint>
#include <functional>
#include <string>

#include "lutra/component/multiplier_family.h"

namespace lutra::synth {

/// One multiplier of the library as integer arithmetic: p = model(a, b).
/// @param a,b  any `width`-bit integer, two's complement if signed; otherwise
/// Error(kInvalidArgument)
/// @return     the integer that the 2 `width` bits of the product mean, two's complement if signed.
///             Unsigned products of 32 bits need all 64: there it is their pattern, to be cast to
///             std::uint64_t.
using MultiplierModel = std::function<std::int64_t(std::int64_t a, std::int64_t b)>;

/// The model of a family, written from docs/multipliers.md and independent of the RTL.
/// @param family      one of the library's, or its name, e.g. "drum"; otherwise
/// Error(kInvalidArgument)
/// @param parameters  name and value, each of the family's once, in its range; otherwise
///                    Error(kInvalidArgument)
/// @param width       bits of an operand, in the family's range; otherwise Error(kInvalidArgument)
MultiplierModel multiplier_model(const std::string& family, const ParameterValues& parameters,
                                 int width, bool is_signed);
MultiplierModel multiplier_model(const MultiplierFamily& family, const ParameterValues& parameters,
                                 int width, bool is_signed);

/// One product of that model. It checks the parameters on every call: keep the model for many.
std::int64_t multiplier_model(const std::string& family, const ParameterValues& parameters,
                              int width, bool is_signed, std::int64_t a, std::int64_t b);

}  // namespace lutra::synth

#endif  // LUTRA_COMPONENT_MULTIPLIER_MODELS_H_
