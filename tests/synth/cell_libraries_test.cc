// Every cell library that is here: the same multiplier synthesised, and one built by hand of cells
// with two outputs, as a netlist from another tool.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "lutra/base/files.h"
#include "lutra/component/component.h"
#include "lutra/component/library.h"
#include "lutra/netlist/liberty.h"
#include "lutra/system/gzip.h"
#include "test_files.h"

namespace lutra::synth {
namespace {

using test::expect_error;

/// A library, and its cells by what they do. An adder's pins: operands, carry, sum.
struct CellLibrary {
  const char* name;
  const char* file;
  const char* package;
  double supply_v;
  std::vector<std::string> and2, half_adder, full_adder;
};

std::ostream& operator<<(std::ostream& out, const CellLibrary& library) {
  return out << library.name;
}

const std::vector<std::string> kAnd = {"AND2X1", "A", "B", "Y"};
const std::vector<std::string> kHalf = {"HAX1", "A", "B", "YC", "YS"};
const std::vector<std::string> kFull = {"FAX1", "A", "B", "C", "YC", "YS"};

const CellLibrary kLibraries[] = {
    {"osu018", "/usr/share/qflow/tech/osu018/osu018_stdcells.lib", "qflow-tech-osu018", 1.8, kAnd,
     kHalf, kFull},
    {"osu035", "/usr/share/qflow/tech/osu035/osu035_stdcells.lib", "qflow-tech-osu035", 3.3, kAnd,
     kHalf, kFull},
    {"osu050", "/usr/share/qflow/tech/osu050/osu05_stdcells.lib", "qflow-tech-osu050", 5, kAnd,
     kHalf, kFull},
    {"nangate45",
     LUTRA_SOURCE_DIR "/../shared/data/liberty/nangate45_typ.lib.gz",
     "",
     1.1,
     {"AND2_X1", "A1", "A2", "ZN"},
     {"HA_X1", "A", "B", "CO", "S"},
     {"FA_X1", "A", "B", "CI", "CO", "S"}},
};

/// An instance of a cell on nets in the order of its pins.
std::string instance(const std::vector<std::string>& cell, int number,
                     const std::vector<std::string>& nets) {
  std::string pins;
  for (std::size_t i = 0; i < nets.size(); ++i) {
    pins += fmt::format("{}.{}({})", i == 0 ? "" : ", ", cell[i + 1], nets[i]);
  }
  return fmt::format("  {} u{} ({});\n", cell[0], number, pins);
}

/// An unsigned 8x8 array multiplier: AND gates, then a row of half and full adders a bit of b. Each
/// row is a module of its own, so that the netlist is hierarchical.
std::string array_multiplier(const CellLibrary& library) {
  constexpr int kWidth = 8;
  std::string row =
      "module row (input [7:0] a, input b, input [7:0] high, output [7:0] sum, output carry);\n"
      "  wire [7:0] product;\n  wire [8:1] c;\n";
  std::string first = row;
  int number = 0;
  for (int i = 0; i < kWidth; ++i) {
    row += instance(library.and2, number++,
                    {fmt::format("a[{}]", i), "b", fmt::format("product[{}]", i)});
    std::vector<std::string> nets = {fmt::format("product[{}]", i), fmt::format("high[{}]", i)};
    if (i > 0) nets.push_back(fmt::format("c[{}]", i));
    nets.push_back(fmt::format("c[{}]", i + 1));
    nets.push_back(fmt::format("sum[{}]", i));
    row += instance(i == 0 ? library.half_adder : library.full_adder, number++, nets);
  }
  row += "  assign carry = c[8];\nendmodule\n";
  std::string top =
      "module array (input [7:0] a, input [7:0] b, output [15:0] p);\n"
      "  wire [7:0] s0;\n  wire [8:0] high0 = {1'b0, s0};\n";
  for (int i = 0; i < kWidth; ++i) {
    top += instance(library.and2, number++,
                    {fmt::format("a[{}]", i), "b[0]", fmt::format("s0[{}]", i)});
  }
  for (int r = 1; r < kWidth; ++r) {
    top += fmt::format(
        "  wire [8:0] high{0};\n  row r{0} (.a(a), .b(b[{0}]), .high(high{1}[8:1]), "
        ".sum(high{0}[7:0]), .carry(high{0}[8]));\n  assign p[{1}] = high{1}[0];\n",
        r, r - 1);
  }
  return row + top + "  assign p[15:7] = high7;\nendmodule\n";
}

class CellLibraryTest : public testing::TestWithParam<CellLibrary> {
 protected:
  void SetUp() override {
    LUTRA_SKIP_WITHOUT_TOOLS();
    if (!std::filesystem::exists(GetParam().file)) {
      GTEST_SKIP() << GetParam().file << " is not here"
                   << (*GetParam().package != 0 ? std::string("; package ") + GetParam().package
                                                : std::string());
    }
  }

