#include "lutra/data/dataset.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <zlib.h>

#include <fstream>

#include "lutra/base/error.h"

namespace lutra::test {
namespace {

namespace fs = std::filesystem;

class IdxFiles : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = fs::path(testing::TempDir()) /
                 testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::create_directories(directory_);
    write("t10k-images-idx3-ubyte", std::string("\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x02", 16) +
                                        std::string("\x00\x01\xfe\xff", 4));
    write("t10k-labels-idx1-ubyte", std::string("\0\0\x08\x01\0\0\0\x02\x03\x09", 10));
  }
  void TearDown() override { fs::remove_all(directory_); }

  void write(const std::string& name, const std::string& bytes) {
    std::ofstream(directory_ / name, std::ios::binary) << bytes;
  }

  std::string message() {
    try {
      data::load_dataset(directory_.string(), data::Split::kTest);
    } catch (const Error& error) {
      kind_ = error.kind();
      return error.what();
    }
    return "";
  }

  fs::path directory_;
  std::optional<ErrorKind> kind_;
};

TEST_F(IdxFiles, AreReadAndQuantised) {
  const data::Dataset data = data::load_dataset(directory_.string(), data::Split::kTest);
  ASSERT_EQ(data.size(), 2);
  EXPECT_EQ(data.labels[1], 9);
  EXPECT_EQ(data::quantise_image(data, 0), (std::vector<int8_t>{0, 1}));
  EXPECT_EQ(data::quantise_image(data, 1), (std::vector<int8_t>{127, 127}));
}

TEST_F(IdxFiles, Truncated_bad) {
  write("t10k-images-idx3-ubyte", std::string("\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x02\0", 17));
  EXPECT_NE(message().find("1 bytes of data, the header promises 4"), std::string::npos);
  EXPECT_EQ(kind_, ErrorKind::kInvalidArgument);
}

TEST_F(IdxFiles, WrongMagic_bad) {
  write("t10k-labels-idx1-ubyte", std::string("\0\0\x0d\x01\0\0\0\x02\x03\x09", 10));
  EXPECT_NE(message().find("0x00000d01, expected 0x00000801"), std::string::npos);
}

TEST_F(IdxFiles, EmptyFile_bad) {
  write("t10k-images-idx3-ubyte", "");
  EXPECT_NE(message().find("0 bytes, an IDX header of rank 3 has 16"), std::string::npos);
}

TEST_F(IdxFiles, CountsDiffer_bad) {
  write("t10k-labels-idx1-ubyte", std::string("\0\0\x08\x01\0\0\0\x01\x03", 9));
  EXPECT_NE(message().find("1 labels for the 2 images"), std::string::npos);
}

TEST_F(IdxFiles, LabelOutOfRange_bad) {
  write("t10k-labels-idx1-ubyte", std::string("\0\0\x08\x01\0\0\0\x02\x03\x0a", 10));
  EXPECT_NE(message().find("label 10 of image 1, expected 0..9"), std::string::npos);
}

TEST_F(IdxFiles, DimensionsThatOverflow_bad) {
  // 2^16 x 2^24 x 2^24 is 0 modulo 2^64.
  write("t10k-images-idx3-ubyte", std::string("\0\0\x08\x03\0\x01\0\0\x01\0\0\0\x01\0\0\0", 16));
  EXPECT_NE(message().find("promises 65536 x 16777216 x 16777216 elements, expected at least one "
                           "and at most 1073741824"),
            std::string::npos);
  EXPECT_EQ(kind_, ErrorKind::kInvalidArgument);
  write("t10k-images-idx3-ubyte",
        std::string("\0\0\x08\x03\0\0\0\x02\xff\xff\xff\xff\0\0\0\x01", 16));
  EXPECT_NE(message().find("promises 2 x 4294967295 x 1 elements"), std::string::npos);
}

TEST_F(IdxFiles, NoImages_bad) {
  write("t10k-images-idx3-ubyte", std::string("\0\0\x08\x03\0\0\0\0\0\0\0\x01\0\0\0\x02", 16));
  EXPECT_NE(message().find("promises 0 x 1 x 2 elements, expected at least one"),
            std::string::npos);
  write("t10k-images-idx3-ubyte", std::string("\0\0\x08\x03\0\0\0\x02\0\0\0\0\0\0\0\x02", 16));
  EXPECT_NE(message().find("promises 2 x 0 x 2 elements, expected at least one"),
            std::string::npos);
}

// Gzip data of a thousandth of what they expand to: no more is read than the header promises.
TEST_F(IdxFiles, GzipThatExpandsBeyondTheHeader_bad) {
  const gzFile file = gzopen((directory_ / "t10k-images-idx3-ubyte.gz").c_str(), "wb9");
  gzwrite(file, "\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x02", 16);
  const std::string zeros(1 << 20, '\0');
  for (int i = 0; i < 200; ++i) gzwrite(file, zeros.data(), static_cast<unsigned>(zeros.size()));
  gzclose(file);
  rusage before = {}, after = {};
  getrusage(RUSAGE_SELF, &before);
  EXPECT_NE(message().find("more bytes of data than the 4 that the header promises"),
            std::string::npos);
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 100 << 10) << "KiB";
}

TEST_F(IdxFiles, Missing_bad) {
  fs::remove(directory_ / "t10k-labels-idx1-ubyte");
  EXPECT_NE(message().find("cannot be opened"), std::string::npos);
  EXPECT_EQ(kind_, ErrorKind::kUnavailable);
}

TEST(Dataset, UnknownName_bad) {
  EXPECT_THROW(data::load_dataset("no-such-set", data::Split::kTest), Error);
}

TEST(Dataset, FashionMnistIsTheRealOne) {
  data::Dataset data;
  try {
    data = data::load_dataset("fashion-mnist", data::Split::kTest);
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();
  }
  EXPECT_EQ(data.size(), 10000);
  EXPECT_EQ(data.height, 28);
}

}  // namespace
}  // namespace lutra::test
