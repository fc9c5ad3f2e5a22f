#include "lutra/base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "lutra/base/error.h"

namespace lutra::base {
namespace {

namespace fs = std::filesystem;

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
  if (limits.memory_mib == 0 && limits.file_mib == 0) return {};
  fs::path program = find_program("prlimit");
  if (program.empty()) program = find_program("/usr/bin/prlimit");
  if (program.empty()) {
    throw Error(ErrorKind::kUnavailable,
                "prlimit: not found on PATH, expected from the package util-linux");
  }
  std::vector<std::string> words = {program.string(), "--core=0"};
  const auto limit = [&words](const char* option, std::size_t mib) {
    if (mib != 0) words.push_back(option + std::to_string(mib << 20));
  };
  limit("--as=", limits.memory_mib);
  limit("--fsize=", limits.file_mib);
  words.push_back("--");
  return words;
}

}  // namespace

fs::path find_program(const std::string& program) {
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

ProcessResult run_process(const Process& process) {
  const ProcessLimits& limits = process.limits;
  std::vector<std::string> arguments = limiting(limits);
  arguments.insert(arguments.end(), process.arguments.begin(), process.arguments.end());
  std::vector<std::string> environment = environment_with(process.environment);
  const auto fail = [&](int code) {
    throw Error(ErrorKind::kInternal,
                process.arguments[0] + ": cannot be run: " + std::strerror(code));
  };
  std::array<int, 2> ends = {-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) fail(errno);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  posix_spawn_file_actions_addchdir_np(&actions, process.directory.c_str());
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
  // A program that has closed its output, or whose children hold it open, ends when it ends.
  const int ended = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  std::array<char, 1 << 14> buffer;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(limits.seconds);
  bool is_open = true;
  for (bool runs = true; runs && (is_open || ended >= 0);) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    constexpr int kForever = -1;
    const int wait = limits.seconds == 0
                         ? kForever
                         : static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1 << 30));
    std::array<pollfd, 2> events = {{{is_open ? ends[0] : -1, POLLIN, 0}, {ended, POLLIN, 0}}};
    const int ready = poll(events.data(), events.size(), wait);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) {
      result.timed_out = true;
      break;
    }
    runs = events[1].revents == 0;  // else: what is in the pipe, and then the end
    while (is_open && !result.output_cut) {
      const ssize_t got = read(ends[0], buffer.data(), buffer.size());
      if (got > 0) result.output.append(buffer.data(), static_cast<std::size_t>(got));
      result.output_cut = result.output.size() > limits.output_bytes;
      if (got < 0 && errno == EAGAIN) break;
      if (got == 0 || (got < 0 && errno != EINTR)) is_open = false;
    }
    if (result.output_cut) break;
  }
  if (result.timed_out || result.output_cut) kill(-child, SIGKILL);
  close(ends[0]);
  if (ended >= 0) close(ended);
  siginfo_t info = {};
  while (waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
  }
  kill(-child, SIGKILL);  // what it left behind, while the number is its own
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
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

}  // namespace lutra::base
