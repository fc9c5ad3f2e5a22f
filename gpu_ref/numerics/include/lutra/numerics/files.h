#ifndef LUTRA_NUMERICS_FILES_H_
#define LUTRA_NUMERICS_FILES_H_

#include <cerrno>
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

/// Writes a file beside its place, then renames it: a reader never sees half of it.
/// @throws Error kUsage that names the file if it cannot be written; an older file stays as it was
inline void write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::filesystem::path partial = path;
  partial += ".partial";
  std::ofstream out(partial, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  std::error_code error;
  if (!out) {
    error.assign(errno, std::generic_category());
  } else {
    std::filesystem::rename(partial, path, error);
  }
  if (error) {
    std::error_code ignored;
    std::filesystem::remove(partial, ignored);
    throw Error(ExitCode::kUsage, path.string() + ": cannot be written: " + error.message());
  }
}

}  // namespace lutra::numerics

#endif  // LUTRA_NUMERICS_FILES_H_
