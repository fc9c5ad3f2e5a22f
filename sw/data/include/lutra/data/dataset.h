#ifndef LUTRA_DATA_DATASET_H_
#define LUTRA_DATA_DATASET_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "lutra/graph/network.h"

namespace lutra::data {

/// Grey images with labels, as the IDX files hold them.
struct Dataset {
  std::string name;             ///< "fashion-mnist test"
  int height = 0;               ///< rows of an image
  int width = 0;                ///< columns of an image
  std::vector<uint8_t> pixels;  ///< [size][height][width], 0..255
  std::vector<uint8_t> labels;  ///< [size], 0..9

  /// Of all pixels and labels: what tells data of one name apart.
  std::string sha256() const;
  int size() const { return static_cast<int>(labels.size()); }
  const uint8_t* image(int index) const {
    return pixels.data() + static_cast<size_t>(index) * height * width;
  }
};

/// The split of a data set: 60,000 training or 10,000 test images of the MNIST family.
enum class Split { kTrain, kTest };

/// Reads a pair of IDX files (gzip or plain).
/// @throws Error kUnavailable when a file is absent, kInvalidArgument when it is truncated,
/// over-long, empty, larger than 1 GiB or not IDX; the text names the file, what was found and what
/// is allowed
Dataset read_idx(const std::filesystem::path& images, const std::filesystem::path& labels,
                 const std::string& name);

/// Whether load_dataset() takes this for a known name rather than a directory.
bool is_dataset_name(const std::string& name);

/// A data set by name: "fashion-mnist" (Debian's dataset-fashion-mnist), or a directory that holds
/// {train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz]. LUTRA_FASHION_MNIST overrides the first's
/// place.
Dataset load_dataset(const std::string& name_or_directory, Split split);

/// The elements of an image as the network sees them: min(127, (p + 1) >> 1), fraction length 7.
/// @return [height * width] int8
std::vector<int8_t> quantise_image(const Dataset& data, int index);

/// @throws Error kInvalidArgument unless the data set has the images first .. first + images - 1,
/// images >= 1, and they are of the size that the network takes
void check_images(const graph::Network& network, const Dataset& data, int first, int images);

}  // namespace lutra::data

#endif  // LUTRA_DATA_DATASET_H_
