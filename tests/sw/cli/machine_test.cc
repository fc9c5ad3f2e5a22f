// The command and the machine it runs on: how fast it starts, full disks, closed streams, other
// runs beside it, and where it looks for what it needs.
#include <signal.h>
#include <sys/file.h>

#include <algorithm>
#include <limits>
#include <random>

#include "lutra/base/files.h"
#include "lutra/base/npy.h"
#include "lutra/graph/network.h"
#include "lutra/models/built_in.h"
#include "lutra/models/model_files.h"
#include "run_lutra.h"
#include "saved_network.h"

namespace lutra::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class Machine : public CommandLine {
 protected:
  void expect_message(const Ended& r, int code, const std::vector<std::string>& parts) {
    EXPECT_EQ(r.status, code) << r.err;
    for (const std::string& part : parts) {
      EXPECT_NE(r.err.find(part), std::string::npos)
          << "\"" << r.err << "\" does not hold \"" << part << "\"";
    }
    EXPECT_EQ(r.err.find("internal error"), std::string::npos) << r.err;
  }

  /// A data set of random images in a directory; returns its path.
  std::string data(const std::string& name, int size = 28, int train = 120, int test = 30) {
    std::mt19937 random(3);
    const auto number = [](int n) {
      return std::string({static_cast<char>(n >> 24), static_cast<char>(n >> 16),
                          static_cast<char>(n >> 8), static_cast<char>(n)});
    };
    for (const auto& [prefix, count] :
         {std::pair<std::string, int>{"train", train}, std::pair<std::string, int>{"t10k", test}}) {
      std::string images = number(0x803) + number(count) + number(size) + number(size);
      for (int i = 0; i < count * size * size; ++i) images += static_cast<char>(random());
      std::string labels = number(0x801) + number(count);
      for (int i = 0; i < count; ++i) labels += static_cast<char>(random() % 10);
      write(name + "/" + prefix + "-images-idx3-ubyte", images);
      write(name + "/" + prefix + "-labels-idx1-ubyte", labels);
    }
    return (path() / name).string();
  }

  /// Random float32 weights of capsnet-edge in a directory.
  graph::FloatWeights weights() {
    graph::FloatWeights result;
    std::mt19937 random(4);
    for (const auto& [name, parameter] : graph::parameters(models::capsnet_edge())) {
      const std::vector<size_t>& shape = parameter.shape;
      size_t size = 1;
      for (const size_t d : shape) size *= d;
      graph::FloatTensor tensor{shape, {}};
      for (size_t i = 0; i < size; ++i) {
        tensor.values.push_back(static_cast<float>(random() % 2001) * 1e-4f - 0.1f);
      }
      result[name] = std::move(tensor);
    }
    return result;
  }
  std::string saved(const graph::FloatWeights& values) {
    fs::create_directories(path() / "float");
    models::save_float({models::capsnet_edge(), values}, path() / "float");
    return (path() / "float").string();
  }

  static bool trains() {
    return fs::exists(fs::path(LUTRA_COMMAND).parent_path().parent_path() / "lib" /
                      "lutra_training.so");
  }
};

#define LUTRA_SKIP_WITHOUT_TRAINING() \
  if (!trains()) GTEST_SKIP() << "this build has no training: libtorch was not found"

TEST_F(Machine, StartsWithoutLibtorch) {
  const Ended listed = run_line("ldd " LUTRA_COMMAND);
  ASSERT_EQ(listed.status, 0) << listed.err;
  EXPECT_NE(listed.out.find("libc.so"), std::string::npos);
  for (const char* library : {"libtorch", "libc10", "libblas", "liblapack", "openblas", "onnx"}) {
    EXPECT_EQ(listed.out.find(library), std::string::npos) << listed.out;
  }
  EXPECT_EQ(run_into("m", {"multipliers"}).status, 0);
}

