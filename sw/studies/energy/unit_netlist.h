#ifndef LUTRA_STUDIES_ENERGY_UNIT_NETLIST_H_
#define LUTRA_STUDIES_ENERGY_UNIT_NETLIST_H_

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lutra/netlist/liberty.h"
#include "lutra/netlist/netlist.h"
#include "lutra/netlist/netlist_simulator.h"

namespace lutra::studies {

/// A unit of rtl/capsnet as a mapped netlist, ready to be simulated.
class UnitNetlist {
 public:
  /// Synthesises, or finds the netlist in the cache.
  /// @param files   absolute, in reading order
  /// @param notice  hears that a kept netlist is damaged, and made again; may be null
  UnitNetlist(const std::vector<std::filesystem::path>& files, const std::string& top,
              const synth::LibertyFiles& liberty, const std::filesystem::path& cache_dir,
              const std::function<void(const std::string&)>& notice = nullptr);

  const synth::Netlist& netlist() const { return *netlist_; }
  const synth::Liberty& liberty() const { return *liberty_; }
  const synth::NetlistPort& port(const std::string& name) const { return netlist_->port(name); }
  double area_um2() const { return netlist_->area_um2(); }
  /// At which tables are read: the library's fan-out-of-four slew.
  double slew_ns() const { return slew_ns_; }

 private:
  std::unique_ptr<synth::Liberty> liberty_;
  std::unique_ptr<synth::Netlist> netlist_;
  double slew_ns_ = 0;
};

/// Sets a port of any width, little-endian bytes, in one lane.
void set_wide_input(synth::NetlistSimulator* simulator, const synth::NetlistPort& port, int lane,
                    const std::vector<uint8_t>& bytes);

}  // namespace lutra::studies

#endif  // LUTRA_STUDIES_ENERGY_UNIT_NETLIST_H_
