#include "lutra/studies/component_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "lutra/base/error.h"
#include "lutra/component/component_tables.h"
#include "lutra/component/library.h"
#include "lutra/component/reference.h"
#include "lutra/graph/assignment.h"
#include "lutra/graph/network.h"
#include "lutra/graph/site.h"

namespace lutra::studies {
namespace {

void set_rest(graph::Assignment* assignment, ComponentStore* store, const std::string& rest) {
  for (const bool on_array : {true, false}) {
    const bool is_needed =
        std::any_of(assignment->sites().begin(), assignment->sites().end(),
                    [&](const graph::Site& site) { return site.on_array == on_array; });
    if (is_needed) assignment->set_rest(on_array, &store->get(on_array ? rest : "exact"));
  }
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

graph::Assignment assign(const graph::Network& network, ComponentStore* store,
                         const std::string& multiplier, const std::vector<std::string>& patterns,
                         const std::vector<std::string>& overrides, const std::string& rest) {
  graph::Assignment assignment(network);
  // Names are looked at before a multiplier is characterised, which takes its time.
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& text : overrides) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("assignment '{}': expected operation=multiplier", text));
    }
    pairs.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  for (const std::string& pattern : patterns) graph::Assignment(network).set(pattern, nullptr);
  for (const auto& [pattern, name] : pairs) graph::Assignment(network).set(pattern, nullptr);
  for (const auto& [pattern, name] : pairs) assignment.set(pattern, &store->get(name));
  for (size_t i = 0; i < assignment.sites().size(); ++i) {
    const graph::Site& site = assignment.sites()[i];
    const bool is_chosen =
        patterns.empty() ? site.on_array
                         : std::any_of(patterns.begin(), patterns.end(), [&](const auto& pattern) {
                             return match(pattern, site) != graph::Match::kNone;
                           });
    const bool is_overridden = std::any_of(pairs.begin(), pairs.end(), [&](const auto& pair) {
      return match(pair.first, site) != graph::Match::kNone;
    });
    if (is_chosen && !is_overridden) assignment.set(site.name(), &store->get(multiplier));
  }
  set_rest(&assignment, store, rest);
  return assignment;
}

graph::Assignment assign(const graph::Network& network, ComponentStore* store,
                         const std::map<std::string, std::string>& multipliers,
                         const std::string& rest) {
  graph::Assignment assignment(network);
  for (const auto& [pattern, name] : multipliers) graph::Assignment(network).set(pattern, nullptr);
  for (const auto& [pattern, name] : multipliers) assignment.set(pattern, &store->get(name));
  set_rest(&assignment, store, rest);
  return assignment;
}

nlohmann::json names(const graph::Assignment& assignment) {
  return assignment.by_label([](const synth::Component& component) { return component.name; });
}

nlohmann::json multipliers(const graph::Assignment& assignment) {
  nlohmann::json result = nlohmann::json::object();
  for (const synth::Component* component : assignment.components()) {
    result[component->name] = {{"lut_sha256", component->lut_sha256},
                               {"mae", component->errors.mae},
                               {"wce", component->errors.wce},
                               {"ep", component->errors.ep},
                               {"bias", component->errors.bias}};
  }
  return result;
}

}  // namespace lutra::studies
