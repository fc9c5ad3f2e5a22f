#include "lutra/synth/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "lutra/numerics/error.h"
#include "lutra/synth/files.h"

namespace lutra::synth {
namespace {

namespace fs = std::filesystem;

/// A positive integer of the environment, or `otherwise`. Throws Error(kUsage) on anything else.
std::size_t from_environment(const char* name, std::size_t otherwise) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return otherwise;
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  if (*end != '\0' || value < 1 || value > 10000000) {
    throw Error(ExitCode::kUsage,
                fmt::format("{} = \"{}\", expected an integer in 1..10000000", name, text));
  }
  return static_cast<std::size_t>(value);
}

/// The program's path, as execvp() would find it; empty if there is none.
fs::path on_path(const std::string& program) {
  if (program.find('/') != std::string::npos) {
    return access(program.c_str(), X_OK) == 0 ? fs::path(program) : fs::path();
  }
  const char* path = std::getenv("PATH");
  const std::string folders = path == nullptr ? "/usr/bin:/bin" : path;
  for (std::size_t from = 0; from <= folders.size();) {
    const std::size_t to = std::min(folders.find(':', from), folders.size());
    const fs::path file = fs::path(folders.substr(from, to - from)) / program;
    std::error_code ignored;
    if (fs::is_regular_file(file, ignored) && access(file.c_str(), X_OK) == 0) return file;
    from = to + 1;
  }
  return {};
}

std::vector<char*> pointers(std::vector<std::string>* texts) {
  std::vector<char*> result;
  for (std::string& text : *texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// The environment with these variables replaced.
std::vector<std::string> environment_with(
    const std::vector<std::pair<std::string, std::string>>& values) {
  std::vector<std::string> result;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    const bool replaced = std::any_of(values.begin(), values.end(), [&text](const auto& value) {
      return text.compare(0, value.first.size() + 1, value.first + "=") == 0;
    });
    if (!replaced) result.push_back(text);
  }
  for (const auto& [name, value] : values) result.push_back(name + "=" + value);
  return result;
}

/// The command in front of a program that sets its limits: posix_spawn() cannot, and a limit that
/// is set from outside comes too late for what the program has started by then.
std::vector<std::string> limiting(const ProcessLimits& limits) {
  fs::path program = on_path("prlimit");
  if (program.empty()) program = on_path("/usr/bin/prlimit");
  if (program.empty()) {
    throw Error(ExitCode::kMissingTool,
                "prlimit: not found on PATH, expected from the package util-linux");
  }
  return {program.string(), fmt::format("--as={}", limits.memory_mib << 20),
          fmt::format("--fsize={}", limits.file_mib << 20), "--core=0", "--"};
}

ProcessResult run(std::vector<std::string> arguments, std::vector<std::string> environment,
                  const fs::path& directory, const ProcessLimits& limits) {
  const auto fail = [&](int code) {
    throw Error(ExitCode::kInternal,
                fmt::format("{}: cannot be run: {}", arguments[0], std::strerror(code)));
  };
  std::array<int, 2> ends = {-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) fail(errno);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);  // a group of its own, so that all of it can be ended

  const std::vector<char*> argv = pointers(&arguments);
  const std::vector<char*> envp = pointers(&environment);
  pid_t child = 0;
  const int spawned = posix_spawn(&child, argv[0], &actions, &attributes, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  close(ends[1]);
  if (spawned != 0) {
    close(ends[0]);
    fail(spawned);
  }
  ProcessResult result;
  result.limits = limits;
  std::array<char, 1 << 14> buffer;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(limits.seconds);
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd waiting = {ends[0], POLLIN, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) {
      result.timed_out = true;
      break;
    }
    const ssize_t got = read(ends[0], buffer.data(), buffer.size());
    if (got > 0) result.output.append(buffer.data(), static_cast<std::size_t>(got));
    if (result.output.size() > limits.output_bytes) {
      result.output_cut = true;
      break;
    }
    if (got == 0 || (got < 0 && errno != EINTR)) break;
  }
  if (result.timed_out || result.output_cut) kill(-child, SIGKILL);
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  kill(-child, SIGKILL);  // what it left behind
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
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
    const fs::path bubblewrap = on_path("bwrap");
    if (bubblewrap.empty()) return Sandbox{"", "bwrap is not on PATH (package bubblewrap)"};
    const PrivateDirectory work(fs::temp_directory_path());
    std::vector<std::string> words = confinement(bubblewrap, {fs::canonical(work.path())});
    words.push_back("/bin/true");
    const ProcessResult tried = run(words, environment_with({}), work.path(), 20);
    if (tried.status == 0) return Sandbox{fs::absolute(bubblewrap), ""};
    return Sandbox{"", "bwrap fails here: " + tried.output.substr(0, tried.output.find('\n'))};
  }();
  return kSandbox;
}

}  // namespace

ProcessLimits::ProcessLimits()
    : seconds(static_cast<int>(from_environment("LUTRA_TOOL_SECONDS", 900))),
      memory_mib(from_environment("LUTRA_TOOL_MEMORY_MIB", 2048)) {}

std::string ProcessResult::limit() const {
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
  return "";
}

ProcessResult run_process(const std::vector<std::string>& arguments, const fs::path& directory,
                          const std::string& package, const ProcessLimits& limits) {
  const fs::path program = on_path(arguments[0]);
  if (program.empty()) {
    throw Error(
        ExitCode::kMissingTool,
        fmt::format("{}: not found on PATH, expected from the package {}", arguments[0], package));
  }
  const fs::path work = fs::canonical(directory);
  const PrivateDirectory own(fs::canonical(fs::temp_directory_path()));
  std::vector<std::string> words = limiting(limits);
  if (!the_sandbox().bubblewrap.empty()) {
    const std::vector<std::string> confined =
        confinement(the_sandbox().bubblewrap, {work, own.path()});
    words.insert(words.end(), confined.begin(), confined.end());
  }
  words.push_back(program.string());
  words.insert(words.end(), arguments.begin() + 1, arguments.end());
  const std::string home = own.path().string();
  return run(std::move(words),
             environment_with({{"LC_ALL", "C.UTF-8"}, {"HOME", home}, {"TMPDIR", home}}), work,
             limits);
}

std::string sandbox() {
  if (the_sandbox().bubblewrap.empty()) return "none: " + the_sandbox().fault;
  const std::string version =
      constant_output({the_sandbox().bubblewrap.string(), "--version"}, "bubblewrap");
  return version.substr(0, version.find('\n'));
}

std::string constant_output(const std::vector<std::string>& arguments, const std::string& package) {
  static std::mutex mutex;
  static std::map<std::vector<std::string>, std::string> known;
  std::vector<std::string> key = arguments;
  const char* path = std::getenv("PATH");
  key.emplace_back(path == nullptr ? "" : path);
  const std::lock_guard<std::mutex> lock(mutex);
  auto found = known.find(key);
  if (found == known.end()) {
    const fs::path program = on_path(arguments[0]);
    if (program.empty()) {
      throw Error(ExitCode::kMissingTool,
                  fmt::format("{}: not found on PATH, expected from the package {}", arguments[0],
                              package));
    }
    std::vector<std::string> words = arguments;
    words[0] = program.string();
    // No stranger's text takes part, and a sandbox would cost more than the program.
    const fs::path here = fs::temp_directory_path();
    found = known.emplace(key, run(words, environment_with({}), here, 60).output).first;
  }
  return found->second;
}

std::string shell_quoted(const std::string& word) {
  const bool plain = word.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                         "_-+=:,./@%") == std::string::npos;
  if (plain && !word.empty()) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace lutra::synth
