#include "lutra/report/report.h"

#include <cstdlib>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/report/templates.h"

namespace lutra::report {
namespace {

void replace(std::string* text, const std::string& mark, const std::string& value) {
  const size_t at = text->find(mark);
  if (at == std::string::npos) {
    throw Error(ErrorKind::kInternal, "the page's template lacks " + mark);
  }
  text->replace(at, mark.size(), value);
}

/// Keeps "</script>" and "<!--" in names from ending the script element that holds them.
std::string for_script(std::string text) {
  for (size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at + 1)) {
    text.replace(at, 1, "\\u003c");
  }
  return text;
}

/// The page that was written for results of this schema.
const Page& page_of(const std::string& schema) {
  std::string known;
  for (const Page& page : kPages) {
    if (schema == page.schema) return page;
    known += (known.empty() ? "" : ", ") + std::string(page.schema);
  }
  throw Error(ErrorKind::kInvalidArgument, "no page shows a result of schema " +
                                               (schema.empty() ? "\"\"" : schema) +
                                               ", expected one of: " + known);
}

}  // namespace

std::filesystem::path chart_library() {
  const char* named = std::getenv("LUTRA_CHART_JS");
  const std::filesystem::path path = named ? named : "/usr/share/javascript/chart.js/chart.min.js";
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorKind::kUnavailable,
                path.string() +
                    ": not found; install Debian's package libjs-chart.js or set "
                    "LUTRA_CHART_JS");
  }
  return path;
}

std::string page(const nlohmann::json& result, const Made& made, const nlohmann::json& further) {
  const auto schema = result.find("schema");
  const Page& parts = page_of(
      schema != result.end() && schema->is_string() ? schema->get<std::string>() : std::string());
  const nlohmann::json data = {
      {"result", result},
      {"further", further},
      {"made", {{"command", made.command}, {"date", made.date}, {"versions", made.versions}}}};
  std::string text = kShell;
  // The data last: it may contain anything.
  replace(&text, "@TITLE@", parts.title);
  replace(&text, "@STYLE@", kStyle);
  replace(&text, "@MAIN@", parts.main);
  replace(&text, "@HELPERS@", kHelpers);
  replace(&text, "@SCRIPT@", parts.script);
  replace(&text, "@CHART_JS@", base::read_file(chart_library()));
  replace(&text, "@DATA@",
          for_script(data.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
  return text;
}

}  // namespace lutra::report
