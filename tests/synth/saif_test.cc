// SAIF files: read by a reader of the grammar that checks every token, recounted by hand and by
// Icarus Verilog, and their energy by the Liberty file and by OpenSTA. No program of Debian 12
// that we looked at reads SAIF: docs/guide/commands.md.

#include "lutra/component/saif.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "lutra/component/component.h"
#include "lutra/component/energy_meter.h"
#include "lutra/component/library.h"
#include "lutra/netlist/liberty.h"
#include "lutra/system/tool.h"
#include "test_files.h"

namespace lutra::synth {
namespace {

using test::cell;
using test::expect_error;
using test::file_bytes;
using test::netlist_json;
using test::port;
using test::TestDirectory;

// --- A reader -----------------------------------------------------------------------------------

struct Figures {
  std::uint64_t t0 = 0, t1 = 0, tx = 0, tz = 0, tb = 0, tc = 0, ig = 0;
  bool operator==(const Figures& o) const {
    return t0 == o.t0 && t1 == o.t1 && tx == o.tx && tz == o.tz && tb == o.tb && tc == o.tc &&
           ig == o.ig;
  }
};

struct Instance {
  std::map<std::string, Figures> nets;
  std::map<std::string, Instance> instances;
};

struct Saif {
  std::map<std::string, std::string> header;
  std::uint64_t duration = 0;
  std::string top;
  Instance instance;
};

/// Reads the grammar of SAIF 2.0 as far as Lutra writes it, from the tokens that OpenSTA's scanner
/// has (power/SaifLex.ll): throws where anything is missing, twice, misplaced or left over.
class Reader {
 public:
  explicit Reader(const std::string& text) { scan(text); }

  std::vector<std::string> tokens_;

  Saif read() {
    Saif saif;
    take("(");
    take("SAIFILE");
    for (const char* key :
         {"SAIFVERSION", "DIRECTION", "DESIGN", "DATE", "VENDOR", "PROGRAM_NAME", "VERSION"}) {
      take("(");
      take(key);
      const std::string value = next();
      if (value.front() != '"') fail(value + ": expected a text");
      saif.header[key] = value;
      take(")");
    }
    if (saif.header["SAIFVERSION"] != "\"2.0\"") fail("version");
    if (saif.header["DIRECTION"] != "\"backward\"") fail("direction");
    for (const char* word :
         {"(", "DIVIDER", "/", ")", "(", "TIMESCALE", "1", "ps", ")", "(", "DURATION"}) {
      take(word);
    }
    saif.duration = number();
    take(")");
    take("(");
    take("INSTANCE");
    saif.top = identifier();
    saif.instance = instance();
    take(")");
    if (at_ != tokens_.size()) fail("text behind the end");
    return saif;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error(fmt::format("token {}: {}", at_, what));
  }

  void scan(const std::string& text) {
    for (std::size_t i = 0; i < text.size();) {
      const char c = text[i];
      if (std::isspace(static_cast<unsigned char>(c)) != 0) {
        ++i;
      } else if (text.compare(i, 2, "//") == 0) {
        i = std::min(text.find('\n', i), text.size());
      } else if (c == '(' || c == ')' || c == '/') {
        tokens_.emplace_back(1, c);
        ++i;
      } else if (c == '"') {
        std::size_t end = i + 1;
        while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
        if (end >= text.size()) throw std::runtime_error("a text without an end");
        tokens_.push_back(text.substr(i, end + 1 - i));
        i = end + 1;
      } else {
        std::size_t end = i;
        while (end < text.size() && std::isspace(static_cast<unsigned char>(text[end])) == 0 &&
               text[end] != '(' && text[end] != ')') {
          end += text[end] == '\\' ? 2 : 1;
        }
        if (end > text.size()) throw std::runtime_error("a backslash at the end");
        tokens_.push_back(text.substr(i, end - i));
        i = end;
      }
    }
  }

