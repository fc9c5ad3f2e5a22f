#ifndef LUTRA_NETLIST_LIBERTY_WRITER_H_
#define LUTRA_NETLIST_LIBERTY_WRITER_H_

#include <string>
#include <vector>

#include "lutra/netlist/liberty.h"

namespace lutra::synth {

/// The library written anew, in the plainest form and in the fixed units, with all that the tools
/// read and nothing else; cells that the simulator cannot run are left out. It reads back as the
/// same library.
std::string plain_text(const Liberty& library, LibertyNames names);

/// The same with only the cells of these names, by default under the library's own names.
std::string subset_text(const Liberty& library, const std::vector<std::string>& cell_names,
                        LibertyNames names = LibertyNames::kOwn);

/// The cells as black boxes in Verilog, all of them, under their own names and with supply pins.
std::string verilog_black_boxes(const Liberty& library);

/// Verilog modules, one a cell that the simulator supports, generated from the Liberty functions;
/// no delays, no checks. Flip-flops are `always` blocks. For Verilator and other simulators.
/// @param with_supplies  supply pins are ports, for a netlist that connects them
std::string verilog_cells(const Liberty& library, const std::vector<std::string>& cell_names,
                          bool with_supplies = false);

}  // namespace lutra::synth

#endif  // LUTRA_NETLIST_LIBERTY_WRITER_H_
