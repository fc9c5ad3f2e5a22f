// Compressed files.
#include "lutra/system/gzip.h"

#include <zlib.h>

#include "test_files.h"

namespace lutra::test {
namespace {

namespace fs = std::filesystem;

TEST(CompressedFile, ExpandsToALimit_bad) {
  const TestDirectory files;
  const fs::path path = files.path() / "zeros.gz";
  const gzFile file = gzopen(path.c_str(), "wb9");
  const std::string zeros(1 << 20, '\0');
  for (int i = 0; i < 20; ++i) gzwrite(file, zeros.data(), static_cast<unsigned>(zeros.size()));
  gzclose(file);
  EXPECT_LT(fs::file_size(path), 100000u);
  EXPECT_EQ(synth::read_file_maybe_gzip(path).size(), 20u << 20);
  expect_error(ErrorKind::kInvalidArgument,
               "zeros.gz: gzip data that expand without end, expected at most",
               [&] { synth::read_file_maybe_gzip(path, 10 << 20); });
}

}  // namespace
}  // namespace lutra::test
