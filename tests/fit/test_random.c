/* Random effects against closed forms of a balanced design, and how often their
 * intervals hold.
 *
 *   test_fit_random              the quick part of the suite
 *   test_fit_random REPLICATES   a table */
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "fit/random.h"
#include "tests/check.h"
#include "tests/fit/fitted.h"

/* y = a + b x with x of mean 0, alike in every group: the groups' means and
 * slopes do not meet, so that analysis of variance gives the restricted
 * estimates (Searle, Casella and McCulloch 1992, section 4.5). */
static void balanced_groups_have_the_estimates_of_anova(void **state)
{
    enum { GROUPS = 6, ROWS = 5 };
    const uint64_t key = rng_key(3, RNG_TEST, 96);
    const char *const texts[] = { "a:family" };
    struct str csv = { 0 };
    double y[GROUPS][ROWS], mean = 0, sxy = 0, between = 0, within = 0, b;
    struct random_fit r;
    struct fitted x;
    struct err err;

    (void)state;
    str_add(&csv, "family,x,y\n");
    for (int g = 0; g < GROUPS; g++)
        for (int i = 0; i < ROWS; i++) {
            const uint64_t at = (uint64_t)(g * ROWS + i);

            y[g][i] = 3 + 0.4 * (i - 2) +
                      0.5 * rng_normal(key, 100 + (uint64_t)g) +
                      0.2 * rng_normal(key, at);
            str_addf(&csv, "f%d,%d,%.17g\n", g, i - 2, y[g][i]);
            mean += y[g][i] / (GROUPS * ROWS);
            sxy += (i - 2) * y[g][i];
        }
    b = sxy / (10. * GROUPS);
    for (int g = 0; g < GROUPS; g++) {
        double m = 0;

        for (int i = 0; i < ROWS; i++)
            m += y[g][i] / ROWS;
        between += ROWS * (m - mean) * (m - mean) / (GROUPS - 1);
        for (int i = 0; i < ROWS; i++)
            within +=
                pow(y[g][i] - m - b * (i - 2), 2) / (GROUPS * (ROWS - 1) - 1);
    }
    fitted_text(&x, str_text(&csv), "y = a + b*x", NO_OPTIONS);
    check_ok(random_run(&r, x.model, x.table, texts, 1, 1, &err), err);
    check_relative(r.sigma, sqrt(within), 1e-3);
    check_relative(r.effects[0].tau, sqrt((between - within) / ROWS), 1e-3);
    check_relative(r.theta[model_find_param(x.model, "a")], mean, 1e-6);
    check_relative(r.theta[model_find_param(x.model, "b")], b, 1e-6);
    check_relative(r.se[model_find_param(x.model, "a")],
                   sqrt(between / (GROUPS * ROWS)), 1e-3);
    check_relative(r.se[model_find_param(x.model, "b")],
                   sqrt(within / (10. * GROUPS)), 1e-3);
    check_relative(r.dof[model_find_param(x.model, "a")], GROUPS - 1, 0.02);
    check_relative(r.dof[model_find_param(x.model, "b")],
                   GROUPS * (ROWS - 1) - 1, 0.02);
    assert_true(r.effects[0].lo < r.effects[0].tau &&
                r.effects[0].tau < r.effects[0].hi);
    random_release(&r);
    fitted_release(&x);
    str_release(&csv);
}

/* Eight families of eight sizes under A/N^alpha, floors 0.05 apart. */
static void make_families(struct str *csv, uint64_t key, double tau)
{
    uint64_t i = 0;

    str_add(csv, "family,N,loss\n");
    for (int g = 0; g < 8; g++)
        for (double n = 1e7; n < 1.5e9; n *= 2, i++)
            str_addf(csv, "f%d,%.17g,%.17g\n", g, n,
                     1.8 + tau * rng_normal(key, 1000 + (uint64_t)g) +
                         20 / pow(n, 0.15) + 0.01 * rng_normal(key, i));
}

struct held {
    int fits, e, alpha, tau;
};

static struct held cover(int replicates, double tau)
{
    const char *const texts[] = { "E:family" };
    struct held h = { 0 };

    for (int k = 0; k < replicates; k++) {
        struct str csv = { 0 };
        struct random_fit r;
        struct fitted x;
        struct err err;
        int e, a;

        make_families(&csv, rng_key((uint64_t)k, RNG_TEST, 97), tau);
        fitted_text(&x, str_text(&csv), "loss = E + A/N^alpha",
                    OPTIONS("bound=E>=0", "bound=A>=0"));
        check_ok(random_run(&r, x.model, x.table, texts, 1, 1, &err), err);
        e = model_find_param(x.model, "E");
        a = model_find_param(x.model, "alpha");
        h.fits++;
        h.e += r.lo[e] <= 1.8 && 1.8 <= r.hi[e];
        h.alpha += r.lo[a] <= 0.15 && 0.15 <= r.hi[a];
        h.tau += r.effects[0].lo <= tau && tau <= r.effects[0].hi;
        random_release(&r);
        fitted_release(&x);
        str_release(&csv);
    }
    return h;
}

static void intervals_of_families_hold(void **state)
{
    const int n = 60;
    const struct held h = cover(n, 0.05);

    (void)state;
    assert_true(h.e >= 51 && h.alpha >= 51 && h.tau >= 51); /* 95 % - 3 sd */
}

static void what_cannot_be_random_is_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } wrong[] = {
        { "E", "is not CONSTANT:COLUMN" },
        { "Q:family", "no single constant" },
        { "E:famly", "did you mean 'family'" },
        { "E:N", "" },
    };
    struct str csv = { 0 };
    struct fitted x;

    (void)state;
    make_families(&csv, 1, 0.05);
    fitted_text(&x, str_text(&csv), "loss = E + A/N^alpha", NO_OPTIONS);
    for (int i = 0; i < 3; i++) {
        struct random_fit r;
        struct err err;

        assert_int_equal(
            random_run(&r, x.model, x.table, &wrong[i].text, 1, 1, &err),
            ERR_USAGE);
        check_says(err, wrong[i].says);
        random_release(&r);
    }
    fitted_release(&x);
    str_release(&csv);
    fitted_text(&x, "g,x,y\na,1,2\na,2,3\nb,1,2\nb,2,4\n", "y = c + d*x",
                NO_OPTIONS);
    {
        const char *const two[] = { "c:g" };
        struct random_fit r;
        struct err err;

        assert_int_equal(random_run(&r, x.model, x.table, two, 1, 1, &err),
                         ERR_FIT);
        check_says(err, "2 groups of g: a spread needs three");
        random_release(&r);
    }
    fitted_release(&x);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(balanced_groups_have_the_estimates_of_anova),
        cmocka_unit_test(intervals_of_families_hold),
        cmocka_unit_test(what_cannot_be_random_is_refused),
    };

    gsl_set_error_handler_off();
    if (argc > 1) {
        const double taus[] = { 0.05, 0.01, 0.002 };

        printf("| spread | E | alpha | spread inside |\n|---|---|---|---|\n");
        for (int i = 0; i < 3; i++) {
            const struct held h = cover(atoi(argv[1]), taus[i]);

            printf("| %g | %.1f %% | %.1f %% | %.1f %% |\n", taus[i],
                   100. * h.e / h.fits, 100. * h.alpha / h.fits,
                   100. * h.tau / h.fits);
            fflush(stdout);
        }
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
