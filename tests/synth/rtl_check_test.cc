// The netlist against its source, and the simulators against each other.

#include "rtl_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lutra/base/files.h"
#include "lutra/component/component.h"
#include "lutra/component/library.h"
#include "lutra/netlist/liberty.h"
#include "lutra/synthesis/synthesis.h"
#include "test_files.h"

namespace lutra::synth {
namespace {

using test::expect_error;
namespace fs = std::filesystem;

/// PATH while it lives.
class PathIs {
 public:
  explicit PathIs(const std::string& path) : saved_(getenv("PATH")) {
    setenv("PATH", path.c_str(), 1);
  }
  ~PathIs() { setenv("PATH", saved_.c_str(), 1); }

 private:
  std::string saved_;
};

class RtlCheckTest : public testing::Test {
 protected:
  void SetUp() override {
    LUTRA_SKIP_WITHOUT_TOOLS();
    for (const char* program : {"verilator", "g++", "iverilog"}) {
      if (!test::on_path(program)) GTEST_SKIP() << program << " is not on PATH";
    }
  }

  CharacterizeOptions options(int prove_s = -1) const {
    CharacterizeOptions options;
    options.cache_dir = directory_.path() / "cache";
    options.prove_s = prove_s;
    return options;
  }

  Component run(const std::string& text, int prove_s = -1) const {
    return characterize(
        verilog_source({directory_.write("user.v", text)}, "", Signedness::kUnsigned),
        options(prove_s));
  }

  /// A directory for PATH with the tools that a characterisation needs, and these.
  std::string path_with(const std::vector<std::string>& more) const {
    // A name of its own for each: what a PATH holds does not change while a program runs.
    const fs::path bin = directory_.path() / fmt::format("bin-{}", fmt::join(more, "-"));
    fs::create_directories(bin);
    std::vector<std::string> programs = {"yosys", "yosys-abc", "berkeley-abc", "sta"};
    programs.insert(programs.end(), more.begin(), more.end());
    std::istringstream all(getenv("PATH"));
    std::string from;
    while (std::getline(all, from, ':')) {
      for (const std::string& program : programs) {
        if (fs::exists(fs::path(from) / program) && !fs::exists(bin / program)) {
          fs::create_symlink(fs::path(from) / program, bin / program);
        }
      }
    }
    return bin.string();
  }

