// What the descriptors of the families say, against the RTL, the prose and the pages.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "lutra/component/library.h"
#include "lutra/system/tool.h"
#include "test_files.h"

namespace lutra::synth {
namespace {

namespace fs = std::filesystem;
using Families = std::vector<MultiplierFamily>;
using Lines = std::vector<std::string>;

fs::path source(const std::string& file) { return fs::path(LUTRA_SOURCE_DIR) / file; }

Lines lines_of(const std::string& text) {
  Lines lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

bool holds(const Lines& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

Lines names_of(const Families& families) {
  Lines names;
  for (const MultiplierFamily& family : families) names.push_back(family.name);
  return names;
}

// --- formulas -----------------------------------------------------------------------------------

TEST(Formula, ValueAndTextAreOfOnePiece) {
  const Formula n = Formula::width();
  const Formula first = Formula::parameter("first");
  const ParameterValues values = {{"first", 3}};
  const auto expect = [&](const Formula& formula, long value, const std::string& text) {
    EXPECT_EQ(formula(9, values), value) << text;
    EXPECT_EQ(formula.text(), text);
  };
  expect(4, 4, "4");
  expect(2 * n - 2, 16, "2n-2");
  expect(n - first, 6, "n-first");
  expect(first + 1, 4, "first+1");
  expect(half_rounded_up(n), 5, "n/2 rounded up");
  expect(min(5, n - 1), 5, "min(5, n-1)");
  EXPECT_EQ(min(5, n - 1)(4), 3);
  EXPECT_EQ((n - first).parameters(), Lines{"first"});
  EXPECT_TRUE((2 * n - 2).parameters().empty());
  test::expect_error(ErrorKind::kInternal, "first: no parameter of that name", [&] { first(8); });
}

// --- descriptors --------------------------------------------------------------------------------

/// What is wrong with a descriptor, a line each. @param rtl  the folder rtl/multipliers
Lines faults_of(const MultiplierFamily& family, const fs::path& rtl) {
  Lines faults;
  const auto need = [&](bool is_right, const std::string& what) {
    if (!is_right) faults.push_back(family.name + ": " + what);
  };
  need(!family.summary.empty() && !family.good_for.empty(), "no summary, or good for nothing");
  need(holds(family.rtl_files, family.top + ".sv"), "no RTL file of its top " + family.top);
  for (const std::string& file : family.rtl_files) {
    need(fs::exists(rtl / file), "no RTL file " + file);
  }
  need(2 <= family.minimum_width && family.minimum_width <= 8 && 8 <= family.maximum_width &&
           family.maximum_width <= 32,
       "widths are not 2..8 to 8..32");
  need(family.model != nullptr, "no model");
  const ParameterValues defaults = family.defaults(8);
  ParameterValues preceding;
  for (const FamilyParameter& parameter : family.parameters) {
    const long value = parameter.default_value(8);
    try {
      parameter.check("default", value, 8, preceding);
    } catch (const Error& error) {
      need(false, error.what());
    }
    preceding.emplace_back(parameter.name, value);
  }
  const auto check_patterns = [&](const std::string& what, const Lines& patterns, bool is_needed,
                                  bool of_8_bits) {
    need(!is_needed || !patterns.empty(), what + ": nothing");
    std::set<std::string> seen;
    for (const std::string& pattern : patterns) {
      need(pattern.substr(0, pattern.find(':')) == family.name, what + ": " + pattern);
      try {
        for (const std::string& spec : expand_pattern(pattern)) {
          need(seen.insert(spec).second, what + ": twice: " + spec);
          need((parse_multiplier_spec(spec).width == 8) == of_8_bits, what + ": width: " + spec);
        }
      } catch (const Error& error) {
        need(false, what + ": " + error.what());
      }
    }
  };
  check_patterns("tested", family.tested, true, true);
  check_patterns("tested_widths", family.tested_widths, true, false);
  check_patterns("tested_netlists", family.tested_netlists, false, true);
  check_patterns("exact_designs", family.exact_designs, false, true);
  check_patterns("measured", family.measured, true, true);
  return faults;
}

TEST(Families, DescriptorsAreWhole) {
  for (const MultiplierFamily& family : multiplier_families()) {
    EXPECT_EQ(faults_of(family, source("rtl/multipliers")), Lines{});
  }
  EXPECT_EQ(names_of(multiplier_families()),
            lines_of(test::file_bytes(source("synth/component/families/families.txt"))));
}

TEST(Families, ABrokenDescriptorIsFound_bad) {
  const auto expect_fault = [](const std::string& part, void (*damage)(MultiplierFamily*)) {
    MultiplierFamily family = *find_family("drum");
    damage(&family);
    const Lines faults = faults_of(family, source("rtl/multipliers"));
    ASSERT_EQ(faults.size(), 1u) << part;
    EXPECT_NE(faults[0].find(part), std::string::npos) << faults[0];
  };
  using Family = MultiplierFamily;
  expect_fault("no summary", [](Family* f) { f->summary = ""; });
  expect_fault("no RTL file of its top mul_drumm", [](Family* f) { f->top = "mul_drumm"; });
  expect_fault("no RTL file shell.sv", [](Family* f) { f->rtl_files.push_back("shell.sv"); });
  expect_fault("widths", [](Family* f) { f->maximum_width = 64; });
  expect_fault("no model", [](Family* f) { f->model = nullptr; });
  expect_fault("kept_bits = 9, expected 3..7",
               [](Family* f) { f->parameters[0].default_value = 9; });
  expect_fault("tested: nothing", [](Family* f) { f->tested.clear(); });
  expect_fault("tested: udm", [](Family* f) { f->tested.push_back("udm"); });
  expect_fault("tested_widths: width: drum:kept_bits=5",
               [](Family* f) { f->tested_widths.push_back("drum:kept_bits=5"); });
  expect_fault("measured: twice: drum:kept_bits=5",
               [](Family* f) { f->measured.push_back("drum:kept_bits=5"); });
}

// --- the list against the folders ---------------------------------------------------------------

/// Modules mul_*.sv of a folder that no family uses.
Lines unused_modules(const Families& families, const fs::path& rtl) {
  std::set<std::string> used;
  for (const MultiplierFamily& family : families) {
    used.insert(family.rtl_files.begin(), family.rtl_files.end());
  }
  Lines unused;
  for (const auto& entry : fs::directory_iterator(rtl)) {
    const std::string file = entry.path().filename().string();
    if (file.rfind("mul_", 0) == 0 && used.count(file) == 0) unused.push_back(file);
  }
  return unused;
}

TEST(Families, EveryModuleIsOfAFamily) {
  EXPECT_EQ(unused_modules(multiplier_families(), source("rtl/multipliers")), Lines{})
      << "a line in synth/component/families/families.txt is missing";
}

TEST(Families, AModuleOfNoFamilyIsFound_bad) {
  const test::TestDirectory directory;
  directory.write("mul_wallace.sv", "");
  directory.write("mul_drum.sv", "");
  EXPECT_EQ(unused_modules(multiplier_families(), directory.path()), Lines{"mul_wallace.sv"});
}

TEST(Families, EveryDescriptorIsListed) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(source("synth/component/families"))) {
    if (entry.path().extension() != ".cc") continue;
    EXPECT_NE(find_family(entry.path().stem().string()), nullptr)
        << entry.path() << " has no line in synth/component/families/families.txt";
    ++files;
  }
  EXPECT_EQ(static_cast<std::size_t>(files), multiplier_families().size());
}

// --- the prose ----------------------------------------------------------------------------------

/// What the specification lacks, a line each: a paragraph that opens with the family's name,
/// "`drum`: an operand ..." or "`exact`, `dadda` and `booth` give ...", with all its parameters.
Lines missing_prose(const Families& families, const std::string& specification) {
  std::map<std::string, std::string> paragraphs;  // by family
  Lines open;
  for (const std::string& line : lines_of(specification)) {
    if (line.rfind("`", 0) == 0) {
      // Other lines that begin so go on with the paragraph: "`type=0`: each row ...".
      const std::regex name("`([a-z_]+)`");
      if (std::regex_search(line, name, std::regex_constants::match_continuous)) {
        open.clear();
        const std::string opening = line.substr(0, std::min(line.find(':'), line.find(" give ")));
        for (auto found = std::sregex_iterator(opening.begin(), opening.end(), name);
             found != std::sregex_iterator(); ++found) {
          open.push_back((*found)[1]);
        }
      }
    } else if (line.rfind("#", 0) == 0) {
      open.clear();
    }
    for (const std::string& family : open) paragraphs[family] += line + "\n";
  }
  Lines missing;
  for (const MultiplierFamily& family : families) {
    if (paragraphs.count(family.name) == 0) {
      missing.push_back(family.name + ": no paragraph");
      continue;
    }
    for (const FamilyParameter& parameter : family.parameters) {
      const std::regex word("\\b" + parameter.name + "\\b");
      if (!std::regex_search(paragraphs[family.name], word)) {
        missing.push_back(family.name + ": nothing of " + parameter.name);
      }
    }
  }
  return missing;
}

// The prose of exact int8 products lists them by name.
TEST(Families, EveryOneIsInTheListOfFactorisations) {
  const std::string tables = test::file_bytes(source("docs/tables.md"));
  for (const MultiplierFamily& family : multiplier_families()) {
    EXPECT_NE(tables.find("`" + family.name + "`"), std::string::npos)
        << family.name << " is not in docs/tables.md";
  }
}

TEST(Families, EveryOneHasItsProse) {
  EXPECT_EQ(missing_prose(multiplier_families(), test::file_bytes(source("docs/multipliers.md"))),
            Lines{})
      << "of docs/multipliers.md";
}

TEST(Families, MissingProseIsFound_bad) {
  MultiplierFamily wallace;
  wallace.name = "wallace";
  MultiplierFamily loa = *find_family("loa");
  loa.parameters.push_back({"rounds", "Rounds", 1, 0, 2});
  EXPECT_EQ(missing_prose({*find_family("drum"), wallace, loa},
                          test::file_bytes(source("docs/multipliers.md"))),
            (Lines{"wallace: no paragraph", "loa: nothing of rounds"}));
}

// --- limits: the RTL checks its own -------------------------------------------------------------

class FamilyLimits : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (!test::on_path("verilator")) GTEST_SKIP() << "verilator is not on PATH";
  }

