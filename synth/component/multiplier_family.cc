#include "lutra/component/multiplier_family.h"

#include <fmt/format.h>

#include <algorithm>

#include "lutra/base/error.h"

namespace lutra::synth {
namespace {

long value_of(const ParameterValues& values, const std::string& name) {
  const auto found = std::find_if(values.begin(), values.end(),
                                  [&](const auto& value) { return value.first == name; });
  if (found == values.end()) {
    throw Error(ErrorKind::kInternal, fmt::format("{}: no parameter of that name before", name));
  }
  return found->second;
}

/// The formula of two others, whose text and parameters it takes over.
Formula combined(const std::string& text, const Formula& left, const Formula& right,
                 long (*operation)(long, long)) {
  std::vector<std::string> parameters = left.parameters();
  parameters.insert(parameters.end(), right.parameters().begin(), right.parameters().end());
  return {text, parameters, [=](int width, const ParameterValues& preceding) {
            return operation(left(width, preceding), right(width, preceding));
          }};
}

}  // namespace

Formula::Formula(long constant)
    : Formula(std::to_string(constant), {},
              [constant](int, const ParameterValues&) { return constant; }) {}

Formula::Formula(std::string text, std::vector<std::string> parameters, Value value)
    : text_(std::move(text)), parameters_(std::move(parameters)), value_(std::move(value)) {}

Formula Formula::width() {
  return {"n", {}, [](int width, const ParameterValues&) { return long{width}; }};
}

Formula Formula::parameter(const std::string& name) {
  return {name, {name}, [name](int, const ParameterValues& preceding) {
            return value_of(preceding, name);
          }};
}

Formula operator+(const Formula& left, const Formula& right) {
  return combined(left.text() + "+" + right.text(), left, right,
                  [](long x, long y) { return x + y; });
}

Formula operator-(const Formula& left, const Formula& right) {
  return combined(left.text() + "-" + right.text(), left, right,
                  [](long x, long y) { return x - y; });
}

Formula operator*(long factor, const Formula& formula) {
  return combined(std::to_string(factor) + formula.text(), factor, formula,
                  [](long x, long y) { return x * y; });
}

Formula half_rounded_up(const Formula& formula) {
  return combined(formula.text() + "/2 rounded up", formula, 2,
                  [](long x, long y) { return (x + 1) / y; });
}

Formula min(const Formula& left, const Formula& right) {
  return combined(fmt::format("min({}, {})", left.text(), right.text()), left, right,
                  [](long x, long y) { return std::min(x, y); });
}

bool FamilyParameter::depends_on(const std::string& other) const {
  const auto uses = [&](const Formula& limit) {
    return std::find(limit.parameters().begin(), limit.parameters().end(), other) !=
           limit.parameters().end();
  };
  return uses(minimum) || uses(maximum);
}

void FamilyParameter::check(const std::string& what, long value, int width,
                            const ParameterValues& preceding) const {
  const long low = minimum(width, preceding);
  const long high = maximum(width, preceding);
  if (value >= low && value <= high) return;
  std::string where = fmt::format("width {}", width);
  for (const auto& [other, others_value] : preceding) {
    if (depends_on(other)) where += fmt::format(", {} = {}", other, others_value);
  }
  throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: {} = {}, expected {}..{} for {}", what,
                                                       name, value, low, high, where));
}

int FamilySetting::operator[](const std::string& name) const {
  return static_cast<int>(value_of(parameters, name));
}

ParameterValues MultiplierFamily::defaults(int width) const {
  ParameterValues values;
  for (const FamilyParameter& parameter : parameters) {
    values.emplace_back(parameter.name, parameter.default_value(width));
  }
  return values;
}

void MultiplierFamily::check_width(const std::string& what, long width) const {
  const bool is_inside = width >= minimum_width && width <= maximum_width;
  if (is_inside && !(even_width_only && width % 2 != 0)) return;
  throw Error(ErrorKind::kInvalidArgument,
              fmt::format("{}: width = {}, expected {}{}..{}", what, width,
                          is_inside ? "an even width in " : "", minimum_width, maximum_width));
}

const MultiplierFamily* find_family(const std::string& name) {
  for (const MultiplierFamily& family : multiplier_families()) {
    if (family.name == name) return &family;
  }
  return nullptr;
}

std::string family_names() {
  std::string names;
  for (const MultiplierFamily& family : multiplier_families()) {
    names += (names.empty() ? "" : ", ") + family.name;
  }
  return names;
}

std::string families_page() {
  std::string page =
      "# The multipliers: modules and parameters\n"
      "Written by `lutra multipliers --markdown > docs/multipliers-table.md`, from the "
      "descriptors in `synth/component/families`.\n"
      "What each computes: [multipliers.md](multipliers.md); what it costs: "
      "[multipliers-measured.md](multipliers-measured.md). `n` is the width of the operands.\n"
      "Parameters: the name in specifications such as `drum:kept_bits=4`, default and range, the "
      "name in the RTL.\n\n"
      "| family | RTL | parameters | widths | what it is | source |\n"
      "| --- | --- | --- | --- | --- | --- |\n";
  for (const MultiplierFamily& family : multiplier_families()) {
    std::string files;
    for (const std::string& file : family.rtl_files) {
      files += fmt::format("{}`{}`", files.empty() ? "" : ", ", file.substr(0, file.find('.')));
    }
    std::string parameters;
    for (const FamilyParameter& p : family.parameters) {
      parameters += fmt::format("{}`{}` ({}; {}..{}), {}`{}`", parameters.empty() ? "" : "; ",
                                p.name, p.default_value.text(), p.minimum.text(), p.maximum.text(),
                                p.is_port ? "port " : "", p.rtl_name);
    }
    page += fmt::format("| `{}` | {} |{}{} | {}..{}{} | {} |{}{} |\n", family.name, files,
                        parameters.empty() ? "" : " ", parameters, family.minimum_width,
                        family.maximum_width, family.even_width_only ? ", even" : "",
                        family.summary, family.source.empty() ? "" : " ", family.source);
  }
  return page;
}

}  // namespace lutra::synth
