// The command on good input: keys of its results, stdout that holds one JSON object and nothing
// else, and files that come out the same each time.
#include <algorithm>
#include <sstream>

#include "lutra/base/files.h"
#include "lutra/base/npy.h"
#include "lutra/base/sha256.h"
#include "lutra/component/multiplier_family.h"
#include "lutra/netlist/liberty.h"
#include "lutra/netlist/liberty_writer.h"
#include "run_lutra.h"
#include "saved_network.h"

namespace lutra::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class GoodRun : public CommandLine {
 protected:
  std::string model() { return test::saved_network().string(); }

  /// Runs with --json and --out `out`, and checks that stdout and result.json are one object with
  /// these keys.
  json run_json(const std::string& out, std::vector<std::string> arguments,
                const std::vector<std::string>& keys, int code = 0) {
    const std::string command = arguments[0];
    arguments.push_back("--json");
    const Ended r = run_into(out, std::move(arguments));
    EXPECT_EQ(r.status, code) << r.err;
    const json object = json::parse(r.out, nullptr, /*allow_exceptions=*/false);
    EXPECT_TRUE(object.is_object()) << r.out;
    if (!object.is_object()) return object;
    EXPECT_EQ(file_bytes(path() / out / "result.json"), r.out);
    EXPECT_EQ(object.value("command", ""), command);
    EXPECT_TRUE(object.contains("versions"));
    EXPECT_TRUE(object.contains("seed"));
    for (const std::string& key : keys) {
      EXPECT_TRUE(object.contains(json::json_pointer(key))) << key << " in " << r.out;
    }
    std::printf("checked=%zu keys\n", keys.size());
    return object;
  }
};

TEST_F(GoodRun, HelpNamesEverySubcommand) {
  const Ended r = run({"--help"});
  EXPECT_EQ(r.status, 0);
  for (const char* name :
       {"doctor", "multipliers", "characterize", "quantize", "evaluate", "cosim", "study"}) {
    EXPECT_NE(r.out.find(name), std::string::npos) << name;
  }
  EXPECT_EQ(run({"--version"}).status, 0);
}

TEST_F(GoodRun, DoctorSaysWhatIsHere) {
  const Ended r = run_into("doctor", {"doctor"});
  const bool missing = r.out.find("MISSING") != std::string::npos;
  EXPECT_EQ(r.status, missing ? 3 : 0) << r.out;
  for (const char* what : {"yosys", "opensta", "verilator", "Liberty", "Fashion-MNIST", "Chart.js",
                           "training", "backend scalar"}) {
    EXPECT_NE(r.out.find(what), std::string::npos) << what;
  }
}

TEST_F(GoodRun, DoctorNamesWhatIsMissing_bad) {
  const Ended r = run_into("doctor", {"doctor"}, {{"PATH", (path() / "empty").string()}});
  EXPECT_EQ(r.status, 3);
  for (const char* line : {"MISSING yosys", "MISSING verilator", "MISSING opensta"}) {
    EXPECT_NE(r.out.find(line), std::string::npos) << line << " in " << r.out;
  }
}

TEST_F(GoodRun, MultipliersJson) {
  const json r = run_json("m", {"multipliers"}, {"/multipliers"});
  std::vector<std::string> names;
  for (const json& m : r.at("multipliers")) {
    names.push_back(m.at("name"));
    EXPECT_FALSE(m.at("summary").get<std::string>().empty());
    for (const json& p : m.at("parameters_at_width_8")) {
      EXPECT_LE(p.at("minimum").get<long>(), p.at("default").get<long>());
      EXPECT_LE(p.at("default").get<long>(), p.at("maximum").get<long>());
    }
  }
  for (const char* name : {"exact", "drum", "trunc", "bam"}) {
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
  }
}