// characterize replaces what an earlier run wrote, and nothing else.
TEST_F(Machine, WhatLutraDidNotWriteStays_bad) {
  fs::create_directories(path() / "out/component");
  write("out/component/thesis.tex", "precious");
  expect_message(run_into("out", {"characterize", "exact:width=4"}), 2,
                 {"component/thesis.tex: not written by an earlier run"});
  EXPECT_EQ(base::read_file(path() / "out/component/thesis.tex"), "precious");
  fs::remove_all(path() / "out/component");
  ASSERT_EQ(run_into("out", {"characterize", "exact:width=4"}).status, 0);
  ASSERT_EQ(run_into("out", {"characterize", "dadda:width=4"}).status, 0) << "its own it replaces";
  write("out/component/netlist.v", "edited by hand");
  expect_message(run_into("out", {"characterize", "exact:width=4"}), 2,
                 {"component/netlist.v: not written by an earlier run, or changed since"});
  EXPECT_EQ(base::read_file(path() / "out/component/netlist.v"), "edited by hand");
}

TEST_F(Machine, TrainWithoutItsModule_bad) {
  fs::create_directory(path() / "bin");
  fs::copy(LUTRA_COMMAND, path() / "bin/lutra");
  const std::string set = data("d");
  const std::string line = "bin/lutra train --validation 20 --batch 10 --data " + set;
  expect_message(run_line(line), 3, {"lutra_training.so is neither in", "libtorch-dev"});
  write("bin/lutra_training.so", "no library");
  expect_message(run_line(line), 3, {"lutra_training.so cannot be opened"});
  EXPECT_EQ(run_line("bin/lutra multipliers").status, 0);
}

TEST_F(Machine, AFullOrClosedStdoutIsSaid_bad) {
  for (const char* command : {"multipliers --json", "multipliers", "doctor", "--help", "--version",
                              "multipliers --help"}) {
    const std::string line = std::string("lutra ") + command;
    expect_message(run_line(line + " > /dev/full"), 5, {"stdout: No space left on device"});
    expect_message(run_line(line + " >&-"), 2, {"stdout: Bad file descriptor"});
  }
}

TEST_F(Machine, WhatOnlyPrintsWritesNothing) {
  for (const char* command : {"multipliers", "doctor", "multipliers --json", "doctor --json"}) {
    run_line(std::string("mkdir empty; cd empty && lutra ") + command);
    EXPECT_TRUE(fs::is_empty(path() / "empty")) << command;
    fs::remove_all(path() / "empty");
  }
  EXPECT_TRUE(json::parse(run({"multipliers", "--json"}).out).contains("versions"));
  write("taken", "a file");
  expect_message(run({"multipliers", "--out", "taken/m"}), 2, {"--out taken/m: Not a directory"});
  expect_message(run({"multipliers", "--out", "/proc/lutra"}), 2, {"--out /proc/lutra: "});
}

