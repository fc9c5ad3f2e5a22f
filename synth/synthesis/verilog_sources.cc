#include "lutra/synthesis/verilog_sources.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string_view>
#include <system_error>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/sha256.h"
#include "verilog_preprocessor.h"

namespace lutra::synth {
namespace {

namespace fs = std::filesystem;

/// The tools that read sources, by the macro that each defines.
constexpr std::array<const char*, 3> kReaders = {"YOSYS", "__ICARUS__", "VERILATOR"};

struct Token {
  enum class Kind { kName, kSystemName, kString, kDirective, kOther };
  Kind kind = Kind::kOther;
  std::size_t begin = 0;
  std::size_t end = 0;
};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_character(char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '$'; }

/// Preprocessed text as tokens; blanks, and comments that are pragmas, are left out.
std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    std::size_t end = i + 1;
    if (c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\v') {
      i = end;
      continue;
    }
    if (text.compare(i, 2, "/*") == 0) {
      i = std::min(text.find("*/", i + 2), text.size() - 2) + 2;
      continue;
    }
    Token::Kind kind = Token::Kind::kOther;
    if (c == '"') {
      kind = Token::Kind::kString;
      while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
      end = std::min(end + 1, text.size());
    } else if (c == '\\') {
      kind = Token::Kind::kName;
      while (end < text.size() && text[end] != ' ' && text[end] != '\n') ++end;
    } else if (c == kFaultBegin) {
      end = std::min(text.find(kFaultEnd, i), text.size() - 1) + 1;
    } else if (is_name_character(c) || c == '`') {
      while (end < text.size() && is_name_character(text[end])) ++end;
      kind = is_letter(c) ? Token::Kind::kName
             : c == '$'   ? Token::Kind::kSystemName
             : c == '`'   ? Token::Kind::kDirective
                          : Token::Kind::kOther;
    }
    tokens.push_back({kind, i, end});
    i = end;
  }
  return tokens;
}

/// A module, primitive, interface or program in a unit's text.
struct Definition {
  std::string name;
  std::size_t begin = 0;  ///< of its text, attributes included
  std::size_t end = 0;
  int first_token = 0;
  int last_token = 0;
  bool is_module = true;
  bool has_ports = false;
  int line = 0;  ///< of the unit's text
};

struct Unit {
  int file = 0;
  bool system_verilog = false;
  PreprocessedText source;
  std::vector<Token> tokens;
  std::vector<Definition> definitions;

  std::string_view word(std::size_t token) const {
    if (token >= tokens.size()) return {};
    std::string_view name =
        std::string_view(source.text)
            .substr(tokens[token].begin, tokens[token].end - tokens[token].begin);
    return name;
  }
  int line_at(std::size_t offset) const {
    return static_cast<int>(std::count(
        source.text.begin(), source.text.begin() + static_cast<std::ptrdiff_t>(offset), '\n'));
  }
};

/// The name that a token stands for, without the backslash of an escaped one.
std::string plain_name(std::string_view word) {
  return std::string(word.substr(!word.empty() && word[0] == '\\' ? 1 : 0));
}

