#ifndef LUTRA_NETLIST_LIBERTY_NAMES_H_
#define LUTRA_NETLIST_LIBERTY_NAMES_H_

#include <set>
#include <string>
#include <string_view>

namespace lutra::synth {

/// The names that a Liberty text is written with: the library's own, or such as every tool takes.
enum class LibertyNames { kOwn, kTool };

/// Whether a name is an identifier in Verilog, Liberty and Tcl alike, and no keyword.
bool is_plain_identifier(std::string_view name);
/// A name in Verilog: as it is, or escaped.
std::string verilog_identifier(const std::string& name);
/// `name` if it is a plain identifier and not among `taken`; otherwise one made from it. It is
/// taken then.
std::string unique_plain_name(const std::string& name, std::set<std::string>* taken);

}  // namespace lutra::synth

#endif  // LUTRA_NETLIST_LIBERTY_NAMES_H_
