#ifndef LUTRA_REPORT_REPORT_H_
#define LUTRA_REPORT_REPORT_H_

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

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

/// A result as one self-contained page, by the page that was written for the result's `schema`
/// (sw/report/CMakeLists.txt lists them). No request leaves the browser.
/// @param further  what the page shows beside the result, by name; lutra-characterize: `lut`, the
///                 products as synth::Component::lut, shown as a map up to 8 bits
/// @throws Error kInvalidArgument for a result of a schema, or of a version of it, that no page
/// shows; kUnavailable as chart_library()
std::string page(const nlohmann::json& result, const Made& made,
                 const nlohmann::json& further = nlohmann::json::object());

}  // namespace lutra::report

#endif  // LUTRA_REPORT_REPORT_H_
