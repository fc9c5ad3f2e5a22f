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
  ByteMap u{};  ///< by the first operand's byte, values in [-128, 255], at most 256 apart
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

/// Whether the factorisation gives every product of the table.
bool reconstructs(const Factorisation& factorisation, const ProductTable& table);

/// The exact factorisation of a table with the fewest terms that was found, checked by
/// reconstruction over all pairs; none if more than `most_terms` would be needed. Deterministic.
std::optional<Factorisation> factorise(const ProductTable& table, int most_terms = 16);

}  // namespace lutra::tables

#endif  // LUTRA_TABLES_FACTORISATION_H_
