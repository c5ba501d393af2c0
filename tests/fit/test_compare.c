/* Choosing between laws, against values that others computed and identities. */
#include "fit/compare.h"

#include <gsl/gsl_cdf.h>
#include <string.h>

#include "base/str.h"
#include "fit/holdout.h"
#include "fit/start.h"
#include "tests/fit/fitted.h"
#include "tests/fit/synthetic.h"

#define CHINCHILLA "data/chinchilla/chinchilla_245.csv"
#define TOKENS     "derive=D = C/(6*N)"
#define KEPT       "where=loss < 3.44"

/* reference_fits.json, model_comparison_log_240: sigma is counted. */
static void criteria_agree_with_the_reference(void **state)
{
    struct fitted x;

    (void)state;
    check_need_shared();
    fitted_shared(&x, CHINCHILLA, "chinchilla", OPTIONS(TOKENS, KEPT));
    check_close(x.fit.loglik, 853.3787735065805, 1e-6);
    check_close(fit_aicc(&x.fit), -1694.3970319917019, 1e-6);
    check_close(fit_bic(&x.fit), -1673.873713473109, 1e-6);
    fitted_release(&x);
    fitted_shared(&x, CHINCHILLA, "chinchilla",
                  OPTIONS(TOKENS, KEPT, "fix=alpha=beta"));
    check_relative(x.fit.rss, 0.011969341310426512, 1e-9);
    check_close(fit_aicc(&x.fit), -1686.1040648382448, 1e-6);
    fitted_release(&x);
    fitted_shared(&x, CHINCHILLA, "chinchilla",
                  OPTIONS(TOKENS, KEPT, "fix=E=0"));
    check_relative(x.fit.rss, 0.05851574687622797, 1e-9);
    fitted_release(&x);
    fitted_shared(&x, CHINCHILLA,
                  "loss = E + ((A/N^a)^(1/g) + (B/D^b)^(1/g))^g",
                  OPTIONS(TOKENS, KEPT, "space=log", "bound=A>=0,B>=0,g>=0.2"));
    check_relative(x.fit.rss, 0.009456289898820297, 1e-8);
    check_close(fitted_get(&x, "g")->value, 0.7368604707739504, 1e-4);
    fitted_release(&x);
}

static void a_claim_is_tested_as_the_reference_does(void **state)
{
    struct fitted x;
    struct nested n;

    (void)state;
    check_need_shared();
    fitted_shared(&x, CHINCHILLA, "chinchilla", OPTIONS(TOKENS, KEPT));
    check_ok(nested_run(&n, &x.fit, x.table, &x.spec, "alpha=beta", 0, &x.err),
             x.err);
    check_relative(n.statistic, 10.404200022860897, 1e-6);
    assert_int_equal(n.df1, 1);
    assert_int_equal(n.df2, 235);
    check_relative(n.p, 0.0014360573665227778, 1e-5);
    assert_false(n.one_sided);
    nested_release(&n);
    assert_int_equal(
        nested_run(&n, &x.fit, x.table, &x.spec, "alpha=gamma", 0, &x.err),
        ERR_USAGE);
    check_says(x.err, "no parameter 'gamma'");
    nested_release(&n);
    fitted_release(&x);
}

/* Half of the null's mass lies on the bound. */
static void a_claim_at_a_bound_is_one_sided(void **state)
{
    struct table *t = synthetic_table(law_find("qat-delta-paired"), 0.02, 3);
    struct fit_spec s;
    struct model *m;
    struct nested n;
    struct fit f;
    struct err err;

    (void)state;
    fit_spec_init(&s, law_find("qat-delta-paired"), NULL);
    check_ok(fit_model_new(&m, t, &s, &err), err);
    check_ok(fit_run(&f, m, t, &s, &err), err);
    check_ok(nested_run(&n, &f, t, &s, "gG=0", 0, &err), err);
    assert_true(n.one_sided);
    assert_true(n.statistic > 0);
    check_relative(n.p, gsl_cdf_fdist_Q(n.statistic, n.df1, n.df2) / 2, 1e-12);
    nested_release(&n);
    check_ok(nested_run(&n, &f, t, &s, "gG=0.5", 0, &err), err);
    assert_false(n.one_sided);
    check_relative(n.p, gsl_cdf_fdist_Q(n.statistic, n.df1, n.df2), 1e-12);
    nested_release(&n);
    fit_release(&f);
    fit_model_free(m);
    table_free(t);
}

