#include "lutra/netlist/netlist_simulator.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <type_traits>
#include <utility>

#include "lutra/base/error.h"

// One clone of the activity count a SIMD level, chosen when the program is loaded. Sanitizers run
// before that choice can be made.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define LUTRA_SIMD_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define LUTRA_SIMD_CLONES
#endif

namespace lutra::synth {
namespace {

constexpr int kWords = LaneBlock::kWords;

inline LaneBlock operator~(const LaneBlock& a) {
  LaneBlock r;
  for (int w = 0; w < kWords; ++w) r.words[w] = ~a.words[w];
  return r;
}
inline LaneBlock operator&(const LaneBlock& a, const LaneBlock& b) {
  LaneBlock r;
  for (int w = 0; w < kWords; ++w) r.words[w] = a.words[w] & b.words[w];
  return r;
}
inline LaneBlock operator|(const LaneBlock& a, const LaneBlock& b) {
  LaneBlock r;
  for (int w = 0; w < kWords; ++w) r.words[w] = a.words[w] | b.words[w];
  return r;
}
inline LaneBlock operator^(const LaneBlock& a, const LaneBlock& b) {
  LaneBlock r;
  for (int w = 0; w < kWords; ++w) r.words[w] = a.words[w] ^ b.words[w];
  return r;
}

inline std::uint64_t count(const LaneBlock& block) {
  std::uint64_t bits = 0;
  for (int w = 0; w < kWords; ++w) {
    bits += static_cast<std::uint64_t>(__builtin_popcountll(block.words[w]));
  }
  return bits;
}
inline std::uint64_t count(std::uint64_t lanes) {
  return static_cast<std::uint64_t>(__builtin_popcountll(lanes));
}

inline bool is_empty(const LaneBlock& block) {
  std::uint64_t all = 0;
  for (int w = 0; w < kWords; ++w) all |= block.words[w];
  return all == 0;
}
inline bool is_empty(std::uint64_t lanes) { return lanes == 0; }

/// All lanes of a block, or the first 64.
template <typename Value>
inline Value lanes_of(const LaneBlock& block) {
  if constexpr (std::is_same_v<Value, LaneBlock>) {
    return block;
  } else {
    return block.words[0];
  }
}

/// A condition where nets have these values: of 512 lanes, or of 64.
/// @param nets  nets(net) is a net's Value
template <typename Value, typename Node, typename Nets>
inline Value evaluate(const std::vector<Node>& condition, const Nets& nets,
                      std::vector<Value>* scratch) {
  using Op = BooleanExpression::Op;
  std::vector<Value>& values = *scratch;
  values.resize(std::max(values.size(), condition.size()));
  for (std::size_t i = 0; i < condition.size(); ++i) {
    const Node& node = condition[i];
    switch (node.op) {
      case Op::kConstant:
      case Op::kName:
        values[i] = nets(node.net);
        break;
      case Op::kNot:
        values[i] = ~values[node.left];
        break;
      case Op::kAnd:
        values[i] = values[node.left] & values[node.right];
        break;
      case Op::kOr:
        values[i] = values[node.left] | values[node.right];
        break;
      case Op::kXor:
        values[i] = values[node.left] ^ values[node.right];
        break;
    }
  }
  return values[condition.size() - 1];
}

LaneBlock first_lanes(int lanes) {
  LaneBlock mask;
  for (int lane = 0; lane < lanes; ++lane) mask.words[lane / 64] |= 1ULL << (lane % 64);
  return mask;
}

}  // namespace

// --- NetlistSimulator ---------------------------------------------------------------------------

NetlistSimulator::NetlistSimulator(const Netlist& netlist) : netlist_(netlist) {
  const int nets = netlist.net_count();
  BitProgramBuilder compiler(nets);
  for (const NetlistPort& port : netlist.ports()) {
    if (port.is_input) input_nets_.insert(input_nets_.end(), port.nets.begin(), port.nets.end());
  }

  // States first, so that functions can name them.
  std::map<std::size_t, std::size_t> flip_flop_of_cell;
  for (std::size_t c = 0; c < netlist.cells().size(); ++c) {
    if (!netlist.cells()[c].type->flip_flop.has_value()) continue;
    const LibertyFlipFlop& type = *netlist.cells()[c].type->flip_flop;
    FlipFlop ff;
    for (int* slot : {&ff.state, &ff.inverted, &ff.next, &ff.clock, &ff.clear, &ff.preset}) {
      *slot = compiler.new_slot();
    }
    ff.has_clear = type.clear.has_value();
    ff.has_preset = type.preset.has_value();
    ff.both_state = type.both_state;
    ff.both_inverted = type.both_inverted_state;
    flip_flop_of_cell[c] = flip_flops_.size();
    flip_flops_.push_back(ff);
  }
  const auto slot_lookup = [&](std::size_t c) {
    return [this, c, &flip_flop_of_cell](const std::string& name) {
      const NetlistCell& cell = netlist_.cells()[c];
      if (cell.type->flip_flop.has_value()) {
        const FlipFlop& ff = flip_flops_[flip_flop_of_cell.at(c)];
        if (name == cell.type->flip_flop->state) return ff.state;
        if (name == cell.type->flip_flop->inverted_state) return ff.inverted;
      }
      for (std::size_t p = 0; p < cell.nets.size(); ++p) {
        if (cell.type->pins[p].name == name) return cell.nets[p];
      }
      throw Error(ErrorKind::kInternal, fmt::format("cell {}: unknown name {}", cell.name, name));
    };
  };

  // Levelise: a node is one output of one cell; it waits for the nets in its function.
  struct Node {
    std::size_t cell, pin;
    int waiting = 0;
  };
  std::vector<Node> nodes;
  std::vector<std::vector<int>> readers(nets);
  std::vector<char> known(nets, 0);
  known[Netlist::kZero] = known[Netlist::kOne] = 1;
  for (const int net : input_nets_) known[net] = 1;
  std::vector<int> node_of_net(nets, -1);
  for (std::size_t c = 0; c < netlist.cells().size(); ++c) {
    const NetlistCell& cell = netlist.cells()[c];
    for (std::size_t p = 0; p < cell.nets.size(); ++p) {
      if (cell.type->pins[p].direction != LibertyPin::Direction::kOutput) continue;
      if (!cell.type->pins[p].function.has_value()) {
        throw Error(
            ErrorKind::kUnimplemented,
            fmt::format("{}: cell {} ({}): the Liberty file gives no function for pin {}",
                        netlist.name(), cell.name, cell.type->name, cell.type->pins[p].name));
      }
      node_of_net[cell.nets[p]] = static_cast<int>(nodes.size());
      nodes.push_back({c, p, 0});
    }
  }
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    const auto slot_of = slot_lookup(nodes[n].cell);
    const LibertyPin& pin = netlist.cells()[nodes[n].cell].type->pins[nodes[n].pin];
    for (const std::string& name : pin.function->names()) {
      const int slot = slot_of(name);
      if (slot >= nets || known[slot]) continue;
      readers[slot].push_back(static_cast<int>(n));
      ++nodes[n].waiting;
    }
  }
  std::vector<int> ready;
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    if (nodes[n].waiting == 0) ready.push_back(static_cast<int>(n));
  }
  for (std::size_t i = 0; i < ready.size(); ++i) {
    const Node& node = nodes[ready[i]];
    const NetlistCell& cell = netlist.cells()[node.cell];
    const int target = cell.nets[node.pin];
    compiler.append(*cell.type->pins[node.pin].function, slot_lookup(node.cell), target,
                    &combinational_);
    for (const int reader : readers[target]) {
      if (--nodes[reader].waiting == 0) ready.push_back(reader);
    }
  }
  if (ready.size() != nodes.size()) {
    // Walk backwards among the nodes that never became ready until one comes round again.
    std::size_t n = 0;
    while (nodes[n].waiting == 0) ++n;
    std::vector<int> path;
    std::vector<char> seen(nodes.size(), 0);
    while (!seen[n]) {
      seen[n] = 1;
      path.push_back(static_cast<int>(n));
      const auto slot_of = slot_lookup(nodes[n].cell);
      const LibertyPin& pin = netlist.cells()[nodes[n].cell].type->pins[nodes[n].pin];
      for (const std::string& name : pin.function->names()) {
        const int slot = slot_of(name);
        if (slot < nets && node_of_net[slot] >= 0 && nodes[node_of_net[slot]].waiting > 0) {
          n = static_cast<std::size_t>(node_of_net[slot]);
          break;
        }
      }
    }
    const auto start = std::find(path.begin(), path.end(), static_cast<int>(n));
    std::string names;
    std::string where;
    int shown = 0;
    for (auto it = start; it != path.end(); ++it, ++shown) {
      const Node& node = nodes[*it];
      const int net = netlist.cells()[node.cell].nets[node.pin];
      if (where.empty()) where = netlist.net_source(net);
      if (shown < 8) names += (names.empty() ? "" : " <- ") + netlist.net_name(net);
    }
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: combinational loop through {} cells: {}",
                            where.empty() ? netlist.name() : where, path.end() - start, names));
  }

  for (const auto& [c, index] : flip_flop_of_cell) {
    const LibertyFlipFlop& type = *netlist.cells()[c].type->flip_flop;
    const FlipFlop& ff = flip_flops_[index];
    const auto slot_of = slot_lookup(c);
    compiler.append(type.next_state, slot_of, ff.next, &next_state_);
    compiler.append(type.clocked_on, slot_of, ff.clock, &control_);
    if (ff.has_clear) compiler.append(*type.clear, slot_of, ff.clear, &control_);
    if (ff.has_preset) compiler.append(*type.preset, slot_of, ff.preset, &control_);
  }

  slots_.resize(compiler.slot_count());
  pending_.resize(nets);
  before_.resize(nets);
  last_lane_.assign(nets, 0);
  reset();
}

