// Kinds of errors, and checksums.
#include "lutra/base/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

#include "lutra/base/sha256.h"

namespace lutra {
namespace {

TEST(ErrorKind, NamesReadBack) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(ErrorKind::kInternal); ++i) {
    const auto kind = static_cast<ErrorKind>(i);
    names.insert(error_kind_name(kind));
    EXPECT_EQ(error_kind(error_kind_name(kind)), kind);
  }
  EXPECT_EQ(names.size(), 8u) << "each has a name of its own";
  EXPECT_EQ(error_kind("none of these"), std::nullopt);
}

TEST(ErrorKind, OfErrno) {
  EXPECT_EQ(error_kind_of_errno(ENOSPC), ErrorKind::kExhausted);
  EXPECT_EQ(error_kind_of_errno(ENOMEM), ErrorKind::kExhausted);
  EXPECT_EQ(error_kind_of_errno(ENOENT), ErrorKind::kNotFound);
  EXPECT_EQ(error_kind_of_errno(EIO), ErrorKind::kDataLoss);
  EXPECT_EQ(error_kind_of_errno(EACCES), ErrorKind::kInvalidArgument);
}

TEST(Sha256, GivesTheDigestsOfTheStandard) {
  // FIPS 180-4's examples, and the lengths around a block.
  EXPECT_EQ(base::sha256_hex("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(base::sha256_hex(""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(base::sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(base::sha256_hex(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace
}  // namespace lutra
