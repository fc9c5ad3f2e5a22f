#ifndef LUTRA_ENGINE_SCALAR_BACKEND_H_
#define LUTRA_ENGINE_SCALAR_BACKEND_H_

#include "lutra/engine/backend.h"

namespace lutra::engine {

/// The reference: evaluates each operation's outputs one after another.
class ScalarBackend : public Backend {
 public:
  explicit ScalarBackend(int jobs) : jobs_(jobs) {}
  std::string name() const override { return "scalar"; }

 protected:
  void run(const GemmArgs& args) override;
  void run(const Conv2dArgs& args) override;
  void run(const PoolArgs& args) override;
  void run(const AddArgs& args) override;
  void run(const RequantiseArgs& args) override;
  void run(const VotesArgs& args) override;
  void run(const WeightedSumArgs& args) override;
  void run(const AgreementArgs& args) override;
  void run(const SquashArgs& args) override;
  void run(const SoftmaxArgs& args) override;
  void run(const ClassifyArgs& args) override;
  void run_input_gradient(const Conv2dGradientArgs& args) override;
  void run_weight_gradient(const Conv2dGradientArgs& args) override;

  int jobs() const { return jobs_; }

 private:
  int jobs_;
};

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_SCALAR_BACKEND_H_
