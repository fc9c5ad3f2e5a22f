#include "liberty_cell_writer.h"

namespace lutra::synth {

bool same_cell(const LibertyCell& a, const LibertyCell& b) {
  // What no Liberty text says of a cell that cannot be run.
  if (!a.unsupported.empty() || !b.unsupported.empty()) return a.unsupported == b.unsupported;
  LibertyCellWriter text_a(LibertyNames::kOwn);
  LibertyCellWriter text_b(LibertyNames::kOwn);
  text_a.add(a);
  text_b.add(b);
  return text_a.cells() == text_b.cells();
}

}  // namespace lutra::synth
