/* diagnose_rows.c - rows: left out, replicated, outlying, clustered. */
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fit/diagnose.h"

#define NAMED 8 /* rows named in one sentence */

/* --- rows that share something ------------------------------------------- */

/* Do rows a and b agree in every variable and grouping column? */
static int compare_config(const struct model *m, size_t a, size_t b)
{
    for (int k = 0; k < m->n_names; k++) {
        const struct model_name *nm = &m->names[k];

        if (nm->values && nm->values[a] != nm->values[b])
            return nm->values[a] < nm->values[b] ? -1 : 1;
        if (nm->group && nm->group[a] != nm->group[b])
            return nm->group[a] < nm->group[b] ? -1 : 1;
    }
    return 0;
}

struct sorter {
    const struct model *m;
    char **text; /* of the table's rows, or NULL: by configuration */
};

static int compare_rows(const void *a, const void *b, void *ctx)
{
    const struct sorter *s = ctx;
    const size_t i = *(const size_t *)a, j = *(const size_t *)b;
    const int c = s->text ? strcmp(s->text[s->m->source_row[i]],
                                   s->text[s->m->source_row[j]])
                          : compare_config(s->m, i, j);

    return c ? c : (i > j) - (i < j);
}

static bool same_unit(const struct sorter *s, size_t i, size_t j)
{
    return s->text ? strcmp(s->text[s->m->source_row[i]],
                            s->text[s->m->source_row[j]]) == 0
                   : compare_config(s->m, i, j) == 0;
}

/* Number the units that rows fall into; returns how many. */
static int number_units(int *unit, const struct model *m, char **text)
{
    struct sorter s = { m, text };
    size_t *order = mem_array(m->rows, sizeof *order);
    int n = 0;

    for (size_t i = 0; i < m->rows; i++)
        order[i] = i;
    qsort_r(order, m->rows, sizeof *order, compare_rows, &s);
    for (size_t i = 0; i < m->rows; i++) {
        if (i > 0 && !same_unit(&s, order[i], order[i - 1]))
            n++;
        unit[order[i]] = n;
    }
    free(order);
    return m->rows ? n + 1 : 0;
}

int diagnose_configs(int *unit, const struct model *m)
{
    return number_units(unit, m, NULL);
}

enum status diagnose_clusters(struct fit *f, const struct table *t,
                              const char *cluster, struct err *err)
{
    const int col = table_find(t, cluster);
    const char *near = table_nearest(t, cluster);

    if (col < 0 && strcmp(cluster, "row") == 0)
        return OK;
    if (col < 0 && strcmp(cluster, "config") != 0)
        return err_set(err, ERR_USAGE,
                       "--cluster: %s has no column '%s'%s%s%s", t->source,
                       cluster, near ? ", did you mean '" : "",
                       near ? near : "", near ? "'?" : "");
    f->unit = mem_array(f->m->rows, sizeof *f->unit);
    f->units = number_units(f->unit, f->m,
                            col < 0 ? NULL : t->cols[col].text);
    if (f->units < 2)
        return err_set(err, ERR_USAGE,
                       "--cluster %s: all rows are in one cluster", cluster);
    if (f->units < 10)
        fit_warn(f, FIT_FEW_POINTS,
                 "only %d clusters of %s: their bootstrap intervals are too "
                 "narrow",
                 f->units, cluster);
    return OK;
}

/* Sums of squares of residuals about their unit's mean and of the means. */
static void split_squares(const struct fit *f, const int *unit, int units,
                          double *within, double *between)
{
    double *sum = mem_array((size_t)units, sizeof *sum);
    double *count = mem_array((size_t)units, sizeof *count), mean = 0;

    for (size_t i = 0; i < f->m->rows; i++) {
        sum[unit[i]] += f->residual[i];
        count[unit[i]]++;
        mean += f->residual[i] / (double)f->m->rows;
    }
    *within = *between = 0;
    for (size_t i = 0; i < f->m->rows; i++) {
        const double m = sum[unit[i]] / count[unit[i]];

        *within += pow(f->residual[i] - m, 2);
        *between += pow(m - mean, 2);
    }
    free(sum);
    free(count);
}

/* --- replicates ---------------------------------------------------------- */

/* Rows of one configuration differ by noise alone, so the spread of their
 * means about the law can be compared with it. */