void NetlistSimulator::set_input(const NetlistPort& port, int lane, std::uint64_t value) {
  const std::uint64_t mask = 1ULL << (lane % 64);
  const int bits = std::min(port.width(), 64);
  for (int i = 0; i < bits; ++i) {
    std::uint64_t& word = pending_[port.nets[i]].words[lane / 64];
    word = ((value >> i) & 1) != 0 ? word | mask : word & ~mask;
  }
}

void NetlistSimulator::set_input_all(const NetlistPort& port, std::uint64_t value) {
  const int bits = std::min(port.width(), 64);
  for (int i = 0; i < bits; ++i) {
    pending_[port.nets[i]].words.fill(((value >> i) & 1) != 0 ? ~0ULL : 0ULL);
  }
}

void NetlistSimulator::set_input_bit(const NetlistPort& port, int bit, int lane, bool value) {
  const std::uint64_t mask = 1ULL << (lane % 64);
  std::uint64_t& word = pending_[port.nets[bit]].words[lane / 64];
  word = value ? word | mask : word & ~mask;
}

void NetlistSimulator::set_input_lanes(const NetlistPort& port, int bit, const LaneBlock& lanes) {
  pending_[port.nets[bit]] = lanes;
}

std::uint64_t NetlistSimulator::value(const NetlistPort& port, int lane) const {
  std::uint64_t value = 0;
  const int bits = std::min(port.width(), 64);
  for (int i = 0; i < bits; ++i) value |= std::uint64_t{value_bit(port, i, lane)} << i;
  return value;
}

