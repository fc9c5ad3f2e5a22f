#include "lutra/engine/gradients.h"

#include <algorithm>
#include <string>

#include "lutra/base/error.h"

namespace lutra::engine {
namespace {

using tables::OperandType;

constexpr int kMaxWindow = 64;

void check_window(int half_window) {
  if (half_window >= 0 && half_window <= kMaxWindow) return;
  throw Error(ErrorKind::kInvalidArgument,
              "gradient: half window = " + std::to_string(half_window) + ", expected 0.." +
                  std::to_string(kMaxWindow));
}

size_t byte(int value) { return static_cast<size_t>(value & 255); }

/// Differences of the smoothed `values`, which are those of consecutive operands.
std::vector<double> differences(const std::vector<double>& values, int half_window) {
  const int n = static_cast<int>(values.size());
  std::vector<double> before(n + 1, 0);  // sums of the values before
  for (int i = 0; i < n; ++i) before[i + 1] = before[i] + values[i];
  const auto smooth = [&](int i) {
    const int low = std::max(0, i - half_window);
    const int high = std::min(n - 1, i + half_window);
    return (before[high + 1] - before[low]) / (high - low + 1);
  };
  std::vector<double> result(n);
  for (int i = 0; i < n; ++i) {
    const int low = std::max(0, i - 1);
    const int high = std::min(n - 1, i + 1);
    result[i] = (smooth(high) - smooth(low)) / (high - low);
  }
  return result;
}

/// By byte: each operand's entry of `values`, which are those of consecutive operands.
std::vector<float> by_byte(const OperandType& type, const std::vector<double>& values) {
  std::vector<float> map(256, 0);
  for (int x = type.lowest(); x <= type.highest(); ++x) {
    map[byte(x)] = static_cast<float>(values[x - type.lowest()]);
  }
  return map;
}

std::vector<double> operands(const OperandType& type) {
  std::vector<double> values;
  for (int x = type.lowest(); x <= type.highest(); ++x) values.push_back(x);
  return values;
}

/// f(a) g(b) as close to the table as least squares bring it; exact where one term is all there is.
struct RankOne {
  std::vector<double> f;
  std::vector<double> g;

  explicit RankOne(const Multiplier& multiplier) {
    const tables::ProductTable& table = multiplier.table();
    const OperandType& first = table.first();
    const OperandType& second = table.second();
    const auto* exact = multiplier.factorisation();
    const auto all_zero = [](const tables::ByteMap& map) {
      return std::all_of(map.begin(), map.end(), [](int32_t x) { return x == 0; });
    };
    if (exact != nullptr && exact->terms.size() == 1 && all_zero(exact->row) &&
        all_zero(exact->column)) {
      const tables::Term& term = exact->terms[0];
      for (int a = first.lowest(); a <= first.highest(); ++a) {
        f.push_back(static_cast<double>(term.scale) * term.u[byte(a)]);
      }
      for (int b = second.lowest(); b <= second.highest(); ++b) g.push_back(term.v[byte(b)]);
      return;
    }
    constexpr int kRounds = 16;
    f.resize(1 << first.width);
    g = operands(second);
    for (int round = 0; round < kRounds; ++round) {
      fit(table, g, &f, false);
      fit(table, f, &g, true);
    }
  }

 private:
  /// The best `free` for given `held`; 0 where nothing is held.
  static void fit(const tables::ProductTable& table, const std::vector<double>& held,
                  std::vector<double>* free, bool second_is_free) {
    const OperandType& x_type = second_is_free ? table.second() : table.first();
    const OperandType& y_type = second_is_free ? table.first() : table.second();
    double square = 0;
    for (const double value : held) square += value * value;
    for (int x = x_type.lowest(); x <= x_type.highest(); ++x) {
      double sum = 0;
      for (int y = y_type.lowest(); y <= y_type.highest(); ++y) {
        const auto a = static_cast<uint8_t>(second_is_free ? y : x);
        const auto b = static_cast<uint8_t>(second_is_free ? x : y);
        sum += table(a, b) * held[y - y_type.lowest()];
      }
      (*free)[x - x_type.lowest()] = square == 0 ? 0 : sum / square;
    }
  }
};

/// [256][256], the differentiated operand outer.
std::vector<float> difference_table(const tables::ProductTable& table, bool of_second,
                                    int half_window) {
  const OperandType& x_type = of_second ? table.second() : table.first();
  const OperandType& y_type = of_second ? table.first() : table.second();
  std::vector<float> result(65536, 0);
  for (int y = y_type.lowest(); y <= y_type.highest(); ++y) {
    std::vector<double> products;
    for (int x = x_type.lowest(); x <= x_type.highest(); ++x) {
      products.push_back(
          table(static_cast<uint8_t>(of_second ? y : x), static_cast<uint8_t>(of_second ? x : y)));
    }
    const std::vector<double> slope = differences(products, half_window);
    for (int x = x_type.lowest(); x <= x_type.highest(); ++x) {
      result[byte(x) << 8 | byte(y)] = static_cast<float>(slope[x - x_type.lowest()]);
    }
  }
  return result;
}

}  // namespace

DerivativeRule straight_through(const Multiplier& multiplier) {
  const OperandType& first = multiplier.table().first();
  const OperandType& second = multiplier.table().second();
  DerivativeRule rule;
  rule.first_own.assign(256, 1.0f);
  rule.second_own.assign(256, 1.0f);
  rule.first_other = by_byte(second, operands(second));
  rule.second_other = by_byte(first, operands(first));
  return rule;
}

DerivativeRule factorised_differences(const Multiplier& multiplier, int half_window) {
  check_window(half_window);
  const OperandType& first = multiplier.table().first();
  const OperandType& second = multiplier.table().second();
  const RankOne fit(multiplier);
  DerivativeRule rule;
  rule.first_own = by_byte(first, differences(fit.f, half_window));
  rule.first_other = by_byte(second, fit.g);
  rule.second_own = by_byte(second, differences(fit.g, half_window));
  rule.second_other = by_byte(first, fit.f);
  return rule;
}

DerivativeRule smoothed_differences(const Multiplier& multiplier, int half_window) {
  check_window(half_window);
  DerivativeRule rule;
  rule.first_table = difference_table(multiplier.table(), false, half_window);
  rule.second_table = difference_table(multiplier.table(), true, half_window);
  return rule;
}

}  // namespace lutra::engine
