// Files are read and written whole or not at all, whoever else writes; private directories, and
// what killed runs leave of them.
#include "lutra/base/files.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <optional>
#include <thread>
#include <vector>

#include "lutra/base/error.h"

namespace lutra::base {
namespace {

namespace fs = std::filesystem;

class DirectoryTest : public testing::Test {
 protected:
  DirectoryTest() {
    std::string pattern = (fs::temp_directory_path() / "lutra-test-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~DirectoryTest() override { fs::remove_all(path_); }

  size_t entries() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(path_), fs::directory_iterator()));
  }

  fs::path path_;
};

using WriteFile = DirectoryTest;
using ReadFile = DirectoryTest;
using PrivateDirectoryTest = DirectoryTest;

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
      const bool is_full = error.kind() == ErrorKind::kExhausted;
      _exit(is_full && text == file.string() + ": cannot be written: File too large" ? 0 : 1);
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

TEST_F(ReadFile, GivesAllBytes) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{65536}, size_t{100001}}) {
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7);
    write_file(path_ / "file", bytes);
    EXPECT_EQ(read_file(path_ / "file"), bytes);
  }
  // Its size is said to be 0.
  EXPECT_NE(read_file("/proc/self/status").find("Pid:"), std::string::npos);
}

TEST_F(ReadFile, OfWhatIsNoFile_bad) {
  const auto kind_of = [](const fs::path& path) -> std::optional<ErrorKind> {
    try {
      read_file(path);
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find(path.string() + ": "), 0u) << error.what();
      return error.kind();
    }
    return std::nullopt;
  };
  EXPECT_EQ(kind_of(path_ / "absent"), ErrorKind::kNotFound);
  EXPECT_EQ(kind_of(path_), ErrorKind::kInvalidArgument);
  const fs::path pipe = path_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(kind_of(pipe), ErrorKind::kInvalidArgument) << "and does not wait for a writer";
  write_file(path_ / "file", "");
  EXPECT_EQ(kind_of(path_ / "file" / "below"), ErrorKind::kInvalidArgument);
}

/// A process that makes a private directory in `parent` and dies without removing it.
void die_inside(const fs::path& parent) {
  const pid_t child = fork();
  if (child == 0) {
    const PrivateDirectory work(parent);
    std::ofstream(work.path() / "file") << "text";
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
}

TEST_F(PrivateDirectoryTest, OneOfADeadProcessIsRemoved) {
  const fs::path parent = path_ / "work";
  die_inside(parent);
  die_inside(parent);
  ASSERT_FALSE(fs::is_empty(parent));
  fs::create_directory(parent / ".lutra-notes");
  write_file(parent / ".lutra-notes" / "kept", "a user's own");
  write_file(parent / ".lutra-1-abcdef", "a file");
  fs::create_directory(path_ / "elsewhere");
  write_file(path_ / "elsewhere" / "file", "kept");
  fs::create_directory_symlink(path_ / "elsewhere", parent / ".lutra-2-abcdef");
  const PrivateDirectory work(parent);
  int private_ones = 0;
  for (const auto& entry : fs::directory_iterator(parent)) {
    private_ones +=
        entry.is_directory() && !entry.is_symlink() && entry.path().filename() != ".lutra-notes";
  }
  EXPECT_EQ(private_ones, 1) << "but for this one";
  EXPECT_TRUE(fs::exists(parent / ".lutra-notes" / "kept"));
  EXPECT_TRUE(fs::exists(parent / ".lutra-1-abcdef"));
  EXPECT_TRUE(fs::exists(path_ / "elsewhere" / "file"));
}

TEST_F(PrivateDirectoryTest, OneInUseStays) {
  const PrivateDirectory mine(path_);
  const pid_t child = fork();
  if (child == 0) {
    // As another process would: this parent has not been looked through by this one.
    const fs::path other_name = path_ / ".";
    const PrivateDirectory theirs(other_name);
    _exit(fs::exists(theirs.path()) ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(fs::exists(mine.path()));
}

TEST_F(PrivateDirectoryTest, WithoutAPlace_bad) {
  const fs::path file = path_ / "taken";
  write_file(file, "");
  try {
    PrivateDirectory work(file);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("taken: no directory can be made here: "),
              std::string::npos);
  }
}

}  // namespace
}  // namespace lutra::base
