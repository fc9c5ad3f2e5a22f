#ifndef LUTRA_COMPONENT_RTL_CHECK_H_
#define LUTRA_COMPONENT_RTL_CHECK_H_

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lutra/component/component.h"
#include "lutra/component/pipeline.h"
#include "lutra/netlist/netlist.h"
#include "lutra/synthesis/verilog_sources.h"

namespace lutra::synth {

/// Version of Icarus Verilog as it states it, or "" if it is not on PATH.
std::string iverilog_version();

/// Simulates the source itself with Icarus Verilog and compares it with the netlist's products: a
/// second front end's opinion, because Yosys reads some constructs wrongly without a warning. Bits
/// that the source leaves undefined are not compared, and counted. The bench waits far longer than
/// any delay in a source, and reports through a file under a name that no source can know.
/// @param source    resolved: top module, ports, clock. With a latency the pairs come in
///                  consecutive cycles
/// @param products  of the netlist, bit patterns, one a pair
/// @param cells     Verilog of library cells that the source instantiates; empty: none
/// @param jobs      processes at a time; 0: all cores
/// @return  one of
///     {"result": "equal", "pairs": n, "exhaustive", "undefined_bits", "undefined_products",
///      "simulator"}: every bit of the product was compared, on all pairs or some
///     {"result": "different", "reason": with the first pair, ...}
///     {"result": "not checked", "reason"}: no Icarus, a source that it does not take, a limit, or
///     a bit of the product that is undefined on every pair
nlohmann::json check_against_rtl(const MultiplierSource& source, const VerilogSources& sources,
                                 OperandWidths widths, const std::vector<PatternPair>& pairs,
                                 const std::vector<std::uint32_t>& products,
                                 const std::string& cells, int jobs);

/// Version of Verilator as it states it, or "" if it is not on PATH.
std::string verilator_version();

/// The same for all pairs, with the source verilated: 2^24 in about a second, after some seconds
/// of compiling. Verilator knows no undefined bits: pairs on which it and the netlist differ are
/// put to Icarus. A netlist is verilated only if Verilator gives no UNOPTFLAT, its one hint that it
/// may compute an output vector wrongly that is read back and driven through a concatenation.
/// @param products  [pair number]
nlohmann::json check_all_against_rtl(const MultiplierSource& source, const VerilogSources& sources,
                                     OperandWidths widths,
                                     const std::vector<std::uint32_t>& products,
                                     const std::string& cells, int jobs);

/// A SAT proof (abc's cec) that the netlist is the source as Yosys reads it, over all operands and
/// held inputs: it covers mapping, not Yosys' reading of the language.
/// @param limit_s    for reading both, and then for the proof
/// @param directory  holds netlist.v and cells.v
/// @return  {"result": "proved", "refuted", "different", "undecided" (within the limit) or "not
///          checked", "limit_s", and "reason" or "counterexample"}. Refuted means that the source
///          leaves the product of the counterexample undefined, different that Icarus confirms it
///          or can say nothing about it
nlohmann::json prove_against_rtl(const MultiplierSource& source, const VerilogSources& sources,
                                 const Netlist& netlist, const std::string& cells, int limit_s,
                                 const std::filesystem::path& directory);

}  // namespace lutra::synth

#endif  // LUTRA_COMPONENT_RTL_CHECK_H_
