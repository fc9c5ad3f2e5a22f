#ifndef LUTRA_ENGINE_CUDA_PRODUCT_PLAN_H_
#define LUTRA_ENGINE_CUDA_PRODUCT_PLAN_H_

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "cuda/lookup_kernel.h"
#include "cuda/warp_kernel.h"
#include "cuda/warpgroup_kernel.h"
#include "matrix/way.h"

/// Which kernels a matrix product takes, and in which order. `Device` is where they run:
///
///   Processor processor();
///   T* scratch<T>(int64_t count);                    // lives until the product is done
///   void run<Kernel>(const Kernel::Arguments&);
///   void for_each<Args, at>(const Args&, int64_t count);
namespace lutra::engine::cuda {

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

/// What plans depend on.
struct Processor {
  int multiprocessors;
  int shared_memory_of_block;  ///< bytes that a block can have
  bool has_warpgroups;         ///< whether WarpgroupKernel can run
};

/// Whether tiles of factorised products have 64 outputs, not 128.
inline bool few_outputs(const MatrixProduct& product) { return product.outputs <= 64; }

/// How a way by tiles cuts a product up.
struct Tiling {
  int rows, outputs, blocks_of_multiprocessor;

  int64_t row_tiles(const MatrixProduct& product) const { return tiles(product.rows(), rows); }
  int64_t output_tiles(const MatrixProduct& product) const {
    return tiles(product.outputs, outputs);
  }
  int64_t blocks(const MatrixProduct& product) const {
    return product.matrices * row_tiles(product) * output_tiles(product);
  }

  static int64_t tiles(int64_t size, int64_t tile) { return (size + tile - 1) / tile; }

