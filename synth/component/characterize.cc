// A Verilog file becomes a component, and a component's directory is read back.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <future>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <system_error>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/npy.h"
#include "lutra/base/sha256.h"
#include "lutra/component/component.h"
#include "lutra/component/component_tables.h"
#include "lutra/component/energy_meter.h"
#include "lutra/component/error_metrics.h"
#include "lutra/component/library.h"
#include "lutra/component/pipeline.h"
#include "lutra/netlist/liberty.h"
#include "lutra/netlist/liberty_writer.h"
#include "lutra/netlist/netlist.h"
#include "lutra/netlist/netlist_simulator.h"
#include "lutra/netlist/product_sweep.h"
#include "lutra/synthesis/synthesis.h"
#include "lutra/synthesis/verilog_sources.h"
#include "lutra/tables/table_files.h"
#include "rtl_check.h"

namespace lutra::synth {
namespace {

using Json = nlohmann::json;

/// Part of the cache key; raise it whenever the same inputs would give other bytes.
constexpr const char* kSchema = "lutra-component-11";
constexpr int kTableWidth = 8;  // wider operands have no table
constexpr int kWidestOperand = 16;
constexpr int kVerilatedBits = 24;            // of both operands: up to here all pairs are compared
constexpr int kProofSeconds = 10;             // beyond, unless another limit is asked for
constexpr std::size_t kCheckedPairs = 65536;  // with the source, of wider operands

bool has_table(const OperandWidths& widths) { return widths.widest() <= kTableWidth; }

OperandWidths widths_of(const Json& json) {
  return {json.at("width_a").get<int>(), json.at("width_b").get<int>()};
}

/// The files that component.json has checksums of.
std::vector<std::string> listed_files(const Json& json) {
  const OperandWidths widths = widths_of(json);
  const bool has_netlist = !json.contains("imported");
  std::vector<std::string> files;
  if (has_netlist) files = {"netlist.v", "netlist.json", "cells.lib", "cells.v"};
  if (has_table(widths)) files.push_back("lut.npy");
  if (!json.at("factorisation").is_null()) files.push_back("factors.npy");
  return files;
}

/// The clock of a multiplier with latency, "" of one without; checked.
std::string resolved_clock(const Netlist& netlist, const MultiplierSource& source,
                           const std::string& where) {
  if (source.latency < 0 || source.latency > Pipeline::kMaxLatency) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: latency = {}, expected 0..{}", where,
                                                         source.latency, Pipeline::kMaxLatency));
  }
  if (netlist.is_sequential() && source.latency == 0) {
    throw Error(ErrorKind::kUnimplemented,
                fmt::format("{}: module {} holds flip-flops, expected a combinational multiplier; "
                            "of a pipeline, the latency in cycles must be given",
                            where, netlist.name()));
  }
  if (source.latency == 0 && source.clock.empty()) return "";
  if (!netlist.is_sequential()) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: module {} holds no flip-flop, expected latency 0 and no clock",
                            where, netlist.name()));
  }
  return find_clock(netlist, source, where);
}

/// The ports of a two-operand multiplier, checked; names as given, or found by direction and width.
std::array<std::string, 3> find_ports(const std::string& module,
                                      const std::vector<NetlistPort>& all,
                                      const MultiplierSource& source, const std::string& where) {
  std::string seen;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  const auto is_held = [&source](const std::string& name) {
    return std::any_of(source.held.begin(), source.held.end(),
                       [&name](const HeldPort& held) { return held.name == name; });
  };
  const bool named =
      !source.ports[0].empty() || !source.ports[1].empty() || !source.ports[2].empty();
  for (const NetlistPort& port : all) {
    seen += fmt::format("{}{} {} [{}]", seen.empty() ? "" : ", ",
                        port.is_input ? "input" : "output", port.name, port.width());
    if (is_held(port.name) || (source.latency > 0 && port.name == source.clock)) continue;
    // Of named ports, further outputs are left alone.
    if (named && !port.is_input && port.name != source.ports[2]) continue;
    (port.is_input ? inputs : outputs).push_back(port.name);
  }
  const auto fail = [&](ErrorKind kind, const std::string& what) {
    throw Error(kind, fmt::format("{}: module {}: {}; its ports are: {}", where, module, what,
                                  seen.empty() ? "none" : seen));
  };
  for (const auto& [name, value, width] : source.held) {
    const auto port = std::find_if(all.begin(), all.end(),
                                   [&name](const NetlistPort& p) { return p.name == name; });
    if (port == all.end() || !port->is_input) {
      fail(ErrorKind::kInvalidArgument,
           fmt::format("no input {} that could be held at {}", name, value));
    }
    if (value < 0 || port->width() > 32 || value >> port->width() != 0) {
      fail(ErrorKind::kInvalidArgument,
           fmt::format("{} = {}, expected 0..{}", name, value,
                       (std::int64_t{1} << std::min(port->width(), 32)) - 1));
    }
  }
  if (named) {
    for (const std::string& name : source.ports) {
      if (std::any_of(all.begin(), all.end(),
                      [&name](const NetlistPort& port) { return port.name == name; })) {
        continue;
      }
      fail(ErrorKind::kInvalidArgument,
           fmt::format("ports a, b, p = {}, {}, {} do not match", source.ports[0], source.ports[1],
                       source.ports[2]));
    }
  }
  if (inputs.size() != 2 || outputs.size() != 1) {
    fail(ErrorKind::kInvalidArgument,
         fmt::format("{} inputs and {} outputs, expected 2 and 1 beside those "
                     "that are held{}",
                     inputs.size(), outputs.size(), source.latency > 0 ? " and the clock" : ""));
  }
  std::array<std::string, 3> ports = {inputs[0], inputs[1], outputs[0]};
  if (named) {
    const bool straight = source.ports[0] == inputs[0] && source.ports[1] == inputs[1];
    const bool swapped = source.ports[0] == inputs[1] && source.ports[1] == inputs[0];
    if ((!straight && !swapped) || source.ports[2] != outputs[0]) {
      fail(ErrorKind::kInvalidArgument,
           fmt::format("ports a, b, p = {}, {}, {} do not match", source.ports[0], source.ports[1],
                       source.ports[2]));
    }
    ports = source.ports;
  }
  const auto width_of = [&all](const std::string& name) {
    return std::find_if(all.begin(), all.end(),
                        [&name](const NetlistPort& p) { return p.name == name; })
        ->width();
  };
  const int a = width_of(ports[0]);
  const int b = width_of(ports[1]);
  const int p = width_of(ports[2]);
  if (p != a + b) {
    fail(ErrorKind::kInvalidArgument,
         fmt::format("widths {} x {} -> {}, expected n x m -> n + m", a, b, p));
  }
  if (std::min(a, b) < 2 || std::max(a, b) > kWidestOperand) {
    fail(ErrorKind::kUnimplemented,
         fmt::format("operands of {} bits, expected 2..16", OperandWidths(a, b).text()));
  }
  return ports;
}

