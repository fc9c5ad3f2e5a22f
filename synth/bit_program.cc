// Three-input operations on 64, 256 or 512 lanes at a time, one kernel a truth table.
#include "lutra/synth/bit_program.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "lutra/numerics/error.h"

#ifdef __x86_64__
#include <immintrin.h>
#define LUTRA_AVX2 __attribute__((target("avx2,popcnt")))
#define LUTRA_AVX512 \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq,popcnt")))
#endif

namespace lutra::synth {

// --- Levels -------------------------------------------------------------------------------------

std::vector<SimdLevel> available_simd_levels() {
  std::vector<SimdLevel> levels = {SimdLevel::kScalar};
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2")) levels.push_back(SimdLevel::kAvx2);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512vpopcntdq")) {
    levels.push_back(SimdLevel::kAvx512);
  }
#endif
  return levels;
}

std::string to_string(SimdLevel level) {
  switch (level) {
    case SimdLevel::kScalar:
      return "scalar";
    case SimdLevel::kAvx2:
      return "avx2";
    case SimdLevel::kAvx512:
      return "avx512";
  }
  return "?";
}

SimdLevel simd_level() {
  const std::vector<SimdLevel> levels = available_simd_levels();
  const char* chosen = std::getenv("LUTRA_SIMD");
  if (chosen == nullptr || *chosen == '\0') return levels.back();
  std::string names;
  for (const SimdLevel level : levels) {
    if (to_string(level) == chosen) return level;
    names += (names.empty() ? "" : ", ") + to_string(level);
  }
  throw Error(ExitCode::kUsage,
              fmt::format("LUTRA_SIMD = \"{}\", this processor has {}", chosen, names));
}

// --- Building -----------------------------------------------------------------------------------

BitProgramBuilder::Value BitProgramBuilder::constant(bool value) {
  return {static_cast<std::uint8_t>(value ? 0xff : 0), {}, 0};
}

BitProgramBuilder::Value BitProgramBuilder::variable(int slot) { return {0xf0, {slot, 0, 0}, 1}; }

void BitProgramBuilder::emit(const Value& value, int target, BitProgram* program) {
  program->push_back({value.table, target, value.slots[0], value.slots[1], value.slots[2]});
}

BitProgramBuilder::Value BitProgramBuilder::combine(BooleanExpression::Op op, Value left,
                                                    Value right, BitProgram* program) {
  const auto united = [](const Value& x, const Value& y) {
    std::vector<int> slots(x.slots.begin(), x.slots.begin() + x.count);
    for (int i = 0; i < y.count; ++i) {
      if (std::find(slots.begin(), slots.end(), y.slots[i]) == slots.end()) {
        slots.push_back(y.slots[i]);
      }
    }
    return slots;
  };
  std::vector<int> slots = united(left, right);
  while (slots.size() > 3) {
    Value& larger = right.count > left.count ? right : left;
    const int slot = new_slot();
    emit(larger, slot, program);
    larger = variable(slot);
    slots = united(left, right);
  }
  Value result;
  result.count = static_cast<int>(slots.size());
  std::copy(slots.begin(), slots.end(), result.slots.begin());
  const auto bit = [&slots](const Value& value, int row) {
    int index = 0;  // into value.table, whose unused operands may be anything
    for (int i = 0; i < value.count; ++i) {
      const auto place = std::find(slots.begin(), slots.end(), value.slots[i]) - slots.begin();
      index |= (row >> (2 - place) & 1) << (2 - i);
    }
    return value.table >> index & 1;
  };
  for (int row = 0; row < 8; ++row) {
    const int l = bit(left, row);
    const int r = bit(right, row);
    const int value = op == BooleanExpression::Op::kAnd  ? l & r
                      : op == BooleanExpression::Op::kOr ? l | r
                                                         : l ^ r;
    result.table = static_cast<std::uint8_t>(result.table | value << row);
  }
  return result;
}

void BitProgramBuilder::append(const BooleanExpression& expression,
                               const std::function<int(const std::string&)>& slot_of, int target,
                               BitProgram* program) {
  std::vector<Value> values(expression.nodes.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const BooleanExpression::Node& node = expression.nodes[i];
    switch (node.op) {
      case BooleanExpression::Op::kConstant:
        values[i] = constant(node.value);
        break;
      case BooleanExpression::Op::kName:
        values[i] = variable(slot_of(node.name));
        break;
      case BooleanExpression::Op::kNot:
        values[i] = values[node.left];
        values[i].table = static_cast<std::uint8_t>(~values[i].table);
        break;
      default:
        values[i] = combine(node.op, values[node.left], values[node.right], program);
        break;
    }
  }
  emit(values.back(), target, program);
}

