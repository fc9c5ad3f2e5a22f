// The report opens in a browser: both charts have ink, every row arrives, nothing throws, and
// nothing is fetched. The page counts its own pixels and says so in attributes of its root element.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <regex>
#include <sstream>
#include <tuple>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/component/component.h"
#include "lutra/report/report.h"
#include "lutra/system/tool.h"

namespace lutra::report {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kLeastInk = 2000;  // pixels of a chart that hold axes, names and marks
constexpr const char* kHostile = "</script><script>alert(1)</script><!-- <b>&amp;\"'`${x}";

const Made kMade = {
    "lutra study 'a b.toml'", "2026-11-28 12:00 UTC", {{"lutra", "0.1.0"}, {"yosys", "0.23"}}};

json component(const std::string& name, double area) {
  return {
      {"name", name},
      {"area_um2", area},
      {"delay_ns", 3.4},
      {"leakage_nw", 12.5},
      {"energy_per_op_fj", 5100.5},
      {"glitches", {{"energy_per_op_fj", 9100.5}, {"energy_factor", 1.78}}},
      {"signed", true},
      {"signed_from", "ports"},
      {"rtl_check", {{"result", "not checked"}, {"reason", "a reason " + std::string(kHostile)}}},
      {"errors", {{"mae", 1.5}, {"wce", 60}, {"ep", 0.7}, {"mre_nonzero", 0.03}, {"bias", -0.25}}}};
}

json row(const std::string& label, double accuracy, double energy_nj) {
  return {{"label", label},
          {"assignment", {{"conv1.mac", label}}},
          {"accuracy", accuracy},
          {"energy_per_inference_nj", energy_nj},
          {"multiply_energy_nj", 0.4 * energy_nj},
          {"is_exact_design", label == "exact"},
          {"accuracy_interval", {accuracy - 0.01, accuracy + 0.01}},
          {"accuracy_loss", 0.9 - accuracy},
          {"accuracy_loss_interval", {0.895 - accuracy, 0.905 - accuracy}},
          {"multiply_saving", 0.1},
          {"multiply_saving_interval", {0.05, 0.15}},
          {"energy_saving", 0.04},
          {"saving_split", {{"representation", 0.2}, {"approximation", 0.1}}},
          {"energy_terms",
           {{{"kind", "multiply"}, {"operation", "conv1.mac"}, {"energy_nj", 0.4 * energy_nj}},
            {{"kind", "scratchpad"}, {"operation", ""}, {"energy_nj", 0.6 * energy_nj}}}},
          {"area_um2", 1.1e6},
          {"delay_ns", 3.4},
          {"cosim", nullptr}};
}

/// A result as `lutra study` makes it: three rows, one of whose names tries to leave its element.
json study() {
  json result = {
      {"schema", "lutra-study-1"},
      {"name", "A study of " + std::string(kHostile)},
      {"model", "capsnet-edge"},
      {"data", "fashion-mnist test"},
      {"images", 10000},
      {"energy_images", 16},
      {"baseline", {{"name", "exact"}}},
      {"rows",
       {row("exact", 0.9, 90000), row("drum:kept_bits=4", 0.89, 70000), row(kHostile, 0.7, 60000)}},
      {"reference", 0},
      {"chosen", 1},
      {"routing", {{"routed", 0.9}, {"uniform", 0.8}, {"shuffled", 0.6}}},
      {"components", {component("exact", 4200), component(kHostile, 3100)}},
      {"liberty", {{"name", "osu018_stdcells.lib"}, {"sha256", "00"}}},
      {"memory_costs", {{"source", "stated"}}},
      {"versions", {{"lutra", "0.1.0"}, {"yosys", "0.23"}}},
      {"seed", 1},
      {"configuration", {{"name", kHostile}, {"choice", {{"max_accuracy_loss", 0.01}}}}}};
  result["rows"][1]["cosim"] = {
      {"verdict", "match"},
      {"images", 2},
      {"checked", 140000},
      {"mismatches", 0},
      {"cycles", 120000},
      {"macs", 8206848},
      {"steps", {{{"step", "conv1.mac"}, {"checked", 100}, {"mismatches", 0}}}},
      {"first_mismatches", json::array()},
      {"tables_for_rtl", {kHostile}},
      {"rerun", "lutra cosim"}};
  return result;
}

/// A result as `lutra characterize --sweep` makes it.
json sweep() {
  json result = {{"schema", "lutra-sweep-1"},
                 {"rows", json::array()},
                 {"liberty", {{"name", "osu018_stdcells.lib"}, {"sha256", "00"}}},
                 {"versions", {{"yosys", "0.23"}}},
                 {"seed", 1}};
  for (const auto& [name, area, error] : {std::tuple{"exact", 4200.0, 0.0},
                                          {"drum:kept_bits=4", 3100.0, 0.02},
                                          {"dearer:and=worse", 5000.0, 0.03},
                                          {kHostile, 2500.0, 0.2}}) {
    json row = component(name, area);
    row["energy_per_op_fj"] = area;
    row["rtl_check"] = "equal";
    row["errors"].update({{"mse", 10 * error},
                          {"nmed", error},
                          {"std_dev", error},
                          {"wcre_nonzero", error},
                          {"hd", 1000 * error},
                          {"mre_nonzero", error}});
    result["rows"].push_back(row);
  }
  return result;
}

/// A component of n-bit operands whose products are too large by 3 where the first operand is odd.
synth::Component errs_on_odd(int width, bool is_signed) {
  synth::Component result;
  result.widths = width;
  result.is_signed = is_signed;
  const int size = 1 << width;
  const int offset = is_signed ? size / 2 : 0;
  for (int a = 0; a < size; ++a) {
    for (int b = 0; b < size; ++b) {
      const int x = a >= size - offset ? a - size : a;
      const int y = b >= size - offset ? b - size : b;
      result.lut.push_back(static_cast<int16_t>(x * y + (a % 2 == 1 ? 3 : 0)));
    }
  }
  synth::ErrorMetrics errors;
  errors.ep = 0.5;
  errors.histogram_positive[1] = result.lut.size() / 2;
  result.json = component(kHostile, 4200);
  result.json.update({{"schema", "lutra-characterize-1"},
                      {"width_a", width},
                      {"width_b", width},
                      {"signed", is_signed},
                      {"liberty", "osu018_stdcells.lib"},
                      {"errors", synth::to_json(errors)}});
  return result;
}

/// What a browser made of a page.
struct Opened {
  std::string dom;
  std::optional<std::string> attribute(const std::string& name) const {
    std::smatch match;
    const std::regex wanted("<html[^>]* " + name + "=\"([^\"]*)\"");
    if (!std::regex_search(dom, match, wanted)) return std::nullopt;
    return match[1].str();
  }
};

/// Reasons why a page is not what `rows` rows should give; empty: it is.
std::vector<std::string> faults(const Opened& page, int rows, int charts = 2) {
  std::vector<std::string> result;
  if (const auto error = page.attribute("data-error"))
    result.push_back("a script threw: " + *error);
  const auto points = page.attribute("data-points");
  if (points.value_or("none") != std::to_string(rows)) {
    result.push_back("data-points is " + points.value_or("absent"));
  }
  const auto inked = page.attribute("data-inked");
  if (!inked) {
    result.push_back("data-inked is absent");
  } else {
    std::istringstream counts(*inked);
    for (int chart = 0; chart < charts; ++chart) {
      long count = 0;
      counts >> count;
      std::printf("inked=%ld\n", count);
      if (count < kLeastInk) {
        result.push_back("a chart is blank: " + *inked);
        break;
      }
    }
  }
  return result;
}

class StudyPage : public testing::Test {
 protected:
  void SetUp() override {
    try {
      synth::run_tool({"chromium", "--version"}, work_.path(), "chromium");
    } catch (const Error& error) {
      GTEST_SKIP() << error.what();
    }
    try {
      chart_library();
    } catch (const Error& error) {
      GTEST_SKIP() << error.what();
    }
  }

