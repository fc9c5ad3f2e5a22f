#ifndef LUTRA_STUDIES_ENERGY_RECORDING_H_
#define LUTRA_STUDIES_ENERGY_RECORDING_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "energy/operand_sampler.h"
#include "lutra/accelerator/program.h"
#include "lutra/data/dataset.h"
#include "lutra/graph/assignment.h"
#include "lutra/graph/quantised_network.h"

namespace lutra::studies {

/// What the units of the accelerator do while a program runs on some images, by step.
struct Recording {
  std::map<std::string, accelerator::StepCounts> counts;  ///< of one image; the same for all
  std::vector<std::map<std::string, StepSample>> images;  ///< [image], from the data's start

  /// Of the first image; every image gives the same units something to do.
  const std::map<std::string, StepSample>& samples() const { return images.front(); }
};

/// How much of it is kept.
struct SamplePlan {
  int images = 16;
  int samples = 4096;  ///< transitions of multipliers an image, over all steps
  uint64_t seed = 1;   ///< of the places that are sampled
};

/// Runs the network's program with these multipliers, on `jobs` threads (0: all cores).
Recording record(const graph::QuantisedNetwork& network, const accelerator::AcceleratorShape& shape,
                 const graph::Assignment& assignment, const data::Dataset& data,
                 const SamplePlan& plan, int jobs);

}  // namespace lutra::studies

#endif  // LUTRA_STUDIES_ENERGY_RECORDING_H_
