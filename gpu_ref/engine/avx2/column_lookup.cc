#include "avx2/column_lookup.h"

#include <algorithm>
#include <cstring>

#include "matrix/scratch.h"
#include "matrix/transposed_table.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include "avx2/sums.h"

namespace lutra::engine {
namespace {

constexpr int kOutputs = 16;
constexpr int kOperands = TransposedTable::kOperands;
constexpr int kTerms = 6;              // added to a sum at a time
constexpr int kTileRows = 4096;        // whose sums stay in the second-level cache
constexpr int kBlock = 240;            // terms that are packed at a time, a multiple of kTerms
constexpr int kMinRows = 1024;         // of a tile, however many outputs have sums
constexpr int64_t kMaxSums = 4 << 20;  // 32-bit words of a tile
constexpr int kSums = kOutputs;  // 32-bit words of a row: 8 of both halves, 8 of the upper ones

/// Transposes 8x8 16-bit words in each 128-bit half.
LUTRA_AVX2_INLINE void transpose8(__m256i r[8]) {
  __m256i s[8];
  for (int i = 0; i < 4; ++i) {
    s[i] = _mm256_unpacklo_epi16(r[2 * i], r[2 * i + 1]);
    s[4 + i] = _mm256_unpackhi_epi16(r[2 * i], r[2 * i + 1]);
  }
  // s[4 h + i]: columns 4h .. 4h + 3 of rows 2i, 2i + 1.
  for (int h = 0; h < 2; ++h) {
    for (int i = 0; i < 2; ++i) {
      r[4 * h + i] = _mm256_unpacklo_epi32(s[4 * h + 2 * i], s[4 * h + 2 * i + 1]);
      r[4 * h + 2 + i] = _mm256_unpackhi_epi32(s[4 * h + 2 * i], s[4 * h + 2 * i + 1]);
    }
  }
  // r[2 q + i]: columns 2q, 2q + 1 of rows 4i .. 4i + 3.
  for (int q = 0; q < 4; ++q) {
    s[2 * q] = _mm256_unpacklo_epi64(r[2 * q], r[2 * q + 1]);
    s[2 * q + 1] = _mm256_unpackhi_epi64(r[2 * q], r[2 * q + 1]);
  }
  for (int i = 0; i < 8; ++i) r[i] = s[i];
}

/// Which of the 16 sixteenths of the operands occur, as bits.
LUTRA_AVX2 uint32_t sixteenths(const uint8_t* from, int64_t count) {
  const __m256i nibble = _mm256_set1_epi8(15);
  const __m256i bit = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0));
  const __m256i upper_bit = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, -128));
  __m256i low = _mm256_setzero_si256();
  __m256i high = _mm256_setzero_si256();
  int64_t i = 0;
  for (; i + 32 <= count; i += 32) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i));
    const __m256i which = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble);
    low = _mm256_or_si256(low, _mm256_shuffle_epi8(bit, which));
    high = _mm256_or_si256(high, _mm256_shuffle_epi8(upper_bit, which));
  }
  alignas(32) uint8_t lows[32];
  alignas(32) uint8_t highs[32];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lows), low);
  _mm256_store_si256(reinterpret_cast<__m256i*>(highs), high);
  uint32_t seen = 0;
  for (int j = 0; j < 32; ++j) seen |= uint32_t{lows[j]} | uint32_t{highs[j]} << 8;
  for (; i < count; ++i) seen |= 1u << (from[i] >> 4);
  return seen;
}

/// The products of operands with 16 weights.
/// @param columns  [kOutputs] where each weight's column lies
/// @param seen     the sixteenths that are needed
/// @param table    [kOperands][kOutputs]
LUTRA_AVX2 void make_table(const uint16_t* const* columns, uint32_t seen, uint16_t* table) {
  for (int a = 0; a < kOperands; a += 8) {
    if ((seen >> (a / 16) & 1) == 0) continue;
    __m256i r[8];
    for (int o = 0; o < 8; ++o) {
      const auto* lower = reinterpret_cast<const __m128i*>(columns[o] + a);
      const auto* upper = reinterpret_cast<const __m128i*>(columns[8 + o] + a);
      r[o] = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(lower)),
                                     _mm_loadu_si128(upper), 1);
    }
    transpose8(r);
    for (int i = 0; i < 8; ++i) {
      _mm256_store_si256(reinterpret_cast<__m256i*>(table + (a + i) * kOutputs), r[i]);
    }
  }
}

/// Adds the products of Terms terms to the rows' sums.
/// @param operands  [count][Terms]
/// @param acc       [count][kSums]
template <int Terms>
LUTRA_AVX2 void add_products(const uint8_t* operands, int count, const uint16_t* tables,
                             int32_t* acc) {
  constexpr size_t kTableBytes = kOperands * sizeof(__m256i);
  const auto* table = reinterpret_cast<const uint8_t*>(tables);
  for (int i = 0; i < count; ++i, acc += kSums, operands += Terms) {
    auto* sums = reinterpret_cast<__m256i*>(acc);
    __m256i both = _mm256_load_si256(sums);
    __m256i upper = _mm256_load_si256(sums + 1);
#pragma GCC unroll 6
    for (int k = 0; k < Terms; ++k) {
      const auto* row = table + k * kTableBytes + size_t{operands[k]} * sizeof(__m256i);
      const __m256i products = _mm256_load_si256(reinterpret_cast<const __m256i*>(row));
      both = _mm256_add_epi32(both, products);
      upper = _mm256_add_epi32(upper, _mm256_srli_epi32(products, 16));
    }
    _mm256_store_si256(sums, both);
    _mm256_store_si256(sums + 1, upper);
  }
}

