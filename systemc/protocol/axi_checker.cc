#include "lutra/protocol/axi_checker.h"

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <utility>

namespace lutra::protocol {
namespace {

constexpr size_t kReportedViolations = 16;
constexpr unsigned kAxi4Beats = 256;
constexpr uint32_t kPage = 4096;
constexpr uint32_t kFixed = 0, kIncr = 1, kWrap = 2;
constexpr uint32_t kExOkay = 1;
constexpr const char* kChannelNames[kAxiChannels] = {"AR", "R", "AW", "W", "B"};

std::string hex(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "%#llx", static_cast<unsigned long long>(value));
  return text;
}

bool same(const AxiSample::Address& a, const AxiSample::Address& b) {
  return a.id == b.id && a.address == b.address && a.length == b.length && a.size == b.size &&
         a.burst == b.burst && a.protection == b.protection;
}
bool same(const AxiSample::WriteData& a, const AxiSample::WriteData& b) {
  return a.data == b.data && a.strobe == b.strobe && a.last == b.last;
}
bool same(const AxiSample::ReadData& a, const AxiSample::ReadData& b) {
  return a.id == b.id && a.data == b.data && a.response == b.response && a.last == b.last;
}
bool same(const AxiSample::Response& a, const AxiSample::Response& b) {
  return a.id == b.id && a.response == b.response;
}

/// VALID rose, or the beat before it was taken: a payload not judged yet.
template <class Channel>
bool is_offered(const Channel& now, const Channel& before) {
  return now.valid && !(before.valid && !before.ready);
}

std::string describe(const AxiSample::Address& a) {
  return "address " + hex(a.address) + ", " + std::to_string(a.length + 1) + " beats, size " +
         std::to_string(a.size) + ", burst " + std::to_string(a.burst) + ", id " +
         std::to_string(a.id);
}

}  // namespace

const char* axi_rule_name(AxiRule rule) {
  switch (rule) {
    case AxiRule::kValueRange:
      return "value-range";
    case AxiRule::kValidInReset:
      return "valid-in-reset";
    case AxiRule::kValidDropped:
      return "valid-dropped";
    case AxiRule::kPayloadChanged:
      return "payload-changed";
    case AxiRule::kBurstSize:
      return "burst-size";
    case AxiRule::kBurstShape:
      return "burst-shape";
    case AxiRule::kBoundary:
      return "4-kib-boundary";
    case AxiRule::kWriteLast:
      return "wlast";
    case AxiRule::kStrobe:
      return "wstrb";
    case AxiRule::kReadLast:
      return "rlast";
    case AxiRule::kResponseWithoutRequest:
      return "response-without-request";
    case AxiRule::kResponseEarly:
      return "response-early";
    case AxiRule::kResponseId:
      return "response-id";
    case AxiRule::kResponseValue:
      return "response-value";
    case AxiRule::kTimeout:
      return "timeout";
    case AxiRule::kUnanswered:
      return "unanswered";
    case AxiRule::kBurstLength:
      return "burst-length";
    case AxiRule::kFullBeats:
      return "full-beats";
    case AxiRule::kOutstanding:
      return "outstanding";
  }
  return "?";
}

AxiLimits accelerator_memory_port() {
  AxiLimits limits;
  limits.ids = 1;
  limits.max_beats = 64;
  limits.full_beats = true;
  limits.max_reads = limits.max_writes = 1;
  return limits;
}

AxiLimits accelerator_register_port() {
  AxiLimits limits;
  limits.lite = true;
  limits.address_bits = 12;
  limits.data_bytes = 4;
  limits.ids = 1;
  limits.max_beats = 1;
  return limits;
}

AxiChecker::AxiChecker(std::string port, const AxiLimits& limits)
    : port_(std::move(port)), limits_(limits) {}

uint64_t AxiChecker::handshakes() const {
  return std::accumulate(handshakes_.begin(), handshakes_.end(), uint64_t{0});
}

std::string AxiChecker::report() const {
  std::string text = port_ + ": " + std::to_string(handshakes()) + " handshakes (";
  for (int c = 0; c < kAxiChannels; ++c) {
    text += (c ? ", " : "") + std::string(kChannelNames[c]) + " " + std::to_string(handshakes_[c]);
  }
  return text + "), " + std::to_string(violations_) + " violations";
}

