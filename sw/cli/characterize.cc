// lutra characterize: a Verilog file, a library name or a table becomes a component.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>

#include "command.h"
#include "lutra/base/files.h"
#include "lutra/base/sha256.h"
#include "lutra/base/threads.h"
#include "lutra/component/component.h"
#include "lutra/component/component_tables.h"
#include "lutra/component/delay_sweep.h"
#include "lutra/component/library.h"
#include "lutra/component/operands.h"
#include "lutra/component/pipeline.h"
#include "lutra/component/reference.h"
#include "lutra/component/saif.h"
#include "lutra/netlist/liberty.h"
#include "lutra/report/report.h"
#include "lutra/tables/table_files.h"
#include "output.h"

namespace lutra::cli {
namespace {

namespace fs = std::filesystem;

/// Lists what Lutra wrote into a directory, which alone it may replace.
constexpr const char* kOwnFiles = "written-by-lutra.json";

struct Options {
  std::vector<std::string> inputs;
  std::string top;
  std::vector<std::string> ports;
  std::vector<std::string> held;
  int latency = 0;
  std::string clock;
  bool mapped = false;
  int prove_s = -1;
  bool is_unsigned = false;
  bool is_signed = false;
  bool shell = false;
  std::vector<std::string> parameters;
  SourceOptions source;

  synth::Signedness signedness() const {
    return is_unsigned || shell ? synth::Signedness::kUnsigned
           : is_signed          ? synth::Signedness::kSigned
                                : synth::Signedness::kFind;
  }
  bool force = false;
  bool sweep = false;
  StudyOptions study;  // of a sweep
  std::vector<std::string> exports;
  std::vector<std::string> liberty;
  fs::path operands;
  std::vector<double> clock_ns;
  fs::path saif;
  synth::SaifOptions saif_options;
};

std::vector<synth::HeldPort> held_ports(const std::vector<std::string>& texts) {
  std::vector<synth::HeldPort> held;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    synth::HeldPort port{text.substr(0, equals)};
    char* end = nullptr;
    if (equals != std::string::npos) port.value = std::strtol(&text[equals + 1], &end, 0);
    if (end == nullptr || *end != '\0' || end == &text[equals + 1] || port.name.empty()) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("--hold {}: expected port=integer", text));
    }
    for (const synth::HeldPort& other : held) {
      if (other.name == port.name) {
        throw Error(ErrorKind::kInvalidArgument,
                    fmt::format("--hold {}: {} is held twice", text, port.name));
      }
    }
    held.push_back(port);
  }
  return held;
}

/// What the component does at the operands of a file, with the file's name.
nlohmann::json at_operands(const synth::Component& component, const fs::path& file) {
  nlohmann::json result = synth::measure_at_operands(
      component, synth::read_operands(file, component.widths, component.is_signed));
  result["file"] = file.filename().string();
  result["sha256"] = base::sha256_hex(base::read_file(file));
  return result;
}

/// Refuses a place for a SAIF file where none can be written, before the work.
void check_saif_place(const fs::path& file, const fs::path& out) {
  const auto refuse = [&file](const std::string& what) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("--saif {}: {}", file.string(), what));
  };
  std::error_code error;
  if (!file.has_filename()) refuse("expected the name of a file");
  if (fs::exists(file, error) && !fs::is_regular_file(file, error)) refuse("not a regular file");
  for (const char* own : {"component", "delay_sweep"}) {
    const fs::path replaced = fs::weakly_canonical(out / own, error);
    const fs::path inside = fs::weakly_canonical(file, error).lexically_relative(replaced);
    if (!inside.empty() && *inside.begin() != "..") {
      refuse(fmt::format("{} is replaced by every run, expected another place", replaced.string()));
    }
  }
  const fs::path directory = file.has_parent_path() ? file.parent_path() : fs::path(".");
  if (!fs::is_directory(directory, error)) {
    refuse(fmt::format("{} is no directory", directory.string()));
  }
  try {
    const base::PrivateDirectory can_write(directory);
  } catch (const Error& cannot) {
    refuse(cannot.what());
  }
}

