#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <memory>
#include <numeric>
#include <set>

#include "energy/operand_sampler.h"
#include "energy/unit_netlist.h"
#include "lutra/accelerator/program.h"
#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/threads.h"
#include "lutra/component/energy_meter.h"
#include "lutra/component/library.h"
#include "lutra/component/operands.h"
#include "lutra/cosim/cosim.h"
#include "lutra/data/dataset.h"
#include "lutra/graph/assignment.h"
#include "lutra/graph/quantised_network.h"
#include "lutra/graph/site.h"
#include "lutra/graph/steps.h"
#include "lutra/runtime/inference.h"
#include "lutra/studies/inference_energy.h"

namespace lutra::studies {
namespace {

namespace fs = std::filesystem;
using accelerator::StepCounts;

double mean(const std::vector<double>& values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Student's t at 97.5 %.
double student_t(size_t degrees) {
  constexpr double kTable[] = {0,     12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365,
                               2.306, 2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
                               2.120, 2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069,
                               2.064, 2.060,  2.056, 2.052, 2.048, 2.045, 2.042};
  if (degrees < std::size(kTable)) return kTable[degrees];
  const double n = static_cast<double>(degrees);
  return 1.959964 + 2.3722 / n + 2.8225 / (n * n);  // the expansion's first terms
}

/// Lengths of sequences and, by a number counted over all of them, their operations.
template <typename Operation>
struct Flat {
  explicit Flat(const std::vector<std::vector<Operation>>& sequences) {
    for (const auto& sequence : sequences) {
      lengths.push_back(sequence.size());
      for (const Operation& operation : sequence) operations.push_back(&operation);
    }
  }
  std::vector<size_t> lengths;
  std::vector<const Operation*> operations;
};

/// Mean energy of a transition of a combinational unit, glitches included.
/// @param drive  sets the inputs of an operation in a lane
template <typename Operation, typename Drive>
double combinational_fj(const UnitNetlist& unit,
                        const std::vector<std::vector<Operation>>& sequences, const Drive& drive) {
  const Flat<Operation> flat(sequences);
  const synth::EnergyReport report =
      synth::delayed_energy(unit.netlist(), unit.liberty(), unit.slew_ns(), flat.lengths,
                            [&](synth::NetlistSimulator* simulator, int lane, size_t i) {
                              drive(simulator, lane, *flat.operations[i]);
                            })
          .energy;
  return report.intervals == 0 ? 0 : report.total_fj() / static_cast<double>(report.intervals);
}

/// Mean energy of one vector through a sequential unit (squash, softmax), with all its cycles from
/// one acceptance to the next. Lanes work side by side, each on a sequence of its own.
double sequential_fj(const UnitNetlist& unit,
                     const std::vector<std::vector<StepSample::Vector>>& sequences,
                     const std::string& input, bool has_norm_only) {
  size_t rounds = sequences.empty() ? 0 : sequences[0].size();
  for (const auto& sequence : sequences) rounds = std::min(rounds, sequence.size());
  if (rounds == 0) return 0;
  const int lanes = static_cast<int>(sequences.size());
  synth::NetlistSimulator simulator(unit.netlist());
  synth::SwitchingActivity activity(unit.netlist(), unit.liberty(), unit.slew_ns());
  const auto& clock = unit.port("clk_i");
  simulator.set_input_all(unit.port("rst_ni"), 0);
  simulator.step(clock);
  simulator.set_input_all(unit.port("rst_ni"), 1);
  simulator.set_input_all(unit.port("out_ready_i"), 1);
  simulator.set_input_all(unit.port("clear_i"), 0);
  simulator.step(clock);
  simulator.count_activity(&activity, lanes);
  for (size_t round = 0; round < rounds; ++round) {
    for (int lane = 0; lane < lanes; ++lane) {
      const auto& vector = sequences[static_cast<size_t>(lane)][round];
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
        throw Error(ErrorKind::kInternal, unit.netlist().name() + ": no result in 1000 cycles");
      }
      simulator.step(clock);
    }
    simulator.step(clock);
  }
  return activity.report().total_fj() / static_cast<double>(rounds * static_cast<size_t>(lanes));
}

}  // namespace

/// What the units of the accelerator do while the images run, and what their netlists take for it.
struct InferenceEnergyMeter::State {
  /// One run of a program on all images.
  struct Recording {
    std::map<std::string, StepCounts> counts;
    std::vector<std::map<std::string, StepSample>> images;
    std::vector<EnergyTerm> sums;  ///< of the units behind the multipliers
    std::map<std::string, std::vector<EnergyTerm>> squashes;  ///< by the squash unit's components
  };

