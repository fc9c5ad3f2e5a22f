#ifndef LUTRA_NETLIST_LIBERTY_READER_H_
#define LUTRA_NETLIST_LIBERTY_READER_H_

#include <optional>
#include <string>
#include <vector>

#include "lutra/netlist/liberty_cell.h"
#include "lutra/netlist/liberty_text.h"

namespace lutra::synth {

/// What a Liberty text says, in fixed units.
struct LibertyContents {
  std::string name;
  double voltage_v = 0;
  LibertyThresholds thresholds;
  std::optional<double> default_max_transition_ns;
  std::vector<LibertyCell> cells;  ///< as they stand in the text; names for tools are empty
};

/// Throws Error(kInvalidArgument) naming file and line.
LibertyContents read_liberty_contents(const LibertyText& text);

}  // namespace lutra::synth

#endif  // LUTRA_NETLIST_LIBERTY_READER_H_
