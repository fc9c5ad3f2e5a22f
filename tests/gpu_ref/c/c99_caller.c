/* The header as C99 takes it, and a multiplication through it: compiled with -std=c99 -pedantic. */
#include "c99_caller.h"

#include <lutra/lutra.h>

int multiply_in_c99(int a, int b) {
  const lutra_operand byte = {8, 1};
  lutra_multiplier* multiplier = NULL;
  lutra_backend* backend = NULL;
  lutra_gemm_args args = {0};
  int8_t first[1], second[1];
  int32_t sums[1] = {-1};
  first[0] = (int8_t)a;
  second[0] = (int8_t)b;
  if (lutra_multiplier_exact(byte, byte, &multiplier) != LUTRA_OK) return -1;
  if (lutra_backend_create("auto", 1, &backend) == LUTRA_OK) {
    args.batch = args.rows = args.outputs = args.terms = 1;
    args.multiplier = multiplier;
    args.first = first;
    args.first_size = 1;
    args.second = second;
    args.second_size = 1;
    args.sums = sums;
    args.sums_size = 1;
    if (lutra_gemm(backend, &args) != LUTRA_OK) sums[0] = -1;
  }
  lutra_backend_free(backend);
  lutra_multiplier_free(multiplier);
  return sums[0];
}
