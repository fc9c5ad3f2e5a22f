#include "lutra/component/multiplier_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "lutra/base/error.h"

namespace lutra::synth {
namespace {

/// Bits of an operand or of a product. Negative numbers are patterns modulo 2^64, so that sums and
/// products of patterns are right in every lower bit.
using Bits = std::uint64_t;

/// A design: the product modulo 2^64 (the caller cuts it to 2n bits) of two operands. Native
/// designs get patterns, extended to 64 bits by the sign or by zeros; all others magnitudes.
using Design = std::function<Bits(Bits, Bits)>;

constexpr Bits power(int exponent) { return Bits{1} << exponent; }
constexpr Bits ones(int count) { return count == 64 ? ~Bits{0} : power(count) - 1; }
constexpr Bits bit(Bits x, int position) { return x >> position & 1; }

/// x with the bits below `position` cleared: rounded down to a multiple of 2^position.
constexpr Bits floor_to(int position, Bits x) { return x & ~ones(position); }

/// Position of the leading one of x > 0; what is left below it.
int leading_one(Bits x) { return 63 - __builtin_clzll(x); }
Bits rest(Bits x) { return x - power(leading_one(x)); }

static_assert(floor_to(2, 7) == 4 && floor_to(2, -Bits{1}) == -Bits{4});

// ------------------------------------------------------------------------------ leaving parts out

Bits perforation(int first, int rows, Bits a, Bits b) {
  const Bits left_out = ones(rows) << first;
  return a * (b & ~left_out);
}

/// Row i of the array is a 2^i; of rows from hbl on, the columns from vbl on are added.
Bits broken_array(int width, int hbl, int vbl, Bits a, Bits b) {
  Bits sum = 0;
  for (int i = hbl; i < width; ++i) {
    if (bit(b, i)) sum += floor_to(vbl, a << i);
  }
  return sum;
}

/// Signed operands have one digit less than the loop has; it is 0 for their extended patterns.
Bits broken_booth(int width, int vbl, bool by_inversion, Bits a, Bits b) {
  Bits sum = 0;
  for (int i = 0; i <= width / 2; ++i) {
    const int below = i == 0 ? 0 : static_cast<int>(bit(b, 2 * i - 1));
    const int digit =
        -2 * static_cast<int>(bit(b, 2 * i + 1)) + static_cast<int>(bit(b, 2 * i)) + below;
    if (by_inversion && digit < 0) {
      const Bits multiple = static_cast<Bits>(-digit) * a;
      sum += floor_to(vbl, ~multiple << (2 * i));
      if (2 * i >= vbl) sum += power(2 * i);
    } else {
      sum += floor_to(vbl, (static_cast<Bits>(digit) * a) << (2 * i));
    }
  }
  return sum;
}

// --------------------------------------------------------------------------- approximate addition

/// Sum of x and y by an adder whose low `l` bits are ORs.
Bits lower_part_or(int l, Bits x, Bits y) {
  const Bits high = (x >> l) + (y >> l) + (bit(x, l - 1) & bit(y, l - 1));
  return (high << l) + ((x | y) & ones(l));
}

Bits lower_part_or_array(int width, int or_bits, Bits a, Bits b) {
  Bits sum = bit(b, 0) * a;
  for (int i = 1; i < width; ++i) sum = lower_part_or(or_bits, sum, bit(b, i) * (a << i));
  return sum;
}

/// A one at the lower bit of each 2-bit digit that is 3.
Bits threes(Bits x) { return x & x >> 1 & 0x5555'5555'5555'5555; }

/// Each pair of digits 3 and 3 makes 7 in place of 9.
Bits underdesigned(Bits a, Bits b) { return a * b - 2 * threes(a) * threes(b); }

enum class Compressor { kMomeni = 1, kVenkatachalam = 2 };

/// The dots of one column in list order: at first at most 16, after a stage at most 7 sums and dots
/// that passed, and 5 carries.
struct Column {
  std::array<bool, 32> dots;
  int count = 0;

  void add(bool dot) { dots[static_cast<std::size_t>(count++)] = dot; }
  bool operator[](int i) const { return dots[static_cast<std::size_t>(i)]; }
};

struct SumAndCarry {
  bool sum;
  bool carry;
};

SumAndCarry compress(Compressor kind, bool x1, bool x2, bool x3, bool x4) {
  if (kind == Compressor::kMomeni) return {x1 == x2 || x3 == x4, (x1 || x2) && (x3 || x4)};
  return {x1 != x2 || x3 != x4 || (x1 && x2 && x3 && x4), (x1 && x2) || (x3 && x4)};
}

SumAndCarry full_add(bool x, bool y, bool z) {
  const int sum = x + y + z;
  return {sum % 2 == 1, sum >= 2};
}

Bits compressor_tree(int width, Compressor kind, int columns, Bits a, Bits b) {
  const int product_bits = 2 * width;
  std::array<Column, 32> column;
  for (int i = 0; i < width; ++i) {
    for (int j = 0; j < width; ++j) {
      column[static_cast<std::size_t>(i + j)].add(bit(a, j) && bit(b, i));
    }
  }
  const auto needs_a_stage = [&] {
    return std::any_of(column.begin(), column.end(), [](const Column& c) { return c.count > 2; });
  };
  while (needs_a_stage()) {
    Column carries;  // of the column to the right
    for (int c = 0; c < product_bits; ++c) {
      const Column& old = column[static_cast<std::size_t>(c)];
      Column next;
      Column carries_out;
      int at = 0;
      const auto made = [&](SumAndCarry result, int used) {
        next.add(result.sum);
        carries_out.add(result.carry);
        at += used;
      };
      while (c < columns && old.count - at >= 4) {
        made(compress(kind, old[at], old[at + 1], old[at + 2], old[at + 3]), 4);
      }
      while (old.count - at >= 3) made(full_add(old[at], old[at + 1], old[at + 2]), 3);
      while (at < old.count) next.add(old[at++]);
      for (int i = 0; i < carries.count; ++i) next.add(carries[i]);
      column[static_cast<std::size_t>(c)] = next;
      carries = carries_out;
    }
  }
  Bits sum = 0;
  for (int c = 0; c < product_bits; ++c) {
    for (int i = 0; i < column[static_cast<std::size_t>(c)].count; ++i) {
      sum += Bits{column[static_cast<std::size_t>(c)][i]} << c;
    }
  }
  return sum;
}

// --------------------------------------------------------------------------------------- segments

/// The middle of the values that share the kept_bits - 1 leading bits of x.
Bits drum_operand(int kept_bits, Bits x) {
  if (x < power(kept_bits)) return x;
  const int middle = leading_one(x) - kept_bits + 1;
  return floor_to(middle, x) | power(middle);
}

/// x without what lies below its segment. The segments start at bit 0, in ESSM at (n - m) / 2, and
/// at n - m; the lowest one that reaches up to the leading one of x is taken.
Bits segment(int width, int segment_bits, bool enhanced, Bits x) {
  const int highest = width - segment_bits;
  if (x < power(segment_bits)) return x;
  const int middle = highest / 2;
  if (enhanced && x < power(segment_bits + middle)) return floor_to(middle, x);
  return floor_to(highest, x);
}

// ------------------------------------------------------------------------------------- logarithms

/// 2^K + s: the product without that of the rests.
Bits logarithmic_block(Bits a, Bits b) {
  if (a == 0 || b == 0) return 0;
  return a * b - rest(a) * rest(b);
}

Bits iterative_logarithmic(int corrections, Bits a, Bits b) {
  Bits sum = logarithmic_block(a, b);
  for (int i = 0; i < corrections && a != 0 && b != 0; ++i) {
    a = rest(a);
    b = rest(b);
    sum += logarithmic_block(a, b);
  }
  return sum;
}

Bits mitchell(Bits a, Bits b) {
  if (a == 0 || b == 0) return 0;
  const Bits characteristic = power(leading_one(a) + leading_one(b));
  const Bits s = logarithmic_block(a, b) - characteristic;
  return s < characteristic ? characteristic + s : 2 * s;
}

Bits minimally_biased(int width, Bits a, Bits b) {
  if (a == 0 || b == 0) return 0;
  const Bits characteristic = power(leading_one(a) + leading_one(b));
  return std::min((64 * mitchell(a, b) + 5 * characteristic) / 64, ones(2 * width));
}

/// The nearest power of two; upwards from the middle, but 3 to 2.
Bits round_to_power(Bits x) {
  const Bits below = power(leading_one(x));
  return 2 * x >= 3 * below && x != 3 ? 2 * below : below;
}

Bits rounding_based(Bits a, Bits b) {
  if (a == 0 || b == 0) return 0;
  const Bits ra = round_to_power(a);
  const Bits rb = round_to_power(b);
  return ra * b + a * rb - ra * rb;
}

/// The first `count` bits of the fraction of x, as an integer.
Bits fraction_bits(int count, Bits x) { return (rest(x) << count) >> leading_one(x); }

/// All terms are whole multiples of 2^-point. At 16 bits that is 2^-30, and the sum, less than 4,
/// is scaled by at most 2^30: 62 bits.
Bits truncated_operands(int h, int t, Bits a, Bits b) {
  if (a == 0 || b == 0) return 0;
  const int point = std::max(t, 2 * h + 2);
  const Bits sum =
      power(point) + ((fraction_bits(t, a) + fraction_bits(t, b)) << (point - t)) +
      (((2 * fraction_bits(h, a) + 1) * (2 * fraction_bits(h, b) + 1)) << (point - (2 * h + 2)));
  return (sum << (leading_one(a) + leading_one(b))) >> point;
}

// ------------------------------------------------------------------------------ the table of them

/// A family's width and parameters, checked.
struct Configuration {
  int width;
  std::vector<std::pair<std::string, long>> values;  // in the family's order

  int operator[](const std::string& name) const {
    const auto found = std::find_if(values.begin(), values.end(),
                                    [&](const auto& value) { return value.first == name; });
    return static_cast<int>(found->second);
  }
};

/// Limits of a parameter may depend on the width and on the parameters before it.
using Limit = int (*)(const Configuration&);

struct Parameter {
  const char* name;
  Limit minimum;
  Limit maximum;
};

enum class Signs { kNative, kShell };

struct Family {
  const char* name;
  int minimum_width;
  int maximum_width;
  bool even_widths;
  Signs signs;
  std::vector<Parameter> parameters;
  Design (*design)(const Configuration&);
};

template <int value>
int fixed(const Configuration&) {
  return value;
}
int below_width(const Configuration& c) { return c.width - 1; }
int below_last_column(const Configuration& c) { return 2 * c.width - 2; }

Design exact_product(const Configuration&) {
  return [](Bits a, Bits b) { return a * b; };
}

const std::vector<Family>& families() {
  static const std::vector<Family> kFamilies = {
      {"exact", 2, 32, false, Signs::kNative, {}, exact_product},
      {"dadda", 2, 16, false, Signs::kNative, {}, exact_product},
      {"booth", 4, 16, true, Signs::kNative, {}, exact_product},
      {"trunc",
       2,
       32,
       false,
       Signs::kNative,
       {{"trunc_bits", fixed<1>, below_width}},
       [](const Configuration& c) -> Design {
         return [t = c["trunc_bits"]](Bits a, Bits b) { return floor_to(t, a) * floor_to(t, b); };
       }},
      {"perforation",
       2,
       16,
       false,
       Signs::kShell,
       {{"first", fixed<0>, below_width},
        {"rows", fixed<1>, [](const Configuration& c) { return c.width - c["first"]; }}},
       [](const Configuration& c) -> Design {
         return [first = c["first"], rows = c["rows"]](Bits a, Bits b) {
           return perforation(first, rows, a, b);
         };
       }},
      {"bam",
       2,
       32,
       false,
       Signs::kShell,
       {{"hbl", fixed<0>, below_width}, {"vbl", fixed<0>, below_last_column}},
       [](const Configuration& c) -> Design {
         return [width = c.width, hbl = c["hbl"], vbl = c["vbl"]](Bits a, Bits b) {
           return broken_array(width, hbl, vbl, a, b);
         };
       }},
      {"broken_booth",
       4,
       16,
       true,
       Signs::kNative,
       {{"vbl", fixed<0>, below_last_column}, {"type", fixed<0>, fixed<1>}},
       [](const Configuration& c) -> Design {
         return [width = c.width, vbl = c["vbl"], type = c["type"]](Bits a, Bits b) {
           return broken_booth(width, vbl, type == 1, a, b);
         };
       }},
      {"loa",
       2,
       16,
       false,
       Signs::kShell,
       {{"or_bits", fixed<1>, below_last_column}},
       [](const Configuration& c) -> Design {
         return [width = c.width, or_bits = c["or_bits"]](Bits a, Bits b) {
           return lower_part_or_array(width, or_bits, a, b);
         };
       }},
      {"udm",
       2,
       16,
       true,
       Signs::kShell,
       {},
       [](const Configuration&) -> Design { return underdesigned; }},
      {"drum",
       4,
       32,
       false,
       Signs::kShell,
       {{"kept_bits", fixed<3>, below_width}},
       [](const Configuration& c) -> Design {
         return [k = c["kept_bits"]](Bits a, Bits b) {
           return drum_operand(k, a) * drum_operand(k, b);
         };
       }},
      {"ssm",
       4,
       16,
       false,
       Signs::kShell,
       {{"segment_bits", [](const Configuration& c) { return (c.width + 1) / 2; }, below_width},
        // ESSM's middle segment needs an even number of bits outside the segment.
        {"enhanced", fixed<0>,
         [](const Configuration& c) { return (c.width - c["segment_bits"]) % 2 == 0 ? 1 : 0; }}},
       [](const Configuration& c) -> Design {
         return
             [n = c.width, m = c["segment_bits"], enhanced = c["enhanced"] == 1](Bits a, Bits b) {
               return segment(n, m, enhanced, a) * segment(n, m, enhanced, b);
             };
       }},
      {"mitchell",
       4,
       16,
       false,
       Signs::kShell,
       {},
       [](const Configuration&) -> Design { return mitchell; }},
      {"ilm",
       4,
       16,
       false,
       Signs::kShell,
       {{"corrections", fixed<0>, fixed<2>}},
       [](const Configuration& c) -> Design {
         return [corrections = c["corrections"]](Bits a, Bits b) {
           return iterative_logarithmic(corrections, a, b);
         };
       }},
      {"mbm",
       4,
       16,
       false,
       Signs::kShell,
       {},
       [](const Configuration& c) -> Design {
         return [width = c.width](Bits a, Bits b) { return minimally_biased(width, a, b); };
       }},
      {"roba",
       4,
       16,
       false,
       Signs::kShell,
       {},
       [](const Configuration&) -> Design { return rounding_based; }},
      {"tosam",
       4,
       16,
       false,
       Signs::kShell,
       {{"h", fixed<0>, [](const Configuration& c) { return c.width - 2; }},
        {"t", [](const Configuration& c) { return c["h"] + 1; }, below_width}},
       [](const Configuration& c) -> Design {
         return [h = c["h"], t = c["t"]](Bits a, Bits b) { return truncated_operands(h, t, a, b); };
       }},
      {"compressor",
       4,
       16,
       false,
       Signs::kShell,
       {{"kind", fixed<1>, fixed<2>},
        {"columns", fixed<0>, [](const Configuration& c) { return 2 * c.width - 1; }}},
       [](const Configuration& c) -> Design {
         return [width = c.width, kind = Compressor{c["kind"]}, columns = c["columns"]](
                    Bits a, Bits b) { return compressor_tree(width, kind, columns, a, b); };
       }},
      {"ptm",
       4,
       16,
       false,
       Signs::kShell,
       {{"columns", fixed<0>, below_last_column}},
       [](const Configuration& c) -> Design {
         return [width = c.width, columns = c["columns"]](Bits a, Bits b) {
           return broken_array(width, 0, columns, a, b);
         };
       }},
  };
  return kFamilies;
}

[[noreturn]] void fail(const std::string& family, const std::string& what) {
  throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: {}", family, what));
}

template <typename List>
std::string names_of(const List& list) {
  std::string names;
  for (const auto& item : list) names += fmt::format("{}{}", names.empty() ? "" : ", ", item.name);
  return names.empty() ? "none" : names;
}

const Family& find_family(const std::string& name) {
  for (const Family& family : families()) {
    if (name == family.name) return family;
  }
  fail(name, fmt::format("no model of that name, expected one of: {}", names_of(families())));
}

Configuration check(const Family& family,
                    const std::vector<std::pair<std::string, long>>& parameters, int width) {
  if (width < family.minimum_width || width > family.maximum_width ||
      (family.even_widths && width % 2 != 0)) {
    fail(family.name, fmt::format("width = {}, expected {}..{}{}", width, family.minimum_width,
                                  family.maximum_width, family.even_widths ? ", even" : ""));
  }
  for (const auto& [name, value] : parameters) {
    if (std::none_of(family.parameters.begin(), family.parameters.end(),
                     [given = name](const Parameter& known) { return given == known.name; })) {
      fail(family.name,
           fmt::format("no parameter \"{}\", expected {}", name, names_of(family.parameters)));
    }
  }
  Configuration configuration{width, {}};
  for (const Parameter& parameter : family.parameters) {
    std::vector<long> given;
    for (const auto& [name, value] : parameters) {
      if (name == parameter.name) given.push_back(value);
    }
    const int minimum = parameter.minimum(configuration);
    const int maximum = parameter.maximum(configuration);
    if (given.size() != 1) {
      fail(family.name, fmt::format("{} is given {} times, expected once, {}..{}", parameter.name,
                                    given.size(), minimum, maximum));
    }
    if (given[0] < minimum || given[0] > maximum) {
      fail(family.name,
           fmt::format("{} = {}, expected {}..{} for width {}{}", parameter.name, given[0], minimum,
                       maximum, width,
                       configuration.values.empty()
                           ? ""
                           : fmt::format(" and {} = {}", configuration.values.back().first,
                                         configuration.values.back().second)));
    }
    configuration.values.emplace_back(parameter.name, given[0]);
  }
  return configuration;
}

/// The number that the low `bits` bits of a pattern mean.
std::int64_t number(int bits, bool is_signed, Bits pattern) {
  const Bits low = pattern & ones(bits);
  const bool negative = is_signed && bit(low, bits - 1);
  return static_cast<std::int64_t>(negative ? low | ~ones(bits) : low);
}

}  // namespace

MultiplierModel multiplier_model(const std::string& family,
                                 const std::vector<std::pair<std::string, long>>& parameters,
                                 int width, bool is_signed) {
  const Family& found = find_family(family);
  const std::int64_t minimum = is_signed ? -(std::int64_t{1} << (width - 1)) : 0;
  const std::int64_t maximum = (std::int64_t{1} << (is_signed ? width - 1 : width)) - 1;
  const bool shell = is_signed && found.signs == Signs::kShell;
  return
      [=, design = found.design(check(found, parameters, width))](std::int64_t a, std::int64_t b) {
        if (a < minimum || a > maximum || b < minimum || b > maximum) {
          fail(family, fmt::format("operands {} and {}, expected {}..{}", a, b, minimum, maximum));
        }
        const bool negate = shell && (a < 0) != (b < 0);
        const Bits x = static_cast<Bits>(shell ? std::abs(a) : a);
        const Bits y = static_cast<Bits>(shell ? std::abs(b) : b);
        const Bits product = design(x, y) & ones(2 * width);
        return number(2 * width, is_signed, negate ? -product : product);
      };
}

std::int64_t multiplier_model(const std::string& family,
                              const std::vector<std::pair<std::string, long>>& parameters,
                              int width, bool is_signed, std::int64_t a, std::int64_t b) {
  return multiplier_model(family, parameters, width, is_signed)(a, b);
}

}  // namespace lutra::synth
