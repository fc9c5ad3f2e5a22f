#include "float_sums.h"

#include <algorithm>
#include <cstring>

namespace lutra::graph {
namespace {

// Eight outputs to a vector, which the compiler keeps in registers for a block of windows.
using Vector = float __attribute__((vector_size(32)));
using UnalignedVector = float __attribute__((vector_size(32), aligned(4), may_alias));
constexpr int kLanes = 8;
constexpr int kVectors = 2;
constexpr int kPanel = kVectors * kLanes;  // outputs
constexpr int kWindows = 6;

#ifdef __x86_64__
__attribute__((target_clones("default", "avx2")))
#endif
void add_up(const float* const (&windows)[kWindows], const ptrdiff_t* offsets, int runs, int terms,
            const float* weights, float (&sums)[kWindows][kPanel]) {
  Vector all[kWindows][kVectors] = {};
  for (int run = 0; run < runs; ++run) {
    Vector part[kWindows][kVectors] = {};
    for (int i = 0; i < terms; ++i, weights += kPanel) {
      const auto* const w = reinterpret_cast<const UnalignedVector*>(weights);
      for (int p = 0; p < kWindows; ++p) {
        const float a = windows[p][offsets[run] + i];
        for (int v = 0; v < kVectors; ++v) part[p][v] += a * w[v];
      }
    }
    for (int p = 0; p < kWindows; ++p) {
      for (int v = 0; v < kVectors; ++v) all[p][v] += part[p][v];
    }
  }
  std::memcpy(sums, all, sizeof all);
}

}  // namespace

FloatSums::FloatSums(const float* weights, int outputs, int runs, int terms)
    : outputs_(outputs), runs_(runs), terms_(terms) {
  const auto all = static_cast<size_t>(runs) * terms;
  panels_.resize((static_cast<size_t>(outputs) + kPanel - 1) / kPanel * all * kPanel);
  for (size_t o = 0; o < static_cast<size_t>(outputs); ++o) {
    for (size_t i = 0; i < all; ++i) {
      panels_[(o / kPanel * all + i) * kPanel + o % kPanel] = weights[o * all + i];
    }
  }
}

void FloatSums::run(const std::vector<const float*>& windows, const std::vector<ptrdiff_t>& offsets,
                    const std::vector<float*>& to) const {
  const auto count = static_cast<int>(windows.size());
  for (int o = 0; o < outputs_; o += kPanel) {
    const float* panel = &panels_[static_cast<size_t>(o) * runs_ * terms_];
    for (int first = 0; first < count; first += kWindows) {
      const float* block[kWindows];
      for (int p = 0; p < kWindows; ++p) block[p] = windows[std::min(first + p, count - 1)];
      float sums[kWindows][kPanel];
      add_up(block, offsets.data(), runs_, terms_, panel, sums);
      for (int p = 0; p < std::min(kWindows, count - first); ++p) {
        std::copy_n(sums[p], std::min(kPanel, outputs_ - o), to[first + p] + o);
      }
    }
  }
}

}  // namespace lutra::graph
