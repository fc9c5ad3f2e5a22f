// The activity of a netlist as a file for power tools.

#include "lutra/component/saif.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "lutra/base/error.h"
#include "lutra/netlist/liberty.h"

namespace lutra::synth {
namespace {

constexpr double kPsPerNs = 1000;
constexpr std::int64_t kFsPerPs = 1000;
constexpr double kLongestPeriodNs = 1000;  // with 10^9 operations, fs still fit into 64 bits

/// Figures of one net as they stand behind its name.
class NetFigures {
 public:
  NetFigures(const NetActivity& nets, std::uint64_t period_ps)
      : nets_(nets), period_ps_(period_ps), duration_ps_(nets.energy.intervals * period_ps) {}

  std::uint64_t duration_ps() const { return duration_ps_; }

  std::string of(int net) const {
    const std::int64_t high_fs =
        static_cast<std::int64_t>(nets_.high_halves[net] * period_ps_) * (kFsPerPs / 2) +
        nets_.extra_high_fs[net];
    const std::uint64_t high_ps = std::min(
        duration_ps_,
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, high_fs) + kFsPerPs / 2) / kFsPerPs);
    return fmt::format("(T0 {}) (T1 {}) (TX 0) (TZ 0) (TB 0) (TC {}) (IG {})",
                       duration_ps_ - high_ps, high_ps, nets_.toggles[net], nets_.cancelled[net]);
  }

 private:
  const NetActivity& nets_;
  std::uint64_t period_ps_;
  std::uint64_t duration_ps_;
};

/// The parts of a path of instances; of none, the module itself.
std::vector<std::string> scope_parts(const std::string& scope, const std::string& module) {
  if (scope.empty()) return {module};
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= scope.size();) {
    const std::size_t end = std::min(scope.find('/', begin), scope.size());
    const std::string part = scope.substr(begin, end - begin);
    const bool printable =
        std::all_of(part.begin(), part.end(), [](char c) { return c > ' ' && c < 127; });
    if (part.empty() || !printable) {
      throw Error(
          ErrorKind::kInvalidArgument,
          fmt::format("SAIF scope '{}': expected names of instances with / between them", scope));
    }
    parts.push_back(part);
    begin = end + 1;
  }
  return parts;
}

/// A line of text that nothing can end: file names may hold anything.
std::string one_line(std::string text) {
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

std::uint64_t period_ps(const SaifOptions& options, const Component& component, double longest_ns) {
  if (options.period_ns == 0) {
    // A settling time that is whole ns to the last digit must not become one more.
    const double needed_ns = std::max(component.delay_ns, longest_ns) - 1e-9;
    return static_cast<std::uint64_t>(std::max(1.0, std::ceil(needed_ns)) * kPsPerNs);
  }
  if (options.period_ns < longest_ns) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: SAIF period of {:g} ns, expected at least {:.6g} ns: an operation "
                            "settles before the next",
                            component.name, options.period_ns, longest_ns));
  }
  return static_cast<std::uint64_t>(std::llround(options.period_ns * kPsPerNs));
}

}  // namespace

std::string saif_name(std::string_view name) {
  constexpr std::array<std::string_view, 35> kKeywords = {
      "SAIFILE",      "SAIFVERSION",  "DIRECTION", "DESIGN",  "DATE",
      "VENDOR",       "PROGRAM_NAME", "VERSION",   "DIVIDER", "TIMESCALE",
      "DURATION",     "INSTANCE",     "NET",       "PORT",    "COND",
      "COND_DEFAULT", "IOPATH",       "RISE",      "FALL",    "RISE_IOPATH",
      "FALL_IOPATH",  "LEAKAGE",      "LIBRARY",   "MODULE",  "VIRTUAL_INSTANCE",
      "T0",           "T1",           "TX",        "TZ",      "TB",
      "TC",           "TG",           "IG",        "IK",      "PROGRAM_VERSION"};
  const bool is_keyword = std::find(kKeywords.begin(), kKeywords.end(), name) != kKeywords.end();
  std::string text;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool is_plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!is_plain || (is_keyword && i == 1)) text += '\\';
    text += c;
  }
  return text;
}

