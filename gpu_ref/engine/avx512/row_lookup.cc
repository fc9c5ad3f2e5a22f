#include "avx512/row_lookup.h"

#include <algorithm>

#include "avx512/table_planes.h"
#include "matrix/scratch.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include "avx512/avx512_simd.h"

namespace lutra::engine {
namespace {

constexpr int kLanes = 64;      // outputs that a register of operands serves
constexpr int kMaxTiles = 4;    // registers of operands that share a column of the table
constexpr int kMaxTerms = 128;  // a tile of these stays in the first-level cache; at most 256
constexpr int kTileRow = kLanes * kMaxTiles;
static_assert(kMaxTerms <= 256, "sums of bytes must fit 16 bits");

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

/// A column of the table in registers.
template <bool Negative>
struct Column {
  __m512i low[Negative ? 4 : 2], high[Negative ? 4 : 2];

  LUTRA_AVX512_INLINE explicit Column(const TablePlanes::Row& row) {
    for (int i = 0; i < (Negative ? 4 : 2); ++i) {
      low[i] = _mm512_load_si512(row.low + 64 * i);
      high[i] = _mm512_load_si512(row.high + 64 * i);
    }
  }
  LUTRA_AVX512_INLINE static __m512i look_up(const __m512i plane[], __m512i index) {
    const __m512i lower = _mm512_permutex2var_epi8(plane[0], index, plane[1]);
    if constexpr (!Negative) return lower;
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), lower,
                                  _mm512_permutex2var_epi8(plane[2], index, plane[3]));
  }
};

/// The sums of a plane's bytes in 16 bits: of the odd lanes apart, of all lanes as even + 256 *
/// odd, from which the even ones follow at the end.
struct PlaneSums {
  __m512i all, odd;

  LUTRA_AVX512_INLINE void clear() { all = odd = _mm512_setzero_si512(); }
  /// Not intrinsics: GCC 12 copies and spills their sums in every round.
  LUTRA_AVX512_INLINE void add(__m512i bytes) {
    asm("vpaddw %1, %0, %0" : "+v"(all) : "v"(bytes));
    asm("vpaddw %1, %0, %0" : "+v"(odd) : "v"(_mm512_srli_epi16(bytes, 8)));
  }
  /// Those of the lanes 4 j + r in words.
  LUTRA_AVX512_INLINE __m512i words(int r) const {
    const __m512i half = r % 2 == 0 ? _mm512_sub_epi16(all, _mm512_slli_epi16(odd, 8)) : odd;
    return r < 2 ? _mm512_and_si512(half, _mm512_set1_epi32(0xffff)) : _mm512_srli_epi32(half, 16);
  }
};

/// The sums of the last of some tiles, and those of the others; named by template recursion, as
/// avx512_factorised_gemm.cc says.
template <int Tiles>
struct TileSums {
  PlaneSums low, high;
  TileSums<Tiles - 1> others;

  LUTRA_AVX512_INLINE void clear() {
    low.clear();
    high.clear();
    others.clear();
  }
  template <bool Negative>
  LUTRA_AVX512_INLINE void add(const uint8_t* tile, const Column<Negative>& column) {
    others.add(tile, column);
    const __m512i index = _mm512_load_si512(tile + (Tiles - 1) * kLanes);
    low.add(Column<Negative>::look_up(column.low, index));
    high.add(Column<Negative>::look_up(column.high, index));
  }
  LUTRA_AVX512_INLINE void add_to(int32_t* acc) const {
    others.add_to(acc);
    for (int r = 0; r < 4; ++r) {
      int32_t* to = acc + (Tiles - 1) * kLanes + 16 * r;
      const __m512i sum = _mm512_add_epi32(low.words(r), _mm512_slli_epi32(high.words(r), 8));
      _mm512_store_si512(to, _mm512_add_epi32(_mm512_load_si512(to), sum));
    }
  }
};

template <>
struct TileSums<0> {
  void clear() {}
  template <bool Negative>
  void add(const uint8_t*, const Column<Negative>&) {}
  void add_to(int32_t*) const {}
};

/// Adds the products of `terms` packed operands with as many second operands.
/// @param tile     [terms][kTileRow], Tiles registers used of each
/// @param weight   [terms]
/// @param columns  TablePlanes::by_second
/// @param acc      [Tiles][4][16] sums; [t][r][j] is that of lane 4 j + r
template <int Tiles, bool Negative>
LUTRA_AVX512 void add_products(const uint8_t* tile, int terms, const int8_t* weight,
                               const TablePlanes::Row* columns, int32_t* acc) {
  TileSums<Tiles> sums;
  sums.clear();
  for (int k = 0; k < terms; ++k, tile += kTileRow) {
    sums.add(tile, Column<Negative>(columns[static_cast<uint8_t>(weight[k])]));
  }
  sums.add_to(acc);
}

using AddProducts = void (*)(const uint8_t*, int, const int8_t*, const TablePlanes::Row*, int32_t*);

AddProducts adder(int tiles, bool negative) {
  static constexpr AddProducts kAdders[2][kMaxTiles] = {
      {add_products<1, false>, add_products<2, false>, add_products<3, false>,
       add_products<4, false>},
      {add_products<1, true>, add_products<2, true>, add_products<3, true>, add_products<4, true>}};
  return kAdders[negative][tiles - 1];
}

/// The 64 elements of a tile, in the order of its lanes.
LUTRA_AVX512_INLINE __m512i requantised_tile(const int32_t* acc, const Requantisation& to) {
  const __m512i byte = _mm512_set1_epi32(0xff);
  __m512i all = _mm512_setzero_si512();
  for (int r = 0; r < 4; ++r) {
    const __m512i q = _mm512_and_si512(requantised(_mm512_load_si512(acc + 16 * r), to), byte);
    all = _mm512_or_si512(all, _mm512_sll_epi32(q, _mm_cvtsi32_si128(8 * r)));
  }
  return all;
}

