#ifndef LUTRA_NUMERICS_NPY_H_
#define LUTRA_NUMERICS_NPY_H_

#include <algorithm>
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

/// A .npy file whose header has been read and checked against its length.
struct NpyFile {
  std::string type;  ///< NumPy's name, e.g. "<i2"
  std::vector<size_t> shape;
  size_t count = 0;      ///< product(shape)
  std::string elements;  ///< bytes
};

/// @throws Error kUsage that says what was found and what is allowed
inline NpyFile read_npy_file(const std::filesystem::path& path) {
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
  NpyFile file;
  const size_t type = header.find("'descr': '");
  const size_t type_end = header.find('\'', type == std::string::npos ? type : type + 10);
  if (type_end == std::string::npos) fail("no element type in the header");
  file.type = header.substr(type + 10, type_end - type - 10);
  const size_t size = file.type.size() == 3 ? static_cast<size_t>(file.type[2] - '0') : 0;
  if (size != 1 && size != 2 && size != 4 && size != 8) {
    fail("elements of type " + file.type + ", expected numbers of 1, 2, 4 or 8 bytes");
  }
  if (header.find("'fortran_order': False") == std::string::npos) fail("expected C order");
  const size_t open = header.find("'shape': (");
  const size_t close = header.find(')', open == std::string::npos ? 0 : open);
  if (open == std::string::npos || close == std::string::npos) fail("no shape in the header");
  const size_t data = bytes.size() - 10 - header_size;
  file.count = 1;
  const std::string dims = header.substr(open + 10, close - open - 10);
  for (size_t at = 0; at < dims.size();) {
    if (dims[at] < '0' || dims[at] > '9') {
      ++at;
      continue;
    }
    const size_t end = std::min(dims.find_first_not_of("0123456789", at), dims.size());
    const size_t dim = end - at > 18 ? ~size_t{0} : std::stoull(dims.substr(at, end - at));
    if (dim != 0 && file.count > (~size_t{0} >> 4) / dim) fail("impossible shape (" + dims + ")");
    file.shape.push_back(dim);
    file.count *= dim;
    at = end;
  }
  if (data != file.count * size) {
    fail(std::to_string(data) + " bytes of data, the header promises " +
         std::to_string(file.count * size));
  }
  file.elements = bytes.substr(10 + header_size);
  return file;
}

/// Reads an array of exactly this element type.
/// @throws Error kUsage that says what was found and what is allowed
template <typename T>
NpyArray<T> load_npy(const std::filesystem::path& path) {
  NpyFile file = read_npy_file(path);
  if (file.type != npy_type<T>()) {
    throw Error(ExitCode::kUsage,
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
/// @throws Error kUsage that says what was found and what is allowed
inline NpyArray<double> npy_numbers(const NpyFile& file, const std::filesystem::path& path) {
  NpyArray<double> array;
  array.shape = file.shape;
  const auto convert = [&](auto element) {
    using T = decltype(element);
    for (size_t i = 0; i < file.count; ++i) {
      std::memcpy(&element, file.elements.data() + i * sizeof(T), sizeof(T));
      array.values.push_back(static_cast<double>(element));
    }
  };
  const std::string kind = file.type.substr(1);
  const bool little = file.type[0] == '<' || (file.type[0] == '|' && kind[1] == '1');
  if (little && kind == "i1") {
    convert(int8_t{});
  } else if (little && kind == "u1") {
    convert(uint8_t{});
  } else if (little && kind == "i2") {
    convert(int16_t{});
  } else if (little && kind == "u2") {
    convert(uint16_t{});
  } else if (little && kind == "i4") {
    convert(int32_t{});
  } else if (little && kind == "u4") {
    convert(uint32_t{});
  } else if (little && kind == "i8") {
    convert(int64_t{});
  } else if (little && kind == "u8") {
    convert(uint64_t{});
  } else if (little && kind == "f4") {
    convert(float{});
  } else if (little && kind == "f8") {
    convert(double{});
  } else {
    throw Error(ExitCode::kUsage, path.string() + ": elements of type " + file.type +
                                      ", expected little-endian integers or floats");
  }
  return array;
}

}  // namespace lutra::numerics

#endif  // LUTRA_NUMERICS_NPY_H_
