#ifndef LUTRA_STUDIES_STREET_UNIT_STORE_H_
#define LUTRA_STUDIES_STREET_UNIT_STORE_H_

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace lutra::studies {

/// Finished units of a study on disk. A unit is kept with its key, which holds everything that its
/// value depends on, and with a checksum; one that is damaged, or not what its key says, is said
/// and made again.
class UnitStore {
 public:
  UnitStore(std::filesystem::path directory, std::function<void(const std::string&)> progress);

  /// The unit of this key, or what `make` returns.
  /// @param what      for messages
  /// @param is_valid  whether a value has the shape that the caller reads; may be empty
  nlohmann::json get(const std::string& what, const nlohmann::json& key,
                     const std::function<nlohmann::json()>& make,
                     const std::function<bool(const nlohmann::json&)>& is_valid = nullptr);

 private:
  std::filesystem::path directory_;
  std::function<void(const std::string&)> progress_;
};

/// Checksum of a directory's files, with their names: a retrained network makes all units anew.
std::string content_of(const std::filesystem::path& directory);

}  // namespace lutra::studies

#endif  // LUTRA_STUDIES_STREET_UNIT_STORE_H_
