#ifndef LUTRA_TABLES_FACTORISATION_H_
#define LUTRA_TABLES_FACTORISATION_H_

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "lutra/tables/product_table.h"

namespace lutra::tables {

/// A value for each byte.
using ByteMap = std::array<int32_t, 256>;

/// One exact matrix product of a factorised one: scale * u(a) * v(b).
struct Term {
  int32_t scale = 1;
  ByteMap u{};  ///< by the first operand's byte, values in [-128, 255], at most 255 apart
  ByteMap v{};  ///< by the second operand's byte, values in [-128, 127]
};

/// A table as integers that reconstruct every product:
/// L(a, b) = sum over terms of scale u(a) v(b) + row(a) + column(b).
/// Each term costs one int8 matrix product; row and column cost none. Bytes that are no operand map
/// to 0.
struct Factorisation {
  std::vector<Term> terms;
  ByteMap row{};
  ByteMap column{};
};

/// Whose products a factorisation gives.
enum class Operands {
  kAll,
  kSymmetric,  ///< without the lowest of signed operands: -127..127 at 8 bits, as tensors hold
};

/// Whether the factorisation gives every product of the table and its maps keep their ranges.
bool reconstructs(const Factorisation& factorisation, const ProductTable& table,
                  Operands operands = Operands::kAll);

/// The exact factorisation of a table with the fewest terms that was found, checked by
/// reconstruction over all pairs; none if more than `most_terms` would be needed. Deterministic;
/// integers throughout.
///
/// No factorisation has fewer terms than the rank of L(a, b) - L(a, 0) - L(0, b) + L(0, 0); as many
/// are found wherever that lattice has a basis whose maps fit bytes.
std::optional<Factorisation> factorise(const ProductTable& table, int most_terms = 16,
                                       Operands operands = Operands::kAll);

}  // namespace lutra::tables

#endif  // LUTRA_TABLES_FACTORISATION_H_
