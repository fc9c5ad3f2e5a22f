#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "lutra/cosim/cosim.h"
#include "lutra/numerics/error.h"
#include "lutra/numerics/files.h"
#include "lutra/numerics/parallel.h"
#include "lutra/synth/files.h"
#include "lutra/synth/library.h"
#include "lutra/synth/process.h"

namespace lutra::cosim {
namespace {

namespace fs = std::filesystem;
using synth::Component;

constexpr const char* kPrefix = "Vcapsnet_accel";
constexpr const char* kSchema = "lutra cosim 1";

std::vector<fs::path> sorted_files(const fs::path& directory, const std::set<std::string>& kinds) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (kinds.count(entry.path().extension().string())) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string tool_version(const std::string& tool, const std::string& package) {
  const auto result = synth::run_process({tool, "--version"}, fs::temp_directory_path(), package);
  return result.output.substr(0, result.output.find('\n'));
}

void run_or_throw(const std::vector<std::string>& arguments, const fs::path& directory,
                  const std::string& package, const std::string& what) {
  const auto result = synth::run_process(arguments, directory, package);
  if (result.status == 0) return;
  throw Error(ExitCode::kUsage, fmt::format("{}:\n{}", what, result.output));
}

}  // namespace

std::string pe_multiplier_source(const std::vector<const Component*>& components) {
  if (components.empty() || components.size() > 4) {
    throw Error(ExitCode::kUnsupported,
                fmt::format("{} components in one accelerator, expected 1..4", components.size()));
  }
  std::string text =
      "// The multipliers of one accelerator; written by lutra cosim.\n"
      "module pe_mul (\n"
      "  input  logic        [1:0]  sel_i,\n"
      "  input  logic signed [7:0]  a_i,\n"
      "  input  logic signed [7:0]  b_i,\n"
      "  output logic signed [15:0] p_o\n"
      ");\n";
  for (size_t i = 0; i < components.size(); ++i) {
    const Component& c = *components[i];
    synth::need_netlist(c, "Verilog to co-simulate");
    if (!c.is_signed) {
      throw Error(ExitCode::kUnsupported,
                  fmt::format("component {} is unsigned; the accelerator needs it in the "
                              "sign-magnitude shell",
                              c.name));
    }
    if (c.source.latency > 0) {
      throw Error(ExitCode::kUnsupported,
                  fmt::format("component {} has a latency of {} cycles; the accelerator needs it "
                              "combinational",
                              c.name, c.source.latency));
    }
    if (c.width != 8) {
      throw Error(ExitCode::kUnsupported,
                  fmt::format("component {} has operands of {} bits; the accelerator needs 8",
                              c.name, c.width));
    }
    std::string held;
    for (const synth::HeldPort& port : c.source.held) {
      held += fmt::format(", .{}({}'d{})", port.name, port.width, port.value);
    }
    std::string parameters;
    for (const auto& [name, value] : c.source.parameters) {
      parameters += fmt::format("{}.{}({})", parameters.empty() ? "" : ", ", name, value);
    }
    if (!parameters.empty()) parameters = " #(" + parameters + ")";
    const auto& ports = c.source.ports;
    text += fmt::format(
        "\n  // {0}\n  logic [15:0] p{1};\n"
        "  {2}{3} u_mul{1} (.{4}(a_i), .{5}(b_i), .{6}(p{1}){7});\n",
        c.name, i, c.source.top, parameters, ports[0], ports[1], ports[2], held);
  }
  text += "\n  always_comb begin\n    case (sel_i)\n";
  for (size_t i = 1; i < components.size(); ++i) {
    text += fmt::format("      2'd{}: p_o = p{};\n", i, i);
  }
  text += "      default: p_o = p0;\n    endcase\n  end\nendmodule\n";
  return text;
}

fs::path build_accelerator(const std::vector<const Component*>& components,
                           const AcceleratorOptions& options) {
  const auto progress = [&](const std::string& line) {
    if (options.progress) options.progress(line);
  };
  const fs::path rtl = synth::rtl_directory();
  const fs::path cache =
      (options.cache_dir.empty() ? synth::default_cache_dir() : options.cache_dir) / "cosim";
  fs::create_directories(cache);
  const fs::path platform_library = LUTRA_PLATFORM_LIBRARY;
  const fs::path systemc_sources = LUTRA_SYSTEMC_SOURCES;
  if (!fs::exists(platform_library)) {
    throw Error(ExitCode::kMissingTool,
                fmt::format("{}: not found; build Lutra first", platform_library.string()));
  }

  // One copy of each component source by content; two files may share a name.
  const std::string multiplier = pe_multiplier_source(components);
  std::vector<std::pair<std::string, std::string>> sources;  // name, bytes
  std::set<std::string> seen;
  const auto add_source = [&](const fs::path& file) {
    const std::string bytes = numerics::read_file(file);
    if (!seen.insert(synth::sha256_hex(bytes)).second) return;
    const std::string extension = file.extension() == ".v" ? ".v" : ".sv";
    sources.push_back({fmt::format("multiplier{}{}", sources.size(), extension), bytes});
  };
  std::vector<std::string> names;
  for (const Component* component : components) {
    names.push_back(component->name);
    for (const fs::path& file : component->source.files) add_source(file);
  }

  std::vector<std::string> verilator = {
      "verilator",
      "--sc",
      "--prefix",
      kPrefix,
      "--top-module",
      "capsnet_accel",
      "-Wall",
      "--assert",
      "-O3",
      "--x-assign",
      "fast",
      "--x-initial",
      "fast",
      "--Mdir",
      "model",
      fmt::format("-GRows={}", options.shape.rows),
      fmt::format("-GCols={}", options.shape.cols),
      fmt::format("-GScratchBytesLog2={}",
                  31 - __builtin_clz(static_cast<unsigned>(options.shape.scratch_bytes))),
      fmt::format("-GAccDepth={}", options.shape.acc_depth),
      fmt::format("-GFaultMask=8'd{}", options.fault_mask)};
  if (options.wave) verilator.push_back("--trace-fst");
  std::vector<std::string> compiler = {"g++",
                                       "-O2",
                                       "-std=c++17",
                                       "-fPIC",
                                       "-w",
                                       "-DVL_TIME_CONTEXT",
                                       fmt::format("-DVM_TRACE={}", options.wave ? 1 : 0),
                                       fmt::format("-DVM_TRACE_FST={}", options.wave ? 1 : 0),
                                       fmt::format("-I{}/include", LUTRA_VERILATOR_ROOT),
                                       fmt::format("-I{}/include/vltstd", LUTRA_VERILATOR_ROOT),
                                       fmt::format("-I{}/include", systemc_sources.string()),
                                       "-Imodel"};
  if (options.wave) compiler.push_back("-DLUTRA_WAVE");

  std::string key = kSchema + multiplier;
  for (const auto& [name, bytes] : sources) key += name + bytes;
  for (const fs::path& file : sorted_files(rtl / "capsnet", {".sv", ".f", ".vlt"})) {
    if (file.filename() != "pe_mul.sv") key += file.filename().string() + numerics::read_file(file);
  }
  const fs::path binding = systemc_sources / "platform" / "accelerator_binding.cc";
  const fs::path ports = systemc_sources / "include/lutra/platform/accelerator_ports.h";
  key += numerics::read_file(binding) + numerics::read_file(ports);
  for (const std::string& argument : verilator) key += argument + '\n';
  key += tool_version("verilator", "verilator") + tool_version("g++", "g++");
  // The program loads this library at run time.
  key += platform_library.string() + LUTRA_COSIM_LINK_OPTIONS;
  const fs::path directory = cache / synth::sha256_hex(key).substr(0, 32);
  const fs::path program = directory / "cosim";
  if (fs::exists(program)) return program;

  const auto start = std::chrono::steady_clock::now();
  progress("verilating the accelerator");
  synth::PrivateDirectory work(cache);
  numerics::write_file(work.path() / "pe_mul.sv", multiplier);
  // A user's Verilog need not be clean of lint; ours is.
  std::string waivers = "`verilator_config\n";
  for (const auto& [name, bytes] : sources) {
    numerics::write_file(work.path() / name, bytes);
    waivers += fmt::format("lint_off -file \"{}\"\n", name);
  }
  numerics::write_file(work.path() / "multipliers.vlt", waivers);
  verilator.insert(verilator.end(),
                   {"multipliers.vlt", (rtl / "capsnet/shared_multiplier.vlt").string(), "-F",
                    (rtl / "capsnet/capsnet.f").string(), "pe_mul.sv"});
  for (const auto& [name, bytes] : sources) verilator.push_back(name);
  const auto verilated = synth::run_process(verilator, work.path(), "verilator");
  if (verilated.output.find("%Warning-MODDUP") != std::string::npos) {
    throw Error(ExitCode::kUnsupported,
                fmt::format("two of the multipliers {} define modules of the same name, and one "
                            "accelerator has one name space; rename one of them:\n{}",
                            fmt::join(names, ", "), verilated.output));
  }
  if (verilated.status != 0) {
    throw Error(ExitCode::kUsage,
                fmt::format("Verilator refuses the accelerator:\n{}", verilated.output));
  }

  // Each file reads SystemC's headers: two units instead of many, one of them only set-up code.
  std::string once = "// code that runs once\n";
  std::string often = "// the model, and its binding to the platform\n";
  for (const fs::path& file : sorted_files(work.path() / "model", {".cpp"})) {
    const bool slow = file.filename().string().find("__Slow") != std::string::npos;
    (slow ? once : often) += fmt::format("#include \"{}\"\n", file.filename().string());
  }
  often += fmt::format("#include \"{}\"\n", binding.string());
  numerics::write_file(work.path() / "once.cpp", once);
  numerics::write_file(work.path() / "often.cpp", often);
  progress("compiling the accelerator");
  const std::vector<std::string> units = {"often", "once"};
  numerics::parallel_for(2, 1, 2, [&](int unit, int) {
    std::vector<std::string> arguments = compiler;
    arguments.push_back(units[unit] == "once" ? "-O0" : "-O1");
    arguments.insert(arguments.end(), {"-c", units[unit] + ".cpp", "-o", units[unit] + ".o"});
    run_or_throw(arguments, work.path(), "g++", "the verilated accelerator does not compile");
  });
  std::vector<std::string> link = {"g++", "-o", "cosim"};
  link.insert(link.end(), {"often.o", "once.o", platform_library.string(), "-lsystemc", "-lpthread",
                           "-Wl,-rpath," + platform_library.parent_path().string()});
  if (std::string(LUTRA_COSIM_LINK_OPTIONS).size() > 0) link.push_back(LUTRA_COSIM_LINK_OPTIONS);
  run_or_throw(link, work.path(), "g++", "the co-simulation program does not link");
  for (const char* left : {"often.o", "once.o", "model"}) fs::remove_all(work.path() / left);

  std::error_code error;
  fs::rename(work.path(), directory, error);
  if (!error) {
    work.release();
  } else if (!fs::exists(program)) {  // otherwise another process was first
    throw Error(ExitCode::kUsage,
                fmt::format("{}: cannot be written: {}", directory.string(), error.message()));
  }
  progress(
      fmt::format("accelerator built in {:.1f} s",
                  std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()));
  return program;
}

}  // namespace lutra::cosim