void find_definitions(Unit* unit) {
  unit->tokens = tokens_of(unit->source.text);
  const std::vector<Token>& tokens = unit->tokens;
  const auto end_word = [&](std::string_view word) -> std::string {
    if (word == "module" || word == "macromodule") return "endmodule";
    if (word == "primitive") return "endprimitive";
    if (unit->system_verilog && (word == "interface" || word == "program")) {
      return "end" + std::string(word);
    }
    return "";
  };
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    const std::string_view kind = unit->word(t);
    const std::string end = end_word(kind);
    if (tokens[t].kind != Token::Kind::kName || end.empty()) continue;
    if (t > 0 && (unit->word(t - 1) == "extern" || unit->word(t - 1) == "virtual")) continue;
    Definition definition;
    definition.is_module = end == "endmodule";
    definition.first_token = static_cast<int>(t);
    definition.begin = tokens[t].begin;
    definition.line = unit->line_at(tokens[t].begin);
    std::size_t name = t + 1;
    while (unit->word(name) == "automatic" || unit->word(name) == "static") ++name;
    definition.name = plain_name(unit->word(name));
    std::size_t next = name + 1;
    while (unit->word(next) == "import") {
      while (next < tokens.size() && unit->word(next) != ";") ++next;
      ++next;
    }
    if (unit->word(next) == "#") {
      int nested = 0;
      for (++next; next < tokens.size(); ++next) {
        nested += unit->word(next) == "(";
        nested -= unit->word(next) == ")";
        if (nested == 0) break;
      }
      ++next;
    }
    definition.has_ports = unit->word(next) == "(" && unit->word(next + 1) != ")";
    int nested = 1;
    std::size_t last = t + 1;
    for (; last < tokens.size(); ++last) {
      if (tokens[last].kind != Token::Kind::kName) continue;
      if (unit->word(last) == end) --nested;
      if (definition.is_module && end_word(unit->word(last)) == end) ++nested;
      if (nested == 0) break;
    }
    if (last == tokens.size()) {
      last = tokens.size() - 1;  // without its end: a tool says where it broke
    } else if (unit->word(last + 1) == ":") {
      last += 2;
    }
    definition.last_token = static_cast<int>(last);
    definition.end = tokens[last].end;
    // `(* ... *)` in front of it
    std::size_t first = t;
    while (first >= 2 && unit->word(first - 1) == ")" && unit->word(first - 2) == "*") {
      std::size_t open = first - 2;
      while (open > 0 && !(unit->word(open - 1) == "(" && unit->word(open) == "*")) --open;
      if (open == 0) break;
      first = open - 1;
      definition.begin = tokens[first].begin;
    }
    unit->definitions.push_back(definition);
    t = last;
  }
}

/// Names in these tokens that stand where an instance's module stands.
void add_instances(const Unit& unit, int first, int last, std::set<std::string>* names) {
  for (int t = first; t <= last; ++t) {
    if (unit.tokens[t].kind != Token::Kind::kName) continue;
    const std::string_view next = unit.word(static_cast<std::size_t>(t) + 1);
    if (next.empty()) continue;
    if (next == "#" || next == "(" || next == "::" || next == "." || next[0] == '\\' ||
        is_letter(next[0])) {
      names->insert(plain_name(unit.word(t)));
    }
  }
}

/// System tasks and functions that stay within the simulation.
const std::set<std::string_view>& harmless_tasks() {
  static const std::set<std::string_view> kNames = {
      "$signed", "$unsigned", "$clog2", "$bits", "$size", "$high", "$low", "$left", "$right",
      "$increment", "$dimensions", "$unpacked_dimensions", "$typename", "$isunbounded",
      "$countones", "$countbits", "$onehot", "$onehot0", "$isunknown", "$cast", "$rtoi", "$itor",
      "$realtobits", "$bitstoreal", "$shortrealtobits", "$bitstoshortreal", "$pow", "$ln", "$log10",
      "$exp", "$sqrt", "$floor", "$ceil", "$sin", "$cos", "$tan", "$asin", "$acos", "$atan",
      "$atan2", "$hypot", "$sinh", "$cosh", "$tanh", "$asinh", "$acosh", "$atanh", "$display",
      "$displayb", "$displayh", "$displayo", "$write", "$writeb", "$writeh", "$writeo", "$strobe",
      "$strobeb", "$strobeh", "$strobeo", "$monitor", "$monitorb", "$monitorh", "$monitoro",
      "$monitoron", "$monitoroff", "$time", "$stime", "$realtime", "$timeformat", "$printtimescale",
      "$finish", "$stop", "$error", "$warning", "$info", "$fatal", "$random", "$urandom",
      "$urandom_range", "$past", "$rose", "$fell", "$stable", "$changed", "$sampled", "$assertoff",
      "$asserton", "$assertkill", "$sformat", "$sformatf", "$swrite", "$readmemh", "$readmemb",
      "$unit", "$root",
      // timing checks of specify blocks
      "$setup", "$hold", "$setuphold", "$recovery", "$removal", "$recrem", "$skew", "$timeskew",
      "$fullskew", "$period", "$width", "$nochange"};
  return kNames;
}

