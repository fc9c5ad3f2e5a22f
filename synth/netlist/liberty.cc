// One library of one file or several: its cells, and what is asked of all of them.

#include "lutra/netlist/liberty.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "liberty_cell_writer.h"
#include "liberty_reader.h"
#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/sha256.h"
#include "lutra/system/gzip.h"

namespace lutra::synth {

LibertyFiles LibertyFiles::absolute() const {
  LibertyFiles files = *this;
  for (std::filesystem::path& path : files.paths_) path = std::filesystem::absolute(path);
  return files;
}

std::string LibertyFiles::names() const {
  std::string text;
  for (const std::filesystem::path& path : paths_) {
    text += (text.empty() ? "" : ", ") + path.filename().string();
  }
  return text;
}

std::string LibertyFiles::text() const {
  std::string text;
  for (const std::filesystem::path& path : paths_) {
    text += (text.empty() ? "" : ", ") + path.string();
  }
  return text;
}

namespace {

/// One file's text with what it includes.
struct ReadFile {
  std::filesystem::path path;
  LibertyText text;
  std::string sha256;
};

/// The files in an order that does not depend on how they are given.
std::vector<ReadFile> read_files(const LibertyFiles& files) {
  if (files.empty()) throw Error(ErrorKind::kInternal, "no Liberty file given");
  std::vector<ReadFile> read;
  for (const std::filesystem::path& path : files.paths()) {
    ReadFile file;
    file.path = path;
    file.text = LibertyText::with_includes(read_file_maybe_gzip(path), path.string());
    file.sha256 = base::sha256_hex(file.text.text());
    for (const ReadFile& other : read) {
      if (other.sha256 != file.sha256) continue;
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: the same Liberty file as {}, expected each file of a library "
                              "once",
                              path.string(), other.path.string()));
    }
    read.push_back(std::move(file));
  }
  std::sort(read.begin(), read.end(), [](const ReadFile& a, const ReadFile& b) {
    const auto key = [](const ReadFile& f) { return std::pair(f.path.filename(), f.sha256); };
    return key(a) < key(b);
  });
  return read;
}

}  // namespace

Liberty Liberty::read(const LibertyFiles& files) {
  std::optional<Liberty> library;
  for (ReadFile& file : read_files(files)) {
    Liberty part = parse(file.text, file.path.string());
    part.sha256_ = file.sha256;
    part.files_ = {{file.path.filename().string(), file.sha256}};
    if (library.has_value()) {
      library->merge(std::move(part));
    } else {
      library = std::move(part);
    }
  }
  return std::move(*library);
}

std::shared_ptr<const Liberty> Liberty::shared(const LibertyFiles& files) {
  // Kept for the process' life, by content and by the names that messages show.
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const Liberty>> known;
  constexpr std::size_t kKept = 8;
  std::string key;
  for (const ReadFile& file : read_files(files)) {
    key += fmt::format("{} {}\n", file.sha256, file.path.string());
  }
  {
    const std::lock_guard<std::mutex> lock(mutex);
    if (const auto found = known.find(key); found != known.end()) return found->second;
  }
  auto library = std::make_shared<const Liberty>(read(files));
  const std::lock_guard<std::mutex> lock(mutex);
  if (known.size() >= kKept) known.clear();
  return known[key] = std::move(library);
}

Liberty Liberty::parse(std::string text, const std::string& origin) {
  const LibertyText source = LibertyText::with_includes(std::move(text), origin);
  Liberty library = parse(source, origin);
  library.sha256_ = base::sha256_hex(source.text());
  library.files_ = {{std::filesystem::path(origin).filename().string(), library.sha256_}};
  return library;
}

Liberty Liberty::parse(const LibertyText& text, const std::string& origin) {
  LibertyContents contents = read_liberty_contents(text);
  Liberty library;
  library.name_ = std::move(contents.name);
  library.origin_ = origin;
  library.text_ = text.text();
  library.voltage_v_ = contents.voltage_v;
  library.thresholds_ = contents.thresholds;
  library.default_max_transition_ns_ = contents.default_max_transition_ns;
  for (LibertyCell& cell : contents.cells) {
    library.order_.push_back(cell.name);
    library.cells_.emplace(library.order_.back(), std::move(cell));
  }
  library.name_for_tools();
  return library;
}

