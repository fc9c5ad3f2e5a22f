#ifndef LUTRA_TRAINING_NETWORK_MODULE_H_
#define LUTRA_TRAINING_NETWORK_MODULE_H_

#include <torch/torch.h>

#include <map>
#include <string>

#include "lutra/graph/network.h"

namespace lutra::training {

/// A network as a libtorch module, in float32: node for node what the integer engine computes.
/// Parameters keep the layout of docs/networks.md.
class NetworkModuleImpl : public torch::nn::Module {
 public:
  /// @throws Error kUnimplemented for a kind of node that cannot be trained
  explicit NetworkModuleImpl(const graph::Network& description);

  /// @param images  [n, channels, height, width], p/256 for a pixel p
  /// @return        [n, classes, out_dim] class capsules, lengths below 1
  torch::Tensor forward(const torch::Tensor& images);

  graph::FloatWeights weights() const;
  /// @throws Error kInvalidArgument unless these are the network's parameters in its shapes, all
  /// finite
  void set_weights(const graph::FloatWeights& weights);

 private:
  graph::Network description_;
  std::map<std::string, torch::Tensor> parameters_;  ///< by name: "conv1.weight"
};
TORCH_MODULE(NetworkModule);

/// Margin loss of Sabour et al.: m+ = 0.9, m- = 0.1, lambda = 0.5, mean over the images.
/// @param capsules  [n, classes, dim]
/// @param labels    [n] int64
torch::Tensor margin_loss(const torch::Tensor& capsules, const torch::Tensor& labels);

}  // namespace lutra::training

#endif  // LUTRA_TRAINING_NETWORK_MODULE_H_
