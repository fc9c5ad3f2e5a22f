#include "attributes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "lutra/base/error.h"

namespace lutra::graph {

using nlohmann::json;

Attributes::Attributes(const json& attributes, std::string where)
    : json_(attributes), where_(std::move(where)) {
  if (json_.is_object()) return;
  throw Error(ErrorKind::kInvalidArgument,
              fmt::format("{}: attributes are {}, expected an object", where_, json_.dump()));
}

const json* Attributes::find(const std::string& name) {
  read_.insert(name);
  const auto found = json_.find(name);
  return found == json_.end() ? nullptr : &*found;
}

const json& Attributes::need(const std::string& name) {
  if (const json* found = find(name)) return *found;
  throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: no attribute {}", where_, name));
}

void Attributes::refuse(const std::string& name, const json& found,
                        const std::string& expected) const {
  throw Error(ErrorKind::kInvalidArgument,
              fmt::format("{}: attribute {} is {}, expected {}", where_, name,
                          found.dump(-1, ' ', false, json::error_handler_t::replace), expected));
}

int Attributes::checked(const std::string& name, const json& value, int least, int most) const {
  const std::string expected = fmt::format("an integer in {}..{}", least, most);
  if (!value.is_number_integer()) refuse(name, value, expected);
  if (value.is_number_unsigned() && value.get<uint64_t>() > INT32_MAX) {
    refuse(name, value, expected);
  }
  const auto number = value.get<int64_t>();
  if (number < least || number > most) refuse(name, value, expected);
  return static_cast<int>(number);
}

int Attributes::integer(const std::string& name, int least, int most) {
  return checked(name, need(name), least, most);
}

int Attributes::integer(const std::string& name, int least, int most, int otherwise) {
  const json* found = find(name);
  return found == nullptr ? otherwise : checked(name, *found, least, most);
}

std::vector<int> Attributes::integers(const std::string& name, size_t count, int least, int most) {
  return list(name, count, count, least, most);
}

std::vector<int> Attributes::list(const std::string& name, size_t least_count, size_t most_count,
                                  int least, int most) {
  const json& found = need(name);
  if (!found.is_array() || found.size() < least_count || found.size() > most_count) {
    refuse(name, found,
           least_count == most_count
               ? fmt::format("a list of {} integers", least_count)
               : fmt::format("a list of {} to {} integers", least_count, most_count));
  }
  std::vector<int> result;
  for (const json& value : found) result.push_back(checked(name, value, least, most));
  return result;
}

std::vector<int> Attributes::integers(const std::string& name, size_t count, int least, int most,
                                      std::vector<int> otherwise) {
  return find(name) == nullptr ? std::move(otherwise) : integers(name, count, least, most);
}

bool Attributes::boolean(const std::string& name, bool otherwise) {
  const json* found = find(name);
  if (found == nullptr) return otherwise;
  if (!found->is_boolean()) refuse(name, *found, "true or false");
  return found->get<bool>();
}

std::string Attributes::one_of(const std::string& name, const std::vector<std::string>& allowed,
                               const std::string& otherwise) {
  const json* found = find(name);
  if (found == nullptr) return otherwise;
  const bool is_allowed =
      found->is_string() &&
      std::find(allowed.begin(), allowed.end(), found->get<std::string>()) != allowed.end();
  if (!is_allowed) refuse(name, *found, fmt::format("one of: {}", fmt::join(allowed, ", ")));
  return found->get<std::string>();
}

void Attributes::end() const {
  for (const auto& [name, value] : json_.items()) {
    if (read_.count(name) > 0) continue;
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: unknown attribute {}, expected {}", where_, name,
                            read_.empty() ? "none" : fmt::format("{}", fmt::join(read_, ", "))));
  }
}

}  // namespace lutra::graph
