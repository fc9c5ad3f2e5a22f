// gpu_check SEED: every operation on CUDA against the scalar reference, bit for bit, on random
// data; then how quick the kernels are. Built by scripts/gpu_check where there is nothing but nvcc
// and CMake.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "cuda_benchmark.h"
#include "exercise.h"
#include "lutra/numerics/error.h"

int main(int argc, char** argv) {
  using namespace lutra::engine;
  const auto first_seed = static_cast<uint32_t>(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1);
  for (const BackendInfo& info : backends()) {
    if (info.name != "cuda") continue;
    if (!info.available) {
      std::fprintf(stderr, "gpu_check: skipped: %s\n", info.reason.c_str());
      return static_cast<int>(lutra::ExitCode::kSkipped);
    }
    std::printf("device: %s\n", info.reason.c_str());
  }
  const auto scalar = make_backend("scalar");
  const auto cuda = make_backend("cuda");
  std::vector<Shape> shapes = odd_shapes();
  // Sizes at which the tile kernels are taken, tails of their tiles, sums in parts.
  const Window k3{3, 1, 1, 1, 1}, k3s2{3, 2, 1, 0, 1}, k9{9, 1, 0, 0, 1};
  shapes.push_back({9, 21, 19, 48, 67, k3, k3s2, 1, 288, 10, 16});
  shapes.push_back({70, 28, 28, 1, 33, k9, k9, 1, 97, 10, 16});
  shapes.push_back({3, 33, 31, 130, 129, k3, k3, 1, 513, 7, 8});
  size_t checked = 0;
  size_t mismatches = 0;
  for (uint32_t seed = first_seed; seed < first_seed + 2; ++seed) {
    std::mt19937 random(seed);
    std::vector<std::pair<std::string, lutra::tables::ProductTable>> tables;
    tables.emplace_back("arbitrary", random_table(&random));
    tables.emplace_back("exact", lutra::tables::ProductTable::exact());
    tables.emplace_back("two-term", random_factorised_table(&random, 2));
    tables.emplace_back("unsigned by signed", random_table(&random, {8, false}, {8, true}));
    for (const auto& [name, table] : tables) {
      const Multiplier multiplier(table);
      for (const Shape& shape : shapes) {
        const Draw draw = static_cast<Draw>(seed % 3);
        const Outputs expected = run_all(*scalar, shape, multiplier, seed, draw);
        const Outputs got = run_all(*cuda, shape, multiplier, seed, draw);
        for (const auto& [operation, bytes] : expected) {
          const std::vector<uint8_t>& others = got.at(operation);
          for (size_t i = 0; i < bytes.size(); ++i) {
            if (bytes[i] == others[i] || mismatches++ >= 8) continue;
            std::printf("seed %u, %s, %s, %s: byte %zu: expected %d, got %d\n", seed, name.c_str(),
                        name_of(shape).c_str(), operation.c_str(), i, bytes[i], others[i]);
          }
          checked += bytes.size();
        }
      }
    }
  }
  std::printf("seed %u: checked=%zu mismatches=%zu\n", first_seed, checked, mismatches);
  std::fflush(stdout);
  const int64_t sampled = run_cuda_benchmarks();
  return mismatches == 0 && sampled == 0 && checked > 0 ? 0 : 1;
}
