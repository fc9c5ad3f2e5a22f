#ifndef LUTRA_ENGINE_CUDA_LOOKUP_KERNEL_H_
#define LUTRA_ENGINE_CUDA_LOOKUP_KERNEL_H_

#include "cuda/matrix_product.h"

namespace lutra::engine::cuda {

/// Matrix products with any table. A block computes 768 rows x 64 outputs. For each term it
/// spreads the products of all 256 first operands with the term's 64 second ones out in shared
/// memory, [operand][output]: a row's sums are then increased by one contiguous line of it.
///
/// Eight lanes read a line as 16 bytes each, whatever its operand is, without bank conflicts. A
/// word holds two outputs' products: one addition sums both (mod 2^32), a second instruction, of
/// another pipeline, the upper ones alone; the lower ones are their difference.
///
/// The next term's lines are made while this term's are read, from the columns of the table
/// ([second operand][first operand], 128 KB, which stay in the L1 cache). Lines are permuted by 16
/// bytes so that the transposing stores have no bank conflicts either.
struct LookupKernel {
  static constexpr int kThreads = 384;
  static constexpr int kBlocksPerMultiprocessor = 1;
  static constexpr bool kUsesWarpgroups = false;
  static constexpr int kOutputs = 64;
  static constexpr int kRowsOfThread = 16;
  static constexpr int kRowsOfWarp = kRowsOfThread * 4;
  static constexpr int kRows = kThreads / kLanes * kRowsOfWarp;
  static constexpr int kChunk = 4;  // terms whose operands are fetched together

  struct Arguments {
    MatrixProduct product;
    Finish finish;
    const uint32_t* columns;  ///< [256][128]: pairs of offsets
    int rows_of_tile;         ///< a multiple of kRowsOfWarp, up to kRows
    int row_tiles, output_tiles;
    int parts, terms_of_part;  ///< terms_of_part is a multiple of kChunk

    LUTRA_HD int64_t blocks() const {
      return int64_t{product.matrices} * parts * row_tiles * output_tiles;
    }
  };

  static constexpr int kLineBytes = kOutputs * 2;
  static constexpr int kTableBytes = 256 * kLineBytes;
  static constexpr int kFlushRows = kThreads / kLanes * 16;  // rows that leave at a time

  struct Shared {
    SharedArray<uint8_t, 2 * kTableBytes> lines;         // at the end: sums
    SharedArray<uint16_t, 2 * kChunk * kRows> codes;     // where first operands' lines begin
    SharedArray<uint8_t, 2 * kChunk * kOutputs> second;  // second operands
    SharedArray<Origin, kRows> origins;

    LUTRA_HD Quad& quad(int offset) {
      require_within(offset + 15, 2 * kTableBytes);
      return *reinterpret_cast<Quad*>(&lines.items[offset]);
    }
    LUTRA_HD uint32_t& sum(int row, int output) {
      return *reinterpret_cast<uint32_t*>(&lines[(row * kOutputs + output) * 4]);
    }
  };
  static_assert(kFlushRows * kOutputs * 4 <= 2 * kTableBytes, "");

  struct Registers {
    uint32_t all[kRowsOfThread][4];
    uint32_t upper[kRowsOfThread][4];
    uint32_t first[2];  // operands on their way
    uint32_t second;
  };

  struct Tile {
    int matrix, row, rows, output, begin, end;
    bool first_part;
  };
  LUTRA_HD static Tile tile(const Arguments& args, int64_t block) {
    const int row = static_cast<int>(block % args.row_tiles) * args.rows_of_tile;
    block /= args.row_tiles;
    const int output = static_cast<int>(block % args.output_tiles) * kOutputs;
    block /= args.output_tiles;
    const int begin = static_cast<int>(block % args.parts) * args.terms_of_part;
    const int left = args.product.rows() - row;
    const int terms = args.product.terms();
    return {static_cast<int>(block / args.parts),
            row,
            left < args.rows_of_tile ? left : args.rows_of_tile,
            output,
            begin,
            begin + args.terms_of_part < terms ? begin + args.terms_of_part : terms,
            begin == 0};
  }

  /// Where the line of a first operand begins, with the permutation of its 16-byte pieces: a xor
  /// with 16 times the piece finds the piece.
  LUTRA_HD static uint32_t code(uint32_t operand) {
    return operand * kLineBytes | (operand >> 1 & 7) * 16;
  }

  LUTRA_HD static void fetch(const Arguments& args, const Tile& at, Shared* shared, int thread,
                             int term, bool words, Registers* r) {
    LUTRA_UNROLL
    for (int i = 0; i < kRows / kThreads; ++i) {
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
      for (int i = 0; i < kRows / kThreads; ++i) {
        shared->codes[base * kRows + thread + i * kThreads] =
            static_cast<uint16_t>(code(r.first[i] >> (8 * j) & 255));
      }
      if (thread < kOutputs) {
        shared->second[base * kOutputs + thread] = static_cast<uint8_t>(r.second >> (8 * j));
      }
    }
  }

  /// A warp makes the lines of 64 operands for 8 outputs, a piece, at a time: of the same operands
  /// each time, and of every third piece.
  static constexpr int kPieces = kOutputs / 8;
  static constexpr int kPieceStep = kThreads / kLanes / 4;
  static_assert(kThreads / kLanes % 4 == 0, "");

  struct Unit {
    uint32_t columns[8];  // two operands' offsets of each output
  };

