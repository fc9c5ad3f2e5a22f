// All products of a netlist, and the errors over them: against the simulator, the models and plain
// loops, at every width and SIMD level.
#include "lutra/netlist/product_sweep.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "lutra/component/component.h"
#include "lutra/component/error_metrics.h"
#include "lutra/component/library.h"
#include "lutra/component/multiplier_models.h"
#include "lutra/synthesis/synthesis.h"
#include "test_files.h"

namespace lutra::synth {
namespace {

using test::TestDirectory;

// --- Three-input operations ---------------------------------------------------------------------

/// The value of an expression where name n<i> has bit i of `values`.
bool evaluate(const BooleanExpression& expression, unsigned values) {
  std::vector<bool> results;
  for (const BooleanExpression::Node& node : expression.nodes) {
    using Op = BooleanExpression::Op;
    switch (node.op) {
      case Op::kConstant:
        results.push_back(node.value);
        break;
      case Op::kName:
        results.push_back(values >> (node.name[1] - '0') & 1);
        break;
      case Op::kNot:
        results.push_back(!results[node.left]);
        break;
      case Op::kAnd:
        results.push_back(results[node.left] && results[node.right]);
        break;
      case Op::kOr:
        results.push_back(results[node.left] || results[node.right]);
        break;
      case Op::kXor:
        results.push_back(results[node.left] != results[node.right]);
        break;
    }
  }
  return results.back();
}

std::string random_expression(std::mt19937* random, int depth) {
  const unsigned choice = (*random)() % 10;
  if (depth == 0 || choice == 0) return fmt::format("n{}", (*random)() % 6);
  if (choice == 1) return (*random)() % 2 ? "1" : "0";
  if (choice == 2) return fmt::format("(!{})", random_expression(random, depth - 1));
  return fmt::format("({} {} {})", random_expression(random, depth - 1), "&|^"[choice % 3],
                     random_expression(random, depth - 1));
}

class SimdLevelTest : public testing::TestWithParam<SimdLevel> {};

TEST_P(SimdLevelTest, ProgramsComputeTheirExpressions) {
  std::mt19937 random(3);
  std::int64_t compared = 0;
  std::int64_t ones_seen = 0;
  for (int round = 0; round < 400; ++round) {
    const std::string text = random_expression(&random, 5);
    const BooleanExpression expression = parse_boolean_expression(text, "test");
    // Slots 0 and 1 are the constants, 2..7 the names.
    BitProgramBuilder builder(9);
    BitProgram program;
    builder.append(
        expression, [](const std::string& name) { return 2 + name[1] - '0'; }, 8, &program);
    for (const int blocks : {1, 8}) {
      std::vector<LaneBlock> slots(static_cast<std::size_t>(builder.slot_count()) * blocks);
      for (int k = 0; k < blocks; ++k) {
        slots[1 * blocks + k].words.fill(~0ULL);
        for (int n = 0; n < 6; ++n) {
          for (std::uint64_t& word : slots[(2 + n) * blocks + k].words) {
            word = std::uint64_t{random()} << 32 | random();
          }
        }
      }
      std::vector<LaneBlock> ones(program.size());
      if (blocks == 1) {
        run_program<1>(GetParam(), program, slots.data(), ones.data());
      } else {
        run_program<8>(GetParam(), program, slots.data(), ones.data());
      }
      std::uint64_t expected_ones = 0;
      for (int lane = 0; lane < 512 * blocks; ++lane) {
        const auto bit = [&](int slot) {
          return slots[slot * blocks + lane / 512].words[lane % 512 / 64] >> (lane % 64) & 1;
        };
        unsigned values = 0;
        for (int n = 0; n < 6; ++n) values |= static_cast<unsigned>(bit(2 + n)) << n;
        const bool expected = evaluate(expression, values);
        ASSERT_EQ(bit(8), expected) << text;
        expected_ones += expected;
        ++compared;
      }
      std::uint64_t counted = 0;
      for (const std::uint64_t part : ones.back().words) counted += part;
      ASSERT_EQ(counted, expected_ones) << text;
      ones_seen += static_cast<std::int64_t>(counted);
    }
  }
  fmt::print("checked={}\n", compared);
  EXPECT_GT(ones_seen, compared / 10);
  EXPECT_LT(ones_seen, compared * 9 / 10);
}

TEST_P(SimdLevelTest, TranspositionTurnsPlanesIntoValues) {
  std::mt19937 random(4);
  alignas(64) std::uint32_t rows[32][16];
  for (auto& row : rows) {
    for (std::uint32_t& word : row) word = random();
  }
  std::uint32_t before[32][16];
  std::copy(&rows[0][0], &rows[0][0] + 512, &before[0][0]);
  transpose_planes(GetParam(), rows);
  for (int lane = 0; lane < 512; ++lane) {
    std::uint32_t expected = 0;
    for (int bit = 0; bit < 32; ++bit) {
      expected |= (before[bit][lane / 32] >> (lane % 32) & 1) << bit;
    }
    ASSERT_EQ(rows[lane % 32][lane / 32], expected) << lane;
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, SimdLevelTest, testing::ValuesIn(available_simd_levels()),
                         [](const auto& p) { return to_string(p.param); });

TEST(SimdLevel, TheEnvironmentChooses) {
  setenv("LUTRA_SIMD", "scalar", 1);
  EXPECT_EQ(simd_level(), SimdLevel::kScalar);
  setenv("LUTRA_SIMD", "mmx", 1);
  test::expect_error(ErrorKind::kInvalidArgument, "LUTRA_SIMD = \"mmx\", this processor has scalar",
                     [] { simd_level(); });
  unsetenv("LUTRA_SIMD");
  EXPECT_EQ(simd_level(), available_simd_levels().back());
}

// --- Sweeps -------------------------------------------------------------------------------------

/// A library multiplier and its netlist, made once.
struct Subject {
  Subject(const std::string& specification, const Liberty& library, const TestDirectory& directory)
      : source(library_source(specification)) {
    const MultiplierSpec spec = parse_multiplier_spec(specification);
    model = multiplier_model(spec.family->name, spec.parameters, spec.width, spec.is_signed);
    const SynthesisResult result = synthesize(source.files, source.top, source.parameters,
                                              default_liberty(), directory.path() / specification);
    netlist = std::make_unique<Netlist>(Netlist::read_json(result.netlist_json, library));
  }
  std::int64_t operand(std::uint64_t pattern) const {
    const auto value = static_cast<std::int64_t>(pattern);
    return source.signedness == Signedness::kSigned && value >> (source.widths.a - 1) != 0
               ? value - (1LL << source.widths.a)
               : value;
  }

  MultiplierSource source;
  MultiplierModel model;
  std::unique_ptr<Netlist> netlist;
};

/// Metrics by their definitions, from the model.
ErrorMetrics by_definition(const Subject& subject) {
  const int width = subject.source.widths.a;
  const std::uint64_t values = 1ULL << width;
  const double pairs = std::ldexp(1.0, 2 * width);
  ErrorMetrics m;
  long double squares = 0;
  double nonzero = 0;
  std::int64_t sum = 0;
  std::int64_t sizes = 0;
  for (std::uint64_t i = 0; i < values; ++i) {
    for (std::uint64_t j = 0; j < values; ++j) {
      const std::int64_t a = subject.operand(i);
      const std::int64_t b = subject.operand(j);
      const std::int64_t got = subject.model(a, b);
      const std::int64_t exact = a * b;
      const std::int64_t error = got - exact;
      const std::int64_t size = std::abs(error);
      sum += error;
      sizes += size;
      squares += static_cast<long double>(size) * size;
      m.ep += error != 0;
      m.wce = std::max<double>(m.wce, size);
      m.hd += __builtin_popcountll((got ^ exact) & ((1ULL << (2 * width)) - 1));
      const double relative =
          static_cast<double>(size) / std::max<std::int64_t>(1, std::abs(exact));
      m.mre_all += relative;
      m.wcre_all = std::max(m.wcre_all, relative);
      if (exact != 0) {
        ++nonzero;
        m.mre_nonzero += relative;
        m.wcre_nonzero = std::max(m.wcre_nonzero, relative);
      } else {
        m.zero_operand_ep += size != 0;
        m.zero_operand_wce = std::max<double>(m.zero_operand_wce, size);
      }
      m.noncommuting += got != subject.model(b, a);
      if (error != 0) {
        ++(error < 0 ? m.histogram_negative : m.histogram_positive)[63 - __builtin_clzll(size)];
      }
    }
  }
  m.mae = sizes / pairs;
  m.bias = sum / pairs;
  m.mse = static_cast<double>(squares / pairs);
  m.ep /= pairs;
  m.zero_operand_ep /= pairs - nonzero;
  m.mre_all /= pairs;
  m.mre_nonzero /= nonzero;
  m.noncommuting /= pairs;
  m.variance = m.mse - m.bias * m.bias;
  m.std_dev = std::sqrt(m.variance);
  m.nmed =
      m.mae / (subject.source.signedness == Signedness::kSigned ? pairs / 4
                                                                : (values - 1.0) * (values - 1.0));
  m.mae_percent = 100 * m.mae / pairs;
  m.wce_percent = 100 * m.wce / pairs;
  return m;
}

void expect_alike(const ErrorMetrics& got, const ErrorMetrics& expected, const std::string& what) {
  const nlohmann::json g = to_json(got);
  const nlohmann::json e = to_json(expected);
  for (const auto& [key, value] : e.items()) {
    if (value.is_number()) {
      // Sums of fractions depend on their order.
      EXPECT_NEAR(g.at(key).get<double>(), value.get<double>(),
                  1e-11 * std::max(1.0, std::abs(value.get<double>())))
          << what << " " << key;
    } else {
      EXPECT_EQ(g.at(key), value) << what << " " << key;
    }
  }
}

class ProductSweepTest : public testing::Test {
 protected:
  void SetUp() override {
    LUTRA_SKIP_WITHOUT_TOOLS();
    library_ = std::make_unique<Liberty>(Liberty::read(default_liberty()));
  }
  TestDirectory directory_;
  std::unique_ptr<Liberty> library_;
};

TEST_F(ProductSweepTest, EqualsTheModelAtEveryWidthAndLevel) {
  std::int64_t compared = 0;
  for (const std::string specification :
       {"exact:width=2", "exact:width=3,signed=0", "drum:kept_bits=3,width=4",
        "bam:hbl=2,vbl=3,width=5", "trunc:trunc_bits=2,width=6", "bam:hbl=1,vbl=4,width=7,signed=0",
        "drum:kept_bits=4", "drum:kept_bits=5,signed=0", "bam:hbl=2,vbl=6,width=10"}) {
    const Subject subject(specification, *library_, directory_);
    const int width = subject.source.widths.a;
    const ErrorMetrics expected = by_definition(subject);
    std::string first;
    for (const SimdLevel level : available_simd_levels()) {
      for (const int jobs : {1, 3}) {
        const ProductSweep sweep(*subject.netlist, subject.source.ports, {}, level);
        ASSERT_EQ(sweep.pairs(), 1ULL << (2 * width));
        ExhaustiveOptions options;
        options.is_signed = subject.source.signedness == Signedness::kSigned;
        options.keep_products = true;
        options.jobs = jobs;
        const ExhaustiveRun run = run_exhaustively(sweep, options);
        const std::string what =
            fmt::format("{} {} {} threads", specification, to_string(level), jobs);
        ASSERT_EQ(run.products.size(), sweep.pairs());
        for (std::uint64_t i = 0; i < sweep.pairs(); ++i) {
          const std::int64_t product =
              subject.model(subject.operand(i >> width), subject.operand(i & ((1 << width) - 1)));
          ASSERT_EQ(run.products[i],
                    static_cast<std::uint64_t>(product) & ((1ULL << (2 * width)) - 1))
              << what << ", pair " << i;
          ++compared;
        }
        expect_alike(run.errors, expected, what);
        // The same bits on every level and any number of threads.
        std::string text = to_json(run.errors).dump();
        for (const double p : run.signal_probability) text += fmt::format(" {}", p);
        if (first.empty()) first = text;
        EXPECT_EQ(text, first) << what;
        // A product bit's net is 1 as often as the bit is in the products.
        for (int bit = 0; bit < 2 * width; ++bit) {
          const int net = subject.netlist->port(subject.source.ports[2]).nets[bit];
          std::uint64_t ones = 0;
          for (const std::uint32_t product : run.products) ones += product >> bit & 1;
          if (run.signal_probability[net] == 0) continue;  // driven by no cell
          EXPECT_EQ(run.signal_probability[net] * static_cast<double>(sweep.pairs()), ones);
        }
      }
    }
  }
  fmt::print("checked={}\n", compared);
  EXPECT_GT(compared, static_cast<std::int64_t>(available_simd_levels().size()) * 2 * 1000000);
}

TEST_F(ProductSweepTest, AFlippedProductBitIsNoticed) {
  const Subject subject("exact:width=6,signed=0", *library_, directory_);
  const ProductSweep sweep(*subject.netlist, subject.source.ports);
  ProductSweep::Pass pass(sweep);
  std::int64_t wrong = 0;
  pass.run(0, sweep.pairs(), [&](const ProductBlock& block) {
    for (int lane = 0; lane < block.count; ++lane) {
      const std::uint64_t pair = block.first + lane;
      wrong += (block.product(lane) ^ 8u) != (pair >> 6) * (pair & 63);
    }
  });
  EXPECT_EQ(wrong, 4096);
}

// Errors of 32-bit products need all their bits: an "unsigned 16 x 16" that answers all ones.
TEST_F(ProductSweepTest, LargestErrorsOfTheWidestProducts) {
  const auto file = directory_.write("ones.v", R"(
module ones (input [15:0] a, input [15:0] b, output [31:0] p);
  assign p = {32{1'b1}};
endmodule
)");
  const SynthesisResult result =
      synthesize({file}, "ones", {}, default_liberty(), directory_.path() / "ones");
  const Netlist netlist = Netlist::read_json(result.netlist_json, *library_);
  const ProductSweep sweep(netlist, {"a", "b", "p"});
  ProductSweep::Pass pass(sweep);
  std::int64_t blocks = 0;
  pass.run(std::uint64_t{1} << 31, 4096, [&](const ProductBlock& block) {
    for (int lane = 0; lane < block.count; ++lane) {
      ASSERT_EQ(block.product(lane), 0xffffffffu);
    }
    ++blocks;
  });
  EXPECT_EQ(blocks, 8);
}

TEST_F(ProductSweepTest, WhatItCannotSweepIsRefused_bad) {
  const auto file = directory_.write("register.v", R"(
module register (input clk, input [3:0] a, input [3:0] b, output reg [7:0] p);
  always @(posedge clk) p <= a * b;
endmodule
)");
  const SynthesisResult result =
      synthesize({file}, "register", {}, default_liberty(), directory_.path() / "register");
  const Netlist netlist = Netlist::read_json(result.netlist_json, *library_);
  test::expect_error(ErrorKind::kUnimplemented, "flip-flops", [&] {
    ProductSweep(netlist, {"a", "b", "p"});
  });
  test::expect_error(ErrorKind::kUnimplemented, "widths 4 x 1 -> 8", [&] {
    ProductSweep(netlist, {"a", "clk", "p"});
  });
}

}  // namespace
}  // namespace lutra::synth
