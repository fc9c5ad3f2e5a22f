// Liberty groups into cells in fixed units.

#include "liberty_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "lutra/base/error.h"

namespace lutra::synth {
namespace {

/// Scale factors from the library's units to ns, fF, fJ and nW.
struct Units {
  double time_ns = 1;
  double capacitance_ff = 1;
  double energy_fj = 1;
  double leakage_nw = 1;
};

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// Whether a file can hold a name: printable, without blanks, quotes and backslashes.
bool is_writable(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return c > ' ' && c <= '~' && c != '"' && c != '\\';
  });
}

/// The names that supply pins have in libraries without pg_pin groups; case and a final `!` do not
/// count.
bool is_supply_name(std::string name) {
  static const std::set<std::string> kNames = {
      "VDD", "VSS", "VCC", "VEE",   "GND",   "PWR",  "VPWR", "VGND", "VPB",  "VNB", "VBP",
      "VBN", "VPW", "VNW", "VDDPE", "VDDCE", "VSSE", "AVDD", "AVSS", "DVDD", "DVSS"};
  if (!name.empty() && name.back() == '!') name.pop_back();
  for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return kNames.count(name) > 0;
}

class Reader {
 public:
  Reader(const LibertyGroup& root, const LibertyText& source) : root_(root), source_(source) {}

  [[noreturn]] void fail(int line, const std::string& what) const {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: {}", where(line), what));
  }

  std::string where(int line) const { return source_.where(line); }

  double number(const std::string& text, int line, const std::string& what) const {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    while (std::isspace(static_cast<unsigned char>(*end))) ++end;
    if (end == text.c_str() || *end != '\0' || !std::isfinite(value)) {
      fail(line, fmt::format("{} = \"{}\", expected a number", what, text));
    }
    return value;
  }

  double number_or(const LibertyGroup& group, std::string_view name, double otherwise) const {
    const LibertyAttribute* attribute = group.find(name);
    if (attribute == nullptr || attribute->values.empty()) return otherwise;
    return number(attribute->values[0], attribute->line, attribute->name);
  }

  /// A text such as "1ns" or "10 uW" as a multiple of the base unit; without a number, 1.
  double unit(std::string_view name, const std::string& base, double otherwise) const {
    const LibertyAttribute* attribute = root_.find(name);
    if (attribute == nullptr || attribute->values.empty()) return otherwise;
    const std::string& text = attribute->values[0];
    char* end = nullptr;
    const double read = std::strtod(text.c_str(), &end);
    const double factor = end == text.c_str() ? 1 : read;
    const std::string suffix = trimmed(end);
    const auto bad = [&] {
      fail(attribute->line, fmt::format("{} = \"{}\", expected a number and a unit in {}",
                                        attribute->name, text, base));
    };
    if (suffix.size() < base.size() || factor <= 0 || !std::isfinite(factor)) bad();
    if (!same_letters(suffix.substr(suffix.size() - base.size()), base)) bad();
    return factor * prefix(suffix.substr(0, suffix.size() - base.size()), attribute->line);
  }

  Units units() const {
    Units units;
    units.time_ns = unit("time_unit", "s", 1e-9) * 1e9;
    const double voltage = unit("voltage_unit", "V", 1.0);
    units.leakage_nw = unit("leakage_power_unit", "W", 1e-9) * 1e9;
    const LibertyAttribute* load = root_.find("capacitive_load_unit");
    if (load == nullptr) {
      units.capacitance_ff = 1000;
    } else {
      // (1, pf), ("1,pf") and (1pf) are all found.
      std::string text;
      for (const std::string& value : load->values) text += value + " ";
      std::replace(text.begin(), text.end(), ',', ' ');
      char* end = nullptr;
      const double factor = std::strtod(text.c_str(), &end);
      const std::string name = trimmed(end);
      if (end == text.c_str() || name.empty()) {
        fail(load->line, "capacitive_load_unit has not two arguments, expected (number, ff|pf)");
      }
      double femto = 0;
      if (same_letters(name, "ff")) femto = 1;
      if (same_letters(name, "pf")) femto = 1000;
      if (femto == 0) {
        fail(load->line, fmt::format("capacitive_load_unit = \"{}\", expected ff or pf", name));
      }
      if (factor <= 0 || !std::isfinite(factor)) {
        fail(load->line, fmt::format("capacitive_load_unit = \"{}\", expected a number above 0",
                                     trimmed(text)));
      }
      units.capacitance_ff = factor * femto;
    }
    // Liberty has no unit of its own for internal energy: it is capacitance times voltage squared.
    // current_unit, though a library states it, plays no part.
    units.energy_fj = units.capacitance_ff * voltage * voltage;
    voltage_unit_v_ = voltage;
    return units;
  }

