#ifndef LUTRA_BASE_LOCK_FILE_H_
#define LUTRA_BASE_LOCK_FILE_H_

#include <filesystem>
#include <optional>
#include <string>

namespace lutra::base {

/// A file that processes hold, alone or shared: a lock (flock) that goes with its process, however
/// that ends. Held alone, the file says by whom, and is removed as it is let go; shared, it stays
/// for the next that holds it alone.
class LockFile {
 public:
  enum class Mode { kAlone, kShared };

  /// @return nothing where others hold it
  /// @throws Error that names the file, of the kind of error_kind_of_errno(), where it cannot be
  ///         made or the file system has no locks
  static std::optional<LockFile> take(const std::filesystem::path& path, Mode mode = Mode::kAlone);
  /// Whether somebody holds it.
  static bool is_held(const std::filesystem::path& path);

  LockFile(LockFile&& other) noexcept;
  LockFile& operator=(LockFile&& other) noexcept;
  ~LockFile();

 private:
  LockFile(std::filesystem::path path, int file, Mode mode);

  std::filesystem::path path_;
  int file_ = -1;
  Mode mode_ = Mode::kAlone;
};

/// "HOST PID" of this process, as a lock file says it.
std::string host_and_pid();

}  // namespace lutra::base

#endif  // LUTRA_BASE_LOCK_FILE_H_
