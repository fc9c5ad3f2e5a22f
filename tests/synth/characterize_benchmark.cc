// How long a component takes, step by step, and what a product costs in each simulator:
//   scripts/bench [GOOGLE BENCHMARK ARGUMENT...]
// Products of all simulators are summed and compared: one that is quick and wrong is an error.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/component/component.h"
#include "lutra/component/error_metrics.h"
#include "lutra/component/library.h"
#include "lutra/netlist/liberty.h"
#include "lutra/netlist/netlist.h"
#include "lutra/netlist/product_sweep.h"
#include "lutra/system/tool.h"

namespace lutra::synth {
namespace {

using benchmark::Counter;
using benchmark::State;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// ---- A component, cold and cached --------------------------------------------------------------

void characterize_cold(State& state, const std::string& spec) {
  std::map<std::string, double> steps;
  for (auto _ : state) {
    const base::PrivateDirectory cache(std::filesystem::temp_directory_path());
    CharacterizeOptions options;
    options.cache_dir = cache.path();
    std::string step;
    auto start = std::chrono::steady_clock::now();
    const auto end_step = [&] {
      if (!step.empty()) steps[step] += seconds_since(start);
      start = std::chrono::steady_clock::now();
    };
    options.progress = [&](const std::string& line) {
      const std::string next = line.substr(line.find(": ") + 2);
      if (next.find("operand pairs,") != std::string::npos) return;  // how far a long step is
      end_step();
      step = next;
    };
    const Component component = characterize(library_source(spec), options);
    end_step();
    benchmark::DoNotOptimize(component.area_um2);
  }
  for (const auto& [step, seconds] : steps) {
    state.counters["s " + step] = Counter(seconds, Counter::kAvgIterations);
  }
}

void characterize_cached(State& state, const std::string& spec) {
  const base::PrivateDirectory cache(std::filesystem::temp_directory_path());
  CharacterizeOptions options;
  options.cache_dir = cache.path();
  characterize(library_source(spec), options);
  for (auto _ : state) {
    benchmark::DoNotOptimize(characterize(library_source(spec), options).area_um2);
  }
}

// ---- The simulators ----------------------------------------------------------------------------

/// A component's netlist, read once.
struct Mapped {
  Component component;
  Liberty liberty;
  Netlist netlist;

