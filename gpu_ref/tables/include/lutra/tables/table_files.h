#ifndef LUTRA_TABLES_TABLE_FILES_H_
#define LUTRA_TABLES_TABLE_FILES_H_

#include <filesystem>
#include <string>
#include <vector>

#include "lutra/base/npy.h"
#include "lutra/tables/product_table.h"

/// Tables of products in the files of this and of other tools; docs/tables.md has their orders.
namespace lutra::tables {

/// A table against a * b, over all pairs of operands.
struct TableStatistics {
  double mae = 0;         ///< mean |error|
  int32_t wce = 0;        ///< largest |error|
  double ep = 0;          ///< share of products with an error
  double bias = 0;        ///< mean error, table less exact
  int zero_products = 0;  ///< pairs with an operand 0 whose product is not 0
};
TableStatistics statistics(const ProductTable& table);

struct LoadedTable {
  ProductTable table;
  std::string format;  ///< of the file: "raw uint16", "npy <i2", "C array int16_t", "text", ...
  std::string file_sha256;  ///< of the file's bytes; empty where there was none
  std::string sha256;       ///< table_sha256()
  TableStatistics statistics;
  std::vector<std::string> warnings;  ///< legal, but probably not what was meant; a line each
};

/// Reads a table of 2^w x 2^w products, w = 2..8, by the ending of its name:
/// `.npy` of int16 (signed), uint16 (unsigned), int32 or int64; `.h`, a C array (AdaPT, TransAxx);
/// `.txt` and `.csv`, numbers, lines `a b product` (ApproxTorch, ApproxFlow, AppMult), or a frame
/// with the operands at its edges (pandas), names of columns passed over; any other, raw
/// little-endian uint16 of 256 x 256 (TFApprox). Signed arrays that make sense only by value, or
/// plus 32768, are read so, and `format` says it.
/// @param is_unsigned  what a file that does not say it holds
/// @throws Error kInvalidArgument with the file, the place, what was found and what is allowed
LoadedTable read_table(const std::filesystem::path& path, bool is_unsigned = false);

/// What read_table() says of a table, for one that comes from elsewhere.
/// @param format  where from, for describe()
LoadedTable examine(ProductTable table, const std::string& format);

/// Whether read_table() knows the name's ending: `.npy`, `.bin`, `.h`, `.txt`, `.csv`.
bool is_table_file(const std::filesystem::path& path);

/// One line to print: which table is in effect, its checksum and its errors.
std::string describe(const std::string& name, const LoadedTable& loaded);

/// The signed table that the sign-magnitude shell makes of an unsigned one of equal widths.
/// @throws Error kInvalidArgument that begins with `where` on a signed one
ProductTable sign_magnitude(const ProductTable& table, const std::string& where);

/// Products as 16-bit patterns, little-endian, by the operands' bit patterns, first operand outer:
/// the raw format, and what a table's checksum is taken of.
std::string raw_bytes(const ProductTable& table);
std::string table_sha256(const ProductTable& table);

/// The bytes of a `.npy` file, [2^w][2^w] by bit patterns: int16 or, of unsigned products, uint16.
std::string npy_bytes(const ProductTable& table);
/// The same as int32, as torch-approx takes it.
std::string npy_int32_bytes(const ProductTable& table);

/// A C header with one constant array by bit patterns, as AdaPT includes it.
/// @param name   of the multiplier, for the comment
/// @param array  a C identifier
std::string c_header(const ProductTable& table, const std::string& name, const std::string& array);

enum class Order {
  kPattern,  ///< operands by bit pattern: 0, 1, .., 127, -128, .., -1
  kValue,    ///< operands by value: -128, .., 127
};

/// One line of numbers for each first operand.
std::string text_table(const ProductTable& table, Order order);

/// A line `a b product` for each pair by value, under the title that AppMult looks for.
std::string triple_table(const ProductTable& table);

}  // namespace lutra::tables

#endif  // LUTRA_TABLES_TABLE_FILES_H_
