#ifndef LUTRA_GRAPH_QUANTISED_NETWORK_H_
#define LUTRA_GRAPH_QUANTISED_NETWORK_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lutra/graph/network.h"

namespace lutra::graph {

/// A network in int8 (docs/numerics.md): weights as elements, biases as int32 at the fraction
/// length of their accumulator, and a fraction length for every tensor.
struct QuantisedNetwork {
  Network description;
  std::map<std::string, std::vector<int8_t>> weights;  ///< "conv1.weight": layout as FloatWeights
  std::map<std::string, std::vector<int32_t>> biases;  ///< "conv1.bias"
  std::map<std::string, int> fractions;                ///< tensor or weight name -> fraction length
};

}  // namespace lutra::graph

#endif  // LUTRA_GRAPH_QUANTISED_NETWORK_H_
