#ifndef LUTRA_PLATFORM_COSIMULATION_H_
#define LUTRA_PLATFORM_COSIMULATION_H_

#include <nlohmann/json.hpp>

namespace lutra::platform {

/// Runs images through the verilated accelerator and compares each step's tensor with the engine's.
/// @param job  {"model": directory, "data": data set, "first": image, "images": count,
///              "tables": [up to 16 .npy, int16 [256][256]], "select": {operation: table index},
///              "shape": {"rows", "cols", "scratch_bytes", "acc_depth"}, "rerun": command line,
///              "wave": file or "", "wave_window": [first, last cycle], "max_cycles": an image,
///              "memory_latency_ns": of a burst, "memory_waits": in b_transport,
///              "reset_after": 0, or cycles into a run of the first image that a reset ends}
/// @return     {"verdict": "match" or "mismatch", "images", "checked", "mismatches", "cycles",
///              "macs", "bus_handshakes": checked on both AXI ports, "seconds", "steps": [{"step",
///              "checked", "mismatches"}], "first_mismatches": [...], "images_detail": [...]};
///              docs/guide/results.md
/// @throws Error  kInvalidArgument for a bad job, kInternal when the accelerator breaks its
/// contract
nlohmann::json cosimulate(const nlohmann::json& job);

}  // namespace lutra::platform

#endif  // LUTRA_PLATFORM_COSIMULATION_H_
