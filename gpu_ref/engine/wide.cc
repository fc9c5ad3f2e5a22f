#include "lutra/engine/wide.h"

#include <atomic>
#include <cstdlib>
#include <numeric>
#include <string>

#include "lutra/numerics/error.h"
#include "lutra/numerics/parallel.h"

namespace lutra::engine {
namespace {

size_t pattern(int32_t operand, int width) {
  return static_cast<size_t>(operand) & ((size_t{1} << width) - 1);
}

int32_t operand(int16_t bits, bool is_signed) {
  return is_signed ? bits : static_cast<uint16_t>(bits);
}

int64_t product_of_terms(const WideMultiplier& m, int32_t a, int32_t b) {
  int64_t sum = 0;
  for (const WideTerm& term : m.terms) {
    sum += term.scale * term.u[pattern(a, m.width)] * term.v[pattern(b, m.width)];
  }
  return sum;
}

bool reconstructs(const WideMultiplier& m, int jobs) {
  std::atomic<bool> equal{true};
  numerics::parallel_for(1 << m.width, 64, jobs, [&](int begin, int end) {
    for (int i = begin; i < end && equal; ++i) {
      const int32_t a = m.lowest() + i;
      for (int32_t b = m.lowest(); b <= m.highest(); ++b) {
        if (product_of_terms(m, a, b) != m.model(a, b)) {
          equal = false;
          return;
        }
      }
    }
  });
  return equal;
}

/// u(a) v(b) that agrees with `products` on one row and one column, if these are whole numbers.
bool rank_one(const WideMultiplier& m, const WideMultiplier::Model& products, WideTerm* term) {
  // A pair whose product is not 0: operands of few zeros first.
  int32_t a0 = 0;
  int32_t b0 = 0;
  const int32_t candidates[] = {m.highest(), m.highest() / 3, m.highest() / 5 * 2, 1, m.lowest()};
  for (const int32_t a : candidates) {
    for (const int32_t b : candidates) {
      if (products(a0, b0) == 0 && products(a, b) != 0) {
        a0 = a;
        b0 = b;
      }
    }
  }
  const int64_t pivot = products(a0, b0);
  if (pivot == 0) return false;
  int64_t divisor = 0;
  for (int32_t a = m.lowest(); a <= m.highest(); ++a) divisor = std::gcd(divisor, products(a, b0));
  term->scale = 1;
  term->u.assign(size_t{1} << m.width, 0);
  term->v.assign(size_t{1} << m.width, 0);
  const int64_t whole = pivot / divisor;
  for (int32_t x = m.lowest(); x <= m.highest(); ++x) {
    const int64_t u = products(x, b0) / divisor;
    const int64_t v = products(a0, x);
    if (v % whole != 0 || std::abs(u) > INT32_MAX || std::abs(v / whole) > INT32_MAX) return false;
    term->u[pattern(x, m.width)] = static_cast<int32_t>(u);
    term->v[pattern(x, m.width)] = static_cast<int32_t>(v / whole);
  }
  return true;
}

void check(const WideGemmArgs& args) {
  const auto fail = [](const std::string& what) {
    throw Error(ExitCode::kUsage, "wide gemm: " + what);
  };
  for (const auto& [what, size] :
       {std::pair{"rows", args.rows}, {"outputs", args.outputs}, {"terms", args.terms}}) {
    if (size < 1) fail(std::string(what) + " = " + std::to_string(size) + ", expected 1 or more");
  }
  if (args.first == nullptr || args.second == nullptr || args.sums == nullptr ||
      args.multiplier == nullptr) {
    fail("first, second, sums or the multiplier is null");
  }
  const WideMultiplier& m = *args.multiplier;
  if (m.width < 2 || m.width > 16) {
    fail("operands of " + std::to_string(m.width) + " bits, expected 2..16");
  }
  const auto operands = [&](const char* what, const int16_t* tensor, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      const int32_t value = operand(tensor[i], m.is_signed);
      if (value >= m.lowest() && value <= m.highest()) continue;
      fail(std::string(what) + ", element " + std::to_string(i) + " = " + std::to_string(value) +
           ", the multiplier takes " + std::to_string(m.lowest()) + ".." +
           std::to_string(m.highest()));
    }
  };
  operands("first", args.first, int64_t{args.rows} * args.terms);
  operands("second", args.second, int64_t{args.outputs} * args.terms);
}

void reference_rows(const WideGemmArgs& args, int begin, int end) {
  const WideMultiplier& m = *args.multiplier;
  for (int r = begin; r < end; ++r) {
    const int16_t* a = args.first + int64_t{r} * args.terms;
    for (int o = 0; o < args.outputs; ++o) {
      const int16_t* b = args.second + int64_t{o} * args.terms;
      int64_t sum = args.bias == nullptr ? 0 : args.bias[o];
      for (int k = 0; k < args.terms; ++k) {
        sum += m.model(operand(a[k], m.is_signed), operand(b[k], m.is_signed));
      }
      args.sums[int64_t{r} * args.outputs + o] = sum;
    }
  }
}

std::vector<int32_t> mapped(const int16_t* tensor, int64_t count, const std::vector<int32_t>& map) {
  std::vector<int32_t> result(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i)
    result[i] = map[static_cast<uint16_t>(tensor[i]) & (map.size() - 1)];
  return result;
}

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__)
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
int64_t
dot(const int32_t* a, const int32_t* b, int terms) {
  int64_t sum = 0;
  for (int k = 0; k < terms; ++k) sum += int64_t{a[k]} * b[k];
  return sum;
}

}  // namespace

