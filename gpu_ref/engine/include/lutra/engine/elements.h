#ifndef LUTRA_ENGINE_ELEMENTS_H_
#define LUTRA_ENGINE_ELEMENTS_H_

#include <cstdint>

#include "lutra/engine/multiplier.h"
#include "lutra/numerics/capsule.h"
#include "lutra/numerics/fixed.h"
#include "lutra/numerics/hd.h"

/// What one output of each operation is: the reference of every backend, on host and device. A
/// backend only decides in which order, and how many at once, these are evaluated.
///
/// Tensors are row-major, images outermost. Elements are bytes: int8, or uint8 where the
/// multiplier's operand, or `is_signed`, says so; pointers are int8_t* for both.
namespace lutra::engine {

/// What an accumulator becomes: rounded, then saturated to [low, high].
struct Requantisation {
  int shift = 0;  ///< 0..31
  int low = -numerics::kMaxElement;
  int high = numerics::kMaxElement;  ///< at most 255: then the byte is a uint8

  LUTRA_HD static Requantisation to_int8(int shift, bool relu = false) {
    return {shift, relu ? 0 : -numerics::kMaxElement, numerics::kMaxElement};
  }
  LUTRA_HD static Requantisation to_uint8(int shift) { return {shift, 0, 255}; }

  /// @param sum  |sum| < 2^62
  LUTRA_HD int8_t operator()(int64_t sum) const {
    return saturated(numerics::round_shift(sum, shift));
  }
  /// The same without 64 bits: the bit below the last one is what rounds up.
  LUTRA_HD int8_t operator()(int32_t sum) const {
    const int below = shift == 0 ? 0 : shift - 1;
    return saturated((sum >> shift) + (sum >> below & (shift == 0 ? 0 : 1)));
  }

 private:
  template <typename T>
  LUTRA_HD int8_t saturated(T rounded) const {
    const T least = rounded > low ? rounded : low;
    return static_cast<int8_t>(least < high ? least : high);
  }
};

/// Where the sums of a matrix of products go; at least one pointer is not null. Bytes and sums lie
/// alike.
struct Destination {
  Requantisation requantisation;
  int8_t* output = nullptr;  ///< gets requantised sums
  int32_t* sums = nullptr;   ///< gets the sums themselves

  LUTRA_HD void store(int64_t index, int32_t sum) const {
    if (output != nullptr) output[index] = requantisation(sum);
    if (sums != nullptr) sums[index] = sum;
  }
};

/// Matrix product, one of many: out[r][o] = bias[o] + sum over k of L(first[r][k], second[o][k]).
struct GemmArgs {
  int batch, rows, outputs, terms;
  bool shared_second;    ///< one second matrix for the whole batch
  const int8_t* first;   ///< [batch][rows][terms]
  const int8_t* second;  ///< [batch, or 1 if shared][outputs][terms]
  const int32_t* bias;   ///< [outputs], or null
  Products products;
  Destination to;  ///< [batch][rows][outputs]

  LUTRA_HD int64_t count() const { return int64_t{batch} * rows * outputs; }
};

LUTRA_HD inline void gemm_at(const GemmArgs& args, int64_t index) {
  const int o = static_cast<int>(index % args.outputs);
  const int64_t row = index / args.outputs;  // of the whole batch
  const int64_t matrix = args.shared_second ? 0 : row / args.rows;
  const int8_t* a = args.first + row * args.terms;
  const int8_t* b = args.second + (matrix * args.outputs + o) * args.terms;
  int32_t acc = args.bias == nullptr ? 0 : args.bias[o];
  for (int k = 0; k < args.terms; ++k) acc += args.products(a[k], b[k]);
  args.to.store(index, acc);
}

/// How a kernel moves along one axis.
struct Window {
  int kernel = 1;
  int stride = 1;
  int pad_before = 0;
  int pad_after = 0;
  int dilation = 1;

