#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "lutra/accelerator/program.h"
#include "lutra/base/error.h"
#include "lutra/engine/elements.h"

namespace lutra::accelerator {
namespace {

constexpr int kMaxRows = 16;

uint32_t low(uint32_t word) { return word & 0xffff; }
uint32_t high(uint32_t word) { return word >> 16; }
uint32_t bits(uint32_t word, int lowest, int count) { return word >> lowest & ((1u << count) - 1); }

}  // namespace

ProgramModel::ProgramModel(const Program& program, const AcceleratorShape& shape,
                           std::vector<std::shared_ptr<const engine::Multiplier>> multipliers)
    : program_(program), shape_(shape), multipliers_(std::move(multipliers)) {}

uint8_t* ProgramModel::at(uint32_t address, uint32_t bytes) {
  if (uint64_t{address} + bytes > scratch_.size()) {
    throw Error(ErrorKind::kInternal,
                fmt::format("program: scratchpad bytes {}..{}, there are {}", address,
                            uint64_t{address} + bytes - 1, scratch_.size()));
  }
  return scratch_.data() + address;
}

void ProgramModel::run(const std::vector<int8_t>& input, std::vector<uint8_t>* output,
                       std::vector<uint8_t>* trace, ProgramObserver* observer) {
  // Undefined until written: a value that shows when a program relies on it.
  scratch_.assign(static_cast<size_t>(shape_.scratch_bytes), 0x80);
  counts_.clear();
  trace_counts_ = {};
  std::vector<uint8_t> image(input.begin(), input.end());
  image.resize(program_.input_bytes, 0);
  output->assign(program_.output_bytes, 0);
  trace->assign(program_.trace_bytes, 0);
  std::array<std::vector<uint8_t>*, 4> memory = {
      const_cast<std::vector<uint8_t>*>(&program_.weights), &image, output, trace};

  for (const Instruction& i : program_.instructions) {
    const std::string& step = program_.step_of_tag.at(high(i[0]));
    StepCounts& counts = bits(i[0], 8, 1) ? trace_counts_ : counts_[step];
    switch (static_cast<Opcode>(bits(i[0], 0, 8))) {
      case Opcode::kEnd:
        return;
      case Opcode::kLoad:
      case Opcode::kStore: {
        std::vector<uint8_t>& bytes = *memory.at(i[1]);
        if (uint64_t{i[2]} + i[4] > bytes.size()) {
          throw Error(ErrorKind::kInternal,
                      fmt::format("program: step {} leaves the memory of base {}", step, i[1]));
        }
        if (bits(i[0], 0, 8) == static_cast<uint32_t>(Opcode::kLoad)) {
          std::memcpy(at(i[3], i[4]), bytes.data() + i[2], i[4]);
          counts.memory_read_bytes += i[4];
          counts.scratch_writes += i[4] / 16;
        } else {
          std::memcpy(bytes.data() + i[2], at(i[3], i[4]), i[4]);
          counts.memory_write_bytes += i[4];
          counts.scratch_reads += i[4] / 16;
        }
        break;
      }
      case Opcode::kFill:
        std::memset(at(i[3], i[4]), static_cast<int>(i[5] & 0xff), i[4]);
        counts.scratch_writes += i[4] / 16;
        break;
      case Opcode::kMatmul:
        matmul(i, step, &counts, observer);
        break;
      case Opcode::kSquash: {
        const int dim = static_cast<int>(bits(i[1], 20, 5));
        const engine::Products table = multipliers_.at(bits(i[1], 16, 4))->products();
        for (uint32_t n = 0; n < low(i[6]); ++n) {
          const auto* s = reinterpret_cast<const int8_t*>(at(i[2] + n * low(i[7]), dim));
          auto* v = reinterpret_cast<int8_t*>(at(i[4] + n * low(i[8]), dim));
          if (observer) observer->squash(step, s, dim, static_cast<int>(bits(i[1], 0, 4)), false);
          engine::squash_at({1, dim, static_cast<int>(bits(i[1], 0, 4)), s, table, v}, 0);
        }
        counts.products += int64_t{low(i[6])} * dim;
        counts.squashed += low(i[6]);
        counts.scratch_reads += low(i[6]);
        counts.scratch_writes += low(i[6]);
        break;
      }
      case Opcode::kSoftmax: {
        const uint32_t n = bits(i[1], 20, 5);
        for (uint32_t m = 0; m < low(i[6]); ++m) {
          const auto* logits = reinterpret_cast<const int8_t*>(at(i[2] + m * low(i[7]), n));
          const int frac = static_cast<int>(bits(i[1], 0, 4));
          if (observer) observer->softmax(step, logits, static_cast<int>(n), frac);
          int8_t c[numerics::kMaxVector];
          numerics::softmax(logits, static_cast<int>(n), frac, c);
          for (uint32_t j = 0; j < n; ++j) {
            *at(i[4] + m * low(i[8]) + j * high(i[8]), 1) = static_cast<uint8_t>(c[j]);
          }
        }
        counts.softmaxed += low(i[6]);
        counts.scratch_reads += low(i[6]);
        counts.scratch_writes += int64_t{low(i[6])} * n;
        break;
      }
      case Opcode::kClassify: {
        const int dim = static_cast<int>(bits(i[1], 20, 5));
        const uint32_t classes = low(i[6]);
        std::vector<int8_t> v;
        for (uint32_t j = 0; j < classes; ++j) {
          const uint8_t* from = at(i[2] + j * low(i[7]), dim);
          v.insert(v.end(), from, from + dim);
        }
        if (observer) {
          for (uint32_t j = 0; j < classes; ++j) observer->squash(step, &v[j * dim], dim, 7, true);
        }
        std::vector<int32_t> scores(classes);
        int8_t best;
        engine::classify_at({1, static_cast<int>(classes), dim, v.data(),
                             multipliers_.at(bits(i[1], 16, 4))->products(), scores.data(), &best},
                            0);
        std::memset(at(i[4], 16), 0, 16);
        *at(i[4], 1) = static_cast<uint8_t>(best);
        for (uint32_t j = 0; j < classes; ++j) {
          for (int b = 0; b < 4; ++b) {
            *at(i[4] + 16 + 4 * j + b, 1) = static_cast<uint8_t>(scores[j] >> (8 * b));
          }
        }
        counts.products += int64_t{classes} * dim;
        counts.scratch_reads += classes;
        counts.scratch_writes += 1 + (classes + 3) / 4;
        break;
      }
      default:
        throw Error(ErrorKind::kInternal, fmt::format("program: opcode {}", bits(i[0], 0, 8)));
    }
  }
}

void ProgramModel::matmul(const Instruction& i, const std::string& step, StepCounts* counts,
                          ProgramObserver* observer) {
  const bool bias = bits(i[1], 0, 1);
  const bool relu = bits(i[1], 1, 1);
  const bool accumulate = bits(i[1], 2, 1);
  const int shift = static_cast<int>(bits(i[1], 8, 5));
  const engine::Products table = multipliers_.at(bits(i[1], 16, 4))->products();
  const uint32_t rows = bits(i[1], 20, 5);
  const uint32_t cols = bits(i[1], 25, 5);
  const uint32_t outputs = low(i[6]) * high(i[6]);
  std::vector<int32_t> acc(static_cast<size_t>(outputs) * cols);
  std::vector<int8_t> held(static_cast<size_t>(rows) * cols);
  int8_t second[kMaxRows];
  int16_t products[kMaxRows];
  for (uint32_t g1 = 0; g1 < high(i[12]); ++g1) {
    for (uint32_t g0 = 0; g0 < low(i[12]); ++g0) {
      for (uint32_t c = 0; c < cols; ++c) {
        int32_t start = 0;
        if (bias) std::memcpy(&start, at(i[5] + g0 * 64 + 4 * c, 4), 4);
        for (uint32_t m = 0; m < outputs; ++m) acc[m * cols + c] = start;
      }
      if (bias) counts->scratch_reads += 4;
      for (uint32_t tap = 0; tap < low(i[9]) * high(i[9]); ++tap) {
        const uint32_t k0 = tap % low(i[9]);
        const uint32_t k1 = tap / low(i[9]);
        for (uint32_t r = 0; r < rows; ++r) {
          std::memcpy(
              &held[r * cols],
              at(i[3] + g1 * high(i[14]) + g0 * low(i[14]) + tap * low(i[11]) + r * high(i[11]),
                 cols),
              cols);
        }
        counts->scratch_reads += rows + outputs;
        for (uint32_t m = 0; m < outputs; ++m) {
          const uint32_t m0 = m % low(i[6]);
          const uint32_t m1 = m / low(i[6]);
          const auto* a = reinterpret_cast<const int8_t*>(
              at(i[2] + g1 * high(i[13]) + g0 * low(i[13]) + k1 * high(i[10]) + k0 * low(i[10]) +
                     m1 * high(i[7]) + m0 * low(i[7]),
                 rows));
          for (uint32_t c = 0; c < cols; ++c) {
            for (uint32_t r = 0; r < rows; ++r) {
              second[r] = held[r * cols + c];
              products[r] = static_cast<int16_t>(table(a[r], second[r]));
            }
            int32_t& word = acc[m * cols + c];
            if (observer) {
              observer->column(step, static_cast<int>(c), static_cast<int>(rows), a, second,
                               products, word);
            }
            uint32_t sum = static_cast<uint32_t>(word);
            for (uint32_t r = 0; r < rows; ++r) sum += static_cast<uint32_t>(int32_t{products[r]});
            word = static_cast<int32_t>(sum);
          }
        }
        counts->products += int64_t{outputs} * rows * cols;
        counts->sums += int64_t{outputs} * cols;
      }
      for (uint32_t m = 0; m < outputs; ++m) {
        auto* out =
            reinterpret_cast<int8_t*>(at(i[4] + g1 * high(i[15]) + g0 * low(i[15]) +
                                             m / low(i[6]) * high(i[8]) + m % low(i[6]) * low(i[8]),
                                         cols));
        for (uint32_t c = 0; c < cols; ++c) {
          if (observer) {
            observer->requantise(step, static_cast<int>(c), acc[m * cols + c], shift, relu,
                                 accumulate, out[c]);
          }
          out[c] = accumulate ? numerics::accumulate(out[c], acc[m * cols + c], shift, relu)
                              : numerics::requantise(acc[m * cols + c], shift, relu);
        }
      }
      counts->requantised += int64_t{outputs} * cols;
      counts->scratch_reads += accumulate ? outputs : 0;
      counts->scratch_writes += outputs;
    }
  }
}

}  // namespace lutra::accelerator
