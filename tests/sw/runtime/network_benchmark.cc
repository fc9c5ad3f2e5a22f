// Whole networks on 10,000 images: seconds, and products a second. Weights and pixels are random:
// no backend's time depends on them, but for the signs of operands.
//   scripts/bench --benchmark_filter=network
#include <benchmark/benchmark.h>

#include <map>
#include <random>

#include "lutra/component/library.h"
#include "lutra/component/multiplier_models.h"
#include "lutra/data/dataset.h"
#include "lutra/graph/assignment.h"
#include "lutra/graph/network.h"
#include "lutra/graph/quantised_network.h"
#include "lutra/graph/site.h"
#include "lutra/models/built_in.h"
#include "lutra/runtime/evaluate.h"
#include "lutra/runtime/inference.h"
#include "random_network.h"

namespace lutra::test {
namespace {

data::Dataset random_images(int count) {
  data::Dataset data{"random", 28, 28, {}, {}};
  std::mt19937 random(1);
  data.pixels.resize(static_cast<size_t>(count) * 28 * 28);
  for (uint8_t& p : data.pixels) p = static_cast<uint8_t>(random());
  data.labels.resize(count);
  return data;
}

/// "arbitrary": no structure; otherwise a multiplier of the library.
Table table(const std::string& name) {
  Table products(65536);
  if (name == "arbitrary") {
    std::mt19937 random(1);
    for (int16_t& p : products)
      p = static_cast<int16_t>(static_cast<int>(random() % 32768) - 16384);
    return products;
  }
  const auto spec = synth::parse_multiplier_spec(name);
  const auto model = synth::multiplier_model(spec.family->name, spec.parameters, 8, true);
  for (int a = -128; a < 128; ++a) {
    for (int b = -128; b < 128; ++b) {
      products[(a & 255) << 8 | (b & 255)] = static_cast<int16_t>(model(a, b));
    }
  }
  return products;
}

void run(benchmark::State& state, const graph::Network& description, const std::string& component,
         const std::string& backend, int jobs, int images) {
  const graph::QuantisedNetwork network = random_network(1, description);
  const synth::Component multiplier = component_of(table(component), component);
  graph::Assignment assignment(description);
  int64_t count = 0;
  for (const graph::Site& site : assignment.sites()) {
    if (site.on_array) assignment.set(site.name(), &multiplier);
    count += site.products;
  }
  const runtime::Inference inference(network, assignment);
  const data::Dataset data = random_images(images);
  runtime::EvaluateOptions options;
  options.backend = backend;
  options.jobs = jobs;
  for (auto _ : state) runtime::evaluate(inference, data, options);
  state.counters["s per 10000 images"] = benchmark::Counter(
      images / 1e4, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["products"] =
      benchmark::Counter(double(count) * images, benchmark::Counter::kIsIterationInvariantRate);
}

/// The quickest backend of the processor, and CUDA.
std::vector<std::string> backends() {
  std::vector<std::string> names;
  for (const engine::BackendInfo& info : engine::backends()) {
    if (!info.available) continue;
    if (info.name != "cuda") names.clear();
    names.push_back(info.name);
  }
  return names;
}

void register_all() {
  for (const auto& [network, images] :
       {std::pair{models::capsnet_edge(), 2048}, {models::capsnet(), 256}}) {
    for (const std::string& backend : backends()) {
      for (const char* component : {"arbitrary", "drum:kept_bits=4", "udm"}) {
        for (const int jobs : {1, 2}) {
          const std::string name = "network/" + network.name() + "/" + backend + "/" + component +
                                   "/" + std::to_string(jobs);
          // A device is fed by more than a few images.
          benchmark::RegisterBenchmark(name.c_str(), run, network, component, backend, jobs,
                                       backend == "cuda" ? images * 8 : images)
              ->Unit(benchmark::kMillisecond)
              ->UseRealTime();
        }
      }
    }
  }
}

}  // namespace
}  // namespace lutra::test

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  lutra::test::register_all();
  benchmark::RunSpecifiedBenchmarks();
}
