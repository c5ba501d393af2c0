/* diagnose_alike.c - rows that err together: of one value of a column, one
 * after the other along a run, copies. */
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fit/diagnose.h"
#include "fit/units.h"

enum status diagnose_clusters(struct fit *f, const struct table *t,
                              const char *cluster, struct err *err)
{
    const bool run = strcmp(cluster, "run") == 0 && table_find(t, "run") < 0;
    const int col = table_find(t, run ? "run_id" : cluster);
    const char *near = table_nearest(t, cluster);

    if (col < 0 && strcmp(cluster, "row") == 0)
        return OK;
    if (col < 0 && strcmp(cluster, "config") != 0)
        return err_set(err, ERR_USAGE, "--cluster: %s has no column '%s'%s%s%s",
                       t->source, cluster, near ? ", did you mean '" : "",
                       near ? near : "", near ? "'?" : "");
    free(f->unit);
    f->unit = mem_array(f->m->rows, sizeof *f->unit);
    f->units = units_number(f->unit, f->m, col < 0 ? NULL : t->cols[col].text);
    if (f->units < 2)
        return err_set(err, ERR_USAGE,
                       "--cluster %s: all rows are in one cluster", cluster);
    if (f->units < 10)
        fit_warn(f, FIT_FEW_POINTS,
                 "only %d clusters of %s: intervals of so few rest on their "
                 "being alike",
                 f->units, cluster);
    return OK;
}

/* --- by the values of a column ------------------------------------------------ */

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
            if (unit[i] == unit[j] && units_compare(m, i, j) != 0)
                return true;
    return false;
}

/* How a column's values make residuals alike. */
struct alike {
    const struct column *column;
    double inflation; /* of the variance of a mean, about */
    bool is_serial;
    double statistic, p; /* F, or the lag-1 correlation */
};

/* Analysis of variance of the residuals by unit. */
static void test_means(struct alike *a, const struct fit *f, const int *unit,
                       int units)
{
    const int n = (int)f->m->rows;
    double *count = mem_array((size_t)units, sizeof *count), square = 0;
    double within, between, size, share;

    for (int i = 0; i < n; i++)
        count[unit[i]]++;
    for (int k = 0; k < units; k++)
        square += count[k] * count[k] / n;
    free(count);
    units_split(&within, &between, f->residual, unit, units, f->m->rows);
    if (!(within > 1e-20 * n))
        return;
    between /= units - 1;
    within /= n - units;
    a->statistic = between / within;
    a->p = gsl_cdf_fdist_Q(a->statistic, units - 1, n - units);
    size = (n - square) / (units - 1); /* rows a unit, as ANOVA counts them */
    share = (between - within) / (between + (size - 1) * within);
    a->inflation = 1 + (size - 1) * share;
}

/* A row's place in its unit, along some variable. */
struct place {
    int unit;
    double at;
    size_t row;
};

static int by_place(const void *x, const void *y)
{
    const struct place *a = x, *b = y;

    if (a->unit != b->unit)
        return a->unit - b->unit;
    return a->at != b->at ? (a->at > b->at ? 1 : -1)
                          : (a->row > b->row) - (a->row < b->row);
}

static bool follows(const struct place *p, size_t i)
{
    return i > 0 && p[i].unit == p[i - 1].unit;
}

/* The rows unit by unit in the order of the first variable that differs between
 * all rows of a unit, or NULL: none does.  The caller frees them. */
static struct place *places(const struct model *m, const int *unit)
{
    struct place *p = mem_array(m->rows, sizeof *p);

    for (int k = 0; k < m->n_names; k++) {
        const double *v = m->names[k].values;
        bool distinct = v != NULL;

        for (size_t i = 0; i < m->rows && v; i++)
            p[i] = (struct place){ unit[i], v[i], i };
        if (v)
            qsort(p, m->rows, sizeof *p, by_place);
        for (size_t i = 1; i < m->rows && distinct; i++)
            distinct = !follows(p, i) || p[i].at != p[i - 1].at;
        if (distinct)
            return p;
    }
    free(p);
    return NULL;
}

/* Correlation of a residual with the next one of its unit, about the unit's
 * mean; *pairs is how many there are. */
static double lag_correlation(const struct fit *f, const struct place *p,
                              int units, size_t *pairs)
{
    const size_t n = f->m->rows;
    double *mean = mem_array((size_t)units, sizeof *mean);
    double *count = mem_array((size_t)units, sizeof *count);
    double product = 0, square = 0, before = 0;

    for (size_t i = 0; i < n; i++) {
        mean[p[i].unit] += f->residual[p[i].row];
        count[p[i].unit]++;
    }
    *pairs = 0;
    for (size_t i = 0; i < n; i++) {
        const double r =
            f->residual[p[i].row] - mean[p[i].unit] / count[p[i].unit];

        square += r * r;
        if (follows(p, i)) {
            product += before * r;
            ++*pairs;
        }
        before = r;
    }
    free(mean);
    free(count);
    return square > 0 ? product / square : 0;
}

/* Are consecutive rows of a unit alike?  A correlation of n pairs that are
 * independent has the standard deviation 1 / sqrt(n). */
