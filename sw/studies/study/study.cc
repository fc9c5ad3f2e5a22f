#include "lutra/studies/study.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>

#include "lutra/accelerator/program.h"
#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/sha256.h"
#include "lutra/component/library.h"
#include "lutra/cosim/cosim.h"
#include "lutra/data/dataset.h"
#include "lutra/graph/assignment.h"
#include "lutra/graph/quantised_network.h"
#include "lutra/models/model_files.h"
#include "lutra/runtime/evaluate.h"
#include "lutra/runtime/inference.h"
#include "lutra/runtime/tensor_hook.h"
#include "lutra/studies/component_store.h"
#include "lutra/studies/statistics.h"
#include "lutra/synthesis/verilog_sources.h"

namespace lutra::studies {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

json interval_json(const std::optional<Interval>& interval) {
  return interval ? json{interval->low, interval->high} : json();
}

/// 1 - part / whole over the same images, with its interval.
json saving_json(const std::vector<double>& part, const std::vector<double>& whole,
                 json* interval) {
  const std::optional<Interval> ratio = ratio_interval(part, whole);
  *interval = ratio ? json{1 - ratio->high, 1 - ratio->low} : json();
  return 1 - mean(part) / mean(whole);
}

json component_json(const synth::Component& c) {
  json result = c.json;
  result["name"] = c.name;
  return result;
}

ComponentStoreOptions store_options(const StudyConfig& config, const RunStore::Progress& progress) {
  ComponentStoreOptions options;
  options.liberty = config.liberty;
  options.folder = config.folder;
  options.reading.include_directories = config.include_directories;
  options.reading.defines = synth::parse_defines(config.defines, "defines");
  options.reading.trusted = config.trust_source;
  options.allow_unchecked = config.allow_unchecked;
  options.progress = progress;
  return options;
}

/// One line of the table: an assignment with a name.
struct Row {
  std::string label;
  graph::Assignment assignment;
  bool is_exact_design = false;

  /// A table alone has no energy, area or delay.
  bool has_netlists() const {
    return std::all_of(assignment.components().begin(), assignment.components().end(),
                       [](const synth::Component* c) { return c->has_netlist; });
  }
};

/// nJ of each image; empty where a row has no netlists.
struct RowEnergy {
  std::vector<double> multiply, total;
  json terms = json::array();

  static bool is_valid(const json& value) {
    return value.is_object() && value.contains("terms") && value.at("terms").is_array() &&
           value.contains("multiply_nj") && value.at("multiply_nj").is_array() &&
           value.contains("total_nj") && value.at("total_nj").is_array();
  }
  static RowEnergy of(const json& value) {
    return {value.at("multiply_nj").get<std::vector<double>>(),
            value.at("total_nj").get<std::vector<double>>(), value.at("terms")};
  }
};

struct RowAccuracy {
  double accuracy = 0;
  int64_t right = 0;
  std::string is_right;  ///< by image: "1" or "0"

  static bool is_valid(const json& value, int images) {
    return value.is_object() && value.contains("accuracy") && value.at("accuracy").is_number() &&
           value.contains("right") && value.at("right").is_number_integer() &&
           value.contains("is_right") && value.at("is_right").is_string() &&
           value.at("is_right").get<std::string>().size() == static_cast<size_t>(images);
  }
  static RowAccuracy of(const json& value) {
    return {value.at("accuracy"), value.at("right"), value.at("is_right")};
  }
};

/// All that a study works on, read and checked.
struct Inputs {
  Inputs(const StudyConfig& given, const RunStore::Progress& progress)
      : config(given),
        network(models::load_quantised(config.model)),
        data(data::load_dataset(config.data, data::Split::kTest)),
        images(config.images == 0 ? data.size() : config.images),
        components(store_options(config, progress)) {
    data::check_images(network.description, data, 0, images);
    data::check_images(network.description, data, config.cosim_first, config.cosim_images);
    if (config.energy_images > data.size()) {
      throw Error(ErrorKind::kInvalidArgument, fmt::format("energy.images = {}, expected 1..{}",
                                                           config.energy_images, data.size()));
    }
    if (config.exact_designs.empty()) config.exact_designs = synth::exact_designs();
  }

