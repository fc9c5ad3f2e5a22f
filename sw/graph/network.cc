#include "lutra/graph/network.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "lutra/base/error.h"

namespace lutra::graph {
namespace {

using nlohmann::json;

/// What has more elements is no network that a machine of today runs, but a mistake.
constexpr int64_t kMaxElements = int64_t{1} << 31;
constexpr int kMaxSize = 65535;  // of an image's dimension

[[noreturn]] void refuse(const std::string& network, const std::string& what) {
  throw Error(ErrorKind::kInvalidArgument, fmt::format("network {}: {}", network, what));
}

bool is_name(const std::string& text) {
  return !text.empty() && text.front() != '.' && text.front() != '/' &&
         text.find("..") == std::string::npos && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '_' || c == '-' || c == '.' || c == '/';
         });
}

}  // namespace

Network::Network(std::string name, Shape input, std::vector<Node> nodes, std::string output)
    : name_(std::move(name)),
      input_(std::move(input)),
      nodes_(std::move(nodes)),
      output_(std::move(output)) {
  if (!is_name(name_)) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("network '{}': expected a name of letters, digits, '_', '-', '.' and "
                            "'/'",
                            name_));
  }
  const bool is_image = input_.size() == 3 && std::all_of(input_.begin(), input_.end(), [](int n) {
                          return n >= 1 && n <= kMaxSize;
                        });
  if (!is_image || elements_of(input_) >= kMaxElements) {
    refuse(name_, fmt::format("an input of shape {}, expected [height, width, channels] of 1..{}",
                              input_, kMaxSize));
  }
  sort();
  connect();
}

void Network::sort() {
  std::set<std::string> names = {kInput};
  for (const Node& node : nodes_) {
    if (!is_name(node.name)) {
      refuse(name_, fmt::format("node '{}': expected a name of letters, digits, '_', '-', '.' and "
                                "'/'",
                                node.name));
    }
    if (!names.insert(node.name).second) {
      refuse(name_, fmt::format("two nodes are called {}", node.name));
    }
    const auto count = static_cast<int>(node.inputs.size());
    if (count < node.operation->least_inputs() || count > node.operation->most_inputs()) {
      refuse(name_, fmt::format("node {}: {} inputs, expected {}", node.name, count,
                                node.operation->least_inputs()));
    }
  }
  for (const Node& node : nodes_) {
    for (const std::string& input : node.inputs) {
      if (names.count(input) > 0) continue;
      refuse(name_, fmt::format("node {}: its input {} is no node, expected one of: {}", node.name,
                                input, fmt::join(names, ", ")));
    }
  }
  if (names.count(output_) == 0 || output_ == kInput) {
    refuse(name_, fmt::format("its output {} is no node", output_));
  }
  std::vector<Node> sorted;
  std::set<std::string> done = {kInput};
  while (!nodes_.empty()) {
    const auto next = std::find_if(nodes_.begin(), nodes_.end(), [&done](const Node& node) {
      return std::all_of(node.inputs.begin(), node.inputs.end(),
                         [&done](const std::string& input) { return done.count(input) > 0; });
    });
    if (next == nodes_.end()) {
      std::vector<std::string> left;
      for (const Node& node : nodes_) left.push_back(node.name);
      refuse(name_, fmt::format("a cycle through some of the nodes {}", fmt::join(left, ", ")));
    }
    done.insert(next->name);
    sorted.push_back(std::move(*next));
    nodes_.erase(next);
  }
  nodes_ = std::move(sorted);
}

void Network::connect() {
  std::map<std::string, Shape> shapes = {{kInput, input_}};
  std::set<std::string> used = {output_};
  std::map<std::string, std::string> node_of = {{kInput, kInput}};  // by tensor
  tensors_ = {{kInput, kInput}};
  for (const Node& node : nodes_) {
    Place place;
    place.node = node.name;
    for (const std::string& input : node.inputs) {
      place.inputs.push_back(shapes.at(input));
      used.insert(input);
    }
    place.output = node.operation->output_shape(place);
    if (elements_of(place.output) >= kMaxElements) {
      refuse(name_, fmt::format("node {}: an output of shape {}, expected fewer than 2^31 elements",
                                node.name, place.output));
    }
    shapes[node.name] = place.output;
    places_.push_back(std::move(place));
    const std::string tensor = node.operation->output_name(node.name);
    const auto [other, is_new] = node_of.emplace(tensor, node.name);
    if (!is_new) {
      refuse(name_, fmt::format("nodes {} and {} both leave a tensor {}", other->second, node.name,
                                tensor));
    }
    tensors_[node.name] = tensor;
  }
  for (const Node& node : nodes_) {
    if (used.count(node.name) > 0) continue;
    refuse(name_, fmt::format("node {}: nothing uses its output", node.name));
  }
  if (used.count(kInput) == 0) refuse(name_, "nothing uses the image");
}

