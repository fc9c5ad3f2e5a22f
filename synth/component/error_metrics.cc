#include "lutra/component/error_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <mutex>
#include <utility>

#include "lutra/base/error.h"
#include "lutra/base/threads.h"

#ifdef __x86_64__
#define LUTRA_AVX2 __attribute__((target("avx2,popcnt,lzcnt")))
#define LUTRA_AVX512 \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq,popcnt,lzcnt")))
#endif

namespace lutra::synth {
namespace {

constexpr std::array<std::pair<const char*, double ErrorMetrics::*>, 18> kFields = {{
    {"mae", &ErrorMetrics::mae},
    {"wce", &ErrorMetrics::wce},
    {"mse", &ErrorMetrics::mse},
    {"ep", &ErrorMetrics::ep},
    {"mre_all", &ErrorMetrics::mre_all},
    {"mre_nonzero", &ErrorMetrics::mre_nonzero},
    {"wcre_all", &ErrorMetrics::wcre_all},
    {"wcre_nonzero", &ErrorMetrics::wcre_nonzero},
    {"bias", &ErrorMetrics::bias},
    {"variance", &ErrorMetrics::variance},
    {"std_dev", &ErrorMetrics::std_dev},
    {"nmed", &ErrorMetrics::nmed},
    {"hd", &ErrorMetrics::hd},
    {"mae_percent", &ErrorMetrics::mae_percent},
    {"wce_percent", &ErrorMetrics::wce_percent},
    {"zero_operand_ep", &ErrorMetrics::zero_operand_ep},
    {"zero_operand_wce", &ErrorMetrics::zero_operand_wce},
    {"noncommuting", &ErrorMetrics::noncommuting},
}};

constexpr int kVector = 16;  // products that are treated alike, one a 32-bit element

/// Sums over the pairs of a task. Integers are exact; floating-point sums run in an order that
/// depends on neither threads nor SIMD level.
struct ErrorSums {
  // A task is small enough for 64 bits; the total is not.
  static constexpr std::uint64_t kTask = 65536;

