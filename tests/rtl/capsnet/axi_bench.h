#ifndef LUTRA_TESTS_RTL_CAPSNET_AXI_BENCH_H_
#define LUTRA_TESTS_RTL_CAPSNET_AXI_BENCH_H_

#include <array>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "lutra/protocol/axi_checker.h"
#include "verilated.h"

namespace lutra::rtl_test {

/// What the memory waits for before it takes a write's address and data. All are legal, and a
/// manager must serve all of them.
enum class WriteOrder {
  kAny,              ///< each READY comes on its own
  kAddressFirst,     ///< WREADY waits until the burst's address was taken
  kAwaitsWriteData,  ///< AWREADY waits for WVALID, WREADY for the address
  kDataFirst,        ///< AWREADY waits until all data of the burst were taken
  kTogether,         ///< AWREADY and the first WREADY wait for both VALIDs
};
constexpr WriteOrder kWriteOrders[] = {WriteOrder::kAny, WriteOrder::kAddressFirst,
                                       WriteOrder::kAwaitsWriteData, WriteOrder::kDataFirst,
                                       WriteOrder::kTogether};

/// How the memory behaves: stalls are probabilities a cycle, latency is in cycles.
struct MemoryBehaviour {
  uint32_t seed = 1;
  double read_stall = 0;
  double write_stall = 0;
  int latency = 8;
  WriteOrder order = WriteOrder::kAddressFirst;
};

/// A verilated `capsnet_accel` with a memory on its AXI4 port and a driver on its registers. A
/// protocol checker sits on each port: a violation is thrown where it happens, and a bench whose
/// checkers saw no handshake fails.
template <class Model>
class AxiBench {
 public:
  explicit AxiBench(size_t memory_bytes, const MemoryBehaviour& behaviour = {})
      : memory(memory_bytes, 0), behaviour_(behaviour), random_(behaviour.seed) {
    context_->randReset(2);
    context_->randSeed(static_cast<int>(behaviour.seed));
    model_ = std::make_unique<Model>(context_.get());
    model_->clk_i = 0;
    model_->s_axil_awprot_i = model_->s_axil_arprot_i = 0;
    model_->rst_ni = 1;  // Verilator sees an asynchronous reset as an edge
    model_->eval();
    reset();
  }
  ~AxiBench() {
    memory_port_.finish();
    register_port_.finish();
    std::cout << memory_port_.report() << '\n' << register_port_.report() << std::endl;
    EXPECT_GT(memory_port_.handshakes() + register_port_.handshakes(), 0u) << "nothing was checked";
    EXPECT_EQ(memory_port_.violations() + register_port_.violations(), 0u);
    EXPECT_EQ(memory_port_.handshakes(protocol::kR), read_beats_);
    EXPECT_EQ(memory_port_.handshakes(protocol::kW), write_beats_);
    model_->final();
  }

  /// Asserts reset between two clock edges, at any moment, and releases it after some cycles.
  void reset(int cycles = 4) {
    Model& m = *model_;
    m.rst_ni = 0;
    m.s_axil_awvalid_i = m.s_axil_wvalid_i = m.s_axil_arvalid_i = 0;
    m.s_axil_bready_i = m.s_axil_rready_i = 0;
    m.m_axi_rvalid_i = m.m_axi_bvalid_i = 0;
    read_ = Burst();
    write_ = Write();
    read_taken_ = response_taken_ = false;
    for (int i = 0; i < cycles; ++i) clock();
    m.rst_ni = 1;
    for (int i = 0; i < 2; ++i) clock();
  }

  /// @return bresp
  uint32_t try_write_register(uint32_t offset, uint32_t value, uint32_t strobes = 15) {
    Model& m = *model_;
    m.s_axil_awaddr_i = offset;
    m.s_axil_wdata_i = value;
    m.s_axil_wstrb_i = strobes;
    m.s_axil_awvalid_i = m.s_axil_wvalid_i = 1;
    m.s_axil_bready_i = 1;
    for (int i = 0; i < 100; ++i) {
      m.eval();
      const bool address = m.s_axil_awready_o, data = m.s_axil_wready_o;
      const bool done = m.s_axil_bvalid_o;
      const uint32_t response = m.s_axil_bresp_o;
      clock();
      if (address) m.s_axil_awvalid_i = 0;
      if (data) m.s_axil_wvalid_i = 0;
      if (done) {
        m.s_axil_bready_i = 0;
        return response;
      }
    }
    throw std::runtime_error("AXI4-Lite write does not complete");
  }

  void write_register(uint32_t offset, uint32_t value, uint32_t strobes = 15) {
    if (try_write_register(offset, value, strobes) != 0) {
      throw std::runtime_error("AXI4-Lite write is refused");
    }
  }

