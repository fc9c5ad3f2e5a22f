#ifndef LUTRA_ENGINE_CUDA_PRODUCT_PLAN_H_
#define LUTRA_ENGINE_CUDA_PRODUCT_PLAN_H_

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "cuda/lookup_kernel.h"
#include "cuda/warp_kernel.h"
#include "cuda/warpgroup_kernel.h"

/// Which kernels a matrix product takes, and in which order. `Device` is where they run:
///
///   int multiprocessors();
///   bool has_warpgroups();                           // whether WarpgroupKernel can run
///   T* scratch<T>(int64_t count);                    // lives until the product is done
///   void zero(int32_t* at, int64_t count);
///   void run<Kernel>(const Kernel::Arguments&);
///   void for_each<Args, at>(const Args&, int64_t count);
namespace lutra::engine::cuda {

enum class Method : uint8_t { kElements, kLookup, kFactorised };

/// A multiplier's tables in device memory.
struct DeviceTables {
  Products products;
  const uint32_t* columns;  ///< [256][128]: products() by second operand, in pairs of first ones
  const Factors* factors;   ///< in host memory; null where there are none
  const int8_t* u;          ///< [terms][256]
  const int8_t* v;
  const int32_t* row;     ///< [256]
  const int32_t* column;  ///< [256]
};

/// The transposed table.
inline std::vector<uint16_t> table_columns(const tables::ProductTable& table) {
  std::vector<uint16_t> columns(65536);
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) columns[b << 8 | a] = table.offsets()[a << 8 | b];
  }
  return columns;
}

/// Estimated products a second of an H100, in 10^12 (README.md): gpu_check's benchmark measures
/// them. Lookups by element are random reads of the table in the L1 cache; by line they are for as
/// many rows as a tile holds; factorised ones are of one term.
constexpr double kElementsRate = 0.8;
constexpr double kLookupRate = 5.5;
constexpr double kFactorisedRate = 350.0;
constexpr double kLaunchSeconds = 4e-6;

/// How much of its work a tiling wastes, as a factor.
inline double padded(int64_t size, int64_t tile) {
  return static_cast<double>((size + tile - 1) / tile * tile) / static_cast<double>(size);
}

/// Whether tiles of factorised products have 64 outputs, not 128.
inline bool few_outputs(const MatrixProduct& product) { return product.outputs <= 64; }

/// Estimated seconds, once there is enough to do for all multiprocessors.
inline double seconds(const MatrixProduct& product, Method method, int factors) {
  const double products =
      static_cast<double>(product.matrices) * product.rows() * product.outputs * product.terms();
  const int64_t rows = product.rows();
  switch (method) {
    case Method::kElements:
      return kLaunchSeconds + products / (kElementsRate * 1e12);
    case Method::kLookup: {
      // Making a term's lines costs as much as reading them for some 600 rows.
      constexpr int kMaking = 600;
      constexpr double kFull = 1.0 + kMaking / static_cast<double>(LookupKernel::kRows);
      const int64_t tiles = (rows + LookupKernel::kRows - 1) / LookupKernel::kRows;
      const double row_cost =
          static_cast<double>(rows + tiles * kMaking) / static_cast<double>(rows) / kFull;
      return kLaunchSeconds + products * row_cost *
                                  padded(product.outputs, LookupKernel::kOutputs) /
                                  (kLookupRate * 1e12);
    }
    case Method::kFactorised: {
      const MappedLayout layout = MappedLayout::of(product);
      return 5 * kLaunchSeconds + products * factors *
                                      padded(rows, few_outputs(product) ? 256 : 128) *
                                      padded(product.outputs, few_outputs(product) ? 64 : 128) *
                                      layout.terms / product.terms() / (kFactorisedRate * 1e12);
    }
  }
  return 0;
}

struct Plan {
  Method method;
  int parts;  ///< of the terms, added up in memory: more blocks for products with few outputs
};

inline int parts_for(int64_t blocks, int wanted, int steps, int least_steps) {
  if (blocks == 0 || blocks >= wanted) return 1;
  const int64_t most = std::max(1, steps / least_steps);
  return static_cast<int>(std::min<int64_t>(most, wanted / blocks));
}

inline int64_t tiles(int64_t size, int64_t tile) { return (size + tile - 1) / tile; }

inline Plan plan_for(const MatrixProduct& product, Method method, int multiprocessors,
                     int factors) {
  const int64_t rows = product.rows();
  if (method == Method::kLookup) {
    const int64_t blocks = product.matrices * tiles(rows, LookupKernel::kRows) *
                           tiles(product.outputs, LookupKernel::kOutputs);
    return {method, parts_for(blocks, multiprocessors, product.terms(), 32)};
  }
  if (method == Method::kFactorised) {
    const int64_t blocks =
        product.matrices *
        (few_outputs(product) ? tiles(rows, 256) : tiles(rows, 128) * tiles(product.outputs, 128));
    const int steps = factors * MappedLayout::of(product).terms / MappedLayout::kTerms;
    return {method, parts_for(blocks, 2 * multiprocessors, steps, 4)};
  }
  return {method, 1};
}