/// Value of a product's bit pattern.
std::int64_t product_value(std::uint32_t pattern, OperandWidths widths, bool is_signed) {
  const int unused = 32 - widths.product();
  return is_signed ? static_cast<std::int32_t>(pattern << unused) >> unused
                   : static_cast<std::int64_t>(pattern);
}

/// The products of these pairs of bit patterns.
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

/// All pairs where there is a table; otherwise corner values with each other, then random pairs.
std::vector<PatternPair> checked_pairs(OperandWidths widths, std::uint64_t seed) {
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
       uniform_operands(kCheckedPairs - pairs.size(), seed, widths, false))
    pairs.push_back({static_cast<std::uint32_t>(pair.a), static_cast<std::uint32_t>(pair.b)});
  return pairs;
}

std::vector<std::int16_t> read_lut_file(const std::filesystem::path& path, OperandWidths widths,
                                        bool is_signed) {
  const std::size_t rows = std::size_t{1} << widths.a;
  const std::size_t columns = std::size_t{1} << widths.b;
  std::vector<std::size_t> shape;
  std::vector<std::int16_t> lut;
  if (is_signed) {
    auto array = base::load_npy<std::int16_t>(path);
    shape = array.shape;
    lut = std::move(array.values);
  } else {
    const auto array = base::load_npy<std::uint16_t>(path);
    shape = array.shape;
    lut.assign(array.values.begin(), array.values.end());
  }
  if (shape != std::vector<std::size_t>{rows, columns}) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: expected a table of {} x {} products",
                                                         path.string(), rows, columns));
  }
  return lut;
}

