#ifndef LUTRA_ENGINE_CUDA_WARP_KERNEL_H_
#define LUTRA_ENGINE_CUDA_WARP_KERNEL_H_

#include "cuda/factorised_tile.h"

namespace lutra::engine::cuda {

/// Products of mapped operands with the tensor cores' instructions of a warp (compute
/// capability 8.0 and later). A block of four warps computes 128 x 128 sums, or 256 x 64 where
/// there are few outputs, a warp 64 x 64.
template <int kVectorBytes, int kWarpColumns>
struct WarpKernel : FactorisedTile<kVectorBytes, 128, 256 / kWarpColumns, 64 * kWarpColumns, 4> {
  using Tile = FactorisedTile<kVectorBytes, 128, 256 / kWarpColumns, 64 * kWarpColumns, 4>;
  using typename Tile::Arguments;
  using typename Tile::Shared;
  static constexpr int kBlocksPerMultiprocessor = 2;
  static constexpr bool kUsesWarpgroups = false;
  static constexpr int kStages = Tile::kStages;

  struct Registers {
    int32_t sums[4][8][4];
    uint32_t a[4][4];
    uint32_t b[8][2];
    typename Tile::TileLoader loader;
  };

  template <typename Block>
  static LUTRA_HD void run(Block& block, const Arguments& args) {
    Shared* const shared = block.shared;
    const auto at = Tile::tile_coordinate(args, block.index);
    auto step = Tile::Step::at(args, at.begin);
    auto ahead = Tile::template start_pipeline<kStages - 1>(block, args, at);

    while (step.number < at.end) {
      const int done = step.number - at.begin;
      block.each([&](int, Registers& r) { wait_group<kStages - 2>(&r.loader.copies); });
      block.barrier();
      block.each([&](int thread, Registers& r) {
        r.loader.copy(args, shared, thread, (done + kStages - 1) % kStages, ahead, at.end);
      });
      ahead.advance(args);
      block.warps([&](auto& warp) { multiply(warp, shared, done % kStages); });
      const int factor = step.factor;
      step.advance(args);
      if (step.factor == factor && step.number < at.end) continue;
      const uint32_t scale = Tile::scale(args, factor, step.number == at.end);
      block.each([&](int, Registers& r) {
        LUTRA_UNROLL
        for (int i = 0; i < 4; ++i) {
          LUTRA_UNROLL
          for (int j = 0; j < 8; ++j) {
            LUTRA_UNROLL
            for (int k = 0; k < 4; ++k) {
              r.sums[i][j][k] =
                  static_cast<int32_t>(static_cast<uint32_t>(r.sums[i][j][k]) * scale);
            }
          }
        }
      });
    }
    block.barrier();

    block.each([&](int thread, Registers& r) {
      const int warp = thread / kLanes;
      const int lane = thread % kLanes;
      LUTRA_UNROLL
      for (int i = 0; i < 4; ++i) {
        LUTRA_UNROLL
        for (int j = 0; j < 8; ++j) {
          LUTRA_UNROLL
          for (int k = 0; k < 4; k += 2) {
            const int row = warp / kWarpColumns * 64 + i * 16 + k / 2 * 8 + lane / 4;
            const int output = warp % kWarpColumns * 64 + j * 8 + lane % 4 * 2;
            shared->two_sums(row, output) = {static_cast<uint32_t>(r.sums[i][j][k]),
                                             static_cast<uint32_t>(r.sums[i][j][k + 1])};
          }
        }
      }
    });
    block.barrier();
    block.each([&](int thread, Registers&) { Tile::store(args, at, shared, thread); });
  }

 private:
  template <typename Warp>
  static LUTRA_HD void multiply(Warp& warp, Shared* shared, int stage) {
    const int first = warp.index / kWarpColumns * 64;
    const int second = Tile::kRows + warp.index % kWarpColumns * 64;
    const int begin = stage * Tile::kStageBytes;
    LUTRA_UNROLL
    for (int half = 0; half < Tile::kTerms / 32; ++half) {
      LUTRA_UNROLL
      for (int j = 0; j < 4; ++j) {
        warp.load_matrices(
            [=](Registers& r) { return r.b[2 * j]; },
            [=](int lane) {
              const int row = second + j * 16 + lane / 16 * 8 + lane % 8;
              return &shared->stages[begin + swizzled_offset(row, half * 2 + lane / 8 % 2)];
            });
      }
      LUTRA_UNROLL
      for (int i = 0; i < 4; ++i) {
        warp.load_matrices(
            [=](Registers& r) { return r.a[i]; },
            [=](int lane) {
              const int row = first + i * 16 + lane / 8 % 2 * 8 + lane % 8;
              return &shared->stages[begin + swizzled_offset(row, half * 2 + lane / 16)];
            });
      }
      LUTRA_UNROLL
      for (int i = 0; i < 4; ++i) {
        LUTRA_UNROLL
        for (int j = 0; j < 8; ++j) {
          warp.multiply_add([=](Registers& r) { return r.sums[i][j]; },
                            [=](Registers& r) { return r.a[i]; },
                            [=](Registers& r) { return r.b[j]; });
        }
      }
    }
  }
};

}  // namespace lutra::engine::cuda

#endif  // LUTRA_ENGINE_CUDA_WARP_KERNEL_H_
