#ifndef LUTRA_ENGINE_CUDA_OPERAND_MAPS_H_
#define LUTRA_ENGINE_CUDA_OPERAND_MAPS_H_

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "cuda/implicit_gemm.h"
#include "lutra/tables/factorisation.h"
#include "lutra/tables/product_table.h"

namespace lutra::engine::cuda {

constexpr int kMaxFactors = 16;

/// A factorisation as int8 matrix products need it.
///
/// Sums are of s_1 A_1 + s_2 A_2 + ... modulo 2^32, A_t the matrix product of term t. With the
/// terms ordered by falling powers of two in their scales, s_t / s_t+1 exists modulo 2^32, so that
/// one accumulator does: it is multiplied by that quotient between two terms.
struct Factors {
  int terms = 0;
  std::array<uint32_t, kMaxFactors> scale_ratios{};  ///< s_t / s_t+1; of the last term s_t itself
  std::vector<int8_t> u, v;  ///< [terms][256]; u moved into int8 by a constant
  std::array<int32_t, 256> row{};
  std::array<int32_t, 256> column{};  ///< with what the moved u lack
  bool has_row = false;
  bool has_column = false;
};

inline uint32_t odd_inverse(uint32_t odd) {
  uint32_t inverse = odd;  // right in 3 bits; each step doubles them
  for (int i = 0; i < 4; ++i) inverse *= 2 - odd * inverse;
  return inverse;
}

/// Nothing where there are more terms than the kernel takes, or maps that do not fit bytes.
inline std::optional<Factors> factors(const tables::Factorisation& f,
                                      const tables::ProductTable& table) {
  std::vector<const tables::Term*> terms;
  for (const tables::Term& term : f.terms) {
    if (term.scale != 0) terms.push_back(&term);
  }
  if (terms.size() > kMaxFactors) return std::nullopt;
  const tables::Term nothing;
  if (terms.empty()) terms.push_back(&nothing);
  const auto power_of_two = [](int32_t scale) {
    return static_cast<uint32_t>(scale) & (0u - static_cast<uint32_t>(scale));
  };
  std::stable_sort(terms.begin(), terms.end(), [&](const auto* a, const auto* b) {
    return power_of_two(a->scale) > power_of_two(b->scale);
  });

  Factors result;
  result.terms = static_cast<int>(terms.size());
  result.row = f.row;
  result.column = f.column;
  for (int t = 0; t < result.terms; ++t) {
    const tables::Term& term = *terms[t];
    const auto scale = static_cast<uint32_t>(term.scale);
    if (t + 1 < result.terms) {
      const auto next = static_cast<uint32_t>(terms[t + 1]->scale);
      const uint32_t power = power_of_two(terms[t + 1]->scale);
      result.scale_ratios[t] = scale / power * odd_inverse(next / power);
    } else {
      result.scale_ratios[t] = scale;
    }
    int largest = INT32_MIN;
    int smallest = INT32_MAX;
    for (int a = table.first().lowest(); a <= table.first().highest(); ++a) {
      largest = std::max(largest, term.u[a & 255]);
      smallest = std::min(smallest, term.u[a & 255]);
    }
    const int shift = std::max(0, largest - INT8_MAX);
    if (smallest - shift < INT8_MIN) return std::nullopt;
    for (int byte = 0; byte < 256; ++byte) {
      // Bytes that are no operand may end up as anything.
      result.u.push_back(static_cast<int8_t>(term.u[byte] - shift));
      if (term.v[byte] < INT8_MIN || term.v[byte] > INT8_MAX) return std::nullopt;
      result.v.push_back(static_cast<int8_t>(term.v[byte]));
      result.column[byte] = static_cast<int32_t>(static_cast<uint32_t>(result.column[byte]) +
                                                 scale * static_cast<uint32_t>(shift) *
                                                     static_cast<uint32_t>(term.v[byte]));
    }
  }
  for (int32_t x : result.row) result.has_row |= x != 0;
  for (int32_t x : result.column) result.has_column |= x != 0;
  return result;
}

/// How mapped operands lie: channels of a tap padded with zeros to a multiple of `vector_bytes`
/// bytes (4 or 16), which is what is copied at once; images with their padding around them, so that
/// no row has to be tested for it.
struct MappedLayout {
  int vector_bytes;
  int channels;       ///< padded
  int height, width;  ///< padded
  int terms;          ///< taps * channels, padded to a multiple of kTerms
  int64_t pixels;     ///< of a matrix