/// The method that is estimated to be the quickest.
/// @param factors  of the multiplier, 0: none
inline Plan plan_for(const MatrixProduct& product, int multiprocessors, int factors) {
  Method best = Method::kElements;
  double least = seconds(product, best, factors);
  for (Method method : {Method::kLookup, Method::kFactorised}) {
    if (method == Method::kFactorised && factors == 0) continue;
    const double estimate = seconds(product, method, factors);
    if (estimate < least) {
      least = estimate;
      best = method;
    }
  }
  return plan_for(product, best, multiprocessors, factors);
}

/// What each tap would have contributed outside the image: [matrices][taps][outputs].
struct OutsideArgs {
  MatrixProduct product;
  Products products;
  int32_t* sums;

  LUTRA_HD int64_t count() const {
    return int64_t{product.matrices} * product.first.taps() * product.outputs;
  }
};

LUTRA_HD inline void outside_at(const OutsideArgs& args, int64_t index) {
  const int output = static_cast<int>(index % args.product.outputs);
  const int64_t rest = index / args.product.outputs;
  const int tap = static_cast<int>(rest % args.product.first.taps());
  const int matrix = static_cast<int>(rest / args.product.first.taps());
  const int channels = args.product.first.channels;
  uint32_t sum = 0;
  for (int c = 0; c < channels; ++c) {
    const int8_t w = args.product.second.element(matrix, output, tap * channels + c);
    sum += static_cast<uint32_t>(args.products(args.product.first.pad_value, w));
  }
  args.sums[index] = static_cast<int32_t>(sum);
}

/// What a product needs besides its first operand: the pieces of a call share it.
struct Prepared {
  Plan plan;
  const int32_t* outside = nullptr;  ///< as in Finish
  const int8_t* second = nullptr;    ///< the others as in FactorisedTile
  const int32_t* offsets = nullptr;
  const int32_t* for_output = nullptr;
};

namespace detail {

/// Sums of a map over the terms of each row, or each output.
template <typename Device>
const int32_t* map_sums(Device& device, const MatrixProduct& product, bool of_first,
                        const int32_t* map) {
  MapSumKernel::Arguments sums{product, of_first, map, nullptr};
  sums.sums = device.template scratch<int32_t>(sums.count());
  device.template run<MapSumKernel>(sums);
  return sums.sums;
}

template <typename Device>
void run_lookup(Device& device, const MatrixProduct& product, const DeviceTables& tables,
                const Plan& plan, const Finish& finish) {
  LookupKernel::Arguments args{};
  args.product = product;
  args.finish = finish;
  args.finish.constant = static_cast<int32_t>(static_cast<uint32_t>(tables.products.base) *
                                              static_cast<uint32_t>(product.terms()));
  args.columns = tables.columns;
  args.row_tiles = static_cast<int>(tiles(product.rows(), LookupKernel::kRows));
  args.rows_of_tile =
      static_cast<int>(tiles(tiles(product.rows(), args.row_tiles), LookupKernel::kRowsOfWarp)) *
      LookupKernel::kRowsOfWarp;
  args.row_tiles = static_cast<int>(tiles(product.rows(), args.rows_of_tile));
  args.output_tiles = static_cast<int>(tiles(product.outputs, LookupKernel::kOutputs));
  args.terms_of_part =
      static_cast<int>(tiles(tiles(product.terms(), plan.parts), LookupKernel::kChunk)) *
      LookupKernel::kChunk;
  args.parts = static_cast<int>(tiles(product.terms(), args.terms_of_part));
  device.template run<LookupKernel>(args);
}

template <typename Kernel, typename Device>
void run_factorised(Device& device, const MatrixProduct& product, const DeviceTables& tables,
                    const Prepared& prepared, const Finish& finish, const MappedLayout& layout) {
  const Factors& factors = *tables.factors;
  typename Kernel::Arguments args{};
  args.product = product;
  args.finish = finish;
  args.layout = layout;
  args.factors = factors.terms;
  std::copy(factors.to_next.begin(), factors.to_next.end(), args.to_next);
  args.second = prepared.second;
  args.offsets = prepared.offsets;
  args.finish.for_output = prepared.for_output;

  MapFirstArgs first{product, layout, tables.u, factors.terms, nullptr};
  first.mapped =
      device.template scratch<uint32_t>(first.count() * layout.piece / 4 * first.factors);
  device.template for_each<MapFirstArgs, map_first_at>(first, first.count());
  args.first = reinterpret_cast<const int8_t*>(first.mapped);
  if (factors.has_row) args.finish.for_row = map_sums(device, product, true, tables.row);

  args.row_tiles = static_cast<int>(tiles(product.rows(), Kernel::kRows));
  args.output_tiles = static_cast<int>(tiles(product.outputs, Kernel::kOutputs));
  args.steps_of_part = static_cast<int>(tiles(args.steps(), prepared.plan.parts));
  args.parts = static_cast<int>(tiles(args.steps(), args.steps_of_part));
  device.template run<Kernel>(args);
}

template <int kPiece, typename Device>
void run_factorised(Device& device, const MatrixProduct& product, const DeviceTables& tables,
                    const Prepared& prepared, const Finish& finish, const MappedLayout& layout) {
  const auto run = [&](auto* kernel) {
    run_factorised<std::remove_pointer_t<decltype(kernel)>>(device, product, tables, prepared,
                                                            finish, layout);
  };
  const bool few = few_outputs(product);
  if (device.has_warpgroups()) {
    few ? run(static_cast<WarpgroupKernel<kPiece, 64>*>(nullptr))
        : run(static_cast<WarpgroupKernel<kPiece, 128>*>(nullptr));
  } else {
    few ? run(static_cast<WarpKernel<kPiece, 1>*>(nullptr))
        : run(static_cast<WarpKernel<kPiece, 2>*>(nullptr));
  }
}

}  // namespace detail

