// The command `lutra`: docs/guide/commands.md.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <exception>

#include "command.h"
#include "lutra/numerics/files.h"

namespace lutra::cli {
namespace {

namespace fs = std::filesystem;

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
      add_doctor(&app),   add_multipliers(&app), add_characterize(&app),
#ifdef LUTRA_HAVE_TORCH
      add_train(&app),
#endif
      add_quantize(&app), add_evaluate(&app),    add_cosim(&app),        add_study(&app),
  };
  SharedOptions shared;
  for (const Command& command : commands) {
    CLI::App* sub = command.app;
    sub->add_option("--out", shared.out,
                    "Directory of result.json (default: out/" + sub->get_name() + ")");
    sub->add_flag("--json", shared.json, "Print the result object to stdout, and nothing else");
    sub->add_option("--seed", shared.seed, "Seed of all that is drawn at random")
        ->capture_default_str();
    sub->add_option("--jobs", shared.jobs, "Threads; 0: all cores")->check(CLI::Range(0, 1024));
    sub->add_option("--backend", shared.backend, "auto, scalar, avx2, avx512 or cuda")
        ->capture_default_str();
    sub->add_option("--config", shared.config,
                    "Options of this command from a TOML file; the command line wins");
  }
  try {
    const std::vector<std::string> words =
        with_liberty_repeated(std::vector<std::string>(argv, argv + argc));
    std::vector<const char*> pointers;
    for (const std::string& word : words) pointers.push_back(word.c_str());
    app.parse(static_cast<int>(pointers.size()), pointers.data());
    for (const CLI::App* parsed : app.get_subcommands()) {
      if (!shared.config.empty())
        apply_config(shared.config, app.get_subcommand(parsed->get_name()));
    }
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : static_cast<int>(ExitCode::kUsage);
  }
  for (const Command& command : commands) {
    if (!command.app->parsed()) continue;
    const fs::path out =
        shared.out.empty() ? fs::path("out") / command.app->get_name() : shared.out;
    std::error_code error;
    fs::create_directories(out, error);
    if (error) {
      throw Error(ExitCode::kUsage, fmt::format("--out {}: {}", out.string(), error.message()));
    }
    Outcome outcome = command.run(shared, out);
    outcome.result["command"] = command.app->get_name();
    outcome.result["seed"] = shared.seed;
    if (!outcome.result.contains("versions")) outcome.result["versions"] = versions();
    // File names need not be UTF-8; JSON must be.
    const std::string text =
        outcome.result.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    numerics::write_file(out / "result.json", text);
    if (shared.json) {
      std::printf("%s", text.c_str());
    } else {
      std::printf("%s", outcome.text.c_str());
    }
    return static_cast<int>(outcome.code);
  }
  return static_cast<int>(ExitCode::kInternal);
}

}  // namespace

void progress(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

}  // namespace lutra::cli

int main(int argc, char** argv) {
  try {
    return lutra::cli::run(argc, argv);
  } catch (const lutra::Error& error) {
    std::fprintf(stderr, "lutra: %s\n", error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lutra: internal error: %s\n", error.what());
    return static_cast<int>(lutra::ExitCode::kInternal);
  }
}
