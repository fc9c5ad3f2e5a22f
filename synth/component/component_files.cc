// The files of a component: component.json with its checksums, written and read back.

#include "component_files.h"

#include <fmt/format.h>

#include <limits>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/npy.h"
#include "lutra/base/sha256.h"
#include "lutra/component/component_tables.h"
#include "lutra/component/error_metrics.h"

namespace lutra::synth {
namespace {

using Json = nlohmann::json;

constexpr int kTableWidth = 8;  // wider operands have no table

OperandWidths widths_of(const Json& json) {
  return {json.at("width_a").get<int>(), json.at("width_b").get<int>()};
}

/// The files that component.json has checksums of.
std::vector<std::string> listed_files(const Json& json) {
  const OperandWidths widths = widths_of(json);
  const bool has_netlist = !json.contains("imported");
  std::vector<std::string> files;
  if (has_netlist) files = {"netlist.v", "netlist.json", "cells.lib", "cells.v"};
  if (has_table(widths)) files.push_back("lut.npy");
  if (!json.at("factorisation").is_null()) files.push_back("factors.npy");
  return files;
}

std::vector<std::int16_t> read_lut_file(const std::filesystem::path& path, OperandWidths widths,
                                        bool is_signed) {
  const std::size_t rows = std::size_t{1} << widths.a;
  const std::size_t columns = std::size_t{1} << widths.b;
  std::vector<std::size_t> shape;
  std::vector<std::int16_t> lut;
  if (is_signed) {
    auto array = base::load_npy<std::int16_t>(path);
    shape = array.shape;
    lut = std::move(array.values);
  } else {
    const auto array = base::load_npy<std::uint16_t>(path);
    shape = array.shape;
    lut.assign(array.values.begin(), array.values.end());
  }
  if (shape != std::vector<std::size_t>{rows, columns}) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: expected a table of {} x {} products",
                                                         path.string(), rows, columns));
  }
  return lut;
}

