#ifndef LUTRA_SYSTEM_TOOL_H_
#define LUTRA_SYSTEM_TOOL_H_

#include <filesystem>
#include <string>
#include <vector>

#include "lutra/base/process.h"

namespace lutra::synth {

/// What a tool may take: 900 s and 2048 MiB, or what LUTRA_TOOL_SECONDS and LUTRA_TOOL_MEMORY_MIB
/// say; files of 1 GiB.
/// @throws Error kInvalidArgument where these hold no integer in 1..10000000
struct ToolLimits : base::ProcessLimits {
  ToolLimits();
  ToolLimits(int limit_s) : ToolLimits() { seconds = limit_s; }  // NOLINT: a plain time limit
};

struct ToolResult : base::ProcessResult {
  base::ProcessLimits limits;
  /// Why the tool was ended from outside ("took longer than 900 s", ...); empty if it was not.
  std::string limit() const;
};

/// Runs `arguments[0]`, found on PATH, with these arguments in `directory`.
///
/// It is confined, because it may run text of a stranger: HOME and TMPDIR are private to it; and
/// where bubblewrap works (sandbox()), it has no network, sees no process but its own, and writes
/// into `directory` and its private directory only. Throws Error(kUnavailable) naming `package` if
/// the program is not found.
ToolResult run_tool(const std::vector<std::string>& arguments,
                    const std::filesystem::path& directory, const std::string& package,
                    const ToolLimits& limits = {});

/// The output of a command that says the same each time, such as `yosys -V`: run once for each
/// value of PATH. Throws as run_tool() does.
std::string tool_output(const std::vector<std::string>& arguments, const std::string& package);

/// "bubblewrap 0.8.0", or "none: " and why not; LUTRA_SANDBOX=off turns it off.
std::string sandbox();

}  // namespace lutra::synth

#endif  // LUTRA_SYSTEM_TOOL_H_