static void test_replicates(struct fit *f)
{
    int *unit = mem_array(f->m->rows, sizeof *unit);
    const int units = number_units(unit, f->m, NULL);
    const int pure = (int)f->m->rows - units, lack = f->dof - pure;
    double within, between, p;

    split_squares(f, unit, units, &within, &between);
    free(unit);
    if (pure < 1)
        return;
    f->noise = sqrt(within / pure);
    f->noise_dof = pure;
    if (lack < 1 || !(within > 0))
        return;
    p = gsl_cdf_fdist_Q((f->rss - within) / lack / (within / pure), lack,
                        pure);
    if (p < 1e-3)
        fit_warn(f, FIT_LACK_OF_FIT,
                 "configurations miss the law by more than their replicates "
                 "differ: F(%d, %d) = %.3g, p = %.2g; replicate sd %.3g, "
                 "residual sd %.3g",
                 lack, pure,
                 (f->rss - within) / lack / (within / pure), p, f->noise,
                 f->sigma);
}

/* --- a pattern in the residuals ------------------------------------------ */

/* Up to this many extra regressors: squares and products of the logarithms of
 * the variables. */
#define MAX_EXTRA 10

static int add_regressors(double *z, const struct model *m)
{
    double *x[4];
    int n_x = 0, n = 0;

    for (int k = 0; k < m->n_names && n_x < 4; k++) {
        const double *v = m->names[k].values;
        double mean = 0, sd = 0;

        if (!v)
            continue;
        x[n_x] = mem_array(m->rows, sizeof(double));
        for (size_t i = 0; i < m->rows; i++) {
            x[n_x][i] = v[i] > 0 ? log(v[i]) : v[i];
            mean += x[n_x][i] / (double)m->rows;
        }
        for (size_t i = 0; i < m->rows; i++)
            sd += pow(x[n_x][i] - mean, 2) / (double)m->rows;
        for (size_t i = 0; i < m->rows; i++)
            x[n_x][i] = sd > 0 ? (x[n_x][i] - mean) / sqrt(sd) : 0;
        n_x++;
    }
    for (int a = 0; a < n_x; a++)
        for (int b = a; b < n_x && n < MAX_EXTRA; b++, n++)
            for (size_t i = 0; i < m->rows; i++)
                z[(size_t)n * m->rows + i] = x[a][i] * x[b][i];
    for (int a = 0; a < n_x; a++)
        free(x[a]);
    return n;
}

/* Sum of squares of y explained by the columns of a, which are orthogonalized
 * one after the other; *rank counts those that add something. */
static double explained(double *a, int cols, double *y, size_t n, int *rank)
{
    double sum = 0;

    *rank = 0;
    for (int k = 0; k < cols; k++) {
        double *c = a + (size_t)k * n, before = 0, after = 0, dot = 0;

        for (size_t i = 0; i < n; i++)
            before += c[i] * c[i];
        for (int pass = 0; pass < 2; pass++)
            for (int j = 0; j < k; j++) {
                const double *q = a + (size_t)j * n;
                double s = 0;

                for (size_t i = 0; i < n; i++)
                    s += q[i] * c[i];
                for (size_t i = 0; i < n; i++)
                    c[i] -= s * q[i];
            }
        for (size_t i = 0; i < n; i++)
            after += c[i] * c[i];
        if (!(after > 1e-12 * before)) {
            memset(c, 0, n * sizeof *c);
            continue;
        }
        for (size_t i = 0; i < n; i++) {
            c[i] /= sqrt(after);
            dot += c[i] * y[i];
        }
        for (size_t i = 0; i < n; i++)
            y[i] -= dot * c[i];
        sum += dot * dot;
        ++*rank;
    }
    return sum;
}

/* Regress the residuals on the tangent of the law and on squares and products
 * of log variables: the latter explain nothing when the law is right (the idea
 * of Ramsey's RESET, 1969). */
static void test_pattern(struct fit *f)
{
    const struct model *m = f->m;
    const size_t n = m->rows;
    double *a, *y, *z, gain, left = 0, p;
    int tangent, rank, extra;

    if (m->loss.kind != FIT_L2 || fit_has(f, FIT_LACK_OF_FIT) || f->dof < 10)
        return;
    a = mem_array(n * (size_t)(f->cov.n + MAX_EXTRA), sizeof *a);
    y = mem_array(n, sizeof *y);
    memcpy(y, f->residual, n * sizeof *y);
    for (int k = 0; k < f->cov.n; k++)
        memcpy(a + (size_t)k * n, f->cov.jac + (size_t)f->cov.coord[k] * n,
               n * sizeof *a);
    z = a + (size_t)f->cov.n * n;
    extra = add_regressors(z, m);
    explained(a, f->cov.n, y, n, &tangent);
    memcpy(y, f->residual, n * sizeof *y);
    gain = explained(a, f->cov.n + extra, y, n, &rank);
    for (size_t i = 0; i < n; i++)
        left += y[i] * y[i];
    extra = rank - tangent;
    free(a);
    free(y);
    if (extra < 1 || (int)n - rank < 5 || !(left > 0) ||
        !(f->rss > 1e-20 * (double)n))
        return;
    p = gsl_cdf_fdist_Q(gain / extra / (left / ((double)n - rank)), extra,
                        (double)n - rank);
    if (p < 1e-3)
        fit_warn(f, FIT_LACK_OF_FIT,
                 "the residuals are not random: squares and products of the "
                 "log variables explain %.0f %% of them (p = %.2g), so the "
                 "form of the law is off",
                 100 * gain / (gain + left), p);
}