/// The SAIF file of a component at the operands given, or uniform ones.
synth::SaifFile saif_file(const synth::Component& c, const Options& options) {
  synth::SaifOptions saif = options.saif_options;
  synth::need_netlist(c, "SAIF");
  std::vector<synth::OperandPair> operations;
  if (options.operands.empty()) {
    const auto seed = c.json.at("assumptions").at("activity_seed").get<std::uint64_t>();
    operations = synth::uniform_operands(synth::kUniformOperations, seed, c.widths, c.is_signed);
    saif.operands = fmt::format("independent uniform pairs (splitmix64, seed {})", seed);
  } else {
    operations = synth::read_operands(options.operands, c.widths, c.is_signed).trace;
    if (operations.empty()) {
      throw Error(ErrorKind::kUnimplemented,
                  fmt::format("--saif: {} holds histograms, which say nothing of the order of "
                              "operands; expected a trace",
                              options.operands.string()));
    }
    saif.operands =
        fmt::format("trace {}, {} operations (SHA-256 {})", options.operands.filename().string(),
                    operations.size(), base::sha256_hex(base::read_file(options.operands)));
  }
  return synth::component_saif(c, operations, saif);
}

std::string saif_text(const nlohmann::json& saif) {
  return fmt::format(
      "SAIF: {} ({} transitions, a period of {:g} ns, {}): energy of an operation = power x "
      "period; {:.1f} fJ\n",
      saif.at("file").get<std::string>(), saif.at("transitions").get<std::uint64_t>(),
      saif.at("period_ns").get<double>(),
      saif.at("glitches").get<bool>() ? "with glitches" : "zero delay",
      saif.at("energy_per_op_fj").get<double>());
}

/// The component and its mappings for other delays, a line each.
std::string delay_sweep_text(const nlohmann::json& component) {
  std::string text = fmt::format("{:>9}{:>10}{:>11}{:>12}{:>16}  {}\n", "target ns", "delay ns",
                                 "area um2", "energy fJ", "with glitches", "mapping");
  const auto line = [&text](const nlohmann::json& row, const std::string& target,
                            const std::string& mapping) {
    text += fmt::format("{:>9}{:>10.3f}{:>11.1f}{:>12.1f}{:>16.1f}  {}\n", target,
                        row.at("delay_ns").get<double>(), row.at("area_um2").get<double>(),
                        row.at("energy_per_op_fj").get<double>(),
                        row.at("glitches").at("energy_per_op_fj").get<double>(), mapping);
  };
  line(component, "none", "the component");
  for (const nlohmann::json& row : component.at("delay_sweep")) {
    line(row, fmt::format("{:g}", row.at("target_ns").get<double>()),
         row.at("mapping").get<std::string>() +
             (row.at("reached").get<bool>() ? "" : "; target not reached"));
  }
  return text;
}

std::string operands_text(const nlohmann::json& at) {
  const nlohmann::json& errors = at.at("errors");
  std::string text = fmt::format(
      "at the operands of {} ({}):\n", at.at("file").get<std::string>(),
      at.contains("operations") ? fmt::format("a trace of {}", at.at("operations").get<size_t>())
                                : "histograms; no energy without their order");
  if (at.contains("energy_per_op_fj")) {
    text += fmt::format("  energy {:.1f} fJ an operation", at.at("energy_per_op_fj").get<double>());
    if (!at.at("glitches").is_null()) {
      text += fmt::format(", with glitches {:.1f} fJ",
                          at.at("glitches").at("energy_per_op_fj").get<double>());
    }
    text += "\n";
  }
  return text + fmt::format("  MAE {:.4f}, WCE {:.0f}, EP {:.2f} %, MRE {:.4f} %, bias {:.4f}\n",
                            errors.at("mae").get<double>(), errors.at("wce").get<double>(),
                            100 * errors.at("ep").get<double>(),
                            100 * errors.at("mre_nonzero").get<double>(),
                            errors.at("bias").get<double>());
}

/// The numbers at given operands, by name for a spreadsheet.
std::vector<std::pair<std::string, double>> operand_columns(const nlohmann::json& row) {
  std::vector<std::pair<std::string, double>> columns;
  if (!row.contains("at_operands")) return columns;
  const nlohmann::json& at = row.at("at_operands");
  if (at.contains("energy_per_op_fj")) {
    columns.emplace_back("energy_per_op_fj", at.at("energy_per_op_fj"));
    columns.emplace_back("energy_per_op_with_glitches_fj",
                         at.at("glitches").at("energy_per_op_fj"));
  }
  for (const auto& [key, value] : at.at("errors").items()) columns.emplace_back(key, value);
  return columns;
}