  const std::string& next() {
    if (at_ == tokens_.size()) fail("the file ends");
    return tokens_[at_++];
  }
  void take(const std::string& token) {
    const std::string found = next();
    if (found != token) fail(fmt::format("'{}', expected '{}'", found, token));
  }
  bool follows(const std::string& token, std::size_t ahead = 0) const {
    return at_ + ahead < tokens_.size() && tokens_[at_ + ahead] == token;
  }
  std::uint64_t number() {
    const std::string token = next();
    if (token.empty() ||
        !std::all_of(token.begin(), token.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      fail(fmt::format("'{}', expected a number", token));
    }
    return std::stoull(token);
  }
  /// A name without its backslashes.
  std::string identifier() {
    static const std::set<std::string> keywords = {
        "SAIFILE", "NET", "PORT", "INSTANCE", "T0", "T1", "TX", "TZ", "TB", "TC", "IG", "DATE"};
    const std::string token = next();
    std::string name;
    for (std::size_t i = 0; i < token.size(); ++i) {
      const bool plain = std::isalnum(static_cast<unsigned char>(token[i])) != 0 || token[i] == '_';
      if (token[i] == '\\') {
        ++i;
      } else if (!plain || (i == 0 && std::isdigit(static_cast<unsigned char>(token[i])) != 0)) {
        fail(fmt::format("'{}' is no name", token));
      }
      name += token[i];
    }
    if (keywords.count(token) > 0) fail(fmt::format("keyword '{}' for a name", token));
    return name;
  }
  std::uint64_t figure(const std::string& key) {
    take("(");
    take(key);
    const std::uint64_t value = number();
    take(")");
    return value;
  }
  Instance instance() {
    Instance result;
    // A testbench around the netlist has no nets here.
    if (follows("NET", 1)) nets(&result);
    while (follows("(")) {
      take("(");
      take("INSTANCE");
      const std::string name = identifier();
      if (result.instances.count(name) > 0) fail("instance " + name + " stands twice");
      result.instances[name] = instance();
    }
    take(")");
    return result;
  }
  void nets(Instance* result) {
    take("(");
    take("NET");
    do {
      take("(");
      const std::string name = identifier();
      Figures f;
      f.t0 = figure("T0");
      f.t1 = figure("T1");
      f.tx = figure("TX");
      f.tz = figure("TZ");
      f.tb = figure("TB");
      f.tc = figure("TC");
      f.ig = figure("IG");
      take(")");
      if (!result->nets.emplace(name, f).second) fail(name + " stands twice");
    } while (!follows(")"));
    take(")");
  }

  std::size_t at_ = 0;
};

Saif read_saif(const std::string& text) { return Reader(text).read(); }

/// All figures of a file, the top's first.
void for_each_net(const Instance& instance,
                  const std::function<void(const std::string&, const Figures&)>& call) {
  for (const auto& [name, figures] : instance.nets) call(name, figures);
  for (const auto& [name, child] : instance.instances) for_each_net(child, call);
}

/// The file with one more toggle at the n-th net: what every comparison must notice.
std::string with_one_more(std::string text, const std::string& net) {
  const std::size_t line = text.find("(" + net + " (T0 ");
  EXPECT_NE(line, std::string::npos) << net;
  const std::size_t at = text.find("(TC ", line) + 4;
  const std::size_t end = text.find(')', at);
  return text.replace(at, end - at, std::to_string(std::stoull(text.substr(at, end - at)) + 1));
}

// --- netlist.v, read from its text --------------------------------------------------------------

struct MappedText {
  std::set<std::string> nets;                                       ///< declared
  std::map<std::string, std::string> drivers;                       ///< assign: net, its other name
  std::map<std::string, std::map<std::string, std::string>> cells;  ///< [u<n>][pin], net
  std::map<std::string, std::string> types;                         ///< [u<n>]
  std::map<std::string, std::string> ports;  ///< [net of the inner module], port bit of the outer
};

MappedText read_mapped(const std::string& text) {
  MappedText mapped;
  std::istringstream lines(text);
  bool inner = false;
  const std::regex pin(R"(\.(\w+)\((\w[\w']*)\))");
  for (std::string line; std::getline(lines, line);) {
    std::smatch m;
    if (std::regex_search(line, m, std::regex(R"(^module (\w+)_mapped \()"))) {
      inner = true;
      const std::regex declared(R"((?:input|output) (\w+))");
      for (std::sregex_iterator i(line.begin(), line.end(), declared), end; i != end; ++i) {
        mapped.nets.insert((*i)[1]);
      }
    } else if (line == "endmodule") {
      inner = false;
    } else if (inner && std::regex_match(line, m, std::regex(R"(  wire (\w+);)"))) {
      mapped.nets.insert(m[1]);
    } else if (inner && std::regex_match(line, m, std::regex(R"(  assign (\w+) = ([\w']+);)"))) {
      mapped.drivers[m[1]] = m[2];
    } else if (inner && std::regex_match(line, m, std::regex(R"(  (\w+) (u\d+) \((.*)\);)"))) {
      mapped.types[m[2]] = m[1];
      const std::string pins = m[3];
      for (std::sregex_iterator i(pins.begin(), pins.end(), pin), end; i != end; ++i) {
        mapped.cells[m[2]][(*i)[1]] = (*i)[2];
      }
    } else if (std::regex_match(line, m, std::regex(R"(    \.(\w+)\((.*?) ?(\[\d+\])?\),?)"))) {
      std::string name = m[2];
      if (name[0] == '\\') name = name.substr(1);
      mapped.ports[m[1]] = name + m[3].str();
    }
  }
  // Wires on which nothing is have no activity.
  std::set<std::string> connected;
  for (const auto& [net, outer] : mapped.ports) connected.insert(net);
  for (const auto& [name, pins] : mapped.cells) {
    for (const auto& [pin_name, net] : pins) connected.insert(net);
  }
  std::set<std::string> nets;
  std::set_intersection(mapped.nets.begin(), mapped.nets.end(), connected.begin(), connected.end(),
                        std::inserter(nets, nets.end()));
  mapped.nets = nets;
  return mapped;
}

// --- Tests --------------------------------------------------------------------------------------

class SaifTest : public testing::Test {
 protected:
  Component characterize_source(MultiplierSource source, const LibertyFiles& liberty = {}) {
    CharacterizeOptions options;
    options.cache_dir = directory_.path() / "cache";
    options.liberty = liberty;
    return characterize(source, options);
  }
  Component library(const std::string& specification, const LibertyFiles& liberty = {}) {
    return characterize_source(library_source(specification), liberty);
  }
  static std::vector<OperandPair> uniform(const Component& c,
                                          std::size_t count = kUniformOperations) {
    return uniform_operands(count, 1, c.widths, c.is_signed);
  }
  Component piped() {
    MultiplierSource source = verilog_source(
        {directory_.write("piped.v",
                          "module piped (input clk_i, input [3:0] x_i, input [3:0] y_i, output reg "
                          "[7:0] q_o);\n  reg [3:0] x, y;\n  always @(posedge clk_i) begin x <= "
                          "x_i; y <= y_i; q_o <= x * y; end\nendmodule\n")},
        "", Signedness::kUnsigned);
    source.latency = 2;
    return characterize_source(source);
  }

