#ifndef LUTRA_COMPONENT_SOURCE_COMPARISON_H_
#define LUTRA_COMPONENT_SOURCE_COMPARISON_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lutra/component/component.h"
#include "lutra/netlist/netlist.h"
#include "lutra/synthesis/verilog_sources.h"

namespace lutra::synth {

/// Up to here, bits of both operands, a netlist is compared with its source on all pairs.
inline constexpr int kExhaustiveComparisonBits = 24;

/// The netlist's products with those of the source. Up to 8 bits all of them by Icarus, which knows
/// undefined bits; up to 12, or where Icarus does not take the source, all of them by Verilator;
/// beyond, or without Verilator, corner values and random pairs by Icarus. Results as
/// check_against_rtl() gives them. Throws Error(kInvalidArgument) where both call the same line
/// illegal.
/// @param products  of all pairs, up to kExhaustiveComparisonBits
/// @param cells     Verilog of library cells that the source instantiates; empty: none
nlohmann::json compare_with_source(const MultiplierSource& source, const VerilogSources& sources,
                                   const Netlist& netlist, OperandWidths widths,
                                   const std::vector<std::uint32_t>& products,
                                   const std::string& cells, const CharacterizeOptions& options);

}  // namespace lutra::synth

#endif  // LUTRA_COMPONENT_SOURCE_COMPARISON_H_
