#include "rtl_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/sha256.h"
#include "lutra/base/threads.h"
#include "lutra/netlist/netlist_simulator.h"
#include "lutra/system/tool.h"

namespace lutra::synth {
namespace {

constexpr int kCompileSeconds = 120;
constexpr std::size_t kSettledPairs = 65536;  // put to Icarus where Verilator differs

nlohmann::json not_checked(const std::string& reason) {
  return {{"result", "not checked"}, {"reason", reason}};
}

/// Begins every name of the bench: a source cannot name itself by it, as it is made of the source.
std::string secret_prefix(const VerilogSources& sources) {
  return "lutra_" + base::sha256_hex("bench\n" + sources.key_text()).substr(0, 20);
}

/// The first message of a tool about the sources, with the user's file and line.
std::string first_complaint(const ToolResult& run, const VerilogSources& sources) {
  if (const std::string limit = run.limit(); !limit.empty()) return limit;
  std::istringstream lines(run.output);
  std::string first;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("source/") == std::string::npos) continue;
    const bool error = line.find("rror") != std::string::npos;
    if (first.empty() || error) first = line.substr(line.find("source/"));
    if (error) break;
  }
  return sources.located(first.substr(0, 200));
}

/// `top #(...) dut (...);` on wires a, b, p and clock.
std::string instance(const MultiplierSource& source) {
  std::string parameters;
  for (const auto& [name, value] : source.parameters) {
    parameters += fmt::format("{}.{}({})", parameters.empty() ? "" : ", ", name, value);
  }
  if (!parameters.empty()) parameters = fmt::format("#({}) ", parameters);
  std::string further;
  for (const HeldPort& port : source.held) {
    further += fmt::format(", .{}({}'d{})", verilog_name(port.name), port.width, port.value);
  }
  if (source.latency > 0) further += fmt::format(", .{}(clock)", verilog_name(source.clock));
  return fmt::format("{} {}dut (.{}(a), .{}(b), .{}(p){});", verilog_name(source.top), parameters,
                     verilog_name(source.ports[0]), verilog_name(source.ports[1]),
                     verilog_name(source.ports[2]), further);
}

/// Puts the sources and the cells below `work`; their names there.
std::vector<std::string> write_sources(const VerilogSources& sources, const std::string& cells,
                                       const std::filesystem::path& work) {
  sources.write(work);
  std::vector<std::string> names = sources.names();
  if (!cells.empty()) {
    base::write_file(work / "cells.v", cells);
    names.push_back("cells.v");
  }
  return names;
}

std::string version_line(const std::vector<std::string>& command) {
  try {
    const std::string output = tool_output(command, command[0]);
    return output.substr(0, output.find('\n'));
  } catch (const Error&) {
    return "";
  }
}

}  // namespace

std::string iverilog_version() { return version_line({"iverilog", "-V"}); }
std::string verilator_version() { return version_line({"verilator", "--version"}); }

