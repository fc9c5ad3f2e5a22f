#ifndef LUTRA_ENGINE_SCALAR_BACKEND_H_
#define LUTRA_ENGINE_SCALAR_BACKEND_H_

#include "lutra/engine/backend.h"

namespace lutra::engine {

/// The reference: evaluates each operation's outputs one after another.
class ScalarBackend : public Backend {
 public:
  std::string name() const override { return "scalar"; }
  void conv2d(const Conv2dArgs& args) override;
  void votes(const VotesArgs& args) override;
  void weighted_sum(const WeightedSumArgs& args) override;
  void agreement(const AgreementArgs& args) override;
  void squash(const SquashArgs& args) override;
  void softmax(const SoftmaxArgs& args) override;
  void classify(const ClassifyArgs& args) override;
};

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_SCALAR_BACKEND_H_
