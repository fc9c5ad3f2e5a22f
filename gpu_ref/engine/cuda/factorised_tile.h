#ifndef LUTRA_ENGINE_CUDA_FACTORISED_TILE_H_
#define LUTRA_ENGINE_CUDA_FACTORISED_TILE_H_

#include "cuda/operand_maps.h"

namespace lutra::engine::cuda {

/// What products of mapped operands need, whichever instructions multiply them. 64 terms of both
/// operands are a stage of shared memory, of which some are being copied while one is used.
///
/// @tparam kVectorBytes   bytes that are copied at once, as in MappedLayout
/// @tparam kThreads_, kRows_, kOutputs_  of a block
template <int kVectorBytes, int kThreads_, int kRows_, int kOutputs_, int kStages_>
struct FactorisedTile {
  static constexpr int kThreads = kThreads_;
  static constexpr int kRows = kRows_;
  static constexpr int kOutputs = kOutputs_;
  static constexpr int kStages = kStages_;
  static constexpr int kTerms = MappedLayout::kTerms;
  static constexpr int kRowsPerCopy = kThreads / 4;         // that a block copies at once
  static constexpr int kRowsCopied = kRows / kRowsPerCopy;  // by each thread
  static constexpr int kOutputsCopied = kOutputs / kRowsPerCopy;
  static_assert(kRows % kRowsPerCopy == 0 && kOutputs % kRowsPerCopy == 0, "");

  struct Arguments {
    ImplicitGemm product;
    Epilogue epilogue;
    MappedLayout layout;
    const int8_t* first;     ///< [factors][matrices][pixels][channels]
    const int8_t* second;    ///< [factors][matrices][outputs][layout.terms]
    const int32_t* offsets;  ///< [layout.terms / kVectorBytes]
    int factors;
    uint32_t scale_ratios[kMaxFactors];
    int row_tiles, output_tiles;
    int splits, steps_per_split;  ///< of the factors * layout.terms / kTerms steps

    LUTRA_HD int steps() const { return factors * (layout.terms / kTerms); }
    LUTRA_HD int64_t blocks() const {
      return int64_t{product.matrices} * splits * row_tiles * output_tiles;
    }
    LUTRA_HD int64_t first_bytes() const { return product.matrices * layout.matrix_bytes(); }
    LUTRA_HD int64_t second_bytes() const {
      return int64_t{product.matrices} * product.outputs * layout.terms;
    }
  };

  static constexpr int kStageBytes = (kRows + kOutputs) * kTerms;
  struct Shared {
    alignas(512) SharedArray<uint8_t, kStages * kStageBytes> stages;  // at the end: sums

    /// Sums of two outputs from an even one on, of four from a multiple of four on.
    LUTRA_HD Uint2& two_sums(int row, int output) {
      return *reinterpret_cast<Uint2*>(&stages[place_of_sum(row, output)]);
    }
    LUTRA_HD Uint4& four_sums(int row, int output) {
      return *reinterpret_cast<Uint4*>(&stages[place_of_sum(row, output)]);
    }

   private:
    LUTRA_HD static int place_of_sum(int row, int output) {
      return (row * kOutputs + (output ^ (row & 3) * 8)) * 4;
    }
  };
  static_assert(kRows * kOutputs * 4 <= kStages * kStageBytes, "");

  /// Row groups are worked through output tile by output tile, so that blocks which run together
  /// share operands in the L2 cache.
  struct TileCoordinate {
    int matrix, row, output, split, begin, end;
  };
  LUTRA_HD static TileCoordinate tile_coordinate(const Arguments& args, int64_t block) {
    constexpr int kGroup = 16;
    const int64_t tiles = int64_t{args.row_tiles} * args.output_tiles;
    const int64_t within = block % tiles;
    block /= tiles;
    const int group = static_cast<int>(within / (kGroup * args.output_tiles));
    const int first = group * kGroup;
    const int height = args.row_tiles - first < kGroup ? args.row_tiles - first : kGroup;
    const int in_group = static_cast<int>(within - int64_t{first} * args.output_tiles);
    const int split = static_cast<int>(block % args.splits);
    const int begin = split * args.steps_per_split;
    const int end = begin + args.steps_per_split;
    return {static_cast<int>(block / args.splits),
            (first + in_group % height) * kRows,
            in_group / height * kOutputs,
            split,
            begin,
            end < args.steps() ? end : args.steps()};
  }

  /// The steps of a split: terms of one factor, then of the next.
  struct Step {
    int number, factor, term;
    LUTRA_HD static Step at(const Arguments& args, int number) {
      const int steps = args.layout.terms / kTerms;
      return {number, number / steps, number % steps * kTerms};
    }
    LUTRA_HD void advance(const Arguments& args) {
      ++number;
      term += kTerms;
      if (term < args.layout.terms) return;
      term = 0;
      ++factor;
    }
  };

  /// What a thread knows of the copies that it makes, 16 bytes of every kRowsPerCopy-th row.
  struct TileLoader {
    uint32_t first_row[kRowsCopied];      ///< where its rows begin, in vectors
    uint32_t second_row[kOutputsCopied];  ///< in 16 bytes
    const int8_t* first;                  ///< the factor's
    const int8_t* second;                 ///< the next step's
    int32_t offsets[16 / kVectorBytes];   ///< of the next step
    AsyncCopies copies;

