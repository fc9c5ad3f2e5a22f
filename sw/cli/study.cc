// lutra study: accuracy, energy and co-simulation of assignments, in one report.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "command.h"
#include "lutra/base/files.h"
#include "lutra/report/report.h"
#include "lutra/studies/study.h"
#include "output.h"

namespace lutra::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  fs::path file;
  std::vector<std::string> set;
  StudyOptions study;
};

}  // namespace

Command add_study(CLI::App* root) {
  CLI::App* app = root->add_subcommand(
      "study", "Accuracy, energy and co-simulation of assignments, in one report");
  auto options = std::make_shared<Options>();
  app->add_option("file", options->file, "Study file (TOML)")->required();
  app->add_option("--set", options->set, "key=value over the file's, in TOML syntax");
  options->study.add_to(app);
  const auto run = [options, app](const SharedOptions& shared, const fs::path& out) {
    std::vector<std::string> overrides = options->set;
    if (app->count("--seed")) overrides.push_back(fmt::format("seed={}", shared.seed));
    if (app->count("--jobs")) overrides.push_back(fmt::format("jobs={}", shared.jobs));
    if (app->count("--backend")) {
      overrides.push_back(fmt::format("backend=\"{}\"", shared.backend));
    }
    const studies::StudyConfig config = studies::read_study(options->file, overrides);
    report::chart_library();  // missing? say so before the work, not after it
    say_that_it_goes_on();
    Outcome outcome("lutra-study-1");
    nlohmann::json& r = outcome.result;
    studies::RunStore store = options->study.store(out);
    std::optional<nlohmann::json> made = studies::run_study(config, out, &store, progress);
    if (!made || options->study.output_use() != OutputUse::kOwn) {
      return options->study.progress_of(store);
    }
    r = std::move(*made);
    r["schema"] = outcome.schema;
    r["configuration"] = studies::to_json(config);
    r["seed"] = config.seed;
    r["versions"] = versions();
    const fs::path page = out / "report.html";
    base::write_file(page, report::page(r, made_by(shared)));
    r["report"] = page.string();
    const auto percent = [](const nlohmann::json& value) {
      return value.is_null() ? "unknown" : fmt::format("{:.1f}%", 100 * value.get<double>());
    };
    outcome.text = fmt::format(
        "savings against {}, the cheapest exact design at the operands of this run "
        "({:.2f} uJ for multiplying); 95 % intervals\n"
        "{:<36}{:>9}{:>18}{:>11}{:>12}{:>17}{:>11}  {}\n",
        r.at("baseline").at("name").get<std::string>(),
        r.at("baseline").at("multiply_energy_nj").get<double>() / 1000, "assignment", "accuracy",
        "", "energy uJ", "mult. saved", "", "all saved", "co-simulation");
    for (size_t i = 0; i < r.at("rows").size(); ++i) {
      const auto& row = r.at("rows")[i];
      const nlohmann::json& cosim = row.at("cosim");
      const std::string verdict =
          cosim.is_null()
              ? ""
              : fmt::format("{} ({} images{})", cosim.at("verdict").get<std::string>(),
                            cosim.value("images", 0),
                            cosim.at("tables_for_rtl").empty() ? "" : "; a table for RTL");
      const nlohmann::json& share = row.at("accuracy_interval");
      const nlohmann::json& saved = row.at("multiply_saving_interval");
      outcome.text += fmt::format(
          "{:<36}{:>8.2f}% {:>17}{:>11}{:>12}{:>17}{:>11}  {}{}\n",
          row.at("label").get<std::string>() +
              (row.at("is_exact_design").get<bool>() ? " (exact)" : ""),
          100 * row.at("accuracy").get<double>(),
          fmt::format("{:.2f}..{:.2f}%", 100 * share.at(0).get<double>(),
                      100 * share.at(1).get<double>()),
          row.at("energy_per_inference_nj").is_null()
              ? "unknown"
              : fmt::format("{:.2f}", row.at("energy_per_inference_nj").get<double>() / 1000),
          percent(row.at("multiply_saving")),
          saved.is_null() ? (row.at("multiply_saving").is_null() ? "no netlist" : "one image")
                          : fmt::format("{}..{}", percent(saved.at(0)), percent(saved.at(1))),
          percent(row.at("energy_saving")), verdict,
          i == r.at("chosen").get<size_t>() ? "  <- chosen" : "");
      if (!cosim.is_null() && cosim.at("verdict") == "mismatch") {
        outcome.code = ExitCode::kMismatch;
      }
    }
    outcome.text += fmt::format("report: {}\n", fs::absolute(page).string());
    return outcome;
  };
  return {app, run, false, [options] { return options->study.output_use(); },
          [options](const SharedOptions& shared, const fs::path& out) {
            options->study.prepare(shared, out);
          }};
}

}  // namespace lutra::cli
