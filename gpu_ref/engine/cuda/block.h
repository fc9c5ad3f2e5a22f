#ifndef LUTRA_ENGINE_CUDA_BLOCK_H_
#define LUTRA_ENGINE_CUDA_BLOCK_H_

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#ifndef __CUDACC__
#include <functional>
#include <vector>
#endif

#include "lutra/numerics/hd.h"

/// What a kernel is written with, so that the same source runs on a device and, thread after
/// thread, in a test on the host. A kernel is a struct with kThreads, kBlocksPerMultiprocessor,
/// kUsesWarpgroups, Arguments, Shared, Registers and
///
///   template <typename Block> static LUTRA_HD void run(Block& block, const Arguments& args);
///
/// whose body calls block.each(f) for what every thread does, block.warps(f) and
/// block.warpgroups(f) for what the threads of a warp or of four do together, and block.barrier().
/// Control flow outside of these is the same for all threads; registers begin as zeros.
namespace lutra::engine::cuda {

constexpr int kLanes = 32;
constexpr int kWarpgroupThreads = 128;

#ifdef __CUDA_ARCH__
#define LUTRA_UNROLL _Pragma("unroll")
#else
#define LUTRA_UNROLL
#endif

// wgmma is there in code for sm_90a alone, and not in PTX for later ones.
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
#define LUTRA_WARPGROUPS
constexpr bool kHasWarpgroups = true;
#else
constexpr bool kHasWarpgroups = false;
#endif

LUTRA_HD inline void require_within(int64_t index, int64_t count) {
#ifndef __CUDA_ARCH__
  if (index >= 0 && index < count) return;
  std::fprintf(stderr, "kernel: index %lld of %lld\n", static_cast<long long>(index),
               static_cast<long long>(count));
  std::abort();
#endif
}

/// An array in shared memory; on the host with its bounds checked.
template <typename T, int kCount>
struct SharedArray {
  alignas(16) T items[kCount];
  LUTRA_HD T& operator[](int i) {
    require_within(i, kCount);
    return items[i];
  }
  LUTRA_HD const T& operator[](int i) const {
    require_within(i, kCount);
    return items[i];
  }
};

/// Where 16 bytes of a row lie in a tile whose rows have 64 bytes: permuted, so that neither copies
/// into it nor loads of fragments have bank conflicts. It is what wgmma calls a swizzle of 64
/// bytes, where the tile begins at a multiple of 512.
LUTRA_HD inline int swizzled_offset(int row, int vector) {
  return row * 64 + (vector ^ (row >> 1 & 3)) * 16;
}

/// 16 bytes that are loaded and stored at once.
struct alignas(16) Uint4 {
  uint32_t x, y, z, w;
};
struct alignas(8) Uint2 {
  uint32_t x, y;
};

/// Both low halves, or both high halves, of two words.
LUTRA_HD inline uint32_t low_halves(uint32_t first, uint32_t second) {
#ifdef __CUDA_ARCH__
  return __byte_perm(first, second, 0x5410);
#else
  return (first & 0xffffu) | second << 16;
#endif
}
LUTRA_HD inline uint32_t high_halves(uint32_t first, uint32_t second) {
#ifdef __CUDA_ARCH__
  return __byte_perm(first, second, 0x7632);
#else
  return first >> 16 | (second & 0xffff0000u);
#endif
}

/// sum + (word >> 16) as one instruction of the pipeline that additions do not use.
LUTRA_HD inline uint32_t add_high_half(uint32_t word, uint32_t sum) {
#ifdef __CUDA_ARCH__
  return __dp2a_lo(word, 0x0100u, sum);
#else
  return sum + (word >> 16);
#endif
}

/// What a thread has asked to be copied to shared memory. On the device the hardware keeps account.
struct AsyncCopies {
#ifndef __CUDACC__
  using Group = std::vector<std::function<void()>>;
  std::vector<Group> groups = std::vector<Group>(1);
  /// Whether copies arrive as soon as asked for, or as late as allowed: both must do.
  static bool& early() {
    static bool value = false;
    return value;
  }
#endif
};

/// Copies kBytes (4 or 16) from global to shared memory, some time before the wait for its
/// group.
template <int kBytes>
LUTRA_HD void copy_async(AsyncCopies* copies, void* to, const void* from) {
#if defined(__CUDA_ARCH__)
  (void)copies;
  const auto address = static_cast<unsigned>(__cvta_generic_to_shared(to));
  if constexpr (kBytes == 16) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(address), "l"(from) : "memory");
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(address), "l"(from) : "memory");
  }