bool NetlistSimulator::value_bit(const NetlistPort& port, int bit, int lane) const {
  return (slots_[port.nets[bit]].words[lane / 64] >> (lane % 64)) & 1;
}

void NetlistSimulator::settle_states() {
  // Each round can at most trigger further flip-flops that are clocked or reset by others.
  for (std::size_t round = 0;; ++round) {
    run_program<1>(level_, combinational_, slots_.data());
    if (flip_flops_.empty()) return;
    run_program<1>(level_, control_, slots_.data());
    bool changed = false;
    for (FlipFlop& ff : flip_flops_) {
      LaneBlock& state = slots_[ff.state];
      LaneBlock& inverted = slots_[ff.inverted];
      for (int w = 0; w < kWords; ++w) {
        const std::uint64_t clock = slots_[ff.clock].words[w];
        const std::uint64_t edge = clock & ~ff.clock_before.words[w];
        ff.clock_before.words[w] = clock;
        const std::uint64_t clear = ff.has_clear ? slots_[ff.clear].words[w] : 0;
        const std::uint64_t preset = ff.has_preset ? slots_[ff.preset].words[w] : 0;
        const std::uint64_t both = clear & preset;
        std::uint64_t next = (state.words[w] & ~edge) | (slots_[ff.next].words[w] & edge);
        next = (next & ~clear) | preset;
        std::uint64_t opposite = ~next;
        next = (next & ~both) | (ff.both_state ? both : 0);
        opposite = (opposite & ~both) | (ff.both_inverted ? both : 0);
        changed |= next != state.words[w] || opposite != inverted.words[w];
        state.words[w] = next;
        inverted.words[w] = opposite;
      }
    }
    if (!changed) return;
    if (round > 2 * flip_flops_.size() + 2) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: flip-flops that clock or reset each other do not settle",
                              netlist_.name()));
    }
  }
}

