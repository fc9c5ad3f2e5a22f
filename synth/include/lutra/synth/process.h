#ifndef LUTRA_SYNTH_PROCESS_H_
#define LUTRA_SYNTH_PROCESS_H_

#include <filesystem>
#include <string>
#include <vector>

namespace lutra::synth {

/// Exit status and stdout and stderr together, in the order written.
struct ProcessResult {
  int status = 0;          ///< exit code, or 128 + the signal that ended the process
  bool timed_out = false;  ///< the time limit passed and the process was killed
  std::string output;
};

/// Runs `arguments[0]`, found on PATH, with these arguments in `directory`; no shell takes part,
/// and stdin is empty. It is killed after `limit_s` seconds. Throws Error(kMissingTool) naming
/// `package` if the program is not found.
ProcessResult run_process(const std::vector<std::string>& arguments,
                          const std::filesystem::path& directory, const std::string& package,
                          int limit_s = 3600);

/// The output of a command that says the same each time, such as `yosys -V`: run once for each
/// value of PATH. Throws as run_process() does.
std::string constant_output(const std::vector<std::string>& arguments, const std::string& package);

}  // namespace lutra::synth

#endif  // LUTRA_SYNTH_PROCESS_H_
