#include "avx2/avx2_factorised_gemm.h"

#include <algorithm>
#include <cstring>

#include "lutra/base/threads.h"
#include "matrix/scratch.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include "avx2/sums.h"

namespace lutra::engine {
namespace {

constexpr int kOutputs = 16;      // of a panel: two registers of sums
constexpr int kRows = 6;          // of the kernel, with 12 registers of sums
constexpr int kTileRows = 48;     // divisible by kRows
constexpr int kMaxTerms = 256;    // a block: 16 outputs of it stay in the first-level cache
constexpr int kMaxMapped = 4096;  // terms, where rows overlap: the rest is left to the cache

/// Terms that the kernel takes in one go: some whole segments of the rows, or a part of one.
struct Block {
  int segment, segments;
  int within, terms;  ///< of each segment
  int first_pair;     ///< pairs of the blocks before

  int pairs_per_segment() const { return (terms + 1) / 2; }
  int pairs() const { return segments * pairs_per_segment(); }
};

std::vector<Block> blocks_of(const MatrixProduct& m) {
  const int segments = static_cast<int>(m.segment_offsets.size());
  const int together = std::max(1, kMaxTerms / m.segment_bytes);
  std::vector<Block> blocks;
  int pairs = 0;
  for (int segment = 0; segment < segments; segment += together) {
    for (int within = 0; within < m.segment_bytes; within += kMaxTerms) {
      blocks.push_back({segment, std::min(together, segments - segment), within,
                        std::min(kMaxTerms, m.segment_bytes - within), pairs});
      pairs += blocks.back().pairs();
    }
  }
  return blocks;
}

/// Where the features of a block begin in the packed weights: [panel][feature][pairs][kOutputs][2].
int64_t panel_offset(const Block& block, int panels, size_t features) {
  return int64_t{block.first_pair} * 2 * kOutputs * panels * static_cast<int64_t>(features);
}

/// u[byte] of `count` bytes. Many maps only clear or flip bits, which registers can do.
class ByteMap {
 public:
  explicit ByteMap(const uint8_t* u) : u_(u), flip_(u[0]) {
    for (int bit = 1; bit < 256; bit *= 2) keep_ |= (u[bit] ^ u[0]) & bit;
    for (int x = 0; x < 256; ++x) is_bitwise_ = is_bitwise_ && u[x] == ((x & keep_) ^ flip_);
  }

  LUTRA_AVX2 void operator()(const int8_t* from, int64_t count, int16_t* to) const {
    int64_t i = 0;
    if (is_bitwise_) {
      const __m256i keep = _mm256_set1_epi16(static_cast<int16_t>(keep_));
      const __m256i flip = _mm256_set1_epi16(static_cast<int16_t>(flip_));
      for (; i + 16 <= count; i += 16) {
        const __m256i bytes =
            _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i)));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i),
                            _mm256_xor_si256(_mm256_and_si256(bytes, keep), flip));
      }
    }
    for (; i < count; ++i) to[i] = u_[static_cast<uint8_t>(from[i])];
  }

 private:
  const uint8_t* u_;
  int keep_ = 0;
  int flip_;
  bool is_bitwise_ = true;
};

/// Features of a tile's rows. Rows that lie one over the other, as those of a convolution do, share
/// them: a row is a place in an image of features.
class Tile {
 public:
  explicit Tile(const MatrixProduct& m) : m_(m) {
    for (const FeatureMaps::Term& term : m.maps->terms) maps_.emplace_back(term.u);
    for (int a = 0; a < 256; ++a) {
      rows_[a] = static_cast<uint16_t>(m.maps->row[0][a] | m.maps->row[1][a] << 8);
    }
  }

  /// Takes the rows [first, first + count).
  void take(int64_t first, int count) {
    count_ = count;
    terms_ = 0;
    for (int i = 0; i < count; ++i) {
      starts_[i] = m_.row_start(first + i);
      row_sums_[i] = static_cast<uint32_t>(m_.terms()) * static_cast<uint32_t>(m_.maps->row_low);
    }
  }

