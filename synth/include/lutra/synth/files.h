#ifndef LUTRA_SYNTH_FILES_H_
#define LUTRA_SYNTH_FILES_H_

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "lutra/numerics/sha256.h"

namespace lutra::synth {

/// As numerics::read_file, and decompressed if the bytes are gzip's.
/// @throws Error kUsage also where they expand to more than `largest` bytes
std::string read_file_maybe_gzip(const std::filesystem::path& path,
                                 std::size_t largest = std::size_t{1} << 30);

using numerics::sha256_hex;

/// `text` with every character outside [A-Za-z0-9_.-] replaced by `_`, never empty, no leading dot.
std::string safe_file_name(std::string_view text);

/// Where a part of Lutra lies: PREFIX/`installed` where the running command is PREFIX/bin/lutra and
/// that exists, else `built`.
std::filesystem::path own_path(const std::filesystem::path& installed,
                               const std::filesystem::path& built);

/// A private directory (mode 0700) made inside `parent`, removed with all it holds at the end
/// unless released. It is locked while it is in use: what a killed run left in `parent` is without
/// a lock, and removed when a later run makes its first private directory there.
class PrivateDirectory {
 public:
  explicit PrivateDirectory(const std::filesystem::path& parent);
  ~PrivateDirectory();
  PrivateDirectory(const PrivateDirectory&) = delete;
  PrivateDirectory& operator=(const PrivateDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }
  /// The directory stays, whatever its name is by now.
  void release() { path_.clear(); }

 private:
  std::filesystem::path parent_;
  std::filesystem::path path_;
  int lock_ = -1;  ///< the directory, open and locked
};

/// "DIR has N KiB left" of the place of a private directory that had hardly any space when it was
/// removed; empty if all had some. Tools that fail say their own thing about a full disk, or
/// nothing: whoever reports their failure adds this.
std::string low_space();

}  // namespace lutra::synth

#endif  // LUTRA_SYNTH_FILES_H_