/// A figure of a row by its JSON pointer, for spreadsheets; empty where there is none.
std::string cell(const nlohmann::json& row, const std::string& pointer) {
  const nlohmann::json value = row.value(nlohmann::json::json_pointer(pointer), nlohmann::json());
  return value.is_null() ? "" : fmt::format("{}", value.get<double>());
}

/// One line a multiplier, for spreadsheets.
std::string csv(const nlohmann::json& rows) {
  std::string text =
      "name,width_a,width_b,signed,area_um2,delay_ns,leakage_nw,energy_per_op_fj,"
      "glitch_factor,glitch_energy_factor,energy_per_op_with_glitches_fj";
  const nlohmann::json errors = synth::to_json(synth::ErrorMetrics());
  for (const auto& [key, value] : errors.items()) {
    if (value.is_number()) text += "," + key;
  }
  for (const auto& [key, value] : operand_columns(rows.at(0))) text += ",at_operands_" + key;
  for (const nlohmann::json& row : rows) {
    std::string name;
    for (const char c : row.at("name").get<std::string>()) {
      name += c == '"' ? std::string("\"\"") : std::string(1, c);
    }
    text += fmt::format("\n\"{}\",{},{},{}", name, row.at("width_a").get<int>(),
                        row.at("width_b").get<int>(), row.at("signed").get<bool>() ? 1 : 0);
    for (const char* key :
         {"/area_um2", "/delay_ns", "/leakage_nw", "/energy_per_op_fj", "/glitches/factor",
          "/glitches/energy_factor", "/glitches/energy_per_op_fj"}) {
      text += "," + cell(row, key);
    }
    for (const auto& [key, value] : errors.items()) {
      if (value.is_number()) text += "," + cell(row, "/errors/" + key);
    }
    for (const auto& [key, value] : operand_columns(row)) text += fmt::format(",{}", value);
  }
  return text + "\n";
}

/// The multipliers of a sweep, as units of work.
std::vector<studies::Unit> sweep_units(const Options& options, const SharedOptions& shared) {
  std::vector<std::string> specs;
  for (const std::string& pattern : options.inputs) {
    for (std::string& spec : synth::expand_pattern(pattern)) {
      if (std::find(specs.begin(), specs.end(), spec) == specs.end()) {
        specs.push_back(std::move(spec));
      }
    }
  }
  const synth::LibertyFiles liberty =
      options.liberty.empty() ? synth::default_liberty() : synth::LibertyFiles(options.liberty);
  nlohmann::json names = nlohmann::json::array();  // results say them
  for (const fs::path& file : liberty.paths()) names.push_back(file.filename().string());
  nlohmann::json common = {{"kind", "sweep"},
                           {"liberty", {names, synth::Liberty::read(liberty).sha256()}},
                           {"rtl", studies::content_of(synth::rtl_directory() / "multipliers")},
                           {"versions", versions()},
                           {"seed", shared.seed},
                           {"prove_s", options.prove_s},
                           {"allow_unchecked", options.source.allow_unchecked}};
  if (!options.operands.empty()) {
    common["operands"] = {options.operands.filename().string(),
                          base::sha256_hex(base::read_file(options.operands))};
  }
  std::vector<studies::Unit> units;
  for (const std::string& spec : specs) {
    nlohmann::json key = common;
    key["multiplier"] = spec;
    const auto make = [&options, &shared, spec]() -> nlohmann::json {
      synth::CharacterizeOptions characterize;
      characterize.liberty = options.liberty;
      characterize.force = options.force;
      characterize.prove_s = options.prove_s;
      characterize.seed = shared.seed;
      characterize.jobs = 1;
      const synth::Component c = synth::characterize(synth::library_source(spec), characterize);
      nlohmann::json row;
      for (const char* name :
           {"name", "width_a", "width_b", "signed", "lut_sha256", "area_um2", "delay_ns",
            "leakage_nw", "energy_per_op_fj", "glitches", "errors", "cells"}) {
        row[name] = c.json.at(name);
      }
      if (!options.operands.empty()) row["at_operands"] = at_operands(c, options.operands);
      row["rtl_check"] = c.json.at("rtl_check").at("result");
      nlohmann::json unequal;  // to its source, or not compared with it
      try {
        synth::need_check(c, options.source.allow_unchecked);
      } catch (const Error& error) {
        unequal = error.what();
      }
      progress(fmt::format("{}: MAE {:.2f}, {:.0f} fJ", c.name, c.errors.mae, c.energy_per_op_fj));
      return {{"row", row},
              {"unequal", unequal},
              {"liberty", {{"name", c.liberty}, {"sha256", c.liberty_sha256}}}};
    };
    units.push_back({spec, key, make,
                     [](const nlohmann::json& kept) {
                       return kept.is_object() && kept.contains("row") &&
                              kept.at("row").contains("errors") && kept.contains("unequal");
                     },
                     // What could not be checked may be another time.
                     [](const nlohmann::json& value) {
                       return value.at("row").at("rtl_check") != "not checked";
                     }});
  }
  return units;
}

