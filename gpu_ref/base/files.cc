#include "lutra/base/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <system_error>

#include "lutra/base/error.h"

namespace lutra::base {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const fs::path& path, const std::string& what, int number) {
  throw Error(error_kind_of_errno(number), path.string() + ": " + what + std::strerror(number));
}

struct File {
  explicit File(int opened) : descriptor(opened) {}
  ~File() {
    if (descriptor >= 0) close(descriptor);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int descriptor;
};

}  // namespace

std::string read_file(const fs::path& path) {
  const File file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a pipe would block
  if (file.descriptor < 0 && errno == ENOENT) {
    throw Error(ErrorKind::kNotFound, path.string() + ": no such file");
  }
  if (file.descriptor < 0) fail(path, "cannot be read: ", errno);
  struct stat status = {};
  if (fstat(file.descriptor, &status) != 0) fail(path, "cannot be read: ", errno);
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorKind::kInvalidArgument, path.string() + ": not a regular file");
  }
  std::string bytes(static_cast<size_t>(status.st_size), '\0');
  size_t done = 0;
  for (;;) {
    // Files of /proc say 0, and one may grow meanwhile.
    if (done == bytes.size()) bytes.resize(bytes.size() + (status.st_size == 0 ? 1 << 16 : 1));
    const ssize_t got = read(file.descriptor, bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, "cannot be read: ", errno);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

void write_file(const fs::path& path, std::string_view bytes) {
  static std::atomic<unsigned> writes{0};
  fs::path partial;
  int file = -1;
  do {
    partial = path.parent_path() /
              (".lutra-" + std::to_string(getpid()) + "-" + std::to_string(writes++) + ".partial");
    file = open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    // A name is taken where another process has this number elsewhere, or had it and was killed.
  } while (file < 0 && errno == EEXIST);
  int failure = file < 0 ? errno : 0;
  while (failure == 0 && !bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      failure = errno;
    }
  }
  // What a quota or a server refuses may show here first.
  if (file >= 0 && close(file) != 0 && failure == 0) failure = errno;
  if (failure == 0 && rename(partial.c_str(), path.c_str()) != 0) failure = errno;
  if (failure != 0) {
    if (file >= 0) unlink(partial.c_str());
    fail(path, "cannot be written: ", failure);
  }
}

std::string safe_file_name(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '.' || c == '-';
    name += plain ? c : '_';
  }
  if (name.empty() || name[0] == '.' || name[0] == '-') name.insert(0, "_");
  return name.substr(0, 100);
}

namespace {

/// Whether `name` is that of a private directory: `.lutra-PID-XXXXXX`.
bool is_private_name(const std::string& name) {
  constexpr std::string_view kStart = ".lutra-";
  if (name.compare(0, kStart.size(), kStart) != 0) return false;
  const std::size_t dash = name.find_first_not_of("0123456789", kStart.size());
  return dash != std::string::npos && dash > kStart.size() && name[dash] == '-';
}

/// Removes private directories that killed runs left in `parent`: those that nobody holds a lock
/// on.
void remove_abandoned(const fs::path& parent) {
  std::error_code error;
  for (fs::directory_iterator entry(parent, error), end; !error && entry != end;
       entry.increment(error)) {
    if (!is_private_name(entry->path().filename().string())) continue;
    // In a directory that all may write to, only what is our own and no link.
    const int held = open(entry->path().c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (held < 0) continue;
    struct stat status = {};
    if (fstat(held, &status) == 0 && status.st_uid == geteuid() &&
        flock(held, LOCK_EX | LOCK_NB) == 0) {
      std::error_code ignored;
      fs::remove_all(entry->path(), ignored);
    }
    close(held);
  }
}

std::mutex& state_mutex() {
  static std::mutex mutex;
  return mutex;
}

std::string& low_space_text() {
  static std::string text;
  return text;
}

}  // namespace

PrivateDirectory::PrivateDirectory(const fs::path& parent) : parent_(parent) {
  std::error_code error;
  fs::create_directories(parent, error);
  if (error) {
    fail(parent, "no directory can be made here: ", error.value());
  }
  {
    static std::set<fs::path> swept;
    const std::lock_guard<std::mutex> lock(state_mutex());
    if (swept.insert(parent).second) remove_abandoned(parent);
  }
  for (;;) {
    std::string pattern = (parent / (".lutra-" + std::to_string(getpid()) + "-XXXXXX")).string();
    if (mkdtemp(pattern.data()) == nullptr) {
      fail(parent, "no directory can be made here: ", errno);
    }
    lock_ = open(pattern.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock_ >= 0) flock(lock_, LOCK_EX);  // where a file system has no locks, nobody gets one
    // Another run may have taken it for abandoned before it was locked.
    if (fs::exists(pattern, error)) {
      path_ = pattern;
      return;
    }
    if (lock_ >= 0) close(lock_);
  }
}

PrivateDirectory::~PrivateDirectory() {
  if (!path_.empty()) {
    // A program that found the disk full has mostly removed what it could not finish: what is left
    // tells little more than that it can have been so.
    constexpr std::uint64_t kLow = std::uint64_t{16} << 20;
    struct statvfs space = {};
    if (statvfs(path_.c_str(), &space) == 0) {
      const std::uint64_t free_bytes = std::uint64_t{space.f_bavail} * space.f_frsize;
      const bool no_files = space.f_files > 0 && space.f_favail == 0;
      if (space.f_blocks > 0 && (free_bytes < kLow || no_files)) {
        const std::lock_guard<std::mutex> lock(state_mutex());
        low_space_text() = parent_.string() + " has " +
                           (no_files ? "no files" : std::to_string(free_bytes >> 10) + " KiB") +
                           " left";
      }
    }
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  if (lock_ >= 0) close(lock_);
}

std::string low_space() {
  const std::lock_guard<std::mutex> lock(state_mutex());
  return low_space_text();
}

std::filesystem::path own_path(const std::filesystem::path& installed,
                               const std::filesystem::path& built) {
  std::error_code error;
  const std::filesystem::path command = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path place = command.parent_path().parent_path() / installed;
  return std::filesystem::exists(place, error) ? place : built;
}

}  // namespace lutra::base
