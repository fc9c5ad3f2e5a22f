#include "lutra/engine/backend.h"

#include "avx512/avx512_backend.h"
#include "cuda/cuda_backend.h"
#include "lutra/numerics/error.h"
#include "scalar/scalar_backend.h"

namespace lutra::engine {

std::vector<BackendInfo> backends() {
  std::vector<BackendInfo> result{{"scalar", true, "plain C++, the reference"}};
  std::string reason;
  bool available = avx512_available(&reason);
  result.push_back({"avx512", available, reason});
#ifdef LUTRA_HAVE_CUDA
  available = cuda_device(&reason);
  result.push_back({"cuda", available, reason});
#else
  result.push_back({"cuda", false, "this build has no CUDA: nvcc was not found"});
#endif
  return result;
}

std::unique_ptr<Backend> make_backend(const std::string& name) {
  std::string known = "auto";
  std::string chosen;
  for (const BackendInfo& info : backends()) {
    known += ", " + info.name;
    if (name == info.name && !info.available) {
      throw Error(ExitCode::kMissingTool, "backend " + name + ": " + info.reason);
    }
    if (name == info.name || (name == "auto" && info.available)) chosen = info.name;
  }
  if (chosen == "scalar") return std::make_unique<ScalarBackend>();
  if (chosen == "avx512") return make_avx512_backend();
#ifdef LUTRA_HAVE_CUDA
  if (chosen == "cuda") return make_cuda_backend();
#endif
  throw Error(ExitCode::kUsage, "backend '" + name + "' is not known, expected one of: " + known);
}

}  // namespace lutra::engine
