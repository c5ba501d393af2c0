/* Each warning in both directions, and what may not change a fit. */
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "fit/predict.h"
#include "tests/fit/fitted.h"

/* --- tables -------------------------------------------------------------- */

struct design {
    const char *law; /* of true_law */
    int n_sizes, n_tokens, seeds;
    double sigma;        /* log noise of a row */
    double run_sigma;    /* shared by the rows of one size */
    double tokens_per_n; /* > 0: D = this x N instead of its own levels */
    int outliers;        /* rows that are 15 % off */
    bool shuffled;
    double n_unit, y_unit;
    int copies; /* each row so many times more */
};

static double true_law(const char *law, double n, double d)
{
    const double a = 406.4 / pow(n, 0.34), b = 410.7 / pow(d, 0.28);

    if (strcmp(law, "coupled") == 0)
        return 1.69 + pow(a + b, 1.4);
    if (strcmp(law, "no floor") == 0)
        return 0.97 * (a + b) * pow(d / n, 0.01);
    return 1.69 + a + b;
}

/* Columns N, D, run, sigma, loss; run tells the sizes apart. */
static char *make_csv(const struct design *g, uint64_t seed)
{
    const uint64_t key = rng_key(seed, RNG_TEST, 30);
    struct str s = { 0 };
    int rows = 0, *order, total = g->n_sizes * g->n_tokens * g->seeds;
    char **lines = mem_array((size_t)total, sizeof *lines);

    for (int i = 0; i < g->n_sizes; i++)
        for (int j = 0; j < g->n_tokens; j++)
            for (int k = 0; k < g->seeds; k++, rows++) {
                const double n = 4e7 * pow(250, i / fmax(g->n_sizes - 1, 1));
                const double d =
                    g->tokens_per_n > 0
                        ? g->tokens_per_n * n
                        : 1e9 * pow(500, j / fmax(g->n_tokens - 1, 1));
                double y =
                    true_law(g->law, n, d) *
                    exp(g->sigma * rng_normal(key, (uint64_t)rows) +
                        g->run_sigma * rng_normal(key, 100000 + (uint64_t)i));
                char num[3][32];

                if (rows % 11 == 3 && rows / 11 < g->outliers)
                    y *= 1.15;
                lines[rows] = mem_printf("%s,%s,run%d,0.01,%s\n",
                                         text_number(num[0], n * g->n_unit),
                                         text_number(num[1], d), i,
                                         text_number(num[2], y * g->y_unit));
            }
    order = mem_array((size_t)rows, sizeof *order);
    for (int i = 0; i < rows; i++)
        order[i] = g->shuffled ? (i * 37 + 11) % rows : i;
    str_add(&s, "N,D,run,sigma,loss\n");
    for (int i = 0; i < rows; i++)
        for (int c = 0; c <= g->copies; c++)
            str_add(&s, lines[order[i]]);
    for (int i = 0; i < rows; i++)
        free(lines[i]);
    free(lines);
    free(order);
    return str_steal(&s);
}

static struct design good(void)
{
    return (struct design){ .law = "chinchilla",
                            .n_sizes = 7,
                            .n_tokens = 7,
                            .seeds = 1,
                            .sigma = 0.003,
                            .n_unit = 1,
                            .y_unit = 1 };
}

static void fit_design(struct fitted *x, const struct design *g, uint64_t seed,
                       const char *law, const char *const *options)
{
    char *csv = make_csv(g, seed);

    fitted_text(x, csv, law, options);
    check_ok(x->status, x->err);
    free(csv);
}

/* How many of 200 noisy tables of a design raise a warning. */
static int raised_by(const struct design *g, enum fit_code code,
                     const char *law)
{
    int n = 0;

    for (uint64_t seed = 0; seed < 200; seed++) {
        struct fitted x;

        fit_design(&x, g, seed, law, NO_OPTIONS);
        n += fit_has(&x.fit, code);
        fitted_release(&x);
    }
    return n;
}

static int raised(const struct design *g, enum fit_code code)
{
    return raised_by(g, code, "chinchilla");
}

