#ifndef LUTRA_BASE_FILES_H_
#define LUTRA_BASE_FILES_H_

#include <filesystem>
#include <string>
#include <string_view>

/// Files: read whole, written beside their place and then renamed; private directories.
namespace lutra::base {

/// The whole file as bytes.
/// @throws Error that names the file: kNotFound, or kInvalidArgument if it is no regular file, or
///         as error_kind_of_errno() says if it cannot be read
std::string read_file(const std::filesystem::path& path);

/// Writes a file beside its place under a name that no other writer has, then renames it: a reader
/// never sees half of it, and of two writers the last one's file is whole.
/// @throws Error that names the file if it cannot be written, of the kind of error_kind_of_errno();
///         an older file stays as it was
void write_file(const std::filesystem::path& path, std::string_view bytes);

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
  /// @throws Error of the kind of error_kind_of_errno() that names `parent`
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

}  // namespace lutra::base

#endif  // LUTRA_BASE_FILES_H_