using AddProducts = void (*)(const uint8_t*, int, const uint16_t*, int32_t*);
constexpr AddProducts kAddProducts[kTerms] = {add_products<1>, add_products<2>, add_products<3>,
                                              add_products<4>, add_products<5>, add_products<6>};

/// A few bytes, for which std::memcpy takes long.
void copy(const int8_t* from, int count, int8_t* to) {
  constexpr int kWord = 8;
  int i = 0;
  for (; i + kWord <= count; i += kWord) std::memcpy(to + i, from + i, kWord);
  if (i < count && count >= kWord) {
    std::memcpy(to + count - kWord, from + count - kWord, kWord);
  } else {
    for (; i < count; ++i) to[i] = from[i];
  }
}

/// The terms [from, from + count) of a row, side by side.
const int8_t* joined(const MatrixProduct& m, const int8_t* start, int from, int count,
                     int8_t* buffer) {
  int within = from % m.segment_bytes;
  size_t segment = static_cast<size_t>(from / m.segment_bytes);
  if (m.segment_bytes - within >= count) return start + m.segment_offsets[segment] + within;
  for (int k = 0; k < count; ++segment, within = 0) {
    const int here = std::min(m.segment_bytes - within, count - k);
    copy(start + m.segment_offsets[segment] + within, here, buffer + k);
    k += here;
  }
  return buffer;
}

}  // namespace

LUTRA_AVX2 void look_up_columns(const MatrixProduct& m, int64_t begin, int64_t end) {
  static thread_local Scratch<uint16_t> table_scratch;
  static thread_local Scratch<uint8_t> operand_scratch;
  static thread_local Scratch<int32_t> acc_scratch;
  const TransposedTable& all = m.multiplier->derived<TransposedTable>();
  uint16_t* tables = table_scratch.take(kTerms * kOperands * kOutputs);
  const int terms = m.terms();
  const int panels = (m.outputs + kOutputs - 1) / kOutputs;
  const auto of_bases =
      static_cast<int32_t>(static_cast<uint32_t>(int64_t{terms} * m.multiplier->table().base()));
  const int64_t most_rows =
      std::clamp<int64_t>(kMaxSums / (int64_t{kSums} * panels), kMinRows, kTileRows);
  const int64_t tiles = (end - begin + most_rows - 1) / most_rows;
  const int64_t tile_rows = (end - begin + tiles - 1) / tiles;
  for (int64_t first = begin; first < end; first += tile_rows) {
    const int count = static_cast<int>(std::min<int64_t>(tile_rows, end - first));
    std::vector<const int8_t*> starts(count);
    for (int i = 0; i < count; ++i) starts[i] = m.row_start(first + i);
    uint8_t* operands = operand_scratch.take(static_cast<size_t>(kBlock * int64_t{count}));
    int32_t* acc = acc_scratch.take(static_cast<size_t>(count) * kSums * panels);
    std::fill_n(acc, static_cast<size_t>(count) * kSums * panels, 0);
    for (int from = 0; from < terms; from += kBlock) {
      const int block = std::min(kBlock, terms - from);
      const int whole = block / kTerms * kTerms;
      for (int i = 0; i < count; ++i) {
        int8_t buffer[kBlock];
        const int8_t* row = joined(m, starts[i], from, block, buffer);
        uint8_t* to = operands + int64_t{i} * kTerms;
        for (int k = 0; k < whole; k += kTerms, to += int64_t{count} * kTerms) {
          std::memcpy(to, row + k, kTerms);
        }
        const auto rest = static_cast<size_t>(block - whole);
        std::memcpy(operands + int64_t{count} * whole + i * rest, row + whole, rest);
      }
      const uint32_t seen = sixteenths(operands, int64_t{count} * block);
      for (int p = 0; p < panels; ++p) {
        for (int k = 0; k < block; k += kTerms) {
          const int here = std::min(kTerms, block - k);
          for (int j = 0; j < here; ++j) {
            const uint16_t* columns[kOutputs];
            for (int i = 0; i < kOutputs; ++i) {
              const int output = std::min(p * kOutputs + i, m.outputs - 1);
              columns[i] = all.of(m.weight[int64_t{output} * terms + from + k + j]);
            }
            make_table(columns, seen, tables + j * kOperands * kOutputs);
          }
          kAddProducts[here - 1](operands + int64_t{count} * k, count, tables,
                                 acc + int64_t{p} * count * kSums);
        }
      }
    }
    for (int i = 0; i < count; ++i) {
      for (int p = 0; p < panels; ++p) {
        const auto* words =
            reinterpret_cast<const __m256i*>(acc + (int64_t{p} * count + i) * kSums);
        const __m256i base = _mm256_set1_epi32(of_bases);
        const __m256i upper = _mm256_load_si256(words + 1);
        const __m256i even = _mm256_add_epi32(
            base, _mm256_sub_epi32(_mm256_load_si256(words), _mm256_slli_epi32(upper, 16)));
        const __m256i odd = _mm256_add_epi32(base, upper);
        const __m256i low = _mm256_unpacklo_epi32(even, odd);
        const __m256i high = _mm256_unpackhi_epi32(even, odd);
        alignas(32) int32_t sums[kOutputs];
        _mm256_store_si256(reinterpret_cast<__m256i*>(sums),
                           _mm256_permute2x128_si256(low, high, 0x20));
        _mm256_store_si256(reinterpret_cast<__m256i*>(sums + 8),
                           _mm256_permute2x128_si256(low, high, 0x31));
        store_sums(m, first + i, p * kOutputs, std::min(kOutputs, m.outputs - p * kOutputs), sums);
      }
    }
  }
}

}  // namespace lutra::engine

#endif
