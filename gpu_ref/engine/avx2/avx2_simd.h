#ifndef LUTRA_ENGINE_AVX2_AVX2_SIMD_H_
#define LUTRA_ENGINE_AVX2_AVX2_SIMD_H_

// GCC 12 takes the undefined vectors of its own header for a mistake of ours.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop

// An attribute instead of compiler flags: as avx512_simd.h says.
#define LUTRA_AVX2 __attribute__((target("avx2")))
#define LUTRA_AVX2_INLINE LUTRA_AVX2 __attribute__((always_inline)) inline

#endif  // LUTRA_ENGINE_AVX2_AVX2_SIMD_H_
