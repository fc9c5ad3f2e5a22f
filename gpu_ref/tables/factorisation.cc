// The exact factorisation of a table of products into few products of maps.
//
// With row(a) and column(b) taken out, a table is a matrix M that is 0 where an operand is 0. Its
// rank over the rationals is the least number of terms. The integer combinations of its rows are a
// lattice; any basis B of it gives M = C B in integers, so a basis of short vectors gives terms
// whose maps are small: c_i(a) b_i(b). The basis is found by sieving, and is then changed so that
// both C and B are short. A map that fits no byte is split into digits, each a term.

#include "lutra/tables/factorisation.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace lutra::tables {
namespace {

using Vector = std::vector<int64_t>;
using Matrix = std::vector<Vector>;
__extension__ typedef __int128 Wide;

constexpr int64_t kByteSpan = 255;  // of the values of a map
/// Entries of the vectors below; inner products of 256 of them, times 256, fit 63 bits.
constexpr int64_t kLargestEntry = int64_t{1} << 22;

/// The integer nearest to n / d, d > 0; of two, the one nearer to 0.
int64_t nearest(Wide n, Wide d) {
  const Wide q = (2 * (n < 0 ? -n : n) + d - 1) / (2 * d);
  return static_cast<int64_t>(n < 0 ? -q : q);
}

int64_t span_of(const Vector& x) {
  const auto [low, high] = std::minmax_element(x.begin(), x.end());
  return *high - *low;
}

int64_t gcd_of(const Vector& x) {
  int64_t gcd = 0;
  for (int64_t value : x) {
    value = std::abs(value);
    while (value != 0) gcd = std::exchange(value, gcd % value);
  }
  return gcd;
}

bool is_zero(const Vector& x) {
  return std::all_of(x.begin(), x.end(), [](int64_t value) { return value == 0; });
}

void add_multiple(int64_t factor, const Vector& x, Vector* to) {
  for (size_t i = 0; i < x.size(); ++i) (*to)[i] += factor * x[i];
}

/// n times the inner product of x and y less their means: constants cost nothing.
int64_t inner_product(const Vector& x, const Vector& y) {
  int64_t products = 0;
  int64_t sum_x = 0;
  int64_t sum_y = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    products += x[i] * y[i];
    sum_x += x[i];
    sum_y += y[i];
  }
  return static_cast<int64_t>(x.size()) * products - sum_x * sum_y;
}

Matrix transposed(const Matrix& m) {
  Matrix t(m[0].size(), Vector(m.size()));
  for (size_t i = 0; i < m.size(); ++i) {
    for (size_t j = 0; j < m[i].size(); ++j) t[j][i] = m[i][j];
  }
  return t;
}

// ------------------------------------------------------------------------------- modulo a prime

constexpr int64_t kPrime = (int64_t{1} << 61) - 1;

int64_t modulo(Wide x) {
  const auto rest = static_cast<int64_t>(x % kPrime);
  return rest < 0 ? rest + kPrime : rest;
}

int64_t multiply(int64_t x, int64_t y) {
  const Wide product = Wide{x} * y;
  const auto folded = static_cast<int64_t>((product & kPrime) + (product >> 61));
  return folded >= kPrime ? folded - kPrime : folded;
}

int64_t subtract(int64_t x, int64_t y) { return x < y ? x - y + kPrime : x - y; }

int64_t inverse(int64_t x) {
  int64_t result = 1;
  for (int64_t exponent = kPrime - 2; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result = multiply(result, x);
    x = multiply(x, x);
  }
  return result;
}

/// Coordinates of vectors in a basis, modulo the prime, by Gauss-Jordan elimination.
class Coordinates {
 public:
  /// Takes a vector into the basis if it is independent of those before it.
  bool add(const Vector& vector) {
    Vector row(vector.size());
    for (size_t i = 0; i < row.size(); ++i) row[i] = modulo(vector[i]);
    Vector combination(rows_.size() + 1, 0);
    combination.back() = 1;
    for (size_t k = 0; k < rows_.size(); ++k) {
      eliminate(row[pivots_[k]], rows_[k], combinations_[k], &row, &combination);
    }
    const auto pivot = std::find_if(row.begin(), row.end(), [](int64_t x) { return x != 0; });
    if (pivot == row.end()) return false;
    const auto column = static_cast<size_t>(pivot - row.begin());
    const int64_t scale = inverse(*pivot);
    for (int64_t& value : row) value = multiply(value, scale);
    for (int64_t& value : combination) value = multiply(value, scale);
    for (size_t k = 0; k < rows_.size(); ++k) {
      combinations_[k].push_back(0);
      eliminate(rows_[k][column], row, combination, &rows_[k], &combinations_[k]);
    }
    rows_.push_back(std::move(row));
    combinations_.push_back(std::move(combination));
    pivots_.push_back(column);
    return true;
  }

