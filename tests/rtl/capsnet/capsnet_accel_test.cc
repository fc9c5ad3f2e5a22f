#include <functional>
#include <vector>

#include "Vaccel.h"
#include "Vaccel_4x8.h"
#include "Vaccel_fault.h"
#include "axi_bench.h"
#include "capsnet_reference.h"
#include "program_encoding.h"
#include "vectors.h"

namespace lutra::rtl_test {
namespace {

constexpr uint32_t kProgram = 0x40000;  // of the bench's memory; the data lie below
constexpr size_t kMemory = 0x50000;
constexpr uint32_t kStatusDone = 2, kStatusError = 4;
constexpr std::array<uint32_t, 4> kBases = {0x0, 0x10000, 0x20000, 0x30000};

enum Register : uint32_t {
  kId = 0x00,
  kConfig = 0x04,
  kCtrl = 0x08,
  kStatus = 0x0C,
  kProgramAddress = 0x10,
  kBase0 = 0x20,
  kCycles = 0x30,
  kTraceCycles = 0x38,
  kInstructions = 0x3C,
  kMacs = 0x40,
  kReadBeats = 0x48,
  kWriteBeats = 0x4C,
  kPc = 0x50,
};

void randomise(std::vector<uint8_t>& bytes, std::mt19937& random) {
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(legal_element(random));
}

/// The 4x8 build has the multipliers of asymmetric/pe_mul.sv, the others the exact one.
template <class Model>
class Accelerator {
 public:
  Accelerator(uint32_t scratch_log2, uint32_t seed, const MemoryBehaviour& behaviour = {})
      : bench(kMemory, behaviour),
        scratch_bytes_(1u << scratch_log2),
        random_(seed),
        product_(std::is_same_v<Model, Vaccel_4x8> ? asymmetric_product : exact_product) {
    randomise(bench.memory, random_);
    for (int i = 0; i < 4; ++i) bench.write_register(kBase0 + 4 * i, kBases[i]);
  }

  void place(const std::vector<Instruction>& program) {
    std::memset(&bench.memory[kProgram], 0, 0x10000);
    for (size_t i = 0; i < program.size(); ++i) {
      std::memcpy(&bench.memory[kProgram + 64 * i], program[i].data(), 64);
    }
  }

  /// Runs LOAD of the whole scratchpad from base 0, `body`, STORE of the whole scratchpad to base
  /// 2, END; and compares the whole memory and the counters with the interpreter's.
  void check(const std::vector<Instruction>& body, Comparisons& comparisons) {
    std::vector<Instruction> program = {transfer(kLoad, 0, 0, 0, scratch_bytes_)};
    program.insert(program.end(), body.begin(), body.end());
    program.push_back(transfer(kStore, 2, 0, 0, std::min<uint32_t>(scratch_bytes_, 0x10000)));
    if (scratch_bytes_ > 0x10000) {  // base 3 follows base 2
      program.push_back(transfer(kStore, 3, 0, 0x10000, scratch_bytes_ - 0x10000));
    }
    program.push_back({kEnd});
    place(program);
    Interpreter expected(scratch_bytes_, bench.memory, product_);
    for (const Instruction& instruction : program) expected.execute(instruction, kBases);
    const uint64_t read_before = bench.read_beats(), write_before = bench.write_beats();
    ASSERT_EQ(bench.run(kProgram), kStatusDone);
    for (size_t i = 0; i < kMemory; ++i) {
      comparisons.check(static_cast<int8_t>(expected.memory[i]),
                        static_cast<int8_t>(bench.memory[i]),
                        [i] { return "memory byte " + std::to_string(i); });
    }
    EXPECT_EQ(bench.read_register(kInstructions), program.size());
    EXPECT_EQ(bench.read_register(kPc), program.size() - 1);
    EXPECT_EQ(bench.read_register(kMacs), static_cast<uint32_t>(expected.macs));
    EXPECT_EQ(bench.read_register(kReadBeats), bench.read_beats() - read_before);
    EXPECT_EQ(bench.read_register(kWriteBeats), bench.write_beats() - write_before);
  }

  /// Runs `program` and expects an error at its instruction `pc`.
  void check_error(const std::vector<Instruction>& program, uint32_t code, uint32_t pc) {
    place(program);
    EXPECT_EQ(bench.run(kProgram), kStatusError | code << 8);
    EXPECT_EQ(bench.read_register(kPc), pc);
    EXPECT_EQ(bench.read_register(kInstructions), pc);
  }

  AxiBench<Model> bench;

