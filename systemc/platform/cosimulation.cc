#include "lutra/platform/cosimulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "lutra/accelerator/program.h"
#include "lutra/base/error.h"
#include "lutra/base/npy.h"
#include "lutra/data/dataset.h"
#include "lutra/graph/assignment.h"
#include "lutra/graph/quantised_network.h"
#include "lutra/models/model_files.h"
#include "lutra/platform/platform.h"
#include "lutra/runtime/inference.h"

namespace lutra::platform {
namespace {

using accelerator::Program;
using accelerator::TracedTensor;

// Memory map of the platform.
constexpr uint64_t kProgramAddress = 0x001000;
constexpr uint64_t kWeightsAddress = 0x100000;
constexpr uint64_t kInputAddress = 0x800000;
constexpr uint64_t kOutputAddress = 0x880000;
constexpr uint64_t kTraceAddress = 0x900000;
// An element is never -128: this shows where nothing was written.
constexpr uint8_t kUnwritten = 0x80;
constexpr size_t kReportedMismatches = 8;

/// Compares what the accelerator wrote with what the engine says, and counts.
class Scoreboard {
 public:
  explicit Scoreboard(const Program& program) {
    for (const TracedTensor& t : program.traced) steps_.push_back({t.step, 0, 0});
    steps_.push_back({"scores", 0, 0});
  }

  /// @return mismatches in this image
  int64_t compare_image(int image, const Program& program, const runtime::InferenceState& expected,
                        const std::vector<uint8_t>& output, const std::vector<uint8_t>& trace) {
    int64_t before = mismatches_;
    for (size_t n = 0; n < program.traced.size(); ++n) {
      const TracedTensor& t = program.traced[n];
      const std::vector<int8_t>& tensor = expected.tensors.at(t.tensor);
      for (size_t e = 0; e < tensor.size(); ++e) {
        compare(&steps_[n], image, e, t.shape, tensor[e],
                static_cast<int8_t>(trace[t.offset_of(e)]));
      }
    }
    // The class in the output is the class step's tensor once more: count it with the scores.
    const std::vector<int8_t>& cls = expected.tensors.at(program.traced.back().tensor);
    compare(&steps_.back(), image, 0, {1}, cls[0], static_cast<int8_t>(output[0]));
    for (size_t j = 0; j < expected.scores.size(); ++j) {
      int32_t got;
      std::memcpy(&got, &output[16 + 4 * j], 4);
      compare(&steps_.back(), image, j, {static_cast<int>(expected.scores.size())},
              expected.scores[j], got);
    }
    return mismatches_ - before;
  }

  void fail(const std::string& what) {
    ++mismatches_;
    if (first_.size() < kReportedMismatches) first_.push_back({{"what", what}});
  }

  int64_t checked() const { return checked_; }
  int64_t mismatches() const { return mismatches_; }
  const nlohmann::json& first_mismatches() const { return first_; }
  nlohmann::json steps() const {
    nlohmann::json result = nlohmann::json::array();
    for (const Step& s : steps_) {
      result.push_back({{"step", s.name}, {"checked", s.checked}, {"mismatches", s.mismatches}});
    }
    return result;
  }

 private:
  struct Step {
    std::string name;
    int64_t checked;
    int64_t mismatches;
  };

  void compare(Step* step, int image, size_t element, const std::vector<int>& shape,
               int32_t expected, int32_t got) {
    ++checked_;
    ++step->checked;
    if (expected == got) return;
    ++mismatches_;
    ++step->mismatches;
    if (first_.size() >= kReportedMismatches) return;
    std::vector<size_t> index(shape.size());
    for (size_t d = shape.size(); d-- > 0;) {
      index[d] = element % static_cast<size_t>(shape[d]);
      element /= static_cast<size_t>(shape[d]);
    }
    first_.push_back({{"image", image},
                      {"step", step->name},
                      {"index", index},
                      {"expected", expected},
                      {"got", got}});
  }

  std::vector<Step> steps_;
  int64_t checked_ = 0;
  int64_t mismatches_ = 0;
  nlohmann::json first_ = nlohmann::json::array();
};

std::vector<uint8_t> program_bytes(const Program& program) {
  std::vector<uint8_t> bytes;
  for (const accelerator::Instruction& instruction : program.instructions) {
    for (uint32_t word : instruction) {
      for (int b = 0; b < 4; ++b) bytes.push_back(static_cast<uint8_t>(word >> (8 * b)));
    }
  }
  return bytes;
}

const char* error_name(uint32_t code) {
  switch (code) {
    case 1:
      return "illegal opcode or field";
    case 2:
      return "read response not OKAY";
    case 3:
      return "write response not OKAY";
    case 4:
      return "scratchpad address out of range";
    case 5:
      return "M1 x M0 exceeds AccDepth";
    default:
      return "unknown";
  }
}

/// By number: those that are tables alone, which have no RTL, ask for their products here.
const std::vector<std::unique_ptr<synth::Component>>* table_products = nullptr;

}  // namespace

nlohmann::json cosimulate(const nlohmann::json& job) {
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };

