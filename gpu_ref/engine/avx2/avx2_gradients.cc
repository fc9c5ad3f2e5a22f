#include "avx2/avx2_gradients.h"

#include <algorithm>
#include <cstring>

#include "lutra/base/threads.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include "avx2/avx2_simd.h"

#define LUTRA_AVX2_FMA __attribute__((target("avx2,fma")))
#define LUTRA_AVX2_FMA_INLINE LUTRA_AVX2_FMA __attribute__((always_inline)) inline

namespace lutra::engine {
namespace {

constexpr int kLanes = 8;
constexpr int kBlock = 32;  // lanes that go through the loops together

/// The other operand as it enters a sum: other(y), or where in a table's row its derivative lies.
union Factor {
  float value;
  int32_t column;
};

std::vector<Factor> factors(const int8_t* tensor, int64_t count, const Derivative& derivative,
                            int jobs) {
  std::vector<Factor> result(static_cast<size_t>(count));
  constexpr int64_t kChunk = 1 << 16;
  base::parallel_for(static_cast<int>((count + kChunk - 1) / kChunk), 1, jobs, [&](int chunk, int) {
    for (int64_t i = chunk * kChunk; i < std::min(count, (chunk + 1) * kChunk); ++i) {
      const auto y = static_cast<uint8_t>(tensor[i]);
      if (derivative.table != nullptr) {
        result[i].column = y;
      } else {
        result[i].value = derivative.other[y];
      }
    }
  });
  return result;
}

LUTRA_AVX2_FMA_INLINE __m256i lane_mask(int lanes) {
  const __m256i number = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes), number);
}

/// Rows of the table that eight operands select.
LUTRA_AVX2_FMA_INLINE __m256i table_rows(const int8_t* x, int lanes) {
  int8_t bytes[kLanes] = {};
  std::memcpy(bytes, x, static_cast<size_t>(lanes));
  int64_t packed;
  std::memcpy(&packed, bytes, sizeof packed);
  return _mm256_slli_epi32(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(packed)), 8);
}

LUTRA_AVX2_FMA_INLINE __m256 table_values(const float* table, __m256i rows, __m256i columns) {
  return _mm256_i32gather_ps(table, _mm256_add_epi32(rows, columns), 4);
}

/// A tap of a pixel: the gradients of the outputs that see it there.
struct Tap {
  const float* gradient;  ///< [outputs]
  const Factor* weight;   ///< of the first output, [channels]
};

/// Up to 32 channels of one element's gradient.
/// @param pitch  from output to output in a tap's weights
template <bool IsTable>
LUTRA_AVX2_FMA void input_block(const Conv2dGradientArgs& args, const std::vector<Tap>& taps,
                                int outputs, int64_t pitch, const int8_t* x, int first, int lanes,
                                float* result) {
  constexpr int kRegisters = kBlock / kLanes;
  __m256 sum[kRegisters];
  __m256i rows[kRegisters], mask[kRegisters];
  for (int r = 0; r < kRegisters; ++r) {
    const int used = std::max(0, std::min(kLanes, lanes - r * kLanes));
    mask[r] = lane_mask(used);
    sum[r] = _mm256_setzero_ps();
    rows[r] = used == 0 ? _mm256_setzero_si256() : table_rows(x + r * kLanes, used);
  }
  const int registers = (lanes + kLanes - 1) / kLanes;
  for (const Tap& tap : taps) {
    const Factor* weight = tap.weight + first;
    for (int o = 0; o < outputs; ++o, weight += pitch) {
      const __m256 gradient = _mm256_set1_ps(tap.gradient[o]);
      for (int r = 0; r < registers; ++r) {
        const auto* at = reinterpret_cast<const int*>(weight + r * kLanes);
        const __m256i factor = _mm256_maskload_epi32(at, mask[r]);
        const __m256 value = IsTable ? table_values(args.derivative.table, rows[r], factor)
                                     : _mm256_castsi256_ps(factor);
        sum[r] = _mm256_fmadd_ps(gradient, value, sum[r]);
      }
    }
  }
  float sums[kBlock];
  for (int r = 0; r < kRegisters; ++r) _mm256_storeu_ps(sums + r * kLanes, sum[r]);
  for (int i = 0; i < lanes; ++i) result[i] = args.derivative.finish(x[i], sums[i]);
}

