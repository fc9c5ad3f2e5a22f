#ifndef LUTRA_NETLIST_NETLIST_SIMULATOR_H_
#define LUTRA_NETLIST_NETLIST_SIMULATOR_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lutra/netlist/bit_program.h"
#include "lutra/netlist/netlist.h"

namespace lutra::synth {

/// Energy that a netlist took, in fJ, and what it is made of.
struct EnergyReport {
  double input_net_fj = 0;  ///< 1/2 C V^2 a toggle, nets that inputs drive
  double net_fj = 0;        ///< 1/2 C V^2 a toggle, nets that cells drive
  double internal_fj = 0;   ///< Liberty internal power of the cells
  std::uint64_t net_toggles = 0;
  std::uint64_t intervals = 0;  ///< before/after pairs that were compared: lanes x settlements
  double leakage_nw = 0;        ///< mean over the states after the intervals; 0 without any
  double total_fj() const { return input_net_fj + net_fj + internal_fj; }
};

/// Toggles of a netlist's nets, and the energy they mean.
///
/// Model: a net's toggle takes 1/2 C V^2 with C the capacitance of the pins on it (no wires). An
/// output's transition takes the rise or fall energy of its internal power tables, read at one
/// input slew for all and at the net's load; of several tables (related pins, conditions), the mean
/// weighted by how often the related pin changed with the output while the condition held. An
/// input's transition takes the tables of that pin whose condition holds.
///
/// Changes come as whole intervals between settled states (add: zero delay, no glitches), or one by
/// one with their cause (add_change: as an event-driven simulation finds them). A cell leaks what
/// the library says for its settled state, or for the cell where it says nothing of the state.
class SwitchingActivity {
 public:
  /// @param input_slew_ns  slew at which tables are read; Liberty::fanout_of_four_slew_ns() is
  /// usual
  SwitchingActivity(const Netlist& netlist, const Liberty& liberty, double input_slew_ns);

  /// Counts the changes from `before` to `after` in the lanes of `mask`; both are [net] arrays.
  void add(const LaneBlock* before, const LaneBlock* after, const LaneBlock& mask);
  /// Counts one change of a net, and no interval and no leakage.
  /// @param cause   the net whose change made it; the net itself if it is an input
  /// @param values  [net], behind the change: 0 or all ones
  void add_change(int net, int cause, const std::uint64_t* values);
  void add_interval() { ++intervals_; }
  EnergyReport report() const;
  /// Changes of one net so far.
  std::uint64_t toggles(int net) const { return net_rises_[net] + net_falls_[net]; }
  void clear();

 private:
  struct WhenNode {
    BooleanExpression::Op op;
    int left, right, net;
  };
  struct PowerGroup {
    std::vector<int> related_nets;
    std::vector<WhenNode> when;
    double rise_fj = 0;
    double fall_fj = 0;
    std::uint64_t rises = 0;
    std::uint64_t falls = 0;
  };
  struct PinPower {
    int net = 0;
    bool is_output = false;
    std::vector<PowerGroup> groups;
  };
  struct Leakage {
    double base_nw = 0;  ///< in states that no condition covers
    std::vector<double> state_nw;
    std::vector<std::vector<WhenNode>> when;
    std::vector<std::uint64_t> counts;
  };

  /// add() of all lanes, or of the first 64 where `mask` has no others.
  template <typename Value>
  void add_lanes(const LaneBlock* before, const LaneBlock* after, const LaneBlock& mask);

  double voltage_v_;
  std::vector<double> load_ff_;
  std::vector<char> input_net_;
  std::vector<std::uint64_t> net_rises_;
  std::vector<std::uint64_t> net_falls_;
  std::vector<PinPower> pins_;
  std::vector<std::vector<int>> pins_of_net_;  ///< [net], numbers in pins_
  std::vector<Leakage> leakage_;               ///< cells with leakage by state
  double constant_leakage_nw_ = 0;             ///< of the other cells
  std::uint64_t intervals_ = 0;                ///< of add() and add_interval()
  std::uint64_t settled_ = 0;                  ///< of add()
  std::vector<std::uint64_t> scratch_;
};

/// Bit-parallel, levelised, zero-delay simulator of a netlist: 512 independent lanes at a time.
/// Flip-flops start at 0. The netlist and its Liberty library must outlive it.
class NetlistSimulator {
 public:
  static constexpr int kLanes = LaneBlock::kLanes;

  /// Throws Error(kInvalidArgument) naming the nets of a combinational loop.
  explicit NetlistSimulator(const Netlist& netlist);

  /// Drives an input port in one lane, or in all; taken over by the next settle(). Bits above the
  /// port's width are ignored, ports have 64 bits at most (beyond: set_input_bit).
  void set_input(const NetlistPort& port, int lane, std::uint64_t value);
  void set_input_all(const NetlistPort& port, std::uint64_t value);
  void set_input_bit(const NetlistPort& port, int bit, int lane, bool value);
  void set_input_lanes(const NetlistPort& port, int bit, const LaneBlock& lanes);
  /// Value of a port in one lane, zero-extended, the lower 64 bits of it.
  std::uint64_t value(const NetlistPort& port, int lane) const;
  bool value_bit(const NetlistPort& port, int bit, int lane) const;

  /// Takes the inputs over and computes every net. Flip-flops whose clock rises by it take the
  /// next state from the values before.
  void settle();
  /// settle(), then the clock's rise and fall, each settled: one cycle. Inputs set before it are
  /// seen by the rising edge.
  void step(const NetlistPort& clock);
  /// The same where no input has changed since the last settle(), without settling it again.
  void tick(const NetlistPort& clock);
  /// As settle(), for a combinational netlist whose lanes 0..operations-1 are consecutive in time;
  /// lane 0 follows the last lane of the previous call. Only activity differs from settle().
  void settle_sequence(int operations);
  /// All flip-flops and inputs to 0, in all lanes; no activity is counted.
  void reset();

  /// Counts activity into `activity` (nullptr: none) in lanes 0..lanes-1 from now on.
  void count_activity(SwitchingActivity* activity, int lanes = kLanes);

  struct CountedLanes {
    SwitchingActivity* activity;
    LaneBlock lanes;
  };
  /// The same of several groups of lanes, each into its own; not with settle_sequence().
  void count_activity(std::vector<CountedLanes> groups) { counted_ = std::move(groups); }

  const LaneBlock& net(int net) const { return slots_[net]; }
  /// The combinational logic, levelised; slot n < net_count() is net n.
  const BitProgram& combinational() const { return combinational_; }
  int slot_count() const { return static_cast<int>(slots_.size()); }

 private:
  struct FlipFlop {
    int state, inverted, next, clock, clear, preset;
    bool has_clear, has_preset, both_state, both_inverted;
    LaneBlock clock_before;
  };

  void settle_states();

  const Netlist& netlist_;
  SimdLevel level_ = simd_level();
  BitProgram combinational_;
  BitProgram next_state_;
  BitProgram control_;
  std::vector<FlipFlop> flip_flops_;
  std::vector<LaneBlock> slots_;    // nets, then states and temporaries
  std::vector<LaneBlock> pending_;  // [net], only inputs are meaningful
  std::vector<int> input_nets_;
  std::vector<LaneBlock> before_;
  std::vector<char> last_lane_;  // of settle_sequence, [net]
  bool sequence_started_ = false;
  std::vector<CountedLanes> counted_;
};

}  // namespace lutra::synth

#endif  // LUTRA_NETLIST_NETLIST_SIMULATOR_H_
