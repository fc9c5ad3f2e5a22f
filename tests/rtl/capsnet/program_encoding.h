#ifndef LUTRA_TESTS_RTL_CAPSNET_PROGRAM_ENCODING_H_
#define LUTRA_TESTS_RTL_CAPSNET_PROGRAM_ENCODING_H_

#include <array>
#include <cstdint>

namespace lutra::rtl_test {

using Instruction = std::array<uint32_t, 16>;

enum Opcode : uint32_t { kEnd, kLoad, kStore, kFill, kMatmul, kSquash, kSoftmax, kClassify };
constexpr uint32_t kTrace = 1u << 8;

/// A pair of 16-bit fields.
constexpr uint32_t pair(uint32_t low, uint32_t high) { return low | high << 16; }

inline Instruction transfer(Opcode opcode, uint32_t base, uint32_t offset, uint32_t scratch,
                            uint32_t bytes) {
  return {opcode, base, offset, scratch, bytes};
}
inline Instruction fill(uint32_t scratch, uint32_t bytes, uint32_t value) {
  return {kFill, 0, 0, scratch, bytes, value};
}

/// The fields of MATMUL, docs/accelerator.md; strides in bytes.
struct Matmul {
  bool bias = false, relu = false, accumulate = false;
  uint32_t shift = 0, sel = 0, rows = 1, cols = 1;
  uint32_t act = 0, held = 0, out = 0, bias_addr = 0;
  uint32_t m0 = 1, m1 = 1, act_m0 = 0, act_m1 = 0, out_m0 = 0, out_m1 = 0;
  uint32_t k0 = 1, k1 = 1, act_k0 = 0, act_k1 = 0, held_tap = 0, held_row = 0;
  uint32_t g0 = 1, g1 = 1, act_g0 = 0, act_g1 = 0, held_g0 = 0, held_g1 = 0, out_g0 = 0, out_g1 = 0;

  Instruction encode() const {
    return {kMatmul,
            uint32_t{bias} | uint32_t{relu} << 1 | uint32_t{accumulate} << 2 | shift << 8 |
                sel << 16 | rows << 20 | cols << 25,
            act,
            held,
            out,
            bias_addr,
            pair(m0, m1),
            pair(act_m0, act_m1),
            pair(out_m0, out_m1),
            pair(k0, k1),
            pair(act_k0, act_k1),
            pair(held_tap, held_row),
            pair(g0, g1),
            pair(act_g0, act_g1),
            pair(held_g0, held_g1),
            pair(out_g0, out_g1)};
  }
};

inline Instruction squash(uint32_t f, uint32_t sel, uint32_t dim, uint32_t source,
                          uint32_t destination, uint32_t count, uint32_t source_stride,
                          uint32_t destination_stride) {
  return {kSquash,       f | sel << 16 | dim << 20, source, 0, destination, 0, count,
          source_stride, destination_stride};
}
inline Instruction softmax(uint32_t f, uint32_t dim, uint32_t source, uint32_t destination,
                           uint32_t count, uint32_t source_stride, uint32_t row_stride,
                           uint32_t element_stride) {
  return {kSoftmax, f | dim << 20, source,
          0,        destination,   0,
          count,    source_stride, pair(row_stride, element_stride)};
}
inline Instruction classify(uint32_t sel, uint32_t dim, uint32_t source, uint32_t destination,
                            uint32_t classes, uint32_t source_stride) {
  return {kClassify, sel << 16 | dim << 20, source, 0, destination, 0, classes, source_stride};
}

}  // namespace lutra::rtl_test

#endif  // LUTRA_TESTS_RTL_CAPSNET_PROGRAM_ENCODING_H_
