#include "lutra/studies/inference_energy.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "energy/recording.h"
#include "energy/unit_energies.h"
#include "lutra/base/error.h"
#include "lutra/base/threads.h"
#include "lutra/component/library.h"
#include "lutra/component/operands.h"
#include "lutra/graph/site.h"
#include "lutra/graph/steps.h"
#include "lutra/studies/statistics.h"

namespace lutra::studies {
namespace {

namespace fs = std::filesystem;
using accelerator::StepCounts;

/// Whose vectors share a simulation: eight sequences each fill a word of lanes.
constexpr size_t kImagesAtOnce = 8;

/// Work of one step for one unit, not measured yet.
struct UnitWork {
  HardwareUnit unit;
  std::string step;
  std::string operation;  ///< EnergyTerm::operation
  int64_t count = 0;
};

/// Energies of the images in fJ of one operation, by unit and step of one recording.
using UnitFigures = std::map<std::pair<std::string, std::string>, std::vector<double>>;

/// Steps of one operation (the routing's iterations) become one term.
void add(std::vector<EnergyTerm>* terms, EnergyTerm more) {
  const auto same = std::find_if(terms->begin(), terms->end(), [&](const EnergyTerm& term) {
    return term.kind == more.kind && term.operation == more.operation;
  });
  if (same == terms->end()) {
    terms->push_back(std::move(more));
    return;
  }
  const auto count = static_cast<double>(same->count + more.count);
  for (size_t i = 0; i < more.image_fj.size(); ++i) {
    same->image_fj[i] = (same->image_fj[i] * static_cast<double>(same->count) +
                         more.image_fj[i] * static_cast<double>(more.count)) /
                        count;
  }
  same->count += more.count;
}

/// Accesses at their stated cost.
void add_memories(const Recording& recording, const MemoryCosts& costs,
                  std::vector<EnergyTerm>* terms) {
  StepCounts all;
  for (const auto& [step, counts] : recording.counts) {
    all.scratch_reads += counts.scratch_reads;
    all.scratch_writes += counts.scratch_writes;
    all.sums += counts.sums;
    all.memory_read_bytes += counts.memory_read_bytes;
    all.memory_write_bytes += counts.memory_write_bytes;
  }
  const auto stated = [&](const std::string& kind, int64_t count, double pj) {
    if (count == 0) return;
    terms->push_back(
        {kind, "", count, std::vector<double>(recording.images.size(), pj * 1e3), costs.source});
  };
  stated("scratchpad", all.scratch_reads + all.scratch_writes, costs.scratch_pj_per_vector);
  stated("accumulator memory", all.sums, costs.accumulator_pj_per_word);
  stated("off-chip memory", all.memory_read_bytes + all.memory_write_bytes,
         costs.memory_pj_per_byte);
}

EnergyOptions with_defaults(EnergyOptions options) {
  if (options.liberty.empty()) options.liberty = synth::default_liberty();
  if (options.cache_dir.empty()) options.cache_dir = synth::default_cache_dir();
  return options;
}

}  // namespace

struct InferenceEnergyMeter::State {
  /// With what has been measured of it.
  struct Recorded {
    Recording recording;
    UnitFigures figures;
  };

