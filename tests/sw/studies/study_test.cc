// A study on a few images: its rows, its choice, its energy and its co-simulation; and a
// second run that makes nothing anew.
#include "lutra/studies/study.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <set>

#include "lutra/base/files.h"
#include "saved_network.h"
#include "test_files.h"

namespace lutra::studies {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class Study : public testing::Test {
 protected:
  void SetUp() override {
    LUTRA_SKIP_WITHOUT_TOOLS();
    if (!test::on_path("verilator")) GTEST_SKIP() << "verilator is not on PATH";
    config_.name = "small";
    config_.model = test::saved_network();
    config_.images = 50;
    config_.shape.rows = config_.shape.cols = 4;  // quicker to build
    config_.exact_designs = {"exact", "bam:hbl=0,vbl=0"};
    config_.multipliers = {"exact", "bam:hbl=0,vbl=4"};
    config_.max_accuracy_loss = 1.0;  // the choice is by energy alone
    config_.cosim_images = 1;
    config_.energy_images = 3;
    config_.energy_samples = 512;
    config_.record_operands = true;
  }

  json run() {
    lines_.clear();
    const auto progress = [this](const std::string& line) { lines_.push_back(line); };
    RunStore store(files_.path() / "out/units", progress);
    return run_study(config_, files_.path() / "out", &store, progress).value();
  }
  int lines_with(const std::string& part) const {
    int count = 0;
    for (const std::string& line : lines_) count += line.find(part) != std::string::npos;
    return count;
  }
  std::set<fs::path> units() const {
    std::set<fs::path> files;
    for (const auto& entry : fs::directory_iterator(files_.path() / "out/units")) {
      files.insert(entry.path());
    }
    return files;
  }

