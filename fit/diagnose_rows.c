/* diagnose_rows.c - rows: left out, replicated, outlying, clustered; columns that
 * the law has missed. */
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/order.h"
#include "base/str.h"
#include "fit/diagnose.h"
#include "fit/units.h"

#define NAMED 8 /* rows named in one sentence */

/* --- replicates ---------------------------------------------------------- */

/* Rows of one configuration differ by noise alone, so the spread of their
 * means about the law can be compared with it. */
static void test_replicates(struct fit *f)
{
    int *unit = mem_array(f->m->rows, sizeof *unit);
    const int units = units_number(unit, f->m, NULL);
    const int pure = (int)f->m->rows - units, lack = f->dof - pure;
    double within, between, p;

    units_split(&within, &between, f->residual, unit, units, f->m->rows);
    free(unit);
    if (pure < 1)
        return;
    f->noise = sqrt(within / pure);
    f->noise_dof = pure;
    if (lack < 1 || !(within > 0))
        return;
    p = gsl_cdf_fdist_Q((f->rss - within) / lack / (within / pure), lack, pure);
    if (p < 1e-3)
        fit_warn(f, FIT_LACK_OF_FIT,
                 "configurations miss the law by more than their replicates "
                 "differ: F(%d, %d) = %.3g, p = %.2g; replicate sd %.3g, "
                 "residual sd %.3g%s",
                 lack, pure, (f->rss - within) / lack / (within / pure), p,
                 f->noise, f->sigma,
                 f->unit ? ""
                         : "; --cluster config counts each "
                           "configuration once in the intervals");
}

/* --- outliers ------------------------------------------------------------ */

static double median_size(const double *r, size_t n)
{
    double *a = mem_array(n, sizeof *a), median;

    for (size_t i = 0; i < n; i++)
        a[i] = fabs(r[i]);
    qsort(a, n, sizeof *a, order_doubles);
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
        fit_note(f,
                 "the fit passes through %d row%s almost regardless of "
                 "the others (leverage above 0.9): %s %s%s",
                 found, found == 1 ? "" : "s", f->m->noun, str_text(&s),
                 found > NAMED ? ", ..." : "");
    str_release(&s);
}

/* --- the rest ------------------------------------------------------------- */

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

/* Standard deviations that were given are only believed as to their ratios;
 * whether they fit the scatter is worth knowing. */
static void note_deviations(struct fit *f)
{
    const double chi2 = f->rss, p = gsl_cdf_chisq_Q(chi2, f->dof);

    if (f->m->has_sigma && (p < 1e-3 || p > 1 - 1e-3))
        fit_note(f,
                 "rows scatter %.3g times as much as their standard "
                 "deviations say (chi-square %.4g on %d); intervals follow "
                 "the scatter",
                 f->sigma, chi2, f->dof);
}

/* --- a misspelt column ------------------------------------------------------------- */

/* A name that the column's was perhaps meant to be: it in another case, with
 * one letter more, or one letter of at least three wrong. */
static bool is_like(const char *name, const char *column)
{
    const size_t n = strlen(column);

    return strcasecmp(name, column) == 0 ||
           (strlen(name) == n + 1 && strncasecmp(name, column, n) == 0) ||
           (n >= 3 && text_nearest(name, &column, 1));
}

static bool is_variable(const struct model *m, const char *name)
{
    for (int i = 0; i < m->n_names; i++)
        if (m->names[i].is_var && strcmp(m->names[i].name, name) == 0)
            return true;
    return false;
}

/* Every name of a formula that is no column is a parameter, so a misspelt
 * column shows as one that the rows cannot tell. */
static void warn_misspelt(struct fit *f, const struct table *t)
{
    const struct model *m = f->m;

    if (m->law || !fit_has(f, FIT_NOT_IDENTIFIABLE))
        return;
    for (int i = 0; i < m->n_names; i++)
        for (int k = 0; k < t->n_cols; k++) {
            const struct column *c = &t->cols[k];

            if (!m->names[i].is_var && is_like(m->names[i].name, c->name) &&
                !is_variable(m, c->name) && t->rows && isfinite(c->num[0]))
                fit_warn(f, FIT_NOT_IDENTIFIABLE,
                         "%s is no column of %s and was fitted; did you mean "
                         "'%s'?",
                         m->names[i].name, t->source, c->name);
        }
}

void diagnose_rows(struct fit *f, const struct table *t,
                   const struct fit_spec *spec)
{
    warn_misspelt(f, t);
    diagnose_names(f, t);
    report_left_out(f);
    diagnose_pooled(f, t);
    if (f->dof > 0) {
        note_deviations(f);
        test_replicates(f);
        diagnose_alike(f, t, spec);
        diagnose_pattern(f);
        find_outliers(f);
        note_leverage(f);
    }
}
