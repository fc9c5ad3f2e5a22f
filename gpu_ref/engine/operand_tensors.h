#ifndef LUTRA_ENGINE_OPERAND_TENSORS_H_
#define LUTRA_ENGINE_OPERAND_TENSORS_H_

#include "lutra/engine/elements.h"

namespace lutra::engine {

/// All operands that an operation multiplies, in host memory.
struct OperandTensors {
  const int8_t* first;
  int64_t first_count;
  const int8_t* second;
  int64_t second_count;
  const int8_t* padding = nullptr;  ///< one more first operand, or null
};

inline OperandTensors operands_of(const GemmArgs& args) {
  return {args.first, int64_t{args.batch} * args.rows * args.terms, args.second,
          int64_t{args.shared_second ? 1 : args.batch} * args.outputs * args.terms};
}
inline OperandTensors operands_of(const Conv2dArgs& args) {
  return {args.input, int64_t{args.images} * args.height * args.width * args.in_channels,
          args.weight, int64_t{args.out_channels} * args.terms(), &args.pad_value};
}
inline OperandTensors operands_of(const VotesArgs& args) {
  return {args.input, int64_t{args.images} * args.capsules * args.in_dim, args.weight,
          int64_t{args.capsules} * args.classes * args.in_dim * args.out_dim};
}
inline OperandTensors operands_of(const WeightedSumArgs& args) {
  const int64_t pairs = int64_t{args.images} * args.classes * args.capsules;
  return {args.coupling, pairs, args.votes, pairs * args.out_dim};
}
inline OperandTensors operands_of(const AgreementArgs& args) {
  return {args.votes, args.count() * args.out_dim, args.v,
          int64_t{args.images} * args.classes * args.out_dim};
}

/// Which factorisation of a multiplier serves these operands with the fewest terms.
tables::Operands fewest_terms(const Multiplier& multiplier, const OperandTensors& operands);

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_OPERAND_TENSORS_H_
