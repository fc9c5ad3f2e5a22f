#ifndef LUTRA_COMPONENT_ENERGY_H_
#define LUTRA_COMPONENT_ENERGY_H_

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
/// Throws as EventSimulator does, and Error(kInternal) if a net settles at another value than
/// without delays.
DelayedEnergy delayed_energy(
    const Netlist& netlist, const Liberty& liberty, double input_slew_ns,
    const std::vector<std::size_t>& lengths,
    const std::function<void(NetlistSimulator* simulator, int lane, std::size_t operation)>& drive);

/// Operations of the uniform activity that a component's energy is measured at.
inline constexpr std::size_t kUniformOperations = 65537;

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
  /// The netlist's products of these operations. Throws as measure() does, and
  /// Error(kUnimplemented) on a multiplier with registers.
  std::vector<std::int64_t> products(const std::vector<OperandPair>& consecutive_operations);
  /// The same as measure() with glitches beside it: all operand bits change at once, and each
  /// operation settles before the next. Throws as products(), and as EventSimulator does;
  /// Error(kInternal) if a net settles at another value than without delays.
  GlitchReport measure_glitches(const std::vector<OperandPair>& consecutive_operations);
  /// delayed_energy() of sequences of operations.
  DelayedEnergy measure_sequences(const std::vector<std::vector<OperandPair>>& sequences);

 private:
  struct State;
  void need_combinational(const std::string& what) const;
  /// @param settled  called with the first operation and the number of each batch of lanes
  void check_operands(const std::vector<OperandPair>& operations) const;
  EnergyReport run(const std::vector<OperandPair>& consecutive_operations,
                   const std::function<void(std::size_t, int)>& settled);
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

#endif  // LUTRA_COMPONENT_ENERGY_H_
