#ifndef LUTRA_LUTRA_H_
#define LUTRA_LUTRA_H_

#include <stddef.h>
#include <stdint.h>

/// Networks of approximate multipliers from C: the engine of lutra/engine/backend.h, bit for bit.
///
/// Handles are opaque and freed by their functions of the name `_free`, which take null. Every call
/// that can fail returns a status. On failure lutra_last_error() says where, what was found and
/// what is allowed; outputs, handles among them, stay as they were.
///
/// Every buffer comes with its size in elements, which must be that of its shape exactly. Tensors
/// are row-major, images outermost. Elements are bytes: int8, or uint8 where the multiplier's
/// operand or `is_signed` says so; pointers are int8_t* for both. Buffers of a size 0 may be null
/// where "or null" is said. Flags are 0 (no) or another value (yes).
///
/// A multiplier, a rule and a backend may be used by several threads at once.

#ifdef __cplusplus
extern "C" {
#endif

/// As the exit codes of the command `lutra`.
typedef enum lutra_status {
  LUTRA_OK = 0,
  LUTRA_USAGE = 2,          ///< an argument is wrong: null, size, value, file
  LUTRA_UNAVAILABLE = 3,    ///< this machine or this build cannot run the backend
  LUTRA_UNIMPLEMENTED = 4,  ///< legal, but not handled: a file format
  LUTRA_EXHAUSTED = 5,      ///< memory, the device's included, or a disk does not suffice
  LUTRA_DATA_LOSS = 6,      ///< a disk or a device's memory lost data
  LUTRA_INTERNAL = 70       ///< our bug, or a fault of the machine or of its device
} lutra_status;

/// "0.1.0".
const char* lutra_version(void);

/// What was wrong in the last failed call of this thread; "" before any. Until its next failure.
const char* lutra_last_error(void);

// ---- Multipliers -------------------------------------------------------------------------------

/// The products of a multiplier whose operands fit a byte.
typedef struct lutra_multiplier lutra_multiplier;

typedef struct lutra_operand {
  int width;      ///< bits, 2..8
  int is_signed;  ///< two's complement
} lutra_operand;

/// Reads a table of 2^w x 2^w products, w = 2..8, in any format of docs/tables.md; the ending of
/// the name decides: .npy, .h, .txt, .csv, any other: raw little-endian uint16 of 256 x 256.
/// @param is_unsigned  what a file that does not say it holds
/// @return LUTRA_USAGE for a file that is absent, cut off or of other contents, with the place
lutra_status lutra_multiplier_load(const char* path, int is_unsigned, lutra_multiplier** out);

/// @param name      for lutra_multiplier_describe()
/// @param products  [2^first.width][2^second.width] by the operands' bit patterns, first operand
///                  outer, in [-32768, 32767] or [0, 65535]
/// @return LUTRA_USAGE for another size, range or width
lutra_status lutra_multiplier_create(const char* name, lutra_operand first, lutra_operand second,
                                     const int32_t* products, size_t products_size,
                                     lutra_multiplier** out);

/// a * b.
/// @return LUTRA_USAGE for a width outside 2..8
lutra_status lutra_multiplier_exact(lutra_operand first, lutra_operand second,
                                    lutra_multiplier** out);

void lutra_multiplier_free(lutra_multiplier* multiplier);

/// Errors are against a * b, over all pairs of operands. Texts live as long as the multiplier.
typedef struct lutra_multiplier_info {
  const char* line;      ///< to print: which table is in effect, its checksum and its errors
  const char* warnings;  ///< legal, but probably not what was meant: a line each, "" for none
  const char* sha256;    ///< of the products as 16-bit patterns: `lut_sha256` of a component
  lutra_operand first, second;
  double mae;           ///< mean |error|
  int32_t wce;          ///< largest |error|
  double ep;            ///< share of products with an error
  double bias;          ///< mean error, table less exact
  int zero_products;    ///< pairs with an operand 0 whose product is not 0
  int exact_terms;      ///< exact int8 matrix products that its matrix product takes; -1: above 16
  int symmetric_terms;  ///< the same without the lowest signed operand (-128), as tensors hold
} lutra_multiplier_info;

lutra_status lutra_multiplier_describe(const lutra_multiplier* multiplier,
                                       lutra_multiplier_info* info);

/// L(a, b) of two operands.
/// @return LUTRA_USAGE for values that are no operands
lutra_status lutra_multiplier_product(const lutra_multiplier* multiplier, int a, int b,
                                      int32_t* product);

typedef enum lutra_table_format {
  LUTRA_TABLE_RAW = 0,    ///< .bin, TFApprox; of 8 bits only
  LUTRA_TABLE_NPY,        ///< .npy, int16 or uint16
  LUTRA_TABLE_NPY_INT32,  ///< .npy, int32
  LUTRA_TABLE_C_HEADER,   ///< .h, array `lut`
  LUTRA_TABLE_TEXT,       ///< .txt, numbers, by value
  LUTRA_TABLE_TRIPLES     ///< .txt, lines `a b product`
} lutra_table_format;

/// Writes the table beside its place, then renames it.
/// @param format  a lutra_table_format
/// @return LUTRA_USAGE where the file cannot be written; LUTRA_UNIMPLEMENTED for operands of two
///         types, raw tables of less than 8 bits, and products of more bits than both operands
lutra_status lutra_multiplier_save(const lutra_multiplier* multiplier, const char* path,
                                   int format);

// ---- Backends ----------------------------------------------------------------------------------

/// What runs operations. All give the same bits, whatever the number of threads.
typedef struct lutra_backend lutra_backend;

typedef struct lutra_backend_info {
  const char* name;
  int available;
  const char* reason;  ///< why not, or what it runs on
} lutra_backend_info;

/// The backends that lutra_backend_create() knows, the quickest last.
int lutra_backend_count(void);
/// @return LUTRA_USAGE for an index outside [0, lutra_backend_count())
lutra_status lutra_backend_describe(int index, lutra_backend_info* info);

/// @param name  "auto" (the quickest that is available), "scalar", "avx2", "avx512" or "cuda"
/// @param jobs  threads of one operation; 0: all cores
/// @return LUTRA_USAGE for another name or jobs below 0; LUTRA_UNAVAILABLE for one that cannot run
///         here
lutra_status lutra_backend_create(const char* name, int jobs, lutra_backend** out);
/// Lives as long as the backend; "" for null.
const char* lutra_backend_name(const lutra_backend* backend);
void lutra_backend_free(lutra_backend* backend);

// ---- Operations --------------------------------------------------------------------------------
// Common to all: LUTRA_USAGE for null pointers, sizes below 1, buffers of another size than their
// shape, operands outside the multiplier's, values outside the range written here, and accumulators
// that could leave 32 bits; LUTRA_EXHAUSTED where memory does not suffice.

/// Sum / 2^shift, rounded (ties towards plus infinity), saturated to [low, high]. All zeros is
/// refused: every output would be 0.
typedef struct lutra_requantisation {
  int shift;  ///< 0..31
  int low;    ///< -128..high
  int high;   ///< up to 127, or up to 255 where low is not negative
} lutra_requantisation;

/// To [-127, 127], or to [0, 127] with `relu`.
lutra_requantisation lutra_to_int8(int shift, int relu);
/// To [0, 255].
lutra_requantisation lutra_to_uint8(int shift);

/// out[b][r][o] = bias[o] + sum over k of L(first[b][r][k], second[b][o][k]).
typedef struct lutra_gemm_args {
  int batch, rows, outputs, terms;
  int shared_second;  ///< one second matrix for the whole batch
  const lutra_multiplier* multiplier;
  const int8_t* first;  ///< [batch][rows][terms]
  size_t first_size;
  const int8_t* second;  ///< [batch, or 1 if shared][outputs][terms]
  size_t second_size;
  const int32_t* bias;  ///< [outputs], or null
  size_t bias_size;
  lutra_requantisation requantisation;  ///< of `output`
  int8_t* output;                       ///< [batch][rows][outputs], or null if sums is not
  size_t output_size;
  int32_t* sums;  ///< [batch][rows][outputs], or null if output is not
  size_t sums_size;
} lutra_gemm_args;
lutra_status lutra_gemm(lutra_backend* backend, const lutra_gemm_args* args);

/// How a kernel moves along one axis.
typedef struct lutra_window {
  int kernel, stride;         ///< 1..65536
  int pad_before, pad_after;  ///< 0..65536
  int dilation;               ///< 1..65536
} lutra_window;

/// Outputs along an axis of `size` elements; 0 where the kernel does not fit or a value is illegal.
int lutra_window_outputs(lutra_window window, int size);

/// What the taps outside the image contribute.
typedef enum lutra_padding {
  LUTRA_PADDING_OPERAND = 0,  ///< L(pad_value, w): the hardware multiplies what it was given
  LUTRA_PADDING_NOTHING = 1   ///< no product: the hardware leaves them out
} lutra_padding;

/// Convolution, bias, requantisation.
typedef struct lutra_conv2d_args {
  int images, height, width, in_channels, out_channels;
  lutra_window vertical, horizontal;
  int groups;        ///< divides both channel counts; in_channels: depthwise
  int padding;       ///< a lutra_padding
  int8_t pad_value;  ///< the element that stands for zero
  const lutra_multiplier* multiplier;
  const int8_t* input;  ///< [images][height][width][in_channels]
  size_t input_size;
  const int8_t*
      weight;  ///< [out_channels][vertical.kernel][horizontal.kernel][in_channels / groups]
  size_t weight_size;
  const int32_t* bias;  ///< [out_channels], or null
  size_t bias_size;
  lutra_requantisation requantisation;  ///< of `output`
  int8_t* output;  ///< [images][out_height][out_width][out_channels], or null if sums is not
  size_t output_size;
  int32_t* sums;  ///< as output, or null if output is not
  size_t sums_size;
} lutra_conv2d_args;
lutra_status lutra_conv2d(lutra_backend* backend, const lutra_conv2d_args* args);

typedef enum lutra_pool_kind { LUTRA_POOL_MAX = 0, LUTRA_POOL_AVERAGE = 1 } lutra_pool_kind;

/// Largest or average element of each window; padding takes no part.
typedef struct lutra_pool_args {
  int images, height, width, channels;
  lutra_window vertical, horizontal;  ///< every window holds an element of the image
  int kind;                           ///< a lutra_pool_kind
  int is_signed;                      ///< int8 elements, not uint8
  const int8_t* input;                ///< [images][height][width][channels]
  size_t input_size;
  int8_t* output;  ///< [images][out_height][out_width][channels]
  size_t output_size;
} lutra_pool_args;
lutra_status lutra_pool(lutra_backend* backend, const lutra_pool_args* args);

/// Sum of two tensors, brought to one fraction length by shifts to the left.
typedef struct lutra_add_args {
  int64_t elements;
  int shift_first, shift_second;  ///< 0..16, to the left
  int is_signed;                  ///< int8 elements, not uint8
  const int8_t* first;            ///< [elements]
  size_t first_size;
  const int8_t* second;  ///< [elements]
  size_t second_size;
  lutra_requantisation requantisation;
  int8_t* output;  ///< [elements]; may be one of the inputs
  size_t output_size;
} lutra_add_args;
lutra_status lutra_add(lutra_backend* backend, const lutra_add_args* args);

/// Accumulators to elements.
typedef struct lutra_requantise_args {
  int64_t elements;
  const int32_t* sums;  ///< [elements]
  size_t sums_size;
  lutra_requantisation requantisation;
  int8_t* output;  ///< [elements]
  size_t output_size;
} lutra_requantise_args;
lutra_status lutra_requantise(lutra_backend* backend, const lutra_requantise_args* args);

/// Votes of the input capsules for the class capsules.
typedef struct lutra_votes_args {
  int images, capsules, in_dim, classes, out_dim;
  int shift;  ///< 0..31
  const lutra_multiplier* multiplier;
  const int8_t* input;  ///< [images][capsules][in_dim]
  size_t input_size;
  const int8_t* weight;  ///< [capsules][classes][in_dim][out_dim]
  size_t weight_size;
  int8_t* output;  ///< [images][capsules][classes][out_dim]
  size_t output_size;
} lutra_votes_args;
lutra_status lutra_votes(lutra_backend* backend, const lutra_votes_args* args);

/// Sum of the votes, weighted with the coupling coefficients.
typedef struct lutra_weighted_sum_args {
  int images, capsules, classes, out_dim;
  int shift;  ///< 0..31
  const lutra_multiplier* multiplier;
  const int8_t* coupling;  ///< [images][classes][capsules]
  size_t coupling_size;
  const int8_t* votes;  ///< [images][capsules][classes][out_dim]
  size_t votes_size;
  int8_t* output;  ///< [images][classes][out_dim]
  size_t output_size;
} lutra_weighted_sum_args;
lutra_status lutra_weighted_sum(lutra_backend* backend, const lutra_weighted_sum_args* args);

/// Agreement of the votes with the class capsules, added to the logits.
typedef struct lutra_agreement_args {
  int images, capsules, classes, out_dim;
  int shift;  ///< 0..31
  const lutra_multiplier* multiplier;
  const int8_t* votes;  ///< [images][capsules][classes][out_dim]
  size_t votes_size;
  const int8_t* v;  ///< [images][classes][out_dim]
  size_t v_size;
  const int8_t* before;  ///< [images][capsules][classes] logits
  size_t before_size;
  int8_t* output;  ///< [images][capsules][classes] logits
  size_t output_size;
} lutra_agreement_args;
lutra_status lutra_agreement(lutra_backend* backend, const lutra_agreement_args* args);

/// Squash of capsules of `dim` elements; input and output may be the same.
typedef struct lutra_squash_args {
  int64_t capsules;  ///< of all images
  int dim;           ///< 1..16
  int frac;          ///< fraction length of the input, 0..7
  const lutra_multiplier* multiplier;
  const int8_t* input;  ///< [capsules][dim]
  size_t input_size;
  int8_t* output;  ///< [capsules][dim], fraction length 7
  size_t output_size;
} lutra_squash_args;
lutra_status lutra_squash(lutra_backend* backend, const lutra_squash_args* args);

/// Coupling coefficients of each input capsule: softmax of its logits over the classes.
typedef struct lutra_softmax_args {
  int images, capsules, classes;  ///< classes 1..16
  int frac;                       ///< fraction length of the logits, 0..7
  const int8_t* logits;           ///< [images][capsules][classes]
  size_t logits_size;
  int8_t* output;  ///< [images][classes][capsules], fraction length 7
  size_t output_size;
} lutra_softmax_args;
lutra_status lutra_softmax(lutra_backend* backend, const lutra_softmax_args* args);

/// Class of each image, the lowest of equal ones, and the scores that it was chosen by.
typedef struct lutra_classify_args {
  int images, classes, dim;  ///< classes 1..127
  const lutra_multiplier* multiplier;
  const int8_t* input;  ///< [images][classes][dim]
  size_t input_size;
  int32_t* scores;  ///< [images][classes]
  size_t scores_size;
  int8_t* output;  ///< [images]
  size_t output_size;
} lutra_classify_args;
lutra_status lutra_classify(lutra_backend* backend, const lutra_classify_args* args);

// ---- Gradients, for retraining -----------------------------------------------------------------

/// How products are said to change with their operands.
typedef struct lutra_rule lutra_rule;

/// As if the product were exact: dL/da = b and dL/db = a.
lutra_status lutra_rule_straight_through(const lutra_multiplier* multiplier, lutra_rule** out);
/// Differences of f and g, where f(a) g(b) is the best fit of the table.
/// @param half_window  of the smoothing, 0..64; otherwise LUTRA_USAGE
lutra_status lutra_rule_factorised_differences(const lutra_multiplier* multiplier, int half_window,
                                               lutra_rule** out);
/// Differences of the table smoothed over 2 half_window + 1 operands.
/// @param half_window  0..64; otherwise LUTRA_USAGE
lutra_status lutra_rule_smoothed_differences(const lutra_multiplier* multiplier, int half_window,
                                             lutra_rule** out);
void lutra_rule_free(lutra_rule* rule);

/// Gradient of the sums of a convolution, in float32; names as in lutra_conv2d_args.
typedef struct lutra_conv2d_gradient_args {
  int images, height, width, in_channels, out_channels;
  lutra_window vertical, horizontal;
  int groups;
  int padding;  ///< a lutra_padding
  int8_t pad_value;
  const lutra_rule* rule;
  const int8_t* input;
  size_t input_size;
  const int8_t* weight;
  size_t weight_size;
  const float* gradient;  ///< [images][out_height][out_width][out_channels], of the sums
  size_t gradient_size;
  float* result;  ///< as input, or as weight
  size_t result_size;
} lutra_conv2d_gradient_args;
lutra_status lutra_conv2d_input_gradient(lutra_backend* backend,
                                         const lutra_conv2d_gradient_args* args);
lutra_status lutra_conv2d_weight_gradient(lutra_backend* backend,
                                          const lutra_conv2d_gradient_args* args);

#ifdef __cplusplus
}
#endif

#endif  // LUTRA_LUTRA_H_
