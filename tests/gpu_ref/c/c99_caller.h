#ifndef LUTRA_TESTS_GPU_REF_C_C99_CALLER_H_
#define LUTRA_TESTS_GPU_REF_C_C99_CALLER_H_

#ifdef __cplusplus
extern "C" {
#endif

/// a * b of two signed bytes, by the C API from a C source; -1 on failure.
int multiply_in_c99(int a, int b);

#ifdef __cplusplus
}
#endif

#endif  // LUTRA_TESTS_GPU_REF_C_C99_CALLER_H_
