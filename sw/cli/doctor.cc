// lutra doctor: what was found on this machine.
#include <fmt/format.h>

#include "command.h"
#include "lutra/engine/backend.h"
#include "lutra/network/dataset.h"
#include "lutra/report/report.h"
#include "lutra/synth/component.h"
#include "lutra/synth/process.h"
#include "lutra/synth/synthesis.h"

namespace lutra::cli {
namespace {

std::string first_line(const std::string& tool, const std::string& option,
                       const std::string& package) {
  const auto result =
      synth::run_process({tool, option}, std::filesystem::temp_directory_path(), package);
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

}  // namespace

nlohmann::json versions() {
  return {
      {"lutra", LUTRA_VERSION},
      {"yosys", or_absent(synth::yosys_version)},
      {"opensta", or_absent(synth::opensta_version)},
      {"verilator", or_absent([] { return first_line("verilator", "--version", "verilator"); })},
      {"compiler", fmt::format("GCC {}", __VERSION__)}};
}

Command add_doctor(CLI::App* root) {
  CLI::App* app =
      root->add_subcommand("doctor", "What was found here: tools, Liberty, GPU, data sets");
  return {
    app, [](const SharedOptions&, const std::filesystem::path&) {
      std::vector<Finding> findings = {
          look("yosys", true, synth::yosys_version),
          look("opensta", true, synth::opensta_version),
          look("verilator", true, [] { return first_line("verilator", "--version", "verilator"); }),
          look("g++ (for co-simulation)", true,
               [] { return first_line("g++", "--version", "g++"); }),
          look("iverilog (compares with the source)", true,
               [] { return first_line("iverilog", "-V", "iverilog"); }),
          {"bubblewrap (confines tools)", synth::sandbox().rfind("none", 0) != 0, synth::sandbox(),
           false},
          look("Liberty", true, [] { return synth::default_liberty().text(); }),
          look("Fashion-MNIST", true,
               [] {
                 const auto data = network::load_dataset("fashion-mnist", network::Split::kTest);
                 return fmt::format("{} test images", data.size());
               }),
          look("Chart.js (for reports)", true, [] { return report::chart_library().string(); }),
          {"training (libtorch)",
#ifdef LUTRA_HAVE_TORCH
           true, "built in", false},
#else
                 false, "this build has none: libtorch-dev was not found", false},
#endif
      };
      for (const auto& backend : engine::backends()) {
        findings.push_back({"backend " + backend.name, backend.available, backend.reason,
                            backend.name == "scalar"});
      }
      Outcome outcome;
      outcome.result["found"] = nlohmann::json::array();
      for (const Finding& f : findings) {
        outcome.result["found"].push_back(
            {{"what", f.what}, {"found", f.found}, {"needed", f.needed}, {"detail", f.detail}});
        outcome.text += fmt::format("{:<8}{:<26}{}\n",
                                    f.found    ? "found"
                                    : f.needed ? "MISSING"
                                               : "absent",
                                    f.what, f.detail);
        if (!f.found && f.needed) outcome.code = ExitCode::kMissingTool;
      }
      return outcome;
    }
  };
}

}  // namespace lutra::cli
