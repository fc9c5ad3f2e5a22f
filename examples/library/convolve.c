/* A convolution with the multiplier of a table file, on the quickest backend and on the reference.
     convolve_c FILE [--unsigned] */
#include <lutra/lutra.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Ends the program where a call fails. */
static void check(lutra_status status) {
  if (status == LUTRA_OK) return;
  fprintf(stderr, "%s\n", lutra_last_error());
  exit(status);
}

static int8_t* random_operands(size_t count, lutra_operand type) {
  /* Tensors hold no -128. */
  const int lowest = type.is_signed ? 1 - (1 << (type.width - 1)) : 0;
  const int values = (1 << type.width) - (type.is_signed ? 1 : 0);
  int8_t* tensor = malloc(count);
  size_t i;
  if (tensor == NULL) abort();
  for (i = 0; i < count; ++i) tensor[i] = (int8_t)(lowest + rand() % values);
  return tensor;
}

int main(int argc, char** argv) {
  const char* names[2] = {"auto", "scalar"};
  const lutra_window window = {3, 1, 1, 1, 1}; /* kernel, stride, padding, dilation */
  const int is_unsigned = argc == 3 && strcmp(argv[2], "--unsigned") == 0;
  lutra_multiplier* multiplier = NULL;
  lutra_multiplier_info info;
  lutra_conv2d_args args = {0};
  int8_t *input, *weight, *results[2];
  double products;
  int i, equal;
  if (argc != 2 && !is_unsigned) {
    fprintf(stderr, "usage: %s FILE [--unsigned]\n", argv[0]);
    return LUTRA_USAGE;
  }
  check(lutra_multiplier_load(argv[1], is_unsigned, &multiplier));
  check(lutra_multiplier_describe(multiplier, &info));
  printf("%s\n", info.line);
  if (info.warnings[0] != '\0') printf("warning: %s\n", info.warnings);
  printf("exact int8 matrix products: %d without -128, %d with it (-1: looked up)\n",
         info.symmetric_terms, info.exact_terms);

  args.images = 2;
  args.height = args.width = 28;
  args.in_channels = 32;
  args.out_channels = 64;
  args.vertical = args.horizontal = window;
  args.groups = 1;
  args.padding = LUTRA_PADDING_OPERAND; /* the hardware multiplies the zeros of the padding */
  args.multiplier = multiplier;
  args.input_size = (size_t)2 * 28 * 28 * 32;
  args.weight_size = (size_t)64 * 3 * 3 * 32;
  args.output_size = (size_t)2 * 28 * 28 * 64;
  args.input = input = random_operands(args.input_size, info.first);
  args.weight = weight = random_operands(args.weight_size, info.second);
  args.requantisation = lutra_to_int8(11, 0);
  products = (double)args.output_size * 3 * 3 * 32;
  for (i = 0; i < 2; ++i) {
    lutra_backend* backend = NULL;
    clock_t start;
    double seconds;
    check(lutra_backend_create(names[i], 1, &backend)); /* one thread: clock() adds threads up */
    results[i] = calloc(args.output_size, 1);
    if (results[i] == NULL) abort();
    args.output = results[i];
    check(lutra_conv2d(backend, &args)); /* what is derived from the table is made here */
    start = clock();
    check(lutra_conv2d(backend, &args));
    seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    printf("%s: %.2f G products/s\n", lutra_backend_name(backend), products / seconds * 1e-9);
    lutra_backend_free(backend);
  }
  equal = memcmp(results[0], results[1], args.output_size) == 0;
  printf("%lu elements compared: %s\n", (unsigned long)args.output_size,
         equal ? "equal" : "DIFFERENT");
  free(input);
  free(weight);
  free(results[0]);
  free(results[1]);
  lutra_multiplier_free(multiplier);
  return equal ? 0 : 1;
}