  test::TestDirectory directory_;
};

TEST_F(RtlCheckTest, EveryPairUpToTwelveBits) {
  std::uint64_t compared = 0;
  for (const char* specification : {"drum:width=9,signed=0", "exact:width=12"}) {
    const Component component = characterize(library_source(specification), options());
    const nlohmann::json& check = component.json.at("rtl_check");
    EXPECT_EQ(check.at("result"), "equal") << check;
    EXPECT_EQ(check.at("exhaustive"), true);
    EXPECT_EQ(check.at("pairs"), component.widths.pairs());
    EXPECT_EQ(check.at("simulator").get<std::string>().rfind("Verilator", 0), 0u);
    compared += check.at("pairs").get<std::uint64_t>();
  }
  fmt::print("checked={}\n", compared);
  EXPECT_EQ(compared, (1u << 18) + (1u << 24));
}

TEST_F(RtlCheckTest, PipelinesToo) {
  MultiplierSource source = verilog_source(
      {directory_.write("p.v",
                        "module p (input clk, input [8:0] a, input [8:0] b, output reg [17:0] p);\n"
                        "  reg [17:0] q;\n  always @(posedge clk) begin q <= a * b; p <= q; end\n"
                        "endmodule\n")},
      "", Signedness::kUnsigned);
  source.latency = 2;
  const nlohmann::json check = characterize(source, options()).json.at("rtl_check");
  EXPECT_EQ(check.at("result"), "equal") << check;
  EXPECT_EQ(check.at("pairs"), 1 << 18);
}

// As SourceThatYosysReadsWronglyIsNoticed_bad, where only Verilator sees every pair.
TEST_F(RtlCheckTest, WideSourceThatYosysReadsWronglyIsNoticed_bad) {
  expect_error(ErrorKind::kMismatch, "one of the two reads the source wrongly", [&] {
    need_check(run("module m (input [8:0] a, input [8:0] b, output reg [17:0] p);\n"
                   "  reg signed [3:0] s;\n  always @* begin\n    p = 0;\n    s = a[3:0];\n"
                   "    p[b[2:0] +: 8] = s;\n  end\nendmodule\n"),
               true);
  });
  // One pair of 2^18: corner values and random pairs would have to be lucky.
  expect_error(ErrorKind::kMismatch, "for a = 301, b = 77 the source gives", [&] {
    need_check(run("module m (input [8:0] a, input [8:0] b, output [17:0] p);\n"
                   "`ifdef YOSYS\n  assign p = a * b;\n`else\n"
                   "  assign p = a == 301 && b == 77 ? 5 : a * b;\n`endif\nendmodule\n"),
               true);
  });
}

// Verilator knows no undefined bits; those pairs are put to Icarus.
TEST_F(RtlCheckTest, UndefinedBitsAreNoMismatch) {
  const nlohmann::json check =
      run("module m (input [8:0] a, input [8:0] b, output reg [17:0] p);\n"
          "  always @* if (a == 9'd3) p = 18'bx; else p = a * b;\nendmodule\n")
          .json.at("rtl_check");
  EXPECT_EQ(check.at("result"), "equal") << check;
  EXPECT_EQ(check.at("pairs"), 1 << 18);
  EXPECT_GT(check.at("settled_by_iverilog"), 100);
  EXPECT_GT(check.at("undefined_bits"), 100);
}

TEST_F(RtlCheckTest, EachSimulatorStandsInForTheOther) {
  const auto checked = [&](const char* specification, const std::vector<std::string>& programs) {
    const PathIs path(path_with(programs));
    return characterize(library_source(specification), options()).json.at("rtl_check");
  };
  const nlohmann::json icarus = checked("udm:width=10", {"iverilog", "vvp"});
  EXPECT_EQ(icarus.at("result"), "equal");
  EXPECT_EQ(icarus.at("exhaustive"), false);
  EXPECT_EQ(icarus.at("pairs"), 65536);
  EXPECT_EQ(icarus.at("not_exhaustive_because"), "verilator is not on PATH");
  const nlohmann::json verilator =
      checked("udm", {"verilator", "verilator_bin", "perl", "g++", "as", "ld", "env"});
  const nlohmann::json none = checked("trunc", {});
  EXPECT_EQ(verilator.at("result"), "equal") << verilator;
  EXPECT_EQ(verilator.at("exhaustive"), true);
  EXPECT_EQ(none.at("result"), "not checked");
  EXPECT_EQ(none.at("reason"), "iverilog is not on PATH; verilator is not on PATH");
}

// --- netlists under three simulators
// ---------------------------------------------------------------

/// The mapped netlist of a component as a source of its own.
struct NetlistAsSource {
  explicit NetlistAsSource(const Component& component)
      : source(component.source),
        sources(VerilogSources::read({component.directory / "netlist.v"}, component.source.top)),
        cells(base::read_file(component.directory / "cells.v")) {
    source.parameters.clear();
    source.mapped = true;
  }

