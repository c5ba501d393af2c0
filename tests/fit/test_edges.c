/* Intervals where things are at an edge: a slope of nothing, a floor at 0, a
 * constant at infinity, rows that err together; and what must not be called
 * unidentifiable.
 *
 *   test_fit_edges              the quick part of the suite
 *   test_fit_edges REPLICATES   a table of everything */
#include <gsl/gsl_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "fit/edge_interval.h"
#include "tests/check.h"
#include "tests/fit/fitted.h"

/* One kind of table: a formula, how its rows are made, and the truth. */
struct kind {
    const char *name, *formula;
    const char *const *options;
    void (*make)(struct str *csv, uint64_t key);
    struct truth {
        const char *name;
        double value;
    } truth[4];
    bool is_slow;
};

static double normal(uint64_t key, uint64_t i)
{
    return rng_normal(key, i);
}

static void make_line(struct str *csv, uint64_t key)
{
    str_add(csv, "x,y\n");
    for (uint64_t i = 0; i < 10; i++)
        str_addf(csv, "%d,%.17g\n", (int)i + 1, 1 + normal(key, i));
}

static void make_quadratic(struct str *csv, uint64_t key)
{
    str_add(csv, "x,y\n");
    for (int x = -5; x <= 5; x++)
        str_addf(csv, "%d,%.17g\n", x,
                 0.5 * x + 0.1 * x * x + normal(key, (uint64_t)(x + 5)));
}

static void make_floor(struct str *csv, uint64_t key)
{
    uint64_t i = 0;

    str_add(csv, "N,loss\n");
    for (double n = 1e6; n < 1e10; n *= 2, i++)
        str_addf(csv, "%.17g,%.17g\n", n,
                 10 / pow(n, 0.08) * exp(0.01 * normal(key, i)));
}

static void make_saturation(struct str *csv, uint64_t key)
{
    str_add(csv, "x,y\n");
    for (uint64_t i = 0; i < 40; i++)
        str_addf(csv, "%d,%.17g\n", (int)i + 1,
                 3 - 0.02 * (double)(i + 1) + 0.004 * normal(key, i));
}

/* 60 runs of 12 checkpoints whose errors follow one another. */
static void make_runs(struct str *csv, uint64_t key)
{
    uint64_t i = 0;

    str_add(csv, "run,N,D,loss\n");
    for (int run = 0; run < 60; run++) {
        const double n = 1e7 * pow(2, run % 10);
        double e = normal(key, i++) * 0.01;

        for (int k = 1; k <= 12; k++) {
            const double d = 5e8 * k * (1 + run / 10);
            const double loss = 1.7 + 350 / pow(n, .33) + 500 / pow(d, .31);

            str_addf(csv, "%d,%.17g,%.17g,%.17g\n", run, n, d, loss * exp(e));
            e = 0.8 * e + 0.6 * 0.01 * normal(key, i++);
        }
    }
}

static const struct kind kinds[] = {
    { "line, slope 0",
      "y = a + b*x",
      NO_OPTIONS,
      make_line,
      { { "a", 1 }, { "b", 0 } },
      false },
    { "quadratic through 0",
      "y = a + b*x + c*x^2",
      NO_OPTIONS,
      make_quadratic,
      { { "a", 0 }, { "b", 0.5 }, { "c", 0.1 } },
      false },
    { "floor at 0",
      "loss = E + A/N^alpha",
      OPTIONS("bound=E>=0", "bound=A>=0", "space=log"),
      make_floor,
      { { "E", 0 }, { "A", 10 }, { "alpha", 0.08 } },
      false },
    { "saturation, R at infinity",
      "y = c + s*R*(1-exp(-x/R))",
      OPTIONS("bound=R>=0"),
      make_saturation,
      { { "c", 3 }, { "s", -0.02 }, { "R", HUGE_VAL } },
      false },
    { "AR(1) rows, whole runs resampled",
      "loss = E + A/N^alpha + B/D^beta",
      OPTIONS("bound=E>=0", "bound=A>=0", "bound=B>=0", "space=log",
              "cluster=run", "bootstrap=300"),
      make_runs,
      { { "E", 1.7 }, { "A", 350 }, { "alpha", .33 }, { "beta", .31 } },
      true },
};
#define N_KINDS (sizeof kinds / sizeof kinds[0])

struct coverage {
    int fits, refused;
    int inside[4], none[4];
};

static void count(struct coverage *c, const struct kind *k,
                  const struct fitted *x)
{
    c->fits++;
    for (int i = 0; i < 4 && k->truth[i].name; i++) {
        const struct fit_estimate *e = fitted_get(x, k->truth[i].name);

        c->none[i] += isnan(e->lo);
        c->inside[i] +=
            e->lo <= k->truth[i].value && k->truth[i].value <= e->hi;
    }
}

static struct coverage cover(const struct kind *k, int replicates)
{
    struct coverage c = { 0 };

    for (int r = 0; r < replicates; r++) {
        struct str csv = { 0 };
        struct fitted x;

        k->make(&csv, rng_key((uint64_t)r, RNG_TEST, 91));
        fitted_text(&x, str_text(&csv), k->formula, k->options);
        check_ok(x.status, x.err);
        if (fit_has(&x.fit, FIT_NOT_IDENTIFIABLE))
            c.refused++;
        count(&c, k, &x);
        fitted_release(&x);
        str_release(&csv);
    }
    return c;
}

