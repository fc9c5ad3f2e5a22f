#ifndef LUTRA_RUNTIME_EVALUATE_H_
#define LUTRA_RUNTIME_EVALUATE_H_

#include <functional>
#include <string>
#include <vector>

#include "lutra/data/dataset.h"
#include "lutra/runtime/inference.h"
#include "lutra/runtime/tensor_hook.h"

namespace lutra::runtime {

struct EvaluateOptions {
  std::string backend = "auto";
  int images = 0;                 ///< 0: all
  int jobs = 0;                   ///< threads; 0: all cores
  std::vector<TensorHook> hooks;  ///< shown every tensor, in this order
  std::function<void(const std::string&)> progress;
};

struct EvaluateResult {
  int images = 0;
  int right = 0;
  std::vector<char> is_right;  ///< by image
  double accuracy = 0;         ///< share of right classes
  double seconds = 0;
  std::string backend;
};

/// Accuracy on the first images of a data set.
EvaluateResult evaluate(const Inference& inference, const data::Dataset& data,
                        const EvaluateOptions& options);

}  // namespace lutra::runtime

#endif  // LUTRA_RUNTIME_EVALUATE_H_
