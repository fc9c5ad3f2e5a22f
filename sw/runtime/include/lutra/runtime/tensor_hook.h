#ifndef LUTRA_RUNTIME_TENSOR_HOOK_H_
#define LUTRA_RUNTIME_TENSOR_HOOK_H_

#include <cstdint>
#include <functional>
#include <string>

#include "lutra/graph/steps.h"

namespace lutra::runtime {

/// A tensor of a batch, as soon as it is written.
struct TensorView {
  const std::string& name;  ///< "conv1", "routing.coupling.2", "input"
  const graph::TensorInfo& info;
  const graph::Step* step;  ///< that wrote it; null: the input
  int first_image;          ///< number of the first image in the data set
  int images;
  int8_t* elements;  ///< [images][info.size()], in -127..127, and so they must stay
  bool is_class;     ///< a number of a class, and no element

  int8_t* image(int index) const { return elements + index * info.size(); }
};

/// Reads tensors of an inference, or changes them before the next step reads them. Several threads
/// call it at once, each on images of its own; what it does to an image must not depend on the
/// batch that the image comes in.
struct TensorHook {
  /// What it does, with all parameters: part of the key of whatever is kept of a run with it.
  std::string key;
  std::function<void(const TensorView&)> apply;
};

/// Applies to the tensors whose name matches `pattern` (`*`, `?`).
TensorHook on_tensors(const std::string& pattern, TensorHook hook);

/// Routing's coefficients become those of zero logits, in every iteration: a network whose accuracy
/// does not change does not really route.
TensorHook uniform_coupling();
/// Routing's coefficients are permuted over the input capsules, the same way for each class, by a
/// permutation of each image that the seed gives.
TensorHook shuffled_coupling(uint64_t seed);

/// Adds to each element a normal number, rounded, and saturates; not to the class.
/// @param mean, deviation  in units of the element's last place
TensorHook add_noise(double mean, double deviation, uint64_t seed);

/// Rounds each element towards zero to a multiple of 2^bits; not the class.
/// @param bits  0..7
TensorHook truncate(int bits);

}  // namespace lutra::runtime

#endif  // LUTRA_RUNTIME_TENSOR_HOOK_H_
