#include "matrix/routing.h"

#include <algorithm>
#include <cstring>

#include "lutra/numerics/fixed.h"
#include "matrix/transposed_table.h"

namespace lutra::engine {
namespace {

/// Sums of Count neighbouring elements, which stay in registers.
/// @param table  [first operand][second operand]
template <int Count>
void add_votes(const WeightedSumArgs& args, const int8_t* coupling, const int8_t* votes,
               const uint16_t* table, uint32_t start, int8_t* output) {
  const int64_t pitch = int64_t{args.classes} * args.out_dim;
  uint32_t sums[Count];
  std::fill_n(sums, Count, start);
  for (int i = 0; i < args.capsules; ++i, votes += pitch) {
    const uint16_t* row = table + (size_t{static_cast<uint8_t>(coupling[i])} << 8);
    for (int d = 0; d < Count; ++d) sums[d] += row[static_cast<uint8_t>(votes[d])];
  }
  for (int d = 0; d < Count; ++d) {
    output[d] = numerics::requantise(static_cast<int32_t>(sums[d]), args.shift);
  }
}

/// Adds the products of Count terms to the sums of all capsules.
/// @param columns  [Count][TransposedTable::kOperands]
template <int Count>
void add_products(const AgreementArgs& args, const int8_t* votes, const uint16_t* columns,
                  uint32_t* sums) {
  const int64_t pitch = int64_t{args.classes} * args.out_dim;
  for (int i = 0; i < args.capsules; ++i, votes += pitch) {
    uint32_t sum = 0;
    for (int d = 0; d < Count; ++d) {
      sum += columns[d * TransposedTable::kOperands + static_cast<uint8_t>(votes[d])];
    }
    sums[i] += sum;
  }
}

constexpr int kTogether = 8;

}  // namespace

void sum_weighted_votes(const WeightedSumArgs& args, int begin, int end) {
  const tables::ProductTable& table = args.products.multiplier->table();
  const auto start = static_cast<uint32_t>(int64_t{args.capsules} * table.base());
  for (int64_t nj = begin; nj < end; ++nj) {
    const int8_t* coupling = args.coupling + nj * args.capsules;
    const int64_t n = nj / args.classes;
    const int8_t* votes =
        args.votes + (n * args.capsules * args.classes + nj % args.classes) * args.out_dim;
    int8_t* output = args.output + nj * args.out_dim;
    int d = 0;
    for (; d + kTogether <= args.out_dim; d += kTogether) {
      add_votes<kTogether>(args, coupling, votes + d, table.offsets(), start, output + d);
    }
    for (; d < args.out_dim; ++d) {
      add_votes<1>(args, coupling, votes + d, table.offsets(), start, output + d);
    }
  }
}

void add_agreements(const AgreementArgs& args, int begin, int end) {
  const TransposedTable& all = args.products.multiplier->derived<TransposedTable>();
  const auto start =
      static_cast<uint32_t>(int64_t{args.out_dim} * args.products.multiplier->table().base());
  std::vector<uint16_t> columns(size_t{kTogether} * TransposedTable::kOperands);
  std::vector<uint32_t> sums(args.capsules);
  for (int64_t nj = begin; nj < end; ++nj) {
    const int64_t n = nj / args.classes;
    const int64_t first = n * args.capsules * args.classes + nj % args.classes;
    const int8_t* votes = args.votes + first * args.out_dim;
    const int8_t* v = args.v + nj * args.out_dim;
    std::fill(sums.begin(), sums.end(), start);
    int d = 0;
    for (; d + kTogether <= args.out_dim; d += kTogether) {
      for (int k = 0; k < kTogether; ++k) {
        std::copy_n(all.of(v[d + k]), TransposedTable::kOperands,
                    &columns[size_t(k) * TransposedTable::kOperands]);
      }
      add_products<kTogether>(args, votes + d, columns.data(), sums.data());
    }
    for (; d < args.out_dim; ++d) add_products<1>(args, votes + d, all.of(v[d]), sums.data());
    for (int i = 0; i < args.capsules; ++i) {
      const int64_t at = first + int64_t{i} * args.classes;
      args.output[at] =
          numerics::accumulate(args.before[at], static_cast<int32_t>(sums[i]), args.shift);
    }
  }
}

}  // namespace lutra::engine
