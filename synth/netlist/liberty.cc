// Liberty groups into a cell library in fixed units.

#include "lutra/synth/liberty.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "lutra/numerics/error.h"
#include "lutra/synth/files.h"

namespace lutra::synth {
namespace {

/// Scale factors from the library's units to ns, fF, fJ and nW.
struct Units {
  double time_ns = 1;
  double capacitance_ff = 1;
  double energy_fj = 1;
  double leakage_nw = 1;
};

class Reader {
 public:
  Reader(const LibertyGroup& root, std::string origin) : root_(root), origin_(std::move(origin)) {}

  [[noreturn]] void fail(int line, const std::string& what) const {
    throw Error(ExitCode::kUsage, fmt::format("{}:{}: {}", origin_, line, what));
  }

  double number(const std::string& text, int line, const std::string& what) const {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0' || !std::isfinite(value)) {
      fail(line, fmt::format("{} = \"{}\", expected a number", what, text));
    }
    return value;
  }

  double number_or(const LibertyGroup& group, std::string_view name, double otherwise) const {
    const LibertyAttribute* attribute = group.find(name);
    if (attribute == nullptr || attribute->values.empty()) return otherwise;
    return number(attribute->values[0], attribute->line, attribute->name);
  }

  /// A text such as "1ns" or "10uW" as a multiple of the base unit.
  double unit(std::string_view name, const std::string& base, double otherwise) const {
    const LibertyAttribute* attribute = root_.find(name);
    if (attribute == nullptr || attribute->values.empty()) return otherwise;
    const std::string& text = attribute->values[0];
    char* end = nullptr;
    const double factor = std::strtod(text.c_str(), &end);
    const std::string suffix(end);
    const auto bad = [&] {
      fail(attribute->line, fmt::format("{} = \"{}\", expected a number and a unit in {}",
                                        attribute->name, text, base));
    };
    if (suffix.size() < base.size() || factor <= 0) bad();
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
      if (load->values.size() != 2) {
        fail(load->line, "capacitive_load_unit has not two arguments, expected (number, ff|pf)");
      }
      const std::string& name = load->values[1];
      double farad = 0;
      if (same_letters(name, "ff")) farad = 1;
      if (same_letters(name, "pf")) farad = 1000;
      if (farad == 0) {
        fail(load->line, fmt::format("capacitive_load_unit = \"{}\", expected ff or pf", name));
      }
      units.capacitance_ff = number(load->values[0], load->line, load->name) * farad;
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
      if (!group.arguments.empty()) templates_[group.arguments[0]] = &group;
    }
  }

