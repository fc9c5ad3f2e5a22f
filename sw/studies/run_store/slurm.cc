#include "lutra/run_store/slurm.h"

#include <fmt/format.h>

#include <regex>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/process.h"

namespace lutra::studies {

namespace fs = std::filesystem;

void run_on_slurm(const std::vector<std::string>& command, int shards, const fs::path& directory,
                  const RunStore::Progress& progress) {
  const fs::path sbatch = base::find_program("sbatch");
  if (sbatch.empty()) {
    throw Error(ErrorKind::kUnavailable,
                "sbatch: not found on PATH, expected from the package slurm-client");
  }
  const fs::path logs = fs::absolute(directory) / "slurm";
  fs::create_directories(logs);
  std::string line = "exec " + base::shell_quoted(fs::read_symlink("/proc/self/exe").string());
  for (const std::string& word : command) line += " " + base::shell_quoted(word);
  const fs::path script = logs / "task.sh";
  base::write_file(script, fmt::format("#!/bin/sh\n# A task of a Lutra study; written by `lutra "
                                       "--engine slurm`.\n{} --shard \"$SLURM_ARRAY_TASK_ID/{}\"\n",
                                       line, shards));
  progress(fmt::format("Slurm: an array of {} tasks, output in {}", shards, logs.string()));
  const base::ProcessResult result = base::run_process(
      {{sbatch.string(), "--wait", "--parsable", "--requeue", "--job-name=lutra",
        fmt::format("--array=1-{}", shards), "--chdir=" + fs::current_path().string(),
        "--output=" + (logs / "%A-%a.log").string(), script.string()},
       {},
       fs::current_path(),
       {}});
  // The job's number, and behind a semicolon its cluster; warnings may stand around it.
  static const std::regex kJob("(?:^|\n)([0-9]+)(?:;[^\n]*)?(?=\n|$)");
  std::smatch found;
  if (!std::regex_search(result.output, found, kJob)) {
    throw Error(ErrorKind::kUnavailable, fmt::format("sbatch takes no job: {}", result.output));
  }
  const std::string job = found[1];
  if (result.status == 0) {
    progress(fmt::format("Slurm: job {} is done", job));
  } else {
    progress(
        fmt::format("Slurm: a task of job {} failed ({}/{}-*.log); what it has not made is made "
                    "here",
                    job, logs.string(), job));
  }
}

}  // namespace lutra::studies
