#ifndef LUTRA_SYNTH_FILES_H_
#define LUTRA_SYNTH_FILES_H_

#include <filesystem>
#include <string>
#include <string_view>

#include "lutra/numerics/sha256.h"

namespace lutra::synth {

/// As numerics::read_file, and decompressed if the bytes are gzip's.
std::string read_file_maybe_gzip(const std::filesystem::path& path);

using numerics::sha256_hex;

/// `text` with every character outside [A-Za-z0-9_.-] replaced by `_`, never empty, no leading dot.
std::string safe_file_name(std::string_view text);

/// A private directory (mode 0700) made inside `parent`, removed with all it holds at the end
/// unless released.
class PrivateDirectory {
 public:
  explicit PrivateDirectory(const std::filesystem::path& parent);
  ~PrivateDirectory();
  PrivateDirectory(const PrivateDirectory&) = delete;
  PrivateDirectory& operator=(const PrivateDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }
  void release() { path_.clear(); }

 private:
  std::filesystem::path path_;
};

}  // namespace lutra::synth

#endif  // LUTRA_SYNTH_FILES_H_
