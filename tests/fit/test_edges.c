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
    { "line, slope 0", "y = a + b*x", NO_OPTIONS, make_line,
      { { "a", 1 }, { "b", 0 } }, false },
    { "quadratic through 0", "y = a + b*x + c*x^2", NO_OPTIONS, make_quadratic,
      { { "a", 0 }, { "b", 0.5 }, { "c", 0.1 } }, false },
    { "floor at 0", "loss = E + A/N^alpha",
      OPTIONS("bound=E>=0", "bound=A>=0", "space=log"), make_floor,
      { { "E", 0 }, { "A", 10 }, { "alpha", 0.08 } }, false },
    { "saturation, R at infinity", "y = c + s*R*(1-exp(-x/R))",
      OPTIONS("bound=R>=0"), make_saturation,
      { { "c", 3 }, { "s", -0.02 }, { "R", HUGE_VAL } }, false },
    { "AR(1) rows, whole runs resampled", "loss = E + A/N^alpha + B/D^beta",
      OPTIONS("bound=E>=0", "bound=A>=0", "bound=B>=0", "space=log",
              "cluster=run", "bootstrap=300"),
      make_runs, { { "E", 1.7 }, { "A", 350 }, { "alpha", .33 },
                   { "beta", .31 } }, true },
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
        c->inside[i] += e->lo <= k->truth[i].value &&
                        k->truth[i].value <= e->hi;
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

static void a_power_on_the_wrong_side_is_said(void **state)
{
    static const char table[] = "N,loss\n1,3\n2,3.1\n4,3.25\n8,3.4\n16,3.62\n"
                                "32,3.8\n64,4.05\n";
    static const char *const rise[] = { "loss = E + A/N^alpha",
                                        "loss = E + A*N^-alpha" };
    struct fitted x;

    (void)state;
    for (int i = 0; i < 2; i++) {
        fitted_text(&x, table, rise[i], NO_OPTIONS);
        check_ok(x.status, x.err);
        assert_true(fit_has(&x.fit, FIT_WRONG_SIDE));
        fitted_release(&x);
    }
    fitted_text(&x, table, "loss = E - A/N^alpha", NO_OPTIONS);
    assert_true(fit_has(&x.fit, FIT_WRONG_SIDE)); /* E above, or alpha below */
    fitted_release(&x);
    fitted_text(&x, table, "loss = E + A*N^alpha", NO_OPTIONS);
    assert_false(fit_has(&x.fit, FIT_WRONG_SIDE));
    fitted_release(&x);
    fitted_text(&x, "N,loss\n1,4\n2,3.5\n4,3.25\n8,3.13\n16,3.06\n32,3.04\n",
                "loss = E + A/N^alpha", NO_OPTIONS);
    assert_false(fit_has(&x.fit, FIT_WRONG_SIDE));
    fitted_release(&x);
}

/* A row of size 0 has no place under a power, whatever the sign that would let
 * it in; a power that is no divisor takes it. */
static void a_size_of_nothing_is_left_out_under_a_power(void **state)
{
    static const char table[] = "N,loss\n1,4\n2,3.5\n0,9\n4,3.25\n8,3.13\n"
                                "16,3.06\n32,3.04\n";
    static const char *const divides[] = {
        "loss = E + A/N^alpha", "loss = E + A*N^-alpha",
        "log(loss) = E - a*log(N)", "loss = E + 1/(k*N^a)" };
    struct fitted x;

    (void)state;
    for (int i = 0; i < 4; i++) {
        fitted_text(&x, table, divides[i], NO_OPTIONS);
        check_ok(x.status, x.err);
        assert_int_equal(x.model->n_left_out, 1);
        assert_int_equal(x.model->left_out[0].number, 4);
        fitted_release(&x);
    }
    fitted_text(&x, table, "loss = E + A*N^2", NO_OPTIONS);
    assert_int_equal(x.model->n_left_out, 0);
    fitted_release(&x);
}

/* Ten runs of thirty checkpoints; rho: how alike one error is to the next. */
static void make_steps(struct str *csv, uint64_t key, double rho)
{
    uint64_t i = 0;

    str_add(csv, "run,step,id,N,D,loss\n");
    for (int run = 0; run < 10; run++) {
        double e = normal(key, i++);

        for (int k = 1; k <= 30; k++) {
            const double n = 1e7 * pow(2, run), d = 5e8 * k;

            str_addf(csv, "%d,%d,%d,%.17g,%.17g,%.17g\n", run, k, (int)i, n, d,
                     (1.7 + 350 / pow(n, .33) + 500 / pow(d, .31)) *
                         exp(0.004 * e));
            e = rho * e + sqrt(1 - rho * rho) * normal(key, i++);
        }
    }
}

