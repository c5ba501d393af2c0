/* Does what a report says of a grid hold 95 times in 100, and does it find a
 * difference where there is none 5 times in 100?
 *
 *   test_plots_findings            the quick part of the suite
 *   test_plots_findings GRIDS      a table of everything, for docs/intervals.md
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "harness/study/findings.h"
#include "tests/check.h"
#include "tests/figures/simulated.h"

/* --- the truth ---------------------------------------------------------------
 */

/* Mean true cost over the cells in which the families' groups were all run. */
static double mean_cost(const struct plan *p, int family, int other, int group)
{
    double sum = 0;
    int n = 0;

    for (int g = 0; g < GROUPS; g++)
        for (int i = 0; i < SIZES; i++)
            for (int k = 0; k < LENGTHS; k++) {
                if ((group >= 0 && g != group) ||
                    !is_there(p, i, k, family, g) ||
                    !is_there(p, i, k, other, g))
                    continue;
                sum += true_cost(family, simulated_sizes[i],
                                 simulated_lengths[k], simulated_groups[g]);
                n++;
            }
    return sum / n;
}

static int index_of(const double *values, double value)
{
    int i = 0;

    while (values[i] != value)
        i++;
    return i;
}

/* Mean true cost at one end of an effect over the pairs that have both. */
static double end_cost(const struct plan *p, int families,
                       const struct finding_effect *e, bool high)
{
    const int which = e->variable == 'N' ? 0 : e->variable == 'D' ? 1 : 2;
    const double *values[] = { simulated_sizes, simulated_lengths,
                               simulated_groups };
    const int first = index_of(values[which], e->e.lo);
    const int last = index_of(values[which], e->e.hi);
    double sum = 0;
    int n = 0;

    for (int f = 0; f < families; f++)
        for (int c = 0; c < SIZES * LENGTHS * GROUPS; c++) {
            int lo[3] = { c % SIZES, c / SIZES % LENGTHS, c / SIZES / LENGTHS };
            int hi[3] = { lo[0], lo[1], lo[2] };
            const int *at = high ? hi : lo;

            if (lo[which] != first)
                continue;
            hi[which] = last;
            if (!is_there(p, lo[0], lo[1], f, lo[2]) ||
                !is_there(p, hi[0], hi[1], f, hi[2]))
                continue;
            sum += true_cost(f, simulated_sizes[at[0]],
                             simulated_lengths[at[1]], simulated_groups[at[2]]);
            n++;
        }
    return sum / n;
}

/* --- counting ----------------------------------------------------------------
 */

struct tally {
    int n, inside, none;
};

enum said { COST, CONTRASTS, EFFECT, FACTOR, SAID };
static const char *const said_names[SAID] = { "costs", "contrasts (together)",
                                              "effects", "factors" };

static void count(struct tally *t, double lo, double hi, double truth)
{
    if (isnan(lo)) {
        t->none++;
        return;
    }
    t->n++;
    t->inside += lo <= truth && truth <= hi;
}

static void judge(struct tally t[SAID], const struct plan *p,
                  const struct findings *f)
{
    bool all = true, any = false;

    for (int i = 0; i < f->n_costs; i++) {
        const struct finding_cost *c = &f->costs[i];

        count(&t[COST], c->cost.lo, c->cost.hi,
              mean_cost(p, c->arm / GROUPS, c->arm / GROUPS, c->arm % GROUPS));
    }
    for (int i = 0; i < f->n_contrasts; i++) {
        const struct finding_contrast *c = &f->contrasts[i];
        const double truth =
            mean_cost(p, c->b, c->a, -1) - mean_cost(p, c->a, c->b, -1);

        all = all && c->lo <= truth && truth <= c->hi;
        any = true;
    }
    if (any)
        count(&t[CONTRASTS], 0, 0, all ? 0 : 1);
    for (int i = 0; i < FINDING_EFFECTS; i++) {
        const struct measured_contrast *c = &f->effects[i].e.change;
        const double a = end_cost(p, FAMILIES, &f->effects[i], false);
        const double b = end_cost(p, FAMILIES, &f->effects[i], true);

        count(&t[EFFECT], c->diff.lo, c->diff.hi, b - a);
        count(&t[FACTOR], c->ratio.lo, c->ratio.hi, b / a);
    }
}

/* Two families that cost the same: how often is one told from the other? */
static int false_findings(const struct plan *p, int grids)
{
    int told = 0;

    for (int r = 0; r < grids; r++) {
        struct measured m;
        struct findings f;

        simulate(&m, p, 2, rng_key(20261130, RNG_FIT, (uint64_t)r));
        findings_make(&f, &m);
        told += f.n_told;
        findings_release(&f);
        measured_release(&m);
    }
    return told;
}

static void cover(struct tally t[SAID], const struct plan *p, int grids)
{
    memset(t, 0, SAID * sizeof *t);
    for (int r = 0; r < grids; r++) {
        struct measured m;
        struct findings f;

        simulate(&m, p, FAMILIES, rng_key(13, RNG_FIT, (uint64_t)r));
        findings_make(&f, &m);
        judge(t, p, &f);
        findings_release(&f);
        measured_release(&m);
    }
}

