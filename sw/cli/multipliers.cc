// lutra multipliers: the library.
#include <fmt/format.h>

#include <memory>

#include "command.h"
#include "lutra/component/library.h"

namespace lutra::cli {

namespace {

Outcome list_families() {
  Outcome outcome("lutra-multipliers-1");
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
}

}  // namespace

Command add_multipliers(CLI::App* root) {
  struct Options {
    bool markdown = false;
    bool measured = false;
  };
  CLI::App* app =
      root->add_subcommand("multipliers", "The library of multipliers, with parameters");
  auto options = std::make_shared<Options>();
  app->add_flag("--markdown", options->markdown, "Print the page docs/multipliers-table.md");
  app->add_flag("--measured", options->measured,
                "Print the patterns that docs/multipliers-measured.md shows, one a line")
      ->excludes("--markdown");
  return {app,
          [options](const SharedOptions& shared, const std::filesystem::path&) {
            if (shared.json && (options->markdown || options->measured)) {
              throw Error(ErrorKind::kInvalidArgument,
                          fmt::format("{}: not with --json",
                                      options->markdown ? "--markdown" : "--measured"));
            }
            Outcome outcome = list_families();
            if (options->markdown) outcome.text = synth::families_page();
            if (options->measured) {
              outcome.text.clear();
              for (const synth::MultiplierFamily& family : synth::multiplier_families()) {
                for (const std::string& pattern : family.measured) outcome.text += pattern + "\n";
              }
            }
            return outcome;
          },
          /*only_prints=*/true};
}

}  // namespace lutra::cli
