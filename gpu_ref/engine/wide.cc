#include "lutra/engine/wide.h"

#include <atomic>
#include <cstdlib>
#include <memory>
#include <numeric>

#include "checks.h"
#include "lutra/base/threads.h"

namespace lutra::engine {
namespace {

size_t pattern(int32_t operand, int width) {
  return static_cast<size_t>(operand) & ((size_t{1} << width) - 1);
}

int32_t operand(int16_t bits, bool is_signed) {
  return is_signed ? bits : static_cast<uint16_t>(bits);
}

int64_t product(const WideMultiplier& m, int16_t a, int16_t b) {
  return m.model(operand(a, m.is_signed), operand(b, m.is_signed));
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
  base::parallel_for(1 << m.width, 64, jobs, [&](int begin, int end) {
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

/// What gemm and convolution come down to: rows of operands, of which some may be left out, times
/// columns of weights. Groups are columns that have rows of their own.
struct WideProduct {
  int64_t rows;
  int groups, outputs, terms;  ///< outputs and terms of a group
  /// Writes the operands of a row, and where `present` is not null whether each takes part.
  std::function<void(int64_t row, int group, int16_t* operands, bool* present)> fill;
  const int16_t* weight;  ///< [groups][outputs][terms]
  const int64_t* bias;    ///< [groups][outputs], or null
  const WideMultiplier* multiplier;
  WideDestination to;  ///< [rows][groups][outputs]

  int64_t first_sum(int output) const { return bias == nullptr ? 0 : bias[output]; }
};

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

/// @param gaps  whether operands may be left out
void multiply(const WideProduct& p, bool gaps, int jobs) {
  const WideMultiplier& m = *p.multiplier;
  const int outputs = p.groups * p.outputs;
  std::vector<std::vector<int32_t>> second;  // of each term
  for (const WideTerm& term : m.terms) {
    second.push_back(mapped(p.weight, int64_t{outputs} * p.terms, term.v));
  }
  constexpr int kRows = 16;
  const int tiles = static_cast<int>((p.rows + kRows - 1) / kRows);
  base::parallel_for(tiles, 1, jobs, [&](int tile, int) {
    std::vector<int16_t> operands(p.terms);
    const auto present = std::make_unique<bool[]>(p.terms);
    std::fill_n(present.get(), p.terms, true);
    std::vector<int64_t> sums(p.outputs);
    const int64_t end = std::min(p.rows, int64_t{tile + 1} * kRows);
    for (int64_t row = int64_t{tile} * kRows; row < end; ++row) {
      for (int g = 0; g < p.groups; ++g) {
        p.fill(row, g, operands.data(), gaps ? present.get() : nullptr);
        const int64_t from = int64_t{g} * p.outputs;
        for (int o = 0; o < p.outputs; ++o) {
          sums[o] = p.first_sum(static_cast<int>(from + o));
        }
        for (size_t t = 0; t < m.terms.size(); ++t) {
          auto first = mapped(operands.data(), p.terms, m.terms[t].u);
          for (int k = 0; gaps && k < p.terms; ++k) first[k] = present[k] ? first[k] : 0;
          for (int o = 0; o < p.outputs; ++o) {
            sums[o] += m.terms[t].scale *
                       dot(first.data(), second[t].data() + (from + o) * p.terms, p.terms);
          }
        }
        for (int o = 0; m.terms.empty() && o < p.outputs; ++o) {
          const int16_t* weight = p.weight + (from + o) * p.terms;
          for (int k = 0; k < p.terms; ++k) {
            if (present[k]) sums[o] += product(m, operands[k], weight[k]);
          }
        }
        for (int o = 0; o < p.outputs; ++o) p.to.store(row * outputs + from + o, sums[o]);
      }
    }
  });
}

/// The elements of a pixel; null outside of the image.
const int16_t* element(const WideConv2dArgs& args, int n, int y, int x) {
  if (y < 0 || y >= args.height || x < 0 || x >= args.width) return nullptr;
  return args.input + ((int64_t{n} * args.height + y) * args.width + x) * args.in_channels;
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
  for (int64_t r = 0; r < args.rows; ++r) {
    for (int o = 0; o < args.outputs; ++o) {
      int64_t sum = args.bias == nullptr ? 0 : args.bias[o];
      for (int k = 0; k < args.terms; ++k) {
        sum += product(*args.multiplier, args.first[r * args.terms + k],
                       args.second[int64_t{o} * args.terms + k]);
      }
      args.to.store(r * args.outputs + o, sum);
    }
  }
}

void wide_conv2d_reference(const WideConv2dArgs& args) {
  check(args);
  const int channels = args.in_channels / args.groups;
  int64_t index = 0;
  for (int n = 0; n < args.images; ++n) {
    for (int y = 0; y < args.out_height(); ++y) {
      for (int x = 0; x < args.out_width(); ++x) {
        for (int o = 0; o < args.out_channels; ++o, ++index) {
          const int first_channel = o / (args.out_channels / args.groups) * channels;
          const int16_t* weight = args.weight + int64_t{o} * args.terms();
          int64_t sum = args.bias == nullptr ? 0 : args.bias[o];
          for (int ky = 0; ky < args.vertical.kernel; ++ky) {
            for (int kx = 0; kx < args.horizontal.kernel; ++kx) {
              const int16_t* in =
                  element(args, n, args.vertical.element(y, ky), args.horizontal.element(x, kx));
              for (int c = 0; c < channels; ++c, ++weight) {
                if (in == nullptr && args.padding == Padding::kNothing) continue;
                sum += product(*args.multiplier,
                               in == nullptr ? args.pad_value : in[first_channel + c], *weight);
              }
            }
          }
          args.to.store(index, sum);
        }
      }
    }
  }
}

void wide_gemm(const WideGemmArgs& args, int jobs) {
  check(args);
  WideProduct p{args.rows,   1,         args.outputs,    args.terms, {},
                args.second, args.bias, args.multiplier, args.to};
  p.fill = [&args](int64_t row, int, int16_t* operands, bool*) {
    std::copy_n(args.first + row * args.terms, args.terms, operands);
  };
  multiply(p, false, jobs);
}

void wide_conv2d(const WideConv2dArgs& args, int jobs) {
  check(args);
  const int channels = args.in_channels / args.groups;
  const int64_t rows = int64_t{args.images} * args.out_height() * args.out_width();
  WideProduct p{rows,
                args.groups,
                args.out_channels / args.groups,
                args.terms(),
                {},
                args.weight,
                args.bias,
                args.multiplier,
                args.to};
  p.fill = [&](int64_t row, int group, int16_t* operands, bool* present) {
    const int x = static_cast<int>(row % args.out_width());
    const int y = static_cast<int>(row / args.out_width() % args.out_height());
    const int n = static_cast<int>(row / args.out_width() / args.out_height());
    for (int ky = 0; ky < args.vertical.kernel; ++ky) {
      for (int kx = 0; kx < args.horizontal.kernel; ++kx, operands += channels) {
        const int16_t* in =
            element(args, n, args.vertical.element(y, ky), args.horizontal.element(x, kx));
        if (in == nullptr) {
          std::fill_n(operands, channels, args.pad_value);
        } else {
          std::copy_n(in + group * channels, channels, operands);
        }
        if (present == nullptr) continue;
        std::fill_n(present, channels, in != nullptr);
        present += channels;
      }
    }
  };
  multiply(p, args.padding == Padding::kNothing, jobs);
}

}  // namespace lutra::engine
