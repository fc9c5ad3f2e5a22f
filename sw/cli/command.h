#ifndef LUTRA_CLI_COMMAND_H_
#define LUTRA_CLI_COMMAND_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "exit_code.h"
#include "lutra/report/report.h"
#include "lutra/run_store/run_store.h"
#include "lutra/studies/component_store.h"
#include "lutra/synthesis/multiplier_source.h"

namespace lutra::cli {

/// Options that every command has.
struct SharedOptions {
  std::filesystem::path out;     ///< empty: out/<command>, if the command writes files at all
  std::filesystem::path config;  ///< empty: none
  bool json = false;
  uint64_t seed = 1;
  int jobs = 0;
  std::string backend = "auto";
  std::vector<std::string> words;  ///< of the command line, without the program
  std::string command_line;        ///< as a shell would take it
};

/// What a command's function gives back: the object of result.json, what a person reads, and the
/// code.
struct Outcome {
  /// @param name  of the result's schema with its version: "lutra-evaluate-1" is
  ///              docs/schema/evaluate.json
  explicit Outcome(std::string name) : schema(std::move(name)) {}

  std::string schema;
  nlohmann::json result;  ///< the keys that all results have may be missing
  std::string text;
  ExitCode code = ExitCode::kPass;
};

/// How a run uses its output directory.
enum class OutputUse {
  kOwn,     ///< alone; it writes result.json
  kShared,  ///< beside other shards of one study; it writes units
  kNone,    ///< it only looks
};

/// A subcommand: its options bind to state that `run` sees.
struct Command {
  CLI::App* app = nullptr;
  std::function<Outcome(const SharedOptions&, const std::filesystem::path& out)> run;
  bool only_prints = false;                         ///< writes files only where --out says so
  std::function<OutputUse()> output_use = nullptr;  ///< null: kOwn
  /// What comes before the output directory is held; may be null.
  std::function<void(const SharedOptions&, const std::filesystem::path& out)> prepare = nullptr;
};

/// Progress and messages go to stderr.
void progress(const std::string& line);

/// Gives a command the options of a TOML file, `images = 20`, that its command line lacks.
/// @throws Error kInvalidArgument with file and line for a key that is no option of the command, or
/// a value that the option does not take
void apply_config(const std::filesystem::path& file, CLI::App* command);

// One file each.
Command add_doctor(CLI::App* root);
Command add_multipliers(CLI::App* root);
Command add_characterize(CLI::App* root);
Command add_train(CLI::App* root);
Command add_quantize(CLI::App* root);
Command add_evaluate(CLI::App* root);
Command add_cosim(CLI::App* root);
Command add_study(CLI::App* root);

/// Versions of Lutra and of the tools that results depend on; "absent" for a missing one.
nlohmann::json versions();
/// What a page says of the run that made it: now, by this command line.
report::Made made_by(const SharedOptions& shared);
/// Of Lutra, with its commit, and its compiler: all that a command depends on which runs no tool.
nlohmann::json own_versions();

/// A number that is no NaN and no infinity: CLI11's ranges let NaN pass.
CLI::Validator finite_number();

/// "--model DIR" of the commands that run a network.
class ModelOption {
 public:
  void add_to(CLI::App* app);
  /// What was given, or the default: below the working directory, in ../share/lutra beside the
  /// command, or in the source tree that it was built from.
  /// @throws Error kInvalidArgument that names these places if the default lies in none of them
  std::filesystem::path directory() const;

 private:
  static constexpr const char* kDefault = "models/capsnet-edge/int8";
  std::filesystem::path directory_;
  CLI::Option* option_ = nullptr;
};

/// "-I", "-D", "--trust-source" and "--allow-unchecked" of the commands that read Verilog.
struct SourceOptions {
  std::vector<std::filesystem::path> include_directories;
  std::vector<std::string> defines;
  bool trusted = false;
  bool allow_unchecked = false;

  void add_to(CLI::App* app);
  /// @throws Error kInvalidArgument for a macro that is not NAME or NAME=TEXT
  synth::VerilogReading reading() const;
  /// The same as words of a command line.
  std::vector<std::string> words() const;
};

/// Adds `--liberty FILE...`, which takes one file or several.
void add_liberty_option(CLI::App* app, std::vector<std::string>* files);
/// The words of a command line with `--liberty` before each of the Liberty files (.lib, .lib.gz,
/// .liberty) that follow another: so that no word behind them that is something else is taken.
std::vector<std::string> with_liberty_repeated(const std::vector<std::string>& words);

/// "--shard I/N", "--engine", "--shards" and "--status" of the commands that run units of work.
struct StudyOptions {
  std::string shard;
  std::string engine = "local";
  int shards = 2;
  bool status = false;

  void add_to(CLI::App* app);
  OutputUse output_use() const;
  /// Runs the shards of this command line elsewhere, where --engine says so.
  void prepare(const SharedOptions& shared, const std::filesystem::path& out) const;
  /// The store of OUT/units, as these options use it.
  studies::RunStore store(const std::filesystem::path& out) const;
  /// What is said of a run that has no result yet: how far each stage is.
  Outcome progress_of(const studies::RunStore& store) const;
};

/// "--multiplier M", "--operations a,b" and "--assign op=M" of evaluate and cosim.
struct AssignmentOptions {
  std::string multiplier = "exact";
  std::vector<std::string> operations;
  std::vector<std::string> assign;
  std::vector<std::string> liberty;  ///< files of one cell library
  SourceOptions source;

  void add_to(CLI::App* app);
  studies::ComponentStoreOptions store() const;
  /// The same as words of a command line.
  std::vector<std::string> words() const;
};

}  // namespace lutra::cli

#endif  // LUTRA_CLI_COMMAND_H_
