#include "fit/start.h"

#include <gsl/gsl_qrng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "fit/lanes.h"
#include "fit/solve.h"
#include "fit/start_roles.h"

struct search {
    const struct model *m;
    struct model_work *w;
    const double *weight;
    enum start_role *role; /* of each coordinate */
    int n_linear, n_sampled;
    int *dim; /* of each name: its dimension of the sampled points */
    double *theta;
    double *mu, *grad, *target, *design, *row_scale; /* per row */
    double *h, *g, *x;
    bool *positive;
    double *log_mean; /* of each name's values; the response's last */
};

/* --- points over the others ---------------------------------------------- */

/* Scope of a law's scale expressions: geometric means and parameters. */
static bool find_scale_name(void *ctx, const char *name,
                            struct expr_symbol *out)
{
    const struct search *s = ctx;

    out->kind = EXPR_SYM_CONST;
    if (strcmp(name, s->m->response) == 0) {
        out->value = exp(s->log_mean[s->m->n_names]);
        return true;
    }
    for (int k = 0; k < s->m->n_names; k++)
        if (strcmp(name, s->m->names[k].name) == 0) {
            out->value = s->m->names[k].is_var ? exp(s->log_mean[k])
                                               : s->theta[s->m->names[k].first];
            return true;
        }
    return false;
}

static double scale_of(struct search *s, const char *text)
{
    const struct expr_scope scope = { .find = find_scale_name, .ctx = s };
    struct expr *e;
    double v = 1;

    if (text && expr_parse(&e, text, &scope, NULL) == OK) {
        v = expr_eval(e, NULL);
        expr_free(e);
    }
    return isfinite(v) && v > 0 ? v : 1;
}

/* A parameter of a user's formula, of which nothing is known but that it
 * stands inside some function: within two decades of 1, of a variable's
 * geometric mean, or of the inverse of one; so units do not matter.  Either
 * sign, the positive more often. */
static double sample_anything(const struct search *s, double u)
{
    const struct model *m = s->m;
    int options = 1, choice;
    double scale = 0, sign = 1;

    for (int k = 0; k < m->n_names; k++)
        options += m->names[k].is_var && m->names[k].values ? 2 : 0;
    choice = (int)(u * options);
    u = u * options - choice;
    for (int k = 0, n = 1; k < m->n_names && choice > 0; k++) {
        if (!m->names[k].is_var || !m->names[k].values)
            continue;
        if (n == choice || n + 1 == choice)
            scale = n == choice ? s->log_mean[k] : -s->log_mean[k];
        n += 2;
    }
    if (u < 0.3) {
        sign = -1;
        u /= 0.3;
    } else {
        u = (u - 0.3) / 0.7;
    }
    return sign * exp(scale + log(10) * (4 * u - 2));
}

/* u in [0, 1) to a value of the parameter. */
static double sample(struct search *s, const struct model_param *p, double u)
{
    double lo = -1, hi = 1.5, v;

    if (p->law) {
        lo = p->law->lo;
        hi = p->law->hi;
    } else if (isfinite(p->lo) && isfinite(p->hi)) {
        lo = p->lo;
        hi = p->hi;
    } else if (!expr_in_exponent(s->m->expr, p->slot)) {
        v = sample_anything(s, u);
        return fmin(fmax(p->lo >= 0 ? fabs(v) : v, p->lo), p->hi);
    }
    v = lo > 0 && hi > 20 * lo ? lo * pow(hi / lo, u) : lo + u * (hi - lo);
    if (p->law)
        v *= scale_of(s, p->law->scale);
    return fmin(fmax(v, p->lo), p->hi);
}

static void set_coordinate(struct search *s, int f, double v)
{
    for (int i = 0; i < s->m->n_params; i++)
        if (s->m->params[i].free == f)
            s->theta[i] = v;
}

/* Values of one parameter share a dimension of the point.  Those whose scale
 * depends on others come second. */
static void set_sampled(struct search *s, const double *point)
{
    const struct model *m = s->m;

    for (int i = 0; i < m->n_params; i++)
        s->theta[i] = m->params[i].held;
    for (int pass = 0; pass < 2; pass++)
        for (int f = 0; f < m->n_free; f++) {
            const struct model_param *p = &m->params[model_param_of(m, f)];
            const bool late = p->law && p->law->scale;

            if (late == (pass == 1))
                set_coordinate(s, f,
                               s->role[f] == SAMPLED
                                   ? sample(s, p, point[s->dim[p->slot]])
                               : s->role[f] == GIVEN ? p->start
                                                     : 1);
        }
}

