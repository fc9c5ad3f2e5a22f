#ifndef LUTRA_COMPONENT_COMPONENT_TABLES_H_
#define LUTRA_COMPONENT_COMPONENT_TABLES_H_

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lutra/component/component.h"
#include "lutra/tables/factorisation.h"
#include "lutra/tables/product_table.h"

namespace lutra::synth {

/// A component's table, for the files of lutra/tables/table_files.h and for engines.
/// Throws Error(kUnimplemented) for a component without table.
tables::ProductTable product_table(const Component& component);

/// A table that is as Component::lut is.
tables::ProductTable product_table(const std::vector<std::int16_t>& lut, OperandWidths widths,
                                   bool is_signed);

/// Lines to print: which table is in effect, its checksum and its errors (tables::describe()), how
/// its operands are read and how it was checked, then warnings. None for a component without table.
/// @param name  what the user calls it
std::vector<std::string> table_lines(const std::string& name, const Component& component);

/// `rtl_check` of a component in words.
std::string check_text(const nlohmann::json& check);

/// A table as Component::lut is.
std::vector<std::int16_t> lut_of(const tables::ProductTable& table);

/// A table as little-endian 16-bit words: what lut_sha256 is taken of.
std::string table_bytes(const std::vector<std::int16_t>& lut);

/// Factorises a table for operands as tensors hold them, and puts the maps into `factors.npy` of
/// the directory: int32 [2 terms + 2][256], u and v of each term, then row and column.
/// @return  `factorisation` of component.json; null, and no file, above 16 terms
nlohmann::json write_factors(const tables::ProductTable& table,
                             const std::filesystem::path& directory);

/// What write_factors() wrote. Throws Error(kInvalidArgument) where it does not give the table's
/// products.
std::optional<tables::Factorisation> read_factors(const nlohmann::json& factorisation,
                                                  const tables::ProductTable& table,
                                                  const std::filesystem::path& directory);

}  // namespace lutra::synth

#endif  // LUTRA_COMPONENT_COMPONENT_TABLES_H_
