#ifndef LUTRA_COMPONENT_COMPONENT_FILES_H_
#define LUTRA_COMPONENT_COMPONENT_FILES_H_

#include <filesystem>
#include <nlohmann/json.hpp>

#include "lutra/component/component.h"

namespace lutra::synth {

/// Part of the cache key; raise it whenever the same inputs would give other bytes.
inline constexpr const char* kComponentSchema = "lutra-component-11";

/// Whether a component of these operands has a table: up to 8 bits.
bool has_table(const OperandWidths& widths);

/// Writes component.json with the checksums of the directory's other files and its own.
/// load_component() reads it.
void write_component_json(nlohmann::json json, const std::filesystem::path& directory);

}  // namespace lutra::synth

#endif  // LUTRA_COMPONENT_COMPONENT_FILES_H_