/* --- outliers ------------------------------------------------------------ */

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median_size(const double *r, size_t n)
{
    double *a = mem_array(n, sizeof *a), median;

    for (size_t i = 0; i < n; i++)
        a[i] = fabs(r[i]);
    qsort(a, n, sizeof *a, by_size);
    median = sorted_quantile(a, (int)n, 0.5);
    free(a);
    return median;
}

/* Residuals from a Huber fit about as wide as half the rows, on which outliers
 * pull less. */
static void robust_residuals(double *r, const struct fit *f)
{
    struct model robust = *f->m; /* the same rows under another loss */
    struct optimum o;
    struct model_work *w;

    memcpy(r, f->residual, f->m->rows * sizeof *r);
    if (f->m->loss.kind != FIT_L2)
        return;
    robust.loss = (struct fit_loss){ FIT_HUBER, median_size(r, f->m->rows) };
    optimum_from(&o, &robust, NULL, f->best.theta);
    w = model_work_new(&robust);
    model_law(w, o.theta, w->mu, NULL);
    for (size_t i = 0; i < f->m->rows; i++)
        r[i] = model_residual(&robust, i, w->mu[i]);
    model_work_free(w);
    optimum_release(&o);
}

/* Standard deviation from the median absolute residual, which outliers cannot
 * move, corrected for the parameters spent. */
static double robust_sd(const struct fit *f, const double *r)
{
    return 1.4826022 * median_size(r, f->m->rows) *
           sqrt((double)f->m->rows / fmax(f->dof, 1));
}

static void name_row(struct str *s, const struct fit *f, size_t i, int n,
                     double times)
{
    if (n < NAMED)
        str_addf(s, "%s%lld (%+.1f sd)", n ? ", " : "",
                 (long long)f->m->number[i], times);
    else if (n == NAMED)
        str_add(s, ", ...");
}

/* A row stands out when it is further away than chance would put any of the n
 * once in a thousand fits, and further than 4.5.  A standard deviation from a
 * median is worth 0.37 of its degrees of freedom. */
static void find_outliers(struct fit *f)
{
    const size_t n = f->m->rows;
    double *r = mem_array(n, sizeof *r), sd, limit;
    struct str s = { 0 };
    int found = 0;

    if (f->dof >= 5 && f->rss > 1e-20 * (double)n) {
        robust_residuals(r, f);
        sd = robust_sd(f, r);
        limit = fmax(4.5, gsl_cdf_tdist_Qinv(0.0005 / (double)n,
                                             fmax(0.37 * f->dof, 3)));
        for (size_t i = 0; sd > 0 && i < n; i++)
            if (fabs(r[i]) > limit * sd)
                name_row(&s, f, i, found++, r[i] / sd);
    }
    if (found)
        fit_warn(f, FIT_OUTLIERS, "%d row%s far from the law: %s %s", found,
                 found == 1 ? " is" : "s are", f->m->noun, str_text(&s));
    str_release(&s);
    free(r);
}

/* Rows that decide a direction alone. */
static void note_leverage(struct fit *f)
{
    struct str s = { 0 };
    int found = 0;

    for (size_t i = 0; i < f->m->rows; i++)
        if (f->cov.leverage[i] > 0.9 && f->dof > 0) {
            if (found < NAMED)
                str_addf(&s, "%s%lld", found ? ", " : "",
                         (long long)f->m->number[i]);
            found++;
        }
    if (found)
        fit_note(f, "the fit passes through %d row%s almost regardless of "
                    "the others (leverage above 0.9): %s %s%s",
                 found, found == 1 ? "" : "s", f->m->noun, str_text(&s),
                 found > NAMED ? ", ..." : "");
    str_release(&s);
}

/* --- clusters ------------------------------------------------------------ */

