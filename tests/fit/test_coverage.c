/* Do 95 % intervals hold the truth 95 % of the time, and do tests at 5 % raise
 * 5 % false alarms?
 *
 *   test_fit_coverage                     the quick part of the suite
 *   test_fit_coverage REPLICATES [LAW]    a table of everything */
#include <gsl/gsl_errno.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "fit/compare.h"
#include "tests/check.h"
#include "tests/fit/synthetic.h"

#define MAX_PARAMS 32

struct coverage {
    int fits, failed;
    int inside[MAX_PARAMS], n_params;
    char name[MAX_PARAMS][32];
    bool free[MAX_PARAMS];
};

static void count(struct coverage *c, const struct law *law,
                  const struct fit *f)
{
    c->fits++;
    c->n_params = f->m->n_params;
    for (int i = 0; i < f->m->n_params; i++) {
        const double truth = synthetic_truth(law, f->m->params[i].name);

        snprintf(c->name[i], sizeof c->name[i], "%s", f->m->params[i].name);
        c->free[i] = f->m->params[i].free >= 0;
        c->inside[i] += f->est[i].lo <= truth && truth <= f->est[i].hi;
    }
}

/* Replicates of a law with noise of 0.2 %, fitted as `set` says. */
static void cover(struct coverage *c, const struct law *law, int replicates,
                  void (*set)(struct fit_spec *))
{
    *c = (struct coverage){ .fits = 0 };
    for (int r = 0; r < replicates; r++) {
        struct table *t = synthetic_table(law, 0.002, 10000 + (uint64_t)r);
        struct fit_spec s;
        struct model *m;
        struct fit f;

        fit_spec_init(&s, law, NULL);
        if (set)
            set(&s);
        if (fit_model_new(&m, t, &s, NULL) == OK &&
            fit_run(&f, m, t, &s, NULL) == OK) {
            count(c, law, &f);
            fit_release(&f);
        } else {
            c->failed++;
        }
        fit_model_free(m);
        table_free(t);
    }
}

/* --- false alarms -------------------------------------------------------- */

/* Paired deltas that do not depend on G at all, or a base law with alpha =
 * beta; the claim is then true. */
static struct table *null_table(bool groups, uint64_t seed)
{
    const uint64_t key = rng_key(seed, RNG_TEST, 9);
    struct table *t = table_new("null", "line");
    uint64_t row = 0;

    table_add_column(t, "N");
    table_add_column(t, "D");
    table_add_column(t, "G");
    table_add_column(t, groups ? "delta" : "loss");
    for (double n = 7e7; n < 1e9; n *= 2)
        for (double d = 1e10; d < 2e11; d *= 2)
            for (int g = groups ? 32 : 1; g <= (groups ? 256 : 1); g *= 2) {
                char text[4][32];
                const char *cells[4] = { text[0], text[1], text[2], text[3] };
                const double law =
                    groups ? 0.3 * pow(d, 0.0745) / pow(n, 0.2186)
                           : 1.9 + 237 / pow(n, 0.3) + 596 / pow(d, 0.3);

                text_number(text[0], n);
                text_number(text[1], d);
                text_number(text[2], g);
                text_number(text[3], law * exp(0.01 * (groups ? 1 : 0.2) *
                                               rng_normal(key, row)));
                table_add_row(t, (int64_t)++row, cells);
            }
    return t;
}

/* Share of replicates in which the claim is rejected at 5 %. */
static double alarms(bool groups, const char *claim, int replicates,
                     int bootstrap)
{
    int rejected = 0;

    for (int r = 0; r < replicates; r++) {
        struct table *t = null_table(groups, 500 + (uint64_t)r);
        struct fit_spec s;
        struct model *m;
        struct nested n;
        struct fit f;
        struct err err;

        fit_spec_init(&s, law_find(groups ? "qat-delta-paired" : "chinchilla"),
                      NULL);
        s.seed = 1 + (uint64_t)r;
        check_ok(fit_model_new(&m, t, &s, &err), err);
        check_ok(fit_run(&f, m, t, &s, &err), err);
        check_ok(nested_run(&n, &f, t, &s, claim, bootstrap, &err), err);
        rejected += (bootstrap ? n.p_bootstrap : n.p) < 0.05;
        nested_release(&n);
        fit_release(&f);
        fit_model_free(m);
        table_free(t);
    }
    return (double)rejected / replicates;
}

/* --- the quick part ------------------------------------------------------ */

#define QUICK 400

/* Four standard deviations of a binomial share of 400: each interval alone
 * misses this once in 16,000 times. */
