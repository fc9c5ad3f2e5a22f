#ifndef LUTRA_NETLIST_LIBERTY_TEXT_H_
#define LUTRA_NETLIST_LIBERTY_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>
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
  struct LineSpan {
    int first_line = 1;  ///< in text_
    std::string origin;
    int origin_line = 1;
  };
  class IncludeExpander;
  std::string text_;
  std::vector<LineSpan> spans_;  ///< by first_line
};

/// Reads Liberty text into its groups.
/// Throws Error(kInvalidArgument) `file:line: ...` on text that is no complete Liberty group.
LibertyGroup parse_liberty_text(const LibertyText& text);

}  // namespace lutra::synth

#endif  // LUTRA_NETLIST_LIBERTY_TEXT_H_
