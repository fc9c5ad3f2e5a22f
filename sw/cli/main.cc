// The command `lutra`: docs/guide/commands.md.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <optional>
#include <sstream>

#include "command.h"
#include "lutra/base/files.h"
#include "lutra/base/process.h"
#include "output.h"

namespace lutra::cli {
namespace {

namespace fs = std::filesystem;

/// What may be behind a failure: a tool that fails seldom says that the disk is full.
void say_low_space() {
  const std::string text = base::low_space();
  if (text.empty()) return;
  progress("lutra: " + text +
           ", which may be why (TMPDIR, LUTRA_CACHE and --out name other places)");
}

/// A number from 0 to 2^64 - 1 in decimal digits; CLI11 alone lets one that overflows pass.
CLI::Validator whole_number() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        uint64_t value = 0;
        const char* const last = text.data() + text.size();
        const auto [end, error] = std::from_chars(text.data(), last, value);
        if (error == std::errc() && end == last) return "";
        return fmt::format("'{}', expected an integer in 0..{}", text, UINT64_MAX);
      },
      "INTEGER", "integer");
}

int run(int argc, char** argv) {
  CLI::App app{
      "From a Verilog multiplier to a network's accuracy and energy, bit-exact at every level"};
  app.require_subcommand(1);
  app.set_version_flag("--version", LUTRA_VERSION);
  app.failure_message([](const CLI::App* root, const CLI::Error& error) {
    const auto parsed = root->get_subcommands();
    const std::vector<std::string> rest = root->remaining();
    std::string what = error.what();
    if (parsed.empty() && !rest.empty()) {
      std::vector<std::string> names;
      for (const CLI::App* sub : root->get_subcommands(nullptr)) names.push_back(sub->get_name());
      what = fmt::format("'{}' is no subcommand, expected one of: {}", rest[0],
                         fmt::join(names, ", "));
    }
    return fmt::format("lutra: {}\nSee `{} --help`.\n", what,
                       parsed.empty() ? "lutra" : "lutra " + parsed[0]->get_name());
  });
  std::vector<Command> commands = {
      add_doctor(&app),   add_multipliers(&app), add_characterize(&app), add_train(&app),
      add_quantize(&app), add_evaluate(&app),    add_cosim(&app),        add_study(&app),
  };
  SharedOptions shared;
  for (const Command& command : commands) {
    CLI::App* sub = command.app;
    sub->add_option("--out", shared.out,
                    "Directory of result.json (default: " +
                        (command.only_prints ? "none" : "out/" + sub->get_name()) + ")");
    sub->add_flag("--json", shared.json, "Print the result object to stdout, and nothing else");
    sub->add_option("--seed", shared.seed, "Seed of all that is drawn at random")
        ->check(whole_number())
        ->capture_default_str();
    sub->add_option("--jobs", shared.jobs, "Threads; 0: all cores")->check(CLI::Range(0, 1024));
    sub->add_option("--backend", shared.backend, "What runs networks")
        ->check(CLI::IsMember({"auto", "scalar", "avx2", "avx512", "cuda"}))
        ->capture_default_str();
    sub->add_option("--config", shared.config,
                    "Options of this command from a TOML file; the command line wins");
  }
  try {
    const std::vector<std::string> words =
        with_liberty_repeated(std::vector<std::string>(argv, argv + argc));
    std::vector<const char*> pointers;
    for (const std::string& word : words) pointers.push_back(word.c_str());
    shared.command_line = "lutra";
    for (int i = 1; i < argc; ++i) {
      shared.words.emplace_back(argv[i]);
      shared.command_line += " " + base::shell_quoted(argv[i]);
    }
    app.parse(static_cast<int>(pointers.size()), pointers.data());
    for (const CLI::App* parsed : app.get_subcommands()) {
      if (!shared.config.empty())
        apply_config(shared.config, app.get_subcommand(parsed->get_name()));
    }
  } catch (const CLI::ParseError& error) {
    std::ostringstream help;  // what --help and --version print
    const int code = app.exit(error, help, std::cerr);
    print(help.str());
    return code == 0 ? 0 : static_cast<int>(ExitCode::kUsage);
  }
  for (const Command& command : commands) {
    if (!command.app->parsed()) continue;
    const OutputUse use = command.output_use ? command.output_use() : OutputUse::kOwn;
    const bool writes = use == OutputUse::kOwn && (!shared.out.empty() || !command.only_prints);
    const fs::path out =
        shared.out.empty() ? fs::path("out") / command.app->get_name() : shared.out;
    if (command.prepare) command.prepare(shared, out);
    std::optional<OutputDirectory> held;
    if (writes || use == OutputUse::kShared) held.emplace(out, use == OutputUse::kShared);
    Outcome outcome = command.run(shared, out);
    if (writes || shared.json) {
      outcome.result["schema"] = outcome.schema;
      outcome.result["command"] = command.app->get_name();
      outcome.result["seed"] = shared.seed;
      if (!outcome.result.contains("versions")) outcome.result["versions"] = versions();
      // File names need not be UTF-8; JSON must be.
      const std::string text =
          outcome.result.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
      if (writes) base::write_file(out / "result.json", text);
      if (shared.json) outcome.text = text;
    }
    print(outcome.text);
    if (outcome.code != ExitCode::kPass) say_low_space();
    return static_cast<int>(outcome.code);
  }
  return static_cast<int>(ExitCode::kInternal);
}

}  // namespace

CLI::Validator finite_number() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        double value = 0;
        if (CLI::detail::lexical_cast(text, value) && std::isfinite(value)) return "";
        return fmt::format("'{}', expected a finite number", text);
      },
      "", "finite");
}

void progress(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

}  // namespace lutra::cli

int main(int argc, char** argv) {
  using lutra::ErrorKind;
  const auto end = [](ErrorKind kind, const std::string& what) {
    std::fprintf(stderr, "lutra: %s\n", what.c_str());
    lutra::cli::say_low_space();
    return static_cast<int>(lutra::cli::exit_code(kind));
  };
  try {
    lutra::cli::open_standard_streams();
    return lutra::cli::run(argc, argv);
  } catch (const lutra::Error& error) {
    return end(error.kind(), error.what());
  } catch (const std::filesystem::filesystem_error& error) {
    const std::string place = (error.path2().empty() ? error.path1() : error.path2()).string();
    return end(lutra::error_kind_of_errno(error.code().value()),
               place.empty() ? std::string(error.what()) : place + ": " + error.code().message());
  } catch (const std::bad_alloc&) {
    return end(ErrorKind::kExhausted, "out of memory");
  } catch (const std::exception& error) {
    return end(ErrorKind::kInternal, std::string("internal error: ") + error.what());
  }
}
