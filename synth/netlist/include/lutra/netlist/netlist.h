#ifndef LUTRA_NETLIST_NETLIST_H_
#define LUTRA_NETLIST_NETLIST_H_

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lutra/netlist/liberty.h"

namespace lutra::synth {

/// A port of a netlist; bits with the least significant first, each the number of a net.
struct NetlistPort {
  std::string name;
  bool is_input = false;
  std::vector<int> nets;
  int width() const { return static_cast<int>(nets.size()); }
};

/// One instance of a library cell; nets in the order of the cell's pins. An open output drives a
/// net of its own.
struct NetlistCell {
  std::string name;
  const LibertyCell* type = nullptr;
  std::vector<int> nets;
};

/// What the netlist's Verilog calls its nets.
struct VerilogNetNames {
  std::vector<std::string> nets;  ///< [net] in name()_mapped: i<n>, o<n>, n<net>, or a constant
  /// The ports of name()_mapped, one for each bit of the netlist's inputs, then of its outputs, in
  /// order of declaration: name and net. More than one may stand for one net.
  std::vector<std::pair<std::string, int>> ports;
};

/// A Yosys netlist whose cells and pins are called as for tools, under the library's own names and
/// without supply pins. The text itself where nothing differs.
std::string with_own_names(std::string json_text, const Liberty& liberty);

/// A flat netlist of library cells: Yosys' JSON, bound to a Liberty library that must outlive it.
class Netlist {
 public:
  static constexpr int kZero = 0;  ///< the net that is constant 0
  static constexpr int kOne = 1;   ///< the net that is constant 1

  /// Reads the module `top`, or the file's only module if `top` is empty. Error messages begin with
  /// the `file:line` that Yosys noted, or else with `context` (by default the path). Throws Error:
  /// kInvalidArgument on JSON that is not a Yosys netlist, on a cell that the library lacks, an
  /// undriven or doubly driven net, an undefined (x) or floating (z) bit; kUnimplemented on a
  /// latch, three-state or state-table cell.
  static Netlist read_json(const std::filesystem::path& path, const Liberty& liberty,
                           const std::string& top = "", const std::string& context = "");

  const std::string& name() const { return name_; }
  const std::vector<NetlistPort>& ports() const { return ports_; }  ///< in order of declaration
  const NetlistPort& port(std::string_view port_name) const;  ///< Error(kInvalidArgument) if absent
  const std::vector<NetlistCell>& cells() const { return cells_; }
  int net_count() const { return static_cast<int>(net_names_.size()); }
  const std::string& net_name(int net) const { return net_names_[net]; }
  /// Where the source declares the net, `file:line`; empty where nobody knows.
  const std::string& net_source(int net) const { return net_sources_[net]; }
  bool is_sequential() const;

  /// Load of each net in fF: the capacitance of the pins on it. No wires, no load on outputs.
  std::vector<double> net_load_ff() const;
  double area_um2() const;
  double leakage_nw() const;
  /// The netlist in Verilog: the module name() with its vector ports around name()_mapped, whose
  /// nets and ports are single bits (Verilator 5.006 mis-simulates vectors that are driven bit by
  /// bit and read back; OpenSTA takes no concatenations).
  /// @param module  name of the module instead of name(), if not empty
  /// @param names   of cells and pins: the library's own, escaped where they must be, or those for
  ///                tools
  std::string verilog(const std::string& module = "",
                      LibertyNames names = LibertyNames::kOwn) const;
  /// The names that verilog() gives nets and ports; instance n of cells() is u<n> there.
  VerilogNetNames verilog_net_names() const;
  /// Number of instances of each cell type, by name.
  std::map<std::string, int> cell_counts() const;

 private:
  std::string name_;
  std::vector<NetlistPort> ports_;
  std::vector<NetlistCell> cells_;
  std::vector<std::string> net_names_;
  std::vector<std::string> net_sources_;
};

/// A name as Verilog takes it: escaped where it is no simple identifier. Throws
/// Error(kUnimplemented) for what no identifier can hold.
std::string verilog_name(const std::string& name);

}  // namespace lutra::synth

#endif  // LUTRA_NETLIST_NETLIST_H_
