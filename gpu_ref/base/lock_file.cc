#include "lutra/base/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "lutra/base/error.h"

namespace lutra::base {

std::string host_and_pid() {
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  return std::string(host) + " " + std::to_string(getpid());
}

std::optional<LockFile> LockFile::take(const std::filesystem::path& path, Mode mode) {
  const auto fail = [&path](int file, int number) {
    if (file >= 0) close(file);
    throw Error(error_kind_of_errno(number),
                path.string() + ": cannot be locked: " + std::strerror(number));
  };
  for (;;) {
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (file < 0) fail(file, errno);
    if (flock(file, (mode == Mode::kShared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) fail(file, errno);
      close(file);
      return std::nullopt;
    }
    // Who held it alone before removes its file as it ends: only the one that has the name counts.
    struct stat held = {}, named = {};
    if (fstat(file, &held) != 0 || stat(path.c_str(), &named) != 0 || held.st_ino != named.st_ino ||
        held.st_dev != named.st_dev) {
      close(file);
      continue;
    }
    LockFile lock(path, file, mode);
    if (mode == Mode::kAlone) {
      const std::string text = host_and_pid();
      if (ftruncate(file, 0) != 0 || pwrite(file, text.data(), text.size(), 0) < 0) {
        fail(-1, errno);  // `lock` closes and removes it
      }
    }
    return lock;
  }
}

bool LockFile::is_held(const std::filesystem::path& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return false;
  const bool is_taken = flock(file, LOCK_SH | LOCK_NB) != 0;
  close(file);
  return is_taken;
}

LockFile::LockFile(std::filesystem::path path, int file, Mode mode)
    : path_(std::move(path)), file_(file), mode_(mode) {}

LockFile::LockFile(LockFile&& other) noexcept
    : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)), mode_(other.mode_) {}

LockFile& LockFile::operator=(LockFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(file_, other.file_);
  std::swap(mode_, other.mode_);
  return *this;
}

LockFile::~LockFile() {
  if (file_ < 0) return;
  if (mode_ == Mode::kAlone) unlink(path_.c_str());
  close(file_);
}

}  // namespace lutra::base