/// Where lane i of a tile lies among its 64 sums.
constexpr int sum_of_lane(int i) { return i % 4 * 16 + i / 4; }

/// A tile's rows of one matrix product, up to 256 from `first` on; all outputs of these rows.
LUTRA_AVX512 void tile_rows(const MatrixProduct& m, const TablePlanes& planes, int64_t first,
                            int count) {
  static thread_local Scratch<uint8_t> tile_scratch;
  static thread_local Scratch<int32_t> acc_scratch;
  const int tiles = (count + kLanes - 1) / kLanes;
  const int terms = m.terms();
  const auto of_bases = static_cast<int32_t>(int64_t{terms} * planes.base);
  uint8_t* tile = tile_scratch.take(static_cast<size_t>(kMaxTerms) * kTileRow);
  const int padded = (m.outputs + 15) / 16 * 16;
  const int64_t acc_pitch = int64_t{tiles} * kLanes;
  int32_t* acc = acc_scratch.take(static_cast<size_t>(padded) * acc_pitch);
  for (int o = 0; o < padded; ++o) {
    std::fill_n(acc + o * acc_pitch, acc_pitch,
                (o < m.outputs && m.bias != nullptr ? m.bias[o] : 0) + of_bases);
  }
  const int8_t* starts[kTileRow];
  for (int i = 0; i < tiles * kLanes; ++i) starts[i] = m.row_start(first + std::min(i, count - 1));
  if (m.initial_sums) {
    for (int i = 0; i < count; ++i) {
      const int32_t* sums = m.initial_sums(first + i);
      int32_t* lane = acc + i / kLanes * kLanes + sum_of_lane(i % kLanes);
      for (int o = 0; o < m.outputs; ++o) lane[o * acc_pitch] = sums[o] + of_bases;
    }
  }

  for (int from = 0; from < terms; from += kMaxTerms) {
    const int block = std::min(kMaxTerms, terms - from);
    bool negative = false;
    for (int k = 0; k < block;) {
      const int within = (from + k) % m.segment_bytes;
      const int length = std::min(m.segment_bytes - within, block - k);
      for (int t = 0; t < tiles; ++t) {
        negative |=
            pack(starts + t * kLanes, m.segment_offsets[(from + k) / m.segment_bytes] + within,
                 length, tile + k * kTileRow + t * kLanes);
      }
      k += length;
    }
    const AddProducts add = adder(tiles, negative);
    for (int o = 0; o < m.outputs; ++o) {
      add(tile, block, m.weight + int64_t{o} * terms + from, planes.by_second.data(),
          acc + o * acc_pitch);
    }
  }

  if (m.to.sums != nullptr) {
    for (int i = 0; i < count; ++i) {
      const int32_t* lane = acc + i / kLanes * kLanes + sum_of_lane(i % kLanes);
      int32_t* sums = m.to.sums + (first + i) * m.pitch;
      for (int o = 0; o < m.outputs; ++o) sums[o] = lane[o * acc_pitch];
    }
  }
  if (m.to.output == nullptr) return;
  for (int o = 0; o < m.outputs; o += 16) {
    const auto mask = static_cast<__mmask16>((1u << std::min(16, m.outputs - o)) - 1);
    for (int t = 0; t < tiles; ++t) {
      __m512i r[16];
      for (int i = 0; i < 16; ++i) {
        r[i] = requantised_tile(acc + (o + i) * acc_pitch + t * kLanes, m.to.requantisation);
      }
      transpose16(r);
      const int lanes = std::min(kLanes, count - t * kLanes);
      for (int i = 0; i < 16; ++i) {
        alignas(64) int8_t bytes[kLanes];
        _mm512_store_si512(bytes, r[i]);
        for (int g = 0; g < 4 && g * 16 + i < lanes; ++g) {
          _mm_mask_storeu_epi8(m.to.output + (first + t * kLanes + g * 16 + i) * m.pitch + o, mask,
                               _mm_load_si128(reinterpret_cast<const __m128i*>(bytes + 16 * g)));
        }
      }
    }
  }
}

}  // namespace

void look_up_rows(const MatrixProduct& m, int64_t begin, int64_t end) {
  const TablePlanes& planes = m.multiplier->derived<TablePlanes>();
  for (int64_t first = begin; first < end; first += kTileRow) {
    tile_rows(m, planes, first, static_cast<int>(std::min<int64_t>(kTileRow, end - first)));
  }
}

LUTRA_AVX512 void look_up_weighted_sums(const WeightedSumArgs& args, int64_t begin, int64_t end) {
  const TablePlanes& planes = args.products.multiplier->derived<TablePlanes>();
  const int all = args.classes * args.out_dim;
  const TablePlanes::Row* rows = planes.by_first.data();
  const auto start = static_cast<int32_t>(int64_t{args.capsules} * planes.base);
  for (int64_t nj = begin; nj < end; ++nj) {
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
        const __m128i bytes[2] = {_mm512_castsi512_si128(mapped(row.low, index)),
                                  _mm512_castsi512_si128(mapped(row.high, index))};
        const __m512i high = _mm512_cvtepu8_epi32(bytes[1]);
        acc = _mm512_add_epi32(
            acc, _mm512_add_epi32(_mm512_cvtepu8_epi32(bytes[0]), _mm512_slli_epi32(high, 8)));
      }
      _mm_mask_storeu_epi8(
          args.output + nj * args.out_dim + d, mask,
          _mm512_cvtepi32_epi8(requantised(acc, Requantisation::to_int8(args.shift))));
    }
  }
}

}  // namespace lutra::engine

#endif