static const char *advice(const struct fit *f)
{
    for (int i = 0; i < f->n_warnings; i++)
        if (f->warnings[i].code == FIT_CLUSTERED_ROWS && f->warnings[i].column)
            return f->warnings[i].column;
    return "";
}

/* Whatever column is named, the one that matters is advised, once. */
static void runs_are_found_beside_any_cluster(void **state)
{
    static const struct {
        const char *option, *advice;
        double rho;
    } table[] = {
        { "seed=1", "run", 0.8 },       { "cluster=step", "run", 0.8 },
        { "cluster=id", "run", 0.8 },   { "cluster=run", "", 0.8 },
        { "seed=1", "", 0 },            { "cluster=step", "", 0 },
    };

    (void)state;
    for (size_t k = 0; k < sizeof table / sizeof table[0]; k++) {
        struct str csv = { 0 };
        struct fitted x;
        int n = 0;

        make_steps(&csv, rng_key(5, RNG_TEST, 98), table[k].rho);
        fitted_text(&x, str_text(&csv), "chinchilla", OPTIONS(table[k].option));
        check_ok(x.status, x.err);
        assert_string_equal(advice(&x.fit), table[k].advice);
        for (int i = 0; i < x.fit.n_warnings; i++)
            n += x.fit.warnings[i].code == FIT_CLUSTERED_ROWS;
        assert_int_equal(n, *table[k].advice ? 1 : 0);
        fitted_release(&x);
        str_release(&csv);
    }
}

/* A floor that the rows cannot tell from 0: refits that end there are results,
 * and the interval begins there. */
static void refits_reach_a_floor_of_nothing(void **state)
{
    const uint64_t key = rng_key(11, RNG_TEST, 99);
    struct str csv = { 0 };
    struct fitted x;
    int at_zero = 0, e;

    (void)state;
    str_add(&csv, "N,D,loss\n");
    for (uint64_t i = 0; i < 16; i++) {
        const double n = 1e8 * pow(2, (double)(i / 4)),
                     d = 2e9 * pow(4, (double)(i % 4));

        str_addf(&csv, "%.17g,%.17g,%.17g\n", n, d,
                 (.45 + 14 / pow(n, .12) + 60 / pow(d, .19)) *
                     exp(.012 * normal(key, i)));
    }
    fitted_text(&x, str_text(&csv), "chinchilla", OPTIONS("bootstrap=500"));
    check_ok(x.status, x.err);
    e = model_find_param(x.model, "E");
    for (int b = 0; b < x.fit.boot.n; b++)
        at_zero += x.fit.boot.theta[b * x.model->n_params + e] == 0;
    assert_true(x.fit.boot.failed <= 5 && at_zero > 50);
    assert_false(fit_has(&x.fit, FIT_REFITS_FAILED));
    check_close(fitted_get(&x, "E")->lo, 0, 0);
    fitted_release(&x);
    str_release(&csv);
}

/* The infimum of a saturation on a line that bends the other way is the line's
 * own sum of squares, whatever the seed. */
static void a_saturation_at_infinity_is_the_line(void **state)
{
    static const char *const seeds[] = { "seed=1", "seed=2", "seed=3" };
    struct str csv = { 0 };
    struct fitted line, x;

    (void)state;
    str_add(&csv, "x,y\n");
    for (int i = 1; i <= 40; i++)
        str_addf(&csv, "%d,%.17g\n", i,
                 3 - .02 * i - 1e-5 * i * i +
                     .004 * normal(rng_key(12, RNG_TEST, 99), (uint64_t)i));
    fitted_text(&line, str_text(&csv), "y = a + b*x", NO_OPTIONS);
    for (int k = 0; k < 3; k++) {
        fitted_text(&x, str_text(&csv), "y = c + s*R*(1-exp(-x/R))",
                    OPTIONS("bound=R>=0", seeds[k]));
        check_ok(x.status, x.err);
        check_relative(x.fit.rss, line.fit.rss, 1e-9);
        if (!isinf(fitted_get(&x, "R")->value))
            fail_msg("R = %g with %s", fitted_get(&x, "R")->value, seeds[k]);
        assert_string_equal(fitted_get(&x, "R")->interval, "one-sided");
        assert_true(fit_is_sound(&x.fit) && fit_has(&x.fit, FIT_AT_BOUND));
        fitted_release(&x);
    }
    fitted_release(&line);
    str_release(&csv);
}

