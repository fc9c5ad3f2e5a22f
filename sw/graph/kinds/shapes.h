#ifndef LUTRA_GRAPH_KINDS_SHAPES_H_
#define LUTRA_GRAPH_KINDS_SHAPES_H_

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>

#include "lutra/base/error.h"
#include "lutra/graph/operation.h"

namespace lutra::graph {

/// The largest sizes that attributes may have: the arithmetic of windows fits int32 with them.
inline constexpr int kMaxSize = 65535;
inline constexpr int kMaxWindow = 4096;

/// The input's shape, of `rank` dimensions.
/// @param expected  what they are: "{height, width, channels}"
inline const Shape& input_of_rank(const Place& place, size_t rank, const std::string& expected,
                                  size_t input = 0) {
  const Shape& shape = place.inputs.at(input);
  if (shape.size() == rank) return shape;
  throw Error(ErrorKind::kInvalidArgument, fmt::format("node {}: an input of shape {}, expected {}",
                                                       place.node, shape, expected));
}

inline const Shape& feature_maps(const Place& place, size_t input = 0) {
  return input_of_rank(place, 3, "[height, width, channels]", input);
}

}  // namespace lutra::graph

#endif  // LUTRA_GRAPH_KINDS_SHAPES_H_
