#ifndef LUTRA_ENGINE_CUDA_WARPGROUP_KERNEL_H_
#define LUTRA_ENGINE_CUDA_WARPGROUP_KERNEL_H_

#include "cuda/factorised_tile.h"

namespace lutra::engine::cuda {

/// Products of mapped operands with the tensor cores' instructions of a warpgroup (compute
/// capability 9.0), which read both operands from shared memory. A block of two warpgroups computes
/// 256 x kOutputs sums, a warpgroup two times 64 x kOutputs.
///
/// Products of a step are computed while the next step's operands are waited for; the stage
/// that is overwritten meanwhile is the one before.
template <int kVectorBytes, int kOutputs>
struct WarpgroupKernel : FactorisedTile<kVectorBytes, 256, 256, kOutputs, kOutputs == 64 ? 5 : 8> {
  using Tile = FactorisedTile<kVectorBytes, 256, 256, kOutputs, kOutputs == 64 ? 5 : 8>;
  using typename Tile::Arguments;
  using typename Tile::Shared;
  static constexpr int kBlocksPerMultiprocessor = kOutputs == 64 ? 2 : 1;
  static constexpr bool kUsesWarpgroups = true;
  static constexpr int kStages = Tile::kStages;
  static constexpr int kAhead = kStages - 2;  // steps that are copied before their products

  struct Registers {
    int32_t sums[2][kOutputs / 2];
    typename Tile::TileLoader loader;
  };

  template <typename Block>
  static LUTRA_HD void run(Block& block, const Arguments& args) {
    Shared* const shared = block.shared;
    const auto at = Tile::tile_coordinate(args, block.index);
    auto step = Tile::Step::at(args, at.begin);
    auto ahead = Tile::template start_pipeline<kAhead>(block, args, at);

    int stage = 0;
    int free_stage = kAhead;
    while (step.number < at.end) {
      const int factor = step.factor;
      while (step.factor == factor && step.number < at.end) {
        block.each([&](int, Registers& r) {
          wait_group<kAhead - 1>(&r.loader.copies);
          fence_async_proxy();
        });
        block.barrier();
        block.warpgroups([&](auto& group) {
          group.begin();
          const auto first = group.tile(&shared->stages[0])
                                 .at(stage * Tile::kStageBytes + group.index * 128 * Tile::kTerms);
          const auto second = group.tile(&shared->stages[0])
                                  .at(stage * Tile::kStageBytes + Tile::kRows * Tile::kTerms);
          LUTRA_UNROLL
          for (int half = 0; half < Tile::kTerms; half += 32) {
            LUTRA_UNROLL
            for (int i = 0; i < 2; ++i) {
              group.template multiply_add<kOutputs>([=](Registers& r) { return r.sums[i]; },
                                                    first.at(i * 64 * Tile::kTerms + half),
                                                    second.at(half));
            }
          }
          group.end();
        });
        block.each([&](int thread, Registers& r) {
          r.loader.copy(args, shared, thread, free_stage, ahead, at.end);
        });
        block.warpgroups([&](auto& group) { group.template wait<1>(); });
        ahead.advance(args);
        step.advance(args);
        stage = stage + 1 < kStages ? stage + 1 : 0;
        free_stage = free_stage + 1 < kStages ? free_stage + 1 : 0;
      }
      block.warpgroups([&](auto& group) { group.template wait<0>(); });
      const uint32_t scale = Tile::scale(args, factor, step.number == at.end);
      block.each([&](int, Registers& r) {
        LUTRA_UNROLL
        for (int i = 0; i < 2; ++i) {
          LUTRA_UNROLL
          for (int j = 0; j < kOutputs / 2; ++j) {
            r.sums[i][j] = static_cast<int32_t>(static_cast<uint32_t>(r.sums[i][j]) * scale);
          }
        }
      });
    }
    block.barrier();

    block.each([&](int thread, Registers& r) {
      const int lane = thread % kLanes;
      LUTRA_UNROLL
      for (int i = 0; i < 2; ++i) {
        LUTRA_UNROLL
        for (int j = 0; j < kOutputs / 2; j += 2) {
          const int row = thread / kWarpgroupThreads * 128 + i * 64 +
                          thread % kWarpgroupThreads / kLanes * 16 + j / 2 % 2 * 8 + lane / 4;
          shared->two_sums(row, j / 4 * 8 + lane % 4 * 2) = {
              static_cast<uint32_t>(r.sums[i][j]), static_cast<uint32_t>(r.sums[i][j + 1])};
        }
      }
    });
    block.barrier();
    block.each([&](int thread, Registers&) { Tile::store(args, at, shared, thread); });
  }
};

}  // namespace lutra::engine::cuda

#endif  // LUTRA_ENGINE_CUDA_WARPGROUP_KERNEL_H_
