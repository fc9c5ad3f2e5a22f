// Products a second of the engine's backends, one thread, with a table of no structure:
//   scripts/bench --benchmark_filter=engine
#include <benchmark/benchmark.h>

#include <random>
#include <string>

#include "exercise.h"
#include "lutra/engine/backend.h"

namespace lutra::engine {
namespace {

struct Convolution {
  const char* name;
  int images, size, in_channels, out_channels, kernel, stride;
};

constexpr Convolution kConvolutions[] = {
    {"16x64x34x34,3x3,64", 16, 34, 64, 64, 3, 1},    // the one that the literature times
    {"64x1x28x28,9x9,16", 64, 28, 1, 16, 9, 1},      // capsnet-edge, conv1
    {"64x16x20x20,9x9s2,64", 64, 20, 16, 64, 9, 2},  // capsnet-edge, primary
};

/// @param negative  whether the input holds negative elements: without them half of a table serves
void convolve(benchmark::State& state, const std::string& backend_name, const Convolution& c,
              bool negative) {
  std::mt19937 random(1);
  auto input = random_tensor(&random, int64_t{c.images} * c.size * c.size * c.in_channels);
  if (!negative) {
    for (int8_t& q : input) q = static_cast<int8_t>(q & 127);
  }
  const int terms = c.kernel * c.kernel * c.in_channels;
  const auto weight = random_tensor(&random, int64_t{c.out_channels} * terms);
  const std::vector<int32_t> bias(c.out_channels, 1);
  const auto table = random_table(&random);
  Conv2dArgs args{c.images,      c.size,      c.size,       c.in_channels, c.out_channels,
                  c.kernel,      c.stride,    12,           false,         input.data(),
                  weight.data(), bias.data(), table.data(), nullptr};
  std::vector<int8_t> output(static_cast<size_t>(args.count()));
  args.output = output.data();
  const auto backend = make_backend(backend_name);
  for (auto _ : state) {
    backend->conv2d(args);
    benchmark::DoNotOptimize(output.data());
  }
  state.counters["products"] = benchmark::Counter(static_cast<double>(args.count()) * terms,
                                                  benchmark::Counter::kIsIterationInvariantRate);
}

void register_all() {
  for (const Convolution& c : kConvolutions) {
    for (const BackendInfo& info : backends()) {
      if (!info.available) continue;
      for (const bool negative : {true, false}) {
        benchmark::RegisterBenchmark(("engine/conv2d/" + std::string(c.name) + "/" + info.name +
                                      (negative ? "" : "/nonnegative"))
                                         .c_str(),
                                     convolve, info.name, c, negative)
            ->Unit(benchmark::kMillisecond);
      }
    }
  }
}

}  // namespace
}  // namespace lutra::engine

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  lutra::engine::register_all();
  benchmark::RunSpecifiedBenchmarks();
}