void AxiChecker::violate(AxiRule rule, const std::string& what) {
  ++violations_;
  if (first_.size() >= kReportedViolations) return;
  first_.push_back(
      {rule, cycle_,
       port_ + ", cycle " + std::to_string(cycle_) + ": " + axi_rule_name(rule) + ": " + what});
}

void AxiChecker::forget() {
  reads_.clear();
  writes_.clear();
  data_.clear();
  data_beats_ = 0;
  waits_.fill(0);
  read_silence_ = response_silence_ = data_silence_ = address_silence_ = 0;
  previous_ = AxiSample();
}

void AxiChecker::sample(const AxiSample& s) {
  // A VALID that rises with the first edge out of reset is seen at the second.
  if (!s.reset_n || was_reset_) check_reset(s);
  was_reset_ = !s.reset_n;
  if (!s.reset_n) {
    forget();
    ++cycle_;
    return;
  }
  check_held(s);
  if (is_offered(s.ar, previous_.ar)) check_address("AR", s.ar);
  if (is_offered(s.aw, previous_.aw)) check_address("AW", s.aw);
  if (is_offered(s.w, previous_.w)) check_write_data(s.w);
  // A response answers what was taken at an earlier edge: it is judged before this edge's requests
  // are added.
  if (is_offered(s.r, previous_.r)) check_read_data(s.r);
  if (is_offered(s.b, previous_.b)) check_response(s.b);
  take(s);
  check_time(s);
  previous_ = s;
  ++cycle_;
}

void AxiChecker::check_reset(const AxiSample& s) {
  const bool valid[kAxiChannels] = {s.ar.valid, s.r.valid, s.aw.valid, s.w.valid, s.b.valid};
  for (int c = 0; c < kAxiChannels; ++c) {
    if (valid[c]) violate(AxiRule::kValidInReset, std::string(kChannelNames[c]) + "VALID is high");
  }
}

void AxiChecker::check_held(const AxiSample& s) {
  const auto held = [&](AxiChannel channel, const auto& now, const auto& before) {
    if (!before.valid || before.ready) return;
    const std::string name = kChannelNames[channel];
    if (!now.valid) {
      violate(AxiRule::kValidDropped, name + "VALID fell without " + name + "READY");
    } else if (!same(now, before)) {
      violate(AxiRule::kPayloadChanged, name + "'s payload changed before " + name + "READY");
    }
  };
  held(kAr, s.ar, previous_.ar);
  held(kR, s.r, previous_.r);
  held(kAw, s.aw, previous_.aw);
  held(kW, s.w, previous_.w);
  held(kB, s.b, previous_.b);
}

void AxiChecker::check_address(const char* channel, const AxiSample::Address& a) {
  const std::string what = std::string(channel) + " " + describe(a);
  const uint64_t addresses = uint64_t{1} << limits_.address_bits;
  if (a.address >= addresses || a.id >= limits_.ids || a.length >= kAxi4Beats || a.size > 7 ||
      a.burst > kWrap || a.protection > 7 ||
      (limits_.lite && (a.length != 0 || a.burst != kIncr))) {
    violate(AxiRule::kValueRange, what);
    return;
  }
  const uint32_t beat = 1u << a.size;
  if (beat > limits_.data_bytes) {
    violate(AxiRule::kBurstSize, what);
    return;
  }
  const unsigned beats = a.length + 1;
  const bool wrap_length = beats == 2 || beats == 4 || beats == 8 || beats == 16;
  if ((a.burst == kWrap && (!wrap_length || a.address % beat != 0)) ||
      (a.burst == kFixed && beats > 16)) {
    violate(AxiRule::kBurstShape, what);
  }
  const uint64_t first = a.address - a.address % beat;
  if (a.burst == kIncr && first / kPage != (first + uint64_t{beat} * beats - 1) / kPage) {
    violate(AxiRule::kBoundary, what);
  }
  if (beats > limits_.max_beats) violate(AxiRule::kBurstLength, what);
  if (limits_.full_beats &&
      (a.burst != kIncr || beat != limits_.data_bytes || a.address % beat != 0)) {
    violate(AxiRule::kFullBeats, what);
  }
}