  int rank() const { return static_cast<int>(rows_.size()); }

  /// Of a vector that the basis spans.
  Vector of(const Vector& vector) const {
    Vector coordinates(rows_.size(), 0);
    for (size_t k = 0; k < rows_.size(); ++k) {
      const int64_t factor = modulo(vector[pivots_[k]]);
      if (factor == 0) continue;
      for (size_t i = 0; i < coordinates.size(); ++i) {
        coordinates[i] = modulo(Wide{coordinates[i]} + multiply(factor, combinations_[k][i]));
      }
    }
    return coordinates;
  }

 private:
  static void eliminate(int64_t factor, const Vector& row, const Vector& combination, Vector* from,
                        Vector* from_combination) {
    if (factor == 0) return;
    for (size_t i = 0; i < row.size(); ++i) {
      (*from)[i] = subtract((*from)[i], multiply(factor, row[i]));
    }
    for (size_t i = 0; i < combination.size(); ++i) {
      (*from_combination)[i] = subtract((*from_combination)[i], multiply(factor, combination[i]));
    }
  }

  Matrix rows_;          // reduced: the identity at the pivots
  Matrix combinations_;  // rows_[k] = sum of combinations_[k][i] times basis vector i
  std::vector<size_t> pivots_;
};

struct Fraction {
  int64_t numerator;
  int64_t denominator;
};

/// The fraction with small terms that is congruent to x; its caller checks it.
Fraction small_fraction(int64_t x) {
  constexpr int64_t kLimit = int64_t{1} << 30;
  int64_t r0 = kPrime;
  int64_t r1 = x;
  int64_t t0 = 0;
  int64_t t1 = 1;
  while (r1 >= kLimit) {
    const int64_t q = r0 / r1;
    r0 = std::exchange(r1, r0 - q * r1);
    t0 = std::exchange(t1, t0 - q * t1);
  }
  return t1 < 0 ? Fraction{-r1, -t1} : Fraction{r1, t1};
}

// ------------------------------------------------------------------------------------- the lattice

/// Vectors that generate the same lattice as `vectors`, each as short as any other of them can make
/// it; the shortest first (a Gauss sieve).
Matrix sieved(Matrix vectors) {
  struct Member {
    Vector x;
    int64_t norm;
  };
  std::vector<Member> waiting;
  std::sort(vectors.begin(), vectors.end());
  vectors.erase(std::unique(vectors.begin(), vectors.end()), vectors.end());
  for (Vector& x : vectors) {
    const int64_t norm = inner_product(x, x);
    if (!is_zero(x)) waiting.push_back({std::move(x), norm});
  }
  const auto longer = [](const Member& one, const Member& other) { return one.norm > other.norm; };
  std::stable_sort(waiting.begin(), waiting.end(), longer);  // the shortest is taken first
  std::vector<Member> taken;
  while (!waiting.empty()) {
    Member next = std::move(waiting.back());
    waiting.pop_back();
    for (bool changed = true; changed;) {
      changed = false;
      for (const Member& member : taken) {
        if (member.norm > next.norm) continue;
        const int64_t factor = nearest(inner_product(next.x, member.x), member.norm);
        if (factor == 0) continue;
        add_multiple(-factor, member.x, &next.x);
        next.norm = inner_product(next.x, next.x);
        changed = true;
      }
    }
    if (next.norm == 0) continue;  // a vector that is 0 at operand 0 and constant is 0
    std::vector<Member> kept;
    for (Member& member : taken) {
      const int64_t factor =
          member.norm < next.norm ? 0 : nearest(inner_product(member.x, next.x), next.norm);
      if (factor == 0) {
        kept.push_back(std::move(member));
        continue;
      }
      add_multiple(-factor, next.x, &member.x);
      member.norm = inner_product(member.x, member.x);
      if (member.norm != 0) waiting.push_back(std::move(member));
    }
    kept.push_back(std::move(next));
    taken = std::move(kept);
  }
  const auto shorter = [](const Member& one, const Member& other) { return one.norm < other.norm; };
  std::stable_sort(taken.begin(), taken.end(), shorter);
  Matrix result;
  for (Member& member : taken) result.push_back(std::move(member.x));
  return result;
}

