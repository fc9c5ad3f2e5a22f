#include "lutra/component/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "lutra/base/error.h"
#include "lutra/component/energy_meter.h"

namespace lutra::synth {
namespace {

constexpr int kLanes = NetlistSimulator::kLanes;

/// The input ports that a net depends on through combinational cells.
void add_sources(const Netlist& netlist, int net, std::vector<char>* seen,
                 std::set<std::string>* ports) {
  std::vector<int> waiting = {net};
  while (!waiting.empty()) {
    const int next = waiting.back();
    waiting.pop_back();
    if ((*seen)[next]) continue;
    (*seen)[next] = 1;
    for (const NetlistPort& port : netlist.ports()) {
      if (!port.is_input) continue;
      if (std::find(port.nets.begin(), port.nets.end(), next) != port.nets.end()) {
        ports->insert(port.name);
      }
    }
    for (const NetlistCell& cell : netlist.cells()) {
      const std::vector<LibertyPin>& pins = cell.type->pins;
      const auto drives = [&](std::size_t p) {
        return pins[p].direction == LibertyPin::Direction::kOutput && cell.nets[p] == next;
      };
      bool driver = false;
      for (std::size_t p = 0; p < pins.size(); ++p) driver |= drives(p);
      if (!driver || cell.type->flip_flop.has_value()) continue;
      for (std::size_t p = 0; p < pins.size(); ++p) {
        if (pins[p].direction == LibertyPin::Direction::kInput) waiting.push_back(cell.nets[p]);
      }
    }
  }
}

}  // namespace

std::string find_clock(const Netlist& netlist, const MultiplierSource& source,
                       const std::string& where) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: module {}: {}", where, netlist.name(), what));
  };
  if (!source.clock.empty()) {
    const NetlistPort& port = netlist.port(source.clock);
    if (!port.is_input || port.width() != 1) {
      fail(fmt::format("clock {}, expected an input of one bit", source.clock));
    }
    return source.clock;
  }
  std::set<std::string> found;
  std::vector<char> seen(netlist.net_count(), 0);
  for (const NetlistCell& cell : netlist.cells()) {
    if (!cell.type->flip_flop.has_value()) continue;
    for (const std::string& name : cell.type->flip_flop->clocked_on.names()) {
      for (std::size_t p = 0; p < cell.nets.size(); ++p) {
        if (cell.type->pins[p].name == name) add_sources(netlist, cell.nets[p], &seen, &found);
      }
    }
  }
  for (const HeldPort& held : source.held) found.erase(held.name);
  if (found.size() == 1 && netlist.port(*found.begin()).width() == 1) return *found.begin();
  std::string names;
  for (const std::string& name : found) names += (names.empty() ? "" : ", ") + name;
  fail(fmt::format("its flip-flops are clocked by {}, expected one input of one bit",
                   names.empty() ? "no input" : names));
  return "";
}

Pipeline::Pipeline(const Netlist& netlist, const MultiplierSource& source)
    : netlist_(netlist),
      source_(source),
      a_(&netlist.port(source.ports[0])),
      b_(&netlist.port(source.ports[1])),
      p_(&netlist.port(source.ports[2])),
      clock_(&netlist.port(source.clock)) {
  widths_ = {a_->width(), b_->width()};
}

NetlistSimulator Pipeline::simulator() const {
  NetlistSimulator simulator(netlist_);
  for (const HeldPort& held : source_.held) {
    simulator.set_input_all(netlist_.port(held.name), static_cast<std::uint64_t>(held.value));
  }
  return simulator;
}

void Pipeline::check_latency(std::uint64_t seed, const std::string& where) const {
  constexpr int kCycles = 16;
  const std::vector<OperandPair> pairs =
      uniform_operands(std::size_t{kCycles} * kLanes, seed, widths_, false);
  NetlistSimulator pipeline = simulator();
  const auto set = [&](int cycle) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const OperandPair& pair = pairs[(cycle % kCycles) * kLanes + lane];
      pipeline.set_input(*a_, lane, static_cast<std::uint32_t>(pair.a));
      pipeline.set_input(*b_, lane, static_cast<std::uint32_t>(pair.b));
    }
  };
  const auto products = [&] {
    std::vector<std::uint64_t> values(kLanes);
    for (int lane = 0; lane < kLanes; ++lane) values[lane] = pipeline.value(*p_, lane);
    return values;
  };
  std::vector<std::vector<std::uint64_t>> held;
  for (int cycle = 0; cycle < kCycles; ++cycle) {
    set(cycle);
    for (int edge = 0; edge < kMaxLatency; ++edge) pipeline.step(*clock_);
    held.push_back(products());
  }
  // After edge e, the pair of cycle e - latency + 1.
  std::vector<char> possible(kMaxLatency + 1, 1);
  for (int edge = 0; edge < kCycles + kMaxLatency; ++edge) {
    set(edge);
    pipeline.step(*clock_);
    const std::vector<std::uint64_t> now = products();
    for (int latency = 1; latency <= kMaxLatency; ++latency) {
      const int cycle = edge - latency + 1;
      if (cycle >= 0 && cycle < kCycles && now != held[cycle]) possible[latency] = 0;
    }
  }
  if (possible[source_.latency]) return;
  const auto found = std::find(possible.begin() + 1, possible.end(), 1);
  if (found == possible.end()) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: module {}: no latency up to {} cycles gives the products of "
                            "operands that follow each other: expected a pipeline that takes "
                            "operands in every cycle",
                            where, netlist_.name(), kMaxLatency));
  }
  throw Error(ErrorKind::kInvalidArgument,
              fmt::format("{}: module {}: latency {} given, but its products follow their operands "
                          "by {} cycles of {}",
                          where, netlist_.name(), source_.latency, found - possible.begin(),
                          source_.clock));
}

