// What the energy of an inference rests on: the netlists whose toggles are counted compute the
// specified functions, and toggles mean energy.
#include "lutra/studies/inference_energy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <random>
#include <set>

#include "energy/operand_sampler.h"
#include "energy/unit_netlist.h"
#include "lutra/accelerator/program.h"
#include "lutra/component/energy_meter.h"
#include "lutra/component/library.h"
#include "lutra/component/operands.h"
#include "lutra/cosim/cosim.h"
#include "lutra/data/dataset.h"
#include "lutra/graph/site.h"
#include "lutra/models/built_in.h"
#include "lutra/models/model_files.h"
#include "lutra/numerics/capsule.h"
#include "lutra/studies/component_store.h"
#include "lutra/studies/statistics.h"
#include "saved_network.h"
#include "test_files.h"

namespace lutra::studies {
namespace {

namespace fs = std::filesystem;
using numerics::kMaxVector;
using synth::NetlistSimulator;

/// Counts comparisons; prints them and fails at the end when there was none, or when the expected
/// values never changed.
class Comparisons {
 public:
  ~Comparisons() {
    std::printf("checked=%lld mismatches=%lld\n", static_cast<long long>(checked_),
                static_cast<long long>(mismatches_));
    EXPECT_GT(checked_, 0) << "nothing was compared";
    EXPECT_TRUE(changed_) << "the expected values never changed";
    EXPECT_EQ(mismatches_, 0);
  }
  template <typename Describe>
  void check(int64_t expected, int64_t got, const Describe& describe) {
    if (checked_++ == 0) first_ = expected;
    changed_ = changed_ || expected != first_;
    if (expected == got) return;
    if (++mismatches_ <= 5) {
      ADD_FAILURE() << describe() << ": expected " << expected << ", got " << got;
    }
  }

 private:
  int64_t checked_ = 0;
  int64_t mismatches_ = 0;
  int64_t first_ = 0;
  bool changed_ = false;
};

int8_t byte_of(const NetlistSimulator& simulator, const synth::NetlistPort& port, int byte,
               int lane) {
  unsigned value = 0;
  for (int bit = 0; bit < 8; ++bit) {
    value |= static_cast<unsigned>(simulator.value_bit(port, 8 * byte + bit, lane)) << bit;
  }
  return static_cast<int8_t>(value);
}

/// Vectors of one length for all lanes: zeros, limits, small values, anything.
std::vector<std::vector<uint8_t>> random_vectors(std::mt19937* random, int dim) {
  std::vector<std::vector<uint8_t>> vectors(NetlistSimulator::kLanes);
  for (auto& vector : vectors) {
    const unsigned kind = (*random)() % 5;
    for (int d = 0; d < dim; ++d) {
      const int any = static_cast<int>((*random)() % 255) - 127;
      const int element = kind == 0   ? 0
                          : kind == 1 ? (any < 0 ? -127 : 127)
                          : kind == 2 ? any / 32
                                      : any;
      vector.push_back(static_cast<uint8_t>(element));
    }
  }
  return vectors;
}

/// Runs one vector a lane through a sequential unit, as the energy's measurement does.
/// @return cycles from acceptance to the result
int run_vectors(NetlistSimulator* simulator, const UnitNetlist& unit, const std::string& input,
                const std::vector<std::vector<uint8_t>>& vectors,
                const std::vector<int>& fractions) {
  for (int lane = 0; lane < NetlistSimulator::kLanes; ++lane) {
    set_wide_input(simulator, unit.port(input), lane, vectors[static_cast<size_t>(lane)]);
    simulator->set_input(unit.port("dim_i"), lane, vectors[static_cast<size_t>(lane)].size());
    simulator->set_input(unit.port("f_i"), lane,
                         static_cast<uint64_t>(fractions[static_cast<size_t>(lane)]));
  }
  simulator->set_input_all(unit.port("in_valid_i"), 1);
  simulator->step(unit.port("clk_i"));
  simulator->set_input_all(unit.port("in_valid_i"), 0);
  int cycles = 1;
  while (simulator->value(unit.port("out_valid_o"), 0) == 0 && cycles < 1000) {
    simulator->step(unit.port("clk_i"));
    ++cycles;
  }
  return cycles;
}

void reset(NetlistSimulator* simulator, const UnitNetlist& unit) {
  simulator->set_input_all(unit.port("rst_ni"), 0);
  simulator->step(unit.port("clk_i"));
  simulator->set_input_all(unit.port("rst_ni"), 1);
  simulator->set_input_all(unit.port("out_ready_i"), 1);
  simulator->set_input_all(unit.port("clear_i"), 0);
  simulator->step(unit.port("clk_i"));
}

std::vector<int> random_fractions(std::mt19937* random) {
  std::vector<int> fractions(NetlistSimulator::kLanes);
  for (int& f : fractions) f = static_cast<int>((*random)() % 8);
  return fractions;
}

class UnitNetlists : public testing::Test {
 protected:
  void SetUp() override { LUTRA_SKIP_WITHOUT_TOOLS(); }

