// Liberty text into groups and attributes. What real libraries leave out or add is taken: missing
// and doubled semicolons, line continuations with blanks behind the backslash, both kinds of
// comments, a byte order mark, values without quotes.

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/netlist/liberty.h"
#include "lutra/system/gzip.h"

namespace lutra::synth {
namespace {

constexpr int kMaxDepth = 64;  // groups nest five deep in practice
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::size_t kMaxIncludeDepth = 16;
constexpr std::size_t kMaxIncludedBytes = std::size_t{1} << 30;

enum class TokenKind { kWord, kString, kSymbol, kEnd };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  int line = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
  int row = 0;  ///< line, with those that a backslash continues counted as one
};

/// Length of a line continuation at `at`: a backslash, perhaps blanks, and the line's end; or 0.
std::size_t continuation_length(std::string_view text, std::size_t at) {
  if (text[at] != '\\') return 0;
  std::size_t end = at + 1;
  while (end < text.size() && (text[end] == ' ' || text[end] == '\t' || text[end] == '\r')) ++end;
  return end < text.size() && text[end] == '\n' ? end + 1 - at : 0;
}

bool is_symbol(char c) {
  return c == '(' || c == ')' || c == '{' || c == '}' || c == ':' || c == ';' || c == ',';
}

class Parser {
 public:
  explicit Parser(const LibertyText& source) : source_(source), text_(source.text()) {
    if (text_.substr(0, kByteOrderMark.size()) == kByteOrderMark) pos_ = kByteOrderMark.size();
    token_ = scan();
  }

  LibertyGroup parse_file() {
    if (token_.kind != TokenKind::kWord) fail(token_.line, "expected `library (name) {`");
    LibertyGroup root = parse_group(0);
    while (at_symbol(';')) take();
    if (token_.kind != TokenKind::kEnd) {
      fail(token_.line, fmt::format("found {} behind the end of the library", shown(token_)));
    }
    return root;
  }