void AxiChecker::check_write_data(const AxiSample::WriteData& w) {
  if (w.strobe >> limits_.data_bytes != 0 || (limits_.lite && !w.last)) {
    violate(AxiRule::kValueRange, "W strobes " + hex(w.strobe) + (w.last ? ", last" : ""));
  }
  if (limits_.full_beats && w.strobe != (1u << limits_.data_bytes) - 1) {
    violate(AxiRule::kFullBeats, "W strobes " + hex(w.strobe));
  }
}

void AxiChecker::check_read_data(const AxiSample::ReadData& r) {
  const std::string what =
      "R id " + std::to_string(r.id) + ", response " + std::to_string(r.response);
  if (r.response > 3 || r.id >= limits_.ids || (limits_.lite && !r.last)) {
    violate(AxiRule::kValueRange, what);
    return;
  }
  if (r.response == kExOkay) violate(AxiRule::kResponseValue, what + " (EXOKAY)");
  if (reads_.empty()) {
    violate(AxiRule::kResponseWithoutRequest, what);
    return;
  }
  const auto read = std::find_if(reads_.begin(), reads_.end(),
                                 [&](const Read& request) { return request.id == r.id; });
  if (read == reads_.end()) {
    violate(AxiRule::kResponseId, what + ": no read of this id is outstanding");
  } else if (r.last != (read->beats_left == 1)) {
    violate(AxiRule::kReadLast, std::string("RLAST is ") + (r.last ? "1" : "0") + " with " +
                                    std::to_string(read->beats_left) + " beats left");
  }
}

void AxiChecker::check_response(const AxiSample::Response& b) {
  const std::string what =
      "B id " + std::to_string(b.id) + ", response " + std::to_string(b.response);
  if (b.response > 3 || b.id >= limits_.ids) {
    violate(AxiRule::kValueRange, what);
    return;
  }
  if (b.response == kExOkay) violate(AxiRule::kResponseValue, what + " (EXOKAY)");
  if (writes_.empty()) {
    violate(data_.empty() ? AxiRule::kResponseWithoutRequest : AxiRule::kResponseEarly, what);
    return;
  }
  const auto write = std::find_if(writes_.begin(), writes_.end(),
                                  [&](const Write& request) { return request.address.id == b.id; });
  if (write == writes_.end()) {
    violate(AxiRule::kResponseId, what + ": no write of this id is outstanding");
  } else if (!write->complete) {
    violate(AxiRule::kResponseEarly, what + " after " + std::to_string(write->beats_taken) +
                                         " of " + std::to_string(write->address.length + 1) +
                                         " beats");
  }
}

void AxiChecker::take(const AxiSample& s) {
  if (s.r.valid && s.r.ready) {
    ++handshakes_[kR];
    const auto read = std::find_if(reads_.begin(), reads_.end(),
                                   [&](const Read& request) { return request.id == s.r.id; });
    if (read != reads_.end() && --read->beats_left == 0) reads_.erase(read);
  }
  if (s.b.valid && s.b.ready) {
    ++handshakes_[kB];
    const auto write = std::find_if(writes_.begin(), writes_.end(), [&](const Write& request) {
      return request.address.id == s.b.id;
    });
    if (write != writes_.end()) writes_.erase(write);
  }
  if (s.ar.valid && s.ar.ready) {
    ++handshakes_[kAr];
    reads_.push_back({s.ar.id, s.ar.length + 1});
    if (limits_.max_reads != 0 && reads_.size() > limits_.max_reads) {
      violate(AxiRule::kOutstanding, std::to_string(reads_.size()) + " reads");
    }
  }
  if (s.aw.valid && s.aw.ready) {
    ++handshakes_[kAw];
    writes_.push_back({s.aw, 0, false});
    writes_.back().address.size &= 7;  // a size out of range was judged above
    if (limits_.max_writes != 0 && writes_.size() > limits_.max_writes) {
      violate(AxiRule::kOutstanding, std::to_string(writes_.size()) + " writes");
    }
  }
  if (s.w.valid && s.w.ready) {
    ++handshakes_[kW];
    data_.push_back({s.w.strobe, s.w.last});
    data_beats_ = s.w.last ? 0 : data_beats_ + 1;
    if (data_beats_ == kAxi4Beats) {
      violate(AxiRule::kWriteLast, std::to_string(kAxi4Beats) + " beats without WLAST");
    }
  }
  match_write_data();
}

