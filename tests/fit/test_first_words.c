/* What a fit says first of tables at an edge: powers on the wrong side, sizes of
 * nothing, floors, saturations, rivals, starts, rows of one run. */
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "tests/check.h"
#include "tests/fit/fitted.h"

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
    static const char *const divides[] = { "loss = E + A/N^alpha",
                                           "loss = E + A*N^-alpha",
                                           "log(loss) = E - a*log(N)",
                                           "loss = E + 1/(k*N^a)" };
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
        double e = rng_normal(key, i++);

        for (int k = 1; k <= 30; k++) {
            const double n = 1e7 * pow(2, run), d = 5e8 * k;

            str_addf(csv, "%d,%d,%d,%.17g,%.17g,%.17g\n", run, k, (int)i, n, d,
                     (1.7 + 350 / pow(n, .33) + 500 / pow(d, .31)) *
                         exp(0.004 * e));
            e = rho * e + sqrt(1 - rho * rho) * rng_normal(key, i++);
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
        { "seed=1", "run", 0.8 },     { "cluster=step", "run", 0.8 },
        { "cluster=id", "run", 0.8 }, { "cluster=run", "", 0.8 },
        { "seed=1", "", 0 },          { "cluster=step", "", 0 },
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
                     exp(.012 * rng_normal(key, i)));
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

/* A line that bends the other way than a saturation does. */
static void make_line(struct str *csv, uint64_t seed, double bend)
{
    const uint64_t key = rng_key(seed, RNG_TEST, 99);

    str_add(csv, "x,y\n");
    for (int i = 1; i <= 40; i++)
        str_addf(csv, "%d,%.17g\n", i,
                 3 - .02 * i - bend * i * i +
                     .004 * rng_normal(key, (uint64_t)i));
}

/* The infimum of a saturation on a line that bends the other way is the line's
 * own sum of squares, whatever the seed. */
static void a_saturation_at_infinity_is_the_line(void **state)
{
    static const char *const seeds[] = { "seed=1", "seed=2", "seed=3" };
    struct str csv = { 0 };
    struct fitted line, x;

    (void)state;
    make_line(&csv, 12, 1e-5);
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
    static const struct {
        const char *name;
        double value;
    } truth[] = {
        { "E", 1.7 }, { "A", 350 },    { "alpha", .33 },
        { "B", 500 }, { "beta", .31 },
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
                         exp(.002 * rng_normal(key, i)));
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
    make_line(&csv, 2, 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_power_on_the_wrong_side_is_said),
        cmocka_unit_test(a_size_of_nothing_is_left_out_under_a_power),
        cmocka_unit_test(refits_reach_a_floor_of_nothing),
        cmocka_unit_test(a_saturation_at_infinity_is_the_line),
        cmocka_unit_test(nothing_that_a_rival_moves_has_an_interval),
        cmocka_unit_test(starts_join_the_search),
        cmocka_unit_test(runs_are_found_beside_any_cluster),
        cmocka_unit_test(groups_of_numbers_are_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
