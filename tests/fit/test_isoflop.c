/* Profiles of budgets against values computed elsewhere, and what is refused. */
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "fit/envelope.h"
#include "fit/fit.h"
#include "fit/isoflop.h"
#include "tests/check.h"
#include "tests/fit/fitted.h"

static const double budgets[] = { 6e18, 1e19, 3e19, 1e20, 3e20, 1e21 };

/* Nine sizes a budget about a line that lies 0.3 in log N beside the best
 * (Hoffmann et al. 2022, arXiv:2203.15556, the law of their approach 3). */
static struct table *profiles(double noise, uint64_t seed)
{
    const uint64_t key = rng_key(seed, RNG_TEST, 95);
    struct str csv = { 0 };
    struct table *t;
    struct err err;
    uint64_t i = 0;

    str_add(&csv, "C,N,D,loss\n");
    for (int b = 0; b < 6; b++)
        for (int k = -4; k <= 4; k++, i++) {
            const double c = budgets[b];
            const double n = exp(.497 * log(c) - 1.9 + .45 * k + .3);
            const double d = c / 6 / n;
            const double loss =
                1.69 + 406.4 / pow(n, .34) + 410.7 / pow(d, .28);

            str_addf(&csv, "%.17g,%.17g,%.17g,%.17g\n", c, n, d,
                     loss + noise * rng_normal(key, i));
        }
    check_ok(table_parse(&t, str_text(&csv), "profiles", &err), err);
    str_release(&csv);
    return t;
}

/* Parabolas, their vertices and a line through them by hand, in Python. */
static void the_bias_of_the_method_is_what_it_is_without_noise(void **state)
{
    static const double bias[] = { 0.011985904, 0.012194133, 0.012842530,
                                   0.013889100, 0.015174218, 0.016970756 };
    struct table *t = profiles(0, 1);
    struct isoflop f;
    struct err err;

    (void)state;
    check_ok(isoflop_run(&f, t, "C", 1, &err), err);
    assert_int_equal(f.used, 6);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(f.budgets[i].sizes, 9);
        check_relative(expm1(f.budgets[i].bias), bias[i], 1e-6);
    }
    check_relative(f.law_a, 0.28 / 0.62, 1e-9);
    check_relative(f.design_a - f.law_a, 0.00094271, 1e-4);
    check_relative(f.a, 0.45255561, 1e-7);
    isoflop_release(&f);
    table_free(t);
}

/* With noise: what the design's own limit is lies in the interval. */
static void intervals_hold_what_the_design_gives(void **state)
{
    const int n = 300;
    int line = 0, vertex = 0;

    (void)state;
    for (int r = 0; r < n; r++) {
        struct table *t = profiles(0.003, (uint64_t)r + 10);
        struct isoflop f;
        struct err err;

        check_ok(isoflop_run(&f, t, "C", 1, &err), err);
        line += f.lo <= 0.45255561 && 0.45255561 <= f.hi;
        /* log of N* of the law at 1e20, and the parabola's bias there */
        vertex += f.budgets[3].lo <= 20.284539934 + 0.013793531 &&
                  20.284539934 + 0.013793531 <= f.budgets[3].hi;
        isoflop_release(&f);
        table_free(t);
    }
    check_close((double)line / n, 0.95, 0.04);
    check_close((double)vertex / n, 0.95, 0.04);
}

static void budgets_without_a_minimum_are_refused_by_name(void **state)
{
    static const char csv[] =
        "C,N,loss\n"
        "1e18,1e7,3.0\n1e18,2e7,2.9\n1e18,4e7,2.85\n1e18,8e7,2.9\n"
        "1.01e18,1.6e8,3.0\n" /* the same budget, rounded otherwise */
        "1e19,1e7,3.0\n1e19,2e7,2.9\n1e19,4e7,2.82\n1e19,8e7,2.76\n"
        "1e20,1e8,2.5\n1e20,2e8,2.45\n1e20,4e8,2.5\n"
        "1e21,1e8,2.2\n1e21,2e8,2.3\n1e21,4e8,2.32\n1e21,8e8,2.2\n";
    struct table *t;
    struct isoflop f;
    struct err err;

    (void)state;
    check_ok(table_parse(&t, csv, "odd", &err), err);
    assert_int_equal(isoflop_run(&f, t, "C", 1, &err), ERR_FIT);
    check_says(err, "1 of 4 budgets has a minimum inside");
    assert_int_equal(f.n, 4);
    assert_null(f.budgets[0].refused);
    assert_int_equal(f.budgets[0].sizes, 5);
    assert_non_null(strstr(f.budgets[1].refused, "up to the largest"));
    assert_non_null(strstr(f.budgets[2].refused, "3 sizes"));
    assert_non_null(strstr(f.budgets[3].refused, "do not bend upwards"));
    isoflop_release(&f);
    assert_int_equal(isoflop_run(&f, t, "flops", 1, &err), ERR_USAGE);
    check_says(err, "no column 'flops'");
    isoflop_release(&f);
    table_free(t);
}

