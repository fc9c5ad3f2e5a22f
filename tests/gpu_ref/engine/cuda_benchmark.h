#ifndef LUTRA_TESTS_GPU_REF_ENGINE_CUDA_BENCHMARK_H_
#define LUTRA_TESTS_GPU_REF_ENGINE_CUDA_BENCHMARK_H_

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "cuda/cuda_backend.h"
#include "exercise.h"

/// How quick the CUDA backend's kernels are, for scripts/gpu_check.
namespace lutra::engine {

struct BenchmarkTable {
  const char* name;
  const Multiplier* multiplier;
};

/// Compares a sample of an operation's requantised outputs with the scalar elements.
/// @return mismatches; outputs that never change are one
template <typename Args, void (*At)(const Args&, int64_t)>
int64_t mismatches_in_sample(Args args, const std::vector<int8_t>& got) {
  std::vector<int8_t> expected(got.size());
  args.to.output = expected.data();
  std::mt19937 random(7);
  int64_t mismatches = lively(got) ? 0 : 1;
  for (int i = 0; i < 4096; ++i) {
    const auto index = static_cast<int64_t>(random() % got.size());
    At(args, index);
    mismatches += expected[index] != got[index];
  }
  return mismatches;
}

/// Times an operation's kernels, and compares a sample of its outputs with the scalar elements.
/// @return mismatches
template <typename Args, typename Run, void (*At)(const Args&, int64_t)>
int64_t benchmark(const char* name, const BenchmarkTable& table, Backend& backend, Args args,
                  const Run& run) {
  std::vector<int8_t> got(static_cast<size_t>(args.count()));
  args.to = {Requantisation::to_int8(15), got.data(), nullptr};
  args.products = table.multiplier->products();
  run(args);  // tables and memory are on the device from here on
  double seconds = 1e9;
  double with_copies = 1e9;
  for (int i = 0; i < 5; ++i) {
    seconds = std::min(seconds, cuda_kernel_seconds(backend, [&] { run(args); }));
    const auto begin = std::chrono::steady_clock::now();
    run(args);
    const std::chrono::duration<double> all = std::chrono::steady_clock::now() - begin;
    with_copies = std::min(with_copies, all.count());
  }

  const int64_t mismatches = mismatches_in_sample<Args, At>(args, got);
  double terms = 0;
  if constexpr (std::is_same_v<Args, GemmArgs>) {
    terms = args.terms;
  } else {
    terms = args.terms();
  }
  const double rate = static_cast<double>(args.count()) * terms / seconds;
  const tables::Factorisation* factorisation = table.multiplier->factorisation();
  const CudaLimits limits = cuda_limits();
  const size_t products = factorisation == nullptr ? 0 : factorisation->terms.size();
  const double limit = products == 0
                           ? limits.lookups_per_second
                           : limits.int8_products_per_second / static_cast<double>(products);
  std::printf("%-32s %-9s %2zu terms %9.3f ms %9.1f G/s %5.1f %% of %6.1f T %9.3f ms with copies",
              name, table.name, products, seconds * 1e3, rate / 1e9, 100 * rate / limit,
              limit / 1e12, with_copies * 1e3);
  if (mismatches > 0) std::printf("; %lld MISMATCHES", static_cast<long long>(mismatches));
  std::printf("\n");
  std::fflush(stdout);
  return mismatches;
}

inline int64_t benchmark_gemm(const char* name, const BenchmarkTable& table, Backend& backend,
                              int rows, int outputs, int terms) {
  std::mt19937 random(3);
  const auto first = random_tensor(&random, int64_t{rows} * terms);
  const auto second = random_tensor(&random, int64_t{outputs} * terms);
  const GemmArgs args{1, rows, outputs, terms, true, first.data(), second.data(), nullptr, {}, {}};
  const auto run = [&](const GemmArgs& a) { backend.gemm(a); };
  return benchmark<GemmArgs, decltype(run), gemm_at>(name, table, backend, args, run);
}

inline int64_t benchmark_conv(const char* name, const BenchmarkTable& table, Backend& backend,
                              int images, int groups) {
  constexpr int kChannels = 64, kSize = 34;
  std::mt19937 random(4);
  const Window window{3, 1, 0, 0, 1};
  const auto input = random_tensor(&random, int64_t{images} * kSize * kSize * kChannels);
  const auto weight = random_tensor(&random, int64_t{kChannels} * 9 * (kChannels / groups));
  const Conv2dArgs args{images,    kSize,        kSize,
                        kChannels, kChannels,    window,
                        window,    groups,       Padding::kOperand,
                        0,         input.data(), weight.data(),
                        nullptr,   {},           {}};
  const auto run = [&](const Conv2dArgs& a) { backend.conv2d(a); };
  return benchmark<Conv2dArgs, decltype(run), conv2d_at>(name, table, backend, args, run);
}

/// Prints a line an operation and table: kernels, products a second, the share of the limit, and
/// the time of the call with what travels to the device and back. "gather" is an arbitrary table
/// looked up product by product, as other simulators do.
/// @return mismatches in the sampled outputs
inline int64_t run_cuda_benchmarks() {
  std::mt19937 random(1);
  const Multiplier arbitrary(random_table(&random));
  const Multiplier one_term(tables::ProductTable::exact());
  const Multiplier two_terms(random_factorised_table(&random, 2));
  const auto backend = make_cuda_backend();
  int64_t mismatches = 0;
  const auto gather = make_cuda_backend(GemmAlgorithm::kReference);
  const BenchmarkTable gathered{"gather", &arbitrary};
  mismatches += benchmark_gemm("gemm 1024x256x1152", gathered, *gather, 1024, 256, 1152);
  mismatches += benchmark_conv("conv 256x64x34x34 3x3", gathered, *gather, 256, 1);
  for (const BenchmarkTable& table : {BenchmarkTable{"arbitrary", &arbitrary},
                                      {"one-term", &one_term},
                                      {"two-term", &two_terms}}) {
    mismatches += benchmark_gemm("gemm 1024x256x1152", table, *backend, 1024, 256, 1152);
    mismatches += benchmark_gemm("gemm 4096x4096x4096", table, *backend, 4096, 4096, 4096);
    mismatches += benchmark_gemm("gemm 8192x8192x8192", table, *backend, 8192, 8192, 8192);
    mismatches += benchmark_conv("conv 16x64x34x34 3x3", table, *backend, 16, 1);
    mismatches += benchmark_conv("conv 256x64x34x34 3x3", table, *backend, 256, 1);
    mismatches += benchmark_conv("conv 256x64x34x34 3x3 depthwise", table, *backend, 256, 64);
  }
  return mismatches;
}

}  // namespace lutra::engine

#endif  // LUTRA_TESTS_GPU_REF_ENGINE_CUDA_BENCHMARK_H_
