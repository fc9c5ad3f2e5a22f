// Damaged Liberty text, thousands of cases from fixed seeds: it parses, or an Error names file and
// line. Never anything else.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <regex>
#include <string>
#include <vector>

#include "lutra/base/files.h"
#include "lutra/netlist/liberty.h"
#include "lutra/netlist/liberty_writer.h"
#include "test_files.h"

namespace lutra::synth {
namespace {

/// What a library of the machine is cut down to: every kind of cell, and few of each.
std::string shortened(const std::string& path) {
  const Liberty library = Liberty::read(path);
  std::vector<std::string> kept;
  std::string last_kind;
  for (const auto& [name, cell] : library.cells()) {
    const std::string kind = name.substr(0, 3);
    if (kind != last_kind && kept.size() < 8) kept.push_back(name);
    last_kind = kind;
  }
  kept.push_back(library.smallest_inverter().name);
  return subset_text(library, kept);
}

class Damage {
 public:
  explicit Damage(std::uint64_t seed) : random_(seed) {}

  std::string apply(std::string text) {
    const int times = 1 + static_cast<int>(below(3));
    for (int i = 0; i < times && !text.empty(); ++i) once(&text);
    return text;
  }

 private:
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  void once(std::string* text) {
    static const std::vector<std::string> kInserts = {"{",
                                                      "}",
                                                      "(",
                                                      ")",
                                                      "\"",
                                                      ";",
                                                      ":",
                                                      ",",
                                                      "/*",
                                                      "*/",
                                                      "//",
                                                      "\\",
                                                      "\\\n",
                                                      "\n",
                                                      "\r",
                                                      "1e999",
                                                      "-1",
                                                      "nan",
                                                      "0x",
                                                      "!",
                                                      "'",
                                                      "cell (",
                                                      "pin (A) {",
                                                      "values (\"",
                                                      "bus (x) {",
                                                      "ff (I,N) {",
                                                      "function : \"",
                                                      "index_1 (\"1,1\");",
                                                      "area : ;",
                                                      "values ();",
                                                      "related_pin : ;",
                                                      "direction : ();",
                                                      "default_operating_conditions ();",
                                                      "clear_preset_var1 ();",
                                                      "function ();",
                                                      "leakage_power () { value (); }",
                                                      "time_unit ();",
                                                      "when ();",
                                                      "next_state ();"};
    const std::size_t at = below(text->size());
    const std::size_t length = std::min<std::size_t>(text->size() - at, 1 + below(200));
    switch (below(8)) {
      case 0:  // another byte
        (*text)[at] = static_cast<char>(below(256));
        break;
      case 1:  // a bit
        (*text)[at] = static_cast<char>((*text)[at] ^ (1 << below(8)));
        break;
      case 2:  // cut out
        text->erase(at, length);
        break;
      case 3:  // twice
        text->insert(at, text->substr(at, length));
        break;
      case 4:  // cut off
        text->resize(at);
        break;
      case 5:  // two places exchanged
        std::swap((*text)[at], (*text)[below(text->size())]);
        break;
      case 6: {  // another symbol in place of the next
        const std::size_t next = text->find_first_of("{}();:,\"", at);
        if (next != std::string::npos) (*text)[next] = "{}();:,\""[below(8)];
        break;
      }
      default:
        text->insert(at, kInserts[below(kInserts.size())]);
    }
  }

  std::mt19937_64 random_;
};

struct Tally {
  int parsed = 0;
  int refused = 0;
};

/// Reads a text and uses what came of it; anything but an Error ends the test.
void read_damaged(const std::string& text, const std::string& what, Tally* tally) {
  static const std::regex kPlace("^fuzz\\.lib:[1-9][0-9]*: .+");
  try {
    const Liberty library = Liberty::parse(text, "fuzz.lib");
    ++tally->parsed;
    bool runs = false;
    for (const auto& [name, cell] : library.cells()) {
      if (!cell.unsupported.empty()) continue;
      verilog_cells(library, {name});
      runs = true;
    }
    // Written anew it reads back, under both kinds of names, and says the same.
    for (const LibertyNames names : {LibertyNames::kOwn, LibertyNames::kTool}) {
      if (!runs) break;
      const std::string written = plain_text(library, names);
      try {
        EXPECT_EQ(plain_text(Liberty::parse(written, "written.lib"), names), written) << what;
      } catch (const Error& error) {
        ADD_FAILURE() << what << ": what was written is refused: " << error.what();
      }
    }
    try {
      library.fanout_of_four_slew_ns();
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).rfind("fuzz.lib: ", 0), 0u) << what << error.what();
    }
  } catch (const Error& error) {
    ++tally->refused;
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument) << what << ": " << error.what();
    const std::string message = error.what();
    EXPECT_TRUE(std::regex_search(message.substr(0, message.find('\n')), kPlace))
        << what << ": " << message;
  }
}

