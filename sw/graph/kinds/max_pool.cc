// max_pool: the largest element of each window, or of each channel.
#include "pool.h"

namespace lutra::graph {

void PoolStep::run(const Step&, const StepRun& run) const {
  run.backend.pool({run.images, height, width, channels, vertical, horizontal, pooling, true,
                    run.inputs[0], run.output});
}

namespace kinds {

std::shared_ptr<const Operation> max_pool(const Attributes& attributes) {
  return std::make_shared<Pool>(Pool::Kind::kMax, attributes);
}

}  // namespace kinds
}  // namespace lutra::graph
