#ifndef LUTRA_TESTS_GPU_REF_ENGINE_CUDA_EMULATION_H_
#define LUTRA_TESTS_GPU_REF_ENGINE_CUDA_EMULATION_H_

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "cuda/product_plan.h"

/// Runs the kernels of the CUDA backend on the host: block after block, between two barriers thread
/// after thread. Tensor-core instructions are done for the 32 lanes of a warp at once, and
/// those of a warpgroup for all its 128 threads, with the fragment layouts of the PTX ISA
/// (mma.m16n8k32, ldmatrix, wgmma).
namespace lutra::engine::cuda {

template <typename Registers>
struct EmulatedWarp {
  int index;
  Registers* lanes;  ///< [32]

  template <typename To, typename Row>
  void load_matrices(const To& to, const Row& row) {
    const uint8_t* rows[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) {
      rows[lane] = row(lane);
      if (reinterpret_cast<uintptr_t>(rows[lane]) % 16 != 0) std::abort();
    }
    for (int lane = 0; lane < kLanes; ++lane) {
      for (int matrix = 0; matrix < 4; ++matrix) {
        std::memcpy(&to(lanes[lane])[matrix], rows[matrix * 8 + lane / 4] + lane % 4 * 4, 4);
      }
    }
  }

  template <typename Sum, typename A, typename B>
  void multiply_add(const Sum& sum, const A& a, const B& b) {
    int8_t x[16][32];
    int8_t y[8][32];
    for (int lane = 0; lane < kLanes; ++lane) {
      for (int byte = 0; byte < 4; ++byte) {
        const int group = lane / 4;
        const int k = lane % 4 * 4 + byte;
        for (int i = 0; i < 4; ++i) {
          x[group + i % 2 * 8][k + i / 2 * 16] =
              static_cast<int8_t>(a(lanes[lane])[i] >> (8 * byte));
        }
        for (int i = 0; i < 2; ++i) {
          y[group][k + i * 16] = static_cast<int8_t>(b(lanes[lane])[i] >> (8 * byte));
        }
      }
    }
    for (int lane = 0; lane < kLanes; ++lane) {
      for (int i = 0; i < 4; ++i) {
        const int8_t* left = x[lane / 4 + i / 2 * 8];
        const int8_t* right = y[lane % 4 * 2 + i % 2];
        int32_t dot = 0;
        for (int k = 0; k < 32; ++k) dot += left[k] * right[k];
        int32_t* to = &sum(lanes[lane])[i];
        *to = static_cast<int32_t>(static_cast<uint32_t>(*to) + static_cast<uint32_t>(dot));
      }
    }
  }
};

/// Products of a warpgroup that it has asked for. They are done at once or as late as allowed: both
/// must do.
using Group = std::vector<std::function<void()>>;

template <typename Registers>
struct EmulatedWarpgroup {
  int index;
  Registers* threads;  ///< [128]
  bool late;
  std::vector<Group>* groups;

  struct Tile {
    const uint8_t* begin;
    Tile at(int bytes) const { return {begin + bytes}; }
  };
  Tile tile(const uint8_t* begin) const { return {begin}; }

  template <int kOutputs, typename Sum>
  void multiply_add(const Sum& sum, Tile a, Tile b) {
    const auto work = [=, threads = threads] {
      for (int row = 0; row < 64; ++row) {
        for (int output = 0; output < kOutputs; ++output) {
          uint32_t dot = 0;
          for (int k = 0; k < 32; ++k) {
            dot += static_cast<uint32_t>(element(a.begin, row, k) * element(b.begin, output, k));
          }
          const int thread = row / 16 * kLanes + row % 8 * 4 + output % 8 / 2;
          const int register_ = output / 8 * 4 + row % 16 / 8 * 2 + output % 2;
          int32_t* const to = &sum(threads[thread])[register_];
          *to = static_cast<int32_t>(static_cast<uint32_t>(*to) + dot);
        }
      }
    };
    if (late) {
      groups->back().push_back(work);
    } else {
      work();
    }
  }
  void begin() {}
  void end() { groups->emplace_back(); }
  template <int kPending>
  void wait() {
    while (groups->size() > kPending + 1) {
      for (const auto& product : groups->front()) product();
      groups->erase(groups->begin());
    }
  }

