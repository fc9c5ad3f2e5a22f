#include "lutra/component/energy_meter.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "lutra/base/error.h"
#include "lutra/netlist/event_simulator.h"
#include "lutra/netlist/liberty.h"
#include "lutra/netlist/netlist.h"

namespace lutra::synth {
namespace {

/// Adds `halves` half periods to the nets that stand at 1, for each of the lanes first..last-1.
void count_high(const NetlistSimulator& simulator, int first, int last, std::uint64_t halves,
                std::vector<std::uint64_t>* high_halves) {
  LaneBlock mask;
  for (int lane = first; lane < last; ++lane) mask.words[lane / 64] |= 1ULL << (lane % 64);
  for (std::size_t net = 0; net < high_halves->size(); ++net) {
    const LaneBlock& block = simulator.net(static_cast<int>(net));
    int lanes = 0;
    for (int w = 0; w < LaneBlock::kWords; ++w) {
      lanes += __builtin_popcountll(block.words[w] & mask.words[w]);
    }
    (*high_halves)[net] += halves * static_cast<std::uint64_t>(lanes);
  }
}

void copy_toggles(const SwitchingActivity& activity, std::vector<std::uint64_t>* toggles) {
  for (std::size_t net = 0; net < toggles->size(); ++net) {
    (*toggles)[net] = activity.toggles(static_cast<int>(net));
  }
}

NetActivity no_activity(const Netlist& netlist) {
  NetActivity nets;
  const auto count = static_cast<std::size_t>(netlist.net_count());
  nets.toggles.assign(count, 0);
  nets.high_halves.assign(count, 0);
  nets.extra_high_fs.assign(count, 0);
  nets.cancelled.assign(count, 0);
  return nets;
}

/// splitmix64 (Steele, Lea, Flood, OOPSLA 2014): a counter through a mixing function.
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace

double GlitchReport::factor() const {
  return settled.net_toggles == 0
             ? 1
             : static_cast<double>(delayed.net_toggles) / static_cast<double>(settled.net_toggles);
}

double GlitchReport::energy_factor() const {
  return settled.total_fj() == 0 ? 1 : delayed.total_fj() / settled.total_fj();
}

struct EnergyMeter::State {
  explicit State(const Component& component)
      : name(component.name),
        is_signed(component.is_signed),
        widths(component.widths),
        liberty(Liberty::read(component.directory / "cells.lib")),
        netlist(Netlist::read_json(component.directory / "netlist.json", liberty)),
        slew_ns(component.json.at("assumptions").at("input_slew_ns").get<double>()),
        simulator(netlist) {}

