/* model_eval.c - residuals and derivatives of a bound law. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/expr_math.h"
#include "base/str.h"
#include "fit/lanes.h"
#include "fit/model.h"

struct model_work *model_work_new(const struct model *m)
{
    struct model_work *w = mem_alloc(sizeof *w);
    const size_t names = (size_t)m->n_names, rows = m->rows;

    w->m = m;
    w->is_log = mem_array((size_t)m->n_free, sizeof *w->is_log);
    w->sign = mem_array((size_t)m->n_free, sizeof *w->sign);
    w->filled = mem_array((size_t)m->n_free, sizeof *w->filled);
    w->theta = mem_array((size_t)m->n_params, sizeof *w->theta);
    w->inputs = mem_array(names, sizeof *w->inputs);
    w->param_slots = mem_array(names, sizeof *w->param_slots);
    w->gather = mem_array(rows * names, sizeof *w->gather);
    for (int s = 0; s < m->n_names; s++) {
        const struct model_name *nm = &m->names[s];

        w->inputs[s].constant = nm->constant;
        w->inputs[s].column = nm->is_var  ? nm->values
                              : nm->group ? w->gather + (size_t)s * rows
                                          : NULL;
        if (!nm->is_var)
            w->param_slots[w->n_slots++] = s;
    }
    w->mu = mem_array(rows, sizeof *w->mu);
    w->common = mem_array(rows, sizeof *w->common);
    w->grad = mem_array(rows * (size_t)w->n_slots, sizeof *w->grad);
    w->expr = expr_work_new(m->expr, w->param_slots, w->n_slots);
    expr_work_pin(w->expr, w->inputs, rows);
    for (int i = 0; i < m->n_params; i++)
        w->theta[i] = m->params[i].held;
    return w;
}

void model_work_free(struct model_work *w)
{
    if (!w)
        return;
    expr_work_free(w->expr);
    free(w->is_log);
    free(w->sign);
    free(w->filled);
    free(w->theta);
    free(w->inputs);
    free(w->param_slots);
    free(w->gather);
    free(w->mu);
    free(w->common);
    free(w->grad);
    free(w);
}

/* --- coordinates --------------------------------------------------------- */

void model_use_log(struct model_work *w, int f, double value)
{
    w->is_log[f] = true;
    w->sign[f] = value < 0 ? -1 : 1;
}

void model_use_plain(struct model_work *w, int f)
{
    w->is_log[f] = false;
}

void model_theta(const struct model_work *w, double *theta, const double *u)
{
    for (int i = 0; i < w->m->n_params; i++) {
        const int f = w->m->params[i].free;

        theta[i] = f < 0          ? w->m->params[i].held
                   : w->is_log[f] ? w->sign[f] * exp(u[f])
                                  : u[f];
    }
}

void model_coordinates(const struct model_work *w, double *u,
                       const double *theta)
{
    for (int f = 0; f < w->m->n_free; f++) {
        const double v = theta[model_param_of(w->m, f)];

        u[f] = w->is_log[f] ? log(v * w->sign[f]) : v;
    }
}

void model_box(const struct model_work *w, double *lo, double *hi)
{
    for (int f = 0; f < w->m->n_free; f++) {
        const struct model_param *p = &w->m->params[model_param_of(w->m, f)];
        const double a = w->sign[f] < 0 ? -p->hi : p->lo;
        const double b = w->sign[f] < 0 ? -p->lo : p->hi;

        lo[f] = !w->is_log[f] ? p->lo : a > 0 ? log(a) : -HUGE_VAL;
        hi[f] = !w->is_log[f] ? p->hi : log(b);
    }
}

/* --- the law ------------------------------------------------------------- */

void model_law(struct model_work *w, const double *theta, double *mu,
               double *grad)
{
    const struct model *m = w->m;

    for (int k = 0; k < w->n_slots; k++) {
        const int s = w->param_slots[k];
        const struct model_name *nm = &m->names[s];
        double *out = w->gather + (size_t)s * m->rows;

        w->inputs[s].constant = theta[nm->first];
        for (size_t i = 0; nm->group && i < m->rows; i++)
            out[i] = theta[nm->first + nm->group[i]];
    }
    expr_eval_rows(w->expr, mu, grad, m->rows, w->inputs, m->rows);
}