  uint32_t read_register(uint32_t offset) {
    model_->s_axil_araddr_i = offset;
    model_->s_axil_arvalid_i = 1;
    model_->s_axil_rready_i = 1;
    for (int i = 0; i < 100; ++i) {
      model_->eval();
      if (model_->s_axil_rvalid_o) {
        const uint32_t value = model_->s_axil_rdata_o;
        EXPECT_EQ(model_->s_axil_rresp_o, 0);
        clock();
        model_->s_axil_rready_i = 0;
        return value;
      }
      const bool handshake = model_->s_axil_arready_o;
      clock();
      if (handshake) model_->s_axil_arvalid_i = 0;
    }
    throw std::runtime_error("AXI4-Lite read does not complete");
  }

  /// Starts the program at `address` and clocks until the interrupt; returns STATUS.
  uint32_t run(uint32_t address, uint64_t limit_cycles = 4000000) {
    write_register(0x10, address);
    write_register(0x08, 3);
    for (uint64_t i = 0; i < limit_cycles; ++i) {
      if (model_->irq_o) return read_register(0x0C);
      clock();
    }
    throw std::runtime_error("no interrupt within " + std::to_string(limit_cycles) + " cycles");
  }

  /// One clock cycle; the memory's outputs change after the rising edge.
  void clock() {
    model_->clk_i = 0;
    if (probe_) probe_outputs();
    drive();
    model_->eval();
    context_->timeInc(1);
    check_ports();
    sample();
    model_->clk_i = 1;
    model_->eval();
    context_->timeInc(1);
    ++cycles_;
  }

  Model& model() { return *model_; }
  uint64_t cycles() const { return cycles_; }
  uint64_t read_beats() const { return read_beats_; }
  uint64_t write_beats() const { return write_beats_; }
  /// Write bursts whose first beat was taken before the address, with it, and after it.
  uint64_t data_first() const { return data_first_; }
  uint64_t together() const { return together_; }
  uint64_t address_first() const { return address_first_; }

  /// From now on every cycle all inputs of both ports are changed within the cycle, and no output
  /// of theirs may follow.
  void probe() { probe_ = true; }
  uint64_t probes() const { return probes_; }

  /// Bytes of memory from address 0.
  std::vector<uint8_t> memory;
  /// The 16-byte word at this address answers SLVERR.
  std::optional<uint32_t> read_error, write_error;

 private:
  struct Burst {
    uint32_t address = 0;
    int beats = 0;
    int wait = 0;
    bool active = false;
  };
  struct Write {
    Burst burst;
    std::vector<std::array<uint8_t, 16>> data;
    bool address_taken = false, data_taken = false, committed = false, failed = false;
  };

  bool stall(double probability) {
    return probability > 0 && std::uniform_real_distribution<>(0, 1)(random_) < probability;
  }

  Burst accept(uint32_t address, int len) const {
    if (uint64_t{address} + 16 * (len + 1) > memory.size()) {
      throw std::runtime_error("a burst lies outside the bench's memory");
    }
    return {address, len + 1, behaviour_.latency, true};
  }

  // Drives the memory's side for the coming edge.
  void drive() {
    Model& m = *model_;
    const WriteOrder order = behaviour_.order;
    const bool waits_for_valid =
        order == WriteOrder::kTogether || order == WriteOrder::kAwaitsWriteData;
    m.m_axi_arready_i =
        !read_.active && !(waits_for_valid && !m.m_axi_arvalid_o) && !stall(behaviour_.read_stall);
    drive_write_readies();
    // A valid that was not taken stays.
    if (!(m.m_axi_rvalid_i && !read_taken_)) {
      m.m_axi_rvalid_i = read_.active && read_.wait == 0 && !stall(behaviour_.read_stall);
      if (m.m_axi_rvalid_i) {
        std::memcpy(&m.m_axi_rdata_i[0], &memory[read_.address], 16);
        m.m_axi_rresp_i = read_error && *read_error == read_.address ? 2 : 0;
        m.m_axi_rlast_i = read_.beats == 1;
        m.m_axi_rid_i = 0;
      } else {
        for (int i = 0; i < 4; ++i) m.m_axi_rdata_i[i] = 0xDEADBEEF;
        m.m_axi_rlast_i = 0;
      }
    }
    if (!(m.m_axi_bvalid_i && !response_taken_)) {
      m.m_axi_bvalid_i =
          write_.committed && write_.burst.wait == 0 && !stall(behaviour_.write_stall);
      m.m_axi_bresp_i = write_.failed ? 2 : 0;
      m.m_axi_bid_i = 0;
    }
  }

