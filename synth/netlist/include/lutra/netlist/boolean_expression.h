#ifndef LUTRA_NETLIST_BOOLEAN_EXPRESSION_H_
#define LUTRA_NETLIST_BOOLEAN_EXPRESSION_H_

#include <functional>
#include <string>
#include <vector>

namespace lutra::synth {

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

}  // namespace lutra::synth

#endif  // LUTRA_NETLIST_BOOLEAN_EXPRESSION_H_
