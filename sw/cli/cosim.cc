// lutra cosim: the accelerator's RTL in SystemC against the engine, operation by operation.
#include "lutra/cosim/cosim.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <climits>
#include <memory>

#include "command.h"
#include "lutra/accelerator/program.h"
#include "lutra/data/dataset.h"
#include "lutra/models/model_files.h"
#include "lutra/studies/component_store.h"

namespace lutra::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  cosim::CosimOptions cosim;
  ModelOption model;
  AssignmentOptions assignment;
  int scratch_kib = accelerator::AcceleratorShape().scratch_bytes >> 10;
  std::vector<uint64_t> window;
};

void check_window(const Options& options) {
  const std::vector<uint64_t>& window = options.window;
  if (window.empty()) return;
  if (options.cosim.wave.empty()) {
    throw Error(ErrorKind::kInvalidArgument, "--wave-window: expected with --wave FILE");
  }
  if (window[0] > window[1]) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("--wave-window: first cycle {}, last cycle {}, expected first <= last",
                            window[0], window[1]));
  }
}

std::string mismatch_line(const nlohmann::json& m) {
  if (m.contains("what")) return m.at("what").get<std::string>();
  return fmt::format("image {}, {}, index {}: expected {}, got {}", m.at("image").get<int>(),
                     m.at("step").get<std::string>(), m.at("index").dump(),
                     m.at("expected").get<int>(), m.at("got").get<int>());
}

}  // namespace

Command add_cosim(CLI::App* root) {
  CLI::App* app = root->add_subcommand("cosim", "RTL in SystemC against the engine, bit for bit");
  auto options = std::make_shared<Options>();
  options->model.add_to(app);
  app->add_option("--data", options->cosim.data, "Data set")->capture_default_str();
  app->add_option("--first", options->cosim.first, "First test image")
      ->check(CLI::Range(0, INT_MAX));
  app->add_option("--images", options->cosim.images, "Test images")
      ->check(CLI::Range(1, INT_MAX))
      ->capture_default_str();
  app->add_option("--rows", options->cosim.accelerator.shape.rows, "Rows of the PE array")
      ->check(CLI::Range(1, 16))
      ->capture_default_str();
  app->add_option("--cols", options->cosim.accelerator.shape.cols, "Columns of the PE array")
      ->check(CLI::Range(1, 16))
      ->capture_default_str();
  app->add_option("--scratch-kib", options->scratch_kib, "KiB of scratchpad, a power of two")
      ->check(CLI::IsMember({1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}))
      ->capture_default_str();
  app->add_option("--acc-depth", options->cosim.accelerator.shape.acc_depth,
                  "Partial sums that a column's accumulator holds")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app->add_option("--fault-mask", options->cosim.accelerator.fault_mask,
                  "Bits that the hardware flips in lane 0 of its requantiser, to see it caught")
      ->check(CLI::Range(0, 255));
  app->add_option("--wave", options->cosim.wave, "FST file of a window of cycles");
  app->add_option("--wave-window", options->window, "First and last cycle of the wave file")
      ->expected(2)
      ->delimiter(',')
      ->check(CLI::Range(uint64_t{0}, uint64_t{1} << 40));
  app->add_option("--max-cycles", options->cosim.max_cycles,
                  "Cycles after which an image counts as hung")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 40))
      ->capture_default_str();
  app->add_option("--memory-latency-ns", options->cosim.memory_latency_ns,
                  "Time that the memory takes for a burst; a clock cycle is 10 ns")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str();
  app->add_flag("--memory-waits", options->cosim.memory_waits,
                "The memory waits in its call instead of annotating its latency");
  app->add_option("--reset-after", options->cosim.reset_after,
                  "Starts the first image, resets so many cycles later, starts it again")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 40));
  options->assignment.add_to(app);
  return {app, [options](const SharedOptions&, const fs::path&) {
            check_window(*options);
            options->cosim.model = options->model.directory().string();
            const auto quantised = models::load_quantised(options->cosim.model);
            // Before the multipliers are characterised, which takes its time.
            data::check_images(quantised.description,
                               data::load_dataset(options->cosim.data, data::Split::kTest),
                               options->cosim.first, options->cosim.images);
            studies::ComponentStore store(options->assignment.store());
            const auto components =
                studies::assign(quantised.description, &store, options->assignment.multiplier,
                                options->assignment.operations, options->assignment.assign);
            cosim::CosimOptions cosim = options->cosim;
            cosim.accelerator.progress = progress;
            if (options->window.size() == 2) {
              cosim.wave_first = options->window[0];
              cosim.wave_last = options->window[1];
            }
            cosim.accelerator.shape.scratch_bytes = options->scratch_kib << 10;
            cosim.rerun = cosim::rerun_command(cosim, options->assignment.words());
            Outcome outcome("lutra-cosim-1");
            outcome.result = cosim::run_cosim(components, cosim);
            outcome.result["assignment"] = studies::names(components);
            outcome.result["multipliers"] = studies::multipliers(components);
            const nlohmann::json& r = outcome.result;
            const bool match = r.at("verdict") == "match";
            outcome.text = fmt::format(
                "{}: {} elements compared over {} images, {} differ; {} cycles, {} "
                "multiply-accumulates, {:.1f} s (accelerator built in {:.1f} s)\n",
                match ? "match" : "MISMATCH", r.at("checked").get<int64_t>(),
                r.at("images").get<int>(), r.at("mismatches").get<int64_t>(),
                r.at("cycles").get<int64_t>(), r.at("macs").get<int64_t>(),
                r.at("seconds").get<double>(), r.at("build_seconds").get<double>());
            for (const auto& name : r.at("tables_for_rtl")) {
              outcome.text +=
                  fmt::format("  no RTL of {}: its table stood for it\n", name.get<std::string>());
            }
            if (!match) {
              for (const auto& m : r.at("first_mismatches")) {
                outcome.text += "  " + mismatch_line(m) + "\n";
              }
              outcome.text += "  rerun: " + r.at("rerun").get<std::string>() + "\n";
              outcome.code = ExitCode::kMismatch;
            }
            return outcome;
          }};
}

}  // namespace lutra::cli
