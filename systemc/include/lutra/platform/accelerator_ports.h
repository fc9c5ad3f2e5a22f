#ifndef LUTRA_PLATFORM_ACCELERATOR_PORTS_H_
#define LUTRA_PLATFORM_ACCELERATOR_PORTS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <systemc>

namespace lutra::platform {

/// One beat of the memory bus.
using Beat = sc_dt::sc_bv<128>;

/// Ports of rtl/capsnet/capsnet_accel.sv with the types that Verilator gives them: X(type, name).
// clang-format off
#define LUTRA_ACCELERATOR_PORTS(X)                                                                 \
  X(bool, clk_i) X(bool, rst_ni) X(bool, irq_o)                                                    \
  X(uint32_t, s_axil_awaddr_i) X(uint32_t, s_axil_awprot_i) X(bool, s_axil_awvalid_i)              \
  X(bool, s_axil_awready_o) X(uint32_t, s_axil_wdata_i) X(uint32_t, s_axil_wstrb_i)                \
  X(bool, s_axil_wvalid_i) X(bool, s_axil_wready_o) X(uint32_t, s_axil_bresp_o)                    \
  X(bool, s_axil_bvalid_o) X(bool, s_axil_bready_i) X(uint32_t, s_axil_araddr_i)                   \
  X(uint32_t, s_axil_arprot_i) X(bool, s_axil_arvalid_i) X(bool, s_axil_arready_o)                 \
  X(uint32_t, s_axil_rdata_o) X(uint32_t, s_axil_rresp_o) X(bool, s_axil_rvalid_o)                 \
  X(bool, s_axil_rready_i)                                                                         \
  X(uint32_t, m_axi_arid_o) X(uint32_t, m_axi_araddr_o) X(uint32_t, m_axi_arlen_o)                 \
  X(uint32_t, m_axi_arsize_o) X(uint32_t, m_axi_arburst_o) X(bool, m_axi_arvalid_o)                \
  X(bool, m_axi_arready_i) X(uint32_t, m_axi_rid_i) X(Beat, m_axi_rdata_i)                         \
  X(uint32_t, m_axi_rresp_i) X(bool, m_axi_rlast_i) X(bool, m_axi_rvalid_i)                        \
  X(bool, m_axi_rready_o)                                                                          \
  X(uint32_t, m_axi_awid_o) X(uint32_t, m_axi_awaddr_o) X(uint32_t, m_axi_awlen_o)                 \
  X(uint32_t, m_axi_awsize_o) X(uint32_t, m_axi_awburst_o) X(bool, m_axi_awvalid_o)                \
  X(bool, m_axi_awready_i) X(Beat, m_axi_wdata_o) X(uint32_t, m_axi_wstrb_o)                       \
  X(bool, m_axi_wlast_o) X(bool, m_axi_wvalid_o) X(bool, m_axi_wready_i)                           \
  X(uint32_t, m_axi_bid_i) X(uint32_t, m_axi_bresp_i) X(bool, m_axi_bvalid_i)                      \
  X(bool, m_axi_bready_o)
// clang-format on

/// The wires around the accelerator, each named as the port it is bound to.
struct AcceleratorSignals {
#define LUTRA_DECLARE_SIGNAL(type, name) sc_core::sc_signal<type> name{#name};
  LUTRA_ACCELERATOR_PORTS(LUTRA_DECLARE_SIGNAL)
#undef LUTRA_DECLARE_SIGNAL
};

/// A verilated accelerator bound to its wires.
class AcceleratorModel {
 public:
  virtual ~AcceleratorModel() = default;
  /// Starts a wave file (FST). @return false when the model was built without waves
  virtual bool open_wave(const std::string& path) = 0;
  /// Writes the values of all signals at this time.
  virtual void dump_wave(uint64_t picoseconds) = 0;
  virtual void close_wave() = 0;
};

/// Defined once in each co-simulation program, by accelerator_binding.cc beside the verilated
/// model.
std::unique_ptr<AcceleratorModel> make_accelerator(AcceleratorSignals* signals);

}  // namespace lutra::platform

#endif  // LUTRA_PLATFORM_ACCELERATOR_PORTS_H_
