#ifndef LUTRA_STUDIES_INFERENCE_ENERGY_H_
#define LUTRA_STUDIES_INFERENCE_ENERGY_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lutra/accelerator/program.h"
#include "lutra/component/component.h"
#include "lutra/data/dataset.h"
#include "lutra/graph/assignment.h"
#include "lutra/graph/quantised_network.h"

namespace lutra::studies {

/// Energy of memory accesses. The defaults are M. Horowitz, "Computing's energy problem (and what
/// we can do about it)", ISSCC 2014, 45 nm, 0.9 V: a 64-bit access of a 32 KiB cache takes 20 pJ,
/// of a 1 MiB cache 100 pJ, of DRAM 1.3 nJ (the lower end). A 128 KiB scratchpad lies between the
/// first two by interpolation over the logarithm of the size: 38 pJ.
struct MemoryCosts {
  double scratch_pj_per_vector = 76.0;  ///< 16 bytes
  double accumulator_pj_per_word =
      20.0;  ///< int32, read and written back: 32 KiB, half of 64 bits, twice
  double memory_pj_per_byte = 162.5;  ///< off-chip
  std::string source =
      "M. Horowitz, ISSCC 2014, 45 nm, 0.9 V (32 KiB: 20 pJ, 1 MiB: 100 pJ, DRAM: 1.3 nJ a 64-bit "
      "access; 128 KiB interpolated)";
};

/// One kind of work in an inference: how often, and what each takes.
struct EnergyTerm {
  std::string kind;  ///< "multiply", "column sum", "accumulate", "requantise", "squash", "softmax",
                     ///< "scratchpad", "accumulator memory", "off-chip memory"
  std::string operation;  ///< Assignment::label(), "primary.mac", ...; "" for all
  int64_t count = 0;
  std::vector<double> image_fj;  ///< of one, mean over the samples of each image
  std::string basis;             ///< netlist and operands, or the source of a stated cost
  double energy_per_op_fj() const;
  double energy_nj() const { return static_cast<double>(count) * energy_per_op_fj() * 1e-6; }
};

struct InferenceEnergy {
  std::vector<EnergyTerm> terms;
  std::vector<double> total_nj_of_images() const;
  std::vector<double> multiply_nj_of_images() const;
  double total_nj() const;
  double multiply_nj() const;
  nlohmann::json json() const;
};

struct EnergyOptions {
  accelerator::AcceleratorShape shape;
  synth::LibertyFiles liberty;      ///< empty: synth::default_liberty()
  std::filesystem::path cache_dir;  ///< empty: synth::default_cache_dir()
  int images = 16;                  ///< whose operands are simulated, from the start of the data
  int samples = 4096;               ///< transitions of multipliers an image, over all steps
  uint64_t seed = 1;                ///< of the places that are sampled
  int jobs = 0;                     ///< threads; 0: all cores
  MemoryCosts memory;
  /// Where each operation's operands are written, `<operation>.npy`, as `lutra characterize
  /// --operands` takes them: the sampled sequences one after the other. Empty: nowhere.
  std::filesystem::path operands_dir;
  std::function<void(const std::string&)> progress;  ///< hears of damage in the cache; may be null
};

/// Energy of one inference on the accelerator: the counts of its program, times energies of the
/// mapped netlists on the operands of real images, plus memory accesses at their stated cost.
/// Combinational units are simulated with the library's delays, glitches included (each starts from
/// inputs that change at once); the sequential ones (squash, softmax) at zero delay. Sequences of
/// consecutive operations are drawn over all PEs, columns, tiles and positions of each image. Not
/// included: operand registers, clock tree, sequencer and wires.
class InferenceEnergyMeter {
 public:
  /// Both must outlive it. @throws Error kInvalidArgument for more images than the data has
  InferenceEnergyMeter(const graph::QuantisedNetwork& network, const data::Dataset& data,
                       EnergyOptions options);
  ~InferenceEnergyMeter();
  InferenceEnergyMeter(const InferenceEnergyMeter&) = delete;
  InferenceEnergyMeter& operator=(const InferenceEnergyMeter&) = delete;

  /// @param assignment    with a component at every site
  /// @param operands_dir  as EnergyOptions::operands_dir, of this one
  InferenceEnergy measure(const graph::Assignment& assignment,
                          const std::filesystem::path& operands_dir = "");

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The energy of a single assignment.
InferenceEnergy inference_energy(const graph::QuantisedNetwork& network,
                                 const graph::Assignment& assignment, const data::Dataset& data,
                                 const EnergyOptions& options);

}  // namespace lutra::studies

#endif  // LUTRA_STUDIES_INFERENCE_ENERGY_H_
