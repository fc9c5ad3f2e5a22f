#ifndef LUTRA_PLATFORM_AXI_MONITOR_H_
#define LUTRA_PLATFORM_AXI_MONITOR_H_

#include <string>
#include <systemc>

#include "lutra/platform/accelerator_ports.h"
#include "lutra/protocol/axi_checker.h"

namespace lutra::platform {

/// A protocol checker on each of the accelerator's two AXI ports.
class AxiMonitor : public sc_core::sc_module {
 public:
  /// @param memory_port  what m_axi promises
  AxiMonitor(sc_core::sc_module_name name, AcceleratorSignals* signals,
             const protocol::AxiLimits& memory_port = protocol::accelerator_memory_port());

  /// At the end of a run that should leave nothing outstanding.
  void finish();

  const protocol::AxiChecker& memory_port() const { return memory_port_; }
  const protocol::AxiChecker& register_port() const { return register_port_; }
  uint64_t handshakes() const { return memory_port_.handshakes() + register_port_.handshakes(); }
  uint64_t violations() const { return memory_port_.violations() + register_port_.violations(); }
  /// "" while both ports keep to the protocol.
  std::string first_violation() const;

 private:
  void on_clock();

  AcceleratorSignals& s_;
  protocol::AxiChecker memory_port_;
  protocol::AxiChecker register_port_;
};

}  // namespace lutra::platform

#endif  // LUTRA_PLATFORM_AXI_MONITOR_H_