#elif defined(__CUDACC__)
  (void)copies, (void)to, (void)from;  // nvcc's host side runs no kernels
#else
  if (reinterpret_cast<uintptr_t>(from) % kBytes != 0 ||
      reinterpret_cast<uintptr_t>(to) % kBytes != 0) {
    std::fprintf(stderr, "kernel: a copy of %d bytes is not aligned\n", kBytes);
    std::abort();
  }
  if (AsyncCopies::early()) {
    std::memcpy(to, from, kBytes);
  } else {
    copies->groups.back().push_back([=] { std::memcpy(to, from, kBytes); });
  }
#endif
}

/// Ends a group of copies.
LUTRA_HD inline void commit_group(AsyncCopies* copies) {
#if defined(__CUDA_ARCH__)
  (void)copies;
  asm volatile("cp.async.commit_group;" ::: "memory");
#elif defined(__CUDACC__)
  (void)copies;
#else
  copies->groups.emplace_back();
#endif
}

/// Waits for all groups but the last kPending.
template <int kPending>
LUTRA_HD void wait_group(AsyncCopies* copies) {
#if defined(__CUDA_ARCH__)
  (void)copies;
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
#elif defined(__CUDACC__)
  (void)copies;
#else
  while (copies->groups.size() > kPending + 1) {
    for (const auto& copy : copies->groups.front()) copy();
    copies->groups.erase(copies->groups.begin());
  }
#endif
}

/// Lets tensor cores see what this thread has written to shared memory: they read it through
/// another proxy than threads do.
LUTRA_HD inline void fence_async_proxy() {
#ifdef LUTRA_WARPGROUPS
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}

#ifdef __CUDACC__

#ifdef __CUDA_ARCH__
/// A warp of a device: each lane has its own registers.
template <typename Registers>
struct DeviceWarp {
  int index;
  int lane;
  Registers* registers;

  /// Four matrices of 8 rows of 16 bytes; lane i names row i % 8 of matrix i / 8, and gets 4 bytes
  /// of each: (lane % 4) * 4.. of row lane / 4.
  template <typename To, typename Row>
  __device__ void load_matrices(const To& to, const Row& row) {
    uint32_t* r = to(*registers);
    const auto address = static_cast<unsigned>(__cvta_generic_to_shared(row(lane)));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address)
                 : "memory");
  }

  /// sum[16][8] += a[16][32] b[8][32]^T in int8; fragments as in the PTX ISA, mma.m16n8k32.
  template <typename Sum, typename A, typename B>
  __device__ void multiply_add(const Sum& sum, const A& a, const B& b) {
    int32_t* c = sum(*registers);
    const uint32_t* x = a(*registers);
    const uint32_t* y = b(*registers);
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};"
        : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
        : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]), "r"(y[1]));
  }
};

#ifdef LUTRA_WARPGROUPS
// Sixteen and 32 registers of an array, as operands that are read and written.
#define LUTRA_4(c, i) "+r"((c)[i]), "+r"((c)[(i) + 1]), "+r"((c)[(i) + 2]), "+r"((c)[(i) + 3])
#define LUTRA_16(c, i) LUTRA_4(c, i), LUTRA_4(c, (i) + 4), LUTRA_4(c, (i) + 8), LUTRA_4(c, (i) + 12)
#define LUTRA_32(c, i) LUTRA_16(c, i), LUTRA_16(c, (i) + 16)

/// Where in shared memory an operand of a warpgroup's product lies, as the PTX ISA describes it:
/// the address in units of 16 bytes; 512 bytes between groups of 8 rows and the kind of swizzle.
struct TileDescriptor {
  uint32_t address;
  __device__ TileDescriptor at(int bytes) const {
    return {address + (static_cast<uint32_t>(bytes) >> 4)};
  }
  __device__ uint64_t bits() const {
    return uint64_t{2} << 62 | uint64_t{512 >> 4} << 32 | 1u << 16 | address;
  }
};

/// Four warps of a device.
template <typename Registers>
struct DeviceWarpgroup {
  int index;
  Registers* registers;

