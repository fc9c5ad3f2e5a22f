#ifndef LUTRA_GRAPH_KINDS_CAPSULES_H_
#define LUTRA_GRAPH_KINDS_CAPSULES_H_

#include <cmath>
#include <vector>

namespace lutra::graph {

/// Capsules have at most this many elements, and there are at most this many classes
/// (docs/numerics.md).
inline constexpr int kMaxCapsuleDim = 16;

/// v = s |s| / (1 + |s|^2) of each `dim` consecutive elements.
inline std::vector<float> squashed(const std::vector<float>& s, int dim) {
  std::vector<float> v(s.size());
  for (size_t at = 0; at < s.size(); at += static_cast<size_t>(dim)) {
    float squared = 0;
    for (int d = 0; d < dim; ++d) squared += s[at + d] * s[at + d];
    const float gain = std::sqrt(squared) / (1 + squared);
    for (int d = 0; d < dim; ++d) v[at + d] = s[at + d] * gain;
  }
  return v;
}

}  // namespace lutra::graph

#endif  // LUTRA_GRAPH_KINDS_CAPSULES_H_
