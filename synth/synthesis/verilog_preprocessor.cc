#include "verilog_preprocessor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <system_error>

#include "lutra/base/error.h"
#include "lutra/base/files.h"

namespace lutra::synth {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kExpansionLimit = 16u << 20;
constexpr std::uintmax_t kFileLimit = 64u << 20;
constexpr int kDepthLimit = 128;  // of macros and includes in each other

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_character(char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '$'; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\f' || c == '\v'; }

std::size_t end_of_name(const std::string& text, std::size_t at) {
  while (at < text.size() && is_name_character(text[at])) ++at;
  return at;
}

std::size_t behind_blanks(const std::string& text, std::size_t at) {
  while (at < text.size() && is_blank(text[at])) ++at;
  return at;
}

/// One past the closing quote of the string that begins at `at`; npos where the line ends before.
std::size_t end_of_string(const std::string& text, std::size_t at) {
  for (std::size_t i = at + 1; i < text.size() && text[i] != '\n'; ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return std::string::npos;
}

/// One past an escaped identifier that begins with the backslash at `at`.
std::size_t end_of_escaped(const std::string& text, std::size_t at) {
  ++at;
  while (at < text.size() && !is_blank(text[at]) && text[at] != '\n') ++at;
  return at;
}

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

/// Directives that change nothing here: the rest of their line is dropped.
const std::set<std::string>& dropped_directives() {
  static const std::set<std::string> kNames = {"timescale",
                                               "celldefine",
                                               "endcelldefine",
                                               "line",
                                               "default_decay_time",
                                               "default_trireg_strength",
                                               "delay_mode_path",
                                               "delay_mode_unit",
                                               "delay_mode_distributed",
                                               "delay_mode_zero",
                                               "suppress_faults",
                                               "nosuppress_faults",
                                               "enable_portfaults",
                                               "disable_portfaults",
                                               "nounconnected_drive",
                                               "protect",
                                               "endprotect"};
  return kNames;
}

}  // namespace

SourceText read_source_text(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) {
    throw Error(ErrorKind::kNotFound, fmt::format("{}: no such file", path.string()));
  }
  if (!fs::is_regular_file(status)) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: not a regular file", path.string()));
  }
  if (fs::file_size(path, error) > kFileLimit) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: expected a file of at most {} MiB",
                                                         path.string(), kFileLimit >> 20));
  }
  SourceText file;
  file.path = path;
  file.canonical = fs::canonical(path);
  const std::string bytes = base::read_file(path);
  file.text.reserve(bytes.size());
  const std::size_t begin = bytes.rfind("\xef\xbb\xbf", 0) == 0 ? 3 : 0;
  for (std::size_t i = begin; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (c == '\r') {
      if (i + 1 == bytes.size() || bytes[i + 1] != '\n') file.text += '\n';
      continue;
    }
    if (static_cast<unsigned char>(c) < 8) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: expected Verilog, found a byte {} at {}", path.string(),
                              static_cast<int>(c), i));
    }
    file.text += c;
  }
  return file;
}

VerilogPreprocessor::VerilogPreprocessor(
    std::vector<SourceText>* files, const VerilogReading& reading,
    const std::vector<std::pair<std::string, std::string>>& predefined)
    : files_(files), reading_(reading) {
  for (const auto* set : {&predefined, &reading.defines}) {
    for (const auto& [name, value] : *set) macros_[name].body = value;
  }
  search_ = reading.include_directories;
  for (const SourceText& file : *files) search_.push_back(file.path.parent_path());
}

std::string VerilogPreprocessor::where() const {
  return fmt::format("{}:{}", (*files_)[at_.file].path.string(), at_.line);
}

void VerilogPreprocessor::fail(const std::string& what) const {
  throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: {}", where(), what));
}

void VerilogPreprocessor::emit(std::string_view text) {
  if (emitting()) out_.text += text;
}

void VerilogPreprocessor::newline() {
  ++at_.line;
  out_.text += '\n';
  out_.lines.push_back(at_);
}

void VerilogPreprocessor::fault(const std::string& message) {
  if (!emitting()) return;
  out_.text += fmt::format("{}{}{}", kFaultBegin, faults_.size(), kFaultEnd);
  faults_.push_back(fmt::format("{}: {}", where(), message));
}

