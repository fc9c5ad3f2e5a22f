#include "checks.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <tuple>

#include "lutra/base/error.h"
#include "operand_tensors.h"

namespace lutra::engine {
namespace {

/// Collects what is wrong with the arguments of one operation.
class Check {
 public:
  explicit Check(const char* operation) : operation_(operation) {}

  void between(const char* what, int64_t value, int64_t low, int64_t high) const {
    if (value >= low && value <= high) return;
    fail(std::string(what) + " = " + std::to_string(value) + ", expected " + std::to_string(low) +
         ".." + std::to_string(high));
  }
  void size(const char* what, int64_t value) const { between(what, value, 1, kMaxElements); }
  void present(const char* what, const void* pointer) const {
    if (pointer == nullptr) fail(std::string(what) + " is null");
  }
  void destination(const Destination& to) const {
    if (to.output == nullptr && to.sums == nullptr) fail("neither output nor sums is given");
    requantisation(to.requantisation);
  }
  void requantisation(const Requantisation& r) const {
    between("shift", r.shift, 0, 31);
    between("lowest element", r.low, -128, r.high);
    between("highest element", r.high, r.low, r.low < 0 ? 127 : 255);
  }
  void products(const Products& p) const {
    present("the multiplier's table", p.offsets);
    present("the multiplier", p.multiplier);
  }
  /// That a tensor holds operands only; where every byte is one, there is nothing to look at.
  void operands(const char* what, const int8_t* tensor, int64_t count,
                const tables::OperandType& type) const {
    present(what, tensor);
    if (type.width == 8) return;
    for (int64_t i = 0; i < count; ++i) {
      const int value = element_value(tensor[i], type.is_signed);
      if (type.holds(value)) continue;
      fail(std::string(what) + ", element " + std::to_string(i) + " = " + std::to_string(value) +
           ", the multiplier takes " + std::to_string(type.lowest()) + ".." +
           std::to_string(type.highest()));
    }
  }
  void operands(const char* first, const char* second, const OperandTensors& of,
                const Products& p) const {
    const tables::ProductTable& table = p.multiplier->table();
    operands(first, of.first, of.first_count, table.first());
    operands(second, of.second, of.second_count, table.second());
    if (of.padding != nullptr) operands("padding", of.padding, 1, table.first());
  }
  /// That no accumulator leaves 32 bits.
  void accumulator(int64_t terms, const Products& p, const int32_t* bias, int outputs) const {
    int64_t largest = 0;
    for (int o = 0; bias != nullptr && o < outputs; ++o) {
      largest = std::max(largest, std::abs(int64_t{bias[o]}));
    }
    const int64_t bound = terms * p.multiplier->table().largest_magnitude() + largest;
    if (bound <= INT32_MAX) return;
    fail("an accumulator can reach " + std::to_string(bound) + " (" + std::to_string(terms) +
         " products of up to " + std::to_string(p.multiplier->table().largest_magnitude()) +
         "), expected at most " + std::to_string(INT32_MAX));
  }
  void wide(const WideMultiplier* m, const WideDestination& to, const int64_t* bias,
            int outputs) const {
    present("the multiplier", m);
    between("bits of an operand", m->width, 2, 16);
    if (!m->model) fail("the multiplier has no model");
    // Beside 2^30 products of 32 bits a sum stays below 2^63.
    constexpr int64_t kLargestBias = int64_t{1} << 61;
    for (int o = 0; bias != nullptr && o < outputs; ++o) {
      between(("bias " + std::to_string(o)).c_str(), bias[o], -kLargestBias, kLargestBias);
    }
    if (to.output == nullptr && to.sums == nullptr) fail("neither output nor sums is given");
    const WideRequantisation& r = to.requantisation;
    between("shift", r.shift, 0, 62);
    between("lowest element", r.low, INT16_MIN, r.high);
    between("highest element", r.high, r.low, r.low < 0 ? INT16_MAX : UINT16_MAX);
  }
  void operands(const char* what, const int16_t* tensor, int64_t count,
                const WideMultiplier& m) const {
    present(what, tensor);
    for (int64_t i = 0; i < count; ++i) {
      const int32_t value = m.is_signed ? tensor[i] : static_cast<uint16_t>(tensor[i]);
      if (value >= m.lowest() && value <= m.highest()) continue;
      fail(std::string(what) + ", element " + std::to_string(i) + " = " + std::to_string(value) +
           ", the multiplier takes " + std::to_string(m.lowest()) + ".." +
           std::to_string(m.highest()));
    }
  }
  void window(const char* axis, const Window& w, int size) const {
    const std::string name = axis;
    between((name + " kernel").c_str(), w.kernel, 1, 1 << 16);
    between((name + " stride").c_str(), w.stride, 1, 1 << 16);
    between((name + " dilation").c_str(), w.dilation, 1, 1 << 16);
    between((name + " padding before").c_str(), w.pad_before, 0, 1 << 16);
    between((name + " padding after").c_str(), w.pad_after, 0, 1 << 16);
    const int64_t span = int64_t{w.dilation} * (w.kernel - 1) + 1;
    if (span > size + w.pad_before + w.pad_after) {
      fail(name + " kernel spans " + std::to_string(span) +
           " elements, expected at most the padded image's " +
           std::to_string(size + w.pad_before + w.pad_after));
    }
  }
  /// Of a convolution and its gradients.
  template <typename Args>
  void convolution(const Args& args) const {
    size("images", args.images);
    size("height", args.height);
    size("width", args.width);
    size("input channels", args.in_channels);
    size("output channels", args.out_channels);
    window("vertical", args.vertical, args.height);
    window("horizontal", args.horizontal, args.width);
    size("groups", args.groups);
    if (args.in_channels % args.groups != 0 || args.out_channels % args.groups != 0) {
      fail(std::to_string(args.groups) + " groups, expected a divisor of " +
           std::to_string(args.in_channels) + " input and " + std::to_string(args.out_channels) +
           " output channels");
    }
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::kInvalidArgument, std::string(operation_) + ": " + what);
  }

