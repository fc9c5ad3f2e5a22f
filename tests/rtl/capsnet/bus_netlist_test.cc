// The two bus ports, dma and axil_regs: RTL and Yosys' netlist side by side under random inputs,
// every output in every cycle.
#include <cstring>
#include <functional>
#include <vector>

#include "Vaxil_regs.h"
#include "Vaxil_regs_netlist.h"
#include "Vdma.h"
#include "Vdma_netlist.h"
#include "vectors.h"

namespace lutra::rtl_test {
namespace {

constexpr int kCycles = 60000;

template <class Model>
void clock(Model& m) {
  m.clk_i = 1;
  m.eval();
  m.clk_i = 0;
  m.eval();
}

template <class Model>
void reset(Model& m) {
  m.rst_ni = 1;
  m.eval();
  m.rst_ni = 0;
  m.eval();
  clock(m);
  m.rst_ni = 1;
  m.eval();
}

template <class Wide>
void append(std::vector<uint32_t>* values, const Wide& wide) {
  for (int i = 0; i < 4; ++i) values->push_back(wide[i]);
}

template <class Model>
std::vector<uint32_t> dma_outputs(const Model& m) {
  std::vector<uint32_t> v = {
      m.done_o,          m.error_o,         m.fetch_valid_o,  m.read_beat_o,     m.write_beat_o,
      m.rd_en_o,         m.rd_addr_o,       m.wr_en_o,        m.wr_addr_o,       m.m_axi_arid_o,
      m.m_axi_araddr_o,  m.m_axi_arlen_o,   m.m_axi_arsize_o, m.m_axi_arburst_o, m.m_axi_arvalid_o,
      m.m_axi_rready_o,  m.m_axi_awid_o,    m.m_axi_awaddr_o, m.m_axi_awlen_o,   m.m_axi_awsize_o,
      m.m_axi_awburst_o, m.m_axi_awvalid_o, m.m_axi_wstrb_o,  m.m_axi_wlast_o,   m.m_axi_wvalid_o,
      m.m_axi_bready_o};
  append(&v, m.fetch_data_o);
  append(&v, m.wr_data_o);
  append(&v, m.m_axi_wdata_o);
  return v;
}

/// One cycle's inputs: commands whenever they come, a memory that answers as the port requires.
struct DmaInputs {
  bool start = false;
  uint32_t command = 0, memory = 0, scratch = 0, words = 0, fill = 0;
  bool arready = false, rvalid = false, rlast = false, awready = false, wready = false,
       bvalid = false;
  uint32_t rresp = 0, bresp = 0;
  uint32_t read_data[4] = {}, scratch_data[4] = {};

