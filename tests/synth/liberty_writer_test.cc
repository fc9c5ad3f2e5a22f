// The library written anew: it reads back as the same library, whatever dialect it was read from,
// in one file or in several.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "lutra/base/files.h"
#include "lutra/base/sha256.h"
#include "lutra/netlist/liberty.h"
#include "lutra/netlist/liberty_writer.h"
#include "lutra/netlist/netlist.h"
#include "lutra/netlist/netlist_simulator.h"
#include "test_files.h"

namespace lutra::synth {
namespace {

using test::expect_error;
using test::small_liberty;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string all_replaced(std::string text, const std::string& from, const std::string& to) {
  EXPECT_NE(text.find(from), std::string::npos) << from;
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string text_of(const std::optional<BooleanExpression>& expression) {
  return expression.has_value() ? expression->liberty([](const std::string& n) { return n; }) : "";
}

void expect_same_table(const LibertyTable& a, const LibertyTable& b, int* compared) {
  EXPECT_EQ(a.slew_ns, b.slew_ns);
  EXPECT_EQ(a.load_ff, b.load_ff);
  EXPECT_EQ(a.values, b.values);
  *compared += static_cast<int>(a.values.size());
}

/// Every number and every expression, of the cells that can be run, to the last bit.
void expect_same(const Liberty& a, const Liberty& b, int* compared) {
  EXPECT_EQ(a.name(), b.name());
  EXPECT_EQ(a.voltage_v(), b.voltage_v());
  for (const auto& [name, cell] : a.cells()) {
    const LibertyCell* other = b.find_cell(name);
    if (!cell.unsupported.empty()) {
      EXPECT_EQ(other, nullptr) << name << " cannot be run";
      continue;
    }
    ASSERT_NE(other, nullptr) << name;
    EXPECT_EQ(cell.area_um2, other->area_um2) << name;
    EXPECT_EQ(cell.leakage_nw, other->leakage_nw) << name;
    EXPECT_EQ(cell.dont_use, other->dont_use) << name;
    ASSERT_EQ(cell.supply_leakage.size(), other->supply_leakage.size()) << name;
    for (std::size_t s = 0; s < cell.supply_leakage.size(); ++s) {
      const SupplyLeakage& x = cell.supply_leakage[s];
      const SupplyLeakage& y = other->supply_leakage[s];
      EXPECT_EQ(x.supply, y.supply);
      EXPECT_EQ(x.otherwise_nw, y.otherwise_nw);
      ASSERT_EQ(x.states.size(), y.states.size());
      for (std::size_t i = 0; i < x.states.size(); ++i, ++*compared) {
        EXPECT_EQ(x.states[i].leakage_nw, y.states[i].leakage_nw);
        EXPECT_EQ(text_of(x.states[i].when), text_of(y.states[i].when));
      }
    }
    ASSERT_EQ(cell.flip_flop.has_value(), other->flip_flop.has_value()) << name;
    if (cell.flip_flop.has_value()) {
      EXPECT_EQ(text_of(cell.flip_flop->next_state), text_of(other->flip_flop->next_state));
      EXPECT_EQ(text_of(cell.flip_flop->clocked_on), text_of(other->flip_flop->clocked_on));
      EXPECT_EQ(text_of(cell.flip_flop->clear), text_of(other->flip_flop->clear));
      EXPECT_EQ(text_of(cell.flip_flop->preset), text_of(other->flip_flop->preset));
      EXPECT_EQ(cell.flip_flop->both_state, other->flip_flop->both_state);
      EXPECT_EQ(cell.flip_flop->both_inverted_state, other->flip_flop->both_inverted_state);
    }
    ASSERT_EQ(cell.pins.size(), other->pins.size()) << name;
    for (std::size_t p = 0; p < cell.pins.size(); ++p) {
      const LibertyPin& x = cell.pins[p];
      const LibertyPin& y = other->pins[p];
      EXPECT_EQ(x.name, y.name);
      EXPECT_EQ(x.direction, y.direction);
      EXPECT_EQ(x.capacitance_ff, y.capacitance_ff);
      EXPECT_EQ(x.rise_capacitance_ff, y.rise_capacitance_ff);
      EXPECT_EQ(x.fall_capacitance_ff, y.fall_capacitance_ff);
      EXPECT_EQ(x.max_capacitance_ff, y.max_capacitance_ff);
      EXPECT_EQ(x.max_transition_ns, y.max_transition_ns);
      EXPECT_EQ(x.is_clock, y.is_clock);
      EXPECT_EQ(text_of(x.function), text_of(y.function));
      ASSERT_EQ(x.internal_power.size(), y.internal_power.size()) << name << " " << x.name;
      for (std::size_t i = 0; i < x.internal_power.size(); ++i) {
        EXPECT_EQ(x.internal_power[i].supply, y.internal_power[i].supply);
        EXPECT_EQ(x.internal_power[i].related_pins, y.internal_power[i].related_pins);
        EXPECT_EQ(text_of(x.internal_power[i].when), text_of(y.internal_power[i].when));
        expect_same_table(x.internal_power[i].rise_fj, y.internal_power[i].rise_fj, compared);
        expect_same_table(x.internal_power[i].fall_fj, y.internal_power[i].fall_fj, compared);
      }
      ASSERT_EQ(x.timing_arcs.size(), y.timing_arcs.size()) << name << " " << x.name;
      for (std::size_t i = 0; i < x.timing_arcs.size(); ++i) {
        EXPECT_EQ(x.timing_arcs[i].related_pins, y.timing_arcs[i].related_pins);
        EXPECT_EQ(x.timing_arcs[i].type, y.timing_arcs[i].type);
        EXPECT_EQ(x.timing_arcs[i].sense, y.timing_arcs[i].sense);
        EXPECT_EQ(text_of(x.timing_arcs[i].when), text_of(y.timing_arcs[i].when));
        expect_same_table(x.timing_arcs[i].rise_delay_ns, y.timing_arcs[i].rise_delay_ns, compared);
        expect_same_table(x.timing_arcs[i].fall_delay_ns, y.timing_arcs[i].fall_delay_ns, compared);
        expect_same_table(x.timing_arcs[i].rise_slew_ns, y.timing_arcs[i].rise_slew_ns, compared);
        expect_same_table(x.timing_arcs[i].fall_slew_ns, y.timing_arcs[i].fall_slew_ns, compared);
      }
      ASSERT_EQ(x.constraints.size(), y.constraints.size()) << name << " " << x.name;
      for (std::size_t i = 0; i < x.constraints.size(); ++i, ++*compared) {
        EXPECT_EQ(x.constraints[i].type, y.constraints[i].type);
        EXPECT_EQ(x.constraints[i].related_pin, y.constraints[i].related_pin);
        EXPECT_EQ(x.constraints[i].rise.related_ns, y.constraints[i].rise.related_ns);
        EXPECT_EQ(x.constraints[i].rise.values_ns, y.constraints[i].rise.values_ns);
        EXPECT_EQ(x.constraints[i].fall.constrained_ns, y.constraints[i].fall.constrained_ns);
        EXPECT_EQ(x.constraints[i].fall.values_ns, y.constraints[i].fall.values_ns);
      }
    }
  }
}

class WrittenLiberty : public testing::TestWithParam<const char*> {};

TEST_P(WrittenLiberty, ReadsBackAsTheSameLibrary) {
  const std::string path = GetParam();
  if (!path.empty() && !std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
  const Liberty library =
      path.empty() ? Liberty::parse(small_liberty(), "small.lib") : Liberty::read(path);
  const std::string text = plain_text(library, LibertyNames::kOwn);
  const Liberty again = Liberty::parse(text, "written.lib");
  int compared = 0;
  expect_same(library, again, &compared);
  EXPECT_EQ(plain_text(again, LibertyNames::kOwn), text);
  if (!path.empty()) {
    EXPECT_EQ(plain_text(library, LibertyNames::kTool), text) << "no name here needs another";
  }
  EXPECT_GT(compared, 10);
  fmt::print("checked={} of {} bytes, {} written\n", compared, library.text().size(), text.size());
}

INSTANTIATE_TEST_SUITE_P(Files, WrittenLiberty,
                         testing::Values("", "/usr/share/qflow/tech/osu018/osu018_stdcells.lib",
                                         "/usr/share/qflow/tech/osu035/osu035_stdcells.lib",
                                         "/usr/share/qflow/tech/osu050/osu05_stdcells.lib",
                                         LUTRA_SOURCE_DIR
                                         "/../shared/data/liberty/nangate45_typ.lib.gz"));

// Forms that real libraries have; each says what the plain text says.
TEST(LibertyDialects, AllSayTheSame) {
  const std::string plain = small_liberty();
  const std::string inverter = "cell (INV) {\n    area : 1;";
  const std::pair<const char*, std::string> dialects[] = {
      {"carriage returns", all_replaced(plain, "\n", "\r\n")},
      {"byte order mark", "\xef\xbb\xbf" + plain},
      {"tabs", all_replaced(plain, "  ", "\t")},
      {"line comments", all_replaced(plain, ";\n", "; // one \" here\n")},
      {"comment in a line", replaced(plain, "area : 1;", "area /* um2 */ : 1/* one */;")},
      {"comment over lines", replaced(plain, "area : 1;", "/* area : 7;\n // */ area : 1;")},
      {"address in a string",
       replaced(plain, "nom_voltage", "comment : \"see http://example.org/\"; nom_voltage")},
      {"no quotes", replaced(plain, "\"!A\"", "!A ")},
      {"no quotes, operators", replaced(plain, "\"(A B)'\"", "(A * B)'")},
      {"other operators", replaced(plain, "\"(A B)'\"", "\"!((A)&(B))\"")},
      {"state without quotes", replaced(plain, "\"!RN\"", "!RN")},
      {"quoted words", replaced(plain, "direction : input", "direction : \"input\"")},
      {"no semicolon", replaced(plain, "area : 1;", "area : 1\n")},
      {"no semicolon behind a list", replaced(plain, "unit (1, ff);", "unit (1, ff)\n")},
      {"no semicolon behind an empty string",
       replaced(plain, "area : 1;", "footprint : \"\"\narea : 1;")},
      {"semicolons behind groups", all_replaced(plain, "}\n", "};\n")},
      {"two semicolons", all_replaced(plain, ";", ";;")},
      {"brace below", all_replaced(plain, ") {", ")\n{")},
      {"no blanks", all_replaced(all_replaced(plain, " : ", ":"), " (", "(")},
      {"continued line", replaced(plain, "\"0.1, 0.2\", \"0.2", "\"0.1, 0.2\", \\\n \"0.2")},
      {"blanks behind the backslash", replaced(plain, "\"0.1, 0.2\", ", "\"0.1, 0.2\", \\ \t\n")},
      {"carriage return behind the backslash",
       replaced(plain, "\"0.1, 0.2\", ", "\"0.1, 0.2\", \\\r\n")},
      {"continued inside a string", replaced(plain, "\"0.1, 0.2\"", "\"0.1, \\\n 0.2\"")},
      {"continued value", replaced(plain, "area : 1;", "area : \\\n 1\n")},
      {"one string", all_replaced(plain, "(\"0.1, 0.2\", \"0.2, 0.3\")", "(\"0.1,0.2 0.2,0.3\")")},
      {"numbers without quotes",
       all_replaced(plain, "\"0.1, 0.2\", \"0.2, 0.3\"", "0.1, 0.2, 0.2, 0.3")},
      {"other numbers", all_replaced(plain, "\"0.1, 0.2\"", "\"+.1, 2.e-1\"")},
      {"blanks in a number", replaced(plain, "area : 1;", "area : \" 1.0 \";")},
      {"index at the table",
       all_replaced(plain, "cell_rise (delay) { ",
                    "cell_rise (delay) { index_1 (\"0, 1\"); index_2 (\"0, 10\"); ")},
      {"loads outside",
       all_replaced(replaced(plain, "cell (INV)",
                             "lu_table_template (turned) { variable_1 : "
                             "total_output_net_capacitance; variable_2 : input_net_transition; "
                             "index_1 (\"0, 10\"); index_2 (\"0, 1\"); } cell (INV)"),
                    "cell_rise (delay) { values (\"0.1, 0.2\", \"0.2, 0.3\")",
                    "cell_rise (turned) { values (\"0.1, 0.2\", \"0.2, 0.3\")")},
      {"unit in one string", replaced(plain, "(1, ff)", "(\"1.0,fF\")")},
      {"unit in capitals", replaced(plain, "(1, ff)", "(1.0,FF)")},
      {"unit without quotes", replaced(plain, "\"1ns\"", "1ns")},
      {"unit without a number", replaced(plain, "\"1ns\"", "\"ns\"")},
      {"unit with a blank", replaced(plain, "\"1ns\"", "\"1 nS\"")},
      {"unit in ps", replaced(plain, "\"1ns\"", "\"1000ps\"")},
      {"leakage in pW", replaced(plain, "\"1nW\"", "\"1000pW\"")},
      {"several pins",
       replaced(plain,
                "pin (A) { direction : input; capacitance : 5; }\n    pin (B) { direction : input; "
                "capacitance : 5; }",
                "pin (A, B) { direction : input; capacitance : 5; }")},
      {"supply pins", replaced(plain, inverter,
                               "cell (INV) {\n pin (VDD) { direction : inout; } pin (\"gnd!\") { "
                               "direction : input; capacitance : 0; } area : 1;")},
      {"supply groups",
       replaced(plain, inverter,
                inverter + " pg_pin (VPWR) { pg_type : primary_power; voltage_name : VPWR; } pin "
                           "(VPWR) { direction : input; }")},
      {"own attributes",
       replaced(plain, "nom_voltage",
                "define (drive, cell, float); define_group (extra, cell); library_features "
                "(report_delay_calculation); voltage_map (vdd!, 2.0); voltage_map (VSS, 0); "
                "pulling_resistance_unit : \"1kohm\"; technology (cmos); nom_voltage")},
      {"own groups",
       replaced(plain, inverter,
                inverter + " drive : 1.5; extra (x) { a : b; } test_cell () { pin (A) { direction "
                           ": input; } } leakage_current () { }")},
      {"current sources",
       replaced(plain, "timing_sense : negative_unate;",
                "timing_sense : negative_unate; sdf_cond : \"A == 1'b1\"; output_current_rise () { "
                "vector (ccs) { reference_time : 1; } } receiver_capacitance1_rise (rc) { values "
                "(\"1\"); } ecsm_waveform () { } ocv_sigma_cell_rise (x) { sigma_type : early; }")},
      {"sense of the function", replaced(plain, "timing_sense : negative_unate;", "")},
      {"operating conditions",
       replaced(
           plain, "nom_voltage : 2.0;",
           "nom_voltage : 1.7; operating_conditions (hot) { voltage : 2.0; } "
           "operating_conditions (cold) { voltage : 1; } default_operating_conditions : hot;")},
      {"energy unit by voltage",
       replaced(plain, "current_unit : \"1mA\"", "current_unit : \"1uA\"; dynamic_energy : none")},
      {"state table beside",
       replaced(plain, "cell (LATCH)",
                "cell (GATED) { statetable (\"A\", \"Q\") { table : \"H : - : H\"; } pin (A) { "
                "direction : input; } } cell (BYTE) { bus (D) { bus_type : b8; direction : input; "
                "} } cell (LATCH)")},
  };
  const std::string expected = plain_text(Liberty::parse(plain, "plain.lib"), LibertyNames::kOwn);
  int checked = 0;
  for (const auto& [name, text] : dialects) {
    EXPECT_EQ(plain_text(Liberty::parse(text, "dialect.lib"), LibertyNames::kOwn), expected)
        << name;
    ++checked;
  }
  fmt::print("checked={}\n", checked);
}

TEST(LibertyDialects, WhatCannotBeRunIsSaid) {
  const std::string text = replaced(
      small_liberty(), "cell (LATCH)",
      "cell (GATED) { statetable (\"A\", \"Q\") { } } cell (BYTE) { bus (D) { } }\n"
      "cell (DUAL) { pin (A) { direction : input; } pin (Y) { direction : output; function : "
      "\"A\"; timing () { related_pin : \"A\"; cell_rise (three) { values (\"1, 2\"); } } } }\n"
      "lu_table_template (three) { variable_1 : related_out_total_output_net_capacitance; index_1 "
      "(\"1, 2\"); }\ncell (LATCH)");
  const Liberty library = Liberty::parse(text, "a.lib");
  EXPECT_EQ(library.find_cell("GATED")->unsupported, "it is described by a statetable");
  EXPECT_EQ(library.find_cell("BYTE")->unsupported, "it has a bus");
  EXPECT_NE(library.find_cell("DUAL")->unsupported.find(
                "depends on related_out_total_output_net_capacitance"),
            std::string::npos);
  const std::string written = plain_text(library, LibertyNames::kTool);
  for (const char* cell : {"GATED", "BYTE", "DUAL", "LATCH"}) {
    EXPECT_EQ(written.find(cell), std::string::npos) << cell;
  }
}

TEST(LibertyDialects, EscapesAreNames) {
  const std::string text =
      replaced(replaced(replaced(small_liberty(), "pin (A) { direction : input; capacitance : 2; }",
                                 "pin (A\\[0\\]) { direction : input; capacitance : 2; }"),
                        "\"!A\"", "\"!A\\[0\\]\""),
               "related_pin : \"A\"; timing_sense", "related_pin : \"A[0]\"; timing_sense");
  const std::string whole = replaced(text, "related_pin : \"A\";\n        rise_power",
                                     "related_pin : \"A[0]\";\n rise_power");
  const Liberty library = Liberty::parse(whole, "a.lib");
  EXPECT_NE(library.find_cell("INV")->find_pin("A[0]"), nullptr);
  EXPECT_NE(verilog_cells(library, {"INV"}).find("\\A[0] "), std::string::npos);
}

TEST(LibertyDialects, CapacitanceByEdgeIsTheirMean) {
  const auto capacitance = [](const std::string& attributes) {
    return Liberty::parse(replaced(small_liberty(), "capacitance : 2;", attributes), "a.lib")
        .find_cell("INV")
        ->find_pin("A")
        ->capacitance_ff;
  };
  EXPECT_EQ(capacitance("rise_capacitance : 3; fall_capacitance : 5;"), 4);
  EXPECT_EQ(capacitance("rise_capacitance : 3;"), 3);
  EXPECT_EQ(capacitance("fall_capacitance : 5;"), 5);
  EXPECT_EQ(capacitance("capacitance : 2; rise_capacitance : 3; fall_capacitance : 5;"), 2);
}

TEST(LibertyDialects, UnitsOfAllSizes) {
  const auto with = [](const std::string& from, const std::string& to) {
    return Liberty::parse(replaced(small_liberty(), from, to), "a.lib");
  };
  const auto slew = [](const Liberty& library) {
    return library.find_cell("INV")->find_pin("Y")->timing_arcs[0].rise_slew_ns.values[0];
  };
  EXPECT_DOUBLE_EQ(slew(with("\"1ns\"", "\"10ps\"")), 0.0002);
  EXPECT_DOUBLE_EQ(slew(with("\"1ns\"", "\"100ps\"")), 0.002);
  EXPECT_DOUBLE_EQ(slew(with("\"1ns\"", "1ps")), 0.00002);
  EXPECT_DOUBLE_EQ(with("\"1nW\"", "\"1mW\"").find_cell("INV")->leakage_nw, 5e5);
  EXPECT_DOUBLE_EQ(with("\"1nW\"", "\"100uW\"").find_cell("INV")->leakage_nw, 5e4);
  const Liberty library = with("(1, ff)", "(0.1, pf)");
  EXPECT_DOUBLE_EQ(library.find_cell("INV")->find_pin("A")->capacitance_ff, 200);
  EXPECT_DOUBLE_EQ(library.find_cell("INV")->find_pin("Y")->internal_power[0].rise_fj.values[0],
                   1000);
  const auto usage = [&](const std::string& part, const std::string& from, const std::string& to) {
    expect_error(ErrorKind::kInvalidArgument, part, [&] { with(from, to); });
  };
  usage("a.lib:4: capacitive_load_unit", "(1, ff)", "(-1, ff)");
  usage("a.lib:4: capacitive_load_unit", "(1, ff)", "(ff)");
  usage("a.lib:3: time_unit = \"0ns\"", "\"1ns\"", "\"0ns\"");
}

// --- fragments as public libraries have them -----------------------------------------------------

TEST(LibertyDialects, FragmentAsInGf180) {
  const Liberty library = Liberty::parse(R"(library ("gf180mcu_fd_sc_mcu7t5v0__tt_025C_5v00") {
  define(process_corner, operating_conditions, string);
  technology(cmos);
  delay_model : table_lookup;
  bus_naming_style : "%s[%d]";
  time_unit : "1ns";
  voltage_unit : "1V";
  leakage_power_unit : "1pW";
  capacitive_load_unit(1, pf);
  nom_voltage : 5;
  voltage_map("VDD", 5.0);
  operating_conditions("tt_025C_5v00") { process : 1; temperature : 25; voltage : 5; }
  default_operating_conditions : "tt_025C_5v00";
  lu_table_template ("tmg_2x2") {
    variable_1 : "input_net_transition";
    variable_2 : "total_output_net_capacitance";
    index_1("0.01, 0.4"); index_2("0.001, 0.1");
  }
  cell ("gf180mcu_fd_sc_mcu7t5v0__dffrnq_1") {
    area : 69.148800;
    pg_pin (VDD) { pg_type : "primary_power"; voltage_name : "VDD"; }
    cell_footprint : "dffrnq";
    ff (IQ1,IQN1) { clear : (!RN); clocked_on : CLK; next_state : D; }
    pin (CLK) { clock : true; direction : "input"; capacitance : 0.004; }
    pin (D) { direction : "input"; capacitance : 0.003;
      timing () { related_pin : "CLK"; timing_type : "setup_rising";
        rise_constraint (scalar) { values("0.1"); } fall_constraint (scalar) { values("0.2"); } } }
    pin (RN) { direction : input; rise_capacitance : 0.004; fall_capacitance : 0.006; }
    pin (Q) { direction : "output"; function : IQ1; max_capacitance : 0.2;
      timing () { related_pin : "CLK"; timing_type : "rising_edge";
        cell_rise ("tmg_2x2") { values("0.1, 0.2", \
                                       "0.3, 0.4"); }
        cell_fall (scalar) { values("0.5") } rise_transition (scalar) { values("0.5") }
        fall_transition (scalar) { values("0.5") } } }
  }
})",
                                         "gf180.lib");
  const LibertyCell& cell = *library.find_cell("gf180mcu_fd_sc_mcu7t5v0__dffrnq_1");
  EXPECT_EQ(cell.unsupported, "");
  EXPECT_EQ(text_of(cell.flip_flop->clear), "!RN");
  EXPECT_EQ(cell.find_pin("RN")->capacitance_ff, 5);
  EXPECT_EQ(cell.find_pin("D")->constraints.at(0).fall.values_ns, std::vector<double>{0.2});
  const TimingArc& arc = cell.find_pin("Q")->timing_arcs.at(0);
  EXPECT_EQ(arc.type, "rising_edge");
  EXPECT_EQ(arc.rise_delay_ns.values, (std::vector<double>{0.1, 0.2, 0.3, 0.4}));
  // A number alone stands for all slews and loads; abc wants a table of two axes.
  EXPECT_EQ(arc.fall_delay_ns.values, (std::vector<double>{0.5, 0.5, 0.5, 0.5}));
  EXPECT_EQ(arc.fall_delay_ns.lookup(0.3, 17), 0.5);
}

TEST(LibertyDialects, FragmentAsInSky130AndIhp) {
  const Liberty library = Liberty::parse(R"lib(library ("sky130_fd_sc_hd__tt_025C_1v80") {
    define("def_sim_opt","library","string");
    time_unit : "1ns"; voltage_unit : "1V"; leakage_power_unit : "1nW";
    capacitive_load_unit(1.0000000000, "pf");
    nom_voltage : 1.8000000000;
    power_lut_template ("power_outputs_1") {
        variable_1 : "input_transition_time";
        variable_2 : "total_output_net_capacitance";
        index_1("0.01, 1"); index_2("0.001, 0.1");
    }
    normalized_driver_waveform ("driver_waveform_template") { driver_waveform_name : "ramp"; }
    ocv_table_template("ocv") { variable_1 : "total_output_net_capacitance"; index_1("1, 2"); }
    cell ("sky130_fd_sc_hd__nor2_1") {
        leakage_power () { value : 0.0010000; when : "!A&B"; }
        leakage_power () { value : 0.0030000; when : "!A&!B"; }
        leakage_power () { value : 0.0020000; when : "A&B"; }
        leakage_power () { value : 0.0020000; when : "A&!B"; }
        area : 3.7536000000;
        cell_footprint : "sky130_fd_sc_hd__nor2";
        cell_leakage_power : 0.0020000000;
        driver_waveform_fall : "ramp";
        pg_pin ("VGND") { pg_type : "primary_ground"; related_bias_pin : "VPB"; }
        pg_pin ("VPWR") { pg_type : "primary_power"; }
        pin ("A") { capacitance : 0.0017; direction : "input";
            fall_capacitance : 0.0016; rise_capacitance : 0.0018;
            internal_power () { rise_power ("power_in") { index_1("0.01, 1"); values("1, 2"); } }
        }
        pin ("B") { capacitance : 0.0017; direction : "input"; }
        pin ("Y") { direction : "output"; function : "(!A&!B)";
            power_down_function : "(!VPWR + VGND)";
            internal_power () { related_pin : "A";
                fall_power ("power_outputs_1") { values("1, 2", "3, 4"); } }
        }
    }
    power_lut_template ("power_in") { variable_1 : "input_transition_time"; index_1("1, 2"); }
    wire_load ("Small") { fanout_length(1, 23.27); slope : 8.28; }
})lib",
                                         "sky130.lib");
  const LibertyCell& cell = *library.find_cell("sky130_fd_sc_hd__nor2_1");
  EXPECT_EQ(cell.unsupported, "");
  EXPECT_EQ(cell.supply_pins, (std::vector<std::string>{"VGND", "VPWR"}));
  EXPECT_DOUBLE_EQ(cell.find_pin("A")->capacitance_ff, 1.7);
  EXPECT_DOUBLE_EQ(*cell.find_pin("A")->rise_capacitance_ff, 1.8);
  EXPECT_EQ(cell.supply_leakage.at(0).states.size(), 4u);
  EXPECT_DOUBLE_EQ(cell.find_pin("Y")->internal_power.at(0).fall_fj.lookup(1, 100), 4000);
  EXPECT_DOUBLE_EQ(cell.find_pin("A")->internal_power.at(0).rise_fj.lookup(1, 7), 2000);
}

