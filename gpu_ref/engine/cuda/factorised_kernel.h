#ifndef LUTRA_ENGINE_CUDA_FACTORISED_KERNEL_H_
#define LUTRA_ENGINE_CUDA_FACTORISED_KERNEL_H_

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "cuda/matrix_product.h"
#include "lutra/tables/factorisation.h"
#include "lutra/tables/product_table.h"

namespace lutra::engine::cuda {

constexpr int kMostFactors = 16;

/// A factorisation as int8 matrix products need it.
///
/// Sums are of s_1 A_1 + s_2 A_2 + ... modulo 2^32, A_t the matrix product of term t. With the
/// terms ordered by falling powers of two in their scales, s_t / s_t+1 exists modulo 2^32, so that
/// one accumulator does: it is multiplied by that quotient between two terms.
struct Factors {
  int terms = 0;
  std::array<uint32_t, kMostFactors> to_next{};  ///< s_t / s_t+1; of the last term s_t itself
  std::vector<int8_t> u, v;                      ///< [terms][256]; u moved into int8 by a constant
  std::array<int32_t, 256> row{};
  std::array<int32_t, 256> column{};  ///< with what the moved u lack
  bool has_row = false;
  bool has_column = false;
};

inline uint32_t odd_inverse(uint32_t odd) {
  uint32_t inverse = odd;  // right in 3 bits; each step doubles them
  for (int i = 0; i < 4; ++i) inverse *= 2 - odd * inverse;
  return inverse;
}

/// Nothing where there are more terms than the kernel takes, or maps that do not fit bytes.
inline std::optional<Factors> factors(const tables::Factorisation& f,
                                      const tables::ProductTable& table) {
  std::vector<const tables::Term*> terms;
  for (const tables::Term& term : f.terms) {
    if (term.scale != 0) terms.push_back(&term);
  }
  if (terms.size() > kMostFactors) return std::nullopt;
  const tables::Term nothing;
  if (terms.empty()) terms.push_back(&nothing);
  const auto power_of_two = [](int32_t scale) {
    return static_cast<uint32_t>(scale) & (0u - static_cast<uint32_t>(scale));
  };
  std::stable_sort(terms.begin(), terms.end(), [&](const auto* a, const auto* b) {
    return power_of_two(a->scale) > power_of_two(b->scale);
  });

  Factors result;
  result.terms = static_cast<int>(terms.size());
  result.row = f.row;
  result.column = f.column;
  for (int t = 0; t < result.terms; ++t) {
    const tables::Term& term = *terms[t];
    const auto scale = static_cast<uint32_t>(term.scale);
    if (t + 1 < result.terms) {
      const auto next = static_cast<uint32_t>(terms[t + 1]->scale);
      const uint32_t power = power_of_two(terms[t + 1]->scale);
      result.to_next[t] = scale / power * odd_inverse(next / power);
    } else {
      result.to_next[t] = scale;
    }
    int largest = INT32_MIN;
    int smallest = INT32_MAX;
    for (int a = table.first().lowest(); a <= table.first().highest(); ++a) {
      largest = std::max(largest, term.u[a & 255]);
      smallest = std::min(smallest, term.u[a & 255]);
    }
    const int shift = std::max(0, largest - INT8_MAX);
    if (smallest - shift < INT8_MIN) return std::nullopt;
    for (int byte = 0; byte < 256; ++byte) {
      // Bytes that are no operand may end up as anything.
      result.u.push_back(static_cast<int8_t>(term.u[byte] - shift));
      if (term.v[byte] < INT8_MIN || term.v[byte] > INT8_MAX) return std::nullopt;
      result.v.push_back(static_cast<int8_t>(term.v[byte]));
      result.column[byte] = static_cast<int32_t>(static_cast<uint32_t>(result.column[byte]) +
                                                 scale * static_cast<uint32_t>(shift) *
                                                     static_cast<uint32_t>(term.v[byte]));
    }
  }
  for (int32_t x : result.row) result.has_row |= x != 0;
  for (int32_t x : result.column) result.has_column |= x != 0;
  return result;
}

/// How mapped operands lie: channels of a tap padded with zeros to a multiple of `piece` bytes (4
/// or 16), which is what is copied at once; images with their padding around them, so that no row
/// has to be tested for it.
struct MappedLayout {
  int piece;
  int channels;       ///< padded
  int height, width;  ///< padded
  int terms;          ///< taps * channels, padded to a multiple of kTerms
  int64_t pixels;     ///< of a matrix

  static constexpr int kTerms = 64;