  /// How many nets of the file Icarus Verilog counts otherwise, in TC or in T1: netlist.v itself
  /// with the library's Verilog cells, dumped as VCD.
  int differences_to_icarus(const Component& c, const std::vector<OperandPair>& operations,
                            const std::string& text, int* checked);

  TestDirectory directory_;
};

TEST_F(SaifTest, NamesAreEscaped) {
  const std::pair<const char*, const char*> cases[] = {
      {"n12", "n12"},       {"p_o[3]", "p_o\\[3\\]"},  {"a.b", "a\\.b"}, {"x+y", "x\\+y"},
      {"a\\b", "a\\\\b"},   {"NET", "N\\ET"},          {"T0", "T\\0"},   {"T01", "T01"},
      {"top$1", "top\\$1"}, {"INSTANCE", "I\\NSTANCE"}};
  int checked = 0;
  for (const auto& [name, expected] : cases) {
    EXPECT_EQ(saif_name(name), expected);
    ++checked;
  }
  fmt::print("checked={}\n", checked);
}

/// INV: 0.1 ns a rise, 0.05 ns a fall. NAND2: from A 0.2 and 0.3, from B 0.4 and 0.5.
std::string hand_library() {
  const auto timing = [](const std::string& related, const std::string& rise,
                         const std::string& fall) {
    return fmt::format(
        "timing () {{ related_pin : \"{}\"; timing_sense : negative_unate; cell_rise (scalar) {{ "
        "values (\"{}\"); }} cell_fall (scalar) {{ values (\"{}\"); }} }}\n",
        related, rise, fall);
  };
  return "library (hand) { time_unit : \"1ns\"; voltage_unit : \"1V\"; nom_voltage : 2.0;\n"
         "capacitive_load_unit (1, ff);\n"
         "cell (INV) { area : 1; pin (A) { direction : input; capacitance : 2; }\n"
         "pin (Y) { direction : output; function : \"!A\";\n" +
         timing("A", "0.1", "0.05") +
         "} }\ncell (NAND2) { area : 1; pin (A) { direction : input; capacitance : 2; }\n"
         "pin (B) { direction : input; capacitance : 2; }\n"
         "pin (Y) { direction : output; function : \"!(A B)\";\n" +
         timing("A", "0.2", "0.3") + timing("B", "0.4", "0.5") + "} }\n}\n";
}

// y = !(a & !a) through inverters, a = 0, 1, 0 at 0, 2 and 4 ns. Nine: the last falls 0.65 ns
// behind the rise of a and rises 0.7 ns behind its fall; y is low from 0.3 to 1.05 ns. One: y would
// fall after 0.3 ns, but the inverter falls after 0.05 ns: a pulse kept back.
TEST_F(SaifTest, TimesAndPulsesByHand) {
  const Liberty liberty = Liberty::parse(hand_library(), "hand.lib");
  int checked = 0;
  const auto run = [&](int inverters) {
    std::string cells;
    for (int i = 0; i < inverters; ++i) {
      cells += cell(fmt::format("inv{}", i), "INV",
                    {{"A", std::to_string(2 + i)}, {"Y", std::to_string(3 + i)}}) +
               ",";
    }
    cells += cell("nand", "NAND2", {{"A", "2"}, {"B", std::to_string(2 + inverters)}, {"Y", "99"}});
    const Netlist netlist = Netlist::read_json(
        directory_.write(
            "n.json",
            netlist_json(port("a", "input", "2") + "," + port("y", "output", "99"), cells)),
        liberty);
    NetActivity nets;
    delayed_energy(
        netlist, liberty, 0.1, {3},
        [&](NetlistSimulator* simulator, int lane, std::size_t i) {
          simulator->set_input(netlist.port("a"), lane, i % 2);
        },
        &nets);
    const Saif saif = read_saif(saif_text(netlist, nets, 2000, "bench/dut", {"by hand"}));
    EXPECT_EQ(saif.duration, 4000u);
    EXPECT_EQ(saif.top, "bench");
    return saif;
  };
  const auto expect = [&checked](const Figures& found, const Figures& expected) {
    EXPECT_TRUE(found == expected)
        << fmt::format("T0 {} T1 {} TC {} IG {}", found.t0, found.t1, found.tc, found.ig);
    ++checked;
  };
  const Saif nine = run(9);
  const Instance& dut = nine.instance.instances.at("dut");
  const Instance& mapped = dut.instances.at("u_mapped");
  expect(dut.nets.at("a"), {2000, 2000, 0, 0, 0, 2, 0});
  expect(dut.nets.at("y"), {750, 3250, 0, 0, 0, 2, 0});
  expect(mapped.nets.at("i0"), {2000, 2000, 0, 0, 0, 2, 0});
  expect(mapped.nets.at("o0"), {750, 3250, 0, 0, 0, 2, 0});
  expect(mapped.instances.at("u0").nets.at("Y"), {2050, 1950, 0, 0, 0, 2, 0});
  expect(mapped.instances.at("u8").nets.at("Y"), {2050, 1950, 0, 0, 0, 2, 0});
  expect(mapped.instances.at("u9").nets.at("B"), {2050, 1950, 0, 0, 0, 2, 0});
  const Saif one = run(1);
  expect(one.instance.instances.at("dut").nets.at("y"), {0, 4000, 0, 0, 0, 0, 1});
  fmt::print("checked={}\n", checked);
}

// Names as in netlist.v, times that add up, the same figures at a net's pins, ports and aliases;
// the toggles and the energy that component.json has, from TC, netlist.v and cells.lib alone.
TEST_F(SaifTest, NamesTimesTogglesAndEnergyOfComponents) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  std::vector<std::pair<std::string, LibertyFiles>> cases = {
      {"exact", {}}, {"drum:kept_bits=4", {}}, {"exact:width=4", {}}, {"trunc:trunc_bits=7", {}}};
  const std::filesystem::path nangate =
      std::filesystem::path(LUTRA_SOURCE_DIR) / "../shared/data/liberty/nangate45_typ.lib.gz";
  if (std::filesystem::exists(nangate)) cases.emplace_back("exact:width=4", nangate);
  std::uint64_t checked = 0;
  for (const auto& [specification, liberty_files] : cases) {
    const Component c = library(specification, liberty_files);
    SaifOptions options;
    options.operands = "uniform\nsecond line";
    const SaifFile file = component_saif(c, uniform(c), options);
    EXPECT_EQ(component_saif(c, uniform(c), options).text, file.text);
    const Saif saif = read_saif(file.text);
    EXPECT_EQ(saif.top, c.source.top);
    EXPECT_EQ(saif.duration, file.summary.at("duration_ps"));
    EXPECT_EQ(file.summary.at("transitions"), 65536);
    EXPECT_GE(file.summary.at("period_ns"), c.delay_ns);
    EXPECT_LT(file.summary.at("period_ns"), c.delay_ns + 1);
    EXPECT_EQ(file.summary.at("energy_per_op_fj"), c.json.at("energy_per_op_fj"));
    for_each_net(saif.instance, [&](const std::string& name, const Figures& f) {
      EXPECT_EQ(f.t0 + f.t1 + f.tx + f.tz + f.tb, saif.duration) << name;
      EXPECT_EQ(f.tx + f.tz + f.tb + f.ig, 0u) << name;
      checked += 2;
    });

    const MappedText mapped = read_mapped(file_bytes(c.directory / "netlist.v"));
    const Instance& inner = saif.instance.instances.at("u_mapped");
    std::set<std::string> names;
    for (const auto& [name, f] : inner.nets) names.insert(name);
    EXPECT_EQ(names, mapped.nets);
    EXPECT_EQ(inner.instances.size(), mapped.cells.size());
    EXPECT_EQ(saif.instance.nets.size(), mapped.ports.size());
    const Figures low = {saif.duration, 0, 0, 0, 0, 0, 0};
    const Figures high = {0, saif.duration, 0, 0, 0, 0, 0};
    const auto of = [&](const std::string& net) {
      return net == "1'b0" ? low : net == "1'b1" ? high : inner.nets.at(net);
    };
    for (const auto& [net, outer] : mapped.ports) {
      EXPECT_TRUE(saif.instance.nets.at(outer) == of(net)) << outer;
      ++checked;
    }
    for (const auto& [net, other] : mapped.drivers) {
      EXPECT_TRUE(of(net) == of(other)) << net;
      ++checked;
    }

    const Liberty liberty = Liberty::read(c.directory / "cells.lib");
    const double slew_ns = c.json.at("assumptions").at("input_slew_ns");
    std::map<std::string, double> load_ff;
    for (const auto& [name, pins] : mapped.cells) {
      const LibertyCell* type = liberty.find_cell(mapped.types.at(name));
      ASSERT_NE(type, nullptr);
      ASSERT_EQ(pins.size(), type->pins.size());
      ASSERT_EQ(inner.instances.at(name).nets.size(), pins.size());
      for (const LibertyPin& pin : type->pins) {
        const std::string net = pins.at(pin.name);
        load_ff[net] += pin.capacitance_ff;
        EXPECT_TRUE(inner.instances.at(name).nets.at(pin.name) == of(net)) << name << pin.name;
        ++checked;
      }
    }
    const double half_square = 0.5 * liberty.voltage_v() * liberty.voltage_v();
    const auto energies = [&](const Saif& read) {
      std::pair<double, double> fj = {0, 0};  // of inputs' nets, of cells'
      for (const auto& [name, f] : read.instance.instances.at("u_mapped").nets) {
        if (load_ff.count(name) == 0) continue;
        (name[0] == 'i' ? fj.first : fj.second) +=
            half_square * load_ff[name] * static_cast<double>(f.tc) / 65536;
      }
      return fj;
    };
    const auto [inputs_fj, cells_fj] = energies(saif);
    const nlohmann::json& parts = c.json.at("energy_parts_fj");
    EXPECT_NEAR(inputs_fj, parts.at("input_nets").get<double>(), 1e-12 * inputs_fj);
    EXPECT_NEAR(cells_fj, parts.at("cell_nets").get<double>(), 1e-12 * cells_fj);
    // One toggle more is seen.
    std::string loaded;
    for (const auto& [name, ff] : load_ff) loaded = name[0] == 'i' ? name : loaded;
    const Saif tampered = read_saif(with_one_more(file.text, loaded));
    EXPECT_GT(energies(tampered).first, inputs_fj * (1 + 1e-8));

    // Internal power depends on the pin that caused a change and on the cell's state, which SAIF
    // does not say: TC bounds it, between the least and the largest table of each pin.
    double least_fj = 0;
    double most_fj = 0;
    for (const auto& [name, pins] : mapped.cells) {
      for (const LibertyPin& pin : liberty.find_cell(mapped.types.at(name))->pins) {
        const bool is_output = pin.direction == LibertyPin::Direction::kOutput;
        std::map<std::string, std::vector<std::pair<double, double>>> supplies;
        for (const InternalPower& table : pin.internal_power) {
          const double load = load_ff[pins.at(pin.name)];
          supplies[table.supply].emplace_back(table.rise_fj.lookup(slew_ns, load),
                                              table.fall_fj.lookup(slew_ns, load));
        }
        const auto changes = static_cast<double>(of(pins.at(pin.name)).tc);
        for (const auto& [supply, tables] : supplies) {
          // Rises and falls alternate.
          double low_fj = 1e30, high_fj = -1e30, low_fall = 1e30, high_fall = -1e30, sum = 0;
          for (const auto& [rise, fall] : tables) {
            low_fj = std::min(low_fj, rise);
            high_fj = std::max(high_fj, rise);
            low_fall = std::min(low_fall, fall);
            high_fall = std::max(high_fall, fall);
            sum += std::max(0.0, rise) + std::max(0.0, fall);
          }
          // Of an input several tables may hold at once, or none.
          least_fj +=
              (is_output ? (low_fj + low_fall) / 2 : std::min(0.0, low_fj + low_fall)) * changes -
              std::abs(low_fj - low_fall) / 2;
          most_fj += (is_output ? (high_fj + high_fall) / 2 : sum) * changes +
                     std::abs(high_fj - high_fall) / 2;
        }
      }
    }
    const double internal_fj = parts.at("internal").get<double>() * 65536;
    EXPECT_LE(least_fj, internal_fj * (1 + 1e-12));
    EXPECT_GE(most_fj, internal_fj * (1 - 1e-12));

    std::uint64_t toggles = 0;
    for (const auto& [name, f] : inner.nets) toggles += mapped.drivers.count(name) > 0 ? 0 : f.tc;
    EXPECT_NEAR(static_cast<double>(toggles) / 65536, c.json.at("net_toggles_per_op").get<double>(),
                1e-9);
    checked += 8;
    fmt::print(
        "{}, {}: {} cells, inputs {:.3f} fJ, cells {:.3f} fJ an operation; internal {:.1f} in "
        "{:.1f}..{:.1f} fJ\n",
        specification, c.liberty, mapped.cells.size(), inputs_fj, cells_fj, internal_fj / 65536,
        least_fj / 65536, most_fj / 65536);
  }
  fmt::print("checked={}\n", checked);
  EXPECT_GT(checked, 1000u);
}

int SaifTest::differences_to_icarus(const Component& c, const std::vector<OperandPair>& operations,
                                    const std::string& text, int* checked) {
  const Saif saif = read_saif(text);
  const std::uint64_t period = saif.duration / (operations.size() - 1);
  const auto [a, b, p] = c.source.ports;
  std::string memory;
  for (const OperandPair& pair : operations) {
    memory += fmt::format("{:04x}{:04x}\n", pair.a & ((1 << c.widths.a) - 1),
                          pair.b & ((1 << c.widths.b) - 1));
  }
  directory_.write("operations.hex", memory);
  const std::string clock = c.source.latency > 0 ? c.source.clock : "";
  // Operands change at 4 k - 1, the clock rises at 4 k and falls at 4 k + 2. Operation 0 fills the
  // registers first.
  const int warm = c.source.latency + 2;
  directory_.write(
      "bench.v",
      fmt::format("`timescale 1ps/1ps\nmodule bench;\n  reg [31:0] operations [0:{0}];\n"
                  "  reg [31:0] now;\n  reg clk = 0;\n  wire [{1}:0] p;\n  integer k;\n"
                  "  {2} dut (.{3}(now[{4}:16]), .{5}(now[{6}:0]), .{7}(p){8});\n"
                  "  initial begin\n    $readmemh(\"operations.hex\", operations);\n"
                  "    $dumpfile(\"bench.vcd\");\n    $dumpvars(1, bench.dut.u_mapped);\n"
                  "    #3;\n    for (k = 1 - {9}; k <= {0}; k = k + 1) begin\n"
                  "      now = operations[k < 0 ? 0 : k]; #1 clk = 1; #2 clk = 0; #1;\n"
                  "    end\n    $finish;\n  end\nendmodule\n",
                  operations.size() - 1, c.widths.product() - 1, c.source.top, a, 15 + c.widths.a,
                  b, c.widths.b - 1, p, clock.empty() ? "" : fmt::format(", .{}(clk)", clock),
                  warm));
  // The library's own Verilog, where it lies; else cells.v, which is made of the Liberty file.
  std::filesystem::path cells = "/usr/share/qflow/tech/osu018/osu018_stdcells.v";
  if (!std::filesystem::exists(cells)) cells = c.directory / "cells.v";
  const ToolResult compiled = run_tool({"iverilog", "-o", "bench", "-s", "bench", "bench.v",
                                        (c.directory / "netlist.v").string(), cells.string()},
                                       directory_.path(), "iverilog");
  EXPECT_EQ(compiled.status, 0) << compiled.output;
  const ToolResult ran = run_tool({"vvp", "-n", "bench"}, directory_.path(), "iverilog");
  EXPECT_EQ(ran.status, 0) << ran.output;

  struct Seen {
    std::vector<std::string> names;  // of one net
    char value = 'x';
    std::uint64_t toggles = 0, halves = 0;
    bool undefined = false;
  };
  std::map<std::string, Seen> nets;
  std::istringstream vcd(file_bytes(directory_.path() / "bench.vcd"));
  // The first counted change is that to operation 1, at 4 (warm + 1) - 1.
  const std::int64_t first = 4 * (warm + 1) - 1;
  std::int64_t now = 0;
  std::int64_t next_look = first + 2;  // 4 k + 1 and 4 k + 2, behind all changes of that time
  const std::int64_t last_look = first + 4 * static_cast<std::int64_t>(operations.size() - 1) - 1;
  int looks = 0;
  bool declared = false;
  const auto look_until = [&](std::int64_t time) {
    for (; next_look < time && next_look <= last_look; ++looks) {
      for (auto& [id, net] : nets) {
        net.halves += net.value == '1';
        net.undefined |= net.value != '0' && net.value != '1';
      }
      next_look += looks % 2 == 0 ? 1 : 3;
    }
  };
  for (std::string line; std::getline(vcd, line);) {
    std::istringstream words(line);
    std::string word;
    words >> word;
    if (word == "$var") {
      std::string type, width, id, name;
      words >> type >> width >> id >> name;
      EXPECT_EQ(width, "1") << line;
      nets[id].names.push_back(name);
    } else if (word == "$enddefinitions") {
      declared = true;
    } else if (!declared) {
      continue;
    } else if (word[0] == '#') {
      const std::int64_t time = std::stoll(word.substr(1));
      look_until(time);
      now = time;
    } else if (word.size() > 1 && std::string("01xz").find(word[0]) != std::string::npos) {
      Seen& net = nets.at(word.substr(1));
      if (net.value != word[0]) net.toggles += now >= first;
      net.value = word[0];
    }
  }
  look_until(last_look + 1);
  EXPECT_EQ(looks, 2 * static_cast<int>(operations.size() - 1));
  const Instance& inner = saif.instance.instances.at("u_mapped");
  int different = 0;
  std::uint64_t toggles = 0;
  for (const auto& [id, net] : nets) {
    EXPECT_FALSE(net.undefined) << net.names[0];
    toggles += net.toggles;
    for (const std::string& name : net.names) {
      const Figures& f = inner.nets.at(name);
      different += f.tc != net.toggles || 2 * f.t1 != net.halves * period;
      *checked += 2;
    }
  }
  std::set<std::string> missing;
  for (const auto& [name, f] : inner.nets) missing.insert(name);
  for (const auto& [id, net] : nets) {
    for (const std::string& name : net.names) missing.erase(name);
  }
  EXPECT_EQ(missing, std::set<std::string>()) << c.name;  // in the VCD
  EXPECT_GT(toggles, operations.size());
  return different;
}

// Each TC and T1 at zero delay by another simulator, with other models of the cells, of the same
// operations: uniform ones, all of them; a sequence of our own; a multiplier with registers.
TEST_F(SaifTest, CountsEqualIcarus) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  if (!test::on_path("iverilog")) GTEST_SKIP() << "iverilog is not on PATH";
  int checked = 0;
  const Component narrow = library("exact:width=4");
  const std::string text = component_saif(narrow, uniform(narrow), {}).text;
  EXPECT_EQ(differences_to_icarus(narrow, uniform(narrow), text, &checked), 0);
  // One toggle more is seen.
  int again = 0;
  EXPECT_EQ(differences_to_icarus(narrow, uniform(narrow), with_one_more(text, "o3"), &again), 1);