/* --- elimination --------------------------------------------------------- */

/* Columns of the coefficients, each row times row_scale, and the target that
 * they are to add up to; false when something is not finite. */
static bool build_design(struct search *s)
{
    const struct model *m = s->m;
    const size_t n = m->rows;
    int col = 0;

    model_law(s->w, s->theta, s->mu, s->grad);
    memcpy(s->target, s->mu, n * sizeof *s->target);
    for (int f = 0; f < m->n_free; f++) {
        double *out = s->design + (size_t)col * n;

        if (s->role[f] == SAMPLED || s->role[f] == GIVEN)
            continue;
        memset(out, 0, n * sizeof *out);
        for (int k = 0; k < s->w->n_slots; k++) {
            const struct model_name *nm = &m->names[s->w->param_slots[k]];
            const double *g = s->grad + (size_t)k * n;
            const double sign = s->role[f] == INVERSE ? -1 : 1;

            for (size_t r = 0; r < n; r++)
                if (m->params[nm->first + (nm->group ? nm->group[r] : 0)]
                        .free == f)
                    out[r] += sign * g[r];
        }
        for (size_t r = 0; r < n; r++) {
            s->target[r] -= out[r];
            out[r] *= s->row_scale[r];
        }
        col++;
    }
    for (size_t r = 0; r < n; r++)
        s->target[r] = (m->y[r] - s->target[r]) * s->row_scale[r];
    return lanes_finite(s->target, n) &&
           lanes_finite(s->design, n * (size_t)col);
}

static bool solve_design(struct search *s)
{
    const size_t n = s->m->rows;
    const int p = s->n_linear;

    for (int i = 0; i < p; i++) {
        const double *a = s->design + (size_t)i * n;

        for (int j = 0; j <= i; j++)
            s->h[i * p + j] = s->h[j * p + i] =
                lanes_dot3(a, s->design + (size_t)j * n, s->weight, n);
        s->g[i] = lanes_dot3(a, s->target, s->weight, n);
    }
    return solve_nonnegative(s->x, s->h, s->g, s->positive, p);
}

/* Put the coefficients into theta.  One that came out as 0 gets a thousandth
 * of the response, because its logarithm is the coordinate. */
static void place_linear(struct search *s)
{
    const struct model *m = s->m;
    const size_t n = m->rows;
    const double size = lanes_dot3(s->target, s->target, s->weight, n);
    int col = 0;

    for (int f = 0; f < m->n_free; f++) {
        const struct model_param *p = &m->params[model_param_of(m, f)];
        double v;

        if (s->role[f] == SAMPLED || s->role[f] == GIVEN)
            continue;
        v = s->x[col];
        if (v == 0)
            v = 1e-3 * sqrt(size / fmax(s->h[col * s->n_linear + col], 1e-300));
        if (s->role[f] == INVERSE)
            v = 1 / v;
        v = fmin(fmax(v, p->lo), p->hi);
        set_coordinate(s, f, v);
        col++;
    }
}

/* The loss at the eliminated optimum; the residuals are relative or absolute
 * differences even in log space, which is close enough to rank. */
static double score(struct search *s)
{
    const size_t n = s->m->rows;
    double sum = 0;

    if (!build_design(s) || !solve_design(s))
        return HUGE_VAL;
    for (int j = 0; j < s->n_linear; j++)
        lanes_add(s->target, s->design + (size_t)j * n, -s->x[j], n);
    for (size_t r = 0; r < n; r++)
        sum += s->weight[r] * fit_rho(&s->m->loss, s->target[r]);
    return isfinite(sum) ? sum : HUGE_VAL;
}

/* --- the search ---------------------------------------------------------- */

static void log_means(struct search *s)
{
    const struct model *m = s->m;

    for (int k = 0; k <= m->n_names; k++) {
        const double *x = k == m->n_names ? m->y : m->names[k].values;
        double sum = 0, n = 0;

        for (size_t r = 0; x && r < m->rows; r++)
            if (x[r] > 0)
                sum += log(x[r]), n++;
        s->log_mean[k] = n > 0 ? sum / n : 0;
    }
}