/// Everything that one tool reads.
struct Reading {
  std::vector<Unit> units;
  std::set<std::string> kept;  ///< names of definitions
};

class Reader {
 public:
  Reader(const std::vector<fs::path>& files, const VerilogReading& reading,
         const std::set<std::string>& dropped)
      : reading_(reading), dropped_(dropped) {
    if (files.empty()) {
      throw Error(ErrorKind::kInvalidArgument, "no Verilog file given, expected at least one");
    }
    std::set<fs::path> seen;
    for (const fs::path& path : files) {
      SourceText file = read_source_text(path);
      if (seen.insert(file.canonical).second) sources_.push_back(std::move(file));
    }
    listed_ = static_cast<int>(sources_.size());
  }

  /// Preprocesses all files as one tool would have it. Files that others include are no units.
  Reading preprocess(const std::string& reader) {
    std::set<int> included;
    for (int pass = 0;; ++pass) {
      VerilogPreprocessor preprocessor(&sources_, reading_, {{"SYNTHESIS", "1"}, {reader, "1"}});
      Reading result;
      for (int file = 0; file < listed_; ++file) {
        if (included.count(file) != 0) continue;
        Unit unit;
        unit.file = file;
        const std::string extension = sources_[file].path.extension().string();
        unit.system_verilog = extension == ".sv" || extension == ".svh";
        unit.source = preprocessor.preprocess(file);
        find_definitions(&unit);
        result.units.push_back(std::move(unit));
      }
      std::set<int> found = included;
      for (const int file : preprocessor.included()) {
        if (file < listed_) found.insert(file);
      }
      if (found == included || pass == 2) {
        drop_repeated(&result);
        faults_ = [preprocessor](std::string_view text) { return preprocessor.fault_at(text); };
        return result;
      }
      if (static_cast<int>(found.size()) == listed_) {  // a circle: the first file leads
        found.erase(0);
      }
      included = std::move(found);
    }
  }

  std::string where(const Unit& unit, std::size_t offset) const {
    const TextOrigin& origin = unit.source.lines.at(unit.line_at(offset));
    return fmt::format("{}:{}", sources_[origin.file].path.string(), origin.line);
  }

