#ifndef LUTRA_SYNTH_PROCESS_H_
#define LUTRA_SYNTH_PROCESS_H_

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace lutra::synth {

/// What a program may take. LUTRA_TOOL_SECONDS and LUTRA_TOOL_MEMORY_MIB replace the defaults.
struct ProcessLimits {
  ProcessLimits();
  ProcessLimits(int limit_s) : ProcessLimits() { seconds = limit_s; }  // NOLINT: a plain time limit
  int seconds = 0;                       ///< of wall clock; default 900
  std::size_t memory_mib = 0;            ///< address space of each process; default 2048
  std::size_t output_bytes = 16u << 20;  ///< stdout and stderr together
  std::size_t file_mib = 1024;           ///< of one written file
};

/// Exit status and stdout and stderr together, in the order written.
struct ProcessResult {
  int status = 0;           ///< exit code, or 128 + the signal that ended the process
  bool timed_out = false;   ///< the time limit passed and the process was killed
  bool output_cut = false;  ///< it printed more than the limit and was killed
  std::string output;

  /// Why the program was ended from outside ("took longer than 900 s", ...); empty if it was not.
  std::string limit() const;
  ProcessLimits limits;
};

/// Runs `arguments[0]`, found on PATH, with these arguments in `directory`; no shell takes part,
/// and stdin is empty. The program and all that it started end at a limit.
///
/// It is confined, because it may run text of a stranger: HOME and TMPDIR are private to it; and
/// where bubblewrap works (sandbox()), it has no network, sees no process but its own, and writes
/// into `directory` and its private directory only. Throws Error(kMissingTool) naming `package` if
/// the program is not found.
ProcessResult run_process(const std::vector<std::string>& arguments,
                          const std::filesystem::path& directory, const std::string& package,
                          const ProcessLimits& limits = {});

/// The output of a command that says the same each time, such as `yosys -V`: run once for each
/// value of PATH. Throws as run_process() does.
std::string constant_output(const std::vector<std::string>& arguments, const std::string& package);

/// "bubblewrap 0.8.0", or "none: " and why not; LUTRA_SANDBOX=off turns it off.
std::string sandbox();

/// A word as a shell takes it.
std::string shell_quoted(const std::string& word);

}  // namespace lutra::synth

#endif  // LUTRA_SYNTH_PROCESS_H_
