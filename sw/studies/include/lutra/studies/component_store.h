#ifndef LUTRA_STUDIES_COMPONENT_STORE_H_
#define LUTRA_STUDIES_COMPONENT_STORE_H_

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lutra/component/component.h"
#include "lutra/data/dataset.h"
#include "lutra/graph/assignment.h"
#include "lutra/graph/network.h"
#include "lutra/graph/quantised_network.h"
#include "lutra/runtime/evaluate.h"

namespace lutra::studies {

/// How a store makes components.
struct ComponentStoreOptions {
  synth::LibertyFiles liberty;    ///< empty: the default
  std::filesystem::path folder;   ///< what relative paths are relative to; empty: working directory
  synth::VerilogReading reading;  ///< of Verilog files
  bool allow_unchecked = false;   ///< take netlists that were not compared with their source
  std::function<void(const std::string&)> progress;  ///< one call at a time
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

  /// get() of all, `jobs` at a time (0: one a core).
  /// @throws as get() of the first that fails
  void prepare(const std::vector<std::string>& names, int jobs);

  /// What a command line in any directory calls this component of get().
  const std::string& word_of(const synth::Component& component) const;

 private:
  struct Held {
    std::unique_ptr<synth::Component> component;
    std::string word;
  };
  struct Named;
  using Progress = std::function<void(const std::string&)>;
  Named parse(const std::string& name) const;
  Held make(const Named& named, const Progress& progress) const;

  ComponentStoreOptions options_;
  std::map<std::string, Held> components_;  ///< by Component::name, unique in a store
};

/// One multiplier for the sites that patterns name (graph::Match), `rest` for the others that run
/// on the array, and exact in the squash unit. With no patterns: all that run on the array.
/// @param overrides  "pattern=multiplier", which win
/// @throws Error kInvalidArgument for a pattern that names no site of the network, or two
///         multipliers for one site
graph::Assignment assign(const graph::Network& network, ComponentStore* store,
                         const std::string& multiplier, const std::vector<std::string>& patterns,
                         const std::vector<std::string>& overrides = {},
                         const std::string& rest = "exact");

/// The same from pairs of pattern and multiplier.
graph::Assignment assign(const graph::Network& network, ComponentStore* store,
                         const std::map<std::string, std::string>& multipliers,
                         const std::string& rest = "exact");

/// Operation or site -> component name, as Assignment::by_label() gives them.
nlohmann::json names(const graph::Assignment& assignment);

/// What tells its multipliers apart: component name -> `lut_sha256`, `mae`, `wce`, `ep`, `bias`.
nlohmann::json multipliers(const graph::Assignment& assignment);

/// Which of the first images are right, by image: "1" or "0".
std::string right_text(const runtime::EvaluateResult& result);

/// The same with the exact multiplier in all operations. Kept in default_cache_dir()/accuracy under
/// the content of network, data and options.
/// @param model  the network's directory
std::string right_with_exact(const std::filesystem::path& model,
                             const graph::QuantisedNetwork& network, const data::Dataset& data,
                             ComponentStore* store, const runtime::EvaluateOptions& options);

}  // namespace lutra::studies

#endif  // LUTRA_STUDIES_COMPONENT_STORE_H_
