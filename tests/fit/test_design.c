/* What runs would tell, against formulas of linear regression and against the
 * fit that is made of them. */
#include "fit/design.h"

#include <string.h>

#include "base/str.h"
#include "tests/fit/fitted.h"
#include "tests/fit/synthetic.h"

static struct table *parse(const char *text)
{
    struct table *t;
    struct err err;

    check_ok(table_parse(&t, text, "t.csv", &err), err);
    return t;
}

/* Candidates x = -1, -0.9 .. 1 of a straight line. */
static struct table *line_candidates(void)
{
    struct str s = { 0 };
    struct table *t;

    str_add(&s, "x,flops\n");
    for (int i = -10; i <= 10; i++)
        str_addf(&s, "%.1f,%d\n", i / 10.0, 1);
    t = parse(str_text(&s));
    str_release(&s);
    return t;
}

static void open_line(struct design *d, struct fit_spec *spec,
                      const struct table *made, const struct table *candidates)
{
    static const struct design_source none = { NULL, NULL };
    struct err err;

    fit_spec_init(spec, NULL, "y = a + b*x");
    check_ok(design_open(d, made, candidates, spec, &none, 0.5, &err), err);
}

static double x_of(const struct design *d, size_t row)
{
    for (int k = 0; k < d->m->n_names; k++)
        if (strcmp(d->m->names[k].name, "x") == 0)
            return d->m->names[k].values[row];
    return NAN;
}

/* The D-optimal design of a straight line stands at both ends (Smith 1918),
 * and half of the runs at each. */
static void a_line_is_measured_at_its_ends(void **state)
{
    static const char *const params[] = { NULL, "b" };
    struct table *t = line_candidates();

    (void)state;
    for (int k = 0; k < 2; k++) {
        const struct design_goal goal = { .param = params[k] };
        struct design_pick picks[2];
        struct fit_spec spec;
        struct design d;
        struct err err;
        double before;
        int n;

        open_line(&d, &spec, NULL, t);
        check_ok(
            design_choose(picks, &n, &before, &d, &goal, 2, HUGE_VAL, &err),
            err);
        assert_int_equal(n, 2);
        check_close(fabs(x_of(&d, picks[0].row)), 1, 0);
        check_close(x_of(&d, picks[1].row), -x_of(&d, picks[0].row), 0);
        assert_true(picks[1].se < picks[0].se && picks[0].se < before);
        design_close(&d);
        fit_spec_release(&spec);
    }
    table_free(t);
}

/* y = a + b x from rows at x_i: var b = s^2 / Sxx, var a = s^2 (1/n +
 * mean^2/Sxx), var at x0 = s^2 (1/n + (x0 - mean)^2 / Sxx). */
static void promised_errors_are_those_of_linear_regression(void **state)
{
    static const double x[] = { -0.5, 0.25, 1, 2, 2.5 };
    char *at[] = { (char[]){ "x=4" } };
    struct table *t = parse("x\n-0.5\n0.25\n1\n2\n2.5\n");
    struct design d;
    struct fit_spec spec;
    struct err err;
    double mean = 0, sxx = 0, se[2], condition, at4;

    (void)state;
    for (int i = 0; i < 5; i++)
        mean += x[i] / 5;
    for (int i = 0; i < 5; i++)
        sxx += (x[i] - mean) * (x[i] - mean);
    open_line(&d, &spec, NULL, t);
    for (size_t i = 0; i < 5; i++)
        design_make(&d, i);
    design_errors(se, &condition, &d);
    check_relative(se[0], 0.5 * sqrt(1 / 5.0 + mean * mean / sxx), 1e-6);
    check_relative(se[1], 0.5 / sqrt(sxx), 1e-6);
    check_ok(design_prediction(&at4, &d, at, 1, &err), err);
    check_relative(at4, 0.5 * sqrt(1 / 5.0 + (4 - mean) * (4 - mean) / sxx),
                   1e-6);
    design_close(&d);
    fit_spec_release(&spec);
    table_free(t);
}

static void cheap_runs_are_preferred_and_budgets_kept(void **state)
{
    struct table *t = parse("x,flops\n-1,100\n1,100\n-0.9,1\n0.9,1\n");
    const struct design_goal goal = { .param = NULL };
    struct design_pick picks[4];
    struct design d;
    struct fit_spec spec;
    struct err err;
    double before;
    int n;

    (void)state;
    open_line(&d, &spec, NULL, t);
    check_ok(design_choose(picks, &n, &before, &d, &goal, 4, 50, &err), err);
    assert_int_equal(n, 2); /* 1 + 1; the others do not fit */
    check_close(fabs(x_of(&d, picks[0].row)), 0.9, 0);
    check_close(fabs(x_of(&d, picks[1].row)), 0.9, 0);
    design_close(&d);
    fit_spec_release(&spec);
    table_free(t);
}

/* A fit of rows that exist must have the errors that were promised for them at
 * its own constants and noise. */
static void a_fit_keeps_what_was_promised(void **state)
{
    static const char *const laws[] = { "chinchilla", "qat-delta", "capybara",
                                        "epm", "quartet" };

    (void)state;
    for (size_t l = 0; l < sizeof laws / sizeof laws[0]; l++) {
        struct table *t = synthetic_table(law_find(laws[l]), 0.002, 3);
        struct design_source source = { NULL, NULL };
        struct fit_spec spec;
        struct model *m;
        struct design d;
        struct fit f;
        struct err err;
        double se[32], condition;

        fit_spec_init(&spec, law_find(laws[l]), NULL);
        check_ok(fit_model_new(&m, t, &spec, &err), err);
        check_ok(fit_run(&f, m, t, &spec, &err), err);
        source.fit = &f;
        check_ok(design_open(&d, NULL, t, &spec, &source, f.sigma, &err), err);
        for (size_t i = 0; i < d.m->rows; i++)
            design_make(&d, i);
        design_errors(se, &condition, &d);
        check_relative(condition, f.cov.condition, 0.02);
        for (int i = 0; i < m->n_params; i++) {
            const int c = m->params[i].free;

            if (c >= 0)
                check_relative(se[c] * (f.work->is_log[c] ? f.est[i].value : 1),
                               f.est[i].se, 1e-3);
        }
        design_close(&d);
        fit_release(&f);
        fit_model_free(m);
        fit_spec_release(&spec);
        table_free(t);
    }
}

