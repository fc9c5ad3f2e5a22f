// lutra evaluate: accuracy of an int8 network under an assignment of components.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

#include "command.h"
#include "lutra/network/inference.h"
#include "lutra/studies/components.h"

namespace lutra::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  fs::path model = "models/capsnet-edge/int8";
  std::string data = "fashion-mnist";
  int images = 0;
  std::string coupling = "routed";
  AssignmentOptions assignment;
};

}  // namespace

Command add_evaluate(CLI::App* root) {
  CLI::App* app = root->add_subcommand("evaluate", "Accuracy with an assignment of multipliers");
  auto options = std::make_shared<Options>();
  app->add_option("--model", options->model, "Directory of the int8 network")
      ->capture_default_str();
  app->add_option("--data", options->data, "Data set")->capture_default_str();
  app->add_option("--images", options->images, "Test images; 0: all")
      ->check(CLI::NonNegativeNumber);
  app->add_option("--coupling", options->coupling, "routed, uniform or shuffled coefficients")
      ->check(CLI::IsMember({"routed", "uniform", "shuffled"}))
      ->capture_default_str();
  options->assignment.add_to(app);
  return {app, [options](const SharedOptions& shared, const fs::path&) {
            const auto quantised = network::load_quantised(options->model);
            const auto data = network::load_dataset(options->data, network::Split::kTest);
            studies::ComponentStore store(options->assignment.liberty, progress);
            const auto assignment =
                studies::assign(quantised.description, &store, options->assignment.multiplier,
                                options->assignment.operations, options->assignment.assign);
            const network::Inference inference(quantised, studies::tables(assignment));
            network::EvaluateOptions evaluate;
            evaluate.backend = shared.backend;
            evaluate.images = options->images;
            evaluate.jobs = shared.jobs;
            evaluate.seed = shared.seed;
            evaluate.progress = progress;
            evaluate.coupling = options->coupling == "uniform"    ? network::Coupling::kUniform
                                : options->coupling == "shuffled" ? network::Coupling::kShuffled
                                                                  : network::Coupling::kRouted;
            const auto r = network::evaluate(inference, data, evaluate);
            Outcome outcome;
            outcome.result = {{"model", options->model.string()},
                              {"data", data.name},
                              {"images", r.images},
                              {"accuracy", r.accuracy},
                              {"backend", r.backend},
                              {"coupling", options->coupling},
                              {"seconds", r.seconds},
                              {"assignment", studies::names(assignment)},
                              {"multipliers", studies::multipliers(assignment)}};
            outcome.text = fmt::format("accuracy {:.4f} on {} images, backend {}, {:.1f} s\n",
                                       r.accuracy, r.images, r.backend, r.seconds);
            return outcome;
          }};
}

void AssignmentOptions::add_to(CLI::App* app) {
  app->add_option("--multiplier", multiplier,
                  "Library multiplier, Verilog file or component directory")
      ->capture_default_str();
  app->add_option("--operations", operations,
                  "Operations that use it (default: all that run on the array)")
      ->delimiter(',');
  app->add_option("--assign", assign, "operation=multiplier; wins over --multiplier");
  app->add_option("--liberty", liberty, "Cell library (default: osu018)");
}

std::vector<std::string> AssignmentOptions::words() const {
  std::vector<std::string> words = {"--multiplier", multiplier};
  if (!operations.empty()) {
    words.insert(words.end(), {"--operations", fmt::format("{}", fmt::join(operations, ","))});
  }
  for (const std::string& a : assign) words.insert(words.end(), {"--assign", a});
  if (!liberty.empty()) words.insert(words.end(), {"--liberty", liberty.string()});
  return words;
}

}  // namespace lutra::cli