  /// Verilator's verdict on the top module with these parameters: "" or the RTL's own message.
  std::string refusal(const MultiplierFamily& family, int width,
                      const ParameterValues& parameters) const {
    const fs::path rtl = source("rtl/multipliers");
    std::vector<std::string> command = {
        "verilator",  "--lint-only",  "-Wno-lint", "-y",
        rtl.string(), "--top-module", family.top,  fmt::format("-GWidth={}", width)};
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      if (family.parameters[i].is_port) continue;
      command.push_back(
          fmt::format("-G{}={}", family.parameters[i].rtl_name, parameters[i].second));
    }
    command.push_back((rtl / (family.top + ".sv")).string());
    const ToolResult result = run_tool(command, directory_.path(), "verilator");
    if (result.status == 0) return "";
    // Verilator stumbles over trunc_bits = n before it comes to the RTL's own message, but there.
    EXPECT_NE(result.output.find(family.top), std::string::npos) << result.output;
    return "refused: " + result.output;
  }

  test::TestDirectory directory_;
};

// Both ends are taken, and the values beyond them refused, by the RTL on its own.
TEST_P(FamilyLimits, AreThoseOfTheRtl) {
  const MultiplierFamily& family = *find_family(GetParam());
  int taken = 0;
  int refused = 0;
  // The rest of the parameters at their lowest.
  const auto completed = [&](ParameterValues values, int width) {
    for (std::size_t i = values.size(); i < family.parameters.size(); ++i) {
      const long low = family.parameters[i].minimum(width, values);
      values.emplace_back(family.parameters[i].name, low);
    }
    return values;
  };
  const auto expect = [&](bool is_legal, int width, const ParameterValues& values,
                          const std::string& what) {
    const std::string verdict = refusal(family, width, values);
    EXPECT_EQ(verdict.empty(), is_legal)
        << family.name << ", width " << width << ", " << what << ": "
        << (is_legal ? "the RTL refuses it: " + verdict : "the RTL takes it");
    ++(is_legal ? taken : refused);
  };
  const int low = family.minimum_width;
  const int high = family.maximum_width;
  const int step = family.even_width_only ? 2 : 1;
  for (const int width : {low - step, low, high, high + step}) {
    // One bit is no multiplier of the library; some RTL fails there before it can refuse.
    if (width >= 2) expect(low <= width && width <= high, width, completed({}, width), "an end");
  }
  if (family.even_width_only) expect(false, 7, completed({}, 7), "odd");
  // Two widths, for limits that depend on it.
  for (const int width : {4, 8}) {
    for (std::size_t i = 0; i < family.parameters.size(); ++i) {
      const FamilyParameter& parameter = family.parameters[i];
      // A port has no limits in the RTL but its own width.
      if (parameter.is_port) continue;
      ParameterValues lowest = completed({}, width);
      lowest.resize(i);
      std::vector<ParameterValues> preceding = {lowest};
      for (std::size_t j = 0; j < i; ++j) {
        if (!parameter.depends_on(lowest[j].first)) continue;
        ParameterValues others = lowest;
        others[j].second = family.parameters[j].maximum(width, others);
        preceding.push_back(others);
      }
      for (const ParameterValues& values : preceding) {
        const long least = parameter.minimum(width, values);
        const long largest = parameter.maximum(width, values);
        for (const long value : std::set<long>{least - 1, least, largest, largest + 1}) {
          ParameterValues all = values;
          all.emplace_back(parameter.name, value);
          expect(least <= value && value <= largest, width, completed(all, width),
                 fmt::format("{} = {}", parameter.name, value));
        }
      }
    }
  }
  fmt::print("{}: taken={} refused={}\n", family.name, taken, refused);
  EXPECT_GT(refused, 0);
}

