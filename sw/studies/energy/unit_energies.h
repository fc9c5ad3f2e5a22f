#ifndef LUTRA_STUDIES_ENERGY_UNIT_ENERGIES_H_
#define LUTRA_STUDIES_ENERGY_UNIT_ENERGIES_H_

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "energy/operand_sampler.h"
#include "energy/unit_netlist.h"
#include "lutra/component/component.h"
#include "lutra/component/energy_meter.h"
#include "lutra/netlist/liberty.h"

namespace lutra::studies {

/// A part of the accelerator that has a netlist.
struct HardwareUnit {
  enum class Kind { kMultiplier, kColumnSum, kPartialSum, kRequantiser, kSoftmax, kSquash };
  Kind kind;
  const synth::Component* component = nullptr;  ///< of a multiplier and of a squash unit

  /// What it does: EnergyTerm::kind.
  std::string work() const;
  /// Netlist and model: EnergyTerm::basis.
  std::string basis() const;
  /// The same for units of the same circuit.
  std::string key() const;
  /// Has registers: a simulation takes many cycles, whose lanes several images can share.
  bool is_sequential() const { return kind == Kind::kSoftmax || kind == Kind::kSquash; }
};

/// Energies of units at what a step gave them to do.
class UnitEnergies {
 public:
  using Notice = std::function<void(const std::string&)>;

  /// @param notice  hears of damaged netlists in the cache; may be null
  UnitEnergies(synth::LibertyFiles liberty, std::filesystem::path cache_dir, Notice notice);

  /// Reads the netlists of these units, or makes them, on `jobs` threads (0: all cores). What is
  /// there already is kept.
  void prepare(const std::vector<HardwareUnit>& units, int jobs);

  /// Mean energy in fJ of one operation of a prepared unit, for each image's sample of a step. Any
  /// number of threads may ask.
  std::vector<double> mean_fj(const HardwareUnit& unit,
                              const std::vector<const StepSample*>& images) const;

 private:
  /// One of the two.
  struct Model {
    std::unique_ptr<synth::EnergyMeter> multiplier;
    std::unique_ptr<UnitNetlist> netlist;
  };

  Model make(const HardwareUnit& unit) const;

  synth::LibertyFiles liberty_;
  std::filesystem::path cache_dir_;
  Notice notice_;
  std::map<std::string, Model> models_;  ///< by HardwareUnit::key()
};

}  // namespace lutra::studies

#endif  // LUTRA_STUDIES_ENERGY_UNIT_ENERGIES_H_