constexpr int kChannels = 4;  // of the input, that share the gradients of a position
constexpr int kOutputs = 16;

/// The gradient of up to 16 outputs' weights at up to 4 channels of one tap.
/// @param input  padded, as factors, of the first channel at the tap of the first position
template <bool IsTable>
LUTRA_AVX2_FMA void weight_block(const Conv2dGradientArgs& args, const Factor* input,
                                 int64_t image_pitch, int64_t row_pitch, int64_t column_pitch,
                                 const int rows[2], const int columns[2], int first_output,
                                 int outputs, int channels, const int8_t w[kChannels][kOutputs],
                                 float sums[kChannels][kOutputs]) {
  __m256 sum[kChannels][2];
  __m256i table_row[kChannels][2];
  for (int c = 0; c < kChannels; ++c) {
    for (int h = 0; h < 2; ++h) {
      sum[c][h] = _mm256_setzero_ps();
      table_row[c][h] = table_rows(w[c] + h * kLanes, kLanes);
    }
  }
  const __m256i mask[2] = {lane_mask(outputs), lane_mask(outputs - kLanes)};
  for (int64_t n = 0; n < args.images; ++n) {
    for (int y = rows[0]; y < rows[1]; ++y) {
      const float* gradient =
          args.gradient +
          ((n * args.out_height() + y) * args.out_width() + columns[0]) * args.out_channels +
          first_output;
      const Factor* a = input + n * image_pitch + y * row_pitch + columns[0] * column_pitch;
      for (int x = columns[0]; x < columns[1];
           ++x, gradient += args.out_channels, a += column_pitch) {
        const __m256 g[2] = {_mm256_maskload_ps(gradient, mask[0]),
                             _mm256_maskload_ps(gradient + kLanes, mask[1])};
#pragma GCC unroll 4
        for (int c = 0; c < kChannels; ++c) {
          const Factor factor = a[std::min(c, channels - 1)];
#pragma GCC unroll 2
          for (int h = 0; h < 2; ++h) {
            const __m256 value = IsTable ? table_values(args.derivative.table, table_row[c][h],
                                                        _mm256_set1_epi32(factor.column))
                                         : _mm256_set1_ps(factor.value);
            sum[c][h] = _mm256_fmadd_ps(g[h], value, sum[c][h]);
          }
        }
      }
    }
  }
  for (int c = 0; c < kChannels; ++c) {
    for (int h = 0; h < 2; ++h) _mm256_storeu_ps(sums[c] + h * kLanes, sum[c][h]);
  }
}

/// Positions along an axis whose tap lies inside, or all.
void positions(const Window& window, int size, int tap, bool all, int range[2]) {
  const int count = window.outputs(size);
  range[0] = 0;
  range[1] = count;
  if (all) return;
  while (range[0] < count && window.element(range[0], tap) < 0) ++range[0];
  while (range[1] > range[0] && window.element(range[1] - 1, tap) >= size) --range[1];
}

}  // namespace

void input_gradient_avx2(const Conv2dGradientArgs& args, int jobs) {
  const std::vector<Factor> weight =
      factors(args.weight, args.weight_size(), args.derivative, jobs);
  const int channels = args.channels();
  const int outputs = args.out_channels / args.groups;
  const int64_t taps_of_output = int64_t{args.vertical.kernel} * args.horizontal.kernel;
  const int64_t pitch = taps_of_output * channels;
  base::parallel_for(args.images * args.height, 1, jobs, [&](int line, int) {
    const int n = line / args.height;
    const int row = line % args.height;
    std::vector<Tap> taps;
    for (int column = 0; column < args.width; ++column) {
      const int64_t element = (int64_t{line} * args.width + column) * args.in_channels;
      for (int g = 0; g < args.groups; ++g) {
        taps.clear();
        for (int ky = 0; ky < args.vertical.kernel; ++ky) {
          const int above = row - args.vertical.element(0, ky);
          if (above < 0 || above % args.vertical.stride != 0) continue;
          const int y = above / args.vertical.stride;
          if (y >= args.out_height()) continue;
          for (int kx = 0; kx < args.horizontal.kernel; ++kx) {
            const int left = column - args.horizontal.element(0, kx);
            if (left < 0 || left % args.horizontal.stride != 0) continue;
            const int x = left / args.horizontal.stride;
            if (x >= args.out_width()) continue;
            taps.push_back({args.gradient +
                                ((int64_t{n} * args.out_height() + y) * args.out_width() + x) *
                                    args.out_channels +
                                g * outputs,
                            weight.data() + g * outputs * pitch +
                                (int64_t{ky} * args.horizontal.kernel + kx) * channels});
          }
        }
        for (int c = 0; c < channels; c += kBlock) {
          const int64_t at = element + g * channels + c;
          const auto block =
              args.derivative.table != nullptr ? input_block<true> : input_block<false>;
          block(args, taps, outputs, pitch, args.input + at, c, std::min(kBlock, channels - c),
                args.result + at);
        }
      }
    }
  });
}

