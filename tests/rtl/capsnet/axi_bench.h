#ifndef LUTRA_TESTS_RTL_CAPSNET_AXI_BENCH_H_
#define LUTRA_TESTS_RTL_CAPSNET_AXI_BENCH_H_

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "verilated.h"

namespace lutra::rtl_test {

/// How the memory behaves: stalls are probabilities a cycle, latency is in cycles.
struct MemoryBehaviour {
  uint32_t seed = 1;
  double read_stall = 0;
  double write_stall = 0;
  int latency = 8;
};

/// A verilated `capsnet_accel` with a memory on its AXI4 port and a driver on its registers. The
/// memory checks the protocol rules that the programmer's view promises and throws when one is
/// broken.
template <class Model>
class AxiBench {
 public:
  explicit AxiBench(size_t memory_bytes, const MemoryBehaviour& behaviour = {})
      : memory(memory_bytes, 0), behaviour_(behaviour), random_(behaviour.seed) {
    context_->randReset(2);
    context_->randSeed(static_cast<int>(behaviour.seed));
    model_ = std::make_unique<Model>(context_.get());
    model_->clk_i = 0;
    model_->rst_ni = 0;
    model_->s_axil_awvalid_i = model_->s_axil_wvalid_i = model_->s_axil_arvalid_i = 0;
    model_->s_axil_bready_i = model_->s_axil_rready_i = 0;
    model_->s_axil_awprot_i = model_->s_axil_arprot_i = 0;
    model_->m_axi_rvalid_i = model_->m_axi_bvalid_i = 0;
    for (int i = 0; i < 4; ++i) clock();
    model_->rst_ni = 1;
    for (int i = 0; i < 2; ++i) clock();
  }
  ~AxiBench() { model_->final(); }

  void write_register(uint32_t offset, uint32_t value, uint32_t strobes = 15) {
    model_->s_axil_awaddr_i = offset;
    model_->s_axil_wdata_i = value;
    model_->s_axil_wstrb_i = strobes;
    model_->s_axil_awvalid_i = model_->s_axil_wvalid_i = 1;
    model_->s_axil_bready_i = 1;
    bool taken = false;
    for (int i = 0; i < 100; ++i) {
      model_->eval();
      if (taken && model_->s_axil_bvalid_o) {
        clock();
        model_->s_axil_bready_i = 0;
        return;
      }
      const bool handshake = model_->s_axil_awready_o && model_->s_axil_wready_o;
      clock();
      if (handshake) {
        model_->s_axil_awvalid_i = model_->s_axil_wvalid_i = 0;
        taken = true;
      }
    }
    throw std::runtime_error("AXI4-Lite write does not complete");
  }

  uint32_t read_register(uint32_t offset) {
    model_->s_axil_araddr_i = offset;
    model_->s_axil_arvalid_i = 1;
    model_->s_axil_rready_i = 1;
    for (int i = 0; i < 100; ++i) {
      model_->eval();
      if (model_->s_axil_rvalid_o) {
        const uint32_t value = model_->s_axil_rdata_o;
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
    drive();
    model_->eval();
    context_->timeInc(1);
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

  bool stall(double probability) {
    return probability > 0 && std::uniform_real_distribution<>(0, 1)(random_) < probability;
  }

  static void require(bool condition, const char* what) {
    if (!condition) throw std::runtime_error(std::string("AXI protocol: ") + what);
  }

  Burst accept(uint32_t address, int len, int size, int burst, int id) const {
    require(address % 16 == 0, "a burst is aligned to 16 bytes");
    require(len < 64, "a burst has at most 64 beats");
    require(address / 4096 == (address + 16 * len) / 4096, "a burst stays in its 4 KiB page");
    require(size == 4 && burst == 1 && id == 0, "bursts are INCR, full width, id 0");
    require(address + 16 * (len + 1) <= memory.size(), "a burst lies in the bench's memory");
    return {address, len + 1, behaviour_.latency, true};
  }

  // Drives the memory's side for the coming edge.
  void drive() {
    Model& m = *model_;
    m.m_axi_arready_i = !stall(behaviour_.read_stall);
    m.m_axi_awready_i = !stall(behaviour_.write_stall);
    m.m_axi_wready_i = write_.active && write_.beats > 0 && !stall(behaviour_.write_stall);
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
          write_.active && write_.beats == 0 && write_.wait == 0 && !stall(behaviour_.write_stall);
      m.m_axi_bresp_i = write_failed_ ? 2 : 0;
      m.m_axi_bid_i = 0;
    }
  }

  // What the edge transfers.
  void sample() {
    Model& m = *model_;
    if (!m.rst_ni) return;
    if (read_.active && read_.wait > 0) --read_.wait;
    if (write_.active && write_.beats == 0 && write_.wait > 0) --write_.wait;
    read_taken_ = m.m_axi_rvalid_i && m.m_axi_rready_o;
    if (read_taken_) {
      ++read_beats_;
      read_.address += 16;
      if (--read_.beats == 0) read_.active = false;
    }
    if (m.m_axi_arvalid_o && m.m_axi_arready_i) {
      require(!read_.active, "one read burst is outstanding");
      read_ = accept(m.m_axi_araddr_o, m.m_axi_arlen_o, m.m_axi_arsize_o, m.m_axi_arburst_o,
                     m.m_axi_arid_o);
    }
    if (m.m_axi_wvalid_o && write_held_) {
      require(std::memcmp(&m.m_axi_wdata_o[0], held_data_, 16) == 0, "wdata is stable until taken");
    }
    write_held_ = m.m_axi_wvalid_o && !m.m_axi_wready_i;
    std::memcpy(held_data_, &m.m_axi_wdata_o[0], 16);
    if (m.m_axi_wvalid_o && m.m_axi_wready_i) {
      require(m.m_axi_wstrb_o == 0xFFFF, "strobes are all ones");
      require((m.m_axi_wlast_o != 0) == (write_.beats == 1), "wlast marks the last beat");
      ++write_beats_;
      std::memcpy(&memory[write_.address], &m.m_axi_wdata_o[0], 16);
      if (write_error && *write_error == write_.address) write_failed_ = true;
      write_.address += 16;
      --write_.beats;
    }
    response_taken_ = m.m_axi_bvalid_i && m.m_axi_bready_o;
    if (response_taken_) {
      write_.active = false;
      write_failed_ = false;
    }
    if (m.m_axi_awvalid_o && m.m_axi_awready_i) {
      require(!write_.active, "one write burst is outstanding");
      write_ = accept(m.m_axi_awaddr_o, m.m_axi_awlen_o, m.m_axi_awsize_o, m.m_axi_awburst_o,
                      m.m_axi_awid_o);
    }
  }

  MemoryBehaviour behaviour_;
  std::mt19937 random_;
  std::unique_ptr<VerilatedContext> context_ = std::make_unique<VerilatedContext>();
  std::unique_ptr<Model> model_;
  Burst read_, write_;
  bool read_taken_ = false, response_taken_ = false, write_failed_ = false, write_held_ = false;
  uint8_t held_data_[16] = {};
  uint64_t cycles_ = 0, read_beats_ = 0, write_beats_ = 0;
};

}  // namespace lutra::rtl_test

#endif  // LUTRA_TESTS_RTL_CAPSNET_AXI_BENCH_H_
