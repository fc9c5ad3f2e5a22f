#include "lutra/netlist/liberty.h"
#include "lutra/netlist/liberty_writer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "lutra/component/component.h"
#include "test_files.h"

namespace lutra::synth {
namespace {

using test::expect_error;
using test::small_liberty;

TEST(Liberty, BooleanExpressionsMeanWhatTheManualSays) {
  struct Case {
    const char* text;
    bool (*expected)(bool, bool, bool);
  };
  const Case cases[] = {
      {"(!((A B)+C))", [](bool a, bool b, bool c) { return !((a && b) || c); }},
      {"A B'", [](bool a, bool b, bool) { return a && !b; }},
      {"!A & !B | C", [](bool a, bool b, bool c) { return (!a && !b) || c; }},
      {"A ^ B & C", [](bool a, bool b, bool c) { return (a != b) && c; }},
      {"A*B+!C", [](bool a, bool b, bool c) { return (a && b) || !c; }},
      {"(A^B)^C", [](bool a, bool b, bool c) { return (a != b) != c; }},
      {"!(S_)", nullptr},
      {"(!((C A) + (!C B)))", [](bool a, bool b, bool c) { return !(c ? a : b); }},
      {"1", [](bool, bool, bool) { return true; }},
      {"!!A''", [](bool a, bool, bool) { return a; }},
      {"A | 0 B", [](bool a, bool, bool) { return a; }},
  };
  int compared = 0;
  for (const Case& c : cases) {
    const BooleanExpression expression = parse_boolean_expression(c.text, "test");
    if (c.expected == nullptr) continue;
    for (unsigned bits = 0; bits < 8; ++bits) {
      EXPECT_EQ(expression.evaluate(
                    [bits](const std::string& name) { return (bits >> (name[0] - 'A') & 1) != 0; }),
                c.expected(bits & 1, bits >> 1 & 1, bits >> 2 & 1))
          << c.text << " at " << bits;
      ++compared;
    }
  }
  EXPECT_EQ(compared, 80);
  fmt::print("checked={}\n", compared);
  EXPECT_EQ(parse_boolean_expression("A B + !C", "test").verilog(), "((A & B) | (~C))");
}

TEST(Liberty, BooleanExpressions_bad) {
  for (const char* text : {"", "A &", "(A", "A)", "A ? B", "!", "A + + B"}) {
    expect_error(ErrorKind::kInvalidArgument, "cells.lib:7: function",
                 [&] { parse_boolean_expression(text, "cells.lib:7: function"); });
  }
}

TEST(Liberty, ReadsCellsInFixedUnits) {
  const Liberty library = Liberty::parse(small_liberty(), "small.lib");
  EXPECT_EQ(library.name(), "small");
  EXPECT_EQ(library.voltage_v(), 2.0);
  ASSERT_EQ(library.cells().size(), 5u);
  const LibertyCell& nand = *library.find_cell("NAND2");
  EXPECT_EQ(nand.area_um2, 2);
  EXPECT_EQ(nand.leakage_nw, 1);
  EXPECT_EQ(nand.find_pin("B")->capacitance_ff, 4);
  EXPECT_EQ(nand.find_pin("Y")->internal_power.size(), 2u);
  const LibertyCell& exclusive = *library.find_cell("XOR2");
  EXPECT_EQ(exclusive.leakage_nw, 2);  // mean of its states
  ASSERT_EQ(exclusive.supply_leakage.size(), 1u);
  const std::vector<StateLeakage>& states = exclusive.supply_leakage[0].states;
  ASSERT_EQ(states.size(), 2u);
  EXPECT_EQ(states[1].leakage_nw, 3);
  EXPECT_TRUE(states[1].when.evaluate([](const std::string&) { return false; }));
  const TimingArc& arc = library.find_cell("INV")->find_pin("Y")->timing_arcs.at(0);
  EXPECT_EQ(arc.related_pins, std::vector<std::string>{"A"});
  EXPECT_EQ(arc.sense, TimingArc::Sense::kNegativeUnate);
  EXPECT_NEAR(arc.rise_delay_ns.lookup(0.5, 5), 0.2, 1e-12);
  EXPECT_FALSE(arc.when.has_value());
  EXPECT_TRUE(library.find_cell("DFFR")->flip_flop.has_value());
  EXPECT_EQ(library.find_cell("LATCH")->unsupported, "it is a latch");
  EXPECT_EQ(library.find_cell("AND9"), nullptr);
  EXPECT_EQ(library.smallest_inverter().name, "INV");
}

TEST(Liberty, UnitsScaleCapacitanceAndEnergy) {
  std::string text = small_liberty();
  text.replace(text.find("(1, ff)"), 7, "(2, pf)");
  text.replace(text.find("time_unit : \"1ns\""), 17, "time_unit : \"10ps\"");
  text.replace(text.find("leakage_power_unit : \"1nW\""), 26, "leakage_power_unit : \"1pW\"");
  const Liberty library = Liberty::parse(text, "small.lib");
  const LibertyCell& inverter = *library.find_cell("INV");
  EXPECT_DOUBLE_EQ(inverter.find_pin("A")->capacitance_ff, 4000);
  EXPECT_DOUBLE_EQ(inverter.leakage_nw, 0.0005);
  const LibertyPin& output = *inverter.find_pin("Y");
  EXPECT_DOUBLE_EQ(output.internal_power[0].rise_fj.lookup(0, 0), 20000);  // 10 * 2 pF * 1 V^2
  EXPECT_DOUBLE_EQ(output.timing_arcs[0].rise_slew_ns.lookup(0.01, 0), 0.0012);
}

TEST(Liberty, TablesInterpolateAndExtrapolate) {
  const Liberty library = Liberty::parse(small_liberty(), "small.lib");
  const LibertyTable& slew = library.find_cell("INV")->find_pin("Y")->timing_arcs[0].rise_slew_ns;
  EXPECT_NEAR(slew.lookup(0, 0), 0.02, 1e-12);
  EXPECT_NEAR(slew.lookup(0.5, 5), 0.12, 1e-12);
  EXPECT_NEAR(slew.lookup(1, 20), 0.32, 1e-12);
  // Slew is 0.02 + 0.1 slew + 0.01 load; four inverters load 8 fF: slew = 0.1 / 0.9.
  EXPECT_NEAR(library.fanout_of_four_slew_ns(), 0.1 / 0.9, 1e-9);
}

TEST(Liberty, SubsetKeepsHeaderAndNamedCells) {
  const Liberty library = Liberty::parse(small_liberty(), "small.lib");
  const Liberty subset = Liberty::parse(subset_text(library, {"INV", "DFFR"}), "subset.lib");
  EXPECT_EQ(subset.cells().size(), 2u);
  EXPECT_EQ(subset.voltage_v(), 2.0);
  EXPECT_EQ(subset.find_cell("INV")->find_pin("A")->capacitance_ff, 2);
}

TEST(Liberty, TruncatedTextIsAnError_bad) {
  const std::string text = small_liberty();
  const std::size_t end = text.rfind('}');
  int tried = 0;
  for (std::size_t length = 0; length <= end; length += 7, ++tried) {
    EXPECT_THROW(Liberty::parse(text.substr(0, length), "cut.lib"), Error) << "length " << length;
  }
  fmt::print("checked={}\n", tried);
  EXPECT_GT(tried, 300);
}

TEST(Liberty, MalformedTextNamesItsLine_bad) {
  const auto with = [](const std::string& from, const std::string& to) {
    std::string text = small_liberty();
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    return [text] { Liberty::parse(text, "bad.lib"); };
  };
  const auto usage = [](const std::string& part, const std::function<void()>& call) {
    expect_error(ErrorKind::kInvalidArgument, part, call);
  };
  usage("bad.lib:19: area = \"one\", expected a number", with("area : 1;", "area : one;"));
  usage("bad.lib:4: capacitive_load_unit = \"mf\"", with("(1, ff)", "(1, mf)"));
  usage("bad.lib:3: time_unit = \"1parsec\"", with("\"1ns\"", "\"1parsec\""));
  usage("no supply voltage", with("nom_voltage : 2.0;", ""));
  usage("uses the unknown template dely", with("cell_rise (delay)", "rise_transition (dely)"));
  usage("holds 3 values, expected 4", with("\"10, 10\", \"10, 10\"", "\"10, 10\", \"10\""));
  usage("does not increase", with("index_2 (\"0.0, 10.0\")", "index_2 (\"10.0, 0.0\")"));
  usage("direction = \"sideways\"", with("direction : input;", "direction : sideways;"));
  usage("names Z, which is no pin", with("\"!A\"", "\"!Z\""));
  usage("timing_sense = \"sideways\", expected positive_unate",
        with("timing_sense : negative_unate;", "timing_sense : sideways;"));
  usage("related_pin of pin Y is B",
        with("related_pin : \"A\"; timing_sense", "related_pin : \"B\"; timing_sense"));
  usage("leakage_power names Q, which is no pin", with("when : \"A\";", "when : \"Q\";"));
  usage("cell INV is defined twice", with("cell (NAND2)", "cell (INV)"));
  usage("without clocked_on", with("clocked_on : \"CK\";", ""));
  usage("bad.lib:1: comment without its end", with("tests */", "tests"));
  usage("bad.lib:1: string without its closing quote",
        [] { Liberty::parse("library (a) { date : \"today; }\n", "bad.lib"); });
  usage("expected `library (name)`", [] { Liberty::parse("cell (A) { area : 1; }", "bad.lib"); });
  usage("the library holds no cell",
        [] { Liberty::parse("library (a) { nom_voltage : 1; }", "bad.lib"); });
  usage("behind the end of the library",
        [] { Liberty::parse(std::string(small_liberty()) + "cell", "bad.lib"); });
}

TEST(Liberty, ReadsGzipAndRejectsCutGzip) {
  const test::TestDirectory directory;
  const std::filesystem::path plain = directory.write("small.lib", small_liberty());
  if (!test::on_path("gzip")) GTEST_SKIP() << "gzip is not on PATH";
  ASSERT_EQ(std::system(fmt::format("gzip -kn '{}'", plain.string()).c_str()), 0);
  const std::filesystem::path packed = directory.path() / "small.lib.gz";
  EXPECT_EQ(Liberty::read(packed).cells().size(), 5u);
  const std::string bytes = test::file_bytes(packed);
  const std::filesystem::path cut =
      directory.write("cut.lib.gz", bytes.substr(0, bytes.size() / 2));
  expect_error(ErrorKind::kInvalidArgument, "corrupt or truncated gzip",
               [&] { Liberty::read(cut); });
  expect_error(ErrorKind::kNotFound, "no such file",
               [&] { Liberty::read(directory.path() / "none.lib"); });
}

TEST(Liberty, ReadsOsu018) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const Liberty library = Liberty::read("/usr/share/qflow/tech/osu018/osu018_stdcells.lib");
  EXPECT_EQ(library.cells().size(), 32u);
  EXPECT_EQ(library.voltage_v(), 1.8);
  const LibertyCell& gate = *library.find_cell("AND2X1");
  EXPECT_EQ(gate.area_um2, 32);
  EXPECT_NEAR(gate.find_pin("A")->capacitance_ff, 12.9077, 1e-9);
  // The file's tables are in pF V^2 = pJ; the first entry of rise_power from A is 0.012351.
  EXPECT_NEAR(gate.find_pin("Y")->internal_power[0].rise_fj.lookup(0.06, 5.0), 12.351, 1e-9);
  EXPECT_NEAR(gate.find_pin("Y")->internal_power[0].fall_fj.lookup(0.6, 25.0), 86.885, 1e-9);
  EXPECT_EQ(library.smallest_inverter().name, "INVX1");
}

TEST(Liberty, ReadsNangate45) {
  const std::filesystem::path path =
      std::filesystem::path(LUTRA_SOURCE_DIR) / "../shared/data/liberty/nangate45_typ.lib.gz";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
  const Liberty library = Liberty::read(path);
  EXPECT_EQ(library.cells().size(), 134u);
  EXPECT_NEAR(library.find_cell("AND2_X1")->find_pin("A1")->capacitance_ff, 0.918145, 1e-9);
  EXPECT_EQ(library.smallest_inverter().name, "INV_X1");
  const LibertyCell& exclusive = *library.find_cell("XOR2_X1");
  EXPECT_NEAR(exclusive.leakage_nw, 36.163718, 1e-9);
  ASSERT_EQ(exclusive.supply_leakage.size(), 1u);
  ASSERT_EQ(exclusive.supply_leakage[0].states.size(), 4u);
  EXPECT_NEAR(exclusive.supply_leakage[0].states[3].leakage_nw, 51.891290, 1e-9);
  const std::vector<TimingArc>& arcs = exclusive.find_pin("Z")->timing_arcs;
  ASSERT_EQ(arcs.size(), 4u);
  EXPECT_EQ(arcs[0].sense, TimingArc::Sense::kPositiveUnate);
  EXPECT_EQ(arcs[1].sense, TimingArc::Sense::kNegativeUnate);
  EXPECT_NEAR(arcs[0].fall_delay_ns.lookup(0.00472397, 0.791550), 0.046242, 1e-9);
}

}  // namespace
}  // namespace lutra::synth
