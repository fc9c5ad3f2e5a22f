#ifndef LUTRA_ENGINE_WIDE_H_
#define LUTRA_ENGINE_WIDE_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "lutra/engine/elements.h"
#include "lutra/numerics/fixed.h"

/// Sums of products of multipliers whose operands are wider than a byte. No table of 2^32 products
/// is kept: a product comes from the multiplier's model, or from maps that reconstruct all of them.
namespace lutra::engine {

/// One exact matrix product: scale * u(a) * v(b).
struct WideTerm {
  int64_t scale = 1;
  std::vector<int32_t> u;  ///< [2^width] by the first operand's bit pattern
  std::vector<int32_t> v;  ///< [2^width] by the second operand's
};

/// A multiplier of two operands of 2..16 bits.
struct WideMultiplier {
  /// L(a, b); may be called by several threads at once.
  using Model = std::function<int64_t(int32_t a, int32_t b)>;

  int width = 16;
  bool is_signed = true;  ///< two's complement
  Model model;
  std::vector<WideTerm> terms;  ///< their sum is every product; empty: the model is asked

  int32_t lowest() const { return is_signed ? -(1 << (width - 1)) : 0; }
  int32_t highest() const { return lowest() + (1 << width) - 1; }
};

/// Finds terms where one, f(a) g(b), or two, a b + f(a) g(b), give every product, and keeps them
/// only after a comparison with the model over all 2^(2 width) pairs, 2^32 at 16 bits.
/// @param jobs  threads; 0: all cores
/// @return      whether there are such terms
bool factorise(WideMultiplier* multiplier, int jobs = 0);

/// What a sum becomes: rounded, then saturated to [low, high].
struct WideRequantisation {
  int shift = 0;  ///< 0..62
  int32_t low = -INT16_MAX;
  int32_t high = INT16_MAX;  ///< at most 65535: then the word is a uint16

  int16_t operator()(int64_t sum) const {
    return static_cast<int16_t>(std::clamp<int64_t>(numerics::round_shift(sum, shift), low, high));
  }
};

/// Where sums go; at least one pointer is not null. Sums have 64 bits: no bound is needed below
/// 2^31 terms, with |bias| < 2^61.
struct WideDestination {
  WideRequantisation requantisation;
  int16_t* output = nullptr;  ///< gets requantised sums
  int64_t* sums = nullptr;    ///< gets the sums themselves

  void store(int64_t index, int64_t sum) const {
    if (output != nullptr) output[index] = requantisation(sum);
    if (sums != nullptr) sums[index] = sum;
  }
};

/// to[r][o] = bias[o] + sum over k of L(first[r][k], second[o][k]). A dense layer.
struct WideGemmArgs {
  int rows, outputs, terms;
  const int16_t* first;   ///< [rows][terms]; unsigned operands as bit patterns
  const int16_t* second;  ///< [outputs][terms]
  const int64_t* bias;    ///< [outputs], or null
  const WideMultiplier* multiplier;
  WideDestination to;  ///< [rows][outputs]
};

/// Convolution; the fields are those of Conv2dArgs.
struct WideConv2dArgs {
  int images, height, width, in_channels, out_channels;
  Window vertical, horizontal;
  int groups;
  Padding padding;
  int16_t pad_value;
  const int16_t* input;   ///< [images][height][width][in_channels]
  const int16_t* weight;  ///< [out_channels][kernel][kernel][in_channels / groups]
  const int64_t* bias;    ///< [out_channels], or null
  const WideMultiplier* multiplier;
  WideDestination to;  ///< [images][out_height][out_width][out_channels]

  int out_height() const { return vertical.outputs(height); }
  int out_width() const { return horizontal.outputs(width); }
  int terms() const { return vertical.kernel * horizontal.kernel * (in_channels / groups); }
};

/// The references: every product from the model, one output after another.
/// @throws Error kInvalidArgument, as below
void wide_gemm_reference(const WideGemmArgs& args);
void wide_conv2d_reference(const WideConv2dArgs& args);

/// The same bits, by the multiplier's terms where it has them.
/// @param jobs  threads; 0: all cores
/// @throws Error kInvalidArgument for wrong sizes, null pointers, a width outside 2..16 and
/// operands outside
///         the multiplier's; the outputs stay untouched
void wide_gemm(const WideGemmArgs& args, int jobs = 0);
void wide_conv2d(const WideConv2dArgs& args, int jobs = 0);

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_WIDE_H_
