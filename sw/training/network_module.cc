#include "lutra/training/network_module.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lutra/base/error.h"

namespace lutra::training {
namespace {

/// v = s |s| / (1 + |s|^2) over the last dimension; the epsilon keeps the root's gradient finite.
torch::Tensor squash(const torch::Tensor& s) {
  const torch::Tensor squared = s.square().sum(-1, /*keepdim=*/true);
  return s * (squared + 1e-9).sqrt() / (1 + squared);
}

/// Dynamic routing; gradients flow through the last iteration's sum only, as the coefficients of
/// the iterations before are treated as constants.
/// @param votes  [capsules, n, classes, dim]
/// @return       [n, classes, dim]
torch::Tensor route(const torch::Tensor& votes, int iterations) {
  const torch::Tensor constant = votes.detach();
  torch::Tensor logits = torch::zeros({votes.size(0), votes.size(1), votes.size(2), 1});
  torch::Tensor v;
  for (int iteration = 0; iteration < iterations; ++iteration) {
    const torch::Tensor coupling = logits.softmax(2);
    const bool last = iteration + 1 == iterations;
    v = squash((coupling * (last ? votes : constant)).sum(0));
    if (!last) logits = logits + (constant * v.unsqueeze(0)).sum(-1, /*keepdim=*/true);
  }
  return v;
}

/// What a node is computed from.
struct NodeRun {
  const nlohmann::json& attributes;
  std::vector<torch::Tensor> inputs;  ///< maps [n, channels, height, width], capsules [n, i, dim]
  /// The node's parameter "weight" or "bias".
  std::function<torch::Tensor(const char*)> parameter;
};

torch::Tensor conv2d(const NodeRun& node) {
  const auto list = [&node](const char* name) {
    return node.attributes.at(name).get<std::vector<int64_t>>();
  };
  const std::vector<int64_t> pads = list("pads");
  torch::Tensor in = node.inputs[0];
  std::vector<int64_t> padding = {pads[0], pads[1]};
  if (pads[0] != pads[2] || pads[1] != pads[3]) {
    in = torch::constant_pad_nd(in, {pads[1], pads[3], pads[0], pads[2]});
    padding = {0, 0};
  }
  const torch::Tensor out = torch::conv2d(
      in, node.parameter("weight").permute({0, 3, 1, 2}), node.parameter("bias"), list("strides"),
      padding, list("dilations"), node.attributes.at("groups").get<int64_t>());
  return node.attributes.at("activation") == "relu" ? out.relu() : out;
}

torch::Tensor squash_channels(const NodeRun& node) {
  const torch::Tensor& maps = node.inputs[0];
  return squash(maps.permute({0, 2, 3, 1})
                    .reshape({maps.size(0), -1, node.attributes.at("dim").get<int64_t>()}));
}

/// @return  [capsules, n, classes, dim]
torch::Tensor votes(const NodeRun& node) {
  const torch::Tensor weight = node.parameter("weight");  // [capsules, classes, in_dim, out_dim]
  const torch::Tensor by_capsule =
      weight.permute({0, 2, 1, 3})
          .reshape({weight.size(0), weight.size(2), weight.size(1) * weight.size(3)});
  return torch::bmm(node.inputs[0].transpose(0, 1), by_capsule)
      .view({weight.size(0), -1, weight.size(1), weight.size(3)});
}

torch::Tensor routing(const NodeRun& node) {
  return route(node.inputs[0], node.attributes.at("iterations").get<int>());
}

/// Training wants the capsules themselves.
torch::Tensor classify(const NodeRun& node) { return node.inputs[0]; }

using Forward = torch::Tensor (*)(const NodeRun& node);

Forward forward_of(const graph::Node& node) {
  static const std::map<std::string, Forward> kForward = {{"conv2d", conv2d},
                                                          {"squash", squash_channels},
                                                          {"votes", votes},
                                                          {"routing", routing},
                                                          {"classify", classify}};
  const auto found = kForward.find(node.operation->kind());
  if (found != kForward.end()) return found->second;
  throw Error(ErrorKind::kUnimplemented,
              fmt::format("node {}: {} cannot be trained", node.name, node.operation->kind()));
}

/// Names of libtorch's parameters hold no dots, and those of nodes no colons.
std::string key_of(std::string name) {
  std::replace(name.begin(), name.end(), '.', ':');
  return name;
}

}  // namespace

NetworkModuleImpl::NetworkModuleImpl(const graph::Network& description)
    : description_(description) {
  for (const graph::Node& node : description.nodes()) forward_of(node);
  for (const auto& [name, parameter] : graph::parameters(description)) {
    const std::vector<int64_t> sizes(parameter.shape.begin(), parameter.shape.end());
    torch::Tensor value = torch::zeros(sizes);
    if (parameter.initial_deviation > 0) value = torch::randn(sizes) * parameter.initial_deviation;
    parameters_[name] = register_parameter(key_of(name), value);
  }
}

torch::Tensor NetworkModuleImpl::forward(const torch::Tensor& images) {
  std::map<std::string, torch::Tensor> outputs = {{graph::Network::kInput, images}};
  for (const graph::Node& node : description_.nodes()) {
    const nlohmann::json attributes = node.operation->attributes();
    NodeRun run{
        attributes, {}, [&](const char* name) { return parameters_.at(node.name + "." + name); }};
    for (const std::string& input : node.inputs) run.inputs.push_back(outputs.at(input));
    outputs[node.name] = forward_of(node)(run);
  }
  return outputs.at(description_.output());
}

graph::FloatWeights NetworkModuleImpl::weights() const {
  graph::FloatWeights result;
  for (const auto& [name, parameter] : parameters_) {
    const torch::Tensor value = parameter.detach().contiguous().cpu();
    graph::FloatTensor tensor;
    tensor.shape.assign(value.sizes().begin(), value.sizes().end());
    tensor.values.assign(value.data_ptr<float>(), value.data_ptr<float>() + value.numel());
    result[name] = std::move(tensor);
  }
  return result;
}

void NetworkModuleImpl::set_weights(const graph::FloatWeights& weights) {
  graph::check_weights(description_, weights);
  torch::NoGradGuard no_grad;
  for (auto& [name, parameter] : parameters_) {
    parameter.copy_(
        torch::from_blob(const_cast<float*>(weights.at(name).values.data()), parameter.sizes()));
  }
}

torch::Tensor margin_loss(const torch::Tensor& capsules, const torch::Tensor& labels) {
  const torch::Tensor lengths = (capsules.square().sum(-1) + 1e-9).sqrt();
  const torch::Tensor target = torch::one_hot(labels, lengths.size(1)).to(torch::kFloat);
  const torch::Tensor loss = target * (0.9 - lengths).relu().square() +
                             0.5 * (1 - target) * (lengths - 0.1).relu().square();
  return loss.sum(1).mean();
}

}  // namespace lutra::training
