#ifndef LUTRA_SYNTHESIS_VERILOG_PREPROCESSOR_H_
#define LUTRA_SYNTHESIS_VERILOG_PREPROCESSOR_H_

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lutra/synthesis/multiplier_source.h"

namespace lutra::synth {

/// A file of Verilog as it is on disk.
struct SourceText {
  std::filesystem::path path;       ///< as the user or an `include named it
  std::filesystem::path canonical;  ///< tells files apart
  std::string text;
};

/// Where a line of preprocessed text comes from.
struct TextOrigin {
  int file = 0;  ///< index into VerilogPreprocessor::files()
  int line = 1;
};

/// Text without comments, conditional parts, macros and `include, line by line with its origin.
struct PreprocessedText {
  std::string text;
  std::vector<TextOrigin> lines;  ///< of each line of `text`
};

/// The Verilog preprocessor (IEEE 1800-2017, 22) in front of every tool, so that all of them read
/// the same text: Yosys, Icarus and Verilator differ in how they search for files and in what they
/// make of directives. Comments go, but for full_case and parallel_case; so does text between
/// translate_off and translate_on, and `timescale; a file's kind, .v or .sv, says what its keywords
/// are. Macros persist from file to file.
///
/// What is missing (a file, a macro) is an error only where the text is used: a fault stands in the
/// text as a mark, see fault_at().
class VerilogPreprocessor {
 public:
  /// @param files  read so far; included files are added, each once
  VerilogPreprocessor(std::vector<SourceText>* files, const VerilogReading& reading,
                      const std::vector<std::pair<std::string, std::string>>& predefined);

  /// A compilation unit: the file with everything that it includes. Throws Error(kInvalidArgument)
  /// with file and line on an unterminated comment, string or conditional, and on a directive that
  /// carries another language; kUnimplemented where macros expand without end.
  PreprocessedText preprocess(int file);

  /// Files that a unit included, by index into files.
  const std::vector<int>& included() const { return included_; }
  /// The message of the first fault within [begin, end) of a text; empty if there is none.
  std::string fault_at(std::string_view text) const;

 private:
  struct Formal {
    std::string name;
    std::string otherwise;
    bool has_otherwise = false;
  };
  struct Macro {
    bool has_arguments = false;
    std::vector<Formal> formals;
    std::string body;
  };
  struct Condition {
    bool outer = true;   ///< whether the text around it counts
    bool taken = false;  ///< a branch of it was taken
    bool active = false;
    bool otherwise = false;  ///< `else was seen
    TextOrigin at;
  };

  [[noreturn]] void fail(const std::string& what) const;
  std::string where() const;
  bool active() const { return conditions_.empty() || conditions_.back().active; }
  bool emitting() const { return active() && !translate_off_; }
  void emit(std::string_view text);
  void newline();
  void fault(const std::string& message);
  void scan(const std::string& text, bool of_macro, int depth);
  std::size_t comment(const std::string& text, std::size_t at, bool of_macro);
  void pragma(std::string_view comment);
  std::size_t directive(const std::string& text, std::size_t at, int depth);
  std::size_t define(const std::string& text, std::size_t at);
  std::size_t include(const std::string& text, std::size_t at, int depth);
  void include_file(const std::string& name, int depth);
  std::size_t call(const std::string& name, const Macro& macro, const std::string& text,
                   std::size_t at, int depth);
  std::size_t drop_line(const std::string& text, std::size_t at) const;
  void conditional(const std::string& directive, const std::string& name);

  std::vector<SourceText>* files_;
  VerilogReading reading_;
  std::map<std::string, Macro> macros_;
  std::vector<std::filesystem::path> search_;
  std::vector<Condition> conditions_;
  bool translate_off_ = false;
  TextOrigin at_;
  PreprocessedText out_;
  std::vector<int> included_;
  std::vector<std::string> faults_;
  std::size_t expanded_ = 0;
};

/// Reads a file of Verilog, line ends made plain. Throws Error(kInvalidArgument) on what is no
/// regular file of text, or above 64 MiB.
SourceText read_source_text(const std::filesystem::path& path);

/// Marks of faults in a text stand between these two.
inline constexpr char kFaultBegin = '\x01';
inline constexpr char kFaultEnd = '\x02';

}  // namespace lutra::synth

#endif  // LUTRA_SYNTHESIS_VERILOG_PREPROCESSOR_H_