  static constexpr int kTerms = 64;

  LUTRA_HD int64_t matrix_bytes() const { return pixels * channels; }
  /// Where a row's window begins.
  LUTRA_HD int64_t pixel(const Im2colView& windows, int row) const {
    const int x = row % windows.out_width;
    const int y = row / windows.out_width % windows.out_height;
    const int64_t n = row / windows.out_width / windows.out_height;
    return (n * height + y * windows.vertical.stride) * width + x * windows.horizontal.stride;
  }

  /// The channels of a pixel of the padded images; null where that is padding.
  /// @tparam Index  an unsigned type that counts the pixels: divisions are most of the work
  template <typename Index>
  LUTRA_HD const int8_t* channels_of(const Im2colView& windows, int64_t matrix, Index pixel) const {
    const auto columns = static_cast<Index>(width);
    const auto rows = static_cast<Index>(height);
    const int x = static_cast<int>(pixel % columns) - windows.horizontal.pad_before;
    const Index row = pixel / columns;
    const int y = static_cast<int>(row % rows) - windows.vertical.pad_before;
    const auto n = static_cast<int64_t>(row / rows);
    if (y < 0 || y >= windows.height || x < 0 || x >= windows.width) return nullptr;
    return windows.data + matrix * windows.matrix_stride +
           ((n * windows.height + y) * windows.width + x) * windows.pixel_stride;
  }

  /// Whether 32 bits count the vectors of both operands.
  bool addressable(const ImplicitGemm& product) const {
    const int64_t second = int64_t{product.matrices} * product.outputs * terms;
    return product.matrices * matrix_bytes() / vector_bytes <= UINT32_MAX &&
           second / 16 <= UINT32_MAX;
  }

  static MappedLayout of(const ImplicitGemm& product) {
    const Im2colView& first = product.first;
    const int by_sixteen = (first.channels + 15) / 16 * 16;
    const int by_four = (first.channels + 3) / 4 * 4;
    const bool wide = by_sixteen * 4 <= by_four * 5;
    MappedLayout layout{};
    layout.vector_bytes = wide ? 16 : 4;
    layout.channels = wide ? by_sixteen : by_four;
    layout.height = first.height + first.vertical.pad_before + first.vertical.pad_after;
    layout.width = first.width + first.horizontal.pad_before + first.horizontal.pad_after;
    layout.terms = (first.taps() * layout.channels + kTerms - 1) / kTerms * kTerms;
    layout.pixels = int64_t{first.images} * layout.height * layout.width;
    return layout;
  }
};

/// A vector of operands through each of the maps, into [terms][...][vectors].
template <typename Args>
LUTRA_HD void store_mapped(const Args& args, const uint32_t (&words)[4], int bytes, int64_t index) {
  const int count = args.layout.vector_bytes / 4;
  for (int t = 0; t < args.factors; ++t) {
    const int8_t* map = args.maps + t * 256;
    uint32_t mapped[4] = {};
    LUTRA_UNROLL
    for (int w = 0; w < 4; ++w) {
      if (w >= count) break;
      LUTRA_UNROLL
      for (int i = 0; i < 4; ++i) {
        const uint32_t feature = static_cast<uint8_t>(map[words[w] >> (8 * i) & 255]);
        mapped[w] |= (w * 4 + i < bytes ? feature : 0) << (8 * i);
      }
    }
    uint32_t* const to = args.mapped + (t * args.count() + index) * count;
    if (count == 4) {
      *reinterpret_cast<Uint4*>(to) = {mapped[0], mapped[1], mapped[2], mapped[3]};
    } else {
      *to = mapped[0];
    }
  }
}

/// A vector of operands that lie `stride` apart; whatever is beyond `bytes` of them.
LUTRA_HD inline void load_vector(const int8_t* from, int stride, int bytes, uint32_t (&words)[4]) {
  const auto address = reinterpret_cast<uintptr_t>(from);
  if (stride == 1 && bytes == 16 && address % 16 == 0) {
    const Uint4 all = *reinterpret_cast<const Uint4*>(from);
    words[0] = all.x, words[1] = all.y, words[2] = all.z, words[3] = all.w;
    return;
  }
  LUTRA_UNROLL
  for (int w = 0; w < 4; ++w) {
    if (stride == 1 && w * 4 + 4 <= bytes && address % 4 == 0) {
      words[w] = *reinterpret_cast<const uint32_t*>(from + w * 4);
      continue;
    }
    words[w] = 0;
    LUTRA_UNROLL
    for (int i = 0; i < 4; ++i) {
      if (w * 4 + i >= bytes) break;
      words[w] |= uint32_t{static_cast<uint8_t>(from[int64_t{w * 4 + i} * stride])} << (8 * i);
    }
  }
}

/// What maps operands by vectors.
struct MapArgs {
  ImplicitGemm product;
  MappedLayout layout;
  const int8_t* maps;
  int factors;
  uint32_t* mapped;

