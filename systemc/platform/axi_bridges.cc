#include "lutra/platform/axi_bridges.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace lutra::platform {
namespace {

constexpr uint32_t kOkay = 0, kSlvErr = 2, kDecErr = 3;
constexpr uint32_t kIncr = 1, kSize16 = 4, kAllStrobes = 0xffff;

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
    const uint32_t word = static_cast<uint32_t>(beat.get_word(w));
    for (int b = 0; b < 4; ++b) bytes->push_back(static_cast<uint8_t>(word >> (8 * b)));
  }
}

}  // namespace

AxiToTlm::AxiToTlm(sc_core::sc_module_name name, AcceleratorSignals* signals)
    : sc_module(name), socket("socket"), s_(*signals) {
  SC_HAS_PROCESS(AxiToTlm);
  SC_METHOD(on_edge);
  sensitive << s_.clk_i.posedge_event() << s_.rst_ni.negedge_event();
  dont_initialize();
  SC_THREAD(read_thread);
  SC_THREAD(write_thread);
}

// The only process that drives the bus. Runs in the delta cycle of the rising edge and reads what
// the accelerator drove before it, as a flip-flop would; and with reset, which is asynchronous.
void AxiToTlm::on_edge() {
  if (!s_.rst_ni.read()) {
    reset();
    return;
  }
  drive_read_data();
  drive_write_response();
  take_requests();
  gather_write_data();
  s_.m_axi_arready_i = reads_.size() < kOutstanding;
  s_.m_axi_awready_i = writes_.size() + addresses_.size() < kOutstanding;
  s_.m_axi_wready_i = write_data_.size() < kDataBeats;
}

void AxiToTlm::reset() {
  ++resets_;
  for (Pipe* pipe : {&reads_, &writes_}) {
    pipe->waiting.clear();
    pipe->answered.clear();
  }
  addresses_.clear();
  write_data_.clear();
  read_beat_ = 0;
  s_.m_axi_arready_i = false;
  s_.m_axi_awready_i = false;
  s_.m_axi_wready_i = false;
  s_.m_axi_rvalid_i = false;
  s_.m_axi_bvalid_i = false;
}

void AxiToTlm::take_requests() {
  const auto burst = [](const auto& id, const auto& address, const auto& length, const auto& size,
                        const auto& type) {
    Burst b;
    b.id = id.read();
    b.address = address.read();
    b.beats = length.read() + 1;
    b.supported = size.read() == kSize16 && type.read() == kIncr && b.address % kBeatBytes == 0;
    return b;
  };
  if (s_.m_axi_arready_i.read() && s_.m_axi_arvalid_o.read()) {
    reads_.waiting.push_back(burst(s_.m_axi_arid_o, s_.m_axi_araddr_o, s_.m_axi_arlen_o,
                                   s_.m_axi_arsize_o, s_.m_axi_arburst_o));
    reads_.waiting.back().data.assign(size_t{reads_.waiting.back().beats} * kBeatBytes, 0);
    reads_.arrived.notify(sc_core::SC_ZERO_TIME);
  }
  if (s_.m_axi_awready_i.read() && s_.m_axi_awvalid_o.read()) {
    addresses_.push_back(burst(s_.m_axi_awid_o, s_.m_axi_awaddr_o, s_.m_axi_awlen_o,
                               s_.m_axi_awsize_o, s_.m_axi_awburst_o));
  }
  if (s_.m_axi_wready_i.read() && s_.m_axi_wvalid_o.read()) {
    write_data_.push_back({s_.m_axi_wdata_o.read(), s_.m_axi_wstrb_o.read()});
  }
}

// A write goes to the target when its address and all of its data are here.
void AxiToTlm::gather_write_data() {
  while (!addresses_.empty() && write_data_.size() >= addresses_.front().beats) {
    Burst burst = std::move(addresses_.front());
    addresses_.pop_front();
    const auto end = write_data_.begin() + burst.beats;
    const bool partial = std::any_of(write_data_.begin(), end,
                                     [](const Beat16& beat) { return beat.strobe != kAllStrobes; });
    for (auto beat = write_data_.begin(); beat != end; ++beat) {
      append(&burst.data, beat->data);
      for (unsigned byte = 0; partial && byte < kBeatBytes; ++byte) {
        burst.enables.push_back(beat->strobe >> byte & 1 ? TLM_BYTE_ENABLED : TLM_BYTE_DISABLED);
      }
    }
    write_data_.erase(write_data_.begin(), end);
    writes_.waiting.push_back(std::move(burst));
    writes_.arrived.notify(sc_core::SC_ZERO_TIME);
  }
}

void AxiToTlm::drive_read_data() {
  if (s_.m_axi_rvalid_i.read()) {
    if (!s_.m_axi_rready_o.read()) return;
    if (++read_beat_ == reads_.answered.front().beats) {
      reads_.answered.pop_front();
      read_beat_ = 0;
    }
  }
  const bool valid = !reads_.answered.empty();
  s_.m_axi_rvalid_i = valid;
  s_.m_axi_rlast_i = valid && read_beat_ + 1 == reads_.answered.front().beats;
  if (!valid) return;
  const Burst& burst = reads_.answered.front();
  s_.m_axi_rdata_i = to_beat(&burst.data[size_t{read_beat_} * kBeatBytes]);
  s_.m_axi_rresp_i = burst.response;
  s_.m_axi_rid_i = burst.id;
}

