#ifndef LUTRA_NETLIST_LIBERTY_CELL_H_
#define LUTRA_NETLIST_LIBERTY_CELL_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lutra/netlist/boolean_expression.h"

namespace lutra::synth {

/// A lookup table over input slew (ns) and output load (fF). An empty axis means that the table
/// does not depend on that quantity.
struct LibertyTable {
  std::vector<double> slew_ns;
  std::vector<double> load_ff;
  std::vector<double> values;  ///< [slew][load]

  bool empty() const { return values.empty(); }
  /// Bilinear interpolation; beyond the axes, linear extrapolation from the outermost cell.
  double lookup(double slew, double load) const;
};

/// A setup, hold, recovery or removal time in ns, over the slews of the related pin (the clock) and
/// of the constrained one. An empty axis: it does not depend on that slew.
struct ConstraintTable {
  std::vector<double> related_ns;
  std::vector<double> constrained_ns;
  std::vector<double> values_ns;  ///< [related][constrained]
};

/// Energy that a cell takes inside itself when a pin changes; tables in fJ a transition. Groups of
/// one supply are alternatives; those of several supplies add up.
struct InternalPower {
  std::string supply;                     ///< related_pg_pin (or power_level); may be empty
  std::vector<std::string> related_pins;  ///< empty: any cause
  std::optional<BooleanExpression> when;
  LibertyTable rise_fj;
  LibertyTable fall_fj;
};

/// What a cell leaks while `when` holds.
struct StateLeakage {
  BooleanExpression when;
  double leakage_nw = 0;
};

/// What a cell takes from one supply; those of several supplies add up.
struct SupplyLeakage {
  std::string supply;                ///< related_pg_pin (or power_level); may be empty
  std::vector<StateLeakage> states;  ///< the first whose condition holds
  double otherwise_nw = 0;           ///< where none holds
};

/// One timing arc to an output: delay from the related pin and slew at the output, in ns. Tables of
/// an edge that the arc does not have are empty; the others have two points at least on both axes.
struct TimingArc {
  enum class Sense { kPositiveUnate, kNegativeUnate, kNonUnate };
  std::vector<std::string> related_pins;  ///< one
  std::string type;                       ///< timing_type; empty: combinational
  Sense sense = Sense::kNonUnate;
  std::optional<BooleanExpression> when;
  LibertyTable rise_delay_ns;
  LibertyTable fall_delay_ns;
  LibertyTable rise_slew_ns;
  LibertyTable fall_slew_ns;

  bool has_slews() const { return !rise_slew_ns.empty() && !fall_slew_ns.empty(); }
};

/// A check at an input, such as setup_rising.
struct ConstraintArc {
  std::string related_pin;
  std::string type;  ///< timing_type
  std::optional<BooleanExpression> when;
  ConstraintTable rise;
  ConstraintTable fall;
};

struct LibertyPin {
  enum class Direction { kInput, kOutput, kInout, kInternal };
  std::string name;
  std::string tool_name;  ///< the name for tools: a plain identifier
  Direction direction = Direction::kInput;
  double capacitance_ff = 0;                  ///< where given by edge only, their mean
  std::optional<double> rise_capacitance_ff;  ///< by edge, as OpenSTA takes it
  std::optional<double> fall_capacitance_ff;
  std::optional<double> max_capacitance_ff;
  std::optional<double> max_transition_ns;
  std::optional<BooleanExpression> function;  ///< of an output
  bool is_clock = false;
  bool three_state = false;
  std::vector<InternalPower> internal_power;
  std::vector<TimingArc> timing_arcs;      ///< of an output
  std::vector<ConstraintArc> constraints;  ///< of an input
};

/// A Liberty `ff` group: an edge-triggered flip-flop.
struct LibertyFlipFlop {
  std::string state;           ///< the name that functions use for the state, e.g. IQ
  std::string inverted_state;  ///< e.g. IQN
  BooleanExpression next_state;
  BooleanExpression clocked_on;  ///< the state is taken when this rises
  std::optional<BooleanExpression> clear;
  std::optional<BooleanExpression> preset;
  bool both_state = false;           ///< state while clear and preset are both active
  bool both_inverted_state = false;  ///< inverted state in the same case
};

struct LibertyCell {
  std::string name;
  std::string tool_name;  ///< the name for tools: a plain identifier
  std::string where;      ///< `file:line` of its group
  double area_um2 = 0;
  double leakage_nw = 0;                      ///< whatever the state
  std::vector<SupplyLeakage> supply_leakage;  ///< by state; empty: leakage_nw in every state
  std::vector<LibertyPin> pins;
  std::vector<std::string> supply_pins;  ///< power and ground: no pins to simulate
  std::optional<LibertyFlipFlop> flip_flop;
  bool dont_use = false;
  std::string unsupported;  ///< why the simulator cannot run it (latch, state table, ...), or empty
  std::size_t begin = 0;    ///< byte range of its group in the library's text
  std::size_t end = 0;

  const LibertyPin* find_pin(std::string_view pin_name) const;
};

/// Percentages of the supply between which a library's delays and slews are measured.
struct LibertyThresholds {
  double input_rise = 50, input_fall = 50, output_rise = 50, output_fall = 50;
  double lower_rise = 20, lower_fall = 20, upper_rise = 80, upper_fall = 80;
  double slew_derate = 1;
};

/// The input pins that an output follows at once: those of its function, of a flip-flop's output
/// its clock's.
std::vector<std::string> launching_pins(const LibertyCell& cell, const LibertyPin& output);

/// Times that the library lacks of a cell, so that no path through it can be told: "delay tables
/// from A to Y", "setup time of D"; or empty.
std::string missing_times(const LibertyCell& cell);

}  // namespace lutra::synth

#endif  // LUTRA_NETLIST_LIBERTY_CELL_H_