  const Component wide = library("drum:kept_bits=4");
  std::vector<OperandPair> trace;
  for (int i = 0; i < 3000; ++i) trace.push_back({(i * i) % 251 - 125, i % 5 == 0 ? 0 : i % 100});
  EXPECT_EQ(differences_to_icarus(wide, trace, component_saif(wide, trace, {}).text, &checked), 0);

  const Component registers = piped();
  const std::vector<OperandPair> operations = uniform(registers, 3001);
  const std::string of_registers = component_saif(registers, operations, {}).text;
  EXPECT_EQ(differences_to_icarus(registers, operations, of_registers, &checked), 0);
  EXPECT_EQ(read_saif(of_registers).instance.nets.at("clk_i").tc, 6000u);
  fmt::print("checked={} figures\n", checked);
  EXPECT_GT(checked, 500);
}

// The whole file of a pipeline: the energy of its cycles.
TEST_F(SaifTest, RegistersHaveTheEnergyOfTheirCycles) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const Component c = piped();
  const SaifFile file = component_saif(c, uniform(c), {});
  const Saif saif = read_saif(file.text);
  EXPECT_EQ(file.summary.at("energy_per_op_fj"), c.json.at("energy_per_op_fj"));
  const Figures clock = saif.instance.nets.at("clk_i");
  int checked = 4;
  for_each_net(saif.instance, [&](const std::string& name, const Figures& f) {
    EXPECT_EQ(f.t0 + f.t1, saif.duration) << name;
    ++checked;
  });
  EXPECT_EQ(clock.tc, 2 * 65536u);
  EXPECT_EQ(clock.t1, saif.duration / 2);
  EXPECT_NE(file.text.find("Registers: clk_i rises"), std::string::npos);
  SaifOptions glitches;
  glitches.glitches = true;
  expect_error(ErrorKind::kUnimplemented, "glitches: expected a multiplier without registers",
               [&] { component_saif(c, uniform(c), glitches); });
  fmt::print("checked={}\n", checked);
}

