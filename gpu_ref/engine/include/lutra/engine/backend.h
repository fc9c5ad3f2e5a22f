#ifndef LUTRA_ENGINE_BACKEND_H_
#define LUTRA_ENGINE_BACKEND_H_

#include <memory>
#include <string>
#include <vector>

#include "lutra/engine/elements.h"

namespace lutra::engine {

/// Runs operations on tensors in host memory. Every backend equals the scalar one bit for bit. The
/// arguments are trusted: lutra::network checks shapes and accumulator bounds before it calls. One
/// backend may be called from several threads at once.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string name() const = 0;
  virtual void conv2d(const Conv2dArgs& args) = 0;
  virtual void votes(const VotesArgs& args) = 0;
  virtual void weighted_sum(const WeightedSumArgs& args) = 0;
  virtual void agreement(const AgreementArgs& args) = 0;
  virtual void squash(const SquashArgs& args) = 0;
  virtual void softmax(const SoftmaxArgs& args) = 0;
  virtual void classify(const ClassifyArgs& args) = 0;
};

/// What --backend may say, the quickest last, and whether this build and machine can run it.
struct BackendInfo {
  std::string name;
  bool available;
  std::string reason;  ///< why not, or what it runs on
};
std::vector<BackendInfo> backends();

/// @param name  "auto" (the quickest that is available), "scalar", "avx512" or "cuda"
/// @throws Error kUsage for an unknown name, kMissingTool for one that this machine cannot run
std::unique_ptr<Backend> make_backend(const std::string& name);

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_BACKEND_H_