/// Of everything in component.json but itself.
std::string self_sha256(Json json) {
  json.erase("self_sha256");
  return base::sha256_hex(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

/// The source and what was measured on the netlist, from component.json.
void load_netlist_part(Component* component) {
  const Json& json = component->json;
  MultiplierSource& source = component->source;
  source.name = component->name;
  source.top = json.at("top").get<std::string>();
  source.widths = component->widths;
  source.signedness = component->is_signed ? Signedness::kSigned : Signedness::kUnsigned;
  source.ports = {json.at("ports").at("a").get<std::string>(),
                  json.at("ports").at("b").get<std::string>(),
                  json.at("ports").at("p").get<std::string>()};
  for (const auto& [name, value] : json.at("parameters").items()) {
    source.parameters.emplace_back(name, value.get<long>());
  }
  for (const auto& [name, value] : json.at("held").items()) {
    source.held.push_back({name, value.at("value").get<long>(), value.at("width").get<int>()});
  }
  for (const Json& file : json.at("sources")) {
    const std::filesystem::path path = component->directory / file.at("file").get<std::string>();
    if (base::sha256_hex(base::read_file(path)) != file.at("sha256").get<std::string>()) {
      throw Error(ErrorKind::kDataLoss, fmt::format("{}: truncated or changed", path.string()));
    }
    source.files.push_back(path);
  }
  for (const auto& [name, sha256] : json.at("memories").items()) {
    if (base::sha256_hex(base::read_file(component->directory / name)) !=
        sha256.get<std::string>()) {
      throw Error(ErrorKind::kDataLoss,
                  fmt::format("{}: truncated or changed", (component->directory / name).string()));
    }
  }
  source.mapped = json.at("mapped").get<bool>();
  source.latency = json.at("latency").get<int>();
  if (source.latency > 0) source.clock = json.at("clock").get<std::string>();
  // A netlist's Verilog is the one that every simulator reads rightly, with the cells in it.
  if (source.mapped) {
    source.files = {component->directory / "netlist.v", component->directory / "cells.v"};
  }
  component->liberty = json.at("liberty").get<std::string>();
  component->liberty_sha256 = json.at("liberty_sha256").get<std::string>();
  component->area_um2 = json.at("area_um2").get<double>();
  component->delay_ns = json.at("delay_ns").get<double>();
  component->leakage_nw = json.at("leakage_nw").get<double>();
  component->energy_per_op_fj = json.at("energy_per_op_fj").get<double>();
  component->activity = json.at("activity").get<std::string>();
}

}  // namespace

bool has_table(const OperandWidths& widths) { return widths.widest() <= kTableWidth; }

void write_component_json(Json json, const std::filesystem::path& directory) {
  json["files"] = Json::object();
  for (const std::string& name : listed_files(json)) {
    json["files"][name] = base::sha256_hex(base::read_file(directory / name));
  }
  json["self_sha256"] = self_sha256(json);
  base::write_file(directory / "component.json",
                   json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

Component load_component(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / "component.json";
  const auto fail = [&](const std::string& what) -> Error {
    return Error(ErrorKind::kInvalidArgument, fmt::format("{}: {}", path.string(), what));
  };
  Component component;
  component.directory = std::filesystem::absolute(directory);
  try {
    Json& json = component.json;
    json = Json::parse(base::read_file(path));
    const std::string schema = json.at("schema").get<std::string>();
    if (schema != kComponentSchema)
      throw fail(fmt::format("schema {}, expected {}", schema, kComponentSchema));
    component.content_sha256 = json.at("self_sha256").get<std::string>();
    if (component.content_sha256 != self_sha256(json)) {
      throw fail("truncated or changed: it is not what self_sha256 was taken of");
    }
    component.widths = widths_of(json);
    component.has_netlist = !json.contains("imported");
    for (const std::string& name : listed_files(json)) {
      const std::string found = base::sha256_hex(base::read_file(directory / name));
      const std::string expected = json.at("files").at(name).get<std::string>();
      if (found != expected) {
        throw Error(ErrorKind::kDataLoss,
                    fmt::format("{}: truncated or changed: SHA-256 is {}, expected {}",
                                (directory / name).string(), found, expected));
      }
    }
    component.name = json.at("name").get<std::string>();
    component.is_signed = json.at("signed").get<bool>();
    if (has_table(component.widths)) {
      component.lut_sha256 = json.at("lut_sha256").get<std::string>();
    }
    component.errors = error_metrics_from_json(json.at("errors"));
    if (component.has_netlist) {
      load_netlist_part(&component);
    } else {
      component.area_um2 = component.delay_ns = component.leakage_nw = component.energy_per_op_fj =
          std::numeric_limits<double>::quiet_NaN();
    }
  } catch (const Json::exception& error) {
    throw fail(fmt::format("truncated or not a component: {}", error.what()));
  }

  if (!has_table(component.widths)) return component;
  component.lut = read_lut_file(directory / "lut.npy", component.widths, component.is_signed);
  try {
    component.factorisation =
        read_factors(component.json.at("factorisation"), product_table(component), directory);
  } catch (const Json::exception& error) {
    throw fail(fmt::format("factorisation: {}", error.what()));
  }
  return component;
}

void need_check(const Component& component, bool allow_unchecked) {
  const Json& check = component.json.at("rtl_check");
  if (check.is_null()) return;  // a table
  const Json proof = component.json.value("proof", Json::object());
  const bool disproved = proof.value("result", "") == "different";
  const std::string result = check.at("result").get<std::string>();
  if (result == "different" || disproved) {
    const Json& by = disproved ? proof : check;
    throw Error(ErrorKind::kMismatch,
                fmt::format("{}: the netlist differs from the source: {}", component.name,
                            by.at("reason").get<std::string>()));
  }
  if (result == "equal" || allow_unchecked) return;
  throw Error(ErrorKind::kMismatch,
              fmt::format("{}: the netlist was not compared with the source: {} (--allow-unchecked "
                          "takes it as it is)",
                          component.name, check.at("reason").get<std::string>()));
}

void need_netlist(const Component& component, const std::string& what) {
  if (component.has_netlist) return;
  throw Error(ErrorKind::kInvalidArgument,
              fmt::format("{}: no {}: the component was imported from a table and has no netlist; "
                          "expected one made from Verilog",
                          component.name, what));
}

}  // namespace lutra::synth
