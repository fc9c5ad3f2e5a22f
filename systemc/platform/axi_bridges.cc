#include "lutra/platform/axi_bridges.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

namespace lutra::platform {
namespace {

Beat to_beat(const uint8_t* bytes) {
  Beat beat;
  for (int w = 0; w < 4; ++w) {
    uint32_t word;
    std::memcpy(&word, bytes + 4 * w, 4);
    beat.set_word(w, word);
  }
  return beat;
}

void append(std::vector<uint8_t>* bytes, const Beat& beat) {
  for (int w = 0; w < 4; ++w) {
    const uint32_t word = beat.get_word(w);
    for (int b = 0; b < 4; ++b) bytes->push_back(static_cast<uint8_t>(word >> (8 * b)));
  }
}

}  // namespace

AxiToTlm::AxiToTlm(sc_core::sc_module_name name, AcceleratorSignals* signals,
                   sc_core::sc_time period)
    : sc_module(name), socket("socket"), s_(*signals), period_(period) {
  SC_HAS_PROCESS(AxiToTlm);
  SC_METHOD(on_clock);
  sensitive << s_.clk_i.posedge_event();
  dont_initialize();
}

// Runs in the delta cycle of the rising edge and reads what the accelerator drove before it, as a
// flip-flop would.
void AxiToTlm::on_clock() {
  if (!s_.rst_ni.read()) return;
  read_channel();
  write_channel();
}

void AxiToTlm::check_burst(const char* channel, uint32_t address, uint32_t length, uint32_t size,
                           uint32_t burst) {
  if (!violation_.empty()) return;
  const uint64_t last = uint64_t{address} + (length + 1) * kBeatBytes - 1;
  if (burst != 1 || size != 4 || address % kBeatBytes != 0 || length > 63 ||
      address >> 12 != last >> 12) {
    violation_ = fmt::format(
        "{}: address {:#010x}, length {}, size {}, burst {} (expected aligned "
        "INCR bursts of at most 64 beats of 16 bytes within 4 KiB)",
        channel, address, length + 1, size, burst);
  }
}

uint32_t AxiToTlm::transport(tlm::tlm_command command, uint32_t address, std::vector<uint8_t>* data,
                             unsigned* cycles) {
  tlm::tlm_generic_payload payload;
  payload.set_command(command);
  payload.set_address(address);
  payload.set_data_ptr(data->data());
  payload.set_data_length(static_cast<unsigned>(data->size()));
  payload.set_streaming_width(static_cast<unsigned>(data->size()));
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  socket->b_transport(payload, delay);
  *cycles = static_cast<unsigned>(std::ceil(delay / period_));
  if (payload.is_response_ok()) return 0;
  return payload.get_response_status() == tlm::TLM_ADDRESS_ERROR_RESPONSE ? 3 : 2;
}

void AxiToTlm::read_channel() {
  switch (read_state_) {
    case State::kIdle:
      if (s_.m_axi_arready_i.read() && s_.m_axi_arvalid_o.read()) {
        const uint32_t address = s_.m_axi_araddr_o.read();
        const uint32_t length = s_.m_axi_arlen_o.read();
        check_burst("read", address, length, s_.m_axi_arsize_o.read(), s_.m_axi_arburst_o.read());
        read_data_.assign((length + 1) * kBeatBytes, 0);
        read_response_ = transport(tlm::TLM_READ_COMMAND, address, &read_data_, &read_wait_);
        read_beat_ = 0;
        read_state_ = State::kWait;
        s_.m_axi_arready_i = false;
      } else {
        s_.m_axi_arready_i = true;
      }
      break;
    case State::kWait:
      if (read_wait_ > 0) --read_wait_;
      if (read_wait_ == 0) read_state_ = State::kData;
      break;
    default: {
      if (s_.m_axi_rvalid_i.read() && s_.m_axi_rready_o.read()) ++read_beat_;
      const unsigned beats = static_cast<unsigned>(read_data_.size() / kBeatBytes);
      if (read_beat_ == beats) {
        s_.m_axi_rvalid_i = false;
        s_.m_axi_rlast_i = false;
        read_state_ = State::kIdle;
        break;
      }
      s_.m_axi_rvalid_i = true;
      s_.m_axi_rdata_i = to_beat(&read_data_[read_beat_ * kBeatBytes]);
      s_.m_axi_rresp_i = read_response_;
      s_.m_axi_rlast_i = read_beat_ + 1 == beats;
      s_.m_axi_rid_i = 0;
      break;
    }
  }
}

void AxiToTlm::write_channel() {
  switch (write_state_) {
    case State::kIdle:
      if (s_.m_axi_awready_i.read() && s_.m_axi_awvalid_o.read()) {
        write_address_ = s_.m_axi_awaddr_o.read();
        const uint32_t length = s_.m_axi_awlen_o.read();
        check_burst("write", write_address_, length, s_.m_axi_awsize_o.read(),
                    s_.m_axi_awburst_o.read());
        write_beats_ = length + 1;
        write_data_.clear();
        write_state_ = State::kData;
        s_.m_axi_awready_i = false;
        s_.m_axi_wready_i = true;
      } else {
        s_.m_axi_awready_i = true;
      }
      break;
    case State::kData:
      if (s_.m_axi_wready_i.read() && s_.m_axi_wvalid_o.read()) {
        append(&write_data_, s_.m_axi_wdata_o.read());
        const bool last = write_data_.size() == size_t{write_beats_} * kBeatBytes;
        if (violation_.empty() &&
            (s_.m_axi_wlast_o.read() != last || s_.m_axi_wstrb_o.read() != 0xffff)) {
          violation_ = fmt::format("write: wlast {} and wstrb {:#06x} in beat {} of {}",
                                   s_.m_axi_wlast_o.read(), s_.m_axi_wstrb_o.read(),
                                   write_data_.size() / kBeatBytes, write_beats_);
        }
        if (last) {
          write_response_ =
              transport(tlm::TLM_WRITE_COMMAND, write_address_, &write_data_, &write_wait_);
          s_.m_axi_wready_i = false;
          write_state_ = State::kWait;
        }
      }
      break;
    case State::kWait:
      if (write_wait_ > 0) --write_wait_;
      if (write_wait_ == 0) {
        s_.m_axi_bvalid_i = true;
        s_.m_axi_bresp_i = write_response_;
        s_.m_axi_bid_i = 0;
        write_state_ = State::kRespond;
      }
      break;
    case State::kRespond:
      if (s_.m_axi_bvalid_i.read() && s_.m_axi_bready_o.read()) {
        s_.m_axi_bvalid_i = false;
        write_state_ = State::kIdle;
      }
      break;
  }
}

TlmToAxiLite::TlmToAxiLite(sc_core::sc_module_name name, AcceleratorSignals* signals)
    : sc_module(name), socket("socket"), s_(*signals) {
  socket.register_b_transport(this, &TlmToAxiLite::transport);
}

void TlmToAxiLite::transport(tlm::tlm_generic_payload& payload, sc_core::sc_time&) {
  const uint64_t address = payload.get_address();
  if (payload.get_data_length() != 4 || address % 4 != 0 || address >= 4096 ||
      payload.get_byte_enable_ptr() != nullptr) {
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  uint32_t response;
  if (payload.is_write()) {
    uint32_t word;
    std::memcpy(&word, payload.get_data_ptr(), 4);
    s_.s_axil_awaddr_i = static_cast<uint32_t>(address);
    s_.s_axil_awvalid_i = true;
    s_.s_axil_wdata_i = word;
    s_.s_axil_wstrb_i = 0xf;
    s_.s_axil_wvalid_i = true;
    s_.s_axil_bready_i = true;
    bool address_taken = false;
    bool data_taken = false;
    for (;;) {
      wait_clock();
      if (s_.s_axil_awvalid_i.read() && s_.s_axil_awready_o.read()) {
        address_taken = true;
        s_.s_axil_awvalid_i = false;
      }
      if (s_.s_axil_wvalid_i.read() && s_.s_axil_wready_o.read()) {
        data_taken = true;
        s_.s_axil_wvalid_i = false;
      }
      if (address_taken && data_taken && s_.s_axil_bvalid_o.read()) break;
    }
    response = s_.s_axil_bresp_o.read();
    s_.s_axil_bready_i = false;
  } else {
    s_.s_axil_araddr_i = static_cast<uint32_t>(address);
    s_.s_axil_arvalid_i = true;
    s_.s_axil_rready_i = true;
    for (;;) {
      wait_clock();
      if (s_.s_axil_arvalid_i.read() && s_.s_axil_arready_o.read()) s_.s_axil_arvalid_i = false;
      if (s_.s_axil_rvalid_o.read()) break;
    }
    const uint32_t word = s_.s_axil_rdata_o.read();
    std::memcpy(payload.get_data_ptr(), &word, 4);
    response = s_.s_axil_rresp_o.read();
    s_.s_axil_rready_i = false;
  }
  payload.set_response_status(response == 0 ? tlm::TLM_OK_RESPONSE
                                            : tlm::TLM_GENERIC_ERROR_RESPONSE);
}

}  // namespace lutra::platform
