// The memory and the two bridges of the platform, without an accelerator: AXI4 and AXI4-Lite are
// driven by the test, with random stalls.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <tlm_utils/simple_initiator_socket.h>

#include <cstring>

#include "bench.h"
#include "lutra/platform/axi_bridges.h"
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
};

/// An AXI4 manager with random stalls, in the place of the accelerator.
class Manager {
 public:
  Manager(Bench* bench, uint32_t seed) : bench_(*bench), s_(bench->signals), random_(seed) {}

  /// @return bresp
  uint32_t write(const Burst& burst, const std::vector<uint8_t>& data) {
    stall();
    s_.m_axi_awaddr_o = burst.address;
    s_.m_axi_awlen_o = burst.beats - 1;
    s_.m_axi_awsize_o = burst.size;
    s_.m_axi_awburst_o = burst.burst;
    s_.m_axi_awvalid_o = true;
    do bench_.wait_clock();
    while (!s_.m_axi_awready_i.read());
    s_.m_axi_awvalid_o = false;
    const unsigned last = burst.last_beat == -1 ? burst.beats - 1 : burst.last_beat;
    for (unsigned beat = 0; beat < burst.beats; ++beat) {
      stall();
      s_.m_axi_wdata_o = to_beat(&data[beat * kBeatBytes]);
      s_.m_axi_wstrb_o = burst.strobe;
      s_.m_axi_wlast_o = beat == last;
      s_.m_axi_wvalid_o = true;
      do bench_.wait_clock();
      while (!s_.m_axi_wready_i.read());
      s_.m_axi_wvalid_o = false;
    }
    for (;;) {
      s_.m_axi_bready_o = random_() % 2 != 0;
      bench_.wait_clock();
      if (s_.m_axi_bvalid_i.read() && s_.m_axi_bready_o.read()) break;
    }
    s_.m_axi_bready_o = false;
    return s_.m_axi_bresp_i.read();
  }

  struct ReadResult {
    std::vector<uint8_t> data;
    uint32_t response = 0;  ///< of all beats together
    bool last_is_right = true;
    int first_beat_after = 0;  ///< cycles from the address to the first beat
  };

  ReadResult read(const Burst& burst) {
    ReadResult result;
    stall();
    s_.m_axi_araddr_o = burst.address;
    s_.m_axi_arlen_o = burst.beats - 1;
    s_.m_axi_arsize_o = burst.size;
    s_.m_axi_arburst_o = burst.burst;
    s_.m_axi_arvalid_o = true;
    do bench_.wait_clock();
    while (!s_.m_axi_arready_i.read());
    s_.m_axi_arvalid_o = false;
    const int accepted = bench_.cycle();
    for (unsigned beat = 0; beat < burst.beats;) {
      s_.m_axi_rready_o = random_() % 3 != 0;
      bench_.wait_clock();
      if (!s_.m_axi_rvalid_i.read() || !s_.m_axi_rready_o.read()) continue;
      if (beat == 0) result.first_beat_after = bench_.cycle() - accepted;
      const Beat got = s_.m_axi_rdata_i.read();
      for (int w = 0; w < 4; ++w) {
        for (int b = 0; b < 4; ++b) {
          result.data.push_back(static_cast<uint8_t>(uint64_t{got.get_word(w)} >> (8 * b)));
        }
      }
      result.response |= s_.m_axi_rresp_i.read();
      ++beat;
      result.last_is_right &= s_.m_axi_rlast_i.read() == (beat == burst.beats);
    }
    s_.m_axi_rready_o = false;
    return result;
  }

  std::mt19937& random() { return random_; }

 private:
  void stall() { bench_.wait_clocks(random_() % 2 ? 0 : random_() % 4); }

  Bench& bench_;
  AcceleratorSignals& s_;
  std::mt19937 random_;
};

struct AxiBench : Bench {
  Memory memory{"memory", kMemoryBytes, sc_core::sc_time(100, sc_core::SC_NS)};
  AxiToTlm bridge{"bridge", &signals, period};
  Initiator host{"host"};
  AxiBench() : Bench("bench") {
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
      comparisons.check(0, writer.write(burst, data), "bresp");
      std::copy(data.begin(), data.end(), mirror.begin() + burst.address);
    }
  });
  bench.run();
  for (size_t b = 0; b < kMemoryBytes; ++b) {
    comparisons.check(mirror[b], bench.memory.bytes()[b], "byte in the memory");
  }
  EXPECT_EQ(bench.bridge.violation(), "");
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
  EXPECT_EQ(bench.bridge.violation(), "") << "an error response is no violation";
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
  Bench bench("bench");
  AxiToTlm bridge("bridge", &bench.signals, bench.period);
  Refusing target("target");
  bridge.socket.bind(target.socket);
  Manager manager(&bench, 9);
  bench.add_thread([&] {
    EXPECT_EQ(manager.read({}).response, 2u);
    EXPECT_EQ(manager.write({}, std::vector<uint8_t>(16)), 2u);
  });
  bench.run();
}

struct Violation {
  const char* name;
  bool is_write;
  Burst burst;
  const char* message;  ///< part of it
};

void PrintTo(const Violation& v, std::ostream* out) { *out << v.name; }

class AxiToTlmViolation : public testing::TestWithParam<Violation> {};

