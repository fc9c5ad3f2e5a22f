#include "lutra/training/capsnet.h"
#include "lutra/graph/network.h"

namespace lutra::training {
namespace {

using graph::Classify;
using graph::Conv2d;
using graph::Layer;
using graph::Routing;
using graph::Squash;
using graph::Votes;

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

}  // namespace

CapsNetImpl::CapsNetImpl(const graph::Network& description) : description_(description) {
  using Kind = graph::Parameter::Kind;
  for (const auto& [name, parameter] : graph::parameters(description)) {
    const std::vector<int64_t> sizes(parameter.shape.begin(), parameter.shape.end());
    torch::Tensor value = torch::zeros(sizes);
    if (parameter.kind == Kind::kConvolution) {
      const auto fan_in = static_cast<double>(sizes[1] * sizes[2] * sizes[3]);
      value = torch::randn(sizes) * std::sqrt(2.0 / fan_in);
    } else if (parameter.kind == Kind::kVotes) {
      value = torch::randn(sizes) * 0.1;
    }
    // Module names must not contain dots.
    std::string key = name;
    key[key.find('.')] = '_';
    register_parameter(key, value);
  }
}

torch::Tensor CapsNetImpl::forward(torch::Tensor x) {
  const auto parameters = named_parameters();
  torch::Tensor capsules;
  for (const Layer& layer : description_.layers) {
    if (const auto* conv = std::get_if<Conv2d>(&layer)) {
      x = torch::conv2d(x, parameters[conv->name + "_weight"].permute({0, 3, 1, 2}),
                        parameters[conv->name + "_bias"], conv->stride, conv->padding);
      if (conv->relu) x = x.relu();
    } else if (const auto* squash_layer = std::get_if<Squash>(&layer)) {
      capsules = squash(x.permute({0, 2, 3, 1}).reshape({x.size(0), -1, squash_layer->dim}));
    } else if (const auto* votes = std::get_if<Votes>(&layer)) {
      const torch::Tensor weight =
          parameters[votes->name + "_weight"]
              .permute({0, 2, 1, 3})
              .reshape({votes->capsules, votes->in_dim, votes->classes * votes->out_dim});
      x = torch::bmm(capsules.transpose(0, 1), weight)
              .view({votes->capsules, -1, votes->classes, votes->out_dim});
    } else if (const auto* routing = std::get_if<Routing>(&layer)) {
      x = route(x, routing->iterations);
    }
  }
  return x;
}

graph::FloatWeights CapsNetImpl::weights() const {
  graph::FloatWeights result;
  for (const auto& item : named_parameters()) {
    std::string name = item.key();
    name[name.rfind('_')] = '.';
    const torch::Tensor value = item.value().detach().contiguous().cpu();
    graph::FloatTensor tensor;
    tensor.shape.assign(value.sizes().begin(), value.sizes().end());
    tensor.values.assign(value.data_ptr<float>(), value.data_ptr<float>() + value.numel());
    result[name] = std::move(tensor);
  }
  return result;
}

void CapsNetImpl::set_weights(const graph::FloatWeights& weights) {
  graph::check_weights(description_, weights);
  torch::NoGradGuard no_grad;
  for (auto& item : named_parameters()) {
    std::string name = item.key();
    name[name.rfind('_')] = '.';
    item.value().copy_(
        torch::from_blob(const_cast<float*>(weights.at(name).values.data()), item.value().sizes()));
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
