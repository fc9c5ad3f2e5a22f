#include "avx2/exact_gemm.h"

#include <algorithm>
#include <cstring>

#include "matrix/scratch.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include "avx2/simd.h"

namespace lutra::engine {
namespace {

constexpr int kOutputs = 16;     // of a panel: two registers of sums
constexpr int kRows = 6;         // of the kernel, with 12 registers of sums
constexpr int kTileRows = 96;    // divisible by kRows
constexpr int kMostTerms = 256;  // a block

/// Adds `scale` times the products of kRows rows and 16 outputs over pairs of terms.
/// @param a    rows of int16, `a_pitch` elements apart
/// @param b    [pairs][kOutputs][2]
/// @param acc  rows, `acc_pitch` sums apart
LUTRA_AVX2 void add_products(const int16_t* a, int64_t a_pitch, const int16_t* b, int pairs,
                             int32_t scale, int32_t* acc, int64_t acc_pitch) {
  __m256i sum[kRows][2];
#pragma GCC unroll 6
  for (int i = 0; i < kRows; ++i) sum[i][0] = sum[i][1] = _mm256_setzero_si256();
  for (int k = 0; k < pairs; ++k, a += 2, b += 2 * kOutputs) {
    const __m256i b0 = _mm256_load_si256(reinterpret_cast<const __m256i*>(b));
    const __m256i b1 = _mm256_load_si256(reinterpret_cast<const __m256i*>(b + kOutputs));
#pragma GCC unroll 6
    for (int i = 0; i < kRows; ++i) {
      int32_t pair;
      std::memcpy(&pair, a + i * a_pitch, sizeof pair);
      const __m256i first = _mm256_set1_epi32(pair);
      sum[i][0] = _mm256_add_epi32(sum[i][0], _mm256_madd_epi16(first, b0));
      sum[i][1] = _mm256_add_epi32(sum[i][1], _mm256_madd_epi16(first, b1));
    }
  }
  const __m256i scales = _mm256_set1_epi32(scale);
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < 2; ++j) {
      auto* to = reinterpret_cast<__m256i*>(acc + i * acc_pitch + 8 * j);
      const __m256i scaled = _mm256_mullo_epi32(sum[i][j], scales);
      _mm256_store_si256(to, _mm256_add_epi32(_mm256_load_si256(to), scaled));
    }
  }
}

}  // namespace

void multiply_factorised_avx2(const MatrixProduct& m, int64_t begin, int64_t end) {
  static thread_local Scratch<int16_t> row_scratch;
  static thread_local Scratch<int16_t> panel_scratch;
  static thread_local Scratch<int32_t> acc_scratch;
  const FeatureMaps& maps = *m.maps;
  const int terms = m.terms();
  const int panels = (m.outputs + kOutputs - 1) / kOutputs;
  const int64_t acc_pitch = int64_t{panels} * kOutputs;
  const int64_t rows = (end - begin + kRows - 1) / kRows * kRows;
  int32_t* acc = acc_scratch.take(static_cast<size_t>(rows * acc_pitch));
  int16_t* features = row_scratch.take(kTileRows * kMostTerms);
  std::fill_n(acc, rows * acc_pitch, 0);
  std::vector<int32_t> row_sums(end - begin, static_cast<int32_t>(int64_t{terms} * maps.row_low));
  std::vector<const int8_t*> starts(end - begin);
  for (int64_t i = 0; i < end - begin; ++i) starts[i] = m.start(begin + i);

  for (int from = 0; from < terms; from += kMostTerms) {
    const int block = std::min(kMostTerms, terms - from);
    const int pairs = (block + 1) / 2;
    int16_t* panel = panel_scratch.take(static_cast<size_t>(pairs) * 2 * acc_pitch);
    for (size_t f = 0; f < std::max<size_t>(1, maps.terms.size()); ++f) {
      const bool is_term = f < maps.terms.size();  // without terms, only the row sums
      for (int o = 0; is_term && o < panels * kOutputs; ++o) {
        int16_t* to = panel + (int64_t{o / kOutputs} * pairs * kOutputs + o % kOutputs) * 2;
        const int8_t* w = m.weight + int64_t{std::min(o, m.outputs - 1)} * terms + from;
        for (int k = 0; k < 2 * pairs; ++k) {
          to[k / 2 * 2 * kOutputs + k % 2] =
              k < block ? maps.terms[f].v[static_cast<uint8_t>(w[k])] : int16_t{0};
        }
      }
      for (int64_t first = 0; first < end - begin; first += kTileRows) {
        const int count = static_cast<int>(std::min<int64_t>(kTileRows, end - begin - first));
        for (int i = 0; i < count; ++i) {
          int16_t* to = features + i * kMostTerms;
          for (int k = 0, piece = 0; k < block; k += piece) {
            const int within = (from + k) % m.run;
            piece = std::min(m.run - within, block - k);
            const int8_t* a = starts[first + i] + m.offsets[(from + k) / m.run] + within;
            if (is_term) {
              const uint8_t* u = maps.terms[f].u;
              for (int j = 0; j < piece; ++j) to[k + j] = u[static_cast<uint8_t>(a[j])];
            }
            if (f > 0 || !maps.has_rows) continue;
            int32_t sum = 0;
            for (int j = 0; j < piece; ++j) {
              const auto byte = static_cast<uint8_t>(a[j]);
              sum += maps.row[0][byte] + (maps.row[1][byte] << 8);
            }
            row_sums[first + i] += sum;
          }
          if (block % 2 != 0) to[block] = 0;
        }
        for (int p = 0; is_term && p < panels; ++p) {
          for (int i = 0; i < count; i += kRows) {
            add_products(features + i * kMostTerms, kMostTerms,
                         panel + int64_t{p} * pairs * 2 * kOutputs, pairs, maps.terms[f].scale,
                         acc + (first + i) * acc_pitch + p * kOutputs, acc_pitch);
          }
        }
      }
    }
  }

  std::vector<uint32_t> columns(m.outputs, 0);
  for (int o = 0; o < m.outputs; ++o) {
    const int8_t* w = m.weight + int64_t{o} * terms;
    for (int k = 0; k < terms; ++k) {
      columns[o] += static_cast<uint32_t>(maps.column[static_cast<uint8_t>(w[k])]);
    }
  }
  for (int64_t i = 0; i < end - begin; ++i) {
    for (int o = 0; o < m.outputs; ++o) {
      const uint32_t sum = static_cast<uint32_t>(acc[i * acc_pitch + o]) + columns[o] +
                           static_cast<uint32_t>(row_sums[i]) +
                           static_cast<uint32_t>(m.first_sum(begin + i, o));
      m.to.store((begin + i) * m.pitch + o, static_cast<int32_t>(sum));
    }
  }
}

}  // namespace lutra::engine

#endif
