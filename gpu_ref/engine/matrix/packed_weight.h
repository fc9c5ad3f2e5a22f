#ifndef LUTRA_ENGINE_MATRIX_PACKED_WEIGHT_H_
#define LUTRA_ENGINE_MATRIX_PACKED_WEIGHT_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "matrix/matrix_product.h"

namespace lutra::engine {

/// The second matrix of a factorised product, as features, in the order in which a kernel reads it.
template <typename Feature>
class PackedWeight {
 public:
  PackedWeight() = default;
  /// @param size     features, a multiple of a register's
  /// @param outputs  the product's, rounded up to whole registers
  PackedWeight(int64_t size, int outputs)
      : storage_(static_cast<size_t>(size) * sizeof(Feature) + kLine),
        column_sums_(static_cast<size_t>(outputs), 0) {
    void* start = storage_.data();
    size_t space = storage_.size();
    panels_ = static_cast<Feature*>(
        std::align(kLine, static_cast<size_t>(size) * sizeof(Feature), start, space));
  }
  PackedWeight(PackedWeight&&) = default;
  PackedWeight& operator=(PackedWeight&&) = default;

  Feature* panels() { return panels_; }
  const Feature* panels() const { return panels_; }
  /// Adds up what the columns contribute to the outputs [begin, end).
  void add_columns(const MatrixProduct& m, int begin, int end) {
    const int terms = m.terms();
    for (int o = begin; o < end; ++o) {
      const int8_t* w = m.weight + int64_t{o} * terms;
      uint32_t sum = 0;
      for (int k = 0; k < terms; ++k) {
        sum += static_cast<uint32_t>(m.maps->column[static_cast<uint8_t>(w[k])]);
      }
      column_sums_[o] = static_cast<int32_t>(sum);
    }
  }
  /// [outputs] what the columns contribute.
  const int32_t* column_sums() const { return column_sums_.data(); }

 private:
  static constexpr size_t kLine = 64;
  std::vector<uint8_t> storage_;
  Feature* panels_ = nullptr;  // in storage_, aligned
  std::vector<int32_t> column_sums_;
};

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_MATRIX_PACKED_WEIGHT_H_
