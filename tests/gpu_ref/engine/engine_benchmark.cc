// Products a second of the engine's backends, beside the methods of the literature (a table looked
// up in memory, by plain code and by gathers) and the limits of the machine:
//   scripts/bench --benchmark_filter=engine
#include <benchmark/benchmark.h>

#include <map>
#include <memory>
#include <random>
#include <string>

#include "exercise.h"
#include "lutra/component/library.h"
#include "lutra/component/multiplier_models.h"
#include "lutra/engine/backend.h"

#ifdef __x86_64__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

namespace lutra::engine {
namespace {

/// A multiplier of the library, or "random": a table without structure.
const Multiplier& multiplier(const std::string& name) {
  static std::map<std::string, std::unique_ptr<Multiplier>> made;
  auto& result = made[name];
  if (result == nullptr && name == "random") {
    std::mt19937 random(1);
    result = std::make_unique<Multiplier>(random_table(&random));
  } else if (result == nullptr) {
    const auto spec = synth::parse_multiplier_spec(name);
    const auto model = synth::multiplier_model(spec.family->name, spec.parameters, 8, true);
    std::vector<int16_t> products(65536);
    for (int a = -128; a < 128; ++a) {
      for (int b = -128; b < 128; ++b) {
        products[(a & 255) << 8 | (b & 255)] = static_cast<int16_t>(model(a, b));
      }
    }
    result = std::make_unique<Multiplier>(tables::ProductTable(products));
    result->factorisation();  // once, outside of what is timed
  }
  return *result;
}

void count_products(benchmark::State& state, double products) {
  state.counters["products"] =
      benchmark::Counter(products, benchmark::Counter::kIsIterationInvariantRate);
}

struct Matrices {
  int rows, outputs, terms;
  std::vector<int8_t> first, second;
  std::vector<int32_t> sums;

  Matrices(int r, int o, int k) : rows(r), outputs(o), terms(k), sums(static_cast<size_t>(r) * o) {
    std::mt19937 random(1);
    first = random_tensor(&random, int64_t{r} * k);
    second = random_tensor(&random, int64_t{o} * k);
  }
  double products() const { return double(rows) * outputs * terms; }
};

void gemm(benchmark::State& state, const std::string& backend_name, const std::string& component,
          int jobs) {
  Matrices m(1024, 256, 1152);
  std::vector<int8_t> output(m.sums.size());
  GemmArgs args{1,
                m.rows,
                m.outputs,
                m.terms,
                true,
                m.first.data(),
                m.second.data(),
                nullptr,
                multiplier(component).products(),
                {Requantisation::to_int8(12), output.data(), nullptr}};
  const auto backend = make_backend(backend_name, jobs);
  for (auto _ : state) {
    backend->gemm(args);
    benchmark::DoNotOptimize(output.data());
  }
  count_products(state, m.products());
}

#ifdef __x86_64__
/// The table as 32-bit words in memory, 8 or 16 gathered at once: what the peers do.
/// @param second  [terms][outputs]
using GatherRows = void (*)(const Matrices& m, const int32_t* table, const int32_t* second,
                            int32_t* sums);

__attribute__((target("avx2"))) void gather_8(const Matrices& m, const int32_t* table,
                                              const int32_t* second, int32_t* sums) {
  for (int r = 0; r < m.rows; ++r) {
    const int8_t* first = m.first.data() + int64_t{r} * m.terms;
    for (int o = 0; o < m.outputs; o += 8) {
      const int32_t* w = second + o;
      __m256i acc = _mm256_setzero_si256();
      for (int k = 0; k < m.terms; ++k, w += m.outputs) {
        const int32_t* row = table + (static_cast<uint8_t>(first[k]) << 8);
        const __m256i index = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w));
        acc = _mm256_add_epi32(acc, _mm256_i32gather_epi32(row, index, 4));
      }
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums + int64_t{r} * m.outputs + o), acc);
    }
  }
}

__attribute__((target("avx512f"))) void gather_16(const Matrices& m, const int32_t* table,
                                                  const int32_t* second, int32_t* sums) {
  for (int r = 0; r < m.rows; ++r) {
    const int8_t* first = m.first.data() + int64_t{r} * m.terms;
    for (int o = 0; o < m.outputs; o += 16) {
      const int32_t* w = second + o;
      __m512i acc = _mm512_setzero_si512();
      for (int k = 0; k < m.terms; ++k, w += m.outputs) {
        const int32_t* row = table + (static_cast<uint8_t>(first[k]) << 8);
        acc = _mm512_add_epi32(acc, _mm512_i32gather_epi32(_mm512_loadu_si512(w), row, 4));
      }
      _mm512_storeu_si512(sums + int64_t{r} * m.outputs + o, acc);
    }
  }
}

