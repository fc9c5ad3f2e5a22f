#ifndef LUTRA_STUDIES_STUDY_H_
#define LUTRA_STUDIES_STUDY_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lutra/accelerator/program.h"
#include "lutra/run_store/run_store.h"
#include "lutra/studies/inference_energy.h"

namespace lutra::studies {

/// Accuracy, energy and co-simulation of assignments, as a TOML file describes it
/// (docs/guide/studies.md).
struct StudyConfig {
  std::string name;
  std::filesystem::path model;  ///< directory of an int8 network
  std::string data = "fashion-mnist";
  int images = 0;  ///< of the test split; 0: all
  uint64_t seed = 1;
  std::string backend = "auto";
  int jobs = 0;
  synth::LibertyFiles liberty;   ///< empty: the default
  std::filesystem::path folder;  ///< of the study file: what relative paths are relative to
  std::vector<std::filesystem::path> include_directories;  ///< of Verilog files
  std::vector<std::string> defines;                        ///< NAME or NAME=TEXT
  bool trust_source = false;
  bool allow_unchecked = false;
  accelerator::AcceleratorShape shape;
  /// What savings are told against: the cheapest of them; each is a candidate too.
  std::vector<std::string> exact_designs;
  std::vector<std::string> multipliers;  ///< library specifications, files, components
  std::vector<std::string> operations;   ///< that a multiplier of the list is put into
  /// Assignments spelled out: label, operation -> multiplier. What is not named gets the baseline.
  std::vector<std::pair<std::string, std::map<std::string, std::string>>> assignments;
  double max_accuracy_loss = 0.01;  ///< against the exact multiplier, a share, for the choice
  int cosim_images = 2;
  int cosim_first = 0;
  bool cosim_all = false;  ///< every row, not only the chosen one
  int energy_images = 16;
  int energy_samples = 4096;
  bool record_operands = false;  ///< writes OUT/operands/<row>/<operation>.npy
  MemoryCosts memory;
};

/// Reads a study file. Relative paths in it are relative to the file.
/// @param overrides  "key.path=value", as --set gives them; value in TOML syntax
/// @throws Error kInvalidArgument with file and line for unknown keys and wrong types or values
StudyConfig read_study(const std::filesystem::path& file,
                       const std::vector<std::string>& overrides);

nlohmann::json to_json(const StudyConfig& config);

/// Characterises, evaluates, measures, chooses, co-simulates, unit by unit.
/// @param out    for files beside the units: OUT/operands
/// @param store  where the units are kept
/// @return the object of result.json (docs/guide/results.md) without the fields that all commands
///         share; nothing where the store has not got all units (RunStore::stage)
std::optional<nlohmann::json> run_study(const StudyConfig& config, const std::filesystem::path& out,
                                        RunStore* store, const RunStore::Progress& progress);

}  // namespace lutra::studies

#endif  // LUTRA_STUDIES_STUDY_H_