std::string VerilogPreprocessor::fault_at(std::string_view text) const {
  const std::size_t at = text.find(kFaultBegin);
  if (at == std::string_view::npos) return "";
  return faults_.at(std::strtoul(text.data() + at + 1, nullptr, 10));
}

PreprocessedText VerilogPreprocessor::preprocess(int file) {
  out_ = {};
  at_ = {file, 1};
  out_.lines.push_back(at_);
  const std::string text = (*files_)[file].text;  // `files_` grows
  scan(text, false, 0);
  if (!conditions_.empty()) {
    at_ = conditions_.back().at;
    fail("`ifdef or `ifndef without `endif");
  }
  if (translate_off_) fail("translate_off without translate_on up to the end of the file");
  if (out_.text.empty() || out_.text.back() != '\n') newline();
  out_.lines.pop_back();  // behind the last newline
  return std::move(out_);
}

void VerilogPreprocessor::scan(const std::string& text, bool of_macro, int depth) {
  if (depth > kDepthLimit) {
    fail(fmt::format("macros or `include files in each other more than {} deep", kDepthLimit));
  }
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '\n') {
      if (of_macro) {
        emit(" ");
      } else {
        newline();
      }
      ++i;
    } else if (c == '"') {
      const std::size_t end = end_of_string(text, i);
      if (end == std::string::npos) {
        if (emitting()) fail("a string without end on its line");
        ++i;
        continue;
      }
      emit(std::string_view(text).substr(i, end - i));
      i = end;
    } else if (text.compare(i, 2, "//") == 0 || text.compare(i, 2, "/*") == 0) {
      i = comment(text, i, of_macro);
    } else if (c == '\\') {
      const std::size_t end = end_of_escaped(text, i);
      emit(std::string_view(text).substr(i, end - i));
      emit(" ");  // what ends the name
      i = end;
    } else if (c == '`') {
      i = directive(text, i, depth);
    } else {
      std::size_t end = i + 1;
      if (is_name_character(c)) end = end_of_name(text, i);
      emit(std::string_view(text).substr(i, end - i));
      i = end;
    }
  }
}

std::size_t VerilogPreprocessor::comment(const std::string& text, std::size_t at, bool of_macro) {
  const bool is_line = text[at + 1] == '/';
  std::size_t end = text.find(is_line ? "\n" : "*/", at + 2);
  if (end == std::string::npos) {
    if (!is_line) fail("a comment /* without end");
    end = text.size();
  }
  const std::string_view inner = std::string_view(text).substr(at + 2, end - at - 2);
  emit(" ");
  pragma(inner);
  if (!is_line && !of_macro) {
    for (const char c : inner) {
      if (c == '\n') newline();
    }
  }
  return is_line ? end : end + 2;
}

/// Comments that synthesis heeds: `synthesis translate_off`, `synopsys full_case`, ...
void VerilogPreprocessor::pragma(std::string_view comment) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : std::string(comment.substr(0, 200)) + " ") {
    if (is_name_character(c)) {
      word += c;
    } else if (!word.empty()) {
      words.push_back(word);
      word.clear();
    }
  }
  if (words.size() < 2) return;
  if (words[0] != "synthesis" && words[0] != "synopsys" && words[0] != "pragma") return;
  if (words[1] == "translate_off") translate_off_ = translate_off_ || active();
  if (words[1] == "translate_on" && active()) translate_off_ = false;
  std::string kept;
  for (const std::string& name : words) {
    if (name == "full_case" || name == "parallel_case") kept += " " + name;
  }
  if (!kept.empty()) emit("/* synopsys" + kept + " */");
}

std::size_t VerilogPreprocessor::drop_line(const std::string& text, std::size_t at) const {
  return std::min(text.find('\n', at), text.size());
}

void VerilogPreprocessor::conditional(const std::string& directive, const std::string& name) {
  if (directive == "ifdef" || directive == "ifndef") {
    Condition condition;
    condition.outer = active();
    condition.at = at_;
    const bool holds = (macros_.count(name) != 0) == (directive == "ifdef");
    condition.active = condition.taken = condition.outer && holds;
    conditions_.push_back(condition);
    return;
  }
  if (conditions_.empty()) fail(fmt::format("`{} without `ifdef or `ifndef", directive));
  Condition& condition = conditions_.back();
  if (directive == "endif") {
    conditions_.pop_back();
    return;
  }
  if (condition.otherwise) fail(fmt::format("`{} behind `else", directive));
  if (directive == "else") condition.otherwise = true;
  const bool holds = directive == "else" || macros_.count(name) != 0;
  condition.active = condition.outer && !condition.taken && holds;
  condition.taken = condition.taken || condition.active;
}