  void drive_write_readies() {
    Model& m = *model_;
    bool address = !write_.address_taken, data = !write_.data_taken;
    switch (behaviour_.order) {
      case WriteOrder::kAny:
        break;
      case WriteOrder::kAddressFirst:
        data = data && write_.address_taken;
        break;
      case WriteOrder::kAwaitsWriteData:
        address = address && m.m_axi_wvalid_o;
        data = data && write_.address_taken;
        break;
      case WriteOrder::kDataFirst:
        address = address && write_.data_taken;
        break;
      case WriteOrder::kTogether:
        if (!write_.address_taken) address = data = m.m_axi_awvalid_o && m.m_axi_wvalid_o;
        break;
    }
    const bool stalled = stall(behaviour_.write_stall);
    m.m_axi_awready_i = address && !stalled;
    // Together means in the same cycle: one stall for both.
    const bool one = behaviour_.order == WriteOrder::kTogether && !write_.address_taken;
    m.m_axi_wready_i = data && !(one ? stalled : stall(behaviour_.write_stall));
  }

  // What the edge transfers.
  void sample() {
    Model& m = *model_;
    if (!m.rst_ni) return;
    if (read_.active && read_.wait > 0) --read_.wait;
    if (write_.committed && write_.burst.wait > 0) --write_.burst.wait;
    read_taken_ = m.m_axi_rvalid_i && m.m_axi_rready_o;
    if (read_taken_) {
      ++read_beats_;
      read_.address += 16;
      if (--read_.beats == 0) read_.active = false;
    }
    if (m.m_axi_arvalid_o && m.m_axi_arready_i) {
      read_ = accept(m.m_axi_araddr_o, m.m_axi_arlen_o);
    }
    response_taken_ = m.m_axi_bvalid_i && m.m_axi_bready_o;
    if (response_taken_) write_ = Write();
    const bool address = m.m_axi_awvalid_o && m.m_axi_awready_i;
    const bool data = m.m_axi_wvalid_o && m.m_axi_wready_i;
    if (data && write_.data.empty()) {
      ++(address ? together_ : write_.address_taken ? address_first_ : data_first_);
    }
    if (address) {
      write_.burst = accept(m.m_axi_awaddr_o, m.m_axi_awlen_o);
      write_.address_taken = true;
    }
    if (data) {
      ++write_beats_;
      std::memcpy(write_.data.emplace_back().data(), &m.m_axi_wdata_o[0], 16);
      write_.data_taken = m.m_axi_wlast_o;
    }
    if (write_.address_taken && write_.data_taken && !write_.committed) commit();
  }

  void commit() {
    uint32_t address = write_.burst.address;
    for (const auto& beat : write_.data) {
      std::memcpy(&memory[address], beat.data(), 16);
      if (write_error && *write_error == address) write_.failed = true;
      address += 16;
    }
    write_.committed = true;
  }

  void check_ports() {
    Model& m = *model_;
    protocol::AxiSample s;
    s.reset_n = m.rst_ni;
    s.ar = {m.m_axi_arvalid_o != 0, m.m_axi_arready_i != 0, m.m_axi_arid_o,    m.m_axi_araddr_o,
            m.m_axi_arlen_o,        m.m_axi_arsize_o,       m.m_axi_arburst_o, 0};
    s.aw = {m.m_axi_awvalid_o != 0, m.m_axi_awready_i != 0, m.m_axi_awid_o,    m.m_axi_awaddr_o,
            m.m_axi_awlen_o,        m.m_axi_awsize_o,       m.m_axi_awburst_o, 0};
    s.w.valid = m.m_axi_wvalid_o;
    s.w.ready = m.m_axi_wready_i;
    std::memcpy(s.w.data.data(), &m.m_axi_wdata_o[0], 16);
    s.w.strobe = m.m_axi_wstrb_o;
    s.w.last = m.m_axi_wlast_o;
    s.r.valid = m.m_axi_rvalid_i;
    s.r.ready = m.m_axi_rready_o;
    s.r.id = m.m_axi_rid_i;
    std::memcpy(s.r.data.data(), &m.m_axi_rdata_i[0], 16);
    s.r.response = m.m_axi_rresp_i;
    s.r.last = m.m_axi_rlast_i;
    s.b = {m.m_axi_bvalid_i != 0, m.m_axi_bready_o != 0, m.m_axi_bid_i, m.m_axi_bresp_i};
    check(&memory_port_, s);

    protocol::AxiSample lite;
    lite.reset_n = m.rst_ni;
    lite.ar.valid = m.s_axil_arvalid_i;
    lite.ar.ready = m.s_axil_arready_o;
    lite.ar.address = m.s_axil_araddr_i;
    lite.ar.protection = m.s_axil_arprot_i;
    lite.aw.valid = m.s_axil_awvalid_i;
    lite.aw.ready = m.s_axil_awready_o;
    lite.aw.address = m.s_axil_awaddr_i;
    lite.aw.protection = m.s_axil_awprot_i;
    lite.ar.size = lite.aw.size = 2;
    lite.w.valid = m.s_axil_wvalid_i;
    lite.w.ready = m.s_axil_wready_o;
    lite.w.data[0] = m.s_axil_wdata_i;
    lite.w.strobe = m.s_axil_wstrb_i;
    lite.r.valid = m.s_axil_rvalid_o;
    lite.r.ready = m.s_axil_rready_i;
    lite.r.data[0] = m.s_axil_rdata_o;
    lite.r.response = m.s_axil_rresp_o;
    lite.b = {m.s_axil_bvalid_o != 0, m.s_axil_bready_i != 0, 0, m.s_axil_bresp_o};
    check(&register_port_, lite);
  }