 private:
  static int element(const uint8_t* tile, int row, int k) {
    const int half = reinterpret_cast<uintptr_t>(tile) % 64 / 32;
    const uint8_t* const begin = tile - half * 32;
    if (reinterpret_cast<uintptr_t>(begin) % 512 != 0) std::abort();
    return static_cast<int8_t>(begin[swizzled_offset(row, half * 2 + k / 16) + k % 16]);
  }
};

/// In which order threads run between two barriers: the results must not depend on it.
enum class Order : uint8_t { kUp, kDown };

template <typename Kernel>
struct EmulatedBlock {
  int64_t index;
  typename Kernel::Shared* shared;
  Order order;
  std::vector<typename Kernel::Registers> registers;
  std::vector<std::vector<Group>> products =
      std::vector<std::vector<Group>>(Kernel::kThreads / kWarpgroupThreads, std::vector<Group>(1));

  int next(int i, int count) const { return order == Order::kUp ? i : count - 1 - i; }
  template <typename F>
  void each(const F& f) {
    for (int i = 0; i < Kernel::kThreads; ++i) {
      const int thread = next(i, Kernel::kThreads);
      f(thread, registers[thread]);
    }
  }
  template <typename F>
  void warps(const F& f) {
    for (int i = 0; i < Kernel::kThreads / kLanes; ++i) {
      const int number = next(i, Kernel::kThreads / kLanes);
      EmulatedWarp<typename Kernel::Registers> warp{number, &registers[number * kLanes]};
      f(warp);
    }
  }
  template <typename F>
  void warpgroups(const F& f) {
    constexpr int kGroups = Kernel::kThreads / kWarpgroupThreads;
    for (int i = 0; i < kGroups; ++i) {
      const int number = next(i, kGroups);
      EmulatedWarpgroup<typename Kernel::Registers> group{
          number, &registers[number * kWarpgroupThreads], order == Order::kDown, &products[number]};
      f(group);
    }
  }
  void barrier() {}
};

/// The `Context` of cuda/product_plan.h. Each buffer has its own heap block, so that the
/// address sanitizer sees what reaches beyond it.
class EmulatedContext {
 public:
  EmulatedContext(const DeviceProperties& properties, Order order)
      : properties_(properties), order_(order) {}

  const DeviceProperties& properties() const { return properties_; }
  int64_t blocks() const { return blocks_; }

  template <typename T>
  T* scratch(int64_t count) {
    const size_t bytes = static_cast<size_t>(count) * sizeof(T);
    void* memory = std::aligned_alloc(16, (bytes + 15) / 16 * 16);
    std::memset(memory, 0xa5, bytes);
    owned_.emplace_back(memory, std::free);
    return static_cast<T*>(memory);
  }

  template <typename Kernel>
  void run(const typename Kernel::Arguments& args) {
    for (int64_t i = 0; i < args.blocks(); ++i) {
      const auto shared = std::make_unique<typename Kernel::Shared>();
      std::memset(static_cast<void*>(shared.get()), 0x5a, sizeof(*shared));
      EmulatedBlock<Kernel> block{order_ == Order::kUp ? i : args.blocks() - 1 - i, shared.get(),
                                  order_,
                                  std::vector<typename Kernel::Registers>(Kernel::kThreads)};
      Kernel::run(block, args);
      ++blocks_;
    }
  }
  template <typename Args, void (*At)(const Args&, int64_t)>
  void for_each(const Args& args, int64_t count) {
    for (int64_t i = 0; i < count; ++i) At(args, i);
  }

 private:
  DeviceProperties properties_;
  Order order_;
  int64_t blocks_ = 0;
  std::vector<std::unique_ptr<void, void (*)(void*)>> owned_;
};

}  // namespace lutra::engine::cuda

#endif  // LUTRA_TESTS_GPU_REF_ENGINE_CUDA_EMULATION_H_