  Opened open(const std::string& html) {
    const fs::path page = work_.path() / ("page" + std::to_string(++pages_) + ".html");
    base::write_file(page, html);
    const fs::path profile = work_.path() / ("profile" + std::to_string(pages_));
    synth::ToolLimits limits(120);
    limits.memory_mib = std::size_t{1} << 26;  // a browser reserves far more than it uses
    const auto process = synth::run_tool(
        {"chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--virtual-time-budget=5000", "--user-data-dir=" + profile.string(), "--dump-dom",
         "file://" + page.string()},
        work_.path(), "chromium", limits);
    EXPECT_EQ(process.status, 0) << process.output;
    EXPECT_NE(process.output.find("<html"), std::string::npos) << process.output;
    return {process.output};
  }

  base::PrivateDirectory work_{fs::temp_directory_path()};
  int pages_ = 0;
};

TEST_F(StudyPage, DrawsEveryRowAndBothCharts) {
  const Opened opened = open(page(study(), kMade));
  for (const std::string& fault : faults(opened, 3)) ADD_FAILURE() << fault;
  // The tables hold what the result holds: rows of assignments and components.
  for (const char* part : {"drum:kept_bits=4", "osu018_stdcells.lib", "140,000 elements compared",
                           "90.00 %", "1,100,000", "89.00 to 91.00", "5.0 to 15.0", "20.0 + 10.0 %",
                           "not checked: a reason", "match (2 images; a table for RTL)",
                           "exact (baseline)", "lutra study 'a b.toml'", "2026-11-28 12:00 UTC"}) {
    EXPECT_NE(opened.dom.find(part), std::string::npos) << part;
  }
}

// A row without a netlist is in the table of assignments, and in no chart.
TEST_F(StudyPage, UnknownEnergiesAreNoZeros) {
  json result = study();
  json& row = result["rows"][2];
  for (const char* figure :
       {"energy_per_inference_nj", "multiply_energy_nj", "multiply_saving",
        "multiply_saving_interval", "energy_saving", "saving_split", "area_um2", "delay_ns"}) {
    row[figure] = nullptr;
  }
  row["energy_terms"] = json::array();
  const Opened opened = open(page(result, kMade));
  for (const std::string& fault : faults(opened, 3)) ADD_FAILURE() << fault;
  EXPECT_NE(
      opened.dom.find("<td>20.00 (19.50 to "
                      "20.50)</td><td>–</td><td>–</td><td>–</td><td>–</td><td>–</td><td>–</td>"),
      std::string::npos);
}

TEST_F(StudyPage, ShowsAHostileNameAsText) {
  const Opened opened = open(page(study(), kMade));
  EXPECT_EQ(faults(opened, 3), std::vector<std::string>{});
  // Neither a script element nor a comment or a tag came of it: the name is seen, escaped.
  EXPECT_EQ(opened.dom.find("<script>alert(1)"), std::string::npos);
  EXPECT_NE(opened.dom.find("<td>&lt;/script&gt;&lt;script&gt;alert(1)"), std::string::npos);
  EXPECT_EQ(opened.dom.find("<b>&amp;amp;"), std::string::npos);
}

TEST_F(StudyPage, AThrowingScriptIsSeen_bad) {
  std::string html = page(study(), kMade);
  const std::string mark = "const exact = rows[result.reference];";
  const size_t at = html.find(mark);
  ASSERT_NE(at, std::string::npos);
  html.replace(at, mark.size(), mark + " throw new Error(\"thrown by the test\");");
  const Opened opened = open(html);
  EXPECT_NE(opened.attribute("data-error").value_or("").find("thrown by the test"),
            std::string::npos);
  EXPECT_GE(faults(opened, 3).size(), 2u);
}

TEST_F(StudyPage, AnEmptyStudyIsSeen_bad) {
  json empty = study();
  empty["rows"] = json::array();
  EXPECT_FALSE(faults(open(page(empty, kMade)), 3).empty());
}

TEST_F(StudyPage, ABlankChartIsSeen_bad) {
  std::string html = page(study(), kMade);
  const std::string mark = "document.documentElement.setAttribute(\"data-inked\"";
  const size_t at = html.find(mark);
  ASSERT_NE(at, std::string::npos);
  html.insert(at, "$(\"energy\").width = $(\"energy\").width;\n");  // clears the canvas
  const auto found = faults(open(html), 3);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NE(found[0].find("blank"), std::string::npos) << found[0];
}

TEST_F(StudyPage, ASweepDrawsItsParetoFront) {
  const Opened opened = open(page(sweep(), kMade));
  for (const std::string& fault : faults(opened, 4, 1)) ADD_FAILURE() << fault;
  EXPECT_NE(opened.dom.find("3 of 4 are on the front"), std::string::npos);
  // In the table of all and, but for the one that is dearer and worse, in that of the front.
  const auto count = [&](const std::string& cell) {
    int found = 0;
    for (size_t at = opened.dom.find(cell); at != std::string::npos;
         at = opened.dom.find(cell, at + 1))
      ++found;
    return found;
  };
  EXPECT_EQ(count("<td>drum:kept_bits=4</td>"), 2);
  EXPECT_EQ(count("<td>9,101</td>"), 4 + 3) << "energy with glitches, in both tables";
  EXPECT_EQ(count("<td>dearer:and=worse</td>"), 1);
  EXPECT_EQ(count("<td>&lt;/script&gt;"), 2);
  EXPECT_EQ(opened.dom.find("<script>alert(1)"), std::string::npos);
}

TEST_F(StudyPage, AComponentsMapColoursTheWrongProducts) {
  const json errors = synth::to_json(synth::ErrorMetrics());
  const auto metrics = static_cast<int>(std::count_if(
      errors.begin(), errors.end(), [](const json& value) { return value.is_number(); }));
  for (const auto& [width, is_signed] :
       {std::pair{8, true}, std::pair{8, false}, std::pair{5, true}}) {
    const synth::Component component = errs_on_odd(width, is_signed);
    const Opened opened = open(page(component.json, kMade, {{"lut", component.lut}}));
    for (const std::string& fault : faults(opened, metrics, 1)) ADD_FAILURE() << fault;
    EXPECT_EQ(opened.attribute("data-coloured"), std::to_string(component.lut.size() / 2));
    EXPECT_NE(opened.dom.find("down to <b id=\"least\">0</b>"), std::string::npos);
    EXPECT_NE(opened.dom.find("up to <b id=\"largest\">3</b>"), std::string::npos);
    // Ticks at the first, middle and last operand; the first of the worst products is read out.
    const int low = is_signed ? -(1 << (width - 1)) : 0;
    const int size = 1 << width;
    for (const int value : {low, low + size / 2, low + size - 1}) {
      EXPECT_NE(opened.dom.find("<span>" + std::to_string(value) + "</span>"), std::string::npos)
          << value;
    }
    const int a = low + 1;
    EXPECT_NE(opened.dom.find(std::to_string(a) + " × " + std::to_string(low) + " = " +
                              std::to_string(a * low) + ", here " + std::to_string(a * low + 3) +
                              ": error 3"),
              std::string::npos);
    EXPECT_NE(opened.dom.find("<td>share of wrong products, EP</td><td>50</td><td>%</td>"),
              std::string::npos);
    EXPECT_NE(opened.dom.find("<td>energy per op</td>"), std::string::npos);
    EXPECT_EQ(opened.dom.find("<script>alert(1)"), std::string::npos);
  }
  synth::Component wide = errs_on_odd(8, true);
  wide.lut.clear();
  wide.json["width_a"] = wide.json["width_b"] = 16;
  const Opened opened = open(page(wide.json, kMade, {{"lut", wide.lut}}));
  for (const std::string& fault : faults(opened, metrics, 1)) ADD_FAILURE() << fault;
  EXPECT_NE(opened.dom.find("16-bit operands have no table"), std::string::npos);
}

/// Text of the page without the inlined chart library, whose comments name its home page.
std::string without_library(std::string html) {
  const std::string library = base::read_file(chart_library());
  const size_t at = html.find(library);
  EXPECT_NE(at, std::string::npos) << "the library is inlined whole";
  if (at != std::string::npos) html.erase(at, library.size());
  return html;
}

TEST(StudyPageText, RefersToNothingOutside) {
  try {
    chart_library();
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();
  }
  for (const std::string& made :
       {page(study(), kMade), page(sweep(), kMade),
        page(errs_on_odd(8, true).json, kMade, {{"lut", errs_on_odd(8, true).lut}})}) {
    const std::string html = without_library(made);
    for (const char* part : {"http://", "https://", "src=", "href=", "@import", "url(", "fetch(",
                             "XMLHttpRequest", "//cdn", "@DATA@", "@CHART_JS@", "@STYLE@",
                             "@HELPERS@", "@TITLE@", "@MAIN@", "@SCRIPT@"}) {
      EXPECT_EQ(html.find(part), std::string::npos) << part;
    }
  }
}

TEST(StudyPageText, HostileNamesStayInsideTheirElement) {
  try {
    chart_library();
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();
  }
  const std::string html = without_library(page(study(), kMade));
  int ends = 0;
  for (size_t at = html.find("</script>"); at != std::string::npos;
       at = html.find("</script>", at + 1)) {
    ++ends;
  }
  EXPECT_EQ(ends, 4) << "as many as the template has";
  const size_t begin = html.find("id=\"data\">");
  ASSERT_NE(begin, std::string::npos);
  const size_t data = begin + 10;
  const json read = json::parse(html.substr(data, html.find("</script>", data) - data));
  EXPECT_EQ(read.at("made").at("command"), kMade.command);
  EXPECT_EQ(read.at("result"), study());
}

// A page is asked for nothing that its schema does not promise.
TEST(StudyPageText, AResultOfAnotherSchemaIsRefused_bad) {
  const auto refused = [](const json& schema) {
    json result = study();
    result["schema"] = schema;
    if (schema.is_null()) result.erase("schema");
    try {
      page(result, kMade);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const std::string known = ", expected one of: lutra-characterize-1, lutra-study-1, lutra-sweep-1";
  EXPECT_EQ(refused("lutra-study-2"), "no page shows a result of schema lutra-study-2" + known);
  EXPECT_EQ(refused("lutra-evaluate-1"),
            "no page shows a result of schema lutra-evaluate-1" + known);
  EXPECT_EQ(refused(nullptr), "no page shows a result of schema \"\"" + known);
  EXPECT_EQ(refused(1), "no page shows a result of schema \"\"" + known);
}

TEST(StudyPageText, AMissingChartLibraryIsNamed_bad) {
  setenv("LUTRA_CHART_JS", "/nonexistent/chart.js", 1);
  try {
    page(study(), kMade);
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
    EXPECT_NE(std::string(error.what()).find("/nonexistent/chart.js"), std::string::npos);
  }
}

}  // namespace
}  // namespace lutra::report