static double slack(double p, int n)
{
    return 4 * sqrt(p * (1 - p) / n);
}

static void check_coverage(const struct coverage *c, const char *law)
{
    double sum = 0;
    int n = 0;

    assert_int_equal(c->failed, 0);
    for (int i = 0; i < c->n_params; i++) {
        const double share = (double)c->inside[i] / c->fits;

        if (!c->free[i])
            continue;
        if (fabs(share - 0.95) > slack(0.95, c->fits))
            fail_msg("%s: %s is covered %.1f %% of the time", law, c->name[i],
                     100 * share);
        sum += share;
        n++;
    }
    check_close(sum / n, 0.95, 0.02);
}

static void intervals_of_quick_laws_hold_the_truth(void **state)
{
    static const char *const laws[] = { "chinchilla", "over-training",
                                        "qat-delta-paired", "capacity-rho" };
    struct coverage c;

    (void)state;
    for (size_t i = 0; i < sizeof laws / sizeof laws[0]; i++) {
        cover(&c, law_find(laws[i]), QUICK, NULL);
        check_coverage(&c, laws[i]);
    }
}

static void by_profile(struct fit_spec *s)
{
    s->profile = true;
}

static void profile_intervals_hold_the_truth(void **state)
{
    struct coverage c;

    (void)state;
    cover(&c, law_find("qat-delta-paired"), QUICK, by_profile);
    check_coverage(&c, "qat-delta-paired");
}

static void tests_at_five_percent_raise_five_percent_alarms(void **state)
{
    (void)state;
    check_close(alarms(true, "gG=0", QUICK, 0), 0.05, slack(0.05, QUICK));
    check_close(alarms(false, "alpha=beta", QUICK, 0), 0.05,
                slack(0.05, QUICK));
}

/* --- the table ----------------------------------------------------------- */

static void by_huber(struct fit_spec *s)
{
    s->loss = (struct fit_loss){ FIT_HUBER, 1e-3 };
    s->bootstrap = 400;
}

static void by_bootstrap(struct fit_spec *s)
{
    s->bootstrap = 400;
}

static void print_law(const struct law *law, int replicates, const char *how,
                      void (*set)(struct fit_spec *))
{
    struct coverage c;
    double least = 1, most = 0, sum = 0;
    int n = 0;

    cover(&c, law, replicates, set);
    for (int i = 0; i < c.n_params; i++) {
        const double share = (double)c.inside[i] / c.fits;

        if (!c.free[i])
            continue;
        least = fmin(least, share);
        most = fmax(most, share);
        sum += share;
        n++;
    }
    printf("%-17s %-10s %5.1f .. %5.1f, mean %5.1f |", law->name, how,
           100 * least, 100 * most, 100 * sum / n);
    for (int i = 0; i < c.n_params; i++)
        if (c.free[i])
            printf(" %s %.1f", c.name[i], 100.0 * c.inside[i] / c.fits);
    printf("%s\n", c.failed ? " (some failed)" : "");
    fflush(stdout);
}

static int print_table(int replicates, const char *only)
{
    printf("%d replicates: an exact 95 %% would show %.1f .. %.1f (two sd)\n",
           replicates, 95 - 200 * sqrt(0.95 * 0.05 / replicates),
           95 + 200 * sqrt(0.95 * 0.05 / replicates));
    for (int i = 0; law_at(i); i++)
        if (!only || strcmp(only, law_at(i)->name) == 0)
            print_law(law_at(i), replicates, "wald", NULL);
    if (!only || strcmp(only, "chinchilla") == 0) {
        print_law(law_find("chinchilla"), replicates, "profile", by_profile);
        print_law(law_find("chinchilla"), replicates, "bootstrap",
                  by_bootstrap);
        print_law(law_find("chinchilla"), replicates, "huber", by_huber);
    }
    if (only)
        return 0;
    printf("false alarms at 5 %%: gG = 0: %.1f %%; alpha = beta: %.1f %%; gG = "
           "0 by 200 bootstrap refits: %.1f %%\n",
           100 * alarms(true, "gG=0", replicates, 0),
           100 * alarms(false, "alpha=beta", replicates, 0),
           100 *
               alarms(true, "gG=0", replicates < 400 ? replicates : 400, 200));
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals_of_quick_laws_hold_the_truth),
        cmocka_unit_test(profile_intervals_hold_the_truth),
        cmocka_unit_test(tests_at_five_percent_raise_five_percent_alarms),
    };

    gsl_set_error_handler_off();
    if (argc > 1)
        return print_table(atoi(argv[1]), argc > 2 ? argv[2] : NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
