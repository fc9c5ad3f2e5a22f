// Units of work on disk: made once, by whoever claims them, and made again where they are damaged.
#include "lutra/run_store/run_store.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "lutra/base/files.h"
#include "test_files.h"

namespace lutra::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using studies::Barrier;
using studies::RunStore;
using studies::Shard;
using studies::Unit;

class RunStoreTest : public testing::Test {
 protected:
  /// Units whose values are their numbers' squares; each counts how often it is made.
  std::vector<Unit> units(int count, std::chrono::milliseconds time = {}) {
    std::vector<Unit> list;
    for (int i = 0; i < count; ++i) {
      list.push_back({"unit " + std::to_string(i),
                      {{"kind", "square"}, {"number", i}},
                      [this, i, time] {
                        std::this_thread::sleep_for(time);
                        ++made_;
                        return json{{"square", i * i}};
                      },
                      [](const json& value) { return value.contains("square"); }});
    }
    return list;
  }
  RunStore store(Shard shard = {}) {
    return RunStore(
        units_, [this](const std::string& line) { said_.push_back(line); }, shard);
  }
  int said(const std::string& part) const {
    return static_cast<int>(std::count_if(said_.begin(), said_.end(), [&](const auto& line) {
      return line.find(part) != std::string::npos;
    }));
  }
  std::vector<fs::path> files() const {
    std::vector<fs::path> all;
    for (const auto& entry : fs::directory_iterator(units_)) all.push_back(entry.path());
    std::sort(all.begin(), all.end());
    return all;
  }
  static void expect_squares(const std::optional<std::vector<json>>& values, size_t count) {
    ASSERT_TRUE(values.has_value());
    ASSERT_EQ(values->size(), count);
    for (size_t i = 0; i < count; ++i) EXPECT_EQ((*values)[i], (json{{"square", i * i}}));
  }
  /// A process that runs this shard of a stage, and then ends with 0.
  pid_t start_shard(Shard shard, int count, std::chrono::milliseconds time) {
    const pid_t child = fork();
    if (child != 0) return child;
    RunStore own(units_, nullptr, shard);
    own.stage("squares", units(count, time), Barrier::kLast);
    _exit(0);
  }
  static int status_of(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return status;
  }

  TestDirectory directory_;
  fs::path units_ = directory_.path() / "units";
  std::atomic<int> made_{0};
  std::vector<std::string> said_;
};

TEST_F(RunStoreTest, AUnitIsMadeOnce) {
  RunStore first = store();
  expect_squares(first.stage("squares", units(5), Barrier::kLast, 2), 5);
  EXPECT_EQ(made_, 5);
  EXPECT_EQ(first.stages().at(0).made, 5);
  RunStore second = store();
  expect_squares(second.stage("squares", units(7), Barrier::kLast, 2), 7);
  EXPECT_EQ(made_, 7);
  EXPECT_EQ(second.stages().at(0).made, 2);
  EXPECT_EQ(said("kept from an earlier run"), 5);
  EXPECT_EQ(files().size(), 7u) << "no claim is left";
  const json kept = json::parse(base::read_file(files()[0]));
  for (const char* field : {"what", "key", "value", "value_sha256", "made_by", "seconds"}) {
    EXPECT_TRUE(kept.contains(field)) << field;
  }
  EXPECT_TRUE(kept.at("key").contains("build"));
}

TEST_F(RunStoreTest, DamageIsSaidAndMadeAgain) {
  store().stage("squares", units(3), Barrier::kLast);
  const std::vector<fs::path> kept = files();
  const std::string whole = base::read_file(kept[0]);
  std::vector<std::string> damages = {"", "{", "[]", "null", whole.substr(0, whole.size() / 2)};
  for (const char* field : {"key", "value", "value_sha256"}) {
    json unit = json::parse(whole);
    unit.erase(field);
    damages.push_back(unit.dump());
  }
  json other = json::parse(whole);
  other["value"]["square"] = 4711;
  damages.push_back(other.dump());
  other = json::parse(whole);
  other["key"]["number"] = 99;
  damages.push_back(other.dump());
  int checked = 0;
  for (const std::string& damage : damages) {
    base::write_file(kept[0], damage);
    said_.clear();
    made_ = 0;
    expect_squares(store().stage("squares", units(3), Barrier::kLast), 3);
    EXPECT_EQ(made_, 1) << damage;
    EXPECT_EQ(said("damaged; unit"), 1) << damage;
    // The same bytes, but for who made it and how long it took.
    const json again = json::parse(base::read_file(kept[0]));
    EXPECT_EQ(again.at("value"), json::parse(whole).at("value"));
    ++checked;
  }
  // Whole, but not of the shape that is read.
  std::vector<Unit> odd = units(3);
  for (Unit& unit : odd) unit.is_valid = [](const json& value) { return value.contains("cube"); };
  made_ = 0;
  store().stage("squares", odd, Barrier::kLast);
  EXPECT_EQ(made_, 3);
  std::printf("checked=%d damages\n", checked);
}

