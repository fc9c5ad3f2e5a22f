#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "lutra/accelerator/program.h"
#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/sha256.h"
#include "lutra/base/threads.h"
#include "lutra/component/library.h"
#include "lutra/cosim/cosim.h"
#include "lutra/netlist/netlist.h"
#include "lutra/system/tool.h"

namespace lutra::cosim {
namespace {

namespace fs = std::filesystem;
using synth::Component;

constexpr const char* kPrefix = "Vcapsnet_accel";
constexpr const char* kSchema = "lutra cosim 2";
constexpr const char* kProgram = "cosim";
constexpr const char* kManifest = "manifest.json";
// Before the names of the accelerator's modules in a build, so that users may call theirs alike.
constexpr const char* kModulePrefix = "lutra_accelerator_";

/// The two units of a program, and how each is compiled: the second is code that runs once.
const std::vector<std::pair<std::string, std::string>> kUnits = {{"often", "-O1"}, {"once", "-O0"}};

/// A file of the build: named by us, whatever it was called where it came from.
struct SourceFile {
  std::string name;
  std::string text;
};

std::vector<fs::path> sorted_files(const fs::path& directory, const std::set<std::string>& kinds) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (kinds.count(entry.path().extension().string())) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string tool_version(const std::string& tool, const std::string& package) {
  const std::string output = synth::tool_output({tool, "--version"}, package);
  return output.substr(0, output.find('\n'));
}

/// Many strings as one, none of which can take a part of its neighbour's.
class Key {
 public:
  Key& add(const std::string& field) {
    text_ += fmt::format("{}:", field.size()) + field;
    return *this;
  }
  Key& add(const std::vector<std::string>& fields) {
    add(std::to_string(fields.size()));
    for (const std::string& field : fields) add(field);
    return *this;
  }
  Key& add(const std::vector<SourceFile>& files) {
    add(std::to_string(files.size()));
    for (const SourceFile& file : files) add(file.name).add(file.text);
    return *this;
  }
  std::string sha256() const { return base::sha256_hex(text_); }

