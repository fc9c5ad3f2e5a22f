#ifndef LUTRA_TESTS_RTL_CAPSNET_CAPSNET_REFERENCE_H_
#define LUTRA_TESTS_RTL_CAPSNET_CAPSNET_REFERENCE_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "program_encoding.h"

// What docs/numerics.md and docs/accelerator.md say, read once more and written down plainly for
// the benches of the RTL. On purpose not lutra::numerics, which the engine and the scoreboards use:
// other algorithms (division instead of shifts, floating-point roots and powers), so that a slip of
// that header does not hide one of the RTL. reference_test.cc shows that both agree.
namespace lutra::rtl_test {

inline int64_t round_shift(int64_t x, int s) {
  if (s == 0) return x;
  const int64_t divisor = int64_t{1} << s;
  const int64_t sum = x + divisor / 2;
  return sum >= 0 ? sum / divisor : -((-sum + divisor - 1) / divisor);
}

inline int8_t saturate(int64_t x) {
  return static_cast<int8_t>(std::min<int64_t>(127, std::max<int64_t>(-127, x)));
}

inline int8_t quantise(int32_t acc, int shift, bool relu, bool accumulate, int8_t old) {
  const int8_t q = saturate(round_shift(acc, shift) + (accumulate ? old : 0));
  return relu ? std::max<int8_t>(q, 0) : q;
}

inline uint32_t isqrt(uint32_t x) {
  uint64_t r = static_cast<uint64_t>(std::sqrt(static_cast<double>(x)));
  while (r * r > x) --r;
  while ((r + 1) * (r + 1) <= x) ++r;
  return static_cast<uint32_t>(r);
}

/// L_sel(a, b): first operand, second operand, sel.
using Product = int32_t (*)(int32_t, int32_t, int);

inline int32_t exact_product(int32_t a, int32_t b, int) { return a * b; }

/// The sixteen multipliers of asymmetric/pe_mul.sv.
inline int32_t asymmetric_product(int32_t a, int32_t b, int sel) {
  switch (sel) {
    case 0:
      return a * b;
    case 1:
      return a * b + a + 3;
    case 2:
      return a * b - 2 * b - 700;
    default:
      return (a * b & ~15) + a - b + 17 * sel;
  }
}

inline int32_t norm(const int8_t* s, int dim, Product product = exact_product, int sel = 0) {
  int32_t n = 0;
  for (int d = 0; d < dim; ++d) n += product(s[d], s[d], sel);
  return std::max(n, 0);
}

inline std::vector<int8_t> squash_row(const int8_t* s, int dim, int f,
                                      Product product = exact_product, int sel = 0) {
  const uint32_t n = static_cast<uint32_t>(norm(s, dim, product, sel));
  const uint64_t root = isqrt(n << 12);
  const uint64_t gain = (root << 15) / ((uint64_t{1} << 2 * f) + n);
  std::vector<int8_t> v(dim);
  for (int d = 0; d < dim; ++d) v[d] = saturate(round_shift(s[d] * static_cast<int64_t>(gain), 14));
  return v;
}

inline std::vector<int8_t> softmax_row(const int8_t* b, int dim, int f) {
  const int largest = *std::max_element(b, b + dim);
  std::vector<uint32_t> e(dim);
  uint64_t sum = 0;
  for (int j = 0; j < dim; ++j) {
    const int64_t k = round_shift((largest - b[j]) * 369, f + 3);
    const double entry =
        std::floor(32768.0 * std::pow(2.0, -static_cast<double>(k % 32) / 32) + 0.5);
    e[j] = k / 32 > 15 ? 0 : static_cast<uint32_t>(entry) >> (k / 32);
    sum += e[j];
  }
  const uint64_t reciprocal = (uint64_t{1} << 31) / sum;
  std::vector<int8_t> c(dim);
  for (int j = 0; j < dim; ++j)
    c[j] = saturate(round_shift(static_cast<int64_t>(e[j] * reciprocal), 24));
  return c;
}

/// The instructions' effects on scratchpad and memory, one byte at a time. Addresses must be legal.
class Interpreter {
 public:
  Interpreter(size_t scratch_bytes, std::vector<uint8_t> image, Product product = exact_product)
      : scratch(scratch_bytes, 0), memory(std::move(image)), product_(product) {}

