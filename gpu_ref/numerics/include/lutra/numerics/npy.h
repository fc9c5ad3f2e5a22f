#ifndef LUTRA_NUMERICS_NPY_H_
#define LUTRA_NUMERICS_NPY_H_

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "lutra/numerics/error.h"
#include "lutra/numerics/files.h"

/// Tensors on disk: NumPy's .npy format, version 1.0, little-endian, C order.
namespace lutra::numerics {

template <typename T>
struct NpyArray {
  std::vector<size_t> shape;
  std::vector<T> values;  ///< product(shape) elements, last index fastest
};

template <typename T>
constexpr const char* npy_type() {
  if constexpr (std::is_same_v<T, float>) return "<f4";
  if constexpr (std::is_same_v<T, int8_t>) return "|i1";
  if constexpr (std::is_same_v<T, int16_t>) return "<i2";
  if constexpr (std::is_same_v<T, uint16_t>) return "<u2";
  if constexpr (std::is_same_v<T, int32_t>) return "<i4";
}

/// The whole of a .npy file: header padded to 64 bytes, then the elements.
template <typename T>
std::string npy_bytes(const std::vector<size_t>& shape, const T* values) {
  size_t count = 1;
  for (size_t d : shape) count *= d;
  // NumPy writes "(3, 4)" and "(3,)".
  std::string dims;
  for (size_t i = 0; i < shape.size(); ++i) {
    dims += std::to_string(shape[i]);
    if (i + 1 < shape.size()) dims += ", ";
  }
  if (shape.size() == 1) dims += ",";
  std::string header = std::string("{'descr': '") + npy_type<T>() +
                       "', 'fortran_order': False, 'shape': (" + dims + "), }";
  const size_t unpadded = 10 + header.size() + 1;
  header.append((64 - unpadded % 64) % 64, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(values), count * sizeof(T));
  return bytes;
}

template <typename T>
void save_npy(const std::filesystem::path& path, const std::vector<size_t>& shape,
              const std::vector<T>& values) {
  write_file(path, npy_bytes(shape, values.data()));
}

/// What the header of a .npy file says.
struct NpyHeader {
  std::string type;  ///< as NumPy writes it, e.g. "<i2"
  std::vector<size_t> shape;
  size_t data = 0;  ///< offset of the elements
};

/// Reads the header of a .npy file's bytes; `path` names it in messages.
/// @throws Error kUsage that says what was found and what is allowed
inline NpyHeader read_npy_header(const std::string& bytes, const std::filesystem::path& path) {
  const auto fail = [&](const std::string& what) {
    throw Error(ExitCode::kUsage, path.string() + ": " + what);
  };
  if (bytes.size() < 10 || bytes.compare(0, 6, "\x93NUMPY") != 0) fail("not a .npy file");
  if (bytes[6] != 1) fail(".npy version " + std::to_string(bytes[6]) + ", expected 1");
  NpyHeader header;
  header.data = 10 + static_cast<uint8_t>(bytes[8]) +
                (static_cast<size_t>(static_cast<uint8_t>(bytes[9])) << 8);
  if (bytes.size() < header.data) fail("truncated in the header");
  const std::string text = bytes.substr(10, header.data - 10);
  const std::string type_key = "'descr': '";
  const size_t type = text.find(type_key);
  if (type == std::string::npos) fail("no element type in the header");
  const size_t from = type + type_key.size();
  header.type = text.substr(from, text.find('\'', from) - from);
  if (text.find("'fortran_order': False") == std::string::npos) fail("expected C order");
  const size_t open = text.find("'shape': (");
  const size_t close = text.find(')', open == std::string::npos ? 0 : open);
  if (open == std::string::npos || close == std::string::npos) fail("no shape in the header");
  const std::string dims = text.substr(open + 10, close - open - 10);
  for (size_t at = 0; at < dims.size();) {
    if (dims[at] < '0' || dims[at] > '9') {
      ++at;
      continue;
    }
    size_t used = dims.find_first_not_of("0123456789", at);
    used = (used == std::string::npos ? dims.size() : used) - at;
    if (used > 9) fail("shape (" + dims + ") in the header, expected fewer elements");
    header.shape.push_back(std::stoul(dims.substr(at, used)));
    at += used;
  }
  return header;
}

/// Reads an array of exactly this element type.
/// @throws Error kUsage that says what was found and what is allowed
template <typename T>
NpyArray<T> load_npy(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  NpyHeader header = read_npy_header(bytes, path);
  const auto fail = [&](const std::string& what) {
    throw Error(ExitCode::kUsage, path.string() + ": " + what);
  };
  if (header.type != npy_type<T>()) {
    fail("elements of type '" + header.type + "', expected '" + npy_type<T>() + "'");
  }
  const size_t held = bytes.size() - header.data;
  double promised = sizeof(T);  // a product of extents that cannot wrap
  for (const size_t extent : header.shape) promised *= static_cast<double>(extent);
  if (static_cast<double>(held) != promised) {
    const std::string digits = std::to_string(promised);
    fail(std::to_string(held) + " bytes of data, the header promises " +
         digits.substr(0, digits.find('.')));
  }
  NpyArray<T> array;
  array.shape = std::move(header.shape);
  array.values.resize(held / sizeof(T));
  if (held > 0) std::memcpy(array.values.data(), bytes.data() + header.data, held);
  return array;
}

}  // namespace lutra::numerics

#endif  // LUTRA_NUMERICS_NPY_H_
