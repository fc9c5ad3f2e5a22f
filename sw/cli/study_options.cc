// Options of the commands whose work is units: shards, Slurm, how far a run is.
#include <fmt/format.h>

#include "command.h"
#include "lutra/base/error.h"
#include "lutra/run_store/slurm.h"

namespace lutra::cli {

namespace fs = std::filesystem;

void StudyOptions::add_to(CLI::App* app) {
  app->add_option("--shard", shard, "Make only part I of N of the units: I/N");
  app->add_option("--engine", engine, "Where the units are made: here, or by a Slurm array")
      ->check(CLI::IsMember({"local", "slurm"}))
      ->capture_default_str();
  app->add_option("--shards", shards, "Tasks of the Slurm array")
      ->check(CLI::Range(1, 9999))
      ->capture_default_str();
  app->add_flag("--status", status, "Say which units are done, and make none");
}

OutputUse StudyOptions::output_use() const {
  if (status) return OutputUse::kNone;
  return shard.empty() ? OutputUse::kOwn : OutputUse::kShared;
}

void StudyOptions::prepare(const SharedOptions& shared, const fs::path& out) const {
  const auto refuse = [](const std::string& what) {
    throw Error(ErrorKind::kInvalidArgument, what);
  };
  if (!shard.empty()) studies::Shard::parse(shard);
  if (status && !shard.empty()) refuse("--status is of all shards, it takes no --shard");
  if (engine != "slurm") return;
  if (status) refuse("--status makes nothing, it takes no --engine slurm");
  if (!shard.empty()) refuse("--engine slurm makes the shards itself, it takes no --shard");
  std::vector<std::string> words;
  for (size_t i = 0; i < shared.words.size(); ++i) {
    const std::string& word = shared.words[i];
    if (word == "--json" || word.rfind("--engine=", 0) == 0 || word.rfind("--shards=", 0) == 0) {
      continue;
    }
    if (word == "--engine" || word == "--shards") {
      ++i;  // and its value
      continue;
    }
    words.push_back(word);
  }
  words.insert(words.end(), {"--engine", "local"});
  studies::run_on_slurm(words, shards, out, progress);
}

studies::RunStore StudyOptions::store(const fs::path& out) const {
  if (status) return studies::RunStore::only_status(out / "units", progress);
  return studies::RunStore(out / "units", progress,
                           shard.empty() ? studies::Shard() : studies::Shard::parse(shard));
}

Outcome StudyOptions::progress_of(const studies::RunStore& store) const {
  Outcome outcome("lutra-progress-1");
  outcome.result["stages"] = nlohmann::json::array();
  if (!shard.empty()) outcome.result["shard"] = shard;
  bool is_done = true;
  for (const studies::StageStatus& stage : store.stages()) {
    outcome.result["stages"].push_back({{"name", stage.name},
                                        {"units", stage.units},
                                        {"done", stage.done},
                                        {"made_by_this_run", stage.made},
                                        {"running", stage.running},
                                        {"damaged", stage.damaged}});
    outcome.text += fmt::format("{}: {} of {} units done", stage.name, stage.done, stage.units);
    if (stage.made > 0) outcome.text += fmt::format(", {} by this run", stage.made);
    if (stage.running > 0) outcome.text += fmt::format(", {} are being made", stage.running);
    if (stage.damaged > 0) outcome.text += fmt::format(", {} damaged", stage.damaged);
    outcome.text += "\n";
    is_done &= stage.done == stage.units;
  }
  outcome.result["done"] = is_done;
  outcome.text += is_done  ? "all units are done; the same command without --shard and --status "
                             "writes the result\n"
                  : status ? "further stages are known once these are done\n"
                           : "the same command without --shard makes what is missing, and writes "
                             "the result\n";
  return outcome;
}

}  // namespace lutra::cli
