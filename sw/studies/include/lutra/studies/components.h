#ifndef LUTRA_STUDIES_COMPONENTS_H_
#define LUTRA_STUDIES_COMPONENTS_H_

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "lutra/cosim/cosim.h"
#include "lutra/network/inference.h"
#include "lutra/network/network.h"
#include "lutra/studies/energy.h"
#include "lutra/synth/component.h"

namespace lutra::studies {

/// Components by the name that a user gives them: a specification of the library
/// ("drum:kept_bits=4"), a Verilog file, a table (`.npy`, `.bin`), or a component's directory. Each
/// is characterised once, and then its table's checksum and errors are reported as progress.
class ComponentStore {
 public:
  /// @param liberty  empty: the default
  ComponentStore(std::filesystem::path liberty, std::function<void(const std::string&)> progress)
      : liberty_(std::move(liberty)), progress_(std::move(progress)) {}

  /// A signed 8x8 component; an unsigned Verilog file or table ("FILE:signed=0") gets the
  /// sign-magnitude shell.
  /// @throws as synth::characterize and synth::import_table
  const synth::Component& get(const std::string& name);

  /// The name under which get() returned this component: what a command line calls it.
  const std::string& name_of(const synth::Component& component) const;

 private:
  std::filesystem::path liberty_;
  std::function<void(const std::string&)> progress_;
  std::map<std::string, std::unique_ptr<synth::Component>> components_;
};

/// One multiplier for the operations named, exact for the others. With no operations named: all
/// that run on the array, that is all but squash.mac and class.mac.
/// @param overrides  "operation=multiplier", which win
/// @throws Error kUsage for an operation that the network lacks
ComponentAssignment assign(const network::Network& network, ComponentStore* store,
                           const std::string& multiplier,
                           const std::vector<std::string>& operations,
                           const std::vector<std::string>& overrides = {});

/// The same from operation -> multiplier pairs; operations not named are exact.
ComponentAssignment assign(const network::Network& network, ComponentStore* store,
                           const std::map<std::string, std::string>& multipliers);

/// The distinct components of an assignment and who uses which.
cosim::CosimAssignment cosim_assignment(const ComponentAssignment& assignment);

/// The tables of an assignment, for the engine.
network::Assignment tables(const ComponentAssignment& assignment);

/// Operation -> component name.
std::map<std::string, std::string> names(const ComponentAssignment& assignment);

/// What tells its multipliers apart: component name -> `lut_sha256`, `mae`, `wce`, `ep`, `bias`.
nlohmann::json multipliers(const ComponentAssignment& assignment);

}  // namespace lutra::studies

#endif  // LUTRA_STUDIES_COMPONENTS_H_