INSTANTIATE_TEST_SUITE_P(Families, FamilyLimits, testing::ValuesIn(names_of(multiplier_families())),
                         [](const auto& family) { return family.param; });

// --- pages --------------------------------------------------------------------------------------

TEST(Families, TheirPageIsWhatTheDescriptorsSay) {
  EXPECT_EQ(test::file_bytes(source("docs/multipliers-table.md")), families_page())
      << "docs/multipliers-table.md is stale. Write it anew:\n"
         "  lutra multipliers --markdown > docs/multipliers-table.md";
}

/// The rows of docs/multipliers-measured.md by specification, in their order: figures as printed.
std::vector<std::pair<std::string, Lines>> measured_rows() {
  std::vector<std::pair<std::string, Lines>> rows;
  for (const std::string& line :
       lines_of(test::file_bytes(source("docs/multipliers-measured.md")))) {
    if (line.rfind("| `", 0) != 0) continue;
    Lines cells;
    std::istringstream in(line.substr(2));
    for (std::string cell; std::getline(in, cell, '|');) {
      cell.erase(std::remove(cell.begin(), cell.end(), ' '), cell.end());
      cells.push_back(cell);
    }
    const std::string name = cells[0].substr(1, cells[0].size() - 2);
    rows.emplace_back(name, Lines(cells.begin() + 1, cells.end()));
  }
  return rows;
}

