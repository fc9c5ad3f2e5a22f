#include "product_simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include "component_files.h"
#include "lutra/component/energy_meter.h"
#include "lutra/netlist/netlist_simulator.h"
#include "lutra/netlist/product_sweep.h"

namespace lutra::synth {
namespace {

constexpr std::size_t kSampledPairs = 65536;  // of operands without a table

/// Mean of |product - a * b| over these pairs, products read as signed or not.
double mean_error(const std::vector<PatternPair>& pairs, const std::vector<std::uint32_t>& products,
                  OperandWidths widths, bool is_signed) {
  double sum = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto operand = [&](std::uint32_t pattern, int width) {
      const int unused = 32 - width;
      return is_signed ? std::int64_t{static_cast<std::int32_t>(pattern << unused) >> unused}
                       : std::int64_t{pattern};
    };
    const std::int64_t exact = operand(pairs[i].a, widths.a) * operand(pairs[i].b, widths.b);
    sum += std::abs(static_cast<double>(product_value(products[i], widths, is_signed) - exact));
  }
  return sum / static_cast<double>(pairs.size());
}

}  // namespace

std::int64_t product_value(std::uint32_t pattern, OperandWidths widths, bool is_signed) {
  const int unused = 32 - widths.product();
  return is_signed ? static_cast<std::int32_t>(pattern << unused) >> unused
                   : static_cast<std::int64_t>(pattern);
}

std::vector<std::uint32_t> simulate_pairs(const Netlist& netlist, const MultiplierSource& source,
                                          const std::vector<PatternPair>& pairs) {
  if (source.latency > 0) return Pipeline(netlist, source).products(pairs);
  NetlistSimulator simulator(netlist);
  for (const HeldPort& held : source.held) {
    simulator.set_input_all(netlist.port(held.name), static_cast<std::uint64_t>(held.value));
  }
  std::vector<std::uint32_t> products;
  for (std::size_t from = 0; from < pairs.size(); from += NetlistSimulator::kLanes) {
    const auto lanes =
        static_cast<int>(std::min<std::size_t>(NetlistSimulator::kLanes, pairs.size() - from));
    for (int lane = 0; lane < lanes; ++lane) {
      simulator.set_input(netlist.port(source.ports[0]), lane, pairs[from + lane].a);
      simulator.set_input(netlist.port(source.ports[1]), lane, pairs[from + lane].b);
    }
    simulator.settle();
    for (int lane = 0; lane < lanes; ++lane) {
      products.push_back(
          static_cast<std::uint32_t>(simulator.value(netlist.port(source.ports[2]), lane)));
    }
  }
  return products;
}

ExhaustiveRun simulate_all_pairs(const Netlist& netlist, const MultiplierSource& source,
                                 const ExhaustiveOptions& options) {
  if (source.latency == 0) {
    return run_exhaustively(ProductSweep(netlist, source.ports, source.held), options);
  }
  const Pipeline pipeline(netlist, source);
  return run_exhaustively(
      pipeline.widths(), [&] { return std::make_unique<Pipeline::Pass>(pipeline, true); }, options);
}

std::vector<PatternPair> sample_pairs(OperandWidths widths, std::uint64_t seed) {
  std::vector<PatternPair> pairs;
  if (has_table(widths)) {
    for (std::uint32_t i = 0; i < widths.pairs(); ++i) {
      pairs.push_back({i >> widths.b, i & ((1u << widths.b) - 1)});
    }
    return pairs;
  }
  const auto corners = [](int width) {
    const std::uint32_t mask = (1u << width) - 1;
    std::set<std::uint32_t> values = {0, mask};
    for (int bit = 0; bit < width; ++bit) {
      for (const std::uint32_t near : {(1u << bit) - 1, 1u << bit, (1u << bit) + 1}) {
        values.insert(near & mask);
      }
    }
    return values;
  };
  for (const std::uint32_t a : corners(widths.a)) {
    for (const std::uint32_t b : corners(widths.b)) pairs.push_back({a, b});
  }
  for (const OperandPair& pair :
       uniform_operands(kSampledPairs - pairs.size(), seed, widths, false))
    pairs.push_back({static_cast<std::uint32_t>(pair.a), static_cast<std::uint32_t>(pair.b)});
  return pairs;
}

SignednessFound find_signedness(const MultiplierSource& source, bool signed_ports,
                                OperandWidths widths, const std::vector<PatternPair>& pairs,
                                const std::vector<std::uint32_t>& products,
                                const std::string& where) {
  const double as_signed = mean_error(pairs, products, widths, true);
  const double as_unsigned = mean_error(pairs, products, widths, false);
  SignednessFound found;
  found.is_signed = signed_ports || (source.signedness == Signedness::kFind
                                         ? as_signed <= as_unsigned
                                         : source.signedness == Signedness::kSigned);
  found.from = signed_ports ? "ports" : source.signedness == Signedness::kFind ? "data" : "option";
  const std::string read = found.is_signed ? "signed" : "unsigned";
  if (signed_ports && source.signedness == Signedness::kUnsigned) {
    found.warning = fmt::format(
        "{}: its ports are declared signed: read as signed, against the "
        "option",
        where);
  } else if ((found.is_signed ? as_unsigned : as_signed) <
             std::min((found.is_signed ? as_signed : as_unsigned) / 2,
                      std::ldexp(1.0, widths.product() - 6))) {  // of products about 2^(n + m - 2)
    found.warning = fmt::format(
        "{}: read as {} ({}), the products have a mean error of {:.6g}, as {} one of {:.6g}", where,
        read, found.from == "ports" ? "as the ports are declared" : "as the option says",
        found.is_signed ? as_signed : as_unsigned, found.is_signed ? "unsigned" : "signed",
        found.is_signed ? as_unsigned : as_signed);
  }
  return found;
}

}  // namespace lutra::synth
