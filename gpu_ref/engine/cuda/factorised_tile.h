#ifndef LUTRA_ENGINE_CUDA_FACTORISED_TILE_H_
#define LUTRA_ENGINE_CUDA_FACTORISED_TILE_H_

#include "cuda/operand_maps.h"

namespace lutra::engine::cuda {

/// What products of mapped operands need, whichever instructions multiply them. 64 terms of both
/// operands are a stage of shared memory, of which some are on their way while one is worked on.
///
/// @tparam kPiece   bytes that are copied at once, as in MappedLayout
/// @tparam kThreads_, kRows_, kOutputs_  of a block
template <int kPiece, int kThreads_, int kRows_, int kOutputs_, int kStages_>
struct FactorisedTile {
  static constexpr int kThreads = kThreads_;
  static constexpr int kRows = kRows_;
  static constexpr int kOutputs = kOutputs_;
  static constexpr int kStages = kStages_;
  static constexpr int kTerms = MappedLayout::kTerms;
  static constexpr int kRowsTogether = kThreads / 4;         // that a block copies at once
  static constexpr int kRowsCopied = kRows / kRowsTogether;  // by each thread
  static constexpr int kOutputsCopied = kOutputs / kRowsTogether;
  static_assert(kRows % kRowsTogether == 0 && kOutputs % kRowsTogether == 0, "");

  struct Arguments {
    MatrixProduct product;
    Finish finish;
    MappedLayout layout;
    const int8_t* first;     ///< [factors][matrices][pixels][channels]
    const int8_t* second;    ///< [factors][matrices][outputs][layout.terms]
    const int32_t* offsets;  ///< [layout.terms / kPiece]
    int factors;
    uint32_t to_next[kMostFactors];
    int row_tiles, output_tiles;
    int parts, steps_of_part;  ///< of the factors * layout.terms / kTerms steps

    LUTRA_HD int steps() const { return factors * (layout.terms / kTerms); }
    LUTRA_HD int64_t blocks() const {
      return int64_t{product.matrices} * parts * row_tiles * output_tiles;
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
    LUTRA_HD Pair& two_sums(int row, int output) {
      return *reinterpret_cast<Pair*>(&stages[place_of_sum(row, output)]);
    }
    LUTRA_HD Quad& four_sums(int row, int output) {
      return *reinterpret_cast<Quad*>(&stages[place_of_sum(row, output)]);
    }

   private:
    LUTRA_HD static int place_of_sum(int row, int output) {
      return (row * kOutputs + (output ^ (row & 3) * 8)) * 4;
    }
  };
  static_assert(kRows * kOutputs * 4 <= kStages * kStageBytes, "");

  /// Row groups are worked through output tile by output tile, so that blocks which run together
  /// share operands in the L2 cache.
  struct Place {
    int matrix, row, output, part, begin, end;
  };
  LUTRA_HD static Place place(const Arguments& args, int64_t block) {
    constexpr int kGroup = 16;
    const int64_t tiles = int64_t{args.row_tiles} * args.output_tiles;
    const int64_t within = block % tiles;
    block /= tiles;
    const int group = static_cast<int>(within / (kGroup * args.output_tiles));
    const int first = group * kGroup;
    const int height = args.row_tiles - first < kGroup ? args.row_tiles - first : kGroup;
    const int in_group = static_cast<int>(within - int64_t{first} * args.output_tiles);
    const int part = static_cast<int>(block % args.parts);
    const int begin = part * args.steps_of_part;
    const int end = begin + args.steps_of_part;
    return {static_cast<int>(block / args.parts),
            (first + in_group % height) * kRows,
            in_group / height * kOutputs,
            part,
            begin,
            end < args.steps() ? end : args.steps()};
  }

  /// The steps of a part: terms of one factor, then of the next.
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

  /// What a thread knows of the copies that it makes, 16 bytes of every kRowsTogether-th row.
  struct Copier {
    uint32_t first_row[kRowsCopied];      ///< where its rows begin, in pieces
    uint32_t second_row[kOutputsCopied];  ///< in 16 bytes
    const int8_t* first;                  ///< the factor's
    const int8_t* second;                 ///< the next step's
    int32_t offsets[16 / kPiece];         ///< of the next step
    Copies copies;

