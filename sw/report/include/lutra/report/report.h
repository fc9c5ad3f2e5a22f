#ifndef LUTRA_REPORT_REPORT_H_
#define LUTRA_REPORT_REPORT_H_

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace lutra::report {

/// Chart.js as one file: Debian's libjs-chart.js, or what LUTRA_CHART_JS names.
/// @throws Error kUnavailable when it is absent
std::filesystem::path chart_library();

/// How a page came about. It is shown there and in no result: those have the same bytes from run to
/// run.
struct Made {
  std::string command;  ///< the command line
  std::string date;
  nlohmann::json versions;  ///< of Lutra and of the tools, by name
};

/// One self-contained page for a component, with the error of every product as a map up to 8 bits.
/// No request leaves the browser.
/// @param component  as in component.json
/// @param lut        as synth::Component::lut
std::string component_page(const nlohmann::json& component, const std::vector<std::int16_t>& lut,
                           const Made& made);

/// The same for the result of `lutra study`.
std::string study_page(const nlohmann::json& result, const Made& made);

/// And for `lutra characterize --sweep`: costs against errors, and the Pareto front.
std::string sweep_page(const nlohmann::json& result, const Made& made);

}  // namespace lutra::report

#endif  // LUTRA_REPORT_REPORT_H_
