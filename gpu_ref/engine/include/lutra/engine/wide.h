#ifndef LUTRA_ENGINE_WIDE_H_
#define LUTRA_ENGINE_WIDE_H_

#include <cstdint>
#include <functional>
#include <vector>

/// Matrix products of multipliers whose operands are wider than a byte. No table of 2^32 products
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

/// sums[r][o] = bias[o] + sum over k of L(first[r][k], second[o][k]), in 64 bits: no bound is
/// needed below 2^31 terms.
struct WideGemmArgs {
  int rows, outputs, terms;
  const int16_t* first;   ///< [rows][terms]; unsigned operands as bit patterns
  const int16_t* second;  ///< [outputs][terms]
  const int64_t* bias;    ///< [outputs], or null
  const WideMultiplier* multiplier;
  int64_t* sums;  ///< [rows][outputs]
};

/// The reference: every product from the model.
void wide_gemm_reference(const WideGemmArgs& args);

/// The same bits, by the multiplier's terms where it has them.
/// @param jobs  threads; 0: all cores
/// @throws Error kUsage for sizes below 1, null pointers, a width outside 2..16 and operands
/// outside
///         the multiplier's; the sums stay untouched
void wide_gemm(const WideGemmArgs& args, int jobs = 0);

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_WIDE_H_
