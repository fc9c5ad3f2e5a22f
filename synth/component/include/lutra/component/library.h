#ifndef LUTRA_COMPONENT_LIBRARY_H_
#define LUTRA_COMPONENT_LIBRARY_H_

#include <filesystem>
#include <string>
#include <vector>

#include "lutra/component/component.h"
#include "lutra/component/multiplier_family.h"
#include "lutra/component/specification.h"
#include "lutra/synthesis/synthesis.h"

namespace lutra::synth {

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
