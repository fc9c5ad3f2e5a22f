#ifndef LUTRA_NETLIST_LIBERTY_H_
#define LUTRA_NETLIST_LIBERTY_H_

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "lutra/netlist/boolean_expression.h"
#include "lutra/netlist/liberty_cell.h"
#include "lutra/netlist/liberty_names.h"
#include "lutra/netlist/liberty_text.h"

namespace lutra::synth {

/// The files of one cell library: a foundry divides its cells over several, by kind or by
/// threshold.
class LibertyFiles {
 public:
  LibertyFiles() = default;
  LibertyFiles(std::vector<std::filesystem::path> paths) : paths_(std::move(paths)) {}
  LibertyFiles(const std::vector<std::string>& paths) : paths_(paths.begin(), paths.end()) {}
  /// One file, whatever a path is made of.
  template <typename Path,
            typename = std::enable_if_t<std::is_convertible_v<Path, std::filesystem::path> &&
                                        !std::is_same_v<std::decay_t<Path>, LibertyFiles>>>
  LibertyFiles(const Path& path) {
    if (std::filesystem::path file(path); !file.empty()) paths_.push_back(std::move(file));
  }

  const std::vector<std::filesystem::path>& paths() const { return paths_; }
  bool empty() const { return paths_.empty(); }
  LibertyFiles absolute() const;
  std::string names() const;  ///< of the files, without directories: "a.lib, b.lib"
  std::string text() const;   ///< whole paths, in the same form
  friend bool operator==(const LibertyFiles& a, const LibertyFiles& b) {
    return a.paths_ == b.paths_;
  }

 private:
  std::vector<std::filesystem::path> paths_;
};

/// A cell library read from Liberty, in fixed units: ns, fF, fJ, nW, um2, V.
class Liberty {
 public:
  /// Reads a library's files, gzip-compressed or plain, with what they include. Several become one
  /// library, the same in whatever order they are given. Throws Error(kInvalidArgument) naming file
  /// and line; also where the files differ in supply voltage, thresholds or in a cell that two of
  /// them define.
  static Liberty read(const LibertyFiles& files);
  /// The same; a library that this process has read and not changed since is not parsed again.
  static std::shared_ptr<const Liberty> shared(const LibertyFiles& files);
  /// Reads text; `origin` names it in error messages, and include_file is looked for beside it.
  static Liberty parse(std::string text, const std::string& origin);

  const std::string& name() const { return name_; }
  const std::string& origin() const { return origin_; }
  /// As read, with what it includes; of several files, one behind the other.
  const std::string& text() const { return text_; }
  /// Of text(); of several files, of their checksums in ascending order.
  const std::string& sha256() const { return sha256_; }
  /// Name without directory, and checksum, of each file.
  const std::vector<std::pair<std::string, std::string>>& files() const { return files_; }
  double voltage_v() const { return voltage_v_; }
  const LibertyThresholds& thresholds() const { return thresholds_; }
  std::optional<double> default_max_transition_ns() const { return default_max_transition_ns_; }
  const std::map<std::string, LibertyCell>& cells() const { return cells_; }
  /// Names of the cells as they stand in the files.
  const std::vector<std::string>& cell_order() const { return order_; }
  const LibertyCell* find_cell(std::string_view cell_name) const;

  /// The smallest cell with one input and one inverting output that is no dont_use; ties go to the
  /// first name.
  /// Throws Error(kInvalidArgument) if there is none.
  const LibertyCell& smallest_inverter() const;
  /// Slew at the output of the smallest inverter in a chain in which each stage drives four like
  /// itself (fan-out of four), mean of rise and fall, in ns.
  double fanout_of_four_slew_ns() const;

 private:
  static Liberty parse(const LibertyText& text, const std::string& origin);
  void merge(Liberty other);
  void name_for_tools();

  std::string name_;
  std::string origin_;
  std::string text_;
  std::string sha256_;
  std::vector<std::pair<std::string, std::string>> files_;
  double voltage_v_ = 0;
  LibertyThresholds thresholds_;
  std::optional<double> default_max_transition_ns_;
  std::map<std::string, LibertyCell> cells_;
  std::vector<std::string> order_;
};

}  // namespace lutra::synth

#endif  // LUTRA_NETLIST_LIBERTY_H_