/// The remainder of a vector after whole multiples of the basis, with its coordinates, in
/// [-1/2, 1/2]; none where they are no small fractions.
std::optional<std::vector<Fraction>> reduce_by(const Matrix& basis, const Coordinates& coordinates,
                                               Vector* vector) {
  std::vector<Fraction> fractions;
  const Vector residues = coordinates.of(*vector);
  const Vector original = *vector;
  for (size_t i = 0; i < basis.size(); ++i) {
    Fraction fraction = small_fraction(residues[i]);
    const int64_t whole = nearest(fraction.numerator, fraction.denominator);
    fraction.numerator -= whole * fraction.denominator;
    if (std::abs(whole) > kLargestEntry) return std::nullopt;
    add_multiple(-whole, basis[i], vector);
    fractions.push_back(fraction);
  }
  return fractions;
}

/// A basis of the lattice that generators span, of which `rank` are independent.
std::optional<Matrix> basis_of(Matrix generators, int rank) {
  Matrix basis;
  Matrix waiting;
  Coordinates coordinates;
  for (Vector& x : generators) (coordinates.add(x) ? basis : waiting).push_back(std::move(x));
  if (coordinates.rank() != rank) return std::nullopt;
  // A vector that is no whole combination takes the place of one of which it needs a part: the
  // lattice of the basis grows at least twofold, until it is all of it.
  while (!waiting.empty()) {
    Vector next = std::move(waiting.back());
    waiting.pop_back();
    const auto fractions = reduce_by(basis, coordinates, &next);
    if (!fractions) return std::nullopt;
    if (is_zero(next)) continue;
    size_t chosen = basis.size();
    for (size_t i = 0; i < basis.size(); ++i) {
      const Fraction& f = (*fractions)[i];
      if (f.numerator == 0) continue;
      if (chosen == basis.size() ||
          Wide{std::abs(f.numerator)} * (*fractions)[chosen].denominator <
              Wide{std::abs((*fractions)[chosen].numerator)} * f.denominator) {
        chosen = i;
      }
    }
    if (chosen == basis.size()) return std::nullopt;
    waiting.push_back(std::exchange(basis[chosen], std::move(next)));
    coordinates = Coordinates();
    for (const Vector& x : basis) {
      if (!coordinates.add(x)) return std::nullopt;
    }
  }
  return basis;
}

/// A matrix as the sum over i of left[i] right[i]^T.
struct Split {
  Matrix left;
  Matrix right;
};

/// The coordinates of each row of a matrix in a basis of its rows' lattice.
std::optional<Split> split_by(const Matrix& matrix, Matrix basis) {
  Coordinates coordinates;
  for (const Vector& x : basis) {
    if (!coordinates.add(x)) return std::nullopt;
  }
  Split split;
  split.left.assign(basis.size(), Vector(matrix.size()));
  for (size_t row = 0; row < matrix.size(); ++row) {
    const Vector residues = coordinates.of(matrix[row]);
    for (size_t i = 0; i < basis.size(); ++i) {
      const int64_t value = residues[i] > kPrime / 2 ? residues[i] - kPrime : residues[i];
      if (std::abs(value) > kLargestEntry) return std::nullopt;
      split.left[i][row] = value;
    }
  }
  split.right = std::move(basis);
  return split;
}

/// Adds `factor` times right[j] to right[i], and takes what that adds from the left.
void transfer(int64_t factor, size_t i, size_t j, Split* split) {
  add_multiple(factor, split->right[j], &split->right[i]);
  add_multiple(-factor, split->left[i], &split->left[j]);
}

/// The inner products of vectors with each other.
class Gram {
 public:
  explicit Gram(const Matrix* vectors)
      : vectors_(vectors), products_(vectors->size(), Vector(vectors->size())) {
    for (size_t i = 0; i < vectors->size(); ++i) update(i);
  }
  Wide operator()(size_t i, size_t j) const { return products_[i][j]; }
  /// Vector i has changed.
  void update(size_t i) {
    for (size_t j = 0; j < vectors_->size(); ++j) {
      products_[i][j] = products_[j][i] = inner_product((*vectors_)[i], (*vectors_)[j]);
    }
  }

 private:
  const Matrix* vectors_;
  Matrix products_;
};