    LUTRA_HD void start(const Arguments& args, const Place& at, int thread, const Step& step) {
      // Rows and outputs beyond the last are copies of it, and are not stored.
      LUTRA_UNROLL
      for (int j = 0; j < kRowsCopied; ++j) {
        const int last = args.product.rows() - 1;
        int row = at.row + thread / 4 + j * kRowsTogether;
        row = row < last ? row : last;
        const int64_t pixel = args.layout.pixel(args.product.first, row);
        first_row[j] = static_cast<uint32_t>(
            (at.matrix * args.layout.matrix_bytes() + pixel * args.layout.channels) / kPiece);
      }
      LUTRA_UNROLL
      for (int j = 0; j < kOutputsCopied; ++j) {
        const int last = args.product.outputs - 1;
        int output = at.output + thread / 4 + j * kRowsTogether;
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
      end_group(&copies);
    }

   private:
    LUTRA_HD void copy_step(const Arguments& args, Shared* shared, int thread, int stage, Step step,
                            int end) {
      uint8_t* const to = &shared->stages[stage * kStageBytes];
      LUTRA_UNROLL
      for (int i = 0; i < 16 / kPiece; ++i) {
        const int8_t* const from = first + offsets[i];
        LUTRA_UNROLL
        for (int j = 0; j < kRowsCopied; ++j) {
          const int at = tile_place(thread / 4 + j * kRowsTogether, thread % 4) + i * kPiece;
          copy_later<kPiece>(&copies, to + at, from + uint64_t{first_row[j]} * kPiece);
        }
      }
      LUTRA_UNROLL
      for (int j = 0; j < kOutputsCopied; ++j) {
        const int at = tile_place(kRows + thread / 4 + j * kRowsTogether, thread % 4);
        copy_later<16>(&copies, to + at, second + uint64_t{second_row[j]} * 16);
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
      for (int i = 0; i < 16 / kPiece; ++i) {
        offsets[i] = args.offsets[(step.term + thread % 4 * 16) / kPiece + i];
      }
    }
  };

  /// Has the first kSteps steps copied into the first stages.
  /// @return the step after them
  template <int kSteps, typename Block>
  LUTRA_HD static Step copy_first(Block& block, const Arguments& args, const Place& at) {
    Shared* const shared = block.shared;
    Step ahead = Step::at(args, at.begin);
    block.each([&](int thread, auto& r) { r.copier.start(args, at, thread, ahead); });
    for (int stage = 0; stage < kSteps; ++stage) {
      block.each(
          [&](int thread, auto& r) { r.copier.copy(args, shared, thread, stage, ahead, at.end); });
      ahead.advance(args);
    }
    return ahead;
  }

  /// What sums of a factor are multiplied by once its steps, or those of the part, are done.
  LUTRA_HD static uint32_t scale(const Arguments& args, int factor, bool part_ends) {
    // Within a factor that goes on in another part, its own scale is what is left to apply.
    uint32_t product = args.to_next[factor];
    if (part_ends) {
      for (int f = factor + 1; f < args.factors; ++f) product *= args.to_next[f];
    }
    return product;
  }

  /// Stores the sums that lie in shared memory.
  LUTRA_HD static void store(const Arguments& args, const Place& at, Shared* shared, int thread) {
    constexpr int kFours = kOutputs / 4;
    const int column = thread % kFours * 4;
    if (at.output + column >= args.product.outputs) return;
    const int left = args.product.rows() - at.row;
    const int rows = left < kRows ? left : kRows;
    const Quad added = args.finish.added(args.product, at.matrix, at.output + column);
    for (int row = thread / kFours; row < rows; row += kThreads / kFours) {
      args.finish.store(args.product, at.matrix, at.row + row, at.output + column,
                        shared->four_sums(row, column), added, at.part);
    }
  }
};

}  // namespace lutra::engine::cuda

#endif  // LUTRA_ENGINE_CUDA_FACTORISED_TILE_H_
