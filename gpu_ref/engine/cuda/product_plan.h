#ifndef LUTRA_ENGINE_CUDA_PRODUCT_PLAN_H_
#define LUTRA_ENGINE_CUDA_PRODUCT_PLAN_H_

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "cuda/lookup_kernel.h"
#include "cuda/warp_kernel.h"
#include "cuda/warpgroup_kernel.h"
#include "matrix/gemm_algorithm.h"

/// Which kernels a matrix product takes, and in which order. `Context` is where they run:
///
///   DeviceProperties properties();
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

/// What plans depend on, of a device.
struct DeviceProperties {
  int multiprocessors;
  int shared_memory_per_block;  ///< bytes that a block can have
  bool has_warpgroups;          ///< whether WarpgroupKernel can run
};

/// Whether tiles of factorised products have 64 outputs, not 128.
inline bool few_outputs(const ImplicitGemm& product) { return product.outputs <= 64; }

/// How an algorithm by tiles divides a product.
struct Tiling {
  int rows, outputs, blocks_per_multiprocessor;

  int64_t row_tiles(const ImplicitGemm& product) const { return tiles(product.rows(), rows); }
  int64_t output_tiles(const ImplicitGemm& product) const {
    return tiles(product.outputs, outputs);
  }
  int64_t blocks(const ImplicitGemm& product) const {
    return product.matrices * row_tiles(product) * output_tiles(product);
  }

  static int64_t tiles(int64_t size, int64_t tile) { return (size + tile - 1) / tile; }

  template <typename Kernel>
  static Tiling of() {
    return {Kernel::kRows, Kernel::kOutputs, Kernel::kBlocksPerMultiprocessor};
  }
  static Tiling of(const ImplicitGemm& product, GemmAlgorithm algorithm,
                   const DeviceProperties& properties) {
    const bool few = few_outputs(product);
    if (algorithm == GemmAlgorithm::kLookup) return of<LookupKernel<true>>();
    if (properties.has_warpgroups) {
      return few ? of<WarpgroupKernel<16, 64>>() : of<WarpgroupKernel<16, 128>>();
    }
    return few ? of<WarpKernel<16, 1>>() : of<WarpKernel<16, 2>>();
  }
};

struct Plan {
  GemmAlgorithm algorithm;
  int splits;  ///< of K, the terms, at most: more blocks for products with few outputs
};

/// What an algorithm takes, in seconds: fitted to figures of an H200 (README.md). `launch` and
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

inline Plan plan_for(const ImplicitGemm& product, GemmAlgorithm algorithm,
                     const DeviceProperties& properties, int factors) {
  if (algorithm == GemmAlgorithm::kReference) return {algorithm, 1};
  const Tiling tiling = Tiling::of(product, algorithm, properties);
  const int64_t blocks = tiling.blocks(product);
  const int64_t wanted = int64_t{properties.multiprocessors} * tiling.blocks_per_multiprocessor;
  if (blocks == 0 || blocks >= wanted) return {algorithm, 1};
  // With fewer terms in a split, prologue and epilogue would be most of the work.
  const int most = algorithm == GemmAlgorithm::kLookup
                       ? product.terms() / 32
                       : factors * MappedLayout::of(product).terms / (2 * MappedLayout::kTerms);
  return {algorithm, static_cast<int>(std::min<int64_t>(std::max(1, most), wanted / blocks))};
}

/// Estimated seconds. Blocks that run together are as slow as one.
inline double seconds(const ImplicitGemm& product, const Plan& plan,
                      const DeviceProperties& properties, int factors) {
  const Costs costs;
  const double rows = product.rows();
  const double terms = product.terms();
  if (plan.algorithm == GemmAlgorithm::kReference) {
    const double elements = product.matrices * rows * product.outputs;
    return costs.launch + std::max(elements * terms * costs.element, terms * costs.element_term);
  }
  const Tiling tiling = Tiling::of(product, plan.algorithm, properties);
  const double rounds = static_cast<double>(
      Tiling::tiles(tiling.blocks(product) * plan.splits,
                    int64_t{properties.multiprocessors} * tiling.blocks_per_multiprocessor));
  if (plan.algorithm == GemmAlgorithm::kLookup) {
    const double filled = rows / static_cast<double>(tiling.row_tiles(product) * tiling.rows);
    return costs.launch + rounds * (terms / plan.splits * costs.lookup_term * (1 + filled) / 2 +
                                    costs.lookup_block);
  }
  const double steps = static_cast<double>(factors) * MappedLayout::of(product).terms /
                       MappedLayout::kTerms / plan.splits;
  return 5 * costs.launch + rounds * (steps * costs.exact_step + costs.exact_block);
}