  MultiplierSource source;
  VerilogSources sources;
  std::string cells;
};

TEST_F(RtlCheckTest, VerilatedNetlistAndIcarusAgreeWithTheBitParallelSimulator) {
  std::uint64_t compared = 0;
  std::vector<PatternPair> pairs;
  for (std::uint32_t i = 0; i < 65536; ++i) pairs.push_back({i >> 8, i & 255});
  for (const char* specification : {"exact", "booth", "drum:kept_bits=4,signed=0", "compressor"}) {
    const Component component = characterize(library_source(specification), options());
    const NetlistAsSource netlist(component);
    std::vector<std::uint32_t> products;
    for (const std::int16_t p : component.lut) products.push_back(static_cast<std::uint16_t>(p));
    const nlohmann::json icarus =
        check_against_rtl(netlist.source, netlist.sources, 8, pairs, products, netlist.cells, 2);
    const nlohmann::json verilator =
        check_all_against_rtl(netlist.source, netlist.sources, 8, products, netlist.cells, 2);
    EXPECT_EQ(icarus.at("result"), "equal") << specification << icarus;
    EXPECT_EQ(icarus.at("undefined_bits"), 0) << specification;
    EXPECT_EQ(verilator.at("result"), "equal") << specification << verilator;
    compared +=
        icarus.at("pairs").get<std::uint64_t>() + verilator.at("pairs").get<std::uint64_t>();
    if (compared > 2 * 65536) continue;
    // The comparison can fail.
    products[4711] ^= 16;
    for (const nlohmann::json& check :
         {check_against_rtl(netlist.source, netlist.sources, 8, pairs, products, netlist.cells, 2),
          check_all_against_rtl(netlist.source, netlist.sources, 8, products, netlist.cells, 2)}) {
      EXPECT_EQ(check.at("result"), "different");
      EXPECT_NE(check.at("reason").get<std::string>().find(fmt::format("= {}", 4711 >> 8)),
                std::string::npos)
          << check;
    }
  }
  fmt::print("checked={}\n", compared);
  EXPECT_EQ(compared, 4 * 2 * 65536u);
}

/// A netlist of osu018 that Verilator 5.006 simulates wrongly: bits of the output are read back,
/// and others are driven through a concatenation.
constexpr const char* kReadBack = R"(
module read_back (input [8:0] a, input [8:0] b, output [17:0] p);
  assign p[1:0] = a[1:0];
  AND2X1 u9 (.A(a[1]), .B(b[1]), .Y(p[9]));
  AND2X1 u4 (.A(p[8]), .B(b[0]), .Y(p[4]));
  AND2X1 u5 (.A(p[2]), .B(a[0]), .Y(p[5]));
  assign p[7:6] = b[1:0];
  assign p[17:10] = {a[8:5], b[8:5]};
  assign {p[8], p[3:2]} = {p[9], 1'h0, p[9]};
endmodule
)";

std::uint32_t read_back(std::uint32_t a, std::uint32_t b) {
  const std::uint32_t n = a >> 1 & b >> 1 & 1;
  return (a & 3) | n << 2 | (n & b) << 4 | (n & a) << 5 | (b & 3) << 6 | n << 8 | n << 9 |
         (b >> 5) << 10 | (a >> 5) << 14;
}

TEST_F(RtlCheckTest, VerilatorsTrapIsGuarded) {
  MultiplierSource source =
      verilog_source({directory_.write("read_back.v", kReadBack)}, "", Signedness::kUnsigned);
  source.mapped = true;
  const Component component = characterize(source, options());
  const nlohmann::json& check = component.json.at("rtl_check");
  EXPECT_EQ(check.at("result"), "equal") << check;
  EXPECT_EQ(check.at("exhaustive"), false);
  EXPECT_EQ(check.at("not_exhaustive_because"),
            "verilator warns of UNOPTFLAT: it may simulate this netlist wrongly");

  std::vector<std::uint32_t> products;
  for (std::uint32_t i = 0; i < 1u << 18; ++i) products.push_back(read_back(i >> 9, i & 511));
  // The netlist as Lutra writes it, single bits behind a shell, is simulated rightly.
  const NetlistAsSource written(component);
  const nlohmann::json right =
      check_all_against_rtl(written.source, written.sources, 9, products, written.cells, 2);
  EXPECT_EQ(right.at("result"), "equal") << right;
  EXPECT_EQ(right.at("pairs"), 1 << 18);
  // Without the guard it is not: were this repaired, the guard could go.
  MultiplierSource unguarded = component.source;
  unguarded.mapped = false;
  const nlohmann::json wrong =
      check_all_against_rtl(unguarded, VerilogSources::read({directory_.path() / "read_back.v"}), 9,
                            products, base::read_file(component.directory / "cells.v"), 2);
  EXPECT_EQ(wrong.at("result"), "equal") << "Icarus has the last word: " << wrong;
  EXPECT_EQ(wrong.value("settled_by_iverilog", 0), 1 << 16) << "products Verilator got wrong";
  EXPECT_EQ(wrong.at("undefined_bits"), 0);
}

// --- proofs
// -----------------------------------------------------------------------------------------

TEST_F(RtlCheckTest, NetlistsAreProved) {
  int proved = 0;
  for (const char* specification :
       {"exact", "drum:kept_bits=4", "mitchell:width=6", "udm:signed=0", "ptm:columns=5"}) {
    const Component component = characterize(library_source(specification), options(60));
    EXPECT_EQ(component.json.at("proof").at("result"), "proved")
        << specification << component.json.at("proof");
    EXPECT_EQ(component.json.at("proof").at("limit_s"), 60);
    proved += component.json.at("proof").at("result") == "proved";
  }
  fmt::print("checked={}\n", proved);
  EXPECT_EQ(characterize(library_source("exact"), options()).json.at("proof").at("result"),
            "not checked")
      << "all pairs were compared";
}

/// The netlist of one design beside the source of another.
class ProofTest : public RtlCheckTest {
 protected:
  nlohmann::json prove(const MultiplierSource& source, const MultiplierSource& other, int limit_s) {
    const fs::path out = directory_.path() / "other";
    const SynthesisResult synthesis =
        synthesize(other.files, other.top, other.parameters, default_liberty(), out);
    const Liberty liberty = Liberty::read(default_liberty());
    const Netlist netlist = Netlist::read_json(synthesis.netlist_json, liberty);
    // The netlist takes the source's name.
    base::write_file(synthesis.netlist_verilog, netlist.verilog(source.top));
    MultiplierSource resolved = source;
    resolved.ports = {"a_i", "b_i", "p_o"};
    return prove_against_rtl(resolved, VerilogSources::read(source.files, source.top), netlist, "",
                             limit_s, out);
  }
};

TEST_F(ProofTest, WideMultipliersAreProvedOrUndecided) {
  const MultiplierSource exact = library_source("exact:width=16");
  EXPECT_EQ(prove(exact, exact, 60).at("result"), "proved");
  // The same function in another structure is out of any prover's reach: that is said.
  const nlohmann::json hard = prove(exact, library_source("booth:width=16"), 1);
  EXPECT_EQ(hard.at("result"), "undecided") << hard;
  EXPECT_EQ(hard.at("limit_s"), 1);
}

TEST_F(ProofTest, AWrongNetlistIsRefuted_bad) {
  const nlohmann::json proof =
      prove(library_source("exact:width=14"), library_source("drum:kept_bits=12,width=14"), 30);
  EXPECT_EQ(proof.at("result"), "different") << proof;
  EXPECT_NE(proof.at("reason").get<std::string>().find("which abc proves to differ"),
            std::string::npos);
}

TEST_F(RtlCheckTest, RefutedOverUndefinedBitsIsRecorded) {
  const Component component =
      run("module m (input [3:0] a, input [3:0] b, output reg [7:0] p);\n"
          "  always @* if (a == 4'd11) p = 8'bx; else p = a * b;\nendmodule\n",
          20);
  const nlohmann::json& proof = component.json.at("proof");
  EXPECT_EQ(proof.at("result"), "refuted") << proof;
  EXPECT_EQ(proof.at("counterexample").at("a"), 11) << proof;
  EXPECT_NE(proof.at("reason").get<std::string>().find("undefined"), std::string::npos);
  EXPECT_EQ(load_component(component.directory).json.at("proof"), proof);
}

}  // namespace
}  // namespace lutra::synth
