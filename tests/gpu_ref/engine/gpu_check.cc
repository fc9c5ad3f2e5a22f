// gpu_check SEED: every operation on CUDA against the scalar reference, bit for bit, on random
// data, by each algorithm; then how fast the kernels are. Built by
// scripts/gpu_check where there is nothing but nvcc and CMake.
#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "cuda_benchmark.h"
#include "exercise.h"
#include "lutra/base/error.h"

namespace lutra::engine {
namespace {

struct Tally {
  size_t checked = 0;
  size_t mismatches = 0;

  void compare(const Outputs& expected, const Outputs& got, const std::string& where) {
    checked += engine::compare(expected, got, [&](const std::string& line) {
      if (mismatches++ < 20) std::printf("%s: %s\n", where.c_str(), line.c_str());
    });
  }
};

std::vector<Shape> shapes() {
  std::vector<Shape> all = odd_shapes();
  // Sizes at which the tile kernels are taken, tails of their tiles, split K.
  const Window k3{3, 1, 1, 1, 1}, k3s2{3, 2, 1, 0, 1}, k9{9, 1, 0, 0, 1};
  all.push_back({9, 21, 19, 48, 67, k3, k3s2, 1, 288, 10, 16});
  all.push_back({70, 28, 28, 1, 33, k9, k9, 1, 97, 10, 16});
  all.push_back({3, 33, 31, 130, 129, k3, k3, 1, 513, 7, 8});
  return all;
}

/// Each algorithm, and two threads at once on one backend.
void check_operations(uint32_t seed, Tally* tally) {
  const auto scalar = make_backend("scalar");
  const auto chosen = make_cuda_backend();
  struct Other {
    const char* name;
    std::unique_ptr<Backend> backend;
  };
  std::vector<Other> others;
  for (const bool as_of_8_0 : {false, true}) {
    others.push_back({as_of_8_0 ? ", by lookup as of 8.0" : ", by lookup",
                      make_cuda_backend(GemmAlgorithm::kLookup, as_of_8_0)});
    others.push_back({as_of_8_0 ? ", by exact products as of 8.0" : ", by exact products",
                      make_cuda_backend(GemmAlgorithm::kFactorised, as_of_8_0)});
  }
  others.push_back({", by element", make_cuda_backend(GemmAlgorithm::kReference)});
  std::mt19937 random(seed);
  std::vector<std::pair<std::string, tables::ProductTable>> tables;
  tables.emplace_back("arbitrary", random_table(&random));
  tables.emplace_back("exact", tables::ProductTable::exact());
  tables.emplace_back("two-term", random_factorised_table(&random, 2));
  tables.emplace_back("unsigned by signed", random_table(&random, {8, false}, {8, true}));
  for (const auto& [table_name, table] : tables) {
    const Multiplier multiplier(table);
    for (const Shape& shape : shapes()) {
      const auto draw = static_cast<Draw>(seed % 3);
      const std::string where =
          "seed " + std::to_string(seed) + ", " + table_name + ", " + name_of(shape);
      const auto run = [&](Backend* backend) {
        return run_all(*backend, shape, multiplier, seed, draw);
      };
      const Outputs expected = run(scalar.get());
      std::future<Outputs> beside =
          std::async(std::launch::async, [&] { return run(chosen.get()); });
      tally->compare(expected, run(chosen.get()), where);
      tally->compare(expected, beside.get(), where + ", beside another call");
      for (const Other& other : others) {
        tally->compare(expected, run(other.backend.get()), where + other.name);
      }
    }
  }
}

void check_gradients(uint32_t seed, Tally* tally) {
  const auto scalar = make_backend("scalar");
  const auto cuda = make_cuda_backend();
  std::mt19937 random(seed);
  const Multiplier multiplier(random_table(&random));
  for (const Shape& shape : odd_shapes()) {
    tally->compare(run_gradients(*scalar, shape, multiplier, seed),
                   run_gradients(*cuda, shape, multiplier, seed),
                   "seed " + std::to_string(seed) + ", gradients, " + name_of(shape));
  }
}

/// Calls so large that they are cut into chunks, the last of which is smaller: matrices with second
/// operands of their own, images with common ones.
void check_pieces(uint32_t seed, Tally* tally) {
  std::mt19937 random(seed);
  const auto compare = [&](const char* what, int64_t mismatches) {
    tally->checked += 4096;
    if (mismatches == 0) return;
    tally->mismatches += static_cast<size_t>(mismatches);
    std::printf("seed %u, %s in chunks: %lld of a sample differ\n", seed, what,
                static_cast<long long>(mismatches));
  };
  const Multiplier arbitrary(random_table(&random));
  const Multiplier two_terms(random_factorised_table(&random, 2));
  const auto cuda = make_cuda_backend();
  for (const Multiplier* multiplier : {&arbitrary, &two_terms}) {
    {
      constexpr int kBatch = 7, kRows = 1500, kOutputs = 1100, kTerms = 6000;
      const auto first = random_tensor(&random, int64_t{kBatch} * kRows * kTerms);
      const auto second = random_tensor(&random, int64_t{kBatch} * kOutputs * kTerms);
      std::vector<int8_t> got(static_cast<size_t>(kBatch) * kRows * kOutputs);
      GemmArgs args{kBatch,
                    kRows,
                    kOutputs,
                    kTerms,
                    false,
                    first.data(),
                    second.data(),
                    nullptr,
                    multiplier->products(),
                    {}};
      args.to = {Requantisation::to_int8(15), got.data(), nullptr};
      cuda->gemm(args);
      compare("gemm", mismatches_in_sample<GemmArgs, gemm_at>(args, got));
    }
    {
      constexpr int kImages = 601, kSize = 40, kChannels = 48;
      const Window window{3, 1, 1, 1, 1};
      const auto input = random_tensor(&random, int64_t{kImages} * kSize * kSize * kChannels);
      const auto weight = random_tensor(&random, int64_t{kChannels} * 9 * kChannels);
      std::vector<int8_t> got(static_cast<size_t>(kImages) * kSize * kSize * kChannels);
      Conv2dArgs args{kImages,
                      kSize,
                      kSize,
                      kChannels,
                      kChannels,
                      window,
                      window,
                      1,
                      Padding::kNothing,
                      0,
                      input.data(),
                      weight.data(),
                      nullptr,
                      multiplier->products(),
                      {}};
      args.to = {Requantisation::to_int8(14), got.data(), nullptr};
      cuda->conv2d(args);
      compare("conv2d", mismatches_in_sample<Conv2dArgs, conv2d_at>(args, got));
    }
  }
}

/// A call that the device has no memory for fails with words, writes nothing, and spoils nothing.
void check_memory(Tally* tally) {
  const auto cuda = make_cuda_backend();
  std::mt19937 random(1);
  const Multiplier multiplier(random_table(&random));
  constexpr int kTerms = 4096, kOutputs = 4096;
  const auto first = random_tensor(&random, kTerms);
  const auto second = random_tensor(&random, int64_t{kOutputs} * kTerms);
  std::vector<int32_t> sums(kOutputs, 77);
  GemmArgs args{
      1, 1, kOutputs, kTerms, true, first.data(), second.data(), nullptr, multiplier.products(),
      {}};
  args.to = {{}, nullptr, sums.data()};

  size_t free = 0;
  size_t total = 0;
  cudaMemGetInfo(&free, &total);
  std::vector<void*> taken;
  for (size_t bytes = free; bytes >= size_t{1} << 20;) {
    void* memory = nullptr;
    if (cudaMalloc(&memory, bytes) == cudaSuccess) {
      taken.push_back(memory);
    } else {
      cudaGetLastError();
      bytes /= 2;
    }
  }
  bool refused = false;
  try {
    cuda->gemm(args);
  } catch (const Error& error) {
    refused = error.kind() == ErrorKind::kExhausted;
    std::printf("without memory: %s\n", error.what());
  }
  for (void* memory : taken) cudaFree(memory);
  const bool untouched = sums == std::vector<int32_t>(kOutputs, 77);
  if (!refused || !untouched) {
    ++tally->mismatches;
    std::printf("without memory: %s, outputs %s\n", refused ? "refused" : "not refused",
                untouched ? "untouched" : "written");
  }
  cuda->gemm(args);
  std::vector<int32_t> expected(kOutputs);
  args.to.sums = expected.data();
  make_backend("scalar")->gemm(args);
  tally->checked += kOutputs;
  if (sums != expected) {
    ++tally->mismatches;
    std::printf("with memory again: other sums\n");
  }
}

int run(uint32_t seed) {
  std::string device;
  if (!cuda_device(&device)) {
    std::fprintf(stderr, "gpu_check: skipped: %s\n", device.c_str());
    return 77;  // skipped
  }
  std::printf("device: %s\n", device.c_str());
  Tally tally;
  for (uint32_t s = seed; s < seed + 3; ++s) check_operations(s, &tally);
  check_gradients(seed, &tally);
  check_pieces(seed, &tally);
  check_memory(&tally);
  std::printf("seed %u: checked=%zu mismatches=%zu\n", seed, tally.checked, tally.mismatches);
  std::fflush(stdout);
  const int64_t sampled = run_cuda_benchmarks();
  return tally.mismatches == 0 && sampled == 0 && tally.checked > 0 ? 0 : 1;
}

}  // namespace
}  // namespace lutra::engine

int main(int argc, char** argv) {
  try {
    return lutra::engine::run(
        static_cast<uint32_t>(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gpu_check: %s\n", error.what());
    return 1;
  }
}
