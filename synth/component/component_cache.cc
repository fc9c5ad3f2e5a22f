#include "component_cache.h"

#include <fmt/format.h>

#include <cstdlib>
#include <system_error>

#include "lutra/base/error.h"
#include "lutra/base/files.h"

namespace lutra::synth {

Component cached_component(const std::string& name, const std::string& key,
                           const CharacterizeOptions& options,
                           const std::function<void(const std::filesystem::path&)>& build) {
  const std::filesystem::path cache =
      (options.cache_dir.empty() ? default_cache_dir() : options.cache_dir) / "components";
  const std::filesystem::path directory =
      cache / fmt::format("{}-{}", base::safe_file_name(name).substr(0, 60), key.substr(0, 16));
  if (!options.force && std::filesystem::exists(directory)) {
    try {
      Component kept = load_component(directory);
      // What could not be checked may be today: a limit was reached, a tool was missing.
      const nlohmann::json& check = kept.json.at("rtl_check");
      if (check.is_null() || check.at("result") != "not checked") return kept;
    } catch (const Error& error) {
      if (options.progress) {
        options.progress(fmt::format("{}: cached component is damaged and is made again: {}", name,
                                     error.what()));
      }
    }
  }

  base::PrivateDirectory work(cache);
  build(work.path());
  load_component(work.path());  // what is put into the cache can be read back
  std::filesystem::permissions(
      work.path(), std::filesystem::perms::owner_all | std::filesystem::perms::group_read |
                       std::filesystem::perms::group_exec | std::filesystem::perms::others_read |
                       std::filesystem::perms::others_exec);
  std::error_code error;
  std::filesystem::rename(work.path(), directory, error);
  if (error) {
    // Something is there already: the same from another process, or an older or damaged one.
    try {
      if (base::read_file(directory / "component.json") ==
          base::read_file(work.path() / "component.json")) {
        return load_component(directory);
      }
    } catch (const Error&) {
      // Damaged: replaced below.
    }
    const base::PrivateDirectory old(cache);
    std::filesystem::rename(directory, old.path() / "old", error);
    std::filesystem::rename(work.path(), directory, error);
    if (error) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: cannot be made: {}", directory.string(), error.message()));
    }
  }
  work.release();
  return load_component(directory);
}

std::filesystem::path default_cache_dir() {
  const auto variable = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  if (const std::string cache = variable("LUTRA_CACHE"); !cache.empty()) return cache;
  if (const std::string cache = variable("XDG_CACHE_HOME"); !cache.empty()) {
    return std::filesystem::path(cache) / "lutra";
  }
  if (const std::string home = variable("HOME"); !home.empty()) {
    return std::filesystem::path(home) / ".cache" / "lutra";
  }
  throw Error(ErrorKind::kInvalidArgument,
              "no cache directory: expected LUTRA_CACHE, XDG_CACHE_HOME or HOME");
}

}  // namespace lutra::synth
