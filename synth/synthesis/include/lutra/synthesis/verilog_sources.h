#ifndef LUTRA_SYNTHESIS_VERILOG_SOURCES_H_
#define LUTRA_SYNTHESIS_VERILOG_SOURCES_H_

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lutra/synthesis/multiplier_source.h"

namespace lutra::synth {

/// Verilog as every tool reads it: the files of a command line, preprocessed here, once, and cut
/// down to what lies below the top module. Nothing in it refers to another file, except to the
/// memory contents that come with it. What is hashed is what is synthesised and simulated.
///
/// A file that another one includes is no compilation unit of its own, also if it is listed. Parts
/// that `ifdef gives to single tools (YOSYS, __ICARUS__, VERILATOR) stay, under the same `ifdef.
class VerilogSources {
 public:
  /// One file for the tools.
  struct File {
    std::string name;                ///< of [A-Za-z0-9_.-] only; ends in .v or .sv
    std::filesystem::path original;  ///< for messages
    std::string text;
    std::vector<std::pair<std::filesystem::path, int>> origins;  ///< of each line of `text`
  };

  /// @param files    `.sv` and `.svh` are SystemVerilog, others Verilog-2005
  /// @param top      module; empty: the only one with ports that no other such module instantiates
  /// @param dropped  names of modules that are left out, where the files define them
  /// Throws Error(kInvalidArgument) with file and line: on files that are missing or no Verilog, on
  /// an `include or a macro that is missing, on a module that is defined twice, on a top that is
  /// missing or not unique; and, unless `reading.trusted`, on system tasks and imports that reach
  /// beyond the simulation and on paths outside the files' own folders.
  static VerilogSources read(const std::vector<std::filesystem::path>& files,
                             const std::string& top = "", const VerilogReading& reading = {},
                             const std::set<std::string>& dropped = {});

  const std::string& top() const { return top_; }
  const std::vector<File>& files() const { return files_; }
  /// Contents of memories for $readmemh and $readmemb, by the names that stand in the text: to lie
  /// in the directory where a tool runs.
  const std::map<std::string, std::string>& memories() const { return memories_; }
  /// The modules that are kept, each with where it is defined, `file:line`.
  const std::map<std::string, std::string>& modules() const { return modules_; }
  /// Which of these names are instantiated, but not defined.
  std::vector<std::string> instantiated(const std::set<std::string>& names) const;
  /// Whether the text holds a flip-flop's mark, `posedge` or `negedge`.
  bool mentions(const std::string& word) const;

  /// The first file, for messages about no line.
  std::string first_file() const { return files_.at(0).original.string(); }
  /// Writes source/NAME of each file, and the memories, into `directory`.
  void write(const std::filesystem::path& directory) const;
  /// `source/NAME` of each file, in the order to compile them.
  std::vector<std::string> names() const;
  /// A tool's message with `source/NAME:LINE` turned back into the user's file and line.
  std::string located(std::string message) const;
  /// Everything in it, for a key.
  std::string key_text() const;
  /// Yosys' commands that read the sources, from source/, and select the top module.
  /// @param parameters  of the top module
  /// @param check       unknown modules are errors
  std::string yosys_script(const std::vector<std::pair<std::string, long>>& parameters,
                           bool check = true) const;

 private:
  std::string top_;
  std::vector<File> files_;
  std::map<std::string, std::string> memories_;
  std::map<std::string, std::string> modules_;
};

/// Throws Error(kInvalidArgument) unless `name` is a plain Verilog identifier. `what` says what it
/// names.
void check_identifier(const std::string& name, const std::string& what);

/// Macros from texts NAME or NAME=TEXT. Throws Error(kInvalidArgument) that begins with `option`.
std::vector<std::pair<std::string, std::string>> parse_defines(
    const std::vector<std::string>& texts, const std::string& option);

}  // namespace lutra::synth

#endif  // LUTRA_SYNTHESIS_VERILOG_SOURCES_H_
