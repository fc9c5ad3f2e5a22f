#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <set>

#include "energy/unit_netlist.h"
#include "lutra/cosim/cosim.h"
#include "lutra/network/inference.h"
#include "lutra/numerics/error.h"
#include "lutra/numerics/files.h"
#include "lutra/studies/energy.h"
#include "lutra/synth/energy.h"
#include "lutra/synth/files.h"
#include "lutra/synth/library.h"
#include "lutra/synth/operands.h"

namespace lutra::studies {
namespace {

namespace fs = std::filesystem;
using network::StepCounts;

/// Operands of one step, in the order in which one PE, one column or one unit sees them.
struct StepOperands {
  /// Operand pairs of each PE of column 0 that is in use.
  std::vector<std::vector<synth::OperandPair>> pairs;
  struct Column {
    std::vector<int16_t> products;
    int32_t acc;
    int32_t sum;
  };
  std::vector<Column> columns;
  struct Requantised {
    int32_t acc;
    int shift;
    bool relu, accumulate;
    int8_t old;
  };
  std::vector<Requantised> requantised;
  struct Vector {
    std::vector<int8_t> elements;
    int frac;
    bool norm_only;
  };
  std::vector<Vector> squashed;
  std::vector<Vector> softmaxed;
};

/// Keeps the first operands of each step and image.
class OperandRecorder : public network::ProgramObserver {
 public:
  explicit OperandRecorder(int samples) : samples_(static_cast<size_t>(samples)) {}

  void next_image() {
    for (auto& [step, operands] : steps) limits_[step] += samples_;
    ++images_;
  }

  void column(const std::string& step, int col, int rows, const int8_t* first, const int8_t* second,
              const int16_t* products, int32_t acc) override {
    StepOperands& s = steps[step];
    if (col != 0 || s.columns.size() >= limit(step)) return;
    s.pairs.resize(static_cast<size_t>(rows));
    for (int r = 0; r < rows; ++r) s.pairs[r].push_back({first[r], second[r]});
    s.columns.push_back({std::vector<int16_t>(products, products + rows), acc,
                         std::accumulate(products, products + rows, int32_t{0})});
  }

  void requantise(const std::string& step, int col, int32_t acc, int shift, bool relu,
                  bool accumulate, int8_t old) override {
    StepOperands& s = steps[step];
    if (col == 0 && s.requantised.size() < limit(step)) {
      s.requantised.push_back({acc, shift, relu, accumulate, old});
    }
  }

  void squash(const std::string& step, const int8_t* elements, int dim, int frac,
              bool norm_only) override {
    StepOperands& s = steps[step];
    if (s.squashed.size() < limit(step)) {
      s.squashed.push_back({{elements, elements + dim}, frac, norm_only});
    }
  }

  void softmax(const std::string& step, const int8_t* logits, int n, int frac) override {
    StepOperands& s = steps[step];
    if (s.softmaxed.size() < limit(step)) {
      s.softmaxed.push_back({{logits, logits + n}, frac, false});
    }
  }

  std::map<std::string, StepOperands> steps;

 private:
  size_t limit(const std::string& step) {
    return limits_.try_emplace(step, samples_ * images_).first->second;
  }