static bool warns(const struct design *g, enum fit_code code, const char *law,
                  const char *const *options)
{
    struct fitted x;
    bool has;

    fit_design(&x, g, 1, law, options);
    has = fit_has(&x.fit, code);
    fitted_release(&x);
    return has;
}

static const char *text_of(const struct fit *f, enum fit_code code)
{
    for (int i = 0; i < f->n_warnings; i++)
        if (f->warnings[i].code == code)
            return f->warnings[i].text;
    fail_msg("no warning %s", fit_code_text(code));
    return "";
}

/* --- warnings ------------------------------------------------------------ */

static void a_design_that_cannot_tell_is_not_identifiable(void **state)
{
    struct design two = good(), ratio = good(), near = good(), many = good();
    struct fitted x;

    (void)state;
    two.n_tokens = 2; /* E, B and beta from two levels of D */
    fit_design(&x, &two, 1, "chinchilla", NO_OPTIONS);
    assert_true(fit_has(&x.fit, FIT_NOT_IDENTIFIABLE));
    assert_non_null(strstr(text_of(&x.fit, FIT_NOT_IDENTIFIABLE),
                           "E, B and beta can be changed together"));
    assert_string_equal(fitted_get(&x, "B")->interval, "none");
    assert_true(isnan(fitted_get(&x, "B")->se));
    assert_string_equal(fitted_get(&x, "alpha")->interval, "wald");
    fitted_release(&x);

    ratio.n_sizes = 30; /* D = 20 N: which of the two is it? */
    ratio.n_tokens = 1;
    ratio.tokens_per_n = 20;
    assert_true(warns(&ratio, FIT_NOT_IDENTIFIABLE, "chinchilla", NO_OPTIONS));
    ratio.sigma = 0;
    assert_true(warns(&ratio, FIT_NOT_IDENTIFIABLE, "chinchilla", NO_OPTIONS));
    ratio.sigma = 0.003; /* with one exponent there is nothing to tell */
    assert_true(warns(&ratio, FIT_NOT_IDENTIFIABLE, "chinchilla",
                      OPTIONS("fix=alpha=beta")));
    assert_false(warns(&ratio, FIT_NOT_IDENTIFIABLE, "chinchilla",
                       OPTIONS("fix=alpha=beta,B=1000")));

    near.n_tokens = 3; /* three levels are enough */
    assert_false(warns(&near, FIT_NOT_IDENTIFIABLE, "chinchilla", NO_OPTIONS));
    assert_int_equal(raised(&many, FIT_NOT_IDENTIFIABLE), 0);
    assert_int_equal(raised(&many, FIT_NOT_CONVERGED), 0);
}

/* Where it may be a column: one that the law has found is not offered, nor is
 * one where the rows tell all parameters. */