// --- Kernels ------------------------------------------------------------------------------------

namespace {

// Vectors are passed between inlined functions only: there is no call whose ABI could change.
#pragma GCC diagnostic ignored "-Wpsabi"

/// Function of two bits: bit 2 x + y of Table, in at most two instructions.
template <int Table, typename Word>
inline __attribute__((always_inline)) Word of_two(Word x, Word y) {
  const Word ones = ~Word{};
  switch (Table) {
    case 0:
      return Word{};
    case 1:
      return ~(x | y);
    case 2:
      return ~x & y;
    case 3:
      return ~x;
    case 4:
      return x & ~y;
    case 5:
      return ~y;
    case 6:
      return x ^ y;
    case 7:
      return ~(x & y);
    case 8:
      return x & y;
    case 9:
      return ~(x ^ y);
    case 10:
      return y;
    case 11:
      return ~x | y;
    case 12:
      return x;
    case 13:
      return x | ~y;
    case 14:
      return x | y;
    default:
      return ones;
  }
}

/// Function of three bits by its two halves: f = f(0, b, c) ^ (a & (f(0, b, c) ^ f(1, b, c))).
template <int Table, typename Word>
inline __attribute__((always_inline)) Word of_three(Word a, Word b, Word c) {
  constexpr int kLow = Table & 15;
  constexpr int kBoth = kLow ^ Table >> 4;
  if constexpr (kBoth == 0) return of_two<kLow>(b, c);
  if constexpr (kBoth == 15) return of_two<kLow>(b, c) ^ a;
  return of_two<kLow>(b, c) ^ (a & of_two<kBoth>(b, c));
}

using Kernel = void (*)(const BitOperation&, LaneBlock*);

template <int Blocks>
struct Scalar {
  template <int Table>
  static void run(const BitOperation& o, LaneBlock* slots) {
    const std::uint64_t* a = slots[o.a * Blocks].words.data();
    const std::uint64_t* b = slots[o.b * Blocks].words.data();
    const std::uint64_t* c = slots[o.c * Blocks].words.data();
    std::uint64_t* target = slots[o.target * Blocks].words.data();
    for (int w = 0; w < Blocks * LaneBlock::kWords; ++w) {
      target[w] = of_three<Table>(a[w], b[w], c[w]);
    }
  }
};

#ifdef __x86_64__
template <int Blocks>
struct Avx2 {
  template <int Table>
  LUTRA_AVX2 static void run(const BitOperation& o, LaneBlock* slots) {
    const auto* a = reinterpret_cast<const __m256i*>(slots + o.a * Blocks);
    const auto* b = reinterpret_cast<const __m256i*>(slots + o.b * Blocks);
    const auto* c = reinterpret_cast<const __m256i*>(slots + o.c * Blocks);
    auto* target = reinterpret_cast<__m256i*>(slots + o.target * Blocks);
    for (int w = 0; w < 2 * Blocks; ++w) target[w] = of_three<Table>(a[w], b[w], c[w]);
  }
};

template <int Blocks>
struct Avx512 {
  template <int Table>
  LUTRA_AVX512 static void run(const BitOperation& o, LaneBlock* slots) {
    const auto* a = reinterpret_cast<const __m512i*>(slots + o.a * Blocks);
    const auto* b = reinterpret_cast<const __m512i*>(slots + o.b * Blocks);
    const auto* c = reinterpret_cast<const __m512i*>(slots + o.c * Blocks);
    auto* target = reinterpret_cast<__m512i*>(slots + o.target * Blocks);
    for (int w = 0; w < Blocks; ++w) {
      target[w] = _mm512_ternarylogic_epi64(a[w], b[w], c[w], Table);
    }
  }
};
#endif

template <typename Level, int... Tables>
constexpr std::array<Kernel, 256> kernels(std::integer_sequence<int, Tables...>) {
  return {&Level::template run<Tables>...};
}

template <typename Level>
constexpr std::array<Kernel, 256> kKernels = kernels<Level>(std::make_integer_sequence<int, 256>());

void count_scalar(const LaneBlock* blocks, int count, LaneBlock* ones) {
  for (int b = 0; b < count; ++b) {
    for (int w = 0; w < LaneBlock::kWords; ++w) {
      ones->words[w] += static_cast<std::uint64_t>(__builtin_popcountll(blocks[b].words[w]));
    }
  }
}

#ifdef __x86_64__
LUTRA_AVX2 void count_avx2(const LaneBlock* blocks, int count, LaneBlock* ones) {
  for (int b = 0; b < count; ++b) {
    for (int w = 0; w < LaneBlock::kWords; ++w) {
      ones->words[w] += static_cast<std::uint64_t>(__builtin_popcountll(blocks[b].words[w]));
    }
  }
}

template <int Blocks>
LUTRA_AVX512 void run_counted_avx512(const BitProgram& program, LaneBlock* slots, LaneBlock* ones) {
  for (const BitOperation& o : program) {
    kKernels<Avx512<Blocks>>[o.table](o, slots);
    const auto* target = reinterpret_cast<const __m512i*>(slots + o.target * Blocks);
    __m512i sum = _mm512_load_si512(ones);
    for (int w = 0; w < Blocks; ++w) {
      sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(target[w]));
    }
    _mm512_store_si512(ones++, sum);
  }
}
#endif