  template <typename Kernel>
  static Tiling of() {
    return {Kernel::kRows, Kernel::kOutputs, Kernel::kBlocksPerMultiprocessor};
  }
  static Tiling of(const MatrixProduct& product, Way way, const Processor& processor) {
    const bool few = few_outputs(product);
    if (way == Way::kLookup) return of<LookupKernel<true>>();
    if (processor.has_warpgroups) {
      return few ? of<WarpgroupKernel<16, 64>>() : of<WarpgroupKernel<16, 128>>();
    }
    return few ? of<WarpKernel<16, 1>>() : of<WarpKernel<16, 2>>();
  }
};

struct Plan {
  Way way;
  int parts;  ///< of the terms, at most: more blocks for products with few outputs
};

/// What a way takes, in seconds: fitted to figures of an H200 (README.md). `launch` and
/// `element_term` are guesses; they matter for small products alone.
struct Costs {
  double launch = 4e-6;
  double element = 3.8e-12;      ///< a product, with threads for all multiprocessors
  double element_term = 2e-8;    ///< a term of a thread
  double lookup_term = 0.95e-6;  ///< of a whole tile: half of it makes lines, whatever the rows
  double lookup_block = 12e-6;
  double exact_step = 0.47e-6;
  double exact_block = 9e-6;
};

inline Plan plan_for(const MatrixProduct& product, Way way, const Processor& processor,
                     int factors) {
  if (way == Way::kReference) return {way, 1};
  const Tiling tiling = Tiling::of(product, way, processor);
  const int64_t blocks = tiling.blocks(product);
  const int64_t wanted = int64_t{processor.multiprocessors} * tiling.blocks_of_multiprocessor;
  if (blocks == 0 || blocks >= wanted) return {way, 1};
  // Parts of fewer terms would mostly begin and end.
  const int most = way == Way::kLookup
                       ? product.terms() / 32
                       : factors * MappedLayout::of(product).terms / (2 * MappedLayout::kTerms);
  return {way, static_cast<int>(std::min<int64_t>(std::max(1, most), wanted / blocks))};
}

/// Estimated seconds. Blocks that run together are as slow as one.
inline double seconds(const MatrixProduct& product, const Plan& plan, const Processor& processor,
                      int factors) {
  const Costs costs;
  const double rows = product.rows();
  const double terms = product.terms();
  if (plan.way == Way::kReference) {
    const double elements = product.matrices * rows * product.outputs;
    return costs.launch + std::max(elements * terms * costs.element, terms * costs.element_term);
  }
  const Tiling tiling = Tiling::of(product, plan.way, processor);
  const double rounds = static_cast<double>(
      Tiling::tiles(tiling.blocks(product) * plan.parts,
                    int64_t{processor.multiprocessors} * tiling.blocks_of_multiprocessor));
  if (plan.way == Way::kLookup) {
    const double filled = rows / static_cast<double>(tiling.row_tiles(product) * tiling.rows);
    return costs.launch + rounds * (terms / plan.parts * costs.lookup_term * (1 + filled) / 2 +
                                    costs.lookup_block);
  }
  const double steps = static_cast<double>(factors) * MappedLayout::of(product).terms /
                       MappedLayout::kTerms / plan.parts;
  return 5 * costs.launch + rounds * (steps * costs.exact_step + costs.exact_block);
}

/// The way that is estimated to be the quickest.
/// @param factors  of the multiplier, 0: none
inline Plan plan_for(const MatrixProduct& product, const Processor& processor, int factors) {
  Plan best = plan_for(product, Way::kReference, processor, factors);
  for (Way way : {Way::kLookup, Way::kExact}) {
    if (way == Way::kExact && (factors == 0 || !MappedLayout::of(product).addressable(product))) {
      continue;
    }
    const Plan plan = plan_for(product, way, processor, factors);
    if (seconds(product, plan, processor, factors) < seconds(product, best, processor, factors)) {
      best = plan;
    }
  }
  return best;
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

template <typename Items, typename Device>
const int32_t* map_sums(Device& device, const Items& items, const int32_t* map) {
  typename MapSumKernel<Items>::Arguments args{items, map, nullptr};
  args.sums = device.template scratch<int32_t>(items.count());
  device.template run<MapSumKernel<Items>>(args);
  return args.sums;
}

/// Sums of a map over the terms of each row.
template <typename Device>
const int32_t* row_sums(Device& device, const MatrixProduct& product, const MappedLayout& layout,
                        const int32_t* map) {
  const int32_t* const of_pixels = map_sums(device, Pixels{product, layout}, map);
  if (product.first.taps() == 1 && layout.pixels == product.rows()) return of_pixels;
  TapSumArgs args{product, layout, of_pixels, nullptr};
  args.sums = device.template scratch<int32_t>(args.count());
  device.template for_each<TapSumArgs, tap_sum_at>(args, args.count());
  return args.sums;
}

/// Runs a kernel whose blocks are parts, and adds these up where there are more than one.
template <typename Kernel, typename Device>
void run_parts(Device& device, typename Kernel::Arguments args) {
  const MatrixProduct& product = args.product;
  if (args.parts == 1) return device.template run<Kernel>(args);
  AddPartsArgs add{int64_t{product.matrices} * product.rows() * product.outputs, args.parts,
                   nullptr, product.sums.to};
  args.finish.part_size = add.size;
  args.finish.partial = device.template scratch<int32_t>(add.size * args.parts);
  add.partial = args.finish.partial;
  device.template run<Kernel>(args);
  device.template for_each<AddPartsArgs, add_parts_at>(add, add.size);
}

template <bool kTableInShared, typename Device>
void run_lookup(Device& device, const MatrixProduct& product, const DeviceTables& tables,
                const Plan& plan, const Finish& finish) {
  using Kernel = LookupKernel<kTableInShared>;
  typename Kernel::Arguments args{};
  args.product = product;
  args.finish = finish;
  args.finish.constant = static_cast<int32_t>(static_cast<uint32_t>(tables.products.base) *
                                              static_cast<uint32_t>(product.terms()));
  args.columns = tables.columns;
  args.row_tiles = static_cast<int>(Tiling::tiles(product.rows(), Kernel::kRows));
  args.rows_of_tile = static_cast<int>(Tiling::tiles(Tiling::tiles(product.rows(), args.row_tiles),
                                                     Kernel::kRowsOfWarp)) *
                      Kernel::kRowsOfWarp;
  args.row_tiles = static_cast<int>(Tiling::tiles(product.rows(), args.rows_of_tile));
  args.output_tiles = static_cast<int>(Tiling::tiles(product.outputs, Kernel::kOutputs));
  args.terms_of_part =
      static_cast<int>(Tiling::tiles(Tiling::tiles(product.terms(), plan.parts), Kernel::kChunk)) *
      Kernel::kChunk;
  args.parts = static_cast<int>(Tiling::tiles(product.terms(), args.terms_of_part));
  run_parts<Kernel>(device, args);
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

  MapFirstArgs first{{product, layout, tables.u, factors.terms, nullptr}};
  first.mapped =
      device.template scratch<uint32_t>(first.count() * layout.piece / 4 * first.factors);
  device.template for_each<MapFirstArgs, map_at<MapFirstArgs>>(first, first.count());
  args.first = reinterpret_cast<const int8_t*>(first.mapped);
  if (factors.has_row) args.finish.for_row = row_sums(device, product, layout, tables.row);

  args.row_tiles = static_cast<int>(Tiling::tiles(product.rows(), Kernel::kRows));
  args.output_tiles = static_cast<int>(Tiling::tiles(product.outputs, Kernel::kOutputs));
  args.steps_of_part = static_cast<int>(Tiling::tiles(args.steps(), prepared.plan.parts));
  args.parts = static_cast<int>(Tiling::tiles(args.steps(), args.steps_of_part));
  run_parts<Kernel>(device, args);
}

template <int kPiece, typename Device>
void run_factorised(Device& device, const MatrixProduct& product, const DeviceTables& tables,
                    const Prepared& prepared, const Finish& finish, const MappedLayout& layout) {
  const auto run = [&](auto* kernel) {
    run_factorised<std::remove_pointer_t<decltype(kernel)>>(device, product, tables, prepared,
                                                            finish, layout);
  };
  const bool few = few_outputs(product);
  if (device.processor().has_warpgroups) {
    few ? run(static_cast<WarpgroupKernel<kPiece, 64>*>(nullptr))
        : run(static_cast<WarpgroupKernel<kPiece, 128>*>(nullptr));
  } else {
    few ? run(static_cast<WarpKernel<kPiece, 1>*>(nullptr))
        : run(static_cast<WarpKernel<kPiece, 2>*>(nullptr));
  }
}

}  // namespace detail

/// Makes what products with the second operand, kernels and paddings of this one share.
/// @param plan  not of Way::kReference
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
  if (plan.way == Way::kLookup) return prepared;

