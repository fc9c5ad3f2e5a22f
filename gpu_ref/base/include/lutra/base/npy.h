#ifndef LUTRA_BASE_NPY_H_
#define LUTRA_BASE_NPY_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "lutra/base/error.h"
#include "lutra/base/files.h"

/// Tensors on disk: NumPy's .npy format, version 1.0, little-endian, C order.
namespace lutra::base {

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

/// A .npy file whose header has been read and checked against its length.
struct NpyFile {
  std::string type;  ///< NumPy's name, e.g. "<i2"
  std::vector<size_t> shape;
  size_t count = 0;      ///< product(shape)
  std::string elements;  ///< bytes
};

/// @throws Error as read_file() does, and kInvalidArgument that says what was found and what is
///         allowed
NpyFile read_npy_file(const std::filesystem::path& path);

/// Reads an array of exactly this element type.
/// @throws Error kInvalidArgument that says what was found and what is allowed
template <typename T>
NpyArray<T> load_npy(const std::filesystem::path& path) {
  NpyFile file = read_npy_file(path);
  if (file.type != npy_type<T>()) {
    throw Error(ErrorKind::kInvalidArgument,
                path.string() + ": elements of type " + file.type + ", expected " + npy_type<T>());
  }
  NpyArray<T> array;
  array.shape = std::move(file.shape);
  array.values.resize(file.count);
  std::memcpy(array.values.data(), file.elements.data(), file.elements.size());
  return array;
}

/// The integers or floating-point numbers of any size in a file as doubles; `path` names it in
/// messages.
/// @throws Error kInvalidArgument that says what was found and what is allowed
NpyArray<double> npy_numbers(const NpyFile& file, const std::filesystem::path& path);

}  // namespace lutra::base

#endif  // LUTRA_BASE_NPY_H_
