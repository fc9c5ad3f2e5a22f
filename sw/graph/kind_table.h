#ifndef LUTRA_GRAPH_KIND_TABLE_H_
#define LUTRA_GRAPH_KIND_TABLE_H_

#include <memory>
#include <string>
#include <vector>

#include "attributes.h"
#include "lutra/graph/operation.h"

namespace lutra::graph {

struct KindEntry {
  std::string name;
  std::shared_ptr<const Operation> (*make)(const Attributes& attributes);
};

/// Of kinds.txt, in its order.
const std::vector<KindEntry>& kind_table();

}  // namespace lutra::graph

#endif  // LUTRA_GRAPH_KIND_TABLE_H_
