/* exp and log against the C library's double functions, and identities of the
 * row kernels. */
#include <stdlib.h>

#include "kernels/kernels.h"
#include "tests/check.h"

/* As kernels.h states. */
static void exp_is_as_accurate_as_stated(void **state)
{
    double worst = 0;

    (void)state;
    for (double x = -87.3; x <= 88.3; x += 0.000371) {
        const float f = (float)x;
        const double want = exp((double)f);
        const double ulp = ldexp(1, ilogb(want) - 23);

        worst = fmax(worst, fabs((double)kernels_exp(f) - want) / ulp);
    }
    print_message("exp: worst error %.3f ulp\n", worst);
    check_close(worst, 0, 1.02);
    check_close((double)kernels_exp(-88), 0, 0);
    check_close((double)kernels_exp(0), 1, 0);
    assert_true(isnan(kernels_exp(NAN)));
}

static void log_is_as_accurate_as_stated(void **state)
{
    double worst = 0;

    (void)state;
    for (double x = 1e-30;
         x<1e30; x *= x> 0.5 && x < 2 ? 1.0000011 : 1.000137) {
        const float f = (float)x;
        const double want = log((double)f);
        const double ulp = ldexp(1, ilogb(want) - 23);

        if (want != 0)
            worst = fmax(worst, fabs((double)kernels_log(f) - want) / ulp);
    }
    print_message("log: worst error %.3f ulp\n", worst);
    check_close(worst, 0, 0.83);
    check_close((double)kernels_log(1), 0, 0);
    assert_true(isinf(kernels_log(0)) && isnan(kernels_log(-1)));
}

/* Equal logits: the loss is ln V, the gradient 1/V and 1/V - 1. */
static void equal_logits_give_the_uniform_loss(void **state)
{
    const struct kernels *kn;
    struct err err;
    float logits[256] = { 0 }, loss;
    const int target = 7;

    (void)state;
    check_ok(kernels_select(&kn, NULL, &err), err);
    kn->cross_entropy(&loss, logits, &target, 1, 256, 1);
    check_close((double)loss, log(256), 1e-6);
    check_relative((double)logits[0], 1.0 / 256, 1e-6);
    check_relative((double)logits[7], 1.0 / 256 - 1, 1e-6);
}

static void a_nan_in_the_logits_reaches_the_loss(void **state)
{
    const struct kernels *kn;
    struct err err;

    (void)state;
    check_ok(kernels_select(&kn, NULL, &err), err);
    for (int at = 0; at < 40; at++) {
        float logits[40] = { 0 }, loss;
        const int target = 7;

        logits[at] = NAN;
        kn->cross_entropy(&loss, logits, &target, 1, 40, 1);
        assert_true(isnan(loss));
    }
}

static void what_is_not_finite_is_found_anywhere(void **state)
{
    enum { N = 9000 };
    static const char *const names[] = { "ref", "avx2", "avx512" };
    const struct kernels *kn;
    struct err err;
    float *x = calloc(N, sizeof *x);

    (void)state;
    for (int isa = 0; isa <= (int)kernels_cpu(); isa++) {
        check_ok(kernels_select(&kn, names[isa], &err), err);
        assert_true(kn->all_finite(x, N));
        for (int i = 0; i < N; i += 91) {
            x[i] = i % 2 ? NAN : INFINITY;
            assert_false(kn->all_finite(x, N));
            x[i] = 0;
        }
    }
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp_is_as_accurate_as_stated),
        cmocka_unit_test(log_is_as_accurate_as_stated),
        cmocka_unit_test(equal_logits_give_the_uniform_loss),
        cmocka_unit_test(a_nan_in_the_logits_reaches_the_loss),
        cmocka_unit_test(what_is_not_finite_is_found_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
