// Processes end whole: at a limit, and with the one that was started.
#include "lutra/base/process.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <thread>

#include "lutra/base/error.h"
#include "lutra/base/files.h"

namespace lutra::base {
namespace {

namespace fs = std::filesystem;

class ProcessTest : public testing::Test {
 protected:
  ProcessResult shell(const std::string& script, const ProcessLimits& limits = {}) {
    return run_process({{"/bin/sh", "-c", script}, {{"LUTRA_SAID", "a b"}}, work_.path(), limits});
  }
  /// Whether the process whose number the script wrote into `file` is gone, or soon is.
  bool has_ended(const std::string& file) {
    const pid_t pid = std::stoi(read_file(work_.path() / file));
    for (int i = 0; i < 200; ++i) {
      const fs::path state = fs::path("/proc") / std::to_string(pid) / "stat";
      std::error_code error;
      if (kill(pid, 0) != 0 || !fs::exists(state, error)) return true;
      try {
        if (read_file(state).find(") Z ") != std::string::npos) return true;  // nobody reaps it
      } catch (const Error&) {
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    kill(pid, SIGKILL);
    return false;
  }

  PrivateDirectory work_{fs::temp_directory_path()};
};

TEST_F(ProcessTest, GivesStatusAndOutput) {
  const ProcessResult result = shell("echo out; echo \"$LUTRA_SAID\" >&2; pwd; cat; exit 3");
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(result.output, "out\na b\n" + fs::canonical(work_.path()).string() + "\n");
  EXPECT_FALSE(result.timed_out);
  EXPECT_EQ(shell("kill -TERM $$").status, 128 + SIGTERM);
}

TEST_F(ProcessTest, ChildrenEndWithATimeLimit_bad) {
  ProcessLimits limits;
  limits.seconds = 1;
  const ProcessResult result =
      shell("(sleep 60 & echo $! > grandchild; wait) & echo $! > child; wait", limits);
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.status, 128 + SIGKILL);
  EXPECT_TRUE(has_ended("child"));
  EXPECT_TRUE(has_ended("grandchild"));
}

TEST_F(ProcessTest, ATimeLimitHoldsForAProgramThatClosedItsOutput_bad) {
  ProcessLimits limits;
  limits.seconds = 1;
  const ProcessResult result = shell("exec >&- 2>&-; sleep 60", limits);
  EXPECT_TRUE(result.timed_out);
}

TEST_F(ProcessTest, WhatIsLeftBehindEndsAndIsNotWaitedFor) {
  const auto start = std::chrono::steady_clock::now();
  const ProcessResult result = shell("sleep 60 & echo $! > left; echo said");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.output, "said\n");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
  EXPECT_TRUE(has_ended("left"));
}

TEST_F(ProcessTest, OutputMemoryAndFilesHaveLimits_bad) {
  ProcessLimits limits;
  limits.output_bytes = 100000;
  const ProcessResult cut = shell("yes & echo $! > child; wait", limits);
  EXPECT_TRUE(cut.output_cut);
  EXPECT_LT(cut.output.size(), 200000u);
  EXPECT_TRUE(has_ended("child"));
  limits.file_mib = 1;
  EXPECT_NE(shell("dd if=/dev/zero of=big bs=1024 count=2048", limits).status, 0);
  EXPECT_LE(fs::file_size(work_.path() / "big"), 1u << 20);
  limits.memory_mib = 64;
  EXPECT_EQ(shell("ulimit -v", limits).output, "65536\n");
}

TEST_F(ProcessTest, AbsentProgram_bad) {
  EXPECT_TRUE(find_program("no-such-program").empty());
  EXPECT_EQ(find_program("sh").filename(), "sh");
  try {
    run_process({{"/no/such/program"}, {}, work_.path(), {}});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInternal);
    EXPECT_STREQ(error.what(), "/no/such/program: cannot be run: No such file or directory");
  }
}

TEST(ShellQuoted, ReadsBackAsOneWord) {
  EXPECT_EQ(shell_quoted("bam:hbl=0,vbl=4"), "bam:hbl=0,vbl=4");
  EXPECT_EQ(shell_quoted(""), "''");
  EXPECT_EQ(shell_quoted("it's"), "'it'\\''s'");
  for (const char* word : {"a b", "$HOME", "it's", "\"", "new\nline", "*"}) {
    const ProcessResult said = run_process(
        {{"/bin/sh", "-c", "printf %s " + shell_quoted(word)}, {}, fs::temp_directory_path(), {}});
    EXPECT_EQ(said.output, word);
  }
}

}  // namespace
}  // namespace lutra::base
