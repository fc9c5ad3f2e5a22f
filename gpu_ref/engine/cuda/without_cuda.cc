// What a build without nvcc has in place of cuda_backend.cu.
#include "cuda/cuda_backend.h"
#include "lutra/base/error.h"

namespace lutra::engine {

bool cuda_device(std::string* reason) {
  *reason = "this build has no CUDA: nvcc was not found";
  return false;
}

std::unique_ptr<Backend> make_cuda_backend(std::optional<GemmAlgorithm> /*algorithm*/,
                                           bool /*as_of_8_0*/) {
  std::string reason;
  cuda_device(&reason);
  throw Error(ErrorKind::kUnavailable, "backend cuda: " + reason);
}

}  // namespace lutra::engine