  /// @param begin  of a tile as of swizzled_offset(), a multiple of 512
  __device__ TileDescriptor tile(const uint8_t* begin) const {
    return {static_cast<uint32_t>(__cvta_generic_to_shared(begin)) >> 4};
  }

  /// sums[64][kOutputs] += a[64][32] b[kOutputs][32]^T in int8, done some time before the wait for
  /// its group. Lane l of warp w has in element j * 4 + k the sum of row w * 16 + l / 4 + k / 2 * 8
  /// and output j * 8 + l % 4 * 2 + k % 2.
  /// @param a, b  32 bytes of a tile's rows, from one on that is a multiple of 8
  template <int kOutputs, typename Sum>
  __device__ void multiply_add(const Sum& sum, TileDescriptor a, TileDescriptor b) {
    int32_t* c = sum(*registers);
    static_assert(kOutputs == 64 || kOutputs == 128, "");
    if constexpr (kOutputs == 64) {
      asm volatile(
          "{ .reg .pred adds; setp.eq.u32 adds, 0, 0;\n"
          "wgmma.mma_async.sync.aligned.m64n64k32.s32.s8.s8 {"
          "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,"
          "%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31}, %32, %33, adds; }\n"
          : LUTRA_32(c, 0)
          : "l"(a.bits()), "l"(b.bits()));
    } else {
      asm volatile(
          "{ .reg .pred adds; setp.eq.u32 adds, 0, 0;\n"
          "wgmma.mma_async.sync.aligned.m64n128k32.s32.s8.s8 {"
          "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,"
          "%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31,"
          "%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,"
          "%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63}, %64, %65, adds; }\n"
          : LUTRA_32(c, 0), LUTRA_32(c, 32)
          : "l"(a.bits()), "l"(b.bits()));
    }
  }
  /// Before the first product after the sums or published memory have been touched.
  __device__ void begin() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
  /// Ends a group of products.
  __device__ void end() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
  /// Waits for all groups but the last kPending.
  template <int kPending>
  __device__ void wait() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
  }
};
#endif

/// A block of a device, as one of its threads sees it.
template <typename Kernel>
struct DeviceBlock {
  int64_t index;
  typename Kernel::Shared* shared;
  typename Kernel::Registers registers;

  template <typename F>
  __device__ __forceinline__ void each(const F& f) {
    f(static_cast<int>(threadIdx.x), registers);
  }
  template <typename F>
  __device__ __forceinline__ void warps(const F& f) {
    DeviceWarp<typename Kernel::Registers> warp{static_cast<int>(threadIdx.x) / kLanes,
                                                static_cast<int>(threadIdx.x) % kLanes, &registers};
    f(warp);
  }
#ifdef LUTRA_WARPGROUPS
  template <typename F>
  __device__ __forceinline__ void warpgroups(const F& f) {
    DeviceWarpgroup<typename Kernel::Registers> group{
        static_cast<int>(threadIdx.x) / kWarpgroupThreads, &registers};
    f(group);
  }
#endif
  __device__ __forceinline__ void barrier() { __syncthreads(); }
};
#endif

template <typename Kernel>
__global__ void __launch_bounds__(Kernel::kThreads, Kernel::kBlocksPerMultiprocessor)
    run_kernel(const __grid_constant__ typename Kernel::Arguments args) {
#ifdef __CUDA_ARCH__
  extern __shared__ __align__(1024) char shared_memory[];
  if constexpr (kHasWarpgroups || !Kernel::kUsesWarpgroups) {
    DeviceBlock<Kernel> block{static_cast<int64_t>(blockIdx.x),
                              reinterpret_cast<typename Kernel::Shared*>(shared_memory),
                              {}};
    Kernel::run(block, args);
  }
#endif
}

/// Grid-stride loop over the elements of what one thread an element computes.
template <typename Args, void (*At)(const Args&, int64_t)>
__global__ void __launch_bounds__(256) evaluate(const __grid_constant__ Args args, int64_t count) {
#ifdef __CUDA_ARCH__
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t index = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; index < count;
       index += step) {
    At(args, index);
  }
#endif
}

#endif  // __CUDACC__

}  // namespace lutra::engine::cuda

#endif  // LUTRA_ENGINE_CUDA_BLOCK_H_
