#ifndef LUTRA_PROTOCOL_AXI_CHECKER_H_
#define LUTRA_PROTOCOL_AXI_CHECKER_H_

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace lutra::protocol {

/// Channels of an AXI port.
enum AxiChannel { kAr, kR, kAw, kW, kB };
constexpr int kAxiChannels = 5;

/// What can be wrong. The first group are rules of AMBA AXI4 and AXI4-Lite (IHI 0022, issue F), the
/// second what one port promises beyond them (AxiLimits).
enum class AxiRule {
  kValueRange,              ///< a value with bits outside its port, a reserved burst or response
  kValidInReset,            ///< VALID before the first rising edge after reset (A3.1.2)
  kValidDropped,            ///< VALID fell before READY (A3.2.1)
  kPayloadChanged,          ///< the payload changed before READY (A3.2.1)
  kBurstSize,               ///< beats wider than the bus (A3.4.1)
  kBurstShape,              ///< a WRAP or FIXED burst of an illegal length or alignment (A3.4.1)
  kBoundary,                ///< a burst crosses a 4 KiB boundary (A3.4.1)
  kWriteLast,               ///< WLAST not exactly on the last beat (A3.2.2)
  kStrobe,                  ///< WSTRB on a byte lane that the beat does not hold (A3.4.3)
  kReadLast,                ///< RLAST not exactly on the last beat (A3.2.2)
  kResponseWithoutRequest,  ///< R or B while nothing is outstanding (A3.3.1)
  kResponseEarly,           ///< B before the burst's address or last data was taken (A3.3.1)
  kResponseId,              ///< R or B of an ID that has nothing outstanding (A5.3)
  kResponseValue,           ///< EXOKAY without an exclusive access (A3.4.4)
  kTimeout,                 ///< no READY, no data or no response within the limit
  kUnanswered,              ///< a request without its whole response at the end
  kBurstLength,             ///< more beats than the port promises
  kFullBeats,               ///< not an aligned INCR burst of full-width beats with all strobes
  kOutstanding,             ///< more bursts at once than the port promises
};
constexpr int kAxiRules = static_cast<int>(AxiRule::kOutstanding) + 1;

/// The name of a rule, for messages: "valid-in-reset".
const char* axi_rule_name(AxiRule rule);

/// Shape of a port and what it promises.
struct AxiLimits {
  bool lite = false;  ///< AXI4-Lite: no bursts, one ID
  unsigned address_bits = 32;
  unsigned data_bytes = 16;           ///< a power of two, at most 16
  unsigned ids = 16;                  ///< IDs are below this
  unsigned max_beats = 256;           ///< of a burst
  bool full_beats = false;            ///< aligned INCR bursts of full-width beats, all strobes set
  unsigned max_reads = 0;             ///< bursts outstanding; 0: any number
  unsigned max_writes = 0;            ///< bursts outstanding; 0: any number
  unsigned timeout_cycles = 1 << 14;  ///< for a READY, the next data beat, a response
};

/// The accelerator's two ports as docs/accelerator.md describes them.
AxiLimits accelerator_memory_port();
AxiLimits accelerator_register_port();

/// The signals of a port just before a rising clock edge. AXI4-Lite leaves id 0, length 0, burst 1,
/// and calls each beat the last; size is log2 of its data bytes.
struct AxiSample {
  struct Address {
    bool valid = false, ready = false;
    uint32_t id = 0, address = 0, length = 0, size = 0, burst = 1, protection = 0;
  };
  struct WriteData {
    bool valid = false, ready = false;
    std::array<uint32_t, 4> data{};
    uint32_t strobe = 0;
    bool last = true;
  };
  struct ReadData {
    bool valid = false, ready = false;
    uint32_t id = 0;
    std::array<uint32_t, 4> data{};
    uint32_t response = 0;
    bool last = true;
  };
  struct Response {
    bool valid = false, ready = false;
    uint32_t id = 0, response = 0;
  };
  bool reset_n = false;
  Address ar, aw;
  ReadData r;
  WriteData w;
  Response b;
};

/// Checks one AXI4 or AXI4-Lite port, manager and subordinate, in any simulation: hand it the
/// port's signals once a rising edge. Reset ends all that is outstanding.
class AxiChecker {
 public:
  struct Violation {
    AxiRule rule;
    uint64_t cycle;    ///< samples before this one
    std::string text;  ///< port, cycle, rule, what was found
  };

  /// @param port  its name in messages
  AxiChecker(std::string port, const AxiLimits& limits);

  void sample(const AxiSample& sample);
  /// At the end of a run that should leave nothing outstanding.
  void finish();

  uint64_t handshakes() const;
  uint64_t handshakes(AxiChannel channel) const { return handshakes_[channel]; }
  uint64_t violations() const { return violations_; }
  /// The first few.
  const std::vector<Violation>& first_violations() const { return first_; }
  /// One line: "m_axi: 265 handshakes (AR 1, R 64, AW 3, W 194, B 3), 0 violations".
  std::string report() const;

 private:
  struct Read {
    uint32_t id;
    unsigned beats_left;
  };
  struct Write {
    AxiSample::Address address;
    unsigned beats_taken;
    bool complete;  ///< all its data were taken
  };
  struct Beat {
    uint32_t strobe;
    bool last;
  };

  void violate(AxiRule rule, const std::string& what);
  void check_reset(const AxiSample& s);
  void check_held(const AxiSample& s);
  void check_address(const char* channel, const AxiSample::Address& a);
  void check_read_data(const AxiSample::ReadData& r);
  void check_write_data(const AxiSample::WriteData& w);
  void check_response(const AxiSample::Response& b);
  void take(const AxiSample& s);
  void match_write_data();
  void check_time(const AxiSample& s);
  void forget();
  uint32_t legal_strobes(const Write& write) const;

  std::string port_;
  AxiLimits limits_;
  uint64_t cycle_ = 0;
  uint64_t violations_ = 0;
  std::vector<Violation> first_;
  std::array<uint64_t, kAxiChannels> handshakes_{};

  bool was_reset_ = true;
  AxiSample previous_;
  std::deque<Read> reads_;
  std::deque<Write> writes_;
  std::deque<Beat> data_;                       ///< beats taken whose address was not
  unsigned data_beats_ = 0;                     ///< of these, since the last WLAST
  std::array<unsigned, kAxiChannels> waits_{};  ///< cycles of VALID without READY
  unsigned read_silence_ = 0, response_silence_ = 0, data_silence_ = 0, address_silence_ = 0;
};

}  // namespace lutra::protocol

#endif  // LUTRA_PROTOCOL_AXI_CHECKER_H_
