#include "lutra/graph/site.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <utility>

#include "lutra/graph/network.h"

namespace lutra::graph {
namespace {

bool is_wildcard(const std::string& pattern, const std::string& name) {
  return fnmatch(pattern.c_str(), name.c_str(), FNM_NOESCAPE) == 0;
}

}  // namespace

std::string Site::name() const {
  return iteration == 0 ? fmt::format("{}.{}", node, operation)
                        : fmt::format("{}.{}.{}", node, operation, iteration);
}

std::string Site::operation_name() const {
  return operation == "squash" ? "squash.mac" : fmt::format("{}.{}", node, operation);
}

std::vector<Site> sites(const Network& network) {
  std::vector<Site> all;
  for (size_t n = 0; n < network.nodes().size(); ++n) {
    for (Site& site : network.nodes()[n].operation->sites(network.place(n))) {
      all.push_back(std::move(site));
    }
  }
  return all;
}

std::vector<std::string> operation_names(const std::vector<Site>& sites) {
  std::vector<std::string> names;
  for (const Site& site : sites) {
    const std::string name = site.operation_name();
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

Match match(const std::string& pattern, const Site& site) {
  if (pattern == site.name()) return Match::kName;
  const std::string all_iterations = fmt::format("{}.{}", site.node, site.operation);
  if (pattern == site.operation_name() || pattern == all_iterations) return Match::kOperation;
  for (const std::string& name : {site.name(), all_iterations, site.operation_name()}) {
    if (is_wildcard(pattern, name)) return Match::kWildcard;
  }
  return Match::kNone;
}

}  // namespace lutra::graph