std::size_t VerilogPreprocessor::directive(const std::string& text, std::size_t at, int depth) {
  std::size_t end = end_of_name(text, at + 1);
  const std::string name = text.substr(at + 1, end - at - 1);
  if (name == "ifdef" || name == "ifndef" || name == "elsif") {
    const std::size_t begin = behind_blanks(text, end);
    end = end_of_name(text, begin);
    if (end == begin) fail(fmt::format("`{} without a name", name));
    conditional(name, text.substr(begin, end - begin));
    return end;
  }
  if (name == "else" || name == "endif") {
    conditional(name, "");
    return end;
  }
  if (!active()) return name == "define" ? define(text, end) : end;
  if (name == "define") return define(text, end);
  if (name == "undef") {
    const std::size_t begin = behind_blanks(text, end);
    end = end_of_name(text, begin);
    macros_.erase(text.substr(begin, end - begin));
    return end;
  }
  if (name == "undefineall") {
    macros_.clear();
    return end;
  }
  if (name == "include") return include(text, end, depth);
  if (dropped_directives().count(name) != 0) return drop_line(text, end);
  if (name == "pragma") {
    const std::size_t close = drop_line(text, end);
    if (text.substr(end, close - end).find("protect") != std::string::npos) {
      fail("encrypted text (`pragma protect), expected plain Verilog");
    }
    return close;
  }
  if (name == "resetall") {
    emit("`default_nettype wire");
    return end;
  }
  if (name == "begin_keywords" || name == "end_keywords") return drop_line(text, end);
  if (name == "default_nettype") {
    const std::size_t close = std::min(drop_line(text, end), text.find("//", end));
    emit("`" + name + text.substr(end, close - end));
    return close;
  }
  if (name == "unconnected_drive") {
    fail("`unconnected_drive is not supported: Yosys leaves open ports undriven");
  }
  if (name == "__LINE__") {
    emit(std::to_string(at_.line));
    return end;
  }
  if (name == "__FILE__") {
    emit("\"\"");
    return end;
  }
  if (name.empty()) fail("a ` without the name of a directive or macro");
  if (name.rfind("systemc_", 0) == 0 || name.rfind("verilator_config", 0) == 0 ||
      name == "verilog") {
    fail(fmt::format("`{} is refused: it carries text of another language", name));
  }
  const auto macro = macros_.find(name);
  if (macro == macros_.end()) {
    fault(fmt::format("the macro `{} is not defined (-D {}=VALUE defines one)", name, name));
    return end;
  }
  if (!emitting()) return end;
  return call(name, macro->second, text, end, depth);
}

std::size_t VerilogPreprocessor::define(const std::string& text, std::size_t at) {
  std::size_t begin = behind_blanks(text, at);
  std::size_t i = end_of_name(text, begin);
  const std::string name = text.substr(begin, i - begin);
  if (name.empty() && active()) fail("`define without a name");
  Macro macro;
  int lines = 0;
  if (i < text.size() && text[i] == '(') {
    macro.has_arguments = true;
    std::string item;
    int nested = 0;
    for (++i; i < text.size(); ++i) {
      const char c = text[i];
      if (c == '\n') {
        ++lines;
        continue;
      }
      if (c == '\\' && i + 1 < text.size() && text[i + 1] == '\n') continue;
      if (c == '(' || c == '[' || c == '{') ++nested;
      if (nested == 0 && (c == ',' || c == ')')) {
        Formal formal;
        const std::size_t equals = item.find('=');
        formal.name = trimmed(item.substr(0, equals));
        formal.has_otherwise = equals != std::string::npos;
        if (formal.has_otherwise) formal.otherwise = trimmed(item.substr(equals + 1));
        if (!formal.name.empty()) macro.formals.push_back(formal);
        item.clear();
        if (c == ')') break;
        continue;
      }
      if (c == ')' || c == ']' || c == '}') --nested;
      item += c;
    }
    if (i == text.size()) fail(fmt::format("`define {}: arguments without `)`", name));
    ++i;
  }
  while (i < text.size()) {
    const char c = text[i];
    if (c == '\n') break;
    if (c == '\\' && i + 1 < text.size() && text[i + 1] == '\n') {
      macro.body += ' ';
      ++lines;
      i += 2;
    } else if (text.compare(i, 2, "//") == 0) {
      const std::size_t close = std::min(text.find('\n', i), text.size());
      i = text[close - 1] == '\\' ? close - 1 : close;  // the body goes on behind the comment
    } else if (text.compare(i, 2, "/*") == 0) {
      const std::size_t close = text.find("*/", i + 2);
      if (close == std::string::npos) fail("a comment /* without end");
      lines += static_cast<int>(std::count(&text[i], &text[close], '\n'));
      macro.body += ' ';
      i = close + 2;
    } else if (c == '"') {
      const std::size_t close = std::min(end_of_string(text, i), text.size());
      macro.body += text.substr(i, close - i);
      i = close;
    } else if (text.compare(i, 2, "`\"") == 0) {
      macro.body += "`\"";
      i += 2;
    } else if (c == '\\') {
      const std::size_t close = end_of_escaped(text, i);
      macro.body += text.substr(i, close - i) + " ";
      i = close;
    } else {
      macro.body += c;
      ++i;
    }
  }
  macro.body = trimmed(macro.body);
  if (active()) macros_[name] = std::move(macro);
  for (; lines > 0; --lines) newline();
  return i;
}