  double voltage_v() const {
    const LibertyAttribute* nominal = root_.find("nom_voltage");
    double value = number_or(root_, "nom_voltage", 0);
    const LibertyAttribute* chosen = root_.find("default_operating_conditions");
    for (const LibertyGroup& group : root_.groups) {
      if (group.type != "operating_conditions" || chosen == nullptr || chosen->values.empty() ||
          group.arguments.empty()) {
        continue;
      }
      if (group.arguments[0] == chosen->values[0]) value = number_or(group, "voltage", value);
    }
    if (value <= 0) {
      fail(nominal != nullptr ? nominal->line : root_.line,
           "no supply voltage: expected nom_voltage or default_operating_conditions");
    }
    return value * voltage_unit_v_;
  }

  void read_templates() {
    for (const LibertyGroup& group : root_.groups) {
      if (group.type != "lu_table_template" && group.type != "power_lut_template") continue;
      if (group.arguments.empty()) continue;
      (group.type[0] == 'l' ? templates_ : power_templates_)[group.arguments[0]] = &group;
    }
  }

  /// A number in the library's header, scaled, if it is there.
  std::optional<double> scaled_option(const LibertyGroup& group, std::string_view name,
                                      double scale) const {
    const LibertyAttribute* attribute = group.find(name);
    if (attribute == nullptr || attribute->values.empty()) return std::nullopt;
    return number(attribute->values[0], attribute->line, attribute->name) * scale;
  }

  LibertyCell read_cell(const LibertyGroup& group, const Units& units) const {
    LibertyCell cell;
    if (group.arguments.empty()) fail(group.line, "cell without a name");
    cell.name = group.arguments[0];
    cell.where = where(group.line);
    cell.begin = group.begin;
    cell.end = group.end;
    cell.area_um2 = number_or(group, "area", 0);
    unsupported_table_.clear();
    read_leakage(group, units, &cell);
    if (const LibertyAttribute* dont_use = group.find("dont_use")) {
      cell.dont_use = !dont_use->values.empty() && same_letters(dont_use->values[0], "true");
    }
    for (const LibertyGroup& child : group.groups) {
      if (child.type == "ff") {
        if (cell.flip_flop.has_value()) cell.unsupported = "it holds more than one flip-flop";
        cell.flip_flop = read_flip_flop(child, cell);
      } else if (child.type == "latch" || child.type == "latch_bank") {
        cell.unsupported = "it is a latch";
      } else if (child.type == "statetable" || child.type == "ff_bank") {
        cell.unsupported = fmt::format("it is described by a {}", child.type);
      } else if (child.type == "pin") {
        for (const std::string& name : child.arguments) {
          cell.pins.push_back(read_pin(child, name, units));
        }
      } else if (child.type == "pg_pin") {
        for (const std::string& name : child.arguments) cell.supply_pins.push_back(name);
      } else if (child.type == "bus" || child.type == "bundle") {
        cell.unsupported = fmt::format("it has a {}", child.type);
      }
    }
    if (!unsupported_table_.empty()) cell.unsupported = unsupported_table_;
    take_supply_pins(&cell);
    for (LibertyPin& pin : cell.pins) {
      if (pin.three_state) cell.unsupported = "it has a three-state output";
      if (pin.direction == LibertyPin::Direction::kInout) cell.unsupported = "it has an inout pin";
      if (!is_writable(pin.name)) {
        cell.unsupported = fmt::format(
            "the name of its pin \"{}\" holds blanks, quotes or "
            "characters that do not print",
            pin.name.substr(0, 40));
      }
      derive_senses(cell, &pin);
    }
    if (cell.flip_flop.has_value() &&
        (!is_writable(cell.flip_flop->state) || !is_writable(cell.flip_flop->inverted_state))) {
      cell.unsupported =
          "the names of its states hold blanks, quotes or characters that do not "
          "print";
    }
    if (!is_writable(cell.name)) {
      cell.unsupported = "its name holds blanks, quotes or characters that do not print";
    }
    check_names(cell, group.line);
    check_internal_pins(&cell);
    return cell;
  }

