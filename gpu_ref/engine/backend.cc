#include "lutra/engine/backend.h"

#include "cuda/cuda_backend.h"
#include "lutra/numerics/error.h"
#include "scalar/scalar_backend.h"

namespace lutra::engine {

std::vector<BackendInfo> backends() {
  std::vector<BackendInfo> result{{"scalar", true, "plain C++, the reference"}};
#ifdef LUTRA_HAVE_CUDA
  std::string reason;
  const bool available = cuda_device(&reason);
  result.push_back({"cuda", available, reason});
#else
  result.push_back({"cuda", false, "this build has no CUDA: nvcc was not found"});
#endif
  return result;
}

std::unique_ptr<Backend> make_backend(const std::string& name) {
  std::string known = "auto";
  for (const BackendInfo& info : backends()) {
    known += ", " + info.name;
    if (name != info.name) continue;
    if (!info.available) {
      throw Error(ExitCode::kMissingTool, "backend " + name + ": " + info.reason);
    }
#ifdef LUTRA_HAVE_CUDA
    if (name == "cuda") return make_cuda_backend();
#endif
  }
  if (name == "scalar") return make_scalar_backend();
  if (name == "auto") return make_backend(backends().back().available ? "cuda" : "scalar");
  throw Error(ExitCode::kUsage, "backend '" + name + "' is not known, expected one of: " + known);
}

}  // namespace lutra::engine
