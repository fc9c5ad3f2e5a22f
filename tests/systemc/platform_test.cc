// The memory and the two bridges of the platform, without an accelerator: AXI4 and AXI4-Lite are
// driven by the test, with random stalls.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <tlm_utils/simple_initiator_socket.h>

#include <cstring>
#include <deque>

#include "bench.h"
#include "lutra/platform/axi_bridges.h"
#include "lutra/platform/axi_monitor.h"
#include "lutra/platform/memory.h"

namespace lutra::platform {
namespace {

constexpr size_t kMemoryBytes = 1 << 16;
constexpr unsigned kBeatBytes = 16;

/// A payload over `data`, ready to be sent.
void fill(tlm::tlm_generic_payload* payload, tlm::tlm_command command, uint64_t address,
          std::vector<uint8_t>* data) {
  payload->set_command(command);
  payload->set_address(address);
  payload->set_data_ptr(data->data());
  payload->set_data_length(static_cast<unsigned>(data->size()));
  payload->set_streaming_width(static_cast<unsigned>(data->size()));
}

struct Initiator : sc_core::sc_module {
  tlm_utils::simple_initiator_socket<Initiator> socket{"socket"};
  explicit Initiator(sc_core::sc_module_name name) : sc_module(name) {}

  tlm::tlm_response_status send(tlm::tlm_generic_payload* payload) {
    delay = sc_core::SC_ZERO_TIME;
    socket->b_transport(*payload, delay);
    return payload->get_response_status();
  }
  tlm::tlm_response_status send(tlm::tlm_command command, uint64_t address,
                                std::vector<uint8_t>* data) {
    tlm::tlm_generic_payload payload;
    fill(&payload, command, address, data);
    return send(&payload);
  }
  sc_core::sc_time delay;
};

std::vector<uint8_t> random_bytes(std::mt19937* random, size_t count) {
  std::vector<uint8_t> bytes(count);
  for (uint8_t& b : bytes) b = static_cast<uint8_t>((*random)());
  return bytes;
}

struct MemoryBench : Bench {
  Memory memory{"memory", kMemoryBytes, sc_core::sc_time(100, sc_core::SC_NS)};
  Initiator bus{"bus"};
  Initiator host{"host"};
  MemoryBench() : Bench("bench") {
    bus.socket.bind(memory.bus_socket);
    host.socket.bind(memory.host_socket);
  }
};

TEST(Memory, HoldsWhatEitherInitiatorWrites) {
  MemoryBench bench;
  Comparisons comparisons;
  bench.add_thread([&] {
    std::mt19937 random(1);
    std::vector<uint8_t> mirror(kMemoryBytes, 0);
    for (int i = 0; i < 400; ++i) {
      const size_t count = 1 + random() % 1024;
      const size_t address = i == 0 ? kMemoryBytes - count : random() % (kMemoryBytes - count + 1);
      Initiator& initiator = random() % 2 ? bench.bus : bench.host;
      if (random() % 2) {
        std::vector<uint8_t> data = random_bytes(&random, count);
        ASSERT_EQ(initiator.send(tlm::TLM_WRITE_COMMAND, address, &data), tlm::TLM_OK_RESPONSE);
        std::copy(data.begin(), data.end(), mirror.begin() + static_cast<ptrdiff_t>(address));
      } else {
        std::vector<uint8_t> data(count, 0xa5);
        ASSERT_EQ(initiator.send(tlm::TLM_READ_COMMAND, address, &data), tlm::TLM_OK_RESPONSE);
        for (size_t b = 0; b < count; ++b) comparisons.check(mirror[address + b], data[b], "byte");
      }
      EXPECT_EQ(initiator.delay, sc_core::sc_time(100, sc_core::SC_NS));
    }
    EXPECT_EQ(bench.memory.bytes(), mirror);
  });
  bench.run();
}

TEST(Memory, RefusesWhatLiesOutside_bad) {
  MemoryBench bench;
  Comparisons comparisons;
  bench.add_thread([&] {
    const struct {
      uint64_t address;
      size_t count;
    } cases[] = {{kMemoryBytes, 1},       {kMemoryBytes - 1, 2}, {kMemoryBytes - 15, 16},
                 {kMemoryBytes + 100, 4}, {UINT64_MAX, 1},       {UINT64_MAX - 3, 8}};
    for (const auto& c : cases) {
      for (const auto command : {tlm::TLM_READ_COMMAND, tlm::TLM_WRITE_COMMAND}) {
        std::vector<uint8_t> data(c.count, 0x5a);
        comparisons.check(tlm::TLM_ADDRESS_ERROR_RESPONSE,
                          bench.bus.send(command, c.address, &data), "response");
        for (uint8_t b : data) comparisons.check(0x5a, b, "data left alone");
        tlm::tlm_generic_payload payload;
        fill(&payload, command, c.address, &data);
        comparisons.check(0, bench.host.socket->transport_dbg(payload), "debug bytes");
      }
    }
    EXPECT_EQ(bench.memory.bytes(), std::vector<uint8_t>(kMemoryBytes, 0));
  });
  bench.run();
}

TEST(Memory, RefusesByteEnablesAndStreaming_bad) {
  MemoryBench bench;
  bench.add_thread([&] {
    std::vector<uint8_t> data(16, 0x77);
    uint8_t enables[16] = {0xff};
    tlm::tlm_generic_payload payload;
    fill(&payload, tlm::TLM_WRITE_COMMAND, 0, &data);
    payload.set_byte_enable_ptr(enables);
    payload.set_byte_enable_length(16);
    EXPECT_EQ(bench.bus.send(&payload), tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
    payload.set_byte_enable_ptr(nullptr);
    payload.set_streaming_width(8);
    EXPECT_EQ(bench.bus.send(&payload), tlm::TLM_BURST_ERROR_RESPONSE);
    EXPECT_EQ(bench.memory.bytes(), std::vector<uint8_t>(kMemoryBytes, 0));
    payload.set_streaming_width(16);
    EXPECT_EQ(bench.bus.send(&payload), tlm::TLM_OK_RESPONSE) << "the same without both";
    EXPECT_EQ(bench.memory.bytes()[15], 0x77);
  });
  bench.run();
}

TEST(Memory, WaitsInTheCallWhereItIsAskedTo) {
  Bench bench("bench");
  Memory memory("memory", kMemoryBytes, sc_core::sc_time(70, sc_core::SC_NS), /*waits=*/true);
  Initiator bus("bus"), host("host");
  bus.socket.bind(memory.bus_socket);
  host.socket.bind(memory.host_socket);
  bench.add_thread([&] {
    std::vector<uint8_t> data(16, 0x3c), got(16);
    tlm::tlm_generic_payload payload;
    fill(&payload, tlm::TLM_WRITE_COMMAND, 0x20, &data);
    const sc_core::sc_time before = sc_core::sc_time_stamp();
    sc_core::sc_time delay(30, sc_core::SC_NS);
    bus.socket->b_transport(payload, delay);
    EXPECT_TRUE(payload.is_response_ok());
    EXPECT_EQ(delay, sc_core::SC_ZERO_TIME);
    EXPECT_EQ(sc_core::sc_time_stamp() - before, sc_core::sc_time(100, sc_core::SC_NS));
    EXPECT_EQ(host.send(tlm::TLM_READ_COMMAND, 0x20, &got), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(got, data);
  });
  bench.run();
}

Beat to_beat(const uint8_t* bytes) {
  Beat beat;
  for (int w = 0; w < 4; ++w) {
    beat.set_word(w, uint32_t{bytes[4 * w]} | uint32_t{bytes[4 * w + 1]} << 8 |
                         uint32_t{bytes[4 * w + 2]} << 16 | uint32_t{bytes[4 * w + 3]} << 24);
  }
  return beat;
}

/// Fields of a burst; the defaults are what the accelerator issues.
struct Burst {
  uint32_t address = 0;
  unsigned beats = 1;
  uint32_t size = 4;
  uint32_t burst = 1;
  uint32_t strobe = 0xffff;
  int last_beat = -1;  ///< beat that carries wlast; -1: the last one, -2: none
  uint32_t id = 0;
};

std::vector<uint8_t> bytes_of(const Beat& beat) {
  std::vector<uint8_t> bytes;
  for (int w = 0; w < 4; ++w) {
    for (int b = 0; b < 4; ++b) {
      bytes.push_back(static_cast<uint8_t>(uint64_t{beat.get_word(w)} >> (8 * b)));
    }
  }
  return bytes;
}

/// What a manager offers first of a write.
enum class Offer { kAddressFirst, kDataFirst, kTogether };

/// An AXI4 manager with random stalls, in the place of the accelerator.
class Manager {
 public:
  Manager(Bench* bench, uint32_t seed) : bench_(*bench), s_(bench->signals), random_(seed) {}

  /// One write, and nothing before its response. @return bresp
  uint32_t write(const Burst& burst, const std::vector<uint8_t>& data,
                 Offer offer = Offer::kAddressFirst) {
    if (offer == Offer::kAddressFirst) write_address(burst);
    if (offer == Offer::kTogether) offer_address(burst);
    write_data(burst, data);
    if (offer == Offer::kDataFirst) write_address(burst);
    while (address_offered_) clock();
    return write_response(nullptr);
  }

  void write_address(const Burst& burst) {
    stall();
    offer_address(burst);
    while (address_offered_) clock();
  }

  /// From here on, clock() ends the offer when it is taken.
  void offer_address(const Burst& burst) {
    s_.m_axi_awid_o = burst.id;
    s_.m_axi_awaddr_o = burst.address;
    s_.m_axi_awlen_o = burst.beats - 1;
    s_.m_axi_awsize_o = burst.size;
    s_.m_axi_awburst_o = burst.burst;
    s_.m_axi_awvalid_o = true;
    address_offered_ = true;
  }

  void write_data(const Burst& burst, const std::vector<uint8_t>& data) {
    const unsigned last = burst.last_beat == -1 ? burst.beats - 1 : burst.last_beat;
    for (unsigned beat = 0; beat < burst.beats; ++beat) {
      stall();
      s_.m_axi_wdata_o = to_beat(&data[beat * kBeatBytes]);
      s_.m_axi_wstrb_o = burst.strobe;
      s_.m_axi_wlast_o = beat == last;
      s_.m_axi_wvalid_o = true;
      do clock();
      while (!s_.m_axi_wready_i.read());
      s_.m_axi_wvalid_o = false;
    }
  }

  /// @return bresp of the next response, with its bid in *id
  uint32_t write_response(uint32_t* id) {
    do {
      s_.m_axi_bready_o = random_() % 2 != 0;
      bench_.wait_clock();
    } while (!s_.m_axi_bvalid_i.read() || !s_.m_axi_bready_o.read());
    s_.m_axi_bready_o = false;
    if (id != nullptr) *id = s_.m_axi_bid_i.read();
    return s_.m_axi_bresp_i.read();
  }

  struct ReadResult {
    std::vector<uint8_t> data;
    uint32_t response = 0;  ///< of all beats together
    bool last_is_right = true;
    bool id_is_right = true;
    int first_beat_after = 0;  ///< cycles from the address to the first beat
  };

  ReadResult read(const Burst& burst) {
    read_address(burst);
    return read_data(burst);
  }

  void read_address(const Burst& burst) {
    stall();
    s_.m_axi_arid_o = burst.id;
    s_.m_axi_araddr_o = burst.address;
    s_.m_axi_arlen_o = burst.beats - 1;
    s_.m_axi_arsize_o = burst.size;
    s_.m_axi_arburst_o = burst.burst;
    s_.m_axi_arvalid_o = true;
    do bench_.wait_clock();
    while (!s_.m_axi_arready_i.read());
    s_.m_axi_arvalid_o = false;
  }

  ReadResult read_data(const Burst& burst) {
    ReadResult result;
    const int accepted = bench_.cycle();
    for (unsigned beat = 0; beat < burst.beats;) {
      s_.m_axi_rready_o = random_() % 3 != 0;
      bench_.wait_clock();
      if (!s_.m_axi_rvalid_i.read() || !s_.m_axi_rready_o.read()) continue;
      if (beat == 0) result.first_beat_after = bench_.cycle() - accepted;
      const auto bytes = bytes_of(s_.m_axi_rdata_i.read());
      result.data.insert(result.data.end(), bytes.begin(), bytes.end());
      result.response |= s_.m_axi_rresp_i.read();
      result.id_is_right &= s_.m_axi_rid_i.read() == burst.id;
      ++beat;
      result.last_is_right &= s_.m_axi_rlast_i.read() == (beat == burst.beats);
    }
    s_.m_axi_rready_o = false;
    return result;
  }

  /// All channels at rest, as reset wants it.
  void reset() {
    for (auto* signal : {&s_.m_axi_arvalid_o, &s_.m_axi_awvalid_o, &s_.m_axi_wvalid_o,
                         &s_.m_axi_rready_o, &s_.m_axi_bready_o}) {
      *signal = false;
    }
  }

  std::mt19937& random() { return random_; }

 private:
  void clock() {
    bench_.wait_clock();
    if (!address_offered_ || !s_.m_axi_awready_i.read()) return;
    s_.m_axi_awvalid_o = false;
    address_offered_ = false;
  }
  void stall() {
    for (unsigned i = random_() % 2 ? 0 : random_() % 4; i > 0; --i) clock();
  }

  Bench& bench_;
  AcceleratorSignals& s_;
  std::mt19937 random_;
  bool address_offered_ = false;
};

/// A checker on both ports: the bench fails when it saw no handshake, or, at the end, a violation.
class CheckedBench : public Bench {
 public:
  AxiMonitor monitor;
  bool expects_violations = false;
  bool leaves_outstanding = false;  ///< the bench stops in the middle

  explicit CheckedBench(const protocol::AxiLimits& memory_port = any_manager())
      : Bench("bench"), monitor("monitor", &signals, memory_port) {}
  ~CheckedBench() override {
    if (!leaves_outstanding) monitor.finish();
    std::printf("%s\n%s\n", monitor.memory_port().report().c_str(),
                monitor.register_port().report().c_str());
    EXPECT_GT(monitor.handshakes(), 0u) << "nothing was checked";
    if (expects_violations) {
      EXPECT_GT(monitor.violations(), 0u);
    } else {
      EXPECT_EQ(monitor.first_violation(), "");
    }
  }

  /// A manager of many IDs and bursts, with beats like the accelerator's.
  static protocol::AxiLimits any_manager() {
    protocol::AxiLimits limits;
    limits.max_beats = 64;
    limits.full_beats = true;
    return limits;
  }
};

struct AxiBench : CheckedBench {
  Memory memory{"memory", kMemoryBytes, sc_core::sc_time(100, sc_core::SC_NS)};
  AxiToTlm bridge{"bridge", &signals};
  Initiator host{"host"};
  AxiBench() { connect(); }
  explicit AxiBench(const protocol::AxiLimits& limits) : CheckedBench(limits) { connect(); }

 private:
  void connect() {
    bridge.socket.bind(memory.bus_socket);
    host.socket.bind(memory.host_socket);
  }
};

/// A legal burst of this many beats inside [low, high).
Burst legal_burst(std::mt19937* random, unsigned beats, uint32_t low, uint32_t high) {
  Burst burst;
  burst.beats = beats;
  const uint32_t pages = (high - low) / 4096;
  const uint32_t slots = 256 - beats + 1;  // start beats of a page from which it fits
  burst.address = low + (*random)() % pages * 4096 + (*random)() % slots * kBeatBytes;
  return burst;
}

// Reads and writes at the same time, each length from 1 to 64 twice, in separate halves.
TEST(AxiToTlm, BurstsOfEveryLengthKeepTheirData) {
  AxiBench bench;
  Comparisons comparisons;
  constexpr uint32_t kHalf = kMemoryBytes / 2;
  std::mt19937 random(5);
  std::vector<uint8_t> mirror = random_bytes(&random, kHalf);
  mirror.resize(kMemoryBytes, 0);
  Manager reader(&bench, 6);
  Manager writer(&bench, 7);
  sc_core::sc_event filled;
  bench.add_thread([&] {
    std::vector<uint8_t> half(mirror.begin(), mirror.begin() + kHalf);
    tlm::tlm_generic_payload payload;
    fill(&payload, tlm::TLM_WRITE_COMMAND, 0, &half);
    ASSERT_EQ(bench.host.socket->transport_dbg(payload), kHalf);
    for (unsigned i = 0; i < 128; ++i) {
      const Burst burst = legal_burst(&reader.random(), i % 64 + 1, 0, kHalf);
      const auto result = reader.read(burst);
      comparisons.check(0, result.response, "rresp");
      comparisons.check(true, result.last_is_right, "rlast");
      comparisons.check(true, result.first_beat_after >= 10, "the memory's latency passes");
      ASSERT_EQ(result.data.size(), burst.beats * kBeatBytes);
      for (size_t b = 0; b < result.data.size(); ++b) {
        comparisons.check(mirror[burst.address + b], result.data[b], "read byte");
      }
    }
  });
  bench.add_thread([&] {
    for (unsigned i = 0; i < 128; ++i) {
      const Burst burst = legal_burst(&writer.random(), i % 64 + 1, kHalf, kMemoryBytes);
      const auto data = random_bytes(&writer.random(), burst.beats * kBeatBytes);
      comparisons.check(0, writer.write(burst, data, static_cast<Offer>(i % 3)), "bresp");
      std::copy(data.begin(), data.end(), mirror.begin() + burst.address);
    }
  });
  bench.run();
  for (size_t b = 0; b < kMemoryBytes; ++b) {
    comparisons.check(mirror[b], bench.memory.bytes()[b], "byte in the memory");
  }
}

TEST(AxiToTlm, AnswersDecodeErrorOutsideTheMemory_bad) {
  AxiBench bench;
  Comparisons comparisons;
  Manager manager(&bench, 8);
  bench.add_thread([&] {
    Burst outside;
    outside.beats = 4;
    for (const uint32_t address : {uint32_t{kMemoryBytes}, 0xfffff000u}) {
      outside.address = address;
      const auto result = manager.read(outside);
      comparisons.check(3, result.response, "rresp");
      comparisons.check(true, result.last_is_right, "rlast");
      comparisons.check(3, manager.write(outside, std::vector<uint8_t>(64, 0x11)), "bresp");
    }
    Burst inside;
    comparisons.check(0, manager.write(inside, std::vector<uint8_t>(16, 0x22)), "bresp after it");
    const auto result = manager.read(inside);
    comparisons.check(0, result.response, "rresp after it");
    comparisons.check(0x22, result.data.at(15), "data after it");
  });
  bench.run();
}

/// Refuses everything, and not because of its address.
struct Refusing : sc_core::sc_module {
  tlm_utils::simple_target_socket<Refusing> socket{"socket"};
  explicit Refusing(sc_core::sc_module_name name) : sc_module(name) {
    socket.register_b_transport(this, &Refusing::transport);
  }
  void transport(tlm::tlm_generic_payload& payload, sc_core::sc_time&) {
    payload.set_response_status(tlm::TLM_GENERIC_ERROR_RESPONSE);
  }
};

TEST(AxiToTlm, AnswersSubordinateErrorWhenTheTargetRefuses_bad) {
  CheckedBench bench;
  AxiToTlm bridge("bridge", &bench.signals);
  Refusing target("target");
  bridge.socket.bind(target.socket);
  Manager manager(&bench, 9);
  bench.add_thread([&] {
    EXPECT_EQ(manager.read({}).response, 2u);
    EXPECT_EQ(manager.write({}, std::vector<uint8_t>(16)), 2u);
  });
  bench.run();
}

/// A memory whose accesses take a random time, partly in b_transport, partly annotated.
struct SlowMemory : sc_core::sc_module {
  tlm_utils::simple_target_socket<SlowMemory> socket{"socket"};
  std::vector<uint8_t> bytes = std::vector<uint8_t>(kMemoryBytes, 0);
  std::mt19937 random{77};
  int begun = 0, ended = 0;
  sc_core::sc_time fixed_wait = sc_core::SC_ZERO_TIME, fixed_delay = sc_core::SC_ZERO_TIME;

  explicit SlowMemory(sc_core::sc_module_name name) : sc_module(name) {
    socket.register_b_transport(this, &SlowMemory::transport);
  }

 private:
  void transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    ++begun;
    if (fixed_wait != sc_core::SC_ZERO_TIME) {
      wait(fixed_wait);
      delay += fixed_delay;
    } else {
      wait(sc_core::sc_time(random() % 400, sc_core::SC_NS));
      delay += sc_core::sc_time(random() % 130, sc_core::SC_NS);
    }
    for (unsigned b = 0; b < payload.get_data_length(); ++b) {
      uint8_t& byte = bytes[payload.get_address() + b];
      const uint8_t* enables = payload.get_byte_enable_ptr();
      if (payload.is_read()) {
        payload.get_data_ptr()[b] = byte;
      } else if (enables == nullptr || enables[b] == TLM_BYTE_ENABLED) {
        byte = payload.get_data_ptr()[b];
      }
    }
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
    ++ended;
  }
};

struct SlowBench : CheckedBench {
  SlowMemory memory{"memory"};
  AxiToTlm bridge{"bridge", &signals};
  SlowBench() { bridge.socket.bind(memory.socket); }
};

// The target waits in b_transport and annotates a delay: both pass before the first beat and before
// the response, to the cycle.
TEST(AxiToTlm, WaitsAndDelaysOfTheTargetPass) {
  SlowBench bench;
  bench.memory.fixed_wait = sc_core::sc_time(230, sc_core::SC_NS);
  bench.memory.fixed_delay = sc_core::sc_time(70, sc_core::SC_NS);
  Comparisons comparisons;
  Manager manager(&bench, 21);
  bench.add_thread([&] {
    auto& s = bench.signals;
    for (unsigned beats : {1u, 2u, 17u}) {
      Burst burst;
      burst.beats = beats;
      const auto data = random_bytes(&manager.random(), beats * kBeatBytes);
      manager.write_address(burst);
      manager.write_data(burst, data);
      int waited = 0;
      for (; !s.m_axi_bvalid_i.read(); ++waited) bench.wait_clock();
      comparisons.check(31, waited, "cycles to the response");
      manager.write_response(nullptr);
      manager.read_address(burst);
      for (waited = 0; !s.m_axi_rvalid_i.read(); ++waited) bench.wait_clock();
      comparisons.check(31, waited, "cycles to the first beat");
      comparisons.check(true, manager.read_data(burst).data == data, "data");
    }
  });
  bench.run();
}

// Many bursts of many IDs outstanding, each channel with its own stalls, write data before and
// after their addresses: the responses of an ID come in its order.
TEST(AxiToTlm, ServesManyOutstandingBurstsInOrder) {
  SlowBench bench;
  Comparisons comparisons;
  constexpr uint32_t kHalf = kMemoryBytes / 2;
  constexpr unsigned kBursts = 150;
  std::mt19937 random(22);
  std::vector<uint8_t> mirror = random_bytes(&random, kHalf);
  mirror.resize(kMemoryBytes, 0);
  bench.memory.bytes = mirror;
  std::vector<Burst> reads, writes;
  std::vector<std::vector<uint8_t>> data;
  for (unsigned i = 0; i < kBursts; ++i) {
    reads.push_back(legal_burst(&random, 1 + random() % (i % 8 ? 6 : 64), 0, kHalf));
    writes.push_back(legal_burst(&random, 1 + random() % (i % 8 ? 6 : 64), kHalf, kMemoryBytes));
    reads.back().id = random() % 16;
    writes.back().id = random() % 16;
    data.push_back(random_bytes(&random, writes.back().beats * kBeatBytes));
    std::copy(data.back().begin(), data.back().end(), mirror.begin() + writes.back().address);
  }
  std::vector<Manager> channels;
  for (uint32_t c = 0; c < 5; ++c) channels.emplace_back(&bench, 30 + c);
  bench.add_thread([&] {
    for (const Burst& burst : reads) channels[0].read_address(burst);
  });
  bench.add_thread([&] {
    for (const Burst& burst : reads) {
      const auto result = channels[1].read_data(burst);
      comparisons.check(true, result.last_is_right && result.id_is_right, "rlast and rid");
      comparisons.check(0, result.response, "rresp");
      comparisons.check(0,
                        std::memcmp(&mirror[burst.address], result.data.data(), result.data.size()),
                        "read data");
    }
  });
  bench.add_thread([&] {
    for (unsigned i = 0; i < kBursts; ++i) {
      if (i % 40 == 0) bench.wait_clocks(300);  // the data run ahead
      channels[2].write_address(writes[i]);
    }
  });
  bench.add_thread([&] {
    for (unsigned i = 0; i < kBursts; ++i) {
      if (i % 40 == 20) bench.wait_clocks(300);  // the addresses run ahead
      channels[3].write_data(writes[i], data[i]);
    }
  });
  bench.add_thread([&] {
    for (const Burst& burst : writes) {
      uint32_t id = 99;
      comparisons.check(0, channels[4].write_response(&id), "bresp");
      comparisons.check(burst.id, id, "bid");
    }
  });
  bench.run();
  for (size_t b = 0; b < kMemoryBytes; ++b) {
    comparisons.check(mirror[b], bench.memory.bytes[b], "byte in the memory");
  }
}

// Resets in every phase of reads and writes, with transactions in the target: no response of before
// it comes after it, a write that was not complete leaves no trace, one that the target had begun
// ends there; and the next bursts are right.
TEST(AxiToTlm, StartsAfreshAfterAResetInTheMiddleOfBursts) {
  SlowBench bench;
  Comparisons comparisons;
  Manager manager(&bench, 23);
  int interrupted_in_target = 0;
  bench.add_thread([&] {
    auto& s = bench.signals;
    for (unsigned round = 0; round < 60; ++round) {
      Burst burst;
      burst.beats = 8;
      burst.id = round % 16;
      burst.address = 0x1000;
      const std::vector<uint8_t> before(8 * kBeatBytes, static_cast<uint8_t>(round));
      comparisons.check(0, manager.write(burst, before, static_cast<Offer>(round % 3)), "bresp");
      const bool complete = round % 4 == 3;
      const std::vector<uint8_t> lost(8 * kBeatBytes, 0xee);
      switch (round % 4) {
        case 0:  // a read, at any time
          manager.read_address(burst);
          manager.read_address(burst);
          s.m_axi_rready_o = true;
          bench.wait_clocks(manager.random()() % 80);
          break;
        case 1: {  // an address and a part of its data
          manager.write_address(burst);
          Burst part = burst;
          part.beats = 1 + manager.random()() % 7;
          part.last_beat = -2;
          manager.write_data(part, lost);
          break;
        }
        case 2:  // data without their address
          manager.write_data(burst, lost);
          break;
        case 3:  // a whole write
          manager.write_address(burst);
          manager.write_data(burst, lost);
          bench.wait_clocks(manager.random()() % 60);
          break;
      }
      const int begun = bench.memory.begun;
      interrupted_in_target += bench.memory.begun != bench.memory.ended;
      bench.reset([&] { manager.reset(); });
      comparisons.check(false, s.m_axi_rvalid_i.read() || s.m_axi_bvalid_i.read(), "valid");
      bench.wait_clocks(80);  // longer than the target takes
      comparisons.check(false, s.m_axi_rvalid_i.read() || s.m_axi_bvalid_i.read(), "late answer");
      comparisons.check(bench.memory.begun, bench.memory.ended, "what was begun has ended");
      comparisons.check(true, bench.memory.begun <= begun + 1, "nothing more is begun");
      const auto result = manager.read(burst);
      comparisons.check(true, result.id_is_right && result.last_is_right, "rid, rlast");
      const bool is_new = result.data == lost;
      comparisons.check(true, result.data == before || (complete && is_new), "data after reset");
    }
  });
  bench.run();
  std::printf("resets with a transaction in the target: %d\n", interrupted_in_target);
  EXPECT_GT(interrupted_in_target, 5);
}

// A burst that the bridge does not serve reaches no target.
TEST(AxiToTlm, AnswersSubordinateErrorToWhatItDoesNotServe_bad) {
  AxiBench bench((protocol::AxiLimits()));
  Comparisons comparisons;
  Manager manager(&bench, 24);
  // Narrow (no strobe: its lanes move from beat to beat), fixed, wrapping, unaligned.
  const Burst cases[] = {
      {0x100, 4, 3, 1, 0}, {0x100, 4, 4, 0}, {0x100, 4, 4, 2}, {0x108, 1, 4, 1, 0xff00}};
  bench.add_thread([&] {
    for (const Burst& burst : cases) {
      comparisons.check(2, manager.write(burst, std::vector<uint8_t>(64, 0x55)), "bresp");
      comparisons.check(2, manager.read(burst).response, "rresp");
    }
    // The memory refuses byte enables; nothing is written.
    Burst partial;
    partial.strobe = 0x0f0f;
    comparisons.check(2, manager.write(partial, std::vector<uint8_t>(16, 0x55)), "bresp");
  });
  bench.run();
  EXPECT_EQ(bench.memory.bytes(), std::vector<uint8_t>(kMemoryBytes, 0));
}

// Partial strobes become byte enables: the other bytes keep their values.
TEST(AxiToTlm, WritesOnlyTheBytesOfTheStrobes) {
  protocol::AxiLimits limits;
  CheckedBench bench(limits);
  SlowMemory memory("memory");
  AxiToTlm bridge("bridge", &bench.signals);
  bridge.socket.bind(memory.socket);
  Comparisons comparisons;
  Manager manager(&bench, 25);
  bench.add_thread([&] {
    std::vector<uint8_t> mirror(kMemoryBytes, 0);
    for (int i = 0; i < 100; ++i) {
      Burst burst = legal_burst(&manager.random(), 1 + i % 5, 0, kMemoryBytes);
      burst.strobe = manager.random()() & 0xffff;
      const auto data = random_bytes(&manager.random(), burst.beats * kBeatBytes);
      comparisons.check(0, manager.write(burst, data), "bresp");
      for (size_t b = 0; b < data.size(); ++b) {
        if (burst.strobe >> b % 16 & 1) mirror[burst.address + b] = data[b];
      }
    }
    comparisons.check(true, mirror == memory.bytes, "memory");
  });
  bench.run();
}

struct BadBurst {
  const char* name;
  bool is_write;
  Burst burst;
  protocol::AxiRule rule;
};

void PrintTo(const BadBurst& v, std::ostream* out) { *out << v.name; }

class AxiMonitorOf : public testing::TestWithParam<BadBurst> {};

// The monitor is bound to every signal that a rule of bursts needs.
TEST_P(AxiMonitorOf, NamesABadBurst_bad) {
  AxiBench bench(protocol::accelerator_memory_port());
  bench.expects_violations = true;
  bench.leaves_outstanding = true;
  Manager manager(&bench, 10);
  const BadBurst& bad = GetParam();
  bench.add_thread([&] {
    const std::vector<uint8_t> data(64 * kBeatBytes * 2, 0x33);
    manager.write({}, data);
    manager.read({});
    EXPECT_EQ(bench.monitor.first_violation(), "") << "legal bursts before it";
    if (bad.is_write) {
      manager.write(bad.burst, data);
    } else {
      manager.read(bad.burst);
    }
  });
  bench.run();
  ASSERT_FALSE(bench.monitor.memory_port().first_violations().empty());
  const auto& first = bench.monitor.memory_port().first_violations()[0];
  EXPECT_EQ(first.rule, bad.rule) << first.text;
  EXPECT_EQ(bench.monitor.first_violation(), first.text);
}

using protocol::AxiRule;
INSTANTIATE_TEST_SUITE_P(
    Each, AxiMonitorOf,
    testing::Values(
        BadBurst{"read_size", false, {0x100, 4, 3}, AxiRule::kFullBeats},
        BadBurst{"write_size", true, {0x100, 4, 2}, AxiRule::kFullBeats},
        BadBurst{"read_crosses_4KiB", false, {0xfe0, 3}, AxiRule::kBoundary},
        BadBurst{"write_crosses_4KiB", true, {0x1ff0, 2}, AxiRule::kBoundary},
        BadBurst{"read_of_65_beats", false, {0, 65}, AxiRule::kBurstLength},
        BadBurst{"read_misaligned", false, {0x108, 1}, AxiRule::kFullBeats},
        BadBurst{"write_misaligned", true, {0x104, 1}, AxiRule::kFullBeats},
        BadBurst{"read_fixed_burst", false, {0, 2, 4, 0}, AxiRule::kFullBeats},
        BadBurst{"write_wrapping_burst", true, {0, 2, 4, 2}, AxiRule::kFullBeats},
        BadBurst{"write_partial_strobe", true, {0, 1, 4, 1, 0x00ff}, AxiRule::kFullBeats},
        BadBurst{"write_early_last", true, {0, 4, 4, 1, 0xffff, 1}, AxiRule::kWriteLast},
        BadBurst{"write_no_last", true, {0, 4, 4, 1, 0xffff, -2}, AxiRule::kWriteLast},
        BadBurst{"read_of_another_id", false, {0, 1, 4, 1, 0xffff, -1, 3}, AxiRule::kValueRange}),
    [](const auto& p) { return std::string(p.param.name); });

/// Which handshake of a write the register file takes first.
enum class WriteOrder { kAddressFirst, kDataFirst, kTogether, kAny };

/// An AXI4-Lite subordinate of 1024 registers with random delays. Registers from 0x800 on answer
/// SLVERR.
class RegisterFile : public sc_core::sc_module {
 public:
  std::vector<uint32_t> registers = std::vector<uint32_t>(1024, 0);
  int data_was_first = 0;
  int address_was_first = 0;

  RegisterFile(sc_core::sc_module_name name, AcceleratorSignals* signals, WriteOrder order,
               uint32_t seed)
      : sc_module(name), s_(*signals), order_(order), random_(seed) {
    SC_HAS_PROCESS(RegisterFile);
    SC_METHOD(on_clock);
    sensitive << s_.clk_i.posedge_event() << s_.rst_ni.negedge_event();
    dont_initialize();
  }

 private:
  static bool refused(uint32_t address) { return address >= 0x800; }

  void on_clock() {
    if (!s_.rst_ni.read()) {
      for (auto* signal : {&s_.s_axil_awready_o, &s_.s_axil_wready_o, &s_.s_axil_arready_o,
                           &s_.s_axil_bvalid_o, &s_.s_axil_rvalid_o}) {
        *signal = false;
      }
      address_taken_ = data_taken_ = read_taken_ = false;
      return;
    }
    write_channel();
    read_channel();
  }

  void write_channel() {
    if (s_.s_axil_awvalid_i.read() && s_.s_axil_awready_o.read()) {
      write_address_ = s_.s_axil_awaddr_i.read();
      address_taken_ = true;
      address_was_first +=
          !data_taken_ && !(s_.s_axil_wvalid_i.read() && s_.s_axil_wready_o.read());
      s_.s_axil_awready_o = false;
    }
    if (s_.s_axil_wvalid_i.read() && s_.s_axil_wready_o.read()) {
      write_data_ = s_.s_axil_wdata_i.read();
      EXPECT_EQ(s_.s_axil_wstrb_i.read(), 0xfu);
      data_was_first += !address_taken_;
      data_taken_ = true;
      s_.s_axil_wready_o = false;
    }
    if (s_.s_axil_bvalid_o.read()) {
      if (s_.s_axil_bready_i.read()) {
        s_.s_axil_bvalid_o = false;
        address_taken_ = data_taken_ = false;
      }
      return;
    }
    if (random_() % 3 != 0) return;
    if (address_taken_ && data_taken_) {
      if (!refused(write_address_)) registers[write_address_ / 4] = write_data_;
      s_.s_axil_bresp_o = refused(write_address_) ? 2 : 0;
      s_.s_axil_bvalid_o = true;
      return;
    }
    switch (order_) {
      case WriteOrder::kAddressFirst:
        if (!address_taken_) s_.s_axil_awready_o = true;
        if (address_taken_ && !data_taken_) s_.s_axil_wready_o = true;
        break;
      case WriteOrder::kDataFirst:
        if (!data_taken_) s_.s_axil_wready_o = true;
        if (data_taken_ && !address_taken_) s_.s_axil_awready_o = true;
        break;
      case WriteOrder::kTogether:
        if (s_.s_axil_awvalid_i.read() && s_.s_axil_wvalid_i.read() && !address_taken_) {
          s_.s_axil_awready_o = true;
          s_.s_axil_wready_o = true;
        }
        break;
      case WriteOrder::kAny:
        if (!address_taken_ && random_() % 2) s_.s_axil_awready_o = true;
        if (!data_taken_ && random_() % 2) s_.s_axil_wready_o = true;
        break;
    }
  }

  void read_channel() {
    if (s_.s_axil_rvalid_o.read()) {
      if (s_.s_axil_rready_i.read()) s_.s_axil_rvalid_o = false;
      return;
    }
    if (s_.s_axil_arvalid_i.read() && s_.s_axil_arready_o.read()) {
      read_address_ = s_.s_axil_araddr_i.read();
      read_taken_ = true;
      s_.s_axil_arready_o = false;
      return;
    }
    if (random_() % 3 != 0) return;
    if (read_taken_) {
      s_.s_axil_rdata_o = refused(read_address_) ? 0 : registers[read_address_ / 4];
      s_.s_axil_rresp_o = refused(read_address_) ? 2 : 0;
      s_.s_axil_rvalid_o = true;
      read_taken_ = false;
    } else {
      s_.s_axil_arready_o = true;
    }
  }

  AcceleratorSignals& s_;
  WriteOrder order_;
  std::mt19937 random_;
  bool address_taken_ = false, data_taken_ = false, read_taken_ = false;
  uint32_t write_address_ = 0, write_data_ = 0, read_address_ = 0;
};

struct LiteBench : CheckedBench {
  TlmToAxiLite bridge{"bridge", &signals};
  Initiator host{"host"};
  RegisterFile file;
  explicit LiteBench(WriteOrder order)
      : file("file", &signals, order, 11 + static_cast<uint32_t>(order)) {
    host.socket.bind(bridge.socket);
  }
  tlm::tlm_response_status write(uint32_t address, uint32_t value) {
    std::vector<uint8_t> data(4);
    std::memcpy(data.data(), &value, 4);
    return host.send(tlm::TLM_WRITE_COMMAND, address, &data);
  }
  tlm::tlm_response_status read(uint32_t address, uint32_t* value) {
    std::vector<uint8_t> data(4, 0xcc);
    const auto status = host.send(tlm::TLM_READ_COMMAND, address, &data);
    std::memcpy(value, data.data(), 4);
    return status;
  }
};

void PrintTo(WriteOrder order, std::ostream* out) {
  constexpr const char* kNames[] = {"address_first", "data_first", "together", "any"};
  *out << kNames[static_cast<int>(order)];
}

class TlmToAxiLiteOrder : public testing::TestWithParam<WriteOrder> {};

TEST_P(TlmToAxiLiteOrder, RegistersKeepWhatIsWritten) {
  LiteBench bench(GetParam());
  Comparisons comparisons;
  std::vector<uint32_t> mirror(1024, 0);
  bench.add_thread([&] {
    std::mt19937 random(12);
    for (int i = 0; i < 1500; ++i) {
      const uint32_t address = random() % 512 * 4;
      if (random() % 2) {
        const uint32_t value = random();
        comparisons.check(tlm::TLM_OK_RESPONSE, bench.write(address, value), "write response");
        mirror[address / 4] = value;
        comparisons.check(value, bench.file.registers[address / 4], "register after its response");
      } else {
        uint32_t value;
        comparisons.check(tlm::TLM_OK_RESPONSE, bench.read(address, &value), "read response");
        comparisons.check(mirror[address / 4], value, "read register");
      }
    }
  });
  bench.run();
  for (size_t r = 0; r < 1024; ++r)
    comparisons.check(mirror[r], bench.file.registers[r], "register");
  const WriteOrder order = GetParam();
  const bool address_first = order == WriteOrder::kAddressFirst || order == WriteOrder::kAny;
  const bool data_first = order == WriteOrder::kDataFirst || order == WriteOrder::kAny;
  EXPECT_EQ(bench.file.address_was_first > 0, address_first);
  EXPECT_EQ(bench.file.data_was_first > 0, data_first);
}

std::string name_of(const testing::TestParamInfo<WriteOrder>& order) {
  return testing::PrintToString(order.param);
}

INSTANTIATE_TEST_SUITE_P(Each, TlmToAxiLiteOrder,
                         testing::Values(WriteOrder::kAddressFirst, WriteOrder::kDataFirst,
                                         WriteOrder::kTogether, WriteOrder::kAny),
                         name_of);

TEST(TlmToAxiLite, PassesErrorResponsesOn_bad) {
  LiteBench bench(WriteOrder::kAny);
  bench.add_thread([&] {
    uint32_t value;
    EXPECT_EQ(bench.write(0x800, 1), tlm::TLM_GENERIC_ERROR_RESPONSE);
    EXPECT_EQ(bench.read(0x800, &value), tlm::TLM_GENERIC_ERROR_RESPONSE);
    EXPECT_EQ(bench.write(0x7fc, 2), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(bench.read(0x7fc, &value), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(value, 2u);
  });
  bench.run();
}

TEST(TlmToAxiLite, RefusesWhatIsNoRegister_bad) {
  LiteBench bench(WriteOrder::kTogether);
  bench.add_thread([&] {
    uint32_t value;
    EXPECT_EQ(bench.read(2, &value), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(bench.write(4096, 1), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    std::vector<uint8_t> eight(8);
    EXPECT_EQ(bench.host.send(tlm::TLM_READ_COMMAND, 0, &eight), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    std::vector<uint8_t> four(4);
    uint8_t enables[4] = {0xff, 0, 0, 0};
    tlm::tlm_generic_payload payload;
    fill(&payload, tlm::TLM_WRITE_COMMAND, 0, &four);
    payload.set_byte_enable_ptr(enables);
    payload.set_byte_enable_length(4);
    EXPECT_EQ(bench.host.send(&payload), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(bench.read(0, &value), tlm::TLM_OK_RESPONSE);
  });
  bench.run();
  EXPECT_EQ(bench.file.registers, std::vector<uint32_t>(1024, 0));
}

// What a caller runs ahead passes before the access; two callers take turns.
TEST(TlmToAxiLite, LetsDelaysPassAndServesSeveralThreads) {
  LiteBench bench(WriteOrder::kAny);
  Comparisons comparisons;
  Initiator* const host = &bench.host;
  const auto traffic = [&, host](uint32_t low, uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<uint32_t> mirror(128, 0);
    for (int i = 0; i < 300; ++i) {
      const uint32_t r = random() % 128;
      uint32_t value = random();
      tlm::tlm_generic_payload payload;
      payload.set_command(random() % 2 ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
      if (payload.is_write()) mirror[r] = value;
      payload.set_address(low + 4 * r);
      payload.set_data_ptr(reinterpret_cast<uint8_t*>(&value));
      payload.set_data_length(4);
      payload.set_streaming_width(4);
      sc_core::sc_time delay(random() % 3 ? 0 : random() % 500, sc_core::SC_NS);
      const sc_core::sc_time due = sc_core::sc_time_stamp() + delay;
      host->socket->b_transport(payload, delay);
      comparisons.check(true, sc_core::sc_time_stamp() > due, "the delay passed");
      comparisons.check(true, delay == sc_core::SC_ZERO_TIME, "and is used up");
      comparisons.check(tlm::TLM_OK_RESPONSE, payload.get_response_status(), "response");
      comparisons.check(mirror[r], value, "register");
    }
  };
  bench.add_thread([&] { traffic(0, 61); });
  bench.add_thread([&] { traffic(0x200, 62); });
  bench.run();
}

// A reset that meets an access ends it with an error; one in reset waits; the next is right.
TEST(TlmToAxiLite, EndsAnAccessThatAResetMeets_bad) {
  LiteBench bench(WriteOrder::kAny);
  Comparisons comparisons;
  int met = 0;
  bool stop = false;
  sc_core::sc_event stopped;
  bench.add_thread([&] {
    std::mt19937 random(63);
    for (int round = 0; round < 100; ++round) {
      bench.wait_clocks(3 + random() % 20);
      bench.reset([] {});
    }
    stop = true;
    sc_core::wait(stopped);
  });
  bench.add_thread([&] {
    uint32_t n = 0;
    while (!stop) {
      const uint32_t value = ++n;
      if (bench.write(4 * (n % 64), value) == tlm::TLM_OK_RESPONSE) {
        comparisons.check(value, bench.file.registers[n % 64], "written");
      } else {
        ++met;
      }
      uint32_t got = 0;
      const uint32_t held = bench.file.registers[n % 64];
      if (bench.read(4 * (n % 64), &got) == tlm::TLM_OK_RESPONSE) {
        comparisons.check(held, got, "read");
      } else {
        ++met;
      }
    }
    stopped.notify(sc_core::SC_ZERO_TIME);
  });
  bench.run();
  std::printf("accesses that a reset met: %d\n", met);
  EXPECT_GT(met, 20);
  EXPECT_GT(comparisons.checked(), 50);
}

}  // namespace
}  // namespace lutra::platform

// SystemC elaborates once a process: CTest runs each case in a process of its own.
int sc_main(int argc, char** argv) {
  sc_core::sc_report_handler::set_actions("/OSCI/SystemC", sc_core::SC_DO_NOTHING);
  sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}

int main(int argc, char** argv) {
  setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
  return sc_core::sc_elab_and_sim(argc, argv);
}