  std::uint64_t absolute = 0;
  std::uint64_t positive = 0;  // of the errors above zero
  std::uint64_t square_low = 0;
  std::uint64_t square_high = 0;  // in units of 2^32
  std::uint64_t hamming = 0;
  std::uint64_t zero_wrong = 0;
  std::uint64_t zero_absolute = 0;
  std::uint32_t worst = 0;
  std::uint32_t zero_worst = 0;
  double relative = 0;  // pairs with exact != 0
  double worst_relative = 0;
  // Bit length of |E|, 1..32, and sign; entry 0 is E = 0.
  std::array<std::array<std::uint64_t, 33>, 2> histogram{};
};

struct Shape {
  OperandWidths widths;
  bool is_signed;
};

// Eight elements a vector; the compiler splits them where registers are narrower.
typedef std::uint32_t U32x8 __attribute__((vector_size(32)));
typedef std::int32_t I32x8 __attribute__((vector_size(32)));
typedef std::uint64_t U64x8 __attribute__((vector_size(64)));
typedef double F64x8 __attribute__((vector_size(64)));

/// Adds a block to the sums. Elements of equal number modulo sixteen are summed apart, then
/// together in order, whatever the width of the registers.
template <bool Signed>
inline __attribute__((always_inline)) void add_block(const ProductBlock& block,
                                                     OperandWidths widths, ErrorSums* sums) {
  using Vector = std::conditional_t<Signed, I32x8, U32x8>;
  alignas(64) std::uint32_t sizes[32][kVector];
  alignas(64) std::uint32_t different_bits[32][kVector];
  alignas(64) std::uint32_t bins[32][kVector];
  const int unused_a = 32 - widths.a;
  const int unused_b = 32 - widths.b;
  const int unused_product = 32 - widths.product();
  const std::uint32_t product_mask = 0xffffffffu >> unused_product;
  const auto first = static_cast<std::uint32_t>(block.first);
  for (int half = 0; half < 2; ++half) {
    U64x8 absolute{};
    U64x8 positive{};
    U64x8 square_low{};
    U64x8 square_high{};
    F64x8 relative{};
    F64x8 worst_relative{};
    U32x8 worst{};
    const U32x8 lanes = {0, 32, 64, 96, 128, 160, 192, 224};
    for (int j = 0; j < 32; ++j) {
      const U32x8 lane = lanes + static_cast<std::uint32_t>(256 * half + j);
      const U32x8 pair = lane + first;
      U32x8 pattern;
      std::memcpy(&pattern, &block.products[j][8 * half], sizeof(pattern));
      // Patterns moved to the top and back take the sign with them.
      const Vector a = reinterpret_cast<Vector>((pair >> widths.b) << unused_a) >> unused_a;
      const Vector b = reinterpret_cast<Vector>(pair << unused_b) >> unused_b;
      const U32x8 exact_bits = reinterpret_cast<U32x8>(a) * reinterpret_cast<U32x8>(b);
      const Vector exact = reinterpret_cast<Vector>(exact_bits);
      const Vector got = reinterpret_cast<Vector>(pattern << unused_product) >> unused_product;
      const U32x8 meant =
          reinterpret_cast<U32x8>(lane < static_cast<std::uint32_t>(block.count));  // all ones: yes
      const U32x8 above = reinterpret_cast<U32x8>(got > exact);
      const U32x8 difference = reinterpret_cast<U32x8>(got) - exact_bits;
      const U32x8 size = ((difference ^ ~above) - ~above) & meant;
      const U32x8 minus =
          Signed ? reinterpret_cast<U32x8>(reinterpret_cast<I32x8>(exact) >> 31) : U32x8{};
      const U32x8 exact_size = (exact_bits ^ minus) - minus;
      const U32x8 no_product = reinterpret_cast<U32x8>(exact_bits == 0);

      const U64x8 wide = __builtin_convertvector(size, U64x8);
      const U64x8 square = wide * wide;
      absolute += wide;
      positive += __builtin_convertvector(size & above, U64x8);
      square_low += square & 0xffffffffu;
      square_high += square >> 32;
      worst = size > worst ? size : worst;
      const F64x8 size_f = __builtin_convertvector(size, F64x8);
      const F64x8 ratio = __builtin_convertvector(size & ~no_product, F64x8) /
                          __builtin_convertvector(exact_size | (no_product & 1), F64x8);
      relative += ratio;
      worst_relative = ratio > worst_relative ? ratio : worst_relative;
      // The exponent of a double is the bit length; 1022 less, and 0 for 0.
      const U32x8 exponent = __builtin_convertvector(reinterpret_cast<U64x8>(size_f) >> 52, U32x8);
      const U32x8 length = (exponent - 1022) & reinterpret_cast<U32x8>(size != 0);
      const U32x8 bin = length + (above & 33);
      const U32x8 different = (pattern ^ exact_bits) & product_mask & meant;
      std::memcpy(&sizes[j][8 * half], &size, sizeof(size));
      std::memcpy(&bins[j][8 * half], &bin, sizeof(bin));
      std::memcpy(&different_bits[j][8 * half], &different, sizeof(different));
    }
    for (int w = 0; w < 8; ++w) {
      sums->absolute += absolute[w];
      sums->positive += positive[w];
      sums->square_low += square_low[w];
      sums->square_high += square_high[w];
      sums->worst = std::max(sums->worst, worst[w]);
      sums->relative += relative[w];
      sums->worst_relative = std::max(sums->worst_relative, worst_relative[w]);
    }
  }
  std::uint32_t hamming = 0;
  const std::uint32_t* bits = &different_bits[0][0];
  for (int i = 0; i < LaneBlock::kLanes; ++i) {
    hamming += static_cast<std::uint32_t>(__builtin_popcount(bits[i]));
  }
  sums->hamming += hamming;
  // Four histograms in turn: neighbours are often alike, and would wait for each other.
  std::array<std::array<std::uint32_t, 66>, 4> histograms{};
  for (int j = 0; j < 32; ++j) {
    for (int w = 0; w < kVector; ++w) ++histograms[w & 3][bins[j][w]];
  }
  for (const auto& histogram : histograms) {
    for (int i = 0; i < 66; ++i) sums->histogram[i / 33][i % 33] += histogram[i];
  }
  // The few pairs with an operand 0.
  const std::uint32_t mask = (1u << widths.b) - 1;
  for (int lane = 0; lane < block.count;) {
    const std::uint32_t pair = first + lane;
    const bool row = pair >> widths.b == 0;
    if (row || (pair & mask) == 0) {
      const std::uint32_t size = sizes[lane % 32][lane / 32];
      sums->zero_wrong += size != 0;
      sums->zero_absolute += size;
      sums->zero_worst = std::max(sums->zero_worst, size);
    }
    lane += row ? 1 : static_cast<int>(std::min(1024u, (mask - (pair & mask)) + 1));
  }
}

inline __attribute__((always_inline)) void add_any(const ProductBlock& block, const Shape& shape,
                                                   ErrorSums* sums) {
  if (shape.is_signed) {
    add_block<true>(block, shape.widths, sums);
  } else {
    add_block<false>(block, shape.widths, sums);
  }
}

void add_scalar(const ProductBlock& block, const Shape& shape, ErrorSums* sums) {
  add_any(block, shape, sums);
}
#ifdef __x86_64__
LUTRA_AVX2 void add_avx2(const ProductBlock& block, const Shape& shape, ErrorSums* sums) {
  add_any(block, shape, sums);
}
LUTRA_AVX512 void add_avx512(const ProductBlock& block, const Shape& shape, ErrorSums* sums) {
  add_any(block, shape, sums);
}
#endif

using Add = void (*)(const ProductBlock&, const Shape&, ErrorSums*);

Add adder(SimdLevel level) {
#ifdef __x86_64__
  if (level == SimdLevel::kAvx512) return add_avx512;
  if (level == SimdLevel::kAvx2) return add_avx2;
#endif
  (void)level;
  return add_scalar;
}

/// Sums of tasks, in the order of the tasks.
class Total {
 public:
  explicit Total(Shape shape) : shape_(shape) {}

