#ifndef LUTRA_NUMERICS_HD_H_
#define LUTRA_NUMERICS_HD_H_

/// Marks a function for host and device: nvcc compiles for a kernel only what carries both.
#ifdef __CUDACC__
#define LUTRA_HD __host__ __device__
#else
#define LUTRA_HD
#endif

#endif  // LUTRA_NUMERICS_HD_H_