  StudyConfig config_;
  test::TestDirectory files_;
  std::vector<std::string> lines_;
};

// It has an accuracy and can be co-simulated; what needs a netlist is unknown, and never chosen.
TEST_F(Study, ATableAloneHasNoEnergy) {
  std::string bytes;
  for (int i = 0; i < 65536; ++i) {
    const int product = static_cast<int8_t>(i >> 8) * static_cast<int8_t>(i & 255);
    bytes += {static_cast<char>(product & 255), static_cast<char>(product >> 8 & 255)};
  }
  const std::string table = files_.write("mul.bin", bytes).string();
  config_.exact_designs = {"exact"};
  config_.multipliers = {table};
  config_.cosim_all = true;
  const json r = run();
  ASSERT_EQ(r.at("rows").size(), 2u);
  const json& row = r.at("rows")[1];
  EXPECT_EQ(row.at("label"), table);
  EXPECT_EQ(row.at("accuracy"), r.at("rows")[0].at("accuracy"));
  for (const char* figure :
       {"energy_per_inference_nj", "multiply_energy_nj", "multiply_saving",
        "multiply_saving_interval", "energy_saving", "saving_split", "area_um2", "delay_ns"}) {
    EXPECT_TRUE(row.at(figure).is_null()) << figure;
  }
  EXPECT_EQ(r.at("chosen"), 0);
  EXPECT_EQ(lines_with("no energy: one of its multipliers is a table"), 1);
  EXPECT_EQ(row.at("cosim").at("verdict"), "match");
  EXPECT_EQ(row.at("cosim").at("tables_for_rtl"), json({table}));
  EXPECT_TRUE(r.at("rows")[0].at("cosim").at("tables_for_rtl").empty());
}

TEST_F(Study, RunsEndToEndAndAgainFromItsUnits) {
  const json first = run();
  ASSERT_EQ(first.at("rows").size(), 3u) << "exact once, though it is listed too";
  EXPECT_EQ(first.at("images"), 50);
  EXPECT_EQ(first.at("rows")[0].at("label"), "exact");
  EXPECT_EQ(first.at("rows")[1].at("label"), "bam:hbl=0,vbl=4");
  EXPECT_EQ(first.at("rows")[2].at("label"), "bam:hbl=0,vbl=0")
      << "further exact designs come last";
  EXPECT_EQ(first.at("rows")[0].at("assignment").at("primary.mac"), "exact");
  EXPECT_EQ(first.at("rows")[1].at("assignment").at("primary.mac"), "bam:hbl=0,vbl=4");
  EXPECT_EQ(first.at("rows")[1].at("assignment").at("squash.mac"), "exact");
  int traces = 0;
  for (const auto& entry : fs::directory_iterator(files_.path() / "out/operands")) {
    traces += fs::exists(entry.path() / "primary.mac.npy");
  }
  EXPECT_EQ(traces, 3) << "a folder a row";

  // The sign-magnitude array multiplies with less than two's complement: it is what a saving is
  // told against, and what approximation adds is told apart from what the number format does.
  EXPECT_EQ(first.at("reference"), 2);
  EXPECT_EQ(first.at("baseline").at("name"), "bam:hbl=0,vbl=0");
  EXPECT_LT(first.at("rows")[2].at("multiply_energy_nj"),
            first.at("rows")[0].at("multiply_energy_nj"));
  EXPECT_LT(first.at("rows")[0].at("multiply_saving"), 0);
  EXPECT_EQ(first.at("rows")[2].at("multiply_saving"), 0);
  const json& saving = first.at("rows")[1];
  const double base = first.at("baseline").at("multiply_energy_nj");
  const double plain = first.at("rows")[0].at("multiply_energy_nj");
  const double own = saving.at("multiply_energy_nj");
  EXPECT_NEAR(saving.at("multiply_saving").get<double>(), 1 - own / base, 1e-12);
  EXPECT_NEAR(saving.at("saving_split").at("approximation").get<double>(), (base - own) / plain,
              1e-12);
  EXPECT_NEAR(saving.at("saving_split").at("representation").get<double>(), (plain - base) / plain,
              1e-12);
  EXPECT_NEAR(
      saving.at("accuracy_loss").get<double>(),
      first.at("rows")[2].at("accuracy").get<double>() - saving.at("accuracy").get<double>(),
      1e-12);
  EXPECT_LE(saving.at("accuracy_loss_interval").at(0), saving.at("accuracy_loss"));
  EXPECT_GE(saving.at("accuracy_loss_interval").at(1), saving.at("accuracy_loss"));
  EXPECT_EQ(first.at("rows")[2].at("accuracy_loss_interval"), json({0, 0})) << "of itself";
  for (const char* figure : {"multiply_saving", "energy_saving", "accuracy"}) {
    const json& interval = saving.at(std::string(figure) + "_interval");
    EXPECT_LT(interval.at(0), saving.at(figure)) << figure;
    EXPECT_GT(interval.at(1), saving.at(figure)) << figure;
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

  EXPECT_EQ(first.at("chosen"), 1) << "it takes the least energy";
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
  EXPECT_EQ(components, (std::set<std::string>{"exact", "bam:hbl=0,vbl=0", "bam:hbl=0,vbl=4"}));
  // Equal tables have one accuracy.
  EXPECT_EQ(lines_with("kept from an earlier run"), 1);

  // Accuracies: two tables and two couplings; energies: three; one co-simulation.
  const auto made = units();
  EXPECT_EQ(made.size(), 8u);
  const json second = run();
  EXPECT_EQ(lines_with("kept from an earlier run"), 9);
  EXPECT_EQ(second.dump(), first.dump());
  EXPECT_EQ(units(), made);

  // A damaged unit is made again, also one that is JSON of its shape with another digit; what it
  // depends on decides which others are.
  int damaged = 0;
  for (const fs::path& unit : made) {
    std::string text = base::read_file(unit);
    const size_t digit = text.find_first_of("123456789", text.find("\"value\""));
    text[digit] = text[digit] == '9' ? '1' : '9';
    if (damaged == 1) text = "null";
    if (damaged == 2) text = "{\"accuracy\":";
    std::ofstream(unit, std::ios::trunc) << text;
    if (++damaged == 4) break;
  }
  const auto without_times = [](json result) {
    for (json& row : result["rows"]) {
      if (row["cosim"].is_object()) {
        row["cosim"].erase("seconds");
        row["cosim"].erase("build_seconds");
      }
    }
    return result.dump();
  };
  EXPECT_EQ(without_times(run()), without_times(first));
  EXPECT_EQ(lines_with(": damaged; "), 4);
  config_.energy_samples = 600;
  run();
  EXPECT_EQ(lines_with("kept from an earlier run"), 6) << "the energies are made anew, no more";
}

// Two circuits with the same products, in files of one name: each has its own energy, and each is
// listed. The same file, rewritten, is another circuit.
TEST_F(Study, CircuitsAreToldApartByContent) {
  const std::string plain =
      "module mul (input signed [7:0] a, input signed [7:0] b, output signed [15:0] p);\n"
      "  assign p = a * b;\nendmodule\n";
  const std::string sign_magnitude =
      "module mul (input signed [7:0] a, input signed [7:0] b, output signed [15:0] p);\n"
      "  wire [7:0] x = a[7] ? -a : a, y = b[7] ? -b : b;\n  wire [15:0] m = x * y;\n"
      "  assign p = a[7] ^ b[7] ? -m : m;\nendmodule\n";
  files_.write("a/mul.v", plain);
  files_.write("b/mul.v", sign_magnitude);
  config_.folder = files_.path();
  config_.multipliers = {"a/mul.v", "b/mul.v"};
  const json first = run();
  const json& rows = first.at("rows");
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[1].at("label"), "a/mul.v");
  EXPECT_EQ(rows[2].at("label"), "b/mul.v");
  EXPECT_NE(rows[1].at("multiply_energy_nj"), rows[2].at("multiply_energy_nj"));
  EXPECT_NE(rows[1].at("area_um2"), rows[2].at("area_um2"));
  EXPECT_EQ(first.at("components").size(), 4u);
  files_.write("a/mul.v", sign_magnitude);
  const json edited = run();
  EXPECT_EQ(edited.at("rows")[1].at("multiply_energy_nj"), rows[2].at("multiply_energy_nj"));
}

// Without a loss to give away, a multiplier that errs is not chosen unless it loses nothing.
TEST_F(Study, TheChoiceKeepsToTheAccuracyBudget) {
  config_.max_accuracy_loss = 0;
  config_.multipliers = {"trunc:trunc_bits=2"};
  const json r = run();
  const double loss =
      r.at("rows")[0].at("accuracy").get<double>() - r.at("rows")[1].at("accuracy").get<double>();
  std::printf("loss %.2f\n", loss);
  EXPECT_GT(loss, 0);
  EXPECT_NE(r.at("chosen"), 1);
  EXPECT_EQ(r.at("rows")[r.at("chosen").get<size_t>()].at("cosim").at("verdict"), "match");
}

TEST_F(Study, BadInputStopsBeforeTheWork_bad) {
  config_.images = 10001;
  test::expect_error(ErrorKind::kInvalidArgument,
                     "10001 images from number 0 on, fashion-mnist test has", [&] { run(); });
  config_.images = 50;
  config_.cosim_first = 10000;
  test::expect_error(ErrorKind::kInvalidArgument, "images from number 10000 on", [&] { run(); });
  config_.cosim_first = 0;
  config_.operations = {"primary.mak"};
  test::expect_error(ErrorKind::kInvalidArgument, "operation 'primary.mak' does not exist",
                     [&] { run(); });
  config_.operations = {};
  config_.multipliers = {"drum:kept_bits=9"};
  test::expect_error(ErrorKind::kInvalidArgument, "kept_bits = 9", [&] { run(); });
  config_.multipliers = {"drum"};
  config_.model = files_.path() / "absent";
  test::expect_error(ErrorKind::kInvalidArgument, "absent: no such directory", [&] { run(); });
  EXPECT_FALSE(fs::exists(files_.path() / "out/units"));
}

}  // namespace
}  // namespace lutra::studies