std::string saif_text(const Netlist& netlist, const NetActivity& nets, std::uint64_t period_ps,
                      const std::string& scope, const std::vector<std::string>& comments) {
  const VerilogNetNames names = netlist.verilog_net_names();
  const NetFigures figures(nets, period_ps);
  std::string text;
  for (const std::string& comment : comments) text += fmt::format("// {}\n", one_line(comment));
  std::string design;  // a quoted text, in which a backslash quotes
  for (const char c : netlist.name())
    design += c == '"' || c == '\\' ? fmt::format("\\{}", c) : std::string(1, c);
  text += fmt::format(
      "(SAIFILE\n(SAIFVERSION \"2.0\")\n(DIRECTION \"backward\")\n(DESIGN \"{}\")\n(DATE \"\")\n"
      "(VENDOR \"Lutra\")\n(PROGRAM_NAME \"lutra\")\n(VERSION \"{}\")\n(DIVIDER / )\n"
      "(TIMESCALE 1 ps)\n(DURATION {})\n",
      design, LUTRA_VERSION, figures.duration_ps());
  std::string indent;
  const auto begin = [&text, &indent](const std::string& name) {
    text += fmt::format("{}(INSTANCE {}\n", indent, saif_name(name));
    indent += "  ";
  };
  const auto end = [&text, &indent] {
    indent.resize(indent.size() - 2);
    text += indent + ")\n";
  };
  const auto net_line = [&](const std::string& name, int net) {
    text += fmt::format("{}  ({} {})\n", indent, saif_name(name), figures.of(net));
  };
  const std::vector<std::string> parts = scope_parts(scope, netlist.name());
  for (const std::string& part : parts) begin(part);

  text += indent + "(NET\n";
  for (const NetlistPort& port : netlist.ports()) {
    for (int bit = 0; bit < port.width(); ++bit) {
      net_line(port.width() == 1 ? port.name : fmt::format("{}[{}]", port.name, bit),
               port.nets[bit]);
    }
  }
  text += indent + ")\n";

  begin("u_mapped");
  text += indent + "(NET\n";
  // Yosys leaves names of nets behind on which nothing is any more: they float and are left out.
  std::vector<char> to_write(static_cast<std::size_t>(netlist.net_count()), 0);
  for (const NetlistCell& cell : netlist.cells()) {
    for (const int net : cell.nets) to_write[net] = 1;
  }
  to_write[Netlist::kZero] = to_write[Netlist::kOne] = 0;  // no nets in Verilog
  for (const auto& [name, net] : names.ports) {
    net_line(name, net);
    to_write[net] = 0;
  }
  for (int net = 0; net < netlist.net_count(); ++net) {
    if (to_write[net]) net_line(names.nets[net], net);
  }
  text += indent + ")\n";
  for (std::size_t c = 0; c < netlist.cells().size(); ++c) {
    const NetlistCell& cell = netlist.cells()[c];
    begin(fmt::format("u{}", c));
    text += indent + "(NET\n";
    for (std::size_t p = 0; p < cell.nets.size(); ++p) {
      net_line(cell.type->pins[p].name, cell.nets[p]);
    }
    text += indent + ")\n";
    end();
  }
  end();
  for (std::size_t i = 0; i < parts.size(); ++i) end();
  return text + ")\n";
}

void check_saif_options(const SaifOptions& options) {
  scope_parts(options.scope, "");
  if (options.period_ns == 0) return;
  const double ps = options.period_ns * kPsPerNs;
  if (!(options.period_ns > 0 && options.period_ns <= kLongestPeriodNs) ||
      std::abs(ps - std::round(ps)) > 1e-6 || std::round(ps) < 1) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("SAIF period of {:g} ns, expected whole ps in 0.001..{:g} ns",
                            options.period_ns, kLongestPeriodNs));
  }
}

SaifFile component_saif(const Component& component,
                        const std::vector<OperandPair>& consecutive_operations,
                        const SaifOptions& options) {
  need_netlist(component, "SAIF");
  check_saif_options(options);
  EnergyMeter meter(component);
  NetActivity nets;
  if (options.glitches) {
    const std::size_t sample = std::min(kGlitchOperations, consecutive_operations.size());
    nets = meter.delayed_net_activity(
        {consecutive_operations.begin(),
         consecutive_operations.begin() + static_cast<std::ptrdiff_t>(sample)});
  } else {
    nets = meter.net_activity(consecutive_operations);
  }
  const std::uint64_t period = period_ps(options, component, nets.longest_ns);
  const double period_ns = static_cast<double>(period) / kPsPerNs;
  const double per_op_fj = nets.energy.total_fj() / static_cast<double>(nets.energy.intervals);
  std::vector<std::string> comments = {
      fmt::format("Activity of {}: module {} of its netlist.v", component.name,
                  component.source.top),
      fmt::format("Operands: {}", options.operands),
      fmt::format("{} transitions, one in each period of {:g} ns: energy of an operation = mean "
                  "power x {:g} ns",
                  nets.energy.intervals, period_ns, period_ns),
      options.glitches ? "Library's delays: TC counts glitches; IG counts the pulses that inertial "
                         "delay keeps back, which TC does not"
                       : "Zero delay: no glitches",
      fmt::format("Dynamic energy by Lutra: {:.9g} fJ an operation, at these transitions",
                  per_op_fj)};
  if (meter.has_registers()) {
    comments.push_back(
        fmt::format("Registers: {} rises at the beginning of a period, with the new operands, and "
                    "falls in its middle",
                    component.source.clock));
  }
  SaifFile file;
  file.text = saif_text(meter.netlist(), nets, period, options.scope, comments);
  file.summary = {{"operands", options.operands},
                  {"transitions", nets.energy.intervals},
                  {"period_ns", period_ns},
                  {"duration_ps", nets.energy.intervals * period},
                  {"scope", options.scope.empty() ? component.source.top : options.scope},
                  {"glitches", options.glitches},
                  {"net_toggles", nets.energy.net_toggles},
                  {"energy_per_op_fj", per_op_fj}};
  return file;
}

}  // namespace lutra::synth