/// The algorithm that is estimated to be the fastest.
/// @param factors  of the multiplier, 0: none
inline Plan plan_for(const ImplicitGemm& product, const DeviceProperties& properties, int factors) {
  Plan best = plan_for(product, GemmAlgorithm::kReference, properties, factors);
  for (GemmAlgorithm algorithm : {GemmAlgorithm::kLookup, GemmAlgorithm::kFactorised}) {
    if (algorithm == GemmAlgorithm::kFactorised &&
        (factors == 0 || !MappedLayout::of(product).addressable(product))) {
      continue;
    }
    const Plan plan = plan_for(product, algorithm, properties, factors);
    if (seconds(product, plan, properties, factors) < seconds(product, best, properties, factors)) {
      best = plan;
    }
  }
  return best;
}

/// What each tap would have contributed outside the image: [matrices][taps][outputs].
struct PaddingSumArgs {
  ImplicitGemm product;
  Products products;
  int32_t* sums;

  LUTRA_HD int64_t count() const {
    return int64_t{product.matrices} * product.first.taps() * product.outputs;
  }
};

LUTRA_HD inline void padding_sum_at(const PaddingSumArgs& args, int64_t index) {
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

/// What a product needs besides its first operand: the chunks of a call share it.
struct PreparedGemm {
  Plan plan;
  const int32_t* padding_sums = nullptr;  ///< as in Epilogue
  const int8_t* second = nullptr;         ///< the others as in FactorisedTile
  const int32_t* offsets = nullptr;
  const int32_t* for_output = nullptr;
};

namespace detail {

template <typename Items, typename Context>
const int32_t* map_sums(Context& context, const Items& items, const int32_t* map) {
  typename MapSumKernel<Items>::Arguments args{items, map, nullptr};
  args.sums = context.template scratch<int32_t>(items.count());
  context.template run<MapSumKernel<Items>>(args);
  return args.sums;
}

/// Sums of a map over the terms of each row.
template <typename Context>
const int32_t* row_sums(Context& context, const ImplicitGemm& product, const MappedLayout& layout,
                        const int32_t* map) {
  const int32_t* const of_pixels = map_sums(context, Pixels{product, layout}, map);
  // With one tap, and an output for each pixel, a pixel is all of its row.
  const bool rows_are_pixels = product.first.taps() == 1 &&
                               layout.height == product.first.out_height &&
                               layout.width == product.first.out_width;
  if (rows_are_pixels) return of_pixels;
  TapSumArgs args{product, layout, of_pixels, nullptr};
  args.sums = context.template scratch<int32_t>(args.count());
  context.template for_each<TapSumArgs, tap_sum_at>(args, args.count());
  return args.sums;
}

/// Runs a kernel with split K, and adds up the splits where there are more than one.
template <typename Kernel, typename Context>
void run_split_k(Context& context, typename Kernel::Arguments args) {
  const ImplicitGemm& product = args.product;
  if (args.splits == 1) return context.template run<Kernel>(args);
  ReduceSplitsArgs add{int64_t{product.matrices} * product.rows() * product.outputs, args.splits,
                       nullptr, product.sums.to};
  args.epilogue.split_size = add.size;
  args.epilogue.partial = context.template scratch<int32_t>(add.size * args.splits);
  add.partial = args.epilogue.partial;
  context.template run<Kernel>(args);
  context.template for_each<ReduceSplitsArgs, reduce_splits_at>(add, add.size);
}

template <bool kTableInShared, typename Context>
void run_lookup(Context& context, const ImplicitGemm& product, const DeviceTables& tables,
                const Plan& plan, const Epilogue& epilogue) {
  using Kernel = LookupKernel<kTableInShared>;
  typename Kernel::Arguments args{};
  args.product = product;
  args.epilogue = epilogue;
  args.epilogue.constant = static_cast<int32_t>(static_cast<uint32_t>(tables.products.base) *
                                                static_cast<uint32_t>(product.terms()));
  args.columns = tables.columns;
  args.row_tiles = static_cast<int>(Tiling::tiles(product.rows(), Kernel::kRows));
  args.rows_per_tile = static_cast<int>(Tiling::tiles(Tiling::tiles(product.rows(), args.row_tiles),
                                                      Kernel::kRowsPerWarp)) *
                       Kernel::kRowsPerWarp;
  args.row_tiles = static_cast<int>(Tiling::tiles(product.rows(), args.rows_per_tile));
  args.output_tiles = static_cast<int>(Tiling::tiles(product.outputs, Kernel::kOutputs));
  args.terms_per_split =
      static_cast<int>(Tiling::tiles(Tiling::tiles(product.terms(), plan.splits), Kernel::kChunk)) *
      Kernel::kChunk;
  args.splits = static_cast<int>(Tiling::tiles(product.terms(), args.terms_per_split));
  run_split_k<Kernel>(context, args);
}

template <typename Kernel, typename Context>
void run_factorised(Context& context, const ImplicitGemm& product, const DeviceTables& tables,
                    const PreparedGemm& prepared, const Epilogue& epilogue,
                    const MappedLayout& layout) {
  const Factors& factors = *tables.factors;
  typename Kernel::Arguments args{};
  args.product = product;
  args.epilogue = epilogue;
  args.layout = layout;
  args.factors = factors.terms;
  std::copy(factors.scale_ratios.begin(), factors.scale_ratios.end(), args.scale_ratios);
  args.second = prepared.second;
  args.offsets = prepared.offsets;
  args.epilogue.for_output = prepared.for_output;

  MapFirstArgs first{{product, layout, tables.u, factors.terms, nullptr}};
  first.mapped =
      context.template scratch<uint32_t>(first.count() * layout.vector_bytes / 4 * first.factors);
  context.template for_each<MapFirstArgs, map_at<MapFirstArgs>>(first, first.count());
  args.first = reinterpret_cast<const int8_t*>(first.mapped);
  if (factors.has_row) args.epilogue.for_row = row_sums(context, product, layout, tables.row);

  args.row_tiles = static_cast<int>(Tiling::tiles(product.rows(), Kernel::kRows));
  args.output_tiles = static_cast<int>(Tiling::tiles(product.outputs, Kernel::kOutputs));
  args.steps_per_split = static_cast<int>(Tiling::tiles(args.steps(), prepared.plan.splits));
  args.splits = static_cast<int>(Tiling::tiles(args.steps(), args.steps_per_split));
  run_split_k<Kernel>(context, args);
}

template <int kVectorBytes, typename Context>
void run_factorised(Context& context, const ImplicitGemm& product, const DeviceTables& tables,
                    const PreparedGemm& prepared, const Epilogue& epilogue,
                    const MappedLayout& layout) {
  const auto run = [&](auto* kernel) {
    run_factorised<std::remove_pointer_t<decltype(kernel)>>(context, product, tables, prepared,
                                                            epilogue, layout);
  };
  const bool few = few_outputs(product);
  if (context.properties().has_warpgroups) {
    few ? run(static_cast<WarpgroupKernel<kVectorBytes, 64>*>(nullptr))
        : run(static_cast<WarpgroupKernel<kVectorBytes, 128>*>(nullptr));
  } else {
    few ? run(static_cast<WarpKernel<kVectorBytes, 1>*>(nullptr))
        : run(static_cast<WarpKernel<kVectorBytes, 2>*>(nullptr));
  }
}

}  // namespace detail

/// Makes what products with the second operand, kernels and paddings of this one share.
/// @param plan  not of GemmAlgorithm::kReference
template <typename Context>
PreparedGemm prepare(Context& context, const ImplicitGemm& product, const DeviceTables& tables,
                     const Plan& plan) {
  PreparedGemm prepared{plan};
  const Im2colView& first = product.first;
  const bool padded = first.vertical.pad_before + first.vertical.pad_after +
                          first.horizontal.pad_before + first.horizontal.pad_after >
                      0;
  if (product.padding == Padding::kNothing && padded) {
    PaddingSumArgs args{product, tables.products, nullptr};
    args.sums = context.template scratch<int32_t>(args.count());
    prepared.padding_sums = args.sums;
    context.template for_each<PaddingSumArgs, padding_sum_at>(args, args.count());
  }
  if (plan.algorithm == GemmAlgorithm::kLookup) return prepared;

  const Factors& factors = *tables.factors;
  const MappedLayout layout = MappedLayout::of(product);
  MapSecondArgs second{{product, layout, tables.v, factors.terms, nullptr}};
  second.mapped =
      context.template scratch<uint32_t>(second.count() * layout.vector_bytes / 4 * second.factors);
  context.template for_each<MapSecondArgs, map_at<MapSecondArgs>>(second, second.count());
  prepared.second = reinterpret_cast<const int8_t*>(second.mapped);

  OffsetArgs offsets{product.first, layout, nullptr};
  offsets.offsets = context.template scratch<int32_t>(offsets.count());
  context.template for_each<OffsetArgs, offset_at>(offsets, offsets.count());
  prepared.offsets = offsets.offsets;

  if (factors.has_column) {
    prepared.for_output = detail::map_sums(context, SecondOperands{product}, tables.column);
  }
  return prepared;
}

/// Runs a product by tiles. What was prepared for a product with more rows may be used: then no
/// more scratch memory is asked for than for that one.
template <typename Context>
void run_product(Context& context, const ImplicitGemm& product, const DeviceTables& tables,
                 const PreparedGemm& prepared) {
  const Plan& plan = prepared.plan;
  Epilogue epilogue{};
  epilogue.padding_sums = prepared.padding_sums;
  if (plan.algorithm == GemmAlgorithm::kLookup) {
    sizeof(LookupKernel<true>::Shared) <=
            static_cast<size_t>(context.properties().shared_memory_per_block)
        ? detail::run_lookup<true>(context, product, tables, plan, epilogue)
        : detail::run_lookup<false>(context, product, tables, plan, epilogue);
    return;
  }
  const MappedLayout layout = MappedLayout::of(product);
  layout.vector_bytes == 16
      ? detail::run_factorised<16>(context, product, tables, prepared, epilogue, layout)
      : detail::run_factorised<4>(context, product, tables, prepared, epilogue, layout);
}

}  // namespace lutra::engine::cuda

#endif  // LUTRA_ENGINE_CUDA_PRODUCT_PLAN_H_
