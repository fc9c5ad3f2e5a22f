#ifndef LUTRA_COMPONENT_PRODUCT_SIMULATION_H_
#define LUTRA_COMPONENT_PRODUCT_SIMULATION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "lutra/component/error_metrics.h"
#include "lutra/component/pipeline.h"
#include "lutra/netlist/netlist.h"
#include "lutra/synthesis/multiplier_source.h"

namespace lutra::synth {

/// Value of a product's bit pattern.
std::int64_t product_value(std::uint32_t pattern, OperandWidths widths, bool is_signed);

/// The netlist's products of these pairs of bit patterns.
/// @param source  with its ports, held inputs, clock and latency
std::vector<std::uint32_t> simulate_pairs(const Netlist& netlist, const MultiplierSource& source,
                                          const std::vector<PatternPair>& pairs);

/// Errors, and products if asked for, over all operand pairs of a netlist.
ExhaustiveRun simulate_all_pairs(const Netlist& netlist, const MultiplierSource& source,
                                 const ExhaustiveOptions& options);

/// The pairs that a multiplier is judged by where not all are simulated: all of them where there is
/// a table; otherwise corner values with each other, then random pairs.
std::vector<PatternPair> sample_pairs(OperandWidths widths, std::uint64_t seed);

/// How the operands are read, and what says so.
struct SignednessFound {
  bool is_signed = true;
  std::string from;  ///< "ports", "option" or "data"
  std::string warning;
};

/// `signed` at the ports decides, else the option, else the reading with the lesser error.
/// @param products  of the pairs, bit patterns
SignednessFound find_signedness(const MultiplierSource& source, bool signed_ports,
                                OperandWidths widths, const std::vector<PatternPair>& pairs,
                                const std::vector<std::uint32_t>& products,
                                const std::string& where);

}  // namespace lutra::synth

#endif  // LUTRA_COMPONENT_PRODUCT_SIMULATION_H_