/// Of everything in component.json but itself.
std::string self_sha256(Json json) {
  json.erase("self_sha256");
  return base::sha256_hex(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void write_json(Json json, const std::filesystem::path& directory) {
  json["files"] = Json::object();
  for (const std::string& name : listed_files(json)) {
    json["files"][name] = base::sha256_hex(base::read_file(directory / name));
  }
  json["self_sha256"] = self_sha256(json);
  base::write_file(directory / "component.json",
                   json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

/// Everything that the outcome depends on, as text.
std::string key_text(const MultiplierSource& source, const VerilogSources& sources,
                     const std::string& liberty_sha256, const CharacterizeOptions& options) {
  const std::string yosys = yosys_version();  // the first that is missed
  std::string text = fmt::format(
      "{}\n{}\n{}\n{}\n{}\nliberty {}\nname {}\nwidth {} signed {} seed {}\nports {} {} {}\n"
      "mapped {} latency {} clock {} prove {}\n",
      kSchema, yosys, opensta_version(), iverilog_version(), verilator_version(), liberty_sha256,
      source.name, source.widths.text(), static_cast<int>(source.signedness), options.seed,
      source.ports[0], source.ports[1], source.ports[2], source.mapped, source.latency,
      source.clock, options.prove_s);
  for (const auto& [name, value] : source.parameters) {
    text += fmt::format("parameter {} {}\n", name, value);
  }
  for (const HeldPort& held : source.held) {
    text += fmt::format("held {} {}\n", held.name, held.value);
  }
  for (const std::string& note : source.notes) text += fmt::format("note {}\n", note);
  return text + sources.key_text();
}

/// How the operands are read, and what says so.
struct SignednessFound {
  bool is_signed = true;
  std::string from;  ///< "ports", "option" or "data"
  std::string warning;
};

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

/// `signed` at the ports decides, else the option, else the reading with the lesser error.
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

/// Errors, and products where there is a table, over all operand pairs.
ExhaustiveRun simulate_all(const Netlist& netlist, const MultiplierSource& source,
                           const ExhaustiveOptions& options) {
  if (source.latency == 0) {
    return run_exhaustively(ProductSweep(netlist, source.ports, source.held), options);
  }
  const Pipeline pipeline(netlist, source);
  return run_exhaustively(
      pipeline.widths(), [&] { return std::make_unique<Pipeline::Pass>(pipeline, true); }, options);
}

/// The netlist's products with those of the source. Up to 8 bits all of them by Icarus, which knows
/// undefined bits; up to 12, or where Icarus does not take the source, all of them by Verilator;
/// beyond, or without Verilator, corner values and random pairs by Icarus. Results as
/// check_against_rtl() gives them. Throws Error(kInvalidArgument) where both call the same line
/// illegal.
Json compare_with_source(const MultiplierSource& source, const VerilogSources& sources,
                         const Netlist& netlist, OperandWidths widths,
                         const std::vector<std::uint32_t>& products, const std::string& cells,
                         const CharacterizeOptions& options) {
  const auto progress = [&](const std::string& simulator) {
    if (!options.progress) return;
    options.progress(fmt::format("{}: comparison with the source ({})", source.name, simulator));
  };
  const auto by_icarus = [&] {
    progress("Icarus Verilog");
    const std::vector<PatternPair> pairs = checked_pairs(widths, options.seed);
    return check_against_rtl(source, sources, widths, pairs,
                             has_table(widths) ? products : simulate_pairs(netlist, source, pairs),
                             cells, options.jobs);
  };
  const auto by_verilator = [&] {
    progress("Verilator");
    return check_all_against_rtl(source, sources, widths, products, cells, options.jobs);
  };
  if (widths.product() > kVerilatedBits) return by_icarus();
  const Json first = has_table(widths) ? by_icarus() : by_verilator();
  // What Icarus finds undefined, Verilator would give some value.
  if (first.at("result") != "not checked" || first.contains("undefined_bits")) return first;
  Json second = has_table(widths) ? by_verilator() : by_icarus();
  const std::string reason = first.at("reason").get<std::string>();
  if (second.at("result") == "not checked") {
    const std::string other = second.at("reason").get<std::string>();
    // `file:line` at the end of "... does not take the source: file:line: message"
    const auto line_of = [](const std::string& text) {
      const std::size_t at = text.find("does not take the source: ");
      if (at == std::string::npos) return std::string();
      const std::size_t begin = at + 26;
      const std::size_t colon = text.find(':', begin);
      return text.substr(begin, text.find(':', colon + 1) - begin);
    };
    if (!line_of(reason).empty() && line_of(reason) == line_of(other)) {
      throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: only Yosys takes this line; {}; {}",
                                                           line_of(reason), reason, other));
    }
    second["reason"] = fmt::format("{}; {}", reason, other);
  } else if (second.value("exhaustive", false) == false) {
    second["not_exhaustive_because"] = reason;
  }
  return second;
}

int proof_limit_s(const CharacterizeOptions& options, OperandWidths widths) {
  if (options.prove_s >= 0) return options.prove_s;
  return widths.product() > kVerilatedBits ? kProofSeconds : 0;
}

/// The ports as the source declares them; none of a mapped netlist, and of a source whose ports and
/// widths are known. Operands that are too wide are refused before anything that takes time; other
/// faults of ports are told from the netlist.
std::vector<ModulePort> declared_ports(const MultiplierSource& source,
                                       const VerilogSources& sources) {
  if (source.mapped || source.widths != 0) return {};
  // Cells of a library may be missing; the synthesis says so.
  std::vector<ModulePort> ports = module_ports(sources, source.parameters, false);
  std::vector<NetlistPort> declared;
  int widest = 0;
  for (const ModulePort& port : ports) {
    declared.push_back({port.name, port.is_input, std::vector<int>(port.width)});
    if (port.is_input) widest = std::max(widest, port.width);
  }
  if (widest > kWidestOperand) {
    find_ports(source.top, declared, source, source.files[0].string());
  }
  return ports;
}

/// Refuses operands that are too wide, and others than those that are needed, before the work.
void check_widths(const std::string& name, const OperandWidths& found,
                  const CharacterizeOptions& options) {
  if (found.widest() > kWidestOperand) {
    throw Error(ErrorKind::kUnimplemented,
                fmt::format("{}: operands of {} bits, expected 2..16", name, found.text()));
  }
  if (options.widths == 0 || found == 0 || found == options.widths) return;
  throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: operands of {} bits, expected {}", name,
                                                       found.text(), options.widths.text()));
}

/// The widths of two inputs, of which all else is made; 0 where others are there.
OperandWidths declared_widths(const std::vector<ModulePort>& ports) {
  std::vector<int> widths;
  for (const ModulePort& port : ports) {
    if (port.is_input) widths.push_back(port.width);
  }
  return widths.size() == 2 ? OperandWidths(widths[0], widths[1]) : OperandWidths(0);
}

