// Yosys, abc and OpenSTA on libraries as they are in the wild: the same figures for what means the
// same, and a message that names the library otherwise. And what the tools themselves say.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "library_check.h"
#include "lutra/component/component.h"
#include "lutra/component/library.h"
#include "lutra/netlist/liberty.h"
#include "lutra/netlist/liberty_writer.h"
#include "lutra/netlist/netlist.h"
#include "lutra/synthesis/synthesis.h"
#include "test_files.h"
#include "tool_messages.h"

namespace lutra::synth {
namespace {

using test::expect_error;

const char* const kOsu018 = "/usr/share/qflow/tech/osu018/osu018_stdcells.lib";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

/// The text without these cells.
std::string without(const std::string& text, const std::function<bool(const std::string&)>& drop) {
  const Liberty library = Liberty::parse(text, "cut.lib");
  std::vector<std::string> kept;
  for (const auto& [name, cell] : library.cells()) {
    if (!drop(name)) kept.push_back(name);
  }
  return subset_text(library, kept);
}

std::function<bool(const std::string&)> begins_with(const std::vector<std::string>& prefixes) {
  return [prefixes](const std::string& name) {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](const std::string& prefix) { return name.rfind(prefix, 0) == 0; });
  };
}

class LibertyToolsTest : public testing::Test {
 protected:
  void SetUp() override {
    LUTRA_SKIP_WITHOUT_TOOLS();
    if (!std::filesystem::exists(kOsu018)) GTEST_SKIP() << kOsu018 << " is not here";
    osu018_ = test::file_bytes(kOsu018);
  }

  Component run(const LibertyFiles& liberty, const std::string& multiplier = "exact:width=4") {
    CharacterizeOptions options;
    options.cache_dir = directory_.path() / "cache";
    options.liberty = liberty;
    return characterize(library_source(multiplier), options);
  }

  std::string osu018_;
  test::TestDirectory directory_;
};

/// What a component says, without the names and checksums of its library.
nlohmann::json figures(const Component& component) {
  nlohmann::json json = component.json;
  for (const char* key : {"liberty", "liberty_files", "liberty_library", "liberty_sha256",
                          "cache_key", "files", "self_sha256", "cells"}) {
    json.erase(key);
  }
  return json;
}

TEST_F(LibertyToolsTest, WhatMeansTheSameGivesTheSameComponent) {
  const std::string& b = osu018_;
  const auto rewritten = [&](const char* pattern, const std::string& with) {
    return std::regex_replace(b, std::regex(pattern), with);
  };
  const std::string head = "  delay_model";
  const std::size_t nand = b.find("cell (NAND2X1)");
  const std::pair<const char*, std::string> variants[] = {
      {"line comment", "// written by a script\n" + b},
      {"no semicolon", replaced(b, head, "  revision : .3.1\n  delay_model")},
      {"values in one string", rewritten("\",\\s*\\\\\\n\\s*\"", ", ")},
      {"dotted cell", replaced(b, "cell (NAND2X1)", "cell (NAND2X1.5)")},
      {"keyword and bang", replaced(replaced(b, "cell (NAND2X1)", "cell (nand)"), "cell (NOR2X1)",
                                    "cell (\"NOR2:1!\")")},
      {"unit 1000ps", replaced(b, "time_unit : \"1ns\"", "time_unit : \"1000ps\"")},
      {"unquoted clear", replaced(b, "clear : \"(!R)\";", "clear : !R ;")},
      {"unquoted function", replaced(b, "function : \"(!A)\";", "function : !A ;")},
      {"name of a rail", replaced(b, head, "  voltage_map (vdd!, 1.8);\n  delay_model")},
      {"colon in a name", replaced(b, "library(osu018_stdcells)", "library(osu018:typ)")},
      {"brace below", replaced(b, "library(osu018_stdcells) {", "library(osu018_stdcells)\n{")},
      {"address", replaced(b, head, "  comment : \"see http://example.org/lib\";\n  delay_model")},
      {"load unit", replaced(b, "capacitive_load_unit (1,pf)", "capacitive_load_unit (1.0,pF)")},
      {"supply pin",
       replaced(b, "cell (INVX1) {", "cell (INVX1) {\n  pin(VDD) { direction : inout; }")},
      {"carriage returns", rewritten("\\n", "\r\n")},
      {"blanks behind backslashes", rewritten("\\\\\\n", "\\ \t\n")},
      {"blocks of no use",
       replaced(b, "cell (INVX1) {",
                "wire_load (big) { resistance : 1; capacitance : 9; slope : 9; fanout_length (1, "
                "9); }\n default_wire_load : big;\n cell (INVX1) {\n leakage_current () { when : "
                "\"A\"; pg_current (VDD) { value : 1; } }\n test_cell () { pin (A) { direction : "
                "input; } }")},
  };
  const nlohmann::json expected = figures(run(kOsu018));
  EXPECT_NEAR(expected.at("delay_ns").get<double>(), 1.370, 0.0005);
  EXPECT_NEAR(expected.at("energy_parts_fj").at("internal").get<double>(), 1151.64, 0.005);
  EXPECT_NEAR(expected.at("leakage_nw").get<double>(), 4.4539, 5e-5);
  int checked = 0;
  for (const auto& [name, text] : variants) {
    const Component component = run(directory_.write(fmt::format("v{}.lib", checked), text));
    EXPECT_EQ(figures(component).dump(1), expected.dump(1)) << name;
    ++checked;
  }
  fmt::print("checked={}\n", checked);
  EXPECT_NE(nand, std::string::npos);
}

