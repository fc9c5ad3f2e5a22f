#include "scalar/scalar_backend.h"

namespace lutra::engine {
namespace {

template <typename Args>
void for_each(const Args& args, void (*at)(const Args&, int64_t)) {
  for (int64_t index = 0; index < args.count(); ++index) at(args, index);
}

class ScalarBackend : public Backend {
 public:
  std::string name() const override { return "scalar"; }
  void conv2d(const Conv2dArgs& args) override { for_each(args, conv2d_at); }
  void votes(const VotesArgs& args) override { for_each(args, votes_at); }
  void weighted_sum(const WeightedSumArgs& args) override { for_each(args, weighted_sum_at); }
  void agreement(const AgreementArgs& args) override { for_each(args, agreement_at); }
  void squash(const SquashArgs& args) override { for_each(args, squash_at); }
  void softmax(const SoftmaxArgs& args) override { for_each(args, softmax_at); }
  void classify(const ClassifyArgs& args) override { for_each(args, classify_at); }
};

}  // namespace

std::unique_ptr<Backend> make_scalar_backend() { return std::make_unique<ScalarBackend>(); }

}  // namespace lutra::engine