void AxiToTlm::drive_write_response() {
  if (s_.m_axi_bvalid_i.read()) {
    if (!s_.m_axi_bready_o.read()) return;
    writes_.answered.pop_front();
  }
  const bool valid = !writes_.answered.empty();
  s_.m_axi_bvalid_i = valid;
  if (!valid) return;
  s_.m_axi_bresp_i = writes_.answered.front().response;
  s_.m_axi_bid_i = writes_.answered.front().id;
}

void AxiToTlm::read_thread() { serve(&reads_, tlm::TLM_READ_COMMAND); }
void AxiToTlm::write_thread() { serve(&writes_, tlm::TLM_WRITE_COMMAND); }

void AxiToTlm::serve(Pipe* pipe, tlm::tlm_command command) {
  for (;;) {
    while (pipe->waiting.empty()) wait(pipe->arrived);
    Burst burst = std::move(pipe->waiting.front());
    pipe->waiting.pop_front();
    const uint64_t resets = resets_;
    pipe->in_target = true;
    transport(command, &burst);
    pipe->in_target = false;
    if (resets == resets_) pipe->answered.push_back(std::move(burst));
  }
}

void AxiToTlm::transport(tlm::tlm_command command, Burst* burst) {
  if (!burst->supported) {
    burst->response = kSlvErr;
    return;
  }
  tlm::tlm_generic_payload payload;
  payload.set_command(command);
  payload.set_address(burst->address);
  payload.set_data_ptr(burst->data.data());
  payload.set_data_length(static_cast<unsigned>(burst->data.size()));
  payload.set_streaming_width(static_cast<unsigned>(burst->data.size()));
  if (!burst->enables.empty()) {
    payload.set_byte_enable_ptr(burst->enables.data());
    payload.set_byte_enable_length(static_cast<unsigned>(burst->enables.size()));
  }
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  socket->b_transport(payload, delay);
  if (delay != sc_core::SC_ZERO_TIME) wait(delay);
  if (payload.is_response_ok()) {
    burst->response = kOkay;
  } else {
    const bool outside = payload.get_response_status() == tlm::TLM_ADDRESS_ERROR_RESPONSE;
    burst->response = outside ? kDecErr : kSlvErr;
  }
}

TlmToAxiLite::TlmToAxiLite(sc_core::sc_module_name name, AcceleratorSignals* signals)
    : sc_module(name), socket("socket"), s_(*signals) {
  socket.register_b_transport(this, &TlmToAxiLite::transport);
  SC_HAS_PROCESS(TlmToAxiLite);
  SC_METHOD(on_edge);
  sensitive << s_.clk_i.posedge_event() << s_.rst_ni.negedge_event();
  dont_initialize();
}

void TlmToAxiLite::transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  if (payload.get_data_length() != 4 || payload.get_address() % 4 != 0 ||
      payload.get_address() >= 4096 || payload.get_byte_enable_ptr() != nullptr ||
      payload.get_streaming_width() < 4) {
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  if (delay != sc_core::SC_ZERO_TIME) wait(delay);
  delay = sc_core::SC_ZERO_TIME;
  bus_.lock();
  access_ = &payload;
  wait(done_);
  bus_.unlock();
}

// The only process that drives the bus.
void TlmToAxiLite::on_edge() {
  if (!s_.rst_ni.read()) {
    s_.s_axil_awvalid_i = false;
    s_.s_axil_wvalid_i = false;
    s_.s_axil_bready_i = false;
    s_.s_axil_arvalid_i = false;
    s_.s_axil_rready_i = false;
    if (on_bus_) finish(tlm::TLM_GENERIC_ERROR_RESPONSE);
    return;
  }
  if (access_ == nullptr) return;
  if (!on_bus_) {
    begin();
    return;
  }
  if (s_.s_axil_awready_o.read()) s_.s_axil_awvalid_i = false;
  if (s_.s_axil_wready_o.read()) s_.s_axil_wvalid_i = false;
  if (s_.s_axil_arready_o.read()) s_.s_axil_arvalid_i = false;
  uint32_t response;
  if (s_.s_axil_bready_i.read() && s_.s_axil_bvalid_o.read()) {
    response = s_.s_axil_bresp_o.read();
    s_.s_axil_bready_i = false;
  } else if (s_.s_axil_rready_i.read() && s_.s_axil_rvalid_o.read()) {
    response = s_.s_axil_rresp_o.read();
    s_.s_axil_rready_i = false;
    const uint32_t word = s_.s_axil_rdata_o.read();
    std::memcpy(access_->get_data_ptr(), &word, 4);
  } else {
    return;
  }
  finish(response == kOkay ? tlm::TLM_OK_RESPONSE : tlm::TLM_GENERIC_ERROR_RESPONSE);
}

void TlmToAxiLite::begin() {
  on_bus_ = true;
  const uint32_t address = static_cast<uint32_t>(access_->get_address());
  if (access_->is_write()) {
    uint32_t word;
    std::memcpy(&word, access_->get_data_ptr(), 4);
    s_.s_axil_awaddr_i = address;
    s_.s_axil_awvalid_i = true;
    s_.s_axil_wdata_i = word;
    s_.s_axil_wstrb_i = 0xf;
    s_.s_axil_wvalid_i = true;
    s_.s_axil_bready_i = true;
  } else {
    s_.s_axil_araddr_i = address;
    s_.s_axil_arvalid_i = true;
    s_.s_axil_rready_i = true;
  }
}

void TlmToAxiLite::finish(tlm::tlm_response_status status) {
  access_->set_response_status(status);
  access_ = nullptr;
  on_bus_ = false;
  done_.notify(sc_core::SC_ZERO_TIME);
}

}  // namespace lutra::platform
