// Glitches: an event-driven simulation with delays, by hand, beside iverilog and beside OpenSTA.

#include "lutra/netlist/event_simulator.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "lutra/synthesis/synthesis.h"
#include "lutra/system/tool.h"
#include "test_files.h"

namespace lutra::synth {
namespace {

using test::cell;
using test::expect_error;
using test::netlist_json;
using test::port;
using test::TestDirectory;

/// A timing group with constant delays in ns.
std::string timing(const std::string& attributes, double rise, double fall) {
  return fmt::format(
      "timing () {{ {} cell_rise (scalar) {{ values (\"{:.6f}\"); }} cell_fall (scalar) {{ values "
      "(\"{:.6f}\"); }} rise_transition (scalar) {{ values (\"0.01\"); }} fall_transition (scalar) "
      "{{ values (\"0.01\"); }} }}\n",
      attributes, rise, fall);
}

std::string gate(const std::string& name, const std::string& inputs, const std::string& function,
                 const std::string& groups) {
  std::string text = fmt::format("cell ({}) {{ area : 1;\n", name);
  for (const char input : inputs) {
    text += fmt::format("pin ({}) {{ direction : input; capacitance : 2; }}\n", input);
  }
  return text + fmt::format("pin (Y) {{ direction : output; function : \"{}\";\n{}}} }}\n",
                            function, groups);
}

/// OpenSTA wants the delay model and every threshold.
std::string library(const std::string& cells) {
  std::string text =
      "library (delays) { time_unit : \"1ns\"; voltage_unit : \"1V\"; nom_voltage : 2.0; "
      "delay_model : table_lookup; capacitive_load_unit (1, ff);\n";
  for (const char* edge : {"rise", "fall"}) {
    text += fmt::format(
        "input_threshold_pct_{0} : 50; output_threshold_pct_{0} : 50; "
        "slew_lower_threshold_pct_{0} : 20; slew_upper_threshold_pct_{0} : 80;\n",
        edge);
  }
  return text +
         "lu_table_template (by_load) { variable_1 : total_output_net_capacitance; index_1 "
         "(\"0.0, 10.0\"); }\n" +
         cells + "}\n";
}

/// INV: 0.1 ns a rise, 0.05 ns a fall. NAND2: from A 0.2 and 0.3, from B 0.4 and 0.5. XOR2: delays
/// by pin, by the state of the other pin and by edge.
std::string hand_cells() {
  return gate("INV", "A", "!A",
              timing("related_pin : \"A\"; timing_sense : negative_unate;", 0.1, 0.05)) +
         gate("NAND2", "AB", "!(A B)",
              timing("related_pin : \"A\"; timing_sense : negative_unate;", 0.2, 0.3) +
                  timing("related_pin : \"B\"; timing_sense : negative_unate;", 0.4, 0.5)) +
         gate(
             "XOR2", "AB", "A ^ B",
             timing("related_pin : \"A\"; when : \"!B\"; timing_sense : positive_unate;", 1, 2) +
                 timing("related_pin : \"A\"; when : \"B\"; timing_sense : negative_unate;", 3, 4) +
                 timing("related_pin : \"B\"; timing_sense : positive_unate;", 5, 6) +
                 timing("related_pin : \"B\"; timing_sense : negative_unate;", 7, 8));
}

class EventSimulatorTest : public testing::Test {
 protected:
  Netlist read(const std::string& json, const Liberty& liberty) {
    return Netlist::read_json(directory_.write("netlist.json", json), liberty);
  }

  /// Changes the inputs of a settled netlist; the nets' toggles and the time of the last.
  struct Run {
    double ns;
    std::uint64_t toggles;
  };
  Run run(const Netlist& netlist, const Liberty& liberty, std::uint64_t from, std::uint64_t to) {
    NetlistSimulator settled(netlist);
    settled.set_input_all(netlist.port("a"), from);
    settled.settle();
    EventSimulator simulator(netlist, 0.1);
    simulator.start(settled, 0);
    simulator.set_input(netlist.port("a"), to);
    SwitchingActivity activity(netlist, liberty, 0.1);
    const double ns = simulator.settle(&activity);
    settled.set_input_all(netlist.port("a"), to);
    settled.settle();
    for (int net = 0; net < netlist.net_count(); ++net) {
      EXPECT_EQ(simulator.value(net), (settled.net(net).words[0] & 1) != 0) << net;
    }
    EXPECT_EQ(activity.report().intervals, 1u);
    return {ns, activity.report().net_toggles};
  }

