// Verilog as every tool reads it: what the preprocessor makes of directives, what is kept, what is
// refused; and that the tools, which then read it, agree.

#include "lutra/synthesis/verilog_sources.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lutra/base/files.h"
#include "lutra/component/component.h"
#include "lutra/component/library.h"
#include "lutra/system/tool.h"
#include "test_files.h"

namespace lutra::synth {
namespace {

using test::expect_error;
namespace fs = std::filesystem;

class VerilogSourcesTest : public testing::Test {
 protected:
  fs::path write(const std::string& name, const std::string& text) const {
    fs::create_directories((directory_.path() / name).parent_path());
    return directory_.write(name, text);
  }
  /// The text of a file's module, blanks squeezed.
  static std::string squeezed(const std::string& text) {
    std::string result;
    for (const char c : text) {
      const bool blank = c == ' ' || c == '\n' || c == '\t';
      if (!blank) result += c;
      if (blank && !result.empty() && result.back() != ' ') result += ' ';
    }
    return result;
  }
  std::string read(const std::string& text, const VerilogReading& reading = {}) const {
    const VerilogSources sources = VerilogSources::read({write("m.v", text)}, "", reading);
    std::string all;
    for (const VerilogSources::File& file : sources.files()) all += file.text;
    return squeezed(all);
  }
  static std::string module_with(const std::string& body) {
    return "module m (input [7:0] a, input [7:0] b, output [15:0] p);\n" + body + "\nendmodule\n";
  }
  void refuses(const std::string& part, const std::string& body) const {
    expect_error(ErrorKind::kInvalidArgument, part, [&] { read(module_with(body)); });
  }

