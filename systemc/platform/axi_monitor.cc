#include "lutra/platform/axi_monitor.h"

namespace lutra::platform {
namespace {

std::array<uint32_t, 4> words(const Beat& beat) {
  std::array<uint32_t, 4> result;
  for (int w = 0; w < 4; ++w) result[w] = static_cast<uint32_t>(beat.get_word(w));
  return result;
}

}  // namespace

AxiMonitor::AxiMonitor(sc_core::sc_module_name name, AcceleratorSignals* signals,
                       const protocol::AxiLimits& memory_port)
    : sc_module(name),
      s_(*signals),
      memory_port_("m_axi", memory_port),
      register_port_("s_axil", protocol::accelerator_register_port()) {
  SC_HAS_PROCESS(AxiMonitor);
  SC_METHOD(on_clock);
  sensitive << s_.clk_i.posedge_event();
  dont_initialize();
}

// Runs in the delta cycle of the rising edge: what it reads was driven before the edge.
void AxiMonitor::on_clock() {
  protocol::AxiSample m;
  m.reset_n = s_.rst_ni.read();
  m.ar = {s_.m_axi_arvalid_o.read(), s_.m_axi_arready_i.read(),
          s_.m_axi_arid_o.read(),    s_.m_axi_araddr_o.read(),
          s_.m_axi_arlen_o.read(),   s_.m_axi_arsize_o.read(),
          s_.m_axi_arburst_o.read(), 0};
  m.aw = {s_.m_axi_awvalid_o.read(), s_.m_axi_awready_i.read(),
          s_.m_axi_awid_o.read(),    s_.m_axi_awaddr_o.read(),
          s_.m_axi_awlen_o.read(),   s_.m_axi_awsize_o.read(),
          s_.m_axi_awburst_o.read(), 0};
  m.w = {s_.m_axi_wvalid_o.read(),
         s_.m_axi_wready_i.read(),
         {},
         s_.m_axi_wstrb_o.read(),
         s_.m_axi_wlast_o.read()};
  if (m.w.valid) m.w.data = words(s_.m_axi_wdata_o.read());
  m.r = {s_.m_axi_rvalid_i.read(), s_.m_axi_rready_o.read(), s_.m_axi_rid_i.read(), {},
         s_.m_axi_rresp_i.read(),  s_.m_axi_rlast_i.read()};
  if (m.r.valid) m.r.data = words(s_.m_axi_rdata_i.read());
  m.b = {s_.m_axi_bvalid_i.read(), s_.m_axi_bready_o.read(), s_.m_axi_bid_i.read(),
         s_.m_axi_bresp_i.read()};
  memory_port_.sample(m);

  protocol::AxiSample l;
  l.reset_n = s_.rst_ni.read();
  l.ar = {
      s_.s_axil_arvalid_i.read(), s_.s_axil_arready_o.read(), 0, s_.s_axil_araddr_i.read(), 0, 2, 1,
      s_.s_axil_arprot_i.read()};
  l.aw = {
      s_.s_axil_awvalid_i.read(), s_.s_axil_awready_o.read(), 0, s_.s_axil_awaddr_i.read(), 0, 2, 1,
      s_.s_axil_awprot_i.read()};
  l.w = {s_.s_axil_wvalid_i.read(),
         s_.s_axil_wready_o.read(),
         {s_.s_axil_wdata_i.read()},
         s_.s_axil_wstrb_i.read(),
         true};
  l.r = {s_.s_axil_rvalid_o.read(),  s_.s_axil_rready_i.read(), 0,
         {s_.s_axil_rdata_o.read()}, s_.s_axil_rresp_o.read(),  true};
  l.b = {s_.s_axil_bvalid_o.read(), s_.s_axil_bready_i.read(), 0, s_.s_axil_bresp_o.read()};
  register_port_.sample(l);
}

void AxiMonitor::finish() {
  memory_port_.finish();
  register_port_.finish();
}

std::string AxiMonitor::first_violation() const {
  for (const protocol::AxiChecker* port : {&memory_port_, &register_port_}) {
    if (!port->first_violations().empty()) return port->first_violations()[0].text;
  }
  return "";
}

}  // namespace lutra::platform