  LUTRA_HD int64_t matrix_bytes() const { return pixels * channels; }

  static MappedLayout of(const MatrixProduct& product) {
    const Windows& first = product.first;
    const int by_sixteen = (first.channels + 15) / 16 * 16;
    const int by_four = (first.channels + 3) / 4 * 4;
    const bool wide = by_sixteen * 4 <= by_four * 5;
    MappedLayout layout{};
    layout.piece = wide ? 16 : 4;
    layout.channels = wide ? by_sixteen : by_four;
    layout.height = first.height + first.vertical.pad_before + first.vertical.pad_after;
    layout.width = first.width + first.horizontal.pad_before + first.horizontal.pad_after;
    layout.terms = (first.taps() * layout.channels + kTerms - 1) / kTerms * kTerms;
    layout.pixels = int64_t{first.images} * layout.height * layout.width;
    return layout;
  }
};

/// First operands through the maps u: [terms][matrices][pixels][channels], by words.
struct MapFirstArgs {
  MatrixProduct product;
  MappedLayout layout;
  const int8_t* maps;
  int factors;
  uint32_t* mapped;

  LUTRA_HD int64_t count() const { return product.matrices * layout.matrix_bytes() / 4; }
};

/// A word of operands through each of the maps; the bytes beyond `bytes` become 0.
template <typename Args>
LUTRA_HD void store_mapped(const Args& args, uint32_t word, int bytes, int64_t index) {
  for (int t = 0; t < args.factors; ++t) {
    uint32_t mapped = 0;
    for (int i = 0; i < bytes; ++i) {
      const int8_t feature = args.maps[t * 256 + (word >> (8 * i) & 255)];
      mapped |= uint32_t{static_cast<uint8_t>(feature)} << (8 * i);
    }
    args.mapped[t * args.count() + index] = mapped;
  }
}

/// @tparam Index  an unsigned type that holds the count: divisions are most of the work
template <typename Index>
LUTRA_HD void map_first_word(const MapFirstArgs& args, Index index) {
  const Windows& first = args.product.first;
  const auto words = static_cast<Index>(args.layout.channels / 4);
  const auto pixels = static_cast<Index>(args.layout.pixels);
  const auto width = static_cast<Index>(args.layout.width);
  const auto height = static_cast<Index>(args.layout.height);
  const int channel = static_cast<int>(index % words) * 4;
  Index rest = index / words;
  const int matrix = static_cast<int>(rest / pixels);
  rest %= pixels;
  const int x = static_cast<int>(rest % width) - first.horizontal.pad_before;
  rest /= width;
  const int y = static_cast<int>(rest % height) - first.vertical.pad_before;
  const auto n = static_cast<int64_t>(rest / height);
  const bool inside = y >= 0 && y < first.height && x >= 0 && x < first.width;
  const int8_t* from =
      first.data + matrix * first.matrix_stride +
      (inside ? ((n * first.height + y) * first.width + x) * first.pixel_stride : 0) + channel;
  const int bytes = first.channels - channel < 4 ? first.channels - channel : 4;
  uint32_t word = 0x01010101u * static_cast<uint8_t>(first.pad_value);
  if (inside && first.in_words()) {
    word = *reinterpret_cast<const uint32_t*>(from);
  } else if (inside) {
    for (int i = 0; i < bytes; ++i) {
      word = (word & ~(255u << (8 * i))) | uint32_t{static_cast<uint8_t>(from[i])} << (8 * i);
    }
  }
  store_mapped(args, word, bytes, index);
}

LUTRA_HD inline void map_first_at(const MapFirstArgs& args, int64_t index) {
  if (args.count() <= UINT32_MAX) {
    map_first_word(args, static_cast<uint32_t>(index));
  } else {
    map_first_word(args, static_cast<uint64_t>(index));
  }
}

/// Second operands through the maps v: [terms][matrices][outputs][terms of the layout], by words.
struct MapSecondArgs {
  MatrixProduct product;
  MappedLayout layout;
  const int8_t* maps;
  int factors;
  uint32_t* mapped;

