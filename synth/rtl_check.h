#ifndef LUTRA_SYNTH_RTL_CHECK_H_
#define LUTRA_SYNTH_RTL_CHECK_H_

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lutra/synth/component.h"
#include "lutra/synth/pipeline.h"
#include "verilog_sources.h"

namespace lutra::synth {

/// Version of Icarus Verilog as it states it, or "" if it is not on PATH.
std::string iverilog_version();

/// Simulates the source itself with Icarus Verilog and compares it with the netlist's products: a
/// second front end's opinion, because Yosys reads some constructs wrongly without a warning. Bits
/// that the source leaves undefined are not compared.
/// @param source     resolved: top module, ports, clock. With a latency the pairs come in
///                   consecutive cycles
/// @param products   of the netlist, bit patterns, one a pair
/// @param directory  holds the sources in source/ and, for a mapped netlist, its cells in cells.v
/// @return  {"result": "equal", "pairs": n, "undefined_bits": n, "simulator": ...} or
///          {"result": "not run", "reason": ...} where Icarus is absent or does not take the source
/// Throws Error(kMismatch) with the first pair on which the two disagree.
nlohmann::json check_against_rtl(const MultiplierSource& source,
                                 const std::vector<VerilogFile>& files, int width,
                                 const std::vector<PatternPair>& pairs,
                                 const std::vector<std::uint32_t>& products,
                                 const std::filesystem::path& directory);

}  // namespace lutra::synth

#endif  // LUTRA_SYNTH_RTL_CHECK_H_
