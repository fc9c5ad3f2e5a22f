// A compiled program, run by the programmer's model of the accelerator, against the engine: every
// tensor, for several shapes of the array.
#include "lutra/accelerator/program.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>

#include "lutra/base/error.h"
#include "lutra/graph/assignment.h"
#include "lutra/graph/quantised_network.h"
#include "lutra/graph/site.h"
#include "lutra/models/built_in.h"
#include "lutra/runtime/inference.h"
#include "random_network.h"

namespace lutra::test {
namespace {

/// A table that neither commutes nor maps zero to zero.
Table crooked_table(int spread = 7) {
  Table table = exact_table();
  for (size_t i = 0; i < table.size(); ++i) {
    table[i] = static_cast<int16_t>(table[i] + static_cast<int>(i) % spread - 2);
  }
  return table;
}

struct Comparison {
  int64_t checked = 0;
  int64_t mismatches = 0;
  int64_t non_zero = 0;
};

/// The engine under one assignment against the program under another.
Comparison compare(const accelerator::AcceleratorShape& shape, const graph::Assignment& expected_by,
                   const graph::Assignment& run_by) {
  const graph::QuantisedNetwork network = random_network(7);
  const runtime::Inference inference(network, expected_by);
  runtime::InferenceState state;
  state.tensors["input"] = random_image(11);
  inference.run(*engine::make_backend("scalar"), 1, &state);

  const accelerator::Program program = accelerator::compile(network, shape, run_by, /*trace=*/true);
  accelerator::ProgramModel model(program, shape, runtime::multipliers(run_by));
  std::vector<uint8_t> output, trace;
  model.run(random_image(11), &output, &trace);

  Comparison result;
  for (const accelerator::TracedTensor& t : program.traced) {
    const std::vector<int8_t>& expected = state.tensors.at(t.tensor);
    for (size_t e = 0; e < expected.size(); ++e) {
      ++result.checked;
      result.non_zero += expected[e] != 0;
      result.mismatches += expected[e] != static_cast<int8_t>(trace[t.offset_of(e)]);
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

class ProgramShape : public testing::TestWithParam<accelerator::AcceleratorShape> {};

TEST_P(ProgramShape, EveryTensorEqualsTheEngine) {
  const graph::Assignment exact(models::capsnet_edge());
  const Comparison result = compare(GetParam(), exact, exact);
  EXPECT_GT(result.checked, 60000);
  EXPECT_GT(result.non_zero, result.checked / 10);
  EXPECT_EQ(result.mismatches, 0);
}

INSTANTIATE_TEST_SUITE_P(Shapes, ProgramShape,
                         testing::Values(accelerator::AcceleratorShape{16, 16, 1 << 17, 512},
                                         accelerator::AcceleratorShape{4, 8, 1 << 17, 512},
                                         accelerator::AcceleratorShape{8, 4, 1 << 17, 64},
                                         accelerator::AcceleratorShape{16, 16, 1 << 16, 256}),
                         [](const auto& p) {
                           return std::to_string(p.param.rows) + "x" +
                                  std::to_string(p.param.cols) + "_" +
                                  std::to_string(p.param.scratch_bytes >> 10) + "KiB_depth" +
                                  std::to_string(p.param.acc_depth);
                         });

TEST(Program, OperandOrderAndAssignmentReachTheArray) {
  const synth::Component crooked = component_of(crooked_table());
  graph::Assignment assignment(models::capsnet_edge());
  for (const char* pattern : {"primary.mac", "votes.mac", "routing.*", "squash.mac"}) {
    assignment.set(pattern, &crooked);
  }
  const Comparison result = compare({}, assignment, assignment);
  EXPECT_GT(result.checked, 0);
  EXPECT_EQ(result.mismatches, 0);
}

TEST(Program, IterationsAndSquashesHaveMultipliersOfTheirOwn) {
  // Each of these alone changes what the engine gives, and the program follows.
  const synth::Component crooked = component_of(crooked_table(997));
  const graph::Assignment exact(models::capsnet_edge());
  for (const char* site : {"routing.sum.1", "routing.sum.2", "routing.sum.3", "routing.agreement.1",
                           "routing.agreement.2", "capsules.squash", "routing.squash.2"}) {
    graph::Assignment one(models::capsnet_edge());
    one.set(site, &crooked);
    EXPECT_EQ(one.components().size(), 2u);
    EXPECT_EQ(compare({}, one, one).mismatches, 0) << site;
    EXPECT_GT(compare({}, one, exact).mismatches, 0) << site;
  }
}

TEST(Program, AWrongTableIsSeen) {
  Table table = exact_table();
  table[static_cast<size_t>(64) << 8 | 3] += 4096;
  const synth::Component wrong = component_of(table);
  const graph::Assignment exact(models::capsnet_edge());
  graph::Assignment assignment(models::capsnet_edge());
  assignment.set("*", &wrong);
  EXPECT_GT(compare({}, exact, assignment).mismatches, 0);
}

TEST(Program, CountsTheProductsOfTheNetwork) {
  const graph::QuantisedNetwork network = random_network(7);
  const graph::Assignment exact(network.description);
  const accelerator::Program program = accelerator::compile(network, {}, exact, false);
  accelerator::ProgramModel model(program, {}, runtime::multipliers(exact));
  std::vector<uint8_t> output, trace;
  struct Counter : accelerator::ProgramObserver {
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
  for (const graph::Site& site : graph::sites(network.description)) expected += site.products;
  EXPECT_EQ(products, expected);
  EXPECT_EQ(observed.products, expected);
  EXPECT_EQ(model.counts().at("primary.mac").products, 2985984);
}

TEST(Program, TooSmallAScratchpadIsUnsupported_bad) {
  try {
    accelerator::compile(random_network(7), {16, 16, 1 << 14, 512},
                         graph::Assignment(models::capsnet_edge()), false);
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUnimplemented);
    EXPECT_NE(std::string(error.what()).find("scratchpad"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace lutra::test