// What the pages of the documentation are written from; families_test compares the pages.
TEST_F(GoodRun, MultipliersForPages) {
  EXPECT_EQ(run_into("page", {"multipliers", "--markdown"}).out, synth::families_page());
  std::string patterns;
  for (const synth::MultiplierFamily& family : synth::multiplier_families()) {
    for (const std::string& pattern : family.measured) patterns += pattern + "\n";
  }
  EXPECT_EQ(run_into("rows", {"multipliers", "--measured"}).out, patterns);
  EXPECT_EQ(run_into("both", {"multipliers", "--measured", "--json"}).status, 2);
}

const std::vector<std::string> kComponentKeys = {
    "/name",        "/lut_sha256",          "/area_um2",       "/delay_ns",
    "/leakage_nw",  "/energy_per_op_fj",    "/errors/mae",     "/errors/wce",
    "/errors/mse",  "/errors/ep",           "/errors/mre_all", "/errors/mre_nonzero",
    "/errors/bias", "/errors/wcre_nonzero", "/errors/hd"};

TEST_F(GoodRun, CharacterizeJson) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const json r = run_json("c", {"characterize", "exact"}, kComponentKeys);
  EXPECT_EQ(r.at("name"), "exact");
  EXPECT_EQ(r.at("errors").at("wce"), 0);
  EXPECT_EQ(r.at("errors").at("ep"), 0);
  EXPECT_GT(r.at("area_um2"), 0);
  EXPECT_GT(r.at("energy_per_op_fj"), 0);
  EXPECT_TRUE(fs::exists(path() / "c/component/lut.npy"));
  EXPECT_TRUE(fs::exists(path() / "c/report.html"));
  setenv("LUTRA_CHART_JS", "/nonexistent", 1);
  EXPECT_TRUE(
      run_json("no-page", {"characterize", "exact"}, kComponentKeys).at("report").is_null());
  unsetenv("LUTRA_CHART_JS");
  const json drum = run_json("d", {"characterize", "drum:kept_bits=4"}, kComponentKeys);
  EXPECT_GT(drum.at("errors").at("ep"), 0);
  EXPECT_LT(drum.at("area_um2"), r.at("area_um2"));
}

// The same bytes, whether from the cache or made again in another one.
TEST_F(GoodRun, CharacterizeRepeatsToTheByte) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const std::vector<std::string> command = {"characterize", "trunc:trunc_bits=2"};
  ASSERT_EQ(run_into("a", command).status, 0);
  ASSERT_EQ(run_into("b", command, {{"LUTRA_CACHE", (path() / "other cache").string()}}).status, 0);
  ASSERT_EQ(run_into("c", {"characterize", "trunc:trunc_bits=2", "--force"}).status, 0);
  int compared = 0;
  for (const std::string& file : files_below(path() / "a/component")) {
    const fs::path name = fs::relative(file, path() / "a");
    for (const char* other : {"b", "c"}) {
      EXPECT_EQ(file_bytes(file), file_bytes(path() / other / name)) << other / name;
      ++compared;
    }
  }
  EXPECT_EQ(file_bytes(path() / "a/component/lut.npy").size(), 131072u + 128u);
  std::printf("checked=%d files\n", compared);
  EXPECT_GE(compared, 8);
}

