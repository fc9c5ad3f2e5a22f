#include "lutra/quantise/float_inference.h"

#include <algorithm>
#include <atomic>

#include "lutra/base/threads.h"
#include "lutra/data/dataset.h"
#include "lutra/graph/network.h"

namespace lutra::quantise {

FloatInference::FloatInference(const graph::Network& network, const graph::FloatWeights& weights)
    : network_(network) {
  graph::check_weights(network, weights);
  for (size_t n = 0; n < network.nodes().size(); ++n) {
    kernels_.push_back(network.nodes()[n].operation->float_kernel(network.place(n), weights));
  }
}

FloatTensors FloatInference::run(const uint8_t* image) const {
  FloatTensors tensors;
  std::vector<float>& input = tensors[graph::Network::kInput];
  input.resize(static_cast<size_t>(graph::elements_of(network_.input())));
  for (size_t i = 0; i < input.size(); ++i) input[i] = image[i] / 256.0f;
  for (size_t n = 0; n < kernels_.size(); ++n) {
    std::vector<const std::vector<float>*> inputs;
    for (const std::string& input_node : network_.nodes()[n].inputs) {
      inputs.push_back(&tensors.at(network_.tensor_of(input_node)));
    }
    kernels_[n]->run(inputs, &tensors);
  }
  return tensors;
}

double FloatInference::accuracy(const data::Dataset& data, int count) const {
  data::check_images(network_, data, 0, count);
  const std::string& result = network_.tensor_of(network_.output());
  std::atomic<int> right{0};
  base::parallel_for(count, 50, 0, [&](int begin, int end) {
    for (int i = begin; i < end; ++i) {
      if (run(data.image(i)).at(result)[0] == data.labels[i]) ++right;
    }
  });
  return static_cast<double>(right) / count;
}

}  // namespace lutra::quantise
