#include "avx512/avx512_factorised_gemm.h"

#include <algorithm>
#include <cstring>

#include "lutra/base/threads.h"
#include "matrix/scratch.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include "avx512/avx512_simd.h"

namespace lutra::engine {
namespace {

constexpr int kOutputs = 16;      // in a register of sums
constexpr int kMaxTerms = 512;    // a block: 64 outputs of it stay in the first-level cache
constexpr int kTileRows = 96;     // divisible by the rows of every kernel
constexpr int kMaxRegisters = 4;  // of outputs, side by side in a kernel

int in_fours(int terms) { return (terms + 3) / 4 * 4; }

/// Bytes of the panels before the block that begins at term `first`.
int64_t panel_offset(int first, int registers, size_t features) {
  return int64_t{first} * kOutputs * registers * static_cast<int64_t>(features);
}

/// Transposes 16x16 32-bit words: row i's word j becomes row j's word i.
LUTRA_AVX512_INLINE void transpose_words(__m512i r[16]) {
  __m512i s[16];
  for (int i = 0; i < 8; ++i) {
    s[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    s[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 4; ++i) {
    r[4 * i] = _mm512_unpacklo_epi64(s[4 * i], s[4 * i + 2]);
    r[4 * i + 1] = _mm512_unpackhi_epi64(s[4 * i], s[4 * i + 2]);
    r[4 * i + 2] = _mm512_unpacklo_epi64(s[4 * i + 1], s[4 * i + 3]);
    r[4 * i + 3] = _mm512_unpackhi_epi64(s[4 * i + 1], s[4 * i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    s[i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0x88);
    s[4 + i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0xdd);
    s[8 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0x88);
    s[12 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0xdd);
  }
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm512_shuffle_i32x4(s[i], s[8 + i], 0x88);
    r[4 + i] = _mm512_shuffle_i32x4(s[4 + i], s[12 + i], 0x88);
    r[8 + i] = _mm512_shuffle_i32x4(s[i], s[8 + i], 0xdd);
    r[12 + i] = _mm512_shuffle_i32x4(s[4 + i], s[12 + i], 0xdd);
  }
}

/// One panel: the features of 16 outputs' terms [first, first + block).
LUTRA_AVX512 void pack_panel(const MatrixProduct& m, int first_output, int first, int block,
                             const int8_t* map, int8_t* panel) {
  const int terms = m.terms();
  for (int k = 0; k < block; k += 64) {
    const int count = std::min(64, block - k);
    const __mmask64 mask = count == 64 ? ~__mmask64{0} : (__mmask64{1} << count) - 1;
    __m512i r[16];
    for (int i = 0; i < kOutputs; ++i) {
      const int o = first_output + i;
      const __m512i bytes = _mm512_maskz_loadu_epi8(
          mask, m.weight + int64_t{std::min(o, m.outputs - 1)} * terms + first + k);
      r[i] = _mm512_maskz_mov_epi8(o < m.outputs ? mask : __mmask64{0},
                                   mapped(reinterpret_cast<const uint8_t*>(map), bytes));
    }
    transpose_words(r);
    for (int j = 0; j < in_fours(count) / 4; ++j) {
      _mm512_storeu_si512(panel + (k / 4 + j) * 64, r[j]);
    }
  }
}

/// A tile's operands [first, first + block) as features.
/// @param tile  [kTileRows][features][block in fours]; the odd terms are 0
/// @param sums  [count] gets what row(a) adds, where it does
LUTRA_AVX512 void pack_rows(const MatrixProduct& m, const FeatureMaps& maps,
                            const int8_t* const* starts, int count, int first, int block,
                            uint8_t* tile, int32_t* sums) {
  const int padded = in_fours(block);
  const size_t features = maps.terms.size();
  alignas(64) int8_t joined[kMaxTerms + 64];
  const __m512i ones = _mm512_set1_epi8(1);
  for (int i = 0; i < count; ++i, tile += padded * features) {
    const int8_t* row = starts[i];
    const int within = first % m.segment_bytes;
    if (m.segment_bytes - within >= block) {
      row += m.segment_offsets[first / m.segment_bytes] + within;
    } else {
      for (int k = 0; k < block;) {
        const int inside = (first + k) % m.segment_bytes;
        const int length = std::min(m.segment_bytes - inside, block - k);
        const int8_t* from = row + m.segment_offsets[(first + k) / m.segment_bytes] + inside;
        for (int j = 0; j < length; j += 64) {
          const int rest = std::min(64, length - j);
          const __mmask64 mask = rest == 64 ? ~__mmask64{0} : (__mmask64{1} << rest) - 1;
          _mm512_storeu_si512(joined + k + j, _mm512_maskz_loadu_epi8(mask, from + j));
        }
        k += length;
      }
      row = joined;
    }
    __m512i low = _mm512_setzero_si512();
    __m512i high = _mm512_setzero_si512();
    for (int k = 0; k < block; k += 64) {
      const int rest = std::min(64, block - k);
      const __mmask64 mask = rest == 64 ? ~__mmask64{0} : (__mmask64{1} << rest) - 1;
      const __mmask64 fours = rest == 64 ? mask : (__mmask64{1} << in_fours(rest)) - 1;
      const __m512i bytes = _mm512_maskz_loadu_epi8(mask, row + k);
      for (size_t f = 0; f < features; ++f) {
        _mm512_mask_storeu_epi8(tile + f * padded + k, fours,
                                _mm512_maskz_mov_epi8(mask, mapped(maps.terms[f].u, bytes)));
      }
      if (maps.has_rows) {
        low =
            _mm512_dpbusd_epi32(low, _mm512_maskz_mov_epi8(mask, mapped(maps.row[0], bytes)), ones);
        high = _mm512_dpbusd_epi32(high, _mm512_maskz_mov_epi8(mask, mapped(maps.row[1], bytes)),
                                   ones);
      }
    }
    if (maps.has_rows) {
      sums[i] += _mm512_reduce_add_epi32(low) + (_mm512_reduce_add_epi32(high) << 8);
    }
  }
}

/// The sums of a kernel, one a register. They are named by template recursion: indices in a loop
/// would make the compiler keep a copy of them in memory.
template <int Registers, int N>
struct Sums {
  __m512i last;  ///< row (N - 1) / Registers, register (N - 1) % Registers
  Sums<Registers, N - 1> others;

  LUTRA_AVX512_INLINE void clear() {
    last = _mm512_setzero_si512();
    others.clear();
  }
  LUTRA_AVX512_INLINE void add(const uint8_t* a, int64_t a_pitch, const __m512i* second) {
    others.add(a, a_pitch, second);
    int32_t four;
    std::memcpy(&four, a + (N - 1) / Registers * a_pitch, sizeof four);
    // Not the intrinsic: GCC 12 copies and spills its sums in every round.
    asm("vpdpbusd %2, %1, %0"
        : "+v"(last)
        : "v"(_mm512_set1_epi32(four)), "v"(second[(N - 1) % Registers]));
  }
  LUTRA_AVX512_INLINE void add_to(int32_t* acc, int64_t acc_pitch, int32_t scale) const {
    others.add_to(acc, acc_pitch, scale);
    int32_t* to = acc + (N - 1) / Registers * acc_pitch + (N - 1) % Registers * kOutputs;
    const __m512i scaled = _mm512_mullo_epi32(last, _mm512_set1_epi32(scale));
    _mm512_store_si512(to, _mm512_add_epi32(_mm512_load_si512(to), scaled));
  }
};

template <int Registers>
struct Sums<Registers, 0> {
  void clear() {}
  void add(const uint8_t*, int64_t, const __m512i*) {}
  void add_to(int32_t*, int64_t, int32_t) const {}
};

/// Adds `scale` times the products of Rows rows and Registers x 16 outputs over `fours` quadruples.
/// @param a      rows, `a_pitch` bytes apart
/// @param b      registers of outputs, `b_pitch` bytes apart
/// @param acc    rows, `acc_pitch` sums apart
template <int Rows, int Registers>
LUTRA_AVX512 void add_products(const uint8_t* a, int64_t a_pitch, const int8_t* b, int64_t b_pitch,
                               int fours, int32_t scale, int32_t* acc, int64_t acc_pitch) {
  Sums<Registers, Rows * Registers> sums;
  sums.clear();
  do {
    __m512i second[Registers];
#pragma GCC unroll 4
    for (int j = 0; j < Registers; ++j) second[j] = _mm512_load_si512(b + j * b_pitch);
    sums.add(a, a_pitch, second);
    a += 4;
    b += 64;
  } while (--fours > 0);
  sums.add_to(acc, acc_pitch, scale);
}

template <int Rows, int Registers>
void add_tile(int rows, const uint8_t* a, int64_t a_pitch, const int8_t* b, int64_t b_pitch,
              int fours, int32_t scale, int32_t* acc, int64_t acc_pitch) {
  for (int i = 0; i < rows; i += Rows) {
    add_products<Rows, Registers>(a + i * a_pitch, a_pitch, b, b_pitch, fours, scale,
                                  acc + i * acc_pitch, acc_pitch);
  }
}

using AddTile = void (*)(int, const uint8_t*, int64_t, const int8_t*, int64_t, int, int32_t,
                         int32_t*, int64_t);
// 24 registers of sums each; a row beyond the last costs time but harms nothing.
constexpr AddTile kAddTile[kMaxRegisters] = {add_tile<24, 1>, add_tile<12, 2>, add_tile<8, 3>,
                                             add_tile<6, 4>};

LUTRA_AVX512 void multiply_tile(const MatrixProduct& m, const FeatureMaps& maps,
                                const PackedWeight<int8_t>& weight, int64_t first, int count) {
  static thread_local Scratch<uint8_t> tile_scratch;
  static thread_local Scratch<int32_t> acc_scratch;
  const int terms = m.terms();
  const size_t features = maps.terms.size();
  const int registers = (m.outputs + kOutputs - 1) / kOutputs;
  const int64_t acc_pitch = int64_t{registers} * kOutputs;
  uint8_t* tile = tile_scratch.take(std::max<size_t>(1, features) * kTileRows * kMaxTerms);
  int32_t* acc = acc_scratch.take(static_cast<size_t>(kTileRows * acc_pitch));
  std::fill_n(acc, kTileRows * acc_pitch, 0);
  int32_t row_sums[kTileRows];
  const int8_t* starts[kTileRows];
  for (int i = 0; i < count; ++i) {
    starts[i] = m.row_start(first + i);
    row_sums[i] = static_cast<int32_t>(int64_t{terms} * maps.row_low);
  }

  for (int from = 0; from < terms; from += kMaxTerms) {
    const int block = std::min(kMaxTerms, terms - from);
    const int padded = in_fours(block);
    pack_rows(m, maps, starts, count, from, block, tile, row_sums);
    const int64_t a_pitch = padded * static_cast<int64_t>(features);
    const int64_t b_pitch = int64_t{padded} * kOutputs * static_cast<int64_t>(features);
    const int8_t* panels = weight.panels() + panel_offset(from, registers, features);
    // Features of one scale are one long sum.
    for (size_t f = 0, next = 0; f < features; f = next) {
      while (next < features && maps.terms[next].scale == maps.terms[f].scale) ++next;
      const int fours = padded / 4 * static_cast<int>(next - f);
      for (int r = 0; r < registers; r += kMaxRegisters) {
        const int side = std::min(kMaxRegisters, registers - r);
        kAddTile[side - 1](count, tile + f * padded, a_pitch,
                           panels + r * b_pitch + static_cast<int64_t>(f) * padded * kOutputs,
                           b_pitch, fours, maps.terms[f].scale, acc + r * kOutputs, acc_pitch);
      }
    }
  }

  for (int i = 0; i < count; ++i) {
    const int32_t* row_first = m.initial_sums ? m.initial_sums(first + i) : m.bias;
    const __m512i row_sum = _mm512_set1_epi32(row_sums[i]);
    for (int o = 0; o < m.outputs; o += kOutputs) {
      const auto mask = static_cast<__mmask16>((1u << std::min(kOutputs, m.outputs - o)) - 1);
      __m512i sum = _mm512_add_epi32(_mm512_load_si512(acc + i * acc_pitch + o), row_sum);
      sum = _mm512_add_epi32(sum, _mm512_loadu_si512(weight.column_sums() + o));
      if (row_first != nullptr) {
        sum = _mm512_add_epi32(sum, _mm512_maskz_loadu_epi32(mask, row_first + o));
      }
      const int64_t at = (first + i) * m.pitch + o;
      if (m.to.sums != nullptr) _mm512_mask_storeu_epi32(m.to.sums + at, mask, sum);
      if (m.to.output != nullptr) {
        _mm_mask_storeu_epi8(m.to.output + at, mask,
                             _mm512_cvtepi32_epi8(requantised(sum, m.to.requantisation)));
      }
    }
  }
}

}  // namespace

PackedWeight<int8_t> pack_weight(const MatrixProduct& m, int jobs) {
  const FeatureMaps& maps = *m.maps;
  const int terms = m.terms();
  const int registers = (m.outputs + kOutputs - 1) / kOutputs;
  const size_t features = maps.terms.size();
  PackedWeight<int8_t> packed(panel_offset(in_fours(terms), registers, features),
                              registers * kOutputs);
  base::parallel_for(registers, 1, jobs, [&](int r, int) {
    for (int from = 0; from < terms; from += kMaxTerms) {
      const int block = std::min(kMaxTerms, terms - from);
      const int64_t size = int64_t{in_fours(block)} * kOutputs;
      int8_t* panel = packed.panels() + panel_offset(from, registers, features) +
                      r * static_cast<int64_t>(features) * size;
      for (size_t f = 0; f < features; ++f, panel += size) {
        pack_panel(m, r * kOutputs, from, block, maps.terms[f].v, panel);
      }
    }
    packed.add_columns(m, r * kOutputs, std::min(m.outputs, (r + 1) * kOutputs));
  });
  return packed;
}

void multiply_factorised(const MatrixProduct& m, const PackedWeight<int8_t>& weight, int64_t begin,
                         int64_t end) {
  const FeatureMaps& maps = *m.maps;
  for (int64_t first = begin; first < end; first += kTileRows) {
    multiply_tile(m, maps, weight, first,
                  static_cast<int>(std::min<int64_t>(kTileRows, end - first)));
  }
}

}  // namespace lutra::engine

#endif
