#ifndef LUTRA_TESTS_SW_MODELS_RANDOM_NETWORK_H_
#define LUTRA_TESTS_SW_MODELS_RANDOM_NETWORK_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "lutra/component/component.h"
#include "lutra/graph/network.h"
#include "lutra/graph/quantised_network.h"
#include "lutra/models/built_in.h"

namespace lutra::test {

/// A CapsNet with random weights whose tensors neither vanish nor saturate throughout.
inline graph::QuantisedNetwork random_network(
    uint32_t seed, const graph::Network& description = models::capsnet_edge()) {
  graph::QuantisedNetwork network;
  network.description = description;
  std::mt19937 random(seed);
  for (const auto& [name, parameter] : graph::parameters(network.description)) {
    const std::vector<size_t>& shape = parameter.shape;
    size_t size = 1;
    for (size_t d : shape) size *= d;
    if (parameter.is_bias) {
      for (size_t i = 0; i < size; ++i) {
        network.biases[name].push_back(static_cast<int32_t>(random() % 4001) - 2000);
      }
    } else {
      // Sums grow with the root of the fan-in.
      const int spread = name != "primary.weight" ? 127 : shape.back() == 16 ? 20 : 5;
      for (size_t i = 0; i < size; ++i) {
        network.weights[name].push_back(
            static_cast<int8_t>(static_cast<int>(random() % (2 * spread + 1)) - spread));
      }
    }
  }
  network.fractions = {{"input", 7},
                       {"conv1.weight", 7},
                       {"conv1", 4},
                       {"primary.weight", 8},
                       {"primary", 3},
                       {"capsules", 7},
                       {"votes.weight", 7},
                       {"votes", 6},
                       {"routing.logits.0", 5},
                       {"routing.logits.1", 5},
                       {"routing.logits.2", 5}};
  for (int t = 1; t <= 3; ++t) {
    const std::string n = std::to_string(t);
    network.fractions["routing.coupling." + n] = 7;
    network.fractions["routing.sum." + n] = 5;
    network.fractions["routing.capsules." + n] = 7;
  }
  return network;
}

/// Products of all pairs, first operand outer.
using Table = std::vector<int16_t>;

/// a * b for all pairs.
inline Table exact_table() {
  const tables::ProductTable exact = tables::ProductTable::exact();
  Table table(65536);
  for (int i = 0; i < 65536; ++i) {
    table[i] = static_cast<int16_t>(exact(static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)));
  }
  return table;
}

/// A component that is these products alone.
inline synth::Component component_of(const Table& table, const std::string& name = "table") {
  synth::Component component;
  component.name = name;
  component.lut = table;
  return component;
}

/// One image of random elements 0..127.
inline std::vector<int8_t> random_image(uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<int8_t> image(28 * 28);
  for (int8_t& q : image) q = static_cast<int8_t>(random() % 128);
  return image;
}

}  // namespace lutra::test

#endif  // LUTRA_TESTS_SW_MODELS_RANDOM_NETWORK_H_