// Several Liberty files behind one --liberty, and nothing behind them is taken.
TEST_F(GoodRun, CharacterizeWithALibraryOfSeveralFiles) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const synth::Liberty whole = synth::Liberty::read(synth::default_liberty());
  std::vector<std::string> inverters;
  std::vector<std::string> others;
  for (const auto& [name, cell] : whole.cells()) {
    (name.rfind("INV", 0) == 0 ? inverters : others).push_back(name);
  }
  const std::string a = write("a.lib", subset_text(whole, inverters)).string();
  const std::string b = write("b.lib", subset_text(whole, others)).string();
  const std::string verilog =
      write("m.v",
            "module m (input [1:0] a, input [1:0] b, output [3:0] p);\n  assign p = a * b;\n"
            "endmodule\n")
          .string();
  const json behind = run_json("1", {"characterize", verilog, "--unsigned", "--liberty", a, b},
                               {"/liberty_files/1"});
  EXPECT_EQ(behind.value("liberty", ""), "a.lib, b.lib");
  // In another order, repeated, before the input, and by the other form of the option.
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"--liberty", b, a, verilog},
                                             {"--liberty", a, "--liberty", b, verilog},
                                             {verilog, "--liberty=" + b, a},
                                             {"--liberty", a, b, "--", verilog}}) {
    std::vector<std::string> arguments = {"characterize", "--unsigned", "--json"};
    arguments.insert(arguments.end(), {"--out", (path() / "2").string()});
    arguments.insert(arguments.end(), words.begin(), words.end());
    const Ended ended = run(arguments);
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_EQ(json::parse(ended.out, nullptr, false).value("cache_key", ""),
              behind.value("cache_key", "none"));
  }
  const std::string variable = b + ":" + a;
  const Ended named = run_into("3", {"characterize", verilog, "--unsigned", "--json"},
                               {{"LUTRA_LIBERTY", variable}});
  EXPECT_EQ(json::parse(named.out, nullptr, false).value("cache_key", ""),
            behind.value("cache_key", "none"))
      << named.err;
  // One of them alone lacks what the mapping needs, and is named.
  const Ended alone = run_into("4", {"characterize", verilog, "--unsigned", "--liberty", b});
  EXPECT_EQ(alone.status, 2);
  EXPECT_NE(alone.err.find("b.lib: the library holds no inverter"), std::string::npos) << alone.err;
}

TEST_F(GoodRun, EvaluateJson) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const json r = run_json(
      "e", {"evaluate", "--model", model(), "--images", "20", "--assign", "votes.mac=drum"},
      {"/model", "/data", "/images", "/accuracy", "/backend", "/seconds", "/assignment"});
  EXPECT_EQ(r.at("images"), 20);
  EXPECT_EQ(r.at("model"), model());
  EXPECT_GE(r.at("accuracy"), 0);
  EXPECT_LE(r.at("accuracy"), 1);
  EXPECT_EQ(r.at("assignment").at("conv1.mac"), "exact");
  EXPECT_NE(r.at("assignment").at("votes.mac"), "exact");
}

TEST_F(GoodRun, EvaluateReadsItsOptionsFromAFile) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const auto file =
      write("options.toml", "images = 7\nmodel = \"" + model() + "\"\nbackend = \"scalar\"\n");
  const json r = run_json("e", {"evaluate", "--config", file.string()}, {"/images"});
  ASSERT_TRUE(r.is_object());
  EXPECT_EQ(r.at("images"), 7);
  EXPECT_EQ(r.at("backend"), "scalar");
  const json second =
      run_json("f", {"evaluate", "--images", "5", "--config", file.string()}, {"/images"});
  ASSERT_TRUE(second.is_object());
  EXPECT_EQ(second.at("images"), 5) << "the command line wins";
}