  test::TestDirectory directory_;
};

TEST_F(VerilogSourcesTest, MacrosExpand) {
  const std::string text = read(
      "`define W 8 // a comment is no part of it\n"
      "`define SUM(x, y=3) ((x) + \\\n   (y))\n"
      "`define PASTE(n) wire n``_w = \"n is `W\" == 0;\n"
      "`define TWICE(x) `SUM(`SUM(x), x)\n" +
      module_with("assign p = `SUM(a[`W-1:0], {b, b}) + `SUM((1, 2)) + `TWICE(4);\n`PASTE(q)"));
  EXPECT_NE(text.find("((a[8-1:0]) + ({b, b}))"), std::string::npos) << text;
  EXPECT_NE(text.find("(((1, 2)) + (3))"), std::string::npos) << text;
  EXPECT_NE(text.find("((((4) + (3))) + (4))"), std::string::npos) << text;
  EXPECT_NE(text.find("wire q_w = \"n is `W\" == 0;"), std::string::npos) << text;
}

TEST_F(VerilogSourcesTest, ConditionsNestAndDefinesComeFromOutside) {
  const std::string text = module_with(
      "`ifdef A\n`ifdef B\nwire ab;\n`else\nwire a_only;\n`endif\n`elsif C\nwire c_only;\n`else\n"
      "`include \"nowhere.vh\"\n`UNDEFINED wire none;\n`endif\nassign p = 0;");
  VerilogReading reading;
  reading.defines = {{"C", "1"}};
  EXPECT_NE(read(text, reading).find("c_only"), std::string::npos);
  reading.defines = {{"A", ""}};
  EXPECT_NE(read(text, reading).find("wire a_only"), std::string::npos);
  reading.defines = {{"A", ""}, {"B", ""}};
  EXPECT_NE(read(text, reading).find("wire ab"), std::string::npos);
  expect_error(ErrorKind::kInvalidArgument, "m.v:11: `include \"nowhere.vh\": no such file",
               [&] { read(text); });
  refuses("m.v:2: `ifdef or `ifndef without `endif", "`ifdef X\nassign p = 0;");
  refuses("m.v:2: `else without `ifdef", "`else\nassign p = 0;");
  refuses("m.v:3: the macro `MISSING is not defined", "assign p =\n `MISSING;");
  refuses("m.v:2: a comment /* without end", "/* assign p = 0;");
}

TEST_F(VerilogSourcesTest, DirectivesThatMeanNothingHereAreDropped) {
  const std::string text = read("`timescale 1ns / 1ps\n`celldefine\n" +
                                module_with("// synthesis translate_off\ninitial $fopen(\"x\");\n"
                                            "// synthesis translate_on\nassign p = a * b;") +
                                "`endcelldefine\n`resetall\n");
  EXPECT_EQ(text.find("timescale"), std::string::npos) << text;
  EXPECT_EQ(text.find("fopen"), std::string::npos) << text;
}

TEST_F(VerilogSourcesTest, EachLineKnowsWhereItComesFrom) {
  write("inc.vh", "wire x;\nwire y;\n");
  const VerilogSources sources = VerilogSources::read({write(
      "m.v", module_with("`define LONG a \\\n + b\n`include \"inc.vh\"\nassign p = `LONG;"))});
  ASSERT_EQ(sources.files().size(), 1u);
  const VerilogSources::File& file = sources.files()[0];
  int line = 1;
  int seen = 0;
  std::istringstream lines(file.text);
  for (std::string text; std::getline(lines, text); ++line) {
    const std::string message = fmt::format("source/{}:{}: error", file.name, line);
    const auto expect = [&](const std::string& part, const std::string& where) {
      if (text.find(part) == std::string::npos) return;
      EXPECT_EQ(sources.located(message), (directory_.path() / where).string() + ": error");
      ++seen;
    };
    expect("wire y", "inc.vh:2");
    expect("assign p = a", "m.v:5");
  }
  EXPECT_EQ(seen, 2);
  EXPECT_EQ(file.origins.size(), static_cast<std::size_t>(line - 1));
}

TEST_F(VerilogSourcesTest, IncludesGoUpwardsThroughMacrosAndByOption) {
  write("common/half.vh", "wire [15:0] h = a * b;\n");
  write("deep/er/m.v",
        "`define FILE \"../../common/half.vh\"\n" + module_with("`include `FILE\nassign p = h;"));
  EXPECT_NE(
      VerilogSources::read({directory_.path() / "deep/er/m.v"}).files()[0].text.find("= a * b"),
      std::string::npos);
  write("n.v", module_with("`include <half.vh>\nassign p = h;"));
  VerilogReading reading;
  reading.include_directories = {directory_.path() / "common"};
  EXPECT_NE(VerilogSources::read({directory_.path() / "n.v"}, "", reading)
                .files()[0]
                .text.find("= a * b"),
            std::string::npos);
  // Two files of one name in two folders are two files.
  write("x/part.vh", "wire [7:0] x = 1;\n");
  write("x/one.vh", "`include \"part.vh\"\n");
  write("y/part.vh", "wire [7:0] y = 2;\n");
  write("y/two.vh", "`include \"part.vh\"\n");
  const std::string both =
      read(module_with("`include \"x/one.vh\"\n`include \"y/two.vh\"\n"
                       "assign p = x + y;"));
  EXPECT_NE(both.find("wire [7:0] x = 1;"), std::string::npos);
  EXPECT_NE(both.find("wire [7:0] y = 2;"), std::string::npos);
  refuses("expected a relative path", "`include \"/etc/passwd\"");
  refuses("only Verilog is read", "`include \"../../../../../../etc/passwd\"");
  refuses("more than 128 deep", "`include \"m.v\"");
}

TEST_F(VerilogSourcesTest, IncludedFilesAreCompiledOnce) {
  const fs::path rows = write("lib/rows.v",
                              "module rows (input [7:0] x, input [7:0] y, output [15:0] z);\n"
                              "  assign z = x * y;\nendmodule\n");
  const fs::path mul =
      write("src/mul.v", "`include \"rows.v\"\n" + module_with("rows r (a, b, p);"));
  for (const auto& files : std::vector<std::vector<fs::path>>{{mul, rows}, {rows, mul}}) {
    const VerilogSources sources = VerilogSources::read(files);
    EXPECT_EQ(sources.top(), "m");
    EXPECT_EQ(sources.files().size(), 1u);
    EXPECT_EQ(sources.modules().size(), 2u);
  }
  // Without guards in two files, the same definition counts once; another one is an error.
  const fs::path other = write("lib/other.v",
                               "`include \"rows.v\"\nmodule other (input [7:0] a, "
                               "output [15:0] q); rows r (a, a, q); endmodule\n");
  EXPECT_EQ(VerilogSources::read({mul, other, rows}, "m").modules().size(), 2u);
  const fs::path clash = write("lib/clash.v", "module rows (input x); endmodule\n");
  expect_error(ErrorKind::kInvalidArgument, "module rows is defined already, at", [&] {
    VerilogSources::read({mul, rows, clash}, "m");
  });
}

TEST_F(VerilogSourcesTest, TestbenchesAndStrayModulesAreLeftOut) {
  const std::string bench =
      "module tb;\n reg [7:0] a, b; wire [15:0] p; integer f;\n mul dut (a, b, p);\n"
      " initial begin f = $fopen(\"log\"); $system(\"true\"); `PERIOD end\nendmodule\n";
  const std::string mul =
      "(* keep *) module mul (input [7:0] a, input [7:0] b, output [15:0] p);\n"
      "  assign p = a * b;\nendmodule\n";
  const VerilogSources sources = VerilogSources::read({write("m.v", mul + bench)});
  EXPECT_EQ(sources.top(), "mul") << "what has no ports is no multiplier";
  EXPECT_EQ(sources.files()[0].text.find("$system"), std::string::npos);
  EXPECT_EQ(sources.modules().size(), 1u);
  const std::string stray = "module stray (input x, output y); assign y = x; endmodule\n";
  expect_error(ErrorKind::kInvalidArgument, "no root module found among several: mul, stray",
               [&] { VerilogSources::read({write("m.v", mul + stray)}); });
  EXPECT_EQ(VerilogSources::read({write("m.v", mul + stray)}, "stray").modules().size(), 1u);
  expect_error(ErrorKind::kInvalidArgument, "no module wallace, expected one of: mul",
               [&] { VerilogSources::read({write("m.v", mul)}, "wallace"); });
}

TEST_F(VerilogSourcesTest, WhatReachesOutsideIsRefused_bad) {
  int refused = 0;
  const auto refuse = [&](const std::string& what, const std::string& body) {
    refuses("m.v:3: " + what + " is refused: it reaches beyond the simulation",
            "wire w;\n" + body + "\nassign p = 0;");
    ++refused;
  };
  for (const char* task : {"$system", "$fopen", "$fwrite", "$fdisplay", "$fclose", "$fscanf",
                           "$fread", "$dumpfile", "$dumpvars", "$writememh", "$sdf_annotate", "$c",
                           "$value$plusargs", "$test$plusargs", "$save", "$my_vpi_task"}) {
    refuse(task, fmt::format("initial {}(\"x\");", task));
  }
  refuse("import \"DPI-C\"", "import \"DPI-C\" function int system(string s);");
  // A macro hides nothing.
  refuses("m.v:3: $system is refused",
          "`define CALL(x) $``x(\"touch y\");\ninitial `CALL(system)\nassign p = 0;");
  fmt::print("checked={}\n", refused);
  refuses("`verilator_config is refused", "`verilator_config\nassign p = 0;");
  refuses("`systemc_imp_header is refused", "`systemc_imp_header\nassign p = 0;");
  VerilogReading trusted;
  trusted.trusted = true;
  EXPECT_NE(read(module_with("initial $system(\"x\");\nassign p = 0;"), trusted).find("$system"),
            std::string::npos);
}

TEST_F(VerilogSourcesTest, MemoriesComeAlong) {
  write("rom.hex", "// products\n0 1\n@2 3\n");
  const auto read_rom = [&](const std::string& name) {
    return VerilogSources::read(
        {write("m.v", module_with("reg [15:0] r [0:3]; initial $readmemh(\"" + name +
                                  "\", r); assign p = r[a[1:0]];"))});
  };
  const VerilogSources sources = read_rom("rom.hex");
  ASSERT_EQ(sources.memories().size(), 1u);
  const std::string& own = sources.memories().begin()->first;
  EXPECT_NE(sources.files()[0].text.find(own), std::string::npos);
  EXPECT_EQ(sources.files()[0].text.find("rom.hex"), std::string::npos);
  // Another content is another source, also under the same name.
  write("rom.hex", "0 1\n@2 4\n");
  EXPECT_NE(read_rom("rom.hex").key_text(), sources.key_text());
  // By a parameter's default.
  const VerilogSources by_parameter = VerilogSources::read({write(
      "m.v",
      "module m #(parameter FILE = \"rom.hex\") (input [7:0] a, input [7:0] b, output [15:0] p);\n"
      "reg [15:0] r [0:3]; initial $readmemh(FILE, r); assign p = r[a[1:0]];\nendmodule\n")});
  EXPECT_EQ(by_parameter.memories().size(), 1u);
  expect_error(ErrorKind::kInvalidArgument, "lies outside the source's own directory",
               [&] { read_rom("/etc/hostname"); });
  write("secret.txt", "password\n");
  expect_error(ErrorKind::kInvalidArgument, "line 1: expected hexadecimal or binary words",
               [&] { read_rom("secret.txt"); });
  expect_error(ErrorKind::kInvalidArgument, "memory file \"none.hex\": no such file",
               [&] { read_rom("none.hex"); });
}

TEST_F(VerilogSourcesTest, EndlessMacrosEnd_bad) {
  std::string bomb = "`define A0 1 +\n";
  for (int n = 1; n < 12; ++n) {
    bomb += fmt::format("`define A{}", n);
    for (int k = 0; k < 20; ++k) bomb += fmt::format(" `A{}", n - 1);
    bomb += "\n";
  }
  expect_error(ErrorKind::kExhausted, "macros expand to more than 16 MiB",
               [&] { read(bomb + module_with("assign p = `A11 0;")); });
  refuses("deep", "`define LOOP `LOOP\nassign p = `LOOP;");
}

/// Sources that one front end or another stumbles over: all of them are exact multipliers.
class WildVerilogTest : public VerilogSourcesTest, public testing::WithParamInterface<int> {};

struct Wild {
  const char* name;
  const char* text;
};
constexpr Wild kWild[] = {
    {"keywords_as_names",
     "module m (input [7:0] a, input [7:0] b, output [15:0] p);\n"
     "  wire [15:0] int; wire bit = 1, logic = bit, byte = logic;\n"
     "  assign int = a * b; assign p = byte ? int : 16'd0;\nendmodule\n"},
    {"escaped_ports",
     "module m (input [7:0] \\a.x , input [7:0] \\b[0] , output [15:0] \\p+q );\n"
     "  assign \\p+q = \\a.x * \\b[0] ;\nendmodule\n"},
    {"keywords_as_ports",
     "module m (input [7:0] bit, input [7:0] logic, output [15:0] byte);\n"
     "  assign byte = bit * logic;\nendmodule\n"},
    {"delays",
     "`timescale 1ns / 1ps\nmodule m (input [7:0] a, input [7:0] b, output [15:0] p);\n"
     "  wire [15:0] q; assign #7 q = a * b; assign #(3, 4) p = q;\nendmodule\n"},
    {"no_implicit_nets",
     "`default_nettype none\nmodule m (input wire [7:0] a, input wire [7:0] b, output wire [15:0] "
     "p);\n  assign p = a * b;\nendmodule\n"},
    {"display",
     "module m (input [7:0] a, input [7:0] b, output [15:0] p);\n"
     "  initial $display(\"compared 65536\"); assign p = a * b;\nendmodule\n"},
    {"further_module_with_the_bench_s_names",
     "module lutra_bench (input [7:0] a, input [7:0] b, output [15:0] p); assign p = a * b;\n"
     "endmodule\nmodule m (input [7:0] a, input [7:0] b, output [15:0] p);\n"
     "  lutra_bench dut (a, b, p);\nendmodule\n"},
};

TEST_P(WildVerilogTest, IsReadAndChecked) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  if (!test::on_path("iverilog")) GTEST_SKIP() << "iverilog is not on PATH";
  CharacterizeOptions options;
  options.cache_dir = directory_.path() / "cache";
  const Component component = characterize(
      verilog_source({write("m.v", kWild[GetParam()].text)}, "m", Signedness::kUnsigned), options);
  EXPECT_EQ(component.errors.ep, 0);
  const nlohmann::json& check = component.json.at("rtl_check");
  EXPECT_EQ(check.at("result"), "equal") << check;
  EXPECT_EQ(check.at("exhaustive"), true);
  EXPECT_EQ(check.at("undefined_bits"), 0);
}

INSTANTIATE_TEST_SUITE_P(Sources, WildVerilogTest,
                         testing::Range(0, static_cast<int>(std::size(kWild))),
                         [](const auto& p) { return std::string(kWild[p.param].name); });

class CheckOutcomeTest : public VerilogSourcesTest {
 protected:
  void SetUp() override {
    LUTRA_SKIP_WITHOUT_TOOLS();
    if (!test::on_path("iverilog")) GTEST_SKIP() << "iverilog is not on PATH";
    options_.cache_dir = directory_.path() / "cache";
  }
  Component run(const std::string& text, Signedness signedness = Signedness::kUnsigned) {
    return characterize(verilog_source({write("m.v", text)}, "m", signedness), options_);
  }
  CharacterizeOptions options_;
};

// Two drivers share a bus, one at a time: Yosys makes zeros of it.
TEST_F(CheckOutcomeTest, ADifferenceIsNoComponentToUse_bad) {
  const Component component = run(module_with(
      "tri [15:0] s; assign s = a == 0 ? 16'b0 : 16'bz; assign s = a == 0 ? 16'bz : a * b;\n"
      "assign p = s;"));
  EXPECT_EQ(component.json.at("rtl_check").at("result"), "different");
  expect_error(ErrorKind::kMismatch, "the netlist differs from the source",
               [&] { need_check(component, true); });
}

// A pipeline that is never enabled.
TEST_F(CheckOutcomeTest, AProductThatIsNeverDefinedIsNotChecked_bad) {
  MultiplierSource source = verilog_source(
      {write("m.v",
             "module m (input clk, input en, input [7:0] a, input [7:0] b, output reg [15:0] p);\n"
             "  always @(posedge clk) if (en) p <= a * b;\nendmodule\n")},
      "m", Signedness::kUnsigned);
  source.latency = 1;
  source.held = {{"en", 0}};
  const Component component = characterize(source, options_);
  const nlohmann::json& check = component.json.at("rtl_check");
  EXPECT_EQ(check.at("result"), "not checked") << check;
  EXPECT_EQ(check.at("undefined_bits"), 16 * 65536);
  EXPECT_NE(check.at("reason").get<std::string>().find("bit 0 of the product on every pair"),
            std::string::npos);
  expect_error(ErrorKind::kMismatch, "was not compared with the source",
               [&] { need_check(component, false); });
  need_check(component, true);
}

TEST_F(CheckOutcomeTest, ASourceCannotReportForTheBench_bad) {
  const Component component = run(
      module_with("`ifdef __ICARUS__\ninitial begin $display(\"compared 65536\"); $finish; end\n"
                  "assign p = a + b;\n`else\nassign p = a * b;\n`endif"));
  EXPECT_NE(component.json.at("rtl_check").value("simulator", "").rfind("Icarus", 0), 0u)
      << "Icarus ended before the first pair";
  const Component other =
      run(module_with("`ifdef __ICARUS__\nassign p = a + b;\n`else\n"
                      "assign p = a * b;\n`endif"));
  EXPECT_EQ(other.json.at("rtl_check").at("result"), "different");
}

TEST_F(CheckOutcomeTest, OnlyYosysTakesIt_bad) {
  if (!test::on_path("verilator")) GTEST_SKIP() << "verilator is not on PATH";
  expect_error(ErrorKind::kInvalidArgument, "m.v:2: only Yosys takes this line",
               [&] { run(module_with("assign p = a * b ^ {15'd0, carrry & a[0]};")); });
}

TEST_F(CheckOutcomeTest, SignednessComesFromPortsOptionOrData) {
  const std::string plain = module_with("assign p = a * b;");
  const std::string declared =
      "module m (input signed [7:0] a, input signed [7:0] b, output signed [15:0] p);\n"
      "assign p = a * b;\nendmodule\n";
  const auto read_as = [&](const std::string& text, Signedness signedness) {
    const Component component = run(text, signedness);
    return fmt::format("{} {} {}", component.is_signed ? "signed" : "unsigned",
                       component.json.at("signed_from").get<std::string>(),
                       component.json.at("warnings").size());
  };
  EXPECT_EQ(read_as(plain, Signedness::kFind), "unsigned data 0");
  EXPECT_EQ(read_as(plain, Signedness::kUnsigned), "unsigned option 0");
  EXPECT_EQ(read_as(plain, Signedness::kSigned), "signed option 1") << "the data contradict it";
  EXPECT_EQ(read_as(declared, Signedness::kFind), "signed ports 0");
  EXPECT_EQ(read_as(declared, Signedness::kUnsigned), "signed ports 1");
}

TEST_F(CheckOutcomeTest, CellsOfTheLibraryBesideRtl) {
  const std::string mixed =
      "module m (input [1:0] a, input [1:0] b, output [3:0] p);\n  wire c;\n"
      "  assign p[0] = a[0] & b[0];\n"
      "  HAX1 h0 (.A(a[1] & b[0]), .B(a[0] & b[1]), .YS(p[1]), .YC(c));\n"
      "  HAX1 h1 (.A(a[1] & b[1]), .B(c), .YS(p[2]), .YC(p[3]));\nendmodule\n";
  const Component component = run(mixed);
  EXPECT_EQ(component.errors.ep, 0);
  EXPECT_EQ(component.json.at("cells").at("HAX1"), 2) << "the designer's choice stays";
  EXPECT_EQ(component.json.at("rtl_check").at("result"), "equal");
  const Component modelled = run(mixed +
                                 "module HAX1 (input A, input B, output YC, output YS);\n"
                                 "  assign {YC, YS} = A + B;\nendmodule\n");
  EXPECT_EQ(modelled.errors.ep, 0);
  EXPECT_EQ(modelled.json.at("rtl_check").at("result"), "equal");
}

TEST_F(CheckOutcomeTest, ProductsOfOtherWidths) {
  const auto product_of = [&](const std::string& width, const std::string& body) {
    return run("module m (input [7:0] a, input [7:0] b, output " + width + " p, output zero);\n" +
                   body + "\nassign zero = p == 0;\nendmodule\n",
               Signedness::kFind);
  };
  const auto with_ports = [&](const std::string& width, const std::string& body) {
    MultiplierSource source = verilog_source(
        {write("m.v", "module m (input [7:0] a, input [7:0] b, output " + width +
                          " p, output zero);\n" + body + "\nassign zero = p == 0;\nendmodule\n")},
        "m");
    source.ports = {"a", "b", "p"};
    return characterize(source, options_);
  };
  const Component found = product_of("[15:0]", "assign p = a * b;");
  EXPECT_EQ(found.errors.ep, 0);
  EXPECT_EQ(found.json.at("warnings"), nlohmann::json({"m: the product is p; left alone: zero"}));
  expect_error(ErrorKind::kInvalidArgument, "2 inputs and 2 outputs",
               [&] { product_of("[14:0]", "assign p = a * b;"); });
  EXPECT_EQ(with_ports("[15:0]", "assign p = a * b;").errors.ep, 0) << "one output is left alone";
  const Component carry = with_ports("[16:0]", "assign p = a * b;");
  EXPECT_EQ(carry.errors.ep, 0);
  EXPECT_EQ(carry.json.at("rtl_check").at("result"), "equal");
  EXPECT_EQ(carry.json.at("warnings").size(), 1u);
  // The bit that is left out says something: that is a difference, not a shorter product.
  EXPECT_EQ(with_ports("[16:0]", "assign p = a * b + 17'd511;").json.at("rtl_check").at("result"),
            "different");
  const Component high = with_ports("[7:0]", "wire [15:0] f = a * b; assign p = f[15:8];");
  EXPECT_EQ(high.lut[255 * 256 + 255], static_cast<std::int16_t>(255 * 255 & 0xff00));
  EXPECT_EQ(high.errors.wce, 255);
  // Eight bits of it, but not the upper ones.
  expect_error(ErrorKind::kInvalidArgument,
               "widths 8 x 8 -> 8, expected n x m -> n + m; taken for the upper half",
               [&] { with_ports("[7:0]", "assign p = (a * b) >> 8;"); });
  // The component's own source makes it again.
  EXPECT_EQ(load_component(high.directory).source.top, "lutra_fitted_m");
}

TEST_F(CheckOutcomeTest, ParametersOfTheUsersTop) {
  MultiplierSource source = verilog_source({write(
      "m.v",
      "module m #(parameter W = 16) (input [W-1:0] a, input [W-1:0] b, output [2*W-1:0] p);\n"
      "  assign p = a * b;\nendmodule\n")});
  source.parameters = {{"W", 4}};
  const Component component = characterize(source, options_);
  EXPECT_EQ(component.widths, 4);
  EXPECT_EQ(component.errors.ep, 0);
}

TEST_F(CheckOutcomeTest, WhatYosysCannotReadIsUnsupported_bad) {
  expect_error(
      ErrorKind::kUnimplemented, "m.v:3: arrays of gates: Yosys 0.23 cannot read this", [&] {
        run(module_with("wire [7:0] row;\nand g [7:0] (row, a, {8{b[0]}});\nassign p = row;"));
      });
  expect_error(ErrorKind::kUnimplemented, "operands of 64 bits, expected 2..16", [&] {
    run("module m (input [63:0] a, input [63:0] b, output [127:0] p);\nassign p = a * b;\n"
        "endmodule\n");
  });
}

TEST(Confinement, ProgramsEndAtTheirLimitsWithAllTheyStarted) {
  const fs::path here = fs::temp_directory_path();
  ToolLimits limits;
  limits.output_bytes = 1 << 16;
  limits.seconds = 20;
  const ToolResult spam = run_tool({"yes"}, here, "coreutils", limits);
  EXPECT_TRUE(spam.output_cut);
  EXPECT_LT(spam.output.size(), (1u << 16) + (1u << 15));
  EXPECT_NE(spam.limit().find("printed more than"), std::string::npos);
  // A grandchild holds the pipe: it ends with the group.
  const ToolResult group = run_tool({"sh", "-c", "sleep 60 & sleep 60"}, here, "dash", 1);
  EXPECT_TRUE(group.timed_out);
  // What the system kills where memory runs out is not the design's fault.
  const ToolResult killed = run_tool({"sh", "-c", "kill -KILL $$"}, here, "dash");
  EXPECT_NE(killed.limit().find("was killed"), std::string::npos) << killed.status;
  EXPECT_EQ(run_tool({"sh", "-c", "exit 3"}, here, "dash").limit(), "");
  limits.memory_mib = 64;
  const ToolResult hungry =
      run_tool({"perl", "-e", "my $x = 'a' x 400000000; print length $x"}, here, "perl", limits);
  EXPECT_NE(hungry.status, 0) << hungry.output;
}

TEST(Confinement, ProgramsWriteIntoTheirDirectoryOnly) {
  if (sandbox().rfind("none", 0) == 0) GTEST_SKIP() << sandbox();
  const test::TestDirectory work;
  const test::TestDirectory elsewhere;
  const std::string script =
      fmt::format("touch here; touch {0}/there; touch $HOME/home; echo home $HOME; ls {0}",
                  elsewhere.path().string());
  const ToolResult run = run_tool({"sh", "-c", script}, work.path(), "dash");
  EXPECT_TRUE(fs::exists(work.path() / "here")) << run.output;
  EXPECT_FALSE(fs::exists(elsewhere.path() / "there")) << run.output;
  EXPECT_EQ(run.output.find(std::string("home ") + getenv("HOME") + "\n"), std::string::npos);
}

}  // namespace
}  // namespace lutra::synth
