// gpu_check SEED: every operation on CUDA against the scalar reference, bit for bit, on random
// data. Built by scripts/gpu_check where there is nothing but nvcc and CMake.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "exercise.h"
#include "lutra/numerics/error.h"

int main(int argc, char** argv) {
  using namespace lutra::engine;
  const auto first_seed = static_cast<uint32_t>(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1);
  for (const BackendInfo& info : backends()) {
    if (info.name == "cuda" && !info.available) {
      std::fprintf(stderr, "gpu_check: skipped: %s\n", info.reason.c_str());
      return static_cast<int>(lutra::ExitCode::kSkipped);
    }
    std::printf("backend %s: %s\n", info.name.c_str(), info.reason.c_str());
  }
  const Shape shapes[] = {{1, 9, 1, 16, 9, 1, 17, 10, 16},
                          {2, 13, 3, 5, 3, 2, 7, 3, 8},
                          {3, 11, 16, 7, 5, 1, 31, 16, 5},
                          {64, 28, 1, 16, 9, 1, 288, 10, 16}};
  size_t checked = 0;
  size_t mismatches = 0;
  for (uint32_t seed = first_seed; seed < first_seed + 8; ++seed) {
    for (const Shape& shape : shapes) {
      const auto expected = run_all(*make_backend("scalar"), shape, seed);
      const auto got = run_all(*make_backend("cuda"), shape, seed);
      for (size_t i = 0; i < expected.size(); ++i) {
        if (expected[i] != got[i] && mismatches++ < 8) {
          std::printf("seed %u, element %zu: expected %d, got %d\n", seed, i, expected[i], got[i]);
        }
      }
      checked += expected.size();
    }
  }
  std::printf("seed %u: checked=%zu mismatches=%zu\n", first_seed, checked, mismatches);
  return mismatches == 0 && checked > 0 ? 0 : 1;
}
