/* design_choose.c - the next runs, and the verdict on all of them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fit/design_parts.h"
#include "fit/solve.h"

/* As in diagnose.c: what is flatter than this cannot be told apart. */
#define FLAT  1e5
#define WIDTH 78   /* of the lines of a verdict */
#define PRIOR 1e-9 /* while choosing */

/* The goal's standard error: of c, or for the determinant the geometric mean
 * of the principal ones. */
static double goal_error(const double *cov, const double *c, int p)
{
    double *h, *e, log_det = 0;

    if (c)
        return sqrt(fmax(design_form(c, cov, c, p), 0));
    h = mem_array((size_t)(p * p), sizeof *h);
    e = mem_array((size_t)p, sizeof *e);
    memcpy(h, cov, (size_t)(p * p) * sizeof *h);
    if (solve_cholesky(h, e, p))
        for (int i = 0; i < p; i++)
            log_det += 2 * log(h[i * p + i]);
    free(h);
    free(e);
    return exp(log_det / (2 * p));
}

/* How much a run would gain: of the logarithm of the goal's variance, or of
 * the determinant. */
static double gain_of(const struct design *d, size_t row, const double *cov,
                      const double *c)
{
    const int p = d->m->n_free;
    const double *g = d->gradient + row * (size_t)p;
    const double own = design_form(g, cov, g, p);
    double cross, now;

    if (!c)
        return log1p(own);
    cross = design_form(c, cov, g, p);
    now = design_form(c, cov, c, p);
    return -log1p(-fmin(cross * cross / (1 + own) / now, 1 - 1e-15));
}

static enum status goal_vector(double **c, const struct design *d,
                               const struct design_goal *goal, struct err *err)
{
    const int p = d->m->n_free;
    int i;

    *c = NULL;
    if (!goal->param && !goal->settings)
        return OK;
    *c = mem_array((size_t)p, sizeof **c);
    if (goal->settings)
        return design_gradient(*c, d, goal->settings, goal->n_settings, err);
    i = model_find_param(d->m, goal->param);
    if (i < 0 || d->m->params[i].free < 0)
        return err_set(err, ERR_USAGE,
                       "--param: the law has no free parameter "
                       "'%s'",
                       goal->param);
    (*c)[d->m->params[i].free] = 1;
    return OK;
}

enum status design_choose(struct design_pick *picks, int *n, double *before,
                          struct design *d, const struct design_goal *goal,
                          int count, double budget, struct err *err)
{
    const int p = d->m->n_free;
    double *cov = mem_array((size_t)(p * p), sizeof *cov), *c;
    enum status st = goal_vector(&c, d, goal, err);

    *n = 0;
    if (st == OK) {
        design_promised(cov, d, PRIOR);
        *before = goal_error(cov, c, p);
    }
    while (st == OK && *n < count) {
        double best = 0;
        size_t at = d->m->rows;

        for (size_t i = 0; i < d->m->rows; i++) {
            const double gain = d->made[i] || d->cost[i] > budget
                                    ? 0
                                    : gain_of(d, i, cov, c) / d->cost[i];

            if (gain > best) {
                best = gain;
                at = i;
            }
        }
        if (at == d->m->rows)
            break;
        budget -= d->cost[at];
        design_make(d, at);
        design_promised(cov, d, PRIOR);
        picks[(*n)++] =
            (struct design_pick){ at, d->cost[at], goal_error(cov, c, p) };
    }
    free(cov);
    free(c);
    return st;
}

/* --- the verdict --------------------------------------------------------- */

/* "E 0.26 (relative)": coefficients have the error of their logarithm. */
static char *error_text(const struct design *d, int f, double se)
{
    const char *name = d->m->params[model_param_of(d->m, f)].name;

    return isfinite(se) ? mem_printf("%s %.2g%s", name, se,
                                     d->work->is_log[f] ? " (relative)" : "")
                        : mem_printf("%s unknown", name);
}

static void add_errors(struct str *out, const struct design *d,
                       const double *se)
{
    int column = WIDTH;

    for (int f = 0; f < d->m->n_free; f++) {
        char *text = error_text(d, f, se[f]);
        const int len = (int)strlen(text) + 2;

        str_add(out, f ? "," : "");
        if (column + len > WIDTH) {
            str_add(out, "\n    ");
            column = 4;
        } else {
            str_add(out, " ");
        }
        str_add(out, text);
        column += len;
        free(text);
    }
    str_add(out, "\n");
}

/* Coordinates whose error is beyond all measure are those that the runs cannot
 * tell apart. */
static void add_unknown(struct str *out, const struct design *d,
                        const double *se)
{
    int n = 0;

    for (int f = 0; f < d->m->n_free; f++)
        if (!(se[f] < (d->work->is_log[f] ? 30 : 10)))
            str_addf(out, "%s%s", n++ ? ", " : "  cannot be told apart: ",
                     d->m->params[model_param_of(d->m, f)].name);
    str_add(out, n ? "\n" : "");
}

static int count_made(const struct design *d)
{
    int made = 0;

    for (size_t i = 0; i < d->m->rows; i++)
        made += d->made[i];
    return made;
}

bool design_identifiable(const struct design *d, const double *se,
                         double condition)
{
    for (int f = 0; f < d->m->n_free; f++)
        if (!isfinite(se[f]))
            return false;
    return condition < FLAT && count_made(d) >= d->m->n_free;
}

void design_verdict(struct str *out, bool *identifiable, const struct design *d)
{
    const struct model *m = d->m;
    double *se = mem_array((size_t)m->n_free, sizeof *se), condition;

    design_errors(se, &condition, d);
    *identifiable = design_identifiable(d, se, condition);
    str_addf(out, "law %s: %d parameters, %d runs: %s",
             m->law ? m->law->name : "formula", m->n_free, count_made(d),
             *identifiable ? "identifiable" : "NOT identifiable");
    str_addf(out, " (condition %.2g)\n", condition);
    if (!*identifiable)
        add_unknown(out, d, se);
    str_addf(out,
             "  with noise of %.2g and the constants assumed, standard "
             "errors to expect:",
             d->sigma);
    add_errors(out, d, se);
    free(se);
}
