#ifndef LUTRA_SYNTH_SRC_RTL_CHECK_H_
#define LUTRA_SYNTH_SRC_RTL_CHECK_H_

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

/// Simulates the source itself on all operand pairs with Icarus Verilog and compares it with the
/// netlist's table: a second front end's opinion, because Yosys reads some constructs wrongly
/// without a warning. Bits that the source leaves undefined are not compared.
/// @param directory  holds the sources in source/
/// @return  {"result": "equal", "pairs": 65536, "undefined_bits": n, "simulator": ...} or
///          {"result": "not run", "reason": ...} where Icarus is absent or does not take the source
/// Throws Error(kMismatch) with the first pair on which the two disagree.
nlohmann::json check_against_rtl(const MultiplierSource& source, const std::string& top,
                                 const std::vector<VerilogFile>& files,
                                 const std::vector<std::int16_t>& lut,
                                 const std::filesystem::path& directory);

}  // namespace lutra::synth

#endif  // LUTRA_SYNTH_SRC_RTL_CHECK_H_
