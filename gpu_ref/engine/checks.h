#ifndef LUTRA_ENGINE_CHECKS_H_
#define LUTRA_ENGINE_CHECKS_H_

#include "lutra/engine/elements.h"
#include "lutra/engine/gradients.h"
#include "lutra/engine/wide.h"

namespace lutra::engine {

/// What every backend asks of its arguments. Each throws Error kInvalidArgument that says what was
/// found and what is allowed.
void check(const GemmArgs& args);
void check(const Conv2dArgs& args);
void check(const PoolArgs& args);
void check(const AddArgs& args);
void check(const RequantiseArgs& args);
void check(const VotesArgs& args);
void check(const WeightedSumArgs& args);
void check(const AgreementArgs& args);
void check(const SquashArgs& args);
void check(const SoftmaxArgs& args);
void check(const ClassifyArgs& args);
void check(const WideGemmArgs& args);
void check(const WideConv2dArgs& args);
void check_input_gradient(const Conv2dGradientArgs& args);
void check_weight_gradient(const Conv2dGradientArgs& args);

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_CHECKS_H_
