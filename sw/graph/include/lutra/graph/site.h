#ifndef LUTRA_GRAPH_SITE_H_
#define LUTRA_GRAPH_SITE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace lutra::graph {

class Network;

/// A place in a network that multiplies: what the hardware runs as one operation, and what may have
/// a component of its own.
struct Site {
  std::string node;          ///< the layer: "conv1", "capsules", "routing"
  std::string operation;     ///< "mac", "sum", "squash", "agreement"
  int iteration = 0;         ///< of a routing, from 1; 0: it runs once
  std::string group;         ///< ReD-CaNe's: "mac", "activation", "logits"
  int fan_in = 0;            ///< products in one sum
  int64_t products = 0;      ///< 8x8 products an inference
  bool has_weights = false;  ///< the second operand is a trained weight
  bool on_array = false;     ///< the accelerator's PE array multiplies; else its squash unit does

  /// "conv1.mac", "routing.sum.2", "capsules.squash".
  std::string name() const;
  /// What all its iterations share: "routing.sum"; "squash.mac" of every squash.
  std::string operation_name() const;
};

/// The sites of a network, in the order in which they first run.
std::vector<Site> sites(const Network& network);

/// The operations of these sites, each once, in that order.
std::vector<std::string> operation_names(const std::vector<Site>& sites);

/// How a pattern names a site, the closest last.
enum class Match {
  kNone,
  kWildcard,   ///< `*` (any text) or `?` (any character) against its name or its operation's
  kOperation,  ///< its operation's name
  kName,       ///< its own
};
Match match(const std::string& pattern, const Site& site);

}  // namespace lutra::graph

#endif  // LUTRA_GRAPH_SITE_H_
