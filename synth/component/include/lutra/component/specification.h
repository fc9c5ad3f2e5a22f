#ifndef LUTRA_COMPONENT_SPECIFICATION_H_
#define LUTRA_COMPONENT_SPECIFICATION_H_

#include <string>
#include <vector>

#include "lutra/component/multiplier_family.h"

namespace lutra::synth {

/// A specification `family[:name=value[,name=value ...]]`, resolved against the table.
struct MultiplierSpec {
  const MultiplierFamily* family = nullptr;
  ParameterValues parameters;  ///< all of the family's, in table order
  int width = 8;
  bool is_signed = true;

  /// The shortest specification that means the same, in table order.
  std::string canonical() const;
};

/// Beside the family's own parameters, `width` (the family's) and `signed` (0 or 1) are understood.
/// Throws Error(kInvalidArgument) with the legal names or ranges.
MultiplierSpec parse_multiplier_spec(const std::string& spec);

/// The specifications that a pattern stands for, in table order. A pattern is a specification whose
/// values may be ranges, `bam:hbl=0,vbl=4..8,signed=0..1`; parameters that it does not name take
/// every legal value, `width` is 8 and `signed` 1. "all" is every family.
/// Throws Error(kInvalidArgument) as parse_multiplier_spec does, and where nothing is legal in the
/// ranges.
std::vector<std::string> expand_pattern(const std::string& pattern);

/// Specifications of all 8-bit designs whose products are exact, what a saving is told against:
/// two's complement and, with `signed=0`, unsigned cores for the sign-magnitude shell.
std::vector<std::string> exact_designs();

}  // namespace lutra::synth

#endif  // LUTRA_COMPONENT_SPECIFICATION_H_
