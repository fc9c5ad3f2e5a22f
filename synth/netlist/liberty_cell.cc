#include "lutra/netlist/liberty_cell.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace lutra::synth {
namespace {

/// Interval of `axis` around x, or the nearest outermost one, and x's place in it.
std::pair<std::size_t, double> locate(const std::vector<double>& axis, double x) {
  if (axis.size() < 2) return {0, 0.0};
  std::size_t i = 0;
  while (i + 2 < axis.size() && x > axis[i + 1]) ++i;
  return {i, (x - axis[i]) / (axis[i + 1] - axis[i])};
}

}  // namespace

double LibertyTable::lookup(double slew, double load) const {
  if (values.empty()) return 0;
  const std::size_t loads = std::max<std::size_t>(1, load_ff.size());
  const auto [s, ds] = locate(slew_ns, slew);
  const auto [l, dl] = locate(load_ff, load);
  const std::size_t s1 = slew_ns.size() > 1 ? s + 1 : s;
  const std::size_t l1 = load_ff.size() > 1 ? l + 1 : l;
  const double low = values[s * loads + l] * (1 - dl) + values[s * loads + l1] * dl;
  const double high = values[s1 * loads + l] * (1 - dl) + values[s1 * loads + l1] * dl;
  return low * (1 - ds) + high * ds;
}

const LibertyPin* LibertyCell::find_pin(std::string_view pin_name) const {
  for (const LibertyPin& pin : pins) {
    if (pin.name == pin_name) return &pin;
  }
  return nullptr;
}

std::vector<std::string> launching_pins(const LibertyCell& cell, const LibertyPin& output) {
  std::vector<std::string> pins;
  if (!output.function.has_value()) return pins;
  for (const std::string& name : output.function->names()) {
    if (cell.find_pin(name) != nullptr) {
      pins.push_back(name);
    } else if (cell.flip_flop.has_value()) {
      for (const std::string& clock : cell.flip_flop->clocked_on.names()) pins.push_back(clock);
    }
  }
  return pins;
}

std::string missing_times(const LibertyCell& cell) {
  for (const LibertyPin& pin : cell.pins) {
    for (const std::string& from : launching_pins(cell, pin)) {
      if (std::none_of(pin.timing_arcs.begin(), pin.timing_arcs.end(),
                       [&](const TimingArc& arc) { return arc.related_pins[0] == from; })) {
        return fmt::format("delay tables from {} to {}", from, pin.name);
      }
    }
  }
  if (!cell.flip_flop.has_value()) return "";
  for (const std::string& data : cell.flip_flop->next_state.names()) {
    const LibertyPin* pin = cell.find_pin(data);
    if (pin == nullptr) continue;  // the state itself: a gated or toggling flip-flop
    if (std::none_of(pin->constraints.begin(), pin->constraints.end(),
                     [](const ConstraintArc& arc) { return arc.type.rfind("setup", 0) == 0; })) {
      return fmt::format("setup time of {}", data);
    }
  }
  return "";
}

}  // namespace lutra::synth
