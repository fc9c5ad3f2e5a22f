#include "lutra/netlist/netlist_simulator.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "lutra/component/component.h"
#include "lutra/synthesis/synthesis.h"
#include "test_files.h"

namespace lutra::synth {
namespace {

using test::cell;
using test::expect_error;
using test::netlist_json;
using test::port;
using test::TestDirectory;

class NetlistSimulatorTest : public testing::Test {
 protected:
  Netlist read(const std::string& json) {
    return Netlist::read_json(directory_.write("netlist.json", json), liberty_);
  }

  TestDirectory directory_;
  Liberty liberty_ = Liberty::parse(test::small_liberty(), "small.lib");
};

TEST_F(NetlistSimulatorTest, EvaluatesGatesInEveryLane) {
  const Netlist netlist =
      read(netlist_json(port("a", "input", "2, 3") + "," + port("y", "output", "6, 5, \"1\", 2"),
                        cell("late", "NAND2", {{"A", "4"}, {"B", "5"}, {"Y", "6"}}) + "," +
                            cell("inv", "INV", {{"A", "2"}, {"Y", "4"}}) + "," +
                            cell("xor", "XOR2", {{"A", "2"}, {"B", "3"}, {"Y", "5"}})));
  EXPECT_EQ(netlist.area_um2(), 6);
  EXPECT_EQ(netlist.leakage_nw(), 3.5);
  EXPECT_FALSE(netlist.is_sequential());
  NetlistSimulator simulator(netlist);
  std::mt19937 random(1);
  int compared = 0;
  for (int round = 0; round < 4; ++round) {
    std::vector<unsigned> values(NetlistSimulator::kLanes);
    for (int lane = 0; lane < NetlistSimulator::kLanes; ++lane) {
      values[lane] = random() & 3;
      simulator.set_input(netlist.port("a"), lane, values[lane]);
    }
    simulator.settle();
    for (int lane = 0; lane < NetlistSimulator::kLanes; ++lane) {
      const unsigned a = values[lane] & 1;
      const unsigned x = a ^ values[lane] >> 1;
      const unsigned y = !(!a && x);
      EXPECT_EQ(simulator.value(netlist.port("y"), lane), y | x << 1 | 4u | a << 3);
      ++compared;
    }
  }
  fmt::print("checked={}\n", compared);
  EXPECT_EQ(compared, 4 * NetlistSimulator::kLanes);
}

// One inverter, 2 V, 2 fF on its input, no load: the input net takes 1/2 2 fF (2 V)^2 = 4 fJ a
// toggle, a rise of the output 10 fJ and a fall 20 fJ.
TEST_F(NetlistSimulatorTest, EnergyOfOneInverterByHand) {
  const Netlist netlist =
      read(netlist_json(port("a", "input", "2") + "," + port("y", "output", "3"),
                        cell("inv", "INV", {{"A", "2"}, {"Y", "3"}})));
  NetlistSimulator simulator(netlist);
  SwitchingActivity activity(netlist, liberty_, 0.1);
  simulator.count_activity(&activity, 1);
  const std::vector<int> inputs = {0, 1, 0, 0, 1, 1, 0};
  for (const int value : inputs) {
    simulator.set_input(netlist.port("a"), 0, static_cast<std::uint64_t>(value));
    simulator.settle();
  }
  const EnergyReport report = activity.report();
  EXPECT_EQ(report.net_toggles, 8u);  // four on the input, four on the output
  EXPECT_EQ(report.intervals, 7u);
  EXPECT_DOUBLE_EQ(report.input_net_fj, 4 * 4);
  EXPECT_DOUBLE_EQ(report.net_fj, 0);
  EXPECT_DOUBLE_EQ(report.internal_fj, 2 * 10 + 2 * 20);

  // The same as a sequence in neighbouring lanes.
  activity.clear();
  simulator.reset();
  for (int lane = 0; lane < static_cast<int>(inputs.size()); ++lane) {
    simulator.set_input(netlist.port("a"), lane, static_cast<std::uint64_t>(inputs[lane]));
  }
  simulator.settle_sequence(static_cast<int>(inputs.size()));
  EXPECT_DOUBLE_EQ(activity.report().total_fj(), report.total_fj());
  EXPECT_EQ(activity.report().intervals, 6u);
}

// A NAND's energy depends on the input that caused the change: 1 fJ from A, 3 fJ from B, and the
// mean where both changed at once.
TEST_F(NetlistSimulatorTest, InternalEnergyFollowsTheCause) {
  const Netlist netlist =
      read(netlist_json(port("a", "input", "2, 3") + "," + port("y", "output", "4"),
                        cell("nand", "NAND2", {{"A", "2"}, {"B", "3"}, {"Y", "4"}})));
  const auto internal = [&](std::uint64_t from, std::uint64_t to) {
    NetlistSimulator simulator(netlist);
    simulator.set_input_all(netlist.port("a"), from);
    simulator.settle();
    SwitchingActivity activity(netlist, liberty_, 0.1);
    simulator.count_activity(&activity, 1);
    simulator.set_input_all(netlist.port("a"), to);
    simulator.settle();
    return activity.report().internal_fj;
  };
  EXPECT_DOUBLE_EQ(internal(2, 3), 1);
  EXPECT_DOUBLE_EQ(internal(1, 3), 3);
  EXPECT_DOUBLE_EQ(internal(0, 3), 2);
  EXPECT_DOUBLE_EQ(internal(0, 1), 0);
}

// XOR2 leaks 1 nW while A is 1 and 3 nW while it is 0; INV 0.5 nW whatever its input.
TEST_F(NetlistSimulatorTest, LeakageFollowsTheState) {
  const std::string json =
      netlist_json(port("a", "input", "2, 3") + "," + port("y", "output", "5"),
                   cell("inv", "INV", {{"A", "2"}, {"Y", "4"}}) + "," +
                       cell("xor", "XOR2", {{"A", "4"}, {"B", "3"}, {"Y", "5"}}));
  const auto leakage = [&](const Liberty& liberty) {
    const Netlist netlist = Netlist::read_json(directory_.write("leakage.json", json), liberty);
    NetlistSimulator simulator(netlist);
    SwitchingActivity activity(netlist, liberty, 0.1);
    EXPECT_EQ(activity.report().leakage_nw, 0);
    simulator.count_activity(&activity);
    // Ten operations, nine of them behind a transition; the inverter makes A = 0 in three of these.
    const std::vector<std::uint64_t> values = {1, 1, 0, 2, 1, 0, 2, 3, 0, 0};
    for (int lane = 0; lane < 10; ++lane) {
      simulator.set_input(netlist.port("a"), lane, values[lane]);
    }
    simulator.settle_sequence(10);
    return activity.report().leakage_nw;
  };
  EXPECT_DOUBLE_EQ(leakage(liberty_), 0.5 + (6 * 1 + 3 * 3) / 9.0);
  // A state that no group covers leaks what the cell does; of two that hold, the first counts.
  std::string text = test::small_liberty();
  const auto replace = [&text](const std::string& from, const std::string& to) {
    text.replace(text.find(from), from.size(), to);
  };
  replace("when : \"!A\"; value : 3;", "when : \"A\"; value : 4;");
  replace("area : 3;", "area : 3; cell_leakage_power : 8;");
  EXPECT_DOUBLE_EQ(leakage(Liberty::parse(text, "part.lib")), 0.5 + (6 * 1 + 3 * 8) / 9.0);
}

TEST_F(NetlistSimulatorTest, NoToggleTakesNoEnergy) {
  const Netlist netlist =
      read(netlist_json(port("a", "input", "2, 3") + "," + port("y", "output", "4"),
                        cell("nand", "NAND2", {{"A", "2"}, {"B", "3"}, {"Y", "4"}})));
  NetlistSimulator simulator(netlist);
  simulator.set_input_all(netlist.port("a"), 2);
  simulator.settle();
  SwitchingActivity activity(netlist, liberty_, 0.1);
  simulator.count_activity(&activity);
  for (int i = 0; i < 10; ++i) simulator.settle();
  EXPECT_EQ(activity.report().total_fj(), 0);
  EXPECT_EQ(activity.report().net_toggles, 0u);
  EXPECT_EQ(activity.report().intervals, 10u * NetlistSimulator::kLanes);
}

// A two-bit shift register: data move one stage a step, and clear works without a clock.
TEST_F(NetlistSimulatorTest, FlipFlopsShiftAndClear) {
  const Netlist netlist = read(netlist_json(
      port("ck", "input", "2") + "," + port("rn", "input", "3") + "," + port("d", "input", "4") +
          "," + port("q", "output", "5, 6"),
      cell("second", "DFFR", {{"CK", "2"}, {"RN", "3"}, {"D", "5"}, {"Q", "6"}}) + "," +
          cell("first", "DFFR", {{"CK", "2"}, {"RN", "3"}, {"D", "4"}, {"Q", "5"}})));
  EXPECT_TRUE(netlist.is_sequential());
  NetlistSimulator simulator(netlist);
  simulator.set_input_all(netlist.port("rn"), 1);
  unsigned expected = 0;
  for (const unsigned d : {1u, 0u, 1u, 1u, 0u, 0u, 1u}) {
    simulator.set_input_all(netlist.port("d"), d);
    simulator.step(netlist.port("ck"));
    expected = (expected << 1 | d) & 3;
    EXPECT_EQ(simulator.value(netlist.port("q"), 77), expected);
  }
  simulator.set_input(netlist.port("rn"), 5, 0);
  simulator.settle();
  EXPECT_EQ(simulator.value(netlist.port("q"), 5), 0u);
  EXPECT_EQ(simulator.value(netlist.port("q"), 6), expected);
}

// A stream counts the same alone, in the first word of lanes, and as one of 512; and a clock that
// ticks behind settled inputs is a step.
TEST_F(NetlistSimulatorTest, ActivityDoesNotDependOnTheNumberOfLanes) {
  const Netlist netlist = read(netlist_json(
      port("ck", "input", "2") + "," + port("a", "input", "3, 4") + "," + port("q", "output", "7"),
      cell("nand", "NAND2", {{"A", "3"}, {"B", "4"}, {"Y", "5"}}) + "," +
          cell("xor", "XOR2", {{"A", "5"}, {"B", "3"}, {"Y", "6"}}) + "," +
          cell("ff", "DFFR", {{"CK", "2"}, {"RN", "\"1\""}, {"D", "6"}, {"Q", "7"}})));
  const auto measure = [&](int lanes, bool ticks) {
    NetlistSimulator simulator(netlist);
    SwitchingActivity activity(netlist, liberty_, 0.1);
    simulator.count_activity(&activity, lanes);
    std::mt19937 random(7);
    for (int cycle = 0; cycle < 50; ++cycle) {
      simulator.set_input_all(netlist.port("a"), random() & 3);
      if (ticks) {
        simulator.settle();
        simulator.tick(netlist.port("ck"));
      } else {
        simulator.step(netlist.port("ck"));
      }
    }
    return activity.report();
  };
  const EnergyReport one = measure(1, false);
  EXPECT_GT(one.total_fj(), 0);
  EXPECT_DOUBLE_EQ(measure(1, true).total_fj(), one.total_fj());
  for (const int lanes : {2, 63, 64, 65, 127, 128, 512}) {
    const EnergyReport many = measure(lanes, false);
    EXPECT_EQ(many.net_toggles, one.net_toggles * static_cast<std::uint64_t>(lanes)) << lanes;
    EXPECT_NEAR(many.total_fj(), one.total_fj() * lanes, 1e-9 * many.total_fj()) << lanes;
    EXPECT_NEAR(many.leakage_nw, one.leakage_nw, 1e-12) << lanes;
  }
}

// An idle flip-flop still takes its clock's energy: 7 fJ an edge and 1/2 6 fF (2 V)^2 = 12 fJ.
TEST_F(NetlistSimulatorTest, IdleFlipFlopTakesClockEnergy) {
  const Netlist netlist = read(netlist_json(
      port("ck", "input", "2") + "," + port("d", "input", "4") + "," + port("q", "output", "5"),
      cell("ff", "DFFR", {{"CK", "2"}, {"RN", "\"1\""}, {"D", "4"}, {"Q", "5"}})));
  NetlistSimulator simulator(netlist);
  SwitchingActivity activity(netlist, liberty_, 0.1);
  simulator.count_activity(&activity, 1);
  for (int i = 0; i < 3; ++i) simulator.step(netlist.port("ck"));
  EXPECT_DOUBLE_EQ(activity.report().internal_fj, 6 * 7);
  EXPECT_DOUBLE_EQ(activity.report().input_net_fj, 6 * 12);
}

TEST_F(NetlistSimulatorTest, WrongNetlists_bad) {
  const std::string a = port("a", "input", "2");
  const std::string y = port("y", "output", "3");
  const auto usage = [&](const std::string& part, const std::string& json) {
    expect_error(ErrorKind::kInvalidArgument, part,
                 [&] { NetlistSimulator simulator(read(json)); });
  };
  usage("not a Yosys netlist", "{\"modules\": ");
  usage("not a Yosys netlist", "{}");
  usage("the netlist holds no module", "{\"modules\": {}}");
  usage("bit 0 of output y is not driven", netlist_json(a + "," + y, ""));
  usage("undriven or undefined (x)", netlist_json(a + "," + port("y", "output", "\"x\""), ""));
  usage("a AND9, which the library small does not hold",
        netlist_json(a + "," + y, cell("c", "AND9", {{"A", "2"}, {"Y", "3"}})));
  usage("has two drivers",
        netlist_json(a + "," + y, cell("c", "INV", {{"A", "2"}, {"Y", "3"}}) + "," +
                                      cell("d", "INV", {{"A", "2"}, {"Y", "3"}})));
  usage("which feeds pin A of cell c, is not driven",
        netlist_json(a + "," + y, cell("c", "INV", {{"A", "9"}, {"Y", "3"}})));
  usage("input A of cell c (INV) is open",
        netlist_json(a + "," + y, cell("c", "INV", {{"Y", "3"}})));
  usage("connects a pin that INV does not have",
        netlist_json(a + "," + y, cell("c", "INV", {{"A", "2"}, {"Y", "3"}, {"Z", "4"}})));
  usage("combinational loop through 2 cells",
        netlist_json(a + "," + y, cell("c", "NAND2", {{"A", "2"}, {"B", "4"}, {"Y", "3"}}) + "," +
                                      cell("d", "INV", {{"A", "3"}, {"Y", "4"}})));
  expect_error(ErrorKind::kUnimplemented, "it is a latch", [&] {
    read(netlist_json(a + "," + y, cell("c", "LATCH", {{"D", "2"}, {"G", "2"}, {"Q", "3"}})));
  });
  expect_error(ErrorKind::kUnimplemented, "holds a latch", [&] {
    read(netlist_json(a + "," + y, cell("c", "$_DLATCH_P_", {{"D", "2"}, {"E", "2"}, {"Q", "3"}})));
  });
}

// A synthesised sequential unit, 512 independent streams, against arithmetic.
TEST(SequentialNetlist, MultiplyAccumulateEqualsModel) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const TestDirectory directory;
  const SynthesisResult synthesis = synthesize(
      {std::filesystem::path(LUTRA_SOURCE_DIR) / "tests/synth/rtl/multiply_accumulate.sv"}, "", {},
      default_liberty(), directory.path() / "out");
  const Liberty liberty = Liberty::read(synthesis.cells_liberty);
  const Netlist netlist = Netlist::read_json(synthesis.netlist_json, liberty);
  EXPECT_GT(critical_path_ns(synthesis, liberty.fanout_of_four_slew_ns(), "clk_i"), 0.5);
  NetlistSimulator simulator(netlist);
  SwitchingActivity activity(netlist, liberty, liberty.fanout_of_four_slew_ns());
  simulator.set_input_all(netlist.port("rst_ni"), 1);
  simulator.count_activity(&activity);
  std::vector<std::int32_t> expected(NetlistSimulator::kLanes, 0);
  std::mt19937 random(3);
  std::uint64_t compared = 0;
  std::uint64_t wrong = 0;
  for (int cycle = 0; cycle < 200; ++cycle) {
    for (int lane = 0; lane < NetlistSimulator::kLanes; ++lane) {
      const unsigned bits = random();
      const bool enable = (bits >> 16 & 3) != 0;
      const bool clear = (bits >> 18 & 31) == 0;
      simulator.set_input(netlist.port("a_i"), lane, bits & 255);
      simulator.set_input(netlist.port("b_i"), lane, bits >> 8 & 255);
      simulator.set_input(netlist.port("enable_i"), lane, enable);
      simulator.set_input(netlist.port("clear_i"), lane, clear);
      const int product = static_cast<std::int8_t>(bits) * static_cast<std::int8_t>(bits >> 8);
      if (enable) expected[lane] = (expected[lane] + product) & 0xfffff;
      if (clear) expected[lane] = 0;
    }
    simulator.step(netlist.port("clk_i"));
    for (int lane = 0; lane < NetlistSimulator::kLanes; ++lane) {
      wrong += simulator.value(netlist.port("acc_o"), lane) !=
               static_cast<std::uint64_t>(expected[lane]);
      ++compared;
    }
  }
  EXPECT_EQ(wrong, 0u);
  fmt::print("checked={}\n", compared);
  EXPECT_EQ(compared, 200u * NetlistSimulator::kLanes);
  const double busy = activity.report().total_fj();

  // Held inputs, disabled: only the clock moves.
  simulator.set_input_all(netlist.port("enable_i"), 0);
  simulator.set_input_all(netlist.port("clear_i"), 0);
  simulator.step(netlist.port("clk_i"));
  activity.clear();
  for (int cycle = 0; cycle < 200; ++cycle) simulator.step(netlist.port("clk_i"));
  const double idle = activity.report().total_fj();
  EXPECT_GT(idle, 0);
  EXPECT_LT(idle, busy / 4);
}

TEST(SequentialNetlist, ClockMustBeAnInputBit_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const TestDirectory directory;
  const SynthesisResult synthesis = synthesize(
      {std::filesystem::path(LUTRA_SOURCE_DIR) / "tests/synth/rtl/multiply_accumulate.sv"}, "", {},
      default_liberty(), directory.path() / "out");
  expect_error(ErrorKind::kInvalidArgument, "expected an input of one bit",
               [&] { critical_path_ns(synthesis, 0.1, "a_i"); });
  expect_error(ErrorKind::kInvalidArgument, "no port clock",
               [&] { critical_path_ns(synthesis, 0.1, "clock"); });
}

}  // namespace
}  // namespace lutra::synth