  size_t samples_;
  size_t images_ = 0;
  std::map<std::string, size_t> limits_;
};

/// Mean energy of consecutive operations of a combinational unit.
/// @param drive  sets the inputs of operation i in a lane
template <typename Drive>
double combinational_fj(const UnitNetlist& unit, size_t operations, const Drive& drive) {
  if (operations < 2) return 0;
  synth::NetlistSimulator simulator(unit.netlist());
  synth::SwitchingActivity activity(unit.netlist(), unit.liberty(),
                                    unit.liberty().fanout_of_four_slew_ns());
  simulator.count_activity(&activity);
  for (size_t at = 0; at < operations; at += synth::NetlistSimulator::kLanes) {
    const int lanes =
        static_cast<int>(std::min<size_t>(synth::NetlistSimulator::kLanes, operations - at));
    for (int lane = 0; lane < lanes; ++lane) drive(&simulator, lane, at + lane);
    simulator.settle_sequence(lanes);
  }
  return activity.report().total_fj() / static_cast<double>(operations - 1);
}

/// Mean energy of one vector through a sequential unit (squash, softmax), with all its cycles from
/// one acceptance to the next. Lanes work side by side on different vectors of one length.
double sequential_fj(const UnitNetlist& unit, const std::vector<StepOperands::Vector>& vectors,
                     const std::string& input, bool has_norm_only) {
  if (vectors.empty()) return 0;
  synth::NetlistSimulator simulator(unit.netlist());
  synth::SwitchingActivity activity(unit.netlist(), unit.liberty(),
                                    unit.liberty().fanout_of_four_slew_ns());
  const auto& clock = unit.port("clk_i");
  // Two vectors a lane at least: what follows a vector matters.
  const int lanes = std::max(
      1, std::min<int>(synth::NetlistSimulator::kLanes, static_cast<int>(vectors.size() / 2)));
  const size_t rounds = vectors.size() / static_cast<size_t>(lanes);
  simulator.set_input_all(unit.port("rst_ni"), 0);
  simulator.step(clock);
  simulator.set_input_all(unit.port("rst_ni"), 1);
  simulator.set_input_all(unit.port("out_ready_i"), 1);
  simulator.set_input_all(unit.port("clear_i"), 0);
  simulator.step(clock);
  simulator.count_activity(&activity, lanes);
  for (size_t round = 0; round < rounds; ++round) {
    for (int lane = 0; lane < lanes; ++lane) {
      const auto& vector = vectors[static_cast<size_t>(lane) * rounds + round];
      set_wide_input(&simulator, unit.port(input), lane,
                     {vector.elements.begin(), vector.elements.end()});
      simulator.set_input(unit.port("dim_i"), lane, vector.elements.size());
      simulator.set_input(unit.port("f_i"), lane, static_cast<uint64_t>(vector.frac));
      if (has_norm_only) simulator.set_input(unit.port("norm_only_i"), lane, vector.norm_only);
    }
    simulator.set_input_all(unit.port("in_valid_i"), 1);
    simulator.step(clock);
    simulator.set_input_all(unit.port("in_valid_i"), 0);
    for (int cycle = 0; simulator.value(unit.port("out_valid_o"), 0) == 0; ++cycle) {
      if (cycle > 1000) {
        throw Error(ExitCode::kInternal, unit.netlist().name() + ": no result in 1000 cycles");
      }
      simulator.step(clock);
    }
    simulator.step(clock);
  }
  return activity.report().total_fj() / static_cast<double>(rounds * static_cast<size_t>(lanes));
}

/// Mean over the PEs of a column.
double multiply_fj(synth::EnergyMeter* meter, const StepOperands& operands) {
  double sum = 0;
  for (const auto& pairs : operands.pairs) {
    const synth::EnergyReport report = meter->measure(pairs);
    sum += report.total_fj() / static_cast<double>(pairs.size() - 1);
  }
  return sum / static_cast<double>(operands.pairs.size());
}

class EnergyStudy {
 public:
  EnergyStudy(const network::QuantisedNetwork& network, const ComponentAssignment& assignment,
              const network::Dataset& data, const EnergyOptions& options)
      : options_(options), list_(network::lower(network)), assignment_(assignment) {
    if (options_.liberty.empty()) options_.liberty = synth::default_liberty();
    if (options_.cache_dir.empty()) options_.cache_dir = synth::default_cache_dir();
    record(network, data);
  }

  InferenceEnergy run() {
    multiplications();
    sums();
    vectors();
    memories();
    return std::move(result_);
  }

 private:
  void record(const network::QuantisedNetwork& network, const network::Dataset& data) {
    std::map<const synth::Component*, int> index;
    std::map<std::string, int> select;
    std::array<std::unique_ptr<engine::Multiplier>, 4> multipliers;
    for (const auto& [operation, component] : assignment_) {
      const int next = static_cast<int>(index.size());
      const auto [found, added] = index.try_emplace(component, next);
      if (added && next >= 4) {
        throw Error(ExitCode::kUnsupported, "an assignment of more than four distinct components");
      }
      if (added) {
        multipliers[next] =
            std::make_unique<engine::Multiplier>(tables::ProductTable(component->lut));
      }
      select[operation] = found->second;
    }
    const network::Program program = network::compile(network, options_.shape, select, false);
    network::ProgramModel model(
        program, options_.shape,
        {multipliers[0].get(), multipliers[1].get(), multipliers[2].get(), multipliers[3].get()});
    if (options_.images < 1 || options_.images > data.size()) {
      throw Error(ExitCode::kUsage,
                  fmt::format("energy.images = {}, expected 1..{}", options_.images, data.size()));
    }
    std::vector<uint8_t> output, trace;
    for (int i = 0; i < options_.images; ++i) {
      recorder_.next_image();
      model.run(network::quantise_image(data, i), &output, &trace, &recorder_);
    }
    counts_ = model.counts();
    for (const network::Step& step : list_.steps) operation_of_[step.name] = step.operation;
  }