/* reference_fits.json, leave_largest_out_log. */
static void held_out_rows_are_predicted_as_the_reference_does(void **state)
{
    static const struct {
        const char *rule;
        int train, test;
        double rmse, mean;
    } cuts[] = {
        { "C >= 1e20", 136, 104, 0.014198002424582603, -0.006760701625087761 },
        { "C >= 3e20", 177, 63, 0.014034889386437661, -0.007384838684230347 },
        { "C >= 1e21", 217, 23, 0.013818851003513787, -0.004339871451037999 },
        { "C >= 2e21", 226, 14, 0.014445793129421949, -0.008008751582716776 },
    };

    (void)state;
    check_need_shared();
    for (size_t k = 0; k < sizeof cuts / sizeof cuts[0]; k++) {
        char *rest = mem_printf("where=loss < 3.44 && !(%s)", cuts[k].rule);
        struct fitted x, all;
        struct holdout h;
        bool *held;

        fitted_shared(&all, CHINCHILLA, "chinchilla", OPTIONS(TOKENS, KEPT));
        fitted_shared(&x, CHINCHILLA, "chinchilla", OPTIONS(TOKENS, rest));
        check_ok(holdout_split(&held, all.table, cuts[k].rule, &x.err), x.err);
        check_ok(holdout_judge(&h, &x.fit, all.table, held, &x.spec,
                               cuts[k].rule, &x.err),
                 x.err);
        assert_int_equal(h.all.n_train, cuts[k].train);
        assert_int_equal(h.all.n_test, cuts[k].test);
        check_relative(h.all.rmse, cuts[k].rmse, 1e-6);
        check_relative(h.all.mean, cuts[k].mean, 1e-5);
        assert_int_equal(h.n_rows, cuts[k].test);
        assert_true(h.all.beyond > 1);
        holdout_release(&h);
        free(held);
        fitted_release(&x);
        fitted_release(&all);
        free(rest);
    }
}

static void largest_and_rolling_rules_choose_levels(void **state)
{
    static const char *const csv = "N,D,loss\n"
                                   "1,1,3\n1,2,2.9\n2,1,2.8\n2,2,2.7\n"
                                   "4,1,2.6\n4,2,2.5\n8,1,2.4\n8,2,2.35\n"
                                   "16,1,2.3\n16,2,2.2\n";
    struct fitted x;
    struct holdout h;
    bool *held;
    int n = 0;

    (void)state;
    fitted_text(&x, csv, "loss = a + b*N^-0.5 + c*D", OPTIONS("where=N < 8"));
    check_ok(x.status, x.err);
    {
        struct fitted all;

        fitted_text(&all, csv, "loss = a + b*N^-0.5 + c*D", NO_OPTIONS);
        check_ok(holdout_split(&held, all.table, "largest:2", &x.err), x.err);
        for (size_t i = 0; i < 10; i++)
            n += held[i];
        assert_int_equal(n, 4);
        assert_true(held[6] && held[9] && !held[5]);
        free(held);
        check_ok(holdout_split(&held, all.table, "largest:1:D", &x.err), x.err);
        assert_true(held[1] && !held[0]);
        free(held);
        check_ok(holdout_split(&held, all.table, "rolling:2", &x.err), x.err);
        assert_true(held[8] && !held[7]);
        check_ok(holdout_judge(&h, &all.fit, all.table, held, &all.spec,
                               "rolling:2", &x.err),
                 x.err);
        assert_int_equal(h.n_steps, 2);
        check_close(h.steps[0].level, 8, 0);
        assert_int_equal(h.steps[0].n_train, 6);
        assert_int_equal(h.steps[1].n_train, 8);
        check_close(h.steps[1].beyond, 2, 1e-12);
        holdout_release(&h);
        free(held);
        assert_int_equal(holdout_split(&held, all.table, "largest:9", &x.err),
                         ERR_USAGE);
        assert_int_equal(holdout_split(&held, all.table, "largest:x", &x.err),
                         ERR_USAGE);
        assert_int_equal(holdout_split(&held, all.table, "N > 99", &x.err),
                         ERR_USAGE);
        check_says(x.err, "no rows are held out");
        assert_int_equal(holdout_split(&held, all.table, "M > 99", &x.err),
                         ERR_USAGE);
        check_says(x.err, "unknown name 'M'");
        fitted_release(&all);
    }
    fitted_release(&x);
}