// The same transitions as `glitches` in component.json, net by net no fewer changes than without
// delays and an even number more.
TEST_F(SaifTest, GlitchesAreThoseOfTheComponent) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const Component c = library("exact");
  SaifOptions options;
  options.glitches = true;
  options.scope = "bench/dut";
  const SaifFile file = component_saif(c, uniform(c), options);
  const Saif saif = read_saif(file.text);
  const std::vector<OperandPair> sample = uniform(c, kGlitchOperations);
  const Saif settled = read_saif(component_saif(c, sample, {}).text);
  EnergyMeter meter(c);
  const GlitchReport report = meter.measure_glitches(sample);
  const nlohmann::json& glitches = c.json.at("glitches");
  EXPECT_EQ(file.summary.at("transitions"), glitches.at("sample_transitions"));
  EXPECT_EQ(file.summary.at("energy_per_op_fj").get<double>(), report.delayed.total_fj() / 4096);
  EXPECT_EQ(report.energy_factor(), glitches.at("energy_factor").get<double>());
  const Instance& inner = saif.instance.instances.at("dut").instances.at("u_mapped");
  const Instance& inner_settled = settled.instance.instances.at("u_mapped");
  const MappedText mapped = read_mapped(file_bytes(c.directory / "netlist.v"));
  std::uint64_t toggles = 0;
  std::uint64_t kept_back = 0;
  int glitching = 0;
  int checked = 0;
  for (const auto& [name, f] : inner.nets) {
    const Figures& without = inner_settled.nets.at(name);
    EXPECT_GE(f.tc, without.tc) << name;
    EXPECT_EQ((f.tc - without.tc) % 2, 0u) << name;
    EXPECT_EQ(f.t0 + f.t1, saif.duration) << name;
    if (mapped.drivers.count(name) > 0) continue;
    toggles += f.tc;
    kept_back += f.ig;
    glitching += f.tc > without.tc;
    checked += 3;
  }
  EXPECT_EQ(toggles, report.delayed.net_toggles);
  EXPECT_EQ(toggles, file.summary.at("net_toggles"));
  EXPECT_GT(glitching, 50);
  EXPECT_GT(kept_back, 0u);
  fmt::print(
      "checked={}: {} nets with glitches, {} changes, {} at zero delay, {} pulses kept back\n",
      checked, glitching, toggles, report.settled.net_toggles, kept_back);
  options.period_ns = glitches.at("longest_settling_ns").get<double>() / 2;
  options.period_ns = std::floor(options.period_ns * 1000) / 1000;
  expect_error(ErrorKind::kInvalidArgument, "an operation settles before the next",
               [&] { component_saif(c, uniform(c), options); });
}

