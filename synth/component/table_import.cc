// A table of products becomes a component without netlist.

#include <fmt/format.h>

#include <optional>

#include "component_cache.h"
#include "component_files.h"
#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/sha256.h"
#include "lutra/component/component.h"
#include "lutra/component/component_tables.h"
#include "lutra/component/error_metrics.h"
#include "lutra/tables/table_files.h"

namespace lutra::synth {
namespace {

using Json = nlohmann::json;

/// The errors of a table, and nothing that needs a netlist.
void build_table_component(const std::string& name, const std::filesystem::path& file,
                           const tables::LoadedTable& loaded, const tables::ProductTable& table,
                           bool sign_magnitude, const std::string& signed_from,
                           const std::string& key, const std::filesystem::path& directory) {
  const OperandWidths widths = {table.first().width, table.second().width};
  const bool is_signed = table.first().is_signed;
  const std::vector<std::int16_t> lut = lut_of(table);
  base::write_file(directory / "lut.npy", tables::npy_bytes(table));
  Json json;
  json["schema"] = kComponentSchema;
  json["cache_key"] = key;
  json["name"] = name;
  json["width_a"] = widths.a;
  json["width_b"] = widths.b;
  json["signed"] = is_signed;
  json["imported"] = {{"file", file.filename().string()},
                      {"sha256", loaded.file_sha256},
                      {"format", loaded.format},
                      {"sign_magnitude", sign_magnitude},
                      {"warnings", loaded.warnings}};
  json["lut_sha256"] = tables::table_sha256(table);
  json["factorisation"] = write_factors(table, directory);
  for (const char* figure : {"area_um2", "delay_ns", "leakage_nw", "energy_per_op_fj", "activity",
                             "liberty", "liberty_sha256"}) {
    json[figure] = nullptr;
  }
  json["errors"] = to_json(measure_errors(lut, is_signed, widths));
  json["signed_from"] = signed_from;
  json["warnings"] = loaded.warnings;
  json["rtl_check"] = nullptr;  // no source
  write_component_json(json, directory);
}

}  // namespace

Component import_table(const std::filesystem::path& file, Signedness signedness,
                       bool sign_magnitude, const CharacterizeOptions& options) {
  // A file that does not say how its operands are read can be read both ways, or, where products
  // lie outside the range of one, in the other only.
  const auto attempt = [&file](bool is_unsigned) -> std::optional<tables::LoadedTable> {
    try {
      return tables::read_table(file, is_unsigned);
    } catch (const Error&) {
      return std::nullopt;
    }
  };
  const std::optional<tables::LoadedTable> as_unsigned = attempt(true);
  const std::optional<tables::LoadedTable> as_signed = attempt(false);
  const bool ambiguous = as_unsigned && as_signed && !as_unsigned->table.first().is_signed &&
                         as_signed->table.first().is_signed;
  const bool less_unsigned = ambiguous && as_unsigned->statistics.mae < as_signed->statistics.mae;
  tables::LoadedTable loaded =
      signedness == Signedness::kUnsigned || less_unsigned || (!as_signed && as_unsigned)
          ? tables::read_table(file, signedness != Signedness::kSigned)
          : tables::read_table(file, false);
  const bool is_signed = loaded.table.first().is_signed;
  const std::string signed_from = ambiguous && signedness != Signedness::kFind ? "option" : "data";
  if (signed_from == "option") {
    const double mae = loaded.statistics.mae;
    const double other = (is_signed ? as_unsigned : as_signed)->statistics.mae;
    if (other < mae / 2) {
      loaded.warnings.push_back(fmt::format(
          "{}: read as {}, as the option says, the products have a mean error of {:.6g}, as {} "
          "one of {:.6g}",
          file.string(), is_signed ? "signed" : "unsigned", mae, is_signed ? "unsigned" : "signed",
          other));
    }
  }
  const tables::ProductTable table =
      sign_magnitude ? tables::sign_magnitude(loaded.table, file.string()) : loaded.table;
  const std::string name = file.stem().string();
  std::string warnings;
  for (const std::string& warning : loaded.warnings) warnings += warning + "\n";
  const std::string key = base::sha256_hex(
      fmt::format("{}\ntable {} {} {}\nname {}\nsigned {} from {} sign-magnitude {}\n{}",
                  kComponentSchema, loaded.file_sha256, loaded.format, file.filename().string(),
                  name, table.first().is_signed, signed_from, sign_magnitude, warnings));
  return cached_component(name, key, options, [&](const std::filesystem::path& directory) {
    build_table_component(name, file, loaded, table, sign_magnitude, signed_from, key, directory);
  });
}

bool is_table_file(const std::filesystem::path& file) { return tables::is_table_file(file); }

}  // namespace lutra::synth
