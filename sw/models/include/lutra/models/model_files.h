#ifndef LUTRA_MODELS_MODEL_FILES_H_
#define LUTRA_MODELS_MODEL_FILES_H_

#include <filesystem>

#include "lutra/graph/network.h"
#include "lutra/graph/quantised_network.h"

/// Networks on disk: docs/networks.md.
namespace lutra::models {

/// Writes network.json and one .npy a parameter (float32) into `directory`, which must exist.
void save_float(const graph::FloatNetwork& network, const std::filesystem::path& directory);

/// @throws Error kInvalidArgument for a missing, truncated or wrongly shaped file, or an element
/// that is not finite
graph::FloatNetwork load_float(const std::filesystem::path& directory);

/// Reads the parameters that `network` needs. Throws as load_float().
graph::FloatWeights load_float_weights(const graph::Network& network,
                                       const std::filesystem::path& directory);

/// Writes network.json and one .npy a tensor into `directory`, which must exist.
void save_quantised(const graph::QuantisedNetwork& network, const std::filesystem::path& directory);

/// @throws Error kInvalidArgument for a missing, truncated or wrongly shaped file, or a value of
/// -128
graph::QuantisedNetwork load_quantised(const std::filesystem::path& directory);

}  // namespace lutra::models

#endif  // LUTRA_MODELS_MODEL_FILES_H_
