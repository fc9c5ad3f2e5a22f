#ifndef LUTRA_NETLIST_LIBERTY_WRITER_H_
#define LUTRA_NETLIST_LIBERTY_WRITER_H_

#include <string>
#include <vector>

#include "lutra/netlist/liberty.h"

namespace lutra::synth {

/// The input pins that an output follows at once: those of its function, of a flip-flop's output
/// its clock's.
std::vector<std::string> launching_pins(const LibertyCell& cell, const LibertyPin& output);

/// Times that the library lacks of a cell, so that no path through it can be told: "delay tables
/// from A to Y", "setup time of D"; or empty.
std::string missing_times(const LibertyCell& cell);

/// Whether two definitions of a cell say the same.
bool same_cell(const LibertyCell& a, const LibertyCell& b);

}  // namespace lutra::synth

#endif  // LUTRA_NETLIST_LIBERTY_WRITER_H_
