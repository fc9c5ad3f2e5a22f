#include "lutra/base/npy.h"

#include <algorithm>

#include "lutra/base/error.h"
#include "lutra/base/files.h"

namespace lutra::base {

NpyFile read_npy_file(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::kInvalidArgument, path.string() + ": " + what);
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

NpyArray<double> npy_numbers(const NpyFile& file, const std::filesystem::path& path) {
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
    throw Error(ErrorKind::kInvalidArgument, path.string() + ": elements of type " + file.type +
                                                 ", expected little-endian integers or floats");
  }
  return array;
}

}  // namespace lutra::base
