#include "lutra/system/tool.h"

#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <map>
#include <mutex>

#include "lutra/base/error.h"
#include "lutra/base/files.h"

namespace lutra::synth {
namespace {

namespace fs = std::filesystem;

/// A positive integer of the environment, or `otherwise`. Throws Error(kInvalidArgument) on
/// anything else.
std::size_t from_environment(const char* name, std::size_t otherwise) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return otherwise;
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  if (*end != '\0' || value < 1 || value > 10000000) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{} = \"{}\", expected an integer in 1..10000000", name, text));
  }
  return static_cast<std::size_t>(value);
}

/// @throws Error kUnavailable naming `package` if the program is not on PATH
fs::path find_tool(const std::string& program, const std::string& package) {
  fs::path path = base::find_program(program);
  if (path.empty()) {
    throw Error(
        ErrorKind::kUnavailable,
        fmt::format("{}: not found on PATH, expected from the package {}", program, package));
  }
  return path;
}

/// What confines programs: bubblewrap, or why it is not used.
struct Sandbox {
  fs::path bubblewrap;  ///< empty: none
  std::string fault;
};

/// The bubblewrap command in front of a program that may write into these directories only.
std::vector<std::string> confinement(const fs::path& bubblewrap,
                                     const std::vector<fs::path>& writable) {
  std::vector<std::string> words = {bubblewrap.string(),
                                    "--unshare-net",
                                    "--unshare-pid",
                                    "--unshare-ipc",
                                    "--die-with-parent",
                                    "--ro-bind",
                                    "/",
                                    "/",
                                    "--dev",
                                    "/dev",
                                    "--proc",
                                    "/proc"};
  for (const fs::path& directory : writable) {
    words.insert(words.end(), {"--bind", directory.string(), directory.string()});
  }
  words.push_back("--");
  return words;
}

const Sandbox& the_sandbox() {
  static const Sandbox kSandbox = [] {
    const char* wish = std::getenv("LUTRA_SANDBOX");
    if (wish != nullptr && std::string(wish) == "off") return Sandbox{"", "LUTRA_SANDBOX=off"};
    const fs::path bubblewrap = base::find_program("bwrap");
    if (bubblewrap.empty()) return Sandbox{"", "bwrap is not on PATH (package bubblewrap)"};
    const base::PrivateDirectory work(fs::temp_directory_path());
    std::vector<std::string> words = confinement(bubblewrap, {fs::canonical(work.path())});
    words.push_back("/bin/true");
    base::ProcessLimits limits;
    limits.seconds = 20;
    const base::ProcessResult tried = base::run_process({words, {}, work.path(), limits});
    if (tried.status == 0) return Sandbox{fs::absolute(bubblewrap), ""};
    return Sandbox{"", "bwrap fails here: " + tried.output.substr(0, tried.output.find('\n'))};
  }();
  return kSandbox;
}

}  // namespace

ToolLimits::ToolLimits() {
  seconds = static_cast<int>(from_environment("LUTRA_TOOL_SECONDS", 900));
  memory_mib = from_environment("LUTRA_TOOL_MEMORY_MIB", 2048);
  file_mib = 1024;
}

std::string ToolResult::limit() const {
  if (timed_out) {
    return fmt::format("took longer than {} s (LUTRA_TOOL_SECONDS sets the limit)", limits.seconds);
  }
  if (output_cut) return fmt::format("printed more than {} MiB", limits.output_bytes >> 20);
  const bool starved = output.find("bad_alloc") != std::string::npos ||
                       output.find("Cannot allocate memory") != std::string::npos ||
                       output.find("out of memory") != std::string::npos ||
                       output.find("memory exhausted") != std::string::npos;
  if (status != 0 && starved) {
    return fmt::format("needs more than {} MiB of memory (LUTRA_TOOL_MEMORY_MIB sets the limit)",
                       limits.memory_mib);
  }
  if (status == 128 + SIGKILL) {
    return "was killed (signal 9), as the system does where memory runs out";
  }
  return "";
}

ToolResult run_tool(const std::vector<std::string>& arguments, const fs::path& directory,
                    const std::string& package, const ToolLimits& limits) {
  const fs::path program = find_tool(arguments[0], package);
  const fs::path work = fs::canonical(directory);
  const base::PrivateDirectory own(fs::canonical(fs::temp_directory_path()));
  std::vector<std::string> words;
  if (!the_sandbox().bubblewrap.empty()) {
    words = confinement(the_sandbox().bubblewrap, {work, own.path()});
  }
  words.push_back(program.string());
  words.insert(words.end(), arguments.begin() + 1, arguments.end());
  const std::string home = own.path().string();
  ToolResult result;
  static_cast<base::ProcessResult&>(result) = base::run_process(
      {std::move(words), {{"LC_ALL", "C.UTF-8"}, {"HOME", home}, {"TMPDIR", home}}, work, limits});
  result.limits = limits;
  return result;
}

std::string sandbox() {
  if (the_sandbox().bubblewrap.empty()) return "none: " + the_sandbox().fault;
  const std::string version =
      tool_output({the_sandbox().bubblewrap.string(), "--version"}, "bubblewrap");
  return version.substr(0, version.find('\n'));
}

std::string tool_output(const std::vector<std::string>& arguments, const std::string& package) {
  static std::mutex mutex;
  static std::map<std::vector<std::string>, std::string> known;
  std::vector<std::string> key = arguments;
  const char* path = std::getenv("PATH");
  key.emplace_back(path == nullptr ? "" : path);
  const std::lock_guard<std::mutex> lock(mutex);
  auto found = known.find(key);
  if (found == known.end()) {
    std::vector<std::string> words = arguments;
    words[0] = find_tool(arguments[0], package).string();
    // No stranger's text takes part, and a sandbox would cost more than the program.
    base::ProcessLimits limits;
    limits.seconds = 60;
    found =
        known.emplace(key, base::run_process({words, {}, fs::temp_directory_path(), limits}).output)
            .first;
  }
  return found->second;
}

}  // namespace lutra::synth