  /// Outputs along an axis of `size` elements; below 1 where the kernel does not fit.
  LUTRA_HD int outputs(int size) const {
    const int room = size + pad_before + pad_after - dilation * (kernel - 1) - 1;
    return room < 0 ? 0 : room / stride + 1;
  }
  /// The element that tap k of output i sees; outside [0, size) it is padding.
  LUTRA_HD int element(int i, int k) const { return i * stride - pad_before + k * dilation; }
};

/// What the taps outside the image contribute.
enum class Padding : uint8_t {
  kOperand,  ///< L(pad value, w): the hardware multiplies what it was given
  kNothing,  ///< no product: the hardware leaves them out
};

/// Convolution, bias, requantisation.
struct Conv2dArgs {
  int images, height, width, in_channels, out_channels;
  Window vertical, horizontal;
  int groups;  ///< divides both channel counts; in_channels: depthwise
  Padding padding;
  int8_t pad_value;     ///< the element that stands for zero
  const int8_t* input;  ///< [images][height][width][in_channels]
  const int8_t*
      weight;  ///< [out_channels][vertical.kernel][horizontal.kernel][in_channels / groups]
  const int32_t* bias;  ///< [out_channels], or null
  Products products;
  Destination to;  ///< [images][out_height][out_width][out_channels]

  LUTRA_HD int out_height() const { return vertical.outputs(height); }
  LUTRA_HD int out_width() const { return horizontal.outputs(width); }
  LUTRA_HD int terms() const {
    return vertical.kernel * horizontal.kernel * (in_channels / groups);
  }
  LUTRA_HD int64_t count() const {
    return int64_t{images} * out_height() * out_width() * out_channels;
  }
};

LUTRA_HD inline void conv2d_at(const Conv2dArgs& args, int64_t index) {
  const int o = static_cast<int>(index % args.out_channels);
  int64_t rest = index / args.out_channels;
  const int x = static_cast<int>(rest % args.out_width());
  rest /= args.out_width();
  const int y = static_cast<int>(rest % args.out_height());
  const int64_t n = rest / args.out_height();
  const int channels = args.in_channels / args.groups;
  const int first_channel = o / (args.out_channels / args.groups) * channels;
  const int8_t* weight = args.weight + int64_t{o} * args.terms();
  int32_t acc = args.bias == nullptr ? 0 : args.bias[o];
  for (int ky = 0; ky < args.vertical.kernel; ++ky) {
    const int row = args.vertical.element(y, ky);
    for (int kx = 0; kx < args.horizontal.kernel; ++kx, weight += channels) {
      const int column = args.horizontal.element(x, kx);
      const bool inside = row >= 0 && row < args.height && column >= 0 && column < args.width;
      if (!inside && args.padding == Padding::kNothing) continue;
      const int8_t* in = args.input + first_channel;
      if (inside) in += ((n * args.height + row) * args.width + column) * args.in_channels;
      for (int c = 0; c < channels; ++c) {
        acc += args.products(inside ? in[c] : args.pad_value, weight[c]);
      }
    }
  }
  args.to.store(index, acc);
}

/// Largest or average element of each window; padding takes no part.
struct PoolArgs {
  enum class Kind : uint8_t { kMax, kAverage };
  int images, height, width, channels;
  Window vertical, horizontal;  ///< every window holds an element of the image
  Kind kind;
  bool is_signed;       ///< int8 elements, not uint8
  const int8_t* input;  ///< [images][height][width][channels]
  int8_t* output;       ///< [images][out_height][out_width][channels]

