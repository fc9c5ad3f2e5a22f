// average_pool: the mean of each window, or of each channel, rounded as everything is.
#include "pool.h"

namespace lutra::graph::kinds {

std::shared_ptr<const Operation> average_pool(const Attributes& attributes) {
  return std::make_shared<Pool>(Pool::Kind::kAverage, attributes);
}

}  // namespace lutra::graph::kinds
