#ifndef LUTRA_ENGINE_CUDA_BACKEND_H_
#define LUTRA_ENGINE_CUDA_BACKEND_H_

#include <memory>
#include <string>

#include "lutra/engine/backend.h"

namespace lutra::engine {

/// Whether a CUDA device can be used; `reason` gets its name, or why not.
bool cuda_device(std::string* reason);

/// Operations on the first CUDA device, one thread an output. Tensors travel to the device and back
/// with each call.
std::unique_ptr<Backend> make_cuda_backend();

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_CUDA_BACKEND_H_