  LUTRA_HD int out_height() const { return vertical.outputs(height); }
  LUTRA_HD int out_width() const { return horizontal.outputs(width); }
  LUTRA_HD int64_t count() const { return int64_t{images} * out_height() * out_width() * channels; }
};

LUTRA_HD inline int element_value(int8_t byte, bool is_signed) {
  return is_signed ? byte : static_cast<uint8_t>(byte);
}

LUTRA_HD inline void pool_at(const PoolArgs& args, int64_t index) {
  const int c = static_cast<int>(index % args.channels);
  int64_t rest = index / args.channels;
  const int x = static_cast<int>(rest % args.out_width());
  rest /= args.out_width();
  const int y = static_cast<int>(rest % args.out_height());
  const int64_t n = rest / args.out_height();
  int largest = INT32_MIN;
  int32_t sum = 0;
  int32_t elements = 0;
  for (int ky = 0; ky < args.vertical.kernel; ++ky) {
    const int row = args.vertical.element(y, ky);
    if (row < 0 || row >= args.height) continue;
    for (int kx = 0; kx < args.horizontal.kernel; ++kx) {
      const int column = args.horizontal.element(x, kx);
      if (column < 0 || column >= args.width) continue;
      const int value = element_value(
          args.input[((n * args.height + row) * args.width + column) * args.channels + c],
          args.is_signed);
      largest = value > largest ? value : largest;
      sum += value;
      ++elements;
    }
  }
  args.output[index] = static_cast<int8_t>(
      args.kind == PoolArgs::Kind::kMax ? largest : numerics::round_divide(sum, elements));
}

/// Sum of two tensors, brought to one fraction length by shifts to the left: a residual connection.
struct AddArgs {
  int64_t elements;
  int shift_first, shift_second;  ///< 0..16, to the left
  bool is_signed;                 ///< int8 elements, not uint8
  const int8_t* first;            ///< [elements]
  const int8_t* second;           ///< [elements]
  Requantisation requantisation;
  int8_t* output;  ///< [elements]; may be one of the inputs

  LUTRA_HD int64_t count() const { return elements; }
};

LUTRA_HD inline void add_at(const AddArgs& args, int64_t index) {
  const int32_t a = element_value(args.first[index], args.is_signed) * (1 << args.shift_first);
  const int32_t b = element_value(args.second[index], args.is_signed) * (1 << args.shift_second);
  args.output[index] = args.requantisation(a + b);
}

/// Accumulators to elements.
struct RequantiseArgs {
  int64_t elements;
  const int32_t* sums;  ///< [elements]
  Requantisation requantisation;
  int8_t* output;  ///< [elements]

  LUTRA_HD int64_t count() const { return elements; }
};

LUTRA_HD inline void requantise_at(const RequantiseArgs& args, int64_t index) {
  args.output[index] = args.requantisation(args.sums[index]);
}

/// Votes of the input capsules for the class capsules.
struct VotesArgs {
  int images, capsules, in_dim, classes, out_dim;
  int shift;
  const int8_t* input;   ///< [images][capsules][in_dim]
  const int8_t* weight;  ///< [capsules][classes][in_dim][out_dim]
  Products products;
  int8_t* output;  ///< [images][capsules][classes][out_dim]

  LUTRA_HD int64_t count() const { return int64_t{images} * capsules * classes * out_dim; }
};

LUTRA_HD inline void votes_at(const VotesArgs& args, int64_t index) {
  const int d = static_cast<int>(index % args.out_dim);
  int64_t rest = index / args.out_dim;
  const int j = static_cast<int>(rest % args.classes);
  rest /= args.classes;  // image * capsules + capsule
  const int64_t i = rest % args.capsules;
  const int8_t* u = args.input + rest * args.in_dim;
  const int8_t* weight = args.weight + (i * args.classes + j) * args.in_dim * args.out_dim + d;
  int32_t acc = 0;
  for (int k = 0; k < args.in_dim; ++k) acc += args.products(u[k], weight[k * args.out_dim]);
  args.output[index] = numerics::requantise(acc, args.shift);
}

/// Sum of the votes, weighted with the coupling coefficients.
struct WeightedSumArgs {
  int images, capsules, classes, out_dim;
  int shift;
  const int8_t* coupling;  ///< [images][classes][capsules]
  const int8_t* votes;     ///< [images][capsules][classes][out_dim]
  Products products;
  int8_t* output;  ///< [images][classes][out_dim]

