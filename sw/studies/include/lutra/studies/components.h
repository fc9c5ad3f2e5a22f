#ifndef LUTRA_STUDIES_COMPONENTS_H_
#define LUTRA_STUDIES_COMPONENTS_H_

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "lutra/component/component.h"
#include "lutra/cosim/cosim.h"
#include "lutra/network/inference.h"
#include "lutra/network/network.h"
#include "lutra/studies/energy.h"

namespace lutra::studies {

/// How a store makes components.
struct ComponentStoreOptions {
  synth::LibertyFiles liberty;    ///< empty: the default
  std::filesystem::path folder;   ///< what relative paths are relative to; empty: working directory
  synth::VerilogReading reading;  ///< of Verilog files
  bool allow_unchecked = false;   ///< take netlists that were not compared with their source
  std::function<void(const std::string&)> progress;
};

/// Components by the name that a user gives them (synth::MultiplierReference). Each is
/// characterised once, and then its table's checksum and errors, and how it was checked, are
/// reported as progress.
class ComponentStore {
 public:
  explicit ComponentStore(ComponentStoreOptions options) : options_(std::move(options)) {}

  /// A signed 8x8 component, its `name` the library's or as given; unsigned Verilog files and
  /// tables get the sign-magnitude shell.
  /// @throws as synth::signed_component_of and synth::need_check
  const synth::Component& get(const std::string& name);

  /// What a command line in any directory calls this component of get().
  const std::string& word_of(const synth::Component& component) const;

 private:
  struct Held {
    std::unique_ptr<synth::Component> component;
    std::string word;
  };
  ComponentStoreOptions options_;
  std::map<std::string, Held> components_;  ///< by Component::name, unique in a store
};

/// Whether an operation's products come from the PE array; the others' from the squash unit.
bool runs_on_array(const std::string& operation);

/// One multiplier for the operations named, `rest` for the others that run on the array, and exact
/// in the squash unit. With no operations named: all that run on the array.
/// @param overrides  "operation=multiplier", which win
/// @throws Error kInvalidArgument for an operation that the network lacks
ComponentAssignment assign(const network::Network& network, ComponentStore* store,
                           const std::string& multiplier,
                           const std::vector<std::string>& operations,
                           const std::vector<std::string>& overrides = {},
                           const std::string& rest = "exact");

/// The same from operation -> multiplier pairs.
ComponentAssignment assign(const network::Network& network, ComponentStore* store,
                           const std::map<std::string, std::string>& multipliers,
                           const std::string& rest = "exact");

/// The distinct components of an assignment and who uses which.
cosim::CosimAssignment cosim_assignment(const ComponentAssignment& assignment);

/// The tables of an assignment, for the engine.
network::Assignment tables(const ComponentAssignment& assignment);

/// Operation -> component name.
std::map<std::string, std::string> names(const ComponentAssignment& assignment);

/// What tells its multipliers apart: component name -> `lut_sha256`, `mae`, `wce`, `ep`, `bias`.
nlohmann::json multipliers(const ComponentAssignment& assignment);

/// Which of the first images are right, by image: "1" or "0".
std::string right_text(const network::EvaluateResult& result);

/// The same with the exact multiplier in all operations. Kept in default_cache_dir()/accuracy under
/// the content of network, data and options.
/// @param model  the network's directory
std::string right_with_exact(const std::filesystem::path& model,
                             const network::QuantisedNetwork& network, const network::Dataset& data,
                             ComponentStore* store, const network::EvaluateOptions& options);

}  // namespace lutra::studies

#endif  // LUTRA_STUDIES_COMPONENTS_H_
