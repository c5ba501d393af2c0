#include "fit/isoflop.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fit/fit.h"

#define MIN_SIZES  4    /* three constants and something to judge them by */
#define ONE_BUDGET 1.05 /* budgets are often rounded */

/* A row that can be used. */
struct row {
    double c, n, d, loss;
};

static int by_budget(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    if (x->c != y->c)
        return x->c < y->c ? -1 : 1;
    return (x->n > y->n) - (x->n < y->n);
}

static enum status read_rows(struct row **rows, size_t *n,
                             const struct table *t, const char *column,
                             struct err *err)
{
    int c, size, loss;
    enum status st = table_need(&c, t, "--isoflop: ", column, err);

    *rows = NULL;
    *n = 0;
    if (st == OK)
        st = table_need(&size, t, "--isoflop: ", "N", err);
    if (st == OK)
        st = table_need(&loss, t, "--isoflop: ", "loss", err);
    if (st != OK)
        return st;
    *rows = mem_array(t->rows + 1, sizeof **rows);
    for (size_t i = 0; i < t->rows; i++) {
        const struct row r = { t->cols[c].num[i], t->cols[size].num[i], 0,
                               t->cols[loss].num[i] };

        if (r.c > 0 && r.n > 0 && isfinite(r.c) && isfinite(r.n) &&
            isfinite(r.loss) && !t->trouble[i])
            (*rows)[(*n)++] = r;
    }
    if (*n == 0)
        return err_set(err, ERR_FIT, "no row of %s has a budget %s, N and loss",
                       t->source, column);
    for (size_t i = 0; i < *n; i++)
        (*rows)[i].d = (*rows)[i].c / (6 * (*rows)[i].n);
    qsort(*rows, *n, sizeof **rows, by_budget);
    return OK;
}

/* --- one parabola -------------------------------------------------------- */

/* loss = b0 + b1 x + b2 x^2 with x = log N about its mean. */
struct parabola {
    double b[3], cov[3][3]; /* cov times sigma^2 */
    double middle, rss;
    int dof;
};

/* In place; false when the equations are all but dependent. */
static bool invert(double a[3][3])
{
    gsl_matrix_view m = gsl_matrix_view_array(a[0], 3, 3);

    if (gsl_linalg_cholesky_decomp1(&m.matrix) != 0)
        return false;
    for (int i = 0; i < 3; i++)
        if (!(a[i][i] * a[i][i] > 1e-12))
            return false;
    return gsl_linalg_cholesky_invert(&m.matrix) == 0;
}

static bool fit_parabola(struct parabola *p, const struct row *r, int n,
                         const double *loss)
{
    double g[3] = { 0 };

    *p = (struct parabola){ .dof = n - 3 };
    for (int i = 0; i < n; i++)
        p->middle += log(r[i].n) / n;
    for (int i = 0; i < n; i++) {
        const double x = log(r[i].n) - p->middle;
        const double v[3] = { 1, x, x * x };

        for (int j = 0; j < 3; j++) {
            g[j] += v[j] * loss[i];
            for (int k = 0; k < 3; k++)
                p->cov[j][k] += v[j] * v[k];
        }
    }
    if (!invert(p->cov))
        return false;
    for (int j = 0; j < 3; j++)
        for (int k = 0; k < 3; k++)
            p->b[j] += p->cov[j][k] * g[k];
    for (int i = 0; i < n; i++) {
        const double x = log(r[i].n) - p->middle;
        const double e = loss[i] - p->b[0] - x * (p->b[1] + x * p->b[2]);

        p->rss += e * e;
    }
    return true;
}

static int count_sizes(const struct row *r, int n)
{
    int sizes = 0;

    for (int i = 0; i < n; i++)
        sizes += i == 0 || r[i].n > r[i - 1].n * 1.001;
    return sizes;
}

/* Why the parabola has no vertex among the sizes, or NULL. */
static char *refusal(const struct parabola *p, const struct row *r, int n)
{
    const double x = p->middle - p->b[1] / (2 * p->b[2]);

    if (!(p->b[2] > 0))
        return mem_strdup(
            "the losses do not bend upwards: there is no minimum");
    if (x < log(r[0].n))
        return mem_strdup("no minimum inside: the loss falls down to the "
                          "smallest size");
    if (x > log(r[n - 1].n))
        return mem_strdup("no minimum inside: the loss falls up to the largest "
                          "size");
    return NULL;
}

static void judge_budget(struct isoflop_budget *b, struct parabola *p,
                         const struct row *r, int n)
{
    double *loss = mem_array((size_t)n, sizeof *loss), sum = 0;

    for (int i = 0; i < n; i++) {
        loss[i] = r[i].loss;
        sum += log(r[i].c) / n;
    }
    *b = (struct isoflop_budget){ .c = exp(sum),
                                  .rows = n,
                                  .sizes = count_sizes(r, n),
                                  .bias = (double)NAN };
    if (b->sizes < MIN_SIZES)
        b->refused = mem_printf("%d size%s: a parabola needs %d", b->sizes,
                                b->sizes == 1 ? "" : "s", MIN_SIZES);
    else if (!fit_parabola(p, r, n, loss))
        b->refused = mem_strdup("the sizes are too close together");
    else
        b->refused = refusal(p, r, n);
    free(loss);
    if (b->refused)
        return;
    b->vertex = p->middle - p->b[1] / (2 * p->b[2]);
    b->curvature = p->b[2];
    b->loss = p->b[0] - p->b[1] * p->b[1] / (4 * p->b[2]);
}