static void test_serial(struct alike *a, const struct fit *f, const int *unit,
                        int units)
{
    struct place *p = (int)f->m->rows < 4 * units ? NULL : places(f->m, unit);
    size_t pairs;
    double r;

    if (!p)
        return;
    r = lag_correlation(f, p, units, &pairs);
    free(p);
    a->is_serial = true;
    a->statistic = r;
    a->p = gsl_cdf_ugaussian_Q(r * sqrt((double)pairs));
    a->inflation = (1 + r) / fmax(1 - r, 1e-3);
}

/* Do the clusters that were named hold every unit whole? */
static bool is_held(const struct fit *f, const int *unit, int units)
{
    int *first = mem_array((size_t)units, sizeof *first);
    bool held = f->unit != NULL;

    for (int k = 0; k < units; k++)
        first[k] = -1;
    for (size_t i = 0; held && i < f->m->rows; i++) {
        int *of = &first[unit[i]];

        held = *of < 0 || *of == f->unit[i];
        *of = f->unit[i];
    }
    free(first);
    return held;
}

/* Keep the test when it is significant and weighs more than what was found. */
static void consider(struct alike *worst, const struct alike *a, int tests)
{
    if (a->column && a->p < 1e-4 / tests && a->inflation > worst->inflation)
        *worst = *a;
}

/* The first holds rows that are alike in any way, held by clusters or not; the
 * second those that need a warning. */
struct findings {
    struct alike any, bare;
};

static void test_column(struct findings *found, struct fit *f,
                        const struct column *c, int tests)
{
    int *unit = mem_array(f->m->rows, sizeof *unit);
    const int n = (int)f->m->rows;
    const int units = units_number(unit, f->m, c->text);

    if (units <= n / 2 && units_vary(f->m, unit)) {
        struct alike means = { .column = units > 1 ? c : NULL, .p = 1 };
        struct alike serial = { .column = c, .p = 1 }, here;

        if (units > 1)
            test_means(&means, f, unit, units);
        test_serial(&serial, f, unit, units);
        here = (struct alike){ .inflation = 1 };
        consider(&here, &means, tests);
        consider(&here, &serial, tests);
        if (here.inflation > found->any.inflation) {
            found->any = here;
            free(f->alike);
            f->alike = mem_array(f->m->rows, sizeof *f->alike);
            memcpy(f->alike, unit, f->m->rows * sizeof *unit);
            f->n_alike = units;
        }
        if (!is_held(f, unit, units))
            consider(&found->bare, &here, tests);
    }
    free(unit);
}

static bool is_copy(const struct table *t, size_t a, size_t b)
{
    for (int k = 0; k < t->n_cols; k++)
        if (strcmp(t->cols[k].text[a], t->cols[k].text[b]) != 0)
            return false;
    return true;
}

/* Rows that repeat another in every column of the table. */
static void count_copies(struct fit *f, const struct table *t)
{
    const struct model *m = f->m;
    int *unit = mem_array(m->rows, sizeof *unit), copies = 0;
    const int units = units_number(unit, m, NULL);

    for (size_t i = 1; units < (int)m->rows && i < m->rows; i++)
        for (size_t j = 0; j < i; j++)
            if (unit[i] == unit[j] && m->y[i] == m->y[j] &&
                is_copy(t, m->source_row[i], m->source_row[j])) {
                copies++;
                break;
            }
    if (copies && f->rss > 1e-20 * (double)m->rows)
        fit_warn(f, FIT_CLUSTERED_ROWS,
                 "%d row%s another in every column: copies are no evidence, "
                 "and make intervals too narrow",
                 copies, copies == 1 ? " repeats" : "s repeat");
    free(unit);
}

/* Words, or small whole numbers: what people number runs with.  A measured
 * quantity is no label. */
static bool is_label(const struct fit *f, const struct column *c)
{
    for (size_t i = 0; i < f->m->rows && !c->settled; i++) {
        const double v = c->num[f->m->source_row[i]];

        if (!isnan(v) &&
            (v != floor(v) || v < 0 || v > 10 * (double)f->m->rows))
            return false;
    }
    return !c->settled;
}

/* One advice: the column that widens the intervals most.  A column that was
 * named to be resampled by does not silence the others. */
static void warn_alike(struct fit *f, const struct alike *a)
{
    const char *name = a->column->name;
    char *measure = a->is_serial ? mem_printf("correlation of neighbours %.2f",
                                              a->statistic)
                                 : mem_printf("F = %.3g", a->statistic);

    fit_warn(
        f, FIT_CLUSTERED_ROWS,
        "%s of the same %s have residuals alike (%s, p = %.1g), so %d rows "
        "count for fewer: intervals need --cluster %s",
        a->is_serial ? "rows one after the other" : "rows", name, measure, a->p,
        (int)f->m->rows, name);
    f->warnings[f->n_warnings - 1].column = mem_strdup(name);
    free(measure);
}

void diagnose_alike(struct fit *f, const struct table *t,
                    const struct fit_spec *spec)
{
    struct findings found = { { .inflation = 1 }, { .inflation = 1 } };
    int tests = 0;

    count_copies(f, t);
    if (f->dof < 5)
        return;
    for (int pass = 0; pass < 2; pass++)
        for (int k = 0; k < t->n_cols; k++) {
            if (is_used(f, t->cols[k].name, spec) || !is_label(f, &t->cols[k]))
                continue;
            if (pass == 0)
                tests++;
            else
                test_column(&found, f, &t->cols[k], tests);
        }
    if (found.bare.column)
        warn_alike(f, &found.bare);
}