// OpenSTA's mean power at the file's activity, times the period, is the energy of the cells' nets.
// Debian's OpenSTA has no SAIF reader and its command for the activity of a pin does nothing: it
// says the power of each instance at one change a period, of which TC / transitions count.
TEST_F(SaifTest, OpenStasPowerTimesThePeriodIsTheEnergy) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const Component c = library("drum:kept_bits=4");
  const SaifFile file = component_saif(c, uniform(c), {});
  const double period_ns = file.summary.at("period_ns");
  // Of a pin's capacitances for one edge only OpenSTA takes the larger, Lutra the common one.
  std::istringstream cells(file_bytes(c.directory / "cells.lib"));
  std::string kept;
  for (std::string line; std::getline(cells, line);) {
    const bool one_edge = line.find("rise_capacitance") != std::string::npos ||
                          line.find("fall_capacitance") != std::string::npos;
    if (!one_edge) kept += line + "\n";
  }
  directory_.write("cells.lib", kept);
  directory_.write(
      "power.tcl",
      fmt::format("read_liberty cells.lib\nread_verilog {0}/netlist.v\nlink_design {1}\n"
                  "set_cmd_units -time ns\ncreate_clock -name c -period {2}\n"
                  "set_input_transition 0.1 [all_inputs]\nset_input_delay 0 -clock c [all_inputs]\n"
                  "set_load 0 [get_nets -hierarchical *]\n"  // no wires
                  "set_power_activity -global -activity 1 -duty 0.5\n"
                  "report_power -instances [get_cells -hierarchical *] -digits 9\nexit\n",
                  c.directory.string(), c.source.top, period_ns));
  const ToolResult run = run_tool({"sta", "-no_splash", "-no_init", "-exit", "power.tcl"},
                                  directory_.path(), "opensta");
  const MappedText mapped = read_mapped(file_bytes(c.directory / "netlist.v"));
  std::map<std::string, double> switching_w;
  std::istringstream lines(run.output);
  for (std::string line; std::getline(lines, line);) {
    double internal = 0, switching = 0, leakage = 0, total = 0;
    std::string name;
    std::istringstream fields(line);
    if (!(fields >> internal >> switching >> leakage >> total >> name)) continue;
    if (name.rfind("u_mapped/u", 0) == 0) switching_w[name.substr(9)] = switching;
  }
  ASSERT_EQ(switching_w.size(), mapped.cells.size()) << run.output;
  const Liberty liberty = Liberty::read(c.directory / "cells.lib");
  const auto energy_fj = [&](const Saif& saif) {
    const double transitions = static_cast<double>(saif.duration) / (period_ns * 1000);
    double power_w = 0;
    for (const auto& [name, watts] : switching_w) {
      int outputs = 0;
      for (const LibertyPin& pin : liberty.find_cell(mapped.types.at(name))->pins) {
        if (pin.direction != LibertyPin::Direction::kOutput) continue;
        const Figures& f =
            saif.instance.instances.at("u_mapped").instances.at(name).nets.at(pin.name);
        power_w += watts * static_cast<double>(f.tc) / transitions;
        ++outputs;
      }
      EXPECT_EQ(outputs, 1) << name;  // else a cell's power is that of several nets
    }
    return power_w * period_ns * 1e6;  // W ns = 1e6 fJ
  };
  const double found = energy_fj(read_saif(file.text));
  const double expected = c.json.at("energy_parts_fj").at("cell_nets");
  fmt::print("checked={} instances: OpenSTA {:.3f} fJ an operation, Lutra {:.3f}\n",
             switching_w.size(), found, expected);
  EXPECT_NEAR(found / expected, 1, 1e-6);
  // A thousand toggles more at one pin are seen.
  std::string tampered = file.text;
  const std::size_t line = tampered.find("(Y (T0 ", tampered.find("(INSTANCE u7"));
  tampered.insert(tampered.find("(TC ", line) + 4, "1");
  EXPECT_GT(std::abs(energy_fj(read_saif(tampered)) / expected - 1), 1e-5);
}