/* Limits of the ratio -b1 / 2 b2 (Fieller 1954): where the numerator less ratio
 * times denominator is t standard errors from nothing. */
static void vertex_limits(struct isoflop_budget *b, const struct parabola *p,
                          double sigma, double t)
{
    const double s = sigma * sigma;
    const double u = -p->b[1], v = 2 * p->b[2];
    const double vu = s * p->cov[1][1], vv = 4 * s * p->cov[2][2];
    const double uv = -2 * s * p->cov[1][2];
    const double a = v * v - t * t * vv, h = u * v - t * t * uv;
    const double c = u * u - t * t * vu, root = h * h - a * c;
    const double ratio = u / v;

    b->se = sqrt(fmax(vu - 2 * ratio * uv + ratio * ratio * vv, 0)) / v;
    b->lo = a > 0 && root >= 0 ? p->middle + (h - sqrt(root)) / a : -HUGE_VAL;
    b->hi = a > 0 && root >= 0 ? p->middle + (h + sqrt(root)) / a : HUGE_VAL;
}

/* --- the line through the vertices ---------------------------------------- */

struct line {
    double slope, intercept, se, scatter;
};

/* log N* against log C, every budget alike as it is usually done, with the error
 * that those of the vertices give the slope. */
static struct line fit_line(const struct isoflop_budget *b, int n,
                            const double *vertex)
{
    struct line l = { 0 };
    double mx = 0, my = 0, sxx = 0, sxy = 0, var = 0, chi2 = 0, used = 0;

    for (int i = 0; i < n; i++)
        used += !b[i].refused;
    for (int i = 0; i < n; i++) {
        mx += b[i].refused ? 0 : log(b[i].c) / used;
        my += b[i].refused ? 0 : vertex[i] / used;
    }
    for (int i = 0; i < n; i++) {
        const double x = b[i].refused ? 0 : log(b[i].c) - mx;

        sxx += x * x;
        sxy += x * (vertex[i] - my);
        var += x * x * b[i].se * b[i].se;
    }
    l.slope = sxy / sxx;
    l.intercept = my - l.slope * mx;
    for (int i = 0; i < n; i++)
        if (!b[i].refused && b[i].se > 0)
            chi2 += pow(
                (vertex[i] - l.intercept - l.slope * log(b[i].c)) / b[i].se, 2);
    l.scatter = used > 2 ? sqrt(chi2 / (used - 2)) : (double)NAN;
    l.se = sqrt(var) / sxx;
    return l;
}

static void line_of(struct isoflop *f)
{
    double *vertex = mem_array((size_t)f->n, sizeof *vertex), t;
    struct line l;

    for (int i = 0; i < f->n; i++)
        vertex[i] = f->budgets[i].refused ? 0 : f->budgets[i].vertex;
    l = fit_line(f->budgets, f->n, vertex);
    free(vertex);
    f->a = l.slope;
    f->log_g = l.intercept;
    f->scatter = l.scatter;
    /* Vertices that scatter by more than their errors count by their scatter,
     * which as many say as there are beyond two. */
    t = l.scatter > 1 ? l.scatter * gsl_cdf_tdist_Pinv(0.975, f->used - 2)
                      : gsl_cdf_tdist_Pinv(0.975, f->dof);
    f->se = l.se * (l.scatter > 1 ? l.scatter : 1);
    f->lo = f->a - t * l.se;
    f->hi = f->a + t * l.se;
    if (f->dof < 1 || (f->used < 3 && !(f->sigma > 0)))
        f->lo = f->hi = (double)NAN;
}

/* --- the bias of the method ------------------------------------------------ */

/* The joint law's constants; false, with the reason, when rows cannot tell
 * them. */
static bool fit_joint(double theta[5], const struct table *t, uint64_t seed,
                      char **why)
{
    static const char *const names[] = { "E", "A", "alpha", "B", "beta" };
    const struct law *law = law_find("chinchilla");
    struct fit_spec s;
    struct model *m = NULL;
    struct fit f;
    struct err err;
    bool sound = false;

    fit_spec_init(&s, law, NULL);
    s.seed = seed;
    s.bootstrap = 0;
    if (fit_model_new(&m, t, &s, &err) != OK ||
        fit_run(&f, m, t, &s, &err) != OK) {
        *why = mem_strdup(err.text);
        fit_model_free(m);
        return false;
    }
    sound = fit_is_sound(&f);
    for (int i = 0; i < 5; i++)
        theta[i] = f.best.theta[model_find_param(m, names[i])];
    if (!sound)
        *why = mem_strdup("these rows do not identify the joint law");
    fit_release(&f);
    fit_model_free(m);
    return sound;
}

