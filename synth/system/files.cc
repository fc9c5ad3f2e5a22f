#include "lutra/synth/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <system_error>
#include <vector>

#include "lutra/numerics/error.h"
#include "lutra/numerics/files.h"

namespace lutra::synth {

namespace fs = std::filesystem;

std::string read_file_maybe_gzip(const std::filesystem::path& path, std::size_t largest) {
  std::string bytes = numerics::read_file(path);
  if (bytes.empty()) throw Error(ExitCode::kUsage, fmt::format("{}: empty file", path.string()));
  if (bytes.size() < 2 || bytes[0] != '\x1f' || bytes[1] != '\x8b') return bytes;
  z_stream stream = {};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) {
    throw Error(ExitCode::kInternal, fmt::format("{}: inflateInit2 failed", path.string()));
  }
  stream.next_in = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  std::vector<char> buffer(1 << 16);
  int status = Z_OK;
  while (status == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = static_cast<uInt>(buffer.size());
    status = inflate(&stream, Z_NO_FLUSH);
    out.append(buffer.data(), buffer.size() - stream.avail_out);
    if (out.size() > largest) break;
  }
  inflateEnd(&stream);
  if (out.size() > largest) {
    throw Error(ExitCode::kUsage, fmt::format("{}: gzip data that expand without end, expected at "
                                              "most {} bytes",
                                              path.string(), largest));
  }
  if (status != Z_STREAM_END) {
    throw Error(ExitCode::kUsage, fmt::format("{}: corrupt or truncated gzip data", path.string()));
  }
  return out;
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
    throw Error(ExitCode::kUsage, fmt::format("{}: no directory can be made here: {}",
                                              parent.string(), error.message()));
  }
  {
    static std::set<fs::path> swept;
    const std::lock_guard<std::mutex> lock(state_mutex());
    if (swept.insert(parent).second) remove_abandoned(parent);
  }
  for (;;) {
    std::string pattern = (parent / fmt::format(".lutra-{}-XXXXXX", getpid())).string();
    if (mkdtemp(pattern.data()) == nullptr) {
      throw Error(ExitCode::kUsage, fmt::format("{}: no directory can be made here: {}",
                                                parent.string(), std::strerror(errno)));
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
        low_space_text() = fmt::format(
            "{} has {} left", parent_.string(),
            no_files ? std::string("no files") : fmt::format("{} KiB", free_bytes >> 10));
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

}  // namespace lutra::synth
