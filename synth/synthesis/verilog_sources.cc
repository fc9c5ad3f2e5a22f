#include "synthesis/verilog_sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lutra/numerics/error.h"
#include "lutra/numerics/files.h"
#include "lutra/synth/files.h"

namespace lutra::synth {
namespace {

/// The names in `include "..." directives of a text, with their lines; comments are skipped.
std::vector<std::pair<std::string, int>> find_includes(const std::string& source) {
  const std::string text = without_comments(source);
  std::vector<std::pair<std::string, int>> found;
  int line = 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') ++line;
    if (text.compare(i, 8, "`include") == 0) {
      const std::size_t open = text.find_first_of("\"\n", i);
      if (open == std::string::npos || text[open] != '"') continue;
      const std::size_t close = text.find_first_of("\"\n", open + 1);
      if (close == std::string::npos || text[close] != '"') continue;
      found.emplace_back(text.substr(open + 1, close - open - 1), line);
      i = close;
    }
  }
  return found;
}

bool is_plain_path(const std::string& path) {
  if (path.empty() || path[0] == '/' || path[0] == '-') return false;
  if (path.find("..") != std::string::npos) return false;
  return std::all_of(path.begin(), path.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-' || c == '/';
  });
}

}  // namespace

std::vector<VerilogFile> read_verilog_sources(const std::vector<std::filesystem::path>& files) {
  if (files.empty()) throw Error(ExitCode::kUsage, "no Verilog file given, expected at least one");
  std::vector<VerilogFile> sources;
  std::set<std::string> taken;
  for (const std::filesystem::path& path : files) {
    VerilogFile file;
    file.original = path;
    file.text = numerics::read_file(path);
    if (file.text.find("module") == std::string::npos &&
        file.text.find("package") == std::string::npos) {
      throw Error(ExitCode::kUsage,
                  fmt::format("{}: no `module` in it, expected Verilog", path.string()));
    }
    const std::string base = safe_file_name(path.filename().string());
    file.safe_path = base;
    for (int n = 2; !taken.insert(file.safe_path).second; ++n) {
      file.safe_path = fmt::format("{}_{}", n, base);
    }
    sources.push_back(std::move(file));
  }
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::filesystem::path from = sources[i].original;
    for (const auto& [name, line] : find_includes(sources[i].text)) {
      if (!is_plain_path(name)) {
        throw Error(ExitCode::kUsage,
                    fmt::format("{}:{}: `include \"{}\", expected a path below the file's own "
                                "directory, of letters, digits and _ . - /",
                                from.string(), line, name));
      }
      if (!taken.insert(name).second) continue;
      VerilogFile file;
      file.original = from.parent_path() / name;
      file.safe_path = name;
      file.is_include = true;
      try {
        file.text = numerics::read_file(file.original);
      } catch (const Error& error) {
        throw Error(error.code(),
                    fmt::format("{}:{}: `include: {}", from.string(), line, error.what()));
      }
      sources.push_back(std::move(file));
    }
  }
  return sources;
}

void write_verilog_sources(const std::vector<VerilogFile>& files,
                           const std::filesystem::path& directory) {
  for (const VerilogFile& file : files) {
    const std::filesystem::path path = directory / file.safe_path;
    std::filesystem::create_directories(path.parent_path());
    numerics::write_file(path, file.text);
  }
}

std::string with_original_names(std::string text, const std::vector<VerilogFile>& files) {
  for (const VerilogFile& file : files) {
    const std::string safe = "source/" + file.safe_path;
    const std::string original = file.original.string();
    for (std::size_t at = text.find(safe); at != std::string::npos;
         at = text.find(safe, at + original.size())) {
      text.replace(at, safe.size(), original);
    }
  }
  return text;
}

std::string without_comments(std::string text) {
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' || text[i] == '\n') in_string = text[i] == '"' && !in_string;
    if (in_string) {
      i += text[i] == '\\';
      continue;
    }
    std::size_t end = i;
    if (text.compare(i, 2, "//") == 0) {
      end = std::min(text.find('\n', i), text.size());
    } else if (text.compare(i, 2, "/*") == 0) {
      const std::size_t close = text.find("*/", i + 2);
      end = close == std::string::npos ? text.size() : close + 2;
    }
    for (std::size_t blank = i; blank < end; ++blank) {
      if (text[blank] != '\n') text[blank] = ' ';
    }
    if (end > i) i = end - 1;
  }
  return text;
}

std::string read_script(const std::vector<VerilogFile>& sources, const std::string& top,
                        const std::vector<std::pair<std::string, long>>& parameters, bool check,
                        const std::string& before) {
  std::string script = before;
  for (const VerilogFile& file : sources) {
    if (file.is_include) continue;
    const bool system_verilog = std::filesystem::path(file.safe_path).extension() == ".sv";
    script += fmt::format("read_verilog {}-Isource source/{}\n", system_verilog ? "-sv " : "",
                          file.safe_path);
  }
  if (!top.empty()) {
    check_identifier(top, fmt::format("{}: module name", sources[0].original.string()));
  }
  // Parameters can be set on a named top only; the root module is found in a first pass.
  script += check ? "hierarchy -check" : "hierarchy";
  script += top.empty() ? " -auto-top" : " -top " + top;
  for (const auto& [name, value] : parameters) {
    check_identifier(name, "parameter name");
    script += fmt::format(" -chparam {} {}", name, value);
  }
  return script + "\n";
}

void check_identifier(const std::string& name, const std::string& what) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  const bool plain = !name.empty() && letter(name[0]) &&
                     std::all_of(name.begin(), name.end(),
                                 [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
  if (!plain) {
    throw Error(ExitCode::kUsage,
                fmt::format("{} \"{}\", expected a letter or _ followed by letters, digits and _",
                            what, name));
  }
}

}  // namespace lutra::synth