    LUTRA_HD void start(const Arguments& args, const TileCoordinate& at, int thread,
                        const Step& step) {
      // Rows and outputs beyond the last are copies of it, and are not stored.
      LUTRA_UNROLL
      for (int j = 0; j < kRowsCopied; ++j) {
        const int last = args.product.rows() - 1;
        int row = at.row + thread / 4 + j * kRowsPerCopy;
        row = row < last ? row : last;
        const int64_t pixel = args.layout.pixel(args.product.first, row);
        first_row[j] = static_cast<uint32_t>(
            (at.matrix * args.layout.matrix_bytes() + pixel * args.layout.channels) / kVectorBytes);
      }
      LUTRA_UNROLL
      for (int j = 0; j < kOutputsCopied; ++j) {
        const int last = args.product.outputs - 1;
        int output = at.output + thread / 4 + j * kRowsPerCopy;
        output = output < last ? output : last;
        second_row[j] = static_cast<uint32_t>((int64_t{at.matrix} * args.product.outputs + output) *
                                              (args.layout.terms / 16));
      }
      begin(args, thread, step);
    }

    /// Copies a step into a stage, as a group; nothing from `end` on.
    LUTRA_HD void copy(const Arguments& args, Shared* shared, int thread, int stage,
                       const Step& step, int end) {
      if (step.number < end) copy_step(args, shared, thread, stage, step, end);
      commit_group(&copies);
    }

   private:
    LUTRA_HD void copy_step(const Arguments& args, Shared* shared, int thread, int stage, Step step,
                            int end) {
      uint8_t* const to = &shared->stages[stage * kStageBytes];
      LUTRA_UNROLL
      for (int i = 0; i < 16 / kVectorBytes; ++i) {
        const int8_t* const from = first + offsets[i];
        LUTRA_UNROLL
        for (int j = 0; j < kRowsCopied; ++j) {
          const int at =
              swizzled_offset(thread / 4 + j * kRowsPerCopy, thread % 4) + i * kVectorBytes;
          copy_async<kVectorBytes>(&copies, to + at, from + uint64_t{first_row[j]} * kVectorBytes);
        }
      }
      LUTRA_UNROLL
      for (int j = 0; j < kOutputsCopied; ++j) {
        const int at = swizzled_offset(kRows + thread / 4 + j * kRowsPerCopy, thread % 4);
        copy_async<16>(&copies, to + at, second + uint64_t{second_row[j]} * 16);
      }
      const int factor = step.factor;
      step.advance(args);
      if (step.number == end) return;
      if (step.factor == factor) {
        second += kTerms;
        look_up(args, thread, step);
      } else {
        begin(args, thread, step);
      }
    }
    LUTRA_HD void begin(const Arguments& args, int thread, const Step& step) {
      first = args.first + step.factor * args.first_bytes();
      second = args.second + step.factor * args.second_bytes() + step.term + thread % 4 * 16;
      look_up(args, thread, step);
    }
    LUTRA_HD void look_up(const Arguments& args, int thread, const Step& step) {
      LUTRA_UNROLL
      for (int i = 0; i < 16 / kVectorBytes; ++i) {
        offsets[i] = args.offsets[(step.term + thread % 4 * 16) / kVectorBytes + i];
      }
    }
  };

  /// Has the first kSteps steps copied into the first stages.
  /// @return the step after them
  template <int kSteps, typename Block>
  LUTRA_HD static Step start_pipeline(Block& block, const Arguments& args,
                                      const TileCoordinate& at) {
    Shared* const shared = block.shared;
    Step ahead = Step::at(args, at.begin);
    block.each([&](int thread, auto& r) { r.loader.start(args, at, thread, ahead); });
    for (int stage = 0; stage < kSteps; ++stage) {
      block.each(
          [&](int thread, auto& r) { r.loader.copy(args, shared, thread, stage, ahead, at.end); });
      ahead.advance(args);
    }
    return ahead;
  }

  /// What sums of a factor are multiplied by once its steps, or those of the split, are done.
  LUTRA_HD static uint32_t scale(const Arguments& args, int factor, bool split_ends) {
    // Within a factor that goes on in another split, its own scale is what is left to apply.
    uint32_t product = args.scale_ratios[factor];
    if (split_ends) {
      for (int f = factor + 1; f < args.factors; ++f) product *= args.scale_ratios[f];
    }
    return product;
  }

  /// Stores the sums that lie in shared memory.
  LUTRA_HD static void store(const Arguments& args, const TileCoordinate& at, Shared* shared,
                             int thread) {
    constexpr int kFours = kOutputs / 4;
    const int column = thread % kFours * 4;
    if (at.output + column >= args.product.outputs) return;
    const int left = args.product.rows() - at.row;
    const int rows = left < kRows ? left : kRows;
    const Uint4 added = args.epilogue.added(args.product, at.matrix, at.output + column);
    for (int row = thread / kFours; row < rows; row += kThreads / kFours) {
      args.epilogue.store(args.product, at.matrix, at.row + row, at.output + column,
                          shared->four_sums(row, column), added, at.split);
    }
  }
};

}  // namespace lutra::engine::cuda

#endif  // LUTRA_ENGINE_CUDA_FACTORISED_TILE_H_
