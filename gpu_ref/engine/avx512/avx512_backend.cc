#include "avx512/avx512_backend.h"

#include "avx512/table_planes.h"
#include "lutra/numerics/error.h"
#include "scalar/scalar_backend.h"

#if defined(__x86_64__) && defined(__GNUC__)
// GCC 12 takes the undefined vectors of its own header for a mistake of ours.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop

namespace lutra::engine {
namespace {

// Attributes instead of compiler flags: nothing outside these functions may use AVX-512, least of
// all an inline function of a header, of which the linker keeps one copy for all backends.
#define LUTRA_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")))
#define LUTRA_AVX512_INLINE LUTRA_AVX512 __attribute__((always_inline)) inline

constexpr int kLanes = 64;       // outputs that a register of operands serves
constexpr int kMostTiles = 4;    // registers of operands that share a column of the table
constexpr int kMostTerms = 128;  // a tile of these stays in the first-level cache; at most 256
constexpr int kTileRow = kLanes * kMostTiles;
static_assert(kMostTerms <= 256, "sums of bytes must fit 16 bits");

/// One of the four steps of a transposition: the byte's address, row and column, rotates by a bit.
LUTRA_AVX512_INLINE void interleave(const __m512i from[16], __m512i to[16]) {
  for (int i = 0; i < 8; ++i) {
    to[2 * i] = _mm512_unpacklo_epi8(from[i], from[i + 8]);
    to[2 * i + 1] = _mm512_unpackhi_epi8(from[i], from[i + 8]);
  }
}

/// Transposes 16x16 bytes in each 128-bit lane: row i's byte j becomes row j's byte i.
LUTRA_AVX512_INLINE void transpose16(__m512i r[16]) {
  __m512i s[16];
  interleave(r, s);
  interleave(s, r);
  interleave(r, s);
  interleave(s, r);
}

/// 16 bytes each of the rows i, i + 16, i + 32 and i + 48, one in each 128-bit lane.
LUTRA_AVX512_INLINE __m512i load_rows(const int8_t* const rows[kLanes], int i, int64_t offset,
                                      __mmask16 columns) {
  const __m128i r0 = _mm_maskz_loadu_epi8(columns, rows[i] + offset);
  const __m128i r1 = _mm_maskz_loadu_epi8(columns, rows[i + 16] + offset);
  const __m128i r2 = _mm_maskz_loadu_epi8(columns, rows[i + 32] + offset);
  const __m128i r3 = _mm_maskz_loadu_epi8(columns, rows[i + 48] + offset);
  const __m512i low = _mm512_inserti64x2(_mm512_castsi128_si512(r0), r1, 1);
  return _mm512_inserti64x2(_mm512_inserti64x2(low, r2, 2), r3, 3);
}

/// Packs columns [offset, offset + count) of 64 rows, one vector of 64 operands a column.
/// @param tile  column c goes to tile + c * kTileRow
/// @return      whether one of the bytes is negative
LUTRA_AVX512 bool pack(const int8_t* const rows[kLanes], int64_t offset, int count, uint8_t* tile) {
  __m512i seen = _mm512_setzero_si512();
  for (int c = 0; c < count; c += 16) {
    const int columns = std::min(16, count - c);
    const auto mask = static_cast<__mmask16>((1u << columns) - 1);
    __m512i r[16];
    for (int i = 0; i < 16; ++i) r[i] = load_rows(rows, i, offset + c, mask);
    transpose16(r);
    for (int i = 0; i < columns; ++i) {
      seen = _mm512_or_si512(seen, r[i]);
      _mm512_store_si512(tile + (c + i) * kTileRow, r[i]);
    }
  }
  return _mm512_movepi8_mask(seen) != 0;
}

/// Adds the products of `terms` packed operands with as many second operands.
///
/// The sums of a plane's bytes are kept in 16 bits, of the odd lanes apart, of all lanes as
/// even + 256 * odd, from which the even ones follow at the end.
/// @param tile     [terms][kTileRow], Tiles registers used of each
/// @param weight   [terms]
/// @param columns  TablePlanes::by_second
/// @param acc      [Tiles][4][16] sums; [t][r][j] is that of lane 4 j + r; the high bytes' offset
/// of
///                 128 is in them
template <int Tiles, bool Negative>
LUTRA_AVX512 void add_products(const uint8_t* tile, int terms, const int8_t* weight,
                               const TablePlanes::Row* columns, int32_t* acc) {
  __m512i low_all[Tiles], low_odd[Tiles], high_all[Tiles], high_odd[Tiles];
  for (int t = 0; t < Tiles; ++t) {
    low_all[t] = low_odd[t] = high_all[t] = high_odd[t] = _mm512_setzero_si512();
  }
  for (int k = 0; k < terms; ++k, tile += kTileRow) {
    const TablePlanes::Row& column = columns[static_cast<uint8_t>(weight[k])];
    const __m512i low0 = _mm512_load_si512(column.low);
    const __m512i low1 = _mm512_load_si512(column.low + 64);
    const __m512i high0 = _mm512_load_si512(column.high);
    const __m512i high1 = _mm512_load_si512(column.high + 64);
    __m512i low2{}, low3{}, high2{}, high3{};
    if (Negative) {
      low2 = _mm512_load_si512(column.low + 128);
      low3 = _mm512_load_si512(column.low + 192);
      high2 = _mm512_load_si512(column.high + 128);
      high3 = _mm512_load_si512(column.high + 192);
    }
    for (int t = 0; t < Tiles; ++t) {
      const __m512i index = _mm512_load_si512(tile + t * kLanes);
      __m512i low = _mm512_permutex2var_epi8(low0, index, low1);
      __m512i high = _mm512_permutex2var_epi8(high0, index, high1);
      if (Negative) {
        const __mmask64 negative = _mm512_movepi8_mask(index);
        low = _mm512_mask_blend_epi8(negative, low, _mm512_permutex2var_epi8(low2, index, low3));
        high =
            _mm512_mask_blend_epi8(negative, high, _mm512_permutex2var_epi8(high2, index, high3));
      }
      low_all[t] = _mm512_add_epi16(low_all[t], low);
      low_odd[t] = _mm512_add_epi16(low_odd[t], _mm512_srli_epi16(low, 8));
      high_all[t] = _mm512_add_epi16(high_all[t], high);
      high_odd[t] = _mm512_add_epi16(high_odd[t], _mm512_srli_epi16(high, 8));
    }
  }
  const __m512i first = _mm512_set1_epi32(0xffff);
  for (int t = 0; t < Tiles; ++t, acc += kLanes) {
    const __m512i low[2] = {_mm512_sub_epi16(low_all[t], _mm512_slli_epi16(low_odd[t], 8)),
                            low_odd[t]};
    const __m512i high[2] = {_mm512_sub_epi16(high_all[t], _mm512_slli_epi16(high_odd[t], 8)),
                             high_odd[t]};
    for (int r = 0; r < 4; ++r) {
      const __m512i l =
          r < 2 ? _mm512_and_si512(low[r & 1], first) : _mm512_srli_epi32(low[r & 1], 16);
      const __m512i h =
          r < 2 ? _mm512_and_si512(high[r & 1], first) : _mm512_srli_epi32(high[r & 1], 16);
      const __m512i sum = _mm512_add_epi32(l, _mm512_slli_epi32(h, 8));
      _mm512_store_si512(acc + 16 * r, _mm512_add_epi32(_mm512_load_si512(acc + 16 * r), sum));
    }
  }
}

using AddProducts = void (*)(const uint8_t*, int, const int8_t*, const TablePlanes::Row*, int32_t*);

AddProducts adder(int tiles, bool negative) {
  static constexpr AddProducts kAdders[2][kMostTiles] = {
      {add_products<1, false>, add_products<2, false>, add_products<3, false>,
       add_products<4, false>},
      {add_products<1, true>, add_products<2, true>, add_products<3, true>, add_products<4, true>}};
  return kAdders[negative][tiles - 1];
}

/// numerics::round_shift and saturation of 16 sums; the added half cannot overflow, because the bit
/// that it would carry from is added after the shift.
LUTRA_AVX512_INLINE __m512i requantised(__m512i acc, int shift, bool relu) {
  if (shift > 0) {
    const __m512i carry =
        _mm512_and_si512(_mm512_sra_epi32(acc, _mm_cvtsi32_si128(shift - 1)), _mm512_set1_epi32(1));
    acc = _mm512_add_epi32(_mm512_sra_epi32(acc, _mm_cvtsi32_si128(shift)), carry);
  }
  acc = _mm512_min_epi32(acc, _mm512_set1_epi32(numerics::kMaxElement));
  return _mm512_max_epi32(acc, _mm512_set1_epi32(relu ? 0 : -numerics::kMaxElement));
}

/// The 64 elements of a tile, in the order of its lanes.
LUTRA_AVX512_INLINE __m512i requantised_tile(const int32_t* acc, int shift, bool relu) {
  const __m512i byte = _mm512_set1_epi32(0xff);
  __m512i all = _mm512_setzero_si512();
  for (int r = 0; r < 4; ++r) {
    const __m512i q =
        _mm512_and_si512(requantised(_mm512_load_si512(acc + 16 * r), shift, relu), byte);
    all = _mm512_or_si512(all, _mm512_sll_epi32(q, _mm_cvtsi32_si128(8 * r)));
  }
  return all;
}

/// What a matrix of products needs beside its operands.
struct Requantisation {
  const int32_t* bias;  ///< [outputs] or null
  int shift;
  bool relu;
};

constexpr int64_t kOffset = int64_t{128} << 8;  // of the high bytes, a product

int32_t initial_sum(const int32_t* bias, int o, int64_t terms) {
  return static_cast<int32_t>((bias == nullptr ? 0 : bias[o]) - terms * kOffset);
}

/// Scratch memory of one thread, aligned for whole registers.
template <typename T>
class Scratch {
 public:
  T* take(size_t count) {
    const size_t bytes = count * sizeof(T) + 64;
    if (storage_.size() < bytes) storage_.resize(bytes);
    void* start = storage_.data();
    size_t space = storage_.size();
    return static_cast<T*>(std::align(64, count * sizeof(T), start, space));
  }