std::size_t VerilogPreprocessor::call(const std::string& name, const Macro& macro,
                                      const std::string& text, std::size_t at, int depth) {
  std::string body = macro.body;
  if (macro.has_arguments) {
    std::size_t i = at;
    int lines = 0;
    while (i < text.size() && (is_blank(text[i]) || text[i] == '\n')) lines += text[i++] == '\n';
    if (i == text.size() || text[i] != '(') {
      fault(fmt::format("the macro `{} without its arguments", name));
      return at;
    }
    std::vector<std::string> arguments(1);
    int nested = 0;
    bool closed = false;
    for (++i; i < text.size() && !closed;) {
      const char c = text[i];
      std::size_t end = i + 1;
      if (c == '"') end = std::min(end_of_string(text, i), text.size());
      if (c == '\\') end = end_of_escaped(text, i);
      if (text.compare(i, 2, "//") == 0 || text.compare(i, 2, "/*") == 0) {
        const bool is_line = text[i + 1] == '/';
        end = text.find(is_line ? "\n" : "*/", i + 2);
        end = end == std::string::npos ? text.size() : end + (is_line ? 0 : 2);
        lines += static_cast<int>(std::count(&text[i], &text[0] + end, '\n'));
        arguments.back() += ' ';
        i = end;
        continue;
      }
      if (nested == 0 && c == ')') {
        closed = true;
      } else if (nested == 0 && c == ',') {
        arguments.emplace_back();
      } else {
        if (c == '(' || c == '[' || c == '{') ++nested;
        if (c == ')' || c == ']' || c == '}') --nested;
        lines += c == '\n';
        arguments.back() += c == '\n' ? " " : text.substr(i, end - i);
        if (c == '\\') arguments.back() += ' ';
      }
      i = end;
    }
    if (!closed) fail(fmt::format("the macro `{}: arguments without `)`", name));
    at = i;
    at_.line += lines;
    if (arguments.size() > std::max<std::size_t>(1, macro.formals.size())) {
      fault(fmt::format("the macro `{} takes {} arguments, found {}", name, macro.formals.size(),
                        arguments.size()));
      return at;
    }
    std::map<std::string, std::string> values;
    for (std::size_t f = 0; f < macro.formals.size(); ++f) {
      const Formal& formal = macro.formals[f];
      std::string value = f < arguments.size() ? trimmed(arguments[f]) : "";
      if (value.empty() && formal.has_otherwise) value = formal.otherwise;
      if (f >= arguments.size() && !formal.has_otherwise) {
        fault(fmt::format("the macro `{} takes {} arguments, found {}", name, macro.formals.size(),
                          arguments.size()));
        return at;
      }
      values[formal.name] = value;
    }
    std::string filled;
    for (std::size_t b = 0; b < body.size();) {
      if (body[b] == '"') {
        const std::size_t end = std::min(end_of_string(body, b), body.size());
        filled += body.substr(b, end - b);
        b = end;
      } else if (body[b] == '\\') {
        const std::size_t end = end_of_escaped(body, b);
        filled += body.substr(b, end - b);
        b = end;
      } else if (is_letter(body[b])) {
        const std::size_t end = end_of_name(body, b);
        const auto value = values.find(body.substr(b, end - b));
        filled += value == values.end() ? body.substr(b, end - b) : value->second;
        b = end;
      } else if (is_name_character(body[b])) {
        const std::size_t end = end_of_name(body, b);
        filled += body.substr(b, end - b);
        b = end;
      } else {
        filled += body[b++];
      }
      if (filled.size() > kExpansionLimit) break;
    }
    body = std::move(filled);
  }
  std::string pasted;  // `` joins, `" quotes, `\`" quotes within
  for (std::size_t b = 0; b < body.size();) {
    if (body.compare(b, 4, "`\\`\"") == 0) {
      pasted += "\\\"";
      b += 4;
    } else if (body.compare(b, 2, "``") == 0) {
      b += 2;
    } else if (body.compare(b, 2, "`\"") == 0) {
      pasted += '"';
      b += 2;
    } else {
      pasted += body[b++];
    }
  }
  expanded_ += pasted.size();
  if (expanded_ > kExpansionLimit) {
    throw Error(ErrorKind::kExhausted, fmt::format("{}: macros expand to more than {} MiB", where(),
                                                   kExpansionLimit >> 20));
  }
  scan(pasted, true, depth + 1);
  return at;
}

