#ifndef LUTRA_NUMERICS_NPY_H_
#define LUTRA_NUMERICS_NPY_H_

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <type_traits>
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

/// Reads an array of exactly this element type.
/// @throws Error kUsage that says what was found and what is allowed
template <typename T>
NpyArray<T> load_npy(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  const auto fail = [&](const std::string& what) {
    throw Error(ExitCode::kUsage, path.string() + ": " + what);
  };
  if (bytes.size() < 10 || bytes.compare(0, 6, "\x93NUMPY") != 0) fail("not a .npy file");
  if (bytes[6] != 1) fail(".npy version " + std::to_string(bytes[6]) + ", expected 1");
  const size_t header_size =
      static_cast<uint8_t>(bytes[8]) | static_cast<size_t>(static_cast<uint8_t>(bytes[9])) << 8;
  if (bytes.size() < 10 + header_size) fail("truncated in the header");
  const std::string header = bytes.substr(10, header_size);
  const std::string wanted = std::string("'descr': '") + npy_type<T>() + "'";
  if (header.find(wanted) == std::string::npos) {
    fail("header " + header.substr(0, header.find('}') + 1) + ", expected " + wanted);
  }
  if (header.find("'fortran_order': False") == std::string::npos) fail("expected C order");
  const size_t open = header.find("'shape': (");
  const size_t close = header.find(')', open == std::string::npos ? 0 : open);
  if (open == std::string::npos || close == std::string::npos) fail("no shape in the header");
  NpyArray<T> array;
  size_t count = 1;
  const std::string dims = header.substr(open + 10, close - open - 10);
  for (size_t at = 0; at < dims.size();) {
    if (dims[at] < '0' || dims[at] > '9') {
      ++at;
      continue;
    }
    size_t used = 0;
    array.shape.push_back(std::stoull(dims.substr(at), &used));
    count *= array.shape.back();
    at += used;
  }
  if (bytes.size() != 10 + header_size + count * sizeof(T)) {
    fail(std::to_string(bytes.size() - 10 - header_size) + " bytes of data, the header promises " +
         std::to_string(count * sizeof(T)));
  }
  array.values.resize(count);
  std::memcpy(array.values.data(), bytes.data() + 10 + header_size, count * sizeof(T));
  return array;
}

}  // namespace lutra::numerics

#endif  // LUTRA_NUMERICS_NPY_H_
