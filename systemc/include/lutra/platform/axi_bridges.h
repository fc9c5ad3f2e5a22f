#ifndef LUTRA_PLATFORM_AXI_BRIDGES_H_
#define LUTRA_PLATFORM_AXI_BRIDGES_H_

#include <tlm.h>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <string>
#include <systemc>
#include <vector>

#include "lutra/platform/accelerator_ports.h"

namespace lutra::platform {

/// AXI4 manager (the accelerator's m_axi_*) to TLM-2.0: each burst becomes one b_transport call;
/// the delay that comes back, rounded up to cycles, passes before the first beat or the response.
/// One read and one write burst at a time, as the accelerator issues them. Checks the protocol:
/// burst type, size, alignment, 4 KiB boundary, wlast; the first violation is kept.
class AxiToTlm : public sc_core::sc_module {
 public:
  tlm_utils::simple_initiator_socket<AxiToTlm> socket;

  AxiToTlm(sc_core::sc_module_name name, AcceleratorSignals* signals, sc_core::sc_time period);

  /// "" while the accelerator keeps to the protocol.
  const std::string& violation() const { return violation_; }

 private:
  static constexpr unsigned kBeatBytes = 16;

  void on_clock();
  void read_channel();
  void write_channel();
  void check_burst(const char* channel, uint32_t address, uint32_t length, uint32_t size,
                   uint32_t burst);
  /// @return AXI response (0 OKAY, 2 SLVERR, 3 DECERR), and the cycles that the access took
  uint32_t transport(tlm::tlm_command command, uint32_t address, std::vector<uint8_t>* data,
                     unsigned* cycles);

  AcceleratorSignals& s_;
  sc_core::sc_time period_;
  std::string violation_;

  enum class State { kIdle, kData, kWait, kRespond };
  State read_state_ = State::kIdle;
  std::vector<uint8_t> read_data_;
  unsigned read_beat_ = 0;
  unsigned read_wait_ = 0;
  uint32_t read_response_ = 0;

  State write_state_ = State::kIdle;
  std::vector<uint8_t> write_data_;
  uint32_t write_address_ = 0;
  unsigned write_beats_ = 0;
  unsigned write_wait_ = 0;
  uint32_t write_response_ = 0;
};

/// TLM-2.0 to AXI4-Lite (the accelerator's s_axil_*): aligned accesses of 4 bytes, one at a time;
/// b_transport blocks for the cycles of the handshake.
class TlmToAxiLite : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<TlmToAxiLite> socket;

  TlmToAxiLite(sc_core::sc_module_name name, AcceleratorSignals* signals);

 private:
  void transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  void wait_clock() { wait(s_.clk_i.posedge_event()); }

  AcceleratorSignals& s_;
};

}  // namespace lutra::platform

#endif  // LUTRA_PLATFORM_AXI_BRIDGES_H_
