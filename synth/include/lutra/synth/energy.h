#ifndef LUTRA_SYNTH_ENERGY_H_
#define LUTRA_SYNTH_ENERGY_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "lutra/synth/component.h"
#include "lutra/synth/netlist_simulator.h"

namespace lutra::synth {

/// Operands of one multiplication; n-bit integers, two's complement for a signed component.
struct OperandPair {
  std::int32_t a = 0;
  std::int32_t b = 0;
};

/// Simulates a component's mapped netlist on operand sequences; see SwitchingActivity for the
/// model.
class EnergyMeter {
 public:
  /// Reads the component's netlist and cells. Throws Error(kUsage) if they are damaged, or if it
  /// has none.
  explicit EnergyMeter(const Component& component);
  ~EnergyMeter();
  EnergyMeter(const EnergyMeter&) = delete;
  EnergyMeter& operator=(const EnergyMeter&) = delete;

  /// Energy of the n - 1 transitions between n consecutive operations; of a multiplier with
  /// latency, of n - 1 clock cycles, flip-flops and the clock input included. Throws Error(kUsage)
  /// on fewer than two operations and on operands outside the component's range.
  EnergyReport measure(const std::vector<OperandPair>& consecutive_operations);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Mean dynamic energy of one operation, in fJ, while the component computes this sequence.
/// Throws as EnergyMeter does. For many sequences an EnergyMeter saves the reading.
double energy_per_op_fj(const Component& component,
                        const std::vector<OperandPair>& consecutive_operations);

/// `count` independent pairs, uniform over all pairs of `width`-bit operands; the same on every
/// machine.
std::vector<OperandPair> uniform_operands(std::size_t count, std::uint64_t seed, int width,
                                          bool is_signed);

}  // namespace lutra::synth

#endif  // LUTRA_SYNTH_ENERGY_H_