TEST_F(GoodRun, ComponentsAreExported) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  run_json("x", {"characterize", "drum:kept_bits=4", "--export", "raw,header,npy,text,triples,csv"},
           kComponentKeys);
  const std::string raw = file_bytes(path() / "x" / "lut.bin");
  ASSERT_EQ(raw.size(), 131072u);
  const std::string npy = file_bytes(path() / "x" / "component" / "lut.npy");
  EXPECT_EQ(raw, npy.substr(npy.size() - raw.size())) << "the bytes behind numpy's header";
  const std::string header = file_bytes(path() / "x" / "lut.h");
  const size_t array = header.find("static const int16_t lut[256][256] = {\n{0,0,");
  ASSERT_NE(array, std::string::npos) << header.substr(0, 300);
  EXPECT_EQ(std::count(header.begin() + array, header.end(), ','), 65535);
  const std::string csv = file_bytes(path() / "x" / "metrics.csv");
  EXPECT_NE(csv.find("\n\"drum:kept_bits=4\",8,8,1,"), std::string::npos) << csv;

  // And imported again: the same table and errors, no netlist, and a network runs with it.
  const std::string file = (path() / "x" / "lut.bin").string();
  const json original = json::parse(file_bytes(path() / "x" / "result.json"));
  const Ended text = run_into("t", {"characterize", file, "--export", "csv"});
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_NE(text.out.find("imported from lut.bin (raw uint16): no netlist, so no area, delay, "
                          "leakage or energy"),
            std::string::npos)
      << text.out;
  const json imported = json::parse(file_bytes(path() / "t" / "result.json"));
  EXPECT_EQ(imported.at("lut_sha256"), original.at("lut_sha256"));
  EXPECT_EQ(imported.at("errors"), original.at("errors"));
  EXPECT_TRUE(imported.at("energy_per_op_fj").is_null());
  for (const char* exported : {"lut.h", "lut_int32.npy", "lut.txt", "lut_triples.txt"}) {
    const json again = run_json("a", {"characterize", (path() / "x" / exported).string()},
                                {"/lut_sha256", "/imported/format"});
    EXPECT_EQ(again.at("lut_sha256"), original.at("lut_sha256")) << exported;
  }
  EXPECT_NE(file_bytes(path() / "t" / "metrics.csv").find("\n\"lut\",8,8,1,,,,,"),
            std::string::npos);
  std::vector<double> accuracies;
  for (const std::string& multiplier :
       {std::string("drum:kept_bits=4"), file, (path() / "t" / "component").string()}) {
    accuracies.push_back(
        run_json("e",
                 {"evaluate", "--model", model(), "--images", "20", "--multiplier", multiplier},
                 {"/accuracy"})
            .at("accuracy"));
  }
  EXPECT_EQ(accuracies, std::vector<double>(3, accuracies[0]));
}

TEST_F(GoodRun, GivenOperandsAndClocksStandUnderTheirOwnKeys) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const fs::path trace = path() / "trace.npy";
  base::save_npy(trace, {4, 2}, std::vector<int16_t>{1, 2, 3, -4, 100, 100, -128, 7});
  const json r = run_json(
      "o", {"characterize", "drum", "--operands", trace.string(), "--clock", "2,9"},
      {"/glitches/factor", "/glitches/energy_per_op_fj", "/leakage_without_states_nw",
       "/at_operands/errors/mae", "/at_operands/energy_per_op_fj", "/at_operands/glitches/factor",
       "/at_operands/sha256", "/delay_sweep/0/area_um2", "/delay_sweep/1/delay_ns"});
  EXPECT_EQ(r.at("at_operands").at("kind"), "trace");
  EXPECT_EQ(r.at("at_operands").at("operations"), 4);
  EXPECT_NE(r.at("at_operands").at("energy_per_op_fj"), r.at("energy_per_op_fj"));
  EXPECT_TRUE(r.at("delay_sweep")[1].at("reached").get<bool>());
  const json plain = run_json("p", {"characterize", "drum"}, kComponentKeys);
  EXPECT_FALSE(plain.contains("at_operands"));
  EXPECT_EQ(plain.at("energy_per_op_fj"), r.at("energy_per_op_fj"));
  EXPECT_EQ(plain.at("errors"), r.at("errors"));

  run_json("s", {"characterize", "--sweep", "trunc:trunc_bits=1..2", "--operands", trace.string()},
           {"/rows/1/at_operands/errors/mae", "/rows/0/glitches/factor"});
  const std::string csv = file_bytes(path() / "s" / "sweep.csv");
  EXPECT_NE(csv.find(",glitch_factor,"), std::string::npos) << csv;
  EXPECT_NE(csv.find(",at_operands_mae,"), std::string::npos) << csv;
  std::istringstream lines(csv);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_EQ(std::count(line.begin(), line.end(), ','),
              std::count(csv.begin(), csv.begin() + csv.find('\n'), ','))
        << line;
  }
}