/* r and common = d r / d mu. */
LANES_CLONES
static void residuals_of(double *r, double *common, const double *mu,
                         const double *y, const double *log_y,
                         const double *scale, enum fit_space space, size_t n)
{
    if (space == FIT_LOG) {
        for (size_t i = 0; i < n; i++) {
            r[i] = (log_y[i] - expr_log1(mu[i])) * scale[i];
            common[i] = -scale[i] / mu[i];
        }
    } else if (space == FIT_LINEAR) {
        for (size_t i = 0; i < n; i++) {
            r[i] = (y[i] - mu[i]) * scale[i];
            common[i] = -scale[i];
        }
    } else {
        for (size_t i = 0; i < n; i++) {
            r[i] = (1 - mu[i] / y[i]) * scale[i];
            common[i] = -scale[i] / y[i];
        }
    }
}

double model_residual(const struct model *m, size_t row, double mu)
{
    double r, common;

    residuals_of(&r, &common, &mu, m->y + row, m->log_y + row, m->scale + row,
                 m->space, 1);
    return r;
}

/* s = sign(r) sqrt(2 rho(r)), so that s^2/2 is the loss; ds = psi/s dr. */
static void transform_cauchy(double *r, double *common, double scale, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const double x = r[i] / scale, q = x * x;
        const double s = scale * sqrt(log1p(q));

        if (q > 1e-16) {
            common[i] *= fabs(r[i]) / (1 + q) / s;
            r[i] = r[i] < 0 ? -s : s;
        }
    }
}

LANES_CLONES
static void add_product(double *out, const double *a, const double *b, double s,
                        size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] += s * (a[i] * b[i]);
}

LANES_CLONES
static void set_product(double *out, const double *a, const double *b, double s,
                        size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = s * (a[i] * b[i]);
}

static void fill_jacobian(const struct model_work *w, double *jac)
{
    const struct model *m = w->m;

    memset(w->filled, 0, (size_t)m->n_free * sizeof *w->filled);
    for (int k = 0; k < w->n_slots; k++) {
        const struct model_name *nm = &m->names[w->param_slots[k]];
        const double *g = w->grad + (size_t)k * m->rows;

        for (int i = nm->first; i < nm->first + nm->count; i++) {
            const int f = m->params[i].free;
            const double by = f >= 0 && w->is_log[f] ? w->theta[i] : 1;
            double *col = jac + (size_t)f * m->rows;
            bool fresh;

            if (f < 0)
                continue;
            fresh = !w->filled[f];
            w->filled[f] = true;
            if (!nm->group && fresh) {
                set_product(col, g, w->common, by, m->rows);
                continue;
            }
            if (fresh)
                memset(col, 0, m->rows * sizeof *col);
            if (!nm->group)
                add_product(col, g, w->common, by, m->rows);
            for (size_t r = 0; nm->group && r < m->rows; r++)
                if (nm->group[r] == i - nm->first)
                    col[r] += by * (g[r] * w->common[r]);
        }
    }
}

bool model_residuals(void *ctx, const double *u, double *r, double *jac)
{
    struct model_work *w = ctx;
    const struct model *m = w->m;

    model_theta(w, w->theta, u);
    model_law(w, w->theta, w->mu, jac ? w->grad : NULL);
    residuals_of(r, w->common, w->mu, m->y, m->log_y, m->scale, m->space,
                 m->rows);
    if (m->loss.kind == FIT_CAUCHY)
        transform_cauchy(r, w->common, m->loss.scale, m->rows);
    if (!lanes_finite(r, m->rows))
        return false;
    if (!jac)
        return true;
    fill_jacobian(w, jac);
    return lanes_finite(jac, m->rows * (size_t)m->n_free);
}