void NetlistSimulator::settle() {
  if (!flip_flops_.empty()) run_program<1>(level_, next_state_, slots_.data());
  if (!counted_.empty()) std::copy_n(slots_.begin(), before_.size(), before_.begin());
  for (const int net : input_nets_) slots_[net] = pending_[net];
  settle_states();
  for (const CountedLanes& group : counted_) {
    group.activity->add(before_.data(), slots_.data(), group.lanes);
  }
}

void NetlistSimulator::step(const NetlistPort& clock) {
  settle();
  tick(clock);
}

void NetlistSimulator::tick(const NetlistPort& clock) {
  set_input_all(clock, 1);
  settle();
  set_input_all(clock, 0);
  settle();
}

void NetlistSimulator::settle_sequence(int operations) {
  if (!flip_flops_.empty() || operations < 1 || operations > kLanes || counted_.size() > 1) {
    throw Error(
        ErrorKind::kInternal,
        "settle_sequence needs a combinational netlist, 1..512 operations, and one activity "
        "at most");
  }
  for (const int net : input_nets_) slots_[net] = pending_[net];
  run_program<1>(level_, combinational_, slots_.data());
  if (!counted_.empty()) {
    for (std::size_t net = 0; net < before_.size(); ++net) {
      const LaneBlock& now = slots_[net];
      std::uint64_t carry = static_cast<std::uint64_t>(last_lane_[net]);
      for (int w = 0; w < kWords; ++w) {
        before_[net].words[w] = now.words[w] << 1 | carry;
        carry = now.words[w] >> 63;
      }
    }
    LaneBlock mask = first_lanes(operations);
    if (!sequence_started_) mask.words[0] &= ~1ULL;
    counted_[0].activity->add(before_.data(), slots_.data(), mask);
  }
  const int last = operations - 1;
  for (std::size_t net = 0; net < last_lane_.size(); ++net) {
    last_lane_[net] = static_cast<char>((slots_[net].words[last / 64] >> (last % 64)) & 1);
  }
  sequence_started_ = true;
}

void NetlistSimulator::reset() {
  for (LaneBlock& block : slots_) block = LaneBlock{};
  for (LaneBlock& block : pending_) block = LaneBlock{};
  slots_[Netlist::kOne].words.fill(~0ULL);
  for (FlipFlop& ff : flip_flops_) slots_[ff.inverted].words.fill(~0ULL);
  // The clocks as they stand now are no edges.
  run_program<1>(level_, combinational_, slots_.data());
  run_program<1>(level_, control_, slots_.data());
  for (FlipFlop& ff : flip_flops_) ff.clock_before = slots_[ff.clock];
  settle_states();
  sequence_started_ = false;
}

void NetlistSimulator::count_activity(SwitchingActivity* activity, int lanes) {
  if (lanes < 1 || lanes > kLanes) {
    throw Error(ErrorKind::kInternal, fmt::format("{} lanes, expected 1..{}", lanes, kLanes));
  }
  counted_.clear();
  if (activity != nullptr) counted_.push_back({activity, first_lanes(lanes)});
}

// --- SwitchingActivity --------------------------------------------------------------------------

