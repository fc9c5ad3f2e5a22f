#ifndef LUTRA_ENGINE_SCALAR_BACKEND_H_
#define LUTRA_ENGINE_SCALAR_BACKEND_H_

#include <memory>

#include "lutra/engine/backend.h"

namespace lutra::engine {

/// The reference: evaluates each operation's outputs one after another.
std::unique_ptr<Backend> make_scalar_backend();

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_SCALAR_BACKEND_H_
