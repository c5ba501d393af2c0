/* error.c - what a quantizer does to Gaussian numbers. */
#include <stdlib.h>

#include "base/rng.h"
#include "base/str.h"
#include "kernels/quant.h"

/* 2^18 numbers put the standard error of the mean at half a percent. */
#define ROWS 64
#define COLS 4096

double quant_gaussian_mse(const struct quant_spec *s)
{
    const size_t n = (size_t)ROWS * COLS;
    const uint64_t key = rng_key(1, RNG_TEST, 0);
    real *x = mem_array(n, sizeof *x), *y = mem_array(n, sizeof *y);
    void *work =
        mem_alloc(quant_work_size(s, ROWS, COLS, QUANT_ALONG_COLS) + 1);
    const struct quant_io out = { .value = y };
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        x[i] = (real)rng_normal(key, i);
    quant_apply_ref(s, &out, x, ROWS, COLS, QUANT_ALONG_COLS, key, work);
    for (size_t i = 0; i < n; i++) {
        const double e = (double)x[i] - (double)y[i];

        sum += e * e;
    }
    free(x);
    free(y);
    free(work);
    return sum / (double)n;
}