  /// Whether rows share bytes.
  bool overlap() const {
    return count_ > 1 && std::abs(starts_[1] - starts_[0]) < m_.segment_bytes;
  }

  /// Maps `terms` terms of `segments` segments.
  void map(int segment, int segments, int within, int terms) {
    if (terms != terms_) lay_out(terms);
    pitch_ = segment_pitch_ * segments;
    features_ = feature_scratch_.take(static_cast<size_t>(pitch_) * maps_.size());
    for (int p = 0; p < segments; ++p) {
      const int64_t offset = m_.segment_offsets[segment + p] + within;
      for (size_t f = 0; f < maps_.size(); ++f) {
        int16_t* to = features_ + static_cast<int64_t>(f) * pitch_ + p * segment_pitch_;
        for (const Strip& s : strips_) maps_[f](s.start + offset, s.count, to + s.at);
      }
      if (!m_.maps->has_rows) continue;
      uint32_t* running = running_scratch_.take(static_cast<size_t>(segment_pitch_));
      for (const Strip& s : strips_) add_up(s.start + offset, s.count, running + s.at);
      for (int i = 0; i < count_; ++i) row_sums_[i] += running[at_[i] + terms] - running[at_[i]];
    }
  }

  const int16_t* features(size_t f) const { return features_ + static_cast<int64_t>(f) * pitch_; }
  int64_t pitch() const { return pitch_; }                  ///< from feature to feature
  int64_t segment_pitch() const { return segment_pitch_; }  ///< from segment to segment
  const int32_t* at() const { return at_; }  ///< [kTileRows] where a row's segment begins
  uint32_t row_sum(int i) const { return row_sums_[i]; }

 private:
  static constexpr int kSlack = 2;  // elements behind a row: the second of a pair, a running sum

  /// Bytes of rows that lie one over the other or side by side.
  struct Strip {
    const int8_t* start;
    int64_t count;
    int64_t at;  ///< of their features
  };

  /// Finds the strips, if rows are `terms` bytes long.
  void lay_out(int terms) {
    terms_ = terms;
    strips_.clear();
    int64_t free = 0;
    for (int i = 0; i < count_; ++i) {
      const int8_t* row = starts_[i];
      if (i == 0 || row < strips_.back().start ||
          row > strips_.back().start + strips_.back().count) {
        strips_.push_back({row, 0, free});
      }
      Strip& strip = strips_.back();
      strip.count = std::max(strip.count, row - strip.start + terms);
      at_[i] = static_cast<int32_t>(strip.at + (row - strip.start));
      free = strip.at + strip.count + kSlack;
    }
    // The kernel takes whole groups of rows.
    for (int i = count_; i % kRows != 0; ++i) at_[i] = at_[0];
    segment_pitch_ = free;
  }

  /// to[i] = what the first i operands add to a sum.
  void add_up(const int8_t* from, int64_t count, uint32_t* to) const {
    to[0] = 0;
    for (int64_t i = 0; i < count; ++i) to[i + 1] = to[i] + rows_[static_cast<uint8_t>(from[i])];
  }

  const MatrixProduct& m_;
  std::vector<ByteMap> maps_;
  uint16_t rows_[256];
  int count_ = 0;
  int terms_ = 0;  // of the layout
  const int8_t* starts_[kTileRows];
  uint32_t row_sums_[kTileRows];
  int32_t at_[kTileRows];
  std::vector<Strip> strips_;
  int64_t segment_pitch_ = 0;
  int64_t pitch_ = 0;
  int16_t* features_ = nullptr;
  Scratch<int16_t> feature_scratch_;
  Scratch<uint32_t> running_scratch_;
};

struct __attribute__((packed, may_alias)) Pair {
  int16_t terms[2];
};

/// Sums of Rows rows and 16 outputs, two registers a row. They are named by template recursion, and
/// the instructions written out: GCC 12 keeps copies of them in memory otherwise.
template <int Rows>
struct Sums {
  Sums<Rows - 1> others;
  __m256i low, high;