// --- supplies ------------------------------------------------------------------------------------

/// The energy and leakage of an inverter and an XOR of small_liberty(), with their power groups
/// exchanged for these, over all transitions of two inputs.
EnergyReport report_of(const std::string& power, const std::string& leakage) {
  std::string text = small_liberty();
  const std::size_t from = text.find("internal_power () {\n        related_pin : \"A\";");
  const std::size_t to = text.find("fall_power (scalar) { values (\"20\"); }\n      }", from);
  text.replace(from, to - from + 49, power);
  text = replaced(text, "leakage_power () { when : \"A\"; value : 1; }\n", leakage);
  text = replaced(text, "leakage_power () { when : \"!A\"; value : 3; }\n", "");
  const Liberty library = Liberty::parse(text, "supplies.lib");
  const test::TestDirectory directory;
  const Netlist netlist = Netlist::read_json(
      directory.write(
          "n.json", test::netlist_json(
                        test::port("a", "input", "2, 3") + "," + test::port("y", "output", "4, 5"),
                        test::cell("i", "INV", {{"A", "2"}, {"Y", "4"}}) + "," +
                            test::cell("x", "XOR2", {{"A", "2"}, {"B", "3"}, {"Y", "5"}}))),
      library);
  NetlistSimulator simulator(netlist);
  SwitchingActivity activity(netlist, library, 0.5);
  simulator.count_activity(&activity);
  int lane = 0;
  for (const int value : {0, 1, 3, 2, 0, 2, 1, 0}) {
    simulator.set_input(netlist.port("a"), lane++, static_cast<std::uint64_t>(value));
  }
  simulator.settle_sequence(lane);
  return activity.report();
}

