// lutra evaluate: accuracy of an int8 network under an assignment of components.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>
#include <vector>

#include "command.h"
#include "lutra/data/dataset.h"
#include "lutra/graph/step_operations.h"
#include "lutra/models/model_files.h"
#include "lutra/runtime/evaluate.h"
#include "lutra/runtime/inference.h"
#include "lutra/runtime/tensor_hook.h"
#include "lutra/studies/component_store.h"
#include "lutra/studies/statistics.h"
#include "lutra/synthesis/verilog_sources.h"

namespace lutra::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  ModelOption model;
  std::string data = "fashion-mnist";
  int images = 0;
  std::string coupling = "routed";
  AssignmentOptions assignment;
};

/// @throws Error kInvalidArgument where there are no coefficients to change
void need_routing(const runtime::Inference& inference, const std::string& coupling) {
  const std::vector<graph::Step>& steps = inference.steps().steps;
  const bool routes = std::any_of(steps.begin(), steps.end(), [](const graph::Step& step) {
    return step.as<graph::SoftmaxStep>() != nullptr;
  });
  if (coupling == "routed" || routes) return;
  throw Error(ErrorKind::kInvalidArgument, fmt::format("--coupling {}: {} has no routing", coupling,
                                                       inference.network().description.name()));
}

}  // namespace

Command add_evaluate(CLI::App* root) {
  CLI::App* app = root->add_subcommand("evaluate", "Accuracy with an assignment of multipliers");
  auto options = std::make_shared<Options>();
  options->model.add_to(app);
  app->add_option("--data", options->data, "Data set")->capture_default_str();
  app->add_option("--images", options->images, "Test images; 0: all")
      ->check(CLI::NonNegativeNumber);
  app->add_option("--coupling", options->coupling, "routed, uniform or shuffled coefficients")
      ->check(CLI::IsMember({"routed", "uniform", "shuffled"}))
      ->capture_default_str();
  options->assignment.add_to(app);
  return {app, [options](const SharedOptions& shared, const fs::path&) {
            const fs::path model = options->model.directory();
            const auto quantised = models::load_quantised(model);
            const auto data = data::load_dataset(options->data, data::Split::kTest);
            // Before the multipliers are characterised, which takes its time.
            data::check_images(quantised.description, data, 0,
                               options->images == 0 ? data.size() : options->images);
            studies::ComponentStore store(options->assignment.store());
            const auto assignment =
                studies::assign(quantised.description, &store, options->assignment.multiplier,
                                options->assignment.operations, options->assignment.assign);
            const runtime::Inference inference(quantised, assignment);
            need_routing(inference, options->coupling);
            runtime::EvaluateOptions evaluate;
            evaluate.backend = shared.backend;
            evaluate.images = options->images;
            evaluate.jobs = shared.jobs;
            evaluate.progress = progress;
            if (options->coupling == "uniform") {
              evaluate.hooks = {runtime::uniform_coupling()};
            } else if (options->coupling == "shuffled") {
              evaluate.hooks = {runtime::shuffled_coupling(shared.seed)};
            }
            const auto r = runtime::evaluate(inference, data, evaluate);
            const studies::Interval share = studies::share_interval(r.right, r.images);
            // The same images with the exact multiplier: what changes is the multiplier's.
            std::vector<double> lost(static_cast<size_t>(r.images), 0.0);
            const bool approximate =
                std::any_of(assignment.components().begin(), assignment.components().end(),
                            [](const synth::Component* c) { return c->errors.wce != 0; });
            if (approximate) {
              const std::string own = studies::right_text(r);
              const std::string exact =
                  studies::right_with_exact(model, quantised, data, &store, evaluate);
              for (size_t i = 0; i < lost.size(); ++i) lost[i] = exact[i] - own[i];
            }
            const double loss =
                std::accumulate(lost.begin(), lost.end(), 0.0) / static_cast<double>(r.images);
            const std::optional<studies::Interval> of_loss = studies::mean_interval(lost);
            Outcome outcome("lutra-evaluate-1");
            outcome.result = {{"model", model.string()},
                              {"data", data.name},
                              {"data_sha256", data.sha256()},
                              {"images", r.images},
                              {"accuracy", r.accuracy},
                              {"accuracy_interval", {share.low, share.high}},
                              {"loss_against_exact", loss},
                              {"loss_interval", nullptr},
                              {"backend", r.backend},
                              {"coupling", options->coupling},
                              {"seconds", r.seconds},
                              {"assignment", studies::names(assignment)},
                              {"multipliers", studies::multipliers(assignment)}};
            outcome.text = fmt::format(
                "accuracy {:.4f} (95 % interval {:.4f}..{:.4f}) on {} images, backend {}, {:.1f} "
                "s\n",
                r.accuracy, share.low, share.high, r.images, r.backend, r.seconds);
            if (of_loss) {
              outcome.result["loss_interval"] = {of_loss->low, of_loss->high};
              if (approximate)
                outcome.text +=
                    fmt::format("loss against exact {:.4f} (95 % interval {:.4f}..{:.4f})\n", loss,
                                of_loss->low, of_loss->high);
            }
            return outcome;
          }};
}

