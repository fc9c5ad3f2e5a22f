#include "lutra/synth/files.h"

#include <fmt/format.h>
#include <zlib.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <vector>

#include "lutra/numerics/error.h"
#include "lutra/numerics/files.h"

namespace lutra::synth {

std::string read_file_maybe_gzip(const std::filesystem::path& path) {
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
  }
  inflateEnd(&stream);
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

PrivateDirectory::PrivateDirectory(const std::filesystem::path& parent) {
  std::error_code error;
  std::filesystem::create_directories(parent, error);
  std::string pattern = (parent / ".lutra-XXXXXX").string();
  if (error || mkdtemp(pattern.data()) == nullptr) {
    throw Error(ExitCode::kUsage, fmt::format("{}: no directory can be made here: {}",
                                              parent.string(), std::strerror(errno)));
  }
  path_ = pattern;
}

PrivateDirectory::~PrivateDirectory() {
  if (path_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace lutra::synth