/* With D always 20 N two terms can trade places: what is printed all the same
 * holds the truth. */
static void nothing_that_a_rival_moves_has_an_interval(void **state)
{
    static const struct truth truth[] = {
        { "E", 1.7 }, { "A", 350 }, { "alpha", .33 }, { "B", 500 },
        { "beta", .31 },
    };
    int told = 0, printed = 0, outside = 0;

    (void)state;
    for (uint64_t r = 0; r < 30; r++) {
        const uint64_t key = rng_key(r, RNG_TEST, 100);
        struct str csv = { 0 };
        struct fitted x;

        str_add(&csv, "N,D,loss\n");
        for (uint64_t i = 0; i < 20; i++) {
            const double n = 1e7 * pow(2, (double)(i / 2));

            str_addf(&csv, "%.17g,%.17g,%.17g\n", n, 20 * n,
                     (1.7 + 350 / pow(n, .33) + 500 / pow(20 * n, .31)) *
                         exp(.002 * normal(key, i)));
        }
        fitted_text(&x, str_text(&csv), "chinchilla", NO_OPTIONS);
        check_ok(x.status, x.err);
        told += fit_has(&x.fit, FIT_NOT_IDENTIFIABLE);
        for (int k = 0; k < 5; k++) {
            const struct fit_estimate *e = fitted_get(&x, truth[k].name);

            printed += !isnan(e->lo);
            outside += e->lo > truth[k].value || e->hi < truth[k].value;
        }
        fitted_release(&x);
        str_release(&csv);
    }
    assert_true(told >= 28);
    assert_true(outside <= 1 + printed / 20);
}

/* A start of one's own joins those found; alone it may end elsewhere. */
static void starts_join_the_search(void **state)
{
    struct str csv = { 0 };
    struct fitted found, x;

    (void)state;
    make_saturation(&csv, rng_key(2, RNG_TEST, 101));
    fitted_text(&found, str_text(&csv), "y = c + s*exp(-x/R)", NO_OPTIONS);
    fitted_text(&x, str_text(&csv), "y = c + s*exp(-x/R)",
                OPTIONS("start=R=0.01,c=9,s=-4"));
    check_relative(x.fit.rss, found.fit.rss, 1e-6);
    fitted_release(&x);
    fitted_text(&x, str_text(&csv), "y = c + s*exp(-x/R)",
                OPTIONS("start=R=0.01,c=9,s=-4", "start-only"));
    assert_true(x.fit.rss > 2 * found.fit.rss && x.fit.best.starts == 1);
    fitted_release(&x);
    fitted_release(&found);
    str_release(&csv);
}

/* Groups stand in the order of their numbers, words after them. */
static void groups_of_numbers_are_in_order(void **state)
{
    static const char *const names[] = { "a[8]", "a[32]", "a[128]", "a[1e3]",
                                         "a[all]" };
    struct str csv = { 0 };
    struct fitted x;

    (void)state;
    str_add(&csv, "G,x,y\n");
    for (int k = 0; k < 3; k++)
        str_addf(&csv, "128,%d,%d\nall,%d,%d\n8,%d,%d\n1e3,%d,%d\n32,%d,%d\n",
                 k, k + 1, k, k * k, k, k + 2, k, 3 - k, k, k);
    fitted_text(&x, str_text(&csv), "y = a + b*x", OPTIONS("group=a:G"));
    check_ok(x.status, x.err);
    for (int i = 0; i < 5; i++)
        assert_string_equal(x.model->params[i].name, names[i]);
    fitted_release(&x);
    str_release(&csv);
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
        cmocka_unit_test(a_power_on_the_wrong_side_is_said),
        cmocka_unit_test(a_size_of_nothing_is_left_out_under_a_power),
        cmocka_unit_test(refits_reach_a_floor_of_nothing),
        cmocka_unit_test(a_saturation_at_infinity_is_the_line),
        cmocka_unit_test(nothing_that_a_rival_moves_has_an_interval),
        cmocka_unit_test(starts_join_the_search),
        cmocka_unit_test(runs_are_found_beside_any_cluster),
        cmocka_unit_test(groups_of_numbers_are_in_order),
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
