#include "lutra/component/multiplier_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "families/bits.h"
#include "lutra/base/error.h"
#include "lutra/component/multiplier_family.h"

namespace lutra::synth {
namespace {

[[noreturn]] void fail(const std::string& family, const std::string& what) {
  throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: {}", family, what));
}

FamilySetting checked(const MultiplierFamily& family, const ParameterValues& parameters,
                      int width) {
  family.check_width(family.name, width);
  std::string known;
  for (const FamilyParameter& parameter : family.parameters) {
    known += fmt::format("{}{}", known.empty() ? "" : ", ", parameter.name);
  }
  for (const auto& [name, value] : parameters) {
    if (std::none_of(family.parameters.begin(), family.parameters.end(),
                     [given = name](const FamilyParameter& p) { return given == p.name; })) {
      fail(family.name,
           fmt::format("no parameter \"{}\", expected {}", name, known.empty() ? "none" : known));
    }
  }
  FamilySetting setting{width, {}};
  for (const FamilyParameter& parameter : family.parameters) {
    std::vector<long> given;
    for (const auto& [name, value] : parameters) {
      if (name == parameter.name) given.push_back(value);
    }
    if (given.size() != 1) {
      fail(family.name, fmt::format("{} is given {} times, expected once, {}..{}", parameter.name,
                                    given.size(), parameter.minimum(width, setting.parameters),
                                    parameter.maximum(width, setting.parameters)));
    }
    parameter.check(family.name, given[0], width, setting.parameters);
    setting.parameters.emplace_back(parameter.name, given[0]);
  }
  return setting;
}

/// The number that the low `bits` bits of a pattern mean.
std::int64_t number(int bits, bool is_signed, Bits pattern) {
  const Bits low = pattern & ones(bits);
  const bool negative = is_signed && bit(low, bits - 1);
  return static_cast<std::int64_t>(negative ? low | ~ones(bits) : low);
}

}  // namespace

MultiplierModel multiplier_model(const std::string& family, const ParameterValues& parameters,
                                 int width, bool is_signed) {
  const MultiplierFamily* found = find_family(family);
  if (found == nullptr) {
    fail(family, fmt::format("no model of that name, expected one of: {}", family_names()));
  }
  return multiplier_model(*found, parameters, width, is_signed);
}

MultiplierModel multiplier_model(const MultiplierFamily& family, const ParameterValues& parameters,
                                 int width, bool is_signed) {
  const MultiplierFamily::Product model = family.model(checked(family, parameters, width));
  const std::int64_t minimum = is_signed ? -(std::int64_t{1} << (width - 1)) : 0;
  const std::int64_t maximum = (std::int64_t{1} << (is_signed ? width - 1 : width)) - 1;
  const bool shell = is_signed && !family.is_native;
  return [=, name = family.name](std::int64_t a, std::int64_t b) {
    if (a < minimum || a > maximum || b < minimum || b > maximum) {
      fail(name, fmt::format("operands {} and {}, expected {}..{}", a, b, minimum, maximum));
    }
    const bool negate = shell && (a < 0) != (b < 0);
    const Bits x = static_cast<Bits>(shell ? std::abs(a) : a);
    const Bits y = static_cast<Bits>(shell ? std::abs(b) : b);
    const Bits product = model(x, y) & ones(2 * width);
    return number(2 * width, is_signed, negate ? -product : product);
  };
}

std::int64_t multiplier_model(const std::string& family, const ParameterValues& parameters,
                              int width, bool is_signed, std::int64_t a, std::int64_t b) {
  return multiplier_model(family, parameters, width, is_signed)(a, b);
}

}  // namespace lutra::synth
