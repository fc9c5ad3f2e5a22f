// stdout and the output directory.
#include "output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "lutra/base/error.h"
#include "lutra/base/files.h"

namespace lutra::cli {
namespace {

namespace fs = std::filesystem;

/// Files that runs which were killed were writing: nobody else writes here now.
void remove_partial_files(const fs::path& directory) {
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code ignored;
    if (name.compare(0, 7, ".lutra-") == 0 && entry->path().extension() == ".partial" &&
        entry->is_regular_file(ignored)) {
      fs::remove(entry->path(), ignored);
    }
  }
}

/// Nothing but what a signal handler may call. One that comes meanwhile, to another thread, waits
/// for the first to end the process.
void say_and_end(int signal) {
  static std::atomic_flag said = ATOMIC_FLAG_INIT;
  if (said.test_and_set()) return;
  constexpr char kText[] = "\nlutra: interrupted; the same command goes on with what is done\n";
  const ssize_t ignored = write(STDERR_FILENO, kText, sizeof(kText) - 1);
  (void)ignored;
  std::signal(signal, SIG_DFL);
  raise(signal);
}

}  // namespace

void say_that_it_goes_on() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action = {};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler == SIG_IGN) continue;  // as nohup has it
    action = {};
    action.sa_handler = say_and_end;
    sigaction(signal, &action, nullptr);
  }
}

void open_standard_streams() {
  for (int file = 0; file <= 2; ++file) {
    if (fcntl(file, F_GETFD) >= 0) continue;
    // The lowest free number is this one. A stdout that was closed must refuse what is written.
    if (open("/dev/null", file == 2 ? O_WRONLY : O_RDONLY) < 0) return;
  }
}

void print(const std::string& text) {
  const char* at = text.data();
  for (size_t left = text.size(); left > 0;) {
    const ssize_t written = write(STDOUT_FILENO, at, left);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      throw Error(error_kind_of_errno(errno), fmt::format("stdout: {}", std::strerror(errno)));
    }
    at += written;
    left -= static_cast<size_t>(written);
  }
}

OutputDirectory::OutputDirectory(const fs::path& directory, bool is_shared) {
  const auto fail = [&directory](const std::string& what) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("--out {}: {}", directory.string(), what));
  };
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) fail(error.message());
  if (!fs::is_directory(directory, error)) fail("not a directory");
  const fs::path path = directory / ".lutra.lock";
  lock_ = base::LockFile::take(
      path, is_shared ? base::LockFile::Mode::kShared : base::LockFile::Mode::kAlone);
  if (!lock_) {
    std::string holder;
    try {
      holder = base::read_file(path);
    } catch (const Error&) {
      // gone meanwhile
    }
    throw Error(
        ErrorKind::kInvalidArgument,
        fmt::format("another run writes into {}{}; wait for it, or give this one another "
                    "--out",
                    directory.string(), holder.empty() ? "" : fmt::format(" ({})", holder)));
  }
  if (!is_shared) remove_partial_files(directory);
}

}  // namespace lutra::cli