  LUTRA_HD int64_t count() const {
    return int64_t{product.matrices} * product.outputs * (layout.terms / 4);
  }
};

/// @tparam Index  an unsigned type that holds the count: divisions are most of the work
template <typename Index>
LUTRA_HD void map_second_word(const MapSecondArgs& args, Index index) {
  const auto words = static_cast<Index>(args.layout.terms / 4);
  const auto outputs = static_cast<Index>(args.product.outputs);
  const int term = static_cast<int>(index % words) * 4;
  const Index rest = index / words;
  const int output = static_cast<int>(rest % outputs);
  const int matrix = static_cast<int>(rest / outputs);
  const int tap = term / args.layout.channels;
  const int channel = term % args.layout.channels;
  const int channels = args.product.first.channels;
  const int left = tap < args.product.first.taps() ? channels - channel : 0;
  const int bytes = left < 4 ? left : 4;
  uint32_t word = 0;
  for (int i = 0; i < bytes; ++i) {
    const int8_t b = args.product.second.element(matrix, output, tap * channels + channel + i);
    word |= uint32_t{static_cast<uint8_t>(b)} << (8 * i);
  }
  store_mapped(args, word, bytes, index);
}

LUTRA_HD inline void map_second_at(const MapSecondArgs& args, int64_t index) {
  if (args.count() <= UINT32_MAX) {
    map_second_word(args, static_cast<uint32_t>(index));
  } else {
    map_second_word(args, static_cast<uint64_t>(index));
  }
}

/// Where the pieces of a row's terms lie, from its origin on.
struct OffsetArgs {
  Windows first;
  MappedLayout layout;
  int32_t* offsets;  ///< [layout.terms / layout.piece]

  LUTRA_HD int64_t count() const { return layout.terms / layout.piece; }
};

LUTRA_HD inline void offset_at(const OffsetArgs& args, int64_t index) {
  const int term = static_cast<int>(index) * args.layout.piece;
  const int tap = term / args.layout.channels;
  const int down = tap / args.first.horizontal.kernel * args.first.vertical.dilation;
  const int right = tap % args.first.horizontal.kernel * args.first.horizontal.dilation;
  // The second operand is zero beyond the last tap: anything may be read there.
  args.offsets[index] =
      tap >= args.first.taps()
          ? 0
          : (down * args.layout.width + right) * args.layout.channels + term % args.layout.channels;
}

/// Sums of a map's values over the terms of each row of the first operand, or of each output's
/// second ones: a block for 16 of them, with 16 threads each.
struct MapSumKernel {
  static constexpr int kThreads = 256;
  static constexpr int kBlocksPerMultiprocessor = 4;
  static constexpr int kTogether = 16;

  struct Arguments {
    MatrixProduct product;
    bool of_first;
    const int32_t* map;  ///< [256]
    int32_t* sums;       ///< [matrices][rows or outputs]

    LUTRA_HD int each() const { return of_first ? product.rows() : product.outputs; }
    LUTRA_HD int64_t count() const { return int64_t{product.matrices} * each(); }
    LUTRA_HD int64_t blocks() const { return (count() + 15) / 16; }
  };
  struct Shared {
    SharedArray<uint32_t, kThreads> sums;
  };
  struct Registers {};

  template <typename Block>
  static LUTRA_HD void run(Block& block, const Arguments& args) {
    Shared* const shared = block.shared;
    block.each([&](int thread, Registers&) {
      const int64_t item = block.index * 16 + thread / kTogether;
      uint32_t sum = 0;
      if (item < args.count()) {
        const int matrix = static_cast<int>(item / args.each());
        const int within = static_cast<int>(item % args.each());
        const int terms = args.product.terms();
        const Origin at = args.of_first ? args.product.first.origin(within) : Origin{};
        for (int term = thread % kTogether; term < terms; term += kTogether) {
          const int8_t x = args.of_first ? args.product.first.element(matrix, at, term)
                                         : args.product.second.element(matrix, within, term);
          sum += static_cast<uint32_t>(args.map[static_cast<uint8_t>(x)]);
        }
      }
      shared->sums[thread] = sum;
    });
    block.barrier();
    block.each([&](int thread, Registers&) {
      const int64_t item = block.index * 16 + thread;
      if (thread >= 16 || item >= args.count()) return;
      uint32_t sum = 0;
      for (int i = 0; i < kTogether; ++i) sum += shared->sums[thread * kTogether + i];
      args.sums[item] = static_cast<int32_t>(sum);
    });
  }
};

/// Matrix products of mapped operands with int8 tensor cores. A block of four warps computes 128 x
/// 128 sums, or 256 x 64 where there are few outputs, a warp 64 x 64; 64 terms of both operands are
/// a stage of shared memory, of which four are on their way at once. Rows of a stage are permuted
/// by 16 bytes, so that neither copies nor fragment loads have bank conflicts.
template <int kPiece, int kWarpColumns>
struct FactorisedKernel {
  static constexpr int kThreads = 128;
  static constexpr int kBlocksPerMultiprocessor = 2;
  static constexpr int kRows = 256 / kWarpColumns;
  static constexpr int kOutputs = 64 * kWarpColumns;
  static constexpr int kRowsCopied = kRows / 32;  // by each thread
  static constexpr int kOutputsCopied = kOutputs / 32;
  static constexpr int kTerms = MappedLayout::kTerms;
  static constexpr int kStages = 4;

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
  };