  /// Modules that could be the top: with ports, and in no other one that has ports.
  std::string find_top(const Reading& reading) const {
    std::map<std::string, bool> ports;
    std::set<std::string> instantiated;
    for (const Unit& unit : reading.units) {
      for (const Definition& definition : unit.definitions) {
        if (definition.is_module) ports[definition.name] = definition.has_ports;
      }
    }
    for (const Unit& unit : reading.units) {
      for (const Definition& definition : unit.definitions) {
        if (!definition.has_ports) continue;  // a testbench
        std::set<std::string> names;
        add_instances(unit, definition.first_token, definition.last_token, &names);
        names.erase(definition.name);
        instantiated.insert(names.begin(), names.end());
      }
    }
    std::vector<std::string> roots;
    std::vector<std::string> all;
    for (const auto& [name, has_ports] : ports) {
      if (has_ports && dropped_.count(name) == 0) {
        all.push_back(name);
        if (instantiated.count(name) == 0) roots.push_back(name);
      }
    }
    if (roots.size() == 1) return roots[0];
    const std::string first = sources_[0].path.string();
    for (const Unit& unit : reading.units) {  // what is missing may hold it
      const std::string fault = faults_(unit.source.text);
      if (!fault.empty()) throw Error(ErrorKind::kInvalidArgument, fault);
    }
    if (all.empty()) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: no `module` {}in it, expected Verilog", first,
                              ports.empty() ? "" : "with ports "));
    }
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: no root module found among {}: {}; name one (--top)", first,
                            roots.empty() ? "these" : "several",
                            fmt::join(roots.empty() ? all : roots, ", ")));
  }

  /// Keeps what lies below the top, and text outside modules; the rest becomes blank lines.
  void prune(Reading* reading, const std::string& top) const {
    std::map<std::string, std::pair<const Unit*, const Definition*>> definitions;
    std::vector<std::string> modules;
    for (const Unit& unit : reading->units) {
      for (const Definition& definition : unit.definitions) {
        if (dropped_.count(definition.name) != 0) continue;
        const auto [other, fresh] = definitions.try_emplace(definition.name, &unit, &definition);
        if (definition.is_module) modules.push_back(definition.name);
        if (fresh) continue;
        throw Error(
            ErrorKind::kInvalidArgument,
            fmt::format("{}: module {} is defined already, at {}", where(unit, definition.begin),
                        definition.name, where(*other->second.first, other->second.second->begin)));
      }
    }
    if (definitions.count(top) == 0) {
      throw Error(
          ErrorKind::kInvalidArgument,
          fmt::format("{}: no module {}, expected one of: {}", sources_[0].path.string(), top,
                      modules.empty() ? "none" : fmt::format("{}", fmt::join(modules, ", "))));
    }
    std::vector<std::string> waiting = {top};
    while (!waiting.empty()) {
      const std::string name = waiting.back();
      waiting.pop_back();
      const auto found = definitions.find(name);
      if (found == definitions.end() || !reading->kept.insert(name).second) continue;
      std::set<std::string> names;
      add_instances(*found->second.first, found->second.second->first_token,
                    found->second.second->last_token, &names);
      waiting.insert(waiting.end(), names.begin(), names.end());
    }
    for (Unit& unit : reading->units) {
      for (const Definition& definition : unit.definitions) {
        if (reading->kept.count(definition.name) != 0 && dropped_.count(definition.name) == 0) {
          continue;
        }
        for (std::size_t i = definition.begin; i < definition.end; ++i) {
          if (unit.source.text[i] != '\n') unit.source.text[i] = ' ';
        }
      }
      if (unit.source.text.find(kFaultBegin) != std::string::npos) {
        throw Error(ErrorKind::kInvalidArgument, faults_(unit.source.text));
      }
      unit.tokens = tokens_of(unit.source.text);
    }
  }

  /// Refuses what reaches beyond the simulation; gives memory files names of our own.
  void check_tasks(Unit* unit, std::map<std::string, std::string>* memories) const {
    const auto refuse = [&](std::size_t token, const std::string& what) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: {} is refused: it reaches beyond the simulation "
                              "(--trust-source allows it)",
                              where(*unit, unit->tokens[token].begin), what));
    };
    std::map<std::size_t, std::string> replaced;  // token -> text
    bool all_strings = false;
    for (std::size_t t = 0; t < unit->tokens.size(); ++t) {
      const std::string_view word = unit->word(t);
      if ((word == "import" || word == "export") && unit->word(t + 1).substr(0, 1) == "\"") {
        if (!reading_.trusted) refuse(t, fmt::format("{} {}", word, unit->word(t + 1)));
      }
      if (unit->tokens[t].kind != Token::Kind::kSystemName || word == "$") continue;
      if (!reading_.trusted && harmless_tasks().count(word) == 0) refuse(t, std::string(word));
      if (word != "$readmemh" && word != "$readmemb") continue;
      if (unit->word(t + 1) == "(" && unit->tokens[t + 2].kind == Token::Kind::kString) {
        replaced[t + 2] = memory(*unit, t + 2, true, memories);
      } else {
        all_strings = true;  // the name comes by a parameter or variable
      }
    }
    if (all_strings) {
      for (std::size_t t = 0; t < unit->tokens.size(); ++t) {
        if (unit->tokens[t].kind != Token::Kind::kString || replaced.count(t) != 0) continue;
        const std::string name = memory(*unit, t, false, memories);
        if (!name.empty()) replaced[t] = name;
      }
    }
    if (replaced.empty()) return;
    std::string text;
    std::size_t from = 0;
    for (const auto& [token, name] : replaced) {
      text += unit->source.text.substr(from, unit->tokens[token].begin - from) + "\"" + name + "\"";
      from = unit->tokens[token].end;
    }
    unit->source.text = text + unit->source.text.substr(from);
    unit->tokens = tokens_of(unit->source.text);
  }

  const std::vector<SourceText>& sources() const { return sources_; }

 private:
  /// A file that two others include, without guards, is defined once.
  static void drop_repeated(Reading* reading) {
    std::map<std::string, std::string> seen;
    for (Unit& unit : reading->units) {
      bool blanked = false;
      for (const Definition& definition : unit.definitions) {
        const std::string text =
            unit.source.text.substr(definition.begin, definition.end - definition.begin);
        const auto [other, fresh] = seen.try_emplace(definition.name, text);
        if (fresh || other->second != text) continue;
        for (std::size_t i = definition.begin; i < definition.end; ++i) {
          if (unit.source.text[i] != '\n') unit.source.text[i] = ' ';
        }
        blanked = true;
      }
      if (!blanked) continue;
      unit.definitions.clear();
      find_definitions(&unit);
    }
  }

  /// The name of ours for the memory file that a string names, its content put into `memories`.
  std::string memory(const Unit& unit, std::size_t token, bool needed,
                     std::map<std::string, std::string>* memories) const {
    const std::string_view quoted = unit.word(token);
    const std::string name(quoted.substr(1, quoted.size() - 2));
    const std::string at = where(unit, unit.tokens[token].begin);
    const auto fail = [&](const std::string& what) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{}: memory file \"{}\": {}", at, name, what));
    };
    if (name.rfind("lutra_memory_", 0) == 0 && name.find('/') == std::string::npos) {
      // A component's source, read again: its memories lie beside it or one folder up.
      for (const fs::path& folder : {sources_[unit.file].path.parent_path(),
                                     sources_[unit.file].path.parent_path().parent_path()}) {
        if (!fs::exists(folder / name)) continue;
        (*memories)[name] = base::read_file(folder / name);
        return name;
      }
    }
    std::vector<fs::path> folders = {
        sources_[unit.source.lines.at(unit.line_at(unit.tokens[token].begin)).file]
            .path.parent_path()};
    for (int file = 0; file < listed_; ++file) {
      folders.push_back(sources_[file].path.parent_path());
    }
    folders.insert(folders.end(), reading_.include_directories.begin(),
                   reading_.include_directories.end());
    std::error_code ignored;
    for (const fs::path& folder : folders) {
      const fs::path path = folder / name;  // an absolute name replaces the folder
      if (name.empty() || !fs::is_regular_file(path, ignored)) continue;
      const std::string below = fs::canonical(folder.empty() ? "." : folder).string() + "/";
      if (!reading_.trusted && fs::canonical(path).string().rfind(below, 0) != 0) {
        if (!needed) continue;
        fail("lies outside the source's own directory (--trust-source allows it)");
      }
      if (fs::file_size(path) > (64u << 20)) fail("expected at most 64 MiB");
      std::string bytes = base::read_file(path);
      if (needed) {
        const std::string_view allowed = "0123456789abcdefABCDEFxXzZ?_@ \t\r\n\f/*";
        bool in_comment = false;  // whose text is free
        for (std::size_t i = 0; i < bytes.size(); ++i) {
          if (bytes.compare(i, 2, "//") == 0) in_comment = true;
          if (bytes[i] == '\n') in_comment = false;
          if (bytes.compare(i, 2, "/*") == 0) i = std::min(bytes.find("*/", i), bytes.size());
          if (in_comment || i >= bytes.size() || allowed.find(bytes[i]) != std::string_view::npos) {
            continue;
          }
          fail(fmt::format(
              "line {}: expected hexadecimal or binary words",
              1 + std::count(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(i), '\n')));
        }
      }
      const std::string own = "lutra_memory_" + base::sha256_hex(bytes).substr(0, 16) + ".hex";
      (*memories)[own] = std::move(bytes);
      return own;
    }
    if (needed) fail("no such file beside the source or in a directory of -I");
    return "";
  }

  VerilogReading reading_;
  std::set<std::string> dropped_;
  std::vector<SourceText> sources_;
  int listed_ = 0;
  std::function<std::string(std::string_view)> faults_;
};

}  // namespace