std::size_t VerilogPreprocessor::include(const std::string& text, std::size_t at, int depth) {
  const std::size_t end = drop_line(text, at);
  std::string rest = trimmed(text.substr(at, end - at));
  if (!rest.empty() && rest[0] == '`') {  // a macro that names the file
    PreprocessedText held = std::move(out_);
    out_ = {};
    scan(rest, true, depth + 1);
    rest = trimmed(out_.text);
    out_ = std::move(held);
  }
  if (!emitting()) return end;
  const char close = rest.empty() || rest[0] == '"' ? '"' : '>';
  const std::size_t last = rest.size() < 2 ? std::string::npos : rest.find(close, 1);
  if (last == std::string::npos || last == 1 || (rest[0] != '"' && rest[0] != '<')) {
    fail(fmt::format("`include {}, expected a file's name in quotes", rest));
  }
  include_file(rest.substr(1, last - 1), depth);
  return end;
}

void VerilogPreprocessor::include_file(const std::string& name, int depth) {
  if (fs::path(name).is_absolute() && !reading_.trusted) {
    fail(fmt::format("`include \"{}\", expected a relative path (--trust-source allows others)",
                     name));
  }
  static const std::set<std::string> kEndings = {".v",  ".vh", ".sv",  ".svh",  ".vi",
                                                 ".vp", ".h",  ".inc", ".vinc", ".def"};
  if (fs::path(name).lexically_normal().string().rfind("..", 0) == 0 && !reading_.trusted &&
      kEndings.count(fs::path(name).extension().string()) == 0) {
    fail(
        fmt::format("`include \"{}\": above the file's own directory only Verilog is read, by its "
                    "ending (--trust-source allows others)",
                    name));
  }
  std::vector<fs::path> folders = {(*files_)[at_.file].path.parent_path()};
  folders.insert(folders.end(), search_.begin(), search_.end());
  std::error_code ignored;
  for (const fs::path& folder : folders) {
    const fs::path path = folder / name;
    if (!fs::exists(path, ignored)) continue;
    const fs::path canonical = fs::canonical(path);
    int number = -1;
    for (std::size_t i = 0; i < files_->size(); ++i) {
      if ((*files_)[i].canonical == canonical) number = static_cast<int>(i);
    }
    if (number < 0) {
      try {
        files_->push_back(read_source_text(path.lexically_normal()));
      } catch (const Error& error) {
        throw Error(error.kind(), fmt::format("{}: `include: {}", where(), error.what()));
      }
      number = static_cast<int>(files_->size()) - 1;
    }
    included_.push_back(number);
    const TextOrigin from = at_;
    const std::size_t conditions = conditions_.size();
    const std::string text = (*files_)[number].text;
    at_ = {number, 0};
    newline();  // line 1 of the included file
    scan(text, false, depth + 1);
    if (conditions_.size() != conditions)
      fail("`ifdef or `ifndef without `endif at the file's end");
    at_ = {from.file, from.line - 1};
    newline();
    return;
  }
  fault(
      fmt::format("`include \"{}\": no such file beside this one, in a directory of -I, or beside "
                  "another file of the command line",
                  name));
}

}  // namespace lutra::synth
