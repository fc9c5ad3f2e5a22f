// Liberty boolean expressions, by recursive descent. Precedence, highest first: inversion, XOR,
// AND, OR (Liberty reference manual, the pin's `function` attribute).

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>
#include <vector>

#include "lutra/base/error.h"
#include "lutra/netlist/liberty.h"

namespace lutra::synth {
namespace {

constexpr int kMaxDepth = 256;  // of parentheses and inversions, as read and as written anew
constexpr std::size_t kMaxNodes = 4096;  // what walks a tree may recurse

bool is_name_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '[' || c == ']' ||
         c == '$' || c == '.';
}

class ExpressionParser {
 public:
  using Op = BooleanExpression::Op;

  ExpressionParser(const std::string& text, const std::string& where)
      : text_(text), where_(where) {}

  BooleanExpression parse() {
    parse_or(0);
    if (peek() != '\0') fail(fmt::format("unexpected `{}`", peek()));
    // Operators without parentheses nest too, and are written with them.
    std::vector<int> depth;
    for (const BooleanExpression::Node& node : expression_.nodes) {
      const int left = node.left < 0 ? -1 : depth[node.left];
      const int right = node.right < 0 ? -1 : depth[node.right];
      depth.push_back(1 + std::max(left, right));
      const bool chained = node.left >= 0 && expression_.nodes[node.left].op == node.op;
      if (chained && node.op != Op::kNot) depth.back() = std::max(left, 1 + right);
      if (depth.back() > kMaxDepth) fail("operators nest too deep");
    }
    return std::move(expression_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: {} in the boolean expression \"{}\"",
                                                         where_, what, text_.substr(0, 200)));
  }

  char peek() {
    while (pos_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[pos_]))) ++pos_;
    return pos_ < text_.size() ? text_[pos_] : '\0';
  }

  int add(Op op, int left, int right) {
    if (op == Op::kNot && expression_.nodes[left].op == Op::kNot) {
      expression_.nodes.pop_back();  // an inversion of an inversion, which was added last
      return static_cast<int>(expression_.nodes.size()) - 1;
    }
    if (expression_.nodes.size() == kMaxNodes) fail("more than 4096 operators and operands");
    BooleanExpression::Node node;
    node.op = op;
    node.left = left;
    node.right = right;
    expression_.nodes.push_back(node);
    return static_cast<int>(expression_.nodes.size()) - 1;
  }

  int parse_or(int depth) {
    if (depth > kMaxDepth) fail("parentheses nest too deep");
    int left = parse_and(depth);
    while (peek() == '|' || peek() == '+') {
      ++pos_;
      const int right = parse_and(depth);
      left = add(Op::kOr, left, right);
    }
    return left;
  }

  int parse_and(int depth) {
    int left = parse_xor(depth);
    for (;;) {
      const char c = peek();
      if (c == '&' || c == '*') {
        ++pos_;
      } else if (c != '(' && c != '!' && !is_name_char(c)) {
        return left;
      }
      const int right = parse_xor(depth);
      left = add(Op::kAnd, left, right);
    }
  }

  int parse_xor(int depth) {
    int left = parse_inversion(depth);
    while (peek() == '^') {
      ++pos_;
      const int right = parse_inversion(depth);
      left = add(Op::kXor, left, right);
    }
    return left;
  }

  int parse_inversion(int depth) {
    if (depth > kMaxDepth) fail("inversions nest too deep");
    int node = -1;
    const char c = peek();
    if (c == '!') {
      ++pos_;
      const int operand = parse_inversion(depth + 1);
      node = add(Op::kNot, operand, -1);
    } else if (c == '(') {
      ++pos_;
      node = parse_or(depth + 1);
      if (peek() != ')') fail("missing `)`");
      ++pos_;
    } else if (is_name_char(c)) {
      std::string name;
      while (pos_ < text_.size() && is_name_char(text_[pos_])) name += text_[pos_++];
      node = add(Op::kConstant, -1, -1);
      if (name == "0" || name == "1") {
        expression_.nodes[node].value = name == "1";
      } else {
        expression_.nodes[node].op = Op::kName;
        expression_.nodes[node].name = name;
      }
    } else if (c == '\0') {
      fail("an operand is missing at the end");
    } else {
      fail(fmt::format("unexpected `{}`", c));
    }
    while (peek() == '\'') {
      ++pos_;
      node = add(Op::kNot, node, -1);
    }
    return node;
  }

  const std::string& text_;
  const std::string& where_;
  std::size_t pos_ = 0;
  BooleanExpression expression_;
};

