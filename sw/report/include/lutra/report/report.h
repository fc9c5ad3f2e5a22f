#ifndef LUTRA_REPORT_REPORT_H_
#define LUTRA_REPORT_REPORT_H_

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace lutra::report {

/// Chart.js as one file: Debian's libjs-chart.js, or what LUTRA_CHART_JS names.
/// @throws Error kMissingTool when it is absent
std::filesystem::path chart_library();

/// One self-contained page for a component, with the error of every product as a map up to 8 bits.
/// No request leaves the browser.
/// @param component  as in component.json
/// @param lut        as synth::Component::lut
std::string component_page(const nlohmann::json& component, const std::vector<std::int16_t>& lut);

/// The same for the result of `lutra study`.
std::string study_page(const nlohmann::json& result);

/// And for `lutra characterize --sweep`: costs against errors, and the Pareto front.
std::string sweep_page(const nlohmann::json& result);

}  // namespace lutra::report

#endif  // LUTRA_REPORT_REPORT_H_
