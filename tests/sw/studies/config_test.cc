// The reader of study files: what it accepts, and that everything else is named with file and line.
#include <gtest/gtest.h>

#include "lutra/studies/study.h"
#include "test_files.h"

namespace lutra::studies {
namespace {

namespace fs = std::filesystem;
using test::expect_error;

constexpr const char* kWhole = R"(name = "all keys"
model = "net/int8"
data = "fashion-mnist"
images = 500
seed = 3
backend = "scalar"
jobs = 2
multipliers = ["drum:kept_bits=4", "mine/own.v", "bam:hbl=0,vbl=6"]
operations = ["primary.mac"]

[[assignments]]
label = "mixed"
multipliers = {"routing.sum" = "drum:kept_bits=3", "votes.mac" = "./other.sv"}

[hardware]
rows = 8
cols = 4
scratch_kib = 64
acc_depth = 256
liberty = "cells.lib"

[choice]
max_accuracy_loss = 0.02

[cosim]
images = 3
first = 7
all = true

[energy]
images = 1
samples = 100
scratch_pj_per_vector = 1.5
accumulator_pj_per_word = 2
memory_pj_per_byte = 3.25
memory_source = "measured"
)";

class StudyFile : public testing::Test {
 protected:
  StudyConfig read(const std::string& text, const std::vector<std::string>& overrides = {}) {
    return read_study(files_.write("study.toml", text), overrides);
  }
  test::TestDirectory files_;
};

TEST_F(StudyFile, EveryKeyArrives) {
  const StudyConfig c = read(kWhole);
  EXPECT_EQ(c.name, "all keys");
  EXPECT_EQ(c.model, files_.path() / "net/int8");
  EXPECT_EQ(c.images, 500);
  EXPECT_EQ(c.seed, 3u);
  EXPECT_EQ(c.backend, "scalar");
  EXPECT_EQ(c.jobs, 2);
  const std::vector<std::string> multipliers = {"drum:kept_bits=4", "mine/own.v",
                                                "bam:hbl=0,vbl=6"};
  EXPECT_EQ(c.multipliers, multipliers);
  EXPECT_EQ(c.folder, files_.path()) << "what a file's name is relative to";
  EXPECT_EQ(c.operations, std::vector<std::string>{"primary.mac"});
  ASSERT_EQ(c.assignments.size(), 1u);
  EXPECT_EQ(c.assignments[0].first, "mixed");
  EXPECT_EQ(c.assignments[0].second.at("routing.sum"), "drum:kept_bits=3");
  EXPECT_EQ(c.assignments[0].second.at("votes.mac"), "./other.sv");
  EXPECT_EQ(c.shape.rows, 8);
  EXPECT_EQ(c.shape.cols, 4);
  EXPECT_EQ(c.shape.scratch_bytes, 65536);
  EXPECT_EQ(c.shape.acc_depth, 256);
  EXPECT_EQ(c.liberty, files_.path() / "cells.lib");
  EXPECT_DOUBLE_EQ(c.max_accuracy_loss, 0.02);
  EXPECT_EQ(c.cosim_images, 3);
  EXPECT_EQ(c.cosim_first, 7);
  EXPECT_TRUE(c.cosim_all);
  EXPECT_EQ(c.energy_images, 1);
  EXPECT_EQ(c.energy_samples, 100);
  EXPECT_DOUBLE_EQ(c.memory.scratch_pj_per_vector, 1.5);
  EXPECT_DOUBLE_EQ(c.memory.accumulator_pj_per_word, 2);
  EXPECT_DOUBLE_EQ(c.memory.memory_pj_per_byte, 3.25);
  EXPECT_EQ(c.memory.source, "measured");
}

TEST_F(StudyFile, ALibraryOfSeveralFiles) {
  const std::string head = "model = \"/abs/int8\"\nmultipliers = [\"exact\"]\n[hardware]\n";
  const StudyConfig c = read(head + "liberty = [\"a.lib\", \"/abs/b.lib\"]\n");
  const std::vector<std::filesystem::path> expected = {files_.path() / "a.lib", "/abs/b.lib"};
  EXPECT_EQ(c.liberty.paths(), expected) << "each is relative to the study's file";
  EXPECT_EQ(to_json(c).at("hardware").at("liberty"),
            (nlohmann::json{(files_.path() / "a.lib").string(), "/abs/b.lib"}));
  EXPECT_EQ(to_json(read(head + "liberty = \"/abs/b.lib\"\n")).at("hardware").at("liberty"),
            "/abs/b.lib");
  EXPECT_TRUE(read(head + "liberty = \"\"\n").liberty.empty());
  EXPECT_THROW(read(head + "liberty = []\n"), Error);
  EXPECT_THROW(read(head + "liberty = [3]\n"), Error);
  EXPECT_THROW(read(head + "liberty = 3\n"), Error);
}

TEST_F(StudyFile, ShortestFileTakesTheDefaults) {
  const StudyConfig c = read("model = \"/abs/int8\"\nmultipliers = [\"exact\"]\n");
  EXPECT_EQ(c.name, "study") << "the file's stem";
  EXPECT_EQ(c.model, "/abs/int8");
  EXPECT_EQ(c.data, "fashion-mnist");
  EXPECT_EQ(c.images, 0);
  EXPECT_EQ(c.shape.rows, 16);
  EXPECT_EQ(c.shape.scratch_bytes, 1 << 17);
}

TEST_F(StudyFile, SetWinsOverTheFile) {
  const StudyConfig c =
      read(kWhole, {"images=20", "hardware.rows=16", "cosim.all=false", "name=\"other\"",
                    "multipliers=[\"exact\"]", "choice.max_accuracy_loss=0.5"});
  EXPECT_EQ(c.images, 20);
  EXPECT_EQ(c.shape.rows, 16);
  EXPECT_EQ(c.shape.cols, 4) << "the table's other keys stay";
  EXPECT_FALSE(c.cosim_all);
  EXPECT_EQ(c.name, "other");
  EXPECT_EQ(c.multipliers, std::vector<std::string>{"exact"});
  EXPECT_DOUBLE_EQ(c.max_accuracy_loss, 0.5);
}

TEST_F(StudyFile, SetMakesATableThatTheFileLacks) {
  const StudyConfig c = read("model = \"m\"\nmultipliers = [\"exact\"]\n", {"energy.samples=64"});
  EXPECT_EQ(c.energy_samples, 64);
}

TEST_F(StudyFile, ResolvedConfigurationHoldsEveryKey) {
  const nlohmann::json json = to_json(read(kWhole));
  EXPECT_EQ(json.at("hardware").at("scratch_bytes"), 65536);
  EXPECT_EQ(json.at("assignments")[0].at("multipliers").at("routing.sum"), "drum:kept_bits=3");
  EXPECT_EQ(json.at("energy").at("samples"), 100);
  EXPECT_EQ(json.at("choice").at("max_accuracy_loss"), 0.02);
}

struct Bad {
  const char* name;
  const char* text;  ///< after two good lines
  const char* message;
};

void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.name; }