  std::string name;
  bool is_signed;
  OperandWidths widths;
  Liberty liberty;
  Netlist netlist;
  double slew_ns;
  NetlistSimulator simulator;
  const NetlistPort* a = nullptr;
  const NetlistPort* b = nullptr;
  const NetlistPort* p = nullptr;
  std::vector<HeldPort> held;
  int latency = 0;
  const NetlistPort* clock = nullptr;  ///< of a multiplier with latency
};

EnergyMeter::EnergyMeter(const Component& component) {
  need_netlist(component, "energy");
  state_ = std::make_unique<State>(component);
  state_->a = &state_->netlist.port(component.source.ports[0]);
  state_->b = &state_->netlist.port(component.source.ports[1]);
  state_->p = &state_->netlist.port(component.source.ports[2]);
  state_->held = component.source.held;
  state_->latency = component.source.latency;
  if (state_->latency > 0) state_->clock = &state_->netlist.port(component.source.clock);
}

EnergyMeter::~EnergyMeter() = default;

bool EnergyMeter::has_registers() const { return state_->latency > 0; }

const Netlist& EnergyMeter::netlist() const { return state_->netlist; }

void EnergyMeter::need_combinational(const std::string& what) const {
  if (!has_registers()) return;
  throw Error(ErrorKind::kUnimplemented,
              fmt::format("{}: {}: expected a multiplier without registers", state_->name, what));
}

EnergyReport EnergyMeter::measure(const std::vector<OperandPair>& consecutive_operations) {
  return run(consecutive_operations, [](std::size_t, int) {});
}

NetActivity EnergyMeter::net_activity(const std::vector<OperandPair>& consecutive_operations) {
  NetActivity nets;
  nets.energy = run(
      consecutive_operations, [](std::size_t, int) {}, &nets);
  return nets;
}

NetActivity EnergyMeter::delayed_net_activity(
    const std::vector<OperandPair>& consecutive_operations) {
  need_combinational("glitches");
  need_transitions(consecutive_operations.size());
  NetActivity nets;
  measure_sequences({consecutive_operations}, &nets);
  return nets;
}

std::vector<std::int64_t> EnergyMeter::products(
    const std::vector<OperandPair>& consecutive_operations) {
  need_combinational("products of a sequence");
  std::vector<std::int64_t> products;
  const int unused = 64 - state_->widths.product();
  run(consecutive_operations, [&](std::size_t, int lanes) {
    for (int lane = 0; lane < lanes; ++lane) {
      const std::uint64_t pattern = state_->simulator.value(*state_->p, lane) << unused;
      products.push_back(state_->is_signed ? static_cast<std::int64_t>(pattern) >> unused
                                           : static_cast<std::int64_t>(pattern >> unused));
    }
  });
  return products;
}

DelayedEnergy delayed_energy(const Netlist& netlist, const Liberty& liberty, double input_slew_ns,
                             const std::vector<std::size_t>& lengths,
                             const std::function<void(NetlistSimulator*, int, std::size_t)>& drive,
                             NetActivity* nets) {
  DelayedEnergy result;
  NetlistSimulator settled(netlist);
  SwitchingActivity activity(netlist, liberty, input_slew_ns);
  EventSimulator delayed(netlist, input_slew_ns);
  EventRecord record;
  if (nets != nullptr) {
    *nets = no_activity(netlist);
    delayed.keep_record(&record);
  }
  std::size_t sequence = 0;
  std::size_t within = 0;
  const std::size_t count = std::accumulate(lengths.begin(), lengths.end(), std::size_t{0});
  for (std::size_t from = 0; from < count; from += NetlistSimulator::kLanes) {
    const int lanes =
        static_cast<int>(std::min<std::size_t>(NetlistSimulator::kLanes, count - from));
    for (int lane = 0; lane < lanes; ++lane) {
      drive(&settled, lane, from + static_cast<std::size_t>(lane));
    }
    settled.settle();
    for (int lane = 0; lane < lanes; ++lane, ++within) {
      while (within == lengths[sequence]) {
        within = 0;
        ++sequence;
      }
      if (within == 0) {
        delayed.start(settled, lane);
        continue;
      }
      delayed.set_inputs(settled, lane);
      result.longest_ns = std::max(result.longest_ns, delayed.settle(&activity));
      for (int net = 0; net < netlist.net_count(); ++net) {
        const LaneBlock& block = settled.net(net);
        if (delayed.value(net) == ((block.words[lane / 64] >> (lane % 64) & 1) != 0)) continue;
        throw Error(ErrorKind::kInternal,
                    fmt::format("{}: operation {}: {} settles at {} with delays and at {} without",
                                netlist.name(), from + static_cast<std::size_t>(lane),
                                netlist.net_name(net), delayed.value(net) ? 1 : 0,
                                delayed.value(net) ? 0 : 1));
      }
      result.checked_nets += static_cast<std::uint64_t>(netlist.net_count());
      if (nets != nullptr) count_high(settled, lane, lane + 1, 2, &nets->high_halves);
    }
  }
  result.energy = activity.report();
  if (nets != nullptr) {
    copy_toggles(activity, &nets->toggles);
    nets->extra_high_fs = std::move(record.extra_high_fs);
    nets->cancelled = std::move(record.cancelled);
    nets->energy = result.energy;
    nets->longest_ns = result.longest_ns;
  }
  return result;
}

DelayedEnergy EnergyMeter::measure_sequences(const std::vector<std::vector<OperandPair>>& sequences,
                                             NetActivity* nets) const {
  need_combinational("glitches");
  std::vector<std::size_t> lengths;
  std::vector<OperandPair> operations;
  for (const std::vector<OperandPair>& sequence : sequences) {
    check_operands(sequence);
    lengths.push_back(sequence.size());
    operations.insert(operations.end(), sequence.begin(), sequence.end());
  }
  return delayed_energy(
      state_->netlist, state_->liberty, state_->slew_ns, lengths,
      [&](NetlistSimulator* simulator, int lane, std::size_t i) {
        for (const HeldPort& held : state_->held) {
          simulator->set_input(state_->netlist.port(held.name), lane,
                               static_cast<std::uint64_t>(held.value));
        }
        const OperandPair& pair = operations[i];
        simulator->set_input(*state_->a, lane, static_cast<std::uint32_t>(pair.a));
        simulator->set_input(*state_->b, lane, static_cast<std::uint32_t>(pair.b));
      },
      nets);
}

GlitchReport EnergyMeter::measure_glitches(const std::vector<OperandPair>& consecutive_operations) {
  need_combinational("glitches");
  GlitchReport report;
  report.settled = measure(consecutive_operations);
  const DelayedEnergy delayed = measure_sequences({consecutive_operations});
  report.delayed = delayed.energy;
  report.longest_ns = delayed.longest_ns;
  report.checked_nets = delayed.checked_nets;
  return report;
}

void EnergyMeter::need_transitions(std::size_t operations) const {
  if (operations >= 2) return;
  throw Error(ErrorKind::kInvalidArgument,
              fmt::format("{}: {} operations, expected at least 2: energy is taken between them",
                          state_->name, operations));
}

void EnergyMeter::check_operands(const std::vector<OperandPair>& operations) const {
  const auto check = [&](std::size_t i, const char* name, std::int32_t value, int width) {
    const int low = state_->is_signed ? -(1 << (width - 1)) : 0;
    const int high = low + (1 << width) - 1;
    if (value >= low && value <= high) return;
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: operation {}: {} = {}, expected {}..{}", state_->name, i, name,
                            value, low, high));
  };
  for (std::size_t i = 0; i < operations.size(); ++i) {
    check(i, "a", operations[i].a, state_->widths.a);
    check(i, "b", operations[i].b, state_->widths.b);
  }
}