VerilogSources VerilogSources::read(const std::vector<fs::path>& files, const std::string& top,
                                    const VerilogReading& reading,
                                    const std::set<std::string>& dropped) {
  Reader reader(files, reading, dropped);
  if (!top.empty()) check_identifier(top, fmt::format("{}: module name", files[0].string()));
  VerilogSources result;
  std::vector<Reading> readings;
  for (const char* name : kReaders) {
    Reading one = reader.preprocess(name);
    if (readings.empty()) result.top_ = top.empty() ? reader.find_top(one) : top;
    reader.prune(&one, result.top_);
    for (Unit& unit : one.units) reader.check_tasks(&unit, &result.memories_);
    readings.push_back(std::move(one));
  }
  for (const Unit& unit : readings[0].units) {
    for (const Definition& definition : unit.definitions) {
      if (readings[0].kept.count(definition.name) == 0) continue;
      result.modules_.emplace(definition.name, reader.where(unit, definition.begin));
    }
  }
  std::set<std::string> taken;
  for (std::size_t u = 0; u < readings[0].units.size(); ++u) {
    const Unit& unit = readings[0].units[u];
    bool used = false;
    bool same = true;
    for (const Reading& one : readings) {
      // A file with nothing but macros and testbenches in it is no file for a tool.
      used = used || u >= one.units.size() || !one.units[u].tokens.empty();
      same = same && u < one.units.size() && one.units.size() == readings[0].units.size() &&
             one.units[u].source.text == unit.source.text;
    }
    if (!used) continue;
    File file;
    file.original = reader.sources()[unit.file].path;
    const std::string base = base::safe_file_name(file.original.stem().string());
    const std::string extension = unit.system_verilog ? ".sv" : ".v";
    file.name = base + extension;
    for (int n = 2; !taken.insert(file.name).second; ++n) {
      file.name = fmt::format("{}_{}{}", base, n, extension);
    }
    const auto add = [&](const std::string& text, const std::vector<TextOrigin>& lines) {
      file.text += text;
      for (const TextOrigin& line : lines) {
        file.origins.emplace_back(reader.sources()[line.file].path, line.line);
      }
    };
    const auto line = [&](const std::string& text) { add(text + "\n", {{unit.file, 1}}); };
    if (!unit.system_verilog) {
      // Keywords of SystemVerilog, and those of configurations, are names here.
      line("`ifndef YOSYS");
      line("`begin_keywords \"1364-2001-noconfig\"");
      line("`endif");
    }
    if (same) {
      add(unit.source.text, unit.source.lines);
    } else {
      for (std::size_t r = 0; r < readings.size(); ++r) {
        if (u >= readings[r].units.size()) continue;
        line(fmt::format("`ifdef {}", kReaders[r]));
        add(readings[r].units[u].source.text, readings[r].units[u].source.lines);
        line("`endif");
      }
    }
    if (unit.source.text.find("`default_nettype") != std::string::npos) {
      line("`default_nettype wire");
    }
    if (!unit.system_verilog) {
      line("`ifndef YOSYS");
      line("`end_keywords");
      line("`endif");
    }
    result.files_.push_back(std::move(file));
  }
  return result;
}

