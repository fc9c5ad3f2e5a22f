#ifndef LUTRA_ENGINE_BACKEND_H_
#define LUTRA_ENGINE_BACKEND_H_

#include <memory>
#include <string>
#include <vector>

#include "lutra/engine/elements.h"
#include "lutra/engine/gradients.h"

namespace lutra::engine {

/// Runs operations on tensors in host memory. Every backend equals the scalar one bit for bit,
/// whatever the number of threads. One backend may be called from several threads at once.
///
/// Each operation first checks its arguments: sizes, pointers, operands outside their type, the
/// bound of the accumulators. Where one is wrong it throws Error kInvalidArgument and leaves the
/// outputs untouched; where memory, the device's included, does not suffice, Error kUnimplemented.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string name() const = 0;

  void gemm(const GemmArgs& args) { checked(args); }
  void conv2d(const Conv2dArgs& args) { checked(args); }
  void pool(const PoolArgs& args) { checked(args); }
  void add(const AddArgs& args) { checked(args); }
  void requantise(const RequantiseArgs& args) { checked(args); }
  void votes(const VotesArgs& args) { checked(args); }
  void weighted_sum(const WeightedSumArgs& args) { checked(args); }
  void agreement(const AgreementArgs& args) { checked(args); }
  void squash(const SquashArgs& args) { checked(args); }
  void softmax(const SoftmaxArgs& args) { checked(args); }
  void classify(const ClassifyArgs& args) { checked(args); }
  void conv2d_input_gradient(const Conv2dGradientArgs& args);
  void conv2d_weight_gradient(const Conv2dGradientArgs& args);

 protected:
  virtual void run(const GemmArgs& args) = 0;
  virtual void run(const Conv2dArgs& args) = 0;
  virtual void run(const PoolArgs& args) = 0;
  virtual void run(const AddArgs& args) = 0;
  virtual void run(const RequantiseArgs& args) = 0;
  virtual void run(const VotesArgs& args) = 0;
  virtual void run(const WeightedSumArgs& args) = 0;
  virtual void run(const AgreementArgs& args) = 0;
  virtual void run(const SquashArgs& args) = 0;
  virtual void run(const SoftmaxArgs& args) = 0;
  virtual void run(const ClassifyArgs& args) = 0;
  virtual void run_input_gradient(const Conv2dGradientArgs& args) = 0;
  virtual void run_weight_gradient(const Conv2dGradientArgs& args) = 0;

 private:
  template <typename Args>
  void checked(const Args& args);
};

/// What --backend may say, the quickest last, and whether this build and machine can run it.
struct BackendInfo {
  std::string name;
  bool available;
  std::string reason;  ///< why not, or what it runs on
};
std::vector<BackendInfo> backends();

/// @param name  "auto" (the quickest that is available), "scalar", "avx2", "avx512" or "cuda"
/// @param jobs  threads of one operation; 0: all cores
/// @throws Error kInvalidArgument for an unknown name, kUnavailable for one that this machine
/// cannot run
std::unique_ptr<Backend> make_backend(const std::string& name, int jobs = 0);

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_BACKEND_H_
