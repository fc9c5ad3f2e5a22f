#ifndef LUTRA_RUN_STORE_SLURM_H_
#define LUTRA_RUN_STORE_SLURM_H_

#include <filesystem>
#include <string>
#include <vector>

#include "lutra/run_store/run_store.h"

namespace lutra::studies {

/// Runs a command as a Slurm array of `shards` tasks, `COMMAND --shard I/N`, and waits for its end.
/// Partition, account, time limit and so on are Slurm's own variables (SBATCH_PARTITION, ...). Each
/// task's output goes to `directory`/slurm/JOB-TASK.log. A task whose node fails is queued again;
/// a task that fails is said, and its units are left for others to make.
/// @param command    without `--shard`; the program's own path is put in front
/// @param directory  of the study's output: all nodes must see it, and the working directory
/// @throws Error kUnavailable without sbatch, or where it takes no job
void run_on_slurm(const std::vector<std::string>& command, int shards,
                  const std::filesystem::path& directory, const RunStore::Progress& progress);

}  // namespace lutra::studies

#endif  // LUTRA_RUN_STORE_SLURM_H_
