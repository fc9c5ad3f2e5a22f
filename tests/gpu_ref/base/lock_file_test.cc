// A file that processes hold: alone, shared, and after a kill.
#include "lutra/base/lock_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lutra/base/error.h"
#include "lutra/base/files.h"

namespace lutra::base {
namespace {

class LockFileTest : public testing::Test {
 protected:
  PrivateDirectory work_{std::filesystem::temp_directory_path()};
  std::filesystem::path path_ = work_.path() / "lock";
};

TEST_F(LockFileTest, IsHeldByOne) {
  {
    const auto held = LockFile::take(path_);
    ASSERT_TRUE(held.has_value());
    EXPECT_TRUE(LockFile::is_held(path_));
    EXPECT_EQ(read_file(path_), host_and_pid());
    EXPECT_FALSE(LockFile::take(path_).has_value());
    EXPECT_FALSE(LockFile::take(path_, LockFile::Mode::kShared).has_value());
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_FALSE(LockFile::is_held(path_));
}

TEST_F(LockFileTest, SharedItStaysForTheNext) {
  {
    const auto one = LockFile::take(path_, LockFile::Mode::kShared);
    const auto two = LockFile::take(path_, LockFile::Mode::kShared);
    EXPECT_TRUE(one && two);
    EXPECT_FALSE(LockFile::take(path_).has_value());
  }
  EXPECT_TRUE(std::filesystem::exists(path_));
  EXPECT_TRUE(LockFile::take(path_).has_value());
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(LockFileTest, GoesWithItsProcess) {
  const pid_t child = fork();
  if (child == 0) {
    const auto held = LockFile::take(path_);
    pause();
  }
  while (!LockFile::is_held(path_)) usleep(1000);
  EXPECT_FALSE(LockFile::take(path_).has_value());
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(std::filesystem::exists(path_)) << "nobody removed it";
  EXPECT_TRUE(LockFile::take(path_).has_value());
}

TEST_F(LockFileTest, WithoutAPlace_bad) {
  try {
    LockFile::take(work_.path() / "none/lock");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNotFound);
    EXPECT_NE(std::string(error.what()).find("none/lock: cannot be locked: "), std::string::npos);
  }
}

}  // namespace
}  // namespace lutra::base
