#include "lutra/platform/platform.h"

#include <fmt/format.h>

#include <cstring>

#include "lutra/base/error.h"

namespace lutra::platform {

Host::Host(sc_core::sc_module_name name, AcceleratorSignals* signals,
           std::function<void(Host&)> software)
    : sc_module(name),
      register_socket("register_socket"),
      memory_socket("memory_socket"),
      s_(*signals),
      software_(std::move(software)) {
  SC_HAS_PROCESS(Host);
  SC_THREAD(run);
}

void Host::run() {
  wait(s_.rst_ni.posedge_event());
  wait(s_.clk_i.posedge_event());
  try {
    software_(*this);
  } catch (...) {
    failure_ = std::current_exception();
  }
  sc_core::sc_stop();
}

void Host::write_register(uint32_t offset, uint32_t value) {
  tlm::tlm_generic_payload payload;
  payload.set_command(tlm::TLM_WRITE_COMMAND);
  payload.set_address(offset);
  payload.set_data_ptr(reinterpret_cast<uint8_t*>(&value));
  payload.set_data_length(4);
  payload.set_streaming_width(4);
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  register_socket->b_transport(payload, delay);
  if (!payload.is_response_ok()) {
    throw Error(ErrorKind::kInternal, fmt::format("writing register {:#04x} failed", offset));
  }
}

uint32_t Host::read_register(uint32_t offset) {
  uint32_t value = 0;
  tlm::tlm_generic_payload payload;
  payload.set_command(tlm::TLM_READ_COMMAND);
  payload.set_address(offset);
  payload.set_data_ptr(reinterpret_cast<uint8_t*>(&value));
  payload.set_data_length(4);
  payload.set_streaming_width(4);
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  register_socket->b_transport(payload, delay);
  if (!payload.is_response_ok()) {
    throw Error(ErrorKind::kInternal, fmt::format("reading register {:#04x} failed", offset));
  }
  return value;
}

void Host::write_memory(uint64_t address, const uint8_t* bytes, size_t count) {
  if (count == 0) return;
  tlm::tlm_generic_payload payload;
  payload.set_command(tlm::TLM_WRITE_COMMAND);
  payload.set_address(address);
  payload.set_data_ptr(const_cast<uint8_t*>(bytes));
  payload.set_data_length(static_cast<unsigned>(count));
  payload.set_streaming_width(static_cast<unsigned>(count));
  if (memory_socket->transport_dbg(payload) != count) {
    throw Error(ErrorKind::kUnimplemented,
                fmt::format("{} bytes at {:#x} lie outside the platform's memory", count, address));
  }
}

std::vector<uint8_t> Host::read_memory(uint64_t address, size_t count) {
  std::vector<uint8_t> bytes(count);
  if (count == 0) return bytes;
  tlm::tlm_generic_payload payload;
  payload.set_command(tlm::TLM_READ_COMMAND);
  payload.set_address(address);
  payload.set_data_ptr(bytes.data());
  payload.set_data_length(static_cast<unsigned>(count));
  payload.set_streaming_width(static_cast<unsigned>(count));
  if (memory_socket->transport_dbg(payload) != count) {
    throw Error(ErrorKind::kUnimplemented,
                fmt::format("{} bytes at {:#x} lie outside the platform's memory", count, address));
  }
  return bytes;
}

bool Host::wait_interrupt(uint64_t cycles, sc_core::sc_time period) {
  if (!s_.irq_o.read()) {
    wait(static_cast<double>(cycles) * period, s_.irq_o.posedge_event());
  }
  return s_.irq_o.read();
}

void Host::reset() {
  reset_requested_ = true;
  wait(s_.rst_ni.negedge_event());
  wait(s_.rst_ni.posedge_event());
  wait(s_.clk_i.posedge_event());
}

Platform::Platform(sc_core::sc_module_name name, const PlatformOptions& options,
                   std::function<void(Host&)> software)
    : sc_module(name),
      options_(options),
      accelerator_(make_accelerator(&signals_)),
      memory_("memory", options.memory_bytes, options.memory_latency, options.memory_waits),
      bus_("bus", &signals_),
      registers_("registers", &signals_),
      monitor_("monitor", &signals_),
      host_("host", &signals_, std::move(software)) {
  bus_.socket.bind(memory_.bus_socket);
  host_.register_socket.bind(registers_.socket);
  host_.memory_socket.bind(memory_.host_socket);
  SC_HAS_PROCESS(Platform);
  SC_THREAD(drive_clock);
  if (!options_.wave.empty()) {
    SC_THREAD(dump_wave);
  }
}

Platform::~Platform() {
  if (wave_open_) accelerator_->close_wave();
}

void Platform::run() {
  sc_core::sc_start();
  if (failure_) std::rethrow_exception(failure_);
  if (host_.failure()) std::rethrow_exception(host_.failure());
}

void Platform::drive_clock() {
  constexpr int kResetCycles = 4;
  const sc_core::sc_time half = options_.period / 2;
  int reset_left = kResetCycles;
  signals_.rst_ni = false;
  for (;;) {
    wait(half);
    signals_.clk_i = true;
    wait(half);
    signals_.clk_i = false;
    if (host_.take_reset_request()) {
      reset_left = kResetCycles;
      signals_.rst_ni = false;
    } else if (reset_left == 0) {
      ++cycle_;
    } else if (--reset_left == 0) {
      signals_.rst_ni = true;
    }
  }
}

void Platform::dump_wave() {
  const sc_core::sc_time settled(1, sc_core::SC_PS);
  for (;;) {
    wait(signals_.clk_i.value_changed_event());
    if (cycle_ < options_.wave_first_cycle || cycle_ > options_.wave_last_cycle) continue;
    if (!wave_open_) {
      if (!accelerator_->open_wave(options_.wave)) {
        // An exception may not leave a SystemC process.
        failure_ = std::make_exception_ptr(
            Error(ErrorKind::kInvalidArgument,
                  fmt::format("wave file {}: cannot be written", options_.wave)));
        sc_core::sc_stop();
        return;
      }
      wave_open_ = true;
    }
    wait(settled);
    accelerator_->dump_wave(static_cast<uint64_t>(sc_core::sc_time_stamp().to_seconds() * 1e12));
  }
}

}  // namespace lutra::platform