static void open_search(struct search *s, const struct model *m,
                        const double *weight, bool given)
{
    const size_t n = m->rows, p = (size_t)m->n_free;

    *s = (struct search){ .m = m, .w = model_work_new(m) };
    s->role = mem_array(p, sizeof *s->role);
    start_roles(s->role, m, given);
    s->theta = mem_array((size_t)m->n_params, sizeof *s->theta);
    s->mu = mem_array(n, sizeof *s->mu);
    s->grad = mem_array(n * (size_t)s->w->n_slots, sizeof *s->grad);
    s->target = mem_array(n, sizeof *s->target);
    s->design = mem_array(n * p, sizeof *s->design);
    s->row_scale = mem_array(2 * n, sizeof *s->row_scale);
    s->h = mem_array(p * p, sizeof *s->h);
    s->g = mem_array(p, sizeof *s->g);
    s->x = mem_array(p, sizeof *s->x);
    s->positive = mem_array(p, sizeof *s->positive);
    s->log_mean = mem_array((size_t)m->n_names + 1, sizeof *s->log_mean);
    s->dim = mem_array((size_t)m->n_names, sizeof *s->dim);
    for (size_t r = 0; r < n; r++) {
        s->row_scale[r] = m->scale[r] / (m->space == FIT_LINEAR ? 1 : m->y[r]);
        s->row_scale[n + r] = weight ? weight[r] : 1;
    }
    s->weight = s->row_scale + n;
    for (int k = 0; k < m->n_names; k++)
        s->dim[k] = -1;
    for (int f = 0; f < m->n_free; f++) {
        int *dim = &s->dim[m->params[model_param_of(m, f)].slot];

        if (s->role[f] == SAMPLED && *dim < 0)
            *dim = s->n_sampled++;
        if (s->role[f] == LINEAR || s->role[f] == INVERSE)
            s->positive[s->n_linear++] =
                m->params[model_param_of(m, f)].lo >= 0;
    }
    log_means(s);
}

static void close_search(struct search *s)
{
    model_work_free(s->w);
    free(s->role);
    free(s->theta);
    free(s->mu);
    free(s->grad);
    free(s->target);
    free(s->design);
    free(s->row_scale);
    free(s->h);
    free(s->g);
    free(s->x);
    free(s->positive);
    free(s->log_mean);
    free(s->dim);
}

/* Insert the present theta into the list, best first. */
static void keep_start(struct start_list *list, const struct search *s,
                       double value, int keep)
{
    const size_t p = (size_t)s->m->n_params;
    int at = list->n;

    while (at > 0 && value < list->score[at - 1])
        at--;
    if (at == keep)
        return;
    if (list->n < keep)
        list->n++;
    memmove(list->score + at + 1, list->score + at,
            (size_t)(list->n - at - 1) * sizeof(double));
    memmove(list->theta + ((size_t)at + 1) * p, list->theta + (size_t)at * p,
            (size_t)(list->n - at - 1) * p * sizeof(double));
    list->score[at] = value;
    memcpy(list->theta + (size_t)at * p, s->theta, p * sizeof(double));
}

static int point_count(int sampled)
{
    static const int counts[] = { 1, 128, 256, 512, 1024, 2048, 4096 };

    return counts[sampled < 6 ? sampled : 6];
}

void start_find(struct start_list *out, const struct model *m,
                const double *weight, uint64_t seed, int keep, bool given)
{
    struct search s;
    const uint64_t key = rng_key(seed, RNG_FIT, 1);
    double *point;
    gsl_qrng *q = NULL;

    open_search(&s, m, weight, given);
    point = mem_array((size_t)s.n_sampled, sizeof *point);
    *out = (struct start_list){
        .theta = mem_array((size_t)(keep + 1) * (size_t)m->n_params,
                           sizeof *out->theta),
        .score = mem_array((size_t)keep + 1, sizeof *out->score),
        .tried = point_count(s.n_sampled),
    };
    if (s.n_sampled > 0 && s.n_sampled <= 40)
        q = gsl_qrng_alloc(gsl_qrng_sobol, (unsigned)s.n_sampled);
    for (int k = 0; k < out->tried; k++) {
        double value;

        if (q)
            gsl_qrng_get(q, point);
        for (int j = 0; j < s.n_sampled; j++) {
            const double shift =
                rng_f64(key, (uint64_t)(q ? j : k * s.n_sampled + j));

            point[j] = q ? point[j] + shift - floor(point[j] + shift) : shift;
        }
        set_sampled(&s, point);
        value = score(&s);
        if (!isfinite(value))
            continue;
        place_linear(&s);
        keep_start(out, &s, value, keep);
    }
    if (q)
        gsl_qrng_free(q);
    free(point);
    close_search(&s);
}

void start_release(struct start_list *list)
{
    free(list->theta);
    free(list->score);
    *list = (struct start_list){ 0 };
}