  /// How many of `left` operands are in a vector.
  LUTRA_HD int bytes_in_vector(int left) const {
    return left < layout.vector_bytes ? left : layout.vector_bytes;
  }
};

/// First operands through the maps u: [terms][matrices][pixels][channels].
struct MapFirstArgs : MapArgs {
  LUTRA_HD int64_t count() const {
    return product.matrices * (layout.matrix_bytes() / layout.vector_bytes);
  }

  template <typename Index>
  LUTRA_HD void map(Index index) const {
    const auto vectors = static_cast<Index>(layout.channels / layout.vector_bytes);
    const auto pixels = static_cast<Index>(layout.pixels);
    const int channel = static_cast<int>(index % vectors) * layout.vector_bytes;
    const Index pixel = index / vectors;
    const int bytes = bytes_in_vector(product.first.channels - channel);
    const uint32_t pad = 0x01010101u * static_cast<uint8_t>(product.first.pad_value);
    uint32_t words[4] = {pad, pad, pad, pad};
    const int8_t* const channels = layout.channels_of(
        product.first, static_cast<int64_t>(pixel / pixels), static_cast<Index>(pixel % pixels));
    if (channels != nullptr) load_vector(channels + channel, 1, bytes, words);
    store_mapped(*this, words, bytes, index);
  }
};

/// Second operands through the maps v: [terms][matrices][outputs][terms of the layout].
struct MapSecondArgs : MapArgs {
  LUTRA_HD int64_t count() const {
    return int64_t{product.matrices} * product.outputs * (layout.terms / layout.vector_bytes);
  }

  template <typename Index>
  LUTRA_HD void map(Index index) const {
    const auto vectors = static_cast<Index>(layout.terms / layout.vector_bytes);
    const auto outputs = static_cast<Index>(product.outputs);
    const int term = static_cast<int>(index % vectors) * layout.vector_bytes;
    const Index output = index / vectors;
    const int tap = term / layout.channels;
    const int channel = term % layout.channels;
    const int channels = product.first.channels;
    uint32_t words[4] = {};
    int bytes = 0;  // beyond the last tap, and of the channels that pad a tap
    if (tap < product.first.taps() && channel < channels) {
      bytes = bytes_in_vector(channels - channel);
      load_vector(product.second.at(static_cast<int>(output / outputs),
                                    static_cast<int>(output % outputs), tap * channels + channel),
                  product.second.term_stride, bytes, words);
    }
    store_mapped(*this, words, bytes, index);
  }
};

/// Divisions, of which mapping is full, are quicker with 32 bits.
template <typename Args>
LUTRA_HD void map_at(const Args& args, int64_t index) {
  if (args.count() <= UINT32_MAX) {
    args.map(static_cast<uint32_t>(index));
  } else {
    args.map(static_cast<uint64_t>(index));
  }
}

/// Where the vectors of a row's terms lie, from its origin on.
struct OffsetArgs {
  Im2colView first;
  MappedLayout layout;
  int32_t* offsets;  ///< [layout.terms / layout.vector_bytes]

  LUTRA_HD int64_t count() const { return layout.terms / layout.vector_bytes; }
};

LUTRA_HD inline void offset_at(const OffsetArgs& args, int64_t index) {
  const int term = static_cast<int>(index) * args.layout.vector_bytes;
  const int tap = term / args.layout.channels;
  const int down = tap / args.first.horizontal.kernel * args.first.vertical.dilation;
  const int right = tap % args.first.horizontal.kernel * args.first.horizontal.dilation;
  // The second operand is zero beyond the last tap: anything may be read there.
  args.offsets[index] =
      tap >= args.first.taps()
          ? 0
          : (down * args.layout.width + right) * args.layout.channels + term % args.layout.channels;
}

/// The pixels of the first operand's images, with the padding around them; their channels.
struct Pixels {
  ImplicitGemm product;
  MappedLayout layout;

