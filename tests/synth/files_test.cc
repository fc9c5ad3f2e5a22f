// Private directories, what killed runs leave of them, and compressed files.
#include "lutra/synth/files.h"

#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "test_files.h"

namespace lutra::test {
namespace {

namespace fs = std::filesystem;

/// A process that makes a private directory in `parent` and dies without removing it.
void die_inside(const fs::path& parent) {
  const pid_t child = fork();
  if (child == 0) {
    const synth::PrivateDirectory work(parent);
    std::ofstream(work.path() / "file") << "text";
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
}

TEST(PrivateDirectory, OneOfADeadProcessIsRemoved) {
  const TestDirectory files;
  const fs::path parent = files.path() / "work";
  die_inside(parent);
  die_inside(parent);
  ASSERT_FALSE(fs::is_empty(parent));
  files.write("work/.lutra-notes/kept", "a user's own");
  files.write("work/.lutra-1-abcdef", "a file");
  files.write("elsewhere/file", "kept");
  fs::create_directory_symlink(files.path() / "elsewhere", parent / ".lutra-2-abcdef");
  const synth::PrivateDirectory work(parent);
  int private_ones = 0;
  for (const auto& entry : fs::directory_iterator(parent)) {
    private_ones +=
        entry.is_directory() && !entry.is_symlink() && entry.path().filename() != ".lutra-notes";
  }
  EXPECT_EQ(private_ones, 1) << "but for this one";
  EXPECT_TRUE(fs::exists(parent / ".lutra-notes" / "kept"));
  EXPECT_TRUE(fs::exists(parent / ".lutra-1-abcdef"));
  EXPECT_TRUE(fs::exists(files.path() / "elsewhere" / "file"));
}

TEST(PrivateDirectory, OneInUseStays) {
  const TestDirectory files;
  const synth::PrivateDirectory mine(files.path());
  const pid_t child = fork();
  if (child == 0) {
    // As another process would: this parent has not been looked through by this one.
    const fs::path other_name = files.path() / ".";
    const synth::PrivateDirectory theirs(other_name);
    _exit(fs::exists(theirs.path()) ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(fs::exists(mine.path()));
}

TEST(PrivateDirectory, WithoutAPlace_bad) {
  const TestDirectory files;
  const fs::path file = files.write("taken", "");
  expect_error(ExitCode::kUsage, "taken: no directory can be made here: ", [&] {
    synth::PrivateDirectory work(file);
  });
}

TEST(CompressedFile, ExpandsToALimit_bad) {
  const TestDirectory files;
  const fs::path path = files.path() / "zeros.gz";
  const gzFile file = gzopen(path.c_str(), "wb9");
  const std::string zeros(1 << 20, '\0');
  for (int i = 0; i < 20; ++i) gzwrite(file, zeros.data(), static_cast<unsigned>(zeros.size()));
  gzclose(file);
  EXPECT_LT(fs::file_size(path), 100000u);
  EXPECT_EQ(synth::read_file_maybe_gzip(path).size(), 20u << 20);
  expect_error(ExitCode::kUsage, "zeros.gz: gzip data that expand without end, expected at most",
               [&] { synth::read_file_maybe_gzip(path, 10 << 20); });
}

}  // namespace
}  // namespace lutra::test
