#include "lutra/netlist/netlist.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "lutra/base/error.h"
#include "lutra/base/files.h"

namespace lutra::synth {
namespace {

using Json = nlohmann::ordered_json;  // keeps the ports in order of declaration

class Builder {
 public:
  Builder(const std::string& where, std::vector<std::string>* net_names,
          std::vector<std::string>* net_sources)
      : where_(where), net_names_(net_names), net_sources_(net_sources) {
    net_names_->assign({"constant 0", "constant 1"});
    net_sources_->resize(2);
  }

  [[noreturn]] void fail(const std::string& what) const { fail_at(where_, what); }
  [[noreturn]] static void fail_at(const std::string& where, const std::string& what,
                                   ErrorKind kind = ErrorKind::kInvalidArgument) {
    throw Error(kind, fmt::format("{}: {}", where, what));
  }

  /// `file:line` of an entry, from Yosys' "file:line.column-line.column|..."; otherwise the
  /// context.
  std::string location(const Json& entry) const {
    const auto attributes = entry.find("attributes");
    if (attributes == entry.end() || !attributes->contains("src")) return where_;
    const std::string src = attributes->at("src").get<std::string>();
    const std::string first = src.substr(0, src.find('|'));
    const std::size_t colon = first.rfind(':');
    return colon == std::string::npos ? where_ : first.substr(0, first.find('.', colon));
  }

  void name_nets(const Json& netnames) {
    for (const auto& [name, entry] : netnames.items()) {
      const Json& bits = entry.at("bits");
      for (std::size_t i = 0; i < bits.size(); ++i) {
        if (!bits[i].is_number_integer()) continue;
        const std::string full = bits.size() > 1 ? fmt::format("{}[{}]", name, i) : name;
        const int net = net_of(bits[i], "");
        std::string& known = (*net_names_)[net];
        // A name that the user gave wins over one that Yosys made up.
        if (known.empty() || (entry.value("hide_name", 0) == 0 && known[0] == '$')) {
          known = full;
          const std::string at = location(entry);
          if (at != where_) (*net_sources_)[net] = at;
        }
      }
    }
  }

  int net_of(const Json& bit, const std::string& what, const std::string& where = "") {
    if (bit.is_string()) {
      const std::string text = bit.get<std::string>();
      if (text == "0") return Netlist::kZero;
      if (text == "1") return Netlist::kOne;
      fail_at(where.empty() ? where_ : where,
              fmt::format("{} is {}, expected a driven net", what,
                          text == "z" ? "floating (z)" : "undriven or undefined (x)"));
    }
    const auto [found, inserted] =
        nets_.emplace(bit.get<int>(), static_cast<int>(net_names_->size()));
    if (inserted) {
      net_names_->emplace_back();
      net_sources_->emplace_back();
    }
    return found->second;
  }

  int new_net(const std::string& name) {
    net_names_->push_back(name);
    net_sources_->emplace_back();
    return static_cast<int>(net_names_->size()) - 1;
  }