  State(const graph::QuantisedNetwork& run_network, const data::Dataset& run_data,
        EnergyOptions run_options)
      : network(run_network),
        data(run_data),
        options(std::move(run_options)),
        list(graph::lower(run_network)) {
    if (options.liberty.empty()) options.liberty = synth::default_liberty();
    if (options.cache_dir.empty()) options.cache_dir = synth::default_cache_dir();
    if (options.images < 1 || options.images > data.size()) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("energy.images = {}, expected 1..{}", options.images, data.size()));
    }
    for (const graph::Step& step : list.steps) {
      if (step.site != graph::Step::kNoSite) site_of[step.name] = static_cast<size_t>(step.site);
    }
    sites = graph::sites(network.description);
  }

  /// Of a step that multiplies.
  size_t site(const std::string& step) const { return site_of.at(step); }
  std::string operation(const std::string& step) const {
    const auto found = site_of.find(step);
    return found == site_of.end() ? "" : sites[found->second].operation_name();
  }

  std::unique_ptr<UnitNetlist> unit(const std::vector<std::string>& files,
                                    const std::string& top) const {
    std::vector<fs::path> paths;
    for (const std::string& file : files) {
      paths.push_back(synth::rtl_directory() / "capsnet" / file);
    }
    return std::make_unique<UnitNetlist>(paths, top, options.liberty, options.cache_dir);
  }

  /// Components with the same tables give every unit the same operands.
  Recording& recording(const graph::Assignment& assignment) {
    std::string key;
    for (size_t i = 0; i < sites.size(); ++i) key += assignment.at(i)->lut_sha256;
    std::unique_ptr<Recording>& held = recordings[key];
    if (!held) held = std::make_unique<Recording>(record(assignment));
    return *held;
  }

  Recording record(const graph::Assignment& assignment) const {
    const auto multipliers = runtime::multipliers(assignment);
    const accelerator::Program program =
        accelerator::compile(network, options.shape, assignment, false);
    Recording result;
    WorkCounter work;
    const auto run = [&](int image, accelerator::ProgramObserver* observer) {
      accelerator::ProgramModel model(program, options.shape, multipliers);
      std::vector<uint8_t> output, trace;
      model.run(data::quantise_image(data, image), &output, &trace, observer);
      return model.counts();
    };
    result.counts = run(0, &work);
    result.images.resize(static_cast<size_t>(options.images));
    base::parallel_for(options.images, 1, options.jobs, [&](int image, int) {
      OperandSampler sampler(work, options.samples, options.seed, image);
      run(image, &sampler);
      result.images[static_cast<size_t>(image)] = sampler.take();
    });
    return result;
  }

  /// A figure of each image, the images shared out over threads.
  std::vector<double> of_images(const Recording& recording, const std::string& step,
                                const std::function<double(const StepSample&)>& measure) const {
    std::vector<double> values(recording.images.size());
    base::parallel_for(static_cast<int>(values.size()), 1, options.jobs, [&](int image, int) {
      values[static_cast<size_t>(image)] =
          measure(recording.images[static_cast<size_t>(image)].at(step));
    });
    return values;
  }

  static void add(std::vector<EnergyTerm>* terms, const std::string& kind,
                  const std::string& operation, int64_t count, std::vector<double> image_fj,
                  const std::string& basis) {
    if (count == 0) return;
    // Steps of one operation (the routing's iterations) become one term.
    for (EnergyTerm& term : *terms) {
      if (term.kind != kind || term.operation != operation) continue;
      for (size_t i = 0; i < image_fj.size(); ++i) {
        term.image_fj[i] = (term.image_fj[i] * static_cast<double>(term.count) +
                            image_fj[i] * static_cast<double>(count)) /
                           static_cast<double>(term.count + count);
      }
      term.count += count;
      return;
    }
    terms->push_back({kind, operation, count, std::move(image_fj), basis});
  }

  void multiplications(const Recording& recording, const graph::Assignment& assignment,
                       const fs::path& operands_dir, std::vector<EnergyTerm>* terms) const {
    std::map<std::string, std::vector<synth::OperandPair>> traces;
    for (const auto& [step, sample] : recording.images[0]) {
      if (sample.pairs.empty()) continue;
      const synth::Component& component = *assignment.at(site(step));
      add(terms, "multiply", assignment.label(site(step)), recording.counts.at(step).products,
          of_images(recording, step,
                    [&](const StepSample& of_image) {
                      synth::EnergyMeter meter(component);
                      const synth::EnergyReport report =
                          meter.measure_sequences(of_image.pairs).energy;
                      return report.total_fj() / static_cast<double>(report.intervals);
                    }),
          "netlist of " + component.name + " with glitches, on operands of all PEs");
      if (operands_dir.empty()) continue;
      std::vector<synth::OperandPair>& trace = traces[assignment.label(site(step))];
      for (const auto& image : recording.images) {
        for (const auto& pairs : image.at(step).pairs) {
          trace.insert(trace.end(), pairs.begin(), pairs.end());
        }
      }
    }
    if (!traces.empty()) fs::create_directories(operands_dir);
    for (const auto& [name, trace] : traces) {
      synth::write_operands(operands_dir / (name + ".npy"), trace);
    }
  }

  std::vector<EnergyTerm> sums(const Recording& recording) const {
    const auto column_sum = unit({"column_sum.sv"}, "column_sum");
    const auto partial_sum = unit({"partial_sum.sv"}, "partial_sum");
    const auto requantiser = unit({"requantiser.sv"}, "requantiser");
    std::vector<EnergyTerm> terms;
    using Simulator = synth::NetlistSimulator;
    for (const auto& [step, sample] : recording.images[0]) {
      if (sample.pairs.empty()) continue;
      const StepCounts& counts = recording.counts.at(step);
      add(&terms, "column sum", operation(step), counts.sums,
          of_images(recording, step,
                    [&](const StepSample& of_image) {
                      return combinational_fj(
                          *column_sum, of_image.columns,
                          [&](Simulator* simulator, int lane, const StepSample::Column& column) {
                            std::vector<uint8_t> bytes;
                            for (const int16_t p : column.products) {
                              bytes.push_back(static_cast<uint8_t>(p & 0xff));
                              bytes.push_back(static_cast<uint8_t>(p >> 8 & 0xff));
                            }
                            set_wide_input(simulator, column_sum->port("products_i"), lane, bytes);
                            simulator->set_input(column_sum->port("row_mask_i"), lane,
                                                 (1u << column.products.size()) - 1);
                          });
                    }),
          "netlist of column_sum with glitches");
      add(&terms, "accumulate", operation(step), counts.sums,
          of_images(recording, step,
                    [&](const StepSample& of_image) {
                      return combinational_fj(
                          *partial_sum, of_image.columns,
                          [&](Simulator* simulator, int lane, const StepSample::Column& column) {
                            simulator->set_input(partial_sum->port("acc_i"), lane,
                                                 static_cast<uint32_t>(column.acc));
                            simulator->set_input(partial_sum->port("sum_i"), lane,
                                                 static_cast<uint32_t>(column.sum));
                          });
                    }),
          "netlist of partial_sum with glitches");
      add(&terms, "requantise", operation(step), counts.requantised,
          of_images(recording, step,
                    [&](const StepSample& of_image) {
                      return combinational_fj(
                          *requantiser, of_image.requantised,
                          [&](Simulator* simulator, int lane, const StepSample::Requantised& r) {
                            simulator->set_input(requantiser->port("acc_i"), lane,
                                                 static_cast<uint32_t>(r.acc));
                            simulator->set_input(requantiser->port("shift_i"), lane,
                                                 static_cast<uint64_t>(r.shift));
                            simulator->set_input(requantiser->port("relu_i"), lane, r.relu);
                            simulator->set_input(requantiser->port("accumulate_i"), lane,
                                                 r.accumulate);
                            simulator->set_input(requantiser->port("old_i"), lane,
                                                 static_cast<uint8_t>(r.old));
                          });
                    }),
          "netlist of requantiser with glitches");
    }
    const auto softmax = unit({"divider.sv", "softmax_unit.sv"}, "softmax_unit");
    for (const auto& [step, sample] : recording.images[0]) {
      if (sample.softmaxed.empty()) continue;
      add(&terms, "softmax", "", recording.counts.at(step).softmaxed,
          of_images(recording, step,
                    [&](const StepSample& of_image) {
                      return sequential_fj(*softmax, of_image.softmaxed, "b_i", false);
                    }),
          "netlist of softmax_unit, without glitches");
    }
    return terms;
  }

  /// Squash: the whole sequential unit with its multiplier.
  const std::vector<EnergyTerm>& squashes(Recording* held, const graph::Assignment& assignment) {
    const Recording& recording = *held;
    std::string key;
    for (const auto& [step, sample] : recording.images[0]) {
      if (!sample.squashed.empty()) key += assignment.at(site(step))->name + "\n";
    }
    const auto [terms, fresh] = held->squashes.try_emplace(key);
    if (!fresh) return terms->second;
    for (const auto& [step, sample] : recording.images[0]) {
      if (sample.squashed.empty()) continue;
      const synth::Component& component = *assignment.at(site(step));
      std::unique_ptr<UnitNetlist>& squash = squash_units[component.name];
      if (!squash) squash = squash_unit(component);
      const int64_t count = recording.counts.at(step).products /
                            static_cast<int64_t>(sample.squashed.front().front().elements.size());
      add(&terms->second, "squash", assignment.label(site(step)), count,
          of_images(recording, step,
                    [&](const StepSample& of_image) {
                      return sequential_fj(*squash, of_image.squashed, "s_i", true);
                    }),
          "netlist of squash_unit with " + component.name + ", without glitches");
    }
    return terms->second;
  }

  std::unique_ptr<UnitNetlist> squash_unit(const synth::Component& component) const {
    const fs::path capsnet = synth::rtl_directory() / "capsnet";
    const base::PrivateDirectory work(fs::temp_directory_path());
    base::write_file(work.path() / "pe_mul.sv", cosim::pe_multiplier_source({&component}));
    std::vector<fs::path> files = component.source.files;
    files.insert(files.end(), {work.path() / "pe_mul.sv", capsnet / "isqrt.sv",
                               capsnet / "divider.sv", capsnet / "squash_unit.sv"});
    return std::make_unique<UnitNetlist>(files, "squash_unit", options.liberty, options.cache_dir);
  }

  void memories(const Recording& recording, std::vector<EnergyTerm>* terms) const {
    StepCounts all;
    for (const auto& [step, c] : recording.counts) {
      all.scratch_reads += c.scratch_reads;
      all.scratch_writes += c.scratch_writes;
      all.sums += c.sums;
      all.memory_read_bytes += c.memory_read_bytes;
      all.memory_write_bytes += c.memory_write_bytes;
    }
    const MemoryCosts& costs = options.memory;
    const auto stated = [&](const std::string& kind, int64_t count, double fj) {
      add(terms, kind, "", count, std::vector<double>(recording.images.size(), fj), costs.source);
    };
    stated("scratchpad", all.scratch_reads + all.scratch_writes, costs.scratch_pj_per_vector * 1e3);
    stated("accumulator memory", all.sums, costs.accumulator_pj_per_word * 1e3);
    stated("off-chip memory", all.memory_read_bytes + all.memory_write_bytes,
           costs.memory_pj_per_byte * 1e3);
  }

  const graph::QuantisedNetwork& network;
  const data::Dataset& data;
  EnergyOptions options;
  graph::StepList list;
  std::vector<graph::Site> sites;
  std::map<std::string, size_t> site_of;  ///< by step
  std::map<std::string, std::unique_ptr<Recording>> recordings;
  std::map<std::string, std::unique_ptr<UnitNetlist>> squash_units;  ///< by component's name
};

