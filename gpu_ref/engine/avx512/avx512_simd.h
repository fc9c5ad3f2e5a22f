#ifndef LUTRA_ENGINE_AVX512_AVX512_SIMD_H_
#define LUTRA_ENGINE_AVX512_AVX512_SIMD_H_

#include "lutra/engine/elements.h"

// GCC 12 takes the undefined vectors of its own header for a mistake of ours.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop

// Attributes instead of compiler flags: nothing outside these functions may use AVX-512, least of
// all an inline function of a header, of which the linker keeps one copy for all backends.
#define LUTRA_AVX512 \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni")))
#define LUTRA_AVX512_INLINE LUTRA_AVX512 __attribute__((always_inline)) inline

namespace lutra::engine {

/// Requantisation of 16 sums; the added half cannot overflow, because the bit that it would carry
/// from is added after the shift.
LUTRA_AVX512_INLINE __m512i requantised(__m512i acc, const Requantisation& to) {
  if (to.shift > 0) {
    const __m512i half = _mm512_sra_epi32(acc, _mm_cvtsi32_si128(to.shift - 1));
    const __m512i carry = _mm512_and_si512(half, _mm512_set1_epi32(1));
    acc = _mm512_add_epi32(_mm512_sra_epi32(acc, _mm_cvtsi32_si128(to.shift)), carry);
  }
  return _mm512_max_epi32(_mm512_min_epi32(acc, _mm512_set1_epi32(to.high)),
                          _mm512_set1_epi32(to.low));
}

/// map[index] of 64 bytes.
LUTRA_AVX512_INLINE __m512i mapped(const uint8_t map[256], __m512i index) {
  const __m512i low =
      _mm512_permutex2var_epi8(_mm512_load_si512(map), index, _mm512_load_si512(map + 64));
  const __m512i high =
      _mm512_permutex2var_epi8(_mm512_load_si512(map + 128), index, _mm512_load_si512(map + 192));
  return _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), low, high);
}

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_AVX512_AVX512_SIMD_H_