TEST_F(GoodRun, SaifIsThatOfThisRun) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const fs::path file = write("a b.saif", "(SAIFILE of another run)");
  const std::vector<std::string> command = {"characterize", "drum", "--saif", file.string()};
  const std::vector<std::string> keys = {
      "/saif/file",        "/saif/sha256",    "/saif/operands",    "/saif/scope",
      "/saif/transitions", "/saif/period_ns", "/saif/duration_ps", "/saif/net_toggles"};
  const json first = run_json("s", command, keys);
  const std::string uniform = file_bytes(file);
  EXPECT_EQ(first.at("saif").at("energy_per_op_fj"), first.at("energy_per_op_fj"));
  EXPECT_EQ(first.at("saif").at("sha256"), base::sha256_hex(uniform));
  EXPECT_EQ(uniform.rfind("// Activity of drum:kept_bits=4: module mul_drum", 0), 0u)
      << uniform.substr(0, 99);
  EXPECT_NE(uniform.find("\n(INSTANCE mul_drum\n"), std::string::npos);
  // From the cache, another file at other operands, and the first again.
  const fs::path trace = path() / "trace.npy";
  base::save_npy(trace, {4, 2}, std::vector<int16_t>{1, 2, 3, -4, 100, 100, -128, 7});
  std::vector<std::string> other = command;
  other.insert(other.end(), {"--operands", trace.string(), "--saif-glitches", "--saif-scope",
                             "bench/dut", "--saif-period", "12.5"});
  const json second = run_json("s", other, keys);
  const std::string traced = file_bytes(file);
  EXPECT_EQ(second.at("saif").at("transitions"), 3);
  EXPECT_EQ(second.at("saif").at("duration_ps"), 37500);
  EXPECT_NE(traced.find("// Operands: trace trace.npy, 4 operations"), std::string::npos);
  EXPECT_NE(traced.find("(DURATION 37500)\n(INSTANCE bench\n  (INSTANCE dut\n    (NET\n"),
            std::string::npos);
  run_json("s", command, keys);
  EXPECT_EQ(file_bytes(file), uniform);
  // By a path relative to the working directory, of a component's directory.
  EXPECT_EQ(run_line("lutra characterize s/component --saif r.saif --out t").status, 0);
  EXPECT_EQ(file_bytes(path() / "r.saif"), uniform);
}

TEST_F(GoodRun, ASweepWritesRowsTableAndPage) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const json r =
      run_json("sweep", {"characterize", "--sweep", "trunc:trunc_bits=1..3", "udm"},
               {"/rows/0/errors/mae", "/rows/3/energy_per_op_fj", "/report", "/liberty/name"});
  ASSERT_TRUE(r.is_object());
  ASSERT_EQ(r.at("rows").size(), 4u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(r.at("rows")[i].at("name"), "trunc:trunc_bits=" + std::to_string(i + 1));
  }
  EXPECT_EQ(r.at("rows")[3].at("name"), "udm");
  EXPECT_GT(r.at("rows")[0].at("area_um2"), r.at("rows")[2].at("area_um2"));
  const std::string csv = file_bytes(path() / "sweep" / "sweep.csv");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 5);
  EXPECT_NE(csv.find("\"udm\",8,8,1,"), std::string::npos) << csv;
  EXPECT_TRUE(fs::exists(path() / "sweep" / "report.html"));
}

// Threads and seeds do not change an accuracy.
TEST_F(GoodRun, EvaluateIsTheSameOnEveryNumberOfThreads) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  std::vector<json> results;
  for (const char* jobs : {"1", "3"}) {
    json r = run_json(std::string("e") + jobs,
                      {"evaluate", "--model", model(), "--images", "31", "--jobs", jobs}, {});
    r.erase("seconds");
    results.push_back(r);
  }
  EXPECT_EQ(results[0], results[1]);
}

