#ifndef LUTRA_ENGINE_MATRIX_ROUTING_H_
#define LUTRA_ENGINE_MATRIX_ROUTING_H_

#include "lutra/engine/elements.h"

namespace lutra::engine {

/// Sums of routing, in which every product has a pair of its own, so that no register can be
/// shared: products are looked up one by one, in parts of the table that stay in the first-level
/// cache.
/// @param begin,end  of images x classes
void sum_weighted_votes(const WeightedSumArgs& args, int begin, int end);
void add_agreements(const AgreementArgs& args, int begin, int end);

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_MATRIX_ROUTING_H_
