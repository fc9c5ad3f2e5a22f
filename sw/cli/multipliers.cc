// lutra multipliers: the library.
#include <fmt/format.h>

#include "command.h"
#include "lutra/component/library.h"

namespace lutra::cli {

Command add_multipliers(CLI::App* root) {
  CLI::App* app =
      root->add_subcommand("multipliers", "The library of multipliers, with parameters");
  return {app,
          [](const SharedOptions&, const std::filesystem::path&) {
            Outcome outcome;
            outcome.result["multipliers"] = nlohmann::json::array();
            for (const synth::MultiplierFamily& family : synth::multiplier_families()) {
              nlohmann::json parameters = nlohmann::json::array();
              // Limits that depend on other parameters are those at the defaults.
              const synth::ParameterValues defaults = family.defaults(8);
              outcome.text += fmt::format("{:<14}{}\n", family.name, family.summary);
              outcome.text += fmt::format("              good for: {}\n", family.good_for);
              for (const synth::FamilyParameter& p : family.parameters) {
                parameters.push_back({{"name", p.name},
                                      {"default", p.default_value(8)},
                                      {"minimum", p.minimum(8, defaults)},
                                      {"maximum", p.maximum(8, defaults)}});
                outcome.text +=
                    fmt::format("              {} = {}..{} at width 8 (default {})\n", p.name,
                                p.minimum(8, defaults), p.maximum(8, defaults), p.default_value(8));
              }
              outcome.text += fmt::format("              {}\n", family.source);
              outcome.result["multipliers"].push_back(
                  {{"name", family.name},
                   {"summary", family.summary},
                   {"good_for", family.good_for},
                   {"source", family.source},
                   {"parameters_at_width_8", parameters},
                   {"widths", {family.minimum_width, family.maximum_width}}});
            }
            outcome.result["versions"] = own_versions();
            return outcome;
          },
          /*only_prints=*/true};
}

}  // namespace lutra::cli