/// Every specification of the patterns, characterised on all cores; what is kept is not made again,
/// so that a sweep that was interrupted goes on.
Outcome run_sweep(const Options& options, const SharedOptions& shared, const fs::path& out) {
  report::chart_library();  // missing? say so before the work, not after it
  say_that_it_goes_on();
  const std::vector<studies::Unit> units = sweep_units(options, shared);
  studies::RunStore store = options.study.store(out);
  if (options.force) store.forget(units);
  const auto values = store.stage("multipliers", units, studies::Barrier::kLast, shared.jobs);
  if (!values || options.study.output_use() != OutputUse::kOwn) {
    return options.study.progress_of(store);
  }
  Outcome outcome("lutra-sweep-1");
  nlohmann::json& r = outcome.result;
  r["schema"] = outcome.schema;
  r["rows"] = nlohmann::json::array();
  int unequal = 0;
  for (const nlohmann::json& value : *values) {
    r["rows"].push_back(value.at("row"));
    if (value.at("unequal").is_null()) continue;
    progress(fmt::format("lutra: {}", value.at("unequal").get<std::string>()));
    ++unequal;
  }
  r["liberty"] = values->front().at("liberty");
  const fs::path page = out / "report.html";
  r["versions"] = versions();
  r["seed"] = shared.seed;
  r["report"] = page.string();
  base::write_file(out / "sweep.csv", csv(r["rows"]));
  base::write_file(page, report::page(r, made_by(shared)));
  outcome.text = fmt::format("{:<36}{:>10}{:>10}{:>12}{:>10}{:>12}{:>10}\n", "multiplier",
                             "area um2", "delay ns", "energy fJ", "glitches", "MAE", "MRE");
  for (const nlohmann::json& row : r["rows"]) {
    outcome.text +=
        fmt::format("{:<36}{:>10.0f}{:>10.2f}{:>12.0f}{:>9.2f}x{:>12.2f}{:>9.3f}%\n",
                    row.at("name").get<std::string>(), row.at("area_um2").get<double>(),
                    row.at("delay_ns").get<double>(), row.at("energy_per_op_fj").get<double>(),
                    row.at("glitches").at("energy_factor").get<double>(),
                    row.at("errors").at("mae").get<double>(),
                    100 * row.at("errors").at("mre_nonzero").get<double>());
  }
  if (unequal > 0) outcome.code = ExitCode::kMismatch;
  outcome.text +=
      fmt::format("{} multipliers; report: {}\n", units.size(), fs::absolute(page).string());
  return outcome;
}

