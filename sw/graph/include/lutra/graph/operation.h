#ifndef LUTRA_GRAPH_OPERATION_H_
#define LUTRA_GRAPH_OPERATION_H_

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lutra/graph/site.h"
#include "lutra/graph/tensor.h"

namespace lutra::graph {

class Lowering;

/// A node's place in a network.
struct Place {
  std::string node;           ///< its name
  std::vector<Shape> inputs;  ///< shapes of its inputs
  Shape output;               ///< shape of its output; empty where it is asked for
};

/// A node in float32 with its weights in place.
class FloatKernel {
 public:
  virtual ~FloatKernel() = default;
  /// Runs one image. Any number of threads may call it.
  /// @param inputs   in the node's order
  /// @param tensors  gets what the node writes, its output among it
  virtual void run(const std::vector<const std::vector<float>*>& inputs,
                   FloatTensors* tensors) const = 0;
};

/// What a node does: its kind, with the kind's attributes. A kind is one file of sw/graph/kinds and
/// one line of kinds.txt.
class Operation {
 public:
  virtual ~Operation() = default;

  virtual std::string kind() const = 0;
  /// All attributes, as make_operation() takes them.
  virtual nlohmann::json attributes() const = 0;
  /// How many tensors it takes; the largest int: any number from `least_inputs` on.
  virtual int least_inputs() const { return 1; }
  virtual int most_inputs() const { return 1; }

  /// The shape of its output.
  /// @throws Error kInvalidArgument that names the node, what was found and what is allowed
  virtual Shape output_shape(const Place& place) const = 0;
  /// The name of the tensor that it leaves for other nodes.
  virtual std::string output_name(const std::string& node) const { return node; }
  /// Trained parameters by the rest of their names, "weight" and "bias".
  virtual std::map<std::string, Parameter> parameters(const Place& /*place*/) const { return {}; }
  /// Where it multiplies, in the order in which the sites first run.
  virtual std::vector<Site> sites(const Place& /*place*/) const { return {}; }
  /// @param weights  the network's, checked
  virtual std::unique_ptr<FloatKernel> float_kernel(const Place& place,
                                                    const FloatWeights& weights) const = 0;
  /// Appends the steps of the integer inference.
  virtual void lower(const Place& place, Lowering* lowering) const = 0;
};

/// An operation of a kind; attributes that are left out have their defaults.
/// @param where  for messages: "node conv1"
/// @throws Error kInvalidArgument for an unknown kind or attribute, or a value of another type or
///         out of range, with what is allowed
std::shared_ptr<const Operation> make_operation(const std::string& kind,
                                                const nlohmann::json& attributes,
                                                const std::string& where);

/// Names of all kinds, in the order of kinds.txt.
std::vector<std::string> operation_kinds();

}  // namespace lutra::graph

#endif  // LUTRA_GRAPH_OPERATION_H_
