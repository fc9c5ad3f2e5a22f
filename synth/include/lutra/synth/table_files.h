#ifndef LUTRA_SYNTH_TABLE_FILES_H_
#define LUTRA_SYNTH_TABLE_FILES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "lutra/synth/component.h"
#include "lutra/tables/product_table.h"

namespace lutra::synth {

/// A component's table, for the files of lutra/tables/table_files.h and for engines.
/// Throws Error(kUnsupported) for a component without table.
tables::ProductTable product_table(const Component& component);

/// A table as Component::lut is. Its operands must be of the same type.
std::vector<std::int16_t> lut_of(const tables::ProductTable& table);

/// A table as little-endian 16-bit words: what lut_sha256 is taken of.
std::string table_bytes(const std::vector<std::int16_t>& lut);

}  // namespace lutra::synth

#endif  // LUTRA_SYNTH_TABLE_FILES_H_