synth::Component characterize_input(const Options& options,
                                    const synth::CharacterizeOptions& characterize) {
  synth::MultiplierReference first = synth::parse_reference(options.inputs[0]);
  if (first.signedness == synth::Signedness::kFind) first.signedness = options.signedness();
  if (first.kind == synth::MultiplierReference::Kind::kTable) {
    return synth::import_table(first.path, first.signedness, options.shell, characterize);
  }
  if (first.kind == synth::MultiplierReference::Kind::kComponent) {
    return synth::load_component(first.path);
  }
  synth::MultiplierSource source;
  if (first.kind == synth::MultiplierReference::Kind::kVerilog) {
    std::vector<fs::path> files = {first.path};
    for (size_t i = 1; i < options.inputs.size(); ++i) {
      files.push_back(fs::absolute(options.inputs[i]).lexically_normal());
    }
    source = synth::verilog_source(files, options.top, first.signedness);
    source.parameters = first.parameters;
    for (const std::string& text : options.parameters) {
      const synth::MultiplierReference given = synth::parse_reference(
          options.inputs[0].substr(0, options.inputs[0].find(':')) + ":" + text);
      source.parameters.insert(source.parameters.end(), given.parameters.begin(),
                               given.parameters.end());
    }
    source.reading = options.source.reading();
    for (size_t i = 0; i < options.ports.size(); ++i) source.ports[i] = options.ports[i];
    source.held = held_ports(options.held);
    source.latency = options.latency;
    source.clock = options.clock;
    source.mapped = options.mapped;
  } else {
    source = synth::library_source(first.text);
  }
  const base::PrivateDirectory work(fs::temp_directory_path());
  if (options.shell) source = synth::sign_magnitude_source(source, work.path());
  return synth::characterize(source, characterize);
}

/// What the netlist costs; or that there is none.
std::string cost_text(const synth::Component& c) {
  if (!c.has_netlist) {
    return fmt::format("imported from {} ({}): no netlist, so no area, delay, leakage or energy",
                       c.json.at("imported").at("file").get<std::string>(),
                       c.json.at("imported").at("format").get<std::string>());
  }
  std::string text = fmt::format(
      "area {:.1f} um2, {} {:.3f} ns, leakage {:.3f} nW, energy {:.1f} fJ an operation ({})",
      c.area_um2, c.source.latency > 0 ? "clock period" : "delay", c.delay_ns, c.leakage_nw,
      c.energy_per_op_fj, c.activity);
  if (c.source.latency > 0) return text + fmt::format(", latency {} cycles", c.source.latency);
  const nlohmann::json& glitches = c.json.at("glitches");
  return text + fmt::format(
                    "\n  with glitches {:.1f} fJ an operation: {:.2f} times the toggles, {:.2f} "
                    "times the energy",
                    glitches.at("energy_per_op_fj").get<double>(),
                    glitches.at("factor").get<double>(),
                    glitches.at("energy_factor").get<double>());
}

/// In how many matrix products of bytes an engine has the multiplier exactly.
std::string factorisation_text(const synth::Component& c) {
  const nlohmann::json& found = c.json.at("factorisation");
  if (c.lut.empty()) return "no factorisation: no table";
  if (found.is_null()) return "no exact factorisation into at most 16 int8 matrix products";
  const auto count = [](std::size_t terms) {
    return fmt::format("{} int8 matrix product{}", terms, terms == 1 ? "" : "s");
  };
  const auto terms = found.at("terms").get<std::size_t>();
  std::string text = "exact in " + count(terms);
  const nlohmann::json& all = found.at("terms_all_operands");
  if (all != terms) {
    const int lowest = -(1 << (c.widths.a - 1));
    text += fmt::format(
        "; {} with {}", all.is_null() ? "none" : std::to_string(all.get<std::size_t>()),
        c.widths.equal() ? fmt::format("the operand {}", lowest) : "operands of the lowest value");
  }
  return text;
}

/// The files that an earlier run wrote into a directory, by its list; with their checksums.
nlohmann::json own_files(const fs::path& directory) {
  try {
    return nlohmann::json::parse(base::read_file(directory / kOwnFiles)).at("files");
  } catch (const std::exception&) {
    return nlohmann::json::object();
  }
}

/// The regular files below a directory, relative to it.
std::vector<std::string> files_below(const fs::path& directory) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_directory()) files.push_back(entry.path().lexically_relative(directory).string());
  }
  return files;
}

/// Refuses a directory that holds what Lutra did not write, or what was changed since.
void check_own(const fs::path& directory) {
  if (!fs::exists(fs::symlink_status(directory))) return;
  if (!fs::is_directory(fs::symlink_status(directory))) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: not a directory of an earlier run, expected "
                            "another --out",
                            directory.string()));
  }
  const nlohmann::json own = own_files(directory);
  for (const std::string& file : files_below(directory)) {
    const bool is_own =
        file == kOwnFiles ||
        (own.contains(file) && own.at(file) == base::sha256_hex(base::read_file(directory / file)));
    if (is_own) continue;
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: not written by an earlier run, or changed since, and would be "
                            "replaced: move it away, or choose another --out",
                            (directory / file).string()));
  }
}