class StudyFileError : public StudyFile, public testing::WithParamInterface<Bad> {};

TEST_P(StudyFileError, IsNamedWithItsLine_bad) {
  const std::string file = (files_.path() / "study.toml").string();
  const std::string message = GetParam().message;
  expect_error(ErrorKind::kInvalidArgument, file + message, [&] {
    read("model = \"m\"\nmultipliers = [\"exact\"]\n" + std::string(GetParam().text));
  });
}

INSTANTIATE_TEST_SUITE_P(
    Each, StudyFileError,
    testing::Values(
        Bad{"unknown_key", "imges = 3\n",
            ":3: unknown key 'imges', expected one of: allow_unchecked, assignments, "},
        Bad{"unknown_table", "\n[cosym]\nimages = 3\n", ":4: unknown key 'cosym'"},
        Bad{"unknown_nested_key", "[cosim]\nimages = 3\nfrist = 1\n",
            ":5: unknown key 'cosim.frist', expected one of: all, first, images"},
        Bad{"unknown_assignment_key", "[[assignments]]\nlabel = \"a\"\nmultipliers = {}\nx = 1\n",
            ":6: unknown key 'assignments.x'"},
        Bad{"string_for_integer", "images = \"50\"\n",
            ":3: images is of type string, expected an integer"},
        Bad{"float_for_integer", "seed = 1.5\n", ":3: seed is of type floating-point, expected an"},
        Bad{"integer_for_string", "name = 7\n", ":3: name is of type integer, expected a string"},
        Bad{"string_for_boolean", "[cosim]\nall = \"yes\"\n",
            ":4: cosim.all is of type string, expected true or false"},
        Bad{"number_in_list", "operations = [\"conv1.mac\", 3]\n",
            ":3: operations is of type integer, expected an array of strings"},
        Bad{"string_for_table", "hardware = \"big\"\n",
            ":3: hardware is of type string, expected a table"},
        Bad{"out_of_range", "[hardware]\nrows = 17\n", ":4: hardware.rows = 17, expected 1..16"},
        Bad{"negative", "images = -1\n", ":3: images = -1, expected 0.."},
        Bad{"no_power_of_two", "[hardware]\nscratch_kib = 100\n",
            ":4: hardware.scratch_kib = 100, expected a power of two"},
        Bad{"loss_above_one", "[choice]\nmax_accuracy_loss = 1.5\n",
            ":4: choice.max_accuracy_loss = 1.5, expected 0..1"},
        Bad{"not_a_number", "[choice]\nmax_accuracy_loss = nan\n",
            ":4: choice.max_accuracy_loss = nan, expected 0..1"},
        Bad{"no_label", "[[assignments]]\nmultipliers = {}\n", ":3: assignments.label is missing"},
        Bad{"syntax", "images = \n", ":3: "}, Bad{"twice", "images = 1\nimages = 2\n", ":4: "}),
    [](const auto& p) { return std::string(p.param.name); });

TEST_F(StudyFile, BadOverridesAreNamed_bad) {
  const std::string good = "model = \"m\"\nmultipliers = [\"exact\"]\n";
  expect_error(ErrorKind::kInvalidArgument, "--set images: expected key=value",
               [&] { read(good, {"images"}); });
  expect_error(ErrorKind::kInvalidArgument, "--set name=abc: ", [&] { read(good, {"name=abc"}); });
  expect_error(ErrorKind::kInvalidArgument, "unknown key 'cosim.imgs'",
               [&] { read(good, {"cosim.imgs=1"}); });
  expect_error(ErrorKind::kInvalidArgument, "images is of type boolean",
               [&] { read(good, {"images=true"}); });
}

TEST_F(StudyFile, IncompleteFilesAreNamed_bad) {
  expect_error(ErrorKind::kInvalidArgument, "model is missing",
               [&] { read("multipliers = [\"exact\"]\n"); });
  expect_error(ErrorKind::kInvalidArgument, "there is nothing to study",
               [&] { read("model = \"m\"\n"); });
  expect_error(ErrorKind::kNotFound, "absent.toml: no such file",
               [&] { read_study(files_.path() / "absent.toml", {}); });
}

}  // namespace
}  // namespace lutra::studies