EnergyReport EnergyMeter::run(const std::vector<OperandPair>& consecutive_operations,
                              const std::function<void(std::size_t, int)>& settled,
                              NetActivity* nets) {
  const std::size_t count = consecutive_operations.size();
  need_transitions(count);
  if (nets != nullptr) *nets = no_activity(state_->netlist);
  SwitchingActivity activity(state_->netlist, state_->liberty, state_->slew_ns);
  state_->simulator.reset();
  for (const HeldPort& held : state_->held) {
    state_->simulator.set_input_all(state_->netlist.port(held.name),
                                    static_cast<std::uint64_t>(held.value));
  }
  check_operands(consecutive_operations);
  const auto set = [&](int lane, std::size_t operation) {
    const OperandPair& pair = consecutive_operations[operation];
    state_->simulator.set_input(*state_->a, lane, static_cast<std::uint32_t>(pair.a));
    state_->simulator.set_input(*state_->b, lane, static_cast<std::uint32_t>(pair.b));
  };
  if (state_->latency > 0) {
    // Each lane takes a part of the sequence, after the operations before it have filled its
    // registers; the lanes that get one operation more count it alone.
    const std::size_t changes = count - 1;
    const std::size_t lanes = std::min<std::size_t>(NetlistSimulator::kLanes, changes);
    const std::size_t each = changes / lanes;
    const std::size_t longer = changes % lanes;
    const auto begin = [&](std::size_t lane) { return 1 + lane * each + std::min(lane, longer); };
    const auto cycles = static_cast<std::ptrdiff_t>(each + (longer > 0 ? 1 : 0));
    for (std::ptrdiff_t cycle = -state_->latency - 1; cycle < cycles; ++cycle) {
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        const std::ptrdiff_t operation = static_cast<std::ptrdiff_t>(begin(lane)) + cycle;
        set(static_cast<int>(lane), static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(
                                        operation, 0, static_cast<std::ptrdiff_t>(count) - 1)));
      }
      const bool last_of_longer = cycle == static_cast<std::ptrdiff_t>(each);
      const int counted = static_cast<int>(last_of_longer ? longer : lanes);
      state_->simulator.count_activity(cycle < 0 ? nullptr : &activity, counted);
      // A step() with a look at the nets in each half of the cycle.
      state_->simulator.settle();
      for (const int clock : {1, 0}) {
        state_->simulator.set_input_all(*state_->clock, static_cast<std::uint64_t>(clock));
        state_->simulator.settle();
        if (nets == nullptr || cycle < 0) continue;
        count_high(state_->simulator, 0, counted, 1, &nets->high_halves);
      }
    }
    state_->simulator.count_activity(nullptr);
    if (nets != nullptr) copy_toggles(activity, &nets->toggles);
    EnergyReport report = activity.report();
    report.intervals = changes;
    return report;
  }
  state_->simulator.count_activity(&activity);
  for (std::size_t from = 0; from < count; from += NetlistSimulator::kLanes) {
    const int lanes =
        static_cast<int>(std::min<std::size_t>(NetlistSimulator::kLanes, count - from));
    for (int lane = 0; lane < lanes; ++lane) set(lane, from + static_cast<std::size_t>(lane));
    state_->simulator.settle_sequence(lanes);
    settled(from, lanes);
    // The first operation has no transition before it.
    if (nets != nullptr) {
      count_high(state_->simulator, from == 0 ? 1 : 0, lanes, 2, &nets->high_halves);
    }
  }
  state_->simulator.count_activity(nullptr);
  if (nets != nullptr) copy_toggles(activity, &nets->toggles);
  return activity.report();
}