  TestDirectory directory_;
};

// y = !(a & !a) through one inverter or three. One: a pulse of 0.05 ns, shorter than the NAND's
// 0.3, vanishes. Three: n1 falls at 0.05, n2 rises at 0.15, n3 falls at 0.2. Still shorter. Nine:
// the last falls at 4 * 0.15 + 0.05 = 0.65, y falls at 0.3 (from A) and rises 0.4 (from B) behind
// it.
TEST_F(EventSimulatorTest, PulsesShorterThanTheDelayVanish) {
  const Liberty liberty = Liberty::parse(library(hand_cells()), "delays.lib");
  const auto hazard = [&](int inverters) {
    std::string cells;
    for (int i = 0; i < inverters; ++i) {
      cells += cell(fmt::format("inv{}", i), "INV",
                    {{"A", std::to_string(2 + i)}, {"Y", std::to_string(3 + i)}}) +
               ",";
    }
    return read(
        netlist_json(port("a", "input", "2") + "," + port("y", "output", "99"),
                     cells + cell("nand", "NAND2",
                                  {{"A", "2"}, {"B", std::to_string(2 + inverters)}, {"Y", "99"}})),
        liberty);
  };
  for (const int inverters : {1, 3}) {
    const Run rise = run(hazard(inverters), liberty, 0, 1);
    EXPECT_EQ(rise.toggles, 1u + inverters);
    EXPECT_NEAR(rise.ns, inverters == 1 ? 0.05 : 0.2, 1e-9);
  }
  const Run rise = run(hazard(9), liberty, 0, 1);
  EXPECT_EQ(rise.toggles, 1u + 9 + 2);
  EXPECT_NEAR(rise.ns, 0.65 + 0.4, 1e-9);
  const Run fall = run(hazard(9), liberty, 1, 0);  // the other way round there is no hazard
  EXPECT_EQ(fall.toggles, 1u + 9);
  EXPECT_NEAR(fall.ns, 5 * 0.1 + 4 * 0.05, 1e-9);
}

TEST_F(EventSimulatorTest, DelayFollowsPinEdgeSenseAndCondition) {
  const Liberty liberty = Liberty::parse(library(hand_cells()), "delays.lib");
  const Netlist netlist =
      read(netlist_json(port("a", "input", "2, 3") + "," + port("y", "output", "4"),
                        cell("xor", "XOR2", {{"A", "2"}, {"B", "3"}, {"Y", "4"}})),
           liberty);
  const struct {
    int from, to;
    double ns;
  } cases[] = {{0, 1, 1}, {1, 0, 2}, {3, 2, 3}, {2, 3, 4},   // A, with B = 0 and with B = 1
               {0, 2, 5}, {2, 0, 6}, {3, 1, 7}, {1, 3, 8}};  // B: positive, then negative unate
  int checked = 0;
  for (const auto& c : cases) {
    EXPECT_NEAR(run(netlist, liberty, c.from, c.to).ns, c.ns, 1e-9) << c.from << " -> " << c.to;
    ++checked;
  }
  // Both at once cancel each other.
  EXPECT_EQ(run(netlist, liberty, 0, 3).toggles, 2u);
  fmt::print("checked={}\n", checked);
}

TEST_F(EventSimulatorTest, WithoutDelays_bad) {
  const Liberty liberty = Liberty::parse(test::small_liberty(), "small.lib");
  const Netlist netlist =
      read(netlist_json(port("a", "input", "2, 3") + "," + port("y", "output", "4"),
                        cell("nand", "NAND2", {{"A", "2"}, {"B", "3"}, {"Y", "4"}})),
           liberty);
  expect_error(ErrorKind::kUnimplemented,
               "cell NAND2: the Liberty file gives no cell_rise for pin Y",
               [&] { EventSimulator(netlist, 0.1); });
}

/// A random netlist of gates with eight inputs. Each gate has a cell of its own with random delays,
/// the rise growing with the load, so that two changes hardly ever coincide.
struct RandomNetlist {
  static constexpr int kGates = 200;
  std::string json, cells, verilog;  ///< Verilog: declarations and assignments with the same delays