  CharacterizeOptions options() const {
    CharacterizeOptions options;
    options.cache_dir = directory_.path() / "cache";
    options.liberty = GetParam().file;
    return options;
  }

  MultiplierSource mapped(const std::string& text) const {
    MultiplierSource source =
        verilog_source({directory_.write("mapped.v", text)}, "", Signedness::kUnsigned);
    source.mapped = true;
    return source;
  }

  test::TestDirectory directory_;
};

void expect_exact(const Component& component) {
  int compared = 0;
  for (int i = 0; i < 65536; ++i, ++compared) {
    const int product = component.is_signed
                            ? static_cast<std::int8_t>(i >> 8) * static_cast<std::int8_t>(i & 255)
                            : (i >> 8) * (i & 255);
    ASSERT_EQ(component.lut[i], static_cast<std::int16_t>(product)) << component.name << " " << i;
  }
  fmt::print("checked={}\n", compared);
}

TEST_P(CellLibraryTest, ExactMultiplier) {
  const Component component = characterize(library_source("exact"), options());
  expect_exact(component);
  EXPECT_EQ(component.json.at("assumptions").at("supply_v"), GetParam().supply_v);
  EXPECT_GT(component.delay_ns, 0.3);
  EXPECT_LT(component.delay_ns, 30);
  EXPECT_GT(component.leakage_nw, 0);
  // Units: an 8x8 multiplier switches a few hundred fF to a few tens of pF an operation.
  const double capacitance_ff =
      component.energy_per_op_fj / (GetParam().supply_v * GetParam().supply_v);
  EXPECT_GT(capacitance_ff, 100);
  EXPECT_LT(capacitance_ff, 100000);
  fmt::print("{}: {:.0f} um2, {:.2f} ns, {:.1f} nW, {:.0f} fJ\n", GetParam().name,
             component.area_um2, component.delay_ns, component.leakage_nw,
             component.energy_per_op_fj);
}

TEST_P(CellLibraryTest, CellsWithTwoOutputsAreSimulated) {
  const Component component = characterize(mapped(array_multiplier(GetParam())), options());
  expect_exact(component);
  EXPECT_EQ(component.json.at("cells").at(GetParam().and2[0]), 64);
  EXPECT_EQ(component.json.at("cells").at(GetParam().half_adder[0]), 7);
  EXPECT_EQ(component.json.at("cells").at(GetParam().full_adder[0]), 49);
  EXPECT_EQ(component.json.at("cells").size(), 3u) << "nothing was synthesised";
  if (test::on_path("iverilog")) {
    EXPECT_EQ(component.json.at("rtl_check").at("result"), "equal");
  }
  const Liberty library = Liberty::read(GetParam().file);
  const auto area = [&](const std::vector<std::string>& cell) {
    return library.find_cell(cell[0])->area_um2;
  };
  EXPECT_NEAR(component.area_um2,
              64 * area(GetParam().and2) + 7 * area(GetParam().half_adder) +
                  49 * area(GetParam().full_adder),
              1e-6 * component.area_um2);
  EXPECT_GT(component.energy_per_op_fj, 0);
  const Component again = load_component(component.directory);
  EXPECT_TRUE(again.source.mapped);
  EXPECT_EQ(again.source.files[0].filename(), "netlist.v");
}

// What Lutra wrote is a netlist like any other: the same table, area, delay and energy.
TEST_P(CellLibraryTest, ItsOwnNetlistIsTakenBack) {
  const Component made = characterize(library_source("drum:signed=0"), options());
  MultiplierSource source = mapped(test::file_bytes(made.directory / "netlist.v"));
  const Component taken = characterize(source, options());
  EXPECT_EQ(taken.lut, made.lut);
  EXPECT_EQ(taken.json.at("cells"), made.json.at("cells"));
  EXPECT_NEAR(taken.area_um2, made.area_um2, 1e-9 * made.area_um2);
  EXPECT_NEAR(taken.delay_ns, made.delay_ns, 1e-6);
  EXPECT_NEAR(taken.energy_per_op_fj, made.energy_per_op_fj, 1e-6 * made.energy_per_op_fj);
}

// A cell that the library says must not be used is not, neither by mapping nor for the slew.
TEST_P(CellLibraryTest, DontUseIsRespected) {
  const Component before = characterize(library_source("exact"), options());
  std::string most_used;
  int uses = 0;
  for (const auto& [cell, count] : before.json.at("cells").items()) {
    if (count.get<int>() > uses && cell.rfind("INV", 0) != 0) {
      uses = count.get<int>();
      most_used = cell;
    }
  }
  std::string text = read_file_maybe_gzip(GetParam().file);
  const LibertyCell& cell = *Liberty::parse(text, "library").find_cell(most_used);
  text.insert(text.find('{', cell.begin) + 1, "\n  dont_use : true;\n");
  CharacterizeOptions without = options();
  without.liberty = directory_.write("dont_use.lib", text);
  const Component after = characterize(library_source("exact"), without);
  EXPECT_FALSE(after.json.at("cells").contains(most_used)) << most_used << ", before " << uses;
  const Liberty library = Liberty::read(GetParam().file);
  const LibertyCell& inverter = library.smallest_inverter();
  std::string other = read_file_maybe_gzip(GetParam().file);
  other.insert(other.find('{', inverter.begin) + 1, "\n  dont_use : \"true\";\n");
  EXPECT_NE(Liberty::parse(other, "library").smallest_inverter().name, inverter.name);
  expect_exact(after);
  fmt::print("{}: {} x {}, then none; area {:.0f} -> {:.0f} um2\n", GetParam().name, uses,
             most_used, before.area_um2, after.area_um2);
}

INSTANTIATE_TEST_SUITE_P(Libraries, CellLibraryTest, testing::ValuesIn(kLibraries),
                         [](const auto& library) { return std::string(library.param.name); });

// --- netlists that are wrong ---------------------------------------------------------------------

class MappedNetlistTest : public testing::Test {
 protected:
  void SetUp() override { LUTRA_SKIP_WITHOUT_TOOLS(); }