  const std::string& operation(const std::string& step) const {
    static const std::string none;
    const auto found = operation_of_.find(step);
    return found == operation_of_.end() ? none : found->second;
  }

  std::unique_ptr<UnitNetlist> unit(const std::vector<std::string>& files, const std::string& top) {
    std::vector<fs::path> paths;
    for (const std::string& file : files) {
      paths.push_back(synth::rtl_directory() / "capsnet" / file);
    }
    return std::make_unique<UnitNetlist>(paths, top, options_.liberty, options_.cache_dir);
  }

  void add(const std::string& kind, const std::string& operation, int64_t count, double fj,
           const std::string& basis) {
    if (count == 0) return;
    // Steps of one operation (the routing's iterations) become one term.
    for (EnergyTerm& term : result_.terms) {
      if (term.kind != kind || term.operation != operation) continue;
      term.energy_per_op_fj = (term.energy_per_op_fj * static_cast<double>(term.count) +
                               fj * static_cast<double>(count)) /
                              static_cast<double>(term.count + count);
      term.count += count;
      return;
    }
    result_.terms.push_back({kind, operation, count, fj, basis});
  }

  void multiplications() {
    std::map<const synth::Component*, std::unique_ptr<synth::EnergyMeter>> meters;
    std::map<std::string, std::vector<synth::OperandPair>> traces;
    for (const auto& [step, operands] : recorder_.steps) {
      if (operands.columns.size() < 2) continue;
      const synth::Component* component = assignment_.at(operation(step));
      auto& meter = meters[component];
      if (!meter) meter = std::make_unique<synth::EnergyMeter>(*component);
      add("multiply", operation(step), counts_.at(step).products,
          multiply_fj(meter.get(), operands),
          "netlist of " + component->name + " on the operands of its PEs");
      if (options_.operands_dir.empty()) continue;
      std::vector<synth::OperandPair>& trace = traces[operation(step)];
      for (const auto& pairs : operands.pairs)
        trace.insert(trace.end(), pairs.begin(), pairs.end());
    }
    if (!traces.empty()) fs::create_directories(options_.operands_dir);
    for (const auto& [operation, trace] : traces) {
      synth::write_operands(options_.operands_dir / (operation + ".npy"), trace);
    }
  }

  void sums() {
    const auto column_sum = unit({"column_sum.sv"}, "column_sum");
    const auto partial_sum = unit({"partial_sum.sv"}, "partial_sum");
    const auto requantiser = unit({"requantiser.sv"}, "requantiser");
    for (const auto& [step, operands] : recorder_.steps) {
      if (operands.columns.size() < 2) continue;
      const StepCounts& counts = counts_.at(step);
      const auto& columns = operands.columns;
      const double sum_fj = combinational_fj(
          *column_sum, columns.size(), [&](synth::NetlistSimulator* simulator, int lane, size_t i) {
            std::vector<uint8_t> bytes;
            for (int16_t p : columns[i].products) {
              bytes.push_back(static_cast<uint8_t>(p & 0xff));
              bytes.push_back(static_cast<uint8_t>(p >> 8 & 0xff));
            }
            set_wide_input(simulator, column_sum->port("products_i"), lane, bytes);
            simulator->set_input(column_sum->port("row_mask_i"), lane,
                                 (1u << columns[i].products.size()) - 1);
          });
      add("column sum", operation(step), counts.sums, sum_fj, "netlist of column_sum");
      const double acc_fj =
          combinational_fj(*partial_sum, columns.size(),
                           [&](synth::NetlistSimulator* simulator, int lane, size_t i) {
                             simulator->set_input(partial_sum->port("acc_i"), lane,
                                                  static_cast<uint32_t>(columns[i].acc));
                             simulator->set_input(partial_sum->port("sum_i"), lane,
                                                  static_cast<uint32_t>(columns[i].sum));
                           });
      add("accumulate", operation(step), counts.sums, acc_fj, "netlist of partial_sum");
      const auto& requantised = operands.requantised;
      const double requantise_fj = combinational_fj(
          *requantiser, requantised.size(),
          [&](synth::NetlistSimulator* simulator, int lane, size_t i) {
            const auto& r = requantised[i];
            simulator->set_input(requantiser->port("acc_i"), lane, static_cast<uint32_t>(r.acc));
            simulator->set_input(requantiser->port("shift_i"), lane,
                                 static_cast<uint64_t>(r.shift));
            simulator->set_input(requantiser->port("relu_i"), lane, r.relu);
            simulator->set_input(requantiser->port("accumulate_i"), lane, r.accumulate);
            simulator->set_input(requantiser->port("old_i"), lane, static_cast<uint8_t>(r.old));
          });
      add("requantise", operation(step), counts.requantised, requantise_fj,
          "netlist of requantiser");
    }
  }