/// Makes the sum over i of |left[i]|^2 |right[i]|^2 smaller, pair by pair (Seysen's reduction).
void balance(Split* split) {
  const size_t rank = split->left.size();
  Gram left(&split->left);
  Gram right(&split->right);
  constexpr int kMostRounds = 100;
  bool changed = true;
  for (int round = 0; changed && round < kMostRounds; ++round) {
    changed = false;
    for (size_t i = 0; i < rank; ++i) {
      for (size_t j = 0; j < rank; ++j) {
        if (i == j) continue;
        const int64_t factor = nearest(right(j, j) * left(i, j) - right(i, j) * left(i, i),
                                       2 * right(j, j) * left(i, i));
        if (factor == 0) continue;
        transfer(factor, i, j, split);
        if (span_of(split->right[i]) > kLargestEntry || span_of(split->left[j]) > kLargestEntry) {
          transfer(-factor, i, j, split);
          continue;
        }
        right.update(i);
        left.update(j);
        changed = true;
      }
    }
  }
}

// --------------------------------------------------------------------------------------- the terms

/// scale * left(a) * right(b), not yet in bytes.
struct Product {
  int64_t scale;
  Vector left;
  Vector right;
};

bool fits(const Vector& x) { return span_of(x) <= kByteSpan; }

/// x as high * 2^shift + low, low in 0..2^shift - 1.
std::pair<Vector, Vector> digits(const Vector& x, int shift) {
  std::pair<Vector, Vector> parts;
  for (const int64_t value : x) {
    parts.first.push_back(value >> shift);
    parts.second.push_back(value & ((int64_t{1} << shift) - 1));
  }
  return parts;
}

Vector sum_of(Vector x, const Vector& y) {
  add_multiple(1, y, &x);
  return x;
}

/// Products whose maps fit bytes and that sum to this one.
std::vector<Product> bytes_of(Product product) {
  for (Vector* x : {&product.left, &product.right}) {
    const int64_t gcd = gcd_of(*x);
    if (gcd == 0) return {};
    for (int64_t& value : *x) value /= gcd;
    product.scale *= gcd;
  }
  const bool left_fits = fits(product.left);
  const bool right_fits = fits(product.right);
  if (left_fits && right_fits) return {std::move(product)};
  if (!left_fits && !right_fits) {
    // Three products in place of four (Karatsuba), where the digits' sums fit too.
    for (int shift = 1; shift < 8; ++shift) {
      const auto [left_high, left_low] = digits(product.left, shift);
      const auto [right_high, right_low] = digits(product.right, shift);
      const Vector left_sum = sum_of(left_high, left_low);
      const Vector right_sum = sum_of(right_high, right_low);
      if (!fits(left_high) || !fits(left_sum) || !fits(right_high) || !fits(right_sum)) continue;
      const int64_t base = int64_t{1} << shift;
      return {{product.scale * base * (base - 1), left_high, right_high},
              {product.scale * base, left_sum, right_sum},
              {product.scale * (1 - base), left_low, right_low}};
    }
  }
  Vector& wide = left_fits ? product.right : product.left;
  const auto [high, low] = digits(wide, 8);
  Product rest = product;
  wide = high;
  product.scale *= 256;
  (left_fits ? rest.right : rest.left) = low;
  std::vector<Product> parts = bytes_of(std::move(product));
  for (Product& part : bytes_of(std::move(rest))) parts.push_back(std::move(part));
  return parts;
}

/// How far the maps of a product are from fitting bytes.
struct Excess {
  int64_t span = 0;  ///< of those that do not
  int maps = 0;      ///< their number

  Excess operator+(const Excess& other) const { return {span + other.span, maps + other.maps}; }
  bool operator<(const Excess& other) const {
    return std::pair(span, maps) < std::pair(other.span, other.maps);
  }
};

Excess excess_of(const Vector& left, const Vector& right) {
  Excess excess;
  for (const Vector* x : {&left, &right}) {
    const int64_t span = span_of(*x) / std::max<int64_t>(gcd_of(*x), 1);
    if (span > kByteSpan) excess = excess + Excess{span, 1};
  }
  return excess;
}

