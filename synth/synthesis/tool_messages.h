#ifndef LUTRA_SYNTHESIS_TOOL_MESSAGES_H_
#define LUTRA_SYNTHESIS_TOOL_MESSAGES_H_

#include <string>
#include <vector>

namespace lutra::synth {

enum class Tool { kYosys, kOpenSta };  ///< abc speaks through Yosys

/// The lines of a tool's output that are warnings or errors and not known to be harmless. Each kind
/// that is known stands, with the reason, in tool_messages.cc.
std::vector<std::string> unknown_messages(Tool tool, const std::string& output);

/// Throws Error(kUnimplemented) quoting the tool and the line where there is such a line. `where`
/// is what the tool was at, for the text's beginning.
void refuse_unknown_messages(Tool tool, const std::string& output, const std::string& where);

}  // namespace lutra::synth

#endif  // LUTRA_SYNTHESIS_TOOL_MESSAGES_H_
