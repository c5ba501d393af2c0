/* The minimizer against answers that do not come from it. */
#include "fit/solve.h"

#include <gsl/gsl_errno.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "fit/lanes.h"
#include "tests/check.h"

/* --- sums ---------------------------------------------------------------- */

static void sums_agree_with_plain_loops_at_awkward_lengths(void **state)
{
    static const size_t sizes[] = { 0, 1, 7, 8, 9, 15, 16, 17, 64, 67 };
    const uint64_t key = rng_key(1, RNG_TEST, 20);
    double a[5 * 67], w[67], psi[67], zone[67], out[5];

    (void)state;
    for (size_t i = 0; i < 5 * 67; i++)
        a[i] = rng_normal(key, i);
    for (size_t i = 0; i < 67; i++)
        w[i] = rng_f64(key, 1000 + i);
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const size_t n = sizes[s];
        double dot = 0, dot3 = 0, rho = 0, slope = 0;

        for (size_t i = 0; i < n; i++) {
            const double z = a[i];
            const double t = z + 0.3 * a[n + i];

            dot += a[i] * w[i];
            dot3 += a[i] * a[n + i] * w[i];
            rho += w[i] * (fabs(z) <= 0.5 ? z * z / 2 : 0.5 * (fabs(z) - 0.25));
            slope += w[i] * fmax(-0.5, fmin(0.5, t)) * a[n + i];
        }
        check_close(lanes_dot(a, w, n), dot, 1e-13);
        check_close(lanes_dot3(a, a + n, w, n), dot3, 1e-13);
        check_close(lanes_huber(psi, zone, a, w, 0.5, n), rho, 1e-13);
        check_close(lanes_huber_sum(a, w, 0.5, n), rho, 1e-13);
        check_close(lanes_huber_slope(a, a + n, w, 0.5, 0.3, n), slope, 1e-13);
        for (size_t i = 0; i < n; i++) {
            assert_true(zone[i] == (fabs(a[i]) <= 0.5 ? w[i] : 0));
            check_close(psi[i], w[i] * fmax(-0.5, fmin(0.5, a[i])), 1e-16);
        }
        lanes_dots(out, w, a, 5, n);
        for (int k = 0; k < 5 && n > 0; k++)
            check_close(out[k], lanes_dot(a + (size_t)k * n, w, n), 1e-13);
    }
    a[3] = NAN;
    assert_false(lanes_finite(a, 7));
    a[3] = -INFINITY;
    assert_false(lanes_finite(a, 17));
    a[3] = 0;
    assert_true(lanes_finite(a, 67));
    check_close(lanes_huber_sum(a, w, HUGE_VAL, 1), w[0] * a[0] * a[0] / 2,
                1e-16);
}

/* --- problems ------------------------------------------------------------ */

#define ROWS 40

struct line { /* y = u0 + u1 x */
    double x[ROWS], y[ROWS];
};

static bool eval_line(void *ctx, const double *u, double *r, double *jac)
{
    const struct line *l = ctx;

    for (int i = 0; i < ROWS; i++) {
        r[i] = l->y[i] - u[0] - u[1] * l->x[i];
        if (jac) {
            jac[i] = -1;
            jac[ROWS + i] = -l->x[i];
        }
    }
    return true;
}

static void make_line(struct line *l, uint64_t seed)
{
    const uint64_t key = rng_key(seed, RNG_TEST, 21);

    for (uint64_t i = 0; i < ROWS; i++) {
        l->x[i] = (double)i / 10;
        l->y[i] =
            2 - 3 * l->x[i] + rng_normal(key, i) * (i % 7 == 0 ? 10 : 0.3);
    }
}

static struct solve_problem line_problem(struct line *l, const double *w,
                                         double delta, const double *lo,
                                         const double *hi)
{
    return (struct solve_problem){ .eval = eval_line,
                                   .ctx = l,
                                   .rows = ROWS,
                                   .n = 2,
                                   .weight = w,
                                   .delta = delta,
                                   .lo = lo,
                                   .hi = hi };
}

static const double free_lo[2] = { -HUGE_VAL, -HUGE_VAL };
static const double free_hi[2] = { HUGE_VAL, HUGE_VAL };

static double objective(struct solve_problem *p, double a, double b)
{
    const double u[2] = { a, b };
    double r[ROWS];

    p->eval(p->ctx, u, r, NULL);
    return lanes_huber_sum(r, p->weight, p->delta, ROWS);
}

/* The least value by brute force: ever finer grids around the best point of a
 * convex function. */
static double brute_force(struct solve_problem *p, double *u)
{
    double best = HUGE_VAL, a = 0, b = 0;

    for (double step = 8; step > 1e-9; step *= 0.6) {
        const double a0 = a, b0 = b;

        for (int i = -3; i <= 3; i++)
            for (int j = -3; j <= 3; j++) {
                const double f = objective(p, a0 + i * step, b0 + j * step);

                if (f < best) {
                    best = f;
                    a = a0 + i * step;
                    b = b0 + j * step;
                }
            }
    }
    u[0] = a;
    u[1] = b;
    return best;
}

