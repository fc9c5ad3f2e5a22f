#ifndef LUTRA_PLATFORM_MEMORY_H_
#define LUTRA_PLATFORM_MEMORY_H_

#include <tlm.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <systemc>
#include <vector>

namespace lutra::platform {

/// A TLM-2.0 memory of bytes from address 0 on, any number of initiators. An access outside ends in
/// TLM_ADDRESS_ERROR_RESPONSE. Timing: a fixed latency an access, annotated as a delay or waited
/// for in b_transport; the bus adds its beats.
class Memory : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<Memory> bus_socket;   ///< from the accelerator's bridge
  tlm_utils::simple_target_socket<Memory> host_socket;  ///< from the host

  /// @param bytes    size
  /// @param latency  of each access
  /// @param waits    the latency passes in b_transport, whose caller must be a thread
  Memory(sc_core::sc_module_name name, size_t bytes, sc_core::sc_time latency, bool waits = false);

  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  void transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  unsigned access(tlm::tlm_generic_payload& payload);

  std::vector<uint8_t> bytes_;
  sc_core::sc_time latency_;
  bool waits_;
};

}  // namespace lutra::platform

#endif  // LUTRA_PLATFORM_MEMORY_H_
