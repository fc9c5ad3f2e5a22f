#include "matrix/cost_model.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>

namespace lutra::engine {
namespace {

/// Nanoseconds of a product of this shape, rows in segments of `segment_bytes` bytes, operands of
/// both signs, the quickest of some runs.
double time(int rows, int outputs, int terms, int segment_bytes, const CostModel::Run& run) {
  static const Multiplier multiplier(tables::ProductTable::exact());
  std::vector<int8_t> first(static_cast<size_t>(rows) * terms);
  std::vector<int8_t> second(static_cast<size_t>(outputs) * terms);
  std::vector<int32_t> sums(static_cast<size_t>(rows) * outputs);
  for (size_t i = 0; i < first.size(); ++i) first[i] = static_cast<int8_t>(i * 37 % 255 - 127);
  for (size_t i = 0; i < second.size(); ++i) second[i] = static_cast<int8_t>(i * 91 % 255 - 127);
  MatrixProduct m;
  m.rows = rows;
  m.outputs = outputs;
  for (int k = 0; k < terms; k += segment_bytes) m.segment_offsets.push_back(k);
  m.segment_bytes = segment_bytes;
  m.row_start = [&](int64_t row) { return first.data() + row * terms; };
  m.weight = second.data();
  m.multiplier = &multiplier;
  m.maps = FeatureMaps::find(multiplier, {nullptr, 0, nullptr, 0});
  m.to.sums = sums.data();
  m.pitch = outputs;
  // Long enough for the processor to wake, and for a neighbour to be silent once.
  constexpr double kLongEnough = 2e6;
  double best = 1e30;
  double total = 0;
  for (int i = 0; i < 5 || total < kLongEnough; ++i) {
    const auto start = std::chrono::steady_clock::now();
    run(m);
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count());
    total += took.count();
  }
  return best;
}

double rounded_up(int64_t value, int64_t to) {
  return static_cast<double>((value + to - 1) / to * to);
}

}  // namespace

CostModel CostModel::measure(int lookup_rows, int lookup_outputs, const Run& lookup,
                             const Run& exact) {
  constexpr int kRows = 384;
  constexpr int kTerms = 256;
  constexpr int kSegment = 8;
  CostModel model;
  model.lookup_rows = lookup_rows;
  model.lookup_outputs = lookup_outputs;
  const double few = time(kRows, 32, kTerms, kTerms, lookup);
  const double many = time(4 * kRows, 32, kTerms, kTerms, lookup);
  model.lookup = std::max(1e-4, (many - few) / (3 * kRows * 32 * kTerms));
  model.lookup_setup = std::max(0.0, few / (model.lookup * 32 * kTerms) - kRows);
  const double wide = time(kRows, 64, kTerms, kTerms, exact);
  const double narrow = time(kRows, 16, kTerms, kTerms, exact);
  model.exact = std::max(1e-4, (wide - narrow) / (kRows * 48 * kTerms));
  model.row_feature = std::max(0.0, narrow / (double{kRows} * kTerms) - 16 * model.exact);
  const double segmented = time(kRows, 16, kTerms, kSegment, exact);
  model.row_segment = std::max(0.0, (segmented - narrow) / (double{kRows} * kTerms / kSegment));
  model.packing =
      std::max(0.0, time(1, 64, kTerms, kTerms, exact) / (64 * kTerms) - 24 * model.exact);
  model.reference = time(8, 16, kTerms, kTerms,
                         [](const MatrixProduct& m) { multiply_reference(m, 0, m.rows); }) /
                    (8 * 16 * kTerms);
  return model;
}

GemmAlgorithm CostModel::choose(const MatrixProduct& m) const {
  const int64_t rows = m.rows;
  const int outputs = m.outputs;
  const double terms = m.terms();
  const double products = static_cast<double>(rows) * outputs * terms;
  const double plain = reference * products;
  const double looked_up = lookup * (rounded_up(rows, lookup_rows) + lookup_setup) *
                           rounded_up(outputs, lookup_outputs) * terms;
  double best = std::min(plain, looked_up);
  GemmAlgorithm algorithm = plain < looked_up ? GemmAlgorithm::kReference : GemmAlgorithm::kLookup;
  if (m.maps != nullptr) {
    const double count = std::max<double>(1, static_cast<double>(m.maps->terms.size()));
    double made = static_cast<double>(rows);  // rows, of which each has a part of its own
    if (shares_rows && rows > 1) {
      made *= std::min(
          1.0, static_cast<double>(std::abs(m.row_start(1) - m.row_start(0))) / m.segment_bytes);
    }
    const double factorised =
        count * (exact * rounded_up(rows, 6) * rounded_up(outputs, 16) * terms +
                 row_feature * made * terms + packing * outputs * terms) +
        row_segment * made * static_cast<double>(m.segment_offsets.size());
    if (factorised < best) algorithm = GemmAlgorithm::kFactorised;
  }
  return algorithm;
}

void multiply_reference(const MatrixProduct& m, int64_t begin, int64_t end) {
  const Products products = m.multiplier->products();
  const int terms = m.terms();
  for (int64_t row = begin; row < end; ++row) {
    const int8_t* start = m.row_start(row);
    for (int o = 0; o < m.outputs; ++o) {
      const int8_t* weight = m.weight + int64_t{o} * terms;
      int32_t sum = m.initial_sum(row, o);
      for (const int64_t offset : m.segment_offsets) {
        for (int k = 0; k < m.segment_bytes; ++k) sum += products(start[offset + k], *weight++);
      }
      m.to.store(row * m.pitch + o, sum);
    }
  }
}

}  // namespace lutra::engine