std::string NetworkBuilder::add(const std::string& node, const std::string& kind,
                                const json& attributes, std::vector<std::string> inputs) {
  if (inputs.empty()) inputs = {nodes_.empty() ? Network::kInput : nodes_.back().name};
  nodes_.push_back({node, make_operation(kind, attributes, fmt::format("{}: node {}", name_, node)),
                    std::move(inputs)});
  return node;
}

Network NetworkBuilder::build() const {
  return Network(name_, input_, nodes_, nodes_.empty() ? "" : nodes_.back().name);
}

std::map<std::string, Parameter> parameters(const Network& network) {
  std::map<std::string, Parameter> all;
  for (size_t n = 0; n < network.nodes().size(); ++n) {
    const Node& node = network.nodes()[n];
    for (auto& [name, parameter] : node.operation->parameters(network.place(n))) {
      all[node.name + "." + name] = std::move(parameter);
    }
  }
  return all;
}

void check_finite(const std::string& where, const std::vector<float>& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      throw Error(
          ErrorKind::kInvalidArgument,
          fmt::format("{}: element {} is {}, expected a finite number", where, i, values[i]));
    }
  }
}

void check_weights(const Network& network, const FloatWeights& weights) {
  for (const auto& [name, parameter] : parameters(network)) {
    const std::vector<size_t>& shape = parameter.shape;
    const auto found = weights.find(name);
    if (found == weights.end()) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("weights lack the parameter {} of {}", name, network.name()));
    }
    size_t size = 1;
    for (const size_t d : shape) size *= d;
    if (found->second.shape != shape || found->second.values.size() != size) {
      throw Error(
          ErrorKind::kInvalidArgument,
          fmt::format("weights {}: {} elements of shape {}, {} needs {}", name,
                      found->second.values.size(), found->second.shape, network.name(), shape));
    }
    check_finite("weights " + name, found->second.values);
  }
}

json to_json(const Network& network) {
  json nodes = json::array();
  for (const Node& node : network.nodes()) {
    nodes.push_back({{"name", node.name},
                     {"kind", node.operation->kind()},
                     {"inputs", node.inputs},
                     {"attributes", node.operation->attributes()}});
  }
  json result = {{"name", network.name()},
                 {"input", {{"shape", network.input()}}},
                 {"nodes", nodes},
                 {"output", network.output()}};
  if (!network.class_names.empty()) result["class_names"] = network.class_names;
  return result;
}

Network network_from_json(const json& given, const std::string& where) {
  const auto field = [&where](const json& object, const char* name, json::value_t type,
                              const char* expected, const std::string& of) -> const json& {
    const auto found = object.find(name);
    if (found != object.end() && found->type() == type) return *found;
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: {}{} is {}, expected {}", where, of, name,
                            found == object.end() ? "missing" : found->type_name(), expected));
  };
  const auto text = [&](const json& object, const char* name, const std::string& of) {
    return field(object, name, json::value_t::string, "a string", of).get<std::string>();
  };
  const auto texts = [&](const json& object, const char* name, const std::string& of) {
    std::vector<std::string> result;
    for (const json& one : field(object, name, json::value_t::array, "a list of strings", of)) {
      if (!one.is_string()) {
        throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: {}{} holds {}, expected strings",
                                                             where, of, name, one.dump()));
      }
      result.push_back(one.get<std::string>());
    }
    return result;
  };
  if (!given.is_object()) {
    throw Error(ErrorKind::kInvalidArgument, where + ": no object, expected a network");
  }
  const json& input = field(given, "input", json::value_t::object, "an object", "");
  Shape shape;
  for (const json& size : field(input, "shape", json::value_t::array, "a list", "input.")) {
    const bool is_size = size.is_number_integer() && size >= 0 && size <= kMaxSize;
    if (!is_size) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: input.shape holds {}, expected sizes of 1..{}", where,
                              size.dump(), kMaxSize));
    }
    shape.push_back(size.get<int>());
  }
  std::vector<Node> nodes;
  for (const json& node : field(given, "nodes", json::value_t::array, "a list", "")) {
    const std::string of = fmt::format("nodes[{}].", nodes.size());
    if (!node.is_object()) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: {} is no object", where, of.substr(0, of.size() - 1)));
    }
    const std::string name = text(node, "name", of);
    const auto attributes = node.find("attributes");
    nodes.push_back({name,
                     make_operation(text(node, "kind", of),
                                    attributes == node.end() ? json::object() : *attributes,
                                    fmt::format("{}: node {}", where, name)),
                     texts(node, "inputs", of)});
  }
  try {
    Network network(text(given, "name", ""), shape, std::move(nodes), text(given, "output", ""));
    if (given.contains("class_names")) network.class_names = texts(given, "class_names", "");
    return network;
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("{}: {}", where, error.what()));
  }
}

}  // namespace lutra::graph