static void print_table(int grids)
{
    printf("%d grids of each kind                 inside 95 %% limits\n",
           grids);
    for (int i = 0; i < N_PLANS; i++) {
        struct tally t[SAID];

        cover(t, &simulated_plans[i], grids);
        printf("%s\n", simulated_plans[i].name);
        for (int k = 0; k < SAID; k++)
            printf("  %-22s %5.1f %% of %d, %d without limits\n", said_names[k],
                   100.0 * t[k].inside / (t[k].n ? t[k].n : 1), t[k].n,
                   t[k].none);
        printf("  %-22s %5.1f %%\n", "false findings",
               100.0 * false_findings(&simulated_plans[i], grids) / grids);
    }
}

/* --- tests -------------------------------------------------------------------
 */

/* With few grids only gross errors show: five standard deviations. */
static void what_is_said_holds_as_often_as_it_claims(void **state)
{
    const int grids = 60;

    (void)state;
    for (int i = 0; i < N_PLANS; i++) {
        struct tally t[SAID];

        cover(t, &simulated_plans[i], grids);
        for (int k = 0; k < SAID; k++) {
            const double share = (double)t[k].inside / t[k].n;

            if (t[k].n < grids / 2 || share < 0.95 - 5 * 0.22 / sqrt(grids))
                fprintf(stderr, "%s, %s: %d of %d\n", simulated_plans[i].name,
                        said_names[k], t[k].inside, t[k].n);
            assert_true(t[k].n >= grids / 2);
            assert_true(share >= 0.95 - 5 * 0.22 / sqrt(grids));
        }
        assert_true(false_findings(&simulated_plans[i], grids) <=
                    0.05 * grids + 5 * 0.22 * sqrt(grids));
    }
}

/* Runs of other grids in the file are no runs of this one: a row more or less
 * would change a mean, so all bits are compared. */
static void the_order_of_rows_says_nothing(void **state)
{
    struct measured m;
    struct measured_side a, b;
    struct measured_contrast one, two;

    (void)state;
    simulate(&m, &simulated_plans[2], 2, 99);
    measured_side_of_family(&a, &m, "f0");
    measured_side_of_family(&b, &m, "f1");
    one = measured_contrast(&m, &a, &b, MEASURED_ANY);
    two = measured_contrast(&m, &b, &a, MEASURED_ANY);
    check_close(one.diff.value, -two.diff.value, 1e-15);
    check_close(one.diff.se, two.diff.se, 1e-15);
    check_relative(one.ratio.value, 1 / two.ratio.value, 1e-12);
    check_relative(one.ratio.lo, 1 / two.ratio.hi, 1e-6);
    assert_int_equal(one.diff.cells, 36);
    assert_int_equal(one.diff.strata, 12);
    assert_int_equal(one.diff.clusters, 24);
    measured_side_release(&a);
    measured_side_release(&b);
    measured_release(&m);
}

/* A contrast needs no finished twin; a cost does. */
static void a_twin_that_is_missing_leaves_contrasts(void **state)
{
    struct measured m;
    struct findings f;

    (void)state;
    simulate(&m, &simulated_plans[2], 2, 5);
    for (int i = 0; i < m.n; i++)
        m.rows[i].base = (double)NAN;
    findings_make(&f, &m);
    assert_int_equal(f.n_costs, 0);
    findings_release(&f);
    {
        struct measured_side a, b;

        measured_side_of_arm(&a, &m, 0);
        measured_side_of_arm(&b, &m, 3);
        assert_int_equal(measured_contrast(&m, &a, &b, MEASURED_ANY).diff.cells,
                         12);
        measured_side_release(&a);
        measured_side_release(&b);
    }
    measured_release(&m);
}

static void a_side_is_an_arm_a_family_or_its_first_words(void **state)
{
    struct measured m;
    struct measured_side s;
    struct err err = { 0 };

    (void)state;
    simulate(&m, &simulated_plans[0], 2, 5);
    check_ok(measured_side(&s, &m, "f1 g8", &err), err);
    assert_int_equal(s.n, 1);
    measured_side_release(&s);
    check_ok(measured_side(&s, &m, "f1", &err), err);
    assert_int_equal(s.n, 3);
    measured_side_release(&s);
    assert_int_equal(measured_side(&s, &m, "f11", &err), ERR_USAGE);
    check_says(err, "did you mean 'f");
    measured_release(&m);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_holds_as_often_as_it_claims),
        cmocka_unit_test(the_order_of_rows_says_nothing),
        cmocka_unit_test(a_twin_that_is_missing_leaves_contrasts),
        cmocka_unit_test(a_side_is_an_arm_a_family_or_its_first_words),
    };

    if (argc > 1) {
        print_table(atoi(argv[1]));
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