void Liberty::merge(Liberty other) {
  const auto differ = [&](const std::string& what, double mine, double theirs) {
    if (std::abs(mine - theirs) <= 1e-9 * std::abs(mine)) return;
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: {} = {}, and {} in {}; expected files of one library", origin_,
                            what, mine, theirs, other.origin_));
  };
  differ("nom_voltage", voltage_v_, other.voltage_v_);
  const LibertyThresholds& a = thresholds_;
  const LibertyThresholds& b = other.thresholds_;
  differ("input_threshold_pct_rise", a.input_rise, b.input_rise);
  differ("input_threshold_pct_fall", a.input_fall, b.input_fall);
  differ("output_threshold_pct_rise", a.output_rise, b.output_rise);
  differ("output_threshold_pct_fall", a.output_fall, b.output_fall);
  differ("slew_lower_threshold_pct_rise", a.lower_rise, b.lower_rise);
  differ("slew_lower_threshold_pct_fall", a.lower_fall, b.lower_fall);
  differ("slew_upper_threshold_pct_rise", a.upper_rise, b.upper_rise);
  differ("slew_upper_threshold_pct_fall", a.upper_fall, b.upper_fall);
  differ("slew_derate_from_library", a.slew_derate, b.slew_derate);
  if (other.default_max_transition_ns_.has_value()) {
    default_max_transition_ns_ =
        std::min(default_max_transition_ns_.value_or(*other.default_max_transition_ns_),
                 *other.default_max_transition_ns_);
  }
  for (const std::string& cell_name : other.order_) {
    LibertyCell& cell = other.cells_.at(cell_name);
    const auto found = cells_.find(cell_name);
    if (found == cells_.end()) {
      cells_.emplace(cell_name, std::move(cell));
      order_.push_back(cell_name);
    } else if (!same_cell(found->second, cell)) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: cell {} is defined in {} too, and differs", cell.where,
                              cell_name, found->second.where));
    }
  }
  if (name_ != other.name_) name_ += "+" + other.name_;
  origin_ += ", " + other.origin_;
  text_ += other.text_;
  files_.insert(files_.end(), other.files_.begin(), other.files_.end());
  std::vector<std::string> sums;
  for (const auto& [file, sum] : files_) sums.push_back(sum);
  std::sort(sums.begin(), sums.end());
  std::string all;
  for (const std::string& sum : sums) all += sum + "\n";
  sha256_ = base::sha256_hex(all);
  name_for_tools();
}

void Liberty::name_for_tools() {
  std::set<std::string> taken;
  for (const std::string& own : order_) {
    if (is_plain_identifier(own)) taken.insert(own);
  }
  for (const std::string& own : order_) {
    LibertyCell& cell = cells_.at(own);
    cell.tool_name = is_plain_identifier(own) ? own : unique_plain_name(own, &taken);
    std::set<std::string> pins;
    for (const LibertyPin& pin : cell.pins) {
      if (is_plain_identifier(pin.name)) pins.insert(pin.name);
    }
    for (LibertyPin& pin : cell.pins) {
      pin.tool_name = is_plain_identifier(pin.name) ? pin.name : unique_plain_name(pin.name, &pins);
    }
  }
}

const LibertyCell* Liberty::find_cell(std::string_view cell_name) const {
  const auto found = cells_.find(std::string(cell_name));
  return found == cells_.end() ? nullptr : &found->second;
}

const LibertyCell& Liberty::smallest_inverter() const {
  const LibertyCell* best = nullptr;
  for (const auto& [cell_name, cell] : cells_) {
    if (cell.flip_flop.has_value() || !cell.unsupported.empty() || cell.pins.size() != 2) continue;
    if (cell.dont_use) continue;
    for (const LibertyPin& pin : cell.pins) {
      if (!pin.function.has_value() || pin.timing_arcs.empty()) continue;
      if (!pin.timing_arcs[0].has_slews()) continue;
      const std::vector<BooleanExpression::Node>& nodes = pin.function->nodes;
      if (nodes.size() != 2 || nodes[1].op != BooleanExpression::Op::kNot) continue;
      if (best == nullptr || cell.area_um2 < best->area_um2) best = &cell;
    }
  }
  if (best == nullptr) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: the library holds no inverter with slew tables", origin_));
  }
  return *best;
}

double Liberty::fanout_of_four_slew_ns() const {
  const LibertyCell& inverter = smallest_inverter();
  double load = 0;
  const TimingArc* arc = nullptr;
  for (const LibertyPin& pin : inverter.pins) {
    if (pin.direction == LibertyPin::Direction::kInput) load = 4 * pin.capacitance_ff;
    if (!pin.timing_arcs.empty()) arc = &pin.timing_arcs[0];
  }
  double slew = 0;
  // The chain settles within a few stages: the slope of output over input slew is well below 1.
  for (int stage = 0; stage < 64; ++stage) {
    slew = (arc->rise_slew_ns.lookup(slew, load) + arc->fall_slew_ns.lookup(slew, load)) / 2;
  }
  if (!std::isfinite(slew) || slew <= 0) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: the slew tables of {} give no fan-out-of-four slew", origin_,
                            inverter.name));
  }
  return slew;
}

}  // namespace lutra::synth