// One pin group of two names, and what they share.
TEST_F(LibertyToolsTest, PinGroupsOfSeveralNames) {
  const std::size_t from = osu018_.find("cell (NAND2X1)");
  const std::size_t to = osu018_.find("cell (NAND3X1)");
  const std::string both = std::regex_replace(
      osu018_.substr(from, to - from),
      std::regex("pin\\(A\\)(\\s*\\{[^}]*\\})\\s*pin\\(B\\)\\s*\\{[^}]*\\}"), "pin(A, B)$1");
  ASSERT_NE(both, osu018_.substr(from, to - from));
  const Component component =
      run(directory_.write("two_pins.lib", osu018_.substr(0, from) + both + osu018_.substr(to)));
  const Component plain = run(kOsu018);
  EXPECT_EQ(component.lut, plain.lut);
  EXPECT_EQ(component.area_um2, plain.area_um2);
  // B has A's capacitance, which is another.
  EXPECT_NEAR(component.delay_ns, plain.delay_ns, 0.05);
  EXPECT_NE(component.delay_ns, plain.delay_ns);
}

TEST_F(LibertyToolsTest, OddNamesStayTheUsers) {
  const std::string text = replaced(replaced(osu018_, "cell (NAND2X1)", "cell (NAND2X1.5)"),
                                    "cell (INVX1)", "cell (\"buf\")");
  const Component made = run(directory_.write("odd.lib", text));
  EXPECT_TRUE(made.json.at("cells").contains("NAND2X1.5"));
  // All files of the component hold one set of names.
  const Liberty cells = Liberty::read(made.directory / "cells.lib");
  const Netlist netlist = Netlist::read_json(made.directory / "netlist.json", cells);
  for (const auto& [name, count] : netlist.cell_counts()) {
    EXPECT_TRUE(made.json.at("cells").contains(name)) << name;
    EXPECT_NE(test::file_bytes(made.directory / "cells.v")
                  .find("module " + verilog_identifier(name) + "("),
              std::string::npos)
        << name;
    EXPECT_NE(test::file_bytes(made.directory / "netlist.v").find(verilog_identifier(name) + " u"),
              std::string::npos)
        << name;
  }
  // And the netlist is taken back.
  MultiplierSource source =
      verilog_source({directory_.write("mapped.v", test::file_bytes(made.directory / "netlist.v"))},
                     "", Signedness::kUnsigned);
  source.mapped = true;
  CharacterizeOptions options;
  options.cache_dir = directory_.path() / "cache";
  options.liberty = directory_.path() / "odd.lib";
  const Component taken = characterize(source, options);
  EXPECT_EQ(taken.json.at("cells"), made.json.at("cells"));
  EXPECT_NEAR(taken.area_um2, made.area_um2, 1e-9 * made.area_um2);
  EXPECT_NEAR(taken.delay_ns, made.delay_ns, 1e-6);
}