  const Factors& factors = *tables.factors;
  const MappedLayout layout = MappedLayout::of(product);
  MapSecondArgs second{{product, layout, tables.v, factors.terms, nullptr}};
  second.mapped =
      device.template scratch<uint32_t>(second.count() * layout.piece / 4 * second.factors);
  device.template for_each<MapSecondArgs, map_at<MapSecondArgs>>(second, second.count());
  prepared.second = reinterpret_cast<const int8_t*>(second.mapped);

  OffsetArgs offsets{product.first, layout, nullptr};
  offsets.offsets = device.template scratch<int32_t>(offsets.count());
  device.template for_each<OffsetArgs, offset_at>(offsets, offsets.count());
  prepared.offsets = offsets.offsets;

  if (factors.has_column) {
    prepared.for_output = detail::map_sums(device, SecondOperands{product}, tables.column);
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
  if (plan.way == Way::kLookup) {
    sizeof(LookupKernel<true>::Shared) <=
            static_cast<size_t>(device.processor().shared_memory_of_block)
        ? detail::run_lookup<true>(device, product, tables, plan, finish)
        : detail::run_lookup<false>(device, product, tables, plan, finish);
    return;
  }
  const MappedLayout layout = MappedLayout::of(product);
  layout.piece == 16 ? detail::run_factorised<16>(device, product, tables, prepared, finish, layout)
                     : detail::run_factorised<4>(device, product, tables, prepared, finish, layout);
}

}  // namespace lutra::engine::cuda

#endif  // LUTRA_ENGINE_CUDA_PRODUCT_PLAN_H_
