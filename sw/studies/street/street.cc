#include "lutra/studies/street.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lutra/cosim/cosim.h"
#include "lutra/network/inference.h"
#include "lutra/numerics/error.h"
#include "lutra/numerics/files.h"
#include "lutra/numerics/npy.h"
#include "lutra/studies/components.h"
#include "lutra/synth/files.h"
#include "lutra/synth/library.h"
#include "lutra/synth/verilog_sources.h"

namespace lutra::studies {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Finished parts of a study on disk, by a key of everything that they depend on.
class Parts {
 public:
  Parts(fs::path directory, std::function<void(const std::string&)> progress)
      : directory_(std::move(directory)), progress_(std::move(progress)) {
    fs::create_directories(directory_);
  }

  template <typename Make>
  json get(const std::string& what, const json& key, const Make& make) {
    const std::string id =
        synth::sha256_hex(what + key.dump(-1, ' ', false, json::error_handler_t::replace))
            .substr(0, 24);
    const fs::path file = directory_ / (id + ".json");
    if (fs::exists(file)) {
      try {
        json part = json::parse(numerics::read_file(file));
        progress_(what + ": kept from an earlier run");
        return part;
      } catch (const json::exception&) {
        progress_(file.string() + " is damaged and made again");
      }
    }
    json part = make();
    numerics::write_file(file, part.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
    return part;
  }

 private:
  fs::path directory_;
  std::function<void(const std::string&)> progress_;
};

/// Content of the network's files: a retrained network makes all parts anew.
std::string content_of(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(directory)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::string all;
  for (const fs::path& file : files) all += file.filename().string() + numerics::read_file(file);
  return synth::sha256_hex(all);
}

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

struct Row {
  std::string label;
  ComponentAssignment assignment;
};

}  // namespace

json run_street(const StreetConfig& config, const fs::path& out,
                const std::function<void(const std::string&)>& progress) {
  // Everything that can be wrong with the input, before the long work.
  const network::QuantisedNetwork network = network::load_quantised(config.model);
  const network::Dataset data = network::load_dataset(config.data, network::Split::kTest);
  const int images = config.images == 0 ? data.size() : config.images;
  network::check_images(network.description, data, 0, images);
  network::check_images(network.description, data, config.cosim_first, config.cosim_images);
  ComponentStore store(store_options(config, progress));
  std::vector<Row> rows;
  rows.push_back({"exact", assign(network.description, &store, "exact", {})});
  for (const std::string& multiplier : config.multipliers) {
    if (multiplier == "exact") continue;
    rows.push_back(
        {multiplier, assign(network.description, &store, multiplier, config.operations)});
  }
  for (const auto& [label, multipliers] : config.assignments) {
    rows.push_back({label, assign(network.description, &store, multipliers)});
  }
  for (const Row& row : rows) {
    for (const auto& [operation, component] : row.assignment) {
      synth::need_netlist(*component, "energy for a study");
    }
    cosim::pe_multiplier_source(cosim_assignment(row.assignment).components);
  }

  Parts parts(out / "parts", progress);
  const json common = {{"network", content_of(config.model)},
                       {"data", data.name},
                       {"images", images},
                       {"seed", config.seed}};
  const std::string rtl = content_of(synth::rtl_directory() / "capsnet");
  const auto key_of = [&](const Row& row) {
    json key = common;
    for (const auto& [operation, component] : row.assignment) {
      key["assignment"][operation] = {component->name, component->lut_sha256,
                                      component->liberty_sha256};
    }
    return key;
  };
  const auto evaluate = [&](const std::string& what, const Row& row, network::Coupling coupling) {
    json key = key_of(row);
    key["coupling"] = static_cast<int>(coupling);
    return parts.get("accuracy of " + what, key, [&] {
      network::EvaluateOptions options;
      options.backend = config.backend;
      options.images = images;
      options.jobs = config.jobs;
      options.seed = config.seed;
      options.coupling = coupling;
      options.progress = progress;
      const network::Inference inference(network, tables(row.assignment));
      const auto result = network::evaluate(inference, data, options);
      progress(fmt::format("{}: accuracy {:.4f} on {} images, {:.0f} s", what, result.accuracy,
                           images, result.seconds));
      return json{{"accuracy", result.accuracy}};
    });
  };

  json result;
  result["name"] = config.name;
  result["model"] = network.description.name;
  result["data"] = data.name;
  result["images"] = images;
  result["rows"] = json::array();
  for (const Row& row : rows) {
    json entry;
    entry["label"] = row.label;
    entry["assignment"] = names(row.assignment);
    entry["accuracy"] = evaluate(row.label, row, network::Coupling::kRouted).at("accuracy");
    json key = key_of(row);
    key["energy"] = to_json(config).at("energy");
    key["hardware"] = to_json(config).at("hardware");
    key["rtl"] = rtl;
    const json energy = parts.get("energy of " + row.label, key, [&] {
      EnergyOptions options;
      options.shape = config.shape;
      options.liberty = config.liberty;
      options.images = config.energy_images;
      options.samples = config.energy_samples;
      options.memory = config.memory;
      if (config.record_operands) {
        options.operands_dir = out / "operands" / synth::safe_file_name(row.label);
      }
      progress("energy of " + row.label);
      const InferenceEnergy measured = inference_energy(network, row.assignment, data, options);
      return json{{"total_nj", measured.total_nj()},
                  {"multiply_nj", measured.multiply_nj()},
                  {"terms", measured.json()}};
    });
    entry["energy_per_inference_nj"] = energy.at("total_nj");
    entry["multiply_energy_nj"] = energy.at("multiply_nj");
    entry["energy_terms"] = energy.at("terms");
    double area = 0;
    double delay = 0;
    std::set<const synth::Component*> distinct;
    for (const auto& [operation, component] : row.assignment) {
      // The squash unit has one multiplier, the array the others.
      const bool on_array = operation != "squash.mac" && operation != "class.mac";
      if (on_array && distinct.insert(component).second) {
        area += component->area_um2 * config.shape.rows * config.shape.cols;
      }
      delay = std::max(delay, component->delay_ns);
    }
    area += row.assignment.at("squash.mac")->area_um2;
    entry["area_um2"] = area;
    entry["delay_ns"] = delay;
    entry["cosim"] = nullptr;
    result["rows"].push_back(entry);
  }

  // Least energy among those that lose no more accuracy than allowed.
  const double reference = result["rows"][0]["accuracy"];
  size_t chosen = 0;
  for (size_t r = 1; r < rows.size(); ++r) {
    const json& row = result["rows"][r];
    if (reference - row["accuracy"].get<double>() <= config.max_accuracy_loss + 1e-12 &&
        row["energy_per_inference_nj"] < result["rows"][chosen]["energy_per_inference_nj"]) {
      chosen = r;
    }
  }
  result["reference"] = 0;
  result["chosen"] = chosen;
  progress("chosen: " + rows[chosen].label);

  for (size_t r = 0; r < rows.size(); ++r) {
    if (r != chosen && !config.cosim_all) continue;
    json key = key_of(rows[r]);
    key["cosim"] = to_json(config).at("cosim");
    key["hardware"] = to_json(config).at("hardware");
    key["rtl"] = rtl;
    result["rows"][r]["cosim"] = parts.get("co-simulation of " + rows[r].label, key, [&] {
      cosim::CosimOptions options;
      options.model = config.model;
      options.data = config.data;
      options.first = config.cosim_first;
      options.images = config.cosim_images;
      options.accelerator.shape = config.shape;
      options.accelerator.progress = progress;
      std::vector<std::string> same;
      for (const auto& [operation, component] : rows[r].assignment) {
        same.insert(same.end(), {"--assign", operation + "=" + store.word_of(*component)});
      }
      if (!config.liberty.empty()) same.insert(same.end(), {"--liberty", config.liberty.string()});
      options.rerun = cosim::rerun_command(options, same);
      return cosim::run_cosim(cosim_assignment(rows[r].assignment), options);
    });
  }

  result["routing"] = {
      {"routed", reference},
      {"uniform", evaluate("exact with uniform coupling", rows[0], network::Coupling::kUniform)
                      .at("accuracy")},
      {"shuffled", evaluate("exact with shuffled coupling", rows[0], network::Coupling::kShuffled)
                       .at("accuracy")}};
  result["components"] = json::array();
  std::set<std::string> listed;
  for (const Row& row : rows) {
    for (const auto& [operation, component] : row.assignment) {
      if (listed.insert(component->name).second) {
        result["components"].push_back(component_json(*component));
      }
    }
  }
  const synth::Component& any = store.get("exact");
  result["liberty"] = {{"name", any.liberty}, {"sha256", any.liberty_sha256}};
  result["memory_costs"] = {{"scratch_pj_per_vector", config.memory.scratch_pj_per_vector},
                            {"accumulator_pj_per_word", config.memory.accumulator_pj_per_word},
                            {"memory_pj_per_byte", config.memory.memory_pj_per_byte},
                            {"source", config.memory.source}};
  return result;
}

}  // namespace lutra::studies