  static constexpr int64_t kMaxElements = int64_t{1} << 30;

 private:
  const char* operation_;
};

}  // namespace

void check(const GemmArgs& args) {
  const Check check("gemm");
  check.size("batch", args.batch);
  check.size("rows", args.rows);
  check.size("outputs", args.outputs);
  check.size("terms", args.terms);
  check.products(args.products);
  check.destination(args.to);
  check.operands("first", "second", operands_of(args), args.products);
  check.accumulator(args.terms, args.products, args.bias, args.outputs);
}

void check(const Conv2dArgs& args) {
  const Check check("conv2d");
  check.convolution(args);
  check.products(args.products);
  check.destination(args.to);
  check.operands("input", "weight", operands_of(args), args.products);
  check.accumulator(args.terms(), args.products, args.bias, args.out_channels);
}

void check(const WideGemmArgs& args) {
  const Check check("wide gemm");
  check.size("rows", args.rows);
  check.size("outputs", args.outputs);
  check.size("terms", args.terms);
  check.wide(args.multiplier, args.to, args.bias, args.outputs);
  check.operands("first", args.first, int64_t{args.rows} * args.terms, *args.multiplier);
  check.operands("second", args.second, int64_t{args.outputs} * args.terms, *args.multiplier);
}

void check(const WideConv2dArgs& args) {
  const Check check("wide conv2d");
  check.convolution(args);
  check.wide(args.multiplier, args.to, args.bias, args.out_channels);
  check.operands("input", args.input,
                 int64_t{args.images} * args.height * args.width * args.in_channels,
                 *args.multiplier);
  check.operands("weight", args.weight, int64_t{args.out_channels} * args.terms(),
                 *args.multiplier);
  check.operands("padding", &args.pad_value, 1, *args.multiplier);
}

void check(const PoolArgs& args) {
  const Check check("pool");
  check.size("images", args.images);
  check.size("height", args.height);
  check.size("width", args.width);
  check.size("channels", args.channels);
  check.window("vertical", args.vertical, args.height);
  check.window("horizontal", args.horizontal, args.width);
  for (const auto& [axis, window, size] :
       {std::tuple<const char*, const Window&, int>{"vertical", args.vertical, args.height},
        {"horizontal", args.horizontal, args.width}}) {
    for (int i = 0; i < window.outputs(size); ++i) {
      int inside = 0;
      for (int k = 0; k < window.kernel; ++k) {
        inside += window.element(i, k) >= 0 && window.element(i, k) < size;
      }
      if (inside == 0) {
        check.fail(std::string(axis) + " window " + std::to_string(i) + " holds padding only");
      }
    }
  }
  check.present("input", args.input);
  check.present("output", args.output);
}