/// Makes what products with the second operand, kernels and paddings of this one share.
/// @param plan  not of Method::kElements
template <typename Device>
Prepared prepare(Device& device, const MatrixProduct& product, const DeviceTables& tables,
                 const Plan& plan) {
  Prepared prepared{plan};
  const Windows& first = product.first;
  const bool padded = first.vertical.pad_before + first.vertical.pad_after +
                          first.horizontal.pad_before + first.horizontal.pad_after >
                      0;
  if (product.padding == Padding::kNothing && padded) {
    OutsideArgs args{product, tables.products, nullptr};
    args.sums = device.template scratch<int32_t>(args.count());
    prepared.outside = args.sums;
    device.template for_each<OutsideArgs, outside_at>(args, args.count());
  }
  if (plan.method == Method::kLookup) return prepared;

  const Factors& factors = *tables.factors;
  const MappedLayout layout = MappedLayout::of(product);
  MapSecondArgs second{product, layout, tables.v, factors.terms, nullptr};
  second.mapped =
      device.template scratch<uint32_t>(second.count() * layout.piece / 4 * second.factors);
  device.template for_each<MapSecondArgs, map_second_at>(second, second.count());
  prepared.second = reinterpret_cast<const int8_t*>(second.mapped);

  OffsetArgs offsets{product.first, layout, nullptr};
  offsets.offsets = device.template scratch<int32_t>(offsets.count());
  device.template for_each<OffsetArgs, offset_at>(offsets, offsets.count());
  prepared.offsets = offsets.offsets;

  if (factors.has_column) {
    prepared.for_output = detail::map_sums(device, product, false, tables.column);
  }
  return prepared;
}

/// Runs a product by tiles. What was prepared for a product with more rows may be used: then no
/// more scratch memory is asked for than for that one.
template <typename Device>
void run_product(Device& device, const MatrixProduct& product, const DeviceTables& tables,
                 const Prepared& prepared) {
  const Plan& plan = prepared.plan;
  Finish finish{};
  finish.outside = prepared.outside;
  if (plan.parts > 1) {
    const int64_t count = int64_t{product.matrices} * product.rows() * product.outputs;
    finish.partial = product.sums.to.sums != nullptr ? product.sums.to.sums
                                                     : device.template scratch<int32_t>(count);
    device.zero(finish.partial, count);
  }
  if (plan.method == Method::kLookup) {
    detail::run_lookup(device, product, tables, plan, finish);
  } else {
    const MappedLayout layout = MappedLayout::of(product);
    layout.piece == 16
        ? detail::run_factorised<16>(device, product, tables, prepared, finish, layout)
        : detail::run_factorised<4>(device, product, tables, prepared, finish, layout);
  }
  if (finish.partial == nullptr || product.sums.to.output == nullptr) return;
  const RequantiseArgs args{int64_t{product.matrices} * product.rows() * product.outputs,
                            finish.partial, product.sums.to.requantisation, product.sums.to.output};
  device.template for_each<RequantiseArgs, requantise_at>(args, args.count());
}

}  // namespace lutra::engine::cuda

#endif  // LUTRA_ENGINE_CUDA_PRODUCT_PLAN_H_
