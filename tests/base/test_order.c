/* Quantiles without sorting, against sorting. */
#include <math.h>
#include <stdlib.h>

#include "base/order.h"
#include "base/rng.h"
#include "tests/check.h"

static double sorted_at(const double *x, size_t n, double p)
{
    const double at = p * (double)(n - 1);
    const size_t i = (size_t)at;

    return i + 1 < n ? x[i] + (at - (double)i) * (x[i + 1] - x[i]) : x[n - 1];
}

/* Even numbers, few distinct ones, long tails, in order. */
static double number(int kind, uint64_t key, size_t i)
{
    const double u = rng_f64(key, i);

    return kind == 0   ? u
           : kind == 1 ? floor(4 * u)
           : kind == 2 ? 1 / pow(u - 0.5, 3)
                       : (double)i;
}

static void limits_are_those_of_sorted_numbers(void **state)
{
    double x[1200], sorted[1200], lo, hi;

    (void)state;
    for (uint64_t t = 0; t < 4000; t++) {
        const uint64_t key = rng_key(t, RNG_TEST, 0);
        const size_t n = t % 20 ? 1 + t % 57 : 1000 + t % 200;
        const double share = t % 2 ? 0.025 : 0.0131;

        for (size_t i = 0; i < n; i++)
            sorted[i] = x[i] = number((int)(t % 4), key, i);
        qsort(sorted, n, sizeof *sorted, order_doubles);
        order_limits(&lo, &hi, x, n, share);
        check_relative(lo, sorted_at(sorted, n, share), 1e-9);
        check_relative(hi, sorted_at(sorted, n, 1 - share), 1e-9);
    }
}

static void one_in_a_hundred_may_be_no_number(void **state)
{
    double x[200], lo, hi;

    (void)state;
    for (int bad = 0; bad <= 3; bad++) {
        for (int i = 0; i < 200; i++)
            x[i] = i < bad ? (double)NAN : i;
        order_limits(&lo, &hi, x, 200, 0);
        if (bad <= 2) {
            check_close(lo, bad, 0);
            check_close(hi, 199, 0);
        } else {
            assert_true(isnan(lo) && isnan(hi));
        }
    }
    order_limits(&lo, &hi, x, 0, 0.1);
    assert_true(isnan(lo) && isnan(hi));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_those_of_sorted_numbers),
        cmocka_unit_test(one_in_a_hundred_may_be_no_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
