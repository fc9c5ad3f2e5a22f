#include "library_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "lutra/base/error.h"

namespace lutra::synth {
namespace {

/// The function of a cell's only output as a truth table over its inputs, bit 0 all inputs 0; ""
/// where the cell is another kind, or has more inputs than two.
std::string truth_table(const LibertyCell& cell) {
  const LibertyPin* output = nullptr;
  for (const LibertyPin& pin : cell.pins) {
    if (pin.direction != LibertyPin::Direction::kOutput) continue;
    if (output != nullptr) return "";  // abc maps to cells of one output
    output = &pin;
  }
  if (output == nullptr || !output->function.has_value() || cell.flip_flop.has_value()) return "";
  const std::vector<std::string> names = output->function->names();
  if (names.empty() || names.size() > 2) return "";
  std::string table;
  for (unsigned values = 0; values >> names.size() == 0; ++values) {
    table += output->function->evaluate([&](const std::string& name) {
      return (values >> (name == names[0] ? 0 : 1) & 1) != 0;
    })
                 ? '1'
                 : '0';
  }
  return table;
}

}  // namespace

void check_library(const Liberty& library) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: the library holds no {}", library.origin(), what));
  };
  using Test = std::function<bool(const LibertyCell&)>;
  const auto any = [&](const Test& test) {
    return std::any_of(library.cells().begin(), library.cells().end(), [&](const auto& named) {
      const LibertyCell& cell = named.second;
      return cell.unsupported.empty() && !cell.dont_use && test(cell);
    });
  };
  // A gate of which nothing is missing but its times is told apart from one that is not there.
  const auto need = [&](const std::string& what, const Test& test) {
    if (!any(test)) fail(what);
    if (!any([&](const LibertyCell& cell) { return test(cell) && missing_times(cell).empty(); })) {
      fail(fmt::format("delay tables of its {}", what));
    }
  };
  need("inverter", [](const LibertyCell& cell) { return truth_table(cell) == "10"; });
  need("buffer", [](const LibertyCell& cell) { return truth_table(cell) == "01"; });
  need("AND, OR, NAND or NOR of two inputs", [](const LibertyCell& cell) {
    const std::string table = truth_table(cell);
    const auto ones = std::count(table.begin(), table.end(), '1');
    return table.size() == 4 && (ones == 1 || ones == 3);
  });
  if (!any([](const LibertyCell& cell) { return cell.area_um2 > 0; })) fail("area of any cell");
  library.fanout_of_four_slew_ns();
}

std::string lacking_flip_flop(const Liberty& library) {
  std::string lack = "flip-flop";
  for (const auto& [name, cell] : library.cells()) {
    if (!cell.unsupported.empty() || cell.dont_use || !cell.flip_flop.has_value()) continue;
    const std::string missing = missing_times(cell);
    if (missing.empty()) return "flip-flop of the kind";
    lack = fmt::format("{} of its flip-flop {}", missing, name);
  }
  return lack;
}

}  // namespace lutra::synth
