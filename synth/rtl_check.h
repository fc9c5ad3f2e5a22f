#ifndef LUTRA_SYNTH_RTL_CHECK_H_
#define LUTRA_SYNTH_RTL_CHECK_H_

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lutra/synth/component.h"
#include "verilog_sources.h"

namespace lutra::synth {

/// Version of Icarus Verilog as it states it, or "" if it is not on PATH.
std::string iverilog_version();

/// Operands as bit patterns.
struct CheckedPair {
  std::uint32_t a, b;
};

/// Simulates the source itself with Icarus Verilog and compares it with the netlist's products: a
/// second front end's opinion, because Yosys reads some constructs wrongly without a warning. Bits
/// that the source leaves undefined are not compared.
/// @param products   of the netlist, bit patterns, one a pair
/// @param directory  holds the sources in source/
/// @return  {"result": "equal", "pairs": n, "undefined_bits": n, "simulator": ...} or
///          {"result": "not run", "reason": ...} where Icarus is absent or does not take the source
/// Throws Error(kMismatch) with the first pair on which the two disagree.
nlohmann::json check_against_rtl(const MultiplierSource& source, const std::string& top,
                                 const std::vector<VerilogFile>& files, int width,
                                 const std::vector<CheckedPair>& pairs,
                                 const std::vector<std::uint32_t>& products,
                                 const std::filesystem::path& directory);

}  // namespace lutra::synth

#endif  // LUTRA_SYNTH_RTL_CHECK_H_