  void add(const ErrorSums& task) {
    absolute_ += task.absolute;
    positive_ += task.positive;
    square_low_ += task.square_low;
    square_high_ += task.square_high;
    hamming_ += task.hamming;
    zero_wrong_ += task.zero_wrong;
    zero_absolute_ += task.zero_absolute;
    worst_ = std::max(worst_, task.worst);
    zero_worst_ = std::max(zero_worst_, task.zero_worst);
    relative_ += task.relative;
    worst_relative_ = std::max(worst_relative_, task.worst_relative);
    for (int sign = 0; sign < 2; ++sign) {
      for (int i = 0; i < 33; ++i) histogram_[sign][i] += task.histogram[sign][i];
    }
  }

  ErrorMetrics metrics(std::uint64_t noncommuting) const {
    const double values_a = std::ldexp(1.0, shape_.widths.a);
    const double values_b = std::ldexp(1.0, shape_.widths.b);
    const double pairs = values_a * values_b;
    const double zeros = values_a + values_b - 1;
    const double largest = shape_.is_signed ? pairs / 4 : (values_a - 1) * (values_b - 1);
    ErrorMetrics m;
    m.mae = static_cast<double>(absolute_) / pairs;
    m.wce = worst_;
    const auto square = static_cast<long double>(square_high_) * 4294967296.0L +
                        static_cast<long double>(square_low_);
    m.mse = static_cast<double>(square / static_cast<long double>(pairs));
    std::uint64_t wrong = 0;
    for (const auto& histogram : histogram_) {
      for (int i = 1; i < 33; ++i) wrong += histogram[i];
    }
    m.ep = static_cast<double>(wrong) / pairs;
    m.mre_all = (relative_ + static_cast<double>(zero_absolute_)) / pairs;
    m.mre_nonzero = relative_ / (pairs - zeros);
    m.wcre_nonzero = worst_relative_;
    m.wcre_all = std::max<double>(worst_relative_, zero_worst_);
    m.bias = static_cast<double>(2 * positive_ - absolute_) / pairs;
    m.variance = std::max(0.0, m.mse - m.bias * m.bias);
    m.std_dev = std::sqrt(m.variance);
    m.nmed = m.mae / largest;
    m.hd = static_cast<double>(hamming_);
    m.mae_percent = 100 * m.mae / pairs;
    m.wce_percent = 100 * m.wce / pairs;
    m.zero_operand_ep = static_cast<double>(zero_wrong_) / zeros;
    m.zero_operand_wce = zero_worst_;
    m.noncommuting = shape_.widths.equal() ? 2 * static_cast<double>(noncommuting) / pairs
                                           : std::numeric_limits<double>::quiet_NaN();
    std::copy(histogram_[0].begin() + 1, histogram_[0].end(), m.histogram_negative.begin());
    std::copy(histogram_[1].begin() + 1, histogram_[1].end(), m.histogram_positive.begin());
    return m;
  }