TEST(LibertySupplies, PowerGroupsOfSeveralSuppliesAddUp) {
  const auto group = [](const std::string& attributes, double rise, double fall) {
    return fmt::format(
        "internal_power () {{ {} related_pin : \"A\"; rise_power (scalar) {{ values (\"{}\"); }} "
        "fall_power (scalar) {{ values (\"{}\"); }} }}\n",
        attributes, rise, fall);
  };
  const std::string leaks = "leakage_power () { when : \"A\"; value : 1; }\n";
  const double plain = report_of(group("", 10, 20), leaks).internal_fj;
  // The inverter's output falls twice and rises twice.
  EXPECT_DOUBLE_EQ(plain, 60);
  const auto internal = [&](const std::string& groups) {
    return report_of(groups, leaks).internal_fj;
  };
  EXPECT_DOUBLE_EQ(
      internal(group("related_pg_pin : VDD;", 7, 14) + group("related_pg_pin : VSS;", 3, 6)),
      plain);
  EXPECT_DOUBLE_EQ(
      internal(group("power_level : VDD1;", 7, 14) + group("power_level : VDD2;", 3, 6)), plain);
  // Each supply by conditions of its own.
  EXPECT_DOUBLE_EQ(internal(group("related_pg_pin : VDD; when : \"A\";", 0, 14) +
                            group("related_pg_pin : VDD; when : \"!A\";", 7, 0) +
                            group("related_pg_pin : VSS;", 3, 6)),
                   plain);
  // Groups of one supply are alternatives, and averaged.
  EXPECT_DOUBLE_EQ(
      internal(group("related_pg_pin : VDD;", 7, 14) + group("related_pg_pin : VDD;", 13, 26)),
      plain);
}

