#include "lutra/studies/component_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <set>
#include <utility>

#include "lutra/base/error.h"
#include "lutra/base/threads.h"
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

/// What a name means.
struct ComponentStore::Named {
  std::string name;
  synth::MultiplierReference reference;
  bool of_library;
  std::string key;  ///< the same for the same component
};

ComponentStore::Named ComponentStore::parse(const std::string& name) const {
  Named named{name, synth::parse_reference(name, options_.folder), false, ""};
  named.of_library = named.reference.kind == synth::MultiplierReference::Kind::kLibrary;
  named.key =
      named.of_library ? synth::parse_multiplier_spec(name).canonical() : named.reference.text;
  return named;
}

ComponentStore::Held ComponentStore::make(const Named& named, const Progress& progress) const {
  synth::CharacterizeOptions options;
  options.liberty = options_.liberty;
  options.progress = progress;
  options.widths = 8;
  auto component = std::make_unique<synth::Component>(
      synth::signed_component_of(named.reference, options_.reading, options));
  if (component->widths != 8) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: operands of {} bits, expected 8",
                                                         named.name, component->widths.text()));
  }
  synth::need_check(*component, options_.allow_unchecked);
  // Two files may hold modules of one name. What got a shell is called so.
  const bool has_shell = named.of_library && !synth::parse_multiplier_spec(named.name).is_signed;
  component->name = named.key + (has_shell ? "+sign_magnitude" : "");
  const std::string port_names =
      named.name.substr(std::min(named.name.size(), named.name.find(':')));
  return {std::move(component),
          named.of_library ? named.key : named.reference.path.string() + port_names};
}

const synth::Component& ComponentStore::get(const std::string& name) {
  prepare({name}, 1);
  return *components_.at(parse(name).key).component;
}

void ComponentStore::prepare(const std::vector<std::string>& names, int jobs) {
  std::vector<Named> missing;
  std::set<std::string> keys;
  for (const std::string& name : names) {
    Named named = parse(name);
    if (components_.count(named.key) == 0 && keys.insert(named.key).second) {
      missing.push_back(std::move(named));
    }
  }
  std::vector<Held> made(missing.size());
  std::vector<std::exception_ptr> failures(missing.size());
  std::atomic<bool> has_failed{false};
  std::mutex says;
  const Progress progress = [&](const std::string& line) {
    const std::lock_guard<std::mutex> lock(says);
    if (options_.progress) options_.progress(line);
  };
  base::parallel_for(static_cast<int>(missing.size()), 1, jobs, [&](int i, int) {
    const auto at = static_cast<size_t>(i);
    if (has_failed) return;  // all before it have begun: the first failure is always the same
    try {
      made[at] = make(missing[at], progress);
    } catch (...) {
      failures[at] = std::current_exception();
      has_failed = true;
    }
  });
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  for (size_t i = 0; i < missing.size(); ++i) {
    const Held& held = components_[missing[i].key] = std::move(made[i]);
    if (!options_.progress) continue;
    for (const std::string& line : synth::table_lines(missing[i].name, *held.component)) {
      options_.progress(line);
    }
  }
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
