#include "energy/unit_energies.h"

#include <algorithm>
#include <utility>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/threads.h"
#include "lutra/component/library.h"
#include "lutra/cosim/cosim.h"

namespace lutra::studies {
namespace {

namespace fs = std::filesystem;
using synth::NetlistSimulator;

/// Of a transition. A sample without any says nothing: 0 fJ would pass for a figure.
double mean_fj(const std::string& unit, const synth::EnergyReport& report) {
  if (report.intervals == 0) {
    throw Error(ErrorKind::kInvalidArgument,
                unit +
                    ": the operations drawn from an image hold no two in a row, so that nothing "
                    "is known of its energy; expected more energy.samples");
  }
  return report.total_fj() / static_cast<double>(report.intervals);
}

/// Of a transition of a combinational unit, glitches included.
/// @param drive  sets the inputs of an operation in a lane
template <typename Operation, typename Drive>
double combinational_fj(const UnitNetlist& unit,
                        const std::vector<std::vector<Operation>>& sequences, const Drive& drive) {
  std::vector<size_t> lengths;
  std::vector<const Operation*> operations;
  for (const auto& sequence : sequences) {
    lengths.push_back(sequence.size());
    for (const Operation& operation : sequence) operations.push_back(&operation);
  }
  return mean_fj(unit.netlist().name(),
                 synth::delayed_energy(unit.netlist(), unit.liberty(), unit.slew_ns(), lengths,
                                       [&](NetlistSimulator* simulator, int lane, size_t i) {
                                         drive(simulator, lane, *operations[i]);
                                       })
                     .energy);
}

using Sequences = std::vector<std::vector<StepSample::Vector>>;

/// Of one vector through a sequential unit (squash, softmax), with all its cycles from one
/// acceptance to the next; of each image. Lanes work side by side, each on a sequence of its own.
std::vector<double> sequential_fj(const UnitNetlist& unit,
                                  const std::vector<const Sequences*>& images,
                                  const std::string& input, bool has_norm_only) {
  struct Lane {
    const std::vector<StepSample::Vector>* vectors;
    size_t rounds;  ///< that its image counts
  };
  std::vector<Lane> lanes;
  std::vector<NetlistSimulator::CountedLanes> groups;
  std::vector<size_t> rounds_of;  // by image
  std::vector<synth::SwitchingActivity> activities(
      images.size(), synth::SwitchingActivity(unit.netlist(), unit.liberty(), unit.slew_ns()));
  for (size_t image = 0; image < images.size(); ++image) {
    size_t rounds = images[image]->empty() ? 0 : images[image]->front().size();
    for (const auto& sequence : *images[image]) rounds = std::min(rounds, sequence.size());
    rounds_of.push_back(rounds);
    groups.push_back({&activities[image], {}});
    if (rounds == 0) continue;
    if (lanes.size() + images[image]->size() > NetlistSimulator::kLanes) {
      throw Error(ErrorKind::kInternal, "more sequences at once than lanes");
    }
    for (const auto& sequence : *images[image]) {
      groups.back().lanes.words[lanes.size() / 64] |= uint64_t{1} << (lanes.size() % 64);
      lanes.push_back({&sequence, rounds});
    }
  }
  NetlistSimulator simulator(unit.netlist());
  const auto& clock = unit.port("clk_i");
  const auto& valid = unit.port("out_valid_o");
  const int used = static_cast<int>(lanes.size());
  simulator.set_input_all(unit.port("rst_ni"), 0);
  simulator.step(clock);
  simulator.set_input_all(unit.port("rst_ni"), 1);
  simulator.set_input_all(unit.port("out_ready_i"), 1);
  simulator.set_input_all(unit.port("clear_i"), 0);
  simulator.step(clock);
  for (size_t round = 0;; ++round) {
    std::vector<NetlistSimulator::CountedLanes> counted;
    for (size_t image = 0; image < images.size(); ++image) {
      if (round < rounds_of[image]) counted.push_back(groups[image]);
    }
    if (counted.empty()) break;
    simulator.count_activity(counted);
    for (int lane = 0; lane < used; ++lane) {
      const Lane& at = lanes[static_cast<size_t>(lane)];
      const auto& vector = (*at.vectors)[std::min(round, at.rounds - 1)];
      set_wide_input(&simulator, unit.port(input), lane,
                     {vector.elements.begin(), vector.elements.end()});
      simulator.set_input(unit.port("dim_i"), lane, vector.elements.size());
      simulator.set_input(unit.port("f_i"), lane, static_cast<uint64_t>(vector.frac));
      if (has_norm_only) simulator.set_input(unit.port("norm_only_i"), lane, vector.norm_only);
    }
    simulator.set_input_all(unit.port("in_valid_i"), 1);
    simulator.step(clock);
    simulator.set_input_all(unit.port("in_valid_i"), 0);
    simulator.settle();
    for (int cycle = 0; simulator.value(valid, 0) == 0; ++cycle) {
      if (cycle > 1000) {
        throw Error(ErrorKind::kInternal, unit.netlist().name() + ": no result in 1000 cycles");
      }
      simulator.tick(clock);
    }
    for (int lane = 1; lane < used; ++lane) {
      if (simulator.value(valid, lane) == 1) continue;
      throw Error(ErrorKind::kInternal,
                  unit.netlist().name() + ": its vectors take different numbers of cycles");
    }
    simulator.tick(clock);
  }
  std::vector<double> result;
  for (size_t image = 0; image < images.size(); ++image) {
    const size_t vectors = rounds_of[image] * images[image]->size();
    result.push_back(
        vectors == 0 ? 0 : activities[image].report().total_fj() / static_cast<double>(vectors));
  }
  return result;
}

double column_sum_fj(const UnitNetlist& unit, const StepSample& sample) {
  return combinational_fj(
      unit, sample.columns,
      [&](NetlistSimulator* simulator, int lane, const StepSample::Column& column) {
        std::vector<uint8_t> bytes;
        for (const int16_t p : column.products) {
          bytes.push_back(static_cast<uint8_t>(p & 0xff));
          bytes.push_back(static_cast<uint8_t>(p >> 8 & 0xff));
        }
        set_wide_input(simulator, unit.port("products_i"), lane, bytes);
        simulator->set_input(unit.port("row_mask_i"), lane, (1u << column.products.size()) - 1);
      });
}

double partial_sum_fj(const UnitNetlist& unit, const StepSample& sample) {
  return combinational_fj(
      unit, sample.columns,
      [&](NetlistSimulator* simulator, int lane, const StepSample::Column& column) {
        simulator->set_input(unit.port("acc_i"), lane, static_cast<uint32_t>(column.acc));
        simulator->set_input(unit.port("sum_i"), lane, static_cast<uint32_t>(column.sum));
      });
}

double requantiser_fj(const UnitNetlist& unit, const StepSample& sample) {
  return combinational_fj(
      unit, sample.requantised,
      [&](NetlistSimulator* simulator, int lane, const StepSample::Requantised& r) {
        simulator->set_input(unit.port("acc_i"), lane, static_cast<uint32_t>(r.acc));
        simulator->set_input(unit.port("shift_i"), lane, static_cast<uint64_t>(r.shift));
        simulator->set_input(unit.port("relu_i"), lane, r.relu);
        simulator->set_input(unit.port("accumulate_i"), lane, r.accumulate);
        simulator->set_input(unit.port("old_i"), lane, static_cast<uint8_t>(r.old));
      });
}

/// The files of rtl/capsnet that a unit consists of beside its multiplier; the last one is its top.
std::vector<std::string> module_files(HardwareUnit::Kind kind) {
  switch (kind) {
    case HardwareUnit::Kind::kMultiplier:
      return {};
    case HardwareUnit::Kind::kColumnSum:
      return {"column_sum"};
    case HardwareUnit::Kind::kPartialSum:
      return {"partial_sum"};
    case HardwareUnit::Kind::kRequantiser:
      return {"requantiser"};
    case HardwareUnit::Kind::kSoftmax:
      return {"divider", "softmax_unit"};
    case HardwareUnit::Kind::kSquash:
      return {"isqrt", "divider", "squash_unit"};
  }
  throw Error(ErrorKind::kInternal, "a unit of no kind");
}

}  // namespace

std::string HardwareUnit::work() const {
  switch (kind) {
    case Kind::kMultiplier:
      return "multiply";
    case Kind::kColumnSum:
      return "column sum";
    case Kind::kPartialSum:
      return "accumulate";
    case Kind::kRequantiser:
      return "requantise";
    case Kind::kSoftmax:
      return "softmax";
    case Kind::kSquash:
      return "squash";
  }
  throw Error(ErrorKind::kInternal, "a unit of no kind");
}

std::string HardwareUnit::basis() const {
  if (kind == Kind::kMultiplier) {
    return "netlist of " + component->name + " with glitches, on operands of all PEs";
  }
  std::string text = "netlist of " + module_files(kind).back();
  if (component != nullptr) text += " with " + component->name;
  return text + (is_sequential() ? ", without glitches" : " with glitches");
}

std::string HardwareUnit::key() const {
  return work() + (component == nullptr ? "" : " " + component->content_sha256);
}

UnitEnergies::UnitEnergies(synth::LibertyFiles liberty, fs::path cache_dir, Notice notice)
    : liberty_(std::move(liberty)), cache_dir_(std::move(cache_dir)), notice_(std::move(notice)) {}

UnitEnergies::Model UnitEnergies::make(const HardwareUnit& unit) const {
  if (unit.kind == HardwareUnit::Kind::kMultiplier) {
    return {std::make_unique<synth::EnergyMeter>(*unit.component), nullptr};
  }
  std::vector<fs::path> files;
  const base::PrivateDirectory work(fs::temp_directory_path());
  if (unit.component != nullptr) {
    const fs::path multiplier = work.path() / "pe_mul.sv";
    base::write_file(multiplier, cosim::pe_multiplier_source({unit.component}));
    files = unit.component->source.files;
    files.push_back(multiplier);
  }
  const std::vector<std::string> modules = module_files(unit.kind);
  for (const std::string& module : modules) {
    files.push_back(synth::rtl_directory() / "capsnet" / (module + ".sv"));
  }
  return {nullptr,
          std::make_unique<UnitNetlist>(files, modules.back(), liberty_, cache_dir_, notice_)};
}

void UnitEnergies::prepare(const std::vector<HardwareUnit>& units, int jobs) {
  std::vector<std::pair<const HardwareUnit*, Model*>> missing;
  for (const HardwareUnit& unit : units) {
    const auto [model, is_new] = models_.try_emplace(unit.key());
    if (is_new) missing.emplace_back(&unit, &model->second);
  }
  try {
    base::parallel_for(static_cast<int>(missing.size()), 1, jobs, [&](int i, int) {
      const auto& [unit, model] = missing[static_cast<size_t>(i)];
      *model = make(*unit);
    });
  } catch (...) {
    for (const auto& [unit, model] : missing) models_.erase(unit->key());
    throw;
  }
}

std::vector<double> UnitEnergies::mean_fj(const HardwareUnit& unit,
                                          const std::vector<const StepSample*>& images) const {
  const Model& model = models_.at(unit.key());
  const auto sequential = [&](auto member, const std::string& input, bool has_norm_only) {
    std::vector<const Sequences*> sequences;
    for (const StepSample* sample : images) sequences.push_back(&(sample->*member));
    return sequential_fj(*model.netlist, sequences, input, has_norm_only);
  };
  const auto combinational = [&](const auto& measure) {
    std::vector<double> result;
    for (const StepSample* sample : images) result.push_back(measure(*sample));
    return result;
  };
  switch (unit.kind) {
    case HardwareUnit::Kind::kMultiplier:
      return combinational([&](const StepSample& sample) {
        return studies::mean_fj(unit.component->name,
                                model.multiplier->measure_sequences(sample.pairs).energy);
      });
    case HardwareUnit::Kind::kColumnSum:
      return combinational(
          [&](const auto& sample) { return column_sum_fj(*model.netlist, sample); });
    case HardwareUnit::Kind::kPartialSum:
      return combinational(
          [&](const auto& sample) { return partial_sum_fj(*model.netlist, sample); });
    case HardwareUnit::Kind::kRequantiser:
      return combinational(
          [&](const auto& sample) { return requantiser_fj(*model.netlist, sample); });
    case HardwareUnit::Kind::kSoftmax:
      return sequential(&StepSample::softmaxed, "b_i", false);
    case HardwareUnit::Kind::kSquash:
      return sequential(&StepSample::squashed, "s_i", true);
  }
  throw Error(ErrorKind::kInternal, "a unit of no kind");
}

}  // namespace lutra::studies
