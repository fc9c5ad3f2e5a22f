#ifndef LUTRA_ENGINE_CUDA_LOOKUP_KERNEL_H_
#define LUTRA_ENGINE_CUDA_LOOKUP_KERNEL_H_

#include "cuda/implicit_gemm.h"

namespace lutra::engine::cuda {

/// Matrix products with any table. A block computes kRows rows x 64 outputs. For each term it
/// spreads the products of all 256 first operands with the term's 64 second ones out in shared
/// memory, [operand][output]: a row's sums are then increased by one contiguous line of it.
///
/// Eight lanes read a line as 16 bytes each, whatever its operand is, without bank conflicts. A
/// word holds two outputs' products: one addition sums both (mod 2^32), a second instruction, of
/// another pipeline, the upper ones alone; the lower ones are their difference.
///
/// The next term's lines are made while this term's are read, from the columns of the table
/// ([second operand][first operand], 128 KB). Lines are permuted by 16 bytes so that the
/// transposing stores have no bank conflicts either.
///
/// @tparam kTableInShared  whether the columns lie in shared memory (a block takes 217 KB of it),
/// or
///                         are to stay in the L1 cache
template <bool kTableInShared>
struct LookupKernel {
  static constexpr int kThreads = 512;
  static constexpr int kBlocksPerMultiprocessor = 1;
  static constexpr bool kUsesWarpgroups = false;
  static constexpr int kOutputs = 64;
  static constexpr int kRowsPerThread = 8;
  static constexpr int kRowsPerWarp = kRowsPerThread * 4;
  static constexpr int kRows = kThreads / kLanes * kRowsPerWarp;
  static constexpr int kChunk = 4;  // terms whose operands are fetched together
  static constexpr int kFetches = (kRows + kThreads - 1) / kThreads;

  struct Arguments {
    ImplicitGemm product;
    Epilogue epilogue;
    const uint32_t* columns;  ///< [256][128]: pairs of offsets
    int rows_per_tile;        ///< a multiple of kRowsPerWarp, up to kRows
    int row_tiles, output_tiles;
    int splits, terms_per_split;  ///< terms_per_split is a multiple of kChunk

    LUTRA_HD int64_t blocks() const {
      return int64_t{product.matrices} * splits * row_tiles * output_tiles;
    }
  };

  static constexpr int kLineBytes = kOutputs * 2;
  static constexpr int kTableBytes = 256 * kLineBytes;
  static constexpr int kFlushRows = kThreads / kLanes * 16;  // rows that leave at a time
  static_assert(kRowsPerThread % 4 == 0, "");

  struct Shared {
    SharedArray<uint8_t, 2 * kTableBytes> lines;         // at the end: sums
    SharedArray<uint16_t, 2 * kChunk * kRows> codes;     // where first operands' lines begin
    SharedArray<uint8_t, 2 * kChunk * kOutputs> second;  // second operands
    SharedArray<Origin, kRows> origins;
    SharedArray<uint32_t, kTableInShared ? 256 * 128 : 4> columns;

    LUTRA_HD Uint4& uint4_at(int offset) {
      require_within(offset + 15, 2 * kTableBytes);
      return *reinterpret_cast<Uint4*>(&lines.items[offset]);
    }
    LUTRA_HD uint32_t& sum(int row, int output) {
      return *reinterpret_cast<uint32_t*>(&lines[(row * kOutputs + output) * 4]);
    }
  };
  static_assert(kFlushRows * kOutputs * 4 <= 2 * kTableBytes, "");

  struct Registers {
    uint32_t all[kRowsPerThread][4];
    uint32_t upper[kRowsPerThread][4];
    uint32_t first[kFetches];  // operands that are being loaded
    uint32_t second;
    AsyncCopies copies;
  };

  struct Tile {
    int matrix, row, rows, output, split, begin, end;
  };
  LUTRA_HD static Tile tile(const Arguments& args, int64_t block) {
    const int row = static_cast<int>(block % args.row_tiles) * args.rows_per_tile;
    block /= args.row_tiles;
    const int output = static_cast<int>(block % args.output_tiles) * kOutputs;
    block /= args.output_tiles;
    const int split = static_cast<int>(block % args.splits);
    const int begin = split * args.terms_per_split;
    const int left = args.product.rows() - row;
    const int terms = args.product.terms();
    return {static_cast<int>(block / args.splits),
            row,
            left < args.rows_per_tile ? left : args.rows_per_tile,
            output,
            split,
            begin,
            begin + args.terms_per_split < terms ? begin + args.terms_per_split : terms};
  }

  /// Where the line of a first operand begins, with the permutation of its 16-byte vectors: a xor
  /// with 16 times the index of a vector finds it.
  LUTRA_HD static uint32_t code(uint32_t operand) {
    return operand * kLineBytes | (operand >> 1 & 7) * 16;
  }