 private:
  static bool same_letters(const std::string& a, const std::string& b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
             return std::tolower(static_cast<unsigned char>(x)) ==
                    std::tolower(static_cast<unsigned char>(y));
           });
  }

  double prefix(const std::string& text, int line) const {
    static const std::map<std::string, double> kPrefixes = {
        {"", 1.0}, {"m", 1e-3}, {"u", 1e-6}, {"n", 1e-9}, {"p", 1e-12}, {"f", 1e-15}, {"k", 1e3},
    };
    std::string lower = trimmed(text);
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const auto found = kPrefixes.find(lower);
    if (found == kPrefixes.end()) {
      fail(line, fmt::format("unit prefix \"{}\", expected one of m u n p f k or none", text));
    }
    return found->second;
  }

  /// The supply that a power group is about: related_pg_pin, in older libraries power_level.
  static std::string supply(const LibertyGroup& group) {
    for (const char* name : {"related_pg_pin", "power_level"}) {
      const LibertyAttribute* attribute = group.find(name);
      if (attribute == nullptr || attribute->values.empty()) continue;
      std::string rail = attribute->values[0];
      for (char& c : rail) c = is_writable(std::string(1, c)) ? c : '_';
      return rail;
    }
    return "";
  }

  /// Leakage from the leakage_power groups: of each supply those with a condition, by state, and
  /// the one without, for other states. Whatever the state: cell_leakage_power; without it the sum
  /// over the supplies of the group without a condition, or else of the mean of the groups.
  void read_leakage(const LibertyGroup& group, const Units& units, LibertyCell* cell) const {
    struct Groups {
      std::string supply;
      std::vector<StateLeakage> states;
      std::optional<double> unconditional;
      double sum = 0;
    };
    std::vector<Groups> supplies;
    bool has_states = false;
    for (const LibertyGroup& child : group.groups) {
      if (child.type != "leakage_power") continue;
      const std::string name = supply(child);
      auto of_supply = std::find_if(supplies.begin(), supplies.end(),
                                    [&name](const Groups& g) { return g.supply == name; });
      if (of_supply == supplies.end()) {
        supplies.emplace_back().supply = name;
        of_supply = supplies.end() - 1;
      }
      const double value = number_or(child, "value", 0) * units.leakage_nw;
      if (const auto when = optional_expression(child, "when")) {
        of_supply->states.push_back({*when, value});
        of_supply->sum += value;
        has_states = true;
      } else {
        of_supply->unconditional = value;
      }
    }
    const LibertyAttribute* whatever = group.find("cell_leakage_power");
    if (whatever != nullptr) {
      cell->leakage_nw = number_or(group, "cell_leakage_power", 0) * units.leakage_nw;
    } else if (!supplies.empty()) {
      for (const Groups& s : supplies) {
        cell->leakage_nw += s.unconditional.value_or(
            s.states.empty() ? 0 : s.sum / static_cast<double>(s.states.size()));
      }
    } else {
      cell->leakage_nw = number_or(root_, "default_cell_leakage_power", 0) * units.leakage_nw;
    }
    if (!has_states) return;
    for (Groups& s : supplies) {
      SupplyLeakage leakage;
      leakage.supply = s.supply;
      // States that no group of the supply is about: of an only supply, what the cell leaks
      // whatever the state.
      const double mean = s.states.empty() ? 0 : s.sum / static_cast<double>(s.states.size());
      leakage.otherwise_nw =
          s.unconditional.value_or(supplies.size() == 1 ? cell->leakage_nw : mean);
      leakage.states = std::move(s.states);
      cell->supply_leakage.push_back(std::move(leakage));
    }
  }

  /// Moves supply pins out of the cell's pins: those that a pg_pin group names too, and pins
  /// without a part in the cell's logic that are inout, or are inputs named like a supply.
  static void take_supply_pins(LibertyCell* cell) {
    std::set<std::string> used;
    const auto use = [&used](const std::optional<BooleanExpression>& expression) {
      if (!expression.has_value()) return;
      for (const std::string& name : expression->names()) used.insert(name);
    };
    for (const LibertyPin& pin : cell->pins) {
      use(pin.function);
      for (const TimingArc& arc : pin.timing_arcs) {
        used.insert(arc.related_pins.begin(), arc.related_pins.end());
      }
      for (const ConstraintArc& arc : pin.constraints) used.insert(arc.related_pin);
    }
    if (cell->flip_flop.has_value()) {
      const LibertyFlipFlop& ff = *cell->flip_flop;
      for (const auto& expression :
           {std::optional(ff.next_state), std::optional(ff.clocked_on), ff.clear, ff.preset}) {
        use(expression);
      }
    }
    std::vector<std::string>& supplies = cell->supply_pins;
    std::vector<LibertyPin> kept;
    for (LibertyPin& pin : cell->pins) {
      const bool is_known = std::find(supplies.begin(), supplies.end(), pin.name) != supplies.end();
      const bool has_part = pin.function.has_value() || pin.three_state ||
                            !pin.timing_arcs.empty() || !pin.constraints.empty() ||
                            used.count(pin.name) > 0;
      const bool is_supply =
          !has_part &&
          (is_known || pin.direction == LibertyPin::Direction::kInout ||
           (pin.direction == LibertyPin::Direction::kInput && is_supply_name(pin.name)));
      if (!is_supply) {
        kept.push_back(std::move(pin));
      } else if (!is_known) {
        supplies.push_back(pin.name);
      }
    }
    cell->pins = std::move(kept);
    supplies.erase(std::remove_if(supplies.begin(), supplies.end(),
                                  [](const std::string& name) { return !is_writable(name); }),
                   supplies.end());
  }

  /// The sense of arcs that state none: how the function depends on the pin.
  void derive_senses(const LibertyCell& cell, LibertyPin* pin) const {
    constexpr std::size_t kMaxNames = 10;
    for (TimingArc& arc : pin->timing_arcs) {
      if (senses_stated_.count({pin->name, arc.related_pins[0], arc.type}) > 0) continue;
      if (!arc.type.empty() || !pin->function.has_value() || cell.flip_flop.has_value()) continue;
      const std::vector<std::string> names = pin->function->names();
      const auto at = std::find(names.begin(), names.end(), arc.related_pins[0]);
      if (at == names.end() || names.size() > kMaxNames) continue;
      const auto bit = static_cast<unsigned>(at - names.begin());
      bool rises = false;
      bool falls = false;
      for (unsigned values = 0; values >> names.size() == 0; ++values) {
        if ((values >> bit & 1) != 0) continue;
        const auto result = [&](unsigned v) {
          return pin->function->evaluate([&](const std::string& name) {
            const auto index = std::find(names.begin(), names.end(), name) - names.begin();
            return (v >> index & 1) != 0;
          });
        };
        const bool low = result(values);
        const bool high = result(values | 1u << bit);
        rises = rises || (high && !low);
        falls = falls || (low && !high);
      }
      if (rises != falls) {
        arc.sense = rises ? TimingArc::Sense::kPositiveUnate : TimingArc::Sense::kNegativeUnate;
      }
    }
  }

  /// Internal pins have no net in a netlist: a cell whose logic goes through one cannot be run, and
  /// of others they are dropped.
  static void check_internal_pins(LibertyCell* cell) {
    std::vector<std::string> names;
    for (const LibertyPin& pin : cell->pins) {
      if (pin.direction == LibertyPin::Direction::kInternal) names.push_back(pin.name);
    }
    if (names.empty() || !cell->unsupported.empty()) return;
    const auto is_internal = [&names](const std::string& name) {
      return std::find(names.begin(), names.end(), name) != names.end();
    };
    const auto goes_through = [&](const std::optional<BooleanExpression>& expression) {
      if (!expression.has_value()) return false;
      const std::vector<std::string> used = expression->names();
      return std::any_of(used.begin(), used.end(), is_internal);
    };
    std::vector<LibertyPin> kept;
    for (LibertyPin& pin : cell->pins) {
      bool through = goes_through(pin.function);
      for (const InternalPower& power : pin.internal_power) {
        through = through || goes_through(power.when) ||
                  std::any_of(power.related_pins.begin(), power.related_pins.end(), is_internal);
      }
      for (const TimingArc& arc : pin.timing_arcs) {
        through = through || goes_through(arc.when) || is_internal(arc.related_pins[0]);
      }
      for (const ConstraintArc& arc : pin.constraints) {
        through = through || goes_through(arc.when) || is_internal(arc.related_pin);
      }
      if (pin.direction == LibertyPin::Direction::kInternal) continue;
      if (through) cell->unsupported = "it has an internal pin that other pins depend on";
      kept.push_back(std::move(pin));
    }
    if (cell->flip_flop.has_value()) {
      const LibertyFlipFlop& ff = *cell->flip_flop;
      for (const auto& expression :
           {std::optional(ff.next_state), std::optional(ff.clocked_on), ff.clear, ff.preset}) {
        if (goes_through(expression)) {
          cell->unsupported = "it has an internal pin that its flip-flop depends on";
        }
      }
    }
    for (const SupplyLeakage& supply : cell->supply_leakage) {
      for (const StateLeakage& state : supply.states) {
        if (goes_through(state.when)) {
          cell->unsupported = "it has an internal pin that its leakage depends on";
        }
      }
    }
    cell->pins = std::move(kept);
  }

  BooleanExpression expression(const LibertyAttribute& attribute) const {
    return parse_boolean_expression(attribute.values.empty() ? "" : attribute.values[0],
                                    fmt::format("{}: {}", where(attribute.line), attribute.name));
  }

  std::optional<BooleanExpression> optional_expression(const LibertyGroup& group,
                                                       std::string_view name) const {
    const LibertyAttribute* attribute = group.find(name);
    if (attribute == nullptr) return std::nullopt;
    return expression(*attribute);
  }

  LibertyFlipFlop read_flip_flop(const LibertyGroup& group, LibertyCell& cell) const {
    LibertyFlipFlop ff;
    if (group.arguments.empty()) fail(group.line, "ff group without state names");
    ff.state = group.arguments[0];
    ff.inverted_state = group.arguments.size() > 1 ? group.arguments[1] : ff.state + "_inverted";
    for (const char* name : {"next_state", "clocked_on"}) {
      if (group.find(name) == nullptr) {
        fail(group.line, fmt::format("ff group of cell {} without {}", cell.name, name));
      }
    }
    if (group.find("clocked_on_also") != nullptr) cell.unsupported = "it is a master-slave ff";
    ff.next_state = expression(*group.find("next_state"));
    ff.clocked_on = expression(*group.find("clocked_on"));
    ff.clear = optional_expression(group, "clear");
    ff.preset = optional_expression(group, "preset");
    const auto high = [&group](std::string_view name) {
      const LibertyAttribute* attribute = group.find(name);
      return attribute != nullptr && !attribute->values.empty() && attribute->values[0] == "H";
    };
    ff.both_state = high("clear_preset_var1");
    ff.both_inverted_state = high("clear_preset_var2");
    return ff;
  }

  LibertyPin read_pin(const LibertyGroup& group, const std::string& name,
                      const Units& units) const {
    LibertyPin pin;
    pin.name = name;
    const LibertyAttribute* direction = group.find("direction");
    if (direction == nullptr || direction->values.empty()) {
      fail(group.line, fmt::format("pin {} without direction", name));
    }
    const std::string& text = direction->values[0];
    if (text == "input") {
      pin.direction = LibertyPin::Direction::kInput;
    } else if (text == "output") {
      pin.direction = LibertyPin::Direction::kOutput;
    } else if (text == "inout") {
      pin.direction = LibertyPin::Direction::kInout;
    } else if (text == "internal") {
      pin.direction = LibertyPin::Direction::kInternal;
    } else {
      fail(direction->line,
           fmt::format("direction = \"{}\", expected input, output, inout or internal", text));
    }
    const bool is_input = pin.direction == LibertyPin::Direction::kInput;
    pin.rise_capacitance_ff = scaled_option(group, "rise_capacitance", units.capacitance_ff);
    pin.fall_capacitance_ff = scaled_option(group, "fall_capacitance", units.capacitance_ff);
    if (group.find("capacitance") != nullptr) {
      pin.capacitance_ff = number_or(group, "capacitance", 0) * units.capacitance_ff;
    } else if (pin.rise_capacitance_ff.has_value() || pin.fall_capacitance_ff.has_value()) {
      // By edge only: their mean, which is what a rise and a fall together charge.
      const double rise = pin.rise_capacitance_ff.value_or(*pin.fall_capacitance_ff);
      pin.capacitance_ff = (rise + pin.fall_capacitance_ff.value_or(rise)) / 2;
    } else {
      pin.capacitance_ff =
          number_or(root_, is_input ? "default_input_pin_cap" : "default_output_pin_cap", 0) *
          units.capacitance_ff;
    }
    pin.max_capacitance_ff = scaled_option(group, "max_capacitance", units.capacitance_ff);
    pin.max_transition_ns = scaled_option(group, "max_transition", units.time_ns);
    if (const LibertyAttribute* clock = group.find("clock")) {
      pin.is_clock = !clock->values.empty() && same_letters(clock->values[0], "true");
    }
    pin.function = optional_expression(group, "function");
    pin.three_state = group.find("three_state") != nullptr;
    for (const LibertyGroup& child : group.groups) {
      if (child.type == "internal_power") pin.internal_power.push_back(read_power(child, units));
      if (child.type == "timing") {
        TimingArc arc = read_arc(child, units);
        const bool has_tables =
            !arc.rise_delay_ns.empty() || !arc.fall_delay_ns.empty() || arc.has_slews();
        // One arc a related pin: abc does not take several in one group.
        const std::vector<std::string> related = std::move(arc.related_pins);
        for (const std::string& from : related) {
          arc.related_pins = {from};
          if (child.find("timing_sense") != nullptr) {
            senses_stated_.insert({name, from, arc.type});
          } else {
            senses_stated_.erase({name, from, arc.type});
          }
          if (has_tables) pin.timing_arcs.push_back(arc);
          read_constraint(child, units, from, arc, &pin);
        }
      }
    }
    return pin;
  }

  TimingArc read_arc(const LibertyGroup& group, const Units& units) const {
    TimingArc arc;
    arc.when = optional_expression(group, "when");
    arc.related_pins = related_pins(group);
    if (const LibertyAttribute* type = group.find("timing_type")) {
      const std::string text = type->values.empty() ? "" : type->values[0];
      const bool is_word = std::all_of(text.begin(), text.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
      });
      if (!is_word) {
        fail(type->line, fmt::format("timing_type = \"{}\", expected a word", text));
      }
      if (text != "combinational") arc.type = text;
    }
    if (const LibertyAttribute* sense = group.find("timing_sense")) {
      const std::string text = sense->values.empty() ? "" : sense->values[0];
      if (text == "positive_unate") {
        arc.sense = TimingArc::Sense::kPositiveUnate;
      } else if (text == "negative_unate") {
        arc.sense = TimingArc::Sense::kNegativeUnate;
      } else if (text != "non_unate") {
        fail(sense->line,
             fmt::format("timing_sense = \"{}\", expected positive_unate, negative_unate or "
                         "non_unate",
                         text));
      }
    }
    for (const LibertyGroup& table : group.groups) {
      LibertyTable* target = table.type == "cell_rise"         ? &arc.rise_delay_ns
                             : table.type == "cell_fall"       ? &arc.fall_delay_ns
                             : table.type == "rise_transition" ? &arc.rise_slew_ns
                             : table.type == "fall_transition" ? &arc.fall_slew_ns
                                                               : nullptr;
      if (target == nullptr) continue;
      *target = read_table(table, units, units.time_ns, templates_, power_templates_);
      spread(target);
    }
    return arc;
  }

  /// A delay table with two points at least on each axis, which abc needs; it says the same.
  static void spread(LibertyTable* table) {
    if (table->values.empty()) return;
    const std::size_t loads = std::max<std::size_t>(1, table->load_ff.size());
    const std::size_t slews = std::max<std::size_t>(1, table->slew_ns.size());
    if (slews < 2) {
      if (table->slew_ns.empty()) table->slew_ns = {0};
      table->slew_ns.push_back(table->slew_ns[0] + 1);
      const std::vector<double> row = table->values;
      table->values.insert(table->values.end(), row.begin(), row.end());
    }
    if (loads < 2) {
      if (table->load_ff.empty()) table->load_ff = {0};
      table->load_ff.push_back(table->load_ff[0] + 1);
      std::vector<double> wide;
      for (const double value : table->values) wide.insert(wide.end(), {value, value});
      table->values = std::move(wide);
    }
  }

  /// A timing group's setup, hold, recovery or removal times.
  void read_constraint(const LibertyGroup& group, const Units& units, const std::string& from,
                       const TimingArc& arc, LibertyPin* pin) const {
    static const std::set<std::string> kTypes = {
        "setup_rising",    "setup_falling",    "hold_rising",    "hold_falling",
        "recovery_rising", "recovery_falling", "removal_rising", "removal_falling"};
    if (kTypes.count(arc.type) == 0) return;
    ConstraintArc constraint;
    constraint.related_pin = from;
    constraint.type = arc.type;
    constraint.when = arc.when;
    for (const LibertyGroup& child : group.groups) {
      ConstraintTable* target = child.type == "rise_constraint"   ? &constraint.rise
                                : child.type == "fall_constraint" ? &constraint.fall
                                                                  : nullptr;
      if (target == nullptr) continue;
      Grid grid = read_grid(child, templates_, power_templates_,
                            {{"related_pin_transition", 0}, {"constrained_pin_transition", 1}});
      for (double& v : grid.axes[0]) v *= units.time_ns;
      for (double& v : grid.axes[1]) v *= units.time_ns;
      for (double& v : grid.values) v *= units.time_ns;
      *target = {std::move(grid.axes[0]), std::move(grid.axes[1]), std::move(grid.values)};
    }
    if (constraint.rise.values_ns.empty() && constraint.fall.values_ns.empty()) return;
    pin->constraints.push_back(std::move(constraint));
  }

  std::vector<std::string> related_pins(const LibertyGroup& group) const {
    std::vector<std::string> names;
    if (const LibertyAttribute* related = group.find("related_pin")) {
      for (const std::string& value : related->values) {
        for (const std::string& name : split_words(value)) names.push_back(name);
      }
    }
    return names;
  }

  InternalPower read_power(const LibertyGroup& group, const Units& units) const {
    InternalPower power;
    power.supply = supply(group);
    power.when = optional_expression(group, "when");
    power.related_pins = related_pins(group);
    for (const LibertyGroup& table : group.groups) {
      if (table.type == "rise_power" || table.type == "power") {
        power.rise_fj = read_table(table, units, units.energy_fj, power_templates_, templates_);
      }
      if (table.type == "fall_power" || table.type == "power") {
        power.fall_fj = read_table(table, units, units.energy_fj, power_templates_, templates_);
      }
    }
    return power;
  }

  static std::vector<std::string> split_words(const std::string& text) {
    std::vector<std::string> words;
    std::string word;
    for (const char c : text + " ") {
      if (c == ' ' || c == ',' || c == '\t' || c == '"') {
        if (!word.empty()) words.push_back(word);
        word.clear();
      } else {
        word += c;
      }
    }
    return words;
  }

  std::vector<double> numbers(const LibertyAttribute& attribute) const {
    std::vector<double> found;
    for (const std::string& value : attribute.values) {
      for (const std::string& word : split_words(value)) {
        found.push_back(number(word, attribute.line, attribute.name));
      }
    }
    return found;
  }

  using Templates = std::map<std::string, const LibertyGroup*>;

  /// A table over two quantities, its values with the second one inner.
  struct Grid {
    std::array<std::vector<double>, 2> axes;
    std::vector<double> values;
  };

  /// Reads a table whose template is found among `near` or else `far`; `quantities` gives the axis
  /// of each variable. A table over another variable makes the cell unsupported, and is empty.
  Grid read_grid(const LibertyGroup& group, const Templates& near, const Templates& far,
                 const std::map<std::string, int>& quantities) const {
    Grid grid;
    const LibertyAttribute* values = group.find("values");
    if (values == nullptr) fail(group.line, fmt::format("{} without values", group.type));
    const std::vector<double> read = numbers(*values);

    const std::string name = group.arguments.empty() ? "scalar" : group.arguments[0];
    const LibertyGroup* shape = nullptr;
    for (const Templates* templates : {&near, &far}) {
      const auto found = templates->find(name);
      if (shape == nullptr && found != templates->end()) shape = found->second;
    }
    if (shape == nullptr && name != "scalar") {
      fail(group.line, fmt::format("{} uses the unknown template {}", group.type, name));
    }
    std::vector<int> order;  // axis of each variable
    for (int i = 1; shape != nullptr && i <= 3; ++i) {
      const LibertyAttribute* variable = shape->find(fmt::format("variable_{}", i));
      if (variable == nullptr || variable->values.empty()) break;
      const std::string& quantity = variable->values[0];
      std::vector<double> axis;
      const std::string index = fmt::format("index_{}", i);
      if (const LibertyAttribute* own = group.find(index)) {
        axis = numbers(*own);
      } else if (const LibertyAttribute* common = shape->find(index)) {
        axis = numbers(*common);
      }
      if (axis.empty()) fail(group.line, fmt::format("{} without {}", group.type, index));
      for (std::size_t k = 1; k < axis.size(); ++k) {
        if (axis[k] <= axis[k - 1]) {
          fail(group.line, fmt::format("{} of {} does not increase", index, group.type));
        }
      }
      const auto known = quantities.find(quantity);
      if (known == quantities.end()) {
        std::string allowed;
        for (const auto& [allowed_name, axis_number] : quantities) {
          allowed += (allowed.empty() ? "" : ", ") + allowed_name;
        }
        unsupported_table_ = fmt::format("its {} (line {}) depends on {}, expected {}", group.type,
                                         where(group.line), quantity, allowed);
        return {};
      }
      if (std::find(order.begin(), order.end(), known->second) != order.end()) {
        fail(group.line, fmt::format("{} names the same variable twice", group.type));
      }
      order.push_back(known->second);
      grid.axes[known->second] = std::move(axis);
    }
    const std::size_t outer = std::max<std::size_t>(1, grid.axes[0].size());
    const std::size_t inner = std::max<std::size_t>(1, grid.axes[1].size());
    if (read.size() != outer * inner) {
      fail(values->line,
           fmt::format("{} holds {} values, expected {}", group.type, read.size(), outer * inner));
    }
    const bool turned = !order.empty() && order[0] == 1;
    grid.values.resize(read.size());
    for (std::size_t o = 0; o < outer; ++o) {
      for (std::size_t i = 0; i < inner; ++i) {
        grid.values[o * inner + i] = read[turned ? i * outer + o : o * inner + i];
      }
    }
    return grid;
  }

  LibertyTable read_table(const LibertyGroup& group, const Units& units, double scale,
                          const Templates& near, const Templates& far) const {
    static const std::map<std::string, int> kQuantities = {{"input_net_transition", 0},
                                                           {"input_transition_time", 0},
                                                           {"total_output_net_capacitance", 1}};
    Grid grid = read_grid(group, near, far, kQuantities);
    for (double& v : grid.axes[0]) v *= units.time_ns;
    for (double& v : grid.axes[1]) v *= units.capacitance_ff;
    for (double& v : grid.values) v *= scale;
    return {std::move(grid.axes[0]), std::move(grid.axes[1]), std::move(grid.values)};
  }

  /// Every name in the cell's expressions must be a pin or a state variable.
  void check_names(const LibertyCell& cell, int line) const {
    if (!cell.unsupported.empty()) return;
    const auto check = [&](const BooleanExpression& expression, const std::string& what) {
      for (const std::string& name : expression.names()) {
        const bool state = cell.flip_flop.has_value() && (name == cell.flip_flop->state ||
                                                          name == cell.flip_flop->inverted_state);
        if (!state && cell.find_pin(name) == nullptr) {
          fail(line,
               fmt::format("cell {}: {} names {}, which is no pin of it", cell.name, what, name));
        }
      }
    };
    for (const LibertyPin& pin : cell.pins) {
      if (pin.function.has_value()) check(*pin.function, "function of pin " + pin.name);
      const auto check_cause = [&](const std::vector<std::string>& related,
                                   const std::optional<BooleanExpression>& when) {
        if (when.has_value()) check(*when, "when of pin " + pin.name);
        for (const std::string& name : related) {
          if (cell.find_pin(name) == nullptr) {
            fail(line, fmt::format("cell {}: related_pin of pin {} is {}, which is no pin of it",
                                   cell.name, pin.name, name));
          }
        }
      };
      for (const InternalPower& power : pin.internal_power) {
        check_cause(power.related_pins, power.when);
      }
      for (const TimingArc& arc : pin.timing_arcs) check_cause(arc.related_pins, arc.when);
      for (const ConstraintArc& arc : pin.constraints) {
        check_cause({arc.related_pin}, arc.when);
      }
    }
    for (const SupplyLeakage& supply : cell.supply_leakage) {
      for (const StateLeakage& state : supply.states) check(state.when, "leakage_power");
    }
    if (!cell.flip_flop.has_value()) return;
    check(cell.flip_flop->next_state, "next_state");
    check(cell.flip_flop->clocked_on, "clocked_on");
    if (cell.flip_flop->clear.has_value()) check(*cell.flip_flop->clear, "clear");
    if (cell.flip_flop->preset.has_value()) check(*cell.flip_flop->preset, "preset");
  }

  const LibertyGroup& root_;
  const LibertyText& source_;
  mutable double voltage_unit_v_ = 1;
  Templates templates_;
  Templates power_templates_;
  mutable std::string unsupported_table_;  ///< of the cell that is being read
  /// Output, related pin and type of arcs that state their sense, of the cell that is being read.
  mutable std::set<std::array<std::string, 3>> senses_stated_;
};

}  // namespace