  explicit Mapped(const std::string& spec)
      : component(characterize(library_source(spec), {})),
        liberty(Liberty::read(component.directory / "cells.lib")),
        netlist(Netlist::read_json(component.directory / "netlist.json", liberty,
                                   component.json.at("top").get<std::string>())) {}
};

const Mapped& mapped(const std::string& spec) {
  static std::map<std::string, std::unique_ptr<Mapped>> all;
  std::unique_ptr<Mapped>& entry = all[spec];
  if (!entry) entry = std::make_unique<Mapped>(spec);
  return *entry;
}

/// All pairs of 8-bit operands; of wider ones 2^22, enough for a steady figure.
std::uint64_t timed_pairs(int width) { return std::uint64_t{1} << (width <= 8 ? 2 * width : 22); }
/// The first of them: zeros as first operands would flatter an event-driven simulator.
std::uint64_t first_pair(int width) { return width <= 8 ? 0 : std::uint64_t{0x5555} << 16; }

/// Sum of the products' bit patterns, modulo 2^32, by the scalar simulator.
std::uint32_t expected_sum(const Mapped& m, std::uint64_t pairs) {
  const ProductSweep sweep(m.netlist, m.component.source.ports, {}, SimdLevel::kScalar);
  ProductSweep::Pass pass(sweep);
  std::uint32_t sum = 0;
  pass.run(first_pair(m.component.widths.a), pairs, [&sum](const ProductBlock& block) {
    for (int lane = 0; lane < block.count; ++lane) sum += block.product(lane);
  });
  return sum;
}

void per_pair(State& state, double pairs) {
  state.counters["pair"] = Counter(pairs, Counter::kIsIterationInvariantRate | Counter::kInvert);
}

void bit_parallel(State& state, const std::string& spec, SimdLevel level, bool count_ones) {
  const Mapped& m = mapped(spec);
  const ProductSweep sweep(m.netlist, m.component.source.ports, {}, level);
  const std::uint64_t pairs = timed_pairs(m.component.widths.a);
  ProductSweep::Pass pass(sweep, count_ones);
  std::uint32_t sum = 0;
  for (auto _ : state) {
    pass.run(first_pair(m.component.widths.a), pairs,
             [&sum](const ProductBlock& block) { sum += block.products[0][0]; });
    benchmark::DoNotOptimize(sum);
  }
  state.counters["operations"] = sweep.operations();
  per_pair(state, static_cast<double>(pairs));
}

void verilator_model(State& state, const std::string& spec) {
  const Mapped& m = mapped(spec);
  const Component& c = m.component;
  const std::uint64_t pairs = timed_pairs(c.widths.a);
  const base::PrivateDirectory work(std::filesystem::temp_directory_path());
  base::write_file(work.path() / "netlist.v", m.netlist.verilog("dut"));
  base::write_file(
      work.path() / "main.cc",
      fmt::format("#include \"Vdut.h\"\n#include <cstdint>\n#include <cstdio>\n#include <ctime>\n"
                  "int main() {{\n"
                  "  VerilatedContext context;\n  Vdut dut(&context);\n  uint32_t sum = 0;\n"
                  "  const std::clock_t start = std::clock();\n"
                  "  for (uint64_t i = {6}; i < {6} + {0}; ++i) {{\n"
                  "    dut.{2} = i >> {1};\n    dut.{3} = i & {5};\n    dut.eval();\n"
                  "    sum += dut.{4};\n  }}\n"
                  "  std::printf(\"%u %.9f\\n\", sum,\n              "
                  "static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);\n}}\n",
                  pairs, c.widths.a, c.source.ports[0], c.source.ports[1], c.source.ports[2],
                  (1 << c.widths.a) - 1, first_pair(c.widths.a)));
  const ToolResult built = run_tool(
      {"verilator", "--cc", "--exe", "--build", "-O3", "-Werror-UNOPTFLAT", "-Wno-DECLFILENAME",
       "--top-module", "dut", "-CFLAGS", "-march=native", "-MAKEFLAGS", "OPT_FAST=-O3", "netlist.v",
       (c.directory / "cells.v").string(), "main.cc"},
      work.path(), "verilator");
  if (built.status != 0) return state.SkipWithError(built.output.c_str());
  for (auto _ : state) {
    const ToolResult run =
        run_tool({(work.path() / "obj_dir/Vdut").string()}, work.path(), "verilator");
    unsigned sum = 0;
    double seconds = 0;
    if (std::sscanf(run.output.c_str(), "%u %lf", &sum, &seconds) != 2 ||
        sum != expected_sum(m, pairs)) {
      return state.SkipWithError("the verilated netlist's products differ");
    }
    state.SetIterationTime(seconds);
  }
  per_pair(state, static_cast<double>(pairs));
}

void icarus(State& state, const std::string& spec) {
  const Mapped& m = mapped(spec);
  const Component& c = m.component;
  const std::uint64_t pairs = std::min<std::uint64_t>(timed_pairs(c.widths.a), 1 << 16);
  const base::PrivateDirectory work(std::filesystem::temp_directory_path());
  base::write_file(work.path() / "netlist.v", m.netlist.verilog("dut"));
  base::write_file(
      work.path() / "bench.v",
      fmt::format("module bench;\n  reg [{0}:0] pair;\n  wire [{0}:0] p;\n  reg [31:0] sum;\n"
                  "  integer i;\n  dut dut (.{2}(pair[{0}:{1}]), .{3}(pair[{1}-1:0]), .{4}(p));\n"
                  "  initial begin\n    sum = 0;\n    for (i = 0; i < {5}; i = i + 1) begin\n"
                  "      pair = {6} + i;\n      #1 sum = sum + p;\n    end\n"
                  "    $display(\"%0d\", sum);\n    $finish(0);\n  end\nendmodule\n",
                  2 * c.widths.a - 1, c.widths.a, c.source.ports[0], c.source.ports[1],
                  c.source.ports[2], pairs, first_pair(c.widths.a)));
  const ToolResult built = run_tool({"iverilog", "-g2012", "-s", "bench", "-o", "bench.vvp",
                                     "bench.v", "netlist.v", (c.directory / "cells.v").string()},
                                    work.path(), "iverilog");
  if (built.status != 0) return state.SkipWithError(built.output.c_str());
  for (auto _ : state) {
    // By the shell: a confined process is no child of ours.
    const ToolResult run = run_tool({"sh", "-c", "vvp -n bench.vvp; times"}, work.path(), "dash");
    unsigned sum = 0;
    int minutes[2] = {};
    double seconds[2] = {};
    if (std::sscanf(run.output.c_str(), "%u %*s %*s %dm%lfs %dm%lfs", &sum, &minutes[0],
                    &seconds[0], &minutes[1], &seconds[1]) != 5 ||
        sum != expected_sum(m, pairs)) {
      return state.SkipWithError("Icarus Verilog's products differ");
    }
    state.SetIterationTime(60 * (minutes[0] + minutes[1]) + seconds[0] + seconds[1]);
  }
  per_pair(state, static_cast<double>(pairs));
}

/// All 2^32 products of a 16x16 multiplier, with every metric, on all cores.
void exhaustive(State& state, const std::string& spec) {
  const Mapped& m = mapped(spec);
  const ProductSweep sweep(m.netlist, m.component.source.ports);
  for (auto _ : state) {
    const ExhaustiveRun run = run_exhaustively(sweep, {});
    benchmark::DoNotOptimize(run.errors.mae);
  }
  per_pair(state, static_cast<double>(sweep.pairs()));
}

void register_all() {
  using benchmark::RegisterBenchmark;
  for (const std::string spec : {"exact", "bam:hbl=0,vbl=4", "exact:width=16"}) {
    const bool wide = spec.find("16") != std::string::npos;
    RegisterBenchmark(("component/cold/" + spec).c_str(), characterize_cold, spec)
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime()
        ->Iterations(wide ? 1 : 3);
    RegisterBenchmark(("component/cached/" + spec).c_str(), characterize_cached, spec)
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime()
        ->Iterations(10);
  }
  for (const std::string spec : {"exact:signed=0", "exact:width=16,signed=0"}) {
    for (const SimdLevel level : available_simd_levels()) {
      RegisterBenchmark(("simulator/" + to_string(level) + "/" + spec).c_str(), bit_parallel, spec,
                        level, false);
    }
    RegisterBenchmark(("simulator/ones_counted/" + spec).c_str(), bit_parallel, spec, simd_level(),
                      true);
    RegisterBenchmark(("simulator/verilator/" + spec).c_str(), verilator_model, spec)
        ->UseManualTime()
        ->Iterations(3);
    RegisterBenchmark(("simulator/icarus/" + spec).c_str(), icarus, spec)
        ->UseManualTime()
        ->Iterations(1);
  }
  RegisterBenchmark("exhaustive/exact:width=16,signed=0", exhaustive, "exact:width=16,signed=0")
      ->Unit(benchmark::kSecond)
      ->UseRealTime()
      ->Iterations(1);
}

}  // namespace
}  // namespace lutra::synth

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  try {
    lutra::synth::register_all();
    benchmark::RunSpecifiedBenchmarks();
  } catch (const lutra::Error& error) {
    fmt::print(stderr, "characterize_benchmark: {}\n", error.what());
    return 1;
  }
}