  static constexpr int kStageBytes = (kRows + kOutputs) * kTerms;
  struct Shared {
    SharedArray<uint8_t, kStages * kStageBytes> stages;  // at the end: sums

    LUTRA_HD uint32_t& sum(int row, int output) {
      return *reinterpret_cast<uint32_t*>(&stages[(row * kOutputs + (output ^ (row & 3) * 8)) * 4]);
    }
  };
  static_assert(kRows * kOutputs * 4 <= kStages * kStageBytes, "");

  struct Registers {
    int32_t sums[4][8][4];
    uint32_t a[4][4];
    uint32_t b[8][2];
    int64_t first_row[kRowsCopied];  // where the rows that this thread copies begin
    int64_t second_row[kOutputsCopied];
    Copies copies;
  };

  /// Where 16 bytes of a row lie in a stage.
  LUTRA_HD static int place(int stage, int row, int piece) {
    return stage * kStageBytes + row * kTerms + (piece ^ (row >> 1 & 3)) * 16;
  }

  /// Row groups are worked through output tile by output tile, so that blocks which run together
  /// share operands in the L2 cache.
  struct Tile {
    int matrix, row, output, begin, end;
  };
  LUTRA_HD static Tile tile(const Arguments& args, int64_t block) {
    constexpr int kGroup = 16;
    const int64_t tiles = int64_t{args.row_tiles} * args.output_tiles;
    const int64_t within = block % tiles;
    block /= tiles;
    const int group = static_cast<int>(within / (kGroup * args.output_tiles));
    const int first = group * kGroup;
    const int height = args.row_tiles - first < kGroup ? args.row_tiles - first : kGroup;
    const int in_group = static_cast<int>(within - int64_t{first} * args.output_tiles);
    const int begin = static_cast<int>(block % args.parts) * args.steps_of_part;
    const int end = begin + args.steps_of_part;
    return {static_cast<int>(block / args.parts), (first + in_group % height) * kRows,
            in_group / height * kOutputs, begin, end < args.steps() ? end : args.steps()};
  }

  LUTRA_HD static void copy(const Arguments& args, Shared* shared, int thread, int step, int stage,
                            Registers* r) {
    const int steps = args.layout.terms / kTerms;
    const int factor = step / steps;
    const int term = step % steps * kTerms + thread % 4 * 16;
    const int8_t* first =
        args.first + factor * (args.product.matrices * args.layout.matrix_bytes());
    const int8_t* second = args.second + factor * (int64_t{args.product.matrices} *
                                                   args.product.outputs * args.layout.terms);
    LUTRA_UNROLL
    for (int i = 0; i < 16 / kPiece; ++i) {
      const int32_t offset = args.offsets[term / kPiece + i];
      LUTRA_UNROLL
      for (int j = 0; j < kRowsCopied; ++j) {
        const int at = place(stage, thread / 4 + j * 32, thread % 4) + i * kPiece;
        copy_later<kPiece>(&r->copies, &shared->stages[at], first + r->first_row[j] + offset);
      }
    }
    LUTRA_UNROLL
    for (int j = 0; j < kOutputsCopied; ++j) {
      const int at = place(stage, kRows + thread / 4 + j * 32, thread % 4);
      copy_later<16>(&r->copies, &shared->stages[at], second + r->second_row[j] + term);
    }
  }