  LUTRA_HD static void fetch(const Arguments& args, const Tile& at, Shared* shared, int thread,
                             int term, bool words, Registers* r) {
    LUTRA_UNROLL
    for (int i = 0; i < kFetches; ++i) {
      if (thread + i * kThreads >= kRows) break;
      r->first[i] = args.product.first.four(at.matrix, shared->origins[thread + i * kThreads], term,
                                            at.end, words);
    }
    r->second = 0;
    if (thread >= kOutputs || at.output + thread >= args.product.outputs) return;
    for (int i = 0; i < kChunk && term + i < at.end; ++i) {
      const int8_t w = args.product.second.element(at.matrix, at.output + thread, term + i);
      r->second |= uint32_t{static_cast<uint8_t>(w)} << (8 * i);
    }
  }

  LUTRA_HD static void keep(Shared* shared, int thread, int buffer, const Registers& r) {
    LUTRA_UNROLL
    for (int j = 0; j < kChunk; ++j) {
      const int base = buffer * kChunk + j;
      LUTRA_UNROLL
      for (int i = 0; i < kFetches; ++i) {
        if (thread + i * kThreads >= kRows) break;
        shared->codes[base * kRows + thread + i * kThreads] =
            static_cast<uint16_t>(code(r.first[i] >> (8 * j) & 255));
      }
      if (thread < kOutputs) {
        shared->second[base * kOutputs + thread] = static_cast<uint8_t>(r.second >> (8 * j));
      }
    }
  }

  /// A warp makes the lines of 64 operands for 8 outputs, a vector, at a time: of the same operands
  /// each time, and of every fourth vector.
  static constexpr int kVectorStep = kThreads / kLanes / 4;
  static constexpr int kUnits = kOutputs / 8 / kVectorStep;
  static_assert(kVectorStep * kUnits * 8 == kOutputs && kRowsPerThread % kUnits == 0, "");

  struct Unit {
    uint32_t columns[8];  // two operands' offsets of each output
  };

  /// @param second  the term's second operands
  LUTRA_HD static void load(const Arguments& args, const Shared& shared, const uint8_t* second,
                            int thread, int vector, Unit* u) {
    const uint32_t* columns =
        (kTableInShared ? &shared.columns[0] : args.columns) + thread % (4 * kLanes);
    const Uint2 operands = *reinterpret_cast<const Uint2*>(second + vector * 8);
    LUTRA_UNROLL
    for (int i = 0; i < 8; ++i) {
      const uint32_t operand = (i < 4 ? operands.x : operands.y) >> (i % 4 * 8) & 255;
      u->columns[i] = columns[operand * 128];
    }
  }
  LUTRA_HD static void transpose(Shared* shared, int thread, int vector, int buffer,
                                 const Unit& u) {
    const auto operand = static_cast<uint32_t>(thread % (4 * kLanes) * 2);
    const int offset = buffer * kTableBytes + (static_cast<int>(code(operand)) ^ vector * 16);
    shared->uint4_at(offset) = {
        low_halves(u.columns[0], u.columns[1]), low_halves(u.columns[2], u.columns[3]),
        low_halves(u.columns[4], u.columns[5]), low_halves(u.columns[6], u.columns[7])};
    shared->uint4_at(offset + kLineBytes) = {
        high_halves(u.columns[0], u.columns[1]), high_halves(u.columns[2], u.columns[3]),
        high_halves(u.columns[4], u.columns[5]), high_halves(u.columns[6], u.columns[7])};
  }

  LUTRA_HD static void add(const Uint4& line, uint32_t (&all)[4], uint32_t (&upper)[4]) {
    all[0] += line.x;
    all[1] += line.y;
    all[2] += line.z;
    all[3] += line.w;
    upper[0] = add_high_half(line.x, upper[0]);
    upper[1] = add_high_half(line.y, upper[1]);
    upper[2] = add_high_half(line.z, upper[2]);
    upper[3] = add_high_half(line.w, upper[3]);
  }

