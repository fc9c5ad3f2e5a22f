#ifndef LUTRA_ENGINE_CUDA_IMPLICIT_GEMM_H_
#define LUTRA_ENGINE_CUDA_IMPLICIT_GEMM_H_

#include "cuda/block.h"
#include "lutra/engine/elements.h"

/// Gemm, convolution and votes as one implicit GEMM: `matrices` products of a first operand, whose
/// rows are windows of images (im2col, never stored), with a second one; sums over the terms of
/// L(first, second).
namespace lutra::engine::cuda {

/// Where the window of a row starts; outside the image where there is padding.
struct Origin {
  int64_t offset;  ///< of its first element, from the matrix' begin
  int y, x;
};

/// First operands: row r is the window of output pixel r of all images; its terms are taps, with
/// channels innermost. The rows of a plain matrix are the pixels of one image, with a 1x1 kernel.
struct Im2colView {
  const int8_t* data;
  int64_t matrix_stride;
  int images, height, width;
  int pixel_stride;  ///< elements between pixels
  int channels;      ///< of one matrix
  int out_height, out_width;
  Window vertical, horizontal;
  int8_t pad_value;

  LUTRA_HD int rows() const { return images * out_height * out_width; }
  LUTRA_HD int taps() const { return vertical.kernel * horizontal.kernel; }
  LUTRA_HD int terms() const { return taps() * channels; }

  LUTRA_HD Origin origin(int row) const {
    const int x = row % out_width;
    const int rest = row / out_width;
    const int y = vertical.element(rest % out_height, 0);
    const int n = rest / out_height;
    const int left = horizontal.element(x, 0);
    return {((int64_t{n} * height + y) * width + left) * pixel_stride, y, left};
  }
  LUTRA_HD bool inside(const Origin& at, int tap) const {
    const int y = at.y + tap / horizontal.kernel * vertical.dilation;
    const int x = at.x + tap % horizontal.kernel * horizontal.dilation;
    return y >= 0 && y < height && x >= 0 && x < width;
  }
  /// Where the first channel of a tap lies; only where it is inside.
  LUTRA_HD const int8_t* tap_data(int matrix, const Origin& at, int tap) const {
    const int down = tap / horizontal.kernel * vertical.dilation;
    const int right = tap % horizontal.kernel * horizontal.dilation;
    return data + matrix * matrix_stride + at.offset +
           (int64_t{down} * width + right) * pixel_stride;
  }
  LUTRA_HD int8_t element(int matrix, const Origin& at, int term) const {
    const int tap = term / channels;
    return inside(at, tap) ? tap_data(matrix, at, tap)[term % channels] : pad_value;
  }
  /// Whether four terms from a multiple of four on are one aligned word.
  LUTRA_HD bool in_words() const {
    return channels % 4 == 0 && pixel_stride % 4 == 0 && matrix_stride % 4 == 0 &&
           reinterpret_cast<uintptr_t>(data) % 4 == 0;
  }
  /// The bytes of terms [term, term + 4), 0 from `end` on.
  /// @param term  a multiple of 4
  LUTRA_HD uint32_t four(int matrix, const Origin& at, int term, int end, bool words) const {
    if (term >= end) return 0;
    if (words) {
      const int tap = term / channels;
      if (!inside(at, tap)) return 0x01010101u * static_cast<uint8_t>(pad_value);
      return *reinterpret_cast<const uint32_t*>(tap_data(matrix, at, tap) + term % channels);
    }
    uint32_t word = 0;
    for (int i = 0; i < 4 && term + i < end; ++i) {
      word |= uint32_t{static_cast<uint8_t>(element(matrix, at, term + i))} << (8 * i);
    }
    return word;
  }
};

/// The second operand, by its strides.
struct StridedView {
  const int8_t* data;
  int64_t matrix_stride;
  int inner;  ///< outputs that lie inner_stride apart; groups of them outer_stride apart
  int64_t outer_stride;
  int inner_stride;
  int term_stride;

