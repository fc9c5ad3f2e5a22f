// The accelerator's RTL in SystemC against the engine, for assignments of all kinds: equal where it
// must be, and a fault is found and said.
#include "lutra/cosim/cosim.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <set>

#include "lutra/accelerator/program.h"
#include "lutra/base/error.h"
#include "lutra/component/library.h"
#include "lutra/graph/steps.h"
#include "lutra/models/built_in.h"
#include "lutra/models/model_files.h"
#include "lutra/studies/component_store.h"
#include "saved_network.h"
#include "test_files.h"

namespace lutra::cosim {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::file_bytes;

constexpr int64_t kMacsOfAnImage = 4103424;  // products that enter a sum of the array

class Cosim : public testing::Test {
 protected:
  void SetUp() override {
    LUTRA_SKIP_WITHOUT_TOOLS();
    if (!test::on_path("verilator")) GTEST_SKIP() << "verilator is not on PATH";
    options_.model = test::saved_network();
    options_.rerun = "lutra cosim --of-this-test";
    // Small arrays take a fifth of the time to build.
    options_.accelerator.shape.rows = 4;
    options_.accelerator.shape.cols = 4;
  }

  /// One multiplier on the array, exact elsewhere; overrides as --assign gives them.
  json run(const std::string& multiplier, const std::vector<std::string>& overrides = {}) {
    return run_cosim(studies::assign(models::capsnet_edge(), &store_, multiplier, {}, overrides),
                     options_);
  }

  /// What every matching run must say.
  void expect_match(const json& r, int images) {
    std::printf("checked=%lld mismatches=%lld cycles=%lld build=%.1fs run=%.1fs\n",
                static_cast<long long>(r.at("checked")), static_cast<long long>(r.at("mismatches")),
                static_cast<long long>(r.at("cycles")), r.at("build_seconds").get<double>(),
                r.at("seconds").get<double>());
    EXPECT_EQ(r.at("verdict"), "match") << r.at("first_mismatches").dump(1);
    EXPECT_EQ(r.at("mismatches"), 0);
    EXPECT_TRUE(r.at("first_mismatches").empty());
    EXPECT_EQ(r.at("images"), images);
    EXPECT_GT(r.at("checked").get<int64_t>(), 70000 * images);
    EXPECT_EQ(r.at("macs").get<int64_t>(), kMacsOfAnImage * images);
    // No array of this shape is faster than all its PEs at work; and it is no slower than one row.
    const auto& shape = options_.accelerator.shape;
    EXPECT_GT(r.at("cycles").get<int64_t>(), kMacsOfAnImage * images / (shape.rows * shape.cols));
    EXPECT_LT(r.at("cycles").get<int64_t>(), kMacsOfAnImage * images / shape.cols);
    expect_steps(r, images);
    // Both ports were watched: more than a beat for each traced element's word, and the registers.
    EXPECT_GT(r.at("bus_handshakes").get<int64_t>(), 10000 * images);
    ASSERT_EQ(r.at("images_detail").size(), static_cast<size_t>(images));
    for (const json& image : r.at("images_detail")) {
      EXPECT_EQ(image.at("macs").get<int64_t>(), kMacsOfAnImage);
      EXPECT_EQ(image.at("mismatches"), 0);
      EXPECT_GT(image.at("read_beats"), 0);
      EXPECT_GT(image.at("write_beats"), 0);
    }
  }

  /// Each step of the network was compared, every element of its output.
  void expect_steps(const json& r, int images) {
    const auto network = models::load_quantised(options_.model);
    const graph::StepList list = graph::lower(network);
    std::map<std::string, int64_t> compared;
    int64_t sum = 0;
    for (const json& step : r.at("steps")) {
      compared[step.at("step")] = step.at("checked");
      sum += step.at("checked").get<int64_t>();
    }
    EXPECT_EQ(sum, r.at("checked").get<int64_t>());
    for (const graph::Step& step : list.steps) {
      EXPECT_EQ(compared[step.name], list.tensors.at(step.output).size() * images) << step.name;
    }
    EXPECT_EQ(compared["scores"], 11 * images) << "ten scores and the class";
  }

