#ifndef LUTRA_GRAPH_KINDS_WINDOWS_H_
#define LUTRA_GRAPH_KINDS_WINDOWS_H_

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "attributes.h"
#include "lutra/base/error.h"
#include "lutra/engine/elements.h"
#include "shapes.h"

namespace lutra::graph {

/// How a kernel moves over feature maps: kernel, strides and dilations are [height, width], pads
/// [top, left, bottom, right].
struct Windows {
  explicit Windows(Attributes* attributes)
      : kernel(attributes->integers("kernel", 2, 1, kMaxWindow)),
        strides(attributes->integers("strides", 2, 1, kMaxWindow, {1, 1})),
        pads(attributes->integers("pads", 4, 0, kMaxWindow, {0, 0, 0, 0})),
        dilations(attributes->integers("dilations", 2, 1, kMaxWindow, {1, 1})) {}

  void add_to(nlohmann::json* json) const {
    (*json)["kernel"] = kernel;
    (*json)["strides"] = strides;
    (*json)["pads"] = pads;
    (*json)["dilations"] = dilations;
  }

  engine::Window axis(size_t axis) const {
    return {kernel[axis], strides[axis], pads[axis], pads[axis + 2], dilations[axis]};
  }

  /// [height, width, channels] of the output.
  Shape output(const Place& place, int channels) const {
    const Shape& in = feature_maps(place);
    const Shape out = {axis(0).outputs(in[0]), axis(1).outputs(in[1]), channels};
    if (out[0] >= 1 && out[1] >= 1) return out;
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("node {}: a kernel of {} does not fit into {} with pads {}", place.node,
                            kernel, in, pads));
  }

  std::vector<int> kernel, strides, pads, dilations;
};

}  // namespace lutra::graph

#endif  // LUTRA_GRAPH_KINDS_WINDOWS_H_