  LUTRA_HD const int8_t* at(int matrix, int output, int term) const {
    return data + matrix * matrix_stride + output / inner * outer_stride +
           int64_t{output % inner} * inner_stride + int64_t{term} * term_stride;
  }
  LUTRA_HD int8_t element(int matrix, int output, int term) const {
    return *at(matrix, output, term);
  }
};

/// Where the sums go, and the bias.
struct OutputView {
  int64_t matrix_stride;  ///< outputs are one apart
  int64_t row_stride;
  const int32_t* bias;  ///< [outputs] of a matrix, or null
  int bias_stride;      ///< between matrices
  Destination to;
};

struct ImplicitGemm {
  int matrices;
  int outputs;
  Im2colView first;
  StridedView second;
  Padding padding;
  OutputView sums;

  LUTRA_HD int rows() const { return first.rows(); }
  LUTRA_HD int terms() const { return first.terms(); }
};

/// The end of a product: adds to the sums of L what is not among their terms, requantises, stores.
struct Epilogue {
  int32_t constant;             ///< for every sum
  const int32_t* for_row;       ///< [matrices][rows], or null
  const int32_t* for_output;    ///< [matrices][outputs], or null
  const int32_t* padding_sums;  ///< [matrices][taps][outputs] to be taken off where the tap is
                                ///< padding, or null
  int32_t* partial;    ///< [splits][split_size], the destination's layout, where K is split;
  int64_t split_size;  ///< or null

  /// What is added to the sums of four outputs, whatever their row.
  /// @param output  the first of the four; some may be beyond the last
  LUTRA_HD Uint4 added(const ImplicitGemm& product, int matrix, int output) const {
    Uint4 all{};
    uint32_t* const four[] = {&all.x, &all.y, &all.z, &all.w};
    LUTRA_UNROLL
    for (int i = 0; i < 4; ++i) {
      if (output + i >= product.outputs) break;
      *four[i] = static_cast<uint32_t>(constant);
      if (product.sums.bias != nullptr) {
        *four[i] += static_cast<uint32_t>(
            product.sums.bias[int64_t{matrix} * product.sums.bias_stride + output + i]);
      }
      if (for_output != nullptr) {
        *four[i] +=
            static_cast<uint32_t>(for_output[int64_t{matrix} * product.outputs + output + i]);
      }
    }
    return all;
  }

  /// Stores sums of four outputs, or as many as there are.
  /// @param split  of K: what is added once is added to the sums of split 0
  LUTRA_HD void store(const ImplicitGemm& product, int matrix, int row, int output,
                      const Uint4& sums, const Uint4& added, int split) const {
    uint32_t four[] = {sums.x, sums.y, sums.z, sums.w};
    if (split == 0) {
      uint32_t of_row = 0;
      if (for_row != nullptr) {
        of_row = static_cast<uint32_t>(for_row[int64_t{matrix} * product.rows() + row]);
      }
      four[0] += added.x + of_row;
      four[1] += added.y + of_row;
      four[2] += added.z + of_row;
      four[3] += added.w + of_row;
      if (padding_sums != nullptr) {
        for (int i = 0; i < 4 && output + i < product.outputs; ++i) {
          four[i] -= padding(product, matrix, row, output + i);
        }
      }
    }
    const int64_t index =
        matrix * product.sums.matrix_stride + int64_t{row} * product.sums.row_stride + output;
    Destination to = product.sums.to;
    if (partial != nullptr) to = {{}, nullptr, partial + split * split_size};
    const bool whole = output + 4 <= product.outputs;
    int8_t* const bytes = to.output + index;
    if (to.output != nullptr && whole && reinterpret_cast<uintptr_t>(bytes) % 4 == 0) {
      uint32_t word = 0;
      LUTRA_UNROLL
      for (int i = 0; i < 4; ++i) {
        const int8_t q = to.requantisation(static_cast<int32_t>(four[i]));
        word |= uint32_t{static_cast<uint8_t>(q)} << (8 * i);
      }
      *reinterpret_cast<uint32_t*>(bytes) = word;
      to.output = nullptr;
    }
    int32_t* const words = to.sums + index;
    if (to.sums != nullptr && whole && reinterpret_cast<uintptr_t>(words) % 16 == 0) {
      *reinterpret_cast<Uint4*>(words) = {four[0], four[1], four[2], four[3]};
      to.sums = nullptr;
    }
    if (to.output == nullptr && to.sums == nullptr) return;
    LUTRA_UNROLL
    for (int i = 0; i < 4; ++i) {
      if (output + i < product.outputs) to.store(index + i, static_cast<int32_t>(four[i]));
    }
  }

