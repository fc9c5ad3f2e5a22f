#ifndef LUTRA_NETLIST_LIBERTY_CELL_WRITER_H_
#define LUTRA_NETLIST_LIBERTY_CELL_WRITER_H_

#include <fmt/format.h>

#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lutra/netlist/liberty_cell.h"
#include "lutra/netlist/liberty_names.h"

namespace lutra::synth {

/// Writes cells, and keeps the templates that they need.
class LibertyCellWriter {
 public:
  explicit LibertyCellWriter(LibertyNames names) : names_(names) {}

  void add(const LibertyCell& cell) {
    cell_ = &cell;
    print("  cell ({}) {{\n    area : {};\n", name_of(cell.name, cell.tool_name), cell.area_um2);
    if (cell.dont_use) print("    dont_use : true;\n");
    print("    cell_leakage_power : {};\n", cell.leakage_nw);
    for (const SupplyLeakage& supply : cell.supply_leakage) {
      print("    leakage_power () {{ {}value : {}; }}\n", supply_text(supply.supply),
            supply.otherwise_nw);
      for (const StateLeakage& state : supply.states) {
        print("    leakage_power () {{ {}when : \"{}\"; value : {}; }}\n",
              supply_text(supply.supply), expression(state.when), state.leakage_nw);
      }
    }
    if (cell.flip_flop.has_value()) add_flip_flop(*cell.flip_flop);
    for (const LibertyPin& pin : cell.pins) add_pin(pin);
    print("  }}\n");
  }

  std::string cells() const { return fmt::to_string(out_); }

  /// The groups that the cells' tables refer to.
  std::string templates() const {
    std::string text;
    for (const auto& [name, table] : templates_) {
      const bool is_power = table.kind == TableKind::kPower;
      text += fmt::format("  {} ({}) {{{} }}\n",
                          is_power ? "power_lut_template" : "lu_table_template", name, table.body);
    }
    return text;
  }

 private:
  enum class TableKind { kDelay, kConstraint, kPower };

  template <typename... Arguments>
  void print(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Arguments>(arguments)...);
  }

  static const char* name_of(TableKind kind) {
    return kind == TableKind::kDelay ? "delay" : kind == TableKind::kPower ? "power" : "constraint";
  }

  /// A cell's or pin's name as it is written: quoted where it is no plain word.
  std::string name_of(const std::string& own, const std::string& tool) const {
    if (names_ == LibertyNames::kTool) return tool;
    return is_plain_identifier(own) ? own : "\"" + own + "\"";
  }

  /// The name of a pin or state variable in an expression.
  std::string operand(const std::string& name) const {
    if (names_ == LibertyNames::kOwn) return name;
    if (const LibertyPin* pin = cell_->find_pin(name)) return pin->tool_name;
    // A state variable, called so that no pin has the name.
    std::set<std::string> taken;
    for (const LibertyPin& pin : cell_->pins) taken.insert(pin.tool_name);
    std::string state = unique_plain_name(cell_->flip_flop->state, &taken);
    return name == cell_->flip_flop->state
               ? state
               : unique_plain_name(cell_->flip_flop->inverted_state, &taken);
  }

  std::string expression(const BooleanExpression& expression) const {
    return expression.liberty([this](const std::string& name) { return operand(name); });
  }

  static std::string supply_text(const std::string& supply) {
    return supply.empty() ? "" : fmt::format("related_pg_pin : \"{}\"; ", supply);
  }

  void add_flip_flop(const LibertyFlipFlop& ff) {
    print("    ff (\"{}\", \"{}\") {{ next_state : \"{}\"; clocked_on : \"{}\"; ",
          operand(ff.state), operand(ff.inverted_state), expression(ff.next_state),
          expression(ff.clocked_on));
    if (ff.clear.has_value()) print("clear : \"{}\"; ", expression(*ff.clear));
    if (ff.preset.has_value()) print("preset : \"{}\"; ", expression(*ff.preset));
    if (ff.clear.has_value() && ff.preset.has_value()) {
      print("clear_preset_var1 : {}; clear_preset_var2 : {}; ", ff.both_state ? 'H' : 'L',
            ff.both_inverted_state ? 'H' : 'L');
    }
    print("}}\n");
  }

