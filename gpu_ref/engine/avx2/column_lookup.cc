#include "avx2/column_lookup.h"

#include <algorithm>
#include <cstring>

#include "matrix/scratch.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include "avx2/simd.h"

namespace lutra::engine {
namespace {

constexpr int kOutputs = 16;
constexpr int kOperands = 256;
constexpr int kTerms = 4;        // whose tables share the first-level cache
constexpr int kTileRows = 4096;  // whose sums stay in the second-level cache
constexpr int kSums = kOutputs;  // 32-bit words of a row: 8 of both halves, 8 of the upper ones

/// A table with the second operand outer.
struct Columns {
  std::vector<uint16_t> offsets;  ///< [second operand][first operand]
  explicit Columns(const Multiplier& multiplier) : offsets(kOperands * kOperands) {
    for (int a = 0; a < kOperands; ++a) {
      for (int b = 0; b < kOperands; ++b) {
        offsets[b << 8 | a] = multiplier.table().offsets()[a << 8 | b];
      }
    }
  }
};

/// Transposes 16x16 16-bit words.
LUTRA_AVX2_INLINE void transpose16(__m256i r[16]) {
  __m256i s[16];
  for (int i = 0; i < 8; ++i) {
    s[i] = _mm256_unpacklo_epi16(r[2 * i], r[2 * i + 1]);
    s[8 + i] = _mm256_unpackhi_epi16(r[2 * i], r[2 * i + 1]);
  }
  // s[i]: columns 0..3 of rows 2i, 2i + 1; s[8 + i]: columns 4..7; of both 128-bit halves.
  __m256i t[16];
  for (int h = 0; h < 2; ++h) {
    for (int i = 0; i < 4; ++i) {
      t[8 * h + i] = _mm256_unpacklo_epi32(s[8 * h + 2 * i], s[8 * h + 2 * i + 1]);
      t[8 * h + 4 + i] = _mm256_unpackhi_epi32(s[8 * h + 2 * i], s[8 * h + 2 * i + 1]);
    }
  }
  // t[4 q + i]: columns 2q, 2q + 1 of rows 4i .. 4i + 3.
  for (int q = 0; q < 4; ++q) {
    for (int i = 0; i < 2; ++i) {
      s[4 * q + i] = _mm256_unpacklo_epi64(t[4 * q + 2 * i], t[4 * q + 2 * i + 1]);
      s[4 * q + 2 + i] = _mm256_unpackhi_epi64(t[4 * q + 2 * i], t[4 * q + 2 * i + 1]);
    }
  }
  // s[2 c + i]: column c (and c + 8) of rows 8i .. 8i + 7.
  for (int c = 0; c < 8; ++c) {
    r[c] = _mm256_permute2x128_si256(s[2 * c], s[2 * c + 1], 0x20);
    r[8 + c] = _mm256_permute2x128_si256(s[2 * c], s[2 * c + 1], 0x31);
  }
}

/// The products of all operands with 16 weights.
/// @param columns  [kOutputs] where each weight's column lies
/// @param table    [kOperands][kOutputs]
LUTRA_AVX2 void make_table(const uint16_t* const* columns, uint16_t* table) {
  for (int a = 0; a < kOperands; a += 16) {
    __m256i r[16];
    for (int o = 0; o < kOutputs; ++o) {
      r[o] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(columns[o] + a));
    }
    transpose16(r);
    for (int i = 0; i < 16; ++i) {
      _mm256_store_si256(reinterpret_cast<__m256i*>(table + (a + i) * kOutputs), r[i]);
    }
  }
}

/// Adds the products of Terms terms to the rows' sums.
/// @param starts  [count] rows, whose operands lie `offset` bytes further
/// @param acc     [count][kSums]
template <int Terms>
LUTRA_AVX2 void add_products(const int8_t* const* starts, int64_t offset, int count,
                             const uint16_t* tables, int32_t* acc) {
  for (int i = 0; i < count; ++i, acc += kSums) {
    uint8_t operand[Terms];
    std::memcpy(operand, starts[i] + offset, Terms);
    auto* sums = reinterpret_cast<__m256i*>(acc);
    __m256i both = _mm256_load_si256(sums);
    __m256i upper = _mm256_load_si256(sums + 1);
#pragma GCC unroll 4
    for (int k = 0; k < Terms; ++k) {
      const __m256i products = _mm256_load_si256(
          reinterpret_cast<const __m256i*>(tables + (k * kOperands + operand[k]) * kOutputs));
      both = _mm256_add_epi32(both, products);
      upper = _mm256_add_epi32(upper, _mm256_srli_epi32(products, 16));
    }
    _mm256_store_si256(sums, both);
    _mm256_store_si256(sums + 1, upper);
  }
}

using AddProducts = void (*)(const int8_t* const*, int64_t, int, const uint16_t*, int32_t*);
constexpr AddProducts kAddProducts[kTerms] = {add_products<1>, add_products<2>, add_products<3>,
                                              add_products<4>};

}  // namespace

void look_up_columns(const MatrixProduct& m, int64_t begin, int64_t end) {
  static thread_local Scratch<uint16_t> table_scratch;
  static thread_local Scratch<int32_t> acc_scratch;
  const Columns& all = m.multiplier->derived<Columns>();
  uint16_t* tables = table_scratch.take(kTerms * kOperands * kOutputs);
  const int terms = m.terms();
  const auto of_bases = static_cast<uint32_t>(int64_t{terms} * m.multiplier->table().base());
  for (int64_t first = begin; first < end; first += kTileRows) {
    const int count = static_cast<int>(std::min<int64_t>(kTileRows, end - first));
    int32_t* acc = acc_scratch.take(static_cast<size_t>(count) * kSums);
    std::vector<const int8_t*> starts(count);
    for (int i = 0; i < count; ++i) starts[i] = m.start(first + i);
    for (int o = 0; o < m.outputs; o += kOutputs) {
      std::fill_n(acc, static_cast<size_t>(count) * kSums, 0);
      for (int k = 0, block = 0; k < terms; k += block) {
        block = std::min(kTerms, m.run - k % m.run);
        for (int j = 0; j < block; ++j) {
          const uint16_t* columns[kOutputs];
          for (int i = 0; i < kOutputs; ++i) {
            const int output = std::min(o + i, m.outputs - 1);
            const auto w = static_cast<uint8_t>(m.weight[int64_t{output} * terms + k + j]);
            columns[i] = all.offsets.data() + w * kOperands;
          }
          make_table(columns, tables + j * kOperands * kOutputs);
        }
        kAddProducts[block - 1](starts.data(), m.offsets[k / m.run] + k % m.run, count, tables,
                                acc);
      }
      const int outputs = std::min(kOutputs, m.outputs - o);
      for (int i = 0; i < count; ++i) {
        const int32_t* both = acc + static_cast<int64_t>(i) * kSums;
        const int32_t* upper = both + kSums / 2;
        for (int j = 0; j < outputs; ++j) {
          const auto high = static_cast<uint32_t>(upper[j / 2]);
          const uint32_t sum =
              j % 2 == 1 ? high : static_cast<uint32_t>(both[j / 2]) - (high << 16);
          const auto start = static_cast<uint32_t>(m.first_sum(first + i, o + j));
          m.to.store((first + i) * m.pitch + o + j, static_cast<int32_t>(start + of_bases + sum));
        }
      }
    }
  }
}

}  // namespace lutra::engine

#endif