static void a_robust_line_is_found_exactly(void **state)
{
    static const double deltas[] = { 1e-3, 0.1, 1, HUGE_VAL };
    const struct solve_options o = solve_defaults();
    struct solve_work *w = solve_work_new(ROWS, 2);
    double ones[ROWS];

    (void)state;
    for (int i = 0; i < ROWS; i++)
        ones[i] = 1 + i % 3;
    for (uint64_t seed = 0; seed < 20; seed++)
        for (int k = 0; k < 4; k++) {
            struct line l;
            double u[2] = { 100, 100 }, v[2];
            struct solve_problem p;
            struct solve_result res;

            make_line(&l, seed);
            p = line_problem(&l, ones, deltas[k], free_lo, free_hi);
            res = solve_run(w, u, &p, &o, NULL);
            assert_true(res.converged);
            check_relative(res.objective, brute_force(&p, v), 1e-9);
            assert_true(res.objective <=
                        objective(&p, v[0], v[1]) * (1 + 1e-14));
        }
    solve_work_free(w);
}

/* The line of least absolute deviations passes through two points, so that
 * trying all pairs finds it. */
static void least_absolute_values_agree_with_trying_every_pair(void **state)
{
    const struct solve_options o = solve_defaults();
    struct solve_work *w = solve_work_new(ROWS, 2);
    double ones[ROWS];

    (void)state;
    for (int i = 0; i < ROWS; i++)
        ones[i] = 1;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct line l;
        double u[2] = { 0, 0 }, best = HUGE_VAL;
        struct solve_problem p;
        struct solve_result res;

        make_line(&l, seed);
        p = line_problem(&l, ones, 0, free_lo, free_hi);
        for (int i = 0; i < ROWS; i++)
            for (int j = 0; j < i; j++) {
                const double b = (l.y[i] - l.y[j]) / (l.x[i] - l.x[j]);
                double sum = 0;

                for (int k = 0; k < ROWS; k++)
                    sum += fabs(l.y[k] - l.y[i] - b * (l.x[k] - l.x[i]));
                best = fmin(best, sum);
            }
        res = solve_absolute(w, u, &p, &o);
        check_relative(res.objective, best, 1e-9);
    }
    solve_work_free(w);
}

/* Inside a box, the solution is that of the box's best edge or of none: a
 * clamped variable is known from the problem with one variable fewer. */
static void bounds_hold_and_release(void **state)
{
    static const double lo[2] = { 0, -2.5 }, hi[2] = { 1.5, 10 };
    static const double low[2] = { -1, -2.5 }, top[2] = { -0.5, 10 };
    const struct solve_options o = solve_defaults();
    struct solve_work *w = solve_work_new(ROWS, 2);
    double ones[ROWS], u[2] = { 0.5, 5 }, sxx = 0, sx = 0, sy = 0;
    struct line l;
    struct solve_problem p;

    (void)state;
    for (int i = 0; i < ROWS; i++) {
        ones[i] = 1;
        l.x[i] = i / 10.0;
        l.y[i] = 2 - 3 * l.x[i]; /* wants (2, -3), outside of all boxes */
        sx += l.x[i];
        sxx += l.x[i] * l.x[i];
        sy += l.y[i];
    }
    p = line_problem(&l, ones, HUGE_VAL, lo, hi);
    assert_true(solve_run(w, u, &p, &o, NULL).converged);
    check_close(u[1], -2.5, 0);
    check_close(u[0], (sy + 2.5 * sx) / ROWS, 1e-12);

    /* A start in a corner that is not the solution leaves it. */
    u[0] = 1.5;
    u[1] = 10;
    assert_true(solve_run(w, u, &p, &o, NULL).converged);
    check_close(u[1], -2.5, 0);
    check_close(u[0], (sy + 2.5 * sx) / ROWS, 1e-12);

    u[0] = 0; /* and from the corner below */
    u[1] = -2.5;
    assert_true(solve_run(w, u, &p, &o, NULL).converged);
    check_close(u[1], -2.5, 0);
    check_close(u[0], (sy + 2.5 * sx) / ROWS, 1e-12);

    /* The other variable clamped: min sum (2.5 - (3 + b) x)^2. */
    p = line_problem(&l, ones, HUGE_VAL, low, top);
    u[0] = -0.7;
    u[1] = 0;
    assert_true(solve_run(w, u, &p, &o, NULL).converged);
    check_close(u[0], -0.5, 0);
    check_close(u[1], 2.5 * sx / sxx - 3, 1e-12);
    solve_work_free(w);
}

/* y = a exp(-b x): as hard as it gets for a start far away. */
static bool eval_decay(void *ctx, const double *u, double *r, double *jac)
{
    const struct line *l = ctx;
    bool ok = true;

    for (int i = 0; i < ROWS; i++) {
        const double e = exp(-u[1] * l->x[i]);

        r[i] = l->y[i] - u[0] * e;
        ok = ok && isfinite(r[i]);
        if (jac) {
            jac[i] = -e;
            jac[ROWS + i] = u[0] * l->x[i] * e;
        }
    }
    return ok;
}

