// lutra quantize: float32 weights become an int8 network.
#include <fmt/format.h>

#include <memory>

#include "command.h"
#include "lutra/network/float_inference.h"
#include "lutra/network/inference.h"

namespace lutra::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  fs::path weights;
  std::string network = "capsnet-edge";
  std::string data = "fashion-mnist";
  network::QuantiseOptions quantise;
};

}  // namespace

Command add_quantize(CLI::App* root) {
  CLI::App* app = root->add_subcommand("quantize", "Float weights -> int8 network");
  auto options = std::make_shared<Options>();
  app->add_option("weights", options->weights, "Directory of the float32 weights (.npy)")
      ->required();
  app->add_option("--network", options->network, "Name of the network")->capture_default_str();
  app->add_option("--data", options->data, "Data set to calibrate on")->capture_default_str();
  app->add_option("--calibration-images", options->quantise.calibration_images,
                  "Training images that the scales are chosen on")
      ->capture_default_str();
  return {app, [options](const SharedOptions& shared, const fs::path& out) {
            const network::Network description = network::network_by_name(options->network);
            const auto weights = network::load_float_weights(description, options->weights);
            const auto train_set = network::load_dataset(options->data, network::Split::kTrain);
            const auto test_set = network::load_dataset(options->data, network::Split::kTest);
            network::check_images(description, test_set, 0, test_set.size());
            const auto quantised =
                network::quantise(description, weights, train_set, options->quantise);
            fs::create_directories(out / "int8");
            network::save_quantised(quantised, out / "int8");
            progress("float accuracy");
            const double real =
                network::FloatInference(description, weights).accuracy(test_set, test_set.size());
            network::EvaluateOptions evaluate;
            evaluate.backend = shared.backend;
            evaluate.jobs = shared.jobs;
            evaluate.progress = progress;
            const auto integer =
                network::evaluate(network::Inference(quantised, {}), test_set, evaluate);
            Outcome outcome;
            outcome.result = {{"network", description.name},
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
            outcome.text =
                fmt::format("float {:.4f}, int8 {:.4f} on {} images; network in {}\n", real,
                            integer.accuracy, integer.images, (out / "int8").string());
            return outcome;
          }};
}

}  // namespace lutra::cli