void gather(benchmark::State& state, GatherRows gather_rows) {
  Matrices m(1024, 256, 1152);
  const tables::ProductTable& products = multiplier("random").table();
  std::vector<int32_t> table(65536);
  for (int i = 0; i < 65536; ++i) {
    table[i] = products(static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i));
  }
  std::vector<int32_t> second(m.second.size());  // [terms][outputs], ready as indices
  for (int o = 0; o < m.outputs; ++o) {
    for (int k = 0; k < m.terms; ++k) {
      second[k * m.outputs + o] = static_cast<uint8_t>(m.second[o * m.terms + k]);
    }
  }
  for (auto _ : state) {
    gather_rows(m, table.data(), second.data(), m.sums.data());
    benchmark::DoNotOptimize(m.sums.data());
  }
  // A baseline that is wrong would prove nothing.
  std::vector<int32_t> expected(m.sums.size());
  GemmArgs args{1,
                m.rows,
                m.outputs,
                m.terms,
                true,
                m.first.data(),
                m.second.data(),
                nullptr,
                multiplier("random").products(),
                {{}, nullptr, expected.data()}};
  make_backend("auto")->gemm(args);
  if (expected != m.sums) state.SkipWithError("the gathered sums are wrong");
  count_products(state, m.products());
}

/// What the instructions that a kernel lives on reach when there is nothing else to do. AVX2: 16
/// products of a `vpmaddwd` and an addition.
void madd_limit(benchmark::State& state) {
  constexpr int kRounds = 1000;
  for (auto _ : state) {
    for (int n = 0; n < kRounds; ++n) {
      asm volatile(
          ".irp chain, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11\n\t"
          "vpmaddwd %%ymm12, %%ymm12, %%ymm13\n\t"
          "vpaddd %%ymm13, %%ymm\\chain, %%ymm\\chain\n\t"
          ".endr\n\tvzeroupper"
          :
          :
          : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
            "xmm11", "xmm12", "xmm13");
    }
  }
  count_products(state, kRounds * 12.0 * 16);
}

/// AVX-512: 64 products of a `vpdpbusd`, or 64 / 4 of a `vpermi2b` (low and high bytes, both halves
/// of a column).
__attribute__((target("avx512f,avx512vbmi,avx512vnni"))) void instruction(benchmark::State& state,
                                                                          bool permutes) {
  constexpr int kChains = 16;
  __m512i r[kChains];
  for (int i = 0; i < kChains; ++i) r[i] = _mm512_set1_epi32(i * 1234567);
  const __m512i x = _mm512_set1_epi32(0x01020304);
  constexpr int kRounds = 1000;
  for (auto _ : state) {
    if (permutes) {
      for (int n = 0; n < kRounds; ++n) {
#pragma GCC unroll 16
        for (int i = 0; i < kChains; ++i) r[i] = _mm512_permutex2var_epi8(r[i], x, r[i]);
      }
    } else {
      for (int n = 0; n < kRounds; ++n) {
#pragma GCC unroll 16
        for (int i = 0; i < kChains; ++i) r[i] = _mm512_dpbusd_epi32(r[i], x, x);
      }
    }
    for (int i = 0; i < kChains; ++i) benchmark::DoNotOptimize(r[i]);
  }
  count_products(state, double(kRounds) * kChains * (permutes ? 16 : 64));
}
#endif

struct Convolution {
  const char* name;
  int images, size, in_channels, out_channels, kernel, stride, padding;
};

constexpr Convolution kConvolutions[] = {
    {"16x64x32x32,3x3,64", 16, 32, 64, 64, 3, 1, 1},        // the one that the literature times
    {"64x1x28x28,9x9,16", 64, 28, 1, 16, 9, 1, 0},          // capsnet-edge, conv1
    {"64x16x20x20,9x9s2,64", 64, 20, 16, 64, 9, 2, 0},      // capsnet-edge, primary
    {"16x256x20x20,9x9s2,256", 16, 20, 256, 256, 9, 2, 0},  // capsnet, primary
};

/// @param negative  whether the input holds negative elements: without them half of a table serves
void convolve(benchmark::State& state, const std::string& backend_name, const Convolution& c,
              const std::string& component, bool negative) {
  std::mt19937 random(1);
  auto input = random_tensor(&random, int64_t{c.images} * c.size * c.size * c.in_channels);
  if (!negative) {
    for (int8_t& q : input) q = static_cast<int8_t>(q & 127);
  }
  const int terms = c.kernel * c.kernel * c.in_channels;
  const auto weight = random_tensor(&random, int64_t{c.out_channels} * terms);
  const std::vector<int32_t> bias(c.out_channels, 1);
  const Window window{c.kernel, c.stride, c.padding, c.padding, 1};
  Conv2dArgs args{c.images,
                  c.size,
                  c.size,
                  c.in_channels,
                  c.out_channels,
                  window,
                  window,
                  1,
                  Padding::kOperand,
                  0,
                  input.data(),
                  weight.data(),
                  bias.data(),
                  multiplier(component).products(),
                  {}};
  std::vector<int8_t> output(static_cast<size_t>(args.count()));
  args.to = {Requantisation::to_int8(12), output.data(), nullptr};
  const auto backend = make_backend(backend_name, 1);
  for (auto _ : state) {
    backend->conv2d(args);
    benchmark::DoNotOptimize(output.data());
  }
  count_products(state, double(args.count()) * terms);
}