  /// The squash unit around one component, as the energy of an inference builds it.
  std::unique_ptr<UnitNetlist> squash_unit(const synth::Component& component) {
    const fs::path capsnet = synth::rtl_directory() / "capsnet";
    std::vector<fs::path> files = component.source.files;
    files.insert(files.end(),
                 {files_.write("pe_mul.sv", cosim::pe_multiplier_source({&component})),
                  capsnet / "isqrt.sv", capsnet / "divider.sv", capsnet / "squash_unit.sv"});
    return std::make_unique<UnitNetlist>(files, "squash_unit", synth::default_liberty(),
                                         synth::default_cache_dir());
  }

  ComponentStore store_{{}};
  test::TestDirectory files_;
};

// What a store makes several at a time is what it makes one by one; of several that cannot be made
// it names the first, whichever thread is quicker.
TEST_F(UnitNetlists, SeveralComponentsAtATime) {
  ComponentStore store{{}};
  store.prepare({"exact", "drum:kept_bits=5", "exact", "drum", "trunc:trunc_bits=1"}, 4);
  int compared = 0;
  for (const char* name : {"exact", "drum:kept_bits=5", "trunc:trunc_bits=1"}) {
    EXPECT_EQ(store.get(name).content_sha256, store_.get(name).content_sha256) << name;
    EXPECT_EQ(&store.get(name), &store.get(name)) << "made once";
    ++compared;
  }
  EXPECT_EQ(compared, 3);
  for (int round = 0; round < 5; ++round) {
    ComponentStore fails{{}};
    test::expect_error(ErrorKind::kInvalidArgument, "drum:kept_bits=77", [&] {
      fails.prepare({"exact", "drum:kept_bits=77", "bam:hbl=99,vbl=0"}, 4);
    });
    EXPECT_EQ(fails.get("exact").name, "exact");
  }
}

class SquashNetlist : public UnitNetlists, public testing::WithParamInterface<const char*> {};

TEST_P(SquashNetlist, EqualsTheNumerics) {
  const synth::Component& component = store_.get(GetParam());
  const auto unit = squash_unit(component);
  NetlistSimulator simulator(unit->netlist());
  reset(&simulator, *unit);
  std::mt19937 random(21);
  Comparisons comparisons;
  for (const bool norm_only : {false, true}) {
    simulator.set_input_all(unit->port("norm_only_i"), norm_only);
    for (const int dim : {1, 2, 7, 8, 15, 16}) {
      const auto vectors = random_vectors(&random, dim);
      const auto fractions = random_fractions(&random);
      EXPECT_EQ(run_vectors(&simulator, *unit, "s_i", vectors, fractions),
                norm_only ? dim + 1 : 2 * dim + 22);
      for (int lane = 0; lane < NetlistSimulator::kLanes; ++lane) {
        const auto& s = vectors[static_cast<size_t>(lane)];
        const int f = fractions[static_cast<size_t>(lane)];
        int32_t sum = 0;
        for (const uint8_t e : s) sum += component.lut[static_cast<size_t>(e) << 8 | e];
        const auto describe = [&] {
          return "lane " + std::to_string(lane) + ", dim " + std::to_string(dim) + ", f " +
                 std::to_string(f);
        };
        comparisons.check(std::max(sum, 0),
                          static_cast<int64_t>(simulator.value(unit->port("norm_o"), lane)),
                          describe);
        const uint32_t gain = numerics::squash_gain(sum, f);
        for (int d = 0; d < kMaxVector; ++d) {
          const int8_t expected =
              d < dim && !norm_only
                  ? numerics::squash_element(static_cast<int8_t>(s[static_cast<size_t>(d)]), gain)
                  : int8_t{0};
          comparisons.check(expected, byte_of(simulator, unit->port("v_o"), d, lane), describe);
        }
      }
      simulator.step(unit->port("clk_i"));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Multipliers, SquashNetlist, testing::Values("exact", "drum:kept_bits=4"),
                         [](const auto& p) {
                           return std::string(p.param).substr(0, std::string(p.param).find(':'));
                         });

TEST_F(UnitNetlists, SoftmaxEqualsTheNumerics) {
  const fs::path capsnet = synth::rtl_directory() / "capsnet";
  const UnitNetlist unit({capsnet / "divider.sv", capsnet / "softmax_unit.sv"}, "softmax_unit",
                         synth::default_liberty(), synth::default_cache_dir());
  NetlistSimulator simulator(unit.netlist());
  reset(&simulator, unit);
  std::mt19937 random(22);
  Comparisons comparisons;
  for (const int dim : {1, 2, 9, 10, 16}) {
    const auto vectors = random_vectors(&random, dim);
    const auto fractions = random_fractions(&random);
    EXPECT_EQ(run_vectors(&simulator, unit, "b_i", vectors, fractions), 2 * dim + 12);
    for (int lane = 0; lane < NetlistSimulator::kLanes; ++lane) {
      int8_t expected[kMaxVector] = {};
      numerics::softmax(reinterpret_cast<const int8_t*>(vectors[static_cast<size_t>(lane)].data()),
                        dim, fractions[static_cast<size_t>(lane)], expected);
      for (int j = 0; j < kMaxVector; ++j) {
        comparisons.check(expected[j], byte_of(simulator, unit.port("c_o"), j, lane), [&] {
          return "lane " + std::to_string(lane) + ", dim " + std::to_string(dim) + ", element " +
                 std::to_string(j);
        });
      }
    }
    simulator.step(unit.port("clk_i"));
  }
}

TEST_F(UnitNetlists, RequantiserEqualsTheNumerics) {
  const UnitNetlist unit({synth::rtl_directory() / "capsnet/requantiser.sv"}, "requantiser",
                         synth::default_liberty(), synth::default_cache_dir());
  NetlistSimulator simulator(unit.netlist());
  std::mt19937 random(23);
  Comparisons comparisons;
  for (int round = 0; round < 20; ++round) {
    struct Case {
      int32_t acc;
      int shift;
      bool relu, accumulate;
      int8_t old;
    };
    std::vector<Case> cases;
    for (int lane = 0; lane < NetlistSimulator::kLanes; ++lane) {
      const Case c = {static_cast<int32_t>(random()) >> random() % 32,
                      static_cast<int>(random() % 32), random() % 2 != 0, random() % 2 != 0,
                      static_cast<int8_t>(static_cast<int>(random() % 255) - 127)};
      simulator.set_input(unit.port("acc_i"), lane, static_cast<uint32_t>(c.acc));
      simulator.set_input(unit.port("shift_i"), lane, static_cast<uint64_t>(c.shift));
      simulator.set_input(unit.port("relu_i"), lane, c.relu);
      simulator.set_input(unit.port("accumulate_i"), lane, c.accumulate);
      simulator.set_input(unit.port("old_i"), lane, static_cast<uint8_t>(c.old));
      cases.push_back(c);
    }
    simulator.settle();
    for (int lane = 0; lane < NetlistSimulator::kLanes; ++lane) {
      const Case& c = cases[static_cast<size_t>(lane)];
      comparisons.check(c.accumulate ? numerics::accumulate(c.old, c.acc, c.shift, c.relu)
                                     : numerics::requantise(c.acc, c.shift, c.relu),
                        byte_of(simulator, unit.port("q_o"), 0, lane), [&] {
                          return "acc " + std::to_string(c.acc) + ", shift " +
                                 std::to_string(c.shift) + ", old " + std::to_string(c.old);
                        });
    }
  }
}

TEST_F(UnitNetlists, SumsEqualTheNumerics) {
  const fs::path capsnet = synth::rtl_directory() / "capsnet";
  const UnitNetlist column({capsnet / "column_sum.sv"}, "column_sum", synth::default_liberty(),
                           synth::default_cache_dir());
  const UnitNetlist partial({capsnet / "partial_sum.sv"}, "partial_sum", synth::default_liberty(),
                            synth::default_cache_dir());
  NetlistSimulator columns(column.netlist());
  NetlistSimulator partials(partial.netlist());
  std::mt19937 random(24);
  Comparisons comparisons;
  for (int round = 0; round < 8; ++round) {
    std::vector<int32_t> sums, totals;
    for (int lane = 0; lane < NetlistSimulator::kLanes; ++lane) {
      const int rows = 1 + static_cast<int>(random() % 16);
      std::vector<uint8_t> bytes;
      int32_t sum = 0;
      for (int r = 0; r < 16; ++r) {  // products of idle rows must not count
        const auto product = static_cast<int16_t>(random());
        bytes.push_back(static_cast<uint8_t>(product));
        bytes.push_back(static_cast<uint8_t>(product >> 8));
        sum += r < rows ? product : 0;
      }
      set_wide_input(&columns, column.port("products_i"), lane, bytes);
      columns.set_input(column.port("row_mask_i"), lane, (1u << rows) - 1);
      const int32_t acc = static_cast<int32_t>(random()) / 2;
      partials.set_input(partial.port("acc_i"), lane, static_cast<uint32_t>(acc));
      partials.set_input(partial.port("sum_i"), lane, static_cast<uint32_t>(sum));
      sums.push_back(sum);
      totals.push_back(acc + sum);
    }
    columns.settle();
    partials.settle();
    const synth::NetlistPort& sum_o = column.port("sum_o");
    const synth::NetlistPort& acc_o = partial.port("acc_o");
    for (int lane = 0; lane < NetlistSimulator::kLanes; ++lane) {
      const auto at = static_cast<size_t>(lane);
      const uint64_t mask = (uint64_t{1} << sum_o.width()) - 1;
      comparisons.check(static_cast<int64_t>(static_cast<uint64_t>(int64_t{sums[at]}) & mask),
                        static_cast<int64_t>(columns.value(sum_o, lane)), [] { return "column"; });
      comparisons.check(totals[at], static_cast<int32_t>(partials.value(acc_o, lane)),
                        [] { return "partial"; });
    }
  }
}

TEST_F(UnitNetlists, NoTogglesTakeNoEnergy) {
  synth::EnergyMeter meter(store_.get("exact"));
  for (const synth::OperandPair pair : {synth::OperandPair{0, 0}, {127, -127}, {-5, 90}}) {
    const auto report = meter.measure(std::vector<synth::OperandPair>(1000, pair));
    EXPECT_EQ(report.net_toggles, 0u);
    EXPECT_EQ(report.total_fj(), 0);
  }
  EXPECT_GT(meter.measure({{0, 0}, {127, -127}}).total_fj(), 0);
}

class Inference : public UnitNetlists {
 protected:
  InferenceEnergy measure(const data::Dataset& data, const std::string& multiplier,
                          const fs::path& operands_dir = {}) {
    const auto network = models::load_quantised(test::saved_network());
    EnergyOptions options;
    options.images = 1;
    options.samples = 16384;
    options.operands_dir = operands_dir;
    return inference_energy(network, assign(network.description, &store_, multiplier, {}), data,
                            options);
  }
  static double per_multiplication(const InferenceEnergy& energy, const std::string& operation) {
    for (const EnergyTerm& term : energy.terms) {
      if (term.kind == "multiply" && term.operation == operation) return term.energy_per_op_fj();
    }
    ADD_FAILURE() << "no multiply term for " << operation;
    return 0;
  }
};

TEST_F(Inference, TermsAddUpAndCountTheNetworksProducts) {
  const auto data = data::load_dataset("fashion-mnist", data::Split::kTest);
  const InferenceEnergy energy = measure(data, "exact");
  double total = 0;
  std::map<std::string, int64_t> products;
  std::map<std::string, int> kinds;
  for (const EnergyTerm& term : energy.terms) {
    EXPECT_GT(term.count, 0) << term.kind;
    // A few cycles of a single image may well have been those of a blank corner.
    EXPECT_GE(term.energy_per_op_fj(), 0) << term.kind << " " << term.operation;
    EXPECT_FALSE(term.basis.empty()) << term.kind;
    total += static_cast<double>(term.count) * term.energy_per_op_fj() * 1e-6;
    if (term.kind == "multiply") products[term.operation] += term.count;
    ++kinds[term.kind];
  }
  EXPECT_NEAR(energy.total_nj(), total, 1e-6 * total);
  EXPECT_LT(energy.multiply_nj(), energy.total_nj());
  for (const char* kind : {"multiply", "column sum", "accumulate", "requantise", "squash",
                           "softmax", "scratchpad", "accumulator memory", "off-chip memory"}) {
    EXPECT_GT(kinds[kind], 0) << kind;
  }
  int compared = 0;
  std::map<std::string, int64_t> expected;
  for (const graph::Site& site : graph::sites(models::capsnet_edge())) {
    // The others are in the squash unit's term.
    if (site.on_array) expected[site.operation_name()] += site.products;
  }
  for (const auto& [operation, count] : expected) {
    EXPECT_EQ(products[operation], count) << operation;
    ++compared;
  }
  std::printf("checked=%d\n", compared);
  EXPECT_GT(compared, 0);
}

TEST_F(Inference, RealOperandsTakeLessThanUniformOnes) {
  const auto data = data::load_dataset("fashion-mnist", data::Split::kTest);
  const InferenceEnergy energy = measure(data, "exact");
  const double uniform =
      store_.get("exact").json.at("glitches").at("energy_per_op_fj").get<double>();
  ASSERT_GT(uniform, 0);
  double sum = 0;
  double count = 0;
  for (const EnergyTerm& term : energy.terms) {
    if (term.kind != "multiply") continue;
    sum += term.energy_per_op_fj() * static_cast<double>(term.count);
    count += static_cast<double>(term.count);
    std::printf("%s: %.0f fJ, uniform %.0f fJ\n", term.operation.c_str(), term.energy_per_op_fj(),
                uniform);
  }
  EXPECT_LT(sum / count, uniform);
  EXPECT_LT(per_multiplication(energy, "conv1.mac"), 0.7 * uniform) << "many pixels are 0";
}

// The operands that the network met, taken back to the multiplier, take the same energy there.
TEST_F(Inference, RecordedOperandsTakeTheSameEnergyInTheMultiplier) {
  const auto data = data::load_dataset("fashion-mnist", data::Split::kTest);
  const test::TestDirectory directory;
  const InferenceEnergy energy = measure(data, "drum:kept_bits=4", directory.path() / "operands");
  const synth::Component& component = store_.get("drum:kept_bits=4");
  int checked = 0;
  for (const char* operation : {"conv1.mac", "primary.mac", "votes.mac"}) {
    const fs::path file = directory.path() / "operands" / (std::string(operation) + ".npy");
    const auto operands = synth::read_operands(file, 8, true);
    EXPECT_GE(operands.trace.size(), 1024u) << operation;
    const auto at = synth::measure_at_operands(component, operands);
    const double expected = per_multiplication(energy, operation);
    // The changes from one sequence to the next, one in seventeen, are in the file's figure alone.
    EXPECT_NEAR(at.at("glitches").at("energy_per_op_fj").get<double>(), expected, 0.35 * expected)
        << operation;
    std::printf("%s: %zu operations, %.0f fJ, with glitches %.0f fJ, MAE %.2f, uniform %.2f\n",
                operation, operands.trace.size(), at.at("energy_per_op_fj").get<double>(),
                at.at("glitches").at("energy_per_op_fj").get<double>(),
                at.at("errors").at("mae").get<double>(), component.errors.mae);
    ++checked;
  }
  std::printf("checked=%d\n", checked);
}

TEST_F(Inference, ABlankImageTakesAlmostNoMultiplyEnergyInTheFirstLayer) {
  data::Dataset blank;
  blank.name = "blank";
  blank.height = blank.width = 28;
  blank.pixels.assign(28 * 28, 0);
  blank.labels = {0};
  const double uniform =
      store_.get("exact").json.at("glitches").at("energy_per_op_fj").get<double>();
  EXPECT_LT(per_multiplication(measure(blank, "exact"), "conv1.mac"), 0.02 * uniform);
}

// Places are drawn over the whole of an image's work, and the same for every multiplier.
TEST_F(Inference, SamplesAreDrawnOverAllColumnsAndPositions) {
  WorkCounter work;
  const std::string step = "s";
  const int8_t operands[4] = {1, 2, 3, 4};
  const int16_t products[4] = {};
  const auto run = [&](accelerator::ProgramObserver* observer) {
    for (int cycle = 0; cycle < 1000; ++cycle) {
      for (int col = 0; col < 8; ++col) {
        const auto mark = static_cast<int8_t>(cycle / 8);
        const int8_t first[4] = {mark, static_cast<int8_t>(col), mark, static_cast<int8_t>(col)};
        observer->column(step, col, 4, first, operands, products, 0);
      }
    }
  };
  run(&work);
  EXPECT_EQ(work.steps.at(step).products(), 1000 * 8 * 4);
  std::set<int> positions, columns, rows;
  size_t transitions = 0;
  for (int image = 0; image < 4; ++image) {
    OperandSampler sampler(work, 4096, 1, image);
    run(&sampler);
    const StepSample sample = sampler.take().at(step);
    for (const auto& pairs : sample.pairs) {
      transitions += pairs.size() - 1;
      rows.insert(pairs[0].b);
      (pairs[0].b % 2 == 1 ? positions : columns).insert(pairs[0].a);
    }
    OperandSampler again(work, 4096, 1, image);
    OperandSampler other(work, 4096, 2, image);
    run(&again);
    run(&other);
    const auto values = [&](OperandSampler* s) {
      std::vector<int> all;
      const StepSample drawn = s->take().at(step);
      for (const auto& pairs : drawn.pairs) all.push_back(pairs[0].a * 8 + pairs[0].b);
      return all;
    };
    EXPECT_NE(values(&again), values(&other)) << "the seed draws the places";
  }
  EXPECT_EQ(rows.size(), 4u);
  EXPECT_EQ(columns.size(), 8u);
  EXPECT_GT(positions.size(), 100u) << "of 125";
  EXPECT_NEAR(static_cast<double>(transitions), 4 * 4096, 200);
}

TEST(Intervals, AreThoseOfTheTextbooks) {
  // Student, n = 4, t = 3.182: 10 +- 3.182 * sqrt(20 / 3 / 4) of {7, 9, 11, 13}.
  const Interval mean = *mean_interval({7, 9, 11, 13});
  EXPECT_NEAR(mean.low, 10 - 3.182 * std::sqrt(20.0 / 12), 1e-9);
  EXPECT_NEAR(mean.high, 10 + 3.182 * std::sqrt(20.0 / 12), 1e-9);
  EXPECT_FALSE(mean_interval({1}).has_value());
  // Proportional figures have a ratio without spread.
  const Interval ratio = *ratio_interval({1, 2, 3}, {2, 4, 6});
  EXPECT_NEAR(ratio.low, 0.5, 1e-12);
  EXPECT_NEAR(ratio.high, 0.5, 1e-12);
  // Wilson, 81 of 263 (Newcombe 1998): 0.2553 to 0.3662.
  const Interval share = share_interval(81, 263);
  EXPECT_NEAR(share.low, 0.2553, 5e-5);
  EXPECT_NEAR(share.high, 0.3662, 5e-5);
}

}  // namespace
}  // namespace lutra::studies
