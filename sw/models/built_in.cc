#include "lutra/models/built_in.h"

#include <fmt/format.h>

#include "lutra/base/error.h"
#include "lutra/graph/network.h"

namespace lutra::models {

graph::Network capsnet_edge() {
  graph::Network net{"capsnet-edge", 28, 28, 1, {}};
  net.layers.push_back(graph::Conv2d{"conv1", 1, 16, 9, 1, true});
  net.layers.push_back(graph::Conv2d{"primary", 16, 64, 9, 2, false});
  net.layers.push_back(graph::Squash{"capsules", 8});
  net.layers.push_back(graph::Votes{"votes", 288, 8, 10, 16});
  net.layers.push_back(graph::Routing{"routing", 3});
  net.layers.push_back(graph::Classify{"class"});
  return net;
}

graph::Network capsnet() {
  graph::Network net{"capsnet", 28, 28, 1, {}};
  net.layers.push_back(graph::Conv2d{"conv1", 1, 256, 9, 1, true});
  net.layers.push_back(graph::Conv2d{"primary", 256, 256, 9, 2, false});
  net.layers.push_back(graph::Squash{"capsules", 8});
  net.layers.push_back(graph::Votes{"votes", 1152, 8, 10, 16});
  net.layers.push_back(graph::Routing{"routing", 3});
  net.layers.push_back(graph::Classify{"class"});
  return net;
}

graph::Network network_by_name(const std::string& name) {
  for (const graph::Network& known : {capsnet_edge(), capsnet()}) {
    if (name == known.name) return known;
  }
  throw Error(
      ErrorKind::kInvalidArgument,
      fmt::format("network '{}' is not known, expected one of: capsnet-edge, capsnet", name));
}

}  // namespace lutra::models
