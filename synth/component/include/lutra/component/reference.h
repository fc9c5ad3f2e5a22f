#ifndef LUTRA_COMPONENT_REFERENCE_H_
#define LUTRA_COMPONENT_REFERENCE_H_

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "lutra/component/component.h"
#include "lutra/synthesis/multiplier_source.h"

namespace lutra::synth {

/// How a user names a multiplier: a specification of the library (`drum:kept_bits=4`), or a path,
/// with a slash or an ending in it: a Verilog file (`m.v`, `m.v:W=8`, `m.v:signed=0`), a table
/// (`m.bin`, `m.bin:signed=0`), or a component's directory. A directory without a slash is found
/// too, unless the library has a multiplier of that name.
struct MultiplierReference {
  enum class Kind { kLibrary, kVerilog, kTable, kComponent };
  std::string text;  ///< as given
  Kind kind = Kind::kLibrary;
  std::filesystem::path path;                            ///< absolute; of all but the library's
  std::vector<std::pair<std::string, long>> parameters;  ///< of a Verilog file's top module
  Signedness signedness = Signedness::kFind;             ///< `signed=0` or `signed=1`
};

/// @param folder  what relative paths are relative to; empty: the working directory
/// Throws Error(kInvalidArgument) where nothing of that name exists, saying what is read, or the
/// parameters are not `name=integer`.
MultiplierReference parse_reference(const std::string& text,
                                    const std::filesystem::path& folder = "");

/// True for the name of a Verilog file: `.v`, `.sv`, `.vh`, `.svh`.
bool is_verilog_file(const std::filesystem::path& file);

/// Characterises, imports or loads what a reference names.
Component component_of(const MultiplierReference& reference, const VerilogReading& reading,
                       const CharacterizeOptions& options);

/// The same as a signed multiplier: what is unsigned gets the sign-magnitude shell, but for a
/// component's directory, which is an Error(kInvalidArgument).
Component signed_component_of(const MultiplierReference& reference, const VerilogReading& reading,
                              const CharacterizeOptions& options);

}  // namespace lutra::synth

#endif  // LUTRA_COMPONENT_REFERENCE_H_
