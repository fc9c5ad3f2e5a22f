// Files are written whole or not at all, whoever else writes.
#include "lutra/numerics/files.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <thread>
#include <vector>

namespace lutra::numerics {
namespace {

namespace fs = std::filesystem;

class WriteFile : public testing::Test {
 protected:
  WriteFile() {
    std::string pattern = (fs::temp_directory_path() / "lutra-test-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~WriteFile() override { fs::remove_all(path_); }

  size_t entries() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(path_), fs::directory_iterator()));
  }

  fs::path path_;
};

TEST_F(WriteFile, OfManyWritersTheLastOneWins) {
  const fs::path file = path_ / "file";
  std::vector<std::thread> writers;
  std::atomic<int> failures{0};
  for (char letter = 'a'; letter < 'e'; ++letter) {
    writers.emplace_back([&, letter] {
      for (int i = 0; i < 200; ++i) {
        try {
          write_file(file, std::string(20000, letter));
          const std::string read = read_file(file);
          if (read != std::string(20000, read[0])) ++failures;
        } catch (const Error&) {
          ++failures;
        }
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(entries(), 1u) << "nothing is left beside it";
}

TEST_F(WriteFile, ADiskThatIsFullIsSaid_bad) {
  const fs::path file = path_ / "file";
  write_file(file, "as it was");
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);  // write() fails instead
    const rlimit limit = {1000, 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      write_file(file, std::string(5000, 'x'));
    } catch (const Error& error) {
      const std::string text = error.what();
      _exit(text == file.string() + ": cannot be written: File too large" ? 0 : 1);
    }
    _exit(2);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(read_file(file), "as it was");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(WriteFile, TakesNamesAsLongAsTheFileSystemDoes) {
  const std::string name(255, 'n');
  write_file(path_ / name, "text");
  EXPECT_EQ(read_file(path_ / name), "text");
  EXPECT_THROW(write_file(path_ / "absent" / "file", "text"), Error);
}

}  // namespace
}  // namespace lutra::numerics
