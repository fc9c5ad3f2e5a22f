// A Verilog file becomes a component: the stages from the source to component.json.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <future>
#include <memory>
#include <set>
#include <sstream>
#include <utility>

#include "component_cache.h"
#include "component_files.h"
#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/sha256.h"
#include "lutra/component/component.h"
#include "lutra/component/component_tables.h"
#include "lutra/component/energy_meter.h"
#include "lutra/component/error_metrics.h"
#include "lutra/component/library.h"
#include "lutra/component/pipeline.h"
#include "lutra/netlist/liberty.h"
#include "lutra/netlist/liberty_writer.h"
#include "lutra/netlist/netlist.h"
#include "lutra/synthesis/synthesis.h"
#include "lutra/synthesis/verilog_sources.h"
#include "lutra/tables/table_files.h"
#include "port_resolution.h"
#include "product_simulation.h"
#include "rtl_check.h"
#include "source_comparison.h"

namespace lutra::synth {
namespace {

using Json = nlohmann::json;

// Limit of a proof where not all pairs are compared, unless another one is asked for.
constexpr int kProofSeconds = 10;

/// Everything that the outcome depends on, as text.
std::string key_text(const MultiplierSource& source, const VerilogSources& sources,
                     const std::string& liberty_sha256, const CharacterizeOptions& options) {
  const std::string yosys = yosys_version();  // the first that is missed
  std::string text = fmt::format(
      "{}\n{}\n{}\n{}\n{}\nliberty {}\nname {}\nwidth {} signed {} seed {}\nports {} {} {}\n"
      "mapped {} latency {} clock {} prove {}\n",
      kComponentSchema, yosys, opensta_version(), iverilog_version(), verilator_version(),
      liberty_sha256, source.name, source.widths.text(), static_cast<int>(source.signedness),
      options.seed, source.ports[0], source.ports[1], source.ports[2], source.mapped,
      source.latency, source.clock, options.prove_s);
  for (const auto& [name, value] : source.parameters) {
    text += fmt::format("parameter {} {}\n", name, value);
  }
  for (const HeldPort& held : source.held) {
    text += fmt::format("held {} {}\n", held.name, held.value);
  }
  for (const std::string& note : source.notes) text += fmt::format("note {}\n", note);
  return text + sources.key_text();
}

/// What the stages work on. Each takes it with what earlier ones made, and gives its own result.
struct Job {
  const MultiplierSource& source;
  const VerilogSources& sources;    ///< what is synthesised
  const VerilogSources& simulated;  ///< what the netlist is compared with: `sources`, or with
                                    ///< the user's own models of a netlist's cells
  const std::vector<ModulePort>& declared;  ///< ports, as the source has them
  const LibertyFiles& liberty_files;
  const Liberty& library;
  const std::string& key;  ///< in the cache
  const CharacterizeOptions& options;
  const std::filesystem::path& directory;  ///< where the component's files go

  std::string where() const { return source.files[0].string(); }
  void progress(const std::string& step) const {
    if (options.progress) options.progress(fmt::format("{}: {}", source.name, step));
  }
};

/// Stage 1: the netlist, and the source with everything that was found from the netlist.
struct MappedMultiplier {
  SynthesisResult synthesis;
  Netlist netlist;
  MultiplierSource resolved;  ///< with top, clock, ports, widths of held inputs
  OperandWidths widths;
};

MappedMultiplier map_source(const Job& job) {
  const MultiplierSource& source = job.source;
  const std::string where = job.where();
  job.progress(source.mapped ? "reading the netlist (Yosys)" : "synthesis (Yosys)");
  SynthesisResult synthesis =
      source.mapped ? read_mapped_netlist(job.sources, job.liberty_files, job.directory)
                    : synthesize(job.sources, source.parameters, job.liberty_files, job.directory);
  Netlist netlist = Netlist::read_json(synthesis.netlist_json, job.library, synthesis.top, where);
  MultiplierSource resolved = source;
  resolved.top = synthesis.top;
  resolved.clock = resolve_clock(netlist, source, where);
  resolved.ports = find_ports(netlist.name(), netlist.ports(), resolved, where);
  for (HeldPort& held : resolved.held) held.width = netlist.port(held.name).width();
  const OperandWidths widths = {netlist.port(resolved.ports[0]).width(),
                                netlist.port(resolved.ports[1]).width()};
  if (source.widths != 0 && source.widths != widths) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: operands of {} bits, expected {}", where, widths.text(),
                            source.widths.text()));
  }
  if (resolved.latency > 0) Pipeline(netlist, resolved).check_latency(job.options.seed, where);
  return {std::move(synthesis), std::move(netlist), std::move(resolved), widths};
}

