#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "lutra/accelerator/program.h"
#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/npy.h"
#include "lutra/base/process.h"
#include "lutra/cosim/cosim.h"
#include "lutra/data/dataset.h"
#include "lutra/graph/assignment.h"
#include "lutra/graph/quantised_network.h"
#include "lutra/models/model_files.h"
#include "lutra/runtime/inference.h"
#include "lutra/system/tool.h"

namespace lutra::cosim {
namespace {

namespace fs = std::filesystem;

/// Everything that can be wrong with a run, before the long work of a build.
void check(const graph::Assignment& assignment, const CosimOptions& options) {
  if (!options.wave.empty()) {
    const fs::path wave = fs::absolute(options.wave);
    if (!fs::is_directory(wave.parent_path())) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("wave file {}: its directory does not exist", options.wave));
    }
    if (fs::is_directory(wave) ||
        access((fs::exists(wave) ? wave : wave.parent_path()).c_str(), W_OK) != 0) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("wave file {}: cannot be written", options.wave));
    }
  }
  const graph::QuantisedNetwork network = models::load_quantised(options.model);
  data::check_images(network.description, data::load_dataset(options.data, data::Split::kTest),
                     options.first, options.images);
  runtime::Inference(network, assignment);  // the accumulators' bounds
  accelerator::compile(network, options.accelerator.shape, assignment, /*trace=*/true);
}

/// What the program may take: an image has a limit of cycles, so that time is a last resort only;
/// and a wave is as long as its window.
synth::ToolLimits program_limits(const CosimOptions& options) {
  synth::ToolLimits limits;
  limits.seconds = std::max(limits.seconds, 3600 + 60 * std::min(options.images, 1000000));
  limits.file_mib = std::max<size_t>(limits.file_mib, size_t{64} << 10);
  // A sanitiser's shadow memory is address space of many terabytes.
  if (std::string(LUTRA_COSIM_LINK_OPTIONS).size() > 0) limits.memory_mib = size_t{1} << 26;
  return limits;
}

}  // namespace

std::string rerun_command(const CosimOptions& options, const std::vector<std::string>& assignment) {
  const accelerator::AcceleratorShape& shape = options.accelerator.shape;
  std::vector<std::string> words = {"lutra",  "cosim",     "--model", options.model.string(),
                                    "--data", options.data};
  const auto add = [&](const char* option, auto value) {
    words.insert(words.end(), {option, std::to_string(value)});
  };
  add("--first", options.first);
  add("--images", options.images);
  add("--rows", shape.rows);
  add("--cols", shape.cols);
  add("--scratch-kib", shape.scratch_bytes >> 10);
  add("--acc-depth", shape.acc_depth);
  if (options.accelerator.fault_mask != 0) add("--fault-mask", options.accelerator.fault_mask);
  if (options.max_cycles != CosimOptions().max_cycles) add("--max-cycles", options.max_cycles);
  if (options.memory_latency_ns != CosimOptions().memory_latency_ns) {
    add("--memory-latency-ns", options.memory_latency_ns);
  }
  if (options.memory_waits) words.push_back("--memory-waits");
  if (options.reset_after != 0) add("--reset-after", options.reset_after);
  words.insert(words.end(), assignment.begin(), assignment.end());
  std::string line;
  for (const std::string& word : words)
    line += (line.empty() ? "" : " ") + base::shell_quoted(word);
  return line;
}

nlohmann::json run_cosim(const graph::Assignment& assignment, const CosimOptions& options) {
  check(assignment, options);
  for (const synth::Component* c : assignment.components()) {
    if (c->has_netlist || !options.accelerator.progress) continue;
    options.accelerator.progress(fmt::format(
        "{}: has no RTL, its table stands for it; the accelerator around it is compared", c->name));
  }
  const auto start = std::chrono::steady_clock::now();
  AcceleratorOptions accelerator = options.accelerator;
  accelerator.wave = !options.wave.empty();
  const fs::path program = build_accelerator(assignment.components(), accelerator);
  const double build_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  base::PrivateDirectory work(fs::temp_directory_path());
  const fs::path wave_file = work.path() / "wave.fst";  // the program may write here alone
  nlohmann::json components = nlohmann::json::array();
  for (const synth::Component* component : assignment.components()) {
    const fs::path path = work.path() / fmt::format("table{}.npy", components.size());
    base::save_npy<int16_t>(path, {256, 256}, component->lut);
    components.push_back({{"name", component->name}, {"table", path.string()}});
    // What its $readmemh reads, from the directory that the program runs in.
    const nlohmann::json memories = component->json.value("memories", nlohmann::json::object());
    for (const auto& [name, sha256] : memories.items()) {
      base::write_file(work.path() / name, base::read_file(component->directory / name));
    }
  }
  nlohmann::json sites = nlohmann::json::object();
  for (size_t site = 0; site < assignment.sites().size(); ++site) {
    sites[assignment.sites()[site].name()] = assignment.number(site);
  }
  const nlohmann::json job = {
      {"model", fs::absolute(options.model).string()},
      {"data", fs::is_directory(options.data) ? fs::absolute(options.data).string() : options.data},
      {"first", options.first},
      {"images", options.images},
      {"components", components},
      {"sites", sites},
      {"shape",
       {{"rows", accelerator.shape.rows},
        {"cols", accelerator.shape.cols},
        {"scratch_bytes", accelerator.shape.scratch_bytes},
        {"acc_depth", accelerator.shape.acc_depth}}},
      {"rerun", options.rerun},
      {"wave", options.wave.empty() ? "" : wave_file.string()},
      {"wave_window", {options.wave_first, options.wave_last}},
      {"max_cycles", options.max_cycles},
      {"memory_latency_ns", options.memory_latency_ns},
      {"memory_waits", options.memory_waits},
      {"reset_after", options.reset_after}};
  const fs::path job_file = work.path() / "job.json";
  const fs::path result_file = work.path() / "result.json";
  base::write_file(job_file, job.dump(2));
  const auto process = synth::run_tool({program.string(), job_file.string(), result_file.string()},
                                       work.path(), "lutra", program_limits(options));
  if (fs::exists(wave_file)) {
    std::error_code error;
    fs::copy_file(wave_file, options.wave, fs::copy_options::overwrite_existing, error);
    if (error) {
      throw Error(ErrorKind::kInvalidArgument, fmt::format("wave file {}: cannot be written: {}",
                                                           options.wave, error.message()));
    }
  }
  nlohmann::json result;
  if (fs::exists(result_file)) {
    result = nlohmann::json::parse(base::read_file(result_file), nullptr, false);
  }
  if (!result.is_object() || result.contains("error")) {
    const bool is_known = result.is_object();
    const std::string limit = process.limit();
    throw Error(is_known ? error_kind(result.value("error_kind", "")).value_or(ErrorKind::kInternal)
                : limit.empty() ? ErrorKind::kInternal
                                : ErrorKind::kExhausted,
                fmt::format("co-simulation ended with status {}{}:\n{}", process.status,
                            limit.empty() ? "" : ": it " + limit, process.output));
  }
  result["build_seconds"] = build_seconds;
  result["components"] = nlohmann::json::array();
  result["tables_for_rtl"] = nlohmann::json::array();
  for (const synth::Component* c : assignment.components()) {
    result["components"].push_back(c->name);
    if (!c->has_netlist) result["tables_for_rtl"].push_back(c->name);
  }
  return result;
}

}  // namespace lutra::cosim
