#include "lutra/component/delay_sweep.h"

#include <fmt/format.h>

#include <algorithm>

#include "lutra/base/error.h"
#include "lutra/component/component_tables.h"
#include "lutra/component/energy_meter.h"
#include "lutra/netlist/liberty.h"
#include "lutra/synthesis/synthesis.h"

namespace lutra::synth {

nlohmann::json sweep_delay_targets(const Component& component, const LibertyFiles& liberty,
                                   const std::vector<double>& targets_ns, std::uint64_t seed,
                                   const std::filesystem::path& out_dir) {
  if (!component.has_netlist || component.source.mapped || component.source.latency > 0) {
    throw Error(ErrorKind::kUnimplemented,
                fmt::format("{}: cannot be mapped for other delays, expected the source of a "
                            "multiplier without registers",
                            component.name));
  }
  if (Liberty::shared(liberty)->sha256() != component.liberty_sha256) {
    throw Error(
        ErrorKind::kInvalidArgument,
        fmt::format("{}: not the library that {} was mapped to", liberty.text(), component.name));
  }
  const std::vector<OperandPair> activity =
      uniform_operands(kUniformOperations, seed, component.widths, component.is_signed);
  std::vector<OperandPair> compared = activity;
  if (!component.lut.empty()) {
    const tables::ProductTable table = product_table(component);
    compared.clear();
    for (int a = table.first().lowest(); a <= table.first().highest(); ++a) {
      for (int b = table.second().lowest(); b <= table.second().highest(); ++b) {
        compared.push_back({a, b});
      }
    }
  }
  const std::vector<std::int64_t> expected = EnergyMeter(component).products(compared);

  // Cells that the source instantiates stay the library's: their models are for simulators.
  std::vector<std::filesystem::path> files = component.source.files;
  files.erase(std::remove_if(files.begin(), files.end(),
                             [](const auto& file) { return file.filename() == kSourceCells; }),
              files.end());
  const VerilogSources sources = VerilogSources::read(files, component.source.top);

  nlohmann::json rows = nlohmann::json::array();
  const double slew_ns = component.json.at("assumptions").at("input_slew_ns");
  for (const TimedSynthesis& timed : synthesize_for_delays(sources, component.source.parameters,
                                                           liberty, targets_ns, slew_ns, out_dir)) {
    Component mapped = component;
    mapped.directory = timed.synthesis.directory;
    EnergyMeter meter(mapped);
    const std::vector<std::int64_t> products = meter.products(compared);
    for (std::size_t i = 0; i < compared.size(); ++i) {
      if (products[i] == expected[i]) continue;
      throw Error(ErrorKind::kMismatch,
                  fmt::format("{}: mapped for {:g} ns, {} * {} = {}, and {} in the component",
                              component.name, timed.target_ns, compared[i].a, compared[i].b,
                              products[i], expected[i]));
    }
    nlohmann::json row = energy_json(&meter, activity);
    row["target_ns"] = timed.target_ns;
    row["reached"] = timed.reached;
    row["mapping"] = timed.mapping;
    row["delay_ns"] = timed.delay_ns;
    row["area_um2"] = timed.synthesis.area_um2;
    row["compared_products"] = compared.size();
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace lutra::synth
