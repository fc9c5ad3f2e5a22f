#ifndef LUTRA_COMPONENT_SAIF_H_
#define LUTRA_COMPONENT_SAIF_H_

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "lutra/component/component.h"
#include "lutra/component/energy_meter.h"
#include "lutra/netlist/netlist.h"

namespace lutra::synth {

/// Where a SAIF file's netlist stands, and how its operations follow each other in time.
struct SaifOptions {
  /// Path of the component's instance, `testbench/dut`: an INSTANCE for each part. Empty: the name
  /// of its module.
  std::string scope;
  /// One operation in each period, in ns, whole ps. 0: the least number of whole ns that neither
  /// the component's delay nor, with glitches, the longest settling exceeds.
  double period_ns = 0;
  /// With the library's delays, the first 4,096 transitions, as `glitches` in component.json is
  /// measured; otherwise all transitions at zero delay, as energy_per_op_fj is.
  bool glitches = false;
  /// What the file says of its operands, in one line.
  std::string operands;
};

/// A SAIF file and what is in it.
struct SaifFile {
  std::string text;
  /// `operands`, `transitions`, `period_ns`, `duration_ps`, `scope`, `glitches`,
  /// `net_toggles`, `energy_per_op_fj` (of these transitions).
  nlohmann::json summary;
};

/// Throws Error(kInvalidArgument) for a scope with an empty part, and for a period that is no
/// positive number of whole ps: before the work, for whoever has some.
void check_saif_options(const SaifOptions& options);

/// The activity of a component's netlist.v in a sequence of operations, as SAIF 2.0, backward. The
/// same component and operations give the same bytes: DATE is empty.
///
/// Contents: (INSTANCE scope (NET port bits) (INSTANCE u_mapped (NET nets) (INSTANCE u<n> (NET
/// pins)))). Names are those of netlist.v, a bit of a bus as `p_o\[3\]`; every character but
/// letters, digits and `_` stands behind a backslash. Pins stand in NET groups, since OpenSTA
/// annotates those pins only that a NET group of their instance names. Wires of netlist.v on which
/// nothing is are left out. TIMESCALE is 1 ps; DURATION
/// is the number of transitions times the period, and T0 + T1 of every net; TX, TZ and TB are 0. TC
/// counts what the energy counts. IG, 0 at zero delay, counts the pulses that inertial delay keeps
/// back, which are not in TC. So a power tool's mean power times the period is the energy of an
/// operation.
///
/// Throws as check_saif_options() does, and Error: kInvalidArgument for a component without
/// netlist, fewer than two operations, operands out of range, a period that the settling exceeds;
/// kUnimplemented for glitches of a multiplier with registers. Source: the grammar as the readers
/// and writers of SAIF 2.0 in the field have it (OpenSTA's power/SaifParse.yy; files of commercial
/// simulators); IEEE 1801 has the format in an annex.
SaifFile component_saif(const Component& component,
                        const std::vector<OperandPair>& consecutive_operations,
                        const SaifOptions& options);

/// The same of any netlist.
/// @param period_ps  of which one operation takes one; at least nets.longest_ns
/// @param comments   lines before the file, without the comment sign
std::string saif_text(const Netlist& netlist, const NetActivity& nets, std::uint64_t period_ps,
                      const std::string& scope, const std::vector<std::string>& comments);

/// A name as SAIF has it: special characters behind a backslash; of a name that is a keyword of
/// SAIF, the second character too.
std::string saif_name(std::string_view name);

}  // namespace lutra::synth

#endif  // LUTRA_COMPONENT_SAIF_H_