  template <class Model>
  void drive(Model& m) const {
    m.start_i = start;
    m.command_i = command;
    m.memory_addr_i = memory;
    m.scratch_addr_i = scratch;
    m.words_i = words;
    m.fill_i = fill;
    m.m_axi_arready_i = arready;
    m.m_axi_rvalid_i = rvalid;
    m.m_axi_rlast_i = rlast;
    m.m_axi_rresp_i = rresp;
    m.m_axi_rid_i = 0;
    m.m_axi_awready_i = awready;
    m.m_axi_wready_i = wready;
    m.m_axi_bvalid_i = bvalid;
    m.m_axi_bresp_i = bresp;
    m.m_axi_bid_i = 0;
    for (int i = 0; i < 4; ++i) {
      m.m_axi_rdata_i[i] = read_data[i];
      m.rd_data_i[i] = scratch_data[i];
    }
    m.eval();
  }
};

TEST(BusNetlist, rtl_dma_equals_its_netlist) {
  Comparisons comparisons;
  std::mt19937 random(51);
  Vdma rtl;
  Vdma_netlist netlist;
  reset(rtl);
  reset(netlist);
  int read_left = 0, done = 0, reads = 0, writes = 0;
  for (int cycle = 0; cycle < kCycles; ++cycle) {
    DmaInputs in;
    in.start = random() % 4 == 0;
    in.command = random() % 4;
    in.memory = random() & ~15u;
    in.scratch = random() & ~15u;
    in.words = 1 + random() % (random() % 4 ? 12 : 300);
    in.fill = random() % 256;
    in.arready = random() % 2;
    in.awready = random() % 3 == 0;
    in.wready = random() % 2;
    in.rvalid = read_left > 0 && random() % 3;
    in.rlast = read_left == 1;
    in.rresp = random() % 64 ? 0 : 2;
    in.bvalid = random() % 2;
    in.bresp = random() % 16 ? 0 : 3;
    for (uint32_t& word : in.read_data) word = random();
    for (uint32_t& word : in.scratch_data) word = random();
    in.drive(rtl);
    in.drive(netlist);
    const auto expected = dma_outputs(rtl), got = dma_outputs(netlist);
    for (size_t i = 0; i < expected.size(); ++i) {
      comparisons.check(expected[i], got[i], [&] {
        return "cycle " + std::to_string(cycle) + ", output " + std::to_string(i);
      });
    }
    if (rtl.m_axi_rready_o && in.rvalid) --read_left;
    if (rtl.m_axi_arvalid_o && in.arready) {
      read_left = rtl.m_axi_arlen_o + 1;
      ++reads;
    }
    writes += rtl.m_axi_awvalid_o && in.awready;
    done += rtl.done_o;
    clock(rtl);
    clock(netlist);
  }
  std::cout << "commands=" << done << " reads=" << reads << " writes=" << writes << std::endl;
  EXPECT_GT(done, 300);
  EXPECT_GT(reads, 300);
  EXPECT_GT(writes, 100);
}

template <class Model>
std::vector<uint32_t> axil_outputs(const Model& m) {
  std::vector<uint32_t> v = {m.s_axil_awready_o, m.s_axil_wready_o,  m.s_axil_bresp_o,
                             m.s_axil_bvalid_o,  m.s_axil_arready_o, m.s_axil_rdata_o,
                             m.s_axil_rresp_o,   m.s_axil_rvalid_o,  m.start_o,
                             m.clear_done_o,     m.clear_error_o,    m.irq_enable_o,
                             m.program_o};
  append(&v, m.bases_o);
  return v;
}

TEST(BusNetlist, rtl_axil_regs_equals_its_netlist) {
  Comparisons comparisons;
  std::mt19937 random(52);
  Vaxil_regs rtl;
  Vaxil_regs_netlist netlist;
  reset(rtl);
  reset(netlist);
  int writes = 0, refused = 0, reads = 0;
  bool busy = false;
  for (int cycle = 0; cycle < kCycles; ++cycle) {
    if (random() % 16 == 0) busy = !busy;
    uint32_t words[16];
    for (uint32_t& word : words) word = random();
    const auto drive = [&](auto& m) {
      m.s_axil_awaddr_i = words[0] % 24 * 4;
      m.s_axil_awprot_i = words[0] >> 8 & 7;
      m.s_axil_awvalid_i = words[0] >> 11 & 1;
      m.s_axil_wvalid_i = words[0] >> 12 & 1;
      m.s_axil_bready_i = words[0] >> 13 & 1;
      m.s_axil_arvalid_i = words[0] >> 14 & 1;
      m.s_axil_rready_i = words[0] >> 15 & 1;
      m.s_axil_wstrb_i = words[0] >> 16 & 15;
      m.s_axil_arprot_i = words[0] >> 20 & 7;
      m.done_i = words[0] >> 23 & 1;
      m.error_i = words[0] >> 24 & 1;
      m.s_axil_wdata_i = words[1];
      m.s_axil_araddr_i = words[2] % 24 * 4;
      m.error_code_i = words[3] & 255;
      m.busy_i = busy;
      m.cycles_i = uint64_t{words[4]} << 32 | words[5];
      m.trace_cycles_i = words[6];
      m.instructions_i = words[7];
      m.macs_i = uint64_t{words[8]} << 32 | words[9];
      m.read_beats_i = words[10];
      m.write_beats_i = words[11];
      m.pc_i = words[12];
      m.eval();
    };
    drive(rtl);
    drive(netlist);
    const auto expected = axil_outputs(rtl), got = axil_outputs(netlist);
    for (size_t i = 0; i < expected.size(); ++i) {
      comparisons.check(expected[i], got[i], [&] {
        return "cycle " + std::to_string(cycle) + ", output " + std::to_string(i);
      });
    }
    if (rtl.s_axil_bvalid_o && rtl.s_axil_bready_i) ++(rtl.s_axil_bresp_o ? refused : writes);
    reads += rtl.s_axil_rvalid_o && rtl.s_axil_rready_i;
    clock(rtl);
    clock(netlist);
  }
  std::cout << "writes=" << writes << " refused=" << refused << " reads=" << reads << std::endl;
  EXPECT_GT(writes, 1000);
  EXPECT_GT(refused, 1000);
  EXPECT_GT(reads, 1000);
}

}  // namespace
}  // namespace lutra::rtl_test
