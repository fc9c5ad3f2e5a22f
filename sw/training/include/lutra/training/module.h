#ifndef LUTRA_TRAINING_MODULE_H_
#define LUTRA_TRAINING_MODULE_H_

#include <filesystem>
#include <string>

#include "lutra/training/train.h"

namespace lutra::training {

/// What the shared module `lutra_training.so` offers. libtorch brings 288 shared libraries with it,
/// seconds to load: only what trains opens the module.
struct Module {
  const char* version;  ///< of Lutra; another one's structures may be laid out otherwise
  const char* libtorch;
  decltype(&training::train) train;
  decltype(&training::float_accuracy) float_accuracy;
};

/// The module's one symbol: returns a `const Module*` that lives as long as the process.
inline constexpr const char* kModuleSymbol = "lutra_training_module";

/// Where the module lies: beside the executable, in ../lib or in ../lib/lutra.
/// @throws Error kUnavailable that names the places if it lies in none of them
std::filesystem::path module_path();

/// The module, opened once and never closed.
/// @throws Error kUnavailable that says why it cannot be opened: absent, libtorch is not there, or
/// it belongs to another version of Lutra
const Module& open_module();

}  // namespace lutra::training

#endif  // LUTRA_TRAINING_MODULE_H_