TEST(LibertySupplies, LeakageOfSeveralSuppliesAddsUp) {
  const std::string power;
  // Seven states count, behind the first; A is 1 in three of them, and B in three.
  const auto leakage = [&](const std::string& groups) {
    return report_of(power, groups).leakage_nw - 0.5;  // the inverter's
  };
  const auto group = [](const std::string& supply, const std::string& when, double value) {
    return fmt::format("leakage_power () {{ related_pg_pin : {}; {} value : {}; }}\n", supply,
                       when.empty() ? "" : fmt::format("when : \"{}\";", when), value);
  };
  EXPECT_DOUBLE_EQ(leakage(group("VDD", "", 1) + group("VSS", "", 3)), 4);
  EXPECT_DOUBLE_EQ(leakage(group("VSS", "A", 0) + group("VDD", "A", 8) + group("VSS", "!A", 0) +
                           group("VDD", "!A", 16)),
                   (3 * 8 + 4 * 16) / 7.0);
  // Conditions that overlap between supplies, and a supply whatever the state.
  EXPECT_DOUBLE_EQ(leakage(group("VDD", "A", 8) + group("VDD", "!A", 16) + group("VSS", "", 1) +
                           group("VBP", "B", 4) + group("VBP", "", 2)),
                   (3 * 8 + 4 * 16) / 7.0 + 1 + (3 * 4 + 4 * 2) / 7.0);
}