nlohmann::json energy_json(EnergyMeter* meter,
                           const std::vector<OperandPair>& consecutive_operations) {
  const EnergyReport energy = meter->measure(consecutive_operations);
  const auto operations = static_cast<double>(energy.intervals);
  const double per_op_fj = energy.total_fj() / operations;
  nlohmann::json json = {
      {"energy_per_op_fj", per_op_fj},
      {"energy_parts_fj",
       {{"input_nets", energy.input_net_fj / operations},
        {"cell_nets", energy.net_fj / operations},
        {"internal", energy.internal_fj / operations}}},
      {"net_toggles_per_op", static_cast<double>(energy.net_toggles) / operations},
      {"leakage_nw", energy.leakage_nw},
      {"glitches", nullptr}};
  if (meter->has_registers()) return json;
  const std::size_t sample = std::min(kGlitchOperations, consecutive_operations.size());
  const GlitchReport glitches = meter->measure_glitches(
      {consecutive_operations.begin(),
       consecutive_operations.begin() + static_cast<std::ptrdiff_t>(sample)});
  json["glitches"] = {{"factor", glitches.factor()},
                      {"energy_factor", glitches.energy_factor()},
                      {"energy_per_op_fj", per_op_fj * glitches.energy_factor()},
                      {"longest_settling_ns", glitches.longest_ns},
                      {"sample_transitions", glitches.delayed.intervals},
                      {"checked_net_values", glitches.checked_nets}};
  return json;
}

double energy_per_op_fj(const Component& component,
                        const std::vector<OperandPair>& consecutive_operations) {
  const EnergyReport report = EnergyMeter(component).measure(consecutive_operations);
  return report.total_fj() / static_cast<double>(report.intervals);
}

std::vector<OperandPair> uniform_operands(std::size_t count, std::uint64_t seed,
                                          OperandWidths widths, bool is_signed) {
  SplitMix64 random(seed);
  const auto operand = [&](std::uint64_t bits, int width) {
    const std::int32_t values = 1 << width;
    const auto value = static_cast<std::int32_t>(bits) & (values - 1);
    return is_signed && value >= values / 2 ? value - values : value;
  };
  std::vector<OperandPair> pairs(count);
  for (OperandPair& pair : pairs) {
    const std::uint64_t bits = random.next();
    pair.a = operand(bits, widths.a);
    pair.b = operand(bits >> widths.a, widths.b);
  }
  return pairs;
}

}  // namespace lutra::synth
