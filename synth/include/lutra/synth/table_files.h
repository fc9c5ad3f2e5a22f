#ifndef LUTRA_SYNTH_TABLE_FILES_H_
#define LUTRA_SYNTH_TABLE_FILES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "lutra/synth/component.h"

namespace lutra::synth {

/// A table as little-endian 16-bit words: what lut_sha256 is taken of.
std::string table_bytes(const std::vector<std::int16_t>& lut);

/// A component's table as other tools read it. Both index by operand bit patterns, first operand
/// outer, as Component::lut does.
/// Throws Error(kUnsupported) for a component without table.

/// Raw: 2^(2 width) little-endian uint16 bit patterns (the 256x256 tables of TFApprox).
std::string raw_table(const Component& component);

/// A C header: one constant array [2^width][2^width] of int16_t or, unsigned, uint16_t.
/// @param array  its name, a C identifier
std::string table_header(const Component& component, const std::string& array);

}  // namespace lutra::synth

#endif  // LUTRA_SYNTH_TABLE_FILES_H_