/* Three standard deviations of 95 % and no more. */
static void check_share(const struct kind *k, const char *what, int inside,
                        int n)
{
    const double share = (double)inside / n;
    const double band = 3 * sqrt(0.95 * 0.05 / n) + 0.01;

    if (fabs(share - 0.95) > band)
        fail_msg("%s, %s: %.1f %% of %d", k->name, what, 100 * share, n);
}

static void intervals_hold_at_edges(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_KINDS; i++) {
        const int n = kinds[i].is_slow ? 40 : 200;
        const struct coverage c = cover(&kinds[i], n);

        for (int t = 0; t < 4 && kinds[i].truth[t].name; t++)
            check_share(&kinds[i], kinds[i].truth[t].name, c.inside[t], n);
    }
}

/* At the edge the one-sided quantile, far away the two-sided one, and between
 * them a test of size 5 % by its definition (Feldman and Cousins 1998, their
 * table of a Gaussian with a bound: at 90 % and a measured 0 the upper limit
 * is 1.64). */
static void critical_rises_are_those_of_a_bounded_gaussian(void **state)
{
    (void)state;
    check_close(edge_critical(0, 1e9), 1.644854, 1e-5);
    check_close(edge_critical(3, 1e9), 1.959964, 1e-5);
    check_close(edge_critical(HUGE_VAL, 10), 2.228139, 1e-5);
    for (double d = 0.05; d < 3; d += 0.25) {
        const double s = edge_critical(d, 1e9);
        const uint64_t key = rng_key(7, RNG_TEST, 92);
        int kept = 0;

        for (uint64_t i = 0; i < 40000; i++) {
            const double x = d + rng_normal(key, i);
            const double rise =
                x > 0 ? (x - d) * (x - d) : (x - d) * (x - d) - x * x;

            kept += rise <= s * s;
        }
        check_close(kept / 40000., 0.95, 0.004);
    }
}

/* The slope's interval is Student's, whatever its sign or the estimate's. */
static void a_slope_of_either_sign_has_students_interval(void **state)
{
    struct fitted x;

    (void)state;
    fitted_text(&x,
                "x,y\n1,0.9730591158\n2,2.7196733042\n4,0.8873472039\n"
                "8,0.5927831282\n16,3.0471935\n32,2.1\n64,1.7\n128,5.6\n",
                "log(y) = a + b*log(x)", NO_OPTIONS);
    check_ok(x.status, x.err);
    /* By the formulas of simple regression, in Python. */
    check_close(fitted_get(&x, "b")->value, 0.242555478, 2e-9);
    check_close(fitted_get(&x, "b")->lo, -0.121440561, 2e-9);
    check_close(fitted_get(&x, "b")->hi, 0.606551517, 2e-9);
    assert_true(fitted_get(&x, "a")->lo < 0);
    fitted_release(&x);
}

/* Full-rank regressions, many of which have an intercept next to nothing. */
static void regressions_of_full_rank_are_identifiable(void **state)
{
    const int n = state ? 200 : 1000;
    int refused = 0;

    for (int r = 0; r < n; r++) {
        const uint64_t key = rng_key((uint64_t)r, RNG_TEST, 93);
        struct str csv = { 0 };
        struct fitted x;

        str_add(&csv, "x,z,y\n");
        for (uint64_t i = 0; i < 12; i++) {
            const double u = normal(key, 3 * i), v = normal(key, 3 * i + 1);

            str_addf(&csv, "%.17g,%.17g,%.17g\n", u, v,
                     0.3 * u + normal(key, 3 * i + 2));
        }
        fitted_text(&x, str_text(&csv), "y = a + b*x + c*z", NO_OPTIONS);
        check_ok(x.status, x.err);
        refused += !fit_is_sound(&x.fit);
        fitted_release(&x);
        str_release(&csv);
    }
    if (!state)
        printf("| regressions of full rank | called unidentifiable | %d of %d "
               "|\n",
               refused, n);
    assert_true(refused <= n / 500);
}

static void table_of_everything(int replicates)
{
    printf("| table | truth | inside, %d replicates | no interval |\n"
           "|---|---|---|---|\n",
           replicates);
    for (size_t i = 0; i < N_KINDS; i++) {
        const struct coverage c = cover(&kinds[i], replicates);

        for (int t = 0; t < 4 && kinds[i].truth[t].name; t++)
            printf("| %s | %s = %g | %.1f %% | %d |\n", kinds[i].name,
                   kinds[i].truth[t].name, kinds[i].truth[t].value,
                   100. * c.inside[t] / c.fits, c.none[t]);
        fflush(stdout);
    }
    regressions_of_full_rank_are_identifiable(NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(critical_rises_are_those_of_a_bounded_gaussian),
        cmocka_unit_test(a_slope_of_either_sign_has_students_interval),
        cmocka_unit_test(regressions_of_full_rank_are_identifiable),
        cmocka_unit_test(intervals_hold_at_edges),
    };

    gsl_set_error_handler_off();
    if (argc > 1) {
        table_of_everything(atoi(argv[1]));
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