  State(const graph::QuantisedNetwork& run_network, const data::Dataset& run_data,
        EnergyOptions run_options)
      : network(run_network),
        data(run_data),
        options(with_defaults(std::move(run_options))),
        units(options.liberty, options.cache_dir, options.progress) {
    if (options.images < 1 || options.images > data.size()) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("energy.images = {}, expected 1..{}", options.images, data.size()));
    }
    for (const graph::Step& step : graph::lower(network).steps) {
      if (step.site != graph::Step::kNoSite) site_of[step.name] = static_cast<size_t>(step.site);
    }
  }

  /// Components with the same tables give every unit the same operands.
  Recorded& recorded(const graph::Assignment& assignment) {
    std::string key;
    for (size_t i = 0; i < assignment.sites().size(); ++i) key += assignment.at(i)->lut_sha256;
    std::unique_ptr<Recorded>& held = recordings[key];
    if (!held) {
      const SamplePlan plan{options.images, options.samples, options.seed};
      held = std::make_unique<Recorded>();
      held->recording = record(network, options.shape, assignment, data, plan, options.jobs);
    }
    return *held;
  }

  /// What the units have to do, in the order of the terms.
  std::vector<UnitWork> work(const Recording& recording,
                             const graph::Assignment& assignment) const {
    using Kind = HardwareUnit::Kind;
    std::vector<UnitWork> multiplications, sums, softmaxes, squashes;
    for (const auto& [step, sample] : recording.samples()) {
      const StepCounts& counts = recording.counts.at(step);
      if (!sample.pairs.empty()) {
        const size_t site = site_of.at(step);
        const std::string operation = assignment.sites()[site].operation_name();
        multiplications.push_back({{Kind::kMultiplier, assignment.at(site)},
                                   step,
                                   assignment.label(site),
                                   counts.products});
        sums.push_back({{Kind::kColumnSum}, step, operation, counts.sums});
        sums.push_back({{Kind::kPartialSum}, step, operation, counts.sums});
        sums.push_back({{Kind::kRequantiser}, step, operation, counts.requantised});
      }
      if (!sample.softmaxed.empty()) {
        softmaxes.push_back({{Kind::kSoftmax}, step, "", counts.softmaxed});
      }
      if (!sample.squashed.empty()) {
        const size_t site = site_of.at(step);
        const auto dim = static_cast<int64_t>(sample.squashed.front().front().elements.size());
        squashes.push_back({{Kind::kSquash, assignment.at(site)},
                            step,
                            assignment.label(site),
                            counts.products / dim});
      }
    }
    std::vector<UnitWork> all;
    for (const auto& some : {multiplications, sums, softmaxes, squashes}) {
      for (const UnitWork& one : some) {
        if (one.count > 0) all.push_back(one);
      }
    }
    return all;
  }

  /// Simulates what has not been yet, units and images shared out over threads.
  void measure(const std::vector<UnitWork>& work, Recorded* held) {
    std::vector<HardwareUnit> needed;
    for (const UnitWork& one : work) {
      if (held->figures.count({one.unit.key(), one.step}) == 0) needed.push_back(one.unit);
    }
    units.prepare(needed, options.jobs);
    struct Task {
      const UnitWork* work;
      size_t first, end;  ///< images
      std::vector<double>* figures;
    };
    std::vector<Task> tasks;
    UnitFigures fresh;
    const std::vector<std::map<std::string, StepSample>>& images = held->recording.images;
    for (const UnitWork& one : work) {
      const std::pair<std::string, std::string> key(one.unit.key(), one.step);
      if (held->figures.count(key) > 0) continue;
      const auto [figures, is_new] = fresh.try_emplace(key, images.size());
      if (!is_new) continue;
      const size_t at_once = one.unit.is_sequential() ? kImagesAtOnce : 1;
      for (size_t first = 0; first < images.size(); first += at_once) {
        tasks.push_back({&one, first, std::min(images.size(), first + at_once), &figures->second});
      }
    }
    base::parallel_for(static_cast<int>(tasks.size()), 1, options.jobs, [&](int number, int) {
      const Task& task = tasks[static_cast<size_t>(number)];
      std::vector<const StepSample*> samples;
      for (size_t image = task.first; image < task.end; ++image) {
        samples.push_back(&images[image].at(task.work->step));
      }
      const std::vector<double> measured = units.mean_fj(task.work->unit, samples);
      std::copy(measured.begin(), measured.end(),
                task.figures->begin() + static_cast<std::ptrdiff_t>(task.first));
    });
    held->figures.merge(fresh);
  }

  InferenceEnergy price(const std::vector<UnitWork>& work, const Recorded& held) const {
    InferenceEnergy result;
    for (const UnitWork& one : work) {
      add(&result.terms, {one.unit.work(), one.operation, one.count,
                          held.figures.at({one.unit.key(), one.step}), one.unit.basis()});
    }
    add_memories(held.recording, options.memory, &result.terms);
    return result;
  }

  void write_operands(const Recording& recording, const graph::Assignment& assignment,
                      const fs::path& directory) const {
    std::map<std::string, std::vector<synth::OperandPair>> traces;
    for (const auto& [step, sample] : recording.samples()) {
      if (sample.pairs.empty()) continue;
      std::vector<synth::OperandPair>& trace = traces[assignment.label(site_of.at(step))];
      for (const auto& image : recording.images) {
        for (const auto& pairs : image.at(step).pairs) {
          trace.insert(trace.end(), pairs.begin(), pairs.end());
        }
      }
    }
    fs::create_directories(directory);
    for (const auto& [name, trace] : traces) {
      synth::write_operands(directory / (name + ".npy"), trace);
    }
  }

  const graph::QuantisedNetwork& network;
  const data::Dataset& data;
  EnergyOptions options;
  UnitEnergies units;
  std::map<std::string, size_t> site_of;  ///< by step that multiplies
  std::map<std::string, std::unique_ptr<Recorded>> recordings;
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
  State::Recorded& held = state_->recorded(assignment);
  const std::vector<UnitWork> work = state_->work(held.recording, assignment);
  state_->measure(work, &held);
  if (!operands_dir.empty()) state_->write_operands(held.recording, assignment, operands_dir);
  return state_->price(work, held);
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
