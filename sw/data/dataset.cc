#include "lutra/data/dataset.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "lutra/base/error.h"
#include "lutra/base/sha256.h"
#include "lutra/graph/network.h"
#include "lutra/numerics/fixed.h"

namespace lutra::data {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLargestData = size_t{1} << 30;

/// A file, gzip or plain, that is read bit by bit: what gzip expands to has no limit of its own.
class GzipFile {
 public:
  explicit GzipFile(const fs::path& path) : path_(path) {
    // gzopen reads plain files as they are.
    file_ = fs::is_directory(path) ? nullptr : gzopen(path.c_str(), "rb");
    if (file_ == nullptr) {
      throw Error(ErrorKind::kUnavailable, fmt::format("{}: cannot be opened", path.string()));
    }
  }
  ~GzipFile() { gzclose(file_); }
  GzipFile(const GzipFile&) = delete;
  GzipFile& operator=(const GzipFile&) = delete;

  /// The next `size` bytes, or fewer at the file's end.
  std::vector<uint8_t> read(size_t size) {
    std::vector<uint8_t> bytes;
    while (bytes.size() < size) {
      const size_t at = bytes.size();
      bytes.resize(at + std::min(size - at, size_t{1} << 20));
      const int got = gzread(file_, &bytes[at], static_cast<unsigned>(bytes.size() - at));
      bytes.resize(at + static_cast<size_t>(std::max(got, 0)));
      int code = Z_OK;
      const std::string reason = gzerror(file_, &code);
      if (got < 0 || (code != Z_OK && code != Z_STREAM_END)) {
        throw Error(ErrorKind::kInvalidArgument,
                    fmt::format("{}: damaged gzip stream: {}", path_.string(), reason));
      }
      if (got == 0) break;
    }
    return bytes;
  }

 private:
  fs::path path_;
  gzFile file_;
};

uint32_t big_endian_32(const std::vector<uint8_t>& bytes, size_t offset) {
  return static_cast<uint32_t>(bytes[offset]) << 24 | bytes[offset + 1] << 16 |
         bytes[offset + 2] << 8 | bytes[offset + 3];
}

/// An IDX file of unsigned bytes.
struct Idx {
  std::vector<size_t> dimensions;
  std::vector<uint8_t> elements;
};

/// Reads what the header promises, and no more.
Idx read_idx_file(const fs::path& path, size_t rank) {
  const auto fail = [&path](const std::string& what) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: {}", path.string(), what));
  };
  GzipFile file(path);
  const size_t header_size = 4 + 4 * rank;
  const std::vector<uint8_t> header = file.read(header_size);
  if (header.size() < header_size) {
    fail(
        fmt::format("{} bytes, an IDX header of rank {} has {}", header.size(), rank, header_size));
  }
  const uint32_t expected = 0x0800u | static_cast<uint32_t>(rank);
  if (big_endian_32(header, 0) != expected) {
    fail(fmt::format("magic number {:#010x}, expected {:#010x} (unsigned bytes, rank {})",
                     big_endian_32(header, 0), expected, rank));
  }
  Idx idx;
  size_t elements = 1;
  for (size_t d = 0; d < rank; ++d) {
    const size_t dimension = big_endian_32(header, 4 + 4 * d);
    idx.dimensions.push_back(dimension);
    if (dimension != 0 && elements > kLargestData / dimension) {
      elements = kLargestData + 1;
    } else {
      elements *= dimension;
    }
  }
  // A later dimension of 0 must not hide an earlier overflow.
  const bool none =
      std::find(idx.dimensions.begin(), idx.dimensions.end(), size_t{0}) != idx.dimensions.end();
  if (none || elements > kLargestData) {
    fail(fmt::format("the header promises {} elements, expected at least one and at most {}",
                     fmt::join(idx.dimensions, " x "), kLargestData));
  }
  idx.elements = file.read(elements + 1);
  if (idx.elements.size() > elements) {
    fail(fmt::format("more bytes of data than the {} that the header promises", elements));
  }
  if (idx.elements.size() < elements) {
    fail(fmt::format("{} bytes of data, the header promises {}", idx.elements.size(), elements));
  }
  return idx;
}