// Write data come in the order of their addresses, before or after them.
void AxiChecker::match_write_data() {
  for (Write& write : writes_) {
    while (!write.complete && !data_.empty()) {
      const Beat beat = data_.front();
      data_.pop_front();
      const unsigned beats = write.address.length + 1;
      if (beat.last != (write.beats_taken + 1 == beats)) {
        violate(AxiRule::kWriteLast, std::string("WLAST is ") + (beat.last ? "1" : "0") +
                                         " in beat " + std::to_string(write.beats_taken + 1) +
                                         " of " + std::to_string(beats));
      }
      const uint32_t legal = legal_strobes(write);
      if ((beat.strobe & ~legal) != 0) {
        violate(AxiRule::kStrobe, "WSTRB " + hex(beat.strobe) + " in beat " +
                                      std::to_string(write.beats_taken + 1) +
                                      ", whose byte lanes are " + hex(legal));
      }
      write.complete = ++write.beats_taken == beats;
    }
    if (!write.complete) return;
  }
}

// Byte lanes of the write's next beat: those of its address, rounded down to the beat's size for
// all but the first beat (IHI 0022, A3.4.1).
uint32_t AxiChecker::legal_strobes(const Write& write) const {
  const AxiSample::Address& a = write.address;
  const uint32_t all = (1u << limits_.data_bytes) - 1;
  const uint32_t beat = 1u << a.size;
  if (limits_.lite || beat > limits_.data_bytes) return all;
  const uint32_t aligned = a.address - a.address % beat;
  uint32_t address = aligned;
  if (a.burst == kIncr) address = aligned + write.beats_taken * beat;
  if (a.burst == kWrap) {
    const uint32_t span = beat * (a.length + 1);
    const uint32_t low = a.address - a.address % span;
    address = low + (aligned - low + write.beats_taken * beat) % span;
  }
  uint32_t from = address % limits_.data_bytes;
  const uint32_t to = from + beat;
  if (write.beats_taken == 0 || a.burst == kFixed) from += a.address % beat;
  return ((1u << to) - 1) & ~((1u << from) - 1) & all;
}

void AxiChecker::check_time(const AxiSample& s) {
  const auto late = [&](bool waits, unsigned* cycles, const char* what) {
    *cycles = waits ? *cycles + 1 : 0;
    if (*cycles != limits_.timeout_cycles) return;
    violate(AxiRule::kTimeout,
            std::string(what) + " within " + std::to_string(limits_.timeout_cycles) + " cycles");
  };
  late(s.ar.valid && !s.ar.ready, &waits_[kAr], "no ARREADY");
  late(s.r.valid && !s.r.ready, &waits_[kR], "no RREADY");
  late(s.aw.valid && !s.aw.ready, &waits_[kAw], "no AWREADY");
  late(s.w.valid && !s.w.ready, &waits_[kW], "no WREADY");
  late(s.b.valid && !s.b.ready, &waits_[kB], "no BREADY");
  const bool has_complete = std::any_of(writes_.begin(), writes_.end(),
                                        [](const Write& write) { return write.complete; });
  const bool lacks_data = (!writes_.empty() && !writes_.back().complete) || s.aw.valid;
  late(!reads_.empty() && !s.r.valid, &read_silence_, "no RVALID");
  late(has_complete && !s.b.valid, &response_silence_, "no BVALID");
  late(lacks_data && data_.empty() && !s.w.valid, &data_silence_, "no WVALID");
  late(!data_.empty() && !s.aw.valid, &address_silence_, "no AWVALID");
}

void AxiChecker::finish() {
  if (!reads_.empty()) {
    violate(AxiRule::kUnanswered, std::to_string(reads_.size()) + " reads");
  }
  if (!writes_.empty() || !data_.empty()) {
    violate(AxiRule::kUnanswered, std::to_string(writes_.size()) + " writes, " +
                                      std::to_string(data_.size()) + " data beats without address");
  }
  if (previous_.ar.valid && !previous_.ar.ready) violate(AxiRule::kUnanswered, "ARVALID is high");
  if (previous_.aw.valid && !previous_.aw.ready) violate(AxiRule::kUnanswered, "AWVALID is high");
}

}  // namespace lutra::protocol