static void a_misspelt_column_is_guessed(void **state)
{
    static const char *const csv =
        "N,D,steps,loss\n1,1,1,9\n1,2,2,7\n1,4,3,6.1\n2,1,4,7\n2,2,5,5.2\n"
        "2,4,6,4.1\n4,1,7,6.2\n4,2,8,4.2\n4,4,9,3.2\n8,2,9,3.6\n";
    static const struct {
        const char *formula, *want;
    } cases[] = {
        { "loss = a/N + b/D + c*tseps", "did you mean 'steps'?" },
        { "loss = a/N + b/D", NULL },
        { "loss = a/N + d/D + c*c", NULL },
        { "loss = a/D + b*bias", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool said = false, any = false;
        struct fitted x;

        fitted_text(&x, csv, cases[i].formula, NO_OPTIONS);
        assert_int_equal(x.status, OK);
        for (int k = 0; k < x.fit.n_warnings; k++) {
            const char *text = x.fit.warnings[k].text;

            any = any || strstr(text, "no column");
            said = said || (cases[i].want && strstr(text, cases[i].want));
        }
        assert_int_equal(said, cases[i].want != NULL);
        assert_int_equal(any, cases[i].want != NULL);
        fitted_release(&x);
    }
}

/* Where it surely is: in another case, with a letter twice or wrong, a name
 * that every law has.  What people call parameters is none, nor what an option
 * declares to be one. */
static void a_name_that_should_be_a_column_is_refused(void **state)
{
    static const char *const csv =
        "N,D,steps,E,B,loss\n1,1,1,2,7,9\n1,2,2,3,8,7\n1,4,3,2,9,6.1\n"
        "2,1,4,2,7,7\n2,2,5,3,8,5.2\n2,4,6,2,9,4.1\n4,1,7,2,6,6.2\n"
        "4,2,8,4,8,4.2\n4,4,9,3,7,3.2\n8,2,9,2,5,3.6\n";
    static const struct {
        const char *formula, *start, *want;
    } cases[] = {
        { "loss = a/n + b/D", NULL, "n is no column of" },
        { "loss = a/N + b/DD", NULL, "did you mean 'D'?" },
        { "loss = a/N + b/D + c*stpes", NULL, "did you mean 'steps'?" },
        { "loss = a/N + b/D + c*Steps", NULL, "did you mean 'steps'?" },
        { "loss = e + a", NULL, "has no variable: no name on its right" },
        { "loss = 2", NULL, "has no variable" },
        { "loss = a/n + b/D", "start=n=1", NULL },
        { "loss = e + a/N + b/D", NULL, NULL },
        { "loss = loss0 + a*(D/D0)^beta", NULL, NULL },
        { "loss = E + a/N^alpha", NULL, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fitted x;

        fitted_text(&x, csv, cases[i].formula, OPTIONS(cases[i].start));
        if (cases[i].want) {
            assert_int_equal(x.status, ERR_USAGE);
            check_says(x.err, cases[i].want);
        } else {
            assert_int_equal(x.status, OK);
        }
        fitted_release(&x);
    }
}

static void a_parameter_that_no_row_sees_is_named(void **state)
{
    struct fitted x;

    (void)state;
    fitted_text(&x, "N,D,G,loss\n1e8,1e9,1,3\n1e9,1e10,1,2.5\n1e9,1e9,1,2.8\n",
                "qat-delta", NO_OPTIONS);
    assert_int_equal(x.status, ERR_FIT);
    check_says(x.err, "no row depends on k, gD, gG, gN");
    fitted_release(&x);
}

static void a_parameter_at_its_bound_is_named_and_one_sided(void **state)
{
    struct design g = good();
    struct fitted x;

    (void)state;
    g.law = "no floor"; /* asks for a floor below zero */
    g.sigma = 0.001;
    fit_design(&x, &g, 1, "chinchilla", NO_OPTIONS);
    assert_true(fit_has(&x.fit, FIT_AT_BOUND));
    assert_true(fitted_get(&x, "E")->at_bound);
    check_close(fitted_get(&x, "E")->value, 0, 0);
    assert_string_equal(fitted_get(&x, "E")->interval, "one-sided");
    assert_true(isnan(fitted_get(&x, "E")->se));
    assert_true(fitted_get(&x, "E")->hi > 0 && fitted_get(&x, "E")->hi < 1);
    fitted_release(&x);

    fit_design(&x, &g, 1, "chinchilla", OPTIONS("bound=alpha<=0.2"));
    assert_true(fitted_get(&x, "alpha")->at_bound);
    check_close(fitted_get(&x, "alpha")->value, 0.2, 0);
    assert_true(fitted_get(&x, "alpha")->hi == 0.2);
    fitted_release(&x);

    /* As a formula, E may be negative, unless it is bounded. */
    fit_design(&x, &g, 1, "loss = E + A/N^alpha + B/D^beta",
               OPTIONS("space=log"));
    assert_true(fitted_get(&x, "E")->value < 0);
    assert_false(fit_has(&x.fit, FIT_AT_BOUND));
    fitted_release(&x);
    fit_design(&x, &g, 1, "loss = E + A/N^alpha + B/D^beta",
               OPTIONS("space=log", "bound=E>=0"));
    assert_true(fitted_get(&x, "E")->at_bound);
    fitted_release(&x);
    g = good();
    assert_int_equal(raised(&g, FIT_AT_BOUND), 0);
}

static void few_points_are_said_and_give_no_error_at_n_equal_p(void **state)
{
    struct design g = good();
    struct fitted x;

    (void)state;
    fitted_text(&x,
                "N,D,loss\n1e8,1e9,3.7\n1e9,1e10,2.8\n1e10,1e10,2.6\n"
                "1e8,1e11,2.96\n1e9,1e12,2.4\n",
                "chinchilla", NO_OPTIONS);
    check_ok(x.status, x.err);
    assert_true(fit_has(&x.fit, FIT_FEW_POINTS));
    for (int i = 0; i < 5; i++) {
        assert_string_equal(x.fit.est[i].interval, "none");
        assert_true(isnan(x.fit.est[i].se) && isnan(x.fit.est[i].lo));
    }
    assert_true(isnan(x.fit.sigma));
    fitted_release(&x);

    fitted_text(&x, "N,D,loss\n1e8,1e9,3.7\n1e9,1e10,2.8\n", "chinchilla",
                NO_OPTIONS);
    assert_int_equal(x.status, ERR_FIT);
    check_says(x.err, "2 usable rows cannot determine 5 parameters");
    fitted_release(&x);

    g.n_sizes = g.n_tokens = 3; /* 9 rows, 4 degrees of freedom */
    assert_true(warns(&g, FIT_FEW_POINTS, "chinchilla", NO_OPTIONS));
    g.n_tokens = 4;
    assert_false(warns(&g, FIT_FEW_POINTS, "chinchilla", NO_OPTIONS));
}

static void a_wrong_law_lacks_fit_with_and_without_replicates(void **state)
{
    struct design g = good();

    (void)state;
    g.seeds = 3;
    assert_true(raised(&g, FIT_LACK_OF_FIT) <= 2); /* at a level of 0.001 */
    g.law = "coupled";
    assert_true(warns(&g, FIT_LACK_OF_FIT, "chinchilla", NO_OPTIONS));
    g.seeds = 1;
    assert_true(warns(&g, FIT_LACK_OF_FIT, "chinchilla", NO_OPTIONS));
    assert_true(raised_by(&g, FIT_LACK_OF_FIT, "quartet-base") <= 2);
    g = good();
    assert_true(raised(&g, FIT_LACK_OF_FIT) <= 2);
}

static void replicates_tell_the_noise(void **state)
{
    struct design g = good();
    struct fitted x;

    (void)state;
    g.seeds = 4;
    fit_design(&x, &g, 1, "chinchilla", NO_OPTIONS);
    assert_int_equal(x.fit.noise_dof, 49 * 3);
    check_relative(x.fit.noise, 0.003, 4 / sqrt(2.0 * 147)); /* 4 sd */
    fitted_release(&x);
    g.seeds = 1;
    fit_design(&x, &g, 1, "chinchilla", NO_OPTIONS);
    assert_true(isnan(x.fit.noise));
    fitted_release(&x);
}

/* Rows of two groups are replicates within each alone: four configurations of
 * two rows. */
static void groups_are_part_of_a_configuration(void **state)
{
    struct fitted x;

    (void)state;
    fitted_text(&x,
                "x,g,y\n1,a,2\n1,a,2.2\n2,a,4\n2,a,4.1\n1,b,5\n1,b,5.3\n"
                "2,b,10\n2,b,9.8\n",
                "y = k*x", OPTIONS("group=k:g"));
    check_ok(x.status, x.err);
    assert_int_equal(x.fit.noise_dof, 4);
    check_relative(
        x.fit.noise,
        sqrt((0.2 * 0.2 + 0.1 * 0.1 + 0.3 * 0.3 + 0.2 * 0.2) / 2 / 4), 1e-9);
    fitted_release(&x);
}

static void outliers_are_named_and_clean_tables_have_none(void **state)
{
    struct design g = good();
    struct fitted x;

    (void)state;
    assert_true(raised(&g, FIT_OUTLIERS) <= 2);
    g.outliers = 3; /* rows 4, 15 and 26 stand on lines 5, 16 and 27 */
    fit_design(&x, &g, 1, "chinchilla", NO_OPTIONS);
    assert_non_null(strstr(text_of(&x.fit, FIT_OUTLIERS), "3 rows are far"));
    assert_non_null(strstr(text_of(&x.fit, FIT_OUTLIERS), "line 5 ("));
    assert_non_null(strstr(text_of(&x.fit, FIT_OUTLIERS), " 16 ("));
    assert_non_null(strstr(text_of(&x.fit, FIT_OUTLIERS), " 27 ("));
    fitted_release(&x);
}

static void clustered_rows_are_noticed_and_resampled_together(void **state)
{
    struct design g = good();
    struct fitted rows, runs;

    (void)state;
    assert_true(raised(&g, FIT_CLUSTERED_ROWS) <= 1);
    g.n_sizes = 20;
    g.run_sigma = 0.01;
    g.sigma = 0.001;
    assert_true(warns(&g, FIT_CLUSTERED_ROWS, "chinchilla", NO_OPTIONS));
    assert_false(
        warns(&g, FIT_CLUSTERED_ROWS, "chinchilla", OPTIONS("cluster=run")));

    /* Errors of runs do not average out over their rows: the law's value far
     * out must be less certain when runs are resampled. */
    fit_design(&rows, &g, 1, "chinchilla", OPTIONS("bootstrap=500"));
    fit_design(&runs, &g, 1, "chinchilla",
               OPTIONS("cluster=run", "bootstrap=500"));
    assert_int_equal(runs.fit.boot.units, 20);
    assert_true(fitted_get(&runs, "alpha")->se >
                1.5 * fitted_get(&rows, "alpha")->se);
    fitted_release(&rows);
    fitted_release(&runs);

    g = good();
    g.copies = 1;
    assert_true(warns(&g, FIT_CLUSTERED_ROWS, "chinchilla", NO_OPTIONS));
}

static void extrapolation_is_measured_in_factors(void **state)
{
    char *inside[] = { (char[]){ "N=1e9" }, (char[]){ "D=1e10" } };
    char *outside[] = { (char[]){ "N=4e10" }, (char[]){ "D=1e8" } };
    struct design g = good();
    struct prediction p;
    struct fitted x;

    (void)state;
    fit_design(&x, &g, 1, "chinchilla", NO_OPTIONS);
    check_ok(predict_point(&p, &x.fit, inside, 2, &x.err), x.err);
    check_close(p.beyond, 1, 0);
    assert_null(p.beyond_what);
    assert_true(p.run_lo < p.mean_lo && p.mean_lo < p.value &&
                p.value < p.mean_hi && p.mean_hi < p.run_hi);
    prediction_release(&p);
    check_ok(predict_point(&p, &x.fit, outside, 2, &x.err), x.err);
    check_close(p.beyond, 10, 1e-9); /* D: 1e9 is the least */
    assert_string_equal(p.beyond_what, "4x in N, 10x in D");
    prediction_release(&p);
    fitted_release(&x);
}

/* y = a + b x: the interval of the mean at x0 has variance s^2 (1/n + (x0 -
 * mean)^2 / Sxx), that of a new run 1 more, and Student's t of n - 2. */
static void prediction_intervals_are_those_of_linear_regression(void **state)
{
    char *at[] = { (char[]){ "x=8" } };
    const double t4 = 2.7764451051977987; /* 97.5 % of Student's t, 4 */
    struct prediction p;
    struct fitted x;
    const double mean = 3.5, sxx = 17.5;
    double h;

    (void)state;
    fitted_text(&x, "x,y\n1,2.1\n2,3.9\n3,6.2\n4,7.8\n5,10.1\n6,11.7\n",
                "y = a + b*x", NO_OPTIONS);
    check_ok(predict_point(&p, &x.fit, at, 1, &x.err), x.err);
    h = 1 / 6.0 + (8 - mean) * (8 - mean) / sxx;
    check_relative(p.mean_hi - p.value, t4 * x.fit.sigma * sqrt(h), 1e-9);
    check_relative(p.value - p.mean_lo, t4 * x.fit.sigma * sqrt(h), 1e-9);
    check_relative(p.run_hi - p.value, t4 * x.fit.sigma * sqrt(1 + h), 1e-9);
    prediction_release(&p);
    fitted_release(&x);
}

/* Steps into c < 0 are impossible, and the data want c = -1: the search can
 * only creep towards 0 and never settles. */
static void a_search_that_cannot_settle_is_reported(void **state)
{
    struct fitted x;

    (void)state;
    fitted_text(&x, "x,y\n1,-1\n2,-1.1\n3,-0.9\n4,-1\n", "y = c + 0*x*sqrt(c)",
                OPTIONS("start=c=3"));
    check_ok(x.status, x.err);
    assert_true(fit_has(&x.fit, FIT_NOT_CONVERGED));
    assert_false(fit_is_sound(&x.fit));
    fitted_release(&x);
    fitted_text(&x, "x,y\n1,1\n2,1.1\n3,0.9\n4,1\n", "y = c + 0*x*sqrt(c)",
                OPTIONS("start=c=3"));
    assert_false(fit_has(&x.fit, FIT_NOT_CONVERGED));
    check_close(fitted_get(&x, "c")->value, 1, 1e-9);
    fitted_release(&x);
}

/* --- what may not change a fit ------------------------------------------- */

static const char *const names[] = { "E", "A", "alpha", "B", "beta" };

/* Estimates and errors are in the given ratios. */
static void check_ratio(const struct fitted *a, const struct fitted *b,
                        const double value[5], const double error[5])
{
    for (int i = 0; i < 5; i++) {
        check_relative(fitted_get(b, names[i])->value,
                       value[i] * fitted_get(a, names[i])->value, 1e-6);
        check_relative(fitted_get(b, names[i])->se,
                       error[i] * fitted_get(a, names[i])->se, 1e-5);
    }
}

static void the_order_of_rows_does_not_matter(void **state)
{
    static const char *const losses[] = { "loss=l2", "loss=huber:1e-3",
                                          "loss=l1", "loss=cauchy:0.002" };
    struct design a = good(), b = good();

    (void)state;
    b.shuffled = true;
    for (int k = 0; k < 4; k++) {
        struct fitted x, y;

        fit_design(&x, &a, 1, "chinchilla", OPTIONS(losses[k], "bootstrap=0"));
        fit_design(&y, &b, 1, "chinchilla", OPTIONS(losses[k], "bootstrap=0"));
        check_relative(y.fit.best.objective, x.fit.best.objective, 1e-9);
        for (int i = 0; i < 5; i++)
            check_relative(fitted_get(&y, names[i])->value,
                           fitted_get(&x, names[i])->value, 1e-5);
        fitted_release(&x);
        fitted_release(&y);
    }
}

static void units_change_nothing_but_the_constants(void **state)
{
    static const double units[] = { 1e-15, 1e-6, 1e12 };
    struct design a = good(), b = good();
    struct fitted x, y;

    (void)state;
    fit_design(&x, &a, 1, "chinchilla", NO_OPTIONS);
    for (int k = 0; k < 3; k++) {
        const double alpha = fitted_get(&x, "alpha")->value;
        const double by = pow(units[k], alpha);

        b.n_unit = units[k];
        fit_design(&y, &b, 1, "chinchilla", NO_OPTIONS);
        check_relative(y.fit.best.objective, x.fit.best.objective, 1e-9);
        check_relative(fitted_get(&y, "A")->value,
                       by * fitted_get(&x, "A")->value, 1e-5);
        check_relative(fitted_get(&y, "alpha")->value, alpha, 1e-7);
        check_relative(fitted_get(&y, "alpha")->se, fitted_get(&x, "alpha")->se,
                       1e-5);
        check_relative(fitted_get(&y, "B")->se, fitted_get(&x, "B")->se, 1e-5);
        assert_true(y.fit.n_warnings == x.fit.n_warnings);
        fitted_release(&y);
    }
    fitted_release(&x);

    /* A response in other units: every coefficient in them. */
    b = good();
    b.y_unit = 1000;
    fit_design(&x, &a, 1, "chinchilla", OPTIONS("space=linear"));
    fit_design(&y, &b, 1, "chinchilla", OPTIONS("space=linear"));
    check_relative(y.fit.rss, 1e6 * x.fit.rss, 1e-9);
    check_ratio(&x, &y, (double[]){ 1e3, 1e3, 1, 1e3, 1 },
                (double[]){ 1e3, 1e3, 1, 1e3, 1 });
    fitted_release(&x);
    fitted_release(&y);
}

static void rows_twice_are_the_same_fit_with_smaller_errors(void **state)
{
    struct design a = good(), b = good();
    struct fitted x, y;
    double ratio;

    (void)state;
    b.copies = 1;
    fit_design(&x, &a, 1, "chinchilla", NO_OPTIONS);
    fit_design(&y, &b, 1, "chinchilla", NO_OPTIONS);
    check_relative(y.fit.rss, 2 * x.fit.rss, 1e-9);
    ratio = sqrt((49 - 5.0) / (98 - 5)); /* sigma^2 and (J'J)^-1 both change */
    check_ratio(&x, &y, (double[]){ 1, 1, 1, 1, 1 },
                (double[]){ ratio, ratio, ratio, ratio, ratio });
    fitted_release(&x);
    fitted_release(&y);
}

static void weights_times_four_change_no_estimate(void **state)
{
    struct design a = good();
    struct fitted x, y;

    (void)state;
    fit_design(&x, &a, 1, "chinchilla", OPTIONS("sigma=sigma"));
    fit_design(&y, &a, 1, "chinchilla",
               OPTIONS("derive=half = sigma/2", "sigma=half"));
    check_relative(y.fit.rss, 4 * x.fit.rss, 1e-9);
    check_ratio(&x, &y, (double[]){ 1, 1, 1, 1, 1 },
                (double[]){ 1, 1, 1, 1, 1 });
    fitted_release(&x);
    fitted_release(&y);
}

static void ties_and_held_values_equal_a_formula_without_them(void **state)
{
    struct design a = good();
    struct fitted x, y;

    (void)state;
    fit_design(&x, &a, 1, "chinchilla", OPTIONS("fix=alpha=beta"));
    fit_design(&y, &a, 1, "loss = E + A/N^c + B/D^c", OPTIONS("space=log"));
    check_relative(x.fit.rss, y.fit.rss, 1e-10);
    assert_int_equal(x.fit.dof, y.fit.dof);
    check_relative(fitted_get(&x, "alpha")->value, fitted_get(&y, "c")->value,
                   1e-6);
    check_close(fitted_get(&x, "alpha")->value, fitted_get(&x, "beta")->value,
                0);
    fitted_release(&x);
    fitted_release(&y);

    /* Of the bounds of tied parameters the tighter one counts. */
    fit_design(&x, &a, 1, "chinchilla",
               OPTIONS("fix=alpha=beta", "bound=alpha<=0.25"));
    check_close(fitted_get(&x, "beta")->value, 0.25, 0);
    fitted_release(&x);
    fit_design(&x, &a, 1, "chinchilla",
               OPTIONS("fix=beta=alpha", "bound=beta<=0.25"));
    check_close(fitted_get(&x, "alpha")->value, 0.25, 0);
    fitted_release(&x);

    fit_design(&x, &a, 1, "chinchilla", OPTIONS("fix=E=1.7,beta=0.3"));
    fit_design(&y, &a, 1, "loss = 1.7 + A/N^alpha + B/D^0.3",
               OPTIONS("space=log"));
    check_relative(x.fit.rss, y.fit.rss, 1e-10);
    check_relative(fitted_get(&x, "A")->se, fitted_get(&y, "A")->se, 1e-6);
    assert_string_equal(fitted_get(&x, "E")->interval, "held");
    fitted_release(&x);
    fitted_release(&y);
}

/* A parameter of its own in each group of a regression that shares nothing else
 * is a regression of each group. */
static void grouped_parameters_equal_separate_fits(void **state)
{
    static const char *const both = "x,g,y\n1,a,2.1\n2,a,3.9\n3,a,6.2\n"
                                    "1,b,5.2\n2,b,9.7\n3,b,15.1\n";
    struct fitted x, a, b;

    (void)state;
    fitted_text(&x, both, "y = k*x", OPTIONS("group=k:g"));
    check_ok(x.status, x.err);
    fitted_text(&a, both, "y = k*x", OPTIONS("where=g == a"));
    fitted_text(&b, both, "y = k*x", OPTIONS("where=g == b"));
    check_relative(fitted_get(&x, "k[a]")->value, fitted_get(&a, "k")->value,
                   1e-12);
    check_relative(fitted_get(&x, "k[b]")->value, fitted_get(&b, "k")->value,
                   1e-12);
    check_relative(x.fit.rss, a.fit.rss + b.fit.rss, 1e-9);
    fitted_release(&x);
    fitted_text(&x, both, "y = k*x", OPTIONS("group=k:g", "fix=k[b]=5"));
    check_ok(x.status, x.err);
    assert_int_equal(x.fit.n_params, 1);
    check_close(fitted_get(&x, "k[b]")->value, 5, 0);
    fitted_release(&x);
    fitted_release(&a);
    fitted_release(&b);
}

/* The objectives, added up here from their definitions. */
static void objectives_are_what_their_names_say(void **state)
{
    static const char *const spaces[] = { "space=log", "space=linear",
                                          "space=relative" };
    static const char *const losses[] = { "loss=l2", "loss=l1",
                                          "loss=huber:0.002",
                                          "loss=cauchy:0.002" };
    struct design g = good();

    (void)state;
    for (int s = 0; s < 3; s++)
        for (int k = 0; k < 4; k++) {
            struct fitted x;
            double sum = 0;

            fit_design(&x, &g, 1, "chinchilla",
                       OPTIONS(spaces[s], losses[k], "bootstrap=0"));
            for (size_t i = 0; i < x.model->rows; i++) {
                const double y = x.model->y[i], mu = x.fit.mu[i];
                const double r = s == 0   ? log(y / mu)
                                 : s == 1 ? y - mu
                                          : (y - mu) / y;
                const double a = fabs(r), d = 0.002;

                sum += k == 0   ? r * r
                       : k == 1 ? a
                       : k == 2 ? (a <= d ? r * r / 2 : d * (a - d / 2))
                                : d * d / 2 * log(1 + r * r / d / d);
            }
            check_relative(x.fit.best.objective, sum, 1e-9);
            for (int p = 0; p < 5; p++) /* and no step lowers it */
                for (int side = -1; side <= 1; side += 2) {
                    double theta[5];

                    memcpy(theta, x.fit.best.theta, sizeof theta);
                    theta[p] *= 1 + side * 1e-5;
                    assert_true(optimum_objective(x.model, NULL, theta) >=
                                sum * (1 - 1e-10));
                }
            fitted_release(&x);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_design_that_cannot_tell_is_not_identifiable),
        cmocka_unit_test(a_misspelt_column_is_guessed),
        cmocka_unit_test(a_name_that_should_be_a_column_is_refused),
        cmocka_unit_test(a_parameter_that_no_row_sees_is_named),
        cmocka_unit_test(a_parameter_at_its_bound_is_named_and_one_sided),
        cmocka_unit_test(few_points_are_said_and_give_no_error_at_n_equal_p),
        cmocka_unit_test(a_wrong_law_lacks_fit_with_and_without_replicates),
        cmocka_unit_test(replicates_tell_the_noise),
        cmocka_unit_test(groups_are_part_of_a_configuration),
        cmocka_unit_test(outliers_are_named_and_clean_tables_have_none),
        cmocka_unit_test(clustered_rows_are_noticed_and_resampled_together),
        cmocka_unit_test(extrapolation_is_measured_in_factors),
        cmocka_unit_test(prediction_intervals_are_those_of_linear_regression),
        cmocka_unit_test(a_search_that_cannot_settle_is_reported),
        cmocka_unit_test(the_order_of_rows_does_not_matter),
        cmocka_unit_test(units_change_nothing_but_the_constants),
        cmocka_unit_test(rows_twice_are_the_same_fit_with_smaller_errors),
        cmocka_unit_test(weights_times_four_change_no_estimate),
        cmocka_unit_test(ties_and_held_values_equal_a_formula_without_them),
        cmocka_unit_test(grouped_parameters_equal_separate_fits),
        cmocka_unit_test(objectives_are_what_their_names_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
