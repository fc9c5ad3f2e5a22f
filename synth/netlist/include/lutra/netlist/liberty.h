#ifndef LUTRA_NETLIST_LIBERTY_H_
#define LUTRA_NETLIST_LIBERTY_H_

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

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

/// One attribute of a Liberty group: `name : value ;` or `name (value, ...) ;`.
struct LibertyAttribute {
  std::string name;
  std::vector<std::string> values;  ///< without their quotes
  int line = 0;
};

/// One Liberty group, `type (arguments) { ... }`, as it stands in the file.
struct LibertyGroup {
  std::string type;
  std::vector<std::string> arguments;
  int line = 0;
  std::size_t begin = 0;  ///< byte offset of the type in the text
  std::size_t end = 0;    ///< byte offset behind the closing brace
  std::vector<LibertyAttribute> attributes;
  std::vector<LibertyGroup> groups;

  /// The first attribute of that name, or nullptr.
  const LibertyAttribute* find(std::string_view name) const;
};

/// Liberty text with the files of its `include_file` in their places, and where each line is from.
class LibertyText {
 public:
  LibertyText() = default;
  /// Text without include_file.
  LibertyText(std::string text, std::string origin);
  /// Replaces each include_file, at any depth up to 16, by that file's text; a relative name is
  /// looked for beside the including file. Throws Error(kInvalidArgument) naming file and line
  /// where one is missing, includes itself, or all together are larger than 1 GiB.
  static LibertyText with_includes(std::string text, const std::string& origin);

  const std::string& text() const { return text_; }
  std::string where(int line) const;  ///< `file:line`, of a line of text(), counted from 1

 private:
  struct Part {
    int first_line = 1;  ///< in text_
    std::string origin;
    int origin_line = 1;
  };
  class Includer;
  std::string text_;
  std::vector<Part> parts_;  ///< by first_line
};

/// Reads Liberty text into its groups.
/// Throws Error(kInvalidArgument) `file:line: ...` on text that is no complete Liberty group.
LibertyGroup parse_liberty_text(const LibertyText& text);

/// A Liberty boolean expression: operators ! ' ^ & * (or a blank) | +, constants 0 and 1.
struct BooleanExpression {
  enum class Op { kConstant, kName, kNot, kAnd, kOr, kXor };
  struct Node {
    Op op = Op::kConstant;
    int left = -1;       ///< index of the first operand's node
    int right = -1;      ///< index of the second operand's node
    std::string name;    ///< of kName
    bool value = false;  ///< of kConstant
  };
  std::vector<Node> nodes;  ///< operands before their operator; the last one is the root

  /// The names in the expression, each once, in order of appearance.
  std::vector<std::string> names() const;
  /// Its value where `value_of` gives that of each name.
  bool evaluate(const std::function<bool(const std::string&)>& value_of) const;
  /// The expression in Verilog, every operator in parentheses; names as escaped identifiers where
  /// they must be.
  std::string verilog() const;
  /// The expression in Liberty, by ! & | ^ alone and with the parentheses that make the precedence
  /// of operators no matter; `name_of` gives each name as it is to be written.
  std::string liberty(const std::function<std::string(const std::string&)>& name_of) const;
};

/// Throws Error(kInvalidArgument), its text beginning with `where`.
BooleanExpression parse_boolean_expression(const std::string& text, const std::string& where);

/// A lookup table over input slew (ns) and output load (fF). An empty axis means that the table
/// does not depend on that quantity.
struct LibertyTable {
  std::vector<double> slew_ns;
  std::vector<double> load_ff;
  std::vector<double> values;  ///< [slew][load]

  bool empty() const { return values.empty(); }
  /// Bilinear interpolation; beyond the axes, linear extrapolation from the outermost cell.
  double lookup(double slew, double load) const;
};

/// A setup, hold, recovery or removal time in ns, over the slews of the related pin (the clock) and
/// of the constrained one. An empty axis: it does not depend on that slew.
struct ConstraintTable {
  std::vector<double> related_ns;
  std::vector<double> constrained_ns;
  std::vector<double> values_ns;  ///< [related][constrained]
};

/// Energy that a cell takes inside itself when a pin changes; tables in fJ a transition. Groups of
/// one supply are alternatives; those of several supplies add up.
struct InternalPower {
  std::string supply;                     ///< related_pg_pin (or power_level); may be empty
  std::vector<std::string> related_pins;  ///< empty: any cause
  std::optional<BooleanExpression> when;
  LibertyTable rise_fj;
  LibertyTable fall_fj;
};

/// What a cell leaks while `when` holds.
struct StateLeakage {
  BooleanExpression when;
  double leakage_nw = 0;
};

/// What a cell takes from one supply; those of several supplies add up.
struct SupplyLeakage {
  std::string supply;                ///< related_pg_pin (or power_level); may be empty
  std::vector<StateLeakage> states;  ///< the first whose condition holds
  double otherwise_nw = 0;           ///< where none holds
};

/// One timing arc to an output: delay from the related pin and slew at the output, in ns. Tables of
/// an edge that the arc does not have are empty; the others have two points at least on both axes.
struct TimingArc {
  enum class Sense { kPositiveUnate, kNegativeUnate, kNonUnate };
  std::vector<std::string> related_pins;  ///< one
  std::string type;                       ///< timing_type; empty: combinational
  Sense sense = Sense::kNonUnate;
  std::optional<BooleanExpression> when;
  LibertyTable rise_delay_ns;
  LibertyTable fall_delay_ns;
  LibertyTable rise_slew_ns;
  LibertyTable fall_slew_ns;