bool factorise(WideMultiplier* multiplier, int jobs) {
  WideMultiplier trial = *multiplier;
  const auto& model = multiplier->model;
  trial.terms.resize(1);
  if (rank_one(trial, model, &trial.terms[0]) && reconstructs(trial, jobs)) {
    multiplier->terms = trial.terms;
    return true;
  }
  // What is left of a product that is exact but for a correction.
  trial.terms.resize(2);
  WideTerm& exact = trial.terms[0];
  exact.scale = 1;
  exact.u.assign(size_t{1} << trial.width, 0);
  for (int32_t x = trial.lowest(); x <= trial.highest(); ++x) exact.u[pattern(x, trial.width)] = x;
  exact.v = exact.u;
  const auto error = [&model](int32_t a, int32_t b) { return model(a, b) - int64_t{a} * b; };
  if (rank_one(trial, error, &trial.terms[1]) && reconstructs(trial, jobs)) {
    multiplier->terms = trial.terms;
    return true;
  }
  return false;
}

void wide_gemm_reference(const WideGemmArgs& args) {
  check(args);
  reference_rows(args, 0, args.rows);
}

void wide_gemm(const WideGemmArgs& args, int jobs) {
  check(args);
  constexpr int kRows = 16;
  if (args.multiplier->terms.empty()) {
    numerics::parallel_for(args.rows, kRows, jobs,
                           [&](int begin, int end) { reference_rows(args, begin, end); });
    return;
  }
  std::vector<std::vector<int32_t>> second;
  for (const WideTerm& term : args.multiplier->terms) {
    second.push_back(mapped(args.second, int64_t{args.outputs} * args.terms, term.v));
  }
  numerics::parallel_for(args.rows, kRows, jobs, [&](int begin, int end) {
    for (int r = begin; r < end; ++r) {
      int64_t* sums = args.sums + int64_t{r} * args.outputs;
      for (int o = 0; o < args.outputs; ++o) sums[o] = args.bias == nullptr ? 0 : args.bias[o];
      for (size_t t = 0; t < second.size(); ++t) {
        const WideTerm& term = args.multiplier->terms[t];
        const auto first = mapped(args.first + int64_t{r} * args.terms, args.terms, term.u);
        for (int o = 0; o < args.outputs; ++o) {
          sums[o] += term.scale *
                     dot(first.data(), second[t].data() + int64_t{o} * args.terms, args.terms);
        }
      }
    }
  });
}

}  // namespace lutra::engine