 private:
  [[noreturn]] void fail(int line, const std::string& what) const {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: {}", source_.where(line), what));
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
        ++row_;
        ++pos_;
      } else if (std::isspace(static_cast<unsigned char>(c))) {
        ++pos_;
      } else if (const std::size_t length = continuation_length(text_, pos_); length > 0) {
        ++line_;
        pos_ += length;
      } else if (text_.substr(pos_, 2) == "//") {
        while (pos_ < text_.size() && text_[pos_] != '\n') ++pos_;
      } else if (text_.substr(pos_, 2) == "/*") {
        const int first_line = line_;
        const std::size_t close = text_.find("*/", pos_ + 2);
        if (close == std::string_view::npos) fail(first_line, "comment without its end `*/`");
        const int lines =
            static_cast<int>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(pos_),
                                        text_.begin() + static_cast<std::ptrdiff_t>(close), '\n'));
        line_ += lines;
        row_ += lines;
        pos_ = close + 2;
      } else {
        return;
      }
    }
  }

  Token scan() {
    skip_blanks();
    Token token;
    token.line = line_;
    token.row = row_;
    token.begin = token.end = pos_;
    if (pos_ >= text_.size()) return token;
    const char c = text_[pos_];
    if (c == '"') {
      token.kind = TokenKind::kString;
      for (++pos_;;) {
        if (pos_ >= text_.size()) fail(token.line, "string without its closing quote");
        const char s = text_[pos_];
        if (s == '"') break;
        if (const std::size_t length = continuation_length(text_, pos_); length > 0) {
          ++line_;
          pos_ += length;
          continue;
        }
        // A backslash takes the meaning from what follows: \" and, in names, \[ and \].
        if (s == '\\' && pos_ + 1 < text_.size() &&
            std::ispunct(static_cast<unsigned char>(text_[pos_ + 1]))) {
          token.text += text_[pos_ + 1];
          pos_ += 2;
          continue;
        }
        line_ += s == '\n';
        token.text += s == '\n' ? ' ' : s;
        ++pos_;
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
        if (std::isspace(static_cast<unsigned char>(w)) || is_symbol(w) || w == '"') break;
        if (w == '/' && (text_.substr(pos_, 2) == "//" || text_.substr(pos_, 2) == "/*")) break;
        if (w == '\\') {
          if (pos_ + 1 >= text_.size() ||
              !std::isgraph(static_cast<unsigned char>(text_[pos_ + 1])) ||
              text_[pos_ + 1] == '"') {
            break;
          }
          ++pos_;
        }
        token.text += text_[pos_];
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
    bool first = true;
    bool after_colon = false;
    while (!at_symbol(')')) {
      if (at_symbol(',')) {
        take();
        first = true;
        continue;
      }
      if (token_.kind == TokenKind::kSymbol && !at_symbol(':')) {
        fail(token_.line, fmt::format("found {} among the arguments of `{}`, expected `)`",
                                      shown(token_), name));
      }
      if (token_.kind == TokenKind::kEnd) {
        fail(token_.line, fmt::format("the file ends among the arguments of `{}`", name));
      }
      const bool joined = token_.begin == last_end_ && !arguments.empty() && !first &&
                          (at_symbol(':') || after_colon);  // a name with a colon in it: osu:typ
      after_colon = at_symbol(':');
      first = false;
      const Token argument = take();
      if (joined) {
        arguments.back() += argument.text;
      } else {
        arguments.push_back(argument.text);
      }
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
    int row = token_.row;
    take();
    std::string value;
    bool first = true;
    while (token_.kind != TokenKind::kEnd && !at_symbol(';') && !at_symbol('}') &&
           (token_.row == row || first)) {
      if (!first) value += ' ';
      row = token_.row;
      first = false;
      value += take().text;
    }
    if (at_symbol(';')) take();
    return {name.text, {value}, name.line};
  }

  const LibertyText& source_;
  std::string_view text_;
  std::size_t pos_ = 0;
  std::size_t last_end_ = 0;
  int line_ = 1;
  int row_ = 1;
  Token token_;
};

}  // namespace

const LibertyAttribute* LibertyGroup::find(std::string_view name) const {
  for (const LibertyAttribute& attribute : attributes) {
    if (attribute.name == name) return &attribute;
  }
  return nullptr;
}

LibertyText::LibertyText(std::string text, std::string origin)
    : text_(std::move(text)), spans_{{1, std::move(origin), 1}} {}

std::string LibertyText::where(int line) const {
  const auto after =
      std::upper_bound(spans_.begin(), spans_.end(), line,
                       [](int l, const LineSpan& span) { return l < span.first_line; });
  if (after == spans_.begin()) return fmt::format("line {}", line);
  const LineSpan& span = *(after - 1);
  return fmt::format("{}:{}", span.origin, line - span.first_line + span.origin_line);
}

/// Copies text, include by include.
class LibertyText::IncludeExpander {
 public:
  IncludeExpander(LibertyText* out, const std::string& origin) : out_(out) {
    std::error_code ignored;
    open_.push_back(std::filesystem::weakly_canonical(origin, ignored).string());
  }

  void add(std::string_view text, const std::string& origin) {
    if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
      text.remove_prefix(kByteOrderMark.size());
    }
    std::size_t copied = 0;
    int line = 1;
    begin_part(origin, line);
    for (std::size_t pos = 0; pos < text.size();) {
      const std::size_t from = pos;
      const char c = text[pos];
      if (text.substr(pos, 2) == "//") {
        pos = std::min(text.find('\n', pos), text.size());
      } else if (text.substr(pos, 2) == "/*") {
        const std::size_t close = text.find("*/", pos + 2);
        pos = close == std::string_view::npos ? text.size() : close + 2;
      } else if (c == '"') {
        for (++pos; pos < text.size() && text[pos] != '"'; ++pos) pos += text[pos] == '\\';
        pos = std::min(pos + 1, text.size());
      } else if (std::isalnum(static_cast<unsigned char>(c)) || c == '_') {
        while (pos < text.size() &&
               (std::isalnum(static_cast<unsigned char>(text[pos])) || text[pos] == '_')) {
          ++pos;
        }
        if (text.substr(from, pos - from) == "include_file") {
          copy(text.substr(copied, from - copied));
          const int at = line;
          const std::string name = argument(text, &pos, fmt::format("{}:{}", origin, at));
          include(name, origin, at);
          line +=
              static_cast<int>(std::count(text.begin() + static_cast<std::ptrdiff_t>(from),
                                          text.begin() + static_cast<std::ptrdiff_t>(pos), '\n'));
          begin_part(origin, line);
          copied = pos;
          continue;
        }
      } else {
        ++pos;
      }
      line += static_cast<int>(std::count(text.begin() + static_cast<std::ptrdiff_t>(from),
                                          text.begin() + static_cast<std::ptrdiff_t>(pos), '\n'));
    }
    copy(text.substr(copied));
  }

 private:
  [[noreturn]] static void fail(const std::string& where, const std::string& what) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: {}", where, what));
  }

  void copy(std::string_view text) {
    out_->text_ += text;
    line_ += static_cast<int>(std::count(text.begin(), text.end(), '\n'));
  }

  /// What follows is line `origin_line` of `origin`; the text goes on at a line's beginning.
  void begin_part(const std::string& origin, int origin_line) {
    if (!out_->text_.empty() && out_->text_.back() != '\n') copy("\n");
    out_->spans_.push_back({line_, origin, origin_line});
  }

  /// The name in `(name) ;` at *pos, which is left behind it.
  static std::string argument(std::string_view text, std::size_t* pos, const std::string& where) {
    const auto blanks = [&] {
      while (*pos < text.size() && std::isspace(static_cast<unsigned char>(text[*pos]))) ++*pos;
    };
    blanks();
    const std::size_t close = text.find(')', *pos);
    if (*pos >= text.size() || text[*pos] != '(' || close == std::string_view::npos) {
      fail(where, "found include_file without `(file)`, expected include_file (file);");
    }
    std::string name(text.substr(*pos + 1, close - *pos - 1));
    const auto blank_or_quote = [](char c) {
      return c == '"' || std::isspace(static_cast<unsigned char>(c));
    };
    while (!name.empty() && blank_or_quote(name.back())) name.pop_back();
    while (!name.empty() && blank_or_quote(name.front())) name.erase(name.begin());
    *pos = close + 1;
    const std::size_t before = *pos;
    blanks();
    if (*pos < text.size() && text[*pos] == ';') {
      ++*pos;
    } else {
      *pos = before;
    }
    return name;
  }

  void include(const std::string& name, const std::string& origin, int line) {
    const std::string where = fmt::format("{}:{}", origin, line);
    if (name.empty()) fail(where, "include_file without a name, expected include_file (file);");
    const std::filesystem::path path = std::filesystem::path(origin).parent_path() / name;
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) {
      fail(where, fmt::format("include_file = \"{}\": {} is no file", name, path.string()));
    }
    const std::string canonical = std::filesystem::weakly_canonical(path, error).string();
    if (std::find(open_.begin(), open_.end(), canonical) != open_.end()) {
      fail(where, fmt::format("include_file = \"{}\": the file includes itself", name));
    }
    if (open_.size() > kMaxIncludeDepth) {
      fail(where, fmt::format("include_file = \"{}\": included more than {} deep", name,
                              kMaxIncludeDepth));
    }
    const std::string text = read_file_maybe_gzip(path);
    if (out_->text_.size() + text.size() > kMaxIncludedBytes) {
      fail(where,
           fmt::format("include_file = \"{}\": more than 1 GiB with all that is included", name));
    }
    open_.push_back(canonical);
    add(text, path.string());
    open_.pop_back();
  }

  LibertyText* out_;
  int line_ = 1;                   ///< of what is written next
  std::vector<std::string> open_;  ///< the file and those that are being included
};

LibertyText LibertyText::with_includes(std::string text, const std::string& origin) {
  if (text.find("include_file") == std::string::npos) return {std::move(text), origin};
  LibertyText whole;
  IncludeExpander(&whole, origin).add(text, origin);
  return whole;
}

LibertyGroup parse_liberty_text(const LibertyText& text) { return Parser(text).parse_file(); }

}  // namespace lutra::synth