std::vector<std::uint32_t> Pipeline::products(const std::vector<PatternPair>& pairs) const {
  NetlistSimulator pipeline = simulator();
  std::vector<std::uint32_t> result;
  const std::size_t delay = static_cast<std::size_t>(source_.latency - 1) * kLanes;
  for (std::size_t from = 0; from < pairs.size() + delay; from += kLanes) {
    for (int lane = 0; lane < kLanes && from + lane < pairs.size(); ++lane) {
      pipeline.set_input(*a_, lane, pairs[from + lane].a);
      pipeline.set_input(*b_, lane, pairs[from + lane].b);
    }
    pipeline.step(*clock_);
    for (int lane = 0; lane < kLanes; ++lane) {
      if (from < delay || from - delay + lane >= pairs.size()) break;
      result.push_back(static_cast<std::uint32_t>(pipeline.value(*p_, lane)));
    }
  }
  return result;
}

Pipeline::Pass::Pass(const Pipeline& pipeline, bool commuting)
    : pipeline_(pipeline),
      commuting_(commuting && pipeline.widths_.equal()),
      simulator_(pipeline.simulator()),
      lane_bits_(9) {
  for (int lane = 0; lane < kLanes; ++lane) {
    for (std::size_t bit = 0; bit < lane_bits_.size(); ++bit) {
      lane_bits_[bit].words[lane / 64] |= static_cast<std::uint64_t>(lane >> bit & 1)
                                          << (lane % 64);
    }
  }
}

/// Bits shift .. of the pair numbers of a block.
void Pipeline::Pass::set_operand(const NetlistPort& port, int shift, std::uint64_t first) {
  for (int i = 0; i < port.width(); ++i) {
    const std::size_t bit = static_cast<std::size_t>(shift + i);
    LaneBlock lanes;
    if (bit < lane_bits_.size()) {
      lanes = lane_bits_[bit];
    } else {
      lanes.words.fill((first >> bit & 1) != 0 ? ~0ULL : 0);
    }
    simulator_.set_input_lanes(port, i, lanes);
  }
}

void Pipeline::Pass::stream(std::uint64_t first, std::uint64_t count, bool swapped,
                            const std::function<void(const ProductBlock&)>& sink) {
  alignas(64) std::uint32_t rows[32][16] = {};
  const std::vector<int>& nets = pipeline_.p_->nets;
  const std::uint64_t delay = static_cast<std::uint64_t>(pipeline_.source_.latency - 1) * kLanes;
  for (std::uint64_t at = first; at < first + count + delay; at += kLanes) {
    set_operand(swapped ? *pipeline_.a_ : *pipeline_.b_, 0, at);
    set_operand(swapped ? *pipeline_.b_ : *pipeline_.a_, pipeline_.widths_.b, at);
    simulator_.step(*pipeline_.clock_);
    if (at < first + delay) continue;
    for (std::size_t i = 0; i < nets.size(); ++i) {
      std::memcpy(rows[i], &simulator_.net(nets[i]), sizeof(LaneBlock));
    }
    std::fill(&rows[0][0] + 16 * nets.size(), &rows[0][0] + 16 * 32, 0u);
    transpose_planes(simd_level(), rows);
    ProductBlock block;
    block.first = at - delay;
    block.count = static_cast<int>(std::min<std::uint64_t>(kLanes, first + count - block.first));
    block.products = rows;
    sink(block);
  }
}

void Pipeline::Pass::run(std::uint64_t first, std::uint64_t count,
                         const std::function<void(const ProductBlock&)>& sink) {
  std::vector<std::uint32_t> straight;
  stream(first, count, false, [&](const ProductBlock& block) {
    sink(block);
    if (!commuting_) return;
    for (int lane = 0; lane < block.count; ++lane) straight.push_back(block.product(lane));
  });
  if (!commuting_) return;
  const std::uint64_t mask = (std::uint64_t{1} << pipeline_.widths_.b) - 1;
  stream(first, count, true, [&](const ProductBlock& block) {
    for (int lane = 0; lane < block.count; ++lane) {
      const std::uint64_t pair = block.first + lane;
      noncommuting_ += (pair & mask) > (pair >> pipeline_.widths_.b) &&
                       block.product(lane) != straight[pair - first];
    }
  });
}

}  // namespace lutra::synth