/// Stage 2: how operands are read, on some pairs.
SignednessFound determine_signedness(const Job& job, const MappedMultiplier& mapped) {
  const auto is_declared_signed = [&job](const std::string& name) {
    return std::any_of(job.declared.begin(), job.declared.end(), [&name](const ModulePort& port) {
      return port.name == name && port.is_signed;
    });
  };
  const bool signed_ports =
      is_declared_signed(mapped.resolved.ports[0]) && is_declared_signed(mapped.resolved.ports[1]);
  const std::vector<PatternPair> pairs = sample_pairs(mapped.widths, job.options.seed);
  return find_signedness(job.source, signed_ports, mapped.widths, pairs,
                         simulate_pairs(mapped.netlist, mapped.resolved, pairs), job.where());
}

/// Stage 3: errors and products over all operand pairs.
ExhaustiveRun simulate_products(const Job& job, const MappedMultiplier& mapped, bool is_signed) {
  const OperandWidths& widths = mapped.widths;
  job.progress(fmt::format("simulation of all {} operand pairs", widths.pairs()));
  ExhaustiveOptions options;
  options.is_signed = is_signed;
  options.keep_products = widths.product() <= kExhaustiveComparisonBits;
  options.jobs = job.options.jobs;
  options.progress = [&job](const std::string& step) { job.progress(step); };
  ExhaustiveRun run = simulate_all_pairs(mapped.netlist, mapped.resolved, options);
  if (run.errors.mae > job.source.largest_mae) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: widths {} x {} -> {}, expected n x m -> n + m; taken for the "
                            "upper half of a product, it has a mean error of {:.6g}, expected at "
                            "most {:.6g}",
                            job.where(), widths.a, widths.b, widths.a, run.errors.mae,
                            job.source.largest_mae));
  }
  return run;
}

/// Stage 4: the files of the table, up to 8 bits.
struct TableFiles {
  Json lut_sha256;  ///< null without a table
  Json factorisation;
};

TableFiles write_table(const Job& job, const MappedMultiplier& mapped, bool is_signed,
                       const std::vector<std::uint32_t>& products) {
  if (!has_table(mapped.widths)) return {};
  std::vector<std::int16_t> lut;
  for (const std::uint32_t pattern : products) {
    lut.push_back(static_cast<std::int16_t>(product_value(pattern, mapped.widths, is_signed)));
  }
  const tables::ProductTable table = product_table(lut, mapped.widths, is_signed);
  base::write_file(job.directory / "lut.npy", tables::npy_bytes(table));
  return {base::sha256_hex(table_bytes(lut)), write_factors(table, job.directory)};
}

/// Verilog of the library's cells that the source itself instantiates, for the simulators; "" where
/// there are none.
std::string source_cells(const Job& job) {
  std::set<std::string> names;
  for (const auto& [name, cell] : job.library.cells()) names.insert(name);
  const std::vector<std::string> instantiated = job.simulated.instantiated(names);
  if (instantiated.empty()) return "";
  std::set<std::string> supplies;
  for (const std::string& name : instantiated) {
    const std::vector<std::string>& pins = job.library.find_cell(name)->supply_pins;
    supplies.insert(pins.begin(), pins.end());
  }
  const bool connects_supplies =
      std::any_of(supplies.begin(), supplies.end(),
                  [&](const std::string& name) { return job.simulated.mentions(name); });
  return verilog_cells(job.library, instantiated, connects_supplies);
}

