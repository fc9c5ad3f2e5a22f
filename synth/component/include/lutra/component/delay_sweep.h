#ifndef LUTRA_COMPONENT_DELAY_SWEEP_H_
#define LUTRA_COMPONENT_DELAY_SWEEP_H_

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "lutra/component/component.h"

namespace lutra::synth {

/// What a component's multiplier costs when it is mapped for other delays: an array of objects, one
/// a target in the order given, with `target_ns`, `reached`, `mapping`, `delay_ns` (OpenSTA),
/// `area_um2`, and energy, leakage and glitches as in component.json, on the same operands. The
/// netlists lie in `out_dir`/<target>ns. Each one's products are compared with the component's, on
/// all pairs up to 8 bits and on the 65,537 of the activity above.
/// @param liberty  the library that the component was mapped to; Error(kInvalidArgument) if it is
/// another
/// @param seed     of the activity, as CharacterizeOptions::seed
/// Throws as synthesize_for_delays() does, and Error(kMismatch) on a product that differs.
nlohmann::json sweep_delay_targets(const Component& component, const LibertyFiles& liberty,
                                   const std::vector<double>& targets_ns, std::uint64_t seed,
                                   const std::filesystem::path& out_dir);

}  // namespace lutra::synth

#endif  // LUTRA_COMPONENT_DELAY_SWEEP_H_