SwitchingActivity::SwitchingActivity(const Netlist& netlist, const Liberty& liberty,
                                     double input_slew_ns)
    : voltage_v_(liberty.voltage_v()), load_ff_(netlist.net_load_ff()) {
  net_rises_.assign(netlist.net_count(), 0);
  net_falls_.assign(netlist.net_count(), 0);
  input_net_.assign(netlist.net_count(), 0);
  pins_of_net_.resize(netlist.net_count());
  for (const NetlistPort& port : netlist.ports()) {
    for (const int net : port.nets) {
      if (port.is_input) input_net_[net] = 1;
    }
  }
  for (const NetlistCell& cell : netlist.cells()) {
    const auto net_of = [&](const std::string& name) {
      for (std::size_t p = 0; p < cell.nets.size(); ++p) {
        const LibertyPin& pin = cell.type->pins[p];
        if (pin.name == name) return cell.nets[p];
      }
      // A state variable: the output that shows it.
      for (std::size_t p = 0; p < cell.nets.size(); ++p) {
        const LibertyPin& pin = cell.type->pins[p];
        if (pin.function.has_value() && pin.function->nodes.size() == 1 &&
            pin.function->nodes[0].name == name) {
          return cell.nets[p];
        }
      }
      throw Error(ErrorKind::kUnimplemented,
                  fmt::format("cell {}: a power condition names {}, which no output shows",
                              cell.type->name, name));
    };
    const auto condition = [&](const BooleanExpression& expression) {
      std::vector<WhenNode> nodes;
      for (const BooleanExpression::Node& node : expression.nodes) {
        int net = node.value ? Netlist::kOne : Netlist::kZero;
        if (node.op == BooleanExpression::Op::kName) net = net_of(node.name);
        nodes.push_back({node.op, node.left, node.right, net});
      }
      return nodes;
    };
    if (cell.type->supply_leakage.empty()) constant_leakage_nw_ += cell.type->leakage_nw;
    for (const SupplyLeakage& supply : cell.type->supply_leakage) {
      Leakage leakage;
      leakage.base_nw = supply.otherwise_nw;
      for (const StateLeakage& state : supply.states) {
        leakage.state_nw.push_back(state.leakage_nw);
        leakage.when.push_back(condition(state.when));
      }
      leakage.counts.assign(leakage.when.size(), 0);
      leakage_.push_back(std::move(leakage));
    }
    for (std::size_t p = 0; p < cell.nets.size(); ++p) {
      const LibertyPin& pin = cell.type->pins[p];
      // What the pin takes from each supply is reckoned alone, and adds up in the report.
      std::map<std::string, PinPower> supplies;
      for (const InternalPower& table : pin.internal_power) {
        PinPower& power = supplies[table.supply];
        power.net = cell.nets[p];
        power.is_output = pin.direction == LibertyPin::Direction::kOutput;
        PowerGroup group;
        group.rise_fj = table.rise_fj.lookup(input_slew_ns, load_ff_[power.net]);
        group.fall_fj = table.fall_fj.lookup(input_slew_ns, load_ff_[power.net]);
        for (const std::string& name : table.related_pins) {
          group.related_nets.push_back(net_of(name));
        }
        if (table.when.has_value()) group.when = condition(*table.when);
        power.groups.push_back(std::move(group));
      }
      for (auto& [supply, power] : supplies) {
        pins_of_net_[power.net].push_back(static_cast<int>(pins_.size()));
        pins_.push_back(std::move(power));
      }
    }
  }
}

// Inlined, so that each clone of add() has one.
template <typename Value>
__attribute__((always_inline)) inline void SwitchingActivity::add_lanes(
    const LaneBlock* before, const LaneBlock* after, const LaneBlock& block_mask) {
  const auto mask = lanes_of<Value>(block_mask);
  const auto was = [before](int net) { return lanes_of<Value>(before[net]); };
  const auto is = [after](int net) { return lanes_of<Value>(after[net]); };
  for (std::size_t net = 0; net < load_ff_.size(); ++net) {
    const Value now = is(static_cast<int>(net));
    const Value changed = (was(static_cast<int>(net)) ^ now) & mask;
    if (is_empty(changed)) continue;
    net_rises_[net] += count(changed & now);
    net_falls_[net] += count(changed & ~now);
  }
  std::vector<Value> scratch;
  for (PinPower& pin : pins_) {
    const Value now = is(pin.net);
    const Value changed = (was(pin.net) ^ now) & mask;
    if (is_empty(changed)) continue;
    for (PowerGroup& group : pin.groups) {
      Value caused = changed;
      if (!group.related_nets.empty()) {
        Value related{};
        for (const int net : group.related_nets) related = related | (was(net) ^ is(net));
        caused = caused & related;
      }
      if (!group.when.empty()) caused = caused & evaluate(group.when, is, &scratch);
      group.rises += count(caused & now);
      group.falls += count(caused & ~now);
    }
  }
  for (Leakage& cell : leakage_) {
    Value rest = mask;
    for (std::size_t i = 0; i < cell.when.size(); ++i) {
      const Value holds = rest & evaluate(cell.when[i], is, &scratch);
      cell.counts[i] += count(holds);
      rest = rest & ~holds;
    }
  }
}