 private:
  std::vector<uint8_t> storage_;
};

/// Sums over `segments` pieces of `run` contiguous bytes, `pitch` bytes from piece to piece, of
/// each of up to 256 rows of operands; all outputs of these rows.
/// @param rows     [count] where each row's first piece begins
/// @param weight   [outputs][segments * run]
/// @param output   row r's outputs go to output + r * output_pitch
LUTRA_AVX512 void matrix_rows(const int8_t* const* rows, int count, int segments, int run,
                              int64_t pitch, const int8_t* weight, int outputs,
                              const TablePlanes::Row* columns, const Requantisation& q,
                              int8_t* output, int64_t output_pitch) {
  static thread_local Scratch<uint8_t> tile_scratch;
  static thread_local Scratch<int32_t> acc_scratch;
  const int tiles = (count + kLanes - 1) / kLanes;
  const int terms = segments * run;
  uint8_t* tile = tile_scratch.take(static_cast<size_t>(kMostTerms) * kTileRow);
  const int padded = (outputs + 15) / 16 * 16;
  int32_t* acc = acc_scratch.take(static_cast<size_t>(padded) * tiles * kLanes);
  for (int o = 0; o < padded; ++o) {
    std::fill_n(acc + static_cast<int64_t>(o) * tiles * kLanes, tiles * kLanes,
                o < outputs ? initial_sum(q.bias, o, terms) : 0);
  }
  const int8_t* lane_rows[kTileRow];
  for (int i = 0; i < tiles * kLanes; ++i) lane_rows[i] = rows[std::min(i, count - 1)];

  for (int first = 0; first < terms; first += kMostTerms) {
    const int block = std::min(kMostTerms, terms - first);
    bool negative = false;
    for (int k = 0; k < block;) {
      const int segment = (first + k) / run;
      const int within = (first + k) % run;
      const int piece = std::min(run - within, block - k);
      for (int t = 0; t < tiles; ++t) {
        negative |= pack(lane_rows + t * kLanes, segment * pitch + within, piece,
                         tile + k * kTileRow + t * kLanes);
      }
      k += piece;
    }
    const AddProducts add = adder(tiles, negative);
    for (int o = 0; o < outputs; ++o) {
      add(tile, block, weight + static_cast<int64_t>(o) * terms + first, columns,
          acc + static_cast<int64_t>(o) * tiles * kLanes);
    }
  }

  for (int o = 0; o < outputs; o += 16) {
    const auto mask = static_cast<__mmask16>((1u << std::min(16, outputs - o)) - 1);
    for (int t = 0; t < tiles; ++t) {
      __m512i r[16];
      for (int i = 0; i < 16; ++i) {
        const int32_t* sums = acc + (static_cast<int64_t>(o + i) * tiles + t) * kLanes;
        r[i] = requantised_tile(sums, q.shift, q.relu);
      }
      transpose16(r);
      const int lanes = std::min(kLanes, count - t * kLanes);
      for (int i = 0; i < 16; ++i) {
        alignas(64) int8_t bytes[kLanes];
        _mm512_store_si512(bytes, r[i]);
        for (int g = 0; g < 4 && g * 16 + i < lanes; ++g) {
          _mm_mask_storeu_epi8(output + (t * kLanes + g * 16 + i) * output_pitch + o, mask,
                               _mm_load_si128(reinterpret_cast<const __m128i*>(bytes + 16 * g)));
        }
      }
    }
  }
}

LUTRA_AVX512 void weighted_sums(const WeightedSumArgs& args, const TablePlanes::Row* rows) {
  const int all = args.classes * args.out_dim;
  const int32_t start = initial_sum(nullptr, 0, args.capsules);
  for (int64_t nj = 0; nj < int64_t{args.images} * args.classes; ++nj) {
    const int8_t* c = args.coupling + nj * args.capsules;
    for (int d = 0; d < args.out_dim; d += 16) {
      const auto mask = static_cast<__mmask16>((1u << std::min(16, args.out_dim - d)) - 1);
      const int8_t* vote = args.votes + nj / args.classes * args.capsules * all +
                           nj % args.classes * args.out_dim + d;
      __m512i acc = _mm512_set1_epi32(start);
      for (int i = 0; i < args.capsules; ++i, vote += all) {
        const TablePlanes::Row& row = rows[static_cast<uint8_t>(c[i])];
        const __m128i operand = _mm_maskz_loadu_epi8(mask, vote);
        const __m512i index = _mm512_castsi128_si512(operand);
        const __mmask64 negative = _mm512_movepi8_mask(index);
        __m128i planes[2];
        for (int p = 0; p < 2; ++p) {
          const uint8_t* plane = p == 0 ? row.low : row.high;
          planes[p] = _mm512_castsi512_si128(
              _mm512_mask_blend_epi8(negative,
                                     _mm512_permutex2var_epi8(_mm512_load_si512(plane), index,
                                                              _mm512_load_si512(plane + 64)),
                                     _mm512_permutex2var_epi8(_mm512_load_si512(plane + 128), index,
                                                              _mm512_load_si512(plane + 192))));
        }
        const __m512i high = _mm512_cvtepu8_epi32(planes[1]);
        acc = _mm512_add_epi32(
            acc, _mm512_add_epi32(_mm512_cvtepu8_epi32(planes[0]), _mm512_slli_epi32(high, 8)));
      }
      _mm_mask_storeu_epi8(args.output + nj * args.out_dim + d, mask,
                           _mm512_cvtepi32_epi8(requantised(acc, args.shift, false)));
    }
  }
}

/// Sums of the agreement of up to 64 capsules with one class capsule; into acc, by capsule.
LUTRA_AVX512 void agreement_sums(const AgreementArgs& args, const int8_t* const rows[kLanes],
                                 const int8_t* v, const TablePlanes::Row* columns,
                                 int32_t acc[kLanes]) {
  alignas(64) uint8_t tile[16 * kTileRow];
  alignas(64) int32_t sums[kLanes];
  std::fill_n(sums, kLanes, initial_sum(nullptr, 0, args.out_dim));
  for (int d = 0; d < args.out_dim; d += 16) {
    const int terms = std::min(16, args.out_dim - d);
    const bool negative = pack(rows, d, terms, tile);
    adder(1, negative)(tile, terms, v + d, columns, sums);
  }
  for (int lane = 0; lane < kLanes; ++lane) acc[lane] = sums[lane % 4 * 16 + lane / 4];
}

/// Operations without products of two tensors run as the reference runs them.
class Avx512Backend : public ScalarBackend {
 public:
  std::string name() const override { return "avx512"; }

