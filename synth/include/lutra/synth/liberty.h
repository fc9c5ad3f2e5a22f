#ifndef LUTRA_SYNTH_LIBERTY_H_
#define LUTRA_SYNTH_LIBERTY_H_

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lutra::synth {

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

/// Reads Liberty text into its groups. `origin` names the text in error messages.
/// Throws Error(kUsage) `origin:line: ...` on text that is no complete Liberty group.
LibertyGroup parse_liberty_text(std::string_view text, const std::string& origin);

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
  /// The expression in Verilog, every operator in parentheses.
  std::string verilog() const;
};

/// Throws Error(kUsage), its text beginning with `where`.
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

/// Energy that a cell takes inside itself when a pin changes; tables in fJ a transition.
struct InternalPower {
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

/// One timing arc to an output: delay from the related pin and slew at the output, in ns. Tables of
/// an edge that the arc does not have are empty.
struct TimingArc {
  enum class Sense { kPositiveUnate, kNegativeUnate, kNonUnate };
  std::vector<std::string> related_pins;
  Sense sense = Sense::kNonUnate;
  std::optional<BooleanExpression> when;
  LibertyTable rise_delay_ns;
  LibertyTable fall_delay_ns;
  LibertyTable rise_slew_ns;
  LibertyTable fall_slew_ns;

  bool has_slews() const { return !rise_slew_ns.empty() && !fall_slew_ns.empty(); }
};

struct LibertyPin {
  enum class Direction { kInput, kOutput, kInout, kInternal };
  std::string name;
  Direction direction = Direction::kInput;
  double capacitance_ff = 0;
  std::optional<BooleanExpression> function;  ///< of an output
  bool three_state = false;
  std::vector<InternalPower> internal_power;
  std::vector<TimingArc> timing_arcs;  ///< of an output
};

/// A Liberty `ff` group: an edge-triggered flip-flop.
struct LibertyFlipFlop {
  std::string state;           ///< the name that functions use for the state, e.g. IQ
  std::string inverted_state;  ///< e.g. IQN; may be empty
  BooleanExpression next_state;
  BooleanExpression clocked_on;  ///< the state is taken when this rises
  std::optional<BooleanExpression> clear;
  std::optional<BooleanExpression> preset;
  bool both_state = false;           ///< state while clear and preset are both active
  bool both_inverted_state = false;  ///< inverted state in the same case
};

struct LibertyCell {
  std::string name;
  double area_um2 = 0;
  double leakage_nw = 0;                    ///< whatever the state
  std::vector<StateLeakage> state_leakage;  ///< the first whose condition holds; may be empty
  std::vector<LibertyPin> pins;
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
  /// Reads a file, gzip-compressed or plain. Throws Error(kUsage) naming file and line.
  static Liberty read(const std::filesystem::path& path);
  /// Reads text; `origin` names it in error messages.
  static Liberty parse(std::string text, const std::string& origin);

  const std::string& name() const { return name_; }
  const std::string& origin() const { return origin_; }
  const std::string& text() const { return text_; }
  double voltage_v() const { return voltage_v_; }
  const std::map<std::string, LibertyCell>& cells() const { return cells_; }
  const LibertyCell* find_cell(std::string_view cell_name) const;

  /// The smallest cell with one input and one inverting output that is no dont_use; ties go to the
  /// first name.
  /// Throws Error(kUsage) if there is none.
  const LibertyCell& smallest_inverter() const;
  /// Slew at the output of the smallest inverter in a chain in which each stage drives four like
  /// itself (fan-out of four), mean of rise and fall, in ns.
  double fanout_of_four_slew_ns() const;

  /// A Liberty text with the library's header and only the cells of these names.
  std::string subset_text(const std::vector<std::string>& cell_names) const;
  /// Verilog modules, one a cell that the simulator supports, generated from the Liberty functions;
  /// no delays, no checks. Flip-flops are `always` blocks. For Verilator and other simulators.
  std::string verilog_cells(const std::vector<std::string>& cell_names) const;

 private:
  std::string name_;
  std::string origin_;
  std::string text_;
  double voltage_v_ = 0;
  std::map<std::string, LibertyCell> cells_;
  std::vector<std::pair<std::size_t, std::size_t>> cell_ranges_;
};

}  // namespace lutra::synth

#endif  // LUTRA_SYNTH_LIBERTY_H_
