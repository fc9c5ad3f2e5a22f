#include "lutra/studies/street.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>
#include <set>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/npy.h"
#include "lutra/base/sha256.h"
#include "lutra/component/library.h"
#include "lutra/cosim/cosim.h"
#include "lutra/network/inference.h"
#include "lutra/studies/components.h"
#include "lutra/synthesis/verilog_sources.h"
#include "street/unit_store.h"

namespace lutra::studies {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

json component_json(const synth::Component& c) {
  json result = c.json;
  result["name"] = c.name;
  return result;
}

ComponentStoreOptions store_options(const StreetConfig& config,
                                    const std::function<void(const std::string&)>& progress) {
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

/// One line of the table.
struct Row {
  std::string label;
  ComponentAssignment assignment;
  bool is_exact_design = false;

  /// A table alone has no energy, area or delay.
  bool has_netlists() const {
    return std::all_of(assignment.begin(), assignment.end(),
                       [](const auto& entry) { return entry.second->has_netlist; });
  }
};

json interval_json(const std::optional<Interval>& interval) {
  return interval ? json{interval->low, interval->high} : json();
}

/// 1 - part / whole over the same images, with its interval.
json saving_json(const std::vector<double>& part, const std::vector<double>& whole,
                 json* interval) {
  const auto sum = [](const std::vector<double>& v) {
    return std::accumulate(v.begin(), v.end(), 0.0);
  };
  const std::optional<Interval> ratio = ratio_interval(part, whole);
  *interval = ratio ? json{1 - ratio->high, 1 - ratio->low} : json();
  return 1 - sum(part) / sum(whole);
}

bool is_energy(const json& value) {
  return value.is_object() && value.contains("terms") && value.at("terms").is_array() &&
         value.contains("multiply_nj") && value.at("multiply_nj").is_array() &&
         value.contains("total_nj") && value.at("total_nj").is_array();
}

/// A study as it runs.
class Street {
 public:
  Street(const StreetConfig& config, const fs::path& out,
         const std::function<void(const std::string&)>& progress)
      : config_(config),
        out_(out),
        progress_(progress),
        network_(network::load_quantised(config.model)),
        data_(network::load_dataset(config.data, network::Split::kTest)),
        images_(config.images == 0 ? data_.size() : config.images),
        store_(store_options(config, progress)),
        units_(out / "units", progress) {
    // Everything that can be wrong with the input, before the long work.
    network::check_images(network_.description, data_, 0, images_);
    network::check_images(network_.description, data_, config.cosim_first, config.cosim_images);
    if (config.energy_images > data_.size()) {
      throw Error(ErrorKind::kInvalidArgument, fmt::format("energy.images = {}, expected 1..{}",
                                                           config.energy_images, data_.size()));
    }
    if (config_.exact_designs.empty()) config_.exact_designs = synth::exact_designs();
    for (const std::string& design : config_.exact_designs) {
      Row row{design, assign(network_.description, &store_, design, {}), true};
      row.label = row.assignment.begin()->second->name;
      for (const auto& [operation, component] : row.assignment) {
        if (runs_on_array(operation)) row.label = component->name;
        synth::need_netlist(*component, "energy");
        if (component->errors.wce == 0) continue;
        throw Error(ErrorKind::kInvalidArgument,
                    fmt::format("exact_designs: {}: its largest error is {:.0f}, expected 0",
                                design, component->errors.wce));
      }
      add(std::move(row));
    }
    // Found wrong before the long work too; what is not named is filled in once the baseline is
    // known.
    rest_of_rows("exact", [&](Row row) { check(row); });
  }

  json run() {
    json result;
    result["name"] = config_.name;
    result["model"] = network_.description.name;
    result["data"] = data_.name;
    result["data_sha256"] = data_.sha256();
    result["images"] = images_;
    result["energy_images"] = config_.energy_images;
    result["rows"] = json::array();
    size_t baseline = 0;
    for (size_t r = 0; r < rows_.size(); ++r) {
      measure(rows_[r]);
      if (mean(energies_[r].multiply) < mean(energies_[baseline].multiply)) baseline = r;
    }
    const std::string design = config_.exact_designs[baseline];
    progress_(fmt::format("baseline: {}, the cheapest exact design at these operands",
                          rows_[baseline].label));
    rest_of_rows(design, [&](Row row) {
      for (const Row& other : rows_) {
        if (other.assignment == row.assignment) return;  // an exact design, listed again
      }
      add(std::move(row));
      measure(rows_.back());
    });
    // What was asked for stands behind the first exact design, the other ones at the end.
    const auto behind_first = static_cast<std::ptrdiff_t>(std::min<size_t>(1, rows_.size()));
    const auto designs = static_cast<std::ptrdiff_t>(config_.exact_designs.size());
    std::rotate(rows_.begin() + behind_first, rows_.begin() + designs, rows_.end());
    std::rotate(energies_.begin() + behind_first, energies_.begin() + designs, energies_.end());
    if (baseline > 0) baseline += rows_.size() - config_.exact_designs.size();
    // Two's complement, what a designer writes as `a * b`: the rest of a saving is representation.
    const auto plain = std::find_if(rows_.begin(), rows_.end(),
                                    [](const Row& row) { return row.label == "exact"; });
    const Energies* whole =
        plain == rows_.end() ? nullptr : &energies_[static_cast<size_t>(plain - rows_.begin())];
    std::vector<json> scored;
    for (const Row& row : rows_) {
      scored.push_back(accuracy(row.label, row, network::Coupling::kRouted));
    }
    for (size_t r = 0; r < rows_.size(); ++r) {
      result["rows"].push_back(
          row_json(r, scored[r], scored[baseline], energies_[baseline], whole));
    }
    result["reference"] = baseline;
    result["baseline"] = {
        {"name", rows_[baseline].label},
        {"multiply_energy_nj", mean(energies_[baseline].multiply)},
        {"multiply_energy_interval_nj", interval_json(mean_interval(energies_[baseline].multiply))},
        {"energy_per_inference_nj", mean(energies_[baseline].total)},
        {"what", "the exact design with the least multiply energy at the operands of this run"}};
    choose(&result, baseline);
    further(&result, baseline);
    return result;
  }

 private:
  struct Energies {
    std::vector<double> multiply, total;  ///< nJ, of each image
    json terms;
  };

  static double mean(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) /
           static_cast<double>(std::max<size_t>(1, values.size()));
  }

  static void check(const Row& row) {
    cosim::pe_multiplier_source(cosim_assignment(row.assignment).components);
  }

  void add(Row row) {
    check(row);
    rows_.push_back(std::move(row));
  }

  /// The rows that are no exact designs; what they do not name gets `rest`.
  void rest_of_rows(const std::string& rest, const std::function<void(Row)>& use) {
    for (const std::string& multiplier : config_.multipliers) {
      use({multiplier,
           assign(network_.description, &store_, multiplier, config_.operations, {}, rest)});
    }
    for (const auto& [label, multipliers] : config_.assignments) {
      use({label, assign(network_.description, &store_, multipliers, rest)});
    }
  }

  /// What all units depend on.
  json common_key(const std::string& kind) {
    if (network_sha256_.empty()) {
      network_sha256_ = content_of(config_.model);
      data_sha256_ = data_.sha256();
      rtl_sha256_ = content_of(synth::rtl_directory() / "capsnet");
    }
    return {{"kind", kind}, {"network", network_sha256_}, {"data", data_sha256_}};
  }

  json accuracy(const std::string& what, const Row& row, network::Coupling coupling) {
    json key = common_key("accuracy");
    key["images"] = images_;
    key["coupling"] = static_cast<int>(coupling);
    if (coupling == network::Coupling::kShuffled) key["seed"] = config_.seed;
    for (const auto& [operation, component] : row.assignment) {
      key["tables"][operation] = component->lut_sha256;
    }
    return units_.get(
        "accuracy of " + what, key,
        [&] {
          network::EvaluateOptions options;
          options.backend = config_.backend;
          options.images = images_;
          options.jobs = config_.jobs;
          options.seed = config_.seed;
          options.coupling = coupling;
          options.progress = progress_;
          const network::Inference inference(network_, tables(row.assignment));
          const auto result = network::evaluate(inference, data_, options);
          progress_(fmt::format("{}: accuracy {:.4f} on {} images, {:.0f} s", what, result.accuracy,
                                images_, result.seconds));
          return json{{"accuracy", result.accuracy},
                      {"right", result.right},
                      {"is_right", right_text(result)}};
        },
        [this](const json& value) {
          return value.is_object() && value.contains("accuracy") &&
                 value.at("accuracy").is_number() && value.contains("right") &&
                 value.contains("is_right") && value.at("is_right").is_string() &&
                 value.at("is_right").get<std::string>().size() == static_cast<size_t>(images_);
        });
  }

  void measure(const Row& row) {
    if (!row.has_netlists()) {
      progress_(row.label + ": no energy: one of its multipliers is a table, without a netlist");
      energies_.emplace_back();
      return;
    }
    json key = common_key("energy");
    for (const auto& [operation, component] : row.assignment) {
      key["assignment"][operation] = {component->name, component->content_sha256};
    }
    key["energy"] = to_json(config_).at("energy");
    key["hardware"] = to_json(config_).at("hardware");
    key["liberty"] = row.assignment.begin()->second->liberty_sha256;
    key["seed"] = config_.seed;
    key["rtl"] = rtl_sha256_;
    const std::string id =
        base::sha256_hex(key.dump(-1, ' ', false, json::error_handler_t::replace));
    fs::path operands;
    if (config_.record_operands) {
      operands = out_ / "operands" / (base::safe_file_name(row.label) + "-" + id.substr(0, 8));
    }
    const json value = units_.get(
        "energy of " + row.label, key,
        [&] {
          if (!meter_) {
            EnergyOptions options;
            options.shape = config_.shape;
            options.liberty = config_.liberty;
            options.images = config_.energy_images;
            options.samples = config_.energy_samples;
            options.seed = config_.seed;
            options.jobs = config_.jobs;
            options.memory = config_.memory;
            meter_ = std::make_unique<InferenceEnergyMeter>(network_, data_, options);
          }
          progress_("energy of " + row.label);
          const InferenceEnergy measured = meter_->measure(row.assignment, operands);
          return json{{"total_nj", measured.total_nj_of_images()},
                      {"multiply_nj", measured.multiply_nj_of_images()},
                      {"terms", measured.json()}};
        },
        [&](const json& kept) {
          return is_energy(kept) && (operands.empty() || fs::is_directory(operands));
        });
    energies_.push_back({value.at("multiply_nj").get<std::vector<double>>(),
                         value.at("total_nj").get<std::vector<double>>(), value.at("terms")});
  }

  /// @param reference  the baseline's accuracy; its images are this row's
  json row_json(size_t r, const json& scored, const json& reference, const Energies& baseline,
                const Energies* plain) {
    const Row& row = rows_[r];
    const Energies& energy = energies_[r];
    const Interval share = share_interval(scored.at("right").get<int64_t>(), images_);
    json entry;
    entry["label"] = row.label;
    entry["is_exact_design"] = row.is_exact_design;
    entry["assignment"] = names(row.assignment);
    entry["accuracy"] = scored.at("accuracy");
    entry["accuracy_interval"] = {share.low, share.high};
    const auto own = scored.at("is_right").get<std::string>();
    const auto others = reference.at("is_right").get<std::string>();
    std::vector<double> lost;
    for (size_t i = 0; i < own.size(); ++i) lost.push_back(others[i] - own[i]);
    entry["accuracy_loss"] = mean(lost);
    entry["accuracy_loss_interval"] = interval_json(mean_interval(lost));
    entry["cosim"] = nullptr;
    for (const char* figure :
         {"energy_per_inference_nj", "energy_per_inference_interval_nj", "multiply_energy_nj",
          "multiply_energy_interval_nj", "multiply_saving", "multiply_saving_interval",
          "energy_saving", "energy_saving_interval", "saving_split", "area_um2", "delay_ns"}) {
      entry[figure] = nullptr;
    }
    entry["energy_terms"] = json::array();
    if (!row.has_netlists()) return entry;
    entry["energy_per_inference_nj"] = mean(energy.total);
    entry["energy_per_inference_interval_nj"] = interval_json(mean_interval(energy.total));
    entry["multiply_energy_nj"] = mean(energy.multiply);
    entry["multiply_energy_interval_nj"] = interval_json(mean_interval(energy.multiply));
    entry["multiply_saving"] =
        saving_json(energy.multiply, baseline.multiply, &entry["multiply_saving_interval"]);
    entry["energy_saving"] =
        saving_json(energy.total, baseline.total, &entry["energy_saving_interval"]);
    if (plain != nullptr) {
      // Of the energy of the two's complement array: what the number format saves, and what the
      // approximation.
      const double whole = mean(plain->multiply);
      const double exact = mean((row.is_exact_design ? energy : baseline).multiply);
      entry["saving_split"] = {{"against", "exact"},
                               {"representation", (whole - exact) / whole},
                               {"approximation", (exact - mean(energy.multiply)) / whole}};
    }
    entry["energy_terms"] = energy.terms;
    double area = 0;
    double delay = 0;
    std::set<const synth::Component*> distinct;
    for (const auto& [operation, component] : row.assignment) {
      // The squash unit has one multiplier, the array the others.
      if (runs_on_array(operation) && distinct.insert(component).second) {
        area += component->area_um2 * config_.shape.rows * config_.shape.cols;
      }
      delay = std::max(delay, component->delay_ns);
    }
    area += row.assignment.at("squash.mac")->area_um2;
    entry["area_um2"] = area;
    entry["delay_ns"] = delay;
    return entry;
  }

  /// Least energy among those that lose no more accuracy than allowed; then co-simulation.
  void choose(json* result, size_t baseline) {
    json& rows = (*result)["rows"];
    const double reference = rows[baseline]["accuracy"];
    size_t chosen = baseline;
    for (size_t r = 0; r < rows_.size(); ++r) {
      if (!rows_[r].has_netlists()) continue;
      if (reference - rows[r]["accuracy"].get<double>() <= config_.max_accuracy_loss + 1e-12 &&
          rows[r]["energy_per_inference_nj"] < rows[chosen]["energy_per_inference_nj"]) {
        chosen = r;
      }
    }
    (*result)["chosen"] = chosen;
    progress_("chosen: " + rows_[chosen].label);
    for (size_t r = 0; r < rows_.size(); ++r) {
      if (r == chosen || config_.cosim_all) rows[r]["cosim"] = cosimulate(rows_[r]);
    }
  }

  json cosimulate(const Row& row) {
    json key = common_key("co-simulation");
    for (const auto& [operation, component] : row.assignment) {
      key["assignment"][operation] = {component->name, component->content_sha256};
    }
    key["cosim"] = to_json(config_).at("cosim");
    key["hardware"] = to_json(config_).at("hardware");
    key["rtl"] = rtl_sha256_;
    key["platform"] = cosim::platform_sha256();
    return units_.get(
        "co-simulation of " + row.label, key,
        [&] {
          cosim::CosimOptions options;
          options.model = config_.model;
          options.data = config_.data;
          options.first = config_.cosim_first;
          options.images = config_.cosim_images;
          options.accelerator.shape = config_.shape;
          options.accelerator.progress = progress_;
          std::vector<std::string> same;
          for (const auto& [operation, component] : row.assignment) {
            same.insert(same.end(), {"--assign", operation + "=" + store_.word_of(*component)});
          }
          for (const fs::path& path : config_.liberty.paths()) {
            same.insert(same.end(), {"--liberty", path.string()});
          }
          options.rerun = cosim::rerun_command(options, same);
          return cosim::run_cosim(cosim_assignment(row.assignment), options);
        },
        [](const json& value) { return value.is_object() && value.contains("verdict"); });
  }

  void further(json* result, size_t baseline) {
    const Row& row = rows_[baseline];
    const auto with = [&](const std::string& what, network::Coupling coupling) {
      return accuracy("exact with " + what + " coupling", row, coupling).at("accuracy");
    };
    (*result)["routing"] = {{"routed", (*result)["rows"][baseline]["accuracy"]},
                            {"uniform", with("uniform", network::Coupling::kUniform)},
                            {"shuffled", with("shuffled", network::Coupling::kShuffled)}};
    (*result)["components"] = json::array();
    std::set<std::string> listed;
    for (const Row& r : rows_) {
      for (const auto& [operation, component] : r.assignment) {
        if (listed.insert(component->name).second) {
          (*result)["components"].push_back(component_json(*component));
        }
      }
    }
    const synth::Component& any = *row.assignment.begin()->second;
    (*result)["liberty"] = {{"name", any.liberty}, {"sha256", any.liberty_sha256}};
    (*result)["memory_costs"] = {
        {"scratch_pj_per_vector", config_.memory.scratch_pj_per_vector},
        {"accumulator_pj_per_word", config_.memory.accumulator_pj_per_word},
        {"memory_pj_per_byte", config_.memory.memory_pj_per_byte},
        {"source", config_.memory.source}};
  }

  StreetConfig config_;
  fs::path out_;
  std::function<void(const std::string&)> progress_;
  network::QuantisedNetwork network_;
  network::Dataset data_;
  int images_;
  ComponentStore store_;
  UnitStore units_;
  std::vector<Row> rows_;
  std::vector<Energies> energies_;  ///< of the rows
  std::unique_ptr<InferenceEnergyMeter> meter_;
  std::string network_sha256_, data_sha256_, rtl_sha256_;
};

}  // namespace

json run_street(const StreetConfig& config, const fs::path& out,
                const std::function<void(const std::string&)>& progress) {
  return Street(config, out, progress).run();
}

}  // namespace lutra::studies