InferenceEnergyMeter::InferenceEnergyMeter(const graph::QuantisedNetwork& network,
                                           const data::Dataset& data, EnergyOptions options)
    : state_(std::make_unique<State>(network, data, std::move(options))) {}

InferenceEnergyMeter::~InferenceEnergyMeter() = default;

InferenceEnergy InferenceEnergyMeter::measure(const graph::Assignment& assignment,
                                              const fs::path& operands_dir) {
  for (size_t site = 0; site < assignment.sites().size(); ++site) {
    if (assignment.at(site) == nullptr) {
      throw Error(ErrorKind::kInvalidArgument,
                  "energy: no component for " + assignment.sites()[site].name());
    }
  }
  State::Recording& recording = state_->recording(assignment);
  if (recording.sums.empty()) recording.sums = state_->sums(recording);
  InferenceEnergy result;
  state_->multiplications(recording, assignment, operands_dir, &result.terms);
  result.terms.insert(result.terms.end(), recording.sums.begin(), recording.sums.end());
  const std::vector<EnergyTerm>& squashes = state_->squashes(&recording, assignment);
  result.terms.insert(result.terms.end(), squashes.begin(), squashes.end());
  state_->memories(recording, &result.terms);
  return result;
}

std::optional<Interval> mean_interval(const std::vector<double>& values) {
  const size_t n = values.size();
  if (n < 2) return std::nullopt;
  const double middle = mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - middle) * (value - middle);
  const double half =
      student_t(n - 1) * std::sqrt(squares / static_cast<double>(n - 1) / static_cast<double>(n));
  return Interval{middle - half, middle + half};
}