/// Stage 5: the netlist against its source, and its delay.
struct Verification {
  Json rtl_check;
  Json proof;
  double input_slew_ns = 0;
  double delay_ns = 0;
};

int proof_limit_s(const CharacterizeOptions& options, OperandWidths widths) {
  if (options.prove_s >= 0) return options.prove_s;
  return widths.product() > kExhaustiveComparisonBits ? kProofSeconds : 0;
}

Verification verify_and_time(const Job& job, const MappedMultiplier& mapped,
                             const std::vector<std::uint32_t>& products, const std::string& cells) {
  Verification verification;
  // Beside the comparison, whose compiler keeps one core busy.
  job.progress("timing (OpenSTA)");
  const double slew = job.library.fanout_of_four_slew_ns();
  verification.input_slew_ns = slew;
  std::future<double> timing = std::async(std::launch::async, [&mapped, slew] {
    return critical_path_ns(mapped.synthesis, slew, mapped.resolved.clock);
  });
  verification.rtl_check = compare_with_source(mapped.resolved, job.simulated, mapped.netlist,
                                               mapped.widths, products, cells, job.options);
  verification.proof = {{"result", "not checked"}, {"reason", "not asked for"}};
  const int limit_s = proof_limit_s(job.options, mapped.widths);
  if (limit_s > 0) {
    job.progress(fmt::format("proof against the source (abc, at most {} s)", limit_s));
    verification.proof = prove_against_rtl(mapped.resolved, job.simulated, mapped.netlist, cells,
                                           limit_s, job.directory);
  }
  verification.delay_ns = timing.get();
  return verification;
}

/// Stage 6, part of component.json: what was characterised.
Json source_json(const Job& job, const MappedMultiplier& mapped, const SignednessFound& signedness,
                 const std::string& cells) {
  const MultiplierSource& source = job.source;
  const MultiplierSource& resolved = mapped.resolved;
  Json json;
  json["schema"] = kComponentSchema;
  json["cache_key"] = job.key;
  json["name"] = source.name;
  json["top"] = mapped.synthesis.top;
  json["parameters"] = Json::object();
  for (const auto& [name, value] : source.parameters) json["parameters"][name] = value;
  json["width_a"] = mapped.widths.a;
  json["width_b"] = mapped.widths.b;
  json["signed"] = signedness.is_signed;
  json["signed_from"] = signedness.from;
  json["warnings"] = source.notes;
  if (!signedness.warning.empty()) json["warnings"].push_back(signedness.warning);
  json["ports"] = {{"a", resolved.ports[0]}, {"b", resolved.ports[1]}, {"p", resolved.ports[2]}};
  json["mapped"] = source.mapped;
  json["latency"] = source.latency;
  json["clock"] = source.latency > 0 ? Json(resolved.clock) : Json();
  json["held"] = Json::object();
  for (const HeldPort& held : resolved.held) {
    json["held"][held.name] = {{"value", held.value}, {"width", held.width}};
  }
  json["sources"] = Json::array();
  const auto add_source = [&json](const std::string& file, const std::string& text) {
    json["sources"].push_back({{"file", file}, {"sha256", base::sha256_hex(text)}});
  };
  for (const VerilogSources::File& file : job.sources.files()) {
    add_source("source/" + file.name, file.text);
  }
  if (!cells.empty() && !source.mapped) add_source(std::string("source/") + kSourceCells, cells);
  json["memories"] = Json::object();
  for (const auto& [name, bytes] : job.sources.memories()) {
    json["memories"][name] = base::sha256_hex(bytes);
  }
  return json;
}

