/* What the choice of loss and space, and single rows, do to a fit: against
 * published fits of one table and the algebra of least squares. */
#include "fit/sensitivity.h"

#include <string.h>

#include "base/str.h"
#include "tests/fit/fitted.h"

static void run(struct sensitivity *s, const struct fitted *x)
{
    sensitivity_run(s, &x->fit, x->table, &x->spec);
}

static const struct sensitivity_case *find(const struct sensitivity *s,
                                           enum fit_space space,
                                           enum fit_loss_kind kind)
{
    for (int k = 0; k < s->n; k++)
        if (s->cases[k].space == space && s->cases[k].loss.kind == kind)
            return &s->cases[k];
    fail_msg("no such case");
    return NULL;
}

/* Rows of the table in test_reference.c, found by another program. */
static void every_case_is_a_fit_of_its_own(void **state)
{
    static const struct {
        enum fit_space space;
        enum fit_loss_kind kind;
        double value[5]; /* E A alpha B beta */
        bool outside[5];
    } table[] = {
        { FIT_LOG,
          FIT_L2,
          { 1.864550, 593.3221, 0.3602528, 4875.638, 0.4058834 },
          { false, false, false, false, false } },
        { FIT_LOG,
          FIT_L1,
          { 1.816864, 482.0053, 0.3478130, 2085.432, 0.3658541 },
          { true, false, false, true, true } },
        { FIT_LINEAR,
          FIT_L2,
          { 1.882814, 567.8054, 0.3576151, 7581.85, 0.4276206 },
          { false, false, false, true, true } },
    };
    static const char *const names[] = { "E", "A", "alpha", "B", "beta" };
    struct sensitivity s;
    struct fitted x;

    (void)state;
    check_need_shared();
    fitted_shared(&x, "data/chinchilla/chinchilla_245.csv", "chinchilla",
                  OPTIONS("derive=D = C/(6*N)", "where=loss < 3.44"));
    check_ok(x.status, x.err);
    run(&s, &x);
    assert_int_equal(s.n, 15);
    for (size_t k = 0; k < sizeof table / sizeof table[0]; k++) {
        const struct sensitivity_case *c =
            find(&s, table[k].space, table[k].kind);

        assert_true(c->is_own == (k == 0));
        for (int i = 0; i < 5; i++) {
            const int p = model_find_param(x.model, names[i]);

            check_relative(c->best.theta[p], table[k].value[i], 2e-5);
            assert_true(sensitivity_is_outside(&s, (int)(c - s.cases), p) ==
                        table[k].outside[i]);
        }
    }
    sensitivity_release(&s);
    fitted_release(&x);
}

static const char line[] = "x,y\n0,1.0\n0,1.2\n1,2.1\n1,1.7\n2,3.3\n2,3.1\n"
                           "3,4.2\n3,3.6\n4,5.3\n4,9.0\n";

/* Five pairs: sd^2 = sum d^2/2 / 5. */
static void the_suggested_delta_is_of_the_replicates(void **state)
{
    static const double d[] = { 0.2, 0.4, 0.2, 0.6, 3.7 };
    struct sensitivity s;
    struct fitted x;
    double ss = 0;

    (void)state;
    for (int i = 0; i < 5; i++)
        ss += d[i] * d[i] / 2;
    fitted_text(&x, line, "y = a + b*x", NO_OPTIONS);
    check_ok(x.status, x.err);
    run(&s, &x);
    assert_int_equal(s.noise_dof, 5);
    check_relative(s.noise, sqrt(ss / 5), 1e-12);
    assert_int_equal(s.suggested.kind, FIT_HUBER);
    check_close(s.suggested.scale, 1.6, 0); /* 1.345 * 1.199 = 1.613 */
    assert_int_equal(s.beyond, 1);
    sensitivity_release(&s);
    fitted_release(&x);
}

/* Without row i of a straight line, b moves by (x_i - mean) r_i / Sxx /
 * (1 - h_i), and a by (1/n - mean (x_i - mean)/Sxx) r_i / (1 - h_i). */
static void rows_left_out_move_constants_as_algebra_says(void **state)
{
    struct sensitivity s;
    struct fitted x;

    (void)state;
    fitted_text(&x, line, "y = a + b*x", NO_OPTIONS);
    check_ok(x.status, x.err);
    run(&s, &x);
    assert_int_equal(s.tried, 10);
    assert_int_equal(s.n_rows, SENSITIVITY_ROWS);
    assert_int_equal(s.rows[0].row, 9); /* 9.0 */
    for (int k = 0; k < s.n_rows; k++) {
        const struct sensitivity_row *r = &s.rows[k];
        const double dx = (double)(r->row / 2) - 2, sxx = 20,
                     h = 0.1 + dx * dx / sxx;
        const double scaled = x.fit.residual[r->row] / (1 - h);
        const double moves = r->param == model_find_param(x.model, "b")
                                 ? dx * scaled / sxx
                                 : (0.1 - 2 * dx / sxx) * scaled;
        const struct fit_estimate *e = &x.fit.est[r->param];

        check_close(fabs(r->after - r->before), fabs(moves), 1e-6);
        check_relative(r->share, fabs(moves) / (0.5 * (e->hi - e->lo)), 1e-5);
        assert_true(k == 0 || r->share <= s.rows[k - 1].share);
    }
    sensitivity_release(&s);
    fitted_release(&x);
}

/* Log space could take neither the row of 0 nor that of -1; exact rows have no
 * noise, so no delta. */
static void only_what_the_rows_allow_is_tried(void **state)
{
    struct sensitivity s;
    struct str out = { 0 };
    struct fitted x;

    (void)state;
    fitted_text(&x, "x,y\n0,-1\n1,0\n2,1\n3,2\n4,3\n", "y = a + b*x",
                NO_OPTIONS);
    check_ok(x.status, x.err);
    run(&s, &x);
    assert_int_equal(s.n, 2); /* linear: l2, l1 */
    check_close(s.noise, 0, 0);
    sensitivity_text(&out, &s);
    assert_non_null(strstr(str_text(&out), "need positive responses"));
    assert_non_null(strstr(str_text(&out), "no delta is suggested"));
    str_release(&out);
    sensitivity_release(&s);
    fitted_release(&x);
}

/* A fit in log space leaves the row of -1 out, and so do the others. */
static void every_case_has_the_rows_of_the_fit(void **state)
{
    struct sensitivity s;
    struct fitted x;
    const struct sensitivity_case *c;

    (void)state;
    fitted_text(&x, "x,y\n1,2\n2,4\n3,6\n4,8\n5,-1\n6,12\n", "y = a*x",
                OPTIONS("space=log"));
    check_ok(x.status, x.err);
    assert_int_equal(x.model->rows, 5);
    run(&s, &x);
    c = find(&s, FIT_LINEAR, FIT_L2);
    check_close(c->best.theta[0], 2, 1e-9);
    sensitivity_release(&s);
    fitted_release(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_is_a_fit_of_its_own),
        cmocka_unit_test(the_suggested_delta_is_of_the_replicates),
        cmocka_unit_test(rows_left_out_move_constants_as_algebra_says),
        cmocka_unit_test(only_what_the_rows_allow_is_tried),
        cmocka_unit_test(every_case_has_the_rows_of_the_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