 private:
  uint32_t scratch_bytes_;
  std::mt19937 random_;
  Product product_;
};

template <class Model, int kRows, int kCols, int kScratchLog2, int kAccDepth>
struct Build {
  using ModelType = Model;
  static constexpr int rows = kRows, cols = kCols, scratch_log2 = kScratchLog2,
                       acc_depth = kAccDepth;
};

template <class B>
class CapsnetAccelTest : public testing::Test {};
using Builds = testing::Types<Build<Vaccel, 16, 16, 17, 512>, Build<Vaccel_4x8, 4, 8, 12, 40>>;
class Names {
 public:
  template <class T>
  static std::string GetName(int i) {
    return i == 0 ? "16x16" : "4x8";
  }
};
TYPED_TEST_SUITE(CapsnetAccelTest, Builds, Names);

MemoryBehaviour stalling(uint32_t seed) { return {seed, 0.3, 0.4, 3}; }

std::vector<Instruction> transfers_of_every_kind() {
  return {fill(0x100, 48, 0x5A),
          transfer(kLoad, 1, 0xFF0, 0x200, 16),
          fill(0x80, 16, 0x81),
          transfer(kLoad, 1, 0xFE0, 0x240, 64),
          transfer(kStore, 1, 0x2FD0, 0x210, 1280),
          transfer(kLoad, 1, 0x2FC0, 0, 2048),
          transfer(kStore, 0, 0x4000, 0, 4096),
          transfer(kStore, 1, 0x5000, 0x40, 16)};
}

TYPED_TEST(CapsnetAccelTest, rtl_accel_registers_read_back) {
  Accelerator<typename TypeParam::ModelType> a(TypeParam::scratch_log2, 1);
  auto& bench = a.bench;
  EXPECT_EQ(bench.read_register(kId), 0x4C545241u);
  EXPECT_EQ(bench.read_register(kConfig), 1u << 24 |
                                              static_cast<uint32_t>(TypeParam::scratch_log2) << 16 |
                                              static_cast<uint32_t>(TypeParam::cols) << 8 |
                                              static_cast<uint32_t>(TypeParam::rows));
  bench.write_register(kProgramAddress, 0x12345640);
  EXPECT_EQ(bench.read_register(kProgramAddress), 0x12345640u);
  bench.write_register(kProgramAddress, 0xAABBCCFF,
                       0x5);  // bytes 0 and 2; the low six bits are zero
  EXPECT_EQ(bench.read_register(kProgramAddress), 0x12BB56C0u);
  for (uint32_t i = 0; i < 4; ++i) {
    bench.write_register(kBase0 + 4 * i, 0xFFFFFFFFu - i * 0x1000);
    EXPECT_EQ(bench.read_register(kBase0 + 4 * i), 0xFFFFFFF0u - i * 0x1000);
  }
  bench.write_register(kCtrl, 2);
  EXPECT_EQ(bench.read_register(kCtrl), 2u);
  bench.write_register(kCtrl, 0xFF, 0xE);  // byte 0 is not written
  EXPECT_EQ(bench.read_register(kCtrl), 2u);
  EXPECT_EQ(bench.read_register(kStatus), 0u);
  for (uint32_t offset : {kId, kConfig, kCycles, kMacs, kPc}) {
    const uint32_t before = bench.read_register(offset);
    bench.write_register(offset, 0xFFFFFFFF);
    EXPECT_EQ(bench.read_register(offset), before);
  }
  for (uint32_t offset : {0x14u, 0x1Cu, 0x54u, 0x100u, 0xFFCu}) {
    bench.write_register(offset, 0xFFFFFFFF);
    EXPECT_EQ(bench.read_register(offset), 0u);
  }
}

TYPED_TEST(CapsnetAccelTest, rtl_accel_done_raises_the_interrupt_until_cleared) {
  Accelerator<typename TypeParam::ModelType> a(TypeParam::scratch_log2, 1);
  auto& bench = a.bench;
  a.place({{kEnd | 0xABCD0000u}});
  EXPECT_EQ(bench.run(kProgram), kStatusDone);
  EXPECT_TRUE(bench.model().irq_o);
  EXPECT_GT(bench.read_register(kCycles), 4u);
  EXPECT_EQ(bench.read_register(kTraceCycles), 0u);
  EXPECT_EQ(bench.read_register(kInstructions), 1u);
  EXPECT_EQ(bench.read_register(kReadBeats), 4u);
  bench.write_register(kCtrl, 0);
  EXPECT_FALSE(bench.model().irq_o);
  bench.write_register(kCtrl, 2);
  EXPECT_TRUE(bench.model().irq_o);
  bench.write_register(kStatus, 4);
  EXPECT_EQ(bench.read_register(kStatus), kStatusDone);
  bench.write_register(kStatus, 2);
  EXPECT_EQ(bench.read_register(kStatus), 0u);
  EXPECT_FALSE(bench.model().irq_o);
}

TYPED_TEST(CapsnetAccelTest, rtl_accel_transfers_move_every_byte) {
  Comparisons comparisons;
  for (uint32_t seed = 1; seed <= 4; ++seed) {
    Accelerator<typename TypeParam::ModelType> a(TypeParam::scratch_log2, seed,
                                                 seed == 1 ? MemoryBehaviour{} : stalling(seed));
    a.check(transfers_of_every_kind(), comparisons);
  }
}

TYPED_TEST(CapsnetAccelTest, rtl_accel_trace_cycles_cover_the_traced_instructions) {
  Accelerator<typename TypeParam::ModelType> a(TypeParam::scratch_log2, 1);
  Instruction traced = transfer(kStore, 3, 0, 0, 2048);
  a.place({traced, {kEnd}});
  EXPECT_EQ(a.bench.run(kProgram), kStatusDone);
  EXPECT_EQ(a.bench.read_register(kTraceCycles), 0u);
  const uint32_t cycles = a.bench.read_register(kCycles);
  traced[0] |= kTrace;
  a.place({traced, {kEnd}});
  EXPECT_EQ(a.bench.run(kProgram), kStatusDone);
  EXPECT_EQ(a.bench.read_register(kCycles), cycles);
  const uint32_t trace = a.bench.read_register(kTraceCycles);
  EXPECT_GT(trace, 128u);
  EXPECT_LT(trace, cycles);
  a.place({traced, {kEnd | kTrace}});
  EXPECT_EQ(a.bench.run(kProgram), kStatusDone);
  EXPECT_EQ(a.bench.read_register(kTraceCycles), a.bench.read_register(kCycles));
}

// A MATMUL whose operands lie in the lower half of the scratchpad and whose outputs, which do not
// overlap, lie in the upper half.
template <class B>
Instruction random_matmul(std::mt19937& random) {
  const auto upto = [&random](uint32_t n) { return 1 + static_cast<uint32_t>(random() % n); };
  const uint32_t half = (1u << B::scratch_log2) / 2;
  Matmul m;
  m.bias = random() % 2;
  m.relu = random() % 2;
  m.accumulate = random() % 3 == 0;
  m.shift = random() % 16;
  m.sel = random() % 16;
  m.rows = random() % 3 ? upto(B::rows) : B::rows;
  m.cols = random() % 3 ? upto(B::cols) : B::cols;
  m.m0 = upto(random() % 3 ? 5 : 1);
  m.m1 = upto(random() % 3 ? 4 : 1);
  m.k0 = upto(3);
  m.k1 = upto(3);
  m.g0 = upto(3);
  m.g1 = upto(2);
  const auto stride = [&] { return static_cast<uint32_t>(random() % (half / 64)); };
  m.act_m0 = stride();
  m.act_m1 = stride();
  m.act_k0 = stride();
  m.act_k1 = stride();
  m.act_g0 = stride();
  m.act_g1 = stride();
  m.held_tap = stride();
  m.held_row = stride();
  m.held_g0 = stride();
  m.held_g1 = stride();
  m.out_m0 = m.cols + random() % 3;
  m.out_m1 = m.m0 * m.out_m0 + random() % 3;
  m.out_g0 = m.m1 * m.out_m1;
  m.out_g1 = m.g0 * m.out_g0;
  const uint32_t act_span =
      4 * m.act_m0 + 3 * m.act_m1 + 2 * (m.act_k0 + m.act_k1 + m.act_g0) + m.act_g1 + 16;
  const uint32_t held_span = 8 * m.held_tap + 15 * m.held_row + 2 * m.held_g0 + m.held_g1 + 16;
  m.act = random() % (half - std::min(half - 1, act_span));
  m.held = random() % (half - std::min(half - 1, held_span));
  m.bias_addr = (random() % (half - 256)) & ~15u;
  const uint32_t out_span = m.g1 * m.out_g1;
  m.out = half + random() % (half - out_span);
  return m.encode();
}

TYPED_TEST(CapsnetAccelTest, rtl_accel_matmul_equals_the_prose) {
  Comparisons comparisons;
  std::mt19937 random(21);
  for (uint32_t seed = 1; seed <= 6; ++seed) {
    Accelerator<typename TypeParam::ModelType> a(TypeParam::scratch_log2, seed, stalling(seed));
    for (int program = 0; program < 3; ++program) {
      std::vector<Instruction> body;
      for (int i = 0; i < 12; ++i) body.push_back(random_matmul<TypeParam>(random));
      a.check(body, comparisons);
    }
  }
}

// Outputs over the group's own inputs; the deepest accumulation; one row and one column; strides of
// zero.
TYPED_TEST(CapsnetAccelTest, rtl_accel_matmul_handles_its_limits) {
  Comparisons comparisons;
  Accelerator<typename TypeParam::ModelType> a(TypeParam::scratch_log2, 7);
  const uint32_t rows = TypeParam::rows, cols = TypeParam::cols, depth = TypeParam::acc_depth;
  Matmul in_place;
  in_place.rows = std::min(rows, cols);
  in_place.cols = in_place.rows;
  in_place.shift = 7;
  in_place.act = in_place.out = 0x101;
  in_place.held = 0x400;
  in_place.held_row = 16;
  in_place.m0 = depth / 4;
  in_place.m1 = 4;
  in_place.act_m0 = in_place.out_m0 = in_place.rows;
  in_place.act_m1 = in_place.out_m1 = in_place.rows * in_place.m0;
  in_place.k0 = 2;
  Matmul single;
  single.shift = 3;
  single.act = 0x123;
  single.held = 0x321;
  single.out = 0x223;
  single.g0 = 5;
  single.out_g0 = 1;
  single.act_g0 = 2;
  single.held_g0 = 3;
  Matmul accumulated = single;
  accumulated.accumulate = true;
  accumulated.rows = rows;
  accumulated.cols = 1;
  accumulated.held_row = 1;
  accumulated.m0 = depth;
  accumulated.act_m0 = 2;
  accumulated.out_m0 = 1;
  accumulated.act_g0 = 16;
  accumulated.out = 0xA00;
  accumulated.out_g0 = depth;
  accumulated.g0 = 2;
  Matmul rectified = accumulated;
  rectified.relu = true;
  rectified.out = 0xA01;
  a.check({in_place.encode(), single.encode(), accumulated.encode(), rectified.encode()},
          comparisons);
}

TYPED_TEST(CapsnetAccelTest, rtl_accel_squash_softmax_classify_equal_the_prose) {
  Comparisons comparisons;
  std::mt19937 random(31);
  for (uint32_t seed = 1; seed <= 6; ++seed) {
    Accelerator<typename TypeParam::ModelType> a(TypeParam::scratch_log2, seed, stalling(seed));
    std::vector<Instruction> body;
    for (uint32_t i = 0; i < 8; ++i) {
      const uint32_t f = random() % 8, dim = 1 + random() % 16, count = 1 + random() % 12;
      const uint32_t destination = 0x800 + random() % 0x300;
      const uint32_t source = random() % 0x400, stride = random() % 32;
      body.push_back(
          squash(f, random() % 4, dim, source, destination, count, stride, dim + random() % 4));
      body.push_back(squash(f, 0, dim, destination, destination, count, 16, 16));  // in place
      body.push_back(
          softmax(f, dim, source + 1, destination + 5, count, stride, 1, count));  // transposed
      body.push_back(softmax(f, dim, source + 2, 0x600, count, stride, dim + 1, 1));
      body.push_back(
          classify(random() % 4, dim, source, 0xC00 + 0x60 * (i % 8), 1 + random() % 16, stride));
    }
    a.check(body, comparisons);
  }
}

// Equal scores: the lowest class. All capsules zero: class 0.
TYPED_TEST(CapsnetAccelTest, rtl_accel_classify_prefers_the_lowest_class) {
  Comparisons comparisons;
  Accelerator<typename TypeParam::ModelType> a(TypeParam::scratch_log2, 5);
  a.check({fill(0, 256, 3), fill(48, 16, 9), fill(80, 16, 0xF7), classify(0, 16, 0, 0x400, 10, 16),
           fill(0, 256, 0), classify(0, 16, 0, 0x500, 10, 16)},
          comparisons);
  EXPECT_EQ(a.bench.memory[kBases[2] + 0x400], 3);
  EXPECT_EQ(a.bench.memory[kBases[2] + 0x500], 0);
}

TYPED_TEST(CapsnetAccelTest, rtl_accel_refuses_illegal_instructions_bad) {
  Accelerator<typename TypeParam::ModelType> a(TypeParam::scratch_log2, 9, stalling(9));
  const uint32_t rows = TypeParam::rows, cols = TypeParam::cols;
  Matmul legal;
  legal.rows = rows;
  legal.cols = cols;
  std::vector<Instruction> bad = {{8}, {255}, {kEnd | 1u << 9}, {kEnd, 1}};
  // Each word of each instruction with one bit that is no field's.
  const Instruction examples[] = {transfer(kLoad, 0, 0, 0, 16),
                                  transfer(kStore, 0, 0, 0, 16),
                                  fill(0, 16, 1),
                                  squash(0, 0, 8, 0, 0, 1, 8, 8),
                                  softmax(0, 8, 0, 0, 1, 8, 8, 1),
                                  classify(0, 8, 0, 0, 10, 16)};
  for (const Instruction& example : examples) {
    for (int word = 1; word < 16; ++word) {
      Instruction changed = example;
      if (word == 1)
        changed[word] |= 1u << 31;
      else if (changed[0] == kSoftmax && word == 8)
        continue;
      else if (word >= 6)
        changed[word] |= 1u << 16;
      else if (word == 5)
        changed[word] |= 1u << 8;
      else if (changed[0] >= kSquash && word == 3)
        changed[word] = 1;
      else
        continue;
      bad.push_back(changed);
    }
  }
  const auto vary = [&bad](const Instruction& example, int word, uint32_t value) {
    bad.push_back(example);
    bad.back()[word] = value;
  };
  for (uint32_t value : {0u, 8u}) vary(examples[0], 4, value);  // byte count
  vary(examples[0], 2, 8);
  vary(examples[0], 3, 4);
  vary(examples[2], 3, 1);
  vary(examples[2], 4, 0);
  vary(examples[3], 1, 8 | 8u << 20);         // f = 8
  vary(examples[3], 1, 17u << 20);            // D = 17
  vary(examples[3], 1, 0);                    // D = 0
  vary(examples[3], 6, 0);                    // no capsules
  vary(examples[4], 1, 1u << 16 | 8u << 20);  // softmax has no multiplier
  vary(examples[4], 1, 17u << 20);
  vary(examples[5], 6, 17);  // classes
  vary(examples[5], 4, 8);   // destination
  const Instruction matmul = legal.encode();
  for (int word : {6, 9, 12}) {
    vary(matmul, word, pair(0, 1));
    vary(matmul, word, pair(1, 0));
  }
  vary(matmul, 5, 4);
  vary(matmul, 1, matmul[1] | 8);
  vary(matmul, 1, (rows + 1) << 20 | cols << 25);
  vary(matmul, 1, rows << 20 | (cols + 1) << 25);
  vary(matmul, 1, cols << 25);
  vary(matmul, 1, rows << 20);
  uint64_t checked = 0;
  for (const Instruction& instruction : bad) {
    a.check_error({fill(0, 16, 0), instruction, {kEnd}}, 1, 1);
    ++checked;
  }
  std::cout << "checked=" << checked << std::endl;
  EXPECT_GT(checked, 50u);
  a.place({fill(0, 1024, 0), matmul, {kEnd}});
  EXPECT_EQ(a.bench.run(kProgram), kStatusDone);
}

TYPED_TEST(CapsnetAccelTest, rtl_accel_refuses_addresses_outside_bad) {
  Accelerator<typename TypeParam::ModelType> a(TypeParam::scratch_log2, 9, stalling(10));
  const uint32_t end = 1u << TypeParam::scratch_log2;
  std::vector<Instruction> bad = {transfer(kLoad, 0, 0, end, 16),
                                  transfer(kStore, 0, 0, end - 16, 32),
                                  fill(0xFFFFFFF0, 32, 0),
                                  transfer(kLoad, 0, 0, 0, 0xFFFFFFF0),
                                  squash(0, 0, 8, end - 15, 0, 2, 8, 8),
                                  squash(0, 0, 8, 0, end - 15, 2, 8, 8),
                                  softmax(0, 4, 0, end - 7, 3, 4, 1, 2),
                                  softmax(0, 4, end - 11, 0, 3, 4, 4, 1),
                                  classify(0, 16, 0, end - 16, 3, 16),
                                  classify(0, 16, end - 32, 0, 3, 16),
                                  classify(0, 16, 0, end, 1, 16)};
  Matmul legal;
  legal.rows = 4;
  legal.cols = 4;
  legal.m0 = 3;
  legal.k0 = 2;
  legal.g0 = 2;
  legal.act_m0 = legal.out_m0 = legal.held_row = legal.held_tap = 4;
  legal.act_g0 = 4;
  Matmul m = legal;
  m.act = end - 15;  // the last group's last vector
  bad.push_back(m.encode());
  m = legal;
  m.held = end - 19;
  bad.push_back(m.encode());
  m = legal;
  m.out = end - 11;
  bad.push_back(m.encode());
  m = legal;
  m.bias = true;
  m.bias_addr = end - 64;
  bad.push_back(m.encode());
  m = legal;
  m.out = 0xFFFFFFFE;
  bad.push_back(m.encode());
  uint64_t checked = 0;
  for (const Instruction& instruction : bad) {
    a.check_error({fill(0, 16, 0), instruction, {kEnd}}, 4, 1);
    // And the accelerator starts again, with every unit at rest.
    a.place({squash(0, 0, 4, 0, 64, 2, 16, 16),
             legal.encode(),
             softmax(0, 4, 0, 128, 2, 4, 4, 1),
             {kEnd}});
    EXPECT_EQ(a.bench.run(kProgram), kStatusDone);
    ++checked;
  }
  std::cout << "checked=" << checked << std::endl;
  // One byte further down all of them are legal.
  m = legal;
  m.act = end - 16;
  m.held = end - 20;
  m.out = end - 12;
  m.bias = true;
  m.bias_addr = end - 128;
  a.place({m.encode(),
           squash(0, 0, 8, end - 16, end - 16, 2, 8, 8),
           softmax(0, 4, end - 12, end - 9, 3, 4, 1, 2),
           classify(0, 16, end - 48, end - 32, 3, 16),
           transfer(kLoad, 0, 0, end - 16, 16),
           {kEnd}});
  EXPECT_EQ(a.bench.run(kProgram), kStatusDone);
}

TYPED_TEST(CapsnetAccelTest, rtl_accel_refuses_too_many_outputs_bad) {
  Accelerator<typename TypeParam::ModelType> a(TypeParam::scratch_log2, 9);
  Matmul m;
  m.m0 = TypeParam::acc_depth + 1;
  a.check_error({m.encode()}, 5, 0);
  m.m0 = TypeParam::acc_depth / 2;
  m.m1 = 3;
  a.check_error({m.encode()}, 5, 0);
  m.m1 = 2;
  a.place({fill(0, 64, 0), m.encode(), {kEnd}});
  EXPECT_EQ(a.bench.run(kProgram), kStatusDone);
}

TYPED_TEST(CapsnetAccelTest, rtl_accel_reports_bus_errors_and_starts_again_bad) {
  Accelerator<typename TypeParam::ModelType> a(TypeParam::scratch_log2, 9, stalling(11));
  const Instruction load = transfer(kLoad, 1, 0, 0, 2048), store = transfer(kStore, 2, 0, 0, 2048);
  // First, middle and last beat of a burst; the burst is finished and no other begun.
  for (uint32_t beat : {0u, 30u, 63u, 100u}) {
    a.bench.read_error = kBases[1] + 16 * beat;
    a.check_error({fill(0, 16, 0), load, {kEnd}}, 2, 1);
    EXPECT_EQ(a.bench.read_register(kReadBeats), 8u + (beat / 64 + 1) * 64);
    a.bench.read_error.reset();
    a.bench.write_error = kBases[2] + 16 * beat;
    a.check_error({load, store, {kEnd}}, 3, 1);
    EXPECT_EQ(a.bench.read_register(kWriteBeats), (beat / 64 + 1) * 64);
    a.bench.write_error.reset();
    EXPECT_EQ(a.bench.run(kProgram), kStatusDone);  // start clears the error
  }
  a.bench.read_error = kProgram + 64;  // an instruction that cannot be fetched
  a.check_error({fill(0, 16, 0), fill(0, 16, 0), {kEnd}}, 2, 1);
  EXPECT_TRUE(a.bench.model().irq_o);
  a.bench.write_register(kStatus, 4);
  EXPECT_EQ(a.bench.read_register(kStatus), 0u);
  EXPECT_FALSE(a.bench.model().irq_o);
}

// While the accelerator is busy a write changes nothing, and says so; STATUS may be written. The
// program runs once, from where it was, to where it was.
TYPED_TEST(CapsnetAccelTest, rtl_accel_refuses_writes_while_busy_bad) {
  constexpr uint32_t kSlvErr = 2;
  Accelerator<typename TypeParam::ModelType> a(TypeParam::scratch_log2, 9);
  auto& bench = a.bench;
  a.place({transfer(kLoad, 0, 0, 0, 2048),
           transfer(kStore, 2, 0, 0, 2048),
           transfer(kLoad, 1, 0, 0, 2048),
           transfer(kStore, 3, 0, 0, 2048),
           {kEnd}});
  bench.write_register(kProgramAddress, kProgram);
  bench.write_register(kCtrl, 3);
  uint64_t refused = 0;
  for (uint32_t round = 0; round < 6; ++round) {
    for (uint32_t offset :
         std::initializer_list<uint32_t>{kCtrl, kProgramAddress, kBase0, kBase0 + 4, kBase0 + 8,
                                         kBase0 + 12, kId, kCycles, 0x100}) {
      EXPECT_EQ(bench.try_write_register(offset, 0xFFFFFF01 << round), kSlvErr) << offset;
      ++refused;
    }
    EXPECT_EQ(bench.try_write_register(kStatus, 6), 0u) << "nothing to clear";
    EXPECT_EQ(bench.read_register(kStatus), 1u) << "busy";
    EXPECT_EQ(bench.read_register(kCtrl), 2u);
    EXPECT_EQ(bench.read_register(kProgramAddress), kProgram);
    for (uint32_t i = 0; i < 4; ++i) EXPECT_EQ(bench.read_register(kBase0 + 4 * i), kBases[i]);
  }
  for (int i = 0; i < 4000 && !bench.model().irq_o; ++i) bench.clock();
  EXPECT_EQ(bench.read_register(kStatus), kStatusDone);
  EXPECT_EQ(bench.read_register(kInstructions), 5u);
  EXPECT_TRUE(std::equal(&bench.memory[kBases[0]], &bench.memory[kBases[0] + 2048],
                         &bench.memory[kBases[2]]));
  EXPECT_TRUE(std::equal(&bench.memory[kBases[1]], &bench.memory[kBases[1] + 2048],
                         &bench.memory[kBases[3]]));
  bench.write_register(kBase0, 0x40);  // at rest it may be written again
  EXPECT_EQ(bench.read_register(kBase0), 0x40u);
  std::cout << "checked=" << refused << std::endl;
  EXPECT_EQ(refused, 54u);
}

// Address before data, data before address, both at once; responses taken late; a read and a write
// at once. Each is taken without waiting for another channel.
TYPED_TEST(CapsnetAccelTest, rtl_accel_registers_take_any_order_of_channels) {
  Accelerator<typename TypeParam::ModelType> a(TypeParam::scratch_log2, 1);
  auto& m = a.bench.model();
  for (int order = 0; order < 3; ++order) {
    const uint32_t value = 0x1000u + 0x1000u * order;
    m.s_axil_awaddr_i = kProgramAddress;
    m.s_axil_wdata_i = value;
    m.s_axil_wstrb_i = 15;
    m.s_axil_awvalid_i = order != 1;
    m.s_axil_wvalid_i = order != 0;
    EXPECT_TRUE(m.s_axil_awready_o && m.s_axil_wready_o && m.s_axil_arready_o);
    a.bench.clock();
    m.s_axil_awvalid_i = m.s_axil_wvalid_i = 0;
    if (order < 2) {
      for (int i = 0; i < 3; ++i) {
        a.bench.clock();
        EXPECT_FALSE(m.s_axil_bvalid_o);
        EXPECT_EQ(m.s_axil_awready_o, order == 1);
        EXPECT_EQ(m.s_axil_wready_o, order == 0);
      }
      m.s_axil_awvalid_i = order == 1;
      m.s_axil_wvalid_i = order == 0;
    }
    m.s_axil_araddr_i = kId;
    m.s_axil_arvalid_i = 1;
    a.bench.clock();
    m.s_axil_awvalid_i = m.s_axil_wvalid_i = m.s_axil_arvalid_i = 0;
    a.bench.clock();
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(m.s_axil_bvalid_o && m.s_axil_rvalid_o);
      EXPECT_EQ(m.s_axil_rdata_o, 0x4C545241u);
      EXPECT_EQ(m.s_axil_bresp_o, 0);
      a.bench.clock();
    }
    // While the responses wait, another write is buffered and not made, another read not taken.
    m.s_axil_wdata_i = value + 0x40;
    m.s_axil_awvalid_i = m.s_axil_wvalid_i = 1;
    a.bench.clock();
    m.s_axil_awvalid_i = m.s_axil_wvalid_i = 0;
    EXPECT_FALSE(m.s_axil_awready_o || m.s_axil_wready_o || m.s_axil_arready_o);
    m.s_axil_rready_i = 1;
    a.bench.clock();
    m.s_axil_rready_i = 0;
    EXPECT_FALSE(m.s_axil_rvalid_o);
    EXPECT_EQ(a.bench.read_register(kProgramAddress), value);
    m.s_axil_bready_i = 1;
    a.bench.clock();
    EXPECT_TRUE(m.s_axil_bvalid_o) << "of the second write";
    a.bench.clock();
    m.s_axil_bready_i = 0;
    EXPECT_FALSE(m.s_axil_bvalid_o);
    EXPECT_EQ(a.bench.read_register(kProgramAddress), value + 0x40);
  }
}

// Every register write and read at random, all five channels stalling on their own.
TYPED_TEST(CapsnetAccelTest, rtl_accel_registers_hold_under_random_traffic) {
  Comparisons comparisons;
  Accelerator<typename TypeParam::ModelType> a(TypeParam::scratch_log2, 1);
  auto& m = a.bench.model();
  std::mt19937 random(17);
  uint32_t registers[5] = {kBases[0], kBases[1], kBases[2], kBases[3], 0};
  const auto offset = [](uint32_t i) { return i < 4 ? kBase0 + 4 * i : uint32_t{kProgramAddress}; };
  for (int round = 0; round < 2000; ++round) {
    const uint32_t write = random() % 5, read = (write + 1 + random() % 4) % 5;
    const uint32_t value = random(), strobes = random() % 16;
    bool address = false, data = false, response = false, asked = false, answered = false;
    m.s_axil_awaddr_i = offset(write);
    m.s_axil_wdata_i = value;
    m.s_axil_wstrb_i = strobes;
    m.s_axil_araddr_i = offset(read);
    for (int cycle = 0; cycle < 200 && !(response && answered); ++cycle) {
      if (!address && random() % 3 == 0) m.s_axil_awvalid_i = 1;
      if (!data && random() % 3 == 0) m.s_axil_wvalid_i = 1;
      if (!asked && random() % 3 == 0) m.s_axil_arvalid_i = 1;
      m.s_axil_bready_i = random() % 2;
      m.s_axil_rready_i = random() % 2;
      m.eval();
      const bool aw = m.s_axil_awvalid_i && m.s_axil_awready_o;
      const bool w = m.s_axil_wvalid_i && m.s_axil_wready_o;
      const bool ar = m.s_axil_arvalid_i && m.s_axil_arready_o;
      if (m.s_axil_bvalid_o && m.s_axil_bready_i) {
        EXPECT_EQ(m.s_axil_bresp_o, 0);
        response = true;
      }
      if (m.s_axil_rvalid_o && m.s_axil_rready_i) {
        comparisons.check(registers[read], m.s_axil_rdata_o, [&] { return "read"; });
        answered = true;
      }
      a.bench.clock();
      if (aw) m.s_axil_awvalid_i = 0;
      if (w) m.s_axil_wvalid_i = 0;
      if (ar) m.s_axil_arvalid_i = 0;
      address |= aw;
      data |= w;
      asked |= ar;
    }
    ASSERT_TRUE(response && answered) << "round " << round;
    m.s_axil_bready_i = m.s_axil_rready_i = 0;
    for (int b = 0; b < 4; ++b) {
      if (strobes >> b & 1) {
        registers[write] = (registers[write] & ~(255u << 8 * b)) | (value & 255u << 8 * b);
      }
    }
    registers[write] &= write < 4 ? ~15u : ~63u;
    comparisons.check(registers[write], a.bench.read_register(offset(write)),
                      [&] { return "written"; });
  }
}

// Memories that take a write's address and data in every legal order, with and without stalls.
TYPED_TEST(CapsnetAccelTest, rtl_accel_writes_to_subordinates_of_every_order) {
  Comparisons comparisons;
  for (const WriteOrder order : kWriteOrders) {
    for (const double stalls : {0.0, 0.5, 0.9}) {
      Accelerator<typename TypeParam::ModelType> a(
          TypeParam::scratch_log2, 3, {4, stalls, stalls, static_cast<int>(stalls * 10), order});
      a.check(transfers_of_every_kind(), comparisons);
      const uint64_t bursts = a.bench.data_first() + a.bench.together() + a.bench.address_first();
      EXPECT_GT(bursts, 4u);
      const bool data_first = order == WriteOrder::kDataFirst;
      const bool together = order == WriteOrder::kTogether;
      if (order == WriteOrder::kAny) {
        EXPECT_TRUE(stalls == 0 || a.bench.data_first() > 0);
      } else {
        EXPECT_EQ(a.bench.data_first(), data_first ? bursts : 0);
        EXPECT_EQ(a.bench.together(), together ? bursts : 0);
      }
    }
  }
}

// No output of either port follows an input within the cycle, at rest and in the middle of bursts.
TYPED_TEST(CapsnetAccelTest, rtl_accel_outputs_of_the_ports_follow_no_input_in_the_cycle) {
  Comparisons comparisons;
  Accelerator<typename TypeParam::ModelType> a(TypeParam::scratch_log2, 5,
                                               {6, 0.3, 0.4, 3, WriteOrder::kAny});
  a.bench.probe();
  a.check(transfers_of_every_kind(), comparisons);
  std::cout << "probes=" << a.bench.probes() << std::endl;
  EXPECT_GT(a.bench.probes(), 2000u);
}

// Reset while a channel of the memory port holds a VALID or a burst is half done: nothing of the
// old run is left, and the next one is right.
TYPED_TEST(CapsnetAccelTest, rtl_accel_runs_after_a_reset_in_the_middle_of_a_burst) {
  Comparisons comparisons;
  std::mt19937 random(41);
  for (const WriteOrder order : kWriteOrders) {
    Accelerator<typename TypeParam::ModelType> a(TypeParam::scratch_log2, 6,
                                                 {7, 0.4, 0.4, 2, order});
    auto& bench = a.bench;
    auto& m = bench.model();
    for (int point = 0; point < 12; ++point) {
      a.place({transfer(kLoad, 0, 0, 0, 1024),
               squash(0, 0, 8, 0, 0, 4, 8, 8),
               transfer(kStore, 2, 0, 0, 1024),
               transfer(kLoad, 1, 0, 0, 1024),
               transfer(kStore, 3, 0, 0, 1024),
               {kEnd}});
      bench.write_register(kProgramAddress, kProgram);
      bench.write_register(kCtrl, 3);
      for (uint32_t i = random() % 400; i > 0; --i) bench.clock();
      const auto reached = [&] {
        switch (point % 6) {
          case 0:
            return m.m_axi_arvalid_o != 0;
          case 1:
            return m.m_axi_rvalid_i && m.m_axi_rready_o;
          case 2:
            return m.m_axi_awvalid_o != 0;
          case 3:
            return m.m_axi_wvalid_o != 0;
          case 4:
            return m.m_axi_bready_o != 0;
          default:
            return true;
        }
      };
      for (int i = 0; i < 2000 && !reached(); ++i) bench.clock();
      EXPECT_TRUE(reached()) << "point " << point;
      bench.reset(1 + static_cast<int>(random() % 3));
      EXPECT_EQ(bench.read_register(kStatus), 0u);
      EXPECT_EQ(bench.read_register(kProgramAddress), 0u);
      EXPECT_FALSE(m.irq_o);
      for (uint32_t i = 0; i < 4; ++i) bench.write_register(kBase0 + 4 * i, kBases[i]);
      if (point % 6 == 5) a.check({random_matmul<TypeParam>(random)}, comparisons);
    }
    a.check(transfers_of_every_kind(), comparisons);
  }
}

// The instructions of one image of capsnet-edge: 28x28, 288 capsules of 8, 10 classes, three
// iterations, the votes' weights loaded in six parts; the memory answers after eight cycles. Prints
// what each takes.
TEST(CapsnetAccelCyclesTest, rtl_accel_runs_an_image_of_capsnet_edge_within_150000_cycles) {
  Accelerator<Vaccel> a(17, 1);
  Matmul conv1;
  conv1.bias = conv1.relu = true;
  conv1.shift = 8;
  conv1.rows = 9;
  conv1.cols = 16;
  conv1.held = 0x2800;
  conv1.bias_addr = 0x4000;
  conv1.out = 0x800;
  conv1.m0 = conv1.m1 = 20;
  conv1.act_m0 = 1;
  conv1.act_m1 = conv1.act_k1 = 28;
  conv1.out_m0 = 16;
  conv1.out_m1 = 320;
  conv1.k1 = 9;
  conv1.held_tap = 144;
  conv1.held_row = 16;
  Matmul primary;
  primary.bias = true;
  primary.shift = 9;
  primary.rows = primary.cols = 16;
  primary.act = 0x800;
  primary.held = 0x5000;
  primary.bias_addr = 0x4000;
  primary.out = 0x1B000;
  primary.m0 = primary.m1 = 6;
  primary.act_m0 = 32;
  primary.act_m1 = 640;
  primary.out_m0 = 64;
  primary.out_m1 = 384;
  primary.k0 = primary.k1 = 9;
  primary.act_k0 = 16;
  primary.act_k1 = 320;
  primary.held_tap = 256;
  primary.held_row = 16;
  primary.g0 = 4;
  primary.held_g0 = 81 * 256;
  primary.out_g0 = 16;
  Matmul votes;
  votes.shift = 7;
  votes.rows = 8;
  votes.cols = 16;
  votes.act = 0x1B000;
  votes.held = 0x3000;
  votes.out = 0x12000;
  votes.g0 = 10;
  votes.g1 = 48;
  votes.act_g1 = 8;
  votes.held_g0 = 128;
  votes.held_g1 = 1280;
  votes.held_row = 16;
  votes.out_g0 = 16;
  votes.out_g1 = 160;
  Matmul sum;
  sum.shift = 9;
  sum.rows = sum.cols = 16;
  sum.act = 0x2000;
  sum.held = 0x5000;
  sum.out = 0x1C000;
  sum.k1 = 18;
  sum.act_k1 = 16;
  sum.held_tap = 2560;
  sum.held_row = 160;
  sum.g0 = 10;
  sum.act_g0 = 288;
  sum.held_g0 = sum.out_g0 = 16;
  Matmul agreement;
  agreement.accumulate = true;
  agreement.shift = 7;
  agreement.rows = 16;
  agreement.act = 0x5000;
  agreement.held = 0x1C000;
  agreement.held_row = 1;
  agreement.out = 0;
  agreement.m0 = 288;
  agreement.act_m0 = 160;
  agreement.out_m0 = 10;
  agreement.g0 = 10;
  agreement.act_g0 = agreement.held_g0 = 16;
  agreement.out_g0 = 1;

  struct Step {
    const char* name;
    Instruction instruction;
    int times;
  };
  const std::vector<Step> steps = {
      {"LOAD image", transfer(kLoad, 0, 0, 0, 784), 1},
      {"LOAD conv1", transfer(kLoad, 0, 0, 0x2800, 1296 + 64), 1},
      {"MATMUL conv1", conv1.encode(), 1},
      {"LOAD primary", transfer(kLoad, 0, 0, 0x5000, 41600), 2},
      {"MATMUL primary", primary.encode(), 1},
      {"SQUASH primary", squash(5, 0, 8, 0x1B000, 0x1B000, 288, 8, 8), 1},
      {"LOAD votes", transfer(kLoad, 0, 0, 0x3000, 61440), 6},
      {"MATMUL votes", votes.encode(), 6},
      {"FILL logits", fill(0, 2880, 0), 1},
      {"SOFTMAX", softmax(5, 10, 0, 0x2000, 288, 10, 1, 288), 3},
      {"MATMUL routing.sum", sum.encode(), 3},
      {"SQUASH classes", squash(5, 0, 16, 0x1C000, 0x1C000, 10, 16, 16), 3},
      {"MATMUL routing.agreement", agreement.encode(), 2},
      {"CLASSIFY", classify(0, 16, 0x1C000, 0x1D000, 10, 16), 1},
      {"STORE result", transfer(kStore, 2, 0, 0x1D000, 64), 1},
  };
  a.place({{kEnd}});
  ASSERT_EQ(a.bench.run(kProgram), kStatusDone);
  const uint32_t end_cycles = a.bench.read_register(kCycles);
  uint32_t total = end_cycles;
  for (const Step& step : steps) {
    a.place({step.instruction, {kEnd}});
    ASSERT_EQ(a.bench.run(kProgram), kStatusDone) << step.name;
    const uint32_t cycles = a.bench.read_register(kCycles) - end_cycles;
    total += cycles * step.times;
    std::cout << step.name << ": " << step.times << " x " << cycles << " cycles\n";
  }
  std::cout << "an image: " << total << " cycles" << std::endl;
  EXPECT_LT(total, 150000u);
}

// The deliberate fault changes lane 0 of every MATMUL output, and nothing else: a bench that
// compares outputs sees it.
TEST(CapsnetAccelFaultTest, rtl_accel_fault_mask_flips_lane_zero) {
  Accelerator<Vaccel_fault> a(12, 3);
  Matmul m;
  m.rows = m.cols = 2;
  m.m0 = 20;
  m.act = 0x100;
  m.act_m0 = 2;
  m.held = 0x200;
  m.held_row = 2;
  m.out = 0x300;
  m.out_m0 = 2;
  m.shift = 6;
  const std::vector<Instruction> program = {transfer(kLoad, 0, 0, 0, 4096),
                                            m.encode(),
                                            squash(0, 0, 8, 0x100, 0x500, 4, 8, 8),
                                            transfer(kStore, 2, 0, 0, 4096),
                                            {kEnd}};
  a.place(program);
  Interpreter expected(4096, a.bench.memory);
  for (const Instruction& instruction : program) expected.execute(instruction, kBases);
  ASSERT_EQ(a.bench.run(kProgram), kStatusDone);
  int changed = 0;
  for (uint32_t i = 0; i < 4096; ++i) {
    const int difference = expected.memory[kBases[2] + i] ^ a.bench.memory[kBases[2] + i];
    const bool lane_zero = i >= 0x300 && i < 0x300 + 40 && i % 2 == 0;
    EXPECT_EQ(difference, lane_zero ? 4 : 0) << "byte " << i;
    if (difference) ++changed;
  }
  EXPECT_EQ(changed, 20);
}

}  // namespace
}  // namespace lutra::rtl_test
