#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "tests/fit/fitted.h"

/* The law of the Chinchilla replication with noise of 0.003 and two rows that
 * are 50 and 30 % off, which leaves B hardly determined. */
static const char table[] = "N,D,loss\n"
                            "1e+07,2e+08,5.3235742604367378\n"
                            "1e+07,1e+09,4.6060049981657212\n"
                            "1e+07,4e+09,4.2063721398363372\n"
                            "1e+07,2e+10,3.9011583694490368\n"
                            "3e+07,2e+08,7.1986091563416688\n"
                            "3e+07,1e+09,4.0942668348266507\n"
                            "3e+07,4e+09,3.6938337697372434\n"
                            "3e+07,2e+10,3.3928829008272694\n"
                            "1e+08,2e+08,4.3931604602229273\n"
                            "1e+08,1e+09,3.7037903366486518\n"
                            "1e+08,4e+09,3.3080355272389981\n"
                            "1e+08,2e+10,3.9094062304099459\n"
                            "3e+08,2e+08,4.1588539578416652\n"
                            "3e+08,1e+09,3.459148504077473\n"
                            "3e+08,4e+09,3.0458312345115202\n"
                            "3e+08,2e+10,2.7549290265761579\n"
                            "1e+09,2e+08,3.9641680364533736\n"
                            "1e+09,1e+09,3.2702986355173294\n"
                            "1e+09,4e+09,2.8948040146992766\n"
                            "1e+09,2e+10,2.5630631008938924\n";

/* What the word means: with the parameter held at a limit and all others
 * fitted from starts of their own, the sum of squares has risen by t^2 s^2; by
 * less, but not less than a one-sided test asks, towards an edge that is near
 * (edge_interval.h). */
static void at_its_limits_the_objective_has_risen_as_the_level_says(
    void **state)
{
    static const char *const names[] = { "A", "alpha", "B", "beta" };
    struct fitted x, held;

    (void)state;
    fitted_text(&x, table, "chinchilla", OPTIONS("profile"));
    assert_int_equal(x.status, OK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct fit_estimate *e = fitted_get(&x, names[i]);
        const double t = gsl_cdf_tdist_Pinv(0.975, x.fit.dof);
        const double top = x.fit.best.objective * (1 + t * t / x.fit.dof);
        const double one = gsl_cdf_tdist_Pinv(0.95, x.fit.dof);
        const double low = x.fit.best.objective * (1 + one * one / x.fit.dof);

        assert_string_equal(e->interval, "profile");
        assert_true(e->lo < e->value && e->value < e->hi);
        for (int side = 0; side < 2; side++) {
            const double limit = side ? e->hi : e->lo;
            char option[64];

            if (limit == 0 || isinf(limit)) /* a bound came first */
                continue;
            snprintf(option, sizeof option, "fix=%s=%.17g", names[i], limit);
            fitted_text(&held, table, "chinchilla", OPTIONS(option));
            if (strcmp(names[i], "B") != 0) /* both of whose ends are near */
                check_relative(held.fit.best.objective, top, 1e-6);
            assert_true(held.fit.best.objective < top * (1 + 1e-6) &&
                        held.fit.best.objective > low * (1 - 1e-6));
            fitted_release(&held);
        }
    }
    fitted_release(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            at_its_limits_the_objective_has_risen_as_the_level_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