  static void check(protocol::AxiChecker* checker, const protocol::AxiSample& s) {
    const uint64_t before = checker->violations();
    checker->sample(s);
    if (checker->violations() > before) {
      throw std::runtime_error(checker->first_violations().back().text);
    }
  }

  /// The outputs of both ports.
  std::vector<uint32_t> outputs() const {
    const Model& m = *model_;
    std::vector<uint32_t> values = {
        m.m_axi_arid_o,    m.m_axi_araddr_o,   m.m_axi_arlen_o,   m.m_axi_arsize_o,
        m.m_axi_arburst_o, m.m_axi_arvalid_o,  m.m_axi_rready_o,  m.m_axi_awid_o,
        m.m_axi_awaddr_o,  m.m_axi_awlen_o,    m.m_axi_awsize_o,  m.m_axi_awburst_o,
        m.m_axi_awvalid_o, m.m_axi_wstrb_o,    m.m_axi_wlast_o,   m.m_axi_wvalid_o,
        m.m_axi_bready_o,  m.s_axil_awready_o, m.s_axil_wready_o, m.s_axil_bresp_o,
        m.s_axil_bvalid_o, m.s_axil_arready_o, m.s_axil_rdata_o,  m.s_axil_rresp_o,
        m.s_axil_rvalid_o};
    for (int i = 0; i < 4; ++i) values.push_back(m.m_axi_wdata_o[i]);
    return values;
  }

  void probe_outputs() {
    Model& m = *model_;
    m.eval();
    const std::vector<uint32_t> before = outputs();
    const auto each_input = [&m](auto&& change) {
      change(m.m_axi_arready_i, 1);
      change(m.m_axi_rid_i, 4);
      change(m.m_axi_rresp_i, 2);
      change(m.m_axi_rlast_i, 1);
      change(m.m_axi_rvalid_i, 1);
      change(m.m_axi_awready_i, 1);
      change(m.m_axi_wready_i, 1);
      change(m.m_axi_bid_i, 4);
      change(m.m_axi_bresp_i, 2);
      change(m.m_axi_bvalid_i, 1);
      for (int i = 0; i < 4; ++i) change(m.m_axi_rdata_i[i], 32);
      change(m.s_axil_awaddr_i, 12);
      change(m.s_axil_awprot_i, 3);
      change(m.s_axil_awvalid_i, 1);
      change(m.s_axil_wdata_i, 32);
      change(m.s_axil_wstrb_i, 4);
      change(m.s_axil_wvalid_i, 1);
      change(m.s_axil_bready_i, 1);
      change(m.s_axil_araddr_i, 12);
      change(m.s_axil_arprot_i, 3);
      change(m.s_axil_arvalid_i, 1);
      change(m.s_axil_rready_i, 1);
    };
    std::vector<uint32_t> held;
    each_input([&](auto& input, int) { held.push_back(input); });
    for (int i = 0; i < 4; ++i) {
      each_input([&](auto& input, int bits) {
        input =
            static_cast<std::remove_reference_t<decltype(input)>>(random_() & (~0u >> (32 - bits)));
      });
      m.eval();
      ++probes_;
      if (outputs() != before) throw std::runtime_error("an output follows an input in the cycle");
    }
    size_t n = 0;
    each_input([&](auto& input, int) {
      input = static_cast<std::remove_reference_t<decltype(input)>>(held[n++]);
    });
    m.eval();
  }

  MemoryBehaviour behaviour_;
  std::mt19937 random_;
  std::unique_ptr<VerilatedContext> context_ = std::make_unique<VerilatedContext>();
  std::unique_ptr<Model> model_;
  protocol::AxiChecker memory_port_{"m_axi", protocol::accelerator_memory_port()};
  protocol::AxiChecker register_port_{"s_axil", protocol::accelerator_register_port()};
  Burst read_;
  Write write_;
  bool read_taken_ = false, response_taken_ = false, probe_ = false;
  uint64_t cycles_ = 0, read_beats_ = 0, write_beats_ = 0, probes_ = 0;
  uint64_t data_first_ = 0, together_ = 0, address_first_ = 0;
};

}  // namespace lutra::rtl_test

#endif  // LUTRA_TESTS_RTL_CAPSNET_AXI_BENCH_H_
