#include "source_comparison.h"

#include <fmt/format.h>

#include <string_view>

#include "component_files.h"
#include "lutra/base/error.h"
#include "product_simulation.h"
#include "rtl_check.h"

namespace lutra::synth {
namespace {

using Json = nlohmann::json;

/// `file:line` in "... does not take the source: file:line: message", or "".
std::string refused_line(const std::string& text) {
  constexpr std::string_view kRefusal = "does not take the source: ";
  const std::size_t at = text.find(kRefusal);
  if (at == std::string::npos) return "";
  const std::size_t begin = at + kRefusal.size();
  const std::size_t colon = text.find(':', begin);
  return text.substr(begin, text.find(':', colon + 1) - begin);
}

}  // namespace

Json compare_with_source(const MultiplierSource& source, const VerilogSources& sources,
                         const Netlist& netlist, OperandWidths widths,
                         const std::vector<std::uint32_t>& products, const std::string& cells,
                         const CharacterizeOptions& options) {
  const auto progress = [&](const std::string& simulator) {
    if (!options.progress) return;
    options.progress(fmt::format("{}: comparison with the source ({})", source.name, simulator));
  };
  const auto by_icarus = [&] {
    progress("Icarus Verilog");
    const std::vector<PatternPair> pairs = sample_pairs(widths, options.seed);
    return check_against_rtl(source, sources, widths, pairs,
                             has_table(widths) ? products : simulate_pairs(netlist, source, pairs),
                             cells, options.jobs);
  };
  const auto by_verilator = [&] {
    progress("Verilator");
    return check_all_against_rtl(source, sources, widths, products, cells, options.jobs);
  };
  if (widths.product() > kExhaustiveComparisonBits) return by_icarus();
  const Json first = has_table(widths) ? by_icarus() : by_verilator();
  // What Icarus finds undefined, Verilator would give some value.
  if (first.at("result") != "not checked" || first.contains("undefined_bits")) return first;
  Json second = has_table(widths) ? by_verilator() : by_icarus();
  const std::string reason = first.at("reason").get<std::string>();
  if (second.at("result") == "not checked") {
    const std::string other = second.at("reason").get<std::string>();
    if (!refused_line(reason).empty() && refused_line(reason) == refused_line(other)) {
      throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: only Yosys takes this line; {}; {}",
                                                           refused_line(reason), reason, other));
    }
    second["reason"] = fmt::format("{}; {}", reason, other);
  } else if (second.value("exhaustive", false) == false) {
    second["not_exhaustive_because"] = reason;
  }
  return second;
}

}  // namespace lutra::synth
