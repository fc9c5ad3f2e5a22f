#ifndef LUTRA_GRAPH_ASSIGNMENT_H_
#define LUTRA_GRAPH_ASSIGNMENT_H_

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "lutra/component/component.h"
#include "lutra/graph/network.h"
#include "lutra/graph/site.h"

namespace lutra::graph {

/// Which component multiplies at which site of a network: the one such thing in the program, from
/// the command line to the select lines of the RTL. A component's number is its index in
/// components(): that of the engine's tables, of the program's `sel` and of the RTL's multiplier.
class Assignment {
 public:
  /// The exact product at each site, without a component.
  explicit Assignment(const Network& network);

  /// Gives `component`, which must outlive this, to every site that `pattern` names and that no
  /// closer pattern (Match) has named before or names later; null: the exact product.
  /// @throws Error kInvalidArgument where the pattern names no site, with the sites that there are,
  ///         or another one as close as it has given the site another component
  void set(const std::string& pattern, const synth::Component* component);
  /// Gives `component` to every site that set() was not called for.
  /// @param on_array  only to those with this value of Site::on_array
  void set_rest(bool on_array, const synth::Component* component);

  const std::vector<Site>& sites() const { return sites_; }
  const synth::Component* at(size_t site) const { return components_[numbers_[site]]; }
  /// The component's number at a site.
  int number(size_t site) const { return static_cast<int>(numbers_[site]); }
  /// Distinct, in the order of their first sites; null stands for the exact product.
  const std::vector<const synth::Component*>& components() const { return components_; }

  bool operator==(const Assignment& other) const {
    return numbers_ == other.numbers_ && components_ == other.components_;
  }

  /// The site's operation (Site::operation_name()) where all of its sites have one component, else
  /// the site's name: the shortest patterns that make the same assignment.
  std::string label(size_t site) const;

  /// Label -> what `value` gives for the component there; every site must have one.
  template <typename Value>
  nlohmann::json by_label(const Value& value) const {
    nlohmann::json result = nlohmann::json::object();
    for (size_t site = 0; site < sites_.size(); ++site) result[label(site)] = value(*at(site));
    return result;
  }

 private:
  struct Given {
    Match match = Match::kNone;
    std::string pattern;
    const synth::Component* component = nullptr;
  };
  void number_components();

  std::string network_;
  std::vector<Site> sites_;
  std::vector<Given> given_;                         ///< by site
  std::vector<size_t> numbers_;                      ///< by site
  std::vector<const synth::Component*> components_;  ///< by number
};

}  // namespace lutra::graph

#endif  // LUTRA_GRAPH_ASSIGNMENT_H_
