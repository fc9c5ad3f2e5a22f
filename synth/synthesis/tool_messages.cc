#include "tool_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <sstream>

#include "lutra/base/error.h"

namespace lutra::synth {
namespace {

bool holds(const std::string& line, const char* part) {
  return line.find(part) != std::string::npos;
}

bool begins(const std::string& line, const std::string& part) { return line.rfind(part, 0) == 0; }

/// Whether a warning is about a line of a source: `file:line: Warning: ...`.
bool names_source_line(const std::string& line) {
  const std::size_t at = line.find(": Warning: ");
  if (at == std::string::npos || at == 0) return false;
  const std::size_t colon = line.rfind(':', at - 1);
  if (colon == std::string::npos || colon + 1 == at) return false;
  return std::all_of(line.begin() + static_cast<std::ptrdiff_t>(colon) + 1,
                     line.begin() + static_cast<std::ptrdiff_t>(at), [](char c) {
                       return std::isdigit(static_cast<unsigned char>(c)) || c == '-' || c == '.';
                     });
}

/// What Yosys says about the design, in its own words behind "Warning: ". None of it passes unseen:
/// the netlist's products are compared with a simulation of the source by another front end.
const char* const kAboutTheSource[] = {
    // Legal, and what the standard says happens.
    "Resizing cell port ",
    "Replacing memory ",
    "Identifier `",
    "Blocking assignment to memory in line ",
    "Ignoring assignment to constant bits",
    "Range ",
    "Literal has a width of ",
    "Shift register ",
    // Refused by the netlist's reader, which names the line: an undriven or doubly driven net, a
    // loop, a tri-state cell. Or taken out by Yosys with the logic that nothing reads.
    "Wire ",
    "multiple conflicting drivers for ",
    "found logic loop in module ",
    "Driver-driver conflict for ",
    "Yosys has only limited support for tri-state logic at the moment.",
    // Lutra's own script deletes a user's model of a cell, which may be flattened away by then.
    "Selection \"",
    // Flip-flops whose reset Yosys maps in more than one cell.
    "Complex async reset for dff ",
    "Async reset ",
};

bool is_harmless_for_yosys(const std::string& line) {
  // The front end's own, with file and line: about the source, as above.
  if (names_source_line(line)) return true;
  // dfflibmap, of a flip-flop with logic before it, such as a scan flip-flop: it takes others.
  if (begins(line, "Warning: Found unsupported expression '")) return true;
  if (begins(line, "Warning: ")) {
    return std::any_of(std::begin(kAboutTheSource), std::end(kAboutTheSource),
                       [&](const char* kind) { return begins(line.substr(9), kind); });
  }
  // A name that SystemVerilog has taken, in a file that is read as Verilog.
  if (begins(line, "Lexer warning: The SystemVerilog keyword ")) return true;
  // The total at the end.
  if (begins(line, "Warnings: ")) return true;
  // abc, of a delay that is asked for and not reached: the longest path is measured afterwards.
  if (holds(line, "Cannot meet the target required times")) return true;
  // abc, of every combinational network that its script gives to `scorr`.
  if (holds(line, "Warning: The network is combinational")) return true;
  // abc, of adders and the like: it maps to cells of one output.
  if (holds(line, "Warning: Detected ") && holds(line, " multi-output ")) return true;
  return false;
}

bool is_message_of_yosys(const std::string& line) {
  if (begins(line, "ABC: ")) {
    // abc's scripts are echoed with `+`; its complaints have no one form.
    if (begins(line, "ABC: + ")) return false;
    for (const char* word :
         {"arning", "rror", "annot ", "ailed", "not found", "Assertion", "aborting"}) {
      if (holds(line, word)) return true;
    }
    return false;
  }
  return holds(line, "Warning: ") || holds(line, "WARNING") || begins(line, "Lexer warning: ") ||
         begins(line, "Warnings: ") || holds(line, "ERROR: ");
}

}  // namespace

std::vector<std::string> unknown_messages(Tool tool, const std::string& output) {
  std::vector<std::string> unknown;
  std::istringstream lines(output);
  std::string line;
  while (std::getline(lines, line)) {
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back()))) line.pop_back();
    if (tool == Tool::kOpenSta) {
      // None is harmless: each says that OpenSTA has left something out.
      if (begins(line, "Error") || begins(line, "Warning")) unknown.push_back(line);
    } else if (is_message_of_yosys(line) && !is_harmless_for_yosys(line)) {
      unknown.push_back(line);
    }
  }
  return unknown;
}

void refuse_unknown_messages(Tool tool, const std::string& output, const std::string& where) {
  const std::vector<std::string> unknown = unknown_messages(tool, output);
  if (unknown.empty()) return;
  throw Error(ErrorKind::kUnimplemented,
              fmt::format("{}: {} says \"{}\"{}, expected no such message", where,
                          tool == Tool::kYosys ? "Yosys" : "OpenSTA", unknown[0],
                          unknown.size() == 1 ? std::string()
                                              : fmt::format(" and {} more", unknown.size() - 1)));
}

}  // namespace lutra::synth
