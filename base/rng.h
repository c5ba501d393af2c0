/* rng.h - counter-based random numbers.
 *
 * A random number is a pure function of a 64-bit key and an index, so it does
 * not depend on threads, order or how many were drawn before.  The generator is
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as
 * easy as 1, 2, 3", section 3.3); one call of the block function yields four
 * 32-bit words, of which index i takes word i mod 4 of block i / 4. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

/* What a stream of numbers is for; part of the key, so that two purposes never
 * share numbers.  Append only: the values are part of every run's identity. */
enum rng_purpose {
    RNG_INIT = 1,    /* initial weights, one stream a tensor */
    RNG_DATA = 2,    /* order of the training sequences */
    RNG_ROUND = 3,   /* stochastic rounding */
    RNG_HOLDOUT = 4, /* which parts of a corpus are held out */
    RNG_FIT = 5,     /* start points and bootstrap resamples */
    RNG_TEST = 6,
    RNG_CALIBRATE = 7, /* sequences that a model is calibrated on */
};

/* Key of the stream (seed, purpose, lane); lane tells tensors, steps or
 * replicates apart. */
uint64_t rng_key(uint64_t seed, enum rng_purpose purpose, uint64_t lane);

void rng_philox(uint32_t out[4], uint64_t key, uint64_t block);
uint32_t rng_u32(uint64_t key, uint64_t i);
uint64_t rng_u64(uint64_t key, uint64_t i);

/* Uniform in [0, 1): 24 bits, exact in float; 53 bits, exact in double. */
float rng_f32(uint64_t key, uint64_t i);
double rng_f64(uint64_t key, uint64_t i);

/* Uniform in 0 .. n-1, n > 0, by the high half of a 64 x 64 product; the bias
 * is below n / 2^64. */
uint64_t rng_below(uint64_t key, uint64_t i, uint64_t n);

/* Standard normal by inverting the distribution function (Wichura 1988,
 * algorithm AS 241, PPND16, relative error about 1e-16).  Only + - * / and
 * sqrt are used, so the bits are the same on every CPU and libm. */
double rng_normal(uint64_t key, uint64_t i);

/* The quantile function itself, 0 < p < 1. */
double rng_normal_quantile(double p);

#endif