static bool is_used(const struct fit *f, const char *name,
                    const struct fit_spec *spec)
{
    const struct model *m = f->m;

    for (int k = 0; k < m->n_names; k++)
        if (strcmp(m->names[k].name, name) == 0 ||
            (m->names[k].column && strcmp(m->names[k].column, name) == 0))
            return true;
    return strstr(m->response, name) != NULL ||
           (spec->sigma && strcmp(spec->sigma, name) == 0);
}

/* Do rows of a unit differ in some variable?  Units of equal rows are
 * replicates, which test_replicates has dealt with. */
static bool units_vary(const struct model *m, const int *unit)
{
    for (size_t i = 1; i < m->rows; i++)
        for (size_t j = 0; j < i; j++)
            if (unit[i] == unit[j] && compare_config(m, i, j) != 0)
                return true;
    return false;
}

/* Analysis of variance of the residuals by a column's values. */
static void test_cluster(struct fit *f, const struct column *c, int tests)
{
    int *unit = mem_array(f->m->rows, sizeof *unit);
    const int n = (int)f->m->rows;
    const int units = number_units(unit, f->m, c->text);
    double within, between, ratio, p;

    if (units > 1 && units <= n / 2 && units_vary(f->m, unit)) {
        split_squares(f, unit, units, &within, &between);
        ratio = between / (units - 1) / (within / (n - units));
        p = gsl_cdf_fdist_Q(ratio, units - 1, n - units);
        if (p < 1e-4 / tests && within > 1e-20 * n)
            fit_warn(f, FIT_CLUSTERED_ROWS,
                     "rows of the same %s have residuals alike (F = %.3g, p = "
                     "%.1g), so %d rows count for fewer: intervals need "
                     "--cluster %s",
                     c->name, ratio, p, n, c->name);
    }
    free(unit);
}

/* Rows that repeat another to the last digit. */
static void count_copies(struct fit *f)
{
    int *unit = mem_array(f->m->rows, sizeof *unit), copies = 0;
    const int units = number_units(unit, f->m, NULL);
    bool *copy = mem_array(f->m->rows, sizeof *copy);

    for (size_t i = 1; units < (int)f->m->rows && i < f->m->rows; i++)
        for (size_t j = 0; j < i && !copy[i]; j++)
            copy[i] = unit[i] == unit[j] && f->m->y[i] == f->m->y[j];
    for (size_t i = 0; i < f->m->rows; i++)
        copies += copy[i];
    if (copies && f->rss > 1e-20 * (double)f->m->rows)
        fit_warn(f, FIT_CLUSTERED_ROWS,
                 "%d row%s another to the last digit: copies are no evidence, "
                 "and make intervals too narrow",
                 copies, copies == 1 ? " repeats" : "s repeat");
    free(unit);
    free(copy);
}

/* Words, or small whole numbers: what people number runs with.  A measured
 * quantity is no label. */
static bool is_label(const struct fit *f, const struct column *c)
{
    for (size_t i = 0; i < f->m->rows && !c->settled; i++) {
        const double v = c->num[f->m->source_row[i]];

        if (!isnan(v) && (v != floor(v) || v < 0 ||
                          v > 10 * (double)f->m->rows))
            return false;
    }
    return !c->settled;
}

static void find_clusters(struct fit *f, const struct table *t,
                          const struct fit_spec *spec)
{
    int tests = 0;

    count_copies(f);
    if (spec->cluster || f->dof < 5)
        return;
    for (int pass = 0; pass < 2; pass++)
        for (int k = 0; k < t->n_cols; k++) {
            if (is_used(f, t->cols[k].name, spec) ||
                !is_label(f, &t->cols[k]))
                continue;
            if (pass == 0)
                tests++;
            else
                test_cluster(f, &t->cols[k], tests);
        }
}

static void report_left_out(struct fit *f)
{
    const struct model *m = f->m;
    struct str s = { 0 };

    if (m->n_left_out == 0)
        return;
    for (int i = 0; i < m->n_left_out && i < NAMED; i++)
        str_addf(&s, "%s%s %lld: %s", i ? "; " : "", m->noun,
                 (long long)m->left_out[i].number, m->left_out[i].why);
    fit_warn(f, FIT_ROWS_LEFT_OUT, "%d row%s left out: %s%s", m->n_left_out,
             m->n_left_out == 1 ? " is" : "s are", str_text(&s),
             m->n_left_out > NAMED ? "; ..." : "");
    str_release(&s);
}

void diagnose_rows(struct fit *f, const struct table *t,
                   const struct fit_spec *spec)
{
    report_left_out(f);
    if (f->dof > 0) {
        test_replicates(f);
        test_pattern(f);
        find_outliers(f);
        note_leverage(f);
        find_clusters(f, t, spec);
    }
}