TEST_F(RunStoreTest, WhatFailsIsSaidAndTheRestStays) {
  std::vector<Unit> list = units(4);
  list[2].make = []() -> json { throw Error(ErrorKind::kInternal, "no square today"); };
  expect_error(ErrorKind::kInternal, "no square today",
               [&] { store().stage("squares", list, Barrier::kLast); });
  expect_squares(store().stage("squares", units(4), Barrier::kLast), 4);
  EXPECT_EQ(made_, 4) << "the others were kept";
}

TEST_F(RunStoreTest, WhatIsNotFinalIsNotKept) {
  std::vector<Unit> list = units(3);
  list[1].is_final = [](const json&) { return false; };
  expect_squares(store().stage("squares", list, Barrier::kLast), 3);
  EXPECT_EQ(files().size(), 2u);
  expect_squares(store().stage("squares", list, Barrier::kLast), 3);
  EXPECT_EQ(made_, 4) << "one of them again";
}

TEST_F(RunStoreTest, WhatIsForgottenIsMadeAgainAndOthersFilesStay) {
  store().stage("squares", units(3), Barrier::kLast);
  const std::vector<std::string> others = {"notes.txt", "x.claim", "shard-notes", "a.partial",
                                           ".lutra-x.partial"};
  for (const std::string& other : others) base::write_file(units_ / other, "a user's own");
  RunStore again = store();
  again.forget({units(3)[0], units(3)[2]});
  expect_squares(again.stage("squares", units(3), Barrier::kLast), 3);
  EXPECT_EQ(made_, 5);
  for (const std::string& other : others) EXPECT_TRUE(fs::exists(units_ / other)) << other;
}

TEST_F(RunStoreTest, AShardMakesItsPartAlone) {
  EXPECT_EQ(store({2, 3}).stage("squares", units(8), Barrier::kLast), std::nullopt);
  EXPECT_EQ(made_, 3) << "units 1, 4 and 7";
  store({1, 3}).stage("squares", units(8), Barrier::kLast);
  EXPECT_EQ(made_, 6);
  expect_squares(store({3, 3}).stage("squares", units(8), Barrier::kLast), 8);
  EXPECT_EQ(made_, 8);
  expect_squares(store().stage("squares", units(8), Barrier::kLast), 8);
  EXPECT_EQ(made_, 8) << "merging makes nothing";
}

TEST_F(RunStoreTest, ABarrierMakesWhatNobodyElseDoes) {
  expect_squares(store({1, 2}).stage("squares", units(5), Barrier::kNeeded), 5);
  EXPECT_EQ(made_, 5);
  EXPECT_EQ(said("no process runs shard 2 of 2: made here"), 2);
}

TEST_F(RunStoreTest, ABarrierWaitsForAShardThatRuns) {
  const pid_t other = start_shard({2, 2}, 6, std::chrono::milliseconds(300));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  expect_squares(store({1, 2}).stage("squares", units(6), Barrier::kNeeded), 6);
  EXPECT_EQ(made_, 3) << "the other three are the other process'";
  EXPECT_EQ(status_of(other), 0);
}