nlohmann::json check_against_rtl(const MultiplierSource& source, const VerilogSources& sources,
                                 OperandWidths widths, const std::vector<PatternPair>& pairs,
                                 const std::vector<std::uint32_t>& products,
                                 const std::string& cells, int jobs) {
  const std::string version = iverilog_version();
  if (version.empty()) return not_checked("iverilog is not on PATH");
  // A pipeline's product comes latency - 1 cycles behind its operands.
  const int behind = std::max(0, source.latency - 1);
  // A source may have delays: 1 ms is longer than any, and costs an event-driven simulator nothing.
  const std::string settle = "#1000000";
  const std::string cycle =
      source.latency > 0 ? fmt::format("{0} clock = 1; {0} clock = 0; {0}", settle) : settle;
  const std::string prefix = secret_prefix(sources);
  const std::string bench = fmt::format(
      "module {6}_bench;\n"
      "  reg [{0}:0] pairs [0:{1}];\n"
      "  reg [{0}:0] products [0:{1}];\n"
      "  reg [{2}:0] a;\n"
      "  reg [{7}:0] b;\n"
      "  reg clock = 0;\n"
      "  wire [{0}:0] p;\n"
      "  reg [8 * 80 - 1 : 0] name;\n"
      "  integer i, first, last, report;\n"
      "  {3}\n"
      "  initial begin\n"
      "    if (!$value$plusargs(\"first=%d\", first) || !$value$plusargs(\"last=%d\", last) ||\n"
      "        !$value$plusargs(\"report=%s\", name)) $finish(0);\n"
      "    report = $fopen(name, \"w\");\n"
      "    $readmemh(\"pairs.hex\", pairs);\n"
      "    $readmemh(\"products.hex\", products);\n"
      "    for (i = first; i <= last + {4}; i = i + 1) begin\n"
      "      if (i <= last) {{a, b}} = pairs[i];\n"
      "      {5} if (i >= first + {4} && p !== products[i - {4}])\n"
      "        $fdisplay(report, \"differs %0d %b\", i - {4}, p);\n"
      "    end\n"
      "    $fdisplay(report, \"compared %0d\", last - first + 1);\n"
      "    $fclose(report);\n"
      "    $finish(0);\n"
      "  end\n"
      "endmodule\n",
      widths.product() - 1, pairs.size() - 1, widths.a - 1, instance(source), behind, cycle, prefix,
      widths.b - 1);
  std::string operands;
  std::string expected;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    operands += fmt::format("{:x}\n", std::uint64_t{pairs[i].a} << widths.b | pairs[i].b);
    expected += fmt::format("{:x}\n", products[i]);
  }
  const base::PrivateDirectory work(std::filesystem::temp_directory_path());
  base::write_file(work.path() / "lutra_timescale.v", "`timescale 1ns / 1ps\n");
  base::write_file(work.path() / "lutra_bench.v", bench);
  base::write_file(work.path() / "pairs.hex", operands);
  base::write_file(work.path() / "products.hex", expected);
  std::vector<std::string> compile = {"iverilog",  "-g2012",           "-DSYNTHESIS",
                                      "-s",        prefix + "_bench",  "-o",
                                      "bench.vvp", "lutra_timescale.v"};
  for (const std::string& name : write_sources(sources, cells, work.path())) {
    compile.push_back(name);
  }
  compile.push_back("lutra_bench.v");
  const ToolResult compiled = run_tool(compile, work.path(), "iverilog", kCompileSeconds);
  if (compiled.status != 0) {
    return not_checked("Icarus Verilog does not take the source: " +
                       first_complaint(compiled, sources));
  }
  // An event-driven simulation takes microseconds a pair: a part of the pairs on each core.
  const int count = static_cast<int>(pairs.size());
  const int part = std::max(1024, (count - 1) / base::thread_count(jobs) + 1);
  std::vector<ToolResult> parts((count + part - 1) / part);
  const auto report_name = [&](std::size_t number) {
    return fmt::format("{}_{}.txt", prefix, number);
  };
  base::parallel_for(count, part, jobs, [&](int begin, int end) {
    parts[begin / part] =
        run_tool({"vvp", "-n", "bench.vvp", fmt::format("+first={}", begin),
                  fmt::format("+last={}", end - 1),
                  "+report=" + report_name(static_cast<std::size_t>(begin / part))},
                 work.path(), "iverilog");
  });

  // Printing takes longest: the bench tells only what differs, undefined bits among it.
  std::size_t compared = 0;
  std::int64_t undefined = 0;
  std::int64_t undefined_products = 0;
  const int bits = widths.product();
  std::vector<std::size_t> undefined_of_bit(static_cast<std::size_t>(bits), 0);
  for (std::size_t number = 0; number < parts.size(); ++number) {
    if (const std::string limit = parts[number].limit(); !limit.empty()) {
      return not_checked("the simulation of the source (Icarus Verilog) " + limit);
    }
    std::ifstream lines(work.path() / report_name(number));
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string word, found;
      std::size_t pair = 0;
      words >> word >> pair >> found;
      if (word == "compared") compared += pair;
      if (word != "differs") continue;
      bool is_undefined = false;
      for (int bit = 0; bit < bits; ++bit) {
        const char value = found.at(static_cast<std::size_t>(bits - 1 - bit));
        if (value != '0' && value != '1') {
          ++undefined;
          ++undefined_of_bit[static_cast<std::size_t>(bit)];
          is_undefined = true;
        } else if ((value == '1') != ((products.at(pair) >> bit & 1) != 0)) {
          return {{"result", "different"},
                  {"simulator", version},
                  {"reason",
                   fmt::format("{}: for {} = {}, {} = {} the source gives {} (Icarus Verilog), the "
                               "netlist {:0{}b} (Yosys): one of the two reads the source wrongly",
                               sources.first_file(), source.ports[0], pairs[pair].a,
                               source.ports[1], pairs[pair].b, found, products[pair], bits)}};
        }
      }
      undefined_products += is_undefined;
    }
  }
  if (compared != pairs.size()) return not_checked("the simulation ended early (Icarus Verilog)");
  for (int bit = 0; bit < bits; ++bit) {
    if (undefined_of_bit[static_cast<std::size_t>(bit)] < pairs.size()) continue;
    nlohmann::json result = not_checked(fmt::format(
        "the source leaves {} of {} product bits undefined, bit {} of the product on every pair "
        "(Icarus Verilog)",
        undefined, pairs.size() * static_cast<std::size_t>(bits), bit));
    result["undefined_bits"] = undefined;
    result["undefined_products"] = undefined_products;
    return result;
  }
  return {{"result", "equal"},
          {"pairs", pairs.size()},
          {"exhaustive", pairs.size() == widths.pairs()},
          {"undefined_bits", undefined},
          {"undefined_products", undefined_products},
          {"simulator", version}};
}