  LUTRA_AVX2_INLINE void clear() {
    others.clear();
    low = high = _mm256_setzero_si256();
  }
  /// @param a  [Rows] where the rows' pairs lie, of which pair `k` is taken
  LUTRA_AVX2_INLINE void add(const int16_t* const* a, int64_t k, __m256i b0, __m256i b1) {
    others.add(a, k, b0, b1);
    __m256i first, product;
    asm("vpbroadcastd %[pair], %[first]\n\t"
        "vpmaddwd %[b0], %[first], %[product]\n\t"
        "vpmaddwd %[b1], %[first], %[first]\n\t"
        "vpaddd %[product], %[low], %[low]\n\t"
        "vpaddd %[first], %[high], %[high]"
        : [low] "+x"(low), [high] "+x"(high), [first] "=&x"(first), [product] "=&x"(product)
        : [pair] "m"(*reinterpret_cast<const Pair*>(a[Rows - 1] + 2 * k)), [b0] "x"(b0),
          [b1] "x"(b1));
  }
  LUTRA_AVX2_INLINE void add_to(int32_t* acc, int64_t acc_pitch, __m256i scale) const {
    others.add_to(acc, acc_pitch, scale);
    auto* to = reinterpret_cast<__m256i*>(acc + (Rows - 1) * acc_pitch);
    _mm256_store_si256(to, _mm256_add_epi32(_mm256_load_si256(to), _mm256_mullo_epi32(low, scale)));
    _mm256_store_si256(
        to + 1, _mm256_add_epi32(_mm256_load_si256(to + 1), _mm256_mullo_epi32(high, scale)));
  }
};

template <>
struct Sums<0> {
  void clear() {}
  LUTRA_AVX2_INLINE void add(const int16_t* const*, int64_t, __m256i, __m256i) {}
  LUTRA_AVX2_INLINE void add_to(int32_t*, int64_t, __m256i) const {}
};

/// Adds the products of kRows rows and 16 outputs over a block's pairs, times a scale.
/// @param a      features, the next feature's `pitch` further
/// @param at     [kRows] where a row's first segment begins, the next `segment_pitch` further
/// @param b      [features][segments][pairs][kOutputs][2]
/// @param acc    rows, `acc_pitch` sums apart
LUTRA_AVX2 void add_products(const int16_t* a, int64_t pitch, size_t features, const int32_t* at,
                             int64_t segment_pitch, int segments, int pairs, const int16_t* b,
                             int32_t scale, int32_t* acc, int64_t acc_pitch) {
  Sums<kRows> sums;
  sums.clear();
  for (size_t f = 0; f < features; ++f, a += pitch) {
    for (int p = 0; p < segments; ++p) {
      const int16_t* rows[kRows];
#pragma GCC unroll 6
      for (int i = 0; i < kRows; ++i) rows[i] = a + p * segment_pitch + at[i];
      for (int64_t k = 0; k < pairs; ++k, b += 2 * kOutputs) {
        const __m256i b0 = _mm256_load_si256(reinterpret_cast<const __m256i*>(b));
        const __m256i b1 = _mm256_load_si256(reinterpret_cast<const __m256i*>(b + kOutputs));
        sums.add(rows, k, b0, b1);
      }
    }
  }
  sums.add_to(acc, acc_pitch, _mm256_set1_epi32(scale));
}

}  // namespace

