// The accelerator's RTL in SystemC against the engine, for assignments of all kinds: equal where it
// must be, and a fault is found and said.
#include "lutra/cosim/cosim.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "lutra/numerics/error.h"
#include "lutra/studies/components.h"
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
    options_.model = network::saved_network();
    options_.rerun = "lutra cosim --of-this-test";
    // Small arrays take a fifth of the time to build.
    options_.accelerator.shape.rows = 4;
    options_.accelerator.shape.cols = 4;
  }

  /// One multiplier on the array, exact elsewhere; overrides as --assign gives them.
  json run(const std::string& multiplier, const std::vector<std::string>& overrides = {}) {
    return run_cosim(studies::cosim_assignment(studies::assign(network::capsnet_edge(), &store_,
                                                               multiplier, {}, overrides)),
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
    const auto network = network::load_quantised(options_.model);
    const network::StepList list = network::lower(network);
    std::map<std::string, int64_t> compared;
    int64_t sum = 0;
    for (const json& step : r.at("steps")) {
      compared[step.at("step")] = step.at("checked");
      sum += step.at("checked").get<int64_t>();
    }
    EXPECT_EQ(sum, r.at("checked").get<int64_t>());
    for (const network::Step& step : list.steps) {
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
  options_.accelerator.shape = network::AcceleratorShape();
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
  test::expect_error(ExitCode::kUnsupported, "Duplicate declaration of module: 'dropped_lsb'",
                     [&] { run(first, {"primary.mac=" + second}); });
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
  test::expect_error(ExitCode::kUsage, options_.wave + ": cannot be written",
                     [&] { run("exact"); });
  // With and without waves are two entries of the cache.
  const auto components =
      studies::cosim_assignment(studies::assign(network::capsnet_edge(), &store_, "exact", {}))
          .components;
  AcceleratorOptions accelerator = options_.accelerator;
  const fs::path without = build_accelerator(components, accelerator);
  accelerator.wave = true;
  EXPECT_NE(without, build_accelerator(components, accelerator));
}

TEST_F(Cosim, AWaveFileThatCannotBeWrittenIsAUsersError_bad) {
  options_.wave = (files_.path() / "no such directory" / "window.fst").string();
  test::expect_error(ExitCode::kUsage, "no such directory/window.fst", [&] { run("exact"); });
}

// What the platform would refuse is refused before the accelerator is built.
TEST_F(Cosim, WhatIsWrongIsSaidBeforeTheBuild_bad) {
  options_.accelerator.cache_dir = files_.path() / "cache";
  options_.first = 9999;
  options_.images = 2;
  test::expect_error(ExitCode::kUsage, "2 images from number 9999 on, fashion-mnist test has 10000",
                     [&] { run("exact"); });
  options_.first = 0;
  options_.accelerator.shape.scratch_bytes = 1024;
  test::expect_error(ExitCode::kUnsupported, "1024 byte scratchpad", [&] { run("exact"); });
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

TEST_F(Cosim, MoreThanFourMultipliersAreUnsupported_bad) {
  test::expect_error(ExitCode::kUnsupported, "expected 1..4", [&] {
    run("exact", {"conv1.mac=drum:kept_bits=4", "primary.mac=drum:kept_bits=5",
                  "votes.mac=drum:kept_bits=6", "routing.sum=drum:kept_bits=3"});
  });
}

}  // namespace
}  // namespace lutra::cosim
