#include "lutra/netlist/event_simulator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "lutra/base/error.h"

namespace lutra::synth {
namespace {

constexpr std::size_t kMaxInputs = 16;
constexpr double kFsPerNs = 1e6;
constexpr std::uint64_t kHigh = ~0ULL;

/// The delay table for an output's edge after an input's: the arc from that input whose sense
/// admits the edges and whose condition holds; else one without condition; else any from that
/// input; else any of that edge. Of equals the first.
template <typename Values>
const LibertyTable* delay_table(const LibertyPin& output, const std::string& input,
                                bool input_rises, bool output_rises, const Values& values) {
  const auto sense = input_rises == output_rises ? TimingArc::Sense::kPositiveUnate
                                                 : TimingArc::Sense::kNegativeUnate;
  const LibertyTable* best = nullptr;
  int best_rank = 0;
  for (const TimingArc& arc : output.timing_arcs) {
    const LibertyTable& table = output_rises ? arc.rise_delay_ns : arc.fall_delay_ns;
    if (table.empty()) continue;
    int rank = 1;
    if (std::find(arc.related_pins.begin(), arc.related_pins.end(), input) !=
        arc.related_pins.end()) {
      rank = 2;
      if (arc.sense == TimingArc::Sense::kNonUnate || arc.sense == sense) {
        if (!arc.when.has_value()) rank = 3;
        if (arc.when.has_value() && arc.when->evaluate(values)) rank = 4;
      }
    }
    if (rank <= best_rank) continue;
    best_rank = rank;
    best = &table;
  }
  return best;
}

}  // namespace

EventSimulator::CellType EventSimulator::read_type(const LibertyCell& cell) {
  CellType type;
  for (std::size_t p = 0; p < cell.pins.size(); ++p) {
    if (cell.pins[p].direction == LibertyPin::Direction::kInput) {
      type.inputs.push_back(static_cast<int>(p));
    } else if (cell.pins[p].direction == LibertyPin::Direction::kOutput) {
      type.outputs.push_back(static_cast<int>(p));
    }
  }
  const std::size_t inputs = type.inputs.size();
  if (cell.flip_flop.has_value() || inputs > kMaxInputs) {
    throw Error(
        ErrorKind::kUnimplemented,
        fmt::format("cell {}: {}, expected a combinational cell of up to {} inputs", cell.name,
                    cell.flip_flop.has_value() ? std::string("a flip-flop")
                                               : fmt::format("{} inputs", inputs),
                    kMaxInputs));
  }
  const std::uint32_t states = 1u << inputs;
  const auto values_at = [&](std::uint32_t state) {
    return [&cell, &type, state](const std::string& name) {
      for (std::size_t i = 0; i < type.inputs.size(); ++i) {
        if (cell.pins[type.inputs[i]].name == name) return (state >> i & 1) != 0;
      }
      throw Error(
          ErrorKind::kUnimplemented,
          fmt::format("cell {}: an expression names {}, expected inputs only", cell.name, name));
    };
  };
  for (const int p : type.outputs) {
    const LibertyPin& pin = cell.pins[p];
    if (!pin.function.has_value()) {
      throw Error(ErrorKind::kUnimplemented,
                  fmt::format("cell {}: the Liberty file gives no function for pin {}", cell.name,
                              pin.name));
    }
    OutputType output;
    for (std::uint32_t state = 0; state < states; ++state) {
      output.truth.push_back(pin.function->evaluate(values_at(state)));
    }
    output.arc.resize(inputs * states);
    for (std::size_t i = 0; i < inputs; ++i) {
      for (std::uint32_t state = 0; state < states; ++state) {
        if (output.truth[state] == output.truth[state ^ 1u << i]) continue;
        const LibertyTable* table =
            delay_table(pin, cell.pins[type.inputs[i]].name, (state >> i & 1) != 0,
                        output.truth[state] != 0, values_at(state));
        if (table == nullptr) {
          throw Error(ErrorKind::kUnimplemented,
                      fmt::format("cell {}: the Liberty file gives no cell_{} for pin {}",
                                  cell.name, output.truth[state] != 0 ? "rise" : "fall", pin.name));
        }
        auto found = std::find(output.tables.begin(), output.tables.end(), table);
        if (found == output.tables.end()) found = output.tables.insert(found, table);
        output.arc[i * states + state] = static_cast<int>(found - output.tables.begin());
      }
    }
    type.types.push_back(std::move(output));
  }
  return type;
}

EventSimulator::EventSimulator(const Netlist& netlist, double input_slew_ns) {
  const std::vector<double> load_ff = netlist.net_load_ff();
  std::vector<std::vector<Sink>> sinks(netlist.net_count());
  types_.reserve(netlist.cells().size());  // outputs point into it
  std::map<const LibertyCell*, const CellType*> known;
  for (const NetlistCell& instance : netlist.cells()) {
    const CellType*& type = known[instance.type];
    if (type == nullptr) {
      types_.push_back(read_type(*instance.type));
      type = &types_.back();
    }
    const int number = static_cast<int>(cells_.size());
    Cell cell;
    cell.states = 1u << type->inputs.size();
    cell.first_output = static_cast<int>(outputs_.size());
    for (std::size_t i = 0; i < type->inputs.size(); ++i) {
      sinks[instance.nets[type->inputs[i]]].push_back({number, static_cast<int>(i)});
    }
    for (std::size_t o = 0; o < type->outputs.size(); ++o) {
      Output output;
      output.type = &type->types[o];
      output.net = instance.nets[type->outputs[o]];
      output.delays = delay_fs_.size();
      for (const LibertyTable* table : output.type->tables) {
        const double ns = table->lookup(input_slew_ns, load_ff[output.net]);
        delay_fs_.push_back(std::max<std::int64_t>(0, std::llround(ns * kFsPerNs)));
      }
      outputs_.push_back(output);
    }
    cell.last_output = static_cast<int>(outputs_.size());
    cells_.push_back(cell);
  }
  first_sink_.push_back(0);
  for (const std::vector<Sink>& of_net : sinks) {
    sinks_.insert(sinks_.end(), of_net.begin(), of_net.end());
    first_sink_.push_back(sinks_.size());
  }
  for (const NetlistPort& port : netlist.ports()) {
    if (port.is_input) input_nets_.insert(input_nets_.end(), port.nets.begin(), port.nets.end());
  }
  values_.assign(netlist.net_count(), 0);
  pending_inputs_ = values_;
}

void EventSimulator::start(const NetlistSimulator& settled, int lane) {
  for (Cell& cell : cells_) cell.state = 0;
  for (std::size_t net = 0; net < values_.size(); ++net) {
    const LaneBlock& block = settled.net(static_cast<int>(net));
    values_[net] = (block.words[lane / 64] >> (lane % 64) & 1) != 0 ? kHigh : 0;
    for (std::size_t i = first_sink_[net]; i < first_sink_[net + 1]; ++i) {
      if (values_[net] != 0) cells_[sinks_[i].cell].state |= 1u << sinks_[i].input;
    }
  }
  pending_inputs_ = values_;
}

void EventSimulator::set_input(const NetlistPort& port, std::uint64_t value) {
  const int bits = std::min(port.width(), 64);
  for (int i = 0; i < bits; ++i) pending_inputs_[port.nets[i]] = (value >> i & 1) != 0 ? kHigh : 0;
}

void EventSimulator::set_inputs(const NetlistSimulator& settled, int lane) {
  for (const int net : input_nets_) {
    const LaneBlock& block = settled.net(net);
    pending_inputs_[net] = (block.words[lane / 64] >> (lane % 64) & 1) != 0 ? kHigh : 0;
  }
}

void EventSimulator::keep_record(EventRecord* record) {
  record_ = record;
  if (record == nullptr) return;
  record->extra_high_fs.resize(values_.size());
  record->cancelled.resize(values_.size());
}

double EventSimulator::settle(SwitchingActivity* activity) {
  events_ = 0;
  for (const int net : input_nets_) {
    if (values_[net] != pending_inputs_[net]) change(net, net, 0, activity);
  }
  std::int64_t last_fs = 0;
  while (!waiting_.empty()) {
    std::pop_heap(waiting_.begin(), waiting_.end());
    const Event event = waiting_.back();
    waiting_.pop_back();
    Output& output = outputs_[event.output];
    if (output.pending != event.number) continue;  // cancelled
    output.pending = 0;
    last_fs = event.time_fs;
    change(output.net, output.cause, last_fs, activity);
  }
  if (activity != nullptr) activity->add_interval();
  return static_cast<double>(last_fs) / kFsPerNs;
}

void EventSimulator::change(int net, int cause, std::int64_t now_fs, SwitchingActivity* activity) {
  values_[net] = ~values_[net];
  if (record_ != nullptr) record_->extra_high_fs[net] += values_[net] != 0 ? -now_fs : now_fs;
  if (activity != nullptr) activity->add_change(net, cause, values_.data());
  for (std::size_t i = first_sink_[net]; i < first_sink_[net + 1]; ++i) {
    const Sink sink = sinks_[i];
    Cell& cell = cells_[sink.cell];
    const std::uint32_t before = cell.state;
    cell.state ^= 1u << sink.input;
    for (int o = cell.first_output; o < cell.last_output; ++o) {
      Output& output = outputs_[o];
      const OutputType& type = *output.type;
      if (type.truth[cell.state] == type.truth[before]) continue;
      if (output.pending != 0) {  // the output is on its way to what it was before
        output.pending = 0;
        if (record_ != nullptr) ++record_->cancelled[output.net];
        continue;
      }
      output.pending = ++events_;
      output.cause = net;
      const int arc = type.arc[sink.input * cell.states + cell.state];
      waiting_.push_back({now_fs + delay_fs_[output.delays + arc], output.pending, o});
      std::push_heap(waiting_.begin(), waiting_.end());
    }
  }
}

}  // namespace lutra::synth