constexpr const char* kMeasureAnew =
    "docs/multipliers-measured.md is stale. Measure it anew:\n"
    "  scripts/multiplier_table [LIBERTY] > docs/multipliers-measured.md";

TEST(Families, MeasuredRowsAreThoseOfTheDescriptors) {
  Lines expected;
  for (const MultiplierFamily& family : multiplier_families()) {
    for (const std::string& pattern : family.measured) {
      for (const std::string& spec : expand_pattern(pattern)) expected.push_back(spec);
    }
  }
  Lines rows;
  for (const auto& [name, figures] : measured_rows()) rows.push_back(name);
  EXPECT_EQ(rows, expected) << kMeasureAnew;
  EXPECT_GT(rows.size(), 100u);
}

class MeasuredFamily : public testing::TestWithParam<std::string> {};

// One row of each, at a quarter of the areas: soon made, and not the constant 0.
TEST_P(MeasuredFamily, FiguresAreThoseOfNow) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  std::vector<std::pair<std::string, Lines>> rows;
  for (auto& row : measured_rows()) {
    if (row.first.substr(0, row.first.find(':')) == GetParam()) rows.push_back(row);
  }
  ASSERT_FALSE(rows.empty()) << kMeasureAnew;
  const auto area = [](const auto& row) { return std::stod(row.second.at(5)); };
  std::sort(rows.begin(), rows.end(),
            [&](const auto& left, const auto& right) { return area(left) < area(right); });
  const auto& [name, printed] = rows[rows.size() / 4];
  const Component c = characterize(library_source(name), {});
  if (c.liberty != "osu018_stdcells.lib") GTEST_SKIP() << "the page is of osu018_stdcells.lib";
  const std::vector<double> figures = {c.errors.mae,
                                       c.errors.wce,
                                       100 * c.errors.ep,
                                       100 * c.errors.mre_nonzero,
                                       c.errors.bias,
                                       c.area_um2,
                                       c.delay_ns,
                                       c.energy_per_op_fj,
                                       c.json.at("glitches").at("energy_factor")};
  ASSERT_GE(printed.size(), figures.size()) << name;
  for (std::size_t i = 0; i < figures.size(); ++i) {
    const std::size_t point = printed[i].find('.');
    const std::size_t decimals = point == std::string::npos ? 0 : printed[i].size() - point - 1;
    EXPECT_NEAR(std::stod(printed[i]), figures[i], 0.501 * std::pow(10.0, -double(decimals)))
        << name << ", column " << i + 1 << "\n"
        << kMeasureAnew;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, MeasuredFamily,
                         testing::ValuesIn(names_of(multiplier_families())),
                         [](const auto& family) { return family.param; });

}  // namespace
}  // namespace lutra::synth