  bool has_slews() const { return !rise_slew_ns.empty() && !fall_slew_ns.empty(); }
};

/// A check at an input, such as setup_rising.
struct ConstraintArc {
  std::string related_pin;
  std::string type;  ///< timing_type
  std::optional<BooleanExpression> when;
  ConstraintTable rise;
  ConstraintTable fall;
};

struct LibertyPin {
  enum class Direction { kInput, kOutput, kInout, kInternal };
  std::string name;
  std::string tool_name;  ///< the name for tools: a plain identifier
  Direction direction = Direction::kInput;
  double capacitance_ff = 0;                  ///< where given by edge only, their mean
  std::optional<double> rise_capacitance_ff;  ///< by edge, as OpenSTA takes it
  std::optional<double> fall_capacitance_ff;
  std::optional<double> max_capacitance_ff;
  std::optional<double> max_transition_ns;
  std::optional<BooleanExpression> function;  ///< of an output
  bool is_clock = false;
  bool three_state = false;
  std::vector<InternalPower> internal_power;
  std::vector<TimingArc> timing_arcs;      ///< of an output
  std::vector<ConstraintArc> constraints;  ///< of an input
};

/// A Liberty `ff` group: an edge-triggered flip-flop.
struct LibertyFlipFlop {
  std::string state;           ///< the name that functions use for the state, e.g. IQ
  std::string inverted_state;  ///< e.g. IQN
  BooleanExpression next_state;
  BooleanExpression clocked_on;  ///< the state is taken when this rises
  std::optional<BooleanExpression> clear;
  std::optional<BooleanExpression> preset;
  bool both_state = false;           ///< state while clear and preset are both active
  bool both_inverted_state = false;  ///< inverted state in the same case
};

struct LibertyCell {
  std::string name;
  std::string tool_name;  ///< the name for tools: a plain identifier
  std::string where;      ///< `file:line` of its group
  double area_um2 = 0;
  double leakage_nw = 0;                      ///< whatever the state
  std::vector<SupplyLeakage> supply_leakage;  ///< by state; empty: leakage_nw in every state
  std::vector<LibertyPin> pins;
  std::vector<std::string> supply_pins;  ///< power and ground: no pins to simulate
  std::optional<LibertyFlipFlop> flip_flop;
  bool dont_use = false;
  std::string unsupported;  ///< why the simulator cannot run it (latch, state table, ...), or empty
  std::size_t begin = 0;    ///< byte range of its group in the library's text
  std::size_t end = 0;

  const LibertyPin* find_pin(std::string_view pin_name) const;
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
  const std::map<std::string, LibertyCell>& cells() const { return cells_; }
  const LibertyCell* find_cell(std::string_view cell_name) const;

  /// The smallest cell with one input and one inverting output that is no dont_use; ties go to the
  /// first name.
  /// Throws Error(kInvalidArgument) if there is none.
  const LibertyCell& smallest_inverter() const;
  /// Slew at the output of the smallest inverter in a chain in which each stage drives four like
  /// itself (fan-out of four), mean of rise and fall, in ns.
  double fanout_of_four_slew_ns() const;

  /// The names that a Liberty text is written with: the library's own, or such as every tool takes.
  enum class Names { kOwn, kTool };
  /// The library written anew, in the plainest form and in the fixed units, with all that the tools
  /// read and nothing else; cells that the simulator cannot run are left out. It reads back as the
  /// same library.
  std::string plain_text(Names names) const;
  /// The same with only the cells of these names, by default under the library's own names.
  std::string subset_text(const std::vector<std::string>& cell_names,
                          Names names = Names::kOwn) const;
  /// The cells as black boxes in Verilog, all of them, under their own names and with supply pins.
  std::string verilog_black_boxes() const;
  /// Verilog modules, one a cell that the simulator supports, generated from the Liberty functions;
  /// no delays, no checks. Flip-flops are `always` blocks. For Verilator and other simulators.
  /// @param with_supplies  supply pins are ports, for a netlist that connects them
  std::string verilog_cells(const std::vector<std::string>& cell_names,
                            bool with_supplies = false) const;

 private:
  friend class LibertyWriter;

  /// Percentages of the supply between which delays and slews are measured.
  struct Thresholds {
    double input_rise = 50, input_fall = 50, output_rise = 50, output_fall = 50;
    double lower_rise = 20, lower_fall = 20, upper_rise = 80, upper_fall = 80;
    double slew_derate = 1;
  };

  static Liberty parse(const LibertyText& text, const std::string& origin);
  void merge(Liberty other);
  void name_for_tools();

  std::string name_;
  std::string origin_;
  std::string text_;
  std::string sha256_;
  std::vector<std::pair<std::string, std::string>> files_;
  double voltage_v_ = 0;
  Thresholds thresholds_;
  std::optional<double> default_max_transition_ns_;
  std::map<std::string, LibertyCell> cells_;
  std::vector<std::string> order_;  ///< names of the cells as they stand in the files
};

/// Whether a name is an identifier in Verilog, Liberty and Tcl alike, and no keyword.
bool is_plain_identifier(std::string_view name);
/// A name in Verilog: as it is, or escaped.
std::string verilog_identifier(const std::string& name);

}  // namespace lutra::synth

#endif  // LUTRA_NETLIST_LIBERTY_H_