  const graph::QuantisedNetwork quantised =
      models::load_quantised(job.at("model").get<std::string>());
  const data::Dataset data =
      data::load_dataset(job.at("data").get<std::string>(), data::Split::kTest);
  const int first = job.at("first");
  const int images = job.at("images");
  data::check_images(quantised.description, data, first, images);
  std::vector<std::unique_ptr<synth::Component>> components;
  for (const nlohmann::json& entry : job.at("components")) {
    components.push_back(std::make_unique<synth::Component>());
    components.back()->name = entry.at("name");
    components.back()->lut = base::load_npy<int16_t>(entry.at("table").get<std::string>()).values;
  }
  table_products = &components;
  graph::Assignment assignment(quantised.description);
  for (const auto& [site, number] : job.at("sites").items()) {
    assignment.set(site, components.at(number.get<size_t>()).get());
  }
  for (size_t site = 0; site < assignment.sites().size(); ++site) {
    if (job.at("sites").at(assignment.sites()[site].name()) == assignment.number(site)) continue;
    throw Error(ErrorKind::kInternal,
                fmt::format("{}: component {} here, another one in the accelerator",
                            assignment.sites()[site].name(), assignment.number(site)));
  }
  accelerator::AcceleratorShape shape;
  shape.rows = job.at("shape").at("rows");
  shape.cols = job.at("shape").at("cols");
  shape.scratch_bytes = job.at("shape").at("scratch_bytes");
  shape.acc_depth = job.at("shape").at("acc_depth");

  const runtime::Inference inference(quantised, assignment);
  const Program program = accelerator::compile(quantised, shape, assignment, /*trace=*/true);
  const std::vector<uint8_t> code = program_bytes(program);
  const auto backend = engine::make_backend("scalar");
  const uint64_t max_cycles = job.at("max_cycles");

  Scoreboard scoreboard(program);
  nlohmann::json detail = nlohmann::json::array();
  uint64_t cycles = 0;
  uint64_t macs = 0;
  PlatformOptions options;
  options.wave = job.at("wave");
  options.wave_first_cycle = job.at("wave_window").at(0);
  options.wave_last_cycle = job.at("wave_window").at(1);

  options.memory_latency =
      sc_core::sc_time(job.at("memory_latency_ns").get<double>(), sc_core::SC_NS);
  options.memory_waits = job.at("memory_waits");
  const uint64_t reset_after = job.at("reset_after");

