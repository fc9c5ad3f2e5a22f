#ifndef LUTRA_GRAPH_KINDS_FLOAT_SUMS_H_
#define LUTRA_GRAPH_KINDS_FLOAT_SUMS_H_

#include <cstddef>
#include <vector>

namespace lutra::graph {

/// Sums of products of float32, many outputs at a time. Each sum is added up term by term within a
/// run of consecutive inputs, then run by run, in this order on every processor: the bits do not
/// depend on it.
class FloatSums {
 public:
  /// @param weights  [outputs][runs][terms]
  FloatSums(const float* weights, int outputs, int runs, int terms);

  int outputs() const { return outputs_; }

  /// @param windows  [count] where each one's runs begin
  /// @param offsets  [runs] of each run, from there
  /// @param to       [count], where each one's outputs go
  void run(const std::vector<const float*>& windows, const std::vector<ptrdiff_t>& offsets,
           const std::vector<float*>& to) const;

 private:
  int outputs_, runs_, terms_;
  std::vector<float> panels_;  // [panel][run][term][outputs of a panel]
};

}  // namespace lutra::graph

#endif  // LUTRA_GRAPH_KINDS_FLOAT_SUMS_H_