/// Transfers that make maps fit bytes, or bring them nearer to it.
void squeeze(Split* split) {
  const size_t rank = split->left.size();
  std::vector<Excess> excess;
  for (size_t i = 0; i < rank; ++i) excess.push_back(excess_of(split->left[i], split->right[i]));
  const auto attempt = [&](int64_t factor, size_t i, size_t j) {
    if (factor == 0) return false;
    transfer(factor, i, j, split);
    const bool small =
        span_of(split->right[i]) <= kLargestEntry && span_of(split->left[j]) <= kLargestEntry;
    const Excess next_i = excess_of(split->left[i], split->right[i]);
    const Excess next_j = excess_of(split->left[j], split->right[j]);
    if (small && next_i + next_j < excess[i] + excess[j]) {
      excess[i] = next_i;
      excess[j] = next_j;
      return true;
    }
    transfer(-factor, i, j, split);
    return false;
  };
  constexpr int kMostRounds = 20;
  bool changed = true;
  for (int round = 0; changed && round < kMostRounds; ++round) {
    changed = false;
    for (size_t i = 0; i < rank; ++i) {
      for (size_t j = 0; j < rank; ++j) {
        if (i == j || excess[i].maps + excess[j].maps == 0) continue;
        const Vector& left_i = split->left[i];
        const Vector& left_j = split->left[j];
        const Vector& right_i = split->right[i];
        const Vector& right_j = split->right[j];
        const Wide left = inner_product(left_i, left_j);
        const Wide right = inner_product(right_i, right_j);
        const Wide left_norm = inner_product(left_i, left_i);
        const Wide right_norm = inner_product(right_j, right_j);
        // The factors that make left[j] shortest, right[i], and the sum of their squares.
        changed |= attempt(nearest(left, left_norm), i, j);
        changed |= attempt(nearest(-right, right_norm), i, j);
        changed |= attempt(nearest(left - right, left_norm + right_norm), i, j);
        for (const int64_t step : {1, 2, 4, 16, 64}) {
          changed |= attempt(step, i, j);
          changed |= attempt(-step, i, j);
        }
      }
    }
  }
}

std::vector<Product> products_of(const Split& split) {
  std::vector<Product> products;
  for (size_t i = 0; i < split.left.size(); ++i) {
    for (Product& part : bytes_of({1, split.left[i], split.right[i]})) {
      products.push_back(std::move(part));
    }
  }
  return products;
}

/// Products of bytes that sum to a matrix of this rank, by its rows' lattice; none where integers
/// of 22 bits do not reach.
std::optional<std::vector<Product>> products_by_rows(const Matrix& matrix, int rank) {
  std::optional<Matrix> basis = basis_of(sieved(matrix), rank);
  if (!basis) return std::nullopt;
  std::optional<Split> split = split_by(matrix, std::move(*basis));
  if (!split) return std::nullopt;
  // What is not balanced yet is another start, and may end in another, better place.
  Split other = *split;
  balance(&*split);
  std::vector<Product> fewest = products_of(*split);
  for (Split* start : {&*split, &other}) {
    if (fewest.size() == static_cast<size_t>(rank)) break;
    squeeze(start);
    std::vector<Product> products = products_of(*start);
    if (products.size() < fewest.size()) fewest = std::move(products);
  }
  return fewest;
}

std::optional<std::vector<Product>> fewest_products(const Matrix& matrix, int rank) {
  std::optional<std::vector<Product>> by_rows = products_by_rows(matrix, rank);
  if (by_rows && by_rows->size() == static_cast<size_t>(rank)) return by_rows;
  std::optional<std::vector<Product>> by_columns = products_by_rows(transposed(matrix), rank);
  if (!by_columns || (by_rows && by_rows->size() <= by_columns->size())) return by_rows;
  for (Product& product : *by_columns) std::swap(product.left, product.right);
  return by_columns;
}

int first_operand(const OperandType& type, Operands operands) {
  return type.lowest() + (type.is_signed && operands == Operands::kSymmetric ? 1 : 0);
}

/// L(a, b) - L(a, 0) - L(0, b) + L(0, 0); both operands from the lowest up.
Matrix centred(const ProductTable& table, Operands operands) {
  Matrix matrix;
  for (int a = first_operand(table.first(), operands); a <= table.first().highest(); ++a) {
    Vector row;
    for (int b = first_operand(table.second(), operands); b <= table.second().highest(); ++b) {
      const auto x = static_cast<uint8_t>(a);
      const auto y = static_cast<uint8_t>(b);
      row.push_back(table(x, y) - table(x, 0) - table(0, y) + table(0, 0));
    }
    matrix.push_back(std::move(row));
  }
  return matrix;
}