// A product without cells, and ports with names that only escaping makes names.
TEST_F(SaifTest, NetlistsWithoutCellsAndEscapedPorts) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  int checked = 0;
  MultiplierSource constant = verilog_source(
      {directory_.write("constant.v",
                        "module constant (input [1:0] NET, input [1:0] T0, output [3:0] p);\n"
                        "  assign p = 4'd2;\nendmodule\n")},
      "", Signedness::kUnsigned);
  const Component c = characterize_source(constant);
  const Saif saif = read_saif(component_saif(c, uniform(c), {}).text);
  EXPECT_TRUE(saif.instance.instances.at("u_mapped").instances.empty());
  const Figures low = {saif.duration, 0, 0, 0, 0, 0, 0};
  const Figures high = {0, saif.duration, 0, 0, 0, 0, 0};
  for (int bit = 0; bit < 4; ++bit) {
    EXPECT_TRUE(saif.instance.nets.at(fmt::format("p[{}]", bit)) == (bit == 1 ? high : low));
    EXPECT_TRUE(saif.instance.instances.at("u_mapped").nets.at(fmt::format("o{}", bit)) ==
                (bit == 1 ? high : low));
    checked += 2;
  }
  EXPECT_EQ(saif.instance.nets.count("NET[0]"), 1u);

  MultiplierSource escaped = verilog_source(
      {directory_.write("escaped.v",
                        "module escaped (input [1:0] \\a.x , input [1:0] \\b+y , output [3:0] "
                        "\\p$z );\n  assign \\p$z  = \\a.x  * \\b+y ;\nendmodule\n")},
      "", Signedness::kUnsigned);
  const Component e = characterize_source(escaped);
  const std::string text = component_saif(e, uniform(e), {}).text;
  EXPECT_NE(text.find("(a\\.x\\[1\\] (T0"), std::string::npos) << text;
  const Saif read = read_saif(text);
  const MappedText mapped = read_mapped(file_bytes(e.directory / "netlist.v"));
  ASSERT_EQ(mapped.ports.size(), 8u);
  for (const auto& [net, outer] : mapped.ports) {
    EXPECT_TRUE(read.instance.nets.at(outer) == read.instance.instances.at("u_mapped").nets.at(net))
        << outer;
    ++checked;
  }
  fmt::print("checked={}\n", checked);
}