/// Puts a directory in the place of what an earlier run left there, with a list of its files.
void replace_own(const fs::path& made, const fs::path& target) {
  check_own(target);
  nlohmann::json list = {{"files", nlohmann::json::object()}};
  for (const std::string& file : files_below(made)) {
    list["files"][file] = base::sha256_hex(base::read_file(made / file));
  }
  base::write_file(made / kOwnFiles, list.dump(2) + "\n");
  if (fs::exists(target)) fs::rename(target, made.parent_path() / "old");
  fs::rename(made, target);
}

Outcome run_one(const Options& options, const SharedOptions& shared, const fs::path& out) {
  synth::CharacterizeOptions characterize;
  characterize.liberty = options.liberty;
  characterize.force = options.force;
  characterize.prove_s = options.prove_s;
  characterize.seed = shared.seed;
  characterize.jobs = shared.jobs;
  characterize.progress = progress;
  check_own(out / "component");  // before the work, not after it
  if (!options.clock_ns.empty()) check_own(out / "delay_sweep");
  if (!options.saif.empty()) {
    check_saif_place(options.saif, out);
    synth::check_saif_options(options.saif_options);
    if (options.saif_options.glitches && options.latency > 0) {
      throw Error(ErrorKind::kUnimplemented,
                  "--saif-glitches: expected a multiplier without registers");
    }
  }
  const synth::Component c = characterize_input(options, characterize);
  const bool named = options.inputs.size() == 1;
  for (const std::string& line : synth::table_lines(named ? options.inputs[0] : c.name, c)) {
    progress(line);
  }
  nlohmann::json row = c.json;
  synth::SaifFile saif;
  if (!options.saif.empty()) {
    saif = saif_file(c, options);
    row["saif"] = saif.summary;
    row["saif"]["file"] = options.saif.string();
    row["saif"]["sha256"] = base::sha256_hex(saif.text);
  }
  if (!options.operands.empty()) row["at_operands"] = at_operands(c, options.operands);
  if (!options.clock_ns.empty()) {
    progress("mapping for delays");
    const base::PrivateDirectory work(out);
    row["delay_sweep"] = synth::sweep_delay_targets(
        c,
        options.liberty.empty() ? synth::default_liberty() : synth::LibertyFiles(options.liberty),
        options.clock_ns, shared.seed, work.path() / "delay_sweep");
    replace_own(work.path() / "delay_sweep", out / "delay_sweep");
  }
  std::map<std::string, std::string> files;
  for (const std::string& kind : options.exports) {
    if (kind == "csv") {
      files["metrics.csv"] = csv(nlohmann::json::array({row}));
      continue;
    }
    if (c.lut.empty()) {
      throw Error(ErrorKind::kUnimplemented,
                  fmt::format("{}: no table to export: operands of {} bits, expected at most 8",
                              c.name, c.widths.text()));
    }
    const tables::ProductTable table = synth::product_table(c);
    if (kind == "raw") files["lut.bin"] = tables::raw_bytes(table);
    if (kind == "header") files["lut.h"] = tables::c_header(table, c.name, "lut");
    if (kind == "npy") files["lut_int32.npy"] = tables::npy_int32_bytes(table);
    if (kind == "text") files["lut.txt"] = tables::text_table(table, tables::Order::kValue);
    if (kind == "triples") files["lut_triples.txt"] = tables::triple_table(table);
  }
  // A copy that lies with the result; the cache may be emptied at any time.
  const fs::path target = out / "component";
  {
    const base::PrivateDirectory work(out);
    // Not by fs::copy, which calls a full disk an input/output error.
    for (const auto& entry : fs::recursive_directory_iterator(c.directory)) {
      if (!entry.is_regular_file()) continue;
      const fs::path to = work.path() / "component" / fs::relative(entry.path(), c.directory);
      fs::create_directories(to.parent_path());
      base::write_file(to, base::read_file(entry.path()));
    }
    replace_own(work.path() / "component", target);
  }
  for (const auto& [name, bytes] : files) base::write_file(out / name, bytes);
  if (!options.saif.empty()) base::write_file(options.saif, saif.text);
  Outcome outcome("lutra-characterize-1");
  outcome.result = row;
  outcome.result["schema"] = outcome.schema;
  outcome.result["component_schema"] = row.at("schema");
  outcome.result["name"] = c.name;
  // Only the page needs Chart.js; the component is whole without it.
  fs::path page;
  try {
    base::write_file(out / "report.html",
                     report::page(outcome.result, made_by(shared), {{"lut", c.lut}}));
    page = out / "report.html";
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kUnavailable) throw;
    progress(fmt::format("no report: {}", error.what()));
  }
  outcome.result["report"] = page.empty() ? nlohmann::json() : nlohmann::json(page.string());
  outcome.result["component"] = target.string();
  outcome.text = fmt::format(
      "{}\n  {}\n  MAE {:.4f}, WCE {:.0f}, EP {:.2f} %, MRE {:.4f} %, bias {:.4f}\n"
      "  {}\n  {}\n  {}\n  in {}\n  report: {}\n",
      c.name, cost_text(c), c.errors.mae, c.errors.wce, 100 * c.errors.ep,
      100 * c.errors.mre_nonzero, c.errors.bias,
      c.lut.empty() ? fmt::format("no table: operands of {} bits", c.widths.text())
                    : "LUT sha256 " + c.lut_sha256,
      factorisation_text(c),
      c.json.at("rtl_check").is_null() ? "a table: no source to be checked against"
                                       : synth::check_text(c.json.at("rtl_check")),
      target.string(), page.empty() ? "none" : fs::absolute(page).string());
  try {
    synth::need_check(c, options.source.allow_unchecked);
  } catch (const Error& error) {
    progress(fmt::format("lutra: {}", error.what()));
    outcome.code = exit_code(error.kind());
  }
  if (row.contains("at_operands")) outcome.text += operands_text(row.at("at_operands"));
  if (row.contains("delay_sweep")) outcome.text += delay_sweep_text(row);
  if (row.contains("saif")) outcome.text += saif_text(row.at("saif"));
  return outcome;
}