/// A map by operand as one by byte, moved up by a constant where values lie below -128 or above
/// `highest`.
ByteMap byte_map(const Vector& values, int lowest_operand, int64_t highest) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const int64_t shift = *low < -128 || *high > highest ? -128 - *low : 0;
  ByteMap map{};
  for (size_t i = 0; i < values.size(); ++i) {
    map[static_cast<uint8_t>(lowest_operand + static_cast<int>(i))] =
        static_cast<int32_t>(values[i] + shift);
  }
  return map;
}

/// Gives both maps the sign with which they grow with their operand, or, if need be, with which
/// `right` fits a signed byte as it is: a constant that moved it there would cost sums of the rows.
void orient(Product* product, int first_left, int first_right) {
  const auto grows = [](const Vector& x, int64_t operand) {
    int64_t sum = 0;
    for (const int64_t value : x) sum += operand++ * value;
    return sum >= 0;
  };
  const auto negate = [product](Vector* x) {
    for (int64_t& value : *x) value = -value;
    product->scale = -product->scale;
  };
  if (!grows(product->left, first_left)) negate(&product->left);
  if (!grows(product->right, first_right)) negate(&product->right);
  const auto [low, high] = std::minmax_element(product->right.begin(), product->right.end());
  if (*high > 127 && *low >= -127) negate(&product->right);
}

int64_t sum_of_terms(const Factorisation& factorisation, uint8_t a, uint8_t b) {
  int64_t sum = 0;
  for (const Term& term : factorisation.terms) {
    sum += int64_t{term.scale} * term.u[a] * term.v[b];
  }
  return sum;
}

/// What the terms leave to the rows and columns.
void fill_in_rest(const ProductTable& table, Operands operands, Factorisation* factorisation) {
  const auto rest = [&](int a, int b) {
    const auto x = static_cast<uint8_t>(a);
    const auto y = static_cast<uint8_t>(b);
    return static_cast<int32_t>(table(x, y) - sum_of_terms(*factorisation, x, y));
  };
  for (int a = first_operand(table.first(), operands); a <= table.first().highest(); ++a) {
    factorisation->row[static_cast<uint8_t>(a)] = rest(a, 0);
  }
  for (int b = first_operand(table.second(), operands); b <= table.second().highest(); ++b) {
    factorisation->column[static_cast<uint8_t>(b)] = rest(0, b) - rest(0, 0);
  }
}

bool within(const ByteMap& map, int low, int high) {
  const auto [least, most] = std::minmax_element(map.begin(), map.end());
  return *least >= low && *most <= high && *most - *least <= kByteSpan;
}

}  // namespace

bool reconstructs(const Factorisation& factorisation, const ProductTable& table,
                  Operands operands) {
  for (const Term& term : factorisation.terms) {
    if (!within(term.u, -128, 255) || !within(term.v, -128, 127)) return false;
  }
  for (int a = first_operand(table.first(), operands); a <= table.first().highest(); ++a) {
    for (int b = first_operand(table.second(), operands); b <= table.second().highest(); ++b) {
      const auto x = static_cast<uint8_t>(a);
      const auto y = static_cast<uint8_t>(b);
      if (sum_of_terms(factorisation, x, y) + factorisation.row[x] + factorisation.column[y] !=
          table(x, y)) {
        return false;
      }
    }
  }
  return true;
}

std::optional<Factorisation> factorise(const ProductTable& table, int most_terms,
                                       Operands operands) {
  const Matrix matrix = centred(table, operands);
  Coordinates rows;
  for (const Vector& row : matrix) {
    rows.add(row);
    if (rows.rank() > most_terms) return std::nullopt;
  }
  Factorisation factorisation;
  if (rows.rank() > 0) {
    const int first_left = first_operand(table.first(), operands);
    const int first_right = first_operand(table.second(), operands);
    auto products = fewest_products(matrix, rows.rank());
    if (!products || products->size() > static_cast<size_t>(most_terms)) return std::nullopt;
    for (Product& product : *products) {
      if (std::abs(product.scale) > INT32_MAX) return std::nullopt;
      orient(&product, first_left, first_right);
      factorisation.terms.push_back({static_cast<int32_t>(product.scale),
                                     byte_map(product.left, first_left, 255),
                                     byte_map(product.right, first_right, 127)});
    }
  }
  fill_in_rest(table, operands, &factorisation);
  if (!reconstructs(factorisation, table, operands)) return std::nullopt;
  return factorisation;
}

}  // namespace lutra::tables
