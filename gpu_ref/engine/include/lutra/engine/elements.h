#ifndef LUTRA_ENGINE_ELEMENTS_H_
#define LUTRA_ENGINE_ELEMENTS_H_

#include <cstdint>

#include "lutra/numerics/capsule.h"
#include "lutra/numerics/fixed.h"
#include "lutra/numerics/hd.h"

/// What one output of each operation is: the reference of every backend, on host and device. A
/// backend only decides in which order, and how many at once, these are evaluated.
///
/// All tensors are int8, row-major, images outermost. `table` is a component's LUT,
/// int16 [256][256], first operand outer, both operands as two's-complement bytes.
namespace lutra::engine {

/// L(a, b) of docs/numerics.md, section 3.
LUTRA_HD inline int32_t product(const int16_t* table, int8_t a, int8_t b) {
  return table[static_cast<uint8_t>(a) << 8 | static_cast<uint8_t>(b)];
}

/// Convolution without padding, bias, requantisation, ReLU.
struct Conv2dArgs {
  int images, height, width, in_channels, out_channels, kernel, stride;
  int shift;
  bool relu;
  const int8_t* input;   ///< [images][height][width][in_channels]
  const int8_t* weight;  ///< [out_channels][kernel][kernel][in_channels]
  const int32_t* bias;   ///< [out_channels]
  const int16_t* table;
  int8_t* output;  ///< [images][out_height][out_width][out_channels]

  LUTRA_HD int out_height() const { return (height - kernel) / stride + 1; }
  LUTRA_HD int out_width() const { return (width - kernel) / stride + 1; }
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
  const int run = args.kernel * args.in_channels;  // contiguous in input and weight alike
  const int8_t* in =
      args.input +
      ((n * args.height + y * args.stride) * args.width + x * args.stride) * args.in_channels;
  const int8_t* weight = args.weight + int64_t{o} * args.kernel * run;
  int32_t acc = args.bias[o];
  for (int ky = 0; ky < args.kernel; ++ky) {
    for (int i = 0; i < run; ++i) acc += product(args.table, in[i], weight[i]);
    in += args.width * args.in_channels;
    weight += run;
  }
  args.output[index] = numerics::requantise(acc, args.shift, args.relu);
}

/// Votes of the input capsules for the class capsules.
struct VotesArgs {
  int images, capsules, in_dim, classes, out_dim;
  int shift;
  const int8_t* input;   ///< [images][capsules][in_dim]
  const int8_t* weight;  ///< [capsules][classes][in_dim][out_dim]
  const int16_t* table;
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
  for (int k = 0; k < args.in_dim; ++k) acc += product(args.table, u[k], weight[k * args.out_dim]);
  args.output[index] = numerics::requantise(acc, args.shift);
}

/// Sum of the votes, weighted with the coupling coefficients.
struct WeightedSumArgs {
  int images, capsules, classes, out_dim;
  int shift;
  const int8_t* coupling;  ///< [images][classes][capsules]
  const int8_t* votes;     ///< [images][capsules][classes][out_dim]
  const int16_t* table;
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
  for (int i = 0; i < args.capsules; ++i) acc += product(args.table, c[i], vote[int64_t{i} * all]);
  args.output[index] = numerics::requantise(acc, args.shift);
}

/// Agreement of the votes with the class capsules, added to the logits.
struct AgreementArgs {
  int images, capsules, classes, out_dim;
  int shift;
  const int8_t* votes;  ///< [images][capsules][classes][out_dim]
  const int8_t* v;      ///< [images][classes][out_dim]
  const int16_t* table;
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
  for (int d = 0; d < args.out_dim; ++d) acc += product(args.table, vote[d], v[d]);
  args.output[index] = numerics::accumulate(args.before[index], acc, args.shift);
}

/// Squash of capsules of `dim` elements; input and output may be the same.
struct SquashArgs {
  int64_t capsules;     ///< of all images
  int dim;              ///< 1..16
  int frac;             ///< of the input, 0..7
  const int8_t* input;  ///< [capsules][dim]
  const int16_t* table;
  int8_t* output;  ///< [capsules][dim], fraction length 7

  LUTRA_HD int64_t count() const { return capsules; }
};

LUTRA_HD inline int32_t sum_of_squares(const int16_t* table, const int8_t* s, int dim) {
  int32_t sum = 0;
  for (int d = 0; d < dim; ++d) sum += product(table, s[d], s[d]);
  return sum;
}

LUTRA_HD inline void squash_at(const SquashArgs& args, int64_t index) {
  const int8_t* s = args.input + index * args.dim;
  const uint32_t gain = numerics::squash_gain(sum_of_squares(args.table, s, args.dim), args.frac);
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
  const int16_t* table;
  int32_t* scores;  ///< [images][classes]
  int8_t* output;   ///< [images]

  LUTRA_HD int64_t count() const { return images; }
};

LUTRA_HD inline void classify_at(const ClassifyArgs& args, int64_t index) {
  int32_t* scores = args.scores + index * args.classes;
  int best = 0;
  for (int j = 0; j < args.classes; ++j) {
    const int32_t sum =
        sum_of_squares(args.table, args.input + (index * args.classes + j) * args.dim, args.dim);
    scores[j] = sum > 0 ? sum : 0;
    if (scores[j] > scores[best]) best = j;
  }
  args.output[index] = static_cast<int8_t>(best);
}

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_ELEMENTS_H_
