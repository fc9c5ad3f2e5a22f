#include "lutra/engine/backend.h"

#include "avx2/avx2_backend.h"
#include "avx512/avx512_backend.h"
#include "checks.h"
#include "cuda/cuda_backend.h"
#include "lutra/base/error.h"
#include "scalar/scalar_backend.h"

namespace lutra::engine {

template <typename Args>
void Backend::checked(const Args& args) {
  check(args);
  run(args);
}
template void Backend::checked(const GemmArgs&);
template void Backend::checked(const Conv2dArgs&);
template void Backend::checked(const PoolArgs&);
template void Backend::checked(const AddArgs&);
template void Backend::checked(const RequantiseArgs&);
template void Backend::checked(const VotesArgs&);
template void Backend::checked(const WeightedSumArgs&);
template void Backend::checked(const AgreementArgs&);
template void Backend::checked(const SquashArgs&);
template void Backend::checked(const SoftmaxArgs&);
template void Backend::checked(const ClassifyArgs&);

void Backend::conv2d_input_gradient(const Conv2dGradientArgs& args) {
  check_input_gradient(args);
  run_input_gradient(args);
}

void Backend::conv2d_weight_gradient(const Conv2dGradientArgs& args) {
  check_weight_gradient(args);
  run_weight_gradient(args);
}

std::vector<BackendInfo> backends() {
  std::vector<BackendInfo> result{{"scalar", true, "plain C++, the reference"}};
  std::string reason;
  bool available = avx2_available(&reason);
  result.push_back({"avx2", available, reason});
  available = avx512_available(&reason);
  result.push_back({"avx512", available, reason});
  available = cuda_device(&reason);
  result.push_back({"cuda", available, reason});
  return result;
}

std::unique_ptr<Backend> make_backend(const std::string& name, int jobs) {
  std::string known = "auto";
  std::string chosen;
  for (const BackendInfo& info : backends()) {
    known += ", " + info.name;
    if (name == info.name && !info.available) {
      throw Error(ErrorKind::kUnavailable, "backend " + name + ": " + info.reason);
    }
    if (name == info.name || (name == "auto" && info.available)) chosen = info.name;
  }
  if (chosen == "scalar") return std::make_unique<ScalarBackend>(jobs);
  if (chosen == "avx2") return make_avx2_backend(jobs);
  if (chosen == "avx512") return make_avx512_backend(jobs);
  if (chosen == "cuda") return make_cuda_backend();
  throw Error(ErrorKind::kInvalidArgument,
              "backend '" + name + "' is not known, expected one of: " + known);
}

}  // namespace lutra::engine