  void execute(const Instruction& i, const std::array<uint32_t, 4>& base) {
    const uint32_t opcode = i[0] & 255;
    switch (opcode) {
      case kEnd:
        break;
      case kLoad:
        for (uint32_t b = 0; b < i[4]; ++b) scratch.at(i[3] + b) = memory.at(base[i[1]] + i[2] + b);
        break;
      case kStore:
        for (uint32_t b = 0; b < i[4]; ++b) memory.at(base[i[1]] + i[2] + b) = scratch.at(i[3] + b);
        break;
      case kFill:
        for (uint32_t b = 0; b < i[4]; ++b) scratch.at(i[3] + b) = static_cast<uint8_t>(i[5]);
        break;
      case kMatmul:
        matmul(i);
        break;
      case kSquash:
      case kSoftmax: {
        const int f = i[1] & 15, dim = i[1] >> 20 & 31, sel = i[1] >> 16 & 15;
        for (uint32_t m = 0; m < (i[6] & 0xFFFF); ++m) {
          const std::vector<int8_t> row = bytes(i[2] + m * (i[7] & 0xFFFF), dim);
          const auto result = opcode == kSquash ? squash_row(row.data(), dim, f, product_, sel)
                                                : softmax_row(row.data(), dim, f);
          const uint32_t step = opcode == kSquash ? 1 : i[8] >> 16;
          for (int d = 0; d < dim; ++d) {
            scratch.at(i[4] + m * (i[8] & 0xFFFF) + d * step) = static_cast<uint8_t>(result[d]);
          }
        }
        break;
      }
      case kClassify: {
        const int dim = i[1] >> 20 & 31, sel = i[1] >> 16 & 15;
        int32_t best = -1;
        uint8_t best_class = 0;
        for (uint32_t j = 0; j < (i[6] & 0xFFFF); ++j) {
          const int32_t n = norm(bytes(i[2] + j * (i[7] & 0xFFFF), dim).data(), dim, product_, sel);
          for (int b = 0; b < 4; ++b) {
            scratch.at(i[4] + 16 + 4 * j + b) =
                static_cast<uint8_t>(static_cast<uint32_t>(n) >> 8 * b);
          }
          if (n > best) {
            best = n;
            best_class = static_cast<uint8_t>(j);
          }
        }
        for (int b = 0; b < 16; ++b) scratch.at(i[4] + b) = b == 0 ? best_class : 0;
        break;
      }
      default:
        throw std::runtime_error("illegal opcode");
    }
  }

  std::vector<uint8_t> scratch, memory;
  uint64_t macs = 0;

 private:
  Product product_;

  std::vector<int8_t> bytes(uint32_t address, int count) const {
    std::vector<int8_t> out(count);
    for (int d = 0; d < count; ++d) out[d] = static_cast<int8_t>(scratch.at(address + d));
    return out;
  }
  int8_t byte(uint64_t address) const { return static_cast<int8_t>(scratch.at(address)); }

  void matmul(const Instruction& w) {
    const bool bias = w[1] & 1, relu = w[1] & 2, accumulate = w[1] & 4;
    const int shift = w[1] >> 8 & 31;
    const uint32_t rows = w[1] >> 20 & 31, cols = w[1] >> 25 & 31;
    const auto low = [&w](int word) { return w[word] & 0xFFFF; };
    const auto high = [&w](int word) { return w[word] >> 16; };
    for (uint32_t g1 = 0; g1 < high(12); ++g1) {
      for (uint32_t g0 = 0; g0 < low(12); ++g0) {
        std::vector<int32_t> acc(size_t{low(6)} * high(6) * cols, 0);
        for (size_t m = 0; m < acc.size(); ++m) {
          if (!bias) continue;
          uint32_t value = 0;
          for (int b = 3; b >= 0; --b) {
            value = value << 8 | scratch.at(w[5] + g0 * 64 + 4 * (m % cols) + b);
          }
          acc[m] = static_cast<int32_t>(value);
        }
        for (uint32_t k1 = 0; k1 < high(9); ++k1) {
          for (uint32_t k0 = 0; k0 < low(9); ++k0) {
            for (uint32_t m1 = 0; m1 < high(6); ++m1) {
              for (uint32_t m0 = 0; m0 < low(6); ++m0) {
                for (uint32_t c = 0; c < cols; ++c) {
                  for (uint32_t r = 0; r < rows; ++r) {
                    const int8_t held = byte(w[3] + g1 * high(14) + g0 * low(14) +
                                             (k1 * low(9) + k0) * low(11) + r * high(11) + c);
                    const int8_t act = byte(w[2] + g1 * high(13) + g0 * low(13) + k1 * high(10) +
                                            k0 * low(10) + m1 * high(7) + m0 * low(7) + r);
                    acc[(m1 * low(6) + m0) * cols + c] += product_(act, held, w[1] >> 16 & 15);
                    ++macs;
                  }
                }
              }
            }
          }
        }
        for (uint32_t m1 = 0; m1 < high(6); ++m1) {
          for (uint32_t m0 = 0; m0 < low(6); ++m0) {
            for (uint32_t c = 0; c < cols; ++c) {
              const uint32_t at =
                  w[4] + g1 * high(15) + g0 * low(15) + m1 * high(8) + m0 * low(8) + c;
              scratch.at(at) = static_cast<uint8_t>(
                  quantise(acc[(m1 * low(6) + m0) * cols + c], shift, relu, accumulate, byte(at)));
            }
          }
        }
      }
    }
  }
};

}  // namespace lutra::rtl_test

#endif  // LUTRA_TESTS_RTL_CAPSNET_CAPSNET_REFERENCE_H_