  void conv2d(const Conv2dArgs& args) override {
    const auto planes = cache_.find(args.table);
    const int width = args.out_width();
    const int64_t positions = int64_t{args.images} * args.out_height() * width;
    const int run = args.kernel * args.in_channels;
    for (int64_t first = 0; first < positions; first += kTileRow) {
      const int count = static_cast<int>(std::min<int64_t>(kTileRow, positions - first));
      const int8_t* rows[kTileRow];
      for (int i = 0; i < count; ++i) {
        const int64_t x = (first + i) % width;
        const int64_t y = (first + i) / width % args.out_height();
        const int64_t n = (first + i) / width / args.out_height();
        rows[i] =
            args.input +
            ((n * args.height + y * args.stride) * args.width + x * args.stride) * args.in_channels;
      }
      matrix_rows(rows, count, args.kernel, run, int64_t{args.width} * args.in_channels,
                  args.weight, args.out_channels, planes->by_second.data(),
                  {args.bias, args.shift, args.relu}, args.output + first * args.out_channels,
                  args.out_channels);
    }
  }

  void votes(const VotesArgs& args) override {
    const auto planes = cache_.find(args.table);
    const int outputs = args.classes * args.out_dim;
    std::vector<int8_t> weight(static_cast<size_t>(outputs) * args.in_dim);
    for (int i = 0; i < args.capsules; ++i) {
      const int8_t* source = args.weight + static_cast<int64_t>(i) * outputs * args.in_dim;
      for (int j = 0; j < args.classes; ++j) {
        for (int k = 0; k < args.in_dim; ++k) {
          for (int d = 0; d < args.out_dim; ++d) {
            weight[(j * args.out_dim + d) * args.in_dim + k] = *source++;
          }
        }
      }
      for (int first = 0; first < args.images; first += kTileRow) {
        const int count = std::min(kTileRow, args.images - first);
        const int8_t* rows[kTileRow];
        for (int n = 0; n < count; ++n) {
          rows[n] = args.input + (int64_t{first + n} * args.capsules + i) * args.in_dim;
        }
        matrix_rows(rows, count, 1, args.in_dim, 0, weight.data(), outputs,
                    planes->by_second.data(), {nullptr, args.shift, false},
                    args.output + (int64_t{first} * args.capsules + i) * outputs,
                    int64_t{args.capsules} * outputs);
      }
    }
  }