  LibertyCell read_cell(const LibertyGroup& group, const Units& units) const {
    LibertyCell cell;
    if (group.arguments.empty()) fail(group.line, "cell without a name");
    cell.name = group.arguments[0];
    cell.begin = group.begin;
    cell.end = group.end;
    cell.area_um2 = number_or(group, "area", 0);
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
      } else if (child.type == "bus" || child.type == "bundle") {
        cell.unsupported = fmt::format("it has a {}", child.type);
      }
    }
    for (const LibertyPin& pin : cell.pins) {
      if (pin.three_state) cell.unsupported = "it has a three-state output";
      if (pin.direction == LibertyPin::Direction::kInout) cell.unsupported = "it has an inout pin";
    }
    check_names(cell, group.line);
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
    const auto found = kPrefixes.find(text);
    if (found == kPrefixes.end()) {
      fail(line, fmt::format("unit prefix \"{}\", expected one of m u n p f k or none", text));
    }
    return found->second;
  }

  /// Leakage by state from the leakage_power groups with a condition. Whatever the state:
  /// cell_leakage_power; without it the group without a condition, or the mean of the groups.
  void read_leakage(const LibertyGroup& group, const Units& units, LibertyCell* cell) const {
    double sum = 0;
    int count = 0;
    std::optional<double> unconditional;
    for (const LibertyGroup& child : group.groups) {
      if (child.type != "leakage_power") continue;
      const double value = number_or(child, "value", 0) * units.leakage_nw;
      sum += value;
      ++count;
      if (const auto when = optional_expression(child, "when")) {
        cell->state_leakage.push_back({*when, value});
      } else {
        unconditional = value;
      }
    }
    if (group.find("cell_leakage_power") != nullptr) {
      cell->leakage_nw = number_or(group, "cell_leakage_power", 0) * units.leakage_nw;
    } else if (count > 0) {
      cell->leakage_nw = unconditional.value_or(sum / count);
    } else {
      cell->leakage_nw = number_or(root_, "default_cell_leakage_power", 0) * units.leakage_nw;
    }
  }

  BooleanExpression expression(const LibertyAttribute& attribute) const {
    return parse_boolean_expression(
        attribute.values.empty() ? "" : attribute.values[0],
        fmt::format("{}:{}: {}", origin_, attribute.line, attribute.name));
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
    if (group.arguments.size() > 1) ff.inverted_state = group.arguments[1];
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
    const double otherwise =
        number_or(root_, is_input ? "default_input_pin_cap" : "default_output_pin_cap", 0);
    pin.capacitance_ff = number_or(group, "capacitance", otherwise) * units.capacitance_ff;
    pin.function = optional_expression(group, "function");
    pin.three_state = group.find("three_state") != nullptr;
    for (const LibertyGroup& child : group.groups) {
      if (child.type == "internal_power") pin.internal_power.push_back(read_power(child, units));
      if (child.type == "timing") {
        TimingArc arc = read_arc(child, units);
        if (!arc.rise_delay_ns.empty() || !arc.fall_delay_ns.empty() || arc.has_slews()) {
          pin.timing_arcs.push_back(std::move(arc));
        }
      }
    }
    return pin;
  }

  TimingArc read_arc(const LibertyGroup& group, const Units& units) const {
    TimingArc arc;
    arc.when = optional_expression(group, "when");
    arc.related_pins = related_pins(group);
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
      if (target != nullptr) *target = read_table(table, units, units.time_ns);
    }
    return arc;
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
    power.when = optional_expression(group, "when");
    power.related_pins = related_pins(group);
    for (const LibertyGroup& table : group.groups) {
      if (table.type == "rise_power" || table.type == "power") {
        power.rise_fj = read_table(table, units, units.energy_fj);
      }
      if (table.type == "fall_power" || table.type == "power") {
        power.fall_fj = read_table(table, units, units.energy_fj);
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

  LibertyTable read_table(const LibertyGroup& group, const Units& units, double scale) const {
    LibertyTable table;
    const LibertyAttribute* values = group.find("values");
    if (values == nullptr) fail(group.line, fmt::format("{} without values", group.type));
    const std::vector<double> read = numbers(*values);

    const std::string name = group.arguments.empty() ? "scalar" : group.arguments[0];
    const LibertyGroup* shape = nullptr;
    const auto found = templates_.find(name);
    if (found != templates_.end()) shape = found->second;
    if (shape == nullptr && name != "scalar") {
      fail(group.line, fmt::format("{} uses the unknown template {}", group.type, name));
    }
    int slew_variable = 0;
    int load_variable = 0;
    int variables = 0;
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
      ++variables;
      if (quantity == "input_net_transition" || quantity == "input_transition_time") {
        slew_variable = i;
        for (const double v : axis) table.slew_ns.push_back(v * units.time_ns);
      } else if (quantity == "total_output_net_capacitance") {
        load_variable = i;
        for (const double v : axis) table.load_ff.push_back(v * units.capacitance_ff);
      } else {
        fail(group.line,
             fmt::format("{} depends on {}, expected input_net_transition, input_transition_time "
                         "or total_output_net_capacitance",
                         group.type, quantity));
      }
    }
    if (variables > 2 || variables != (slew_variable > 0) + (load_variable > 0)) {
      fail(group.line, fmt::format("{} names the same variable twice", group.type));
    }
    const std::size_t slews = std::max<std::size_t>(1, table.slew_ns.size());
    const std::size_t loads = std::max<std::size_t>(1, table.load_ff.size());
    if (read.size() != slews * loads) {
      fail(values->line,
           fmt::format("{} holds {} values, expected {}", group.type, read.size(), slews * loads));
    }
    const bool load_outer = load_variable == 1;
    table.values.resize(read.size());
    for (std::size_t s = 0; s < slews; ++s) {
      for (std::size_t l = 0; l < loads; ++l) {
        table.values[s * loads + l] = read[load_outer ? l * slews + s : s * loads + l] * scale;
      }
    }
    return table;
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
    }
    for (const StateLeakage& state : cell.state_leakage) check(state.when, "leakage_power");
    if (!cell.flip_flop.has_value()) return;
    check(cell.flip_flop->next_state, "next_state");
    check(cell.flip_flop->clocked_on, "clocked_on");
    if (cell.flip_flop->clear.has_value()) check(*cell.flip_flop->clear, "clear");
    if (cell.flip_flop->preset.has_value()) check(*cell.flip_flop->preset, "preset");
  }

  const LibertyGroup& root_;
  std::string origin_;
  mutable double voltage_unit_v_ = 1;
  std::map<std::string, const LibertyGroup*> templates_;
};

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