PackedWeight<int16_t> pack_weight_avx2(const MatrixProduct& m, int jobs) {
  const FeatureMaps& maps = *m.maps;
  const size_t features = maps.terms.size();
  const int panels = (m.outputs + kOutputs - 1) / kOutputs;
  const std::vector<Block> blocks = blocks_of(m);
  const int all_pairs = blocks.back().first_pair + blocks.back().pairs();
  PackedWeight<int16_t> packed(
      int64_t{all_pairs} * 2 * kOutputs * panels * static_cast<int64_t>(features),
      panels * kOutputs);
  const auto pack_output = [&](int o) {
    for (const Block& block : blocks) {
      const int pairs = block.pairs();
      const int8_t* w =
          m.weight + int64_t{o} * m.terms() + block.segment * m.segment_bytes + block.within;
      for (size_t f = 0; f < features; ++f) {
        const int8_t* v = maps.terms[f].v;
        const int64_t panel =
            o / kOutputs * static_cast<int64_t>(features) + static_cast<int64_t>(f);
        int16_t* to = packed.panels() + panel_offset(block, panels, features) +
                      (panel * pairs * kOutputs + o % kOutputs) * 2;
        for (int p = 0; p < block.segments; ++p) {
          const int8_t* from = w + int64_t{p} * m.segment_bytes;
          for (int k = 0; k < block.terms; k += 2, to += 2 * kOutputs) {
            to[0] = v[static_cast<uint8_t>(from[k])];
            to[1] = k + 1 < block.terms ? v[static_cast<uint8_t>(from[k + 1])] : int16_t{0};
          }
        }
      }
    }
  };
  base::parallel_for(m.outputs, kOutputs, jobs, [&](int begin, int end) {
    for (int o = begin; o < end; ++o) pack_output(o);
    packed.add_columns(m, begin, end);
  });
  return packed;
}

LUTRA_AVX2 void multiply_factorised_avx2(const MatrixProduct& m,
                                         const PackedWeight<int16_t>& weight, int64_t begin,
                                         int64_t end) {
  static thread_local Scratch<int32_t> acc_scratch;
  const FeatureMaps& maps = *m.maps;
  const size_t features = maps.terms.size();
  const int panels = (m.outputs + kOutputs - 1) / kOutputs;
  const int64_t acc_pitch = int64_t{panels} * kOutputs;
  const std::vector<Block> blocks = blocks_of(m);
  int32_t* acc = acc_scratch.take(static_cast<size_t>(kTileRows * acc_pitch));
  Tile tile(m);
  for (int64_t first = begin; first < end; first += kTileRows) {
    const int count = static_cast<int>(std::min<int64_t>(kTileRows, end - first));
    tile.take(first, count);
    std::fill_n(acc, kTileRows * acc_pitch, 0);
    for (size_t b = 0; b < blocks.size();) {
      const Block& start = blocks[b];
      size_t next = b + 1;
      int terms = start.terms;
      while (tile.overlap() && next < blocks.size() && blocks[next].segment == start.segment &&
             terms + blocks[next].terms <= kMaxMapped) {
        terms += blocks[next++].terms;
      }
      tile.map(start.segment, start.segments, start.within, terms);
      for (; b < next; ++b) {
        const Block& block = blocks[b];
        const int pairs = block.pairs();
        const int16_t* packed = weight.panels() + panel_offset(block, panels, features);
        // Features of one scale are one long sum.
        for (size_t f = 0, other = 0; f < features; f = other) {
          while (other < features && maps.terms[other].scale == maps.terms[f].scale) ++other;
          for (int p = 0; p < panels; ++p) {
            const int16_t* panel =
                packed + (p * static_cast<int64_t>(features) + static_cast<int64_t>(f)) * pairs *
                             2 * kOutputs;
            for (int i = 0; i < count; i += kRows) {
              add_products(tile.features(f) + (block.within - start.within), tile.pitch(),
                           other - f, tile.at() + i, tile.segment_pitch(), block.segments,
                           block.pairs_per_segment(), panel, maps.terms[f].scale,
                           acc + i * acc_pitch + p * kOutputs, acc_pitch);
            }
          }
        }
      }
    }
    for (int i = 0; i < count; ++i) {
      int32_t* sums = acc + i * acc_pitch;
      for (int o = 0; o < acc_pitch; ++o) {
        sums[o] = static_cast<int32_t>(static_cast<uint32_t>(sums[o]) + tile.row_sum(i) +
                                       static_cast<uint32_t>(weight.column_sums()[o]));
      }
      store_sums(m, first + i, 0, m.outputs, sums);
    }
  }
}

}  // namespace lutra::engine

#endif
