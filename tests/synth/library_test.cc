#include "lutra/synth/library.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "test_files.h"

namespace lutra::synth {
namespace {

using test::expect_error;

TEST(Library, EveryFamilyHasItsFiles) {
  int files = 0;
  for (const MultiplierFamily& family : multiplier_families()) {
    EXPECT_FALSE(family.good_for.empty()) << family.name;
    for (const std::filesystem::path& file : library_source(family.name).files) {
      EXPECT_TRUE(std::filesystem::exists(file)) << file;
      ++files;
    }
  }
  EXPECT_GE(files, 4);
}

TEST(Library, SpecificationsResolve) {
  const MultiplierSource source = library_source("bam:vbl=3,signed=0");
  EXPECT_EQ(source.name, "bam:hbl=0,vbl=3,signed=0");
  EXPECT_EQ(source.top, "mul_bam");
  EXPECT_FALSE(source.is_signed);
  const std::vector<std::pair<std::string, long>> expected = {
      {"Width", 8}, {"Signed", 0}, {"Hbl", 0}, {"Vbl", 3}};
  EXPECT_EQ(source.parameters, expected);
  EXPECT_EQ(library_source("drum").name, "drum:kept_bits=4");
  EXPECT_EQ(library_source("exact").name, "exact");
  EXPECT_EQ(library_source("drum:kept_bits=9,width=16").name, "drum:kept_bits=9,width=16");
}

TEST(Library, WrongSpecificationsSayWhatIsAllowed_bad) {
  const auto usage = [](const std::string& spec, const std::string& message) {
    expect_error(ExitCode::kUsage, message, [&] { library_source(spec); });
  };
  usage("drum:kept_bits=9", "drum:kept_bits=9: kept_bits = 9, expected 3..7 for width 8");
  usage("trunc:trunc_bits=0", "trunc_bits = 0, expected 1..7 for width 8");
  usage("bam:hbl=8", "hbl = 8, expected 0..7 for width 8");
  usage("bam:vbl=15", "vbl = 15, expected 0..14 for width 8");
  usage("wallace",
        "no multiplier \"wallace\" in the library, expected one of: exact, trunc, drum, bam");
  usage("", "no multiplier \"\"");
  usage("drum:bits=4", "no parameter \"bits\", expected one of: kept_bits, width, signed");
  usage("drum:kept_bits", "\"kept_bits\", expected name=value");
  usage("drum:kept_bits=four", "kept_bits = \"four\", expected an integer");
  usage("drum:kept_bits=4x", "expected an integer");
  usage("drum:kept_bits=99999999999999999999", "expected an integer");
  usage("drum:kept_bits=4,kept_bits=5", "kept_bits is given twice");
  usage("drum:", "a parameter is missing");
  usage("drum:kept_bits=4,", "a parameter is missing");
  usage("drum:signed=2", "signed = 2, expected 0..1");
  usage("drum:width=64", "width = 64, expected 4..32");
}

}  // namespace
}  // namespace lutra::synth
