#include "lutra/component/library.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <set>
#include <sstream>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/netlist/netlist.h"
#include "lutra/synthesis/synthesis.h"
#include "lutra/synthesis/verilog_sources.h"

#ifndef LUTRA_RTL_DIRECTORY
#error "LUTRA_RTL_DIRECTORY names the folder rtl; the build sets it"
#endif

namespace lutra::synth {
namespace {

using Limit = FamilyParameter::Limit;

std::function<long(int)> by_default(long value) {
  return [value](int) { return value; };
}

Limit fixed(long value) {
  return [value](int, const ParameterValues&) { return value; };
}

/// factor * width + offset
Limit of_width(int factor, long offset) {
  return [factor, offset](int width, const ParameterValues&) { return factor * width + offset; };
}

long half_rounded_up(int width) { return (width + 1) / 2; }

[[noreturn]] void fail(const std::string& spec, const std::string& what) {
  throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: {}", spec, what));
}

long parse_integer(const std::string& spec, const std::string& name, const std::string& text) {
  char* end = nullptr;
  errno = 0;
  const long value = std::strtol(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || errno != 0) {
    fail(spec, fmt::format("{} = \"{}\", expected an integer", name, text));
  }
  return value;
}

std::string family_names() {
  std::string names;
  for (const MultiplierFamily& family : multiplier_families()) {
    names += (names.empty() ? "" : ", ") + family.name;
  }
  return names;
}

}  // namespace

const std::vector<MultiplierFamily>& multiplier_families() {
  static const std::vector<MultiplierFamily> kFamilies = {
      {"exact",
       "mul_exact",
       "exact product",
       "the reference; layers that tolerate no error",
       "",
       {"mul_exact.sv"},
       {},
       2,
       32},
      {"dadda",
       "mul_dadda",
       "exact product, columns reduced by a Dadda tree",
       "exact products at the least depth of adders",
       "L. Dadda, Alta Frequenza, 1965",
       {"mul_dadda.sv", "column_tree.sv"},
       {},
       2,
       16},
      {"booth",
       "mul_booth",
       "exact product, radix-4 Booth recoding",
       "exact signed products; what broken_booth is held against",
       "A. D. Booth, 1951; O. L. MacSorley, Proc. IRE, 1961",
       {"mul_booth.sv", "booth_row.sv"},
       {},
       4,
       16,
       true},
      {"trunc",
       "mul_trunc",
       "low bits of both operands dropped",
       "the cheapest cut; biased, so it needs short sums or a corrected bias",
       "least significant part truncation, as compared with in Hashemi et al., ICCAD 2015",
       {"mul_trunc.sv", "mul_exact.sv"},
       {{"trunc_bits", "TruncBits", by_default(2), fixed(1), of_width(1, -1)}},
       2,
       32},
      {"perforation",
       "mul_perforation",
       "successive rows of partial products left out",
       "a cut of one operand; small weights lose most, so it suits large second operands",
       "G. Zervakis et al., IEEE TVLSI, 2016",
       {"mul_perforation.sv", "mul_sign_magnitude.sv"},
       {{"first", "First", by_default(0), fixed(0), of_width(1, -1)},
        {"rows", "Rows", by_default(2), fixed(1),
         [](int width, const ParameterValues& preceding) { return width - preceding[0].second; },
         "first"}},
       2,
       16},
      {"bam",
       "mul_bam",
       "broken array: rows above hbl and columns right of vbl left out",
       "fine-grained choice of area against error; products shrink, so sums are biased",
       "H. R. Mahdiani et al., IEEE TCAS-I, 2010",
       {"mul_bam.sv", "mul_sign_magnitude.sv"},
       {{"hbl", "Hbl", by_default(0), fixed(0), of_width(1, -1)},
        {"vbl", "Vbl", by_default(6), fixed(0), of_width(2, -2)}},
       2,
       32},
      {"broken_booth",
       "mul_broken_booth",
       "Booth rows without the columns right of vbl",
       "signed operands without a sign-magnitude shell; type 1 is smaller, type 0 closer",
       "F. Farshchi et al., CADS, 2013",
       {"mul_broken_booth.sv", "booth_row.sv"},
       {{"vbl", "Vbl", by_default(6), fixed(0), of_width(2, -2)},
        {"type", "Type", by_default(0), fixed(0), fixed(1)}},
       4,
       16,
       true},
      {"loa",
       "mul_loa",
       "rows added by lower-part-OR adders",
       "errors in the low columns only; small products suffer most",
       "H. R. Mahdiani et al., IEEE TCAS-I, 2010",
       {"mul_loa.sv", "mul_sign_magnitude.sv"},
       {{"or_bits", "OrBits", by_default(6), fixed(1), of_width(2, -2)}},
       2,
       16},
      {"udm",
       "mul_udm",
       "2x2 blocks that give 7 for 3 * 3",
       "rare errors, all of one sign; sums drift downwards",
       "P. Kulkarni et al., VLSI Design, 2011",
       {"mul_udm.sv", "mul_sign_magnitude.sv"},
       {},
       2,
       16,
       true},
      {"drum",
       "mul_drum",
       "dynamic range unbiased: a short segment below each leading one",
       "long sums: relative error is bounded and its mean is near zero",
       "S. Hashemi, R. I. Bahar, S. Reda, ICCAD 2015",
       {"mul_drum.sv", "mul_sign_magnitude.sv"},
       {{"kept_bits", "KeptBits", by_default(4), fixed(3), of_width(1, -1)}},
       4,
       32},
      {"ssm",
       "mul_ssm",
       "static segments: of each operand the upper or the lower bits",
       "the smallest area of the segment multipliers; cut off, so biased",
       "S. Narayanamoorthy et al., IEEE TVLSI, 2015",
       {"mul_ssm.sv", "mul_sign_magnitude.sv"},
       {{"segment_bits", "SegmentBits", half_rounded_up,
         [](int width, const ParameterValues&) { return half_rounded_up(width); }, of_width(1, -1)},
        {"enhanced", "Enhanced", by_default(0), fixed(0),
         [](int width, const ParameterValues& preceding) {
           return (width - preceding[0].second) % 2 == 0 ? 1L : 0L;
         },
         "segment_bits"}},
       4,
       16},
      {"mitchell",
       "mul_mitchell",
       "logarithms added, the fractions linear",
       "small area at large widths; products are always too small",
       "J. N. Mitchell, IRE Trans. EC, 1962",
       {"mul_mitchell.sv", "normaliser.sv", "mul_sign_magnitude.sv"},
       {},
       4,
       16},
      {"ilm",
       "mul_ilm",
       "logarithmic, with corrections from the rests of the operands",
       "accuracy by corrections; one costs as much as the basic block",
       "Z. Babic et al., Microprocessors and Microsystems, 2011",
       {"mul_ilm.sv", "normaliser.sv", "leading_one.sv", "mul_sign_magnitude.sv"},
       {{"corrections", "Corrections", by_default(0), fixed(0), fixed(2)}},
       4,
       16},
      {"mbm",
       "mul_mbm",
       "Mitchell plus a constant that takes out its mean error",
       "long sums at the cost of a logarithmic multiplier",
       "H. Saadat et al., IEEE TCAD, 2018",
       {"mul_mbm.sv", "normaliser.sv", "mul_sign_magnitude.sv"},
       {},
       4,
       16},
      {"roba",
       "mul_roba",
       "operands rounded to powers of two",
       "small relative errors of both signs",
       "R. Zendegani et al., IEEE TVLSI, 2017",
       {"mul_roba.sv", "normaliser.sv", "mul_sign_magnitude.sv"},
       {},
       4,
       16},
      {"tosam",
       "mul_tosam",
       "logarithmic, with a short product of the fractions",
       "accuracy by h and t at little area; relative error is bounded",
       "S. Vahdat et al., IEEE TVLSI, 2019",
       {"mul_tosam.sv", "normaliser.sv", "mul_sign_magnitude.sv"},
       {{"h", "H", by_default(2), fixed(0), of_width(1, -2)},
        {"t", "T", [](int width) { return std::min(5L, width - 1L); },
         [](int, const ParameterValues& preceding) { return preceding[0].second + 1; },
         of_width(1, -1), "h"}},
       4,
       16},
      {"compressor",
       "mul_compressor",
       "columns reduced by approximate 4:2 compressors",
       "short trees; kind 1 is wrong at 0 * 0, so it needs dense operands",
       "A. Momeni et al., IEEE TC, 2015; S. Venkatachalam, S.-B. Ko, IEEE TVLSI, 2017",
       {"mul_compressor.sv", "column_tree.sv", "mul_sign_magnitude.sv"},
       {{"kind", "Kind", by_default(1), fixed(1), fixed(2)},
        {"columns", "Columns", [](int width) { return static_cast<long>(width); }, fixed(0),
         of_width(2, -1)}},
       4,
       16},
      {"ptm",
       "mul_ptm",
       "low columns forced to zero by a port, the whole array in place",
       "one circuit for several accuracies; it saves energy, not area",
       "M. de la Guia Solaz et al., IEEE TCAS-I, 2012",
       {"mul_ptm.sv", "mul_sign_magnitude.sv"},
       {{"columns", "truncate_i", by_default(6), fixed(0), of_width(2, -2), "", true}},
       4,
       16},
  };
  return kFamilies;
}

ParameterValues MultiplierFamily::defaults(int width) const {
  ParameterValues values;
  for (const FamilyParameter& parameter : parameters) {
    values.emplace_back(parameter.name, parameter.default_value(width));
  }
  return values;
}

std::string MultiplierSpec::canonical() const {
  std::string text = family->name;
  char separator = ':';
  const auto add = [&](const std::string& name, long value) {
    text += fmt::format("{}{}={}", separator, name, value);
    separator = ',';
  };
  for (const auto& [name, value] : parameters) add(name, value);
  if (width != 8) add("width", width);
  if (!is_signed) add("signed", 0);
  return text;
}

MultiplierSpec parse_multiplier_spec(const std::string& spec) {
  const std::size_t colon = spec.find(':');
  const std::string name = spec.substr(0, colon);
  MultiplierSpec parsed;
  for (const MultiplierFamily& family : multiplier_families()) {
    if (family.name == name) parsed.family = &family;
  }
  if (parsed.family == nullptr) {
    fail(spec, fmt::format("no multiplier \"{}\" in the library, expected one of: {}", name,
                           family_names()));
  }
  const MultiplierFamily& family = *parsed.family;
  std::string known;
  for (const FamilyParameter& parameter : family.parameters) known += parameter.name + ", ";
  known += "width, signed";

  std::map<std::string, long> given;  // the family's own
  std::set<std::string> seen;
  if (colon != std::string::npos) {
    std::istringstream items(spec.substr(colon + 1));
    std::string item;
    bool any = false;
    while (std::getline(items, item, ',')) {
      any = true;
      const std::size_t equals = item.find('=');
      if (equals == std::string::npos) {
        fail(spec, fmt::format("\"{}\", expected name=value", item));
      }
      const std::string key = item.substr(0, equals);
      const long value = parse_integer(spec, key, item.substr(equals + 1));
      if (!seen.insert(key).second) fail(spec, fmt::format("{} is given twice", key));
      bool found = true;
      if (key == "width") {
        if (value < family.minimum_width || value > family.maximum_width) {
          fail(spec, fmt::format("width = {}, expected {}..{}", value, family.minimum_width,
                                 family.maximum_width));
        }
        if (family.even_width_only && value % 2 != 0) {
          fail(spec, fmt::format("width = {}, expected an even width in {}..{}", value,
                                 family.minimum_width, family.maximum_width));
        }
        parsed.width = static_cast<int>(value);
      } else if (key == "signed") {
        if (value != 0 && value != 1) fail(spec, fmt::format("signed = {}, expected 0..1", value));
        parsed.is_signed = value == 1;
      } else {
        found = false;
        for (const FamilyParameter& parameter : family.parameters) found |= parameter.name == key;
        given[key] = value;
      }
      if (!found) {
        fail(spec, fmt::format("no parameter \"{}\", expected one of: {}", key, known));
      }
    }
    if (!any || spec.back() == ',') {
      fail(spec, "a parameter is missing at the end, expected name=value");
    }
  }
  for (const FamilyParameter& parameter : family.parameters) {
    const auto chosen = given.find(parameter.name);
    const long value =
        chosen == given.end() ? parameter.default_value(parsed.width) : chosen->second;
    const long low = parameter.minimum(parsed.width, parsed.parameters);
    const long high = parameter.maximum(parsed.width, parsed.parameters);
    if (value < low || value > high) {
      std::string where = fmt::format("width {}", parsed.width);
      for (const auto& [preceding, preceding_value] : parsed.parameters) {
        if (preceding != parameter.depends_on) continue;
        where += fmt::format(", {} = {}", preceding, preceding_value);
      }
      fail(spec,
           fmt::format("{} = {}, expected {}..{} for {}", parameter.name, value, low, high, where));
    }
    parsed.parameters.emplace_back(parameter.name, value);
  }
  return parsed;
}

std::vector<std::string> expand_pattern(const std::string& pattern) {
  std::vector<std::string> specs;
  if (pattern == "all") {
    for (const MultiplierFamily& family : multiplier_families()) {
      for (std::string& spec : expand_pattern(family.name)) specs.push_back(std::move(spec));
    }
    return specs;
  }
  const std::size_t colon = pattern.find(':');
  const MultiplierFamily& family = *parse_multiplier_spec(pattern.substr(0, colon)).family;
  std::map<std::string, std::pair<long, long>> ranges = {{"width", {8, 8}}, {"signed", {1, 1}}};
  std::istringstream items(colon == std::string::npos ? "" : pattern.substr(colon + 1));
  for (std::string item; std::getline(items, item, ',');) {
    const std::size_t equals = item.find('=');
    if (equals == std::string::npos) {
      fail(pattern, fmt::format("\"{}\", expected name=value or name=first..last", item));
    }
    const std::string name = item.substr(0, equals);
    const std::string text = item.substr(equals + 1);
    const std::size_t dots = text.find("..");
    const long first = parse_integer(pattern, name, text.substr(0, dots));
    const long last =
        dots == std::string::npos ? first : parse_integer(pattern, name, text.substr(dots + 2));
    bool known = name == "width" || name == "signed";
    for (const FamilyParameter& parameter : family.parameters) known |= parameter.name == name;
    // The message of a wrong name is the specification's.
    if (!known) parse_multiplier_spec(fmt::format("{}:{}={}", family.name, name, first));
    if (last < first) fail(pattern, fmt::format("{} = {}: the range is empty", name, text));
    ranges[name] = {first, last};
  }
  const auto [first_width, last_width] = ranges.at("width");
  const auto [first_sign, last_sign] = ranges.at("signed");
  // Literals outside a family's limits are errors; so are ranges that hold nothing legal.
  for (const long end : {first_width, last_width}) {
    parse_multiplier_spec(fmt::format("{}:width={}", family.name, end));
  }
  for (const long end : {first_sign, last_sign}) {
    parse_multiplier_spec(fmt::format("{}:signed={}", family.name, end));
  }
  for (long width = first_width; width <= last_width; ++width) {
    if (family.even_width_only && width % 2 != 0) continue;
    for (long sign = first_sign; sign <= last_sign; ++sign) {
      MultiplierSpec spec;
      spec.family = &family;
      spec.width = static_cast<int>(width);
      spec.is_signed = sign == 1;
      const std::function<void(std::size_t)> choose = [&](std::size_t index) {
        if (index == family.parameters.size()) {
          specs.push_back(spec.canonical());
          return;
        }
        const FamilyParameter& parameter = family.parameters[index];
        long low = parameter.minimum(spec.width, spec.parameters);
        long high = parameter.maximum(spec.width, spec.parameters);
        if (const auto given = ranges.find(parameter.name); given != ranges.end()) {
          low = std::max(low, given->second.first);
          high = std::min(high, given->second.second);
        }
        for (long value = low; value <= high; ++value) {
          spec.parameters.emplace_back(parameter.name, value);
          choose(index + 1);
          spec.parameters.pop_back();
        }
      };
      choose(0);
    }
  }
  if (specs.empty()) fail(pattern, "nothing legal in these ranges; see `lutra multipliers`");
  return specs;
}

std::vector<std::string> exact_designs() {
  return {"exact",
          "dadda",
          "booth",
          "exact:signed=0",
          "dadda:signed=0",
          "booth:signed=0",
          "bam:hbl=0,vbl=0",
          "broken_booth:vbl=0,type=0",
          "compressor:kind=1,columns=0"};
}

MultiplierSource library_source(const std::string& spec) {
  const MultiplierSpec parsed = parse_multiplier_spec(spec);
  const MultiplierFamily& family = *parsed.family;
  MultiplierSource source;
  source.name = parsed.canonical();
  source.top = family.top;
  source.widths = parsed.width;
  source.signedness = parsed.is_signed ? Signedness::kSigned : Signedness::kUnsigned;
  source.ports = {"a_i", "b_i", "p_o"};
  const std::filesystem::path directory = rtl_directory() / "multipliers";
  for (const std::string& file : family.rtl_files) source.files.push_back(directory / file);
  source.parameters = {{"Width", parsed.width}, {"Signed", parsed.is_signed ? 1 : 0}};
  for (std::size_t i = 0; i < family.parameters.size(); ++i) {
    const FamilyParameter& parameter = family.parameters[i];
    const long value = parsed.parameters[i].second;
    if (parameter.is_port) {
      source.held.push_back({parameter.rtl_name, value});
    } else {
      source.parameters.emplace_back(parameter.rtl_name, value);
    }
  }
  return source;
}

MultiplierSource verilog_source(const std::vector<std::filesystem::path>& files,
                                const std::string& top, Signedness signedness) {
  if (files.empty())
    throw Error(ErrorKind::kInvalidArgument, "no Verilog file given, expected at least one");
  MultiplierSource source;
  for (const std::filesystem::path& file : files) {
    source.files.push_back(std::filesystem::absolute(file));
  }
  source.top = top;
  source.signedness = signedness;
  return source;
}

MultiplierSource fitted_source(const MultiplierSource& core, const std::vector<ModulePort>& ports,
                               const std::filesystem::path& work_dir) {
  std::vector<const ModulePort*> operands;
  std::vector<const ModulePort*> outputs;
  std::string further, connections;
  const bool named = !core.ports[0].empty();
  for (const ModulePort& port : ports) {
    const auto is_port = [&](int i) { return named && core.ports[i] == port.name; };
    const bool held = std::any_of(core.held.begin(), core.held.end(),
                                  [&](const HeldPort& h) { return h.name == port.name; });
    const bool clock = core.latency > 0 && port.width == 1 && port.is_input && !is_port(0) &&
                       !is_port(1) && (core.clock.empty() || core.clock == port.name);
    if (held || clock) {
      further += fmt::format("  input [{}:0] {},\n", port.width - 1, verilog_name(port.name));
      connections += fmt::format(", .{0}({0})", verilog_name(port.name));
    } else if (port.is_input) {
      if (!named || is_port(0) || is_port(1)) operands.push_back(&port);
    } else if (!named || is_port(2)) {
      outputs.push_back(&port);
    }
  }
  if (operands.size() != 2 || outputs.empty()) return core;
  if (named && operands[0]->name != core.ports[0]) std::swap(operands[0], operands[1]);
  const OperandWidths widths = {operands[0]->width, operands[1]->width};
  const int bits = widths.product();
  MultiplierSource source = core;
  const ModulePort* product = outputs[0];
  if (outputs.size() > 1) {
    const auto only = [&outputs](const auto& fits) -> const ModulePort* {
      return std::count_if(outputs.begin(), outputs.end(), fits) == 1
                 ? *std::find_if(outputs.begin(), outputs.end(), fits)
                 : nullptr;
    };
    product = only([bits](const ModulePort* port) { return port->width == bits; });
    if (product == nullptr) {
      product = only([bits](const ModulePort* port) { return port->width > bits; });
    }
    if (product == nullptr) return core;
    std::string others;
    for (const ModulePort* port : outputs) {
      if (port != product) others += (others.empty() ? "" : ", ") + port->name;
    }
    source.ports = {operands[0]->name, operands[1]->name, product->name};
    source.notes.push_back(
        fmt::format("{}: the product is {}; left alone: {}", core.top, product->name, others));
  }
  const int width = product->width;
  if (width == bits) return source;
  const bool is_half = widths.equal() && width == widths.a;
  if ((width < bits && !is_half) || width > 32 || std::min(widths.a, widths.b) < 2 ||
      widths.widest() > 16) {
    return core;
  }
  const bool is_signed =
      core.signedness == Signedness::kSigned || (operands[0]->is_signed && operands[1]->is_signed);
  std::string result;
  if (is_half) {
    source.notes.push_back(
        fmt::format("{}: its product of {} bits is taken for bits {} to {} of {}", core.top, width,
                    bits - width, bits - 1, bits));
    source.largest_mae = std::ldexp(8.0, bits - width);  // some units of its last place
    result = fmt::format("  assign p_o = {{core_p, {}'d0}};\n", bits - width);
  } else {
    source.notes.push_back(
        fmt::format("{}: bits {} to {} of its product are left out: they are those of its {}",
                    core.top, bits, width - 1, is_signed ? "sign" : "magnitude, and 0"));
    const std::string rest = is_signed ? fmt::format("core_p[{}]", bits - 1) : "1'b0";
    result = fmt::format(
        "`ifdef YOSYS\n"
        "  assign p_o = core_p[{0}:0];\n"
        "`else  // wrong where what is left out says something\n"
        "  assign p_o = core_p[{1}:{2}] === {{{3}{{{4}}}}} ? core_p[{0}:0] : ~core_p[{0}:0];\n"
        "`endif\n",
        bits - 1, width - 1, bits, width - bits, rest);
  }
  std::string parameters;
  for (const auto& [name, value] : core.parameters) {
    check_identifier(name, core.top + ": parameter name");
    parameters += fmt::format("{}.{}({})", parameters.empty() ? "" : ", ", name, value);
  }
  if (!parameters.empty()) parameters = fmt::format("#({}) ", parameters);
  const std::string sign = is_signed ? "signed " : "";
  source.top = "lutra_fitted_" + core.top;
  source.parameters.clear();
  source.ports = {"a_i", "b_i", "p_o"};
  const std::filesystem::path shell = work_dir / (source.top + ".v");
  std::filesystem::create_directories(work_dir);
  base::write_file(
      shell,
      fmt::format("module {0} (\n{1}  input {2}[{3}:0] a_i,\n  input {2}[{13}:0] b_i,\n"
                  "  output {2}[{4}:0] p_o\n);\n  wire [{5}:0] core_p;\n"
                  "  {6} {7}u_core (.{8}(a_i), .{9}(b_i), .{10}(core_p){11});\n{12}"
                  "endmodule\n",
                  source.top, further, sign, widths.a - 1, bits - 1, width - 1, core.top,
                  parameters, verilog_name(operands[0]->name), verilog_name(operands[1]->name),
                  verilog_name(product->name), connections, result, widths.b - 1));
  source.files.push_back(shell);
  if (source.name.empty()) source.name = core.top;
  return source;
}

MultiplierSource sign_magnitude_source(const MultiplierSource& given,
                                       const std::filesystem::path& work_dir) {
  MultiplierSource core = given;
  if (core.latency > 0 || core.mapped) {
    throw Error(ErrorKind::kUnimplemented,
                fmt::format("{}: the sign-magnitude shell goes around combinational Verilog, found "
                            "{}",
                            core.name.empty() ? core.files.at(0).string() : core.name,
                            core.mapped ? "a mapped netlist" : "a multiplier with latency"));
  }
  const VerilogSources sources = VerilogSources::read(core.files, core.top, core.reading);
  core.top = sources.top();
  core.signedness = Signedness::kUnsigned;
  std::vector<ModulePort> ports = module_ports(sources, core.parameters);
  core = fitted_source(core, ports, work_dir);
  if (core.top != sources.top()) {
    ports = module_ports(VerilogSources::read(core.files, core.top, core.reading), {});
  }
  const std::string top = core.top;
  std::array<std::string, 3>& names = core.ports;
  std::vector<ModulePort> inputs;
  std::vector<ModulePort> outputs;
  for (const ModulePort& port : ports) {
    if (names[0].empty() || port.is_input || port.name == names[2]) {
      (port.is_input ? inputs : outputs).push_back(port);
    }
  }
  std::string found = fmt::format("{} inputs and {} outputs", inputs.size(), outputs.size());
  if (inputs.size() == 2 && outputs.size() == 1) {
    found = fmt::format("widths {} x {} -> {}", inputs[0].width, inputs[1].width, outputs[0].width);
  }
  if (inputs.size() != 2 || outputs.size() != 1 || inputs[0].width != inputs[1].width ||
      outputs[0].width != 2 * inputs[0].width) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: module {}: {}, expected two inputs of one width and one output of "
                            "twice that width for the sign-magnitude shell",
                            sources.first_file(), top, found));
  }
  if (names[0].empty()) names = {inputs[0].name, inputs[1].name, outputs[0].name};

  std::string parameters;
  for (const auto& [name, value] : core.parameters) {
    check_identifier(name, top + ": parameter name");
    parameters += fmt::format("{}.{}({})", parameters.empty() ? "" : ", ", name, value);
  }
  if (!parameters.empty()) parameters = fmt::format("#({}) ", parameters);
  const int width = inputs[0].width;
  // Named after the core: shells of several cores may meet in one accelerator.
  const std::string shell_top = "lutra_signed_" + top;
  const std::string text = fmt::format(
      "// A signed multiplier: mul_sign_magnitude around the unsigned core {0}.\n"
      "module {8} (\n"
      "  input  [{1}:0] a_i,\n"
      "  input  [{1}:0] b_i,\n"
      "  output [{2}:0] p_o\n"
      ");\n"
      "  wire [{1}:0] core_a;\n"
      "  wire [{1}:0] core_b;\n"
      "  wire [{2}:0] core_p;\n"
      "  mul_sign_magnitude #(.Width({3})) u_sign_magnitude (\n"
      "    .a_i(a_i), .b_i(b_i), .p_o(p_o),\n"
      "    .core_a_o(core_a), .core_b_o(core_b), .core_p_i(core_p)\n"
      "  );\n"
      "  {0} {4}u_core (.{5}(core_a), .{6}(core_b), .{7}(core_p));\n"
      "endmodule\n",
      top, width - 1, 2 * width - 1, width, parameters, verilog_name(names[0]),
      verilog_name(names[1]), verilog_name(names[2]), shell_top);
  std::filesystem::create_directories(work_dir);
  const std::filesystem::path shell = work_dir / (shell_top + ".v");
  base::write_file(shell, text);

  MultiplierSource source;
  source.name = (core.name.empty() ? top : core.name) + "+sign_magnitude";
  source.notes = core.notes;
  source.largest_mae = core.largest_mae;
  source.reading = core.reading;
  source.files = core.files;
  const std::filesystem::path rtl = rtl_directory() / "multipliers" / "mul_sign_magnitude.sv";
  bool present = false;
  for (const std::filesystem::path& file : core.files) {
    present |= file.filename() == rtl.filename();
  }
  if (!present) source.files.push_back(rtl);
  source.files.push_back(shell);
  source.top = shell_top;
  source.widths = width;
  source.signedness = Signedness::kSigned;
  source.ports = {"a_i", "b_i", "p_o"};
  return source;
}

std::filesystem::path rtl_directory() {
  const char* chosen = std::getenv("LUTRA_RTL");
  if (chosen != nullptr && *chosen != '\0') return chosen;
  return base::own_path("share/lutra/rtl", LUTRA_RTL_DIRECTORY);
}

}  // namespace lutra::synth
