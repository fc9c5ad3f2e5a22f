#include "lutra/studies/components.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lutra/numerics/error.h"
#include "lutra/synth/files.h"
#include "lutra/synth/library.h"
#include "lutra/synth/table_files.h"

namespace lutra::studies {
namespace {

namespace fs = std::filesystem;

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

std::vector<std::string> operation_names(const network::Network& network) {
  std::vector<std::string> names;
  for (const auto& op : network::multiplying_operations(network)) names.push_back(op.name);
  return names;
}

}  // namespace

const synth::Component& ComponentStore::get(const std::string& name) {
  auto& component = components_[name];
  if (component) return *component;
  synth::CharacterizeOptions options;
  options.liberty = liberty_;
  options.progress = progress_;
  const std::string unsigned_mark = ":signed=0";
  const bool is_unsigned = ends_with(name, unsigned_mark);
  const fs::path file = name.substr(0, name.size() - (is_unsigned ? unsigned_mark.size() : 0));
  const auto keep = [&](synth::Component made) {
    component = std::make_unique<synth::Component>(std::move(made));
  };
  if (fs::is_directory(name)) {
    keep(synth::load_component(name));
  } else if (synth::is_table_file(file)) {
    keep(synth::import_table(file, is_unsigned, is_unsigned, options));
  } else if (is_unsigned && fs::exists(file)) {
    const synth::PrivateDirectory work(fs::temp_directory_path());
    keep(synth::characterize(
        synth::sign_magnitude_source(synth::verilog_source({fs::absolute(file)}, "", false),
                                     work.path()),
        options));
  } else if (ends_with(name, ".v") || ends_with(name, ".sv")) {
    keep(synth::characterize(synth::verilog_source({fs::absolute(file)}), options));
  } else {
    keep(synth::characterize(synth::library_source(name), options));
  }
  std::string what;
  if (!component->is_signed) {
    what = "an unsigned component; the network needs signed ones (leave out signed=0)";
  } else if (component->width != 8) {
    what = fmt::format("operands of {} bits; the network needs 8", component->width);
  }
  if (!what.empty()) {
    components_.erase(name);
    throw Error(ExitCode::kUsage, fmt::format("{}: {}", name, what));
  }
  if (progress_) {
    for (const std::string& line : synth::table_lines(name, *component)) progress_(line);
  }
  return *component;
}

const std::string& ComponentStore::name_of(const synth::Component& component) const {
  for (const auto& [name, held] : components_) {
    if (held.get() == &component) return name;
  }
  throw Error(ExitCode::kInternal, component.name + ": not a component of this store");
}

ComponentAssignment assign(const network::Network& network, ComponentStore* store,
                           const std::string& multiplier,
                           const std::vector<std::string>& operations,
                           const std::vector<std::string>& overrides) {
  std::map<std::string, std::string> multipliers;
  std::vector<std::string> chosen = operations;
  if (chosen.empty()) {
    for (const std::string& name : operation_names(network)) {
      if (name != "squash.mac" && name != "class.mac") chosen.push_back(name);
    }
  }
  for (const std::string& operation : chosen) multipliers[operation] = multiplier;
  for (const std::string& text : overrides) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos) {
      throw Error(ExitCode::kUsage,
                  fmt::format("assignment '{}': expected operation=multiplier", text));
    }
    multipliers[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return assign(network, store, multipliers);
}

ComponentAssignment assign(const network::Network& network, ComponentStore* store,
                           const std::map<std::string, std::string>& multipliers) {
  const std::vector<std::string> known = operation_names(network);
  ComponentAssignment assignment;
  for (const auto& [operation, multiplier] : multipliers) {
    if (std::find(known.begin(), known.end(), operation) == known.end()) {
      throw Error(
          ExitCode::kUsage,
          fmt::format("assignment: operation '{}' does not exist in {}, expected one of: {}",
                      operation, network.name, fmt::join(known, ", ")));
    }
    assignment[operation] = &store->get(multiplier);
  }
  for (const std::string& operation : known) {
    if (assignment.count(operation) == 0) assignment[operation] = &store->get("exact");
  }
  std::map<std::string, const synth::Component*> named;
  for (const auto& [operation, component] : assignment) {
    const synth::Component* other = named.try_emplace(component->name, component).first->second;
    if (other == component) continue;
    throw Error(
        ExitCode::kUsage,
        fmt::format("assignment: '{}' and '{}' are both called {}; results tell multipliers "
                    "apart by their names, rename one",
                    store->name_of(*other), store->name_of(*component), component->name));
  }
  return assignment;
}

cosim::CosimAssignment cosim_assignment(const ComponentAssignment& assignment) {
  cosim::CosimAssignment result;
  for (const auto& [operation, component] : assignment) {
    const auto at = std::find(result.components.begin(), result.components.end(), component);
    result.select[operation] = static_cast<int>(at - result.components.begin());
    if (at == result.components.end()) result.components.push_back(component);
  }
  return result;
}

network::Assignment tables(const ComponentAssignment& assignment) {
  network::Assignment result;
  for (const auto& [operation, component] : assignment) result[operation] = &component->lut;
  return result;
}

std::map<std::string, std::string> names(const ComponentAssignment& assignment) {
  std::map<std::string, std::string> result;
  for (const auto& [operation, component] : assignment) result[operation] = component->name;
  return result;
}

nlohmann::json multipliers(const ComponentAssignment& assignment) {
  nlohmann::json result = nlohmann::json::object();
  for (const auto& [operation, component] : assignment) {
    result[component->name] = {{"lut_sha256", component->lut_sha256},
                               {"mae", component->errors.mae},
                               {"wce", component->errors.wce},
                               {"ep", component->errors.ep},
                               {"bias", component->errors.bias}};
  }
  return result;
}

}  // namespace lutra::studies