TEST(LibertySupplies, LeakageWhateverTheStateIsTheSum) {
  const auto whatever = [](const std::string& groups) {
    std::string text =
        replaced(small_liberty(), "leakage_power () { when : \"A\"; value : 1; }\n", groups);
    text = replaced(text, "leakage_power () { when : \"!A\"; value : 3; }\n", "");
    return Liberty::parse(text, "a.lib").find_cell("XOR2")->leakage_nw;
  };
  EXPECT_EQ(whatever("leakage_power () { related_pg_pin : VDD; value : 5; } leakage_power () { "
                     "related_pg_pin : VSS; value : 0; }\n"),
            5);
  EXPECT_EQ(whatever("leakage_power () { related_pg_pin : VDD; when : \"A\"; value : 5; } "
                     "leakage_power () { related_pg_pin : VDD; when : \"!A\"; value : 7; } "
                     "leakage_power () { related_pg_pin : VSS; value : 1; }\n"),
            7);
  EXPECT_EQ(whatever("cell_leakage_power : 9; leakage_power () { related_pg_pin : VDD; value : 5; "
                     "}\n"),
            9);
}

// --- names ---------------------------------------------------------------------------------------

TEST(LibertyNames, ToolsGetPlainOnesAndTheUserTheirOwn) {
  std::string text = replaced(small_liberty(), "cell (INV)", "cell (\"INV.5\")");
  text = replaced(text, "cell (NAND2)", "cell (nand)");
  text = replaced(text, "cell (XOR2)", "cell (lutra_INV_5)");
  text = all_replaced(text, "pin (B)", "pin (\"B[0]\")");
  text = replaced(text, "\"(A B)'\"", "\"(A B[0])'\"");
  text = replaced(text, "\"A ^ B\"", "\"A ^ B[0]\"");
  text = replaced(text, "related_pin : \"B\"", "related_pin : \"B[0]\"");
  const Liberty library = Liberty::parse(text, "a.lib");
  EXPECT_EQ(library.find_cell("INV.5")->tool_name, "lutra_INV_5_2") << "the other is taken";
  EXPECT_EQ(library.find_cell("nand")->tool_name, "lutra_nand") << "a keyword";
  EXPECT_EQ(library.find_cell("nand")->find_pin("B[0]")->tool_name, "lutra_B_0_");
  EXPECT_EQ(library.find_cell("DFFR")->tool_name, "DFFR");

  const std::string own = plain_text(library, LibertyNames::kOwn);
  EXPECT_EQ(plain_text(Liberty::parse(own, "b.lib"), LibertyNames::kOwn), own);
  EXPECT_NE(own.find("cell (\"INV.5\")"), std::string::npos);
  const Liberty tool = Liberty::parse(plain_text(library, LibertyNames::kTool), "c.lib");
  EXPECT_NE(tool.find_cell("lutra_INV_5_2"), nullptr);
  EXPECT_EQ(text_of(tool.find_cell("lutra_nand")->find_pin("Y")->function), "!(A & lutra_B_0_)");

  const std::string json = test::netlist_json(
      test::port("a", "input", "2, 3") + "," + test::port("y", "output", "5"),
      test::cell("n", "lutra_nand", {{"A", "2"}, {"lutra_B_0_", "3"}, {"Y", "4"}}) + "," +
          test::cell("i", "lutra_INV_5_2", {{"A", "4"}, {"Y", "5"}}));
  const test::TestDirectory directory;
  const Netlist netlist =
      Netlist::read_json(directory.write("n.json", with_own_names(json, library)), library);
  EXPECT_EQ(netlist.cell_counts(), (std::map<std::string, int>{{"INV.5", 1}, {"nand", 1}}));
  const std::string verilog = netlist.verilog();
  EXPECT_NE(verilog.find("\\INV.5  u"), std::string::npos) << verilog;
  EXPECT_NE(verilog.find(".\\B[0] (i1)"), std::string::npos) << verilog;
  const std::string for_tools = netlist.verilog("", LibertyNames::kTool);
  EXPECT_NE(for_tools.find("lutra_INV_5_2 u"), std::string::npos) << for_tools;
  EXPECT_EQ(for_tools.find('\\'), std::string::npos) << for_tools;
  EXPECT_EQ(with_own_names(json, Liberty::parse(small_liberty(), "a.lib")), json);
}

