#include "lutra/run_store/run_store.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <regex>
#include <thread>

#include "lutra/base/build_id.h"
#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/lock_file.h"
#include "lutra/base/sha256.h"
#include "lutra/base/threads.h"

namespace lutra::studies {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::chrono::milliseconds kPoll(100);
constexpr std::chrono::seconds kSaysThatItWaits(30);

std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

bool matches(const std::string& name, const char* pattern) {
  return std::regex_match(name, std::regex(pattern));
}

}  // namespace

Shard Shard::parse(const std::string& text) {
  Shard shard;
  const auto read = [](const char* first, const char* last, int* value) {
    const auto [end, error] = std::from_chars(first, last, *value);
    return error == std::errc() && end == last && first != last;
  };
  const size_t slash = text.find('/');
  const char* data = text.data();
  const bool is_read = slash != std::string::npos && read(data, data + slash, &shard.index) &&
                       read(data + slash + 1, data + text.size(), &shard.count);
  if (!is_read || shard.count < 1 || shard.count > 9999 || shard.index < 1 ||
      shard.index > shard.count) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("shard '{}', expected I/N, I in 1..N, N in 1..9999", text));
  }
  return shard;
}

struct RunStore::State {
  enum class Found { kMissing, kDamaged, kWhole };

  json whole_key(const Unit& unit) const {
    json key = unit.key;
    key["build"] = base::build_id();
    return key;
  }
  static std::string id(const json& whole_key) {
    return base::sha256_hex(text_of(whole_key)).substr(0, 24);
  }
  fs::path file(const std::string& unit_id) const { return directory / (unit_id + ".json"); }
  fs::path claim(const std::string& unit_id) const { return directory / (unit_id + ".claim"); }
  fs::path presence(int index) const {
    return directory / fmt::format("shard-{}-of-{}", index, shard.count);
  }

  Found find(const Unit& unit, json* value) const {
    const json key = whole_key(unit);
    const fs::path path = file(id(key));
    if (!fs::exists(path)) return Found::kMissing;
    try {
      const json kept = json::parse(base::read_file(path));
      if (text_of(kept.at("key")) == text_of(key) &&
          kept.at("value_sha256") == base::sha256_hex(text_of(kept.at("value"))) &&
          (!unit.is_valid || unit.is_valid(kept.at("value")))) {
        *value = kept.at("value");
        return Found::kWhole;
      }
    } catch (const json::exception&) {
      // not even a unit
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kNotFound && error.kind() != ErrorKind::kDataLoss) throw;
    }
    return Found::kDamaged;
  }

  /// Makes a unit that is claimed.
  json make(const Unit& unit) const {
    const auto start = std::chrono::steady_clock::now();
    const json value = unit.make();
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (unit.is_final && !unit.is_final(value)) return value;
    const json key = whole_key(unit);
    const json kept = {{"what", unit.what},
                       {"key", key},
                       {"value", value},
                       {"value_sha256", base::sha256_hex(text_of(value))},
                       {"made_by", base::host_and_pid()},
                       {"seconds", seconds}};
    base::write_file(file(id(key)),
                     kept.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
    return value;
  }

  /// The value from the store, or made by us; nothing where another process is making it.
  /// @param made  set where this call has made it
  std::optional<json> get(const Unit& unit, bool says_kept, bool* made) {
    json value;
    Found found = find(unit, &value);
    if (found == Found::kWhole) {
      if (says_kept) say(unit.what + ": kept from an earlier run");
      return value;
    }
    fs::create_directories(directory);
    const std::string unit_id = id(whole_key(unit));
    const std::optional<base::LockFile> claimed = base::LockFile::take(claim(unit_id));
    if (!claimed) return std::nullopt;
    found = find(unit, &value);  // another process may have made it before we had the claim
    if (found == Found::kWhole) return value;
    if (found == Found::kDamaged) {
      say(fmt::format("{}: damaged; {} is made again", file(unit_id).string(), unit.what));
    }
    *made = true;
    return make(unit);
  }

  /// What killed shards left behind: only a run that has the directory alone may. Files of other
  /// names are not ours.
  void remove_left_files() const {
    std::error_code error;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
         entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      if (matches(name, "\\.lutra-[0-9]+-[0-9]+\\.partial")) {
        const int pid = std::atoi(name.c_str() + std::strlen(".lutra-"));
        std::error_code ignored;
        if (kill(pid, 0) != 0 && errno == ESRCH) fs::remove(entry->path(), ignored);
      } else if (matches(name, "[0-9a-f]{24}\\.claim|shard-[0-9]+-of-[0-9]+")) {
        base::LockFile::take(entry->path());  // removed as it is let go
      }
    }
  }

  void say(const std::string& line) const {
    const std::lock_guard<std::mutex> lock(says);
    if (progress) progress(line);
  }

  fs::path directory;
  Progress progress;
  mutable std::mutex says;
  Shard shard;
  bool looks_only = false;
  std::optional<base::LockFile> present;
  std::vector<StageStatus> stages;
};

RunStore::RunStore(std::unique_ptr<State> state) : state_(std::move(state)) {}

