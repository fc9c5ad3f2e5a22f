// The benches of what the families' descriptors name (configurations.h), run by the build:
//   write_benches rtl OUT_DIR: mul_bench.sv and mul_widths_bench.sv
//   write_benches netlists OUT_DIR LIBERTY SEQUENTIAL_FILE: netlist_bench.sv, and netlists.v, the
//     netlists with the cells that they use, generated from the Liberty functions.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "configurations.h"
#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/component/library.h"
#include "lutra/netlist/liberty.h"
#include "lutra/netlist/liberty_writer.h"
#include "lutra/netlist/netlist.h"
#include "lutra/synthesis/synthesis.h"

namespace lutra::test {
namespace {

using synth::Liberty;
using synth::MultiplierSource;
using synth::Netlist;

std::string netlist_module(std::size_t index) { return fmt::format("mul_{}_netlist", index); }

/// The library's source; a specification that was resolved before stays legal.
MultiplierSource source_of(const Configuration& configuration) {
  return synth::library_source(configuration.spec.canonical());
}

/// Connections of the ports that are held: as wide as the largest legal value needs.
std::string held_ports(const Configuration& configuration, const MultiplierSource& source) {
  std::string text;
  for (const synth::HeldPort& held : source.held) {
    for (const synth::FamilyParameter& parameter : configuration.spec.family->parameters) {
      if (parameter.rtl_name != held.name) continue;
      const long largest =
          parameter.maximum(configuration.spec.width, configuration.spec.parameters);
      int bits = 1;
      while (largest >> bits != 0) ++bits;
      text += fmt::format(", .{}({}'d{})", held.name, bits, held.value);
    }
  }
  return text;
}

/// An instance on the low bits of a_i and b_i, its product in a slot of the output.
std::string instance(const Configuration& configuration, std::size_t index, int slot_bits,
                     const std::string& output, const std::string& netlist = "") {
  const MultiplierSource source = source_of(configuration);
  const int width = source.widths.a;
  const std::size_t low = index * slot_bits;
  const std::string product = fmt::format("{}[{}:{}]", output, low + 2 * width - 1, low);
  const std::string operands = fmt::format(".a_i(a_i[{0}:0]), .b_i(b_i[{0}:0]){1}, .p_o({2})",
                                           width - 1, held_ports(configuration, source), product);
  std::string text = fmt::format("  // {}\n", configuration.name());
  if (!netlist.empty()) {
    text += fmt::format("  {} u_netlist_{} ({});\n", netlist, index, operands);
  } else {
    std::string parameters;
    for (const auto& [name, value] : source.parameters) {
      // `Signed` is one bit wide, the others are integers.
      parameters += fmt::format("{}.{}({}{})", parameters.empty() ? "" : ", ", name,
                                name == "Signed" ? "1'b" : "", value);
    }
    const std::string core = fmt::format("{} #({}) u_{}", source.top, parameters, index);
    if (!configuration.shell) {
      text += fmt::format("  {} ({});\n", core, operands);
    } else {
      text += fmt::format(
          "  logic [{0}:0] core_a_{2}, core_b_{2};\n"
          "  logic [{1}:0] core_p_{2};\n"
          "  {3} (.a_i(core_a_{2}), .b_i(core_b_{2}), .p_o(core_p_{2}));\n"
          "  mul_sign_magnitude #(.Width({4})) u_shell_{2} ({5}, .core_a_o(core_a_{2}),\n"
          "    .core_b_o(core_b_{2}), .core_p_i(core_p_{2}));\n",
          width - 1, 2 * width - 1, index, core, width, operands);
    }
  }
  if (2 * width < slot_bits) {
    text += fmt::format("  assign {}[{}:{}] = '0;\n", output, low + slot_bits - 1, low + 2 * width);
  }
  return text;
}

/// Writes a file where its text is another: benches that stay the same are not verilated again.
void write_changed(const std::filesystem::path& file, const std::string& text) {
  if (std::filesystem::exists(file) && base::read_file(file) == text) return;
  base::write_file(file, text);
}

int widest(const Configurations& all) {
  int width = 0;
  for (const Configuration& configuration : all) width = std::max(width, configuration.spec.width);
  return width;
}

void write_rtl_bench(const std::string& module, const Configurations& all,
                     const std::filesystem::path& out) {
  const int width = widest(all);
  std::string text = fmt::format(
      "// {0} configurations of configurations.h, a {1}-bit product each, in its order.\n\n"
      "module {2} (\n"
      "  input  logic [{3}:0] a_i,\n"
      "  input  logic [{3}:0] b_i,\n"
      "  output logic [{4}:0] p_o\n"
      ");\n\n",
      all.size(), 2 * width, module, width - 1, 2 * width * all.size() - 1);
  for (std::size_t i = 0; i < all.size(); ++i) text += instance(all[i], i, 2 * width, "p_o");
  write_changed(out / (module + ".sv"), text + "\nendmodule\n");
}

void write_netlist_bench(const std::filesystem::path& out,
                         const std::filesystem::path& liberty_path,
                         const std::filesystem::path& sequential) {
  const Configurations all = configurations_netlist();
  const int width = widest(all);
  std::string bench = fmt::format(
      "// Mapped netlists and the RTL that they came from, side by side: two {0}-bit products for\n"
      "// each of {1} configurations of configurations.h, in its order; and a sequential unit.\n\n"
      "module netlist_bench (\n"
      "  input  logic clk_i,\n"
      "  input  logic rst_ni,\n"
      "  input  logic enable_i,\n"
      "  input  logic clear_i,\n"
      "  input  logic [{2}:0] a_i,\n"
      "  input  logic [{2}:0] b_i,\n"
      "  output logic [{3}:0] netlist_o,\n"
      "  output logic [{3}:0] rtl_o,\n"
      "  output logic [19:0] acc_netlist_o,\n"
      "  output logic [19:0] acc_rtl_o\n"
      ");\n\n",
      2 * width, all.size(), width - 1, 2 * width * all.size() - 1);
  const Liberty liberty = Liberty::read(liberty_path);
  std::set<std::string> cells;
  std::string netlists;
  const auto add_netlist = [&](const MultiplierSource& source, const std::string& module) {
    const synth::SynthesisResult result =
        synth::synthesize(source.files, source.top, source.parameters, liberty_path, out / module);
    const Netlist netlist = Netlist::read_json(result.netlist_json, liberty);
    netlists += netlist.verilog(module) + "\n";
    for (const auto& [cell, count] : netlist.cell_counts()) cells.insert(cell);
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    add_netlist(source_of(all[i]), netlist_module(i));
    bench += instance(all[i], i, 2 * width, "netlist_o", netlist_module(i));
    bench += instance(all[i], i, 2 * width, "rtl_o");
  }
  add_netlist(synth::verilog_source({sequential}, "multiply_accumulate"),
              "multiply_accumulate_netlist");
  for (const char* kind : {"netlist", "rtl"}) {
    bench += fmt::format(
        "  multiply_accumulate{} u_acc_{} (.clk_i, .rst_ni, .enable_i, .clear_i, .a_i, .b_i, "
        ".acc_o(acc_{}_o));\n",
        kind == std::string("netlist") ? "_netlist" : "", kind, kind);
  }
  write_changed(out / "netlist_bench.sv", bench + "\nendmodule\n");
  write_changed(out / "netlists.v",
                netlists + verilog_cells(liberty, {cells.begin(), cells.end()}));
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() == 2 && arguments[0] == "rtl") {
    std::filesystem::create_directories(arguments[1]);
    write_rtl_bench("mul_bench", configurations_8(), arguments[1]);
    write_rtl_bench("mul_widths_bench", configurations_other_widths(), arguments[1]);
    return 0;
  }
  if (arguments.size() == 4 && arguments[0] == "netlists") {
    std::filesystem::create_directories(arguments[1]);
    write_netlist_bench(arguments[1], arguments[2], arguments[3]);
    return 0;
  }
  std::fputs(
      "usage: write_benches rtl OUT_DIR\n"
      "       write_benches netlists OUT_DIR LIBERTY SEQUENTIAL_FILE\n",
      stderr);
  return 2;
}

}  // namespace
}  // namespace lutra::test

int main(int argc, char** argv) {
  try {
    return lutra::test::run({argv + 1, argv + argc});
  } catch (const lutra::Error& error) {
    fmt::print(stderr, "write_benches: {}\n", error.what());
    return 1;
  }
}
