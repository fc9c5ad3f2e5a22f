#ifndef LUTRA_RUN_STORE_RUN_STORE_H_
#define LUTRA_RUN_STORE_RUN_STORE_H_

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace lutra::studies {

/// A part of a study that can be made by itself, anywhere.
struct Unit {
  std::string what;                      ///< for messages: "energy of exact"
  nlohmann::json key;                    ///< all that the value depends on, but the build
  std::function<nlohmann::json()> make;  ///< the same value wherever it is called
  std::function<bool(const nlohmann::json&)>
      is_valid;  ///< has the shape that is read; may be empty
  /// Whether the value would be the same another time; one that would not (a limit was reached, a
  /// tool was missing) is not kept. Null: always.
  std::function<bool(const nlohmann::json&)> is_final = nullptr;
};

/// Part I of N of every stage, I from 1.
struct Shard {
  int index = 1;
  int count = 1;

  bool is_whole() const { return count == 1; }
  std::string text() const { return std::to_string(index) + "/" + std::to_string(count); }
  /// Reads "I/N", I in 1..N, N in 1..9999.
  /// @throws Error kInvalidArgument
  static Shard parse(const std::string& text);
};

/// Whether a stage's values are needed before the study can go on.
enum class Barrier {
  kNeeded,  ///< other units depend on them
  kLast,    ///< nothing but the result does
};

struct StageStatus {
  std::string name;
  int units = 0;
  int done = 0;     ///< whole, in the store
  int made = 0;     ///< of these, by this run
  int running = 0;  ///< claimed by a process that runs
  int damaged = 0;  ///< in the store, and not what was written
};

/// The units of a study on disk, in stages; the same values whoever makes them, in whatever order.
///
/// A unit is kept as `ID.json`, ID from its key and the build of the program, with its key and a
/// checksum: one that is damaged, or not what its key says, is said and made again. Who makes a
/// unit claims it first, by a lock that goes with its process; several processes, on several
/// machines that share the directory, can work on one study.
class RunStore {
 public:
  using Progress = std::function<void(const std::string&)>;

  /// @param directory  made when the first unit is kept
  /// @throws Error kInvalidArgument where another process runs this shard of it
  RunStore(std::filesystem::path directory, Progress progress, Shard shard = {});
  /// Makes nothing: stage() only looks.
  static RunStore only_status(std::filesystem::path directory, Progress progress);
  ~RunStore();
  RunStore(RunStore&&) noexcept;

  /// Makes what is missing of a stage. The caller holds the study's output directory, alone or with
  /// other shards. Unit k (from 0) is of shard 1 + k mod N. Of a sharded run, other shards' units
  /// are waited for where a barrier needs them, and made where the process that should is not there
  /// or has ended.
  /// @param jobs  units at a time; 0: all cores
  /// @return the values in the order of the units; nothing where there is no barrier and other
  ///         shards have not made theirs, or this only looks and some are missing
  /// @throws what a unit's `make` throws; units that were made stay
  std::optional<std::vector<nlohmann::json>> stage(const std::string& name,
                                                   const std::vector<Unit>& units, Barrier barrier,
                                                   int jobs = 1);

  /// Removes what is kept of these units, so that they are made anew.
  void forget(const std::vector<Unit>& units);

  /// A single unit, which every shard may make.
  nlohmann::json get(const Unit& unit);

  /// Of the stages that were reached.
  const std::vector<StageStatus>& stages() const;

 private:
  struct State;
  explicit RunStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Checksum of all files below a directory, with their names.
/// @throws Error kNotFound where it is none
std::string content_of(const std::filesystem::path& directory);

}  // namespace lutra::studies

#endif  // LUTRA_RUN_STORE_RUN_STORE_H_
