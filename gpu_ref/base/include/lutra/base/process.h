#ifndef LUTRA_BASE_PROCESS_H_
#define LUTRA_BASE_PROCESS_H_

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace lutra::base {

/// What a program may take. 0: no limit.
struct ProcessLimits {
  int seconds = 0;                       ///< of wall clock
  std::size_t memory_mib = 0;            ///< address space of each process
  std::size_t output_bytes = 16u << 20;  ///< stdout and stderr together
  std::size_t file_mib = 0;              ///< of one written file
};

/// A program to be run; no shell takes part.
struct Process {
  std::vector<std::string> arguments;                            ///< the program's path first
  std::vector<std::pair<std::string, std::string>> environment;  ///< variables that replace ours
  std::filesystem::path directory;                               ///< that it runs in
  ProcessLimits limits;
};

/// Exit status, and stdout and stderr together, in the order written.
struct ProcessResult {
  int status = 0;           ///< exit code, or 128 + the signal that ended the process
  bool timed_out = false;   ///< the time limit passed and the process was killed
  bool output_cut = false;  ///< it printed more than the limit and was killed
  std::string output;
};

/// Runs a program in a process group of its own, with an empty stdin: at a limit, and at the end,
/// all that it has started ends with it.
/// @throws Error kInternal if it cannot be started, kUnavailable where limits on memory or files
/// are
///         set and prlimit is missing
ProcessResult run_process(const Process& process);

/// The program's path, as execvp() would find it on PATH; empty if there is none.
std::filesystem::path find_program(const std::string& program);

/// A word as a shell takes it.
std::string shell_quoted(const std::string& word);

}  // namespace lutra::base

#endif  // LUTRA_BASE_PROCESS_H_
