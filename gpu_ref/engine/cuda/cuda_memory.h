#ifndef LUTRA_ENGINE_CUDA_CUDA_MEMORY_H_
#define LUTRA_ENGINE_CUDA_CUDA_MEMORY_H_

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lutra/base/error.h"

namespace lutra::engine::cuda {

/// A device that is not there is another thing than one that has failed.
inline ErrorKind kind_of(cudaError_t status) {
  switch (status) {
    case cudaErrorNoDevice:
    case cudaErrorInsufficientDriver:
    case cudaErrorDevicesUnavailable:
    case cudaErrorDeviceUninitialized:
    case cudaErrorSystemNotReady:
    case cudaErrorSystemDriverMismatch:
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorUnsupportedPtxVersion:
      return ErrorKind::kUnavailable;
    case cudaErrorMemoryAllocation:
      return ErrorKind::kExhausted;
    case cudaErrorECCUncorrectable:
      return ErrorKind::kDataLoss;
    default:
      return ErrorKind::kInternal;
  }
}

inline void check(cudaError_t status, const char* doing) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // or the next call would report it again
  throw Error(kind_of(status), std::string("CUDA, ") + doing + ": " + cudaGetErrorString(status));
}

/// @throws Error kExhausted where the device has too little memory left
inline void* allocate(size_t bytes) {
  void* memory = nullptr;
  const cudaError_t status = cudaMalloc(&memory, std::max<size_t>(bytes, 1));
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    size_t free = 0;
    size_t total = 0;
    cudaMemGetInfo(&free, &total);
    throw Error(ErrorKind::kExhausted,
                "CUDA: " + std::to_string(bytes) + " bytes of device memory are needed at once, " +
                    std::to_string(free) + " of " + std::to_string(total) + " are free" +
                    (bytes <= free ? ", in smaller pieces" : ""));
  }
  check(status, "allocating");
  return memory;
}

/// A constant array in device memory.
template <typename T>
class DeviceArray {
 public:
  DeviceArray() = default;
  DeviceArray(const T* host, size_t count) : memory_(static_cast<T*>(allocate(sizeof(T) * count))) {
    const cudaError_t status = cudaMemcpy(memory_, host, sizeof(T) * count, cudaMemcpyHostToDevice);
    if (status == cudaSuccess) return;
    cudaFree(memory_);
    check(status, "copying a table in");
  }
  DeviceArray(DeviceArray&& other) noexcept : memory_(std::exchange(other.memory_, nullptr)) {}
  DeviceArray& operator=(DeviceArray&& other) noexcept {
    std::swap(memory_, other.memory_);
    return *this;
  }
  ~DeviceArray() { cudaFree(memory_); }

  const T* get() const { return memory_; }

 private:
  T* memory_ = nullptr;
};

/// Device memory that is handed out piece by piece and taken back all at once. It keeps what it has
/// once needed.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { release(); }

  void* take(size_t bytes) {
    constexpr size_t kAlignment = 256;
    bytes = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    while (current_ < chunks_.size() && used_ + bytes > chunks_[current_].bytes) {
      ++current_;
      used_ = 0;
    }
    if (current_ == chunks_.size()) {
      const size_t chunk = std::max(bytes, kMinChunk);
      // Room that is not needed is not worth a failure.
      size_t free = 0;
      size_t total = 0;
      check(cudaMemGetInfo(&free, &total), "asking for free memory");
      const size_t size = chunk < free ? chunk : bytes;
      chunks_.push_back({});
      try {
        chunks_.back() = {static_cast<char*>(allocate(size)), size};
      } catch (...) {
        chunks_.pop_back();
        throw;
      }
      used_ = 0;
    }
    char* const memory = chunks_[current_].memory + used_;
    used_ += bytes;
    return memory;
  }

  /// Takes everything back; nothing may be running that uses it, but in the same stream.
  void reset() { current_ = used_ = 0; }

  void release() {
    for (const Chunk& chunk : chunks_) cudaFree(chunk.memory);
    chunks_.clear();
    reset();
  }

 private:
  static constexpr size_t kMinChunk = size_t{16} << 20;
  struct Chunk {
    char* memory;
    size_t bytes;
  };
  std::vector<Chunk> chunks_;
  size_t current_ = 0;
  size_t used_ = 0;
};

}  // namespace lutra::engine::cuda

#endif  // LUTRA_ENGINE_CUDA_CUDA_MEMORY_H_
