#ifndef LUTRA_BASE_SHA256_H_
#define LUTRA_BASE_SHA256_H_

#include <string>
#include <string_view>

namespace lutra::base {

/// SHA-256 (FIPS 180-4) as 64 lower-case hexadecimal digits. Our own: gpu_ref builds with a
/// compiler and nothing else, and a checksum has to be the same everywhere.
std::string sha256_hex(std::string_view bytes);

}  // namespace lutra::base

#endif  // LUTRA_BASE_SHA256_H_
