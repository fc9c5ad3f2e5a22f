// Every class of bad input to the command: its exit code, a message that says where, what and what
// is allowed, nothing on stdout, and no result left behind.
#include <algorithm>
#include <fstream>

#include "lutra/base/files.h"
#include "lutra/base/npy.h"
#include "run_lutra.h"
#include "saved_network.h"

namespace lutra::test {
namespace {

namespace fs = std::filesystem;

class BadInput : public CommandLine {
 protected:
  /// @param parts  of the message on stderr
  void expect_refusal(int code, const std::vector<std::string>& parts,
                      std::vector<std::string> arguments,
                      const std::map<std::string, std::string>& variables = {}) {
    const Ended r = run_into("result", std::move(arguments), variables);
    EXPECT_EQ(r.status, code) << r.err;
    for (const std::string& part : parts) {
      EXPECT_NE(r.err.find(part), std::string::npos)
          << "\"" << r.err << "\" does not hold \"" << part << "\"";
    }
    EXPECT_EQ(r.err.find("internal error"), std::string::npos) << r.err;
    EXPECT_EQ(r.out, "");
    EXPECT_EQ(files_below(path() / "result"), std::vector<std::string>{});
    ++refused_;
  }
  ~BadInput() override {
    std::printf("checked=%d\n", refused_);
    EXPECT_TRUE(refused_ > 0 || IsSkipped());
  }

  std::string model() { return test::saved_network().string(); }

  /// A copy of the network that a test may damage.
  fs::path copied_model() {
    const fs::path copy = path() / "model";
    fs::copy(test::saved_network(), copy, fs::copy_options::recursive);
    return copy;
  }

