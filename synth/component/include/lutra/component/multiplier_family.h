#ifndef LUTRA_COMPONENT_MULTIPLIER_FAMILY_H_
#define LUTRA_COMPONENT_MULTIPLIER_FAMILY_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace lutra::synth {

/// Parameters of a specification by name, in table order.
using ParameterValues = std::vector<std::pair<std::string, long>>;

/// An integer that follows from the width n and from parameters that precede: a limit of a
/// parameter or its default, together with the text that pages show for it.
class Formula {
 public:
  using Value = std::function<long(int width, const ParameterValues& preceding)>;

  Formula(long constant);                             // NOLINT(google-explicit-constructor)
  Formula(int constant) : Formula(long{constant}) {}  // NOLINT(google-explicit-constructor)

  /// Any other: `value` may look at the width and at the parameters of these names.
  /// @param text  in terms of n and of the names
  Formula(std::string text, std::vector<std::string> parameters, Value value);

  /// n itself.
  static Formula width();

  /// A preceding parameter.
  static Formula parameter(const std::string& name);

  long operator()(int width, const ParameterValues& preceding = {}) const {
    return value_(width, preceding);
  }
  const std::string& text() const { return text_; }  ///< e.g. "2n-2", "n-first"
  const std::vector<std::string>& parameters() const { return parameters_; }

 private:
  std::string text_;
  std::vector<std::string> parameters_;
  Value value_;
};

Formula operator+(const Formula& left, const Formula& right);
Formula operator-(const Formula& left, const Formula& right);
Formula operator*(long factor, const Formula& formula);
Formula half_rounded_up(const Formula& formula);
Formula min(const Formula& left, const Formula& right);

/// One parameter of a multiplier family.
struct FamilyParameter {
  std::string name;       ///< in specifications, e.g. "kept_bits"
  std::string rtl_name;   ///< in the RTL, e.g. "KeptBits", or the port that is held at the value
  Formula default_value;  ///< of the width alone
  Formula minimum;
  Formula maximum;
  bool is_port = false;  ///< `rtl_name` is an input port

  /// True if a limit looks at the parameter of this name.
  bool depends_on(const std::string& other) const;

  /// Throws Error(kInvalidArgument) with the legal range where `value` is outside it.
  /// @param what       the text that the message starts with
  /// @param preceding  the parameters before this one, checked
  void check(const std::string& what, long value, int width,
             const ParameterValues& preceding) const;
};

/// A width and the values of a family's parameters, checked against its limits.
struct FamilySetting {
  int width;
  ParameterValues parameters;  ///< all of the family's, in table order

  /// The value of the parameter of this name, one of the family's.
  int operator[](const std::string& name) const;
};

/// One multiplier of the library: all that is said about it, but for its RTL (rtl/multipliers) and
/// its specification in prose (docs/multipliers.md). One file of synth/component/families each.
struct MultiplierFamily {
  /// The product modulo 2^64 of two operands. Native families get patterns, extended to 64 bits by
  /// the sign or by zeros; all others magnitudes.
  using Product = std::function<std::uint64_t(std::uint64_t a, std::uint64_t b)>;
  using Claim = std::function<bool(const FamilySetting& setting)>;

  std::string name;  ///< e.g. "drum"
  std::string top;   ///< RTL module
  std::string summary;
  std::string good_for;
  std::string source;                  ///< publication
  std::vector<std::string> rtl_files;  ///< in rtl/multipliers
  std::vector<FamilyParameter> parameters;
  int minimum_width = 0;
  int maximum_width = 0;
  bool even_width_only = false;

  /// The product, written from the prose and not from the RTL; multiplier_model() puts the signs
  /// on, checks operands, and cuts to 2n bits.
  std::function<Product(const FamilySetting& setting)> model;
  bool is_native = false;  ///< works on two's complement itself, without the sign-magnitude shell

  /// The settings of 8 bits at which p(a, b) = p(b, a), and at which an operand 0 makes the product
  /// 0; tests hold the model to both: so at these settings, and at no others.
  Claim commutes = [](const FamilySetting&) { return true; };
  Claim keeps_zero = [](const FamilySetting&) { return true; };

  /// Specifications of 8 bits whose products are exact, what a saving is told against: one of each
  /// circuit where a family has such settings (tests look for them).
  std::vector<std::string> exact_designs;

  /// Patterns (see expand_pattern()) of what the tests run, unsigned and signed each: RTL against
  /// the model on all pairs of 8 bits; the same at other widths; netlists of 8 bits, beside the
  /// one at the defaults.
  std::vector<std::string> tested;
  std::vector<std::string> tested_widths;
  std::vector<std::string> tested_netlists;

  /// Patterns of the rows of docs/multipliers-measured.md.
  std::vector<std::string> measured;

  /// Every parameter at its default for this width, in table order.
  ParameterValues defaults(int width) const;

  /// Throws Error(kInvalidArgument) with the legal widths where this is none.
  /// @param what  the text that the message starts with
  void check_width(const std::string& what, long width) const;
};

/// The table of the library; one row a multiplier, in the order of families.txt.
const std::vector<MultiplierFamily>& multiplier_families();

/// The family of this name, or null.
const MultiplierFamily* find_family(const std::string& name);

/// The names of all families: "exact, dadda, ...".
std::string family_names();

/// docs/multipliers-table.md: the families with modules, limits and sources, as Markdown.
std::string families_page();

}  // namespace lutra::synth

#endif  // LUTRA_COMPONENT_MULTIPLIER_FAMILY_H_