std::optional<Interval> ratio_interval(const std::vector<double>& numerators,
                                       const std::vector<double>& denominators) {
  const double below = mean(denominators);
  if (numerators.size() < 2 || numerators.size() != denominators.size() || below == 0) {
    return std::nullopt;
  }
  const double ratio = mean(numerators) / below;
  std::vector<double> values;
  for (size_t i = 0; i < numerators.size(); ++i) {
    values.push_back(ratio + (numerators[i] - ratio * denominators[i]) / below);
  }
  return mean_interval(values);
}

Interval share_interval(int64_t right, int64_t all) {
  constexpr double z = 1.959964;
  const double n = static_cast<double>(all);
  const double p = static_cast<double>(right) / n;
  const double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return {middle - half, middle + half};
}

double EnergyTerm::energy_per_op_fj() const { return mean(image_fj); }

std::vector<double> InferenceEnergy::total_nj_of_images() const {
  std::vector<double> sums;
  for (const EnergyTerm& term : terms) {
    sums.resize(term.image_fj.size());
    for (size_t i = 0; i < sums.size(); ++i) {
      sums[i] += static_cast<double>(term.count) * term.image_fj[i] * 1e-6;
    }
  }
  return sums;
}

std::vector<double> InferenceEnergy::multiply_nj_of_images() const {
  InferenceEnergy multiplications;
  for (const EnergyTerm& term : terms) {
    if (term.kind == "multiply") multiplications.terms.push_back(term);
  }
  return multiplications.total_nj_of_images();
}

double InferenceEnergy::total_nj() const { return mean(total_nj_of_images()); }
double InferenceEnergy::multiply_nj() const { return mean(multiply_nj_of_images()); }

nlohmann::json InferenceEnergy::json() const {
  nlohmann::json result = nlohmann::json::array();
  for (const EnergyTerm& term : terms) {
    const std::optional<Interval> interval = mean_interval(term.image_fj);
    result.push_back({{"kind", term.kind},
                      {"operation", term.operation},
                      {"count", term.count},
                      {"energy_per_op_fj", term.energy_per_op_fj()},
                      {"energy_per_op_interval_fj", nullptr},
                      {"energy_nj", term.energy_nj()},
                      {"basis", term.basis}});
    if (interval) result.back()["energy_per_op_interval_fj"] = {interval->low, interval->high};
  }
  return result;
}

InferenceEnergy inference_energy(const graph::QuantisedNetwork& network,
                                 const graph::Assignment& assignment, const data::Dataset& data,
                                 const EnergyOptions& options) {
  return InferenceEnergyMeter(network, data, options).measure(assignment, options.operands_dir);
}

}  // namespace lutra::studies
