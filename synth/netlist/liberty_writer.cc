// A library written anew: as plain Liberty, and as Verilog. Yosys, abc and OpenSTA each take
// another part of what libraries hold, some of it without a word; this is what all of them take
// alike.

#include "lutra/netlist/liberty_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "lutra/base/error.h"

namespace lutra::synth {
namespace {

/// IEEE 1800-2017, annex B: Verilator reads a netlist as SystemVerilog.
constexpr const char* kKeywords =
    "accept_on alias always always_comb always_ff always_latch and assert assign assume "
    "automatic before begin bind bins binsof bit break buf bufif0 bufif1 byte case casex "
    "casez cell chandle checker class clocking cmos config const constraint context "
    "continue cover covergroup coverpoint cross deassign default defparam design disable "
    "dist do edge else end endcase endchecker endclass endclocking endconfig endfunction "
    "endgenerate endgroup endinterface endmodule endpackage endprimitive endprogram "
    "endproperty endspecify endsequence endtable endtask enum event eventually expect "
    "export extends extern final first_match for force foreach forever fork forkjoin "
    "function generate genvar global highz0 highz1 if iff ifnone ignore_bins illegal_bins "
    "implements implies import incdir include initial inout input inside instance int "
    "integer interconnect interface intersect join join_any join_none large let liblist "
    "library local localparam logic longint macromodule matches medium modport module nand "
    "negedge nettype new nexttime nmos nor noshowcancelled not notif0 notif1 null or "
    "output package packed parameter pmos posedge primitive priority program property "
    "protected pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure "
    "rand randc randcase randsequence rcmos real realtime ref reg reject_on release repeat "
    "restrict return rnmos rpmos rtran rtranif0 rtranif1 s_always s_eventually s_nexttime "
    "s_until s_until_with scalared sequence shortint shortreal showcancelled signed small "
    "soft solve specify specparam static string strong strong0 strong1 struct super "
    "supply0 supply1 sync_accept_on sync_reject_on table tagged task this throughout time "
    "timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg type "
    "typedef union unique unique0 unsigned until until_with untyped use uwire var vectored "
    "virtual void wait wait_order wand weak weak0 weak1 while wildcard wire with within "
    "wor xnor xor ";

bool is_keyword(std::string_view name) {
  static const std::set<std::string, std::less<>> kWords = [] {
    std::istringstream words(kKeywords);
    return std::set<std::string, std::less<>>(std::istream_iterator<std::string>(words), {});
  }();
  return kWords.count(name) > 0;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// `name` if it is plain and not among `taken`; otherwise one made from it. It is taken then.
std::string plain_name(const std::string& name, std::set<std::string>* taken) {
  std::string plain = name;
  if (!is_plain_identifier(name)) {
    for (char& c : plain) c = is_letter(c) || is_digit(c) ? c : '_';
    plain.insert(0, "lutra_");
  }
  const std::string base = plain;
  for (int n = 2; !taken->insert(plain).second; ++n) plain = fmt::format("{}_{}", base, n);
  return plain;
}

}  // namespace

bool is_plain_identifier(std::string_view name) {
  return !name.empty() && is_letter(name[0]) && std::all_of(name.begin(), name.end(), [](char c) {
    return is_letter(c) || is_digit(c);
  }) && !is_keyword(name);
}

std::string verilog_identifier(const std::string& name) {
  return is_plain_identifier(name) ? name : "\\" + name + " ";
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

/// Writes cells, and keeps the templates that they need.
class LibertyWriter {
 public:
  explicit LibertyWriter(Liberty::Names names) : names_(names) {}

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

  std::string library(const Liberty& library, const std::string& name) const {
    const Liberty::Thresholds& t = library.thresholds_;
    std::string text = fmt::format("library ({}) {{\n", name);
    text += fmt::format(
        "  delay_model : table_lookup;\n"
        "  time_unit : \"1ns\";\n  voltage_unit : \"1V\";\n  current_unit : \"1mA\";\n"
        "  pulling_resistance_unit : \"1kohm\";\n  leakage_power_unit : \"1nW\";\n"
        "  capacitive_load_unit (1, ff);\n"
        "  nom_process : 1;\n  nom_temperature : 25;\n  nom_voltage : {0};\n"
        // OpenSTA takes the voltage of its power from here alone.
        "  operating_conditions (nominal) {{ process : 1; temperature : 25; voltage : {0}; }}\n"
        "  default_operating_conditions : nominal;\n"
        "  input_threshold_pct_rise : {1};\n  input_threshold_pct_fall : {2};\n"
        "  output_threshold_pct_rise : {3};\n  output_threshold_pct_fall : {4};\n"
        "  slew_lower_threshold_pct_rise : {5};\n  slew_lower_threshold_pct_fall : {6};\n"
        "  slew_upper_threshold_pct_rise : {7};\n  slew_upper_threshold_pct_fall : {8};\n"
        "  slew_derate_from_library : {9};\n",
        library.voltage_v(), t.input_rise, t.input_fall, t.output_rise, t.output_fall, t.lower_rise,
        t.lower_fall, t.upper_rise, t.upper_fall, t.slew_derate);
    if (library.default_max_transition_ns_.has_value()) {
      text += fmt::format("  default_max_transition : {};\n", *library.default_max_transition_ns_);
    }
    for (const auto& [template_name, body] : templates_) {
      const char* group = template_name[0] == 'p' ? "power_lut_template" : "lu_table_template";
      text += fmt::format("  {} ({}) {{{} }}\n", group, template_name, body);
    }
    return text + cells() + "}\n";
  }

 private:
  template <typename... Arguments>
  void print(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Arguments>(arguments)...);
  }

  /// A cell's or pin's name as it is written: quoted where it is no plain word.
  std::string name_of(const std::string& own, const std::string& tool) const {
    if (names_ == Liberty::Names::kTool) return tool;
    return is_plain_identifier(own) ? own : "\"" + own + "\"";
  }

  /// The name of a pin or state variable in an expression.
  std::string operand(const std::string& name) const {
    if (names_ == Liberty::Names::kOwn) return name;
    if (const LibertyPin* pin = cell_->find_pin(name)) return pin->tool_name;
    // A state variable, called so that no pin has the name.
    std::set<std::string> taken;
    for (const LibertyPin& pin : cell_->pins) taken.insert(pin.tool_name);
    std::string state = plain_name(cell_->flip_flop->state, &taken);
    return name == cell_->flip_flop->state ? state
                                           : plain_name(cell_->flip_flop->inverted_state, &taken);
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
      add_table("cell_rise", "delay", arc.rise_delay_ns);
      add_table("rise_transition", "delay", arc.rise_slew_ns);
      add_table("cell_fall", "delay", arc.fall_delay_ns);
      add_table("fall_transition", "delay", arc.fall_slew_ns);
      print("      }}\n");
    }
    for (const ConstraintArc& arc : pin.constraints) {
      begin_timing(arc.related_pin, arc.type, arc.when);
      for (const auto& [name, table] :
           {std::pair("rise_constraint", &arc.rise), std::pair("fall_constraint", &arc.fall)}) {
        add_table(name, "constraint", table->related_ns, table->constrained_ns, table->values_ns);
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
      add_table("rise_power", "power", power.rise_fj);
      add_table("fall_power", "power", power.fall_fj);
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

  void add_table(const char* group, const char* kind, const LibertyTable& table) {
    add_table(group, kind, table.slew_ns, table.load_ff, table.values);
  }

  /// A table; one that does not depend on a quantity has no axis for it.
  void add_table(const char* group, const char* kind, const std::vector<double>& outer,
                 const std::vector<double>& inner, const std::vector<double>& values) {
    if (values.empty()) return;
    if (outer.empty() && inner.empty()) {
      print("        {} (scalar) {{ values (\"{}\"); }}\n", group, values[0]);
      return;
    }
    const std::string shape = fmt::format("{}_{}x{}", kind, outer.size(), inner.size());
    const auto [known, is_new] = templates_.emplace(shape, "");
    if (is_new) known->second = template_body(kind, outer, inner);
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

  static std::string template_body(const std::string& kind, const std::vector<double>& outer,
                                   const std::vector<double>& inner) {
    const char* quantities[] = {
        kind == "power"   ? "input_transition_time"
        : kind == "delay" ? "input_net_transition"
                          : "related_pin_transition",
        kind == "constraint" ? "constrained_pin_transition" : "total_output_net_capacitance"};
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

  Liberty::Names names_;
  const LibertyCell* cell_ = nullptr;
  fmt::memory_buffer out_;
  std::map<std::string, std::string> templates_;
};

bool same_cell(const LibertyCell& a, const LibertyCell& b) {
  // What no Liberty text says of a cell that cannot be run.
  if (!a.unsupported.empty() || !b.unsupported.empty()) return a.unsupported == b.unsupported;
  LibertyWriter text_a(Liberty::Names::kOwn);
  LibertyWriter text_b(Liberty::Names::kOwn);
  text_a.add(a);
  text_b.add(b);
  return text_a.cells() == text_b.cells();
}

void Liberty::name_for_tools() {
  std::set<std::string> taken;
  for (const std::string& own : order_) {
    if (is_plain_identifier(own)) taken.insert(own);
  }
  for (const std::string& own : order_) {
    LibertyCell& cell = cells_.at(own);
    cell.tool_name = is_plain_identifier(own) ? own : plain_name(own, &taken);
    std::set<std::string> pins;
    for (const LibertyPin& pin : cell.pins) {
      if (is_plain_identifier(pin.name)) pins.insert(pin.name);
    }
    for (LibertyPin& pin : cell.pins) {
      pin.tool_name = is_plain_identifier(pin.name) ? pin.name : plain_name(pin.name, &pins);
    }
  }
}

std::string Liberty::plain_text(Names names) const { return subset_text(order_, names); }

std::string Liberty::subset_text(const std::vector<std::string>& cell_names, Names names) const {
  const std::set<std::string> wanted(cell_names.begin(), cell_names.end());
  LibertyWriter writer(names);
  for (const std::string& own : order_) {
    const LibertyCell& cell = cells_.at(own);
    if (wanted.count(own) > 0 && cell.unsupported.empty()) writer.add(cell);
  }
  const bool plain = is_plain_identifier(name_);
  const bool quotable = std::none_of(name_.begin(), name_.end(), [](char c) {
    return c < ' ' || c > '~' || c == '"' || c == '\\';
  });
  std::set<std::string> none;
  if (plain) return writer.library(*this, name_);
  return writer.library(*this, names == Names::kOwn && quotable && !name_.empty()
                                   ? "\"" + name_ + "\""
                                   : plain_name(name_, &none));
}

std::string Liberty::verilog_black_boxes() const {
  std::string out;
  for (const std::string& own : order_) {
    const LibertyCell& cell = cells_.at(own);
    std::string ports;
    const auto add = [&](const char* direction, const std::string& name) {
      ports +=
          fmt::format("{}{} {}", ports.empty() ? "" : ", ", direction, verilog_identifier(name));
    };
    for (const LibertyPin& pin : cell.pins) {
      if (pin.direction == LibertyPin::Direction::kInternal) continue;
      add(pin.direction == LibertyPin::Direction::kInput    ? "input"
          : pin.direction == LibertyPin::Direction::kOutput ? "output"
                                                            : "inout",
          pin.name);
    }
    for (const std::string& name : cell.supply_pins) add("inout", name);
    out +=
        fmt::format("(* blackbox *) module {}({});\nendmodule\n", verilog_identifier(own), ports);
  }
  return out;
}

std::string Liberty::verilog_cells(const std::vector<std::string>& cell_names,
                                   bool with_supplies) const {
  std::string out = fmt::format("// Cells of the library {}, from its Liberty functions.\n", name_);
  for (const std::string& cell_name : cell_names) {
    const LibertyCell* cell = find_cell(cell_name);
    if (cell == nullptr || !cell->unsupported.empty()) {
      throw Error(ErrorKind::kUnimplemented,
                  fmt::format("{}: cell {}: no Verilog: {}", origin_, cell_name,
                              cell == nullptr ? "it is not in the library" : cell->unsupported));
    }
    std::vector<std::string> ports;
    std::string body;
    for (const LibertyPin& pin : cell->pins) {
      if (pin.direction == LibertyPin::Direction::kInternal) continue;
      const bool is_input = pin.direction == LibertyPin::Direction::kInput;
      const std::string port = verilog_identifier(pin.name);
      ports.push_back(fmt::format("{} {}", is_input ? "input wire" : "output wire", port));
      if (pin.function.has_value()) {
        body += fmt::format("  assign {} = {};\n", port, pin.function->verilog());
      }
    }
    if (with_supplies) {
      for (const std::string& supply : cell->supply_pins) {
        ports.push_back("inout wire " + verilog_identifier(supply));
      }
    }
    if (cell->flip_flop.has_value()) {
      const LibertyFlipFlop& ff = *cell->flip_flop;
      const std::string state = verilog_identifier(ff.state);
      std::string states = fmt::format("  reg {};\n", state);
      std::string edges = "posedge lutra_clock";
      std::string async;
      std::string head = fmt::format("  wire lutra_clock = {};\n", ff.clocked_on.verilog());
      if (ff.clear.has_value()) {
        head += fmt::format("  wire lutra_clear = {};\n", ff.clear->verilog());
        edges += " or posedge lutra_clear";
        const std::string value = ff.both_state && ff.preset.has_value() ? "lutra_preset" : "1'b0";
        async += fmt::format("    if (lutra_clear) {} <= {};\n    else ", state, value);
      }
      if (ff.preset.has_value()) {
        head += fmt::format("  wire lutra_preset = {};\n", ff.preset->verilog());
        edges += " or posedge lutra_preset";
        async += fmt::format("{}if (lutra_preset) {} <= 1'b1;\n    else ",
                             ff.clear.has_value() ? "" : "    ", state);
      }
      if (async.empty()) async = "    ";
      states += fmt::format("  wire {} = ~{};\n", verilog_identifier(ff.inverted_state), state);
      body = states + head +
             fmt::format("  always @({})\n{}{} <= {};\n", edges, async, state,
                         ff.next_state.verilog()) +
             body;
    }
    out += fmt::format("\nmodule {}(", verilog_identifier(cell_name));
    for (std::size_t i = 0; i < ports.size(); ++i) {
      out += (i > 0 ? ", " : "") + ports[i];
    }
    out += fmt::format(");\n{}endmodule\n", body);
  }
  return out;
}

}  // namespace lutra::synth
