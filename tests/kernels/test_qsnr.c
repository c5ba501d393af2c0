/* Signal-to-noise ratios of the block formats on three distributions, against
 * values computed independently in double precision: i.i.d. samples, means
 * over four seeds of 256,000 values (quantization research note, section D;
 * arXiv 2510.25602 table 1 has the formats). */
#include <stdlib.h>

#include "base/rng.h"
#include "base/str.h"
#include "kernels/kernels.h"
#include "tests/check.h"

enum { N = 256000, SEEDS = 4, WIDTH = 640 };
enum source { GAUSS, LAPLACE, STUDENT5, SOURCES };

static double draw(enum source source, uint64_t key, uint64_t i)
{
    const double z = rng_normal(key, 8 * i);
    double u, chi = 0;

    switch (source) {
    case GAUSS:
        return z;
    case LAPLACE:
        u = rng_f64(key ^ 1, i) - 0.5;
        return (u < 0 ? 1 : -1) * log(1 - 2 * fabs(u) + 1e-300);
    default:
        for (uint64_t k = 1; k <= 5; k++) {
            const double g = rng_normal(key, 8 * i + k);

            chi += g * g;
        }
        return z / sqrt(chi / 5);
    }
}

static double qsnr(const char *text, const float *x)
{
    const struct kernels *kn;
    struct quant_spec s;
    struct err err;
    float *y = mem_array(N, sizeof *y);
    const struct quant_io out = { .value = y };
    void *work;
    double signal = 0, noise = 0;

    check_ok(kernels_select(&kn, NULL, &err), err);
    check_ok(quant_parse(&s, text, NULL, &err), err);
    work =
        mem_alloc(quant_work_size(&s, N / WIDTH, WIDTH, QUANT_ALONG_COLS) + 1);
    assert_true(kn->quant_apply(&s, &out, x, N / WIDTH, WIDTH, QUANT_ALONG_COLS,
                                0, work));
    free(work);
    for (int i = 0; i < N; i++) {
        signal += (double)x[i] * (double)x[i];
        noise += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
    }
    free(y);
    return 10 * log10(signal / noise);
}

static const struct {
    const char *text;
    double db[SOURCES]; /* 0: not tabulated */
} golden[] = {
    { "mxint8", { 41.61, 39.93, 39.98 } },
    { "mxfp8", { 31.53, 31.55, 31.52 } },
    { "mxfp8/e8m0-floor", { 30.64, 30.02, 29.99 } },
    { "mxint6", { 29.42, 27.69, 27.70 } },
    { "mxfp6", { 30.97, 30.25, 30.25 } },
    { "mxfp6/e8m0-floor", { 30.95, 30.29, 30.31 } },
    { "mxint4", { 16.84, 14.92, 14.80 } },
    { "mxfp4", { 18.75, 17.58, 17.53 } },
    { "mxfp4/e8m0-floor", { 18.79, 17.95, 17.98 } },
    { "nvint4", { 21.27, 19.78, 19.82 } },
    { "nvfp4", { 20.43, 20.67, 20.69 } },
    /* with an unrounded fp32 scale, block 32 */
    { "int8n/g32", { 45.42, 0, 0 } },
    { "int6n/g32", { 33.20, 31.18, 0 } },
    { "int4n/g32", { 20.28, 18.33, 0 } },
    { "e4m3/g32", { 32.40, 0, 0 } },
    { "e2m3/g32", { 32.31, 32.41, 0 } },
    { "e2m1/g32", { 19.91, 19.78, 0 } },
};

static void ratios_agree_with_the_independent_table(void **state)
{
    static const double tolerance[SOURCES] = { 0.1, 0.1, 0.15 };
    const size_t n = sizeof golden / sizeof golden[0];
    double sum[sizeof golden / sizeof golden[0]][SOURCES] = { { 0 } };
    float *x = mem_array(N, sizeof *x);

    (void)state;
    for (int source = 0; source < SOURCES; source++)
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            const uint64_t key = rng_key(seed, RNG_TEST, (uint64_t)source);

            for (uint64_t i = 0; i < N; i++)
                x[i] = (float)draw((enum source)source, key, i);
            for (size_t g = 0; g < n; g++)
                sum[g][source] += qsnr(golden[g].text, x) / SEEDS;
        }
    for (size_t g = 0; g < n; g++)
        for (int source = 0; source < SOURCES; source++)
            if (golden[g].db[source] > 0) {
                print_message("%-18s %d  %.2f dB, table %.2f\n", golden[g].text,
                              source, sum[g][source], golden[g].db[source]);
                check_close(sum[g][source], golden[g].db[source],
                            tolerance[source]);
            }
    free(x);
}

/* Rotated normal numbers are normal ones; rotated Laplacian ones come near to
 * what the paper measured on rotated operands (its table of mean ratios). */
static void rotated_ratios_agree_with_table_and_paper(void **state)
{
    static const struct {
        const char *text;
        double gauss, paper;
    } rows[] = {
        { "mxint8", 41.61, 41.93 }, { "mxfp8", 31.53, 31.51 },
        { "mxint6", 29.42, 30.18 }, { "mxfp6", 30.97, 31.03 },
        { "mxint4", 16.84, 17.22 }, { "mxfp4", 18.75, 18.79 },
        { "nvint4", 21.27, 21.65 }, { "nvfp4", 20.43, 20.35 },
    };
    float *x = mem_array(N, sizeof *x);

    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        char *text = mem_printf("%s/had32", rows[r].text);
        double sum[2] = { 0 };

        for (int source = GAUSS; source <= LAPLACE; source++)
            for (uint64_t seed = 0; seed < SEEDS; seed++) {
                const uint64_t key = rng_key(seed, RNG_TEST, (uint64_t)source);

                for (uint64_t i = 0; i < N; i++)
                    x[i] = (float)draw((enum source)source, key, i);
                sum[source] += qsnr(text, x) / SEEDS;
            }
        print_message("%-14s %.2f dB, table %.2f; Laplace %.2f, paper %.2f\n",
                      text, sum[GAUSS], rows[r].gauss, sum[LAPLACE],
                      rows[r].paper);
        check_close(sum[GAUSS], rows[r].gauss, 0.1);
        check_close(sum[LAPLACE], rows[r].paper, 1);
        free(text);
    }
    free(x);
}

/* What `qlaw formats` prints of the same quantizers. */
static void the_error_of_a_quantizer_agrees_with_it(void **state)
{
    (void)state;
    for (size_t g = 0; g < sizeof golden / sizeof golden[0]; g++) {
        struct quant_spec s;
        struct err err;

        check_ok(quant_parse(&s, golden[g].text, NULL, &err), err);
        check_close(-10 * log10(quant_gaussian_mse(&s)), golden[g].db[GAUSS],
                    0.1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ratios_agree_with_the_independent_table),
        cmocka_unit_test(rotated_ratios_agree_with_table_and_paper),
        cmocka_unit_test(the_error_of_a_quantizer_agrees_with_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