LUTRA_SIMD_CLONES
void SwitchingActivity::add(const LaneBlock* before, const LaneBlock* after,
                            const LaneBlock& mask) {
  const std::uint64_t states = count(mask);
  intervals_ += states;
  settled_ += states;
  const bool is_narrow = std::all_of(mask.words.begin() + 1, mask.words.end(),
                                     [](std::uint64_t word) { return word == 0; });
  if (is_narrow) {
    add_lanes<std::uint64_t>(before, after, mask);
  } else {
    add_lanes<LaneBlock>(before, after, mask);
  }
}

void SwitchingActivity::add_change(int net, int cause, const std::uint64_t* values) {
  const bool rises = values[net] != 0;
  ++(rises ? net_rises_ : net_falls_)[net];
  for (const int p : pins_of_net_[net]) {
    for (PowerGroup& group : pins_[p].groups) {
      const std::vector<int>& related = group.related_nets;
      if (!related.empty() && std::find(related.begin(), related.end(), cause) == related.end()) {
        continue;
      }
      const auto is = [values](int n) { return values[n]; };
      if (!group.when.empty() && evaluate(group.when, is, &scratch_) == 0) continue;
      ++(rises ? group.rises : group.falls);
    }
  }
}

EnergyReport SwitchingActivity::report() const {
  EnergyReport report;
  report.intervals = intervals_;
  const double half_square = 0.5 * voltage_v_ * voltage_v_;
  for (std::size_t net = 0; net < load_ff_.size(); ++net) {
    const std::uint64_t changes = net_rises_[net] + net_falls_[net];
    report.net_toggles += changes;
    const double energy = half_square * load_ff_[net] * static_cast<double>(changes);
    (input_net_[net] ? report.input_net_fj : report.net_fj) += energy;
  }
  if (settled_ > 0) {
    report.leakage_nw = constant_leakage_nw_;
    for (const Leakage& cell : leakage_) {
      std::uint64_t rest = settled_;
      for (std::size_t i = 0; i < cell.counts.size(); ++i) {
        report.leakage_nw +=
            cell.state_nw[i] * static_cast<double>(cell.counts[i]) / static_cast<double>(settled_);
        rest -= cell.counts[i];
      }
      report.leakage_nw += cell.base_nw * static_cast<double>(rest) / static_cast<double>(settled_);
    }
  }
  for (const PinPower& pin : pins_) {
    double rise = 0;
    double fall = 0;
    double rise_mean = 0;
    double fall_mean = 0;
    double rises = 0;
    double falls = 0;
    for (const PowerGroup& group : pin.groups) {
      rise += group.rise_fj * static_cast<double>(group.rises);
      fall += group.fall_fj * static_cast<double>(group.falls);
      rises += static_cast<double>(group.rises);
      falls += static_cast<double>(group.falls);
      rise_mean += group.rise_fj / static_cast<double>(pin.groups.size());
      fall_mean += group.fall_fj / static_cast<double>(pin.groups.size());
    }
    if (!pin.is_output) {
      report.internal_fj += rise + fall;
      continue;
    }
    if (rises > 0) rise_mean = rise / rises;
    if (falls > 0) fall_mean = fall / falls;
    report.internal_fj += rise_mean * static_cast<double>(net_rises_[pin.net]) +
                          fall_mean * static_cast<double>(net_falls_[pin.net]);
  }
  return report;
}

void SwitchingActivity::clear() {
  std::fill(net_rises_.begin(), net_rises_.end(), 0);
  std::fill(net_falls_.begin(), net_falls_.end(), 0);
  for (PinPower& pin : pins_) {
    for (PowerGroup& group : pin.groups) group.rises = group.falls = 0;
  }
  for (Leakage& cell : leakage_) std::fill(cell.counts.begin(), cell.counts.end(), 0);
  intervals_ = settled_ = 0;
}

}  // namespace lutra::synth