/* With at most ten units each is a fold, and for a mean the row left out misses
 * the others' mean by n / (n - 1) of its residual. */
static void cross_validation_of_a_mean_is_known(void **state)
{
    struct fitted x;
    double sum = 0;

    (void)state;
    fitted_text(&x, "i,y\n1,3\n2,4\n3,8\n4,1\n5,5\n6,5.5\n7,2\n8,9\n",
                "y = c + 0*i", NO_OPTIONS);
    check_ok(x.status, x.err);
    for (int i = 0; i < 8; i++)
        sum += pow(x.fit.residual[i] * 8 / 7, 2);
    check_relative(compare_cross_validate(&x.fit, 1), sqrt(sum / 8), 1e-9);
    fitted_release(&x);
    /* Rows of one configuration leave together: two units of four. */
    fitted_text(&x, "i,y\n1,3\n1,4\n1,8\n1,1\n2,5\n2,5.5\n2,2\n2,9\n",
                "y = c + 0*i", NO_OPTIONS);
    sum = 0;
    for (int i = 0; i < 8; i++) {
        const double other =
            i < 4 ? (5 + 5.5 + 2 + 9) / 4 : (3 + 4 + 8 + 1) / 4.;

        sum += pow(x.model->y[i] - other, 2);
    }
    check_relative(compare_cross_validate(&x.fit, 1), sqrt(sum / 8), 1e-9);
    fitted_release(&x);
}

static enum status compare(struct comparison *c, const struct table *t,
                           const struct fit_spec *s, const char *list,
                           struct err *err)
{
    char **names = NULL, *copy = mem_strdup(list), *next = copy, *part;
    enum status st;
    int n = 0;

    while ((part = strsep(&next, ";")))
        compare_names(&names, &n, part);
    st = compare_run(c, t, NULL, s, (const char *const *)names, n, err);
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
    free(copy);
    return st;
}

/* A formula that is a law's special case, whatever its letters; one that is
 * not; and a response that is another's. */
static void formulas_compete_and_special_cases_are_tested(void **state)
{
    struct table *t = synthetic_table(law_find("chinchilla"), 0.002, 6);
    struct comparison c;
    struct fit_spec s;
    struct str out = { 0 };
    struct err err;

    (void)state;
    fit_spec_init(&s, law_find("chinchilla"), NULL);
    check_ok(compare(&c, t, &s,
                     "chinchilla;loss = e + p/N^q + r/D^q;"
                     "loss = e + a*N^2 + b*D",
                     &err),
             err);
    assert_int_equal(c.n, 3);
    assert_int_equal(c.n_nested, 1);
    assert_string_equal(c.laws[c.nested[0].outer].name, "chinchilla");
    assert_string_equal(c.laws[c.nested[0].inner].name,
                        "loss = e + p/N^q + r/D^q");
    assert_int_equal(c.nested[0].df1, 1);
    comparison_text(&out, &c, &s);
    assert_non_null(strstr(str_text(&out), "is a special case of chinchilla"));
    comparison_release(&c);
    str_release(&out);
    assert_int_equal(
        compare(&c, t, &s, "chinchilla;log(loss) = a*log(N)", &err), ERR_USAGE);
    check_says(err, "cannot be compared");
    comparison_release(&c);
    table_free(t);
}

