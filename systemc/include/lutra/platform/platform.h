#ifndef LUTRA_PLATFORM_PLATFORM_H_
#define LUTRA_PLATFORM_PLATFORM_H_

#include <tlm_utils/simple_initiator_socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <systemc>
#include <utility>
#include <vector>

#include "lutra/platform/accelerator_ports.h"
#include "lutra/platform/axi_bridges.h"
#include "lutra/platform/axi_monitor.h"
#include "lutra/platform/memory.h"

namespace lutra::platform {

/// Registers of docs/accelerator.md, byte offsets.
enum Register : uint32_t {
  kId = 0x00,
  kConfig = 0x04,
  kCtrl = 0x08,
  kStatus = 0x0C,
  kProgram = 0x10,
  kBase0 = 0x20,
  kCyclesLow = 0x30,
  kCyclesHigh = 0x34,
  kTraceCycles = 0x38,
  kInstructions = 0x3C,
  kMacsLow = 0x40,
  kMacsHigh = 0x44,
  kReadBeats = 0x48,
  kWriteBeats = 0x4C,
  kPc = 0x50,
};

/// What the host's software can do: registers through the bus, memory through the back door.
class Host : public sc_core::sc_module {
 public:
  tlm_utils::simple_initiator_socket<Host> register_socket;
  tlm_utils::simple_initiator_socket<Host> memory_socket;

  /// @param software  runs once reset is over; when it returns or throws, the simulation stops
  Host(sc_core::sc_module_name name, AcceleratorSignals* signals,
       std::function<void(Host&)> software);

  void write_register(uint32_t offset, uint32_t value);
  uint32_t read_register(uint32_t offset);
  void write_memory(uint64_t address, const uint8_t* bytes, size_t count);
  std::vector<uint8_t> read_memory(uint64_t address, size_t count);
  /// Waits for the interrupt. @return false when it did not come within so many cycles
  bool wait_interrupt(uint64_t cycles, sc_core::sc_time period);
  /// Resets the accelerator and its bridges, whatever they do; returns when reset is over.
  void reset();

  /// True once after reset() was called: for the platform, which drives reset.
  bool take_reset_request() { return std::exchange(reset_requested_, false); }
  /// What the software threw, if anything.
  std::exception_ptr failure() const { return failure_; }

 private:
  void run();

  AcceleratorSignals& s_;
  std::function<void(Host&)> software_;
  std::exception_ptr failure_;
  bool reset_requested_ = false;
};

struct PlatformOptions {
  size_t memory_bytes = 16 << 20;
  sc_core::sc_time period{10, sc_core::SC_NS};
  sc_core::sc_time memory_latency{100, sc_core::SC_NS};
  bool memory_waits = false;      ///< in b_transport, instead of annotating its latency
  std::string wave;               ///< FST file; empty: none
  uint64_t wave_first_cycle = 0;  ///< window of cycles after reset that the wave file holds
  uint64_t wave_last_cycle = UINT64_MAX;
};

/// Clock, reset, accelerator, bridges, memory, host, and the protocol checkers of both ports.
class Platform : public sc_core::sc_module {
 public:
  Platform(sc_core::sc_module_name name, const PlatformOptions& options,
           std::function<void(Host&)> software);
  ~Platform() override;

  /// Runs until the software has ended; rethrows what it threw.
  /// @throws Error kInvalidArgument when the wave file cannot be written
  void run();

  AxiMonitor& monitor() { return monitor_; }

 private:
  void drive_clock();
  void dump_wave();

  PlatformOptions options_;
  AcceleratorSignals signals_;
  std::unique_ptr<AcceleratorModel> accelerator_;
  Memory memory_;
  AxiToTlm bus_;
  TlmToAxiLite registers_;
  AxiMonitor monitor_;
  Host host_;
  uint64_t cycle_ = 0;
  bool wave_open_ = false;
  std::exception_ptr failure_;
};

}  // namespace lutra::platform

#endif  // LUTRA_PLATFORM_PLATFORM_H_
