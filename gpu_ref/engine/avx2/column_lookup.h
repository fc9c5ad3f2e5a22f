#ifndef LUTRA_ENGINE_AVX2_COLUMN_LOOKUP_H_
#define LUTRA_ENGINE_AVX2_COLUMN_LOOKUP_H_

#include "matrix/matrix_product.h"

namespace lutra::engine {

/// Any table: for each term k, the products of all 256 first operands with the weights of 16
/// outputs are laid side by side, 32 bytes an operand, so that one load finds 16 products. Few rows
/// are not worth these 8 kB.
void look_up_columns(const MatrixProduct& m, int64_t begin, int64_t end);

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_AVX2_COLUMN_LOOKUP_H_
