/* bench.h - how fast the kernels are on this machine.
 *
 * Times are CPU time of the thread, so that other people's time slices do not
 * count.  What is compared is timed in turn, A B C A B C, and a ratio is the
 * median of the ratios of the rounds: a machine that slows down for a while
 * slows both sides of a pair. */
#ifndef HARNESS_BENCH_BENCH_H
#define HARNESS_BENCH_BENCH_H

#include "base/err.h"
#include "kernels/kernels.h"

double bench_cpu_s(void);              /* CPU time of this thread */
double bench_median(double *x, int n); /* sorts x */

/* Products in registers only, GFLOP/s or GOP/s of one thread: f32 fused
 * multiply-adds, and int8 products added to int32. */
double bench_peak(const struct kernels *kn);
double bench_peak_int8(const struct kernels *kn);

/* One product with its operands in memory; 0 nt, 1 nn, 2 tn. */
double bench_gemm(const struct kernels *kn, int orientation, int m, int n,
                  int k);

/* Nanoseconds an element of quantizing [rows, cols]. */
double bench_quant(const struct kernels *kn, const struct quant_spec *spec,
                   int rows, int cols, enum quant_axis axis);

/* The forward product X W^T of m tokens, f32 against int8 codes with a scale
 * for each group of both operands. */
struct bench_int {
    double f32_gflops;
    double gops;       /* the integer product alone */
    double all_in;     /* times f32: X and W quantized, multiplied */
    double all_copies; /* and with dequantized copies for the backward pass */
};
struct bench_int bench_int(const struct kernels *kn,
                           const struct quant_spec *spec, int m, int n, int k);

#endif
