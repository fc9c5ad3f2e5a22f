// A compiled program, run by the programmer's model of the accelerator, against the engine: every
// tensor, for several shapes of the array.
#include "lutra/network/program.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>

#include "lutra/base/error.h"
#include "lutra/network/inference.h"
#include "random_network.h"

namespace lutra::network {
namespace {

/// A table that neither commutes nor maps zero to zero.
Table crooked_table() {
  Table table = exact_table();
  for (size_t i = 0; i < table.size(); ++i) table[i] = static_cast<int16_t>(table[i] + i % 7 - 2);
  return table;
}

struct Comparison {
  int64_t checked = 0;
  int64_t mismatches = 0;
  int64_t non_zero = 0;
};

Comparison compare(const AcceleratorShape& shape, const Assignment& assignment,
                   const std::map<std::string, int>& select,
                   const std::vector<const int16_t*>& luts) {
  const QuantisedNetwork network = random_network(7);
  const Inference inference(network, assignment);
  InferenceState state;
  state.tensors["input"] = random_image(11);
  inference.run(*engine::make_backend("scalar"), 1, Coupling::kRouted, 1, &state);

  const Program program = compile(network, shape, select, /*trace=*/true);
  std::vector<std::unique_ptr<engine::Multiplier>> multipliers;
  std::vector<const engine::Multiplier*> pointers;
  for (const int16_t* lut : luts) {
    multipliers.push_back(
        std::make_unique<engine::Multiplier>(tables::ProductTable(Table(lut, lut + 65536))));
    pointers.push_back(multipliers.back().get());
  }
  ProgramModel model(program, shape, pointers);
  std::vector<uint8_t> output, trace;
  model.run(random_image(11), &output, &trace);

  Comparison result;
  for (const TracedTensor& t : program.traced) {
    const std::vector<int8_t>& expected = state.tensors.at(t.tensor);
    for (size_t e = 0; e < expected.size(); ++e) {
      size_t rest = e;
      size_t offset = t.offset;
      for (size_t d = t.shape.size(); d-- > 0;) {
        offset += rest % t.shape[d] * t.strides[d];
        rest /= t.shape[d];
      }
      ++result.checked;
      result.non_zero += expected[e] != 0;
      result.mismatches += expected[e] != static_cast<int8_t>(trace[offset]);
    }
  }
  result.mismatches += output[0] != static_cast<uint8_t>(state.tensors.at("class")[0]);
  for (int j = 0; j < 10; ++j) {
    int32_t score;
    std::memcpy(&score, &output[16 + 4 * j], 4);
    result.mismatches += score != state.scores[j];
  }
  result.checked += 11;
  std::printf("checked=%lld mismatches=%lld non_zero=%lld\n",
              static_cast<long long>(result.checked), static_cast<long long>(result.mismatches),
              static_cast<long long>(result.non_zero));
  return result;
}

class ProgramShape : public testing::TestWithParam<AcceleratorShape> {};

TEST_P(ProgramShape, EveryTensorEqualsTheEngine) {
  const Table exact = exact_table();
  const Comparison result = compare(GetParam(), {}, {}, {exact.data()});
  EXPECT_GT(result.checked, 60000);
  EXPECT_GT(result.non_zero, result.checked / 10);
  EXPECT_EQ(result.mismatches, 0);
}

INSTANTIATE_TEST_SUITE_P(Shapes, ProgramShape,
                         testing::Values(AcceleratorShape{16, 16, 1 << 17, 512},
                                         AcceleratorShape{4, 8, 1 << 17, 512},
                                         AcceleratorShape{8, 4, 1 << 17, 64},
                                         AcceleratorShape{16, 16, 1 << 16, 256}),
                         [](const auto& p) {
                           return std::to_string(p.param.rows) + "x" +
                                  std::to_string(p.param.cols) + "_" +
                                  std::to_string(p.param.scratch_bytes >> 10) + "KiB_depth" +
                                  std::to_string(p.param.acc_depth);
                         });

TEST(Program, OperandOrderAndAssignmentReachTheArray) {
  const Table exact = exact_table();
  const Table crooked = crooked_table();
  const Assignment assignment = {{"primary.mac", &crooked},
                                 {"votes.mac", &crooked},
                                 {"routing.sum", &crooked},
                                 {"routing.agreement", &crooked},
                                 {"squash.mac", &crooked}};
  const Comparison result = compare({}, assignment,
                                    {{"primary.mac", 1},
                                     {"votes.mac", 1},
                                     {"routing.sum", 1},
                                     {"routing.agreement", 1},
                                     {"squash.mac", 1}},
                                    {exact.data(), crooked.data()});
  EXPECT_GT(result.checked, 0);
  EXPECT_EQ(result.mismatches, 0);
}

TEST(Program, AWrongTableIsSeen) {
  const Table exact = exact_table();
  Table wrong = exact;
  wrong[static_cast<size_t>(64) << 8 | 3] += 4096;
  EXPECT_GT(compare({}, {}, {}, {wrong.data()}).mismatches, 0);
}

TEST(Program, CountsTheProductsOfTheNetwork) {
  const QuantisedNetwork network = random_network(7);
  const Program program = compile(network, {}, {}, false);
  const engine::Multiplier exact(tables::ProductTable::exact());
  ProgramModel model(program, {}, {&exact});
  std::vector<uint8_t> output, trace;
  struct Counter : ProgramObserver {
    int64_t products = 0;
    void column(const std::string&, int, int rows, const int8_t*, const int8_t*, const int16_t*,
                int32_t) override {
      products += rows;
    }
    void squash(const std::string&, const int8_t*, int dim, int, bool) override { products += dim; }
  } observed;
  model.run(random_image(1), &output, &trace, &observed);
  int64_t products = 0;
  for (const auto& [step, counts] : model.counts()) products += counts.products;
  int64_t expected = 0;
  for (const Operation& op : multiplying_operations(network.description)) expected += op.products;
  EXPECT_EQ(products, expected);
  EXPECT_EQ(observed.products, expected);
  EXPECT_EQ(model.counts().at("primary.mac").products, 2985984);
}

TEST(Program, TooSmallAScratchpadIsUnsupported_bad) {
  try {
    compile(random_network(7), {16, 16, 1 << 14, 512}, {}, false);
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUnimplemented);
    EXPECT_NE(std::string(error.what()).find("scratchpad"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace lutra::network