nlohmann::json check_all_against_rtl(const MultiplierSource& source, const VerilogSources& sources,
                                     OperandWidths widths,
                                     const std::vector<std::uint32_t>& products,
                                     const std::string& cells, int jobs) {
  const std::string version = verilator_version();
  if (version.empty()) return not_checked("verilator is not on PATH");
  if (version_line({"g++", "--version"}).empty()) return not_checked("g++ is not on PATH");
  const base::PrivateDirectory work(std::filesystem::temp_directory_path());
  base::write_file(work.path() / "lutra_bench.sv",
                   fmt::format("module lutra_bench (input clock, input [{}:0] a, input "
                               "[{}:0] b, output [{}:0] p);\n  {}\nendmodule\n",
                               widths.a - 1, widths.b - 1, widths.product() - 1, instance(source)));
  std::vector<std::string> verilate = {
      "verilator",   "--cc",     "--prefix",   "Vbench", "--Mdir",      "model", "--top-module",
      "lutra_bench", "-O3",      "--x-assign", "0",      "--x-initial", "0",     "-DSYNTHESIS",
      "--no-timing", "-Wno-lint"};
  // In RTL Icarus has the last word; a netlist is full of such vectors, and all of it would be
  // wrong.
  if (!source.mapped) verilate.push_back("-Wno-UNOPTFLAT");
  for (const std::string& name : write_sources(sources, cells, work.path())) {
    verilate.push_back(name);
  }
  verilate.push_back("lutra_bench.sv");
  const ToolResult verilated = run_tool(verilate, work.path(), "verilator", kCompileSeconds);
  if (verilated.status != 0) {
    return not_checked(verilated.output.find("UNOPTFLAT") != std::string::npos
                           ? "verilator warns of UNOPTFLAT: it may simulate this netlist wrongly"
                           : "Verilator does not take the source: " +
                                 first_complaint(verilated, sources));
  }

  const std::string root = version_line({"verilator", "--getenv", "VERILATOR_ROOT"});
  std::string model = fmt::format("#include <cstdio>\n#include <vector>\n");
  for (const auto& entry : std::filesystem::directory_iterator(work.path() / "model")) {
    if (entry.path().extension() != ".cpp") continue;
    model += fmt::format("#include \"model/{}\"\n", entry.path().filename().string());
  }
  model += fmt::format(
      "double sc_time_stamp() {{ return 0; }}\n"
      "int main() {{\n"
      "  Vbench bench;\n"
      "  std::FILE* out = std::fopen(\"products.bin\", \"wb\");\n"
      "  std::vector<uint32_t> row(1u << {0});\n"
      "  const uint64_t pairs = uint64_t(1) << {1};\n"
      "  for (uint64_t i = 0; i < pairs + {2}; ++i) {{\n"
      "    bench.a = (i >> {0}) & ((1u << ({1} - {0})) - 1);\n"
      "    bench.b = i & (row.size() - 1);\n"
      "    bench.eval();\n"
      "    if ({3}) {{ bench.clock = 1; bench.eval(); bench.clock = 0; bench.eval(); }}\n"
      "    if (i < {2}) continue;\n"
      "    row[(i - {2}) & (row.size() - 1)] = bench.p;\n"
      "    if (((i - {2} + 1) & (row.size() - 1)) == 0)\n"
      "      std::fwrite(row.data(), 4, row.size(), out);\n"
      "  }}\n"
      "  return std::fclose(out);\n"
      "}}\n",
      widths.b, widths.product(), std::max(0, source.latency - 1), source.latency > 0);
  base::write_file(work.path() / "model.cpp", model);
  base::write_file(work.path() / "runtime.cpp",
                   "#include \"verilated.cpp\"\n#include \"verilated_threads.cpp\"\n");
  std::array<bool, 2> compiled = {};
  base::parallel_for(2, 1, 2, [&](int unit, int) {
    const std::string name = unit == 0 ? "model" : "runtime";
    compiled[unit] = run_tool({"g++", "-std=c++17", "-w", unit == 0 ? "-O1" : "-O0", "-I.",
                               "-Imodel", "-I" + root + "/include", "-I" + root + "/include/vltstd",
                               "-c", name + ".cpp", "-o", name + ".o"},
                              work.path(), "g++", kCompileSeconds)
                         .status == 0;
  });
  if (!compiled[0] || !compiled[1] ||
      run_tool({"g++", "model.o", "runtime.o", "-lpthread", "-o", "bench"}, work.path(), "g++")
              .status != 0) {
    return not_checked("the verilated source does not compile");
  }
  const ToolResult run = run_tool({(work.path() / "bench").string()}, work.path(), "g++");
  if (const std::string limit = run.limit(); !limit.empty()) {
    return not_checked("the simulation of the source (Verilator) " + limit);
  }

  std::ifstream in(work.path() / "products.bin", std::ios::binary);
  std::vector<std::uint32_t> row(std::size_t{1} << widths.b);
  std::vector<PatternPair> pairs;
  std::vector<std::uint32_t> expected;
  std::uint32_t first_got = 0;
  std::uint64_t different = 0;
  for (std::uint32_t a = 0; a >> widths.a == 0; ++a) {
    if (!in.read(reinterpret_cast<char*>(row.data()),
                 static_cast<std::streamsize>(4 * row.size()))) {
      return not_checked("the simulation ended early (Verilator)");
    }
    for (std::uint32_t b = 0; b < row.size(); ++b) {
      const std::uint32_t product = products[std::uint64_t{a} << widths.b | b];
      if (row[b] == product) continue;
      if (different++ == 0) first_got = row[b];
      if (pairs.size() == kSettledPairs) continue;
      pairs.push_back({a, b});
      expected.push_back(product);
    }
  }
  // Verilator has two values a bit: what is undefined it cannot tell.
  nlohmann::json result = {
      {"result", "equal"},         {"pairs", products.size()},      {"exhaustive", true},
      {"undefined_bits", nullptr}, {"undefined_products", nullptr}, {"simulator", version}};
  if (different == 0) return result;
  const nlohmann::json settled =
      check_against_rtl(source, sources, widths, pairs, expected, cells, jobs);
  if (settled.at("result") != "equal" && !settled.contains("undefined_bits")) {
    return {{"result", "different"},
            {"simulator", version},
            {"reason",
             fmt::format("{}: for {} = {}, {} = {} the source gives {:0{}b} (Verilator), the "
                         "netlist {:0{}b} (Yosys): one of the two reads the source wrongly",
                         sources.first_file(), source.ports[0], pairs[0].a, source.ports[1],
                         pairs[0].b, first_got, widths.product(), expected[0], widths.product())}};
  }
  if (different > pairs.size()) {
    return not_checked(
        fmt::format("Verilator disagrees with the netlist on {} pairs, Icarus Verilog on none "
                    "of the first {}",
                    different, pairs.size()));
  }
  result["undefined_bits"] = settled.at("undefined_bits");
  result["undefined_products"] = settled.at("undefined_products");
  result["settled_by_iverilog"] = different;
  return result;
}

