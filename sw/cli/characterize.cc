// lutra characterize: a Verilog file or a library name becomes a component.
#include <fmt/format.h>

#include <cstdlib>
#include <memory>

#include "command.h"
#include "lutra/synth/component.h"
#include "lutra/synth/files.h"
#include "lutra/synth/library.h"

namespace lutra::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::vector<std::string> inputs;
  std::string top;
  std::vector<std::string> ports;
  std::vector<std::string> held;
  bool is_unsigned = false;
  bool shell = false;
  bool force = false;
  fs::path liberty;
};

bool is_verilog(const std::string& name) {
  const std::string extension = fs::path(name).extension().string();
  return extension == ".v" || extension == ".sv";
}

std::vector<synth::HeldPort> held_ports(const std::vector<std::string>& texts) {
  std::vector<synth::HeldPort> held;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    synth::HeldPort port{text.substr(0, equals)};
    char* end = nullptr;
    if (equals != std::string::npos) port.value = std::strtol(&text[equals + 1], &end, 0);
    if (end == nullptr || *end != '\0' || end == &text[equals + 1] || port.name.empty()) {
      throw Error(ExitCode::kUsage, fmt::format("--hold {}: expected port=integer", text));
    }
    held.push_back(port);
  }
  return held;
}

}  // namespace

Command add_characterize(CLI::App* root) {
  CLI::App* app = root->add_subcommand(
      "characterize", "Verilog -> component: LUT, error, area, delay, energy, from its netlist");
  auto options = std::make_shared<Options>();
  app->add_option("input", options->inputs,
                  "A library multiplier (drum:kept_bits=4), or Verilog files (.v, .sv)")
      ->required();
  app->add_option("--top", options->top, "Module to characterise (default: the root module)");
  app->add_option("--ports", options->ports, "First operand, second operand, product")
      ->delimiter(',')
      ->expected(3);
  app->add_option("--hold", options->held,
                  "port=value: an input beside the operands, held at this value")
      ->delimiter(',');
  app->add_flag("--unsigned", options->is_unsigned, "The operands are unsigned");
  app->add_flag("--sign-magnitude", options->shell,
                "Make a signed multiplier of an unsigned one, by the sign-magnitude shell");
  app->add_flag("--force", options->force, "Do not use the cache");
  app->add_option("--liberty", options->liberty, "Cell library (default: osu018)");
  return {app, [options](const SharedOptions& shared, const fs::path& out) {
            synth::MultiplierSource source;
            const std::vector<synth::HeldPort> held = held_ports(options->held);
            if (is_verilog(options->inputs[0])) {
              std::vector<fs::path> files;
              for (const std::string& input : options->inputs) files.push_back(fs::absolute(input));
              source = synth::verilog_source(files, options->top,
                                             !options->is_unsigned && !options->shell);
              for (size_t i = 0; i < options->ports.size(); ++i)
                source.ports[i] = options->ports[i];
              source.held = held;
            } else {
              if (options->inputs.size() > 1) {
                throw Error(ExitCode::kUsage,
                            fmt::format("'{}': several inputs must all be Verilog files",
                                        options->inputs[0]));
              }
              if (!held.empty()) {
                throw Error(ExitCode::kUsage,
                            fmt::format("--hold {}: only for Verilog files", options->held[0]));
              }
              source = synth::library_source(options->inputs[0]);
            }
            const synth::PrivateDirectory work(fs::temp_directory_path());
            if (options->shell) source = synth::sign_magnitude_source(source, work.path());
            synth::CharacterizeOptions characterize;
            characterize.liberty = options->liberty;
            characterize.force = options->force;
            characterize.seed = shared.seed;
            characterize.jobs = shared.jobs;
            characterize.progress = progress;
            const synth::Component c = synth::characterize(source, characterize);
            // A copy that lies with the result; the cache may be emptied at any time.
            const fs::path target = out / "component";
            fs::remove_all(target);
            fs::copy(c.directory, target, fs::copy_options::recursive);
            Outcome outcome;
            outcome.result = c.json;
            outcome.result["name"] = c.name;
            outcome.result["component"] = target.string();
            outcome.text = fmt::format(
                "{}\n  area {:.1f} um2, delay {:.3f} ns, leakage {:.3f} nW, energy {:.1f} fJ an "
                "operation ({})\n  MAE {:.4f}, WCE {:.0f}, EP {:.2f} %, MRE {:.4f} %, bias {:.4f}\n"
                "  {}\n  in {}\n",
                c.name, c.area_um2, c.delay_ns, c.leakage_nw, c.energy_per_op_fj, c.activity,
                c.errors.mae, c.errors.wce, 100 * c.errors.ep, 100 * c.errors.mre_nonzero,
                c.errors.bias,
                c.lut.empty() ? fmt::format("no table: operands of {} bits", c.width)
                              : "LUT sha256 " + c.lut_sha256,
                target.string());
            return outcome;
          }};
}

}  // namespace lutra::cli
