#ifndef LUTRA_ENGINE_CUDA_CUDA_BACKEND_H_
#define LUTRA_ENGINE_CUDA_CUDA_BACKEND_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "lutra/engine/backend.h"
#include "matrix/gemm_algorithm.h"

namespace lutra::engine {

/// Whether a CUDA device can be used; `reason` gets its name, or why not.
bool cuda_device(std::string* reason);

/// What a kernel's speed is compared with.
struct CudaLimits {
  double
      lookups_per_second;  ///< 16-bit products out of shared memory: 64 a cycle and multiprocessor
  double int8_products_per_second;  ///< of the tensor cores, dense
};
CudaLimits cuda_limits();

/// Operations on the first CUDA device. Matrix products go by tiles (product_plan.h), all else one
/// thread an output. Tensors travel to the device and back with each call, large ones in chunks, so
/// that copies and kernels overlap; tables stay there as long as their multiplier.
/// @param algorithm  what plan_for() would choose; for tests. Products that it cannot compute go by
/// lookup
/// @param as_of_8_0  whether to use what all devices since compute capability 8.0 have, and no more
std::unique_ptr<Backend> make_cuda_backend(std::optional<GemmAlgorithm> algorithm = {},
                                           bool as_of_8_0 = false);

/// Seconds that the device spends on the kernels of what `work` asks of a CUDA backend.
/// @param backend  of make_cuda_backend(), used by nobody else meanwhile
double cuda_kernel_seconds(Backend& backend, const std::function<void()>& work);

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_CUDA_CUDA_BACKEND_H_