 private:
  std::string text_;
};

/// `text` with each identifier of `names` prefixed. All of the accelerator's own files together are
/// renamed so, and nothing of a user's: a change of names, not of meaning.
std::string renamed(const std::string& text, const std::set<std::string>& names) {
  static const std::regex kWord("[A-Za-z_][A-Za-z0-9_$]*");
  std::string result;
  size_t end = 0;
  for (std::sregex_iterator word(text.begin(), text.end(), kWord), none; word != none; ++word) {
    const size_t at = static_cast<size_t>(word->position());
    result.append(text, end, at - end);
    result += (names.count(word->str()) ? kModulePrefix : "") + word->str();
    end = at + word->str().size();
  }
  return result.append(text, end, std::string::npos);
}

/// The accelerator's sources but its multiplier, in the order of capsnet.f, and the waivers and
/// hints for Verilator; modules renamed.
std::vector<SourceFile> accelerator_sources() {
  const fs::path directory = synth::rtl_directory() / "capsnet";
  std::vector<std::string> files = {"shared_multiplier.vlt"};
  std::istringstream list(base::read_file(directory / "capsnet.f"));
  for (std::string line; std::getline(list, line);) {
    if (!line.empty() && line.rfind("//", 0) != 0) files.push_back(line);
  }
  // One module or package a file, called as the file is.
  std::set<std::string> names = {"pe_mul"};
  for (const std::string& file : files) {
    const fs::path path = file;
    if (path.extension() == ".sv") names.insert(path.stem().string());
  }
  std::vector<SourceFile> sources;
  for (const std::string& file : files) {
    const bool is_module = fs::path(file).extension() == ".sv";
    sources.push_back({(is_module ? kModulePrefix : "") + file,
                       renamed(base::read_file(directory / file), names)});
  }
  return sources;
}

/// The components' Verilog in files of our own names, one copy of each content, and what keeps the
/// directives of one component from the next.
struct MultiplierSources {
  std::vector<SourceFile> files;
  std::vector<std::string> origins;  ///< "multiplier0.v is FILE", for messages
  std::string waivers;               ///< a user's Verilog need not be clean of lint; ours is
};

MultiplierSources multiplier_sources(const std::vector<const Component*>& components) {
  MultiplierSources sources;
  std::set<std::string> seen;
  // A component may have outputs beside its product.
  sources.waivers = fmt::format(
      "`verilator_config\nlint_off -rule PINMISSING -file \"{}pe_mul.sv\"\n", kModulePrefix);
  for (size_t c = 0; c < components.size(); ++c) {
    if (c > 0)
      sources.files.push_back({fmt::format("between{}.sv", c), "`resetall\n`undefineall\n"});
    for (const fs::path& file : components[c]->source.files) {
      const std::string bytes = base::read_file(file);
      if (!seen.insert(base::sha256_hex(bytes)).second) continue;
      const char* extension = file.extension() == ".v" ? ".v" : ".sv";
      const std::string name = fmt::format("multiplier{}{}", seen.size() - 1, extension);
      sources.files.push_back({name, bytes});
      sources.origins.push_back(fmt::format("{} is {}", name, file.string()));
      sources.waivers += fmt::format("lint_off -file \"{}\"\n", name);
    }
  }
  return sources;
}

void run_or_throw(const std::vector<std::string>& arguments, const fs::path& directory,
                  const std::string& package, const std::string& what) {
  const auto result = synth::run_tool(arguments, directory, package);
  if (result.status == 0) return;
  if (const std::string limit = result.limit(); !limit.empty()) {
    throw Error(ErrorKind::kExhausted, fmt::format("{}: {} {}", what, arguments[0], limit));
  }
  throw Error(ErrorKind::kInvalidArgument, fmt::format("{}:\n{}", what, result.output));
}

/// Makes the work the entry of the cache, in the place of a damaged one.
/// @return false when another process was first, and its entry is good
bool publish(base::PrivateDirectory* work, const fs::path& directory) {
  std::error_code error;
  for (int attempt = 0; attempt < 3; ++attempt) {
    fs::rename(work->path(), directory, error);
    if (!error) {
      work->release();
      return true;
    }
    if (!fs::exists(fs::symlink_status(directory))) break;
    if (entry_damage(directory).empty()) return false;
    // Moved away in one step: another process may read it, or do the same.
    const base::PrivateDirectory damaged(directory.parent_path());
    std::error_code ignored;
    fs::rename(directory, damaged.path() / "entry", ignored);
  }
  throw Error(ErrorKind::kInvalidArgument,
              fmt::format("{}: cannot be written: {}", directory.string(), error.message()));
}

}  // namespace

std::string entry_damage(const fs::path& directory) {
  std::error_code error;
  const fs::path program = directory / kProgram;
  if (!fs::is_regular_file(program, error)) return "its program is missing";
  if (access(program.c_str(), R_OK | X_OK) != 0) return "its program cannot be executed";
  if (!fs::is_regular_file(directory / kManifest, error)) return "its manifest is missing";
  const auto manifest =
      nlohmann::json::parse(base::read_file(directory / kManifest), nullptr, false);
  if (!manifest.is_object() || !manifest.contains(kProgram) || !manifest[kProgram].is_string()) {
    return "its manifest cannot be read";
  }
  if (manifest[kProgram] != base::sha256_hex(base::read_file(program))) {
    return "its program is not the one that was built";
  }
  return "";
}

std::string pe_multiplier_source(const std::vector<const Component*>& components,
                                 const std::string& module) {
  if (components.empty() || components.size() > accelerator::kMaxMultipliers) {
    throw Error(ErrorKind::kUnimplemented,
                fmt::format("{} components in one accelerator, expected 1..{}", components.size(),
                            accelerator::kMaxMultipliers));
  }
  std::string text =
      "// The multipliers of one accelerator; written by lutra cosim.\n"
      "module " +
      module +
      " (\n"
      "  input  logic        [3:0]  sel_i,\n"
      "  input  logic signed [7:0]  a_i,\n"
      "  input  logic signed [7:0]  b_i,\n"
      "  output logic signed [15:0] p_o\n"
      ");\n";
  if (std::any_of(components.begin(), components.end(),
                  [](const Component* c) { return !c->has_netlist; })) {
    // Answered by the program, which holds the tables of its job.
    text +=
        "  import \"DPI-C\" pure function shortint lutra_table_product(input int select,\n"
        "                                                            input byte a, input byte "
        "b);\n";
  }
  for (size_t i = 0; i < components.size(); ++i) {
    const Component& c = *components[i];
    if (!c.is_signed) {
      throw Error(ErrorKind::kUnimplemented,
                  fmt::format("component {} is unsigned; the accelerator needs it in the "
                              "sign-magnitude shell",
                              c.name));
    }
    if (c.source.latency > 0) {
      throw Error(ErrorKind::kUnimplemented,
                  fmt::format("component {} has a latency of {} cycles; the accelerator needs it "
                              "combinational",
                              c.name, c.source.latency));
    }
    if (c.widths != 8) {
      throw Error(ErrorKind::kUnimplemented,
                  fmt::format("component {} has operands of {} bits; the accelerator needs 8",
                              c.name, c.widths.text()));
    }
    if (!c.has_netlist) {
      text += fmt::format("  wire signed [15:0] p{0} = lutra_table_product({0}, a_i, b_i);\n", i);
      continue;
    }
    std::string held;
    for (const synth::HeldPort& port : c.source.held) {
      held += fmt::format(", .{}({}'d{})", synth::verilog_name(port.name), port.width, port.value);
    }
    std::string parameters;
    for (const auto& [name, value] : c.source.parameters) {
      parameters += fmt::format("{}.{}({})", parameters.empty() ? "" : ", ",
                                synth::verilog_name(name), value);
    }
    if (!parameters.empty()) parameters = " #(" + parameters + ")";
    const auto& ports = c.source.ports;
    // No name of a file or component: it may hold any character.
    text += fmt::format(
        "\n  logic [15:0] p{0};\n"
        "  {1}{2} u_mul{0} (.{3}(a_i), .{4}(b_i), .{5}(p{0}){6});\n",
        i, synth::verilog_name(c.source.top), parameters, synth::verilog_name(ports[0]),
        synth::verilog_name(ports[1]), synth::verilog_name(ports[2]), held);
  }
  text += "\n  always_comb begin\n    case (sel_i)\n";
  for (size_t i = 1; i < components.size(); ++i) {
    text += fmt::format("      4'd{}: p_o = p{};\n", i, i);
  }
  text += "      default: p_o = p0;\n    endcase\n  end\nendmodule\n";
  return text;
}

fs::path systemc_directory() {
  return base::own_path("share/lutra/systemc", LUTRA_SYSTEMC_SOURCES);
}

fs::path platform_path() {
  const fs::path built = LUTRA_PLATFORM_LIBRARY;
  return base::own_path("lib/lutra" / built.filename(), built);
}

std::string platform_sha256() {
  const fs::path systemc_sources = systemc_directory();
  const fs::path library = platform_path();
  return Key()
      .add(kSchema)
      .add(LUTRA_VERSION)
      .add(base::read_file(systemc_sources / "platform" / "accelerator_binding.cc"))
      .add(base::read_file(systemc_sources / "include/lutra/platform/accelerator_ports.h"))
      .add(base::sha256_hex(base::read_file(library)))
      .add(tool_version("verilator", "verilator"))
      .add(tool_version("g++", "g++"))
      .sha256();
}

fs::path build_accelerator(const std::vector<const Component*>& components,
                           const AcceleratorOptions& options) {
  const auto progress = [&](const std::string& line) {
    if (options.progress) options.progress(line);
  };
  const fs::path cache =
      (options.cache_dir.empty() ? synth::default_cache_dir() : options.cache_dir) / "cosim";
  fs::create_directories(cache);
  const fs::path platform_library = platform_path();
  const fs::path systemc_sources = systemc_directory();
  if (!fs::exists(platform_library)) {
    throw Error(ErrorKind::kUnavailable,
                fmt::format("{}: not found; build Lutra first", platform_library.string()));
  }

  std::vector<SourceFile> sources = accelerator_sources();
  const std::string multiplier_module = kModulePrefix + std::string("pe_mul");
  sources.push_back(
      {multiplier_module + ".sv", pe_multiplier_source(components, multiplier_module)});
  const MultiplierSources multipliers = multiplier_sources(components);
  sources.insert(sources.begin(), {"multipliers.vlt", multipliers.waivers});
  // Behind ours, so that none of a user's directives reaches one of our files.
  sources.insert(sources.end(), multipliers.files.begin(), multipliers.files.end());

  std::vector<std::string> verilator = {
      "verilator",
      "--sc",
      "--prefix",
      kPrefix,
      "--top-module",
      kModulePrefix + std::string("capsnet_accel"),
      "-Wall",
      "--assert",
      "--no-timing",  // a user's delays are of no account in a model of cycles
      "--timescale-override",
      "1ns/1ps",  // whatever a user's file says, or where it alone says something
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
  for (const SourceFile& source : sources) verilator.push_back(source.name);
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

  std::vector<std::string> link = {
      "g++",       "-o",        kProgram,
      "often.o",   "once.o",    platform_library.string(),
      "-lsystemc", "-lpthread", "-Wl,-rpath," + platform_library.parent_path().string()};
  if (std::string(LUTRA_COSIM_LINK_OPTIONS).size() > 0) link.push_back(LUTRA_COSIM_LINK_OPTIONS);

  const fs::path binding = systemc_sources / "platform" / "accelerator_binding.cc";
  std::vector<std::string> units;
  for (const auto& [name, optimisation] : kUnits) units.insert(units.end(), {name, optimisation});
  // All that the program is made of and runs with. The sources are copied into the build by these
  // texts and the tools find no others there.
  const std::string key = Key()
                              .add(sources)
                              .add(verilator)
                              .add(compiler)
                              .add(units)
                              .add(link)
                              .add(platform_sha256())
                              .sha256();
  const fs::path directory = cache / key.substr(0, 32);
  const fs::path program = directory / kProgram;
  if (fs::exists(fs::symlink_status(directory))) {
    const std::string damage = entry_damage(directory);
    if (damage.empty()) return program;
    progress(fmt::format("{}: damaged, {}: made again", directory.string(), damage));
  }

  const auto start = std::chrono::steady_clock::now();
  progress("verilating the accelerator");
  base::PrivateDirectory work(cache);
  for (const SourceFile& source : sources) {
    base::write_file(work.path() / source.name, source.text);
  }
  const auto verilated = synth::run_tool(verilator, work.path(), "verilator");
  const std::string said =
      fmt::format("{}\n{}", fmt::join(multipliers.origins, "\n"), verilated.output);
  if (verilated.output.find("%Warning-MODDUP") != std::string::npos) {
    // Where one of the two is ours, its name begins with our prefix.
    const bool ours =
        verilated.output.find(fmt::format("module: '{}", kModulePrefix)) != std::string::npos;
    std::vector<std::string> names;
    for (const Component* component : components) names.push_back(component->name);
    const std::string what =
        ours ? fmt::format("names that begin with {} are the accelerator's", kModulePrefix)
             : fmt::format(
                   "two of the multipliers {} define modules of the same name, and one "
                   "accelerator has one name space",
                   fmt::join(names, ", "));
    throw Error(ErrorKind::kUnimplemented, fmt::format("{}; rename one of them:\n{}", what, said));
  }
  if (verilated.status != 0) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("Verilator refuses the accelerator:\n{}", said));
  }