/// @param simulated  what the netlist is compared with: `sources`, or with the user's own models of
///                   the cells of a netlist
/// @param declared   ports, as the source has them
void build_component(const MultiplierSource& source, const VerilogSources& sources,
                     const VerilogSources& simulated, const std::vector<ModulePort>& declared,
                     const LibertyFiles& liberty_files, const Liberty& library,
                     const std::string& key, const CharacterizeOptions& options,
                     const std::filesystem::path& directory) {
  const auto progress = [&](const std::string& step) {
    if (options.progress) options.progress(fmt::format("{}: {}", source.name, step));
  };
  const std::string where = source.files[0].string();

  progress(source.mapped ? "reading the netlist (Yosys)" : "synthesis (Yosys)");
  const SynthesisResult synthesis =
      source.mapped ? read_mapped_netlist(sources, liberty_files, directory)
                    : synthesize(sources, source.parameters, liberty_files, directory);
  const Netlist netlist = Netlist::read_json(synthesis.netlist_json, library, synthesis.top, where);
  MultiplierSource resolved = source;
  resolved.top = synthesis.top;
  resolved.clock = resolved_clock(netlist, source, where);
  const std::array<std::string, 3> ports =
      find_ports(netlist.name(), netlist.ports(), resolved, where);
  resolved.ports = ports;
  for (HeldPort& held : resolved.held) held.width = netlist.port(held.name).width();
  const OperandWidths widths = {netlist.port(ports[0]).width(), netlist.port(ports[1]).width()};
  if (source.widths != 0 && source.widths != widths) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: operands of {} bits, expected {}", where, widths.text(),
                            source.widths.text()));
  }

  if (resolved.latency > 0) Pipeline(netlist, resolved).check_latency(options.seed, where);
  const std::vector<PatternPair> pairs = checked_pairs(widths, options.seed);
  const auto is_declared_signed = [&declared](const std::string& name) {
    return std::any_of(declared.begin(), declared.end(), [&name](const ModulePort& port) {
      return port.name == name && port.is_signed;
    });
  };
  const bool signed_ports = is_declared_signed(ports[0]) && is_declared_signed(ports[1]);
  const SignednessFound signedness = find_signedness(
      source, signed_ports, widths, pairs, simulate_pairs(netlist, resolved, pairs), where);
  resolved.signedness = signedness.is_signed ? Signedness::kSigned : Signedness::kUnsigned;
  progress(fmt::format("simulation of all {} operand pairs", widths.pairs()));
  ExhaustiveOptions exhaustive;
  exhaustive.is_signed = signedness.is_signed;
  exhaustive.keep_products = widths.product() <= kVerilatedBits;
  exhaustive.jobs = options.jobs;
  exhaustive.progress = progress;
  const ExhaustiveRun run = simulate_all(netlist, resolved, exhaustive);
  if (run.errors.mae > source.largest_mae) {
    throw Error(
        ErrorKind::kInvalidArgument,
        fmt::format("{}: widths {} x {} -> {}, expected n x m -> n + m; taken for the "
                    "upper half of a product, it has a mean error of {:.6g}, expected at "
                    "most {:.6g}",
                    where, widths.a, widths.b, widths.a, run.errors.mae, source.largest_mae));
  }
  std::vector<std::int16_t> lut;
  for (std::size_t i = 0; has_table(widths) && i < run.products.size(); ++i) {
    const std::uint32_t pattern = run.products[i];
    lut.push_back(static_cast<std::int16_t>(product_value(pattern, widths, signedness.is_signed)));
  }
  Json factorisation;
  if (!lut.empty()) {
    const tables::ProductTable table = product_table(lut, widths, signedness.is_signed);
    base::write_file(directory / "lut.npy", tables::npy_bytes(table));
    factorisation = write_factors(table, directory);
  }

  // Cells that the source itself instantiates, for the simulators.
  std::set<std::string> names;
  for (const auto& [name, cell] : library.cells()) names.insert(name);
  const std::vector<std::string> instantiated = simulated.instantiated(names);
  std::set<std::string> supplies;
  for (const std::string& name : instantiated) {
    const std::vector<std::string>& pins = library.find_cell(name)->supply_pins;
    supplies.insert(pins.begin(), pins.end());
  }
  const bool connects_supplies =
      std::any_of(supplies.begin(), supplies.end(),
                  [&](const std::string& name) { return simulated.mentions(name); });
  const std::string cells =
      instantiated.empty() ? "" : verilog_cells(library, instantiated, connects_supplies);
  if (!cells.empty() && !source.mapped) {
    base::write_file(directory / "source" / kSourceCells, cells);
  }
  // Beside the comparison, whose compiler keeps one core busy.
  progress("timing (OpenSTA)");
  const double slew = library.fanout_of_four_slew_ns();
  std::future<double> timing = std::async(
      std::launch::async, [&] { return critical_path_ns(synthesis, slew, resolved.clock); });
  const Json rtl_check =
      compare_with_source(resolved, simulated, netlist, widths, run.products, cells, options);
  Json proof = {{"result", "not checked"}, {"reason", "not asked for"}};
  const int limit_s = proof_limit_s(options, widths);
  if (limit_s > 0) {
    progress(fmt::format("proof against the source (abc, at most {} s)", limit_s));
    proof = prove_against_rtl(resolved, simulated, netlist, cells, limit_s, directory);
  }

  const double delay = timing.get();

  Json json;
  json["schema"] = kSchema;
  json["cache_key"] = key;
  json["name"] = source.name;
  json["top"] = synthesis.top;
  json["parameters"] = Json::object();
  for (const auto& [name, value] : source.parameters) json["parameters"][name] = value;
  json["width_a"] = widths.a;
  json["width_b"] = widths.b;
  json["signed"] = signedness.is_signed;
  json["signed_from"] = signedness.from;
  json["warnings"] = source.notes;
  if (!signedness.warning.empty()) json["warnings"].push_back(signedness.warning);
  json["ports"] = {{"a", ports[0]}, {"b", ports[1]}, {"p", ports[2]}};
  json["mapped"] = source.mapped;
  json["latency"] = source.latency;
  json["clock"] = source.latency > 0 ? Json(resolved.clock) : Json();
  json["held"] = Json::object();
  for (const HeldPort& held : resolved.held) {
    json["held"][held.name] = {{"value", held.value}, {"width", held.width}};
  }
  json["sources"] = Json::array();
  const auto add_source = [&json](const std::string& file, const std::string& text) {
    json["sources"].push_back({{"file", file}, {"sha256", base::sha256_hex(text)}});
  };
  for (const VerilogSources::File& file : sources.files()) {
    add_source("source/" + file.name, file.text);
  }
  if (!cells.empty() && !source.mapped) add_source(std::string("source/") + kSourceCells, cells);
  json["memories"] = Json::object();
  for (const auto& [name, bytes] : sources.memories())
    json["memories"][name] = base::sha256_hex(bytes);
  std::string file_names;
  json["liberty_files"] = Json::array();
  for (const auto& [name, sha256] : library.files()) {
    file_names += (file_names.empty() ? "" : ", ") + name;
    json["liberty_files"].push_back({{"file", name}, {"sha256", sha256}});
  }
  json["liberty"] = file_names;
  json["liberty_library"] = library.name();
  json["liberty_sha256"] = library.sha256();
  json["lut_sha256"] = lut.empty() ? Json() : Json(base::sha256_hex(table_bytes(lut)));
  json["factorisation"] = factorisation;
  json["area_um2"] = synthesis.area_um2;
  json["delay_ns"] = delay;
  json["cells"] = netlist.cell_counts();
  json["errors"] = to_json(run.errors);
  json["rtl_check"] = rtl_check;
  json["proof"] = proof;
  json["activity"] = "uniform";
  json["assumptions"] = {
      {"activity", "65,536 transitions between independent uniform operand pairs (splitmix64)"},
      {"activity_seed", options.seed},
      {"input_slew_ns", slew},
      {"input_slew", "fan-out-of-four slew of the library's smallest inverter, at every pin"},
      {"supply_v", library.voltage_v()},
      {"load", "pin capacitances; no wires, no load on outputs"},
      {"energy_per_op_fj", "zero delay: no glitches"},
      {"glitches",
       source.latency > 0
           ? "not measured: registers"
           : "the first 4,096 transitions with delays: all operand bits change at once, and each "
             "pair settles before the next; energy_per_op_fj times the sample's energy_factor"},
      {"delay_model",
       "inertial; cell_rise and cell_fall of the arc by related_pin, timing_sense and when, at "
       "input_slew_ns and the net's load"},
      {"leakage_nw",
       "leakage_power by state, mean over the states of the activity; cell_leakage_power of cells "
       "and states without it"},
      {"leakage_without_states_nw", "cell_leakage_power"},
      {"delay_ns", source.latency > 0 ? "the shortest clock period, inputs and outputs included"
                                      : "the longest path from an operand to the product"},
  };
  json["tools"] = {{"yosys", yosys_version()},
                   {"opensta", opensta_version()},
                   {"icarus", iverilog_version()},
                   {"verilator", verilator_version()}};

  progress("energy (netlist activity, with and without delays)");
  Component component;
  component.name = source.name;
  component.directory = directory;
  component.source = resolved;
  component.widths = widths;
  component.is_signed = signedness.is_signed;
  component.json = json;
  EnergyMeter meter(component);
  json.update(energy_json(
      &meter, uniform_operands(kUniformOperations, options.seed, widths, signedness.is_signed)));
  json["leakage_without_states_nw"] = synthesis.leakage_nw;
  // The same without sampling, for independent uniform pairs: a net toggles with 2 p (1 - p).
  json["net_toggles_per_op_exact"] = nullptr;
  if (source.latency == 0) {
    double toggles = widths.product() * 0.5;  // of the operands themselves
    for (const double p : run.signal_probability) toggles += 2 * p * (1 - p);
    json["net_toggles_per_op_exact"] = toggles;
  }

  write_json(json, directory);
}