 private:
  Shape shape_;
  __int128 absolute_ = 0;
  __int128 positive_ = 0;
  __int128 square_low_ = 0;
  __int128 square_high_ = 0;
  std::uint64_t hamming_ = 0;
  std::uint64_t zero_wrong_ = 0;
  std::uint64_t zero_absolute_ = 0;
  std::uint32_t worst_ = 0;
  std::uint32_t zero_worst_ = 0;
  double relative_ = 0;
  double worst_relative_ = 0;
  std::array<std::array<std::uint64_t, 33>, 2> histogram_{};
};

}  // namespace

ExhaustiveRun run_exhaustively(OperandWidths widths,
                               const std::function<std::unique_ptr<ProductPass>()>& make_pass,
                               const ExhaustiveOptions& options) {
  const Shape shape = {widths, options.is_signed};
  const std::uint64_t pairs = widths.pairs();
  const std::uint64_t task = std::min(pairs, ErrorSums::kTask);
  const auto tasks = static_cast<int>(pairs / task);
  ExhaustiveRun result;
  if (options.keep_products) result.products.resize(pairs);

  // Tasks end in any order; those that wait for an earlier one are few.
  std::mutex mutex;
  Total total(shape);
  std::map<int, ErrorSums> waiting;
  int next = 0;
  std::uint64_t noncommuting = 0;
  std::vector<std::uint64_t> ones;
  const auto start = std::chrono::steady_clock::now();
  auto shown = start;

  std::atomic<int> taken{0};
  const int jobs = base::thread_count(options.jobs);
  base::parallel_for(std::min(jobs, tasks), 1, jobs, [&](int, int) {
    const std::unique_ptr<ProductPass> pass = make_pass();
    const Add add = adder(pass->level());
    for (int t = taken++; t < tasks; t = taken++) {
      ErrorSums sums;
      pass->run(t * task, task, [&](const ProductBlock& block) {
        add(block, shape, &sums);
        if (!options.keep_products) return;
        for (int lane = 0; lane < block.count; ++lane) {
          result.products[block.first + lane] = block.product(lane);
        }
      });
      const std::lock_guard<std::mutex> lock(mutex);
      waiting.emplace(t, sums);
      for (auto it = waiting.begin(); it != waiting.end() && it->first == next;
           it = waiting.erase(it), ++next) {
        total.add(it->second);
      }
      const auto now = std::chrono::steady_clock::now();
      if (options.progress && now - shown > std::chrono::seconds(1)) {
        shown = now;
        options.progress(fmt::format("{:.0f} % of {} operand pairs, {:.0f} s", 100.0 * next / tasks,
                                     pairs, std::chrono::duration<double>(now - start).count()));
      }
    }
    const std::lock_guard<std::mutex> lock(mutex);
    noncommuting += pass->noncommuting();
    const std::vector<std::uint64_t> of_thread = pass->ones();
    ones.resize(of_thread.size());
    for (std::size_t i = 0; i < ones.size(); ++i) ones[i] += of_thread[i];
  });
  result.errors = total.metrics(noncommuting);
  for (const std::uint64_t count : ones) {
    result.signal_probability.push_back(static_cast<double>(count) / static_cast<double>(pairs));
  }
  return result;
}

ExhaustiveRun run_exhaustively(const ProductSweep& sweep, const ExhaustiveOptions& options) {
  return run_exhaustively(
      sweep.widths(),
      [&] {
        return std::make_unique<ProductSweep::Pass>(sweep, options.count_ones, options.commuting);
      },
      options);
}

ErrorMetrics measure_errors(const std::vector<std::int16_t>& lut, bool is_signed,
                            OperandWidths widths) {
  if (std::min(widths.a, widths.b) < 2 || widths.widest() > 8 || lut.size() != widths.pairs()) {
    throw Error(ErrorKind::kInternal,
                fmt::format("LUT of {} entries, operands of {} bits, expected 2..8", lut.size(),
                            widths.text()));
  }
  const Shape shape = {widths, is_signed};
  ErrorSums sums;
  alignas(64) std::uint32_t products[32][16] = {};
  ProductBlock block;
  block.count = static_cast<int>(std::min<std::size_t>(LaneBlock::kLanes, lut.size()));
  block.products = products;
  for (; block.first < lut.size(); block.first += LaneBlock::kLanes) {
    for (int lane = 0; lane < block.count; ++lane) {
      products[lane % 32][lane / 32] = static_cast<std::uint16_t>(lut[block.first + lane]);
    }
    adder(simd_level())(block, shape, &sums);
  }
  std::uint64_t noncommuting = 0;
  const int values = widths.equal() ? 1 << widths.a : 0;
  for (int a = 0; a < values; ++a) {
    for (int b = a + 1; b < values; ++b) {
      noncommuting += lut[a * values + b] != lut[b * values + a];
    }
  }
  Total total(shape);
  total.add(sums);
  return total.metrics(noncommuting);
}

nlohmann::json to_json(const ErrorMetrics& errors) {
  nlohmann::json json;
  for (const auto& [name, field] : kFields) {
    json[name] = std::isnan(errors.*field) ? nlohmann::json() : nlohmann::json(errors.*field);
  }
  json["histogram_negative"] = errors.histogram_negative;
  json["histogram_positive"] = errors.histogram_positive;
  return json;
}

ErrorMetrics error_metrics_from_json(const nlohmann::json& json) {
  ErrorMetrics errors;
  for (const auto& [name, field] : kFields) {
    const nlohmann::json& value = json.at(name);
    const bool has_none = field == &ErrorMetrics::noncommuting && value.is_null();
    errors.*field = has_none ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
  }
  json.at("histogram_negative").get_to(errors.histogram_negative);
  json.at("histogram_positive").get_to(errors.histogram_positive);
  return errors;
}

}  // namespace lutra::synth
