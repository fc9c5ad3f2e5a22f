// A multiplier mapped for other delays: area against delay, and the same products.

#include "lutra/component/delay_sweep.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lutra/component/library.h"
#include "test_files.h"

namespace lutra::synth {
namespace {

using test::expect_error;
using test::TestDirectory;

TEST(DelaySweep, ShorterDelaysTakeMoreArea) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const TestDirectory directory;
  CharacterizeOptions options;
  options.cache_dir = directory.path() / "cache";
  const Component component = characterize(library_source("exact:width=6"), options);
  const std::vector<double> targets = {0.1, 0.8 * component.delay_ns, 10 * component.delay_ns};
  const nlohmann::json rows =
      sweep_delay_targets(component, default_liberty(), targets, 1, directory.path() / "clock");
  ASSERT_EQ(rows.size(), 3u);
  int checked = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    const nlohmann::json& row = rows[i];
    EXPECT_EQ(row.at("target_ns"), targets[i]);
    EXPECT_EQ(row.at("reached").get<bool>(), row.at("delay_ns").get<double>() <= targets[i]);
    EXPECT_EQ(row.at("compared_products"), 4096);
    EXPECT_GT(row.at("energy_per_op_fj"), 0);
    EXPECT_GT(row.at("glitches").at("energy_factor"), 1);
    EXPECT_TRUE(std::filesystem::exists(directory.path() / "clock" /
                                        fmt::format("{:g}ns", targets[i]) / "netlist.v"));
    ++checked;
  }
  fmt::print("checked={}\n", checked);
  EXPECT_FALSE(rows[0].at("reached").get<bool>()) << "no multiplier takes 0.1 ns in 180 nm";
  EXPECT_TRUE(rows[2].at("reached").get<bool>());
  EXPECT_LT(rows[0].at("delay_ns"), component.delay_ns);
  EXPECT_LT(rows[0].at("delay_ns"), rows[2].at("delay_ns"));
  EXPECT_GT(rows[0].at("area_um2"), rows[2].at("area_um2"));
  EXPECT_LE(rows[2].at("area_um2"), component.area_um2);
}

TEST(DelaySweep, AnotherLibrary_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const TestDirectory directory;
  Component component;
  component.name = "mine";
  component.liberty_sha256 = "0";
  expect_error(ErrorKind::kInvalidArgument, "not the library that mine was mapped to", [&] {
    sweep_delay_targets(component, default_liberty(), {1}, 1, directory.path() / "clock");
  });
}

}  // namespace
}  // namespace lutra::synth
