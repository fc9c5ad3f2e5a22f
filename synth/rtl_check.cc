#include "rtl_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "lutra/numerics/error.h"
#include "lutra/numerics/files.h"
#include "lutra/synth/files.h"
#include "lutra/synth/process.h"

namespace lutra::synth {
namespace {

constexpr int kLimitSeconds = 120;

bool is_identifier(const std::string& name) {
  try {
    check_identifier(name, "");
  } catch (const Error&) {
    return false;
  }
  return true;
}

}  // namespace

std::string iverilog_version() {
  try {
    const std::filesystem::path here = std::filesystem::temp_directory_path();
    const std::string output = run_process({"iverilog", "-V"}, here, "iverilog").output;
    return output.substr(0, output.find('\n'));
  } catch (const Error&) {
    return "";
  }
}

nlohmann::json check_against_rtl(const MultiplierSource& source,
                                 const std::vector<VerilogFile>& files, int width,
                                 const std::vector<PatternPair>& pairs,
                                 const std::vector<std::uint32_t>& products,
                                 const std::filesystem::path& directory) {
  const auto not_run = [](const std::string& reason) {
    return nlohmann::json{{"result", "not run"}, {"reason", reason}};
  };
  const std::string version = iverilog_version();
  if (version.empty()) return not_run("iverilog is not on PATH");
  std::vector<std::string> names(source.ports.begin(), source.ports.end());
  if (source.latency > 0) names.push_back(source.clock);
  for (const std::string& port : names) {
    if (!is_identifier(port)) return not_run("a port has an escaped name");
  }

  std::string parameters;
  for (const auto& [name, value] : source.parameters) {
    parameters += fmt::format("{}.{}({})", parameters.empty() ? "" : ", ", name, value);
  }
  if (!parameters.empty()) parameters = fmt::format("#({}) ", parameters);
  std::string held;
  for (const HeldPort& port : source.held) {
    held += fmt::format(", .{}({}'d{})", port.name, port.width, port.value);
  }
  // A pipeline's product comes latency - 1 cycles behind its operands.
  const int behind = std::max(0, source.latency - 1);
  std::string cycle = "#1";
  if (source.latency > 0) {
    held += fmt::format(", .{}(clock)", source.clock);
    cycle = "#1 clock = 1; #1 clock = 0; #1";
  }
  const std::string bench = fmt::format(
      "module lutra_bench;\n"
      "  reg [{0}:0] pairs [0:{1}];\n"
      "  reg [{2}:0] a;\n"
      "  reg [{2}:0] b;\n"
      "  reg clock = 0;\n"
      "  wire [{0}:0] p;\n"
      "  integer i;\n"
      "  {3} {4}dut (.{5}(a), .{6}(b), .{7}(p){8});\n"
      "  initial begin\n"
      "    $readmemh(\"pairs.hex\", pairs);\n"
      "    for (i = 0; i <= {1} + {9}; i = i + 1) begin\n"
      "      if (i <= {1}) {{a, b}} = pairs[i];\n"
      "      {10} if (i >= {9}) $display(\"lutra %b\", p);\n"
      "    end\n"
      "    $finish(0);\n"
      "  end\n"
      "endmodule\n",
      2 * width - 1, pairs.size() - 1, width - 1, source.top, parameters, source.ports[0],
      source.ports[1], source.ports[2], held, behind, cycle);
  std::string operands;
  for (const PatternPair& pair : pairs) {
    operands += fmt::format("{:x}\n", std::uint64_t{pair.a} << width | pair.b);
  }
  const PrivateDirectory work(std::filesystem::temp_directory_path());
  numerics::write_file(work.path() / "lutra_bench.v", bench);
  numerics::write_file(work.path() / "pairs.hex", operands);
  std::filesystem::copy(directory / "source", work.path() / "source",
                        std::filesystem::copy_options::recursive);
  std::vector<std::string> compile = {"iverilog",    "-g2012", "-DSYNTHESIS", "-I", "source", "-s",
                                      "lutra_bench", "-o",     "bench.vvp"};
  for (const VerilogFile& file : files) {
    if (!file.is_include) compile.push_back("source/" + file.safe_path);
  }
  if (source.mapped) {
    std::filesystem::copy_file(directory / "cells.v", work.path() / "cells.v");
    compile.push_back("cells.v");
  }
  compile.push_back("lutra_bench.v");
  if (run_process(compile, work.path(), "iverilog", kLimitSeconds).status != 0) {
    return not_run("iverilog does not take the source");
  }
  const ProcessResult run =
      run_process({"vvp", "-n", "bench.vvp"}, work.path(), "iverilog", kLimitSeconds);
  if (run.timed_out) return not_run("simulation takes longer than 120 s");

  std::istringstream lines(run.output);
  std::string line;
  std::size_t pair = 0;
  std::int64_t undefined = 0;
  const int bits = 2 * width;
  while (pair < pairs.size() && std::getline(lines, line)) {
    if (line.rfind("lutra ", 0) != 0 || line.size() != static_cast<std::size_t>(6 + bits)) continue;
    for (int bit = 0; bit < bits; ++bit) {
      const char value = line[6 + bits - 1 - bit];
      if (value != '0' && value != '1') {
        ++undefined;
      } else if ((value == '1') != ((products[pair] >> bit & 1) != 0)) {
        throw Error(
            ExitCode::kMismatch,
            fmt::format("{}: for {} = {}, {} = {} the source gives {} (Icarus Verilog), the "
                        "netlist {:0{}b} (Yosys): one of the two reads the source wrongly",
                        source.files[0].string(), source.ports[0], pairs[pair].a, source.ports[1],
                        pairs[pair].b, line.substr(6), products[pair], bits));
      }
    }
    ++pair;
  }
  if (pair != pairs.size()) return not_run("the simulation ended early");
  return {{"result", "equal"},
          {"pairs", pairs.size()},
          {"undefined_bits", undefined},
          {"simulator", version}};
}

}  // namespace lutra::synth
