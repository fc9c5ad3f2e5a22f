#ifndef LUTRA_SYSTEM_GZIP_H_
#define LUTRA_SYSTEM_GZIP_H_

#include <cstddef>
#include <filesystem>
#include <string>

namespace lutra::synth {

/// As base::read_file, and decompressed if the bytes are gzip's.
/// @throws Error kInvalidArgument also where they expand to more than `largest` bytes
std::string read_file_maybe_gzip(const std::filesystem::path& path,
                                 std::size_t largest = std::size_t{1} << 30);

}  // namespace lutra::synth

#endif  // LUTRA_SYSTEM_GZIP_H_