nlohmann::json prove_against_rtl(const MultiplierSource& source, const VerilogSources& sources,
                                 const Netlist& netlist, const std::string& cells, int limit_s,
                                 const std::filesystem::path& directory) {
  if (source.latency > 0) return not_checked("the multiplier has registers");
  if (version_line({"yosys-abc", "-q", "version"}).empty()) {
    return not_checked("yosys-abc is not on PATH");
  }
  nlohmann::json proof = {{"result", "undecided"}, {"limit_s", limit_s}};
  const base::PrivateDirectory work(std::filesystem::temp_directory_path());
  write_sources(sources, cells, work.path());
  std::filesystem::copy_file(directory / "netlist.v", work.path() / "netlist.v");
  std::filesystem::copy_file(directory / "cells.v", work.path() / "netlist_cells.v");
  // Multiplications become the adders that synthesis makes of them: then the two have points in
  // common, without which no prover gets through a 16x16 multiplier.
  const std::string to_aiger =
      "proc\nflatten\nopt\nwreduce\nalumacc\nopt\ntechmap\nopt\nsetundef -zero\naigmap\n"
      "write_aiger -symbols ";
  const std::string script =
      (cells.empty() ? "" : "read_verilog cells.v\n") + sources.yosys_script(source.parameters) +
      to_aiger +
      "source.aig\ndesign -reset\nread_verilog netlist.v netlist_cells.v\nhierarchy -check -top " +
      source.top + "\n" + to_aiger + "netlist.aig\n";
  base::write_file(work.path() / "proof.ys", script);
  const ToolResult read =
      run_tool({"yosys", "-q", "-s", "proof.ys"}, work.path(), "yosys", limit_s);
  if (read.timed_out) {
    proof["reason"] = "the limit passed while Yosys read the source";
    return proof;
  }
  if (read.status != 0) return not_checked("Yosys makes no AIGER of the source");
  const ToolResult cec =
      run_tool({"yosys-abc", "-q", fmt::format("cec -C 0 -T {} source.aig netlist.aig", limit_s)},
               work.path(), "yosys", limit_s);
  if (cec.output.find("Networks are equivalent") != std::string::npos) {
    proof["result"] = "proved";
    return proof;
  }
  if (cec.output.find("NOT EQUIVALENT") == std::string::npos) return proof;

  run_tool(
      {"yosys-abc", "-q", "miter source.aig netlist.aig; iprove; write_cex -n counterexample.txt"},
      work.path(), "yosys", limit_s);
  std::map<std::string, std::uint64_t> values;
  std::ifstream lines(work.path() / "counterexample.txt");
  std::string line;
  while (std::getline(lines, line)) {  // `name[bit]@0=value`, or `name@0=value` of one bit
    const std::size_t at = line.find("@0=");
    if (line[0] == '#' || at == std::string::npos) continue;
    const std::size_t open = std::min(line.find('['), at);
    const int bit = open < at ? std::atoi(line.c_str() + open + 1) : 0;
    if (line[at + 3] == '1') values[line.substr(0, open)] |= std::uint64_t{1} << bit;
  }
  proof["result"] = "refuted";
  proof["reason"] = "the source leaves the product of the counterexample undefined";
  proof["counterexample"] = nlohmann::json::object();
  MultiplierSource held = source;
  for (const NetlistPort& port : netlist.ports()) {
    if (port.is_input) proof["counterexample"][port.name] = values[port.name];
  }
  for (HeldPort& port : held.held) port.value = static_cast<long>(values[port.name]);
  const PatternPair pair = {static_cast<std::uint32_t>(values[source.ports[0]]),
                            static_cast<std::uint32_t>(values[source.ports[1]])};
  NetlistSimulator simulator(netlist);
  for (const NetlistPort& port : netlist.ports()) {
    if (port.is_input) simulator.set_input_all(port, values[port.name]);
  }
  simulator.settle();
  const auto product =
      static_cast<std::uint32_t>(simulator.value(netlist.port(source.ports[2]), 0));
  const OperandWidths widths = {netlist.port(source.ports[0]).width(),
                                netlist.port(source.ports[1]).width()};
  const nlohmann::json settled =
      check_against_rtl(held, sources, widths, {pair}, {product}, cells, 1);
  if (settled.value("undefined_bits", 0) == 0) {
    proof["result"] = "different";
    proof["reason"] = fmt::format(
        "{}: for {} = {}, {} = {} the netlist gives {:0{}b}, which abc proves to differ from the "
        "source",
        sources.first_file(), source.ports[0], pair.a, source.ports[1], pair.b, product,
        widths.product());
  }
  return proof;
}

}  // namespace lutra::synth