std::vector<std::string> VerilogSources::instantiated(const std::set<std::string>& names) const {
  std::set<std::string> found;
  for (const File& file : files_) {
    Unit unit;
    unit.source.text = file.text;
    unit.tokens = tokens_of(unit.source.text);
    std::set<std::string> used;
    add_instances(unit, 0, static_cast<int>(unit.tokens.size()) - 1, &used);
    for (const std::string& name : used) {
      if (names.count(name) != 0 && modules_.count(name) == 0) found.insert(name);
    }
  }
  return {found.begin(), found.end()};
}

bool VerilogSources::mentions(const std::string& word) const {
  for (const File& file : files_) {
    Unit unit;
    unit.source.text = file.text;
    unit.tokens = tokens_of(unit.source.text);
    for (std::size_t t = 0; t < unit.tokens.size(); ++t) {
      if (unit.word(t) == word) return true;
    }
  }
  return false;
}

void VerilogSources::write(const fs::path& directory) const {
  fs::create_directories(directory / "source");
  for (const File& file : files_) {
    base::write_file(directory / "source" / file.name, file.text);
  }
  for (const auto& [name, bytes] : memories_) base::write_file(directory / name, bytes);
}

std::vector<std::string> VerilogSources::names() const {
  std::vector<std::string> names;
  for (const File& file : files_) names.push_back("source/" + file.name);
  return names;
}