  StudyConfig config;
  graph::QuantisedNetwork network;
  data::Dataset data;
  int images;
  ComponentStore components;
};

/// Characterises all multipliers of the study, several at a time; patterns of sites are looked at
/// before that takes its time.
void prepare_components(Inputs* in) {
  const auto check = [in](const std::string& pattern) {
    graph::Assignment(in->network.description).set(pattern, nullptr);
  };
  for (const std::string& pattern : in->config.operations) check(pattern);
  std::vector<std::string> names = in->config.exact_designs;
  names.emplace_back("exact");  // of the squash unit
  names.insert(names.end(), in->config.multipliers.begin(), in->config.multipliers.end());
  for (const auto& [label, multipliers] : in->config.assignments) {
    for (const auto& [pattern, name] : multipliers) {
      check(pattern);
      names.push_back(name);
    }
  }
  in->components.prepare(names, in->config.jobs);
}

/// The rows that savings are told against, each checked.
std::vector<Row> exact_design_rows(Inputs* in) {
  std::vector<Row> rows;
  for (const std::string& design : in->config.exact_designs) {
    Row row{design, assign(in->network.description, &in->components, design, {}), true};
    for (size_t site = 0; site < row.assignment.sites().size(); ++site) {
      const synth::Component& component = *row.assignment.at(site);
      if (row.assignment.sites()[site].on_array) row.label = component.name;
      synth::need_netlist(component, "energy");
      if (component.errors.wce == 0) continue;
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("exact_designs: {}: its largest error is {:.0f}, expected 0", design,
                              component.errors.wce));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

/// What was asked for; what a row does not name gets `rest`.
std::vector<Row> asked_rows(Inputs* in, const std::string& rest) {
  std::vector<Row> rows;
  for (const std::string& multiplier : in->config.multipliers) {
    rows.push_back({multiplier, assign(in->network.description, &in->components, multiplier,
                                       in->config.operations, {}, rest)});
  }
  for (const auto& [label, multipliers] : in->config.assignments) {
    rows.push_back({label, assign(in->network.description, &in->components, multipliers, rest)});
  }
  return rows;
}

/// Makes the units of rows: what each depends on, and how it is made.
class Units {
 public:
  Units(Inputs* in, fs::path out, RunStore::Progress progress)
      : in_(*in),
        out_(std::move(out)),
        progress_(std::move(progress)),
        network_sha256_(content_of(in_.config.model)),
        data_sha256_(in_.data.sha256()),
        rtl_sha256_(content_of(synth::rtl_directory() / "capsnet")) {}

  Unit energy(const Row& row) {
    json key = common_key("energy");
    key["assignment"] = content_key(row.assignment);
    key["energy"] = to_json(in_.config).at("energy");
    key["hardware"] = to_json(in_.config).at("hardware");
    key["liberty"] = row.assignment.at(0)->liberty_sha256;
    key["seed"] = in_.config.seed;
    key["rtl"] = rtl_sha256_;
    fs::path operands;
    if (in_.config.record_operands) {
      const std::string id =
          base::sha256_hex(key.dump(-1, ' ', false, json::error_handler_t::replace));
      operands = out_ / "operands" / (base::safe_file_name(row.label) + "-" + id.substr(0, 8));
    }
    const auto make = [this, row, operands]() -> json {
      progress_("energy of " + row.label);
      const InferenceEnergy measured = meter().measure(row.assignment, operands);
      return {{"total_nj", measured.total_nj_of_images()},
              {"multiply_nj", measured.multiply_nj_of_images()},
              {"terms", measured.json()}};
    };
    const auto is_valid = [operands](const json& kept) {
      return RowEnergy::is_valid(kept) && (operands.empty() || fs::is_directory(operands));
    };
    return {"energy of " + row.label, key, make, is_valid};
  }

  Unit accuracy(const std::string& what, const Row& row,
                const std::vector<runtime::TensorHook>& hooks) const {
    json key = common_key("accuracy");
    key["images"] = in_.images;
    key["hooks"] = json::array();
    for (const runtime::TensorHook& hook : hooks) key["hooks"].push_back(hook.key);
    key["tables"] = row.assignment.by_label(
        [](const synth::Component& component) { return component.lut_sha256; });
    const auto make = [this, what, row, hooks]() -> json {
      runtime::EvaluateOptions options;
      options.backend = in_.config.backend;
      options.images = in_.images;
      options.jobs = in_.config.jobs;
      options.hooks = hooks;
      options.progress = progress_;
      const runtime::Inference inference(in_.network, row.assignment);
      const auto result = runtime::evaluate(inference, in_.data, options);
      progress_(fmt::format("{}: accuracy {:.4f} on {} images, {:.0f} s", what, result.accuracy,
                            in_.images, result.seconds));
      return {
          {"accuracy", result.accuracy}, {"right", result.right}, {"is_right", right_text(result)}};
    };
    return {"accuracy of " + what, key, make, [images = in_.images](const json& kept) {
              return RowAccuracy::is_valid(kept, images);
            }};
  }

  Unit cosim(const Row& row) const {
    json key = common_key("co-simulation");
    key["assignment"] = content_key(row.assignment);
    key["cosim"] = to_json(in_.config).at("cosim");
    key["hardware"] = to_json(in_.config).at("hardware");
    key["rtl"] = rtl_sha256_;
    key["platform"] = cosim::platform_sha256();
    const auto make = [this, row] {
      cosim::CosimOptions options;
      options.model = in_.config.model;
      options.data = in_.config.data;
      options.first = in_.config.cosim_first;
      options.images = in_.config.cosim_images;
      options.accelerator.shape = in_.config.shape;
      options.accelerator.progress = progress_;
      std::vector<std::string> same;
      const json words = row.assignment.by_label(
          [this](const synth::Component& component) { return in_.components.word_of(component); });
      for (const auto& [pattern, word] : words.items()) {
        same.insert(same.end(), {"--assign", pattern + "=" + word.get<std::string>()});
      }
      for (const fs::path& path : in_.config.liberty.paths()) {
        same.insert(same.end(), {"--liberty", path.string()});
      }
      options.rerun = cosim::rerun_command(options, same);
      json result = cosim::run_cosim(row.assignment, options);
      for (const char* time : {"seconds", "build_seconds"})
        result.erase(time);  // another each time
      return result;
    };
    return {"co-simulation of " + row.label, key, make,
            [](const json& kept) { return kept.is_object() && kept.contains("verdict"); }};
  }

 private:
  json common_key(const std::string& kind) const {
    return {{"kind", kind}, {"network", network_sha256_}, {"data", data_sha256_}};
  }
  static json content_key(const graph::Assignment& assignment) {
    return assignment.by_label([](const synth::Component& component) {
      return json{component.name, component.content_sha256};
    });
  }
  InferenceEnergyMeter& meter() {
    if (!meter_) {
      EnergyOptions options;
      options.shape = in_.config.shape;
      options.liberty = in_.config.liberty;
      options.images = in_.config.energy_images;
      options.samples = in_.config.energy_samples;
      options.seed = in_.config.seed;
      options.jobs = in_.config.jobs;
      options.memory = in_.config.memory;
      options.progress = progress_;
      meter_ = std::make_unique<InferenceEnergyMeter>(in_.network, in_.data, options);
    }
    return *meter_;
  }

  Inputs& in_;
  fs::path out_;
  RunStore::Progress progress_;
  std::string network_sha256_, data_sha256_, rtl_sha256_;
  std::unique_ptr<InferenceEnergyMeter> meter_;
};

/// What was measured of every row.
struct Measured {
  std::vector<Row> rows;
  std::vector<RowEnergy> energies;
  std::vector<RowAccuracy> accuracies;
  size_t baseline = 0;  ///< the exact design with the least multiply energy
  std::string baseline_design;
};

size_t cheapest(const std::vector<RowEnergy>& energies) {
  size_t best = 0;
  for (size_t r = 1; r < energies.size(); ++r) {
    if (mean(energies[r].multiply) < mean(energies[best].multiply)) best = r;
  }
  return best;
}

/// Energies of the rows that have any.
std::optional<std::vector<RowEnergy>> measure_energies(const std::string& stage,
                                                       const std::vector<Row>& rows, Units* units,
                                                       RunStore* store,
                                                       const RunStore::Progress& progress) {
  std::vector<Unit> list;
  for (const Row& row : rows) {
    if (row.has_netlists()) {
      list.push_back(units->energy(row));
    } else {
      progress(row.label + ": no energy: one of its multipliers is a table, without a netlist");
    }
  }
  const auto values = store->stage(stage, list, Barrier::kNeeded);
  if (!values) return std::nullopt;
  std::vector<RowEnergy> energies;
  auto value = values->begin();
  for (const Row& row : rows) {
    energies.push_back(row.has_netlists() ? RowEnergy::of(*value++) : RowEnergy());
  }
  return energies;
}

/// The last place goes to exact designs that nobody asked for: the first one leads, what was asked
/// for stands behind it.
void put_asked_rows_second(size_t designs, Measured* measured) {
  const auto behind_first = static_cast<std::ptrdiff_t>(std::min<size_t>(1, designs));
  const auto first_asked = static_cast<std::ptrdiff_t>(designs);
  auto& rows = measured->rows;
  auto& energies = measured->energies;
  std::rotate(rows.begin() + behind_first, rows.begin() + first_asked, rows.end());
  std::rotate(energies.begin() + behind_first, energies.begin() + first_asked, energies.end());
  if (measured->baseline > 0) measured->baseline += rows.size() - designs;
}

std::optional<Measured> measure(Inputs* in, Units* units, RunStore* store,
                                const RunStore::Progress& progress) {
  Measured measured;
  prepare_components(in);
  measured.rows = exact_design_rows(in);
  const size_t designs = measured.rows.size();
  // Found wrong before the long work; what is not named is filled in once the baseline is known.
  for (const Row& row : measured.rows) cosim::pe_multiplier_source(row.assignment.components());
  for (const Row& row : asked_rows(in, "exact")) {
    cosim::pe_multiplier_source(row.assignment.components());
  }
  auto energies =
      measure_energies("energy of exact designs", measured.rows, units, store, progress);
  if (!energies) return std::nullopt;
  measured.energies = std::move(*energies);
  measured.baseline = cheapest(measured.energies);
  measured.baseline_design = in->config.exact_designs[measured.baseline];
  progress(fmt::format("baseline: {}, the cheapest exact design at these operands",
                       measured.rows[measured.baseline].label));

  std::vector<Row> asked;
  for (Row& row : asked_rows(in, measured.baseline_design)) {
    const auto is_same = [&row](const Row& other) { return other.assignment == row.assignment; };
    if (std::any_of(measured.rows.begin(), measured.rows.end(), is_same)) continue;
    if (std::any_of(asked.begin(), asked.end(), is_same)) continue;
    asked.push_back(std::move(row));
  }
  energies = measure_energies("energy", asked, units, store, progress);
  if (!energies) return std::nullopt;
  measured.rows.insert(measured.rows.end(), asked.begin(), asked.end());
  measured.energies.insert(measured.energies.end(), energies->begin(), energies->end());
  put_asked_rows_second(designs, &measured);

  std::vector<Unit> list;
  for (const Row& row : measured.rows) list.push_back(units->accuracy(row.label, row, {}));
  const auto values = store->stage("accuracy", list, Barrier::kNeeded);
  if (!values) return std::nullopt;
  for (const json& value : *values) measured.accuracies.push_back(RowAccuracy::of(value));
  return measured;
}

/// The row with the least energy among those that lose no more accuracy than allowed.
size_t choose(const Measured& measured, double max_accuracy_loss) {
  const double reference = measured.accuracies[measured.baseline].accuracy;
  size_t chosen = measured.baseline;
  for (size_t r = 0; r < measured.rows.size(); ++r) {
    if (!measured.rows[r].has_netlists()) continue;
    if (reference - measured.accuracies[r].accuracy <= max_accuracy_loss + 1e-12 &&
        mean(measured.energies[r].total) < mean(measured.energies[chosen].total)) {
      chosen = r;
    }
  }
  return chosen;
}

/// Area of the array with its multipliers and of the squash unit's, and the longest delay.
void add_area_and_delay(const Row& row, const accelerator::AcceleratorShape& shape, json* entry) {
  double area = 0;
  double delay = 0;
  // The array has each of its multipliers in every PE; the squash unit has its own once.
  std::set<std::pair<const synth::Component*, bool>> distinct;
  for (size_t site = 0; site < row.assignment.sites().size(); ++site) {
    const synth::Component* component = row.assignment.at(site);
    const bool on_array = row.assignment.sites()[site].on_array;
    if (distinct.insert({component, on_array}).second) {
      area += component->area_um2 * (on_array ? shape.rows * shape.cols : 1);
    }
    delay = std::max(delay, component->delay_ns);
  }
  (*entry)["area_um2"] = area;
  (*entry)["delay_ns"] = delay;
}

json row_json(const Measured& measured, size_t r, const StudyConfig& config) {
  const Row& row = measured.rows[r];
  const RowEnergy& energy = measured.energies[r];
  const RowEnergy& baseline = measured.energies[measured.baseline];
  const RowAccuracy& accuracy = measured.accuracies[r];
  const auto images = static_cast<int64_t>(accuracy.is_right.size());
  const Interval share = share_interval(accuracy.right, images);
  json entry;
  entry["label"] = row.label;
  entry["is_exact_design"] = row.is_exact_design;
  entry["assignment"] = names(row.assignment);
  entry["accuracy"] = accuracy.accuracy;
  entry["accuracy_interval"] = {share.low, share.high};
  const std::string& others = measured.accuracies[measured.baseline].is_right;
  std::vector<double> lost;
  for (size_t i = 0; i < others.size(); ++i) lost.push_back(others[i] - accuracy.is_right[i]);
  entry["accuracy_loss"] = mean(lost);
  entry["accuracy_loss_interval"] = interval_json(mean_interval(lost));
  entry["cosim"] = nullptr;
  for (const char* figure :
       {"energy_per_inference_nj", "energy_per_inference_interval_nj", "multiply_energy_nj",
        "multiply_energy_interval_nj", "multiply_saving", "multiply_saving_interval",
        "energy_saving", "energy_saving_interval", "saving_split", "area_um2", "delay_ns"}) {
    entry[figure] = nullptr;
  }
  entry["energy_terms"] = energy.terms;
  if (!row.has_netlists()) return entry;
  entry["energy_per_inference_nj"] = mean(energy.total);
  entry["energy_per_inference_interval_nj"] = interval_json(mean_interval(energy.total));
  entry["multiply_energy_nj"] = mean(energy.multiply);
  entry["multiply_energy_interval_nj"] = interval_json(mean_interval(energy.multiply));
  entry["multiply_saving"] =
      saving_json(energy.multiply, baseline.multiply, &entry["multiply_saving_interval"]);
  entry["energy_saving"] =
      saving_json(energy.total, baseline.total, &entry["energy_saving_interval"]);
  // Of the energy of the two's complement array, what a designer writes as `a * b`: what the number
  // format saves, and what the approximation.
  for (size_t p = 0; p < measured.rows.size(); ++p) {
    if (measured.rows[p].label != "exact") continue;
    const double whole = mean(measured.energies[p].multiply);
    const double exact = mean((row.is_exact_design ? energy : baseline).multiply);
    entry["saving_split"] = {{"against", "exact"},
                             {"representation", (whole - exact) / whole},
                             {"approximation", (exact - mean(energy.multiply)) / whole}};
  }
  add_area_and_delay(row, config.shape, &entry);
  return entry;
}

json result_json(const Inputs& in, const Measured& measured) {
  const RowEnergy& baseline = measured.energies[measured.baseline];
  json result = {{"name", in.config.name}, {"model", in.network.description.name()},
                 {"data", in.data.name},   {"data_sha256", in.data.sha256()},
                 {"images", in.images},    {"energy_images", in.config.energy_images},
                 {"rows", json::array()},  {"reference", measured.baseline}};
  for (size_t r = 0; r < measured.rows.size(); ++r) {
    result["rows"].push_back(row_json(measured, r, in.config));
  }
  result["baseline"] = {
      {"name", measured.rows[measured.baseline].label},
      {"multiply_energy_nj", mean(baseline.multiply)},
      {"multiply_energy_interval_nj", interval_json(mean_interval(baseline.multiply))},
      {"energy_per_inference_nj", mean(baseline.total)},
      {"what", "the exact design with the least multiply energy at the operands of this run"}};
  result["components"] = json::array();
  std::set<std::string> listed;
  for (const Row& row : measured.rows) {
    for (const synth::Component* component : row.assignment.components()) {
      if (listed.insert(component->name).second) {
        result["components"].push_back(component_json(*component));
      }
    }
  }
  const synth::Component& any = *measured.rows[measured.baseline].assignment.at(0);
  result["liberty"] = {{"name", any.liberty}, {"sha256", any.liberty_sha256}};
  const MemoryCosts& memory = in.config.memory;
  result["memory_costs"] = {{"scratch_pj_per_vector", memory.scratch_pj_per_vector},
                            {"accumulator_pj_per_word", memory.accumulator_pj_per_word},
                            {"memory_pj_per_byte", memory.memory_pj_per_byte},
                            {"source", memory.source}};
  return result;
}

}  // namespace

std::optional<json> run_study(const StudyConfig& config, const fs::path& out, RunStore* store,
                              const RunStore::Progress& progress) {
  Inputs in(config, progress);
  Units units(&in, out, progress);
  const auto measured = measure(&in, &units, store, progress);
  if (!measured) return std::nullopt;
  json result = result_json(in, *measured);
  const size_t chosen = choose(*measured, config.max_accuracy_loss);
  result["chosen"] = chosen;
  progress("chosen: " + measured->rows[chosen].label);

  const Row& baseline = measured->rows[measured->baseline];
  std::vector<size_t> simulated;
  std::vector<Unit> list = {
      units.accuracy("exact with uniform coupling", baseline, {runtime::uniform_coupling()}),
      units.accuracy("exact with shuffled coupling", baseline,
                     {runtime::shuffled_coupling(config.seed)})};
  for (size_t r = 0; r < measured->rows.size(); ++r) {
    if (r != chosen && !config.cosim_all) continue;
    simulated.push_back(r);
    list.push_back(units.cosim(measured->rows[r]));
  }
  const auto last = store->stage("co-simulation and routing", list, Barrier::kLast);
  if (!last) return std::nullopt;
  result["routing"] = {{"routed", result["rows"][measured->baseline]["accuracy"]},
                       {"uniform", last->at(0).at("accuracy")},
                       {"shuffled", last->at(1).at("accuracy")}};
  for (size_t i = 0; i < simulated.size(); ++i) {
    result["rows"][simulated[i]]["cosim"] = last->at(2 + i);
  }
  return result;
}

}  // namespace lutra::studies
