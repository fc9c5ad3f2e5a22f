#ifndef LUTRA_TESTS_SW_CLI_RUN_LUTRA_H_
#define LUTRA_TESTS_SW_CLI_RUN_LUTRA_H_

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "schemas.h"
#include "test_files.h"

namespace lutra::test {

/// What a run of the command left behind.
struct Ended {
  int status = -1;  ///< exit code, or 128 + signal
  std::string out;  ///< stdout
  std::string err;  ///< stderr
};

/// Runs the built command in a directory of its own, with stdout and stderr apart. Whatever a test
/// runs, each result on stdout or in a result.json is what its schema says.
class CommandLine : public testing::Test {
 protected:
  void TearDown() override {
    for (const std::string& file : files_below(path())) {
      const std::filesystem::path name = file;
      // A component beside its result, not those of caches, which tests damage.
      if (name.filename() == "result.json" ||
          (name.filename() == "component.json" &&
           std::filesystem::exists(name.parent_path().parent_path() / "result.json"))) {
        expect_valid(file, file_bytes(file));
      }
    }
    if (validated_ > 0) std::printf("validated=%d results\n", validated_);
  }

  /// @param variables  set on top of this process' environment
  Ended run(const std::vector<std::string>& arguments,
            const std::map<std::string, std::string>& variables = {}) {
    return run_program(LUTRA_COMMAND, arguments, variables);
  }

  /// A line for the shell, in which `lutra` is the built command.
  Ended run_line(const std::string& line) {
    const auto bin = std::filesystem::path(LUTRA_COMMAND).parent_path().string();
    return run_program("/bin/sh", {"-c", line}, {{"PATH", bin + ":" + getenv("PATH")}});
  }

  /// Arguments with an output directory that does not exist yet.
  Ended run_into(const std::string& out, std::vector<std::string> arguments,
                 const std::map<std::string, std::string>& variables = {}) {
    arguments.insert(arguments.end(), {"--out", (path() / out).string()});
    return run(arguments, variables);
  }

  const std::filesystem::path& path() const { return files_.path(); }
  std::filesystem::path write(const std::string& name, const std::string& text) {
    return files_.write(name, text);
  }

  /// Regular files below a directory.
  static std::vector<std::string> files_below(const std::filesystem::path& directory) {
    std::vector<std::string> files;
    if (!std::filesystem::exists(directory)) return files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
      if (entry.is_regular_file()) files.push_back(entry.path().string());
    }
    return files;
  }

 private:
  void expect_valid(const std::string& where, const std::string& text) {
    const auto result = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    EXPECT_EQ(schema_faults(result), "") << where;
    ++validated_;
  }

  Ended run_program(const std::string& program, const std::vector<std::string>& arguments,
                    const std::map<std::string, std::string>& variables) {
    std::vector<std::string> words = {program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::map<std::string, std::string> environment;
    for (char** e = environ; *e != nullptr; ++e) {
      const std::string entry = *e;
      environment[entry.substr(0, entry.find('='))] = entry.substr(entry.find('=') + 1);
    }
    for (const auto& [name, value] : variables) environment[name] = value;
    std::vector<std::string> entries;
    for (const auto& [name, value] : environment) entries.push_back(name + "=" + value);
    const auto pointers = [](std::vector<std::string>* strings) {
      std::vector<char*> result;
      for (std::string& s : *strings) result.push_back(s.data());
      result.push_back(nullptr);
      return result;
    };
    const std::string number = std::to_string(++runs_);
    const auto out = path() / ("stdout." + number);
    const auto err = path() / ("stderr." + number);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    const int flags = O_WRONLY | O_CREAT | O_TRUNC;
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), flags, 0600);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), flags, 0600);
    posix_spawn_file_actions_addchdir_np(&actions, path().c_str());
    pid_t child = 0;
    const int spawned = posix_spawn(&child, program.c_str(), &actions, nullptr,
                                    pointers(&words).data(), pointers(&entries).data());
    posix_spawn_file_actions_destroy(&actions);
    Ended result;
    if (spawned != 0) {
      ADD_FAILURE() << program << " cannot be run";
      return result;
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    result.out = file_bytes(out);
    result.err = file_bytes(err);
    // Neither stream is a terminal here: no colours, ever.
    EXPECT_EQ(result.out.find('\x1b'), std::string::npos) << result.out;
    EXPECT_EQ(result.err.find('\x1b'), std::string::npos) << result.err;
    if (!result.out.empty() && result.out[0] == '{') expect_valid("stdout", result.out);
    return result;
  }

  TestDirectory files_;
  int runs_ = 0;
  int validated_ = 0;
};

}  // namespace lutra::test

#endif  // LUTRA_TESTS_SW_CLI_RUN_LUTRA_H_
