#ifndef LUTRA_TRAINING_CHECKPOINT_H_
#define LUTRA_TRAINING_CHECKPOINT_H_

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "lutra/graph/network.h"
#include "lutra/training/network_module.h"

namespace lutra::training {

/// All that an interrupted run needs to go on and end with the same bytes. The file is a line that
/// names the format, a line of JSON {"key", "sha256"}, and a libtorch archive; the checksum is of
/// key and archive.
class Checkpoint {
 public:
  /// @param path  empty: nothing is kept
  /// @param key   all that the run depends on; another run's checkpoint has another one
  Checkpoint(std::filesystem::path path, nlohmann::json key);

  /// @throws Error kInvalidArgument if the file cannot be written; an older one stays as it was
  void save(NetworkModule& model, torch::optim::Adam& optimizer, const graph::FloatWeights& best,
            const nlohmann::json& state) const;

  /// What save() was given; or false, and nothing is touched, when there is no checkpoint or a
  /// damaged one, which `progress` is told.
  /// @throws Error kInvalidArgument for another run's, which says what differs
  bool load(const graph::Network& description, NetworkModule& model, torch::optim::Adam& optimizer,
            graph::FloatWeights* best, nlohmann::json* state,
            const std::function<void(const std::string&)>& progress) const;

 private:
  std::filesystem::path path_;
  nlohmann::json key_;
};

}  // namespace lutra::training

#endif  // LUTRA_TRAINING_CHECKPOINT_H_