/// Stage 6, part of component.json: the library, the assumptions that the figures hold under, the
/// tools.
Json conditions_json(const Job& job, double input_slew_ns) {
  const Liberty& library = job.library;
  const bool is_pipeline = job.source.latency > 0;
  Json json;
  std::string file_names;
  json["liberty_files"] = Json::array();
  for (const auto& [name, sha256] : library.files()) {
    file_names += (file_names.empty() ? "" : ", ") + name;
    json["liberty_files"].push_back({{"file", name}, {"sha256", sha256}});
  }
  json["liberty"] = file_names;
  json["liberty_library"] = library.name();
  json["liberty_sha256"] = library.sha256();
  json["activity"] = "uniform";
  json["assumptions"] = {
      {"activity", "65,536 transitions between independent uniform operand pairs (splitmix64)"},
      {"activity_seed", job.options.seed},
      {"input_slew_ns", input_slew_ns},
      {"input_slew", "fan-out-of-four slew of the library's smallest inverter, at every pin"},
      {"supply_v", library.voltage_v()},
      {"load", "pin capacitances; no wires, no load on outputs"},
      {"energy_per_op_fj", "zero delay: no glitches"},
      {"glitches",
       is_pipeline
           ? "not measured: registers"
           : "the first 4,096 transitions with delays: all operand bits change at once, and each "
             "pair settles before the next; energy_per_op_fj times the sample's energy_factor"},
      {"delay_model",
       "inertial; cell_rise and cell_fall of the arc by related_pin, timing_sense and when, at "
       "input_slew_ns and the net's load"},
      {"leakage_nw",
       "leakage_power by state, mean over the states of the activity; cell_leakage_power of cells "
       "and states without it"},
      {"leakage_without_states_nw", "cell_leakage_power"},
      {"delay_ns", is_pipeline ? "the shortest clock period, inputs and outputs included"
                               : "the longest path from an operand to the product"},
  };
  json["tools"] = {{"yosys", yosys_version()},
                   {"opensta", opensta_version()},
                   {"icarus", iverilog_version()},
                   {"verilator", verilator_version()}};
  return json;
}

/// Net toggles of an operation for independent uniform pairs, without sampling: a net toggles with
/// 2 p (1 - p). Null with registers.
Json exact_toggles(const Job& job, const MappedMultiplier& mapped, const ExhaustiveRun& run) {
  if (job.source.latency != 0) return nullptr;
  double toggles = mapped.widths.product() * 0.5;  // of the operands themselves
  for (const double p : run.signal_probability) toggles += 2 * p * (1 - p);
  return toggles;
}

/// Stage 7: energy and leakage of the netlist at uniform operands.
/// @param json  component.json so far, which says at which slew energies are taken
Json measure_energy(const Job& job, const MappedMultiplier& mapped, bool is_signed,
                    const Json& json) {
  job.progress("energy (netlist activity, with and without delays)");
  Component component;
  component.name = job.source.name;
  component.directory = job.directory;
  component.source = mapped.resolved;
  component.widths = mapped.widths;
  component.is_signed = is_signed;
  component.json = json;
  EnergyMeter meter(component);
  return energy_json(
      &meter, uniform_operands(kUniformOperations, job.options.seed, mapped.widths, is_signed));
}

/// All stages: writes the files of a component.
void build_component(const Job& job) {
  MappedMultiplier mapped = map_source(job);
  const SignednessFound signedness = determine_signedness(job, mapped);
  mapped.resolved.signedness = signedness.is_signed ? Signedness::kSigned : Signedness::kUnsigned;
  const ExhaustiveRun run = simulate_products(job, mapped, signedness.is_signed);
  const TableFiles table = write_table(job, mapped, signedness.is_signed, run.products);
  const std::string cells = source_cells(job);
  if (!cells.empty() && !job.source.mapped) {
    base::write_file(job.directory / "source" / kSourceCells, cells);
  }
  const Verification verification = verify_and_time(job, mapped, run.products, cells);

  Json json = source_json(job, mapped, signedness, cells);
  json.update(conditions_json(job, verification.input_slew_ns));
  json["lut_sha256"] = table.lut_sha256;
  json["factorisation"] = table.factorisation;
  json["area_um2"] = mapped.synthesis.area_um2;
  json["delay_ns"] = verification.delay_ns;
  json["cells"] = mapped.netlist.cell_counts();
  json["errors"] = to_json(run.errors);
  json["rtl_check"] = verification.rtl_check;
  json["proof"] = verification.proof;
  json["leakage_without_states_nw"] = mapped.synthesis.leakage_nw;
  json["net_toggles_per_op_exact"] = exact_toggles(job, mapped, run);
  json.update(measure_energy(job, mapped, signedness.is_signed, json));
  write_component_json(json, job.directory);
}

}  // namespace