LibertyContents read_liberty_contents(const LibertyText& text) {
  LibertyContents library;
  const LibertyGroup root = parse_liberty_text(text);
  Reader reader(root, text);
  if (root.type != "library" || root.arguments.empty()) {
    reader.fail(root.line,
                fmt::format("found the group `{}`, expected `library (name)`", root.type));
  }
  library.name = root.arguments[0];
  const Units units = reader.units();
  library.voltage_v = reader.voltage_v();
  LibertyThresholds& t = library.thresholds;
  for (const auto& [name, value] : {
           std::pair("input_threshold_pct_rise", &t.input_rise),
           std::pair("input_threshold_pct_fall", &t.input_fall),
           std::pair("output_threshold_pct_rise", &t.output_rise),
           std::pair("output_threshold_pct_fall", &t.output_fall),
           std::pair("slew_lower_threshold_pct_rise", &t.lower_rise),
           std::pair("slew_lower_threshold_pct_fall", &t.lower_fall),
           std::pair("slew_upper_threshold_pct_rise", &t.upper_rise),
           std::pair("slew_upper_threshold_pct_fall", &t.upper_fall),
           std::pair("slew_derate_from_library", &t.slew_derate),
       }) {
    *value = reader.number_or(root, name, *value);
  }
  library.default_max_transition_ns =
      reader.scaled_option(root, "default_max_transition", units.time_ns);
  reader.read_templates();
  std::set<std::string> names;
  for (const LibertyGroup& group : root.groups) {
    if (group.type != "cell") continue;
    LibertyCell cell = reader.read_cell(group, units);
    if (!names.insert(cell.name).second) {
      reader.fail(group.line, fmt::format("cell {} is defined twice", cell.name));
    }
    library.cells.push_back(std::move(cell));
  }
  if (library.cells.empty()) reader.fail(root.line, "the library holds no cell");
  return library;
}

}  // namespace lutra::synth