// The reader notices every token that is missing, doubled or another.
TEST_F(SaifTest, TheReaderChecksEveryToken_bad) {
  const Liberty liberty = Liberty::parse(hand_library(), "hand.lib");
  const Netlist netlist = Netlist::read_json(
      directory_.write("n.json",
                       netlist_json(port("a", "input", "2") + "," + port("y", "output", "3"),
                                    cell("inv", "INV", {{"A", "2"}, {"Y", "3"}}))),
      liberty);
  NetActivity nets;
  delayed_energy(
      netlist, liberty, 0.1, {3},
      [&](NetlistSimulator* simulator, int lane, std::size_t i) {
        simulator->set_input(netlist.port("a"), lane, i % 2);
      },
      &nets);
  const std::string text = saif_text(netlist, nets, 1000, "", {});
  read_saif(text);
  const std::vector<std::string> tokens = Reader(text).tokens_;
  int refused = 0;
  const auto refuse = [&](const std::vector<std::string>& changed) {
    std::string joined;
    for (const std::string& token : changed) joined += token + " ";
    EXPECT_ANY_THROW(read_saif(joined)) << joined;
    ++refused;
  };
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::vector<std::string> changed = tokens;
    changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
    refuse(changed);
    changed = tokens;
    changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(i), tokens[i]);
    refuse(changed);
    changed = tokens;
    changed[i] = "-1";
    refuse(changed);
  }
  fmt::print("checked={}\n", refused);
  EXPECT_GT(refused, 300);
}

TEST_F(SaifTest, WrongOptions_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const Component c = library("exact:width=4");
  const std::vector<OperandPair> operations = uniform(c, 10);
  int refused = 0;
  const auto refuse = [&](const std::string& part, const SaifOptions& options,
                          const std::vector<OperandPair>& sequence) {
    expect_error(ErrorKind::kInvalidArgument, part, [&] { component_saif(c, sequence, options); });
    ++refused;
  };
  SaifOptions options;
  for (const char* scope : {"/dut", "bench/", "bench//dut", "a b", "a\nb"}) {
    options.scope = scope;
    refuse("expected names of instances", options, operations);
  }
  options.scope.clear();
  for (const double period : {-1.0, 0.0004, 0.0015, 1001.0, std::nan("")}) {
    options.period_ns = period;
    refuse("expected whole ps in", options, operations);
  }
  options.period_ns = 0;
  refuse("0 operations, expected at least 2", options, {});
  refuse("operation 1: a = 8, expected -8..7", options, {{0, 0}, {8, 0}});
  options.glitches = true;
  refuse("1 operations, expected at least 2", options, {{0, 0}});
  const std::filesystem::path table = directory_.path() / "lut.npy";
  std::filesystem::copy(c.directory / "lut.npy", table);
  CharacterizeOptions imported;
  imported.cache_dir = directory_.path() / "cache";
  const Component alone = import_table(table, Signedness::kSigned, false, imported);
  expect_error(ErrorKind::kInvalidArgument, "no SAIF: the component was imported from a table",
               [&] { component_saif(alone, operations, {}); });
  ++refused;
  fmt::print("checked={}\n", refused);
}

}  // namespace
}  // namespace lutra::synth