/// What a kind of input does not take is refused, not passed over.
void check_options(const CLI::App& app, const Options& options) {
  const auto refuse = [&app](const std::string& what, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      if (app.count(name) > 0) {
        throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: not with {}", name, what));
      }
    }
  };
  const std::string& first = options.inputs[0];
  using Kind = synth::MultiplierReference::Kind;
  const Kind kind = options.sweep ? Kind::kLibrary : synth::parse_reference(first).kind;
  const bool from_verilog = kind == Kind::kVerilog;
  const bool from_table = kind == Kind::kTable;
  if (!from_verilog) {
    refuse(from_table ? "a table, only with Verilog files"
                      : "library multipliers, only with Verilog files",
           {"--top", "--ports", "--hold", "--latency", "--clock-port", "--mapped", "--param", "-I",
            "-D", "--trust-source"});
  }
  if (from_table) {
    refuse("a table", {"--liberty", "--prove", "--clock", "--saif"});
  } else if (!from_verilog) {
    refuse("library multipliers, only with Verilog files and tables", {"--unsigned", "--signed"});
  }
  if (!options.sweep) {
    refuse("one multiplier, only with --sweep", {"--shard", "--engine", "--shards", "--status"});
  }
  if (options.sweep) {
    refuse("--sweep", {"--sign-magnitude", "--export", "--clock", "--saif"});
    // Each shard would make its part anew, and none could keep what another has made.
    if (options.force) refuse("--force", {"--shard", "--engine", "--status"});
  } else if (options.inputs.size() > 1) {
    for (const std::string& input : options.inputs) {
      if (synth::is_verilog_file(
              input.substr(0, &input == &first ? input.find(':') : std::string::npos))) {
        continue;
      }
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("'{}': several inputs must all be Verilog files", input));
    }
  }
}

}  // namespace

