// lutra study: the whole street, one report.
#include <fmt/format.h>

#include <memory>

#include "command.h"
#include "lutra/numerics/files.h"
#include "lutra/report/report.h"
#include "lutra/studies/street.h"

namespace lutra::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  fs::path file;
  std::vector<std::string> set;
};

}  // namespace

Command add_study(CLI::App* root) {
  CLI::App* app = root->add_subcommand("study", "The whole street, one report");
  auto options = std::make_shared<Options>();
  app->add_option("file", options->file, "Study file (TOML)")->required();
  app->add_option("--set", options->set, "key=value over the file's, in TOML syntax");
  return {app, [options, app](const SharedOptions& shared, const fs::path& out) {
            std::vector<std::string> overrides = options->set;
            if (app->count("--seed")) overrides.push_back(fmt::format("seed={}", shared.seed));
            if (app->count("--jobs")) overrides.push_back(fmt::format("jobs={}", shared.jobs));
            if (app->count("--backend")) {
              overrides.push_back(fmt::format("backend=\"{}\"", shared.backend));
            }
            const studies::StreetConfig config = studies::read_street(options->file, overrides);
            report::chart_library();  // missing? say so before the work, not after it
            Outcome outcome;
            nlohmann::json& r = outcome.result;
            r = studies::run_street(config, out, progress);
            r["configuration"] = studies::to_json(config);
            r["seed"] = config.seed;
            r["versions"] = versions();
            const fs::path page = out / "report.html";
            numerics::write_file(page, report::study_page(r));
            r["report"] = page.string();
            outcome.text =
                fmt::format("{:<28}{:>10}{:>12}{:>12}{:>12}  {}\n", "assignment", "accuracy",
                            "energy uJ", "area um2", "delay ns", "co-simulation");
            for (size_t i = 0; i < r.at("rows").size(); ++i) {
              const auto& row = r.at("rows")[i];
              const std::string verdict =
                  row.at("cosim").is_null() ? "" : row.at("cosim").at("verdict").get<std::string>();
              outcome.text += fmt::format(
                  "{:<28}{:>9.2f}%{:>12.2f}{:>12.0f}{:>12.2f}  {}{}\n",
                  row.at("label").get<std::string>(), 100 * row.at("accuracy").get<double>(),
                  row.at("energy_per_inference_nj").get<double>() / 1000,
                  row.at("area_um2").get<double>(), row.at("delay_ns").get<double>(), verdict,
                  i == r.at("chosen").get<size_t>() ? "  <- chosen" : "");
              if (verdict == "mismatch") outcome.code = ExitCode::kMismatch;
            }
            outcome.text += fmt::format("report: {}\n", fs::absolute(page).string());
            return outcome;
          }};
}

}  // namespace lutra::cli