  Component run(const std::string& text) {
    MultiplierSource source =
        verilog_source({directory_.write("m.v", text)}, "", Signedness::kUnsigned);
    source.mapped = true;
    CharacterizeOptions options;
    options.cache_dir = directory_.path() / "cache";
    options.liberty = kLibraries[0].file;
    return characterize(source, options);
  }

  /// A 2x2 multiplier of osu018 with one line exchanged.
  static std::string with(const std::string& from, const std::string& to) {
    std::string text = R"(module m (a, b, p);
  input [1:0] a; input [1:0] b; output [3:0] p;
  wire t0, t1, t2, c1;
  AND2X1 u0 (.A(a[0]), .B(b[0]), .Y(p[0]));
  AND2X1 u1 (.A(a[1]), .B(b[0]), .Y(t0));
  AND2X1 u2 (.A(a[0]), .B(b[1]), .Y(t1));
  AND2X1 u3 (.A(a[1]), .B(b[1]), .Y(t2));
  HAX1 u4 (.A(t0), .B(t1), .YS(p[1]), .YC(c1));
  HAX1 u5 (.A(t2), .B(c1), .YS(p[2]), .YC(p[3]));
endmodule
)";
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }

  test::TestDirectory directory_;
};

TEST_F(MappedNetlistTest, NothingIsChanged) {
  const Component component = run(with("", ""));
  EXPECT_EQ(component.errors.ep, 0);
  EXPECT_EQ(component.json.at("cells"), (nlohmann::json{{"AND2X1", 4}, {"HAX1", 2}}));
  EXPECT_EQ(component.json.at("mapped"), true);
  // Two inverters in series: a synthesiser would take them out.
  const Component longer =
      run(with("HAX1 u4 (.A(t0)",
               "wire n0, n1;\n  INVX1 i0 (.A(t0), .Y(n0));\n  INVX1 i1 (.A(n0), .Y(n1));\n"
               "  HAX1 u4 (.A(n1)"));
  EXPECT_EQ(longer.lut, component.lut);
  EXPECT_EQ(longer.json.at("cells").at("INVX1"), 2);
  EXPECT_GT(longer.delay_ns, component.delay_ns);
}

// A netlist often comes with models of its cells: the library's cells count, and the models are
// compared with them.
TEST_F(MappedNetlistTest, ModelsOfTheCellsAreCompared) {
  const std::string model =
      "module HAX1 (input A, input B, output YC, output YS);\n"
      "  assign {{YC, YS}} = A {} B;\nendmodule\n";
  const Component component = run(with("", "") + fmt::format(model, "+"));
  EXPECT_EQ(component.json.at("cells"), (nlohmann::json{{"AND2X1", 4}, {"HAX1", 2}}));
  EXPECT_EQ(component.json.at("rtl_check").at("result"), "equal");
  EXPECT_EQ(run(with("", "") + fmt::format(model, "-")).json.at("rtl_check").at("result"),
            "different");
}

TEST_F(MappedNetlistTest, WrongNetlistsNameTheLine_bad) {
  const std::string file = (directory_.path() / "m.v").string();
  int refused = 0;
  const auto refuse = [&](const std::string& part, const std::string& text,
                          ErrorKind kind = ErrorKind::kInvalidArgument) {
    expect_error(kind, part, [&] { run(text); });
    ++refused;
  };
  refuse(file + ":7: cell u3 is a AND9X9, which the library osu018_stdcells does not hold",
         with("AND2X1 u3", "AND9X9 u3"));
  refuse(file + ":7: the netlist holds logic that is no cell ($and), expected instances of cells",
         with("AND2X1 u3 (.A(a[1]), .B(b[1]), .Y(t2));", "assign t2 = a[1] & b[1];"));
  refuse(file + ":8: cell u4 connects a pin that HAX1 does not have",
         with("HAX1 u4 (.A(t0), .B(t1)", "HAX1 u4 (.A(t0), .B(t1), .Q(t2)"));
  refuse(file + ":8: input B of cell u4 (HAX1) is open", with(".B(t1), .YS", ".B(), .YS"));
  refuse(file + ":3: t2, which feeds pin A of cell u5, is not driven",
         with("AND2X1 u3 (.A(a[1]), .B(b[1]), .Y(t2));", ""));
  refuse(file + ":2: bit 0 of output p is not driven",
         with("AND2X1 u0 (.A(a[0]), .B(b[0]), .Y(p[0]));", ""));
  refuse(file + ":3: t0 has two drivers", with(".Y(t1)", ".Y(t0)"));
  refuse(file + ":3: combinational loop through 1 cells: t2",
         with("AND2X1 u3 (.A(a[1])", "AND2X1 u3 (.A(t2)"));
  refuse(
      file + ":7: cell u3 is a LATCH: it is a latch",
      with("AND2X1 u3 (.A(a[1]), .B(b[1]), .Y(t2));", "LATCH u3 (.CLK(a[1]), .D(b[1]), .Q(t2));"),
      ErrorKind::kUnimplemented);
  refuse(
      file + ":7: cell u3 is a TBUFX1: it has a three-state output",
      with("AND2X1 u3 (.A(a[1]), .B(b[1]), .Y(t2));", "TBUFX1 u3 (.A(a[1]), .EN(b[1]), .Y(t2));"),
      ErrorKind::kUnimplemented);
  refuse("holds flip-flops, expected a combinational multiplier",
         with("AND2X1 u3 (.A(a[1]), .B(b[1]), .Y(t2));",
              "DFFPOSX1 u3 (.CLK(a[1]), .D(b[1]), .Q(t2));"),
         ErrorKind::kUnimplemented);
  refuse(file + ":4: ERROR: syntax error", with("AND2X1 u0 (.A(a[0])", "AND2X1 u0 (.A(a[0]"));
  fmt::print("checked={}\n", refused);
  const std::filesystem::path cache = directory_.path() / "cache" / "components";
  EXPECT_TRUE(!std::filesystem::exists(cache) || std::filesystem::is_empty(cache));
}

}  // namespace
}  // namespace lutra::synth