template <typename Level, int Blocks>
void run_with(const BitProgram& program, LaneBlock* slots, LaneBlock* ones,
              void (*count)(const LaneBlock*, int, LaneBlock*)) {
  if (ones == nullptr) {
    for (const BitOperation& o : program) kKernels<Level>[o.table](o, slots);
    return;
  }
  for (const BitOperation& o : program) {
    kKernels<Level>[o.table](o, slots);
    count(slots + o.target * Blocks, Blocks, ones++);
  }
}

}  // namespace

template <int Blocks>
void run_program(SimdLevel level, const BitProgram& program, LaneBlock* slots, LaneBlock* ones) {
#ifdef __x86_64__
  if (level == SimdLevel::kAvx512) {
    if (ones != nullptr) return run_counted_avx512<Blocks>(program, slots, ones);
    return run_with<Avx512<Blocks>, Blocks>(program, slots, nullptr, nullptr);
  }
  if (level == SimdLevel::kAvx2) {
    return run_with<Avx2<Blocks>, Blocks>(program, slots, ones, count_avx2);
  }
#endif
  run_with<Scalar<Blocks>, Blocks>(program, slots, ones, count_scalar);
}

template void run_program<1>(SimdLevel, const BitProgram&, LaneBlock*, LaneBlock*);
template void run_program<4>(SimdLevel, const BitProgram&, LaneBlock*, LaneBlock*);

// --- Transposition ------------------------------------------------------------------------------

namespace {

/// Sixteen 32x32 bit matrices side by side, each transposed by exchanging blocks of half the size
/// five times (Warren, Hacker's Delight, 7-3).
inline __attribute__((always_inline)) void transpose(std::uint32_t (*rows)[16]) {
  std::uint32_t mask = 0x0000ffffu;
  for (int half = 16; half > 0; half >>= 1, mask ^= mask << half) {
    for (int r = 0; r < 32; r = ((r | half) + 1) & ~half) {
      for (int w = 0; w < 16; ++w) {
        const std::uint32_t low = rows[r][w];
        const std::uint32_t high = rows[r | half][w];
        const std::uint32_t exchanged = ((low >> half) ^ high) & mask;
        rows[r | half][w] = high ^ exchanged;
        rows[r][w] = low ^ (exchanged << half);
      }
    }
  }
}

void transpose_scalar(std::uint32_t (*rows)[16]) { transpose(rows); }
#ifdef __x86_64__
LUTRA_AVX2 void transpose_avx2(std::uint32_t (*rows)[16]) { transpose(rows); }
LUTRA_AVX512 void transpose_avx512(std::uint32_t (*rows)[16]) { transpose(rows); }
#endif

}  // namespace

void transpose_planes(SimdLevel level, std::uint32_t (*rows)[16]) {
#ifdef __x86_64__
  if (level == SimdLevel::kAvx512) return transpose_avx512(rows);
  if (level == SimdLevel::kAvx2) return transpose_avx2(rows);
#endif
  transpose_scalar(rows);
}

}  // namespace lutra::synth