// A netlist of another tool connects power and ground.
TEST_F(LibertyToolsTest, SupplyPinsOfAMappedNetlist) {
  const std::string text =
      std::regex_replace(osu018_, std::regex("cell \\((\\w+)\\) \\{"),
                         "cell ($1) {\n pg_pin (VDD) { pg_type : primary_power; }\n pin (gnd) { "
                         "direction : inout; }");
  MultiplierSource source = verilog_source({directory_.write("m.v", R"(module m (a, b, p);
  input [1:0] a; input [1:0] b; output [3:0] p;
  supply1 v; supply0 g;
  wire t0, t1, t2, c1;
  AND2X1 u0 (.A(a[0]), .B(b[0]), .Y(p[0]), .VDD(v), .gnd(g));
  AND2X1 u1 (.A(a[1]), .B(b[0]), .Y(t0), .VDD(v), .gnd(g));
  AND2X1 u2 (.A(a[0]), .B(b[1]), .Y(t1), .VDD(v));
  AND2X1 u3 (.A(a[1]), .B(b[1]), .Y(t2));
  HAX1 u4 (.A(t0), .B(t1), .YS(p[1]), .YC(c1));
  HAX1 u5 (.A(t2), .B(c1), .YS(p[2]), .YC(p[3]), .gnd(g));
endmodule
)")},
                                           "", Signedness::kUnsigned);
  source.mapped = true;
  CharacterizeOptions options;
  options.cache_dir = directory_.path() / "cache";
  options.liberty = directory_.write("supplies.lib", text);
  const Component component = characterize(source, options);
  EXPECT_EQ(component.errors.ep, 0);
  EXPECT_EQ(component.json.at("cells"), (nlohmann::json{{"AND2X1", 4}, {"HAX1", 2}}));
}

// The cells divided over files as a foundry does it.
TEST_F(LibertyToolsTest, SeveralFilesAreOneLibrary) {
  const auto is_simple = begins_with({"INV", "BUF", "CLK"});
  const auto a = directory_.write(
      "simple.lib", without(osu018_, [&](const std::string& name) { return !is_simple(name); }));
  const auto b = directory_.write("other.lib", without(osu018_, is_simple));
  const Component whole = run(kOsu018);
  const Component parts = run(std::vector<std::filesystem::path>{a, b});
  EXPECT_EQ(parts.json.at("liberty"), "other.lib, simple.lib");
  ASSERT_EQ(parts.json.at("liberty_files").size(), 2u);
  EXPECT_EQ(parts.json.at("liberty_files")[0].at("file"), "other.lib");
  EXPECT_EQ(parts.lut, whole.lut);
  EXPECT_NEAR(parts.area_um2, whole.area_um2, 0.05 * whole.area_um2);
  const Component turned = run(std::vector<std::filesystem::path>{b, a});
  EXPECT_EQ(turned.json, parts.json);
  // LUTRA_LIBERTY takes the same, with a colon between them.
  const char* before = getenv("LUTRA_LIBERTY");
  const std::string saved = before == nullptr ? "" : before;
  setenv("LUTRA_LIBERTY", fmt::format("{}:{}", b.string(), a.string()).c_str(), 1);
  EXPECT_EQ(run({}).json, parts.json);
  saved.empty() ? unsetenv("LUTRA_LIBERTY") : setenv("LUTRA_LIBERTY", saved.c_str(), 1);
}

// --- what a library lacks ------------------------------------------------------------------------

TEST_F(LibertyToolsTest, WhatALibraryLacksIsSaidBeforeToolsRun_bad) {
  int refused = 0;
  const auto refuse = [&](const std::string& what, const std::string& text) {
    const auto file = directory_.write(fmt::format("lacks{}.lib", refused++), text);
    expect_error(ErrorKind::kInvalidArgument, file.string() + ": the library holds no " + what,
                 [&] { run(file); });
    expect_error(ErrorKind::kInvalidArgument, "the library holds no " + what,
                 [&] { check_library(Liberty::read(file)); });
  };
  refuse("inverter", without(osu018_, begins_with({"INV"})));
  refuse(
      "inverter",
      without(osu018_, begins_with({"INV", "NAND", "NOR", "AOI", "OAI", "XNOR", "MUX", "CLKBUF"})));
  refuse("buffer", without(osu018_, begins_with({"BUF", "CLKBUF"})));
  refuse("AND, OR, NAND or NOR of two inputs",
         without(osu018_, begins_with({"AND2", "OR2", "NAND2", "NOR2"})));
  refuse("area of any cell", std::regex_replace(osu018_, std::regex("\\barea : [0-9.]+;"), ""));
  refuse("delay tables of its inverter",
         std::regex_replace(osu018_,
                            std::regex("(cell_rise|cell_fall|rise_transition|"
                                       "fall_transition)"),
                            "other_$1"));
  std::string unused = osu018_;
  for (const char* cell : {"INVX1", "INVX2", "INVX4", "INVX8"}) {
    unused = replaced(unused, fmt::format("cell ({}) {{", cell),
                      fmt::format("cell ({}) {{ dont_use : true;", cell));
  }
  refuse("inverter", unused);
  check_library(Liberty::read(kOsu018));
  fmt::print("checked={}\n", refused);
}

TEST_F(LibertyToolsTest, NoFlipFlopForRegisters_bad) {
  const auto source =
      directory_.write("m.v",
                       "module m (input clk, input [3:0] a, input [3:0] b, output reg [7:0] p);\n"
                       "  always @(posedge clk) p <= a * b;\nendmodule\n");
  const auto none = directory_.write("none.lib", without(osu018_, begins_with({"DFF"})));
  expect_error(ErrorKind::kInvalidArgument,
               none.string() + ": the library holds no flip-flop, and " + source.string() +
                   " needs a flip-flop",
               [&] { synthesize({source}, "m", {}, none, directory_.path() / "out"); });
  // Without a setup time the clock period of a pipeline cannot be told.
  const auto no_setup = directory_.write(
      "no_setup.lib", std::regex_replace(osu018_, std::regex("setup_(rising|falling)"), "skew_$1"));
  expect_error(ErrorKind::kInvalidArgument,
               "no_setup.lib: the library holds no setup time of D of its flip-flop DFF",
               [&] { synthesize({source}, "m", {}, no_setup, directory_.path() / "out2"); });
}

// A cell of which a path would be left out is not mapped to; in a netlist it is an error.
TEST_F(LibertyToolsTest, CellsWithoutTimes) {
  const std::size_t from = osu018_.find("timing()", osu018_.find("cell (NAND2X1)"));
  const std::string text =
      osu018_.substr(0, from) + "other_timing()" + osu018_.substr(from + std::strlen("timing()"));
  const auto file = directory_.write("no_arc.lib", text);
  const Component component = run(file);
  EXPECT_FALSE(component.json.at("cells").contains("NAND2X1"));
  EXPECT_TRUE(run(kOsu018).json.at("cells").contains("NAND2X1"));

  MultiplierSource source = verilog_source(
      {directory_.write("mapped.v", test::file_bytes(run(kOsu018).directory / "netlist.v"))}, "",
      Signedness::kSigned);
  source.mapped = true;
  CharacterizeOptions options;
  options.cache_dir = directory_.path() / "cache";
  options.liberty = file;
  expect_error(ErrorKind::kUnimplemented,
               "cell NAND2X1: the library holds no delay tables from A to Y",
               [&] { characterize(source, options); });
}

// --- what OpenSTA reports ------------------------------------------------------------------------

TEST_F(LibertyToolsTest, NoPathIsADelayOfZeroOnlyWhereThereIsNone) {
  const auto delay = [&](const std::string& body) {
    const auto source = directory_.write(
        "m.v", "module m (input [1:0] a, output [1:0] p);\n" + body + "endmodule\n");
    const SynthesisResult result = read_mapped_netlist(
        VerilogSources::read({source}, "m"), LibertyFiles(kOsu018), directory_.path() / "out");
    return critical_path_ns(result, 0.1);
  };
  EXPECT_EQ(delay("  assign p = a;\n"), 0);
  EXPECT_EQ(delay("  INVX1 i (.A(1'b0), .Y(p[0]));\n  assign p[1] = 1'b1;\n"), 0);
  EXPECT_GT(delay("  INVX1 i (.A(a[0]), .Y(p[0]));\n  assign p[1] = a[1];\n"), 0.01);
}

TEST_F(LibertyToolsTest, WhatOpenStaLeavesOutIsAnError_bad) {
  const Component made = run(kOsu018);
  SynthesisResult files;
  files.top = made.source.top;
  files.netlist_json = made.directory / "netlist.json";
  files.netlist_verilog = made.directory / "netlist.v";
  files.cells_liberty = made.directory / "cells.lib";
  EXPECT_NEAR(critical_path_ns(files, made.json.at("assumptions").at("input_slew_ns")),
              made.delay_ns, 1e-9);
  // A table of zeros: OpenSTA finds the path, and its delay is none.
  files.cells_liberty = directory_.write(
      "zero.lib",
      std::regex_replace(test::file_bytes(made.directory / "cells.lib"),
                         std::regex("(cell_(rise|fall) [^{]*\\{[^}]*values \\()[^)]*\\)"),
                         "$1\"0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0\")"));
  expect_error(ErrorKind::kInternal, "OpenSTA reports a delay of 0 ns to",
               [&] { critical_path_ns(files, 0.1); });
}

// --- messages ------------------------------------------------------------------------------------

TEST(ToolMessages, KnownOnesPassAndOthersDoNot) {
  const auto yosys = [](const std::string& output) {
    return unknown_messages(Tool::kYosys, output).size();
  };
  EXPECT_EQ(yosys("2. Executing ABC pass\nABC: + strash \nEnd of script.\n"), 0u);
  EXPECT_EQ(yosys("ABC: Warning: The network is combinational (run \"fraig\").\n"), 0u);
  EXPECT_EQ(yosys("ABC: Warning: Detected 2 multi-output gates (for example, \"FAX1\").\n"), 0u);
  EXPECT_EQ(yosys("source/a.v:12: Warning: Range [3:2] out of bounds on signal `\\x'\n"), 0u);
  EXPECT_EQ(yosys("Warning: Wire m.\\x is used but has no driver.\n"), 0u);
  EXPECT_EQ(yosys("Warning: Resizing cell port m.u.a from 4 bits to 8 bits.\n"), 0u);
  EXPECT_EQ(yosys("Warning: Selection \"HAX1\" did not match any module.\n"), 0u);
  EXPECT_EQ(yosys("Warnings: 2 unique messages, 2 total\n"), 0u);
  EXPECT_EQ(yosys("Warning: Something that nobody has seen before.\n"), 1u);
  EXPECT_EQ(yosys("ABC: Template cannot be found in the template library\n"), 1u);
  EXPECT_EQ(yosys("ABC: Reading SCL library from file \"library.lib\" has failed. \n"), 1u);
  EXPECT_EQ(yosys("ABC: Warnings: genlib library reader cannot detect the buffer gate.\n"), 1u);
  EXPECT_EQ(yosys("ABC: yosys-abc: sclLiberty.c:1132: Assertion `!v' failed.\n"), 1u);
  const auto sta = [](const std::string& output) {
    return unknown_messages(Tool::kOpenSta, output).size();
  };
  EXPECT_EQ(sta("Startpoint: a[0]\nPath Type: max\n"), 0u);
  EXPECT_EQ(sta("Warning: cells.lib, line 33 table template t not found.\n"), 1u);
  EXPECT_EQ(sta("Warning: n.v, line 88 module X not found.  Creating black box for u1.\n"), 1u);
  EXPECT_EQ(sta("Error: no network has been linked.\r\n"), 1u);
  expect_error(ErrorKind::kUnimplemented,
               "a.lib: OpenSTA says \"Warning: cells.lib, line 3 syntax error\" and 1 more", [] {
                 refuse_unknown_messages(
                     Tool::kOpenSta, "Warning: cells.lib, line 3 syntax error\nError: no network\n",
                     "a.lib");
               });
}

}  // namespace
}  // namespace lutra::synth