  int refused_ = 0;
};

TEST_F(BadInput, NoSubcommand_bad) {
  const Ended r = run({});
  EXPECT_EQ(r.status, 2);
  EXPECT_NE(r.err.find("subcommand is required"), std::string::npos) << r.err;
  EXPECT_NE(r.err.find("lutra --help"), std::string::npos) << r.err;
  EXPECT_EQ(r.out, "");
  ++refused_;
}

TEST_F(BadInput, UnknownSubcommand_bad) {
  expect_refusal(2, {"'frobnicate' is no subcommand", "evaluate"}, {"frobnicate"});
}

TEST_F(BadInput, UnknownOption_bad) {
  expect_refusal(2, {"--frobnicate", "lutra multipliers --help"}, {"multipliers", "--frobnicate"});
}

TEST_F(BadInput, OptionOfTheWrongType_bad) {
  expect_refusal(2, {"--images", "many"}, {"evaluate", "--images", "many"});
  expect_refusal(2, {"--images", "-3"}, {"evaluate", "--images", "-3"});
  expect_refusal(2, {"--rows", "17 not in range 1 to 16"}, {"cosim", "--rows", "17"});
  expect_refusal(2, {"--coupling", "routed", "sideways"}, {"evaluate", "--coupling", "sideways"});
}

TEST_F(BadInput, NonsenseForACosimulation_bad) {
  const auto refuse = [&](const std::vector<std::string>& parts,
                          const std::vector<std::string>& options) {
    std::vector<std::string> arguments = {"cosim", "--model", model(), "--multiplier", "exact"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    expect_refusal(2, parts, arguments, {{"LUTRA_CACHE", (path() / "cache").string()}});
    // Before anything was characterised or built.
    EXPECT_FALSE(fs::exists(path() / "cache")) << options[0];
  };
  refuse({"--images", "0 not in range 1 to 2147483647"}, {"--images", "0"});
  refuse({"--images", "-1 not in range"}, {"--images", "-1"});
  refuse({"--images", "2.5"}, {"--images", "2.5"});
  refuse({"--first", "-1 not in range 0 to"}, {"--first", "-1"});
  refuse({"1 images from number 10000 on, fashion-mnist test has 10000"}, {"--first", "10000"});
  refuse({"10001 images from number 0 on"}, {"--images", "10001"});
  refuse({"2147483647 images from number 2147483647 on"},
         {"--first", "2147483647", "--images", "2147483647"});
  refuse({"--max-cycles", "0 not in range 1 to"}, {"--max-cycles", "0"});
  refuse({"--max-cycles", "-5"}, {"--max-cycles", "-5"});
  refuse({"--rows", "0 not in range 1 to 16"}, {"--rows", "0"});
  refuse({"--acc-depth", "0 not in range 1 to 65536"}, {"--acc-depth", "0"});
  refuse({"--scratch-kib", "3 not in"}, {"--scratch-kib", "3"});
  refuse({"--fault-mask", "256 not in range 0 to 255"}, {"--fault-mask", "256"});
  refuse({"--memory-latency-ns", "-1 not in range 0 to 100000"}, {"--memory-latency-ns", "-1"});
  refuse({"--reset-after", "0 not in range 1 to"}, {"--reset-after", "0"});
  refuse({"--wave-window: expected with --wave FILE"}, {"--wave-window", "1,2"});
  refuse({"first cycle 5, last cycle 2, expected first <= last"},
         {"--wave", "w.fst", "--wave-window", "5,2"});
  refuse({"--wave-window", "-1"}, {"--wave", "w.fst", "--wave-window", "-1,2"});
}

TEST_F(BadInput, ConfigurationFile_bad) {
  const auto unknown = write("unknown.toml", "images = 3\nimges = 3\n");
  expect_refusal(2, {"unknown.toml:2: unknown key 'imges', expected one of", "images"},
                 {"evaluate", "--config", unknown.string()});
  const auto type = write("type.toml", "\nimages = \"many\"\n");
  expect_refusal(2, {"type.toml:2: ", "--images", "many"}, {"evaluate", "--config", type.string()});
  const auto range = write("range.toml", "rows = 17\n");
  expect_refusal(2, {"range.toml:1: ", "--rows", "17 not in range 1 to 16"},
                 {"cosim", "--config", range.string()});
  const auto table = write("table.toml", "[images]\na = 1\n");
  expect_refusal(2, {"table.toml:1: images: expected a string"},
                 {"evaluate", "--config", table.string()});
  expect_refusal(2, {"absent.toml: no such file"}, {"evaluate", "--config", "absent.toml"});
}

TEST_F(BadInput, UnknownMultiplier_bad) {
  expect_refusal(2, {"frobnicator", "exact", "drum", "trunc", "bam"},
                 {"characterize", "frobnicator"});
  expect_refusal(2, {"frobnicator", "drum"},
                 {"evaluate", "--model", model(), "--multiplier", "frobnicator"});
}

TEST_F(BadInput, ParameterOutOfRange_bad) {
  expect_refusal(2, {"drum:kept_bits=9", "kept_bits = 9", "expected", ".."},
                 {"characterize", "drum:kept_bits=9"});
  expect_refusal(2, {"drum:cept_bits=4", "cept_bits", "kept_bits"},
                 {"characterize", "drum:cept_bits=4"});
  expect_refusal(2, {"kept_bits", "four", "an integer"}, {"characterize", "drum:kept_bits=four"});
}

TEST_F(BadInput, WrongOperandsAndClocks_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  expect_refusal(2, {"--operands", "absent.npy"},
                 {"characterize", "drum", "--operands", "absent.npy"});
  const fs::path text = write("text.npy", "1,2\n");
  expect_refusal(2, {"text.npy", "not a .npy file"},
                 {"characterize", "drum", "--operands", text.string()});
  expect_refusal(2, {"--clock", "0.001"}, {"characterize", "drum", "--clock", "-2"});
  expect_refusal(2, {"--clock", "fast"}, {"characterize", "drum", "--clock", "fast"});
  expect_refusal(2, {"--clock: not with --sweep"},
                 {"characterize", "--sweep", "drum", "--clock", "2"});
}

TEST_F(BadInput, WrongSaif_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const fs::path cache = path() / "cache";
  fs::create_directory(path() / "directory");
  const auto refuse = [&](int code, const std::vector<std::string>& parts,
                          const std::vector<std::string>& options) {
    std::vector<std::string> arguments = {"characterize", "drum"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    expect_refusal(code, parts, arguments, {{"LUTRA_CACHE", cache.string()}});
    EXPECT_FALSE(fs::exists(cache)) << "refused behind the work: " << options[1];
  };
  refuse(2, {"--saif absent/a.saif: absent is no directory"}, {"--saif", "absent/a.saif"});
  refuse(2, {"--saif directory: not a regular file"}, {"--saif", "directory"});
  refuse(2, {"--saif directory/: expected the name of a file"}, {"--saif", "directory/"});
  refuse(2, {"--saif /dev/null: not a regular file"}, {"--saif", "/dev/null"});
  refuse(2, {"--saif /proc/1/a.saif: /proc/1: no directory can be made here"},
         {"--saif", "/proc/1/a.saif"});
  refuse(2, {"--saif result/component/a.saif: ", "is replaced by every run"},
         {"--saif", "result/component/a.saif"});
  refuse(2, {"SAIF scope 'a//b': expected names of instances"},
         {"--saif", "a.saif", "--saif-scope", "a//b"});
  refuse(2, {"--saif-period", "0 not in range"}, {"--saif", "a.saif", "--saif-period", "0"});
  refuse(2, {"SAIF period of 1.0005 ns, expected whole ps"},
         {"--saif", "a.saif", "--saif-period", "1.0005"});
  refuse(2, {"--saif-glitches", "--saif"}, {"--saif-glitches", "--seed", "1"});
  refuse(2, {"--saif: not with --sweep"}, {"--saif", "a.saif", "--sweep"});
  const auto piped = write("piped.v", "module m; endmodule\n");
  expect_refusal(
      4, {"--saif-glitches: expected a multiplier without registers"},
      {"characterize", piped.string(), "--latency", "2", "--saif", "a.saif", "--saif-glitches"});
  std::string table;
  for (int i = 0; i < 65536; ++i) table += std::string("\0\0", 2);
  expect_refusal(2, {"--saif: not with a table"},
                 {"characterize", write("t.bin", table).string(), "--saif", "a.saif"});
  const fs::path histograms = path() / "histograms.npy";
  base::save_npy(histograms, {2, 256}, std::vector<int16_t>(512, 1));
  expect_refusal(4, {"histograms.npy holds histograms", "expected a trace"},
                 {"characterize", "drum", "--operands", histograms.string(), "--saif", "a.saif"});
  EXPECT_FALSE(fs::exists(path() / "a.saif"));
}

TEST_F(BadInput, NoVerilogInput_bad) { expect_refusal(2, {"input"}, {"characterize"}); }

TEST_F(BadInput, VerilogFileThatDoesNotExist_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  expect_refusal(2, {"absent.v", "no such file"}, {"characterize", "absent.v"});
}

TEST_F(BadInput, VerilogThatDoesNotParse_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const auto file = write("broken.v",
                          "module broken (input [7:0] a, input [7:0] b, output [15:0] p);\n"
                          "  assign p = a ** ;\n"
                          "endmodule\n");
  expect_refusal(2, {"broken.v:2"}, {"characterize", file.string()});
}

constexpr const char* kGood =
    "module good (input signed [7:0] a, input signed [7:0] b, output signed [15:0] p);\n"
    "  assign p = a * b;\n"
    "endmodule\n";

TEST_F(BadInput, VerilogWithoutTheTopModule_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  expect_refusal(2, {"other"}, {"characterize", write("good.v", kGood).string(), "--top", "other"});
}

TEST_F(BadInput, VerilogWithTheWrongPorts_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const auto three = write("three.v",
                           "module three (input [7:0] a, input [7:0] b, input c,\n"
                           "              output [15:0] p);\n"
                           "  assign p = a * b + c;\n"
                           "endmodule\n");
  expect_refusal(2, {"three"}, {"characterize", three.string()});
  const auto narrow = write("narrow.v",
                            "module narrow (input [7:0] a, input [7:0] b, output [7:0] p);\n"
                            "  assign p = a * b;\n"
                            "endmodule\n");
  expect_refusal(2, {"narrow"}, {"characterize", narrow.string()});
  expect_refusal(2, {"good", "q"},
                 {"characterize", write("good.v", kGood).string(), "--ports", "a,b,q"});
}

TEST_F(BadInput, SequentialVerilogIsUnsupported_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const auto file = write("clocked.v",
                          "module clocked (input [7:0] a, input [7:0] b, output reg [15:0] p);\n"
                          "  always @(posedge a[0]) p <= a * b;\n"
                          "endmodule\n");
  expect_refusal(4, {"clocked"}, {"characterize", file.string(), "--unsigned"});
}

// Designs that are legal Verilog and no multipliers: file and line, and nothing half-written, in
// the cache neither.
TEST_F(BadInput, DesignsThatAreNoMultipliers_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const auto refuse = [this](int code, const std::string& part, const std::string& body,
                             const std::string& output = "output [15:0] p") {
    const auto file = write("design.v", "module design (input [7:0] a, input [7:0] b, " + output +
                                            ");\n" + body + "endmodule\n");
    const std::string cache = (path() / "cache").string();
    expect_refusal(code, {"design.v" + part}, {"characterize", file.string(), "--unsigned"},
                   {{"LUTRA_CACHE", cache}});
    EXPECT_EQ(files_below(cache), std::vector<std::string>{});
  };
  refuse(2, ":2: combinational loop through",
         "  wire [15:0] t;\n  assign t = ~(t & {a, b});\n  assign p = t ^ {b, a};\n");
  refuse(2, ":1: bit 15 of port p is undriven or undefined (x)", "  assign p[14:0] = a * b;\n");
  refuse(2, ":1: bit 0 of port p is undriven or undefined (x)", "  assign p = {a * b, 1'bx};\n");
  refuse(2, ":1: bit 3 of port p is floating (z)", "  assign p = {a, b[7:4], 1'bz, b[2:0]};\n");
  refuse(4, ":2: the design holds a latch", "  always @* if (a[0]) p = a * b;\n",
         "output reg [15:0] p");
  refuse(2, ": module design: widths 8 x 8 -> 15, expected n x m -> n + m", "  assign p = a * b;\n",
         "output [14:0] p");
  refuse(2, ": ERROR: Module `\\missing' referenced in module `\\design'",
         "  missing u (.a(a), .b(b), .p(p));\n");
}

TEST_F(BadInput, DamagedLiberty_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const auto refuse = [this](const std::string& part, const fs::path& liberty) {
    const std::string cache = (path() / "cache").string();
    expect_refusal(2, {part}, {"characterize", "exact", "--liberty", liberty.string()},
                   {{"LUTRA_CACHE", cache}});
    EXPECT_EQ(files_below(cache), std::vector<std::string>{});
  };
  refuse("zero.lib.gz: empty file", write("zero.lib.gz", ""));
  refuse("cut.lib.gz: corrupt or truncated gzip data",
         write("cut.lib.gz", std::string("\x1f\x8b\x08\0\0\0\0\0\0\3\x4b", 11)));
  const std::string whole = file_bytes(synth::default_liberty().paths()[0]);
  refuse("half.lib:", write("half.lib", whole.substr(0, whole.size() / 2)));
  refuse("word.lib:1: found the group `cell`, expected `library (name)`",
         write("word.lib", "cell (A) { area : 1; }"));
  std::string wrong = whole;
  const size_t area = wrong.find("area : ");
  const auto line = 1 + std::count(wrong.begin(), wrong.begin() + static_cast<long>(area), '\n');
  wrong.replace(area, 7, "area : many");
  refuse("wrong.lib:" + std::to_string(line) + ": area = \"many", write("wrong.lib", wrong));
}

TEST_F(BadInput, HostileFileNamesAreOnlyNames) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const std::string name = "-a b;touch pwned'\"`touch pwned`$(touch pwned)\n|&\\";
  const std::string unsigned_good =
      "module good (input [7:0] a, input [7:0] b, output [15:0] p);\n  assign p = a * b;\n"
      "endmodule\n";
  const auto verilog = write(name + ".v", unsigned_good);
  const auto liberty = write(name + ".lib", file_bytes(synth::default_liberty().paths()[0]));
  const auto table = write(name + ".bin", std::string(131072, '\0'));
  EXPECT_EQ(run_into("v", {"characterize", verilog.string(), "--unsigned", "--liberty",
                           liberty.string(), "--prove", "20"})
                .status,
            0);
  EXPECT_EQ(run_into("t", {"characterize", table.string()}).status, 0);
  const std::string netlist = file_bytes(path() / "v" / "component" / "netlist.v");
  EXPECT_EQ(run_into("m", {"characterize", write(name + "2.v", netlist).string(), "--unsigned",
                           "--mapped", "--liberty", liberty.string()})
                .status,
            0);
  expect_refusal(2, {"expected a letter or _ followed by letters, digits and _"},
                 {"characterize", verilog.string(), "--top", "good; shell touch pwned"});
  expect_refusal(2, {"pwned"}, {"characterize", verilog.string(), "--ports", "a,b,p; touch pwned"});
  expect_refusal(2, {"pwned"}, {"characterize", verilog.string(), "--hold", "$(touch pwned)=1"});
  for (const auto& entry : fs::recursive_directory_iterator(path())) {
    EXPECT_NE(entry.path().filename(), "pwned") << entry.path();
  }
}

TEST_F(BadInput, WrongLatency_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const auto file = write("clocked.v",
                          "module clocked (input clk, input signed [7:0] a, input signed [7:0] b,\n"
                          "                output reg signed [15:0] p);\n"
                          "  always @(posedge clk) p <= a * b;\nendmodule\n");
  expect_refusal(2,
                 {"clocked.v: module clocked: latency 2 given, but its products follow their "
                  "operands by 1 cycles of clk"},
                 {"characterize", file.string(), "--latency", "2"});
  expect_refusal(2, {"--latency", "not in range 1 to 64"},
                 {"characterize", file.string(), "--latency", "0"});
  expect_refusal(2, {"clock a, expected an input of one bit"},
                 {"characterize", file.string(), "--latency", "1", "--clock-port", "a"});
  expect_refusal(4, {"the sign-magnitude shell goes around combinational Verilog"},
                 {"characterize", file.string(), "--latency", "1", "--sign-magnitude"});
  // With the right one it evaluates, but is no multiplier for the accelerator.
  ASSERT_EQ(run_into("good", {"characterize", file.string(), "--latency", "1"}).status, 0);
  const std::string component = (path() / "good" / "component").string();
  expect_refusal(4, {"has a latency of 1 cycles; the accelerator needs it"},
                 {"cosim", "--model", model(), "--multiplier", component});
  const auto study =
      write("study.toml", "model = \"" + model() + "\"\nmultipliers = [\"" + component + "\"]\n");
  expect_refusal(4, {"has a latency of 1 cycles; the accelerator needs it"},
                 {"study", study.string()});
  EXPECT_EQ(run_into("evaluated",
                     {"evaluate", "--model", model(), "--images", "5", "--multiplier", component})
                .status,
            0);
}

TEST_F(BadInput, MappedNetlistThatIsNone_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const auto good = write("good.v", kGood);
  expect_refusal(2,
                 {"good.v:2: the netlist holds logic that is no cell ($mul), expected instances "
                  "of cells of the library osu018_stdcells"},
                 {"characterize", good.string(), "--mapped"});
  const auto absent = write("absent_cell.v",
                            "module m (input [7:0] a, input [7:0] b, output [15:0] p);\n"
                            "  assign p[15:1] = 0;\n"
                            "  NAND9 u (.A(a[0]), .B(b[0]), .Y(p[0]));\nendmodule\n");
  expect_refusal(2,
                 {"absent_cell.v:3: cell u is a NAND9, which the library osu018_stdcells does "
                  "not hold"},
                 {"characterize", absent.string(), "--mapped"});
  const auto clash = write("clash.v",
                           "module INVX1 (input [7:0] a, input [7:0] b,\n"
                           "              output [15:0] p);\n"
                           "  assign p = a * b;\nendmodule\n");
  expect_refusal(2, {"clash.v:1: module INVX1 has the name of a cell of the library"},
                 {"characterize", clash.string()});
}

TEST_F(BadInput, UnknownKeyInAStudy_bad) {
  const auto file = write("study.toml", "model = \"m\"\nmultipliers = [\"exact\"]\nimges = 3\n");
  expect_refusal(2, {"study.toml:3: unknown key 'imges', expected one of", "images"},
                 {"study", file.string()});
}

TEST_F(BadInput, WrongTypeInAStudy_bad) {
  const auto file = write("study.toml", "model = \"m\"\nmultipliers = \"exact\"\n");
  expect_refusal(2, {"study.toml:2: multipliers is of type string, expected an array of strings"},
                 {"study", file.string()});
  expect_refusal(2, {"--set images: expected key=value"},
                 {"study", file.string(), "--set", "images"});
  expect_refusal(2, {"absent.toml: no such file"}, {"study", "absent.toml"});
}

TEST_F(BadInput, MissingModel_bad) {
  expect_refusal(2, {"absent: no such directory, expected a directory with network.json"},
                 {"evaluate", "--model", "absent"});
  expect_refusal(2, {"absent: no such directory, expected a directory with network.json"},
                 {"cosim", "--model", "absent"});
  const auto file = write("study.toml", "model = \"absent\"\nmultipliers = [\"exact\"]\n");
  expect_refusal(2, {"absent: no such directory, expected a directory with network.json"},
                 {"study", file.string()});
}

TEST_F(BadInput, DamagedModel_bad) {
  const fs::path copy = copied_model();
  fs::resize_file(copy / "votes.weight.npy", 1000);
  expect_refusal(2, {"votes.weight.npy", "bytes"}, {"evaluate", "--model", copy.string()});
  fs::remove(copy / "votes.weight.npy");
  expect_refusal(2, {"votes.weight.npy: no such file"}, {"evaluate", "--model", copy.string()});
  write("model/network.json", "{\"network\": \"capsnet-edge\", \"format\"");
  expect_refusal(2, {"network.json", "parse error"}, {"evaluate", "--model", copy.string()});
  write("model/network.json", "{\"network\": \"lenet\", \"fraction_lengths\": {}}");
  expect_refusal(2, {"network.json: format missing, expected \"lutra network, version 2\""},
                 {"evaluate", "--model", copy.string()});
}

// What lies in a model's directory is a stranger's: each of these names the file and what is wrong.
TEST_F(BadInput, DamagedGraph_bad) {
  using nlohmann::json;
  const fs::path copy = copied_model();
  const json whole = json::parse(base::read_file(copy / "network.json"));
  const auto refuse = [&](const std::string& part, const std::function<void(json*)>& damage,
                          int status = 2) {
    json damaged = whole;
    damage(&damaged);
    write("model/network.json", damaged.dump());
    expect_refusal(status, {"model/network.json", part}, {"evaluate", "--model", copy.string()});
  };
  refuse("a cycle through some of the nodes",
         [](json* n) { (*n)["nodes"][0]["inputs"] = {"routing"}; });
  refuse("node votes: its input capsule is no node",
         [](json* n) { (*n)["nodes"][3]["inputs"] = {"capsule"}; });
  refuse("node conv1 (conv2d): attribute kernel is [9], expected a list of 2 integers",
         [](json* n) { (*n)["nodes"][0]["attributes"]["kernel"] = {9}; });
  refuse(
      "node conv1: kind 'gru', expected one of", [](json* n) { (*n)["nodes"][0]["kind"] = "gru"; },
      4);
  refuse("expected strings", [](json* n) { (*n)["nodes"][0]["inputs"] = {1}; });
  refuse("fraction_lengths", [](json* n) { (*n)["fraction_lengths"]["conv1"] = "five"; });
}

// A network without routing has no coefficients: nothing would change, and nobody would know.
TEST_F(BadInput, CouplingNeedsRouting_bad) {
  graph::NetworkBuilder net("scores-alone", {28, 28, 1});
  net.add("scores", "dense", {{"outputs", 10}});
  net.add("class", "argmax", nlohmann::json::object());
  const fs::path model = path() / "dense";
  fs::create_directories(model);
  graph::QuantisedNetwork network = random_network(1, net.build());
  network.fractions = {{"input", 7}, {"scores.weight", 7}, {"scores", 0}};
  models::save_quantised(network, model);
  expect_refusal(2, {"--coupling uniform: scores-alone has no routing"},
                 {"evaluate", "--coupling", "uniform", "--images", "5", "--model", model.string()});
}

/// An IDX file of unsigned bytes.
std::string idx(const std::vector<int>& shape, size_t bytes) {
  std::string text("\0\0\x08", 3);
  text += static_cast<char>(shape.size());
  for (const int d : shape) {
    text += std::string("\0\0", 2);
    text += static_cast<char>(d >> 8);
    text += static_cast<char>(d & 0xff);
  }
  return text + std::string(bytes, '\x01');
}

TEST_F(BadInput, DamagedDataSet_bad) {
  write("data/t10k-labels-idx1-ubyte", idx({3}, 3));
  const std::vector<std::string> evaluate = {"evaluate", "--model", model(), "--data",
                                             (path() / "data").string()};
  expect_refusal(3, {"t10k-images-idx3-ubyte: cannot be opened"}, evaluate);
  write("data/t10k-images-idx3-ubyte", idx({3, 28, 28}, 3 * 784 - 1));
  expect_refusal(2, {"t10k-images-idx3-ubyte", "2351 bytes of data, the header promises 2352"},
                 evaluate);
  write("data/t10k-images-idx3-ubyte", "\x08");
  expect_refusal(2, {"t10k-images-idx3-ubyte", "1 bytes"}, evaluate);
  write("data/t10k-images-idx3-ubyte", idx({4, 28, 28}, 4 * 784));
  expect_refusal(2, {"t10k-labels-idx1-ubyte", "3 labels for the 4 images"}, evaluate);
  write("data/t10k-images-idx3-ubyte", "\x1f\x8b\x08 damaged");
  expect_refusal(2, {"t10k-images-idx3-ubyte", "gzip"}, evaluate);
}

TEST_F(BadInput, ImagesOfAnotherSize_bad) {
  write("data/t10k-labels-idx1-ubyte", idx({3}, 3));
  write("data/t10k-images-idx3-ubyte", idx({3, 8, 8}, 3 * 64));
  expect_refusal(2, {"8", "28"},
                 {"evaluate", "--model", model(), "--data", (path() / "data").string()});
  expect_refusal(2, {"8", "28"},
                 {"cosim", "--rows", "4", "--cols", "4", "--model", model(), "--data",
                  (path() / "data").string()});
}

TEST_F(BadInput, UnknownDataSet_bad) {
  expect_refusal(2, {"data set 'mnits'", "fashion-mnist"},
                 {"evaluate", "--model", model(), "--data", "mnits"});
  expect_refusal(3, {"/nonexistent/data", "dataset-fashion-mnist"},
                 {"evaluate", "--model", model()}, {{"LUTRA_FASHION_MNIST", "/nonexistent/data"}});
}

TEST_F(BadInput, MoreImagesThanThereAre_bad) {
  expect_refusal(2, {"10001", "10000"}, {"evaluate", "--model", model(), "--images", "10001"});
}

TEST_F(BadInput, UnknownOperation_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  expect_refusal(2, {"operation 'conv9.mac' does not exist", "conv1.mac", "routing.agreement"},
                 {"evaluate", "--model", model(), "--assign", "conv9.mac=exact"});
  expect_refusal(2, {"assignment 'conv1.mac': expected operation=multiplier"},
                 {"evaluate", "--model", model(), "--assign", "conv1.mac"});
  expect_refusal(2, {"operation 'conv9.mac' does not exist"},
                 {"cosim", "--model", model(), "--operations", "conv9.mac"});
}

TEST_F(BadInput, MultiplierOfAnotherWidth_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  expect_refusal(2, {"exact:width=4: operands of 4 bits, expected 8"},
                 {"evaluate", "--model", model(), "--multiplier", "exact:width=4"});
  const std::string own = write("own.v", kGood).string();
  expect_refusal(2, {"--hold mode: expected port=integer"},
                 {"characterize", own, "--hold", "mode"});
  expect_refusal(2, {"--hold mode=2: mode is held twice"},
                 {"characterize", own, "--hold", "mode=1,mode=2"});
  for (const char* option : {"--hold=mode=1", "--top=m", "--unsigned", "--ports=a,b,p",
                             "--latency=2", "--clock-port=clk", "--mapped"}) {
    expect_refusal(2, {"only with Verilog files"}, {"characterize", "exact", option});
    expect_refusal(2, {"only with Verilog files"}, {"characterize", "--sweep", "udm", option});
  }
  expect_refusal(2, {"--export: not with --sweep"},
                 {"characterize", "--sweep", "udm", "--export", "raw"});
  expect_refusal(2, {"nothing legal in these ranges"},
                 {"characterize", "--sweep", "drum:kept_bits=8..9"});
  expect_refusal(4, {"no table to export: operands of 9 bits"},
                 {"characterize", "exact:width=9", "--export", "raw"});
}

TEST_F(BadInput, TablesThatAreNone_bad) {
  expect_refusal(2, {"absent.bin: no such file"}, {"characterize", "absent.bin"});
  const auto cut = write("cut.bin", std::string(131070, 'a'));
  expect_refusal(2, {"cut.bin: 131070 bytes, expected 131072"}, {"characterize", cut.string()});
  expect_refusal(2, {"cut.bin: 131070 bytes"},
                 {"evaluate", "--model", model(), "--multiplier", cut.string() + ":signed=0"});
  const auto text = write("text.npy", "not a table");
  expect_refusal(2, {"text.npy: not a .npy file"}, {"characterize", text.string()});
  for (const char* option : {"--hold=mode=1", "--top=m", "--ports=a,b,p", "--latency=1",
                             "--clock-port=clk", "--mapped", "--liberty=cells.lib"}) {
    expect_refusal(2, {"not with a table"}, {"characterize", text.string(), option});
  }
  expect_refusal(2, {"several inputs must all be Verilog files"},
                 {"characterize", text.string(), cut.string()});
}

// Whoever needs energy says so before the work.
TEST_F(BadInput, TableWhereANetlistIsNeeded_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  std::string exact;
  for (int i = 0; i < 65536; ++i) {
    const int product = static_cast<int8_t>(i >> 8) * static_cast<int8_t>(i & 255);
    exact += {static_cast<char>(product & 255), static_cast<char>(product >> 8)};
  }
  const auto table = write("mul.bin", exact);
  const auto study =
      write("study.toml", "model = \"" + model() + "\"\nmultipliers = [\"exact\"]\n" +
                              "exact_designs = [\"" + table.string() + "\"]\n");
  expect_refusal(2, {"mul.bin: no energy: the component was imported from a table"},
                 {"study", study.string()});
}

TEST_F(BadInput, UnknownBackend_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  expect_refusal(2, {"abacus", "scalar"}, {"evaluate", "--model", model(), "--backend", "abacus"});
}

TEST_F(BadInput, MissingLiberty_bad) {
  expect_refusal(3, {"/nonexistent/cells.lib", "LUTRA_LIBERTY"}, {"characterize", "exact"},
                 {{"LUTRA_LIBERTY", "/nonexistent/cells.lib"}});
}

TEST_F(BadInput, LibertyOptionThatDoesNotExist_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  expect_refusal(2, {"absent.lib", "no such file"},
                 {"characterize", "exact", "--liberty", "absent.lib"});
}

/// A directory for PATH that holds these programs and no other.
std::string path_of(const fs::path& directory, const std::vector<std::string>& programs) {
  fs::create_directories(directory);
  std::istringstream all(getenv("PATH"));
  std::string from;
  while (std::getline(all, from, ':')) {
    for (const std::string& program : programs) {
      const fs::path link = directory / program;
      if (fs::exists(fs::path(from) / program) && !fs::exists(link)) {
        fs::create_symlink(fs::path(from) / program, link);
      }
    }
  }
  return directory.string();
}

TEST_F(BadInput, MissingYosys_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  expect_refusal(3, {"yosys: not found on PATH, expected from the package yosys"},
                 {"characterize", "exact"},
                 {{"PATH", path_of(path() / "bin", {"sta", "iverilog", "vvp", "g++"})}});
}

TEST_F(BadInput, MissingVerilator_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  expect_refusal(3, {"verilator: not found on PATH, expected from the package verilator"},
                 {"cosim", "--model", model()},
                 {{"PATH", path_of(path() / "bin",
                                   {"yosys", "berkeley-abc", "sta", "iverilog", "vvp", "g++"})}});
}

TEST_F(BadInput, MissingChartLibraryStopsAStudyBeforeTheWork_bad) {
  const auto file = write("study.toml", "model = \"" + model() + "\"\nmultipliers = [\"exact\"]\n");
  expect_refusal(3, {"/nonexistent/chart.js", "LUTRA_CHART_JS"}, {"study", file.string()},
                 {{"LUTRA_CHART_JS", "/nonexistent/chart.js"}});
}

TEST_F(BadInput, OutputThatIsAFile_bad) {
  const auto file = write("taken", "a file");
  const Ended r = run({"multipliers", "--out", file.string()});
  EXPECT_EQ(r.status, 2) << r.err;
  EXPECT_NE(r.err.find("taken"), std::string::npos) << r.err;
  EXPECT_EQ(file_bytes(file), "a file");
  ++refused_;
}

// What Lutra wrote and cannot read back whole is another thing than a wrong input.
TEST_F(BadInput, DamagedComponentIsDataLoss_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  ASSERT_EQ(run_into("c", {"characterize", "exact:width=4"}).status, 0);
  const fs::path component = path() / "c/component";
  const std::string whole = file_bytes(component / "lut.npy");
  std::string other = whole;
  other.back() = static_cast<char>(other.back() ^ 1);
  for (const std::string& damaged : {other, whole.substr(0, whole.size() - 1)}) {
    base::write_file(component / "lut.npy", damaged);
    expect_refusal(6, {"lut.npy: truncated or changed"}, {"characterize", component.string()});
  }
  base::write_file(component / "lut.npy", whole);
  EXPECT_EQ(run_into("d", {"characterize", component.string()}).status, 0);
}

// A component's directory is found without a slash in its name, in every place that takes one.
TEST_F(BadInput, DirectoriesNeedNoSlash) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  ASSERT_EQ(run_into("mine", {"characterize", "trunc:trunc_bits=1"}).status, 0);
  fs::rename(path() / "mine/component", path() / "my_trunc");
  EXPECT_EQ(run_into("d", {"characterize", "my_trunc"}).status, 0);
  const Ended r = run_into("e", {"evaluate", "--model", model(), "--images", "5", "--multiplier",
                                 "my_trunc", "--assign", "conv1.mac=exact"});
  EXPECT_EQ(r.status, 0) << r.err;
  const auto result = nlohmann::json::parse(file_bytes(path() / "e/result.json"));
  EXPECT_EQ(result.at("assignment").at("primary.mac"), "my_trunc");
  EXPECT_EQ(result.at("assignment").at("conv1.mac"), "exact");
  expect_refusal(2, {"no multiplier \"not_there\" in the library"},
                 {"evaluate", "--model", model(), "--multiplier", "not_there"});
}

// A pattern for each kind of site, and what is wrong with them.
TEST_F(BadInput, PatternsOfSites_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const auto evaluate = [this](std::vector<std::string> options) {
    options.insert(options.begin(), {"evaluate", "--model", model(), "--images", "2"});
    return options;
  };
  ASSERT_EQ(run_into("e", evaluate({"--assign", "routing.sum.2=drum", "--assign",
                                    "capsules.squash=bam", "--assign", "*.agreement.*=drum"}))
                .status,
            0);
  const auto named = nlohmann::json::parse(file_bytes(path() / "e/result.json")).at("assignment");
  EXPECT_EQ(named.at("routing.sum.2"), "drum:kept_bits=4");
  EXPECT_EQ(named.at("routing.sum.1"), "exact");
  EXPECT_EQ(named.at("routing.agreement"), "drum:kept_bits=4");
  EXPECT_EQ(named.at("capsules.squash"), "bam:hbl=0,vbl=6");
  EXPECT_EQ(named.at("routing.squash.1"), "exact");
  expect_refusal(2, {"operation 'routing.sum.9' does not exist in capsnet-edge"},
                 evaluate({"--assign", "routing.sum.9=drum"}));
  expect_refusal(2, {"operation '*.max' does not exist"}, evaluate({"--operations", "*.max"}));
  expect_refusal(2, {"'conv*' and '*1.mac' give conv1.mac two multipliers"},
                 evaluate({"--assign", "conv*=drum", "--assign", "*1.mac=bam"}));
  expect_refusal(2, {"'conv1.mac' and 'conv1.mac' give conv1.mac two multipliers"},
                 evaluate({"--assign", "conv1.mac=drum", "--assign", "conv1.mac=bam"}));
}

}  // namespace
}  // namespace lutra::test
