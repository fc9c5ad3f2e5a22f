// lutra train: a network's weights in float32, with libtorch.
#include <fmt/format.h>

#include <memory>

#include "command.h"
#include "lutra/data/dataset.h"
#include "lutra/graph/network.h"
#include "lutra/models/built_in.h"
#include "lutra/models/model_files.h"
#include "lutra/training/module.h"
#include "output.h"

namespace lutra::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string network = "capsnet-edge";
  std::string data = "fashion-mnist";
  fs::path initial;
  bool test = false;
  training::TrainOptions train;
};

}  // namespace

Command add_train(CLI::App* root) {
  CLI::App* app = root->add_subcommand("train", "Train a network's weights (libtorch)");
  auto options = std::make_shared<Options>();
  app->add_option("network", options->network, "Name of the network")->capture_default_str();
  app->add_option("--data", options->data, "Data set")->capture_default_str();
  app->add_option("--epochs", options->train.epochs, "Passes over the training images")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  app->add_option("--batch", options->train.batch, "Images a step")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app->add_option("--learning-rate", options->train.learning_rate, "Adam's, at its peak")
      ->check(finite_number())
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app->add_option("--validation", options->train.validation,
                  "Images at the end of the training split that are only validated on")
      ->capture_default_str();
  app->add_option("--shift", options->train.shift,
                  "Images are shifted at random by up to so many pixels")
      ->check(CLI::Range(0, 8))
      ->capture_default_str();
  app->add_option("--initial", options->initial,
                  "Weights to start from (.npy), as an earlier run left them");
  app->add_flag("--restart", options->train.restart,
                "Do not go on from the checkpoint in --out, write over it");
  app->add_flag("--test", options->test, "Score the test split once, at the end");
  return {app, [options](const SharedOptions& shared, const fs::path& out) {
            const graph::Network description = models::network_by_name(options->network);
            const auto data = data::load_dataset(options->data, data::Split::kTrain);
            data::Dataset test_set;
            if (options->test) {  // what is wrong with it is said before the work
              test_set = data::load_dataset(options->data, data::Split::kTest);
              data::check_images(description, test_set, 0, test_set.size());
            }
            const training::Module& module = training::open_module();
            training::TrainOptions train = options->train;
            train.seed = shared.seed;
            train.threads = shared.jobs;
            train.checkpoint = out / "checkpoint.pt";
            if (!options->initial.empty()) {
              train.initial = models::load_float_weights(description, options->initial);
            }
            say_that_it_goes_on();
            const training::TrainResult trained = module.train(description, data, train, progress);
            fs::create_directories(out / "float");
            models::save_float({description, trained.weights}, out / "float");
            Outcome outcome("lutra-train-1");
            outcome.result = {{"network", description.name()},
                              {"data", data.name},
                              {"data_sha256", data.sha256()},
                              {"epochs", train.epochs},
                              {"batch", train.batch},
                              {"learning_rate", train.learning_rate},
                              {"validation_images", train.validation},
                              {"shift", train.shift},
                              {"initial", options->initial.string()},
                              {"validation_accuracy", trained.validation_accuracy},
                              {"log", trained.log},
                              {"weights", (out / "float").string()}};
            outcome.result["versions"] = own_versions();
            outcome.result["versions"]["libtorch"] = module.libtorch;
            outcome.text = fmt::format("validation accuracy {:.4f}, weights in {}\n",
                                       trained.validation_accuracy, (out / "float").string());
            if (options->test) {
              const double test =
                  module.float_accuracy(description, trained.weights, test_set, 0, test_set.size());
              outcome.result["test_accuracy"] = test;
              outcome.text += fmt::format("test accuracy {:.4f}\n", test);
            }
            return outcome;
          }};
}

}  // namespace lutra::cli
