#include "lutra/studies/components.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lutra/base/error.h"
#include "lutra/component/component_tables.h"
#include "lutra/component/library.h"
#include "lutra/component/reference.h"

namespace lutra::studies {
namespace {

std::vector<std::string> operation_names(const network::Network& network) {
  std::vector<std::string> names;
  for (const auto& op : network::multiplying_operations(network)) names.push_back(op.name);
  return names;
}

}  // namespace

const synth::Component& ComponentStore::get(const std::string& name) {
  const synth::MultiplierReference reference = synth::parse_reference(name, options_.folder);
  const bool of_library = reference.kind == synth::MultiplierReference::Kind::kLibrary;
  const std::string key =
      of_library ? synth::parse_multiplier_spec(name).canonical() : reference.text;
  Held& held = components_[key];
  if (held.component) return *held.component;
  synth::CharacterizeOptions options;
  options.liberty = options_.liberty;
  options.progress = options_.progress;
  options.widths = 8;
  try {
    auto component = std::make_unique<synth::Component>(
        synth::signed_component_of(reference, options_.reading, options));
    if (component->widths != 8) {
      throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: operands of {} bits, expected 8",
                                                           name, component->widths.text()));
    }
    synth::need_check(*component, options_.allow_unchecked);
    // Two files may hold modules of one name. What got a shell is called so.
    const bool has_shell = of_library && !synth::parse_multiplier_spec(name).is_signed;
    component->name = key + (has_shell ? "+sign_magnitude" : "");
    held.word = of_library
                    ? key
                    : reference.path.string() + name.substr(std::min(name.size(), name.find(':')));
    held.component = std::move(component);
  } catch (const Error&) {
    components_.erase(key);
    throw;
  }
  if (options_.progress) {
    for (const std::string& line : synth::table_lines(name, *held.component)) {
      options_.progress(line);
    }
  }
  return *held.component;
}

const std::string& ComponentStore::word_of(const synth::Component& component) const {
  for (const auto& [name, held] : components_) {
    if (held.component.get() == &component) return held.word;
  }
  throw Error(ErrorKind::kInternal, component.name + ": not a component of this store");
}

bool runs_on_array(const std::string& operation) {
  return operation != "squash.mac" && operation != "class.mac";
}

ComponentAssignment assign(const network::Network& network, ComponentStore* store,
                           const std::string& multiplier,
                           const std::vector<std::string>& operations,
                           const std::vector<std::string>& overrides, const std::string& rest) {
  std::map<std::string, std::string> multipliers;
  std::vector<std::string> chosen = operations;
  if (chosen.empty()) {
    for (const std::string& name : operation_names(network)) {
      if (runs_on_array(name)) chosen.push_back(name);
    }
  }
  for (const std::string& operation : chosen) multipliers[operation] = multiplier;
  for (const std::string& text : overrides) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("assignment '{}': expected operation=multiplier", text));
    }
    multipliers[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return assign(network, store, multipliers, rest);
}

ComponentAssignment assign(const network::Network& network, ComponentStore* store,
                           const std::map<std::string, std::string>& multipliers,
                           const std::string& rest) {
  const std::vector<std::string> known = operation_names(network);
  ComponentAssignment assignment;
  for (const auto& [operation, multiplier] : multipliers) {
    if (std::find(known.begin(), known.end(), operation) == known.end()) {
      throw Error(
          ErrorKind::kInvalidArgument,
          fmt::format("assignment: operation '{}' does not exist in {}, expected one of: {}",
                      operation, network.name, fmt::join(known, ", ")));
    }
    assignment[operation] = &store->get(multiplier);
  }
  for (const std::string& operation : known) {
    if (assignment.count(operation) != 0) continue;
    assignment[operation] = &store->get(runs_on_array(operation) ? rest : "exact");
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