RunStore::RunStore(fs::path directory, Progress progress, Shard shard)
    : state_(std::make_unique<State>()) {
  state_->directory = std::move(directory);
  state_->progress = std::move(progress);
  state_->shard = shard;
  if (shard.is_whole()) return;
  fs::create_directories(state_->directory);
  state_->present = base::LockFile::take(state_->presence(shard.index));
  if (!state_->present) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: another process runs shard {}",
                                                         state_->directory.string(), shard.text()));
  }
}

RunStore RunStore::only_status(fs::path directory, Progress progress) {
  auto state = std::make_unique<State>();
  state->directory = std::move(directory);
  state->progress = std::move(progress);
  state->looks_only = true;
  return RunStore(std::move(state));
}

RunStore::~RunStore() = default;
RunStore::RunStore(RunStore&&) noexcept = default;

std::optional<std::vector<json>> RunStore::stage(const std::string& name,
                                                 const std::vector<Unit>& units, Barrier barrier,
                                                 int jobs) {
  State& s = *state_;
  if (!s.looks_only && s.shard.is_whole() && s.stages.empty()) s.remove_left_files();
  StageStatus status;
  status.name = name;
  status.units = static_cast<int>(units.size());
  std::vector<std::optional<json>> values(units.size());
  if (s.looks_only) {
    for (size_t k = 0; k < units.size(); ++k) {
      json value;
      switch (s.find(units[k], &value)) {
        case State::Found::kWhole:
          values[k] = std::move(value);
          break;
        case State::Found::kDamaged:
          ++status.damaged;
          [[fallthrough]];
        case State::Found::kMissing:
          status.running += base::LockFile::is_held(s.claim(State::id(s.whole_key(units[k]))));
      }
    }
  } else {
    std::mutex mutex;
    const auto work = [&](size_t k, bool says_kept) {
      bool made = false;
      std::optional<json> value = s.get(units[k], says_kept, &made);
      const std::lock_guard<std::mutex> lock(mutex);
      status.made += made;
      values[k] = std::move(value);
    };
    // Its own share first; then, at a barrier, the others' as they come.
    std::vector<size_t> share;
    for (size_t k = 0; k < units.size(); ++k) {
      if (static_cast<int>(k % static_cast<size_t>(s.shard.count)) == s.shard.index - 1) {
        share.push_back(k);
      }
    }
    base::parallel_for(static_cast<int>(share.size()), 1, jobs,
                       [&](int i, int) { work(share[static_cast<size_t>(i)], true); });
    auto said = std::chrono::steady_clock::now();
    for (bool waits = true; waits;) {
      waits = false;
      for (size_t k = 0; k < units.size(); ++k) {
        if (values[k]) continue;
        const int owner = 1 + static_cast<int>(k % static_cast<size_t>(s.shard.count));
        const bool is_own = owner == s.shard.index;
        json value;
        if (!is_own && (barrier == Barrier::kLast || base::LockFile::is_held(s.presence(owner)))) {
          if (s.find(units[k], &value) == State::Found::kWhole) values[k] = std::move(value);
        } else {
          if (!is_own)
            s.say(fmt::format("{}: no process runs shard {} of {}: made here", units[k].what, owner,
                              s.shard.count));
          work(k, false);
        }
        waits |= !values[k] && (is_own || barrier == Barrier::kNeeded);
      }
      if (!waits) break;
      if (std::chrono::steady_clock::now() - said > kSaysThatItWaits) {
        said = std::chrono::steady_clock::now();
        const auto missing = std::count(values.begin(), values.end(), std::nullopt);
        s.say(fmt::format("{}: waits for {} units of other processes", name, missing));
      }
      std::this_thread::sleep_for(kPoll);
    }
  }
  std::vector<json> result;
  for (std::optional<json>& value : values) {
    if (value) result.push_back(std::move(*value));
  }
  status.done = static_cast<int>(result.size());
  s.stages.push_back(status);
  if (result.size() < units.size()) return std::nullopt;
  return result;
}

json RunStore::get(const Unit& unit) {
  const auto start = std::chrono::steady_clock::now();
  for (bool said = false;;) {
    bool made = false;
    if (std::optional<json> value = state_->get(unit, true, &made)) return *value;
    if (!said && std::chrono::steady_clock::now() - start > kSaysThatItWaits) {
      state_->say(unit.what + ": waits for another process that makes it");
      said = true;
    }
    std::this_thread::sleep_for(kPoll);
  }
}

void RunStore::forget(const std::vector<Unit>& units) {
  for (const Unit& unit : units) {
    std::error_code ignored;
    fs::remove(state_->file(State::id(state_->whole_key(unit))), ignored);
  }
}

const std::vector<StageStatus>& RunStore::stages() const { return state_->stages; }

std::string content_of(const fs::path& directory) {
  if (!fs::is_directory(directory)) {
    throw Error(ErrorKind::kNotFound, directory.string() + ": no such directory");
  }
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::string all;
  for (const fs::path& file : files) {
    all += fmt::format("{} {}\n", file.lexically_relative(directory).string(),
                       base::sha256_hex(base::read_file(file)));
  }
  return base::sha256_hex(all);
}

}  // namespace lutra::studies