  bool all_done = false;  // every image ran to its end
  uint64_t handshakes = 0;
  const auto set_up_registers = [](Host& host) {
    host.write_register(kProgram, kProgramAddress);
    const uint64_t bases[] = {kWeightsAddress, kInputAddress, kOutputAddress, kTraceAddress};
    for (uint32_t b = 0; b < 4; ++b) {
      host.write_register(kBase0 + 4 * b, static_cast<uint32_t>(bases[b]));
    }
  };
  const auto software = [&](Host& host) {
    const uint32_t id = host.read_register(kId);
    if (id != 0x4C545241) {
      throw Error(ErrorKind::kInternal, fmt::format("register ID reads {:#010x}", id));
    }
    const uint32_t config = host.read_register(kConfig);
    if ((config & 0xff) != static_cast<uint32_t>(shape.rows) ||
        (config >> 8 & 0xff) != static_cast<uint32_t>(shape.cols) ||
        1 << (config >> 16 & 0xff) != shape.scratch_bytes) {
      throw Error(ErrorKind::kInternal,
                  fmt::format("register CONFIG reads {:#010x}, the program is for {}x{}", config,
                              shape.rows, shape.cols));
    }
    host.write_memory(kProgramAddress, code.data(), code.size());
    host.write_memory(kWeightsAddress, program.weights.data(), program.weights.size());
    set_up_registers(host);
    for (int i = first; i < first + images; ++i) {
      std::vector<int8_t> image = data::quantise_image(data, i);
      runtime::InferenceState expected;
      expected.tensors[inference.steps().input] = image;
      inference.run(*backend, 1, &expected);

      image.resize(program.input_bytes, 0);
      host.write_memory(kInputAddress, reinterpret_cast<const uint8_t*>(image.data()),
                        image.size());
      const std::vector<uint8_t> blank(std::max(program.trace_bytes, program.output_bytes),
                                       kUnwritten);
      host.write_memory(kTraceAddress, blank.data(), program.trace_bytes);
      host.write_memory(kOutputAddress, blank.data(), program.output_bytes);
      if (i == first && reset_after > 0) {
        host.write_register(kCtrl, 3);
        if (host.wait_interrupt(reset_after, options.period)) {
          throw Error(ErrorKind::kInvalidArgument,
                      fmt::format("reset after {} cycles: the image had ended", reset_after));
        }
        host.reset();
        set_up_registers(host);
        host.write_memory(kTraceAddress, blank.data(), program.trace_bytes);
        host.write_memory(kOutputAddress, blank.data(), program.output_bytes);
      }
      host.write_register(kCtrl, 3);  // start, interrupt enabled
      const bool finished = host.wait_interrupt(max_cycles, options.period);
      const uint32_t status = host.read_register(kStatus);
      const uint32_t pc = host.read_register(kPc);
      if (!finished || (status & 4) != 0 || (status & 2) == 0) {
        const std::string step = pc < program.instructions.size()
                                     ? program.step_of_tag.at(program.instructions[pc][0] >> 16)
                                     : "?";
        scoreboard.fail(fmt::format(
            "image {}: {} at instruction {} (step {})", i,
            finished
                ? fmt::format("error {}: {}", status >> 8 & 0xff, error_name(status >> 8 & 0xff))
                : fmt::format("no interrupt within {} cycles", max_cycles),
            pc, step));
        return;
      }
      host.write_register(kStatus, 6);

      const uint64_t all =
          host.read_register(kCyclesLow) | uint64_t{host.read_register(kCyclesHigh)} << 32;
      const uint64_t traced = host.read_register(kTraceCycles);
      const uint64_t image_macs =
          host.read_register(kMacsLow) | uint64_t{host.read_register(kMacsHigh)} << 32;
      const uint32_t instructions = host.read_register(kInstructions);
      if (instructions != program.instructions.size()) {
        scoreboard.fail(fmt::format("image {}: {} instructions completed, the program has {}", i,
                                    instructions, program.instructions.size()));
      }
      cycles += all - traced;
      macs += image_macs;
      const auto output = host.read_memory(kOutputAddress, program.output_bytes);
      const int64_t wrong = scoreboard.compare_image(
          i, program, expected, output, host.read_memory(kTraceAddress, program.trace_bytes));
      detail.push_back({{"image", i},
                        {"class", output[0]},
                        {"label", data.labels[i]},
                        {"cycles", all - traced},
                        {"trace_cycles", traced},
                        {"macs", image_macs},
                        {"read_beats", host.read_register(kReadBeats)},
                        {"write_beats", host.read_register(kWriteBeats)},
                        {"mismatches", wrong}});
      std::fprintf(stderr,
                   "cosim: image %d (%d of %d): class %d, label %d, %lld mismatches, %.0f s\n", i,
                   i - first + 1, images, output[0], data.labels[i], static_cast<long long>(wrong),
                   elapsed());
    }
    all_done = true;
  };

  {
    Platform platform("platform", options, software);
    platform.run();
    AxiMonitor& monitor = platform.monitor();
    if (all_done) monitor.finish();
    handshakes = monitor.handshakes();
    if (monitor.violations() > 0) scoreboard.fail("AXI: " + monitor.first_violation());
    if (handshakes == 0) scoreboard.fail("AXI: no handshake was checked");
    for (const auto* port : {&monitor.memory_port(), &monitor.register_port()}) {
      std::fprintf(stderr, "cosim: %s\n", port->report().c_str());
    }
  }

  // No comparison is no match.
  const bool match = scoreboard.mismatches() == 0 && scoreboard.checked() > 0;
  return {{"verdict", match ? "match" : "mismatch"},
          {"images", images},
          {"checked", scoreboard.checked()},
          {"mismatches", scoreboard.mismatches()},
          {"cycles", cycles},
          {"macs", macs},
          {"bus_handshakes", handshakes},
          {"seconds", elapsed()},
          {"steps", scoreboard.steps()},
          {"first_mismatches", scoreboard.first_mismatches()},
          {"images_detail", detail},
          {"rerun", job.at("rerun")}};
}

}  // namespace lutra::platform

/// Called by the RTL of a build that has such multipliers.
extern "C" int16_t lutra_table_product(int32_t select, char a, char b) {
  const auto row = static_cast<size_t>(static_cast<uint8_t>(a));
  return (*lutra::platform::table_products)[static_cast<size_t>(select)]
      ->lut[row << 8 | static_cast<uint8_t>(b)];
}
