#ifndef LUTRA_SYNTHESIS_LIBRARY_CHECK_H_
#define LUTRA_SYNTHESIS_LIBRARY_CHECK_H_

#include <string>

#include "lutra/netlist/liberty.h"

namespace lutra::synth {

/// Whether Yosys and abc can map to a library: it holds an inverter, a buffer and an AND, OR, NAND
/// or NOR of two inputs, with areas and delay tables. Throws Error(kInvalidArgument) that names the
/// library and what it lacks. Constants need no cells: a netlist holds them as they are.
void check_library(const Liberty& library);

/// What a library lacks that registers could be mapped to, where Yosys has found nothing: a
/// flip-flop, its times, or one of the kind that the design needs.
std::string lacking_flip_flop(const Liberty& library);

}  // namespace lutra::synth

#endif  // LUTRA_SYNTHESIS_LIBRARY_CHECK_H_