/* All constants by budget, as one formula: separate searches find the same. */
static void a_vertex_parabola_by_budget_is_found(void **state)
{
    static const char *const names[] = { "m[6e+18]", "m[1e+19]", "m[3e+19]",
                                         "m[1e+20]", "m[3e+20]", "m[1e+21]" };
    struct table *t = profiles(0.003, 3);
    struct isoflop f;
    struct fit_spec s;
    struct model *m;
    struct fit fit;
    struct err err;

    (void)state;
    fit_spec_init(&s, NULL, "loss = L + k*(log(N) - m)^2");
    check_ok(fit_spec_group(&s, "L:C", &err), err);
    check_ok(fit_spec_group(&s, "k:C", &err), err);
    check_ok(fit_spec_group(&s, "m:C", &err), err);
    check_ok(fit_model_new(&m, t, &s, &err), err);
    check_ok(fit_run(&fit, m, t, &s, &err), err);
    check_ok(isoflop_run(&f, t, "C", 1, &err), err);
    assert_int_equal(fit.best.reached, fit.best.starts);
    check_relative(fit.rss, f.sigma * f.sigma * f.dof, 1e-9);
    for (int i = 0; i < 6; i++)
        check_relative(fit.est[model_find_param(m, names[i])].value,
                       f.budgets[i].vertex, 1e-7);
    isoflop_release(&f);
    fit_release(&fit);
    fit_model_free(m);
    fit_spec_release(&s);
    table_free(t);
}

/* Losses of the law along every run, 15 sizes: the envelope's exponent is near
 * the law's, and its stretches go up in size. */
static void the_envelope_of_curves_has_the_laws_exponent(void **state)
{
    struct str csv = { 0 };
    struct table *t;
    struct envelope e;
    struct err err;

    (void)state;
    str_add(&csv, "run,N,D,loss\n");
    for (int k = 0; k < 15; k++)
        for (int i = 0; i <= 200; i++) {
            const double n = 1e7 * pow(1.5, k), d = 1e8 * pow(1e5, i / 200.);

            str_addf(&csv, "r%d,%.17g,%.17g,%.17g\n", k, n, d,
                     1.69 + 406.4 / pow(n, .34) + 410.7 / pow(d, .28));
        }
    check_ok(table_parse(&t, str_text(&csv), "curves", &err), err);
    check_ok(envelope_run(&e, t, "run", &err), err);
    assert_int_equal(e.runs, 15);
    check_close(e.a, 0.28 / 0.62, 0.01);
    assert_true(e.lo <= 0.28 / 0.62 && 0.28 / 0.62 <= e.hi);
    assert_true(e.n > 5);
    for (int i = 1; i < e.n; i++)
        assert_true(e.stretches[i].n > e.stretches[i - 1].n &&
                    e.stretches[i].from > e.stretches[i - 1].to);
    envelope_release(&e);
    table_free(t);
    str_release(&csv);
    check_ok(table_parse(&t,
                         "run,N,D,loss\na,1,1,3\na,1,2,2\nb,2,1,3\n"
                         "b,2,2,1\n",
                         "two", &err),
             err);
    assert_int_equal(envelope_run(&e, t, "run", &err), ERR_FIT);
    check_says(err, "an exponent needs two");
    envelope_release(&e);
    table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bias_of_the_method_is_what_it_is_without_noise),
        cmocka_unit_test(intervals_hold_what_the_design_gives),
        cmocka_unit_test(budgets_without_a_minimum_are_refused_by_name),
        cmocka_unit_test(the_envelope_of_curves_has_the_laws_exponent),
        cmocka_unit_test(a_vertex_parabola_by_budget_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
