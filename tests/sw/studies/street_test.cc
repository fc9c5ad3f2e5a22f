// The whole street on a few images: its rows, its choice, its energy and its co-simulation; and a
// second run that makes nothing anew.
#include "lutra/studies/street.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <set>

#include "saved_network.h"
#include "test_files.h"

namespace lutra::studies {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class Street : public testing::Test {
 protected:
  void SetUp() override {
    LUTRA_SKIP_WITHOUT_TOOLS();
    if (!test::on_path("verilator")) GTEST_SKIP() << "verilator is not on PATH";
    config_.name = "small";
    config_.model = network::saved_network();
    config_.images = 50;
    config_.shape.rows = config_.shape.cols = 4;  // quicker to build
    config_.multipliers = {"exact", "drum:kept_bits=4"};
    config_.max_accuracy_loss = 1.0;  // the choice is by energy alone
    config_.cosim_images = 1;
    config_.energy_images = 1;
    config_.energy_samples = 512;
    config_.record_operands = true;
  }

  json run() {
    lines_.clear();
    return run_street(config_, files_.path() / "out",
                      [this](const std::string& line) { lines_.push_back(line); });
  }
  int lines_with(const std::string& part) const {
    int count = 0;
    for (const std::string& line : lines_) count += line.find(part) != std::string::npos;
    return count;
  }
  std::set<fs::path> parts() const {
    std::set<fs::path> files;
    for (const auto& entry : fs::directory_iterator(files_.path() / "out/parts")) {
      files.insert(entry.path());
    }
    return files;
  }