  studies::ComponentStore store_{{}};
  CosimOptions options_;
  test::TestDirectory files_;
};

struct Multiplier {
  const char* name;
  const char* specification;
};

void PrintTo(const Multiplier& m, std::ostream* out) { *out << m.specification; }

class CosimOf : public Cosim, public testing::WithParamInterface<Multiplier> {};

// The accelerator as it is shipped, 16x16.
TEST_P(CosimOf, MatchesTheEngine) {
  options_.images = 4;
  options_.accelerator.shape = accelerator::AcceleratorShape();
  const json r = run(GetParam().specification);
  expect_match(r, 4);
  EXPECT_GT(r.at("checked").get<int64_t>(), 280000);
}

INSTANTIATE_TEST_SUITE_P(Multipliers, CosimOf,
                         testing::Values(Multiplier{"exact", "exact"},
                                         Multiplier{"trunc_2", "trunc:trunc_bits=2"},
                                         Multiplier{"drum_4", "drum:kept_bits=4"},
                                         Multiplier{"bam_6", "bam:hbl=0,vbl=6"}),
                         [](const auto& p) { return std::string(p.param.name); });

TEST_F(Cosim, ThreeMultipliersOnDifferentOperationsMatch) {
  options_.images = 2;
  const json r = run("exact", {"conv1.mac=trunc:trunc_bits=2", "primary.mac=drum:kept_bits=4",
                               "routing.sum=drum:kept_bits=4", "votes.mac=trunc:trunc_bits=2"});
  expect_match(r, 2);
  EXPECT_EQ(r.at("components").size(), 3u) << r.at("components").dump();
}

constexpr const char* kSignedVerilog = R"(// Exact but for the partial product of b's lowest bit.
module dropped_lsb (input signed [7:0] x, input signed [7:0] y, output signed [15:0] z);
  wire signed [7:0] even = {y[7:1], 1'b0};
  assign z = x * even;
endmodule
)";

/// An unsigned multiplier that drops the partial products of the two lowest bits of y.
constexpr const char* kUnsignedVerilog = R"(
module unsigned_core (input [7:0] x, input [7:0] y, output [15:0] z);
  assign z = x * {y[7:2], 2'b00};
endmodule
)";

TEST_F(Cosim, AUsersSignedVerilogMatches) {
  const fs::path file = files_.write("dropped_lsb.v", kSignedVerilog);
  const auto& lut = store_.get(file.string()).lut;
  EXPECT_EQ(lut[static_cast<size_t>(5) << 8 | 3], 10) << "5 * 2";
  EXPECT_EQ(lut[static_cast<size_t>(5) << 8 | 0xfd], -20) << "5 * -4";
  expect_match(run(file.string()), 1);
}

TEST_F(Cosim, AUsersUnsignedVerilogMatchesInTheSignMagnitudeShell) {
  const std::string name = files_.write("unsigned_core.v", kUnsignedVerilog).string() + ":signed=0";
  const auto& lut = store_.get(name).lut;
  EXPECT_EQ(lut[static_cast<size_t>(0xfb) << 8 | 7], -20) << "-(5 * 4)";
  EXPECT_EQ(lut[static_cast<size_t>(0xfb) << 8 | 0xf9], 20) << "-5 * -7";
  expect_match(run(name), 1);
}

// Two unsigned files in one accelerator: each keeps its own shell and core.
TEST_F(Cosim, TwoUnsignedFilesInOneAcceleratorMatch) {
  const std::string first = files_.write("first_core.v", kUnsignedVerilog).string() + ":signed=0";
  const std::string second = files_
                                 .write("second_core.v", R"(
module another_core (input [7:0] x, input [7:0] y, output [15:0] z);
  assign z = x * {y[7:4], 4'b1000};
endmodule
)")
                                 .string() +
                             ":signed=0";
  expect_match(run(first, {"primary.mac=" + second}), 1);
}

TEST_F(Cosim, TwoModulesOfOneNameAreRefused_bad) {
  const std::string first = files_.write("one.v", kSignedVerilog).string();
  std::string other = kSignedVerilog;
  other.replace(other.find("{y[7:1], 1'b0}"), 14, "{y[7:2], 2'b00}");
  const std::string second = files_.write("two.v", other).string();
  test::expect_error(ErrorKind::kUnimplemented, "Duplicate declaration of module: 'dropped_lsb'",
                     [&] { run(first, {"primary.mac=" + second}); });
}

// Directives of a user's file reach neither the accelerator's files nor those of another component;
// and its delays are of no account.
TEST_F(Cosim, DirectivesOfAUsersFileReachNoOther) {
  const auto multiplier = [&](const char* name, const std::string& before, const char* body) {
    return files_
        .write(std::string(name) + ".v",
               before + "module " + name +
                   " (input signed [7:0] x, input signed [7:0] y, output signed [15:0] z);\n" +
                   body + "endmodule\n")
        .string();
  };
  const std::string timescale =
      multiplier("with_timescale", "`timescale 1ns / 1ps\n", "  assign #1 z = x * y;\n");
  const std::string finer = multiplier("with_finer_timescale",
                                       "`timescale 1fs / 1fs\n`default_nettype none\n`celldefine\n",
                                       "  assign z = x * {y[7:1], 1'b0};\n");
  const std::string macros = multiplier(
      "with_macros",
      "`define WIDTH 8\n`define clk_i oops\n`define capsnet_accel oops\n`define SYNTHESIS\n",
      "  wire signed [`WIDTH-1:0] even = {y[7:2], 2'b00};\n  assign z = x * even;\n");
  // Read last: a net without declaration, no macro of the others.
  const std::string plain = multiplier("without_any",
                                       "`ifdef WIDTH\n  not Verilog\n`endif\n"
                                       "`ifdef clk_i\n  not Verilog\n`endif\n",
                                       "  assign sign = y[7];\n"
                                       "  assign z = x * {sign, y[6:3], 3'b000};\n");
  expect_match(
      run(timescale, {"primary.mac=" + finer, "routing.sum=" + macros, "votes.mac=" + plain,
                      "squash.mac=" + timescale, "class.mac=" + timescale}),
      1);
}

// Users may call their modules as the accelerator calls its own.
TEST_F(Cosim, ModulesNamedAsTheAcceleratorsMatch) {
  const std::string names[] = {"divider", "scratchpad", "pe_mul", "capsnet_accel", "dma"};
  std::string text;
  for (const std::string& name : names) {
    text += "module " + name + " (input signed [7:0] i, output signed [7:0] o);\n" +
            "  assign o = i;\nendmodule\n";
  }
  text +=
      "module isqrt (input signed [7:0] x, input signed [7:0] y, output signed [15:0] z);\n"
      "  wire signed [7:0] w0 = {y[7:1], 1'b0};\n";
  for (int i = 0; i < 5; ++i) {
    text += fmt::format("  wire signed [7:0] w{1};\n  {2} u{0} (.i(w{0}), .o(w{1}));\n", i, i + 1,
                        names[i]);
  }
  text += "  assign z = x * w5;\nendmodule\n";
  expect_match(run(files_.write("clash.v", text).string()), 1);
}

/// A component of this Verilog, as far as a build needs it: module `top` with ports a, b, p.
synth::Component bare_component(const fs::path& file, const std::string& top) {
  synth::Component component;
  component.name = file.filename().string();
  component.source.files = {file};
  component.source.top = top;
  component.source.ports = {"a", "b", "p"};
  return component;
}

std::string bare_module(const std::string& name) {
  return "module " + name +
         " (input signed [7:0] a, input signed [7:0] b, output signed [15:0] p);\n"
         "  assign p = a * b;\nendmodule\n";
}

/// Builds alone, in a cache of the test's own, of the smallest array.
class CosimBuild : public Cosim {
 protected:
  void SetUp() override {
    Cosim::SetUp();
    options_.accelerator.shape.rows = 1;
    options_.accelerator.shape.cols = 1;
    options_.accelerator.shape.acc_depth = 16;
    options_.accelerator.cache_dir = files_.path() / "cache";
    options_.accelerator.progress = [this](const std::string& line) { said_ += line + "\n"; };
  }
  fs::path build(const std::vector<synth::Component>& components) {
    std::vector<const synth::Component*> pointers;
    for (const synth::Component& component : components) pointers.push_back(&component);
    said_.clear();
    return build_accelerator(pointers, options_.accelerator);
  }
  bool built() const { return said_.find("accelerator built in") != std::string::npos; }

  std::string said_;
};

// The rarer directives, one a component; each file is legal on its own.
TEST_F(CosimBuild, RareDirectivesReachNoOtherFile) {
  const char* before[] = {
      "`timescale 1s / 1ms\n`resetall\n", "`undefineall\n`unconnected_drive pull1\n",
      "`begin_keywords \"1364-2001\"\n`pragma protect\n", "`line 3 \"dma.sv\" 1\n"};
  std::vector<synth::Component> components;
  for (int i = 0; i < 4; ++i) {
    const std::string name = fmt::format("m{}", i);
    components.push_back(
        bare_component(files_.write(name + ".sv", before[i] + bare_module(name)), name));
  }
  EXPECT_TRUE(fs::exists(build(components)));
  EXPECT_TRUE(built());
}

TEST_F(CosimBuild, OurPrefixIsRefusedWithItsReason_bad) {
  const std::string name = "lutra_accelerator_isqrt";
  const auto component = bare_component(files_.write("ours.v", bare_module(name)), name);
  test::expect_error(ErrorKind::kUnimplemented,
                     "names that begin with lutra_accelerator_ are the accelerator's",
                     [&] { build({component}); });
}

// A file's name is only a name: what is in it reaches no generated Verilog.
TEST_F(CosimBuild, HostileFileNamesReachNoGeneratedText) {
  const fs::path marker = files_.path() / "marker";
  const std::string name = "x\ninitial $system(\"touch " + std::string("marker") + "\");.v";
  const std::string other = "y.v\"\n`include \"z.v";
  const auto first = bare_component(files_.write(name, bare_module("m0")), "m0");
  const auto second = bare_component(files_.write(other, bare_module("m1")), "m1");
  const std::string text = pe_multiplier_source({&first, &second});
  EXPECT_EQ(text.find("system"), std::string::npos) << text;
  EXPECT_EQ(text.find("y.v"), std::string::npos) << text;
  const fs::path program = build({first, second});
  for (const auto& entry : fs::directory_iterator(program.parent_path())) {
    if (entry.path() == program || entry.path().extension() == ".v") continue;
    EXPECT_EQ(file_bytes(entry.path()).find("initial $system"), std::string::npos) << entry.path();
  }
  EXPECT_FALSE(fs::exists(marker));
}

// Names inside Verilog may be escaped there, and are so in what is generated; what no name can hold
// is refused.
TEST_F(CosimBuild, OddNamesAreEscapedOrRefused) {
  auto component = bare_component(
      files_.write("escaped.v",
                   "module \\mul+8 (input signed [7:0] \\a[0] , input signed [7:0] b, "
                   "output signed [15:0] p);\n  assign p = \\a[0]  * b;\nendmodule\n"),
      "mul+8");
  component.source.ports = {"a[0]", "b", "p"};
  EXPECT_TRUE(fs::exists(build({component})));
  for (const char* name : {"", "a b", "m; initial $finish;", "m\n", "caf\xc3\xa9"}) {
    component.source.top = name;
    test::expect_error(ErrorKind::kUnimplemented, "cannot be a name in Verilog",
                       [&] { pe_multiplier_source({&component}); });
  }
}

// An entry of the cache that is not what was built is said, and made again.
TEST_F(CosimBuild, ADamagedEntryOfTheCacheIsMadeAgain_bad) {
  const std::vector<synth::Component> components = {
      bare_component(files_.write("m.v", bare_module("m")), "m")};
  const fs::path program = build(components);
  const fs::path manifest = program.parent_path() / "manifest.json";
  EXPECT_TRUE(built());
  const std::string good = file_bytes(program);
  const auto write = [](const fs::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  };
  build(components);
  EXPECT_EQ(said_, "") << "a good entry is used as it is";
  struct Damage {
    const char* name;
    std::function<void()> make;
    const char* said;
  };
  const Damage damages[] = {
      {"empty", [&] { write(program, ""); }, "its program is not the one that was built"},
      {"truncated", [&] { fs::resize_file(program, good.size() / 2); },
       "its program is not the one that was built"},
      {"one bit",
       [&] {
         std::string bytes = good;
         bytes[bytes.size() / 2] ^= 4;
         write(program, bytes);
       },
       "its program is not the one that was built"},
      {"replaced", [&] { write(program, "#!/bin/sh\necho '{\"verdict\":\"match\"}' > \"$2\"\n"); },
       "its program is not the one that was built"},
      {"that cannot be executed", [&] { fs::permissions(program, fs::perms::owner_read); },
       "its program cannot be executed"},
      {"missing", [&] { fs::remove(program); }, "its program is missing"},
      {"a directory",
       [&] {
         fs::remove(program);
         fs::create_directory(program);
       },
       "its program is missing"},
      {"without manifest", [&] { fs::remove(manifest); }, "its manifest is missing"},
      {"with a damaged manifest", [&] { write(manifest, "{\"cosim\": "); },
       "its manifest cannot be read"},
      {"with another manifest", [&] { write(manifest, "{\"cosim\": \"00\"}"); },
       "its program is not the one that was built"},
      {"a file",
       [&] {
         fs::remove_all(program.parent_path());
         write(program.parent_path(), "no directory");
       },
       "its program is missing"},
  };
  const fs::path entry = program.parent_path();
  const fs::path kept = files_.path() / "kept";
  fs::copy(entry, kept, fs::copy_options::recursive);
  EXPECT_EQ(entry_damage(entry), "");
  int checked = 0;
  for (const Damage& damage : damages) {
    damage.make();
    EXPECT_NE(entry_damage(entry).find(damage.said), std::string::npos)
        << damage.name << ": " << entry_damage(entry);
    // One of each kind through the whole build, which takes seconds.
    if (damage.name == std::string("replaced") || damage.name == std::string("a file")) {
      EXPECT_EQ(build(components), program);
      EXPECT_EQ(said_.find(entry.string() + ": damaged, " + damage.said + ": made again\n"), 0u)
          << said_;
      EXPECT_TRUE(built()) << damage.name;
      build(components);
      EXPECT_EQ(said_, "") << damage.name << ": good again";
    }
    fs::remove_all(entry);
    fs::copy(kept, entry, fs::copy_options::recursive);
    ++checked;
  }
  // Nothing of the damaged ones is left beside it.
  int entries = 0;
  for (const auto& other : fs::directory_iterator(entry.parent_path())) {
    EXPECT_EQ(other.path(), entry);
    ++entries;
  }
  EXPECT_EQ(entries, 1);
  std::printf("checked=%d\n", checked);
}

// What a program is made of is in its key.
TEST_F(CosimBuild, TheKeyHoldsSourcesAndOptions) {
  std::set<fs::path> programs;
  const auto expect_another = [&](const std::vector<synth::Component>& components) {
    EXPECT_TRUE(programs.insert(build(components)).second);
  };
  auto component = bare_component(files_.write("m.v", bare_module("m")), "m");
  expect_another({component});
  files_.write("m.v", bare_module("m") + "// another comment\n");
  expect_another({component});
  component.name = "renamed";
  EXPECT_FALSE(programs.insert(build({component})).second) << "a name is not in the program";
  options_.accelerator.fault_mask = 1;
  expect_another({component});
  options_.accelerator.shape.acc_depth = 17;
  expect_another({component});
  std::printf("checked=%zu\n", programs.size());
}

TEST_F(Cosim, AnotherShapeOfTheArrayMatches) {
  options_.accelerator.shape.rows = 8;
  options_.accelerator.shape.cols = 4;
  expect_match(run("exact"), 1);
}

// The hardware flips a bit of lane 0 of its requantiser: the first step that uses it is named.
TEST_F(Cosim, AFaultInTheHardwareIsFoundAndSaid_bad) {
  options_.accelerator.fault_mask = 4;
  const json r = run("exact");
  std::printf("checked=%lld mismatches=%lld\n", static_cast<long long>(r.at("checked")),
              static_cast<long long>(r.at("mismatches")));
  EXPECT_EQ(r.at("verdict"), "mismatch");
  EXPECT_GT(r.at("checked").get<int64_t>(), 70000);
  EXPECT_GT(r.at("mismatches").get<int64_t>(), 100);
  EXPECT_EQ(r.at("rerun"), "lutra cosim --of-this-test");
  ASSERT_FALSE(r.at("first_mismatches").empty());
  const json& first = r.at("first_mismatches")[0];
  EXPECT_EQ(first.at("image"), 0);
  EXPECT_EQ(first.at("step"), "conv1.mac");
  EXPECT_EQ(first.at("index"), json({0, 0, 0})) << "lane 0 holds the first channel";
  EXPECT_EQ(first.at("expected").get<int>() ^ 4, first.at("got").get<int>());
  EXPECT_LE(r.at("first_mismatches").size(), 8u) << "the first few, not all";
}

// The same accelerator without fault, from the cache: nothing is built a second time.
TEST_F(Cosim, AWarmCacheBuildsNothing) {
  const json first = run("exact");
  const json second = run("exact");
  expect_match(second, 1);
  EXPECT_LT(second.at("build_seconds").get<double>(), 2.0);
  EXPECT_EQ(first.at("cycles"), second.at("cycles")) << "a run repeats to the cycle";
}

TEST_F(Cosim, AWaveFileIsWrittenByABuildOfItsOwn) {
  const fs::path wave = files_.path() / "window.fst";
  options_.wave = wave.string();
  options_.wave_first = 100;
  options_.wave_last = 2100;
  expect_match(run("exact"), 1);
  const std::string bytes = file_bytes(wave);
  ASSERT_GT(bytes.size(), 1000u);
  // A header block: type 0, its length 329 in eight bytes, big-endian.
  EXPECT_EQ(bytes.substr(0, 9), std::string("\0\0\0\0\0\0\0\x01\x49", 9));
  // A directory is no place for a wave.
  options_.wave = files_.path().string();
  test::expect_error(ErrorKind::kInvalidArgument, options_.wave + ": cannot be written",
                     [&] { run("exact"); });
  // With and without waves are two entries of the cache.
  const auto components =
      studies::assign(models::capsnet_edge(), &store_, "exact", {}).components();
  AcceleratorOptions accelerator = options_.accelerator;
  const fs::path without = build_accelerator(components, accelerator);
  accelerator.wave = true;
  EXPECT_NE(without, build_accelerator(components, accelerator));
}

TEST_F(Cosim, AWaveFileThatCannotBeWrittenIsAUsersError_bad) {
  options_.wave = (files_.path() / "no such directory" / "window.fst").string();
  test::expect_error(ErrorKind::kInvalidArgument, "no such directory/window.fst",
                     [&] { run("exact"); });
}

// What the platform would refuse is refused before the accelerator is built.
TEST_F(Cosim, WhatIsWrongIsSaidBeforeTheBuild_bad) {
  options_.accelerator.cache_dir = files_.path() / "cache";
  options_.first = 9999;
  options_.images = 2;
  test::expect_error(ErrorKind::kInvalidArgument,
                     "2 images from number 9999 on, fashion-mnist test has 10000",
                     [&] { run("exact"); });
  options_.first = 0;
  options_.accelerator.shape.scratch_bytes = 1024;
  test::expect_error(ErrorKind::kUnimplemented, "1024 byte scratchpad", [&] { run("exact"); });
  EXPECT_FALSE(fs::exists(files_.path() / "cache"));
}

TEST_F(Cosim, TheRerunLineSaysEverythingAndIsQuoted) {
  options_.model = "it's";
  options_.data = "";
  options_.first = 7;
  options_.images = 3;
  options_.max_cycles = 1000;
  options_.accelerator.shape = {4, 8, 1 << 16, 100};
  options_.accelerator.fault_mask = 2;
  options_.memory_latency_ns = 250;
  options_.memory_waits = true;
  options_.reset_after = 40;
  EXPECT_EQ(rerun_command(options_, {"--assign", "conv1.mac=a b.v"}),
            "lutra cosim --model 'it'\\''s' --data '' --first 7 --images 3 --rows 4 --cols 8 "
            "--scratch-kib 64 --acc-depth 100 --fault-mask 2 --max-cycles 1000 "
            "--memory-latency-ns 250 --memory-waits --reset-after 40 --assign "
            "'conv1.mac=a b.v'");
}

// A memory that takes its time, annotated or waited for in b_transport: the same results, later.
TEST_F(Cosim, ASlowMemoryCostsCyclesAndNothingElse) {
  const json usual = run("exact");
  options_.memory_latency_ns = 3000;
  const json annotated = run("exact");
  expect_match(annotated, 1);
  options_.memory_waits = true;
  const json waited = run("exact");
  expect_match(waited, 1);
  EXPECT_EQ(annotated.at("cycles"), waited.at("cycles")) << "the same time, told in another way";
  const json& image = usual.at("images_detail")[0];
  const int64_t bursts = image.at("read_beats").get<int64_t>() / 64;
  EXPECT_GT(annotated.at("cycles").get<int64_t>(),
            usual.at("cycles").get<int64_t>() + bursts * 250 / 2);
  for (const char* count : {"read_beats", "write_beats", "macs", "class"}) {
    EXPECT_EQ(image.at(count), waited.at("images_detail")[0].at(count)) << count;
  }
}

// Reset in the middle of a run, with a burst in a memory that waits: the run after it is right, and
// takes as long as without it.
TEST_F(Cosim, AResetInTheMiddleOfARunLeavesNoTrace) {
  options_.memory_waits = true;
  const json undisturbed = run("exact");
  for (const uint64_t cycles : {15, 33, 1000, 20000}) {
    options_.reset_after = cycles;
    const json r = run("exact");
    expect_match(r, 1);
    EXPECT_EQ(r.at("cycles"), undisturbed.at("cycles")) << "after " << cycles;
    EXPECT_GT(r.at("bus_handshakes"), undisturbed.at("bus_handshakes"));
  }
}

// Too few cycles for an image: the run ends, and says where the program stood.
TEST_F(Cosim, AHangIsAMismatchWithItsInstruction_bad) {
  options_.max_cycles = 1000;
  const json r = run("exact");
  EXPECT_EQ(r.at("verdict"), "mismatch");
  ASSERT_EQ(r.at("first_mismatches").size(), 1u);
  const std::string what = r.at("first_mismatches")[0].at("what");
  EXPECT_NE(what.find("no interrupt within 1000 cycles at instruction"), std::string::npos) << what;
}

TEST_F(Cosim, EveryOperationHasAMultiplierOfItsOwn) {
  const json r = run("exact", {"conv1.mac=drum:kept_bits=4", "primary.mac=drum:kept_bits=5",
                               "votes.mac=drum:kept_bits=6", "routing.sum=drum:kept_bits=3",
                               "routing.agreement=trunc:trunc_bits=1"});
  EXPECT_EQ(r.at("verdict"), "match");
  EXPECT_EQ(r.at("mismatches"), 0);
}

// Every iteration of the routing and each of the two squashes.
TEST_F(Cosim, IterationsAndSquashesAreToldApart) {
  const json r =
      run("exact", {"routing.sum.1=drum:kept_bits=4", "routing.sum.3=trunc:trunc_bits=1",
                    "routing.agreement.2=drum:kept_bits=3", "capsules.squash=bam:hbl=0,vbl=4"});
  expect_match(r, 1);
  // Another accelerator's products are seen: none of the four is without effect.
  EXPECT_EQ(r.at("components").size(), 5u);
}

// As the shell of the accelerator instantiates it, and as a shell of ours does.
TEST_F(Cosim, FurtherOutputsAreLeftAlone) {
  for (const std::string sign : {"signed ", ""}) {
    const std::string name = "further" + std::to_string(sign.size()) + ".v";
    const auto file = files_.write(
        name, "module m (input " + sign + "[7:0] a, input " + sign + "[7:0] b,\n  output " + sign +
                  "[15:0] p, output zero);\n  assign p = a * b;\n  assign zero = p == 0;\n" +
                  "endmodule\n");
    expect_match(run(file.string()), 1);
  }
}

// Two multipliers without RTL beside one with: neither commutes.
TEST_F(Cosim, TablesStandForRtlThatIsNotThere) {
  std::vector<std::string> names;
  for (const int factor : {1, 3}) {
    std::string bytes;
    for (int i = 0; i < 65536; ++i) {
      const int a = static_cast<int8_t>(i >> 8);
      const int b = static_cast<int8_t>(i & 255);
      const int product = a * b + factor * (a & 7);
      bytes += {static_cast<char>(product & 255), static_cast<char>(product >> 8 & 255)};
    }
    names.push_back(files_.write("t" + std::to_string(factor) + ".bin", bytes).string());
  }
  const json r = run("exact", {"primary.mac=" + names[0], "routing.sum=" + names[1]});
  expect_match(r, 1);
  EXPECT_EQ(r.at("tables_for_rtl"), json({names[0], names[1]}));
}

TEST_F(Cosim, MoreThanSixteenMultipliersAreUnsupported_bad) {
  const synth::Component exact = synth::characterize(synth::library_source("exact"), {});
  const std::vector<const synth::Component*> many(17, &exact);
  test::expect_error(ErrorKind::kUnimplemented, "17 components in one accelerator, expected 1..16",
                     [&] { pe_multiplier_source(many, "many"); });
}

}  // namespace
}  // namespace lutra::cosim
