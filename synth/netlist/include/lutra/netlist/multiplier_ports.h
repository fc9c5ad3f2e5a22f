#ifndef LUTRA_NETLIST_MULTIPLIER_PORTS_H_
#define LUTRA_NETLIST_MULTIPLIER_PORTS_H_

#include <cstdint>
#include <string>

namespace lutra::synth {

/// An input port beside the operands, held at a value.
struct HeldPort {
  std::string name;
  long value = 0;
  int width = 0;  ///< in bits; 0: not known yet
};

/// Bits of a multiplier's operands; its product has as many as both.
struct OperandWidths {
  OperandWidths(int each) : a(each), b(each) {}  // NOLINT(google-explicit-constructor)
  OperandWidths(int of_a, int of_b) : a(of_a), b(of_b) {}

  int product() const { return a + b; }
  std::uint64_t pairs() const { return std::uint64_t{1} << (a + b); }
  int widest() const { return a > b ? a : b; }
  bool equal() const { return a == b; }
  bool operator==(const OperandWidths& other) const { return a == other.a && b == other.b; }
  bool operator!=(const OperandWidths& other) const { return !(*this == other); }
  /// "8", or "8 x 4" where they differ.
  std::string text() const {
    return equal() ? std::to_string(a) : std::to_string(a) + " x " + std::to_string(b);
  }

  int a;
  int b;
};

}  // namespace lutra::synth

#endif  // LUTRA_NETLIST_MULTIPLIER_PORTS_H_
