#include "lutra/platform/memory.h"

#include <cstring>

namespace lutra::platform {

Memory::Memory(sc_core::sc_module_name name, size_t bytes, sc_core::sc_time latency, bool waits)
    : sc_module(name),
      bus_socket("bus_socket"),
      host_socket("host_socket"),
      bytes_(bytes, 0),
      latency_(latency),
      waits_(waits) {
  for (auto* socket : {&bus_socket, &host_socket}) {
    socket->register_b_transport(this, &Memory::transport);
    socket->register_transport_dbg(this, &Memory::access);
  }
}

void Memory::transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  if (waits_) {
    // The caller's time first, then the memory's: the access is made where it ends.
    wait(delay + latency_);
    delay = sc_core::SC_ZERO_TIME;
    access(payload);
  } else if (access(payload) != 0) {
    delay += latency_;
  }
}

unsigned Memory::access(tlm::tlm_generic_payload& payload) {
  const uint64_t address = payload.get_address();
  const unsigned length = payload.get_data_length();
  if (address > bytes_.size() || length > bytes_.size() - address) {
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return 0;
  }
  if (payload.get_byte_enable_ptr() != nullptr) {
    payload.set_response_status(tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
    return 0;
  }
  if (payload.get_streaming_width() < length) {
    payload.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
    return 0;
  }
  if (payload.is_read()) {
    std::memcpy(payload.get_data_ptr(), &bytes_[address], length);
  } else if (payload.is_write()) {
    std::memcpy(&bytes_[address], payload.get_data_ptr(), length);
  }
  payload.set_response_status(tlm::TLM_OK_RESPONSE);
  return length;
}

}  // namespace lutra::platform
