#include "lutra/component/component_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "lutra/base/error.h"
#include "lutra/base/npy.h"
#include "lutra/tables/table_files.h"

namespace lutra::synth {
namespace {

constexpr int kMostTerms = 16;
constexpr std::size_t kBytes = 256;
constexpr const char* kFactorsFile = "factors.npy";

/// Signed tensors hold no -2^(w-1).
tables::Operands operands_of(const tables::ProductTable& table) {
  return table.first().is_signed ? tables::Operands::kSymmetric : tables::Operands::kAll;
}

}  // namespace

tables::ProductTable product_table(const std::vector<std::int16_t>& lut, OperandWidths widths,
                                   bool is_signed) {
  std::vector<std::int32_t> products;
  products.reserve(lut.size());
  for (const std::int16_t value : lut) {
    products.push_back(is_signed ? value : static_cast<std::uint16_t>(value));
  }
  return {{widths.a, is_signed}, {widths.b, is_signed}, products};
}

tables::ProductTable product_table(const Component& component) {
  if (component.lut.empty()) {
    throw Error(ErrorKind::kUnimplemented,
                fmt::format("{}: no table: operands of {} bits, expected at most 8", component.name,
                            component.widths.text()));
  }
  return product_table(component.lut, component.widths, component.is_signed);
}

std::vector<std::string> table_lines(const std::string& name, const Component& component) {
  if (component.lut.empty()) return {};
  const nlohmann::json imported = component.json.value("imported", nlohmann::json());
  const std::string from = imported.is_null() ? "netlist in " + component.liberty
                                              : imported.at("format").get<std::string>();
  std::vector<std::string> lines{
      tables::describe(name, tables::examine(product_table(component), from))};
  const nlohmann::json& json = component.json;
  const std::string read = component.is_signed ? "signed" : "unsigned";
  const std::string core = json.value("core_signed_from", "");
  if (!core.empty()) {
    lines.push_back(fmt::format("{}: unsigned by {}, in a sign-magnitude shell", name,
                                core == "data" ? "its products" : "option"));
  } else if (json.at("signed_from") == "data" && imported.is_null()) {
    lines.push_back(fmt::format("{}: {} by its products: its ports do not say", name, read));
  }
  const nlohmann::json& check = json.at("rtl_check");
  if (!check.is_null()) lines.push_back(fmt::format("{}: {}", name, check_text(check)));
  for (const nlohmann::json& warning : json.at("warnings")) {
    lines.push_back(fmt::format("{}: warning: {}", name, warning.get<std::string>()));
  }
  if (!check.is_null() && check.at("result") == "equal" &&
      check.value("undefined_products", nlohmann::json()).is_number() &&
      check.at("undefined_products") != 0) {
    lines.push_back(fmt::format(
        "{}: warning: the source leaves {} product bits undefined, in {} of {} products: these "
        "bits "
        "are what synthesis made of them",
        name, check.at("undefined_bits").get<std::int64_t>(),
        check.at("undefined_products").get<std::int64_t>(), check.value("pairs", std::int64_t{0})));
  }
  return lines;
}

std::string check_text(const nlohmann::json& check) {
  const std::string result = check.at("result").get<std::string>();
  if (result == "different")
    return "DIFFERENT from its source: " + check.at("reason").get<std::string>();
  if (result != "equal")
    return "NOT CHECKED against its source: " + check.at("reason").get<std::string>();
  return fmt::format("equal to its source on {}{} operand pairs ({})",
                     check.at("exhaustive").get<bool>() ? "all " : "",
                     check.at("pairs").get<std::int64_t>(),
                     check.at("simulator").get<std::string>());
}

std::vector<std::int16_t> lut_of(const tables::ProductTable& table) {
  const auto byte = [](int pattern, const tables::OperandType& type) {
    const bool negative = pattern > type.highest();
    return static_cast<std::uint8_t>(negative ? pattern - (1 << type.width) : pattern);
  };
  std::vector<std::int16_t> lut;
  for (int a = 0; a < 1 << table.first().width; ++a) {
    for (int b = 0; b < 1 << table.second().width; ++b) {
      lut.push_back(
          static_cast<std::int16_t>(table(byte(a, table.first()), byte(b, table.second()))));
    }
  }
  return lut;
}

std::string table_bytes(const std::vector<std::int16_t>& lut) {
  std::string bytes;
  bytes.reserve(2 * lut.size());
  for (const std::int16_t value : lut) {
    bytes += static_cast<char>(value & 0xff);
    bytes += static_cast<char>(value >> 8 & 0xff);
  }
  return bytes;
}

nlohmann::json write_factors(const tables::ProductTable& table,
                             const std::filesystem::path& directory) {
  const tables::Operands operands = operands_of(table);
  const auto found = tables::factorise(table, kMostTerms, operands);
  if (!found) return nullptr;
  nlohmann::json scales = nlohmann::json::array();
  std::vector<std::int32_t> maps;
  const auto keep = [&maps](const tables::ByteMap& map) {
    maps.insert(maps.end(), map.begin(), map.end());
  };
  for (const tables::Term& term : found->terms) {
    scales.push_back(term.scale);
    keep(term.u);
    keep(term.v);
  }
  keep(found->row);
  keep(found->column);
  base::save_npy(directory / kFactorsFile, {maps.size() / kBytes, kBytes}, maps);
  nlohmann::json json = {{"terms", found->terms.size()},
                         {"operands", operands == tables::Operands::kAll ? "all" : "symmetric"},
                         {"scales", scales}};
  const auto all =
      operands == tables::Operands::kAll ? found : tables::factorise(table, kMostTerms);
  json["terms_all_operands"] = all ? nlohmann::json(all->terms.size()) : nlohmann::json();
  return json;
}

std::optional<tables::Factorisation> read_factors(const nlohmann::json& factorisation,
                                                  const tables::ProductTable& table,
                                                  const std::filesystem::path& directory) {
  if (factorisation.is_null()) return std::nullopt;
  const std::filesystem::path file = directory / kFactorsFile;
  const auto scales = factorisation.at("scales").get<std::vector<std::int32_t>>();
  const auto terms = factorisation.at("terms").get<std::size_t>();
  const auto maps = base::load_npy<std::int32_t>(file);
  if (terms != scales.size() || maps.shape != std::vector<std::size_t>{2 * terms + 2, kBytes}) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: not the maps of {} terms with {} scales", file.string(), terms,
                            scales.size()));
  }
  auto next = maps.values.begin();
  const auto take = [&next](tables::ByteMap* map) {
    std::copy_n(next, kBytes, map->begin());
    next += kBytes;
  };
  tables::Factorisation result;
  for (const std::int32_t scale : scales) {
    tables::Term& term = result.terms.emplace_back();
    term.scale = scale;
    take(&term.u);
    take(&term.v);
  }
  take(&result.row);
  take(&result.column);
  if (!tables::reconstructs(result, table, operands_of(table))) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: with the scales of component.json, not the products of lut.npy",
                            file.string()));
  }
  return result;
}

}  // namespace lutra::synth