  LUTRA_HD int64_t count() const { return int64_t{images} * classes * out_dim; }
};

LUTRA_HD inline void weighted_sum_at(const WeightedSumArgs& args, int64_t index) {
  const int all = args.classes * args.out_dim;
  const int within = static_cast<int>(index % all);  // class * out_dim + element
  const int64_t n = index / all;
  const int8_t* c = args.coupling + (n * args.classes + within / args.out_dim) * args.capsules;
  const int8_t* vote = args.votes + n * args.capsules * all + within;
  int32_t acc = 0;
  for (int i = 0; i < args.capsules; ++i) acc += args.products(c[i], vote[int64_t{i} * all]);
  args.output[index] = numerics::requantise(acc, args.shift);
}

/// Agreement of the votes with the class capsules, added to the logits.
struct AgreementArgs {
  int images, capsules, classes, out_dim;
  int shift;
  const int8_t* votes;  ///< [images][capsules][classes][out_dim]
  const int8_t* v;      ///< [images][classes][out_dim]
  Products products;
  const int8_t* before;  ///< [images][capsules][classes] logits
  int8_t* output;        ///< [images][capsules][classes] logits

  LUTRA_HD int64_t count() const { return int64_t{images} * capsules * classes; }
};

LUTRA_HD inline void agreement_at(const AgreementArgs& args, int64_t index) {
  const int64_t j = index % args.classes;
  const int64_t n = index / args.classes / args.capsules;
  const int8_t* vote = args.votes + index * args.out_dim;
  const int8_t* v = args.v + (n * args.classes + j) * args.out_dim;
  int32_t acc = 0;
  for (int d = 0; d < args.out_dim; ++d) acc += args.products(vote[d], v[d]);
  args.output[index] = numerics::accumulate(args.before[index], acc, args.shift);
}

/// Squash of capsules of `dim` elements; input and output may be the same.
struct SquashArgs {
  int64_t capsules;     ///< of all images
  int dim;              ///< 1..16
  int frac;             ///< of the input, 0..7
  const int8_t* input;  ///< [capsules][dim] int8; with unsigned operands 0..127
  Products products;
  int8_t* output;  ///< [capsules][dim], fraction length 7

  LUTRA_HD int64_t count() const { return capsules; }
};

LUTRA_HD inline int32_t sum_of_squares(const Products& products, const int8_t* s, int dim) {
  int32_t sum = 0;
  for (int d = 0; d < dim; ++d) sum += products(s[d], s[d]);
  return sum;
}

LUTRA_HD inline void squash_at(const SquashArgs& args, int64_t index) {
  const int8_t* s = args.input + index * args.dim;
  const uint32_t gain =
      numerics::squash_gain(sum_of_squares(args.products, s, args.dim), args.frac);
  for (int d = 0; d < args.dim; ++d) {
    args.output[index * args.dim + d] = numerics::squash_element(s[d], gain);
  }
}

/// Coupling coefficients of each input capsule: softmax of its logits over the classes.
struct SoftmaxArgs {
  int images, capsules, classes;  ///< classes 1..16
  int frac;                       ///< of the logits, 0..7
  const int8_t* logits;           ///< [images][capsules][classes]
  int8_t* output;                 ///< [images][classes][capsules], fraction length 7

  LUTRA_HD int64_t count() const { return int64_t{images} * capsules; }
};

LUTRA_HD inline void softmax_at(const SoftmaxArgs& args, int64_t index) {
  const int64_t n = index / args.capsules;
  const int64_t i = index % args.capsules;
  numerics::softmax(args.logits + index * args.classes, args.classes, args.frac,
                    args.output + n * args.classes * args.capsules + i, args.capsules);
}

/// Class of each image and the scores that it was chosen by.
struct ClassifyArgs {
  int images, classes, dim;
  const int8_t* input;  ///< [images][classes][dim]
  Products products;
  int32_t* scores;  ///< [images][classes]
  int8_t* output;   ///< [images]

  LUTRA_HD int64_t count() const { return images; }
};

LUTRA_HD inline void classify_at(const ClassifyArgs& args, int64_t index) {
  int32_t* scores = args.scores + index * args.classes;
  int best = 0;
  for (int j = 0; j < args.classes; ++j) {
    const int32_t sum =
        sum_of_squares(args.products, args.input + (index * args.classes + j) * args.dim, args.dim);
    scores[j] = sum > 0 ? sum : 0;
    if (scores[j] > scores[best]) best = j;
  }
  args.output[index] = static_cast<int8_t>(best);
}

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_ELEMENTS_H_
