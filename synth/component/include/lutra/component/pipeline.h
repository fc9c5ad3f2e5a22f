#ifndef LUTRA_COMPONENT_PIPELINE_H_
#define LUTRA_COMPONENT_PIPELINE_H_

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lutra/netlist/netlist.h"
#include "lutra/netlist/netlist_simulator.h"
#include "lutra/netlist/product_sweep.h"
#include "lutra/synthesis/multiplier_source.h"

namespace lutra::synth {

/// The input of one bit that clocks the flip-flops of a netlist, found from their clock pins
/// backwards; inputs that `source` holds may gate it. `source.clock`, if not empty, is checked
/// instead. Throws Error(kInvalidArgument) where there is no such input, or more than one.
std::string find_clock(const Netlist& netlist, const MultiplierSource& source,
                       const std::string& where);

/// Operands as bit patterns.
struct PatternPair {
  std::uint32_t a, b;
};

/// A multiplier with flip-flops, fed with a new pair of operands every clock cycle: operands that
/// are there before a rising edge give their product after `latency` edges, that edge included.
class Pipeline {
 public:
  static constexpr int kMaxLatency = 64;

  /// The netlist must outlive it.
  /// @param source  with its ports, clock and latency
  Pipeline(const Netlist& netlist, const MultiplierSource& source);

  OperandWidths widths() const { return widths_; }

  /// Compares products of random pairs that are held until they can no longer change with those of
  /// the same pairs in consecutive cycles. Throws Error(kInvalidArgument), naming the latency that
  /// was found, or that there is none (up to kMaxLatency cycles), unless it is the source's.
  /// `where` begins the message.
  void check_latency(std::uint64_t seed, const std::string& where) const;

  /// Products, as bit patterns, of pairs of bit patterns in consecutive cycles of 512 pipelines.
  std::vector<std::uint32_t> products(const std::vector<PatternPair>& pairs) const;

  /// All pairs, 512 pipelines side by side.
  class Pass : public ProductPass {
   public:
    explicit Pass(const Pipeline& pipeline, bool commuting = false);
    SimdLevel level() const override { return simd_level(); }
    void run(std::uint64_t first, std::uint64_t count,
             const std::function<void(const ProductBlock&)>& sink) override;
    std::uint64_t noncommuting() const override { return noncommuting_; }
    /// Signal probabilities are not counted: empty.
    std::vector<std::uint64_t> ones() const override { return {}; }

   private:
    void set_operand(const NetlistPort& port, int shift, std::uint64_t first);
    void stream(std::uint64_t first, std::uint64_t count, bool swapped,
                const std::function<void(const ProductBlock&)>& sink);

    const Pipeline& pipeline_;
    bool commuting_;
    std::uint64_t noncommuting_ = 0;
    NetlistSimulator simulator_;
    std::vector<LaneBlock> lane_bits_;  ///< bits of the lane number
  };

 private:
  NetlistSimulator simulator() const;

  const Netlist& netlist_;
  MultiplierSource source_;
  OperandWidths widths_ = 0;
  const NetlistPort* a_;
  const NetlistPort* b_;
  const NetlistPort* p_;
  const NetlistPort* clock_;
};

}  // namespace lutra::synth

#endif  // LUTRA_COMPONENT_PIPELINE_H_
