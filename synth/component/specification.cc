#include "lutra/component/specification.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "lutra/base/error.h"

namespace lutra::synth {
namespace {

[[noreturn]] void fail(const std::string& spec, const std::string& what) {
  throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: {}", spec, what));
}

long parse_integer(const std::string& spec, const std::string& name, const std::string& text) {
  char* end = nullptr;
  errno = 0;
  const long value = std::strtol(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || errno != 0) {
    fail(spec, fmt::format("{} = \"{}\", expected an integer", name, text));
  }
  return value;
}

}  // namespace

std::string MultiplierSpec::canonical() const {
  std::string text = family->name;
  char separator = ':';
  const auto add = [&](const std::string& name, long value) {
    text += fmt::format("{}{}={}", separator, name, value);
    separator = ',';
  };
  for (const auto& [name, value] : parameters) add(name, value);
  if (width != 8) add("width", width);
  if (!is_signed) add("signed", 0);
  return text;
}

MultiplierSpec parse_multiplier_spec(const std::string& spec) {
  const std::size_t colon = spec.find(':');
  const std::string name = spec.substr(0, colon);
  MultiplierSpec parsed;
  parsed.family = find_family(name);
  if (parsed.family == nullptr) {
    fail(spec, fmt::format("no multiplier \"{}\" in the library, expected one of: {}", name,
                           family_names()));
  }
  const MultiplierFamily& family = *parsed.family;
  std::string known;
  for (const FamilyParameter& parameter : family.parameters) known += parameter.name + ", ";
  known += "width, signed";

  std::map<std::string, long> given;  // the family's own
  std::set<std::string> seen;
  if (colon != std::string::npos) {
    std::istringstream items(spec.substr(colon + 1));
    std::string item;
    bool any = false;
    while (std::getline(items, item, ',')) {
      any = true;
      const std::size_t equals = item.find('=');
      if (equals == std::string::npos) {
        fail(spec, fmt::format("\"{}\", expected name=value", item));
      }
      const std::string key = item.substr(0, equals);
      const long value = parse_integer(spec, key, item.substr(equals + 1));
      if (!seen.insert(key).second) fail(spec, fmt::format("{} is given twice", key));
      bool found = true;
      if (key == "width") {
        family.check_width(spec, value);
        parsed.width = static_cast<int>(value);
      } else if (key == "signed") {
        if (value != 0 && value != 1) fail(spec, fmt::format("signed = {}, expected 0..1", value));
        parsed.is_signed = value == 1;
      } else {
        found = false;
        for (const FamilyParameter& parameter : family.parameters) found |= parameter.name == key;
        given[key] = value;
      }
      if (!found) {
        fail(spec, fmt::format("no parameter \"{}\", expected one of: {}", key, known));
      }
    }
    if (!any || spec.back() == ',') {
      fail(spec, "a parameter is missing at the end, expected name=value");
    }
  }
  for (const FamilyParameter& parameter : family.parameters) {
    const auto chosen = given.find(parameter.name);
    const long value =
        chosen == given.end() ? parameter.default_value(parsed.width) : chosen->second;
    parameter.check(spec, value, parsed.width, parsed.parameters);
    parsed.parameters.emplace_back(parameter.name, value);
  }
  return parsed;
}

std::vector<std::string> expand_pattern(const std::string& pattern) {
  std::vector<std::string> specs;
  if (pattern == "all") {
    for (const MultiplierFamily& family : multiplier_families()) {
      for (std::string& spec : expand_pattern(family.name)) specs.push_back(std::move(spec));
    }
    return specs;
  }
  const std::size_t colon = pattern.find(':');
  const MultiplierFamily& family = *parse_multiplier_spec(pattern.substr(0, colon)).family;
  std::map<std::string, std::pair<long, long>> ranges = {{"width", {8, 8}}, {"signed", {1, 1}}};
  std::istringstream items(colon == std::string::npos ? "" : pattern.substr(colon + 1));
  for (std::string item; std::getline(items, item, ',');) {
    const std::size_t equals = item.find('=');
    if (equals == std::string::npos) {
      fail(pattern, fmt::format("\"{}\", expected name=value or name=first..last", item));
    }
    const std::string name = item.substr(0, equals);
    const std::string text = item.substr(equals + 1);
    const std::size_t dots = text.find("..");
    const long first = parse_integer(pattern, name, text.substr(0, dots));
    const long last =
        dots == std::string::npos ? first : parse_integer(pattern, name, text.substr(dots + 2));
    bool known = name == "width" || name == "signed";
    for (const FamilyParameter& parameter : family.parameters) known |= parameter.name == name;
    // The message of a wrong name is the specification's.
    if (!known) parse_multiplier_spec(fmt::format("{}:{}={}", family.name, name, first));
    if (last < first) fail(pattern, fmt::format("{} = {}: the range is empty", name, text));
    ranges[name] = {first, last};
  }
  const auto [first_width, last_width] = ranges.at("width");
  const auto [first_sign, last_sign] = ranges.at("signed");
  // Literals outside a family's limits are errors; so are ranges that hold nothing legal.
  for (const long end : {first_width, last_width}) {
    family.check_width(fmt::format("{}:width={}", family.name, end), end);
  }
  for (const long end : {first_sign, last_sign}) {
    parse_multiplier_spec(fmt::format("{}:signed={}", family.name, end));
  }
  for (long width = first_width; width <= last_width; ++width) {
    if (family.even_width_only && width % 2 != 0) continue;
    for (long sign = first_sign; sign <= last_sign; ++sign) {
      MultiplierSpec spec;
      spec.family = &family;
      spec.width = static_cast<int>(width);
      spec.is_signed = sign == 1;
      const std::function<void(std::size_t)> choose = [&](std::size_t index) {
        if (index == family.parameters.size()) {
          specs.push_back(spec.canonical());
          return;
        }
        const FamilyParameter& parameter = family.parameters[index];
        long low = parameter.minimum(spec.width, spec.parameters);
        long high = parameter.maximum(spec.width, spec.parameters);
        if (const auto given = ranges.find(parameter.name); given != ranges.end()) {
          low = std::max(low, given->second.first);
          high = std::min(high, given->second.second);
        }
        for (long value = low; value <= high; ++value) {
          spec.parameters.emplace_back(parameter.name, value);
          choose(index + 1);
          spec.parameters.pop_back();
        }
      };
      choose(0);
    }
  }
  if (specs.empty()) fail(pattern, "nothing legal in these ranges; see `lutra multipliers`");
  return specs;
}

std::vector<std::string> exact_designs() {
  std::vector<std::string> designs;
  // Before the exact settings of approximate families, what is always exact: signed, then unsigned.
  for (const auto& [has_parameters, is_signed] :
       {std::pair(false, true), {false, false}, {true, true}, {true, false}}) {
    for (const MultiplierFamily& family : multiplier_families()) {
      if (family.parameters.empty() == has_parameters) continue;
      for (const std::string& design : family.exact_designs) {
        if (parse_multiplier_spec(design).is_signed == is_signed) designs.push_back(design);
      }
    }
  }
  return designs;
}

}  // namespace lutra::synth
