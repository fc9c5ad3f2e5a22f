#ifndef LUTRA_PLATFORM_AXI_BRIDGES_H_
#define LUTRA_PLATFORM_AXI_BRIDGES_H_

#include <tlm.h>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <deque>
#include <systemc>
#include <vector>

#include "lutra/platform/accelerator_ports.h"

namespace lutra::platform {

/// AXI4 manager (the accelerator's m_axi_*) to TLM-2.0: each burst becomes one b_transport call, of
/// reads and of writes one at a time and in their order. b_transport is called from SC_THREADs, so
/// that the target may wait in it; the delay that it annotates passes before the first beat or the
/// response. Up to kOutstanding bursts of each kind are taken ahead, write data before, with or
/// after their address. A burst other than of aligned INCR beats of 16 bytes is answered SLVERR and
/// reaches no target; partial strobes become byte enables. That the protocol is kept is
/// AxiMonitor's business.
///
/// Reset, at any time, ends the bursts on the bus at once. A transaction that the target has begun
/// ends there as it would without reset, and its response is dropped; one that it has not begun is
/// never made, so that a write whose last beat had not come leaves no trace.
class AxiToTlm : public sc_core::sc_module {
 public:
  static constexpr size_t kOutstanding = 4;

  tlm_utils::simple_initiator_socket<AxiToTlm> socket;

  AxiToTlm(sc_core::sc_module_name name, AcceleratorSignals* signals);

 private:
  static constexpr unsigned kBeatBytes = 16;
  static constexpr size_t kDataBeats = 256;  ///< that wait for their address: the longest burst

  struct Burst {
    uint32_t id = 0, address = 0, beats = 0;
    bool supported = true;
    uint32_t response = 0;  ///< AXI: 0 OKAY, 2 SLVERR, 3 DECERR
    std::vector<uint8_t> data;
    std::vector<uint8_t> enables;  ///< empty: all bytes
  };
  struct Beat16 {
    Beat data;
    uint32_t strobe;
  };
  /// Bursts from the bus to the target and back. A thread takes the front of `waiting` and puts it
  /// into `answered`, unless a reset came between: `resets` tells.
  struct Pipe {
    std::deque<Burst> waiting, answered;
    bool in_target = false;
    sc_core::sc_event arrived;
    size_t size() const { return waiting.size() + in_target + answered.size(); }
  };

  void on_edge();
  void reset();
  void take_requests();
  void gather_write_data();
  void drive_read_data();
  void drive_write_response();
  void read_thread();
  void write_thread();
  void serve(Pipe* pipe, tlm::tlm_command command);
  void transport(tlm::tlm_command command, Burst* burst);

  AcceleratorSignals& s_;
  uint64_t resets_ = 0;
  Pipe reads_, writes_;
  unsigned read_beat_ = 0;       ///< of the front of reads_.answered
  std::deque<Burst> addresses_;  ///< of writes whose data are not complete
  std::deque<Beat16> write_data_;
};

/// TLM-2.0 to AXI4-Lite (the accelerator's s_axil_*): aligned accesses of 4 bytes, from any number
/// of threads, one at a time on the bus. b_transport lets the annotated delay pass, then blocks for
/// the cycles of the handshake. An access in reset waits for its end; one that a reset meets ends
/// with TLM_GENERIC_ERROR_RESPONSE, and the bus is at rest at once.
class TlmToAxiLite : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<TlmToAxiLite> socket;

  TlmToAxiLite(sc_core::sc_module_name name, AcceleratorSignals* signals);

 private:
  void transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  void on_edge();
  void begin();
  void finish(tlm::tlm_response_status status);

  AcceleratorSignals& s_;
  sc_core::sc_mutex bus_;
  tlm::tlm_generic_payload* access_ = nullptr;  ///< asked for or on the bus
  bool on_bus_ = false;
  sc_core::sc_event done_;
};

}  // namespace lutra::platform

#endif  // LUTRA_PLATFORM_AXI_BRIDGES_H_