  template <typename Block>
  static LUTRA_HD void run(Block& block, const Arguments& args) {
    Shared* const shared = block.shared;
    const Tile at = tile(args, block.index);

    block.each([&](int thread, Registers& r) {
      LUTRA_UNROLL
      for (int i = 0; i < 4; ++i) {
        LUTRA_UNROLL
        for (int j = 0; j < 8; ++j) {
          LUTRA_UNROLL
          for (int k = 0; k < 4; ++k) r.sums[i][j][k] = 0;
        }
      }
      const Windows& windows = args.product.first;
      // Rows and outputs beyond the last are copies of it, and are not stored.
      LUTRA_UNROLL
      for (int j = 0; j < kRowsCopied; ++j) {
        const int last = args.product.rows() - 1;
        int row = at.row + thread / 4 + j * 32;
        row = row < last ? row : last;
        const int x = row % windows.out_width;
        const int y = row / windows.out_width % windows.out_height;
        const int64_t n = row / windows.out_width / windows.out_height;
        const int64_t pixel =
            (n * args.layout.height + y * windows.vertical.stride) * args.layout.width +
            x * windows.horizontal.stride;
        r.first_row[j] = at.matrix * args.layout.matrix_bytes() + pixel * args.layout.channels;
      }
      LUTRA_UNROLL
      for (int j = 0; j < kOutputsCopied; ++j) {
        const int last = args.product.outputs - 1;
        int output = at.output + thread / 4 + j * 32;
        output = output < last ? output : last;
        r.second_row[j] = (int64_t{at.matrix} * args.product.outputs + output) * args.layout.terms;
      }
      for (int i = 0; i < kStages - 1; ++i) {
        if (at.begin + i < at.end) copy(args, shared, thread, at.begin + i, i, &r);
        end_group(&r.copies);
      }
      wait_for_groups<kStages - 2>(&r.copies);
    });
    block.barrier();

    const int steps_of_factor = args.layout.terms / kTerms;
    int factor = at.begin / steps_of_factor;
    int left_of_factor = (factor + 1) * steps_of_factor - at.begin;
    for (int step = at.begin; step < at.end; ++step) {
      const int done = step - at.begin;
      block.each([&](int thread, Registers& r) {
        const int ahead = step + kStages - 1;
        if (ahead < at.end) {
          copy(args, shared, thread, ahead, (done + kStages - 1) % kStages, &r);
        }
        end_group(&r.copies);
      });
      block.warps([&](auto& warp) { multiply(warp, shared, done % kStages); });
      const bool ends = --left_of_factor == 0 || step + 1 == at.end;
      if (ends) {
        // Within a factor that goes on in another part, its own scale is what is left to apply.
        uint32_t scale = args.to_next[factor];
        if (step + 1 == at.end) {
          for (int f = factor + 1; f < args.factors; ++f) scale *= args.to_next[f];
        }
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
        ++factor;
        left_of_factor = steps_of_factor;
      }
      block.each([&](int, Registers& r) { wait_for_groups<kStages - 2>(&r.copies); });
      block.barrier();
    }

    block.each([&](int thread, Registers& r) {
      const int warp = thread / kLanes;
      const int lane = thread % kLanes;
      LUTRA_UNROLL
      for (int i = 0; i < 4; ++i) {
        LUTRA_UNROLL
        for (int j = 0; j < 8; ++j) {
          LUTRA_UNROLL
          for (int k = 0; k < 4; ++k) {
            const int row = warp / kWarpColumns * 64 + i * 16 + k / 2 * 8 + lane / 4;
            const int output = warp % kWarpColumns * 64 + j * 8 + lane % 4 * 2 + k % 2;
            shared->sum(row, output) = static_cast<uint32_t>(r.sums[i][j][k]);
          }
        }
      }
    });
    block.barrier();
    block.each([&](int thread, Registers&) {
      const int column = thread % kOutputs;
      if (at.output + column >= args.product.outputs) return;
      const int left = args.product.rows() - at.row;
      const int rows = left < kRows ? left : kRows;
      for (int row = thread / kOutputs; row < rows; row += kThreads / kOutputs) {
        args.finish.store(args.product, at.matrix, at.row + row, at.output + column,
                          shared->sum(row, column), at.begin == 0);
      }
    });
  }

 private:
  template <typename Warp>
  static LUTRA_HD void multiply(Warp& warp, Shared* shared, int stage) {
    const int first = warp.index / kWarpColumns * 64;
    const int second = kRows + warp.index % kWarpColumns * 64;
    LUTRA_UNROLL
    for (int half = 0; half < kTerms / 32; ++half) {
      LUTRA_UNROLL
      for (int j = 0; j < 4; ++j) {
        warp.load_matrices([=](Registers& r) { return r.b[2 * j]; },
                           [=](int lane) {
                             const int row = second + j * 16 + lane / 16 * 8 + lane % 8;
                             return &shared->stages[place(stage, row, half * 2 + lane / 8 % 2)];
                           });
      }
      LUTRA_UNROLL
      for (int i = 0; i < 4; ++i) {
        warp.load_matrices([=](Registers& r) { return r.a[i]; },
                           [=](int lane) {
                             const int row = first + i * 16 + lane / 8 % 2 * 8 + lane % 8;
                             return &shared->stages[place(stage, row, half * 2 + lane / 16)];
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

#endif  // LUTRA_ENGINE_CUDA_FACTORISED_KERNEL_H_
