#ifndef LUTRA_SYNTH_TABLE_FILES_H_
#define LUTRA_SYNTH_TABLE_FILES_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "lutra/synth/component.h"

namespace lutra::synth {

/// A table as little-endian 16-bit words: what lut_sha256 is taken of.
std::string table_bytes(const std::vector<std::int16_t>& lut);

// A component's table as other tools read it, indexed as Component::lut is. Both throw
// Error(kUnsupported) for a component without table.

/// Raw: 2^(2 width) little-endian uint16 bit patterns (the 256x256 tables of TFApprox).
std::string raw_table(const Component& component);

/// A C header: one constant array [2^width][2^width] of int16_t or, unsigned, uint16_t.
/// @param array  its name, a C identifier
std::string table_header(const Component& component, const std::string& array);

/// A multiplier's table from elsewhere.
struct ImportedTable {
  int width = 8;
  bool is_signed = true;
  std::vector<std::int16_t> lut;  ///< as Component::lut
  std::string format;             ///< of the file: "raw uint16", "npy <i2", ...
  std::string sha256;             ///< of the file
};

/// Reads a table: [first operand][second operand], both as bit patterns.
/// `.npy`: [2^w][2^w] of int16 (signed products), uint16 (unsigned) or int32 (as `is_unsigned`
/// says), w = 2..8. Any other name: raw, 65,536 little-endian uint16, products of 8-bit operands as
/// bit patterns, as TFApprox and raw_table() write them.
/// Throws Error(kUsage) that says what was found and what is expected: on a truncated file, another
/// shape or element type, a product that 2 w bits do not hold.
ImportedTable read_table(const std::filesystem::path& path, bool is_unsigned);

/// The signed table that mul_sign_magnitude makes of an unsigned one. Throws Error(kUsage) on a
/// signed one.
ImportedTable sign_magnitude_table(const ImportedTable& table, const std::string& where);

}  // namespace lutra::synth

#endif  // LUTRA_SYNTH_TABLE_FILES_H_