static double law_loss(const double *k, double n, double d)
{
    return k[0] + k[1] / pow(n, k[2]) + k[3] / pow(d, k[4]);
}

/* log N that minimizes the law when 6 N D = C. */
static double law_vertex(const double *k, double c)
{
    return (log(k[2] * k[1] / (k[4] * k[3])) + k[4] * log(c / 6)) /
           (k[2] + k[4]);
}

/* The same rows with the law's own losses. */
static void find_bias(struct isoflop *f, const struct row *rows,
                      const int *first, const double *k)
{
    double *vertex = mem_array((size_t)f->n, sizeof *vertex);

    for (int i = 0; i < f->n; i++) {
        struct isoflop_budget *b = &f->budgets[i];
        const struct row *r = rows + first[i];
        double *loss = mem_array((size_t)b->rows, sizeof *loss);
        struct parabola p;

        for (int j = 0; j < b->rows; j++)
            loss[j] = law_loss(k, r[j].n, r[j].d);
        if (!b->refused && fit_parabola(&p, r, b->rows, loss)) {
            vertex[i] = p.middle - p.b[1] / (2 * p.b[2]);
            b->bias = vertex[i] - law_vertex(k, b->c);
        }
        free(loss);
    }
    f->law_a = k[4] / (k[2] + k[4]);
    f->design_a = fit_line(f->budgets, f->n, vertex).slope;
    free(vertex);
}

/* --- all of it ----------------------------------------------------------- */

/* Parabolas with the noise of all budgets together. */
static void judge_all(struct isoflop *f, const struct row *rows, size_t n,
                      int *first)
{
    struct parabola *p = mem_array(n, sizeof *p);
    double rss = 0, t;

    for (size_t i = 0; i < n;) {
        size_t to = i;

        while (to < n && rows[to].c <= rows[i].c * ONE_BUDGET)
            to++;
        f->budgets = mem_grow(f->budgets, (size_t)f->n + 1, sizeof *f->budgets);
        first[f->n] = (int)i;
        judge_budget(&f->budgets[f->n], &p[f->n], rows + i, (int)(to - i));
        if (!f->budgets[f->n].refused) {
            rss += p[f->n].rss;
            f->dof += p[f->n].dof;
            f->used++;
        }
        f->n++;
        i = to;
    }
    f->sigma = f->dof > 0 ? sqrt(rss / f->dof) : (double)NAN;
    t = f->dof > 0 ? gsl_cdf_tdist_Pinv(0.975, f->dof) : (double)NAN;
    for (int i = 0; i < f->n; i++)
        if (!f->budgets[i].refused)
            vertex_limits(&f->budgets[i], &p[i], f->sigma, t);
    free(p);
}

/* Rows of one budget may be rounded differently: each budget's rows are put in
 * order of size. */
static int by_size(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    return (x->n > y->n) - (x->n < y->n);
}

static void order_sizes(struct row *rows, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t to = i;

        while (to < n && rows[to].c <= rows[i].c * ONE_BUDGET)
            to++;
        qsort(rows + i, to - i, sizeof *rows, by_size);
        i = to;
    }
}

static void take_points(struct isoflop *f, const struct row *rows,
                        const int *first)
{
    f->points = mem_array(f->rows, sizeof *f->points);
    for (int b = 0; b < f->n; b++)
        for (int i = first[b]; i < first[b] + f->budgets[b].rows; i++)
            f->points[i] = (struct isoflop_point){ b, rows[i].n, rows[i].loss };
}

enum status isoflop_run(struct isoflop *f, const struct table *t,
                        const char *column, uint64_t seed, struct err *err)
{
    struct row *rows = NULL;
    double k[5];
    int *first;
    enum status st;

    *f = (struct isoflop){ .law_a = (double)NAN, .design_a = (double)NAN };
    st = read_rows(&rows, &f->rows, t, column, err);
    if (st != OK) {
        free(rows);
        return st;
    }
    first = mem_array(f->rows, sizeof *first);
    order_sizes(rows, f->rows);
    judge_all(f, rows, f->rows, first);
    take_points(f, rows, first);
    if (f->used >= 2) {
        line_of(f);
        if (fit_joint(k, t, seed, &f->why))
            find_bias(f, rows, first, k);
    } else {
        st = err_set(err, ERR_FIT,
                     "%d of %d budgets %s a minimum inside: an exponent needs "
                     "two",
                     f->used, f->n, f->used == 1 ? "has" : "have");
    }
    free(rows);
    free(first);
    return st;
}

void isoflop_release(struct isoflop *f)
{
    for (int i = 0; i < f->n; i++)
        free(f->budgets[i].refused);
    free(f->budgets);
    free(f->points);
    free(f->why);
    *f = (struct isoflop){ .n = 0 };
}
