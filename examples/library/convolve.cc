// A convolution with the multiplier of a table file, on the quickest backend and on the reference.
//   convolve_cpp FILE [--unsigned]
#include <chrono>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

#include "lutra/base/error.h"
#include "lutra/engine/backend.h"
#include "lutra/tables/table_files.h"

namespace {

std::vector<int8_t> random_operands(int64_t count, const lutra::tables::OperandType& type) {
  static std::mt19937 random(1);
  std::vector<int8_t> tensor(static_cast<size_t>(count));
  // Tensors hold no -128.
  const int lowest = type.lowest() + (type.is_signed ? 1 : 0);
  std::uniform_int_distribution<int> operand(lowest, type.highest());
  for (int8_t& q : tensor) q = static_cast<int8_t>(operand(random));
  return tensor;
}

int run(const char* file, bool is_unsigned) {
  namespace engine = lutra::engine;
  const lutra::tables::LoadedTable loaded = lutra::tables::read_table(file, is_unsigned);
  std::printf("%s\n", lutra::tables::describe(file, loaded).c_str());
  for (const std::string& warning : loaded.warnings) std::printf("warning: %s\n", warning.c_str());
  const engine::Multiplier multiplier(loaded.table);

  engine::Conv2dArgs args{};
  args.images = 2;
  args.height = args.width = 28;
  args.in_channels = 32;
  args.out_channels = 64;
  args.vertical = args.horizontal = {3, 1, 1, 1, 1};  // kernel, stride, padding, dilation
  args.groups = 1;
  args.padding = engine::Padding::kOperand;  // the hardware multiplies the zeros of the padding
  const auto input = random_operands(
      int64_t{args.images} * args.height * args.width * args.in_channels, loaded.table.first());
  const auto weight =
      random_operands(int64_t{args.out_channels} * args.terms(), loaded.table.second());
  args.input = input.data();
  args.weight = weight.data();
  args.products = multiplier.products();
  const double products = static_cast<double>(args.count()) * args.terms();

  std::vector<int8_t> results[2];
  for (int i = 0; i < 2; ++i) {
    const auto backend = engine::make_backend(i == 0 ? "auto" : "scalar");
    results[i].assign(static_cast<size_t>(args.count()), 0);
    args.to = {engine::Requantisation::to_int8(11), results[i].data(), nullptr};
    backend->conv2d(args);  // what is derived from the table is made in the first call
    const auto start = std::chrono::steady_clock::now();
    backend->conv2d(args);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::printf("%s: %.2f G products/s\n", backend->name().c_str(),
                products / seconds.count() * 1e-9);
  }
  const bool equal = results[0] == results[1];
  std::printf("%zu elements compared: %s\n", results[0].size(), equal ? "equal" : "DIFFERENT");
  return equal ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const bool is_unsigned = argc == 3 && std::strcmp(argv[2], "--unsigned") == 0;
  if (argc != 2 && !is_unsigned) {
    std::fprintf(stderr, "usage: %s FILE [--unsigned]\n", argv[0]);
    return 2;
  }
  try {
    return run(argv[1], is_unsigned);
  } catch (const lutra::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
