#ifndef LUTRA_GRAPH_NETWORK_H_
#define LUTRA_GRAPH_NETWORK_H_

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lutra/graph/operation.h"
#include "lutra/graph/tensor.h"

namespace lutra::graph {

struct Node {
  std::string name;
  std::shared_ptr<const Operation> operation;
  /// Names of the nodes whose outputs it takes, or Network::kInput.
  std::vector<std::string> inputs;
};

/// What a network is, without its weights: a graph of operations from one image to one output.
class Network {
 public:
  /// The name of the image's tensor, and what nodes that take it call it.
  static constexpr const char* kInput = "input";

  Network() = default;
  /// Checks the graph, and puts the nodes into an order in which they can run: that in which they
  /// are given, as far as they can.
  /// @param input   {height, width, channels} of an image
  /// @param output  the node whose output is the result
  /// @throws Error kInvalidArgument that names the network and the node: a name given twice or with
  ///         other characters than letters, digits, `_`, `-`, `.` and `/`; an input that is no
  ///         node; a cycle; a node whose result nothing uses; shapes that do not fit
  Network(std::string name, Shape input, std::vector<Node> nodes, std::string output);

  const std::string& name() const { return name_; }
  const Shape& input() const { return input_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  const std::string& output() const { return output_; }
  /// A node's place; index in nodes().
  const Place& place(size_t node) const { return places_[node]; }
  /// The tensor that a node, or kInput, leaves for others.
  const std::string& tensor_of(const std::string& node) const { return tensors_.at(node); }
  /// Class names where the network has them, else none.
  std::vector<std::string> class_names;

 private:
  void sort();
  void connect();

  std::string name_;
  Shape input_;
  std::vector<Node> nodes_;
  std::string output_;
  std::vector<Place> places_;
  std::map<std::string, std::string> tensors_;
};

/// A network with its weights.
struct FloatNetwork {
  Network description;
  FloatWeights weights;
};

/// Builds a network node by node.
class NetworkBuilder {
 public:
  NetworkBuilder(std::string name, Shape input)
      : name_(std::move(name)), input_(std::move(input)) {}

  /// Appends a node and returns its name. With no inputs: it takes the node before it.
  std::string add(const std::string& node, const std::string& kind,
                  const nlohmann::json& attributes, std::vector<std::string> inputs = {});
  /// The network whose result is the last node's.
  Network build() const;

 private:
  std::string name_;
  Shape input_;
  std::vector<Node> nodes_;
};

/// Each parameter that a network needs, by name ("conv1.weight").
std::map<std::string, Parameter> parameters(const Network& network);

/// @throws Error kInvalidArgument that names `where` and the element that is no finite number
void check_finite(const std::string& where, const std::vector<float>& values);

/// The whole network, as network.json has it.
nlohmann::json to_json(const Network& network);
/// @param where  for messages: the file
/// @throws Error kInvalidArgument as Network does, and for missing, unknown and wrong fields
Network network_from_json(const nlohmann::json& json, const std::string& where);

/// @throws Error kInvalidArgument unless `weights` are the parameters of `network`, in its shapes,
/// and all of them finite; names the parameter, and the element where one is at fault
void check_weights(const Network& network, const FloatWeights& weights);

}  // namespace lutra::graph

#endif  // LUTRA_GRAPH_NETWORK_H_