static void both_solvers_agree_on_a_curve(void **state)
{
    const struct solve_options o = solve_defaults();
    struct solve_work *w = solve_work_new(ROWS, 2);
    const uint64_t key = rng_key(5, RNG_TEST, 22);
    double ones[ROWS];

    (void)state;
    gsl_set_error_handler_off();
    for (uint64_t seed = 0; seed < 20; seed++) {
        double u[2] = { 1, 0.2 }, v[2] = { 1, 0.2 };
        struct solve_result a, b;
        struct solve_problem p;
        struct line l;

        for (int i = 0; i < ROWS; i++) {
            ones[i] = 1;
            l.x[i] = i / 8.0;
            l.y[i] = 5 * exp(-0.7 * l.x[i]) +
                     0.1 * rng_normal(key, seed * ROWS + (uint64_t)i);
        }
        p = line_problem(&l, ones, HUGE_VAL, free_lo, free_hi);
        p.eval = eval_decay;
        a = solve_run(w, u, &p, &o, NULL);
        b = solve_gsl(v, &p, 200);
        check_relative(a.objective, b.objective, 1e-12);
        check_relative(u[0], v[0], 1e-7);
        check_relative(u[1], v[1], 1e-7);
    }
    solve_work_free(w);
}

/* Rows that hold infinities on the way are steps to be rejected. */
static void steps_into_overflow_are_rejected(void **state)
{
    const struct solve_options o = solve_defaults();
    struct solve_work *w = solve_work_new(ROWS, 2);
    double ones[ROWS], u[2] = { 5, -150 };
    struct solve_problem p;
    struct solve_result res;
    struct line l;

    (void)state;
    for (int i = 0; i < ROWS; i++) {
        ones[i] = 1;
        l.x[i] = i / 8.0;
        l.y[i] = 5 * exp(-0.7 * l.x[i]);
    }
    p = line_problem(&l, ones, HUGE_VAL, free_lo, free_hi);
    p.eval = eval_decay;
    res = solve_run(w, u, &p, &o, NULL); /* the start itself overflows */
    assert_false(res.converged);
    u[0] = 1;
    u[1] = -3;
    res = solve_run(w, u, &p, &o, NULL);
    assert_true(res.converged);
    check_close(u[1], 0.7, 1e-6);
    solve_work_free(w);
}

/* --- non-negative least squares ------------------------------------------ */

/* All subsets of four variables: the best whose solution has no negative. */
static double best_subset(const double *h, const double *g, int n)
{
    double best = 0;

    for (int mask = 1; mask < 1 << n; mask++) {
        double a[16], x[4], f = 0;
        int at[4], k = 0;
        bool ok = true;

        for (int i = 0; i < n; i++)
            if (mask >> i & 1)
                at[k++] = i;
        for (int i = 0; i < k; i++) {
            x[i] = g[at[i]];
            for (int j = 0; j < k; j++)
                a[i * k + j] = h[at[i] * n + at[j]];
        }
        if (!solve_cholesky(a, x, k))
            continue;
        for (int i = 0; i < k; i++) {
            ok = ok && x[i] >= 0;
            f -= x[i] * g[at[i]];
            for (int j = 0; j < k; j++)
                f += 0.5 * x[i] * h[at[i] * n + at[j]] * x[j];
        }
        if (ok)
            best = fmin(best, f);
    }
    return best;
}

static void non_negative_least_squares_agree_with_trying_all_subsets(
    void **state)
{
    static const bool positive[4] = { true, true, true, true };
    const uint64_t key = rng_key(6, RNG_TEST, 23);

    (void)state;
    for (uint64_t round = 0; round < 500; round++) {
        double a[40], b[10], h[16], g[4], x[4], f = 0;

        for (uint64_t i = 0; i < 40; i++)
            a[i] = rng_normal(key, round * 64 + i);
        for (uint64_t i = 0; i < 10; i++)
            b[i] = rng_normal(key, round * 64 + 40 + i);
        for (int i = 0; i < 4; i++) {
            g[i] = lanes_dot(a + 10 * i, b, 10);
            for (int j = 0; j < 4; j++)
                h[i * 4 + j] = lanes_dot(a + 10 * i, a + 10 * j, 10);
        }
        assert_true(solve_nonnegative(x, h, g, positive, 4));
        for (int i = 0; i < 4; i++) {
            assert_true(x[i] >= 0);
            f -= x[i] * g[i];
            for (int j = 0; j < 4; j++)
                f += 0.5 * x[i] * h[i * 4 + j] * x[j];
        }
        check_close(f, best_subset(h, g, 4), 1e-9 * (1 + fabs(f)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_agree_with_plain_loops_at_awkward_lengths),
        cmocka_unit_test(a_robust_line_is_found_exactly),
        cmocka_unit_test(least_absolute_values_agree_with_trying_every_pair),
        cmocka_unit_test(bounds_hold_and_release),
        cmocka_unit_test(both_solvers_agree_on_a_curve),
        cmocka_unit_test(steps_into_overflow_are_rejected),
        cmocka_unit_test(
            non_negative_least_squares_agree_with_trying_all_subsets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
