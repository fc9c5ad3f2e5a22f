#ifndef LUTRA_NETLIST_PRODUCT_SWEEP_H_
#define LUTRA_NETLIST_PRODUCT_SWEEP_H_

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "lutra/netlist/bit_program.h"
#include "lutra/netlist/multiplier_ports.h"
#include "lutra/netlist/netlist.h"

namespace lutra::synth {

/// 512 products of consecutive operand pairs. The pair number i is a << widths.b | b, both operands
/// as bit patterns; products are bit patterns, zero-extended.
struct ProductBlock {
  std::uint64_t first = 0;  ///< pair number of lane 0, a multiple of 512
  int count = 0;            ///< lanes that mean something, 512 but for operands below five bits
  /// products[j][w] is lane 32 w + j
  const std::uint32_t (*products)[16] = nullptr;

  std::uint32_t product(int lane) const { return products[lane % 32][lane / 32]; }
};

/// Products of ranges of pairs, from one netlist; each thread has a pass of its own.
class ProductPass {
 public:
  virtual ~ProductPass() = default;
  virtual SimdLevel level() const = 0;
  /// Pairs first .. first + count - 1, both multiples of 4,096 (or all pairs, if fewer). The
  /// blocks come in order.
  virtual void run(std::uint64_t first, std::uint64_t count,
                   const std::function<void(const ProductBlock&)>& sink) = 0;
  /// Pairs (a, b) with b > a, so far, whose product is not that of (b, a).
  virtual std::uint64_t noncommuting() const = 0;
  /// How often each net was 1 so far, by net number; nets that no cell drives are not counted.
  virtual std::vector<std::uint64_t> ones() const = 0;
};

/// Simulates a combinational multiplier netlist on all 2^(a + b) operand pairs, 4,096 at a time.
/// Operands of 2..16 bits, products of up to 32. Holds slots for the nets that are alive at one
/// time only, so that an 8x8 multiplier stays in the first-level cache.
class ProductSweep {
 public:
  /// @param ports  names of a, b, p
  /// @param held   further input ports and the values at which they are held
  /// Throws Error: kInvalidArgument naming the nets of a combinational loop, kUnimplemented on
  /// flip-flops.
  ProductSweep(const Netlist& netlist, const std::array<std::string, 3>& ports,
               const std::vector<HeldPort>& held = {}, SimdLevel level = simd_level());

  OperandWidths widths() const { return widths_; }
  std::uint64_t pairs() const { return widths_.pairs(); }
  /// Three-input operations a pass.
  int operations() const { return static_cast<int>(program_.size()); }
  SimdLevel level() const { return level_; }

  class Pass : public ProductPass {
   public:
    /// @param count_ones  counts how often each net is 1
    /// @param commuting   compares the product of every pair with that of the swapped pair,
    ///                     where both operands have one width
    explicit Pass(const ProductSweep& sweep, bool count_ones = false, bool commuting = false);

    SimdLevel level() const override { return sweep_.level_; }
    void run(std::uint64_t first, std::uint64_t count,
             const std::function<void(const ProductBlock&)>& sink) override;
    std::uint64_t noncommuting() const override { return noncommuting_; }
    std::vector<std::uint64_t> ones() const override;

   private:
    void set_operands(std::uint64_t first, bool swapped);
    void simulate(std::uint64_t first, bool swapped);
    void keep_products(std::vector<LaneBlock>* products) const;
    void compare_swapped(std::uint64_t first, std::uint64_t last);

    const ProductSweep& sweep_;
    bool commuting_;
    std::uint64_t noncommuting_ = 0;
    bool operands_set_ = false, operands_swapped_ = false;
    std::uint64_t operands_first_ = 0;  ///< what the operands' slots hold
    std::vector<LaneBlock> slots_;
    std::vector<LaneBlock> products_, swapped_;  ///< [bit][kBlocks]
    std::vector<LaneBlock> ones_;                ///< [operation]
  };

 private:
  static constexpr int kBlocks = 8;  ///< LaneBlocks a slot
  static constexpr int kGroupBits = 12;
  static constexpr int kGroup = kBlocks * LaneBlock::kLanes;
  static_assert(kGroup == 1 << kGroupBits);

  SimdLevel level_;
  OperandWidths widths_ = 0;
  int net_count_ = 0;
  BitProgram program_;
  std::vector<int> net_of_operation_;  ///< -1: an intermediate value
  std::vector<int> a_slots_, b_slots_, p_slots_;
  std::vector<int> zero_slots_, one_slots_;  ///< constants and held inputs
  int slot_count_ = 0;
};

}  // namespace lutra::synth

#endif  // LUTRA_NETLIST_PRODUCT_SWEEP_H_