static void verdict(struct str *out, bool *identifiable, const char *rows)
{
    static const struct design_source none = { NULL, NULL };
    struct table *t = parse(rows);
    struct fit_spec spec;
    struct design d;
    struct err err;

    fit_spec_init(&spec, law_find("chinchilla"), NULL);
    check_ok(design_open(&d, NULL, t, &spec, &none, 0.003, &err), err);
    for (size_t i = 0; i < d.m->rows; i++)
        design_make(&d, i);
    design_verdict(out, identifiable, &d);
    design_close(&d);
    fit_spec_release(&spec);
    table_free(t);
}

static void a_plan_with_two_token_counts_cannot_identify(void **state)
{
    struct str out = { 0 };
    bool identifiable;

    (void)state;
    verdict(&out, &identifiable,
            "N,D\n1M,100M\n1M,1G\n10M,100M\n10M,1G\n100M,100M\n100M,1G\n");
    assert_false(identifiable);
    assert_non_null(strstr(str_text(&out), "NOT identifiable"));
    assert_non_null(strstr(str_text(&out), "cannot be told apart: E, B, beta"));
    str_clear(&out);
    verdict(&out, &identifiable,
            "N,D\n1M,100M\n1M,1G\n1M,10G\n10M,100M\n10M,1G\n10M,10G\n"
            "100M,100M\n100M,1G\n100M,10G\n");
    assert_true(identifiable);
    assert_null(strstr(str_text(&out), "NOT"));
    str_release(&out);
}

/* Rows that are certain to be made say what they will tell before any loss is
 * known; a response that is an expression, and relative residuals, are no
 * different. */
static void losses_need_not_be_known(void **state)
{
    static const struct {
        const char *text, *formula;
        enum fit_space space;
    } table[] = {
        { "x\n1\n2\n4\n7\n", "y = a*x^b", FIT_LOG },
        { "x,y\n1,\n2,\n4,\n7,\n", "y = a*x^b", FIT_LOG },
        { "x\n1\n2\n4\n7\n", "y = a*x^b", FIT_RELATIVE },
        { "x,y\n1,3\n2,9\n4,1\n7,2\n", "y = a*x^b", FIT_RELATIVE },
        { "x\n1\n2\n4\n7\n", "log(y) = log(a) + b*log(x)", FIT_LINEAR },
        { "x,y\n1,3\n2,9\n4,1\n7,2\n", "log(y) = log(a) + b*log(x)",
          FIT_LINEAR },
    };
    /* A straight line of log x: Sxx of log 1, 2, 4, 7. */
    const double x[] = { 0, log(2), log(4), log(7) };
    double mean = 0, sxx = 0;

    (void)state;
    for (int i = 0; i < 4; i++)
        mean += x[i] / 4;
    for (int i = 0; i < 4; i++)
        sxx += (x[i] - mean) * (x[i] - mean);
    for (size_t k = 0; k < sizeof table / sizeof table[0]; k++) {
        static const struct design_source none = { NULL, NULL };
        struct table *t = parse(table[k].text);
        struct fit_spec spec;
        struct design d;
        struct err err;
        double se[2], condition;

        fit_spec_init(&spec, NULL, table[k].formula);
        spec.space = table[k].space;
        check_ok(fit_spec_start(&spec, "a=2,b=0.5", &err), err);
        check_ok(design_open(&d, t, NULL, &spec, &none, 0.1, &err), err);
        design_errors(se, &condition, &d);
        check_close(d.theta[0], 2, 0);
        check_relative(se[0] / (d.work->is_log[0] ? 1 : 2),
                       0.1 * sqrt(0.25 + mean * mean / sxx), 1e-6);
        check_relative(se[1], 0.1 / sqrt(sxx), 1e-6);
        assert_true(design_identifiable(&d, se, condition));
        assert_int_equal(d.n_missing, 0);
        design_close(&d);
        fit_spec_release(&spec);
        table_free(t);
    }
}

static void goals_that_do_not_exist_are_refused(void **state)
{
    const struct design_goal goal = { .param = "slope" };
    struct table *t = line_candidates();
    struct design_pick picks[2];
    struct design d;
    struct fit_spec spec;
    struct err err;
    double before;
    int n;

    (void)state;
    open_line(&d, &spec, NULL, t);
    assert_int_equal(
        design_choose(picks, &n, &before, &d, &goal, 2, HUGE_VAL, &err),
        ERR_USAGE);
    check_says(err, "no free parameter 'slope'");
    design_close(&d);
    fit_spec_release(&spec);
    table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_measured_at_its_ends),
        cmocka_unit_test(promised_errors_are_those_of_linear_regression),
        cmocka_unit_test(cheap_runs_are_preferred_and_budgets_kept),
        cmocka_unit_test(a_fit_keeps_what_was_promised),
        cmocka_unit_test(a_plan_with_two_token_counts_cannot_identify),
        cmocka_unit_test(losses_need_not_be_known),
        cmocka_unit_test(goals_that_do_not_exist_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
