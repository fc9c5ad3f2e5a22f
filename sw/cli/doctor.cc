// lutra doctor: what was found on this machine.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <sstream>

#include "command.h"
#include "commit.h"
#include "lutra/component/component.h"
#include "lutra/data/dataset.h"
#include "lutra/engine/backend.h"
#include "lutra/report/report.h"
#include "lutra/synthesis/synthesis.h"
#include "lutra/system/tool.h"
#include "lutra/training/module.h"

namespace lutra::cli {
namespace {

std::string first_line(const std::string& tool, const std::string& option,
                       const std::string& package) {
  const auto result =
      synth::run_tool({tool, option}, std::filesystem::temp_directory_path(), package);
  return result.output.substr(0, result.output.find('\n'));
}

std::string or_absent(const std::function<std::string()>& find) {
  try {
    return find();
  } catch (const Error&) {
    return "absent";
  }
}

struct Finding {
  std::string what;
  bool found;
  std::string detail;
  bool needed;
};

Finding look(const std::string& what, bool needed, const std::function<std::string()>& find) {
  try {
    return {what, true, find(), needed};
  } catch (const Error& error) {
    return {what, false, error.what(), needed};
  }
}

/// The module that trains, if all libraries that it needs are here; opening it takes seconds.
std::string training_module() {
  const std::string module = training::module_path().string();
  const auto listed =
      synth::run_tool({"ldd", module}, std::filesystem::temp_directory_path(), "libc-bin");
  std::istringstream lines(listed.output);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("not found") != std::string::npos) {
      throw Error(ErrorKind::kUnavailable,
                  fmt::format("{} needs {}", module, line.substr(line.find_first_not_of("\t "))));
    }
  }
  return module;
}

/// Verilator's own program: `verilator` is a script in front of it, twenty times as slow.
std::string verilator_version() {
  const auto first = [](const std::string& program) {
    const std::string text = synth::tool_output({program, "--version"}, "verilator");
    return text.substr(0, text.find('\n'));
  };
  try {
    return first("verilator_bin");
  } catch (const Error&) {
    return first("verilator");
  }
}

}  // namespace

nlohmann::json own_versions() {
  return {{"lutra", fmt::format("{} ({})", LUTRA_VERSION, LUTRA_COMMIT)},
          {"compiler", fmt::format("GCC {}", __VERSION__)}};
}

nlohmann::json versions() {
  nlohmann::json result = own_versions();
  result["yosys"] = or_absent(synth::yosys_version);
  result["opensta"] = or_absent(synth::opensta_version);
  result["verilator"] = or_absent(verilator_version);
  result["icarus"] = or_absent([] {
    const std::string text = synth::tool_output({"iverilog", "-V"}, "iverilog");
    return text.substr(0, text.find('\n'));
  });
  return result;
}

report::Made made_by(const SharedOptions& shared) {
  const std::time_t now = std::time(nullptr);
  return {shared.command_line, fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(now)), versions()};
}

Command add_doctor(CLI::App* root) {
  CLI::App* app =
      root->add_subcommand("doctor", "What was found here: tools, Liberty, GPU, data sets");
  return {
      app,
      [](const SharedOptions&, const std::filesystem::path&) {
        std::vector<Finding> findings = {
            look("yosys", true, synth::yosys_version),
            look("opensta", true, synth::opensta_version),
            look("verilator", true,
                 [] { return first_line("verilator", "--version", "verilator"); }),
            look("g++ (for co-simulation)", true,
                 [] { return first_line("g++", "--version", "g++"); }),
            look("Liberty", true, [] { return synth::default_liberty().text(); }),
            look("Fashion-MNIST", true,
                 [] {
                   const auto data = data::load_dataset("fashion-mnist", data::Split::kTest);
                   return fmt::format("{} test images", data.size());
                 }),
            look("Chart.js (for reports)", true, [] { return report::chart_library().string(); }),
            look("training (libtorch)", false, training_module),
        };
        for (const auto& backend : engine::backends()) {
          findings.push_back({"backend " + backend.name, backend.available, backend.reason,
                              backend.name == "scalar"});
        }
        Outcome outcome("lutra-doctor-1");
        outcome.result["found"] = nlohmann::json::array();
        for (const Finding& f : findings) {
          outcome.result["found"].push_back(
              {{"what", f.what}, {"found", f.found}, {"needed", f.needed}, {"detail", f.detail}});
          outcome.text += fmt::format("{:<8}{:<26}{}\n",
                                      f.found    ? "found"
                                      : f.needed ? "MISSING"
                                                 : "absent",
                                      f.what, f.detail);
          if (!f.found && f.needed) outcome.code = ExitCode::kUnavailable;
        }
        return outcome;
      },
      /*only_prints=*/true};
}

}  // namespace lutra::cli