/// The errors of a table, and nothing that needs a netlist.
void build_table_component(const std::string& name, const std::filesystem::path& file,
                           const tables::LoadedTable& loaded, const tables::ProductTable& table,
                           bool sign_magnitude, const std::string& signed_from,
                           const std::string& key, const std::filesystem::path& directory) {
  const OperandWidths widths = {table.first().width, table.second().width};
  const bool is_signed = table.first().is_signed;
  const std::vector<std::int16_t> lut = lut_of(table);
  base::write_file(directory / "lut.npy", tables::npy_bytes(table));
  Json json;
  json["schema"] = kSchema;
  json["cache_key"] = key;
  json["name"] = name;
  json["width_a"] = widths.a;
  json["width_b"] = widths.b;
  json["signed"] = is_signed;
  json["imported"] = {{"file", file.filename().string()},
                      {"sha256", loaded.file_sha256},
                      {"format", loaded.format},
                      {"sign_magnitude", sign_magnitude},
                      {"warnings", loaded.warnings}};
  json["lut_sha256"] = tables::table_sha256(table);
  json["factorisation"] = write_factors(table, directory);
  for (const char* figure : {"area_um2", "delay_ns", "leakage_nw", "energy_per_op_fj", "activity",
                             "liberty", "liberty_sha256"}) {
    json[figure] = nullptr;
  }
  json["errors"] = to_json(measure_errors(lut, is_signed, widths));
  json["signed_from"] = signed_from;
  json["warnings"] = loaded.warnings;
  json["rtl_check"] = nullptr;  // no source
  write_json(json, directory);
}