TEST_F(Machine, AnOutputDirectoryHasOneRun_bad) {
  fs::create_directory(path() / "m");
  const fs::path lock = write("m/.lutra.lock", "4711");
  write("m/.lutra-17-3.partial", "half of a result");
  const int held = open(lock.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(flock(held, LOCK_EX | LOCK_NB), 0);
  expect_message(run_into("m", {"multipliers"}), 2,
                 {"another run writes into ", "/m (4711)", "--out"});
  EXPECT_TRUE(fs::exists(path() / "m/.lutra-17-3.partial"));
  EXPECT_FALSE(fs::exists(path() / "m/result.json"));
  EXPECT_EQ(run_into("other", {"multipliers"}).status, 0);
  close(held);  // as when a run is killed: the file stays, the lock goes
  EXPECT_EQ(run_into("m", {"multipliers"}).status, 0);
  EXPECT_EQ(files_below(path() / "m"),
            std::vector<std::string>{(path() / "m/result.json").string()});
}

TEST_F(Machine, TrainingOnAFullDisk_bad) {
  LUTRA_SKIP_WITHOUT_TRAINING();
  // A limit on files stands for a disk: write() fails where the signal is ignored.
  const std::string line =
      "trap '' XFSZ; ulimit -f 200; lutra train --epochs 1 --validation 20 "
      "--batch 50 --jobs 1 --out t --data " +
      data("d");
  expect_message(run_line(line), 5, {"t/checkpoint.pt: cannot be written: File too large"});
  EXPECT_EQ(files_below(path() / "t"), std::vector<std::string>{});
}

TEST_F(Machine, ADiskThatFillsUp_bad) {
  const std::string with_disk =
      "unshare --user --map-root-user --mount sh -c '"
      "mkdir -p disk && mount -t tmpfs -o size=";
  if (run_line(with_disk + "1m tmpfs disk'").status != 0) {
    GTEST_SKIP() << "no file system of a size of its own can be mounted here";
  }
  LUTRA_SKIP_WITHOUT_TOOLS();
  ASSERT_EQ(run_line("lutra characterize drum").status, 0);
  const std::string fill = "head -c 1900000 /dev/zero > disk/fill; ";
  expect_message(
      run_line(with_disk + "2m tmpfs disk && " + fill + "lutra characterize drum --out disk/o'"), 5,
      {"disk/o", "No space left on device"});
  // The programs that run there say something else, or nothing.
  bool blamed = false;
  int failed = 0;
  for (int kib = 200; kib < 4000; kib += 100) {
    const Ended r =
        run_line(with_disk + std::to_string(kib) +
                 "k tmpfs disk && rm -rf cache && env TMPDIR=$PWD/disk "
                 "LUTRA_CACHE=$PWD/cache lutra characterize trunc:trunc_bits=5 --out o'");
    if (r.status == 0) break;
    ++failed;
    const bool mentioned = r.err.find(" KiB left, which may be why (TMPDIR") != std::string::npos;
    blamed |= mentioned;
    EXPECT_TRUE(mentioned || r.err.find("No space left on device") != std::string::npos) << r.err;
    EXPECT_EQ(r.err.find("internal error"), std::string::npos) << r.err;
  }
  EXPECT_TRUE(blamed);
  std::printf("checked=%d sizes\n", failed);
}

TEST_F(Machine, ImagesOfAnotherSizeAreReadByNobody_bad) {
  const std::string large = data("d32", 32);
  const std::string small = data("d1", 1);
  const std::string floats = saved(weights());
  for (const auto& [set, size] : {std::pair{large, "32x32"}, std::pair{small, "1x1"}}) {
    const std::string name = fs::path(set).filename().string();
    const std::vector<std::string> parts = {"data set " + name, std::string("images of ") + size,
                                            "capsnet-edge takes 28x28"};
    expect_message(run_into("q", {"quantize", floats, "--data", set, "--calibration-images", "20"}),
                   2, parts);
    EXPECT_FALSE(fs::exists(path() / "q/int8"));
    expect_message(
        run_into("e", {"evaluate", "--data", set, "--model", test::saved_network().string()}), 2,
        parts);
    expect_message(
        run_into("c", {"cosim", "--data", set, "--model", test::saved_network().string()}), 2,
        parts);
    if (trains()) {
      expect_message(run_into("t", {"train", "--data", set, "--validation", "20", "--batch", "10",
                                    "--epochs", "1"}),
                     2, parts);
      EXPECT_FALSE(fs::exists(path() / "t/float"));
    }
  }
}

TEST_F(Machine, WeightsThatAreNoNumbers_bad) {
  const std::string set = data("d");
  const graph::FloatWeights good = weights();
  const auto refuse = [&](const std::vector<std::string>& parts, const std::string& name,
                          size_t index, float value) {
    graph::FloatWeights bad = good;
    bad[name].values[index] = value;
    const std::string floats = saved(bad);
    expect_message(run_into("q", {"quantize", floats, "--data", set, "--calibration-images", "20"}),
                   2, parts);
    EXPECT_FALSE(fs::exists(path() / "q/int8"));
    if (trains() && !std::isfinite(value)) {
      expect_message(run_into("t", {"train", "--initial", floats, "--data", set, "--validation",
                                    "20", "--batch", "10"}),
                     2, parts);
    }
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  refuse({"float/votes.weight.npy: element 7 is nan, expected a finite number"}, "votes.weight", 7,
         nan);
  refuse({"float/conv1.bias.npy: element 3 is inf"}, "conv1.bias", 3, infinity);
  refuse({"primary.weight: element 5 is 1000, expected at most 127.5"}, "primary.weight", 5, 1000);
  refuse({"expected"}, "conv1.weight", 0, 3e38f);
  expect_message(
      run_into("q", {"quantize", saved(good), "--data", set, "--calibration-images", "121"}), 2,
      {"--calibration-images 121, expected 1..120"});
  EXPECT_EQ(
      run_into("q", {"quantize", saved(good), "--data", set, "--calibration-images", "20"}).status,
      0);
  if (trains()) {
    expect_message(run_into("t", {"train", "--data", set, "--validation", "20", "--batch", "101"}),
                   2, {"--batch 101, expected 1..100"});
  }
}

TEST_F(Machine, ADirectoryOfAnotherTraining_bad) {
  LUTRA_SKIP_WITHOUT_TRAINING();
  const std::string set = data("d");
  const auto train = [&](const std::string& network, std::vector<std::string> more) {
    std::vector<std::string> words = {"train",   network, "--data",   set, "--validation", "20",
                                      "--batch", "50",    "--epochs", "1", "--jobs",       "1"};
    words.insert(words.end(), more.begin(), more.end());
    return run_into("t", words);
  };
  ASSERT_EQ(train("capsnet-edge", {}).status, 0);
  const std::string result = file_bytes(path() / "t/result.json");
  expect_message(train("capsnet-edge", {"--seed", "7"}), 2,
                 {"seed = 1, this run has 7", "another --out", "--restart"});
  expect_message(train("capsnet", {}), 2, {"network = \"capsnet-edge\", this run has \"capsnet\""});
  EXPECT_EQ(file_bytes(path() / "t/result.json"), result);
  const Ended same = train("capsnet-edge", {});
  EXPECT_EQ(same.status, 0);
  EXPECT_NE(same.err.find("resuming after epoch 1"), std::string::npos) << same.err;
  EXPECT_EQ(train("capsnet-edge", {"--seed", "7", "--restart"}).status, 0);
}

TEST_F(Machine, NonsenseForOptionsOfAllCommands_bad) {
  for (const char* command : {"doctor", "multipliers", "characterize", "train", "quantize",
                              "evaluate", "cosim", "study"}) {
    const auto refuse = [&](const std::string& part, const std::string& option,
                            const std::string& value) {
      expect_message(run({command, option, value}), 2, {option, part});
    };
    refuse("nonsense not in {auto,scalar,avx2,avx512,cuda}", "--backend", "nonsense");
    refuse("'18446744073709551616', expected an integer in 0..", "--seed", "18446744073709551616");
    refuse("'-1'", "--seed", "-1");
    refuse("'1.5'", "--seed", "1.5");
    refuse("'one'", "--seed", "one");
    refuse("1025 not in range 0 to 1024", "--jobs", "1025");
  }
  expect_message(run({"train", "--learning-rate", "nan"}), 2, {"'nan', expected a finite number"});
  expect_message(run({"characterize", "drum", "--clock", "nan"}), 2, {"'nan', expected a finite"});
  const auto file = write("options.toml", "seed = -1\n");
  expect_message(run({"multipliers", "--config", file.string()}), 2, {"options.toml:1: ", "'-1'"});
}

TEST_F(Machine, TheDefaultNetworkIsFoundFromAnywhere) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  if (!fs::exists(fs::path(LUTRA_SOURCE_DIR) / "models/capsnet-edge/int8/network.json")) {
    GTEST_SKIP() << "the source tree has no trained network";
  }
  const std::string set = data("d");
  const Ended r = run({"evaluate", "--data", set, "--json"});
  ASSERT_EQ(r.status, 0) << r.err;
  const json result = json::parse(r.out);
  EXPECT_NE(result.at("model").get<std::string>().find("models/capsnet-edge/int8"),
            std::string::npos);
  EXPECT_EQ(result.at("data_sha256").get<std::string>().size(), 64u);
  const double low = result.at("accuracy_interval").at(0);
  const double high = result.at("accuracy_interval").at(1);
  EXPECT_LT(low, result.at("accuracy").get<double>());
  EXPECT_GT(high, result.at("accuracy").get<double>());
  EXPECT_GT(high - low, 0.05);  // of 30 images
  EXPECT_EQ(result.at("loss_against_exact"), 0);
  // The loss is that of the same images.
  const Ended lossy =
      run({"evaluate", "--data", set, "--multiplier", "trunc:trunc_bits=4", "--json"});
  ASSERT_EQ(lossy.status, 0) << lossy.err;
  const json other = json::parse(lossy.out);
  const double loss = other.at("loss_against_exact");
  EXPECT_NEAR(loss, result.at("accuracy").get<double>() - other.at("accuracy").get<double>(),
              1e-12);
  EXPECT_LE(other.at("loss_interval").at(0), loss);
  EXPECT_GE(other.at("loss_interval").at(1), loss);
  // The exact network's images are kept, by content; damage is said and made again.
  const std::string cache = (path() / "cache").string();
  const std::vector<std::string> again = {"evaluate",           "--data", set, "--multiplier",
                                          "trunc:trunc_bits=4", "--json"};
  for (const char* expected : {"", "accuracy of exact: kept from an earlier run",
                               "damaged; accuracy of exact is made again"}) {
    const Ended kept = run(again, {{"LUTRA_CACHE", cache}});
    EXPECT_NE(kept.err.find(expected), std::string::npos) << kept.err;
    EXPECT_EQ(json::parse(kept.out).at("loss_against_exact"), loss);
    for (const std::string& file : files_below(fs::path(cache) / "accuracy")) {
      std::string bytes = file_bytes(file);
      const size_t at = bytes.find("\"value\": \"") + 10;
      if (*expected != 0) bytes[at] = bytes[at] == '0' ? '1' : '0';
      base::write_file(file, bytes);
    }
  }
  const Ended text = run({"evaluate", "--data", set});
  EXPECT_NE(text.out.find("(95 % interval 0."), std::string::npos) << text.out;
  // The working directory's comes first.
  write("models/capsnet-edge/int8/network.json", "{}");
  expect_message(run({"evaluate", "--data", set}), 2, {"models/capsnet-edge/int8/network.json: "});
}

TEST_F(Machine, WhatIsNoNetworkDirectory_bad) {
  write("net.onnx", "an ONNX file");
  fs::create_directory(path() / "empty");
  const std::string floats = saved(weights());
  for (const char* command : {"evaluate", "cosim"}) {
    expect_message(run({command, "--model", "net.onnx"}), 2,
                   {"net.onnx: not a network directory (ONNX is not read yet), expected a "
                    "directory with network.json"});
    expect_message(run({command, "--model", "empty"}), 2,
                   {"empty: not a network directory, expected a directory with network.json"});
    expect_message(run({command, "--model", floats}), 2,
                   {"float/network.json: a network in float32, expected one in int8 (`lutra "
                    "quantize` makes it)"});
  }
  fs::remove(fs::path(floats) / "network.json");
  expect_message(
      run({"quantize", floats}), 2,
      {"float: not a network directory (it holds weights alone; `lutra quantize --network",
       "network.json"});
  expect_message(run({"quantize", floats, "--network", "lenet"}), 2,
                 {"network 'lenet' is not known, expected one of: capsnet-edge, capsnet"});
}

// What is done is kept, and that is said.
TEST_F(Machine, AnInterruptedRunSaysHowItGoesOn_bad) {
  LUTRA_SKIP_WITHOUT_TOOLS();
  const Ended r = run_line("LUTRA_CACHE=" + (path() / "cache").string() +
                           " timeout --preserve-status -s INT 2 lutra characterize --sweep all "
                           "--out " +
                           (path() / "sweep").string());
  EXPECT_EQ(r.status, 128 + SIGINT);
  EXPECT_NE(r.err.find("lutra: interrupted; the same command goes on with what is done"),
            std::string::npos)
      << r.err;
}

}  // namespace
}  // namespace lutra::test