Component characterize(const MultiplierSource& given, const CharacterizeOptions& options) {
  MultiplierSource source = given;
  if (source.files.empty()) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: no Verilog file given", source.name));
  }
  const LibertyFiles liberty_files =
      options.liberty.empty() ? default_liberty() : options.liberty.absolute();
  const std::shared_ptr<const Liberty> library = Liberty::shared(liberty_files);
  std::set<std::string> models;  // of cells, beside a netlist: the library's own count
  if (source.mapped) {
    for (const auto& [name, cell] : library->cells()) models.insert(name);
  }
  const VerilogSources sources =
      VerilogSources::read(source.files, source.top, source.reading, models);
  source.top = sources.top();
  const VerilogSources simulated =
      source.mapped ? VerilogSources::read(source.files, source.top, source.reading) : sources;
  if (source.name.empty()) source.name = source.top;
  check_widths(source.name, source.widths, options);
  const std::string key = base::sha256_hex(key_text(source, sources, library->sha256(), options) +
                                           (source.mapped ? simulated.key_text() : ""));
  return cached_component(source.name, key, options, [&](const std::filesystem::path& directory) {
    const std::vector<ModulePort> declared = declared_ports(source, sources);
    check_widths(source.name, declared_widths(declared), options);
    const base::PrivateDirectory work(std::filesystem::temp_directory_path());
    const MultiplierSource fitted =
        source.mapped ? source : fitted_source(source, declared, work.path());
    if (fitted.top == source.top) {
      build_component(
          {fitted, sources, simulated, declared, liberty_files, *library, key, options, directory});
      return;
    }
    const VerilogSources shell = VerilogSources::read(fitted.files, fitted.top, fitted.reading);
    const std::vector<ModulePort> shell_ports = declared_ports(fitted, shell);
    build_component(
        {fitted, shell, shell, shell_ports, liberty_files, *library, key, options, directory});
  });
}

LibertyFiles default_liberty() {
  const char* variable = std::getenv("LUTRA_LIBERTY");
  const std::string chosen = variable == nullptr ? "" : variable;
  std::vector<std::filesystem::path> paths;
  if (chosen.empty()) {
    paths.emplace_back("/usr/share/qflow/tech/osu018/osu018_stdcells.lib");
  } else if (std::filesystem::exists(chosen)) {
    paths.emplace_back(chosen);  // also with a colon in its name
  } else {
    std::istringstream parts(chosen);
    for (std::string part; std::getline(parts, part, ':');) {
      if (!part.empty()) paths.emplace_back(part);
    }
  }
  for (const std::filesystem::path& path : paths) {
    if (std::filesystem::exists(path)) continue;
    throw Error(ErrorKind::kUnavailable,
                fmt::format("{}: no such Liberty file{}", path.string(),
                            chosen.empty() ? ", expected from the package qflow-tech-osu018"
                                           : ", named by LUTRA_LIBERTY"));
  }
  if (paths.empty()) {
    throw Error(
        ErrorKind::kUnavailable,
        fmt::format("LUTRA_LIBERTY = \"{}\", expected Liberty files with : between them", chosen));
  }
  return paths;
}

}  // namespace lutra::synth