  explicit RandomNetlist(std::mt19937* random) {
    const auto pick = [random](int n) {
      return static_cast<int>((*random)() % static_cast<unsigned>(n));
    };
    struct Gate {
      int kind, a, b, rise_fs, fall_fs;
    };
    std::vector<Gate> gates;
    std::vector<int> fanout(10 + kGates, 0);
    for (int g = 0; g < kGates; ++g) {
      const int nets = 8 + g;
      Gate gate{pick(3), 2 + std::max(0, nets - 1 - pick(30)), 2 + pick(nets), 50000 + pick(150000),
                50000 + pick(150000)};
      ++fanout[gate.a];
      if (gate.kind != 0) ++fanout[gate.b];
      gates.push_back(gate);
    }
    std::string json_cells;
    for (int g = 0; g < kGates; ++g) {
      const Gate& x = gates[g];
      const int net = 10 + g;
      const std::string name = fmt::format("G{}", g);
      // With 2 fF a pin, a rise takes 1 ps more for each.
      const std::string table = fmt::format(
          "cell_rise (by_load) {{ values (\"{:.6f}, {:.6f}\"); }} cell_fall (scalar) {{ values "
          "(\"{:.6f}\"); }} rise_transition (scalar) {{ values (\"0.01\"); }} fall_transition "
          "(scalar) {{ values (\"0.01\"); }}",
          x.rise_fs * 1e-6, x.rise_fs * 1e-6 + 0.005, x.fall_fs * 1e-6);
      const std::string a = fmt::format("n[{}]", x.a);
      const std::string b = fmt::format("n[{}]", x.b);
      cells += gate(name, x.kind == 0 ? "A" : "AB",
                    x.kind == 0   ? "!A"
                    : x.kind == 1 ? "!(A B)"
                                  : "A ^ B",
                    fmt::format("timing () {{ related_pin : \"{}\"; {} }}\n",
                                x.kind == 0 ? "A" : "A B", table));
      std::vector<std::pair<std::string, std::string>> pins = {{"A", std::to_string(x.a)},
                                                               {"Y", std::to_string(net)}};
      if (x.kind != 0) pins.emplace_back("B", std::to_string(x.b));
      json_cells += (json_cells.empty() ? "" : ",") + cell(name, name, pins);
      verilog += fmt::format("  assign #({}, {}) n[{}] = {};\n", x.rise_fs + 1000 * fanout[net],
                             x.fall_fs, net,
                             x.kind == 0   ? "~" + a
                             : x.kind == 1 ? fmt::format("~({} & {})", a, b)
                                           : fmt::format("{} ^ {}", a, b));
    }
    json = netlist_json(port("a", "input", "2, 3, 4, 5, 6, 7, 8, 9") + "," +
                            port("y", "output", std::to_string(9 + kGates)),
                        json_cells);
  }
};

// Changes of every net, and how long it stands at 1.
TEST_F(EventSimulatorTest, TogglesAndTimesEqualIverilog) {
  if (!test::on_path("iverilog")) GTEST_SKIP() << "iverilog is not on PATH";
  std::mt19937 random(7);
  const RandomNetlist made(&random);
  const Liberty liberty = Liberty::parse(library(made.cells), "random.lib");
  const Netlist netlist = read(made.json, liberty);
  constexpr int kVectors = 300;
  constexpr std::int64_t kPeriodFs = 100000000;
  std::vector<unsigned> vectors;
  for (int i = 0; i < kVectors; ++i) vectors.push_back(random() & 255);

  std::string bench = fmt::format(
      "`timescale 1fs/1fs\nmodule bench;\n  wire [{0}:0] n;\n  reg [7:0] a;\n  assign n[9:2] = a;\n"
      "  integer count [0:{0}];\n  time since [0:{0}];\n  time high [0:{0}];\n"
      "  reg running = 0;\n  integer i;\n{1}",
      9 + RandomNetlist::kGates, made.verilog);
  for (int net = 2; net < 10 + RandomNetlist::kGates; ++net) {
    bench += fmt::format(
        "  always @(n[{0}]) if (running) begin\n    count[{0}] = count[{0}] + 1;\n"
        "    if (!n[{0}]) high[{0}] = high[{0}] + $time - since[{0}];\n"
        "    since[{0}] = $time;\n  end\n",
        net);
  }
  bench += fmt::format(
      "  initial begin\n    for (i = 0; i <= {}; i = i + 1) begin\n"
      "      count[i] = 0;\n      high[i] = 0;\n    end\n",
      9 + RandomNetlist::kGates);
  for (int i = 0; i < kVectors; ++i) {
    bench += fmt::format("    a = {}; #{};\n", vectors[i], kPeriodFs);
    if (i > 0) continue;
    bench +=
        fmt::format("    for (i = 0; i <= {}; i = i + 1) since[i] = $time;\n    running = 1;\n",
                    9 + RandomNetlist::kGates);
  }
  bench += fmt::format(
      "    for (i = 2; i <= {}; i = i + 1)\n"
      "      $display(\"%0d %0d %0d\", i, count[i], high[i] + (n[i] ? $time - since[i] : 0));\n"
      "    $finish;\n  end\nendmodule\n",
      9 + RandomNetlist::kGates);
  directory_.write("bench.v", bench);
  ASSERT_EQ(run_tool({"iverilog", "-o", "bench", "bench.v"}, directory_.path(), "iverilog").status,
            0);
  const ToolResult simulated = run_tool({"vvp", "-n", "bench"}, directory_.path(), "iverilog");
  ASSERT_EQ(simulated.status, 0) << simulated.output;

  NetlistSimulator settled(netlist);
  settled.set_input_all(netlist.port("a"), vectors[0]);
  settled.settle();
  EventSimulator simulator(netlist, 0.1);
  simulator.start(settled, 0);
  SwitchingActivity delayed(netlist, liberty, 0.1);
  SwitchingActivity zero(netlist, liberty, 0.1);
  settled.count_activity(&zero, 1);
  EventRecord record;
  simulator.keep_record(&record);
  std::vector<std::int64_t> settled_high(netlist.net_count());  // periods
  for (int i = 1; i < kVectors; ++i) {
    simulator.set_input(netlist.port("a"), vectors[i]);
    simulator.settle(&delayed);
    settled.set_input_all(netlist.port("a"), vectors[i]);
    settled.settle();
    for (int net = 0; net < netlist.net_count(); ++net) {
      settled_high[net] += static_cast<std::int64_t>(settled.net(net).words[0] & 1);
    }
  }
  // Nets by the number that they have in the netlist's JSON: the inputs, then one a gate.
  std::map<int, int> net_of;
  for (int i = 0; i < 8; ++i) net_of[2 + i] = netlist.port("a").nets[i];
  for (int g = 0; g < RandomNetlist::kGates; ++g) {
    for (const NetlistCell& instance : netlist.cells()) {
      if (instance.name == fmt::format("G{}", g)) net_of[10 + g] = instance.nets.back();
    }
  }
  std::istringstream lines(simulated.output);
  int number = 0;
  std::uint64_t count = 0;
  std::int64_t high_fs = 0;
  std::uint64_t glitching = 0;
  int checked = 0;
  while (lines >> number >> count >> high_fs) {
    const int net = net_of.at(number);
    EXPECT_EQ(delayed.toggles(net), count) << "net " << number;
    EXPECT_EQ(settled_high[net] * kPeriodFs + record.extra_high_fs[net], high_fs)
        << "net " << number;
    glitching += delayed.toggles(net_of.at(number)) > zero.toggles(net_of.at(number));
    ++checked;
  }
  fmt::print("checked={} nets, {} of them with glitches, {} changes, {} at zero delay\n", checked,
             glitching, delayed.report().net_toggles, zero.report().net_toggles);
  EXPECT_EQ(checked, 8 + RandomNetlist::kGates);
  EXPECT_GT(glitching, 100u);
}

// With delays that no slew changes, no pair settles later than OpenSTA's longest path, and a chain
// settles exactly then.
TEST_F(EventSimulatorTest, NothingSettlesAfterOpenStasLongestPath) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const auto opensta_ns = [&](const Netlist& netlist, const Liberty& liberty) {
    SynthesisResult files;
    files.top = netlist.name();
    files.netlist_json = directory_.path() / "netlist.json";
    files.netlist_verilog = directory_.write("netlist.v", netlist.verilog());
    files.cells_liberty = directory_.write("cells.lib", liberty.text());
    return critical_path_ns(files, 0.1);
  };
  const Liberty hand = Liberty::parse(library(hand_cells()), "delays.lib");
  std::string inverters;
  for (int i = 0; i < 9; ++i) {
    inverters +=
        (i > 0 ? "," : "") + cell(fmt::format("inv{}", i), "INV",
                                  {{"A", std::to_string(2 + i)}, {"Y", std::to_string(3 + i)}});
  }
  const Netlist chain = read(
      netlist_json(port("a", "input", "2") + "," + port("y", "output", "11"), inverters), hand);
  EXPECT_NEAR(opensta_ns(chain, hand), run(chain, hand, 1, 0).ns, 1e-6);

  std::mt19937 random(11);
  const RandomNetlist made(&random);
  const Liberty liberty = Liberty::parse(library(made.cells), "random.lib");
  const Netlist netlist = read(made.json, liberty);
  const double longest = opensta_ns(netlist, liberty);
  double seen = 0;
  int checked = 0;
  for (; checked < 200; ++checked) {
    const double ns = run(netlist, liberty, random() & 255, random() & 255).ns;
    seen = std::max(seen, ns);
  }
  fmt::print("checked={}: {:.4f} ns at most, OpenSTA {:.4f} ns\n", checked, seen, longest);
  EXPECT_LE(seen, longest + 1e-6);
  EXPECT_GT(seen, 0.5 * longest);
}

}  // namespace
}  // namespace lutra::synth