  void add_pin(const LibertyPin& pin) {
    const bool is_input = pin.direction == LibertyPin::Direction::kInput;
    print("    pin ({}) {{\n      direction : {};\n      capacitance : {};\n",
          name_of(pin.name, pin.tool_name), is_input ? "input" : "output", pin.capacitance_ff);
    if (pin.rise_capacitance_ff.has_value()) {
      print("      rise_capacitance : {};\n", *pin.rise_capacitance_ff);
    }
    if (pin.fall_capacitance_ff.has_value()) {
      print("      fall_capacitance : {};\n", *pin.fall_capacitance_ff);
    }
    if (pin.is_clock) print("      clock : true;\n");
    if (pin.function.has_value()) print("      function : \"{}\";\n", expression(*pin.function));
    if (pin.max_capacitance_ff.has_value()) {
      print("      max_capacitance : {};\n", *pin.max_capacitance_ff);
    }
    if (pin.max_transition_ns.has_value()) {
      print("      max_transition : {};\n", *pin.max_transition_ns);
    }
    for (const TimingArc& arc : pin.timing_arcs) {
      begin_timing(arc.related_pins[0], arc.type, arc.when);
      print("        timing_sense : {};\n",
            arc.sense == TimingArc::Sense::kPositiveUnate   ? "positive_unate"
            : arc.sense == TimingArc::Sense::kNegativeUnate ? "negative_unate"
                                                            : "non_unate");
      add_table("cell_rise", TableKind::kDelay, arc.rise_delay_ns);
      add_table("rise_transition", TableKind::kDelay, arc.rise_slew_ns);
      add_table("cell_fall", TableKind::kDelay, arc.fall_delay_ns);
      add_table("fall_transition", TableKind::kDelay, arc.fall_slew_ns);
      print("      }}\n");
    }
    for (const ConstraintArc& arc : pin.constraints) {
      begin_timing(arc.related_pin, arc.type, arc.when);
      for (const auto& [name, table] :
           {std::pair("rise_constraint", &arc.rise), std::pair("fall_constraint", &arc.fall)}) {
        add_table(name, TableKind::kConstraint, table->related_ns, table->constrained_ns,
                  table->values_ns);
      }
      print("      }}\n");
    }
    for (const InternalPower& power : pin.internal_power) {
      print("      internal_power () {{\n");
      if (!power.supply.empty()) print("        {}\n", supply_text(power.supply));
      if (!power.related_pins.empty()) {
        std::string related;
        for (const std::string& name : power.related_pins) {
          related += (related.empty() ? "" : " ") + operand(name);
        }
        print("        related_pin : \"{}\";\n", related);
      }
      if (power.when.has_value()) print("        when : \"{}\";\n", expression(*power.when));
      add_table("rise_power", TableKind::kPower, power.rise_fj);
      add_table("fall_power", TableKind::kPower, power.fall_fj);
      print("      }}\n");
    }
    print("    }}\n");
  }

  void begin_timing(const std::string& related, const std::string& type,
                    const std::optional<BooleanExpression>& when) {
    print("      timing () {{\n        related_pin : \"{}\";\n", operand(related));
    if (!type.empty()) print("        timing_type : {};\n", type);
    if (when.has_value()) {
      const std::string condition = expression(*when);
      print("        when : \"{}\";\n", condition);
    }
  }

  void add_table(const char* group, TableKind kind, const LibertyTable& table) {
    add_table(group, kind, table.slew_ns, table.load_ff, table.values);
  }

  /// A table; one that does not depend on a quantity has no axis for it.
  void add_table(const char* group, TableKind kind, const std::vector<double>& outer,
                 const std::vector<double>& inner, const std::vector<double>& values) {
    if (values.empty()) return;
    if (outer.empty() && inner.empty()) {
      print("        {} (scalar) {{ values (\"{}\"); }}\n", group, values[0]);
      return;
    }
    const std::string shape = fmt::format("{}_{}x{}", name_of(kind), outer.size(), inner.size());
    const auto [known, is_new] = templates_.try_emplace(shape);
    if (is_new) known->second = {kind, template_body(kind, outer, inner)};
    print("        {} ({}) {{\n", group, shape);
    int index = 1;
    for (const std::vector<double>* axis : {&outer, &inner}) {
      if (axis->empty()) continue;
      print("          index_{} (", index++);
      row(axis->data(), axis->size());
      print(");\n");
    }
    print("          values (");
    const std::size_t columns = inner.empty() ? outer.size() : inner.size();
    for (std::size_t from = 0; from < values.size(); from += columns) {
      if (from > 0) print(", \\\n            ");
      row(values.data() + from, columns);
    }
    print(");\n        }}\n");
  }

  void row(const double* values, std::size_t count) {
    out_.push_back('"');
    for (std::size_t i = 0; i < count; ++i) print("{}{}", i > 0 ? ", " : "", values[i]);
    out_.push_back('"');
  }

  static std::string template_body(TableKind kind, const std::vector<double>& outer,
                                   const std::vector<double>& inner) {
    const char* quantities[] = {kind == TableKind::kPower   ? "input_transition_time"
                                : kind == TableKind::kDelay ? "input_net_transition"
                                                            : "related_pin_transition",
                                kind == TableKind::kConstraint ? "constrained_pin_transition"
                                                               : "total_output_net_capacitance"};
    std::string variables;
    std::string indices;
    int index = 1;
    for (const std::vector<double>* axis : {&outer, &inner}) {
      if (axis->empty()) continue;
      variables += fmt::format(" variable_{} : {};", index, quantities[axis == &outer ? 0 : 1]);
      indices += fmt::format(" index_{} (\"{}\");", index++, fmt::join(*axis, ", "));
    }
    return variables + indices;
  }

  LibertyNames names_;
  const LibertyCell* cell_ = nullptr;
  fmt::memory_buffer out_;
  struct Template {
    TableKind kind = TableKind::kDelay;
    std::string body;
  };
  std::map<std::string, Template> templates_;
};

/// Whether two definitions of a cell say the same.
bool same_cell(const LibertyCell& a, const LibertyCell& b);

}  // namespace lutra::synth

#endif  // LUTRA_NETLIST_LIBERTY_CELL_WRITER_H_
