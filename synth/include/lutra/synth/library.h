#ifndef LUTRA_SYNTH_LIBRARY_H_
#define LUTRA_SYNTH_LIBRARY_H_

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "lutra/synth/component.h"

namespace lutra::synth {

/// One parameter of a multiplier family.
struct FamilyParameter {
  std::string name;      ///< in specifications, e.g. "kept_bits"
  std::string rtl_name;  ///< in the RTL, e.g. "KeptBits"
  long default_value;
  std::function<long(int width)> minimum;
  std::function<long(int width)> maximum;
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
};

/// The table of the library; one row a multiplier.
const std::vector<MultiplierFamily>& multiplier_families();

/// A specification `family[:name=value[,name=value ...]]`, resolved against the table.
struct MultiplierSpec {
  const MultiplierFamily* family = nullptr;
  std::vector<std::pair<std::string, long>> parameters;  ///< all of the family's, in table order
  int width = 8;
  bool is_signed = true;

  /// The shortest specification that means the same, in table order.
  std::string canonical() const;
};

/// Beside the family's own parameters, `width` (4..32) and `signed` (0 or 1) are understood.
/// Throws Error(kUsage) with the legal names or ranges.
MultiplierSpec parse_multiplier_spec(const std::string& spec);

/// The RTL behind a specification. Throws as parse_multiplier_spec does.
MultiplierSource library_source(const std::string& spec);

/// The source for a user's own Verilog file or files: named after the first file's stem.
/// @param top  module; empty: the only module that no other instantiates
MultiplierSource verilog_source(const std::vector<std::filesystem::path>& files,
                                const std::string& top = "", bool is_signed = true);

/// A signed multiplier from a user's unsigned 8-bit one: mul_sign_magnitude around the core, made
/// structurally, so that the shell is synthesised with it.
/// @param core  its `ports` must name a, b and p, and `top` the module; otherwise Error(kUsage)
MultiplierSource sign_magnitude_source(const MultiplierSource& core,
                                       const std::filesystem::path& work_dir);

/// Where the library's RTL lies: $LUTRA_RTL, else the rtl folder that Lutra was built from.
std::filesystem::path rtl_directory();

}  // namespace lutra::synth

#endif  // LUTRA_SYNTH_LIBRARY_H_
