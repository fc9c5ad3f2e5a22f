#include "lutra/models/built_in.h"

#include <fmt/format.h>

#include "lutra/base/error.h"
#include "lutra/graph/network.h"

namespace lutra::models {

namespace {

/// Sabour et al., "Dynamic Routing Between Capsules", NIPS 2017, with these channels.
graph::Network capsules(const std::string& name, int channels, int primary_channels) {
  graph::NetworkBuilder net(name, {28, 28, 1});
  net.add("conv1", "conv2d",
          {{"out_channels", channels}, {"kernel", {9, 9}}, {"activation", "relu"}});
  net.add("primary", "conv2d",
          {{"out_channels", primary_channels}, {"kernel", {9, 9}}, {"strides", {2, 2}}});
  net.add("capsules", "squash", {{"dim", 8}});
  net.add("votes", "votes", {{"classes", 10}, {"out_dim", 16}});
  net.add("routing", "routing", {{"iterations", 3}});
  net.add("class", "classify", nlohmann::json::object());
  return net.build();
}

}  // namespace

graph::Network capsnet_edge() { return capsules("capsnet-edge", 16, 64); }

graph::Network capsnet() { return capsules("capsnet", 256, 256); }

graph::Network network_by_name(const std::string& name) {
  for (const graph::Network& known : {capsnet_edge(), capsnet()}) {
    if (name == known.name()) return known;
  }
  throw Error(
      ErrorKind::kInvalidArgument,
      fmt::format("network '{}' is not known, expected one of: capsnet-edge, capsnet", name));
}

}  // namespace lutra::models