/// Both gradients of the convolution of the literature; the rule is one of three.
void gradients(benchmark::State& state, const std::string& backend_name, const std::string& rule) {
  const Convolution& c = kConvolutions[0];
  std::mt19937 random(1);
  const Window window{c.kernel, c.stride, c.padding, c.padding, 1};
  Conv2dGradientArgs args{
      c.images,          c.size, c.size,  c.in_channels, c.out_channels, window, window, 1,
      Padding::kOperand, 0,      nullptr, nullptr,       nullptr,        {},     nullptr};
  const auto input = random_tensor(&random, args.input_size());
  const auto weight = random_tensor(&random, args.weight_size());
  const int64_t outputs = int64_t{c.images} * args.out_height() * args.out_width() * c.out_channels;
  std::vector<float> gradient(static_cast<size_t>(outputs));
  for (float& g : gradient) g = static_cast<float>(random() % 1000) / 500 - 1;
  std::vector<float> of_input(input.size()), of_weight(weight.size());
  const Multiplier& m = multiplier("drum:kept_bits=4");
  const DerivativeRule derivatives = rule == "straight through" ? straight_through(m)
                                     : rule == "1-D"            ? factorised_differences(m, 4)
                                                                : smoothed_differences(m, 4);
  args.input = input.data();
  args.weight = weight.data();
  args.gradient = gradient.data();
  const auto backend = make_backend(backend_name, 1);
  for (auto _ : state) {
    args.derivative = derivatives.first();
    args.result = of_input.data();
    backend->conv2d_input_gradient(args);
    args.derivative = derivatives.second();
    args.result = of_weight.data();
    backend->conv2d_weight_gradient(args);
    benchmark::DoNotOptimize(of_weight.data());
  }
  count_products(state, 2.0 * outputs * c.kernel * c.kernel * c.in_channels);
}

template <typename... Args>
void add(const std::string& name, Args... args) {
  benchmark::RegisterBenchmark(("engine/" + name).c_str(), args...)
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

void register_all() {
  // No structure; exact; one exact product each; one and a correction each; six.
  const char* components[] = {"random", "exact", "drum:kept_bits=4", "trunc", "perforation",
                              "udm",    "roba",  "bam:hbl=0,vbl=4"};
  for (const BackendInfo& info : backends()) {
    if (!info.available || info.name == "scalar") continue;
    for (const char* component : components) {
      add("gemm/1024x256x1152/" + info.name + "/" + component, gemm, info.name, component, 1);
    }
    for (const char* component : {"random", "exact"}) {
      add("gemm/1024x256x1152/" + info.name + "/" + component + "/2 threads", gemm, info.name,
          component, 2);
    }
  }
  for (const BackendInfo& info : backends()) {
    if (!info.available || info.name == "avx512") continue;  // which has those of avx2
    for (const char* rule : {"straight through", "1-D", "2-D"}) {
      add("gradients/16x64x32x32,3x3,64/" + info.name + "/" + rule, gradients, info.name, rule);
    }
  }
  add("gemm/1024x256x1152/scalar/random", gemm, "scalar", "random", 1);
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2")) {
    add("gemm/1024x256x1152/gather of 8", gather, gather_8);
    add("limit/vpmaddwd", madd_limit);
  }
  if (__builtin_cpu_supports("avx512f")) {
    add("gemm/1024x256x1152/gather of 16", gather, gather_16);
  }
  if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi")) {
    add("limit/vpermi2b", instruction, true);
    add("limit/vpdpbusd", instruction, false);
  }
#endif
  for (const Convolution& c : kConvolutions) {
    for (const BackendInfo& info : backends()) {
      if (!info.available) continue;
      const std::string name = "conv2d/" + std::string(c.name) + "/" + info.name + "/";
      add(name + "random", convolve, info.name, c, "random", true);
      if (info.name == "scalar") continue;
      add(name + "random/nonnegative", convolve, info.name, c, "random", false);
      add(name + "exact", convolve, info.name, c, "exact", true);
      add(name + "drum:kept_bits=4", convolve, info.name, c, "drum:kept_bits=4", true);
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
