#ifndef LUTRA_TESTS_SW_MODELS_SAVED_NETWORK_H_
#define LUTRA_TESTS_SW_MODELS_SAVED_NETWORK_H_

#include <filesystem>

#include "lutra/base/files.h"
#include "lutra/models/model_files.h"
#include "random_network.h"

namespace lutra::test {

/// Directory of capsnet-edge in int8: the trained network where the source tree has it, otherwise
/// one of random weights, written once into the build directory.
inline std::filesystem::path saved_network() {
  namespace fs = std::filesystem;
  const fs::path trained = fs::path(LUTRA_SOURCE_DIR) / "models/capsnet-edge/int8";
  if (fs::exists(trained / "network.json")) return trained;
  const fs::path random = fs::path(LUTRA_BINARY_DIR) / "test-models/capsnet-edge-random";
  if (fs::exists(random)) return random;
  base::PrivateDirectory work(random.parent_path());
  models::save_quantised(random_network(7), work.path());
  std::error_code error;  // another test may be first
  fs::rename(work.path(), random, error);
  if (!error) work.release();
  return random;
}

}  // namespace lutra::test

#endif  // LUTRA_TESTS_SW_MODELS_SAVED_NETWORK_H_