void SourceOptions::add_to(CLI::App* app) {
  app->add_option("-I", include_directories, "Directory of Verilog's `include files")
      ->check(CLI::ExistingDirectory)
      ->allow_extra_args(false);
  app->add_option("-D", defines, "NAME or NAME=TEXT: a macro for Verilog")->allow_extra_args(false);
  app->add_flag("--trust-source", trusted,
                "Let Verilog use system tasks that open files or run programs, and paths outside "
                "its own folder");
  app->add_flag("--allow-unchecked", allow_unchecked,
                "Take a netlist that could not be compared with its source");
}

synth::VerilogReading SourceOptions::reading() const {
  synth::VerilogReading reading;
  reading.trusted = trusted;
  for (const fs::path& directory : include_directories) {
    reading.include_directories.push_back(fs::absolute(directory).lexically_normal());
  }
  reading.defines = synth::parse_defines(defines, "-D");
  return reading;
}

std::vector<std::string> SourceOptions::words() const {
  std::vector<std::string> words;
  for (const fs::path& directory : include_directories) {
    words.insert(words.end(), {"-I", directory.string()});
  }
  for (const std::string& text : defines) words.insert(words.end(), {"-D", text});
  if (trusted) words.push_back("--trust-source");
  if (allow_unchecked) words.push_back("--allow-unchecked");
  return words;
}

void AssignmentOptions::add_to(CLI::App* app) {
  app->add_option("--multiplier", multiplier,
                  "Library multiplier, Verilog file, table or component directory")
      ->capture_default_str();
  app->add_option("--operations", operations,
                  "Operations that use it (default: all that run on the array)")
      ->delimiter(',');
  app->add_option("--assign", assign, "operation=multiplier; wins over --multiplier");
  add_liberty_option(app, &liberty);
  source.add_to(app);
}

studies::ComponentStoreOptions AssignmentOptions::store() const {
  studies::ComponentStoreOptions store;
  store.liberty = liberty;
  store.reading = source.reading();
  store.allow_unchecked = source.allow_unchecked;
  store.progress = progress;
  return store;
}

void add_liberty_option(CLI::App* app, std::vector<std::string>* files) {
  app->add_option("--liberty", *files,
                  "Cell library (default: osu018); of several files: a.lib b.lib, or repeated")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("FILE...");
}

std::vector<std::string> with_liberty_repeated(const std::vector<std::string>& words) {
  const auto is_liberty = [](const std::string& word) {
    const auto ends_with = [&word](const std::string& end) {
      return word.size() > end.size() &&
             word.compare(word.size() - end.size(), end.size(), end) == 0;
    };
    return word[0] != '-' && (ends_with(".lib") || ends_with(".lib.gz") || ends_with(".liberty"));
  };
  std::vector<std::string> repeated;
  bool may_follow = false;  // the word before is a file of --liberty
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") {  // what follows are no options
      repeated.insert(repeated.end(), words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
      break;
    }
    if (may_follow && !word.empty() && is_liberty(word)) {
      repeated.insert(repeated.end(), {"--liberty", word});
      continue;
    }
    may_follow = word.rfind("--liberty=", 0) == 0;
    repeated.push_back(word);
    if (word == "--liberty" && i + 1 < words.size()) {
      repeated.push_back(words[++i]);
      may_follow = true;
    }
  }
  return repeated;
}

std::vector<std::string> AssignmentOptions::words() const {
  std::vector<std::string> words = {"--multiplier", multiplier};
  if (!operations.empty()) {
    words.insert(words.end(), {"--operations", fmt::format("{}", fmt::join(operations, ","))});
  }
  for (const std::string& a : assign) words.insert(words.end(), {"--assign", a});
  for (const std::string& file : liberty) words.insert(words.end(), {"--liberty", file});
  for (const std::string& word : source.words()) words.push_back(word);
  return words;
}

}  // namespace lutra::cli
