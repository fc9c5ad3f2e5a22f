#include "lutra/system/gzip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <vector>

#include "lutra/base/error.h"
#include "lutra/base/files.h"

namespace lutra::synth {

std::string read_file_maybe_gzip(const std::filesystem::path& path, std::size_t largest) {
  std::string bytes = base::read_file(path);
  if (bytes.empty())
    throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: empty file", path.string()));
  if (bytes.size() < 2 || bytes[0] != '\x1f' || bytes[1] != '\x8b') return bytes;
  z_stream stream = {};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) {
    throw Error(ErrorKind::kInternal, fmt::format("{}: inflateInit2 failed", path.string()));
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
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: gzip data that expand without end, expected at "
                            "most {} bytes",
                            path.string(), largest));
  }
  if (status != Z_STREAM_END) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: corrupt or truncated gzip data", path.string()));
  }
  return out;
}

}  // namespace lutra::synth