/// The source and what was measured on the netlist, from component.json.
void load_netlist_part(Component* component) {
  const Json& json = component->json;
  MultiplierSource& source = component->source;
  source.name = component->name;
  source.top = json.at("top").get<std::string>();
  source.widths = component->widths;
  source.signedness = component->is_signed ? Signedness::kSigned : Signedness::kUnsigned;
  source.ports = {json.at("ports").at("a").get<std::string>(),
                  json.at("ports").at("b").get<std::string>(),
                  json.at("ports").at("p").get<std::string>()};
  for (const auto& [name, value] : json.at("parameters").items()) {
    source.parameters.emplace_back(name, value.get<long>());
  }
  for (const auto& [name, value] : json.at("held").items()) {
    source.held.push_back({name, value.at("value").get<long>(), value.at("width").get<int>()});
  }
  for (const Json& file : json.at("sources")) {
    const std::filesystem::path path = component->directory / file.at("file").get<std::string>();
    if (base::sha256_hex(base::read_file(path)) != file.at("sha256").get<std::string>()) {
      throw Error(ErrorKind::kDataLoss, fmt::format("{}: truncated or changed", path.string()));
    }
    source.files.push_back(path);
  }
  for (const auto& [name, sha256] : json.at("memories").items()) {
    if (base::sha256_hex(base::read_file(component->directory / name)) !=
        sha256.get<std::string>()) {
      throw Error(ErrorKind::kDataLoss,
                  fmt::format("{}: truncated or changed", (component->directory / name).string()));
    }
  }
  source.mapped = json.at("mapped").get<bool>();
  source.latency = json.at("latency").get<int>();
  if (source.latency > 0) source.clock = json.at("clock").get<std::string>();
  // A netlist's Verilog is the one that every simulator reads rightly, with the cells in it.
  if (source.mapped) {
    source.files = {component->directory / "netlist.v", component->directory / "cells.v"};
  }
  component->liberty = json.at("liberty").get<std::string>();
  component->liberty_sha256 = json.at("liberty_sha256").get<std::string>();
  component->area_um2 = json.at("area_um2").get<double>();
  component->delay_ns = json.at("delay_ns").get<double>();
  component->leakage_nw = json.at("leakage_nw").get<double>();
  component->energy_per_op_fj = json.at("energy_per_op_fj").get<double>();
  component->activity = json.at("activity").get<std::string>();
}

/// A component from the cache, or made by `build` in a directory of its own and put there.
Component cached_component(const std::string& name, const std::string& key,
                           const CharacterizeOptions& options,
                           const std::function<void(const std::filesystem::path&)>& build) {
  const std::filesystem::path cache =
      (options.cache_dir.empty() ? default_cache_dir() : options.cache_dir) / "components";
  const std::filesystem::path directory =
      cache / fmt::format("{}-{}", base::safe_file_name(name).substr(0, 60), key.substr(0, 16));
  if (!options.force && std::filesystem::exists(directory)) {
    try {
      Component kept = load_component(directory);
      // What could not be checked may be today: a limit was reached, a tool was missing.
      const Json& check = kept.json.at("rtl_check");
      if (check.is_null() || check.at("result") != "not checked") return kept;
    } catch (const Error& error) {
      if (options.progress) {
        options.progress(fmt::format("{}: cached component is damaged and is made again: {}", name,
                                     error.what()));
      }
    }
  }

  base::PrivateDirectory work(cache);
  build(work.path());
  load_component(work.path());  // what is put into the cache can be read back
  std::filesystem::permissions(
      work.path(), std::filesystem::perms::owner_all | std::filesystem::perms::group_read |
                       std::filesystem::perms::group_exec | std::filesystem::perms::others_read |
                       std::filesystem::perms::others_exec);
  std::error_code error;
  std::filesystem::rename(work.path(), directory, error);
  if (error) {
    // Something is there already: the same from another process, or an older or damaged one.
    try {
      if (base::read_file(directory / "component.json") ==
          base::read_file(work.path() / "component.json")) {
        return load_component(directory);
      }
    } catch (const Error&) {
      // Damaged: replaced below.
    }
    const base::PrivateDirectory old(cache);
    std::filesystem::rename(directory, old.path() / "old", error);
    std::filesystem::rename(work.path(), directory, error);
    if (error) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: cannot be made: {}", directory.string(), error.message()));
    }
  }
  work.release();
  return load_component(directory);
}

}  // namespace

