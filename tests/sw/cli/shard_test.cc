// Studies in shards, on one machine and on Slurm: the same bytes, whoever made which unit, and
// whatever was killed in the middle.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "lutra/base/process.h"
#include "run_lutra.h"
#include "saved_network.h"

namespace lutra::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class Shards : public CommandLine {
 protected:
  void SetUp() override { LUTRA_SKIP_WITHOUT_TOOLS(); }

  /// A command line for the shell that runs in a folder of its own, writes into `out` there, and
  /// shares no cache with another folder: all work is its own.
  std::string line(const std::string& folder, const std::string& arguments) {
    fs::create_directories(path() / folder);
    return "cd " + folder + " && exec env LUTRA_CACHE=$PWD/cache lutra " + arguments + " --out out";
  }
  /// What users read. The page and what stderr said have times in them.
  std::string result_of(const std::string& folder) {
    return file_bytes(path() / folder / "out/result.json");
  }
  void expect_units_whole(const std::string& folder) {
    for (const std::string& file : files_below(path() / folder / "out/units")) {
      EXPECT_EQ(fs::path(file).extension(), ".json") << "left: " << file;
    }
  }
  int units_of(const std::string& folder) {
    const std::vector<std::string> files = files_below(path() / folder / "out/units");
    return static_cast<int>(std::count_if(files.begin(), files.end(), [](const auto& file) {
      return fs::path(file).extension() == ".json";
    }));
  }

  static constexpr const char* kSweep =
      "characterize --sweep drum:width=4 trunc:width=4 loa:width=4";
  /// A study of a moment: few images, a small array.
  std::string study() {
    return "study " +
           write("study.toml", fmt::format("model = \"{}\"\n"
                                           "images = 20\n"
                                           "multipliers = [\"bam:hbl=0,vbl=4\"]\n"
                                           "exact_designs = [\"exact\", \"bam:hbl=0,vbl=0\"]\n"
                                           "[hardware]\nrows = 4\ncols = 4\n"
                                           "[choice]\nmax_accuracy_loss = 1.0\n"
                                           "[cosim]\nimages = 1\n"
                                           "[energy]\nimages = 2\nsamples = 128\n",
                                           saved_network().string()))
               .string() +
           " --jobs 1";
  }
};

TEST_F(Shards, OfASweepGiveTheBytesOfOneRun) {
  ASSERT_EQ(run_line(line("whole", kSweep)).status, 0);
  for (const int shards : {2, 3}) {
    const std::string folder = "in" + std::to_string(shards);
    std::string all;
    for (int i = 1; i <= shards; ++i) {
      all += "(" + line(folder, fmt::format("{} --shard {}/{}", kSweep, i, shards)) + ") & ";
    }
    ASSERT_EQ(run_line(all + "wait").status, 0);
    EXPECT_FALSE(fs::exists(path() / folder / "out/result.json")) << "a shard writes units alone";
    const int made = units_of(folder);
    const Ended status = run_line(line(folder, std::string(kSweep) + " --status --json"));
    EXPECT_EQ(json::parse(status.out).at("stages").at(0).at("done"), made) << status.out;
    EXPECT_EQ(json::parse(status.out).at("done"), true);
    const Ended merged = run_line(line(folder, kSweep));
    EXPECT_EQ(merged.status, 0) << merged.err;
    EXPECT_EQ(units_of(folder), made) << "merging makes nothing";
    EXPECT_EQ(result_of(folder), result_of("whole"));
    EXPECT_EQ(file_bytes(path() / folder / "out/sweep.csv"),
              file_bytes(path() / "whole/out/sweep.csv"));
    expect_units_whole(folder);
    std::printf("checked=%d units in %d shards\n", made, shards);
    EXPECT_GT(made, 0);
  }
}

TEST_F(Shards, OneThatIsKilledIsMadeUpFor) {
  ASSERT_EQ(run_line(line("whole", kSweep)).status, 0);
  const int all = units_of("whole");
  // Killed once it has made a unit, so in the middle of its part.
  const Ended killed =
      run_line("(" + line("killed", std::string(kSweep) + " --jobs 1 --shard 1/2") +
               ") & shard=$!; (" + line("killed", std::string(kSweep) + " --jobs 1 --shard 2/2") +
               ") & until ls killed/out/units/*.json >/dev/null 2>&1; do sleep 0.02; done; "
               "kill -KILL $shard; wait $shard; echo ended $?; wait");
  EXPECT_NE(killed.out.find("ended 137"), std::string::npos) << killed.out << killed.err;
  const int made = units_of("killed");
  EXPECT_LT(made, all) << killed.err;
  EXPECT_GE(made, all / 2) << "the other shard ended its part: " << killed.err;
  const Ended merged = run_line(line("killed", kSweep));
  EXPECT_EQ(merged.status, 0) << merged.err;
  EXPECT_EQ(units_of("killed"), all);
  EXPECT_EQ(result_of("killed"), result_of("whole"));
  expect_units_whole("killed");
}