TEST(LibertyNames, NamesThatNoFileCanHold) {
  const Liberty library =
      Liberty::parse(replaced(small_liberty(), "cell (INV)", "cell (\"IN V\")"), "a.lib");
  EXPECT_NE(library.find_cell("IN V")->unsupported.find("blanks"), std::string::npos);
}

// --- include_file --------------------------------------------------------------------------------

TEST(LibertyIncludes, AreReadBesideTheFile) {
  const test::TestDirectory directory;
  const std::string text = small_liberty();
  const std::size_t from = text.find("  cell (NAND2)");
  const std::size_t to = text.find("  cell (XOR2)");
  directory.write("cells/inner.inc", "area : 2;\n");
  directory.write("cells/nand.inc", replaced(text.substr(from, to - from), "area : 2;",
                                             "include_file (\"inner.inc\") ;\n"));
  const std::filesystem::path file = directory.write(
      "main.lib",
      text.substr(0, from) +
          "/* include_file (a); */ // include_file (b);\ninclude_file(cells/nand.inc);\n" +
          text.substr(to));
  const Liberty library = Liberty::read(file);
  EXPECT_EQ(plain_text(library, LibertyNames::kOwn),
            plain_text(Liberty::parse(text, "small.lib"), LibertyNames::kOwn));
  // What is included is in the checksum.
  directory.write("cells/inner.inc", "area : 2.5;\n");
  const Liberty changed = Liberty::read(file);
  EXPECT_EQ(changed.find_cell("NAND2")->area_um2, 2.5);
  EXPECT_NE(changed.sha256(), library.sha256());
  // Lines are those of the file that holds them.
  directory.write("cells/inner.inc", "\narea : two;\n");
  expect_error(ErrorKind::kInvalidArgument, "inner.inc:2: area = \"two\"",
               [&] { Liberty::read(file); });
  directory.write("cells/inner.inc", "area : 2;\n");
  const int line =
      1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<long>(to), '\n'));
  const std::string broken = replaced(test::file_bytes(file), "area : 3;", "area : three;");
  // The cell is two lines further down, and the text before it as many shorter as NAND2 is long.
  const int expected = line + 1 + 2 -
                       static_cast<int>(std::count(text.begin() + static_cast<long>(from),
                                                   text.begin() + static_cast<long>(to), '\n'));
  expect_error(ErrorKind::kInvalidArgument,
               fmt::format("broken.lib:{}: area = \"three\"", expected),
               [&] { Liberty::read(directory.write("broken.lib", broken)); });
}