 private:
  std::string where_;
  std::vector<std::string>* net_names_;
  std::vector<std::string>* net_sources_;
  std::unordered_map<int, int> nets_;
};

}  // namespace

Netlist Netlist::read_json(const std::filesystem::path& path, const Liberty& liberty,
                           const std::string& top, const std::string& context) {
  const std::string where = context.empty() ? path.string() : context;
  Netlist netlist;
  Builder builder(where, &netlist.net_names_, &netlist.net_sources_);
  try {
    const Json root = Json::parse(base::read_file(path));
    const Json& modules = root.at("modules");
    if (modules.empty()) builder.fail("the netlist holds no module");
    if (top.empty() && modules.size() != 1) {
      builder.fail(fmt::format("the netlist holds {} modules, expected one", modules.size()));
    }
    netlist.name_ = top.empty() ? modules.begin().key() : top;
    if (!modules.contains(netlist.name_)) {
      builder.fail(fmt::format("no module {}", netlist.name_));
    }
    const Json& module = modules.at(netlist.name_);
    const Json& netnames = module.at("netnames");
    builder.name_nets(netnames);

    for (const auto& [name, entry] : module.at("ports").items()) {
      NetlistPort port;
      port.name = name;
      const std::string direction = entry.at("direction").get<std::string>();
      if (direction == "inout") {
        throw Error(ErrorKind::kUnimplemented,
                    fmt::format("{}: port {} is an inout, expected input or output", where, name));
      }
      port.is_input = direction == "input";
      const Json& bits = entry.at("bits");
      for (std::size_t i = 0; i < bits.size(); ++i) {
        port.nets.push_back(builder.net_of(
            bits[i], fmt::format("bit {} of port {}", i, name),
            netnames.contains(name) ? builder.location(netnames.at(name)) : std::string()));
      }
      netlist.ports_.push_back(std::move(port));
    }

    for (const auto& [name, entry] : module.at("cells").items()) {
      const std::string type_name = entry.at("type").get<std::string>();
      NetlistCell cell;
      cell.name = name;
      cell.type = liberty.find_cell(type_name);
      const std::string at = builder.location(entry);
      if (cell.type == nullptr) {
        if (type_name.find("LATCH") != std::string::npos) {
          builder.fail_at(at,
                          fmt::format("the design holds a latch ({} {}); a value is not assigned "
                                      "on every path through an always block",
                                      type_name, name),
                          ErrorKind::kUnimplemented);
        }
        if (type_name[0] == '$') {
          builder.fail_at(at, fmt::format("the netlist holds logic that is no cell ({}), expected "
                                          "instances of cells of the library {}",
                                          type_name, liberty.name()));
        }
        builder.fail_at(at, fmt::format("cell {} is a {}, which the library {} does not hold", name,
                                        type_name, liberty.name()));
      }
      if (!cell.type->unsupported.empty()) {
        builder.fail_at(at,
                        fmt::format("cell {} is a {}: {}", name, type_name, cell.type->unsupported),
                        ErrorKind::kUnimplemented);
      }
      const Json& connections = entry.at("connections");
      std::size_t used = 0;
      for (const LibertyPin& pin : cell.type->pins) {
        const auto found = connections.find(pin.name);
        if (found == connections.end() || found->empty()) {
          if (pin.direction == LibertyPin::Direction::kInput) {
            builder.fail_at(
                at, fmt::format("input {} of cell {} ({}) is open", pin.name, name, type_name));
          }
          cell.nets.push_back(builder.new_net(fmt::format("{}.{}", name, pin.name)));
          used += found != connections.end();
          continue;
        }
        if (found->size() != 1) {
          builder.fail_at(
              at, fmt::format("pin {} of cell {} has {} bits", pin.name, name, found->size()));
        }
        cell.nets.push_back(
            builder.net_of((*found)[0], fmt::format("pin {} of cell {}", pin.name, name), at));
        ++used;
      }
      if (used != connections.size()) {
        builder.fail_at(
            at, fmt::format("cell {} connects a pin that {} does not have", name, type_name));
      }
      netlist.cells_.push_back(std::move(cell));
    }
  } catch (const nlohmann::json::exception& error) {
    builder.fail(fmt::format("not a Yosys netlist: {}", error.what()));
  }

  for (std::size_t i = 0; i < netlist.net_names_.size(); ++i) {
    if (netlist.net_names_[i].empty()) netlist.net_names_[i] = fmt::format("net {}", i);
  }

  // Exactly one driver a net.
  const auto fail_on = [&](int net, const std::string& what) {
    const std::string& source = netlist.net_sources_[net];
    Builder::fail_at(source.empty() ? where : source, what);
  };
  std::vector<char> driven(netlist.net_names_.size(), 0);
  driven[kZero] = driven[kOne] = 1;
  const auto drive = [&](int net) {
    if (driven[net]) fail_on(net, fmt::format("{} has two drivers", netlist.net_names_[net]));
    driven[net] = 1;
  };
  for (const NetlistPort& port : netlist.ports_) {
    if (!port.is_input) continue;
    for (const int net : port.nets) drive(net);
  }
  for (const NetlistCell& cell : netlist.cells_) {
    for (std::size_t p = 0; p < cell.nets.size(); ++p) {
      if (cell.type->pins[p].direction == LibertyPin::Direction::kOutput) drive(cell.nets[p]);
    }
  }
  for (const NetlistPort& port : netlist.ports_) {
    for (std::size_t i = 0; i < port.nets.size(); ++i) {
      if (!driven[port.nets[i]]) {
        fail_on(port.nets[i], fmt::format("bit {} of output {} is not driven", i, port.name));
      }
    }
  }
  for (const NetlistCell& cell : netlist.cells_) {
    for (std::size_t p = 0; p < cell.nets.size(); ++p) {
      if (!driven[cell.nets[p]]) {
        fail_on(cell.nets[p],
                fmt::format("{}, which feeds pin {} of cell {}, is not driven",
                            netlist.net_names_[cell.nets[p]], cell.type->pins[p].name, cell.name));
      }
    }
  }
  return netlist;
}

const NetlistPort& Netlist::port(std::string_view port_name) const {
  std::string known;
  for (const NetlistPort& port : ports_) {
    if (port.name == port_name) return port;
    known += (known.empty() ? "" : ", ") + port.name;
  }
  throw Error(ErrorKind::kInvalidArgument,
              fmt::format("{}: no port {}, expected one of {}", name_, port_name, known));
}

bool Netlist::is_sequential() const {
  for (const NetlistCell& cell : cells_) {
    if (cell.type->flip_flop.has_value()) return true;
  }
  return false;
}

std::vector<double> Netlist::net_load_ff() const {
  std::vector<double> load(net_names_.size(), 0.0);
  for (const NetlistCell& cell : cells_) {
    for (std::size_t p = 0; p < cell.nets.size(); ++p) {
      load[cell.nets[p]] += cell.type->pins[p].capacitance_ff;
    }
  }
  return load;
}

double Netlist::area_um2() const {
  double sum = 0;
  for (const NetlistCell& cell : cells_) sum += cell.type->area_um2;
  return sum;
}

double Netlist::leakage_nw() const {
  double sum = 0;
  for (const NetlistCell& cell : cells_) sum += cell.type->leakage_nw;
  return sum;
}

std::string with_own_names(std::string json_text, const Liberty& liberty) {
  std::map<std::string, const LibertyCell*> renamed;
  std::set<std::string> supplies;
  for (const auto& [name, cell] : liberty.cells()) {
    bool differs = cell.tool_name != name;
    for (const LibertyPin& pin : cell.pins) differs = differs || pin.tool_name != pin.name;
    if (differs) renamed[cell.tool_name] = &cell;
    for (const std::string& supply : cell.supply_pins) supplies.insert(supply);
  }
  const bool has_supplies =
      std::any_of(supplies.begin(), supplies.end(), [&json_text](const std::string& name) {
        return json_text.find('"' + name + '"') != std::string::npos;
      });
  if (renamed.empty() && !has_supplies) return json_text;
  Json root = Json::parse(json_text);
  for (auto& [module_name, module] : root.at("modules").items()) {
    for (auto& [cell_name, entry] : module.at("cells").items()) {
      const std::string type = entry.at("type").get<std::string>();
      const auto found = renamed.find(type);
      const LibertyCell* cell = found != renamed.end() ? found->second : liberty.find_cell(type);
      if (cell == nullptr) continue;
      entry["type"] = cell->name;
      for (const char* part : {"connections", "port_directions"}) {
        if (!entry.contains(part)) continue;
        Json own = Json::object();
        for (const auto& [pin_name, value] : entry.at(part).items()) {
          const std::vector<std::string>& power = cell->supply_pins;
          if (std::find(power.begin(), power.end(), pin_name) != power.end()) continue;
          std::string own_name = pin_name;
          for (const LibertyPin& pin : cell->pins) {
            if (pin.tool_name == pin_name) own_name = pin.name;
          }
          own[own_name] = value;
        }
        entry[part] = std::move(own);
      }
    }
  }
  return root.dump(2) + "\n";
}

VerilogNetNames Netlist::verilog_net_names() const {
  // A net is called after the first port bit on it, or else n<number>.
  VerilogNetNames names;
  names.nets.resize(net_names_.size());
  names.nets[kZero] = "1'b0";
  names.nets[kOne] = "1'b1";
  for (const bool input_pass : {true, false}) {
    int bits = 0;
    for (const NetlistPort& port : ports_) {
      if (port.is_input != input_pass) continue;
      for (const int net : port.nets) {
        names.ports.emplace_back(fmt::format("{}{}", input_pass ? 'i' : 'o', bits++), net);
        if (names.nets[net].empty()) names.nets[net] = names.ports.back().first;
      }
    }
  }
  for (std::size_t net = 0; net < names.nets.size(); ++net) {
    if (names.nets[net].empty()) names.nets[net] = fmt::format("n{}", net);
  }
  return names;
}

std::string Netlist::verilog(const std::string& module, LibertyNames names_of_cells) const {
  const auto name_of = [&](const auto& named) {
    return names_of_cells == LibertyNames::kTool ? named.tool_name : verilog_identifier(named.name);
  };
  const VerilogNetNames verilog_names = verilog_net_names();
  const std::vector<std::string>& names = verilog_names.nets;
  std::set<int> port_nets = {kZero, kOne};
  std::string mapped_ports;
  std::string shell_ports;
  std::string connections;
  std::string directions;
  std::string assignments;
  auto mapped_port = verilog_names.ports.begin();
  const auto append = [](std::string& list, const std::string& item) {
    list += (list.empty() ? "" : ", ") + item;
  };
  for (const bool input_pass : {true, false}) {
    for (const NetlistPort& port : ports_) {
      if (port.is_input != input_pass) continue;
      const std::string range =
          port.width() > 1 ? fmt::format("[{}:0] ", port.width() - 1) : std::string();
      const std::string port_name = verilog_name(port.name);
      append(shell_ports, port_name);
      directions +=
          fmt::format("  {} {}{};\n", port.is_input ? "input" : "output", range, port_name);
      for (int bit = 0; bit < port.width(); ++bit) {
        const auto& [name, net] = *mapped_port++;
        append(mapped_ports, fmt::format("{} {}", port.is_input ? "input" : "output", name));
        connections +=
            fmt::format("{}    .{}({}{})", connections.empty() ? "" : ",\n", name, port_name,
                        port.width() > 1 ? fmt::format("[{}]", bit) : std::string());
        port_nets.insert(net);
        if (name != names[net]) assignments += fmt::format("  assign {} = {};\n", name, names[net]);
      }
    }
  }
  std::string wires;
  for (std::size_t net = 0; net < names.size(); ++net) {
    if (port_nets.count(static_cast<int>(net)) > 0) continue;
    wires += fmt::format("  wire {};\n", names[net]);
  }
  std::string instances;
  for (std::size_t c = 0; c < cells_.size(); ++c) {
    std::string pins;
    for (std::size_t p = 0; p < cells_[c].nets.size(); ++p) {
      append(pins,
             fmt::format(".{}({})", name_of(cells_[c].type->pins[p]), names[cells_[c].nets[p]]));
    }
    instances += fmt::format("  {} u{} ({});\n", name_of(*cells_[c].type), c, pins);
  }
  return fmt::format(
      "module {0}_mapped ({1});\n{2}{3}{4}endmodule\n\n"
      "module {0} ({5});\n{6}  {0}_mapped u_mapped (\n{7}\n  );\nendmodule\n",
      module.empty() ? name_ : module, mapped_ports, wires, instances, assignments, shell_ports,
      directions, connections);
}

std::map<std::string, int> Netlist::cell_counts() const {
  std::map<std::string, int> counts;
  for (const NetlistCell& cell : cells_) ++counts[cell.type->name];
  return counts;
}

std::string verilog_name(const std::string& name) {
  const auto all = [&](auto holds) { return std::all_of(name.begin(), name.end(), holds); };
  if (name.empty() || !all([](char c) { return c > ' ' && c < 127; })) {
    std::string shown = name;
    for (char& c : shown) {
      if (c < ' ' || c > '~') c = '?';
    }
    throw Error(ErrorKind::kUnimplemented, fmt::format("'{}' cannot be a name in Verilog", shown));
  }
  return verilog_identifier(name);
}

}  // namespace lutra::synth