 private:
  LUTRA_HD uint32_t padding(const ImplicitGemm& product, int matrix, int row, int output) const {
    const Im2colView& first = product.first;
    const Origin at = first.origin(row);
    const int bottom = at.y + (first.vertical.kernel - 1) * first.vertical.dilation;
    const int right = at.x + (first.horizontal.kernel - 1) * first.horizontal.dilation;
    if (at.y >= 0 && at.x >= 0 && bottom < first.height && right < first.width) return 0;
    uint32_t sum = 0;
    for (int tap = 0; tap < first.taps(); ++tap) {
      if (first.inside(at, tap)) continue;
      sum += static_cast<uint32_t>(
          padding_sums[(int64_t{matrix} * first.taps() + tap) * product.outputs + output]);
    }
    return sum;
  }
};

/// The reduction after split K.
struct ReduceSplitsArgs {
  int64_t size;  ///< of a split
  int splits;
  const int32_t* partial;  ///< [splits][size]
  Destination to;
};

LUTRA_HD inline void reduce_splits_at(const ReduceSplitsArgs& args, int64_t index) {
  uint32_t sum = 0;
  for (int split = 0; split < args.splits; ++split) {
    sum += static_cast<uint32_t>(args.partial[split * args.size + index]);
  }
  args.to.store(index, static_cast<int32_t>(sum));
}

/// The rows of all matrices as those of one where they share the second operand.
inline ImplicitGemm implicit_gemm(const GemmArgs& args) {
  const int matrices = args.shared_second ? 1 : args.batch;
  const int rows = args.shared_second ? args.batch * args.rows : args.rows;
  return {matrices,
          args.outputs,
          {args.first, int64_t{rows} * args.terms, 1, 1, rows, args.terms, args.terms, 1, rows,
           Window{}, Window{}, 0},
          {args.second, int64_t{args.outputs} * args.terms, 1, args.terms, 0, 1},
          Padding::kOperand,
          {int64_t{rows} * args.outputs, args.outputs, args.bias, 0, args.to}};
}

/// A matrix for each group.
inline ImplicitGemm implicit_gemm(const Conv2dArgs& args) {
  const int channels = args.in_channels / args.groups;
  const int outputs = args.out_channels / args.groups;
  return {args.groups,
          outputs,
          {args.input, channels, args.images, args.height, args.width, args.in_channels, channels,
           args.out_height(), args.out_width(), args.vertical, args.horizontal, args.pad_value},
          {args.weight, int64_t{outputs} * args.terms(), 1, args.terms(), 0, 1},
          args.padding,
          {outputs, args.out_channels, args.bias, outputs, args.to}};
}

/// A matrix for each input capsule, a row for each image.
inline ImplicitGemm implicit_gemm(const VotesArgs& args) {
  const int outputs = args.classes * args.out_dim;
  const int64_t weights = int64_t{args.in_dim} * args.out_dim;
  return {args.capsules,
          outputs,
          {args.input, args.in_dim, 1, 1, args.images, args.capsules * args.in_dim, args.in_dim, 1,
           args.images, Window{}, Window{}, 0},
          {args.weight, args.classes * weights, args.out_dim, weights, 1, args.out_dim},
          Padding::kOperand,
          {outputs,
           int64_t{args.capsules} * outputs,
           nullptr,
           0,
           {Requantisation::to_int8(args.shift), args.output, nullptr}}};
}

}  // namespace lutra::engine::cuda

#endif  // LUTRA_ENGINE_CUDA_IMPLICIT_GEMM_H_
