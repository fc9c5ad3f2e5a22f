#ifndef LUTRA_ENGINE_AVX512_ROW_LOOKUP_H_
#define LUTRA_ENGINE_AVX512_ROW_LOOKUP_H_

#include "matrix/matrix_product.h"

namespace lutra::engine {

/// Any table, looked up in registers (decision 0010): for a fixed second operand w the column
/// L(., w) is 256 products, as bytes eight registers, and `vpermi2b` finds 64 products at once.
/// Where a tile holds no negative element (pixels, ReLU), half of the column serves.
void look_up_rows(const MatrixProduct& m, int64_t begin, int64_t end);

/// The sums [begin, end) of images x classes, whose operands both change with the output: the first
/// is held, and 16 votes are looked up in its row.
void look_up_weighted_sums(const WeightedSumArgs& args, int64_t begin, int64_t end);

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_AVX512_ROW_LOOKUP_H_
