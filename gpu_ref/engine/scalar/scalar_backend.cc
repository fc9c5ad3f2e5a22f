#include "scalar/scalar_backend.h"

#include "lutra/base/threads.h"

namespace lutra::engine {
namespace {

/// @param work  of one output, in products or so; small outputs are grouped into chunks
template <typename Args>
void for_each(const Args& args, int64_t count, int64_t work, int jobs,
              void (*at)(const Args&, int64_t)) {
  constexpr int64_t kChunkWork = 1 << 18;
  const int64_t chunk = std::max<int64_t>(1, kChunkWork / std::max<int64_t>(1, work));
  const auto chunks = static_cast<int>((count + chunk - 1) / chunk);
  base::parallel_for(chunks, 1, jobs, [&](int p, int) {
    const int64_t end = std::min(count, (p + 1) * chunk);
    for (int64_t index = p * chunk; index < end; ++index) at(args, index);
  });
}

}  // namespace

void ScalarBackend::run(const GemmArgs& args) {
  for_each(args, args.count(), args.terms, jobs_, gemm_at);
}
void ScalarBackend::run(const Conv2dArgs& args) {
  for_each(args, args.count(), args.terms(), jobs_, conv2d_at);
}
void ScalarBackend::run(const PoolArgs& args) {
  for_each(args, args.count(), int64_t{args.vertical.kernel} * args.horizontal.kernel, jobs_,
           pool_at);
}
void ScalarBackend::run(const AddArgs& args) { for_each(args, args.count(), 1, jobs_, add_at); }
void ScalarBackend::run(const RequantiseArgs& args) {
  for_each(args, args.count(), 1, jobs_, requantise_at);
}
void ScalarBackend::run(const VotesArgs& args) {
  for_each(args, args.count(), args.in_dim, jobs_, votes_at);
}
void ScalarBackend::run(const WeightedSumArgs& args) {
  for_each(args, args.count(), args.capsules, jobs_, weighted_sum_at);
}
void ScalarBackend::run(const AgreementArgs& args) {
  for_each(args, args.count(), args.out_dim, jobs_, agreement_at);
}
void ScalarBackend::run(const SquashArgs& args) {
  for_each(args, args.count(), 8 * args.dim, jobs_, squash_at);
}
void ScalarBackend::run(const SoftmaxArgs& args) {
  for_each(args, args.count(), 8 * args.classes, jobs_, softmax_at);
}
void ScalarBackend::run(const ClassifyArgs& args) {
  for_each(args, args.count(), int64_t{args.classes} * args.dim, jobs_, classify_at);
}
void ScalarBackend::run_input_gradient(const Conv2dGradientArgs& args) {
  for_each(args, args.input_size(), args.weight_size() / args.in_channels, jobs_,
           conv2d_input_gradient_at);
}
void ScalarBackend::run_weight_gradient(const Conv2dGradientArgs& args) {
  for_each(args, args.weight_size(), int64_t{args.images} * args.out_height() * args.out_width(),
           jobs_, conv2d_weight_gradient_at);
}

}  // namespace lutra::engine
