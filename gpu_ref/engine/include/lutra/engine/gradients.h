#ifndef LUTRA_ENGINE_GRADIENTS_H_
#define LUTRA_ENGINE_GRADIENTS_H_

#include <cmath>
#include <cstdint>
#include <vector>

#include "lutra/engine/elements.h"

/// The backward pass of a convolution, for retraining: gradients of its sums with respect to input
/// and weights, in float32. Every backend adds in the order written here, with fused
/// multiply-additions, so that all give the same bits.
namespace lutra::engine {

/// How a product L(a, b) is said to change with one of its operands, `x`; `y` is the other.
/// Either own(x) other(y), which costs exact matrix products only, or any table.
struct Derivative {
  const float* own = nullptr;    ///< [256] by byte
  const float* other = nullptr;  ///< [256] by byte
  const float* table = nullptr;  ///< [256][256], x outer; wins where it is not null

  /// The derivative, but for own(x) where it is a product.
  LUTRA_HD float within_sum(int8_t x, int8_t y) const {
    return table != nullptr ? table[static_cast<uint8_t>(x) << 8 | static_cast<uint8_t>(y)]
                            : other[static_cast<uint8_t>(y)];
  }
  LUTRA_HD float finish(int8_t x, float sum) const {
    return table != nullptr ? sum : own[static_cast<uint8_t>(x)] * sum;
  }
};

/// Derivatives of a multiplier with respect to both operands, and what they are kept in.
struct DerivativeRule {
  std::vector<float> first_own, first_other, second_own, second_other;  ///< [256], or empty
  std::vector<float> first_table, second_table;                         ///< [65536], or empty

  Derivative first() const { return {first_own.data(), first_other.data(), data(first_table)}; }
  Derivative second() const { return {second_own.data(), second_other.data(), data(second_table)}; }

 private:
  static const float* data(const std::vector<float>& v) { return v.empty() ? nullptr : v.data(); }
};

/// Straight through: as if the product were exact, dL/da = b and dL/db = a.
DerivativeRule straight_through(const Multiplier& multiplier);

/// One-dimensional: L(a, b) is fitted by f(a) g(b) (the first term of its factorisation where that
/// is all of it, otherwise the best fit in least squares over all pairs, by alternation), and f and
/// g are differenced as smoothed_differences() does.
/// @param half_window  of the smoothing, 0..64
DerivativeRule factorised_differences(const Multiplier& multiplier, int half_window);

/// Two-dimensional: differences of the smoothed table. With S the mean of L over the 2h + 1
/// operands around x that exist, dL/dx = (S(x + 1) - S(x - 1)) / 2, and one-sided at both ends.
/// @param half_window  h, 0..64
DerivativeRule smoothed_differences(const Multiplier& multiplier, int half_window);

/// Gradient of the sums of a convolution (Conv2dArgs, whose names these are).
struct Conv2dGradientArgs {
  int images, height, width, in_channels, out_channels;
  Window vertical, horizontal;
  int groups;
  Padding padding;
  int8_t pad_value;
  const int8_t* input;
  const int8_t* weight;
  const float* gradient;  ///< [images][out_height][out_width][out_channels], of the sums
  Derivative derivative;  ///< with respect to the operand in question
  float* result;          ///< as input, or as weight

  LUTRA_HD int out_height() const { return vertical.outputs(height); }
  LUTRA_HD int out_width() const { return horizontal.outputs(width); }
  LUTRA_HD int channels() const { return in_channels / groups; }
  LUTRA_HD int64_t input_size() const { return int64_t{images} * height * width * in_channels; }
  LUTRA_HD int64_t weight_size() const {
    return int64_t{out_channels} * vertical.kernel * horizontal.kernel * channels();
  }
};

/// One element of the gradient with respect to the input: taps in order, outputs innermost.
LUTRA_HD inline void conv2d_input_gradient_at(const Conv2dGradientArgs& args, int64_t index) {
  const int c = static_cast<int>(index % args.in_channels);
  int64_t rest = index / args.in_channels;
  const int column = static_cast<int>(rest % args.width);
  rest /= args.width;
  const int row = static_cast<int>(rest % args.height);
  const int64_t n = rest / args.height;
  const int channels = args.channels();
  const int group = c / channels;
  const int outputs = args.out_channels / args.groups;
  const int8_t a = args.input[index];
  float sum = 0;
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
      const float* gradient =
          args.gradient + ((n * args.out_height() + y) * args.out_width() + x) * args.out_channels;
      for (int o = group * outputs; o < (group + 1) * outputs; ++o) {
        const int64_t tap = (int64_t{o} * args.vertical.kernel + ky) * args.horizontal.kernel + kx;
        const int8_t w = args.weight[tap * channels + c % channels];
        sum = fmaf(gradient[o], args.derivative.within_sum(a, w), sum);
      }
    }
  }
  args.result[index] = args.derivative.finish(a, sum);
}

/// One element of the gradient with respect to the weights: images, rows, columns in order.
LUTRA_HD inline void conv2d_weight_gradient_at(const Conv2dGradientArgs& args, int64_t index) {
  const int channels = args.channels();
  const int c = static_cast<int>(index % channels);
  int64_t rest = index / channels;
  const int kx = static_cast<int>(rest % args.horizontal.kernel);
  rest /= args.horizontal.kernel;
  const int ky = static_cast<int>(rest % args.vertical.kernel);
  const int o = static_cast<int>(rest / args.vertical.kernel);
  const int first_channel = o / (args.out_channels / args.groups) * channels;
  const int8_t w = args.weight[index];
  float sum = 0;
  for (int64_t n = 0; n < args.images; ++n) {
    for (int y = 0; y < args.out_height(); ++y) {
      const int row = args.vertical.element(y, ky);
      const bool row_inside = row >= 0 && row < args.height;
      if (!row_inside && args.padding == Padding::kNothing) continue;
      for (int x = 0; x < args.out_width(); ++x) {
        const int column = args.horizontal.element(x, kx);
        const bool inside = row_inside && column >= 0 && column < args.width;
        if (!inside && args.padding == Padding::kNothing) continue;
        const int8_t a =
            inside ? args.input[((n * args.height + row) * args.width + column) * args.in_channels +
                                first_channel + c]
                   : args.pad_value;
        const int64_t at =
            ((n * args.out_height() + y) * args.out_width() + x) * args.out_channels + o;
        sum = fmaf(args.gradient[at], args.derivative.within_sum(w, a), sum);
      }
    }
  }
  args.result[index] = args.derivative.finish(w, sum);
}

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_GRADIENTS_H_
