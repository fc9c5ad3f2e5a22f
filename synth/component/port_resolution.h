#ifndef LUTRA_COMPONENT_PORT_RESOLUTION_H_
#define LUTRA_COMPONENT_PORT_RESOLUTION_H_

#include <array>
#include <string>
#include <vector>

#include "lutra/component/component.h"
#include "lutra/netlist/netlist.h"
#include "lutra/synthesis/multiplier_source.h"
#include "lutra/synthesis/synthesis.h"
#include "lutra/synthesis/verilog_sources.h"

namespace lutra::synth {

/// The clock of a multiplier with latency, "" of one without. Throws Error where the netlist has
/// registers and the source no latency, or the other way round; `where` begins the message.
std::string resolve_clock(const Netlist& netlist, const MultiplierSource& source,
                          const std::string& where);

/// Ports a, b, p of a multiplier: those that the source names, or else found by direction and
/// width. Throws Error, with all ports in its text, where they are not n x m -> n + m bits
/// of 2..16.
/// @param all  ports of the module
std::array<std::string, 3> find_ports(const std::string& module,
                                      const std::vector<NetlistPort>& all,
                                      const MultiplierSource& source, const std::string& where);

/// The ports as the source declares them; none of a mapped netlist, and of a source whose ports and
/// widths are known. Operands that are too wide are refused before anything that takes time; other
/// faults of ports are told from the netlist.
std::vector<ModulePort> declared_ports(const MultiplierSource& source,
                                       const VerilogSources& sources);

/// Refuses operands that are too wide, and others than those that are needed, before the work.
void check_widths(const std::string& name, const OperandWidths& found,
                  const CharacterizeOptions& options);

/// The widths of two inputs, of which all else is made; 0 where others are there.
OperandWidths declared_widths(const std::vector<ModulePort>& ports);

}  // namespace lutra::synth

#endif  // LUTRA_COMPONENT_PORT_RESOLUTION_H_
