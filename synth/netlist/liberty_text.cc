// Liberty text into groups and attributes.

#include <fmt/format.h>

#include <cctype>
#include <string>
#include <utility>
#include <vector>

#include "lutra/numerics/error.h"
#include "lutra/synth/liberty.h"

namespace lutra::synth {
namespace {

constexpr int kMaxDepth = 64;  // groups nest five deep in practice

enum class TokenKind { kWord, kString, kSymbol, kEnd };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  int line = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
};

bool is_symbol(char c) {
  return c == '(' || c == ')' || c == '{' || c == '}' || c == ':' || c == ';' || c == ',';
}

class Parser {
 public:
  Parser(std::string_view text, std::string origin) : text_(text), origin_(std::move(origin)) {
    token_ = scan();
  }

  LibertyGroup parse_file() {
    if (token_.kind != TokenKind::kWord) fail(token_.line, "expected `library (name) {`");
    LibertyGroup root = parse_group(0);
    if (token_.kind != TokenKind::kEnd) {
      fail(token_.line, fmt::format("found {} behind the end of the library", shown(token_)));
    }
    return root;
  }

 private:
  [[noreturn]] void fail(int line, const std::string& what) const {
    throw Error(ExitCode::kUsage, fmt::format("{}:{}: {}", origin_, line, what));
  }

  static std::string shown(const Token& token) {
    if (token.kind == TokenKind::kEnd) return "the end of the file";
    return fmt::format("`{}`", token.text.substr(0, 40));
  }

  void skip_blanks() {
    while (pos_ < text_.size()) {
      const char c = text_[pos_];
      if (c == '\n') {
        ++line_;
        ++pos_;
      } else if (std::isspace(static_cast<unsigned char>(c))) {
        ++pos_;
      } else if (c == '\\' && pos_ + 1 < text_.size() &&
                 (text_[pos_ + 1] == '\n' || text_[pos_ + 1] == '\r')) {
        ++pos_;
      } else if (text_.substr(pos_, 2) == "//") {
        while (pos_ < text_.size() && text_[pos_] != '\n') ++pos_;
      } else if (text_.substr(pos_, 2) == "/*") {
        const int first_line = line_;
        const std::size_t close = text_.find("*/", pos_ + 2);
        if (close == std::string_view::npos) fail(first_line, "comment without its end `*/`");
        for (; pos_ < close + 2; ++pos_) line_ += text_[pos_] == '\n';
      } else {
        return;
      }
    }
  }

  Token scan() {
    skip_blanks();
    Token token;
    token.line = line_;
    token.begin = token.end = pos_;
    if (pos_ >= text_.size()) return token;
    const char c = text_[pos_];
    if (c == '"') {
      token.kind = TokenKind::kString;
      for (++pos_;; ++pos_) {
        if (pos_ >= text_.size()) fail(token.line, "string without its closing quote");
        if (text_[pos_] == '"') break;
        if (text_[pos_] == '\\' && pos_ + 1 < text_.size() && text_[pos_ + 1] == '\n') continue;
        line_ += text_[pos_] == '\n';
        token.text += text_[pos_] == '\n' ? ' ' : text_[pos_];
      }
      ++pos_;
    } else if (is_symbol(c)) {
      token.kind = TokenKind::kSymbol;
      token.text = c;
      ++pos_;
    } else {
      token.kind = TokenKind::kWord;
      while (pos_ < text_.size()) {
        const char w = text_[pos_];
        if (std::isspace(static_cast<unsigned char>(w)) || is_symbol(w) || w == '"' || w == '\\') {
          break;
        }
        token.text += w;
        ++pos_;
      }
      if (token.text.empty()) fail(token.line, fmt::format("unexpected character `{}`", c));
    }
    token.end = pos_;
    return token;
  }

  Token take() {
    Token taken = std::move(token_);
    last_end_ = taken.end;
    token_ = scan();
    return taken;
  }

  bool at_symbol(char c) const { return token_.kind == TokenKind::kSymbol && token_.text[0] == c; }

  void expect(char c, const std::string& where) {
    if (!at_symbol(c)) {
      fail(token_.line, fmt::format("found {} {}, expected `{}`", shown(token_), where, c));
    }
    take();
  }

  std::vector<std::string> parse_arguments(const std::string& name) {
    std::vector<std::string> arguments;
    expect('(', fmt::format("behind `{}`", name));
    while (!at_symbol(')')) {
      if (at_symbol(',')) {
        take();
        continue;
      }
      if (token_.kind == TokenKind::kSymbol && !at_symbol(':')) {
        fail(token_.line, fmt::format("found {} among the arguments of `{}`, expected `)`",
                                      shown(token_), name));
      }
      if (token_.kind == TokenKind::kEnd) {
        fail(token_.line, fmt::format("the file ends among the arguments of `{}`", name));
      }
      arguments.push_back(take().text);
    }
    take();
    return arguments;
  }

  // The current token is the group's type.
  LibertyGroup parse_group(int depth) {
    const Token type = take();
    std::vector<std::string> arguments = parse_arguments(type.text);
    if (!at_symbol('{')) {
      fail(token_.line,
           fmt::format("found {} behind `{} (...)`, expected `{{`", shown(token_), type.text));
    }
    return parse_body(type, std::move(arguments), depth);
  }

  // The current token is the group's opening brace.
  LibertyGroup parse_body(const Token& type, std::vector<std::string> arguments, int depth) {
    if (depth > kMaxDepth) fail(type.line, "groups nest more than 64 deep");
    LibertyGroup group;
    group.type = type.text;
    group.arguments = std::move(arguments);
    group.line = type.line;
    group.begin = type.begin;
    take();
    while (!at_symbol('}')) {
      if (at_symbol(';')) {
        take();
        continue;
      }
      if (token_.kind == TokenKind::kEnd) {
        fail(token_.line,
             fmt::format("the file ends inside the group `{}` of line {}", group.type, group.line));
      }
      if (token_.kind != TokenKind::kWord) {
        fail(token_.line,
             fmt::format("found {} in the group `{}`, expected a name", shown(token_), group.type));
      }
      const Token name = take();
      if (at_symbol(':')) {
        group.attributes.push_back(parse_simple_attribute(name));
        continue;
      }
      std::vector<std::string> values = parse_arguments(name.text);
      if (at_symbol('{')) {
        group.groups.push_back(parse_body(name, std::move(values), depth + 1));
      } else {
        group.attributes.push_back({name.text, std::move(values), name.line});
      }
    }
    take();
    group.end = last_end_;
    return group;
  }

  // `: value` up to `;`, the end of the line or the group's closing brace.
  LibertyAttribute parse_simple_attribute(const Token& name) {
    const int line = token_.line;
    take();
    std::string value;
    while (token_.kind != TokenKind::kEnd && !at_symbol(';') && !at_symbol('}') &&
           (token_.line == line || value.empty())) {
      if (!value.empty()) value += ' ';
      value += take().text;
    }
    if (at_symbol(';')) take();
    return {name.text, {value}, name.line};
  }

  std::string_view text_;
  std::string origin_;
  std::size_t pos_ = 0;
  std::size_t last_end_ = 0;
  int line_ = 1;
  Token token_;
};

}  // namespace

const LibertyAttribute* LibertyGroup::find(std::string_view name) const {
  for (const LibertyAttribute& attribute : attributes) {
    if (attribute.name == name) return &attribute;
  }
  return nullptr;
}

LibertyGroup parse_liberty_text(std::string_view text, const std::string& origin) {
  return Parser(text, origin).parse_file();
}

}  // namespace lutra::synth