  // Each file reads SystemC's headers: two units instead of many, one of them only set-up code.
  std::string once = "// code that runs once\n";
  std::string often = "// the model, and its binding to the platform\n";
  for (const fs::path& file : sorted_files(work.path() / "model", {".cpp"})) {
    const bool slow = file.filename().string().find("__Slow") != std::string::npos;
    (slow ? once : often) += fmt::format("#include \"{}\"\n", file.filename().string());
  }
  often += fmt::format("#include \"{}\"\n", binding.string());
  base::write_file(work.path() / "once.cpp", once);
  base::write_file(work.path() / "often.cpp", often);
  progress("compiling the accelerator");
  base::parallel_for(2, 1, 2, [&](int unit, int) {
    std::vector<std::string> arguments = compiler;
    const auto& [name, optimisation] = kUnits[static_cast<size_t>(unit)];
    arguments.insert(arguments.end(), {optimisation, "-c", name + ".cpp", "-o", name + ".o"});
    run_or_throw(arguments, work.path(), "g++", "the verilated accelerator does not compile");
  });
  run_or_throw(link, work.path(), "g++", "the co-simulation program does not link");
  for (const char* left : {"often.o", "once.o", "model"}) fs::remove_all(work.path() / left);

  const nlohmann::json manifest = {
      {kProgram, base::sha256_hex(base::read_file(work.path() / kProgram))}, {"key", key}};
  base::write_file(work.path() / kManifest, manifest.dump(2) + "\n");
  if (publish(&work, directory)) {
    progress(fmt::format(
        "accelerator built in {:.1f} s",
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()));
  }
  return program;
}

}  // namespace lutra::cosim
