#include "rtl_check.h"

#include <fmt/format.h>

#include <sstream>

#include "lutra/numerics/error.h"
#include "lutra/numerics/files.h"
#include "lutra/synth/files.h"
#include "lutra/synth/process.h"

namespace lutra::synth {
namespace {

constexpr int kPairs = 65536;
constexpr int kProductBits = 16;
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

nlohmann::json check_against_rtl(const MultiplierSource& source, const std::string& top,
                                 const std::vector<VerilogFile>& files,
                                 const std::vector<std::int16_t>& lut,
                                 const std::filesystem::path& directory) {
  const auto not_run = [](const std::string& reason) {
    return nlohmann::json{{"result", "not run"}, {"reason", reason}};
  };
  const std::string version = iverilog_version();
  if (version.empty()) return not_run("iverilog is not on PATH");
  for (const std::string& port : source.ports) {
    if (!is_identifier(port)) return not_run("a port has an escaped name");
  }

  std::string parameters;
  for (const auto& [name, value] : source.parameters) {
    parameters += fmt::format("{}.{}({})", parameters.empty() ? "" : ", ", name, value);
  }
  if (!parameters.empty()) parameters = fmt::format("#({}) ", parameters);
  const std::string bench = fmt::format(
      "module lutra_bench;\n"
      "  reg [7:0] a;\n"
      "  reg [7:0] b;\n"
      "  wire [15:0] p;\n"
      "  integer i;\n"
      "  {} {}dut (.{}(a), .{}(b), .{}(p));\n"
      "  initial begin\n"
      "    for (i = 0; i < 65536; i = i + 1) begin\n"
      "      {{a, b}} = i[15:0];\n"
      "      #1 $display(\"lutra %b\", p);\n"
      "    end\n"
      "    $finish(0);\n"
      "  end\n"
      "endmodule\n",
      top, parameters, source.ports[0], source.ports[1], source.ports[2]);
  const PrivateDirectory work(std::filesystem::temp_directory_path());
  numerics::write_file(work.path() / "lutra_bench.v", bench);
  std::filesystem::copy(directory / "source", work.path() / "source",
                        std::filesystem::copy_options::recursive);
  std::vector<std::string> compile = {"iverilog",    "-g2012", "-DSYNTHESIS", "-I", "source", "-s",
                                      "lutra_bench", "-o",     "bench.vvp"};
  for (const VerilogFile& file : files) {
    if (!file.is_include) compile.push_back("source/" + file.safe_path);
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
  int pair = 0;
  std::int64_t undefined = 0;
  while (pair < kPairs && std::getline(lines, line)) {
    if (line.rfind("lutra ", 0) != 0 || line.size() != 6 + kProductBits) continue;
    const auto entry = static_cast<std::uint16_t>(lut[pair]);
    for (int bit = 0; bit < kProductBits; ++bit) {
      const char value = line[6 + kProductBits - 1 - bit];
      if (value != '0' && value != '1') {
        ++undefined;
      } else if ((value == '1') != ((entry >> bit & 1) != 0)) {
        throw Error(
            ExitCode::kMismatch,
            fmt::format("{}: for {} = {}, {} = {} the source gives {} (Icarus Verilog), the "
                        "netlist {:016b} (Yosys): one of the two reads the source wrongly",
                        source.files[0].string(), source.ports[0], pair >> 8, source.ports[1],
                        pair & 255, line.substr(6), entry));
      }
    }
    ++pair;
  }
  if (pair != kPairs) return not_run("the simulation ended early");
  return {{"result", "equal"},
          {"pairs", kPairs},
          {"undefined_bits", undefined},
          {"simulator", version}};
}

}  // namespace lutra::synth
