// Three-input operations on 64, 256 or 512 lanes at a time, one kernel a truth table: a program
// whose equal operations stand together is run with few indirect calls.
#include "lutra/netlist/bit_program.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "lutra/base/error.h"

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
  throw Error(ErrorKind::kInvalidArgument,
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

/// Runs operations from `o` on, as long as their table is the kernel's; returns the first of
/// another. With `ones`, the ones in the target of operation program[i] are added to ones[i].
using Kernel = const BitOperation* (*)(const BitOperation* o, const BitOperation* end,
                                       LaneBlock* slots, LaneBlock* ones);

inline __attribute__((always_inline)) void count_words(const std::uint64_t* words, int count,
                                                       LaneBlock* ones) {
  for (int w = 0; w < count; ++w) {
    ones->words[w % LaneBlock::kWords] +=
        static_cast<std::uint64_t>(__builtin_popcountll(words[w]));
  }
}

template <int Blocks, bool Counted>
struct Scalar {
  template <int Table>
  static const BitOperation* run(const BitOperation* o, const BitOperation* end, LaneBlock* slots,
                                 LaneBlock* ones) {
    for (; o != end && o->table == Table; ++o) {
      const std::uint64_t* a = slots[o->a * Blocks].words.data();
      const std::uint64_t* b = slots[o->b * Blocks].words.data();
      const std::uint64_t* c = slots[o->c * Blocks].words.data();
      std::uint64_t* target = slots[o->target * Blocks].words.data();
      for (int w = 0; w < Blocks * LaneBlock::kWords; ++w) {
        target[w] = of_three<Table>(a[w], b[w], c[w]);
      }
      if (Counted) count_words(target, Blocks * LaneBlock::kWords, ones++);
    }
    return o;
  }
};

#ifdef __x86_64__
template <int Blocks, bool Counted>
struct Avx2 {
  template <int Table>
  LUTRA_AVX2 static const BitOperation* run(const BitOperation* o, const BitOperation* end,
                                            LaneBlock* slots, LaneBlock* ones) {
    for (; o != end && o->table == Table; ++o) {
      const auto* a = reinterpret_cast<const __m256i*>(slots + o->a * Blocks);
      const auto* b = reinterpret_cast<const __m256i*>(slots + o->b * Blocks);
      const auto* c = reinterpret_cast<const __m256i*>(slots + o->c * Blocks);
      auto* target = reinterpret_cast<__m256i*>(slots + o->target * Blocks);
      for (int w = 0; w < 2 * Blocks; ++w) target[w] = of_three<Table>(a[w], b[w], c[w]);
      if (Counted) {
        count_words(slots[o->target * Blocks].words.data(), Blocks * LaneBlock::kWords, ones++);
      }
    }
    return o;
  }
};

template <int Blocks, bool Counted>
struct Avx512 {
  template <int Table>
  LUTRA_AVX512 static const BitOperation* run(const BitOperation* o, const BitOperation* end,
                                              LaneBlock* slots, LaneBlock* ones) {
    for (; o != end && o->table == Table; ++o) {
      const auto* a = reinterpret_cast<const __m512i*>(slots + o->a * Blocks);
      const auto* b = reinterpret_cast<const __m512i*>(slots + o->b * Blocks);
      const auto* c = reinterpret_cast<const __m512i*>(slots + o->c * Blocks);
      auto* target = reinterpret_cast<__m512i*>(slots + o->target * Blocks);
      __m512i sum = Counted ? _mm512_load_si512(ones) : _mm512_setzero_si512();
      for (int w = 0; w < Blocks; ++w) {
        const __m512i value = _mm512_ternarylogic_epi64(a[w], b[w], c[w], Table);
        target[w] = value;
        if (Counted) sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(value));
      }
      if (Counted) _mm512_store_si512(ones++, sum);
    }
    return o;
  }
};
#endif

template <typename Level, int... Tables>
constexpr std::array<Kernel, 256> kernels(std::integer_sequence<int, Tables...>) {
  return {&Level::template run<Tables>...};
}

template <typename Level>
constexpr std::array<Kernel, 256> kKernels = kernels<Level>(std::make_integer_sequence<int, 256>());

template <typename Level>
void run_with(const BitProgram& program, LaneBlock* slots, LaneBlock* ones) {
  const BitOperation* const begin = program.data();
  const BitOperation* const end = begin + program.size();
  for (const BitOperation* o = begin; o != end;) {
    o = kKernels<Level>[o->table](o, end, slots, ones == nullptr ? nullptr : ones + (o - begin));
  }
}

}  // namespace

template <int Blocks>
void run_program(SimdLevel level, const BitProgram& program, LaneBlock* slots, LaneBlock* ones) {
  const bool counted = ones != nullptr;
#ifdef __x86_64__
  if (level == SimdLevel::kAvx512) {
    return counted ? run_with<Avx512<Blocks, true>>(program, slots, ones)
                   : run_with<Avx512<Blocks, false>>(program, slots, ones);
  }
  if (level == SimdLevel::kAvx2) {
    return counted ? run_with<Avx2<Blocks, true>>(program, slots, ones)
                   : run_with<Avx2<Blocks, false>>(program, slots, ones);
  }
#endif
  counted ? run_with<Scalar<Blocks, true>>(program, slots, ones)
          : run_with<Scalar<Blocks, false>>(program, slots, ones);
}

template void run_program<1>(SimdLevel, const BitProgram&, LaneBlock*, LaneBlock*);
template void run_program<8>(SimdLevel, const BitProgram&, LaneBlock*, LaneBlock*);

// --- Transposition ------------------------------------------------------------------------------

namespace {

/// Row r of sixteen matrices side by side; the compiler splits it where registers are narrower.
typedef std::uint32_t Row __attribute__((vector_size(64), may_alias));

/// Sixteen 32x32 bit matrices, each transposed by exchanging blocks of half the size five times
/// (Warren, Hacker's Delight, 7-3).
template <int Distance>
inline __attribute__((always_inline)) void exchange(Row* rows) {
  constexpr std::uint32_t kMask = Distance == 16  ? 0x0000ffffu
                                  : Distance == 8 ? 0x00ff00ffu
                                  : Distance == 4 ? 0x0f0f0f0fu
                                  : Distance == 2 ? 0x33333333u
                                                  : 0x55555555u;
  for (int r = 0; r < 32; r = ((r | Distance) + 1) & ~Distance) {
    const Row low = rows[r];
    const Row high = rows[r | Distance];
    const Row exchanged = ((low >> Distance) ^ high) & kMask;
    rows[r | Distance] = high ^ exchanged;
    rows[r] = low ^ (exchanged << Distance);
  }
}

inline __attribute__((always_inline)) void transpose(std::uint32_t (*words)[16]) {
  Row* rows = reinterpret_cast<Row*>(words);
  exchange<16>(rows);
  exchange<8>(rows);
  exchange<4>(rows);
  exchange<2>(rows);
  exchange<1>(rows);
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