static void the_true_law_wins_and_broken_ones_are_explained(void **state)
{
    struct table *t = synthetic_table(law_find("quartet-base"), 0.002, 5);
    struct comparison c;
    struct fit_spec s;
    struct str out = { 0 };
    struct err err;

    (void)state;
    fit_spec_init(&s, law_find("chinchilla"), NULL);
    check_ok(compare(&c, t, &s, "chinchilla,quartet-base,kaplan", &err), err);
    assert_string_equal(c.laws[0].law->name, "quartet-base");
    assert_int_equal(c.rows, 36);
    assert_int_equal(c.laws[0].n_params, 6);
    check_relative(c.laws[0].cv, 0.002, 0.5);
    assert_true(c.laws[1].cv > c.laws[0].cv);
    comparison_text(&out, &c, &s);
    assert_non_null(strstr(str_text(&out), "36 rows that every law can use"));
    comparison_release(&c);
    str_release(&out);
    assert_int_equal(compare(&c, t, &s, "chinchilla,qat-delta", &err),
                     ERR_USAGE);
    check_says(err, "law qat-delta: ");
    comparison_release(&c);
    assert_int_equal(compare(&c, t, &s, "chinchilla,kaplann", &err), ERR_USAGE);
    check_says(err, "did you mean 'kaplan'");
    comparison_release(&c);
    table_free(t);
}

/* With the other parameters given, those found by inspection are exact before
 * any search; gamma of capybara through its reciprocal. */
static void linear_parameters_are_eliminated_exactly(void **state)
{
    static const struct {
        const char *law, *start;
        int linear;
    } table[] = {
        { "chinchilla", "alpha=0.34,beta=0.28", 3 },
        { "qat-delta", "alpha=0.3022,beta=0.3022,gN=0.2186,gD=0.0745,gG=0.7779",
          4 },
        { "capybara", "alpha=0.2368,beta=0.5162,delta=3.1926,nu=2.9543", 4 },
        { "over-training", "h=0.1212", 3 },
    };

    (void)state;
    for (size_t k = 0; k < sizeof table / sizeof table[0]; k++) {
        const struct law *law = law_find(table[k].law);
        struct table *t = synthetic_table(law, 0, 1);
        struct start_list list;
        struct fit_spec s;
        struct model *m;
        struct err err;

        fit_spec_init(&s, law, NULL);
        check_ok(fit_spec_start(&s, table[k].start, &err), err);
        check_ok(fit_model_new(&m, t, &s, &err), err);
        assert_int_equal(start_linear_count(m), table[k].linear);
        start_find(&list, m, NULL, 1, 1, true);
        assert_int_equal(list.n, 1);
        for (int i = 0; i < m->n_params; i++)
            check_relative(list.theta[i],
                           synthetic_truth(law, m->params[i].name), 1e-7);
        start_release(&list);
        fit_model_free(m);
        fit_spec_release(&s);
        table_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(criteria_agree_with_the_reference),
        cmocka_unit_test(a_claim_is_tested_as_the_reference_does),
        cmocka_unit_test(a_claim_at_a_bound_is_one_sided),
        cmocka_unit_test(held_out_rows_are_predicted_as_the_reference_does),
        cmocka_unit_test(largest_and_rolling_rules_choose_levels),
        cmocka_unit_test(cross_validation_of_a_mean_is_known),
        cmocka_unit_test(formulas_compete_and_special_cases_are_tested),
        cmocka_unit_test(the_true_law_wins_and_broken_ones_are_explained),
        cmocka_unit_test(linear_parameters_are_eliminated_exactly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