std::string verilog_of(const BooleanExpression& expression, int index) {
  using Op = BooleanExpression::Op;
  const BooleanExpression::Node& node = expression.nodes[index];
  switch (node.op) {
    case Op::kConstant:
      return node.value ? "1'b1" : "1'b0";
    case Op::kName:
      return verilog_identifier(node.name);
    case Op::kNot:
      return fmt::format("(~{})", verilog_of(expression, node.left));
    default:
      break;
  }
  const char* symbol = node.op == Op::kAnd ? "&" : node.op == Op::kOr ? "|" : "^";
  return fmt::format("({} {} {})", verilog_of(expression, node.left), symbol,
                     verilog_of(expression, node.right));
}

using NameOf = std::function<std::string(const std::string&)>;

/// Whether an operand that is this expression stands without parentheses.
bool stands_alone(const BooleanExpression& expression, int index) {
  using Op = BooleanExpression::Op;
  const Op op = expression.nodes[index].op;
  return op == Op::kConstant || op == Op::kName || op == Op::kNot;
}

void append_liberty(const BooleanExpression& expression, int index, const NameOf& name_of,
                    std::string* out) {
  using Op = BooleanExpression::Op;
  const BooleanExpression::Node& node = expression.nodes[index];
  const auto operand = [&](int child, bool bare) {
    if (!bare) *out += '(';
    append_liberty(expression, child, name_of, out);
    if (!bare) *out += ')';
  };
  switch (node.op) {
    case Op::kConstant:
      *out += node.value ? '1' : '0';
      return;
    case Op::kName:
      *out += name_of(node.name);
      return;
    case Op::kNot:
      *out += '!';
      operand(node.left, stands_alone(expression, node.left));
      return;
    default:
      break;
  }
  operand(node.left,
          stands_alone(expression, node.left) || expression.nodes[node.left].op == node.op);
  *out += node.op == Op::kAnd ? " & " : node.op == Op::kOr ? " | " : " ^ ";
  operand(node.right, stands_alone(expression, node.right));
}

}  // namespace

BooleanExpression parse_boolean_expression(const std::string& text, const std::string& where) {
  return ExpressionParser(text, where).parse();
}

std::vector<std::string> BooleanExpression::names() const {
  std::vector<std::string> found;
  for (const Node& node : nodes) {
    if (node.op == Op::kName && std::find(found.begin(), found.end(), node.name) == found.end()) {
      found.push_back(node.name);
    }
  }
  return found;
}

bool BooleanExpression::evaluate(const std::function<bool(const std::string&)>& value_of) const {
  std::vector<char> values(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Node& node = nodes[i];
    switch (node.op) {
      case Op::kConstant:
        values[i] = node.value;
        break;
      case Op::kName:
        values[i] = value_of(node.name);
        break;
      case Op::kNot:
        values[i] = !values[node.left];
        break;
      case Op::kAnd:
        values[i] = values[node.left] && values[node.right];
        break;
      case Op::kOr:
        values[i] = values[node.left] || values[node.right];
        break;
      case Op::kXor:
        values[i] = values[node.left] != values[node.right];
        break;
    }
  }
  return values.back() != 0;
}

std::string BooleanExpression::liberty(const NameOf& name_of) const {
  std::string text;
  append_liberty(*this, static_cast<int>(nodes.size()) - 1, name_of, &text);
  return text;
}

std::string BooleanExpression::verilog() const {
  return verilog_of(*this, static_cast<int>(nodes.size()) - 1);
}

}  // namespace lutra::synth