  StreetConfig config_;
  test::TestDirectory files_;
  std::vector<std::string> lines_;
};

TEST_F(Street, RunsEndToEndAndAgainFromItsParts) {
  const json first = run();
  ASSERT_EQ(first.at("rows").size(), 2u) << "exact once, though it is listed too";
  EXPECT_EQ(first.at("images"), 50);
  EXPECT_EQ(first.at("reference"), 0);
  EXPECT_EQ(first.at("rows")[0].at("label"), "exact");
  EXPECT_EQ(first.at("rows")[1].at("label"), "drum:kept_bits=4");
  EXPECT_EQ(first.at("rows")[0].at("assignment").at("primary.mac"), "exact");
  EXPECT_EQ(first.at("rows")[1].at("assignment").at("primary.mac"), "drum:kept_bits=4");
  EXPECT_EQ(first.at("rows")[1].at("assignment").at("squash.mac"), "exact");
  for (const char* row : {"exact", "drum_kept_bits_4"}) {
    EXPECT_TRUE(fs::exists(files_.path() / "out/operands" / row / "primary.mac.npy")) << row;
  }
  int64_t terms = 0;
  for (const json& row : first.at("rows")) {
    const double accuracy = row.at("accuracy");
    EXPECT_GE(accuracy, 0);
    EXPECT_LE(accuracy, 1);
    EXPECT_DOUBLE_EQ(accuracy * 50, std::round(accuracy * 50)) << "a share of 50 images";
    EXPECT_GT(row.at("area_um2"), 0);
    EXPECT_GT(row.at("delay_ns"), 0);
    double sum_nj = 0;
    for (const json& term : row.at("energy_terms")) {
      EXPECT_GT(term.at("energy_per_op_fj"), 0) << term.dump();
      EXPECT_GT(term.at("energy_nj"), 0) << term.dump();
      EXPECT_GT(term.at("count"), 0) << term.dump();
      EXPECT_NEAR(term.at("energy_nj").get<double>(),
                  term.at("count").get<double>() * term.at("energy_per_op_fj").get<double>() * 1e-6,
                  1e-9 * term.at("energy_nj").get<double>());
      sum_nj += term.at("energy_nj").get<double>();
      ++terms;
    }
    EXPECT_NEAR(row.at("energy_per_inference_nj").get<double>(), sum_nj, 1e-9 * sum_nj);
    EXPECT_LT(row.at("multiply_energy_nj").get<double>(), sum_nj);
  }
  std::printf("checked=%lld\n", static_cast<long long>(terms));
  EXPECT_GT(terms, 0);

  // DRUM of four bits takes less energy and area than the exact multiplier: it must be chosen.
  EXPECT_EQ(first.at("chosen"), 1);
  EXPECT_LT(first.at("rows")[1].at("multiply_energy_nj"),
            first.at("rows")[0].at("multiply_energy_nj"));
  EXPECT_TRUE(first.at("rows")[0].at("cosim").is_null());
  const json& cosim = first.at("rows")[1].at("cosim");
  EXPECT_EQ(cosim.at("verdict"), "match") << cosim.at("first_mismatches").dump(1);
  EXPECT_EQ(cosim.at("mismatches"), 0);
  EXPECT_GT(cosim.at("checked"), 70000);
  EXPECT_EQ(first.at("routing").at("routed"), first.at("rows")[0].at("accuracy"));
  EXPECT_TRUE(first.at("routing").contains("uniform"));
  EXPECT_TRUE(first.at("routing").contains("shuffled"));
  std::set<std::string> components;
  for (const json& c : first.at("components")) components.insert(c.at("name"));
  EXPECT_EQ(components, (std::set<std::string>{"exact", "drum:kept_bits=4"}));
  EXPECT_EQ(lines_with("kept from an earlier run"), 0);

  // Accuracies: two rows and two couplings; energies: two; one co-simulation.
  const auto made = parts();
  EXPECT_EQ(made.size(), 7u);
  const json second = run();
  EXPECT_EQ(lines_with("kept from an earlier run"), 7);
  EXPECT_EQ(second.dump(), first.dump());
  EXPECT_EQ(parts(), made);

  // A damaged part is made again; what it depends on decides which others are.
  test::TestDirectory unused;
  std::ofstream(*made.begin(), std::ios::trunc) << "{\"accuracy\":";
  run();
  EXPECT_EQ(lines_with("is damaged and made again"), 1);
  EXPECT_EQ(lines_with("kept from an earlier run"), 6);
  config_.energy_samples = 600;
  run();
  EXPECT_EQ(lines_with("kept from an earlier run"), 5) << "the energies are made anew, no more";
}

// Without a loss to give away, a multiplier that errs is not chosen unless it loses nothing.
TEST_F(Street, TheChoiceKeepsToTheAccuracyBudget) {
  config_.max_accuracy_loss = 0;
  config_.multipliers = {"trunc:trunc_bits=2"};
  const json r = run();
  const double loss =
      r.at("rows")[0].at("accuracy").get<double>() - r.at("rows")[1].at("accuracy").get<double>();
  std::printf("loss %.2f\n", loss);
  EXPECT_EQ(r.at("chosen").get<int>(), loss > 0 ? 0 : 1);
  EXPECT_EQ(r.at("rows")[r.at("chosen").get<size_t>()].at("cosim").at("verdict"), "match");
}

TEST_F(Street, BadInputStopsBeforeTheWork_bad) {
  config_.images = 10001;
  test::expect_error(ExitCode::kUsage, "10001 images from number 0 on, fashion-mnist test has",
                     [&] { run(); });
  config_.images = 50;
  config_.cosim_first = 10000;
  test::expect_error(ExitCode::kUsage, "images from number 10000 on", [&] { run(); });
  config_.cosim_first = 0;
  config_.operations = {"primary.mak"};
  test::expect_error(ExitCode::kUsage, "operation 'primary.mak' does not exist", [&] { run(); });
  config_.operations = {};
  config_.multipliers = {"drum:kept_bits=9"};
  test::expect_error(ExitCode::kUsage, "kept_bits = 9", [&] { run(); });
  config_.multipliers = {"drum"};
  config_.model = files_.path() / "absent";
  test::expect_error(ExitCode::kUsage, "absent/network.json", [&] { run(); });
  EXPECT_FALSE(fs::exists(files_.path() / "out/parts"));
}

}  // namespace
}  // namespace lutra::studies