TEST(LibertyIncludes, Missing_bad) {
  const test::TestDirectory directory;
  const auto read = [&](const std::string& include) {
    Liberty::read(directory.write(
        "main.lib", replaced(small_liberty(), "  cell (NAND2)", include + "\n  cell (NAND2)")));
  };
  const std::string line = fmt::format(
      "main.lib:{}: ",
      1 + std::count(small_liberty(), std::strstr(small_liberty(), "  cell (NAND2)"), '\n'));
  expect_error(ErrorKind::kInvalidArgument, line + "include_file = \"none.inc\"",
               [&] { read("include_file (none.inc);"); });
  expect_error(ErrorKind::kInvalidArgument, line + "include_file = \".\"",
               [&] { read("include_file (.);"); });
  expect_error(ErrorKind::kInvalidArgument, line + "include_file without a name",
               [&] { read("include_file ();"); });
  expect_error(ErrorKind::kInvalidArgument, line + "found include_file without",
               [&] { read("include_file"); });
  directory.write("self.inc", "include_file (self.inc);");
  expect_error(ErrorKind::kInvalidArgument,
               "self.inc:1: include_file = \"self.inc\": the file includes itself",
               [&] { read("include_file (self.inc);"); });
  directory.write("back.inc", "include_file (main.lib);");
  expect_error(ErrorKind::kInvalidArgument,
               "back.inc:1: include_file = \"main.lib\": the file includes itself",
               [&] { read("include_file (back.inc);"); });
  for (int i = 0; i < 20; ++i) {
    directory.write(fmt::format("d{}.inc", i), fmt::format("include_file (d{}.inc);", i + 1));
  }
  expect_error(ErrorKind::kInvalidArgument, "included more than 16 deep",
               [&] { read("include_file (d0.inc);"); });
}