  template <typename Block>
  static LUTRA_HD void run(Block& block, const Arguments& args) {
    Shared* const shared = block.shared;
    const Tile at = tile(args, block.index);
    const bool words = args.product.first.in_words();

    block.each([&](int thread, Registers& r) {
      for (int row = thread; row < kRows; row += kThreads) {
        shared->origins[row] =
            args.product.first.origin(at.row + (row < at.rows ? row : at.rows - 1));
      }
      if (kTableInShared) {
        for (int i = thread * 4; i < 256 * 128; i += kThreads * 4) {
          copy_async<16>(&r.copies, &shared->columns[i], args.columns + i);
        }
        commit_group(&r.copies);
      }
      // A thread fetches the rows whose origins it has written.
      fetch(args, at, shared, thread, at.begin, words, &r);
      keep(shared, thread, 0, r);
      if (kTableInShared) wait_group<0>(&r.copies);
    });
    block.barrier();
    block.each([&](int thread, Registers&) {
      LUTRA_UNROLL
      for (int unit = 0; unit < kUnits; ++unit) {
        const int vector = thread / (4 * kLanes) + unit * kVectorStep;
        Unit u;
        load(args, *shared, &shared->second[0], thread, vector, &u);
        transpose(shared, thread, vector, 0, u);
      }
    });
    block.barrier();

    int chunk = 0;  // which of the two buffers of operands
    for (int term = at.begin; term < at.end; term += kChunk, chunk ^= 1) {
      const bool fetches = term + kChunk < at.end;
      LUTRA_UNROLL
      for (int j = 0; j < kChunk; ++j) {
        if (term + j >= at.end) break;
        block.each([&](int thread, Registers& r) {
          if (j == 0 && fetches) fetch(args, at, shared, thread, term + kChunk, words, &r);
          const int warp = thread / kLanes;
          const int lane = thread % kLanes;
          const bool adds = warp * kRowsPerWarp < at.rows;
          const uint32_t place = lane % 8 * 16;
          const uint16_t* codes = &shared->codes[(chunk * kChunk + j) * kRows +
                                                 warp * kRowsPerWarp + lane / 8 * kRowsPerThread];
          // Lines that are made after the last term are of no use, and do no harm.
          const int next = j + 1 < kChunk ? chunk * kChunk + j + 1 : (chunk ^ 1) * kChunk;
          const uint8_t* second = &shared->second[next * kOutputs];
          const int first_vector = thread / (4 * kLanes);
          if (adds) {
            LUTRA_UNROLL
            for (int unit = 0; unit < kUnits; ++unit) {
              const int vector = first_vector + unit * kVectorStep;
              Unit u;
              load(args, *shared, second, thread, vector, &u);
              constexpr int kRowsPerUnit = kRowsPerThread / kUnits;
              LUTRA_UNROLL
              for (int row = unit * kRowsPerUnit; row < (unit + 1) * kRowsPerUnit; row += 2) {
                const uint32_t two = *reinterpret_cast<const uint32_t*>(codes + row);
                const int even = j % 2 * kTableBytes + static_cast<int>((two & 0xffffu) ^ place);
                const int odd = j % 2 * kTableBytes + static_cast<int>(two >> 16 ^ place);
                add(shared->uint4_at(even), r.all[row], r.upper[row]);
                add(shared->uint4_at(odd), r.all[row + 1], r.upper[row + 1]);
              }
              transpose(shared, thread, vector, (j + 1) % 2, u);
            }
          } else {
            LUTRA_UNROLL
            for (int unit = 0; unit < kUnits; ++unit) {
              const int vector = first_vector + unit * kVectorStep;
              Unit u;
              load(args, *shared, second, thread, vector, &u);
              transpose(shared, thread, vector, (j + 1) % 2, u);
            }
          }
          if (j == kChunk - 2 && fetches) keep(shared, thread, chunk ^ 1, r);
        });
        block.barrier();
      }
    }

    LUTRA_UNROLL
    for (int group = 0; group < kRowsPerThread / 4; ++group) {
      block.each([&](int thread, Registers& r) {
        const int vector = thread % 8;
        LUTRA_UNROLL
        for (int i = 0; i < 4; ++i) {
          LUTRA_UNROLL
          for (int j = 0; j < 4; ++j) {
            const uint32_t upper = r.upper[group * 4 + i][j];
            const int row = thread / 8 * 4 + i;
            shared->sum(row, vector * 8 + 2 * j) = r.all[group * 4 + i][j] - (upper << 16);
            shared->sum(row, vector * 8 + 2 * j + 1) = upper;
          }
        }
      });
      block.barrier();
      block.each([&](int thread, Registers&) {
        const int column = thread % (kOutputs / 4) * 4;
        const int output = at.output + column;
        if (output >= args.product.outputs) return;
        const Uint4 added = args.epilogue.added(args.product, at.matrix, output);
        for (int kept = thread / (kOutputs / 4); kept < kFlushRows;
             kept += kThreads / (kOutputs / 4)) {
          const int row = kept / 4 * kRowsPerThread + group * 4 + kept % 4;
          if (row >= at.rows) continue;
          args.epilogue.store(args.product, at.matrix, at.row + row, output,
                              *reinterpret_cast<const Uint4*>(&shared->sum(kept, column)), added,
                              at.split);
        }
      });
      block.barrier();
    }
  }
};

}  // namespace lutra::engine::cuda

#endif  // LUTRA_ENGINE_CUDA_LOOKUP_KERNEL_H_