TEST_F(Shards, OfAStudyGiveTheBytesOfOneRun) {
  const std::string command = study();
  const Ended whole = run_line(line("whole", command));
  ASSERT_EQ(whole.status, 0) << whole.err;
  // Its stages depend on each other: what a killed shard leaves is made by the one that waits.
  const Ended killed =
      run_line("(" + line("two", command + " --shard 1/2") + ") & (" +
               line("two", command + " --shard 2/2") +
               ") & shard=$!; until ls two/out/units/*.json >/dev/null 2>&1; do sleep 0.02; done; "
               "kill -KILL $shard; wait $shard; echo ended $?; wait");
  EXPECT_NE(killed.out.find("ended 137"), std::string::npos) << killed.out << killed.err;
  EXPECT_FALSE(fs::exists(path() / "two/out/result.json"));
  const Ended merged = run_line(line("two", command));
  EXPECT_EQ(merged.status, 0) << merged.err << killed.err;
  EXPECT_EQ(result_of("two"), result_of("whole"));
  EXPECT_EQ(units_of("two"), units_of("whole"));
  expect_units_whole("two");
  const Ended again = run_line(line("two", command + " --status"));
  EXPECT_NE(again.out.find("all units are done"), std::string::npos) << again.out;
}

TEST_F(Shards, ShareADirectoryWithNobodyElse_bad) {
  // A shard, held up in its first unit, and a whole run.
  const std::string command = "characterize --sweep drum --jobs 1";
  const Ended r =
      run_line("(" + line("d", command + " --shard 1/2") +
               ") & shard=$!; until ls d/out/units/*.claim >/dev/null 2>&1; do sleep 0.02; done; " +
               "(" + line("d", command) + "); echo whole $?; (" +
               line("d", command + " --shard 1/2") + "); echo twin $?; kill -KILL $shard; wait");
  EXPECT_NE(r.out.find("whole 2"), std::string::npos) << r.out << r.err;
  EXPECT_NE(r.out.find("twin 2"), std::string::npos) << r.out << r.err;
  EXPECT_NE(r.err.find("another run writes into out"), std::string::npos) << r.err;
  EXPECT_NE(r.err.find("another process runs shard 1/2"), std::string::npos) << r.err;
}

TEST_F(Shards, WrongOptions_bad) {
  const auto refuse = [this](const std::vector<std::string>& arguments, const std::string& part) {
    const Ended r = run_into("o", arguments);
    EXPECT_EQ(r.status, 2) << r.err;
    EXPECT_NE(r.err.find(part), std::string::npos) << r.err;
    EXPECT_TRUE(files_below(path() / "o").empty());
  };
  refuse({"characterize", "drum", "--shard", "1/2"}, "--shard: not with one multiplier");
  refuse({"characterize", "--sweep", "drum", "--shard", "3/2"}, "shard '3/2', expected I/N");
  refuse({"characterize", "--sweep", "drum", "--shard", "1/2", "--force"},
         "--shard: not with --force");
  refuse({"characterize", "--sweep", "drum", "--shard", "1/2", "--status"}, "takes no --shard");
  refuse({"characterize", "--sweep", "drum", "--engine", "slurm", "--shard", "1/2"},
         "takes no --shard");
  refuse({"characterize", "--sweep", "drum", "--engine", "pbs"}, "pbs");
  refuse({"characterize", "--sweep", "drum", "--shards", "0"}, "--shards");
}

/// A cluster of two nodes on this machine, as scripts/setup --slurm makes one.
class SlurmShards : public Shards {
 protected:
  void SetUp() override {
    Shards::SetUp();
    if (IsSkipped()) return;
    for (const char* program : {"sbatch", "slurmctld", "slurmd", "munged"}) {
      const Ended found = run_line(std::string("PATH=$PATH:/usr/sbin command -v ") + program);
      if (found.status != 0) GTEST_SKIP() << program << " is not here (scripts/setup --slurm)";
    }
    const Ended started = run_line(script() + " start slurm");
    ASSERT_EQ(started.status, 0) << started.err;
    slurm_ = "export SLURM_CONF=" + (path() / "slurm/slurm.conf").string() + "; ";
  }
  void TearDown() override {
    if (!slurm_.empty()) run_line(script() + " stop slurm");
  }
  static std::string script() { return std::string(LUTRA_SOURCE_DIR) + "/scripts/slurm_cluster"; }

  std::string slurm_;
};

TEST_F(SlurmShards, AnArrayGivesTheBytesOfOneRun) {
  ASSERT_EQ(run_line(line("whole", kSweep)).status, 0);
  const Ended r =
      run_line(slurm_ + line("array", std::string(kSweep) + " --engine slurm --shards 3"));
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.err.find("is done"), std::string::npos) << r.err;
  EXPECT_EQ(r.err.find("MAE"), std::string::npos) << "all units were made by the tasks: " << r.err;
  EXPECT_EQ(result_of("array"), result_of("whole"));
  EXPECT_EQ(units_of("array"), units_of("whole"));
  EXPECT_EQ(files_below(path() / "array/out/slurm").size(), 4u) << "a script and three logs";
}

TEST_F(SlurmShards, ANodeThatDiesInTheMiddleIsMadeUpFor) {
  ASSERT_EQ(run_line(line("whole", kSweep)).status, 0);
  // Node 2 and what runs there, the last two of four tasks, end at once when the first unit is
  // there. No other test has four shards: the pattern is of this one's processes.
  const Ended r = run_line(
      slurm_ + "(" + line("dead", std::string(kSweep) + " --jobs 1 --engine slurm --shards 4") +
      ") & study=$!; until ls dead/out/units/*.json >/dev/null 2>&1; do sleep 0.05; done; "
      "pkill -KILL -f 'shard [34]/4'; kill -KILL $(cat slurm/node2.pid); wait $study; echo ended "
      "$?");
  EXPECT_NE(r.out.find("ended 0"), std::string::npos) << r.out << r.err;
  EXPECT_EQ(result_of("dead"), result_of("whole"));
  EXPECT_EQ(units_of("dead"), units_of("whole"));
  expect_units_whole("dead");
}

}  // namespace
}  // namespace lutra::test
