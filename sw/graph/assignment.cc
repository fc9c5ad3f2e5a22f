#include "lutra/graph/assignment.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lutra/base/error.h"
#include "lutra/graph/network.h"

namespace lutra::graph {

Assignment::Assignment(const Network& network)
    : network_(network.name()), sites_(graph::sites(network)), given_(sites_.size()) {
  number_components();
}

void Assignment::set(const std::string& pattern, const synth::Component* component) {
  bool found = false;
  for (size_t i = 0; i < sites_.size(); ++i) {
    const Match how = match(pattern, sites_[i]);
    if (how == Match::kNone) continue;
    found = true;
    Given& given = given_[i];
    if (how < given.match) continue;
    if (how == given.match && given.component != component) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("assignment: '{}' and '{}' give {} two multipliers", given.pattern,
                              pattern, sites_[i].name()));
    }
    given = {how, pattern, component};
  }
  if (!found) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("assignment: operation '{}' does not exist in {}, expected one of: {}",
                            pattern, network_, fmt::join(operation_names(sites_), ", ")));
  }
  number_components();
}

void Assignment::set_rest(bool on_array, const synth::Component* component) {
  for (size_t i = 0; i < sites_.size(); ++i) {
    if (given_[i].match == Match::kNone && sites_[i].on_array == on_array) {
      given_[i].component = component;
    }
  }
  number_components();
}

void Assignment::number_components() {
  components_.clear();
  numbers_.clear();
  for (const Given& given : given_) {
    const auto at = std::find(components_.begin(), components_.end(), given.component);
    numbers_.push_back(static_cast<size_t>(at - components_.begin()));
    if (at == components_.end()) components_.push_back(given.component);
  }
}

std::string Assignment::label(size_t site) const {
  const std::string operation = sites_[site].operation_name();
  for (size_t i = 0; i < sites_.size(); ++i) {
    if (sites_[i].operation_name() == operation && numbers_[i] != numbers_[site]) {
      return sites_[site].name();
    }
  }
  return operation;
}

}  // namespace lutra::graph
