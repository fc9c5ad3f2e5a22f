// The AXI protocol checker: legal traffic of every kind passes, and each rule can fail.
#include "lutra/protocol/axi_checker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <set>

namespace lutra::protocol {
namespace {

/// A port whose signals a test sets by hand, with shorthands for whole legal bursts.
struct Port {
  AxiLimits limits;
  AxiChecker checker;
  AxiSample s;

  explicit Port(const AxiLimits& port_limits) : limits(port_limits), checker("port", port_limits) {
    s.ar.size = s.aw.size = limits.data_bytes == 16 ? 4 : 2;
    s.w.strobe = (1u << limits.data_bytes) - 1;
    reset();
  }

  void clock(int cycles = 1) {
    for (int i = 0; i < cycles; ++i) checker.sample(s);
  }
  void reset() {
    s.reset_n = false;
    s.ar.valid = s.r.valid = s.aw.valid = s.w.valid = s.b.valid = false;
    clock(2);
    s.reset_n = true;
    clock();
  }
  void read_address(uint32_t id, uint32_t address, unsigned beats) {
    s.ar.valid = s.ar.ready = true;
    s.ar.id = id;
    s.ar.address = address;
    s.ar.length = beats - 1;
    clock();
    s.ar.valid = false;
  }
  void read_data(uint32_t id, unsigned beats, bool ends = true) {
    for (unsigned beat = 0; beat < beats; ++beat) {
      s.r.valid = s.r.ready = true;
      s.r.id = id;
      s.r.last = ends && beat + 1 == beats;
      clock();
    }
    s.r.valid = false;
  }
  void write_address(uint32_t id, uint32_t address, unsigned beats) {
    s.aw.valid = s.aw.ready = true;
    s.aw.id = id;
    s.aw.address = address;
    s.aw.length = beats - 1;
    clock();
    s.aw.valid = false;
  }
  void write_data(unsigned beats, bool ends = true) {
    for (unsigned beat = 0; beat < beats; ++beat) {
      s.w.valid = s.w.ready = true;
      s.w.last = ends && beat + 1 == beats;
      clock();
    }
    s.w.valid = false;
  }
  void response(uint32_t id) {
    s.b.valid = s.b.ready = true;
    s.b.id = id;
    clock();
    s.b.valid = false;
  }
};

AxiLimits memory() {
  AxiLimits limits;
  limits.ids = 4;
  limits.timeout_cycles = 100;
  return limits;
}
AxiLimits accelerator() {
  AxiLimits limits = accelerator_memory_port();
  limits.timeout_cycles = 100;
  return limits;
}
AxiLimits patient_memory() {
  AxiLimits limits = memory();
  limits.timeout_cycles = 1000;
  return limits;
}
AxiLimits registers() { return accelerator_register_port(); }

struct BadDriver {
  AxiRule rule;
  const char* name;
  AxiLimits (*limits)();
  void (*drive)(Port&);
};

/// At least one driver a rule, and one a channel where a rule holds for several.
const std::vector<BadDriver>& bad_drivers() {
  static const std::vector<BadDriver> drivers = {
      {AxiRule::kValueRange, "address_beyond_the_port", registers,
       [](Port& p) { p.read_address(0, 0x1000, 1); }},
      {AxiRule::kValueRange, "id_beyond_the_port", memory,
       [](Port& p) { p.read_address(4, 0, 1); }},
      {AxiRule::kValueRange, "reserved_burst", memory,
       [](Port& p) {
         p.s.aw.burst = 3;
         p.write_address(0, 0, 1);
       }},
      {AxiRule::kValueRange, "length_beyond_256", memory,
       [](Port& p) { p.read_address(0, 0, 257); }},
      {AxiRule::kValueRange, "size_beyond_its_bits", memory,
       [](Port& p) {
         p.s.aw.size = 40;
         p.write_address(0, 0, 1);
         p.write_data(1);
       }},
      {AxiRule::kValueRange, "strobes_beyond_the_port", registers,
       [](Port& p) {
         p.s.w.strobe = 0x10;
         p.write_data(1);
       }},
      {AxiRule::kValueRange, "read_response_beyond_its_bits", memory,
       [](Port& p) {
         p.read_address(0, 0, 1);
         p.s.r.response = 4;
         p.read_data(0, 1);
       }},
      {AxiRule::kValueRange, "write_response_beyond_its_bits", memory,
       [](Port& p) {
         p.write_address(0, 0, 1);
         p.write_data(1);
         p.s.b.response = 7;
         p.response(0);
       }},
      {AxiRule::kValueRange, "burst_on_lite", registers, [](Port& p) { p.write_address(0, 0, 2); }},
      {AxiRule::kValidInReset, "arvalid", memory,
       [](Port& p) {
         p.s.reset_n = false;
         p.s.ar.valid = true;
         p.clock();
       }},
      {AxiRule::kValidInReset, "wvalid_at_the_first_edge", memory,
       [](Port& p) {
         p.s.reset_n = false;
         p.clock();
         p.s.reset_n = p.s.w.valid = true;
         p.clock();
       }},
      {AxiRule::kValidInReset, "rvalid", memory,
       [](Port& p) {
         p.read_address(0, 0, 1);
         p.s.reset_n = false;
         p.s.r.valid = true;
         p.clock();
       }},
      {AxiRule::kValidInReset, "bvalid", memory,
       [](Port& p) {
         p.s.reset_n = false;
         p.s.b.valid = true;
         p.clock();
       }},
      {AxiRule::kValidInReset, "awvalid", memory,
       [](Port& p) {
         p.s.reset_n = false;
         p.s.aw.valid = true;
         p.clock();
       }},
      {AxiRule::kValidDropped, "arvalid", memory,
       [](Port& p) {
         p.s.ar.valid = true;
         p.s.ar.ready = false;
         p.clock();
         p.s.ar.valid = false;
         p.clock();
       }},
      {AxiRule::kValidDropped, "awvalid", memory,
       [](Port& p) {
         p.s.aw.valid = true;
         p.s.aw.ready = false;
         p.clock();
         p.s.aw.valid = false;
         p.clock();
       }},
      {AxiRule::kValidDropped, "wvalid", memory,
       [](Port& p) {
         p.s.w.valid = true;
         p.s.w.ready = false;
         p.clock();
         p.s.w.valid = false;
         p.clock();
       }},
      {AxiRule::kValidDropped, "rvalid", memory,
       [](Port& p) {
         p.read_address(0, 0, 1);
         p.s.r = AxiSample::ReadData();
         p.s.r.valid = true;
         p.clock();
         p.s.r.valid = false;
         p.clock();
       }},
      {AxiRule::kValidDropped, "bvalid", memory,
       [](Port& p) {
         p.write_address(0, 0, 1);
         p.write_data(1);
         p.s.b = AxiSample::Response();
         p.s.b.valid = true;
         p.clock();
         p.s.b.valid = false;
         p.clock();
       }},
      {AxiRule::kPayloadChanged, "araddr", memory,
       [](Port& p) {
         p.s.ar.valid = true;
         p.s.ar.ready = false;
         p.clock();
         p.s.ar.address += 64;
         p.clock();
       }},
      {AxiRule::kPayloadChanged, "awlen", memory,
       [](Port& p) {
         p.s.aw.valid = true;
         p.s.aw.ready = false;
         p.clock();
         p.s.aw.length += 1;
         p.clock();
       }},
      {AxiRule::kPayloadChanged, "wdata", memory,
       [](Port& p) {
         p.s.w.valid = true;
         p.s.w.ready = false;
         p.clock();
         p.s.w.data[3] ^= 1;
         p.clock();
       }},
      {AxiRule::kPayloadChanged, "rdata", memory,
       [](Port& p) {
         p.read_address(0, 0, 1);
         p.s.r = AxiSample::ReadData();
         p.s.r.valid = true;
         p.clock();
         p.s.r.data[0] ^= 0x80000000;
         p.clock();
       }},
      {AxiRule::kPayloadChanged, "bresp", memory,
       [](Port& p) {
         p.write_address(0, 0, 1);
         p.write_data(1);
         p.s.b = AxiSample::Response();
         p.s.b.valid = true;
         p.clock();
         p.s.b.response = 2;
         p.clock();
       }},
      {AxiRule::kBurstSize, "wider_than_the_bus", memory,
       [](Port& p) {
         p.s.ar.size = 5;
         p.read_address(0, 0, 1);
       }},
      {AxiRule::kBurstShape, "wrap_of_three", memory,
       [](Port& p) {
         p.s.ar.burst = 2;
         p.read_address(0, 0, 3);
       }},
      {AxiRule::kBurstShape, "unaligned_wrap", memory,
       [](Port& p) {
         p.s.aw.burst = 2;
         p.write_address(0, 8, 4);
       }},
      {AxiRule::kBurstShape, "fixed_of_seventeen", memory,
       [](Port& p) {
         p.s.ar.burst = 0;
         p.read_address(0, 0, 17);
       }},
      {AxiRule::kBoundary, "read", memory, [](Port& p) { p.read_address(0, 0xfe0, 3); }},
      {AxiRule::kBoundary, "write", memory, [](Port& p) { p.write_address(0, 0x1ff0, 2); }},
      {AxiRule::kBoundary, "unaligned_read", memory, [](Port& p) { p.read_address(0, 0xfe8, 3); }},
      {AxiRule::kWriteLast, "early", memory,
       [](Port& p) {
         p.write_address(0, 0, 4);
         p.write_data(2);
       }},
      {AxiRule::kWriteLast, "missing", memory,
       [](Port& p) {
         p.write_address(0, 0, 4);
         p.write_data(4, false);
       }},
      {AxiRule::kWriteLast, "early_and_before_the_address", memory,
       [](Port& p) {
         p.write_data(2);
         p.write_address(0, 0, 3);
       }},
      {AxiRule::kWriteLast, "missing_without_address", patient_memory,
       [](Port& p) { p.write_data(256, false); }},
      {AxiRule::kStrobe, "narrow_beat", memory,
       [](Port& p) {
         p.s.aw.size = 2;
         p.s.w.strobe = 0x00f0;
         p.write_address(0, 0, 2);
         p.write_data(2);
       }},
      {AxiRule::kStrobe, "below_an_unaligned_address", memory,
       [](Port& p) {
         p.s.w.strobe = 0xffff;
         p.write_address(0, 4, 1);
         p.write_data(1);
       }},
      {AxiRule::kReadLast, "early", memory,
       [](Port& p) {
         p.read_address(0, 0, 4);
         p.read_data(0, 2);
       }},
      {AxiRule::kReadLast, "missing", memory,
       [](Port& p) {
         p.read_address(0, 0, 2);
         p.read_data(0, 2, false);
       }},
      {AxiRule::kReadLast, "two_reads_of_one_id_in_the_wrong_order", memory,
       [](Port& p) {
         p.read_address(1, 0, 3);
         p.read_address(1, 0x100, 1);
         p.read_data(1, 1);
       }},
      {AxiRule::kResponseWithoutRequest, "read", memory, [](Port& p) { p.read_data(0, 1); }},
      {AxiRule::kResponseWithoutRequest, "read_at_the_edge_of_its_address", memory,
       [](Port& p) {
         p.s.r.valid = p.s.r.ready = true;
         p.read_address(0, 0, 1);
       }},
      {AxiRule::kResponseWithoutRequest, "write", memory, [](Port& p) { p.response(0); }},
      {AxiRule::kResponseWithoutRequest, "one_beat_too_many", memory,
       [](Port& p) {
         p.read_address(0, 0, 2);
         p.read_data(0, 2);
         p.read_data(0, 1);
       }},
      {AxiRule::kResponseWithoutRequest, "second_response_to_one_write", memory,
       [](Port& p) {
         p.write_address(2, 0, 1);
         p.write_data(1);
         p.response(2);
         p.response(2);
       }},
      {AxiRule::kResponseEarly, "before_the_last_data", memory,
       [](Port& p) {
         p.write_address(0, 0, 2);
         p.write_data(1, false);
         p.response(0);
       }},
      {AxiRule::kResponseEarly, "before_the_address", memory,
       [](Port& p) {
         p.write_data(1);
         p.response(0);
       }},
      {AxiRule::kResponseEarly, "at_the_edge_of_the_last_data", memory,
       [](Port& p) {
         p.write_address(0, 0, 1);
         p.s.b.valid = p.s.b.ready = true;
         p.write_data(1);
       }},
      {AxiRule::kResponseId, "read", memory,
       [](Port& p) {
         p.read_address(1, 0, 1);
         p.read_data(2, 1);
       }},
      {AxiRule::kResponseId, "write", memory,
       [](Port& p) {
         p.write_address(1, 0, 1);
         p.write_data(1);
         p.response(3);
       }},
      {AxiRule::kResponseValue, "exokay_read", memory,
       [](Port& p) {
         p.read_address(0, 0, 1);
         p.s.r.response = 1;
         p.read_data(0, 1);
       }},
      {AxiRule::kResponseValue, "exokay_write_on_lite", registers,
       [](Port& p) {
         p.write_address(0, 0, 1);
         p.write_data(1);
         p.s.b.response = 1;
         p.response(0);
       }},
      {AxiRule::kTimeout, "no_awready_while_data_wait_too", memory,
       [](Port& p) {
         p.s.aw.valid = p.s.w.valid = true;
         p.s.aw.ready = p.s.w.ready = false;
         p.clock(100);
       }},
      {AxiRule::kTimeout, "no_arready", memory,
       [](Port& p) {
         p.s.ar.valid = true;
         p.s.ar.ready = false;
         p.clock(100);
       }},
      {AxiRule::kTimeout, "no_rready", memory,
       [](Port& p) {
         p.read_address(0, 0, 1);
         p.s.r = AxiSample::ReadData();
         p.s.r.valid = true;
         p.clock(100);
       }},
      {AxiRule::kTimeout, "no_bready", memory,
       [](Port& p) {
         p.write_address(0, 0, 1);
         p.write_data(1);
         p.s.b = AxiSample::Response();
         p.s.b.valid = true;
         p.clock(100);
       }},
      {AxiRule::kTimeout, "no_read_data", memory,
       [](Port& p) {
         p.read_address(0, 0, 2);
         p.read_data(0, 1, false);
         p.clock(100);
       }},
      {AxiRule::kTimeout, "no_write_response", memory,
       [](Port& p) {
         p.write_address(0, 0, 1);
         p.write_data(1);
         p.clock(100);
       }},
      {AxiRule::kTimeout, "write_data_wait_for_awready", memory,
       [](Port& p) {
         p.s.aw.valid = true;
         p.s.aw.ready = false;
         p.clock(100);
       }},
      {AxiRule::kTimeout, "no_write_data", memory,
       [](Port& p) {
         p.write_address(0, 0, 2);
         p.write_data(1, false);
         p.clock(100);
       }},
      {AxiRule::kTimeout, "no_write_address", memory,
       [](Port& p) {
         p.write_data(1);
         p.clock(100);
       }},
      {AxiRule::kUnanswered, "read", memory,
       [](Port& p) {
         p.read_address(0, 0, 2);
         p.read_data(0, 1, false);
         p.checker.finish();
       }},
      {AxiRule::kUnanswered, "write", memory,
       [](Port& p) {
         p.write_address(0, 0, 1);
         p.write_data(1);
         p.checker.finish();
       }},
      {AxiRule::kUnanswered, "read_address_not_taken", memory,
       [](Port& p) {
         p.s.ar.valid = true;
         p.s.ar.ready = false;
         p.clock();
         p.checker.finish();
       }},
      {AxiRule::kUnanswered, "write_address_not_taken", memory,
       [](Port& p) {
         p.s.aw.valid = true;
         p.s.aw.ready = false;
         p.clock();
         p.checker.finish();
       }},
      {AxiRule::kBurstLength, "sixty_five_beats", accelerator,
       [](Port& p) { p.read_address(0, 0, 65); }},
      {AxiRule::kFullBeats, "narrow", accelerator,
       [](Port& p) {
         p.s.ar.size = 2;
         p.read_address(0, 0, 4);
       }},
      {AxiRule::kFullBeats, "unaligned", accelerator, [](Port& p) { p.write_address(0, 8, 1); }},
      {AxiRule::kFullBeats, "wrap", accelerator,
       [](Port& p) {
         p.s.aw.burst = 2;
         p.write_address(0, 0, 4);
       }},
      {AxiRule::kFullBeats, "strobes", accelerator,
       [](Port& p) {
         p.s.w.strobe = 0xff;
         p.write_address(0, 0, 1);
         p.write_data(1);
       }},
      {AxiRule::kOutstanding, "two_reads", accelerator,
       [](Port& p) {
         p.read_address(0, 0, 1);
         p.read_address(0, 16, 1);
       }},
      {AxiRule::kOutstanding, "two_writes", accelerator,
       [](Port& p) {
         p.write_address(0, 0, 1);
         p.write_address(0, 16, 1);
       }},
  };
  return drivers;
}

class AxiCheckerRule : public testing::TestWithParam<BadDriver> {};

void PrintTo(const BadDriver& driver, std::ostream* out) { *out << driver.name; }

TEST_P(AxiCheckerRule, CanFail_bad) {
  const BadDriver& driver = GetParam();
  Port port(driver.limits());
  // Legal bursts first: the rule is quiet about them.
  port.write_address(0, 0x40, 1);
  port.write_data(1);
  port.response(0);
  port.read_address(0, 0x40, 1);
  port.read_data(0, 1);
  port.checker.finish();
  ASSERT_EQ(port.checker.violations(), 0u) << port.checker.first_violations()[0].text;
  EXPECT_EQ(port.checker.handshakes(), 5u);
  driver.drive(port);
  ASSERT_GT(port.checker.violations(), 0u) << "not seen";
  const AxiChecker::Violation& first = port.checker.first_violations()[0];
  EXPECT_EQ(first.rule, driver.rule) << first.text;
  EXPECT_NE(first.text.find(axi_rule_name(driver.rule)), std::string::npos) << first.text;
  EXPECT_EQ(first.text.substr(0, 6), "port, ");
}

INSTANTIATE_TEST_SUITE_P(Each, AxiCheckerRule, testing::ValuesIn(bad_drivers()), [](const auto& p) {
  std::string name = axi_rule_name(p.param.rule);
  std::replace(name.begin(), name.end(), '-', '_');
  return name.replace(0, name[0] == '4' ? 1 : 0, name[0] == '4' ? "four" : "") + "_" + p.param.name;
});

TEST(AxiChecker, EveryRuleHasABadDriver) {
  std::set<AxiRule> covered;
  std::set<std::string> names;
  for (const BadDriver& driver : bad_drivers()) covered.insert(driver.rule);
  for (int rule = 0; rule < kAxiRules; ++rule) {
    EXPECT_EQ(covered.count(static_cast<AxiRule>(rule)), 1u) << "rule " << rule;
    names.insert(axi_rule_name(static_cast<AxiRule>(rule)));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(kAxiRules));
}

TEST(AxiChecker, AnIdlePortHasNoHandshakes) {
  Port port(memory());
  port.clock(1000);
  port.checker.finish();
  EXPECT_EQ(port.checker.handshakes(), 0u);
  EXPECT_EQ(port.checker.violations(), 0u);
  EXPECT_EQ(port.checker.report(), "port: 0 handshakes (AR 0, R 0, AW 0, W 0, B 0), 0 violations");
}

// A reset in the middle of everything: what was outstanding is forgotten, on both sides.
TEST(AxiChecker, ResetEndsWhatIsOutstanding) {
  Port port(memory());
  port.read_address(0, 0, 8);
  port.read_data(0, 3, false);
  port.write_address(1, 0, 4);
  port.write_data(2, false);
  port.s.ar.valid = true;
  port.s.ar.ready = false;
  port.clock();
  port.reset();
  port.checker.finish();
  EXPECT_EQ(port.checker.violations(), 0u);
  port.read_address(0, 0, 1);
  port.read_data(0, 1);
  port.write_address(1, 0, 1);
  port.write_data(1);
  port.response(1);
  port.checker.finish();
  EXPECT_EQ(port.checker.violations(), 0u) << port.checker.first_violations()[0].text;
  port.reset();
  port.response(1);  // to a request of before the reset
  EXPECT_EQ(port.checker.violations(), 1u);
}

// Random legal traffic: several IDs, bursts of all kinds and sizes, write data before, with and
// after their addresses, read data interleaved and responses reordered between IDs, random stalls.
TEST(AxiChecker, LegalTrafficOfEveryKindPasses) {
  struct Burst {
    AxiSample::Address address;
    unsigned beats = 0;  ///< offered so far
    bool address_taken = false;
  };
  std::mt19937 random(3);
  const auto chance = [&](unsigned n) { return random() % n == 0; };
  AxiLimits limits = memory();
  limits.timeout_cycles = 2000;
  AxiChecker checker("port", limits);
  AxiSample s;
  checker.sample(s);
  s.reset_n = true;
  checker.sample(s);

  const auto random_burst = [&] {
    AxiSample::Address a;
    a.id = random() % 4;
    a.size = random() % 5;
    a.burst = random() % 3;
    const uint32_t beat = 1u << a.size;
    const unsigned wraps[] = {2, 4, 8, 16};
    const unsigned beats = a.burst == 2   ? wraps[random() % 4]
                           : a.burst == 0 ? 1 + random() % 16
                                          : 1 + random() % (chance(8) ? 256 : 12);
    a.length = beats - 1;
    const uint32_t page = random() % 16 * 4096;
    const uint32_t room = 4096 / beat - (a.burst == 1 ? a.length : 0);
    a.address = page + random() % room * beat;
    if (a.burst != 2) a.address += random() % beat;  // unaligned
    return a;
  };
  // The byte lanes of beat n, from the definition of the addresses.
  const auto lanes = [](const AxiSample::Address& a, unsigned n) {
    const uint32_t beat = 1u << a.size;
    uint32_t address = a.address;
    if (n > 0 && a.burst == 1) address = a.address / beat * beat + n * beat;
    if (a.burst == 2) {
      const uint32_t span = beat * (a.length + 1);
      address = a.address / span * span + (a.address + n * beat) % span;
    }
    uint32_t mask = 0;
    for (uint32_t byte = address; byte < address / beat * beat + beat; ++byte) {
      mask |= 1u << byte % 16;
    }
    return mask;
  };

  std::deque<Burst> reads, writes;  // planned or outstanding, in the order of their addresses
  size_t next_read = 0;             // of `reads` whose address was not offered yet
  uint64_t bursts = 0, reordered = 0, data_first = 0;
  constexpr uint64_t kBursts = 4000;
  while (bursts < kBursts || !reads.empty() || !writes.empty()) {
    if (bursts < kBursts && reads.size() < 6 && chance(3)) {
      reads.push_back({random_burst()});
      ++bursts;
    }
    if (bursts < kBursts && writes.size() < 6 && chance(3)) {
      writes.push_back({random_burst()});
      ++bursts;
    }
    if (!s.ar.valid && next_read < reads.size() && chance(2)) {
      s.ar = reads[next_read].address;
      s.ar.valid = true;
    }
    const auto address =
        std::find_if(writes.begin(), writes.end(), [](const Burst& b) { return !b.address_taken; });
    // In every other phase the address waits for the last of its data.
    if (!s.aw.valid && address != writes.end() && chance(3) &&
        (bursts / 200 % 2 == 0 || address->beats > address->address.length)) {
      s.aw = address->address;
      s.aw.valid = true;
    }
    const auto data = std::find_if(writes.begin(), writes.end(),
                                   [](const Burst& b) { return b.beats <= b.address.length; });
    if (!s.w.valid && data != writes.end() && chance(2)) {
      s.w.valid = true;
      for (uint32_t& word : s.w.data) word = random();
      s.w.strobe = random() & lanes(data->address, data->beats);
      s.w.last = data->beats == data->address.length;
      data_first += !data->address_taken;
    }
    if (!s.r.valid && next_read > 0 && chance(2)) {
      const size_t pick = random() % next_read;
      // The oldest of the picked one's ID.
      size_t oldest = 0;
      while (reads[oldest].address.id != reads[pick].address.id) ++oldest;
      reordered += oldest > 0;
      s.r.valid = true;
      s.r.id = reads[oldest].address.id;
      for (uint32_t& word : s.r.data) word = random();
      s.r.response = chance(20) ? 2 + random() % 2 : 0;
      s.r.last = reads[oldest].beats == reads[oldest].address.length;
    }
    if (!s.b.valid && !writes.empty() && chance(2)) {
      const size_t pick = random() % writes.size();
      size_t oldest = 0;
      while (writes[oldest].address.id != writes[pick].address.id) ++oldest;
      if (writes[oldest].address_taken && writes[oldest].beats > writes[oldest].address.length &&
          !(s.w.valid && data == writes.begin() + static_cast<ptrdiff_t>(oldest))) {
        reordered += oldest > 0;
        s.b.valid = true;
        s.b.id = writes[oldest].address.id;
        s.b.response = chance(20) ? 3 : 0;
      }
    }
    s.ar.ready = chance(2);
    s.aw.ready = chance(3);
    s.w.ready = !chance(3);
    s.r.ready = !chance(3);
    s.b.ready = chance(2);
    checker.sample(s);
    if (s.r.valid && s.r.ready) {
      s.r.valid = false;
      size_t read = 0;
      while (reads[read].address.id != s.r.id) ++read;
      if (reads[read].beats++ == reads[read].address.length) {
        reads.erase(reads.begin() + static_cast<ptrdiff_t>(read));
        --next_read;
      }
    }
    if (s.b.valid && s.b.ready) {
      s.b.valid = false;
      size_t write = 0;
      while (writes[write].address.id != s.b.id) ++write;
      writes.erase(writes.begin() + static_cast<ptrdiff_t>(write));
    }
    if (s.ar.valid && s.ar.ready) {
      s.ar.valid = false;
      ++next_read;
    }
    if (s.aw.valid && s.aw.ready) {
      s.aw.valid = false;
      std::find_if(writes.begin(), writes.end(), [](const Burst& b) {
        return !b.address_taken;
      })->address_taken = true;
    }
    if (s.w.valid && s.w.ready) {
      s.w.valid = false;
      ++std::find_if(writes.begin(), writes.end(), [](const Burst& b) {
          return b.beats <= b.address.length;
        })->beats;
    }
    ASSERT_EQ(checker.violations(), 0u) << checker.first_violations()[0].text;
  }
  checker.finish();
  EXPECT_EQ(checker.violations(), 0u);
  std::printf("%s; reordered %llu, data before their address %llu\n", checker.report().c_str(),
              static_cast<unsigned long long>(reordered),
              static_cast<unsigned long long>(data_first));
  EXPECT_EQ(checker.handshakes(kAr) + checker.handshakes(kAw), kBursts);
  EXPECT_EQ(checker.handshakes(kB), checker.handshakes(kAw));
  EXPECT_GT(reordered, 1000u);
  EXPECT_GT(data_first, 1000u);
}

}  // namespace
}  // namespace lutra::protocol