// --- several files -------------------------------------------------------------------------------

class SeveralFiles : public testing::Test {
 protected:
  /// small_liberty() with these of its cells only.
  static std::string part(const std::vector<std::string>& cells) {
    const Liberty whole = Liberty::parse(small_liberty(), "small.lib");
    return subset_text(whole, cells);
  }

  static LibertyFiles both(const std::filesystem::path& a, const std::filesystem::path& b) {
    return std::vector<std::filesystem::path>{a, b};
  }

  test::TestDirectory directory_;
};

TEST_F(SeveralFiles, BecomeOneLibraryInAnyOrder) {
  const auto a = directory_.write("a.lib", part({"INV", "DFFR"}));
  // Another file's units are its own.
  std::string other = replaced(part({"NAND2", "XOR2"}), "(1, ff)", "(0.001, pf)");
  const auto b = directory_.write("b.lib", other);
  const Liberty library = Liberty::read(both(a, b));
  ASSERT_EQ(library.cells().size(), 4u);
  EXPECT_DOUBLE_EQ(library.find_cell("XOR2")->find_pin("A")->capacitance_ff, 5);
  EXPECT_EQ(library.smallest_inverter().name, "INV");
  ASSERT_EQ(library.files().size(), 2u);
  EXPECT_EQ(library.files()[0].first, "a.lib");
  const Liberty turned = Liberty::read(both(b, a));
  EXPECT_EQ(turned.sha256(), library.sha256());
  EXPECT_EQ(plain_text(turned, LibertyNames::kTool), plain_text(library, LibertyNames::kTool));
  EXPECT_NE(library.sha256(), Liberty::read(a).sha256());
  EXPECT_EQ(Liberty::read(a).sha256(), base::sha256_hex(test::file_bytes(a)));
  EXPECT_EQ(Liberty::shared(both(a, b)), Liberty::shared(both(a, b)));
}

TEST_F(SeveralFiles, ThatDoNotFit_bad) {
  const auto a = directory_.write("a.lib", part({"INV", "DFFR"}));
  const auto refuse = [&](const std::string& first, const std::string& second,
                          const std::string& text) {
    const auto b = directory_.write("b.lib", text);
    for (const std::string& part : {first, second}) {
      expect_error(ErrorKind::kInvalidArgument, part, [&] { Liberty::read(both(a, b)); });
    }
  };
  refuse("a.lib: nom_voltage = 2, and 1.8 in", "b.lib",
         all_replaced(all_replaced(part({"NAND2"}), "nom_voltage : 2", "nom_voltage : 1.8"),
                      "voltage : 2;", "voltage : 1.8;"));
  refuse("a.lib: slew_lower_threshold_pct_rise = 20, and 30 in", "b.lib",
         replaced(part({"NAND2"}), "slew_lower_threshold_pct_rise : 20",
                  "slew_lower_threshold_pct_rise : 30"));
  refuse("cell INV is defined in",
         "b.lib:", replaced(part({"NAND2", "INV"}), "area : 1;", "area : 1.5;"));
  refuse("the same Liberty file as", "b.lib", test::file_bytes(a));
  // The same cell twice is no harm.
  EXPECT_EQ(
      Liberty::read(both(a, directory_.write("c.lib", part({"NAND2", "INV"})))).cells().size(), 3u);
}

}  // namespace
}  // namespace lutra::synth
