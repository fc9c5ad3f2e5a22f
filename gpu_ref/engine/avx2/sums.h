#ifndef LUTRA_ENGINE_AVX2_SUMS_H_
#define LUTRA_ENGINE_AVX2_SUMS_H_

#include <algorithm>
#include <cstring>

#include "avx2/avx2_simd.h"
#include "matrix/matrix_product.h"

namespace lutra::engine {

/// Requantisation of 8 sums; the added half cannot overflow, because the bit that it would carry
/// from is added after the shift.
LUTRA_AVX2_INLINE __m256i requantised_avx2(__m256i sum, const Requantisation& to) {
  if (to.shift > 0) {
    const __m256i half = _mm256_sra_epi32(sum, _mm_cvtsi32_si128(to.shift - 1));
    const __m256i carry = _mm256_and_si256(half, _mm256_set1_epi32(1));
    sum = _mm256_add_epi32(_mm256_sra_epi32(sum, _mm_cvtsi32_si128(to.shift)), carry);
  }
  return _mm256_max_epi32(_mm256_min_epi32(sum, _mm256_set1_epi32(to.high)),
                          _mm256_set1_epi32(to.low));
}

/// Ends a row: adds what its sums start at, and stores them.
/// @param first  the first output, a multiple of 8
/// @param sums   [count, rounded up to 8] of the outputs from there on
LUTRA_AVX2_INLINE void store_sums(const MatrixProduct& m, int64_t row, int first, int count,
                                  const int32_t* sums) {
  const int32_t* starts = m.initial_sums ? m.initial_sums(row) : m.bias;
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  // The low bytes of eight 32-bit words, side by side in each half.
  const __m256i low_bytes = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1));
  for (int j = 0; j < count; j += 8) {
    const int here = std::min(8, count - j);
    const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(here), lanes);
    __m256i sum = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sums + j));
    if (starts != nullptr) {
      sum = _mm256_add_epi32(sum, _mm256_maskload_epi32(starts + first + j, mask));
    }
    const int64_t at = row * m.pitch + first + j;
    if (m.to.sums != nullptr) _mm256_maskstore_epi32(m.to.sums + at, mask, sum);
    if (m.to.output != nullptr) {
      const __m256i bytes =
          _mm256_shuffle_epi8(requantised_avx2(sum, m.to.requantisation), low_bytes);
      const auto low = static_cast<uint32_t>(_mm256_extract_epi32(bytes, 0));
      const auto high = static_cast<uint32_t>(_mm256_extract_epi32(bytes, 4));
      const uint64_t eight = uint64_t{high} << 32 | low;
      if (here == 8) {
        std::memcpy(m.to.output + at, &eight, 8);
      } else {
        std::memcpy(m.to.output + at, &eight, static_cast<size_t>(here));
      }
    }
  }
}

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_AVX2_SUMS_H_