std::string VerilogSources::located(std::string message) const {
  for (const File& file : files_) {
    const std::string safe = "source/" + file.name;
    for (std::size_t at = message.find(safe); at != std::string::npos;) {
      std::size_t end = at + safe.size();
      std::string original = file.original.string();
      if (end + 1 < message.size() && message[end] == ':' && message[end + 1] >= '0' &&
          message[end + 1] <= '9') {
        char* rest = nullptr;
        const auto line = std::strtoul(&message[end + 1], &rest, 10);
        end = static_cast<std::size_t>(rest - message.data());
        if (line >= 1 && line <= file.origins.size()) {
          const auto& [path, number] = file.origins[line - 1];
          original = fmt::format("{}:{}", path.string(), number);
        } else {
          original += fmt::format(":{}", line);
        }
      }
      message.replace(at, end - at, original);
      at = message.find(safe, at + original.size());
    }
  }
  return message;
}

std::string VerilogSources::key_text() const {
  std::string text = fmt::format("top {}\n", top_);
  for (const File& file : files_) {
    text += fmt::format("file {} {}\n", file.name, base::sha256_hex(file.text));
  }
  for (const auto& [name, bytes] : memories_) {
    text += fmt::format("memory {} {}\n", name, base::sha256_hex(bytes));
  }
  return text;
}

std::string VerilogSources::yosys_script(
    const std::vector<std::pair<std::string, long>>& parameters, bool check) const {
  std::string script;
  for (const File& file : files_) {
    const bool system_verilog = fs::path(file.name).extension() == ".sv";
    script += fmt::format("read_verilog {}source/{}\n", system_verilog ? "-sv " : "", file.name);
  }
  check_identifier(top_, fmt::format("{}: module name", first_file()));
  script += fmt::format("hierarchy {}-top {}", check ? "-check " : "", top_);
  for (const auto& [name, value] : parameters) {
    check_identifier(name, "parameter name");
    script += fmt::format(" -chparam {} {}", name, value);
  }
  return script + "\n";
}

void check_identifier(const std::string& name, const std::string& what) {
  const bool plain = !name.empty() && is_letter(name[0]) &&
                     std::all_of(name.begin(), name.end(),
                                 [](char c) { return is_name_character(c) && c != '$'; });
  if (!plain) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{} \"{}\", expected a letter or _ followed by letters, digits and _",
                            what, name));
  }
}

std::vector<std::pair<std::string, std::string>> parse_defines(
    const std::vector<std::string>& texts, const std::string& option) {
  std::vector<std::pair<std::string, std::string>> defines;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    check_identifier(name, option + ": macro");
    if (text.find('\n') != std::string::npos) {
      throw Error(ErrorKind::kInvalidArgument,
                  fmt::format("{} {}: expected text of one line", option, name));
    }
    defines.emplace_back(name, equals == std::string::npos ? "1" : text.substr(equals + 1));
  }
  return defines;
}

}  // namespace lutra::synth