Component load_component(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / "component.json";
  const auto fail = [&](const std::string& what) -> Error {
    return Error(ErrorKind::kInvalidArgument, fmt::format("{}: {}", path.string(), what));
  };
  Component component;
  component.directory = std::filesystem::absolute(directory);
  try {
    Json& json = component.json;
    json = Json::parse(base::read_file(path));
    const std::string schema = json.at("schema").get<std::string>();
    if (schema != kSchema) throw fail(fmt::format("schema {}, expected {}", schema, kSchema));
    component.content_sha256 = json.at("self_sha256").get<std::string>();
    if (component.content_sha256 != self_sha256(json)) {
      throw fail("truncated or changed: it is not what self_sha256 was taken of");
    }
    component.widths = widths_of(json);
    component.has_netlist = !json.contains("imported");
    for (const std::string& name : listed_files(json)) {
      const std::string found = base::sha256_hex(base::read_file(directory / name));
      const std::string expected = json.at("files").at(name).get<std::string>();
      if (found != expected) {
        throw Error(ErrorKind::kDataLoss,
                    fmt::format("{}: truncated or changed: SHA-256 is {}, expected {}",
                                (directory / name).string(), found, expected));
      }
    }
    component.name = json.at("name").get<std::string>();
    component.is_signed = json.at("signed").get<bool>();
    if (has_table(component.widths)) {
      component.lut_sha256 = json.at("lut_sha256").get<std::string>();
    }
    component.errors = error_metrics_from_json(json.at("errors"));
    if (component.has_netlist) {
      load_netlist_part(&component);
    } else {
      component.area_um2 = component.delay_ns = component.leakage_nw = component.energy_per_op_fj =
          std::numeric_limits<double>::quiet_NaN();
    }
  } catch (const Json::exception& error) {
    throw fail(fmt::format("truncated or not a component: {}", error.what()));
  }

  if (!has_table(component.widths)) return component;
  component.lut = read_lut_file(directory / "lut.npy", component.widths, component.is_signed);
  try {
    component.factorisation =
        read_factors(component.json.at("factorisation"), product_table(component), directory);
  } catch (const Json::exception& error) {
    throw fail(fmt::format("factorisation: {}", error.what()));
  }
  return component;
}

Component characterize(const MultiplierSource& given, const CharacterizeOptions& options) {
  MultiplierSource source = given;
  if (source.files.empty()) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: no Verilog file given", source.name));
  }
  const LibertyFiles liberty_files =
      options.liberty.empty() ? default_liberty() : options.liberty.absolute();
  const std::shared_ptr<const Liberty> library = Liberty::shared(liberty_files);
  std::set<std::string> models;  // of cells, beside a netlist: the library's own count
  if (source.mapped) {
    for (const auto& [name, cell] : library->cells()) models.insert(name);
  }
  const VerilogSources sources =
      VerilogSources::read(source.files, source.top, source.reading, models);
  source.top = sources.top();
  const VerilogSources simulated =
      source.mapped ? VerilogSources::read(source.files, source.top, source.reading) : sources;
  if (source.name.empty()) source.name = source.top;
  check_widths(source.name, source.widths, options);
  const std::string key = base::sha256_hex(key_text(source, sources, library->sha256(), options) +
                                           (source.mapped ? simulated.key_text() : ""));
  return cached_component(source.name, key, options, [&](const std::filesystem::path& directory) {
    const std::vector<ModulePort> declared = declared_ports(source, sources);
    check_widths(source.name, declared_widths(declared), options);
    const base::PrivateDirectory work(std::filesystem::temp_directory_path());
    const MultiplierSource fitted =
        source.mapped ? source : fitted_source(source, declared, work.path());
    if (fitted.top == source.top) {
      build_component(fitted, sources, simulated, declared, liberty_files, *library, key, options,
                      directory);
      return;
    }
    const VerilogSources shell = VerilogSources::read(fitted.files, fitted.top, fitted.reading);
    build_component(fitted, shell, shell, declared_ports(fitted, shell), liberty_files, *library,
                    key, options, directory);
  });
}

