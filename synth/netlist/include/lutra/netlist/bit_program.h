#ifndef LUTRA_NETLIST_BIT_PROGRAM_H_
#define LUTRA_NETLIST_BIT_PROGRAM_H_

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lutra/netlist/liberty.h"

namespace lutra::synth {

/// The values of one net in all lanes; lane l is bit l % 64 of word l / 64.
struct alignas(64) LaneBlock {
  static constexpr int kWords = 8;
  static constexpr int kLanes = 64 * kWords;
  std::array<std::uint64_t, kWords> words{};
};

/// Register width of the bit-parallel code: 64, 256 or 512 lanes an instruction.
enum class SimdLevel { kScalar, kAvx2, kAvx512 };

/// The widest level that this processor has (AVX-512 with F, BW, DQ, VL and VPOPCNTDQ), or the
/// one that LUTRA_SIMD names, scalar, avx2 or avx512.
/// Throws Error(kInvalidArgument) where LUTRA_SIMD names none, or one that the processor lacks.
SimdLevel simd_level();

/// "scalar", "avx2", "avx512".
std::string to_string(SimdLevel level);

/// The levels that this processor has, narrowest first.
std::vector<SimdLevel> available_simd_levels();

/// target = table[a, b, c] in every lane: bit 4 a + 2 b + c of the table. An operand that the table
/// does not depend on is a slot like any other.
struct BitOperation {
  std::uint8_t table;
  std::int32_t target, a, b, c;
};
using BitProgram = std::vector<BitOperation>;

/// Appends Boolean functions to a program, as few three-input operations as greedy merging finds.
class BitProgramBuilder {
 public:
  /// @param first_free  slots from here on may be taken for intermediate values
  explicit BitProgramBuilder(int first_free) : next_(first_free) {}

  int new_slot() { return next_++; }
  int slot_count() const { return next_; }

  /// slot(target) = expression.
  void append(const BooleanExpression& expression,
              const std::function<int(const std::string&)>& slot_of, int target,
              BitProgram* program);

 private:
  /// A function of up to three slots that has not been computed yet.
  struct Value {
    std::uint8_t table = 0;
    std::array<int, 3> slots{};
    int count = 0;
  };
  static Value constant(bool value);
  static Value variable(int slot);
  Value combine(BooleanExpression::Op op, Value left, Value right, BitProgram* program);
  void emit(const Value& value, int target, BitProgram* program);

  int next_;
};

/// Runs a program on slots of `Blocks` consecutive LaneBlocks each, Blocks = 1 or 8.
/// @param ones  [program.size()]; to the eight words of entry i, the number of ones in the target
/// of
///              operation i is added, spread over them in any way; nullptr: not counted
template <int Blocks>
void run_program(SimdLevel level, const BitProgram& program, LaneBlock* slots,
                 LaneBlock* ones = nullptr);

/// Transposes sixteen 32x32 bit matrices in place. In: row i is bit plane i, a LaneBlock. Out:
/// rows[j][w] is the value of lane 32 w + j, plane i in its bit i.
void transpose_planes(SimdLevel level, std::uint32_t (*rows)[16]);

}  // namespace lutra::synth

#endif  // LUTRA_NETLIST_BIT_PROGRAM_H_
