#ifndef LUTRA_COMPONENT_LIBRARY_H_
#define LUTRA_COMPONENT_LIBRARY_H_

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "lutra/component/component.h"
#include "lutra/synthesis/synthesis.h"

namespace lutra::synth {

/// Parameters of a specification by name, in table order.
using ParameterValues = std::vector<std::pair<std::string, long>>;

/// One parameter of a multiplier family.
struct FamilyParameter {
  /// A limit at this width, given the values of the parameters that precede in the table.
  using Limit = std::function<long(int width, const ParameterValues& preceding)>;

  std::string name;      ///< in specifications, e.g. "kept_bits"
  std::string rtl_name;  ///< in the RTL, e.g. "KeptBits", or the port that is held at the value
  std::function<long(int width)> default_value;
  Limit minimum;
  Limit maximum;
  std::string depends_on = "";  ///< the preceding parameter that the limits depend on, if any
  bool is_port = false;         ///< `rtl_name` is an input port
};

/// One multiplier of the library.
struct MultiplierFamily {
  std::string name;  ///< e.g. "drum"
  std::string top;   ///< RTL module
  std::string summary;
  std::string good_for;
  std::string source;                  ///< publication
  std::vector<std::string> rtl_files;  ///< in rtl/multipliers
  std::vector<FamilyParameter> parameters;
  int minimum_width;
  int maximum_width;
  bool even_width_only = false;

  /// Every parameter at its default for this width, in table order.
  ParameterValues defaults(int width) const;
};

/// The table of the library; one row a multiplier.
const std::vector<MultiplierFamily>& multiplier_families();

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

/// The RTL behind a specification. Throws as parse_multiplier_spec does.
MultiplierSource library_source(const std::string& spec);

/// The source for a user's own Verilog file or files; the component is named after its top module.
/// @param top  module; empty: the only one with ports that no other instantiates
MultiplierSource verilog_source(const std::vector<std::filesystem::path>& files,
                                const std::string& top = "",
                                Signedness signedness = Signedness::kFind);

/// A multiplier of n x m -> n + m bits made of one whose product has another width, by a shell; of
/// several outputs, the only one of n + m bits is the product, else the only longer one. Bits above
/// n + m, which must say nothing (a simulation of the shell is wrong where they do), are left out;
/// a product of n bits of n x n is taken for the upper half, and zeros stand for the rest. `notes`
/// says what was done.
/// @param ports  of the core's module, as module_ports() gives them
/// @return  the core itself where it fits, and where the ports are no multiplier's
MultiplierSource fitted_source(const MultiplierSource& core, const std::vector<ModulePort>& ports,
                               const std::filesystem::path& work_dir);

/// A signed multiplier from a user's unsigned one of n x n bits: mul_sign_magnitude around the core
/// as fitted_source() makes it, structurally, so that the shell is synthesised with it. Throws
/// Error(kInvalidArgument) where the ports are no such multiplier's.
MultiplierSource sign_magnitude_source(const MultiplierSource& core,
                                       const std::filesystem::path& work_dir);

/// Where the library's RTL lies: $LUTRA_RTL, else the installed one or the rtl folder that Lutra
/// was built from.
std::filesystem::path rtl_directory();

}  // namespace lutra::synth

#endif  // LUTRA_COMPONENT_LIBRARY_H_