  LUTRA_HD static void load(const Arguments& args, const Shared& shared, int thread, int piece,
                            int buffer_term, Unit* u) {
    const uint32_t* columns = args.columns + thread % (4 * kLanes);
    LUTRA_UNROLL
    for (int i = 0; i < 8; ++i) {
      u->columns[i] = columns[shared.second[buffer_term * kOutputs + piece * 8 + i] * 128];
    }
  }
  LUTRA_HD static void transpose(Shared* shared, int thread, int piece, int buffer, const Unit& u) {
    const auto operand = static_cast<uint32_t>(thread % (4 * kLanes) * 2);
    const int offset = buffer * kTableBytes + (static_cast<int>(code(operand)) ^ piece * 16);
    shared->quad(offset) = {
        low_halves(u.columns[0], u.columns[1]), low_halves(u.columns[2], u.columns[3]),
        low_halves(u.columns[4], u.columns[5]), low_halves(u.columns[6], u.columns[7])};
    shared->quad(offset + kLineBytes) = {
        high_halves(u.columns[0], u.columns[1]), high_halves(u.columns[2], u.columns[3]),
        high_halves(u.columns[4], u.columns[5]), high_halves(u.columns[6], u.columns[7])};
  }

  LUTRA_HD static void add(const Quad& line, uint32_t (&all)[4], uint32_t (&upper)[4]) {
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
      LUTRA_UNROLL
      for (int i = 0; i < kRowsOfThread; ++i) {
        LUTRA_UNROLL
        for (int j = 0; j < 4; ++j) r.all[i][j] = r.upper[i][j] = 0;
      }
      for (int row = thread; row < kRows; row += kThreads) {
        shared->origins[row] =
            args.product.first.origin(at.row + (row < at.rows ? row : at.rows - 1));
      }
      // A thread fetches the rows whose origins it has written.
      fetch(args, at, shared, thread, at.begin, words, &r);
      keep(shared, thread, 0, r);
    });
    block.barrier();
    block.each([&](int thread, Registers&) {
      for (int piece = thread / (4 * kLanes); piece < kPieces; piece += kPieceStep) {
        Unit u;
        load(args, *shared, thread, piece, 0, &u);
        transpose(shared, thread, piece, 0, u);
      }
    });
    block.barrier();

    for (int term = at.begin; term < at.end; ++term) {
      const int step = term - at.begin;
      block.each([&](int thread, Registers& r) {
        const int warp = thread / kLanes;
        const int lane = thread % kLanes;
        const bool fetches = step % kChunk == 0 && term + kChunk < at.end;
        const bool builds = term + 1 < at.end;
        if (fetches) fetch(args, at, shared, thread, term + kChunk, words, &r);
        const int own_row = warp * kRowsOfWarp + lane / 8 * kRowsOfThread;
        const bool adds = warp * kRowsOfWarp < at.rows;
        const uint32_t place = (step & 1) * kTableBytes | (lane % 8) * 16;
        const uint16_t* codes = &shared->codes[step % (2 * kChunk) * kRows + own_row];
        LUTRA_UNROLL
        for (int quarter = 0; quarter < 4; ++quarter) {
          const int piece = warp / 4 + quarter * kPieceStep;
          Unit u;
          const bool builds_unit = builds && piece < kPieces;
          if (builds_unit) load(args, *shared, thread, piece, (step + 1) % (2 * kChunk), &u);
          if (adds) {
            const Pair four = reinterpret_cast<const Pair*>(codes)[quarter];
            const uint32_t lines[4] = {four.x & 0xffffu, four.x >> 16, four.y & 0xffffu,
                                       four.y >> 16};
            LUTRA_UNROLL
            for (int i = 0; i < 4; ++i) {
              add(shared->quad(static_cast<int>(lines[i] ^ place)), r.all[quarter * 4 + i],
                  r.upper[quarter * 4 + i]);
            }
          }
          if (builds_unit) transpose(shared, thread, piece, (step + 1) & 1, u);
        }
        if (fetches) keep(shared, thread, (step / kChunk + 1) & 1, r);
      });
      block.barrier();
    }

    LUTRA_UNROLL
    for (int part = 0; part < 4; ++part) {
      block.each([&](int thread, Registers& r) {
        const int piece = thread % 8;
        LUTRA_UNROLL
        for (int i = 0; i < 4; ++i) {
          LUTRA_UNROLL
          for (int j = 0; j < 4; ++j) {
            const uint32_t upper = r.upper[part * 4 + i][j];
            const int row = thread / 8 * 4 + i;
            shared->sum(row, piece * 8 + 2 * j) = r.all[part * 4 + i][j] - (upper << 16);
            shared->sum(row, piece * 8 + 2 * j + 1) = upper;
          }
        }
      });
      block.barrier();
      block.each([&](int thread, Registers&) {
        const int column = thread % (kOutputs / 4) * 4;
        const int output = at.output + column;
        if (output >= args.product.outputs) return;
        const Quad added = args.finish.added(args.product, at.matrix, output);
        for (int kept = thread / (kOutputs / 4); kept < kFlushRows;
             kept += kThreads / (kOutputs / 4)) {
          const int row = kept / 4 * kRowsOfThread + part * 4 + kept % 4;
          if (row >= at.rows) continue;
          args.finish.store(args.product, at.matrix, at.row + row, output,
                            *reinterpret_cast<const Quad*>(&shared->sum(kept, column)), added,
                            at.first_part);
        }
      });
      block.barrier();
    }
  }
};

}  // namespace lutra::engine::cuda

#endif  // LUTRA_ENGINE_CUDA_LOOKUP_KERNEL_H_