  LUTRA_HD int64_t count() const { return product.matrices * layout.pixels; }
  LUTRA_HD int terms() const { return product.first.channels; }
  LUTRA_HD int stride() const { return 1; }
  /// Where the first one's terms begin; null where all are padding.
  LUTRA_HD const int8_t* terms_of(int64_t item) const {
    return layout.channels_of(product.first, item / layout.pixels,
                              static_cast<uint64_t>(item % layout.pixels));
  }
};

/// The outputs' second operands.
struct SecondOperands {
  ImplicitGemm product;

  LUTRA_HD int64_t count() const { return int64_t{product.matrices} * product.outputs; }
  LUTRA_HD int terms() const { return product.terms(); }
  LUTRA_HD int stride() const { return product.second.term_stride; }
  LUTRA_HD const int8_t* terms_of(int64_t item) const {
    return product.second.at(static_cast<int>(item / product.outputs),
                             static_cast<int>(item % product.outputs), 0);
  }
};

/// Sums of a map's values over the terms of each item: a block for 16 items, with 16 threads each.
template <typename Items>
struct MapSumKernel {
  static constexpr int kThreads = 256;
  static constexpr int kBlocksPerMultiprocessor = 4;
  static constexpr bool kUsesWarpgroups = false;
  static constexpr int kThreadsPerItem = 16;

  struct Arguments {
    Items items;
    const int32_t* map;  ///< [256]
    int32_t* sums;       ///< [items]

    LUTRA_HD int64_t blocks() const { return (items.count() + 15) / 16; }
  };
  struct Shared {
    SharedArray<uint32_t, kThreads> sums;
  };
  struct Registers {};

  template <typename Block>
  static LUTRA_HD void run(Block& block, const Arguments& args) {
    Shared* const shared = block.shared;
    block.each([&](int thread, Registers&) {
      const int64_t item = block.index * 16 + thread / kThreadsPerItem;
      uint32_t sum = 0;
      if (item < args.items.count()) {
        const int8_t* const terms = args.items.terms_of(item);
        for (int term = thread % kThreadsPerItem; term < args.items.terms();
             term += kThreadsPerItem) {
          const int8_t x = terms == nullptr ? args.items.product.first.pad_value
                                            : terms[int64_t{term} * args.items.stride()];
          sum += static_cast<uint32_t>(args.map[static_cast<uint8_t>(x)]);
        }
      }
      shared->sums[thread] = sum;
    });
    block.barrier();
    block.each([&](int thread, Registers&) {
      const int64_t item = block.index * 16 + thread;
      if (thread >= 16 || item >= args.items.count()) return;
      uint32_t sum = 0;
      for (int i = 0; i < kThreadsPerItem; ++i) sum += shared->sums[thread * kThreadsPerItem + i];
      args.sums[item] = static_cast<int32_t>(sum);
    });
  }
};

/// Sums of what MapSumKernel found for the pixels over each row's taps: [matrices][rows].
struct TapSumArgs {
  ImplicitGemm product;
  MappedLayout layout;
  const int32_t* of_pixels;
  int32_t* sums;

  LUTRA_HD int64_t count() const { return int64_t{product.matrices} * product.rows(); }
};

LUTRA_HD inline void tap_sum_at(const TapSumArgs& args, int64_t index) {
  const Im2colView& first = args.product.first;
  const int64_t matrix = index / args.product.rows();
  const int64_t pixel = args.layout.pixel(first, static_cast<int>(index % args.product.rows()));
  const int32_t* const sums = args.of_pixels + matrix * args.layout.pixels + pixel;
  uint32_t sum = 0;
  for (int down = 0; down < first.vertical.kernel; ++down) {
    for (int right = 0; right < first.horizontal.kernel; ++right) {
      sum +=
          static_cast<uint32_t>(sums[int64_t{down} * first.vertical.dilation * args.layout.width +
                                     right * first.horizontal.dilation]);
    }
  }
  args.sums[index] = static_cast<int32_t>(sum);
}

}  // namespace lutra::engine::cuda

#endif  // LUTRA_ENGINE_CUDA_OPERAND_MAPS_H_
