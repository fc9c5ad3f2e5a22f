// The graph of a network: what it is made of, how it is written and read, and what is refused.
#include "lutra/graph/network.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "lutra/base/error.h"
#include "lutra/graph/steps.h"
#include "lutra/models/built_in.h"

namespace lutra::graph {
namespace {

using nlohmann::json;

json conv(int channels) { return {{"out_channels", channels}, {"kernel", {3, 3}}}; }

/// Two convolutions, one behind the other.
json two() {
  NetworkBuilder builder("two", {8, 8, 1});
  builder.add("a", "conv2d", conv(4));
  builder.add("b", "conv2d", conv(2));
  return to_json(builder.build());
}

void refused(const std::string& part, const std::function<void()>& call,
             ErrorKind kind = ErrorKind::kInvalidArgument) {
  try {
    call();
    ADD_FAILURE() << "nothing was refused, expected: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

/// two() with a change.
void refused_json(const std::string& part, const std::function<void(json*)>& change,
                  ErrorKind kind = ErrorKind::kInvalidArgument) {
  json network = two();
  change(&network);
  refused(
      part, [&] { network_from_json(network, "network.json"); }, kind);
}

TEST(Network, IsWrittenWholeAndReadBack) {
  for (const Network& network : {models::capsnet_edge(), models::capsnet()}) {
    const json written = to_json(network);
    const Network read = network_from_json(json::parse(written.dump()), "network.json");
    EXPECT_EQ(to_json(read), written);
    EXPECT_EQ(parameters(read).size(), parameters(network).size());
    ASSERT_EQ(read.nodes().size(), network.nodes().size());
    for (size_t n = 0; n < read.nodes().size(); ++n) {
      EXPECT_EQ(read.place(n).output, network.place(n).output);
    }
  }
}

TEST(Network, ClassNamesAreKept) {
  json network = two();
  network["class_names"] = {"cat", "dog"};
  const Network read = network_from_json(network, "network.json");
  EXPECT_EQ(read.class_names, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(to_json(read), network);
}

TEST(Network, NodesMayComeInAnyOrder) {
  json network = two();
  std::swap(network["nodes"][0], network["nodes"][1]);
  EXPECT_EQ(to_json(network_from_json(network, "network.json")), two());
}

TEST(Network, AttributesThatAreLeftOutHaveTheirDefaults) {
  json network = two();
  for (json& node : network["nodes"]) {
    for (const char* name :
         {"strides", "pads", "dilations", "groups", "activation", "padded_multiplies"}) {
      node["attributes"].erase(name);
    }
  }
  EXPECT_EQ(to_json(network_from_json(network, "network.json")), two());
}

TEST(Network, WrongGraphs_bad) {
  refused_json("node b: its input c is no node, expected one of: a, b, input",
               [](json* n) { (*n)["nodes"][1]["inputs"] = {"c"}; });
  refused_json("a cycle through some of the nodes a, b",
               [](json* n) { (*n)["nodes"][0]["inputs"] = {"b"}; });
  refused_json("two nodes are called a", [](json* n) { (*n)["nodes"][1]["name"] = "a"; });
  refused_json("node b: nothing uses its output", [](json* n) { (*n)["output"] = "a"; });
  refused_json("its output c is no node", [](json* n) { (*n)["output"] = "c"; });
  refused_json("node a: 2 inputs, expected 1", [](json* n) {
    (*n)["nodes"][0]["inputs"] = {"input", "input"};
  });
  refused_json("node 'a b': expected a name of letters",
               [](json* n) { (*n)["nodes"][0]["name"] = "a b"; });
  refused_json("node '../a': expected a name of letters",
               [](json* n) { (*n)["nodes"][0]["name"] = "../a"; });
  refused("its output  is no node", [] { NetworkBuilder("none", {8, 8, 1}).build(); });
}

TEST(Network, ShapesThatDoNotFit_bad) {
  refused_json("node a: a kernel of [3, 3] does not fit into [2, 8, 1] with pads [0, 0, 0, 0]",
               [](json* n) {
                 (*n)["input"]["shape"] = {2, 8, 1};
               });
  refused_json("an input of shape [8, 8], expected [height, width, channels]", [](json* n) {
    (*n)["input"]["shape"] = {8, 8};
  });
  refused_json("an input of shape [8, 0, 1]", [](json* n) { (*n)["input"]["shape"] = {8, 0, 1}; });
  refused_json("input.shape holds -8", [](json* n) { (*n)["input"]["shape"] = {-8, 8, 1}; });
  refused_json("node b: 4 channels in and 2 out, expected multiples of groups = 3",
               [](json* n) { (*n)["nodes"][1]["attributes"]["groups"] = 3; });
  NetworkBuilder votes("votes", {8, 8, 1});
  votes.add("v", "votes", {{"classes", 10}, {"out_dim", 16}});
  refused("node v: an input of shape [8, 8, 1], expected [capsules, dim]", [&] { votes.build(); });
  NetworkBuilder squash("squash", {8, 8, 3});
  squash.add("s", "squash", {{"dim", 8}});
  refused("node s: an input of shape [8, 8, 3], expected a multiple of dim = 8",
          [&] { squash.build(); });
}

TEST(Network, WrongAttributes_bad) {
  const auto attribute = [](const char* name, const json& value) {
    return [name, value](json* n) { (*n)["nodes"][0]["attributes"][name] = value; };
  };
  refused_json(
      "network.json: node a (conv2d): attribute kernel is [3], expected a list of 2 "
      "integers",
      attribute("kernel", {3}));
  refused_json("attribute kernel is 0, expected an integer in 1..4096",
               attribute("kernel", {3, 0}));
  refused_json("attribute strides is 5000, expected an integer in 1..4096",
               attribute("strides", {5000, 1}));
  refused_json("attribute groups is 18446744073709551615",
               attribute("groups", 18446744073709551615u));
  refused_json("attribute groups is 1.5, expected an integer", attribute("groups", 1.5));
  refused_json("attribute activation is \"tanh\", expected one of: none, relu",
               attribute("activation", "tanh"));
  refused_json("attribute padded_multiplies is 1, expected true or false",
               attribute("padded_multiplies", 1));
  refused_json("unknown attribute colour, expected", attribute("colour", 1));
  refused_json("no attribute kernel",
               [](json* n) { (*n)["nodes"][0]["attributes"].erase("kernel"); });
  refused_json("attributes are 7, expected an object",
               [](json* n) { (*n)["nodes"][0]["attributes"] = 7; });
  refused_json(
      "node a: kind 'lstm', expected one of: conv2d",
      [](json* n) { (*n)["nodes"][0]["kind"] = "lstm"; }, ErrorKind::kUnimplemented);
}

TEST(Network, WrongFields_bad) {
  refused_json("network.json: name is missing, expected a string",
               [](json* n) { n->erase("name"); });
  refused_json("nodes is object, expected a list", [](json* n) { (*n)["nodes"] = json::object(); });
  refused_json("nodes[1] is no object", [](json* n) { (*n)["nodes"][1] = 3; });
  refused_json("nodes[1].inputs holds 4, expected strings",
               [](json* n) { (*n)["nodes"][1]["inputs"] = {4}; });
  refused_json("input.shape is missing", [](json* n) { (*n)["input"].erase("shape"); });
  refused("no object", [] { network_from_json(json(3), "network.json"); });
}

// Whatever is put in the place of a value, a network is read or refused with a text.
TEST(Network, FuzzedJsonIsReadOrRefused) {
  const std::vector<json> values = {
      nullptr,        true,     0,          -1,           65536,
      1e300,          "",       "a",        "../x",       json::array(),
      json::object(), "conv2d", 4294967296, {1, 1, 1, 1}, {"input"},
      {{"a", 1}}};
  std::mt19937 random(5);
  int refusals = 0;
  for (int round = 0; round < 3000; ++round) {
    json network = to_json(models::capsnet_edge());
    json flat = network.flatten();
    for (unsigned k = 0; k <= random() % 3; ++k) {
      auto at = flat.begin();
      std::advance(at, static_cast<std::ptrdiff_t>(random() % flat.size()));
      const json::json_pointer place(at.key());
      try {
        network[place] = values[random() % values.size()];
      } catch (const json::exception&) {
        continue;  // what lay above it is gone
      }
    }
    try {
      lower(network_from_json(network, "network.json"));
    } catch (const Error& error) {
      EXPECT_GT(std::string(error.what()).size(), 10u);
      ++refusals;
    }
  }
  std::printf("checked=3000 refused=%d\n", refusals);
  EXPECT_GT(refusals, 2000);
}

}  // namespace
}  // namespace lutra::graph
