#ifndef LUTRA_REPORT_REPORT_H_
#define LUTRA_REPORT_REPORT_H_

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace lutra::report {

/// Chart.js as one file: Debian's libjs-chart.js, or what LUTRA_CHART_JS names.
/// @throws Error kMissingTool when it is absent
std::filesystem::path chart_library();

/// One self-contained page for the result of `lutra study`: no request leaves the browser.
std::string study_page(const nlohmann::json& result);

/// The same for `lutra characterize --sweep`: costs against errors, and the Pareto front.
std::string sweep_page(const nlohmann::json& result);

}  // namespace lutra::report

#endif  // LUTRA_REPORT_REPORT_H_