  void weighted_sum(const WeightedSumArgs& args) override {
    weighted_sums(args, cache_.find(args.table)->by_first.data());
  }

  void agreement(const AgreementArgs& args) override {
    const auto planes = cache_.find(args.table);
    for (int64_t n = 0; n < args.images; ++n) {
      for (int first = 0; first < args.capsules; first += kLanes) {
        const int count = std::min(kLanes, args.capsules - first);
        for (int j = 0; j < args.classes; ++j) {
          const int64_t at = (n * args.capsules + first) * args.classes + j;
          const int8_t* rows[kLanes];
          for (int i = 0; i < kLanes; ++i) {
            rows[i] =
                args.votes + (at + int64_t{std::min(i, count - 1)} * args.classes) * args.out_dim;
          }
          int32_t acc[kLanes];
          agreement_sums(args, rows, args.v + (n * args.classes + j) * args.out_dim,
                         planes->by_second.data(), acc);
          for (int i = 0; i < count; ++i) {
            const int64_t index = at + int64_t{i} * args.classes;
            args.output[index] = numerics::accumulate(args.before[index], acc[i], args.shift);
          }
        }
      }
    }
  }

 private:
  PlanesCache cache_;
};

}  // namespace

bool avx512_available(std::string* reason) {
  const bool available = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                         __builtin_cpu_supports("avx512vbmi");
  *reason = available ? "64 products looked up at once in registers"
                      : "this processor has no AVX-512 with VBMI";
  return available;
}

std::unique_ptr<Backend> make_avx512_backend() { return std::make_unique<Avx512Backend>(); }

}  // namespace lutra::engine

#else

namespace lutra::engine {

bool avx512_available(std::string* reason) {
  *reason = "not an x86-64 build by GCC or Clang";
  return false;
}

std::unique_ptr<Backend> make_avx512_backend() {
  throw Error(ExitCode::kInternal, "backend avx512: not in this build");
}

}  // namespace lutra::engine

#endif
