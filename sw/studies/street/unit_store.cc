#include "street/unit_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "lutra/base/build_id.h"
#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/sha256.h"

namespace lutra::studies {
namespace {

using nlohmann::json;

std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

UnitStore::UnitStore(std::filesystem::path directory,
                     std::function<void(const std::string&)> progress)
    : directory_(std::move(directory)), progress_(std::move(progress)) {}

json UnitStore::get(const std::string& what, const json& key, const std::function<json()>& make,
                    const std::function<bool(const json&)>& is_valid) {
  json whole_key = key;
  whole_key["build"] = base::build_id();
  const std::string id = base::sha256_hex(text_of(whole_key)).substr(0, 24);
  const std::filesystem::path file = directory_ / (id + ".json");
  if (std::filesystem::exists(file)) {
    try {
      const json unit = json::parse(base::read_file(file));
      const json& value = unit.at("value");
      if (text_of(unit.at("key")) == text_of(whole_key) &&
          unit.at("value_sha256") == base::sha256_hex(text_of(value)) &&
          (!is_valid || is_valid(value))) {
        progress_(what + ": kept from an earlier run");
        return value;
      }
    } catch (const json::exception&) {
      // not even a unit
    }
    progress_(fmt::format("{}: damaged; {} is made again", file.string(), what));
  }
  json value = make();
  const json unit = {{"what", what},
                     {"key", whole_key},
                     {"value", value},
                     {"value_sha256", base::sha256_hex(text_of(value))}};
  std::filesystem::create_directories(directory_);
  base::write_file(file, unit.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
  return value;
}

std::string content_of(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::string all;
  for (const std::filesystem::path& file : files)
    all += file.filename().string() + base::read_file(file);
  return base::sha256_hex(all);
}

}  // namespace lutra::studies