Liberty Liberty::read(const std::filesystem::path& path) {
  return parse(read_file_maybe_gzip(path), path.string());
}

Liberty Liberty::parse(std::string text, const std::string& origin) {
  Liberty library;
  library.origin_ = origin;
  library.text_ = std::move(text);
  const LibertyGroup root = parse_liberty_text(library.text_, origin);
  Reader reader(root, origin);
  if (root.type != "library" || root.arguments.empty()) {
    reader.fail(root.line,
                fmt::format("found the group `{}`, expected `library (name)`", root.type));
  }
  library.name_ = root.arguments[0];
  const Units units = reader.units();
  library.voltage_v_ = reader.voltage_v();
  reader.read_templates();
  for (const LibertyGroup& group : root.groups) {
    if (group.type != "cell") continue;
    LibertyCell cell = reader.read_cell(group, units);
    library.cell_ranges_.emplace_back(cell.begin, cell.end);
    const std::string cell_name = cell.name;
    if (!library.cells_.emplace(cell_name, std::move(cell)).second) {
      reader.fail(group.line, fmt::format("cell {} is defined twice", cell_name));
    }
  }
  if (library.cells_.empty()) reader.fail(root.line, "the library holds no cell");
  return library;
}

const LibertyCell* Liberty::find_cell(std::string_view cell_name) const {
  const auto found = cells_.find(std::string(cell_name));
  return found == cells_.end() ? nullptr : &found->second;
}

const LibertyCell& Liberty::smallest_inverter() const {
  const LibertyCell* best = nullptr;
  for (const auto& [cell_name, cell] : cells_) {
    if (cell.flip_flop.has_value() || !cell.unsupported.empty() || cell.pins.size() != 2) continue;
    if (cell.dont_use) continue;
    for (const LibertyPin& pin : cell.pins) {
      if (!pin.function.has_value() || pin.timing_arcs.empty()) continue;
      if (!pin.timing_arcs[0].has_slews()) continue;
      const std::vector<BooleanExpression::Node>& nodes = pin.function->nodes;
      if (nodes.size() != 2 || nodes[1].op != BooleanExpression::Op::kNot) continue;
      if (best == nullptr || cell.area_um2 < best->area_um2) best = &cell;
    }
  }
  if (best == nullptr) {
    throw Error(ExitCode::kUsage,
                fmt::format("{}: the library holds no inverter with slew tables", origin_));
  }
  return *best;
}

