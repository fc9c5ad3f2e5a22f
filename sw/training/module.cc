// The shared module's side that holds libtorch: see module.h.
#include "lutra/training/module.h"

#include <torch/version.h>

extern "C" __attribute__((visibility("default"))) const lutra::training::Module*
lutra_training_module() {
  static const lutra::training::Module kModule = {
      LUTRA_VERSION, TORCH_VERSION, &lutra::training::train, &lutra::training::float_accuracy};
  return &kModule;
}
