// A library written anew: as plain Liberty, and as Verilog. Yosys, abc and OpenSTA each read
// another part of the language and silently ignore the rest; what is written here is what all of
// them read.

#include "lutra/netlist/liberty_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "liberty_cell_writer.h"
#include "lutra/base/error.h"

namespace lutra::synth {
namespace {

std::string library_text(const Liberty& library, const std::string& name,
                         const LibertyCellWriter& writer) {
  const LibertyThresholds& t = library.thresholds();
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
  if (library.default_max_transition_ns().has_value()) {
    text += fmt::format("  default_max_transition : {};\n", *library.default_max_transition_ns());
  }
  return text + writer.templates() + writer.cells() + "}\n";
}

}  // namespace

std::string plain_text(const Liberty& library, LibertyNames names) {
  return subset_text(library, library.cell_order(), names);
}

std::string subset_text(const Liberty& library, const std::vector<std::string>& cell_names,
                        LibertyNames names) {
  const std::set<std::string> wanted(cell_names.begin(), cell_names.end());
  LibertyCellWriter writer(names);
  for (const std::string& own : library.cell_order()) {
    const LibertyCell& cell = library.cells().at(own);
    if (wanted.count(own) > 0 && cell.unsupported.empty()) writer.add(cell);
  }
  const std::string& name = library.name();
  const bool plain = is_plain_identifier(name);
  const bool quotable = std::none_of(
      name.begin(), name.end(), [](char c) { return c < ' ' || c > '~' || c == '"' || c == '\\'; });
  std::set<std::string> none;
  if (plain) return library_text(library, name, writer);
  return library_text(library,
                      names == LibertyNames::kOwn && quotable && !name.empty()
                          ? "\"" + name + "\""
                          : unique_plain_name(name, &none),
                      writer);
}

std::string verilog_black_boxes(const Liberty& library) {
  std::string out;
  for (const std::string& own : library.cell_order()) {
    const LibertyCell& cell = library.cells().at(own);
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

std::string verilog_cells(const Liberty& library, const std::vector<std::string>& cell_names,
                          bool with_supplies) {
  std::string out =
      fmt::format("// Cells of the library {}, from its Liberty functions.\n", library.name());
  for (const std::string& cell_name : cell_names) {
    const LibertyCell* cell = library.find_cell(cell_name);
    if (cell == nullptr || !cell->unsupported.empty()) {
      throw Error(ErrorKind::kUnimplemented,
                  fmt::format("{}: cell {}: no Verilog: {}", library.origin(), cell_name,
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