double Liberty::fanout_of_four_slew_ns() const {
  const LibertyCell& inverter = smallest_inverter();
  double load = 0;
  const TimingArc* arc = nullptr;
  for (const LibertyPin& pin : inverter.pins) {
    if (pin.direction == LibertyPin::Direction::kInput) load = 4 * pin.capacitance_ff;
    if (!pin.timing_arcs.empty()) arc = &pin.timing_arcs[0];
  }
  double slew = 0;
  // The chain settles within a few stages: the slope of output over input slew is well below 1.
  for (int stage = 0; stage < 64; ++stage) {
    slew = (arc->rise_slew_ns.lookup(slew, load) + arc->fall_slew_ns.lookup(slew, load)) / 2;
  }
  if (!std::isfinite(slew) || slew <= 0) {
    throw Error(ExitCode::kUsage,
                fmt::format("{}: the slew tables of {} give no fan-out-of-four slew", origin_,
                            inverter.name));
  }
  return slew;
}

std::string Liberty::subset_text(const std::vector<std::string>& cell_names) const {
  std::vector<std::pair<std::size_t, std::size_t>> dropped;
  for (const auto& [cell_name, cell] : cells_) {
    if (std::find(cell_names.begin(), cell_names.end(), cell_name) == cell_names.end()) {
      dropped.emplace_back(cell.begin, cell.end);
    }
  }
  std::sort(dropped.begin(), dropped.end());
  std::string out;
  std::size_t from = 0;
  for (const auto& [begin, end] : dropped) {
    out.append(text_, from, begin - from);
    from = end;
  }
  out.append(text_, from, std::string::npos);
  return out;
}

std::string Liberty::verilog_cells(const std::vector<std::string>& cell_names) const {
  std::string out = fmt::format("// Cells of the library {}, from its Liberty functions.\n", name_);
  for (const std::string& cell_name : cell_names) {
    const LibertyCell* cell = find_cell(cell_name);
    if (cell == nullptr || !cell->unsupported.empty()) {
      throw Error(ExitCode::kUnsupported,
                  fmt::format("{}: cell {}: no Verilog: {}", origin_, cell_name,
                              cell == nullptr ? "it is not in the library" : cell->unsupported));
    }
    std::vector<std::string> ports;
    std::string body;
    for (const LibertyPin& pin : cell->pins) {
      if (pin.direction == LibertyPin::Direction::kInternal) continue;
      const bool is_input = pin.direction == LibertyPin::Direction::kInput;
      ports.push_back(fmt::format("{} {}", is_input ? "input wire" : "output wire", pin.name));
      if (pin.function.has_value()) {
        body += fmt::format("  assign {} = {};\n", pin.name, pin.function->verilog());
      }
    }
    if (cell->flip_flop.has_value()) {
      const LibertyFlipFlop& ff = *cell->flip_flop;
      std::string states = fmt::format("  reg {};\n", ff.state);
      std::string edges = "posedge lutra_clock";
      std::string async;
      std::string head = fmt::format("  wire lutra_clock = {};\n", ff.clocked_on.verilog());
      if (ff.clear.has_value()) {
        head += fmt::format("  wire lutra_clear = {};\n", ff.clear->verilog());
        edges += " or posedge lutra_clear";
        const std::string value = ff.both_state && ff.preset.has_value() ? "lutra_preset" : "1'b0";
        async += fmt::format("    if (lutra_clear) {} <= {};\n    else ", ff.state, value);
      }
      if (ff.preset.has_value()) {
        head += fmt::format("  wire lutra_preset = {};\n", ff.preset->verilog());
        edges += " or posedge lutra_preset";
        async += fmt::format("{}if (lutra_preset) {} <= 1'b1;\n    else ",
                             ff.clear.has_value() ? "" : "    ", ff.state);
      }
      if (async.empty()) async = "    ";
      if (!ff.inverted_state.empty()) {
        states += fmt::format("  wire {} = ~{};\n", ff.inverted_state, ff.state);
      }
      body = states + head +
             fmt::format("  always @({})\n{}{} <= {};\n", edges, async, ff.state,
                         ff.next_state.verilog()) +
             body;
    }
    out += fmt::format("\nmodule {}(", cell_name);
    for (std::size_t i = 0; i < ports.size(); ++i) {
      out += (i > 0 ? ", " : "") + ports[i];
    }
    out += fmt::format(");\n{}endmodule\n", body);
  }
  return out;
}

}  // namespace lutra::synth