Command add_characterize(CLI::App* root) {
  CLI::App* app = root->add_subcommand(
      "characterize", "Verilog -> component: LUT, error, area, delay, energy, from its netlist");
  auto options = std::make_shared<Options>();
  app->add_option("input", options->inputs,
                  "A library multiplier (drum:kept_bits=4), Verilog files (.v, .sv), or a table "
                  "(.npy; .bin: 256x256 uint16; .h: C array; .txt, .csv: numbers or lines a b p)")
      ->required();
  app->add_option("--top", options->top, "Module to characterise (default: the root module)");
  app->add_option("--ports", options->ports, "First operand, second operand, product")
      ->delimiter(',')
      ->expected(3);
  app->add_option("--hold", options->held,
                  "port=value: an input beside the operands, held at this value")
      ->delimiter(',');
  app->add_option("--latency", options->latency,
                  "Clock cycles from operands to product, of a multiplier with registers")
      ->check(CLI::Range(1, synth::Pipeline::kMaxLatency));
  app->add_option("--clock-port", options->clock, "Its clock (default: found)");
  app->add_flag("--mapped", options->mapped,
                "The Verilog is a netlist of the library's cells: no synthesis");
  app->add_option("--prove", options->prove_s,
                  "Time limit in seconds of a SAT proof that the netlist is the source; 0: none "
                  "(default: 10 above 12 bits, otherwise 0; without a number 60)")
      ->expected(0, 1)
      ->default_str("60")
      ->check(CLI::Range(0, 86400));
  app->add_flag("--unsigned", options->is_unsigned,
                "The operands are unsigned, where neither ports nor file say it (default: the "
                "reading with the lesser error)");
  app->add_flag("--signed", options->is_signed, "The operands are signed, likewise")
      ->excludes("--unsigned");
  app->add_option("--param", options->parameters, "NAME=INTEGER: a parameter of the top module")
      ->delimiter(',');
  app->add_flag("--sign-magnitude", options->shell,
                "Make a signed multiplier of an unsigned one, by the sign-magnitude shell");
  app->add_option(
         "--export", options->exports,
         "More files beside the component: raw (uint16), header (C), npy (int32), text (rows "
         "by value), triples (lines a b product), csv (metrics)")
      ->delimiter(',')
      ->check(CLI::IsMember({"raw", "header", "npy", "text", "triples", "csv"}));
  app->add_flag("--sweep", options->sweep,
                "The inputs are patterns: drum, bam:hbl=0,vbl=4..8, all; with a Pareto page");
  app->add_flag("--force", options->force, "Do not use the cache");
  options->source.add_to(app);
  add_liberty_option(app, &options->liberty);
  app->add_option("--clock", options->clock_ns,
                  "Delays in ns, such as 2,3,4: area, delay and energy when mapped for each")
      ->delimiter(',')
      ->check(finite_number())
      ->check(CLI::Range(0.001, 1000.0));
  app->add_option("--operands", options->operands,
                  "Errors and energy at these operands too: .npy [n][2], a trace, or [2][2^n], "
                  "two histograms of bit patterns")
      ->check(CLI::ExistingFile);
  auto* saif = app->add_option("--saif", options->saif,
                               "Activity of the netlist's nets as a SAIF 2.0 file: at --operands, "
                               "or uniform as the energy");
  app->add_flag("--saif-glitches", options->saif_options.glitches,
                "SAIF with the library's delays: the first 4,096 transitions, with glitches")
      ->needs(saif);
  app->add_option("--saif-scope", options->saif_options.scope,
                  "Path of the component's instance in the SAIF file, such as testbench/dut "
                  "(default: its module)")
      ->needs(saif);
  app->add_option("--saif-period", options->saif_options.period_ns,
                  "Time between operations in ns (default: the delay, rounded up to whole ns)")
      ->check(finite_number())
      ->check(CLI::Range(0.001, 1000.0))
      ->needs(saif);
  options->study.add_to(app);
  return {
      app,
      [options, app](const SharedOptions& shared, const fs::path& out) {
        check_options(*app, *options);
        return options->sweep ? run_sweep(*options, shared, out) : run_one(*options, shared, out);
      },
      false, [options] { return options->sweep ? options->study.output_use() : OutputUse::kOwn; },
      [options, app](const SharedOptions& shared, const fs::path& out) {
        check_options(*app, *options);
        if (options->sweep) options->study.prepare(shared, out);
      }};
}

}  // namespace lutra::cli