class LibertyFuzz : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string path = GetParam();
    if (path.empty()) {
      text_ = test::small_liberty();
    } else if (std::filesystem::exists(path)) {
      text_ = shortened(path);
    } else {
      GTEST_SKIP() << path << " is not here";
    }
  }

  std::string text_;
};

TEST_P(LibertyFuzz, DamagedTextParsesOrNamesItsLine) {
  Tally tally;
  constexpr int kCases = 1500;
  for (int seed = 1; seed <= kCases; ++seed) {
    read_damaged(Damage(seed).apply(text_), fmt::format("seed {}", seed), &tally);
    if (HasFailure()) break;
  }
  fmt::print("checked={} of {} bytes: {} parsed, {} refused\n", tally.parsed + tally.refused,
             text_.size(), tally.parsed, tally.refused);
  EXPECT_EQ(tally.parsed + tally.refused, kCases);
  EXPECT_GT(tally.parsed, kCases / 30);
  EXPECT_GT(tally.refused, kCases / 20);
}

TEST_P(LibertyFuzz, EveryTruncationIsRefused_bad) {
  Tally tally;
  const std::size_t end = text_.rfind('}');
  int cases = 0;
  for (std::size_t length = 0; length <= end; length += 1 + end / 300, ++cases) {
    read_damaged(text_.substr(0, length), fmt::format("length {}", length), &tally);
  }
  fmt::print("checked={}\n", cases);
  EXPECT_EQ(tally.refused, cases);
}

INSTANTIATE_TEST_SUITE_P(Files, LibertyFuzz,
                         testing::Values("", "/usr/share/qflow/tech/osu018/osu018_stdcells.lib",
                                         "/usr/share/qflow/tech/osu035/osu035_stdcells.lib",
                                         "/usr/share/qflow/tech/osu050/osu05_stdcells.lib",
                                         LUTRA_SOURCE_DIR
                                         "/../shared/data/liberty/nangate45_typ.lib.gz"));

TEST(LibertyLimits, DeepAndLongTextEnds) {
  Tally tally;
  const std::string head = "library (a) { nom_voltage : 1; ";
  const auto repeated = [](const std::string& text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
  };
  const auto function = [&](const std::string& text) {
    return head +
           "cell (C) { pin (A) { direction : input; } pin (Y) { direction : output; function : \"" +
           text + "\"; } } }";
  };
  for (const std::string& text :
       {head + repeated("g () { ", 100000), head + repeated("(", 100000),
        function(repeated("!", 100000) + "A"), function(repeated("(", 100000)),
        function("A" + repeated("'", 100000)), std::string(1000000, '\n'),
        std::string(1000000, '"'), std::string(1000, '\0')}) {
    read_damaged(text, text.substr(0, 60), &tally);
  }
  EXPECT_EQ(tally.refused + tally.parsed, 8);
  EXPECT_GE(tally.refused, 7);
}

TEST(LibertyLimits, EmptyAndCutGzip_bad) {
  const test::TestDirectory directory;
  test::expect_error(ErrorKind::kInvalidArgument, "empty.lib.gz: empty file",
                     [&] { Liberty::read(directory.write("empty.lib.gz", "")); });
  test::expect_error(
      ErrorKind::kInvalidArgument, "cut.lib.gz: corrupt or truncated gzip data", [&] {
        Liberty::read(directory.write("cut.lib.gz", std::string("\x1f\x8b\x08\0\0\0\0\0\0\3", 10)));
      });
  const std::filesystem::path nangate =
      LUTRA_SOURCE_DIR "/../shared/data/liberty/nangate45_typ.lib.gz";
  if (!std::filesystem::exists(nangate)) GTEST_SKIP() << nangate << " is not here";
  const std::string bytes = test::file_bytes(nangate);
  int cases = 0;
  for (std::size_t length = 2; length < bytes.size(); length += bytes.size() / 25, ++cases) {
    test::expect_error(ErrorKind::kInvalidArgument, "corrupt or truncated gzip data", [&] {
      Liberty::read(directory.write("n.lib.gz", bytes.substr(0, length)));
    });
  }
  test::expect_error(ErrorKind::kInvalidArgument, "corrupt or truncated gzip data", [&] {
    Liberty::read(directory.write("n.lib.gz", bytes.substr(0, bytes.size() - 1)));
  });
  fmt::print("checked={}\n", cases + 3);
  EXPECT_GE(cases, 25);
}

}  // namespace
}  // namespace lutra::synth