Component import_table(const std::filesystem::path& file, Signedness signedness,
                       bool sign_magnitude, const CharacterizeOptions& options) {
  // A file that does not say how its operands are read can be read both ways, or, where products
  // lie outside the range of one, in the other only.
  const auto attempt = [&file](bool is_unsigned) -> std::optional<tables::LoadedTable> {
    try {
      return tables::read_table(file, is_unsigned);
    } catch (const Error&) {
      return std::nullopt;
    }
  };
  const std::optional<tables::LoadedTable> as_unsigned = attempt(true);
  const std::optional<tables::LoadedTable> as_signed = attempt(false);
  const bool ambiguous = as_unsigned && as_signed && !as_unsigned->table.first().is_signed &&
                         as_signed->table.first().is_signed;
  const bool less_unsigned = ambiguous && as_unsigned->statistics.mae < as_signed->statistics.mae;
  tables::LoadedTable loaded =
      signedness == Signedness::kUnsigned || less_unsigned || (!as_signed && as_unsigned)
          ? tables::read_table(file, signedness != Signedness::kSigned)
          : tables::read_table(file, false);
  const bool is_signed = loaded.table.first().is_signed;
  const std::string signed_from = ambiguous && signedness != Signedness::kFind ? "option" : "data";
  if (signed_from == "option") {
    const double mae = loaded.statistics.mae;
    const double other = (is_signed ? as_unsigned : as_signed)->statistics.mae;
    if (other < mae / 2) {
      loaded.warnings.push_back(fmt::format(
          "{}: read as {}, as the option says, the products have a mean error of {:.6g}, as {} "
          "one of {:.6g}",
          file.string(), is_signed ? "signed" : "unsigned", mae, is_signed ? "unsigned" : "signed",
          other));
    }
  }
  const tables::ProductTable table =
      sign_magnitude ? tables::sign_magnitude(loaded.table, file.string()) : loaded.table;
  const std::string name = file.stem().string();
  std::string warnings;
  for (const std::string& warning : loaded.warnings) warnings += warning + "\n";
  const std::string key = base::sha256_hex(
      fmt::format("{}\ntable {} {} {}\nname {}\nsigned {} from {} sign-magnitude {}\n{}", kSchema,
                  loaded.file_sha256, loaded.format, file.filename().string(), name,
                  table.first().is_signed, signed_from, sign_magnitude, warnings));
  return cached_component(name, key, options, [&](const std::filesystem::path& directory) {
    build_table_component(name, file, loaded, table, sign_magnitude, signed_from, key, directory);
  });
}

bool is_table_file(const std::filesystem::path& file) { return tables::is_table_file(file); }

void need_check(const Component& component, bool allow_unchecked) {
  const Json& check = component.json.at("rtl_check");
  if (check.is_null()) return;  // a table
  const Json proof = component.json.value("proof", Json::object());
  const bool disproved = proof.value("result", "") == "different";
  const std::string result = check.at("result").get<std::string>();
  if (result == "different" || disproved) {
    const Json& by = disproved ? proof : check;
    throw Error(ErrorKind::kMismatch,
                fmt::format("{}: the netlist differs from the source: {}", component.name,
                            by.at("reason").get<std::string>()));
  }
  if (result == "equal" || allow_unchecked) return;
  throw Error(ErrorKind::kMismatch,
              fmt::format("{}: the netlist was not compared with the source: {} (--allow-unchecked "
                          "takes it as it is)",
                          component.name, check.at("reason").get<std::string>()));
}

void need_netlist(const Component& component, const std::string& what) {
  if (component.has_netlist) return;
  throw Error(ErrorKind::kInvalidArgument,
              fmt::format("{}: no {}: the component was imported from a table and has no netlist; "
                          "expected one made from Verilog",
                          component.name, what));
}

LibertyFiles default_liberty() {
  const char* variable = std::getenv("LUTRA_LIBERTY");
  const std::string chosen = variable == nullptr ? "" : variable;
  std::vector<std::filesystem::path> paths;
  if (chosen.empty()) {
    paths.emplace_back("/usr/share/qflow/tech/osu018/osu018_stdcells.lib");
  } else if (std::filesystem::exists(chosen)) {
    paths.emplace_back(chosen);  // also with a colon in its name
  } else {
    std::istringstream parts(chosen);
    for (std::string part; std::getline(parts, part, ':');) {
      if (!part.empty()) paths.emplace_back(part);
    }
  }
  for (const std::filesystem::path& path : paths) {
    if (std::filesystem::exists(path)) continue;
    throw Error(ErrorKind::kUnavailable,
                fmt::format("{}: no such Liberty file{}", path.string(),
                            chosen.empty() ? ", expected from the package qflow-tech-osu018"
                                           : ", named by LUTRA_LIBERTY"));
  }
  if (paths.empty()) {
    throw Error(
        ErrorKind::kUnavailable,
        fmt::format("LUTRA_LIBERTY = \"{}\", expected Liberty files with : between them", chosen));
  }
  return paths;
}

std::filesystem::path default_cache_dir() {
  const auto variable = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  if (const std::string cache = variable("LUTRA_CACHE"); !cache.empty()) return cache;
  if (const std::string cache = variable("XDG_CACHE_HOME"); !cache.empty()) {
    return std::filesystem::path(cache) / "lutra";
  }
  if (const std::string home = variable("HOME"); !home.empty()) {
    return std::filesystem::path(home) / ".cache" / "lutra";
  }
  throw Error(ErrorKind::kInvalidArgument,
              "no cache directory: expected LUTRA_CACHE, XDG_CACHE_HOME or HOME");
}

}  // namespace lutra::synth
