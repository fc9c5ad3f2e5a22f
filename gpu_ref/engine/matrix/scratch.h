#ifndef LUTRA_ENGINE_MATRIX_SCRATCH_H_
#define LUTRA_ENGINE_MATRIX_SCRATCH_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace lutra::engine {

/// Memory aligned for whole registers, kept from use to use.
template <typename T>
class Scratch {
 public:
  T* take(size_t count) {
    constexpr size_t kLine = 64;
    const size_t bytes = count * sizeof(T) + kLine;
    if (storage_.size() < bytes) storage_.resize(bytes);
    void* start = storage_.data();
    size_t space = storage_.size();
    return static_cast<T*>(std::align(kLine, count * sizeof(T), start, space));
  }

 private:
  std::vector<uint8_t> storage_;
};

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_MATRIX_SCRATCH_H_
