#ifndef LUTRA_NUMERICS_FILES_H_
#define LUTRA_NUMERICS_FILES_H_

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

#include "lutra/numerics/error.h"

namespace lutra::numerics {

/// The whole file as bytes.
/// @throws Error kUsage that names the file if it is no regular file or cannot be read
inline std::string read_file(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    throw Error(ExitCode::kUsage, path.string() + ": no such file");
  }
  if (!std::filesystem::is_regular_file(path, error)) {
    throw Error(ExitCode::kUsage, path.string() + ": not a regular file");
  }
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  // Inserting an empty stream buffer would set failbit.
  if (in.peek() != std::ifstream::traits_type::eof()) bytes << in.rdbuf();
  if (in.bad() || (!in && !in.eof())) {
    throw Error(ExitCode::kUsage, path.string() + ": cannot be read: " + std::strerror(errno));
  }
  return bytes.str();
}

/// Writes a file beside its place under a name that no other writer has, then renames it: a reader
/// never sees half of it, and of two writers the last one's file is whole.
/// @throws Error kUsage that names the file if it cannot be written; an older file stays as it was
inline void write_file(const std::filesystem::path& path, std::string_view bytes) {
  static std::atomic<unsigned> writes{0};
  std::filesystem::path partial;
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
    throw Error(ExitCode::kUsage, path.string() + ": cannot be written: " + std::strerror(failure));
  }
}

}  // namespace lutra::numerics

#endif  // LUTRA_NUMERICS_FILES_H_
