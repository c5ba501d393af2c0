/* bench.h - how fast the kernels and a training step are on this machine.
 *
 * Times are CPU time of the thread, the best of several rounds, so that other
 * people's time slices do not count; shares are of the f32 peak measured in
 * the same call. */
#ifndef HARNESS_BENCH_H
#define HARNESS_BENCH_H

#include "base/err.h"
#include "kernels/kernels.h"
#include "trainer/config.h"

/* Fused multiply-adds in registers: GFLOP/s of one thread. */
double bench_peak(const struct kernels *kn);

/* One product with its operands in memory; 0 nt, 1 nn, 2 tn. */
double bench_gemm(const struct kernels *kn, int orientation, int m, int n,
                  int k);

/* Nanoseconds an element of quantizing [rows, cols]. */
double bench_quant(const struct kernels *kn, const struct quant_spec *spec,
                   int rows, int cols, enum quant_axis axis);

struct bench_step {
    double tok_per_s, gflops; /* 6 N D + causal attention */
    int64_t memory_bytes;
};

/* A full optimizer step of c (resolved) on random tokens, median of rounds. */
enum status bench_step(struct bench_step *out, const struct config *c,
                       const struct kernels *kn, int rounds, struct err *err);

#endif
