#ifndef LUTRA_ENGINE_MATRIX_ROUTING_H_
#define LUTRA_ENGINE_MATRIX_ROUTING_H_

#include "lutra/engine/elements.h"

namespace lutra::engine {

/// Sums of routing. Both operands change from product to product, so that no row of products can be
/// reused: they are looked up one by one, in those parts of the table that stay in the L1 cache.
/// @param begin,end  of images x classes
void sum_weighted_votes(const WeightedSumArgs& args, int begin, int end);
void add_agreements(const AgreementArgs& args, int begin, int end);

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_MATRIX_ROUTING_H_
