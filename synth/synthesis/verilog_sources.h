#ifndef LUTRA_SYNTH_SYNTHESIS_VERILOG_SOURCES_H_
#define LUTRA_SYNTH_SYNTHESIS_VERILOG_SOURCES_H_

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace lutra::synth {

/// One Verilog file, read once: what is hashed is what is synthesised.
struct VerilogFile {
  std::filesystem::path original;
  std::string safe_path;  ///< relative, of [A-Za-z0-9_./-] only
  std::string text;
  bool is_include = false;  ///< reached by an `include, not given by the user
};

/// The files and everything that they `include, recursively. Throws Error(kUsage) on files that are
/// missing or empty and on includes that leave the directory of the including file.
std::vector<VerilogFile> read_verilog_sources(const std::vector<std::filesystem::path>& files);

/// Writes the files under `directory` by their safe paths.
void write_verilog_sources(const std::vector<VerilogFile>& files,
                           const std::filesystem::path& directory);

/// `text` (a tool's message) with safe paths turned back into the user's own file names.
std::string with_original_names(std::string text, const std::vector<VerilogFile>& files);

/// `text` with comments blanked out; lines stay where they are.
std::string without_comments(std::string text);

/// Yosys' commands that read the sources, from source/, and select the top module.
/// @param top     empty: the only root module
/// @param check   unknown modules are errors
/// @param before  commands that come first
std::string read_script(const std::vector<VerilogFile>& sources, const std::string& top,
                        const std::vector<std::pair<std::string, long>>& parameters,
                        bool check = true, const std::string& before = "");

/// Throws Error(kUsage) unless `name` is a plain Verilog identifier. `what` says what it names.
void check_identifier(const std::string& name, const std::string& what);

}  // namespace lutra::synth

#endif  // LUTRA_SYNTH_SYNTHESIS_VERILOG_SOURCES_H_
