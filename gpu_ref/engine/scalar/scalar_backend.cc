#include "scalar/scalar_backend.h"

namespace lutra::engine {
namespace {

template <typename Args>
void for_each(const Args& args, void (*at)(const Args&, int64_t)) {
  for (int64_t index = 0; index < args.count(); ++index) at(args, index);
}

}  // namespace

void ScalarBackend::conv2d(const Conv2dArgs& args) { for_each(args, conv2d_at); }
void ScalarBackend::votes(const VotesArgs& args) { for_each(args, votes_at); }
void ScalarBackend::weighted_sum(const WeightedSumArgs& args) { for_each(args, weighted_sum_at); }
void ScalarBackend::agreement(const AgreementArgs& args) { for_each(args, agreement_at); }
void ScalarBackend::squash(const SquashArgs& args) { for_each(args, squash_at); }
void ScalarBackend::softmax(const SoftmaxArgs& args) { for_each(args, softmax_at); }
void ScalarBackend::classify(const ClassifyArgs& args) { for_each(args, classify_at); }

}  // namespace lutra::engine
