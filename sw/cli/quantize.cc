// lutra quantize: float32 weights become an int8 network.
#include <fmt/format.h>

#include <memory>

#include "command.h"
#include "lutra/data/dataset.h"
#include "lutra/graph/network.h"
#include "lutra/models/built_in.h"
#include "lutra/models/model_files.h"
#include "lutra/quantise/float_inference.h"
#include "lutra/quantise/quantise.h"
#include "lutra/runtime/evaluate.h"
#include "lutra/runtime/inference.h"

namespace lutra::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  fs::path weights;
  std::string network;
  std::string data = "fashion-mnist";
  quantise::QuantiseOptions quantise;
};

}  // namespace

Command add_quantize(CLI::App* root) {
  CLI::App* app = root->add_subcommand("quantize", "Float weights -> int8 network");
  auto options = std::make_shared<Options>();
  app->add_option("weights", options->weights, "Directory of the float32 network")->required();
  app->add_option(
      "--network", options->network,
      "Built-in network that the weights are of, where the directory has no network.json");
  app->add_option("--data", options->data, "Data set to calibrate on")->capture_default_str();
  app->add_option("--calibration-images", options->quantise.calibration_images,
                  "Training images that the scales are chosen on")
      ->capture_default_str();
  return {
      app, [options](const SharedOptions& shared, const fs::path& out) {
        graph::FloatNetwork network;
        if (options->network.empty()) {
          network = models::load_float(options->weights);
        } else {
          network.description = models::network_by_name(options->network);
          network.weights = models::load_float_weights(network.description, options->weights);
        }
        const graph::Network& description = network.description;
        const graph::FloatWeights& weights = network.weights;
        const auto train_set = data::load_dataset(options->data, data::Split::kTrain);
        const auto test_set = data::load_dataset(options->data, data::Split::kTest);
        data::check_images(description, test_set, 0, test_set.size());
        const auto quantised =
            quantise::to_int8(description, weights, train_set, options->quantise);
        fs::create_directories(out / "int8");
        models::save_quantised(quantised, out / "int8");
        progress("float accuracy");
        const double real =
            quantise::FloatInference(description, weights).accuracy(test_set, test_set.size());
        runtime::EvaluateOptions evaluate;
        evaluate.backend = shared.backend;
        evaluate.jobs = shared.jobs;
        evaluate.progress = progress;
        const auto integer = runtime::evaluate(runtime::Inference(quantised), test_set, evaluate);
        Outcome outcome("lutra-quantize-1");
        outcome.result = {{"network", description.name()},
                          {"data", options->data},
                          {"data_sha256", test_set.sha256()},
                          {"calibration_data_sha256", train_set.sha256()},
                          {"calibration_images", options->quantise.calibration_images},
                          {"versions", own_versions()},
                          {"float_accuracy", real},
                          {"int8_accuracy", integer.accuracy},
                          {"images", integer.images},
                          {"fraction_lengths", quantised.fractions},
                          {"model", (out / "int8").string()}};
        outcome.text = fmt::format("float {:.4f}, int8 {:.4f} on {} images; network in {}\n", real,
                                   integer.accuracy, integer.images, (out / "int8").string());
        return outcome;
      }};
}

}  // namespace lutra::cli