  /// Squash and softmax: their whole sequential units, the squash unit's multiplier included.
  void vectors() {
    const auto softmax = unit({"divider.sv", "softmax_unit.sv"}, "softmax_unit");
    std::map<const synth::Component*, std::unique_ptr<UnitNetlist>> squash_units;
    for (const auto& [step, operands] : recorder_.steps) {
      add("softmax", "", counts_.at(step).softmaxed,
          sequential_fj(*softmax, operands.softmaxed, "b_i", false), "netlist of softmax_unit");
      if (operands.squashed.empty()) continue;
      const synth::Component* component = assignment_.at(operation(step));
      auto& squash = squash_units[component];
      if (!squash) squash = squash_unit(*component);
      const int64_t count = counts_.at(step).products /
                            static_cast<int64_t>(operands.squashed.front().elements.size());
      add("squash", operation(step), count, sequential_fj(*squash, operands.squashed, "s_i", true),
          "netlist of squash_unit with " + component->name);
    }
  }

  std::unique_ptr<UnitNetlist> squash_unit(const synth::Component& component) {
    const fs::path capsnet = synth::rtl_directory() / "capsnet";
    const synth::PrivateDirectory work(fs::temp_directory_path());
    numerics::write_file(work.path() / "pe_mul.sv", cosim::pe_multiplier_source({&component}));
    std::vector<fs::path> files = component.source.files;
    files.insert(files.end(), {work.path() / "pe_mul.sv", capsnet / "isqrt.sv",
                               capsnet / "divider.sv", capsnet / "squash_unit.sv"});
    return std::make_unique<UnitNetlist>(files, "squash_unit", options_.liberty,
                                         options_.cache_dir);
  }

  void memories() {
    StepCounts all;
    for (const auto& [step, c] : counts_) {
      all.scratch_reads += c.scratch_reads;
      all.scratch_writes += c.scratch_writes;
      all.sums += c.sums;
      all.memory_read_bytes += c.memory_read_bytes;
      all.memory_write_bytes += c.memory_write_bytes;
    }
    const MemoryCosts& costs = options_.memory;
    add("scratchpad", "", all.scratch_reads + all.scratch_writes, costs.scratch_pj_per_vector * 1e3,
        costs.source);
    add("accumulator memory", "", all.sums, costs.accumulator_pj_per_word * 1e3, costs.source);
    add("off-chip memory", "", all.memory_read_bytes + all.memory_write_bytes,
        costs.memory_pj_per_byte * 1e3, costs.source);
  }

  EnergyOptions options_;
  network::StepList list_;
  ComponentAssignment assignment_;
  OperandRecorder recorder_{options_.samples};
  std::map<std::string, StepCounts> counts_;
  std::map<std::string, std::string> operation_of_;
  InferenceEnergy result_;
};

}  // namespace

double InferenceEnergy::total_nj() const {
  double sum = 0;
  for (const EnergyTerm& term : terms) sum += term.energy_nj();
  return sum;
}

double InferenceEnergy::multiply_nj() const {
  double sum = 0;
  for (const EnergyTerm& term : terms) sum += term.kind == "multiply" ? term.energy_nj() : 0;
  return sum;
}

nlohmann::json InferenceEnergy::json() const {
  nlohmann::json result = nlohmann::json::array();
  for (const EnergyTerm& term : terms) {
    result.push_back({{"kind", term.kind},
                      {"operation", term.operation},
                      {"count", term.count},
                      {"energy_per_op_fj", term.energy_per_op_fj},
                      {"energy_nj", term.energy_nj()},
                      {"basis", term.basis}});
  }
  return result;
}

InferenceEnergy inference_energy(const network::QuantisedNetwork& network,
                                 const ComponentAssignment& assignment,
                                 const network::Dataset& data, const EnergyOptions& options) {
  for (const network::Operation& op : network::multiplying_operations(network.description)) {
    if (assignment.count(op.name) == 0) {
      throw Error(ExitCode::kUsage, "energy: no component for the operation " + op.name);
    }
  }
  return EnergyStudy(network, assignment, data, options).run();
}

}  // namespace lutra::studies