TEST_F(RunStoreTest, AShardThatIsKilledIsTakenOver) {
  for (const int after_ms : {100, 350, 600}) {
    fs::remove_all(units_);
    made_ = 0;
    const pid_t other = start_shard({2, 2}, 8, std::chrono::milliseconds(250));
    std::this_thread::sleep_for(std::chrono::milliseconds(after_ms));
    std::thread killer([other] { kill(other, SIGKILL); });
    expect_squares(store({1, 2}).stage("squares", units(8), Barrier::kNeeded), 8);
    killer.join();
    EXPECT_GE(made_, 5);
    EXPECT_EQ(status_of(other), SIGKILL);
    EXPECT_EQ(store().stage("squares", units(8), Barrier::kLast)->size(), 8u);
    for (const fs::path& file : files()) EXPECT_EQ(file.extension(), ".json") << "left: " << file;
  }
}

TEST_F(RunStoreTest, TwoProcessesMakeEachUnitOnce) {
  // Both want all units: whole runs, which the lock of the output directory keeps apart elsewhere.
  std::vector<pid_t> children;
  for (int child = 0; child < 2; ++child) {
    children.push_back(start_shard({1, 1}, 12, std::chrono::milliseconds(30)));
  }
  for (const pid_t child : children) EXPECT_EQ(status_of(child), 0);
  std::set<std::string> makers;
  for (const fs::path& file : files()) {
    makers.insert(json::parse(base::read_file(file)).at("made_by").get<std::string>());
  }
  EXPECT_EQ(files().size(), 12u);
  EXPECT_EQ(makers.size(), 2u);
}

TEST_F(RunStoreTest, OneShardRunsOnce_bad) {
  const RunStore one = store({1, 2});
  expect_error(ErrorKind::kInvalidArgument, "another process runs shard 1/2", [this] {
    store({1, 2});
  });
  store({2, 2});
}

TEST_F(RunStoreTest, StatusLooksAndMakesNothing) {
  RunStore before = RunStore::only_status(units_, nullptr);
  EXPECT_EQ(before.stage("squares", units(4), Barrier::kNeeded), std::nullopt);
  EXPECT_FALSE(fs::exists(units_));
  store({1, 2}).stage("squares", units(4), Barrier::kLast);
  base::write_file(files()[0], "{}");
  RunStore after = RunStore::only_status(units_, nullptr);
  EXPECT_EQ(after.stage("squares", units(4), Barrier::kNeeded), std::nullopt);
  EXPECT_EQ(after.stages().at(0).units, 4);
  EXPECT_EQ(after.stages().at(0).done, 1);
  EXPECT_EQ(after.stages().at(0).damaged, 1);
  EXPECT_EQ(made_, 2);
  // What is being made is told apart.
  const pid_t other = start_shard({2, 2}, 4, std::chrono::milliseconds(1000));
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  RunStore meanwhile = RunStore::only_status(units_, nullptr);
  meanwhile.stage("squares", units(4), Barrier::kNeeded);
  EXPECT_EQ(meanwhile.stages().at(0).running, 1);
  kill(other, SIGKILL);
  status_of(other);
}

TEST(ShardTest, Reads) {
  EXPECT_EQ(Shard::parse("2/3").index, 2);
  EXPECT_EQ(Shard::parse("2/3").count, 3);
  EXPECT_TRUE(Shard::parse("1/1").is_whole());
  for (const char* text : {"", "1", "/", "1/", "/2", "0/2", "3/2", "-1/2", "1/-2", "1/2/3", "a/b",
                           "1 /2", "1/10000", "1/2 ", "99999999999/99999999999"}) {
    expect_error(ErrorKind::kInvalidArgument, fmt::format("shard '{}', expected I/N", text),
                 [&] { Shard::parse(text); });
  }
}

TEST(ContentOf, ChangesWithNamesAndBytes) {
  const TestDirectory directory;
  const fs::path files = directory.path() / "d";
  fs::create_directories(files / "sub");
  base::write_file(files / "a", "1");
  base::write_file(files / "sub/b", "2");
  const std::string first = studies::content_of(files);
  EXPECT_EQ(first, studies::content_of(files));
  base::write_file(files / "sub/b", "3");
  EXPECT_NE(first, studies::content_of(files));
  base::write_file(files / "sub/b", "2");
  EXPECT_EQ(first, studies::content_of(files));
  fs::rename(files / "a", files / "c");
  EXPECT_NE(first, studies::content_of(files));
  expect_error(ErrorKind::kNotFound, "no such directory",
               [&] { studies::content_of(files / "none"); });
}

}  // namespace
}  // namespace lutra::test