void check(const AddArgs& args) {
  const Check check("add");
  check.between("elements", args.elements, 1, INT64_MAX);
  check.between("shift of the first", args.shift_first, 0, 16);
  check.between("shift of the second", args.shift_second, 0, 16);
  check.requantisation(args.requantisation);
  check.present("first", args.first);
  check.present("second", args.second);
  check.present("output", args.output);
}

void check(const RequantiseArgs& args) {
  const Check check("requantise");
  check.between("elements", args.elements, 1, INT64_MAX);
  check.requantisation(args.requantisation);
  check.present("sums", args.sums);
  check.present("output", args.output);
}

namespace {

void check_capsules(const Check& check, int images, int capsules, int classes, int out_dim,
                    int shift) {
  check.size("images", images);
  check.size("capsules", capsules);
  check.size("classes", classes);
  check.size("elements of a capsule", out_dim);
  check.between("shift", shift, 0, 31);
}

}  // namespace

void check(const VotesArgs& args) {
  const Check check("votes");
  check_capsules(check, args.images, args.capsules, args.classes, args.out_dim, args.shift);
  check.size("elements of an input capsule", args.in_dim);
  check.products(args.products);
  check.operands("input", "weight", operands_of(args), args.products);
  check.present("output", args.output);
  check.accumulator(args.in_dim, args.products, nullptr, 0);
}

void check(const WeightedSumArgs& args) {
  const Check check("weighted sum");
  check_capsules(check, args.images, args.capsules, args.classes, args.out_dim, args.shift);
  check.products(args.products);
  check.operands("coupling", "votes", operands_of(args), args.products);
  check.present("output", args.output);
  check.accumulator(args.capsules, args.products, nullptr, 0);
}

void check(const AgreementArgs& args) {
  const Check check("agreement");
  check_capsules(check, args.images, args.capsules, args.classes, args.out_dim, args.shift);
  check.products(args.products);
  check.operands("votes", "v", operands_of(args), args.products);
  check.present("before", args.before);
  check.present("output", args.output);
  check.accumulator(args.out_dim, args.products, nullptr, 0);
}

void check(const SquashArgs& args) {
  const Check check("squash");
  check.between("capsules", args.capsules, 1, INT64_MAX);
  check.between("elements of a capsule", args.dim, 1, numerics::kMaxVector);
  check.between("fraction length", args.frac, 0, 7);
  check.products(args.products);
  const int64_t count = args.capsules * args.dim;
  check.operands("input", "input", {args.input, count, args.input, count}, args.products);
  const tables::ProductTable& table = args.products.multiplier->table();
  for (int64_t i = 0; i < count && !(table.first().is_signed && table.second().is_signed); ++i) {
    if (args.input[i] >= 0) continue;
    check.fail("input, element " + std::to_string(i) + " = " + std::to_string(args.input[i]) +
               ", expected 0..127: the multiplier's operands are unsigned, the elements are int8");
  }
  check.present("output", args.output);
}

void check(const SoftmaxArgs& args) {
  const Check check("softmax");
  check.size("images", args.images);
  check.size("capsules", args.capsules);
  check.between("classes", args.classes, 1, numerics::kMaxVector);
  check.between("fraction length", args.frac, 0, 7);
  check.present("logits", args.logits);
  check.present("output", args.output);
}

void check(const ClassifyArgs& args) {
  const Check check("classify");
  check.size("images", args.images);
  check.between("classes", args.classes, 1, 127);
  check.size("elements of a capsule", args.dim);
  check.products(args.products);
  const int64_t count = int64_t{args.images} * args.classes * args.dim;
  check.operands("input", "input", {args.input, count, args.input, count}, args.products);
  check.present("scores", args.scores);
  check.present("output", args.output);
  check.accumulator(args.dim, args.products, nullptr, 0);
}

namespace {

void check_gradient(const char* operation, const Conv2dGradientArgs& args) {
  const Check check(operation);
  check.convolution(args);
  check.present("input", args.input);
  check.present("weight", args.weight);
  check.present("gradient", args.gradient);
  check.present("result", args.result);
  if (args.derivative.table == nullptr) {
    check.present("the derivative's own map", args.derivative.own);
    check.present("the derivative's other map", args.derivative.other);
  }
}

}  // namespace

void check_input_gradient(const Conv2dGradientArgs& args) {
  check_gradient("conv2d input gradient", args);
}
void check_weight_gradient(const Conv2dGradientArgs& args) {
  check_gradient("conv2d weight gradient", args);
}

}  // namespace lutra::engine
