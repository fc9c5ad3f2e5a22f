#include "lutra/network/dataset.h"

#include <fmt/format.h>
#include <zlib.h>

#include <cstdlib>

#include "lutra/numerics/error.h"
#include "lutra/numerics/fixed.h"
#include "lutra/numerics/sha256.h"

namespace lutra::network {
namespace {

namespace fs = std::filesystem;

std::vector<uint8_t> read_gzip(const fs::path& path) {
  // gzopen reads plain files as they are.
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) {
    throw Error(ExitCode::kMissingTool, fmt::format("{}: cannot be opened", path.string()));
  }
  std::vector<uint8_t> bytes;
  std::vector<uint8_t> chunk(1 << 20);
  int got;
  while ((got = gzread(file, chunk.data(), static_cast<unsigned>(chunk.size()))) > 0) {
    bytes.insert(bytes.end(), chunk.begin(), chunk.begin() + got);
  }
  int code = Z_OK;
  const std::string reason = gzerror(file, &code);
  gzclose(file);
  if (got < 0 || (code != Z_OK && code != Z_STREAM_END)) {
    throw Error(ExitCode::kUsage,
                fmt::format("{}: damaged gzip stream: {}", path.string(), reason));
  }
  return bytes;
}

uint32_t big_endian_32(const std::vector<uint8_t>& bytes, size_t offset) {
  return static_cast<uint32_t>(bytes[offset]) << 24 | bytes[offset + 1] << 16 |
         bytes[offset + 2] << 8 | bytes[offset + 3];
}

/// Checks the header of an IDX file of unsigned bytes and returns its dimensions.
std::vector<size_t> idx_dimensions(const fs::path& path, const std::vector<uint8_t>& bytes,
                                   size_t rank) {
  const uint32_t expected = 0x0800u | static_cast<uint32_t>(rank);
  if (bytes.size() < 4 + 4 * rank) {
    throw Error(ExitCode::kUsage, fmt::format("{}: {} bytes, an IDX header of rank {} has {}",
                                              path.string(), bytes.size(), rank, 4 + 4 * rank));
  }
  if (big_endian_32(bytes, 0) != expected) {
    throw Error(
        ExitCode::kUsage,
        fmt::format("{}: magic number {:#010x}, expected {:#010x} (unsigned bytes, rank {})",
                    path.string(), big_endian_32(bytes, 0), expected, rank));
  }
  std::vector<size_t> dimensions;
  size_t elements = 1;
  for (size_t d = 0; d < rank; ++d) {
    dimensions.push_back(big_endian_32(bytes, 4 + 4 * d));
    elements *= dimensions.back();
  }
  if (bytes.size() != 4 + 4 * rank + elements) {
    throw Error(ExitCode::kUsage,
                fmt::format("{}: {} bytes of data, the header promises {}", path.string(),
                            bytes.size() - 4 - 4 * rank, elements));
  }
  return dimensions;
}

fs::path with_or_without_gz(const fs::path& stem) {
  fs::path zipped = stem;
  zipped += ".gz";
  return fs::exists(zipped) ? zipped : stem;
}

}  // namespace

Dataset read_idx(const fs::path& images, const fs::path& labels, const std::string& name) {
  const std::vector<uint8_t> image_bytes = read_gzip(images);
  const std::vector<uint8_t> label_bytes = read_gzip(labels);
  const auto image_dims = idx_dimensions(images, image_bytes, 3);
  const auto label_dims = idx_dimensions(labels, label_bytes, 1);
  if (image_dims[0] != label_dims[0]) {
    throw Error(ExitCode::kUsage,
                fmt::format("{}: {} labels for the {} images of {}", labels.string(), label_dims[0],
                            image_dims[0], images.string()));
  }
  Dataset data;
  data.name = name;
  data.height = static_cast<int>(image_dims[1]);
  data.width = static_cast<int>(image_dims[2]);
  data.pixels.assign(image_bytes.begin() + 16, image_bytes.end());
  data.labels.assign(label_bytes.begin() + 8, label_bytes.end());
  for (size_t i = 0; i < data.labels.size(); ++i) {
    if (data.labels[i] > 9) {
      throw Error(ExitCode::kUsage, fmt::format("{}: label {} of image {}, expected 0..9",
                                                labels.string(), data.labels[i], i));
    }
  }
  return data;
}

std::string Dataset::sha256() const {
  std::string all = std::to_string(height) + " " + std::to_string(width) + "\n";
  all.append(reinterpret_cast<const char*>(pixels.data()), pixels.size());
  all.append(reinterpret_cast<const char*>(labels.data()), labels.size());
  return numerics::sha256_hex(all);
}

bool is_dataset_name(const std::string& name) { return name == "fashion-mnist"; }

Dataset load_dataset(const std::string& name_or_directory, Split split) {
  fs::path directory = name_or_directory;
  std::string name = name_or_directory;
  if (is_dataset_name(name_or_directory)) {
    const char* override_path = std::getenv("LUTRA_FASHION_MNIST");
    directory = override_path ? override_path : "/usr/share/datasets/fashion-mnist";
    if (!fs::is_directory(directory)) {
      throw Error(ExitCode::kMissingTool,
                  fmt::format("data set fashion-mnist: {} not found; install Debian's package "
                              "dataset-fashion-mnist or set LUTRA_FASHION_MNIST",
                              directory.string()));
    }
  } else if (!fs::is_directory(directory)) {
    throw Error(ExitCode::kUsage,
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

}  // namespace lutra::network