void weight_gradient_avx2(const Conv2dGradientArgs& args, int jobs) {
  // The input as factors, with its padding around it.
  const int height = args.height + args.vertical.pad_before + args.vertical.pad_after;
  const int width = args.width + args.horizontal.pad_before + args.horizontal.pad_after;
  const int64_t row_bytes = int64_t{width} * args.in_channels;
  std::vector<int8_t> padded(static_cast<size_t>(args.images * height * row_bytes), args.pad_value);
  const size_t line = static_cast<size_t>(args.width) * args.in_channels;
  for (int64_t i = 0; i < int64_t{args.images} * args.height; ++i) {
    const int64_t row = i / args.height * height + i % args.height + args.vertical.pad_before;
    std::memcpy(
        padded.data() + row * row_bytes + int64_t{args.horizontal.pad_before} * args.in_channels,
        args.input + i * static_cast<int64_t>(line), line);
  }
  const std::vector<Factor> input =
      factors(padded.data(), static_cast<int64_t>(padded.size()), args.derivative, jobs);

  const int channels = args.channels();
  const int outputs = args.out_channels / args.groups;
  const int taps = args.vertical.kernel * args.horizontal.kernel;
  const int blocks = (outputs + kOutputs - 1) / kOutputs;
  const bool all = args.padding == Padding::kOperand;
  base::parallel_for(args.groups * blocks * taps, 1, jobs, [&](int part, int) {
    const int tap = part % taps;
    const int ky = tap / args.horizontal.kernel;
    const int kx = tap % args.horizontal.kernel;
    const int group = part / taps / blocks;
    const int within = part / taps % blocks * kOutputs;
    const int used = std::min(kOutputs, outputs - within);
    const int first_output = group * outputs + within;
    int rows[2], columns[2];
    positions(args.vertical, args.height, ky, all, rows);
    positions(args.horizontal, args.width, kx, all, columns);
    const auto weight_at = [&](int o, int c) {
      return (int64_t{first_output + o} * taps + tap) * channels + c;
    };
    for (int c = 0; c < channels; c += kChannels) {
      const int together = std::min(kChannels, channels - c);
      int8_t w[kChannels][kOutputs] = {};
      float sums[kChannels][kOutputs];
      for (int i = 0; i < together; ++i) {
        for (int o = 0; o < used; ++o) w[i][o] = args.weight[weight_at(o, c + i)];
      }
      const auto block =
          args.derivative.table != nullptr ? weight_block<true> : weight_block<false>;
      block(args,
            input.data() + int64_t{ky} * args.vertical.dilation * row_bytes +
                int64_t{kx} * args.horizontal.dilation * args.in_channels + group * channels + c,
            height * row_bytes, args.vertical.stride * row_bytes,
            int64_t{args.horizontal.stride} * args.in_channels, rows, columns, first_output, used,
            together, w, sums);
      for (int i = 0; i < together; ++i) {
        for (int o = 0; o < used; ++o) {
          args.result[weight_at(o, c + i)] = args.derivative.finish(w[i][o], sums[i][o]);
        }
      }
    }
  });
}

}  // namespace lutra::engine

#endif
