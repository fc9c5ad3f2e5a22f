#include "lutra/component/library.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "test_files.h"

namespace lutra::synth {
namespace {

using test::expect_error;

TEST(Library, EveryFamilyHasItsFiles) {
  int files = 0;
  for (const MultiplierFamily& family : multiplier_families()) {
    for (const std::filesystem::path& file : library_source(family.name).files) {
      EXPECT_TRUE(std::filesystem::exists(file)) << file;
      ++files;
    }
  }
  EXPECT_GE(files, 30);
}

TEST(Library, SpecificationsResolve) {
  const MultiplierSource source = library_source("bam:vbl=3,signed=0");
  EXPECT_EQ(source.name, "bam:hbl=0,vbl=3,signed=0");
  EXPECT_EQ(source.top, "mul_bam");
  EXPECT_FALSE(source.signedness == Signedness::kSigned);
  const std::vector<std::pair<std::string, long>> expected = {
      {"Width", 8}, {"Signed", 0}, {"Hbl", 0}, {"Vbl", 3}};
  EXPECT_EQ(source.parameters, expected);
  EXPECT_EQ(library_source("drum").name, "drum:kept_bits=4");
  EXPECT_TRUE(library_source("drum").held.empty());
  EXPECT_EQ(library_source("exact").name, "exact");
  EXPECT_EQ(library_source("drum:kept_bits=9,width=16").name, "drum:kept_bits=9,width=16");
}

// Defaults follow the width where the prose says so.
TEST(Library, DefaultsDependOnTheWidth) {
  EXPECT_EQ(library_source("ssm:width=7").name, "ssm:segment_bits=4,enhanced=0,width=7");
  EXPECT_EQ(library_source("tosam").name, "tosam:h=2,t=5");
  EXPECT_EQ(library_source("tosam:width=4").name, "tosam:h=2,t=3,width=4");
  EXPECT_EQ(library_source("compressor:width=10").name, "compressor:kind=1,columns=10,width=10");
}

TEST(Library, APortIsHeldAtAParameter) {
  const MultiplierSource source = library_source("ptm:columns=9");
  const std::vector<std::pair<std::string, long>> parameters = {{"Width", 8}, {"Signed", 1}};
  EXPECT_EQ(source.name, "ptm:columns=9");
  EXPECT_EQ(source.parameters, parameters);
  ASSERT_EQ(source.held.size(), 1u);
  EXPECT_EQ(source.held[0].name, "truncate_i");
  EXPECT_EQ(source.held[0].value, 9);
}

TEST(Library, WrongSpecificationsSayWhatIsAllowed_bad) {
  const auto usage = [](const std::string& spec, const std::string& message) {
    expect_error(ErrorKind::kInvalidArgument, message, [&] { library_source(spec); });
  };
  usage("drum:kept_bits=9", "drum:kept_bits=9: kept_bits = 9, expected 3..7 for width 8");
  usage("trunc:trunc_bits=0", "trunc_bits = 0, expected 1..7 for width 8");
  usage("bam:hbl=8", "hbl = 8, expected 0..7 for width 8");
  usage("bam:vbl=15", "vbl = 15, expected 0..14 for width 8");
  usage("wallace",
        "no multiplier \"wallace\" in the library, expected one of: exact, dadda, booth, trunc");
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
  usage("dadda:width=17", "width = 17, expected 2..16");
  usage("booth:width=7", "width = 7, expected an even width in 4..16");
  usage("udm:width=5", "width = 5, expected an even width in 2..16");
  usage("perforation:rows=0", "rows = 0, expected 1..8 for width 8, first = 0");
  usage("perforation:rows=6,first=3", "rows = 6, expected 1..5 for width 8, first = 3");
  usage("perforation:first=7", "rows = 2, expected 1..1 for width 8, first = 7");
  usage("perforation:first=8", "first = 8, expected 0..7 for width 8");
  usage("broken_booth:type=2", "type = 2, expected 0..1 for width 8");
  usage("broken_booth:vbl=15", "vbl = 15, expected 0..14 for width 8");
  usage("loa:or_bits=0", "or_bits = 0, expected 1..14 for width 8");
  usage("ssm:segment_bits=3", "segment_bits = 3, expected 4..7 for width 8");
  usage("ssm:segment_bits=5,enhanced=1",
        "enhanced = 1, expected 0..0 for width 8, segment_bits = 5");
  usage("ilm:corrections=3", "corrections = 3, expected 0..2 for width 8");
  usage("tosam:h=5", "t = 5, expected 6..7 for width 8, h = 5");
  usage("tosam:t=8", "t = 8, expected 3..7 for width 8, h = 2");
  usage("tosam:h=7,t=7", "h = 7, expected 0..6 for width 8");
  usage("compressor:kind=3", "kind = 3, expected 1..2 for width 8");
  usage("compressor:columns=16", "columns = 16, expected 0..15 for width 8");
  usage("ptm:columns=15", "columns = 15, expected 0..14 for width 8");
  usage("mitchell:bits=1", "no parameter \"bits\", expected one of: width, signed");
}

TEST(Library, PatternsTakeEveryLegalValue) {
  using List = std::vector<std::string>;
  EXPECT_EQ(expand_pattern("exact"), List{"exact"});
  EXPECT_EQ(expand_pattern("drum"),
            (List{"drum:kept_bits=3", "drum:kept_bits=4", "drum:kept_bits=5", "drum:kept_bits=6",
                  "drum:kept_bits=7"}));
  EXPECT_EQ(expand_pattern("bam:hbl=0,vbl=5..6,signed=0..1"),
            (List{"bam:hbl=0,vbl=5,signed=0", "bam:hbl=0,vbl=6,signed=0", "bam:hbl=0,vbl=5",
                  "bam:hbl=0,vbl=6"}));
  EXPECT_EQ(expand_pattern("udm:width=4..8"), (List{"udm:width=4", "udm:width=6", "udm"}));
  // At width 4 the default, kept_bits = 4, is none.
  EXPECT_EQ(expand_pattern("drum:width=4"), List{"drum:kept_bits=3,width=4"});
  // Limits that depend on another parameter: rows of what is left below `first`.
  EXPECT_EQ(expand_pattern("perforation:first=6..7,width=8"),
            (List{"perforation:first=6,rows=1", "perforation:first=6,rows=2",
                  "perforation:first=7,rows=1"}));
  // Every one is a specification as the library writes it, once.
  const List all = expand_pattern("all");
  EXPECT_GT(all.size(), 200u);
  std::set<std::string> seen;
  for (const std::string& spec : all) {
    EXPECT_EQ(parse_multiplier_spec(spec).canonical(), spec);
    EXPECT_TRUE(seen.insert(spec).second) << spec;
  }
  for (const MultiplierFamily& family : multiplier_families()) {
    EXPECT_FALSE(expand_pattern(family.name).empty()) << family.name;
  }
}

// Their order is that of the rows of a study: what is always exact leads.
TEST(Library, ExactDesignsInTheirOrder) {
  const std::vector<std::string> designs = exact_designs();
  const std::vector<std::string> first = {"exact",          "dadda",          "booth",
                                          "exact:signed=0", "dadda:signed=0", "booth:signed=0"};
  ASSERT_GT(designs.size(), first.size());
  EXPECT_TRUE(std::equal(first.begin(), first.end(), designs.begin()));
  for (size_t i = first.size(); i < designs.size(); ++i) {
    EXPECT_FALSE(parse_multiplier_spec(designs[i]).family->parameters.empty()) << designs[i];
  }
}

TEST(Library, WrongPatternsSayWhatIsWrong_bad) {
  const auto usage = [](const std::string& pattern, const std::string& part) {
    test::expect_error(ErrorKind::kInvalidArgument, part, [&] { expand_pattern(pattern); });
  };
  usage("drumm", "no multiplier \"drumm\"");
  usage("drum:kept=3", "no parameter \"kept\", expected one of: kept_bits");
  usage("drum:kept_bits", "expected name=value or name=first..last");
  usage("drum:kept_bits=5..4", "the range is empty");
  usage("drum:kept_bits=8..9", "nothing legal in these ranges");
  usage("drum:width=3..8", "width = 3, expected 4..32");
  usage("drum:signed=0..2", "signed = 2, expected 0..1");
  usage("drum:kept_bits=a..4", "expected an integer");
}

}  // namespace
}  // namespace lutra::synth
