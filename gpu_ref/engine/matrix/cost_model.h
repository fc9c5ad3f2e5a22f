#ifndef LUTRA_ENGINE_MATRIX_COST_MODEL_H_
#define LUTRA_ENGINE_MATRIX_COST_MODEL_H_

#include <functional>

#include "matrix/gemm_algorithm.h"
#include "matrix/matrix_product.h"

namespace lutra::engine {

/// What the algorithms for a matrix product cost on this machine, in nanoseconds, measured once a
/// process. It decides how a product is computed, never what comes out.
struct CostModel {
  double lookup = 0;         ///< a product looked up, in full tiles
  int lookup_rows = 1;       ///< of a tile: fewer rows cost as much
  int lookup_outputs = 1;    ///< of a tile: fewer outputs cost as much
  double lookup_setup = 0;   ///< making tables, as a number of rows
  double exact = 0;          ///< a product of two features
  bool shares_rows = false;  ///< elements that rows share are mapped once
  double row_feature = 0;    ///< mapping a first operand
  double row_segment = 0;    ///< copying a segment of a row
  double packing = 0;        ///< mapping and packing a second operand
  double reference = 0;      ///< a product of the scalar reference

  using Run = std::function<void(const MatrixProduct&)>;
  static CostModel measure(int lookup_rows, int lookup_outputs, const Run& lookup,
                           const Run& exact);

  GemmAlgorithm choose(const MatrixProduct& m) const;
};

/// The matrix product as the reference evaluates it: the fastest for a few rows.
void multiply_reference(const MatrixProduct& m, int64_t begin, int64_t end);

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_MATRIX_COST_MODEL_H_
