#ifndef LUTRA_COMPONENT_ENERGY_METER_H_
#define LUTRA_COMPONENT_ENERGY_METER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lutra/component/component.h"
#include "lutra/netlist/liberty.h"
#include "lutra/netlist/netlist.h"
#include "lutra/netlist/netlist_simulator.h"

namespace lutra::synth {

/// Operands of one multiplication; n-bit integers, two's complement for a signed component.
struct OperandPair {
  std::int32_t a = 0;
  std::int32_t b = 0;
};

/// What each net of a netlist did in a sequence of operations, one a period, and the energy of the
/// same transitions. A net's time at 1 is high_halves / 2 periods + extra_high_fs.
struct NetActivity {
  std::vector<std::uint64_t> toggles;       ///< [net]
  std::vector<std::uint64_t> high_halves;   ///< [net] half periods that it is settled at 1
  std::vector<std::int64_t> extra_high_fs;  ///< [net] of its delays; 0 without delays
  std::vector<std::uint64_t> cancelled;     ///< [net] pulses kept back (EventRecord); 0 likewise
  EnergyReport energy;
  double longest_ns = 0;  ///< from the operands' change to the last change of a net; 0 likewise
};

/// The same operations twice: at zero delay, and with the library's delays.
struct GlitchReport {
  EnergyReport settled;
  EnergyReport delayed;
  double longest_ns = 0;           ///< from the operands' change to the last change of a net
  std::uint64_t checked_nets = 0;  ///< settled values that were compared between the two

  /// Toggles with delays over toggles without; 1 where nothing toggles.
  double factor() const;
  /// The same of the energy.
  double energy_factor() const;
};

/// Energy with the library's delays, glitches included.
struct DelayedEnergy {
  EnergyReport energy;             ///< of the transitions within the sequences
  double longest_ns = 0;           ///< from the inputs' change to the last change of a net
  std::uint64_t checked_nets = 0;  ///< settled values that were compared with those without delays
};

/// Energy of sequences of consecutive operations of a combinational netlist, event by event; the
/// change from one sequence to the next does not count.
/// @param lengths  operations of each sequence
/// @param drive    sets the inputs of an operation, counted over all sequences, in a lane
/// @param nets     what each net did; nullptr: nobody asks
/// Throws as EventSimulator does, and Error(kInternal) if a net settles at another value than
/// without delays.
DelayedEnergy delayed_energy(
    const Netlist& netlist, const Liberty& liberty, double input_slew_ns,
    const std::vector<std::size_t>& lengths,
    const std::function<void(NetlistSimulator* simulator, int lane, std::size_t operation)>& drive,
    NetActivity* nets = nullptr);

/// Operations of the uniform activity that a component's energy is measured at.
inline constexpr std::size_t kUniformOperations = 65537;
/// The first operations of a sequence, which are simulated with delays for `glitches`.
inline constexpr std::size_t kGlitchOperations = 4097;

/// Simulates a component's mapped netlist on operand sequences; see SwitchingActivity for the model
/// of energy, EventSimulator for that of delays.
class EnergyMeter {
 public:
  /// Reads the component's netlist and cells. Throws Error(kInvalidArgument) if they are damaged,
  /// or if it has none.
  explicit EnergyMeter(const Component& component);
  ~EnergyMeter();
  EnergyMeter(const EnergyMeter&) = delete;
  EnergyMeter& operator=(const EnergyMeter&) = delete;

  /// Energy of the n - 1 transitions between n consecutive operations; of a multiplier with
  /// latency, of n - 1 clock cycles, flip-flops and the clock input included. Throws
  /// Error(kInvalidArgument) on fewer than two operations and on operands outside the component's
  /// range.
  EnergyReport measure(const std::vector<OperandPair>& consecutive_operations);
  bool has_registers() const;
  const Netlist& netlist() const;
  /// The nets in the transitions of measure(), at zero delay. Of a multiplier with latency the
  /// clock rises at the beginning of a cycle, with the new operands, and falls in its middle.
  /// Throws as measure() does.
  NetActivity net_activity(const std::vector<OperandPair>& consecutive_operations);
  /// The nets in the transitions of measure_glitches(), with delays. Throws as that does.
  NetActivity delayed_net_activity(const std::vector<OperandPair>& consecutive_operations);
  /// The netlist's products of these operations. Throws as measure() does, and
  /// Error(kUnimplemented) on a multiplier with registers.
  std::vector<std::int64_t> products(const std::vector<OperandPair>& consecutive_operations);
  /// The same as measure() with glitches beside it: all operand bits change at once, and each
  /// operation settles before the next. Throws as products(), and as EventSimulator does;
  /// Error(kInternal) if a net settles at another value than without delays.
  GlitchReport measure_glitches(const std::vector<OperandPair>& consecutive_operations);
  /// delayed_energy() of sequences of operations. Any number of threads may ask.
  DelayedEnergy measure_sequences(const std::vector<std::vector<OperandPair>>& sequences,
                                  NetActivity* nets = nullptr) const;

 private:
  struct State;
  void need_combinational(const std::string& what) const;
  void need_transitions(std::size_t operations) const;
  void check_operands(const std::vector<OperandPair>& operations) const;
  /// @param settled  called with the first operation and the number of each batch of lanes
  /// @param nets     what each net did; nullptr: nobody asks
  EnergyReport run(const std::vector<OperandPair>& consecutive_operations,
                   const std::function<void(std::size_t, int)>& settled,
                   NetActivity* nets = nullptr);
  std::unique_ptr<State> state_;
};

/// A sequence's figures as component.json has them, means over its transitions: `energy_per_op_fj`
/// at zero delay, `energy_parts_fj`, `net_toggles_per_op`, `leakage_nw` over the settled states,
/// and `glitches` of its first 4,096 transitions, whose `energy_per_op_fj` is that of the whole
/// sequence times the sample's `energy_factor`; null for a multiplier with registers. Throws as
/// measure() does.
nlohmann::json energy_json(EnergyMeter* meter,
                           const std::vector<OperandPair>& consecutive_operations);

/// Mean dynamic energy of one operation, in fJ, while the component computes this sequence.
/// Throws as EnergyMeter does. For many sequences an EnergyMeter saves the reading.
double energy_per_op_fj(const Component& component,
                        const std::vector<OperandPair>& consecutive_operations);

/// `count` independent pairs, uniform over all pairs of operands of these widths; the same on every
/// machine.
std::vector<OperandPair> uniform_operands(std::size_t count, std::uint64_t seed,
                                          OperandWidths widths, bool is_signed);

}  // namespace lutra::synth

#endif  // LUTRA_COMPONENT_ENERGY_METER_H_