// Whoever runs a network with a multiplier is told whose products it has.
TEST_F(GoodRun, EvaluateSaysWhichTablesAreInEffect) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const auto count = [](const std::string& text, const std::string& part) {
    int found = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
      ++found;
    }
    return found;
  };
  const Ended one = run_into("c", {"characterize", "trunc:trunc_bits=1", "--export", "text"});
  EXPECT_EQ(one.status, 0) << one.err;
  const json component = json::parse(file_bytes(path() / "c" / "result.json"));
  const std::string sha = component.at("lut_sha256");
  EXPECT_EQ(count(one.err, "SHA-256 " + sha + ", MAE "), 1) << one.err;

  // The same table from a file, for two operations: one line.
  const std::string table = (path() / "c" / "lut.txt").string();
  const Ended r = run_into("e", {"evaluate", "--model", model(), "--images", "3", "--operations",
                                 "votes.mac,routing.sum", "--multiplier", table});
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(count(r.err, table + ": text by value, 8-bit signed, SHA-256 " + sha + ", MAE "), 1)
      << r.err;
  EXPECT_EQ(count(r.err, "SHA-256 "), 2) << r.err;
  const json result = json::parse(file_bytes(path() / "e" / "result.json"));
  const json& multipliers = result.at("multipliers");
  ASSERT_EQ(multipliers.size(), 2u) << multipliers;
  const json& mine = multipliers.at(result.at("assignment").at("votes.mac").get<std::string>());
  EXPECT_EQ(mine.at("lut_sha256"), sha);
  for (const char* key : {"mae", "wce", "ep", "bias"}) {
    EXPECT_EQ(mine.at(key), component.at("errors").at(key)) << key;
  }
  EXPECT_GT(mine.at("mae"), 0);
  EXPECT_EQ(multipliers.at("exact").at("wce"), 0);
}

// A deliberate fault: exit code 1, a result that names it, and a line that repeats it.
TEST_F(GoodRun, CosimOfAFaultCanBeRepeated_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  if (!on_path("verilator")) GTEST_SKIP() << "verilator is not on PATH";
  json r =
      run_json("first",
               {"cosim", "--model", model(), "--fault-mask", "4", "--rows", "4", "--cols", "4",
                "--first", "3", "--operations", "votes.mac", "--multiplier", "drum:kept_bits=4"},
               {"/verdict", "/images", "/checked", "/mismatches", "/cycles", "/macs", "/seconds",
                "/rerun", "/first_mismatches/0/step", "/multipliers/exact/lut_sha256"},
               1);
  ASSERT_TRUE(r.is_object());
  EXPECT_EQ(r.at("verdict"), "mismatch");
  EXPECT_EQ(r.at("assignment").at("votes.mac"), "drum:kept_bits=4");
  EXPECT_EQ(r.at("assignment").at("conv1.mac"), "exact");
  const Ended again = run_line(r.at("rerun").get<std::string>() + " --json --out again");
  EXPECT_EQ(again.status, 1) << again.err;
  json repeated = json::parse(again.out, nullptr, false);
  for (const char* key : {"seconds", "build_seconds"}) {
    r.erase(key);
    repeated.erase(key);
  }
  EXPECT_EQ(repeated, r);
}

TEST_F(GoodRun, StudyWritesItsReport) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  if (!on_path("verilator")) GTEST_SKIP() << "verilator is not on PATH";
  const auto file = write("small.toml", "model = \"" + model() +
                                            "\"\nimages = 20\nmultipliers = [\"bam:hbl=0,vbl=4\"]\n"
                                            "exact_designs = [\"exact\"]\n"
                                            "[hardware]\nrows = 4\ncols = 4\n[cosim]\nimages = "
                                            "1\n[energy]\nimages = 1\nsamples = 64\n");
  const json r =
      run_json("study", {"study", file.string(), "--set", "choice.max_accuracy_loss=1.0"},
               {"/rows/0/assignment", "/rows/0/accuracy", "/rows/0/area_um2",
                "/rows/0/energy_per_inference_nj", "/rows/1/cosim/verdict", "/report",
                "/configuration/choice/max_accuracy_loss"});
  ASSERT_TRUE(r.is_object());
  EXPECT_EQ(r.at("chosen"), 1);
  EXPECT_EQ(r.at("rows")[1].at("cosim").at("verdict"), "match");
  EXPECT_GT(fs::file_size(r.at("report").get<std::string>()), 100000u);
}

}  // namespace
}  // namespace lutra::test