fs::path with_or_without_gz(const fs::path& stem) {
  fs::path zipped = stem;
  zipped += ".gz";
  return fs::exists(zipped) ? zipped : stem;
}

}  // namespace

Dataset read_idx(const fs::path& images, const fs::path& labels, const std::string& name) {
  Idx pixels = read_idx_file(images, 3);
  Idx classes = read_idx_file(labels, 1);
  if (pixels.dimensions[0] != classes.dimensions[0]) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: {} labels for the {} images of {}", labels.string(),
                            classes.dimensions[0], pixels.dimensions[0], images.string()));
  }
  Dataset data;
  data.name = name;
  data.height = static_cast<int>(pixels.dimensions[1]);
  data.width = static_cast<int>(pixels.dimensions[2]);
  data.pixels = std::move(pixels.elements);
  data.labels = std::move(classes.elements);
  for (size_t i = 0; i < data.labels.size(); ++i) {
    if (data.labels[i] > 9) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: label {} of image {}, expected 0..9", labels.string(),
                              data.labels[i], i));
    }
  }
  return data;
}

std::string Dataset::sha256() const {
  std::string all = std::to_string(height) + " " + std::to_string(width) + "\n";
  all.append(reinterpret_cast<const char*>(pixels.data()), pixels.size());
  all.append(reinterpret_cast<const char*>(labels.data()), labels.size());
  return base::sha256_hex(all);
}

bool is_dataset_name(const std::string& name) { return name == "fashion-mnist"; }

Dataset load_dataset(const std::string& name_or_directory, Split split) {
  fs::path directory = name_or_directory;
  std::string name = name_or_directory;
  if (is_dataset_name(name_or_directory)) {
    const char* override_path = std::getenv("LUTRA_FASHION_MNIST");
    directory = override_path ? override_path : "/usr/share/datasets/fashion-mnist";
    if (!fs::is_directory(directory)) {
      throw Error(ErrorKind::kUnavailable,
                  fmt::format("data set fashion-mnist: {} not found; install Debian's package "
                              "dataset-fashion-mnist or set LUTRA_FASHION_MNIST",
                              directory.string()));
    }
  } else if (!fs::is_directory(directory)) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("data set '{}': neither a known name (fashion-mnist) nor a directory "
                            "of IDX files",
                            name_or_directory));
  } else {
    name = fs::weakly_canonical(directory).filename().string();
  }
  const std::string prefix = split == Split::kTrain ? "train" : "t10k";
  return read_idx(with_or_without_gz(directory / (prefix + "-images-idx3-ubyte")),
                  with_or_without_gz(directory / (prefix + "-labels-idx1-ubyte")),
                  name + (split == Split::kTrain ? " train" : " test"));
}

std::vector<int8_t> quantise_image(const Dataset& data, int index) {
  const size_t elements = static_cast<size_t>(data.height) * data.width;
  std::vector<int8_t> result(elements);
  const uint8_t* pixels = data.image(index);
  for (size_t i = 0; i < elements; ++i) result[i] = numerics::quantise_pixel(pixels[i]);
  return result;
}

void check_images(const graph::Network& network, const Dataset& data, int first, int images) {
  const graph::Shape& image = network.input();
  if (data.height != image[0] || data.width != image[1]) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("data set {}: images of {}x{}, {} takes {}x{}", data.name, data.height,
                            data.width, network.name(), image[0], image[1]));
  }
  const size_t pixels = static_cast<size_t>(data.height) * data.width;
  if (image[2] != 1 || data.pixels.size() != pixels * data.labels.size()) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("data set {}: {} pixels in {} images of {}x{}, {} takes {} channels",
                            data.name, data.pixels.size(), data.size(), data.height, data.width,
                            network.name(), image[2]));
  }
  if (first < 0 || images < 1 || images > data.size() - first) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("{} images from number {} on, {} has {}",
                                                         images, first, data.name, data.size()));
  }
}

}  // namespace lutra::data