TEST_P(AxiToTlmViolation, IsNamed_bad) {
  AxiBench bench;
  Manager manager(&bench, 10);
  const Violation& v = GetParam();
  bench.add_thread([&] {
    const std::vector<uint8_t> data(64 * kBeatBytes * 2, 0x33);
    EXPECT_EQ(bench.bridge.violation(), "");
    manager.write({}, data);
    manager.read({});
    EXPECT_EQ(bench.bridge.violation(), "") << "legal bursts before it";
    if (v.is_write) {
      manager.write(v.burst, data);
    } else {
      manager.read(v.burst);
    }
    const std::string first = bench.bridge.violation();
    EXPECT_NE(first.find(v.message), std::string::npos) << "'" << first << "'";
    Burst second;
    second.size = 2;
    second.address = 0x700;
    manager.read(second);
    EXPECT_EQ(bench.bridge.violation(), first) << "the first one is kept";
  });
  bench.run();
}

INSTANTIATE_TEST_SUITE_P(
    Each, AxiToTlmViolation,
    testing::Values(
        Violation{"read_size", false, {0x100, 4, 3}, "read: address 0x00000100, length 4, size 3"},
        Violation{"write_size", true, {0x100, 4, 2}, "write: address 0x00000100, length 4, size 2"},
        Violation{"read_crosses_4KiB", false, {0xfe0, 3}, "read: address 0x00000fe0, length 3"},
        Violation{"write_crosses_4KiB", true, {0x1ff0, 2}, "write: address 0x00001ff0, length 2"},
        Violation{"read_of_65_beats", false, {0, 65}, "length 65"},
        Violation{"read_misaligned", false, {0x108, 1}, "read: address 0x00000108"},
        Violation{"write_misaligned", true, {0x104, 1}, "write: address 0x00000104"},
        Violation{"read_fixed_burst", false, {0, 2, 4, 0}, "burst 0"},
        Violation{"write_wrapping_burst", true, {0, 2, 4, 2}, "burst 2"},
        Violation{
            "write_partial_strobe", true, {0, 1, 4, 1, 0x00ff}, "wstrb 0x00ff in beat 1 of 1"},
        Violation{"write_early_last",
                  true,
                  {0, 4, 4, 1, 0xffff, 1},
                  "wlast true and wstrb 0xffff in beat 2 of 4"},
        Violation{"write_no_last",
                  true,
                  {0, 4, 4, 1, 0xffff, -2},
                  "wlast false and wstrb 0xffff in beat 4 of 4"}),
    [](const auto& p) { return std::string(p.param.name); });

/// Which handshake of a write the register file takes first.
enum class WriteOrder { kAddressFirst, kDataFirst, kTogether, kAny };

/// An AXI4-Lite subordinate of 1024 registers with random delays. Checks that what is offered
/// stays until it is taken. Registers from 0x800 on answer SLVERR.
class RegisterFile : public sc_core::sc_module {
 public:
  std::vector<uint32_t> registers = std::vector<uint32_t>(1024, 0);
  int unstable = 0;  ///< offers that changed before they were taken
  int data_was_first = 0;
  int address_was_first = 0;

  RegisterFile(sc_core::sc_module_name name, AcceleratorSignals* signals, WriteOrder order,
               uint32_t seed)
      : sc_module(name), s_(*signals), order_(order), random_(seed) {
    SC_HAS_PROCESS(RegisterFile);
    SC_METHOD(on_clock);
    sensitive << s_.clk_i.posedge_event();
    dont_initialize();
  }

 private:
  static bool refused(uint32_t address) { return address >= 0x800; }

  void on_clock() {
    if (!s_.rst_ni.read()) return;
    check_stability();
    write_channel();
    read_channel();
  }

  void check_stability() {
    const bool address = s_.s_axil_awvalid_i.read() && !s_.s_axil_awready_o.read();
    const bool data = s_.s_axil_wvalid_i.read() && !s_.s_axil_wready_o.read();
    const bool read = s_.s_axil_arvalid_i.read() && !s_.s_axil_arready_o.read();
    if (address_waits_ && (!s_.s_axil_awvalid_i.read() || s_.s_axil_awaddr_i.read() != address_)) {
      ++unstable;
    }
    if (data_waits_ && (!s_.s_axil_wvalid_i.read() || s_.s_axil_wdata_i.read() != data_)) {
      ++unstable;
    }
    if (read_waits_ && (!s_.s_axil_arvalid_i.read() || s_.s_axil_araddr_i.read() != read_)) {
      ++unstable;
    }
    address_waits_ = address;
    data_waits_ = data;
    read_waits_ = read;
    address_ = s_.s_axil_awaddr_i.read();
    data_ = s_.s_axil_wdata_i.read();
    read_ = s_.s_axil_araddr_i.read();
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
  bool address_waits_ = false, data_waits_ = false, read_waits_ = false;
  uint32_t address_ = 0, data_ = 0, read_ = 0;
};

struct LiteBench : Bench {
  TlmToAxiLite bridge{"bridge", &signals};
  Initiator host{"host"};
  RegisterFile file;
  explicit LiteBench(WriteOrder order)
      : Bench("bench"), file("file", &signals, order, 11 + static_cast<uint32_t>(order)) {
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
  EXPECT_EQ(bench.file.unstable, 0) << "address or data changed before it was taken";
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
  });
  bench.run();
  EXPECT_EQ(bench.file.registers, std::vector<uint32_t>(1024, 0));
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
