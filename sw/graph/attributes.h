#ifndef LUTRA_GRAPH_ATTRIBUTES_H_
#define LUTRA_GRAPH_ATTRIBUTES_H_

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace lutra::graph {

/// Reads the attributes of a node. Every one may be read once; what is left is unknown.
/// All throw Error kInvalidArgument that names `where`, the attribute, what was found and what is
/// allowed.
class Attributes {
 public:
  Attributes(const nlohmann::json& json, std::string where);

  int integer(const std::string& name, int least, int most);
  int integer(const std::string& name, int least, int most, int otherwise);
  /// `count` integers.
  std::vector<int> integers(const std::string& name, size_t count, int least, int most,
                            std::vector<int> otherwise);
  std::vector<int> integers(const std::string& name, size_t count, int least, int most);
  /// At least `least_count` and at most `most_count` integers.
  std::vector<int> list(const std::string& name, size_t least_count, size_t most_count, int least,
                        int most);
  bool boolean(const std::string& name, bool otherwise);
  std::string one_of(const std::string& name, const std::vector<std::string>& allowed,
                     const std::string& otherwise);
  /// After the last one.
  void end() const;

 private:
  const nlohmann::json* find(const std::string& name);
  const nlohmann::json& need(const std::string& name);
  int checked(const std::string& name, const nlohmann::json& value, int least, int most) const;
  [[noreturn]] void refuse(const std::string& name, const nlohmann::json& found,
                           const std::string& expected) const;

  const nlohmann::json& json_;
  std::string where_;
  std::set<std::string> read_;
};

}  // namespace lutra::graph

#endif  // LUTRA_GRAPH_ATTRIBUTES_H_
